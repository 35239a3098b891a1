"""The use cases: what each command does, from the files to the document that views show."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from itertools import chain

from kafkaops import apply as applying
from kafkaops import attribution, consent, fingerprint, journal, logbook, offline, report, snapshots, undo
from kafkaops.approved import Approved, Judgement, as_approved, judged, left_findings, missing
from kafkaops.attribution import Base
from kafkaops.cluster import Cluster, ClusterFailure, Description, FailureKind, KafkaError
from kafkaops.cluster.journal import BusyError, Lock, LostError
from kafkaops.cluster.recording import Question, RecordedCluster, record
from kafkaops.compile import Desired
from kafkaops.findings import Exit, Finding, Location, Refusal, Severity, misused, sort_key
from kafkaops.journal import Ending, Entries, Entry, LastApplied, Memory, Owned, Property, Run, Side
from kafkaops.kind import Landed, Reading
from kafkaops.kinds.acl.kind import ACL
from kafkaops.kinds.topic.kind import TOPIC
from kafkaops.kinds.topic.model import Topic
from kafkaops.logbook import Caller, Logbook
from kafkaops.offline import Against
from kafkaops.plan import (
    Acknowledgement,
    Action,
    Change,
    Difference,
    Outcome,
    Phase,
    Plan,
    Result,
    Value,
    acknowledge,
    plan_of,
)
from kafkaops.settings import ClusterEntry, Policy
from kafkaops.snapshots import Snapshot
from kafkaops.topology import Topology

KINDS = (TOPIC, ACL)
"""What kafkaops manages. A new kind adds its line here."""

_BY_NAME = {kind.name: kind for kind in KINDS}

Connect = Callable[[ClusterEntry], tuple[Cluster, str | None]]
"""Opens the cluster of an entry: the door, and the principal that the login tells."""

ExitCode = Callable[[Plan], int]

VERIFY_PATIENCE = 60.0
"""Seconds without any progress after which what is left to do is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every command that reads a cluster is asked. `now`: the time of the run, from outside. `recall`: what the journal of the connected cluster adds, such as a base. `caller`: of a run that changes something, and so has the cluster to itself. `touched`: the addresses of an approved plan; nothing else is planned, done or verified then."""

    command: str
    topology: Topology
    entry: ClusterEntry
    now: datetime
    only: tuple[str, ...] = ()
    rebalance: bool = False
    patience: float = 30.0
    against: Against | None = None
    base: Base | None = None
    recall: Callable[[Request, Cluster], Request] | None = None
    remembered: tuple[Finding, ...] = ()  # what the journal has against it
    caller: Caller | None = None
    touched: frozenset[str] | None = None
    consents: tuple[str, ...] = ()  # `CODE@ADDRESS`, of `--ack`
    undoes: str = ""  # the run that is taken back

    @property
    def desired(self) -> Desired:
        wanted = self.topology.desired[self.entry.name]
        if not self.rebalance or wanted.placement is None:
            return wanted
        return replace(wanted, placement=replace(wanted.placement, rebalancing=True))


def compared(request: Request, was: Topology, base: Base) -> Request:
    """The request beside a base. `was`: the topology of the base."""
    name = request.entry.name
    topology, base = attribution.joined(request.topology, was, name, base, request.now.date())
    return replace(request, topology=topology, entry=topology.settings.clusters[name], base=base)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan and what it was made from. `request`: with what the journal added to it."""

    request: Request
    plan: Plan
    reading: Reading
    header: report.Header

    @property
    def log(self) -> Logbook:
        """Of a run that changes something."""
        assert self.reading.log is not None
        return self.reading.log


@contextmanager
def plan(request: Request, connect: Connect) -> Iterator[Planned]:
    """The plan, while the connection is open."""
    begun = time.monotonic()
    with _remembering(request, connect) as (asked, reading):
        yield _planned(asked, reading, plan_on(asked, reading), begun)


@contextmanager
def approved_plan(request: Request, plan_: Approved, connect: Connect) -> Iterator[tuple[Planned, Judgement]]:
    """What is left to do of it, with the request for exactly that; where it is stale, the plan as it is now."""
    begun = time.monotonic()
    with _remembering(request, connect) as (asked, reading):
        differences = _differences(reading)
        whole = _plan(replace(asked, only=()), reading, differences)
        judgement = judged(plan_, whole, _landed(reading, missing(plan_, whole)), desired(asked))
        narrowed = asked if judgement.stale else replace(asked, touched=plan_.addresses)
        left = tuple(left_findings(asked.entry.name, judgement.left))
        made = with_findings(_plan(narrowed, reading, differences), left)
        if not judgement.stale:
            made = as_approved(plan_, made, _may_hold(reading))
        yield _planned(narrowed, reading, made, begun), judgement


