"""The document as a screen: totals first, then the dangers, then detail, then the verdict and the next command.

The signs in the first column carry the meaning, colour only repeats it. Every line is made visible (`visible`) and no path or name is ever cut.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

from rich.color import ColorSystem
from rich.style import Style

from kafkaops.findings import Exit
from kafkaops.plan import Phase
from kafkaops.report import finding_of
from kafkaops.view.excerpt import excerpt
from kafkaops.view.visible import cells, visible

Document = Mapping[str, Any]

WIDTH_WITHOUT_TERMINAL = 98
_MOST = 20  # of one kind of finding, before the rest is only counted
_MANY_CREATES = 40  # beyond it, created topics leave out their settings


class Span(NamedTuple):
    text: str
    style: str = ""


Line = tuple[Span, ...]
_EMPTY: Line = ()
_SIGNS = {"+": "green", "~": "yellow", "-": "red", "!": "bold red"}


def render(
    document: Document, *, width: int, colour: bool, texts: Mapping[str, str] | None = None, details: bool = False
) -> str:
    """The whole screen, ending with a newline. `texts`: files that may be quoted. `details`: nothing is left out for its length."""
    lines = _lines(document, texts or {}, width, details=details)
    return "".join(_written(line, colour=colour) + "\n" for line in lines)


def phase_line(phase: Phase, *, done: int, failed: int = 0, skipped: int = 0, seconds: float = 0.0) -> str:
    """One line of apply's progress: `  done     1 grant ACLs               2/2    0.8 s`."""
    word = "failed" if failed else "skipped" if skipped and not done else "done"
    count = f"{done}/{done + failed + skipped}"
    time = "" if word == "skipped" else f"{seconds:.1f} s"
    return f"  {word:<7}  {int(phase)} {_PHASES[phase]:<25} {count:>7}  {time:>8}".rstrip()


_PHASES = {
    Phase.GRANTS: "grant ACLs",
    Phase.CREATES: "create topics",
    Phase.SAFE: "settings, partitions",
    Phase.REVOKES: "revoke ACLs",
    Phase.LOSSES: "settings that lose data",
    Phase.DELETES: "delete topics",
}


def _written(line: Line, *, colour: bool) -> str:
    spans = [Span(visible(span.text), span.style) for span in line]
    if not colour:
        return "".join(span.text for span in spans).rstrip()
    return "".join(
        _style(span.style).render(span.text, color_system=ColorSystem.STANDARD) if span.style else span.text
        for span in spans
    ).rstrip()


@cache
def _style(name: str) -> Style:
    return Style.parse(name)


def _lines(document: Document, texts: Mapping[str, str], width: int, *, details: bool) -> Iterator[Line]:
    if not document["complete"]:
        yield from _failure(document, texts, width, details=details)
        return
    match document["format"]:
        case "kafkaops.plan":
            yield from _plan(document, width, details=details)
        case "kafkaops.apply":
            yield from _applied(document, width)
        case "kafkaops.validation":
            yield from _validation(document, texts, width, details=details)
        case "kafkaops.resource":
            yield from _resource(document, width)
        case "kafkaops.doctor":
            yield from _doctor(document, width)
        case unknown:
            raise ValueError(f"no screen for {unknown}")


# plan and drift


