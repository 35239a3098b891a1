"""The document as GitHub's Markdown: for a comment, a job summary, a file.

What it may be long is bounded. The first of `_LADDER` that fits is taken: detail of what is safe goes first, dangers and errors go last, totals never. Blocks
are built whole and left out whole; the last line says what is left out.
"""

from __future__ import annotations

import re
import shlex
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from kafkaops.units import age
from kafkaops.view import movement
from kafkaops.view.dangers import alike, is_open, predicate, undo_of
from kafkaops.view.excerpt import masked
from kafkaops.view.inert import code, fenced, folded, prose, row
from kafkaops.view.lines import Document, Row, table
from kafkaops.view.origins import Part, base_argument, compared, has_base, held_back, parts, to_do
from kafkaops.view.verdict import ack_targets, apply_command, apply_order, ended_early, judgement, merge_command, undoes
from kafkaops.view.visible import visible
from kafkaops.view.words import (
    binding_of,
    codes_of,
    counted,
    kind_of,
    moment,
    name_of,
    operations,
    placed,
    side,
    sides,
)

BUDGET = 60_000
"""UTF-8 bytes: GitHub takes 65,536 characters in one comment."""


def render(document: Document, *, budget: int = BUDGET) -> str:
    """One document, marker first, ending with a newline."""
    return comment((document,), budget=budget)


