"""Writes files whole or not at all; edited ones all or none, and only what is still as it was read."""

from __future__ import annotations

import codecs
import os
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_MARK = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Rewrite:
    """`path` free of links, as a Document has it; both texts without byte order mark. `before` None: there is no such file yet."""

    path: Path
    before: str | None
    after: str


class CannotWrite(Exception):  # noqa: N818  # reads as the sentence it stands for
    """Nothing was changed. The message is a sentence."""


def rewrite(root: Path, files: Iterable[Rewrite]) -> None:
    """Mode and byte order mark are kept. Errors: CannotWrite for a file that is not as it was read, no longer a regular one below `root`, or not to be written."""
    real_root = Path(os.path.realpath(root))
    staged: list[tuple[Path, Path, bytes | None]] = []  # the new file, the one it replaces, what that holds
    done: list[tuple[Path, bytes | None]] = []
    try:
        staged.extend(_staged(one, real_root) for one in files)
        for new, path, old in staged:
            if old is None:
                path.hardlink_to(new)  # unlike a rename, never over a file that somebody has made meanwhile
            else:
                new.replace(path)
            done.append((path, old))
    except OSError as error:
        _put_back(done)
        raise CannotWrite(f"`{error.filename}` cannot be written: {(error.strerror or 'no reason').lower()}") from error
    finally:
        for new, _, _ in staged:
            new.unlink(missing_ok=True)


def put(path: Path, data: bytes) -> None:
    """One file, new or in place of the one that is there. Errors: CannotWrite, also for a link, which is not followed."""
    try:
        there = path.lstat() if os.path.lexists(path) else None
        if there is not None and not stat.S_ISREG(there.st_mode):
            raise CannotWrite(f"`{path}` is a link, or no regular file")
        _beside(path, data, _mode_of_new_files() if there is None else stat.S_IMODE(there.st_mode)).replace(path)
    except OSError as error:
        raise CannotWrite(f"`{path}` cannot be written: {(error.strerror or 'no reason').lower()}") from error


def _mode_of_new_files() -> int:
    """What the user's mask leaves; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def _staged(one: Rewrite, root: Path) -> tuple[Path, Path, bytes | None]:
    if one.before is None:
        return _new(one, root), one.path, None
    mode = one.path.lstat().st_mode
    if not stat.S_ISREG(mode) or not Path(os.path.realpath(one.path)).is_relative_to(root):
        raise CannotWrite(f"`{one.path.name}` is no regular file below the topology folder")
    old = one.path.read_bytes()
    mark = _MARK if old.startswith(_MARK) else b""
    if old != mark + one.before.encode():
        raise CannotWrite(f"`{one.path.name}` has changed since it was read")
    return _beside(one.path, mark + one.after.encode(), stat.S_IMODE(mode)), one.path, old


def _new(one: Rewrite, root: Path) -> Path:
    if not Path(os.path.realpath(one.path.parent)).is_relative_to(root):
        raise CannotWrite(f"`{one.path.name}` is not to be below the topology folder")
    if os.path.lexists(one.path):
        raise CannotWrite(f"`{one.path.name}` is there already")
    return _beside(one.path, one.after.encode(), _mode_of_new_files())


def _beside(path: Path, data: bytes, mode: int) -> Path:
    """A new file in the same folder; its hidden name keeps it out of every reading."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
            os.fchmod(handle, mode)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def _put_back(done: Iterable[tuple[Path, bytes | None]]) -> None:
    for path, old in done:
        if old is None:
            path.unlink()
            continue
        _beside(path, old, stat.S_IMODE(path.lstat().st_mode)).replace(path)
