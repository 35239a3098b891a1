"""Taking a run back: what was before is there again, what somebody else did stays, and what cannot come back is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from in_memory import World, caller, finding_line, lines, read, settings_text, written
from test_laws import Given, agreed, contents, givens
from test_run import REPOSITORY, killed, told, world

from kafkaops import app
from kafkaops.cluster import AlterTopic
from kafkaops.cluster.plain import acl
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.findings import Refusal
from kafkaops.journal import Ending, Revision
from kafkaops.kinds.topic.model import OPERATIONAL
from kafkaops.kinds.topic.settings import comparable
from kafkaops.plan import Plan, Result

LIVE = {
    "topics": {
        "order.placed": {"partitions": 1, "config": {"retention.ms": "86400000", "segment.ms": "3600000"}},
        "order.old": {"partitions": 2, "config": {"max.message.bytes": "2097152"}},
    },
    "acls": ["User:order-service allow Read topic literal order.placed from *"],
}
AFTER = """
topics:
  order.placed: {partitions: 2, replication-factor: 1, retention-ms: 7d, segment-ms: 1h}
  order.paid: {partitions: 1, replication-factor: 1}
  order.old: {state: absent}
applications:
  order-service: {produces: [order.*]}
"""


def applied(folder: Path, text: str = AFTER, live: Any = LIVE) -> World:
    """With consent to whatever it takes."""
    made = replace(world(folder, text), cluster=SnapshotCluster.from_dict(live))
    request = replace(made.changing, consents=dangers(made.plan()))
    with app.plan(request, made.connect) as asked:
        request, planned = app.consenting(request, asked)
        assert not planned.plan.blocked, lines(made)
        steps = app.perform(request, planned, lambda _: None)
        outcomes = app.settle(planned.plan, steps, None)
        assert {one.result for one in outcomes} == {Result.APPLIED}
        app.close(request, planned, Ending.DONE, outcomes, seen=False)
    return made


def dangers(made: Plan) -> tuple[str, ...]:
    return tuple(f"{one.code}@{one.address}" for one in made.findings if one.consent)


def undoing(made: World, run: str = "last") -> app.Request:
    return replace(made.request, command="undo", undoes=run)


def shown(made: World, run: str = "last") -> tuple[list[str], list[str]]:
    """The changes, and what is said beside."""
    with app.undone(undoing(made, run), made.connect) as planned:
        return [change.id for change in planned.plan.changes], [finding_line(one) for one in planned.plan.findings]


def undo(made: World, run: str = "last", *, consent: bool = True) -> Plan:
    """`undo RUN --yes`, with consent to every danger."""
    entry = replace(made.request.entry, cluster_id=made.cluster.describe().cluster_id)
    request = replace(undoing(made, run), caller=caller(Revision(REPOSITORY, "d" * 40)), entry=entry)
    with app.undone(request, made.connect) as asked:
        request = replace(asked.request, consents=dangers(asked.plan) if consent else ())
        request, planned = app.consenting(request, asked)
        if planned.plan.blocked or not planned.plan.to_do:
            return planned.plan
        steps = app.perform(request, planned, lambda _: None)
        _, left = app.verify(request, planned, lambda _: None, patience=-1)
        outcomes = app.settle(planned.plan, steps, left)
        how = Ending.DONE if not left else Ending.INCOMPLETE
        app.close(request, planned, how, outcomes, seen=True)
        return planned.plan


def test_what_was_before_is_there_again_and_what_cannot_come_back_is_said(tmp_path: Path) -> None:
    before = contents(SnapshotCluster.from_dict(LIVE))
    made = applied(tmp_path)
    assert contents(made.cluster) != before

    ids, findings = shown(made)
    undo(made)

    assert ids == [
        "acl:acl/User:order-service/topic/order.placed/read",
        "topic:order.old",
        "acl:acl/User:order-service/topic/order.*/write",
        "topic:order.placed#retention.ms",
        "topic:order.paid",
    ]
    assert [one for one in findings if one.startswith(("warning", "notice"))] == [
        "notice KO7130 -: undo leaves the files as they are, and the next apply makes them true again",
        "warning KO7128 topic/order.placed: order.placed: keeps its 2 partitions, since Kafka cannot take any away",
        "warning KO7128 topic/order.old: order.old: comes back empty, its records are gone, and it has another topic id",
    ]
    topics, acls = before
    assert isinstance(topics, dict)
    assert contents(made.cluster) == ({**topics, "order.placed": (2, *topics["order.placed"][1:])}, acls)


def test_the_dangers_are_those_of_any_plan(tmp_path: Path) -> None:
    made = applied(tmp_path)
    before = contents(made.cluster)

    plan = undo(made, consent=False)

    assert plan.blocked
    assert sorted(one.code for one in plan.findings if one.blocks) == ["KO2104", "KO2106", "KO3107"]
    assert contents(made.cluster) == before


def test_it_is_a_run_like_any_other_but_no_commit(tmp_path: Path) -> None:
    made = applied(tmp_path)
    commit = made.memory().applied

    undo(made)

    memory = made.memory()
    assert [how for _, how, _ in told(memory)] == [Ending.DONE, Ending.DONE]
    assert [run.command for run in memory.runs] == ["undo", "apply"]
    assert (memory.applied, len(memory.owners)) == (commit, 1)


def test_what_is_undone_has_nothing_left_to_undo_and_can_be_done_again(tmp_path: Path) -> None:
    made = applied(tmp_path)
    after = contents(made.cluster)
    undo(made)

    assert shown(made, made.caller.id)[0] == []
    undo(made)

    assert contents(made.cluster) == after


def test_what_somebody_changed_since_is_said_and_left_alone(tmp_path: Path) -> None:
    made = applied(tmp_path)
    made = made.with_cluster(made.cluster.copy())
    made.cluster.alter_topics(
        [AlterTopic("order.placed", {"retention.ms": "1"}), AlterTopic("order.paid", {"segment.ms": "86400000"})]
    )

    ids, findings = shown(made)
    undo(made)

    assert not {"topic:order.placed#retention.ms", "topic:order.paid"} & set(ids)
    assert [one for one in findings if "KO7127" in one] == [
        "warning KO7127 topic/order.paid: topic/order.paid: was changed again since, so it is left alone",
        "warning KO7127 topic/order.placed: topic/order.placed retention.ms: was changed again since, so it is left alone",
    ]
    assert made.cluster.state.topics["order.placed"].overrides["retention.ms"] == "1"
    assert "order.paid" in made.cluster.state.topics


def test_another_topic_of_that_name_is_left_alone(tmp_path: Path) -> None:
    made = applied(
        tmp_path, "topics: {order.placed: {partitions: 1, replication-factor: 1, retention-ms: 7d, segment-ms: 1h}}\n"
    )
    made = made.with_cluster(made.cluster.copy())
    state = made.cluster.state
    topics = {**state.topics, "order.placed": replace(state.topics["order.placed"], topic_id="B" * 22)}
    made.cluster.state = replace(state, topics=topics)

    assert shown(made)[0] == []


def test_what_the_run_did_not_touch_stays_as_it_is_now(tmp_path: Path) -> None:
    made = applied(tmp_path)
    made = made.with_cluster(made.cluster.copy())
    others = acl("User:order-service allow Describe group literal other from *")
    made.cluster.create_acls([others])
    made.cluster.alter_topics([AlterTopic("order.placed", {"segment.ms": "7200000"})])

    undo(made)

    assert others in made.cluster.state.acls
    assert made.cluster.state.topics["order.placed"].overrides == {"retention.ms": "86400000", "segment.ms": "7200000"}


def test_of_a_run_that_died_what_was_made_is_taken_back(tmp_path: Path) -> None:
    made = killed(world(tmp_path))
    assert "order.paid" in made.cluster.state.topics

    assert shown(made)[0] == ["acl:acl/User:order-service/topic/order.*/write", "topic:order.paid"]
    undo(made)

    assert dict(made.cluster.state.topics) == {}
    assert dict(made.cluster.state.acls) == {}


def test_a_protected_topic_is_not_deleted_by_an_undo(tmp_path: Path) -> None:
    made = applied(tmp_path / "before")
    files = {"kafkaops.yaml": settings_text({"protect": ["order.*"]}), "order.yaml": AFTER}
    guarded = replace(made, topology=read(written(tmp_path / "after", files)))

    assert any(one.startswith("error KO5101 topic/order.paid") for one in shown(guarded)[1])


@pytest.mark.parametrize("run", ["last", "20260701T120000Z-ffffff"])
def test_a_run_that_is_not_remembered_is_said(tmp_path: Path, run: str) -> None:
    with pytest.raises(Refusal) as raised:
        shown(world(tmp_path), run)

    assert (raised.value.exit_code, raised.value.findings[0].message) == (64, f"the journal knows no run `{run}`")


@pytest.mark.parametrize("consent", ["KO2106", "KO2106@topic/order.none", "KO7128@topic/order.old", ""])
def test_consent_to_what_is_no_danger_is_refused(tmp_path: Path, consent: str) -> None:
    made = applied(tmp_path)

    with (
        app.undone(replace(undoing(made), consents=(consent,)), made.connect) as planned,
        pytest.raises(Refusal) as raised,
    ):
        app.consenting(planned.request, planned)

    assert raised.value.findings[0].message == f"`--ack {consent}` names no danger of this plan"


def meaning(found: tuple[object, object]) -> tuple[object, object]:
    """However values are spelled, without what is set for the time of a move, and without what brokers no longer know and so refuse."""
    topics, acls = found
    assert isinstance(topics, dict)
    left = OPERATIONAL | {"message.format.version"}
    return {
        name: (partitions, replication, {key: comparable(key, text) for key, text in config.items() if key not in left})
        for name, (partitions, replication, config) in topics.items()
    }, acls


@settings(max_examples=60, deadline=None)
@given(givens())
def test_undo_brings_back_everything_but_the_number_of_partitions(given_: Given) -> None:
    with agreed(given_) as (made, _):
        before = contents(made.cluster)
        assume(made.apply())

        plan = undo(made)

        assume(not plan.blocked)
        topics, acls = meaning(before)
        now, acls_now = meaning(contents(made.cluster))
        assert isinstance(topics, dict)
        assert isinstance(now, dict)
        assert acls_now == acls
        assert {name: facts[1:] for name, facts in now.items()} == {name: facts[1:] for name, facts in topics.items()}
        assert all(facts[0] >= topics[name][0] for name, facts in now.items())
