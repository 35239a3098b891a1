"""The live cluster as files that a person would have written, whose plan is empty.

What is to be written is tried before it is written: compiled, compared with what is live, and planned. What the checks refuse is left out and told,
and the rest is tried again. So a file is written only when its plan is known to be empty.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kafkaops import edit
from kafkaops.app import Connect, Request, connected, header
from kafkaops.findings import Finding, Location, sort_key
from kafkaops.pull.drift import split
from kafkaops.pull.live import chosen, read, sayable
from kafkaops.pull.proof import accepted, refuse_a_plan, tried
from kafkaops.report import Header
from kafkaops.rewrite import Rewrite
from kafkaops.source import Block, key_location
from kafkaops.topology import Topology


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource that stands in a file now."""

    address: str
    where: Location


@dataclass(frozen=True, slots=True)
class Pulled:
    """`rewrites`: the files as they shall be. `made`: topics that stand in no file because roles make them. `guessed`: principals of which Kafka does not tell which group reads which topic. `limited`: what is new has a line that keeps it from other clusters. `planned`: how many changes the plan still has, none of them of what was pulled. `left`: what is live, was meant, and is in no file."""

    header: Header
    rewrites: tuple[Rewrite, ...]
    files: tuple[tuple[str, bool], ...]  # as people are shown them, and whether they are new
    entries: tuple[Entry, ...]
    profiles: tuple[str, ...]
    made: tuple[str, ...]
    exempted: tuple[str, ...]
    guessed: tuple[str, ...]
    limited: bool
    planned: int
    left: tuple[Finding, ...]


def pull(request: Request, patterns: Sequence[str], connect: Connect) -> Pulled:
    """Nothing is written yet. Errors: Refusal, 64 for a pattern that matches nothing, 1 when the plan of what would be written is not empty."""
    begun = time.monotonic()
    base = request.topology
    with connected(request, connect) as reading:
        found, left = sayable(request, reading, chosen(request, read(request, reading), patterns))
        declared, undeclared = split(base, request.entry, found)
        changed, between, more = accepted(base, request, declared)
        added, after, still_more = tried(between, request, undeclared)
        texts, standing = {**changed.texts, **added.texts}, {**changed.standing, **added.standing}
        planned = refuse_a_plan(request, reading, after, standing)
        return Pulled(
            header(request, reading, {}, time.monotonic() - begun),
            _rewrites(base, texts),
            tuple(_files(base, after, texts)),
            tuple(_entries(after, standing)),
            added.profiles,
            added.made,
            added.exempted,
            added.guessed,
            limited=bool(added.standing) and len(base.settings.clusters) > 1,
            planned=planned,
            left=tuple(sorted({**left, **more, **still_more}.values(), key=sort_key)),
        )


def _rewrites(base: Topology, texts: Mapping[Path, str]) -> tuple[Rewrite, ...]:
    before = {document.path: document.text for document in base.documents}
    return tuple(Rewrite(path, before.get(path), text) for path, text in sorted(texts.items()))


def _files(base: Topology, after: Topology, texts: Mapping[Path, str]) -> Iterator[tuple[str, bool]]:
    known = {document.path for document in base.documents}
    yield from ((one.file, one.path not in known) for one in after.documents if one.path in texts)


def _entries(after: Topology, standing: Mapping[str, tuple[Path, edit.Keys]]) -> Iterator[Entry]:
    by_path = {document.path: document for document in after.documents}
    for address, (path, keys) in sorted(standing.items()):
        yield Entry(address, _standing(by_path[path].root, keys))


def _standing(root: Block, keys: edit.Keys) -> Location:
    here = root
    for key in keys[:-1]:
        here = here[key]
    return key_location(here, keys[-1])
