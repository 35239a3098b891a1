"""One topic, looked at closely."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kafkaops.findings import Location
from kafkaops.kind import Reading
from kafkaops.kinds.topic import settings, wire
from kafkaops.kinds.topic.model import PARTITIONS, REPLICATION, AbsentTopic, LiveTopic, Topic
from kafkaops.plan import From, Value
from kafkaops.resource import Resource, ResourceField

_NOWHERE = Location("", 0, 0, 0)


def describe(reading: Reading, address: str) -> Resource:
    """`topic/NAME`. Settings that no side sets are shown with what the brokers give."""
    name = address.removeprefix("topic/")
    wanted = reading.desired.topics.get(name)
    asked: Mapping[str, Topic | AbsentTopic] = {name: wanted or AbsentTopic(name, _NOWHERE)}
    live = wire.read(reading.cluster, reading.described, asked, wire.Scope(), patience=reading.patience).topics[name]
    topic = wanted if isinstance(wanted, Topic) else None
    return Resource(
        address=f"topic/{name}",
        declared=wanted is not None,
        live=live is not None,
        where=None if wanted is None else wanted.where,
        facts=tuple(_facts(wanted, live)),
        fields=tuple(_fields(topic, live)),
        inherited=tuple(_inherited(reading, topic, live)) if topic or live else (),
    )


def _facts(wanted: Topic | AbsentTopic | None, live: LiveTopic | None) -> Iterator[tuple[str, str]]:
    match wanted:
        case Topic():
            told = (("description", wanted.description), ("owner", wanted.owner), ("key", wanted.key))
            yield from ((name, text) for name, text in told if text)
        case AbsentTopic():
            yield "state", "absent"
        case None:
            pass
    if live is not None:
        yield "topic id", live.topic_id
        if live.moving:
            yield "moving", "a reassignment is in flight"


def _fields(topic: Topic | None, live: LiveTopic | None) -> Iterator[ResourceField]:
    replications = "" if live is None else ", ".join(str(count) for count in sorted(live.replications))
    yield _field(topic, PARTITIONS, None if topic is None else str(topic.partitions), _plain(live and live.partitions))
    yield _field(topic, REPLICATION, None if topic is None else str(topic.replication), _plain(replications or None))
    config: Mapping[str, str] = {} if topic is None else topic.config
    overrides: Mapping[str, str | None] = {} if live is None else live.overrides
    for key in sorted(config.keys() | overrides.keys()):
        yield _field(topic, key, config.get(key), _live(key, overrides))


def _field(topic: Topic | None, name: str, want: str | None, have: Value | None) -> ResourceField:
    origin = None if topic is None else topic.origins.get(name)
    return ResourceField(
        name=name,
        want=None if want is None else Value(want, settings.show(name, want), From.FILE),
        have=have,
        layer=origin.layer if origin else "",
        where=origin.where if origin else None,
    )


def _live(key: str, overrides: Mapping[str, str | None]) -> Value | None:
    if key not in overrides:
        return None
    text = overrides[key]
    if text is None:
        return Value("", "hidden by Kafka", From.TOPIC)
    canonical = settings.comparable(key, text)
    return Value(canonical, settings.show(key, canonical), From.TOPIC)


def _plain(value: object) -> Value | None:
    return None if value is None else Value(str(value), str(value), From.TOPIC)


def _inherited(reading: Reading, topic: Topic | None, live: LiveTopic | None) -> Iterator[tuple[str, Value]]:
    told = set(topic.config if topic else ()) | set(live.overrides if live else ())
    keys = frozenset(name for name, setting in settings.SETTINGS.items() if setting.managed) - told
    brokers = [broker.id for broker in reading.described.brokers]
    found = wire.inherited(reading.cluster, brokers, keys, reading.described.kafka_version)
    for key in sorted(found):
        yield from ((key, value) for value in found[key])
