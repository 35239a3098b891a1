"""This change, or drift? What another commit wanted beside what this one wants: who caused each change, what was let go of, which guards hold.

The other commit is the base: where a pull request left its target, or what was applied last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from kafkaops import guards
from kafkaops.access import WILDCARD_PRINCIPAL
from kafkaops.apply import replacements
from kafkaops.compile import Desired, compile_for
from kafkaops.findings import Finding, Severity
from kafkaops.kind import Kind
from kafkaops.kinds.acl.model import WantedAcls, principal_address
from kafkaops.kinds.topic.model import Topic
from kafkaops.plan import Acknowledgement, Change, Origin, Phase
from kafkaops.report import Compared
from kafkaops.settings import ClusterEntry, Settings
from kafkaops.source import Document
from kafkaops.topology import SETTINGS_FILE, Topology


@dataclass(frozen=True, slots=True)
class Base:
    """What a plan is compared with.

    desired   what it wanted of the cluster; None: its files hold errors, so every change counts as this one's
    findings  what is to be told of the two, whatever is live
    """

    compared: Compared
    desired: Desired | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def shown(self) -> str:
        return self.compared.name or "the last apply"


def joined(head: Topology, was: Topology, cluster: str, base: Base, today: date) -> tuple[Topology, Base]:
    """The topology of `head` under the guards of both and with whom it no longer names, and the base with all there is to say of it. `was`: the topology of the base."""
    settings = guards.stricter(was.settings, head.settings, cluster) if was.documents else head.settings
    found = (
        list(guards.weakened(was.settings, head.settings, cluster, _settings_document(head))) if was.documents else []
    )
    desired = head.desired[cluster]
    if settings != head.settings:
        desired, problems = compile_for(settings.clusters[cluster], head.documents, settings, today=today)
        found += (one for one in problems if one.severity is Severity.ERROR)
    if not was.valid:
        found.append(_not_known(was, base))
        known = None
    else:
        entry = was.settings.clusters.get(cluster)
        known = Desired() if entry is None else _managed(was.desired[cluster], entry)
        found += _no_longer_managed(known, desired, settings, base)
        desired, let_go = _retired(known, desired, settings.clusters[cluster], base)
        found += let_go
    topology = replace(head, settings=settings, desired={**head.desired, cluster: desired})
    return topology, replace(base, desired=known, findings=(*base.findings, *found))


def _settings_document(topology: Topology) -> Document | None:
    top = topology.root.resolve() / SETTINGS_FILE
    return next((one for one in topology.documents if one.path == top), None)


def _managed(desired: Desired, entry: ClusterEntry) -> Desired:
    """What the base left to others it did not want in any way."""
    return replace(
        desired,
        topics=desired.topics if entry.manages_topics else {},
        acls=desired.acls if entry.manages_acls else WantedAcls(),
    )


def _not_known(was: Topology, base: Base) -> Finding:
    errors = [one for one in was.findings if one.severity is Severity.ERROR]
    return Finding(
        code="KO7142",
        severity=Severity.WARNING,
        message=f"the files at {base.shown} hold {len(errors)} error{'s' * (len(errors) > 1)}, so every change counts as this one's",
        help=f"`git checkout {base.compared.base[:7]}` and `kafkaops validate` show them; correct them there first",
        notes=("nothing is held back as drift, and whom they named and these files do not is left as it is",),
    )


def _no_longer_managed(known: Desired, desired: Desired, settings: Settings, base: Base) -> Iterator[Finding]:
    """A topic is never deleted by omission; that its block is gone is told (decisions 8)."""
    for name, topic in sorted(known.topics.items()):
        if isinstance(topic, Topic) and name not in desired.topics and not settings.ignores(name):
            yield Finding(
                code="KO7143",
                severity=Severity.NOTICE,
                message=f"{name}: is no longer managed; it stays as it is",
                address=f"topic/{name}",
                where=topic.where,
                label=f"declared here at {base.shown}",
                help="write `state: absent` to have it deleted",
            )


def _retired(known: Desired, desired: Desired, entry: ClusterEntry, base: Base) -> tuple[Desired, list[Finding]]:
    """Whom the base named and these files do not: planned as absent, with the place where it was. Who guards itself only by being named is left alone."""
    gone = {
        principal: where
        for principal, where in known.acls.managed.items()
        if principal not in desired.acls.managed and principal not in desired.released
    }
    guarded = entry.principals.guarded() | (entry.authorizer.super_users or frozenset()) | {WILDCARD_PRINCIPAL}
    absent = {principal: where for principal, where in gone.items() if principal not in guarded}
    told = [
        Finding(
            code="KO7143",
            severity=Severity.NOTICE,
            message=f"{principal}: is no longer managed; its access stays as it is",
            address=principal_address(principal),
            where=gone[principal],
            label=f"named here at {base.shown}",
            help=f'write `principals: {{"{principal}": {{state: absent, manage: true}}}}` to have its access taken',
        )
        for principal in sorted(gone.keys() & guarded)
    ]
    acls = replace(desired.acls, managed={**desired.acls.managed, **absent})
    return replace(desired, acls=acls), told


# who caused it


def origins(base: Base, desired: Desired, changes: Iterable[Change], kinds: Mapping[str, Kind]) -> dict[str, Origin]:
    """By change id: whether the base would make this very change too."""
    known = base.desired
    return {
        one.id: Origin.DRIFT
        if known is not None and kinds[one.kind].wanted(known, one) == kinds[one.kind].wanted(desired, one)
        else Origin.PULL_REQUEST
        for one in changes
    }


def of_drift_alone(
    findings: Iterable[Finding], changes: Iterable[Change], origin: Mapping[str, Origin], kinds: Mapping[str, Kind]
) -> dict[int, tuple[str, ...]]:
    """By the position of a finding that blocks: the changes it speaks of, where all of them are drift."""
    by_address: dict[str, list[Change]] = {}
    for change in changes:
        for address in _upwards(change.address):
            by_address.setdefault(address, []).append(change)
    found = {}
    for position, finding in enumerate(findings):
        near = by_address.get(finding.address, ()) if finding.blocks else ()
        about = [one.id for one in near if kinds[one.kind].speaks_of(finding, one)]
        if about and all(origin[one] is Origin.DRIFT for one in about):
            found[position] = tuple(about)
    return found


def _upwards(address: str) -> Iterator[str]:
    while address:
        yield address
        address = address.rpartition("/")[0]


def waiting(held: Iterable[str], changes: Iterable[Change]) -> frozenset[str]:
    """What is held back, and the revokes whose replacement is: access is not taken before what stands in for it is there."""
    every, still = tuple(changes), frozenset(held)
    grants = [one for one in every if one.phase is Phase.GRANTS and one.id in still]
    revokes = [one for one in every if one.phase is Phase.REVOKES and one.id not in still]
    return still | {one.id for one in revokes if grants and replacements([one], grants)}


def fresh(acknowledgements: Iterable[Acknowledgement], base: Base) -> tuple[Acknowledgement, ...]:
    """Those that the last applied commit did not hold: it has used its own, and consent is used once (decisions 14)."""
    given = () if base.desired is None else base.desired.acknowledgements
    used = {(one.code, one.on, one.changes, one.until) for one in given}
    return tuple(one for one in acknowledgements if (one.code, one.on, one.changes, one.until) not in used)
