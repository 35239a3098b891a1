"""What Kafka knows about a topic's settings, and what may happen when one changes: the reader of `settings.toml`.

Values are texts as a broker prints them (`canonical`), so that two of them are equal when Kafka takes them for equal. A version is `3.9` or `3.9.1`;
None or "" stands for the newest that the table knows.
"""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, Protocol

from kafkaops import units

NEWEST = "4.4"
NOT_KNOWN_TO_BE_HARMLESS = "KO2130"

Type = Literal["boolean", "int", "long", "double", "string", "list"]
Unit = Literal["duration", "size"]


@dataclass(frozen=True, slots=True)
class Since:
    """A value that holds from a Kafka version on."""

    version: str
    value: Any  # as TOML has it


@dataclass(frozen=True, slots=True)
class Synonym:
    """A broker setting that gives the topic's default: its value times `factor`; the value `unless` counts as not set."""

    name: str
    factor: int = 1
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class Danger:
    """`what` may happen, one sentence; `code` is a key of `codes.toml`."""

    code: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One table of `settings.toml`, whose head explains the fields. `harmless` and `dangerous` are by direction."""

    name: str
    type: Type
    meaning: str
    since: str
    note: str = ""
    deprecated: str | None = None
    removed: str | None = None
    default: tuple[Since, ...] = ()
    min: tuple[Since, ...] = ()
    max: tuple[Since, ...] = ()
    also: tuple[int, ...] = ()
    values: tuple[str, ...] = ()
    unit: Unit | None = None
    endless: int | None = None
    negative: Literal["endless"] | None = None
    special: tuple[int, ...] = ()
    broker: tuple[Synonym, ...] = ()
    operational: bool = False
    internal: bool = False
    harmless: Mapping[str, str]
    dangerous: Mapping[str, Danger]

    @property
    def written(self) -> str:
        """As the topology language writes it: `retention-ms`."""
        return self.name.replace(".", "-")

    @property
    def managed(self) -> bool:
        """May stand in a topology: neither Kafka's own nor set by tools while replicas move."""
        return not (self.operational or self.internal)


@dataclass(frozen=True, slots=True)
class Known:
    """A setting of that version."""


@dataclass(frozen=True, slots=True)
class NotYet:
    since: str


@dataclass(frozen=True, slots=True)
class Removed:
    removed: str  # the first version without it


class NotValid(ValueError):  # noqa: N818  # reads as the sentence it stands for
    """Kafka would refuse the value. `hint` says what to write instead."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Conflict:
    """Settings that a broker refuses together. `key` is the one to change."""

    key: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Lint:
    """Legal and unwise, by rule. `key` is Kafka's name of the setting, `partitions` or `replication.factor`."""

    rule: str
    message: str
    key: str
    hint: str


class BrokerEntry(Protocol):
    """What a broker says about one of its own settings."""

    @property
    def value(self) -> str | None: ...


def _read() -> dict[str, Setting]:
    text = Path(__file__).with_name("settings.toml").read_text(encoding="utf-8")
    return {name: _setting(name, table) for name, table in sorted(tomllib.loads(text).items())}


def _setting(name: str, table: dict[str, Any]) -> Setting:
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    fields |= {key: _by_version(table[key]) for key in ("default", "min", "max") if key in table}
    fields["broker"] = tuple(Synonym(**synonym) for synonym in table.get("broker", ()))
    fields["harmless"] = table.get("harmless", {})
    fields["dangerous"] = {
        direction: Danger(danger.get("code", NOT_KNOWN_TO_BE_HARMLESS), danger["what"])
        for direction, danger in table.get("dangerous", {}).items()
    }
    return Setting(name=name, **fields)


def _by_version(value: object) -> tuple[Since, ...]:
    if isinstance(value, list):
        return tuple(Since(one["from"], one["value"]) for one in value)
    return (Since("0", value),)


SETTINGS: Mapping[str, Setting] = _read()


# names and versions


def kafka_name(written: str) -> str | None:
    """Kafka's name of a setting in either spelling: `retention-ms` and `retention.ms` -> `retention.ms`; None: not in the table."""
    name = written.replace("-", ".")
    return name if name in SETTINGS else None


def known_in(name: str, version: str | None) -> Known | NotYet | Removed | None:
    """Whether a setting is one in that version of Kafka; None: in no version, or for Kafka's own tests only."""
    setting = SETTINGS.get(name)
    if setting is None or setting.internal:
        return None
    if _release(version) < _release(setting.since):
        return NotYet(setting.since)
    if setting.removed and _release(version) >= _release(setting.removed):
        return Removed(setting.removed)
    return Known()


