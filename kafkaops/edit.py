"""Edits of a topology file's text: entries, blocks and values in, or out. What is edited is the text, so that everything else stays byte for byte.

Each edit is tried and read again: it counts only when the data then differs by exactly what was meant. So a block that several aliases share,
a list that a merge brings in, or a style that was not thought of gives None, and never a wrong file. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from kafkaops import source
from kafkaops.source import Row
from kafkaops.source.outline import Part, outline, parts

LIST = "acknowledge"

Keys = tuple[str, ...]
"""From the top of a file down to a mapping: `("topics", "order.order.created.v1")`; `()` is the top."""

Steps = tuple[str | int, ...]
"""The same through lists: `("acls", 0)`."""

Entry = Mapping[str, Any]


def with_entry(text: str, keys: Steps, entry: Entry | str, into: str = LIST) -> str | None:
    """The text with the entry at the end of a list of a block-style mapping; None where that cannot be written.

    `text` has no byte order mark. The list is made, as the last key of the mapping, where there is none.
    """
    data = _data(text)
    if data is None or (wanted := _changed(data, keys, lambda block: _entered(block, entry, into))) is None:
        return None
    said = quoted(entry) if isinstance(entry, str) else written(entry)
    return _first_that_means(wanted, (_inserted(text, way) for way in _ways_in(text, keys, said, into)))


def with_blocks(
    text: str, section: str, blocks: Mapping[str, Any], lines: Iterable[str], *, before: str = ""
) -> str | None:
    """The text with more keys at the end of a mapping at the top, or with that mapping; None where that cannot be written.

    `lines` are the blocks as they stand two columns in; a file that indents more gets them so. `before`: the key that a new section stands in front of.
    """
    data = _data(text)
    if data is None or (wanted := _changed(data, (), lambda root: _joined(root, section, blocks))) is None:
        return None
    return _first_that_means(
        wanted, (_inserted(text, way) for way in _ways_to_join(text, section, list(lines), before))
    )


def with_items(text: str, section: str, items: Sequence[Any], lines: Iterable[str]) -> str | None:
    """The text with more items at the end of a list at the top, or with that list; `lines` as they stand two columns in."""
    data = _data(text)
    if data is None or not isinstance(old := data.get(section, []), list):
        return None
    wanted = {**data, section: [*old, *items]}
    return _first_that_means(wanted, (_inserted(text, way) for way in _ways_to_lengthen(text, section, list(lines))))


def with_value(text: str, keys: Steps, key: str, value: Any, said: str) -> str | None:
    """The text with the value `said` under the key of a mapping, in the place of the one that is there.

    `said` may have several lines, which then stand below the key.
    """
    data = _data(text)
    if data is None or (wanted := _changed(data, keys, lambda block: {**block, key: value})) is None:
        return None
    return _first_that_means(wanted, (_cut(text, way) for way in _ways_to_say(text, keys, key, said)))


def without_key(text: str, keys: Steps, key: str) -> str | None:
    """The text without a key of a mapping that has others."""
    data = _data(text)
    if data is None or (wanted := _changed(data, keys, lambda block: _lacking(block, key))) is None:
        return None
    return _first_that_means(wanted, (_cut(text, way) for way in _ways_to_lack(text, keys, key)))


def without_entry(text: str, keys: Steps, index: int, of: str = LIST) -> str | None:
    """The text without the entry, and without the list when nothing is left in it; None where that cannot be cut out."""
    data = _data(text)
    if data is None or (wanted := _changed(data, keys, lambda block: _removed(block, index, of))) is None:
        return None
    return _first_that_means(wanted, (_cut(text, way) for way in _ways_out(text, keys, index, of)))


def written(entry: Entry) -> str:
    """One line, in braces; every text in it reads back equal."""
    return "{" + ", ".join(f"{key}: {_value(value)}" for key, value in entry.items()) + "}"


def _value(value: Any) -> str:
    match value:
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case Mapping():
            return written(value)
        case _:
            return "[" + ", ".join(map(_value, value)) + "]"


_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*|[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,19}(ms|[smhd]|[KMGT]iB)", re.ASCII)
WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""No text for one reader of YAML or another."""


def quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    code = ord(char)
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004


def entries(text: str, keys: Steps) -> Row:
    """The `acknowledge:` list of a mapping that has one, in a text that parses."""
    here: Any = _data(text)
    for key in (*keys, LIST):
        here = here[key]
    assert isinstance(here, Row)
    return here


# what the data shall be


@lru_cache(maxsize=2)  # of many edits in a row, each begins with the text that the one before ended with
def _data(text: str) -> dict[str, Any] | None:
    root, findings = source.parse(text, "")
    return None if findings else root


def _changed(data: Any, keys: Steps, change: Any) -> Any:
    """Copies the way down only: whatever else shares the mapping, through an alias, keeps the old one."""
    if not keys:
        return change(data) if isinstance(data, dict) else None
    match data, keys[0]:
        case list(), int(at) if at < len(data):
            inner = _changed(data[at], keys[1:], change)
            return None if inner is None else [*data[:at], inner, *data[at + 1 :]]
        case dict(), str(key):
            inner = _changed(data.get(key), keys[1:], change)
            return None if inner is None else {**data, key: inner}
        case _:
            return None


def _entered(block: Mapping[str, Any], entry: Entry | str, into: str) -> dict[str, Any] | None:
    old = block.get(into, [])
    plain = entry if isinstance(entry, str) else {key: _plain(value) for key, value in entry.items()}
    return {**block, into: [*old, plain]} if isinstance(old, list) else None


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | Mapping) else list(value)


def _removed(block: Mapping[str, Any], index: int, of: str) -> dict[str, Any] | None:
    old = block.get(of)
    if not isinstance(old, list) or index >= len(old):
        return None
    left = old[:index] + old[index + 1 :]
    return {key: left if key == of else value for key, value in block.items() if key != of or left}


def _joined(root: Mapping[str, Any], section: str, blocks: Mapping[str, Any]) -> dict[str, Any] | None:
    old = root.get(section, {})
    return {**root, section: {**old, **blocks}} if isinstance(old, dict) and not old.keys() & blocks.keys() else None


def _lacking(block: Mapping[str, Any], key: str) -> dict[str, Any] | None:
    return {name: value for name, value in block.items() if name != key} if key in block and len(block) > 1 else None


def _first_that_means(wanted: Mapping[str, Any], texts: Iterable[str]) -> str | None:
    return next((text for text in texts if _data(text) == wanted), None)


# where the text is changed


class _Insertion(NamedTuple):
    at: int
    text: str


class _Cut(NamedTuple):
    start: int
    end: int
    instead: str = ""


def _inserted(text: str, way: Sequence[_Insertion]) -> str:
    return _cut(text, [_Cut(one.at, one.at, one.text) for one in way])


def _cut(text: str, way: Sequence[_Cut]) -> str:
    for one in sorted(way, reverse=True):
        text = text[: one.start] + one.instead + text[one.end :]
    return text


def _found(root: Part | None, keys: Steps) -> Part | None:
    for key in keys:
        if root is None:
            return None
        if isinstance(key, int):
            root = root.items[key] if key < len(root.items) else None
        else:
            root = root.keys[key][1] if key in root.keys else None
    return root


def _ways_in(text: str, keys: Steps, entry: str, into: str) -> Iterator[list[_Insertion]]:
    root = outline(text)
    block = _found(root, keys)
    if not keys and (block is None or not block.is_mapping):
        yield [_lines(text, len(text), f"{into}:", f"  - {entry}")]
    elif root is None or block is None or block.flow or not block.keys:
        return
    elif into not in block.keys:
        yield from _as_new_list(text, root, block, into, entry, outer=_column_of(text, root, keys))
    else:
        start, rows = block.keys[into]
        yield from _into_flow(text, rows, entry) if rows.flow else _into_block(text, start, rows, entry)


