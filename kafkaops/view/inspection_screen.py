"""describe, explain and doctor: one resource looked at closely, one word, and what a cluster allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from kafkaops.view.lines import EMPTY, SIGNS, Document, Line, Row, Span, labelled, paragraph, section, table
from kafkaops.view.plan_screen import danger_lines, header_lines
from kafkaops.view.visible import cells, visible
from kafkaops.view.words import Rule, placed, rule, side


def resource_lines(document: Document, width: int) -> Iterator[Line]:
    yield from header_lines(document, width)
    yield (Span(document["address"], "bold"),)
    place = placed(document["declared_at"]) or "in no file"
    yield from labelled("declared", place, width, wide=12)
    yield from labelled("live", "yes" if document["live_now"] else "no", width, wide=12)
    for fact in document["facts"]:
        yield from labelled(fact["name"], fact["value"], width, wide=12)
    yield from _fields(document["fields"], width)
    yield from _inherited(document["inherited"], width)
    yield from _bindings("ACLS", document["acls"], width)
    yield from danger_lines("FINDINGS", document["findings"], {}, width)
    yield EMPTY
    yield from paragraph(_resource_judgement(document), width, hang="  ", style="bold")


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
            named = (
                ", ".join(differing)
                if len(differing) <= _FEW
                else f"{len(differing)} of {len(document['fields'])} fields"
            )
            return f"DIFFERS: {named}" if differing else "IN SYNC: live as the files say"


_FEW = 5  # beyond which the marks beside the fields tell


def _fields(fields: Sequence[Document], width: int) -> Iterator[Line]:
    if not fields:
        return
    yield from section("FIELDS", len(fields), width)
    head = Row("  ", ("field", "files", "cluster", "written in"))
    yield from table([head, *map(_field, fields)], width)


def _field(one: Document) -> Row:
    want, have = one["want"], one["have"]
    written = " ".join(filter(None, [want["layer"], placed(want["source"])])) if want else ""
    wanted = want["display"] or "(empty)" if want else "-"
    return Row("~ " if one["differs"] else "  ", (one["name"], wanted, side(have) if have else "-", written))


def _inherited(values: Sequence[Document], width: int) -> Iterator[Line]:
    if not values:
        return
    yield from section("NOT SET ANYWHERE, SO INHERITED", len(values), width)
    yield from table([Row("  ", (one["name"], side(one))) for one in values], width)


def _bindings(title: str, acls: Sequence[Document], width: int) -> Iterator[Line]:
    if not acls:
        return
    yield from section(title, len(acls), width)
    operations: dict[Rule, list[str]] = {}
    for one in acls:
        operations.setdefault(rule(one), []).append(one["operation"])
    rows = [
        Row("  ", (its.principal, f"{its.permission} {', '.join(of)}", its.resource, its.host))
        for its, of in operations.items()
    ]
    yield from table(rows, width)


def explanation_lines(document: Document, _: int) -> Iterator[Line]:
    """At the width that the text has."""
    yield from ((Span(line),) for line in document["text"].splitlines())


def doctor_lines(document: Document, width: int) -> Iterator[Line]:
    if "cluster" in document:
        yield from header_lines(document, width)
    checks = document["checks"]
    wide = max((cells(visible(one["name"])) for one in checks), default=0)
    for one in checks:
        sign = {"failed": "!", "warning": "~"}.get(one["result"], " ")
        lead = f" {one['result']:<7}  {visible(one['name']):<{wide}}  "
        first, *rest = paragraph(f" {lead}{visible(one['message'])}", width, hang=" " * (cells(lead) + 1))
        yield (Span(sign, SIGNS.get(sign, "")), Span(first[0].text[1:]))
        yield from rest
        if one["help"]:
            yield from paragraph(f"{' ' * (cells(lead) + 1)}help: {one['help']}", width, hang=" " * (cells(lead) + 7))
    for grants in document["grants"]:
        yield from _bindings(f"ACLS FOR {_A[grants['purpose']]} PRINCIPAL", grants["acls"], width)
        yield EMPTY
        yield (Span("  the same as commands; add --bootstrap-server and --command-config"),)
        yield from ((Span(f"  {command}"),) for command in grants["commands"])
    yield EMPTY
    yield (Span(_health(document["summary"]["checks"]), "bold"),)


_A = {"plan": "A PLAN", "apply": "AN APPLY"}


def _health(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    troubles = [f"{counts[key]} {word}" for key, word in _TROUBLES if counts[key]]
    return f"{'FAILED' if counts['failed'] else 'HEALTHY'}: {counts['ok']} of {total} checks ok" + "".join(
        f", {one}" for one in troubles
    )


_TROUBLES = (("warning", "with a warning"), ("failed", "failed"), ("unknown", "unknown"))
