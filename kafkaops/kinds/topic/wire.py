"""Topics to and from the cluster: the reading that may be trusted, and the requests of each change."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from kafkaops.cluster import (
    AlterTopic,
    Cluster,
    ConfigEntry,
    ConfigSource,
    Description,
    KafkaError,
    MorePartitions,
    NewTopic,
    TopicView,
    readings,
)
from kafkaops.cluster.agreement import agreed, on_all
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kinds.topic import settings
from kafkaops.kinds.topic.changes import AddPartitions, CreateTopic, DeleteTopic, SetTopicConfig
from kafkaops.kinds.topic.model import OPERATIONAL, AbsentTopic, AllTopics, LiveTopic, LiveTopics, Topic
from kafkaops.plan import Change, From, Phase, Value

C = TypeVar("C", bound=Change)

_ABSENT = frozenset({"UNKNOWN_TOPIC_OR_PARTITION"})


@dataclass(frozen=True, slots=True)
class Scope:
    """What to look at besides the wanted topics: the domains' prefixes; what is ignored there is not reported."""

    domains: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def read(
    cluster: Cluster, described: Description, want: Mapping[str, Topic | AbsentTopic], scope: Scope, *, patience: float
) -> LiveTopics:
    """The wanted topics as all live brokers see them. What cannot be read for lack of rights ends the command (exit 77)."""
    brokers = [broker.id for broker in described.brokers]
    shall_be = {name for name, topic in want.items() if isinstance(topic, Topic)}
    listed = readings.listed_at_rest(cluster, brokers, _in_scope(want.keys(), scope), shall_be, patience=patience)
    listed |= _come_since(cluster, brokers, sorted(want.keys() - listed), patience)
    missing = tuple(sorted(want.keys() - listed))
    present = sorted(want.keys() & listed)
    views = _views(cluster, brokers, present, patience)
    overrides = _overrides(cluster, brokers, present, want, patience)
    moving = _moving(cluster, want, views)
    topics: dict[str, LiveTopic | None] = dict.fromkeys(missing)
    for name in present:
        topics[name] = _live(views[name], _values(overrides[name]), moving=name in moving)
    others = [name for name in listed - want.keys() if not _ignored(name, scope)]
    undeclared = tuple(sorted(name for name in others if name.startswith(scope.domains)))
    return LiveTopics(
        topics=topics,
        inherited=inherited(cluster, brokers, _unset_somewhere(want, topics), described.kafka_version),
        undeclared=undeclared,
        unmanaged=len(others) - len(undeclared),
        kafka_version=described.kafka_version,
        throttled={name: its for name in present if (its := _throttled(overrides[name]))},
        brokers=_registered(described),
    )


def _registered(described: Description) -> int | None:
    """Before 4.0 brokers that are down are not listed, and Kafka places replicas on them all the same."""
    release = described.kafka_version.partition(".")[0]
    return len(described.brokers) + len(described.fenced) if release.isdecimal() and int(release) >= 4 else None  # noqa: PLR2004


def read_all(cluster: Cluster, described: Description, wanted: Callable[[str], bool], *, patience: float) -> AllTopics:
    """Every topic of a wanted name that we may see, as all live brokers see it: nothing is known of them before, so each broker is asked for everything."""
    brokers = [broker.id for broker in described.brokers]
    names = sorted(filter(wanted, readings.listed(cluster, brokers, wanted, patience=patience)))
    if not names:
        return AllTopics({})
    views = _agreed_views(cluster, brokers, names, patience)
    overrides = readings.overrides(cluster, brokers, names, patience=patience)
    moving = cluster.reassigning(names)
    if isinstance(moving, KafkaError):
        raise not_read([("the reassignments in flight", moving.name)])
    topics, unreadable = {}, {}
    for name in names:
        view, entries = views[name], overrides[name]
        if isinstance(view, KafkaError):
            unreadable[name] = view.name
        elif isinstance(entries, KafkaError):
            unreadable[name] = entries.name
        else:
            topics[name] = _live(view, _values(entries), moving=name in moving)
    return AllTopics(topics, unreadable)


def _agreed_views(
    cluster: Cluster, brokers: Sequence[int], names: Sequence[str], patience: float
) -> Mapping[str, TopicView | KafkaError]:
    found: dict[int, Mapping[str, TopicView | KafkaError]] = {}

    def assignments(broker: int) -> frozenset[tuple[str, object]]:
        found[broker] = cluster.topics(broker, names)
        return frozenset(
            (name, one.name if isinstance(one, KafkaError) else one.assignment) for name, one in found[broker].items()
        )

    agreed(brokers, assignments, what="the assignment of topics", patience=patience)
    return found[brokers[0]]


def _live(view: TopicView, overrides: Mapping[str, str | None], *, moving: bool) -> LiveTopic:
    return LiveTopic(
        name=view.name, topic_id=view.topic_id, assignment=view.assignment, overrides=overrides, moving=moving
    )


