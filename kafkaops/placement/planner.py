"""The planner: target lists that keep the rules, are as fair as asked for, and copy the least."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kafkaops.placement import bounds, greedy, leaders
from kafkaops.placement.band import Band, aims, band_of, let_go, let_topics_go, neediest_by_bytes, open_band
from kafkaops.placement.exact import Refiner, prices
from kafkaops.placement.exchanges import Exchanges
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
    found = _found(brokers, partitions, goals, pinned)
    if goals.max_bytes is not None and found.layout.bytes_copied() > goals.max_bytes:
        found = _within_budget(found, brokers, partitions, goals, pinned)
    layout, problem = found.layout, found.layout.problem
    Exchanges(layout, found.band).even_out()
    orders = leaders.ordered(layout, everything=goals.leaders == "all")
    targets = {(one.topic, one.partition): order for one, order in zip(problem.given, orders, strict=True)}
    moves = [
        _move(problem, p, order)
        for p, (one, order) in enumerate(zip(problem.given, orders, strict=True))
        if order != one.replicas
    ]
    unmet = (*found.unmet, *_not_reached(found))
    return Placement(
        moves=tuple(sorted(moves, key=lambda move: move.id)),
        before=score(brokers, partitions, goals, {}, pinned),
        after=score(brokers, partitions, goals, targets, pinned),
        bound=_bounds(found, met=not unmet),
        unmet=unmet,
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


@dataclass(frozen=True, slots=True)
class _Found:
    """`least`: what the best layout costs when bytes per broker do not matter; it cannot cost less when they do."""

    layout: Layout
    band: Band
    least: int
    unmet: tuple[Unmet, ...]


def _found(
    brokers: Sequence[BrokerInfo],
    partitions: Sequence[PartitionInfo],
    goals: Goals,
    pinned: Mapping[PartitionId, tuple[int, ...]],
) -> _Found:
    """Partitions for which disks have no room stay as they are."""
    stays = dict(pinned)
    unmet: list[Unmet] = []
    while True:
        problem = Problem(brokers, partitions, goals, stays)
        caps = problem.topic_caps() if goals.topic_spread != "off" else []
        layout = Layout(problem, caps)
        if goals.byte_tolerance is None:
            stuck = _fewest_bytes(layout)
        else:
            with _mended_later(layout):
                stuck = _fewest_bytes(layout)
        if not stuck:
            break
        ids = tuple(sorted((problem.given[p].topic, problem.given[p].partition) for p in stuck))
        unmet.append(Unmet("disk", "no broker that may take a replica has room for it", ids))
        stays |= {(problem.given[p].topic, problem.given[p].partition): problem.given[p].replicas for p in stuck}
    share = problem.fair_bytes()
    least = layout.copied()
    if goals.byte_tolerance is None:
        band = open_band(share, problem)
        if layout.strict:
            Exchanges(layout, band).spread_topics()
    else:
        band = band_of(share, goals.byte_tolerance)
        if band.violation(layout) or (layout.strict and _beyond_shares(layout)):
            layout = _within(band, layout)
    return _Found(layout, band, least, tuple(unmet))


@contextmanager
def _mended_later(layout: Layout) -> Iterator[None]:
    """Shares of topics do not matter for a while: exchanges that keep bytes within a band see to both."""
    strict, layout.strict = layout.strict, False
    yield
    layout.strict = strict


def _fewest_bytes(layout: Layout) -> list[int]:
    """Exact as long as neither disks nor shares of topics end somewhere. Returns the partitions for which there is no room."""
    problem = layout.problem
    counts_first = problem.goals.count == "hard"
    greedy.keep(layout)
    if layout.strict:
        greedy.spread_topics(layout)
    if counts_first:
        greedy.level(layout, problem.fair_counts())
    stuck = greedy.fill(layout, greedy.neediest)
    if not stuck:
        Refiner(layout, Index(layout), prices(layout, counts_first=counts_first)).run()
    return stuck


def _within(band: Band, fewest: Layout) -> Layout:
    """What goes from a broker is what it has too much; where that is not near the bound, the layout that copies least is mended too, and the better is taken."""
    problem = fewest.problem
    layout = _let_go(band, problem, fewest.caps)
    if layout is None:
        _mend(band, fewest)
        return fewest
    near = layout.bytes_copied() <= bounds.by_bytes(problem, band) * _NEAR_ENOUGH
    hopeless = band.violation(fewest) > _HOPELESS * sum(band.share)
    if hopeless or (near and _off(layout, band) == (0, 0)):
        return layout
    _mend(band, fewest)
    return min(layout, fewest, key=lambda layout: (_off(layout, band), layout.copied()))


_NEAR_ENOUGH = 1.01
_HOPELESS = 0.2  # of all bytes are where they may not be: to mend that takes long and has never been better


def _off(layout: Layout, band: Band) -> tuple[int, int]:
    return len(_beyond_shares(layout)) if layout.strict else 0, band.violation(layout)


def _let_go(band: Band, problem: Problem, caps: list[int]) -> Layout | None:
    """None when disks have no room for it."""
    layout = Layout(problem, caps)
    greedy.keep(layout)
    aim = aims(layout, band)
    fair = problem.fair_counts()
    if layout.strict:
        let_topics_go(layout, fair, aim)
    let_go(layout, fair, aim)
    allowed = greedy.quotas(problem, fair, layout)
    if greedy.fill(layout, lambda layout, p: neediest_by_bytes(layout, p, allowed, aim)):
        return None
    only_counts = replace(prices(layout, counts_first=problem.goals.count == "hard"), counts_only=True)
    Refiner(layout, Index(layout), only_counts).run()
    _mend(band, layout)
    return layout


def _mend(band: Band, layout: Layout) -> None:
    exchanges = Exchanges(layout, band)
    if layout.strict:
        exchanges.spread_topics()
    exchanges.repair()
    exchanges.trim()


def _within_budget(
    whole: _Found,
    brokers: Sequence[BrokerInfo],
    partitions: Sequence[PartitionInfo],
    goals: Goals,
    pinned: Mapping[PartitionId, tuple[int, ...]],
) -> _Found:
    """What has to move comes first, the lightest partitions before others; what is left goes where it gains most per byte."""
    assert goals.max_bytes is not None
    problem = whole.layout.problem
    left, given_up = goals.max_bytes, []
    for one, needed in zip(problem.given, bounds.forced_each(problem), strict=True):
        if needed <= left:
            left -= needed
        else:
            given_up.append((one.topic, one.partition))
    stays = dict(pinned) | {
        (one.topic, one.partition): one.replicas for one in problem.given if (one.topic, one.partition) in {*given_up}
    }
    soft = replace(
        goals, count="soft", topic_spread="off" if goals.topic_spread == "off" else "soft", byte_tolerance=None
    )
    found = _found(brokers, partitions, soft, stays)
    layout = Layout(Problem(brokers, partitions, goals, stays), found.layout.caps)
    layout.follow(found.layout)
    if goals.count == "hard":
        left = Refiner(layout, Index(layout), prices(layout, counts_first=False)).run_within(left)
    band = found.band
    if goals.byte_tolerance is not None:
        band = band_of(band.share, goals.byte_tolerance)
        Exchanges(layout, band, left).repair()
    reason = f"all that was asked for copies {whole.layout.bytes_copied()} bytes, {goals.max_bytes} may be copied"
    unmet = (*found.unmet, Unmet("budget", reason, tuple(sorted(given_up))))
    return _Found(layout, band, layout.copied(), unmet)


def _bounds(found: _Found, *, met: bool) -> Bounds:
    layout, problem = found.layout, found.layout.problem
    goals = problem.goals
    forced = sum(bounds.forced_each(problem))
    free = not layout.limited and not layout.strict
    count = bounds.by_count(layout) if goals.count == "hard" and free and met else forced
    bytes_ = bounds.by_bytes(problem, found.band) if goals.byte_tolerance is not None else forced
    exact = met and layout.copied() == found.least and (free or _is_least_without_limits(layout))
    return Bounds(forced, max(forced, count), max(forced, bytes_), optimal=exact)


def _is_least_without_limits(layout: Layout) -> bool:
    """Not even with endless disks, and topics anywhere, would less be copied."""
    relaxed = _relaxed(layout)
    counts_first = layout.problem.goals.count == "hard"
    return Refiner(relaxed, Index(relaxed), prices(relaxed, counts_first=counts_first)).is_least()


def _is_fair_without_limits(layout: Layout) -> bool:
    relaxed = _relaxed(layout)
    only_counts = replace(prices(relaxed, counts_first=True), counts_only=True)
    return Refiner(relaxed, Index(relaxed), only_counts).is_least()


def _relaxed(layout: Layout) -> Layout:
    relaxed = Layout(layout.problem, layout.caps)
    relaxed.follow(layout)
    relaxed.strict = relaxed.limited = False
    return relaxed


def _beyond_shares(layout: Layout) -> tuple[int, ...]:
    """Brokers that hold more of a topic than its share."""
    problem = layout.problem
    over = {
        place % problem.count
        for place, (held, cap) in enumerate(zip(layout.on, layout.caps, strict=True))
        if held > cap and problem.takes >> place % problem.count & 1
    }
    return tuple(problem.ids[broker] for broker in sorted(over))


def _not_reached(found: _Found) -> Iterator[Unmet]:
    layout, problem = found.layout, found.layout.problem
    goals = problem.goals
    if goals.count == "hard" and not _is_fair_without_limits(layout):
        yield Unmet("count", "disks, shares of topics or the budget keep counts from being as fair as racks allow")
    if layout.strict and (brokers := _beyond_shares(layout)):
        yield Unmet("topic", "other rules leave these brokers more of a topic than its share", (), brokers)
    if goals.byte_tolerance is not None:
        off = tuple(problem.ids[broker] for broker in problem.members if found.band.off(layout, broker))
        if off:
            yield Unmet("bytes", "no exchange of replicas brings these brokers nearer to their share", (), off)


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
