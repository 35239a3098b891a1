"""ACLs, as a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kafkaops.cluster import Cluster, KafkaError
from kafkaops.compile import Desired
from kafkaops.kind import Kind, Reading
from kafkaops.kinds.acl import compare, describe, memory, wire
from kafkaops.kinds.acl.changes import GrantAcl
from kafkaops.kinds.acl.model import Guards, address, principal_address, resource
from kafkaops.plan import Change, Difference, Phase


def _difference(reading: Reading) -> Difference:
    entry, want = reading.entry, reading.desired.acls
    live = wire.read(reading.cluster, reading.described, want, patience=reading.patience)
    own = frozenset({reading.own}) if reading.own else frozenset[str]()
    return compare.compare(
        want,
        live,
        Guards(
            authorizer=entry.authorizer,
            own=reading.own,
            guarded=entry.principals.guarded() | own,
            brokers_known=bool(entry.principals.brokers),
        ),
    )


def _addresses(desired: Desired) -> Iterator[str]:
    """Every declared binding, and every managed principal, whose pattern `acl/User:x/*` names it though it has nothing any more."""
    yield from map(address, desired.acls.bindings)
    yield from (f"{principal_address(principal)}/" for principal in desired.acls.managed)


def _only(desired: Desired, _: frozenset[str]) -> Desired:
    return desired  # what a removal takes depends on all other ACLs


def _perform(cluster: Cluster, _: Phase, changes: Sequence[Change]) -> Mapping[str, KafkaError | None]:
    return wire.perform(cluster, changes)


def _unseen(cluster: Cluster, brokers: Sequence[int], changes: Sequence[Change], patience: float) -> Mapping[str, str]:
    grants = [change for change in changes if isinstance(change, GrantAcl)]
    missing = wire.unseen(cluster, brokers, [change.binding for change in grants], patience=patience)
    return {
        change.id: f"broker {broker} does not show the grant of {change.binding.operation} on {resource(change.binding)} yet"
        for broker, bindings in missing.items()
        for change in grants
        if change.binding in bindings
    }


ACL = Kind(
    name="acl",
    managed=lambda entry: entry.manages_acls,
    addresses=_addresses,
    difference=_difference,
    only=_only,
    validate=wire.validate,
    perform=_perform,
    unseen=_unseen,
    describe=describe.describe,
    sides=memory.sides,
    standing=memory.standing,
    restored=memory.restored,
)
