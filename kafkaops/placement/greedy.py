"""A first layout, near the best: what may stay stays, the heaviest first; what is missing goes to the broker that has least."""

from __future__ import annotations

from collections.abc import Callable

from kafkaops.placement.layout import NONE, Layout
from kafkaops.placement.problem import Problem, bits


def keep(layout: Layout) -> None:
    """All that the rules let stay; where a partition has to give one up, the fullest broker does."""
    problem = layout.problem
    crowded: list[int] = []
    for p, home in enumerate(problem.home):
        for broker in bits(home):
            layout.put(p, broker)
        if problem.most_kept(problem.kind[p], home) < home.bit_count():
            crowded.append(p)
    for p in reversed(crowded):
        most = problem.most_kept(problem.kind[p], problem.home[p])
        while broker_over(layout, p, most) != NONE:
            layout.take(p, broker_over(layout, p, most))


def broker_over(layout: Layout, p: int, most: int) -> int:
    """The one to give up, first from racks with too many; NONE when all may stay."""
    problem = layout.problem
    kind, at = problem.kind[p], layout.at[p]
    spare = over = 0
    for mask, lo, hi in zip(problem.rack_mask, problem.lo[kind], problem.hi[kind], strict=True):
        here = at & mask
        if here.bit_count() > hi:
            over |= here
        elif here.bit_count() > lo:
            spare |= here
    if not over and at.bit_count() <= most:
        return NONE
    return max(bits(over or spare), key=lambda broker: (layout.load[broker] * problem.inverse[broker], broker))


def spread_topics(layout: Layout) -> None:
    """What a broker has of a topic beyond its share goes, the lightest first."""
    problem = layout.problem
    for p, home in enumerate(problem.home):
        base = problem.topic[p] * problem.count
        for broker in bits(layout.at[p] & home):
            if layout.on[base + broker] > layout.caps[base + broker]:
                layout.take(p, broker)


def level(layout: Layout, fair: list[float]) -> None:
    """Brokers with more than is fair let the lightest go that another may take."""
    problem = layout.problem
    allowed = quotas(problem, fair, layout)
    short = sum(1 << broker for broker in problem.members if layout.load[broker] < allowed[broker])
    if not short:
        return
    over = {broker for broker in problem.members if layout.load[broker] > allowed[broker]}
    for p, home in enumerate(problem.home):
        if not over:
            return
        for broker in bits(layout.at[p] & home):
            if broker in over and short & ~layout.busy[p] & open_to(layout, p, without=broker):
                layout.take(p, broker)
                if layout.load[broker] <= allowed[broker]:
                    over.discard(broker)


def quotas(problem: Problem, fair: list[float], layout: Layout) -> list[int]:
    """Whole numbers: the fair shares rounded down, and one more where a broker holds more than that already."""
    allowed = [int(share + 1e-6) for share in fair]
    for rack in problem.racks:
        left = round(sum(fair[broker] for broker in rack)) - sum(allowed[broker] for broker in rack)
        for broker in sorted(rack, key=lambda index: (allowed[index] - layout.load[index], index))[: max(0, left)]:
            allowed[broker] += 1
    return allowed


def open_to(layout: Layout, p: int, *, without: int) -> int:
    """Brokers in whose racks the partition may have one more after the one without."""
    problem = layout.problem
    kind, at = problem.kind[p], layout.at[p] & ~(1 << without)
    found = 0
    for mask, hi in zip(problem.rack_mask, problem.hi[kind], strict=True):
        if (at & mask).bit_count() < hi:
            found |= mask
    source = problem.rack[without]
    if (at & problem.rack_mask[source]).bit_count() < problem.lo[kind][source]:
        found &= problem.rack_mask[source]
    return found


Choice = Callable[[Layout, int], int]


def fill(layout: Layout, choose: Choice) -> list[int]:
    """Missing replicas, the heaviest first. Returns the partitions for which no broker was found."""
    stuck: list[int] = []
    for p in reversed(range(len(layout.at))):
        while layout.at[p].bit_count() < layout.problem.free[p]:
            broker = choose(layout, p)
            if broker == NONE and layout.strict:
                broker = _beyond_share(layout, p, choose)
            if broker == NONE:
                stuck.append(p)
                break
            layout.put(p, broker)
    return stuck


def _beyond_share(layout: Layout, p: int, choose: Choice) -> int:
    """The share of a topic gives way to a replica that has to be somewhere."""
    layout.strict = False
    broker = choose(layout, p)
    layout.strict = True
    return broker


def neediest(layout: Layout, p: int) -> int:
    """Of the brokers that may take one: the one with the fewest replicas for its weight, then with the fewest of the topic, then with the fewest bytes."""
    problem = layout.problem
    load, inverse, on, base = layout.load, problem.inverse, layout.on, problem.topic[p] * problem.count
    best, found = NONE, (0, 0, 0)
    for broker in bits(wanting(layout, p) & ~layout.busy[p]):
        after = (2 * load[broker] + 1) * inverse[broker]
        if best != NONE and after > found[0]:
            continue
        key = (after, on[base + broker], layout.bytes[broker] * inverse[broker])
        if (best == NONE or key < found) and layout.fits(p, broker):
            best, found = broker, key
    return best


def wanting(layout: Layout, p: int) -> int:
    """Brokers in racks that may have one more, only in those that have to when no replica is left for others."""
    problem = layout.problem
    kind, at = problem.kind[p], layout.at[p]
    missing = must = may = 0
    for mask, lo, hi in zip(problem.rack_mask, problem.lo[kind], problem.hi[kind], strict=True):
        here = (at & mask).bit_count()
        if here < lo:
            missing += lo - here
            must |= mask
        if here < hi:
            may |= mask
    return must if missing >= problem.free[p] - at.bit_count() else may
