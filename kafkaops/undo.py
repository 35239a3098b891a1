"""What would take a run back: for the resources that it changed, how they were before, as something that is wanted. What cannot come back is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kafkaops.compile import Desired
from kafkaops.findings import Finding, Severity
from kafkaops.journal import Entry, Run, Side, Step
from kafkaops.kind import Kind, Reading
from kafkaops.plan import Result


@dataclass(frozen=True, slots=True)
class Restored:
    """`desired`: only what the run changed; `findings`: what of it stays as it is, and why."""

    desired: Desired
    findings: tuple[Finding, ...]


def restored(run: Run, steps: Iterable[Step], reading: Reading, kinds: Sequence[Kind]) -> Restored:
    """From what the run wrote, and from how its resources stand now."""
    desired, findings = Desired(streams=reading.desired.streams), [_files_stay(run)]
    made = list(_made(steps))
    for kind in kinds:
        entries = [entry for entry in made if entry.kind == kind.name]
        if entries and kind.managed(reading.entry):
            now = kind.standing(reading, entries)
            as_left = [entry for entry in entries if now[entry.id] == entry.after]
            desired, lost = kind.restored(reading, as_left, desired)
            findings += [*lost, *_changed_since(entries, now)]
    return Restored(desired, tuple(findings))


def _made(steps: Iterable[Step]) -> Iterator[Entry]:
    """What is open may have been made too: how it stands now tells."""
    for step in steps:
        told = {outcome.change_id: outcome.result for outcome in step.outcomes} if step.ended else {}
        yield from (one for one in step.entries if told.get(one.id, Result.APPLIED) is Result.APPLIED)


def _changed_since(entries: Iterable[Entry], now: Mapping[str, Side]) -> Iterator[Finding]:
    for entry in entries:
        if now[entry.id] not in (entry.before, entry.after):
            field = entry.id.partition("#")[2]
            yield Finding(
                code="KO7127",
                severity=Severity.WARNING,
                message=f"{entry.address}{f' {field}' if field else ''}: was changed again since, so it is left alone",
                address=entry.address,
                help="undo the later run first: `kafkaops history` lists them",
            )


def _files_stay(run: Run) -> Finding:
    commit = run.revision.commit
    return Finding(
        code="KO7130",
        severity=Severity.NOTICE,
        message="undo leaves the files as they are, and the next apply makes them true again",
        help=f"`git revert {commit[:12]}`, too" if commit else "take the change out of the files too",
    )
