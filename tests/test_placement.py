"""Where replicas go, drawn: the lists before, the lists after. Then the judge is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from kafkaops.placement.exact import Prices, Refiner, pairs_of
from kafkaops.placement.greedy import fill, keep, neediest
from kafkaops.placement.judge import judge
from kafkaops.placement.layout import Index, Layout
from kafkaops.placement.model import BrokerInfo, CannotPlace, Goals, PartitionInfo, Placement
from kafkaops.placement.planner import place, place_new
from kafkaops.placement.problem import Problem
from kafkaops.placement.reassignment import reassignment_json

Lists = Sequence[Sequence[int]]
HARD = Goals(count="hard")


def cluster(count: int, racks: str = "", **broken: Any) -> list[BrokerInfo]:
    """Brokers from 1; `racks` has a letter for each. `down`, `cordoned`: ids."""
    return [
        BrokerInfo(
            id_,
            racks[id_ - 1] if racks else None,
            alive=id_ not in broken.get("down", ()),
            cordoned=id_ in broken.get("cordoned", ()),
        )
        for id_ in range(1, count + 1)
    ]


def partitions(lists: Lists, sizes: Iterable[int] = (), rf: int | None = None, topic: str = "t") -> list[PartitionInfo]:
    given = [*sizes, *([100] * len(lists))]
    return [
        PartitionInfo(topic, index, tuple(replicas), frozenset(replicas), given[index], rf)
        for index, replicas in enumerate(lists)
    ]


def lists_after(placement: Placement, before: Sequence[PartitionInfo]) -> list[list[int]]:
    moved = {move.id: move.new for move in placement.moves}
    return [list(moved.get((one.topic, one.partition), one.replicas)) for one in before]


@dataclass(frozen=True)
class Case:
    brokers: list[BrokerInfo]
    before: Lists
    after: Lists
    goals: Goals = HARD
    sizes: Sequence[int] = ()
    rf: int | None = None
    unmet: Sequence[str] = field(default=())


CASES: Mapping[str, Case] = {
    "what is fair stays": Case(cluster(3), [[1, 2], [2, 3], [3, 1]], [[1, 2], [2, 3], [3, 1]]),
    "unfair counts stay when only what was caused may move": Case(
        cluster(3), [[1, 2], [1, 2], [1, 2]], [[1, 2], [1, 2], [1, 2]], Goals()
    ),
    "a third replica goes to the broker that is missing": Case(
        cluster(3), [[1, 2], [2, 3], [3, 1]], [[1, 2, 3], [2, 3, 1], [3, 1, 2]], rf=3
    ),
    "a third replica goes to the rack that has none": Case(
        cluster(4, "aabb"),
        [[1, 2], [3, 4]],
        [[1, 2, 3], [3, 4, 1]],
        Goals(),
        rf=3,
    ),
    "the heaviest stay and the lightest goes": Case(
        cluster(2),
        [[1], [1], [1]],
        [[1], [1], [2]],  # two of three are as fair as one of three
        sizes=[30, 20, 10],
    ),
    "what is drained goes, and nothing else": Case(
        cluster(4),
        [[1, 2], [2, 3], [3, 4], [4, 1]],
        [[1, 2], [2, 3], [3, 1], [1, 2]],  # led by the replica that has the data
        Goals(drain=frozenset({4})),
    ),
    "a broker that is down keeps what it has": Case(
        cluster(3, down=[3]), [[1, 3], [2, 3]], [[1, 3], [2, 3]], HARD
    ),
    "a broker that is down and drained loses it": Case(
        cluster(3, down=[3]), [[1, 3], [2, 3]], [[1, 2], [2, 1]], Goals(drain=frozenset({3}))
    ),
    "a cordoned broker gets nothing": Case(
        cluster(4, cordoned=[4]), [[1, 2], [2, 3]], [[1, 2, 3], [2, 3, 1]], rf=3
    ),
    "two replicas in a rack are told apart": Case(
        cluster(4, "aabb"), [[1, 2], [3, 4]], [[1, 4], [3, 2]], Goals()
    ),
    "racks do not matter when nobody asks": Case(
        cluster(4, "aabb"), [[1, 2], [3, 4]], [[1, 2], [3, 4]], Goals(rack_aware="off")
    ),
    "twice the weight, twice the replicas": Case(
        [BrokerInfo(1, weight=2), BrokerInfo(2)], [[1], [1], [1]], [[2], [1], [1]], sizes=[1, 2, 3]
    ),
    "a full disk gets no copy and another does": Case(
        [BrokerInfo(1), BrokerInfo(2, usable_bytes=99), BrokerInfo(3)], [[1]], [[1, 3]], Goals(), rf=2
    ),
    "what has to stay free is not room": Case(
        [BrokerInfo(1), BrokerInfo(2, usable_bytes=150, reserve_bytes=60), BrokerInfo(3)], [[1]], [[1, 3]], Goals(), rf=2
    ),
    "a copy that fits no disk is not begun, and said": Case(
        [BrokerInfo(1), BrokerInfo(2, usable_bytes=99)], [[1], [1]], [[1], [2, 1]], Goals(), [100, 50], 2, ["disk"]
    ),
    "what has to move and is beyond the budget stays, and is said": Case(
        cluster(3), [[1], [1]], [[1], [2, 1]], Goals(max_bytes=60), [100, 50], 2, ["budget"]
    ),
    "a budget that is enough changes nothing": Case(
        cluster(3), [[1], [1]], [[1, 3], [2, 1]], Goals(max_bytes=150), [50, 100], 2
    ),
    "brokers with equal counts and unequal bytes exchange": Case(
        cluster(2), [[1], [1], [2], [2]], [[1], [2], [2], [1]], Goals(count="hard", byte_tolerance=0.1), [90, 80, 11, 10]
    ),
    "one partition heavier than a share is said": Case(
        cluster(2), [[1], [2]], [[1], [2]], Goals(count="hard", byte_tolerance=0.1), [900, 100], unmet=["bytes"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_placed(case: Case) -> None:
    before = partitions(case.before, case.sizes, case.rf)

    placement = place(case.brokers, before, case.goals)

    assert lists_after(placement, before) == case.after
    verdict = judge(case.brokers, before, case.goals, {move.id: move.new for move in placement.moves})
    assert (verdict.score, verdict.bytes) == (placement.after, placement.bytes)
    assert bool(verdict.broken) == bool(case.unmet)
    assert [one.goal for one in placement.unmet] == list(case.unmet)


BROKEN: Mapping[str, tuple[list[BrokerInfo], Lists, Lists, Goals, str]] = {
    "replicas": (cluster(3), [[1, 2]], [[1]], Goals(), "t-0 has the replicas [1], 2 are wanted"),
    "twice": (cluster(3), [[1, 2]], [[1, 1]], Goals(), "t-0 has the replicas [1, 1], 2 are wanted"),
    "drained": (
        cluster(3), [[1, 2]], [[1, 2]], Goals(drain=frozenset({2})), "t-0 has a replica on broker 2, which is drained",
    ),
    "down": (cluster(3, down=[3]), [[1, 2]], [[1, 3]], Goals(), "t-0 has a replica on broker 3, which takes nothing new"),
    "rack": (cluster(3, "aab"), [[1, 3]], [[1, 2]], Goals(), "t-0 has 2 replicas in rack a, 1 would be spread"),
    "disk": (
        [BrokerInfo(1), BrokerInfo(2, usable_bytes=99)], [[1]], [[2]], Goals(),
        "broker 2 would receive 100 bytes and has room for 99",
    ),
    "budget": (cluster(2), [[1]], [[2]], Goals(max_bytes=99), "100 bytes would be copied, 99 may be"),
    "count": (
        cluster(2), [[1], [1]], [[1], [1]], HARD, "broker 1 has 2 replicas and broker 2 0, which could take one",
    ),
    "count through another": (
        cluster(3), [[1, 2], [1, 2], [1, 2]], [[1, 2], [1, 2], [1, 2]], HARD,
        "broker 1 has 3 replicas and broker 3 0, which could take one",
    ),
    "topic": (
        cluster(2), [[1], [1]], [[1], [1]], Goals(topic_spread="hard"), "broker 1 has 2 replicas of t, its share is 1",
    ),
    "bytes": (
        cluster(2), [[1], [1]], [[1], [1]], Goals(byte_tolerance=0.1), "broker 1 has 200 bytes, 200.0 % of its share",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN.values(), ids=list(BROKEN))
def test_the_judge_finds(case: tuple[list[BrokerInfo], Lists, Lists, Goals, str]) -> None:
    brokers, now, wanted, goals, sentence = case
    lists = {("t", index): tuple(replicas) for index, replicas in enumerate(wanted)}

    verdict = judge(brokers, partitions(now), goals, lists)

    assert [one.sentence for one in verdict.broken][:1] == [sentence]


def test_the_judge_finds_what_was_not_to_be_touched() -> None:
    verdict = judge(cluster(2), partitions([[1]]), Goals(), {("t", 0): (2,)}, {("t", 0): (1,)})

    assert [one.sentence for one in verdict.broken] == ["t-0 was not to be touched"]


@pytest.mark.parametrize(
    ("brokers", "before", "goals", "sentence"),
    [
        (cluster(2), partitions([[1, 2]], rf=3), Goals(), "t-0 would have 3 replicas, but 2 brokers may take one"),
        (cluster(2), partitions([[1, 2]]), Goals(drain=frozenset({7})), "broker 7 is to be drained, but there is no such broker"),
        ([*cluster(2)[:1], BrokerInfo(2, "a")], partitions([[1, 2]]), Goals(), "broker 1 has no rack, but others have one"),
        (cluster(2), partitions([[1, 2]]), Goals(rack_aware="on"), "replicas are to be spread over racks, but broker 1 has none"),
        (cluster(2) + cluster(1), partitions([[1, 2]]), Goals(), "a broker is given twice"),
        (cluster(2), partitions([[1, 2]]) * 2, Goals(), "a partition is given twice"),
        (cluster(2), partitions([[1, 1]]), Goals(), "t-0 has a broker twice in its replicas [1, 1]"),
        (cluster(2), partitions([[1, 2]], rf=0), Goals(), "t-0 would have 0 replicas, it needs at least 1"),
        (cluster(2, down=[1, 2]), partitions([[1, 2]]), Goals(), "t-0 has no replica that is in sync and alive"),
        ([BrokerInfo(1, weight=0)], partitions([[1]]), Goals(), "broker 1 has the weight 0, it has to be more than 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_refused(brokers: list[BrokerInfo], before: list[PartitionInfo], goals: Goals, sentence: str) -> None:
    with pytest.raises(CannotPlace) as refused:
        place(brokers, before, goals)

    assert str(refused.value) == sentence


def test_topics_that_lie_on_one_broker_each_are_spread() -> None:
    before = partitions([[1], [1]], topic="a") + partitions([[2], [2]], topic="b")

    soft = place(cluster(2), before, HARD)
    hard = place(cluster(2), before, Goals(count="hard", topic_spread="hard"))

    assert lists_after(soft, before) == [[1], [1], [2], [2]]
    assert sorted(map(sorted, (lists_after(hard, before)[:2], lists_after(hard, before)[2:]))) == [
        [[1], [2]],
        [[1], [2]],
    ]
    assert (hard.before.overshoot, hard.after.overshoot, hard.unmet) == (2, 0, ())


def test_a_new_topic_is_spread_before_brokers_are_evened_out() -> None:
    full = partitions([[1, 2, 3]] * 4)
    new = [PartitionInfo("new", index, (), frozenset(), 0, 2) for index in range(4)]

    placed = place_new(cluster(4), full, new, Goals())

    assert placed == {("new", 0): (2, 3), ("new", 1): (3, 1), ("new", 2): (4, 2), ("new", 3): (4, 1)}


def test_added_partitions_leave_the_others_alone() -> None:
    before = partitions([[1, 2], [1, 2]])
    added = [PartitionInfo("t", 2, (), frozenset(), 0, 2)]

    assert place_new(cluster(4), before, added, Goals()) == {("t", 2): (3, 4)}


def test_moves_in_the_words_of_kafkas_own_tool() -> None:
    before = partitions([[1, 2], [3, 4]])
    placement = place(cluster(4), before, Goals(drain=frozenset({4})))

    assert (
        reassignment_json(placement.moves)
        == """\
{
  "version": 1,
  "partitions": [
    {
      "topic": "t",
      "partition": 1,
      "replicas": [
        3,
        1
      ]
    }
  ]
}
"""
    )


@pytest.mark.parametrize(("gain", "ring"), [(1000, [1, 2]), (0, [0, 3])], ids=["inner ring", "outer ring"])
def test_a_ring_that_takes_a_partition_twice_is_cut_into_one_that_does_not(gain: int, ring: list[int]) -> None:
    """Brokers 1 and 3 hold the same partition and both would hand it on: one of two shorter rings does as well. No random cluster has ever asked for it."""
    problem = Problem(cluster(4), partitions([[1, 3], [2], [4]]), Goals(move_overhead=0), {})
    layout = Layout(problem, problem.topic_caps())
    assert (keep(layout), fill(layout, neediest)) == (None, [])
    refiner = Refiner(layout, Index(layout), Prices(1, 1))
    for here, there, p in ((0, 1, 0), (1, 2, 1), (2, 3, 0), (3, 0, 2)):
        refiner.arcs[here][there] = p
    refiner.weights[1][2] = -gain

    assert refiner._shorter([0, 1, 2, 3]) == ring
    assert [refiner.arcs[here][there] for here, there in pairs_of(ring)] == ([1, 0] if gain else [0, 2])
    assert refiner._shorter(ring) == []
