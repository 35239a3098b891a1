"""The value of `sasl.jaas.config`: `MODULE FLAG name="value" ...;` (Kafka's JaasConfig)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from kafkaops.cluster.properties.refused import RefusedError

_FLAGS = ("required", "requisite", "sufficient", "optional")
_TOKEN = re.compile(
    r"""\s*(?:"(?P<double>(?:\\.|[^"\\\n])*)"|'(?P<single>(?:\\.|[^'\\\n])*)'"""
    r"""|(?P<word>[^\s"'=;]+)|(?P<sign>[=;]))""",
)
_ESCAPE = re.compile(r"\\(?P<octal>[0-3][0-7]{0,2}|[4-7][0-7]?)|\\(?P<other>.)")
_CONTROL = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Login:
    module: str
    options: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    is_sign: bool = False


def parse(text: str) -> Login:
    """The one login module that the value names; references in the options are left as they are."""
    tokens = list(_tokens(text))
    if not tokens or tokens[-1] != _Token(";", is_sign=True):
        raise RefusedError("the login module must end with `;`")
    if len(tokens) < len(("module", "flag", ";")) or tokens[1].text.lower() not in _FLAGS:
        raise RefusedError('expected `MODULE required name="value" ...;`')
    return Login(tokens[0].text, _options(tokens[2:-1]))


def _tokens(text: str) -> Iterator[_Token]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise RefusedError("a quote is not closed", hint='write `\\\\"` for a quote inside of a value')
        position = match.end()
        quoted = match["double"] if match["double"] is not None else match["single"]
        if quoted is not None:
            yield _Token(_ESCAPE.sub(_meaning, quoted))
        else:
            yield _Token(match["word"] or match["sign"], is_sign=match["sign"] is not None)


def _meaning(match: re.Match[str]) -> str:
    if match["octal"]:
        return chr(int(match["octal"], 8))
    return _CONTROL.get(match["other"], match["other"])


def _options(tokens: list[_Token]) -> dict[str, str]:
    options: dict[str, str] = {}
    for start in range(0, len(tokens), 3):
        match tokens[start : start + 3]:
            case [_Token(name, False), _Token("=", True), _Token(value, False)] if name not in options:
                options[name] = value
            case [_Token(_, False), _Token("=", True), _Token(_, False)]:
                raise RefusedError("an option of the login module is given twice")
            case _:
                raise RefusedError('the options of the login module must be `name="value"`')
    return options
