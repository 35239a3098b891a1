"""concise, github, junit, github-output: each read back by the rule of who reads it, with ordinary and with hostile names."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Any

import pytest
from test_view_hostile import HOSTILE, hostile_documents
from view_examples import CREATED_AT, DANGERS, LOSSES, at, documents, header, plan

from kafkaops import report
from kafkaops.findings import Finding, Severity
from kafkaops.view import annotations, concise, github_output, junit
from kafkaops.view.visible import visible

NAMES = (*HOSTILE, "\ufffe\uffff", "a<<b", "a=b", "]]>", "&amp;", "a,b:c")
Command = tuple[str, dict[str, str], str]


def hostile(name: str) -> list[dict[str, Any]]:
    """Of the commands that have these formats."""
    formats = {"kafkaops.plan", "kafkaops.apply", "kafkaops.validation"}
    return [one for one in hostile_documents(name) if one["format"] in formats]


def unchanged(file: str) -> str:
    return file


def commands(text: str) -> list[Command]:
    """As GitHub's runner reads a line: `::name key=value,key=value::data`, then each escape undone, `%` last."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::([a-z]+)(?: ([^:]*))?::(.*)", line)
        assert match, line
        pairs = [pair.split("=", 1) for pair in match[2].split(",")] if match[2] else []
        found.append((match[1], {key: undone(value) for key, value in pairs}, undone(match[3])))
    return found


def undone(text: str) -> str:
    for code, char in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, char)
    return text


def outputs(text: str) -> dict[str, str]:
    """As GitHub's runner reads its file: `name=value`, or a heredoc where `<<` stands before any `=`."""
    found = {}
    for line in text.split("\n"):
        if line:
            assert "=" in line
            assert "<<" not in line[: line.index("=")]
            name, value = line.split("=", 1)
            found[name] = value
    return found


# concise


def test_one_line_for_each_finding_and_change_by_file_and_line() -> None:
    assert concise.render(documents()["plan-blocked"]) == (
        "topology/audit.yaml:6:5: update topic/audit.events max.message.bytes 1048588 (Kafka's default) -> 2MiB\n"
        "topology/audit.yaml:20:5: error[KO2112] audit.raw: partitions 12 -> 8 is impossible\n"
        "topology/billing.yaml:18:3: danger[KO3107] User:svc-legacy-billing loses Describe, Read on topic payments.settled.v2\n"
        "topology/billing.yaml:18:3: revoke User:svc-legacy-billing ALLOW Read on topic payments.settled.v2\n"
        "topology/clicks.yaml:12:5: danger[KO2110] clicks.raw: partitions 12 -> 16\n"
        "topology/clicks.yaml:12:5: update topic/clicks.raw partitions 12 -> 16\n"
        "topology/clicks.yaml:13:5: warning[KO2004] replication factor 1 survives the loss of no broker\n"
        "topology/orders.yaml:44:3: create topic/orders.refunds.v1 12 partitions x 3 replicas\n"
        "topology/orders.yaml:52:3: create topic/orders.refunds.v1.dlq 12 partitions x 3 replicas\n"
        "topology/orders.yaml:70:3: grant User:svc-refunds ALLOW Read on group svc-refunds\n"
        "topology/orders.yaml:70:3: grant User:svc-refunds ALLOW Write on topic prefix orders.refunds.\n"
        "topology/payments.yaml:31:7: danger[KO2104] payments.settled.v2: retention.ms 14d -> 3d\n"
        "topology/payments.yaml:31:7: update topic/payments.settled.v2 retention.ms 14d -> 3d\n"
        "topic/orders.old.v1: notice[KO2301] orders.old.v1: is live in a domain that the topology owns, and in no file\n"
        "topic/orders.tmp: notice[KO2301] orders.tmp: is live in a domain that the topology owns, and in no file\n"
        "topic/payments.test: notice[KO2301] payments.test: is live in a domain that the topology owns, and in no file\n"
    )


def test_what_apply_did_is_said_of_each_change() -> None:
    assert concise.render(documents()["apply-incomplete"]).splitlines()[:2] == [
        "topology/audit.yaml:6:5: skipped: update topic/audit.events max.message.bytes 1048588 (Kafka's default) -> 2MiB: waits for create topic/orders.refunds.v1",
        "topology/orders.yaml:44:3: failed: create topic/orders.refunds.v1 12 partitions x 3 replicas: POLICY_VIOLATION: topics of this domain need 6 partitions",
    ]


