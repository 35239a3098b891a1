"""An apply from its lock to its end: what it writes down, what the next one finds, and who must wait. Half of it is about what is not done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import NOW, World, caller, read, settings_text, written
from test_laws import Given, Killed, agreed, contents, givens

from kafkaops import app
from kafkaops import apply as applying
from kafkaops.cluster import AlterTopic, ClusterFailure, FailureKind, KafkaError
from kafkaops.cluster.journal import Lock, LostError, Record
from kafkaops.cluster.snapshot import LOST, SnapshotCluster
from kafkaops.findings import Refusal
from kafkaops.journal import Ending, LastApplied, Memory, Owned, Property, Revision
from kafkaops.plan import Result

TEXT = """
domain: order
topics:
  order.placed: {partitions: 1, replication-factor: 1}
  order.paid: {partitions: 1, replication-factor: 1, retention-ms: 1d}
applications:
  order-service: {produces: [order.*]}
"""
ACL = "acl:acl/User:order-service/topic/order.*/write"
PLACED, PAID = "topic:order.placed", "topic:order.paid"
REPOSITORY = "github.com/acme/kafka"
CLEAN = Revision(REPOSITORY, "b" * 40)


def world(folder: Path, text: str = TEXT, revision: Revision = CLEAN, **cluster: Any) -> World:
    files = {"kafkaops.yaml": settings_text({"clusters": {"test": cluster}}), "order.yaml": text}
    return World(read(written(folder / "topology", files)), SnapshotCluster(), caller=caller(revision))


def again(made: World, revision: Revision = CLEAN, comes_from: Callable[[str], bool] = lambda _: True) -> World:
    """Another run, on the same cluster."""
    return replace(made, caller=caller(revision, comes_from=comes_from))


def told(memory: Memory) -> list[tuple[str, Ending | None, dict[str, int]]]:
    return [(run.id, run.end and run.end.how, dict(run.end.counts) if run.end else {}) for run in memory.runs]


def outcomes(memory: Memory, run: str) -> dict[str, tuple[Result, str]]:
    return {one.change_id: (one.result, one.message) for step in memory.steps_of(run) for one in step.outcomes}


def refused(made: World) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as raised:
        made.apply()
    (finding,) = raised.value.findings
    return raised.value.exit_code, finding.code, finding.message


def watch(made: World, event: Callable[[], object]) -> None:
    """Before each call of the cluster and before each record of the journal."""

    def call(_: str, __: object) -> None:
        event()

    def record(_: Sequence[Record]) -> None:
        event()

    made.cluster.hook = call
    made.cluster.journal().hook = record


# what is written down


def test_a_run_tells_who_what_and_how_it_ended(tmp_path: Path) -> None:
    made = world(tmp_path)

    made.apply()

    (run,) = made.memory().runs
    assert (run.id, run.command, run.lock, run.cluster, run.cluster_id) == (
        made.caller.id,
        "apply",
        "kafkaops.apply",
        "test",
        "snapshot-cluster-0001A",
    )
    assert (run.runner, run.revision, run.changes, run.steps) == (made.caller.runner, CLEAN, 3, 2)
    assert run.fingerprint.startswith("kp1-")
    assert run.end is not None
    assert (run.end.how, run.end.counts) == (Ending.DONE, {"applied": 3})


def test_each_step_is_announced_before_it_is_made_and_told_after(tmp_path: Path) -> None:
    made, order = world(tmp_path), list[str]()

    def record(records: Sequence[Record]) -> None:
        order.extend(one.key.split("/")[0] for one in records)

    made.cluster.journal().hook = record
    made.cluster.hook = lambda method, _: order.append(method) if method.startswith("create") else None

    made.apply()

    assert order == [
        *("run", "step", "create_acls", "outcome"),
        *("step", "create_topics", "create_topics", "outcome"),
        *("run", "applied", "owner", "owner"),
    ]


def test_what_is_announced_is_what_taking_it_back_needs(tmp_path: Path) -> None:
    made = world(tmp_path)

    made.apply()

    grant, create = made.memory().steps_of(made.caller.id)
    assert [(one.id, one.action, one.before, one.after) for one in (*grant.entries, *create.entries)] == [
        (
            ACL,
            "grant",
            None,
            {
                "principal": "User:order-service",
                "permission": "Allow",
                "operation": "Write",
                "resource_type": "Topic",
                "pattern": "Prefixed",
                "name": "order.",
                "host": "*",
            },
        ),
        (
            PAID,
            "create",
            None,
            {"partitions": 1, "replication": 1, "config": {"retention.ms": "86400000"}},
        ),
        (PLACED, "create", None, {"partitions": 1, "replication": 1, "config": {}}),
    ]


def test_the_commit_and_what_it_owns_is_remembered(tmp_path: Path) -> None:
    made = world(tmp_path)

    made.apply()

    memory = made.memory()
    assert memory.applied == {REPOSITORY: LastApplied(REPOSITORY, "b" * 40, made.caller.id, NOW)}
    assert memory.owners == {
        Property(Owned.DOMAIN, "order."): REPOSITORY,
        Property(Owned.PRINCIPAL, "User:order-service"): REPOSITORY,
    }


def test_what_is_no_longer_declared_is_no_longer_owned(tmp_path: Path) -> None:
    made = world(tmp_path / "before")
    made.apply()

    replace(
        again(world(tmp_path / "after", "topics: {order.placed: {partitions: 1, replication-factor: 1}}\n")),
        cluster=made.cluster,
    ).apply()

    assert made.memory().owners == {}


def test_nothing_is_written_when_nothing_is_new(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.apply()
    before = made.cluster.journal().committed

    again(made).apply()

    assert made.cluster.journal().committed == before


def test_a_new_commit_without_changes_is_remembered_and_nothing_else(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.apply()
    before = len(made.cluster.journal().committed or ())
    later = again(made, Revision(REPOSITORY, "c" * 40))

    later.apply()

    assert [one.key for one in (made.cluster.journal().committed or ())[before:]] == [
        "applied/github.com%2Facme%2Fkafka"
    ]
    assert made.memory().applied[REPOSITORY].commit == "c" * 40


@pytest.mark.parametrize("revision", [Revision(REPOSITORY, None, dirty=True), Revision()])
def test_files_that_are_no_commit_are_not_remembered_as_one(tmp_path: Path, revision: Revision) -> None:
    made = world(tmp_path, revision=revision)

    made.apply()

    assert made.memory().applied == {}
    assert told(made.memory()) == [(made.caller.id, Ending.DONE, {"applied": 3})]


def test_a_part_is_no_commit_and_owns_nothing(tmp_path: Path) -> None:
    made = replace(world(tmp_path), only=("acl/*",))

    made.apply()

    memory = made.memory()
    assert (memory.applied, memory.owners, [run.changes for run in memory.runs]) == ({}, {}, [1])


def test_what_failed_is_told_and_the_commit_is_not_applied(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.cluster.hook = lambda method, _: KafkaError("POLICY_VIOLATION", "no") if method == "create_acls" else None

    made.apply()

    memory = made.memory()
    assert told(memory) == [(made.caller.id, Ending.INCOMPLETE, {"applied": 2, "failed": 1})]
    assert outcomes(memory, made.caller.id)[ACL] == (Result.FAILED, "POLICY_VIOLATION: no")
    assert memory.applied == {}


def test_a_lost_answer_is_told_as_it_is_seen(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.cluster.hook = lambda method, _: LOST if method == "create_acls" else None

    made.apply()

    memory = made.memory()
    assert told(memory) == [(made.caller.id, Ending.DONE, {"applied": 3})]
    assert outcomes(memory, made.caller.id)[ACL] == (Result.APPLIED, "seen done (TIMED_OUT: the answer was lost)")


def test_a_plan_only_reads(tmp_path: Path) -> None:
    made = world(tmp_path)

    made.plan()

    assert made.cluster.journal().committed is None


def test_a_blocked_apply_writes_nothing(tmp_path: Path) -> None:
    made = world(tmp_path, TEXT.replace("replication-factor: 1}", "replication-factor: 9}", 1))

    with app.plan(made.changing, made.connect) as planned:
        assert planned.plan.blocked

    assert made.cluster.journal().committed == ()


def test_without_a_journal_nothing_is_locked_and_nothing_is_kept_and_that_is_said(tmp_path: Path) -> None:
    made = world(tmp_path, journal="off")
    held = made.cluster.journal().acquire(Lock.APPLY, "another")

    made.apply()

    held.release()
    assert made.cluster.journal().committed == ()
    assert made.plan().changes == ()
    assert [(one.code, one.severity) for one in made.plan().findings] == [("KO7124", "warning")]


# steps


def test_a_step_is_no_larger_than_may_be_in_doubt_and_keeps_a_topic_together(tmp_path: Path) -> None:
    one = "{partitions: 1, replication-factor: 1, retention-ms: 1d, segment-ms: 1d, max-message-bytes: 2MiB}"
    live = {f"order.n{number:03}": {"partitions": 1} for number in range(340)}
    text = "topics:\n" + "".join(f"  {name}: {one}\n" for name in live)
    made = replace(world(tmp_path, text), cluster=SnapshotCluster.from_dict({"topics": live}))

    sizes = [
        (int(batch.phase), len(batch.changes), len({change.address for change in batch.changes}))
        for batch in applying.batches(made.plan().changes)
    ]

    assert sum(count for _, count, _ in sizes) == 340 * 3
    assert max(count for _, count, _ in sizes) <= applying.MOST_CHANGES
    assert sum(topics for phase, _, topics in sizes if phase == sizes[0][0]) == 340


# who must wait


def test_a_second_run_is_told_who_is_at_work_and_changes_nothing(tmp_path: Path) -> None:
    made, said = world(tmp_path), list[tuple[int, str, str]]()

    def second(method: str, _: object) -> None:
        if method == "create_topics" and not said:
            said.append(refused(again(replace(made, cluster=made.cluster))))

    made.cluster.hook = second
    made.apply()

    assert said == [
        (
            6,
            "KO7120",
            "another run is at work: ci on runner-7 since 2026-07-01 12:00:00Z, at step 2 of 2 (https://ci.example/jobs/1)",
        )
    ]
    assert told(made.memory()) == [(made.caller.id, Ending.DONE, {"applied": 3})]


def test_a_run_that_has_not_begun_yet_is_known_by_what_it_says_of_itself(tmp_path: Path) -> None:
    made = world(tmp_path)

    with app.plan(made.changing, made.connect):
        code, _, message = refused(again(made))

    assert (code, message) == (
        6,
        "another run is at work: ci on runner-7 since 2026-07-01 12:00:00Z, before its first step (https://ci.example/jobs/1)",
    )


def test_another_client_in_the_group_is_named(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.cluster.journal().acquire(Lock.APPLY, "consumer-1")

    assert refused(made) == (6, "KO7120", "another run is at work: client `consumer-1` at 127.0.0.1")


def test_a_journal_that_is_not_understood_hides_nobody_who_is_at_work(tmp_path: Path) -> None:
    made = world(tmp_path)
    held = made.cluster.journal().acquire(Lock.APPLY, "consumer-1")
    held.append([Record("run/x", "hello")])

    assert refused(made)[:2] == (6, "KO7120")
    held.release()
    assert refused(made) == (1, "KO7123", "the record `run/x` of the journal cannot be read")
    assert made.cluster.calls == []


def test_a_mover_is_not_in_the_way(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.cluster.journal().acquire(Lock.MOVE, "a mover")

    made.apply()

    assert told(made.memory()) == [(made.caller.id, Ending.DONE, {"applied": 3})]


def test_the_lock_is_let_go_whatever_happens(tmp_path: Path) -> None:
    made = world(tmp_path)

    def stop(method: str, _: object) -> None:
        if method == "create_topics":
            raise KeyboardInterrupt

    made.cluster.hook = stop
    with pytest.raises(KeyboardInterrupt):
        made.apply()

    assert made.cluster.journal().holder(Lock.APPLY) is None


# an older commit


def test_an_older_commit_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    made = world(tmp_path, "topics: {order.paid: {partitions: 1, replication-factor: 1}}\n")
    made.apply()
    asked = list[str]()

    def comes_from(commit: str) -> bool:
        asked.append(commit)
        return False

    older = replace(again(world(tmp_path / "older"), Revision(REPOSITORY, "a" * 40), comes_from), cluster=made.cluster)
    calls = len(made.cluster.calls)

    assert refused(older) == (5, "KO7121", "commit aaaaaaa does not come from bbbbbbb, which was applied last")
    assert (asked, len(made.cluster.calls)) == (["b" * 40], calls)


@pytest.mark.parametrize(
    "revision", [Revision(REPOSITORY, None, dirty=True), Revision("github.com/acme/other", "a" * 40), Revision()]
)
def test_what_is_no_commit_of_the_same_repository_is_not_older(tmp_path: Path, revision: Revision) -> None:
    made = world(tmp_path)
    made.apply()

    assert again(made, revision, lambda _: False).apply() == ()


# when it dies, and when it is lost


def killed(made: World) -> World:
    """Between two topics of one step; with the cluster as the next run finds it."""

    def die(method: str, item: object) -> None:
        if method == "create_topics" and getattr(item, "name", "") == "order.placed":
            raise Killed

    made.cluster.hook = die
    with pytest.raises(Killed):
        made.apply()
    return made.with_cluster(made.cluster.copy())


def test_a_run_that_died_is_looked_at_by_the_next_one(tmp_path: Path) -> None:
    made = killed(world(tmp_path))
    assert told(made.memory()) == [(made.caller.id, None, {})]
    later = again(made)

    later.apply()

    memory = made.memory()
    assert told(memory) == [
        (later.caller.id, Ending.DONE, {"applied": 1}),
        (made.caller.id, Ending.TAKEN_OVER, {"applied": 2, "failed": 1}),
    ]
    assert outcomes(memory, made.caller.id) == {
        ACL: (Result.APPLIED, ""),
        PAID: (Result.APPLIED, "seen done"),
        PLACED: (Result.FAILED, "seen not done"),
    }
    assert [step.seen_by for step in memory.steps_of(made.caller.id)] == ["", later.caller.id]


def test_what_was_changed_again_since_is_told_as_something_else(tmp_path: Path) -> None:
    made = killed(world(tmp_path))
    made.cluster.alter_topics([AlterTopic("order.paid", {"retention.ms": "1"})])

    with app.plan(again(made).changing, made.connect):
        pass

    assert outcomes(made.memory(), made.caller.id)[PAID] == (
        Result.FAILED,
        "seen as something else: it was changed again, or made in part",
    )


def test_that_a_run_had_no_end_is_said_once(tmp_path: Path) -> None:
    made = killed(world(tmp_path))

    def codes() -> list[str]:
        with app.plan(again(made).changing, made.connect) as planned:
            return [one.code for one in planned.plan.findings]

    assert (codes(), codes()) == (["KO7125"], [])


def test_a_mover_that_did_not_end_is_the_movers_business(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.apply()
    (run,) = made.memory().runs
    held = made.cluster.journal().acquire(Lock.MOVE, "a mover")
    mover = replace(run, id="20260701T110000Z-000000", lock="kafkaops.move", end=None)
    held.append([Record(key, text) for key, text in app.journal.run_entry(mover).items()])

    again(made, Revision(REPOSITORY, "c" * 40)).apply()

    assert {run.id: run.end for run in made.memory().runs}[mover.id] is None


def lost(made: World, method: str) -> tuple[list[applying.Step], LostError | None]:
    """Another one gets the lock right before the first such call."""
    steps, raised = list[applying.Step](), None

    def expire(asked: str, _: object) -> None:
        if asked == method:
            made.cluster.journal().expire(Lock.APPLY)

    made.cluster.hook = expire
    with app.plan(made.changing, made.connect) as planned:
        try:
            app.perform(made.changing, planned, steps.append)
        except LostError as error:
            raised = error
    made.cluster.hook = None
    return steps, raised


def test_whoever_lost_the_lock_sends_nothing_more(tmp_path: Path) -> None:
    """What was under way when it was lost had been announced; not even its outcome can be written."""
    made = world(tmp_path)

    steps, raised = lost(made, "create_acls")

    assert raised is not None
    assert [[one.result for one in step.outcomes] for step in steps] == [[Result.APPLIED]]
    assert [call.method for call in made.cluster.calls] == ["create_acls"]
    (step,) = made.memory().steps_of(made.caller.id)
    assert step.ended is None


def test_an_announced_step_of_which_nothing_was_sent_is_in_doubt_for_whoever_lost_the_lock(tmp_path: Path) -> None:
    made = world(tmp_path)

    def record(records: Sequence[Record]) -> None:
        if records[0].key.startswith("step/"):
            made.cluster.journal().expire(Lock.APPLY)

    made.cluster.journal().hook = record
    steps, raised = lost(made, "nothing")

    assert raised is not None
    assert [(one.result, one.message) for step in steps for one in step.outcomes] == [
        (Result.FAILED, "it was announced, so it may be done or not: the lock is lost")
    ]
    assert made.cluster.calls == []


def test_a_lock_that_is_lost_before_anything_was_done_is_busy(tmp_path: Path) -> None:
    made = world(tmp_path)

    def lose() -> None:
        with app.plan(made.changing, made.connect) as planned:
            made.cluster.journal().expire(Lock.APPLY)
            app.broker_findings(planned)

    with pytest.raises(Refusal) as raised:
        lose()

    assert (raised.value.exit_code, [one.code for one in raised.value.findings]) == (6, ["KO7126"])


def test_a_step_that_cannot_be_announced_is_not_made(tmp_path: Path) -> None:
    made = world(tmp_path)
    gone = ClusterFailure(FailureKind.UNREACHABLE, "no broker answers")

    def record(records: Sequence[Record]) -> None:
        if records[0].key.startswith("step/"):
            raise gone

    made.cluster.journal().hook = record
    with pytest.raises(ClusterFailure):
        made.apply()

    assert made.cluster.calls == []


def test_a_step_without_an_answer_stays_open_until_somebody_has_looked(tmp_path: Path) -> None:
    made = world(tmp_path)
    made.cluster.hook = lambda method, _: LOST if method == "create_acls" else None
    request = made.changing
    with app.plan(request, made.connect) as planned:
        steps = app.perform(request, planned, lambda _: None)
        app.close(request, planned, Ending.INCOMPLETE, app.settle(planned.plan, steps, None), seen=False)
    made.cluster.hook = None

    assert [step.ended is None for step in made.memory().steps_of(made.caller.id)] == [True, False]
    again(made).apply()

    memory = made.memory()
    assert told(memory)[-1] == (made.caller.id, Ending.INCOMPLETE, {"applied": 3})
    assert outcomes(memory, made.caller.id)[ACL] == (Result.APPLIED, "seen done")


# the law


def dying_at(moment: int) -> Callable[[], None]:
    left = iter(range(moment))

    def event() -> None:
        if next(left, None) is None:
            raise Killed

    return event


def moments(made: World) -> int:
    """How many calls and records an undisturbed run has."""
    count = 0

    def event() -> None:
        nonlocal count
        count += 1

    watch(made, event)
    made.apply()
    return count


@settings(max_examples=200, deadline=None)
@given(givens(), st.data())
def test_a_run_that_dies_between_any_two_calls_is_finished_by_the_next_and_its_story_is_true(
    given_: Given, data: st.DataObject
) -> None:
    with agreed(given_) as (made, plan):
        undisturbed = again(made.with_cluster(made.cluster.copy()))
        last = moments(undisturbed)
        watch(made, dying_at(data.draw(st.integers(0, last))))
        with suppress(Killed):
            made.apply()
        watch(made, lambda: None)
        left = {change.id for change in made.plan().changes}

        again(made).apply()

        assert contents(made.cluster) == contents(undisturbed.cluster)
        memory = made.memory()
        assert memory.unsettled == ()
        announced = outcomes(memory, made.caller.id)
        assert {id_ for id_, (result, _) in announced.items() if result is Result.APPLIED} == announced.keys() - left
        assert {change.id for change in plan.changes} - announced.keys() <= left
