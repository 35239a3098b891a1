"""`-o` in every format, and `show`: a saved document again, byte for byte, or a sentence; two plans beside each other."""

from __future__ import annotations

import copy
import json
import os
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from in_memory import World, read, settings_text, written
from jsonschema import Draft202012Validator
from test_view_hostile import HOSTILE, hostile_documents
from view_examples import ACKNOWLEDGED, DANGERS, LOSSES, documents, header, plan

from kafkaops import app, cli, comparison, report, schema, snapshots
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.commands import saved
from kafkaops.findings import Exit
from kafkaops.view import annotations, comparison_markdown, concise, github_output, human, junit, machine, markdown
from kafkaops.view.visible import visible

ORDERS = """\
domain: order
topics:
  order.a: {partitions: 3, replication-factor: 2, retention-ms: 14d}
"""
LIVE = {"topics": {"order.a": {"partitions": 3, "replication": 2, "config": {"retention.ms": "1209600000"}}}}
NEW = "  order.b: {partitions: 1, replication-factor: 2}\n"
CASES = {
    "in sync": (ORDERS, (), Exit.DONE),
    "ready": (ORDERS + NEW, (), Exit.DONE),
    "ready, in detail": (ORDERS + NEW, ("--detailed-exitcode",), Exit.CHANGES),
    "partial": (ORDERS + NEW, ("--only", "topic/order.b"), Exit.DONE),
    "blocked": (ORDERS.replace("14d", "1d"), (), Exit.BLOCKED),
    "blocked, and not minded": (ORDERS.replace("14d", "1d") + NEW, ("--exit-zero",), Exit.DONE),
    "invalid": (ORDERS + "  order.c: {partitions: many}\n", (), Exit.INVALID),
    "of nothing": (ORDERS, ("--only", "topic/none"), Exit.USAGE),
}
PLAN_FORMATS = [one for one in cli.formats("plan") if one != "json"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a topology and a snapshot, where commands run."""
    for name in ("GITHUB_OUTPUT", "GITHUB_WORKSPACE", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    root = written(tmp_path / "topology", {"kafkaops.yaml": settings_text({}), "order.yaml": ORDERS})
    world = World(read(root), SnapshotCluster.from_dict(LIVE))
    taken = snapshots.document(app.snapshot(world.request, world.connect, reduced=False))
    (tmp_path / "snapshot.json").write_text(snapshots.text_of(taken))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(desk: Path, text: str, *flags: str) -> int:
    (desk / "topology" / "order.yaml").write_text(text)
    return cli.run(["plan", "--against", "snapshot.json", *flags])


# the same bytes


@pytest.mark.parametrize(("text", "flags", "code"), CASES.values(), ids=CASES)
def test_criterion_26_show_gives_every_format_of_a_plan_again(
    desk: Path, text: str, flags: tuple[str, ...], code: int
) -> None:
    every = [flag for one in PLAN_FORMATS for flag in ("-o", f"{one}={desk}/{one}.1")]

    assert planned(desk, text, *flags, "-o", "json=plan.json", *every) == code
    again = [flag for one in PLAN_FORMATS for flag in ("-o", f"{one}={desk}/{one}.2")]
    assert cli.run(["show", "plan.json", "-o", "json=again.json", *again]) == Exit.DONE

    assert (desk / "again.json").read_bytes() == (desk / "plan.json").read_bytes()
    for one in PLAN_FORMATS:
        assert (desk / f"{one}.2").read_bytes() == (desk / f"{one}.1").read_bytes(), one


@pytest.mark.parametrize("flags", [(), ("--color", "always"), ("--details",), ("-v",)], ids=str)
@pytest.mark.parametrize("text", [ORDERS, ORDERS + NEW, ORDERS.replace("14d", "1d")])
def test_criterion_26_show_prints_what_plan_printed(
    desk: Path, text: str, flags: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    planned(desk, text, "-o", "text", "-o", "json=plan.json", *flags)
    first = capsys.readouterr().out
    cli.run(["show", "plan.json", *flags])

    assert first
    assert capsys.readouterr().out == first


def test_a_screen_quotes_the_lines_of_wrong_files_also_when_these_are_gone(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(desk, CASES["invalid"][0], "-o", "text", "-o", "json=plan.json")
    first = capsys.readouterr().out
    (desk / "topology" / "order.yaml").unlink()
    cli.run(["show", "plan.json"])

    assert "order.c: {partitions: many}" in first
    assert capsys.readouterr().out == first


def test_what_ended_early_is_shown_on_stdout_since_it_is_what_was_asked_for(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(desk, *CASES["of nothing"][:1], *CASES["of nothing"][1], "-o", "text", "-o", "json=plan.json")
    first = capsys.readouterr()
    code = cli.run(["show", "plan.json"])
    shown = capsys.readouterr()

    assert (first.out, code, shown.err) == ("", Exit.DONE, "")
    assert shown.out == first.err


@pytest.mark.parametrize("name", [one for one, document in documents().items() if document["format"] in saved.EVERY])
def test_every_saved_document_is_read_whole(name: str, tmp_path: Path) -> None:
    path = tmp_path / "saved.json"
    path.write_text(machine.render(documents()[name]))

    assert saved.read(path, formats=saved.EVERY) == documents()[name]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_comes_back_whole(name: str, tmp_path: Path) -> None:
    for document in hostile_documents(name):
        if document["format"] in saved.EVERY:
            (tmp_path / "saved.json").write_text(machine.render(document))

            assert saved.read(tmp_path / "saved.json", formats=saved.EVERY) == document


# which formats


@pytest.mark.parametrize(
    ("command", "asked", "says"),
    [
        (["plan"], "junit", "`plan` has no `-o junit`"),
        (["plan"], "xml", "`-o xml` is no output"),
        (["plan"], "markdown=", "`-o markdown=` is no output"),
        (["doctor"], "markdown", "`doctor` has no `-o markdown`"),
        (["describe", "topic/order.a"], "concise", "`describe` has no `-o concise`"),
    ],
)
def test_a_format_that_a_command_does_not_have_is_a_usage_error(
    desk: Path, command: list[str], asked: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*command, "-o", asked]) == Exit.USAGE

    told = capsys.readouterr()
    assert told.out == ""
    assert says in told.err
    assert f"write one of {', '.join(cli.formats(command[0]))}, and `=PATH` for a file" in told.err
    assert desk.exists()


def test_a_saved_plan_has_the_formats_of_its_command(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned(desk, ORDERS, "-o", "json=plan.json")
    capsys.readouterr()

    assert cli.run(["show", "plan.json", "-o", "junit=x.xml"]) == Exit.USAGE
    assert "`plan` has no `-o junit`" in capsys.readouterr().err


@pytest.mark.parametrize("pair", [("text", "json"), ("json", "markdown"), ("github", "concise"), ("text", "text")])
def test_two_formats_are_not_mixed_on_stdout(
    desk: Path, pair: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert planned(desk, ORDERS, "-o", pair[0], "-o", pair[1]) == Exit.USAGE
    assert "would be mixed on stdout" in capsys.readouterr().err


def test_annotations_may_stand_in_the_log(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(desk, ORDERS.replace("14d", "1d"), "-o", "text", "-o", "github") == Exit.BLOCKED

    told = capsys.readouterr().out
    assert "::error file=topology/order.yaml,line=3," in told
    assert "BLOCKED: 1 danger needs acknowledgement" in told


@pytest.mark.parametrize("format_", [one for one in cli.formats("validate") if one != "text"])
def test_criterion_23_stdout_carries_only_the_asked_format(
    desk: Path, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "topology" / "order.yaml").write_text(CASES["invalid"][0])

    assert cli.run(["validate", "-o", format_]) == Exit.INVALID

    told = capsys.readouterr()
    assert told.out
    cli.run(["validate", "-o", f"{format_}=there", "-q"])
    assert timeless(told.out) == timeless((desk / "there").read_text())
    assert bool(told.err) == (format_ != "concise")


def timeless(text: str) -> str:
    """The second run may be in the next second, of which times and the checksum over them tell."""
    return re.sub(r"[0-9]", "0", re.sub(r"sha256:[0-9a-f]{64}", "sha256:", text))


# GitHub's own


def test_the_outputs_of_a_step_are_appended_to_the_file_that_github_names(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = desk / "outputs"
    step.write_text("mine=1\n")
    monkeypatch.setenv("GITHUB_OUTPUT", str(step))

    assert planned(desk, ORDERS.replace("14d", "1d"), "-o", "github-output", "-o", "text") == Exit.BLOCKED

    assert (
        step.read_text()
        == "mine=1\nverdict=blocked\nchanges=1\ndangers=1\nfingerprint=kp1-1f20-6964-46af\ncluster=test\nexit-code=3\n"
    )
    assert "verdict=" not in capsys.readouterr().out


def test_without_that_file_they_go_to_stdout(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(desk, ORDERS, "-o", "github-output") == Exit.DONE
    assert (
        capsys.readouterr().out
        == "verdict=in_sync\nchanges=0\ndangers=0\nfingerprint=kp1-9f9c-bad2-bc97\ncluster=test\nexit-code=0\n"
    )


def test_they_are_told_also_where_the_command_ends_early(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert planned(desk, ORDERS, "--only", "topic/none", "-o", "github-output") == Exit.USAGE
    assert capsys.readouterr().out == "verdict=failed\nchanges=\ndangers=\nfingerprint=\ncluster=test\nexit-code=64\n"


def annotated(capsys: pytest.CaptureFixture[str]) -> str:
    planned_text = capsys.readouterr().out
    return planned_text.split("file=", 1)[1].split(",", 1)[0]


def test_annotations_name_files_from_the_root_of_the_repository(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def shown() -> str:
        planned(desk, ORDERS.replace("14d", "1d"), "-o", "github")
        return annotated(capsys)

    assert shown() == "topology/order.yaml"
    (desk.parent / ".git").mkdir()
    assert shown() == f"{desk.name}/topology/order.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(desk))
    assert shown() == "topology/order.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(desk / "elsewhere"))
    assert shown() == "topology/order.yaml"
    (desk.parent / ".git").rmdir()


# what is no document


def spoilt(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def spoil(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document)

    return spoil


SPOILT = {
    "cut": (lambda text: text[:-20], "is not JSON, or only a part of it"),
    "empty": (lambda _: "", "is not JSON"),
    "deep": (lambda _: '{"a":' * 100_000, "is not JSON"),
    "edited": (lambda text: text.replace("1d", "2d"), "was edited or damaged: its checksum does not fit"),
    "with another key": (spoilt(lambda one: one.update(note="mine")), "was edited or damaged: its checksum does not fit"),
    "not a number": (lambda text: text.replace('"exit_code": 3', '"exit_code": NaN'), "is not JSON"),
    "without end": (lambda text: text.replace('"exit_code": 3', '"x": 1e999, "exit_code": 3'), "is not JSON"),
    "another's": (lambda _: '{"format_version": "1.2", "resource_changes": []}', "is not a plan or the outcome of an apply or a validation"),
    "a snapshot": (lambda text: text.replace("kafkaops.plan", "kafkaops.snapshot"), "is not a plan or"),
    "of a later major version": (lambda text: text.replace('"format_version": "1.0"', '"format_version": "2.0"'), "format version `2.0`"),
    "without its changes": (spoilt(lambda one: one.pop("changes")), "`changes` is missing"),
    "with another action": (spoilt(lambda one: one["changes"][0].update(action="destroy")), "`changes.0.action`"),
    "with an update of nothing": (spoilt(lambda one: one["changes"][0].update(field=None)), "`changes.0.field`"),
    "with a hostile key": (spoilt(lambda one: one["changes"][0].update(before={"\x1b[31m": 1})), "`changes.0.before`"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "says"), SPOILT.values(), ids=SPOILT)
def test_a_file_that_is_no_whole_document_is_a_sentence(
    desk: Path, spoil: Callable[[str], str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(desk, ORDERS.replace("14d", "1d"), "-o", "json=plan.json")
    capsys.readouterr()
    (desk / "plan.json").write_text(spoil((desk / "plan.json").read_text()))

    assert cli.run(["show", "plan.json", "-o", "json"]) == Exit.INVALID

    told = capsys.readouterr()
    assert says in " ".join(told.err.split())
    assert all(visible(line) == line for line in told.err.splitlines())
    document = json.loads(told.out)
    Draft202012Validator(machine.schema("kafkaops.comparison")).validate(document)
    assert (document["exit_code"], document["complete"]) == (4, False)


@pytest.mark.parametrize("format_", cli.formats("show"))
@pytest.mark.parametrize("files", [("plan.json",), ("plan.json", "plan.json")], ids=["one", "two"])
def test_a_file_that_is_no_whole_document_is_a_sentence_in_every_format(
    desk: Path, capsys: pytest.CaptureFixture[str], files: tuple[str, ...], format_: str
) -> None:
    assert planned(desk, ORDERS + NEW, "-o", "json=plan.json") == Exit.DONE
    (desk / "plan.json").write_text((desk / "plan.json").read_text().replace("order.b", "order.c"))
    capsys.readouterr()

    refused_before = len(files) == 2 and format_ not in {"text", "json", "markdown"}
    assert cli.run(["show", *files, "-o", format_]) == (Exit.USAGE if refused_before else Exit.INVALID)

    told = capsys.readouterr()
    assert "verdict" in told.out if format_ == "github-output" else "KO7005" in told.out + told.err


def test_a_document_that_is_laid_out_anew_is_the_same(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned(desk, ORDERS.replace("14d", "1d"), "-o", "json=plan.json")
    written = (desk / "plan.json").read_text()
    (desk / "plan.json").write_text(json.dumps(json.loads(written), sort_keys=True))
    capsys.readouterr()

    assert cli.run(["show", "plan.json", "-o", "markdown"]) == Exit.DONE
    assert "KO2104" in capsys.readouterr().out


def test_what_cannot_be_read_is_a_usage_error(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(desk / "pipe")
    monkeypatch.setattr(saved, "_LARGEST", 10)
    (desk / "large").write_text("{" + " " * 20 + "}")

    assert {cli.run(["show", name]) for name in ("none.json", ".", "pipe", "large", "/dev/zero")} == {Exit.USAGE}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


ODD = (
    "",
    "x\n::error::y",
    -1,
    0,
    7,
    1e300,
    None,
    True,
    [],
    {},
    ["x"],
    {"x": 1},
    "topic",
    "2026-13-45T99:99:99Z",
    "Allow",
)


@pytest.mark.parametrize("name", ["plan-blocked", "plan-partial", "plan-unreachable", "apply-incomplete", "validate"])
def test_whatever_the_schema_accepts_is_shown_in_every_format(name: str) -> None:
    """Edited in any place: refused by the schema, or rendered without a traceback."""
    document = documents()[name]
    every = [one for one in places(document) if one]
    chance = random.Random(name)
    accepted = 0
    for _ in range(900):
        edited = copy.deepcopy(document)
        *above, last = chance.choice(every)
        inside: Any = edited
        for key in above:
            inside = inside[key]
        if chance.random() < 0.3:
            del inside[last]
        else:
            inside[last] = chance.choice(ODD)
        if edited.get("format") not in saved.EVERY or schema.misfit(edited, machine.schema(edited["format"])):
            continue
        accepted += 1
        for render in (markdown.render, concise.render, junit.render, github_output.render, machine.render):
            render(edited)
        annotations.render(edited, shown=str)
        human.render(edited, width=80, colour=False)
    assert accepted > 50


# two of them


def compared(desk: Path, old: dict[str, Any], new: dict[str, Any], *flags: str) -> int:
    (desk / "old.json").write_text(machine.render(old))
    (desk / "new.json").write_text(machine.render(new))
    return cli.run(["show", "old.json", "new.json", *flags])


def plan_document(made: Any, **changes: str) -> dict[str, Any]:
    return report.plan_document(made, replace(header(), **changes), 0)


def test_two_plans_that_say_the_same_are_the_same(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A later reading, and a line more above in the file, change nothing."""
    moved = copy.deepcopy(documents()["plan-blocked"])
    moved["live"]["read_at"] = "2026-10-01T00:00:00Z"
    for entry in (*moved["changes"], *moved["findings"]):
        if entry["source"]:
            entry["source"]["line"] += 1
    for entry in moved["changes"]:
        for field in entry["fields"]:
            field["source"]["line"] += 1

    assert compared(desk, documents()["plan-blocked"], moved, "--detailed-exitcode") == Exit.DONE
    assert capsys.readouterr().out.splitlines()[-1] == "SAME: both plans do and say the same (kp1-83e1-bd88-1f46)"


def test_what_is_new_what_is_gone_and_what_is_otherwise(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dearer = replace(LOSSES[0], fields=(replace(LOSSES[0].fields[0], after=replace(LOSSES[0].fields[0].after, text="1", display="1ms")),))  # type: ignore[type-var]  # fmt: skip
    old = plan_document(plan(LOSSES, DANGERS[:2]))
    new = plan_document(plan((dearer,), (replace(DANGERS[0], acknowledged=True), DANGERS[2])))

    assert compared(desk, old, new) == Exit.DONE

    assert capsys.readouterr().out == (
        "  old  old.json: plan kp1-93e8-5b42-b316 of prod-eu1 (id Qm7xT0pRSc2vW4f2A), read 2026-09-28\n"
        "       14:02:11Z, blocked\n"
        "  new  new.json: plan kp1-6fbb-0614-2324 of prod-eu1 (id Qm7xT0pRSc2vW4f2A), read 2026-09-28\n"
        "       14:02:11Z, blocked\n"
        "\n"
        "CHANGES: 2 ---------------------------------------------------------------------------------------\n"
        "\n"
        "- update topic/clicks.raw partitions 12 -> 16\n"
        "~ update topic/payments.settled.v2 retention.ms 14d -> 1ms\n"
        "    was: update topic/payments.settled.v2 retention.ms 14d -> 3d\n"
        "\n"
        "FINDINGS: 3 --------------------------------------------------------------------------------------\n"
        "\n"
        "+ danger[KO3107] User:svc-legacy-billing loses Describe, Read on topic payments.settled.v2\n"
        "- danger[KO2110] clicks.raw: partitions 12 -> 16\n"
        "~ danger[KO2104] payments.settled.v2: retention.ms 14d -> 3d (acknowledged)\n"
        "    was: danger[KO2104] payments.settled.v2: retention.ms 14d -> 3d\n"
        "\n"
        "DIFFERS: 1 change removed, 1 change altered, 1 finding added, 1 finding removed, 1 finding altered\n"
    )


def test_plans_that_differ_end_with_2_where_that_was_asked_for(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = plan_document(plan(LOSSES, DANGERS[:2])), plan_document(ACKNOWLEDGED)

    assert compared(desk, old, new, "-o", "json", "--detailed-exitcode") == Exit.CHANGES
    document = json.loads(capsys.readouterr().out)
    Draft202012Validator(machine.schema("kafkaops.comparison")).validate(document)
    assert (document["exit_code"], document["verdict"], document["same_cluster"]) == (2, "differs", True)
    assert document["summary"] == {
        "changes": {"added": 0, "removed": 0, "altered": 0},
        "findings": {"added": 0, "removed": 0, "altered": 2},
    }


def test_plans_that_do_the_same_and_do_not_say_the_same_tell_so(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Consent was given, and an approval of the old one holds for the new one."""
    assert compared(desk, plan_document(plan(LOSSES, DANGERS[:2])), plan_document(ACKNOWLEDGED)) == Exit.DONE
    assert capsys.readouterr().out.endswith(
        f"DIFFERS: both do the same ({plan_document(ACKNOWLEDGED)['fingerprint']}); blocked is now ready; 2 findings altered\n"
    )


def test_plans_of_two_clusters_say_so(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(desk, plan_document(plan()), plan_document(plan(), cluster_id="another")) == Exit.DONE
    assert capsys.readouterr().out.splitlines()[-1] == "DIFFERS: they are of different clusters"


def test_a_plan_and_what_its_apply_came_to_are_compared(desk: Path) -> None:
    assert compared(desk, documents()["plan-ready"], documents()["apply-incomplete"]) == Exit.DONE


@pytest.mark.parametrize("name", ["plan-unreachable", "validate"])
def test_what_has_no_changes_is_not_compared(desk: Path, name: str) -> None:
    assert compared(desk, documents()["plan-ready"], documents()[name]) == Exit.INVALID


@pytest.mark.parametrize(
    "flags",
    [
        ("old.json", "--detailed-exitcode"),
        ("old.json", "new.json", "old.json"),
        ("old.json", "new.json", "-o", "github"),
        (),
    ],
)
def test_show_takes_one_file_or_two_plans(desk: Path, flags: tuple[str, ...]) -> None:
    compared(desk, documents()["plan-ready"], documents()["plan-ready"])

    assert cli.run(["show", *flags]) == Exit.USAGE


def test_a_comparison_of_thousands_fits_into_a_comment() -> None:
    """In Markdown as on the screen, and what is left out is counted."""
    changes = [{**documents()["plan-ready"]["changes"][0], "id": f"topic:{index}"} for index in range(5000)]
    large = {**documents()["plan-ready"], "changes": changes}
    document = comparison.compared(
        documents()["plan-in-sync"], large, ("a", "b"), lambda _: 0, created_at=header().created_at
    )
    text = comparison_markdown.render(document)

    assert len(text.encode()) <= 60_000
    assert text.count("\n+ ") + int(text.split(" of them are left out")[0].rsplit("\n", 1)[1].replace(",", "")) == 5000


def test_the_help_of_every_command_tells_its_formats(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("validate", "plan", "show", "doctor"):
        cli.run([command, "--help"])
        told = "".join(capsys.readouterr().out.split())
        *others, last = cli.formats(command)
        assert f"{','.join(others)}or{last};mayberepeated." in told
