"""A plan against a snapshot: whether it is of the right cluster, what it cannot answer, and what must be said of its age."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kafkaops import units
from kafkaops.cluster.recording import RecordedCluster
from kafkaops.compile import Desired
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.settings import ClusterEntry
from kafkaops.snapshots import OLD, Snapshot
from kafkaops.topology import Topology

_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Against:
    """A snapshot in place of the cluster, and the file that it was read from, as shown."""

    path: str
    snapshot: Snapshot

    @property
    def id(self) -> str:
        return self.snapshot.recording.described.cluster_id

    def connect(self, _: ClusterEntry) -> tuple[RecordedCluster, str | None]:
        """As if the brokers were asked."""
        return RecordedCluster(self.snapshot.recording), self.snapshot.recording.principal


def entry(found: Topology, named: str | None, against: Against) -> ClusterEntry:
    """The one that is named, the only one, or the one that the snapshot is of. Errors: Refusal, 5 when the snapshot is of another cluster."""
    clusters = found.settings.clusters
    if named is None and len(clusters) > 1:
        ids = {one.cluster_id: name for name, one in clusters.items()}
        named = ids.get(against.id, against.snapshot.cluster)
        if named not in clusters:
            raise _another_cluster(
                f"no cluster of kafkaops.yaml is the one of `{against.path}`: id `{against.id}`, taken as `{against.snapshot.cluster}`"
            )
    chosen = found.entry(named)
    if chosen.cluster_id not in {None, against.id}:
        raise _another_cluster(
            f"`{against.path}` is of a cluster with id `{against.id}`, `{chosen.name}` is pinned to `{chosen.cluster_id}`"
        )
    return chosen


def _another_cluster(message: str) -> Refusal:
    help_ = "name the snapshot of that cluster, or take one: `kafkaops snapshot --cluster NAME -o FILE`"
    return Refusal(Exit.NOT_APPROVED, Finding(code="KO6003", severity=Severity.ERROR, message=message, help=help_))


def insist_on_whole_topics(desired: Desired, against: Against) -> None:
    """Errors: Refusal (exit 4) for a topic that is declared now and of which a reduced snapshot holds only the name."""
    bare = sorted(desired.topics.keys() & against.snapshot.recording.names)
    if bare:
        raise Refusal(
            Exit.INVALID,
            *(
                Finding(
                    code="KO7203",
                    severity=Severity.ERROR,
                    message=f"`{against.path}` holds only the name of topic `{name}`, which was not declared when it was taken",
                    address=f"topic/{name}",
                    where=desired.topics[name].where,
                    help="take the snapshot again with this topology, or without `--for-plan`",
                )
                for name in bare
            ),
        )


def remarks(against: Against, chosen: ClusterEntry, now: datetime) -> Iterator[Finding]:
    """What whoever reads the plan must know of the snapshot."""
    yield from _age(against, chosen, now)
    if chosen.cluster_id is None and chosen.name != against.snapshot.cluster:
        yield Finding(
            code="KO7204",
            severity=Severity.WARNING,
            message=f"`{against.path}` was taken of cluster `{against.snapshot.cluster}`, and `{chosen.name}` has no `cluster-id` that could prove it the same",
            where=chosen.where,
            help=f"write `cluster-id: {against.id}` if it is the same",
        )
    if chosen.validates_in_plan:
        yield Finding(
            code="KO7205",
            severity=Severity.NOTICE,
            message="the brokers were not asked whether they take these changes: a snapshot cannot tell",
            where=chosen.where,
            help="`broker-validation: plan` takes effect in a plan that reads the cluster itself",
        )


def _age(against: Against, chosen: ClusterEntry, now: datetime) -> Iterator[Finding]:
    age = now - against.snapshot.taken_at
    if -_CLOCKS_DIFFER <= age < OLD:
        return
    past = f"is {units.age(int(age.total_seconds()))} old"
    says = past if age > timedelta() else f"is of {against.snapshot.taken_at:%Y-%m-%d %H:%M}Z, which is still to come"
    yield Finding(
        code="KO7201",
        severity=Severity.WARNING,
        message=f"`{against.path}` {says}; what has changed on the cluster since is not in this plan",
        help=f"`kafkaops snapshot --cluster {shlex.quote(chosen.name)} -o {shlex.quote(against.path)}` takes a new one",
    )
