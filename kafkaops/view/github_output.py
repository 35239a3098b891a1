"""The outputs of a GitHub step: what a later step asks for, since GitHub itself knows only passed and failed."""

from __future__ import annotations

from kafkaops.view.lines import Document
from kafkaops.view.origins import to_do
from kafkaops.view.verdict import ended_early
from kafkaops.view.visible import visible


def render(document: Document) -> str:
    """`name=value`, a line each: no value has a second line. What is not known, because the command ended early, is empty."""
    whole = not ended_early(document)
    values = {
        "verdict": document["verdict"],
        "changes": len(to_do(document)) if whole and "changes" in document else "",
        "dangers": document["summary"]["findings"]["danger_unacknowledged"] if whole else "",
        "fingerprint": document["fingerprint"] if whole and "fingerprint" in document else "",
        "cluster": document.get("cluster", {}).get("name", ""),
        "exit-code": document["exit_code"],
    }
    return "".join(f"{name}={visible(str(value))}\n" for name, value in values.items())
