"""A topic's block, its profile and the cluster's overrides, key by key, as one Topic; every problem at its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from kafkaops.findings import Finding, Location, Severity
from kafkaops.kinds.topic import settings
from kafkaops.kinds.topic.model import OPERATIONAL, PARTITIONS, REPLICATION, Origin, Topic
from kafkaops.lint import lint
from kafkaops.settings import Override
from kafkaops.source import Block, key_location, value_location

WORDS = frozenset(
    {
        "profile",
        "partitions",
        "replication-factor",
        "description",
        "key",
        "owner",
        "state",
        "clusters",
        "share",
        "config",
        "acknowledge",
    }
)
"""Keys of a topic's block that are no settings."""

_LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Field:
    """One value of one layer: Kafka's name, the canonical text (partitions and replication factor too), where and by which layer."""

    name: str
    text: str
    origin: Origin


class Layers:
    """Reads blocks into fields, and remembers those of profiles and overrides, which many topics share."""

    def __init__(self, version: str | None) -> None:
        self.version = version
        self._read: dict[int, tuple[Block, tuple[Field, ...], tuple[Finding, ...]]] = {}
        self._values: dict[tuple[str, type, Any], str | settings.NotValid] = {}
        self._judged: dict[tuple[object, ...], tuple[list[settings.Conflict], list[settings.Lint]]] = {}

    def shared(self, block: Block, layer: str) -> tuple[tuple[Field, ...], tuple[Finding, ...]]:
        """The block is kept too, so that its id is not given to another one."""
        known = self._read.get(id(block))
        if known is None:
            known = self._read[id(block)] = (block, *self.read(block, layer))
        return known[1], known[2]

    def read(self, block: Block, layer: str) -> tuple[tuple[Field, ...], tuple[Finding, ...]]:
        steps = list(self._fields(block, layer))
        return (
            tuple(step for step in steps if isinstance(step, Field)),
            tuple(step for step in steps if isinstance(step, Finding)),
        )

    def _fields(self, block: Block, layer: str) -> Iterator[Field | Finding]:
        for key, value in block.items():
            if key == "partitions":
                yield Field(PARTITIONS, str(value), Origin(value_location(block, key), layer))
            elif key == "replication-factor":
                yield Field(REPLICATION, str(value), Origin(value_location(block, key), layer))
            elif key == "config":
                yield from (self._setting(value, one, one, layer) for one in value)
            elif key not in WORDS:
                yield self._setting(block, key, settings.kafka_name(key) or key.replace("-", "."), layer)

    def _setting(self, block: Block, key: str, name: str, layer: str) -> Field | Finding:
        problem = _not_to_be_set(name, self.version)
        if problem is not None:
            code, message, help_ = problem
            return Finding(
                code=code, severity=Severity.ERROR, message=message, where=key_location(block, key), help=help_
            )
        value = self._canonical(name, block[key])
        if isinstance(value, settings.NotValid):
            return Finding(
                code="KO1209",
                severity=Severity.ERROR,
                message=value.message,
                where=value_location(block, key),
                help=value.hint,
            )
        return Field(name, value, Origin(value_location(block, key), layer))

    def _canonical(self, name: str, value: Any) -> str | settings.NotValid:
        key = (name, type(value), tuple(value) if isinstance(value, list) else value)
        if key not in self._values:
            try:
                self._values[key] = settings.canonical(name, value, version=self.version)
            except settings.NotValid as error:
                self._values[key] = error
        return self._values[key]

    def judged(self, wanted: Topic) -> tuple[list[settings.Conflict], list[settings.Lint]]:
        """Ten thousand topics have few different settings."""
        key = (wanted.partitions, wanted.replication, *wanted.config.items())
        if key not in self._judged:
            self._judged[key] = (
                settings.conflicts(wanted.config, self.version),
                settings.lints(wanted.partitions, wanted.replication, wanted.config, self.version),
            )
        return self._judged[key]


@cache
def _not_to_be_set(name: str, version: str | None) -> tuple[str, str, str] | None:
    if name in OPERATIONAL:
        return "KO1315", f"`{name}` is set for the time of a move, and never declared", "remove the line"
    match settings.known_in(name, version):
        case settings.NotYet(since=since):
            return (
                "KO1207",
                f"`{name}` came with Kafka {since}, the cluster runs {version}",
                f"remove the line until the cluster runs {since}",
            )
        case settings.Removed(removed=gone):
            return "KO1207", f"`{name}` went with Kafka {gone}", "remove the line: brokers refuse it"
        case settings.Known():
            return None
        case None:
            return None  # a vendor's own, that the brokers judge: the schema has told what looks like a typo


