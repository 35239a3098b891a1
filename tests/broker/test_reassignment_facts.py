"""What a controller does with reassignments, on each line that the product serves: each fact holds for real brokers and for the cluster in memory alike.

The facts on which the exact undo stands differ from version to version (`UNDONE_AT_ONCE`, `LEFT_BEHIND`): a new Kafka that differs fails here.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count

import pytest
from confluent_kafka import Producer
from desk import given, until

from kafkaops.cluster import (
    AlterBroker,
    AlterTopic,
    Cluster,
    ConfigSource,
    KafkaError,
    NewTopic,
    Reassignment,
    TopicPartition,
    TopicView,
)
from kafkaops.cluster.live import connect
from kafkaops.cluster.properties import load
from kafkaops.cluster.snapshot import SnapshotCluster, numbered_brokers
from kafkaops.sandbox import Sandbox, running, start_broker, stop_broker

pytestmark = pytest.mark.broker

LINES = ["4.4", "3.9", "3.5"]
WITH_ZOOKEEPER = {"3.5"}
GUARDED = {"4.4"}
UNDONE_AT_ONCE = {"3.9", "3.5"}
LEFT_BEHIND = {"4.4", "3.9"}
NEEDS_WHAT_WAS_KEPT = {"3.9", "3.5"}

RATES = ("leader.replication.throttled.rate", "follower.replication.throttled.rate")
LISTS = ("leader.replication.throttled.replicas", "follower.replication.throttled.replicas")
TARDY = "1000"  # bytes a second: so slow that nothing ends while a test looks
MEGABYTES = 3  # the first one comes before a throttle is felt


@dataclass(frozen=True, slots=True)
class World:
    """Four brokers whose copies end when the test lets them."""

    line: str
    cluster: Cluster
    stop: Callable[[int], object]
    start: Callable[[int], object]
    fill: Callable[[str], None]
    copy: Callable[[TopicPartition], None]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def topic(self, *assignment: tuple[int, ...]) -> str:
        """With data in each partition, all in sync."""
        name = f"t{next(self.numbers)}"
        new = NewTopic(name, 0, 0, {}, assignment)
        assert self.cluster.create_topics([new]) == {name: None}
        until(lambda: self._is(name, assignment), f"{name} to be there")
        self.fill(name)
        assert self.cluster.alter_topics([AlterTopic(name, dict.fromkeys(LISTS, "*"))]) == {name: None}
        return name

    def _is(self, name: str, assignment: tuple[tuple[int, ...], ...]) -> bool:
        answers = [self.cluster.topics(broker.id, [name])[name] for broker in self.cluster.describe().brokers]
        return all(
            isinstance(one, TopicView) and one.assignment == assignment and -1 not in one.leaders for one in answers
        )

    def partition(self, *replicas: int) -> TopicPartition:
        return TopicPartition(self.topic(replicas), 0)

    def view(self, key: TopicPartition) -> tuple[tuple[int, ...], frozenset[int], int]:
        """Replicas, those in sync, the leader: once all live brokers say the same."""
        found: list[object] = []

        def alike() -> bool:
            found[:] = [
                self.cluster.topics(broker.id, [key.topic])[key.topic] for broker in self.cluster.describe().brokers
            ]
            return all(one == found[0] for one in found)

        until(alike, f"the brokers to agree on {key.topic}")
        told = found[0]
        assert isinstance(told, TopicView)
        return told.assignment[key.partition], frozenset(told.isr[key.partition]), told.leaders[key.partition]

    def becomes(self, key: TopicPartition, replicas: tuple[int, ...], leader: int) -> None:
        until(lambda: self.listed(key) is None, f"{key} to be done")
        until(
            lambda: self.view(key) == (replicas, frozenset(replicas), leader),
            f"{key} to be on {replicas}, led by {leader}",
        )

    def listed(self, key: TopicPartition) -> Reassignment | None:
        return given(self.cluster.reassignments()).get(key)

    def alter(self, key: TopicPartition, *replicas: int, resize: bool = False) -> KafkaError | None:
        return self.cluster.reassign({key: replicas}, resize=resize)[key]

    def cancel(self, key: TopicPartition) -> KafkaError | None:
        return self.cluster.reassign({key: None}, resize=True)[key]

    def undo(self, key: TopicPartition, *replicas: int) -> None:
        """Back to the recorded list, then cancelled if it is still on its way."""
        assert self.alter(key, *replicas, resize=True) is None
        if self.listed(key):
            assert self.cancel(key) is None


@pytest.fixture(scope="module", params=[(line, where) for line in LINES for where in ("memory", "live")], ids="-".join)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    line, where = request.param
    if where == "memory":
        yield memory_world(line)
        return
    with running(tmp_path_factory.mktemp(f"kafka-{line}"), brokers=4, kafka=line, heap="256m") as kafka:
        config = load(kafka.properties, root=kafka.directory, environ={}, timeout=10)
        cluster = connect(config, timeout=10, expected_cluster_id=kafka.cluster_id)
        tardy = [AlterBroker(broker.id, dict.fromkeys(RATES, TARDY)) for broker in kafka.brokers]
        assert set(cluster.alter_brokers(tardy).values()) == {None}
        yield live_world(line, kafka, cluster)
        cluster.close()
        gc.collect()


def memory_world(line: str) -> World:
    cluster = SnapshotCluster(brokers=numbered_brokers(4), kafka_version=line, zookeeper=line in WITH_ZOOKEEPER)

    def copy(key: TopicPartition) -> None:
        for broker in given(cluster.reassignments())[key].replicas:
            cluster.copied(key, broker, None)

    def fill(topic: str) -> None:
        topics = cluster.state.topics
        sizes = (MEGABYTES * 1_000_000,) * len(topics[topic].assignment)
        cluster.state = replace(cluster.state, topics={**topics, topic: replace(topics[topic], sizes=sizes)})

    return World(line, cluster, cluster.stop, cluster.start, fill, copy)


def live_world(line: str, kafka: Sandbox, cluster: Cluster) -> World:
    def fill(topic: str) -> None:
        lines = kafka.client("admin-librdkafka").read_text().splitlines()
        producer = Producer({**dict(each.split("=", 1) for each in lines), "acks": "all", "log_level": 0})
        for partition in range(len(given(cluster.topics(1, [topic])[topic]).assignment)):
            for _ in range(MEGABYTES):
                producer.produce(topic, os.urandom(999_000), partition=partition)
        assert producer.flush(30) == 0

    def copy(key: TopicPartition) -> None:
        """As fast as it can."""
        assert cluster.alter_topics([AlterTopic(key.topic, dict.fromkeys(LISTS))]) == {key.topic: None}

    return World(
        line,
        cluster,
        lambda broker: stop_broker(kafka.directory, broker),
        lambda broker: start_broker(kafka.directory, broker),
        fill,
        copy,
    )


# ---- on the way


def test_a_move_shows_its_target_first_and_leaves_leader_and_data_where_they_are(world: World) -> None:
    key = world.partition(1, 2)

    assert world.alter(key, 4, 2) is None

    assert world.listed(key) == Reassignment((4, 2, 1), adding=(4,), removing=(1,))
    until(lambda: world.view(key)[0] == (4, 2, 1), "the replicas")
    assert world.view(key) == ((4, 2, 1), {1, 2}, 1)
    world.copy(key)
    world.becomes(key, (4, 2), leader=4)


def test_replicas_are_added_where_the_number_may_change(world: World) -> None:
    key = world.partition(1)

    assert world.alter(key, 1, 3, resize=True) is None
    assert world.listed(key) == Reassignment((1, 3), adding=(3,), removing=())
    world.copy(key)
    world.becomes(key, (1, 3), leader=1)


def test_what_needs_no_copy_is_done_at_once_and_the_leader_stays(world: World) -> None:
    key = world.partition(1, 2, 3)

    assert world.alter(key, 3, 1, 2) is None
    world.becomes(key, (3, 1, 2), leader=1)
    assert world.alter(key, 2, 1, resize=True) is None
    world.becomes(key, (2, 1), leader=1)
    assert world.cluster.elect_preferred([key]) == {key: None}
    world.becomes(key, (2, 1), leader=2)
    assert world.cluster.elect_preferred([key]) == {key: None}  # it leads: that is done


def test_a_leader_that_leaves_hands_over_to_the_first_of_the_target(world: World) -> None:
    key = world.partition(1, 2, 3)

    assert world.alter(key, 3, 2, resize=True) is None

    world.becomes(key, (3, 2), leader=3)


# ---- back


def test_going_back_to_the_original_list_ends_the_move_or_leaves_it_half_undone(world: World) -> None:
    """3.9 to 4.1, and ZooKeeper, take it back at once. 3.5 to 3.8, and 4.4, keep the copy as adding and removing at once, which never ends by itself."""
    key = world.partition(1, 2)
    assert world.alter(key, 3, 2) is None

    assert world.alter(key, 1, 2) is None

    half = None if world.line in UNDONE_AT_ONCE else Reassignment((1, 2, 3), adding=(3,), removing=(3,))
    assert world.listed(key) == half
    if half:
        world.copy(key)
        until(lambda: world.view(key)[1] == {1, 2, 3}, "the copy to be in sync")
        assert world.listed(key) == half
        assert world.cancel(key) is None
    world.becomes(key, (1, 2), leader=1)


def test_the_exact_undo_restores_list_and_order(world: World) -> None:
    """Of a move, of one that grows, and of one that overrode another."""
    moved, grown, twice = (TopicPartition(topic, 0) for topic in (world.topic((3, 1, 2)) for _ in range(3)))
    assert world.alter(moved, 4, 1, 2) is None
    assert world.alter(grown, 2, 3, 1, 4, resize=True) is None
    assert world.alter(twice, 4, 2, 1) is None
    assert world.alter(twice, 4, 1, 3) is None

    for key in (moved, grown, twice):
        world.undo(key, 3, 1, 2)

    for key in (moved, grown, twice):
        world.becomes(key, (3, 1, 2), leader=3)


def test_cancelling_restores_the_replicas_and_not_their_order(world: World) -> None:
    key = world.partition(1, 2, 3)
    assert world.alter(key, 4, 2, 3) is None

    assert world.cancel(key) is None

    world.becomes(key, (2, 3, 1), leader=1)


def test_cancelling_what_overrode_another_move_leaves_a_replica_behind(world: World) -> None:
    """But with ZooKeeper: so a move is undone before another one begins."""
    key = world.partition(1, 2)
    assert world.alter(key, 3, 2) is None
    assert world.alter(key, 4, 2) is None
    leaving = (1, 3) if world.line in LEFT_BEHIND else (1,)
    assert world.listed(key) == Reassignment((4, 2, *leaving), adding=(4,), removing=leaving)

    assert world.cancel(key) is None

    if world.line in LEFT_BEHIND:
        assert world.view(key)[0] == (2, 1, 3)
    else:
        world.becomes(key, (2, 1), leader=1)


# ---- what is refused


def test_what_cannot_be_is_refused_by_itself(world: World) -> None:
    key = world.partition(1, 2)
    zookeeper = world.line in WITH_ZOOKEEPER
    no_partition, no_topic = TopicPartition(key.topic, 7), TopicPartition("absent", 0)
    targets = {key: (2, 1), no_partition: (1, 2), no_topic: (1, 2)}

    told = world.cluster.reassign(targets, resize=False)

    missing = "UNKNOWN_TOPIC_OR_PARTITION"
    gone = "The partition does not exist."
    assert told == {
        key: None,
        no_partition: KafkaError(missing, gone if zookeeper else f"Unable to find partition {key.topic}:7."),
        no_topic: KafkaError(missing, gone if zookeeper else "Unable to find a topic named absent."),
    }
    assert world.cluster.elect_preferred([no_partition, no_topic]) == {
        no_partition: KafkaError(missing, gone if zookeeper else f"No such partition as {key.topic}-7"),
        no_topic: KafkaError(missing, gone if zookeeper else "No such topic as absent"),
    }
    nothing = "No partition reassignment is in progress." if zookeeper else ""
    assert world.cancel(key) == KafkaError("NO_REASSIGNMENT_IN_PROGRESS", nothing)
    world.becomes(key, (2, 1), leader=1)


MANUAL = "The manual partition assignment includes"
BAD = [
    (
        (),
        f"{MANUAL} an empty replica list.",
        "Empty replica list specified in partition reassignment.",
    ),
    (
        (2, 1, 1),
        f"{MANUAL} the broker 1 more than once.",
        "Duplicate replica ids in partition reassignment replica list: ArrayBuffer(2, 1, 1)",
    ),
    (
        (1, 9),
        f"{MANUAL} broker 9, but no such broker is registered.",
        "Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(9), live broker list: Set(1, 2, 3, 4)",
    ),
]


def test_replicas_that_cannot_be_are_refused(world: World) -> None:
    key = world.partition(1, 2)

    for replicas, words, with_zookeeper in BAD:
        reason = with_zookeeper if world.line in WITH_ZOOKEEPER else words
        assert world.alter(key, *replicas, resize=True) == KafkaError("INVALID_REPLICA_ASSIGNMENT", reason)
    world.becomes(key, (1, 2), leader=1)


def test_another_number_of_replicas_is_refused_from_4_1_on_unless_it_may_be(world: World) -> None:
    key = world.partition(1, 2)

    told = world.alter(key, 1)

    if world.line in GUARDED:
        assert told == KafkaError("INVALID_REPLICATION_FACTOR", "The replication factor is changed from 2 to 1")
        world.becomes(key, (1, 2), leader=1)
    else:
        assert told is None
        world.becomes(key, (1,), leader=1)


# ---- throttles and sizes


def test_the_rates_of_a_broker_are_its_own_and_come_back_as_they_were(world: World) -> None:
    before = rates(world, 2)

    assert world.cluster.alter_brokers([AlterBroker(2, {RATES[0]: "5000", RATES[1]: None})]) == {2: None}
    until(lambda: rates(world, 2) == {RATES[0]: "5000"}, "the new rates")
    assert world.cluster.alter_brokers([AlterBroker(2, {key: before.get(key) for key in RATES})]) == {2: None}
    until(lambda: rates(world, 2) == before, "the old rates")


def rates(world: World, broker: int) -> dict[str, str | None]:
    found = given(world.cluster.broker_configs(broker))
    return {key: found[key].value for key in RATES if key in found and found[key].source is ConfigSource.DYNAMIC_BROKER}


def test_each_broker_tells_what_it_has_of_a_replica_and_how_much_room_there_is(world: World) -> None:
    key = world.partition(1, 2)
    other = world.partition(1)
    assert world.alter(key, 3, 2) is None

    def has(broker: int) -> int | None:
        (told,) = given(world.cluster.log_dirs(broker, [key]))
        assert told.replicas.keys() <= {key}
        return told.replicas[key].size if key in told.replicas else None

    until(lambda: has(3) is not None, "the new log")
    (of_all,) = given(world.cluster.log_dirs(1))
    assert {key, other} <= of_all.replicas.keys()
    assert has(1) == has(2) == of_all.replicas[key].size
    assert has(3) <= has(1)  # type: ignore[operator]
    assert has(4) is None
    assert of_all.total is not None
    assert of_all.usable is not None
    assert 0 < of_all.usable < of_all.total
    assert (of_all.error, of_all.cordoned) == (None, False)
    world.undo(key, 1, 2)


# ---- a broker that is down: last, since it takes the longest


def test_a_target_that_is_down_is_waited_for_or_with_zookeeper_refused(world: World) -> None:
    """And what was kept has to be in sync too, before 4.4."""
    dead, kept, shrunk = world.partition(1, 2), world.partition(1, 4), world.partition(1, 4, 2)
    world.stop(4)
    until(lambda: [broker.id for broker in world.cluster.describe().brokers] == [1, 2, 3], "broker 4 to be missed")
    until(lambda: world.view(kept)[1] == {1}, "broker 4 to be out of sync")

    told = world.alter(dead, 4, 1)
    assert world.alter(kept, 3, 4) is None
    assert world.alter(shrunk, 1, 4, resize=True) is None

    if world.line in WITH_ZOOKEEPER:
        words = "Replica assignment has brokers that are not alive. Replica list: ArrayBuffer(4), live broker list: Set(1, 2, 3)"
        assert told == KafkaError("INVALID_REPLICA_ASSIGNMENT", words)
    else:
        assert told is None
        assert world.listed(dead) == Reassignment((4, 1, 2), adding=(4,), removing=(2,))
        world.undo(dead, 1, 2)
        world.becomes(dead, (1, 2), leader=1)
    assert world.listed(kept) == Reassignment((3, 4, 1), adding=(3,), removing=(1,))
    assert world.listed(shrunk) == Reassignment((1, 4, 2), adding=(), removing=(2,))
    world.copy(kept)
    until(lambda: 3 in world.view(kept)[1], "the copy to be in sync")
    assert (world.listed(kept) is not None) is (world.line in NEEDS_WHAT_WAS_KEPT)
    assert error_name(world.cluster.alter_brokers([AlterBroker(4, {RATES[0]: "1"})])[4]) == "DISCONNECTED"
    assert error_name(world.cluster.log_dirs(4)) == "DISCONNECTED"

    world.start(4)

    world.becomes(kept, (3, 4), leader=3)
    world.becomes(shrunk, (1, 4), leader=1)


def error_name(answer: object) -> str:
    assert isinstance(answer, KafkaError)
    return answer.name
