"""The lock and the log: what holds for the one in memory and for Kafka's, and what only several processes on a real Kafka can show."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from desk import Desk, environment, until

from kafkaops.cluster import (
    AclBinding,
    AlterTopic,
    Cluster,
    ClusterFailure,
    FailureKind,
    KafkaError,
    NewTopic,
    TopicView,
    rights,
)
from kafkaops.cluster.confluent import journal as librdkafka
from kafkaops.cluster.confluent.journal import Member
from kafkaops.cluster.journal import TOPIC, BusyError, Journal, Lock, LostError, Record
from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.properties import load
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.sandbox import Sandbox

pytestmark = pytest.mark.broker

_prefixes = (f"j{number}/" for number in count(1))


@pytest.fixture(params=["memory", "kafka"])
def journal(request: pytest.FixtureRequest) -> Journal:
    cluster: Cluster = SnapshotCluster() if request.param == "memory" else request.getfixturevalue("admin")
    return cluster.journal()


@pytest.fixture
def own() -> str:
    """Begins the keys of a test: the log of a cluster is for all of them."""
    return next(_prefixes)


def read(journal: Journal, own: str) -> list[tuple[str, str | None]]:
    return [
        (record.key.removeprefix(own), record.value) for record in journal.read() or () if record.key.startswith(own)
    ]


# ---- in memory as on Kafka


def test_a_lock_names_its_holder_and_leaves_the_other_lock_alone(journal: Journal) -> None:
    held = journal.acquire(Lock.APPLY, "ada on laptop, https://ci.example/1")
    try:
        holder = journal.holder(Lock.APPLY)
        assert holder is not None
        assert (holder.client_id, holder.host) == ("ada on laptop, https://ci.example/1", "127.0.0.1")
        assert holder.member_id
        assert journal.holder(Lock.MOVE) is None
    finally:
        held.release()


def test_whoever_comes_second_is_told_who_was_first(journal: Journal) -> None:
    held = journal.acquire(Lock.APPLY, "first")
    try:
        with pytest.raises(BusyError) as busy:
            journal.acquire(Lock.APPLY, "second")
        held.prove()
    finally:
        held.release()
    assert busy.value.holder is not None
    assert (busy.value.lock, busy.value.holder.client_id) == (Lock.APPLY, "first")


def test_what_is_released_is_free_at_once_and_no_longer_ours(journal: Journal, own: str) -> None:
    held = journal.acquire(Lock.APPLY, "first")
    held.release()
    begun = time.monotonic()
    journal.acquire(Lock.APPLY, "second").release()
    assert time.monotonic() - begun < 3

    assert journal.holder(Lock.APPLY) is None
    with pytest.raises(LostError):
        held.prove()
    with pytest.raises(LostError):
        held.append([Record(f"{own}late", "1")])
    held.release()
    assert read(journal, own) == []


def test_the_last_record_of_each_key_is_read_in_the_order_of_writing(journal: Journal, own: str) -> None:
    held = journal.acquire(Lock.APPLY, "writer")
    try:
        held.append([Record(f"{own}a", "1"), Record(f"{own}b", "1"), Record(f"{own}c", "ü")])
        held.append([Record(f"{own}a", "2")])
        held.append([Record(f"{own}b", None)])
        assert read(journal, own) == [("c", "ü"), ("a", "2")]
    finally:
        held.release()
    assert read(journal, own) == [("c", "ü"), ("a", "2")]


def test_both_locks_write_to_one_log(journal: Journal, own: str) -> None:
    apply, move = journal.acquire(Lock.APPLY, "apply"), journal.acquire(Lock.MOVE, "move")
    try:
        apply.append([Record(f"{own}a", "1")])
        move.append([Record(f"{own}m", "1")])
        apply.append([Record(f"{own}a", "2")])
    finally:
        apply.release()
        move.release()

    assert read(journal, own) == [("m", "1"), ("a", "2")]


def test_without_its_topic_nothing_is_known_and_nobody_holds_anything(journal: Journal, admin: LiveCluster) -> None:
    """To look makes no topic; to hold a lock does."""
    without_topic(admin)
    assert journal.read() is None
    assert journal.holder(Lock.APPLY) is None
    assert journal.read() is None

    journal.acquire(Lock.APPLY, "first ever").release()

    assert journal.read() == ()


def without_topic(admin: LiveCluster) -> None:
    def gone() -> bool:
        views = [admin.topics(each, [TOPIC])[TOPIC] for each in (1, 2, 3)]
        there = {view.topic_id for view in views if isinstance(view, TopicView)}
        for topic_id in there:
            admin.delete_topics({TOPIC: topic_id})
        return all(view == KafkaError("UNKNOWN_TOPIC_OR_PARTITION") for view in views)

    until(gone, "no topic")


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left(admin: LiveCluster) -> Iterator[None]:
    """What is no record of a run would be refused by every command after this."""
    yield
    without_topic(admin)
    assert admin.journal().read() is None


# ---- several runs


@dataclass(frozen=True)
class Run:
    process: subprocess.Popen[str]

    def hears(self, words: str) -> str:
        self.is_told(words)
        return self.says()

    def is_told(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def runs(kafka: Sandbox, *names: str) -> Iterator[list[Run]]:
    """Connected, and waiting to be told to take the lock. They may not write to stderr."""
    command = [sys.executable, str(Path(__file__).with_name("holder.py")), str(kafka.properties), kafka.cluster_id]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    started = [Run(subprocess.Popen([*command, name], env=environment({}), text=True, **pipes)) for name in names]
    try:
        assert [run.says() for run in started] == ["ready"] * len(names)
        yield started
    finally:
        for run in started:
            run.process.send_signal(signal.SIGCONT)
            run.process.kill()
        errors = [run.process.communicate(timeout=10)[1] for run in started]
    assert errors == [""] * len(names)


def free(journal: Journal) -> None:
    until(lambda: journal.holder(Lock.APPLY) is None, "the lock to be free", seconds=10)


def owned_within(journal: Journal, seconds: float) -> None:
    begun = time.monotonic()
    while True:
        try:
            journal.acquire(Lock.APPLY, "next").release()
        except BusyError:
            assert time.monotonic() - begun < seconds
            time.sleep(0.1)
        else:
            assert time.monotonic() - begun < seconds
            return


def test_of_four_at_once_exactly_one_owns_and_keeps_it(kafka: Sandbox, own: str) -> None:
    with runs(kafka, "run-1", "run-2", "run-3", "run-4") as four:
        for run in four:
            run.is_told("go")
        said = [run.says() for run in four]

        winner = said.index("owns")
        assert sorted(said) == [*[f"busy run-{winner + 1}"] * 3, "owns"]
        assert four[winner].hears(f"append {own}a 1") == "done"
        assert four[winner].hears("release") == "done"


def test_a_run_that_was_killed_frees_the_lock_by_itself(kafka: Sandbox, admin: LiveCluster, own: str) -> None:
    with runs(kafka, "killed") as (run,):
        assert run.hears("go") == "owns"
        assert run.hears(f"append {own}a 1") == "done"
        run.process.kill()

        owned_within(admin.journal(), 8)

    assert read(admin.journal(), own) == [("a", "1")]


def test_a_run_that_was_stopped_too_long_sends_nothing_more(kafka: Sandbox, desk: Desk, own: str) -> None:
    """Neither a write to the cluster nor a record, though it never learned that another one was there."""
    journal, name = desk.admin.journal(), desk.own("P.zombie")
    with runs(kafka, "zombie") as (run,):
        assert run.hears("go") == "owns"
        assert run.hears(f"append {own}a 1") == "done"
        run.process.send_signal(signal.SIGSTOP)
        begun = time.monotonic()
        until(lambda: journal.holder(Lock.APPLY) is None, "the session to end", seconds=8)
        held = journal.acquire(Lock.APPLY, "next")
        assert time.monotonic() - begun < 8
        held.append([Record(f"{own}a", "2")])
        run.is_told(f"create {name}")  # so that it goes on with that, and with whatever it still believes
        run.process.send_signal(signal.SIGCONT)

        assert run.says().startswith("LostError this run no longer holds the lock")
        assert run.hears(f"append {own}a 3").startswith("LostError this run no longer holds the lock")
        assert run.hears(f"append-unproven {own}a 4") == (
            "LostError another run has taken over the lock `kafkaops.apply`"
        )
        held.prove()
        held.release()

    assert desk.topics() == {}
    assert read(journal, own) == [("a", "2")]


def test_a_run_that_was_stopped_for_a_moment_goes_on(kafka: Sandbox, desk: Desk, own: str) -> None:
    with runs(kafka, "short") as (run,):
        assert run.hears("go") == "owns"
        run.process.send_signal(signal.SIGSTOP)
        time.sleep(4.5)
        run.process.send_signal(signal.SIGCONT)

        assert run.hears(f"append {own}a 1") == "done"
        assert run.hears(f"create {desk.own('P.went-on')}").endswith("None}")
        assert run.hears("release") == "done"
    assert desk.admin.journal().holder(Lock.APPLY) is None


def test_what_was_not_proven_lately_is_not_sent(desk: Desk, kafka: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline alone, where nothing has told yet that the lock is lost; and with a proof it goes on."""
    config = load(kafka.properties, root=kafka.directory, environ={}, timeout=10)
    cluster = connect(config, timeout=10, expected_cluster_id=kafka.cluster_id)
    held = cluster.journal().acquire(Lock.APPLY, "unproven")
    cluster.hold(held.prove)
    name = desk.own("P.unproven")
    try:
        with monkeypatch.context() as silence:
            silence.setattr(Member, "_renew", lambda _: None)
            silence.setattr(librdkafka, "_PATIENCE_SECONDS", 0.5)
            time.sleep(4.5)
            with pytest.raises(LostError, match=r"for 0\.5 s Kafka has not said"):
                cluster.create_topics([NewTopic(name, 1, 1, {})])
            assert desk.topics() == {}

        assert cluster.create_topics([NewTopic(name, 1, 1, {})]) == {name: None}
    finally:
        held.release()
        cluster.close()


