"""The topology folder as data: every `*.yaml` below it, with the place of each key and value; the only reader of yaml.

YAML is read from the events of PyYAML's C parser, which is the cheapest way to keep positions. Plain scalars follow the
core schema of YAML 1.2 (https://yaml.org/spec/1.2.2/#103-core-schema), decimal and finite: `yes`, `0o17`, `017`, `1_000`,
`12:30:45` and `.inf` are strings. Nothing that is read from a file which did not parse is ever quoted: it may be a secret.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from kafkaops.findings import Finding, Location, Severity

MAX_FILES = 10_000
MAX_BYTES = 8 * 2**20  # of one file
MAX_DEPTH = 64  # of mappings and lists in each other, aliases followed
MAX_NODES = 2_000_000  # keys, values and list items of a whole folder, aliases followed

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


def read(topology: Path, *, shown: Callable[[Path], str]) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    """Every `*.yaml` and `*.yml` below the folder, sorted, and every problem of every file; hidden names are skipped.

    `shown` turns a path below `topology` into what people are shown. A file with a problem that leaves its data whole
    (a duplicate key) is among the documents; no other broken file is.
    """
    try:
        root = Path(os.path.realpath(topology, strict=True))
        paths, findings = _paths(topology, shown)
    except OSError as error:
        return (), (_unreadable(_name(topology, shown), f"cannot be read: {_why(error)}", folder=True),)
    if len(paths) > MAX_FILES:
        return (), (_unreadable(_name(topology, shown), f"holds more than {MAX_FILES:,} YAML files", folder=True),)
    if not paths and not findings:
        return (), (_nothing(_name(topology, shown)),)
    documents: list[Document] = []
    seen: set[Path] = set()
    room = MAX_NODES
    for path in paths:
        file = _name(path, shown)
        try:
            real, text = _text(path, root)
        except _CannotBeRead as problem:
            findings.append(_unreadable(file, problem.sentence, place=problem.place, advice=problem.advice))
            continue
        if real in seen:  # through a link
            continue
        seen.add(real)
        parsed = _parse(text, file, room)
        findings += parsed.findings
        if parsed.root is not None:
            room -= parsed.nodes
            documents.append(Document(file, real, text, parsed.root))
    return tuple(sorted(documents, key=lambda document: document.file)), tuple(findings)


def parse(text: str, file: str) -> tuple[Block | None, tuple[Finding, ...]]:
    """The data of one file; None when it is not whole. A duplicate key is a finding, and the first one counts."""
    parsed = _parse(text, file, MAX_NODES)
    return parsed.root, parsed.findings


# The folder


def _paths(topology: Path, shown: Callable[[Path], str]) -> tuple[list[Path], list[Finding]]:
    """Candidates, links last: a file that is there twice is known by its own name."""
    paths: list[Path] = []
    findings: list[Finding] = []
    for found in _walk(topology, shown):
        if isinstance(found, Finding):
            findings.append(found)
        else:
            paths.append(found)
        if len(paths) > MAX_FILES:
            break
    return sorted(paths, key=lambda path: (path.is_symlink(), path)), findings


def _walk(topology: Path, shown: Callable[[Path], str]) -> Iterator[Path | Finding]:
    folders = [topology]
    while folders:
        folder = folders.pop()
        try:
            entries = [(path, path.is_symlink(), path.is_dir()) for path in sorted(folder.iterdir())]
        except OSError as error:
            if folder == topology:
                raise
            yield _unreadable(_name(folder, shown), f"cannot be read: {_why(error)}", folder=True)
            continue
        for path, is_link, is_folder in entries:
            if path.name.startswith("."):
                continue
            is_yaml = path.suffix.lower() in {".yaml", ".yml"}
            if is_folder and is_link:
                yield _unreadable(
                    _name(path, shown), "is a link to a folder, and such links are not followed", folder=True
                )
            elif is_folder and is_yaml:
                yield _unreadable(_name(path, shown), "is a folder with the name of a file", folder=True)
            elif is_folder:
                folders.append(path)
            elif is_yaml:
                yield path


def _name(path: Path, shown: Callable[[Path], str]) -> str:
    """A name that can be printed: file names may hold bytes that are no text."""
    return shown(path).encode("utf-8", "backslashreplace").decode()


# One file


@dataclass
class _CannotBeRead(Exception):  # noqa: N818  # reads as the sentence it stands for
    sentence: str
    advice: str = ""
    place: Mark = (1, 1, 2)


def _text(path: Path, root: Path) -> tuple[Path, str]:
    try:
        real = Path(os.path.realpath(path, strict=True))
        if not real.is_relative_to(root):
            raise _CannotBeRead("is a link that leaves the topology folder")
        data = _bytes(real)
    except OSError as error:
        raise _CannotBeRead(f"cannot be read: {_why(error)}") from error
    try:
        return real, data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _CannotBeRead("is not UTF-8", "save it as UTF-8", _place_of_byte(data, error.start)) from error


def _bytes(real: Path) -> bytes:
    """Looks before it opens: to open a FIFO may block, and to open a device may do anything."""
    status = real.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise _CannotBeRead("is not a regular file")
    handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not os.path.samestat(status, os.fstat(handle)):
            raise _CannotBeRead("was replaced while it was read", "try again")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _CannotBeRead(f"is larger than {MAX_BYTES // 2**20} MiB", "split it into several files")
    return data


def _place_of_byte(data: bytes, index: int) -> Mark:
    start = data.rfind(b"\n", 0, index) + 1
    column = len(data[start:index].decode("utf-8-sig" if start == 0 else "utf-8")) + 1
    return data.count(b"\n", 0, index) + 1, column, column + 1


def _why(error: OSError) -> str:
    return (error.strerror or "the system gives no reason").lower()


# Its text


class _Parsed(NamedTuple):
    root: Block | None
    findings: tuple[Finding, ...]
    nodes: int = 0


# Control characters, and what only YAML 1.1 or only some editors take for the end of a line: places would not be true.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|\r(?!\n)"
)


def _parse(text: str, file: str, room: int) -> _Parsed:
    text = text.removeprefix("\ufeff")
    if forbidden := _FORBIDDEN.search(text):
        return _Parsed(None, (_bad_character(text, forbidden.start(), file),))
    reading = _Reading(text, file, room)
    try:
        root = reading.document()
    except _Stop as stop:
        return _Parsed(None, (stop.finding,))
    except yaml.MarkedYAMLError as error:
        return _Parsed(None, (_syntax(error, text, file),))
    if (stranger := _properties_key(root)) is not None:
        return _Parsed(None, (_properties(Location(file, *stranger)),))
    return _Parsed(root if reading.whole else None, tuple(reading.findings), reading.nodes)


def _properties_key(root: Block) -> Mark | None:
    """Sections have no dot in their names; the keys of client properties, which may be secret files, do."""
    return next(
        (place for key, place in root.keys_at.items() if ("." in key or "=" in key) and not key.startswith("x-")), None
    )


class _Stop(Exception):  # noqa: N818  # ends the reading of one file
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


class _Reading:
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
        block.at = self._bracket(start)
        merge: Mark | None = None
        sources: list[Block] = []
        while type(event := self._next()) is not yaml.MappingEndEvent:
            self._count(event, 1)
            place = self._key(event, depth)
            first = self._next()
            value = self._node(first, depth + 1)
            if place is None:
                continue
            if not (block or sources):
                block.at = place
            key = sys.intern(event.value)
            if key == "<<" and not event.style:
                if merge is not None:
                    self._duplicate(key, place, merge)
                merge = merge or place
                sources += self._sources(first, value)
            elif key in block:
                self._duplicate(key, place, block.keys_at[key])
            else:
                block[key] = value
                block.keys_at[key] = place
                block.values_at[key] = self._place(first) or place
        self._last = event
        for source in sources:
            _merge(block, source)
        return block

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
        return self._span(self._begin(event), event.end_mark) or _mark(event.start_mark)

    def _sources(self, first: Any, value: Any) -> list[Block]:
        """What `<<` takes its keys from: a mapping, or a list of mappings of which the first wins."""
        found = value if isinstance(value, Row) else [value]
        if not all(isinstance(source, Block) or source is _LOST for source in found):
            self._refuse(
                "KO1008",
                "`<<` takes something that is not a mapping",
                first,
                "write `<<: *anchor` or `<<: [*one, *two]`",
            )
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
        if start.anchor is None or type(start) is yaml.AliasEvent:
            return mark.line, mark.column
        behind = _AFTER_ANCHOR.match(self._text, mark.index)
        index = behind.end() if behind else mark.index
        return mark.line + self._text.count("\n", mark.index, index), index - self._text.rfind("\n", 0, index) - 1

    def _bracket(self, start: Any) -> Mark:
        return self._span((start.start_mark.line, start.start_mark.column), start.end_mark) or _mark(start.start_mark)

    def _item_place(self, start: Any, value: Any) -> Mark:
        """An empty item is its `-`, a block mapping its first key, a block list its own first `-`."""
        if isinstance(value, Block):
            return value.at
        line, column, _ = _mark(start.start_mark)
        return (line, column - 1, column) if value is None and column > 1 else (line, column, column + 1)

    # Limits and problems

    def _count(self, event: Any, nodes: int) -> None:
        self.nodes += nodes
        if self.nodes > self._room:
            sentence = f"the topology is larger than {MAX_NODES:,} keys and values, aliases followed"
            raise _Stop(self._finding("KO1005", sentence, _mark(event.start_mark), "use fewer aliases of aliases"))

    def _reach(self, event: Any, depth: int) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > MAX_DEPTH:
            sentence = f"mappings and lists stand more than {MAX_DEPTH} deep in each other"
            raise _Stop(self._finding("KO1005", sentence, _mark(event.start_mark)))

    def _refuse(self, code: str, sentence: str, event: Any, advice: str = "") -> None:
        self.whole = False
        place = self._span((event.start_mark.line, event.start_mark.column), event.end_mark)
        self.findings.append(self._finding(code, sentence, place or _mark(event.start_mark), advice))

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


def _mark(mark: Any) -> Mark:
    return mark.line + 1, mark.column + 1, mark.column + 2


# What the parser says, in our words: its own may quote the file


class _Said(NamedTuple):
    sentence: str
    advice: str
    at_opening: bool = False  # the place is where the broken thing begins, not where the parser gave up


_UNCLOSED_LIST = _Said(
    "the list that opens here is not closed", "put `,` between its items and `]` behind the last", at_opening=True
)
_UNCLOSED_MAPPING = _Said(
    "the mapping that opens here is not closed", "put `,` between its keys and `}` at its end", at_opening=True
)
_UNCLOSED_QUOTE = _Said(
    "the quote that opens here is not closed", "close it, or double a quote that is part of the text", at_opening=True
)
_BAD_ESCAPE = _Said(
    "a double-quoted text holds an unknown escape", "write `\\\\` for a backslash, or use single quotes"
)
_TAB = _Said("a tab indents this line", "indent with spaces")
_TAG = _Said("tags are not allowed", "leave the tag out, or put text that begins with `!` into quotes", at_opening=True)
_DIRECTIVE = _Said("directives are not allowed", "leave out the line that begins with `%`", at_opening=True)
_NAMELESS = _Said(
    "an anchor or an alias has no name", "put text that begins with `*` or `&` into quotes", at_opening=True
)
_OTHER = _Said(
    "the YAML cannot be read from here on", "check the indentation, the quotes and the brackets around this place"
)

_BY_PROBLEM = {
    "block sequence entries are not allowed in this context": _Said(
        "a list item cannot stand here", "begin the list on the line below its key"
    ),
    "could not find expected ':'": _Said("a key has no `:` behind it", "write `key: value`", at_opening=True),
    "did not find expected ',' or ']'": _UNCLOSED_LIST,
    "did not find expected ',' or '}'": _UNCLOSED_MAPPING,
    "did not find expected '-' indicator": _Said(
        "a list goes on with something that is no item", "begin the line with `- `"
    ),
    "did not find expected <document start>": _Said(
        "the file goes on after its content has ended", "give it one mapping at the top level"
    ),
    "did not find expected alphabetic or numeric character": _NAMELESS,
    "did not find expected comment or line break": _Said(
        "text stands behind `|` or `>`", "begin the text on the next line"
    ),
    "did not find expected hexdecimal number": _BAD_ESCAPE,
    "did not find expected key": _Said(
        "no key can begin here", "align it with the keys of the mapping that it belongs to"
    ),
    "did not find expected node content": _Said("a value is missing here", "write it, or remove the `,`"),
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "found character that cannot start any token": _Said(
        "a value cannot begin with this character", "put the value into quotes"
    ),
    "found invalid Unicode character escape code": _BAD_ESCAPE,
    "found undefined tag handle": _TAG,
    "found unexpected document indicator": _UNCLOSED_QUOTE,
    "found unknown escape character": _BAD_ESCAPE,
    "mapping keys are not allowed in this context": _Said("a key cannot stand here", "begin it on a line of its own"),
    "mapping values are not allowed in this context": _Said(
        "a `:` stands where no key can be", "put the value into quotes, or align the key with its neighbours"
    ),
}
_BY_CONTEXT = {
    "while scanning a quoted scalar": _UNCLOSED_QUOTE,
    "while parsing a quoted scalar": _UNCLOSED_QUOTE,
    "while parsing a tag": _TAG,
    "while scanning a tag": _TAG,
    "while scanning a directive": _DIRECTIVE,
    "while scanning a %YAML directive": _DIRECTIVE,
    "while scanning a %TAG directive": _DIRECTIVE,
}


def _syntax(error: yaml.MarkedYAMLError, text: str, file: str) -> Finding:
    said = _BY_PROBLEM.get(error.problem or "") or _BY_CONTEXT.get(error.context or "", _OTHER)
    mark: Any = (error.context_mark if said.at_opening else None) or error.problem_mark
    line, column, end = _mark(mark) if mark else (1, 1, 2)
    lines = text.split("\n")
    here = lines[line - 1] if line <= len(lines) else ""
    tab = here.find("\t")
    if 0 <= tab < len(here) - len(here.lstrip()):
        said, column, end = _TAB, tab + 1, tab + 2
    where = Location(file, line, column, end)
    code = "KO1004" if said in {_TAG, _DIRECTIVE} else "KO1002"
    return Finding(code=code, severity=Severity.ERROR, message=said.sentence, where=where, help=said.advice)


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


def _unreadable(
    file: str, sentence: str, *, place: Mark = (1, 1, 2), advice: str = "", folder: bool = False
) -> Finding:
    where = None if folder else Location(file, *place)
    return Finding(code="KO1001", severity=Severity.ERROR, message=f"`{file}` {sentence}", where=where, help=advice)


def _nothing(folder: str) -> Finding:
    message = f"`{folder}` holds no YAML file"
    return Finding(
        code="KO1006",
        severity=Severity.ERROR,
        message=message,
        help="name the folder of the topology with `--topology`",
    )