def rules(name: str, version: str | None) -> bool:
    """Whether brokers of that version still obey the setting: one that was removed is dead weight. A setting that is not in the table may well rule."""
    return not isinstance(known_in(name, version), Removed)


@cache  # ten thousand topics may share one typo
def suggest(written: str, version: str | None = None) -> str | None:
    """The setting that was probably meant, spelled as it was written; a broker's name for it counts: `log-retention-hours` -> `retention-ms`."""
    nearest = _of_broker(written.replace("-", ".")) or _near(written.replace("-", "."), version)
    if nearest is None or "." in written:
        return nearest
    return SETTINGS[nearest].written


def _of_broker(name: str) -> str | None:
    return next((one.name for one in SETTINGS.values() if name in {synonym.name for synonym in one.broker}), None)


def _near(name: str, version: str | None) -> str | None:
    usable = [one.name for one in SETTINGS.values() if one.managed and known_in(one.name, version) == Known()]
    return next(iter(difflib.get_close_matches(name, usable, n=1)), None)


@cache
def _release(version: str | None) -> tuple[int, ...]:
    """`3.9.1` -> (3, 9): settings come and go with minor releases."""
    return tuple(int(part) for part in re.findall(r"\d+", version or NEWEST)[:2])


def _at(history: tuple[Since, ...], version: str | None) -> object:
    """What holds in that version; before the first entry, what held first."""
    held = [one.value for one in history if _release(one.version) <= _release(version)]
    return held[-1] if held else (history[0].value if history else None)


# values


def canonical(name: str, value: object, *, version: str | None) -> str:
    """The text that a broker of that version prints for the value, units resolved: `7d` -> `604800000`, True -> `true`, `a, b` -> `a,b`.

    A list is sorted, because Kafka takes its members as a set: `delete,compact` -> `compact,delete`.
    Raises NotValid for a wrong type, range or member. A name that the table does not know gets the value as it stands.
    """
    setting = SETTINGS.get(name)
    if setting is None:
        return _as_it_stands(name, value)
    match setting.type:
        case "boolean":
            return _boolean(setting, value)
        case "int" | "long":
            return _whole(setting, value, version)
        case "double":
            return _double(setting, value, version)
        case "string":
            return _string(setting, value)
        case "list":
            return _list(setting, value)


