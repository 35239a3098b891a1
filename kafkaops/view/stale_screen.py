"""apply --plan, refused: each thing that is no longer as it was approved, old and new."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.view.lines import END, MOST, Document, Line, Row, Span, labelled, paragraph, table
from kafkaops.view.verdict import judgement
from kafkaops.view.words import moment, name_of


def stale_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    known, found = document["approved"], document["stale"]
    finding = next(one for one in document["findings"] if one["code"] == "KO7102")
    yield from paragraph(f"error[KO7102]: {finding['message']}", width, hang="  ", style="bold")
    now = f"{known['fingerprint']} of {moment(known['created_at'])}, now {document['fingerprint']}"
    yield from labelled("approved", now, width, wide=END)
    shown = found if details else found[:MOST]
    yield from table([Row("  ", (name_of(one["address"]), one["field"] or "", one["message"])) for one in shown], width)
    if len(found) > len(shown):
        yield (Span(f"  and {len(found) - len(shown):,} more (-v lists them)"),)
    if known["unchanged"]:
        rest = f"{known['unchanged']:,} {'other thing' if known['unchanged'] == 1 else 'other things'} of the plan"
        yield from labelled("unchanged", rest, width, wide=END + 1)
    for text in known["idle"]:
        yield from labelled("so", f'the acknowledgement "{text}" no longer fits', width, wide=END)
    yield from paragraph(f"help: {finding['help']}", width, hang="      ")
    yield from paragraph(judgement(document).sentence, width, hang="  ", style="bold")
