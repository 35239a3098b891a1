"""What has to be copied at least, by arguments that need no plan: if a plan copies no more, it is proved to be the least."""

from __future__ import annotations

from kafkaops.placement.band import Band
from kafkaops.placement.layout import Layout
from kafkaops.placement.problem import Problem, bits


def forced_each(problem: Problem) -> list[int]:
    """For each partition the bytes of replicas that are missing once those that the rules let stay have stayed."""
    return [
        size * (free - problem.most_kept(kind, home))
        for size, free, kind, home in zip(problem.size, problem.free, problem.kind, problem.home, strict=True)
    ]


def by_count(layout: Layout) -> int:
    """With the fairest counts, which `layout` has, a broker keeps at best its heaviest replicas. Where one more on one is as fair as on another, the heavier counts."""
    problem = layout.problem
    members, load, inverse = problem.members, layout.load, problem.inverse
    gaining = {(2 * load[broker] + 1) * inverse[broker] for broker in members}
    losing = {(2 * load[broker] - 1) * inverse[broker] for broker in members}
    heaviest = _heaviest_first(problem)
    kept, open_, next_ = 0, 0, []
    for broker in members:
        may_lose = (2 * load[broker] - 1) * inverse[broker] in gaining
        may_gain = (2 * load[broker] + 1) * inverse[broker] in losing
        least = max(0, load[broker] - problem.base_count[broker] - may_lose)
        kept += sum(heaviest[broker][:least])
        open_ += may_lose
        next_ += heaviest[broker][least : least + may_lose + may_gain]
    return whole(problem) - kept - sum(sorted(next_, reverse=True)[:open_])


def by_bytes(problem: Problem, band: Band) -> int:
    """What brokers lack to the band has to come, what they have beyond it has to go."""
    held = list(problem.base_bytes)
    for home, size in zip(problem.home, problem.size, strict=True):
        for broker in bits(home):
            held[broker] += size
    lacking = sum(max(0, band.lo[broker] - held[broker]) for broker in problem.members)
    kept = sum(min(held[broker], band.hi[broker]) - problem.base_bytes[broker] for broker in problem.members)
    return max(lacking, whole(problem) - kept)


def whole(problem: Problem) -> int:
    return sum(size * free for size, free in zip(problem.size, problem.free, strict=True))


def _heaviest_first(problem: Problem) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(problem.count)]
    for p in reversed(range(len(problem.home))):
        for broker in bits(problem.home[p]):
            found[broker].append(problem.size[p])
    return found