@contextmanager
def _remembering(request: Request, connect: Connect) -> Iterator[tuple[Request, Reading]]:
    with connected(request, connect) as met:
        request = request.recall(request, met.cluster) if request.recall else request
        yield request, replace(_reading(request, met.cluster, met.described, met.login), log=met.log)


def _planned(request: Request, reading: Reading, made: Plan, begun: float) -> Planned:
    told = header(request, reading, _scopes(made), time.monotonic() - begun)
    return Planned(request=request, plan=made, reading=reading, header=told)


def _may_hold(reading: Reading) -> frozenset[int]:
    """The brokers that replicas may be moved to."""
    rules = reading.desired.placement
    return frozenset(broker.id for broker in reading.described.brokers) - (rules.drain if rules else frozenset())


def _landed(reading: Reading, changes: Sequence[Change]) -> Landed:
    found: dict[str, tuple[tuple[str, Value | None], ...]] = {}
    for kind in KINDS:
        its = [change for change in changes if change.kind == kind.name]
        found |= kind.landed(reading, its) if its else {}
    return found


@contextmanager
def undone(request: Request, connect: Connect) -> Iterator[Planned]:
    """The plan that takes the run of the request back, while the connection is open. Errors: Refusal (exit 64) for a run that is not remembered."""
    begun = time.monotonic()
    with connected(request, connect) as met:
        memory = met.log.memory if met.log and met.log.held else logbook.read(met.cluster.journal())[1]
        run = remembered_run(memory, request.undoes)
        back = undo.restored(run, memory.steps_of(run.id), met, KINDS)
        topology = replace(request.topology, desired={request.entry.name: back.desired}, findings=())
        request = replace(request, topology=topology, undoes=run.id)
        reading = replace(met, desired=back.desired)
        made = _plan(request, reading, _differences(reading))
        about = tuple(one for one in made.findings if one.blocks or _concerns(one, made.changes))
        yield Planned(
            request=request,
            plan=replace(made, findings=(*about, *back.findings)),
            reading=reading,
            header=header(request, reading, _scopes(made), time.monotonic() - begun),
        )


def consenting(request: Request, planned: Planned) -> tuple[Request, Planned]:
    """With the dangers that `--ack` names, at the values that they have now. Errors: Refusal (exit 64) for one that names none."""
    given = tuple(_consent(one, request, planned.plan) for one in request.consents)
    marked, _ = _acknowledged(planned.plan.findings, given, request)
    desired = replace(request.desired, acknowledgements=(*request.desired.acknowledgements, *given))
    topology = replace(request.topology, desired={**request.topology.desired, request.entry.name: desired})
    return replace(request, topology=topology), replace(planned, plan=replace(planned.plan, findings=marked))


def _consent(text: str, request: Request, made: Plan) -> Acknowledgement:
    code, _, address = text.partition("@")
    for one in made.findings:
        if (one.code, one.address) == (code, address) and one.severity is Severity.DANGER and one.consent:
            today = request.now.date()
            nowhere = Location("--ack", 0, 0, 0)
            return Acknowledgement(code, address, request.entry.name, frozenset(one.consent), today, "--ack", nowhere)
    raise misused(f"`--ack {text}` names no danger of this plan", "write CODE@ADDRESS as the plan shows it")


def plan_on(request: Request, reading: Reading) -> Plan:
    """The plan of the files that the reading knows, on its open connection."""
    differences = _differences(reading)
    _refuse_idle_patterns(request, differences)
    return _plan(request, reading, differences)


@contextmanager
def connected(request: Request, connect: Connect) -> Iterator[Reading]:
    """The cluster of the request, described, and closed in the end; locked meanwhile for a run that changes something."""
    cluster, login = connect(request.entry)
    try:
        reading = _reading(request, cluster, cluster.describe(), login)
        if request.caller is None:
            yield reading
        else:
            with _alone(request, request.caller, reading) as log:
                yield replace(reading, log=log)
    finally:
        cluster.close()


def _reading(request: Request, cluster: Cluster, described: Description, login: str | None) -> Reading:
    return Reading(
        cluster=cluster,
        described=described,
        desired=request.desired,
        entry=request.entry,
        settings=request.topology.settings,
        login=login,
        patience=request.patience,
        base=request.base.desired if request.base else None,
    )


def rebalanced(request: Request) -> Request:
    """With what `placement: balance` declares asked for now. Errors: Refusal (64) where it declares nothing."""
    rules = request.desired.placement
    if rules is None or rules.balance == "off":
        raise misused(
            f"`--rebalance` has nothing to go by: cluster `{request.entry.name}` declares no `placement: balance`",
            "write `placement: {balance: count}`, or `bytes`, into kafkaops.yaml",
        )
    return replace(request, rebalance=True)