def _ways_to_join(text: str, section: str, lines: list[str], before: str) -> Iterator[list[_Insertion]]:
    root = outline(text)
    if root is None or section not in root.keys:
        yield from _as_new_section(text, root, [f"{section}:", *lines], before)
        return
    start, block = root.keys[section]
    if block.flow or not block.keys:
        return
    indent = _column(text, next(iter(block.keys.values()))[0])
    last = _start_of_line(text, max(key for key, _ in block.keys.values()))
    apart = [""] if "" in lines or _BLANK.search(text, start, last) else []
    for end in _ends(text, block.end, _column(text, start)):
        yield [_lines(text, end, *apart, *(_deeper(line, indent - _USUAL) for line in lines))]


_USUAL = 2  # columns
_BLANK = re.compile(r"\n[ \t]*\r?\n")


def _deeper(line: str, columns: int) -> str:
    """Only the first step is the file's own: below it all stands as it comes."""
    return " " * columns + line if line and columns > 0 else line[-columns:] if columns < 0 else line


def _as_new_section(text: str, root: Part | None, lines: list[str], before: str) -> Iterator[list[_Insertion]]:
    """In front of a key, above the comment that belongs to it; else at the end."""
    if root is not None and before in root.keys:
        at = _start_of_line(text, root.keys[before][0])
        while at and text[_start_of_line(text, at - 1) : at].startswith("#"):
            at = _start_of_line(text, at - 1)
        yield [_lines(text, at, *lines, "")]
    yield [_lines(text, len(text), *([""] if text.strip() else []), *lines)]


def _ways_to_lengthen(text: str, section: str, lines: list[str]) -> Iterator[list[_Insertion]]:
    root = outline(text)
    if root is None or section not in root.keys:
        yield from _as_new_section(text, root, [f"{section}:", *lines], "")
        return
    start, rows = root.keys[section]
    if rows.flow or not rows.items or (dash := _dash(text, rows.items[-1].start)) is None:
        return
    for end in _ends(text, rows.end, _column(text, start)):
        yield [_lines(text, end, *(_deeper(line, _column(text, dash) - _USUAL) for line in lines))]


def _ways_to_say(text: str, keys: Steps, key: str, said: str) -> Iterator[list[_Cut]]:
    root = outline(text)
    block = _found(root, keys)
    if root is None or block is None or not block.is_mapping:
        return
    if key in block.keys:
        value = block.keys[key][1]
        yield [_Cut(value.start, value.end, said)]
    elif block.flow:
        last = block.end - 1
        yield [_Cut(last, last, f", {quoted(key)}: {said}" if block.keys else f"{quoted(key)}: {said}")]
    elif block.keys:
        indent = " " * _column(text, next(iter(block.keys.values()))[0])
        for end in _ends(text, block.end, _column_of(text, root, keys)):
            yield [_as_cut(_lines(text, end, *f"{indent}{quoted(key)}: {said}".replace(": \n", ":\n", 1).split("\n")))]


def _as_cut(one: _Insertion) -> _Cut:
    return _Cut(one.at, one.at, one.text)


def _ways_to_lack(text: str, keys: Steps, key: str) -> Iterator[list[_Cut]]:
    root = outline(text)
    block = _found(root, keys)
    if root is None or block is None or key not in block.keys:
        return
    start, value = block.keys[key]
    if block.flow:
        yield from ([one] for one in _flow_item(text, start, value.end))
        return
    line = _start_of_line(text, start)
    for end in (_next_line(text, value.end - 1), *_ends(text, value.end, _column(text, start))):
        yield [_to_the_end(text, _Cut(line, end))]


