"""A Kafka cluster in memory: plain values answer the reads, writes change them by Kafka's own rules and are refused in Kafka's words.

For plans without a broker, for tests and for laws. What a test may do to it stands first in `SnapshotCluster`: stop brokers, hide topics, let one broker lag,
make one item or a whole call fail. The rules and the words are KRaft's; with `zookeeper=True` only
replicas on brokers that are down and partitions during a reassignment are refused as ZooKeeper does.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from kafkaops.cluster import (
    AclBinding,
    AlterBroker,
    AlterTopic,
    Broker,
    ClusterFailure,
    ConfigEntry,
    ConfigSource,
    Description,
    FailureKind,
    KafkaError,
    LogDir,
    MorePartitions,
    NewTopic,
    PutOff,
    Reassignment,
    ReplicaLog,
    TopicPartition,
    TopicView,
)
from kafkaops.cluster.controller import Held, Mode, altered, cancelled, elected, ended, why_bad_with_zookeeper
from kafkaops.cluster.journal import LostError
from kafkaops.cluster.rules import (
    CLUSTER_OPERATIONS,
    bad_acl,
    bad_name,
    broker_defaults,
    metric_name,
    printed,
)
from kafkaops.cluster.snapshot_journal import SnapshotJournal

Assignment = tuple[tuple[int, ...], ...]
Hook = Callable[[str, object], KafkaError | ClusterFailure | None]
Key = TypeVar("Key")
Item = TypeVar("Item")
Named = TypeVar("Named", NewTopic, MorePartitions, AlterTopic)

LOST: Final = KafkaError("TIMED_OUT", "the answer was lost")  # from a hook: done, but the caller does not learn it

# Kafka has words for it only where it should delete.
_NO_TOPIC = KafkaError("UNKNOWN_TOPIC_OR_PARTITION")
_NO_PARTITION = KafkaError("UNKNOWN_TOPIC_OR_PARTITION", "The partition does not exist.")
_NO_TOPIC_TO_DELETE = KafkaError("UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition.")
_NO_TOPIC_ID = KafkaError("UNKNOWN_TOPIC_ID", "This server does not host this topic ID.")
_NO_TOPIC_RIGHT = KafkaError("TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed.")
_NO_CLUSTER_RIGHT = KafkaError("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.")
_NO_LOG_DIRS = replace(_NO_CLUSTER_RIGHT, message="log dirs need Describe on the cluster")
_NO_AUTHORIZER = KafkaError("SECURITY_DISABLED", "No Authorizer is configured.")
_INTERNAL = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
_DISK = 2**40
_MOST_PARTITIONS = 10_000  # of one CreateTopics request, from 3.9 on


@dataclass(frozen=True, slots=True)
class SnapshotTopic:
    """`sizes`: bytes of the largest replica of each partition; none are said: nothing was written to it. `held`: of partitions that are not simply at rest."""

    topic_id: str
    assignment: Assignment
    overrides: Mapping[str, str] = field(default_factory=dict)
    sizes: tuple[int, ...] = ()
    held: Mapping[int, Held] = field(default_factory=dict)

    def size(self, number: int) -> int:
        return self.sizes[number] if number < len(self.sizes) else 0


@dataclass(frozen=True, slots=True)
class SnapshotState:
    """What the controller knows at one moment. `created`: how many topic ids were given out."""

    topics: Mapping[str, SnapshotTopic]
    acls: Mapping[AclBinding, None]  # a set that keeps its order
    created: int


class Call(NamedTuple):
    """One item of one write: a `NewTopic`, `MorePartitions`, `AlterTopic`, `AlterBroker`, `AclBinding`, for deletions (name, topic id), for reassignments (partition, replicas), for elections the partition."""

    method: str
    item: object
    validate_only: bool


def numbered_brokers(count: int) -> tuple[Broker, ...]:
    return tuple(Broker(number, f"broker-{number}", 9092, f"rack-{number}") for number in range(1, count + 1))


def topic_id(number: int) -> str:
    """The id of the n-th topic; never one of Kafka's reserved ids 0 and 1."""
    return base64.urlsafe_b64encode((number + 2).to_bytes(16, "big")).rstrip(b"=").decode()


