"""Doing what the plan shows, phase by phase, and accounting for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import groupby

from kafkaops.access import WILDCARD_PRINCIPAL
from kafkaops.cluster import Cluster, ClusterFailure, KafkaError
from kafkaops.cluster.journal import LostError
from kafkaops.diff import moved
from kafkaops.findings import Finding, Refusal
from kafkaops.journal import Entry
from kafkaops.kind import Kind
from kafkaops.logbook import Logbook
from kafkaops.plan import Change, Outcome, Phase, Plan, Result

DESTRUCTIVE = frozenset({Phase.REVOKES, Phase.LOSSES, Phase.DELETES})
"""Before each step of these phases its before-values are read again (decisions 16)."""


AT_ONCE = frozenset(phase for phase in Phase if phase < Phase.MOVES)
"""What is made before replicas move, which takes hours."""

MOST_CHANGES = 500
"""Of one step: so much is announced at once, is in doubt after a crash, and has to end before an interruption is heard."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Changes of one kind that are announced and made together. `number` counts from 1."""

    number: int
    phase: Phase
    kind: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one batch."""

    phase: Phase
    kind: str
    outcomes: tuple[Outcome, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Where the changes go.

    log          is told of each step before it is made, and after
    again        the same changes as a fresh reading finds them, by id, or what stops one now
    live         brokers that are up now
    undisturbed  around what must not be interrupted half way: from the announcement of a step until its outcome is written
    """

    cluster: Cluster
    kinds: Mapping[str, Kind]
    log: Logbook
    again: Callable[[Sequence[Change]], Mapping[str, Change | Finding]]
    live: Callable[[], Sequence[int]]
    patience: float
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext


def batches(changes: Iterable[Change]) -> tuple[Batch, ...]:
    """In the order of the plan. One resource's changes stay together, and so does all that goes in one phase of revokes, whose order protects."""
    found: list[tuple[Phase, str, tuple[Change, ...]]] = []
    for phase, in_phase in groupby(changes, key=lambda change: change.phase):
        for kind, group in groupby(in_phase, key=lambda change: change.kind):
            most = None if phase is Phase.REVOKES else MOST_CHANGES
            found += ((phase, kind, portion) for portion in _portions(group, most))
    return tuple(Batch(number, *one) for number, one in enumerate(found, 1))


def _portions(changes: Iterable[Change], most: int | None) -> Iterator[tuple[Change, ...]]:
    portion: list[Change] = []
    for _, of_one in groupby(changes, key=lambda change: change.address):
        more = list(of_one)
        if most is not None and portion and len(portion) + len(more) > most:
            yield tuple(portion)
            portion = []
        portion += more
    yield tuple(portion)


def run(plan: Plan, performer: Performer) -> Iterator[Step]:
    """Each step as it ends. A change without an outcome was not reached: the cluster went away before it.

    Errors: LostError and ClusterFailure, after the last step, when the lock is lost or the journal takes nothing more.
    """
    outcomes: dict[str, Outcome] = {}
    for batch in batches(plan.changes):
        begun = time.monotonic()
        skipped = _held_back(batch, plan, outcomes, performer)
        ready = [change for change in batch.changes if change.id not in skipped]
        held_back = tuple(Outcome(one, Result.SKIPPED, why) for one, why in skipped.items())
        kind = performer.kinds[batch.kind]
        with performer.undisturbed():
            performer.log.announce(batch.number, batch.phase, batch.kind, (entry(kind, change) for change in ready))
            made, stopped = _made(kind, batch.phase, ready, performer)
            found = _in_order(batch, (*held_back, *made))
            outcomes |= {outcome.change_id: outcome for outcome in found}
            yield Step(batch.phase, batch.kind, found, time.monotonic() - begun)
            if isinstance(stopped, LostError):
                raise stopped
            performer.log.ended(found, certain=not any(outcome.in_doubt for outcome in found))
        if stopped:
            return


def entry(kind: Kind, change: Change) -> Entry:
    before, after = kind.sides(change)
    return Entry(change.id, change.address, change.action.value, before, after, loses=not change.reversible)


