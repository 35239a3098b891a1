"""What a broker refuses and in which words: names, topic settings and ACLs, judged without a broker.

Sources: `clients/.../internals/Topic.java`, `storage/.../LogConfig.java`, `clients/.../ConfigDef.java`, `metadata/.../AclControlManager.java`, 3.5 to 4.4;
compared with real brokers, 4.4 and 3.9, value by value. Known gaps: Java takes `NaN` for a ratio; of tiered storage only the switch is judged, not how `local.retention.*` and `remote.*` must fit together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kafkaops.cluster import AclBinding, KafkaError

Version = tuple[int, int]

_LEGAL = re.compile(r"[a-zA-Z0-9._-]+", re.ASCII)
_LONGEST_NAME = 249
_LONGEST_VALUE = 32_767


# --- topic names


def bad_name(name: str) -> KafkaError | None:
    reason = _why_bad(name)
    return KafkaError("INVALID_TOPIC_EXCEPTION", f"Topic name is invalid: {reason}") if reason else None


def _why_bad(name: str) -> str | None:
    if not name:
        return "the empty string is not allowed"
    if name in {".", ".."}:
        return f"'{name}' is not allowed"
    if len(name) > _LONGEST_NAME:
        return f"the length of '{name}' is longer than the max allowed length {_LONGEST_NAME}"
    if not _LEGAL.fullmatch(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


def metric_name(name: str) -> str:
    """Topics with `.` or `_` whose metric names are equal cannot live in one cluster."""
    return name.replace(".", "_")


# --- topic settings


class _Bad(Exception):  # noqa: N818  # carries the broker's reason
    def __init__(self, shown: str, reason: str) -> None:
        super().__init__(reason)
        self.shown = shown
        self.reason = reason


Parse = Callable[[str], str]
_JAVA_WHOLE = re.compile(r"[+-]?\d{1,40}")  # of any script, as Long.parseLong
_JAVA_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?[dDfF]?", re.ASCII)
_FORMAT_VERSION = re.compile(r"(0\.(8\.[0-2]|9\.0|10\.[0-2]|11\.0)|1\.[01]|2\.[0-8]|3\.\d)(\.\d+|-IV\d+)?", re.ASCII)
_THROTTLED = re.compile(r"\*|(\d+:\d+(,\d+:\d+)*)?,*", re.ASCII)


def _whole(kind: str, low: int | None = None, high: int | None = None, *, also: int | None = None) -> Parse:
    limit = 2**31 if kind == "INT" else 2**63

    def parse(text: str) -> str:
        if not _JAVA_WHOLE.fullmatch(text.strip()) or not -limit <= int(text) < limit:
            raise _Bad(text, f"Not a number of type {kind}")
        value = int(text)
        if also is not None and value != also and not (low or 0) <= value <= (high or 0):
            raise _Bad(str(value), f"Value must be between {low} and {high} or equal to {also}")
        if also is None and low is not None and value < low:
            raise _Bad(str(value), f"Value must be at least {low}")
        if also is None and high is not None and value > high:
            raise _Bad(str(value), f"Value must be no more than {high}")
        return str(value)

    return parse


def _boolean(text: str) -> str:
    word = text.strip().lower()
    if word not in {"true", "false"}:
        raise _Bad(text, "Expected value to be either true or false")
    return word


def _ratio(text: str) -> str:
    if not _JAVA_REAL.fullmatch(text.strip()):
        raise _Bad(text, "Not a number of type DOUBLE")
    value = float(text.strip().rstrip("dDfF"))
    if value < 0:
        raise _Bad(java_double(value), "Value must be at least 0")
    if value > 1:
        raise _Bad(java_double(value), "Value must be no more than 1")
    return java_double(value)


def java_double(value: float) -> str:
    """As `Double.toString` of Java 19 and later prints it: `0.5`, `1.0E-4`."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:  # noqa: PLR2004  # the bounds of Double.toString
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    figures = "".join(map(str, digits))
    return f"{'-' * sign}{figures[0]}.{figures[1:] or '0'}E{exponent + len(figures) - 1}"


def _one_of(*words: str) -> Parse:
    def parse(text: str) -> str:
        if text.strip() not in words:
            raise _Bad(text.strip(), f"String must be one of: {', '.join(words)}")
        return text.strip()

    return parse


def _some_of(*words: str) -> Parse:
    member = _one_of(*words)
    return lambda text: ",".join(member(word) for word in _elements(text))


def _elements(text: str) -> list[str]:
    return re.split(r"\s*,\s*", text.strip()) if text.strip() else []


def _format_version(text: str) -> str:
    if not _FORMAT_VERSION.fullmatch(text.strip()):
        raise _Bad(text.strip(), f"Version {text.strip()} is not a valid version")
    return text.strip()


def _throttled_replicas(name: str) -> Parse:
    expected = "the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."

    def parse(text: str) -> str:
        elements = _elements(text)
        if not _THROTTLED.fullmatch(",".join(elements)):
            raise _Bad(f"[{', '.join(elements)}]", f"{name} must be {expected}")
        return ",".join(elements)

    return parse


