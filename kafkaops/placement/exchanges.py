"""Replicas that change places in pairs, which leaves the counts of brokers alone; one goes without a partner where counts are as fair after it.

Choosing which brings all bytes into a band is a knapsack, so this is good, not proved: what is paid is compared with a bound.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from kafkaops.placement.band import Band
from kafkaops.placement.layout import NONE, Layout
from kafkaops.placement.problem import bits

# How many are looked at. More take time, and gained nothing that could be measured.
_HEAVY = 12
_LIGHT = 6
_PARTNERS = 8
_WIDER = 16  # times as many, where nothing else helps
_SAMPLE = 60
_LITTLE = 0.02  # of a share: worth a longer look
_NEAR = 0.002  # of what two brokers are apart: not worth a step
_STEPS = 40  # of a repair for each broker, and of evening out


class Shelves:
    """Each broker's replicas by weight, kept ones apart from new ones."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.kept: list[list[int]] = [[] for _ in range(layout.problem.count)]
        self.new: list[list[int]] = [[] for _ in range(layout.problem.count)]
        for p, (at, home) in enumerate(zip(layout.at, layout.problem.home, strict=True)):
            for broker in bits(at):
                (self.kept if home >> broker & 1 else self.new)[broker].append(p)

    def go(self, p: int, u: int, v: int) -> None:
        one = self._shelf(p, u)
        del one[bisect_left(one, p)]
        insort(self._shelf(p, v), p)
        self.layout.take(p, u)
        self.layout.put(p, v)

    def _shelf(self, p: int, broker: int) -> list[int]:
        return (self.kept if self.layout.problem.home[p] >> broker & 1 else self.new)[broker]


@dataclass(frozen=True, slots=True)
class Exchange:
    """`p` goes from u to v, and `q` back, or none. `price`: what is copied more; `gain`: bytes of violation that are gone."""

    p: int
    q: int
    u: int
    v: int
    price: int
    gain: int

    def better_than(self, other: Exchange | None) -> bool:
        if other is None:
            return True
        return (self.price * other.gain, -self.gain) < (other.price * self.gain, -other.gain)


