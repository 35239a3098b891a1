"""What is remembered of a change to access, how that stands on the cluster now, and what would bring the old state back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from kafkaops.access import AclBinding
from kafkaops.compile import Desired
from kafkaops.findings import Finding, Location
from kafkaops.journal import Entry, Side
from kafkaops.kind import Reading
from kafkaops.kinds.acl import wire
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.acl.model import WantedAcls
from kafkaops.plan import Change

_NOWHERE = Location("", 0, 0, 0)


def sides(change: Change) -> tuple[Side, Side]:
    """Before and after: the whole binding, or nothing."""
    match change:
        case GrantAcl():
            return None, asdict(change.binding)
        case RevokeAcl():
            return asdict(change.binding), None
        case _:
            raise TypeError(change)


def standing(reading: Reading, entries: Sequence[Entry]) -> Mapping[str, Side]:
    """By the id of each entry: the binding, where it is live."""
    live = _live(reading)
    return {entry.id: asdict(_binding(entry)) if _binding(entry) in live else None for entry in entries}


def _live(reading: Reading) -> frozenset[AclBinding]:
    nobody = WantedAcls()
    return wire.read(reading.cluster, reading.described, nobody, patience=reading.patience).acls.bindings


def _binding(entry: Entry) -> AclBinding:
    return AclBinding(**(entry.before or entry.after or {}))


def restored(reading: Reading, entries: Sequence[Entry], wanted: Desired) -> tuple[Desired, tuple[Finding, ...]]:
    """`wanted` with the access of these principals as it was: all that they have now, without what was granted and with what was revoked."""
    principals = {_binding(entry).principal for entry in entries}
    kept = {one for one in _live(reading) if one.principal in principals}
    kept -= {_binding(entry) for entry in entries if entry.before is None}
    kept |= {_binding(entry) for entry in entries if entry.after is None}
    acls = WantedAcls(dict.fromkeys(kept, _NOWHERE), dict.fromkeys(principals, _NOWHERE))
    return replace(wanted, acls=acls), ()
