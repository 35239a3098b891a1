"""What kafkaops remembers in Kafka: runs, what each of their steps was about to do and what became of it, which commit was applied last, who owns what, and what is lent for the time of a run.

Values, their JSON, what a journal full of them tells, and what of it may be forgotten. Every record says its version; what is not understood is refused, never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote, unquote

from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.plan import Outcome, Phase, Result

VERSION = 1
MOST_RUNS = 100
"""So many runs are remembered ..."""
MOST_CHANGES = 100_000
"""... and no more of them than have so many changes together, since each run reads all of it."""

_CHUNK = 200_000  # characters of JSON in one record, far below what a broker takes (1 MiB)

Entries = Mapping[str, str | None]
"""Records to write together: key -> JSON, or None to forget the key."""
Side = Mapping[str, Any] | None
"""How a resource, or one field of it, is or was, as plain JSON; None: not there. Each kind says what is in it (`memory.py`)."""
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Ending(StrEnum):
    DONE = "done"
    INCOMPLETE = "incomplete"
    INTERRUPTED = "interrupted"
    TAKEN_BACK = "taken back"  # what was moved went back to where it was
    TAKEN_OVER = "taken over"  # it had no end of its own: the next run looked at what it had announced


@dataclass(frozen=True, slots=True)
class Runner:
    """Who runs it, and where. `url`: of the CI job."""

    who: str = ""
    host: str = ""
    pid: int = 0
    url: str = ""


@dataclass(frozen=True, slots=True)
class Revision:
    """Of the files. `commit` None where there is none, or files differ from it (`dirty`)."""

    repository: str = ""
    commit: str | None = None
    dirty: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """`by`: the run that took over. `counts`: of results, by their names."""

    at: datetime
    how: Ending
    counts: Mapping[str, int] = field(default_factory=dict)
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`lock`: the one that it holds while it runs. `changes` and `steps`: how many were planned. `end` None: it runs, or it died."""

    id: str
    command: str
    lock: str
    cluster: str
    cluster_id: str
    since: datetime
    runner: Runner
    revision: Revision
    fingerprint: str
    changes: int
    steps: int
    end: End | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One change as it is remembered: all that taking it back needs, and all that finding out whether it was made needs. `loses`: not all of it can come back."""

    id: str
    address: str
    action: str
    before: Side
    after: Side
    loses: bool = False

    @property
    def kind(self) -> str:
        return self.address.partition("/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`entries`: what was announced, and nothing else was sent. `ended` None: what became of it is not known. `seen_by`: the run that looked."""

    run: str
    number: int  # from 1
    phase: Phase
    kind: str
    announced: datetime
    entries: tuple[Entry, ...]
    ended: datetime | None = None
    outcomes: tuple[Outcome, ...] = ()  # those that were held back too, which were never announced
    seen_by: str = ""

    def result(self, change_id: str) -> Outcome | None:
        return next((one for one in self.outcomes if one.change_id == change_id), None)


@dataclass(frozen=True, slots=True)
class LastApplied:
    """The commit whose topology was applied as a whole, by a run that ended well."""

    repository: str
    commit: str
    run: str
    at: datetime


class Owned(StrEnum):
    PRINCIPAL = "principal"
    DOMAIN = "domain"


class Property(NamedTuple):
    """Something that one repository alone may declare: a principal, or a domain's prefix."""

    what: Owned
    name: str


class On(StrEnum):
    BROKER = "broker"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A setting that a run has changed for its own time. Whoever comes later gives it back: `before` (None: not set), wherever it is still `ours`."""

    run: str
    on: On
    name: str
    key: str
    before: str | None
    ours: str | None


@dataclass(frozen=True, slots=True)
class Memory:
    """All that a journal tells. `runs`: newest first. `steps`: by run, in order. `applied`: by repository. `owners`: the repository of each."""

    runs: tuple[Run, ...] = ()
    steps: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    applied: Mapping[str, LastApplied] = field(default_factory=dict)
    owners: Mapping[Property, str] = field(default_factory=dict)
    borrowed: tuple[Borrowed, ...] = ()

    @property
    def unsettled(self) -> tuple[Run, ...]:
        """Runs that did not tell how they ended, or what became of a step."""
        return tuple(
            run for run in self.runs if run.end is None or any(step.ended is None for step in self.steps_of(run.id))
        )

    def steps_of(self, run: str) -> tuple[Step, ...]:
        return self.steps.get(run, ())


# who holds a lock


def client_id(run: str, runner: Runner) -> str:
    """What a run shows of itself to whoever asks Kafka for the holder of its lock, before it has written anything."""
    parts = (run, runner.who, runner.host, str(runner.pid), runner.url)
    return "/".join(("kafkaops", *(quote(part, safe="") for part in parts)))


def holder_of(client: str) -> tuple[str, Runner] | None:
    """The run and its runner, from the id that its client gave; None: something else is in the group."""
    parts = [unquote(part) for part in client.split("/")]
    match parts:
        case ["kafkaops", run, who, host, pid, url] if pid.isdecimal():
            return run, Runner(who, host, int(pid), url)
        case _:
            return None


def run_id(now: datetime, chance: str) -> str:
    """`20260701T120000Z-ab12cd`: sorted by time, and tells when it began."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{chance}"


