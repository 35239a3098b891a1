"""The replica lists that a partition goes through on the way from its old one to its new one, and where on that way it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from kafkaops.cluster import Reassignment

Replicas: TypeAlias = tuple[int, ...]
Path: TypeAlias = tuple[Replicas, ...]


def path(old: Replicas, new: Replicas, *, apart: bool) -> Path:
    """From `old` to `new`: one replica is added at a time, none is let go before one came for it, and the leader goes last.

    More at once would flood the leader, and each one more in sync slows whoever writes with acks=all (KIP-352). `apart`: what is let go is a step of its own, for
    Kafka from 4.2 on, which ends a move without asking whether what stays is in sync (KAFKA-19975).
    """
    return tuple(_lists(old, new, apart=apart))


def _lists(old: Replicas, new: Replicas, *, apart: bool) -> Iterator[Replicas]:
    adds = [broker for broker in new if broker not in old]
    leaves = [broker for broker in reversed(old) if broker not in new]
    now = old
    yield now
    for number, added in enumerate(adds[:-1]):
        now = (*now, added)
        if number < len(new) - len(old) or not leaves:
            yield now
            continue
        if apart:
            yield now
        gone = leaves.pop(0)
        now = tuple(broker for broker in now if broker != gone)
        yield now
    if apart and adds and leaves:
        yield (*now, adds[-1])
    yield new


@dataclass(frozen=True, slots=True)
class Rests:
    """At this place of its path, and nothing of it is on its way. The last one: it is there."""

    place: int


@dataclass(frozen=True, slots=True)
class Moves:
    """On its way from one place to the next one, or to the one before."""

    origin: int
    place: int


@dataclass(frozen=True, slots=True)
class HalfUndone:
    """Taken back to this place, but for a cancel: what is added is removed (kafka-semantics 3.1)."""

    place: int


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """At rest on a list that is none of its path. `nearest`: the place with the same replicas in another order."""

    replicas: Replicas
    nearest: int | None


@dataclass(frozen=True, slots=True)
class Foreign:
    """On its way to a list that is none of its path, or from one."""

    target: Replicas


Standing: TypeAlias = Rests | Moves | HalfUndone | Elsewhere | Foreign


def standing(way: Path, replicas: Replicas, listed: Reassignment | None) -> Standing:
    if listed is None:
        return Rests(way.index(replicas)) if replicas in way else Elsewhere(replicas, _nearest(way, set(replicas)))
    origin = _nearest(way, set(listed.replicas) - set(listed.adding))
    if listed.target not in way or origin is None:
        return Foreign(listed.target)
    place = way.index(listed.target)
    if set(listed.adding) & set(listed.removing):
        return HalfUndone(place)
    return Moves(origin, place) if abs(origin - place) == 1 else Foreign(listed.target)


def _nearest(way: Path, replicas: set[int]) -> int | None:
    return next((place for place, one in enumerate(way) if set(one) == replicas), None)
