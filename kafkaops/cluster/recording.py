"""A cluster written down: what its brokers answer to a plan, taken once, and asked again later without any of them.

An answer that is an error is kept as one, so that what could not be read stays unknown; of its words only Kafka's name for it, since they may name hosts.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Never

from kafkaops.access import WILDCARD_PRINCIPAL
from kafkaops.cluster import (
    AclBinding,
    Broker,
    Cluster,
    ConfigEntry,
    ConfigSource,
    Description,
    KafkaError,
    LogDir,
    ReplicaLog,
    TopicPartition,
    TopicView,
    readings,
)
from kafkaops.cluster.agreement import agreed, on_all

Assignment = tuple[tuple[int, ...], ...]

NOT_RECORDED = KafkaError("NOT_RECORDED")
_UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PARTITION"
_PROBE = "kafkaops-asks-for-a-name"  # that no topic has


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be written down. `shall_be` of the `declared` topics are not declared absent. `settings`: of brokers, by name; no other is looked at.

    domains  prefixes of names
    own      our principal, if it is known
    reduced  of topics that are neither declared nor in a domain only the names, of racks only which brokers share one
    """

    declared: frozenset[str]
    shall_be: frozenset[str]
    domains: tuple[str, ...]
    settings: frozenset[str]
    own: str | None = None
    reduced: bool = False


@dataclass(frozen=True, slots=True)
class RecordedTopic:
    """`size`: bytes of the largest replica of each partition, added up; `sizes`: of each, as far as brokers told. `in_sync` where that is not the same as the assignment."""

    topic_id: str
    assignment: Assignment | KafkaError
    overrides: Mapping[str, str | None] | KafkaError
    size: int | KafkaError
    sizes: tuple[int, ...] = ()
    in_sync: Assignment | None = None


@dataclass(frozen=True, slots=True)
class RecordedDir:
    """Of a broker's log directories, without its path."""

    total: int | None
    usable: int | None
    cordoned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """`described`: brokers without their hosts. `names`: topics of which nothing is held but the name and, in `places`, id and replicas.

    principal        as the login told it
    settings         by broker
    dirs             by broker
    unlisted         topics that were not listed, with what the brokers say of each
    unlisted_below   the same of any other name, by its prefix: the longest counts
    """

    described: Description
    principal: str | None
    settings: Mapping[int, Mapping[str, ConfigEntry] | KafkaError]
    dirs: Mapping[int, tuple[RecordedDir, ...] | KafkaError]
    topics: Mapping[str, RecordedTopic]
    names: frozenset[str]
    places: Mapping[str, tuple[str, Assignment]]
    unlisted: Mapping[str, str]
    unlisted_below: Mapping[str, str]
    moving: frozenset[str] | KafkaError
    acls: frozenset[AclBinding] | KafkaError


def record(
    cluster: Cluster, described: Description, question: Question, *, principal: str | None, patience: float
) -> Recording:
    """Errors: ClusterFailure when the live brokers do not agree on names, ids, settings of topics or ACLs."""
    brokers = [broker.id for broker in described.brokers]

    def whole(name: str) -> bool:
        return not question.reduced or name in question.declared or name.startswith(question.domains)

    listed = readings.listed_at_rest(cluster, brokers, whole, question.shall_be, patience=patience)
    held = sorted(filter(whole, listed))
    moving = cluster.reassigning(held)
    acls = _acls(cluster, brokers, patience)
    literal, prefixes = _judged_apart(acls, question)
    logs = on_all(brokers, cluster.log_dirs)
    return Recording(
        described=_without_places(described, reduced=question.reduced),
        principal=principal,
        settings=_settings(cluster, brokers, question.settings),
        dirs={broker: _dirs(answer) for broker, answer in logs.items()},
        topics=_topics(cluster, brokers, held, _largest(logs.values()), patience),
        names=listed.difference(held),
        places=_places(cluster, brokers[0], sorted(listed.difference(held))),
        unlisted=readings.states(cluster, brokers, sorted(literal - listed), patience=patience),
        unlisted_below=_unlisted_below(cluster, brokers, prefixes, listed, patience),
        moving=_bare(moving) if isinstance(moving, KafkaError) else moving,
        acls=acls,
    )


def _judged_apart(
    acls: frozenset[AclBinding] | KafkaError, question: Question
) -> tuple[frozenset[str], frozenset[str]]:
    """Names and prefixes for which the brokers may answer us otherwise than for the rest: each has to be asked."""
    told = frozenset[AclBinding]() if isinstance(acls, KafkaError) else acls
    ours = [acl for acl in told if acl.resource_type == "Topic" and acl.principal in {question.own, WILDCARD_PRINCIPAL}]
    by_pattern = {
        pattern: {acl.name for acl in ours if acl.pattern == pattern and acl.name != "*"}
        for pattern in ("Literal", "Prefixed")
    }
    return question.declared.union(by_pattern["Literal"]), frozenset({"", *question.domains, *by_pattern["Prefixed"]})


