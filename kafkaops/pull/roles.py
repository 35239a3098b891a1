"""The ACLs of one principal as the roles of an application, and as entries of `acls:` where no role says them. Pure.

A role is proposed from the shape of the rules, compiled, and kept only where everything that it gives is live. So both together always give
exactly the rules that they were made from.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kafkaops import source
from kafkaops.access import CLUSTER_NAME, OPERATIONS, AclBinding
from kafkaops.findings import Finding, Location
from kafkaops.kinds.acl import parse as acls
from kafkaops.kinds.acl.model import resource
from kafkaops.pull import style
from kafkaops.pull.ladder import Ladder, ladders
from kafkaops.source import Block
from kafkaops.terms import HOST, PRINCIPAL

_KEYS = {resource_type: key for key, resource_type in acls.RESOURCES.items()}


@dataclass(frozen=True, slots=True)
class Access:
    """`application`: its block, empty where no role says anything. `guessed`: Kafka does not tell which group reads which topic."""

    principal: str
    name: str
    bindings: frozenset[AclBinding]
    application: Mapping[str, Any]
    entries: tuple[Mapping[str, Any], ...]
    ladders: tuple[Ladder, ...] = ()
    guessed: bool = False

    @property
    def made(self) -> frozenset[str]:
        """The topics that its roles make, where no file declares them."""
        return frozenset(name for ladder in self.ladders for name in ladder.made)


def unsayable(acl: AclBinding) -> str | None:
    """Why the language has no words for a rule; None when it has."""
    shown = f"{acl.permission} {acl.operation} on {resource(acl)}"
    known = OPERATIONS.get(acl.resource_type)
    at_home = acl.resource == ("Cluster", "Literal", CLUSTER_NAME)
    problems = (
        (not re.fullmatch(PRINCIPAL["pattern"], acl.principal), f"`{acl.principal}` cannot be named as a principal"),
        (known is None, f"{shown}: kafkaops does not know this type of resource"),
        (acl.operation not in {"All", *(known or ())}, f"{shown}: no operation that kafkaops knows there"),
        (not re.fullmatch(HOST["pattern"], acl.host), f"{shown} from `{acl.host}`: no host as Kafka compares them"),
        (acl.resource_type == "Cluster" and not at_home, f"{shown}: the cluster has the one name `{CLUSTER_NAME}`"),
        (acl.pattern not in {"Literal", "Prefixed"}, f"{shown}: no pattern that kafkaops knows"),
    )
    return next((why for holds, why in problems if holds), None)


def name_of(principal: str) -> str:
    """What the application is called: the user, or the common name of its certificate."""
    user = principal.partition(":")[2]
    common = re.search(r"\bCN=([^,+]+)", user)
    return re.sub(r"[^A-Za-z0-9._-]+", "-", common[1] if common else user).strip("-.") or "application"


def fold(principal: str, name: str, bindings: Iterable[AclBinding], topics: Collection[str]) -> Access:
    """`topics`: those that the files will declare, or whose making is not yet another application's."""
    made = _Folding(principal, name, frozenset(bindings), topics).access()
    assert compiled(made) == made.bindings, made
    return made


def compiled(access: Access) -> frozenset[AclBinding]:
    """What the compiler makes of it."""
    root, findings = source.parse(style.file(_sections(access)), "")
    assert root is not None, findings
    nowhere = Location("", 1, 1, 2)
    retries = [(topic, group, nowhere) for ladder in access.ladders for topic, group in ladder.made.items()]
    given = acls.application(access.name, root["applications"][access.name], retries) if access.application else ()
    steps = (*given, *(step for entry in root.get("acls", ()) for step in acls.raw(entry, None)))
    return frozenset(step[0] for step in steps if not isinstance(step, Finding))


def given_by(section: str, name: str, block: Block) -> frozenset[AclBinding]:
    """By one application, or one entry of `acls:`, without the topics that are retried."""
    steps = acls.raw(block, None) if section == "acls" else acls.application(name, block, [])
    return frozenset(step[0] for step in steps if not isinstance(step, Finding))


