"""Who may do what: the rules of Kafka's authorizer as pure functions.

Source: StandardAuthorizerData (KRaft) and AclAuthorizer (ZooKeeper), which agree; KIP-11, KIP-290 (prefixed), and the implications in
`AclOperation`: READ, WRITE, DELETE and ALTER give DESCRIBE, ALTER_CONFIGS gives DESCRIBE_CONFIGS, ALL gives all; only for ALLOW.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

WILDCARD_PRINCIPAL = "User:*"
CLUSTER_NAME = "kafka-cluster"

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "Topic": ("Read", "Write", "Create", "Delete", "Alter", "Describe", "DescribeConfigs", "AlterConfigs"),
    "Group": ("Read", "Describe", "Delete", "DescribeConfigs", "AlterConfigs"),
    "Cluster": ("Create", "ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite", "Alter", "Describe"),
    "TransactionalId": ("Describe", "Write", "TwoPhaseCommit"),
    "DelegationToken": ("Describe",),
    "User": ("CreateTokens", "DescribeTokens"),
}
"""What may be asked for on each type of resource (AclEntry.supportedOperations), without All."""

SINCE: Mapping[str, tuple[int, int]] = {"TwoPhaseCommit": (4, 1)}
"""Operations that came later than the oldest Kafka that is supported (KIP-939): older brokers refuse them."""

_IMPLIED = {
    "Read": "Describe",
    "Write": "Describe",
    "Delete": "Describe",
    "Alter": "Describe",
    "AlterConfigs": "DescribeConfigs",
}


@dataclass(frozen=True, slots=True, order=True)
class AclBinding:
    """Kafka's spelling: resource_type `Topic Group Cluster TransactionalId DelegationToken User`, pattern `Literal Prefixed`,
    operation `Read Write Create ...`, permission `Allow Deny`. An operation that this program does not know is kept as `Unknown(15)`.
    """

    principal: str
    permission: str
    operation: str
    resource_type: str
    pattern: str
    name: str
    host: str = "*"

    @property
    def resource(self) -> tuple[str, str, str]:
        return (self.resource_type, self.pattern, self.name)

    @property
    def facts(self) -> dict[str, str]:
        """As machine formats name them."""
        return {
            "principal": self.principal,
            "permission": self.permission,
            "operation": self.operation,
            "resource_type": self.resource_type,
            "pattern_type": self.pattern,
            "resource_name": self.name,
            "host": self.host,
        }


@dataclass(frozen=True, slots=True)
class Authorizer:
    """What Kafka does not tell and the topology declares. None: not declared, so not known."""

    super_users: frozenset[str] | None = None
    allow_everyone: bool | None = None

    def is_super(self, principal: str) -> bool:
        return self.super_users is not None and principal in self.super_users


class AclSet:
    """ACLs by type of resource and principal, so that a question reads few of them."""

    def __init__(self, bindings: Iterable[AclBinding]) -> None:
        self.bindings = frozenset(bindings)
        self._of: dict[tuple[str, str], list[AclBinding]] = {}
        self._patterns: dict[str, dict[tuple[str, str], int]] = {}
        for binding in self.bindings:
            self._of.setdefault((binding.resource_type, binding.principal), []).append(binding)
            patterns = self._patterns.setdefault(binding.resource_type, {})
            key = (binding.pattern, binding.name)
            patterns[key] = patterns.get(key, 0) + 1

    def concerning(self, resource_type: str, principal: str) -> Iterable[AclBinding]:
        """Those that name the principal, itself or by `User:*`."""
        yield from self._of.get((resource_type, principal), ())
        if principal != WILDCARD_PRINCIPAL:
            yield from self._of.get((resource_type, WILDCARD_PRINCIPAL), ())

    def touches_all_of(self, resource_type: str, pattern: str, name: str) -> bool:
        """Whether every resource that the pattern may mean has an ACL of anyone: then `allow.everyone.if.no.acl.found` says nothing about it."""
        patterns = self._patterns.get(resource_type, {})
        if (pattern, name) in patterns or ("Literal", "*") in patterns:
            return True
        if (pattern, name) == ("Literal", "*"):
            return False
        return any(("Prefixed", name[:end]) in patterns for end in range(1, len(name) + 1))


def gives(operation: str, resource_type: str) -> frozenset[str]:
    """The operations that an ALLOW of this one allows, itself included."""
    if operation == "All":
        return frozenset(OPERATIONS[resource_type])
    implied = _IMPLIED.get(operation)
    return frozenset({operation, implied}) if implied in OPERATIONS[resource_type] else frozenset({operation})


def matches(binding: AclBinding, name: str) -> bool:
    """Whether the binding's pattern means the resource of that name."""
    if binding.pattern == "Prefixed":
        return name.startswith(binding.name)
    return binding.name in {name, "*"}


