"""How values, places and access are said on a screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kafkaops.view.lines import Document

NOUNS = {"topics": "topic", "acls": "ACL"}


def kind_of(entry: Document) -> str:
    return str(entry["address"]).split("/", 1)[0]


def name_of(address: str) -> str:
    return address.split("/", 1)[-1]


def codes_of(change: Document) -> str:
    return " ".join(sorted({ref.split("#")[0] for ref in change["findings"]}))


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def placed(source: Document | None) -> str:
    return "" if source is None else f"{source['file']}:{source['line']}:{source['column']}"


def moment(time: str) -> str:
    return time.replace("T", " ", 1)


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


def binding_of(change: Document) -> Document:
    """Of a grant or a revoke."""
    bound: Document = change["after"] or change["before"]
    return bound


def access_sign(change: Document) -> str:
    return "+" if change["action"] == "grant" else "-"


def operations(changes: Sequence[Document]) -> dict[tuple[str, Rule, str], list[str]]:
    """The operations of each rule that is granted (`+`) or revoked (`-`), with the codes of its findings; grants first."""
    found: dict[tuple[str, Rule, str], list[str]] = {}
    for change in sorted(changes, key=access_sign):
        binding = binding_of(change)
        found.setdefault((access_sign(change), rule(binding), codes_of(change)), []).append(binding["operation"])
    return found
