"""What the journal remembers: every value comes back as it was written, what is not understood is refused, and no more is kept than there is room for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops import journal
from kafkaops.findings import Refusal
from kafkaops.journal import (
    Borrowed,
    End,
    Ending,
    Entries,
    Entry,
    LastApplied,
    Memory,
    On,
    Owned,
    Property,
    Revision,
    Run,
    Runner,
    Step,
    remembered,
)
from kafkaops.plan import Outcome, Phase, Result

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
RUN = Run(
    id="20260701T120000Z-ab12cd",
    command="apply",
    lock="kafkaops.apply",
    cluster="production",
    cluster_id="snapshot-cluster-0001A",
    since=NOW,
    runner=Runner("ci", "runner-7", 4711, "https://ci.example/jobs/1"),
    revision=Revision("github.com/acme/kafka", "4c1f0e2" * 5 + "4c1f0", dirty=False),
    fingerprint="kp1-7f3a-90c4-1be8",
    changes=2,
    steps=1,
)
ENTRIES = (
    Entry("topic:t#retention.ms", "topic/t", "update", {"id": "A", "value": "1"}, {"id": "A", "value": None}),
    Entry("acl:acl/User:x/topic/t/read", "acl/User:x/topic/t/read", "grant", None, {"principal": "User:x"}),
)
STEP = Step(run=RUN.id, number=1, phase=Phase.SAFE, kind="topic", announced=NOW, entries=ENTRIES)


def written(*entries: Entries) -> dict[str, str]:
    records: dict[str, str | None] = {}
    for one in entries:
        records |= one
    return {key: text for key, text in records.items() if text is not None}


# there and back

texts = st.text(max_size=12)
moments = st.datetimes(
    min_value=NOW.replace(tzinfo=None), max_value=NOW.replace(year=2100, tzinfo=None), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
sides = st.none() | st.dictionaries(texts, st.none() | texts | st.integers() | st.dictionaries(texts, texts))
entries = st.builds(
    Entry, texts, st.sampled_from(("topic/t", "acl/User:x/topic/t/read")), texts, sides, sides, st.booleans()
)
ends = st.builds(End, moments, st.sampled_from(Ending), st.dictionaries(texts, st.integers()), texts)
runs = st.builds(
    Run,
    id=st.from_regex(r"[0-9TZ-]{1,20}[a-f0-9]", fullmatch=True),
    command=texts,
    lock=texts,
    cluster=texts,
    cluster_id=texts,
    since=moments,
    runner=st.builds(Runner, texts, texts, st.integers(), texts),
    revision=st.builds(Revision, texts, st.none() | texts, st.booleans()),
    fingerprint=texts,
    changes=st.integers(),
    steps=st.integers(),
    end=st.none() | ends,
)


@settings(max_examples=200)
@given(
    runs,
    st.lists(entries, max_size=5, unique_by=lambda one: one.id),
    st.none() | moments,
    st.builds(LastApplied, texts, texts, texts, moments),
    st.builds(Borrowed, texts.filter(bool), st.sampled_from(On), texts, texts, st.none() | texts, st.none() | texts),
    st.builds(Property, st.sampled_from(Owned), texts),
)
def test_all_that_is_written_is_remembered(
    run: Run, changes: list[Entry], ended: datetime | None, last: LastApplied, lent: Borrowed, mine: Property
) -> None:
    step = Step(run=run.id, number=3, phase=Phase.LOSSES, kind="topic", announced=NOW, entries=tuple(changes))
    records = journal.run_entry(run), journal.intent_entries(step)
    if ended is not None:
        made = tuple(Outcome(one.id, Result.APPLIED) for one in changes)
        step = replace(step, ended=ended, outcomes=made)
        records = *records, journal.outcome_entries(step)

    found = remembered(
        written(
            *records,
            journal.applied_entry(last),
            journal.borrowed_entry(lent),
            journal.owner_entry(mine, "github.com/acme/kafka"),
        )
    )

    assert found == Memory(
        runs=(run,),
        steps={run.id: (step,)},
        applied={last.repository: last},
        owners={mine: "github.com/acme/kafka"},
        borrowed=(lent,),
    )


def test_what_did_not_happen_as_announced_is_told() -> None:
    told = (
        Outcome(ENTRIES[0].id, Result.FAILED, "POLICY_VIOLATION: no"),
        Outcome(ENTRIES[1].id, Result.APPLIED),
        Outcome("topic:other", Result.SKIPPED, "its grant failed"),
    )
    step = replace(STEP, ended=NOW, outcomes=told)

    (found,) = remembered(written(journal.intent_entries(STEP), journal.outcome_entries(step))).steps_of(RUN.id)

    assert found == step


def test_an_announced_step_without_an_outcome_is_open() -> None:
    (found,) = remembered(written(journal.intent_entries(STEP))).steps_of(RUN.id)

    assert (found, found.ended, found.outcomes) == (STEP, None, ())


def test_the_newest_run_stands_first() -> None:
    later = replace(RUN, id="0", since=NOW + timedelta(1))

    assert [run.id for run in remembered(written(journal.run_entry(RUN), journal.run_entry(later))).runs] == [
        "0",
        RUN.id,
    ]


def test_a_step_of_ten_thousand_changes_is_kept_in_records_that_every_broker_takes() -> None:
    many = tuple(
        Entry(f"topic:order.number-{number:05}#retention.ms", f"topic/order.number-{number:05}", "update", {}, {})
        for number in range(10_000)
    )
    step = Step(run=RUN.id, number=1, phase=Phase.SAFE, kind="topic", announced=NOW, entries=many)

    records = written(journal.intent_entries(step))

    assert max(map(len, records.values())) < 256 * 1024
    assert len(records) > 1
    assert remembered(records).steps_of(RUN.id) == (step,)


def test_an_empty_journal_tells_nothing() -> None:
    assert remembered({}) == Memory()


def test_what_was_returned_is_not_borrowed() -> None:
    lent = Borrowed(RUN.id, On.BROKER, "1", "leader.replication.throttled.rate", None, "1000")

    assert journal.borrowed_entry(lent).keys() == journal.returned_entry(lent).keys()
    assert set(journal.returned_entry(lent).values()) == {None}


# what is not understood


def refused(records: dict[str, str]) -> tuple[int, str, str]:
    with pytest.raises(Refusal) as raised:
        remembered(records)
    (finding,) = raised.value.findings
    return raised.value.exit_code, finding.code, finding.message


def test_a_version_that_is_not_known_is_refused() -> None:
    ((key, text),) = written(journal.run_entry(RUN)).items()

    assert refused({key: text.replace('"v":1', '"v":2')}) == (
        1,
        "KO7122",
        f"the record `{key}` of the journal has version 2, and this kafkaops knows version 1",
    )


def test_a_kind_of_record_that_is_not_known_is_refused() -> None:
    assert refused({"quota/x": '{"v":1}'}) == (
        1,
        "KO7122",
        "the record `quota/x` of the journal is of no kind that this kafkaops knows",
    )


EVERY = written(
    journal.run_entry(RUN),
    journal.intent_entries(STEP),
    journal.outcome_entries(replace(STEP, ended=NOW, outcomes=())),
    journal.applied_entry(LastApplied("r", "c", RUN.id, NOW)),
    journal.owner_entry(Property(Owned.DOMAIN, "order."), "r"),
    journal.borrowed_entry(Borrowed(RUN.id, On.TOPIC, "t", "k", None, "v")),
)


@pytest.mark.parametrize("key", EVERY)
def test_a_damaged_record_is_refused(key: str) -> None:
    whole = json.loads(EVERY[key])
    bad: list[str] = ["hello", "[]", '"v"', "{}"]
    bad += [json.dumps({name: value for name, value in whole.items() if name != gone}) for gone in whole]
    bad += [json.dumps({**whole, name: {"x": []}}) for name in whole]

    for text in bad:
        assert refused({**EVERY, key: text})[:2] in {(1, "KO7123"), (1, "KO7122")}, text


def test_a_step_that_lacks_a_part_is_refused() -> None:
    entry = Entry("x" * 150_000, "topic/t", "update", {}, {})
    step = replace(STEP, entries=(entry, entry, entry))
    records = written(journal.intent_entries(step))
    del records[sorted(records)[1]]

    assert refused(records)[1] == "KO7123"


# forgetting


def run(number: int, *, changes: int = 1, ended: bool = True) -> Run:
    end = End(NOW, Ending.DONE) if ended else None
    more: dict[str, Any] = {
        "id": f"r{number:04}",
        "since": NOW + timedelta(minutes=number),
        "changes": changes,
        "end": end,
    }
    return replace(RUN, **more)


def forgotten(*records: Entries) -> set[str]:
    kept = written(*records)
    gone = journal.forgotten(remembered(kept), kept)
    assert set(gone.values()) <= {None}
    return set(gone)


def test_the_newest_hundred_runs_are_remembered() -> None:
    assert forgotten(*(journal.run_entry(run(number)) for number in range(103))) == {
        "run/r0000",
        "run/r0001",
        "run/r0002",
    }


def test_steps_go_with_their_run_and_whatever_lost_its_run_goes() -> None:
    def step(of: str) -> Entries:
        ended = replace(STEP, run=of, entries=(), ended=NOW)
        return {**journal.intent_entries(ended), **journal.outcome_entries(ended)}

    records = [journal.run_entry(run(number)) for number in range(101)]

    assert forgotten(*records, step("r0000"), step("r0001"), step("nobody")) == {
        "run/r0000",
        "step/r0000/0001/001",
        "outcome/r0000/0001/001",
        "step/nobody/0001/001",
        "outcome/nobody/0001/001",
    }


def test_large_runs_are_forgotten_sooner_but_never_the_newest() -> None:
    large = [journal.run_entry(run(number, changes=60_000)) for number in range(3)]
    whole = journal.run_entry(run(9, changes=900_000))

    assert forgotten(*large) == {"run/r0000", "run/r0001"}
    assert forgotten(*large, whole) == {"run/r0000", "run/r0001", "run/r0002"}


def test_who_applied_what_last_and_who_owns_what_is_never_forgotten() -> None:
    records = [journal.run_entry(run(number)) for number in range(101)]
    facts = (
        journal.applied_entry(LastApplied("r", "c", "r0000", NOW)),
        journal.owner_entry(Property(Owned.PRINCIPAL, "User:x"), "r"),
    )

    assert forgotten(*records, *facts) == {"run/r0000"}


def test_a_run_that_has_something_borrowed_or_no_end_is_never_forgotten() -> None:
    records = [journal.run_entry(run(number, ended=number != 1)) for number in range(103)]
    lent = journal.borrowed_entry(Borrowed("r0000", On.BROKER, "1", "k", None, "v"))

    assert forgotten(*records, lent) == {"run/r0002"}


# who holds the lock


@given(texts, texts, st.integers(0, 99999), texts)
def test_a_client_id_tells_who_it_is(who: str, host: str, pid: int, url: str) -> None:
    runner = Runner(who, host, pid, url)
    client = journal.client_id(RUN.id, runner)

    assert client.isascii()
    assert journal.holder_of(client) == (RUN.id, runner)


@pytest.mark.parametrize("client", ["", "consumer-1", "kafkaops", "kafkaops/a/b/c/d/e", "kafkaops/a/b/c/1/e/f"])
def test_another_client_in_the_group_is_nobody_that_is_known(client: str) -> None:
    assert journal.holder_of(client) is None


def test_the_id_of_a_run_tells_when_it_began() -> None:
    assert journal.run_id(NOW, "ab12cd") == RUN.id
    assert journal.began(RUN.id) == NOW
    assert journal.began("hello") is None
