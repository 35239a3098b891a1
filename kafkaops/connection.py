"""From a cluster's entry to an open connection: properties, environment, time-outs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kafkaops.cluster import Cluster
from kafkaops.findings import Exit, Finding, Location, Refusal, Severity
from kafkaops.settings import ClusterEntry

if TYPE_CHECKING:
    from kafkaops.cluster.properties import ClientConfig

OPERATORS_FILE = "KAFKAOPS_CLIENT_CONFIG"
"""Names a properties file outside the repository, which then rules for every cluster; only there may a secret be a `command:`."""


def connect(
    entry: ClusterEntry, root: Path, environ: Mapping[str, str], *, timeout: float, secrets_root: Path | None = None
) -> tuple[Cluster, str | None]:
    """The cluster, and the principal that the login tells.

    Errors: Refusal (exit 4) for a properties file that does not hold, ClusterFailure for a cluster that does not answer, or that has another id than the entry pins.
    """
    config = client_config(entry, root, environ, timeout=timeout, secrets_root=secrets_root)
    return opened(config, timeout=timeout, cluster_id=entry.cluster_id), config.principal


def opened(config: ClientConfig, *, timeout: float, cluster_id: str | None = None) -> Cluster:
    """Errors: ClusterFailure, also for a cluster with another id than the one given."""
    from kafkaops.cluster import live  # loads both clients, which --help and validate do without

    return live.connect(config, timeout=timeout, expected_cluster_id=cluster_id)


def client_config(
    entry: ClusterEntry, root: Path, environ: Mapping[str, str], *, timeout: float, secrets_root: Path | None = None
) -> ClientConfig:
    """How both clients reach the cluster. Errors: Refusal (exit 4) for a properties file that does not hold."""
    from kafkaops.cluster.properties import PropertiesError, load, without_a_file

    path, folder, trusted = _file(entry, root, environ)
    if path is None:
        return without_a_file(entry.bootstrap_servers, timeout=timeout)
    try:
        return load(
            path,
            root=folder,
            bootstrap_servers=entry.bootstrap_servers,
            environ=environ,
            timeout=timeout,
            secrets_root=secrets_root,
            trusted=trusted,
        )
    except PropertiesError as error:
        raise _refused(error, path) from error


def _file(entry: ClusterEntry, root: Path, environ: Mapping[str, str]) -> tuple[Path | None, Path, bool]:
    named = environ.get(OPERATORS_FILE)
    if named:
        path = Path(named)
        return path, path.parent, True
    if entry.client_config is None:
        return None, root, False
    return root / entry.client_config, root, False


def _refused(error: Exception, path: Path) -> Refusal:
    line: int | None = getattr(error, "line", None)
    below_here = os.path.relpath(path)
    return Refusal(
        Exit.INVALID,
        Finding(
            code="KO6010",
            severity=Severity.ERROR,
            message=str(getattr(error, "message", error)),
            where=Location(str(path) if below_here.startswith("..") else below_here, line or 1, 1, 2),
            help=getattr(error, "hint", None) or "correct the file; `kafkaops explain KO6010` tells what it may hold",
        ),
    )
