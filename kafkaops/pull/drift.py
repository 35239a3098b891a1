"""Declared resources made to say what is live: in their own block, or in the cluster's override where other clusters share the block. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafkaops import edit
from kafkaops.access import AclBinding
from kafkaops.kinds.acl import parse as acls
from kafkaops.kinds.acl.model import principal_address
from kafkaops.kinds.topic import settings
from kafkaops.kinds.topic.model import PARTITIONS, REPLICATION, LiveTopic, Topic
from kafkaops.pull import profiles, roles, style
from kafkaops.pull.draft import Found
from kafkaops.settings import ClusterEntry
from kafkaops.source import Block, Document
from kafkaops.topology import SETTINGS_FILE, Topology

_WORDS = {PARTITIONS: "partitions", REPLICATION: "replication-factor"}


_Home = tuple[Document, edit.Steps, Block]
"""A block, and where it stands."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """`texts`: by path, of the files that change. `standing`: by address, the file and the keys of what was changed. `refused`: why it could not be."""

    texts: Mapping[Path, str]
    standing: Mapping[str, tuple[Path, edit.Keys]]
    refused: Mapping[str, str]


def split(base: Topology, entry: ClusterEntry, found: Found) -> tuple[Found, Found]:
    """What files declare and is live otherwise, and what no file declares. What is live as declared is in neither."""
    desired = base.desired[entry.name]
    blocks = {name for document in base.documents for name in document.root.get("topics") or ()}
    granted = {name for name in found.principals for one in base.documents if next(_blocks_of(one, name), None)}
    differing = {name: one for name, one in found.topics.items() if not _as_declared(desired.topics.get(name), one)}
    of_principal: dict[str, set[AclBinding]] = {name: set() for name in desired.acls.managed}
    for acl in desired.acls.bindings:
        of_principal[acl.principal].add(acl)
    changed = {
        name: live
        for name, live in found.principals.items()
        if name not in of_principal or of_principal[name] != set(live)
    }
    made = frozenset(differing.keys() & desired.topics.keys() - blocks)  # by roles, and not as they would make them
    return (
        Found(
            {name: one for name, one in differing.items() if name in blocks},
            {name: one for name, one in changed.items() if name in granted},
        ),
        Found(
            {name: one for name, one in differing.items() if name not in blocks},
            {name: one for name, one in changed.items() if name not in granted},
            made,
        ),
    )


def _as_declared(wanted: object, live: LiveTopic) -> bool:
    return isinstance(wanted, Topic) and fields_of(wanted) == profiles.fields_of(live)


def fields_of(wanted: Topic) -> dict[str, str]:
    return {PARTITIONS: str(wanted.partitions), REPLICATION: str(wanted.replication), **wanted.config}


def accept(
    base: Topology, entry: ClusterEntry, found: Found, with_: Callable[[Mapping[Path, str]], Topology]
) -> Accepted:
    """`with_`: the topology as it would be with other texts. What exists on other clusters only is first said to exist here too."""
    joining = _Accepting(base, entry)
    for name in sorted(found.topics):
        joining.join(f"topic/{name}", list(_topic_blocks(base, name)))
    for name in sorted(found.principals):
        joining.join(principal_address(name), [one for document in base.documents for one in _homes(document, name)])
    between = with_(joining.changed())
    work = _Accepting(between, entry)
    for name, live in sorted(found.topics.items()):
        work.topic(name, live)
    for principal, bindings in sorted(found.principals.items()):
        work.principal(principal, bindings)
    return Accepted({**joining.changed(), **work.changed()}, work.standing, {**work.refused, **joining.refused})


def _topic_blocks(base: Topology, name: str) -> Iterator[_Home]:
    for document in base.documents:
        if name in (document.root.get("topics") or ()):
            yield document, ("topics", name), document.root["topics"][name] or Block(document.file)


def _homes(document: Document, principal: str) -> Iterator[_Home]:
    yield from ((document, keys, block) for keys, block in _blocks_of(document, principal))


class _CannotBeEdited(Exception):  # noqa: N818  # reads as the sentence it stands for
    """The message is why."""


class _Accepting:
    def __init__(self, base: Topology, entry: ClusterEntry) -> None:
        self.base, self.entry = base, entry
        self.before = {document.path: document.text for document in base.documents}
        self.texts = dict(self.before)
        self.standing: dict[str, tuple[Path, edit.Keys]] = {}
        self.refused: dict[str, str] = {}

    def _try(self, address: str, edits: Iterable[tuple[Document, str | None]]) -> None:
        """All edits of a resource or none."""
        kept = dict(self.texts)
        try:
            for document, text in edits:
                if text is None:
                    why = f"{document.file} cannot be edited safely there: braces, an anchor or an empty block are in the way"
                    raise _CannotBeEdited(why)  # noqa: TRY301  # one way out for every kind of edit
                self.texts[document.path] = text
        except _CannotBeEdited as problem:
            self.texts = kept
            self.standing.pop(address, None)
            self.refused[address] = str(problem)

    def changed(self) -> dict[Path, str]:
        return {path: text for path, text in self.texts.items() if text != self.before[path]}

    # clusters

    def join(self, address: str, homes: list[_Home]) -> None:
        """Blocks that name other clusters name this one too, unless one stands for it already; one that names all needs to name none."""
        if all(self.entry.name not in block.get("clusters", (self.entry.name,)) for _, _, block in homes):
            self._try(address, self._joined(homes))

    def _joined(self, homes: list[_Home]) -> Iterator[tuple[Document, str | None]]:
        for document, keys, block in homes:
            text = self.texts[document.path]
            if {*block["clusters"], self.entry.name} >= self.base.settings.clusters.keys():
                yield document, edit.without_key(text, keys, "clusters")
            else:
                yield document, edit.with_entry(text, keys, self.entry.name, "clusters")

    # topics

    def topic(self, name: str, live: LiveTopic) -> None:
        address = f"topic/{name}"
        wanted = self.base.desired[self.entry.name].topics.get(name)
        document, _, block = next(iter(_topic_blocks(self.base, name)))
        if wanted is None:
            self.refused[address] = f"{document.file} declares it in a way that does not hold on this cluster"
        elif not isinstance(wanted, Topic):
            self.refused[address] = f"{document.file} says `state: absent`: remove that line to keep the topic"
        else:
            self.standing[address] = (document.path, ("topics", name))
            self._try(address, self._edits(document, block, wanted, live))

    def _edits(
        self, document: Document, block: Block, wanted: Topic, live: LiveTopic
    ) -> Iterator[tuple[Document, str | None]]:
        want, have = fields_of(wanted), profiles.fields_of(live)
        changed = {key: text for key, text in have.items() if want.get(key) != text}
        overridden = any(
            wanted.origins[key].layer.startswith("override of ") for key in changed if key in wanted.origins
        )
        for key in sorted(want.keys() - have.keys()):
            yield document, self._unset(document, block, wanted, key)
        if changed and (overridden or self._is_shared(block)):
            settings_file = next(one for one in self.base.documents if one.path.name == SETTINGS_FILE)
            self.standing[f"topic/{wanted.name}"] = (settings_file.path, ("clusters", self.entry.name, "override"))
            override = {"match": wanted.name, "set": profiles.lines(changed)}
            text = self.texts[settings_file.path]
            yield settings_file, edit.with_entry(text, ("clusters", self.entry.name), override, "override")
            return
        for key, text in changed.items():
            yield document, _said(self.texts[document.path], ("topics", wanted.name), block, key, text)

    def _is_shared(self, block: Block) -> bool:
        return len(block.get("clusters") or self.base.settings.clusters) > 1

    def _unset(self, document: Document, block: Block, wanted: Topic, key: str) -> str | None:
        layer = wanted.origins[key].layer
        if layer != "own block":
            raise _CannotBeEdited(
                f"its {key} is not set, and the {layer} sets it: give the topic another profile, or its own settings"
            )
        if self._is_shared(block):
            raise _CannotBeEdited(f"its {key} is not set, and its block sets it for other clusters too")
        keys: edit.Keys = ("topics", wanted.name)
        own = _spelled(block, key)
        if own is not None:
            return edit.without_key(self.texts[document.path], keys, own)
        if len(block["config"]) == 1:
            return edit.without_key(self.texts[document.path], keys, "config")
        return edit.without_key(self.texts[document.path], (*keys, "config"), key)

    # access

    def principal(self, principal: str, live: frozenset[AclBinding]) -> None:
        address = principal_address(principal)
        homes = [
            home
            for document in self.base.documents
            for home in _homes(document, principal)
            if self.entry.name in home[2].get("clusters", (self.entry.name,))
        ]
        states = [block["state"] for _, _, block in homes if "state" in block]
        if states:
            self.refused[address] = f"a file says `state: {states[0]}` of it: remove that line first"
            return
        want = frozenset(acl for acl in self.base.desired[self.entry.name].acls.bindings if acl.principal == principal)
        document, keys, _ = homes[0]
        self.standing[address] = (document.path, ("acls",) if keys[0] == "acls" else (str(keys[0]), str(keys[1])))
        self._try(address, self._regranted(principal, homes, want, live))

    def _regranted(
        self,
        principal: str,
        homes: list[_Home],
        want: frozenset[AclBinding],
        live: frozenset[AclBinding],
    ) -> Iterator[tuple[Document, str | None]]:
        gone = want - live
        for document, keys, block in reversed(homes):  # from the end, so that the places of those before stay true
            if gone and self._is_shared(block) and roles.given_by(str(keys[0]), str(keys[1]), block) & gone:
                raise _CannotBeEdited(
                    f"{document.file} gives it access on other clusters too, and some of it is not live here"
                )
            for steps, index, of in _items_to_cut(keys, block, principal, gone):
                yield document, edit.without_entry(self.texts[document.path], steps, index, of)
        extra = live - want
        if extra:
            document, keys, block = next((one for one in homes if one[1][0] == "applications"), homes[0])
            yield from self._granted(document, keys, block, principal, extra)

    def _granted(
        self, document: Document, keys: edit.Steps, block: Block, principal: str, extra: frozenset[AclBinding]
    ) -> Iterator[tuple[Document, str | None]]:
        """Into the lists of an application where they say just that, else as entries of `acls:`."""
        left = set(extra)
        if keys[0] == "applications" and not self._is_shared(block):
            for of, resource_type in _LISTS.items():
                for acl in sorted(extra):
                    text = roles.text_of(acl)
                    if (
                        text is not None
                        and of in block
                        and acl == acls.allow(principal, "Write", resource_type, text, str(block.get("host", "*")))
                    ):
                        left.discard(acl)
                        yield document, edit.with_entry(self.texts[document.path], keys, text, of)
        only = {"clusters": [self.entry.name]} if len(self.base.settings.clusters) > 1 else {}
        entries = [{**one, **only} for one in roles.raw(principal, left)]
        if entries:
            lines = [line for one in entries for line in style.item(one, 2)]
            yield document, edit.with_items(self.texts[document.path], "acls", entries, lines)


_LISTS = {"produces": "Topic", "transactional-ids": "TransactionalId"}


def _spelled(block: Mapping[str, Any], key: str) -> str | None:
    """As the block itself writes the key."""
    spellings = (_WORDS.get(key, key), key, settings.SETTINGS[key].written if key in settings.SETTINGS else key)
    return next((one for one in spellings if one in block), None)


def _said(text: str, keys: edit.Keys, block: Block, key: str, value: str) -> str | None:
    """In the place and the spelling that are there."""
    config = block.get("config")
    if key in _WORDS:
        return edit.with_value(text, keys, _WORDS[key], int(value), value)
    if key not in settings.SETTINGS:
        said = style.scalar(value)
        if config is None:
            return edit.with_value(text, keys, "config", {key: value}, f"{{{style.scalar(key)}: {said}}}")
        return edit.with_value(text, (*keys, "config"), key, value, said)
    written, meant = style.setting(key, value)
    said = style.flow(meant) if isinstance(meant, list) else style.scalar(meant)
    if (own := _spelled(block, key)) is None and config is not None and key in config:
        return edit.with_value(text, (*keys, "config"), key, meant, said)
    return edit.with_value(text, keys, own or written, meant, said)


def _blocks_of(document: Document, principal: str) -> Iterator[tuple[edit.Steps, Block]]:
    for name, block in (document.root.get("applications") or {}).items():
        if block is not None and acls.principal_of(name, block) == principal:
            yield ("applications", name), block
    for index, entry in enumerate(document.root.get("acls") or ()):
        if entry["principal"] == principal:
            yield ("acls", index), entry


def _items_to_cut(
    keys: edit.Steps, block: Block, principal: str, gone: frozenset[AclBinding]
) -> Iterator[tuple[edit.Steps, int, str]]:
    """What gives nothing but access that is gone, each as (the mapping, the index, the list), from the end."""
    if keys[0] == "acls":
        yield from _of_an_entry(keys, block, gone)
        return
    host = str(block.get("host", "*"))
    for of, resource_type in _LISTS.items():
        for index in reversed(range(len(block.get(of, ())))):
            if acls.allow(principal, "Write", resource_type, block[of][index], host) in gone:
                yield keys, index, of
    consumes = block.get("consumes", ())
    for at in reversed(range(len(consumes))):
        topics = consumes[at]["topics"]
        stale = [
            index for index, text in enumerate(topics) if acls.allow(principal, "Read", "Topic", text, host) in gone
        ]
        if len(stale) == len(topics):
            yield keys, at, "consumes"
        else:
            yield from (((*keys, "consumes", at), index, "topics") for index in reversed(stale))


def _of_an_entry(keys: edit.Steps, entry: Block, gone: frozenset[AclBinding]) -> Iterator[tuple[edit.Steps, int, str]]:
    given = roles.given_by(str(keys[0]), str(keys[1]), entry)
    if given <= gone:
        yield (), int(keys[1]), "acls"
        return
    for index, operation in reversed(list(enumerate(entry["operations"]))):
        if {acl for acl in given if acl.operation == operation} <= gone:
            yield keys, index, "operations"
    for key, resource_type in acls.RESOURCES.items():
        if not isinstance(entry.get(key), list):
            continue
        for index, text in reversed(list(enumerate(entry[key]))):
            named = text if entry.get("pattern") else acls.pattern_of(text)[1]
            if {acl for acl in given if (acl.resource_type, acl.name) == (resource_type, named)} <= gone:
                yield keys, index, key
