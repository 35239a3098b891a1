"""The documents: what machines read."""

from __future__ import annotations

import json
from itertools import permutations

import jsonschema
import pytest
from view_examples import (
    AT_WORK,
    BILLING,
    BLOCKED,
    BUSY,
    CREATED_AT,
    CREATES,
    DANGERS,
    ERRORS,
    GRANTS,
    INVALID,
    LOSSES,
    READY,
    REMARKS,
    RETENTION,
    REVOKES,
    documents,
    header,
    plan,
    revoked,
    updated,
)
from view_examples import acl as binding

from kafkaops import report
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.plan import From, Outcome, Plan, Result, Value
from kafkaops.view import machine


def blocked() -> dict[str, object]:
    return report.plan_document(BLOCKED, header(), Exit.BLOCKED)


def change(document: dict[str, object], id_: str) -> object:
    rows = document["changes"]
    assert isinstance(rows, list)
    return next(row for row in rows if row["id"] == id_)


@pytest.mark.parametrize("name", documents())
def test_every_document_follows_its_published_schema(name: str) -> None:
    document = documents()[name]
    schema = machine.schema(document["format"])
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.Draft202012Validator(schema).validate(json.loads(machine.render(document)))


@pytest.mark.parametrize(
    "command", ["plan", "drift", "apply", "validate", "describe", "doctor", "status", "explain", "sandbox up", "schema"]
)
def test_a_command_that_ends_early_writes_its_own_format(command: str) -> None:
    document = report.failure_document(command, INVALID, Exit.INVALID, created_at=CREATED_AT)
    jsonschema.Draft202012Validator(machine.schema(document["format"])).validate(document)

    assert (document["format"], document["complete"], document["verdict"], document["exit_code"]) == (
        report.FORMATS.get(command.partition(" ")[0], "kafkaops.failure"),
        False,
        "invalid",
        4,
    )


def test_whoever_waits_is_told_who_has_the_lock() -> None:
    document = report.failure_document(
        "apply", (BUSY,), Exit.BUSY, created_at=CREATED_AT, facts={"holder": report.holder(AT_WORK)}
    )
    validator = jsonschema.Draft202012Validator(machine.schema("kafkaops.apply"))
    validator.validate(document)

    assert BUSY.message == (
        "another run is at work: ci on runner-7 since 2026-09-28 14:02:14Z, at step 2 of 5 (https://ci.example/jobs/1)"
    )
    for key in document["holder"]:
        assert not validator.is_valid({**document, "holder": {**document["holder"], key: []}}), key


@pytest.mark.parametrize("name", documents())
def test_a_document_that_lacks_a_key_does_not_follow_the_schema(name: str) -> None:
    document = documents()[name]
    validator = jsonschema.Draft202012Validator(machine.schema(document["format"]))
    optional = {"cluster", "source", "live"} if document["format"] == "kafkaops.doctor" else set[str]()
    for key in document.keys() - optional:
        assert not validator.is_valid({name: value for name, value in document.items() if name != key}), key


def test_a_changed_setting_has_both_sides_and_its_place() -> None:
    assert change(blocked(), "topic:payments.settled.v2#retention.ms") == {
        "id": "topic:payments.settled.v2#retention.ms",
        "address": "topic/payments.settled.v2",
        "action": "update",
        "source": {"file": "topology/payments.yaml", "line": 31, "column": 7, "end_column": 19},
        "summary": "",
        "field": "retention.ms",
        "before": {"value": "1209600000", "display": "14d", "from": "topic_override"},
        "after": {"value": "259200000", "display": "3d", "from": "file"},
        "fields": [],
        "api_call": "incrementalAlterConfigs",
        "reversible": False,
        "phase": 5,
        "carries": {},
        "hash": "25f79cd58b9d5983ef963e664e2bd068c3795206343608b63f4ed8b05d8a9c79",
        "findings": ["KO2104#1"],
    }


