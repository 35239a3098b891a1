"""The plans that the view tests show: one scenario in each state, numbers as in cli.md 2."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kafkaops import codes, report, status
from kafkaops.access import AclBinding
from kafkaops.approved import left_findings, unexpected_finding
from kafkaops.cluster import (
    Broker,
    ConfigEntry,
    ConfigSource,
    Description,
    KafkaError,
    LogDir,
    Reassignment,
    ReplicaLog,
    TopicPartition,
    TopicView,
)
from kafkaops.condition import Facts, Journal
from kafkaops.findings import Finding, Location, Severity
from kafkaops.journal import AtWork, Borrowed, End, Ending, Entry, Memory, On, Revision, Run, Runner, Step
from kafkaops.plan import (
    Action,
    Change,
    Difference,
    FieldChange,
    From,
    Origin,
    Outcome,
    Phase,
    Plan,
    Result,
    Tally,
    Value,
    plan_of,
)
from kafkaops.report import Check, Compared, Grants, Header, Health, Scope, Stale, Staleness, Verification
from kafkaops.resource import Resource, ResourceField

READ_AT = datetime(2026, 9, 28, 14, 2, 11, tzinfo=UTC)
CREATED_AT = datetime(2026, 9, 28, 14, 2, 14, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange(Change):
    """As a kind makes it: a change that carries the binding."""

    binding: AclBinding

    @property
    def carries(self) -> Mapping[str, str]:
        return self.binding.facts


def header(command: str = "plan") -> Header:
    return Header(
        command=command,
        cluster="prod-eu1",
        cluster_id="Qm7xT0pRSc2vW4f2A",
        kafka_version="3.9.1",
        brokers=6,
        racks=3,
        principal="User:svc-kafkaops",
        topology="topology",
        files=31,
        desired="d" * 64,
        read_at=READ_AT,
        seconds=3.4,
        created_at=CREATED_AT,
        scope={"topic": Scope(412, 389), "acl": Scope(1208, 1103)},
    )


def at(file: str, line: int, column: int, length: int = 1) -> Location:
    return Location(file, line, column, column + length)


def created(name: str, where: Location, **config: str) -> Change:
    fields = {"partitions": "12", "replication.factor": "3"} | {
        key.replace("_", "."): value for key, value in config.items()
    }
    return Change(
        id=f"topic:{name}",
        address=f"topic/{name}",
        action=Action.CREATE,
        phase=Phase.CREATES,
        where=where,
        summary="12 partitions x 3 replicas",
        fields=tuple(FieldChange(key, None, Value(text, text, From.FILE), where) for key, text in fields.items()),
    )


def updated(name: str, key: str, before: Value, after: Value, where: Location, *codes: str) -> Change:
    return Change(
        id=f"topic:{name}#{key}",
        address=f"topic/{name}",
        action=Action.UPDATE,
        phase=Phase.LOSSES if codes else Phase.SAFE,
        where=where,
        fields=(FieldChange(key, before, after, where),),
        reversible=not codes,
        codes=codes,
    )


def acl(principal: str, operation: str, kind: str, pattern: str, name: str) -> AclBinding:
    return AclBinding(principal, "Allow", operation, kind, pattern, name)


def granted(binding: AclBinding, rest: str, where: Location) -> Change:
    return AccessChange(
        id=f"acl:acl/{binding.principal}/{rest}",
        address=f"acl/{binding.principal}/{rest}",
        action=Action.GRANT,
        phase=Phase.GRANTS,
        where=where,
        binding=binding,
    )


def revoked(binding: AclBinding, rest: str, where: Location, *codes: str) -> Change:
    return AccessChange(
        id=f"acl:acl/{binding.principal}/{rest}",
        address=f"acl/{binding.principal}/{rest}",
        action=Action.REVOKE,
        phase=Phase.REVOKES,
        where=where,
        removed=True,
        codes=codes,
        binding=binding,
    )


RETENTION = at("topology/payments.yaml", 31, 7, 12)
PARTITIONS = at("topology/clicks.yaml", 12, 5, 10)
BILLING = at("topology/billing.yaml", 18, 3, 14)

CREATES = (
    created("orders.refunds.v1", at("topology/orders.yaml", 44, 3), retention_ms="7d", min_insync_replicas="2"),
    created("orders.refunds.v1.dlq", at("topology/orders.yaml", 52, 3), retention_ms="30d", min_insync_replicas="2"),
)
SAFE = (
    updated(
        "audit.events",
        "max.message.bytes",
        Value("1048588", "1048588", From.DEFAULT),
        Value("2097152", "2MiB", From.FILE),
        at("topology/audit.yaml", 6, 5),
    ),
)
LOSSES = (
    updated(
        "payments.settled.v2",
        "retention.ms",
        Value("1209600000", "14d", From.TOPIC),
        Value("259200000", "3d", From.FILE),
        RETENTION,
        "KO2104",
    ),
    updated(
        "clicks.raw",
        "partitions",
        Value("12", "12", From.TOPIC),
        Value("16", "16", From.FILE),
        PARTITIONS,
        "KO2110",
    ),
)
GRANTS = (
    granted(
        acl("User:svc-refunds", "Write", "Topic", "Prefixed", "orders.refunds."),
        "topic/orders.refunds.*/write",
        at("topology/orders.yaml", 70, 3),
    ),
    granted(
        acl("User:svc-refunds", "Read", "Group", "Literal", "svc-refunds"),
        "group/svc-refunds/read",
        at("topology/orders.yaml", 70, 3),
    ),
)
REVOKES = (
    revoked(
        acl("User:svc-legacy-billing", "Read", "Topic", "Literal", "payments.settled.v2"),
        "topic/payments.settled.v2/read",
        BILLING,
        "KO3107",
    ),
)

DANGERS = (
    Finding(
        code="KO2104",
        severity=Severity.DANGER,
        message="payments.settled.v2: retention.ms 14d -> 3d",
        address="topic/payments.settled.v2",
        where=RETENTION,
        consent=("retention.ms 1209600000 -> 259200000",),
        notes=("records older than 3d are deleted, about 5 min after apply, in every partition",),
    ),
    Finding(
        code="KO2110",
        severity=Severity.DANGER,
        message="clicks.raw: partitions 12 -> 16",
        address="topic/clicks.raw",
        where=PARTITIONS,
        consent=("partitions 12 -> 16",),
        notes=(
            "where records have keys: 75% of keys move to another partition (default partitioner); order per key breaks once for each",
            "Kafka Streams joins need equal counts; groups on auto.offset.reset=latest can skip the first records of new partitions",
        ),
    ),
    Finding(
        code="KO3107",
        severity=Severity.DANGER,
        message="User:svc-legacy-billing loses Describe, Read on topic payments.settled.v2",
        address="acl/User:svc-legacy-billing",
        where=BILLING,
        consent=("revoke topic/payments.settled.v2/read",),
        help="declare the access, or acknowledge its end",
    ),
)
ERRORS = (
    Finding(
        code="KO2112",
        severity=Severity.ERROR,
        message="audit.raw: partitions 12 -> 8 is impossible",
        address="topic/audit.raw",
        where=at("topology/audit.yaml", 20, 5),
        label="the topic has 12",
        help="write 12; to have fewer, create another topic and move its readers and writers",
        notes=("Kafka cannot take partitions away from a topic",),
    ),
)
REMARKS = (
    Finding(
        code="KO2004",
        severity=Severity.WARNING,
        message="replication factor 1 survives the loss of no broker",
        address="topic/clicks.raw",
        where=at("topology/clicks.yaml", 13, 5),
        help="write `replication-factor: 3`",
    ),
    *(
        Finding(
            code="KO2301",
            severity=Severity.NOTICE,
            message=f"{name}: is live in a domain that the topology owns, and in no file",
            address=f"topic/{name}",
            help="declare it, or write `state: absent` to have it deleted",
        )
        for name in ("orders.old.v1", "orders.tmp", "payments.test")
    ),
)
TALLIES = {"topic": Tally(385, 23, ("orders.old.v1", "orders.tmp", "payments.test")), "acl": Tally(1102, 105)}


def plan(
    changes: tuple[Change, ...] = (), findings: tuple[Finding, ...] = (), tallies: dict[str, Tally] | None = None
) -> Plan:
    tallies = tallies or TALLIES
    of = {
        kind: Difference(tuple(one for one in changes if one.kind == kind), (), tally)
        for kind, tally in tallies.items()
    }
    return plan_of(of, findings=findings)


BLOCKED = plan(CREATES + SAFE + LOSSES + GRANTS + REVOKES, DANGERS + ERRORS + REMARKS)
READY = plan(CREATES + SAFE + GRANTS)
IN_SYNC = plan(tallies={"topic": Tally(389, 23), "acl": Tally(1103, 105)})


def beside(made: Plan, drift: Sequence[Change], held: Sequence[Change] = ()) -> Plan:
    """With a base, which wants `drift` and `held` too."""
    theirs = {one.id for one in (*drift, *held)}
    left = {code for one in held for code in one.codes}
    return replace(
        made,
        origins={one.id: Origin.DRIFT if one.id in theirs else Origin.PULL_REQUEST for one in made.changes},
        held_back=frozenset(one.id for one in held),
        findings=tuple(replace(one, held_back=True) if one.code in left else one for one in made.findings),
    )


BESIDE = beside(plan(CREATES + SAFE + LOSSES + GRANTS, DANGERS[:2]), SAFE, LOSSES[:1])
BESIDE = replace(BESIDE, findings=tuple(replace(one, acknowledged=not one.held_back) for one in BESIDE.findings))
BESIDE_BLOCKED = beside(plan(CREATES + SAFE + LOSSES + REVOKES, DANGERS), SAFE, LOSSES[1:])
HELD = beside(plan(LOSSES[:1], DANGERS[:1]), (), LOSSES[:1])


def compared(command: str = "plan", name: str = "main") -> Header:
    head, base = "4c1f0e2" + "0" * 33, "91ab773" + "0" * 33
    return replace(header(command), compared=Compared(head, dirty=command == "apply", base=base, name=name))


ACKNOWLEDGED = plan(LOSSES, tuple(replace(one, acknowledged=True) for one in DANGERS[:2]))
DRIFTED = plan(SAFE)

TEXTS = {
    "topology/orders.yaml": """\
