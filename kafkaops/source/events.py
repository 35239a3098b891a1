"""One pass over the events of PyYAML's C parser, which is the cheapest way to keep places.

Plain scalars follow the core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), decimal and finite:
`yes`, `0o17`, `017`, `1_000`, `12:30:45` and `.inf` are text.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from math import isfinite
from typing import Any, NamedTuple

import yaml

from kafkaops.findings import Finding, Location, Severity
from kafkaops.source.data import Block, Mark, Row, point

MAX_DEPTH = 64  # of mappings and lists in each other, aliases followed
TOO_DEEP = f"mappings and lists stand more than {MAX_DEPTH} deep in each other"
MAX_NODES = 2_000_000  # keys, values and list items of a whole folder, aliases followed


class StoppedReading(Exception):  # noqa: N818  # ends the reading of one file
    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


class _Anchor(NamedTuple):
    value: Any
    nodes: int
    height: int  # of mappings and lists in each other


_LOST = object()  # stands for a value that was refused; it never leaves, because the document is not whole
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,18})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_NUMERIC = frozenset("-+0123456789")
_AFTER_ANCHOR = re.compile(r"&[^\s,\[\]{}]+(?:[ \t\r\n]+(?:#[^\n]*)?)*+")


class Reading:
    """One pass over the events of one file. `whole` tells that nothing but duplicate keys was found."""

    def __init__(self, text: str, file: str, room: int) -> None:
        self.findings: list[Finding] = []
        self.nodes = 0
        self.whole = True
        self._text, self._file, self._room = text, file, room
        self._lines = text.split("\n")
        self._next: Callable[[], Any] = yaml.CSafeLoader(text).get_event
        self._last: Any = None  # the event that ended the node just read
        self._anchors: dict[str, _Anchor | None] = {}  # None while the anchored node is being read
        self._deepest = 0

    def document(self) -> Block:
        self._next()  # the stream's start
        start = self._next()
        if type(start) is yaml.StreamEndEvent:
            return Block(self._file)
        first = self._next()
        root = self._node(first, 1)
        self._next()  # the document's end
        if not isinstance(root, Block):
            root = self._not_a_mapping(first, root)
        following = self._next()
        if type(following) is not yaml.StreamEndEvent:
            self._refuse("KO1004", "the file holds a second document", following, "put it into a file of its own")
        return root

    def _not_a_mapping(self, first: Any, root: Any) -> Block:
        if not (root is None and first.start_mark.index == first.end_mark.index):
            self._refuse(
                "KO1007",
                "the top level of a topology file is not a mapping",
                first,
                "write sections, such as `topics:`",
            )
        return Block(self._file)

    def _node(self, event: Any, depth: int) -> Any:
        """The value that begins with `event`; `depth` counts the mappings and lists around it, itself included."""
        kind = type(event)
        if kind is yaml.AliasEvent:
            return self._alias(event, depth)
        self._count(event, 1)
        if event.tag is not None:
            self._refuse("KO1004", "tags are not allowed", event, "leave the tag out; quotes make a text of anything")
        if event.anchor is not None:
            return self._anchored(event, depth)
        if kind is yaml.ScalarEvent:
            self._last = event
            return _scalar(event)
        return self._collection(event, depth)

    def _collection(self, event: Any, depth: int) -> Block | Row:
        self._reach(event, depth)
        return self._mapping(event, depth) if type(event) is yaml.MappingStartEvent else self._sequence(depth)

    def _anchored(self, event: Any, depth: int) -> Any:
        name, nodes, deepest = event.anchor, self.nodes - 1, self._deepest
        self._anchors[name], self._deepest, self._last = None, depth - 1, event
        value = _scalar(event) if type(event) is yaml.ScalarEvent else self._collection(event, depth)
        self._anchors[name] = _Anchor(value, self.nodes - nodes, self._deepest - depth + 1)
        self._deepest = max(deepest, self._deepest)
        return value

    def _alias(self, event: Any, depth: int) -> Any:
        self._last = event
        if event.anchor not in self._anchors:
            self._refuse(
                "KO1008",
                "no anchor above has the name of this alias",
                event,
                "put text that begins with `*` into quotes",
            )
            return _LOST
        anchor = self._anchors[event.anchor]
        if anchor is None:
            self._refuse("KO1008", "the alias stands inside its own anchor", event)
            return _LOST
        self._count(event, anchor.nodes)
        self._reach(event, depth + anchor.height - 1)
        return anchor.value

    def _mapping(self, start: Any, depth: int) -> Block:
        block = Block(self._file)
        at: Mark | None = None
        merge: Mark | None = None
        sources: list[Block] = []
        while type(event := self._next()) is not yaml.MappingEndEvent:
            self._count(event, 1)
            place = self._key(event, depth)
            first = self._next()
            value = self._node(first, depth + 1)
            if place is None:
                continue
            at = at or place
            if event.value != "<<" or event.style:
                self._put(block, sys.intern(event.value), place, value, self._place(first) or place)
            elif merge is not None:
                self._duplicate("<<", place, merge)
            else:
                merge, sources = place, self._sources(value, self._place(first) or place)
        self._last = event
        block.at = at or self._bracket(start)
        for source in sources:
            _merge(block, source)
        return block

    def _put(self, block: Block, key: str, place: Mark, value: Any, value_place: Mark) -> None:
        if key in block:
            self._duplicate(key, place, block.keys_at[key])
            return
        block[key] = value
        block.keys_at[key] = place
        block.values_at[key] = value_place

    def _sequence(self, depth: int) -> Row:
        row = Row(self._file)
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            value = self._node(event, depth + 1)
            row.append(value)
            row.items_at.append(self._place(event) or self._item_place(event, value))
        self._last = event
        return row

    def _key(self, event: Any, depth: int) -> Mark | None:
        """The key's place; None, with a finding, when it cannot be one."""
        is_scalar = type(event) is yaml.ScalarEvent
        if not is_scalar or event.start_mark.line != event.end_mark.line:
            self._refuse("KO1004", "a key is not a text on one line", event, "write it as `key: value`")
            if not is_scalar:
                self._node(event, depth + 1)
            return None
        if event.tag is not None:
            self._refuse("KO1004", "tags are not allowed", event, "leave the tag out")
        if event.anchor is not None:
            self._anchors[event.anchor] = _Anchor(event.value, 1, 0)
        return self._span(self._begin(event), event.end_mark) or point(event.start_mark, self._lines)

    def _sources(self, value: Any, place: Mark) -> list[Block]:
        """What `<<` takes its keys from: a mapping, or a list of mappings of which the first wins."""
        found = value if isinstance(value, Row) else [value]
        if not all(isinstance(source, Block) or source is _LOST for source in found):
            sentence = "`<<` takes something that is not a mapping"
            self._report("KO1008", sentence, place, "write `<<: *anchor` or `<<: [*one, *two]`")
        return [source for source in found if isinstance(source, Block)]

    # Places

    def _place(self, start: Any) -> Mark | None:
        """Of the node that was just read and began with `start`; None for nothing and for a block."""
        if type(start) is yaml.ScalarEvent or type(start) is yaml.AliasEvent:
            return self._span(self._begin(start), start.end_mark)
        if not start.flow_style:
            return None
        bracket = start.end_mark
        return self._span((bracket.line, bracket.column - 1), self._last.end_mark)

    def _span(self, begin: tuple[int, int], end: Any) -> Mark | None:
        line, column = begin
        if line == end.line:
            return (line + 1, column + 1, end.column + 1) if column < end.column else None
        if line > end.line:
            return None
        return line + 1, column + 1, len(self._lines[line].rstrip()) + 1

    def _begin(self, start: Any) -> tuple[int, int]:
        """Line and column from 0, behind the anchor."""
        mark = start.start_mark
        behind = _AFTER_ANCHOR.match(self._text, mark.index) if start.anchor else None
        if behind is None:
            return mark.line, mark.column
        index = behind.end()
        return mark.line + self._text.count("\n", mark.index, index), index - self._text.rfind("\n", 0, index) - 1

    def _bracket(self, start: Any) -> Mark:
        return self._span((start.start_mark.line, start.start_mark.column), start.end_mark) or point(
            start.start_mark, self._lines
        )

    def _item_place(self, start: Any, value: Any) -> Mark:
        """An empty item is its `-`, a block mapping its first key, a block list its own first `-`."""
        if isinstance(value, Block):
            return value.at
        line, column, _ = point(start.start_mark, self._lines)
        return (line, column - 1, column) if value is None and column > 1 else (line, column, column + 1)

    # Limits and problems

    def _count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > self._room:
            sentence = f"the topology is larger than {MAX_NODES:,} keys and values, aliases followed"
            raise StoppedReading(
                self._finding("KO1005", sentence, point(event.start_mark, self._lines), "use fewer aliases of aliases")
            )

    def _reach(self, event: Any, depth: int) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            raise StoppedReading(self._finding("KO1005", TOO_DEEP, point(event.start_mark, self._lines)))

    def _refuse(self, code: str, sentence: str, event: Any, advice: str = "") -> None:
        place = self._span((event.start_mark.line, event.start_mark.column), event.end_mark)
        self._report(code, sentence, place or point(event.start_mark, self._lines), advice)

    def _report(self, code: str, sentence: str, place: Mark, advice: str) -> None:
        self.whole = False
        self.findings.append(self._finding(code, sentence, place, advice))

    def _duplicate(self, key: str, place: Mark, first: Mark) -> None:
        also = ((Location(self._file, *first), "first"),)
        where = Location(self._file, *place)
        message = f"the key `{key}` stands twice in one mapping"
        self.findings.append(
            Finding(code="KO1003", severity=Severity.ERROR, message=message, where=where, label="second", also=also)
        )

    def _finding(self, code: str, sentence: str, place: Mark, advice: str = "") -> Finding:
        where = Location(self._file, *place)
        return Finding(code=code, severity=Severity.ERROR, message=sentence, where=where, help=advice)


def _scalar(event: Any) -> str | int | float | bool | None:
    text: str = event.value
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMERIC else text


def _number(text: str) -> str | int | float:
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and ("." in text or "e" in text or "E" in text) and isfinite(number := float(text)):
        return number
    return text


def _merge(block: Block, source: Block) -> None:
    for key, value in source.items():
        if key not in block:
            block[key] = value
            block.keys_at[key] = source.keys_at[key]
            block.values_at[key] = source.values_at[key]