def test_a_holder_keeps_its_lock_while_others_join_and_leave_its_group(admin: LiveCluster, kafka: Sandbox) -> None:
    """Even one that looks at nobody before it joins."""
    held = admin.journal().acquire(Lock.APPLY, "holder")
    try:
        for _ in range(2):
            intruder = member(kafka, "intruder")
            assert not intruder.owns(within=2.5)
            held.prove()
            intruder.leave()
        holder = admin.journal().holder(Lock.APPLY)
        assert holder is not None
        assert holder.client_id == "holder"
    finally:
        held.release()


def member(kafka: Sandbox, name: str) -> Member:
    return Member(load(kafka.properties, root=kafka.directory, environ={}, timeout=10).confluent, Lock.APPLY, name)


# ---- what is committed


def test_a_transaction_that_is_open_is_waited_for_and_what_is_aborted_is_not_seen(
    admin: LiveCluster, kafka: Sandbox, own: str
) -> None:
    """Nor does it hide what others wrote after it."""
    journal = admin.journal()
    held = journal.acquire(Lock.APPLY, "writer")
    settings = load(kafka.properties, root=kafka.directory, environ={}, timeout=10).confluent
    other = Producer({**settings, "transactional.id": str(Lock.MOVE), "log_level": 0})
    other.init_transactions(10)
    other.begin_transaction()
    other.produce(TOPIC, key=f"{own}open", value="1", partition=0)
    other.flush(10)
    held.append([Record(f"{own}after", "1")])
    held.release()

    threading.Timer(1.5, lambda: other.abort_transaction(10)).start()
    begun = time.monotonic()

    assert read(journal, own) == [("after", "1")]
    assert 1 < time.monotonic() - begun < 6