def _bare(error: KafkaError) -> KafkaError:
    return KafkaError(error.name)


def _without_places(described: Description, *, reduced: bool) -> Description:
    racks = sorted({broker.rack for broker in described.brokers if broker.rack})
    shown = {rack: f"rack-{number}" if reduced else rack for number, rack in enumerate(racks, 1)}
    brokers = (Broker(one.id, "", 0, shown.get(one.rack) if one.rack else None) for one in described.brokers)
    return replace(described, brokers=tuple(brokers))


def _settings(
    cluster: Cluster, brokers: Sequence[int], named: Collection[str]
) -> Mapping[int, Mapping[str, ConfigEntry] | KafkaError]:
    answers = on_all(brokers, cluster.broker_configs)
    return {
        broker: _bare(answer)
        if isinstance(answer, KafkaError)
        else {name: entry for name, entry in answer.items() if name in named}
        for broker, answer in answers.items()
    }


def _places(cluster: Cluster, broker: int, names: Sequence[str]) -> Mapping[str, tuple[str, Assignment]]:
    views = cluster.topics(broker, names) if names else {}
    return {name: (view.topic_id, view.assignment) for name, view in views.items() if isinstance(view, TopicView)}


def _dirs(answer: Sequence[LogDir] | KafkaError) -> tuple[RecordedDir, ...] | KafkaError:
    """An offline one can take nothing, so that it is as if it were not there."""
    if isinstance(answer, KafkaError):
        return _bare(answer)
    return tuple(
        RecordedDir(one.total, one.usable and max(one.usable, 0), one.cordoned) for one in answer if one.error is None
    )


def _largest(answers: Iterable[Sequence[LogDir] | KafkaError]) -> Mapping[TopicPartition, int]:
    found: dict[TopicPartition, int] = {}
    for answer in answers:
        for one in () if isinstance(answer, KafkaError) else answer:
            found |= {partition: max(log.size, found.get(partition, 0)) for partition, log in one.replicas.items()}
    return found


def _topics(
    cluster: Cluster,
    brokers: Sequence[int],
    names: Sequence[str],
    largest: Mapping[TopicPartition, int],
    patience: float,
) -> Mapping[str, RecordedTopic]:
    if not names:
        return {}
    views = cluster.topics(brokers[0], names)
    overrides = readings.overrides(cluster, brokers, names, patience=patience)
    sizes = _sizes(cluster, names, patience)
    return {name: _topic(views[name], overrides[name], sizes[name], largest) for name in names}


def _sizes(cluster: Cluster, names: Sequence[str], patience: float) -> Mapping[str, int | KafkaError]:
    """Replicas of new topics are on no disk yet (seen): asked again while there are fewer of them."""
    sizes = cluster.topic_bytes(names)
    while (missing := _not_there(sizes)) and patience > 0:
        time.sleep(min(readings.AT_REST, patience))
        sizes = {**sizes, **cluster.topic_bytes(missing)}
        if len(_not_there(sizes)) in {0, len(missing)}:
            break
    return sizes


def _not_there(sizes: Mapping[str, int | KafkaError]) -> list[str]:
    return [
        name for name, size in sizes.items() if isinstance(size, KafkaError) and size.name == "REPLICA_NOT_AVAILABLE"
    ]


def _topic(
    view: TopicView | KafkaError,
    overrides: Mapping[str, ConfigEntry] | KafkaError,
    size: int | KafkaError,
    largest: Mapping[TopicPartition, int],
) -> RecordedTopic:
    return RecordedTopic(
        topic_id="" if isinstance(view, KafkaError) else view.topic_id,
        assignment=_bare(view) if isinstance(view, KafkaError) else view.assignment,
        overrides=_bare(overrides)
        if isinstance(overrides, KafkaError)
        else {key: entry.value for key, entry in overrides.items()},
        size=_bare(size) if isinstance(size, KafkaError) else size,
        sizes=()
        if isinstance(view, KafkaError)
        else tuple(largest.get(TopicPartition(view.name, number), 0) for number in range(len(view.assignment))),
        in_sync=None if isinstance(view, KafkaError) or _all_in_sync(view) else view.isr,
    )


def _all_in_sync(view: TopicView) -> bool:
    return all(set(isr) == set(replicas) for isr, replicas in zip(view.isr, view.assignment, strict=True))


def _unlisted_below(
    cluster: Cluster, brokers: Sequence[int], prefixes: Iterable[str], listed: frozenset[str], patience: float
) -> Mapping[str, str]:
    """Whether a name that is in no list is absent or hidden from us is a matter of its prefixes: asked with a name below each that nobody has."""
    probes = {prefix: f"{prefix}{_PROBE}" for prefix in prefixes if f"{prefix}{_PROBE}" not in listed}
    told = readings.states(cluster, brokers, sorted(probes.values()), patience=patience)
    return {prefix: told[probe] for prefix, probe in sorted(probes.items())}


