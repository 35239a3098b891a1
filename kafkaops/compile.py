"""What the files say, for one cluster: topics, access and consent. Applications become topics and ACLs here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from kafkaops import consent, retry, units
from kafkaops.access import WILDCARD_PRINCIPAL, AclBinding
from kafkaops.findings import Finding, Location, Severity
from kafkaops.kinds.acl import parse as acls
from kafkaops.kinds.acl.model import WantedAcls, principal_address, resource
from kafkaops.kinds.topic import parse as topics
from kafkaops.kinds.topic.model import PARTITIONS, REPLICATION, AbsentTopic, Origin, Topic
from kafkaops.lint import RULES, lint
from kafkaops.plan import Acknowledgement
from kafkaops.settings import ClusterEntry, Placement, Settings
from kafkaops.source import Block, Document, Row, item_location, key_location, value_location

_OF_AN_ABSENT_TOPIC = frozenset({"state", "clusters", "acknowledge", "description"})
_OF_AN_ABSENT_APPLICATION = _OF_AN_ABSENT_TOPIC | {"principal", "manage"}


@dataclass(frozen=True, slots=True)
class Desired:
    """Everything that is declared for one cluster. `domains`: owned prefixes, `order.`; `released`: principals that are `unmanaged`."""

    topics: Mapping[str, Topic | AbsentTopic] = field(default_factory=dict)
    acls: WantedAcls = WantedAcls()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    domains: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()  # `application-id-`: Streams' own topics begin so
    placement: Placement | None = None
    released: frozenset[str] = frozenset()

    @property
    def content(self) -> dict[str, Any]:
        """What shall be, as plain data: without places, words for people, and consent."""
        return {
            "topics": {name: _content(topic) for name, topic in self.topics.items()},
            "acls": [binding.facts for binding in sorted(self.acls.bindings)],
            "principals": sorted(self.acls.managed),
            "placement": None if self.placement is None else _rules(self.placement),
        }


def _content(topic: Topic | AbsentTopic) -> dict[str, Any]:
    match topic:
        case AbsentTopic():
            return {"state": "absent"}
        case Topic():
            return {PARTITIONS: topic.partitions, REPLICATION: topic.replication, "config": dict(topic.config)}


def _rules(placement: Placement) -> dict[str, Any]:
    """What makes replicas move; how fast and when they do is no other wish."""
    return {
        "racks": placement.racks,
        "drain": sorted(placement.drain),
        "balance": placement.balance if placement.rebalancing else "off",
    }


def compile_for(
    entry: ClusterEntry, documents: Iterable[Document], settings: Settings, *, today: date
) -> tuple[Desired, tuple[Finding, ...]]:
    """The documents must have passed the schema. Findings name every problem, each at its place."""
    work = _Compilation(entry, tuple(documents), settings, today)
    desired = work.desired()
    return desired, tuple(work.findings)


def idle_guards(document: Document, names: Iterable[str]) -> Iterator[Finding]:
    """`names`: the declared and generated topics of all clusters. `ignore` is for live topics, which no file declares."""
    naming = document.root.get("naming") or Block(document.file)
    for block, guard in ((document.root, "protect"), (naming, "exempt")):
        for pattern, where in acls.each(block, guard):
            if not any(_any(name, (pattern,)) for name in names):
                yield Finding(
                    code="KO1308",
                    severity=Severity.WARNING,
                    message=f"`{guard}: {_brief(pattern)}` matches no topic",
                    where=where,
                    help="correct the pattern, or remove it; letter case counts",
                )


class _Compilation:
    """One pass over the files for one cluster; findings gather here."""

    def __init__(self, entry: ClusterEntry, documents: tuple[Document, ...], settings: Settings, today: date) -> None:
        self.entry = entry
        self.documents = documents
        self.settings = settings
        self.today = today
        self.findings: list[Finding] = []
        self.domains = Domains(documents)
        self.context = topics.Context(
            settings.profiles, entry.overrides, entry.name, settings.policy.lint, topics.Layers(entry.kafka_version)
        )
        self.topics: dict[str, Topic | AbsentTopic] = {}
        self.faulty: set[str] = set()  # topics that are declared, with an error that is told already
        self.applications: dict[str, Location] = {}
        self.generated: dict[str, Location] = {}
        self.grants: dict[AclBinding, Location] = {}
        self.managed: dict[str, Location] = {}
        self.released: dict[str, Location] = {}
        self.retired: dict[str, Location] = {}

    def desired(self) -> Desired:
        self._policy()
        self._topics()
        for document in self.documents:
            self._applications(document)
            self._raw(document)
            self._principals(document)
        self.managed = {name: where for name, where in self.managed.items() if name not in self.released}
        self._guarded_principals()
        self._retired_and_granted()
        self._collisions()
        self._idle_overrides()
        self._unused_layers()
        self._left_alone()
        bindings = {acl: where for acl, where in self.grants.items() if acl.principal in self.managed}
        return Desired(
            topics=self.topics,
            acls=WantedAcls(bindings, self.managed, self.domains.prefixes),
            acknowledgements=tuple(self._acknowledgements()),
            domains=self.domains.prefixes,
            streams=tuple(sorted(self._streams())),
            placement=self.entry.placement,
            released=frozenset(self.released),
        )

    def _error(self, code: str, message: str, where: Location, help_: str, **more: Any) -> None:
        self.findings.append(
            Finding(code=code, severity=Severity.ERROR, message=message, where=where, help=help_, **more)
        )

    def _lint(self, rule: str, message: str, where: Location, help_: str) -> None:
        self.findings += lint(rule, self.settings.policy.lint, message=message, where=where, help=help_)

    def _here(self, block: Mapping[str, Any]) -> bool:
        """Whether a resource exists on this cluster: `clusters:` limits where it does."""
        names = block.get("clusters")
        if names is None:
            return True
        for index, name in enumerate(names):
            if name not in self.settings.clusters:
                self._unknown_cluster(name, item_location(names, index))
        return self.entry.name in names

    def _unknown_cluster(self, name: str, where: Location) -> None:
        near = get_close_matches(name, self.settings.clusters, n=1)
        known = ", ".join(sorted(self.settings.clusters)) or "none"
        self._error(
            "KO1303",
            f"there is no cluster `{name}`",
            where,
            f"did you mean `{near[0]}`" if near else f"the clusters are: {known}",
        )

    # policy

    def _policy(self) -> None:
        for rule in self.settings.policy.lint:
            if rule not in RULES:
                near = get_close_matches(rule, RULES, n=1)
                where = _block_key(self.settings.policy.lint, rule) or self.entry.where
                self._error(
                    "KO1203",
                    f"there is no lint rule `{rule}`",
                    where,
                    f"did you mean `{near[0]}`" if near else f"the rules are: {', '.join(sorted(RULES))}",
                )

    # topics

    def _topics(self) -> None:
        for document in self.documents:
            for name, block in _blocks(document, "topics"):
                where = key_location(document.root["topics"], name)
                if not self._here(block):
                    continue
                if self._may_declare(name, where, document):
                    self._topic(name, block, where, document)
                if name not in self.topics:
                    self.faulty.add(name)

    def _may_declare(self, name: str, where: Location, document: Document) -> bool:
        first = self.topics.get(name)
        if first is not None:
            self._error(
                "KO1301",
                f"topic `{name}` is declared twice",
                where,
                "keep one of them",
                label="second declaration",
                also=((first.where, "first declaration"),),
            )
            return False
        if (why := topics.legal_name(name)) is not None:
            self._error("KO1306", f"`{_brief(name)}` is no legal topic name: {why}", where, "give it another name")
            return False
        if self.settings.ignores(name):
            self._error(
                "KO1305",
                f"topic `{name}` is ignored, so it cannot be declared",
                where,
                "remove it, or the pattern under `ignore` that matches it; Kafka's own topics are always ignored",
            )
            return False
        return self._in_own_domain(name, where, document)

    def _in_own_domain(self, name: str, where: Location, document: Document) -> bool:
        domain = self.domains.of(name)
        if domain is not None and document not in self.domains.documents[domain]:
            owner = self.domains.documents[domain][0]
            self._error(
                "KO1304",
                f"topic `{name}` belongs to the domain `{domain}`",
                where,
                f"move it to {owner.file}, or write `domain: {domain}` in this file too",
                label="not a domain of this file",
                also=((key_location(owner.root, "domain"), "owns it"),),
            )
            return False
        return True

    def _topic(self, name: str, block: Block, where: Location, document: Document) -> None:
        naming = self.settings.naming
        if block.get("state") == "absent":
            self._only_absent(f"topic `{name}`", block, _OF_AN_ABSENT_TOPIC)
            self.topics[name] = AbsentTopic(name, where)
            return
        if naming.pattern is not None and not naming.pattern.fullmatch(name) and not _any(name, naming.exempt):
            self._lint(
                "naming",
                f"`{_brief(name)}` is not named {naming.text}",
                where,
                "rename it, or add it to `naming: exempt`; an existing topic cannot be renamed, only replaced",
            )
        topic, findings = topics.topic(name, block, where, self.context, owner=document.root.get("owner", ""))
        self.findings += findings
        if topic is not None:
            self.topics[name] = topic

    def _only_absent(self, what: str, block: Block, allowed: frozenset[str]) -> None:
        for key in block.keys() - allowed:
            self._error(
                "KO1212",
                f"{what} shall be absent, and has `{key}`",
                key_location(block, key),
                f"remove `{key}`, or `state: absent`",
            )

    def _collisions(self) -> None:
        """Kafka refuses the second of `a.b` and `a_b`, and KRaft only sees it when one of them exists."""
        seen: dict[str, str] = {}
        for name, topic in sorted(self.topics.items()):
            if isinstance(topic, AbsentTopic):
                continue
            other = seen.setdefault(name.replace(".", "_"), name)
            if other != name:
                self._error(
                    "KO2401",
                    f"`{other}` and `{name}` collide in metric names",
                    topic.where,
                    "rename one of them",
                    also=((self.topics[other].where, "the other"),),
                    notes=("Kafka replaces `.` with `_` in metrics, and refuses the second",),
                )

    def _idle_overrides(self) -> None:
        for override in self.entry.overrides:
            if not any(_any(name, (override.match,)) for name in self.topics.keys() | self.faulty):
                self.findings.append(
                    Finding(
                        code="KO1308",
                        severity=Severity.WARNING,
                        message=f"the override `{override.match}` matches no topic",
                        where=override.where,
                        help="correct the pattern, or remove the override",
                    )
                )

    def _unused_layers(self) -> None:
        """What no topic uses is read here, so that it holds on the day on which one does."""
        used = {block.get("profile") for document in self.documents for _, block in _blocks(document, "topics")}
        for name, profile in self.settings.profiles.items():
            if name not in used:
                self.findings += self.context.layers.shared(profile, f"profile {name}")[1]
        for override in self.entry.overrides:
            self.findings += self.context.layers.shared(override.block, f"override of {self.entry.name}")[1]

    # applications

    def _applications(self, document: Document) -> None:
        for name, block in _blocks(document, "applications"):
            where = key_location(document.root["applications"], name)
            if not self._here(block) or not self._first_application(name, where):
                continue
            principal = acls.principal_of(name, block)
            state = block.get("state")
            (self.released if state == "unmanaged" else self.managed).setdefault(principal, where)
            if state == "absent":
                self._only_absent(f"application `{name}`", block, _OF_AN_ABSENT_APPLICATION)
                continue
            retries = list(self._retries(name, block, document))
            for acl, place in acls.application(name, block, retries):
                self._grant(acl, place, document, name, declared=acl.name not in self.generated)

    def _first_application(self, name: str, where: Location) -> bool:
        first = self.applications.setdefault(name, where)
        if first is not where:
            self._error(
                "KO1301",
                f"application `{name}` is declared twice",
                where,
                "keep one of them",
                label="second declaration",
                also=((first, "first declaration"),),
            )
        return first is where

    def _retries(self, name: str, block: Block, document: Document) -> Iterator[tuple[str, str, Location]]:
        """Generated topics, each with the group that reads it."""
        for role in block.get("consumes", ()):
            if "retry" not in role and not role.get("dead-letter"):
                continue
            if "retry" in role and not role.get("dead-letter"):
                self._lint(
                    "retry-without-dead-letter",
                    f"`{name}` drops a record after its last attempt",
                    key_location(role, "retry"),
                    "write `dead-letter: true` beside it",
                )
            where = key_location(role, "retry" if "retry" in role else "dead-letter")
            if role["group"].endswith("*"):
                self._error(
                    "KO1311",
                    f"`{_brief(role['group'])}` is no one group, so the groups of its retry topics have no names",
                    value_location(role, "group"),
                    "name the group in full: the retry topics are read by groups that are named after it",
                )
                continue
            for topic, place in acls.each(role, "topics"):
                source = self.topics.get(topic)
                if isinstance(source, Topic):
                    yield from self._retry_topics(role, source, where, document)
                elif topic not in self.faulty:
                    self._error(
                        "KO1311",
                        f"`{topic}` is no topic that the topology declares, so its retry topics cannot be made",
                        place,
                        "name each topic in full, and declare it; a pattern or another cluster's topic has no known partitions",
                    )

    def _retry_topics(
        self, role: Block, source: Topic, where: Location, document: Document
    ) -> Iterator[tuple[str, str, Location]]:
        try:
            pairs = list(_retry_names(role, source.name))
        except retry.NoSuchRetry as error:
            self._error("KO1203", str(error), where, "see `kafkaops explain KO1203`")
            return
        for name, group in pairs:
            if name in self.generated:
                self._error(
                    "KO1307",
                    f"two consumers of `{source.name}` would use one topic `{name}`",
                    where,
                    "give one of them a `suffix:` of its own",
                    also=((self.generated[name], "the other"),),
                )
                return  # their other topics collide as well
            if (why := topics.legal_name(name)) is not None:
                self._error(
                    "KO1306",
                    f"`{_brief(name)}` is no legal topic name: {why}",
                    where,
                    "shorten the source's name or the suffix",
                )
                continue
            if isinstance(absent := self.topics.get(name), AbsentTopic):
                self._error(
                    "KO1307",
                    f"`{_brief(name)}` is needed for `{source.name}`, and shall be absent",
                    where,
                    "remove `state: absent`, or the retry that needs the topic",
                    also=((absent.where, "shall be absent"),),
                )
                continue
            self.generated[name] = where
            if self.settings.ignores(name):
                self._error(
                    "KO1305",
                    f"topic `{_brief(name)}` is ignored, so it cannot be made for `{source.name}`",
                    where,
                    "remove the pattern under `ignore` that matches it, or the role that needs it",
                )
                continue
            if name not in self.topics:
                self._generate(name, source, where, document)
            yield name, group, where

    def _generate(self, name: str, source: Topic, where: Location, document: Document) -> None:
        """Partitions, replication factor and min.insync.replicas of the source: a record on its detour is as safe as on its way."""
        copied = (
            topics.Field(PARTITIONS, str(source.partitions), Origin(where, f"source {source.name}")),
            topics.Field(REPLICATION, str(source.replication), Origin(where, f"source {source.name}")),
            *(
                topics.Field(key, source.config[key], Origin(where, f"source {source.name}"))
                for key in ("min.insync.replicas",)
                if key in source.config
            ),
        )
        topic, findings = topics.topic(
            name, Block(""), where, self.context, owner=document.root.get("owner", ""), below=copied
        )
        self.findings += (finding for finding in findings if finding.severity is Severity.ERROR)
        if topic is not None:
            what = "dead letters" if name.endswith("-dlt") else "retries"
            self.topics[name] = replace(topic, description=f"{what} of {source.name}")

    def _streams(self) -> Iterator[str]:
        for document in self.documents:
            for _, block in _blocks(document, "applications"):
                if "streams" in block and self._here(block):
                    yield f"{block['streams']['application-id']}-"

    # raw access

    def _raw(self, document: Document) -> None:
        rows = document.root.get("acls", ())
        for entry in rows:
            if not self._here(entry):
                continue
            self.managed.setdefault(entry["principal"], value_location(entry, "principal"))
            for step in acls.raw(entry, self.entry.kafka_version):
                if isinstance(step, Finding):
                    self.findings.append(step)
                    continue
                acl, where = step
                self._grant(acl, where, document, acl.principal.removeprefix("User:"), declared=True)

    def _principals(self, document: Document) -> None:
        for principal, block in _blocks(document, "principals"):
            where = key_location(document.root["principals"], principal)
            if not self._here(block):
                continue
            if block.get("state") == "unmanaged":
                self.released.setdefault(principal, where)
                continue
            self.managed.setdefault(principal, where)
            if block.get("state") == "absent":
                self.retired[principal] = where

    def _guarded_principals(self) -> None:
        """`User:*`, super users, the brokers' and kafkaops's own are managed only when somebody says so (decisions 8)."""
        supers = self.entry.authorizer.super_users or frozenset()
        guarded = self.entry.principals.guarded() | supers | {WILDCARD_PRINCIPAL}
        willing = self._willing()
        for principal in sorted(guarded & self.managed.keys() - willing):
            self._error(
                "KO1310",
                f"{principal} is not managed without saying so",
                self.managed[principal],
                f'write `principals: {{"{principal}": {{manage: true}}}}` beside it',
                notes=("it is everybody, a super user, a broker, break-glass or kafkaops itself",),
            )

    def _retired_and_granted(self) -> None:
        granted = {acl.principal: place for acl, place in self.grants.items()}
        for principal in sorted(self.retired.keys() & granted.keys()):
            self._error(
                "KO1301",
                f"{principal} is absent here, and has access elsewhere",
                self.retired[principal],
                "keep one of the two",
                also=((granted[principal], "gives it access"),),
            )

    def _left_alone(self) -> None:
        """`unmanaged` holds wherever it is written, over what other places grant."""
        declared = Counter(acl.principal for acl in self.grants)
        for principal, where in self.released.items():
            if count := declared[principal]:
                self.findings.append(
                    Finding(
                        code="KO1316",
                        severity=Severity.WARNING,
                        message=f"{principal} is unmanaged, so {count} declared ACL{' is' if count == 1 else 's are'} left alone",
                        address=principal_address(principal),
                        where=where,
                        help="remove `state: unmanaged`, or the roles and entries that give it access",
                    )
                )

    def _willing(self) -> frozenset[str]:
        return frozenset(
            chain(
                (
                    name
                    for document in self.documents
                    for name, block in _blocks(document, "principals")
                    if block.get("manage") and self._here(block)
                ),
                (
                    acls.principal_of(name, block)
                    for document in self.documents
                    for name, block in _blocks(document, "applications")
                    if block.get("manage") and self._here(block)
                ),
            )
        )

    def _grant(self, acl: AclBinding, where: Location, document: Document, who: str, *, declared: bool) -> None:
        """A binding that a role and a raw entry both give is one (decisions 27)."""
        self.grants.setdefault(acl, where)
        self._matches_something(acl, where)
        if acl.permission == "Deny" or not declared:
            return
        if acl.principal == WILDCARD_PRINCIPAL or (
            acl.resource_type == "Topic" and acl.resource[1:] == ("Literal", "*")
        ):
            whom = "everybody" if acl.principal == WILDCARD_PRINCIPAL else acl.principal
            self._lint(
                "wide-grant", f"{whom} may {acl.operation} {resource(acl)}", where, "name a principal and a prefix"
            )
        if acl.resource_type == "Topic":
            for domain in self.domains.not_shared(acl, document, who):
                self._lint(
                    "cross-domain-grant",
                    f"{acl.principal} may {acl.operation} {resource(acl)}, and the domain `{domain}` does not share it",
                    where,
                    f"write `share: {_share_line(who, acl.operation)}` in {self.domains.documents[domain][0].file}",
                )

    def _matches_something(self, acl: AclBinding, where: Location) -> None:
        """A topic rule whose name no topic can have, or begin with, says nothing to the brokers; a star is a part of other names."""
        if acl.resource[1:] == ("Literal", "*"):
            return
        begins = acl.pattern == "Prefixed" and not acl.name.strip(".")  # `..` is no name, `..x` is one
        why = None if begins or acl.resource_type != "Topic" else topics.legal_name(acl.name)
        if why is not None:
            says = f"matches no topic: {why}"
        elif "*" in (acl.name if acl.pattern == "Prefixed" else acl.name[:-1]):  # `pattern: literal` means the last one
            says = "has a star that stands for itself, and for no other text"
        else:
            return
        self._lint(
            "literal-star",
            f"the {acl.pattern.lower()} name `{_brief(acl.name)}` {says}",
            where,
            "correct the name; for a prefix leave `pattern` out and end it with one star",
        )

    # consent

    def _acknowledgements(self) -> Iterator[Acknowledgement]:
        first: dict[int, str] = {}
        for document in self.documents:
            for block, address in _with_consent(document):
                self._one_place_each(block, address, first)
                for row in block.get("acknowledge") or ():
                    if row.get("cluster", self.entry.name) not in {self.entry.name, *self.settings.clusters}:
                        self._unknown_cluster(row["cluster"], value_location(row, "cluster"))
                for step in consent.acknowledgements(
                    block, address, self.entry.name, self.today, several=len(self.settings.clusters) > 1
                ):
                    if isinstance(step, Finding):
                        self.findings.append(step)
                    else:
                        yield step

    def _one_place_each(self, block: Block, address: str, first: dict[int, str]) -> None:
        """Consent is to one change: an anchor must not carry it to another resource. `first`: the address by the entry's identity."""
        rows = block.get("acknowledge") or Row("")
        for index, row in enumerate(rows):
            on = row.get("on", address)
            other = first.setdefault(id(row), on)
            if other != on:
                self._error(
                    "KO5401",
                    f"the acknowledgement holds for {other} and, by an anchor, for {on}",
                    item_location(rows, index),
                    "write one in each block, outside of the anchor",
                )


