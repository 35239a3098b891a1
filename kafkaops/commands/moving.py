"""resume, cancel, throttle: a copy that goes on in the cluster, from any machine, by what the journal tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from kafkaops import app, relocation, report
from kafkaops.app import Request
from kafkaops.cli import Options
from kafkaops.cluster import KafkaError
from kafkaops.cluster.journal import LostError
from kafkaops.commands import pace
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.pace import Flags
from kafkaops.commands.reading import connect_from, invalid, requests, topology_of
from kafkaops.commands.running import caller
from kafkaops.commands.watching import Subject, watch
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.journal import Borrowed, On
from kafkaops.kind import Reading
from kafkaops.logbook import Logbook
from kafkaops.moving import lending
from kafkaops.moving.progress import Ended, Progress
from kafkaops.moving.throttling import RATES
from kafkaops.relocation import Left


def resume(options: Options, flags: Flags) -> int:
    """Takes up what a run has left on its way, to the end."""

    def body(output: Output, request: Request, connect: app.Connect) -> int:
        speed = pace.of(flags)
        with _mover(request, connect) as (reading, log, left):
            if left is None:
                return _nothing_left(output, request, reading, log)
            last = _forward(output, request, reading, log, left, speed)
            return _told(output, request, log, last, {Ended.DONE: "done", Ended.INCOMPLETE: "incomplete"})

    return _guarded("resume", options, body)


def go_on(output: Output, request: Request, connect: app.Connect, speed: pace.Pace) -> int:
    """The same before an apply, which says what came of it only where that is its end. A run of its own in the journal."""
    assert request.caller is not None
    request = replace(request, caller=replace(request.caller, id=f"{request.caller.id}-rest"))
    with _mover(request, connect) as (reading, log, left):
        if left is None:
            return Exit.DONE
        last = _forward(output, request, reading, log, left, speed)
    if last.ended is Ended.DONE:
        return Exit.DONE
    raise Refusal(
        Exit.RUNNING if last.ended is None else Exit.INCOMPLETE,
        Finding(
            code="KO4206",
            severity=Severity.ERROR,
            message="copies that an earlier run has left did not end, so nothing else was begun",
            help="`kafkaops status` shows them, `kafkaops resume` waits for them, `kafkaops cancel` takes them back",
            notes=tuple(f"{topic} partition {number}: {why}" for (topic, number), why in last.failed[:5]),
        ),
    )


def _forward(
    output: Output, request: Request, reading: Reading, log: Logbook, left: Left, speed: pace.Pace
) -> Progress:
    relocation.take_up(reading, log, left, request.command)
    subject = Subject(cluster=request.entry.name, topics=_topics(left))
    last: Progress | None = None
    try:
        looks = relocation.mover(reading, log, left.moves, speed.moves).forward()
        last = watch(output, looks, subject, detach_after=speed.detach_after)
    finally:
        relocation.end(log, last)
    return last


def cancel(options: Options, topics: tuple[str, ...]) -> int:
    """Back to the old replicas, in their old order; what has arrived already stays."""

    def body(output: Output, request: Request, connect: app.Connect) -> int:
        with _mover(request, connect) as (reading, log, left):
            if left is None and topics:
                return _cancel_by_hand(output, request, reading, log, frozenset(topics))
            if left is None:
                return _nothing_left(output, request, reading, log)
            _insist_on_own(left, topics)
            return _back(output, request, reading, log, left)

    return _guarded("cancel", options, body)


def _back(output: Output, request: Request, reading: Reading, log: Logbook, left: Left) -> int:
    """All of it: a run whose moves are taken back in part could not be told apart from one that goes on."""
    relocation.take_up(reading, log, left, request.command)
    subject = Subject(cluster=request.entry.name, topics=_topics(left), back=True)
    last: Progress | None = None
    try:
        last = watch(output, relocation.mover(reading, log, left.moves, pace.of(pace.NONE).moves).back(), subject)
    finally:
        relocation.end(log, last, back=True)
    return _told(output, request, log, last, {Ended.DONE: "taken_back", Ended.INCOMPLETE: "incomplete"})


def _insist_on_own(left: Left, topics: tuple[str, ...]) -> None:
    """Errors: Refusal for a topic that no run of ours moves, and where others would go on."""
    ours = set(_topics(left))
    if topics and set(topics) != ours:
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO4204",
                severity=Severity.ERROR,
                message=f"run {left.run.id} moves {', '.join(sorted(ours))}; it is taken back as a whole",
                help="`kafkaops cancel` without a topic takes all of it back",
            ),
        )


def _cancel_by_hand(output: Output, request: Request, reading: Reading, log: Logbook, topics: frozenset[str]) -> int:
    """Of topics that are named, and of which the journal knows nothing: to the old set of replicas, whose order nobody knows (decisions 22)."""
    listed = reading.cluster.reassignments()
    if isinstance(listed, KafkaError):
        raise _unreadable(listed)
    mine = [partition for partition in listed if partition.topic in topics]
    idle = sorted(topics - {partition.topic for partition in mine})
    if idle:
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO4204",
                severity=Severity.ERROR,
                message=f"nothing of {', '.join(idle)} is being moved",
                help="`kafkaops status` shows what is",
            ),
        )
    if log.held is not None:
        reading.cluster.hold(log.held.prove)
    refused = {one: error for one, error in reading.cluster.reassign(dict.fromkeys(mine), resize=True).items() if error}
    failed = tuple(
        ((one.topic, one.partition), f"the controller refuses: {error.name}") for one, error in refused.items()
    )
    last = Progress(
        total=0,
        copied=0,
        rate=0.0,
        left=None,
        partitions=len(mine),
        done=len(mine) - len(failed),
        waiting=0,
        failed=failed,
        ended=Ended.INCOMPLETE if failed else Ended.DONE,
    )
    return _told(output, request, log, last, {Ended.DONE: "taken_back", Ended.INCOMPLETE: "incomplete"})


def throttle_clear(options: Options) -> int:
    """Every setting that a run of ours has lent is as it was before; copies go on without."""

    def body(output: Output, request: Request, connect: app.Connect) -> int:
        with _keeper(request, connect) as (reading, log):
            book = relocation.Book(log, reading.cluster)
            left, told = lending.give_back(reading.cluster, book, log.memory.borrowed)
            return _settings_told(output, request, log, "cleared", len(log.memory.borrowed) - len(left), left, told)

    return _guarded("throttle clear", options, body)


def throttle_set(options: Options, rate: str) -> int:
    """Another speed for a copy that is on its way, for whoever watches it too."""

    def body(output: Output, request: Request, connect: app.Connect) -> int:
        speed = pace.rate(rate)
        with _keeper(request, connect) as (reading, log):
            lent = [one for one in log.memory.borrowed if one.on is On.BROKER and one.key in RATES]
            if not lent:
                why = "no run of ours has set a throttle; `placement: throttle` is for the next copies"
                return _settings_told(output, request, log, "nothing_to_do", 0, (), (why,))
            book = relocation.Book(log, reading.cluster)
            told = lending.set_anew(reading.cluster, book, [replace(one, ours=str(speed)) for one in lent])
            return _settings_told(output, request, log, "set", len(lent), (), told)

    return _guarded("throttle set", options, body)


# what they share


def _guarded(command: str, options: Options, body: Callable[[Output, Request, app.Connect], int]) -> int:
    def within(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        request = requests(output, found, (), one=True)[0]
        try:
            return body(output, replace(request, caller=caller(request)), connect_from(found.root))
        except LostError as lost:
            raise Refusal(Exit.INCOMPLETE, app.lost_finding()) from lost

    return guarded(command, options, within)


@contextmanager
def _mover(request: Request, connect: app.Connect) -> Iterator[tuple[Reading, Logbook, Left | None]]:
    """The cluster with the mover's lock, and what was left on its way."""
    assert request.caller is not None
    with app.connected(replace(request, caller=None), connect) as reading:
        app.needs_pin(request.entry, reading.described)
        with relocation.alone(reading.cluster, request.entry, request.caller) as log:
            yield reading, log, relocation.left_open(log.memory)