def _in_scope(wanted: Collection[str], scope: Scope) -> Callable[[str], bool]:
    return lambda name: name in wanted or bool(scope.domains and name.startswith(scope.domains))


def _ignored(name: str, scope: Scope) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in scope.ignored)


def _come_since(cluster: Cluster, brokers: Sequence[int], names: Sequence[str], patience: float) -> frozenset[str]:
    """Of topics that no broker listed those that every one knows by name: brokers that lagged alike have caught up. All others are absent, or this ends here."""
    told = readings.states(cluster, brokers, names, patience=patience)
    come = frozenset(name for name, state in told.items() if state == readings.PRESENT)
    hidden = sorted((name, state) for name, state in told.items() if name not in come and state not in _ABSENT)
    if hidden:
        raise not_read(hidden)
    return come


def _views(cluster: Cluster, brokers: Sequence[int], names: Sequence[str], patience: float) -> Mapping[str, TopicView]:
    """Assignments; the brokers agreed a moment ago that these topics exist, so that one which does not know them lags again."""
    if not names:
        return {}
    found: dict[int, Mapping[str, TopicView | KafkaError]] = {}

    def problems(broker: int) -> frozenset[tuple[str, str]]:
        found[broker] = cluster.topics(broker, names)
        return frozenset((name, one.name) for name, one in found[broker].items() if isinstance(one, KafkaError))

    first = brokers[:1]
    bad = agreed(first, problems, what="the assignment of topics", patience=patience)
    if bad:
        raise not_read(sorted(bad))
    return {name: view for name, view in found[first[0]].items() if isinstance(view, TopicView)}


def _overrides(
    cluster: Cluster,
    brokers: Sequence[int],
    names: Sequence[str],
    want: Mapping[str, Topic | AbsentTopic],
    patience: float,
) -> Mapping[str, Mapping[str, ConfigEntry]]:
    """In bulk from any broker; what differs from the files is asked again from every live one, so that a lagging broker makes no plan."""
    if not names:
        return {}
    answers = cluster.topic_overrides(names)
    suspects = tuple(name for name in names if _differs(want[name], answers[name]))
    if suspects:
        answers = {**answers, **readings.overrides(cluster, brokers, suspects, patience=patience)}
    unreadable = sorted((name, one.name) for name, one in answers.items() if isinstance(one, KafkaError))
    if unreadable:
        raise not_read(unreadable)
    return {name: one for name, one in answers.items() if not isinstance(one, KafkaError)}


def _differs(want: Topic | AbsentTopic, answer: Mapping[str, ConfigEntry] | KafkaError) -> bool:
    if isinstance(answer, KafkaError):
        return True
    if isinstance(want, AbsentTopic):
        return False
    live = {key: entry.value for key, entry in answer.items() if key not in OPERATIONAL}
    if live.keys() != want.config.keys():
        return True
    return any(live[key] != text and _comparable(key, live[key]) != text for key, text in want.config.items())


def _comparable(key: str, text: str | None) -> str | None:
    return None if text is None else settings.comparable(key, text)


def _values(entries: Mapping[str, ConfigEntry]) -> Mapping[str, str | None]:
    return {key: entry.value for key, entry in entries.items() if key not in OPERATIONAL}


def _throttled(entries: Mapping[str, ConfigEntry]) -> Mapping[str, str]:
    return {key: entry.value for key, entry in entries.items() if key in OPERATIONAL and entry.value}


def _moving(
    cluster: Cluster, want: Mapping[str, Topic | AbsentTopic], views: Mapping[str, TopicView]
) -> frozenset[str]:
    """Asked only where it changes what is said: another number of partitions, or of replicas."""
    asked = sorted(
        name
        for name, view in views.items()
        if isinstance(topic := want[name], Topic)
        and (
            len(view.assignment) != topic.partitions
            or any(len(replicas) != topic.replication for replicas in view.assignment)
        )
    )
    if not asked:
        return frozenset()
    answer = cluster.reassigning(asked)
    if isinstance(answer, KafkaError):
        raise not_read([("the reassignments in flight", answer.name)])
    return answer


def _unset_somewhere(want: Mapping[str, Topic | AbsentTopic], topics: Mapping[str, LiveTopic | None]) -> frozenset[str]:
    """The settings that are set on one side only: there the broker's default is the other side."""
    keys = set[str]()
    for name, live in topics.items():
        topic = want[name]
        if live is not None and isinstance(topic, Topic):
            keys |= live.overrides.keys() ^ topic.config.keys()
    return frozenset(keys)


def inherited(
    cluster: Cluster, brokers: Sequence[int], keys: frozenset[str], version: str
) -> Mapping[str, tuple[Value, ...]]:
    """Each broker has its own; nothing for a setting that one of them does not tell."""
    if not keys:
        return {}
    answers = on_all(brokers, cluster.broker_configs)
    tables = [answer for answer in answers.values() if not isinstance(answer, KafkaError)]
    if len(tables) < len(brokers):
        return {}
    found = {key: [_default_on(table, key, version) for table in tables] for key in sorted(keys)}
    return {
        key: tuple(
            sorted({value for value in values if value is not None}, key=lambda value: (value.text, value.source))
        )
        for key, values in found.items()
        if None not in values
    }


