"""What is to stand in which file, as texts: new files, and files that are there with something more in them.

Of the disk it asks which names the folder holds, so that a new file takes none of them; it writes nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count, islice, takewhile
from pathlib import Path
from typing import Any

from kafkaops import edit, schema, source
from kafkaops.access import AclBinding
from kafkaops.compile import Domains
from kafkaops.kinds.acl.model import principal_address
from kafkaops.kinds.topic import parse
from kafkaops.kinds.topic.model import LiveTopic, Topic
from kafkaops.lint import RULES
from kafkaops.pull import profiles, roles, style
from kafkaops.pull.roles import Access
from kafkaops.settings import ClusterEntry
from kafkaops.source import Block, Document
from kafkaops.topology import SETTINGS_FILE, Topology

READS = frozenset({"Read", "Describe", "DescribeConfigs"})
"""What a `share:` that is a list of names gives."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the cluster has and the files shall say, without what they cannot.

    declared  topics that are to be written though an application's roles would make them alike
    """

    topics: Mapping[str, LiveTopic]
    principals: Mapping[str, frozenset[AclBinding]]
    declared: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Draft:
    """`texts`: of the files that change or are new, by path. `refused`: by address, why the file that it belongs to cannot be edited.

    standing  by address, the file and the keys below which it stands
    made      topics that need no words, because roles make them
    exempted  names that are exempt from the naming convention now
    """

    texts: Mapping[Path, str]
    standing: Mapping[str, tuple[Path, edit.Keys]]
    refused: Mapping[str, str]
    profiles: tuple[str, ...] = ()
    made: tuple[str, ...] = ()
    guessed: tuple[str, ...] = ()
    exempted: tuple[str, ...] = ()


@dataclass(slots=True)
class _File:
    """A file and what comes into it; the document of a new one has only its head."""

    path: Path
    document: Document
    is_new: bool
    topics: dict[str, dict[str, Any]] = field(default_factory=dict)
    applications: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    acls: list[Mapping[str, Any]] = field(default_factory=list)
    addresses: dict[str, edit.Keys] = field(default_factory=dict)
    shares: dict[str, dict[str, set[str]]] = field(default_factory=dict)  # by topic, "" for the file: who -> operations


def draft(base: Topology, entry: ClusterEntry, found: Found) -> Draft:
    """`base`: the files as they are."""
    return _Drafting(base, entry, found).draft()


class _Drafting:
    def __init__(self, base: Topology, entry: ClusterEntry, found: Found) -> None:
        self.base, self.entry, self.found = base, entry, found
        self.root = base.root.resolve()
        self.resources = [one for one in base.documents if one.path != self.root / SETTINGS_FILE]
        self.settings_file = next((one for one in base.documents if one.path == self.root / SETTINGS_FILE), None)
        self.declared = {name for name, one in base.desired[entry.name].topics.items() if isinstance(one, Topic)}
        self.names = sorted({*found.topics, *self.declared})
        self.files: dict[str, _File] = {}
        self.domains = Domains(tuple(self.resources))
        self.only = {"clusters": [entry.name]} if len(base.settings.clusters) > 1 else {}
        self.texts: dict[Path, str] = {}
        self.refused: dict[str, str] = {}

    def draft(self) -> Draft:
        access = list(self._access())
        made = {*self._needless(access), *self._streams_own(access)}
        topics = {name: topic for name, topic in self.found.topics.items() if name not in made}
        folded = self._folded(topics)
        for name in sorted(self.found.topics):
            self._home(name)
        for name, block in folded.topics.items():
            self._place(name, block)
        for one in access:
            self._place_access(one)
        self.domains = Domains((*self.resources, *(file.document for file in self.files.values() if file.is_new)))
        for one in access:
            self._share(one)
        self._share_new_domains()
        for file in sorted(self.files.values(), key=lambda file: file.path):
            self._write(file)
        exempted = self._exempt(folded.topics)
        standing = {
            address: (file.path, keys)
            for file in self.files.values()
            for address, keys in file.addresses.items()
            if address not in self.refused
        }
        return Draft(
            self.texts,
            dict(sorted(standing.items())),
            self.refused,
            tuple(folded.profiles),
            tuple(sorted(made)),
            tuple(one.principal for one in access if one.guessed),
            exempted,
        )

    # what is written

    def _access(self) -> Iterator[Access]:
        """Each principal; what the roles of one make, no other one's make again."""
        taken = {name for one in self.resources for name in one.root.get("applications") or ()}
        free = {*self.found.topics, *self.declared}
        for principal, bindings in sorted(self.found.principals.items()):
            wish = roles.name_of(principal)
            name = next(one for one in _variants(wish) if one not in taken)
            one = roles.fold(principal, name, bindings, free)
            taken |= {name} if one.application else set()
            free -= one.made
            yield one

    def _needless(self, access: Iterable[Access]) -> set[str]:
        """Topics that roles make; the checks tell which are not just as the compiler would make them."""
        made = {name for one in access for name in one.made}
        return made & self.found.topics.keys() - self.found.declared

    def _streams_own(self, access: Iterable[Access]) -> Iterator[str]:
        """Kafka Streams makes and deletes its changelogs and repartition topics itself."""
        ids = {one.application["streams"]["application-id"] for one in access if "streams" in one.application}
        for own in sorted(ids):
            patterns = [f"{own}-*-{end}" for end in ("changelog", "repartition")]
            yield from (name for name in self.found.topics if any(fnmatchcase(name, one) for one in patterns))

    def _folded(self, topics: Mapping[str, LiveTopic]) -> profiles.Folded:
        """With new profiles where kafkaops.yaml can take them."""
        layers = parse.Layers(self.entry.kafka_version)
        known = {}
        for name, block in self.base.settings.profiles.items():
            fields, _ = layers.shared(block, name)
            known[name] = {one.name: one.text for one in fields}
        fields_of = {name: profiles.fields_of(topic) for name, topic in topics.items()}
        domains = {name: name.partition(".")[0] if "." in name else "" for name in topics}
        folded = profiles.fold(fields_of, known, domains)
        document = self.settings_file
        if not folded.profiles or document is None:
            return folded
        lines = style.entries(folded.profiles, 2)
        after = edit.with_blocks(document.text, "profiles", folded.profiles, lines, before="clusters")
        if after is None:
            return profiles.fold(fields_of, known, domains, new=False)
        self.texts[document.path] = after
        return folded

    # where it is written

    def _place(self, name: str, block: dict[str, Any]) -> None:
        file = self._home(name)
        file.topics[name] = {**block, **self.only}
        file.addresses[f"topic/{name}"] = ("topics", name)

    def _home(self, topic: str) -> _File:
        """The file of its domain; else one that has its like; else a new one."""
        domain = self.domains.of(topic)
        if domain is not None:
            owners = self.domains.documents[domain]
            return self._known(
                max(
                    owners,
                    key=lambda one: len(
                        [name for name in one.root.get("topics") or () if name.startswith(f"{domain}.")]
                    ),
                )
            )
        first = topic.partition(".")[0] if "." in topic.strip(".") else ""
        alike = (one for one in self.resources if "domain" not in one.root and _has_like(one, first))
        if (document := next(alike, None)) is not None:
            return self._known(document)
        return self._new(first or "topics", {"domain": first} if first else {})

    def _known(self, document: Document) -> _File:
        return self.files.setdefault(document.file, _File(document.path, document, is_new=False))

    def _new(self, wish: str, head: Mapping[str, Any]) -> _File:
        """A file of that name, or of one near to it where that is taken: by letter case alone too, since some systems do not tell them apart."""
        key = f"{wish} {head.get('domain', '')}"
        if key not in self.files:
            taken = {SETTINGS_FILE, *(one.name.lower() for one in self.root.iterdir())} | {
                file.path.name.lower() for file in self.files.values()
            }
            names = (f"{one}.yaml" for one in _variants(wish))
            path = self.root / next(name for name in names if name.lower() not in taken)
            shown = path.name if self.base.shown == "." else f"{self.base.shown}/{path.name}"
            root, _ = source.parse(style.file(head), shown)
            assert root is not None
            self.files[key] = _File(path, Document(shown, path, "", root), is_new=True)
        return self.files[key]

    def _place_access(self, one: Access) -> None:
        file = self._home_of(one)
        address = principal_address(one.principal)
        if one.application:
            file.applications[one.name] = {**one.application, **self.only}
            file.addresses[address] = ("applications", one.name)
        elif one.entries:
            file.addresses[address] = ("acls",)
        file.acls += [{**entry, **self.only} for entry in one.entries]

    def _home_of(self, one: Access) -> _File:
        """Of the domain that it writes to most, else that it reads from most; else a file for access alone."""
        for operation in ("Write", "Read"):
            rules = [
                acl
                for acl in one.bindings
                if (acl.resource_type, acl.operation, acl.permission) == ("Topic", operation, "Allow")
            ]
            homes = Counter(name for acl in rules if acl.name not in one.made for name in self._homes_of(acl))
            if homes:
                own = roles.name_of(one.principal)
                best = max(homes, key=lambda name: (homes[name], _shared_start(own, name), name))
                return self.files[best]
        access = next((one for one in self.resources if one.path == self.root / "access.yaml"), None)
        return self._new("access", {}) if access is None else self._known(access)

    def _homes_of(self, acl: AclBinding) -> list[str]:
        """The keys of the files of its topics, one for each topic; a rule for topics of several files says nothing."""
        start = bisect_left(self.names, acl.name)
        if acl.pattern == "Literal":
            named = self.names[start : start + 1] if self.names[start : start + 1] == [acl.name] else []
        else:
            named = list(takewhile(lambda name: name.startswith(acl.name), islice(self.names, start, None)))
        homes = [self._key(self._home_of_declared(name)) for name in named]
        return homes if len(set(homes)) == 1 else []

    def _home_of_declared(self, name: str) -> _File:
        here = next((one for one in self.resources if name in (one.root.get("topics") or ())), None)
        return self._home(name) if here is None else self._known(here)

    def _key(self, file: _File) -> str:
        return next(key for key, one in self.files.items() if one is file)

    # who may reach topics of other domains

    def _share(self, one: Access) -> None:
        file = self._home_of(one)
        raw = roles.compiled(Access(one.principal, one.name, one.bindings, {}, one.entries))
        user = one.principal.removeprefix("User:")
        self._ask(file.document, one.name, one.bindings - raw, self.domains.documents.keys(), made=one.made)
        self._ask(file.document, user, raw, self.domains.documents.keys(), made=one.made)

    def _share_new_domains(self) -> None:
        """What files gave before to topics of a domain that nobody owned, its new file shares."""
        new = {domain for domain, owners in self.domains.documents.items() if owners[0] not in self.resources}
        for document in self.resources if new else ():
            for who, block, section in _grantees(document):
                if self.entry.name in block.get("clusters", (self.entry.name,)):
                    self._ask(document, who, roles.given_by(section, who, block), new)

    def _ask(
        self,
        document: Document,
        who: str,
        bindings: Iterable[AclBinding],
        domains: AbstractSet[str],
        *,
        made: Collection[str] = (),
    ) -> None:
        """For a share of each of these domains' topics that it reaches without one. Of topics that its own roles make nobody asks."""
        if self.base.settings.policy.lint.get("cross-domain-grant") == "off":
            return
        lacking: dict[str, dict[str, set[str]]] = {}  # file -> topic or "" -> operations
        for acl in sorted(bindings):
            if acl.resource_type != "Topic" or acl.permission != "Allow" or acl.name in made:
                continue
            for domain in domains & set(self.domains.not_shared(acl, document, who)):
                owner = self._file_of(self.domains.documents[domain][0])
                literal = acl.name if acl.pattern == "Literal" and self._stands_in(acl.name, owner) else ""
                lacking.setdefault(self._key(owner), {}).setdefault(literal, set()).add(acl.operation)
        for key, topics in lacking.items():
            owner = self.files[key]
            every = {*owner.topics, *(owner.document.root.get("topics") or ())}
            whole = "" in topics or (len(topics) > 1 and topics.keys() >= every)
            for topic, operations in topics.items():
                owner.shares.setdefault("" if whole else topic, {}).setdefault(who, set()).update(operations)

    def _file_of(self, document: Document) -> _File:
        return next((file for file in self.files.values() if file.document is document), None) or self._known(document)

    def _stands_in(self, topic: str, file: _File) -> bool:
        return topic in file.topics or topic in (file.document.root.get("topics") or ())

    # the texts

    def _write(self, file: _File) -> None:
        for topic, who in file.shares.items():
            if topic in file.topics:
                block = file.topics[topic]
                file.topics[topic] = (
                    {key: block[key] for key in block if key != "clusters"} | {"share": _shared(None, who)} | self.only
                )
        if file.is_new and (file.topics or file.applications or file.acls):
            self.texts[file.path] = self._for_editors() + _whole(file)
        elif not file.is_new:
            self._add(file)

    def _for_editors(self) -> str:
        there = (self.root / schema.TOPOLOGY_SCHEMA).is_file()  # `init` puts it there
        return schema.for_editors(schema.TOPOLOGY_SCHEMA) if there else ""

    def _add(self, file: _File) -> None:
        text = file.document.text
        for section, blocks in (("topics", file.topics), ("applications", file.applications)):
            if blocks:
                after = edit.with_blocks(text, section, blocks, style.entries(dict(sorted(blocks.items())), 2))
                text = self._kept(after, text, file, section)
        if file.acls:
            lines = [line for one in file.acls for line in style.item(one, 2)]
            text = self._kept(edit.with_items(text, "acls", file.acls, lines), text, file, "acls")
        for topic, who in file.shares.items():
            if topic not in file.topics:
                text = _with_share(text, ("topics", topic) if topic else (), who)
        if text != file.document.text:
            self.texts[file.path] = text

    def _kept(self, after: str | None, before: str, file: _File, section: str) -> str:
        if after is not None:
            return after
        why = (
            f"{file.document.file} cannot be edited safely: its `{section}` is in braces, empty, or shared by an anchor"
        )
        self.refused |= {address: why for address, keys in file.addresses.items() if keys[0] == section}
        return before

    def _exempt(self, topics: Iterable[str]) -> tuple[str, ...]:
        """Names that the convention refuses are as they are: nobody can rename a topic."""
        naming, policy = self.base.settings.naming, self.base.settings.policy.lint
        severity = policy.get("naming", RULES["naming"][1].value)
        if naming.pattern is None or severity != "error" or self.settings_file is None:
            return ()
        pattern = naming.pattern
        strange = [name for name in sorted(topics) if not pattern.fullmatch(name) and not naming.exempts(name)]
        before = self.texts.get(self.settings_file.path, self.settings_file.text)
        after = _with_exempt(before, naming.exempt, strange)
        if after is None:
            return ()  # the checks say it of each topic
        if strange:
            self.texts[self.settings_file.path] = after
        return tuple(strange)