@dataclass(frozen=True, slots=True)
class _Setting:
    """`brokers`: the settings of a broker that give its default, with their own defaults; None: unset."""

    parse: Parse
    brokers: Mapping[str, str | None]
    since: Version = (0, 0)
    removed: Version = (99, 0)

    def known_to(self, version: Version) -> bool:
        return self.since <= version < self.removed


_FOREVER = str(2**63 - 1)

# fmt: off
_SETTINGS: Mapping[str, _Setting] = {
    "cleanup.policy": _Setting(_some_of("compact", "delete"), {"log.cleanup.policy": "delete"}),
    "compression.gzip.level": _Setting(_whole("INT", 1, 9, also=-1), {"compression.gzip.level": "-1"}, since=(3, 8)),
    "compression.lz4.level": _Setting(_whole("INT", 1, 17), {"compression.lz4.level": "9"}, since=(3, 8)),
    "compression.type": _Setting(_one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), {"compression.type": "producer"}),
    "compression.zstd.level": _Setting(_whole("INT", -131_072, 22), {"compression.zstd.level": "3"}, since=(3, 8)),
    "delete.retention.ms": _Setting(_whole("LONG", 0), {"log.cleaner.delete.retention.ms": "86400000"}),
    "errors.deadletterqueue.group.enable": _Setting(_boolean, {}, since=(4, 4)),
    "file.delete.delay.ms": _Setting(_whole("LONG", 0), {"log.segment.delete.delay.ms": "60000"}),
    "flush.messages": _Setting(_whole("LONG", 1), {"log.flush.interval.messages": _FOREVER}),
    "flush.ms": _Setting(_whole("LONG", 0), {"log.flush.interval.ms": None, "log.flush.scheduler.interval.ms": _FOREVER}),
    "follower.replication.throttled.replicas": _Setting(_throttled_replicas("follower.replication.throttled.replicas"), {}),
    "index.interval.bytes": _Setting(_whole("INT", 0), {"log.index.interval.bytes": "4096"}),
    "internal.segment.bytes": _Setting(_whole("INT"), {}, since=(4, 1)),
    "leader.replication.throttled.replicas": _Setting(_throttled_replicas("leader.replication.throttled.replicas"), {}),
    "local.retention.bytes": _Setting(_whole("LONG", -2), {"log.local.retention.bytes": "-2"}),
    "local.retention.ms": _Setting(_whole("LONG", -2), {"log.local.retention.ms": "-2"}),
    "max.compaction.lag.ms": _Setting(_whole("LONG", 1), {"log.cleaner.max.compaction.lag.ms": _FOREVER}),
    "max.message.bytes": _Setting(_whole("INT", 0), {"message.max.bytes": "1048588"}),
    "message.downconversion.enable": _Setting(_boolean, {"log.message.downconversion.enable": "true"}, removed=(4, 0)),
    "message.format.version": _Setting(_format_version, {"log.message.format.version": "3.0-IV1"}, removed=(4, 0)),
    "message.timestamp.after.max.ms": _Setting(_whole("LONG", 0), {"log.message.timestamp.after.max.ms": _FOREVER}, since=(3, 6)),
    "message.timestamp.before.max.ms": _Setting(_whole("LONG", 0), {"log.message.timestamp.before.max.ms": _FOREVER}, since=(3, 6)),
    "message.timestamp.difference.max.ms": _Setting(_whole("LONG", 0), {"log.message.timestamp.difference.max.ms": _FOREVER}, removed=(4, 0)),
    "message.timestamp.type": _Setting(_one_of("CreateTime", "LogAppendTime"), {"log.message.timestamp.type": "CreateTime"}),
    "min.cleanable.dirty.ratio": _Setting(_ratio, {"log.cleaner.min.cleanable.ratio": "0.5"}),
    "min.compaction.lag.ms": _Setting(_whole("LONG", 0), {"log.cleaner.min.compaction.lag.ms": "0"}),
    "min.insync.replicas": _Setting(_whole("INT", 1), {"min.insync.replicas": "1"}),
    "preallocate": _Setting(_boolean, {"log.preallocate": "false"}),
    "remote.copy.lag.bytes": _Setting(_whole("LONG", -1), {"log.remote.copy.lag.bytes": "-1"}, since=(4, 4)),
    "remote.copy.lag.ms": _Setting(_whole("LONG", -1), {"log.remote.copy.lag.ms": "0"}, since=(4, 4)),
    "remote.log.copy.disable": _Setting(_boolean, {}, since=(3, 9)),
    "remote.log.delete.on.disable": _Setting(_boolean, {}, since=(3, 9)),
    "remote.storage.enable": _Setting(_boolean, {}),
    "retention.bytes": _Setting(_whole("LONG"), {"log.retention.bytes": "-1"}),
    "retention.ms": _Setting(_whole("LONG", -1), {"log.retention.ms": None, "log.retention.minutes": None, "log.retention.hours": "168"}),
    "segment.bytes": _Setting(_whole("INT", 1_048_576), {"log.segment.bytes": "1073741824"}),
    "segment.index.bytes": _Setting(_whole("INT", 4), {"log.index.size.max.bytes": "10485760"}),
    "segment.jitter.ms": _Setting(_whole("LONG", 0), {"log.roll.jitter.ms": None, "log.roll.jitter.hours": "0"}),
    "segment.ms": _Setting(_whole("LONG", 1), {"log.roll.ms": None, "log.roll.hours": "168"}),
    "unclean.leader.election.enable": _Setting(_boolean, {"unclean.leader.election.enable": "false"}),
}
# fmt: on

