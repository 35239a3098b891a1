"""What Kafka puts off is told, waited for as long as it asks, and sent again. Half of it is about what is no failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from kafkaops.cluster import ClusterFailure, KafkaError, PutOff, live
from kafkaops.cluster.live import LiveCluster
from kafkaops.cluster.protocol import Connections, Told
from kafkaops.commands.running import Interruptions, Waits

QUOTA = KafkaError("THROTTLING_QUOTA_EXCEEDED", "The throttling quota has been exceeded.")
MOVED = KafkaError("NOT_CONTROLLER")


class NoConnections(Connections):
    """One broker, of which nothing is asked but what the test answers itself."""

    def __init__(self) -> None:
        pass

    def refresh(self) -> None:
        pass

    def brokers(self) -> list[int]:
        return [1]

    def controller(self) -> int | None:
        return 1


class Clock:
    """Time that only passes by waiting."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += max(seconds, 1e-6)  # less than that is lost beside a large number


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(live, "time", made)
    return made


Answer = Callable[[Sequence[str]], Told[str]]


def answering(*answers: Answer) -> Callable[[object, Sequence[str]], Told[str]]:
    """One after the other, and the last one for ever."""
    left: Iterator[Answer] = iter(answers)
    current = answers[-1]

    def ask(_: object, names: Sequence[str]) -> Told[str]:
        nonlocal current
        current = next(left, current)
        return current(names)

    return ask


def all_but(number: int, *, pause: float = 0.0, error: KafkaError = QUOTA) -> Answer:
    """So many are put off, the others done."""
    return lambda names: Told({name: error if at < number else None for at, name in enumerate(names)}, pause)


def refused(names: Sequence[str]) -> Told[str]:
    return Told(dict.fromkeys(names, KafkaError("POLICY_VIOLATION", "no")))


def written(
    *answers: Answer, names: Sequence[str] = ("a", "b", "c"), go_on: Callable[[PutOff], bool] | None = None
) -> tuple[dict[str, str | None], list[PutOff]]:
    told: list[PutOff] = []
    cluster = LiveCluster(NoConnections(), {}, timeout=1)

    def asked(put_off: PutOff) -> bool:
        told.append(put_off)
        return go_on is None or go_on(put_off)

    cluster.when_put_off(asked)
    found = cluster._write({name: name for name in names}, answering(*answers), "create topics", most=250)
    return {name: error.name if error else None for name, error in found.items()}, told


DONE = {"a": None, "b": None, "c": None}


def test_what_is_taken_at_once_waits_for_nothing(clock: Clock) -> None:
    assert written(all_but(0)) == (DONE, [])
    assert clock.now == 0


def test_it_waits_for_as_long_as_kafka_says_and_sends_only_the_rest(clock: Clock) -> None:
    sent: list[Sequence[str]] = []

    def last(names: Sequence[str]) -> Told[str]:
        sent.append(names)
        return all_but(0)(names)

    found, told = written(all_but(2, pause=7.5), last)

    assert (found, sent, round(clock.now, 3)) == (DONE, [["a", "b"]], 7.5)
    assert told[0] == PutOff("create topics", 2, 3, str(QUOTA), 7.5, 0.0)
    assert [one.seconds for one in told] == [7.5, 6.5, 5.5, 4.5, 3.5, 2.5, 1.5, 0.5]


@pytest.mark.parametrize("pause", [300.0, 3_000.0])
def test_a_wait_that_is_longer_than_our_patience_is_no_failure(clock: Clock, pause: float) -> None:
    assert written(all_but(3, pause=pause), all_but(0))[0] == DONE
    assert clock.now == pause


def test_as_long_as_something_gets_through_it_goes_on(clock: Clock) -> None:
    names = [f"t{number}" for number in range(100)]

    def one_each(names: Sequence[str]) -> Told[str]:
        return all_but(len(names) - 1, pause=59.0)(names)

    assert set(written(one_each, names=names)[0].values()) == {None}
    assert clock.now == pytest.approx(100 * 59)


