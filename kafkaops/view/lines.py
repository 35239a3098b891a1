"""What screens are made of: lines of styled text, tables, paragraphs. No path or name is ever cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from kafkaops.view.visible import cells, visible

Document = Mapping[str, Any]

WIDTH_WITHOUT_TERMINAL = 98
MOST = 20  # of one kind of finding, before the rest is only counted


class Span(NamedTuple):
    text: str
    style: str = ""


Line = tuple[Span, ...]
EMPTY: Line = ()
SIGNS = {"+": "green", "~": "yellow", "-": "red", "!": "bold red"}


def section(title: str, count: int, width: int) -> Iterator[Line]:
    head = f"{title}: {count:,} "
    yield EMPTY
    yield (Span(head + "-" * max(text_width(width) - cells(head), 3), "bold"),)
    yield EMPTY


def text_width(width: int) -> int:
    """Sentences are easier to read in lines that are not too long."""
    return min(width, WIDTH_WITHOUT_TERMINAL)


END = 8  # labels of the last block


def labelled(label: str, text: str, width: int, *, wide: int = 6) -> Iterator[Line]:
    lead = f"  {label:<{wide}}  "
    yield from paragraph(lead + visible(text), width, hang=" " * cells(lead))


def command(label: str, command: str) -> Line:
    """Never broken, so that it can be pasted."""
    return (Span(f"  {label:<{END}}  {command}"),)


def paragraph(text: str, width: int, *, hang: str, style: str = "") -> Iterator[Line]:
    """Broken at spaces; what has none stays whole, however long."""
    line, empty = "", True
    for word in _words(visible(text)):
        if not empty and cells(line) + cells(word) > text_width(width):
            yield (Span(line.rstrip(), style),)
            line = hang + word.lstrip()
        else:
            line += word
        empty = False
    yield (Span(line, style),)


def _words(text: str) -> Iterator[str]:
    """Each with the spaces before it; the indent stays with the first."""
    start = len(text) - len(text.lstrip(" "))
    head, *rest = text[start:].split(" ")
    yield " " * start + head
    yield from (f" {word}" for word in rest)


GAP = 2  # between columns
_WIDEST = 44  # of a column, where not all rows fit: what is longer pushes its own row only


class Row(NamedTuple):
    """`lead`: the sign in column 0 and the kind. The cells stand in columns."""

    lead: str
    cells: tuple[str, ...]


def table(blocks: Sequence[Sequence[Row]], width: int) -> Iterator[Line]:
    """One set of columns for all blocks where that fits; else each block has its own, and lonely rows have one together."""
    shown = [[Row(row.lead, tuple(visible(cell) for cell in row.cells)) for row in block] for block in blocks]
    rows = [row for block in shown for row in block]
    if _fits(rows, width):
        yield from _columns(rows, width)
        return
    for lonely, group in groupby(shown, key=lambda block: len(block) == 1):
        parts = list(group)
        for block in [[row for part in parts for row in part]] if lonely else parts:
            yield from _columns(block, width)


def _fits(rows: Sequence[Row], width: int) -> bool:
    starts = _starts(rows, width)
    return all(cells(_in_columns(row, starts)) <= width for row in rows)


def _columns(rows: Sequence[Row], width: int) -> Iterator[Line]:
    starts = _starts(rows, width if _fits(rows, width) else _WIDEST)
    for row in rows:
        yield from _row(row, starts, width)


def _starts(rows: Sequence[Row], widest: int) -> list[int]:
    """Where each column but the first begins; cells wider than `widest` do not count."""
    starts: list[int] = []
    for column in range(max((len(row.cells) for row in rows), default=1) - 1):
        ends = [
            (starts[column - 1] if column else cells(row.lead)) + cells(row.cells[column])
            for row in rows
            if column + 1 < len(row.cells) and cells(row.cells[column]) <= widest
        ]
        starts.append(max([end + GAP for end in ends], default=starts[-1] + GAP if starts else GAP))
    return starts


def _in_columns(row: Row, starts: Sequence[int]) -> str:
    first, *rest = row.cells
    text = row.lead + first
    for start, cell in zip(starts, rest, strict=False):
        text += " " * max(start - cells(text), GAP) + cell if cell else ""
    return text


def _row(row: Row, starts: Sequence[int], width: int) -> Iterator[Line]:
    """In columns; closer together where that is too wide; and on a second line what is too wide even so."""
    text = _in_columns(row, starts)
    if cells(text) <= width:
        yield _line(text)
        return
    first, *rest = row.cells
    text = row.lead + first
    for cell in filter(None, rest):
        if cells(text) + GAP + cells(cell) <= width:
            text += " " * GAP + cell
        else:
            yield _line(text)
            text = " " * 12 + cell
    yield _line(text)


def _line(text: str) -> Line:
    return (Span(text[0], SIGNS.get(text[0], "")), Span(text[1:]))
