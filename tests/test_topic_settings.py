"""What Kafka knows about topic settings, and which changes are harmless."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from kafkaops import units
from kafkaops.kinds.topic.settings import (
    NEWEST,
    SETTINGS,
    Conflict,
    Danger,
    Known,
    Lint,
    NotValid,
    NotYet,
    Removed,
    Setting,
    canonical,
    comparable,
    conflicts,
    danger,
    default,
    describe,
    harmless,
    inherited,
    json_schema,
    kafka_name,
    known_in,
    lints,
    rules,
    show,
    suggest,
    understood,
    worst,
)

VERSIONS = ("3.5", "3.6", "3.7", "3.8", "3.9", "4.0", "4.1", "4.2", "4.3", "4.4")
LONGEST = "9223372036854775807"


@dataclass(frozen=True)
class Entry:
    value: str | None


def broker(**values: str | None) -> Mapping[str, Entry]:
    return {name.replace("_", "."): Entry(value) for name, value in values.items()}


# names


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("retention-ms", "retention.ms"),
        ("min-insync-replicas", "min.insync.replicas"),
        ("retention.ms", "retention.ms"),
        ("retention-hours", None),
        ("", None),
    ],
)
def test_both_spellings_name_a_setting(written: str, name: str | None) -> None:
    assert kafka_name(written) == name


@pytest.mark.parametrize(
    ("name", "version", "known"),
    [
        ("retention.ms", "3.5", Known()),
        ("retention.ms", None, Known()),
        ("retention.ms", "", Known()),
        ("compression.lz4.level", "3.7", NotYet("3.8")),
        ("compression.lz4.level", "3.8", Known()),
        ("compression.lz4.level", "3.8.1", Known()),
        ("remote.storage.enable", "3.5", NotYet("3.6")),
        ("message.downconversion.enable", "3.9", Known()),
        ("message.downconversion.enable", "4.0", Removed("4.0")),
        ("message.downconversion.enable", None, Removed("4.0")),
        ("internal.segment.bytes", "4.4", None),
        ("vendor.tiering.enable", "4.4", None),
    ],
)
def test_settings_come_and_go_with_releases(name: str, version: str | None, known: object) -> None:
    assert known_in(name, version) == known


@pytest.mark.parametrize(
    ("version", "count"),
    [("3.5", 26), ("3.6", 31), ("3.7", 31), ("3.8", 34), ("3.9", 36), ("4.0", 33), ("4.3", 33), ("4.4", 37)],
)
def test_each_release_has_as_many_public_settings_as_its_source(version: str, count: int) -> None:
    public = [name for name in SETTINGS if known_in(name, version) == Known()]

    assert len(public) == count


def test_a_removed_setting_rules_no_more_and_an_unknown_one_may_well() -> None:
    assert not rules("message.format.version", "4.0")
    assert rules("message.format.version", "3.9")
    assert rules("vendor.tiering.enable", "4.4")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("retention.hours", "retention.ms"),
        ("retension-ms", "retention-ms"),
        ("log-retention-hours", "retention-ms"),
        ("message.max.bytes", "max.message.bytes"),
        ("min-isr", None),
        ("vendor.tiering.enable", None),
    ],
)
def test_a_typo_or_a_broker_s_name_suggests_the_setting_in_the_same_spelling(written: str, meant: str | None) -> None:
    assert suggest(written) == meant


def test_nothing_is_suggested_that_the_version_does_not_have() -> None:
    assert suggest("compression.lz4.levl", "3.9") == "compression.lz4.level"
    assert suggest("compression.lz4.levl", "3.7") != "compression.lz4.level"


# values


@pytest.mark.parametrize(
    ("name", "written", "printed"),
    [
        ("retention.ms", "7d", "604800000"),
        ("retention.ms", "168h", "604800000"),
        ("retention.ms", 604800000, "604800000"),
        ("retention.ms", " 604800000 ", "604800000"),
        ("retention.ms", "forever", "-1"),
        ("retention.ms", -1, "-1"),
        ("retention.bytes", "unlimited", "-1"),
        ("retention.bytes", "-7", "-7"),
        ("flush.ms", "forever", LONGEST),
        ("local.retention.ms", "forever", "-1"),
        ("local.retention.ms", -2, "-2"),
        ("max.message.bytes", "2MiB", "2097152"),
        ("max.message.bytes", "2MB", "2000000"),
        ("compression.gzip.level", -1, "-1"),
        ("compression.gzip.level", 9, "9"),
        ("compression.zstd.level", -131072, "-131072"),
        ("min.insync.replicas", "2", "2"),
        ("preallocate", True, "true"),
        ("preallocate", "TRUE", "true"),
        ("preallocate", " False ", "false"),
        ("min.cleanable.dirty.ratio", 0.5, "0.5"),
        ("min.cleanable.dirty.ratio", "0.50", "0.5"),
        ("min.cleanable.dirty.ratio", 1, "1.0"),
        ("min.cleanable.dirty.ratio", 0, "0.0"),
        ("min.cleanable.dirty.ratio", 0.001, "0.001"),
        ("min.cleanable.dirty.ratio", 0.0001, "1.0E-4"),
        ("min.cleanable.dirty.ratio", "1.25e-7", "1.25E-7"),
        ("compression.type", "lz4", "lz4"),
        ("cleanup.policy", "delete", "delete"),
        ("cleanup.policy", ["delete", "compact"], "compact,delete"),
        ("cleanup.policy", "delete, compact", "compact,delete"),
        ("cleanup.policy", ["compact", "compact"], "compact"),
        ("cleanup.policy", [], ""),
        ("vendor.tiering.enable", True, "true"),
        ("vendor.limit", 12, "12"),
        ("vendor.ratio", 12345678.9, "1.23456789E7"),
        ("vendor.name", " as it is ", " as it is "),
    ],
)
def test_a_value_becomes_what_a_broker_prints(name: str, written: object, printed: str) -> None:
    assert canonical(name, written, version="4.4") == printed


@pytest.mark.parametrize(
    ("name", "written", "message", "hint"),
    [
        (
            "retention.ms",
            "7 days",
            "`retention.ms` takes a duration, not `7 days`",
            "write `7d`, `12h` or a number of milliseconds, or `forever`",
        ),
        (
            "retention.ms",
            1.5,
            "`retention.ms` takes a duration, not `1.5`",
            "write `7d`, `12h` or a number of milliseconds, or `forever`",
        ),
        (
            "retention.ms",
            True,
            "`retention.ms` takes a duration, not `true`",
            "write `7d`, `12h` or a number of milliseconds, or `forever`",
        ),
        (
            "retention.ms",
            "unlimited",
            "`retention.ms` takes a duration, not `unlimited`",
            "write `7d`, `12h` or a number of milliseconds, or `forever`",
        ),
        (
            "retention.ms",
            -2,
            "`retention.ms` `-2` is out of range, Kafka 4.4 takes -1 or more",
            "write -1 or more",
        ),
        (
            "delete.retention.ms",
            "forever",
            "`delete.retention.ms` `forever` is out of range, Kafka 4.4 takes 0 or more",
            "write 0 or more",
        ),
        (
            "max.message.bytes",
            "4GiB",
            "`max.message.bytes` `4GiB` does not fit into 32 bits",
            "write at most 2147483647",
        ),
        (
            "retention.ms",
            2**63,
            "`retention.ms` `9223372036854775808` does not fit into 64 bits",
            "write at most 9223372036854775807",
        ),
        (
            "segment.bytes",
            "512KiB",
            "`segment.bytes` `512KiB` is out of range, Kafka 4.4 takes 1MiB or more",
            "write 1MiB or more",
        ),
        ("min.insync.replicas", 1.0, "`min.insync.replicas` takes a whole number, not `1.0`", "write digits"),
        ("min.insync.replicas", "1d", "`min.insync.replicas` takes a whole number, not `1d`", "write digits"),
        (
            "compression.gzip.level",
            0,
            "`compression.gzip.level` `0` is out of range, Kafka 4.4 takes 1 to 9 or -1",
            "write 1 to 9 or -1",
        ),
        (
            "min.cleanable.dirty.ratio",
            1.5,
            "`min.cleanable.dirty.ratio` `1.5` is out of range, Kafka 4.4 takes 0 to 1",
            "write 0 to 1",
        ),
        (
            "min.cleanable.dirty.ratio",
            "nan",
            "`min.cleanable.dirty.ratio` takes a number, not `nan`",
            "write a number such as `0.5`",
        ),
        ("preallocate", "yes", "`preallocate` is true or false, not `yes`", "write `true` or `false`"),
        ("preallocate", 1, "`preallocate` is true or false, not `1`", "write `true` or `false`"),
        (
            "compression.type",
            "none",
            "`compression.type` cannot be `none`",
            "write one of `uncompressed`, `zstd`, `lz4`, `snappy`, `gzip`, `producer`",
        ),
        (
            "message.timestamp.type",
            "createtime",
            "`message.timestamp.type` cannot be `createtime`",
            "write one of `CreateTime`, `LogAppendTime`",
        ),
        ("cleanup.policy", "deleted", "`cleanup.policy` cannot have `deleted`", "write one of `compact`, `delete`"),
        (
            "cleanup.policy",
            7,
            "`cleanup.policy` takes a list, not `7`",
            "write a list such as `[compact, delete]`",
        ),
        ("retention.ms", None, "`retention.ms` takes a duration, not `None`", None),
        ("vendor.name", None, "`vendor.name` takes a text, not `None`", "write the value in quotes"),
        ("vendor.name", ["a"], "`vendor.name` takes a text, not a list", "write the value in quotes"),
    ],
)
def test_what_a_broker_would_refuse_is_refused_in_a_sentence(
    name: str, written: object, message: str, hint: str | None
) -> None:
    with pytest.raises(NotValid) as refused:
        canonical(name, written, version="4.4")

    assert refused.value.message == message
    assert hint is None or refused.value.hint == hint


def test_ranges_follow_the_release() -> None:
    assert canonical("segment.bytes", 14, version="4.0") == "14"
    assert canonical("segment.bytes", "1MiB", version="4.1") == "1048576"
    with pytest.raises(NotValid):
        canonical("segment.bytes", 13, version="4.0")
    with pytest.raises(NotValid):
        canonical("segment.bytes", 1048575, version="4.1")
    with pytest.raises(NotValid):
        canonical("segment.bytes", 14, version=None)


def test_a_long_value_is_cut_in_the_message() -> None:
    with pytest.raises(NotValid) as refused:
        canonical("preallocate", "x" * 5000, version=None)

    assert refused.value.message == f"`preallocate` is true or false, not `{'x' * 60}...`"


def test_a_broker_s_text_is_compared_and_not_judged() -> None:
    assert comparable("cleanup.policy", "delete,compact") == "compact,delete"
    assert comparable("segment.bytes", "14") == "14"
    assert comparable("vendor.name", "b,a") == "b,a"


def test_a_value_from_an_older_release_is_understood_though_no_longer_valid() -> None:
    assert understood("segment.bytes", "14") == "14"
    assert understood("segment.bytes", "512KiB") == "524288"
    assert understood("retention.ms", "forever") == "-1"
    assert understood("cleanup.policy", "delete,compact") == "compact,delete"
    with pytest.raises(NotValid):
        understood("retention.ms", "unknown")


NUMBERS = [name for name, setting in SETTINGS.items() if setting.type in {"int", "long"} and setting.managed]


@given(name=st.sampled_from(NUMBERS), number=st.integers(-2, 2**63 - 1))
def test_what_is_shown_reads_back_as_the_same_value(name: str, number: int) -> None:
    try:
        value = canonical(name, number, version="4.0")
    except NotValid:
        return

    assert canonical(name, show(name, value), version="4.0") == value


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("retention.ms", "604800000", "7d"),
        ("retention.ms", "-1", "forever"),
        ("retention.ms", "0", "0ms"),
        ("retention.bytes", "1073741824", "1GiB"),
        ("retention.bytes", "-1", "unlimited"),
        ("flush.ms", LONGEST, "forever"),
        ("flush.messages", LONGEST, LONGEST),
        ("max.decompressed.message.bytes", "2147483639", "unlimited"),
        ("local.retention.ms", "-2", "-2"),
        ("max.message.bytes", "1048588", "1048588"),
        ("min.insync.replicas", "2", "2"),
        ("cleanup.policy", "compact,delete", "compact,delete"),
        ("vendor.name", "604800000", "604800000"),
    ],
)
def test_people_see_units(name: str, value: str, shown: str) -> None:
    assert show(name, value) == shown


# defaults


@pytest.mark.parametrize(
    ("name", "version", "value"),
    [
        ("retention.ms", "3.5", "604800000"),
        ("message.timestamp.after.max.ms", "3.5", None),
        ("message.timestamp.after.max.ms", "3.6", LONGEST),
        ("message.timestamp.after.max.ms", "3.9.1", LONGEST),
        ("message.timestamp.after.max.ms", "4.0", "3600000"),
        ("message.timestamp.after.max.ms", None, "3600000"),
        ("message.format.version", "3.9", "3.0-IV1"),
        ("message.format.version", "4.0", None),
        ("min.cleanable.dirty.ratio", None, "0.5"),
        ("preallocate", None, "false"),
        ("cleanup.policy", None, "delete"),
        ("internal.segment.bytes", None, None),
        ("vendor.name", None, None),
    ],
)
def test_defaults_follow_the_release(name: str, version: str | None, value: str | None) -> None:
    assert default(name, version) == value


@pytest.mark.parametrize("version", VERSIONS)
def test_every_default_is_valid_and_canonical(version: str) -> None:
    for name in SETTINGS:
        value = default(name, version)
        if value is not None:
            assert canonical(name, value, version=version) == value, name


def test_the_first_synonym_that_is_set_gives_the_default() -> None:
    hours = broker(log_retention_ms=None, log_retention_minutes=None, log_retention_hours="168")
    minutes = broker(log_retention_ms=None, log_retention_minutes="90", log_retention_hours="168")
    ms = broker(log_retention_ms="1000", log_retention_minutes="90", log_retention_hours="168")

    assert inherited("retention.ms", hours, "4.4") == "604800000"
    assert inherited("retention.ms", minutes, "4.4") == "5400000"
    assert inherited("retention.ms", ms, "4.4") == "1000"


def test_negative_hours_are_without_end() -> None:
    assert inherited("retention.ms", broker(log_retention_hours="-1"), "4.4") == "-1"
    assert inherited("retention.ms", broker(log_retention_ms="-1", log_retention_hours="168"), "4.4") == "-1"


def test_a_synonym_keeps_its_own_unit() -> None:
    assert inherited("segment.ms", broker(log_roll_ms=None, log_roll_hours="2"), "4.4") == "7200000"
    assert inherited("segment.jitter.ms", broker(log_roll_jitter_ms=None, log_roll_jitter_hours="0"), "4.4") == "0"


def test_up_to_3_9_timestamps_fall_back_to_the_difference() -> None:
    """KafkaConfig.logMessageTimestampBeforeMaxMs."""
    unset = broker(log_message_timestamp_before_max_ms=LONGEST, log_message_timestamp_difference_max_ms="5000")
    set_ = broker(log_message_timestamp_before_max_ms="9", log_message_timestamp_difference_max_ms="5000")
    later = broker(log_message_timestamp_before_max_ms=LONGEST)

    assert inherited("message.timestamp.before.max.ms", unset, "3.9") == "5000"
    assert inherited("message.timestamp.before.max.ms", set_, "3.9") == "9"
    assert inherited("message.timestamp.before.max.ms", later, "4.4") == LONGEST


def test_what_a_broker_does_not_say_is_kafka_s_default() -> None:
    assert inherited("retention.ms", {}, "4.4") == "604800000"
    assert inherited("remote.storage.enable", {}, "4.4") == "false"
    assert inherited("remote.storage.enable", {}, "3.5") is None
    assert inherited("vendor.name", {}, "4.4") is None


# dangers


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("retention.ms", "604800000", "1209600000"),
        ("retention.ms", "604800000", "-1"),
        ("retention.bytes", "1000", "-1"),
        ("retention.bytes", "-1", "-5"),
        ("segment.bytes", "1048576", "1073741824"),
        ("segment.ms", "1", "2"),
        ("segment.jitter.ms", "2", "1"),
        ("flush.messages", LONGEST, "1"),
        ("flush.ms", LONGEST, "1000"),
        ("delete.retention.ms", "1", "2"),
        ("min.compaction.lag.ms", "0", "1"),
        ("max.compaction.lag.ms", "1", LONGEST),
        ("min.cleanable.dirty.ratio", "0.5", "0.9"),
        ("max.message.bytes", "1048588", "2097152"),
        ("max.decompressed.message.bytes", "1000", "2147483639"),
        ("message.timestamp.after.max.ms", "3600000", LONGEST),
        ("message.downconversion.enable", "false", "true"),
        ("unclean.leader.election.enable", "true", "false"),
        ("preallocate", "false", "true"),
        ("preallocate", "true", "false"),
        ("index.interval.bytes", "4096", "8192"),
        ("index.interval.bytes", "8192", "4096"),
        ("file.delete.delay.ms", "1", "2"),
        ("local.retention.ms", "1000", "-1"),
        ("remote.log.delete.on.disable", "true", "false"),
        ("cleanup.policy", "delete", "delete"),
    ],
)
def test_harmless_changes_say_why(name: str, before: str, after: str) -> None:
    assert harmless(name, before, after)


@pytest.mark.parametrize(
    ("name", "before", "after", "code"),
    [
        ("retention.ms", "604800000", "1000", "KO2104"),
        ("retention.ms", "-1", LONGEST, "KO2104"),
        ("retention.bytes", "-1", "1000", "KO2107"),
        ("retention.bytes", "-5", "1000", "KO2107"),
        ("cleanup.policy", "delete", "compact", "KO2105"),
        ("cleanup.policy", "compact,delete", "", "KO2105"),
        ("min.insync.replicas", "2", "1", "KO2115"),
        ("min.insync.replicas", "1", "2", "KO2115"),
        ("max.message.bytes", "2097152", "1048588", "KO2120"),
        ("max.decompressed.message.bytes", "2147483639", "1048588", "KO2130"),
        ("unclean.leader.election.enable", "false", "true", "KO2130"),
        ("compression.type", "producer", "zstd", "KO2130"),
        ("compression.type", "gzip", "lz4", "KO2130"),
        ("compression.gzip.level", "-1", "9", "KO2130"),
        ("compression.lz4.level", "9", "1", "KO2130"),
        ("flush.messages", "1", LONGEST, "KO2130"),
        ("flush.ms", "1000", LONGEST, "KO2130"),
        ("segment.bytes", "1073741824", "1048576", "KO2130"),
        ("segment.ms", "2", "1", "KO2130"),
        ("segment.jitter.ms", "0", "1", "KO2130"),
        ("segment.index.bytes", "10485760", "4", "KO2130"),
        ("delete.retention.ms", "2", "1", "KO2130"),
        ("min.compaction.lag.ms", "1", "0", "KO2130"),
        ("max.compaction.lag.ms", LONGEST, "1", "KO2130"),
        ("min.cleanable.dirty.ratio", "0.5", "0.1", "KO2130"),
        ("file.delete.delay.ms", "60000", "0", "KO2130"),
        ("message.timestamp.type", "CreateTime", "LogAppendTime", "KO2130"),
        ("message.timestamp.before.max.ms", LONGEST, "1000", "KO2130"),
        ("message.downconversion.enable", "true", "false", "KO2130"),
        ("message.format.version", "3.0-IV1", "2.8-IV1", "KO2130"),
        ("local.retention.ms", "-2", "1000", "KO2130"),
        ("local.retention.ms", "1000", "-2", "KO2130"),
        ("local.retention.bytes", "-1", "1000", "KO2130"),
        ("remote.storage.enable", "true", "false", "KO2130"),
        ("remote.storage.enable", "false", "true", "KO2130"),
        ("remote.log.copy.disable", "false", "true", "KO2130"),
        ("remote.log.delete.on.disable", "false", "true", "KO2130"),
        ("remote.copy.lag.ms", "0", "1000", "KO2130"),
        ("remote.copy.lag.ms", "-1", "0", "KO2130"),
        ("vendor.name", "a", "b", "KO2130"),
    ],
)
def test_every_other_change_is_dangerous_and_says_what_may_happen(
    name: str, before: str, after: str, code: str
) -> None:
    assert harmless(name, before, after) is None
    found = danger(name, before, after)

    assert found.code == code
    assert found.what


@pytest.mark.parametrize(("before", "after"), [(None, "1"), ("1", None), (None, None)])
def test_a_change_from_or_to_the_unknown_is_never_harmless(before: str | None, after: str | None) -> None:
    assert harmless("retention.ms", before, after) is None
    assert danger("retention.ms", before, after) == danger("retention.ms", "2", "1")


def test_what_is_unknown_counts_as_the_danger_with_a_code_of_its_own() -> None:
    assert danger("min.insync.replicas", None, None) == danger("min.insync.replicas", "2", "1")
    assert danger("unclean.leader.election.enable", None, "true") == danger(
        "unclean.leader.election.enable", "false", "true"
    )
    assert danger("preallocate", None, "true") == Danger("KO2130", "the values could not be compared")


def directions(setting: Setting) -> set[str]:
    match setting.type:
        case "boolean":
            return {"to-true", "to-false"}
        case "int" | "long" | "double":
            return {"raise", "lower"}
        case "string":
            return {f"to-{value}" for value in setting.values} or {"any"}
        case "list":
            return {"any"}


MANAGED = [setting for setting in SETTINGS.values() if setting.managed]


@pytest.mark.parametrize("setting", MANAGED, ids=lambda one: str(one.name))
def test_every_direction_is_either_harmless_with_a_reason_or_says_what_may_happen(setting: Setting) -> None:
    marked = setting.harmless.keys() | setting.dangerous.keys()

    assert marked <= directions(setting) | {"any"}
    assert not setting.harmless.keys() & setting.dangerous.keys()
    assert directions(setting) <= marked or "any" in marked
    assert "any" not in setting.harmless
    assert all(setting.harmless.values())


def test_nothing_that_changes_as_a_list_is_harmless() -> None:
    assert [setting.name for setting in MANAGED if setting.type == "list" and setting.harmless] == []


def test_a_danger_without_a_code_of_its_own_is_not_known_to_be_harmless() -> None:
    assert danger("vendor.name", "a", "b") == Danger(
        "KO2130", "kafkaops does not know this setting, so nor what its change does"
    )


@pytest.mark.parametrize(
    ("name", "values", "loses_most"),
    [
        ("retention.ms", ["604800000", "-1", "1000"], "1000"),
        ("retention.ms", ["-1", "-1"], "-1"),
        ("retention.ms", ["9", "10"], "9"),
        ("retention.bytes", ["-1", "5"], "5"),
        ("segment.jitter.ms", ["0", "7"], "7"),
        ("flush.messages", ["1", LONGEST], LONGEST),
        ("min.insync.replicas", ["2", "10"], "2"),
        ("unclean.leader.election.enable", ["false", "true"], "true"),
        ("message.downconversion.enable", ["false", "true"], "false"),
        ("cleanup.policy", ["delete", "compact,delete"], "compact,delete"),
        ("cleanup.policy", ["", "delete"], "delete"),
        ("vendor.name", ["b", "a"], "a"),
    ],
)
def test_among_brokers_that_differ_the_value_that_loses_most_counts(
    name: str, values: list[str], loses_most: str
) -> None:
    assert worst(name, values) == loses_most
    assert worst(name, reversed(values)) == loses_most


def test_a_broker_that_would_change_nothing_does_not_hide_one_that_would() -> None:
    assert worst("min.insync.replicas", ["1", "2"], before="1") == "2"
    assert worst("cleanup.policy", ["compact", "delete"], before="compact") == "delete"
    assert worst("retention.ms", ["1000", "5000"], before="5000") == "1000"


# settings together


def test_defaults_conflict_with_nothing_in_any_release() -> None:
    assert [conflicts({}, version) for version in VERSIONS] == [[]] * len(VERSIONS)


def test_a_compaction_lag_has_its_least_below_its_most() -> None:
    found = conflicts({"min.compaction.lag.ms": "86400000", "max.compaction.lag.ms": "3600000"}, "4.4")

    assert found == [
        Conflict(
            "min.compaction.lag.ms",
            "min.compaction.lag.ms 1d is more than max.compaction.lag.ms 1h",
            "write at most 1h",
        )
    ]


@pytest.mark.parametrize(
    ("policy", "version", "refused"),
    [
        ("delete", "3.9", False),
        ("compact", "3.9", True),
        ("compact,delete", "4.4", True),
        ("", "4.0", False),
        ("", "4.1", True),
        ("", "4.2", False),
    ],
)
def test_remote_storage_takes_no_compacted_topic(policy: str, version: str, refused: bool) -> None:
    found = conflicts({"remote.storage.enable": "true", "cleanup.policy": policy}, version)

    assert [one.key for one in found] == (["cleanup.policy"] if refused else [])


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ({"local.retention.ms": "-2"}, []),
        ({"local.retention.ms": "1000"}, []),
        ({"local.retention.ms": "604800001"}, ["local.retention.ms"]),
        ({"local.retention.ms": "-1"}, ["local.retention.ms"]),
        ({"local.retention.ms": "-1", "retention.ms": "-1"}, []),
        ({"local.retention.bytes": "7"}, []),
        ({"local.retention.bytes": "7", "retention.bytes": "5"}, ["local.retention.bytes"]),
        ({"remote.log.copy.disable": "true"}, []),
        ({"remote.log.copy.disable": "true", "local.retention.ms": "1000"}, ["local.retention.ms"]),
        ({"remote.log.copy.disable": "true", "local.retention.ms": "604800000"}, []),
        ({"remote.copy.lag.ms": "604800000"}, []),
        ({"remote.copy.lag.ms": "604800001"}, ["remote.copy.lag.ms"]),
        ({"remote.copy.lag.ms": "2000", "local.retention.ms": "1000"}, ["remote.copy.lag.ms"]),
        ({"remote.copy.lag.ms": "2000", "retention.ms": "-1"}, []),
        ({"remote.copy.lag.bytes": "200", "retention.bytes": "100"}, ["remote.copy.lag.bytes"]),
        ({"remote.copy.lag.bytes": "-1"}, []),
    ],
)
def test_local_retention_and_copy_lag_stay_within_retention(config: dict[str, str], keys: list[str]) -> None:
    assert [one.key for one in conflicts({"remote.storage.enable": "true", **config}, "4.4")] == keys
    assert conflicts(config, "4.4") == []


def test_remote_storage_is_turned_off_only_with_deletion() -> None:
    before = {"remote.storage.enable": "true"}

    assert [one.key for one in conflicts({}, "4.4", before)] == ["remote.storage.enable"]
    assert conflicts({"remote.log.delete.on.disable": "true"}, "4.4", before) == []
    assert conflicts(before, "4.4", before) == []
    assert conflicts({}, "3.8", before) == []


# lint


GOOD = {"min.insync.replicas": "2"}


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_a_topic_by_the_book_gives_no_lint(version: str | None) -> None:
    assert lints(12, 3, GOOD, version) == []


def test_the_seed_s_profiles_give_no_lint() -> None:
    order = {"retention.ms": "604800000", "compression.type": "lz4", "min.insync.replicas": "2"}
    user = {"retention.ms": "7776000000", "compression.type": "lz4", "min.insync.replicas": "2"}

    assert lints(12, 3, order, "3.5") == []
    assert lints(18, 3, user, "3.5") == []


@pytest.mark.parametrize(
    ("partitions", "replication", "config", "rule", "key"),
    [
        (6, 3, {"min.insync.replicas": "4"}, "min-insync-above-replication", "min.insync.replicas"),
        (6, 3, {"min.insync.replicas": "3"}, "min-insync-equals-replication", "min.insync.replicas"),
        (6, 3, {"min.insync.replicas": "1"}, "min-insync-1", "min.insync.replicas"),
        (6, 2, {}, "replication-below-3", "replication.factor"),
        (6, 1, {}, "replication-below-3", "replication.factor"),
        (6, 3, GOOD | {"retention.ms": "86400000"}, "segment-outlives-retention", "retention.ms"),
        (6, 3, GOOD | {"retention.bytes": "1000"}, "segment-outlives-retention", "retention.bytes"),
        (
            6,
            3,
            GOOD | {"cleanup.policy": "compact", "retention.ms": "604800000"},
            "compact-ignores-retention",
            "retention.ms",
        ),
        (6, 3, GOOD | {"retention.ms": "-1"}, "unbounded-retention", "retention.ms"),
        (6, 3, GOOD | {"cleanup.policy": ""}, "no-cleanup", "cleanup.policy"),
        (
            6,
            3,
            GOOD | {"segment.bytes": "1048576", "max.message.bytes": "1048577"},
            "message-larger-than-segment",
            "max.message.bytes",
        ),
        (
            6,
            3,
            GOOD | {"unclean.leader.election.enable": "true"},
            "unclean-leader-election",
            "unclean.leader.election.enable",
        ),
        (6, 3, GOOD | {"compression.type": "uncompressed"}, "uncompressed", "compression.type"),
        (
            6,
            3,
            GOOD | {"message.timestamp.after.max.ms": LONGEST},
            "future-timestamps",
            "message.timestamp.after.max.ms",
        ),
        (101, 3, GOOD, "too-many-partitions", "partitions"),
        (6, 3, GOOD | {"remote.storage.enable": "true"}, "tiered-local-retention", "remote.storage.enable"),
    ],
)
def test_what_is_unwise_is_named_by_its_rule(
    partitions: int, replication: int, config: dict[str, str], rule: str, key: str
) -> None:
    found = lints(partitions, replication, config, "4.4")

    assert [(one.rule, one.key) for one in found] == [(rule, key)]
    assert found[0].message
    assert found[0].hint


@pytest.mark.parametrize(
    ("partitions", "replication", "config"),
    [
        (100, 3, GOOD),
        (6, 3, GOOD | {"cleanup.policy": "compact"}),
        (6, 3, GOOD | {"cleanup.policy": "compact", "retention.ms": "-1"}),
        (6, 3, GOOD | {"cleanup.policy": "compact,delete", "retention.ms": "604800000"}),
        (6, 3, GOOD | {"retention.ms": "-1", "retention.bytes": "1073741824"}),
        (6, 3, GOOD | {"cleanup.policy": "compact", "retention.bytes": "-1"}),
        (6, 3, GOOD | {"remote.storage.enable": "true", "local.retention.ms": "1000"}),
        (6, 3, GOOD | {"message.timestamp.after.max.ms": "3600000"}),
        (6, 4, {"min.insync.replicas": "3"}),
    ],
)
def test_what_is_wise_gives_no_lint(partitions: int, replication: int, config: dict[str, str]) -> None:
    assert lints(partitions, replication, config, "4.4") == []


def test_too_high_a_min_insync_stops_writes_up_to_3_6_and_is_capped_from_3_7_on() -> None:
    stops = lints(6, 3, {"min.insync.replicas": "4"}, "3.6")
    capped = lints(6, 3, {"min.insync.replicas": "4"}, "3.7")

    message = "min.insync.replicas 4 is more than the 3 replicas there are, and "
    assert stops == [
        Lint(
            "min-insync-above-replication",
            f"{message}refuses every write with acks=all",
            "min.insync.replicas",
            "write 2",
        )
    ]
    assert capped == [Lint("min-insync-above-replication", f"{message}counts as 3", "min.insync.replicas", "write 2")]


# editors


SCHEMA = {"type": "object", "properties": json_schema(), "additionalProperties": False}


def test_the_schema_is_one_and_has_every_managed_setting_in_both_spellings() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    written = {setting.written for setting in MANAGED}
    names = {setting.name for setting in MANAGED}

    assert json_schema().keys() == written | {"config"}
    assert json_schema()["config"]["properties"].keys() == names


def test_throttles_and_kafka_s_own_are_not_for_a_topology() -> None:
    left_out = {name for name, setting in SETTINGS.items() if not setting.managed}

    assert left_out == {
        "follower.replication.throttled.replicas",
        "internal.segment.bytes",
        "leader.replication.throttled.replicas",
    }


def test_the_seed_s_topic_block_is_valid() -> None:
    block = {"retention-ms": 604800000, "compression-type": "lz4", "min-insync-replicas": 2}

    assert list(Draft202012Validator(SCHEMA).iter_errors(block)) == []


@pytest.mark.parametrize(
    "block",
    [
        {"retention-ms": "7 days"},
        {"retention-ms": -2},
        {"retention-ms": True},
        {"compression-type": "none"},
        {"cleanup-policy": ["deleted"]},
        {"preallocate": "yes"},
        {"min-insync-replicas": 0},
        {"min-cleanable-dirty-ratio": 2},
        {"config": {"retention.ms": "7 days"}},
        {"config": {"vendor.list": ["a"]}},
    ],
)
def test_what_no_release_takes_is_wrong_in_the_editor_too(block: dict[str, object]) -> None:
    assert list(Draft202012Validator(SCHEMA).iter_errors(block)) != []


@pytest.mark.parametrize("setting", MANAGED, ids=lambda one: str(one.name))
def test_the_default_that_the_schema_gives_is_valid_and_the_default(setting: Setting) -> None:
    schema = json_schema()[setting.written]
    if default(setting.name, None) is None:
        assert "default" not in schema
        return

    assert list(Draft202012Validator(schema).iter_errors(schema["default"])) == []
    assert canonical(setting.name, schema["default"], version=None) == default(setting.name, None)


@given(
    st.from_regex(
        re.compile(r"\s?-?[0-9]{0,3}(ms|s|m|h|d|w|B|kB|KB|KiB|MiB|forever|unlimited)?\s?", re.ASCII), fullmatch=True
    )
)
def test_the_schema_s_patterns_accept_what_units_accept(text: str) -> None:
    for name, read in (("retention-ms", units.duration), ("retention-bytes", units.size)):
        pattern = json_schema()[name]["pattern"]

        assert bool(re.search(pattern, text)) == accepts(read, text), (name, text)


def accepts(read: object, text: str) -> bool:
    assert callable(read)
    try:
        read(text)
    except ValueError:
        return False
    return True


def test_hover_text_has_meaning_default_and_history() -> None:
    assert describe("message.downconversion.enable") == (
        "Whether brokers convert records for consumers that know only older formats. Default: true. Removed in Kafka 4.0."
    )
    assert describe("segment.bytes") == (
        "How large a segment file grows before the next one begins. Records are deleted and compacted by whole segments. "
        "At least 1MiB from 4.1 on (KIP-1030). Default: 1GiB. Takes 1MiB or more."
    )


def test_the_newest_release_is_the_one_that_no_version_means() -> None:
    assert NEWEST == "4.4"
    assert {name: default(name, None) for name in SETTINGS} == {name: default(name, NEWEST) for name in SETTINGS}
