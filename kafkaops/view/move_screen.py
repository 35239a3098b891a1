"""resume, cancel, throttle: what came of it."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops import units
from kafkaops.view.lines import MOST, Document, Line, labelled, paragraph
from kafkaops.view.words import counted


def move_lines(document: Document, width: int) -> Iterator[Line]:
    yield from paragraph(f"{_WORDS[document['verdict']]}: {_why(document)}", width, hang="  ", style="bold")
    for one in document["failed"][:MOST]:
        yield from labelled("failed", f"{one['topic']} partition {one['partition']}: {one['why']}", width)
    if len(document["failed"]) > MOST:
        yield from labelled("failed", f"and {len(document['failed']) - MOST:,} more", width)
    for note in document["notes"]:
        yield from labelled("note", note, width)


_WORDS = {
    "done": "DONE",
    "running": "RUNNING",
    "incomplete": "INCOMPLETE",
    "taken_back": "TAKEN BACK",
    "nothing_to_do": "NOTHING TO DO",
    "cleared": "CLEARED",
    "set": "SET",
}


def _why(document: Document) -> str:
    settings = f"{counted(document['settings'], 'setting')} of the throttle"
    placed = f"{document['done']:,} of {counted(document['partitions'], 'partition')} are where they shall be"
    copied = f"{units.about(document['copied_bytes'])} of {units.about(document['bytes'])} copied"
    given_back = f"; {settings} were given back" if document["settings"] else ""
    said = {
        "done": f"{placed}, and no throttle is left",
        "running": f"{placed}, {copied}; the copies go on in the cluster",
        "taken_back": "what had not arrived is where it was before, and no throttle is left",
        "nothing_to_do": f"no run has left anything of it{given_back}",
        "cleared": f"{settings} are as they were before",
        "set": f"{settings} have another rate",
        "incomplete": placed if document["partitions"] else "not everything could be given back",
    }
    return said[document["verdict"]]
