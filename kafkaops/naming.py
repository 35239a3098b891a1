"""What names of topics look like: a convention as a pattern, and the one that most of given names follow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

PART = "[a-z][a-z0-9-]*"
"""What a part looks like of which nothing is said."""

_BRACED = re.compile(r"\{([a-z][a-z0-9-]*)\}")


def pieces(pattern: str) -> list[str]:
    """Text and names of parts in turn, text first."""
    return _BRACED.split(pattern)


def compiled(pattern: str, parts: Mapping[str, str]) -> re.Pattern[str]:
    """Each part is atomic (`(?>...)`), so that parts do not multiply the ways to match."""
    regex = "".join(
        re.escape(piece) if index % 2 == 0 else f"(?>{parts.get(piece, PART)})"
        for index, piece in enumerate(pieces(pattern))
    )
    return re.compile(regex, re.ASCII)


@dataclass(frozen=True, slots=True)
class Convention:
    """`exempt`: patterns and names of those among the given that are not named so. `fit` of `of` names are, those made after another topic left out."""

    pattern: str
    parts: Mapping[str, str] = field(default_factory=dict)
    exempt: tuple[str, ...] = ()
    fit: int = 0
    of: int = 0


_VERSION = "v[0-9]+"
_WIDER = "[A-Za-z][A-Za-z0-9_-]*"
_SHAPES = (
    "{domain}.{entity}.{event-type}.{version}",
    "{domain}.{entity}.{version}",
    "{domain}.{entity}.{event-type}",
    "{domain}.{entity}",
)
"""Those that say most come first."""

_DERIVED = (
    "*-retry-*", "*-retry", "*-dlt", "*.DLT", "*-dlq", "*.dlq", "*.DLQ", "*-changelog", "*-repartition", "_*",
)  # fmt: skip
"""Named after another topic or an application, or a tool's own."""

_FEWEST = 5  # fewer names are no convention yet


def guess(names: Iterable[str]) -> Convention | None:
    """The convention that at least four of five names follow; None when there is none, or hardly a name."""
    given = sorted(set(names))
    own = [name for name in given if not _derived(name)]
    if len(own) < _FEWEST:
        return None
    for shape in _SHAPES:
        for part in (PART, _WIDER):
            parts = _parts(shape, part)
            pattern = compiled(shape, parts)
            fit = sum(pattern.fullmatch(name) is not None for name in own)
            if fit * 5 >= len(own) * 4:
                others = [name for name in given if pattern.fullmatch(name) is None]
                return Convention(shape, parts, _exempt(others), fit, len(own))
    return None


def _parts(shape: str, part: str) -> dict[str, str]:
    """Only what has to be written."""
    names = _BRACED.findall(shape)
    said = {name: _VERSION if name == "version" else part for name in names}
    return {name: regex for name, regex in said.items() if regex != PART}


def _derived(name: str) -> bool:
    return any(fnmatchcase(name, family) for family in _DERIVED)


def _exempt(others: Iterable[str]) -> tuple[str, ...]:
    """Families of which one is there, then single names: a guard that matches nothing would be told."""
    names = list(others)
    families = [family for family in _DERIVED if any(fnmatchcase(name, family) for name in names)]
    return (*families, *(name for name in names if not _derived(name)))
