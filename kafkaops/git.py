"""The door to git: which commit the files are, what another commit holds, and which repository this is. It reads, and fetches nothing.

Whoever may push may name branches, add files and write `.gitattributes`. So no name reaches git as an option, git runs
nothing that the checkout could set up, and what a commit holds is taken as bytes, without filters.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from kafkaops.findings import Exit, Finding, Refusal, Severity

SECONDS = 60
"""For one answer of git: a large repository on a cold disk."""

MAX_FILES = 20_000
MAX_BYTES = 8 * 2**20  # of one file; `source` reads no larger one either
MAX_TOTAL = 512 * 2**20

_YAML = (".yaml", ".yml")

_SHA1 = 40  # digits; else it is SHA-256

_DEEPER = (
    "fetch the history: `fetch-depth: 0` for actions/checkout, `GIT_DEPTH: 0` for GitLab, else `git fetch --unshallow`"
)

_HARMLESS = (
    "--no-pager",
    "--literal-pathspecs",
    *("-c", "core.fsmonitor=false"),  # names a program
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "safe.bareRepository=explicit"),  # a folder of the checkout that looks like a repository is none
)

_KEPT = (
    "GIT_CONFIG_",
    "GIT_CEILING_DIRECTORIES",
)  # the operator's own; GIT_DIR and its like would name another repository


@dataclass(frozen=True, slots=True)
class Repository:
    """`folder`: the topology, with its links followed. `inside`: where that is in the repository, "" at its top."""

    folder: Path
    inside: str
    shallow: bool


def repository(topology: Path) -> Repository | None:
    """None: the folder is in no git repository. Errors: Refusal (exit 1) when git is not there or will not answer."""
    folder = Path(os.path.realpath(topology))
    if not folder.is_dir() or not any((one / ".git").exists() for one in (folder, *folder.parents)):
        return None
    answer = _asked(folder, "rev-parse", "--show-prefix", "--is-shallow-repository").decode(errors="surrogateescape")
    inside, shallow = answer.removesuffix("\n").rsplit("\n", 1)
    return Repository(folder, inside.rstrip("/"), shallow == "true")


def head(repository: Repository) -> str | None:
    """The commit that is checked out; None: there is none yet."""
    return _resolved(repository, "HEAD")


def dirty(repository: Repository) -> bool:
    """Whether the YAML files of the topology are others than those of the commit that is checked out.

    Compared byte for byte: `git status` would run filters, and leave out what `.gitignore` names and kafkaops reads.
    """
    tree = _resolved(repository, f"HEAD:{repository.inside}", kind="tree")
    held = {} if tree is None else {one.path: one.blob for one in _entries(repository, tree) if _is_read(one.path)}
    there = dict(_files(repository.folder))
    return held.keys() != there.keys() or any(_blob(there[path], like=blob) != blob for path, blob in held.items())


def commit(repository: Repository, ref: str) -> str:
    """The commit that a name means here, or else at `origin`. Errors: Refusal (exit 64)."""
    found = _resolved(repository, ref) or _resolved(repository, f"refs/remotes/origin/{ref}")
    if found is None:
        raise _no_base(
            f"`{ref}` is no commit that this clone holds",
            _DEEPER
            if repository.shallow
            else "name a branch, a tag or a commit; `git fetch origin` brings what is new",
        )
    return found


def merge_base(repository: Repository, ref: str) -> str:
    """Where HEAD left the line of `ref`: what came there since then is not of this change. Errors: Refusal (exit 64)."""
    other, own = commit(repository, ref), head(repository)
    if own is None:
        raise _no_base("there is no commit yet to compare with another", "commit, or leave `--base` out")
    done = _run(repository.folder, "merge-base", other, own)
    if done.returncode:
        advice = _DEEPER if repository.shallow else "name a commit that this one comes from"
        raise _no_base(f"`{ref}` and HEAD have no commit in common that this clone holds", advice)
    return done.stdout.decode().strip()


def is_ancestor(repository: Repository, older: str, newer: str) -> bool:
    """Whether `newer` is `older` or comes from it. Errors: Refusal (exit 64) for a commit that the clone does not hold."""
    before, after = commit(repository, older), commit(repository, newer)
    done = _run(repository.folder, "merge-base", "--is-ancestor", before, after)
    if done.returncode == 1 and repository.shallow:  # "no" may only mean that the history ends before it
        raise _no_base(f"the history between {older[:7]} and {newer[:7]} is not in this clone", _DEEPER)
    return done.returncode == 0


def identity(repository: Repository) -> str:
    """What all clones of one repository have in common: the address of `origin` without login, or else the first commit. Errors: Refusal (exit 64)."""
    url = _run(repository.folder, "config", "--get", "remote.origin.url").stdout.decode(errors="replace").strip()
    if named := _normalised(url):
        return named
    if repository.shallow:
        raise _no_base(
            "the clone has no remote `origin` and not its first commit, so it cannot be told which repository it is",
            _DEEPER,
        )
    if head(repository) is None:
        raise _no_base("there is no commit yet, so it cannot be told which repository this is", "commit first")
    roots = _asked(repository.folder, "rev-list", "--max-parents=0", "HEAD").decode().split()
    return f"first commit {min(roots)}"


def lay(repository: Repository, commit: str, into: Path) -> bool:
    """The topology folder as it is in that commit, in an empty folder. False: the commit has no such folder.

    Links are laid as links: whoever reads the folder refuses those that leave it, as in the work tree.
    Errors: Refusal (exit 64) for what cannot be laid.
    """
    tree = _resolved(repository, f"{commit}:{repository.inside}", kind="tree")
    if tree is None:
        return False
    entries = list(_entries(repository, tree))
    if len(entries) > MAX_FILES or sum(one.size for one in entries) > MAX_TOTAL:
        raise _no_base(
            f"the topology folder at {commit[:7]} holds more than {MAX_FILES:,} files or {MAX_TOTAL // 2**20} MiB",
            "keep other files out of the topology folder",
        )
    contents = _contents(repository, entries)
    for entry, data in sorted(
        zip(entries, contents, strict=True), key=lambda one: one[0].link
    ):  # nothing is written through a link
        path = into / entry.path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if entry.link:
            path.symlink_to(os.fsdecode(data))
        else:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(data)
    return True


def tracked(repository: Repository, commit: str, path: str) -> bool:
    """Whether a commit holds this file of the topology folder."""
    inside = f"{repository.inside}/{path}" if repository.inside else path
    return _resolved(repository, f"{commit}:{inside}", kind="blob") is not None


def _is_read(path: str) -> bool:
    """As `source` walks the folder."""
    names = path.split("/")
    return names[-1].lower().endswith(_YAML) and not any(name.startswith(".") for name in names)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for at, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(at, name) for name in (*files, *folders)):
            shown = path.relative_to(folder).as_posix()
            if _is_read(shown) and (path.is_symlink() or not path.is_dir()):
                yield shown, path


def _blob(path: Path, *, like: str) -> str:
    """The name that git gives to such a file."""
    is_link = path.is_symlink()
    if not is_link and (not path.is_file() or path.stat().st_size > MAX_BYTES):
        return ""
    data = os.fsencode(path.readlink()) if is_link else path.read_bytes()
    algorithm = hashlib.sha1 if len(like) == _SHA1 else hashlib.sha256
    return algorithm(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


class _Entry(NamedTuple):
    path: str
    blob: str
    size: int
    link: bool


_ROW = re.compile(rb"(\d{6}) (\w+) ([0-9a-f]+) +(\d+|-)\t(.+)", re.DOTALL)


def _entries(repository: Repository, tree: str) -> Iterator[_Entry]:
    for line in _asked(repository.folder, "ls-tree", "-r", "-z", "-l", "--full-tree", tree).split(b"\0")[:-1]:
        row = _ROW.fullmatch(line)
        assert row is not None, line
        path = os.fsdecode(row[5])
        if row[2] != b"blob":
            raise _no_base(
                f"`{path}` is a submodule, of which the commit holds no file",
                "keep the files of the topology in one repository",
            )
        if {".", "..", ""} & set(path.split("/")):
            raise _no_base(
                f"the commit holds a file by the name `{path}`", "no git writes such a name: look who made that commit"
            )
        if int(row[4]) <= MAX_BYTES or path.lower().endswith(_YAML):  # what is larger is nothing that a topology names
            yield _Entry(path, row[3].decode(), int(row[4]), link=row[1] == b"120000")


def _contents(repository: Repository, entries: Sequence[_Entry]) -> Iterator[bytes]:
    asked = "".join(f"{entry.blob}\n" for entry in entries).encode()
    answer, at = memoryview(_asked(repository.folder, "cat-file", "--batch", given=asked)), 0
    for entry in entries:
        heading = f"{entry.blob} blob {entry.size}\n".encode()
        if answer[at : at + len(heading)] != heading:
            raise _no_base(
                f"this clone does not hold the file `{entry.path}` of that commit", "clone it whole, without `--filter`"
            )
        begin = at + len(heading)
        yield bytes(answer[begin : begin + entry.size])
        at = begin + entry.size + 1


def _resolved(repository: Repository, name: str, *, kind: str = "commit") -> str | None:
    if not name or "\0" in name:
        return None
    asked = f"{name}^{{{kind}}}" if kind == "commit" else name
    done = _run(repository.folder, "rev-parse", "--verify", "--quiet", "--end-of-options", asked)
    found = done.stdout.decode().strip()
    if done.returncode or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", found):
        return None
    if kind == "commit":
        return found
    what = _run(repository.folder, "cat-file", "-t", found)
    return found if what.stdout.decode().strip() == kind else None


def _normalised(url: str) -> str:
    """`https://name:word@github.com/Acme/kafka.git` and `git@github.com:acme/kafka` are one repository. "": a path, which is another one on the next machine."""
    if "://" not in url:
        match = re.fullmatch(r"(?:[^@/:]+@)?([^/:]{2,}):(.+)", url)
        if match is None:
            return ""
        host, path = match[1], match[2]
    else:
        try:
            parts = urlsplit(url)
        except ValueError:
            return ""
        host, path = parts.hostname or "", parts.path
        if parts.scheme == "file":
            return ""
    path = path.strip("/").removesuffix(".git")
    return f"{host}/{path}".lower() if host and path else ""


def _asked(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    done = _run(folder, *arguments, given=given)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise _failed(
            f"`git {arguments[0]}` failed: {said[0] if said else 'it gives no reason'}", _advice(done.stderr, folder)
        )
    return done.stdout


def _advice(stderr: bytes, folder: Path) -> str:
    if b"dubious ownership" in stderr:
        return f"the checkout belongs to another user: `git config --global --add safe.directory {folder}`, or its parent that holds `.git`"
    return "see what `git status` says there"


def _run(folder: Path, *arguments: str, given: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(  # noqa: S603 a list of arguments, no shell; names stand behind --end-of-options
            ["git", *_HARMLESS, *arguments],  # noqa: S607 the operator's own PATH says which git
            cwd=folder,
            env=_environment(os.environ),
            input=b"" if given is None else given,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except FileNotFoundError as error:
        raise _failed("`git` is not installed, and the topology is in a git repository", "install git") from error
    except subprocess.TimeoutExpired as error:
        raise _failed(
            f"`git {arguments[0]}` gave no answer in {SECONDS} s", "see what `git status` says there"
        ) from error


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") or name.startswith(_KEPT)}
    return kept | {
        "LC_ALL": "C",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALLOW_PROTOCOL": "none",  # of a partial clone nothing is fetched behind one's back
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",  # the same, where git knows it
        "GIT_NO_REPLACE_OBJECTS": "1",
    }


def _no_base(message: str, help_: str) -> Refusal:
    return Refusal(Exit.USAGE, Finding(code="KO7140", severity=Severity.ERROR, message=message, help=help_))


def _failed(message: str, help_: str) -> Refusal:
    return Refusal(Exit.FAILED, Finding(code="KO7141", severity=Severity.ERROR, message=message, help=help_))
