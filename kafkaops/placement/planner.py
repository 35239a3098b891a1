"""The planner: target lists that keep the rules, are as fair as asked for, and copy the least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kafkaops.placement import greedy, leaders
from kafkaops.placement.exact import Refiner, prices
from kafkaops.placement.judge import score
from kafkaops.placement.layout import Index, Layout
from kafkaops.placement.model import (
    Bounds,
    BrokerInfo,
    Goals,
    Kind,
    Move,
    PartitionId,
    PartitionInfo,
    Placement,
    Reason,
    Unmet,
)
from kafkaops.placement.problem import Problem

NOTHING: Mapping[PartitionId, tuple[int, ...]] = {}


def place(
    brokers: Sequence[BrokerInfo],
    partitions: Sequence[PartitionInfo],
    goals: Goals,
    *,
    pinned: Mapping[PartitionId, tuple[int, ...]] = NOTHING,
) -> Placement:
    """Where every replica shall be. `pinned`: partitions that are not touched, with the lists that they have or are on their way to.

    Raises CannotPlace for what cannot be meant and for more replicas than brokers; what is only not reached is in `unmet`.
    """
    stays = dict(pinned)
    unmet: list[Unmet] = []
    while True:
        problem = Problem(brokers, partitions, goals, stays)
        layout = Layout(problem, problem.topic_caps() if goals.topic_spread == "hard" else None)
        stuck = _begun(layout)
        if not stuck:
            break
        ids = [(problem.given[p].topic, problem.given[p].partition) for p in stuck]
        unmet.append(Unmet("disk", "no broker that may take a replica has room for it", tuple(sorted(ids))))
        stays |= {id_: problem.given[p].replicas for id_, p in zip(ids, stuck, strict=True)}
    refiner = Refiner(layout, Index(layout), prices(layout, counts_first=goals.count == "hard"))
    refiner.run()
    orders = leaders.ordered(layout, everything=goals.leaders == "all")
    targets = {(one.topic, one.partition): order for one, order in zip(problem.given, orders, strict=True)}
    moves = [
        _move(problem, p, order)
        for p, (one, order) in enumerate(zip(problem.given, orders, strict=True))
        if order != one.replicas
    ]
    forced = _forced(problem)
    proved = not problem.bounded and layout.caps is None
    return Placement(
        moves=tuple(sorted(moves, key=lambda move: move.id)),
        before=score(brokers, partitions, goals, {}, pinned),
        after=score(brokers, partitions, goals, targets, pinned),
        bound=Bounds(forced, forced, forced, optimal=proved),
        unmet=tuple(unmet),
    )


def place_new(
    brokers: Sequence[BrokerInfo],
    existing: Sequence[PartitionInfo],
    new: Sequence[PartitionInfo],
    goals: Goals,
) -> Mapping[PartitionId, tuple[int, ...]]:
    """Lists for partitions that are not there yet, of new topics or added ones: each topic spread over the brokers, and what is there not touched."""
    pinned = {(one.topic, one.partition): one.replicas for one in existing}
    wanted = replace(goals, topic_spread="hard", byte_tolerance=None, max_bytes=None, count="soft")
    return {move.id: move.new for move in place(brokers, [*existing, *new], wanted, pinned=pinned).moves}


def _begun(layout: Layout) -> list[int]:
    greedy.keep(layout)
    if layout.problem.goals.count == "hard":
        greedy.level(layout, layout.problem.fair_counts())
    return greedy.fill(layout)


def _forced(problem: Problem) -> int:
    return sum(
        size * (free - problem.most_kept(kind, home))
        for size, free, kind, home in zip(problem.size, problem.free, problem.kind, problem.home, strict=True)
    )


def _move(problem: Problem, p: int, new: tuple[int, ...]) -> Move:
    one = problem.given[p]
    added = len(set(new).difference(one.replicas))
    return Move(
        one.topic, one.partition, one.replicas, new, added * one.size, _kind(one, new), _reasons(problem, p, new)
    )


def _kind(one: PartitionInfo, new: tuple[int, ...]) -> Kind:
    if len(new) != len(one.replicas):
        return "grow" if len(new) > len(one.replicas) else "shrink"
    return "reorder" if set(new) == set(one.replicas) else "move"


def _reasons(problem: Problem, p: int, new: tuple[int, ...]) -> tuple[Reason, ...]:
    one = problem.given[p]
    found: list[Reason] = []
    if len(new) != len(one.replicas):
        found.append("replication-factor")
    if problem.goals.drain.intersection(one.replicas):
        found.append("drain")
    if problem.most_kept(problem.kind[p], problem.home[p]) < min(problem.free[p], problem.home[p].bit_count()):
        found.append("racks")
    if not found:
        found.append("leaders" if set(new) == set(one.replicas) else "balance")
    return tuple(found)
