"""plan, apply, drift."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from kafkaops import app, approved, fingerprint, relocation, report, snapshots
from kafkaops import apply as applying
from kafkaops.app import Connect, Planned, Request
from kafkaops.approved import Approved
from kafkaops.cli import Options
from kafkaops.cluster import ClusterFailure
from kafkaops.cluster.journal import LostError
from kafkaops.commands import bases, moving, pace, saved
from kafkaops.commands.bases import Beside
from kafkaops.commands.output import Output, guarded, interrupted_code, worst
from kafkaops.commands.pace import Pace
from kafkaops.commands.reading import connect_from, invalid, request_against, requests, topology_of
from kafkaops.commands.running import Interruptions, Waits, caller
from kafkaops.commands.watching import Subject, watch
from kafkaops.findings import Exit, Finding, Refusal, Severity, misused
from kafkaops.journal import Ending
from kafkaops.offline import Against
from kafkaops.plan import Outcome, Phase, Plan, Result
from kafkaops.topology import Topology
from kafkaops.view import human
from kafkaops.view.verdict import ended_early
from kafkaops.view.words import counted


def plan(
    options: Options,
    *,
    only: tuple[str, ...],
    detailed_exitcode: bool,
    exit_zero: bool,
    details: bool,
    fail_on: str,
    against: Path | None = None,
    base: str | None = None,
    rebalance: bool = False,
) -> int:
    def exit_code(made: Plan) -> int:
        severities = {one.severity for one in made.findings if one.blocks or one.severity is Severity.WARNING}
        refuses = made.blocked or (fail_on == "warning" and bool(severities))
        if exit_zero or (refuses and fail_on == "never"):
            return Exit.DONE
        if refuses:
            return Exit.BLOCKED
        return Exit.CHANGES if detailed_exitcode and made.changes else Exit.DONE

    def body(output: Output) -> int:
        if fail_on not in {"danger", "warning", "never"}:
            raise misused(f"`--fail-on {fail_on}` is none of danger, warning, never", "leave it out for danger")
        saved = None if against is None else Against(str(against), snapshots.read(against))
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        with bases.opened(output, found, base) as beside:
            if saved is not None:
                return _offline(output, found, only, exit_code, saved, beside, details=details, rebalance=rebalance)
            return _each(output, found, only, exit_code, beside, details=details, rebalance=rebalance)

    return guarded("plan", options, body)


def _offline(
    output: Output,
    found: Topology,
    only: tuple[str, ...],
    exit_code: app.ExitCode,
    against: Against,
    beside: Beside | None,
    *,
    details: bool,
    rebalance: bool,
) -> int:
    request = request_against(output, beside.connected(found) if beside else found, only, against)
    request = beside.join(request) if beside else request
    request = app.rebalanced(request) if rebalance else request
    return _one(output, request, against.connect, exit_code, details=details, alone=True)


def drift(options: Options, *, only: tuple[str, ...]) -> int:
    def exit_code(made: Plan) -> int:
        return Exit.CHANGES if made.changes or made.blocked else Exit.DONE

    def body(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        return _each(output, found, only, exit_code, None, details=False)

    return guarded("drift", options, body)


def _each(
    output: Output,
    found: Topology,
    only: tuple[str, ...],
    exit_code: app.ExitCode,
    beside: Beside | None,
    *,
    details: bool,
    rebalance: bool = False,
) -> int:
    """Every cluster that is meant, one document each; one that fails does not hide the others."""
    if beside is None:
        connect, wanted = connect_from(found.root), requests(output, found, only)
    else:
        connect = beside.connect
        wanted = [beside.join(request) for request in requests(output, beside.connected(found), only)]
    if output.command == "plan" and (beside or os.environ.get("CI")):  # at home one's own files are what is asked about
        wanted = [bases.recalling(found, request) for request in wanted]
    if rebalance:
        wanted = [app.rebalanced(request) for request in wanted]
    alone = len(wanted) == 1
    codes = [_one(output, request, connect, exit_code, details=details, alone=alone) for request in wanted]
    return worst(codes)


def _one(
    output: Output, request: Request, connect: Connect, exit_code: app.ExitCode, *, details: bool, alone: bool
) -> int:
    try:
        with app.plan(request, connect) as planned:
            made = planned.plan
            if request.entry.validates_in_plan and made.changes and request.against is None:
                made = app.with_findings(made, app.broker_findings(planned))
            code = exit_code(made)
            output.write(report.plan_document(made, planned.header, code), cluster=request.entry.name, details=details)
            return code
    except (ClusterFailure, Refusal) as problem:
        if alone:
            raise
        code, findings = app.failure_of(problem)
        document = report.failure_document(
            output.command, findings, code, created_at=output.created_at, cluster=request.entry.name
        )
        output.write(document, cluster=request.entry.name)
        return code


def apply(
    options: Options,
    *,
    only: tuple[str, ...],
    yes: bool,
    base: str | None = None,
    expect: str | None = None,
    saved_plan: Path | None = None,
    flags: pace.Flags = pace.NONE,
    rebalance: bool = False,
    consents: tuple[str, ...] = (),
) -> int:
    def body(output: Output) -> int:
        _insist_on_nobody_but_people(consents)
        speed = pace.of(flags)
        _insist_on_a_fingerprint(expect)
        plan_ = _approved(saved_plan, only, expect)
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        request = requests(output, found, plan_.only if plan_ else only, one=True)[0]
        request = replace(request, caller=caller(request), consents=consents)
        request = app.rebalanced(request) if rebalance else request
        if not yes:
            _somebody_to_ask(options)
        # It is reached as the files say themselves: they are merged, and by an older commit's address a cluster that has moved was never reached again.
        with bases.opened(output, found, base) as beside:
            request = bases.recalling(found, beside.join(request) if beside else request)
            connect = connect_from(found.root)

            def at_rest() -> int:
                if plan_ is not None:
                    return _apply_approved(output, request, plan_, connect, speed, yes=yes)
                with app.plan(request, connect) as planned:
                    if expect is not None and not _as_expected(output, planned, expect):
                        return Exit.NOT_APPROVED
                    return _apply(output, planned.request, planned, speed, yes=yes)

            try:
                return at_rest()
            except relocation.LeftOnTheWayError:
                output.tell("  an earlier run has left copies on their way: they end first")
                code = moving.go_on(output, request, connect, speed)
                return code or at_rest()

    return guarded("apply", options, body)


def _insist_on_a_fingerprint(expect: str | None) -> None:
    if expect is not None and not fingerprint.FORM.fullmatch(expect):
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO7101",
                severity=Severity.ERROR,
                message=f"`--expect {expect}` is no fingerprint of a plan",
                help="write it as `kafkaops plan` shows it, such as `--expect kp1-7f3a-90c4-1be8`",
            ),
        )


def _approved(file: Path | None, only: tuple[str, ...], expect: str | None) -> Approved | None:
    """The plan of that file. Errors: Refusal where it is none, and where it is not the one that is expected."""
    if file is None:
        return None
    if only:
        raise misused(
            "`--plan` and `--only` exclude each other: a plan that was made with `--only` is applied with it",
            "leave out `--only`, or make a plan of that part with `kafkaops plan --only`",
        )
    document = saved.read(file)
    if ended_early(document) or document["command"] not in {"plan", "drift"}:
        why = "of a plan that ended early" if ended_early(document) else f"what `{document['command']}` wrote"
        raise Refusal(
            Exit.INVALID,
            Finding(
                code="KO7005",
                severity=Severity.ERROR,
                message=f"`{file}` is {why}, so nobody can have approved it",
                help="`kafkaops plan -o json=plan.json` writes one",
            ),
        )
    plan_ = approved.of(document)
    if expect not in {None, plan_.fingerprint}:
        raise Refusal(
            Exit.NOT_APPROVED,
            Finding(
                code="KO7102",
                severity=Severity.ERROR,
                message=f"`{file}` is the plan {plan_.fingerprint}, and `--expect` names {expect}",
                help=f"`kafkaops show {shlex.quote(str(file))}` shows what is in it",
            ),
        )
    return plan_


def _as_expected(output: Output, planned: Planned, expect: str) -> bool:
    """Equal, or nothing is left to do. Else what would be done now is shown."""
    found = fingerprint.of_plan(
        planned.header.cluster_id,
        [fingerprint.of_change(planned.header.cluster_id, change) for change in planned.plan.to_do],
    )
    if expect == found or not planned.plan.to_do:
        return True
    finding = approved.unexpected_finding(expect, found, planned.header.cluster)
    document = report.stale_document(planned.plan, planned.header, report.Staleness(expect, finding))
    output.write(document, cluster=planned.header.cluster)
    return False


def _apply_approved(
    output: Output, request: Request, plan_: Approved, connect: Connect, speed: Pace, *, yes: bool
) -> int:
    app.insist_on_cluster(request.entry, plan_)
    with app.approved_plan(request, plan_, connect) as (planned, judgement):
        if judgement.stale:
            stale = approved.staleness(plan_, judgement, same_files=planned.header.desired == plan_.desired)
            output.write(report.stale_document(planned.plan, planned.header, stale), cluster=request.entry.name)
            return Exit.NOT_APPROVED
        output.tell(
            f"kafkaops apply: plan {plan_.fingerprint} is as approved, {len(judgement.done):,} of {counted(len(plan_.changes), 'change')} done already"
        )
        return _apply(output, planned.request, planned, speed, yes=yes)


def undo(options: Options, run: str, *, yes: bool, consents: tuple[str, ...]) -> int:
    """Without `yes` only the plan."""

    def body(output: Output) -> int:
        _insist_on_nobody_but_people(consents)
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        request = replace(requests(output, found, (), one=True)[0], undoes=run, consents=consents)
        request = replace(request, caller=caller(request)) if yes else request
        with app.undone(request, connect_from(found.root)) as planned:
            if yes:
                return _apply(output, planned.request, planned, pace.of(pace.NONE), yes=True)
            _, consented = app.consenting(planned.request, planned)
            code = Exit.BLOCKED if consented.plan.blocked else Exit.DONE
            document = report.plan_document(consented.plan, consented.header, code)
            output.write(document, cluster=request.entry.name)
            return code

    return guarded("undo", options, body)


def _insist_on_nobody_but_people(consents: tuple[str, ...]) -> None:
    if consents and os.environ.get("CI"):
        raise misused(
            "`--ack` is for people, and CI is set",
            "write the acknowledgement into the files with `kafkaops ack`, where reviewers see it",
        )


def _somebody_to_ask(options: Options) -> None:
    if options.no_input or sys.stdin is None or not sys.stdin.isatty():  # None: it was closed before the start
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO7006",
                severity=Severity.ERROR,
                message="apply asks before the first change, and there is nobody to ask",
                help="write `--yes`; `kafkaops plan` shows what it would do",
            ),
        )


def _apply(output: Output, request: Request, planned: Planned, speed: Pace, *, yes: bool) -> int:
    relocation.insist_on_rest(planned)
    request, planned = app.consenting(request, planned)
    interruptions = Interruptions()
    planned.reading.cluster.when_put_off(Waits(output.tell, interruptions).go_on)
    made = planned.plan
    if not made.blocked and made.to_do:
        made = app.with_findings(made, app.broker_findings(planned))
    if made.blocked or not made.to_do:
        code = Exit.BLOCKED if made.blocked else Exit.DONE
        if code == Exit.DONE:
            app.close_idle(request, planned)
        output.write(report.plan_document(made, planned.header, code), cluster=request.entry.name)
        return code
    if not yes and not _confirmed(output, request, planned):
        raise Refusal(
            Exit.INTERRUPTED,
            Finding(code="KO7007", severity=Severity.ERROR, message="not confirmed, so nothing was changed"),
        )
    return _perform(output, request, planned, speed, interruptions)


def _confirmed(output: Output, request: Request, planned: Planned) -> bool:
    screen = report.plan_document(planned.plan, planned.header, Exit.DONE)
    sys.stderr.write(output.rendered(screen, "text", sys.stderr, details=False))
    sys.stderr.write(f"Type yes to make these changes on cluster {request.entry.name}: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "yes"


def _perform(output: Output, request: Request, planned: Planned, speed: Pace, interruptions: Interruptions) -> int:
    steps: list[applying.Step] = []

    def ended(step: applying.Step) -> None:
        steps.append(step)
        output.tell(_line(step))

    output.tell(
        f"kafkaops {request.command}: cluster {request.entry.name} (id {planned.header.cluster_id}), {counted(len(planned.plan.to_do), 'change')}"
    )
    with interruptions.heard():
        try:
            if planned.plan.movement is not None:
                return _with_moves(output, request, planned, steps, ended, interruptions, speed)
            app.perform(request, planned, ended, interruptions.undisturbed)
            return _verified(output, request, planned, steps, interruptions)
        except KeyboardInterrupt as interruption:
            outcomes = app.settle(planned.plan, steps, None)
            stopped = _closed(request, planned, Ending.INTERRUPTED, outcomes, seen=False)
            return _stopped(output, planned, outcomes, stopped, interrupted_code(interruption))
        except LostError:
            outcomes = app.settle(planned.plan, steps, None)
            return _stopped(output, planned, outcomes, app.lost_finding(), Exit.INCOMPLETE)
        except ClusterFailure as failure:
            outcomes = app.settle(planned.plan, steps, None)
            return _stopped(output, planned, outcomes, app.unwritten_finding(failure), Exit.INCOMPLETE)


def _with_moves(
    output: Output,
    request: Request,
    planned: Planned,
    steps: list[applying.Step],
    ended: Callable[[applying.Step], None],
    interruptions: Interruptions,
    speed: Pace,
) -> int:
    """What is made at once, then the copies, for which the lock of apply is let go, then what waits for them. Both locks are had before anything is changed."""
    assert request.caller is not None
    id_, plan_ = request.caller.id, planned.plan
    moving = replace(request.caller, id=f"{id_}-move")
    with relocation.alone(planned.reading.cluster, request.entry, moving) as log:
        if plan_.part(applying.AT_ONCE).to_do:
            app.perform(request, planned, ended, interruptions.undisturbed)
        begun = time.monotonic()
        outcomes, last = relocation.carry_out(
            request,
            planned,
            log,
            app.settle(plan_.part(applying.AT_ONCE), steps, None),
            lambda looks: watch(output, looks, _subject(planned), detach_after=speed.detach_after),
            speed.moves,
        )
    steps.append(applying.Step(Phase.MOVES, "topic", outcomes, time.monotonic() - begun))
    output.tell(_line(steps[-1]))
    if last.ended is None:
        return _stopped(output, planned, app.settle(plan_, steps, None), None, Exit.RUNNING)
    with app.again_alone(request, planned, f"{id_}-after") as after:
        ready, waiting = relocation.after(plan_, outcomes)
        if waiting:
            steps.append(applying.Step(Phase.AFTER_MOVES, "topic", waiting, 0.0))
        if ready.to_do:
            app.perform(
                request, replace(after, plan=ready), ended, interruptions.undisturbed, phases={Phase.AFTER_MOVES}
            )
        return _verified(output, request, after, steps, interruptions)


def _subject(planned: Planned) -> Subject:
    topics = tuple(one.address.removeprefix("topic/") for one in planned.plan.to_do if one.moves)
    return Subject(cluster=planned.header.cluster, topics=topics)


def _line(step: applying.Step) -> str:
    count = {result: sum(one.result is result for one in step.outcomes) for result in Result}
    return human.phase_line(
        step.phase,
        done=count[Result.APPLIED],
        failed=count[Result.FAILED],
        skipped=count[Result.SKIPPED],
        seconds=step.seconds,
    )


def _verified(
    output: Output,
    request: Request,
    planned: Planned,
    steps: Sequence[applying.Step],
    interruptions: Interruptions,
) -> int:
    """The cluster is read again until all brokers agree; what it says counts, not what was answered."""
    verification: report.Verification | None = None
    left = frozenset(change.id for change in planned.plan.to_do)
    failed = any(one.result is not Result.APPLIED for step in steps for one in step.outcomes)
    patience = 5.0 if failed else app.VERIFY_PATIENCE
    output.tell("  verify   reading again until every live broker agrees")
    try:
        verification, left = app.verify(request, planned, lambda count: output.tell(_left(count)), patience=patience)
    except (ClusterFailure, Refusal) as problem:
        output.tell(f"  could not be read again: {problem}")
    outcomes = app.settle(planned.plan, steps, left if verification else None)
    complete = verification is not None and not left and all(one.result is Result.APPLIED for one in outcomes)
    how = Ending.DONE if complete else Ending.INCOMPLETE
    with interruptions.to_the_end():
        stopped = _closed(request, planned, how, outcomes, seen=verification is not None)
        code = Exit.DONE if complete and stopped is None else Exit.INCOMPLETE
        document = report.apply_document(
            planned.plan, planned.header, outcomes, verification, code, run=_run_of(planned), stopped=stopped
        )
        output.write(document, cluster=request.entry.name)
    return code


def _closed(
    request: Request, planned: Planned, how: Ending, outcomes: Sequence[Outcome], *, seen: bool
) -> Finding | None:
    """Why the journal does not tell how the run ended."""
    try:
        app.close(request, planned, how, outcomes, seen=seen)
    except LostError:
        return app.lost_finding()
    except ClusterFailure as failure:
        return app.unwritten_finding(failure)
    return None


def _run_of(planned: Planned) -> str:
    return planned.log.caller.id if planned.log.held else ""


def _left(count: int) -> str:
    return f"  verify   {counted(count, 'change')} not seen on every live broker yet"


def _stopped(
    output: Output, planned: Planned, outcomes: tuple[Outcome, ...], stopped: Finding | None, code: int
) -> int:
    """What had ended is known; it was not read again."""
    document = report.apply_document(
        planned.plan, planned.header, outcomes, None, code, run=_run_of(planned), stopped=stopped
    )
    output.write(document, cluster=planned.header.cluster)
    return code
