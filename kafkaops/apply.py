"""Doing what the plan shows, phase by phase, and accounting for each answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from kafkaops.cluster import Cluster, ClusterFailure, KafkaError
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
    """Where the changes go. `again`: the same changes as a fresh reading finds them, by id; `live`: brokers that are up now."""

    cluster: Cluster
    kinds: Mapping[str, Kind]
    again: Callable[[Sequence[Change]], Mapping[str, Change]]
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
    skipped: dict[str, str] = {}
    if phase is Phase.REVOKES:
        skipped |= _waiting(kind, changes, plan, outcomes, performer)
    if phase in DESTRUCTIVE:
        skipped |= _moved([change for change in changes if change.id not in skipped], performer)
    ready = [change for change in changes if change.id not in skipped]
    answers = kind.perform(performer.cluster, phase, ready) if ready else {}
    return [_outcome(change, skipped, answers) for change in changes]


def _outcome(change: Change, skipped: Mapping[str, str], answers: Mapping[str, KafkaError | None]) -> Outcome:
    if change.id in skipped:
        return Outcome(change.id, Result.SKIPPED, skipped[change.id])
    error = answers[change.id]
    return Outcome(change.id, Result.APPLIED) if error is None else Outcome(change.id, Result.FAILED, str(error))


def _waiting(
    kind: Kind, changes: list[Change], plan: Plan, outcomes: Mapping[str, Outcome], performer: Performer
) -> dict[str, str]:
    """Access is taken from a principal only when every live broker shows what this run has granted to it."""
    subjects = {_subject(change) for change in changes}
    grants = [
        change
        for change in plan.changes
        if change.phase is Phase.GRANTS and change.kind == kind.name and _subject(change) in subjects
    ]
    reasons = {
        _subject(change): f"its grant failed: {change.address}"
        for change in grants
        if change.id not in outcomes or outcomes[change.id].result is not Result.APPLIED
    }
    if grants:
        unseen = kind.unseen(performer.cluster, performer.live(), grants, performer.patience)
        reasons |= {_subject(change): unseen[change.id] for change in grants if change.id in unseen}
    return {change.id: reasons[_subject(change)] for change in changes if _subject(change) in reasons}


def _subject(change: Change) -> str:
    """Whose access it is: `acl/PRINCIPAL/...`."""
    return change.address.split("/", 2)[1]


def _moved(changes: list[Change], performer: Performer) -> dict[str, str]:
    """What a fresh reading no longer finds the same is left alone: whoever approved it had seen something else."""
    if not changes:
        return {}
    again = performer.again(changes)
    return {
        change.id: "the cluster is no longer as it was when this plan was made"
        for change in changes
        if again.get(change.id) != change
    }