def _differences(reading: Reading) -> dict[str, Difference]:
    return {kind.name: kind.difference(reading) for kind in KINDS if kind.managed(reading.entry)}


def _plan(request: Request, reading: Reading, differences: dict[str, Difference]) -> Plan:
    everything = plan_of(differences, findings=_about_the_cluster(request, reading), partial=request.only)
    partial = bool(request.only) or request.touched is not None
    made = _part(everything, request) if partial else everything
    made, used = _judged(replace(made, findings=_with_the_base(made.findings, request)), request)
    too_many = _too_many(made.to_do, request.topology.settings.policy)
    made = replace(made, findings=tuple(sorted((*made.findings, *too_many), key=sort_key)))
    if partial:
        return made
    idle = tuple(consent.remarks(request.desired.acknowledgements, used))
    files = tuple(one for one in request.topology.findings if one.severity is not Severity.ERROR)
    return replace(made, findings=(*made.findings, *idle, *files))


def _with_the_base(findings: tuple[Finding, ...], request: Request) -> tuple[Finding, ...]:
    """Of a part, only what stops it. What was let go of is told by the whole plan, once: that it is in no file is no news then."""
    told = request.base.findings if request.base else ()
    told = tuple(one for one in told if one.severity is not Severity.NOTICE or not request.only)
    let_go = {one.address for one in told if one.severity is Severity.NOTICE}
    return (*(one for one in findings if one.code != "KO2301" or one.address not in let_go), *told)


def _judged(made: Plan, request: Request) -> tuple[Plan, frozenset[Acknowledgement]]:
    """With consent marked, and what nobody asked for held back where it would hurt; and which consent was of use."""
    given = request.desired.acknowledgements
    if request.base is None:
        marked, used = _acknowledged(made.findings, given, request)
        return replace(made, findings=marked), used
    origin = attribution.origins(request.base, request.desired, made.changes, _BY_NAME)
    alone = attribution.of_drift_alone(made.findings, made.changes, origin, _BY_NAME)
    of_drift = [made.findings[position] for position in alone]
    others = [one for position, one in enumerate(made.findings) if position not in alone]
    marked, used = _acknowledged(others, given, request)
    fresh = given if request.base.compared.name else attribution.fresh(given, request.base)
    drifted, used_too = _acknowledged(of_drift, fresh, request)
    left = [ids for ids, finding in zip(alone.values(), drifted, strict=True) if finding.blocks]
    told = [replace(one, held_back=True) if one.blocks else one for one in drifted]
    held = attribution.waiting(chain.from_iterable(left), made.changes)
    return replace(made, findings=(*marked, *told), origins=origin, held_back=held), used | used_too


def _acknowledged(
    findings: Iterable[Finding], given: Iterable[Acknowledgement], request: Request
) -> tuple[tuple[Finding, ...], frozenset[Acknowledgement]]:
    return acknowledge(findings, given, cluster=request.entry.name, today=request.now.date())


def _refuse_idle_patterns(request: Request, differences: Mapping[str, Difference]) -> None:
    """One that names nothing is an error: a filter is never ignored."""
    if not request.only:
        return
    known = {change.address for difference in differences.values() for change in difference.changes}
    known.update(*(kind.addresses(request.desired) for kind in KINDS))
    for pattern in request.only:
        if not any(fnmatchcase(address, pattern) for address in known):
            raise Refusal(
                Exit.USAGE,
                Finding(
                    code="KO7005",
                    severity=Severity.ERROR,
                    message=f"`--only {pattern}` matches nothing that is declared or live",
                    help="write an address as a plan shows it, such as `topic/order.*` or `acl/User:order-service/*`",
                ),
            )


def _part(whole: Plan, request: Request) -> Plan:
    """Only what is meant, and the grants without which a revoke among it would take access."""
    named = [change for change in whole.changes if _meant(change.address, request)]
    needed = {change.id for change in (*named, *applying.replacements(named, whole.changes))}
    kept = tuple(change for change in whole.changes if change.id in needed)
    about = tuple(one for one in whole.findings if _concerns(one, kept) or _meant(one.address, request))
    return replace(whole, changes=kept, findings=about)


def _meant(address: str, request: Request) -> bool:
    """By the approved plan, else by the patterns."""
    if request.touched is not None:
        return address in request.touched
    return any(fnmatchcase(address, pattern) for pattern in request.only)


