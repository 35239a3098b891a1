"""The least that has to be copied, exactly: as long as replicas can change places round a ring of brokers and less is copied after it, they do.

A placement is a flow from partitions over racks to brokers, so one without such a ring is the best that there is. What a partition does between two
brokers is one arc, so the graph has as many nodes as there are brokers, and one more: going through it, one broker ends with a replica more
and another with one less. What that costs grows with what a broker has, which is how counts come out as fair as racks allow.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kafkaops.placement.layout import NONE, Index, Layout


@dataclass(frozen=True, slots=True)
class Prices:
    """What one byte weighs beside one step of unfairness: the larger is decided first. `counts_only`: nothing goes just because fewer bytes are copied then."""

    byte: int
    uneven: int
    counts_only: bool = False


def prices(layout: Layout, *, counts_first: bool) -> Prices:
    problem = layout.problem
    if counts_first:
        return Prices(1, 2 * sum(problem.cost) * max(1, problem.count) + 1)
    steps = 2 * (len(problem.cost) + max(layout.load, default=0) + 1) * max(problem.inverse, default=1)
    return Prices(2 * steps + 1, 1)


class Refiner:
    """Cancels rings until none is left. `arcs[u][v]`: the partition that would go, `weights[u][v]` its price; the last row and column are the node between."""

    def __init__(self, layout: Layout, index: Index, prices: Prices) -> None:
        self.layout = layout
        self.index = index
        self.prices = prices
        self.members = layout.problem.members
        self.size = len(self.members)
        self.never = (
            4 * (prices.byte * (sum(layout.problem.cost) + 1) + prices.uneven * _steepest(layout)) * (self.size + 2)
        )
        self.arcs = [[NONE] * self.size for _ in range(self.size)]
        self.weights = [[self.never] * (self.size + 1) for _ in range(self.size + 1)]
        self.place = {broker: place for place, broker in enumerate(self.members)}
        self.stale = set(range(self.size))
        self.changed: set[int] = set()
        self.closed: set[tuple[int, int]] = set()

    def run(self) -> None:
        while ring := self._ring():
            self._turn(ring)

    def run_within(self, left: int) -> int:
        """From a layout that copies the least, towards fair counts, what gains most per byte first, as long as `left` lasts. Returns what is left of it."""
        done: set[int] = set()
        while True:
            self._refresh_all()
            fullest = [place for place in range(self.size) if place not in done]
            if not fullest:
                return left
            start = min(fullest, key=lambda place: (self.weights[self.size][place], place))
            path, price = self._best_path(start, left)
            if not path:
                done.add(start)
                continue
            for p, u, v in self._hops(path)[:-1]:
                self._touch(p)
                self.index.go(p, u, v)
                self._touch(p)
            self.changed.update(path)
            left -= price
            done.clear()

    def _best_path(self, start: int, left: int) -> tuple[list[int], int]:
        """To the broker where one more replica gains most for its price; a path that takes a partition twice is left out."""
        reach, before = shortest_paths([row[: self.size] for row in self.weights[: self.size]], start)
        loss = self.weights[self.size][start]
        found: list[tuple[float, int, list[int]]] = []
        for end in range(self.size):
            gain = -loss - self.weights[end][self.size]
            if end == start or gain <= 0 or reach[end] >= min(self.never // 2, (left + 1) * self.prices.byte):
                continue
            path = [end]
            while path[-1] != start:
                path.append(before[path[-1]])
            hops = self._hops(path[::-1])[:-1]
            if len({p for p, _, _ in hops}) == len(hops) and all(self.layout.may_go(*hop) for hop in hops):
                found.append((-gain / (reach[end] + self.prices.byte), end, path[::-1]))
        if not found:
            return [], 0
        _, end, best = min(found)
        return best, reach[end] // self.prices.byte

    def is_least(self) -> bool:
        return not self._ring()

    def _ring(self) -> list[int]:
        """Places in the order of the arcs, whose prices together are below zero; empty when there is no such ring."""
        self._refresh_all()
        return negative_ring(self.weights)

    def _refresh_all(self) -> None:
        """Rows of what moved; and where disks or shares of topics end, what others may send to where something came or went."""
        for place in range(self.size):
            self._refresh(place, range(self.size) if place in self.stale else sorted(self.changed))
        self.stale.clear()
        self.changed.clear()
        self._refresh_between()

    def _refresh(self, place: int, others: Iterable[int]) -> None:
        u = self.members[place]
        arcs, weights = self.arcs[place], self.weights[place]
        cheapest, price, byte = self.index.cheapest, self.layout.price, self.prices.byte
        least = 0 if self.prices.counts_only else -self.never
        for other in others:
            v = self.members[other]
            if v == u:
                continue
            p = NONE if (place, other) in self.closed else cheapest(u, v)
            arcs[other] = p
            weights[other] = self.never if p == NONE else max(least, price(p, u, v) * byte)

    def _refresh_between(self) -> None:
        load, inverse, uneven = self.layout.load, self.layout.problem.inverse, self.prices.uneven
        between = self.weights[self.size]
        for place, broker in enumerate(self.members):
            self.weights[place][self.size] = (2 * load[broker] + 1) * inverse[broker] * uneven
            between[place] = -(2 * load[broker] - 1) * inverse[broker] * uneven

    def _turn(self, ring: list[int]) -> None:
        """Once, and again while the same ring still pays."""
        while True:
            while shorter := self._shorter(ring):
                ring = shorter
            hops = self._hops(ring)
            barred = {(self.place[u], self.place[v]) for p, u, v in hops if not self.layout.may_go(p, u, v)}
            if (
                barred
            ):  # only where a disk or the share of a topic ends: crossing over asked more of it than the ring did
                self.closed |= barred
                self.stale.update(range(self.size))
                return
            for p, u, v in hops:
                self._touch(p)
                self.index.go(p, u, v)
                self._touch(p)
            if self.layout.limited or self.layout.strict:
                self.changed.update(place for place in ring if place < self.size)
                return
            for place in sorted({place for place in ring if place < self.size}):
                self._refresh(place, range(self.size))
                self.stale.discard(place)
            self._refresh_between()
            if self._sum(ring) >= 0:
                return

    def _sum(self, ring: list[int]) -> int:
        return sum(self.weights[here][there] for here, there in pairs_of(ring))

    def _hops(self, ring: list[int]) -> list[tuple[int, int, int]]:
        return [
            (self.arcs[here][there], self.members[here], self.members[there])
            for here, there in pairs_of(ring)
            if here < self.size and there < self.size
        ]

    def _touch(self, p: int) -> None:
        at = self.layout.at[p]
        self.stale.update(self.place[broker] for broker in self.members if at >> broker & 1)

    def _shorter(self, ring: list[int]) -> list[int]:
        """A partition that goes twice through the same rack: crossing over gives two rings with the same sum, of which one is below zero."""
        pairs = pairs_of(ring)
        before: dict[int, list[int]] = {}
        for last, (here, there) in enumerate(pairs):
            if self.size in (here, there):
                continue
            p = self.arcs[here][there]
            for start in before.setdefault(p, []):
                if not self._meet(pairs[start], (here, there)):
                    continue
                inner, outer = ring[start + 1 : last + 1], ring[: start + 1] + ring[last + 1 :]
                self._link(p, inner[-1], inner[0])
                if len(inner) > 1 and self._sum(inner) < 0:
                    return inner
                self._link(p, ring[start], there)
                return outer
            before[p].append(last)
        return []

    def _meet(self, one: tuple[int, int], other: tuple[int, int]) -> bool:
        """Whether two moves of one partition touch the same rack, or both change how it is spread."""
        rack = self.layout.problem.rack
        first, second = ({rack[self.members[place]] for place in pair} for pair in (one, other))
        return bool(first & second) or len(first) == len(second) == 2  # noqa: PLR2004  # from one rack to another

    def _link(self, p: int, here: int, there: int) -> None:
        """The same partition on another arc: not its cheapest perhaps, so the row is read anew later."""
        if here == there:
            return
        self.arcs[here][there] = p
        price = self.layout.price(p, self.members[here], self.members[there]) * self.prices.byte
        self.weights[here][there] = max(0, price) if self.prices.counts_only else price
        self.stale.add(here)


def pairs_of(ring: list[int]) -> list[tuple[int, int]]:
    return list(zip(ring, ring[1:] + ring[:1], strict=True))


def _steepest(layout: Layout) -> int:
    return 2 * (max(layout.load, default=0) + len(layout.at) + 1) * max(layout.problem.inverse, default=1)


def negative_ring(weights: list[list[int]]) -> list[int]:
    """Bellman and Ford from everywhere at once; a ring among the predecessors is one whose sum is below zero."""
    size = len(weights)
    reach = [0] * size
    before = [NONE] * size
    for _ in range(size + 1):
        changed = False
        for here, row in enumerate(weights):
            start = reach[here]
            for there, weight in enumerate(row):
                if start + weight < reach[there]:
                    reach[there] = start + weight
                    before[there] = here
                    changed = True
        if not changed:
            return []
        if ring := _ring_among(before):
            return ring
    return []


def shortest_paths(weights: list[list[int]], start: int) -> tuple[list[int], list[int]]:
    """What it costs to get from one node to each, and by which one gets there. There has to be no ring below zero."""
    size = len(weights)
    far = sum(max(map(abs, row)) for row in weights) + 1
    reach, before = [far] * size, [NONE] * size
    reach[start] = 0
    for _ in range(size):
        changed = False
        for here, row in enumerate(weights):
            if reach[here] == far:
                continue
            for there, weight in enumerate(row):
                if there != here and reach[here] + weight < reach[there]:
                    reach[there], before[there], changed = reach[here] + weight, here, True
        if not changed:
            break
    return reach, before


def _ring_among(before: list[int]) -> list[int]:
    seen = [0] * len(before)
    for start in range(len(before)):
        here = start
        while here != NONE and not seen[here]:
            seen[here] = start + 1
            here = before[here]
        if here != NONE and seen[here] == start + 1:
            ring = [here]
            step = before[here]
            while step != here:
                ring.append(step)
                step = before[step]
            return ring[::-1]
    return []