def test_what_never_gets_through_ends_and_says_why(clock: Clock) -> None:
    """Somebody else uses all of the quota."""
    found, _ = written(all_but(3, pause=20.0))

    assert found == dict.fromkeys("abc", "THROTTLING_QUOTA_EXCEEDED")
    assert 100 <= clock.now <= 130


def test_an_election_that_never_ends_ends(clock: Clock) -> None:
    found, told = written(all_but(3, error=MOVED))

    assert found == dict.fromkeys("abc", "NOT_CONTROLLER")
    assert told[0].error == "NOT_CONTROLLER"
    assert 59 <= clock.now <= 61


def test_what_kafka_wants_after_the_last_item_is_waited_for(clock: Clock) -> None:
    """It takes no request from us before: a reading would look like a broker that is gone."""
    found, told = written(all_but(0, pause=12.0))

    assert (found, clock.now) == (DONE, 12.0)
    assert told[0] == PutOff("create topics", 0, 3, "", 12.0, 0.0)


def test_what_is_refused_is_not_sent_again(clock: Clock) -> None:
    found, told = written(refused)

    assert (found, told, clock.now) == (dict.fromkeys("abc", "POLICY_VIOLATION"), [], 0)


def test_whoever_wants_no_more_waits_no_more_and_knows_what_is_done(clock: Clock) -> None:
    found, _ = written(all_but(2, pause=600.0), all_but(0), go_on=lambda put_off: put_off.waited < 3)

    assert found == {"a": "THROTTLING_QUOTA_EXCEEDED", "b": "THROTTLING_QUOTA_EXCEEDED", "c": None}
    assert clock.now == 3


def test_a_cluster_that_is_gone_is_no_wait(clock: Clock) -> None:
    def gone(_: Sequence[str]) -> Told[str]:
        raise ClusterFailure(live.FailureKind.UNREACHABLE, "gone")

    with pytest.raises(ClusterFailure):
        written(gone)
    assert written(all_but(2, pause=1.0), gone)[0] == {**dict.fromkeys("ab", QUOTA.name), "c": None}
    assert clock.now == 1


# what people read


def told_of(*waits: PutOff) -> list[str]:
    lines: list[str] = []
    waiting = Waits(lines.append, Interruptions())
    assert all(waiting.go_on(one) for one in waits)
    return lines


def wait(seconds: float, waited: float, items: int = 12) -> PutOff:
    return PutOff("create topics", items, 40, str(QUOTA), seconds, waited)


def test_a_short_wait_is_not_told() -> None:
    assert told_of(wait(0.2, 0), wait(0.2, 0.3), wait(0.2, 0.6), wait(1.9, 0)) == []


def test_a_long_one_is_told_as_it_begins_and_then_now_and_again() -> None:
    assert told_of(*(wait(25.0 - second, float(second)) for second in range(25))) == [
        f"  waits    create topics: Kafka puts off 12 of 40, sent again in 25.0 s ({QUOTA})",
        f"  waits    create topics: Kafka puts off 12 of 40, sent again in 15.0 s, 10 s so far ({QUOTA})",
        f"  waits    create topics: Kafka puts off 12 of 40, sent again in 5.0 s, 20 s so far ({QUOTA})",
    ]


def test_many_short_ones_are_a_long_one() -> None:
    assert len(told_of(*(wait(0.2, number * 0.2) for number in range(20)))) == 1


def test_the_next_write_that_waits_is_told_again() -> None:
    assert len(told_of(wait(5.0, 0), wait(1.0, 4.0), wait(5.0, 0))) == 2


def test_when_all_are_done_it_says_so() -> None:
    assert told_of(wait(3.0, 0, items=0)) == [
        "  waits    create topics: done, and Kafka takes no other request for 3.0 s"
    ]