def test_the_journal_is_read_from_its_start_when_that_is_not_the_topics_first_offset(
    admin: LiveCluster, own: str
) -> None:
    held = admin.journal().acquire(Lock.APPLY, "writer")
    try:
        held.append([Record(f"{own}{number}", "x" * 1000) for number in range(500)])
        held.append([Record(f"{own}{number}", None) for number in range(499)])
    finally:
        held.release()

    assert [key for key, _ in read(admin.journal(), own)] == ["499"]


# ---- rights, and a topic that is none of ours


def test_each_right_that_is_missing_is_named(desk: Desk, admin: LiveCluster, tmp_path: Path) -> None:
    """One step after the other, until nothing is missing; the help names all of them at once."""
    without_topic(admin)
    user = desk.user("ci")
    path = tmp_path / "ci.properties"
    path.write_text(desk.properties_of(user))
    cluster = connect(load(path, root=tmp_path, environ={}, timeout=10), timeout=10)
    ladder = [
        ("no Describe on the topic `_kafkaops.journal`", [("Topic", TOPIC, "Describe")]),
        ("no Create on the topic `_kafkaops.journal`", [("Topic", TOPIC, "Create")]),
        (
            "no DescribeConfigs, Read, Write on the topic `_kafkaops.journal`",
            [("Topic", TOPIC, one) for one in ("DescribeConfigs", "Read", "Write")],
        ),
        ("no Describe on the group `kafkaops.apply`", [("Group", "kafkaops.apply", "Describe")]),
        ("no Read on the group `kafkaops.apply`", [("Group", "kafkaops.apply", "Read")]),
        ("no Write on the transactional id `kafkaops.apply`", [("TransactionalId", "kafkaops.apply", "Write")]),
    ]
    try:
        for sentence, missing in ladder:
            with pytest.raises(ClusterFailure) as failed:
                cluster.journal().acquire(Lock.APPLY, "ci")
            assert failed.value.kind is FailureKind.NO_JOURNAL
            assert failed.value.message == f"{sentence}, without which there is neither lock nor journal"
            assert failed.value.help == (
                "allow Create, Describe, DescribeConfigs, Read, Write on the topic `_kafkaops.journal`;"
                " Describe, Read on the group `kafkaops.apply`;"
                " Describe, Write on the transactional id `kafkaops.apply` (`kafkaops doctor` prints the commands),"
                " or write `journal: off` below the cluster to go on without lock, history, undo and resume"
            )
            allow(admin, [AclBinding(f"User:{user}", "Allow", op, kind, "Literal", name) for kind, name, op in missing])
        held = cluster.journal().acquire(Lock.APPLY, "ci")
        held.append([Record("ci", "1")])
        held.append([Record("ci", None)])
        held.release()
    finally:
        cluster.close()


