"""What screens are made of: lines of styled text, tables, paragraphs. No path or name is ever cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, zip_longest
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


def section(title: str, count: int, width: int, why: str = "") -> Iterator[Line]:
    head = f"{title}: {count:,} {why} " if why else f"{title}: {count:,} "
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


class Row(NamedTuple):
    """`lead`: the sign in column 0 and the kind. The cells stand in columns; `below`: items of a list on lines of their own."""

    lead: str
    cells: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


def table(rows: Sequence[Row], width: int) -> Iterator[Line]:
    """One set of columns for all rows, as wide as fits: whoever has a longer cell overflows alone."""
    shown = [row._replace(lead=visible(row.lead), cells=tuple(map(visible, row.cells))) for row in rows]
    starts = _starts(shown, width)
    for row in shown:
        yield from _row(row, starts, width)
        yield from listed(f"{row.lead[0]}{' ' * 9}", row.below, width)


def listed(lead: str, items: Sequence[str], width: int) -> Iterator[Line]:
    """`a, b, c`, broken between items only; every line has the lead."""
    text = lead
    for number, item in enumerate(map(visible, items), 1):
        told = item if number == len(items) else f"{item},"
        if text != lead and cells(text) + 1 + cells(told) > text_width(width):
            yield _line(text)
            text = lead
        text += told if text == lead else f" {told}"
    if items:
        yield _line(text)


def fits(rows: Sequence[Row], width: int) -> bool:
    """Whether all rows stand in columns, each on one line."""
    shown = [tuple(cells(visible(cell)) for cell in row.cells) for row in rows]
    wide = [max(column) for column in zip_longest(*shown, fillvalue=0)]
    return _total(wide) + max((cells(row.lead) for row in rows), default=0) <= width


def _total(wide: Sequence[int]) -> int:
    used = [one for one in wide if one]
    return sum(used) + GAP * (len(used) - 1)


def _starts(rows: Sequence[Row], width: int) -> list[int]:
    """Where each column begins, so that as many rows as possible fit: those with the longest cells count last."""
    lead = max((cells(row.lead) for row in rows if row.cells), default=0)
    wide: list[int] = []
    for row in sorted([tuple(map(cells, row.cells)) for row in rows], key=lambda row: max(row, default=0)):
        wider = [max(pair) for pair in zip_longest(wide, row, fillvalue=0)]
        if lead + _total(wider) > width:
            break
        wide = wider
    return list(accumulate((one + GAP if one else 0 for one in wide), initial=lead))


def _row(row: Row, starts: Sequence[int], width: int) -> Iterator[Line]:
    """What does not fit beside a longer cell stands below it, in its own column where there is room."""
    text, last = row.lead, len(starts) - 1
    for column, cell in enumerate(row.cells):
        if not cell:
            continue
        start = starts[min(column, last)]
        beside = text + " " * max(start - cells(text), GAP if column else 0) + cell
        if column and cells(beside) > width:
            yield _line(text)
            beside = " " * max(min(start, width - cells(cell)), _HANG) + cell
        text = beside
    yield _line(text)


_HANG = 12  # of what is too wide to stand in its column


def _line(text: str) -> Line:
    return (Span(text[0], SIGNS.get(text[0], "")), Span(text[1:]))
