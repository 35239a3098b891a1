"""Access that is wanted, and what stands around it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from kafkaops.access import AclBinding, AclSet, Authorizer
from kafkaops.findings import Location

_PLAIN = re.compile(r"[A-Za-z0-9._:*=,-]*", re.ASCII)
_TYPES = {
    "Topic": "topic",
    "Group": "group",
    "Cluster": "cluster",
    "TransactionalId": "transactional-id",
    "DelegationToken": "delegation-token",
    "User": "user",
}


@dataclass(frozen=True, slots=True)
class WantedAcls:
    """`managed`: the principals whose ACLs are whole, with the place that names each. `domains`: prefixes of owned topics."""

    bindings: Mapping[AclBinding, Location] = field(default_factory=dict)
    managed: Mapping[str, Location] = field(default_factory=dict)
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveAcls:
    """`operations`: what the brokers say that our own principal may do on the cluster; None: they did not say."""

    acls: AclSet
    operations: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Guards:
    authorizer: Authorizer = Authorizer()
    own: str | None = None
    guarded: frozenset[str] = frozenset()  # own, plan, brokers, break-glass
    brokers_known: bool = True  # whether the topology says who the brokers are


def address(binding: AclBinding) -> str:
    """One text for one binding: `acl/User:x/topic/order.*/read`; a DENY, a host, a literal name that ends with a star and a prefix that looks so are spelled out."""
    deny = "deny/" if binding.permission == "Deny" else ""
    host = "" if binding.host == "*" else f"@{_escaped(binding.host)}"
    kind = _TYPES.get(binding.resource_type, binding.resource_type.lower())
    return f"acl/{_escaped(binding.principal)}/{deny}{kind}/{shown_name(binding, _escaped(binding.name))}/{_operation(binding)}{host}"


def principal_address(principal: str) -> str:
    return f"acl/{_escaped(principal)}"


def shown_name(binding: AclBinding, name: str | None = None) -> str:
    """As the topology writes it: a star at the end is a prefix, a lone star every name."""
    text = binding.name if name is None else name
    if binding.pattern == "Prefixed":
        return f"prefixed:{text}*" if text.startswith(("literal:", "prefixed:")) else f"{text}*"
    return f"literal:{text}" if text.endswith("*") and text != "*" else text


def resource(binding: AclBinding) -> str:
    """`topic order.*`, to read."""
    kind = _TYPES.get(binding.resource_type, binding.resource_type.lower())
    return f"{kind} {shown_name(binding)}"


def _operation(binding: AclBinding) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in binding.operation).lstrip("-")


def _escaped(text: str) -> str:
    """`/`, `%`, `@`, white space and control characters as %XX, so that an address has one reading and one line."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(char if char.isprintable() and char not in "/%@ " else quote(char, safe="") for char in text)