def allowed(
    acls: AclSet, authorizer: Authorizer, *, principal: str, operation: str, resource_type: str, name: str, host: str
) -> bool | None:
    """The broker's answer to one request. None: it depends on what the topology does not declare."""
    if authorizer.is_super(principal):
        return True
    concerning = [
        acl for acl in acls.concerning(resource_type, principal) if matches(acl, name) and acl.host in {"*", host}
    ]
    if any(acl.permission == "Deny" and acl.operation in {operation, "All"} for acl in concerning):
        return False
    if any(acl.permission == "Allow" and operation in gives(acl.operation, resource_type) for acl in concerning):
        return True
    if authorizer.super_users is None:
        return None
    untouched = not any(matches(acl, name) for acl in acls.bindings if acl.resource_type == resource_type)
    return authorizer.allow_everyone if untouched else False


def covers(wide: AclBinding, narrow: AclBinding) -> bool:
    """Whether everything that `narrow` speaks of (principal, host, resources) is also spoken of by `wide`; operations are not looked at."""
    return (
        wide.resource_type == narrow.resource_type
        and wide.principal in {narrow.principal, WILDCARD_PRINCIPAL}
        and wide.host in {narrow.host, "*"}
        and _covers_names(wide, narrow)
    )


def _covers_names(wide: AclBinding, narrow: AclBinding) -> bool:
    match wide.pattern, narrow.pattern:
        case "Literal", _ if wide.name == "*":
            return True
        case "Prefixed", _ if (narrow.pattern, narrow.name) != ("Literal", "*"):
            return narrow.name.startswith(wide.name)
        case "Literal", "Literal":
            return wide.name == narrow.name
        case _:
            return False


def overlaps(one: AclBinding, other: AclBinding) -> bool:
    """Whether some request is spoken of by both; operations are not looked at."""
    principals = {one.principal, other.principal}
    hosts = {one.host, other.host}
    return (
        one.resource_type == other.resource_type
        and (len(principals) == 1 or WILDCARD_PRINCIPAL in principals)
        and (len(hosts) == 1 or "*" in hosts)
        and (_covers_names(one, other) or _covers_names(other, one))
    )


def effective(binding: AclBinding, acls: AclSet) -> frozenset[str]:
    """What an ALLOW in `acls` really gives: nothing of what a DENY takes away whole."""
    denied = {
        acl.operation
        for acl in acls.concerning(binding.resource_type, binding.principal)
        if acl.permission == "Deny" and covers(acl, binding)
    }
    return frozenset() if "All" in denied else gives(binding.operation, binding.resource_type) - denied


def lost(binding: AclBinding, *, before: AclSet, after: AclSet, authorizer: Authorizer) -> frozenset[str]:
    """The operations that go when this ALLOW goes, for at least one host and resource.

    An upper bound: several narrower rules that together cover the same are not added up.
    """
    if authorizer.is_super(binding.principal):
        return frozenset()
    kept = set[str]()
    for acl in after.concerning(binding.resource_type, binding.principal):
        if acl.permission == "Allow" and covers(acl, binding):
            kept |= gives(acl.operation, acl.resource_type)
    return effective(binding, before) - kept


def denied_by(deny: AclBinding, acls: AclSet, authorizer: Authorizer) -> tuple[tuple[AclBinding, frozenset[str]], ...]:
    """Whom this DENY hits: each ALLOW that it overlaps, with the operations that it takes."""
    taken = set(OPERATIONS[deny.resource_type]) if deny.operation == "All" else {deny.operation}
    hit = []
    for acl in sorted(acls.bindings):
        if acl.permission == "Allow" and not authorizer.is_super(acl.principal) and overlaps(acl, deny):
            operations = gives(acl.operation, acl.resource_type) & taken
            if operations:
                hit.append((acl, frozenset(operations)))
    return tuple(hit)


def cluster_operations(acls: AclSet, authorizer: Authorizer, principal: str) -> tuple[frozenset[str], frozenset[str]]:
    """What the principal may do on the cluster resource: from every host at least, and from some host at most."""
    everywhere, somewhere = set[str](), set[str]()
    for operation in OPERATIONS["Cluster"]:
        hosts = {"*", *(acl.host for acl in acls.concerning("Cluster", principal))}
        answers = [
            allowed(
                acls,
                authorizer,
                principal=principal,
                operation=operation,
                resource_type="Cluster",
                name=CLUSTER_NAME,
                host=host,
            )
            for host in sorted(hosts)
        ]
        if all(answers):
            everywhere.add(operation)
        if any(answers):
            somewhere.add(operation)
    return frozenset(everywhere), frozenset(somewhere)
