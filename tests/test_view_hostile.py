"""Names from outside are shown and never act: on a terminal, in a build log, on the layout."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from view_examples import AT_WORK, CREATED_AT, SANDBOX, STATUS, at, created, header, plan, revoked, updated
from view_examples import acl as binding

from kafkaops import report, status
from kafkaops.cluster import KafkaError, LogDir
from kafkaops.condition import Facts, Journal
from kafkaops.findings import Finding, Severity
from kafkaops.journal import Runner
from kafkaops.plan import From, Outcome, Result, Value
from kafkaops.resource import Resource, ResourceField
from kafkaops.view import human, machine
from kafkaops.view.excerpt import quoted
from kafkaops.view.visible import cells, visible

HOSTILE = (
    "[red]team[/red]",
    "[/]",
    ":bomb:",
    "topic:key:orders",
    "a|b`c",
    "@user #1 <img> $x$",
    "%0A::error::x",
    "::error file=a.yaml::x",
    "x\n::error::y",
    "x\r\n##[error]y",
    "##vso[task.setvariable]x",
    "\x1b[31mred\x1b]0;title\x07",
    "\x9b31m",
    "abc\u202ecba\u2066\u200b",
    "\u2028line\u2029separators\x85",
    "\ud800",
    "\U000e0041tag",
)


def hostile_documents(name: str) -> list[dict[str, object]]:
    where = at(f"topology/{name}.yaml", 3, 5, 4)
    odd = Value(name, name, From.TOPIC)
    findings = tuple(
        Finding(
            code=code,
            severity=severity,
            message=f"{name}: is odd",
            address=f"topic/{name}",
            where=place,
            label=name,
            help=name,
            fix="key: value",
            notes=(name,),
            consent=(f"{name} -> {name}",),
            also=((at(name, 1, 1), name),),
        )
        for code, severity in (
            ("KO2104", Severity.DANGER),
            ("KO2112", Severity.ERROR),
            ("KO2004", Severity.WARNING),
            ("KO2301", Severity.NOTICE),
        )
        for place in (where, None)
    )
    changes = (
        replace(created(name, where), summary=name),
        updated(name, name, odd, odd, where, "KO2104"),
        revoked(replace(binding(name, name, name, "Literal", name), host=name), name, where),
    )
    top = replace(header(), cluster=name, cluster_id=name, kafka_version=name, principal=name, topology=name)
    resource = Resource(
        address=f"topic/{name}",
        declared=True,
        live=True,
        where=where,
        facts=((name, name),),
        fields=(ResourceField(name=name, want=odd, have=None, layer=name, where=where),),
        inherited=((name, odd),),
        bindings=(binding(name, name, "Topic", "Literal", name),),
        findings=findings,
    )
    checks = [report.Check(name, report.Health.FAILED, name, name)]
    grants = [report.Grants("plan", (binding(name, name, "Topic", "Literal", name),))]
    outcomes = [
        Outcome(change.id, result, name)
        for change, result in zip(changes, (Result.FAILED, Result.SKIPPED), strict=False)
    ]
    return [
        report.plan_document(plan(changes, findings), top, 3),
        report.apply_document(plan(changes), top, outcomes, None, 7),
        report.validation_document(findings, 1, 4, created_at=CREATED_AT),
        report.failure_document("plan", findings, 69, created_at=CREATED_AT),
        report.resource_document(resource, top, 0),
        report.doctor_document(checks, grants, 1, created_at=CREATED_AT, header=top),
        status.document(hostile_facts(name), top),
        report.sandbox_document(
            "sandbox up", SANDBOX | {"cluster_id": name, "client_properties": name}, created_at=CREATED_AT
        ),
    ]


def hostile_facts(name: str) -> Facts:
    """Paths, racks, error texts, and what a run says of itself; names of topics Kafka keeps harmless."""
    memory = STATUS.journal.memory
    assert memory
    runner = Runner(name, "x", 1)
    return replace(
        STATUS,
        described=replace(STATUS.described, brokers=tuple(replace(one, rack=name) for one in STATUS.described.brokers)),
        dirs={1: [LogDir(name, {}, error=KafkaError(name))], 2: KafkaError(name), 3: [LogDir(name, {}, 9, 3)]},
        journal=Journal(
            replace(memory, runs=tuple(replace(one, id="x", runner=runner) for one in memory.runs)),
            (replace(AT_WORK, run="x", runner=runner), replace(AT_WORK, run="", client=name, address="x")),
        ),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_criterion_22_a_hostile_name_is_inert_on_every_screen(name: str) -> None:
    texts = {f"topology/{name}.yaml": f"{name}\n{name}\n    {name}\n"}
    for document in hostile_documents(name):
        shown = quoted(document, texts) if "findings" in document else document
        for line in human.render(shown, width=80, colour=False).split("\n"):
            assert visible(line) == line
            assert line.isprintable()
            assert not line.lstrip().startswith(("::error", "##["))
            assert "##[" not in line
            assert "##vso[" not in line


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_makes_no_line_more(name: str) -> None:
    for hostile, harmless in zip(hostile_documents(name), hostile_documents("x" * cells(visible(name))), strict=True):
        lines = human.render(hostile, width=400, colour=False).count("\n")

        assert lines == human.render(harmless, width=400, colour=False).count("\n")


@pytest.mark.parametrize("name", HOSTILE)
def test_criterion_22_a_hostile_name_is_inert_in_json_and_comes_back_whole(name: str) -> None:
    for document in hostile_documents(name):
        written = machine.render(document)
        seal = {"checksum": report.checksum(document)} if document["format"] in machine.SEALED else {}

        assert written.isascii()
        assert all(char == "\n" or char.isprintable() for char in written)
        assert json.loads(written) == {**document, **seal}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("orders", "orders"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202eabc", r"\u202eabc"),
        ("\U000e0041", r"\U000e0041"),
        ("::error::x", r"\x3a:error::x"),
        ("  ::error::x", r"  \x3a:error::x"),
        ("::1", "::1"),
        ("a::b", "a::b"),
        ("x ##[error]y", r"x \x23#[error]y"),
        ("## heading", "## heading"),
        ("[red]:bomb:", "[red]:bomb:"),
        ("主题 é", "主题 é"),
    ],
)
def test_what_does_not_show_itself_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(shown) == shown
