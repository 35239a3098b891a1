"""history and lock status: what the journal tells, and who is at work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kafkaops.report import told_holder
from kafkaops.view.apply_screen import PHASES
from kafkaops.view.lines import EMPTY, MOST, Document, Line, Row, Span, labelled, paragraph, section, table
from kafkaops.view.words import counted, moment

_SIGNS = {"incomplete": "!", "interrupted": "!", "taken_over": "!", "no_end": "!", "running": "~"}
_WORDS = {"taken_over": "taken over", "no_end": "no end"}


def history_lines(document: Document, width: int) -> Iterator[Line]:
    yield from _head(document, "history", width)
    yield EMPTY
    if not document["runs"]:
        yield from paragraph(
            "NOTHING REMEMBERED: no apply has written to this cluster's journal", width, hang="  ", style="bold"
        )
        return
    if document["steps"] is None:
        yield from _runs(document["runs"], width)
        return
    (run,) = document["runs"]
    yield from _run(run, width)
    for step in document["steps"]:
        yield from _step(step, width)


def _head(document: Document, command: str, width: int) -> Iterator[Line]:
    cluster = document["cluster"]
    head = f"kafkaops {document['tool_version']} {command}: cluster {cluster['name']} (id {cluster['id']})"
    yield from paragraph(head, width, hang="  ", style="bold")


def _runs(runs: Sequence[Document], width: int) -> Iterator[Line]:
    head = Row("  ", ("run", "began", "who", "what", "commit", "outcome"))
    rows = [Row(f"{_SIGNS.get(one['outcome'], ' ')} ", _row(one)) for one in runs]
    yield from table([head, *rows], width)
    yield EMPTY
    yield (Span(f"  {counted(len(runs), 'run')}, newest first; kafkaops history RUN shows its steps"),)


def _row(one: Document) -> tuple[str, ...]:
    return (
        one["run"],
        f"{moment(one['since'])[:16]}Z",  # to the minute, so that a row is a line
        one["who"],
        one["command"],
        _commit(one),
        f"{_outcome(one)}, {_done(one)}",
    )


def _commit(one: Document) -> str:
    return one["commit"][:7] if one["commit"] else "dirty" if one["dirty"] else "-"


def _outcome(one: Document) -> str:
    return str(_WORDS.get(one["outcome"], one["outcome"]))


def _done(one: Document) -> str:
    """What is not told yet is where it has got to."""
    if one["ended_at"] is None:
        return f"step {one['announced']} of {one['steps']} announced" if one["announced"] else "no step announced"
    return f"{one['results'].get('applied', 0):,} of {one['changes']:,} done"


def _run(one: Document, width: int) -> Iterator[Line]:
    facts = (
        ("run", one["run"]),
        ("began", moment(one["since"])),
        ("ended", moment(one["ended_at"]) if one["ended_at"] else ""),
        ("outcome", f"{_outcome(one)}, {_done(one)}"),
        ("looked at", f"by run {one['taken_over_by']}" if one["taken_over_by"] else ""),
        ("who", f"{one['who']} on {one['host']}, process {one['pid']}"),
        ("job", one["url"] or ""),
        ("what", f"{one['command']}, {counted(one['changes'], 'change')}, {one['fingerprint']}"),
        ("files", _files(one)),
    )
    for name, text in facts:
        if text:
            yield from labelled(name, text, width, wide=9)


def _files(one: Document) -> str:
    commit = "uncommitted changes" if one["dirty"] else f"commit {one['commit']}" if one["commit"] else ""
    return " of ".join(filter(None, (commit, one["repository"])))


def _step(step: Document, width: int) -> Iterator[Line]:
    yield from section(f"STEP {step['step']} {PHASES[step['phase']]}", len(step["changes"]), width)
    yield from paragraph(f"  {_when(step)}", width, hang="  ")
    for one in step["changes"][:MOST]:
        action = f"{one['action']} " if one["action"] else ""
        said = f": {one['message']}" if one["message"] else ""
        result = one["result"].replace("_", " ")
        yield from labelled(result, f"{action}{one['address']}{_field(one)}{said}", width, wide=9)
    if len(step["changes"]) > MOST:
        yield from labelled("", f"and {len(step['changes']) - MOST:,} more, all are in the JSON", width, wide=9)


def _field(one: Document) -> str:
    _, _, field = one["id"].partition("#")
    return f" {field}" if field else ""


def _when(step: Document) -> str:
    if step["ended_at"] is None:
        return f"announced {moment(step['announced_at'])}, what became of it is not known"
    by = f", seen by run {step['seen_by']}" if step["seen_by"] else ""
    return f"ended {moment(step['ended_at'])}{by}"


def lock_lines(document: Document, width: int) -> Iterator[Line]:
    yield from _head(document, "lock status", width)
    for one in document["locks"]:
        told = f"held by {told_holder(one['holder'])}" if one["held"] else "free"
        yield from labelled(one["lock"], told, width, wide=14)