def _plan(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    findings = document["findings"]
    yield from _header(document, width)
    yield from _totals(document)
    if document["verdict"] != "in_sync":
        undo = _undo(document)
        yield from _dangers("NEEDS ACKNOWLEDGEMENT", [one for one in findings if _is_open(one)], undo, width)
        yield from _dangers("ERRORS", [one for one in findings if one["severity"] == "error"], undo, width)
        yield from _dangers("ACKNOWLEDGED", [one for one in findings if one["acknowledged"]], undo, width)
        yield from _changes(document, width, details=details)
    yield from _remarks("WARNINGS", "warning", findings, width, details=details)
    yield from _remarks("NOTICES", "notice", findings, width, details=details)
    yield _EMPTY
    yield from _order(document["changes"], width)
    yield from _verdict(document, width)


def _is_open(finding: Document) -> bool:
    return bool(finding["severity"] == "danger" and finding["blocking"])


def _header(document: Document, width: int) -> Iterator[Line]:
    cluster, live, source = document["cluster"], document["live"], document["source"]
    known = [f"id {cluster['id']}" if cluster["id"] else "", f"Kafka {cluster['kafka_version']}"]
    known += [_count(cluster["brokers"], "broker"), _count(cluster["racks"], "rack") if cluster["racks"] else ""]
    yield from _paragraph(
        f"kafkaops {document['tool_version']} {document['command']}: cluster {cluster['name']} ({', '.join(filter(None, known))})",
        width,
        hang="  ",
        style="bold",
    )
    who = f" as {live['principal']}" if live["principal"] else ""
    yield (Span(f"  files   {source['path']}, {_count(source['files'], 'file')}"),)
    yield from _labelled("live", f"read {_moment(live['read_at'])} in {live['seconds']} s{who}", width)
    if live["scope"]:
        yield from _labelled("scope", _scope(live["scope"]), width)
    if document.get("options", {}).get("only"):
        yield from _labelled("only", f"{', '.join(document['options']['only'])} (partial: the rest is left out)", width)
    yield _EMPTY


def _moment(time: str) -> str:
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%SZ")


def _scope(scope: Mapping[str, Any]) -> str:
    parts = [
        f"{_count(one['live'], _NOUNS[kind])}, {one['managed']:,} managed here"
        for kind, one in sorted(scope.items(), reverse=True)
    ]
    return "; ".join([*parts, "the rest is left alone"])


_NOUNS = {"topics": "topic", "acls": "ACL"}
_TOTALS = {
    "topics": (("create",), ("change",), ("delete",), ("in_sync",), ("undeclared",)),
    "acls": (("grant",), ("revoke",), (), ("in_sync",), ()),
}


def _totals(document: Document) -> Iterator[Line]:
    rows = {
        kind: [f"{counts[key[0]]:,} {key[0].replace('_', ' ')}" if key else "" for key in _TOTALS[kind]]
        for kind, counts in document["summary"].items()
        if kind in _TOTALS
    }
    for kind, counts in document["summary"].items():
        if kind in rows and not counts.get("undeclared"):
            rows[kind][-1] = ""
    wide = [max(cells(row[column]) for row in rows.values()) for column in range(5)] if rows else []
    for kind, row in rows.items():
        yield (Span(f"  {kind:<8}" + "   ".join(f"{text:<{wide[index]}}" for index, text in enumerate(row))),)


def _undo(document: Document) -> Mapping[str, bool]:
    """By finding: whether every change that it speaks of can be undone."""
    undo: dict[str, bool] = {}
    for change in document["changes"]:
        for ref in change["findings"]:
            undo[ref] = undo.get(ref, True) and change["reversible"]
    return undo


def _dangers(title: str, findings: Sequence[Document], undo: Mapping[str, bool], width: int) -> Iterator[Line]:
    if not findings:
        return
    yield from _section(title, len(findings), width)
    for one in findings:
        said = {True: "can be undone", False: "cannot be undone", None: ""}[undo.get(one["ref"])]
        yield from _danger_head(one, said, width)
        if one["source"]:
            yield (Span(f"    {_place(one['source'])}"),)
        if one["label"]:
            yield from _paragraph(f"    {one['label']}", width, hang="    ")
        for note in one["notes"]:
            yield from _paragraph(f"    {note}", width, hang="      ")
        if one["help"]:
            yield from _paragraph(f"    help: {one['help']}", width, hang="          ")


def _danger_head(one: Document, said: str, width: int) -> Iterator[Line]:
    head = f" {one['code']} {visible(one['message'])}"
    room = _text_width(width) - 1 - cells(head) - cells(said)
    if said and room >= _GAP:
        yield (Span("!", _SIGNS["!"]), Span(f"{head}{' ' * room}{said}"))
        return
    first, *rest = _paragraph(f"!{head}", width, hang="    ")
    yield (Span("!", _SIGNS["!"]), Span(first[0].text[1:]))
    yield from rest
    if said:
        yield (Span(f"    {said}"),)


_ORDER = {"create": 0, "update": 1, "delete": 2, "grant": 3, "revoke": 4}


def _changes(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    changes = document["changes"]
    if not changes:
        return
    yield from _section("DRIFT" if document["command"] == "drift" else "CHANGES", len(changes), width)
    short = sum(change["action"] == "create" for change in changes) > _MANY_CREATES and not details
    ordered = sorted(changes, key=lambda change: (_kind(change) == "acl", _ORDER[change["action"]], change["address"]))
    rows = [
        row
        for _, group in groupby(ordered, key=lambda change: (change["address"], change["action"]))
        for row in _rows(list(group), short=short)
    ]
    yield from _table(rows, width)
    if short:
        yield (Span("  settings of created topics are left out, --details shows them"),)


class _Row(NamedTuple):
    """`lead`: the sign in column 0 and the kind. The cells stand in columns."""

    lead: str
    cells: tuple[str, ...]


def _kind(change: Document) -> str:
    return str(change["address"]).split("/", 1)[0]


def _name(address: str) -> str:
    return address.split("/", 1)[-1]


def _rows(changes: Sequence[Document], *, short: bool) -> Iterator[_Row]:
    """Of one resource."""
    first = changes[0]
    kind, name = _kind(first), _name(first["address"])
    codes = " ".join(_codes(first))
    match first["action"]:
        case "create":
            yield _Row(f"+ {kind:<6}", (name, first["summary"], _place(first["source"])))
            yield from (_setting(one) for one in first["fields"] if not short and one["name"] not in _IN_SUMMARY)
        case "update":
            yield _Row(f"~ {kind:<6}", (name,))
            yield from (_update(change) for change in changes)
        case "delete":
            yield _Row(f"- {kind:<6}", (name, first["summary"], codes))
        case "grant":
            yield _Row(f"+ {kind:<6}", (*_binding(first["after"]), codes))
        case _:
            yield _Row(f"- {kind:<6}", (*_binding(first["before"]), codes))


_IN_SUMMARY = {"partitions", "replication.factor"}


def _codes(change: Document) -> list[str]:
    return sorted({ref.split("#")[0] for ref in change["findings"]})


def _setting(one: Document) -> _Row:
    return _Row("+         ", (one["name"], one["after"]["display"]))


def _update(change: Document) -> _Row:
    codes = _codes(change)
    last = " ".join(codes) or _place(change["source"])
    sign = "!" if codes else "~"
    return _Row(f"{sign}         ", (change["field"], _sides(change["before"], change["after"]), last))


_ORIGINS = {
    "default": " (Kafka's default)",
    "broker_dynamic": " (the brokers' default)",
    "broker_static": " (the brokers' default)",
}


def _sides(before: Document | None, after: Document | None) -> str:
    return f"{_side(before)} -> {_side(after)}"


def _side(value: Document | None) -> str:
    return "none" if value is None else f"{value['display'] or '(empty)'}{_ORIGINS.get(value['from'], '')}"


_TYPES = {
    "Topic": "topic",
    "Group": "group",
    "Cluster": "cluster",
    "TransactionalId": "transactional-id",
    "DelegationToken": "delegation-token",
    "User": "user",
}


def _binding(acl: Document) -> tuple[str, ...]:
    kind = _TYPES.get(acl["resource_type"], acl["resource_type"])
    pattern = " prefix" if acl["pattern_type"] == "Prefixed" else ""
    every = acl["pattern_type"] == "Literal" and acl["resource_name"] == "*"
    resource = f"every {kind}" if every else f"{kind}{pattern} {acl['resource_name']}"
    host = "any host" if acl["host"] == "*" else f"host {acl['host']}"
    return (acl["principal"], f"{acl['permission'].upper()} {acl['operation']}", resource, host)


_GAP = 2  # between columns
_ACL_CELLS = 4  # rows of access have at least as many, and columns of their own
_WIDEST = 44  # of a column: what is longer pushes its own row only


def _table(rows: Sequence[_Row], width: int) -> Iterator[Line]:
    """Rows of one shape stand in columns; what does not fit into the width goes to a line of its own, whole."""
    shown = [_Row(row.lead, tuple(visible(cell) for cell in row.cells)) for row in rows]
    plain = _starts([row for row in shown if len(row.cells) < _ACL_CELLS])
    access = _starts([row for row in shown if len(row.cells) >= _ACL_CELLS])
    for row in shown:
        yield from _row(row, plain if len(row.cells) < _ACL_CELLS else access, width)


def _starts(rows: Sequence[_Row]) -> list[int]:
    """Where each column but the first begins."""
    starts: list[int] = []
    for column in range(max((len(row.cells) for row in rows), default=1) - 1):
        ends = [
            (starts[column - 1] if column else cells(row.lead)) + cells(row.cells[column])
            for row in rows
            if column + 1 < len(row.cells) and cells(row.cells[column]) <= _WIDEST
        ]
        floor = (starts[-1] if starts else 8) + _GAP
        starts.append(max([end + _GAP for end in ends], default=floor))
    return starts


def _row(row: _Row, starts: Sequence[int], width: int) -> Iterator[Line]:
    """In columns; closer together where that is too wide; and on a second line what is too wide even so."""
    sign = Span(row.lead[0], _SIGNS.get(row.lead[0], ""))
    first, *rest = row.cells
    full = [(start, cell) for start, cell in zip(starts, rest, strict=False) if cell]
    text = row.lead[1:] + first
    in_columns = text
    for start, cell in full:
        in_columns += " " * max(start - 1 - cells(in_columns), _GAP) + cell
    if cells(in_columns) < width:
        yield (sign, Span(in_columns))
        return
    for _, cell in full:
        if cells(text) + _GAP + cells(cell) < width:
            text += " " * _GAP + cell
        else:
            yield (sign, Span(text))
            sign, text = Span(" "), " " * 11 + cell
    yield (sign, Span(text))


def _remarks(title: str, severity: str, findings: Sequence[Document], width: int, *, details: bool) -> Iterator[Line]:
    found = sorted((one for one in findings if one["severity"] == severity), key=lambda one: one["code"])
    if not found:
        return
    yield from _section(title, len(found), width)
    for _, alike in groupby(found, key=lambda one: (one["code"], _predicate(one), one["help"])):
        group = list(alike)
        shown = group if details else group[:_MOST]
        yield from _alike(shown, width) if len(group) > 1 and _predicate(group[0]) else _each(shown, width)
        if len(group) > len(shown):
            yield (Span(f"{_INDENT}and {len(group) - len(shown):,} more, --details lists them"),)
        if group[0]["help"]:
            yield from _paragraph(f"{_INDENT}help: {group[0]['help']}", width, hang=f"{_INDENT}      ")


_INDENT = " " * 9


def _predicate(one: Document) -> str:
    """What is said of the resource, where the message says it as `NAME: ...` and of no line of a file."""
    subject = f"{_name(one['address'])}: "
    return one["message"].removeprefix(subject) if not one["source"] and one["message"].startswith(subject) else ""


def _alike(group: Sequence[Document], width: int) -> Iterator[Line]:
    yield from _paragraph(f"  {group[0]['code']} each {_predicate(group[0])}", width, hang=_INDENT)
    yield from _paragraph(_INDENT + ", ".join(visible(_name(one["address"])) for one in group), width, hang=_INDENT)


def _each(group: Sequence[Document], width: int) -> Iterator[Line]:
    for one in group:
        head, place = f"  {one['code']} {visible(one['message'])}", _place(one["source"])
        if place and cells(head) + 2 + cells(place) <= _text_width(width):
            room = _text_width(width) - cells(head) - cells(place)
            yield (Span(f"{head}{' ' * room}{place}"),)
        else:
            yield from _paragraph(head, width, hang=_INDENT)
            if place:
                yield (Span(f"{_INDENT}{place}"),)
        for note in one["notes"]:
            yield from _paragraph(f"{_INDENT}{note}", width, hang=f"{_INDENT}  ")


_STEPS = {
    Phase.GRANTS: ("grant", "grants"),
    Phase.CREATES: ("create", "creates"),
    Phase.SAFE: ("safe step", "safe steps"),
    Phase.REVOKES: ("revoke", "revokes"),
    Phase.LOSSES: ("step that may lose data", "steps that may lose data"),
    Phase.DELETES: ("deletion", "deletions"),
}


def _order(changes: Sequence[Document], width: int) -> Iterator[Line]:
    counts = Counter(change["phase"] for change in changes)
    if len(counts) > 1:
        steps = [f"{counts[phase]:,} {_STEPS[phase][counts[phase] > 1]}" for phase in Phase if counts[phase]]
        yield from _paragraph(f"Apply order: {', '.join(steps)}", width, hang="  ")
        yield _EMPTY


def _verdict(document: Document, width: int) -> Iterator[Line]:
    yield from _paragraph(_judgement(document), width, hang="  ", style="bold")
    yield from _next(document, width)


def _judgement(document: Document) -> str:
    changes, drift = len(document["changes"]), document["command"] == "drift"
    match document["verdict"]:
        case "in_sync":
            return f"IN SYNC: {_matching(document['summary'])} match the files{_partly(document)}"
        case "ready" if not drift:
            consent = document["summary"]["findings"]["danger"]
            rest = f"{_count(consent, 'danger')} acknowledged" if consent else "nothing needs acknowledgement"
            return f"READY: {_count(changes, 'change')}, {rest}{_partly(document)}"
        case _ if drift:
            differ = f"{_count(changes, 'difference')} between the cluster and the files" if changes else ""
            stopped = _blockers(document) if document["verdict"] == "blocked" else ""
            return f"DRIFT: {'; '.join(filter(None, [differ, stopped]))}{_partly(document)}"
        case _:
            return f"BLOCKED: {_blockers(document)}; nothing was changed{_partly(document)}"


def _matching(summary: Document) -> str:
    counts = [_count(summary[kind]["in_sync"], noun) for kind, noun in _NOUNS.items() if kind in summary]
    return " and ".join(counts) or "0 resources"


def _partly(document: Document) -> str:
    return " (partial)" if document["options"]["only"] else ""


def _blockers(document: Document) -> str:
    counts = document["summary"]["findings"]
    dangers, errors = counts["danger_unacknowledged"], counts["error"]
    needs = f"{_count(dangers, 'danger')} {'needs' if dangers == 1 else 'need'} acknowledgement" if dangers else ""
    told = ", ".join(filter(None, [needs, _count(errors, "error") if errors else ""]))
    return told or _count(counts["warning"], "warning")


def _next(document: Document, width: int) -> Iterator[Line]:
    cluster = shlex.quote(document["cluster"]["name"])
    blocking = [one for one in document["findings"] if one["blocking"]]
    targets = _ack_targets(document["findings"])
    if document["verdict"] == "ready" and document["command"] != "apply":
        does = "  (sets the cluster back)" if document["command"] == "drift" else ""
        yield _command("to go on", f"kafkaops apply --cluster {cluster}{_only(document)}{does}")
    if targets:
        yield from _ack_commands(targets, cluster, width)
        yield _command("", "writes the acknowledgements into your YAML")
    if blocking:
        yield _command("to learn", f"kafkaops explain {blocking[0]['code']}")


def _only(document: Document) -> str:
    return "".join(f" --only {shlex.quote(pattern)}" for pattern in document["options"]["only"])


def _command(label: str, command: str) -> Line:
    """Never broken, so that it can be pasted."""
    return (Span(f"  {label:<{_END}}  {command}"),)


def _ack_commands(targets: Sequence[str], cluster: str, width: int) -> Iterator[Line]:
    one = " ".join(["kafkaops ack --cluster", cluster, *targets])
    if cells(one) + _END + 4 <= width:
        yield _command("to go on", one)
        return
    shown = targets[:_MOST]
    yield _command("to go on", f"kafkaops ack --cluster {cluster} \\")
    for target in shown[:-1]:
        yield _command("", f"  {target} \\")
    yield _command("", f"  {shown[-1]}")
    if len(targets) > len(shown):
        yield _command("", f"and {len(targets) - len(shown):,} more")


def _ack_targets(findings: Sequence[Document]) -> list[str]:
    """A bare code where only one finding has it."""
    wanted = [one for one in findings if _is_open(one) and one["ack"]]
    counts = Counter(one["code"] for one in findings)
    return [
        one["code"] if counts[one["code"]] == 1 else shlex.quote(f"{one['code']}@{one['address']}") for one in wanted
    ]


# apply


def _applied(document: Document, width: int) -> Iterator[Line]:
    """The end of an apply; what came before was shown as it happened."""
    if document["verdict"] in {"in_sync", "blocked"}:
        yield from _plan(document, width, details=False)
        return
    yield from _paragraph(_outcome_headline(document), width, hang="  ", style="bold")
    for result, word in (("failed", "failed"), ("skipped", "skipped"), ("not_reached", "left")):
        yield from _outcomes([one for one in document["outcomes"] if one["result"] == result], word, width)
    for one in (one for one in document["findings"] if one["code"] == "KO7003"):
        yield from _labelled("differs", f"{one['message']} [{one['code']}]", width, wide=_END)
    if document["verdict"] == "incomplete":
        yield from _after_incomplete(document, width)


def _after_incomplete(document: Document, width: int) -> Iterator[Line]:
    left = len(document["changes"]) - document["results"]["applied"]
    does = f"does the {left:,} that {'remains' if left == 1 else 'remain'}" if left else "does what still differs"
    yield from _labelled("state", "what was applied stays; nothing needs rolling back", width, wide=_END)
    yield _command(
        "to go on", f"kafkaops apply --cluster {shlex.quote(document['cluster']['name'])}{_only(document)}  ({does})"
    )


def _outcome_headline(document: Document) -> str:
    results, total, checked = document["results"], len(document["changes"]), document["verification"]
    if document["verdict"] == "applied":
        return f"APPLIED: {_count(total, 'change')}; read again on every live broker, all {checked['checked']:,} as planned"
    told = f"{results['applied']:,} of {total:,} done"
    told += "".join(f", {results[key]:,} {word}" for key, word in _RESULTS if results[key])
    if document["exit_code"] in {Exit.INTERRUPTED, Exit.TERMINATED}:
        return f"INTERRUPTED: {told}; the step that was under way may be done or not"
    unproven = "" if checked else "; the cluster could not be read again, so nothing proves it"
    return f"INCOMPLETE: {told}{unproven}"


_RESULTS = (("failed", "failed"), ("skipped", "skipped"), ("not_reached", "not reached"))


def _outcomes(outcomes: Sequence[Document], word: str, width: int) -> Iterator[Line]:
    for one in outcomes[:_MOST]:
        field = f" {one['field']}" if one["field"] else ""
        said = f": {one['message']}" if one["message"] else ""
        code = f" [{one['code']}]" if one["code"] else ""
        yield from _labelled(word, f"{one['action']} {one['address']}{field}{said}{code}", width, wide=_END)
    if len(outcomes) > _MOST:
        yield from _labelled("", f"and {len(outcomes) - _MOST:,} more {word}, all are in the JSON", width, wide=_END)


# validate, and whatever ends early


def _validation(document: Document, texts: Mapping[str, str], width: int, *, details: bool) -> Iterator[Line]:
    yield from _excerpts(document["findings"], texts, width, details=details)
    files = _count(document["source"]["files"], "file")
    yield (Span(f"{files} checked, no cluster contacted: {_problems(document)}", "bold"),)


def _failure(document: Document, texts: Mapping[str, str], width: int, *, details: bool) -> Iterator[Line]:
    yield from _excerpts(document["findings"], texts, width, details=details)
    if len(document["findings"]) > 1:
        yield (Span(f"{document['verdict'].upper()}: {_problems(document)}", "bold"),)


def _problems(document: Document) -> str:
    counts = document["summary"]["findings"]
    told = [_count(counts[name], name) for name in ("error", "danger", "warning", "notice") if counts[name]]
    return ", ".join(told) or "no problems"


def _excerpts(findings: Sequence[Document], texts: Mapping[str, str], width: int, *, details: bool) -> Iterator[Line]:
    """One of each, in order of position; repeats are counted."""
    groups: dict[tuple[str, str, str], list[Document]] = {}
    for one in findings:
        groups.setdefault((one["code"], one["severity"], one["message"]), []).append(one)
    shown = list(groups.values()) if details else list(groups.values())[:_MOST]
    for group in shown:
        headline, *rest = excerpt(finding_of(group[0]), texts, width=width)
        yield (Span(headline, "bold"),)
        yield from ((Span(line),) for line in rest)
        yield from _repeats(group[1:], rest[-1].index("="), details=details)
        if len(findings) > 1 or texts:
            yield _EMPTY
    if len(groups) > len(shown):
        yield (Span(f"{len(groups) - len(shown):,} more problems, -v lists them"),)
        yield _EMPTY


def _repeats(more: Sequence[Document], indent: int, *, details: bool) -> Iterator[Line]:
    if not more:
        return
    said = f"{' ' * indent}= same problem at {len(more):,} more place{'' if len(more) == 1 else 's'}"
    yield (Span(f"{said}:" if details else f"{said}, -v lists them"),)
    if details:
        yield from ((Span(f"{' ' * indent}    {_place(one['source']) or one['address']}"),) for one in more)


# describe


def _resource(document: Document, width: int) -> Iterator[Line]:
    yield from _header(document, width)
    yield (Span(document["address"], "bold"),)
    place = _place(document["declared_at"]) or "in no file"
    yield from _labelled("declared", place, width, wide=12)
    yield from _labelled("live", "yes" if document["live_now"] else "no", width, wide=12)
    for fact in document["facts"]:
        yield from _labelled(fact["name"], fact["value"], width, wide=12)
    yield from _fields(document["fields"], width)
    yield from _inherited(document["inherited"], width)
    yield from _bindings("ACLS", document["acls"], width)
    yield from _dangers("FINDINGS", document["findings"], {}, width)
    yield _EMPTY
    yield from _paragraph(_resource_judgement(document), width, hang="  ", style="bold")


def _resource_judgement(document: Document) -> str:
    differing = [one["name"] for one in document["fields"] if one["differs"]]
    match document["declared"], document["live_now"]:
        case False, False:
            return "NOT FOUND: in no file and not on the cluster"
        case False, True:
            return "UNDECLARED: live, and in no file"
        case True, False:
            return "MISSING: declared, and not on the cluster"
        case _:
            return f"DIFFERS: {', '.join(differing)}" if differing else "IN SYNC: live as the files say"


def _fields(fields: Sequence[Document], width: int) -> Iterator[Line]:
    if not fields:
        return
    yield from _section("FIELDS", len(fields), width)
    rows = [_Row(" " * 2, ("field", "files", "cluster", "written in"))]
    yield from _table([*rows, *(_field(one) for one in fields)], width)


def _field(one: Document) -> _Row:
    want, have = one["want"], one["have"]
    written = " ".join(filter(None, [want["layer"], _place(want["source"])])) if want else ""
    wanted = want["display"] or "(empty)" if want else "-"
    return _Row("~ " if one["differs"] else "  ", (one["name"], wanted, _side(have) if have else "-", written))


def _inherited(values: Sequence[Document], width: int) -> Iterator[Line]:
    if not values:
        return
    yield from _section("NOT SET ANYWHERE, SO INHERITED", len(values), width)
    yield from _table([_Row("  ", (one["name"], _side(one))) for one in values], width)


def _bindings(title: str, acls: Sequence[Document], width: int) -> Iterator[Line]:
    if not acls:
        return
    yield from _section(title, len(acls), width)
    yield from _table([_Row("  ", _binding(one)) for one in acls], width)


# doctor


def _doctor(document: Document, width: int) -> Iterator[Line]:
    if "cluster" in document:
        yield from _header(document, width)
    checks = document["checks"]
    wide = max((cells(visible(one["name"])) for one in checks), default=0)
    for one in checks:
        sign = {"failed": "!", "warning": "~"}.get(one["result"], " ")
        lead = f" {one['result']:<7}  {visible(one['name']):<{wide}}  "
        first, *rest = _paragraph(f" {lead}{visible(one['message'])}", width, hang=" " * (cells(lead) + 1))
        yield (Span(sign, _SIGNS.get(sign, "")), Span(first[0].text[1:]))
        yield from rest
        if one["help"]:
            yield from _paragraph(f"{' ' * (cells(lead) + 1)}help: {one['help']}", width, hang=" " * (cells(lead) + 7))
    for grants in document["grants"]:
        yield from _bindings(f"ACLS FOR {_A[grants['purpose']]} PRINCIPAL", grants["acls"], width)
        yield _EMPTY
        yield (Span("  the same as commands; add --bootstrap-server and --command-config"),)
        yield from ((Span(f"  {command}"),) for command in grants["commands"])
    yield _EMPTY
    yield (Span(_health(document["summary"]["checks"]), "bold"),)


_A = {"plan": "A PLAN", "apply": "AN APPLY"}


def _health(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    troubles = [f"{counts[key]} {word}" for key, word in _TROUBLES if counts[key]]
    return f"{'FAILED' if counts['failed'] else 'HEALTHY'}: {counts['ok']} of {total} checks ok" + "".join(
        f", {one}" for one in troubles
    )


_TROUBLES = (("warning", "with a warning"), ("failed", "failed"), ("unknown", "unknown"))


# lines


def _section(title: str, count: int, width: int) -> Iterator[Line]:
    head = f"{title}: {count:,} "
    yield _EMPTY
    yield (Span(head + "-" * max(_text_width(width) - cells(head), 3), "bold"),)
    yield _EMPTY


def _text_width(width: int) -> int:
    """Sentences are easier to read in lines that are not too long."""
    return min(width, WIDTH_WITHOUT_TERMINAL)


_END = 8  # labels of the last block


def _labelled(label: str, text: str, width: int, *, wide: int = 6) -> Iterator[Line]:
    lead = f"  {label:<{wide}}  "
    yield from _paragraph(lead + visible(text), width, hang=" " * cells(lead))


def _paragraph(text: str, width: int, *, hang: str, style: str = "") -> Iterator[Line]:
    """Broken at spaces; what has none stays whole, however long."""
    line, empty = "", True
    for word in _words(visible(text)):
        if not empty and cells(line) + cells(word) > _text_width(width):
            yield (Span(line.rstrip(), style),)
            line = hang + word.lstrip()
        else:
            line += word
        empty = False
    yield (Span(line, style),)


def _words(text: str) -> Iterator[str]:
    """Each with the spaces before it; the indent stays with the first."""
    start = len(text) - len(text.lstrip(" "))
    head, *rest = text[start:].split(" ")
    yield " " * start + head
    yield from (f" {word}" for word in rest)


def _place(source: Document | None) -> str:
    return "" if source is None else f"{source['file']}:{source['line']}:{source['column']}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
