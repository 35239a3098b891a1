"""Doing what the plan shows, phase by phase, and accounting for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from kafkaops.access import WILDCARD_PRINCIPAL
from kafkaops.cluster import Cluster, ClusterFailure, KafkaError
from kafkaops.diff import moved
from kafkaops.findings import Finding, Refusal
from kafkaops.kind import Kind
from kafkaops.plan import Change, Outcome, Phase, Plan, Result

DESTRUCTIVE = frozenset({Phase.REVOKES, Phase.LOSSES, Phase.DELETES})
"""Before each step of these phases its before-values are read again (decisions 16)."""


@dataclass(frozen=True, slots=True)
class Step:
    """What became of one kind's changes in one phase."""

    phase: Phase
    kind: str
    outcomes: tuple[Outcome, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Performer:
    """Where the changes go. `again`: the same changes as a fresh reading finds them, by id, or what stops one now; `live`: brokers that are up now."""

    cluster: Cluster
    kinds: Mapping[str, Kind]
    again: Callable[[Sequence[Change]], Mapping[str, Change | Finding]]
    live: Callable[[], Sequence[int]]
    patience: float


def run(plan: Plan, performer: Performer) -> Iterator[Step]:
    """Each step as it ends. A change without an outcome was not reached: the cluster went away before it."""
    outcomes: dict[str, Outcome] = {}
    for phase, in_phase in groupby(plan.changes, key=lambda change: change.phase):
        for kind, group in groupby(in_phase, key=lambda change: change.kind):
            begun = time.monotonic()
            changes = list(group)
            try:
                found = _step(phase, performer.kinds[kind], changes, plan, outcomes, performer)
            except ClusterFailure as failure:
                lost = f"no answer, so it may be done or not: {failure.message}"
                yield Step(phase, kind, tuple(Outcome(one.id, Result.FAILED, lost) for one in changes), 0.0)
                return
            outcomes |= {outcome.change_id: outcome for outcome in found}
            yield Step(phase, kind, tuple(found), time.monotonic() - begun)


def _step(
    phase: Phase,
    kind: Kind,
    changes: list[Change],
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    performer: Performer,
) -> list[Outcome]:
    skipped = _held_back(phase, kind, changes, plan, outcomes, performer)
    ready = [change for change in changes if change.id not in skipped]
    answers = kind.perform(performer.cluster, phase, ready) if ready else {}
    return [_outcome(change, skipped, answers) for change in changes]


def _held_back(
    phase: Phase,
    kind: Kind,
    changes: list[Change],
    plan: Plan,
    outcomes: Mapping[str, Outcome],
    performer: Performer,
) -> dict[str, str]:
    """Why a change is not made now, by its id. What cannot be looked at again is not destroyed."""
    try:
        waiting = _waiting(kind, changes, plan, outcomes, performer) if phase is Phase.REVOKES else {}
        ready = [change for change in changes if change.id not in waiting]
        return waiting | _moved(ready, performer) if phase in DESTRUCTIVE else waiting
    except (ClusterFailure, Refusal) as problem:
        return {change.id: f"the cluster could not be read again before it: {problem}" for change in changes}


def _outcome(change: Change, skipped: Mapping[str, str], answers: Mapping[str, KafkaError | None]) -> Outcome:
    if change.id in skipped:
        return Outcome(change.id, Result.SKIPPED, skipped[change.id])
    error = answers[change.id]
    return Outcome(change.id, Result.APPLIED) if error is None else Outcome(change.id, Result.FAILED, str(error))


def _waiting(
    kind: Kind, changes: list[Change], plan: Plan, outcomes: Mapping[str, Outcome], performer: Performer
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
