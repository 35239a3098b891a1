"""What a run writes while it holds the lock: each step before it is made and after, and in the end how it went. Without a journal nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from kafkaops import journal
from kafkaops.cluster import Cluster
from kafkaops.cluster.journal import Held, Journal, Lock, Record
from kafkaops.journal import End, Ending, Entries, Entry, Memory, Revision, Run, Runner, Side, Step
from kafkaops.plan import Outcome, Phase, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The run, as only the outside knows it. `comes_from`: whether the files' commit is that commit or has it among its ancestors."""

    id: str
    runner: Runner
    revision: Revision
    clock: Callable[[], datetime]
    comes_from: Callable[[str], bool]


@dataclass(slots=True)
class Logbook:
    """`memory`: what the journal told when the lock was ours. `held` None: `journal: off`. Errors of all that writes: LostError, ClusterFailure."""

    caller: Caller
    memory: Memory = field(default_factory=Memory)
    keys: frozenset[str] = frozenset()
    held: Held | None = None
    run: Run | None = None  # once it has begun
    steps: list[Step] = field(default_factory=list)
    taken_over: tuple[Run, ...] = ()

    def write(self, *entries: Entries) -> None:
        """All of them or none."""
        records = [Record(key, text) for one in entries for key, text in one.items()]
        if self.held and records:
            self.held.append(records)

    def begin(self, run: Run) -> None:
        self.write(journal.run_entry(run))
        self.run = run

    def announce(self, number: int, phase: Phase, kind: str, entries: Iterable[Entry]) -> None:
        step = Step(
            run=self.caller.id,
            number=number,
            phase=phase,
            kind=kind,
            announced=self.caller.clock(),
            entries=tuple(entries),
        )
        self.write(journal.intent_entries(step))
        self.steps.append(step)

    def ended(self, outcomes: Sequence[Outcome], *, certain: bool) -> None:
        """Of the step that was announced last. What is not certain stays open, until it is seen what became of it."""
        step = replace(self.steps[-1], outcomes=tuple(outcomes))
        if certain:
            step = replace(step, ended=self.caller.clock())
            self.write(journal.outcome_entries(step))
        self.steps[-1] = step

    def end(self, how: Ending, outcomes: Iterable[Outcome], *more: Entries, seen: bool) -> None:
        """`outcomes`: of all changes; `seen`: on the cluster. `more`: what is true from now on. Older runs are forgotten on the way."""
        assert self.run is not None
        told = {outcome.change_id: outcome for outcome in outcomes}
        corrected = [self._corrected(step, told) for step in self.steps] if seen else ()
        self.run = replace(self.run, end=End(self.caller.clock(), how, counted(told.values())))
        known = replace(self.memory, runs=(self.run, *self.memory.runs))
        self.write(*corrected, journal.run_entry(self.run), *more, journal.forgotten(known, self.keys))

    def _corrected(self, step: Step, told: Mapping[str, Outcome]) -> Entries:
        """Nothing where it was told rightly before."""
        outcomes = tuple(told[one.change_id] for one in step.outcomes)
        if step.ended is not None and outcomes == step.outcomes:
            return {}
        before = journal.outcome_entries(step) if step.ended is not None else {}
        after = journal.outcome_entries(replace(step, ended=self.caller.clock(), outcomes=outcomes))
        return {**dict.fromkeys(before), **after}

    def take_over(self, left: Run, now: Callable[[Sequence[Entry]], Mapping[str, Side]]) -> None:
        """Writes the truth into a run that did not, or could not. `now`: how the entries of a step stand on the cluster, by their ids."""
        steps = [self._seen(step, now) if step.ended is None else step for step in self.memory.steps_of(left.id)]
        counts = counted(outcome for step in steps for outcome in step.outcomes)
        before = left.end or End(self.caller.clock(), Ending.TAKEN_OVER)
        ended = replace(left, end=replace(before, counts=counts, by=self.caller.id))
        seen = [step for step in steps if step.seen_by == self.caller.id]
        self.write(*map(journal.outcome_entries, seen), journal.run_entry(ended))
        self.memory = replace(
            self.memory,
            runs=tuple(ended if run.id == left.id else run for run in self.memory.runs),
            steps={**self.memory.steps, left.id: tuple(steps)},
        )
        self.taken_over = (*self.taken_over, ended)

    def _seen(self, step: Step, now: Callable[[Sequence[Entry]], Mapping[str, Side]]) -> Step:
        outcomes = tuple(journal.seen(step.entries, now(step.entries)))
        return replace(step, ended=self.caller.clock(), outcomes=outcomes, seen_by=self.caller.id)


def counted(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """By the names of the results."""
    rows = list(outcomes)
    counts = {result.value.replace(" ", "_"): sum(one.result is result for one in rows) for result in Result}
    return {name: count for name, count in counts.items() if count}


@contextmanager
def opened(cluster: Cluster, caller: Caller, lock: Lock = Lock.APPLY) -> Iterator[Logbook]:
    """Under the lock, which is let go in the end. From here on the cluster is written to only while the lock is proven to be ours. Errors: BusyError, ClusterFailure, Refusal."""
    with claimed(cluster, caller, lock) as held:
        cluster.hold(held.prove)
        keys, memory = read(cluster.journal())
        yield Logbook(caller, memory, keys, held)


@contextmanager
def claimed(cluster: Cluster, caller: Caller, lock: Lock) -> Iterator[Held]:
    """The lock alone. Errors: BusyError, ClusterFailure."""
    held = cluster.journal().acquire(lock, journal.client_id(caller.id, caller.runner))
    try:
        yield held
    finally:
        held.release()


def read(book: Journal) -> tuple[frozenset[str], Memory]:
    """The keys that are written, and what they tell. Errors: ClusterFailure, Refusal."""
    records = {record.key: record.value for record in book.read() or () if record.value is not None}
    return frozenset(records), journal.remembered(records)
