"""Whole screens, at the width of a small and of a wide terminal. `python tests/test_view_screens.py` writes them anew: read what changed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from view_examples import (
    CREATES,
    DANGERS,
    ERRORS,
    GRANTS,
    LOSSES,
    PARTITIONS,
    REVOKES,
    SAFE,
    TEXTS,
    created,
    documents,
    granted,
    header,
    plan,
    revoked,
    updated,
)
from view_examples import acl as binding
from view_examples import at as place

from kafkaops import report
from kafkaops.findings import Finding, Severity
from kafkaops.plan import Change, From, Outcome, Phase, Result, Tally, Value
from kafkaops.report import Verification
from kafkaops.view import human
from kafkaops.view.excerpt import quoted

SCREENS = Path(__file__).with_name("screens")
WIDTHS = (80, 200)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
HERE = place("a.yaml", 1, 1)
CASES = [(name, width) for name in documents() for width in WIDTHS]


def shown(document: dict[str, Any]) -> dict[str, Any]:
    """As a command writes it: with the lines of the files where these are wrong."""
    return quoted(document, TEXTS) if document["format"] == "kafkaops.validation" else document


def screen(name: str, width: int, *, colour: bool = False) -> str:
    return human.render(shown(documents()[name]), width=width, colour=colour)


def golden(name: str, width: int) -> Path:
    return SCREENS / f"{name}-{width}.txt"


@pytest.mark.parametrize(("name", "width"), CASES)
def test_criterion_25_the_screen_is_the_golden_one(name: str, width: int) -> None:
    assert screen(name, width) == golden(name, width).read_text(encoding="utf-8")


def test_every_golden_screen_is_shown() -> None:
    assert {path.name for path in SCREENS.glob("*.txt")} == {golden(name, width).name for name, width in CASES}


@pytest.mark.parametrize(("name", "width"), CASES)
def test_criterion_25_without_its_colour_a_screen_says_the_same(name: str, width: int) -> None:
    assert COLOUR.sub("", screen(name, width, colour=True)) == screen(name, width)


@pytest.mark.parametrize("name", documents())
def test_colour_is_of_the_signs_and_bold_is_of_the_headings_and_nothing_else_is_sent(name: str) -> None:
    codes = {
        "\x1b[32m": {"+"},
        "\x1b[33m": {"~"},
        "\x1b[31m": {"-"},
        "\x1b[1;31m": {"!"},
    }
    for start, text in re.findall(r"(\x1b\[[0-9;]*m)([^\x1b]*)\x1b\[0m", screen(name, 98, colour=True)):
        assert start == "\x1b[1m" or text in codes[start]


@pytest.mark.parametrize("name", documents())
def test_without_colour_no_byte_steers_a_terminal(name: str) -> None:
    assert all(char == "\n" or char.isprintable() for char in screen(name, 98))


@pytest.mark.parametrize("name", documents())
def test_only_what_must_stay_whole_is_wider_than_the_terminal(name: str) -> None:
    wide = [line for line in screen(name, 80).splitlines() if len(line) > 80]

    assert all(line.startswith(("  kafka-acls.sh ", "error[")) for line in wide)


def test_a_long_path_stays_whole_on_a_line_of_its_own() -> None:
    path = "topology/" + "deeper/" * 20 + "orders.yaml"
    made = plan((created("orders.refunds.v1", place(path, 44, 3)),))
    shown = human.render(report.plan_document(made, header(), 0), width=80, colour=False)

    assert f"            {path}:44:3\n" in shown


def test_many_creates_leave_out_their_settings_and_say_so() -> None:
    changes = tuple(created(f"orders.t{n:02}", place("topology/o.yaml", n, 3), retention_ms="7d") for n in range(1, 42))
    document = report.plan_document(plan(changes), header(), 0)
    short = human.render(document, width=98, colour=False)
    long = human.render(document, width=98, colour=False, details=True)

    assert ("retention.ms" in short, "-v shows them" in short) == (False, True)
    assert (long.count("retention.ms"), "-v shows them" in long) == (41, False)


def test_forty_creates_show_their_settings() -> None:
    changes = tuple(created(f"orders.t{n:02}", place("topology/o.yaml", n, 3), retention_ms="7d") for n in range(1, 41))
    shown = human.render(report.plan_document(plan(changes), header(), 0), width=98, colour=False)

    assert shown.count("retention.ms") == 40


def test_repeats_are_counted_and_listed_on_demand() -> None:
    document = documents()["validate"]
    long = human.render(quoted(document, TEXTS), width=98, colour=False, details=True)

    assert "  = same problem at 2 more places, -v lists them\n" in screen("validate", 98)
    assert "  = same problem at 2 more places:\n      topology/web.yaml:12:17\n      topology/web.yaml:16:17\n" in long


def test_twenty_problems_are_shown_and_the_total_always() -> None:
    found = [
        Finding(code="KO1201", severity=Severity.ERROR, message=f"unknown key `k{n}`", where=place("a.yaml", n, 1))
        for n in range(1, 32)
    ]
    document = report.validation_document(found, 1, 4, created_at=header().created_at)
    shown = human.render(document, width=98, colour=False)

    assert shown.count("error[KO1201]") == 20
    assert shown.endswith("11 more problems, -v lists them\n\n1 file checked, no cluster contacted: 31 errors\n")
    assert human.render(document, width=98, colour=False, details=True).count("error[KO1201]") == 31


def test_no_error_is_left_out_for_warnings_that_stand_before_it() -> None:
    found = [
        Finding(code="KO2004", severity=Severity.WARNING, message=f"too few `w{n}`", where=place("a.yaml", n, 1))
        for n in range(1, 32)
    ]
    found.append(
        Finding(code="KO1201", severity=Severity.ERROR, message="unknown key `k`", where=place("b.yaml", 1, 1))
    )
    document = report.validation_document(found, 2, 4, created_at=header().created_at)
    shown = human.render(document, width=98, colour=False)

    assert shown.count("warning[KO2004]") == 19
    assert shown.index("too few `w19`") < shown.index("error[KO1201]") < shown.index("12 more problems, -v lists them")


def _same_code(changes: tuple[Change, ...]) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            code="KO2104",
            severity=Severity.DANGER,
            message=f"{change.address.removeprefix('topic/')}: retention.ms 14d -> 3d",
            address=change.address,
            where=change.where,
            consent=("retention.ms 1209600000 -> 259200000",),
        )
        for change in changes
    )


def test_a_code_that_two_findings_have_is_acknowledged_by_address() -> None:
    changes = (LOSSES[0], created("a", place("topology/a.yaml", 1, 1)))
    shown = human.render(report.plan_document(plan(changes, _same_code(changes)), header(), 3), width=80, colour=False)

    assert shown.endswith(
        "BLOCKED: 2 dangers need acknowledgement; nothing was changed\n"
        "  plan      kp1-9128-051e-3744 (holds while the 2 things it touches stay as\n"
        "            read)\n"
        "  to go on  kafkaops ack --cluster prod-eu1 \\\n"
        "              KO2104@topic/a \\\n"
        "              KO2104@topic/payments.settled.v2\n"
        "            writes the acknowledgements into your YAML\n"
        "  to learn  kafkaops explain KO2104\n"
    )


def many_more_partitions(count: int, *, file: str = "") -> dict[str, object]:
    """All from one line of a profile, or each from its own of `file`."""
    changes, dangers = [], []
    for number in range(1, count + 1):
        where = place(file, number, 3) if file else PARTITIONS
        sides = Value("12", "12", From.TOPIC), Value("16", "16", From.FILE)
        changes.append(updated(f"clicks.c{number:02}", "partitions", *sides, where, "KO2110"))
        name, told = f"clicks.c{number:02}", "partitions 12 -> 16"
        dangers.append(replace(DANGERS[1], message=f"{name}: {told}", address=f"topic/{name}", where=where))
    return report.plan_document(plan(tuple(changes), tuple(dangers)), header(), 3)


def dangers_of(document: dict[str, object], *, details: bool = False) -> str:
    shown = human.render(document, width=98, colour=False, details=details)
    return shown.split("NEEDS ACKNOWLEDGEMENT: ")[1].split("\n\n")[1]


def test_equal_dangers_are_told_once_with_all_their_names() -> None:
    assert dangers_of(many_more_partitions(3)) == (
        "! KO2110 each of 3 topics: partitions 12 -> 16                                    cannot be undone\n"
        "    topology/clicks.yaml:12:5\n"
        "    clicks.c01, clicks.c02, clicks.c03\n"
        "    where records have keys: 75% of keys move to another partition (default partitioner); order\n"
        "      per key breaks once for each\n"
        "    Kafka Streams joins need equal counts; groups on auto.offset.reset=latest can skip the first\n"
        "      records of new partitions"
    )


def test_equal_dangers_of_several_places_name_each() -> None:
    told = dangers_of(many_more_partitions(22, file="a.yaml"))
    rows = [line for line in told.splitlines() if "clicks.c" in line]

    assert rows == [f"    clicks.c{number:02}  a.yaml:{number}:3" for number in range(1, 21)]
    assert "\n    and 2 more (-v lists them)\n" in told
    assert dangers_of(many_more_partitions(22, file="a.yaml"), details=True).count("  clicks.c") == 22


def test_equal_warnings_that_quote_their_names_are_told_once() -> None:
    warned = tuple(
        Finding(
            code="KO2005",
            severity=Severity.WARNING,
            message=f"`clicks.{name}`: records can live longer",
            address=f"topic/clicks.{name}",
            where=PARTITIONS,
            help="write `segment-ms: 5d` or less",
        )
        for name in ("a", "b")
    )
    shown = human.render(report.plan_document(plan((), warned), header(), 0), width=98, colour=False)

    assert (
        "  KO2005 each of 2 topics: records can live longer\n"
        "         topology/clicks.yaml:12:5\n"
        "         clicks.a, clicks.b\n"
        "         help: write `segment-ms: 5d` or less\n"
    ) in shown


def test_a_danger_with_other_facts_is_told_alone() -> None:
    document = many_more_partitions(3)
    document["findings"][1]["notes"] = ["records are keyed by `user`"]  # type: ignore[index]

    assert dangers_of(document).count("! KO2110 ") == 2


def test_many_dangers_of_one_code_are_acknowledged_by_a_pattern() -> None:
    six, seven = (human.render(many_more_partitions(count), width=98, colour=False) for count in (6, 7))

    assert "\n  to go on  kafkaops ack --cluster prod-eu1 'KO2110@topic/*'\n" in seven
    assert six.count("KO2110@topic/clicks.c0") == 6


def test_a_part_of_a_plan_asks_for_no_consent_beyond_it() -> None:
    document = many_more_partitions(30) | {"options": {"only": ["topic/clicks.*"]}}
    shown = human.render(document, width=98, colour=False)

    assert shown.count("KO2110@topic/clicks.c") == 30


def test_the_order_says_what_the_steps_are() -> None:
    denial = replace(GRANTS[0], id="acl:denial", phase=Phase.REVOKES)
    shown = human.render(
        report.plan_document(plan((*CREATES, *SAFE, *LOSSES, *GRANTS, *REVOKES, denial)), header(), 0),
        width=200,
        colour=False,
    )

    assert "Apply order: 2 grants, 2 creates, 1 setting, 1 denial, 1 revoke, 1 data-losing setting, 1" in shown


def test_more_partitions_are_not_called_a_setting() -> None:
    more = replace(LOSSES[1], phase=Phase.SAFE)
    shown = human.render(report.plan_document(plan((more, *SAFE, *GRANTS)), header(), 0), width=98, colour=False)

    assert "\nApply order: 2 grants, 1 partition increase, 1 setting\n" in shown


def test_what_cannot_be_changed_is_in_the_totals() -> None:
    tallies = {"topic": Tally(3, 1, (), 1), "acl": Tally(2, 0)}
    shown = human.render(report.plan_document(plan((), ERRORS, tallies), header(), 3), width=98, colour=False)

    assert "  topics  0 create   0 change   0 delete   3 in sync   1 stuck\n" in shown


def test_a_partial_apply_says_that_it_was_one() -> None:
    part = replace(plan(GRANTS), partial=("acl/*",))
    outcomes = [Outcome(change.id, Result.APPLIED) for change in part.changes]
    shown = human.render(
        report.apply_document(part, header("apply"), outcomes, Verification(2), 0), width=98, colour=False
    )

    assert shown == "APPLIED: 2 changes; read again on every live broker, all 2 as planned (partial)\n"


def test_a_warning_that_was_asked_to_fail_is_what_blocks() -> None:
    warning = Finding(code="KO2004", severity=Severity.WARNING, message="replication factor 1")
    shown = human.render(report.plan_document(plan(GRANTS, (warning,)), header(), 3), width=98, colour=False)

    assert shown.endswith(
        "BLOCKED: 1 warning; nothing was changed\n"
        "  plan      kp1-a58c-fb7a-fc6b (holds while the 2 things it touches stay as read)\n"
    )


def changes_of(document: dict[str, object], width: int = 98) -> str:
    """What stands below the heading CHANGES."""
    shown = human.render(document, width=width, colour=False)
    return shown.split("CHANGES: ")[1].split("\n\n")[1]


def test_rules_stand_below_their_principal_and_operations_on_one_resource_are_one_row() -> None:
    wanted = (("Read", "a"), ("Read", "long-name-of-a-topic"), ("Write", "long-name-of-a-topic"), ("Write", "c"))
    rules = tuple(
        granted(
            binding("User:many", operation, "Topic", "Literal", name),
            f"topic/{name}/{operation.lower()}",
            place("a.yaml", 1, 1),
        )
        for operation, name in wanted
    )
    document = report.plan_document(plan((*rules, *REVOKES), DANGERS[2:]), header(), 3)

    assert changes_of(document) == (
        "+ acl   User:many                4 grants\n"
        "+         ALLOW Read         topic a\n"
        "+         ALLOW Write        topic c\n"
        "+         ALLOW Read, Write  topic long-name-of-a-topic\n"
        "- acl   User:svc-legacy-billing  1 revoke\n"
        "-         ALLOW Read         topic payments.settled.v2   KO3107"
    )


def test_a_rule_for_one_host_says_so() -> None:
    rule = replace(binding("User:many", "Read", "Topic", "Literal", "a"), host="10.0.0.1")
    document = report.plan_document(plan((granted(rule, "topic/a/read@10.0.0.1", place("a.yaml", 1, 1)),)), header(), 0)

    assert changes_of(document) == "+ acl   User:many  1 grant\n+         ALLOW Read  topic a  host 10.0.0.1"


def test_what_one_rule_of_two_endangers_is_told_of_that_one() -> None:
    harmless = revoked(
        binding("User:svc-legacy-billing", "Write", "Topic", "Literal", "payments.settled.v2"), "x", HERE
    )
    document = report.plan_document(plan((*REVOKES, harmless), DANGERS[2:]), header(), 3)

    assert changes_of(document).splitlines()[1:] == [
        "-         ALLOW Read   topic payments.settled.v2  KO3107",
        "-         ALLOW Write  topic payments.settled.v2",
    ]


def test_a_long_name_moves_no_other() -> None:
    short = created("orders.a", place("topology/orders.yaml", 44, 3), retention_ms="7d")
    long = created("orders." + "b" * 60, place("topology/orders.yaml", 50, 3), retention_ms="7d")

    assert changes_of(report.plan_document(plan((short, long)), header(), 0)) == (
        "+ topic orders.a  topology/orders.yaml:44:3\n"
        "+         12 partitions x 3 replicas, retention.ms 7d\n"
        f"+ topic orders.{'b' * 60}\n"
        "                  topology/orders.yaml:50:3\n"
        "+         12 partitions x 3 replicas, retention.ms 7d"
    )


def test_settings_that_do_not_fit_on_a_line_are_broken_between_them() -> None:
    config = {
        key.replace(".", "_"): "1234567890" for key in ("retention.ms", "segment.bytes", "segment.ms", "flush.ms")
    }
    shown = changes_of(report.plan_document(plan((created("a", HERE, **config),)), header(), 0), width=80)

    assert shown.splitlines()[1:] == [
        "+         retention.ms 1234567890, segment.bytes 1234567890,",
        "+         segment.ms 1234567890, flush.ms 1234567890",
    ]


def test_a_danger_that_only_warns_has_no_danger_sign() -> None:
    warning = replace(DANGERS[0], severity=Severity.WARNING, consent=())
    document = report.plan_document(plan(LOSSES[:1], (warning,)), header(), 0)

    assert changes_of(document) == "~ topic payments.settled.v2\n~         retention.ms  14d -> 3d  KO2104"


def test_drift_that_cannot_be_undone_by_a_plan_is_drift() -> None:
    shown = human.render(report.plan_document(plan((), ERRORS), header("drift"), 2), width=98, colour=False)

    assert shown.endswith("DRIFT: 1 error\n  to learn  kafkaops explain KO2112\n")


def test_progress_is_one_line_a_phase() -> None:
    lines = [
        human.phase_line(Phase.GRANTS, done=2, seconds=0.83),
        human.phase_line(Phase.CREATES, done=1, failed=1, seconds=12.34),
        human.phase_line(Phase.SAFE, done=0, skipped=1),
    ]

    assert lines == [
        "  done     1 grant ACLs                    2/2     0.8 s",
        "  failed   2 create topics                 1/2    12.3 s",
        "  skipped  3 settings, partitions          0/1",
    ]


if __name__ == "__main__":
    SCREENS.mkdir(exist_ok=True)
    for old in SCREENS.glob("*.txt"):
        old.unlink()
    for case in CASES:
        golden(*case).write_text(screen(*case), encoding="utf-8")