def _variants(wish: str) -> Iterator[str]:
    yield wish
    yield from (f"{wish}-{number}" for number in count(2))


def _whole(file: _File) -> str:
    return style.file(
        {
            **file.document.root,
            **({"share": _shared(None, file.shares[""])} if "" in file.shares else {}),
            **({"topics": dict(sorted(file.topics.items()))} if file.topics else {}),
            **({"applications": dict(sorted(file.applications.items()))} if file.applications else {}),
            **({"acls": file.acls} if file.acls else {}),
        }
    )


def _grantees(document: Document) -> Iterator[tuple[str, Block, str]]:
    """As whom a file asks for a share: an application by its name, an entry by the user's."""
    for name, block in (document.root.get("applications") or {}).items():
        if block is not None:
            yield name, block, "applications"
    for entry in document.root.get("acls") or ():
        yield entry["principal"].removeprefix("User:"), entry, "acls"


def _has_like(document: Document, first: str) -> bool:
    names: Iterable[str] = document.root.get("topics") or ()
    return any((name.partition(".")[0] if "." in name.strip(".") else "") == first for name in names)


def _shared_start(one: str, other: str) -> int:
    return next(
        (index for index, (left, right) in enumerate(zip(one, other, strict=False)) if left != right),
        min(len(one), len(other)),
    )