def test_a_revoke_has_the_whole_binding_before_and_nothing_after() -> None:
    assert change(blocked(), "acl:acl/User:svc-legacy-billing/topic/payments.settled.v2/read") == {
        "id": "acl:acl/User:svc-legacy-billing/topic/payments.settled.v2/read",
        "address": "acl/User:svc-legacy-billing/topic/payments.settled.v2/read",
        "action": "revoke",
        "source": {"file": "topology/billing.yaml", "line": 18, "column": 3, "end_column": 17, "removed": True},
        "summary": "",
        "field": None,
        "before": {
            "principal": "User:svc-legacy-billing",
            "permission": "Allow",
            "operation": "Read",
            "resource_type": "Topic",
            "pattern_type": "Literal",
            "resource_name": "payments.settled.v2",
            "host": "*",
        },
        "after": None,
        "fields": [],
        "api_call": "deleteAcls",
        "reversible": True,
        "phase": 4,
        "carries": {},
        "hash": "847f206d50f6595b1dcb81de84c82a4cca4fb8f5748394da16c93f2eeb9fa8c5",
        "findings": ["KO3107#1"],
    }


def test_a_danger_says_what_an_acknowledgement_must_name() -> None:
    document = report.plan_document(plan(LOSSES, DANGERS[:1]), header(), Exit.BLOCKED)

    assert document["findings"] == [
        {
            "ref": "KO2104#1",
            "code": "KO2104",
            "severity": "danger",
            "blocking": True,
            "acknowledged": False,
            "title": "lower retention deletes records",
            "message": "payments.settled.v2: retention.ms 14d -> 3d",
            "address": "topic/payments.settled.v2",
            "source": {"file": "topology/payments.yaml", "line": 31, "column": 7, "end_column": 19},
            "label": "",
            "also": [],
            "help": "",
            "fix": "",
            "notes": ["records older than 3d are deleted, about 5 min after apply, in every partition"],
            "ack": {
                "code": "KO2104",
                "on": "topic/payments.settled.v2",
                "change": ["retention.ms 1209600000 -> 259200000"],
            },
        }
    ]


def test_two_findings_of_one_code_on_one_topic_go_each_to_its_own_setting() -> None:
    sides = Value("2", "2", From.TOPIC), Value("1", "1", From.FILE)
    keys = ("segment.bytes", "segment.ms")
    changes = tuple(updated("orders.a", key, *sides, RETENTION, "KO2130") for key in keys)
    findings = tuple(
        Finding(
            code="KO2130",
            severity=Severity.DANGER,
            message=f"orders.a: {key} 2 -> 1",
            address="topic/orders.a",
            where=RETENTION,
            consent=(f"{key} 2 -> 1",),
        )
        for key in reversed(keys)
    )
    document = report.plan_document(plan(changes, findings), header(), Exit.BLOCKED)
    told = {one["ref"]: one["message"] for one in document["findings"]}

    assert [(one["field"], [told[ref] for ref in one["findings"]]) for one in document["changes"]] == [
        ("segment.bytes", ["orders.a: segment.bytes 2 -> 1"]),
        ("segment.ms", ["orders.a: segment.ms 2 -> 1"]),
    ]


def test_a_revoke_that_no_danger_names_carries_none() -> None:
    harmless = revoked(
        binding("User:svc-legacy-billing", "Describe", "Topic", "Literal", "x"), "topic/x/describe", BILLING
    )
    document = report.plan_document(plan((*REVOKES, harmless), DANGERS[2:]), header(), Exit.BLOCKED)

    assert [one["findings"] for one in document["changes"]] == [["KO3107#1"], []]


def test_the_summary_counts_resources_and_not_settings() -> None:
    sides = Value("2", "2", From.TOPIC), Value("1", "1", From.FILE)
    changes = tuple(updated("orders.a", key, *sides, RETENTION) for key in ("segment.bytes", "segment.ms"))
    document = report.plan_document(plan((*changes, *CREATES, *GRANTS)), header(), Exit.DONE)

    assert document["summary"] == {
        "topics": {"create": 2, "change": 1, "delete": 0, "undeclared": 3, "stuck": 0, "in_sync": 385, "unmanaged": 23},
        "acls": {"grant": 2, "revoke": 0, "in_sync": 1102, "unmanaged": 105},
        "findings": {"error": 0, "danger": 0, "warning": 0, "notice": 0, "danger_unacknowledged": 0},
    }