@pytest.mark.parametrize("name", ["plan-in-sync", "drift-in-sync", "validate-clean"])
def test_nothing_to_say_is_no_line(name: str) -> None:
    assert concise.render(documents()[name]) == ""
    assert annotations.render(documents()[name], shown=unchanged) == ""


@pytest.mark.parametrize("name", NAMES)
def test_criterion_22_a_hostile_name_is_inert_in_a_line(name: str) -> None:
    for document in hostile(name):
        lines = concise.render(document).split("\n")

        assert len(lines) - 1 == len(document["findings"]) + len(document.get("changes", ()))
        assert all(line == visible(line) for line in lines)


# github


def test_a_danger_of_the_live_cluster_stands_on_the_line_that_causes_it() -> None:
    document = report.plan_document(plan(LOSSES, DANGERS[:1]), header(), 3)

    assert annotations.render(document, shown=lambda file: f"kafka/{file}") == (
        "::error file=kafka/topology/payments.yaml,line=31,col=7,endColumn=19,"
        "title=kafkaops KO2104%3A lower retention deletes records"
        "::payments.settled.v2: retention.ms 14d -> 3d"
        "%0Arecords older than 3d are deleted, about 5 min after apply, in every partition"
        "%0Amore: kafkaops explain KO2104\n"
    )


def test_a_danger_without_a_place_stands_on_the_line_of_its_change() -> None:
    document = report.plan_document(plan(LOSSES, (replace(DANGERS[0], where=None),)), header(), 3)
    [(level, properties, _)] = commands(annotations.render(document, shown=unchanged))

    assert (level, properties["file"], properties["line"]) == ("error", "topology/payments.yaml", "31")


def found(severity: Severity, number: int, *, placed: bool = True) -> list[Finding]:
    return [
        Finding(
            code="KO1202",
            severity=severity,
            message=f"{severity} {index}",
            address="topic/x",
            where=at("a.yaml", index + 1, 1) if placed else None,
        )
        for index in range(number)
    ]


@pytest.mark.parametrize(
    ("errors", "dangers", "warnings", "notices", "shown", "left"),
    [
        (3, 0, 2, 1, (3, 2, 1), 0),
        (10, 0, 10, 10, (10, 10, 10), 0),
        (8, 5, 0, 0, (10, 0, 1), 3),
        (0, 0, 12, 10, (0, 10, 10), 3),
        (0, 0, 0, 11, (0, 0, 10), 2),
        (4000, 900, 50, 70, (10, 10, 10), 4991),
    ],
)
def test_the_worst_get_the_slots_and_the_others_are_counted_in_the_last(
    errors: int, dangers: int, warnings: int, notices: int, shown: tuple[int, int, int], left: int
) -> None:
    numbers = {
        Severity.NOTICE: notices,
        Severity.WARNING: warnings,
        Severity.DANGER: dangers,
        Severity.ERROR: errors,
    }
    every = [one for severity, number in numbers.items() for one in found(severity, number)]
    lines = commands(
        annotations.render(report.validation_document(every, 1, 4, created_at=CREATED_AT), shown=unchanged)
    )

    assert tuple(sum(level == one for level, _, _ in lines) for one in ("error", "warning", "notice")) == shown
    assert sum(data.startswith("error") for _, _, data in lines) == min(errors, 10)
    told = [data for _, _, data in lines if "more finding" in data]
    assert told == (
        [f"{left:,} more findings in the job's log (GitHub shows 10 of a level for each step)"] if left else []
    )
    assert len(lines) - bool(left) + left == len(every)


def test_what_has_a_line_is_shown_before_what_has_none() -> None:
    every = [*found(Severity.ERROR, 12, placed=False), *found(Severity.ERROR, 10)]
    lines = commands(
        annotations.render(report.validation_document(every, 1, 4, created_at=CREATED_AT), shown=unchanged)
    )

    assert all("line" in properties for level, properties, _ in lines if level == "error")


def test_consent_makes_an_error_a_notice() -> None:
    lines = commands(annotations.render(documents()["plan-acknowledged"], shown=unchanged))

    assert {level for level, _, _ in lines} == {"notice"}


@pytest.mark.parametrize("name", NAMES)
def test_criterion_22_a_hostile_name_is_inert_in_a_workflow_command(name: str) -> None:
    for document in hostile(name):
        lines = commands(annotations.render(document, shown=unchanged))

        assert len(lines) == len(document["findings"])
        for level, properties, data in lines:
            assert level in {"error", "warning", "notice"}
            assert properties.keys() <= {"file", "line", "col", "endColumn", "title"}
            assert data.splitlines()[0] == visible(f"{name}: is odd")
            assert all(line == visible(line) for line in data.split("\n"))
        files = {properties["file"] for _, properties, _ in lines if "file" in properties}
        assert files <= {visible(f"topology/{name}.yaml")}