def _sections(access: Access) -> dict[str, Any]:
    sections: dict[str, Any] = {"applications": {access.name: access.application}} if access.application else {}
    return sections | ({"acls": list(access.entries)} if access.entries else {})


class _Folding:
    """Takes from `left` what it has found words for."""

    def __init__(self, principal: str, name: str, bindings: frozenset[AclBinding], topics: Collection[str]) -> None:
        self.principal, self.name, self.bindings, self.topics = principal, name, bindings, topics
        self.host = _host(bindings)
        self.left = set(bindings)
        self.guessed = False

    def access(self) -> Access:
        roles: dict[str, Any] = {}
        streams = self._streams()
        climbed = self._ladders()
        writes, ids = self._take("Write", "Topic"), self._take("Write", "TransactionalId")
        consumes = self._consumes(climbed, streams)
        if streams is not None:
            roles["streams"] = streams | ({"writes": writes} if writes else {})
        elif writes:
            roles["produces"] = writes
        roles |= {"transactional-ids": ids} if ids else {}
        roles |= {"consumes": consumes} if consumes else {}
        head = {} if self.principal == f"User:{self.name}" else {"principal": self.principal}
        head |= {} if self.host == "*" else {"host": self.host}
        return Access(
            self.principal,
            self.name,
            self.bindings,
            {**head, **roles} if roles else {},
            tuple(raw(self.principal, self.left)),
            tuple(climbed),
            self.guessed,
        )

    def _may(self, operation: str, resource_type: str, text: str) -> AclBinding:
        return acls.allow(self.principal, operation, resource_type, text, self.host)

    def _texts(self, operation: str, resource_type: str) -> list[str]:
        """As a role writes them; what only `pattern` can say is not among them."""
        return sorted(
            text
            for acl in self.left
            if (acl.permission, acl.operation, acl.resource_type, acl.host)
            == ("Allow", operation, resource_type, self.host)
            if (text := text_of(acl)) is not None
        )

    def _take(self, operation: str, resource_type: str) -> list[str]:
        texts = self._texts(operation, resource_type)
        self.left -= {self._may(operation, resource_type, text) for text in texts}
        return texts

    def _streams(self) -> dict[str, Any] | None:
        """Of the first application id whose whole access is there."""
        for own in self._texts("Read", "Group"):
            needed = {
                *(self._may(operation, "Topic", f"{own}-*") for operation in _STREAMS),
                self._may("Read", "Group", own),
                self._may("Write", "TransactionalId", f"{own}-*"),
            }
            if needed <= self.left and not own.endswith("*"):
                self.left -= needed
                return {"application-id": own}
        return None

    def _ladders(self) -> list[Ladder]:
        reads = [one for one in self._texts("Read", "Topic") if one in self.topics]
        groups = [one for one in self._texts("Read", "Group") if not one.endswith("*")]
        found: list[Ladder] = []
        for ladder in ladders(reads, groups):
            needed = {
                self._may(*right)
                for topic, group in ladder.made.items()
                for right in (("Read", "Topic", topic), ("Write", "Topic", topic), ("Read", "Group", group))
            }
            if needed <= self.left and not any(
                ladder.made.keys() & {one.topic, *one.made} or ladder.topic in one.made for one in found
            ):
                self.left -= needed
                found.append(ladder)
        return found

    def _consumes(self, climbed: list[Ladder], streams: dict[str, Any] | None) -> list[dict[str, Any]]:
        groups, topics = self._texts("Read", "Group"), self._take("Read", "Topic")
        tied = {(ladder.group, ladder.topic) for ladder in climbed}
        free = [topic for topic in topics if not any(topic == one for _, one in tied)]
        if streams is not None and not groups:
            streams |= {"reads": free} if free else {}
            free = []
        plain = self._shared_out(free, groups, {group for group, _ in tied})
        roles = [*_climbing(climbed), *({"topics": own, "group": group} for group, own in plain.items())]
        self.left -= {self._may("Read", "Group", role["group"]) for role in roles}
        said = {topic for role in roles for topic in role["topics"]} | set(streams.get("reads", ()) if streams else ())
        self.left |= {self._may("Read", "Topic", topic) for topic in topics if topic not in said}
        return sorted(roles, key=lambda role: (role["group"], role["topics"]))

    def _shared_out(self, topics: list[str], groups: list[str], busy: set[str]) -> dict[str, list[str]]:
        """Each topic to the group whose name is most like its own, first to those that have nothing to read yet."""
        idle = [group for group in groups if group not in busy] or groups
        if not idle:
            return {}
        self.guessed = len(idle) > 1 and bool(topics)
        found: dict[str, list[str]] = {}
        for topic in topics:
            likes = {group: _likeness(group, topic) for group in idle}
            best = max(idle, key=lambda group: (likes[group], -len(found.get(group, ()))))
            found.setdefault(best, []).append(topic)
        return found


