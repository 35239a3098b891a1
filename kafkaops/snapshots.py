"""A recorded cluster as a file, and back: `snapshot` writes it, `plan --against` reads it instead of a cluster.

Where an answer is missing stands Kafka's name for the error, a string where something else is expected.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from kafkaops import report
from kafkaops.access import OPERATIONS, AclBinding
from kafkaops.cluster import Broker, ConfigEntry, ConfigSource, Description, KafkaError
from kafkaops.cluster.recording import NOT_RECORDED, Assignment, RecordedDir, RecordedTopic, Recording
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kinds.topic import settings
from kafkaops.report import Document

T = TypeVar("T")

OLD = timedelta(hours=24)
"""From then on a plan says that much may have changed since."""

_LARGEST = 256 * 2**20
_VERSION = re.compile(r"(\d{1,4}\.\d{1,4})?", re.ASCII)
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """`cluster`: the entry under which it was taken. `reduced`: by `--for-plan`."""

    cluster: str
    taken_at: datetime
    reduced: bool
    recording: Recording


def broker_settings() -> frozenset[str]:
    """What topics without a setting of their own inherit: all that is read of a broker."""
    return frozenset(one.name for setting in settings.SETTINGS.values() for one in setting.broker)


# out


def document(snapshot: Snapshot) -> Document:
    """The same recording gives the same bytes, but for the time."""
    content = {**report.snapshot_head(snapshot.taken_at), **_content(snapshot)}
    return {**content, "checksum": report.checksum(content)}


def text_of(document_: Mapping[str, Any]) -> str:
    """The one way in which a snapshot is written; whoever wrote it otherwise has edited it."""
    return json.dumps(document_, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _content(snapshot: Snapshot) -> Document:
    was = snapshot.recording
    described = was.described
    return {
        "cluster": {
            "name": snapshot.cluster,
            "id": described.cluster_id,
            "kafka_version": described.kafka_version,
            "zookeeper": described.zookeeper,
            "principal": was.principal,
            "operations": None if described.operations is None else sorted(described.operations),
        },
        "reduced": snapshot.reduced,
        "brokers": [
            {
                "id": broker.id,
                "rack": broker.rack,
                "settings": _settings(was.settings[broker.id]),
                "log_dirs": _dirs(was.dirs[broker.id]),
            }
            for broker in described.brokers
        ],
        "fenced": sorted(described.fenced),
        "topics": {name: _topic(topic) for name, topic in sorted(was.topics.items())},
        "names": sorted(was.names),
        "places": {
            name: {"id": topic_id, "assignment": [list(replicas) for replicas in place]}
            for name, (topic_id, place) in sorted(was.places.items())
        },
        "unlisted": {
            "names": dict(sorted(was.unlisted.items())),
            "prefixes": dict(sorted(was.unlisted_below.items())),
        },
        "reassigning": was.moving.name if isinstance(was.moving, KafkaError) else sorted(was.moving),
        "acls": was.acls.name if isinstance(was.acls, KafkaError) else [one.facts for one in sorted(was.acls)],
    }


def _settings(entries: Mapping[str, ConfigEntry] | KafkaError) -> Document | str:
    if isinstance(entries, KafkaError):
        return entries.name
    return {name: {"value": one.value, "source": one.source.name.lower()} for name, one in sorted(entries.items())}


def _dirs(dirs: tuple[RecordedDir, ...] | KafkaError) -> list[Document] | str:
    if isinstance(dirs, KafkaError):
        return dirs.name
    return [{"total": one.total, "usable": one.usable, "cordoned": one.cordoned} for one in dirs]


def _topic(topic: RecordedTopic) -> Document:
    where, overrides, size = topic.assignment, topic.overrides, topic.size
    late = {} if topic.in_sync is None else {"in_sync": [list(replicas) for replicas in topic.in_sync]}
    return {
        "id": topic.topic_id,
        "assignment": where.name if isinstance(where, KafkaError) else [list(replicas) for replicas in where],
        "overrides": overrides.name if isinstance(overrides, KafkaError) else dict(sorted(overrides.items())),
        "bytes": size.name if isinstance(size, KafkaError) else size,
        "partition_bytes": list(topic.sizes),
        **late,
    }


# in


def read(path: Path) -> Snapshot:
    """Errors: Refusal, 64 for a file that cannot be read, 4 for one that is no whole snapshot."""
    data = _bytes(path)
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _no_snapshot(path, "is not JSON, or only a part of it") from error
    if not isinstance(found, dict) or found.get("format") != "kafkaops.snapshot":
        raise _no_snapshot(path, "is not a snapshot that kafkaops wrote")
    version = str(found.get("format_version"))
    if not version.startswith("1."):
        raise _no_snapshot(path, f"has format version `{ascii(version[:20])[1:-1]}`, and this kafkaops reads 1")
    if found.get("complete") is not True:
        raise _no_snapshot(path, "is of a reading that ended early")
    try:
        found.pop("checksum")
        if text_of({**found, "checksum": report.checksum(found)}).encode() == data:
            return _snapshot(found)
    except (KeyError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError) as error:
        raise _no_snapshot(path, "lacks what a snapshot holds, or holds something else in its place") from error
    raise _no_snapshot(path, "was edited or damaged: its checksum does not fit")


def _bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            raise _unreadable(f"`--against {path}` is not a regular file of at most 256 MiB")
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(f"`--against {path}` cannot be read: {(error.strerror or 'no reason').lower()}") from error


_HOW = "`kafkaops snapshot -o FILE` writes one"


def _unreadable(message: str) -> Refusal:
    return Refusal(Exit.USAGE, Finding(code="KO7005", severity=Severity.ERROR, message=message, help=_HOW))


def _no_snapshot(path: Path, says: str) -> Refusal:
    return Refusal(
        Exit.INVALID, Finding(code="KO7202", severity=Severity.ERROR, message=f"`--against {path}` {says}", help=_HOW)
    )


def _snapshot(found: Mapping[str, Any]) -> Snapshot:
    """Errors: KeyError, TypeError, ValueError: a checksum can be computed by anybody, so nothing is taken on trust."""
    cluster = found["cluster"]
    brokers = {_whole(one["id"]): one for one in found["brokers"]}
    version = _text(cluster["kafka_version"])
    if not brokers or not _VERSION.fullmatch(version):
        raise ValueError
    dirs = {number: _dirs_of(one.get("log_dirs", NOT_RECORDED.name)) for number, one in brokers.items()}
    tables = {number: _settings_of(one["settings"], version) for number, one in brokers.items()}
    operations = cluster["operations"]
    described = Description(
        cluster_id=_text(cluster["id"]),
        brokers=tuple(Broker(number, "", 0, _text_or_none(one["rack"])) for number, one in sorted(brokers.items())),
        fenced=tuple(sorted(map(_whole, _typed(found["fenced"], list)))),
        kafka_version=version,
        operations=None if operations is None else _texts(operations),
        zookeeper=_typed(cluster["zookeeper"], bool),
    )
    recording = Recording(
        described=described,
        principal=_text_or_none(cluster["principal"]),
        settings=tables,
        dirs=dirs,
        topics={_text(name): _topic_of(one) for name, one in _typed(found["topics"], dict).items()},
        names=_texts(found["names"]),
        places={
            _text(name): (_text(place["id"]), _assignment(_typed(place["assignment"], list)))
            for name, place in _typed(found.get("places", {}), dict).items()
        },
        unlisted=_errors(found["unlisted"]["names"]),
        unlisted_below=_errors(found["unlisted"]["prefixes"]),
        moving=_error(found["reassigning"]) or _texts(found["reassigning"]),
        acls=_error(found["acls"]) or frozenset(map(_binding, _typed(found["acls"], list))),
    )
    return Snapshot(
        cluster=_text(cluster["name"]),
        taken_at=datetime.strptime(found["created_at"], _TIME).replace(tzinfo=UTC),
        reduced=_typed(found["reduced"], bool),
        recording=recording,
    )


def _settings_of(found: Any, version: str) -> Mapping[str, ConfigEntry] | KafkaError:
    error = _error(found)
    if error:
        return error
    entries = {
        _text(name): ConfigEntry(_text_or_none(one["value"]), ConfigSource[_text(one["source"]).upper()])
        for name, one in _typed(found, dict).items()
    }
    for name in settings.SETTINGS:
        settings.inherited(name, entries, version)  # a number that is none
    return entries


def _dirs_of(found: Any) -> tuple[RecordedDir, ...] | KafkaError:
    return _error(found) or tuple(
        RecordedDir(_bytes_or_none(one["total"]), _bytes_or_none(one["usable"]), _typed(one["cordoned"], bool))
        for one in _typed(found, list)
    )


def _bytes_or_none(found: Any) -> int | None:
    return None if found is None else _whole(found, 2**63)


def _topic_of(found: Any) -> RecordedTopic:
    where, size = found["assignment"], found["bytes"]
    late = found.get("in_sync")
    number = 0 if _error(where) else len(where)
    sizes = tuple(_whole(one, 2**63) for one in _typed(found.get("partition_bytes", [0] * number), list))
    if len(sizes) != number or (late is not None and len(late) != number):
        raise ValueError
    return RecordedTopic(
        topic_id=_text(found["id"]),
        assignment=_error(where) or _assignment(_typed(where, list)),
        overrides=_overrides(found["overrides"]),
        size=_error(size) or _whole(size, 2**63),
        sizes=sizes,
        in_sync=None if late is None else _assignment(_typed(late, list), least=0),
    )


def _assignment(rows: list[Any], *, least: int = 1) -> Assignment:
    if not rows or any(len(row) < least for row in rows):
        raise ValueError
    return tuple(tuple(map(_whole, _typed(row, list))) for row in rows)


def _overrides(found: Any) -> Mapping[str, str | None] | KafkaError:
    error = _error(found)
    if error:
        return error
    texts = {_text(key): _text_or_none(text) for key, text in _typed(found, dict).items()}
    for key, text in texts.items():
        if text is not None:
            settings.show(key, settings.comparable(key, text))  # a number that is none
    return texts


def _binding(found: Any) -> AclBinding:
    return AclBinding(
        principal=_text(found["principal"]),
        permission=_one_of({"Allow", "Deny"}, found["permission"]),
        operation=_text(found["operation"]),
        resource_type=_one_of(OPERATIONS.keys(), found["resource_type"]),
        pattern=_one_of({"Literal", "Prefixed"}, found["pattern_type"]),
        name=_text(found["resource_name"]),
        host=_text(found["host"]),
    )


def _errors(found: Any) -> Mapping[str, str]:
    return {_text(name): _text(error) for name, error in _typed(found, dict).items()}


def _error(found: Any) -> KafkaError | None:
    return KafkaError(_text(found)) if isinstance(found, str) else None


def _typed(found: Any, kind: type[T]) -> T:
    """Exactly of this type: `true` is no number."""
    if type(found) is not kind:
        raise TypeError
    return found


def _whole(found: Any, below: int = 2**31) -> int:
    if not 0 <= _typed(found, int) < below:
        raise ValueError
    return int(found)


def _text(found: Any) -> str:
    text = _typed(found, str)
    text.encode()  # half of a surrogate pair is no text
    return text


def _text_or_none(found: Any) -> str | None:
    return None if found is None else _text(found)


def _one_of(words: AbstractSet[str], found: Any) -> str:
    if found not in words:
        raise ValueError
    return _text(found)


def _texts(found: Any) -> frozenset[str]:
    return frozenset(map(_text, _typed(found, list)))
