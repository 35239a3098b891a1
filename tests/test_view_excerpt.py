"""Excerpts, in the look of rustc."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from textwrap import dedent

import pytest

from kafkaops import report
from kafkaops.findings import Finding, Location, Severity
from kafkaops.view import machine
from kafkaops.view.excerpt import excerpt, quoted


def shown(finding: Finding, *, width: int = 98, **texts: str) -> str:
    files = {f"{name}.yaml": text for name, text in texts.items()}
    return "\n".join(rows(finding, files, width=width)) + "\n"


def rows(finding: Finding, files: dict[str, str], *, width: int) -> list[str]:
    document = report.validation_document([finding], len(files), 4, created_at=datetime(2026, 9, 28, tzinfo=UTC))
    saved = json.loads(machine.render(quoted(document, files)))
    return excerpt(saved["findings"][0], width=width)


def unknown_key(line: int, column: int, length: int, label: str = "") -> Finding:
    where = Location("a.yaml", line, column, column + length)
    return Finding(code="KO1201", severity=Severity.ERROR, message="unknown key", where=where, label=label)


def screen(text: str) -> str:
    return dedent(text).lstrip("\n")


def test_the_span_is_marked_below_what_it_is_part_of_and_the_fix_can_be_pasted() -> None:
    text = "\n" * 44 + "  orders.refunds.v1:\n    partitions: 12\n    config: {retention.hours: 168}\n"
    finding = Finding(
        code="KO1204",
        severity=Severity.ERROR,
        message="unknown topic setting `retention.hours`",
        where=Location("a.yaml", 47, 14, 29),
        label="not a topic setting in Kafka 3.9",
        help="use `retention.ms`; kafkaops accepts durations there",
        fix="config: {retention.ms: 7d}",
    )

    assert shown(finding, a=text) == screen("""
        error[KO1204]: unknown topic setting `retention.hours`
          --> a.yaml:47:14
           |
        45 |   orders.refunds.v1:
        ...
        47 |     config: {retention.hours: 168}
           |              ^^^^^^^^^^^^^^^ not a topic setting in Kafka 3.9
           |
        help: use `retention.ms`; kafkaops accepts durations there
           |
        47 |     config: {retention.ms: 7d}
           |
           = more: kafkaops explain KO1204
    """)


def test_another_place_is_marked_with_dashes() -> None:
    finding = Finding(
        code="KO1301",
        severity=Severity.ERROR,
        message="topic `clicks.raw` is declared twice",
        where=Location("a.yaml", 2, 3, 13),
        label="second declaration",
        also=((Location("b.yaml", 10, 3, 13), "first declaration"),),
    )

    assert shown(finding, a="topics:\n  clicks.raw: {}\n", b="\n" * 9 + "  clicks.raw: {}\n") == screen("""
        error[KO1301]: topic `clicks.raw` is declared twice
          --> a.yaml:2:3
           |
         2 |   clicks.raw: {}
           |   ^^^^^^^^^^ second declaration
           |
          ::: b.yaml:10:3
           |
        10 |   clicks.raw: {}
           |   ---------- first declaration
           = more: kafkaops explain KO1301
    """)


def test_a_file_that_was_not_read_as_topology_is_not_quoted() -> None:
    finding = Finding(
        code="KO6010",
        severity=Severity.ERROR,
        message="unknown key `sasl.pasword`",
        where=Location("production.properties", 3, 1, 13),
        notes=("only keys on the list are read",),
    )

    assert shown(finding, a="a: 1\n") == screen("""
        error[KO6010]: unknown key `sasl.pasword`
          --> production.properties:3:1
           = note: only keys on the list are read
           = more: kafkaops explain KO6010
    """)


@pytest.mark.parametrize(
    ("line", "column", "length", "told", "marks"),
    [
        ("\tkey: 1", 2, 3, " key: 1", " ^^^"),
        ("ñandú: {bad: 1}", 9, 3, "ñandú: {bad: 1}", "        ^^^"),
        ("主题: {bad: 1}", 6, 3, "主题: {bad: 1}", "       ^^^"),
        ("e\u0301: {bad: 1}", 6, 3, "e\u0301: {bad: 1}", "    ^^^"),
        ("a\x1b[31m: {bad: 1}", 10, 3, r"a\x1b[31m: {bad: 1}", "            ^^^"),
        ("key:", 5, 1, "key:", "    ^"),
    ],
)
def test_marks_stand_under_what_they_mark(line: str, column: int, length: int, told: str, marks: str) -> None:
    found = rows(unknown_key(1, column, length), {"a.yaml": line}, width=98)

    assert found[3:5] == [f"1 | {told}", f"  | {marks}"]


def test_a_long_line_is_cut_around_the_span() -> None:
    line = "x: [" + "a, " * 100 + "bad, " + "b, " * 100 + "]"
    column = line.index("bad") + 1
    found = rows(unknown_key(1, column, 3), {"a.yaml": line}, width=80)

    assert all(len(row) <= 80 for row in found)
    assert found[3].startswith("1 | ...")
    assert found[3].endswith("...")
    assert found[3][found[4].index("^") : found[4].rindex("^") + 1] == "bad"


@pytest.mark.parametrize(
    "text",
    [
        "user:\n  password: hunter2\n  bad: 1\n",
        'user:\n  {mechanism: X, "password": "hunter2", bad: 1}\n  bad: 1\n',
        "user:\n  ssl.key.password: |\n    hunter2\n  bad: 1\n",
        "user:\n  client-secret: >\n\n    hunter2\n  bad: 1\n",
        'user:\n  sasl.jaas.config: "org.X required\n\n    password=hunter2;"\n  bad: 1\n',
        "user: {\n  password:\n  hunter2,\n  bad: 1}\n",
        "- secret: hunter2\n  bad: 1\n",
        "user:\n  ? password\n  : hunter2\n  bad: 1\n",
        "x-pw: &pw hunter2\nuser: {password: *pw, bad: 1}\n",
        "x-all:\n  pw: &pw hunter2\n  bad: 1\n",
        "x-all: {pw: &pw hunter2, bad: 1}\n",
        "x-pw: |\n  hunter2\nbad: 1\n",
        "- &pw 'hunter2'\n- {bad: 1}\n",
        "user: {ssl.key.password=hunter2, bad: 1}\n",
        "user: {password:hunter2, bad: 1}\n",
    ],
)
def test_a_secret_is_never_quoted(text: str) -> None:
    for line in range(1, text.count("\n") + 1):
        for column in (1, 5, 30):
            found = rows(unknown_key(line, column, 4), {"a.yaml": text}, width=98)

            assert "hunter2" not in "\n".join(found)


def test_a_secret_in_a_fix_is_never_quoted() -> None:
    finding = Finding(
        code="KO1211",
        severity=Severity.ERROR,
        message="secret written as a value",
        where=Location("a.yaml", 1, 1, 9),
        fix="password: hunter2",
    )

    assert "hunter2" not in shown(finding, a="password: hunter2\n")


def test_a_name_that_holds_such_a_word_is_quoted() -> None:
    found = rows(unknown_key(1, 1, 24), {"a.yaml": "user.password.changed.v1: {bad: 1}"}, width=98)

    assert found[3] == "1 | user.password.changed.v1: {bad: 1}"


def test_an_anchored_block_is_quoted() -> None:
    found = rows(unknown_key(2, 3, 3), {"a.yaml": "x-usual: &usual\n  bad: 1\n"}, width=98)

    assert found[3] == "2 |   bad: 1"


def test_a_key_far_above_is_quoted_and_its_neighbours_are_not() -> None:
    text = "topics:\n  orders.a:  # of the shop\n    partitions: 12\n\n    retention-ms: 3d\n    bad: 1\n"

    assert rows(unknown_key(6, 5, 3), {"a.yaml": text}, width=98)[2:6] == [
        "  |",
        "2 |   orders.a:",
        "...",
        "6 |     bad: 1",
    ]


def test_a_neighbour_in_another_block_is_not_quoted() -> None:
    text = "topics:\n  first:\n    partitions: 12\n  second: bad\n"

    assert shown(unknown_key(4, 11, 3), a=text) == screen("""
        error[KO1201]: unknown key
         --> a.yaml:4:11
          |
        4 |   second: bad
          |           ^^^
          |
          = more: kafkaops explain KO1201
    """)


def test_a_place_beyond_the_end_of_the_file_is_named_only() -> None:
    assert shown(unknown_key(9, 1, 3), a="a: 1\n") == screen("""
        error[KO1201]: unknown key
          --> a.yaml:9:1
           = more: kafkaops explain KO1201
    """)
