"""Findings beside each other: which are open, which say the same, whether what they speak of can be undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kafkaops.view.lines import Document
from kafkaops.view.visible import visible
from kafkaops.view.words import kind_of, name_of


def is_open(finding: Document) -> bool:
    return bool(finding["severity"] == "danger" and finding["blocking"])


def undo_of(document: Document) -> Mapping[str, bool]:
    """By finding: whether every change that it speaks of can be undone."""
    undo: dict[str, bool] = {}
    for change in document.get("changes", ()):
        for ref in change["findings"]:
            undo[ref] = undo.get(ref, True) and change["reversible"]
    return undo


def alike(findings: Sequence[Document], undo: Mapping[str, bool]) -> list[list[Document]]:
    """Those that say the same of different resources, at the place of the first."""
    groups: dict[tuple[object, ...], list[Document]] = {}
    for one in findings:
        says = predicate(one) or one["ref"]
        key = (one["code"], says, one["label"], tuple(one["notes"]), one["help"], undo.get(one["ref"]))
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def predicate(one: Document) -> str:
    """What is said of the resource, where the message says it as `NAME: ...`, with or without backticks."""
    name, message = name_of(one["address"]), str(one["message"])
    subject = next((each for each in (f"{name}: ", f"`{name}`: ") if message.startswith(each)), "")
    return message.removeprefix(subject) if name and subject else ""


def sentence(group: Sequence[Document]) -> str:
    if len(group) == 1:
        return visible(group[0]["message"])
    noun = {"topic": "topics", "acl": "principals"}.get(kind_of(group[0]), "resources")
    return f"each of {len(group):,} {noun}: {visible(predicate(group[0]))}"
