"""What every finding code means, for people: the reader of `codes.toml`, and the text of `kafkaops explain`."""

from __future__ import annotations

import difflib
import textwrap
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from kafkaops import units
from kafkaops.findings import Severity

_WIDTH = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One table of `codes.toml`. `allow` "" when nothing lifts it; `lint`: the rule's name in `policy: lint`, "" for what is no lint rule."""

    code: str
    title: str
    severity: Severity
    what: str
    why: str
    example: str
    fix: str
    allow: str
    lint: str = ""


class NotACode(LookupError):  # noqa: N818  # reads as the sentence it stands for
    """`explain` was asked for what is no code; its sentence names the nearest one."""


@cache
def registry() -> Mapping[str, Code]:
    """Every code, in order."""
    text = files("kafkaops").joinpath("codes.toml").read_text(encoding="utf-8")
    return {code: _code(code, table) for code, table in sorted(tomllib.loads(text).items())}


def _code(code: str, table: Mapping[str, Any]) -> Code:
    severity = Severity(table["severity"])
    texts = {key: value.strip("\n") for key, value in table.items() if key != "severity"}
    return Code(code=code, severity=severity, **texts)


def title(code: str) -> str:
    """A few words. A code that the registry lacks has none: a finding is shown whatever happens."""
    known = registry().get(code)
    return known.title if known else ""


def explain(code: str) -> str:
    """The long form: what, why, an example, how to fix, how to allow; ends with a newline. Raises NotACode with the nearest one."""
    asked = code.upper()
    known = registry().get(asked)
    if known is None:
        raise NotACode(f"`{code}` is no finding code, {_nearest(asked)}")
    return "".join(f"{line}\n" for line in _explained(known))


def _nearest(asked: str) -> str:
    close = difflib.get_close_matches(asked, registry(), n=1, cutoff=0.5)
    return f"the nearest is `{close[0]}`" if close else "one is written `KO2104`"


def _explained(one: Code) -> Iterator[str]:
    yield f"{one.code}: {one.title} ({one.severity})"
    yield ""
    yield from _wrapped(one.what)
    yield from _section("why", _wrapped(one.why, "  "))
    yield from _section("example", (f"  {line}" if line else "" for line in one.example.splitlines()))
    yield from _section("fix", _wrapped(one.fix, "  "))
    yield from _section("allow", _wrapped(one.allow or _NEVER[one.severity], "  "))


_NEVER = {
    Severity.ERROR: "nothing lifts this error; it ends when its cause does",
    Severity.DANGER: "nothing lifts this danger",
    Severity.WARNING: "nothing needs to be allowed: a warning does not block",
    Severity.NOTICE: "nothing needs to be allowed: a notice does not block",
}


def _section(name: str, lines: Iterable[str]) -> Iterator[str]:
    yield ""
    yield name
    yield from lines


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    """Paragraphs stand a line each in the TOML; what is indented there keeps its lines."""
    for line in text.splitlines():
        if line.startswith(" ") or not line:
            yield f"{indent}{line}".rstrip()
        else:
            yield from textwrap.wrap(
                line,
                _WIDTH,
                initial_indent=indent,
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )


def explain_setting(facts: Mapping[str, Any]) -> str:
    """A topic setting: meaning, default by version, valid values, what each direction of a change may do.

    facts: `dataclasses.asdict` of a `Setting` of kinds/topic/settings.py.
    """
    return "".join(f"{line}\n" for line in _setting(facts))


def _setting(facts: Mapping[str, Any]) -> Iterator[str]:
    yield f"{facts['name']} (topic setting)"
    yield ""
    yield from _wrapped(facts["meaning"])
    yield ""
    rows = [(label, text) for label, text in _rows(facts) if text]
    wide = max(len(label) for label, _ in rows)
    for label, text in rows:
        yield from textwrap.wrap(
            f"{label:{wide}}  {text}",
            _WIDTH,
            subsequent_indent=" " * (wide + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    if not facts["operational"]:
        yield from _section("when it changes", _directions(facts))


def _rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "written", facts["name"].replace(".", "-")
    yield "type", facts["type"] + _written_as(facts)
    yield "default", _by_version(facts, "default")
    yield "valid", _valid(facts)
    yield "kafka", _versions(facts)
    yield "broker", ", then ".join(one["name"] for one in facts["broker"])
    yield "note", facts["note"]
    if facts["operational"]:
        yield "managed", "no: tools set it while replicas move"


_UNITS = {
    "duration": ("milliseconds", "`7d` `12h` `30m`", "forever"),
    "size": ("bytes", "`1GiB` `500MB`", "unlimited"),
}
_SHOWN = {"duration": units.show_duration, "size": units.show_size}


def _written_as(facts: Mapping[str, Any]) -> str:
    if facts["unit"] is None:
        return ""
    unit, samples, endless = _UNITS[facts["unit"]]
    return (
        f" ({unit}; {samples}"
        + ("" if facts["endless"] is None else f"; `{endless}` = {_plain(facts, facts['endless'])}")
        + ")"
    )


def _by_version(facts: Mapping[str, Any], limit: str) -> str:
    return ", ".join(
        _plain(facts, one["value"]) + (f" from {one['version']} on" if index else "")
        for index, one in enumerate(facts[limit])
    )


_LARGEST = 2**63 - 1


def _plain(facts: Mapping[str, Any], value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value == "":
        return "(empty)"
    if value == _LARGEST:
        return "2^63-1"
    shown = _SHOWN[facts["unit"]](value) if facts["unit"] and isinstance(value, int) and value > 0 else str(value)
    return str(value) if shown in {str(value), f"{value}ms"} else f"{value} ({shown})"


def _valid(facts: Mapping[str, Any]) -> str:
    if facts["values"]:
        return (" and " if facts["type"] == "list" else " | ").join(facts["values"])
    low, high = _by_version(facts, "min"), _by_version(facts, "max")
    span = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""
    return " or ".join(part for part in (span, *(str(one) for one in facts["also"])) if part)


def _versions(facts: Mapping[str, Any]) -> str:
    since = "3.5 or before" if facts["since"] == "3.5" else facts["since"]
    later = [f"{word} in {facts[word]}" for word in ("deprecated", "removed") if facts[word]]
    return ", ".join([f"since {since}", *later])


def _directions(facts: Mapping[str, Any]) -> Iterator[str]:
    for direction, reason in sorted(facts["harmless"].items()):
        yield from _hanging(f"  {direction}: harmless, ", reason)
    for direction, danger in sorted(facts["dangerous"].items()):
        yield from _hanging(f"  {direction}: danger {danger['code']}, ", danger["what"])
    if "any" not in facts["dangerous"]:
        yield from _hanging("  ", "any other: danger KO2130, since it is not known to be harmless")


def _hanging(start: str, text: str) -> Iterator[str]:
    yield from textwrap.wrap(
        start + text, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
