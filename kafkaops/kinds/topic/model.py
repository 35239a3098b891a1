"""Topics: what is wanted, and what is there. Two types, since they are never the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kafkaops.findings import Location
from kafkaops.plan import Value

OPERATIONAL = frozenset({"leader.replication.throttled.replicas", "follower.replication.throttled.replicas"})
"""Set for the time of a move, by whoever moves: never wanted, never reset."""

PARTITIONS = "partitions"
REPLICATION = "replication.factor"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a wanted value is written, and by which layer: `profile order-events`, `own block`, `override of production`."""

    where: Location
    layer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic that shall be. `config`: Kafka's name -> canonical text, every override that shall be set and no other. `origins`: by field, such as `partitions`, `replication.factor` or `retention.ms`."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]
    where: Location
    origins: Mapping[str, Origin] = field(default_factory=dict)
    owner: str = ""
    description: str = ""
    key: str = ""

    def place(self, name: str) -> Location:
        return self.origins[name].where if name in self.origins else self.where


@dataclass(frozen=True, slots=True)
class AbsentTopic:
    """A topic that shall not be: `state: absent`."""

    name: str
    where: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTopic:
    """`overrides`: DYNAMIC_TOPIC_CONFIG only; a value that Kafka hides is None. `moving`: a reassignment is in flight."""

    name: str
    topic_id: str
    assignment: tuple[tuple[int, ...], ...]
    overrides: Mapping[str, str | None]
    moving: bool = False

    @property
    def partitions(self) -> int:
        return len(self.assignment)

    @property
    def replications(self) -> frozenset[int]:
        return frozenset(len(replicas) for replicas in self.assignment)


@dataclass(frozen=True, slots=True)
class LiveTopics:
    """What was read. `topics`: each wanted name, None where the topic is absent on every live broker.

    inherited   what a topic without an override gets, by setting: each value that some live broker gives; a setting that is missing here could not be read
    undeclared  live, in an owned domain, in no file
    unmanaged   how many others are live
    throttled   the lists of throttled replicas (`OPERATIONAL`) of the wanted topics that have any
    brokers     how many are registered, those that are down included; None where brokers do not tell (before 4.0)
    """

    topics: Mapping[str, LiveTopic | None]
    inherited: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)
    undeclared: tuple[str, ...] = ()
    unmanaged: int = 0
    kafka_version: str = ""
    throttled: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    brokers: int | None = None


@dataclass(frozen=True, slots=True)
class AllTopics:
    """Everything that was asked for, declared or not. `unreadable`: by name, the error that the brokers gave for it."""

    topics: Mapping[str, LiveTopic]
    unreadable: Mapping[str, str] = field(default_factory=dict)
