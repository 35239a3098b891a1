"""What screens are made of: lines of styled text, tables, paragraphs. No path or name is ever cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
_ACL_CELLS = 4  # rows of access have at least as many, and columns of their own
_WIDEST = 44  # of a column: what is longer pushes its own row only


class Row(NamedTuple):
    """`lead`: the sign in column 0 and the kind. The cells stand in columns."""

    lead: str
    cells: tuple[str, ...]


def table(rows: Sequence[Row], width: int) -> Iterator[Line]:
    """Rows of one shape stand in columns; what does not fit into the width goes to a line of its own, whole."""
    shown = [Row(row.lead, tuple(visible(cell) for cell in row.cells)) for row in rows]
    plain = _starts([row for row in shown if len(row.cells) < _ACL_CELLS])
    access = _starts([row for row in shown if len(row.cells) >= _ACL_CELLS])
    for row in shown:
        yield from _row(row, plain if len(row.cells) < _ACL_CELLS else access, width)


def _starts(rows: Sequence[Row]) -> list[int]:
    """Where each column but the first begins."""
    starts: list[int] = []
    for column in range(max((len(row.cells) for row in rows), default=1) - 1):
        ends = [
            (starts[column - 1] if column else cells(row.lead)) + cells(row.cells[column])
            for row in rows
            if column + 1 < len(row.cells) and cells(row.cells[column]) <= _WIDEST
        ]
        floor = (starts[-1] if starts else 8) + GAP
        starts.append(max([end + GAP for end in ends], default=floor))
    return starts


def _row(row: Row, starts: Sequence[int], width: int) -> Iterator[Line]:
    """In columns; closer together where that is too wide; and on a second line what is too wide even so."""
    sign = Span(row.lead[0], SIGNS.get(row.lead[0], ""))
    first, *rest = row.cells
    full = [(start, cell) for start, cell in zip(starts, rest, strict=False) if cell]
    text = row.lead[1:] + first
    in_columns = text
    for start, cell in full:
        in_columns += " " * max(start - 1 - cells(in_columns), GAP) + cell
    if cells(in_columns) < width:
        yield (sign, Span(in_columns))
        return
    for _, cell in full:
        if cells(text) + GAP + cells(cell) < width:
            text += " " * GAP + cell
        else:
            yield (sign, Span(text))
            sign, text = Span(" "), " " * 11 + cell
    yield (sign, Span(text))
