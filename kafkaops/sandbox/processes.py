"""The Java processes of a sandbox: found by a random token on their command line, not remembered by number.

A number may be another process by now; a token cannot be. The same token lets the keeper, which is this file run as
a program, end everything when the process that started it goes away, however it goes. It imports the standard library
only, so that it starts at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RELEASE = b"release"
KEEPER = "keeper"
PROC = Path("/proc")
NAMELESS = 0.5
"""Seconds in which a process that is just being started may have no command line yet: exec clears the old one first."""


def spawn(java: Path, token: str, name: str, arguments: Path, log: Path) -> int:
    """Java in a session of its own, so that Ctrl-C at the terminal is not its Ctrl-C."""
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.posix_spawn(
        java,
        [str(java), _mark(token, name), f"@{arguments}"],
        {"LC_ALL": "C.UTF-8"},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def find(token: str) -> dict[str, int]:
    """Name to process id of everything alive in the sandbox, its keeper included."""
    mark = _mark(token, "")
    lines = _proc() if PROC.joinpath("self", "cmdline").exists() else _ps()
    return {each.removeprefix(mark): pid for pid, line in lines for each in line if each.startswith(mark)}


def end(token: str) -> None:
    """Kill every process of the sandbox but the keeper, and return when they are gone, ports and all."""
    _end_all(token)
    time.sleep(NAMELESS)
    _end_all(token)


def _end_all(token: str) -> None:
    while found := {pid for name, pid in find(token).items() if name != KEEPER}:
        for pid in found:
            _signal(pid, signal.SIGKILL)
        for pid in found:
            wait(pid, seconds=30)


def stop(pid: int, *, seconds: float) -> None:
    """Ask it to stop, and kill it when it has not within that time."""
    _signal(pid, signal.SIGTERM)
    if not wait(pid, seconds=seconds):
        _signal(pid, signal.SIGKILL)
        wait(pid, seconds=30)


def wait(pid: int, *, seconds: float) -> bool:
    """Whether the process was gone within that time."""
    deadline = time.monotonic() + seconds
    while not gone(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def gone(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):  # it may be the child of another process
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return _zombie(pid)


@contextmanager
def keeper(token: str) -> Iterator[Callable[[], None]]:
    """Everything that carries the token ends with this block or with this process, unless the block calls `release`.

    The pipe is what makes it certain: its only writer is this process, and a child that is being started holds it
    until the moment when its command line can be found.
    """
    read, write = os.pipe()
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", __file__, _mark(token, KEEPER), token],
        dict(os.environ),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, read, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ],
        setsid=True,
    )
    os.close(read)
    try:
        yield lambda: _release(write)
    finally:
        os.close(write)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _release(pipe: int) -> None:
    os.write(pipe, RELEASE)


def _keep(token: str) -> None:
    if sys.stdin.buffer.read() != RELEASE:
        end(token)


def _mark(token: str, name: str) -> str:
    return f"-Dkafkaops.sandbox={token}/{name}"


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _proc() -> Iterator[tuple[int, list[str]]]:
    for directory in PROC.iterdir():
        if directory.name.isdecimal():
            with contextlib.suppress(OSError):  # gone, or not ours to read
                line = directory.joinpath("cmdline").read_bytes()
                yield int(directory.name), os.fsdecode(line).split("\0")


def _ps() -> Iterator[tuple[int, list[str]]]:
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,command="], check=True, capture_output=True, text=True)  # noqa: S607
    for line in listing.stdout.splitlines():
        pid, *words = line.split()
        yield int(pid), words


def _zombie(pid: int) -> bool:
    """Dead, and its parent has not asked yet; without /proc the parent is trusted to ask soon."""
    try:
        state = PROC.joinpath(str(pid), "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    except OSError:
        return not PROC.joinpath(str(pid)).exists() and PROC.joinpath("self").exists()
    return state.split()[0] in "ZX"


if __name__ == "__main__":
    _keep(sys.argv[2])