def _concerns(finding: Finding, kept: Sequence[Change]) -> bool:
    """About the cluster, about one of these changes, or about the principal or kind that one belongs to."""
    action = _SPEAKS_OF.get(finding.code)
    return not finding.address or any(
        change.address == finding.address or change.address.startswith(f"{finding.address}/")
        for change in kept
        if action in {None, change.action}
    )


_SPEAKS_OF = {"KO3101": Action.GRANT, "KO3102": Action.REVOKE, "KO3902": Action.REVOKE}
"""Findings about all ACLs at once: a part without such a change has nothing of theirs."""


def _too_many(changes: Sequence[Change], policy: Policy) -> Iterator[Finding]:
    """Of what this very plan does: a part that `--only` names is counted alone."""
    deletes = [change for change in changes if change.action is Action.DELETE]
    if len(deletes) > policy.max_deletes:
        yield Finding(
            code="KO5102",
            severity=Severity.ERROR,
            message=f"{len(deletes)} topics would be deleted, `max-deletes` is {policy.max_deletes}",
            address="topic",
            where=deletes[0].where,
            help="delete them in several merges, or raise `policy: max-deletes` in kafkaops.yaml",
        )
    revokes = [change for change in changes if change.action is Action.REVOKE]
    if len(revokes) > policy.max_revokes:
        yield Finding(
            code="KO5103",
            severity=Severity.ERROR,
            message=f"{len(revokes)} ACLs would be removed, `max-revokes` is {policy.max_revokes}",
            address="acl",
            where=revokes[0].where,
            help="remove them in several merges, or raise `policy: max-revokes` in kafkaops.yaml",
        )


def _about_the_cluster(request: Request, reading: Reading) -> Iterator[Finding]:
    described, entry = reading.described, request.entry
    yield from request.remembered
    if not entry.journals:
        yield _nothing_kept(entry)
    if reading.log is not None:
        yield from map(_taken_over, reading.log.taken_over)
    if request.against is not None:
        yield from offline.remarks(request.against, entry, request.now)
    for broker in described.fenced:
        yield Finding(
            code="KO6006",
            severity=Severity.WARNING,
            message=f"broker {broker} is down; what needs it waits, everything else goes on",
        )
    declared = entry.kafka_version
    if declared and described.kafka_version and declared != described.kafka_version:
        yield Finding(
            code="KO6009",
            severity=Severity.WARNING,
            message=f"the cluster runs Kafka {described.kafka_version}, kafkaops.yaml says {declared}",
            where=entry.where,
            help=f'write `kafka-version: "{described.kafka_version}"`',
        )


def _nothing_kept(entry: ClusterEntry) -> Finding:
    return Finding(
        code="KO7124",
        severity=Severity.WARNING,
        message=f"cluster `{entry.name}` has `journal: off`: apply takes no lock, so two runs at once can spoil each other, and remembers nothing",
        where=entry.where,
        help="take the line out once apply may use the journal; `kafkaops doctor` prints the ACLs",
        notes=(
            "lost: the lock, `history`, `undo`, what a killed run was about to do, and the refusal of a commit older than the last",
        ),
    )


def header(request: Request, reading: Reading, scope: Mapping[str, report.Scope], seconds: float) -> report.Header:
    """What was run, on what, with what."""
    described, against = reading.described, request.against
    racks = {broker.rack for broker in described.brokers if broker.rack}
    return report.Header(
        command=request.command,
        cluster=request.entry.name,
        cluster_id=described.cluster_id,
        kafka_version=described.kafka_version,
        brokers=len(described.brokers),
        racks=len(racks),
        principal=reading.own or "",
        topology=request.topology.shown,
        files=len(request.topology.documents),
        desired=desired(request),
        read_at=datetime.now(UTC) if against is None else against.snapshot.taken_at,
        seconds=seconds,
        created_at=request.now,
        scope=scope,
        saved=None if against is None else report.Saved(against.path, against.snapshot.reduced),
        compared=request.base.compared if request.base else None,
        undoes=request.undoes,
    )


def desired(request: Request) -> str:
    """A hash of what the files want of the kinds that are managed here; the rest of what the files say makes no change."""
    managed = [kind.name for kind in KINDS if kind.managed(request.entry)]
    return fingerprint.of_content([managed, request.desired.content])


def _scopes(made: Plan) -> dict[str, report.Scope]:
    return {kind: _scope(kind, made) for kind in made.tallies}


def _scope(kind: str, made: Plan) -> report.Scope:
    tally = made.tallies[kind]
    changed = {change.address for change in made.changes if change.kind == kind and change.action not in _NEW}
    managed = tally.in_sync + tally.stuck + len(changed)
    return report.Scope(live=managed + tally.unmanaged + len(tally.undeclared), managed=managed)