def spread(partitions: int, replication: int, live: Sequence[int], down: Sequence[int], start: int) -> Assignment:
    """Round robin, live brokers first: one that is down never leads unless all are."""
    return tuple(
        tuple([*_rotated(live, start + number), *_rotated(down, start + number)][:replication])
        for number in range(partitions)
    )


def _rotated(brokers: Sequence[int], by: int) -> list[int]:
    turn = by % len(brokers) if brokers else 0
    return [*brokers[turn:], *brokers[:turn]]


class SnapshotCluster:
    """Attributes that a test may set at any time:

    hidden      names that our principal may not DESCRIBE
    moving      names with a reassignment in flight of which nothing else is known
    disks       broker id -> bytes of each of its log directories, over which replicas are spread by partition; left out: one of 1 TiB
    cordoned    brokers that take no new replicas
    operations  our rights on the cluster resource; None: not told, and nothing is refused
    lagging     broker id -> the older state that its answers still come from
    hook        asked before each item with the method's name and the item: a `KafkaError` is that item's answer, `LOST` after it was done all the same,
                a `ClusterFailure` at the first item ends the call, at a later one it leaves the rest DISCONNECTED
    calls       every item of every write that was asked for, refused ones too
    """

    def __init__(
        self,
        topics: Mapping[str, SnapshotTopic] | None = None,
        acls: Iterable[AclBinding] = (),
        *,
        cluster_id: str = "snapshot-cluster-0001A",
        brokers: Sequence[Broker] | None = None,
        down: Iterable[int] = (),
        kafka_version: str = "4.4",
        zookeeper: bool = False,
        authorizer: bool = True,
        settings: Mapping[str, str] | None = None,
        settings_of: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        """`brokers`: all that are registered (None: three), `down` are those that do not answer. `settings`: static ones of every broker, `settings_of` of one."""
        self.hidden: frozenset[str] = frozenset()
        self.moving: frozenset[str] = frozenset()
        self.operations: frozenset[str] | None = CLUSTER_OPERATIONS
        self.lagging: dict[int, SnapshotState] = {}
        self.hook: Hook | None = None
        self.calls: list[Call] = []
        self.down = frozenset(down)
        self.disks: Mapping[int, tuple[int, ...]] = {}
        self.cordoned: frozenset[int] = frozenset()
        self._cluster_id = cluster_id
        self._brokers = tuple(sorted(brokers or numbered_brokers(3)))
        self._kafka_version = kafka_version
        self._version = _major_minor(kafka_version)
        self._zookeeper = zookeeper
        self._authorizer = authorizer
        self._settings = dict(settings or {})
        self._inherited: dict[str, str | None] = {**broker_defaults(self._version), **self._settings}
        self._settings_of = {broker: dict(own) for broker, own in (settings_of or {}).items()}
        self._dynamic: Mapping[int, Mapping[str, str]] = {}
        self._mode = Mode(self._version, zookeeper)
        self._topics = dict(topics or {})
        self._acls = dict.fromkeys(acls)
        self._created = len(self._topics)
        self._shared = False
        self._journal = SnapshotJournal()
        self._proof: Callable[[], None] | None = None

    @classmethod
    def from_dict(cls, block: Mapping[str, object]) -> SnapshotCluster:
        """From the `live:` block of a case file, as `plain` describes it."""
        from kafkaops.cluster import plain  # noqa: PLC0415  # it is built on this module

        return plain.cluster(block)

    @property
    def state(self) -> SnapshotState:
        """The present; later writes leave this value as it is."""
        self._shared = True
        return SnapshotState(self._topics, self._acls, self._created)

    @state.setter
    def state(self, state: SnapshotState) -> None:
        self._topics, self._acls, self._created = dict(state.topics), dict(state.acls), state.created
        self._shared = False

    def copy(self) -> SnapshotCluster:
        """Independent from now on, at no cost until one of the two is written to. It starts without calls, without a hook, and with nobody holding a lock."""
        twin = object.__new__(SnapshotCluster)
        self._shared = True
        fresh: dict[str, object] = {"calls": [], "hook": None, "_proof": None}
        twin.__dict__.update(self.__dict__, **fresh, lagging=dict(self.lagging), _journal=self._journal.copy())
        return twin

    def stop(self, broker: int) -> None:
        self.down |= {broker}

    def start(self, broker: int) -> None:
        self.down -= {broker}
        self._settle()

    def copied(self, key: TopicPartition, broker: int, size: int | None) -> None:
        """From now on this replica has so many bytes and is not in sync; None: it is."""
        held = self._held(key)
        behind = {one: bytes_ for one, bytes_ in held.behind.items() if one != broker}
        self._hold(key, replace(held, behind=behind if size is None else {**behind, broker: size}))
        self._settle()

    # --- reads

    def describe(self) -> Description:
        self._reach()
        self._whole("describe", None)
        return Description(
            cluster_id=self._cluster_id,
            brokers=tuple(broker for broker in self._brokers if broker.id not in self.down),
            fenced=tuple(sorted(self.down)) if self._version >= (4, 0) else (),
            kafka_version=self._kafka_version,
            operations=self._told_operations(),
            zookeeper=self._zookeeper,
        )

    def _told_operations(self) -> frozenset[str] | None:
        """Without DESCRIBE on the cluster Kafka answers 0, which is none at all."""
        if not self._authorizer:
            return CLUSTER_OPERATIONS
        return self.operations if self._may("Describe") else frozenset()

    def topic_names(self, broker: int) -> Mapping[str, tuple[str, int]]:
        self._whole("topic_names", broker)
        if silence := self._silence(broker):
            raise ClusterFailure(FailureKind.UNREACHABLE, silence.message)
        topics = self._seen_by(broker).topics
        return {
            name: (topic.topic_id, len(topic.assignment)) for name, topic in topics.items() if name not in self.hidden
        }

    def topics(self, broker: int, names: Sequence[str]) -> Mapping[str, TopicView | KafkaError]:
        if silence := self._silence(broker):
            return dict.fromkeys(names, silence)
        seen = self._seen_by(broker).topics
        return {name: self._view(name, seen) for name in names}

    def _view(self, name: str, seen: Mapping[str, SnapshotTopic]) -> TopicView | KafkaError:
        found = self._fault("topics", name) or self._shown(name, seen)
        if isinstance(found, KafkaError):
            return found
        held = [_held(found, number) for number in range(len(found.assignment))]
        in_sync, leaders = tuple(map(self._in_sync, held)), tuple(map(self._leader, held))
        return TopicView(name, found.topic_id, found.assignment, in_sync, leaders, name in _INTERNAL)

    def topic_overrides(self, names: Sequence[str]) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        """Live brokers take turns, so that one which lags shows here too."""
        self._reach()
        views = [self._seen_by(broker).topics for broker in self._live]
        return {
            name: self._overrides("topic_overrides", name, views[turn % len(views)]) for turn, name in enumerate(names)
        }

    def topic_overrides_seen_by(
        self, broker: int, names: Sequence[str]
    ) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        if silence := self._silence(broker):
            return dict.fromkeys(names, silence)
        seen = self._seen_by(broker).topics
        return {name: self._overrides("topic_overrides_seen_by", name, seen) for name in names}

    def _overrides(
        self, method: str, name: str, seen: Mapping[str, SnapshotTopic]
    ) -> Mapping[str, ConfigEntry] | KafkaError:
        found = self._fault(method, name) or self._known(name, seen)
        if isinstance(found, KafkaError):
            return found
        return {key: ConfigEntry(text, ConfigSource.DYNAMIC_TOPIC) for key, text in found.overrides.items()}

    def broker_configs(self, broker: int) -> Mapping[str, ConfigEntry] | KafkaError:
        refused = self._silence(broker) or self._fault("broker_configs", broker)
        if refused is not None or not self._may("DescribeConfigs"):
            return refused or _NO_CLUSTER_RIGHT
        static = self._settings | self._settings_of.get(broker, {})
        defaults = broker_defaults(self._version)
        return (
            {key: ConfigEntry(text, ConfigSource.DEFAULT) for key, text in defaults.items()}
            | {key: ConfigEntry(text, ConfigSource.STATIC_BROKER) for key, text in static.items()}
            | {key: ConfigEntry(text, ConfigSource.DYNAMIC_BROKER) for key, text in self._dynamic_of(broker).items()}
        )

    def _dynamic_of(self, broker: int) -> Mapping[str, str]:
        return self._dynamic.get(broker, {})

    def acls(self, broker: int | None = None) -> Sequence[AclBinding] | KafkaError:
        self._reach()
        asked = self._live[0] if broker is None else broker
        refused = self._silence(asked) or self._fault("acls", broker) or self._acl_refusal("Describe")
        return refused or tuple(self._seen_by(asked).acls)

    def topic_bytes(self, names: Sequence[str]) -> Mapping[str, int | KafkaError]:
        self._reach()
        if "Describe" not in (self._told_operations() or ()):
            return dict.fromkeys(names, _NO_LOG_DIRS)
        live = frozenset(self._live)
        return {name: self._bytes(name, live) for name in names}

    def _bytes(self, name: str, live: frozenset[int]) -> int | KafkaError:
        found = self._fault("topic_bytes", name) or self._shown(name, self._topics)
        if isinstance(found, KafkaError):
            return found
        for number, replicas in enumerate(found.assignment):
            if not live.issuperset(replicas):
                return KafkaError(
                    "REPLICA_NOT_AVAILABLE", f"partition {number} is not on live brokers with all its replicas"
                )
        return sum(found.sizes)

    def reassigning(self, names: Sequence[str]) -> frozenset[str] | KafkaError:
        self._reach()
        refused = self._fault("reassigning", tuple(names))
        if refused is not None or not self._may("Describe"):
            return refused or _NO_CLUSTER_RIGHT
        return self.moving.union(key.topic for key in self._moves()).intersection(names)

    def reassignments(self) -> Mapping[TopicPartition, Reassignment] | KafkaError:
        self._reach()
        refused = self._fault("reassignments", None)
        if refused is not None or not self._may("Describe"):
            return refused or _NO_CLUSTER_RIGHT
        return self._moves()

    def _moves(self) -> Mapping[TopicPartition, Reassignment]:
        return {
            TopicPartition(name, number): Reassignment(held.replicas, held.adding, held.removing)
            for name, topic in self._topics.items()
            for number, held in topic.held.items()
            if held.moves
        }

    def log_dirs(
        self, broker: int, partitions: Sequence[TopicPartition] | None = None
    ) -> Sequence[LogDir] | KafkaError:
        if refused := self._silence(broker) or self._fault("log_dirs", broker):
            return refused
        if "Describe" not in (self._told_operations() or ()):
            return _NO_LOG_DIRS
        return self._dirs(broker, None if partitions is None else frozenset(partitions))

    def _dirs(self, broker: int, asked: frozenset[TopicPartition] | None) -> Sequence[LogDir]:
        totals = self.disks.get(broker, (_DISK,))
        logs: list[dict[TopicPartition, ReplicaLog]] = [{} for _ in totals]
        for key in self._partitions():
            held, size = self._held(key), self._topics[key.topic].size(key.partition)
            if broker in held.replicas:
                has = held.behind.get(broker, size)
                logs[key.partition % len(totals)][key] = ReplicaLog(has, size - has)
        cordoned = broker in self.cordoned
        return tuple(
            LogDir(
                f"/data-{number}",
                {key: log for key, log in found.items() if asked is None or key in asked},
                total=total,
                usable=total - sum(log.size for log in found.values()),
                cordoned=cordoned,
            )
            for number, (total, found) in enumerate(zip(totals, logs, strict=True), 1)
        )

    def write_rates(self, _: Collection[TopicPartition]) -> Mapping[TopicPartition, float]:
        """Nobody writes."""
        return {}

    # --- writes

    def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]:
        taken = _metric_names(self._topics)  # KRaft looks only at what was there before the request

        def create(topic: NewTopic) -> KafkaError | None:
            made = self._new_topic(topic, taken)
            if isinstance(made, SnapshotTopic) and not validate_only:
                self._own()
                self._topics[topic.name] = made
                self._created += 1
            return made if isinstance(made, KafkaError) else None

        return self._each("create_topics", _by_name(topics), create, validate_only=validate_only)

    def _new_topic(self, topic: NewTopic, taken: Mapping[str, str]) -> SnapshotTopic | KafkaError:
        """In the controller's order: name, existence, settings, replicas."""
        refused = self._bad_new_name(topic.name, taken)
        if refused:
            return refused
        overrides = printed(topic.configs, self._version, self._inherited)
        if isinstance(overrides, KafkaError):
            return overrides
        assignment = self._placed(topic)
        if isinstance(assignment, KafkaError):
            return assignment
        return SnapshotTopic(topic_id(self._created), assignment, overrides)

    def _bad_new_name(self, name: str, taken: Mapping[str, str]) -> KafkaError | None:
        if name == "__cluster_metadata":
            return KafkaError("INVALID_REQUEST", f"Creation of internal topic {name} is prohibited.")
        if refused := bad_name(name):
            return refused
        if name in self._topics:
            return KafkaError("TOPIC_ALREADY_EXISTS", f"Topic '{name}' already exists.")
        if metric_name(name) in taken:
            other = taken[metric_name(name)]
            return KafkaError("INVALID_TOPIC_EXCEPTION", f"Topic '{name}' collides with existing topic: {other}")
        return None

    def _placed(self, topic: NewTopic) -> Assignment | KafkaError:
        if topic.assignment:
            return self._bad_assignment(topic.assignment, len(topic.assignment[0])) or topic.assignment
        if topic.replication < 1:
            message = "Replication factor must be larger than 0, or -1 to use the default value."
            return KafkaError("INVALID_REPLICATION_FACTOR", message)
        if topic.partitions < 1:
            return KafkaError("INVALID_PARTITIONS", "Number of partitions was set to an invalid non-positive value.")
        if topic.partitions > _MOST_PARTITIONS and self._version >= (3, 9):
            return KafkaError("POLICY_VIOLATION", "Excessively large number of partitions per request.")
        return self._spread(topic.partitions, topic.replication, self._created)

    def create_partitions(
        self, topics: Sequence[MorePartitions], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]:

        def extend(more: MorePartitions) -> KafkaError | None:
            added = self._added(more)
            if isinstance(added, KafkaError):
                return added
            if not validate_only:
                self._own()
                topic = self._topics[more.name]
                self._topics[more.name] = replace(topic, assignment=topic.assignment + added)
            return None

        return self._each("create_partitions", _by_name(topics), extend, validate_only=validate_only)

    def _added(self, more: MorePartitions) -> Assignment | KafkaError:
        topic = self._known(more.name, self._topics)
        if isinstance(topic, KafkaError):
            return topic
        if self._zookeeper and more.name in self.moving.union(key.topic for key in self._moves()):
            return KafkaError("REASSIGNMENT_IN_PROGRESS", "A partition reassignment is in progress.")
        return self._bad_total(more, len(topic.assignment)) or self._more_replicas(more, topic.assignment)

    def _bad_total(self, more: MorePartitions, now: int) -> KafkaError | None:
        if more.total == now:
            return KafkaError("INVALID_PARTITIONS", f"Topic already has {now} partition(s).")
        if more.total < now:
            message = f"The topic {more.name} currently has {now} partition(s); {more.total} would not be an increase."
            return KafkaError("INVALID_PARTITIONS", message)
        return None

    def _more_replicas(self, more: MorePartitions, assignment: Assignment) -> Assignment | KafkaError:
        """As many replicas as partition 0 has: during a reassignment KRaft counts the leaving ones too."""
        missing, replication = more.total - len(assignment), len(assignment[0])
        if more.added is None:
            return self._spread(missing, replication, len(assignment))
        if len(more.added) != missing:
            message = f"Attempted to add {missing} additional partition(s), but only {len(more.added)} assignment(s) were specified."
            return KafkaError("INVALID_REPLICA_ASSIGNMENT", message)
        return self._bad_assignment(more.added, replication) or more.added

    def _spread(self, partitions: int, replication: int, start: int) -> Assignment | KafkaError:
        """KRaft counts every registered broker, ZooKeeper only those that are up."""
        down = () if self._zookeeper else tuple(sorted(self.down))
        registered = len(self._live) + len(down)
        if replication <= registered:
            return spread(partitions, replication, self._live, down, start)
        cordoned = " or some brokers have all their log directories cordoned" if self._version >= (4, 3) else ""
        return KafkaError(
            "INVALID_REPLICATION_FACTOR",
            f"Unable to replicate the partition {replication} time(s): The target replication factor of {replication} "
            f"cannot be reached because only {registered} broker(s) are registered{cordoned}.",
        )

    def _bad_assignment(self, assignment: Assignment, replication: int) -> KafkaError | None:
        registered = {broker.id for broker in self._brokers}
        reasons = (_why_bad_replicas(replicas, replication, registered, self.down) for replicas in assignment)
        reason = next((reason for reason in reasons if reason), None)
        return KafkaError("INVALID_REPLICA_ASSIGNMENT", reason) if reason else None

    def alter_topics(
        self, topics: Sequence[AlterTopic], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]:

        def alter(change: AlterTopic) -> KafkaError | None:
            after = self._altered(change)
            if isinstance(after, KafkaError):
                return after
            if not validate_only:
                self._own()
                self._topics[change.name] = replace(self._topics[change.name], overrides=after)
            return None

        return self._each("alter_topics", _by_name(topics), alter, validate_only=validate_only)

    def _altered(self, change: AlterTopic) -> Mapping[str, str] | KafkaError:
        """All that is stored is judged with the change, so a stale setting blocks every later one until it is reset."""
        if change.name in self.hidden:
            return _NO_TOPIC_RIGHT
        if refused := bad_name(change.name):
            return refused
        topic = self._topics.get(change.name)
        wanted = {**(topic.overrides if topic else {}), **change.configs}
        stored = {key: text for key, text in wanted.items() if text is not None}
        if topic is None:
            refusal = printed(stored, self._version, self._inherited)
            absent = KafkaError("UNKNOWN_TOPIC_OR_PARTITION", f"The topic '{change.name}' does not exist.")
            return refusal if isinstance(refusal, KafkaError) else absent
        return printed(stored, self._version, self._inherited)

    def alter_brokers(self, brokers: Sequence[AlterBroker]) -> Mapping[int, KafkaError | None]:
        def alter(change: AlterBroker) -> KafkaError | None:
            refused = self._silence(change.id) or (None if self._may("AlterConfigs") else _NO_CLUSTER_RIGHT)
            if refused is None:
                wanted = {**self._dynamic_of(change.id), **change.configs}
                kept = {key: text for key, text in wanted.items() if text is not None}
                self._dynamic = {**self._dynamic, change.id: kept}
            return refused

        return self._each("alter_brokers", {change.id: change for change in brokers}, alter)

    def reassign(
        self, targets: Mapping[TopicPartition, tuple[int, ...] | None], *, resize: bool
    ) -> Mapping[TopicPartition, KafkaError | None]:
        def alter(item: tuple[TopicPartition, tuple[int, ...] | None]) -> KafkaError | None:
            return self._unless_refused(item[0], self._reassigned(*item, resize=resize))

        return self._each("reassign", {key: (key, target) for key, target in targets.items()}, alter)

    def _reassigned(self, key: TopicPartition, target: tuple[int, ...] | None, *, resize: bool) -> Held | KafkaError:
        known = self._reassignable(key)
        if isinstance(known, KafkaError):
            return known
        held, in_sync = replace(known, leader=self._leader(known)), self._in_sync(known)
        if target is None:
            return cancelled(held, in_sync, self._mode, f"{key.topic}:{key.partition}")
        registered = {broker.id for broker in self._brokers}
        reason = (
            why_bad_with_zookeeper(target, held, self._live)
            if self._zookeeper
            else _why_bad_replicas(target, len(target), registered, frozenset())
        )
        if reason:
            return KafkaError("INVALID_REPLICA_ASSIGNMENT", reason)
        return altered(held, target, in_sync, self._mode, resize=resize)

    def _reassignable(self, key: TopicPartition) -> Held | KafkaError:
        if not self._may("Alter"):
            return _NO_CLUSTER_RIGHT
        if self._is_there(key):
            return self._held(key)
        if self._zookeeper:
            return _NO_PARTITION
        unknown = (
            f"a topic named {key.topic}" if key.topic not in self._topics else f"partition {key.topic}:{key.partition}"
        )
        return KafkaError(_NO_TOPIC.name, f"Unable to find {unknown}.")

    def elect_preferred(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, KafkaError | None]:
        def elect(key: TopicPartition) -> KafkaError | None:
            return self._unless_refused(key, self._elected(key))

        return self._each("elect_preferred", {key: key for key in partitions}, elect)

    def _elected(self, key: TopicPartition) -> Held | KafkaError:
        if not self._may("Alter"):
            return _NO_CLUSTER_RIGHT
        if self._is_there(key):
            held = self._held(key)
            name = f"{key.topic}-{key.partition}"
            return elected(held, self._in_sync(held), leader=self._leader(held), mode=self._mode, name=name)
        if self._zookeeper:
            return _NO_PARTITION
        unknown = (
            "topic as " + key.topic if key.topic not in self._topics else f"partition as {key.topic}-{key.partition}"
        )
        return KafkaError(_NO_TOPIC.name, f"No such {unknown}")

    def delete_topics(self, ids: Mapping[str, str]) -> Mapping[str, KafkaError | None]:
        """The ACLs of a topic outlive it."""

        def delete(item: tuple[str, str]) -> KafkaError | None:
            refused = self._bad_deletion(*item)
            if refused is None:
                self._own()
                del self._topics[item[0]]
                self.moving -= {item[0]}
            return refused

        return self._each("delete_topics", {item[0]: item for item in ids.items()}, delete)

    def _bad_deletion(self, name: str, wanted_id: str) -> KafkaError | None:
        topic = self._topics.get(name)
        if self._inherited["delete.topic.enable"] == "false":
            return KafkaError("TOPIC_DELETION_DISABLED", "Topic deletion is disabled.")
        if wanted_id and (topic is None or topic.topic_id != wanted_id):
            return _NO_TOPIC_ID
        if name in self.hidden:
            return _NO_TOPIC_RIGHT
        return None if topic else _NO_TOPIC_TO_DELETE

    def create_acls(self, bindings: Iterable[AclBinding]) -> Mapping[AclBinding, KafkaError | None]:
        def create(binding: AclBinding) -> KafkaError | None:
            refused = self._acl_refusal("Alter") or bad_acl(binding, self._version)
            if refused is None:
                self._own()
                self._acls[binding] = None
            return refused

        return self._each("create_acls", {binding: binding for binding in bindings}, create)

    def delete_acls(self, bindings: Iterable[AclBinding]) -> Mapping[AclBinding, KafkaError | None]:
        def delete(binding: AclBinding) -> KafkaError | None:
            refused = self._acl_refusal("Alter")
            if refused is None:
                self._own()
                self._acls.pop(binding, None)
            return refused

        return self._each("delete_acls", {binding: binding for binding in bindings}, delete)

    # --- lock and log

    def journal(self) -> SnapshotJournal:
        """Its topic is not among the others."""
        return self._journal

    def when_put_off(self, _: Callable[[PutOff], bool]) -> None:
        """Nothing is: what is in memory has no quota."""

    def hold(self, proof: Callable[[], None]) -> None:
        self._proof = proof

    def close(self) -> None:
        """Nothing is held."""

    # --- the rest

    def _each(
        self,
        method: str,
        items: Mapping[Key, Item],
        act: Callable[[Item], KafkaError | None],
        *,
        validate_only: bool = False,
    ) -> dict[Key, KafkaError | None]:
        self._reach()
        answers: dict[Key, KafkaError | None] = {}
        for key, item in items.items():
            try:
                if self._proof:
                    self._proof()
                self.calls.append(Call(method, item, validate_only))
                fault = self._fault(method, item)
            except (ClusterFailure, LostError) as failure:
                if not answers:
                    raise
                not_sent = KafkaError("DISCONNECTED", str(failure))
                return dict.fromkeys(items, not_sent) | answers
            answer = act(item) if fault in {None, LOST} else None
            answers[key] = fault or answer
        return answers

    def _own(self) -> None:
        """Before a write: what a copy or a kept state still looks at is left alone."""
        if self._shared:
            self._topics, self._acls = dict(self._topics), dict(self._acls)
            self._shared = False

    def _fault(self, method: str, item: object) -> KafkaError | None:
        fault = self.hook(method, item) if self.hook else None
        if isinstance(fault, ClusterFailure):
            raise fault
        return fault

    def _whole(self, method: str, item: object) -> None:
        """A read without an answer per item can only fail as a whole."""
        fault = self._fault(method, item)
        if fault is not None:
            raise TypeError(f"{method} has no item that could answer {fault}: let the hook give a ClusterFailure")

    def _reach(self) -> None:
        if not self._live:
            raise ClusterFailure(FailureKind.UNREACHABLE, "no live broker answers")

    def _silence(self, broker: int) -> KafkaError | None:
        return None if broker in self._live else KafkaError("DISCONNECTED", f"broker {broker} does not answer")

    def _may(self, operation: str) -> bool:
        return not self._authorizer or self.operations is None or operation in self.operations

    def _acl_refusal(self, operation: str) -> KafkaError | None:
        if not self._authorizer:
            return _NO_AUTHORIZER
        return None if self._may(operation) else _NO_CLUSTER_RIGHT

    # --- what it holds of partitions

    def _partitions(self) -> list[TopicPartition]:
        return [
            TopicPartition(name, number)
            for name, topic in self._topics.items()
            for number in range(len(topic.assignment))
        ]

    def _is_there(self, key: TopicPartition) -> bool:
        topic = self._topics.get(key.topic)
        return topic is not None and 0 <= key.partition < len(topic.assignment)

    def _held(self, key: TopicPartition) -> Held:
        return _held(self._topics[key.topic], key.partition)

    def _unless_refused(self, key: TopicPartition, after: Held | KafkaError) -> KafkaError | None:
        if isinstance(after, KafkaError):
            return after
        self._hold(key, after)
        return None

    def _hold(self, key: TopicPartition, held: Held) -> None:
        self._own()
        topic = self._topics[key.topic]
        held = replace(held, leader=None) if held.leader == held.replicas[0] else held
        assignment = tuple(
            held.replicas if number == key.partition else replicas for number, replicas in enumerate(topic.assignment)
        )
        others = {number: one for number, one in topic.held.items() if number != key.partition}
        kept = others if held == Held(held.replicas) else {**others, key.partition: held}
        self._topics[key.topic] = replace(topic, assignment=assignment, held=kept)

    def _settle(self) -> None:
        """Ends what can end, now that more replicas are in sync."""
        for key in self._moves():
            held = self._held(key)
            self._hold(key, ended(held, self._in_sync(held), self._mode))

    def _in_sync(self, held: Held) -> tuple[int, ...]:
        return tuple(one for one in held.replicas if one in self._live and one not in held.behind)

    def _leader(self, held: Held) -> int:
        in_sync = self._in_sync(held)
        return held.leader if held.leader in in_sync else next(iter(in_sync), -1)

    # --- what may be seen and done

    def _known(self, name: str, seen: Mapping[str, SnapshotTopic]) -> SnapshotTopic | KafkaError:
        if name in self.hidden:
            return _NO_TOPIC_RIGHT
        return seen.get(name) or bad_name(name) or _NO_TOPIC

    def _shown(self, name: str, seen: Mapping[str, SnapshotTopic]) -> SnapshotTopic | KafkaError:
        """Metadata gives an error no words."""
        found = self._known(name, seen)
        return KafkaError(found.name) if isinstance(found, KafkaError) else found

    def _seen_by(self, broker: int) -> SnapshotState:
        return self.lagging.get(broker) or SnapshotState(self._topics, self._acls, self._created)

    @property
    def _live(self) -> tuple[int, ...]:
        return tuple(broker.id for broker in self._brokers if broker.id not in self.down)


