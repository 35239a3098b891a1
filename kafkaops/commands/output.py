"""Where a document goes: formats, files, colour, width. Data to stdout, talk to stderr."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, TextIO

from kafkaops import report
from kafkaops.app import failure_finding
from kafkaops.cli import Options
from kafkaops.cluster import ClusterFailure
from kafkaops.findings import Exit, Finding, Refusal, Severity, Terminated
from kafkaops.view import human, machine
from kafkaops.view.visible import visible

FORMATS = ("text", "json")
_PRECEDENCE = (
    Exit.USAGE,
    Exit.REFUSED,
    Exit.UNREACHABLE,
    Exit.INVALID,
    Exit.NOT_APPROVED,
    Exit.BUSY,
    Exit.BLOCKED,
    Exit.INCOMPLETE,
    Exit.RUNNING,
    Exit.CHANGES,
    Exit.DONE,
)


def worst(exit_codes: list[int]) -> int:
    """One exit code for several clusters (cli.md 1.3)."""
    return min(exit_codes, key=lambda code: _PRECEDENCE.index(code) if code in _PRECEDENCE else -1)


@dataclass(frozen=True, slots=True)
class Target:
    """`path` None: stdout. `{cluster}` in it is the name of the cluster."""

    format: str
    path: str | None


@dataclass(slots=True)
class Output:
    """What one run writes. `texts`: files that may be quoted in excerpts."""

    command: str
    options: Options
    targets: tuple[Target, ...]
    created_at: datetime
    texts: Mapping[str, str] = field(default_factory=dict)

    def write(self, document: Mapping[str, Any], *, cluster: str = "", details: bool = False) -> None:
        """Errors: Refusal when a file cannot be written; what it was to hold stands on stderr then."""
        lost = [
            finding for target in self.targets if (finding := self._written(target, document, cluster, details=details))
        ]
        silent = not any(target.format == "text" for target in self.targets)
        if lost or (silent and document["exit_code"] not in {Exit.DONE, Exit.CHANGES}):
            sys.stderr.write(self._rendered(document, "text", sys.stderr, details=details))
        if lost:
            raise Refusal(Exit.FAILED, *lost)

    def write_as_it_is(self, text: str) -> None:
        """What is the same in every format. Errors: Refusal when a file cannot be written."""
        lost = [finding for target in self.targets if (finding := self._put(target, "", text))]
        if lost:
            raise Refusal(Exit.FAILED, *lost)

    def _written(self, target: Target, document: Mapping[str, Any], cluster: str, *, details: bool) -> Finding | None:
        """Why it could not be; that target is not tried again."""
        if target.path is None:
            if target.format == "json" or not self._silent(document):
                sys.stdout.write(self._rendered(document, target.format, sys.stdout, details=details))
            return None
        return self._put(target, cluster, self._rendered(document, target.format, None, details=details))

    def _put(self, target: Target, cluster: str, text: str) -> Finding | None:
        if target.path is None:
            sys.stdout.write(text)
            return None
        path = file_of(target.path, cluster)
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            self.targets = tuple(one for one in self.targets if one is not target)
            return unwritable(path, error.strerror or "the system refused")
        return None

    def _silent(self, document: Mapping[str, Any]) -> bool:
        return self.options.quiet and document["exit_code"] in {Exit.DONE, Exit.CHANGES}

    def _rendered(self, document: Mapping[str, Any], format_: str, to: TextIO | None, *, details: bool) -> str:
        if format_ == "json":
            return machine.render(document)
        return human.render(
            document,
            width=width(to),
            colour=coloured(to, self.options.color),
            texts=self.texts,
            details=details or self.options.verbose,
        )

    def tell(self, line: str) -> None:
        """Talk: what happens now."""
        if not self.options.quiet:
            with suppress(BrokenPipeError):  # nobody listens: no reason to stop halfway
                sys.stderr.write(f"{visible(line)}\n")
                sys.stderr.flush()

    @property
    def to_machine(self) -> bool:
        return any(target.format != "text" and target.path is None for target in self.targets)


def file_of(path: str, cluster: str) -> Path:
    """`{cluster}` in it is the name of the cluster."""
    return Path(path.replace("{cluster}", re.sub(r"[^A-Za-z0-9._-]", "_", cluster)))


def width(to: TextIO | None) -> int:
    if to is not None and to.isatty():
        return max(40, shutil.get_terminal_size().columns)
    return human.WIDTH_WITHOUT_TERMINAL


def coloured(to: TextIO | None, choice: str) -> bool:
    """`NO_COLOR` (when not empty) wins over `FORCE_COLOR`; the flag wins over both."""
    if to is None or choice == "never":
        return False
    if choice == "always":
        return True
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or to.isatty()


@contextmanager
def prepared(command: str, options: Options) -> Iterator[Output]:
    """Checks the global flags, and moves to the folder they name."""
    if options.color not in {"auto", "always", "never"}:
        raise _misused(f"`--color {options.color}` is none of auto, always, never", "write `--color never`")
    if options.chdir is not None:
        try:
            os.chdir(options.chdir)
        except OSError as error:
            raise _misused(
                f"cannot change to `{options.chdir}`: {str(error.strerror).lower()}", "name a folder that exists"
            ) from error
    targets = tuple(map(_target, options.output)) or (Target("text", None),)
    for target in targets:
        insist_on_room(target)
    yield Output(command, options, targets, datetime.now(UTC))


def _target(text: str) -> Target:
    format_, equals, path = text.partition("=")
    if format_ not in FORMATS or (equals and not path):
        raise _misused(f"`-o {text}` is no output", f"write one of {', '.join(FORMATS)}, and `=PATH` for a file")
    return Target(format_, path or None)


def insist_on_room(target: Target) -> None:
    """Before anything is done, not after."""
    path = Path(target.path or os.devnull)
    place = path if path.exists() else path.parent
    if path.is_dir() or not place.exists() or not os.access(place, os.W_OK):
        why = "it is a folder" if path.is_dir() else "no right to write there" if place.exists() else "no such folder"
        raise Refusal(Exit.USAGE, unwritable(path, why))


def unwritable(path: Path, why: str) -> Finding:
    return Finding(
        code="KO7005",
        severity=Severity.ERROR,
        message=f"`{path}` cannot be written: {why[:1].lower()}{why[1:]}",
        help="write `-o FORMAT=PATH` with a path of a file that can be written",
    )


def interrupted_code(interruption: KeyboardInterrupt) -> int:
    return Exit.TERMINATED if isinstance(interruption, Terminated) else Exit.INTERRUPTED


def _misused(message: str, help_: str) -> Refusal:
    return Refusal(Exit.USAGE, Finding(code="KO7005", severity=Severity.ERROR, message=message, help=help_))


def guarded(command: str, options: Options, body: Callable[[Output], int]) -> int:
    """Runs a command; whatever ends it early is a document in each format that was asked for, and an exit code."""
    output: Output | None = None
    try:
        with prepared(command, options) as output:
            return body(output)
    except Refusal as refusal:
        return _failed(command, options, output, refusal.exit_code, refusal.findings)
    except ClusterFailure as failure:
        exit_code, finding = failure_finding(failure)
        return _failed(command, options, output, exit_code, (finding,))
    except KeyboardInterrupt as interruption:
        interrupted = Finding(
            code="KO7007",
            severity=Severity.ERROR,
            message="interrupted before anything was changed",
            help="run it again",
        )
        return _failed(command, options, output, interrupted_code(interruption), (interrupted,))


def _failed(
    command: str, options: Options, output: Output | None, exit_code: int, findings: tuple[Finding, ...]
) -> int:
    out = output or Output(command, options, _targets_that_hold(options.output), datetime.now(UTC))
    document = report.failure_document(command, findings, exit_code, created_at=out.created_at)
    if any(target.format == "text" and target.path is None for target in out.targets):
        # an error is talk: stdout stays for what was asked for
        text = human.render(
            document,
            width=width(sys.stderr),
            colour=coloured(sys.stderr, out.options.color),
            texts=out.texts,
            details=out.options.verbose,
        )
        sys.stderr.write(text)
        out.targets = tuple(target for target in out.targets if target.format != "text" or target.path is not None)
        if not out.targets:
            return exit_code
        out.targets = (*out.targets, Target("text", os.devnull))
    with suppress(Refusal):  # a full disk: the first reason is on stderr and in the exit code
        out.write(document)
    return exit_code


def _targets_that_hold(texts: list[str]) -> tuple[Target, ...]:
    found = []
    for text in texts:
        with suppress(Refusal):
            target = _target(text)
            insist_on_room(target)
            found.append(target)
    return tuple(found) or (Target("text", None),)


def usage_failure(message: str, arguments: list[str], *, command: str) -> None:
    """A flag that does not exist, a missing argument: one sentence, and JSON where JSON was asked for."""
    path = command.removeprefix("kafkaops").strip()
    finding = Finding(
        code="KO7005",
        severity=Severity.ERROR,
        message=message[:1].lower() + message[1:].rstrip("."),
        help=f"see `kafkaops {path} --help`" if path else "see `kafkaops --help`",
    )
    wanted = [after for before, after in pairwise(arguments) if before in {"-o", "--output"}]
    wanted += [one.partition("=")[2] for one in arguments if one.startswith("--output=")]
    wanted += [one[2:] for one in arguments if one.startswith("-o") and one != "-o"]
    if path == "snapshot":  # its file is a whole snapshot or as it was
        wanted = [one for one in wanted if "=" not in one]
    options = Options(None, Path("topology"), None, wanted, False, False, "auto", False)
    _failed(path.partition(" ")[0] or "help", options, None, Exit.USAGE, (finding,))
