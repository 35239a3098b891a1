"""Who caused what: this change, drift that is set back beside it, and drift that is held back."""

from __future__ import annotations

from typing import NamedTuple

from kafkaops.view.lines import Document


class Part(NamedTuple):
    """Changes of one origin. `title`: as a heading begins; `why`: what stands behind it."""

    title: str
    why: str
    changes: list[Document]


def parts(document: Document) -> list[Part]:
    """All changes, in the order in which they are shown; one part where there is no base to tell them apart."""
    changes = document.get("changes", [])
    if not has_base(document):
        return [Part("drift" if document["command"] == "drift" else "changes", "", changes)]
    known = base_of(document)
    ours, theirs = (
        ("changes from this PR", "drift, not from this PR") if known else ("changes since the last apply", "drift")
    )
    who = known or "the last apply"
    return [
        Part(ours, "", [one for one in to_do(document) if one["origin"] != "drift"]),
        Part(theirs, f"({who} would make {{}} too)", [one for one in to_do(document) if one["origin"] == "drift"]),
        Part("held back", "", [one for one in changes if one["held_back"]]),
    ]


def has_base(document: Document) -> bool:
    return "base" in document.get("source", {})


def base_of(document: Document) -> str:
    """As people know it; "" for what was applied last, and where there is none."""
    return str(document.get("source", {}).get("base_name", ""))


def base_argument(document: Document) -> list[str]:
    """What makes another command look from the same base."""
    source = document.get("source", {})
    return ["--base", base_of(document) or source["base"][:_SHORT]] if has_base(document) else []


def compared(document: Document) -> str:
    """` at 4c1f0e2, compared with main at 91ab773`."""
    if not has_base(document):
        return ""
    source = document["source"]
    changed = " and changed since" if source["dirty"] else ""
    head = f" at {source['head'][:_SHORT]}{changed}" if source["head"] else ""
    return f"{head}, compared with {base_of(document) or 'the last apply'} at {source['base'][:_SHORT]}"


_SHORT = 7  # of a commit's digits, as git shows it


def to_do(document: Document) -> list[Document]:
    """What apply does: all but what is held back."""
    return [one for one in document.get("changes", ()) if not one.get("held_back")]


def held_back(finding: Document) -> bool:
    return bool(finding.get("held_back"))


HELD = "they are not of this change, so they are left as they are, and nothing waits for them: acknowledge them to have them set back, or take over what is live with `kafkaops pull`"
