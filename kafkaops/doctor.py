"""Is everything there that kafkaops needs: the connection, the rights, brokers that agree, facts that Kafka does not tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kafkaops import condition, status
from kafkaops.access import CLUSTER_NAME, AclBinding, AclSet, cluster_operations
from kafkaops.cluster import ClusterFailure, Description, KafkaError, rights
from kafkaops.cluster.agreement import agreed, on_all
from kafkaops.cluster.journal import Lock
from kafkaops.kind import Reading
from kafkaops.report import Check, Grants, Health

READS = frozenset({"Describe", "DescribeConfigs"})
WRITES = frozenset({"Alter", "Create"})

_AGREEMENT_PATIENCE = 5.0


def checks(reading: Reading) -> Iterator[Check]:
    """From the outside in; each one says what to do about it."""
    yield Check("connection", Health.OK, f"logged in as {reading.own}" if reading.own else "connected")
    yield _pin(reading)
    yield from _versions(reading)
    yield from _brokers(reading.described)
    yield _agreement(reading)
    yield _rights(reading, READS, "rights to plan", "plan cannot read what it must")
    yield _rights(reading, WRITES, "rights to apply", "apply will be refused, plan is enough here")
    yield from _authorizer(reading)
    yield from _broker_settings(reading)
    yield from _throttles(reading)


def _pin(reading: Reading) -> Check:
    line = f"cluster-id: {reading.described.cluster_id}"
    if reading.entry.cluster_id is None:
        return Check("cluster id", Health.WARNING, "not pinned, so apply refuses", f"write `{line}` below the cluster")
    return Check("cluster id", Health.OK, reading.described.cluster_id)


def _versions(reading: Reading) -> Iterator[Check]:
    live, declared = reading.described.kafka_version, reading.entry.kafka_version
    mode = " with ZooKeeper" if reading.described.zookeeper else ""
    if not live:
        yield Check("version", Health.UNKNOWN, "the brokers do not tell their version")
    elif declared not in {None, live}:
        yield Check(
            "version",
            Health.WARNING,
            f"Kafka {live}{mode}, kafkaops.yaml says {declared}",
            f'write `kafka-version: "{live}"`',
        )
    else:
        yield Check("version", Health.OK, f"Kafka {live}{mode}")


def _brokers(described: Description) -> Iterator[Check]:
    racks = {broker.rack for broker in described.brokers if broker.rack}
    told = (
        f"{len(described.brokers)} live on {len(racks)} rack{'' if len(racks) == 1 else 's'}"
        if racks
        else f"{len(described.brokers)} live, no racks"
    )
    if described.fenced:
        down = ", ".join(str(broker) for broker in described.fenced)
        yield Check("brokers", Health.WARNING, f"{told}; down: {down}", "changes that need them wait, the others go on")
    else:
        yield Check("brokers", Health.OK, told)


def _agreement(reading: Reading) -> Check:
    brokers = [broker.id for broker in reading.described.brokers]
    try:
        names = agreed(
            brokers,
            lambda broker: frozenset(reading.cluster.topic_names(broker).items()),
            what="which topics there are",
            patience=_AGREEMENT_PATIENCE,
        )
    except ClusterFailure as failure:
        return Check("agreement", Health.FAILED, failure.message, failure.help)
    return Check("agreement", Health.OK, f"all brokers show the same {len(names)} topics")


def _rights(reading: Reading, needed: frozenset[str], name: str, without: str) -> Check:
    told = reading.described.operations
    if told is None:
        return Check(
            name, Health.UNKNOWN, "the brokers do not tell what this principal may do", "grant Describe on the cluster"
        )
    missing = needed - told
    if missing:
        health = Health.FAILED if needed == READS else Health.WARNING
        return Check(name, health, f"no {', '.join(sorted(missing))} on the cluster: {without}", "grant the ACLs below")
    return Check(name, Health.OK, f"{', '.join(sorted(needed))} on the cluster")


def _authorizer(reading: Reading) -> Iterator[Check]:
    answer = reading.cluster.acls()
    if isinstance(answer, KafkaError):
        off = answer.name == "SECURITY_DISABLED"
        says = (
            "the brokers have no authorizer: access cannot be managed" if off else f"the ACLs cannot be read: {answer}"
        )
        yield Check(
            "authorizer",
            Health.WARNING if off else Health.FAILED,
            says,
            "declare `manage: {acls: false}`" if off else "grant Describe on the cluster",
        )
        return
    yield Check("authorizer", Health.OK, f"{len(answer)} ACLs")
    facts = reading.entry.authorizer
    if facts.super_users is None or facts.allow_everyone is None:
        yield Check(
            "authorizer facts",
            Health.WARNING,
            "super.users and allow.everyone.if.no.acl.found cannot be read from Kafka, and are not declared",
            "write `authorizer: {super-users: [...], allow-everyone: false, principal: ...}` below the cluster",
        )
    yield _explained(reading, answer)


def _explained(reading: Reading, acls: Iterable[AclBinding]) -> Check:
    told = reading.described.operations
    if reading.own is None or told is None:
        return Check(
            "own access",
            Health.UNKNOWN,
            "who kafkaops is, or what it may do, is not known",
            "declare `authorizer: {principal: ...}`",
        )
    least, most = cluster_operations(AclSet(acls), reading.entry.authorizer, reading.own)
    if least <= told <= most:
        return Check("own access", Health.OK, f"the ACLs explain what {reading.own} may do")
    return Check(
        "own access",
        Health.WARNING,
        f"by the ACLs, {reading.own} may {', '.join(sorted(most)) or 'nothing'} on the cluster; the brokers say {', '.join(sorted(told)) or 'nothing'}",
        "declare the super users; until then no ACL is removed",
    )


def _broker_settings(reading: Reading) -> Iterator[Check]:
    brokers = [broker.id for broker in reading.described.brokers]
    for broker, answer in sorted(on_all(brokers, reading.cluster.broker_configs).items()):
        if isinstance(answer, KafkaError):
            yield Check(
                "broker settings", Health.UNKNOWN, f"broker {broker}: {answer}", "grant DescribeConfigs on the cluster"
            )
            return
        if "auto.create.topics.enable" in answer and answer["auto.create.topics.enable"].value == "true":
            yield Check(
                "broker settings",
                Health.WARNING,
                f"broker {broker} creates topics for whoever asks (auto.create.topics.enable)",
                "set it to false: a typo in a client makes a topic, and a deleted topic comes back",
            )
            return
    yield Check("broker settings", Health.OK, "topics are not created by accident")


def _throttles(reading: Reading) -> Iterator[Check]:
    """What a move that nobody ended has left behind."""
    facts = status.look(reading)
    found = condition.throttles(facts.settings, facts.overrides, facts.flights, facts.journal)
    orphaned = [one for one in found if one.orphaned]
    for one in condition.about_throttles(orphaned, facts.flights, reading.entry.name):
        yield Check("throttles", Health.WARNING, f"{one.code}: {one.message}", one.help)
    unknown = condition.unknown(facts)
    if unknown:
        yield Check("throttles", Health.UNKNOWN, f"not known: {'; '.join(unknown)}", "grant the ACLs below")
    elif not orphaned:
        yield Check("throttles", Health.OK, f"{len(found)} set, none left behind" if found else "none is set")


def grants(reading: Reading) -> tuple[Grants, Grants]:
    """The exact ACLs for a principal that plans and one that applies (kafka-semantics 4.3)."""
    plan = reading.entry.principals.plan or "User:kafkaops-plan"
    own = reading.own or "User:kafkaops"
    return (
        Grants("plan", tuple(_for_plan(reading, plan))),
        Grants("apply", tuple(dict.fromkeys((*_for_plan(reading, own), *_for_apply(reading, own))))),
    )


def _for_plan(reading: Reading, principal: str) -> Iterator[AclBinding]:
    for operation in ("Describe", "DescribeConfigs"):
        yield AclBinding(principal, "Allow", operation, "Cluster", "Literal", CLUSTER_NAME)
    for operation in ("Describe", "DescribeConfigs"):
        yield AclBinding(principal, "Allow", operation, "Topic", "Literal", "*")
    if reading.entry.journals:
        yield from rights.bindings(principal, rights.to_look())


def _for_apply(reading: Reading, principal: str) -> Iterator[AclBinding]:
    if reading.entry.manages_acls:
        yield AclBinding(principal, "Allow", "Alter", "Cluster", "Literal", CLUSTER_NAME)
    if reading.entry.manages_topics:
        prefixes = [("Prefixed", domain) for domain in reading.desired.domains] or [("Literal", "*")]
        for operation in ("Create", "Alter", "AlterConfigs", "Delete"):
            yield from (AclBinding(principal, "Allow", operation, "Topic", *pattern) for pattern in prefixes)
    if reading.entry.journals:
        for lock in Lock:
            yield from rights.bindings(principal, rights.to_hold(lock))
