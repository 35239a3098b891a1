"""The door to a Kafka cluster: what the rest of the program may ask and tell.

Answers come item by item: a value, or a `KafkaError` that names what the broker said. Nothing is ever left out of an answer: each name that was asked for is in it.
Three things stand behind the door: `live.LiveCluster` (real brokers, through both Python clients), `snapshot.SnapshotCluster` (in memory), and tests hold the one to the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple, Protocol

from kafkaops.access import AclBinding as AclBinding
from kafkaops.cluster.journal import Journal


@dataclass(frozen=True, slots=True)
class KafkaError:
    """What a broker answered for one item: Kafka's error name, such as `TOPIC_AUTHORIZATION_FAILED`, and its words ("" when it gave none).

    Errors of the client side have names of their own: `TIMED_OUT` (the outcome is not known) and `DISCONNECTED` (nothing was sent).
    """

    name: str
    message: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.message}" if self.message else self.name

    @property
    def is_put_off(self) -> bool:
        """The broker takes the same a moment later."""
        return self.name in _PUT_OFF


_PUT_OFF = frozenset({"NOT_CONTROLLER", "THROTTLING_QUOTA_EXCEEDED", "COORDINATOR_LOAD_IN_PROGRESS"})


@dataclass(frozen=True, slots=True)
class PutOff:
    """Of a write that waits: `items` of `of` that Kafka has not taken yet, with its `error`, are sent again in `seconds`, and `waited` it has. No item: all are done, and Kafka wants no request before."""

    what: str
    items: int
    of: int
    error: str
    seconds: float
    waited: float


class ClusterFailure(Exception):  # noqa: N818  # carries a sentence for people
    """The cluster could not be asked at all. `kind` decides the exit code: unreachable 69, refused 77 (credentials or rights), and so on."""

    def __init__(self, kind: FailureKind, message: str, *, help: str = "") -> None:  # noqa: A002
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.help = help


class FailureKind(StrEnum):
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    WRONG_CLUSTER = "wrong cluster"
    NO_JOURNAL = "no right to the journal"
    UNFIT_JOURNAL = "a journal of another shape"


@dataclass(frozen=True, slots=True, order=True)
class Broker:
    id: int
    host: str
    port: int
    rack: str | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """`operations`: what our own principal may do on the cluster resource, in ACL spelling (`Describe`, `AlterConfigs`), from `authorized_operations`;
    None when the broker did not tell. `fenced`: registered brokers that are down (4.0 on; before that: unknown, so empty).
    """

    cluster_id: str
    brokers: tuple[Broker, ...]  # live ones, sorted
    fenced: tuple[int, ...]
    kafka_version: (
        str  # "4.4", "3.9", "3.5": the level of the features in force, major.minor; "" when it could not be told
    )
    operations: frozenset[str] | None
    zookeeper: bool = False


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic as one broker's Metadata shows it. `assignment`: replicas of partition 0, 1, ... (preferred leader first)."""

    name: str
    topic_id: str  # base64, as Kafka prints it; "" where the broker has no ids
    assignment: tuple[tuple[int, ...], ...]
    isr: tuple[tuple[int, ...], ...]
    leaders: tuple[int, ...]  # -1: none
    internal: bool = False


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """`value` is None for what Kafka keeps secret. `source` as in `ConfigSource`."""

    value: str | None
    source: ConfigSource


class ConfigSource(IntEnum):
    """DescribeConfigs v1+ `config_source` (KIP-226)."""

    UNKNOWN = 0
    DYNAMIC_TOPIC = 1
    DYNAMIC_BROKER = 2
    DYNAMIC_DEFAULT_BROKER = 3
    STATIC_BROKER = 4
    DEFAULT = 5


