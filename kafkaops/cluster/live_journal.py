"""The journal on real brokers: its topic and who holds a lock by Kafka's own requests, the rest by librdkafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from kafkaops.cluster import (
    Cluster,
    ClusterFailure,
    Description,
    FailureKind,
    KafkaError,
    NewTopic,
    TopicView,
    protocol,
)
from kafkaops.cluster.agreement import on_all
from kafkaops.cluster.confluent.journal import Member, Settings, Writer, committed
from kafkaops.cluster.journal import TOPIC, BusyError, Holder, Lock, Record, newest
from kafkaops.cluster.protocol import Ask, Connections, NotSentError, UnansweredError
from kafkaops.cluster.rights import Need, no_right, to_hold, to_look

T = TypeVar("T")

_CONFIGS: Final = {
    "cleanup.policy": "compact",
    "segment.bytes": str(1024 * 1024),  # only what is in a closed segment is ever compacted
    "segment.ms": str(24 * 60 * 60 * 1000),
    "min.cleanable.dirty.ratio": "0.1",
    "unclean.leader.election.enable": "false",
}
_REFUSED = frozenset({"TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED", "GROUP_AUTHORIZATION_FAILED"})
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.1
_SETTLING_SECONDS = 2.0  # a group that somebody joins or leaves is asked again for so long
_JOINING_SECONDS = 15.0  # brokers wait 3 s for more to join a new group, and 6 s for a member that died


class LiveJournal:
    def __init__(self, cluster: Cluster, connections: Connections, settings: Settings) -> None:
        self._cluster = cluster
        self._connections = connections
        self._settings = settings

    def read(self) -> tuple[Record, ...] | None:
        if self._topic(to_look()) is None:
            return None
        end = self._asked("how far the journal goes", self._leader, partial(protocol.end_offset, topic=TOPIC))
        if isinstance(end, KafkaError):
            raise no_right(Need("Topic", TOPIC, ("Describe",)), to_look())
        return newest(tuple(committed(self._settings, Lock.APPLY, until=end)))

    def holder(self, lock: Lock) -> Holder | None:
        """Without the topic nobody can hold it, and Kafka would make a topic of its own to answer."""
        return None if self._topic(to_look()) is None else self._owner(lock, to_look())

    def acquire(self, lock: Lock, client_id: str) -> LiveHeld:
        self._prepare_topic(lock)
        holder = self._owner(lock, to_hold(lock))
        if holder:
            raise BusyError(lock, holder)
        member = Member(self._settings, lock, client_id)
        try:
            self._await_ownership(member, lock)
            return LiveHeld(member, Writer(self._settings, lock, client_id, member))  # first own, then fence
        except BaseException:
            member.leave()
            raise

    def _await_ownership(self, member: Member, lock: Lock) -> None:
        deadline = time.monotonic() + _JOINING_SECONDS
        while not member.owns(within=_PAUSE_SECONDS):
            holder = self._owner(lock, to_hold(lock))
            another = holder and member.id and holder.member_id != member.id
            if another or time.monotonic() > deadline:
                raise BusyError(lock, holder)

    # ---- the topic

    def _topic(self, needs: Iterable[Need]) -> TopicView | None:
        """As any live broker shows it; None when none does. Errors: ClusterFailure for one of another shape."""
        shown = self._shown(self._cluster.describe())
        view = next((one for one in shown.values() if isinstance(one, TopicView)), None)
        if any(isinstance(one, KafkaError) and one.name in _REFUSED for one in shown.values()):
            raise no_right(Need("Topic", TOPIC, ("Describe",)), needs)
        if view and len(view.assignment) != 1:
            sentence = f"the topic `{TOPIC}` has {len(view.assignment)} partitions, and a journal has 1"
            raise ClusterFailure(FailureKind.UNFIT_JOURNAL, sentence, help=_DELETE_IT)
        return view

    def _shown(self, described: Description) -> dict[int, TopicView | KafkaError]:
        brokers = [broker.id for broker in described.brokers]
        return on_all(brokers, lambda broker: self._cluster.topics(broker, [TOPIC])[TOPIC])

    def _prepare_topic(self, lock: Lock) -> None:
        if self._topic(to_hold(lock)) is None:
            self._create_topic(lock)
        self._check_rights(lock)
        self._check_policy(lock)

    def _create_topic(self, lock: Lock) -> None:
        described = self._cluster.describe()
        replicas = min(3, len(described.brokers) + len(described.fenced))
        configs = {**_CONFIGS, "min.insync.replicas": "2" if replicas == 3 else "1"}  # noqa: PLR2004
        error = self._cluster.create_topics([NewTopic(TOPIC, 1, replicas, configs)])[TOPIC]
        if error and error.name in _REFUSED:
            raise no_right(Need("Topic", TOPIC, ("Create",)), to_hold(lock))
        if error and error.name != "TOPIC_ALREADY_EXISTS":
            raise ClusterFailure(
                FailureKind.UNREACHABLE, f"the topic `{TOPIC}` cannot be created: {error}", help=_MAKE_IT
            )
        self._await_topic(described)

    def _await_topic(self, described: Description) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while missing := [broker for broker, one in self._shown(described).items() if not _has_a_leader(one)]:
            if time.monotonic() > deadline:
                sentence = f"broker {missing[0]} does not show the topic `{TOPIC}` after {_PATIENCE_SECONDS:g} s"
                raise ClusterFailure(FailureKind.UNREACHABLE, sentence)
            time.sleep(_PAUSE_SECONDS / 2)

    def _check_rights(self, lock: Lock) -> None:
        """All that the topic needs at once; a group and a transactional id only refuse when they are used."""
        allowed = self._asked(
            "the rights to the journal", self._leader, partial(protocol.topic_operations, topic=TOPIC)
        )
        told = frozenset[str]() if isinstance(allowed, KafkaError) else allowed
        missing = tuple(one for one in ("Describe", "DescribeConfigs", "Read", "Write") if one not in told)
        if missing:
            raise no_right(Need("Topic", TOPIC, missing), to_hold(lock))

    def _check_policy(self, lock: Lock) -> None:
        told = self._cluster.topic_overrides([TOPIC])[TOPIC]
        if isinstance(told, KafkaError):
            raise no_right(Need("Topic", TOPIC, ("DescribeConfigs",)), to_hold(lock))
        policy = told["cleanup.policy"].value if "cleanup.policy" in told else "not set"
        if policy != "compact":
            sentence = f"`cleanup.policy` of the topic `{TOPIC}` is {policy}, and that of a journal is compact"
            raise ClusterFailure(FailureKind.UNFIT_JOURNAL, sentence, help=_COMPACT_IT)

    # ---- questions to one certain broker

    def _owner(self, lock: Lock, needs: Iterable[Need]) -> Holder | None:
        settling = time.monotonic() + _SETTLING_SECONDS
        while True:
            found = self._asked(
                f"who holds `{lock}`", partial(self._coordinator, lock), partial(protocol.group, name=lock)
            )
            if isinstance(found, KafkaError):
                raise no_right(Need("Group", lock, ("Describe",)), needs)
            if found.settled or time.monotonic() > settling:
                return found.owner
            time.sleep(_PAUSE_SECONDS)

    def _leader(self) -> int | KafkaError:
        views = self._shown(self._cluster.describe()).values()
        leaders = (one.leaders[0] for one in views if isinstance(one, TopicView))
        return next((leader for leader in leaders if leader >= 0), KafkaError("LEADER_NOT_AVAILABLE"))

    def _coordinator(self, lock: Lock) -> int | KafkaError:
        brokers = self._connections.brokers()
        return protocol.coordinator(partial(self._connections.ask, brokers[0]), lock)

    def _asked(
        self, what: str, whom: Callable[[], int | KafkaError], question: Callable[[Ask], T | KafkaError]
    ) -> T | KafkaError:
        """The answer, or that we may not know it; asked again while Kafka is electing whoever knows."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                broker = whom()
                answer = broker if isinstance(broker, KafkaError) else question(partial(self._connections.ask, broker))
            except (NotSentError, UnansweredError) as error:
                answer = KafkaError("DISCONNECTED", str(error))
            if not isinstance(answer, KafkaError) or answer.name in _REFUSED:
                return answer
            if time.monotonic() > deadline:
                raise ClusterFailure(FailureKind.UNREACHABLE, f"no broker tells {what}: {answer}")
            time.sleep(_PAUSE_SECONDS)
            self._connections.refresh()


_DELETE_IT = f"delete `{TOPIC}` if it is of no use, and kafkaops makes it anew"
_COMPACT_IT = f"set it: `kafka-configs.sh --alter --topic {TOPIC} --add-config cleanup.policy=compact`"
_MAKE_IT = f"create `{TOPIC}` with 1 partition and `cleanup.policy=compact`, or write `journal: off` below the cluster"


def _has_a_leader(shown: TopicView | KafkaError) -> bool:
    return isinstance(shown, TopicView) and shown.leaders[0] >= 0


@dataclass(frozen=True, slots=True, eq=False)
class LiveHeld:
    member: Member
    writer: Writer

    def prove(self) -> None:
        self.member.prove()

    def append(self, records: Sequence[Record]) -> None:
        self.prove()
        self.writer.write(records)

    def release(self) -> None:
        self.member.leave()