@contextmanager
def _keeper(request: Request, connect: app.Connect) -> Iterator[tuple[Reading, Logbook]]:
    """The cluster with the lock of apply: a mover may be at work beside it, and reads anew what is lent when it gives it back."""
    with app.connected(request, connect) as reading:
        assert reading.log is not None
        yield reading, reading.log


def _topics(left: Left) -> tuple[str, ...]:
    return tuple(dict.fromkeys(move.topic for move in left.moves))


def _nothing_left(output: Output, request: Request, reading: Reading, log: Logbook) -> int:
    """Settings may still be lent: a run that was killed between its last copy and its end."""
    left: tuple[Borrowed, ...] = ()
    told: tuple[str, ...] = ()
    if log.memory.borrowed:
        if log.held is not None:
            reading.cluster.hold(log.held.prove)
        left, told = lending.give_back(reading.cluster, relocation.Book(log, reading.cluster), log.memory.borrowed)
    return _settings_told(output, request, log, "nothing_to_do", len(log.memory.borrowed) - len(left), left, told)


def _settings_told(
    output: Output,
    request: Request,
    log: Logbook,
    verdict: str,
    settings: int,
    left: tuple[Borrowed, ...],
    told: tuple[str, ...],
) -> int:
    code = Exit.INCOMPLETE if left else Exit.DONE
    document = report.move_document(
        output.command,
        "incomplete" if left else verdict,
        code,
        created_at=output.created_at,
        cluster=request.entry.name,
        run=log.caller.id if log.held else "",
        settings=settings,
        told=told,
    )
    output.write(document, cluster=request.entry.name)
    return code


def _told(output: Output, request: Request, log: Logbook, last: Progress, verdicts: dict[Ended, str]) -> int:
    code = Exit.RUNNING if last.ended is None else Exit.INCOMPLETE if last.ended is Ended.INCOMPLETE else Exit.DONE
    document = report.move_document(
        output.command,
        "running" if last.ended is None else verdicts[last.ended],
        code,
        created_at=output.created_at,
        cluster=request.entry.name,
        run=log.caller.id if log.held else "",
        partitions=last.partitions,
        done=last.done,
        total=last.total,
        copied=last.copied,
        failed=last.failed,
        told=last.told,
    )
    output.write(document, cluster=request.entry.name)
    return code


def _unreadable(error: KafkaError) -> Refusal:
    return Refusal(
        Exit.REFUSED,
        Finding(
            code="KO6005",
            severity=Severity.ERROR,
            message=f"the reassignments in flight could not be read: {error}",
            help="grant Describe on the cluster; `kafkaops doctor` prints the ACLs",
        ),
    )