def _as_it_stands(name: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | str():
            return str(value)
        case float():
            return _java(value)
        case _:
            raise NotValid(f"`{name}` takes a text, not {_quoted(value)}", "write the value in quotes")


def _boolean(setting: Setting, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() if value.strip().lower() in {"true", "false"}:
            return value.strip().lower()
        case _:
            raise NotValid(f"`{setting.name}` is true or false, not {_quoted(value)}", "write `true` or `false`")


_WIDTH = {"int": 31, "long": 63}


def _whole(setting: Setting, value: object, version: str | None) -> str:
    number = _amount(setting, value)
    limit = 2 ** _WIDTH[setting.type]
    if not -limit <= number < limit:
        raise NotValid(
            f"`{setting.name}` {_quoted(value)} does not fit into {_WIDTH[setting.type] + 1} bits",
            f"write at most {show(setting.name, str(limit - 1))}",
        )
    if number not in setting.also:
        _check_range(setting, number, version, value)
    return str(number)


def _amount(setting: Setting, value: object) -> int:
    if setting.unit and setting.endless is not None and value == _ENDLESS[setting.unit]:
        return setting.endless
    if isinstance(value, str | int) and not isinstance(value, bool):
        try:
            return _READ[setting.unit](value)
        except ValueError:
            pass
    raise NotValid(f"`{setting.name}` takes {_TAKES[setting.unit]}, not {_quoted(value)}", _write(setting))


def _count(value: str | int) -> int:
    if isinstance(value, str) and not re.fullmatch(r"\s*-?[0-9]{1,19}\s*", value):
        raise units.NotAUnit(value)
    return int(value)


_READ = {"duration": units.duration, "size": units.size, None: _count}
_TAKES = {"duration": "a duration", "size": "a size", None: "a whole number"}
_EXAMPLES = {"duration": "`7d`, `12h` or a number of milliseconds", "size": "`1GiB`, `500MB` or a number of bytes"}
_ENDLESS = {"duration": "forever", "size": "unlimited"}


def _write(setting: Setting) -> str:
    if setting.unit is None:
        return "write digits"
    endless = "" if setting.endless is None else f", or `{_ENDLESS[setting.unit]}`"
    return f"write {_EXAMPLES[setting.unit]}{endless}"


def _double(setting: Setting, value: object, version: str | None) -> str:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise TypeError  # noqa: TRY301  # one sentence for every way not to be a number
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise NotValid(f"`{setting.name}` takes a number, not {_quoted(value)}", "write a number such as `0.5`")
    _check_range(setting, number, version, value)
    return _java(number)


def _check_range(setting: Setting, number: float, version: str | None, value: object) -> None:
    least, most = _at(setting.min, version), _at(setting.max, version)
    if (isinstance(least, int) and number < least) or (isinstance(most, int) and number > most):
        taken = _range(setting, version)
        raise NotValid(
            f"`{setting.name}` {_quoted(value)} is out of range, Kafka {version or NEWEST} takes {taken}",
            f"write {taken}",
        )


def _range(setting: Setting, version: str | None) -> str:
    """Such as `1MiB or more` or `1 to 9 or -1`."""
    least, most = (_limit(setting, _at(limits, version)) for limits in (setting.min, setting.max))
    also = "".join(f" or {one}" for one in setting.also)
    return f"{least} to {most}{also}" if most else f"{least} or more{also}"


def _limit(setting: Setting, limit: object) -> str:
    """Small ones are clearer without a unit, and `unlimited` is no limit to name."""
    if not isinstance(limit, int):
        return ""
    return show(setting.name, str(limit)) if limit >= _WITH_UNIT and limit != setting.endless else str(limit)


_WITH_UNIT = 1000


def _string(setting: Setting, value: object) -> str:
    if isinstance(value, str) and (value in setting.values or not setting.values):
        return value
    raise NotValid(f"`{setting.name}` cannot be {_quoted(value)}", _write_one_of(setting.values))


def _list(setting: Setting, value: object) -> str:
    members = value.split(",") if isinstance(value, str) else value
    if not isinstance(members, list | tuple) or not all(isinstance(one, str) for one in members):
        raise NotValid(
            f"`{setting.name}` takes a list, not {_quoted(value)}", "write a list such as `[compact, delete]`"
        )
    named = {one.strip() for one in members} - {""}
    for one in sorted(named):
        if setting.values and one not in setting.values:
            raise NotValid(f"`{setting.name}` cannot have {_quoted(one)}", _write_one_of(setting.values))
    return ",".join(sorted(named))


def comparable(name: str, text: str) -> str:
    """Canonical, from a text that a broker has taken already, so nothing is checked."""
    setting = SETTINGS.get(name)
    match setting.type if setting else "string":
        case "list":
            return ",".join(sorted({one.strip() for one in text.split(",")} - {""}))
        case "double":
            return _java(float(text))
        case "boolean":
            return text.lower()
        case _:
            return text


def understood(name: str, text: str) -> str:
    """Canonical, from what a person writes about a value that a topic may have had since an older release: units are read, ranges are not judged.

    Raises NotValid for a text that is no amount where one is needed.
    """
    setting = SETTINGS.get(name)
    if setting is not None and setting.type in _WIDTH:
        return str(_amount(setting, text))
    return canonical(name, text, version=None)


def _write_one_of(values: tuple[str, ...]) -> str:
    return "write one of " + ", ".join(f"`{one}`" for one in values) if values else "write a text"


def _quoted(value: object) -> str:
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text if len(text) <= _EXCERPT else text[:_EXCERPT] + '...'}`"


_EXCERPT = 60


def _java(number: float) -> str:
    """As Java's Double.toString: plain from 0.001 below 10,000,000, else with an exponent: 0.5, 1.0E-4."""
    sign, digits, exponent = Decimal(repr(float(number))).normalize().as_tuple()
    scale = len(digits) - 1 + int(exponent)  # of the first digit
    if number == 0 or -3 <= scale < 7:  # noqa: PLR2004  # the bounds are Java's
        return repr(float(number))
    first, *rest = digits
    return f"{'-' * sign}{first}.{''.join(map(str, rest)) or '0'}E{scale}"


def show(name: str, value: str) -> str:
    """For people, and `canonical` reads it back: 604800000 -> `7d`, 1073741824 -> `1GiB`, -1 -> `forever` or `unlimited`."""
    setting = SETTINGS.get(name)
    if setting is None or setting.unit is None or not re.fullmatch(r"-?[0-9]+", value):
        return value
    number = int(value)
    if number == setting.endless:
        return _ENDLESS[setting.unit]
    if number < 0 or number >= 2 ** _WIDTH[setting.type] - 1:
        return value
    return units.show_duration(number) if setting.unit == "duration" else units.show_size(number)


# defaults


def default(name: str, version: str | None) -> str | None:
    """Kafka's own default in that version, canonical; None when it has none or the version does not know the setting."""
    setting = SETTINGS.get(name)
    if setting is None or not setting.default or known_in(name, version) != Known():
        return None
    return comparable(name, str(_at(setting.default, version)))


def inherited(name: str, broker: Mapping[str, BrokerEntry], version: str | None) -> str | None:
    """What a topic without an override gets on that broker, canonical: as DescribeConfigs answers for such a topic.

    The first synonym that is set wins (Kafka: ServerTopicConfigSynonyms, KafkaConfig.extractLogConfigMap). Brokers print one that is not set as null.
    """
    setting = SETTINGS.get(name)
    if setting is None or known_in(name, version) != Known():
        return None
    told = [(one, broker[one.name].value) for one in setting.broker if one.name in broker]
    there = [(one, value) for one, value in told if value is not None]
    chosen = [(one, value) for one, value in there if value != one.unless] or there
    if not chosen:
        return default(name, version)
    synonym, value = chosen[0]
    return comparable(name, value if synonym.factor == 1 else _converted(int(value), synonym.factor))


def _converted(count: int, factor: int) -> str:
    """A negative number of hours or minutes is no duration: it stands for without end."""
    return str(count * factor if count >= 0 else -1)


# what a change may do


def harmless(name: str, before: str | None, after: str | None) -> str | None:
    """Why nothing can be lost and nobody cut off when the effective value changes so; None: dangerous, or not known to be harmless."""
    setting = SETTINGS.get(name)
    if setting is None or before is None or after is None:
        return None
    if before == after:
        return "the topic keeps the value that it has"
    return setting.harmless.get(_direction(setting, before, after))


def danger(name: str, before: str | None, after: str | None) -> Danger:
    """What may happen when the effective value changes so; asked where `harmless` has no reason."""
    setting = SETTINGS.get(name)
    if setting is None:
        return Danger(NOT_KNOWN_TO_BE_HARMLESS, "kafkaops does not know this setting, so nor what its change does")
    return setting.dangerous.get(_direction(setting, before, after)) or setting.dangerous.get("any") or _any(setting)


def _any(setting: Setting) -> Danger:
    """Where the direction cannot be told it may be each, so the first one with a code of its own is named."""
    named = sorted(setting.dangerous.values(), key=lambda one: one.code == NOT_KNOWN_TO_BE_HARMLESS)
    return named[0] if named else Danger(NOT_KNOWN_TO_BE_HARMLESS, "the values could not be compared")


def _direction(setting: Setting, before: str | None, after: str | None) -> str:
    match setting.type:
        case "boolean" | "string":
            return "any" if after is None else f"to-{after}"
        case "list":
            return "any"
        case "int" | "long" | "double":
            was, will_be = _rank(setting, before), _rank(setting, after)
            if was is None or will_be is None:
                return "any"
            return "lower" if will_be < was else "raise"


def _rank(setting: Setting, value: str | None) -> float | None:
    """The value as an amount to compare; None: it is no amount, or could not be read."""
    if value is None:
        return None
    try:
        number = float(value) if setting.type == "double" else int(value)
    except ValueError:
        return None
    if number in setting.special:
        return None
    if number == setting.endless or (setting.negative == "endless" and number < 0):
        return math.inf
    return number


def worst(name: str, values: Iterable[str], before: str | None = None) -> str:
    """Among the values that several brokers would give, the one that loses most (decisions 5); `before`: what the topic has now.

    One that is dangerous to change to comes first, then the one that would lose something coming from most of the others.
    """
    found = sorted(set(values), key=lambda one: _order(name, one))
    return max(found, key=lambda one: (_loses(name, before, one), sum(_loses(name, other, one) for other in found)))


def _loses(name: str, before: str | None, after: str) -> bool:
    return before is not None and harmless(name, before, after) is None


def _order(name: str, value: str) -> tuple[float, int, str]:
    """Where both directions are dangerous, the smaller number, the longer list."""
    setting = SETTINGS.get(name)
    rank = _rank(setting, value) if setting else None
    return (-math.inf if rank is None else rank, -len(value), value)


# what a broker refuses together


def conflicts(
    config: Mapping[str, str], version: str | None, before: Mapping[str, str] | None = None
) -> list[Conflict]:
    """What LogConfig.validate refuses. `config`: canonical values, what is missing is at Kafka's default; `before`: what the topic has now."""
    values = {**_defaults(version), **config}
    return [
        *_lags(values),
        *(_tiering(values, version) if _tiered(values) else _no_more_tiering(values, before or {}, version)),
    ]


@cache
def _defaults(version: str | None) -> Mapping[str, str]:
    found = {name: default(name, version) for name in SETTINGS}
    return {name: value for name, value in found.items() if value is not None}


def _tiered(values: Mapping[str, str]) -> bool:
    return values.get("remote.storage.enable") == "true"


def _lags(values: Mapping[str, str]) -> Iterator[Conflict]:
    least, most = int(values["min.compaction.lag.ms"]), int(values["max.compaction.lag.ms"])
    if least > most:
        shown = show("max.compaction.lag.ms", str(most))
        yield Conflict(
            "min.compaction.lag.ms",
            f"min.compaction.lag.ms {show('min.compaction.lag.ms', str(least))} is more than max.compaction.lag.ms {shown}",
            f"write at most {shown}",
        )


def _tiering(values: Mapping[str, str], version: str | None) -> Iterator[Conflict]:
    policy = values["cleanup.policy"]
    if policy not in ({"delete", ""} if _release(version) not in _DELETE_ONLY else {"delete"}):
        yield Conflict(
            "cleanup.policy", f"remote storage takes no topic with cleanup.policy {policy or '[]'}", "write `delete`"
        )
    for local, whole in (("local.retention.ms", "retention.ms"), ("local.retention.bytes", "retention.bytes")):
        yield from _local(local, whole, values)
        if "remote.copy.lag.ms" in values:
            yield from _copy_lag(local.replace("local.retention", "remote.copy.lag"), local, whole, values)


_DELETE_ONLY = {(4, 1)}  # before and after it an empty policy passes


def _local(local: str, whole: str, values: Mapping[str, str]) -> Iterator[Conflict]:
    here, all_in_all = int(values[local]), int(values[whole])
    if here == FOLLOWS:
        return
    shown = f"{local} {show(local, values[local])}", f"{whole} {show(whole, values[whole])}"
    if values.get("remote.log.copy.disable") == "true" and here != all_in_all:
        yield Conflict(
            local, f"{shown[0]} is not {shown[1]} though nothing is copied to remote storage", "remove the line"
        )
    elif all_in_all >= 0 and (here < 0 or here > all_in_all):
        yield Conflict(local, f"{shown[0]} is more than {shown[1]}", f"write at most {show(whole, values[whole])}")


FOLLOWS = -2  # local.retention.*: as much as retention.*


def _copy_lag(lag: str, local: str, whole: str, values: Mapping[str, str]) -> Iterator[Conflict]:
    waits = int(values[lag])
    kept = int(values[local]) if int(values[local]) != FOLLOWS else int(values[whole])
    if waits > kept >= 0:
        shown = show(local, str(kept))
        yield Conflict(lag, f"{lag} {show(lag, values[lag])} is more than {local} {shown}", f"write at most {shown}")


def _no_more_tiering(values: Mapping[str, str], before: Mapping[str, str], version: str | None) -> Iterator[Conflict]:
    if (
        _tiered(before)
        and "remote.log.delete.on.disable" in values
        and values["remote.log.delete.on.disable"] != "true"
    ):
        yield Conflict(
            "remote.storage.enable",
            f"Kafka {version or NEWEST} turns remote storage off only when what lies there is deleted",
            "write `remote-log-copy-disable: true` to keep it, or `remote-log-delete-on-disable: true` to delete it",
        )


# what is legal and unwise


def lints(partitions: int, replication: int, config: Mapping[str, str], version: str | None) -> list[Lint]:
    """What one topic's own block gives away. `config`: canonical values that are written for it; what is missing is at Kafka's default."""
    values = {**_defaults(version), **config}
    return [
        *_replicas(replication, values, version),
        *_cleanup(values, config),
        *_outlived(values),
        *_sizes(values),
        *_one_by_one(partitions, values, config),
    ]


def _replicas(replication: int, values: Mapping[str, str], version: str | None) -> Iterator[Lint]:
    key, needed = "min.insync.replicas", int(values["min.insync.replicas"])
    if needed > replication:
        effect = f"counts as {replication}" if _release(version) >= _CAPPED else "refuses every write with acks=all"
        message = f"{key} {needed} is more than the {replication} replicas there are, and {effect}"
        yield Lint("min-insync-above-replication", message, key, f"write {max(1, replication - 1)}")
    elif needed == replication > 1:
        message = f"{key} {needed} is all replicas, so that one broker down stops every write with acks=all"
        yield Lint("min-insync-equals-replication", message, key, f"write {replication - 1}")
    elif needed == 1 and replication >= _SAFE:
        message = f"{key} 1 counts a record as written while one of {replication} replicas has it"
        yield Lint("min-insync-1", message, key, "write 2")
    if replication < _SAFE:
        message = f"replication factor {replication} is less than {_SAFE}, too few to lose a broker during maintenance of another"
        yield Lint("replication-below-3", message, "replication.factor", f"write {_SAFE}")


_CAPPED = (3, 7)  # brokers count min.insync.replicas as at most the replication factor
_SAFE = 3


def _cleanup(values: Mapping[str, str], config: Mapping[str, str]) -> Iterator[Lint]:
    limits = {key: int(values[key]) for key in ("retention.ms", "retention.bytes")}
    match values["cleanup.policy"]:
        case "":
            message = "cleanup.policy is empty, so that nothing is ever deleted or compacted"
            yield Lint("no-cleanup", message, "cleanup.policy", "write `delete` or `compact`")
        case "compact":
            for key in sorted(limits.keys() & config.keys()):
                if limits[key] >= 0:
                    message = f"{key} has no effect with cleanup.policy compact"
                    yield Lint(
                        "compact-ignores-retention",
                        message,
                        key,
                        "write `cleanup-policy: [compact, delete]`, or remove the line",
                    )
        case "delete" if all(limit < 0 for limit in limits.values()):
            message = "records are kept forever, so that brokers' disks fill up"
            yield Lint(
                "unbounded-retention",
                message,
                "retention.ms",
                "write `retention-ms` or `retention-bytes`, or `cleanup-policy: compact`",
            )


def _outlived(values: Mapping[str, str]) -> Iterator[Lint]:
    """Whole segments go, and one that is written to is as young as its last record."""
    if "delete" not in values["cleanup.policy"]:
        return
    for segment, retention, what in _AS_A_WHOLE:
        if 0 <= int(values[retention]) < int(values[segment]):
            kept, held = show(retention, values[retention]), show(segment, values[segment])
            message = f"{what} to {kept} and {held} more, since a segment goes as a whole"
            hint = f"write `{SETTINGS[segment].written}: {kept}` or less"
            yield Lint("segment-outlives-retention", message, retention, hint)


_AS_A_WHOLE = (
    ("segment.ms", "retention.ms", "records can live"),
    ("segment.bytes", "retention.bytes", "a partition can grow"),
)


def _sizes(values: Mapping[str, str]) -> Iterator[Lint]:
    batch, segment = int(values["max.message.bytes"]), int(values["segment.bytes"])
    if batch > segment:
        message = f"a batch of max.message.bytes {show('max.message.bytes', str(batch))} does not fit into a segment of {show('segment.bytes', str(segment))}, and is refused"
        yield Lint(
            "message-larger-than-segment", message, "max.message.bytes", "write less, or a larger `segment-bytes`"
        )


def _one_by_one(partitions: int, values: Mapping[str, str], config: Mapping[str, str]) -> Iterator[Lint]:
    if partitions > _MANY:
        message = f"{partitions} partitions are more than {_MANY}: each costs files, memory and time of recovery on every broker that holds it"
        yield Lint("too-many-partitions", message, "partitions", f"write {_MANY} or less")
    if values["unclean.leader.election.enable"] == "true":
        message = "a replica that lacks acknowledged records may become leader, and they are lost"
        yield Lint(
            "unclean-leader-election", message, "unclean.leader.election.enable", "write `false`, or remove the line"
        )
    if values["compression.type"] == "uncompressed":
        message = "brokers unpack what producers compress, which costs disk and network"
        yield Lint("uncompressed", message, "compression.type", "write `producer` or `lz4`")
    if int(config.get("message.timestamp.after.max.ms", 0)) > _HOUR:
        message = "a record that is dated in the future keeps its segment past its retention"
        yield Lint(
            "future-timestamps", message, "message.timestamp.after.max.ms", "write `1h`, Kafka's default since 4.0"
        )
    if _tiered(values) and all(
        values[f"local.{key}"] in {str(FOLLOWS), values[key]} for key in ("retention.ms", "retention.bytes")
    ):
        message = "everything that is copied to remote storage stays on the brokers' disks too"
        yield Lint(
            "tiered-local-retention",
            message,
            "remote.storage.enable",
            "write a `local-retention-ms` that is less than `retention-ms`",
        )


_MANY = 100
_HOUR = 3_600_000


# what editors know


def json_schema() -> dict[str, Any]:
    """JSON Schema properties of a topic's block: every setting as the language writes it, and `config` with Kafka's own names.

    Wider than `canonical`, which knows the version: a value that is valid in any version passes.
    """
    managed = [setting for setting in SETTINGS.values() if setting.managed]
    by_kafka_name = {setting.name: _schema(setting) for setting in managed}
    return {setting.written: by_kafka_name[setting.name] for setting in managed} | {
        "config": {
            "type": "object",
            "description": "Settings by Kafka's own names, for what has no name here.",
            "properties": by_kafka_name,
            "additionalProperties": {"type": ["string", "number", "boolean"]},
        }
    }


def _schema(setting: Setting) -> dict[str, Any]:
    described = {"title": setting.name, "description": describe(setting.name), **_accepted(setting)}
    if default(setting.name, None) is not None:
        described["default"] = _written_default(setting)
    return described | ({"deprecated": True} if setting.deprecated else {})


def describe(name: str) -> str:
    """What a setting means, its default and its history, in sentences."""
    setting = SETTINGS[name]
    sentences = [
        setting.meaning,
        *([f"{setting.note[0].upper()}{setting.note[1:]}."] if setting.note else []),
        f"Default: {_defaults_told(setting)}.",
    ]
    if setting.max or any(one.value > 1 for one in setting.min):
        sentences.append(f"Takes {_range(setting, None)}.")
    if setting.removed:
        sentences.append(f"Removed in Kafka {setting.removed}.")
    elif _release(setting.since) > _release(OLDEST):
        sentences.append(f"Since Kafka {setting.since}.")
    return " ".join(sentences)


OLDEST = "3.5"


def _defaults_told(setting: Setting) -> str:
    told = [
        (one.version, show(setting.name, comparable(setting.name, str(one.value))) or "empty")
        for one in setting.default
    ]
    return told[0][1] if len(told) == 1 else ", ".join(f"{value} from {version} on" for version, value in told)


def _written_default(setting: Setting) -> object:
    value = default(setting.name, None) or ""
    match setting.type:
        case "boolean":
            return value == "true"
        case "list":
            return value.split(",")
        case "double":
            return float(value)
        case "int" | "long" if setting.unit is None:
            return int(value)
        case _:
            return show(setting.name, value)


def _accepted(setting: Setting) -> dict[str, Any]:
    match setting.type:
        case "boolean":
            return {"enum": [True, False, "true", "false"]}
        case "string":
            return {"enum": list(setting.values)} if setting.values else {"type": "string"}
        case "list":
            return {"type": ["array", "string"], "items": {"enum": list(setting.values)}}
        case "double":
            return {"type": ["number", "string"], **_bounds(setting)}
        case "int" | "long":
            return {"type": ["integer", "string"], "pattern": _PATTERNS[setting.unit], **_bounds(setting)}


_PATTERNS = {
    "duration": r"^(forever|\s*(-?[0-9]{1,19}|[0-9]{1,19}(ms|[smhd]))\s*)$",
    "size": r"^(unlimited|\s*(-?[0-9]{1,19}|[0-9]{1,19}([KMGT]iB|[kKMGT]?B))\s*)$",
    None: r"^\s*-?[0-9]{1,19}\s*$",
}


def _bounds(setting: Setting) -> dict[str, Any]:
    """The widest of all versions."""
    least = [one.value for one in setting.min] + list(setting.also)
    bounds = {"minimum": min(least)} if setting.min else {}
    return bounds | ({"maximum": max(one.value for one in setting.max)} if setting.max else {})
