"""Whole screens, at the width of a small and of a wide terminal. `python tests/test_view_screens.py` writes them anew: read what changed."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from view_examples import DANGERS, ERRORS, GRANTS, LOSSES, REVOKES, TEXTS, created, documents, granted, header, plan
from view_examples import acl as binding
from view_examples import at as place

from kafkaops import report
from kafkaops.findings import Finding, Severity
from kafkaops.plan import Change, Phase
from kafkaops.view import human

SCREENS = Path(__file__).with_name("screens")
WIDTHS = (80, 200)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
CASES = [(name, width) for name in documents() for width in WIDTHS]


def screen(name: str, width: int, *, colour: bool = False) -> str:
    return human.render(documents()[name], width=width, colour=colour, texts=TEXTS)


def golden(name: str, width: int) -> Path:
    return SCREENS / f"{name}-{width}.txt"


@pytest.mark.parametrize(("name", "width"), CASES)
def test_the_screen_is_the_golden_one(name: str, width: int) -> None:
    assert screen(name, width) == golden(name, width).read_text(encoding="utf-8")


def test_every_golden_screen_is_shown() -> None:
    assert {path.name for path in SCREENS.glob("*.txt")} == {golden(name, width).name for name, width in CASES}


@pytest.mark.parametrize(("name", "width"), CASES)
def test_without_its_colour_a_screen_says_the_same(name: str, width: int) -> None:
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

    assert ("retention.ms" in short, "--details shows them" in short) == (False, True)
    assert (long.count("retention.ms"), "--details" in long) == (41, False)


def test_forty_creates_show_their_settings() -> None:
    changes = tuple(created(f"orders.t{n:02}", place("topology/o.yaml", n, 3), retention_ms="7d") for n in range(1, 41))
    shown = human.render(report.plan_document(plan(changes), header(), 0), width=98, colour=False)

    assert shown.count("retention.ms") == 40


def test_repeats_are_counted_and_listed_on_demand() -> None:
    document = documents()["validate"]
    long = human.render(document, width=98, colour=False, texts=TEXTS, details=True)

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
        "  to go on  kafkaops ack --cluster prod-eu1 \\\n"
        "              KO2104@topic/a \\\n"
        "              KO2104@topic/payments.settled.v2\n"
        "            writes the acknowledgements into your YAML\n"
        "  to learn  kafkaops explain KO2104\n"
    )


def test_a_warning_that_was_asked_to_fail_is_what_blocks() -> None:
    warning = Finding(code="KO2004", severity=Severity.WARNING, message="replication factor 1")
    shown = human.render(report.plan_document(plan(GRANTS, (warning,)), header(), 3), width=98, colour=False)

    assert shown.endswith("BLOCKED: 1 warning; nothing was changed\n")


def changes_of(document: dict[str, object], width: int = 98) -> str:
    """What stands below the heading CHANGES."""
    shown = human.render(document, width=width, colour=False)
    return shown.split("CHANGES: ")[1].split("\n\n", 1)[1]


def test_whoever_gets_many_rules_stands_above_them() -> None:
    names = ("a", "long-name-of-a-topic", "c", "d")
    rules = tuple(
        granted(binding("User:many", "Read", "Topic", "Literal", name), f"topic/{name}/read", place("a.yaml", 1, 1))
        for name in names
    )
    document = report.plan_document(plan((*rules, *REVOKES), DANGERS[2:]), header(), 3)

    assert changes_of(document).startswith(
        "- acl   User:svc-legacy-billing  ALLOW Read  topic payments.settled.v2  any host  KO3107\n"
        "~ acl   User:many\n"
        "+         ALLOW Read  topic a                     any host\n"
        "+         ALLOW Read  topic c                     any host\n"
        "+         ALLOW Read  topic d                     any host\n"
        "+         ALLOW Read  topic long-name-of-a-topic  any host\n"
    )


def test_a_long_name_moves_only_its_own_block() -> None:
    short = created("orders.a", place("topology/orders.yaml", 44, 3), retention_ms="7d")
    long = created("orders." + "b" * 60, place("topology/orders.yaml", 50, 3), retention_ms="7d")

    assert changes_of(report.plan_document(plan((short, long)), header(), 0)).startswith(
        "+ topic orders.a        12 partitions x 3 replicas  topology/orders.yaml:44:3\n"
        "+         retention.ms  7d\n"
        f"+ topic orders.{'b' * 60}\n"
        "            12 partitions x 3 replicas  topology/orders.yaml:50:3\n"
        "+         retention.ms  7d\n"
    )


def test_a_danger_that_only_warns_has_no_danger_sign() -> None:
    warning = replace(DANGERS[0], severity=Severity.WARNING, consent=())
    document = report.plan_document(plan(LOSSES[:1], (warning,)), header(), 0)

    assert changes_of(document).startswith("~ topic payments.settled.v2\n~         retention.ms  14d -> 3d  KO2104\n")


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
