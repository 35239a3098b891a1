"""What kafkaops has to say about a file, a resource or a cluster: one type for a typo and for a danger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A stretch of one line of a file: `line` and `column` count from 1, `end_column` is exclusive, in characters."""

    file: str
    line: int
    column: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    ERROR = "error"  # blocks, and no acknowledgement helps
    DANGER = "danger"  # blocks until acknowledged
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sentence about one thing. `code` is a key of `codes.toml`.

    message  lower case, no full stop, names the object and both values
    label    stands under the carets in the excerpt
    where    the key that caused it; None when no file did
    also     other places with a label each, such as a first declaration
    help     what to write instead
    fix      a line that can be pasted at `where`
    notes    further facts, a line each
    consent  what an acknowledgement must name in `change`, one entry per change it must cover; empty: cannot be acknowledged
    held_back  it speaks of drift alone, which is left as it is: it stops nobody's change
    """

    code: str
    severity: Severity
    message: str
    address: str = ""
    where: Location | None = None
    label: str = ""
    also: tuple[tuple[Location, str], ...] = ()
    help: str = ""
    fix: str = ""
    notes: tuple[str, ...] = ()
    consent: tuple[str, ...] = ()
    acknowledged: bool = False
    held_back: bool = False

    @property
    def blocks(self) -> bool:
        if self.held_back:
            return False
        return self.severity is Severity.ERROR or (self.severity is Severity.DANGER and not self.acknowledged)


def sort_key(finding: Finding) -> tuple[int, str, int, int, str, str, str]:
    """Files in order of position, then what has no place by address."""
    place = finding.where or Location("", 0, 0, 0)
    return (
        finding.where is None,
        place.file,
        place.line,
        place.column,
        finding.code,
        finding.address,
        finding.message,
    )


class Refusal(Exception):  # noqa: N818  # not an error of the program: what the user asked for is refused, in a sentence
    """Ends a command: `exit_code` as in cli.md 1.3, `findings` carry the sentences, `facts` go into the document beside them."""

    def __init__(self, exit_code: int, *findings: Finding, facts: Mapping[str, object] | None = None) -> None:
        super().__init__("; ".join(finding.message for finding in findings))
        self.exit_code = exit_code
        self.findings = findings
        self.facts = facts or {}


class Terminated(KeyboardInterrupt):
    """SIGTERM: ends a command as Ctrl-C does, with an exit code of its own."""


class Exit:
    """Exit codes, one meaning each (cli.md 1.3)."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    BLOCKED = 3
    INVALID = 4
    NOT_APPROVED = 5
    BUSY = 6
    INCOMPLETE = 7
    RUNNING = 8
    USAGE = 64
    UNREACHABLE = 69
    REFUSED = 77
    INTERRUPTED = 130
    TERMINATED = 143


def misused(message: str, help_: str) -> Refusal:
    """A command line that cannot be meant (exit 64)."""
    return Refusal(Exit.USAGE, Finding(code="KO7005", severity=Severity.ERROR, message=message, help=help_))
