"""How values, places and access are said on a screen."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from kafkaops.view.lines import Document


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def placed(source: Document | None) -> str:
    return "" if source is None else f"{source['file']}:{source['line']}:{source['column']}"


def moment(time: str) -> str:
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M:%SZ")


_ORIGINS = {
    "default": " (Kafka's default)",
    "broker_dynamic": " (the brokers' default)",
    "broker_static": " (the brokers' default)",
}


def sides(before: Document | None, after: Document | None) -> str:
    return f"{side(before)} -> {side(after)}"


def side(value: Document | None) -> str:
    return "none" if value is None else f"{value['display'] or '(empty)'}{_ORIGINS.get(value['from'], '')}"


_TYPES = {
    "Topic": "topic",
    "Group": "group",
    "Cluster": "cluster",
    "TransactionalId": "transactional-id",
    "DelegationToken": "delegation-token",
    "User": "user",
}


class Rule(NamedTuple):
    """Who may do something, or may not, to what, from where; of which operations is said beside it."""

    principal: str
    permission: str
    resource: str
    host: str  # "" for any


def rule(acl: Document) -> Rule:
    kind = _TYPES.get(acl["resource_type"], acl["resource_type"])
    pattern = " prefix" if acl["pattern_type"] == "Prefixed" else ""
    every = acl["pattern_type"] == "Literal" and acl["resource_name"] == "*"
    resource = f"every {kind}" if every else f"{kind}{pattern} {acl['resource_name']}"
    host = "" if acl["host"] == "*" else f"host {acl['host']}"
    return Rule(acl["principal"], acl["permission"].upper(), resource, host)
