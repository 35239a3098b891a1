"""Apply as a contract, on a real Kafka: one run at a time, nothing after the lock is lost, and a journal that tells what happened."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from desk import Desk, Ran, until
from test_live_apply import PLAIN, applying, assert_exactly, consent, many

from kafkaops import logbook, report
from kafkaops.cluster import AclBinding, KafkaError
from kafkaops.cluster.journal import TOPIC, Lock

pytestmark = pytest.mark.broker

DAY = 24 * 60 * 60 * 1000


def history(desk: Desk) -> list[dict[str, Any]]:
    """Newest first, as `history -o json` tells it."""
    return _told(desk, "")["runs"]  # type: ignore[no-any-return]


def steps(desk: Desk, run: str) -> list[dict[str, Any]]:
    return _told(desk, run)["steps"]  # type: ignore[no-any-return]


def _told(desk: Desk, run: str) -> dict[str, Any]:
    """Without starting the command each time."""
    _, memory = logbook.read(desk.admin.journal())
    named = report.ClusterName("test", desk.kafka.cluster_id)
    return report.history_document(named, memory.runs, "", memory, run=run, created_at=datetime.now(UTC))


def state(desk: Desk) -> dict[str, object]:
    names = sorted(desk.topics())
    told = desk.admin.topic_overrides(names)
    settings = {
        name: {key: entry.value for key, entry in one.items()}
        for name, one in told.items()
        if not isinstance(one, KafkaError)
    }
    return {**settings, **{str(acl): True for acl in desk.acls()}, **{f"topic {name}": True for name in names}}


def applied_when_free(desk: Desk) -> Ran:
    """Kafka frees the lock of a run that is gone within a session."""
    limit = time.monotonic() + 60
    while (ran := desk.run("apply", "--yes")).code == 6:
        assert time.monotonic() < limit, ran.told
    assert ran.code == 0, ran.told
    return ran


# ---- one at a time


def two_at_once(desk: Desk, seeds: Iterable[int]) -> None:
    for number, seed in enumerate(seeds, 1):
        desk.write(many=many(30, retention=f"{number}d"))
        with applying(desk) as one:
            time.sleep(random.Random(seed).uniform(0, 0.5))
            with applying(desk) as other:
                codes = sorted((one.end(), other.end()))

        told = one.told + other.told
        assert codes in ([0, 6], [0, 0]), told  # both only where the one had ended before the other began
        assert codes == [0, 0] or "another run is at work: " in told
        assert_exactly(desk, 30, retention=str(number * DAY))
        assert history(desk)[0]["outcome"] == "done"


def test_of_two_applies_at_once_exactly_one_works(desk: Desk) -> None:
    two_at_once(desk, range(3))


@pytest.mark.soak
def test_of_two_applies_at_once_exactly_one_works_many_times(desk: Desk) -> None:
    two_at_once(desk, range(100, 120))


def test_who_waits_is_told_for_whom_in_words_and_in_json(desk: Desk) -> None:
    desk.write(many=many(30))
    with applying(desk) as one:
        one.wait_for_the_first_write()
        one.signal(signal.SIGSTOP)
        held = desk.run("lock", "status", "-o", "json").document
        busy = desk.run("apply", "--yes", "-o", "json")
        one.signal(signal.SIGCONT)
        one.end()

    (apply, _) = held["locks"]
    assert (held["verdict"], apply["held"], busy.code, busy.document["complete"]) == ("held", True, 6, False)
    assert busy.document["holder"]["run"] == apply["holder"]["run"] == history(desk)[0]["run"]
    assert busy.document["holder"]["pid"] == one.pid
    assert desk.run("lock", "status", "-o", "json").document["verdict"] == "free"


# ---- a run that hangs, and comes back


def hung(desk: Desk, seeds: Iterable[int]) -> None:
    """Stopped in the middle for longer than a session; another one runs to its end; then the first goes on."""
    desk.write(many=many(40))
    desk.apply()
    for number, seed in enumerate(seeds, 1):
        _hung(desk, seed, wanted=f"{10 + 2 * number}d", instead=f"{11 + 2 * number}d")


def nobody_is_at_work(desk: Desk) -> None:
    """A run that comes back after its time may join the group once more before it knows; a session later Kafka has forgotten it."""
    until(lambda: desk.admin.journal().holder(Lock.APPLY) is None, "the lock to be free", 20)


def _hung(desk: Desk, seed: int, *, wanted: str, instead: str) -> None:
    before = {run["run"] for run in history(desk)}
    desk.write(many=many(40, retention=wanted))
    with applying(desk) as zombie:
        zombie.wait_for_the_first_write()
        time.sleep(random.Random(seed).uniform(0, 0.25))
        zombie.signal(signal.SIGSTOP)
        desk.write(many=many(40, retention=instead))
        applied_when_free(desk)
        found = state(desk)

        zombie.signal(signal.SIGCONT)
        code = zombie.end()
    nobody_is_at_work(desk)

    assert code in {0, 6, 7}, zombie.told
    assert code != 7 or "another run may have taken over" in zombie.told, zombie.told
    newest, *others = (run for run in history(desk) if run["run"] not in before)
    announced = {
        change["address"].removeprefix("topic/")
        for run in others
        for step in steps(desk, run["run"])
        if step["seen_by"]
        for change in step["changes"]
    }
    now = state(desk)
    assert {key for key in now.keys() | found.keys() if now.get(key) != found.get(key)} <= announced
    assert newest["outcome"] == "done"
    assert {run["outcome"] for run in others} <= {"done", "taken_over"}
    assert all(run["taken_over_by"] == newest["run"] for run in others if run["outcome"] == "taken_over")


def test_a_run_that_hung_and_lost_its_lock_does_nothing_more(desk: Desk) -> None:
    hung(desk, range(3))


@pytest.mark.soak
def test_a_run_that_hung_and_lost_its_lock_does_nothing_more_many_times(desk: Desk) -> None:
    hung(desk, range(100, 120))


# ---- kill -9


def killed(desk: Desk, seeds: Iterable[int]) -> None:
    """At a random moment around its writes; the next run finishes, and what was there is as it was."""
    nobody_is_at_work(desk)
    desk.write(many=many(20))
    desk.apply()
    for number, seed in enumerate(seeds, 1):
        _killed(desk, seed, count=20 + 10 * number, days=7 + number)


def _killed(desk: Desk, seed: int, *, count: int, days: int) -> None:
    kept = {name: facts[0] for name, facts in desk.topics().items()}
    before = {run["run"] for run in history(desk)}
    desk.write(many=many(count, retention=f"{days}d"))
    with applying(desk) as apply:
        apply.wait_for_the_first_write()
        time.sleep(random.Random(seed).uniform(0, 0.4))
        apply.kill()
    there = settled(desk)

    applied_when_free(desk)

    assert_exactly(desk, count, retention=str(days * DAY))
    assert {name: facts[0] for name, facts in desk.topics().items() if name in kept} == kept
    for run in (one for one in history(desk)[1:] if one["run"] not in before):
        assert run["outcome"] in {"done", "taken_over", "incomplete"}
        for change in (change for step in steps(desk, run["run"]) for change in step["changes"]):
            assert (change["result"] == "applied") == is_there(change, there), change


def settled(desk: Desk) -> dict[str, object]:
    """What a run had sent before it was killed may be made, and shown, after that."""
    seen = [state(desk)]

    def still() -> bool:
        time.sleep(1.5)
        seen.append(state(desk))
        return seen[-1] == seen[-2]

    until(still, "nothing to change any more")
    return seen[-1]


def is_there(change: dict[str, Any], there: dict[str, object]) -> bool:
    name, after = change["address"].removeprefix("topic/"), change["after"]
    if change["action"] == "create":
        return f"topic {name}" in there
    if change["action"] == "update":
        settings = there.get(name)
        return isinstance(settings, dict) and settings.get(change["id"].partition("#")[2]) == after["value"]
    return any(key.startswith("AclBinding") and repr(after["principal"]) in key for key in there)


def test_after_kill_9_the_next_run_converges_and_the_journal_tells_the_truth(desk: Desk) -> None:
    killed(desk, range(3))


@pytest.mark.soak
def test_after_kill_9_the_journal_tells_the_truth_many_times(desk: Desk) -> None:
    killed(desk, range(100, 124))


# ---- Ctrl-C


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_so_in_the_journal_and_lets_go_of_its_lock(
    desk: Desk, number: signal.Signals, code: int
) -> None:
    desk.write(many=many(40))
    with applying(desk) as apply:
        ended, took = apply.interrupt_after_a_step(number)

    assert (ended, took < 10) == (code, True), apply.told  # two seconds on an idle machine
    assert desk.run("lock", "status", "-o", "json").document["verdict"] == "free"
    run = history(desk)[0]
    assert run["outcome"] == "interrupted"
    done = sum(change["result"] == "applied" for step in steps(desk, run["run"]) for change in step["changes"])
    assert run["results"].get("applied", 0) == done
    desk.apply()
    assert_exactly(desk, 40)


def test_the_second_interruption_ends_it_at_once(desk: Desk) -> None:
    desk.write(many=many(40))
    with applying(desk) as apply:
        apply.wait_for_the_first_write()
        apply.signal(signal.SIGSTOP)  # so that both are there when it goes on
        apply.signal(signal.SIGINT)
        apply.signal(signal.SIGTERM)
        apply.signal(signal.SIGCONT)
        ended = apply.end()

    assert ended in {130, 143}
    applied_when_free(desk)
    assert_exactly(desk, 40)


# ---- history, undo


def test_what_was_applied_is_taken_back(desk: Desk) -> None:
    taken_back(desk)


def taken_back(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    before = state(desk)
    desk.write(order=PLAIN.replace("7d", "14d").replace("produces: [P.order.*]", "produces: [P.order.created]"))
    desk.write(consent=consent(desk.plan()["findings"]))
    desk.apply()
    assert state(desk) != before
    run = history(desk)[0]["run"]

    shown = desk.run("undo", "last", "-o", "json")
    refused = desk.run("undo", run, "--yes")
    acks = [f"--ack={one['code']}@{one['address']}" for one in shown.document["findings"] if one["ack"]]
    done = desk.run("undo", run, "--yes", *acks)

    assert (shown.code, shown.document["options"], refused.code, done.code) == (3, {"only": [], "undoes": run}, 3, 0)
    assert state(desk) == before, done.told
    assert [one["command"] for one in history(desk)[:2]] == ["undo", "apply"]


# ---- an older commit


def test_a_commit_that_is_older_than_the_last_one_is_refused_and_a_new_one_goes_back(desk: Desk) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=desk.folder, check=True, capture_output=True)

    git("init", "-b", "main")
    desk.write(order=PLAIN)
    git("add", "-A")
    git("commit", "-m", "a week")
    desk.apply()
    desk.write(order=PLAIN.replace("7d", "14d"))
    git("commit", "-am", "two weeks")
    desk.apply()
    git("checkout", "HEAD~1")

    refused = desk.run("apply", "--yes")
    git("checkout", "main")
    again = desk.run("apply", "--yes", "-o", "json")

    assert (refused.code, "which was applied last" in refused.stderr) == (5, True), refused.told
    assert (again.code, again.document["verdict"]) == (0, "in_sync")
    assert desk.overrides("P.order.created") == {"retention.ms": str(14 * DAY)}
    assert {run["commit"] is None for run in history(desk)[:2]} == {False}


# ---- secrets


def test_criterion_9_no_credential_is_in_the_journal_or_in_what_is_shown(desk: Desk) -> None:
    sentinel = "hunter2-sentinel"
    user = desk.user("applier", password=sentinel)
    desk.admin.create_acls(_everything(user))
    until(lambda: len(desk.acls()) >= len(_everything(user)), "the rights")
    desk.settings(
        properties=desk.properties_of(user).replace(sentinel, "${KAFKAOPS_SENTINEL}"),
        authorizer={
            "super-users": ["User:admin", "User:ANONYMOUS"],
            "allow-everyone": False,
            "principal": f"User:{user}",
        },
    )
    desk.write(order="topics: {P.order.created: {partitions: 1, replication-factor: 1}}")
    env = {"KAFKAOPS_SENTINEL": sentinel}
    commands = (
        ("plan", "-o", "json"),
        ("apply", "--yes", "-o", "json"),
        ("history",),
        ("history", "last", "-o", "json"),
        ("undo", "last"),
        ("undo", "last", "-o", "json"),
        ("lock", "status", "-o", "json"),
    )

    ran = [desk.run(*arguments, env=env) for arguments in commands]

    assert [one.code for one in ran] == [0, 0, 0, 0, 3, 3, 0], [one.told for one in ran]
    assert [one.told for one in ran if sentinel in one.told] == []
    assert [
        record.key for record in desk.admin.journal().read() or () if sentinel in f"{record.key}{record.value}"
    ] == []


def _everything(user: str) -> list[AclBinding]:
    names = {"Topic": ("*",), "Group": ("*",), "TransactionalId": ("*",), "Cluster": ("kafka-cluster",)}
    return [
        AclBinding(f"User:{user}", "Allow", "All", kind, "Literal", name) for kind, its in names.items() for name in its
    ]


def test_the_journal_is_nobodys_to_declare(desk: Desk) -> None:
    desk.write(order=f"topics: {{{TOPIC}: {{state: absent}}}}")

    ran = desk.run("apply", "--yes")

    assert ran.code == 4, ran.told
