"""ACLs, as a kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kafkaops.access import AclBinding
from kafkaops.cluster import Cluster, KafkaError
from kafkaops.compile import Desired
from kafkaops.findings import Finding
from kafkaops.kind import Kind, Reading
from kafkaops.kinds.acl import compare, describe, landed, memory, wire
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.acl.model import Guards, address, principal_address, resource
from kafkaops.plan import Action, Change, Difference, Phase


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
        reading.base.acls if reading.base else None,
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


def _wanted(desired: Desired, change: Change) -> object:
    acl = _binding(change)
    return acl in desired.acls.bindings, acl.principal in desired.acls.managed


def _speaks_of(finding: Finding, change: Change) -> bool:
    """What is told of a principal, or of all access at once, names each binding in what is to be consented to."""
    acl = _binding(change)
    match finding.code:
        case "KO3101":
            return change.action is Action.GRANT and f"first acl on {resource(acl)}" in finding.consent
        case "KO3102":
            return change.action is Action.REVOKE and f"last acl on {resource(acl)}" in finding.consent
        case "KO3107":
            rest = change.address.removeprefix(f"{finding.address}/")
            return change.action is Action.REVOKE and f"revoke {rest}" in finding.consent
        case "KO3902":
            return change.action is Action.REVOKE
        case _:
            return finding.address == change.address


def _binding(change: Change) -> AclBinding:
    assert isinstance(change, GrantAcl | RevokeAcl)
    return change.binding


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
    landed=landed.landed,
    restored=memory.restored,
    wanted=_wanted,
    speaks_of=_speaks_of,
)