_NEW = frozenset({Action.CREATE, Action.GRANT})  # what is not live yet


# snapshot


def snapshot(request: Request, connect: Connect, *, reduced: bool) -> Snapshot:
    """Everything that a plan asks, and more unless `reduced`. Errors: as a plan ends that cannot read what it needs."""
    with connected(request, connect) as reading:
        wanted = request.desired.topics
        question = Question(
            declared=frozenset(wanted),
            shall_be=frozenset(name for name, topic in wanted.items() if isinstance(topic, Topic)),
            domains=request.desired.domains,
            settings=snapshots.broker_settings(),
            own=reading.own,
            reduced=reduced,
        )
        recording = record(
            reading.cluster, reading.described, question, principal=reading.login, patience=reading.patience
        )
    _insist_on_a_plan(replace(reading, cluster=RecordedCluster(recording), described=recording.described, patience=0))
    return Snapshot(cluster=request.entry.name, taken_at=request.now, reduced=reduced, recording=recording)


def _insist_on_a_plan(reading: Reading) -> None:
    """Errors: Refusal where the recording lacks what a plan needs. That the files ask for what the cluster cannot give is a plan's business."""
    try:
        _differences(reading)
    except Refusal as refusal:
        if refusal.exit_code != Exit.BLOCKED:
            raise


# apply


@contextmanager
def _alone(request: Request, caller: Caller, reading: Reading) -> Iterator[Logbook]:
    """With the lock of the cluster, and with what earlier runs left open looked at; without either where `journal: off` is set.

    Errors: Refusal, also when another run has the lock (exit 6), or takes it while nothing has been changed yet.
    """
    needs_pin(reading.entry, reading.described)
    if not reading.entry.journals:
        yield Logbook(caller)
        return
    try:
        with logbook.opened(reading.cluster, caller) as log:
            if not request.undoes:
                _refuse_older_commit(log, caller)
            for left in log.memory.unsettled:
                if left.lock == Lock.APPLY:
                    log.take_over(left, partial(standing, reading))
            yield log
    except BusyError as held:
        raise busy(reading.cluster, held) from held
    except LostError as lost:
        raise Refusal(Exit.BUSY, lost_finding()) from lost


def standing(reading: Reading, entries: Sequence[Entry]) -> dict[str, Side]:
    found: dict[str, Side] = {}
    for kind in KINDS:
        of_kind = [entry for entry in entries if entry.kind == kind.name]
        found |= kind.standing(reading, of_kind) if of_kind else {}
    return found


def _refuse_older_commit(log: Logbook, caller: Caller) -> None:
    """Of a work tree that differs from its commit it cannot be said what it is older than."""
    own = caller.revision
    last = log.memory.applied.get(own.repository)
    if last is None or own.commit is None or caller.comes_from(last.commit):
        return
    raise Refusal(
        Exit.NOT_APPROVED,
        Finding(
            code="KO7121",
            severity=Severity.ERROR,
            message=f"commit {own.commit[:7]} does not come from {last.commit[:7]}, which was applied last",
            help="merge or rebase; going back is a new commit, such as `git revert` makes",
            notes=(f"run {last.run} applied it at {last.at:%Y-%m-%d %H:%M:%S}Z",),
        ),
    )


def busy(cluster: Cluster, held: BusyError) -> Refusal:
    """Who has the lock: by itself, and by what it wrote."""
    help_ = "wait until it has ended, then run the same command again; `kafkaops lock status` tells how far it is"
    if held.holder is None:
        message, facts = f"another run has just taken the lock `{held.lock}`", dict[str, object]()
    else:
        who = journal.at_work(held.lock, held.holder.client_id, held.holder.host, memory_or_none(cluster))
        facts = {"holder": report.holder(who)}
        message = f"another run is at work: {report.told_holder(report.holder(who))}"
    return Refusal(Exit.BUSY, Finding(code="KO7120", severity=Severity.ERROR, message=message, help=help_), facts=facts)


def memory_or_none(cluster: Cluster) -> Memory:
    """That somebody has the lock is the answer, whatever the journal holds."""
    try:
        return logbook.read(cluster.journal())[1]
    except (Refusal, ClusterFailure):
        return Memory()


def remembered_run(memory: Memory, id_: str) -> Run:
    """`last` is the newest one. Errors: Refusal (exit 64) for one that is not remembered."""
    for run in memory.runs:
        if id_ in {run.id, "last"}:
            return run
    raise Refusal(
        Exit.USAGE,
        Finding(
            code="KO7129",
            severity=Severity.ERROR,
            message=f"the journal knows no run `{id_}`",
            help="`kafkaops history` lists those that are remembered",
        ),
    )


