"""Replicas moved by the command line on real brokers, with data, while clients write and read: none of them notices, and nothing is left behind."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from confluent_kafka import Consumer, KafkaException, Producer
from confluent_kafka import TopicPartition as Place
from desk import command, environment, given, run, until

from kafkaops.cluster import AlterBroker, AlterTopic, ConfigSource, NewTopic, TopicPartition, TopicView
from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.properties import load
from kafkaops.findings import Exit
from kafkaops.journal import Borrowed
from kafkaops.lint import RULES
from kafkaops.moving.mover import Mover, Pace
from kafkaops.moving.progress import Ended
from kafkaops.moving.throttling import LEADER_RATE, LEADERS, LISTS, RATES
from kafkaops.placement.model import Move
from kafkaops.sandbox import Sandbox, running, start_broker, stop_broker

pytestmark = pytest.mark.broker

MIB = 2**20
RECORD = 200_000

Assignment = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Four brokers, a topology folder, and the command line."""

    kafka: Sandbox
    cluster: LiveCluster
    folder: Path
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def client(self) -> dict[str, Any]:
        lines = self.kafka.client("admin-librdkafka").read_text().splitlines()
        return {**dict(each.split("=", 1) for each in lines), "log_level": 0}

    def topic(self, *assignment: tuple[int, ...], mib: int) -> str:
        """With so much in each partition."""
        name = f"m.t{next(self.numbers)}"
        assert self.cluster.create_topics([NewTopic(name, 0, 0, {}, assignment)]) == {name: None}
        until(lambda: self.assignment(name) == assignment, name)
        producer = Producer({**self.client(), "acks": "all", "linger.ms": 5})
        for number in range(mib * MIB // RECORD * len(assignment)):
            producer.produce(name, os.urandom(RECORD), partition=number % len(assignment))
            if number % 20 == 19:
                producer.flush(30)
        assert producer.flush(60) == 0
        return name

    def assignment(self, name: str) -> Assignment | None:
        """Once all live brokers show the same."""
        views = [self.cluster.topics(broker.id, [name])[name] for broker in self.cluster.describe().brokers]
        found = {view.assignment if isinstance(view, TopicView) else None for view in views}
        return found.pop() if len(found) == 1 else None

    def declare(self, name: str, partitions: int, replicas: int, **placement: object) -> None:
        entry = {
            "bootstrap-servers": ["127.0.0.1:1"],
            "cluster-id": self.kafka.cluster_id,
            "authorizer": {
                "super-users": ["User:admin", "User:ANONYMOUS"],
                "allow-everyone": False,
                "principal": "User:admin",
                "brokers": ["User:ANONYMOUS"],
            },
            "placement": placement,
        }
        settings = {"version": 1, "policy": {"lint": dict.fromkeys(RULES, "off")}, "clusters": {"real": entry}}
        fewer = {"code": "KO2116", "change": f"replication.factor {replicas + 1} -> {replicas}", "until": _soon()}
        topic = {"partitions": partitions, "replication-factor": replicas, "acknowledge": [fewer]}
        (self.folder / "topology").mkdir(exist_ok=True)
        (self.folder / "topology/kafkaops.yaml").write_text(yaml.safe_dump(settings))
        (self.folder / "topology/m.yaml").write_text(yaml.safe_dump({"topics": {name: topic}}))

    def run(self, *arguments: str) -> tuple[int, str]:
        done = run(self.folder, *arguments, env=self.env, limit=120)
        return done.code, done.told

    @property
    def env(self) -> dict[str, str]:
        return {"KAFKAOPS_CLIENT_CONFIG": str(self.kafka.properties)}

    def begun(self, *arguments: str) -> subprocess.Popen[str]:
        """Until there are copies on their way."""
        process = subprocess.Popen(
            command("apply", "--yes", *arguments),
            cwd=self.folder,
            env=environment(self.env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        until(lambda: bool(self.cluster.reassignments()) or process.poll() is not None, "copies to begin")
        assert process.poll() is None
        return process

    def settings(self) -> object:
        """What a throttle sets, on brokers and on topics."""
        names = sorted(name for name in self.cluster.topic_names(1) if name.startswith("m."))
        overrides = self.cluster.topic_overrides(names)
        topics = {
            name: {key: entry.value for key, entry in given(overrides[name]).items() if key in LISTS} for name in names
        }
        brokers = {
            broker.id: {
                key: entry.value
                for key, entry in given(self.cluster.broker_configs(broker.id)).items()
                if key in RATES and entry.source is ConfigSource.DYNAMIC_BROKER
            }
            for broker in self.cluster.describe().brokers
        }
        return topics, brokers

    def arrived(self, key: TopicPartition, broker: int) -> int:
        dirs = given(self.cluster.log_dirs(broker, [key]))
        return sum(log.size for one in dirs for log in one.replicas.values())

    def stays(self, before: object) -> None:
        until(lambda: self.settings() == before, f"{before}, not {self.settings()}")
        assert self.cluster.reassignments() == {}


@dataclass
class Book:
    """What a journal would hold of what is lent."""

    lent: tuple[Borrowed, ...] = ()

    def lend(self, lent: Sequence[Borrowed]) -> None:
        self.lent += tuple(lent)

    def give_back(self, lent: Sequence[Borrowed]) -> None:
        self.lent = tuple(one for one in self.lent if one not in lent)

    def current(self, _: Sequence[Borrowed]) -> Sequence[Borrowed]:
        return self.lent


def _soon() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + 20 * 86_400))


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    with running(folder / "kafka", brokers=4, kafka="4.4", heap="384m") as kafka:
        config = load(kafka.properties, root=kafka.directory, environ={}, timeout=10)
        cluster = connect(config, timeout=10, expected_cluster_id=kafka.cluster_id)
        work = folder / "work"
        work.mkdir()
        yield Fleet(kafka, cluster, work)
        cluster.close()
        gc.collect()


class Traffic:
    """A producer that numbers what it writes to each partition, and a consumer that reads it back.

    It writes with acks=all and idempotence, as Java's does by default: any other one may write twice or out of order whenever a leader changes.
    """

    def __init__(self, fleet: Fleet, topic: str, partitions: int) -> None:
        self._topic, self._partitions = topic, partitions
        self._client = fleet.client()
        self._stop = threading.Event()
        self.sent: Counter[int] = Counter()
        self.errors: list[str] = []
        self.read: dict[int, list[int]] = {number: [] for number in range(partitions)}
        self._threads = [threading.Thread(target=self._produce), threading.Thread(target=self._consume)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _produce(self) -> None:
        producer = Producer({**self._client, "enable.idempotence": True, "linger.ms": 5, "message.timeout.ms": 60_000})

        def told(error: object, _: object) -> None:
            if error:
                self.errors.append(str(error))

        while not self._stop.wait(0.01):
            partition = sum(self.sent.values()) % self._partitions
            producer.produce(self._topic, b"n%d" % self.sent[partition], partition=partition, on_delivery=told)
            self.sent[partition] += 1
            producer.poll(0)
        assert producer.flush(60) == 0

    def _consume(self) -> None:
        consumer = Consumer({**self._client, "group.id": "watcher", "enable.auto.commit": False})
        consumer.assign([Place(self._topic, number, 0) for number in range(self._partitions)])
        patience = time.monotonic() + 120
        while time.monotonic() < patience:
            message = consumer.poll(0.2)
            if message is None:
                if self._stop.is_set() and not self._threads[0].is_alive() and self._complete():
                    break
                continue
            if message.error():
                self.errors.append(str(KafkaException(message.error())))
            elif (value := message.value() or b"").startswith(b"n") and len(value) < 20:
                self.read[message.partition()].append(int(value[1:]))
        consumer.close()

    def _complete(self) -> bool:
        return all(len(self.read[number]) >= self.sent[number] for number in self.read)

    def nothing_lost(self) -> None:
        assert self.errors == []
        for number in range(self._partitions):
            assert self.read[number] == list(range(self.sent[number])), number
        assert sum(self.sent.values()) > 100


def test_growing_shrinking_and_draining_go_unnoticed_by_who_writes_and_reads(fleet: Fleet) -> None:
    name = fleet.topic((1,), (2,), (4,), mib=4)
    fleet.cluster.alter_topics([AlterTopic(name, {LEADERS: "2:4"})])
    fleet.cluster.alter_brokers([AlterBroker(2, {LEADER_RATE: "123456789"})])
    until(lambda: fleet.settings()[1][2] == {LEADER_RATE: "123456789"}, "the rate of another")  # type: ignore[index]
    before = fleet.settings()

    with Traffic(fleet, name, 3) as traffic:
        for replicas, drain in ((3, []), (2, []), (2, [4])):
            fleet.declare(name, 3, replicas, throttle="20MiB/s", drain=drain)
            code, told = fleet.run("apply", "--yes")
            assert code == Exit.DONE, told
            found = fleet.assignment(name) or ()
            assert {len(one) for one in found} == {replicas}
            assert not any(set(drain) & set(one) for one in found)

    traffic.nothing_lost()
    fleet.stays(before)
    view = given(fleet.cluster.topics(1, [name])[name])
    assert view.leaders == tuple(one[0] for one in view.assignment)
    fleet.cluster.alter_brokers([AlterBroker(2, {LEADER_RATE: None})])


@pytest.mark.parametrize(("seed", "finisher"), [(1, ("resume",)), (2, ("apply", "--yes")), (3, ("resume",))])
def test_a_run_that_is_killed_is_ended_by_another_and_every_setting_is_as_before(
    fleet: Fleet, seed: int, finisher: tuple[str, ...]
) -> None:
    killed_and_ended(fleet, seed, finisher)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 30))
