"""The order of replicas, which costs no data: the first is the leader that is preferred."""

from __future__ import annotations

from kafkaops.placement.exact import negative_ring, pairs_of
from kafkaops.placement.layout import NONE, Layout
from kafkaops.placement.problem import bits

_OTHER, _NEW = 2, 1  # what it costs to prefer another than now, and one that has to copy first
_WORST = _OTHER + _NEW


def ordered(layout: Layout, *, everything: bool) -> list[tuple[int, ...]]:
    """The replicas of each partition by their ids. Leaders are as even as the replicas allow, then as few change as can be."""
    problem = layout.problem
    first = _Leaders(layout, everything=everything).chosen()
    return [
        _order(layout, p, [problem.index[replica] for replica in one.replicas], leader)
        for p, (one, leader) in enumerate(zip(problem.given, first, strict=True))
    ]


def _order(layout: Layout, p: int, now: list[int], leader: int) -> tuple[int, ...]:
    """The leader, then those that stay in the order that they have, then new ones."""
    there = layout.at[p] | layout.problem.held[p]
    order = [index for index in now if there >> index & 1]
    order += [index for index in bits(there) if index not in now]
    if leader != NONE and there >> leader & 1 and order[0] != leader:
        order.remove(leader)
        order.insert(0, leader)
    return tuple(layout.problem.ids[index] for index in order)


class _Leaders:
    """Each partition prefers one of its replicas: the same rings as for replicas, over brokers alone.

    first   the one that is preferred, for now
    stacks  by broker, other broker and what the change costs: partitions that could be led by the other. What has changed since stays until it comes up
    """

    def __init__(self, layout: Layout, *, everything: bool) -> None:
        self.problem = problem = layout.problem
        self.at = layout.at
        self.now = [problem.index[one.replicas[0]] if one.replicas else NONE for one in problem.given]
        self.first = list(self.now)
        self.load = list(problem.base_leaders)
        self.open = [p for p in range(len(self.at)) if self._is_open(p, everything=everything)]
        homeless = [p for p in self.open if not self._stays(p)]
        without = set(homeless)
        for p, leader in enumerate(self.first):
            if p not in without and leader != NONE:
                self.load[leader] += 1
        for p in homeless:
            leader = self.first[p] = self._least_led(p)
            self.load[leader] += 1

    def _stays(self, p: int) -> bool:
        return self.now[p] != NONE and bool(self.at[p] >> self.now[p] & 1)

    def _is_open(self, p: int, *, everything: bool) -> bool:
        """A preferred leader that is down stays preferred: it leads again when it is back."""
        if not self.at[p] or (self.now[p] != NONE and self.problem.held[p] >> self.now[p] & 1):
            return False
        return everything or self.at[p] != self.problem.home[p] or not self._stays(p)

    def _least_led(self, p: int) -> int:
        load, inverse = self.load, self.problem.inverse
        return min(bits(self.at[p]), key=lambda v: ((2 * load[v] + 1) * inverse[v], self._cost(p, v), v))

    def _cost(self, p: int, v: int) -> int:
        if self.now[p] == v:
            return 0
        return (_OTHER if self._stays(p) else 0) + (0 if self.problem.home[p] >> v & 1 else _NEW)

    def chosen(self) -> list[int]:
        members = self.problem.members
        self.stacks: dict[tuple[int, int], list[list[int]]] = {
            (u, v): [[] for _ in range(2 * _WORST + 1)] for u in members for v in members if u != v
        }
        for p in reversed(self.open):
            self._offer(p)
        while ring := negative_ring(self._weights()):
            self._turn([(members[a], members[b]) for a, b in pairs_of(ring) if len(members) not in (a, b)])
        return self.first

    def _offer(self, p: int) -> None:
        u = self.first[p]
        cost = self._cost(p, u)
        for v in bits(self.at[p]):
            if v != u:
                self.stacks[u, v][self._cost(p, v) - cost + _WORST].append(p)

    def _cheapest(self, u: int, v: int) -> tuple[list[int], int]:
        for place, stack in enumerate(self.stacks[u, v]):
            price = place - _WORST
            while stack:
                p = stack[-1]
                if self.first[p] == u and self._cost(p, v) - self._cost(p, u) == price:
                    return stack, price
                stack.pop()
        return [], 0

    def _weights(self) -> list[list[int]]:
        members, load, inverse = self.problem.members, self.load, self.problem.inverse
        size = len(members)
        uneven = 2 * _WORST * (size + 2)
        steepest = uneven * (2 * max(load) + 2 * len(self.open) + 2) * max(inverse)
        never = 4 * (steepest + uneven) * (size + 2)
        weights = [[never] * (size + 1) for _ in range(size + 1)]
        for here, u in enumerate(members):
            for there, v in enumerate(members):
                if u != v:
                    stack, price = self._cheapest(u, v)
                    weights[here][there] = price if stack else never
            weights[here][size] = (2 * load[u] + 1) * inverse[u] * uneven
            weights[size][here] = -(2 * load[u] - 1) * inverse[u] * uneven
        return weights

    def _turn(self, hops: list[tuple[int, int]]) -> None:
        moving = [self._cheapest(u, v)[0].pop() for u, v in hops]
        for p, (u, v) in zip(moving, hops, strict=True):
            self.first[p] = v
            self.load[u] -= 1
            self.load[v] += 1
        for p in moving:
            self._offer(p)