@pytest.mark.parametrize(
    ("made", "exit_code", "verdict"),
    [
        (plan(), 0, "in_sync"),
        (READY, 0, "ready"),
        (READY, 2, "ready"),
        (READY, 3, "blocked"),
        (BLOCKED, 3, "blocked"),
        (BLOCKED, 0, "blocked"),
        (plan((), ERRORS), 3, "blocked"),
        (plan((), REMARKS), 0, "in_sync"),
    ],
)
def test_the_verdict_of_a_plan(made: Plan, exit_code: int, verdict: str) -> None:
    assert report.plan_document(made, header(), exit_code)["verdict"] == verdict


def test_a_change_without_an_outcome_was_not_reached() -> None:
    outcomes = [Outcome(READY.changes[0].id, Result.FAILED, "TIMED_OUT")]
    document = report.apply_document(READY, header("apply"), outcomes, None, Exit.INCOMPLETE)

    assert document["verdict"] == "incomplete"
    assert document["results"] == {"applied": 0, "failed": 1, "skipped": 0, "not_reached": 4}
    assert [(one["result"], one["code"]) for one in document["outcomes"]] == [("failed", "KO7001")] + [
        ("not_reached", None)
    ] * 4


def test_applied_and_not_as_planned_is_incomplete() -> None:
    assert documents()["apply-not-as-planned"]["verdict"] == "incomplete"
    assert documents()["apply-done"]["verdict"] == "applied"


def test_applied_and_not_read_again_is_incomplete() -> None:
    assert documents()["apply-unproven"]["verdict"] == "incomplete"


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("apply-done", None),
        ("apply-interrupted", "2 of 5 changes are done, and the cluster was not read again after it"),
        ("apply-unproven", "5 of 5 changes are done, and the cluster was not read again after it"),
        ("apply-not-as-planned", "5 of 5 changes are done"),
    ],
)
def test_an_apply_that_did_not_do_and_prove_everything_is_not_complete(name: str, error: str | None) -> None:
    document = documents()[name]

    assert (document["complete"], document.get("error")) == (error is None, error)


def test_a_finding_comes_back_from_its_document() -> None:
    found = (*DANGERS, *ERRORS, *REMARKS, *INVALID)
    entries = report.validation_document(found, 1, 4, created_at=CREATED_AT)["findings"]

    assert {report.finding_of(entry) for entry in entries} == set(found)


def test_the_order_in_which_things_were_found_changes_no_byte() -> None:
    first = machine.render(blocked())
    for changes in permutations((CREATES, LOSSES, GRANTS + REVOKES)):
        for findings in permutations((DANGERS, ERRORS, REMARKS)):
            made = plan(READY.changes[4:] + sum(changes, ()), sum(findings, ()))

            assert machine.render(report.plan_document(made, header(), Exit.BLOCKED)) == first


def test_a_principal_gets_one_command_for_each_resource() -> None:
    assert documents()["doctor"]["grants"][0]["commands"] == [
        "kafka-acls.sh --add --allow-principal User:kafkaops-plan --operation Describe --operation DescribeConfigs --cluster",
        "kafka-acls.sh --add --allow-principal User:kafkaops-plan --operation Describe --topic '*'",
        "kafka-acls.sh --add --allow-principal User:kafkaops-plan --operation Describe --topic orders. --resource-pattern-type prefixed",
    ]


def test_a_refusal_keeps_its_sentences() -> None:
    refusal = Refusal(Exit.INVALID, *INVALID[:2])
    document = report.failure_document("plan", refusal.findings, refusal.exit_code, created_at=CREATED_AT)

    assert document["error"] == str(refusal)
