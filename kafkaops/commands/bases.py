"""Which commit a plan is compared with, and its topology, laid beside the files for as long as it is needed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

from kafkaops import __version__, app, git, journal, ownership, topology
from kafkaops.app import Request
from kafkaops.attribution import Base
from kafkaops.cluster import Cluster, ClusterFailure, FailureKind
from kafkaops.commands.output import Output
from kafkaops.commands.reading import connect_from, shown
from kafkaops.connection import OPERATORS_FILE
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.git import Repository
from kafkaops.journal import Memory
from kafkaops.report import Compared
from kafkaops.settings import ClusterEntry
from kafkaops.topology import Topology


class Wanted(NamedTuple):
    """`name`: as people know the commit that `ref` stands for."""

    ref: str
    name: str


def wanted(given: str | None, environ: Mapping[str, str]) -> Wanted | None:
    """What `--base` names, or else what a pull request's job is told of its target. None: this is no pull request."""
    if given is not None:
        return Wanted(given, given)
    if target := environ.get("GITHUB_BASE_REF"):  # in full, since a tag may have the name of a branch
        return Wanted(f"refs/remotes/origin/{target}", target)
    # of a merged result the target's own commit, since HEAD holds all of it
    known = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA") or environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
    if known:
        return Wanted(known, environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or known[:7])
    return None


@dataclass(frozen=True, slots=True)
class Beside:
    """The topology of another commit. `head`: of the files themselves."""

    topology: Topology
    head: Topology
    compared: Compared

    def join(self, request: Request) -> Request:
        told = tuple(self._told(request.entry.name)) if request.command == "plan" and self.compared.name else ()
        return app.compared(request, self.topology, Base(self.compared, findings=told))

    def connected(self, found: Topology) -> Topology:
        """How clusters are reached as the base says: whoever changes that in a pull request must not be sent a login by it."""
        clusters = {
            name: _reached_as(was, now) if (was := self.topology.settings.clusters.get(name)) else now
            for name, now in found.settings.clusters.items()
        }
        return replace(found, settings=replace(found.settings, clusters=clusters))

    def connect(self, entry: ClusterEntry) -> tuple[Cluster, str | None]:
        """With the base's own files. Errors: Refusal for a cluster that it does not know, unless the operator's file says how it is reached."""
        if entry.name in self.topology.settings.clusters:
            return connect_from(self._root(entry))(entry)
        if not os.environ.get(OPERATORS_FILE):
            raise _unknown_cluster(entry, self.compared)
        return connect_from(self.head.root)(replace(entry, bootstrap_servers=()))

    def _root(self, entry: ClusterEntry) -> Path:
        """A file that git never had, because it holds secrets, is no change of anybody's: it stands beside the files."""
        kept = entry.client_config
        return self.head.root if kept and _is_local(kept, self.topology, self.head) else self.topology.root

    def _told(self, cluster: str) -> Iterator[Finding]:
        was, now = self.topology.settings.clusters.get(cluster), self.head.settings.clusters[cluster]
        if was is None:
            return
        others = [key for key in _CONNECTION if getattr(was, key) != getattr(now, key)]
        others += [] if others or not _file_changed(now, self.topology, self.head) else ["client_config"]
        for key in others:
            yield Finding(
                code="KO7144",
                severity=Severity.NOTICE,
                message=f"`{key.replace('_', '-')}` of cluster `{cluster}` is another than at {self.compared.name}, and works from the merge on",
                where=now.where,
                help="nothing to do: this plan was made with the connection that is merged already",
            )


_CONNECTION = ("bootstrap_servers", "cluster_id", "client_config")


def _reached_as(was: ClusterEntry, now: ClusterEntry) -> ClusterEntry:
    return replace(
        now,
        bootstrap_servers=was.bootstrap_servers,
        cluster_id=was.cluster_id,
        client_config=was.client_config,
    )