class Exchanges:
    """Repairs a layout step by step, the cheapest per byte first; `left`: what may still be copied."""

    def __init__(self, layout: Layout, band: Band, left: int | None = None) -> None:
        self.layout = layout
        self.band = band
        self.left = left
        self.shelves = Shelves(layout)
        self.size = layout.problem.size
        self.wide = len(layout.problem.members)

    def repair(self) -> None:
        """Until all bytes are within the band, or nothing helps any more, or for very long nothing has."""
        stuck: set[int] = set()
        members = self.layout.problem.members
        for _ in range(_STEPS * len(members)):
            off = {broker: self.band.off(self.layout, broker) for broker in members if broker not in stuck}
            worst = max(off, key=lambda broker: (abs(off[broker]), -broker), default=NONE)
            if worst == NONE or not off[worst]:
                return
            found = self._best_for(worst, off[worst], 1)
            if found is None and abs(off[worst]) < _LITTLE * self.band.share[worst]:
                found = self._looked_longer_for(worst, off[worst])
            if found is None:
                stuck.add(worst)
                continue
            self._do(found)
            stuck.clear()

    def _best_for(self, broker: int, off: int, width: int) -> Exchange | None:
        best: Exchange | None = None
        members, held, share = self.layout.problem.members, self.layout.bytes, self.band.share
        others = [other for other in members if other != broker and share[other]]
        others.sort(key=lambda other: (held[other] / share[other] * (1 if off > 0 else -1), other))
        seen = 0
        for other in others:
            u, v = (broker, other) if off > 0 else (other, broker)
            found = self._best_between(u, v, abs(off), width)
            if found is not None:
                seen += 1
                if found.better_than(best):
                    best = found
            if seen == _PARTNERS:
                break
        return best

    def _looked_longer_for(self, broker: int, off: int) -> Exchange | None:
        if not self.wide:
            return None
        self.wide -= 1
        return self._best_of_a_topic(broker, off) if self.layout.strict else self._best_for(broker, off, _WIDER)

    def _best_of_a_topic(self, broker: int, off: int) -> Exchange | None:
        """Two of the same topic leave its shares alone: the last resort where every broker has what it may of most topics."""
        best: Exchange | None = None
        held, topic, size = self.layout.bytes, self.layout.problem.topic, self.size
        mine: dict[int, list[int]] = {}
        for p in (*self.shelves.new[broker], *self.shelves.kept[broker]):
            mine.setdefault(topic[p], []).append(p)
        for other in self.layout.problem.members:
            u, v = (broker, other) if off > 0 else (other, broker)
            limit = min(held[u] - self.band.lo[u], self.band.hi[v] - held[v])
            if other == broker or limit <= 0:
                continue
            for one in (*self.shelves.new[other], *self.shelves.kept[other]):
                for another in mine.get(topic[one], ()):
                    p, q = (another, one) if off > 0 else (one, another)
                    gain = min(size[p] - size[q], abs(off))
                    if (
                        gain > 0
                        and size[p] - size[q] <= limit
                        and self._may_leave(p, u, v)
                        and self._may_swap(q, v, u, p)
                    ):
                        price = self.layout.price(p, u, v) + self.layout.price(q, v, u)
                        best = self._better(best, Exchange(p, q, u, v, price, gain))
        return best

    def _best_between(self, u: int, v: int, want: int, width: int) -> Exchange | None:
        """No broker may leave the band for it that is within."""
        limit = min(self.layout.bytes[u] - self.band.lo[u], self.band.hi[v] - self.layout.bytes[v])
        if limit <= 0:
            return None
        want = min(want, limit)
        best: Exchange | None = None
        alone = self._as_fair_alone(u, v)
        lightest = min((self.size[one[0]] for one in (self.shelves.new[v], self.shelves.kept[v]) if one), default=0)
        for heavy in (self.shelves.new[u], self.shelves.kept[u]):
            for p in self._near(heavy, want if alone else want + lightest, width * _HEAVY):
                if alone and self.size[p] <= limit and self.layout.may_go(p, u, v):
                    best = self._better(
                        best, Exchange(p, NONE, u, v, self.layout.price(p, u, v), min(self.size[p], want))
                    )
                if not self._may_leave(p, u, v):
                    continue
                for light in (self.shelves.new[v], self.shelves.kept[v]):
                    for q in self._partners(light, limit, p, (u, v), width * _LIGHT):
                        gain = min(self.size[p] - self.size[q], want)
                        price = self.layout.price(p, u, v) + self.layout.price(q, v, u)
                        best = self._better(best, Exchange(p, q, u, v, price, gain))
        return best

    def _better(self, best: Exchange | None, found: Exchange) -> Exchange | None:
        if found.gain <= 0 or (self.left is not None and found.price > self.left):
            return best
        return found if found.better_than(best) else best

    def _near(self, heavy: list[int], want: int, width: int) -> Iterator[int]:
        """From the weight that is wanted downwards, and a few above it that a partner makes fit."""
        at = bisect_right(heavy, want, key=self.size.__getitem__)
        yield from reversed(heavy[max(0, at - width) : at])
        yield from heavy[at : at + width]

    def _partners(self, light: list[int], limit: int, p: int, way: tuple[int, int], width: int) -> Iterator[int]:
        """The lightest that are heavy enough, lighter than p."""
        u, v = way
        size = self.size
        start = bisect_left(light, size[p] - limit, key=size.__getitem__)
        fit = (q for q in islice(light, start, start + 4 * width) if size[q] < size[p] and self._may_swap(q, v, u, p))
        yield from islice(fit, width)

    def _may_leave(self, p: int, u: int, v: int) -> bool:
        """As may_go, but for the share of the topic, which a partner of the same topic may make room for."""
        layout = self.layout
        if layout.busy[p] >> v & 1:
            return False
        rack = layout.problem.rack
        return rack[u] == rack[v] or layout.across(p, rack[u], rack[v])

    def _may_swap(self, q: int, v: int, u: int, p: int) -> bool:
        layout = self.layout
        if p == q or not self._may_leave(q, v, u):
            return False
        if layout.strict and layout.problem.topic[p] == layout.problem.topic[q]:
            return layout.has_room(p, v) and layout.has_room(q, u)
        return layout.fits(p, v) and layout.fits(q, u)

    def _as_fair_alone(self, u: int, v: int) -> bool:
        load, inverse = self.layout.load, self.layout.problem.inverse
        return (2 * load[v] + 1) * inverse[v] <= (2 * load[u] - 1) * inverse[u]

    def _do(self, one: Exchange) -> None:
        self.shelves.go(one.p, one.u, one.v)
        if one.q != NONE:
            self.shelves.go(one.q, one.v, one.u)
        if self.left is not None:
            self.left -= one.price

    def spread_topics(self) -> None:
        """What a broker has of a topic beyond its share changes places with what it may have, at the least price and within the band."""
        layout, problem = self.layout, self.layout.problem
        over = {place for place, held in enumerate(layout.on) if held > layout.caps[place]}
        topics = {place // problem.count for place in over}
        of_topic: dict[int, list[int]] = {topic: [] for topic in topics}
        for p, topic in enumerate(problem.topic):
            if topic in topics:
                of_topic[topic].append(p)
        for place in sorted(over):
            topic, u = divmod(place, problem.count)
            while problem.takes >> u & 1 and layout.on[place] > layout.caps[place]:
                found = self._cheapest_of_topic(of_topic[topic], u)
                if found is None:
                    break
                self._do(found)

    def _cheapest_of_topic(self, partitions: Sequence[int], u: int) -> Exchange | None:
        layout, topic = self.layout, self.layout.problem.topic
        best: Exchange | None = None
        for p in partitions:
            if not layout.at[p] >> u & 1:
                continue
            for v in layout.problem.members:
                if v == u or not layout.within_share(p, v) or not self._may_leave(p, u, v):
                    continue
                if self._as_fair_alone(u, v) and self._stays_within(p, NONE, u, v) and layout.has_room(p, v):
                    best = self._better(best, Exchange(p, NONE, u, v, layout.price(p, u, v), 1))
                for light in (self.shelves.new[v], self.shelves.kept[v]):
                    near = bisect_left(light, self.size[p], key=self.size.__getitem__)
                    for q in (*light[:_LIGHT], *light[max(0, near - _HEAVY) : near + _HEAVY]):
                        if topic[q] == topic[p]:
                            continue
                        if self._stays_within(p, q, u, v) and self._may_swap(q, v, u, p):
                            price = layout.price(p, u, v) + layout.price(q, v, u)
                            best = self._better(best, Exchange(p, q, u, v, price, 1))
        return best

    def _stays_within(self, p: int, q: int, u: int, v: int) -> bool:
        """Whether both brokers are no farther off the band than before."""
        shift = self.size[p] - (0 if q == NONE else self.size[q])
        held, band = self.layout.bytes, self.band
        return (shift <= 0 or (held[u] - shift >= band.lo[u] and held[v] + shift <= band.hi[v])) and (
            shift >= 0 or (held[v] + shift >= band.lo[v] and held[u] - shift <= band.hi[u])
        )

    def trim(self) -> None:
        """What was paid for and is not needed goes back, alone or for a lighter one, while all bytes stay within the band."""
        problem, layout = self.layout.problem, self.layout
        for p in reversed(range(len(layout.at))):
            if not problem.home[p] & ~layout.at[p]:
                continue
            for v in bits(layout.at[p] & ~problem.home[p]):
                back = [found for u in bits(problem.home[p] & ~layout.at[p]) if (found := self._back(p, u, v))]
                if back:
                    self._do(min(back, key=lambda one: (one.price, one.v)))

    def _back(self, p: int, u: int, v: int) -> Exchange | None:
        """p, new on v, returns to u; what u gives for it may be lighter by as much as both have left in the band, and a new one costs nothing."""
        layout, size = self.layout, self.size[p]
        slack = min(self.band.hi[u] - layout.bytes[u], layout.bytes[v] - self.band.lo[v])
        if not self._may_leave(p, v, u):
            return None
        if size <= slack and self._as_fair_alone(v, u) and layout.may_go(p, v, u):
            return Exchange(p, NONE, v, u, layout.price(p, v, u), 1)
        back = min(layout.bytes[u] - self.band.lo[u], self.band.hi[v] - layout.bytes[v])
        for light, least, most in (
            (self.shelves.new[u], size - slack, size + max(0, back)),
            (self.shelves.kept[u], size - slack, size - 1),
        ):
            start = bisect_left(light, least, key=self.size.__getitem__)
            for q in islice(light, start, start + 2 * _HEAVY):
                if self.size[q] > most:
                    break
                price = layout.price(p, v, u) + layout.price(q, u, v)
                if price < 0 and self._may_swap(q, u, v, p):
                    return Exchange(p, q, v, u, price, 1)
        return None

    def even_out(self) -> None:
        """New replicas change places, which costs nothing, until bytes are as near to their shares as that brings them."""
        layout, share, members = self.layout, self.band.share, self.layout.problem.members
        held = [broker for broker in members if self.shelves.new[broker]]
        done: set[tuple[int, int]] = set()
        for _ in range(_STEPS * len(held)):
            held.sort(key=lambda broker: (layout.bytes[broker] - share[broker], broker))
            evened = None
            for pair in _far_apart(held):
                if pair not in done:
                    if self._evened(*pair):
                        evened = pair
                        break
                    done.add(pair)
            if evened is None:
                return
            done = {pair for pair in done if not {*pair} & {*evened}}

    def _evened(self, u: int, v: int) -> bool:
        layout, share = self.layout, self.band.share
        apart = (layout.bytes[u] - share[u]) - (layout.bytes[v] - share[v])
        if apart <= _NEAR * share[u]:
            return False
        found: tuple[float, int, int] | None = None
        mine, theirs = self.shelves.new[u], self.shelves.new[v]
        wanted = bisect_right(mine, apart / 2, key=self.size.__getitem__)
        others = mine[: max(0, wanted - 2 * _HEAVY)]
        for p in (*mine[max(0, wanted - 2 * _HEAVY) : wanted + _LIGHT], *others[:: max(1, len(others) // _SAMPLE)]):
            if not self._may_leave(p, u, v):
                continue
            near = bisect_left(theirs, self.size[p] - apart / 2, key=self.size.__getitem__)
            for q in theirs[max(0, near - 2) : near + 2]:
                rest = abs(self.size[p] - self.size[q] - apart / 2)
                if (
                    rest < apart / 2 * (1 - _NEAR)
                    and (found is None or rest < found[0])
                    and self._free_swap(p, q, u, v)
                ):
                    found = (rest, p, q)
        if found is not None:
            self._do(Exchange(found[1], found[2], u, v, 0, 1))
        return found is not None

    def _free_swap(self, p: int, q: int, u: int, v: int) -> bool:
        """Topics do not become worse for it."""
        layout, problem = self.layout, self.layout.problem
        if not self._may_swap(q, v, u, p) or layout.price(p, u, v) + layout.price(q, v, u):
            return False
        if problem.goals.topic_spread == "off" or problem.topic[p] == problem.topic[q]:
            return True
        return self._no_worse_for_topic(p, u, v) and self._no_worse_for_topic(q, v, u)

    def _no_worse_for_topic(self, p: int, u: int, v: int) -> bool:
        layout, row = self.layout, self.layout.problem.topic[p] * self.layout.problem.count
        return layout.within_share(p, v) or layout.on[row + v] < layout.on[row + u]


def _far_apart(sorted_: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The fullest with the emptiest first."""
    for place, high in enumerate(reversed(sorted_)):
        for low in sorted_[: len(sorted_) - 1 - place]:
            yield high, low
