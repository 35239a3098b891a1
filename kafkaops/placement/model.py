"""Replicas over brokers and racks: what is there, what is asked for, and what would be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

PartitionId: TypeAlias = tuple[str, int]

Racks = Literal["auto", "on", "off"]
Strictness = Literal["soft", "hard"]
Kind = Literal["move", "grow", "shrink", "reorder"]
Goal = Literal["replicas", "disk", "budget", "count", "topic", "bytes"]
Rule = Literal["replicas", "broker", "rack", "pinned", "disk", "budget", "count", "topic", "bytes"]
Reason = Literal["replication-factor", "drain", "racks", "balance", "leaders"]


class CannotPlace(ValueError):  # noqa: N818  # reads as the sentence it stands for
    """There is no placement of what was asked for, or what was asked for cannot be meant."""


@dataclass(frozen=True, slots=True)
class BrokerInfo:
    """One that is not alive, or cordoned, keeps what it has and gets nothing new.

    weight         what it shall hold beside the others, replicas and bytes alike
    usable_bytes   free on its disks; None: not known, so no bound
    reserve_bytes  of those, what has to stay free while copies run: the old ones vanish only at the end
    """

    id: int
    rack: str | None = None
    alive: bool = True
    cordoned: bool = False
    weight: float = 1.0
    usable_bytes: int | None = None
    reserve_bytes: int = 0


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """`target_rf`: None, as many as now. One without replicas is to be created; every other one has a live replica in sync."""

    topic: str
    partition: int
    replicas: tuple[int, ...]
    isr: frozenset[int]
    size: int
    target_rf: int | None = None
    leader: int | None = None


@dataclass(frozen=True, slots=True)
class Goals:
    """What is asked for beside the rules: as many replicas as wanted, on different brokers that may hold them, spread over the racks.

    count           hard: as many replicas per broker as is fair, then the fewest bytes; soft: the fewest bytes, then as fair as that allows
    byte_tolerance  how far the bytes of a broker may be from its share: 0.1 is 10 %; None: as near as costs nothing
    topic_spread    hard: no broker holds more of a topic than its share, rounded up; soft: as near as costs nothing
    leaders         moved: only what moves anyway gets another preferred leader; all: any partition may, since order costs no data
    max_bytes       the most that may be copied; what had to move and does not fit is unmet
    move_overhead   what a move costs beside its bytes, so that empty partitions do not move for nothing
    """

    drain: frozenset[int] = frozenset()
    rack_aware: Racks = "auto"
    count: Strictness = "soft"
    byte_tolerance: float | None = None
    topic_spread: Literal["off", "soft", "hard"] = "soft"
    leaders: Literal["moved", "all"] = "moved"
    max_bytes: int | None = None
    move_overhead: int = 1 << 20


@dataclass(frozen=True, slots=True)
class Move:
    """One partition that changes. `bytes`: what is copied for it."""

    topic: str
    partition: int
    old: tuple[int, ...]
    new: tuple[int, ...]
    bytes: int
    kind: Kind
    reasons: tuple[Reason, ...]

    @property
    def id(self) -> PartitionId:
        return self.topic, self.partition

    @property
    def adding(self) -> tuple[int, ...]:
        return tuple(broker for broker in self.new if broker not in self.old)

    @property
    def removing(self) -> tuple[int, ...]:
        return tuple(broker for broker in self.old if broker not in self.new)


@dataclass(frozen=True, slots=True)
class Load:
    """What one broker holds: `leaders` counts the partitions that prefer it. `share`: the bytes that would be its fair part; 0 where it takes no part."""

    broker: int
    replicas: int
    bytes: int
    leaders: int
    share: int


@dataclass(frozen=True, slots=True)
class Score:
    """How good a placement is. `broken`: partitions that break a rule; `overshoot`: replicas that a broker holds beyond its share of their topic."""

    broken: int
    overshoot: int
    loads: tuple[Load, ...]

    @property
    def count_spread(self) -> int:
        return _spread([load.replicas for load in self.loads if load.share])

    @property
    def leader_spread(self) -> int:
        return _spread([load.leaders for load in self.loads if load.share])

    @property
    def byte_range(self) -> tuple[float, float]:
        """The least and the most that a broker holds, as parts of its share."""
        parts = [load.bytes / load.share for load in self.loads if load.share]
        return (min(parts), max(parts)) if parts else (1.0, 1.0)


def _spread(values: list[int]) -> int:
    return max(values) - min(values) if values else 0


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bytes that every placement with these goals copies at least, by three arguments.

    forced   missing replicas, replicas on brokers that are drained, and too many in a rack
    count    more replicas on a broker than is fair; as forced when counts are soft
    bytes    more or fewer bytes on a broker than tolerated; as forced without a tolerance
    optimal  proved: nothing that meets the same goals costs less, a move costing its bytes and `move_overhead`
    """

    forced: int
    count: int
    bytes: int
    optimal: bool

    @property
    def least(self) -> int:
        return max(self.forced, self.count, self.bytes)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A goal that was asked for and is not reached, and what stands in the way."""

    goal: Goal
    reason: str
    partitions: tuple[PartitionId, ...] = ()
    brokers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """`moves`: only partitions that change, in order of topic and partition."""

    moves: tuple[Move, ...]
    before: Score
    after: Score
    bound: Bounds
    unmet: tuple[Unmet, ...]

    @property
    def bytes(self) -> int:
        return sum(move.bytes for move in self.moves)


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a placement breaks, in a sentence."""

    rule: Rule
    sentence: str
    partition: PartitionId | None = None
    broker: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    broken: tuple[Broken, ...] = field(default=())
    score: Score = Score(0, 0, ())
    bytes: int = 0
