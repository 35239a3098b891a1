"""plan and drift: totals first, then the dangers, then detail, then the verdict and the next command."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Any

from kafkaops import units
from kafkaops.view import movement
from kafkaops.view.dangers import alike, is_open, sentence, undo_of
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
    fits,
    labelled,
    listed,
    paragraph,
    section,
    table,
    text_width,
)
from kafkaops.view.origins import HELD, base_argument, compared, held_back, parts, to_do
from kafkaops.view.verdict import ack_targets, apply_command, apply_order, judgement, undo_targets, undoes
from kafkaops.view.visible import cells, visible
from kafkaops.view.words import (
    NOUNS,
    access_sign,
    binding_of,
    codes_of,
    counted,
    kind_of,
    moment,
    name_of,
    operations,
    placed,
    sides,
)


def plan_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    findings = document["findings"]
    yield from header_lines(document, width)
    yield from _totals(document, width)
    if document["verdict"] != "in_sync":
        undo = undo_of(document)
        for title, which in _BLOCKS:
            yield from danger_lines(title, list(filter(which, findings)), undo, width, details=details)
        yield from _changes(document, width, details=details)
        yield from _moves(document, width)
    yield from remark_lines("WARNINGS", "warning", findings, width, details=details)
    yield from remark_lines("NOTICES", "notice", findings, width, details=details)
    yield EMPTY
    yield from _order(to_do(document), width)
    yield from _verdict(document, width)


_BLOCKS: tuple[tuple[str, Callable[[Document], bool]], ...] = (
    ("NEEDS ACKNOWLEDGEMENT", is_open),
    ("ERRORS", lambda one: bool(one["severity"] == "error" and not held_back(one))),
    ("ACKNOWLEDGED", lambda one: bool(one["acknowledged"])),
)


def header_lines(document: Document, width: int) -> Iterator[Line]:
    cluster, live, source = document["cluster"], document["live"], document["source"]
    known = [f"id {cluster['id']}" if cluster["id"] else "", f"Kafka {cluster['kafka_version']}"]
    known += [counted(cluster["brokers"], "broker"), counted(cluster["racks"], "rack") if cluster["racks"] else ""]
    head = f"kafkaops {document['tool_version']} {document['command']}: cluster {cluster['name']}"
    yield from _beside(head, f"({', '.join(filter(None, known))})", width)
    yield from labelled("files", f"{source['path']}, {counted(source['files'], 'file')}{compared(document)}", width)
    yield from labelled("live", _live(live), width)
    if live["scope"]:
        yield from labelled("scope", _scope(live["scope"]), width)
    if document.get("options", {}).get("only"):
        yield from labelled("only", f"{', '.join(document['options']['only'])} (partial: the rest is left out)", width)
    yield EMPTY


def _live(live: Document) -> str:
    who = f"as {live['principal']}" if live["principal"] else ""
    if "snapshot" not in live:
        return f"read {moment(live['read_at'])} in {live['seconds']} s {who}".rstrip()
    saved = live["snapshot"]
    old = units.age(saved["age_seconds"])
    return ", read ".join(filter(None, (f"snapshot {saved['path']} of {moment(live['read_at'])}, {old} old", who)))


def _beside(head: str, rest: str, width: int) -> Iterator[Line]:
    """On one line, if the terminal is wide enough."""
    if cells(visible(f"{head} {rest}")) <= width:
        yield (Span(f"{head} {rest}", "bold"),)
        return
    yield (Span(head, "bold"),)
    yield from paragraph(f"  {rest}", width, hang="  ", style="bold")


def _scope(scope: Mapping[str, Any]) -> str:
    parts = [
        f"{counted(one['live'], NOUNS[kind])}, {one['managed']:,} managed here"
        for kind, one in sorted(scope.items(), reverse=True)
    ]
    return "; ".join([*parts, "the rest is left alone"])


_TOTALS = {
    "topics": ("create", "change", "delete", "in_sync", "drift", "held_back", "stuck", "undeclared"),
    "acls": ("grant", "revoke", "", "in_sync", "drift", "held_back", "", ""),
}
_USUAL = 4  # columns that every plan has
_RARE = {
    "drift": "drifted",
    "held_back": "held back",
    "stuck": "stuck",
    "undeclared": "undeclared",
}  # said only where there are some


def _totals(document: Document, width: int) -> Iterator[Line]:
    """What is rare goes to a line of its own where the terminal is too narrow."""
    rows = {
        kind: [_total(counts, key) for key in _TOTALS[kind]]
        for kind, counts in document["summary"].items()
        if kind in _TOTALS
    }
    wide = [max(map(cells, column)) for column in zip(*rows.values(), strict=True)]
    for kind, row in rows.items():
        texts = [f"{text:<{room}}" for text, room in zip(row, wide, strict=True) if room]
        line = f"  {kind:<8}{'   '.join(texts)}"
        if cells(line.rstrip()) <= width:
            yield (Span(line),)
            continue
        usual = [f"{text:<{room}}" for text, room in zip(row[:_USUAL], wide, strict=False) if room]
        yield (Span(f"  {kind:<8}{'   '.join(usual)}"),)
        yield (Span(f"{'':<10}{'   '.join(filter(None, row[_USUAL:]))}"),)


def _total(counts: Document, key: str) -> str:
    if not key or (key in _RARE and not counts.get(key)):
        return ""
    return f"{counts[key]:,} {_RARE.get(key, key).replace('_', ' ')}"


def danger_lines(
    title: str, findings: Sequence[Document], undo: Mapping[str, bool], width: int, *, details: bool = False
) -> Iterator[Line]:
    """What is the same for several is said once."""
    if findings:
        yield from section(title, len(findings), width)
        yield from _dangers(findings, undo, width, details=details)


def _dangers(findings: Sequence[Document], undo: Mapping[str, bool], width: int, *, details: bool) -> Iterator[Line]:
    for group in alike(findings, undo):
        first = group[0]
        said = {True: "can be undone", False: "cannot be undone", None: ""}[undo.get(first["ref"])]
        yield from _danger_head(f"{first['code']} {sentence(group)}", said, width)
        yield from _whom(group, "    ", width, details=details)
        if first["label"]:
            yield from paragraph(f"    {first['label']}", width, hang="    ")
        for note in first["notes"]:
            yield from paragraph(f"    {note}", width, hang="      ")
        if first["help"]:
            yield from paragraph(f"    help: {first['help']}", width, hang="          ")


def _whom(group: Sequence[Document], lead: str, width: int, *, details: bool) -> Iterator[Line]:
    """The place of one; the names of several, with their places where these differ."""
    places = {placed(one["source"]) for one in group}
    if len(places) == 1 and places != {""}:
        yield (Span(f"{lead}{places.pop()}"),)
    if len(group) == 1:
        return
    shown = group if details else group[:MOST]
    names = [name_of(one["address"]) for one in shown]
    if len(places) > 1:
        yield from table(
            [Row(lead, (name, placed(one["source"]))) for name, one in zip(names, shown, strict=True)], width
        )
    else:
        yield from listed(lead, names, width)
    if len(group) > len(shown):
        yield (Span(f"{lead}and {len(group) - len(shown):,} more (-v lists them)"),)


def _danger_head(sentence: str, said: str, width: int) -> Iterator[Line]:
    head = f" {sentence}"
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


def _changes(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    for title, why, changes in parts(document):
        if changes:
            shown = title.upper()
            yield from section(shown, len(changes), width, why.format("this change" if len(changes) == 1 else "these"))
            held = [one for one in document["findings"] if held_back(one)] if title == "held back" else []
            yield from _held(held, undo_of(document), width, details=details)
            yield from _part(changes, document, width, details=details)


def _held(findings: Sequence[Document], undo: Mapping[str, bool], width: int, *, details: bool) -> Iterator[Line]:
    if findings:
        yield from paragraph(f"  {HELD}", width, hang="  ")
        yield EMPTY
        yield from _dangers(findings, undo, width, details=details)
        yield EMPTY


def _part(unsorted: Sequence[Document], document: Document, width: int, *, details: bool) -> Iterator[Line]:
    changes = sorted(unsorted, key=lambda change: change["address"].split("/"))
    dangers = {one["ref"] for one in document["findings"] if one["severity"] in {"danger", "error"}}
    topics = [one for one in changes if kind_of(one) != "acl"]
    access = [one for one in changes if kind_of(one) == "acl"]
    yield from _created([one for one in topics if one["action"] == "create"], width, details=details)
    yield from table(list(_updated([one for one in topics if one["field"]], dangers)), width)
    yield from table([_deleted(one) for one in topics if one["action"] == "delete"], width)
    if topics and access:
        yield EMPTY
    yield from table(list(_access(access)), width)


def _moves(document: Document, width: int) -> Iterator[Line]:
    told = list(movement.facts(document))
    if told:
        moved = [change for change in document["changes"] if change.get("moves")]
        yield from section("DATA MOVEMENT", len(moved), width)
        for name, fact in told:
            yield from labelled(name, fact, width, wide=8)


def _created(changes: Sequence[Document], width: int, *, details: bool) -> Iterator[Line]:
    """Where name, size and place do not fit beside each other, the size is first among the settings."""
    if len(changes) > _MANY_CREATES and not details:
        yield from table([Row(_lead("+", one), (name_of(one["address"]), one["summary"])) for one in changes], width)
        yield (Span("  settings and places of created topics are left out (-v shows them)"),)
        return
    rows = [
        Row(_lead("+", one), (name_of(one["address"]), one["summary"], placed(one["source"])), _settings(one))
        for one in changes
    ]
    if not fits(rows, width):
        rows = [Row(lead, (name, place), (size, *below)) for lead, (name, size, place), below in rows]
    yield from table(rows, width)


def _settings(created: Document) -> tuple[str, ...]:
    return tuple(
        f"{one['name']} {one['after']['display'] or '(empty)'}"
        for one in created["fields"]
        if one["name"] not in _IN_SUMMARY
    )


_IN_SUMMARY = {"partitions", "replication.factor"}


def _updated(changes: Sequence[Document], dangers: AbstractSet[str]) -> Iterator[Row]:
    for address, group in groupby(changes, key=lambda change: change["address"]):
        its = list(group)
        yield Row(f"{_lead('~', its[0])}{name_of(address)}")
        yield from (_update(change, dangers) for change in its)


def _update(change: Document, dangers: AbstractSet[str]) -> Row:
    sign = "~" if dangers.isdisjoint(change["findings"]) else "!"
    last = codes_of(change) or placed(change["source"])
    return Row(f"{sign}         ", (change["field"], sides(change["before"], change["after"]), last))


def _deleted(change: Document) -> Row:
    return Row(_lead("-", change), (name_of(change["address"]), change["summary"], codes_of(change)))


def _access(changes: Sequence[Document]) -> Iterator[Row]:
    """By principal, operations on the same resource in one row."""
    principals = groupby(sorted(changes, key=_principal), key=_principal)
    heads = [(visible(name), list(its)) for name, its in principals]
    wide = max((cells(name) for name, _ in heads), default=0)
    for name, its in heads:
        signs = Counter(map(access_sign, its))
        told = [counted(signs[sign], noun) for sign, noun in (("+", "grant"), ("-", "revoke")) if signs[sign]]
        sign = "~" if len(signs) > 1 else access_sign(its[0])
        yield Row(f"{sign} acl   {name}{' ' * (wide - cells(name))}  {', '.join(told)}")
        yield from _rules(its)


def _rules(changes: Sequence[Document]) -> Iterator[Row]:
    """Grants first."""
    for (sign, its, codes), of in operations(changes).items():
        yield Row(f"{sign}         ", (f"{its.permission} {', '.join(of)}", its.resource, its.host, codes))


def _principal(change: Document) -> str:
    return str(binding_of(change)["principal"])


def _lead(sign: str, change: Document) -> str:
    return f"{sign} {kind_of(change):<6}"


def remark_lines(
    title: str, severity: str, findings: Sequence[Document], width: int, *, details: bool
) -> Iterator[Line]:
    found = sorted((one for one in findings if one["severity"] == severity), key=lambda one: one["code"])
    if not found:
        return
    yield from section(title, len(found), width)
    groups = alike(found, {})
    shown = groups if details else groups[:MOST]
    for group in shown:
        yield from _remark(group, width, details=details)
    if len(groups) > len(shown):
        left = sum(map(len, groups[MOST:]))
        yield (Span(f"  and {left:,} more (-v lists them)"),)


_INDENT = " " * 9


def _remark(group: Sequence[Document], width: int, *, details: bool) -> Iterator[Line]:
    first = group[0]
    yield from paragraph(f"  {first['code']} {sentence(group)}", width, hang=_INDENT)
    yield from _whom(group, _INDENT, width, details=details)
    for note in first["notes"]:
        yield from paragraph(f"{_INDENT}{note}", width, hang=f"{_INDENT}  ")
    if first["help"]:
        yield from paragraph(f"{_INDENT}help: {first['help']}", width, hang=f"{_INDENT}      ")


def _order(changes: Sequence[Document], width: int) -> Iterator[Line]:
    order = apply_order(changes)
    if order:
        yield from paragraph(f"Apply order: {order}", width, hang="  ")
        yield EMPTY


def _verdict(document: Document, width: int) -> Iterator[Line]:
    yield from paragraph(judgement(document).sentence, width, hang="  ", style="bold")
    touched = len({change["address"] for change in to_do(document)})
    if touched:
        holds = "it touches stays" if touched == 1 else "it touches stay"
        text = f"{document['fingerprint']} (holds while the {counted(touched, 'thing')} {holds} as read)"
        yield from labelled("plan", text, width, wide=END)
    yield from _next(document, width)


def _next(document: Document, width: int) -> Iterator[Line]:
    cluster = shlex.quote(document["cluster"]["name"])
    blocking = [one for one in document["findings"] if one["blocking"]]
    targets = ack_targets(document)
    if document["verdict"] == "ready" and document["command"] != "apply" and to_do(document):
        does = "  (sets the cluster back)" if document["command"] == "drift" else ""
        yield command("to go on", f"{apply_command(document)}{does}")
    if targets and undoes(document):
        acks = [f"--ack {shlex.quote(target)}" for target in undo_targets(document)]
        yield from _broken_command([apply_command(document), *acks], width)
    elif targets:
        yield from _ack_commands(targets, " ".join([cluster, *map(shlex.quote, base_argument(document))]), width)
        yield command("", "writes the acknowledgements into your YAML")
    if blocking:
        yield command("to learn", f"kafkaops explain {blocking[0]['code']}")


def _ack_commands(targets: Sequence[str], cluster: str, width: int) -> Iterator[Line]:
    yield from _broken_command([f"kafkaops ack --cluster {cluster}", *targets], width)


def _broken_command(parts: Sequence[str], width: int) -> Iterator[Line]:
    """A part a line, where they are too long for one."""
    one = " ".join(parts)
    if cells(one) + END + 4 <= width:
        yield command("to go on", one)
        return
    first, *rest = parts
    yield command("to go on", f"{first} \\")
    for part in rest[:-1]:
        yield command("", f"  {part} \\")
    yield command("", f"  {rest[-1]}")
