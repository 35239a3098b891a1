"""Markdown in which text from outside is text: names stand in code spans, where no mark, mention, emoji, tag or formula acts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby

from kafkaops.view.visible import visible


def code(text: str) -> str:
    """A code span that shows the text, all of it and nothing else."""
    return _span(visible(text) or "(empty)")


def _span(shown: str) -> str:
    fence = "`" * (_longest_run(shown) + 1)
    stripped = shown[0] == shown[-1] == " " and shown.strip(" ")  # CommonMark takes one space off each end
    room = " " if stripped or "`" in {shown[0], shown[-1]} else ""
    return f"{fence}{room}{shown}{room}{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def prose(text: str, *names: str) -> str:
    """A sentence: plain words stay words, `names` and whatever is no plain word stand in code spans. Never at the start of a block."""
    pieces = _joined(_pieces(visible(text), [visible(name) for name in names if name]))
    return "".join(_span(piece) if is_code else piece for is_code, piece in pieces)


_Piece = tuple[bool, str]  # whether it is code, and the text


def _pieces(text: str, names: Iterable[str]) -> Iterator[_Piece]:
    literal = r"`([^`]+)`"
    named = "|".join(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])" for name in names)
    whole = re.compile(f"({named})|{literal}" if named else f"(?!)()|{literal}")
    end = 0
    for match in whole.finditer(text):
        yield from _words(text[end : match.start()])
        yield True, match[1] or match[2]
        end = match.end()
    yield from _words(text[end:])


def _words(text: str) -> Iterator[_Piece]:
    for word in re.split("( +)", text):
        lead, core, trail = _PARTS.fullmatch(word).groups()  # type: ignore[union-attr]  # it matches any line
        if core == "->":
            yield False, f"{lead}to{trail}"
        elif not core.strip(" ") or (_PLAIN.fullmatch(core) and not _HASH.fullmatch(core)):
            yield False, word
        else:
            yield from ((False, lead), (True, core), (False, trail))


_PARTS = re.compile(r"(\(?)(:.+|.*?)([,;:)]*)")
_PLAIN = re.compile(r"[A-Za-z]+(?:[-'][A-Za-z]+)*|[0-9]{1,6}(?:,[0-9]{3})*(?:\.[0-9]+)?(?:%|[A-Za-z]{1,4})?", re.ASCII)
_HASH = re.compile("[0-9a-f]{7,}")  # looks like a commit, and would link to it


def _joined(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """Code beside code, or after one space, is one code span: two that touch would be none."""
    held: list[_Piece] = []
    for piece in (one for one in pieces if one[1]):
        held.append(piece)
        if len(held) > 2 and held[-1][0] and held[-3][0] and held[-2] == (False, " "):  # noqa: PLR2004
            held[-3:] = [(True, f"{held[-3][1]} {held[-1][1]}")]
        elif len(held) > 1 and held[-1][0] and held[-2][0]:
            held[-2:] = [(True, held[-2][1] + held[-1][1])]
    for is_code, its in groupby(held, key=lambda one: one[0]):
        yield is_code, "".join(text for _, text in its)


def row(*cells: str) -> str:
    """Of a table: a pipe inside a cell would end it, in a code span too."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def fenced(language: str, lines: Iterable[str]) -> str:
    body = "\n".join(lines)
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}"


def folded(summary: str, body: str) -> str:
    """`summary`: words of ours, no names."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"
