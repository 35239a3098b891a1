"""What YAML says, as plain dicts and lists that know where each of their parts is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafkaops.findings import Location

Mark = tuple[int, int, int]  # line, column, end column, as in Location


class Block(dict[str, Any]):
    """A mapping of a YAML file: a plain dict for everyone who does not ask for places.

    at       its first key, or `{}`
    keys_at  a merged key stands where it is written, inside the anchor
    """

    __slots__ = ("at", "file", "keys_at", "values_at")

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.at: Mark = (1, 1, 2)
        self.keys_at: dict[str, Mark] = {}
        self.values_at: dict[str, Mark] = {}


class Row(list[Any]):
    """A sequence of a YAML file: a plain list for everyone who does not ask for places."""

    __slots__ = ("file", "items_at")

    def __init__(self, file: str) -> None:
        super().__init__()
        self.file = file
        self.items_at: list[Mark] = []


@dataclass(frozen=True, slots=True)
class Document:
    """A file that parsed. `file` is what people are shown, `path` is free of links, `text` has no byte order mark."""

    file: str
    path: Path
    text: str
    root: Block


def key_location(block: Block, key: str) -> Location:
    return Location(block.file, *block.keys_at[key])


def value_location(block: Block, key: str) -> Location:
    """From the value's first character to its end on that line; the key for an empty value, a block mapping, a block list."""
    return Location(block.file, *block.values_at[key])


def item_location(row: Row, index: int) -> Location:
    """From the item's first character to its end on that line; the first key for a block mapping."""
    return Location(row.file, *row.items_at[index])


def locate(root: Block, path: Iterable[str | int], *, key: bool) -> Location:
    """The place of a path such as jsonschema's `absolute_path`, as far as the file has it; `key` asks for the key, not its value."""
    place = Location(root.file, *root.at)
    here: Any = root
    for step in path:
        if isinstance(here, Block) and step in here:
            name = str(step)
            place = key_location(here, name) if key else value_location(here, name)
        elif isinstance(here, Row) and isinstance(step, int) and step < len(here):
            place = item_location(here, step)
        else:
            break
        here = here[step]
    return place


def point(mark: Any, lines: list[str]) -> Mark:
    """The one character at which the parser stands; it counts a line more when the last one has no end."""
    if mark.line < len(lines):
        return mark.line + 1, mark.column + 1, mark.column + 2
    return len(lines), len(lines[-1]) + 1, len(lines[-1]) + 2
