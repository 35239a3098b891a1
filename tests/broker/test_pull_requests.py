"""The story of a pull request, with the workflows that `init` writes, a real Kafka, and a GitHub that behaves like the real one."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import pytest
from desk import Desk
from fake_github import FakeGitHub, serving
from repositories import Here
from workflow_runner import Runner

from kafkaops.cluster import AlterTopic

pytestmark = pytest.mark.broker

ORDERS = """
domain: P.order
topics:
  P.order.created: {partitions: 2, replication-factor: 3, retention-ms: 7d}
applications:
  P-service: {produces: [P.order.*]}
"""
LONGER = ORDERS.replace("7d", "14d")
ADDED = "  P.order.added: {partitions: 1, replication-factor: 3}\n"
SHORTER = ORDERS.replace("7d", "1d")


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serving() as fake:
        yield fake


@pytest.fixture
def runner(desk: Desk, github: FakeGitHub) -> Runner:
    desk.settings(bootstrap_servers=["broker.of.a.pull.request:9093"], client_config=None)
    (desk.topology / "client.properties").unlink()
    (token,) = github.tokens
    return Runner(desk.folder / "runner", desk.topology, desk.kafka.properties.read_text(), github.url, token)


def run(runner: Runner, name: str, *jobs: str) -> list[str]:
    """What each job's summary says; all are to succeed."""
    done = [runner.job(name, job) for job in jobs]
    assert [one.code for one in done] == [0] * len(jobs), [one.log for one in done]
    return [one.summary for one in done]


def test_from_the_pull_request_to_the_cluster(desk: Desk, runner: Runner, github: FakeGitHub) -> None:
    desk.write(orders=ORDERS)
    planned, _ = run(runner, "plan.yml", "plan", "comment")
    assert "ready" in planned.splitlines()[2]
    assert desk.own("P.order.created") in github.comments[0].body
    assert desk.topics() == {}

    _, applied = run(runner, "apply.yml", "plan", "apply")
    assert "applied" in applied.splitlines()[2]
    assert list(desk.topics()) == [desk.own("P.order.created")]

    run(runner, "plan.yml", "plan", "comment")
    (comment,) = github.comments
    assert "in sync" in comment.body.splitlines()[2]


def test_a_cluster_that_was_changed_after_the_plan_gets_nothing_of_it(
    desk: Desk, runner: Runner, github: FakeGitHub
) -> None:
    """While the plan waits for its approval, somebody changes what it touches."""
    desk.write(orders=ORDERS)
    run(runner, "apply.yml", "plan", "apply")
    desk.write(orders=LONGER)
    run(runner, "apply.yml", "plan")
    topic = desk.own("P.order.created")
    desk.admin.alter_topics([AlterTopic(topic, {"retention.ms": "60000"})])

    done = runner.job("apply.yml", "apply")

    assert done.code == 5, done.log
    assert f"`{topic} retention.ms` was 7d, is now 1m" in done.summary
    assert desk.overrides("P.order.created") == {"retention.ms": "60000"}
    assert github.issues == []


def test_a_plan_that_is_blocked_fails_is_told_and_is_not_applied(
    desk: Desk, runner: Runner, github: FakeGitHub
) -> None:
    desk.write(orders=ORDERS)
    run(runner, "apply.yml", "plan", "apply")
    desk.write(orders=SHORTER)

    plan = runner.job("plan.yml", "plan")
    assert plan.code == 3
    assert re.search(r"^::error .*file=topology/orders\.yaml.*KO2104", "".join(plan.log.values()), re.MULTILINE)
    run(runner, "plan.yml", "comment")
    assert "KO2104" in github.comments[0].body
    assert runner.job("apply.yml", "apply").code == 3
    assert desk.overrides("P.order.created")["retention.ms"] == str(7 * 86_400_000)


def test_drift_is_an_issue_until_there_is_none(desk: Desk, runner: Runner, github: FakeGitHub) -> None:
    desk.write(orders=ORDERS)
    run(runner, "apply.yml", "plan", "apply")
    run(runner, "drift.yml", "drift", "issue")
    assert github.issues == []

    desk.write(orders=LONGER)
    run(runner, "drift.yml", "drift", "issue")
    assert [one.state for one in github.issues] == ["open"]
    assert desk.own("P.order.created") in github.issues[0].body

    desk.write(orders=ORDERS)
    run(runner, "drift.yml", "drift", "issue")
    assert [one.state for one in github.issues] == ["closed"]


def test_a_fork_is_planned_against_the_snapshot_of_the_night_and_marked(
    desk: Desk, runner: Runner, github: FakeGitHub
) -> None:
    desk.write(orders=ORDERS)
    run(runner, "apply.yml", "plan", "apply")
    runner.values["vars.KAFKAOPS_FORK_PLANS"] = "true"
    run(runner, "drift.yml", "drift")
    (runner.artifacts / "runs").write_text("41\n")
    desk.write(orders=LONGER)
    runner.forked, runner.properties = True, ""

    run(runner, "fork.yml", "plan", "comment")

    (comment,) = github.comments
    assert comment.body.startswith("<!-- kafkaops:unverified v=1 key=test -->\n")
    assert "**Unverified**" in comment.body
    assert "14d" in comment.body


def test_criterion_17_drift_blocks_no_pull_request_and_is_held_back(
    desk: Desk, runner: Runner, github: FakeGitHub
) -> None:
    """The cluster keeps records longer than `main` says; setting that back would delete some, and nobody asked for it."""
    desk.write(orders=LONGER)
    run(runner, "apply.yml", "plan", "apply")
    folder = desk.folder / "repository"
    folder.mkdir()
    here = Here(folder)
    shutil.copytree(desk.topology, folder / "topology", dirs_exist_ok=True)
    here.write("topology/orders.yaml", desk.own(SHORTER))
    here.commit()
    here("checkout", "--quiet", "-b", "feature")
    here.write("topology/orders.yaml", desk.own(SHORTER.replace("applications:", f"{ADDED}applications:")))
    elsewhere = (folder / "topology/kafkaops.yaml").read_text()
    here.write("topology/kafkaops.yaml", elsewhere.replace("broker.of.a.pull.request", "mallory.example"))
    here.commit()
    runner.repository = folder

    planned, _ = run(runner, "plan.yml", "plan", "comment")

    assert "1 change, 1 held back" in planned
    assert "Held back, not from this change" in github.comments[0].body
    assert "KO7144" in planned
    assert "compared with main" in planned
