"""A finding with the lines of the file that it is about, as rustc shows them. Pure text.

Only files in `texts` are quoted: those that were read as topology. Lines that may hold a secret are masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from kafkaops.findings import Finding, Location
from kafkaops.view.visible import cells, visible

MASK = "***"
_CUT = "..."


def excerpt(finding: Finding, texts: Mapping[str, str], *, width: int) -> list[str]:
    """The lines of text, no more than about `width` columns for what is quoted; messages and paths are never cut."""
    lines = list(_places(finding, texts, width))
    return [_headline(finding), *lines, *_advice(finding, texts, width)]


def _headline(finding: Finding) -> str:
    return visible(f"{finding.severity}[{finding.code}]: {finding.message}")


def _places(finding: Finding, texts: Mapping[str, str], width: int) -> Iterator[str]:
    if finding.where is None:
        return
    gutter = _gutter(finding, texts)
    yield visible(f"{' ' * gutter}--> {finding.where}")
    main = list(_quoted(finding.where, finding.label, "^", texts, gutter, width))
    yield from main
    if main and not finding.also:
        yield _bar(gutter)
    for place, label in finding.also:
        quoted = list(_quoted(place, label, "-", texts, gutter, width))
        if main:
            yield _bar(gutter)
        yield visible(f"{' ' * gutter}::: {place}" + ("" if quoted or not label else f" {label}"))
        yield from quoted


def _gutter(finding: Finding, texts: Mapping[str, str]) -> int:
    """As wide as the widest line number that is quoted."""
    places = [place for place in (finding.where, *(place for place, _ in finding.also)) if place]
    numbers = [place.line for place in places if place.file in texts]
    if finding.fix and finding.where:
        numbers.append(finding.where.line + finding.fix.count("\n"))
    return max((len(str(number)) for number in numbers), default=_GUTTER)


_GUTTER = 2  # where nothing is quoted


def _bar(gutter: int) -> str:
    return f"{' ' * gutter} |"


def _quoted(place: Location, label: str, sign: str, texts: Mapping[str, str], gutter: int, width: int) -> Iterator[str]:
    line = _line(place, texts)
    if line is None:
        return
    room = max(width - gutter - 3, 40)
    yield _bar(gutter)
    for number, above in _key_above(place, texts):
        yield f"{number:>{gutter}} | {_whole(above, room)}".rstrip()
        if number < place.line - 1:
            yield _CUT
    shown, indent, length = _span(line, place, room)
    yield f"{place.line:>{gutter}} | {shown}".rstrip()
    yield f"{_bar(gutter)} {' ' * indent}{sign * length} {visible(label)}".rstrip()


def _line(place: Location, texts: Mapping[str, str]) -> str | None:
    text = texts.get(place.file)
    lines = () if text is None else _safe_lines(text)
    return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def _key_above(place: Location, texts: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """What the line is part of. Never a line with a value: whatever nobody asked about stays out of logs."""
    lines = _safe_lines(texts[place.file])
    indent = _indent(lines[place.line - 1])
    for number in range(place.line - 1, 0, -1):
        line = lines[number - 1]
        if line.strip() and not line.lstrip().startswith("#") and _indent(line) < indent:
            key = _BARE_KEY.fullmatch(line)
            if key and _indent(line):
                yield number, key[1]
            return


_BARE_KEY = re.compile(r"([ -]*[^\s#&*!|>{\[:][^#&*!|>{\[]*:)\s*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of a line, by characters."""

    start: int
    end: int


def _span(line: str, place: Location, room: int) -> tuple[str, int, int]:
    """What is shown of the line, how far in the marks stand, and how many there are, all in columns of a terminal."""
    start = min(place.column - 1, len(line))
    end = max(start + 1, min(place.end_column - 1, len(line)))
    window = _window(line, start, room)
    before = (_CUT if window.start else "") + visible(line[window.start : start])
    marked = visible(line[start : min(end, window.end)])
    after = visible(line[min(end, window.end) : window.end]) + (_CUT if window.end < len(line) else "")
    return before + marked + after, cells(before), max(cells(marked), 1)


