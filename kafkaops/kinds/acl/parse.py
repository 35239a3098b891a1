"""Raw `acls:` entries and the roles of applications, as bindings with the place that asks for each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafkaops.access import CLUSTER_NAME, OPERATIONS, SINCE, AclBinding
from kafkaops.findings import Finding, Location, Severity
from kafkaops.source import Block, Row, item_location, key_location, value_location

RESOURCES = {
    "topic": "Topic",
    "group": "Group",
    "transactional-id": "TransactionalId",
    "cluster": "Cluster",
    "delegation-token": "DelegationToken",
    "user": "User",
}

Grant = tuple[AclBinding, Location]


def pattern_of(text: str) -> tuple[str, str]:
    """`order.*` is PREFIXED `order.`, a lone `*` every one, anything else LITERAL: what its author meant (kafka-acls takes `order.*` for a literal name)."""
    return ("Prefixed", text[:-1]) if text.endswith("*") and text != "*" else ("Literal", text)


def allow(principal: str, operation: str, resource_type: str, text: str, host: str = "*") -> AclBinding:
    return AclBinding(principal, "Allow", operation, resource_type, *pattern_of(text), host)


def each(block: Block, key: str) -> Iterator[tuple[str, Location]]:
    """The texts under a key that holds one or a list of them."""
    value = block.get(key)
    if isinstance(value, Row):
        yield from ((text, item_location(value, index)) for index, text in enumerate(value))
    elif value is not None:
        yield value, value_location(block, key)


def raw(entry: Block, version: str | None) -> Iterator[Grant | Finding]:
    """One `acls:` entry: each operation on each resource that takes it. An operation that fits none of them is an error (decisions 27)."""
    if "pattern" in entry and not any(key in entry for key in RESOURCES if key != "cluster"):
        yield _no_pattern(entry)
    targets = [(RESOURCES[key], text, where) for key in RESOURCES if key in entry for text, where in each(entry, key)]
    permission = entry.get("permission", "allow").capitalize()
    for operation, where in each(entry, "operations"):
        fitting = [target for target in targets if operation == "All" or operation in OPERATIONS[target[0]]]
        if not fitting:
            yield _does_not_fit(operation, where, sorted({target[0] for target in targets}))
        elif version and _release(version) < SINCE.get(operation, (0, 0)):
            yield _not_yet(operation, where, version)
        for resource_type, text, place in fitting:
            yield (
                AclBinding(
                    entry["principal"],
                    permission,
                    operation,
                    resource_type,
                    *_pattern(entry, resource_type, text),
                    str(entry.get("host", "*")),
                ),
                place,
            )


def _pattern(entry: Block, resource_type: str, text: str) -> tuple[str, str]:
    if resource_type == "Cluster":
        return "Literal", CLUSTER_NAME
    match entry.get("pattern"):
        case "literal":
            return "Literal", text
        case "prefixed":
            return "Prefixed", text
        case _:
            return pattern_of(text)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def _no_pattern(entry: Block) -> Finding:
    return Finding(
        code="KO1203",
        severity=Severity.ERROR,
        message=f"`{CLUSTER_NAME}` is one name, and takes no `pattern`",
        where=key_location(entry, "pattern"),
        help="remove the line",
    )


def _not_yet(operation: str, where: Location, version: str) -> Finding:
    since = ".".join(str(part) for part in SINCE[operation])
    return Finding(
        code="KO1312",
        severity=Severity.ERROR,
        message=f"`{operation}` came with Kafka {since}, the cluster runs {version}",
        where=where,
        help=f"remove it until the cluster runs {since}",
    )


def _does_not_fit(operation: str, where: Location, types: list[str]) -> Finding:
    words = " or ".join(types)
    legal = ", ".join(sorted({one for kind in types for one in OPERATIONS[kind]}))
    return Finding(
        code="KO1312",
        severity=Severity.ERROR,
        message=f"`{operation}` is no operation on a {words}",
        where=where,
        help=f"write one of {legal}, All",
    )


def application(name: str, block: Block, retries: list[tuple[str, str, Location]]) -> Iterator[Grant]:
    """The least that the roles of an application need (kafka-semantics 4.3). `retries`: generated topics with the consumer group that reads each."""
    principal, host = principal_of(name, block), str(block.get("host", "*"))

    def may(operation: str, resource_type: str, text: str) -> AclBinding:
        return allow(principal, operation, resource_type, text, host)

    for text, where in each(block, "produces"):
        yield may("Write", "Topic", text), where
    for text, where in each(block, "transactional-ids"):
        yield may("Write", "TransactionalId", text), where
    consumes: Any = block.get("consumes") or Row("")
    for role in consumes:
        for text, where in each(role, "topics"):
            yield may("Read", "Topic", text), where
        yield may("Read", "Group", role["group"]), value_location(role, "group")
    for topic, group, where in retries:
        yield may("Read", "Topic", topic), where
        yield may("Write", "Topic", topic), where
        yield may("Read", "Group", group), where
    if "streams" in block:
        for text, operation, resource_type, where in _streams(block):
            yield may(operation, resource_type, text), where


def _streams(block: Block) -> Iterator[tuple[str, str, str, Location]]:
    streams: Block = block["streams"]
    where = key_location(block, "streams")
    own = streams["application-id"]
    for text, place in each(streams, "reads"):
        yield text, "Read", "Topic", place
    for text, place in each(streams, "writes"):
        yield text, "Write", "Topic", place
    for operation in ("Create", "Delete", "DescribeConfigs", "Read", "Write"):
        yield f"{own}-*", operation, "Topic", where
    yield own, "Read", "Group", where
    yield f"{own}-*", "Write", "TransactionalId", where


def principal_of(name: str, block: Block) -> str:
    return str(block.get("principal", f"User:{name}"))