def _shared(old: Any, more: Mapping[str, set[str]]) -> Any:
    """A list of who may read, or of each what it may do where that is more."""
    before = {who: ["Read"] for who in old} if isinstance(old, list) else dict(old or {})
    if isinstance(old, dict) or any(operations - READS for operations in more.values()):
        return before | {who: sorted({*before.get(who, ()), *operations}) for who, operations in sorted(more.items())}
    return [*before, *(who for who in sorted(more) if who not in before)]


def _with_exempt(text: str, old: Sequence[str], more: Sequence[str]) -> str | None:
    """At the end of the list that is there; a new one has a line for each name."""
    if more and not old:
        return edit.with_value(
            text, ("naming",), "exempt", list(more), "".join(f"\n    - {style.scalar(one)}" for one in more)
        )
    after: str | None = text
    for name in more:
        after = after and edit.with_entry(after, ("naming",), name, "exempt")
    return after


def _with_share(text: str, keys: Sequence[str], who: Mapping[str, set[str]]) -> str:
    """Left as it is where it cannot be edited: the lint rule tells it then."""
    root, _ = source.parse(text, "")
    block: Any = root
    for key in keys:
        block = block[key] if block is not None else None
    if block is None:
        return text
    share = _shared(block.get("share"), who)
    said = style.flow(share) if isinstance(share, list) else style.braces(share)
    return edit.with_value(text, tuple(keys), "share", share, said) or text
