"""What the YAML parser says, in our words: its own may quote the file."""

from __future__ import annotations

from typing import Any, NamedTuple

import yaml

from kafkaops.findings import Finding, Location, Severity
from kafkaops.source.data import point
from kafkaops.source.events import TOO_DEEP


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
_MISSING = _Said("a value is missing here", "write it, or remove the `,`")
_TAB = _Said("a tab indents this line", "indent with spaces")
_TAG = _Said("tags are not allowed", "leave the tag out, or put text that begins with `!` into quotes", at_opening=True)
_DIRECTIVE = _Said("directives are not allowed", "leave out the line that begins with `%`", at_opening=True)
_NAMELESS = _Said(
    "an anchor or an alias has no name", "put text that begins with `*` or `&` into quotes", at_opening=True
)
_DEPTH = _Said(TOO_DEEP, "")  # libyaml gives up by itself from 0.2.6 on, before the first event of brackets in brackets
_ENDS_INSIDE = _Said("the file ends inside a list or a mapping", "close it with `]` or `}`")
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
    "did not find expected node content": _MISSING,
    "exceeded maximum nesting depth": _DEPTH,
    "found a tab character that violates indentation": _TAB,
    "found a tab character where an indentation space is expected": _TAB,
    "found character that cannot start any token": _Said(
        "a value cannot begin with this character", "put the value into quotes"
    ),
    "found incompatible YAML document": _DIRECTIVE,
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


def explained(error: yaml.MarkedYAMLError, text: str, file: str) -> Finding:
    said = _BY_PROBLEM.get(error.problem or "") or _BY_CONTEXT.get(error.context or "", _OTHER)
    stopped: Any = error.problem_mark
    if said is _MISSING and not text[stopped.index :].strip():
        said = _ENDS_INSIDE
    mark: Any = (error.context_mark if said.at_opening else None) or stopped
    lines = text.split("\n")
    line, column, _ = point(mark, lines)
    if (tab := _indenting_tab(lines[line - 1])) is not None:
        said, column = _TAB, tab + 1
    where = Location(file, line, column, column + 1)
    code = {_TAG: "KO1004", _DIRECTIVE: "KO1004", _DEPTH: "KO1005"}.get(said, "KO1002")
    return Finding(code=code, severity=Severity.ERROR, message=said.sentence, where=where, help=said.advice)


def _indenting_tab(line: str) -> int | None:
    """The parser names many things that go wrong behind a tab, but seldom the tab."""
    tab = line.find("\t", 0, len(line) - len(line.lstrip()))
    return None if tab < 0 else tab
