"""Moves are carried out whatever comes between: laws on a cluster in memory whose clock a test advances, and the ways in which a move can go wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops.cluster import ConfigSource, KafkaError, Reassignment, TopicPartition, TopicView
from kafkaops.cluster.snapshot import SnapshotCluster, SnapshotTopic, numbered_brokers
from kafkaops.journal import Borrowed, On
from kafkaops.moving.mover import Clock, Mover, Pace
from kafkaops.moving.progress import Ended, Progress
from kafkaops.moving.steps import Where, standing, way
from kafkaops.moving.throttling import Setting, given_back, lent
from kafkaops.placement.model import Move

Assignment = tuple[tuple[int, ...], ...]
SIZE = 1000


def move(partition: int, old: Sequence[int], new: Sequence[int], *, topic: str = "t") -> Move:
    added = len(set(new) - set(old))
    kind = "grow" if len(new) > len(old) else "shrink" if len(new) < len(old) else "move"
    return Move(topic, partition, tuple(old), tuple(new), added * SIZE, kind, ())


def moves(before: Assignment, after: Assignment) -> tuple[Move, ...]:
    return tuple(
        move(number, old, new) for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new
    )


class Killed(BaseException):
    """Nothing catches it."""


@dataclass
class Book:
    """What a journal would hold of what is lent."""

    lent: dict[tuple[object, ...], Borrowed] = field(default_factory=dict)

    def lend(self, lent: Sequence[Borrowed]) -> None:
        self.lent |= {(one.on, one.name, one.key): one for one in lent}

    def give_back(self, lent: Sequence[Borrowed]) -> None:
        for one in lent:
            self.lent.pop((one.on, one.name, one.key), None)

    def current(self, _: Sequence[Borrowed]) -> Sequence[Borrowed]:
        return tuple(self.lent.values())


@dataclass
class World:
    """A cluster whose brokers copy `rate` bytes between two looks, and what is remembered of a run."""

    before: Assignment
    after: Assignment
    brokers: int = 5
    version: str = "4.4"
    rate: int = 400
    throttle: int | None = 5000
    concurrency: int = 3
    patience: float = 900.0
    configs: Mapping[str, str] = field(default_factory=dict)
    stuck: set[int] = field(default_factory=set)
    book: Book = field(default_factory=Book)
    now: float = 0.0

    def __post_init__(self) -> None:
        topic = SnapshotTopic("id", self.before, dict(self.configs), sizes=(SIZE,) * len(self.before))
        self.cluster = SnapshotCluster({"t": topic}, brokers=numbered_brokers(self.brokers), kafka_version=self.version)

    def wait(self, seconds: float) -> None:
        """Brokers copy meanwhile."""
        self.now += seconds
        hook, self.cluster.hook = self.cluster.hook, None
        self._copy()
        self.cluster.hook = hook

    def _copy(self) -> None:
        for key, on_way in self.in_flight.items():
            for broker in on_way.adding:
                if broker not in self.stuck and broker not in self.cluster.down:
                    has = self._has(key, broker) + self.rate
                    self.cluster.copied(key, broker, None if has >= SIZE else has)

    def _has(self, key: TopicPartition, broker: int) -> int:
        dirs = self.cluster.log_dirs(broker, [key])
        assert not isinstance(dirs, KafkaError)
        return sum(log.size for one in dirs for log in one.replicas.values())

    def mover(self) -> Mover:
        return Mover(
            cluster=self.cluster,
            moves=moves(self.before, self.after),
            pace=Pace(throttle=self.throttle, concurrency=self.concurrency, patience=self.patience),
            book=self.book,
            run="run",
            lent=tuple(self.book.lent.values()),
            clock=Clock(lambda: self.now, self.wait),
        )

    def moved(self, looks: int = 500) -> Progress:
        """To the end; it must have one."""
        looked = []
        for one in islice(self.mover().forward(), looks):
            self.check()
            looked.append(one)
        assert looked[-1].ended is not None
        return looked[-1]

    def check(self) -> None:
        """One replica more than it shall have, at most: whatever is on the way."""
        most = [max(len(old), len(new)) + 1 for old, new in zip(self.before, self.after, strict=True)]
        assert all(len(now) <= limit for now, limit in zip(self.assignment, most, strict=True))

    @property
    def assignment(self) -> Assignment:
        return self.cluster.state.topics["t"].assignment

    @property
    def in_flight(self) -> Mapping[TopicPartition, Reassignment]:
        listed = self.cluster.reassignments()
        assert not isinstance(listed, KafkaError)
        return listed

    def leader(self, partition: int) -> int:
        view = self.cluster.topics(1, ["t"])["t"]
        assert isinstance(view, TopicView)
        return view.leaders[partition]

    @property
    def settings(self) -> object:
        """What is set on topics and brokers, byte for byte."""
        brokers = {}
        for broker in range(1, self.brokers + 1):
            told = self.cluster.broker_configs(broker)
            if not isinstance(told, KafkaError):
                brokers[broker] = {
                    key: one.value for key, one in told.items() if one.source is ConfigSource.DYNAMIC_BROKER
                }
        return dict(self.cluster.state.topics["t"].overrides), brokers


# one partition's way


@pytest.mark.parametrize(
    ("old", "new", "lists"),
    [
        ([1, 2], [1, 2, 3], [[1, 2, 3]]),
        ([1, 2, 3], [1, 2], [[1, 2]]),
        ([1, 2, 3], [3, 1, 2], [[3, 1, 2]]),
        ([1, 2], [1, 2, 3, 4], [[1, 2, 3], [1, 2, 3, 4]]),
        ([1, 2, 3], [4, 5, 3], [[1, 5, 3], [4, 5, 3]]),  # one replica at a time, and who leads last
        ([1, 2, 3], [4, 5], [[1, 5, 3], [4, 5]]),
        ([1], [2, 3], [[1, 3], [2, 3]]),  # it grows before anything leaves
    ],
)
def test_no_step_adds_more_than_one_replica(old: list[int], new: list[int], lists: list[list[int]]) -> None:
    assert [list(one) for one in way(move(0, old, new))] == lists


@pytest.mark.parametrize(
    ("old", "new", "lists"),
    [
        ([1, 2], [1, 2, 3], [[1, 2, 3]]),
        ([1, 2, 3], [1, 2], [[1, 2]]),
        ([1, 2], [1, 3], [[1, 2, 3], [1, 3]]),
        ([1, 2], [3, 4], [[1, 2, 4], [1, 4], [1, 4, 3], [3, 4]]),
        ([1, 2, 3], [4, 5], [[1, 2, 3, 5], [1, 5, 3], [1, 5, 3, 4], [4, 5, 3], [4, 5]]),
    ],
)
def test_where_kafka_would_let_go_too_soon_a_replica_goes_in_a_step_of_its_own(
    old: list[int], new: list[int], lists: list[list[int]]
) -> None:
    assert [list(one) for one in way(move(0, old, new), apart=True)] == lists


def test_who_leaves_is_replaced_in_its_own_rack() -> None:
    racks = {1: "a", 2: "b", 3: "b", 4: "a"}

    assert way(move(0, [1, 2], [3, 4]), racks) == ((1, 3), (3, 4))
    assert way(move(0, [1, 2], [3, 4])) == ((1, 4), (3, 4))


@pytest.mark.parametrize(
    ("replicas", "listed", "where", "asked"),
    [
        ((1, 2), None, Where.WAITING, (1, 4)),
        ((2, 1), None, Where.WAITING, (1, 4)),  # a cancel has changed the order
        ((1, 4), None, Where.WAITING, (3, 4)),
        ((3, 4), None, Where.DONE, ()),
        ((4, 3), None, Where.WAITING, (3, 4)),
        ((1, 4, 2), ((1, 4), (4,), (2,)), Where.COPYING, (1, 4)),
        ((1, 2, 3), ((1, 2), (3,), (3,)), Where.RETURNING, (1, 2)),
        ((5, 1, 2), ((5, 1), (5,), (2,)), Where.FOREIGN, (5, 1)),
        ((5, 1), None, Where.CHANGED, ()),
        (None, None, Where.GONE, ()),
    ],
)
def test_where_a_partition_stands_is_told_by_the_controller_alone(
    replicas: tuple[int, ...] | None,
    listed: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]] | None,
    where: Where,
    asked: object,
) -> None:
    one = move(0, [1, 2], [3, 4])

    found = standing(one, way(one), replicas, listed)

    assert (found.where, found.asked) == (where, asked)


# laws


def replicas(brokers: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(st.integers(1, brokers), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    count = draw(st.integers(1, 4))
    return World(
        before=tuple(draw(replicas(5)) for _ in range(count)),
        after=tuple(draw(replicas(5)) for _ in range(count)),
        version=draw(st.sampled_from(("3.5", "3.9", "4.0", "4.1", "4.4"))),
        rate=draw(st.sampled_from((150, 400, 1000))),
        throttle=draw(st.sampled_from((None, 5000))),
        concurrency=draw(st.integers(1, 3)),
        configs=draw(
            st.sampled_from(
                (
                    {},
                    {"leader.replication.throttled.replicas": "7:9"},
                    {"follower.replication.throttled.replicas": "*"},
                )
            )
        ),
    )


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_every_partition_ends_where_it_shall_be_and_nothing_is_left_behind(world: World) -> None:
    before = world.settings

    last = world.moved()

    assert last.ended is Ended.DONE
    assert last.copied == last.total
    assert world.assignment == world.after
    assert world.settings == before
    assert world.book.lent == {}
    assert [world.leader(one.partition) for one in moves(world.before, world.after)] == [
        one.new[0] for one in moves(world.before, world.after)
    ]


@settings(max_examples=150, deadline=None)
@given(worlds(), st.data())
def test_a_run_killed_before_any_call_is_finished_by_the_next(world: World, data: st.DataObject) -> None:
    before = world.settings
    for _ in range(data.draw(st.integers(1, 3))):
        after = data.draw(st.integers(0, 12))
        left = [after]

        def dies(_: str, __: object, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Killed

        world.cluster.hook = dies
        with pytest.raises(Killed) if after == 0 else _maybe():
            world.moved()
        world.cluster.hook = None

    assert world.moved().ended is Ended.DONE
    assert world.assignment == world.after
    assert world.settings == before
    assert world.book.lent == {}


class _maybe:  # noqa: N801  # reads as the word it stands for
    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, Killed)


@settings(max_examples=100, deadline=None)
@given(worlds(), st.integers(0, 10))
def test_what_is_taken_back_ends_at_the_old_lists_in_their_order(world: World, looks: int) -> None:
    before = world.settings
    list(islice(world.mover().forward(), looks))
    copying = {key.partition for key in world.in_flight}
    done = [
        now == new and number not in copying
        for number, (now, new) in enumerate(zip(world.assignment, world.after, strict=True))
    ]

    *_, last = islice(world.mover().back(), 500)

    assert last.ended is Ended.DONE
    reached = [
        now in ({new} if was else {old, new})
        for now, old, new, was in zip(world.assignment, world.before, world.after, done, strict=True)
    ]
    assert all(reached)
    assert world.settings == before


# what goes wrong


def test_a_copy_onto_a_broker_that_stops_goes_on_when_it_is_back() -> None:
    world = World(((1, 2),), ((1, 2, 3),))
    steps = world.mover().forward()
    next(steps)
    world.cluster.stop(3)
    quiet = [next(steps).copying[0].quiet for _ in range(5)]
    world.cluster.start(3)
    *_, last = steps

    assert quiet == sorted(quiet)
    assert quiet[-1] > 0
    assert last.ended is Ended.DONE
    assert world.assignment == ((1, 2, 3),)


def test_what_makes_no_progress_for_too_long_goes_back_and_the_others_go_on() -> None:
    world = World(((1, 2), (1, 2)), ((1, 2, 3), (1, 2, 4)), patience=60, stuck={3})
    before = world.settings

    last = world.moved()

    assert last.ended is Ended.INCOMPLETE
    assert last.failed == ((("t", 0), "no progress for 60 s"),)
    assert world.assignment == ((1, 2), (1, 2, 4))
    assert world.settings == before


def test_nothing_is_asked_of_a_broker_that_is_down() -> None:
    world = World(((1, 2),), ((1, 2, 3),), patience=60)
    world.cluster.stop(3)

    last = world.moved()

    assert last.failed == ((("t", 0), "broker 3 is down for 60 s"),)
    assert [call for call in world.cluster.calls if call.method == "reassign"] == []


def test_a_partition_that_somebody_else_moves_is_left_alone() -> None:
    world = World(((1, 2), (1, 2)), ((1, 3), (1, 3)))
    world.stuck = {5}
    world.cluster.reassign({TopicPartition("t", 0): (1, 5)}, resize=False)

    last = world.moved()

    assert last.failed == ((("t", 0), "somebody else is moving it to [1, 5]"),)
    assert world.assignment[1] == (1, 3)
    assert world.cluster.reassignments() != {}


def test_a_topic_that_is_deleted_meanwhile_is_told() -> None:
    world = World(((1, 2),), ((1, 2, 3),))
    steps = world.mover().forward()
    next(steps)
    world.cluster.delete_topics({"t": "id"})
    *_, last = steps

    assert last.ended is Ended.INCOMPLETE
    assert last.failed == ((("t", 0), "the topic is gone, or has fewer partitions"),)
    assert world.book.lent == {}


def test_a_controller_that_changes_is_asked_again() -> None:
    world = World(((1, 2),), ((1, 2, 3),))
    refusals = iter([KafkaError("NOT_CONTROLLER")] * 3)
    world.cluster.hook = lambda method, _: next(refusals, None) if method == "reassignments" else None

    assert world.moved().ended is Ended.DONE


def test_nothing_begins_while_the_window_is_closed_and_nothing_is_given_up_for_it() -> None:
    world = World(((1, 2),), ((1, 2, 3),), patience=10)
    mover = world.mover()
    mover.pace = Pace(throttle=None, patience=10, is_open=lambda: world.now > 100)
    first, *rest = mover.forward()

    assert first.held == (("the window is closed", 1),)
    assert rest[-1].ended is Ended.DONE


def test_no_broker_copies_more_at_once_than_declared() -> None:
    many = 12
    world = World(((1,),) * many, ((2,),) * many, concurrency=2, rate=100)

    most = max(len(progress.copying) for progress in world.mover().forward())

    assert most == 2


def test_what_is_neither_longer_nor_elsewhere_needs_no_throttle() -> None:
    world = World(((1, 2, 3), (1, 2, 3)), ((3, 1, 2), (1, 2)))

    last = world.moved()

    assert last.ended is Ended.DONE
    assert last.total == 0
    assert [call.method for call in world.cluster.calls if call.method.startswith("alter")] == []


# the throttle


def lists(setting: str, entries: str | None, *given: Move) -> str | None:
    one = Setting(On.TOPIC, "t", f"{setting}.replication.throttled.replicas")
    found = lent("run", given, 10, {one: entries})
    return found[0].ours if found else None


def test_a_list_that_somebody_has_set_is_added_to() -> None:
    one = move(3, [1, 2], [1, 4])

    assert lists("leader", None, one) == "3:1,3:2"
    assert lists("follower", None, one) == "3:4"
    assert lists("leader", "10:7,2:7", one) == "2:7,3:1,3:2,10:7"
    assert lists("follower", "*", one) is None


@pytest.mark.parametrize(
    ("on", "before", "ours", "now", "again"),
    [
        (On.BROKER, None, "10", "10", None),
        (On.BROKER, "5", "10", "10", "5"),
        (On.BROKER, "5", "10", "7", "7"),  # somebody has set it since
        (On.BROKER, "5", "10", None, None),
        (On.TOPIC, "9:9", "1:1,9:9", "1:1,9:9", "9:9"),
        (On.TOPIC, "9:9", "1:1,9:9", "1:1,2:2,9:9", "2:2,9:9"),
        (On.TOPIC, None, "1:1", "1:1,2:2", "2:2"),
        (On.TOPIC, None, "1:1", "*", "*"),
    ],
)
def test_what_somebody_else_has_set_meanwhile_stays(
    on: On, before: str | None, ours: str, now: str | None, again: str | None
) -> None:
    assert given_back(Borrowed("run", on, "t", "key", before, ours), now) == again


def test_what_an_earlier_run_has_lent_is_given_back_as_it_was_before_that() -> None:
    setting = Setting(On.BROKER, "1", "leader.replication.throttled.rate")
    earlier = Borrowed("earlier", On.BROKER, "1", setting.key, None, "10")

    (found,) = lent("later", [move(0, [1], [2])], 20, {setting: "10"}, [earlier])

    assert (found.run, found.before, found.ours) == ("earlier", None, "20")
