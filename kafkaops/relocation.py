"""Replicas that a plan moves, from the lock to the end; and what a run that stopped has left on its way: taken up by another one, or taken back.

The lock of the mover is another one than that of apply, so that an apply may run beside a copy that takes hours (decisions 21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from kafkaops import app, journal, logbook
from kafkaops.app import Planned, Request
from kafkaops.cluster import Cluster, TopicPartition
from kafkaops.cluster.journal import BusyError, Lock, LostError
from kafkaops.findings import Exit, Refusal
from kafkaops.journal import Borrowed, Ending, Entry, Memory, Run
from kafkaops.kind import Reading
from kafkaops.kinds.topic import holdings
from kafkaops.kinds.topic.changes import REPLICAS
from kafkaops.logbook import Caller, Logbook
from kafkaops.moving.mover import REAL_TIME, Clock, Mover, Pace
from kafkaops.moving.progress import Ended, Progress
from kafkaops.placement.model import Kind, Move
from kafkaops.plan import Change, Outcome, Phase, Plan, Result
from kafkaops.settings import ClusterEntry

PATIENCE = 900.0
"""Seconds without progress of a partition, after which it goes back to where it was."""

DEAD_AFTER = 8.0
"""Seconds in which Kafka takes a lock from a run that died: a session, and what a coordinator takes to notice."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a run that did not end has moved, or was about to: all of it, done or not."""

    run: Run
    moves: tuple[Move, ...]


class LeftOnTheWayError(Exception):
    """A run has stopped with copies on their way, and nobody watches them: they end before anything else begins."""


def insist_on_rest(planned: Planned, clock: Clock = REAL_TIME) -> None:
    """A run that was killed holds the lock of the mover for a session longer: that is waited for, since nobody else would give back what it has lent.

    Errors: LeftOnTheWayError.
    """
    log = planned.log
    if not (log.held and left_open(log.memory)):
        return
    until = clock.now() + DEAD_AFTER
    while planned.reading.cluster.journal().holder(Lock.MOVE) is not None:
        if clock.now() >= until:
            return  # it lives, and does that itself
        clock.wait(0.5)
    raise LeftOnTheWayError


def left_open(memory: Memory) -> Left | None:
    """Of the newest run that moved something: those before it were taken up by it."""
    newest = next((run for run in memory.runs if run.lock == Lock.MOVE), None)
    if newest is None or (newest.end is not None and newest.end.how is not Ending.INTERRUPTED):
        return None
    moves = tuple(move for step in memory.steps_of(newest.id) for entry in step.entries for move in _moves_of(entry))
    return Left(newest, moves) if moves else None


def _moves_of(entry: Entry) -> Iterator[Move]:
    before, after = (entry.before or {}).get(REPLICAS, {}), (entry.after or {}).get(REPLICAS, {})
    for number, old in before.items():
        yield _move(entry.address.removeprefix("topic/"), int(number), tuple(old), tuple(after[number]))


def _move(topic: str, partition: int, old: tuple[int, ...], new: tuple[int, ...]) -> Move:
    kind: Kind = "grow" if len(new) > len(old) else "shrink" if len(new) < len(old) else "move"
    return Move(topic, partition, old, new, 0, kind, ())


@contextmanager
def alone(cluster: Cluster, entry: ClusterEntry, caller: Caller) -> Iterator[Logbook]:
    """With the lock of the mover; without it where `journal: off` is set. Nothing is held to it yet. Errors: Refusal, exit 6 when another run moves."""
    if not entry.journals:
        yield Logbook(caller)
        return
    try:
        with logbook.claimed(cluster, caller, Lock.MOVE) as held:
            keys, memory = logbook.read(cluster.journal())
            yield Logbook(caller, memory, keys, held)
    except BusyError as busy:
        raise app.busy(cluster, busy) from busy
    except LostError as lost:
        raise Refusal(Exit.BUSY, app.lost_finding()) from lost


