"""One document per command, plain JSON data: every screen and every machine format is rendered from it.

Numbers are in base units with a `display` beside them; times are UTC; whoever reads it ignores unknown keys and rejects an unknown major version.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from kafkaops import __version__, codes, fingerprint
from kafkaops.access import AclBinding
from kafkaops.findings import Exit, Finding, Location, Severity, sort_key
from kafkaops.journal import AtWork, Entry, Memory, Run, Step
from kafkaops.movement import Movement
from kafkaops.naming import Convention
from kafkaops.plan import Action, Change, FieldChange, Origin, Outcome, Plan, Result, Tally, Value
from kafkaops.resource import Resource, ResourceField

FORMAT_VERSION = "1.0"
FORMATS = {
    "validate": "kafkaops.validation",
    "plan": "kafkaops.plan",
    "show": "kafkaops.comparison",
    "drift": "kafkaops.plan",
    "apply": "kafkaops.apply",
    "describe": "kafkaops.resource",
    "ack": "kafkaops.ack",
    "snapshot": "kafkaops.snapshot",
    "pull": "kafkaops.pull",
    "doctor": "kafkaops.doctor",
    "status": "kafkaops.status",
    "init": "kafkaops.init",
    "comment": "kafkaops.comment",
    "explain": "kafkaops.explanation",
    "history": "kafkaops.history",
    "lock": "kafkaops.lock",
    "undo": "kafkaops.plan",
    "sandbox": "kafkaops.sandbox",
    "resume": "kafkaops.move",
    "cancel": "kafkaops.move",
    "throttle": "kafkaops.move",
}

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scope:
    """How many of one kind are live, and how many of those the topology manages."""

    live: int
    managed: int


@dataclass(frozen=True, slots=True)
class Saved:
    """The file that was read in place of the cluster. `reduced`: by `snapshot --for-plan`."""

    path: str
    reduced: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """The commits of the files and of their base. `head` None: there is none yet; `name` "": the base is what was applied last."""

    head: str | None
    dirty: bool
    base: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What was run, on what, with what. `principal` "" when it is not known; `desired`: a hash of what the files want of the cluster; `scope` by kind: `topic`, `acl`; `saved` None: the brokers were asked; `compared` None: with no base."""

    command: str
    cluster: str
    cluster_id: str
    kafka_version: str
    brokers: int
    racks: int
    principal: str
    topology: str
    files: int
    desired: str
    read_at: datetime
    seconds: float
    created_at: datetime
    scope: Mapping[str, Scope] = field(default_factory=dict)
    saved: Saved | None = None
    compared: Compared | None = None
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """The reading after apply: how many changed things were read again, and what is not as planned."""

    checked: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Stale:
    """One thing that is no longer as an approved plan has it. `field` "" for all of it; `says`: both values, such as `was 12, is now 14`."""

    id: str
    address: str
    field: str
    was: Value | None
    now: Value | None
    says: str

    @property
    def name(self) -> str:
        return self.address.partition("/")[2]


@dataclass(frozen=True, slots=True)
class Staleness:
    """An approved plan that cannot be applied. `made_at` None: its fingerprint is all that is known. `idle`: acknowledgements in it that no longer fit."""

    fingerprint: str
    finding: Finding
    made_at: str | None = None
    stale: tuple[Stale, ...] = ()
    unchanged: int | None = None
    idle: tuple[str, ...] = ()


