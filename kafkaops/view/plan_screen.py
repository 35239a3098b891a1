"""plan and drift: totals first, then the dangers, then detail, then the verdict and the next command."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Any

from kafkaops.plan import Phase
from kafkaops.view.lines import (
    EMPTY,
    END,
    GAP,
    MOST,
    SIGNS,
    Document,
    Line,
    Row,
    Span,
    command,
    labelled,
    paragraph,
    section,
    table,
    text_width,
)
from kafkaops.view.visible import cells, visible
from kafkaops.view.words import binding, counted, moment, placed, sides


def plan_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    findings = document["findings"]
    yield from header_lines(document, width)
    yield from _totals(document)
    if document["verdict"] != "in_sync":
        undo = _undo(document)
        yield from danger_lines("NEEDS ACKNOWLEDGEMENT", [one for one in findings if _is_open(one)], undo, width)
        yield from danger_lines("ERRORS", [one for one in findings if one["severity"] == "error"], undo, width)
        yield from danger_lines("ACKNOWLEDGED", [one for one in findings if one["acknowledged"]], undo, width)
        yield from _changes(document, width, details=details)
    yield from _remarks("WARNINGS", "warning", findings, width, details=details)
    yield from _remarks("NOTICES", "notice", findings, width, details=details)
    yield EMPTY
    yield from _order(document["changes"], width)
    yield from _verdict(document, width)


def _is_open(finding: Document) -> bool:
    return bool(finding["severity"] == "danger" and finding["blocking"])


def header_lines(document: Document, width: int) -> Iterator[Line]:
    cluster, live, source = document["cluster"], document["live"], document["source"]
    known = [f"id {cluster['id']}" if cluster["id"] else "", f"Kafka {cluster['kafka_version']}"]
    known += [counted(cluster["brokers"], "broker"), counted(cluster["racks"], "rack") if cluster["racks"] else ""]
    yield from paragraph(
        f"kafkaops {document['tool_version']} {document['command']}: cluster {cluster['name']} ({', '.join(filter(None, known))})",
        width,
        hang="  ",
        style="bold",
    )
    who = f" as {live['principal']}" if live["principal"] else ""
    yield (Span(f"  files   {source['path']}, {counted(source['files'], 'file')}"),)
    yield from labelled("live", f"read {moment(live['read_at'])} in {live['seconds']} s{who}", width)
    if live["scope"]:
        yield from labelled("scope", _scope(live["scope"]), width)
    if document.get("options", {}).get("only"):
        yield from labelled("only", f"{', '.join(document['options']['only'])} (partial: the rest is left out)", width)
    yield EMPTY


def _scope(scope: Mapping[str, Any]) -> str:
    parts = [
        f"{counted(one['live'], _NOUNS[kind])}, {one['managed']:,} managed here"
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


def danger_lines(title: str, findings: Sequence[Document], undo: Mapping[str, bool], width: int) -> Iterator[Line]:
    if not findings:
        return
    yield from section(title, len(findings), width)
    for one in findings:
        said = {True: "can be undone", False: "cannot be undone", None: ""}[undo.get(one["ref"])]
        yield from _danger_head(one, said, width)
        if one["source"]:
            yield (Span(f"    {placed(one['source'])}"),)
        if one["label"]:
            yield from paragraph(f"    {one['label']}", width, hang="    ")
        for note in one["notes"]:
            yield from paragraph(f"    {note}", width, hang="      ")
        if one["help"]:
            yield from paragraph(f"    help: {one['help']}", width, hang="          ")


def _danger_head(one: Document, said: str, width: int) -> Iterator[Line]:
    head = f" {one['code']} {visible(one['message'])}"
    room = text_width(width) - 1 - cells(head) - cells(said)
    if said and room >= GAP:
        yield (Span("!", SIGNS["!"]), Span(f"{head}{' ' * room}{said}"))
        return
    first, *rest = paragraph(f"!{head}", width, hang="    ")
    yield (Span("!", SIGNS["!"]), Span(first[0].text[1:]))
    yield from rest
    if said:
        yield (Span(f"    {said}"),)


_MANY_CREATES = 40  # beyond it, created topics leave out their settings
_MANY_RULES = 3  # of one principal, beyond which it stands above them


def _changes(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    changes = document["changes"]
    if not changes:
        return
    yield from section("DRIFT" if document["command"] == "drift" else "CHANGES", len(changes), width)
    dangers = {one["ref"] for one in document["findings"] if one["severity"] in {"danger", "error"}}
    short = sum(change["action"] == "create" for change in changes) > _MANY_CREATES and not details
    topics = [one for one in changes if _kind(one) != "acl"]
    access = [one for one in changes if _kind(one) == "acl"]
    yield from table(list(_topics(topics, dangers, short=short)), width)
    if short:
        yield (Span("  settings and places of created topics are left out, --details shows them"),)
    if topics and access:
        yield EMPTY
    yield from table(list(_access(access)), width)


def _topics(changes: Sequence[Document], dangers: AbstractSet[str], *, short: bool) -> Iterator[list[Row]]:
    """A block each."""
    ordered = sorted(changes, key=lambda change: (_ORDER[change["action"]], change["address"]))
    for _, group in groupby(ordered, key=lambda change: (change["address"], change["action"])):
        yield list(_rows(list(group), dangers, short=short))


_ORDER = {"create": 0, "update": 1, "delete": 2}


def _rows(changes: Sequence[Document], dangers: AbstractSet[str], *, short: bool) -> Iterator[Row]:
    """Of one resource."""
    first = changes[0]
    kind, name = _kind(first), _name(first["address"])
    match first["action"]:
        case "create" if short:
            yield Row(f"+ {kind:<6}", (name, first["summary"]))
        case "create":
            yield Row(f"+ {kind:<6}", (name, first["summary"], placed(first["source"])))
            yield from (_setting(one) for one in first["fields"] if one["name"] not in _IN_SUMMARY)
        case "update":
            yield Row(f"~ {kind:<6}", (name,))
            yield from (_update(change, dangers) for change in changes)
        case _:
            yield Row(f"- {kind:<6}", (name, first["summary"], _codes(first)))


def _access(changes: Sequence[Document]) -> Iterator[list[Row]]:
    """A row each; whoever gains or loses by many rules stands above them."""
    rules: dict[str, list[Document]] = {}
    for change in sorted(changes, key=lambda change: (_sign(change), change["address"])):
        rules.setdefault(_principal(change), []).append(change)
    few = [change for its in rules.values() if len(its) <= _MANY_RULES for change in its]
    for change in sorted(few, key=lambda change: (_sign(change), change["address"])):
        yield [Row(f"{_sign(change)} acl   ", (_principal(change), *_rule(change)))]
    for principal, its in sorted(rules.items()):
        if len(its) > _MANY_RULES:
            yield [Row("~ acl   ", (principal,)), *(Row(f"{_sign(change)}         ", _rule(change)) for change in its)]


def _principal(change: Document) -> str:
    return str((change["after"] or change["before"])["principal"])


def _rule(change: Document) -> tuple[str, ...]:
    _, *rule = binding(change["after"] or change["before"])
    return (*rule, _codes(change))


def _sign(change: Document) -> str:
    return "+" if change["action"] == "grant" else "-"


def _kind(change: Document) -> str:
    return str(change["address"]).split("/", 1)[0]


def _name(address: str) -> str:
    return address.split("/", 1)[-1]


_IN_SUMMARY = {"partitions", "replication.factor"}


def _codes(change: Document) -> str:
    return " ".join(sorted({ref.split("#")[0] for ref in change["findings"]}))


def _setting(one: Document) -> Row:
    return Row("+         ", (one["name"], one["after"]["display"]))


def _update(change: Document, dangers: AbstractSet[str]) -> Row:
    sign = "~" if dangers.isdisjoint(change["findings"]) else "!"
    last = _codes(change) or placed(change["source"])
    return Row(f"{sign}         ", (change["field"], sides(change["before"], change["after"]), last))


def _remarks(title: str, severity: str, findings: Sequence[Document], width: int, *, details: bool) -> Iterator[Line]:
    found = sorted((one for one in findings if one["severity"] == severity), key=lambda one: one["code"])
    if not found:
        return
    yield from section(title, len(found), width)
    for _, alike in groupby(found, key=lambda one: (one["code"], _predicate(one), one["help"])):
        group = list(alike)
        shown = group if details else group[:MOST]
        yield from _alike(shown, width) if len(group) > 1 and _predicate(group[0]) else _each(shown, width)
        if len(group) > len(shown):
            yield (Span(f"{_INDENT}and {len(group) - len(shown):,} more, --details lists them"),)
        if group[0]["help"]:
            yield from paragraph(f"{_INDENT}help: {group[0]['help']}", width, hang=f"{_INDENT}      ")


_INDENT = " " * 9


def _predicate(one: Document) -> str:
    """What is said of the resource, where the message says it as `NAME: ...` and of no line of a file."""
    subject = f"{_name(one['address'])}: "
    return one["message"].removeprefix(subject) if not one["source"] and one["message"].startswith(subject) else ""


def _alike(group: Sequence[Document], width: int) -> Iterator[Line]:
    yield from paragraph(f"  {group[0]['code']} each {_predicate(group[0])}", width, hang=_INDENT)
    yield from paragraph(_INDENT + ", ".join(visible(_name(one["address"])) for one in group), width, hang=_INDENT)


def _each(group: Sequence[Document], width: int) -> Iterator[Line]:
    for one in group:
        head, place = f"  {one['code']} {visible(one['message'])}", placed(one["source"])
        if place and cells(head) + 2 + cells(place) <= text_width(width):
            room = text_width(width) - cells(head) - cells(place)
            yield (Span(f"{head}{' ' * room}{place}"),)
        else:
            yield from paragraph(head, width, hang=_INDENT)
            if place:
                yield (Span(f"{_INDENT}{place}"),)
        for note in one["notes"]:
            yield from paragraph(f"{_INDENT}{note}", width, hang=f"{_INDENT}  ")


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
        yield from paragraph(f"Apply order: {', '.join(steps)}", width, hang="  ")
        yield EMPTY


def _verdict(document: Document, width: int) -> Iterator[Line]:
    yield from paragraph(_judgement(document), width, hang="  ", style="bold")
    yield from _next(document, width)


def _judgement(document: Document) -> str:
    changes, drift = len(document["changes"]), document["command"] == "drift"
    match document["verdict"]:
        case "in_sync":
            return f"IN SYNC: {_matching(document['summary'])} match the files{_partly(document)}"
        case "ready" if not drift:
            consent = document["summary"]["findings"]["danger"]
            rest = f"{counted(consent, 'danger')} acknowledged" if consent else "nothing needs acknowledgement"
            return f"READY: {counted(changes, 'change')}, {rest}{_partly(document)}"
        case _ if drift:
            differ = f"{counted(changes, 'difference')} between the cluster and the files" if changes else ""
            stopped = _blockers(document) if document["verdict"] == "blocked" else ""
            return f"DRIFT: {'; '.join(filter(None, [differ, stopped]))}{_partly(document)}"
        case _:
            return f"BLOCKED: {_blockers(document)}; nothing was changed{_partly(document)}"


def _matching(summary: Document) -> str:
    counts = [counted(summary[kind]["in_sync"], noun) for kind, noun in _NOUNS.items() if kind in summary]
    return " and ".join(counts) or "0 resources"


def _partly(document: Document) -> str:
    return " (partial)" if document["options"]["only"] else ""


def _blockers(document: Document) -> str:
    counts = document["summary"]["findings"]
    dangers, errors = counts["danger_unacknowledged"], counts["error"]
    needs = f"{counted(dangers, 'danger')} {'needs' if dangers == 1 else 'need'} acknowledgement" if dangers else ""
    told = ", ".join(filter(None, [needs, counted(errors, "error") if errors else ""]))
    return told or counted(counts["warning"], "warning")


def _next(document: Document, width: int) -> Iterator[Line]:
    cluster = shlex.quote(document["cluster"]["name"])
    blocking = [one for one in document["findings"] if one["blocking"]]
    targets = _ack_targets(document["findings"])
    if document["verdict"] == "ready" and document["command"] != "apply":
        does = "  (sets the cluster back)" if document["command"] == "drift" else ""
        yield command("to go on", f"kafkaops apply --cluster {cluster}{only_flags(document)}{does}")
    if targets:
        yield from _ack_commands(targets, cluster, width)
        yield command("", "writes the acknowledgements into your YAML")
    if blocking:
        yield command("to learn", f"kafkaops explain {blocking[0]['code']}")


def only_flags(document: Document) -> str:
    return "".join(f" --only {shlex.quote(pattern)}" for pattern in document["options"]["only"])


def _ack_commands(targets: Sequence[str], cluster: str, width: int) -> Iterator[Line]:
    one = " ".join(["kafkaops ack --cluster", cluster, *targets])
    if cells(one) + END + 4 <= width:
        yield command("to go on", one)
        return
    shown = targets[:MOST]
    yield command("to go on", f"kafkaops ack --cluster {cluster} \\")
    for target in shown[:-1]:
        yield command("", f"  {target} \\")
    yield command("", f"  {shown[-1]}")
    if len(targets) > len(shown):
        yield command("", f"and {len(targets) - len(shown):,} more")


def _ack_targets(findings: Sequence[Document]) -> list[str]:
    """A bare code where only one finding has it."""
    wanted = [one for one in findings if _is_open(one) and one["ack"]]
    counts = Counter(one["code"] for one in findings)
    return [
        one["code"] if counts[one["code"]] == 1 else shlex.quote(f"{one['code']}@{one['address']}") for one in wanted
    ]