def _column_of(text: str, root: Part, keys: Steps) -> int:
    """Of the key whose value the block is; -1 for the top."""
    above, last = (_found(root, keys[:-1]), keys[-1]) if keys else (None, "")
    if above is None:
        return -1
    if isinstance(last, int):  # below the dash of an item everything is deeper than the dash
        dash = _dash(text, above.items[last].start)
        return -1 if dash is None else _column(text, dash)
    return _column(text, above.keys[last][0])


def _as_new_list(
    text: str, root: Part, block: Part, into: str, entry: str, *, outer: int
) -> Iterator[list[_Insertion]]:
    indent = " " * _column(text, next(iter(block.keys.values()))[0])
    step = " " * _step(text, root)
    for end in _ends(text, block.end, outer):
        yield [_lines(text, end, f"{indent}{into}:", f"{indent}{step}- {entry}")]


def _into_block(text: str, start: int, rows: Part, entry: str) -> Iterator[list[_Insertion]]:
    if (dash := _dash(text, rows.items[-1].start) if rows.items else None) is None:
        return
    for end in _ends(text, rows.end, _column(text, start)):
        yield [_lines(text, end, f"{' ' * _column(text, dash)}- {entry}")]


def _into_flow(text: str, rows: Part, entry: str) -> Iterator[list[_Insertion]]:
    if not rows.items:
        yield [_Insertion(rows.end - 1, entry)]
        return
    last = rows.items[-1]
    line = _start_of_line(text, last.start)
    if text[line : last.start].isspace() and (rest := _REST.match(text, last.end)) is not None:
        comma = [] if rest["comma"] else [_Insertion(last.end, ",")]
        yield [*comma, _lines(text, rest.end(), f"{text[line : last.start]}{entry}{rest['comma']}")]
    yield [_Insertion(last.end, f", {entry}")]


_REST = re.compile(r"[ \t]*(?P<comma>,?)[ \t]*(#[^\n]*)?\r?\n")
"""Of the line on which something in brackets ends."""


def _lines(text: str, at: int, *lines: str) -> _Insertion:
    """Whole lines, with the line ends of the line before. A last line that has no end keeps having none."""
    before = text.rfind("\n", 0, at)
    end = "\r\n" if text[max(before - 1, 0) : before] == "\r" else "\n"
    if at and text[at - 1] != "\n":
        return _Insertion(at, "".join(end + line for line in lines))
    return _Insertion(at, "".join(line + end for line in lines))


def _ends(text: str, end: int, column: int) -> Iterator[int]:
    """Where the lines of a block end that stands below a key at `column`: before blank lines, and before comments that are no deeper than the key.

    Where that cuts through a text of several lines, the place right before what follows.
    """
    behind = _start_of_line(text, end) if not text[_start_of_line(text, end) : end].strip() else end
    at = behind
    while at and _is_beside(text[_start_of_line(text, at - 1) : at], column):
        at = _start_of_line(text, at - 1)
    yield at
    if at != behind:
        yield behind


def _is_beside(line: str, column: int) -> bool:
    bare = line.strip()
    return not bare or (bare.startswith("#") and len(line) - len(line.lstrip()) <= column)


def _step(text: str, root: Part) -> int:
    """How far a list is indented below its key, as the file does it elsewhere: like its lists, else like its mappings."""
    below = [
        (value.is_list, _column(text, child) - _column(text, start))
        for one in parts(root)
        for start, value in one.keys.values()
        if not one.flow and (child := _first_of(text, value)) is not None and child > start
    ]
    steps = sorted(below, key=lambda one: not one[0])  # stable: the first list, else the first mapping
    return next((step for is_list, step in steps if step >= (not is_list)), 2)


def _first_of(text: str, block: Part) -> int | None:
    if block.flow or not (block.keys or block.items):
        return None
    return next(iter(block.keys.values()))[0] if block.keys else _dash(text, block.items[0].start)