class Domains:
    """Which file owns which prefix."""

    def __init__(self, documents: tuple[Document, ...]) -> None:
        self.documents: dict[str, list[Document]] = {}
        for document in documents:
            for domain in _texts(document.root.get("domain")):
                self.documents.setdefault(domain, []).append(document)
        self.prefixes = tuple(sorted(f"{domain}." for domain in self.documents))

    def of(self, topic: str) -> str | None:
        """The longest prefix owns."""
        domain, dot, _ = topic.rpartition(".")
        while dot and domain not in self.documents:
            domain, dot, _ = domain.rpartition(".")
        return domain if dot else None

    def not_shared(self, acl: AclBinding, document: Document, who: str) -> Iterator[str]:
        """The domains of others that this topic ACL reaches without a `share:`."""
        for domain in self._reached(acl):
            documents = self.documents[domain]
            if any(document is owner for owner in documents):
                continue
            if not any(_shares(owner.root, who, acl.operation) for owner in documents) and not self._each_topic_shares(
                acl, documents, who
            ):
                yield domain

    def _reached(self, acl: AclBinding) -> Iterable[str]:
        """Those with a topic, present or future, that the ACL names."""
        if acl.pattern == "Prefixed":
            return [one for one in self.documents if f"{one}.".startswith(acl.name) or acl.name.startswith(f"{one}.")]
        if acl.name == "*":
            return self.documents
        owner = self.of(acl.name)
        return [] if owner is None else [owner]

    def _each_topic_shares(self, acl: AclBinding, documents: list[Document], who: str) -> bool:
        """A literal topic may be shared by its own line."""
        if acl.pattern == "Prefixed" or acl.name == "*":
            return False
        blocks = [(document.root.get("topics") or {}).get(acl.name) for document in documents]
        return any(block is not None and _shares(block, who, acl.operation) for block in blocks)


