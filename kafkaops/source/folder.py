"""The files of the topology folder: only regular ones whose real path is below it, within limits."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from kafkaops.findings import Finding, Location, Severity
from kafkaops.source.data import Document, Mark
from kafkaops.source.events import MAX_NODES
from kafkaops.source.text import parse_within

MAX_FILES = 10_000
MAX_BYTES = 8 * 2**20  # of one file


def read(topology: Path, *, shown: Callable[[Path], str]) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    """Every `*.yaml` and `*.yml` below the folder, sorted, and every problem of every file; hidden names are skipped.

    `shown` turns a path below `topology` into what people are shown. A file with a problem that leaves its data whole
    (a duplicate key) is among the documents; no other broken file is.
    """

    def name(path: Path) -> str:  # file names may hold bytes that are no text and cannot be printed
        return shown(path).encode("utf-8", "backslashreplace").decode()

    found = list(islice(_walk(topology), MAX_FILES + 1))
    if not found:
        return (), (_nothing(name(topology)),)
    if len(found) > MAX_FILES:
        return (), (_unreadable(name(topology), f"holds more than {MAX_FILES:,} YAML files"),)
    refused = tuple(_unreadable(name(path), sentence) for path, sentence in found if sentence)
    documents, findings = _documents([path for path, sentence in found if not sentence], topology, name)
    return documents, refused + findings


class _Found(NamedTuple):
    path: Path
    refused: str = ""  # the sentence that says why this is no file to be read


def _walk(topology: Path) -> Iterator[_Found]:
    folders = [topology]
    while folders:
        folder = folders.pop()
        try:
            entries = [(path, path.is_symlink(), path.is_dir()) for path in sorted(folder.iterdir())]
        except OSError as error:
            yield _Found(folder, f"cannot be read: {_why(error)}")
            continue
        for path, is_link, is_folder in entries:
            is_yaml = path.suffix.lower() in {".yaml", ".yml"}
            if path.name.startswith("."):
                continue
            if is_folder and is_link:
                yield _Found(path, "is a link to a folder, and such links are not followed")
            elif is_folder and is_yaml:
                yield _Found(path, "is a folder with the name of a file")
            elif is_folder:
                folders.append(path)
            elif is_yaml:
                yield _Found(path)


def _documents(
    paths: list[Path], topology: Path, name: Callable[[Path], str]
) -> tuple[tuple[Document, ...], tuple[Finding, ...]]:
    root = Path(os.path.realpath(topology))
    documents: list[Document] = []
    findings: list[Finding] = []
    seen: set[Path] = set()
    room = MAX_NODES
    for path in sorted(paths, key=lambda path: (path.is_symlink(), path)):  # a file is known by its own name first
        try:
            real, text = _text(path, root)
        except _CannotBeRead as problem:
            where = Location(name(path), *problem.place)
            findings.append(_unreadable(name(path), problem.sentence, where=where, advice=problem.advice))
            continue
        if real in seen:
            continue
        seen.add(real)
        parsed = parse_within(text, name(path), room)
        findings += parsed.findings
        if parsed.root is not None:
            room -= parsed.nodes
            documents.append(Document(name(path), real, text, parsed.root))
    return tuple(sorted(documents, key=lambda document: document.file)), tuple(findings)


@dataclass
class _CannotBeRead(Exception):  # noqa: N818  # reads as the sentence it stands for
    sentence: str
    advice: str = ""
    place: Mark = (1, 1, 2)


def _text(path: Path, root: Path) -> tuple[Path, str]:
    try:
        real = Path(os.path.realpath(path, strict=True))
        if not real.is_relative_to(root):
            raise _CannotBeRead("is a link that leaves the topology folder")
        data = _bytes(real)
    except OSError as error:
        raise _CannotBeRead(f"cannot be read: {_why(error)}") from error
    try:
        return real, data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _CannotBeRead("is not UTF-8", "save it as UTF-8", _place_of_byte(data, error.start)) from error


def _bytes(real: Path) -> bytes:
    """Looks before it opens: to open a FIFO may block, and to open a device may do anything."""
    status = real.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise _CannotBeRead("is not a regular file")
    handle = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not os.path.samestat(status, os.fstat(handle)):
            raise _CannotBeRead("was replaced while it was read", "try again")
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _CannotBeRead(f"is larger than {MAX_BYTES // 2**20} MiB", "split it into several files")
    return data


def _place_of_byte(data: bytes, index: int) -> Mark:
    start = data.rfind(b"\n", 0, index) + 1
    column = len(data[start:index].decode("utf-8-sig" if start == 0 else "utf-8")) + 1
    return data.count(b"\n", 0, index) + 1, column, column + 1


def _why(error: OSError) -> str:
    return (error.strerror or "the system gives no reason").lower()


def _unreadable(name: str, sentence: str, *, where: Location | None = None, advice: str = "") -> Finding:
    return Finding(code="KO1001", severity=Severity.ERROR, message=f"`{name}` {sentence}", where=where, help=advice)


def _nothing(name: str) -> Finding:
    message, advice = f"`{name}` holds no YAML file", "name the folder of the topology with `--topology`"
    return Finding(code="KO1006", severity=Severity.ERROR, message=message, help=advice)