@dataclass(frozen=True, slots=True)
class NewTopic:
    """`assignment` None: the controller places `partitions` x `replication`."""

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]
    assignment: tuple[tuple[int, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class MorePartitions:
    name: str
    total: int
    added: tuple[tuple[int, ...], ...] | None = (
        None  # replicas of each added partition; None: the controller places them
    )


@dataclass(frozen=True, slots=True)
class AlterTopic:
    """IncrementalAlterConfigs for one topic: SET to a text, or DELETE where the value is None."""

    name: str
    configs: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class AlterBroker:
    """IncrementalAlterConfigs for one broker, of its own dynamic settings: SET to a text, or DELETE where the value is None."""

    id: int
    configs: Mapping[str, str | None]


class TopicPartition(NamedTuple):
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Reassignment:
    """A partition on its way, as the controller lists it. `adding` = `removing` is an undo that waits for a cancel (3.5 to 3.7, 4.4)."""

    replicas: tuple[int, ...]  # those that it shall have, then those that leave
    adding: tuple[int, ...]
    removing: tuple[int, ...]

    @property
    def target(self) -> tuple[int, ...]:
        return tuple(replica for replica in self.replicas if replica not in self.removing)


@dataclass(frozen=True, slots=True)
class ReplicaLog:
    """What a broker has of one replica. `lag`: offsets behind the high watermark."""

    size: int
    lag: int


@dataclass(frozen=True, slots=True)
class LogDir:
    """One of a broker's log directories. `total` and `usable` bytes of its volume: None before Kafka 3.3, or where it cannot tell. `error`: it is offline, and nothing else of it is known."""

    path: str
    replicas: Mapping[TopicPartition, ReplicaLog]
    total: int | None = None
    usable: int | None = None
    cordoned: bool = False  # takes no new replicas (KIP-1066, 4.3 on)
    error: KafkaError | None = None


class Cluster(Protocol):
    """Reads never create a topic. Every call raises `ClusterFailure` when no broker can be asked, and answers item by item otherwise.

    Writes are batched below Kafka's limits inside (10,000 records and partitions a request), so a caller hands over the whole list. Retriable answers
    (NOT_CONTROLLER, THROTTLING_QUOTA_EXCEEDED, COORDINATOR_LOAD_IN_PROGRESS ...) are retried inside with back-off, within a limit. A request whose answer was lost is
    `TIMED_OUT` for each of its items: the caller re-reads.
    """

    def describe(self) -> Description: ...

    def topic_names(self, broker: int) -> Mapping[str, tuple[str, int]]:
        """All topics in that broker's own Metadata: name -> (topic id, number of partitions). Topics that we may not describe are missing from it."""
        ...

    def topics(self, broker: int, names: Sequence[str]) -> Mapping[str, TopicView | KafkaError]:
        """By name, from that broker's own Metadata: absent is UNKNOWN_TOPIC_OR_PARTITION, no right is TOPIC_AUTHORIZATION_FAILED."""
        ...

    def topic_overrides(self, names: Sequence[str]) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        """The DYNAMIC_TOPIC_CONFIG entries of each topic, and nothing inherited. Bulk: from several brokers at once."""
        ...

    def topic_overrides_seen_by(
        self, broker: int, names: Sequence[str]
    ) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        """The same as that one broker sees it."""
        ...

    def broker_configs(self, broker: int) -> Mapping[str, ConfigEntry] | KafkaError:
        """All settings of that broker, effective values, asked from that broker."""
        ...

    def acls(self, broker: int | None = None) -> Sequence[AclBinding] | KafkaError:
        """All ACLs, from any live broker or as that one sees them. SECURITY_DISABLED when there is no authorizer."""
        ...

    def topic_bytes(self, names: Sequence[str]) -> Mapping[str, int | KafkaError]:
        """Bytes on disk of the largest replica of each partition, added up. An error when any live broker did not answer in full, or a replica is on none of them: the one that is down may be the largest."""
        ...

    def reassigning(self, names: Sequence[str]) -> frozenset[str] | KafkaError:
        """Which of these topics have a reassignment in flight (needs DESCRIBE on the cluster)."""
        ...

    def reassignments(self) -> Mapping[TopicPartition, Reassignment] | KafkaError:
        """All in flight, as the controller has them: a broker's Metadata may show the end of one later than this does."""
        ...

    def log_dirs(
        self, broker: int, partitions: Sequence[TopicPartition] | None = None
    ) -> Sequence[LogDir] | KafkaError:
        """All directories of that broker, with these replicas or, for None, all that it holds (needs DESCRIBE on the cluster)."""
        ...

    def write_rates(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, float]:
        """Bytes per second by which these partitions grow now, measured for two seconds; one that no live broker told of is missing."""
        ...

    def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]: ...

    def create_partitions(
        self, topics: Sequence[MorePartitions], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]: ...

    def alter_topics(
        self, topics: Sequence[AlterTopic], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]: ...

    def alter_brokers(self, brokers: Sequence[AlterBroker]) -> Mapping[int, KafkaError | None]:
        """Each by itself: DISCONNECTED for one that is down."""
        ...

    def reassign(
        self, targets: Mapping[TopicPartition, tuple[int, ...] | None], *, resize: bool
    ) -> Mapping[TopicPartition, KafkaError | None]:
        """Towards these replicas, the preferred leader first; None cancels. Without `resize` Kafka 4.1 and later refuses another number of replicas (KIP-860)."""
        ...

    def elect_preferred(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, KafkaError | None]:
        """Lets the first replica lead; where it does, that is done."""
        ...

    def delete_topics(self, ids: Mapping[str, str]) -> Mapping[str, KafkaError | None]:
        """name -> topic id; by id where the brokers speak it (DeleteTopics v6), else by name. UNKNOWN_TOPIC_ID when that very topic is gone."""
        ...

    def create_acls(self, bindings: Iterable[AclBinding]) -> Mapping[AclBinding, KafkaError | None]: ...

    def delete_acls(self, bindings: Iterable[AclBinding]) -> Mapping[AclBinding, KafkaError | None]:
        """Exactly these, one filter without wildcards each, never MATCH. Deleting what is gone is done."""
        ...

    def journal(self) -> Journal: ...

    def when_put_off(self, go_on: Callable[[PutOff], bool]) -> None:
        """From now on asked at least each second while a write waits, since Kafka has put it off; False: what is put off is not sent again."""

    def hold(self, proof: Callable[[], None]) -> None:
        """From now on every write request, each retry included, asks `proof` right before it is sent, and is not sent when that raises `LostError`.

        Raised is it only when nothing of the call was sent; else what was not sent is DISCONNECTED.
        """
        ...

    def close(self) -> None: ...
