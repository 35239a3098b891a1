"""What commands share before they differ: the folder, the clusters, the connection."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from kafkaops import __version__, connection, offline, report, topology
from kafkaops.app import Connect, Request
from kafkaops.cluster import Cluster
from kafkaops.commands.output import Output
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.offline import Against
from kafkaops.settings import ClusterEntry
from kafkaops.topology import Topology

TIMEOUT = 15.0
"""Seconds for the first answer of a cluster, and for each request."""


def topology_of(output: Output, *, cluster: str | None = None) -> Topology:
    """The folder as it was read, whatever is wrong with it; with `cluster`, whatever concerns that one."""
    root = output.options.topology
    found = topology.read(root, shown=shown, version=__version__, today=output.created_at.date(), cluster=cluster)
    output.texts = found.texts
    return found


def shown(path: Path) -> str:
    """Relative to where the command runs, so that editors and annotations find it."""
    return Path(os.path.relpath(path)).as_posix()


def requests(output: Output, found: Topology, only: tuple[str, ...], *, one: bool = False) -> list[Request]:
    """One for each cluster that is meant: the named one, else all; exactly one where a command changes something."""
    named = output.options.cluster
    if one or named is not None or len(found.settings.clusters) < 2:  # noqa: PLR2004
        entries = [found.entry(named)]
    else:
        entries = [found.settings.clusters[name] for name in sorted(found.settings.clusters)]
    if len(entries) > 1:
        _one_file_each(output)
    else:
        output.cluster = entries[0].name
    return [request(output, found, entry, only) for entry in entries]


def _one_file_each(output: Output) -> None:
    for target in output.targets:
        if target.format != "text" and "{cluster}" not in (target.path or ""):
            raise Refusal(
                Exit.USAGE,
                Finding(
                    code="KO6011",
                    severity=Severity.ERROR,
                    message=f"`-o {target.format}` can hold one cluster, and several are meant",
                    help=f"write `-o {target.format}=plan-{{cluster}}.{target.format}`, or `--cluster NAME`",
                ),
            )


def request_against(output: Output, found: Topology, only: tuple[str, ...], against: Against) -> Request:
    """Errors: Refusal when the snapshot is of another cluster, or lacks a topic."""
    entry = offline.entry(found, output.options.cluster, against)
    output.cluster = entry.name
    asked = replace(request(output, found, entry, only), against=against, patience=0.0)
    if entry.manages_topics:
        offline.insist_on_whole_topics(asked.desired, against)
    return asked


def request(output: Output, found: Topology, entry: ClusterEntry, only: tuple[str, ...] = ()) -> Request:
    return Request(command=output.command, topology=found, entry=entry, now=output.created_at, only=only)


def connect_from(root: Path) -> Connect:
    def connect(entry: ClusterEntry) -> tuple[Cluster, str | None]:
        return connection.connect(entry, root, os.environ, timeout=TIMEOUT)

    return connect


def invalid(output: Output, found: Topology) -> int:
    """Shows what is wrong with the files."""
    document = report.validation_document(
        found.findings, len(found.documents), Exit.INVALID, created_at=output.created_at, command=output.command
    )
    output.write(document)
    return Exit.INVALID
