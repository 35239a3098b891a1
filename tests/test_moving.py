"""Moves from beginning to end, in memory: on each kind of controller, through crashes, flaps and the deeds of others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import pytest
from fluid import Memo, Water
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafkaops.cluster import AlterBroker, AlterTopic, ConfigSource, KafkaError, TopicPartition
from kafkaops.cluster.snapshot import LOST, SnapshotCluster, SnapshotTopic, numbered_brokers, topic_id
from kafkaops.moving.model import Happening, Pace
from kafkaops.moving.mover import Job, Report, run
from kafkaops.moving.throttles import FOLLOWER_LIST, LEADER_LIST, LEADER_RATE, LISTS, RATES
from kafkaops.moving.track import Aim
from kafkaops.placement.model import Move
from kafkaops.plan import Result

MIB = 2**20
KINDS = [("4.4", False), ("3.9", False), ("3.5", False), ("3.5", True)]
PACE = Pace(per_broker=2, slow=30, stall=90, settle=5)
POLL = 2.0
LOOKS = 2_000


class Killed(Exception):  # noqa: N818  # what kill -9 is to a process
    pass


@dataclass(slots=True)
class World:
    """`min_in_sync` below which no partition may fall that was not there before: `watch` is asked after everything that happens."""

    cluster: SnapshotCluster
    water: Water
    memo: Memo = field(default_factory=Memo)
    looks: int = 0

    @classmethod
    def of(cls, kind: tuple[str, bool], *topics: tuple[tuple[int, ...], ...], size: int = 40 * MIB) -> World:
        version, zookeeper = kind
        cluster = SnapshotCluster(
            {
                f"t{number}": SnapshotTopic(topic_id(number), one, sizes=(size,) * len(one))
                for number, one in enumerate(topics)
            },
            brokers=numbered_brokers(6),
            kafka_version=version,
            zookeeper=zookeeper,
        )
        return cls(cluster, Water(cluster))

    def move(self, topic: int, partition: int, *new: int) -> Move:
        old = self.cluster.state.topics[f"t{topic}"].assignment[partition]
        size = self.cluster.state.topics[f"t{topic}"].sizes[partition]
        kind = "move" if len(new) == len(old) else "grow" if len(new) > len(old) else "shrink"
        return Move(f"t{topic}", partition, old, new, size * len(set(new) - set(old)), kind, ("balance",))  # type: ignore[arg-type]

    def job(self, *moves: Move, rate: int | None = 10 * MIB, aim: Aim = Aim.THERE, pace: Pace = PACE) -> Job:
        ids = {name: topic.topic_id for name, topic in self.cluster.state.topics.items()}
        return Job(run="r1", moves=moves, topic_ids=ids, rate=rate, pace=pace, aim=aim)

    def reports(self, job: Job, each: Callable[[int], object] = lambda _: None) -> Iterator[Report]:
        for number, report in enumerate(run(self.cluster, self.memo, job, self.water.clock)):
            yield report
            each(number)
            self.water.flow(POLL)
            assert number < LOOKS, report

    def to_the_end(self, job: Job, each: Callable[[int], object] = lambda _: None) -> list[Report]:
        reports = list(self.reports(job, each))
        assert reports[-1].over
        return reports

    def replicas(self, topic: int) -> tuple[tuple[int, ...], ...]:
        return self.cluster.state.topics[f"t{topic}"].assignment

    def configs(self) -> tuple[dict[str, dict[str, str]], dict[int, dict[str, str]]]:
        topics = {
            name: {key: text for key, text in topic.overrides.items() if key in LISTS}
            for name, topic in self.cluster.state.topics.items()
        }
        return topics, {broker.id: self.rates(broker.id) for broker in self.cluster.describe().brokers}

    def rates(self, broker: int) -> dict[str, str]:
        found = self.cluster.broker_configs(broker)
        assert not isinstance(found, KafkaError)
        return {
            key: str(found[key].value)
            for key in RATES
            if key in found and found[key].source is ConfigSource.DYNAMIC_BROKER
        }


def outcomes(reports: list[Report]) -> dict[TopicPartition, tuple[Result, str]]:
    return {one.key: (one.result, one.code) for one in reports[-1].ended}


@pytest.fixture(params=KINDS, ids=["4.4", "3.9", "3.5", "3.5-zookeeper"])
def kind(request: pytest.FixtureRequest) -> tuple[str, bool]:
    found: tuple[str, bool] = request.param
    return found


# ---- what goes well


def test_replicas_go_where_they_shall_and_nothing_is_left_behind(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2), (2, 3)), ((1, 2, 3),))
    before = world.configs()
    job = world.job(world.move(0, 0, 1, 2, 3), world.move(0, 1, 4, 5), world.move(1, 0, 2, 1))

    reports = world.to_the_end(job)

    assert (world.replicas(0), world.replicas(1)) == (((1, 2, 3), (4, 5)), ((2, 1),))
    assert {result for result, _ in outcomes(reports).values()} == {Result.APPLIED}
    assert world.configs() == before
    assert world.memo.borrowed() == ()
    assert world.cluster.topics(1, ["t1"])["t1"].leaders == (2,)  # type: ignore[union-attr]
    assert reports[-1].progress.bytes == reports[-1].progress.bytes_in_all == 3 * 40 * MIB


def test_nothing_to_do_asks_for_nothing(kind: tuple[str, bool]) -> None:
    """It is there already: somebody else was faster, or an earlier run."""
    world = World.of(kind, ((1, 2),))
    move = replace(world.move(0, 0, 1, 2), old=(1, 3), bytes=40 * MIB)

    reports = world.to_the_end(world.job(move))

    assert outcomes(reports) == {TopicPartition("t0", 0): (Result.APPLIED, "")}
    assert world.cluster.calls == []


def test_no_broker_gives_or_takes_more_than_it_may_at_once(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,),) * 9)
    moves = [world.move(0, number, 1, 2 + number % 5) for number in range(9)]
    most = 0

    for report in world.reports(world.job(*moves)):
        most = max(most, len(report.progress.copying))

    assert most == PACE.per_broker  # broker 1 gives all of them
    assert all(len(replicas) == 2 for replicas in world.replicas(0))


def test_the_throttle_is_laid_before_the_copy_begins_and_slows_it(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,),), size=40 * MIB)
    seconds = world.water.seconds

    world.to_the_end(world.job(world.move(0, 0, 1, 2), rate=MIB))

    order = [call.method for call in world.cluster.calls]
    assert max(order.index("alter_brokers"), order.index("alter_topics")) < order.index("reassign")
    assert 40 <= world.water.seconds - seconds <= 60


def test_without_a_rate_no_setting_is_touched(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,),))

    world.to_the_end(world.job(world.move(0, 0, 1, 2), rate=None))

    assert {call.method for call in world.cluster.calls} == {"reassign"}


# ---- what is there of others


THEIRS: list[Mapping[str, str]] = [
    {},
    {LEADER_LIST: "0:1, 1:5", FOLLOWER_LIST: ""},
    {LEADER_LIST: "*"},
    {LEADER_LIST: "*", FOLLOWER_LIST: "*"},
    {FOLLOWER_LIST: "0:3,0:4"},
]


@pytest.mark.parametrize("theirs", THEIRS)
def test_lists_and_rates_of_others_come_back_byte_for_byte(kind: tuple[str, bool], theirs: Mapping[str, str]) -> None:
    world = World.of(kind, ((1, 2), (2, 3)))
    world.cluster.alter_topics([AlterTopic("t0", dict(theirs))])
    world.cluster.alter_brokers([AlterBroker(1, {LEADER_RATE: "777"})])
    before = world.configs()
    during: list[object] = []

    world.to_the_end(
        world.job(world.move(0, 0, 1, 2, 3), world.move(0, 1, 4, 3)), lambda _: during.append(world.configs()[0])
    )

    assert world.configs() == before
    assert world.memo.borrowed() == ()
    assert all(one == before[0] for one in during) is (theirs == THEIRS[3])


def test_what_someone_adds_while_we_copy_stays(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2), (2, 3)))

    def meddle(look: int) -> None:
        if look == 2:
            now = world.cluster.state.topics["t0"].overrides[LEADER_LIST]
            world.cluster.alter_topics([AlterTopic("t0", {LEADER_LIST: f"{now},1:2"})])
            world.cluster.alter_brokers([AlterBroker(2, {LEADER_RATE: "99"})])

    world.to_the_end(world.job(world.move(0, 0, 1, 2, 3), rate=MIB), meddle)

    assert world.configs()[0] == {"t0": {LEADER_LIST: "1:2"}}
    assert world.rates(2) == {LEADER_RATE: "99"}
    assert world.rates(1) == {}


def test_a_partition_that_someone_else_moves_is_left_alone(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2), (2, 3)))
    world.cluster.reassign({TopicPartition("t0", 0): (5, 2)}, resize=False)

    reports = world.to_the_end(world.job(world.move(0, 0, 1, 3), world.move(0, 1, 2, 4)))

    assert world.replicas(0) == ((5, 2), (2, 4))
    assert outcomes(reports) == {
        TopicPartition("t0", 0): (Result.SKIPPED, "KO4201"),
        TopicPartition("t0", 1): (Result.APPLIED, ""),
    }


def test_a_move_that_someone_cancels_is_not_begun_again(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2),))
    key = TopicPartition("t0", 0)

    def cancel(look: int) -> None:
        if look == 2:
            assert world.cluster.reassign({key: None}, resize=True) == {key: None}

    reports = world.to_the_end(world.job(world.move(0, 0, 3, 2), rate=MIB), cancel)

    assert outcomes(reports)[key][0] is Result.FAILED
    assert outcomes(reports)[key][1] == "KO4206"
    assert set(world.replicas(0)[0]) == {1, 2}
    assert world.configs()[0] == {"t0": {}}


def test_a_topic_that_is_deleted_meanwhile_is_gone_and_the_others_go_on(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2),), ((1, 2),))

    def delete(look: int) -> None:
        if look == 2:
            world.cluster.delete_topics({"t0": world.cluster.state.topics["t0"].topic_id})

    reports = world.to_the_end(world.job(world.move(0, 0, 3, 2), world.move(1, 0, 4, 2), rate=MIB), delete)

    assert outcomes(reports) == {
        TopicPartition("t0", 0): (Result.SKIPPED, "KO4208"),
        TopicPartition("t1", 0): (Result.APPLIED, ""),
    }
    assert world.memo.borrowed() == ()


def test_another_topic_of_that_name_is_not_touched(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2),))
    job = world.job(world.move(0, 0, 3, 2))
    world.cluster.state = replace(
        world.cluster.state, topics={"t0": SnapshotTopic(topic_id(77), ((1, 2),), sizes=(5,))}
    )

    reports = world.to_the_end(job)

    assert outcomes(reports) == {TopicPartition("t0", 0): (Result.SKIPPED, "KO4208")}
    assert world.cluster.calls == []


# ---- what goes wrong


def test_a_target_that_dies_stalls_is_said_and_goes_on_when_it_is_back(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2),))

    def fall(look: int) -> None:
        if look == 3:
            world.cluster.stop(3)
        if look == 3 + 60 / POLL:
            world.cluster.start(3)

    reports = world.to_the_end(world.job(world.move(0, 0, 3, 2), rate=MIB), fall)

    said = [one for report in reports for one in report.news if one.what is Happening.SLOW]
    assert [(one.key, one.code) for one in said] == [(TopicPartition("t0", 0), "KO4203")]
    assert world.replicas(0) == ((3, 2),)
    assert world.configs() == ({"t0": {}}, {broker: {} for broker in range(1, 7)})


def test_a_target_that_stays_dead_is_taken_back_in_list_and_order(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((2, 1),), ((1, 2),))
    job = world.job(world.move(0, 0, 3, 1), world.move(1, 0, 1, 4), rate=MIB)

    reports = world.to_the_end(job, lambda look: world.cluster.stop(3) if look == 3 else None)

    assert outcomes(reports) == {
        TopicPartition("t0", 0): (Result.FAILED, "KO4207"),
        TopicPartition("t1", 0): (Result.APPLIED, ""),
    }
    assert world.replicas(0) == ((2, 1),)
    assert world.cluster.reassignments() == {}
    assert {one.name for one in reports[-1].kept} <= {"3"}  # it is down, and keeps the throttle until it is back
    assert world.configs()[0] == {"t0": {}, "t1": {}}


def test_a_throttle_on_a_broker_that_was_down_is_taken_away_by_a_later_run(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((2, 1),))
    world.to_the_end(
        world.job(world.move(0, 0, 3, 1), rate=MIB), lambda look: world.cluster.stop(3) if look == 3 else None
    )
    world.cluster.start(3)
    assert world.rates(3) != {}

    world.to_the_end(world.job())

    assert world.rates(3) == {}
    assert world.memo.borrowed() == ()


def test_a_replica_that_is_not_in_sync_holds_its_partition_back(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2), (1, 2)))
    key = TopicPartition("t0", 0)
    world.water.stuck.add((key, 2))
    world.water.flap(key, 2)

    reports = world.to_the_end(world.job(world.move(0, 0, 3, 2), world.move(0, 1, 3, 2)))

    assert outcomes(reports) == {key: (Result.SKIPPED, "KO4202"), TopicPartition("t0", 1): (Result.APPLIED, "")}
    assert world.replicas(0) == ((1, 2), (3, 2))


def test_nothing_is_let_go_while_what_stays_is_out_of_sync(kind: tuple[str, bool]) -> None:
    """Kafka 4.2 and later would end such a move all the same, with one replica in sync of three."""
    world = World.of(kind, ((1, 2, 3),))
    world.cluster.alter_topics([AlterTopic("t0", {"min.insync.replicas": "2"})])
    key = TopicPartition("t0", 0)
    in_sync: list[tuple[int, ...]] = []

    def fall(look: int) -> None:
        if look == 2:
            for broker in (2, 3):
                world.water.stuck.add((key, broker))
                world.water.flap(key, broker)
        if look == 30:
            world.water.stuck.clear()
        in_sync.append(world.cluster.topics(1, ["t0"])["t0"].isr[0])  # type: ignore[union-attr]

    world.to_the_end(world.job(world.move(0, 0, 4, 2, 3), rate=2 * MIB), fall)

    since = next(look for look, isr in enumerate(in_sync) if 4 in isr)
    assert min(len(isr) for isr in in_sync[since:]) == 2
    assert world.replicas(0) == ((4, 2, 3),)


def test_replicas_never_get_fewer_than_must_be_in_sync(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1, 2, 3),))
    world.cluster.alter_topics([AlterTopic("t0", {"min.insync.replicas": "2"})])

    reports = world.to_the_end(world.job(world.move(0, 0, 1)))

    assert outcomes(reports) == {TopicPartition("t0", 0): (Result.SKIPPED, "KO4209")}
    assert world.replicas(0) == ((1, 2, 3),)


def test_a_full_disk_takes_nothing(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,), (1,)))
    world.cluster.disks = {2: (10 * MIB, 1_000 * MIB)}  # it could land in the first one

    reports = world.to_the_end(world.job(world.move(0, 0, 1, 2), world.move(0, 1, 1, 3)))

    assert outcomes(reports) == {
        TopicPartition("t0", 0): (Result.SKIPPED, "KO4204"),
        TopicPartition("t0", 1): (Result.APPLIED, ""),
    }


def test_a_disk_with_room_for_one_copy_takes_one(kind: tuple[str, bool]) -> None:
    """Both would fit, if the other one were not there."""
    world = World.of(kind, ((1,), (3,)))
    world.cluster.disks = {2: (60 * MIB,)}

    reports = world.to_the_end(world.job(world.move(0, 0, 1, 2), world.move(0, 1, 3, 2)))

    assert sorted(outcomes(reports).values()) == [(Result.APPLIED, ""), (Result.SKIPPED, "KO4204")]


def test_nothing_begins_while_a_broker_is_missing_that_was_there(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,),) * 4)
    job = world.job(*(world.move(0, number, 1, 2) for number in range(4)), rate=4 * MIB)
    begun: list[int] = []

    def lose(look: int) -> None:
        if look == 1:
            world.cluster.stop(6)
        if look == 25:
            world.cluster.start(6)
        begun.append(sum(call.method == "reassign" for call in world.cluster.calls))

    world.to_the_end(job, lose)

    assert begun[2] == begun[25] == PACE.per_broker
    assert all(replicas == (1, 2) for replicas in world.replicas(0))


def test_fewer_are_copied_at_once_while_others_suffer_and_more_again_after_that(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,),) * 8, ((5, 6),) * 2)
    suffering = TopicPartition("t1", 0)
    at_once: list[int] = []

    def suffer(look: int) -> None:
        if look == 4:
            world.water.stuck.add((suffering, 6))
            world.water.flap(suffering, 6)
        if look == 6:
            world.water.stuck.clear()

    moves = [world.move(0, number, 1, 2) for number in range(8)]
    pace = replace(PACE, per_broker=4)
    for look, report in enumerate(world.reports(world.job(*moves, rate=4 * MIB, pace=pace), suffer)):
        at_once.append(report.progress.at_once)
        assert report.progress.at_once in {2, 3, 4}, look

    assert at_once[:5] == [4, 4, 4, 4, 4]
    assert min(at_once) == 2
    assert at_once[-1] == 4


def test_what_brokers_show_late_is_waited_for(kind: tuple[str, bool]) -> None:
    """The controller has ended it, and all brokers still show the replicas of the time between."""
    world = World.of(kind, ((1, 2),))
    key = TopicPartition("t0", 0)

    def lag(_: int) -> None:
        if world.cluster.reassignments():
            world.cluster.lagging = dict.fromkeys(range(1, 7), world.cluster.state)
            lag.left = 2  # type: ignore[attr-defined]
        elif getattr(lag, "left", 0):
            lag.left -= 1  # type: ignore[attr-defined]
        else:
            world.cluster.lagging = {}

    reports = world.to_the_end(world.job(world.move(0, 0, 3, 2), rate=4 * MIB), lag)

    assert outcomes(reports) == {key: (Result.APPLIED, "")}
    assert world.replicas(0) == ((3, 2),)


def test_a_cordoned_broker_takes_nothing(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,),))
    world.cluster.cordoned = frozenset({2})

    assert outcomes(world.to_the_end(world.job(world.move(0, 0, 1, 2)))) == {
        TopicPartition("t0", 0): (Result.SKIPPED, "KO4202")
    }


def test_what_kafka_refuses_is_told_in_its_words(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,), (1,)))
    refusal = KafkaError("POLICY_VIOLATION", "not on Sundays")
    world.cluster.hook = lambda method, item: (
        refusal if method == "reassign" and item[0].partition == 0 else None  # type: ignore[index]
    )

    reports = world.to_the_end(world.job(world.move(0, 0, 1, 2), world.move(0, 1, 1, 2)))

    first = next(one for one in reports[-1].ended if one.key.partition == 0)
    assert (first.result, first.code, first.message) == (Result.FAILED, "KO4205", "POLICY_VIOLATION: not on Sundays")
    assert world.replicas(0) == ((1,), (1, 2))


def test_a_controller_that_changes_is_asked_again(kind: tuple[str, bool]) -> None:
    world = World.of(kind, ((1,), (1,)))
    refused = 0

    def failover(method: str, _: object) -> KafkaError | None:
        nonlocal refused
        refused += method == "reassign"
        return KafkaError("NOT_CONTROLLER") if method == "reassign" and refused <= 5 else None

    world.cluster.hook = failover
    world.to_the_end(world.job(world.move(0, 0, 1, 2), world.move(0, 1, 3)))

    assert world.replicas(0) == ((1, 2), (3,))


# ---- back


def test_taking_back_ends_on_the_old_list_and_order(kind: tuple[str, bool]) -> None:
    """Of a move that is on its way, of one that is half done, of one that waits; what had ended stays."""
    world = World.of(kind, ((3, 1, 2), (3, 1, 2), (1, 2), (1, 2), (6,)))
    before = world.configs()
    moves = [
        world.move(0, 0, 4, 1, 2),
        world.move(0, 1, 5, 6, 4),
        world.move(0, 2, 5, 2),
        world.move(0, 3, 2, 1),
        world.move(0, 4, 6, 5),
    ]
    for report in world.reports(world.job(*moves, rate=2 * MIB)):
        if report.progress.bytes > 100 * MIB:
            break

    reports = world.to_the_end(world.job(*moves, rate=2 * MIB, aim=Aim.BACK))

    ended = {key for key, (result, _) in outcomes(reports).items() if result is Result.SKIPPED}
    for move in moves:
        key = TopicPartition(*move.id)
        assert world.replicas(0)[key.partition] == (move.new if key in ended else move.old)
    assert TopicPartition("t0", 3) in ended
    assert world.configs() == before
    assert world.memo.borrowed() == ()


# ---- laws


BROKERS = st.integers(1, 6)
LIST = st.lists(BROKERS, min_size=1, max_size=3, unique=True).map(tuple)
CRASHES = st.lists(st.integers(1, 60), max_size=4)


@dataclass(frozen=True, slots=True)
class Flap:
    look: int
    partition: int
    replica: int
    for_looks: int


FLAPS = st.lists(
    st.builds(Flap, st.integers(1, 40), st.integers(0, 2), st.integers(0, 2), st.integers(1, 12)), max_size=4
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    pairs=st.lists(st.tuples(LIST, LIST), min_size=1, max_size=3),
    crashes=CRASHES,
    flaps=FLAPS,
    min_in_sync=st.integers(1, 2),
    theirs=st.sampled_from(THEIRS),
    lost=st.booleans(),
)
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(
    kind: tuple[str, bool],
    pairs: list[tuple[tuple[int, ...], tuple[int, ...]]],
    crashes: list[int],
    flaps: list[Flap],
    min_in_sync: int,
    theirs: Mapping[str, str],
    lost: bool,
) -> None:
    """All targets are reached, settings are as they were, and no partition had fewer in sync than it must because of us."""
    world = World.of(kind, tuple(old for old, _ in pairs), size=20 * MIB)
    world.cluster.alter_topics([AlterTopic("t0", {**theirs, "min.insync.replicas": str(min_in_sync)})])
    moves = [world.move(0, number, *new) for number, (old, new) in enumerate(pairs) if old != new]
    before = world.configs()
    killer = Killer(world, sorted(set(crashes)), lost=lost)
    watch = Watch(world, min_in_sync)
    fell = Falls(world, flaps)

    for _ in range(len(crashes) + 1):
        world.cluster.hook, world.memo.before_write = killer, killer.write
        try:
            reports = world.to_the_end(world.job(*moves), lambda _: (fell(), watch()))
            break
        except Killed:
            world.cluster.hook, world.memo.before_write = None, None
            fell()
            watch()
            world.water.flow(POLL)
    world.cluster.hook, world.memo.before_write = None, None

    allowed = {"KO4209", "KO4202", "KO4203"} if flaps else {"KO4209"}
    for number, (old, new) in enumerate(pairs):
        result, code = outcomes(reports).get(TopicPartition("t0", number), (Result.APPLIED, ""))
        assert result is Result.APPLIED or code in allowed
        assert world.replicas(0)[number] == (new if result is Result.APPLIED else old) or code in {"KO4202", "KO4203"}
        assert min(len(old), len(new)) <= len(world.replicas(0)[number]) <= max(len(old), len(new)) + 1
    assert world.configs() == before
    assert world.memo.borrowed() == ()
    assert world.cluster.reassignments() == {}


@dataclass(slots=True)
class Killer:
    """Ends the process at the n-th thing that it writes, before that is done or, with `lost`, before the next one is."""

    world: World
    at: list[int]
    lost: bool
    written: int = 0

    def __call__(self, method: str, _: object) -> KafkaError | None:
        """With `lost` what it asked for is done, and it dies before it does anything else."""
        if method not in {"alter_topics", "alter_brokers", "reassign", "elect_preferred"}:
            return None
        if self.lost and self.at and self.written + 1 == self.at[0]:
            self.written += 1
            return LOST
        self.write()
        return None

    def write(self) -> None:
        self.written += 1
        if self.at and self.written >= self.at[0]:
            self.at.pop(0)
            raise Killed


@dataclass(slots=True)
class Watch:
    """No partition falls below what must be in sync, but for what a test flaps."""

    world: World
    least: int
    last: dict[int, int] = field(default_factory=dict)

    def __call__(self) -> None:
        topic = self.world.cluster.topics(1, ["t0"])["t0"]
        for number, isr in enumerate(topic.isr):  # type: ignore[union-attr]
            stuck = {broker for key, broker in self.world.water.stuck if key.partition == number}
            healthy = not stuck
            need = min(self.least, self.last.get(number, len(isr)), len(topic.assignment[number]))  # type: ignore[union-attr]
            if healthy:
                assert len(isr) >= need, (number, isr, topic)
            self.last[number] = len(isr)


@dataclass(slots=True)
class Falls:
    """Replicas that fall out of sync and come back."""

    world: World
    flaps: list[Flap]
    looks: int = 0

    def __call__(self) -> None:
        self.looks += 1
        for flap in self.flaps:
            topic = self.world.cluster.state.topics["t0"]
            if flap.partition >= len(topic.assignment):
                continue
            key = TopicPartition("t0", flap.partition)
            replicas = topic.assignment[flap.partition]
            broker = replicas[flap.replica % len(replicas)]
            isr = self.world.cluster.topics(1, ["t0"])["t0"].isr[flap.partition]  # type: ignore[union-attr]
            if self.looks == flap.look and broker in isr and len(isr) > 1:
                self.world.water.stuck.add((key, broker))
                self.world.water.flap(key, broker)
            if self.looks == flap.look + flap.for_looks:
                self.world.water.stuck -= {one for one in self.world.water.stuck if one[0] == key}