def _shares(block: Mapping[str, Any], who: str, operation: str) -> bool:
    share = block.get("share", ())
    if isinstance(share, dict):
        return operation in share.get(who, ())
    return who in share and operation in {"Read", "Describe", "DescribeConfigs"}


def _share_line(who: str, operation: str) -> str:
    return f"[{who}]" if operation in {"Read", "Describe"} else f"{{{who}: [{operation}]}}"


def _retry_names(role: Block, topic: str) -> Iterator[tuple[str, str]]:
    """(topic, group) of each retry topic, and of the dead-letter topic."""
    chosen = role.get("retry") or {}
    suffix = chosen.get("suffix", "")
    group = role["group"]
    if "retry" in role:
        arguments: dict[str, Any] = {
            "attempts": chosen.get("attempts", 3),
            "delay_ms": units.duration(chosen.get("delay", 1000)),
            "multiplier": chosen.get("multiplier"),
            "max_delay_ms": units.duration(chosen["max-delay"]) if "max-delay" in chosen else None,
            "naming": chosen.get("naming", "delay"),
            "suffix": suffix,
        }
        names = retry.retry_topics(topic, **arguments)
        groups = retry.group_ids(group, **arguments, dead_letter=False)[1:]
        yield from zip(names, groups, strict=True)
    if role.get("dead-letter"):
        yield retry.dead_letter_topic(topic, suffix), retry.dead_letter_topic(group, suffix)


def _blocks(document: Document, section: str) -> Iterator[tuple[str, Block]]:
    for name, block in (document.root.get(section) or {}).items():
        yield name, block if block is not None else Block(document.file)


def _with_consent(document: Document) -> Iterator[tuple[Block, str]]:
    yield document.root, ""
    for name, block in _blocks(document, "topics"):
        if "acknowledge" in block:
            yield block, f"topic/{name}"
    for name, block in _blocks(document, "applications"):
        if "acknowledge" in block:
            yield block, principal_address(acls.principal_of(name, block))
    for name, block in _blocks(document, "principals"):
        if "acknowledge" in block:
            yield block, principal_address(name)


def _texts(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [] if value is None else [value]


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _brief(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:77]}..."  # noqa: PLR2004


def _block_key(block: Mapping[str, Any], key: str) -> Location | None:
    return key_location(block, key) if isinstance(block, Block) else None
