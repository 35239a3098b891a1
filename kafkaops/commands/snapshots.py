"""snapshot: a cluster into a file."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from kafkaops import app, snapshots, units
from kafkaops.app import Connect
from kafkaops.cli import EVERY_FORMAT, Options
from kafkaops.commands.output import Output, Target, file_of, guarded, insist_on_room, unwritable
from kafkaops.commands.reading import connect_from, invalid, requests, topology_of
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.rewrite import CannotWrite, put


def snapshot(options: Options, *, for_plan: bool, connect: Callable[[Path], Connect] = connect_from) -> int:
    """`connect`: opens clusters for the topology in that folder."""
    files = [path for text in options.output if (path := _file(text))]
    rest = [text for text in options.output if not _file(text)]

    def body(output: Output) -> int:
        if not files and not output.to_machine:
            raise _nowhere()
        for path in files:
            insist_on_room(Target("json", path))
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        asked = requests(output, found, (), one=True)[0]
        paths = [_regular(file_of(path, asked.entry.name)) for path in files]
        document = snapshots.document(app.snapshot(asked, connect(found.root), reduced=for_plan))
        for place in paths:
            _write(output, place, snapshots.text_of(document).encode())
        output.write(document, cluster=asked.entry.name)
        return Exit.DONE

    return guarded("snapshot", replace(options, output=rest), body)


def _file(text: str) -> str:
    """`FILE` and `json=FILE` mean the same; what is left is a format, for stdout."""
    format_, _, path = text.partition("=")
    return path if format_ == "json" else "" if format_ in EVERY_FORMAT else text


def _nowhere() -> Refusal:
    return Refusal(
        Exit.USAGE,
        Finding(
            code="KO7005",
            severity=Severity.ERROR,
            message="snapshot writes a file, and none is named",
            help="write `-o snapshot.json`, or `-o json` for stdout",
        ),
    )


def _regular(path: Path) -> Path:
    """Before the cluster is read, not after."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Refusal(Exit.USAGE, unwritable(path, "it is a link, or no regular file"))
    return path


def _write(output: Output, path: Path, data: bytes) -> None:
    try:
        put(path, data)
    except CannotWrite as problem:
        raise Refusal(
            Exit.FAILED,
            Finding(
                code="KO7005", severity=Severity.ERROR, message=str(problem), help="name a file that can be written"
            ),
        ) from problem
    output.tell(f"wrote {path}, {units.about(len(data))}: kafkaops plan --against {shlex.quote(str(path))}")
