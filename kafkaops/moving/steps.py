"""One partition's way from its old replicas to its new ones, and how far it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kafkaops.placement.model import Move

Replicas = tuple[int, ...]


def way(move: Move, racks: Mapping[int, str] | None = None, *, apart: bool = False) -> tuple[Replicas, ...]:
    """What to ask for, one after the other; the last is the new list. Each adds one replica at most: more at once flood the leader, and make every
    `acks=all` wait for all of them (KIP-352). One that leaves is replaced by one of its own rack where there is one, so that the spread holds meanwhile.

    apart  a replica goes in a step of its own, once the one that came is in sync: Kafka from 4.2 on ends a step that adds one without asking whether those
           that stay are in sync (KAFKA-19975), and a step that only lets go does ask
    """
    pairs = _pairs(move.adding, move.removing, racks or {})
    now, lists = move.old, list[Replicas]()
    arrive = sorted(move.adding, key=lambda one: (one in pairs, pairs.get(one) == move.old[0]))  # who leads leaves last
    for one in arrive:
        leaves = pairs.get(one)
        if leaves is None or apart:
            lists.append((*now, one))
        if leaves is not None:
            lists.append(tuple(one if other == leaves else other for other in now))
        now = lists[-1]
    if lists and (not apart or set(now) == set(move.new)):
        lists.pop()
    return (*lists, move.new)


def _pairs(arrive: Sequence[int], leave: Sequence[int], racks: Mapping[int, str]) -> dict[int, int]:
    """Arriving -> leaving."""
    pairs: dict[int, int] = {}
    left = list(leave)
    for same_rack in (True, False):
        for one in arrive:
            fits = [other for other in left if not same_rack or (one in racks and racks.get(one) == racks.get(other))]
            if one not in pairs and fits:
                pairs[one] = fits[0]
                left.remove(fits[0])
    return pairs


class Where(StrEnum):
    DONE = "done"
    COPYING = "copying"
    WAITING = "waiting"
    RETURNING = "returning"  # to where it was
    FOREIGN = "foreign"  # on its way to somewhere else
    CHANGED = "changed"  # neither where it was, nor on the way, nor where it shall be
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Standing:
    """`asked`: what it is on its way to, or what to ask for next (WAITING). `adding`: what is being copied. `hangs`: on a return that only a cancel ends (kafka-semantics 3.1)."""

    where: Where
    replicas: Replicas = ()
    asked: Replicas = ()
    adding: Replicas = ()
    hangs: bool = False


def standing(
    move: Move, lists: Sequence[Replicas], replicas: Replicas | None, listed: tuple[Replicas, Replicas, Replicas] | None
) -> Standing:
    """`replicas`: as Metadata shows them, None: no such partition. `listed`: target, adding and removing, as the controller lists them."""
    if replicas is None:
        return Standing(Where.GONE)
    return _at_rest(move, lists, replicas) if listed is None else _on_its_way(move, lists, replicas, *listed)


def _on_its_way(
    move: Move,
    lists: Sequence[Replicas],
    replicas: Replicas,
    target: Replicas,
    adding: Replicas,
    removing: Replicas,
) -> Standing:
    if target == move.old:
        hangs = bool(adding) and set(adding) <= set(removing)
        return Standing(Where.RETURNING, replicas, target, () if hangs else adding, hangs)
    return Standing(Where.COPYING if target in lists else Where.FOREIGN, replicas, target, adding)


def _at_rest(move: Move, lists: Sequence[Replicas], replicas: Replicas) -> Standing:
    """A cancel may have changed the order, so that only what is there counts."""
    if replicas == move.new:
        return Standing(Where.DONE, replicas)
    for number in range(len(lists) - 1, -1, -1):
        if set(lists[number]) == set(replicas):
            return Standing(Where.WAITING, replicas, lists[min(number + 1, len(lists) - 1)])
    if set(replicas) == set(move.old):
        return Standing(Where.WAITING, replicas, lists[0])
    return Standing(Where.CHANGED, replicas)