def _window(line: str, start: int, room: int) -> _Window:
    if cells(visible(line)) <= room:
        return _Window(0, len(line))
    wide = room if line.isascii() else room // 2
    left = 0 if start < wide * 2 // 3 else start - wide // 3
    return _Window(left, min(len(line), left + wide - 2 * len(_CUT)))


def _whole(line: str, room: int) -> str:
    window = _window(line, 0, room)
    return visible(line[: window.end]) + (_CUT if window.end < len(line) else "")


def _advice(finding: Finding, texts: Mapping[str, str], width: int) -> Iterator[str]:
    gutter = _gutter(finding, texts)
    if finding.help:
        yield visible(f"help: {finding.help}")
    if finding.fix and finding.where:
        yield from _fix(finding.fix, finding.where, texts, gutter, width)
    for note in finding.notes:
        yield visible(f"{' ' * gutter} = note: {note}")
    yield f"{' ' * gutter} = more: kafkaops explain {finding.code}"


def _fix(fix: str, where: Location, texts: Mapping[str, str], gutter: int, width: int) -> Iterator[str]:
    """With the indent of the line that it replaces, unless it brings its own."""
    line = _line(where, texts) or ""
    indent = "" if fix.startswith(" ") else line[: len(line) - len(line.lstrip())]
    yield _bar(gutter)
    for offset, row in enumerate(_safe_lines(fix)):
        yield f"{where.line + offset:>{gutter}} | {_whole(indent + row, max(width - gutter - 3, 40))}".rstrip()
    yield _bar(gutter)


_SECRET_KEY = re.compile(
    r"""(?:^|[\s{,\["'-])["']?(?:[\w.-]*[._-])?(?:password|passwd|passphrase|secret|token|jaas(?:\.config)?|private[._-]?key)["']?\s*(?:[:=]|$)""",
    re.IGNORECASE,
)
_ELSEWHERE = re.compile(  # a text that may be used as a secret in another place: behind an anchor, or of a key that is ours to ignore
    r"""(?:(?:^|(?<=[\s{,\[]))&[^\s,\[\]{}]+|(?:^|(?<=[\s{,]))["']?x-[\w.-]*["']?\s*:)(?=\s+[^\s&{\[])"""
)


@lru_cache(maxsize=32)
def _safe_lines(text: str) -> tuple[str, ...]:
    """The lines of a YAML text, tabs as one space, with what stands behind a secret's key masked."""
    return tuple(_mask(re.split(r"\r\n|\n|\r|\x85|\u2028|\u2029", text.replace("\t", " "))))


def _mask(lines: list[str]) -> Iterator[str]:
    """A value may run on over lines that are indented deeper, or inside an open bracket or quote: too much is masked sooner than too little."""
    secret: list[str] = []
    for line in lines:
        if secret and _runs_on(secret, line):
            secret.append(line)
            yield MASK if line.strip() else ""
            continue
        ends = [match.end() for match in (_SECRET_KEY.search(line), _ELSEWHERE.search(line)) if match]
        secret = [line] if ends else []
        yield f"{line[: min(ends)]} {MASK}" if ends else line


def _runs_on(secret: list[str], line: str) -> bool:
    if not line.strip() or _indent(line) > _indent(secret[0]) or line.lstrip().startswith(":"):
        return True
    so_far = "\n".join(secret)
    opened = sum(so_far.count(sign) for sign in "{[") > sum(so_far.count(sign) for sign in "}]")
    return opened or so_far.count('"') % 2 == 1 or so_far.count("'") % 2 == 1 or so_far.rstrip().endswith(":")


def _indent(line: str) -> int:
    """Of the key, so that an item's dash counts as indent."""
    return len(line) - len(line.lstrip(" -"))
