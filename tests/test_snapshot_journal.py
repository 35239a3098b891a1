"""What a test may play on the journal in memory, and the guard that a lock is to writes. That it is as Kafka's own: `broker/test_journal.py`."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from kafkaops.cluster import ClusterFailure, FailureKind, KafkaError, NewTopic
from kafkaops.cluster.journal import TOPIC, BusyError, Lock, LostError, Record
from kafkaops.cluster.rights import Need, no_right, to_hold
from kafkaops.cluster.snapshot import SnapshotCluster

A, B = NewTopic("a", 1, 1, {}), NewTopic("b", 1, 1, {})


def test_nothing_is_written_once_the_lock_is_lost() -> None:
    cluster = SnapshotCluster()
    held = cluster.journal().acquire(Lock.APPLY, "run")
    cluster.hold(held.prove)
    assert cluster.create_topics([A]) == {"a": None}

    cluster.journal().expire(Lock.APPLY)

    with pytest.raises(LostError):
        cluster.create_topics([B])
    with pytest.raises(LostError):
        held.append([Record("step", "done")])
    assert set(cluster.state.topics) == {"a"}
    assert cluster.journal().read() == ()


def test_what_was_sent_before_the_lock_was_lost_is_accounted_for() -> None:
    cluster = SnapshotCluster()
    held = cluster.journal().acquire(Lock.APPLY, "run")
    cluster.hold(held.prove)

    def thief(_: str, item: object) -> None:
        if item is A:
            cluster.journal().expire(Lock.APPLY)

    cluster.hook = thief

    answers = cluster.create_topics([A, B])

    assert answers["a"] is None
    assert isinstance(answers["b"], KafkaError)
    assert answers["b"].name == "DISCONNECTED"
    assert set(cluster.state.topics) == {"a"}


def test_an_expired_holder_does_not_come_back_and_takes_nothing_from_the_next_one() -> None:
    journal = SnapshotCluster().journal()
    first = journal.acquire(Lock.APPLY, "first")
    journal.expire(Lock.APPLY)
    second = journal.acquire(Lock.APPLY, "second")

    first.release()

    second.prove()
    with pytest.raises(BusyError):
        journal.acquire(Lock.APPLY, "third")


def test_a_crash_before_the_commit_leaves_no_record() -> None:
    class Crash(BaseException):
        pass

    def crash(records: Sequence[Record]) -> None:
        raise Crash(records)

    cluster = SnapshotCluster()
    held = cluster.journal().acquire(Lock.APPLY, "run")
    held.append([Record("a", "1")])
    cluster.journal().hook = crash
    with pytest.raises(Crash):
        held.append([Record("a", "2"), Record("b", "2")])

    left = cluster.copy()

    assert left.journal().read() == (Record("a", "1"),)
    assert left.journal().holder(Lock.APPLY) is None


def test_a_copy_goes_its_own_way() -> None:
    cluster = SnapshotCluster()
    held = cluster.journal().acquire(Lock.APPLY, "run")
    cluster.hold(held.prove)
    twin = cluster.copy()

    twin.journal().acquire(Lock.APPLY, "other").append([Record("a", "1")])
    cluster.journal().expire(Lock.APPLY)

    assert cluster.journal().read() == ()
    assert twin.create_topics([A]) == {"a": None}


def test_a_login_without_rights_is_refused_at_every_call() -> None:
    journal = SnapshotCluster().journal()
    journal.refusal = no_right(Need("Topic", TOPIC, ("Write",)), to_hold(Lock.APPLY))

    for call in (journal.read, lambda: journal.holder(Lock.APPLY), lambda: journal.acquire(Lock.APPLY, "run")):
        with pytest.raises(ClusterFailure) as refused:
            call()
        assert refused.value.kind is FailureKind.NO_JOURNAL
