"""The plans that the view tests show: one scenario in each state, numbers as in cli.md 2."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kafkaops.access import AclBinding
from kafkaops.findings import Finding, Location, Severity
from kafkaops.plan import Action, Change, Difference, FieldChange, From, Phase, Plan, Tally, Value, plan_of
from kafkaops.report import Header, Scope

READ_AT = datetime(2026, 9, 28, 14, 2, 11, tzinfo=UTC)
CREATED_AT = datetime(2026, 9, 28, 14, 2, 14, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange(Change):
    """As a kind makes it: a change that carries the binding."""

    binding: AclBinding


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