def _dash(text: str, item: int) -> int | None:
    """The dash of an item of a block list: on its line, or on one above it when an anchor or a comment stands between."""
    line = _start_of_line(text, item)
    while (match := _DASH.match(text, line)) is None:
        if line == 0 or text[line:item].partition("#")[0].strip():
            return None
        line = _start_of_line(text, line - 1)
    return match.end() - 1


_DASH = re.compile(r" *-(?=[ \t\r\n])")


def _column(text: str, index: int) -> int:
    return index - _start_of_line(text, index)


def _start_of_line(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _next_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


# out


def _ways_out(text: str, keys: Steps, index: int, of: str) -> Iterator[list[_Cut]]:
    root = outline(text)
    block = _found(root, keys)
    if root is None or block is None or of not in block.keys:
        return
    start, rows = block.keys[of]
    if len(rows.items) == 1:
        yield from _whole_list(text, keys, block, start, rows)
    elif rows.flow:
        yield from ([one] for one in _flow_item(text, rows.items[index].start, rows.items[index].end))
    else:
        yield from ([_to_the_end(text, one)] for one in _block_item(text, start, rows, index))


def _whole_list(text: str, keys: Steps, block: Part, start: int, rows: Part) -> Iterator[list[_Cut]]:
    """The key with the only entry. A mapping that has nothing else becomes `{}`, since below some keys a null would be wrong."""
    if block.flow:
        yield from ([one] for one in _flow_item(text, start, rows.end))
        return
    line = _Cut(_start_of_line(text, start), _next_line(text, start))
    empty = [_Cut(one, one, " {}") for one in _behind_key(text, keys)] if keys and len(block.keys) == 1 else []
    if rows.flow:
        yield [*empty, _to_the_end(text, _Cut(line.start, _next_line(text, rows.end)))]
        return
    for entry in _block_item(text, start, rows, 0):
        joined = [_Cut(line.start, entry.end)] if line.end == entry.start else [line, entry]
        yield [*empty, *(_to_the_end(text, one) for one in joined)]


def _behind_key(text: str, keys: Steps) -> Iterator[int]:
    """Behind the colon of the key whose value the block is."""
    above, last = _found(outline(text), keys[:-1]), keys[-1]
    if above is None or isinstance(last, int):
        return
    if match := re.compile(r"[^\n]*?:(?=[ \t]*(#|\r?\n))").match(text, above.keys[last][0]):
        yield match.end()


def _block_item(text: str, start: int, rows: Part, index: int) -> Iterator[_Cut]:
    """Its own lines: those below its dash that stand deeper than the dash."""
    if (dash := _dash(text, rows.items[index].start)) is None:
        return
    last = index + 1 == len(rows.items)
    behind = rows.end if last else _dash(text, rows.items[index + 1].start)
    if behind is not None:
        for end in _ends(text, behind, max(_column(text, dash), _column(text, start))):
            yield _Cut(_start_of_line(text, dash), end)


def _to_the_end(text: str, lines: _Cut) -> _Cut:
    """Lines at the end of a text that does not end with one: the line before loses its end instead."""
    start, end, _ = lines
    if end < len(text) or text.endswith("\n") or start == 0:
        return lines
    return _Cut(start - (2 if text[start - 2 : start] == "\r\n" else 1), end)


def _flow_item(text: str, start: int, end: int) -> Iterator[_Cut]:
    """With its line when it has one for itself, and with the comma that parts it from its neighbour."""
    line = _start_of_line(text, start)
    if text[line:start].isspace() and (rest := _REST.match(text, end)) is not None:
        yield _Cut(line, rest.end())
    if (comma := re.compile(r"[ \t]*,[ \t]*").match(text, end)) is not None:
        yield _Cut(start, comma.end())
    if (comma := re.search(r",[ \t]*$", text[:start])) is not None:
        yield _Cut(comma.start(), end)
    yield _Cut(start, end)