def _made(
    kind: Kind, phase: Phase, changes: Sequence[Change], performer: Performer
) -> tuple[tuple[Outcome, ...], LostError | ClusterFailure | None]:
    """What the cluster answered to each, and why nothing more is to be tried."""
    if not changes:
        return (), None
    try:
        answers = kind.perform(performer.cluster, phase, changes)
    except LostError as lost:
        return _in_doubt(changes, "it was announced, so it may be done or not: the lock is lost"), lost
    except ClusterFailure as failure:
        return _in_doubt(changes, f"no answer, so it may be done or not: {failure.message}"), failure
    return tuple(_outcome(change, answers[change.id]) for change in changes), None


def _in_doubt(changes: Iterable[Change], why: str) -> tuple[Outcome, ...]:
    return tuple(Outcome(change.id, Result.FAILED, why, in_doubt=True) for change in changes)


def _outcome(change: Change, error: KafkaError | None) -> Outcome:
    if error is None:
        return Outcome(change.id, Result.APPLIED)
    return Outcome(change.id, Result.FAILED, str(error), in_doubt=error.name == "TIMED_OUT")


def _in_order(batch: Batch, outcomes: Iterable[Outcome]) -> tuple[Outcome, ...]:
    by_id = {outcome.change_id: outcome for outcome in outcomes}
    return tuple(by_id[change.id] for change in batch.changes)


def _held_back(batch: Batch, plan: Plan, outcomes: Mapping[str, Outcome], performer: Performer) -> dict[str, str]:
    """Why a change is not made now, by its id. What cannot be looked at again is not destroyed."""
    kind, changes = performer.kinds[batch.kind], batch.changes
    try:
        waiting = _waiting(kind, changes, plan, outcomes, performer) if batch.phase is Phase.REVOKES else {}
        ready = [change for change in changes if change.id not in waiting]
        return waiting | _moved(ready, performer) if batch.phase in DESTRUCTIVE else waiting
    except (ClusterFailure, Refusal) as problem:
        return {change.id: f"the cluster could not be read again before it: {problem}" for change in changes}


def _waiting(
    kind: Kind, changes: Sequence[Change], plan: Plan, outcomes: Mapping[str, Outcome], performer: Performer
) -> dict[str, str]:
    """Access is taken from a principal only when every live broker shows what this run has granted to it."""
    grants = replacements(changes, plan.changes)
    granted = {one for one, outcome in outcomes.items() if outcome.result is Result.APPLIED}
    made = [grant for grant in grants if grant.id in granted]
    reasons = {grant.id: f"its grant failed: {grant.address}" for grant in grants if grant.id not in granted}
    if made:
        reasons |= kind.unseen(performer.cluster, performer.live(), made, performer.patience)
    by_subject = {_subject(grant): reasons[grant.id] for grant in reversed(grants) if grant.id in reasons}
    told = {change.id: _why_waiting(_subject(change), by_subject) for change in changes}
    return {change: why for change, why in told.items() if why}


def replacements(revokes: Iterable[Change], changes: Iterable[Change]) -> list[Change]:
    """The grants among `changes` that may be what lets one of these revokes take nothing: for the same principal, or one of the two is for everybody."""
    whose = {_subject(change) for change in revokes if change.phase is Phase.REVOKES}
    everybody = WILDCARD_PRINCIPAL in whose
    whose |= {WILDCARD_PRINCIPAL} if whose else set()
    grants = (change for change in changes if change.phase is Phase.GRANTS)
    return [grant for grant in grants if everybody or _subject(grant) in whose]


def _why_waiting(subject: str, reasons: Mapping[str, str]) -> str:
    if subject == WILDCARD_PRINCIPAL:
        return next(iter(reasons.values()), "")
    return reasons.get(subject) or reasons.get(WILDCARD_PRINCIPAL, "")


def _subject(change: Change) -> str:
    """Whose access it is: `acl/PRINCIPAL/...`."""
    return change.address.split("/", 2)[1]


def _moved(changes: list[Change], performer: Performer) -> dict[str, str]:
    """What a fresh reading no longer finds the same is left alone: whoever approved it had seen something else."""
    if not changes:
        return {}
    again = performer.again(changes)
    return {change.id: moved(change, again.get(change.id)) for change in changes if again.get(change.id) != change}
