"""Whoever waits for copies is told how far they are: a region that is drawn anew on a terminal, lines in a log."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from kafkaops.commands.output import Output
from kafkaops.moving.progress import Progress
from kafkaops.view import progress as view
from kafkaops.view.progress import Said, Subject
from kafkaops.view.visible import cells

__all__ = ["Subject", "watch"]


def watch(
    output: Output,
    steps: Iterator[Progress],
    subject: Subject,
    *,
    detach_after: float | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Progress:
    """The last look; its `ended` is None where `detach_after` (seconds) was reached, which is exit code 8.

    Whatever ends it before its end (that limit, Ctrl-C, SIGTERM, a cluster that is away), what goes on in the cluster is told on stderr.
    """
    begun = at = now()
    shown = _Region(sys.stderr, subject, begun) if _is_live(output, sys.stderr) else _Log(output, subject, begun)
    last, said = None, Said()
    try:
        for last in steps:
            at = max(at, now())
            lines, said = view.news(last, subject, said, at)
            if last.ended:
                lines = (*lines, view.end(last, subject, begun, at))
            shown.show(last, lines, at)
            if last.ended or (detach_after is not None and (at - begun).total_seconds() >= detach_after):
                return last
    finally:
        shown.close()
        if last is None or not last.ended:
            _write(sys.stderr, "".join(f"{line}\n" for line in view.left_behind(last, subject)))
    raise AssertionError("the last look says that it is the last")


def _is_live(output: Output, to: TextIO) -> bool:
    """No variable makes a terminal of what is none; `--color never` asks for no escapes, of whatever kind."""
    options = output.options
    return to.isatty() and os.environ.get("TERM") != "dumb" and options.color != "never" and not options.quiet


@dataclass(slots=True)
class _Log:
    output: Output
    subject: Subject
    begun: datetime
    beats: int = -1

    def show(self, progress: Progress, lines: Sequence[str], at: datetime) -> None:
        if self.beats < 0:
            self.output.tell(view.start(progress, self.subject, at))
        beats = view.beats((at - self.begun).total_seconds())
        if beats > max(self.beats, 0) and not progress.ended:
            self.output.tell(view.beat(progress, self.subject, at))
        self.beats = beats
        for line in lines:
            self.output.tell(line)

    def close(self) -> None:
        """Every line is a whole one."""


@dataclass(slots=True)
class _Region:
    """The cursor waits below the region and is always shown, so that no way out, not even SIGKILL, leaves a terminal to be mended."""

    to: TextIO
    subject: Subject
    begun: datetime
    drawn: tuple[str, ...] = ()

    def show(self, progress: Progress, lines: Sequence[str], at: datetime) -> None:
        columns, rows = self._size()
        width = columns - 1  # a full line would leave the cursor on the last cell, which is erased then
        kept = [part for line in lines for part in view.wrapped(line, width)]
        drawn = (
            () if progress.ended else view.region(progress, self.subject, self.begun, at, width=width, height=rows - 1)
        )
        self._draw(kept, drawn, columns)

    def close(self) -> None:
        self._draw((), (), self._size()[0])

    def _draw(self, kept: Sequence[str], drawn: tuple[str, ...], columns: int) -> None:
        """In one write, over what stands there: nothing is ever blank in between."""
        rows = sum(
            max(1, -(-cells(line) // columns)) for line in self.drawn
        )  # lines are broken anew where it became narrower
        up = f"\x1b[{rows}A" if rows else ""
        text = "".join(f"{line}\x1b[K\n" for line in (*kept, *drawn))
        _write(self.to, f"\r{up}{text}\x1b[J")
        self.drawn = drawn

    def _size(self) -> tuple[int, int]:
        with suppress(OSError, ValueError):
            size = os.get_terminal_size(self.to.fileno())
            if size.columns > 1 and size.lines > 1:
                return size.columns, size.lines
        return 80, 24


def _write(to: TextIO, text: str) -> None:
    with suppress(BrokenPipeError):  # nobody listens: the copies go on
        to.write(text)
        to.flush()
