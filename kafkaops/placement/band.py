"""Bytes within a band: what each broker should end with, and a layout that comes near to it by what brokers let go."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from kafkaops.placement.greedy import neediest, open_to, quotas, wanting
from kafkaops.placement.layout import NONE, Layout
from kafkaops.placement.problem import Problem, bits


@dataclass(frozen=True, slots=True)
class Band:
    """By broker: its share, and the fewest and the most bytes that are tolerated."""

    share: tuple[float, ...]
    lo: tuple[int, ...]
    hi: tuple[int, ...]

    def off(self, layout: Layout, broker: int) -> int:
        """Bytes above the band, or below it as a negative number."""
        held = layout.bytes[broker]
        return held - self.hi[broker] if held > self.hi[broker] else min(0, held - self.lo[broker])

    def violation(self, layout: Layout) -> int:
        return sum(abs(self.off(layout, broker)) for broker in layout.problem.members)


def band_of(share: Sequence[float], tolerance: float) -> Band:
    lo = tuple(-int(-(1 - tolerance) * one // 1) for one in share)
    hi = tuple(int((1 + tolerance) * one) for one in share)
    return Band(tuple(share), lo, tuple(max(few, many) for few, many in zip(lo, hi, strict=True)))


def open_band(share: Sequence[float], problem: Problem) -> Band:
    """Bytes do not matter, but the nearer to the share the better."""
    everything = sum(problem.size) + sum(problem.base_bytes)
    return Band(tuple(share), (0,) * problem.count, (everything + 1,) * problem.count)


def aims(layout: Layout, band: Band) -> list[float]:
    """What each broker should end with so that the least is moved: what it has, cut to the band, and the difference evened out in its rack."""
    problem = layout.problem
    aim = [0.0] * problem.count
    for rack in problem.racks:
        cut = {broker: float(min(max(layout.bytes[broker], band.lo[broker]), band.hi[broker])) for broker in rack}
        left = sum(band.share[broker] for broker in rack) - sum(cut.values())
        edge = band.hi if left > 0 else band.lo
        room = {broker: abs(edge[broker] - cut[broker]) for broker in rack}
        part = min(1.0, abs(left) / (sum(room.values()) or 1.0))
        for broker in rack:
            aim[broker] = cut[broker] + (edge[broker] - cut[broker]) * part
    return aim


def let_go(layout: Layout, fair: Sequence[float], aim: Sequence[float]) -> None:
    """A broker with too many replicas lets those go that lie side by side when sorted by weight and together are what it has too much."""
    problem = layout.problem
    allowed = quotas(problem, list(fair), layout)
    short = sum(1 << broker for broker in problem.members if layout.load[broker] < allowed[broker])
    over = [broker for broker in problem.members if layout.load[broker] > allowed[broker]]
    loose: dict[int, list[int]] = {broker: [] for broker in over}
    for p, at in enumerate(layout.at):
        for broker in bits(at):
            if broker in loose and short & ~layout.busy[p] & open_to(layout, p, without=broker):
                loose[broker].append(p)
    for broker in over:
        sizes = [problem.size[p] for p in loose[broker]]
        count = min(layout.load[broker] - allowed[broker], len(sizes))
        start = _side_by_side(sizes, count, layout.bytes[broker] - aim[broker])
        for p in loose[broker][start : start + count]:
            layout.take(p, broker)


def let_topics_go(layout: Layout, fair: Sequence[float], aim: Sequence[float]) -> None:
    """What a broker has of a topic beyond its share goes: of each topic as heavy ones as it takes to bring the broker to its bytes, in proportion."""
    problem = layout.problem
    allowed = quotas(problem, list(fair), layout)
    beyond: dict[int, dict[int, list[int]]] = {broker: {} for broker in problem.members}
    for p, at in enumerate(layout.at):
        row = problem.topic[p] * problem.count
        for broker in bits(at):
            if layout.on[row + broker] > layout.caps[row + broker]:
                beyond[broker].setdefault(problem.topic[p], []).append(p)
    for broker, topics in beyond.items():
        groups = [
            (replicas, layout.on[topic * problem.count + broker] - layout.caps[topic * problem.count + broker])
            for topic, replicas in sorted(topics.items())
        ]
        going = sum(count for _, count in groups)
        part = min(1.0, going / max(1, layout.load[broker] - allowed[broker]))
        amount = max(0.0, layout.bytes[broker] - aim[broker]) * part
        heights = range(_HEIGHTS * len(groups) + 1)
        height = bisect_left(heights, amount, key=lambda at: sum(problem.size[p] for p in _at_height(groups, at)))
        for p in list(_at_height(groups, min(height, heights[-1]))):
            layout.take(p, broker)


_HEIGHTS = 64


def _at_height(groups: Sequence[tuple[list[int], int]], height: int) -> Iterator[int]:
    """Of each topic so many, from the lightest at 0 to the heaviest; one topic after the other goes up by a step."""
    whole, ahead = divmod(height, max(1, len(groups)))
    for place, (replicas, count) in enumerate(groups):
        going = min(count, len(replicas))
        start = (len(replicas) - going) * (whole + (place < ahead)) // _HEIGHTS
        yield from replicas[start : start + going]


def _side_by_side(sizes: Sequence[int], count: int, amount: float) -> int:
    """Where to begin so that as many that follow each other come nearest to the amount."""
    sums = [0, *accumulate(sizes)]
    starts = range(len(sizes) - count + 1)
    start = bisect_left(starts, amount, key=lambda at: sums[at + count] - sums[at])
    if start and (start == len(starts) or _nearer(sums, start - 1, start, count, amount)):
        start -= 1
    return start


def _nearer(sums: Sequence[int], one: int, other: int, count: int, amount: float) -> bool:
    return abs(sums[one + count] - sums[one] - amount) < abs(sums[other + count] - sums[other] - amount)


def neediest_by_bytes(layout: Layout, p: int, allowed: Sequence[int], aim: Sequence[float]) -> int:
    """Of the brokers that may take a replica and have fewer than they should: the one that lacks most bytes. Counts alone decide when none has fewer."""
    best, most = NONE, 0.0
    for broker in bits(wanting(layout, p) & ~layout.busy[p]):
        if layout.load[broker] < allowed[broker]:
            lacks = aim[broker] - layout.bytes[broker]
            if (best == NONE or lacks > most) and layout.fits(p, broker):
                best, most = broker, lacks
    return neediest(layout, p) if best == NONE else best
