"""Two plans beside each other as GitHub's Markdown; what does not fit is counted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from kafkaops.view.comparison_screen import Entry, changes, findings, judgement, of_plan
from kafkaops.view.inert import code, fenced, folded
from kafkaops.view.lines import Document
from kafkaops.view.markdown import BUDGET, size
from kafkaops.view.visible import visible


def render(document: Document, *, budget: int = BUDGET) -> str:
    """Findings first; of each list as much from its start as there is room for."""
    most = max(len(changes(document)), len(findings(document)))
    fits = bisect_right(range(most + 1), budget, key=lambda number: size(_told(document, number)))
    return _told(document, max(0, fits - 1))


def _told(document: Document, number: int) -> str:
    word, why = judgement(document)
    old, new = document["plans"]
    blocks = [
        f"### kafkaops show: {word}, {why}",
        f"- old: {code(of_plan(old))}\n- new: {code(of_plan(new))}",
        *_block("Findings", findings(document), number),
        *_block("Changes", changes(document), number),
    ]
    return "\n\n".join(blocks) + "\n"


def _block(title: str, entries: Sequence[Entry], number: int) -> list[str]:
    if not entries:
        return []
    shown = entries[:number]
    left = f"{len(entries) - len(shown):,} of them are left out here (all are in the JSON)."
    body = [fenced("diff", [line for one in shown for line in _lines(one)])] if shown else []
    body += [left] if len(shown) < len(entries) else []
    return [folded(f"{title} ({len(entries):,})", "\n\n".join(body))]


def _lines(entry: Entry) -> Iterator[str]:
    if entry.was:
        yield f"- {visible(entry.was)}"
        yield f"+ {visible(entry.text)}"
    else:
        yield f"{entry.sign} {visible(entry.text)}"