def test_whenever_it_is_killed(fleet: Fleet, seed: int) -> None:
    killed_and_ended(fleet, seed, ("apply", "--yes") if seed % 2 else ("resume",))


def killed_and_ended(fleet: Fleet, seed: int, finisher: tuple[str, ...]) -> None:
    name = fleet.topic((1, 2), (2, 1), mib=6)
    fleet.declare(name, 2, 3, throttle="2MiB/s")
    before = fleet.settings()

    with Traffic(fleet, name, 2) as traffic:
        process = fleet.begun()
        time.sleep(random.Random(seed).uniform(0.0, 3.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        ended = []
        until(
            lambda: ended.append(fleet.run(*finisher)) or ended[-1][0] != Exit.BUSY,
            "the lock of the one that was killed",
        )
        assert ended[-1][0] == Exit.DONE, ended[-1][1]

    traffic.nothing_lost()
    assert {len(one) for one in fleet.assignment(name) or ()} == {3}
    fleet.stays(before)
    assert fleet.run("plan", "--detailed-exitcode")[0] == Exit.DONE


@pytest.mark.soak
def test_a_throttle_is_kept_for_a_minute(fleet: Fleet) -> None:
    """What arrives on the new replica, in bytes per second, once copying is under way."""
    name = fleet.topic((1, 2), mib=150)
    fleet.declare(name, 1, 3, throttle="2MiB/s")

    process = fleet.begun()
    (key, on_way), *_ = given(fleet.cluster.reassignments()).items()
    time.sleep(5)
    first, begun = fleet.arrived(key, on_way.adding[0]), time.monotonic()
    time.sleep(60)
    rate = (fleet.arrived(key, on_way.adding[0]) - first) / (time.monotonic() - begun)
    process.communicate(timeout=120)

    assert 0.6 * 2 * MIB < rate < 1.15 * 2 * MIB
    if rate < 0.85 * 2 * MIB:
        pytest.xfail(
            "within 15 % is kept from above only: Kafka 4.4 uses 71 to 75 % of a rate, at 2 and at 8 MiB/s alike"
        )


def test_a_target_that_stops_is_waited_for(fleet: Fleet) -> None:
    name = fleet.topic((1, 2), mib=8)
    fleet.declare(name, 1, 3, throttle="1MiB/s")
    before = fleet.settings()

    process = fleet.begun()
    target = next(iter(given(fleet.cluster.reassignments()).values())).adding[0]
    stop_broker(fleet.kafka.directory, target)
    time.sleep(4)
    start_broker(fleet.kafka.directory, target)
    told, _ = process.communicate(timeout=120)

    assert process.returncode == Exit.DONE, told
    assert target in (fleet.assignment(name) or ((),))[0]
    fleet.stays(before)


def test_a_copy_onto_a_stopped_broker_says_how_long_it_is_quiet_and_goes_on(fleet: Fleet) -> None:
    name = fleet.topic((1, 2), mib=8)
    before = fleet.settings()
    book = Book()
    moves = (Move(name, 0, (1, 2), (1, 2, 3), 8 * MIB, "grow", ()),)
    mover = Mover(cluster=fleet.cluster, moves=moves, pace=Pace(throttle=MIB, poll=0.5), book=book, run="run")
    looks = mover.forward()
    next(one for one in looks if one.copying and one.copying[0].share > 0)
    stop_broker(fleet.kafka.directory, 3)
    next(looks)  # what was copied until it stopped

    quiet = [(one.copying[0].quiet, one.copied) for one in islice(looks, 5)]
    start_broker(fleet.kafka.directory, 3)
    *_, last = looks

    assert [seconds for seconds, _ in quiet] == sorted({seconds for seconds, _ in quiet})
    assert quiet[-1][0] > 2
    assert len({copied for _, copied in quiet}) == 1
    assert last.ended is Ended.DONE
    until(lambda: fleet.assignment(name) == ((1, 2, 3),), "the target")
    assert book.lent == ()
    fleet.stays(before)


def test_what_is_cancelled_ends_at_the_old_replicas_in_their_order(fleet: Fleet) -> None:
    name = fleet.topic((3, 1), (2, 1), mib=24)  # what has arrived before it is taken back stays
    fleet.declare(name, 2, 3, throttle="1MiB/s")
    before = fleet.settings()

    with Traffic(fleet, name, 2) as traffic:
        process = fleet.begun()
        process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=60)
        assert process.returncode == Exit.INTERRUPTED, told
        assert "kafkaops resume" in told
        code, told = fleet.run("cancel")
        assert code == Exit.DONE, told

    traffic.nothing_lost()
    assert fleet.assignment(name) == ((3, 1), (2, 1))
    fleet.stays(before)