def _held(topic: SnapshotTopic, number: int) -> Held:
    return topic.held.get(number) or Held(topic.assignment[number])


def _major_minor(version: str) -> tuple[int, int]:
    major, minor = version.split(".")
    return int(major), int(minor)


def _by_name(items: Iterable[Named]) -> dict[str, Named]:
    return {item.name: item for item in items}


def _metric_names(topics: Iterable[str]) -> dict[str, str]:
    return {metric_name(name): name for name in topics if "." in name or "_" in name}


def _why_bad_replicas(
    replicas: tuple[int, ...], replication: int, registered: set[int], down: frozenset[int]
) -> str | None:
    if not replicas:
        return "The manual partition assignment includes an empty replica list."
    for before, broker in pairwise([None, *sorted(replicas)]):
        if broker not in registered:
            return f"The manual partition assignment includes broker {broker}, but no such broker is registered."
        if broker == before:
            return f"The manual partition assignment includes the broker {broker} more than once."
    if len(replicas) != replication:
        return (
            f"The manual partition assignment includes a partition with {len(replicas)} replica(s), but this is not "
            f"consistent with previous partitions, which have {replication} replica(s)."
        )
    if down.issuperset(replicas):
        return "All brokers specified in the manual partition assignment are fenced or in controlled shutdown."
    return None
