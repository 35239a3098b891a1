"""What is remembered of a change to a topic, how that stands on the cluster now, and what would bring the old state back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from kafkaops.compile import Desired
from kafkaops.findings import Finding, Location, Severity
from kafkaops.journal import Entry, Side
from kafkaops.kind import Reading
from kafkaops.kinds.topic import wire
from kafkaops.kinds.topic.changes import REPLICAS, AddPartitions, CreateTopic, DeleteTopic, MoveReplicas, SetTopicConfig
from kafkaops.kinds.topic.compare import canonical
from kafkaops.kinds.topic.model import PARTITIONS, REPLICATION, AbsentTopic, LiveTopic, Topic
from kafkaops.kinds.topic.settings import comparable, rules
from kafkaops.plan import Change

_MOVED = frozenset({REPLICAS, REPLICATION})

_NOWHERE = Location("", 0, 0, 0)


def sides(change: Change) -> tuple[Side, Side]:
    """Before and after. A topic is told with its id, where it has one: another topic of that name is another one."""
    match change:
        case CreateTopic(topic=topic):
            return None, _whole(topic.partitions, topic.replication, topic.config)
        case DeleteTopic():
            return {"id": change.topic_id, **_whole(change.partitions, change.replication, change.config)}, None
        case AddPartitions():
            return {"id": change.topic_id, PARTITIONS: change.before}, {
                "id": change.topic_id,
                PARTITIONS: change.after,
            }
        case MoveReplicas(moves=moves):
            return (
                {"id": change.topic_id, REPLICAS: {str(move.partition): list(move.old) for move in moves}},
                {"id": change.topic_id, REPLICAS: {str(move.partition): list(move.new) for move in moves}},
            )
        case SetTopicConfig():
            before = None if change.override is None else comparable(change.key, change.override)
            return {"id": change.topic_id, "value": before}, {"id": change.topic_id, "value": change.value}
        case _:
            raise TypeError(change)


def _whole(partitions: int, replication: int, config: Mapping[str, str]) -> dict[str, Any]:
    return {PARTITIONS: partitions, "replication": replication, "config": dict(config)}


def standing(reading: Reading, entries: Sequence[Entry]) -> Mapping[str, Side]:
    """By the id of each entry: the same now, told in the same way."""
    live = _live(reading, entries)
    return {entry.id: _now(entry, live.get(_name(entry))) for entry in entries}


def _live(reading: Reading, entries: Sequence[Entry]) -> Mapping[str, LiveTopic]:
    names = {_name(entry) for entry in entries}
    found = wire.read_all(reading.cluster, reading.described, names.__contains__, patience=reading.patience)
    if found.unreadable:
        raise wire.not_read(sorted(found.unreadable.items()))
    return found.topics


def _name(entry: Entry) -> str:
    return entry.address.removeprefix("topic/")


def _now(entry: Entry, live: LiveTopic | None) -> Side:
    if live is None:
        return None
    told = {"id": live.topic_id} if "id" in (entry.before or {}) else {}
    field = _field(entry)
    if field == PARTITIONS:
        return {**told, PARTITIONS: live.partitions}
    if field in _MOVED:
        numbers = [number for number in (entry.before or {})[REPLICAS] if int(number) < live.partitions]
        return {**told, REPLICAS: {number: list(live.assignment[int(number)]) for number in numbers}}
    if field:
        return {**told, "value": canonical(live).get(field)}
    return {**told, **_whole(live.partitions, max(live.replications), canonical(live))}


def _field(entry: Entry) -> str:
    """ "" where it is about the whole topic."""
    return entry.id.partition("#")[2]


def restored(reading: Reading, entries: Sequence[Entry], wanted: Desired) -> tuple[Desired, tuple[Finding, ...]]:
    """`wanted` with these topics as they were: what the entries do not name is wanted as it is now. And what cannot come back."""
    live, version = _live(reading, entries), reading.described.kafka_version
    by_name = groupby(sorted(entries, key=lambda entry: entry.address), key=_name)
    topics = {name: _before(name, list(its), live.get(name), version) for name, its in by_name}
    lost = tuple(finding for entry in entries for finding in (*_lost(entry), *_unknown(entry, version)))
    return replace(wanted, topics={**wanted.topics, **topics}), lost


def _before(name: str, entries: Sequence[Entry], live: LiveTopic | None, version: str) -> Topic | AbsentTopic:
    whole = next((entry for entry in entries if not _field(entry)), None)
    if whole is not None and whole.before is None:
        return AbsentTopic(name, _NOWHERE)
    if whole is not None:
        config = {key: value for key, value in _config(whole).items() if rules(key, version)}
        return _topic(name, {**(whole.before or {}), "config": config})
    assert live is not None, name  # it stands as the run left it
    config, replication = canonical(live), max(live.replications)
    for entry in entries:
        if _field(entry) == REPLICATION:
            replication = max(map(len, (entry.before or {})[REPLICAS].values()))
        elif _field(entry) not in {PARTITIONS, *_MOVED}:
            config.pop(_field(entry), None)
            config |= {key: value for key, value in _config(entry).items() if rules(key, version)}
    return _topic(name, _whole(live.partitions, replication, config))


def _config(entry: Entry) -> Mapping[str, str]:
    """The overrides that there were, of those that it is about."""
    side, field = entry.before or {}, _field(entry)
    if not field:
        config: Mapping[str, str] = side.get("config", {})
        return config
    if field in {PARTITIONS, *_MOVED} or side["value"] is None:
        return {}
    return {field: side["value"]}


def _topic(name: str, side: Mapping[str, Any]) -> Topic:
    return Topic(
        name=name,
        partitions=side[PARTITIONS],
        replication=side["replication"],
        config=side["config"],
        where=_NOWHERE,
    )


def _lost(entry: Entry) -> Iterator[Finding]:
    name, field = _name(entry), _field(entry)
    if field == PARTITIONS:
        now = (entry.after or {})[PARTITIONS]
        yield _gone(entry, f"{name}: keeps its {now} partitions, since Kafka cannot take any away")
    elif field == REPLICAS:
        yield _gone(entry, f"{name}: replicas stay where they were moved to, since no file says where they were")
    elif field in _MOVED and field != REPLICATION:
        yield _gone(entry, f"{name}: its replicas stay where they have been moved to")
    elif entry.after is None:
        yield _gone(entry, f"{name}: comes back empty, its records are gone, and it has another topic id")
    elif field and entry.loses:
        yield _gone(entry, f"{name}: records that {field} has deleted meanwhile do not come back")


def _unknown(entry: Entry, version: str) -> Iterator[Finding]:
    """A setting that the brokers no longer know is refused by them."""
    for key in _config(entry):
        if not rules(key, version):
            yield _gone(entry, f"{_name(entry)}: {key} stays unset, since the brokers no longer know it")


def _gone(entry: Entry, message: str) -> Finding:
    return Finding(code="KO7128", severity=Severity.WARNING, message=message, address=entry.address)
