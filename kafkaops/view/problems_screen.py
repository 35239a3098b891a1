"""validate, and whatever ends early: each problem with the lines that it is about, and the total."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kafkaops.view.excerpt import excerpt
from kafkaops.view.lines import EMPTY, MOST, Document, Line, Span
from kafkaops.view.verdict import judgement
from kafkaops.view.words import placed

_SEVERITIES = ("error", "danger", "warning", "notice")


def validation_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    yield from _excerpts(document["findings"], width, details=details)
    yield (Span(judgement(document).why, "bold"),)


def failure_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    yield from _excerpts(document["findings"], width, details=details)
    if len(document["findings"]) > 1:
        yield (Span(judgement(document).sentence, "bold"),)


def _excerpts(findings: Sequence[Document], width: int, *, details: bool) -> Iterator[Line]:
    """One of each, in order of position; repeats are counted. What does not fit is what matters least."""
    groups: dict[tuple[str, str, str], list[Document]] = {}
    for one in findings:
        groups.setdefault((one["code"], one["severity"], one["message"]), []).append(one)
    worst = sorted(groups, key=lambda key: _SEVERITIES.index(key[1]))
    shown = groups.keys() if details else {*worst[:MOST]}
    for group in (group for key, group in groups.items() if key in shown):
        headline, *rest = excerpt(group[0], width=width)
        yield (Span(headline, "bold"),)
        yield from ((Span(line),) for line in rest)
        yield from _repeats(group[1:], rest[-1].index("="), details=details)
        if len(findings) > 1 or _is_quoted(group[0]):
            yield EMPTY
    if len(groups) > len(shown):
        yield (Span(f"{len(groups) - len(shown):,} more problems, -v lists them"),)
        yield EMPTY


def _is_quoted(finding: Document) -> bool:
    return bool(finding["source"] and finding["source"].get("quote"))


def _repeats(more: Sequence[Document], indent: int, *, details: bool) -> Iterator[Line]:
    if not more:
        return
    said = f"{' ' * indent}= same problem at {len(more):,} more place{'' if len(more) == 1 else 's'}"
    yield (Span(f"{said}:" if details else f"{said}, -v lists them"),)
    if details:
        yield from ((Span(f"{' ' * indent}    {placed(one['source']) or one['address']}"),) for one in more)
