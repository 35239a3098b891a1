"""What a shell offers after Tab: from the files alone, quick, and silent about whatever is wrong with them."""

from __future__ import annotations

import io
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import redirect_stdout, suppress
from datetime import UTC, datetime
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

from kafkaops import __version__, codes, topology
from kafkaops.cli import TAKES_VALUE, command_first
from kafkaops.findings import Severity
from kafkaops.topology import Topology

SHELL = "_KAFKAOPS_COMPLETE"
"""Set by the shell's completion script, which typer writes: `complete_bash`, `complete_zsh` ..."""

_PLAIN = re.compile(r"[A-Za-z0-9._:/@,=+-]+", re.ASCII)
"""Nothing that a shell reads anything into: names come from a repository, and zsh evaluates what it is told."""


# the shell's question and the answer


def answer(run: Callable[[], object], environ: MutableMapping[str, str]) -> None:
    """Runs typer's own answer."""
    asked = _from_bash if environ[SHELL] == "complete_bash" else _from_others
    stands_already = asked(environ)
    with redirect_stdout(io.StringIO()) as said, suppress(SystemExit):
        run()
    sys.stdout.write("".join(f"{line[stands_already:]}\n" for line in said.getvalue().splitlines()))


def _from_bash(environ: MutableMapping[str, str]) -> int:
    """Bash takes `acl/User:x` and `KO2104@topic/x` for several words and completes the last of them: they are put together again.

    The number of characters of each offer that stand on the line before the word which bash replaces.
    """
    words = environ.get("COMP_WORDS", "").split("\n")
    here = int(environ.get("COMP_CWORD", "0"))
    split = [*words[1:here], words[here] if here < len(words) else ""]
    whole: list[str] = []
    glued = False
    for word in split:
        breaks = bool(word) and not word.strip(":=@")
        if whole and (glued or breaks):
            whole[-1] += word
        else:
            whole.append(word)
        glued = breaks
    *before, typed = whole
    arguments = _known(before)
    environ["COMP_WORDS"] = "\n".join(["kafkaops", *arguments, typed])
    environ["COMP_CWORD"] = str(len(arguments) + 1)
    value = typed.partition("=")[2] if typed.startswith("--") else typed
    replaced = "" if glued else split[-1]
    sign = value.endswith(f"@{replaced}")  # the only one of these characters that readline replaces too
    return max(len(value) - len(replaced) - sign, 0)


def _from_others(environ: MutableMapping[str, str]) -> int:
    line = environ.get("_TYPER_COMPLETE_ARGS", "")
    with suppress(ValueError):  # a quote that is still open
        program, *words = shlex.split(line, posix=False)
        typed = "" if line.endswith(" ") or not words else words.pop()
        environ["_TYPER_COMPLETE_ARGS"] = " ".join([program, *_known(words), typed])
    return 0


def _known(words: list[str]) -> list[str]:
    """Flags go behind the command, which knows them; while there is none, any command knows the one whose value is typed."""
    ordered = command_first(words)
    return ordered if ordered or not words or words[-1] not in TAKES_VALUE else ["validate", *words]


# what is offered


def offered(name: str, given: Mapping[str, Any], typed: str) -> list[str]:
    """`given`: the flags that are typed already. Nothing when the files cannot be read: a command will say why, and Tab is no place to."""
    with suppress(Exception):
        return sorted({one for one in OFFERS[name](given, typed) if _PLAIN.fullmatch(one)})
    return []


def _addresses(given: Mapping[str, Any], _: str) -> Iterator[str]:
    """Of topics, and of principals as a whole."""
    from kafkaops.app import KINDS

    for name, desired in _files(given).desired.items():
        if given.get("cluster") in {None, name}:
            every = chain.from_iterable(kind.addresses(desired) for kind in KINDS)
            yield from ("/".join(one.split("/")[:2]) for one in every)


def _clusters(given: Mapping[str, Any], _: str) -> Iterable[str]:
    return _files(given).settings.clusters


def _dangers(given: Mapping[str, Any], typed: str) -> Iterator[str]:
    """Codes, and after the sign addresses."""
    code, sign, _ = typed.partition("@")
    if sign:
        yield from (f"{code}@{address}" for address in _addresses(given, ""))
    else:
        yield from (one.code for one in codes.registry().values() if one.severity is Severity.DANGER)


def _explained(_: Mapping[str, Any], __: str) -> Iterable[str]:
    from kafkaops.kinds.topic.settings import SETTINGS

    return (*codes.registry(), *SETTINGS)


def _versions(_: Mapping[str, Any], __: str) -> Iterator[str]:
    """Of Kafka, for the sandbox."""
    for one in files("kafkaops").joinpath("sandbox").iterdir():
        if match := re.fullmatch(r"kafka-(.*)\.lock", one.name):
            yield match[1]


OFFERS: Mapping[str, Callable[[Mapping[str, Any], str], Iterable[str]]] = {
    "addresses": _addresses,
    "clusters": _clusters,
    "dangers": _dangers,
    "explained": _explained,
    "versions": _versions,
}


def _files(given: Mapping[str, Any]) -> Topology:
    root = Path(given.get("chdir") or "", given.get("topology") or "topology")
    return topology.read(root, shown=str, version=__version__, today=datetime.now(UTC).date())
