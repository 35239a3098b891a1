"""Replicas that copy like water through pipes: a clock that a test turns, throttles that count as Kafka counts them, and replicas that a test keeps out of sync."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from kafkaops.cluster import ConfigSource, KafkaError, TopicPartition
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.journal import Borrowed
from kafkaops.moving.throttles import FOLLOWER_LIST, FOLLOWER_RATE, LEADER_LIST, LEADER_RATE, listed

WIRE = 100_000_000  # bytes a second, where nothing slows


@dataclass(slots=True)
class Water:
    """`stuck`: (partition, broker) that stays out of sync however long it has had."""

    cluster: SnapshotCluster
    seconds: float = 0.0
    stuck: set[tuple[TopicPartition, int]] = field(default_factory=set)

    def clock(self) -> float:
        return self.seconds

    def flow(self, seconds: float) -> None:
        """In steps of one second at most."""
        while seconds > 0:
            step = min(1.0, seconds)
            self._step(step)
            self.seconds += step
            seconds -= step

    def flap(self, key: TopicPartition, broker: int) -> None:
        """That replica falls out of sync with all its bytes, and comes back with the next step that it may."""
        self.cluster.copied(key, broker, self._size(key))

    def _step(self, seconds: float) -> None:
        copies = self._copies()
        out, into = Counter[int](), Counter[int]()
        for key, leader, broker in copies:
            out[leader] += self._is_listed(key, LEADER_LIST, leader)
            into[broker] += self._is_listed(key, FOLLOWER_LIST, broker)
        for key, leader, broker in copies:
            rate = min(
                self._share(key, LEADER_LIST, LEADER_RATE, leader, out[leader]),
                self._share(key, FOLLOWER_LIST, FOLLOWER_RATE, broker, into[broker]),
            )
            held = self.cluster.state.topics[key.topic].held.get(key.partition)
            if held is None or broker not in held.behind:
                continue  # it left with one that came in sync
            has = held.behind[broker] + int(rate * seconds)
            whole = has >= self._size(key) and (key, broker) not in self.stuck
            self.cluster.copied(key, broker, None if whole else min(has, self._size(key)))

    def _copies(self) -> list[tuple[TopicPartition, int, int]]:
        """Partition, leader, and who copies from it."""
        found = []
        for name, topic in self.cluster.state.topics.items():
            for number, held in topic.held.items():
                leader = self.cluster.topics(self._someone(), [name])[name].leaders[number]  # type: ignore[union-attr]
                found += [
                    (TopicPartition(name, number), leader, broker)
                    for broker in held.behind
                    if leader >= 0 and broker not in self.cluster.down
                ]
        return found

    def _someone(self) -> int:
        return self.cluster.describe().brokers[0].id

    def _size(self, key: TopicPartition) -> int:
        return self.cluster.state.topics[key.topic].size(key.partition)

    def _is_listed(self, key: TopicPartition, which: str, broker: int) -> bool:
        entries = listed(self.cluster.state.topics[key.topic].overrides.get(which))
        return "*" in entries or f"{key.partition}:{broker}" in entries

    def _share(self, key: TopicPartition, which: str, rate: str, broker: int, among: int) -> float:
        found = self.cluster.broker_configs(broker)
        assert not isinstance(found, KafkaError)
        entry = found.get(rate)
        if entry is None or entry.source is not ConfigSource.DYNAMIC_BROKER or not self._is_listed(key, which, broker):
            return WIRE
        return int(entry.value or WIRE) / among


@dataclass(slots=True)
class Memo:
    """A ledger in memory: it outlives a mover that dies. `before_write` may raise."""

    ones: dict[tuple[str, str, str], Borrowed] = field(default_factory=dict)
    before_write: object = None

    def borrowed(self) -> Sequence[Borrowed]:
        return tuple(self.ones.values())

    def lend(self, ones: Sequence[Borrowed]) -> None:
        self._write()
        self.ones |= {(one.on, one.name, one.key): one for one in ones}

    def returned(self, ones: Sequence[Borrowed]) -> None:
        self._write()
        for one in ones:
            del self.ones[one.on, one.name, one.key]

    def _write(self) -> None:
        if callable(self.before_write):
            self.before_write()