_STREAMS = ("Create", "Delete", "DescribeConfigs", "Read", "Write")


def _host(bindings: Iterable[AclBinding]) -> str:
    """An application has one: any, else the one of most rules."""
    hosts = Counter(acl.host for acl in bindings if acl.permission == "Allow")
    return "*" if "*" in hosts or not hosts else min(hosts, key=lambda host: (-hosts[host], host))


def text_of(acl: AclBinding) -> str | None:
    """What a role or an entry writes without `pattern`."""
    text = f"{acl.name}*" if acl.pattern == "Prefixed" else acl.name
    return text if acls.pattern_of(text) == (acl.pattern, acl.name) else None


def _likeness(one: str, other: str) -> int:
    return len(_tokens(one) & _tokens(other))


def _tokens(text: str) -> set[str]:
    return {token.removesuffix("s") for token in re.findall(r"[a-z]{3,}", text.lower())}


def _climbing(climbed: Iterable[Ladder]) -> list[dict[str, Any]]:
    """A role for all topics of one group that are retried in the same way."""
    found: list[tuple[str, Mapping[str, Any], bool, list[str]]] = []
    for one in climbed:
        alike = next(
            (same for group, way, dead, same in found if (group, way, dead) == (one.group, one.retry, one.dead_letter)),
            None,
        )
        if alike is None:
            found.append((one.group, one.retry, one.dead_letter, [one.topic]))
        else:
            alike.append(one.topic)
    return [
        {"topics": same, "group": group, **({"retry": way} if way else {}), **({"dead-letter": True} if dead else {})}
        for group, way, dead, same in found
    ]


def raw(principal: str, bindings: Iterable[AclBinding]) -> Iterator[dict[str, Any]]:
    """Few entries: the operations of one resource together, then the resources with the same operations, then topics with groups."""
    operations: dict[tuple[str, str, str, str, str], set[str]] = {}
    for acl in bindings:
        text = text_of(acl)
        pattern, name = ("", text) if text is not None else (acl.pattern.lower(), acl.name)
        rule = (acl.permission, acl.host, pattern, _KEYS[acl.resource_type], name)
        operations.setdefault(rule, set()).add(acl.operation)
    entries: dict[tuple[str, str, str, tuple[str, ...]], dict[str, list[str]]] = {}
    for (permission, host, pattern, key, name), of_it in sorted(operations.items()):
        entries.setdefault((permission, host, pattern, tuple(sorted(of_it))), {}).setdefault(key, []).append(name)
    for (permission, host, pattern, said), resources in sorted(entries.items()):
        yield from (
            {
                "principal": principal,
                **({"permission": "deny"} if permission == "Deny" else {}),
                "operations": list(said),
                **{key: names[0] if len(names) == 1 else names for key, names in together.items()},
                **({"pattern": pattern} if pattern else {}),
                **({} if host == "*" else {"host": host}),
            }
            for together in _apart(resources)
        )


def _apart(resources: Mapping[str, list[str]]) -> Iterator[dict[str, list[str]]]:
    """A topic and a group may stand in one entry, as kafka-acls takes them; each other type has its own."""
    both = {key: resources[key] for key in ("topic", "group") if key in resources}
    yield from [both] if both else []
    yield from ({key: texts} for key, texts in resources.items() if key not in both)
