"""`ack` writes consent into the files, and `validate --fix` takes expired consent out: nothing else changes, and the next plan goes through."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from in_memory import NOW, SETTINGS, World, read, settings_text, written
from jsonschema import Draft202012Validator
from test_cases import CASES, case_of, planned, world_of

from kafkaops import ack, app, cli, edit, rewrite, source, topology
from kafkaops.access import AclBinding
from kafkaops.ack import Terms
from kafkaops.cli import Options
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.commands import files
from kafkaops.findings import Exit, Finding, Location, Refusal, Severity
from kafkaops.plan import Acknowledgement, Plan
from kafkaops.report import Header, plan_document
from kafkaops.topology import Topology
from kafkaops.view import machine

TODAY = datetime.now(UTC).date()
SOON = (TODAY + timedelta(days=14)).isoformat()
PAST = (TODAY - timedelta(days=1)).isoformat()
A = "topic/order.a"

ORDERS = """\
# what orders are
domain: order
topics:
  order.a:
    partitions: 3   # as many as readers
    replication-factor: 2
    retention-ms: 3d

  order.b: {state: absent}   # the one to go

applications:
  order-service:
    produces: [order.*]
"""
LIVE: Mapping[str, Any] = {
    "topics": {
        "order.a": {"partitions": 3, "replication": 2, "config": {"retention.ms": "1209600000"}},
        "order.b": {"partitions": 1, "replication": 1},
    },
    "acls": [
        "User:order-service allow Write topic prefixed order. from *",
        "User:order-service allow Describe topic prefixed order. from *",
        "User:order-service allow Read topic literal payment.x from *",
        "User:order-service allow Read group literal g from *",
    ],
}


SETTINGS_IN_BLOCKS = yaml.safe_dump(yaml.safe_load(settings_text({})), sort_keys=False)


@dataclass
class Desk:
    """A folder, a cluster, and the command line."""

    root: Path
    cluster: SnapshotCluster

    def ack(
        self, *targets: str, plan: Path | None = None, until: str | None = None, reason: str = "", **flags: Any
    ) -> int:
        return files.ack(
            self.options(**flags),
            list(targets),
            plan_file=plan,
            until=until,
            reason=reason,
            connect=lambda _: lambda _: (self.cluster, None),
        )

    def options(self, cluster: str | None = None, output: tuple[str, ...] = ()) -> Options:
        return Options(None, self.root, cluster, list(output), False, False, "never", True)

    def text(self, name: str = "order.yaml") -> str:
        return (self.root / name).read_bytes().decode()

    @property
    def topology(self) -> Topology:
        found = topology.read(self.root, shown=_shown, version="0.1.0", today=TODAY)
        assert found.valid, found.findings
        return found

    def plan(self) -> tuple[Plan, Header]:
        found = self.topology
        request = app.Request(command="plan", topology=found, entry=found.entry(None), now=datetime.now(UTC))
        with app.plan(request, lambda _: (self.cluster, None)) as planned:
            return planned.plan, planned.header

    def dangers(self) -> set[str]:
        """What still blocks, today."""
        return {f"{one.code}@{one.address}" for one in self.plan()[0].findings if one.blocks}

    def saved_plan(self) -> Path:
        path = self.root.parent / "plan.json"
        path.write_text(machine.render(plan_document(*self.plan(), Exit.BLOCKED)), encoding="utf-8")
        return path


def _shown(path: Path) -> str:
    return os.path.relpath(path)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    folder = written(tmp_path / "topology", {"kafkaops.yaml": SETTINGS_IN_BLOCKS, "order.yaml": ORDERS})
    return Desk(folder, SnapshotCluster.from_dict(LIVE))


def line(**keys: str) -> str:
    return edit.written(keys)


# where it is written


def test_consent_to_a_topic_goes_into_its_block(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.ack("KO2104", reason="SEC-1123") == Exit.DONE

    entry = f'{{code: KO2104, cluster: test, change: "retention.ms 14d -> 3d", until: {SOON}, reason: SEC-1123}}'
    block = "    retention-ms: 3d\n"
    assert desk.text() == ORDERS.replace(block, f"{block}    acknowledge:\n      - {entry}\n")
    assert (
        capsys.readouterr().out == f"wrote topology/order.yaml:9: {entry}\n  to go on  kafkaops plan --cluster test\n"
    )


def test_consent_to_a_topic_in_braces_goes_to_the_top_of_its_file(desk: Desk) -> None:
    assert desk.ack("KO2106") == Exit.DONE

    entry = (
        f'{{code: KO2106, on: topic/order.b, cluster: test, change: "delete AAAAAAAAAAAAAAAAAAAAAw", until: {SOON}}}'
    )
    assert desk.text() == f"{ORDERS}acknowledge:\n  - {entry}\n"


def test_consent_to_revokes_goes_into_the_block_of_the_application(desk: Desk) -> None:
    assert desk.ack("KO3107") == Exit.DONE

    changes = '["revoke group/g/read", "revoke topic/payment.x/read"]'
    entry = f"{{code: KO3107, cluster: test, change: {changes}, until: {SOON}}}"
    assert desk.text() == f"{ORDERS}    acknowledge:\n      - {entry}\n"


def test_consent_to_the_revoke_of_one_binding_leaves_the_others_blocked(desk: Desk) -> None:
    assert desk.ack("KO3107@acl/User:order-service/group/g/read") == Exit.DONE

    entry = f'{{code: KO3107, cluster: test, change: "revoke group/g/read", until: {SOON}}}'
    assert desk.text() == f"{ORDERS}    acknowledge:\n      - {entry}\n"
    assert "KO3107@acl/User:order-service" in desk.dangers()

    assert desk.ack("KO3107") == Exit.DONE

    rest = f'{{code: KO3107, cluster: test, change: "revoke topic/payment.x/read", until: {SOON}}}'
    assert desk.text() == f"{ORDERS}    acknowledge:\n      - {entry}\n      - {rest}\n"
    assert "KO3107@acl/User:order-service" not in desk.dangers()


def test_two_applications_with_one_principal_share_the_top_of_the_file(desk: Desk) -> None:
    both = f"{ORDERS}  order-copier:\n    principal: User:order-service\n    produces: [order.*]\n"
    (desk.root / "order.yaml").write_text(both)

    assert desk.ack("KO3107@acl/User:order-service/group/g/read") == Exit.DONE

    entry = f'{{code: KO3107, on: "acl/User:order-service/group/g/read", cluster: test, change: revoke, until: {SOON}}}'
    assert desk.text() == f"{both}acknowledge:\n  - {entry}\n"
    assert desk.ack("KO3107") == Exit.DONE
    assert "KO3107@acl/User:order-service" not in desk.dangers()


def test_consent_to_a_retired_principal_goes_into_its_block(desk: Desk) -> None:
    (desk.root / "order.yaml").write_text(
        ORDERS.partition("applications:")[0] + "principals:\n  User:order-service:\n    state: absent\n"
    )

    assert desk.ack("KO3107") == Exit.DONE

    assert desk.text().startswith(
        ORDERS.partition("applications:")[0]
        + "principals:\n  User:order-service:\n    state: absent\n    acknowledge:\n      - {code: KO3107,"
    )
    assert "KO3107@acl/User:order-service" not in desk.dangers()


def test_what_no_file_caused_goes_into_kafkaops_yaml(desk: Desk) -> None:
    before = desk.text("kafkaops.yaml")
    finding = Finding(
        code="KO2130", severity=Severity.DANGER, message="", address="topic/order.z", consent=("x a -> b",)
    )
    wish = ack.Wish(finding, finding.consent)

    edited = ack.edited(desk.topology.documents, "topology/kafkaops.yaml", [wish], Terms("test", date(2026, 9, 1)))

    entry = '{code: KO2130, on: topic/order.z, cluster: test, change: "x a -> b", until: 2026-09-01}'
    assert edited.texts == {desk.root / "kafkaops.yaml": f"{before}acknowledge:\n- {entry}\n"}
    assert edited.written[0].where == Location("topology/kafkaops.yaml", before.count("\n") + 2, 3, 3 + len(entry))


def test_a_vendors_setting_takes_consent_both_ways(desk: Desk) -> None:
    a = "{partitions: 3, replication-factor: 2, config: {retention.ms: 14d, vendor.new: on it}}"
    (desk.root / "order.yaml").write_text(f"topics:\n  order.a: {a}\n")
    config = {"retention.ms": "1209600000", "vendor.old": "1"}
    desk.cluster = SnapshotCluster.from_dict(
        {"topics": {"order.a": {"partitions": 3, "replication": 2, "config": config}}}
    )
    assert desk.dangers() == {f"KO2130@{A}"}

    assert desk.ack(f"KO2130@{A}") == Exit.DONE

    assert "vendor.new unset -> on it" in desk.text()
    assert "vendor.old 1 -> unset" in desk.text()
    assert desk.dangers() == set()


def test_a_block_that_an_alias_shares_is_not_touched(desk: Desk) -> None:
    shared = ORDERS.replace("order.a:", "order.a: &a").replace("  order.b:", "  order.c: *a\n  order.b:")
    (desk.root / "order.yaml").write_text(shared)

    assert desk.ack(f"KO2104@{A}") == Exit.DONE

    entry = f'{{code: KO2104, on: topic/order.a, cluster: test, change: "retention.ms 14d -> 3d", until: {SOON}}}'
    assert desk.text() == f"{shared}acknowledge:\n  - {entry}\n"


def test_where_no_file_can_take_it_the_line_is_printed_and_nothing_is_written(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = json.dumps(yaml.safe_load(ORDERS))
    (desk.root / "order.yaml").write_text(flow)
    (desk.root / "kafkaops.yaml").write_text(top := json.dumps(SETTINGS))

    assert desk.ack("KO2104", "KO2106") == Exit.FAILED

    assert (desk.text(), desk.text("kafkaops.yaml")) == (flow, top)
    entry = f'- {{code: KO2104, on: topic/order.a, cluster: test, change: "retention.ms 14d -> 3d", until: {SOON}}}'
    assert entry in capsys.readouterr().err.replace("\n", " ").replace("  ", "")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a byte order mark"])
def test_line_ends_mode_and_byte_order_mark_stay(desk: Desk, mark: bytes) -> None:
    path = desk.root / "order.yaml"
    path.write_bytes(mark + ORDERS.replace("\n", "\r\n").encode())
    path.chmod(0o640)

    assert desk.ack("KO3107") == Exit.DONE

    data = path.read_bytes()
    assert data.startswith(mark + ORDERS.replace("\n", "\r\n").encode() + b"    acknowledge:\r\n      - {code: KO3107,")
    assert data.count(b"\n") == data.count(b"\r\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in desk.root.iterdir()) == ["kafkaops.yaml", "order.yaml"]


# which findings are meant


def test_a_bare_code_is_not_enough_for_two_findings(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.root / "more.yaml").write_text("domain: order\ntopics:\n  order.c: {state: absent}\n")
    desk.cluster = SnapshotCluster.from_dict(
        {**LIVE, "topics": {**LIVE["topics"], "order.c": {"partitions": 1, "replication": 1}}}
    )

    assert desk.ack("KO2106") == Exit.USAGE
    said = capsys.readouterr().err
    assert "2 findings are KO2106" in said
    assert "`KO2106@topic/order.b`, `KO2106@topic/order.c`" in said
    assert desk.text() == ORDERS

    assert desk.ack("KO2106@topic/order.b") == Exit.DONE
    assert desk.ack("KO2106") == Exit.DONE  # one is left


def test_a_pattern_means_all_that_it_matches_and_that_still_need_consent(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk.root / "more.yaml").write_text("domain: order\ntopics:\n  order.c: {state: absent}\n")
    desk.cluster = SnapshotCluster.from_dict(
        {**LIVE, "topics": {**LIVE["topics"], "order.c": {"partitions": 1, "replication": 1}}}
    )

    assert desk.ack("KO2106@topic/payment.*") == Exit.USAGE
    assert desk.ack("KO2106@topic/order.b") == Exit.DONE
    capsys.readouterr()
    assert desk.ack("KO2106@topic/*") == Exit.DONE

    assert capsys.readouterr().out.count("wrote ") == 1
    assert not [one for one in desk.dangers() if one.startswith("KO2106@")]
    assert [one for one in desk.dangers() if one.startswith("KO2104@")] == [f"KO2104@{A}"]


def test_several_settings_of_one_topic_have_one_address(desk: Desk) -> None:
    (desk.root / "order.yaml").write_text(ORDERS.replace("retention-ms: 3d", "config: {x.a: 3, x.b: 4}"))
    config = {"x.a": "1", "x.b": "2"}
    desk.cluster = SnapshotCluster.from_dict(
        {"topics": {"order.a": {"partitions": 3, "replication": 2, "config": config}}}
    )

    assert desk.ack(f"KO2130@{A}") == Exit.DONE

    assert desk.text().count("code: KO2130") == 2
    assert desk.dangers() == set()


def test_consent_that_is_given_is_told_and_not_written_twice(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.ack("KO2104")
    once = desk.text()
    capsys.readouterr()

    assert desk.ack("KO2104", f"ko2104@{A}") == Exit.DONE

    assert desk.text() == once
    told = "already acknowledged: KO2104 on topic/order.a\n"
    assert capsys.readouterr().out == f"{told}{told}  to go on  kafkaops plan --cluster test\n"


def test_one_target_twice_is_written_once(desk: Desk) -> None:
    assert desk.ack("KO2104", f"KO2104@{A}") == Exit.DONE

    assert desk.text().count("KO2104") == 1


def test_what_is_not_in_the_plan_is_told_with_what_is_near(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.ack("KO2104@topic/order.aa", "KO2106") == Exit.USAGE

    said = capsys.readouterr().err
    assert "the plan has no `KO2104@topic/order.aa`" in said
    assert "did you mean `KO2104@topic/order.a`" in said
    assert desk.text() == ORDERS  # all or none


@pytest.mark.parametrize("target", ["order.a", "KO21", "KO2104@", "@topic/order.a", ""])
def test_what_is_no_code_is_a_usage_error(desk: Desk, target: str) -> None:
    assert desk.ack(target) == Exit.USAGE


def test_what_is_impossible_is_refused_with_its_own_help(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.root / "order.yaml").write_text(fewer := ORDERS.replace("partitions: 3 ", "partitions: 2 "))

    assert desk.ack("KO2112", "KO2106") == Exit.BLOCKED

    said = capsys.readouterr().err
    assert "no acknowledgement helps here: order.a: partitions 3 -> 2 is impossible" in said
    assert "write 3; to have fewer, create another topic" in said
    assert desk.text() == fewer


def test_a_lockout_is_refused(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    glass = {"clusters": {"test": {"authorizer": {"break-glass": ["User:order-service"]}}}}
    (desk.root / "kafkaops.yaml").write_text(settings_text(glass))
    (desk.root / "order.yaml").write_text(managed := f'{ORDERS}principals:\n  "User:order-service": {{manage: true}}\n')

    assert desk.ack("KO3901@acl/User:order-service/group/g/read") == Exit.BLOCKED

    assert "no acknowledgement helps here: its removal would lock out User:order-service" in capsys.readouterr().err
    assert desk.text() == managed


def test_a_notice_needs_no_acknowledgement(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.root / "order.yaml").write_text(ORDERS.replace("  order.b: {state: absent}   # the one to go\n", ""))

    assert desk.ack("KO2301") == Exit.USAGE
    assert "KO2301 on topic/order.b blocks nothing" in capsys.readouterr().err


# until when


@pytest.mark.parametrize("days", [0, 1, 90])
def test_a_day_within_ninety_is_taken(days: int) -> None:
    assert ack.last_day((TODAY + timedelta(days=days)).isoformat(), TODAY) == TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026-06-30", "in the past"),
        ("2026-09-30", "more than 90 days ahead"),
        ("20260801", "not a date"),
        ("2026-13-01", "not a date"),
        ("2026-W30-1", "not a date"),
        ("tomorrow", "not a date"),
        ("", "not a date"),
    ],
)
def test_any_other_day_is_a_usage_error(text: str, why: str) -> None:
    with pytest.raises(Refusal, match=why) as refused:
        ack.last_day(text, date(2026, 7, 1))

    assert refused.value.exit_code == Exit.USAGE


def test_a_wrong_day_writes_nothing(desk: Desk) -> None:
    assert desk.ack("KO2104", until=PAST) == Exit.USAGE
    assert desk.text() == ORDERS


# a saved plan


def test_a_saved_plan_needs_no_cluster(desk: Desk) -> None:
    plan = desk.saved_plan()

    assert cli.run(["ack", "KO2104", "--plan", str(plan), "--until", SOON, "--reason", "a: b"]) == Exit.DONE

    entry = f'{{code: KO2104, cluster: test, change: "retention.ms 14d -> 3d", until: {SOON}, reason: "a: b"}}'
    assert entry in desk.text()


def test_a_saved_plan_is_held_against_the_files_of_today(desk: Desk) -> None:
    plan = desk.saved_plan()
    desk.ack("KO2104", plan=plan)
    once = desk.text()

    assert desk.ack("KO2104", plan=plan) == Exit.DONE

    assert desk.text() == once


def sealed(text: str) -> str:
    """As whoever forges a plan would: anybody can compute a checksum."""
    document = json.loads(text)
    del document["checksum"]
    return machine.render(document)


SPOILT = {
    "cut": (lambda text: text[: len(text) // 2], "is not JSON, or only a part of it"),
    "empty": (lambda _: "", "is not JSON, or only a part of it"),
    "deep": (lambda _: "[" * 100_000, "is not JSON, or only a part of it"),
    "a list": (lambda _: "[]", "is not a plan that kafkaops wrote"),
    "of another tool": (lambda _: '{"format_version": "1.2", "resource_changes": []}', "is not a plan that kafkaops wrote"),
    "of another command": (lambda text: text.replace("kafkaops.plan", "kafkaops.apply"), "is not a plan that kafkaops wrote"),
    "of another major version": (lambda text: text.replace('"format_version": "1.0"', '"format_version": "2.0"'), "format version `2.0`"),
    "edited": (lambda text: text.replace("order.a", "order.c"), "was edited or damaged: its checksum does not fit"),
    "without its checksum": (lambda text: text.replace('"checksum"', '"sum"'), "was edited or damaged: its checksum does not fit"),
    "that ended early": (lambda text: sealed(text.replace('"complete": true', '"complete": false, "error": ""')), "ended early"),
    "without its cluster": (lambda text: text.replace('"cluster": {', '"cluste": {'), "`cluster` is missing"),
    "with another severity": (lambda text: text.replace('"danger",', '"peril",'), "`findings.0.severity` holds what cannot stand there"),
    "with a number for a text": (lambda text: text.replace('"address": "topic/order.a",', '"address": 7,'), "address` holds what cannot stand there"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "why"), SPOILT.values(), ids=SPOILT)
def test_a_file_that_is_no_whole_plan_is_a_sentence(
    desk: Desk, spoil: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = desk.saved_plan()
    plan.write_text(spoil(plan.read_text()))

    assert desk.ack("KO2104", plan=plan) == Exit.INVALID

    assert why in " ".join(capsys.readouterr().err.split())
    assert desk.text() == ORDERS


def test_a_plan_that_is_no_file_is_a_usage_error(desk: Desk) -> None:
    os.mkfifo(pipe := desk.root.parent / "pipe")

    assert desk.ack("KO2104", plan=desk.root.parent / "none.json") == Exit.USAGE
    assert desk.ack("KO2104", plan=desk.root) == Exit.USAGE
    assert desk.ack("KO2104", plan=pipe) == Exit.USAGE


def test_a_plan_of_another_cluster_is_not_taken(desk: Desk) -> None:
    plan = desk.saved_plan()

    assert desk.ack("KO2104", plan=plan, cluster="staging") == Exit.NOT_APPROVED
    plan.write_text(sealed(plan.read_text().replace("snapshot-cluster-0001A", "another-cluster-00001A")))
    assert desk.ack("KO2104", plan=plan) == Exit.NOT_APPROVED
    assert desk.text() == ORDERS


def test_files_that_are_invalid_come_first(desk: Desk) -> None:
    (desk.root / "more.yaml").write_text("topic: {}\n")

    assert desk.ack("KO2104") == Exit.INVALID
    assert desk.text() == ORDERS


# the document


@pytest.mark.parametrize("targets", [("KO2104", "KO3107"), ("KO1",)])
def test_the_document_follows_its_schema(
    desk: Desk, targets: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    desk.ack(*targets, reason="OPS-1", output=("json",))

    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(machine.schema("kafkaops.ack")).validate(document)
    assert document["complete"] == (targets != ("KO1",))


def test_the_document_says_what_was_written_where(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.ack("KO2104")
    capsys.readouterr()

    desk.ack("KO3107@acl/User:order-service/group/g/read", "KO2104", output=("json",))

    document = json.loads(capsys.readouterr().out)
    entry = f'{{code: KO3107, cluster: test, change: "revoke group/g/read", until: {SOON}}}'
    assert {key: document[key] for key in ("format", "verdict", "cluster", "written", "already")} == {
        "format": "kafkaops.ack",
        "verdict": "written",
        "cluster": {"name": "test"},
        "written": [
            {
                "source": {"file": "topology/order.yaml", "line": 17, "column": 9, "end_column": 9 + len(entry)},
                "code": "KO3107",
                "address": "acl/User:order-service",
                "change": ["revoke group/g/read"],
                "until": SOON,
                "reason": "",
                "line": entry,
            }
        ],
        "already": [{"code": "KO2104", "address": "topic/order.a"}],
    }


# the law: consent to every danger unblocks the plan, and taken out again the files are the same


def every_danger(world: World) -> ack.Edited | None:
    made = planned(world)
    targets = (
        [f"{one.code}@{one.address}" for one in made.findings if one.severity is Severity.DANGER and one.consent]
        if made
        else []
    )
    if made is None or not targets:
        return None
    name = world.request.entry.name
    given = world.topology.desired[name].acknowledgements
    wishes = ack.wishes(targets, made.findings, given, name)
    return ack.edited(world.topology.documents, "kafkaops.yaml", wishes, Terms(name, date(2026, 9, 1)))


def put(world: World, edited: ack.Edited) -> World:
    before = {document.path: document.text for document in world.topology.documents}
    rewrite.rewrite(
        world.topology.root, [rewrite.Rewrite(path, before[path], text) for path, text in edited.texts.items()]
    )
    return replace(world, topology=read(world.topology.root))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_consent_to_every_danger_unblocks_the_next_plan(path: Path, tmp_path: Path) -> None:
    world = world_of(case_of(path), tmp_path / "topology")
    if (edited := every_danger(world)) is None:
        return

    after = put(world, edited)

    assert after.topology.valid, after.topology.findings
    assert [
        one for one in after.plan().findings if one.severity is Severity.DANGER and one.blocks and one.consent
    ] == []


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_consent_taken_out_again_leaves_the_same_bytes(path: Path, tmp_path: Path) -> None:
    world = world_of(case_of(path), tmp_path / "topology")
    if any(edit.LIST in text for text in world.topology.texts.values()):
        return
    if (edited := every_danger(world)) is None:
        return
    before = {document.path: document.text for document in world.topology.documents}

    texts, expired = ack.without_expired(put(world, edited).topology.documents, date(2026, 9, 2))

    assert {**before, **texts} == before
    assert all(one.removed for one in expired)
    assert len(expired) == len(edited.written)


GROUPS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda name: name.strip() == name and "  " not in name
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(st.one_of(GROUPS, st.sampled_from(["a->b", "a -> b", "[red]", "::error::", "- x: {y}", "#", "yes", 'q"uo\'te\\', "%0A", "a@b", "@", "a/b"])), min_size=1, max_size=3, unique=True))  # fmt: skip
def test_whatever_a_group_is_called_its_revoke_can_be_acknowledged(tmp_path: Path, names: list[str]) -> None:
    root = tmp_path / "topology"
    if not root.exists():
        written(root, {"kafkaops.yaml": settings_text({}), "order.yaml": ORDERS})
    (root / "order.yaml").write_text(ORDERS)
    cluster = SnapshotCluster.from_dict({})
    cluster.create_acls(
        [AclBinding("User:order-service", "Allow", "Read", "Group", "Literal", name, "*") for name in names]
    )
    world = World(read(root), cluster)
    edited = every_danger(world)
    assert edited is not None

    after = put(world, edited)

    assert [one.code for one in after.plan().findings if one.blocks] == []


# writing


def test_all_files_are_written_or_none(tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("a: 1\n")
    two.write_text("b: 2\n")

    with pytest.raises(rewrite.CannotWrite, match="has changed since it was read"):
        rewrite.rewrite(tmp_path, [rewrite.Rewrite(one, "a: 1\n", "a: 2\n"), rewrite.Rewrite(two, "b: 1\n", "b: 2\n")])

    assert (one.read_text(), two.read_text()) == ("a: 1\n", "b: 2\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_a_file_that_cannot_be_replaced_takes_the_others_back(tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("a: 1\n")
    two.write_text("b: 1\n")

    def files() -> Iterator[rewrite.Rewrite]:
        yield rewrite.Rewrite(one, "a: 1\n", "a: 2\n")
        staged = set(tmp_path.glob(".*.tmp"))
        yield rewrite.Rewrite(two, "b: 1\n", "b: 2\n")
        for new in set(tmp_path.glob(".*.tmp")) - staged:
            new.unlink()

    with pytest.raises(rewrite.CannotWrite, match="cannot be written"):
        rewrite.rewrite(tmp_path, files())

    assert (one.read_text(), two.read_text()) == ("a: 1\n", "b: 1\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.yaml", "b.yaml"]


def test_what_is_no_regular_file_below_the_folder_is_not_written(tmp_path: Path) -> None:
    (folder := tmp_path / "topology").mkdir()
    (outside := tmp_path / "outside.yaml").write_text("a: 1\n")
    (link := folder / "link.yaml").symlink_to(outside)

    (folder / "a.yaml").write_text("a: 1\n")
    (inner := folder / "inner.yaml").symlink_to(folder / "a.yaml")

    for path in (link, inner, outside):
        with pytest.raises(rewrite.CannotWrite, match="no regular file below the topology folder"):
            rewrite.rewrite(folder, [rewrite.Rewrite(path, "a: 1\n", "a: 2\n")])

    assert outside.read_text() == "a: 1\n"


def test_a_file_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(rewrite.CannotWrite, match="cannot be written: no such file or directory"):
        rewrite.rewrite(tmp_path, [rewrite.Rewrite(tmp_path / "a.yaml", "", "a: 1\n")])


# validate --fix


def fixable(until: str) -> str:
    return ORDERS.replace(
        "    retention-ms: 3d\n",
        "    retention-ms: 3d\n    acknowledge:\n"
        f'      - {{code: KO2104, cluster: test, change: "retention.ms 14d -> 3d", until: {until}}}\n',
    )


def test_fix_removes_expired_consent_and_says_which(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    (desk.root / "order.yaml").write_text(fixable(PAST))

    assert files.validate(desk.options(), (), fix=True) == Exit.DONE

    assert desk.text() == ORDERS
    said = capsys.readouterr()
    assert (
        said.err
        == f"removed topology/order.yaml:9: the acknowledgement of KO2104 on topic/order.a, which expired on {PAST}\n"
    )
    assert said.out == "2 files checked, no cluster contacted: no problems\n"


@pytest.mark.parametrize("until", [TODAY.isoformat(), SOON])
def test_fix_leaves_consent_that_holds(desk: Desk, until: str) -> None:
    (desk.root / "order.yaml").write_text(fixable(until))

    assert files.validate(desk.options(), (), fix=True) == Exit.DONE

    assert desk.text() == fixable(until)


def test_without_fix_nothing_is_written(desk: Desk) -> None:
    (desk.root / "order.yaml").write_text(fixable(PAST))

    assert files.validate(desk.options(), (), fix=False) == Exit.DONE

    assert desk.text() == fixable(PAST)


def test_fix_removes_only_what_expired_wherever_it_stands(desk: Desk) -> None:
    kept = f'{{code: KO3107, on: "acl/User:x", change: revoke, until: {SOON}}}'
    gone = f'{{code: KO3107, on: "acl/User:y", cluster: other, change: revoke, until: {PAST}}}'
    before = f"# consent\nacknowledge:\n  # x\n  - {kept}\n  # y\n  - {gone}  # long ago\n  - {gone}\n\n# end\n"
    (desk.root / "consent.yaml").write_text(before)

    assert files.validate(desk.options(), (), fix=True) == Exit.DONE

    assert desk.text("consent.yaml") == f"# consent\nacknowledge:\n  # x\n  - {kept}\n  # y\n\n# end\n"


def test_fix_tells_what_it_cannot_cut_out_alone(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    shared = (
        fixable(PAST)
        .replace("acknowledge:", "acknowledge: &all")
        .replace("  order.b: {state: absent}", "  order.b: {state: absent, acknowledge: *all}")
    )
    (desk.root / "order.yaml").write_text(shared)

    files.validate(desk.options(), (), fix=True)

    assert desk.text() == shared
    assert capsys.readouterr().err.startswith(
        "left, since an alias or its style keeps it from being cut out alone: topology/order.yaml:9"
    )


def test_consent_of_another_day_or_cluster_is_no_consent() -> None:
    finding = Finding(code="KO2104", severity=Severity.DANGER, message="", address=A, consent=("x a -> b",))
    given = Acknowledgement("KO2104", A, "other", frozenset(finding.consent), NOW.date(), "", Location("", 1, 1, 2))

    assert ack.wishes(["KO2104"], [finding], [given], "test") == (ack.Wish(finding, finding.consent),)
    assert ack.wishes(["KO2104"], [finding], [given], "other") == (ack.Wish(finding, ()),)


def test_what_is_written_reads_as_the_finding_asks(desk: Desk) -> None:
    desk.ack("KO2104", "KO2106", "KO3107")

    block, findings = source.parse(desk.text(), "order.yaml")
    assert block is not None
    assert not findings
    assert desk.dangers() == set()