def test_whoever_plans_may_read_it_with_what_doctor_prints_and_no_more(
    desk: Desk, admin: LiveCluster, tmp_path: Path, own: str
) -> None:
    held = admin.journal().acquire(Lock.APPLY, "writer")
    user = desk.user("plan")
    path = tmp_path / "plan.properties"
    path.write_text(desk.properties_of(user))
    cluster = connect(load(path, root=tmp_path, environ={}, timeout=10), timeout=10)
    try:
        held.append([Record(f"{own}a", "1")])
        with pytest.raises(ClusterFailure, match="no Describe on the topic"):
            cluster.journal().read()

        allow(admin, list(rights.bindings(f"User:{user}", rights.to_look())))

        assert read(cluster.journal(), own) == [("a", "1")]
        holder = cluster.journal().holder(Lock.APPLY)
        assert holder is not None
        assert holder.client_id == "writer"
        with pytest.raises(ClusterFailure, match="no DescribeConfigs, Write on the topic"):
            cluster.journal().acquire(Lock.APPLY, "plan")
    finally:
        held.release()
        cluster.close()


def allow(admin: LiveCluster, bindings: list[AclBinding]) -> None:
    assert set(admin.create_acls(bindings).values()) == {None}
    until(lambda: all(set(bindings) <= set(admin.acls(each)) for each in (1, 2, 3)), "the grants")  # type: ignore[arg-type]


def test_a_topic_of_that_name_that_is_no_journal_is_refused(admin: LiveCluster) -> None:
    without_topic(admin)
    assert admin.create_topics([NewTopic(TOPIC, 1, 1, {})]) == {TOPIC: None}
    until(lambda: all(isinstance(admin.topics(each, [TOPIC])[TOPIC], TopicView) for each in (1, 2, 3)), TOPIC)
    with pytest.raises(ClusterFailure) as failed:
        admin.journal().acquire(Lock.APPLY, "run")
    assert (failed.value.kind, failed.value.message) == (
        FailureKind.UNFIT_JOURNAL,
        "`cleanup.policy` of the topic `_kafkaops.journal` is not set, and that of a journal is compact",
    )
    admin.alter_topics([AlterTopic(TOPIC, {"cleanup.policy": "compact"})])
    until(lambda: "cleanup.policy" in str(admin.topic_overrides([TOPIC])[TOPIC]), "the policy")
    admin.journal().acquire(Lock.APPLY, "run").release()

    without_topic(admin)
    assert admin.create_topics([NewTopic(TOPIC, 2, 1, {"cleanup.policy": "compact"})]) == {TOPIC: None}
    until(lambda: all(isinstance(admin.topics(each, [TOPIC])[TOPIC], TopicView) for each in (1, 2, 3)), TOPIC)
    with pytest.raises(ClusterFailure, match="has 2 partitions, and a journal has 1"):
        admin.journal().read()
    without_topic(admin)


def test_the_topic_is_made_to_last(admin: LiveCluster) -> None:
    without_topic(admin)
    admin.journal().acquire(Lock.APPLY, "run").release()

    view = admin.topics(1, [TOPIC])[TOPIC]
    told = admin.topic_overrides([TOPIC])[TOPIC]
    assert isinstance(view, TopicView)
    assert not isinstance(told, KafkaError)
    assert [len(replicas) for replicas in view.assignment] == [3]
    assert {name: entry.value for name, entry in told.items()} == {
        "cleanup.policy": "compact",
        "min.cleanable.dirty.ratio": "0.1",
        "min.insync.replicas": "2",
        "segment.bytes": "1048576",
        "segment.ms": "86400000",
        "unclean.leader.election.enable": "false",
    }
