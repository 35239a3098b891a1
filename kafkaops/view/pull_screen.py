"""What `pull` wrote, where, and what it left as it is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from kafkaops.view.lines import EMPTY, MOST, Document, Line, Row, Span, command, labelled, paragraph, section, table
from kafkaops.view.plan_screen import header_lines
from kafkaops.view.visible import visible
from kafkaops.view.words import counted


def pull_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    yield from header_lines(document, width)
    yield from table([_file(one) for one in document["written"]], width)
    yield from _apart(list(_beside(document, width)))
    yield from _left("LEFT OUT", "warning", document, width, details=details)
    yield from _left("LEFT AS IT IS", "notice", document, width, details=details)
    if document["written"] or document["findings"]:
        yield EMPTY
    yield from paragraph(_outcome(document), width, hang="  ", style="bold")
    yield command("next", f"kafkaops plan --cluster {shlex.quote(document['cluster']['name'])}")


def _apart(lines: list[Line]) -> list[Line]:
    return [EMPTY, *lines] if lines else []


def _file(one: Document) -> Row:
    addresses = [resource["address"] for resource in one["resources"]]
    topics = sum(address.startswith("topic/") for address in addresses)
    told = [counted(topics, "topic")] if topics else []
    told += [f"access of {counted(len(addresses) - topics, 'principal')}"] if len(addresses) > topics else []
    return Row("+ " if one["new"] else "~ ", (one["file"], ", ".join(told), "new" if one["new"] else ""))


def _beside(document: Document, width: int) -> Iterator[Line]:
    if document["limited"]:
        text = f"what is new exists on {document['cluster']['name']} only (`clusters`), since kafkaops.yaml has other clusters too"
        yield from labelled("clusters", text, width, wide=8)
    if document["profiles"]:
        yield from labelled("profiles", ", ".join(document["profiles"]), width, wide=8)
    if document["exempted"]:
        names = _some(document["exempted"])
        yield from labelled("naming", f"exempt now, since they are not named so: {names}", width, wide=8)
    if document["guessed"]:
        text = f"Kafka does not tell which group reads which topic, so look at {_some(document['guessed'])}"
        yield from labelled("guessed", text, width, wide=8)
    if document["made"]:
        yield from labelled(
            "made", f"{counted(len(document['made']), 'topic')} in no file, since roles make them", width, wide=8
        )


def _some(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def _left(title: str, severity: str, document: Document, width: int, *, details: bool) -> Iterator[Line]:
    found = [one for one in document["findings"] if one["severity"] == severity]
    if not found:
        return
    yield from section(title, len(found), width)
    shown = found if details else found[:MOST]
    for one in shown:
        yield from paragraph(f"  {visible(one['message'])}", width, hang=" " * 6)
    if len(found) > len(shown):
        yield (Span(f"  {len(found) - len(shown):,} more, -v lists them"),)
    yield from labelled("help", found[0]["help"], width, wide=4)


def _outcome(document: Document) -> str:
    counts = document["summary"]
    left = f"; {counts['left']:,} left" if counts["left"] else ""
    planned = counted(counts["planned"], "change") if counts["planned"] else "no change"
    if not document["written"]:
        return f"NOTHING TO WRITE{left}; the files plan {planned}"
    told = [counted(counts["topics"] + counts["made"], "topic")] if counts["topics"] or counts["made"] else []
    told += [f"the access of {counted(counts['principals'], 'principal')}"] if counts["principals"] else []
    return f"PULLED: {' and '.join(told)} in {counted(counts['files'], 'file')}{left}; the files plan {planned}"
