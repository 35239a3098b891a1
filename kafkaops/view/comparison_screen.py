"""show A.json B.json: what the second plan has that the first had not, what it lacks, and what it has otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kafkaops.view.concise import described
from kafkaops.view.lines import MOST, Document, Line, Span, labelled, paragraph, section
from kafkaops.view.verdict import Verdict
from kafkaops.view.visible import visible
from kafkaops.view.words import counted, moment, name_of


class Entry(NamedTuple):
    """`sign`: `+` is new, `-` is gone, `~` was otherwise. `was`: how, where it was."""

    sign: str
    text: str
    was: str = ""


def comparison_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    for label, plan in zip(("old", "new"), document["plans"], strict=True):
        yield from labelled(label, of_plan(plan), width, wide=3)
    for title, its in (("CHANGES", changes(document)), ("FINDINGS", findings(document))):
        yield from _listed(title, its, width, details=details)
    yield ()
    yield from paragraph(judgement(document).sentence, width, hang="  ", style="bold")


def of_plan(plan: Document) -> str:
    cluster = plan["cluster"]
    return f"{plan['file']}: {plan['command']} {plan['fingerprint']} of {cluster['name']} (id {cluster['id']}), read {moment(plan['live']['read_at'])}, {plan['verdict'].replace('_', ' ')}"


def _listed(title: str, entries: Sequence[Entry], width: int, *, details: bool) -> Iterator[Line]:
    if not entries:
        return
    yield from section(title, len(entries), width)
    shown = entries if details else entries[:MOST]
    for one in shown:
        yield from paragraph(f"{one.sign} {visible(one.text)}", width, hang="    ")
        if one.was:
            yield from paragraph(f"    was: {visible(one.was)}", width, hang="         ")
    if len(entries) > len(shown):
        yield (Span(f"  {len(entries) - len(shown):,} more, -v lists them"),)


def changes(document: Document) -> list[Entry]:
    return _entries(document["changes"], described)


def findings(document: Document) -> list[Entry]:
    return _entries(document["findings"], _said)


def _entries(parts: Document, say: Callable[[Document], str]) -> list[Entry]:
    altered = [Entry("~", say(one["new"]), say(one["old"])) for one in parts["altered"]]
    return [
        *(Entry("+", say(one)) for one in parts["added"]),
        *(Entry("-", say(one)) for one in parts["removed"]),
        *altered,
    ]


def _said(finding: Document) -> str:
    about = "" if name_of(finding["address"]) in finding["message"] else f" ({finding['address']})"
    state = " (acknowledged)" if finding["acknowledged"] else ""
    return f"{finding['severity']}[{finding['code']}] {finding['message']}{about}{state}"


def judgement(document: Document) -> Verdict:
    if document["verdict"] == "same":
        return Verdict("same", f"both plans do and say the same ({document['plans'][0]['fingerprint']})")
    told = [
        f"{counted(number, kind.removesuffix('s'))} {name}"
        for kind, counts in document["summary"].items()
        for name, number in counts.items()
        if number
    ]
    other = [] if document["same_cluster"] else ["they are of different clusters"]
    verdicts = [one["verdict"] for one in document["plans"]]
    turned = [] if verdicts[0] == verdicts[1] else [f"{_word(verdicts[0])} is now {_word(verdicts[1])}"]
    does = [f"both do the same ({document['plans'][0]['fingerprint']})"] if document["same_fingerprint"] else []
    return Verdict("differs", "; ".join([*other, *does, *turned, *([", ".join(told)] if told else [])]))


def _word(verdict: str) -> str:
    return verdict.replace("_", " ")