domain: orders
topics:
  orders.refunds.v1:
    partitions: 12
    config: {retention.hours: 168}
  clicks.raw:
    partitions: many
  clicks.raw: {}
""",
    "topology/clicks.yaml": """\
topics:
  clicks.raw: {profile: events}
""",
}
INVALID = (
    Finding(
        code="KO1204",
        severity=Severity.ERROR,
        message="unknown topic setting `retention.hours`",
        where=at("topology/orders.yaml", 5, 14, 15),
        label="not a topic setting in Kafka 3.9",
        help="use `retention.ms`; kafkaops accepts durations there",
        fix="config: {retention.ms: 7d}",
    ),
    *(
        Finding(
            code="KO1202",
            severity=Severity.ERROR,
            message="`partitions` takes a whole number, not `many`",
            where=at(file, line, 17, 4),
            label="a text",
            help="write digits",
        )
        for file, line in (("topology/orders.yaml", 7), ("topology/web.yaml", 12), ("topology/web.yaml", 16))
    ),
    Finding(
        code="KO1301",
        severity=Severity.ERROR,
        message="topic `clicks.raw` is declared twice",
        where=at("topology/orders.yaml", 8, 3, 10),
        label="second declaration",
        also=((at("topology/clicks.yaml", 2, 3, 10), "first declaration"),),
    ),
    Finding(
        code="KO2401",
        severity=Severity.ERROR,
        message="`orders.refunds.v1` and `orders_refunds.v1` collide in metric names",
        where=at("topology/other.yaml", 61, 3, 17),
        notes=("Kafka replaces `.` with `_` in metrics, and refuses the second",),
    ),
    REMARKS[0],
)
UNREACHABLE = (
    Finding(
        code="KO6001",
        severity=Severity.ERROR,
        message="cluster `prod-eu1` did not answer within 15 s",
        where=at("topology/kafkaops.yaml", 4, 5, 17),
        help="check `bootstrap-servers`, the network, and `security.protocol`",
        notes=("broker-1:9093: connection refused",),
    ),
)

_HALF = (
    Outcome(READY.changes[0].id, Result.APPLIED, seconds=0.4),
    Outcome(READY.changes[1].id, Result.APPLIED, seconds=0.4),
    Outcome(READY.changes[2].id, Result.FAILED, "POLICY_VIOLATION: topics of this domain need 6 partitions"),
    Outcome(READY.changes[3].id, Result.APPLIED, seconds=0.8),
    Outcome(READY.changes[4].id, Result.SKIPPED, "waits for create topic/orders.refunds.v1"),
)
_WHOLE = tuple(Outcome(change.id, Result.APPLIED, seconds=0.2) for change in READY.changes)
_MOVED = (
    Stale(
        "topic:clicks.raw#partitions",
        "topic/clicks.raw",
        "partitions",
        Value("12", "12", From.TOPIC),
        Value("14", "14", From.TOPIC),
        "was 12, is now 14",
    ),
    Stale("topic:orders.refunds.v1", "topic/orders.refunds.v1", "", None, None, "was to be created, is absent"),
)
STALE = Staleness(
    "kp1-7f3a-90c4-1be8",
    Finding(
        code="KO7102",
        severity=Severity.ERROR,
        message="the cluster is no longer as it was when this plan was made",
        help="run `kafkaops plan --cluster prod-eu1 -o json=plan.json`, read it, and acknowledge again",
        notes=(
            "clicks.raw partitions was 12, is now 14",
            "orders.refunds.v1 was to be created, is absent",
            "the acknowledgement `partitions 12 -> 16` no longer fits",
        ),
    ),
    "2026-09-28T14:02:14Z",
    _MOVED,
    7,
    ("partitions 12 -> 16",),
)
UNEXPECTED = Staleness(
    "kp1-7f3a-90c4-1be8",
    unexpected_finding("kp1-7f3a-90c4-1be8", "kp1-8199-29c0-4e3b", "prod-eu1"),
)
LEFT_ALONE = replace(READY, findings=tuple(left_findings("prod-eu1", LOSSES)))
_STILL = Finding(
    code="KO7003",
    severity=Severity.ERROR,
    message="topic/audit.events: still to update after apply",
    address="topic/audit.events",
    help="run the same command again",
)

TOPIC = Resource(
    address="topic/orders.refunds.v1",
    declared=True,
    live=True,
    where=at("topology/orders.yaml", 3, 3, 17),
    facts=(("owner", "team-orders"), ("topic id", "h3jx7YQTQe2aMZpnp0rLrA")),
    fields=(
        ResourceField(
            name="partitions",
            want=Value("12", "12", From.FILE),
            have=Value("12", "12", From.TOPIC),
            layer="profile order-events",
            where=at("topology/kafkaops.yaml", 9, 5),
        ),
        ResourceField(
            name="retention.ms",
            want=Value("259200000", "3d", From.FILE),
            have=Value("1209600000", "14d", From.TOPIC),
            layer="own block",
            where=at("topology/orders.yaml", 5, 5),
        ),
        ResourceField(name="segment.bytes", want=None, have=Value("1048576", "1MiB", From.TOPIC)),
    ),
    inherited=(
        ("compression.type", Value("producer", "producer", From.DEFAULT)),
        ("min.insync.replicas", Value("2", "2", From.BROKER_STATIC)),
    ),
    bindings=(acl("User:svc-refunds", "Write", "Topic", "Prefixed", "orders.refunds."),),
)

CHECKS = (
    Check("reachable", Health.OK, "6 of 6 brokers answer"),
    Check(
        "cluster id",
        Health.WARNING,
        "the cluster is not pinned, so apply will refuse it",
        "write `cluster-id: Qm7xT0pRSc2vW4f2A` below `clusters: prod-eu1:` in kafkaops.yaml",
    ),
    Check("rights", Health.FAILED, "User:kafkaops may not describe the cluster", "grant the ACLs below"),
    Check("ACLs", Health.UNKNOWN, "not read: needs Describe on the cluster"),
)
GRANTS_FOR_PLAN = Grants(
    "plan",
    (
        acl("User:kafkaops-plan", "Describe", "Cluster", "Literal", "kafka-cluster"),
        acl("User:kafkaops-plan", "DescribeConfigs", "Cluster", "Literal", "kafka-cluster"),
        acl("User:kafkaops-plan", "Describe", "Topic", "Literal", "*"),
        acl("User:kafkaops-plan", "Describe", "Topic", "Prefixed", "orders."),
    ),
)


PULL_LEFT = (
    Finding(
        code="KO7030",
        severity=Severity.WARNING,
        message="audit.raw: its partitions have 2 and 3 replicas, and a topic is declared with one number",
        address="topic/audit.raw",
        help="mend it on the cluster or in the files, then pull it again; until then no file declares it",
    ),
    Finding(
        code="KO7031",
        severity=Severity.NOTICE,
        message="User:*: 1 ACL stays as it is",
        address="acl/User:*",
        help='write `principals: {"User:*": {manage: true}}` to manage them here, then pull them',
    ),
)
SANDBOX = {
    "directory": "/data/sandbox",
    "kafka_version": "4.4.0",
    "cluster_id": "Qm7xT0pRSc2vW4f2A",
    "bootstrap_servers": "127.0.0.1:21001,127.0.0.1:21002",
    "client_properties": "/data/sandbox/client/admin.properties",
    "brokers": [
        {
            "id": number,
            "rack": rack,
            "host": "127.0.0.1",
            "port": 21000 + number,
            "pid": pid,
            "logs": f"/data/sandbox/broker-{number}/logs",
        }
        for number, rack, pid in ((1, "rack-a", 4711), (2, "rack-b", None))
    ],
}


RUN = "20260928T140211Z-ab12cd"
LOST = Finding(
    code="KO7126",
    severity=Severity.ERROR,
    message="the lock could not be held, so another run may have taken over; nothing was sent from then on",
    help="see `kafkaops lock status`, then run the same command again",
)
AT_WORK = AtWork(
    lock="kafkaops.apply",
    client=f"kafkaops/{RUN}/ci/runner-7/4711/https%3A%2F%2Fci.example%2Fjobs%2F1",
    address="/10.0.0.7",
    run=RUN,
    runner=Runner("ci", "runner-7", 4711, "https://ci.example/jobs/1"),
    since=CREATED_AT,
    command="apply",
    step=2,
    steps=5,
    phase=Phase.CREATES,
)
LENT = "20260928T093000Z-cd34ef"
STATUS = Facts(
    described=Description(
        "Qm7xT0pRSc2vW4f2A",
        tuple(Broker(number, f"broker-{number}", 9092, f"rack-{number}") for number in (1, 2, 3)),
        (4,),
        "4.4",
        frozenset({"Describe"}),
    ),
    views={
        "orders.refunds.v1": TopicView("orders.refunds.v1", "id1", ((1, 2, 3), (2, 4)), ((1, 2), (2,)), (1, 2)),
        "clicks.raw": TopicView("clicks.raw", "id2", ((4,),), ((),), (-1,)),
        "ledger.entries": KafkaError("TOPIC_AUTHORIZATION_FAILED"),
    },
    overrides={
        "orders.refunds.v1": {
            "min.insync.replicas": ConfigEntry("2", ConfigSource.DYNAMIC_TOPIC),
            "follower.replication.throttled.replicas": ConfigEntry("0:3", ConfigSource.DYNAMIC_TOPIC),
        },
        "clicks.raw": {
            "leader.replication.throttled.replicas": ConfigEntry("0:2", ConfigSource.DYNAMIC_TOPIC),
        },
        "ledger.entries": KafkaError("TOPIC_AUTHORIZATION_FAILED"),
    },
    settings={
        1: {"min.insync.replicas": ConfigEntry("1", ConfigSource.DEFAULT)},
        2: {"min.insync.replicas": ConfigEntry("1", ConfigSource.DEFAULT)},
        3: {
            "min.insync.replicas": ConfigEntry("1", ConfigSource.DEFAULT),
            "follower.replication.throttled.rate": ConfigEntry("62914560", ConfigSource.DYNAMIC_BROKER),
        },
    },
    flights={TopicPartition("orders.refunds.v1", 0): Reassignment((3, 2, 1), (3,), (1,))},
    dirs={
        1: [LogDir("/data", {TopicPartition("orders.refunds.v1", 0): ReplicaLog(2**31, 0)}, 2**40, 2**38)],
        2: KafkaError("DISCONNECTED"),
        3: [
            LogDir("/data/a", {TopicPartition("orders.refunds.v1", 0): ReplicaLog(2**30, 9)}, 2**40, 2**39),
            LogDir("/data/b", {}, None, None, cordoned=True),
        ],
    },
    journal=Journal(
        Memory(
            runs=(
                Run(
                    id=LENT,
                    command="apply",
                    lock="kafkaops.apply",
                    cluster="prod-eu1",
                    cluster_id="Qm7xT0pRSc2vW4f2A",
                    since=READ_AT,
                    runner=Runner("ci", "runner-7", 4711),
                    revision=Revision("github.com/acme/kafka", "4c1f0e2" + "0" * 33),
                    fingerprint="kp1",
                    changes=3,
                    steps=2,
                    end=End(CREATED_AT, Ending.DONE, {"applied": 3}),
                ),
            ),
            borrowed=tuple(
                Borrowed(LENT, on, name, key, None, ours)
                for on, name, key, ours in (
                    (On.BROKER, "3", "follower.replication.throttled.rate", "62914560"),
                    (On.TOPIC, "orders.refunds.v1", "follower.replication.throttled.replicas", "0:3"),
                )
            ),
        ),
        (AT_WORK,),
    ),
)
CALM = replace(
    STATUS,
    described=replace(STATUS.described, fenced=()),
    views={},
    overrides={},
    settings={},
    flights={},
    dirs={1: [], 2: [], 3: []},
    journal=Journal(why="`journal: off`"),
)
STRANGER = AtWork(lock="kafkaops.move", client="consumer-1", address="/10.0.0.8")
NAMED = report.ClusterName("prod-eu1", "Qm7xT0pRSc2vW4f2A")
NEXT = "20260928T151500Z-0d0e0f"
FILES_STAY = Finding(
    code="KO7130",
    severity=Severity.NOTICE,
    message="undo leaves the files as they are, and the next apply makes them true again",
    help="`git revert 4c1f0e2`, too",
)
UNDONE = plan(LOSSES, (*DANGERS[:2], FILES_STAY))


def _remembered() -> Memory:
    """One that runs, one that was taken over, one that ended, one that did not."""
    runner, revision = (
        Runner("ci", "runner-7", 4711, "https://ci.example/jobs/1"),
        Revision("github.com/acme/kafka", "4c1f0e2" + "0" * 33),
    )
    ended = Run(
        id="20260927T090000Z-aaaaaa",
        command="apply",
        lock="kafkaops.apply",
        cluster="prod-eu1",
        cluster_id="Qm7xT0pRSc2vW4f2A",
        since=CREATED_AT - timedelta(days=1),
        runner=runner,
        revision=revision,
        fingerprint="kp1-7f3a-90c4-1be8",
        changes=3,
        steps=2,
        end=End(CREATED_AT - timedelta(hours=23), Ending.DONE, {"applied": 3}),
    )
    end = End(CREATED_AT + timedelta(hours=1), Ending.TAKEN_OVER, {"applied": 1, "failed": 1, "skipped": 1}, NEXT)
    dead = replace(ended, id=RUN, since=CREATED_AT, end=end)
    running = replace(ended, id=NEXT, since=CREATED_AT + timedelta(hours=1), end=None, revision=Revision(dirty=True))
    lost = replace(
        ended, id="20260926T090000Z-bbbbbb", since=CREATED_AT - timedelta(days=2), end=None, revision=Revision()
    )
    step = Step(
        run=RUN,
        number=1,
        phase=Phase.SAFE,
        kind="topic",
        announced=CREATED_AT,
        ended=CREATED_AT + timedelta(hours=1),
        seen_by=NEXT,
        entries=(
            Entry("topic:clicks.raw#retention.ms", "topic/clicks.raw", "update", {"value": "1"}, {"value": None}),
            Entry("topic:audit.events#segment.ms", "topic/audit.events", "update", {"value": None}, {"value": "1"}),
        ),
        outcomes=(
            Outcome("topic:clicks.raw#retention.ms", Result.APPLIED, "seen done"),
            Outcome("topic:audit.events#segment.ms", Result.FAILED, "seen not done"),
            Outcome("acl:acl/User:x/topic/t/read", Result.SKIPPED, "its grant failed"),
        ),
    )
    opened = replace(step, number=2, phase=Phase.DELETES, ended=None, outcomes=(), seen_by="")
    return Memory(
        runs=(running, dead, ended, lost),
        steps={RUN: (step, opened), NEXT: (replace(opened, run=NEXT, number=1),)},
    )


MEMORY = _remembered()
BUSY = Finding(
    code="KO7120",
    severity=Severity.ERROR,
    message=f"another run is at work: {report.told_holder(report.holder(AT_WORK))}",
    help="wait until it has ended, then run the same command again; `kafkaops lock status` tells how far it is",
)


def documents() -> dict[str, dict[str, Any]]:
    """One of each screen, as version 0.1.0 makes it."""
    made = {
        "plan-blocked": report.plan_document(BLOCKED, header(), 3),
        "plan-ready": report.plan_document(READY, header(), 0),
        "plan-acknowledged": report.plan_document(ACKNOWLEDGED, header(), 0),
        "plan-partial": report.plan_document(replace(plan(GRANTS), partial=("acl/*",)), header(), 0),
        "plan-beside": report.plan_document(BESIDE, compared(), 0),
        "plan-beside-blocked": report.plan_document(BESIDE_BLOCKED, compared(), 3),
        "plan-beside-the-last-apply": report.plan_document(BESIDE, compared(name=""), 0),
        "plan-held-back": report.plan_document(HELD, compared(), 0),
        "apply-beside": report.apply_document(
            BESIDE,
            compared("apply", ""),
            tuple(Outcome(change.id, Result.APPLIED, seconds=0.2) for change in BESIDE.to_do),
            Verification(len(BESIDE.to_do)),
            0,
        ),
        "apply-stale": report.stale_document(READY, header("apply"), STALE),
        "apply-unexpected": report.stale_document(READY, header("apply"), UNEXPECTED),
        "apply-left-alone": report.apply_document(LEFT_ALONE, header("apply"), _WHOLE, Verification(5), 0),
        "undo-blocked": report.plan_document(UNDONE, replace(header("undo"), undoes=RUN), 3),
        "undo-nothing": report.plan_document(plan((), (FILES_STAY,)), replace(header("undo"), undoes=RUN), 0),
        "undo-incomplete": report.apply_document(
            READY, replace(header("undo"), undoes=RUN), _HALF, Verification(5), 7, run=NEXT
        ),
        "history": report.history_document(NAMED, MEMORY.runs, NEXT, MEMORY, run="", created_at=CREATED_AT),
        "history-of-a-run": report.history_document(
            NAMED, MEMORY.runs[1:2], "", MEMORY, run=RUN, created_at=CREATED_AT
        ),
        "history-of-nothing": report.history_document(NAMED, (), "", Memory(), run="", created_at=CREATED_AT),
        "lock-held": report.lock_document(
            NAMED, (("kafkaops.apply", AT_WORK), ("kafkaops.move", STRANGER)), created_at=CREATED_AT
        ),
        "lock-free": report.lock_document(
            NAMED, (("kafkaops.apply", None), ("kafkaops.move", None)), created_at=CREATED_AT
        ),
        "plan-in-sync": report.plan_document(IN_SYNC, header(), 0),
        "plan-unreachable": report.failure_document("plan", UNREACHABLE, 69, created_at=CREATED_AT),
        "drift": report.plan_document(DRIFTED, header("drift"), 2),
        "drift-in-sync": report.plan_document(IN_SYNC, header("drift"), 0),
        "apply-done": report.apply_document(READY, header("apply"), _WHOLE, Verification(5), 0),
        "apply-incomplete": report.apply_document(READY, header("apply"), _HALF, Verification(5), 7),
        "apply-not-as-planned": report.apply_document(READY, header("apply"), _WHOLE, Verification(5, (_STILL,)), 7),
        "apply-unproven": report.apply_document(READY, header("apply"), _WHOLE, None, 7),
        "apply-interrupted": report.apply_document(READY, header("apply"), _WHOLE[:2], None, 130),
        "apply-lost": report.apply_document(READY, header("apply"), _WHOLE[:2], None, 7, run=RUN, stopped=LOST),
        "apply-blocked": report.apply_document(plan(LOSSES, DANGERS[:2]), header("apply"), (), None, 3),
        "validate": report.validation_document(INVALID, 31, 4, created_at=CREATED_AT),
        "validate-clean": report.validation_document((), 5, 0, created_at=CREATED_AT),
        "describe": report.resource_document(TOPIC, header("describe"), 0),
        "pull": report.pull_document(
            header("pull"),
            (),
            [
                ("topology/kafkaops.yaml", False, ()),
                (
                    "topology/orders.yaml",
                    True,
                    [
                        ("topic/orders.refunds.v1", at("topology/orders.yaml", 4, 3, 17)),
                        ("topic/orders.refunds.v1.dlq", at("topology/orders.yaml", 6, 3, 21)),
                        ("acl/User:svc-refunds", at("topology/orders.yaml", 10, 3, 11)),
                    ],
                ),
            ],
            profiles=("orders-events",),
            made=("orders.refunds.v1-dlt",),
            exempted=("orders_tmp",),
            guessed=("User:svc-refunds",),
            limited=True,
            planned=0,
            left=PULL_LEFT,
        ),
        "pull-nothing": report.pull_document(
            header("pull"),
            ("topic/*",),
            (),
            profiles=(),
            made=(),
            exempted=(),
            guessed=(),
            limited=False,
            planned=2,
            left=(),
        ),
        "doctor": report.doctor_document(
            CHECKS, (GRANTS_FOR_PLAN,), 77, created_at=CREATED_AT, header=header("doctor")
        ),
        "status": status.document(STATUS, header("status")),
        "status-quiet": status.document(CALM, header("status")),
        "comment": _comment("updated", number=7, url="https://github.com/acme/kafka/pull/7#issuecomment-1", removed=1),
        "comment-of-fork": _comment("not_written", number=7),
        "comment-issue": _comment("updated", about="issue", number=9, url="https://github.com/acme/kafka/issues/9"),
        "explain": report.explanation_document(
            asdict(codes.registry()["KO3105"]), codes.explain("KO3105"), about="finding", created_at=CREATED_AT
        ),
        "sandbox": report.sandbox_document("sandbox status", SANDBOX, created_at=CREATED_AT),
        "sandbox-down": report.sandbox_document("sandbox down", None, created_at=CREATED_AT),
        "usage": report.failure_document(
            "schema",
            [Finding(code="KO7005", severity=Severity.ERROR, message="there is no schema `plans`")],
            64,
            created_at=CREATED_AT,
        ),
    }
    return {name: document | {"tool_version": "0.1.0"} for name, document in made.items()}


def _comment(
    verdict: str, *, about: str = "pull_request", number: int, url: str = "", removed: int = 0
) -> dict[str, Any]:
    return report.comment_document(
        verdict=verdict,
        about=about,
        repository="acme/kafka",
        number=number,
        url=url,
        removed=removed,
        plans=[report.plan_document(READY, header(), 0)],
        created_at=CREATED_AT,
    )