def _default_on(table: Mapping[str, ConfigEntry], key: str, version: str) -> Value | None:
    text = settings.inherited(key, table, version)
    return None if text is None else Value(text, settings.show(key, text), _source(key, table))


def _source(key: str, table: Mapping[str, ConfigEntry]) -> From:
    setting = settings.SETTINGS.get(key)
    entries = [table[one.name] for one in setting.broker if one.name in table] if setting else []
    match entries[0].source if entries else ConfigSource.DEFAULT:
        case ConfigSource.DYNAMIC_BROKER | ConfigSource.DYNAMIC_DEFAULT_BROKER:
            return From.BROKER_DYNAMIC
        case ConfigSource.STATIC_BROKER:
            return From.BROKER_STATIC
        case _:
            return From.DEFAULT


def not_read(items: Sequence[tuple[str, str]]) -> Refusal:
    """Rights are the usual reason; anything else is a cluster that does not answer as it should."""
    rights = all("AUTHORIZATION" in error for _, error in items)
    shown = ", ".join(f"{name} ({error})" for name, error in items[:5])
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""  # noqa: PLR2004
    return Refusal(
        Exit.REFUSED if rights else Exit.UNREACHABLE,
        Finding(
            code="KO6005" if rights else "KO6004",
            severity=Severity.ERROR,
            message=f"could not be read, so nothing is planned: {shown}{more}",
            help="grant Describe and DescribeConfigs on these topics; `kafkaops doctor` prints the ACLs"
            if rights
            else "run the same command again when the cluster is well",
        ),
    )


# Requests


def validate(cluster: Cluster, changes: Iterable[Change]) -> Mapping[str, KafkaError]:
    """What the brokers refuse, by change id: everything is asked, nothing is done (`validate_only`)."""
    changes = list(changes)
    creates = [change for change in changes if isinstance(change, CreateTopic)]
    additions = [change for change in changes if isinstance(change, AddPartitions)]
    alterations = [change for change in changes if isinstance(change, SetTopicConfig)]
    refused: dict[str, KafkaError] = {}
    for change, error in (
        *_paired(creates, cluster.create_topics(_new(creates), validate_only=True) if creates else {}),
        *_paired(additions, cluster.create_partitions(_more(additions), validate_only=True) if additions else {}),
        *_paired(alterations, cluster.alter_topics(_altered(alterations), validate_only=True) if alterations else {}),
    ):
        if error is not None:
            refused[change.id] = error
    return refused


def perform(cluster: Cluster, phase: Phase, changes: Sequence[Change]) -> Mapping[str, KafkaError | None]:
    """One phase's changes, by change id: None where the brokers say that it is done."""
    done: dict[str, KafkaError | None] = {}
    creates = [change for change in changes if isinstance(change, CreateTopic)]
    alterations = [change for change in changes if isinstance(change, SetTopicConfig)]
    additions = [change for change in changes if isinstance(change, AddPartitions)]
    deletions = [change for change in changes if isinstance(change, DeleteTopic)]
    assert len(creates) + len(alterations) + len(additions) + len(deletions) == len(changes), phase
    if creates:
        done |= {change.id: error for change, error in _paired(creates, cluster.create_topics(_new(creates)))}
    if alterations:
        answers = cluster.alter_topics(_altered(alterations))
        done |= {change.id: error for change, error in _paired(alterations, answers)}
    if additions:
        done |= {change.id: error for change, error in _paired(additions, cluster.create_partitions(_more(additions)))}
    if deletions:
        answers = cluster.delete_topics({change.name: change.topic_id for change in deletions})
        done |= {change.id: error for change, error in _paired(deletions, answers)}
    return done


def _paired(changes: Sequence[C], answers: Mapping[str, KafkaError | None]) -> list[tuple[C, KafkaError | None]]:
    return [(change, answers[change.address.removeprefix("topic/")]) for change in changes]


def _new(changes: Iterable[CreateTopic]) -> list[NewTopic]:
    return [
        NewTopic(
            change.topic.name, change.topic.partitions, change.topic.replication, change.topic.config, change.assignment
        )
        for change in changes
    ]


def _more(changes: Iterable[AddPartitions]) -> list[MorePartitions]:
    return [MorePartitions(change.name, change.after, change.added) for change in changes]


def _altered(changes: Iterable[SetTopicConfig]) -> list[AlterTopic]:
    """All settings of a topic in one request: a stale override that blocks every other change goes together with it."""
    by_topic: dict[str, dict[str, str | None]] = {}
    for change in changes:
        by_topic.setdefault(change.name, {})[change.key] = change.value
    return [AlterTopic(name, configs) for name, configs in by_topic.items()]