_OTHER_BROKER_SETTINGS = {
    "auto.create.topics.enable": "true",
    "default.replication.factor": "1",
    "delete.topic.enable": "true",
    "num.partitions": "1",
    "remote.log.storage.system.enable": "false",
}


def broker_defaults(version: Version) -> dict[str, str | None]:
    """What a broker without settings of its own would say of all that a topic inherits, and a little more."""
    found = dict[str, str | None](_OTHER_BROKER_SETTINGS)
    for setting in _SETTINGS.values():
        if setting.known_to(version):
            found |= setting.brokers
    if version >= (4, 0):
        found["log.message.timestamp.after.max.ms"] = "3600000"  # KIP-1030
    return found


def printed(
    configs: Mapping[str, str], version: Version, broker: Mapping[str, str | None]
) -> dict[str, str] | KafkaError:
    """All settings of one topic as the broker will print them, or what it refuses. `broker`: the settings that they inherit from."""
    for name, text in configs.items():
        if name not in _SETTINGS or not _SETTINGS[name].known_to(version):
            return KafkaError("INVALID_CONFIG", f"Unknown topic config name: {name}")
        if len(text) > _LONGEST_VALUE:
            return KafkaError(
                "INVALID_CONFIG",
                f"The configuration value cannot be added because it exceeds the maximum value size of {_LONGEST_VALUE} bytes.",
            )
    values = {name: _parsed(name, text, version) for name, text in configs.items()}
    refused = next((value for value in values.values() if isinstance(value, KafkaError)), None)
    if refused is not None:
        return refused
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return _conflict(texts, broker) or texts


def _parsed(name: str, text: str, version: Version) -> str | KafkaError:
    parse = _SETTINGS[name].parse
    if name == "segment.bytes" and version < (4, 1):  # KIP-1030 raised the floor
        parse = _whole("INT", 14)
    try:
        value = parse(text)
    except _Bad as bad:
        return KafkaError("INVALID_CONFIG", f"Invalid value {bad.shown} for configuration {name}: {bad.reason}")
    if name == "cleanup.policy" and version >= (4, 2):  # KIP-1161 drops what is said twice
        return ",".join(dict.fromkeys(value.split(",")))
    return value


def _conflict(values: Mapping[str, str], broker: Mapping[str, str | None]) -> KafkaError | None:
    def effective(name: str) -> int:
        return int(values.get(name) or broker[f"log.cleaner.{name}"] or 0)

    low, high = effective("min.compaction.lag.ms"), effective("max.compaction.lag.ms")
    if low > high:
        return KafkaError(
            "INVALID_CONFIG",
            f"conflict topic config setting min.compaction.lag.ms ({low}) > max.compaction.lag.ms ({high})",
        )
    if values.get("remote.storage.enable") == "true" and broker["remote.log.storage.system.enable"] != "true":
        return KafkaError(
            "INVALID_CONFIG",
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        )
    return None


# --- ACLs

RESOURCE_TYPES = ("Topic", "Group", "Cluster", "TransactionalId", "DelegationToken", "User")
PATTERNS = ("Literal", "Prefixed")
PERMISSIONS = ("Allow", "Deny")
OPERATIONS = (
    "All", "Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction", "DescribeConfigs", "AlterConfigs",
    "IdempotentWrite", "CreateTokens", "DescribeTokens", "TwoPhaseCommit",  # the last one from 4.1 on (KIP-939)
)  # fmt: skip
CLUSTER_OPERATIONS = frozenset(
    {"Create", "ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite", "Alter", "Describe"}
)


def bad_acl(binding: AclBinding, version: Version) -> KafkaError | None:
    """An operation that does not fit its resource type is accepted, as the controller does."""
    reason = _why_bad_acl(binding, OPERATIONS if version >= (4, 1) else OPERATIONS[:-1])
    return KafkaError("INVALID_REQUEST", reason) if reason else None


def _why_bad_acl(binding: AclBinding, operations: Sequence[str]) -> str | None:
    if binding.resource_type == "Cluster" and binding.name != "kafka-cluster":
        return "The only valid name for the CLUSTER resource is kafka-cluster"
    if not binding.name:
        return "Invalid empty resource name"
    for what, word, known in (
        ("resourceType", binding.resource_type, RESOURCE_TYPES),
        ("patternType", binding.pattern, PATTERNS),
        ("operation", binding.operation, operations),
        ("permissionType", binding.permission, PERMISSIONS),
    ):
        if word not in known:
            return f"Invalid {what} {word.upper() if word in {'Any', 'Match'} else 'UNKNOWN'}"
    if ":" not in binding.principal:
        return f"Could not parse principal from `{binding.principal}` (no colon is present separating the principal type from the principal name)"
    return None
