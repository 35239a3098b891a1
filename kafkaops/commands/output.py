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
from kafkaops.cli import EVERY_FORMAT, Options, formats
from kafkaops.cluster import ClusterFailure
from kafkaops.findings import Exit, Finding, Refusal, Severity, Terminated, misused
from kafkaops.view import annotations as github
from kafkaops.view import comparison_markdown, concise, github_output, human, junit, machine, markdown, reassignment
from kafkaops.view.excerpt import quoted
from kafkaops.view.verdict import ended_early
from kafkaops.view.visible import visible

_FOR_PEOPLE = frozenset({"text", "concise"})
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
    """`path` None: stdout. `{cluster}` in it is the name of the cluster. `appends`: what is in the file stays."""

    format: str
    path: str | None
    appends: bool = False


@dataclass(slots=True)
class Output:
    """What one run writes. `texts`: files that may be quoted in excerpts. `cluster`: the one that is meant, once that is known."""

    command: str
    options: Options
    targets: tuple[Target, ...]
    created_at: datetime
    texts: Mapping[str, str] = field(default_factory=dict)
    cluster: str = ""

    def write(self, document: Mapping[str, Any], *, cluster: str = "", details: bool = False) -> None:
        """Errors: Refusal when a file cannot be written; what it was to hold stands on stderr then."""
        document = self.with_quotes(document)
        lost = [
            finding for target in self.targets if (finding := self._written(target, document, cluster, details=details))
        ]
        told = any(target.format in _FOR_PEOPLE for target in self.targets)
        if lost or not (told or document["exit_code"] in {Exit.DONE, Exit.CHANGES}):
            sys.stderr.write(self.rendered(document, "text", sys.stderr, details=details))
        if lost:
            raise Refusal(Exit.FAILED, *lost)

    def show(self, document: Mapping[str, Any], *, cluster: str = "", details: bool = False) -> None:
        """A document that is asked for, whatever is its own exit code. Errors: Refusal when a file cannot be written."""
        lost = [
            finding for target in self.targets if (finding := self._written(target, document, cluster, details=details))
        ]
        if lost:
            raise Refusal(Exit.FAILED, *lost)

    def write_as_it_is(self, text: str) -> None:
        """What is the same in every format. Errors: Refusal when a file cannot be written."""
        lost = [finding for target in self.targets if (finding := self._put(target, "", text))]
        if lost:
            raise Refusal(Exit.FAILED, *lost)

    def with_quotes(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where the files are what is wrong, their lines are part of the document; a plan names places only."""
        of_files = ended_early(document) or document["format"] == "kafkaops.validation"
        return quoted(document, self.texts) if of_files else document

    def _written(self, target: Target, document: Mapping[str, Any], cluster: str, *, details: bool) -> Finding | None:
        """Why it could not be; that target is not tried again."""
        if target.path is None:
            if target.format != "text" or not self._silent(document):
                sys.stdout.write(self.rendered(document, target.format, sys.stdout, details=details))
            return None
        return self._put(target, cluster, self.rendered(document, target.format, None, details=details))

    def _put(self, target: Target, cluster: str, text: str) -> Finding | None:
        if target.path is None:
            sys.stdout.write(text)
            return None
        path = file_of(target.path, cluster)
        try:
            with path.open("a" if target.appends else "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            self.targets = tuple(one for one in self.targets if one is not target)
            return unwritable(path, error.strerror or "the system refused")
        return None

    def _silent(self, document: Mapping[str, Any]) -> bool:
        return self.options.quiet and document["exit_code"] in {Exit.DONE, Exit.CHANGES}

    def rendered(self, document: Mapping[str, Any], format_: str, to: TextIO | None, *, details: bool) -> str:
        if format_ in _RENDERERS:
            return _RENDERERS[format_](document)
        return human.render(
            document, width=width(to), colour=coloured(to, self.options.color), details=details or self.options.verbose
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


def _in_repository(file: str) -> str:
    """A file that is named from where the command runs, as annotations name it: from the root of the repository."""
    path = Path(file).absolute()
    given = os.environ.get("GITHUB_WORKSPACE")
    roots = [Path(given)] if given else [one for one in path.parents if (one / ".git").exists()]
    real = Path(os.path.normpath(path))
    root = next((one for one in roots if real.is_relative_to(one)), None)
    return (real.relative_to(root) if root else Path(file)).as_posix()


def _markdown(document: Mapping[str, Any]) -> str:
    of_two = document["format"] == "kafkaops.comparison" and not ended_early(document)
    return comparison_markdown.render(document) if of_two else markdown.render(document)


_RENDERERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "json": machine.render,
    "markdown": _markdown,
    "concise": concise.render,
    "github": lambda document: github.render(document, shown=_in_repository),
    "junit": junit.render,
    "github-output": github_output.render,
    "reassignment-json": reassignment.render,
}


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
        raise misused(f"`--color {options.color}` is none of auto, always, never", "write `--color never`")
    if options.chdir is not None:
        try:
            os.chdir(options.chdir)
        except OSError as error:
            raise misused(
                f"cannot change to `{options.chdir}`: {str(error.strerror).lower()}", "name a folder that exists"
            ) from error
    targets = tuple(_target(command, text) for text in options.output) or (Target("text", None),)
    for target in targets:
        insist_on_room(target)
    _one_on_stdout(targets)
    yield Output(command, options, targets, datetime.now(UTC))


def _target(command: str, text: str) -> Target:
    format_, equals, path = text.partition("=")
    known = formats(command)
    if format_ not in known or (equals and not path):
        says = (
            f"`{command}` has no `-o {format_}`" if format_ in EVERY_FORMAT - {*known} else f"`-o {text}` is no output"
        )
        raise misused(says, f"write one of {', '.join(known)}, and `=PATH` for a file")
    step = os.environ.get("GITHUB_OUTPUT")
    if format_ == "github-output" and not equals and step:
        return Target(format_, step, appends=True)  # other steps' outputs may be in it
    return Target(format_, path or None)


def _one_on_stdout(targets: tuple[Target, ...]) -> None:
    """Annotations may stand in a log; whatever else shares stdout can be read by nobody."""
    formats = [target.format for target in targets if target.path is None]
    if len(formats) > 1 and set(formats) != {"text", "github"}:
        raise misused(
            f"{' and '.join(f'`{one}`' for one in formats)} would be mixed on stdout",
            f"write `-o {formats[1]}=PATH`, so that only one is written there",
        )


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


def guarded(command: str, options: Options, body: Callable[[Output], int]) -> int:
    """Runs a command; whatever ends it early is a document in each format that was asked for, and an exit code."""
    output: Output | None = None
    try:
        with prepared(command, options) as output:
            return body(output)
    except Refusal as refusal:
        return _failed(command, options, output, refusal.exit_code, refusal.findings, refusal.facts)
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
    command: str,
    options: Options,
    output: Output | None,
    exit_code: int,
    findings: tuple[Finding, ...],
    facts: Mapping[str, object] | None = None,
) -> int:
    out = output or Output(command, options, _targets_that_hold(command, options.output), datetime.now(UTC))
    document = out.with_quotes(
        report.failure_document(
            command, findings, exit_code, created_at=out.created_at, cluster=out.cluster, facts=facts
        )
    )
    on_stdout = Target("text", None)
    if on_stdout in out.targets:
        # an error is talk: stdout stays for what was asked for
        sys.stderr.write(out.rendered(document, "text", sys.stderr, details=False))
        out.targets = tuple(target for target in out.targets if target != on_stdout)
        if not out.targets:
            return exit_code
        out.targets = (*out.targets, Target("text", os.devnull))
    with suppress(Refusal):  # a full disk: the first reason is on stderr and in the exit code
        out.write(document, cluster=out.cluster)
    return exit_code


def _targets_that_hold(command: str, texts: list[str]) -> tuple[Target, ...]:
    found: list[Target] = []
    for text in texts:
        with suppress(Refusal):
            target = _target(command, text)
            insist_on_room(target)
            if target.path is not None or all(one.path is not None for one in found):  # else it would be mixed again
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
