"""Whether what a saved plan leads to is live already."""

from __future__ import annotations

from collections.abc import Sequence

from kafkaops.kind import Landed, Reading
from kafkaops.kinds.acl import wire
from kafkaops.kinds.acl.model import WantedAcls, address
from kafkaops.plan import Action, Change, From, Value

_THERE = Value("there", "there", From.TOPIC)


def landed(reading: Reading, changes: Sequence[Change]) -> Landed:
    """Of each change, by its id: what is live otherwise than it leads to; nothing where it is as it shall be. An address names one binding and no other."""
    live = wire.read(reading.cluster, reading.described, WantedAcls(), patience=reading.patience).acls.bindings
    there = {address(binding) for binding in live}
    return {
        change.id: ()
        if (change.address in there) == (change.action is Action.GRANT)
        else (("", _THERE if change.address in there else None),)
        for change in changes
    }
