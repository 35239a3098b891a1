"""What goes on in a cluster, told from what was read: what is known, what is not, and whose each throttle is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import jsonschema
import pytest
from in_memory import NOW, World, read, settings_text, written

from kafkaops import app, condition, doctor, journal, status
from kafkaops.cluster import AlterBroker, AlterTopic, ClusterFailure, FailureKind, KafkaError, TopicPartition
from kafkaops.cluster.journal import Lock, Record
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.condition import Facts, Whose
from kafkaops.journal import Borrowed, End, Ending, Entry, On, Revision, Run, Runner, Step
from kafkaops.moving.throttling import FOLLOWER_RATE, FOLLOWERS, LEADER_RATE, LEADERS
from kafkaops.plan import Phase
from kafkaops.report import Document, Health
from kafkaops.topology import Topology
from kafkaops.view import human, machine

REFUSED = KafkaError("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.")
MINE = Runner("ci", "runner-7", 4711)
RUN = "20260701T110000Z-ab12cd"
OTHER = "20260701T113000Z-ef34ab"
A, B = TopicPartition("a", 0), TopicPartition("b", 0)


def cluster(**topics: Mapping[str, object]) -> SnapshotCluster:
    """Four brokers; a and b have 1,000 bytes in one partition."""
    usual = {name: {"assignment": [[1, 2]], "bytes": 1000} for name in ("a", "b")}
    return SnapshotCluster.from_dict(
        {"brokers": [{"id": one, "rack": f"r{one}"} for one in (1, 2, 3, 4)], "topics": usual | topics}
    )


TOPICS = """\
topics:
  a: {partitions: 1, replication-factor: 2}
  b: {partitions: 1, replication-factor: 2}
