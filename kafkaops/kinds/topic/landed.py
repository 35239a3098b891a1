"""Whether what a saved plan leads to is live already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kafkaops.kind import Landed, Reading
from kafkaops.kinds.topic import settings, wire
from kafkaops.kinds.topic.changes import REPLICAS
from kafkaops.kinds.topic.compare import canonical
from kafkaops.kinds.topic.model import PARTITIONS, REPLICATION, LiveTopic
from kafkaops.plan import Action, Change, FieldChange, From, Value

_Inherited = Mapping[str, tuple[Value, ...]]


def landed(reading: Reading, changes: Sequence[Change]) -> Landed:
    """Of each change, by its id: what is live otherwise than it leads to, by field; nothing where all of it is live."""
    names = {_name(change) for change in changes}
    found = wire.read_all(reading.cluster, reading.described, names.__contains__, patience=reading.patience)
    if found.unreadable:
        raise wire.not_read(sorted(found.unreadable.items()))
    brokers = [broker.id for broker in reading.described.brokers]
    unset = frozenset(one.name for change in changes for one in change.fields if not _is_set(one.after))
    inherited = wire.inherited(reading.cluster, brokers, unset, reading.described.kafka_version)
    return {change.id: tuple(_otherwise(change, found.topics.get(_name(change)), inherited)) for change in changes}


def _name(change: Change) -> str:
    return change.address.removeprefix("topic/")


def _is_set(value: Value | None) -> bool:
    return value is not None and value.source is From.FILE


def _otherwise(change: Change, live: LiveTopic | None, inherited: _Inherited) -> Iterator[tuple[str, Value | None]]:
    if change.action is Action.DELETE:
        if live is not None:
            same = live.topic_id == change.carries["topic id"]
            yield ("", _plain("there")) if same else ("topic id", _plain(live.topic_id))
    elif live is None:
        yield "", None
    else:
        yield from _fields(change, live, inherited)


def _fields(change: Change, live: LiveTopic, inherited: _Inherited) -> Iterator[tuple[str, Value | None]]:
    if change.carries.get("topic id", live.topic_id) != live.topic_id:
        yield "topic id", _plain(live.topic_id)
    if change.action is Action.REASSIGN:
        places = [move for move in change.moves if live.assignment[move.partition : move.partition + 1] != (move.new,)]
        yield from [(REPLICAS, _plain(f"{len(places)} not in place"))] if places else []
        return
    there = _live(live)
    for one in change.fields:
        now = there.get(one.name) or _unset(one, inherited)
        if now is None or one.after is None or (_is_set(one.after), one.after.text) != (one.name in there, now.text):
            yield one.name, now
    if change.action is Action.CREATE:
        named = {one.name for one in change.fields}
        yield from ((name, value) for name, value in sorted(there.items()) if name not in named)


def _live(topic: LiveTopic) -> Mapping[str, Value]:
    own = {key: Value(text, settings.show(key, text), From.TOPIC) for key, text in canonical(topic).items()}
    replicas = " and ".join(str(count) for count in sorted(topic.replications))
    return {PARTITIONS: _plain(str(topic.partitions)), REPLICATION: _plain(replicas), **own}


def _unset(field: FieldChange, inherited: _Inherited) -> Value | None:
    """What the topic has without an override: what the plan says, where the brokers do not tell, or the worst of it."""
    values = inherited.get(field.name, ())
    if not values:
        return field.after if not _is_set(field.after) else None
    text = settings.worst(field.name, [value.text for value in values], field.before.text if field.before else None)
    return next(value for value in values if value.text == text)


def _plain(text: str) -> Value:
    return Value(text, text, From.TOPIC)
