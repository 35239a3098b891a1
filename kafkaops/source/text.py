"""The text of one file, as data or as findings. What did not parse is never quoted: it may be a secret."""

from __future__ import annotations

import re
from typing import NamedTuple

import yaml

from kafkaops.findings import Finding, Location, Severity
from kafkaops.source.data import Block, Mark
from kafkaops.source.events import MAX_NODES, Reading, StoppedReading
from kafkaops.source.syntax import explained


def parse(text: str, file: str) -> tuple[Block | None, tuple[Finding, ...]]:
    """The data of one file; None when it is not whole. A duplicate key is a finding, and the first one counts."""
    parsed = parse_within(text, file, MAX_NODES)
    return parsed.root, parsed.findings


class Parsed(NamedTuple):
    root: Block | None
    findings: tuple[Finding, ...]
    nodes: int = 0


# Control characters, and what only YAML 1.1 or only some editors take for the end of a line: places would not be true.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)


def parse_within(text: str, file: str, room: int) -> Parsed:
    text = text.removeprefix("\ufeff")
    if forbidden := _FORBIDDEN.search(text):
        return Parsed(None, (_bad_character(text, forbidden.start(), file),))
    reading = Reading(text, file, room)
    try:
        root = reading.document()
    except StoppedReading as stop:
        return Parsed(None, (stop.finding,))
    except yaml.MarkedYAMLError as error:
        return Parsed(None, (explained(error, text, file),))
    if (stranger := _properties_key(root)) is not None:
        return Parsed(None, (_properties(Location(file, *stranger)),))
    return Parsed(root if reading.whole else None, tuple(reading.findings), reading.nodes)


def _properties_key(root: Block) -> Mark | None:
    """Sections have no dot in their names; the keys of client properties, which may be secret files, do."""
    return next(
        (place for key, place in root.keys_at.items() if ("." in key or "=" in key) and not key.startswith("x-")), None
    )


def _bad_character(text: str, index: int, file: str) -> Finding:
    character = text[index]
    column = index - text.rfind("\n", 0, index)
    where = Location(file, text.count("\n", 0, index) + 1, column, column + 1)
    message = f"the character U+{ord(character):04X} is not allowed"
    advice = (
        "end lines with a line feed"
        if character == "\r"
        else f'write `"\\u{ord(character):04x}"` where a text needs it'
    )
    return Finding(code="KO1002", severity=Severity.ERROR, message=message, where=where, help=advice)


def _properties(where: Location) -> Finding:
    message = "a key with a dot at the top level looks like client properties, not like a topology"
    advice = "move the file out of the topology folder or name it `*.properties`; a topic belongs below `topics:`"
    return Finding(code="KO1007", severity=Severity.ERROR, message=message, where=where, help=advice)
