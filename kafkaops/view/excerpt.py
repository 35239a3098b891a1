"""A finding with the lines of the file that it is about, as rustc shows them. Pure text.

The lines are in the document (`quoted` puts them there), so that a saved one shows the same. Only files in `texts` are quoted: those that were read as
topology. Lines that may hold a secret are masked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kafkaops.view.lines import Document
from kafkaops.view.visible import cells, visible
from kafkaops.view.words import placed

MASK = "***"
_CUT = "..."
_STRETCH = 400  # characters that are kept on each side of a place: more than a terminal is wide


def quoted(document: Document, texts: Mapping[str, str]) -> dict[str, Any]:
    """The document with the lines that its findings are about: `quote` of a place is that line, after the key above it."""
    findings = [
        {
            **one,
            "source": _with_quote(one["source"], texts),
            "also": [{**place, "source": _with_quote(place["source"], texts)} for place in one["also"]],
        }
        for one in document["findings"]
    ]
    return {**document, "findings": findings}


def _with_quote(place: Document | None, texts: Mapping[str, str]) -> Document | None:
    lines = _safe_lines(texts[place["file"]]) if place and place["file"] in texts else ()
    if place is None or not 0 < place["line"] <= len(lines):
        return place
    above = [{"line": number, "text": text[: 2 * _STRETCH]} for number, text in _key_above(place["line"], lines)]
    return {**place, "quote": [*above, _stretch(lines[place["line"] - 1], place)]}


def _key_above(line: int, lines: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """What the line is part of. Never a line with a value: whatever nobody asked about stays out of logs."""
    indent = _indent(lines[line - 1])
    for number in range(line - 1, 0, -1):
        above = lines[number - 1]
        if above.strip() and not above.lstrip().startswith("#") and _indent(above) < indent:
            key = _BARE_KEY.fullmatch(above)
            if key and _indent(above):
                yield number, key[1]
            return


def _stretch(line: str, place: Document) -> dict[str, Any]:
    """`before`, `after`: characters of the line that are not kept."""
    start = max(0, min(place["column"] - 1, len(line)) - _STRETCH)
    text = line[start : start + 2 * _STRETCH]
    return {"line": place["line"], "text": text, "before": start, "after": len(line) - start - len(text)}


def masked(text: str) -> str:
    """A text in YAML, with what stands behind a secret's key masked."""
    return "\n".join(_safe_lines(text))


def excerpt(finding: Document, *, width: int) -> list[str]:
    """The lines of text, no more than about `width` columns for what is quoted; messages and paths are never cut."""
    return [_headline(finding), *_places(finding, width), *_advice(finding, width)]


def _headline(finding: Document) -> str:
    return visible(f"{finding['severity']}[{finding['code']}]: {finding['message']}")


def _places(finding: Document, width: int) -> Iterator[str]:
    place = finding["source"]
    if place is None:
        return
    gutter = _gutter(finding)
    yield visible(f"{' ' * gutter}--> {placed(place)}")
    main = list(_quoted(place, finding["label"], "^", gutter, width))
    yield from main
    if main and not finding["also"]:
        yield _bar(gutter)
    for other in finding["also"]:
        lines = list(_quoted(other["source"], other["label"], "-", gutter, width))
        if main:
            yield _bar(gutter)
        rest = "" if lines or not other["label"] else f" {other['label']}"
        yield visible(f"{' ' * gutter}::: {placed(other['source'])}{rest}")
        yield from lines


def _gutter(finding: Document) -> int:
    """As wide as the widest line number that is quoted."""
    places = [place for place in (finding["source"], *(one["source"] for one in finding["also"])) if place]
    numbers = [place["line"] for place in places if place.get("quote")]
    if finding["fix"] and finding["source"]:
        numbers.append(finding["source"]["line"] + finding["fix"].count("\n"))
    return max((len(str(number)) for number in numbers), default=_GUTTER)


_GUTTER = 2  # where nothing is quoted


def _bar(gutter: int) -> str:
    return f"{' ' * gutter} |"


def _quoted(place: Document, label: str, sign: str, gutter: int, width: int) -> Iterator[str]:
    if not place.get("quote"):
        return
    *above, line = place["quote"]
    room = max(width - gutter - 3, 40)
    yield _bar(gutter)
    for one in above:
        yield f"{one['line']:>{gutter}} | {_whole(one['text'], room)}".rstrip()
        if one["line"] < line["line"] - 1:
            yield _CUT
    shown, indent, length = _span(line, place, room)
    yield f"{line['line']:>{gutter}} | {shown}".rstrip()
    yield f"{_bar(gutter)} {' ' * indent}{sign * length} {visible(label)}".rstrip()


_BARE_KEY = re.compile(r"([ -]*[^\s#&*!|>{\[:][^#&*!|>{\[]*:)\s*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of a line, by characters."""

    start: int
    end: int


def _span(quote: Document, place: Document, room: int) -> tuple[str, int, int]:
    """What is shown of the line, how far in the marks stand, and how many there are, all in columns of a terminal."""
    line, missing, more = quote["text"], quote.get("before", 0), quote.get("after", 0)
    start = min(max(place["column"] - 1 - missing, 0), len(line))
    end = max(start + 1, min(place["end_column"] - 1 - missing, len(line)))
    window = _window(line, start, room)
    before = (_CUT if window.start or missing else "") + visible(line[window.start : start])
    marked = visible(line[start : min(end, window.end)])
    after = visible(line[min(end, window.end) : window.end]) + (_CUT if window.end < len(line) or more else "")
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


def _advice(finding: Document, width: int) -> Iterator[str]:
    gutter = _gutter(finding)
    if finding["help"]:
        yield visible(f"help: {finding['help']}")
    if finding["fix"] and finding["source"]:
        yield from _fix(finding["fix"], finding["source"], gutter, width)
    for note in finding["notes"]:
        yield visible(f"{' ' * gutter} = note: {note}")
    yield f"{' ' * gutter} = more: kafkaops explain {finding['code']}"


def _fix(fix: str, place: Document, gutter: int, width: int) -> Iterator[str]:
    """With the indent of the line that it replaces, unless it brings its own."""
    line = place["quote"][-1]["text"] if place.get("quote") else ""
    indent = "" if fix.startswith(" ") else line[: len(line) - len(line.lstrip())]
    yield _bar(gutter)
    for offset, row in enumerate(_safe_lines(fix)):
        yield f"{place['line'] + offset:>{gutter}} | {_whole(indent + row, max(width - gutter - 3, 40))}".rstrip()
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