def began(run: str) -> datetime | None:
    """When a run of that id began."""
    try:
        return datetime.strptime(run.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtWork:
    """Who holds a lock. `run` "": a client that is no run of kafkaops. `step` 0: nothing has been announced yet. `address`: as the brokers see it."""

    lock: str
    client: str
    address: str
    run: str = ""
    runner: Runner = Runner()
    since: datetime | None = None
    command: str = ""
    step: int = 0
    steps: int = 0
    phase: Phase | None = None


def at_work(lock: str, client: str, address: str, memory: Memory) -> AtWork:
    """By what the holder's client says of itself, and by what its run has written."""
    known = holder_of(client)
    if known is None:
        return AtWork(lock=lock, client=client, address=address)
    id_, runner = known
    begun = next((run for run in memory.runs if run.id == id_), None)
    last = max(memory.steps_of(id_), key=lambda step: step.number, default=None)
    return AtWork(
        lock=lock,
        client=client,
        address=address,
        run=id_,
        runner=runner,
        since=began(id_),
        command=begun.command if begun else "",
        step=last.number if last else 0,
        steps=begun.steps if begun else 0,
        phase=last.phase if last else None,
    )


# to records


def run_entry(run: Run) -> Entries:
    end = run.end
    return {
        f"run/{run.id}": _json(
            id=run.id,
            command=run.command,
            lock=run.lock,
            cluster=run.cluster,
            cluster_id=run.cluster_id,
            since=_time(run.since),
            who=run.runner.who,
            host=run.runner.host,
            pid=run.runner.pid,
            url=run.runner.url,
            repository=run.revision.repository,
            commit=run.revision.commit,
            dirty=run.revision.dirty,
            fingerprint=run.fingerprint,
            changes=run.changes,
            steps=run.steps,
            end=None
            if end is None
            else {"at": _time(end.at), "how": end.how.value, "counts": dict(end.counts), "by": end.by},
        )
    }


def intent_entries(step: Step) -> Entries:
    """Written before anything of the step is sent."""
    head = {
        "run": step.run,
        "step": step.number,
        "phase": int(step.phase),
        "kind": step.kind,
        "announced": _time(step.announced),
    }
    rows = [
        {
            "id": one.id,
            "address": one.address,
            "action": one.action,
            "before": one.before,
            "after": one.after,
            "loses": one.loses,
        }
        for one in step.entries
    ]
    return _chunked(f"step/{step.run}/{step.number:04}", head, "changes", rows)


def outcome_entries(step: Step) -> Entries:
    """Written when the step has ended: what is not told of an announced change is that it was made."""
    assert step.ended is not None
    head = {"ended": _time(step.ended), "seen_by": step.seen_by}
    rows = [
        {"id": one.change_id, "result": one.result.value, "message": one.message}
        for one in step.outcomes
        if one.result is not Result.APPLIED or one.message
    ]
    return _chunked(f"outcome/{step.run}/{step.number:04}", head, "outcomes", rows)


def applied_entry(one: LastApplied) -> Entries:
    return {
        f"applied/{_escaped(one.repository)}": _json(
            repository=one.repository, commit=one.commit, run=one.run, at=_time(one.at)
        )
    }


def owner_entry(one: Property, repository: str | None) -> Entries:
    """None: nobody's any more."""
    key = f"owner/{one.what}/{_escaped(one.name)}"
    return {key: None if repository is None else _json(what=one.what.value, name=one.name, repository=repository)}


def borrowed_entry(one: Borrowed) -> Entries:
    """Written before the setting is touched."""
    return {
        _borrowed_key(one): _json(
            run=one.run, on=one.on.value, name=one.name, key=one.key, before=one.before, ours=one.ours
        )
    }


def returned_entry(one: Borrowed) -> Entries:
    """Written when the setting is as it was."""
    return {_borrowed_key(one): None}


def _borrowed_key(one: Borrowed) -> str:
    return f"borrowed/{one.run}/{one.on}/{_escaped(one.name)}/{_escaped(one.key)}"


def _chunked(key: str, head: Mapping[str, Any], name: str, rows: Sequence[Mapping[str, Any]]) -> Entries:
    chunks = list(_chunks(rows))
    return {
        f"{key}/{number:03}": _json(**head, chunk=number, chunks=len(chunks), **{name: chunk})
        for number, chunk in enumerate(chunks, 1)
    }


def _chunks(rows: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """At least one, which may be empty."""
    chunk: list[Mapping[str, Any]] = []
    filled = 0
    for row in rows:
        size = len(json.dumps(row))
        if chunk and filled + size > _CHUNK:
            yield chunk
            chunk, filled = [], 0
        chunk.append(row)
        filled += size
    yield chunk


def _json(**content: Any) -> str:
    return json.dumps({"v": VERSION, **content}, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _escaped(text: str) -> str:
    return quote(text, safe=":.*-_=,")


# from records


def remembered(records: Mapping[str, str]) -> Memory:
    """What the journal tells: the last value of each key, without those that were forgotten. Errors: Refusal (exit 1) for a record that is not understood."""
    found: dict[str, dict[str, Mapping[str, Any]]] = {family: {} for family in _FAMILIES}
    for key, text in sorted(records.items()):
        family = key.partition("/")[0]
        if family not in found:
            raise _refused("KO7122", key, "is of no kind that this kafkaops knows")
        found[family][key] = _content(key, text)
    runs = [_read(key, data, _run) for key, data in found["run"].items()]
    outcomes = _joined(found["outcome"], "outcomes")
    steps: dict[str, list[Step]] = {}
    for key, data in _joined(found["step"], "changes").items():
        step = _read(key, data, _step)
        told = outcomes.get(f"outcome{key.removeprefix('step')}")
        ended = step if told is None else _read(key, told, lambda its, step=step: _ended(step, its))  # type: ignore[misc]
        steps.setdefault(step.run, []).append(ended)
    applied = [_read(key, data, _applied) for key, data in found["applied"].items()]
    return Memory(
        runs=tuple(sorted(runs, key=lambda run: (run.since, run.id), reverse=True)),
        steps={run: tuple(sorted(its, key=lambda step: step.number)) for run, its in steps.items()},
        applied={one.repository: one for one in applied},
        owners=dict(_read(key, data, _owner) for key, data in found["owner"].items()),
        borrowed=tuple(_read(key, data, _borrowed) for key, data in found["borrowed"].items()),
    )


_FAMILIES = ("run", "step", "outcome", "applied", "owner", "borrowed")


def _content(key: str, text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise _damaged(key) from error
    if not isinstance(data, dict) or "v" not in data:
        raise _damaged(key)
    if data["v"] != VERSION:
        raise _refused("KO7122", key, f"has version {data['v']}, and this kafkaops knows version {VERSION}")
    return data


def _joined(chunks: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Mapping[str, Any]]:
    """The chunks of one step as one, by the key without the number of the chunk."""
    whole: dict[str, dict[int, Mapping[str, Any]]] = {}
    for key, data in chunks.items():
        whole.setdefault(key.rpartition("/")[0], {})[_read(key, data, lambda its: _int(its, "chunk"))] = data
    joined: dict[str, Mapping[str, Any]] = {}
    for key, parts in whole.items():
        first = parts[min(parts)]
        if set(parts) != set(range(1, _read(key, first, lambda its: _int(its, "chunks")) + 1)):
            raise _damaged(key)
        rows = [row for number in sorted(parts) for row in _read(key, parts[number], lambda its: _list(its, name))]
        joined[key] = {**first, name: rows}
    return joined


def _run(data: Mapping[str, Any]) -> Run:
    end = data["end"]
    return Run(
        id=_text(data, "id"),
        command=_text(data, "command"),
        lock=_text(data, "lock"),
        cluster=_text(data, "cluster"),
        cluster_id=_text(data, "cluster_id"),
        since=_moment(data, "since"),
        runner=Runner(_text(data, "who"), _text(data, "host"), _int(data, "pid"), _text(data, "url")),
        revision=Revision(_text(data, "repository"), _text_or_none(data, "commit"), _of_type(data["dirty"], bool)),
        fingerprint=_text(data, "fingerprint"),
        changes=_int(data, "changes"),
        steps=_int(data, "steps"),
        end=None if end is None else _end(end),
    )


def _end(data: Mapping[str, Any]) -> End:
    counts = {name: _int(data["counts"], name) for name in data["counts"]}
    return End(_moment(data, "at"), Ending(data["how"]), counts, _text(data, "by"))


def _step(data: Mapping[str, Any]) -> Step:
    return Step(
        run=_text(data, "run"),
        number=_int(data, "step"),
        phase=Phase(data["phase"]),
        kind=_text(data, "kind"),
        announced=_moment(data, "announced"),
        entries=tuple(map(_entry, data["changes"])),
    )


def _entry(row: Mapping[str, Any]) -> Entry:
    return Entry(
        id=_text(row, "id"),
        address=_text(row, "address"),
        action=_text(row, "action"),
        before=_side(row, "before"),
        after=_side(row, "after"),
        loses=_of_type(row["loses"], bool),
    )


def _ended(step: Step, data: Mapping[str, Any]) -> Step:
    told = {
        _text(row, "id"): Outcome(row["id"], Result(row["result"]), _text(row, "message")) for row in data["outcomes"]
    }
    announced = {one.id: Outcome(one.id, Result.APPLIED) for one in step.entries}
    return replace(
        step,
        ended=_moment(data, "ended"),
        outcomes=tuple({**announced, **told}.values()),
        seen_by=_text(data, "seen_by"),
    )


def _applied(data: Mapping[str, Any]) -> LastApplied:
    return LastApplied(_text(data, "repository"), _text(data, "commit"), _text(data, "run"), _moment(data, "at"))


def _owner(data: Mapping[str, Any]) -> tuple[Property, str]:
    return Property(Owned(data["what"]), _text(data, "name")), _text(data, "repository")


def _borrowed(data: Mapping[str, Any]) -> Borrowed:
    return Borrowed(
        _text(data, "run"),
        On(data["on"]),
        _text(data, "name"),
        _text(data, "key"),
        _text_or_none(data, "before"),
        _text_or_none(data, "ours"),
    )


def _read(key: str, data: Mapping[str, Any], value: Callable[[Mapping[str, Any]], T]) -> T:
    try:
        return value(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(key) from error


def _text(data: Mapping[str, Any], name: str) -> str:
    return _of_type(data[name], str)


def _text_or_none(data: Mapping[str, Any], name: str) -> str | None:
    return None if data[name] is None else _of_type(data[name], str)


def _int(data: Mapping[str, Any], name: str) -> int:
    return _of_type(data[name], int)


def _list(data: Mapping[str, Any], name: str) -> list[Any]:
    return _of_type(data[name], list)


def _side(data: Mapping[str, Any], name: str) -> Side:
    return None if data[name] is None else _of_type(data[name], dict)


def _moment(data: Mapping[str, Any], name: str) -> datetime:
    moment = datetime.fromisoformat(_text(data, name))
    if moment.tzinfo is None:
        raise ValueError(name)
    return moment


def _of_type(value: object, wanted: type[T]) -> T:
    if not isinstance(value, wanted):
        raise TypeError(type(value))
    return value


def _damaged(key: str) -> Refusal:
    return _refused("KO7123", key, "cannot be read")


def _refused(code: str, key: str, why: str) -> Refusal:
    return Refusal(
        Exit.FAILED,
        Finding(
            code=code,
            severity=Severity.ERROR,
            message=f"the record `{key}` of the journal {why}",
            help="use the newest kafkaops that writes to this cluster"
            if code == "KO7122"
            else f"`kafkaops explain {code}` tells what may have written it, and how to go on",
        ),
    )


# looking again


def seen(entries: Iterable[Entry], now: Mapping[str, Side]) -> Iterator[Outcome]:
    """What became of changes that were announced, by how they stand on the cluster `now`."""
    for entry in entries:
        match now[entry.id]:
            case side if side == entry.after:
                yield Outcome(entry.id, Result.APPLIED, "seen done")
            case side if side == entry.before:
                yield Outcome(entry.id, Result.FAILED, "seen not done")
            case _:
                yield Outcome(entry.id, Result.FAILED, "seen as something else: it was changed again, or made in part")


# forgetting


def forgotten(memory: Memory, keys: Iterable[str]) -> Entries:
    """What the newest runs do without: all that is told of older ones. A run that is not settled stays, and one that has something borrowed."""
    kept = {run.id for run in _kept(memory.runs)} | {run.id for run in memory.unsettled}
    kept |= {one.run for one in memory.borrowed}
    return {key: None for key in sorted(keys) if _about_a_run(key) and key.split("/")[1] not in kept}


def _about_a_run(key: str) -> bool:
    return key.startswith(("run/", "step/", "outcome/"))


def _kept(runs: Sequence[Run]) -> Iterator[Run]:
    changes = 0
    for place, run in enumerate(runs[:MOST_RUNS]):
        changes += run.changes
        if place and changes > MOST_CHANGES:
            return
        yield run
