"""Text from outside, made safe to print: one line stays one line, and nothing steers a terminal or a build log."""

from __future__ import annotations

import re
import unicodedata

_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})  # controls, bidi and zero-width marks, line separators
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LOG_COMMAND = re.compile(r"^(\s*):(?=:[A-Za-z])|#(?=#\w*\[)")  # `::error::` and `##[error]` act on a build log


def visible(text: str) -> str:
    r"""Every character that does not show itself, as an escape: a newline `\n`, ESC `\x1b`, a bidi override `\u202e`."""
    shown = text if text.isascii() and text.isprintable() else "".join(map(_escaped, text))
    return _LOG_COMMAND.sub(lambda match: rf"{match[1]}\x3a" if match[1] is not None else r"\x23", shown)


def _escaped(char: str) -> str:
    if char in _SHORT:
        return _SHORT[char]
    if unicodedata.category(char) not in _UNSEEN:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004  # widths of Python's escapes


def cells(text: str) -> int:
    """The columns that a terminal gives to the text: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_cell, text))


def _cell(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1