@dataclass(frozen=True, slots=True)
class Context:
    profiles: Mapping[str, Block]
    overrides: tuple[Override, ...]
    cluster: str
    lint: Mapping[str, str]
    layers: Layers


def topic(
    name: str, block: Block, where: Location, context: Context, *, owner: str = "", below: Iterable[Field] = ()
) -> tuple[Topic | None, tuple[Finding, ...]]:
    """`below`: fields of the lowest layer, such as those that a retry topic takes from its source."""
    fields: dict[str, Field] = {field.name: field for field in below}
    findings: list[Finding] = []
    for found, problems in _layers(name, block, context):
        fields |= {field.name: field for field in found}
        findings += problems
    if "profile" not in block or block["profile"] in context.profiles:  # nobody knows what an unknown one would say
        findings += _missing(name, fields, where)
    if any(finding.blocks for finding in findings):
        return None, tuple(findings)
    wanted = _topic(name, block, where, fields, owner)
    conflicts, lints = context.layers.judged(wanted)
    return wanted, (*findings, *_contradictions(wanted, conflicts), *_lints(wanted, lints, context.lint))


def _layers(name: str, block: Block, context: Context) -> Iterator[tuple[tuple[Field, ...], tuple[Finding, ...]]]:
    profile = block.get("profile")
    if profile is not None:
        if profile in context.profiles:
            yield context.layers.shared(context.profiles[profile], f"profile {profile}")
        else:
            yield (), (_unknown_profile(block, profile, context),)
    yield context.layers.read(block, "own block")
    for override in context.overrides:
        if fnmatchcase(name, override.match):
            yield context.layers.shared(override.block, f"override of {context.cluster}")


def _unknown_profile(block: Block, profile: str, context: Context) -> Finding:
    near = get_close_matches(profile, context.profiles, n=1)
    known = ", ".join(sorted(context.profiles)) or "none"
    return Finding(
        code="KO1302",
        severity=Severity.ERROR,
        message=f"there is no profile `{profile}`",
        where=value_location(block, "profile"),
        label="not in kafkaops.yaml",
        help=f"did you mean `{near[0]}`" if near else f"the profiles are: {known}",
        fix=f"profile: {near[0]}" if near else "",
    )


def _missing(name: str, fields: Mapping[str, Field], where: Location) -> Iterator[Finding]:
    missing = [
        word for word, field in (("partitions", PARTITIONS), ("replication-factor", REPLICATION)) if field not in fields
    ]
    if missing:
        yield Finding(
            code="KO1309",
            severity=Severity.ERROR,
            message=f"topic `{name}` has no {' and no '.join(missing)}",
            where=where,
            help=f"write `{missing[0]}:` here, or in a profile that it names",
        )


def _topic(name: str, block: Block, where: Location, fields: Mapping[str, Field], owner: str) -> Topic:
    return Topic(
        name=name,
        partitions=int(fields[PARTITIONS].text),
        replication=int(fields[REPLICATION].text),
        config={key: field.text for key, field in fields.items() if key not in {PARTITIONS, REPLICATION}},
        where=where,
        origins={key: field.origin for key, field in fields.items()},
        owner=block.get("owner", owner),
        description=block.get("description", ""),
        key=block.get("key", ""),
    )


def _contradictions(wanted: Topic, conflicts: Iterable[settings.Conflict]) -> Iterator[Finding]:
    for conflict in conflicts:
        yield Finding(
            code="KO1210",
            severity=Severity.ERROR,
            message=f"`{wanted.name}`: {conflict.message}",
            where=wanted.place(conflict.key),
            help=conflict.hint,
        )


def _lints(wanted: Topic, lints: Iterable[settings.Lint], policy: Mapping[str, str]) -> Iterator[Finding]:
    for found in lints:
        yield from lint(
            found.rule,
            policy,
            message=f"`{wanted.name}`: {found.message}",
            address=f"topic/{wanted.name}",
            where=wanted.place(found.key),
            help=found.hint,
        )


def legal_name(name: str) -> str | None:
    """Why the name is no topic name; None when it is one (Topic.validate)."""
    if name in {".", ".."}:
        return "`.` and `..` are no topic names"
    if len(name) > 249:  # noqa: PLR2004  # Topic.MAX_NAME_LENGTH
        return f"a topic name has at most 249 characters, this one {len(name)}"
    if not _LEGAL.fullmatch(name):
        return "a topic name is made of a-z, A-Z, 0-9, `.`, `_` and `-`"
    return None
