"""Who holds what, while it is being decided: replicas that may move, and what the cheapest move between two brokers is."""

from __future__ import annotations

from bisect import bisect_left, insort

from kafkaops.placement.problem import Problem, bits

NONE = -1


class Layout:
    """`at`: where each partition's replicas are, as a mask; `busy`: those and what it may not be put on. `load`, `bytes`: of each broker, with what is not to be touched.

    `on`: replicas by topic and broker, `caps` the share of each, where that matters; `strict`: no broker gets more, `limited`: disks may be full. `incoming`: bytes that a broker would receive.
    """

    def __init__(self, problem: Problem, caps: list[int]) -> None:
        self.problem = problem
        self.caps = caps
        self.strict = problem.goals.topic_spread == "hard"
        self.limited = problem.bounded
        self.at = [0] * len(problem.home)
        self.busy = list(problem.shut)
        self.load = list(problem.base_count)
        self.bytes = list(problem.base_bytes)
        self.incoming = [0] * problem.count
        self.on = [0] * (problem.topics * problem.count)
        for (topic, broker), replicas in problem.base_topics.items():
            if topic in problem.topic_index:
                self.on[problem.topic_index[topic] * problem.count + broker] = replicas

    def follow(self, other: Layout) -> None:
        """Put every replica where another layout of the same partitions has it."""
        for p, at in enumerate(other.at):
            for broker in bits(at):
                self.put(p, broker)

    def put(self, p: int, broker: int) -> None:
        problem = self.problem
        bit = 1 << broker
        self.at[p] |= bit
        self.busy[p] |= bit
        self.load[broker] += 1
        self.bytes[broker] += problem.size[p]
        self.on[problem.topic[p] * problem.count + broker] += 1
        if not problem.home[p] & bit:
            self.incoming[broker] += problem.size[p]

    def take(self, p: int, broker: int) -> None:
        problem = self.problem
        bit = 1 << broker
        self.at[p] ^= bit
        self.busy[p] ^= bit
        self.load[broker] -= 1
        self.bytes[broker] -= problem.size[p]
        self.on[problem.topic[p] * problem.count + broker] -= 1
        if not problem.home[p] & bit:
            self.incoming[broker] -= problem.size[p]

    def fits(self, p: int, broker: int) -> bool:
        return (not self.strict or self.within_share(p, broker)) and self.has_room(p, broker)

    def within_share(self, p: int, broker: int) -> bool:
        """Whether the broker may have one more of the topic."""
        place = self.problem.topic[p] * self.problem.count + broker
        return self.on[place] < self.caps[place]

    def has_room(self, p: int, broker: int) -> bool:
        room = self.problem.room[broker]
        if not self.limited or room is None or self.problem.home[p] >> broker & 1:
            return True
        return self.incoming[broker] + self.problem.size[p] <= room

    def across(self, p: int, source: int, target: int) -> bool:
        """Whether a replica may leave one rack for another."""
        problem = self.problem
        kind, at = problem.kind[p], self.at[p]
        return (at & problem.rack_mask[source]).bit_count() > problem.lo[kind][source] and (
            at & problem.rack_mask[target]
        ).bit_count() < problem.hi[kind][target]

    def may_go(self, p: int, u: int, v: int) -> bool:
        if not self.at[p] >> u & 1 or self.busy[p] >> v & 1:
            return False
        source, target = self.problem.rack[u], self.problem.rack[v]
        return (source == target or self.across(p, source, target)) and self.fits(p, v)

    def price(self, p: int, u: int, v: int) -> int:
        home = self.problem.home[p]
        return self.problem.cost[p] * ((home >> u & 1) - (home >> v & 1))

    def copied(self) -> int:
        return sum(
            cost * (at & ~home).bit_count()
            for cost, at, home in zip(self.problem.cost, self.at, self.problem.home, strict=True)
        )

    def bytes_copied(self) -> int:
        return sum(self.incoming)


class Index:
    """For each broker its replicas by what they weigh, apart by kind of partition: kept ones, new ones; and those that have a home to return to.

    Every list is sorted; the cheapest move is then the first of a list that may be made.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        problem = layout.problem
        brokers, kinds = range(problem.count), range(len(problem.lo))
        self.kept: list[list[list[int]]] = [[[] for _ in kinds] for _ in brokers]
        self.new: list[list[list[int]]] = [[[] for _ in kinds] for _ in brokers]
        self.home_from_new: list[list[list[int]]] = [[[] for _ in brokers] for _ in brokers]
        self.home_from_kept: list[list[list[int]]] = [[[] for _ in brokers] for _ in brokers]
        self.flexible = [lo != hi for lo, hi in zip(problem.lo, problem.hi, strict=True)]
        for p in range(len(layout.at)):
            for one in self._lists(p):
                one.append(p)

    def go(self, p: int, u: int, v: int) -> None:
        """One replica moves."""
        for one in self._lists(p):
            del one[bisect_left(one, p)]
        self.layout.take(p, u)
        self.layout.put(p, v)
        for one in self._lists(p):
            insort(one, p)

    def _lists(self, p: int) -> list[list[int]]:
        """Every list that a partition is in. A way home into another rack is none where a kind has as many in each rack whatever happens."""
        problem = self.layout.problem
        at, home, kind, rack = self.layout.at[p], problem.home[p], problem.kind[p], problem.rack
        away = list(bits(home & ~at))
        found: list[list[int]] = []
        for u in bits(at):
            kept = home >> u & 1
            found.append((self.kept if kept else self.new)[u][kind])
            ways = (self.home_from_kept if kept else self.home_from_new)[u]
            found += [ways[v] for v in away if self.flexible[kind] or rack[u] == rack[v]]
        return found

    def cheapest(self, u: int, v: int) -> int:
        """The partition whose replica goes from one broker to the other at the least price; NONE when none may."""
        may_go = self.layout.may_go
        for homecoming in (reversed(self.home_from_new[u][v]), self.home_from_kept[u][v]):
            for p in homecoming:
                if may_go(p, u, v):
                    return p
        apart = self.layout.problem.rack[u] != self.layout.problem.rack[v]
        kinds = [kind for kind, flexible in enumerate(self.flexible) if flexible or not apart]
        for kind in kinds:
            for p in self.new[u][kind]:
                if may_go(p, u, v):
                    return p
        return min((p for kind in kinds if (p := self._lightest(kind, u, v)) != NONE), default=NONE)

    def _lightest(self, kind: int, u: int, v: int) -> int:
        for p in self.kept[u][kind]:
            if self.layout.may_go(p, u, v):
                return p
        return NONE