def _taken_over(run: Run) -> Finding:
    return Finding(
        code="KO7125",
        severity=Severity.NOTICE,
        message=f"run {run.id} ({run.runner.who} on {run.runner.host}) had left open how it ended; the journal tells it now",
        help=f"`kafkaops history {run.id}` shows its steps",
    )


def lost_finding() -> Finding:
    return Finding(
        code="KO7126",
        severity=Severity.ERROR,
        message="the lock could not be held, so another run may have taken over; nothing was sent from then on",
        help="see `kafkaops lock status`, then run the same command again",
    )


def insist_on_cluster(entry: ClusterEntry, plan_: Approved) -> None:
    """Before anything is asked of it."""
    if entry.cluster_id not in {None, plan_.cluster_id}:
        raise Refusal(
            Exit.NOT_APPROVED,
            Finding(
                code="KO7104",
                severity=Severity.ERROR,
                message=f"the plan is of cluster {plan_.cluster} (id {plan_.cluster_id}), and `{entry.name}` has the id {entry.cluster_id}",
                where=entry.where,
                help=f"name the cluster that it was made of: `--cluster {shlex.quote(plan_.cluster)}`",
            ),
        )


def needs_pin(entry: ClusterEntry, described: Description | None = None) -> None:
    """`apply` only writes to a cluster that is named by its id (decisions 17)."""
    if entry.cluster_id is None:
        shown = described.cluster_id if described else "ID"
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO6008",
                severity=Severity.ERROR,
                message=f"cluster `{entry.name}` has no `cluster-id`, so apply does not know that it is the right one",
                where=entry.where,
                help=f"write `cluster-id: {shown}`; `kafkaops doctor --cluster {entry.name}` prints the line",
            ),
        )


def unwritten_finding(failure: ClusterFailure) -> Finding:
    return Finding(
        code="KO7131",
        severity=Severity.ERROR,
        message=f"the journal could not be written, so nothing more was sent: {failure.message}",
        help=failure.help or "run the same command again when the cluster is well",
    )


def broker_findings(planned: Planned) -> tuple[Finding, ...]:
    """What the brokers refuse of the plan, in their own words, before anything is written (decisions 19)."""
    by_id = {change.id: change for change in planned.plan.to_do}
    cluster = planned.reading.cluster
    refused: dict[str, KafkaError] = {}
    for kind in KINDS:
        refused |= kind.validate(cluster, [change for change in by_id.values() if change.kind == kind.name])
    phantoms = sorted(by_id[one].address for one, error in refused.items() if error.name == "TOPIC_ALREADY_EXISTS")
    if phantoms:
        raise ClusterFailure(
            FailureKind.UNREACHABLE,
            f"the controller knows topics that the brokers do not show yet: {', '.join(phantoms[:5])}",
            help="run the same command again when the brokers have caught up",
        )
    if put_off := sorted(f"{by_id[one].address} ({error.name})" for one, error in refused.items() if error.is_put_off):
        raise ClusterFailure(
            FailureKind.UNREACHABLE,
            f"the brokers put off what they were to validate, so nothing was changed: {', '.join(put_off[:5])}",
            help="run the same command again; for THROTTLING_QUOTA_EXCEEDED raise the quota `controller_mutation_rate` of this principal",
        )
    if any("AUTHORIZATION" in error.name for error in refused.values()):
        raise _no_right({by_id[one].address: error for one, error in refused.items()})
    return tuple(
        Finding(
            code="KO2302",
            severity=Severity.ERROR,
            message=f"{by_id[one].address.partition('/')[2]}: the broker refuses {_what(by_id[one])}: {error}",
            address=by_id[one].address,
            where=by_id[one].where,
            help="change the value to one that the brokers accept",
        )
        for one, error in sorted(refused.items())
    )


def _no_right(refused: Mapping[str, KafkaError], most: int = 5) -> Refusal:
    """By address. Rights are a matter of the login, not of the files (exit 77)."""
    without = {address: error.name for address, error in sorted(refused.items()) if "AUTHORIZATION" in error.name}
    shown = ", ".join(f"{address} ({name})" for address, name in list(without.items())[:most])
    more = f" and {len(without) - most} more" if len(without) > most else ""
    return Refusal(
        Exit.REFUSED,
        Finding(
            code="KO6002",
            severity=Severity.ERROR,
            message=f"the brokers do not let this principal make these changes, so nothing was changed: {shown}{more}",
            help="grant what is missing; `kafkaops doctor` prints the ACLs",
        ),
    )


def _what(change: Change) -> str:
    return change.fields[0].name if change.action in {Action.UPDATE, Action.REASSIGN} else f"to {change.action} it"