def _is_local(file: str, was: Topology, now: Topology) -> bool:
    repository = git.repository(now.root)
    return not (was.root / file).exists() and repository is not None and not git.tracked(repository, "HEAD", file)


def _file_changed(entry: ClusterEntry, was: Topology, now: Topology) -> bool:
    if entry.client_config is None:
        return False
    before, after = was.root / entry.client_config, now.root / entry.client_config
    return before.is_file() and after.is_file() and before.read_bytes() != after.read_bytes()


def _unknown_cluster(entry: ClusterEntry, compared: Compared) -> Refusal:
    return Refusal(
        Exit.BLOCKED,
        Finding(
            code="KO7145",
            severity=Severity.ERROR,
            message=f"cluster `{entry.name}` is new since {compared.name}, so how it is reached works from the merge on",
            where=entry.where,
            help=f"name its client properties, `bootstrap.servers` among them, in {OPERATORS_FILE}; or plan it at home, without `--base`",
        ),
    )


@contextmanager
def opened(output: Output, found: Topology, given: str | None) -> Iterator[Beside | None]:
    """The base of this run, if it has one. Errors: Refusal (exit 64) for one that is named and cannot be had."""
    asked = wanted(given, os.environ)
    repository = None if asked is None else git.repository(found.root)
    if asked is None or (repository is None and given is None):
        yield None
        return
    if repository is None:
        raise _no_repository(found, asked)
    with laid(repository, found, git.merge_base(repository, asked.ref), asked.name, output.created_at.date()) as beside:
        yield beside


def _no_repository(found: Topology, asked: Wanted) -> Refusal:
    return Refusal(
        Exit.USAGE,
        Finding(
            code="KO7140",
            severity=Severity.ERROR,
            message=f"`{found.shown}` is in no git repository, so `{asked.name}` is no commit of it",
            help="leave `--base` out, or run it in the clone",
        ),
    )


@contextmanager
def laid(repository: Repository, found: Topology, commit: str, name: str, today: date) -> Iterator[Beside]:
    """The topology of a commit, for as long as its folder is needed: client properties may be in it."""
    compared = Compared(git.head(repository), dirty=git.dirty(repository), base=commit, name=name)
    with tempfile.TemporaryDirectory(prefix="kafkaops-base-") as made:
        folder = Path(os.path.realpath(made))
        there = git.lay(repository, commit, folder)
        was = _read(folder, found, today) if there else Topology(folder, found.shown)
        yield Beside(was, found, compared)


def _read(folder: Path, found: Topology, today: date) -> Topology:
    """Named as if it stood where the files stand."""

    def as_here(path: Path) -> str:
        return shown(found.root / path.relative_to(folder))

    return topology.read(folder, shown=as_here, version=__version__, today=today)


# what was applied last


def recalling(found: Topology, request: Request) -> Request:
    """The request, to which the cluster's journal adds what it has against it; and, where it has no base, what this repository applied last."""

    def recall(asked: Request, cluster: Cluster) -> Request:
        """Errors: Refusal (exit 64) for a commit that the clone does not hold."""
        if (repository := git.repository(found.root)) is None:
            return asked
        memory = _memory(cluster)
        if not memory.applied and not memory.owners:
            return asked
        name = git.identity(repository)
        told = tuple(ownership.claimed_twice(found.desired[asked.entry.name], memory.owners, name))
        asked = replace(asked, remembered=told)
        if asked.base is not None or name not in memory.applied:
            return asked
        commit = git.commit(repository, memory.applied[name].commit)
        with laid(repository, found, commit, "", asked.now.date()) as beside:
            return beside.join(asked)

    return replace(request, recall=recall)


def _memory(cluster: Cluster) -> Memory:
    """Nothing, without the right to read it."""
    try:
        records = cluster.journal().read()
    except ClusterFailure as failure:
        if failure.kind is FailureKind.REFUSED:
            return Memory()
        raise
    return journal.remembered({one.key: one.value for one in records or () if one.value is not None})
