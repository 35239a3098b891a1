"""The document as a screen; its signs in the first column carry the meaning, colour only repeats it. The only user of rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

from rich.color import ColorSystem
from rich.style import Style

from kafkaops.view.ack_screen import ack_lines
from kafkaops.view.apply_screen import apply_lines, phase_line, waiting_line
from kafkaops.view.comment_screen import comment_lines
from kafkaops.view.comparison_screen import comparison_lines
from kafkaops.view.history_screen import history_lines, lock_lines
from kafkaops.view.init_screen import init_lines
from kafkaops.view.inspection_screen import doctor_lines, explanation_lines, resource_lines
from kafkaops.view.lines import WIDTH_WITHOUT_TERMINAL, Document, Line, Span
from kafkaops.view.move_screen import move_lines
from kafkaops.view.plan_screen import plan_lines
from kafkaops.view.problems_screen import failure_lines, validation_lines
from kafkaops.view.pull_screen import pull_lines
from kafkaops.view.sandbox_screen import sandbox_lines
from kafkaops.view.snapshot_screen import snapshot_lines
from kafkaops.view.stale_screen import stale_lines
from kafkaops.view.status_screen import status_lines
from kafkaops.view.verdict import ended_early
from kafkaops.view.visible import visible

__all__ = ["WIDTH_WITHOUT_TERMINAL", "phase_line", "render", "waiting_line"]


def render(document: Document, *, width: int, colour: bool, details: bool = False) -> str:
    """The whole screen, ending with a newline. `details`: nothing is left out for its length."""
    lines = _lines(document, width, details=details)
    return "".join(_written(line, colour=colour) + "\n" for line in lines)


def _written(line: Line, *, colour: bool) -> str:
    spans = [Span(visible(span.text), span.style) for span in line]
    if not colour:
        return "".join(span.text for span in spans).rstrip()
    return "".join(
        _style(span.style).render(span.text, color_system=ColorSystem.STANDARD) if span.style else span.text
        for span in spans
    ).rstrip()


@cache
def _style(name: str) -> Style:
    return Style.parse(name)


def _lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    if ended_early(document):
        yield from failure_lines(document, width, details=details)
        return
    match document["format"]:
        case "kafkaops.validation":
            yield from validation_lines(document, width, details=details)
        case "kafkaops.plan" if document.get("stale"):
            yield from stale_lines(document, width, details=details)
        case "kafkaops.plan":
            yield from plan_lines(document, width, details=details)
        case "kafkaops.pull":
            yield from pull_lines(document, width, details=details)
        case "kafkaops.comparison":
            yield from comparison_lines(document, width, details=details)
        case "kafkaops.status":
            yield from status_lines(document, width, details=details)
        case "kafkaops.ack":
            yield from ack_lines(document)
        case name:
            yield from _SCREENS[name](document, width)


_SCREENS: Mapping[str, Callable[[Document, int], Iterator[Line]]] = {
    "kafkaops.apply": apply_lines,
    "kafkaops.resource": resource_lines,
    "kafkaops.doctor": doctor_lines,
    "kafkaops.explanation": explanation_lines,
    "kafkaops.sandbox": sandbox_lines,
    "kafkaops.snapshot": snapshot_lines,
    "kafkaops.init": init_lines,
    "kafkaops.comment": comment_lines,
    "kafkaops.move": move_lines,
    "kafkaops.history": history_lines,
    "kafkaops.lock": lock_lines,
}