def _acls(cluster: Cluster, brokers: Sequence[int], patience: float) -> frozenset[AclBinding] | KafkaError:
    def told(broker: int) -> frozenset[AclBinding] | KafkaError:
        answer = cluster.acls(broker)
        return _bare(answer) if isinstance(answer, KafkaError) else frozenset(answer)

    return agreed(brokers, told, what="which ACLs there are", patience=patience)


class RecordedCluster:
    """`Cluster` as it was: every broker answers alike, since they agreed. It is only read."""

    def __init__(self, recording: Recording) -> None:
        self._was = recording

    def close(self) -> None:
        """Nothing is held."""

    def describe(self) -> Description:
        return self._was.described

    def topic_names(self, _: int) -> Mapping[str, tuple[str, int]]:
        held = {name: (topic.topic_id, _partitions(topic)) for name, topic in self._was.topics.items()}
        return {**dict.fromkeys(self._was.names, ("", 0)), **held}

    def topics(self, _: int, names: Sequence[str]) -> Mapping[str, TopicView | KafkaError]:
        return {name: self._view(name) for name in names}

    def _view(self, name: str) -> TopicView | KafkaError:
        topic = self._was.topics.get(name)
        if topic is None and name in self._was.places:
            topic_id, place = self._was.places[name]
            return TopicView(name, topic_id, place, isr=place, leaders=())
        if topic is None:
            return self._missing(name)
        if isinstance(topic.assignment, KafkaError):
            return topic.assignment
        return TopicView(
            name,
            topic.topic_id,
            topic.assignment,
            isr=topic.in_sync or topic.assignment,
            leaders=(),  # those are of a moment
        )

    def _missing(self, name: str) -> KafkaError:
        if name in self._was.names:
            return NOT_RECORDED
        below = max((prefix for prefix in self._was.unlisted_below if name.startswith(prefix)), key=len, default=None)
        told = self._was.unlisted.get(name)
        return KafkaError(told or (_UNKNOWN_TOPIC if below is None else self._was.unlisted_below[below]))

    def topic_overrides(self, names: Sequence[str]) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        return {name: self._overrides(name) for name in names}

    def topic_overrides_seen_by(
        self, _: int, names: Sequence[str]
    ) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        return self.topic_overrides(names)

    def _overrides(self, name: str) -> Mapping[str, ConfigEntry] | KafkaError:
        topic = self._was.topics.get(name)
        found = self._missing(name) if topic is None else topic.overrides
        if isinstance(found, KafkaError):
            return found
        return {key: ConfigEntry(text, ConfigSource.DYNAMIC_TOPIC) for key, text in found.items()}

    def broker_configs(self, broker: int) -> Mapping[str, ConfigEntry] | KafkaError:
        return self._was.settings[broker]

    def acls(self, _: int | None = None) -> Sequence[AclBinding] | KafkaError:
        return self._was.acls if isinstance(self._was.acls, KafkaError) else sorted(self._was.acls)

    def topic_bytes(self, names: Sequence[str]) -> Mapping[str, int | KafkaError]:
        topics = {name: self._was.topics.get(name) for name in names}
        return {name: self._missing(name) if topic is None else topic.size for name, topic in topics.items()}

    def reassigning(self, names: Sequence[str]) -> frozenset[str] | KafkaError:
        moving = self._was.moving
        return moving if isinstance(moving, KafkaError) else moving.intersection(names)

    def reassignments(self) -> KafkaError:
        return NOT_RECORDED

    def log_dirs(
        self, broker: int, partitions: Sequence[TopicPartition] | None = None
    ) -> Sequence[LogDir] | KafkaError:
        """Each replica in the first: in which one it is makes no difference to a plan."""
        dirs = self._was.dirs[broker]
        if isinstance(dirs, KafkaError):
            return dirs
        asked = None if partitions is None else frozenset(partitions)
        held = {
            partition: ReplicaLog(size, 0)
            for partition, size in self._on(broker)
            if asked is None or partition in asked
        }
        return tuple(
            LogDir(f"log dir {number}", held if number == 1 else {}, one.total, one.usable, one.cordoned)
            for number, one in enumerate(dirs, 1)
        )

    def _on(self, broker: int) -> Iterator[tuple[TopicPartition, int]]:
        for name, topic in self._was.topics.items():
            if not isinstance(topic.assignment, KafkaError):
                for number, (replicas, size) in enumerate(zip(topic.assignment, topic.sizes, strict=True)):
                    if broker in replicas:
                        yield TopicPartition(name, number), size

    def write_rates(self, _: Collection[TopicPartition]) -> Mapping[TopicPartition, float]:
        return {}

    def _only_read(self, *_: Any, **__: Any) -> Never:
        raise TypeError("a recorded cluster is only read")

    create_topics = create_partitions = alter_topics = delete_topics = create_acls = delete_acls = _only_read
    alter_brokers = reassign = elect_preferred = journal = hold = when_put_off = _only_read


def _partitions(topic: RecordedTopic) -> int:
    return 0 if isinstance(topic.assignment, KafkaError) else len(topic.assignment)
