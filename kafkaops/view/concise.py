"""One line for each finding and each change, by file and line: for editors, `grep` and `wc`. Never wrapped, nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.view.lines import Document
from kafkaops.view.origins import held_back
from kafkaops.view.visible import visible
from kafkaops.view.words import binding_of, placed, rule, sides


def render(document: Document) -> str:
    """Empty where there is nothing to say."""
    lines = sorted([*_findings(document), *_changes(document)])
    return "".join(visible(line) + "\n" for _, line in lines)


_Key = tuple[bool, str, int, int, int]


def _findings(document: Document) -> Iterator[tuple[_Key, str]]:
    for one in document["findings"]:
        said = " (acknowledged)" if one["acknowledged"] else " (held back)" if held_back(one) else ""
        yield _line(one, 0, f"{one['severity']}[{one['code']}] {one['message']}{said}")


def _changes(document: Document) -> Iterator[tuple[_Key, str]]:
    outcomes = {one["id"]: one for one in document.get("outcomes", ())}
    for change in document.get("changes", ()):
        outcome = outcomes.get(change["id"])
        result = f"{outcome['result'].replace('_', ' ')}: " if outcome else ""
        why = f": {outcome['message']}" if outcome and outcome["message"] else ""
        whose = "held back: " if change.get("held_back") else "drift: " if change.get("origin") == "drift" else ""
        yield _line(change, 1, f"{result}{whose}{described(change)}{why}")


def described(change: Document) -> str:
    """A change in one line."""
    if change["action"] in {"grant", "revoke"}:
        binding = binding_of(change)
        of = rule(binding)
        host = f" from {of.host}" if of.host else ""
        return f"{change['action']} {of.principal} {of.permission} {binding['operation']} on {of.resource}{host}"
    detail = f"{change['field']} {sides(change['before'], change['after'])}" if change["field"] else change["summary"]
    return f"{change['action']} {change['address']} {detail}".rstrip()


def _line(entry: Document, rank: int, said: str) -> tuple[_Key, str]:
    """What no line of a file caused stands last, behind its address."""
    place = entry["source"]
    lead = placed(place) or entry["address"]
    key = (
        place is None,
        place["file"] if place else entry["address"],
        *((place["line"], place["column"]) if place else (0, 0)),
        rank,
    )
    return key, f"{lead}: {said}" if lead else said