class Health(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    name: str
    result: Health
    message: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Grants:
    """The ACLs that a principal needs. `purpose`: `plan` or `apply`."""

    purpose: str
    bindings: tuple[AclBinding, ...]


def plan_document(plan: Plan, header: Header, exit_code: int) -> Document:
    """For `plan` and `drift`, and for the screen that `apply` shows before it asks."""
    return {
        **_head("kafkaops.plan", header.command, header.created_at, _plan_verdict(plan, exit_code), exit_code),
        **_cluster(header),
        "options": _options(plan, header),
        **_planned(plan, header),
    }


def stale_document(plan: Plan, header: Header, of: Staleness) -> Document:
    """For `apply` of what nobody approved: the plan as it is now, and what is otherwise."""
    return {
        **plan_document(replace(plan, findings=(of.finding, *plan.findings)), header, Exit.NOT_APPROVED),
        "verdict": "stale",
        "approved": {
            "fingerprint": of.fingerprint,
            "created_at": of.made_at,
            "unchanged": of.unchanged,
            "idle": list(of.idle),
        },
        "stale": [
            {
                "id": one.id,
                "address": one.address,
                "field": one.field or None,
                "was": _value_or_none(one.was),
                "now": _value_or_none(one.now),
                "message": one.says,
            }
            for one in of.stale
        ],
    }


def apply_document(
    plan: Plan,
    header: Header,
    outcomes: Sequence[Outcome],
    verification: Verification | None,
    exit_code: int,
    *,
    run: str = "",
    stopped: Finding | None = None,
) -> Document:
    """`verification` None: it was not read again. A change without an outcome was not reached. `run`: its id in the journal; `stopped`: why it went no further."""
    told = (*(() if verification is None else verification.findings), *((stopped,) if stopped else ()))
    verdict = "incomplete" if stopped else _apply_verdict(plan, outcomes, verification)
    by_id = {outcome.change_id: outcome for outcome in outcomes}
    rows = [by_id.get(change.id, Outcome(change.id, Result.NOT_REACHED)) for change in plan.to_do]
    return {
        **_head("kafkaops.apply", header.command, header.created_at, verdict, exit_code),
        **(_cut_short(rows, verification) if verdict == "incomplete" else {}),
        **_cluster(header),
        "options": _options(plan, header),
        "run": run or None,
        **_planned(plan, header, told),
        "results": {result.name.lower(): sum(row.result is result for row in rows) for result in Result},
        "outcomes": [_outcome(row, change) for row, change in zip(rows, plan.to_do, strict=True)],
        "verification": None
        if verification is None
        else {"checked": verification.checked, "as_planned": not verification.findings},
    }


def _options(plan: Plan, header: Header) -> Document:
    return {"only": list(plan.partial), **({"undoes": header.undoes} if header.undoes else {})}


def _cut_short(rows: Sequence[Outcome], verification: Verification | None) -> Document:
    """`outcomes` say what was done; `error` for who only asks whether all was."""
    done = sum(row.result is Result.APPLIED for row in rows)
    seen = "" if verification else ", and the cluster was not read again after it"
    return {"complete": False, "error": f"{done} of {len(rows)} changes are done{seen}"}


def validation_document(
    findings: Iterable[Finding], files: int, exit_code: int, *, created_at: datetime, command: str = "validate"
) -> Document:
    """`command`: whichever read the files; they are invalid for all of them alike."""
    found = sorted(findings, key=sort_key)
    verdict = "invalid" if any(one.severity is Severity.ERROR for one in found) else "valid"
    return {
        **_head("kafkaops.validation", command, created_at, verdict, exit_code),
        "source": {"files": files},
        "summary": {"findings": _finding_counts(found)},
        "findings": _findings(found),
    }


def failure_document(
    command: str,
    findings: Iterable[Finding],
    exit_code: int,
    *,
    created_at: datetime,
    cluster: str = "",
    facts: Mapping[str, Any] | None = None,
) -> Document:
    """Of a command that ended early: in the command's own format, cut short. `cluster`: the one that was meant, where that is known; `facts`: what else is known."""
    found = sorted(findings, key=sort_key)
    verdict = {Exit.INVALID: "invalid", Exit.BLOCKED: "blocked"}.get(exit_code, "failed")
    return {
        **_head(FORMATS.get(command.partition(" ")[0], "kafkaops.failure"), command, created_at, verdict, exit_code),
        "complete": False,
        **({"cluster": {"name": cluster}} if cluster else {}),
        "error": "; ".join(one.message for one in found),
        **(facts or {}),
        "summary": {"findings": _finding_counts(found)},
        "findings": _findings(found),
    }


def holder(one: AtWork) -> Document:
    """Who has a lock, and how far it is."""
    return {
        "lock": one.lock,
        "run": one.run or None,
        "command": one.command or None,
        "who": one.runner.who,
        "host": one.runner.host or one.address.lstrip("/"),
        "pid": one.runner.pid or None,
        "url": one.runner.url or None,
        "since": _time(one.since) if one.since else None,
        "step": one.step,
        "steps": one.steps or None,
        "phase": int(one.phase) if one.phase else None,
        "client": one.client,
    }


def told_holder(one: Mapping[str, Any]) -> str:
    """`ci on runner-7 since 2026-07-01 12:00:00Z, at step 2 of 5 (https://...)`, from what `holder` gives."""
    if one["run"] is None:
        return f"client `{one['client']}` at {one['host']}"
    since = f" since {one['since'].replace('T', ' ')}" if one["since"] else ""
    step = f", at step {one['step']} of {one['steps']}" if one["step"] else ", before its first step"
    url = f" ({one['url']})" if one["url"] else ""
    return f"{one['who']} on {one['host']}{since}{step}{url}"


def history_document(
    cluster: ClusterName, runs: Sequence[Run], at_work: str, memory: Memory, *, run: str, created_at: datetime
) -> Document:
    """For `history`. `at_work`: the run that has the lock; `run`: the one whose steps are asked for, "" for all runs without their steps."""
    return {
        **_head("kafkaops.history", "history", created_at, "told" if runs else "nothing_remembered", Exit.DONE),
        "cluster": cluster._asdict(),
        "runs": [_run(one, memory.steps_of(one.id), at_work) for one in runs],
        "steps": [_step(one) for one in memory.steps_of(run)] if run else None,
    }


class ClusterName(NamedTuple):
    name: str
    id: str


def _run(run: Run, steps: Sequence[Step], at_work: str) -> Document:
    """`no_end`: it neither ended nor has the lock."""
    end = run.end
    return {
        "run": run.id,
        "command": run.command,
        "since": _time(run.since),
        "ended_at": None if end is None else _time(end.at),
        "outcome": end.how.value.replace(" ", "_") if end else "running" if run.id == at_work else "no_end",
        "taken_over_by": (end.by or None) if end else None,
        "who": run.runner.who,
        "host": run.runner.host,
        "pid": run.runner.pid,
        "url": run.runner.url or None,
        "repository": run.revision.repository or None,
        "commit": run.revision.commit,
        "dirty": run.revision.dirty,
        "fingerprint": run.fingerprint,
        "changes": run.changes,
        "results": dict(end.counts) if end else {},
        "steps": run.steps,
        "announced": max((step.number for step in steps), default=0),
    }


def _step(step: Step) -> Document:
    announced = {entry.id: entry for entry in step.entries}
    others = [one for one in step.outcomes if one.change_id not in announced]
    return {
        "step": step.number,
        "phase": int(step.phase),
        "kind": step.kind,
        "announced_at": _time(step.announced),
        "ended_at": None if step.ended is None else _time(step.ended),
        "seen_by": step.seen_by or None,
        "changes": [*(_entry(one, step) for one in step.entries), *map(_held_back, others)],
    }


def _entry(entry: Entry, step: Step) -> Document:
    outcome = step.result(entry.id)
    return {
        "id": entry.id,
        "address": entry.address,
        "action": entry.action,
        "before": entry.before,
        "after": entry.after,
        "result": outcome.result.value.replace(" ", "_") if outcome and step.ended else "announced",
        "message": outcome.message if outcome and step.ended else "",
    }


def _held_back(one: Outcome) -> Document:
    """It was never announced, so that its id is all that is kept of it."""
    address = one.change_id.partition("#")[0]
    kind, _, name = address.partition(":")
    return {
        "id": one.change_id,
        "address": name if kind == "acl" else f"{kind}/{name}",
        "action": None,
        "before": None,
        "after": None,
        "result": one.result.value.replace(" ", "_"),
        "message": one.message,
    }


def lock_document(
    cluster: ClusterName, locks: Iterable[tuple[str, AtWork | None]], *, created_at: datetime
) -> Document:
    """For `lock status`. None: nobody has that lock."""
    rows = list(locks)
    return {
        **_head(
            "kafkaops.lock", "lock status", created_at, "held" if any(one for _, one in rows) else "free", Exit.DONE
        ),
        "cluster": cluster._asdict(),
        "locks": [
            {"lock": lock, "held": one is not None, "holder": None if one is None else holder(one)}
            for lock, one in rows
        ],
    }


def last_run(run: Run) -> Document:
    """`no_end`: nobody knows yet how it ended; the next run that changes something looks."""
    end = run.end
    return {
        "run": run.id,
        "command": run.command,
        "since": _time(run.since),
        "ended_at": _time(end.at) if end else None,
        "outcome": end.how.value.replace(" ", "_") if end else "no_end",
        "who": run.runner.who,
        "host": run.runner.host,
        "url": run.runner.url or None,
        "repository": run.revision.repository or None,
        "commit": run.revision.commit,
        "dirty": run.revision.dirty,
        "results": dict(end.counts) if end else {},
    }


def status_document(
    header: Header, verdict: str, findings: Sequence[Finding], parts: Mapping[str, Any], exit_code: int
) -> Document:
    """For `status`: how the cluster is, whatever that is."""
    return {
        **_head("kafkaops.status", header.command, header.created_at, verdict, exit_code),
        **_cluster(header),
        **parts,
        "summary": {"findings": _finding_counts(findings)},
        "findings": _findings(findings),
    }


def resource_document(resource: Resource, header: Header, exit_code: int) -> Document:
    """For `describe`: what is wanted and by whom, what is live, and what rules where nobody says anything."""
    fields = [_resource_field(one) for one in resource.fields]
    same = resource.declared and resource.live and not any(one["differs"] for one in fields)
    return {
        **_head("kafkaops.resource", header.command, header.created_at, "in_sync" if same else "differs", exit_code),
        **_cluster(header),
        "address": resource.address,
        "declared": resource.declared,
        "live_now": resource.live,
        "declared_at": _place(resource.where),
        "facts": [{"name": name, "value": value} for name, value in resource.facts],
        "fields": fields,
        "inherited": [{"name": name, **_value(value)} for name, value in resource.inherited],
        "acls": [one.facts for one in resource.bindings],
        "summary": {"findings": _finding_counts(resource.findings)},
        "findings": _findings(sorted(resource.findings, key=sort_key)),
    }


def doctor_document(
    checks: Iterable[Check], grants: Iterable[Grants], exit_code: int, *, created_at: datetime, header: Header | None
) -> Document:
    """`header` None: the cluster could not be reached."""
    rows = list(checks)
    bad = any(row.result is Health.FAILED for row in rows)
    return {
        **_head("kafkaops.doctor", "doctor", created_at, "failed" if bad else "healthy", exit_code),
        **(_cluster(header) if header else {}),
        "summary": {"checks": {health.value: sum(row.result is health for row in rows) for health in Health}},
        "checks": [
            {"name": row.name, "result": row.result.value, "message": row.message, "help": row.help} for row in rows
        ],
        "grants": [_grants(one) for one in grants],
    }


def ack_document(
    cluster: str,
    written: Iterable[tuple[Location, Document]],
    already: Iterable[Finding],
    exit_code: int,
    *,
    created_at: datetime,
) -> Document:
    """For `ack`: where each acknowledgement stands now, with its entry (`code`, `address`, `change`, `until`, `reason`, `line`), and what had consent before."""
    rows = [{"source": _place(where), **entry} for where, entry in written]
    return {
        **_head("kafkaops.ack", "ack", created_at, "written" if rows else "nothing_to_write", exit_code),
        "cluster": {"name": cluster},
        "written": rows,
        "already": [{"code": one.code, "address": one.address} for one in already],
    }


def snapshot_head(taken_at: datetime) -> Document:
    """How the document of `snapshot` begins; `kafkaops.snapshots` adds what was read."""
    return _head("kafkaops.snapshot", "snapshot", taken_at, "taken", Exit.DONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """What `init` wrote, for which cluster, and what it left as it was. `next`: commands."""

    cluster: str
    cluster_id: str
    kafka_version: str
    brokers: int
    topics: int
    convention: Convention | None
    written: tuple[str, ...]
    left: tuple[str, ...]
    notes: tuple[str, ...]
    next: tuple[str, ...]


def init_document(laid: Laid, exit_code: int, *, created_at: datetime) -> Document:
    named = laid.convention
    return {
        **_head("kafkaops.init", "init", created_at, "written", exit_code),
        "cluster": {
            "name": laid.cluster,
            "id": laid.cluster_id,
            "kafka_version": laid.kafka_version,
            "brokers": laid.brokers,
            "topics": laid.topics,
        },
        "naming": {"pattern": named.pattern, "fit": named.fit, "of": named.of} if named else None,
        "written": list(laid.written),
        "left": list(laid.left),
        "notes": list(laid.notes),
        "next": list(laid.next),
    }


def pull_document(
    header: Header,
    addresses: Iterable[str],
    written: Iterable[tuple[str, bool, Sequence[tuple[str, Location]]]],
    *,
    profiles: Iterable[str],
    made: Iterable[str],
    exempted: Iterable[str],
    guessed: Iterable[str],
    limited: bool,
    planned: int,
    left: Iterable[Finding],
) -> Document:
    """For `pull`. `written`: each file, whether it is new, and the resources that stand in it now; `left`: what is live and in no file all the same."""
    files: list[Document] = [
        {
            "file": file,
            "new": new,
            "resources": [{"address": address, "source": _place(where)} for address, where in resources],
        }
        for file, new, resources in written
    ]
    pulled = [one["address"] for file in files for one in file["resources"]]
    said, found = list(made), sorted(left, key=sort_key)
    return {
        **_head("kafkaops.pull", "pull", header.created_at, "written" if files else "nothing_to_write", Exit.DONE),
        **_cluster(header),
        "options": {"addresses": list(addresses)},
        "summary": {
            "topics": sum(address.startswith("topic/") for address in pulled),
            "principals": sum(address.startswith("acl/") for address in pulled),
            "made": len(said),
            "files": len(files),
            "left": len(found),
            "planned": planned,
            "findings": _finding_counts(found),
        },
        "written": files,
        "profiles": list(profiles),
        "made": said,
        "exempted": list(exempted),
        "guessed": list(guessed),
        "limited": limited,
        "findings": _findings(found),
    }


def comment_document(
    *,
    verdict: str,
    about: str,
    repository: str,
    number: int | None,
    url: str,
    removed: int,
    plans: Sequence[Document],
    created_at: datetime,
) -> Document:
    """For `comment`: what became of the comment or the issue, and which plans it was about.

    about    `pull_request` or `issue`
    url      "" when nothing is there
    removed  duplicates
    """
    return {
        **_head("kafkaops.comment", "comment", created_at, verdict, Exit.DONE),
        "about": about,
        "repository": repository,
        "number": number,
        "url": url,
        "removed": removed,
        "plans": [
            {"cluster": str(one.get("cluster", {}).get("name", "")), "verdict": str(one["verdict"])} for one in plans
        ],
    }


def explanation_document(facts: Mapping[str, Any], text: str, *, about: str, created_at: datetime) -> Document:
    """`about` is "finding" or "setting", `text` the long form for people."""
    return {
        **_head("kafkaops.explanation", "explain", created_at, "explained", Exit.DONE),
        "about": about,
        "facts": dict(facts),
        "text": text,
    }


def sandbox_document(command: str, state: Mapping[str, Any] | None, *, created_at: datetime) -> Document:
    """`state` None: it is down and removed."""
    alive = [broker["pid"] is not None for broker in state["brokers"]] if state else []
    verdict = "removed" if state is None else "up" if all(alive) else "partly_up" if any(alive) else "stopped"
    return {**_head("kafkaops.sandbox", command, created_at, verdict, Exit.DONE), "sandbox": state}


def move_document(
    command: str,
    verdict: str,
    exit_code: int,
    *,
    created_at: datetime,
    cluster: str,
    run: str,
    partitions: int = 0,
    done: int = 0,
    total: int = 0,
    copied: int = 0,
    failed: Sequence[tuple[tuple[str, int], str]] = (),
    settings: int = 0,
    told: Sequence[str] = (),
) -> Document:
    """For `resume`, `cancel`, `throttle`. `settings`: how many were given back, or set. `failed`: by partition, why."""
    return {
        **_head("kafkaops.move", command, created_at, verdict, exit_code),
        "cluster": {"name": cluster},
        "run": run,
        "partitions": partitions,
        "done": done,
        "bytes": total,
        "copied_bytes": copied,
        "failed": [{"topic": topic, "partition": number, "why": why} for (topic, number), why in failed],
        "settings": settings,
        "notes": list(told),
    }


def comparison_head(verdict: str, exit_code: int, created_at: datetime) -> Document:
    """For `show` of two plans."""
    return _head("kafkaops.comparison", "show", created_at, verdict, exit_code)


def finding_of(entry: Mapping[str, Any]) -> Finding:
    """Back from a document, as `ack --plan` and the views need it."""
    return Finding(
        code=entry["code"],
        severity=Severity(entry["severity"]),
        message=entry["message"],
        address=entry["address"],
        where=_location(entry["source"]),
        label=entry["label"],
        also=tuple((place, one["label"]) for one in entry["also"] if (place := _location(one["source"]))),
        help=entry["help"],
        fix=entry["fix"],
        notes=tuple(entry["notes"]),
        consent=tuple(entry["ack"]["change"]) if entry["ack"] else (),
        acknowledged=entry["acknowledged"],
        held_back=entry.get("held_back", False),
    )


def checksum(content: Mapping[str, Any]) -> str:
    """Of what a document holds, however it is laid out. It finds accidents and edits; it is no signature, since anybody can compute it."""
    return f"sha256:{fingerprint.of_content(content)}"


def _head(format_: str, command: str, created_at: datetime, verdict: str, exit_code: int) -> Document:
    return {
        "format": format_,
        "format_version": FORMAT_VERSION,
        "tool_version": __version__,
        "created_at": _time(created_at),
        "command": command,
        "verdict": verdict,
        "exit_code": exit_code,
        "complete": True,
    }


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cluster(header: Header) -> Document:
    return {
        "cluster": {
            "name": header.cluster,
            "id": header.cluster_id,
            "kafka_version": header.kafka_version,
            "brokers": header.brokers,
            "racks": header.racks,
        },
        "source": _source(header),
        "live": {
            "read_at": _time(header.read_at),
            "seconds": round(header.seconds, 1),
            "principal": header.principal,
            "scope": {
                _plural(kind): {"live": scope.live, "managed": scope.managed}
                for kind, scope in sorted(header.scope.items())
            },
            **_saved(header),
        },
    }


def _source(header: Header) -> Document:
    return {"path": header.topology, "files": header.files, **_compared(header.compared)}


def _compared(compared: Compared | None) -> Document:
    if compared is None:
        return {}
    return {
        "head": compared.head,
        "dirty": compared.dirty,
        "base": compared.base,
        "base_name": compared.name,
    }


def _saved(header: Header) -> Document:
    if header.saved is None:
        return {}
    age = int((header.created_at - header.read_at).total_seconds())
    return {"snapshot": {"path": header.saved.path, "age_seconds": age, "reduced": header.saved.reduced}}


def _plan_verdict(plan: Plan, exit_code: int) -> str:
    """Blocked too where `--fail-on warning` asks for it."""
    if plan.blocked or exit_code == Exit.BLOCKED:
        return "blocked"
    return "ready" if plan.changes else "in_sync"


def _apply_verdict(plan: Plan, outcomes: Sequence[Outcome], verification: Verification | None) -> str:
    """Applied only when the cluster was read again and shows it."""
    if plan.blocked or not plan.to_do:
        return _plan_verdict(plan, Exit.DONE)
    done = {outcome.change_id for outcome in outcomes if outcome.result is Result.APPLIED}
    proven = verification is not None and not any(one.blocks for one in verification.findings)
    return "applied" if proven and done >= {change.id for change in plan.to_do} else "incomplete"


def _planned(plan: Plan, header: Header, verified: Iterable[Finding] = ()) -> Document:
    found = [*plan.findings, *sorted(verified, key=sort_key)]
    entries = _findings(found)
    refs = _RefsByChange(found, entries)
    hashes = {change.id: fingerprint.of_change(header.cluster_id, change) for change in plan.changes}
    return {
        "source": {**_source(header), "desired": header.desired},
        "fingerprint": fingerprint.of_plan(header.cluster_id, [hashes[change.id] for change in plan.to_do]),
        "summary": {
            **{_plural(kind): _counts(kind, plan, tally) for kind, tally in sorted(plan.tallies.items(), reverse=True)},
            "findings": _finding_counts(found),
        },
        "changes": [
            {**_change(change, hashes[change.id], refs.of(change)), **_origin(change, plan)} for change in plan.changes
        ],
        **({"data_movement": _movement(plan.movement)} if plan.movement else {}),
        "findings": entries,
    }


def _origin(change: Change, plan: Plan) -> Document:
    """Who caused it, where there is a base to tell; and that it is shown and not done."""
    if plan.origins is None:
        return {}
    return {"origin": plan.origins[change.id].value, "held_back": change.id in plan.held_back}


def _plural(kind: str) -> str:
    return f"{kind}s"


def _counts(kind: str, plan: Plan, tally: Tally) -> Document:
    """Resources, not fields: a topic with two changed settings counts once. With a base, what is drift is counted apart."""
    its, origins = [change for change in plan.changes if change.kind == kind], plan.origins or {}
    held = {change.address for change in its if change.id in plan.held_back}
    drifted = {change.address for change in its if origins.get(change.id) is Origin.DRIFT} - held
    touched = {(change.address, change.action) for change in its if origins.get(change.id) is not Origin.DRIFT}
    actions = Counter(action for _, action in touched)
    by_action = (
        {"grant": actions[Action.GRANT], "revoke": actions[Action.REVOKE]}
        if kind == "acl"
        else {
            "create": actions[Action.CREATE],
            "change": len({address for address, action in touched if action in {Action.UPDATE, Action.REASSIGN}}),
            "delete": actions[Action.DELETE],
            "undeclared": len(tally.undeclared),
            "stuck": tally.stuck,
        }
    )
    apart = {} if plan.origins is None else {"drift": len(drifted), "held_back": len(held)}
    return {**by_action, **apart, "in_sync": tally.in_sync, "unmanaged": tally.unmanaged}


def _finding_counts(found: Iterable[Finding]) -> dict[str, int]:
    counted = list(found)
    counts = {severity.value: sum(one.severity is severity for one in counted) for severity in Severity}
    open_ = sum(one.severity is Severity.DANGER and one.blocks for one in counted)
    return {**counts, "danger_unacknowledged": open_}


class _RefsByChange:
    """Which findings speak of which change: named by the change's codes, about its resource, and about its field if several are."""

    def __init__(self, found: Sequence[Finding], entries: Sequence[Document]) -> None:
        self._told: dict[tuple[str, str], list[tuple[frozenset[str], str]]] = {}
        for finding, entry in zip(found, entries, strict=True):
            words = frozenset(word for text in (finding.message, *finding.consent) for word in text.split())
            self._told.setdefault((finding.code, finding.address), []).append((words, entry["ref"]))

    def of(self, change: Change) -> list[str]:
        return [ref for code in change.codes for ref in self._of_code(code, change)]

    def _of_code(self, code: str, change: Change) -> list[str]:
        near = [(words, ref, rest) for top, rest in _upwards(change) for words, ref in self._told.get((code, top), ())]
        fields = {one.name for one in change.fields}
        exact = [ref for words, ref, rest in near if words & (fields | {rest})]
        return exact or [ref for _, ref, _ in near]


def _upwards(change: Change) -> Iterator[tuple[str, str]]:
    """The address and what it is part of, each with the rest: `acl/User:x` and `topic/t/read`."""
    yield change.address, ""
    head, rest = change.address, ""
    while "/" in head:
        head, _, last = head.rpartition("/")
        rest = f"{last}/{rest}" if rest else last
        yield head, rest


def _change(change: Change, hash_: str, refs: list[str]) -> Document:
    """An update is one field, with both its sides; a create or a delete has its fields listed; of access the binding is one side."""
    entry: Document = {
        "id": change.id,
        "address": change.address,
        "action": change.action.value,
        "source": _change_place(change),
        "summary": change.summary,
        "field": None,
        "before": None,
        "after": None,
        "fields": [],
        "api_call": _api_call(change),
        "reversible": change.reversible,
        "phase": int(change.phase),
        "carries": dict(change.carries),
        "hash": hash_,
        "findings": refs,
    }
    match change:
        case Change(action=Action.REVOKE):
            entry |= {"before": dict(change.carries), "carries": {}}
        case Change(action=Action.GRANT):
            entry |= {"after": dict(change.carries), "carries": {}}
        case Change(action=Action.UPDATE | Action.REASSIGN, fields=(only,)):
            entry |= {"field": only.name, "before": _value_or_none(only.before), "after": _value_or_none(only.after)}
        case _:
            entry["fields"] = [_field(one) for one in change.fields]
    if change.moves:
        entry["moves"] = [
            {
                "partition": move.partition,
                "from": list(move.old),
                "to": list(move.new),
                "bytes": move.bytes,
                "reasons": list(move.reasons),
            }
            for move in change.moves
        ]
    return entry


def _movement(cost: Movement) -> Document:
    """Of all moves together; what is not known is null, never 0."""
    writes = [rate for one in cost.traffic for rate in (one.written_in, one.written_out)]
    known = [rate for rate in writes if rate is not None]
    return {
        "bytes": cost.bytes,
        "partitions": cost.partitions,
        "replicas_added": cost.added,
        "replicas_removed": cost.removed,
        "leaders_changed": cost.leaders,
        "lower_bound_bytes": cost.bound,
        "proved_minimal": cost.proved,
        "throttle_bytes_per_s": cost.throttle,
        "live_write_bytes_per_s": max(known, default=0) if len(known) == len(writes) else None,
        "estimate_s": cost.seconds,
        "feasible": not cost.never,
        "prices": [{"throttle_bytes_per_s": one.throttle, "estimate_s": one.seconds} for one in cost.prices],
        "brokers": [
            {"broker": one.broker, "receives_bytes": one.receives, "sends_bytes": one.sends} for one in cost.traffic
        ],
        "fullest_disk": None
        if cost.fullest is None
        else {
            "broker": cost.fullest.broker,
            "before": round(cost.fullest.before, 4),
            "after": round(cost.fullest.after, 4),
        },
        "racks": None if cost.racks is None else {"before": cost.racks[0], "after": cost.racks[1]},
        "window": {"open": cost.window, "needed": cost.windows} if cost.window else None,
    }


def _api_call(change: Change) -> str:
    """Kafka's name of the request."""
    if change.action is Action.UPDATE:
        return "createPartitions" if change.fields[0].name == "partitions" else "incrementalAlterConfigs"
    return _API_CALLS.get((change.kind, change.action), "")


_API_CALLS = {
    ("topic", Action.CREATE): "createTopics",
    ("topic", Action.DELETE): "deleteTopics",
    ("topic", Action.REASSIGN): "alterPartitionReassignments",
    ("acl", Action.GRANT): "createAcls",
    ("acl", Action.REVOKE): "deleteAcls",
}


def _change_place(change: Change) -> Document | None:
    place = _place(change.where)
    return {**place, "removed": True} if place and change.removed else place


def _field(one: FieldChange) -> Document:
    return {
        "name": one.name,
        "before": _value_or_none(one.before),
        "after": _value_or_none(one.after),
        "source": _place(one.where),
    }


def _value(value: Value) -> dict[str, str]:
    return {"value": value.text, "display": value.display, "from": value.source.value}


def _value_or_none(value: Value | None) -> dict[str, str] | None:
    return None if value is None else _value(value)


def _place(where: Location | None) -> Document | None:
    """None where no file is the cause, as of what `undo` wants."""
    if where is None or not where.line:
        return None
    return {"file": where.file, "line": where.line, "column": where.column, "end_column": where.end_column}


def _location(place: Mapping[str, Any] | None) -> Location | None:
    return None if place is None else Location(place["file"], place["line"], place["column"], place["end_column"])


def _findings(found: Iterable[Finding]) -> list[Document]:
    """`ref` counts the findings of one code: `KO2104#1`."""
    seen = Counter[str]()
    entries = []
    for one in found:
        seen[one.code] += 1
        entries.append(_finding(one, f"{one.code}#{seen[one.code]}"))
    return entries


def _finding(one: Finding, ref: str) -> Document:
    return {
        "ref": ref,
        "code": one.code,
        "severity": one.severity.value,
        "blocking": one.blocks,
        "acknowledged": one.acknowledged,
        **({"held_back": True} if one.held_back else {}),
        "title": codes.title(one.code),
        "message": one.message,
        "address": one.address,
        "source": _place(one.where),
        "label": one.label,
        "also": [{"source": _place(place), "label": label} for place, label in one.also],
        "help": one.help,
        "fix": one.fix,
        "notes": list(one.notes),
        "ack": {"code": one.code, "on": one.address, "change": list(one.consent)} if one.consent else None,
    }


_CODES = {Result.FAILED: "KO7001", Result.SKIPPED: "KO7002"}


def _outcome(outcome: Outcome, change: Change) -> Document:
    return {
        "id": change.id,
        "address": change.address,
        "action": change.action.value,
        "field": change.fields[0].name if change.action in {Action.UPDATE, Action.REASSIGN} and change.fields else None,
        "phase": int(change.phase),
        "result": outcome.result.value.replace(" ", "_"),
        "code": _CODES.get(outcome.result),
        "message": outcome.message,
        "seconds": round(outcome.seconds, 1),
    }


def _resource_field(one: ResourceField) -> Document:
    return {
        "name": one.name,
        "want": None if one.want is None else {**_value(one.want), "layer": one.layer, "source": _place(one.where)},
        "have": _value_or_none(one.have),
        "differs": (one.want and one.want.text) != (one.have and one.have.text),
    }


def _grants(grants: Grants) -> Document:
    return {
        "purpose": grants.purpose,
        "acls": [one.facts for one in grants.bindings],
        "commands": list(_commands(grants.bindings)),
    }


def _commands(bindings: Iterable[AclBinding]) -> Iterator[str]:
    """As `kafka-acls.sh` takes them, one a resource."""
    kept = sorted(bindings, key=lambda one: (one.principal, one.permission, one.resource, one.host, one.operation))
    for (principal, permission, (kind, pattern, name), host), group in groupby(
        kept, key=lambda one: (one.principal, one.permission, one.resource, one.host)
    ):
        words = ["--add", f"--{permission.lower()}-principal", principal]
        words += [] if host == "*" else [f"--{permission.lower()}-host", host]
        words += [word for one in group for word in ("--operation", one.operation)]
        words += ["--cluster"] if kind == "Cluster" else [_RESOURCE_FLAGS[kind], name]
        words += ["--resource-pattern-type", "prefixed"] if pattern == "Prefixed" else []
        yield shlex.join(["kafka-acls.sh", *words])


_RESOURCE_FLAGS = {
    "Topic": "--topic",
    "Group": "--group",
    "TransactionalId": "--transactional-id",
    "DelegationToken": "--delegation-token",
    "User": "--user-principal",
}