# junit


def suite(text: str) -> ET.Element:
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    [one] = root
    cases = list(one)

    assert one.tag == "testsuite"
    assert {case.tag for case in cases} <= {"testcase"}
    assert int(one.attrib["tests"]) == len(cases)
    assert int(one.attrib["failures"]) == sum(case.find("failure") is not None for case in cases)
    return one


def test_an_error_is_a_test_that_failed_and_a_warning_one_that_passed() -> None:
    one = suite(junit.render(documents()["validate"]))

    assert one.attrib["name"] == "kafkaops validate"
    assert [(case.get("classname"), case.get("name"), [child.tag for child in case]) for case in one][:2] == [
        (
            "topology/clicks.yaml",
            "KO2004 replication factor 1 survives the loss of no broker (topology/clicks.yaml:13:5)",
            ["system-out"],
        ),
        (
            "topology/orders.yaml",
            "KO1204 unknown topic setting `retention.hours` (topology/orders.yaml:5:14)",
            ["failure"],
        ),
    ]
    assert one[1][0].text == (
        "error[KO1204]: unknown topic setting `retention.hours`\ntopology/orders.yaml:5:14\n"
        "not a topic setting in Kafka 3.9\nhelp: use `retention.ms`; kafkaops accepts durations there\n"
        "more: kafkaops explain KO1204"
    )


def test_files_without_errors_are_a_test_that_passed() -> None:
    one = suite(junit.render(documents()["validate-clean"]))

    assert [(case.get("name"), list(case)) for case in one] == [("5 files without errors", [])]


@pytest.mark.parametrize("name", NAMES)
def test_criterion_22_a_hostile_name_is_inert_in_xml(name: str) -> None:
    for document in hostile(name):
        text = junit.render(document)
        cases = list(suite(text))

        assert text.isascii()
        for case, finding in zip(cases, document["findings"], strict=False):
            shown = visible(f"{finding['code']} {finding['message']}").replace("\ufffe\uffff", r"\ufffe\uffff")
            assert str(case.get("name")).startswith(shown)


# github-output


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("plan-blocked", {"verdict": "blocked", "changes": "8", "dangers": "3", "fingerprint": "kp1-83e1-bd88-1f46", "cluster": "prod-eu1", "exit-code": "3"}),
        ("plan-in-sync", {"verdict": "in_sync", "changes": "0", "dangers": "0", "fingerprint": "kp1-f953-744d-697a", "cluster": "prod-eu1", "exit-code": "0"}),
        ("plan-acknowledged", {"verdict": "ready", "changes": "2", "dangers": "0", "fingerprint": "kp1-93e8-5b42-b316", "cluster": "prod-eu1", "exit-code": "0"}),
        ("drift", {"verdict": "ready", "changes": "1", "dangers": "0", "fingerprint": "kp1-b9ab-e117-e042", "cluster": "prod-eu1", "exit-code": "2"}),
        ("apply-incomplete", {"verdict": "incomplete", "changes": "5", "dangers": "0", "fingerprint": "kp1-8199-29c0-4e3b", "cluster": "prod-eu1", "exit-code": "7"}),
        ("validate", {"verdict": "invalid", "changes": "", "dangers": "0", "fingerprint": "", "cluster": "", "exit-code": "4"}),
    ],
)  # fmt: skip
def test_the_outputs_of_a_step(name: str, values: dict[str, str]) -> None:
    assert outputs(github_output.render(documents()[name])) == values


def test_what_is_not_known_is_empty_and_not_none() -> None:
    document = report.failure_document("plan", DANGERS, 69, created_at=CREATED_AT, cluster="prod")

    assert outputs(github_output.render(document)) == {
        "verdict": "failed",
        "changes": "",
        "dangers": "",
        "fingerprint": "",
        "cluster": "prod",
        "exit-code": "69",
    }


@pytest.mark.parametrize("name", [*NAMES, "x\nverdict=ready", "a\r\nexit-code=0"])
def test_criterion_22_a_hostile_name_is_inert_in_the_outputs_of_a_step(name: str) -> None:
    document = report.plan_document(plan(LOSSES, DANGERS), replace(header(), cluster=name), 3)
    values = outputs(github_output.render(document))

    assert list(values) == ["verdict", "changes", "dangers", "fingerprint", "cluster", "exit-code"]
    assert (values["verdict"], values["cluster"]) == ("blocked", visible(name))
