"""ACLs to and from the cluster."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from kafkaops.access import AclBinding, AclSet
from kafkaops.cluster import Cluster, Description, KafkaError
from kafkaops.cluster.agreement import agreed, on_all
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.acl.model import LiveAcls, WantedAcls
from kafkaops.plan import Change

_PAUSE = 0.1


def read(cluster: Cluster, described: Description, want: WantedAcls, *, patience: float) -> LiveAcls:
    """All ACLs, as all live brokers see them. No right to see them ends the command (exit 77); no authorizer, when ACLs are wanted, too (exit 3)."""
    brokers = [broker.id for broker in described.brokers]
    problems: list[KafkaError] = []

    def ask(broker: int) -> frozenset[AclBinding]:
        answer = cluster.acls(broker)
        if isinstance(answer, KafkaError):
            problems.append(answer)
            return frozenset()
        return frozenset(answer)

    bindings = agreed(brokers, ask, what="which ACLs there are", patience=patience)
    if any(problem.name != "SECURITY_DISABLED" for problem in problems):
        raise _unreadable(problems[0])
    if problems and want.managed:
        raise _no_authorizer(want)
    return LiveAcls(AclSet(bindings), described.operations)


def _unreadable(problem: KafkaError) -> Refusal:
    rights = "AUTHORIZATION" in problem.name
    return Refusal(
        Exit.REFUSED if rights else Exit.UNREACHABLE,
        Finding(
            code="KO6005" if rights else "KO6001",
            severity=Severity.ERROR,
            message=f"the ACLs could not be read, so nothing is planned: {problem.name}",
            help="grant Describe on the cluster, or declare `manage: {acls: false}` for it" if rights else "",
        ),
    )


def _no_authorizer(want: WantedAcls) -> Refusal:
    return Refusal(
        Exit.BLOCKED,
        Finding(
            code="KO6007",
            severity=Severity.ERROR,
            message="the topology declares access, and the brokers have no authorizer",
            where=min(want.managed.values()),
            help="set authorizer.class.name on the brokers, or declare `manage: {acls: false}` for the cluster",
        ),
    )


def validate(cluster: Cluster, changes: Sequence[Change]) -> Mapping[str, KafkaError]:
    """What the brokers would refuse, by change id. Kafka has no dry run for ACLs, so only our own right to change them is asked for."""
    operations = cluster.describe().operations if changes else None
    if operations is None or "Alter" in operations:
        return {}
    refused = KafkaError("CLUSTER_AUTHORIZATION_FAILED", "ACLs need Alter on the cluster")
    return dict.fromkeys((change.id for change in changes), refused)


def grant(cluster: Cluster, changes: Sequence[GrantAcl]) -> Mapping[str, KafkaError | None]:
    answers = cluster.create_acls([change.binding for change in changes])
    return {change.id: answers[change.binding] for change in changes}


def revoke(cluster: Cluster, changes: Sequence[RevokeAcl]) -> Mapping[str, KafkaError | None]:
    answers = cluster.delete_acls([change.binding for change in changes])
    return {change.id: answers[change.binding] for change in changes}


def perform(cluster: Cluster, changes: Sequence[Change]) -> Mapping[str, KafkaError | None]:
    """One phase's changes, by change id: None where the brokers say that it is done. Additions before removals."""
    grants = [change for change in changes if isinstance(change, GrantAcl)]
    revokes = sorted(
        (change for change in changes if isinstance(change, RevokeAcl)),
        key=lambda change: change.binding.permission,  # what a DENY hides goes before the DENY
    )
    done = dict(grant(cluster, grants)) if grants else {}
    return {**done, **revoke(cluster, revokes)} if revokes else done


def unseen(
    cluster: Cluster, brokers: Sequence[int], bindings: Collection[AclBinding], *, patience: float
) -> Mapping[int, frozenset[AclBinding]]:
    """Which of these ACLs a live broker does not show yet, after waiting for as long as their number shrinks and `patience` more."""
    missing: dict[int, frozenset[AclBinding]] = {}
    since = time.monotonic()
    while True:
        now = {
            broker: frozenset(bindings) - (frozenset() if isinstance(answer, KafkaError) else frozenset(answer))
            for broker, answer in on_all(brokers, cluster.acls).items()
        }
        if not any(now.values()):
            return {}
        if now != missing:
            missing, since = now, time.monotonic()
        if time.monotonic() - since > patience:
            return {broker: acls for broker, acls in missing.items() if acls}
        time.sleep(_PAUSE)
