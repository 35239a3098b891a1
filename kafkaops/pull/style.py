"""Plain data as YAML that a person would have written: short lists in brackets, blocks for the rest, quotes only where they are needed. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from kafkaops.edit import WORDS, quoted
from kafkaops.kinds.topic import settings

Data = Mapping[str, Any]

_WIDTH = 120
_SECTIONS = frozenset({"topics", "applications", "acls"})
_INLINE = frozenset({"retry"})  # mappings that stand in braces
_PLAIN = re.compile(
    r"-?[A-Za-z_][A-Za-z0-9_./*:=@+-]*(?<!:)|[0-9]{1,19}(ms|[smhd]|[KMGT]iB)|[0-9]{1,3}(\.[0-9]{1,3}){3}", re.ASCII
)


def file(data: Data) -> str:
    """A whole file: a blank line before each section."""
    head = {key: value for key, value in data.items() if key not in _SECTIONS}
    sections = [list(block({key: value}, 0)) for key, value in data.items() if key not in head]
    parts = [list(block(head, 0))] if head else []
    return "\n".join("".join(f"{line}\n" for line in part) for part in [*parts, *sections])


def block(data: Data, indent: int) -> Iterator[str]:
    """The lines of a mapping."""
    for key, value in data.items():
        yield from _entry(f"{' ' * indent}{scalar(key)}:", key, value, indent)


def entries(named: Mapping[str, Data], indent: int) -> list[str]:
    """The lines of blocks by name, with blank lines between them where most of them are long."""
    blocks = [list(block({name: data}, indent)) for name, data in named.items()]
    return _spaced(blocks)


def _spaced(blocks: Sequence[list[str]]) -> list[str]:
    between = [""] if sum(len(lines) > _SHORT for lines in blocks) * 2 > len(blocks) else []
    return list(
        chain.from_iterable(lines if number == 0 else [*between, *lines] for number, lines in enumerate(blocks))
    )


_SHORT = 2  # lines, the name included


def _entry(lead: str, key: str, value: Any, indent: int) -> Iterator[str]:
    match value:
        case Mapping() if key in _INLINE:
            yield f"{lead} {braces(value)}"
        case Mapping():
            yield lead
            named = value.values() and all(isinstance(one, Mapping) for one in value.values())
            yield from entries(value, indent + 2) if named else block(value, indent + 2)
        case [Mapping(), *_]:
            yield lead
            for one in value:
                yield from item(one, indent + 2)
        case list() | tuple():
            yield from _list(lead, value, indent)
        case _:
            yield f"{lead} {scalar(value)}"


def item(data: Data, indent: int) -> Iterator[str]:
    """The lines of a mapping that stands in a list."""
    first, *rest = block(data, indent + 2)
    yield f"{' ' * indent}- {first.lstrip(' ')}"
    yield from rest


def _list(lead: str, values: Sequence[Any], indent: int) -> Iterator[str]:
    line = f"{lead} {flow(values)}"
    if len(line) <= _WIDTH:
        yield line
        return
    yield lead
    yield from (f"{' ' * (indent + 2)}- {scalar(one)}" for one in values)


def flow(values: Sequence[Any]) -> str:
    return f"[{', '.join(map(scalar, values))}]"


def braces(values: Data) -> str:
    told = (
        f"{scalar(key)}: {flow(value) if isinstance(value, list) else scalar(value)}" for key, value in values.items()
    )
    return f"{{{', '.join(told)}}}"


def scalar(value: Any) -> str:
    """Reads back equal."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            return value if _PLAIN.fullmatch(value) and value.lower() not in WORDS else quoted(value)


def setting(name: str, text: str) -> tuple[str, Any]:
    """The key and the value as people write them: `retention.ms` 604800000 is `retention-ms: 7d`."""
    known = settings.SETTINGS[name]
    return known.written, _value(known, text)


def _value(known: settings.Setting, text: str) -> Any:
    match known.type:
        case "boolean":
            return text == "true"
        case "list":
            members = text.split(",")
            return members[0] if len(members) == 1 and members[0] else [one for one in members if one]
        case "int" | "long":
            shown = settings.show(known.name, text)
            odd = shown.endswith("ms") and len(shown) > len("999ms")  # no whole seconds: the number says it better
            return int(text) if odd or text in {"0", shown} else shown
        case "double":
            return float(text)
        case "string":
            return text
