"""`--base`: the command line in a repository, against a snapshot."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_memory import NOW, World, read, settings_text, yaml_text
from repositories import Here

from kafkaops import app, cli, git, journal, snapshots
from kafkaops.cluster import ClusterFailure, FailureKind
from kafkaops.cluster.journal import Lock, Record
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.commands import bases
from kafkaops.findings import Exit, Refusal
from kafkaops.journal import Entries, LastApplied, Owned, Property
from kafkaops.plan import Origin, Plan
from kafkaops.report import Compared
from kafkaops.settings import ClusterEntry
from kafkaops.topology import Topology

CI = (
    "CI",
    "GITHUB_BASE_REF",
    *(f"CI_MERGE_REQUEST_{name}" for name in ("TARGET_BRANCH_SHA", "DIFF_BASE_SHA", "TARGET_BRANCH_NAME")),
)
PLACED = {"partitions": 3, "replication-factor": 3}
DAY, WEEK = "86400000", "604800000"


@dataclass(frozen=True)
class Desk:
    """A repository with a topology, and a snapshot of the cluster beside it."""

    here: Here
    capsys: pytest.CaptureFixture[str]

    def commit(self, topics: Mapping[str, Any], settings: Mapping[str, Any] | None = None, **more: Any) -> str:
        """In block style, so that `ack` can add to it."""
        block = yaml.safe_dump(json.loads(settings_text(settings or {})))
        return self.here.commit(kafkaops=block, order=yaml_text({"topics": topics, **more}))

    def live(self, topics: Mapping[str, Any]) -> None:
        cluster = SnapshotCluster.from_dict(
            {"topics": {name: {"partitions": 3, "replication": 3, **one} for name, one in topics.items()}}
        )
        world = World(read(self.here.folder / "topology"), cluster)
        taken = snapshots.document(app.snapshot(world.request, world.connect, reduced=False))
        (self.here.folder / "snapshot.json").write_text(snapshots.text_of(taken))

    def run(self, *arguments: str) -> tuple[int, str]:
        code = cli.run(["plan", "--against", "snapshot.json", "--color", "never", *arguments])
        shown = self.capsys.readouterr()
        return code, shown.out + shown.err

    def plan(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code = cli.run(["plan", "--against", "snapshot.json", "-o", "json", *arguments])
        document: dict[str, Any] = json.loads(self.capsys.readouterr().out)
        return code, document


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return Desk(Here(folder), capsys)


def feature(desk: Desk) -> str:
    """`main` wants a day of records, the cluster has a week; the branch adds a topic, and `main` goes on."""
    base = desk.commit({"order.placed.v1": {**PLACED, "retention-ms": "1d"}})
    desk.live({"order.placed.v1": {"config": {"retention.ms": WEEK}}})
    desk.here("checkout", "--quiet", "-b", "feature")
    desk.commit({"order.placed.v1": {**PLACED, "retention-ms": "1d"}, "order.paid.v1": PLACED})
    desk.here("checkout", "--quiet", "main")
    desk.commit({"order.placed.v1": {**PLACED, "retention-ms": "1d"}, "order.other.v1": PLACED})
    desk.here("checkout", "--quiet", "feature")
    return base


def origins(document: Mapping[str, Any]) -> dict[str, tuple[str, bool]]:
    return {one["id"]: (one["origin"], one["held_back"]) for one in document["changes"]}


def codes(document: Mapping[str, Any]) -> list[str]:
    return [one["code"] for one in document["findings"] if one["code"] != "KO7201"]  # the age of the snapshot


def test_criterion_17_drift_is_told_apart_from_the_pull_request_and_blocks_nobody(desk: Desk) -> None:
    base = feature(desk)

    code, document = desk.plan("--base", "main")

    assert origins(document) == {
        "topic:order.paid.v1": ("pull_request", False),
        "topic:order.placed.v1#retention.ms": ("drift", True),
    }
    head = desk.here("rev-parse", "HEAD")
    assert document["source"] | {"head": head, "base": base, "base_name": "main", "dirty": False} == document["source"]
    assert (code, document["verdict"], codes(document)) == (Exit.DONE, "ready", ["KO2104"])
    assert (document["summary"]["topics"]["drift"], document["summary"]["topics"]["held_back"]) == (0, 1)


def test_criterion_17_without_a_base_the_same_plan_is_blocked_and_tells_no_origin(desk: Desk) -> None:
    feature(desk)

    code, document = desk.plan()

    assert code == Exit.BLOCKED
    assert "base" not in document["source"]
    assert all("origin" not in one and "held_back" not in one for one in [*document["changes"], *document["findings"]])


def test_the_screen_says_what_it_is_compared_with_and_counts_apart(desk: Desk) -> None:
    base = feature(desk)
    head = desk.here("rev-parse", "HEAD")

    code, told = desk.run("--base", "main")

    assert code == Exit.DONE
    assert f"2 files at {head[:7]}, compared with main at {base[:7]}" in told
    assert "CHANGES FROM THIS PR: 1" in told
    assert "HELD BACK: 1" in told
    assert "READY: 1 change, 1 held back, nothing needs acknowledgement" in told


def test_a_pull_request_of_github_is_compared_with_its_target(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = feature(desk)
    desk.here("clone", "--quiet", str(desk.here.folder), str(tmp_path / "clone"))
    (tmp_path / "clone/snapshot.json").write_bytes((desk.here.folder / "snapshot.json").read_bytes())
    desk.here("-C", str(tmp_path / "clone"), "tag", "main")  # nobody's tag takes the place of the branch
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    monkeypatch.chdir(tmp_path / "clone")

    _, document = desk.plan()

    assert (document["source"]["base"], document["source"]["base_name"]) == (base, "main")


def test_a_merge_request_of_gitlab_is_compared_with_its_base(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    base = feature(desk)
    monkeypatch.setenv("CI_MERGE_REQUEST_DIFF_BASE_SHA", base)
    monkeypatch.setenv("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")

    _, document = desk.plan()

    assert (document["source"]["base"], document["source"]["base_name"]) == (base, "main")


@pytest.mark.parametrize(
    ("environ", "ref"),
    [
        ({}, None),
        ({"CI": "true"}, None),
        ({"GITHUB_BASE_REF": ""}, None),
        ({"GITHUB_BASE_REF": "main"}, "refs/remotes/origin/main"),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "b", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": "t"}, "t"),
        ({"CI_MERGE_REQUEST_DIFF_BASE_SHA": "b", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA": ""}, "b"),
    ],
)
def test_only_a_pull_request_has_a_base_by_itself(environ: Mapping[str, str], ref: str | None) -> None:
    found = bases.wanted(None, environ)

    assert (found and found.ref) == ref
    assert bases.wanted("mine", environ) == ("mine", "mine")


@pytest.mark.parametrize("ref", ["nothing", "--help", "", "HEAD:topology", "$(touch x)"])
def test_a_base_that_is_no_commit_is_a_usage_error(desk: Desk, ref: str) -> None:
    feature(desk)

    code, told = desk.run(f"--base={ref}")

    assert (code, "KO7140" in told) == (Exit.USAGE, True)


def test_a_base_outside_of_git_is_a_usage_error_and_a_job_without_git_has_none(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    feature(desk)
    (desk.here.folder / ".git").rename(desk.here.folder / "not-git")
    asked, told = desk.run("--base", "main")
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    code, document = desk.plan()

    assert (asked, "is in no git repository" in told) == (Exit.USAGE, True)
    assert (code, "base" in document["source"]) == (Exit.BLOCKED, False)


def test_files_that_are_not_committed_are_said_to_be_changed(desk: Desk) -> None:
    feature(desk)
    desk.here.write("topology/order.yaml", yaml_text({"topics": {"order.new.v1": PLACED}}))

    _, document = desk.plan("--base", "main")

    assert document["source"]["dirty"] is True
    assert "KO7143" in codes(document)


def test_the_first_topology_of_a_repository_is_all_of_this_change(desk: Desk) -> None:
    desk.here.folder.joinpath("topology/kafkaops.yaml").unlink()
    desk.here.write("README.md", "x")
    desk.here.commit()
    desk.here("checkout", "--quiet", "-b", "feature")
    desk.commit({"order.placed.v1": PLACED})
    desk.live({})

    code, document = desk.plan("--base", "main")

    assert (code, origins(document)) == (Exit.DONE, {"topic:order.placed.v1": ("pull_request", False)})


def test_a_guard_that_the_change_takes_away_is_acknowledged_by_the_command_that_is_shown(desk: Desk) -> None:
    desk.commit({"order.placed.v1": PLACED}, {"protect": ["order.*"]})
    desk.live({"order.placed.v1": {}})
    desk.here("checkout", "--quiet", "-b", "feature")
    desk.commit({"order.placed.v1": PLACED})

    blocked, document = desk.plan("--base", "main", "-o", "json=plan.json", "-o", "text=screen")
    screen = Path("screen").read_text()
    written = cli.run(["ack", "KO5104@kafkaops.yaml#protect", "--plan", "plan.json"])
    desk.capsys.readouterr()
    agreed, then = desk.plan("--base", "main")

    assert (blocked, codes(document)) == (Exit.BLOCKED, ["KO5104"])
    assert "kafkaops ack --cluster test --base main KO5104" in screen
    assert written == Exit.DONE
    assert (agreed, then["findings"][0]["acknowledged"]) == (Exit.DONE, True)


def test_ack_takes_a_base_or_a_saved_plan_and_not_both(desk: Desk) -> None:
    feature(desk)

    assert cli.run(["ack", "KO2104", "--base", "main", "--plan", "plan.json"]) == Exit.USAGE


def test_the_connection_of_the_base_is_used_and_another_one_is_told(desk: Desk) -> None:
    evil = {"clusters": {"test": {"bootstrap-servers": ["evil:9092"], "cluster-id": "evil-cluster-000000001"}}}
    desk.commit({"order.placed.v1": PLACED})
    desk.live({"order.placed.v1": {}})
    desk.here("checkout", "--quiet", "-b", "feature")
    desk.commit({"order.placed.v1": PLACED}, evil)

    code, document = desk.plan("--base", "main")
    told = [one["message"].split("`")[1] for one in document["findings"] if one["code"] == "KO7144"]

    assert (code, told) == (Exit.DONE, ["bootstrap-servers", "cluster-id"])


@dataclass(frozen=True)
class Two:
    was: Topology
    now: Topology

    @property
    def beside(self) -> bases.Beside:
        return bases.Beside(self.was, self.now, Compared("h" * 40, dirty=False, base="b" * 40, name="main"))

    def entry(self) -> ClusterEntry:
        return self.beside.connected(self.now).settings.clusters["test"]


def two(desk: Desk, was: Mapping[str, Any], now: Mapping[str, Any]) -> Two:
    for name, settings in (("was", was), ("now", now)):
        desk.here.write(f"{name}/kafkaops.yaml", settings_text(settings))
        desk.here.write(f"{name}/order.yaml", yaml_text({"topics": {"order.placed.v1": PLACED}}))
    return Two(read(desk.here.folder / "was"), read(desk.here.folder / "now"))


def test_a_changed_properties_file_is_told_and_not_used(desk: Desk) -> None:
    config = {"clusters": {"test": {"client-config": "test.properties"}}}
    found = two(desk, config, config)
    desk.here.write("was/test.properties", "client.id=was\n")
    desk.here.write("now/test.properties", "client.id=now\n")
    desk.here.commit()
    told = list(found.beside._told("test"))

    assert [one.message.split("`")[1] for one in told] == ["client-config"]
    assert found.beside._root(found.entry()) == found.was.root


def test_a_properties_file_that_git_never_had_stands_beside_the_files(desk: Desk) -> None:
    config = {"clusters": {"test": {"client-config": "secret.properties"}}}
    found = two(desk, config, config)
    desk.here.write(".gitignore", "secret.properties\n")
    desk.here.write("now/secret.properties", "client.id=now\n")
    desk.here.commit()

    assert found.beside._root(found.entry()) == found.now.root


def test_a_properties_file_that_the_change_adds_is_not_used(desk: Desk) -> None:
    config = {"clusters": {"test": {"client-config": "new.properties"}}}
    found = two(desk, config, config)
    desk.here.write("now/new.properties", "client.id=now\n")
    desk.here.commit()

    assert found.beside._root(found.entry()) == found.was.root


def test_a_cluster_that_the_base_does_not_know_gets_no_login_of_its_own_choice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KAFKAOPS_CLIENT_CONFIG", raising=False)
    found = two(desk, {"clusters": {"test": None, "other": {"bootstrap-servers": ["o:1"]}}}, {})
    with pytest.raises(Refusal) as refusal:
        found.beside.connect(found.entry())
    (tmp_path / "operator.properties").write_text("client.id=x\n")
    monkeypatch.setenv("KAFKAOPS_CLIENT_CONFIG", str(tmp_path / "operator.properties"))
    with pytest.raises(Refusal) as unnamed:  # that file names no brokers, and the change's are not taken
        found.beside.connect(found.entry())

    assert (refusal.value.exit_code, refusal.value.findings[0].code) == (Exit.BLOCKED, "KO7145")
    assert unnamed.value.findings[0].code == "KO6010"


# what the journal remembers


SHORT = {**PLACED, "retention-ms": "1d"}
CONSENT = {"code": "KO2104", "on": "topic/order.placed.v1", "change": "retention.ms 7d -> 1d", "until": "2026-09-01"}


def recalled(desk: Desk, cluster: SnapshotCluster) -> Plan:
    found = read(desk.here.folder / "topology")
    world = World(found, cluster)
    with app.plan(bases.recalling(found, world.request), world.connect) as planned:
        assert (planned.request.base is None) == (planned.plan.origins is None)
        return planned.plan


def remembering(*entries: Entries) -> SnapshotCluster:
    """The records keep a week; a journal holds these entries."""
    live = {"order.placed.v1": {"partitions": 3, "replication": 3, "config": {"retention.ms": WEEK}}}
    cluster = SnapshotCluster.from_dict({"topics": live})
    held = cluster.journal().acquire(Lock.APPLY, "a test")
    held.append([Record(key, value) for entry in entries for key, value in entry.items()])
    held.release()
    return cluster


def applied(desk: Desk, commit: str) -> Entries:
    return journal.applied_entry(LastApplied(git.identity(desk.here.seen), commit, "run", NOW))


def test_without_a_base_that_is_named_the_last_applied_commit_is_it(desk: Desk) -> None:
    cluster = remembering(applied(desk_with(desk), desk.here("rev-parse", "HEAD")))
    desk.commit({"order.placed.v1": SHORT, "order.paid.v1": PLACED})

    made = recalled(desk, cluster)

    assert made.origins == {
        "topic:order.paid.v1": Origin.PULL_REQUEST,
        "topic:order.placed.v1#retention.ms": Origin.DRIFT,
    }
    assert made.held_back == {"topic:order.placed.v1#retention.ms"}


def desk_with(desk: Desk, **more: Any) -> Desk:
    desk.commit({"order.placed.v1": SHORT}, **more)
    return desk


def test_consent_that_was_applied_is_used_and_drift_needs_its_own(desk: Desk) -> None:
    cluster = remembering(applied(desk_with(desk, acknowledge=[CONSENT]), desk.here("rev-parse", "HEAD")))

    used = recalled(desk, cluster)
    desk.commit({"order.placed.v1": SHORT}, acknowledge=[{**CONSENT, "until": "2026-09-02"}])
    again = recalled(desk, cluster)

    assert (used.held_back, again.held_back) == ({"topic:order.placed.v1#retention.ms"}, frozenset())
    assert [one.code for one in used.findings] == ["KO2104", "KO5402"]


def test_what_was_applied_by_another_repository_is_no_base(desk: Desk) -> None:
    desk_with(desk)
    cluster = remembering(journal.applied_entry(LastApplied("github.com/acme/other", "a" * 40, "run", NOW)))

    assert recalled(desk, cluster).origins is None


def test_a_last_applied_commit_that_the_clone_does_not_hold_is_an_error(desk: Desk) -> None:
    cluster = remembering(applied(desk_with(desk), "a" * 40))

    with pytest.raises(Refusal) as refusal:
        recalled(desk, cluster)
    assert (refusal.value.exit_code, refusal.value.findings[0].code) == (Exit.USAGE, "KO7140")


def test_a_journal_that_may_not_be_read_remembers_nothing(desk: Desk) -> None:
    cluster = remembering(applied(desk_with(desk), "a" * 40))
    cluster.journal().refusal = ClusterFailure(FailureKind.REFUSED, "no right")

    assert recalled(desk, cluster).origins is None


def test_a_second_repository_that_declares_the_same_is_refused_with_both_names(desk: Desk) -> None:
    desk_with(desk, domain="order", applications={"order-service": {"produces": ["order.*"]}})
    desk.here("remote", "add", "origin", "git@github.com:acme/two.git")
    one = "github.com/acme/one"
    owned = [Property(Owned.DOMAIN, "order."), Property(Owned.PRINCIPAL, "User:order-service")]
    told = {
        repository: [
            finding.message for finding in recalled(desk, remembering(*claims)).findings if finding.code == "KO7146"
        ]
        for repository in (one, "github.com/acme/two")
        for claims in [[journal.owner_entry(each, repository) for each in owned]]
    }

    assert told == {
        one: [
            "User:order-service is declared by github.com/acme/one, and by github.com/acme/two too",
            "domain order. is declared by github.com/acme/one, and by github.com/acme/two too",
        ],
        "github.com/acme/two": [],
    }
