"""What slows a copy: lists of replicas on topics, rates on brokers. Ours are laid over what is there, and what was there comes back byte for byte.

A rate counts only for replicas that are listed and not in sync, on both ends (KIP-73): so the lists hold what is on its way now and nothing else, lest a broker that
recovers be slowed too (KIP-542).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import or_

from kafkaops.moving.path import Path, Replicas

LEADER_RATE = "leader.replication.throttled.rate"
FOLLOWER_RATE = "follower.replication.throttled.rate"
RATES = (LEADER_RATE, FOLLOWER_RATE)
LEADER_LIST = "leader.replication.throttled.replicas"
FOLLOWER_LIST = "follower.replication.throttled.replicas"
LISTS = (LEADER_LIST, FOLLOWER_LIST)
ALL = "*"


@dataclass(frozen=True, slots=True)
class Entries:
    """Of one topic: `partition:broker` each."""

    leader: frozenset[str] = frozenset()
    follower: frozenset[str] = frozenset()

    def __or__(self, other: Entries) -> Entries:
        return Entries(self.leader | other.leader, self.follower | other.follower)

    def of(self, key: str) -> frozenset[str]:
        return self.leader if key == LEADER_LIST else self.follower


def slowed(partition: int, at: Replicas, to: Replicas) -> Entries:
    """On one stretch of a path: whoever has a replica may be its leader, and what is new is copied."""
    came = (broker for broker in to if broker not in at)
    return Entries(*(frozenset(f"{partition}:{broker}" for broker in brokers) for brokers in (at, came)))


def slowed_on(partition: int, way: Path) -> Entries:
    return reduce(or_, (slowed(partition, at, to) for at, to in pairwise(way)), Entries())


def laid_over(now: str | None, before: str | None, ours: Collection[str], needed: Collection[str]) -> str | None:
    """The list with exactly those of `ours` that are `needed`, and with all that others have put there; `before` itself where that is what is left."""
    there = listed(now)
    if ALL in there:
        return now
    theirs = [entry for entry in there if entry not in ours or entry in listed(before)]
    wanted = [*theirs, *sorted(set(needed).difference(theirs), key=_numbers)]
    if wanted == listed(before):
        return before
    return ",".join(wanted) if wanted else None


def _numbers(entry: str) -> tuple[int, ...]:
    return tuple(map(int, entry.split(":")))


def listed(text: str | None) -> list[str]:
    return [entry.strip() for entry in (text or "").split(",") if entry.strip()]
