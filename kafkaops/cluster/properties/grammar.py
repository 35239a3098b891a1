"""The grammar of java.util.Properties.load, with line numbers kept."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kafkaops.cluster.properties.refused import RefusedError

BLANKS = " \t\f"
_NATURAL_LINE_END = re.compile(r"\r\n|\r|\n")
_KEY = re.compile(r"(?P<key>(?:\\.|[^\\=: \t\f])*)[ \t\f]*[=:]?[ \t\f]*", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u(?P<code>[0-9a-fA-F]{4})|(?P<other>.))", re.DOTALL)
_CONTROL = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Entry:
    key: str
    value: str = field(repr=False)
    line: int


def parse(text: str) -> Iterator[Entry]:
    """Every entry in the order of the file, a key given twice included."""
    for number, line in _logical_lines(text):
        match = _KEY.match(line)
        assert match is not None  # the pattern matches the empty string
        try:
            yield Entry(_unescaped(match["key"]), _unescaped(line[match.end() :]), number)
        except RefusedError as error:
            raise RefusedError(error.message, hint=error.hint, line=number) from None


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    natural = enumerate(_NATURAL_LINE_END.split(text), start=1)
    for number, raw in natural:
        line = raw.lstrip(BLANKS)
        if line.startswith(("#", "!")):
            continue
        while _continues(line):
            line = line[:-1] + next(natural, (0, ""))[1].lstrip(BLANKS)
        if line:
            yield number, line


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    plain = _ESCAPE.sub(_meaning, text)
    if "\0" in plain:
        raise RefusedError("a value cannot hold the character NUL")
    try:  # Java writes a character beyond the BMP as two escapes
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise RefusedError("a `\\u` escape is half of a surrogate pair") from None


def _meaning(match: re.Match[str]) -> str:
    if match["code"]:
        return chr(int(match["code"], 16))
    if match["other"] == "u":
        raise RefusedError("a `\\u` escape needs four hexadecimal digits", hint="write `\\\\` for a backslash")
    return _CONTROL.get(match["other"], match["other"])