def perform(
    request: Request,
    planned: Planned,
    tell: Callable[[applying.Step], None],
    undisturbed: Callable[[], AbstractContextManager[None]] = nullcontext,
    *,
    phases: Container[Phase] = applying.AT_ONCE,
) -> tuple[applying.Step, ...]:
    """Every step of these phases as it ends; whatever ends it early, those that ended are in `tell`. Errors: LostError, ClusterFailure when the journal takes nothing more."""
    reading, log = planned.reading, planned.log
    made = planned.plan.part(phases)
    with undisturbed():
        log.begin(run_of(request, planned, log, made.to_do))

    def again(changes: Sequence[Change]) -> Mapping[str, Change | Finding]:
        return _found_again(request, reading, changes)

    performer = applying.Performer(
        cluster=reading.cluster,
        kinds=_BY_NAME,
        log=log,
        again=again,
        live=lambda: [broker.id for broker in reading.cluster.describe().brokers],
        patience=reading.patience,
        undisturbed=undisturbed,
    )
    steps = []
    for step in applying.run(replace(made, changes=made.to_do), performer):
        tell(step)
        steps.append(step)
    return tuple(steps)


def run_of(request: Request, planned: Planned, log: Logbook, changes: Sequence[Change], lock: Lock = Lock.APPLY) -> Run:
    caller = log.caller
    return Run(
        id=caller.id,
        command=request.command,
        lock=lock,
        cluster=request.entry.name,
        cluster_id=planned.header.cluster_id,
        since=caller.clock(),
        runner=caller.runner,
        revision=caller.revision,
        fingerprint=_fingerprint(planned),
        changes=len(changes),
        steps=len(applying.batches(changes)),
    )


def _fingerprint(planned: Planned) -> str:
    id_ = planned.header.cluster_id
    return fingerprint.of_plan(id_, [fingerprint.of_change(id_, change) for change in planned.plan.to_do])


def close(request: Request, planned: Planned, how: Ending, outcomes: Sequence[Outcome], *, seen: bool) -> None:
    """Writes how the run ended, and what is true since. `seen`: on the cluster. Errors: LostError, ClusterFailure."""
    log = planned.log
    true = tuple(_true_now(request, log)) if how is Ending.DONE else ()
    if log.run is None:  # after its moves nothing was left to make
        log.write(*true)
    elif log.run.end is None:
        log.end(how, outcomes, *true, seen=seen)


def pause(planned: Planned, outcomes: Sequence[Outcome]) -> None:
    """Lets go of the lock for the hours in which replicas are copied: an apply may run beside it (decisions 21). Errors: LostError, ClusterFailure."""
    log = planned.log
    if log.run is not None:
        log.end(Ending.DONE, outcomes, seen=False)
    if log.held is not None:
        log.held.release()


@contextmanager
def again_alone(request: Request, planned: Planned, id_: str) -> Iterator[Planned]:
    """With the lock again, as a run of its own. Errors: Refusal when another run has it meanwhile (exit 6)."""
    assert request.caller is not None
    with _alone(request, replace(request.caller, id=id_), planned.reading) as log:
        yield replace(planned, reading=replace(planned.reading, log=log))


def close_idle(request: Request, planned: Planned) -> None:
    """Nothing had to be done: only what this commit makes true is written, where that is new. Errors: LostError, ClusterFailure."""
    planned.log.write(*_true_now(request, planned.log))


def _true_now(request: Request, log: Logbook) -> Iterator[Entries]:
    """The commit, and what the repository owns. Of a part nothing is known about the rest."""
    own, memory = log.caller.revision, log.memory
    if request.only or request.undoes or not own.repository:
        return
    last = memory.applied.get(own.repository)
    if own.commit is not None and (last is None or last.commit != own.commit):
        yield journal.applied_entry(LastApplied(own.repository, own.commit, log.caller.id, log.caller.clock()))
    wanted = set(owned(request.desired))
    yield from (journal.owner_entry(one, own.repository) for one in sorted(wanted) if one not in memory.owners)
    mine = {one for one, repository in memory.owners.items() if repository == own.repository}
    yield from (journal.owner_entry(one, None) for one in sorted(mine - wanted))


def owned(desired: Desired) -> Iterator[Property]:
    """What one repository alone may declare (decisions 11)."""
    yield from (Property(Owned.PRINCIPAL, name) for name in desired.acls.managed)
    yield from (Property(Owned.DOMAIN, prefix) for prefix in desired.domains)