@dataclass(frozen=True, slots=True)
class Book:
    """The journal, for what is lent."""

    log: Logbook
    cluster: Cluster

    def lend(self, lent: Sequence[Borrowed]) -> None:
        self.log.write(*map(journal.borrowed_entry, lent))

    def give_back(self, lent: Sequence[Borrowed]) -> None:
        self.log.write(*map(journal.returned_entry, lent))

    def current(self, known: Sequence[Borrowed]) -> Sequence[Borrowed]:
        """Another command may have set another rate meanwhile."""
        return known if self.log.held is None else logbook.read(self.cluster.journal())[1].borrowed


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What the command line says over the files; None: nothing."""

    throttle: int | None = None
    patience: float = PATIENCE
    window: Callable[[datetime], bool] | None = None


def mover(reading: Reading, log: Logbook, moves: Iterable[Move], speed: Speed, clock: Clock = REAL_TIME) -> Mover:
    """From here on the cluster is written to only while the lock of the mover is proven to be ours."""
    if log.held is not None:
        reading.cluster.hold(log.held.prove)
    rules = reading.desired.placement
    declared = rules.window.holds if rules and rules.window else None
    is_open = speed.window or declared
    racks = {broker.id: broker.rack for broker in reading.described.brokers if broker.rack}
    return Mover(
        cluster=reading.cluster,
        moves=tuple(_sized(moves, reading)),
        pace=Pace(
            throttle=speed.throttle or (rules.throttle if rules else None),
            concurrency=rules.concurrency if rules else 3,
            patience=speed.patience,
            is_open=(lambda: is_open(log.caller.clock())) if is_open else lambda: True,
        ),
        book=Book(log, reading.cluster),
        run=log.caller.id,
        lent=log.memory.borrowed,
        racks=racks,
        clock=clock,
    )


def _sized(moves: Iterable[Move], reading: Reading) -> Iterator[Move]:
    """What a journal tells has no sizes."""
    given = tuple(moves)
    if all(move.bytes or not move.adding for move in given):
        yield from given
        return
    sizes = holdings.read(reading.cluster, reading.described).sizes()
    yield from (replace(move, bytes=len(move.adding) * sizes.get(TopicPartition(*move.id), 0)) for move in given)


def begin(request: Request, planned: Planned, log: Logbook, changes: Sequence[Change]) -> None:
    """All that shall move is written down at once, before any of it does. Errors: LostError, ClusterFailure."""
    log.begin(replace(app.run_of(request, planned, log, changes, Lock.MOVE), steps=1))
    log.announce(1, Phase.MOVES, "topic", [app.entry_of(change) for change in changes])


Watch = Callable[[Iterator[Progress]], Progress]
"""Looks at the moves until they have ended, or until whoever watches has seen enough: then the last look has no end. What it raises is raised."""


def carry_out(
    request: Request,
    planned: Planned,
    log: Logbook,
    outcomes: Sequence[Outcome],
    watch: Watch,
    speed: Speed = Speed(),  # a frozen value
    clock: Clock = REAL_TIME,
) -> tuple[tuple[Outcome, ...], Progress]:
    """The moves of the plan, after everything that was made at once, of which are the `outcomes`. Errors: LostError, ClusterFailure."""
    changes = [change for change in planned.plan.to_do if change.moves]
    begin(request, planned, log, changes)
    app.pause(planned, outcomes)
    last: Progress | None = None
    try:
        moves = [move for change in changes for move in change.moves]
        last = watch(mover(planned.reading, log, moves, speed, clock).forward())
    finally:
        end(log, last)
    return outcomes_of([(change.id, change.address) for change in changes], last), last


def after(plan: Plan, moved: Iterable[Outcome]) -> tuple[Plan, tuple[Outcome, ...]]:
    """What waited for the moves and can be made now, and what still waits, since its replicas are not there."""
    done = {one.change_id.partition("#")[0] for one in moved if one.result is Result.APPLIED}
    later = plan.part({Phase.AFTER_MOVES})
    waits = [change for change in later.to_do if change.id.partition("#")[0] not in done]
    ready = tuple(change for change in later.changes if change not in waits)
    return replace(later, changes=ready), tuple(
        Outcome(change.id, Result.SKIPPED, "its replicas are not where they shall be yet") for change in waits
    )


def take_up(reading: Reading, log: Logbook, left: Left, command: str) -> None:
    """The moves of a run that stopped become those of this one. Errors: LostError, ClusterFailure."""
    entries = [entry for step in log.memory.steps_of(left.run.id) for entry in step.entries]
    log.take_over(left.run, lambda its: app.standing(reading, its))
    log.begin(
        replace(
            left.run,
            id=log.caller.id,
            command=command,
            since=log.caller.clock(),
            runner=log.caller.runner,
            end=None,
        )
    )
    log.announce(1, Phase.MOVES, "topic", entries)


def outcomes_of(changes: Iterable[tuple[str, str]], last: Progress | None) -> tuple[Outcome, ...]:
    """By id and address of each change: what became of all its partitions. `last` None: nothing was looked at."""
    failed: dict[str, list[str]] = {}
    for (topic, partition), why in last.failed if last else ():
        failed.setdefault(f"topic/{topic}", []).append(f"partition {partition}: {why}")
    return tuple(_outcome(id_, failed.get(address, []), last) for id_, address in changes)


def _outcome(id_: str, failed: Sequence[str], last: Progress | None) -> Outcome:
    if failed:
        more = f" and {len(failed) - 3} more" if len(failed) > 3 else ""  # noqa: PLR2004
        return Outcome(id_, Result.FAILED, "; ".join(failed[:3]) + more)
    if last is None or last.ended is None:
        return Outcome(id_, Result.NOT_REACHED, "its copy goes on in the cluster" if last else "")
    return Outcome(id_, Result.APPLIED)


def end(log: Logbook, last: Progress | None, *, back: bool = False) -> None:
    """Writes how it went; a run that was only left stays open, so that another one can take it up. Errors: LostError, ClusterFailure."""
    entries = [(entry.id, entry.address) for step in log.steps for entry in step.entries]
    outcomes = outcomes_of(entries, last)
    if last is None or last.ended is None:
        log.end(Ending.INTERRUPTED, outcomes, seen=False)
        return
    log.ended(outcomes, certain=True)
    how = Ending.TAKEN_BACK if back else Ending.DONE if last.ended is Ended.DONE else Ending.INCOMPLETE
    log.end(how, outcomes, seen=False)
