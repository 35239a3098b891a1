"""What copying replicas costs: bytes, time at a throttle, and the disks that hold them. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kafkaops.placement.model import Move, PartitionId

_MIB = 2**20
_RATES = (25 * _MIB, 50 * _MIB, 100 * _MIB, 200 * _MIB, 400 * _MIB)
_PRICES = 2


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one broker copies, and what clients write meanwhile into the partitions that it copies, in bytes and bytes per second; `written` None: not measured."""

    broker: int
    receives: int
    sends: int
    written_in: float | None
    written_out: float | None

    def seconds(self, throttle: int) -> float:
        """Until its copies have caught up: a throttle slows what is written meanwhile too (KIP-73). Infinite where it never does."""
        return max(_seconds(self.receives, throttle, self.written_in), _seconds(self.sends, throttle, self.written_out))


def _seconds(size: int, throttle: int, written: float | None) -> float:
    if not size:
        return 0.0
    rate = throttle - (written or 0.0)
    return size / rate if rate > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Disk:
    """The volume of one log dir, in bytes."""

    broker: int
    total: int
    usable: int


@dataclass(frozen=True, slots=True)
class Fullness:
    """Of a broker's fullest log dir, as parts of 1. `after`: with every copy of its broker, since Kafka chooses the dir, and before any old replica is gone."""

    broker: int
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Price:
    """`seconds` None: at this throttle copies never finish."""

    throttle: int
    seconds: int | None


@dataclass(frozen=True, slots=True)
class Movement:
    """All the moves of a plan, taken together.

    bytes       to copy
    added       replicas that are copied; `removed`: those that go
    leaders     partitions whose preferred leader becomes another one
    throttle    bytes per second and broker; None: as fast as brokers can
    seconds     about how long at that throttle; None: never, or not known without one
    never       the brokers on which clients write as fast as the throttle lets replicas follow
    racks       the fewest racks that a moved partition is on, before and after; None where brokers have none
    fullest     of all log dirs that receive something
    bound       bytes that any placement with the same goals copies at least; `proved`: none copies less than this one
    window      when copies may start, in words
    windows     how many of them the copies take, about; None where there is no window, or no time is known
    """

    bytes: int
    added: int
    removed: int
    partitions: int
    leaders: int
    traffic: tuple[Traffic, ...]
    throttle: int | None
    seconds: int | None
    never: tuple[int, ...]
    prices: tuple[Price, ...]
    racks: tuple[int, int] | None
    fullest: Fullness | None
    bound: int
    proved: bool
    window: str = ""
    windows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the costs depend on beside the moves.

    leaders  who leads each partition now
    written  bytes per second into each partition; a partition that is missing was not measured
    racks    broker -> rack, where all have one
    """

    throttle: int | None
    leaders: Mapping[PartitionId, int] = field(default_factory=dict)
    written: Mapping[PartitionId, float] = field(default_factory=dict)
    racks: Mapping[int, str] = field(default_factory=dict)
    disks: tuple[Disk, ...] = ()
    bound: int = 0
    proved: bool = False
    window: str = ""
    window_seconds: int | None = None


def movement(moves: Iterable[Move], terms: Terms) -> Movement:
    """What these moves come to; there must be some."""
    moved = sorted(moves, key=lambda move: move.id)
    traffic = _traffic(moved, terms)
    seconds = None if terms.throttle is None else _longest(traffic, terms.throttle)
    return Movement(
        bytes=sum(move.bytes for move in moved),
        added=sum(len(move.adding) for move in moved),
        removed=sum(len(move.removing) for move in moved),
        partitions=len(moved),
        leaders=sum(move.old[:1] != move.new[:1] for move in moved),
        traffic=traffic,
        throttle=terms.throttle,
        seconds=seconds,
        never=()
        if terms.throttle is None
        else tuple(one.broker for one in traffic if math.isinf(one.seconds(terms.throttle))),
        prices=_prices(traffic, terms.throttle),
        racks=_racks(moved, terms.racks),
        fullest=_fullest(traffic, terms.disks),
        bound=terms.bound,
        proved=terms.proved,
        window=terms.window,
        windows=math.ceil(seconds / terms.window_seconds) if seconds and terms.window_seconds else None,
    )


def _traffic(moves: Iterable[Move], terms: Terms) -> tuple[Traffic, ...]:
    """Followers fetch from the leader, so that is who sends."""
    receives, sends = Counter[int](), Counter[int]()
    written_in, written_out = Counter[int](), Counter[int]()
    unknown = set[int]()
    for move in moves:
        if not move.adding:
            continue
        size, leader = move.bytes // len(move.adding), terms.leaders.get(move.id, move.old[0])
        rate = terms.written.get(move.id)
        for broker in move.adding:
            receives[broker] += size
            sends[leader] += size
            written_in[broker] += math.ceil(rate or 0)
            written_out[leader] += math.ceil(rate or 0)
        if rate is None:
            unknown |= {leader, *move.adding}
    return tuple(
        Traffic(
            broker,
            receives[broker],
            sends[broker],
            None if broker in unknown else written_in[broker],
            None if broker in unknown else written_out[broker],
        )
        for broker in sorted(receives | sends)
    )


def _fullest(traffic: Iterable[Traffic], disks: Iterable[Disk]) -> Fullness | None:
    receives = {one.broker: one.receives for one in traffic if one.receives}
    filled = [
        Fullness(
            disk.broker,
            (disk.total - disk.usable) / disk.total,
            (disk.total - disk.usable + receives[disk.broker]) / disk.total,
        )
        for disk in disks
        if disk.broker in receives and disk.total > 0
    ]
    return max(filled, key=lambda disk: (disk.after, -disk.broker), default=None)


def _longest(traffic: Iterable[Traffic], throttle: int) -> int | None:
    longest = max((one.seconds(throttle) for one in traffic), default=0.0)
    return None if math.isinf(longest) else math.ceil(longest)


def _prices(traffic: tuple[Traffic, ...], throttle: int | None) -> tuple[Price, ...]:
    """What the next faster rates would take."""
    faster = [rate for rate in _RATES if rate > (throttle or 0)][:_PRICES]
    return tuple(Price(rate, _longest(traffic, rate)) for rate in faster) if traffic else ()


def _racks(moves: Iterable[Move], racks: Mapping[int, str]) -> tuple[int, int] | None:
    if not racks:
        return None
    spread = [
        (len({racks[one] for one in move.old if one in racks}), len({racks[one] for one in move.new if one in racks}))
        for move in moves
    ]
    return min(before for before, _ in spread), min(after for _, after in spread)