def _found_again(request: Request, reading: Reading, changes: Sequence[Change]) -> Mapping[str, Change | Finding]:
    """The same comparison on fresh readings, for the resources of these changes alone: by id, the change as it is now or what stops it now."""
    addresses = frozenset(change.address for change in changes)
    fresh = replace(reading, described=reading.cluster.describe())
    planned, found = {change.id: change for change in changes}, dict[str, Change | Finding]()
    for kind in KINDS:
        if any(change.kind == kind.name for change in changes):
            difference = kind.difference(replace(fresh, desired=kind.only(reading.desired, addresses)))
            still_open = _open(difference.findings, request)
            found |= {
                one.id: next(filter(_stops(one), still_open), one) if one == planned.get(one.id) else one
                for one in difference.changes
            }
    return found


def _open(findings: Iterable[Finding], request: Request) -> list[Finding]:
    """Errors, and dangers that nobody has consented to: a topic that has grown past its exemption since it was planned is one."""
    marked, _ = _acknowledged(findings, request.desired.acknowledgements, request)
    return [one for one in marked if one.blocks]


def _stops(change: Change) -> Callable[[Finding], bool]:
    """Its own danger, a rule that would open or close the resource to others, or an error: the plan had none of it open."""
    return lambda finding: (
        (finding.code in {*change.codes, "KO3101", "KO3102"} or finding.severity is Severity.ERROR)
        and _concerns(finding, (change,))
    )


def verify(
    request: Request, planned: Planned, tell: Callable[[int], None], *, patience: float = VERIFY_PATIENCE
) -> tuple[report.Verification, frozenset[str]]:
    """Reads again until all brokers agree and nothing is left to do, or nothing has moved for `patience` seconds; with what is left, by id. `tell`: how many are left, each time that changes."""
    wanted = frozenset(change.id for change in planned.plan.to_do)
    left, since = wanted, time.monotonic()
    while True:
        reading = replace(planned.reading, described=planned.reading.cluster.describe())
        again = _plan(request, reading, _differences(reading))
        now = frozenset(change.id for change in again.to_do)
        if not now:
            return report.Verification(len(wanted)), now
        if now != left:
            left, since = now, time.monotonic()
            tell(len(now))
        if time.monotonic() - since > patience:
            return report.Verification(len(wanted), tuple(_still(change) for change in again.to_do)), now
        time.sleep(0.25)


def _still(change: Change) -> Finding:
    return Finding(
        code="KO7003",
        severity=Severity.ERROR,
        message=f"{change.address}: still to {change.action} after apply",
        address=change.address,
        where=change.where,
        help="run the same command again; what changed it meanwhile is told by the brokers' logs",
    )


def entry_of(change: Change) -> Entry:
    """A change as the journal keeps it."""
    return applying.entry(_BY_NAME[change.kind], change)


def settle(plan_: Plan, steps: Iterable[applying.Step], left: frozenset[str] | None) -> tuple[Outcome, ...]:
    """The cluster has the last word: what is no longer to be done is done, whatever became of its answer. `left` None: it was not read again."""
    outcomes = {outcome.change_id: outcome for step in steps for outcome in step.outcomes}
    return tuple(_settled(outcomes.get(change.id), change, left) for change in plan_.to_do)


def _settled(outcome: Outcome | None, change: Change, left: frozenset[str] | None) -> Outcome:
    known = outcome or Outcome(change.id, Result.NOT_REACHED)
    if known.result is Result.APPLIED or left is None or change.id in left:
        return known
    return Outcome(change.id, Result.APPLIED, f"seen done ({known.message or 'no answer'})", known.seconds)


def with_findings(made: Plan, findings: tuple[Finding, ...]) -> Plan:
    return replace(made, findings=(*made.findings, *findings))


def failure_of(problem: ClusterFailure | Refusal) -> tuple[int, tuple[Finding, ...]]:
    if isinstance(problem, Refusal):
        return problem.exit_code, problem.findings
    exit_code, finding = failure_finding(problem)
    return exit_code, (finding,)


def failure_finding(failure: ClusterFailure) -> tuple[int, Finding]:
    """The exit code and the sentence of a cluster that could not be asked."""
    match failure.kind:
        case FailureKind.UNREACHABLE:
            exit_code, code = Exit.UNREACHABLE, "KO6001"
        case FailureKind.REFUSED:
            exit_code, code = Exit.REFUSED, "KO6002"
        case FailureKind.WRONG_CLUSTER:
            exit_code, code = Exit.NOT_APPROVED, "KO6003"
        case FailureKind.NO_JOURNAL:
            exit_code, code = Exit.REFUSED, "KO7110"
        case FailureKind.UNFIT_JOURNAL:
            exit_code, code = Exit.BLOCKED, "KO7111"
    return exit_code, Finding(code=code, severity=Severity.ERROR, message=failure.message, help=failure.help)