"""


@cache
def topology(*, journals: bool) -> Topology:
    block = {} if journals else {"clusters": {"test": {"journal": "off"}}}
    with TemporaryDirectory() as folder:
        return read(written(Path(folder) / "topology", {"kafkaops.yaml": settings_text(block), "topics.yaml": TOPICS}))


def world(on: SnapshotCluster, *, journals: bool = True) -> World:
    return World(topology(journals=journals), on)


def look(on: SnapshotCluster, *, journals: bool = True) -> Facts:
    made = world(on, journals=journals)
    with app.connected(made.request, made.connect) as reading:
        return status.look(reading)


def throttles(facts: Facts) -> dict[tuple[str, str], tuple[Whose, bool | None]]:
    found = condition.throttles(facts.settings, facts.overrides, facts.flights, facts.journal)
    return {(one.setting.name, one.setting.key): (one.whose, one.idle) for one in found}


def told(facts: Facts) -> dict[str, str]:
    return {one.code: one.message for one in condition.findings(facts, "test")}


def moving(on: SnapshotCluster, key: TopicPartition, *target: int) -> None:
    assert on.reassign({key: target}, resize=True) == {key: None}


def slowed(on: SnapshotCluster, *, topic: str = "a", entries: str = "0:1,0:2", broker: int = 1) -> None:
    assert on.alter_topics([AlterTopic(topic, {LEADERS: entries})]) == {topic: None}
    assert on.alter_brokers([AlterBroker(broker, {LEADER_RATE: "1000"})]) == {broker: None}


def lent(on: SnapshotCluster, *, ours: str = "0:1,0:2", rate: str = "1000", run: str = RUN) -> None:
    """As a run writes it down before it sets anything."""
    book = on.journal().acquire(Lock.MOVE, journal.client_id(run, MINE))
    for one in (
        Borrowed(run, On.TOPIC, "a", LEADERS, None, ours),
        Borrowed(run, On.BROKER, "1", LEADER_RATE, None, rate),
    ):
        book.append([Record(*pair) for pair in journal.borrowed_entry(one).items()])
    book.release()


# partitions


def test_a_cluster_at_rest_is_quiet() -> None:
    facts = look(cluster())

    assert (condition.ailing(facts), condition.in_flight(facts), throttles(facts), told(facts)) == ((), (), {}, {})


def test_a_broker_that_is_down_leaves_its_partitions_in_the_states_that_kafka_counts() -> None:
    on = cluster(
        two={"assignment": [[1, 2]], "config": {"min.insync.replicas": "2"}},
        one={"assignment": [[3]]},
        none={"assignment": [[1, 4]]},
    )
    on.stop(2)
    on.stop(3)
    facts = look(on)

    states = {one.partition.topic: [state.value for state in one.states] for one in condition.ailing(facts)}

    assert states == {
        "a": ["under_replicated"],
        "b": ["under_replicated"],
        "two": ["under_min_isr", "under_replicated"],
        "one": ["leaderless", "under_min_isr", "under_replicated"],
    }
    assert told(facts) == {
        "KO4303": "nobody can write to or read from 1 partition without a leader: one-0",
        "KO4304": "1 partition with fewer replicas in sync than min.insync.replicas: two-0",
    }


def test_the_default_of_the_broker_is_the_least_where_the_topic_says_nothing() -> None:
    on = SnapshotCluster.from_dict(
        {"brokers": 3, "broker": {"min.insync.replicas": "2"}, "topics": {"a": {"assignment": [[1, 2]]}}}
    )
    on.stop(2)

    assert [one.least for one in condition.ailing(look(on))] == [2]


def test_a_replica_that_still_arrives_is_not_missed() -> None:
    on = cluster()
    on.copied(A, 3, 10)
    moving(on, A, 1, 2, 3)

    assert condition.ailing(look(on)) == ()


def test_without_the_settings_the_partitions_below_the_least_are_not_known_rather_than_none() -> None:
    on = cluster()
    on.hook = lambda method, _: REFUSED if method == "broker_configs" else None
    document = document_of(on)

    assert document["partitions"]["under_min_isr"] is None
    assert "not known below min.insync.replicas" in screen(document)


# what is on its way


def test_a_copy_is_told_with_what_arrived_of_about_how_much() -> None:
    on = cluster()
    moving(on, A, 2, 3)
    on.copied(A, 3, 400)
    (flight,) = condition.in_flight(look(on)) or ()

    assert (flight.old, flight.new, dict(flight.copied), flight.size, flight.run, flight.undone) == (
        (1, 2),
        (2, 3),
        {3: 400},
        1000,
        "",
        False,
    )


def test_of_a_copy_that_has_just_begun_nothing_has_arrived() -> None:
    on = cluster()
    moving(on, A, 2, 3)
    facts = look(on)
    (flight,) = condition.in_flight(replace(facts, dirs={**facts.dirs, 3: ()})) or ()

    assert dict(flight.copied) == {3: 0}


def test_what_a_broker_does_not_tell_of_a_copy_is_not_known() -> None:
    on = cluster()
    moving(on, A, 2, 3)
    on.hook = lambda method, item: REFUSED if (method, item) == ("log_dirs", 3) else None
    facts = look(on)
    (flight,) = condition.in_flight(facts) or ()

    assert (dict(flight.copied), flight.size) == ({3: None}, 1000)
    assert told(facts) == {"KO4306": f"not known: the disks of broker 3 ({REFUSED})"}


def test_reassignments_that_cannot_be_read_are_not_none() -> None:
    on = cluster()
    slowed(on)
    on.hook = lambda method, _: REFUSED if method == "reassignments" else None
    facts, document = look(on), document_of(on)

    assert condition.in_flight(facts) is None
    assert throttles(facts) == {("1", LEADER_RATE): (Whose.FOREIGN, None), ("a", LEADERS): (Whose.FOREIGN, None)}
    assert set(told(facts)) == {"KO4302", "KO4306"}
    assert document["reassignments"] is None
    assert " moving not known throttles " in screen(document)


def test_a_half_done_undo_waits_for_a_cancel() -> None:
    on = cluster()
    moving(on, A, 1, 3)
    on.copied(A, 3, 10)
    moving(on, A, 1, 2)
    facts = look(on)
    (flight,) = condition.in_flight(facts) or ()

    assert flight.undone
    (found,) = [one for one in condition.findings(facts, "test") if one.code == "KO4305"]
    assert found.help == "`kafkaops cancel a --cluster test`"


def test_a_copy_is_of_the_run_that_announced_it_until_that_run_has_ended() -> None:
    on = cluster()
    moving(on, A, 2, 3)
    moving(on, B, 2, 3)
    on.copied(A, 3, 10)
    on.copied(B, 3, 10)
    announce(on, end=None)
    facts = look(on)

    assert [one.run for one in condition.in_flight(facts) or ()] == [RUN, ""]
    assert told(facts) == {
        "KO4307": f"run {RUN} is not at work any more, and what it moved goes on in the cluster: a",
    }

    held = on.journal().acquire(Lock.MOVE, journal.client_id(OTHER, MINE))
    assert told(look(on)) == {}
    held.release()

    announce(on, end=Ending.DONE)
    assert [one.run for one in condition.in_flight(look(on)) or ()] == ["", ""]


def announce(on: SnapshotCluster, *, end: Ending | None) -> None:
    run = Run(
        id=RUN,
        command="apply",
        lock=Lock.MOVE,
        cluster="test",
        cluster_id="snapshot-cluster-0001A",
        since=NOW,
        runner=MINE,
        revision=Revision(),
        fingerprint="",
        changes=1,
        steps=1,
        end=End(NOW, end) if end else None,
    )
    entry = Entry("topic:a#replicas", "topic/a", "reassign", {"replicas": {"0": [1, 2]}}, {"replicas": {"0": [2, 3]}})
    step = Step(run=RUN, number=1, phase=Phase.MOVES, kind="topic", announced=NOW, entries=(entry,))
    book = on.journal().acquire(Lock.MOVE, journal.client_id(RUN, MINE))
    for entries in (journal.run_entry(run), journal.intent_entries(step)):
        book.append([Record(*pair) for pair in entries.items()])
    book.release()


# throttles


def test_a_throttle_of_a_run_at_work_is_in_order() -> None:
    on = cluster()
    lent(on)
    slowed(on)
    held = on.journal().acquire(Lock.MOVE, journal.client_id(RUN, MINE))
    facts = look(on)
    held.release()

    assert throttles(facts) == {("1", LEADER_RATE): (Whose.AT_WORK, True), ("a", LEADERS): (Whose.AT_WORK, True)}
    assert told(facts) == {}


def test_whoever_moves_now_gives_back_what_an_earlier_run_has_lent() -> None:
    on = cluster()
    lent(on)
    slowed(on)
    held = on.journal().acquire(Lock.MOVE, journal.client_id(OTHER, MINE))
    facts = look(on)
    held.release()

    assert told(facts) == {}


def test_an_apply_beside_it_does_not() -> None:
    on = cluster()
    lent(on)
    slowed(on)
    held = on.journal().acquire(Lock.APPLY, journal.client_id(OTHER, MINE))
    facts = look(on)
    held.release()

    assert set(told(facts)) == {"KO4301"}


def test_criterion_14_a_throttle_of_a_run_that_was_killed_is_orphaned_also_while_its_copies_go_on() -> None:
    on = cluster()
    lent(on)
    slowed(on)
    moving(on, A, 2, 3)
    on.copied(A, 3, 10)
    facts = look(on)
    (found,) = [one for one in condition.findings(facts, "test") if one.code == "KO4301"]

    assert throttles(facts) == {("1", LEADER_RATE): (Whose.LEFT, False), ("a", LEADERS): (Whose.LEFT, False)}
    assert found.message == f"run {RUN} is not at work any more, and its throttle of topic a on broker 1 is still set"
    assert found.help == (
        "`kafkaops resume --cluster test` goes on with what it moved; "
        "`kafkaops throttle clear --cluster test` gives back what was set before"
    )
    assert found.notes == (f"broker 1: {LEADER_RATE}=1000", f"topic a: {LEADERS}=0:1,0:2")


def test_a_throttle_of_nobody_that_is_known_is_orphaned_where_nothing_of_it_is_on_its_way() -> None:
    on = cluster()
    slowed(on)
    facts = look(on)
    (found,) = condition.findings(facts, "test")

    assert found.code == "KO4301"
    assert found.help == (
        f"`kafka-configs.sh --alter --entity-type topics --entity-name a --delete-config {LEADERS}`; "
        f"`kafka-configs.sh --alter --entity-type brokers --entity-name 1 --delete-config {LEADER_RATE}`"
    )
    assert found.message == (
        "a throttle of topic a on broker 1 was left behind: nothing that it is for is on its way, and no run of the journal has set it"
    )


def test_a_throttle_of_somebody_else_who_copies_is_left_to_him() -> None:
    on = cluster()
    slowed(on)
    moving(on, A, 2, 3)
    on.copied(A, 3, 10)

    assert told(look(on)) == {
        "KO4302": "replication of topic a on broker 1 is throttled, and no run of the journal has set it"
    }


def test_a_copy_of_another_topic_does_not_keep_a_list_in_use_nor_the_rate_of_its_broker() -> None:
    on = cluster()
    slowed(on)
    moving(on, B, 2, 3)
    on.copied(B, 3, 10)

    assert throttles(look(on)) == {("1", LEADER_RATE): (Whose.FOREIGN, True), ("a", LEADERS): (Whose.FOREIGN, True)}


@pytest.mark.parametrize("entries", ["*", " * "])
def test_a_star_is_nobodys_remainder(entries: str) -> None:
    on = cluster()
    slowed(on, entries=entries)

    assert throttles(look(on)) == {("1", LEADER_RATE): (Whose.FOREIGN, False), ("a", LEADERS): (Whose.FOREIGN, False)}


def test_a_rate_without_a_list_slows_nothing_and_kafkas_own_tool_takes_it_away() -> None:
    on = cluster()
    on.alter_brokers([AlterBroker(3, {FOLLOWER_RATE: "5"})])
    (found,) = condition.findings(look(on), "test")

    assert (found.code, found.help) == (
        "KO4301",
        f"`kafka-configs.sh --alter --entity-type brokers --entity-name 3 --delete-config {FOLLOWER_RATE}`",
    )


def test_a_list_that_is_empty_or_inherited_is_no_throttle() -> None:
    on = cluster(c={"assignment": [[1]], "config": {LEADERS: "", FOLLOWERS: " "}})

    assert throttles(look(on)) == {}


def test_a_rate_in_the_file_of_a_broker_is_none_since_kafka_reads_dynamic_ones_alone() -> None:
    on = SnapshotCluster.from_dict({"brokers": 3, "broker": {LEADER_RATE: "5"}})

    assert throttles(look(on)) == {}


def test_another_rate_than_the_lent_one_is_of_somebody_else() -> None:
    on = cluster()
    lent(on, rate="999")
    slowed(on)

    assert throttles(look(on))["1", LEADER_RATE] == (Whose.FOREIGN, True)


def test_a_list_that_somebody_has_added_to_is_still_lent_and_one_without_our_entries_is_not() -> None:
    on = cluster()
    lent(on)
    slowed(on, entries="0:1,0:9")
    assert throttles(look(on))["a", LEADERS] == (Whose.LEFT, True)

    slowed(on, entries="0:9")
    assert throttles(look(on))["a", LEADERS] == (Whose.FOREIGN, True)


def test_where_there_is_no_journal_it_is_not_known_whose_a_throttle_is() -> None:
    on = cluster()
    slowed(on)
    facts = look(on, journals=False)

    assert throttles(facts)["a", LEADERS] == (Whose.UNKNOWN, True)
    assert "who has set it is not known without the journal" in told(facts)["KO4301"]


def test_who_is_at_work_may_be_hidden_while_the_journal_is_read() -> None:
    facts = look(cluster())
    borrowed = Borrowed(RUN, On.TOPIC, "a", LEADERS, None, "0:1")
    memory = replace(facts.journal.memory or journal.Memory(), borrowed=(borrowed,))
    on = cluster()
    slowed(on, entries="0:1")
    seen = look(on)
    found = condition.throttles({}, seen.overrides, seen.flights, condition.Journal(memory, None))

    assert [(one.whose, one.run) for one in found] == [(Whose.UNKNOWN, RUN)]


# the journal


def test_a_journal_that_cannot_be_read_takes_nothing_from_the_rest() -> None:
    on = cluster()
    slowed(on)
    on.journal().refusal = ClusterFailure(FailureKind.NO_JOURNAL, "no Read on the topic `_kafkaops.journal`")
    document = document_of(on)

    assert document["journal"] == {
        "known": False,
        "why": "no Read on the topic `_kafkaops.journal`",
        "holders": None,
        "last_apply": None,
    }
    assert [one["whose"] for one in document["throttles"]] == ["unknown", "unknown"]
    assert "last apply not known: no Read on the topic `_kafkaops.journal`" in screen(document)


def test_the_last_apply_is_told_and_who_is_at_work_apart() -> None:
    on = cluster()
    began(on, RUN, End(NOW, Ending.INCOMPLETE, {"applied": 2, "failed": 1}))
    began(on, OTHER, None)
    held = on.journal().acquire(Lock.APPLY, journal.client_id(OTHER, MINE))
    document = document_of(on)
    held.release()

    last = document["journal"]["last_apply"]
    assert (last["run"], last["outcome"], last["results"]) == (RUN, "incomplete", {"applied": 2, "failed": 1})
    assert [one["run"] for one in document["journal"]["holders"]] == [OTHER]
    assert f"lock kafkaops.apply: run {OTHER}, ci on runner-7" in screen(document)
    assert f"last apply incomplete 2026-07-01 12:00:00Z, by ci on runner-7 (run {RUN})" in screen(document)


def test_an_apply_that_died_is_the_last_one_and_did_not_tell_how_it_ended() -> None:
    on = cluster()
    began(on, RUN, None)

    assert "last apply did not tell how it ended 2026-07-01 12:00:00Z" in screen(document_of(on))


def began(on: SnapshotCluster, id_: str, end: End | None) -> None:
    run = Run(
        id=id_,
        command="apply",
        lock=Lock.APPLY,
        cluster="test",
        cluster_id="snapshot-cluster-0001A",
        since=NOW + timedelta(minutes=id_ == OTHER),
        runner=MINE,
        revision=Revision(),
        fingerprint="",
        changes=3,
        steps=1,
        end=end,
    )
    book = on.journal().acquire(Lock.APPLY, journal.client_id(id_, MINE))
    book.append([Record(*pair) for pair in journal.run_entry(run).items()])
    book.release()


# doctor and plan


def test_criterion_14_doctor_tells_it() -> None:
    on = cluster()
    lent(on)
    slowed(on)

    (check,) = _doctor(on)

    assert (check.result, check.help) == (
        Health.WARNING,
        "`kafkaops throttle clear --cluster test` gives back what was set before",
    )
    assert check.message.startswith(f"KO4301: run {RUN} is not at work any more")


def test_doctor_finds_nothing_wrong_with_none_and_does_not_take_unknown_for_none() -> None:
    on = cluster()
    assert [(one.result, one.message) for one in _doctor(on)] == [(Health.OK, "none is set")]

    on.hook = lambda method, _: REFUSED if method == "reassignments" else None
    assert [one.result for one in _doctor(on)] == [Health.UNKNOWN]


def _doctor(on: SnapshotCluster) -> list[doctor.Check]:
    made = world(on)
    with app.connected(made.request, made.connect) as reading:
        return [one for one in doctor.checks(reading) if one.name == "throttles"]


def test_criterion_14_plan_tells_it_of_the_topics_that_it_reads() -> None:
    on = cluster()
    lent(on)
    slowed(on)
    (found,) = [one for one in world(on).plan().findings if one.code == "KO4301"]

    assert found.notes == (f"broker 1: {LEADER_RATE}=1000", f"topic a: {LEADERS}=0:1,0:2")
    assert not found.blocks


def test_plan_asks_nothing_more_where_no_list_is_set() -> None:
    on = cluster()
    asked = list[str]()
    on.hook = lambda method, _: asked.append(method)  # type: ignore[func-returns-value]
    on.alter_brokers([AlterBroker(3, {FOLLOWER_RATE: "5"})])

    assert [one.code for one in world(on).plan().findings] == []
    assert "reassignments" not in asked


def test_plan_leaves_a_rate_to_status_for_which_a_topic_may_have_a_list_that_it_does_not_read() -> None:
    on = cluster()
    slowed(on)
    on.alter_brokers([AlterBroker(3, {FOLLOWER_RATE: "5"})])
    (found,) = [one for one in world(on).plan().findings if one.code == "KO4301"]

    assert found.notes == (f"topic a: {LEADERS}=0:1,0:2",)


def test_plan_says_nothing_of_what_is_in_use_or_not_known() -> None:
    on = cluster()
    slowed(on)
    moving(on, A, 2, 3)
    on.copied(A, 3, 10)
    assert "KO4301" not in [one.code for one in world(on).plan().findings]

    still = cluster()
    slowed(still)
    still.hook = lambda method, _: REFUSED if method == "reassignments" else None
    assert "KO4301" not in [one.code for one in world(still).plan().findings]


# the document


def document_of(on: SnapshotCluster) -> Document:
    made = world(on)
    with app.connected(made.request, made.connect) as reading:
        header = replace(app.header(made.request, reading, {}, 0.0), command="status", read_at=NOW)
        return status.document(status.look(reading), header)


def screen(document: Document) -> str:
    """Its words, wherever lines are broken."""
    return " ".join(human.render(document, width=200, colour=False).split())


def test_whatever_is_wrong_it_is_told_and_that_is_done() -> None:
    on = cluster(one={"assignment": [[3]]})
    on.stop(3)
    moving(on, A, 2, 4)
    slowed(on)
    document = document_of(on)

    assert (document["exit_code"], document["verdict"]) == (0, "attention")
    jsonschema.Draft202012Validator(machine.schema("kafkaops.status")).validate(document)


def test_criterion_1_a_look_changes_nothing() -> None:
    on = cluster()
    slowed(on)
    before, calls = on.state, len(on.calls)
    document_of(on)

    assert (on.state, len(on.calls)) == (before, calls)