def comment(documents: Sequence[Document], *, budget: int = BUDGET) -> str:
    """One section for each document, in the order of the clusters' names; whoever needs little leaves the others more."""
    ordered = sorted(documents, key=cluster_of)
    head = marker(ordered)
    left = budget - size(head) - 2
    sections: dict[int, str] = {}
    for done, index in enumerate(sorted(range(len(ordered)), key=lambda index: size(_full(ordered[index])))):
        sections[index] = _fitted(ordered[index], left // (len(ordered) - done) - 2)
        left -= size(sections[index]) + 2
    return "\n\n".join([head, *(sections[index] for index in range(len(ordered)))]) + "\n"


def marker(documents: Sequence[Document]) -> str:
    """By which a comment is found again: the command, and the clusters in it. No name can end it."""
    return f"<!-- kafkaops:{_key(documents[0]['command'])} v=1 key={'+'.join(sorted(_key(cluster_of(one)) for one in documents))} -->"


def _key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", lambda match: "".join(f"%{byte:02X}" for byte in _bytes(match[0])), name)


def cluster_of(document: Document) -> str:
    """Empty where it is not known: the files were invalid, or several clusters were meant."""
    return str(document.get("cluster", {}).get("name", ""))


def _bytes(text: str) -> bytes:
    return text.encode(errors="backslashreplace")


def size(text: str) -> int:
    """In bytes, as a budget counts them."""
    return len(_bytes(text))


# the ladder


class _Part(NamedTuple):
    """Blocks, and what they leave out, in words."""

    blocks: Sequence[str]
    omitted: str = ""


_Teller = Callable[[Document], _Part]


def _full(document: Document) -> str:
    return _section(document, *(tell(document) for tell in _LADDER[0]))


def _fitted(document: Document, budget: int) -> str:
    for step in _LADDER:
        made = _section(document, *(tell(document) for tell in step))
        if size(made) <= budget:
            return made
    return _last_resort(document, budget)


def _section(document: Document, weighty: _Part, outcomes: _Part, remarks: _Part, changes: _Part) -> str:
    parts = (weighty, outcomes, remarks, changes)
    omitted = ", ".join(part.omitted for part in parts if part.omitted)
    blocks = [
        _headline(document),
        _totals(document),
        *weighty.blocks,
        *outcomes.blocks,
        *changes.blocks,
        *_data_movement(document),
        *remarks.blocks,
        *_next(document),
        _foot(document, f"Omitted here: {omitted} (in the full plan)." if omitted else "Nothing omitted."),
    ]
    return "\n\n".join(filter(None, blocks))


def _headline(document: Document) -> str:
    word, why = judgement(document)
    cluster = f" for {code(_cut(cluster_of(document)))}" if cluster_of(document) else ""
    told = ", ".join(filter(None, [word if word != document["command"] else "", why]))
    return f"### kafkaops {prose(document['command'])}{cluster}: {told}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 600  # of one name, where nothing else is left to shorten


def _totals(document: Document) -> str:
    summary = document["summary"]
    told = [
        f"{title}: {', '.join(_total(summary[kind], key) for key in keys)}."
        for kind, title, keys in _TOTALS
        if kind in summary
    ]
    same = sum(summary[kind]["in_sync"] for kind, _, _ in _TOTALS if kind in summary)
    rare = [
        f"{key.capitalize().replace('_', ' ')}: {number:,}." for key in _RARE if (number := _all_kinds(summary, key))
    ]
    only = ", ".join(map(code, document.get("options", {}).get("only", ())))
    part = [f"Partial: only {only}, the rest is left out."] if only else []
    return " ".join([*told, *rare, f"In sync: {same:,}.", *part]) if told else ""


_TOTALS = (("topics", "Topics", ("create", "change", "delete")), ("acls", "ACLs", ("grant", "revoke")))
_RARE = ("drift", "held_back", "stuck", "undeclared")


def _all_kinds(summary: Document, key: str) -> int:
    return sum(summary[kind].get(key, 0) for kind, _, _ in _TOTALS if kind in summary)


def _total(counts: Document, key: str) -> str:
    return f"**{counts[key]:,} {key}**" if counts[key] else f"0 {key}"


# dangers and errors


class _Kind(NamedTuple):
    """The heads of a table's columns, and what stands in it."""

    title: str
    facts: str
    holds: Callable[[Document], bool]


_WEIGHTY = (
    _Kind("Needs acknowledgement", "What happens", is_open),
    _Kind("Error", "What to know", lambda one: bool(one["severity"] == "error" and not held_back(one))),
    _Kind("Acknowledged", "What happens", lambda one: bool(one["acknowledged"])),
    _Kind("Held back, not from this change", "What would happen", held_back),
)


def _weighty(document: Document) -> list[tuple[_Kind, list[Document]]]:
    found = [(kind, [one for one in document["findings"] if kind.holds(one)]) for kind in _WEIGHTY]
    return [(kind, its) for kind, its in found if its]


def _each_danger(document: Document) -> _Part:
    """One row each, with all that is known of it."""
    undo = undo_of(document)
    return _Part([_table(kind, [[one] for one in its], undo) for kind, its in _weighty(document)])


def _alike_dangers(document: Document) -> _Part:
    """What is the same for several is said once, with all their names."""
    undo = undo_of(document)
    return _Part([_table(kind, alike(its, undo), undo) for kind, its in _weighty(document)])


def _table(kind: _Kind, groups: Sequence[Sequence[Document]], undo: Mapping[str, bool]) -> str:
    known = any(group[0]["ref"] in undo for group in groups)
    head = ["", kind.title, kind.facts, *(["Undo"] if known else [])]
    rows = [
        [*_cells(group), *([{True: "yes", False: "no", None: ""}[undo.get(group[0]["ref"])]] if known else [])]
        for group in groups
    ]
    return "\n".join([row(*head), row(*("---" for _ in head)), *(row(*cells) for cells in rows)])


def _cells(group: Sequence[Document]) -> list[str]:
    first, names = group[0], [name_of(one["address"]) for one in group]
    said = (
        prose(first["message"], names[0])
        if len(group) == 1
        else f"each of {len(group):,}: {prose(predicate(first))}<br>{', '.join(map(code, names))}"
    )
    places = {placed(one["source"]) for one in group}
    place = f"<br>{code(*places)}" if len(places) == 1 and places != {""} else ""
    told = [first["label"], *first["notes"], f"help: {first['help']}" if first["help"] else ""]
    facts = [prose(one, names[0]) for one in told if one]
    facts += [" ".join(filter(None, [prose(one["label"]), code(placed(one["source"]))])) for one in first["also"]]
    facts += [code(masked(first["fix"]))] if first["fix"] else []
    return [code(first["code"]), said + place, "<br>".join(facts)]


def _short_dangers(document: Document) -> _Part:
    """The code and the address of each, and nothing else."""
    found = _weighty(document)
    blocks = [f"**{kind.title}: {len(its):,}**\n\n{fenced('', map(_short, its))}" for kind, its in found]
    told = _dangers_and_errors([one for _, its in found for one in its])
    return _Part(blocks, f"what {told} come to" if told else "")


def _short(one: Document) -> str:
    return visible(f"{one['code']} {one['address'] or placed(one['source']) or one['message']}")


def _dangers_and_errors(findings: Sequence[Document]) -> str:
    counts = Counter(one["severity"] for one in findings)
    return " and ".join(counted(counts[name], name) for name in ("danger", "error") if counts[name])


def _last_resort(document: Document, budget: int) -> str:
    """As many dangers and errors as there is room for, the open ones first; how many the others are, by code."""
    weighty = [one for _, its in _weighty(document) for one in its]
    others = tuple(tell(document) for tell in _LADDER[-1][1:])

    def first(number: int) -> str:
        return _section(document, _first_dangers(weighty, number), *others)

    fits = bisect_right(range(len(weighty) + 1), budget, key=lambda number: size(first(number)))
    return first(max(0, fits - 1))


def _first_dangers(weighty: Sequence[Document], number: int) -> _Part:
    rest = weighty[number:]
    codes = ", ".join(f"{of} {count:,}" for of, count in sorted(Counter(one["code"] for one in rest).items()))
    head = f"**Dangers and errors: {len(weighty):,}, of which {number:,} fit here**"
    lines = [_cut(_short(one)) for one in weighty[:number]]
    return _Part(
        [head, *([fenced("", lines)] if lines else [])], f"{_dangers_and_errors(rest)} ({codes})" if rest else ""
    )


# what came of an apply


def _each_outcome(document: Document) -> _Part:
    rows = [one for one in document.get("outcomes", ()) if one["result"] != "applied"]
    if document["verdict"] in {"in_sync", "blocked"} or not rows:
        return _Part([])
    cells = [
        row(
            one["result"].replace("_", " "),
            f"{one['action']} {code(one['address'])}" + (f" {code(one['field'])}" if one["field"] else ""),
            prose(one["message"]),
        )
        for one in rows
    ]
    return _Part(["\n".join([row("", "Not done", "Why"), row("---", "---", "---"), *cells])])


def _failed_outcomes(document: Document) -> _Part:
    rows = [one for one in document.get("outcomes", ()) if one["result"] == "failed"]
    others = sum(one["result"] not in {"applied", "failed"} for one in document.get("outcomes", ()))
    lines = [
        visible(f"failed {one['action']} {one['address']} {one['field'] or ''} {one['message']}".rstrip())
        for one in rows
    ]
    return _Part(
        [fenced("", lines)] if lines else [], f"the list of {others:,} that were not reached" if others else ""
    )


def _no_outcomes(document: Document) -> _Part:
    left = sum(one["result"] != "applied" for one in document.get("outcomes", ()))
    return _Part([], f"the list of {left:,} that were not done" if left else "")


# changes


def _all_changes(document: Document) -> _Part:
    return _Part([*_changes(document, _detailed), *_access_table(document)])


def _changes_without_settings(document: Document) -> _Part:
    return _Part([*_changes(document, _plain), *_access_table(document)], _without_settings(document))


def _changes_by_line(document: Document) -> _Part:
    return _Part(_changes(document, _lines), _without_settings(document))


def _changes_by_prefix(document: Document) -> _Part:
    safe = _safe(document)
    blocks = [_diff(document, part, _by_prefix(part.changes, safe)) for part in parts(document) if part.changes]
    number = sum(map(safe, document.get("changes", ())))
    return _Part(blocks, f"details of {counted(number, 'safe change')}" if number else "")


def _by_prefix(changes: Sequence[Document], safe: Callable[[Document], bool]) -> list[Row]:
    return [*_groups(filter(safe, changes)), *_rows([one for one in changes if not safe(one)], safe, _detailed)]


def _no_changes(document: Document) -> _Part:
    total = len(document.get("changes", ()))
    return _Part([], f"the list of {'all ' if total > 1 else ''}{counted(total, 'change')}" if total else "")


def _safe(document: Document) -> Callable[[Document], bool]:
    heavy = {one["ref"] for one in document["findings"] if one["severity"] in {"danger", "error"}}
    return lambda change: heavy.isdisjoint(change["findings"])


def _without_settings(document: Document) -> str:
    safe = _safe(document)
    created = sum(change["action"] == "create" and safe(change) for change in document.get("changes", ()))
    return f"the settings of {counted(created, 'created topic')}" if created else ""


_Tell = Callable[[Sequence[Document]], Iterator[Row]]


def _changes(document: Document, tell: _Tell) -> list[str]:
    safe = _safe(document)
    return [_diff(document, part, list(_rows(part.changes, safe, tell))) for part in parts(document) if part.changes]


def _diff(document: Document, part: Part, rows: Sequence[Row]) -> str:
    lines = ["".join(span.text for span in line).rstrip() for line in table(rows, _WIDTH)]
    order = apply_order(part.changes)
    body = fenced("diff", lines) + (f"\n\nApply order: {order}." if order else "")
    return folded(_title(document, part), body)


def _title(document: Document, part: Part) -> str:
    total = len(part.changes)
    if not has_base(document):
        return "The change" if total == 1 else f"All {total:,} changes"
    if part.title.startswith("changes"):
        whose = part.title.removeprefix("changes ")
        return f"The change {whose}" if total == 1 else f"All {total:,} changes {whose}"
    why = part.why.format("this change" if total == 1 else "these")
    return prose(f"{part.title[0].upper()}{part.title[1:]}: {total:,} {why}".rstrip())


_WIDTH = 120  # of a comment's box, before it has to be scrolled


def _rows(changes: Iterable[Document], safe: Callable[[Document], bool], tell: _Tell) -> Iterator[Row]:
    """Resource by resource, in full where one is dangerous; then access."""
    ordered = sorted(changes, key=lambda one: (_ORDER.index(one["action"]), one["address"].split("/")))
    topics = [one for one in ordered if kind_of(one) != "acl"]
    for _, group in groupby(topics, key=lambda one: (one["action"], one["address"])):
        its = list(group)
        yield from (tell if all(map(safe, its)) else _detailed)(its)
    for (sign, of, codes), names in operations([one for one in ordered if kind_of(one) == "acl"]).items():
        said = f"{of.permission} {', '.join(names)}"
        yield Row(f"{sign} acl   ", (of.principal, said, of.resource, of.host, codes))


_ORDER = ("create", "update", "reassign", "delete", "grant", "revoke")


def _detailed(its: Sequence[Document]) -> Iterator[Row]:
    yield from _plain(its)
    for one in its[0]["fields"]:
        if one["name"] not in _IN_SUMMARY:
            yield Row("+         ", (one["name"], side(one["after"])))


_IN_SUMMARY = {"partitions", "replication.factor"}


def _plain(its: Sequence[Document]) -> Iterator[Row]:
    """Without what a topic is created with. Before and after are a pair: GitHub colours no other signs."""
    if its[0]["action"] not in {"update", "reassign"}:
        yield from _lines(its)
        return
    yield Row(_lead(its[0]), (name_of(its[0]["address"]),))
    for one in its:
        yield Row("-         ", (one["field"], side(one["before"])))
        yield Row("+         ", (one["field"], side(one["after"]), codes_of(one)))


def _lines(its: Sequence[Document]) -> Iterator[Row]:
    for one in its:
        said = f"{one['field']} {sides(one['before'], one['after'])}" if one["field"] else one["summary"]
        yield Row(_lead(one), (name_of(one["address"]), said, codes_of(one)))


def _lead(change: Document) -> str:
    return f"{_SIGNS[change['action']]} {kind_of(change):<6}"


_SIGNS = {"create": "+", "grant": "+", "update": "!", "reassign": "!", "delete": "-", "revoke": "-"}


def _groups(changes: Iterable[Document]) -> Iterator[Row]:
    """By the first part of the name, or by principal."""
    groups = Counter((_lead(one), _prefix(one), one["action"]) for one in changes)
    for (lead, prefix, action), number in sorted(groups.items()):
        yield Row(lead, (prefix, counted(number, action)))


def _prefix(change: Document) -> str:
    if kind_of(change) == "acl":
        return str(binding_of(change)["principal"])
    name = name_of(change["address"])
    first = re.match(r"[^._-]+[._-]", name)
    return f"{first[0]}*" if first else name


def _access_table(document: Document) -> list[str]:
    """Rules, by principal. What their loss comes to is said by the dangers: another rule may still allow the same."""
    changes = sorted((one for one in to_do(document) if kind_of(one) == "acl"), key=_prefix)
    rows = []
    for (sign, its, _), of in operations(changes).items():
        deny = "" if its.permission == "ALLOW" else f"{its.permission} "
        said = f"{deny}{', '.join(map(prose, of))} on {code(its.resource)}"
        said += f" from {code(its.host.removeprefix('host '))}" if its.host else ""
        rows.append(row(code(its.principal), *((said, "") if sign == "+" else ("", said))))
    head = [row("Principal", "Granted", "Revoked"), row("---", "---", "---")]
    return [folded(f"Access rules that change ({len(changes):,})", "\n".join([*head, *rows]))] if rows else []


# copies


def _data_movement(document: Document) -> list[str]:
    """Never left out: it is a few lines however much is moved."""
    rows = [row(name, prose(fact)) for name, fact in movement.facts(document)]
    return [folded("Data movement", "\n".join([row("", "About"), row("---", "---"), *rows]))] if rows else []


# warnings and notices


_REMARKS = (("warning", "Warnings"), ("notice", "Notices"))


def _each_remark(document: Document) -> _Part:
    found = [(title, [one for one in document["findings"] if one["severity"] == name]) for name, title in _REMARKS]
    return _Part([folded(f"{title} ({len(its):,})", _list(its)) for title, its in found if its])


def _list(findings: Sequence[Document]) -> str:
    rows = map(_cells, alike(findings, {}))
    return "\n".join(f"- {of} {'<br>'.join(filter(None, [said, facts]))}" for of, said, facts in rows)


def _remarks_by_code(document: Document) -> _Part:
    found = [one for one in document["findings"] if one["severity"] in {"warning", "notice"}]
    counts = Counter((one["severity"], one["code"], one["title"]) for one in found)
    lines = [
        f"- {code(of)} {counted(number, severity)}: {prose(title)}"
        for (severity, of, title), number in sorted(counts.items(), key=lambda item: (item[0][0] != "warning", item[0]))
    ]
    return _Part(
        [folded(f"Warnings and notices ({len(found):,})", "\n".join(lines))] if lines else [], _remarks_left(document)
    )


def _no_remarks(document: Document) -> _Part:
    return _Part([], _remarks_left(document))


def _remarks_left(document: Document) -> str:
    counts = document["summary"]["findings"]
    told = " and ".join(counted(counts[name], name) for name, _ in _REMARKS if counts[name])
    return f"what {told} say" if told else ""


# the end


def _next(document: Document) -> list[str]:
    """What to run now. A command that is too long to read is made by the text screen, not here."""
    if ended_early(document) or document["format"] == "kafkaops.validation":
        first = next((one["code"] for one in document["findings"] if one["blocking"]), "")
        return [f"To learn more: {code(f'kafkaops explain {first}')}."] if first else []
    go_on = code(_cut(apply_command(document)))
    match document["verdict"]:
        case "ready" if document["command"] == "drift" or undoes(document):
            return [f"{go_on} {'takes the run' if undoes(document) else 'sets the cluster'} back."]
        case "ready":
            return [_on_merge(document)]
        case "incomplete":
            return [f"What was applied stays, nothing needs rolling back. {go_on} does the rest."]
        case "blocked":
            bound = document["command"] == "plan" and document["changes"]
            return [" ".join(_ways_out(document)), *([_on_merge(document)] if bound else [])]
        case _:
            return []


def _on_merge(document: Document) -> str:
    return f"On merge {code(_cut(merge_command(document)))} does this plan or a part of it, never more."


def _ways_out(document: Document) -> Iterator[str]:
    cluster = shlex.quote(cluster_of(document))
    base = map(shlex.quote, base_argument(document))
    command = " ".join(["kafkaops ack --cluster", cluster, *base, *ack_targets(document)])
    if ack_targets(document) and not undoes(document):
        shown = command if len(command) <= _READABLE else f"kafkaops plan --cluster {_cut(cluster)}"
        does = "run" if shown is command else "run the command that stands at the end of"
        yield f"To acknowledge, {does} {code(shown)} and commit, or undo those lines."
    first = next((one["code"] for one in document["findings"] if one["blocking"]), "")
    if first:
        yield f"To learn more: {code(f'kafkaops explain {first}')}."


_READABLE = 2_000


def _foot(document: Document, omitted: str) -> str:
    known = document.get("cluster", {}).get("id")
    told = [prose(compared(document).removeprefix(",").strip())] if has_base(document) else []
    told += [f"cluster id {code(_cut(known))}"] if known else []
    told += [_reading(document["live"])] if "live" in document else []
    told += [] if "live" in document else [f"written {moment(document['created_at'])}"]
    told += [f"kafkaops {prose(_cut(document['tool_version']))}"]
    return f"<sub>{', '.join(told)}. {omitted}</sub>"


def _reading(live: Document) -> str:
    saved = live.get("snapshot")
    old = f" from snapshot {code(_cut(saved['path']))}, {age(saved['age_seconds'])} old," if saved else ""
    return f"live state{old} read {moment(live['read_at'])}"


_LADDER: tuple[tuple[_Teller, _Teller, _Teller, _Teller], ...] = (
    (_each_danger, _each_outcome, _each_remark, _all_changes),
    (_each_danger, _each_outcome, _each_remark, _changes_without_settings),
    (_each_danger, _each_outcome, _remarks_by_code, _changes_by_line),
    (_each_danger, _failed_outcomes, _remarks_by_code, _changes_by_prefix),
    (_each_danger, _no_outcomes, _no_remarks, _no_changes),
    (_alike_dangers, _no_outcomes, _no_remarks, _no_changes),
    (_short_dangers, _no_outcomes, _no_remarks, _no_changes),
)
