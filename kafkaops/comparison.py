"""What changed between two saved plans: pure, from documents to a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kafkaops import report
from kafkaops.report import Document

_OF_CHANGE = ("action", "summary", "before", "after", "fields", "reversible", "phase", "held_back", "moves")
_OF_FINDING = ("severity", "blocking", "acknowledged", "label", "help", "notes", "ack", "held_back")
"""What has to differ for one to be another; places in files do not count, since a line above moves them."""


def compared(
    old: Document, new: Document, files: tuple[str, str], exit_code: Callable[[bool], int], *, created_at: datetime
) -> Document:
    """`exit_code`: by whether they differ."""
    changes = _difference(old["changes"], new["changes"], _change_key, _OF_CHANGE)
    findings = _difference(old["findings"], new["findings"], _finding_key, _OF_FINDING)
    parts = [*changes.values(), *findings.values()]
    same_cluster = old["cluster"]["id"] == new["cluster"]["id"]
    differ = any(parts) or old["verdict"] != new["verdict"] or not same_cluster
    return {
        **report.comparison_head("differs" if differ else "same", exit_code(differ), created_at),
        "plans": [_about(one, file) for one, file in zip((old, new), files, strict=True)],
        "same_cluster": same_cluster,
        "same_fingerprint": old["fingerprint"] == new["fingerprint"],
        "summary": {
            "changes": {name: len(its) for name, its in changes.items()},
            "findings": {name: len(its) for name, its in findings.items()},
        },
        "changes": changes,
        "findings": findings,
    }


def _about(plan: Document, file: str) -> Document:
    names = ("format", "command", "created_at", "verdict", "cluster", "live", "fingerprint")
    return {"file": file, **{name: plan[name] for name in names}}


def _change_key(change: Document) -> str:
    return str(change["id"])


def _finding_key(finding: Document) -> tuple[str, str, str]:
    """Its message names both values: with another value it is another finding."""
    return finding["code"], finding["address"], finding["message"]


def _difference(
    old: Sequence[Document], new: Sequence[Document], key: Callable[[Document], Any], names: Sequence[str]
) -> dict[str, list[Document]]:
    before, after = ({key(one): one for one in its} for its in (old, new))
    return {
        "added": [one for of, one in after.items() if of not in before],
        "removed": [one for of, one in before.items() if of not in after],
        "altered": [
            {"old": before[of], "new": one}
            for of, one in after.items()
            if of in before and _content(before[of], names) != _content(one, names)
        ],
    }


def _content(entry: Mapping[str, Any], names: Sequence[str]) -> list[Any]:
    """Without places, and without the values' origin as people read it."""
    return [_without_places(entry.get(name)) for name in names]


def _without_places(value: Any) -> Any:
    match value:
        case dict():
            return {key: _without_places(inner) for key, inner in value.items() if key != "source"}
        case list():
            return [_without_places(inner) for inner in value]
        case _:
            return value
