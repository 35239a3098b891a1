"""What files may hold, as JSON Schema (draft 2020-12), and every place where one does not; the only user of jsonschema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, get_close_matches
from functools import cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from kafkaops.findings import Finding, Location, Severity, sort_key
from kafkaops.kinds.acl import schema as acl
from kafkaops.kinds.topic import schema as topic
from kafkaops.kinds.topic import settings
from kafkaops.source import Block, Document, Row, key_location, locate, value_location
from kafkaops.terms import (
    ACKNOWLEDGE_ANY,
    APPLICATION,
    FLAG,
    HOST,
    KAFKA_VERSION,
    NOUNS,
    PERCENT,
    PRINCIPAL,
    RATE,
    SERVER,
    SHARE,
    SIZE,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    WINDOW,
    Schema,
    block,
    key,
    named,
    one_of,
    rows,
    whole,
)

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

SETTINGS_FILE = "kafkaops.yaml"
TOPOLOGY_SCHEMA = "kafkaops.schema.json"
SETTINGS_SCHEMA = "kafkaops.settings.schema.json"
"""Beside the files, for editors."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FREE_KEYS: Schema = {"patternProperties": {"^x-": {"description": "Ignored: a place for anchors."}}}
_SERVER_EXAMPLE = ["broker-1:9093", "broker-2:9093"]


# The two files


def settings_schema() -> Schema:
    """kafkaops.yaml: one call builds it anew, so a caller may change what it got."""
    keys = {
        "version": key({"const": 1}, "The version of the language.", 1),
        "requires": key(TEXT, "The versions of kafkaops that may read this topology.", ">=0.3"),
        "naming": _naming(),
        "profiles": named(topic.profile(), "Settings that topics share, by the name of the profile."),
        "clusters": named(_cluster(), "The clusters that this topology is for, by name."),
        "protect": key(
            TEXTS, "Topics that are never deleted and never lose data, whatever a block says.", ["payment.*"]
        ),
        "ignore": key(TEXTS, "Topics that are never looked at; Kafka's own always are ignored.", ["connect-*"]),
        "policy": _policy(),
        "acknowledge": ACKNOWLEDGE_ANY,
    }
    return _file(SETTINGS_FILE, "The settings of a topology.", keys, required=("version",))


def topology_schema() -> Schema:
    """Every other file."""
    principals = {"propertyNames": {"pattern": PRINCIPAL["pattern"]}}
    keys = {
        "version": key({"const": 1}, "The version of the language.", 1),
        "domain": key(TEXT_OR_TEXTS, "Owns every topic whose name begins with it and a dot.", "order"),
        "owner": key(TEXT, "The team that answers for this file.", "team-orders"),
        "share": SHARE,
        "topics": named(topic.topic(), "Topics by name."),
        "applications": named(acl.application(), "Services by name.", propertyNames=APPLICATION),
        "principals": named(acl.principal(), "Principals by name, such as `User:old-billing`.", **principals),
        "acls": rows(acl.acl(), "Access that roles cannot say."),
        "acknowledge": ACKNOWLEDGE_ANY,
    }
    return _file("topology file", "Topics and who may use them.", keys)


def for_editors(name: str) -> str:
    """The first line of a file that has this schema beside it."""
    return f"# yaml-language-server: $schema={name}\n"


def _file(title: str, description: str, keys: Mapping[str, Schema], *, required: Sequence[str] = ()) -> Schema:
    return {
        "$schema": _DIALECT,
        **block(title, description, keys, required=required),
        **_FREE_KEYS,
        "$defs": topic.definitions(),
    }


def _naming() -> Schema:
    keys = {
        "pattern": key(
            TEXT, "What topic names look like, parts in braces.", "{domain}.{entity}.{event-type}.{version}"
        ),
        "parts": named(
            key(TEXT, "A regular expression."),
            "What a part looks like; `[a-z][a-z0-9-]*` when left out.",
            examples=[{"version": "v[0-9]+"}],
        ),
        "exempt": key(TEXTS, "Topics that may have any name.", ["*-retry-*", "*-dlt"]),
    }
    return block("naming", "The convention for names of topics.", keys)


def _cluster() -> Schema:
    keys = {
        "bootstrap-servers": key(
            {"type": "array", "items": SERVER, "minItems": 1}, "Where clients connect first.", _SERVER_EXAMPLE
        ),
        "cluster-id": key(TEXT, "The pin that `apply` needs: any other cluster is refused.", "Qm7xT0pRSc2vW4f2A"),
        "client-config": key(
            TEXT, "A client properties file, Java's or librdkafka's, beside this file.", "production.properties"
        ),
        "authorizer": _authorizer(),
        "override": rows(_override(), "What this cluster sets over the topology, in order: the last one wins."),
        "kafka-version": key(KAFKA_VERSION, "What `validate` checks settings against.", "4.4"),
        "placement": _placement(),
        "manage": _manage(),
        "broker-validation": key(
            one_of("apply", "plan"), "Which command has the brokers validate changes.", default="apply"
        ),
        "journal": key(
            one_of("on", "off"),
            "Whether runs lock each other out and write down what they do, in the topic `_kafkaops.journal`.",
            default="on",
        ),
    }
    return block(
        "cluster", "How to reach a cluster, and what is different there.", keys, required=("bootstrap-servers",)
    )


def _authorizer() -> Schema:
    principals: Schema = {"type": "array", "items": PRINCIPAL}
    keys = {
        "super-users": key(principals, "The brokers' `super.users`.", ["User:admin"]),
        "allow-everyone": key(FLAG, "The brokers' `allow.everyone.if.no.acl.found`.", False),
        "principal": key(PRINCIPAL, "Who kafkaops is to Kafka.", "User:kafkaops"),
        "plan-principal": key(PRINCIPAL, "Who `plan` is to Kafka, where that is another one.", "User:kafkaops-plan"),
        "brokers": key(principals, "Who the brokers are to each other.", ["User:ANONYMOUS"]),
        "break-glass": key(principals, "Who must always get in.", ["User:on-call"]),
    }
    return block("authorizer", "What Kafka does not tell about who may do what.", keys)


def _override() -> Schema:
    keys = {
        "match": key(TEXT, "The topics; `*` stands for any text.", "*"),
        "set": topic.override(),
    }
    return block("override entry", "Topics and what is set for them.", keys, required=("match", "set"))


def _placement() -> Schema:
    brokers: Schema = {"type": "array", "items": whole(0)}
    keys = {
        "racks": key(
            one_of("auto", "on", "strict", "off"),
            "Whether the replicas of a partition are spread over racks: `auto` where brokers have racks, `on` insists that they have, `strict` also that each replica has a rack of its own.",
            default="auto",
        ),
        "drain": key(brokers, "Brokers that shall hold no replica.", [4]),
        "balance": key(
            one_of("off", "count", "bytes"),
            "What `apply --rebalance` makes even over brokers: the number of replicas, or their bytes too.",
            default="off",
        ),
        "tolerance": key(PERCENT, "How far from even a broker's bytes may be.", "10%", default="10%"),
        "throttle": key(RATE, "How fast each broker may copy; as fast as it can when left out.", "50MiB/s"),
        "concurrency": key(whole(1, 100), "How many partitions are copied to or from a broker at once.", default=3),
        "window": key(
            WINDOW, "When copies may start, UTC or in a named zone.", "22:00-06:00", "22:00-06:00 Europe/Berlin"
        ),
        "disk-reserve": key(PERCENT, "The part of each disk that copies leave free.", "5%", default="5%"),
    }
    return block("placement", "Where replicas belong, and how they are moved there.", keys)


def _manage() -> Schema:
    keys = {
        "topics": key(FLAG, "Whether kafkaops changes topics there.", default=True),
        "acls": key(FLAG, "Whether kafkaops changes ACLs there.", default=True),
        "placement": key(FLAG, "Whether kafkaops moves replicas there.", default=True),
    }
    return block("manage", "What is managed there, for services that keep a part to themselves.", keys)


def _policy() -> Schema:
    keys = {
        "safe-below-bytes": key(
            SIZE, "Topics smaller than this need no acknowledgement to lose data by retention.", "10MiB", default=0
        ),
        "max-deletes": key(whole(0), "More deletions than this in one plan block it.", 5, default=5),
        "max-revokes": key(whole(0), "More revokes than this in one plan block it.", 20, default=20),
        "lint": named(
            one_of("off", "warning", "error"), "Severities by lint rule.", examples=[{"replication-below-3": "error"}]
        ),
    }
    return block("policy", "Limits and severities.", keys)


# Words of the language, by the block that they stand in, that this version does not do

_NOT_YET: Mapping[str, frozenset[str]] = {
    "topology file": frozenset({"schemas", "connectors"}),
    "application": frozenset({"user", "quota"}),
    "cluster": frozenset({"schema-registry", "connect"}),
}


# Checking


def check(document: Document) -> tuple[Finding, ...]:
    """Every problem of a file, each at its place, in the order of the file."""
    is_settings = document.path.name == SETTINGS_FILE
    problems = _Problems(document)
    found = [
        *(
            finding
            for error in _validator(is_settings=is_settings).iter_errors(document.root)
            for finding in problems.of(_fault(error))
        ),
        *(finding for layer in _layers(document.root) for finding in problems.of_settings(layer)),
    ]
    return tuple(sorted(dict.fromkeys(found), key=sort_key))


def sound(document: Document) -> Document:
    """The file without the parts that `check` finds wrong, so that what is right can be checked for its meaning all the same."""
    is_settings = document.path.name == SETTINGS_FILE
    bad = {tuple(error.absolute_path)[:2] for error in _validator(is_settings=is_settings).iter_errors(document.root)}
    root = _without(document.root, {path[0] for path in bad if len(path) == 1})
    for section in {path[0] for path in bad if len(path) > 1} & root.keys():
        steps = {path[1] for path in bad if len(path) > 1 and path[0] == section}
        root[section] = _without_items(root[section], steps)
    return replace(document, root=root)


def _without_items(section: Any, steps: set[str | int]) -> Any:
    if not isinstance(section, Row):
        return _without(section, steps)
    kept = Row(section.file)
    for index, item in enumerate(section):
        if index not in steps:
            kept.append(item)
            kept.items_at.append(section.items_at[index])
    return kept


def misfit(document: Mapping[str, Any], schema: Schema) -> str:
    """Where a document does not follow its schema, in words; empty where it does."""
    from jsonschema import Draft202012Validator, FormatChecker  # noqa: PLC0415  # 0.1 s that `--help` does without

    times = FormatChecker(formats=())
    times.checks("date-time")(lambda value: not isinstance(value, str) or _WRITTEN_TIME.fullmatch(value) is not None)
    error = next(iter(Draft202012Validator(schema, format_checker=times).iter_errors(document)), None)
    if error is None:
        return ""
    place = ".".join(map(str, error.absolute_path))
    if error.validator == "required":
        missing = next(one for one in error.validator_value if one not in error.instance)
        return f"`{'.'.join(filter(None, [place, missing]))}` is missing"
    return f"`{place}` holds what cannot stand there"


_WRITTEN_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
"""Of a time in a document: views show it as it is."""


def _without(block: Block, keys: set[str | int]) -> Block:
    kept = Block(block.file)
    kept.at, kept.keys_at, kept.values_at = block.at, block.keys_at, block.values_at
    kept.update((key, value) for key, value in block.items() if key not in keys)
    return kept


@cache
def _validator(*, is_settings: bool) -> Any:
    from jsonschema import Draft202012Validator, validators  # noqa: PLC0415  # 0.1 s that `--help` does without

    descent = _Descent()
    extended: Any = validators.extend(  # type: ignore[no-untyped-call]
        Draft202012Validator,
        {
            "properties": descent.properties,
            "additionalProperties": descent.additional,
            "items": descent.items,
            "pattern": _matching,
        },
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int),
    )
    return extended(settings_schema() if is_settings else topology_schema())


@dataclass(frozen=True, slots=True)
class _Fault:
    """One of jsonschema's errors: `value` at `path` does not satisfy `keyword: asked` of `schema`.

    misfit    the value that an alternative was tried on has another type
    of_key    `value` is a key of the mapping at `path`
    branches  by alternative of an `anyOf`
    """

    keyword: str
    asked: Any
    value: Any
    schema: Schema
    path: tuple[str | int, ...]
    misfit: bool
    of_key: bool
    branches: tuple[tuple[_Fault, ...], ...]

    @property
    def key(self) -> str:
        """The nearest key: an item of a list goes by the list's."""
        return next((step for step in reversed(self.path) if isinstance(step, str)), "")


def _fault(error: ValidationError) -> _Fault:
    by_branch: dict[Any, list[_Fault]] = {}
    for one in error.context or ():
        by_branch.setdefault(one.relative_schema_path[0], []).append(_fault(one))
    schema: Any = error.schema
    return _Fault(
        keyword=str(error.validator),
        asked=error.validator_value,
        value=error.instance,
        schema=schema,
        path=tuple(error.absolute_path),
        misfit=error.validator == "type" and not error.relative_path,
        of_key="propertyNames" in error.absolute_schema_path,
        branches=tuple(tuple(branch) for branch in by_branch.values()),
    )


def _matching(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    """JSON Schema's `pattern`, all of which are anchored here: its `$` is the very end, while Python's also stands before a last line feed."""
    if isinstance(instance, str) and not re.fullmatch(pattern, instance):
        yield _refusal("no match")


def _refusal(message: str) -> ValidationError:
    from jsonschema.exceptions import ValidationError  # noqa: PLC0415  # as above

    return ValidationError(message)


class _Descent:
    """How jsonschema goes into mappings and lists, with one validator for each schema, and each question about a scalar asked once: ten thousand topics have few different ones."""

    def __init__(self) -> None:
        self._validators: dict[int, Any] = {}
        self._passed: set[tuple[int, type, Any]] = set()

    def properties(self, above: Any, keys: Mapping[str, Schema], instance: Any, _: Schema) -> Iterator[ValidationError]:
        for name, value in instance.items() if isinstance(instance, dict) else ():
            if name in keys:
                yield from self._errors(above, keys[name], value, name, in_schema=name)

    def additional(self, above: Any, entry: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
        known, free = schema.get("properties", {}), schema.get("patternProperties", {})
        for name, value in instance.items() if isinstance(instance, dict) else ():
            if name in known or any(re.search(pattern, name) for pattern in free):
                continue
            if entry is False:
                yield _refusal("unknown keys")  # one for all of them
                return
            yield from self._errors(above, entry, value, name)

    def items(self, above: Any, entry: Schema, instance: Any, _: Schema) -> Iterator[ValidationError]:
        for index, value in enumerate(instance if isinstance(instance, list) else ()):
            yield from self._errors(above, entry, value, index)

    def _errors(
        self, above: Any, schema: Schema, value: Any, step: str | int, *, in_schema: str | None = None
    ) -> Iterator[ValidationError]:
        question = None if isinstance(value, dict | list) else (id(schema), type(value), value)
        if question in self._passed:
            return
        if id(schema) not in self._validators:
            self._validators[id(schema)] = above.evolve(schema=schema)
        errors = list(self._validators[id(schema)].iter_errors(value))
        if question is not None and not errors:
            self._passed.add(question)
        for error in errors:
            error.relative_path.appendleft(step)
            if in_schema is not None:
                error.relative_schema_path.appendleft(in_schema)
        yield from errors


def _layers(root: Block) -> Iterator[Block]:
    """Every block that holds settings of topics."""
    for section in ("topics", "profiles"):
        yield from _blocks(_values(root.get(section)))
    for cluster in _blocks(_values(root.get("clusters"))):
        overrides = cluster.get("override")
        for override in _blocks(overrides if isinstance(overrides, Row) else ()):
            yield from _blocks([override.get("set")])


def _values(section: Any) -> Iterable[Any]:
    return section.values() if isinstance(section, Block) else ()


def _blocks(values: Iterable[Any]) -> Iterator[Block]:
    return (value for value in values if isinstance(value, Block))


_kafka_name = cache(settings.kafka_name)


# Sentences

_TYPES = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}
_SECRET = re.compile(r"password|passwd|passphrase|secret|token\b|jaas|private[._-]?key", re.IGNORECASE)
_WITH_ITS_VALUE = re.compile(rf"((?:{_SECRET.pattern})[\w.-]*[:=]).+", re.IGNORECASE | re.DOTALL)
_REFERENCE = re.compile(r"\$\{[^}]*\}|file:.*|command:.*")
_LONGEST_QUOTE = 60


class _Problems:
    """jsonschema's errors in one file, as findings in our words."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.lines = document.text.split("\n")

    def of(self, fault: _Fault) -> Iterator[Finding]:
        title = fault.schema.get("title", "")
        if title in settings.SETTINGS:
            yield from self._setting_value(fault, title)
            return
        if fault.of_key:
            yield self._wrong_name(fault)
            return
        match fault.keyword:
            case "additionalProperties":
                yield from self._unknown_keys(fault)
            case "required":
                yield from self._missing_keys(fault)
            case "anyOf":
                yield from self._no_branch(fault)
            case "type" | "pattern":
                yield self._wrong_type(fault)
            case _:
                yield self._not_allowed(fault)

    # unknown keys

    def _unknown_keys(self, fault: _Fault) -> Iterator[Finding]:
        here, schema = fault.value, fault.schema
        free = schema.get("patternProperties", {})
        for name in here:
            if name in schema["properties"] or any(re.search(pattern, name) for pattern in free):
                continue
            where = locate(self.document.root, (*fault.path, name), key=True)
            secrets = list(self._secrets(here, name))
            if name in _NOT_YET.get(schema["title"], ()):
                yield self._not_yet(name, where)
            elif not secrets or _nearest(name, list(schema["properties"])):
                yield self._unknown_key(here, name, schema, where)
                continue
            yield from secrets

    def _unknown_key(self, here: Block, name: str, schema: Schema, where: Location) -> Finding:
        title = schema["title"]
        words = [word for word in schema["properties"] if settings.kafka_name(word) is None]
        nearest = _nearest(name, words)
        if (apart := _apart(name, schema["properties"])) is not None:
            return _error(
                "KO1201",
                f"unknown key `{_brief(name)}`",
                where,
                label="all of it is one key",
                help=f"write `{_brief(apart)}`, with a space behind the `:`",
                fix=self._line_with((where, apart)) if here[name] is None else "",
            )
        if "config" in schema["properties"]:
            setting = _nearest_setting(name)
            if setting is not None and (nearest is None or _likeness(name, setting) > _likeness(name, nearest)):
                return self._unknown_setting(here, name, setting)
            if nearest is None:
                return self._neither_word_nor_setting(name, title, where)
        return _error(
            "KO1201",
            f"unknown key `{_brief(name)}`",
            where,
            label=f"not a key of {_a(title)}",
            help=f"write `{nearest}`" if nearest else f"the keys of {_a(title)} are {_listed(words)}",
            fix=self._line_with((where, nearest)) if nearest else "",
        )

    def _neither_word_nor_setting(self, name: str, title: str, where: Location) -> Finding:
        if (known := settings.kafka_name(name)) is not None:
            return _error(
                "KO1315", f"`{known}` is set for the time of a move, and never declared", where, help="remove the line"
            )
        return _error(
            "KO1201",
            f"unknown key `{_brief(name)}`",
            where,
            label=f"not a key of {_a(title)}, and no topic setting that kafkaops knows",
            help="remove it, or write a vendor's setting by its dotted name below `config:`",
        )

    def _not_yet(self, name: str, where: Location) -> Finding:
        return _error(
            "KO1206",
            f"`{name}` is not supported yet",
            where,
            label="this version would not act on it",
            help="remove it; nothing that is declared is silently ignored",
        )

    def _secrets(self, here: Block, name: str) -> Iterator[Finding]:
        """Literals below a key that nothing reads: whatever they are, they do not belong into git."""
        value = here[name]
        if isinstance(value, Block):
            for inner in value:
                yield from self._secrets(value, inner)
        elif isinstance(value, Row):
            for item in _blocks(value):
                for inner in item:
                    yield from self._secrets(item, inner)
        elif _SECRET.search(name) and value is not None and not _REFERENCE.fullmatch(str(value).strip()):
            yield _error(
                "KO1211",
                f"`{_brief(name)}` is a secret, and it is written out",
                key_location(here, name),
                label="in every clone of the repository",
                help="replace the secret where it is used; then keep it in a client properties file as `${VARIABLE}`, which `client-config` names",
            )

    # settings of topics

    def of_settings(self, layer: Block) -> Iterator[Finding]:
        config = layer.get("config")
        written = [(layer, name) for name in layer if _kafka_name(name) is not None]
        if isinstance(config, Block):
            written += [(config, name) for name in config]
            yield from self._names_below_config(config)
        if len({_kafka_name(name) or name for _, name in written}) < len(written):
            yield from self._twice(written)

    def _names_below_config(self, config: Block) -> Iterator[Finding]:
        for name in config:
            if name in settings.SETTINGS:
                continue
            yield from self._secrets(config, name)
            known = settings.kafka_name(name)
            nearest = known if known is not None else _nearest_setting(name)
            if nearest is not None:
                yield self._unknown_setting(config, name, nearest)

    def _unknown_setting(self, here: Block, name: str, nearest: str) -> Finding:
        known = settings.SETTINGS[settings.kafka_name(nearest) or nearest]
        where = key_location(here, name)
        changes = [(where, nearest)]
        if (value := _with_unit(name, here[name], known)) is not None:
            changes.append((value_location(here, name), value))
        return _error(
            "KO1204",
            f"unknown topic setting `{_brief(name)}`",
            where,
            label="not a topic setting in Kafka",
            help=f"use `{nearest}`" + (f"; kafkaops accepts {known.unit}s there" if known.unit else ""),
            fix=self._line_with(*changes),
        )

    def _twice(self, written: Iterable[tuple[Block, str]]) -> Iterator[Finding]:
        first: dict[str, Location] = {}
        for here, name in sorted(written, key=lambda one: key_location(*one)):
            where = key_location(here, name)
            known = _kafka_name(name) or name
            if known in first:
                yield _error(
                    "KO1208",
                    f"`{_brief(known)}` is set twice in one block",
                    where,
                    label="the second spelling",
                    also=((first[known], "the first"),),
                    help="keep one of them",
                )
            first.setdefault(known, where)

    def _setting_value(self, fault: _Fault, name: str) -> Iterator[Finding]:
        """`canonical` is the judge: it also says what to write."""
        try:
            settings.canonical(name, fault.value, version=None)
        except settings.NotValid as refused:
            where = locate(self.document.root, fault.path, key=False)
            code = "KO1202" if fault.keyword in {"type", "pattern"} else "KO1203"
            message = refused.message if fault.value is not None else f"`{name}` has no value"
            yield _error(code, message, where, help=refused.hint)

    # missing keys

    def _missing_keys(self, fault: _Fault) -> Iterator[Finding]:
        for name in fault.asked:
            if name not in fault.value:
                schema = fault.schema["properties"][name]
                yield _error(
                    "KO1205",
                    f"{self._named(fault)} has no `{name}`",
                    locate(self.document.root, fault.path, key=True),
                    label=f"`{name}` is missing",
                    help=f"write `{name}: {_example(schema)}`"
                    if _example(schema)
                    else f"write `{name}:` and below it {_takes(schema)}",
                )

    def _named(self, fault: _Fault) -> str:
        title = fault.schema["title"]
        last = fault.path[-1] if fault.path else None
        if last is None:
            return f"`{self.document.file}`"
        return f"{title} `{_brief(last)}`" if isinstance(last, str) and last != title else f"this {title}"

    # wrong values

    def _no_branch(self, fault: _Fault) -> Iterator[Finding]:
        """Where one alternative has the value's type, what is wrong with it; else what the alternatives are."""
        if all(one.keyword == "required" for branch in fault.branches for one in branch):
            yield self._none_of(fault)
            return
        fitting = [branch for branch in fault.branches if not any(one.misfit for one in branch)]
        if len(fitting) == 1:
            for one in fitting[0]:
                yield from self.of(_for_people(one, fault))
        else:
            yield self._wrong_type(fault)

    def _none_of(self, fault: _Fault) -> Finding:
        words = [branch["required"][0] for branch in fault.asked]
        return _error(
            "KO1205",
            f"this {fault.schema['title']} names no resource",
            locate(self.document.root, fault.path, key=True),
            help=f"write at least one of {_listed(words)}",
        )

    def _wrong_type(self, fault: _Fault) -> Finding:
        where = locate(self.document.root, fault.path, key=False)
        name, value, schema = fault.key, fault.value, fault.schema
        better = _corrected(value, schema)
        example = _example(schema)
        return _error(
            "KO1202",
            f"`{_brief(name)}` has no value"
            if value is None
            else f"{self._shown(name, value)} is not {_takes(schema)}",
            where,
            label=f"`{_brief(name)}` takes {_takes(schema)}" if value is None or isinstance(value, dict | list) else "",
            help=f"write `{better}`" if better else _advice(schema, example),
            fix=self._line_with((where, better)) if better and value is not None else "",
        )

    def _shown(self, name: str, value: Any) -> str:
        if isinstance(value, dict):
            return f"the mapping below `{_brief(name)}`"
        if isinstance(value, list):
            return f"the list below `{_brief(name)}`"
        return f"the value of `{_brief(name)}`" if _SECRET.search(name) else f"`{_brief(_said(value))}`"

    def _not_allowed(self, fault: _Fault) -> Finding:
        name, value, schema = fault.key, fault.value, fault.schema
        where = locate(self.document.root, fault.path, key=False)
        if schema.get("const") is False:
            return self._not_yet(name, locate(self.document.root, fault.path, key=True))
        if value in ("", []):
            return _error("KO1203", f"`{_brief(name)}` is empty", where, help=_advice(schema, _example(schema)))
        words = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
        if not words:
            return _error(
                "KO1203",
                f"`{_brief(name)}` cannot be {self._quoted(name, value)}",
                where,
                help=f"write {_limits(schema, value)}",
            )
        nearest = _nearest(str(value), [str(word) for word in words])
        return _error(
            "KO1203",
            f"{self._quoted(name, value)} is not allowed in `{_brief(name)}`"
            if isinstance(fault.path[-1], int)
            else f"`{_brief(name)}` cannot be {self._quoted(name, value)}",
            where,
            help=f"write `{nearest}`" if nearest else f"write {_either(words)}",
            fix=self._line_with((where, nearest)) if nearest else "",
        )

    def _quoted(self, name: str, value: Any) -> str:
        if isinstance(value, dict | list):
            return _TYPES["object" if isinstance(value, dict) else "array"]
        return "that" if _SECRET.search(name) else f"`{_brief(_said(value))}`"

    def _wrong_name(self, fault: _Fault) -> Finding:
        """Of a principal or an application."""
        name, noun = fault.value, NOUNS[fault.asked]
        where = locate(self.document.root, (*fault.path, name), key=True)
        bare = re.sub("^user:", "", name, flags=re.IGNORECASE).strip(" *")
        better = bare and (f"User:{bare}" if fault.asked == PRINCIPAL["pattern"] else bare)
        return _error(
            "KO1202",
            f"`{_brief(name)}` is not {noun}",
            where,
            help=f"write `{_brief(better)}`" if better else f"write {noun}, such as `order-service`",
            fix=self._line_with((where, better)) if better else "",
        )

    def _line_with(self, *changes: tuple[Location, str]) -> str:
        """The line with other text in these places, without its indent; "" for one that may hold a secret."""
        number = changes[0][0].line
        if any(place.line != number for place, _ in changes):
            changes = changes[:1]
        line = self.lines[number - 1]
        if _SECRET.search(line):
            return ""
        for place, text in sorted(changes, reverse=True):
            line = line[: place.column - 1] + text + line[place.end_column - 1 :]
        return line.strip()


def _error(code: str, message: str, where: Location, **more: Any) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, where=where, **more)


def _for_people(alternative: _Fault, whole: _Fault) -> _Fault:
    """An alternative's own schema has no examples: those of the key that it is an alternative for are meant."""
    if alternative.path != whole.path:
        return alternative
    return replace(alternative, schema={"examples": whole.schema.get("examples", []), **alternative.schema})


# Words


def _takes(schema: Schema) -> str:
    """What a value has to be, as a noun."""
    if "anyOf" in schema and "type" not in schema:
        nouns = list(dict.fromkeys(_takes(one) for one in schema["anyOf"]))
        units = [noun for noun in nouns if noun in NOUNS.values()]
        return " or ".join(units or nouns)
    if "pattern" in schema:
        return NOUNS[schema["pattern"]]
    if "enum" in schema or "const" in schema:
        return _either(schema.get("enum") or [schema["const"]])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(_TYPES[one] for one in types if one != "null")


def _advice(schema: Schema, example: str) -> str:
    if example:
        return f"write {_takes(schema)}, such as `{example}`"
    return f"write {_takes(schema)}" if _takes(schema) != "a mapping" else "write its keys below it, or remove the line"


def _limits(schema: Schema, value: Any) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    return f"{least} to {most}" if most is not None and (most <= _MOST_SAID or value > most) else f"{least} or more"


def _example(schema: Schema) -> str:
    return _yaml(schema["examples"][0]) if schema.get("examples") else ""


def _corrected(value: Any, schema: Schema) -> str:
    """The same value as the type that is asked for, when it is plain what was meant."""
    types = [branch.get("type") for branch in schema.get("anyOf", [schema])]
    if isinstance(value, str):
        return _corrected_pattern(value, schema["pattern"]) if "pattern" in schema else _corrected_text(value, types)
    is_number = isinstance(value, int | float)
    return json.dumps(_yaml(value)) if is_number and types == ["string"] and "pattern" not in schema else ""


def _corrected_text(value: str, types: Sequence[Any]) -> str:
    if value and "array" in types and "string" not in types:
        return _yaml([value])
    if "boolean" in types:
        return {"yes": "true", "on": "true", "no": "false", "off": "false"}.get(value.lower(), "")
    return value if "integer" in types and re.fullmatch(r"[0-9]{1,18}", value) else ""


def _corrected_pattern(value: str, pattern: str) -> str:
    if pattern == PRINCIPAL["pattern"]:
        meant = re.fullmatch(r"(?:user:)?([\w.-]+)", value, re.IGNORECASE)
        return f"User:{meant[1]}" if meant else ""
    return _address(value) if pattern == HOST["pattern"] else ""


def _address(text: str) -> str:
    """As Java prints it: `::1` -> `0:0:0:0:0:0:0:1`."""
    bare, scope, interface = text.strip("[]").partition("%")
    try:
        address = ip_address(bare)
    except ValueError:
        return ""
    groups = address.exploded.split(":")
    return bare if len(groups) == 1 else ":".join(f"{int(group, 16):x}" for group in groups) + scope + interface


_PLAIN = re.compile(r"[A-Za-z0-9_/$.][\w./$*-]*(:[\w./-]+)*", re.ASCII)


def _yaml(value: Any) -> str:
    """A value as one writes it on a line of YAML."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value if _PLAIN.fullmatch(value) or " " in value else json.dumps(value, ensure_ascii=False)
        case list():
            return f"[{', '.join(_yaml(one) for one in value)}]"
        case dict():
            return f"{{{', '.join(f'{name}: {_yaml(one)}' for name, one in value.items())}}}"
        case _:
            return str(value)


_MOST_SAID = 1000  # a limit that is nobody's wish is not said


def _said(value: Any) -> str:
    return value if isinstance(value, str) else _yaml(value)


def _brief(text: object) -> str:
    """`password:hunter2` lacks the space that would make it a key and its value, and is not quoted whole."""
    line = _WITH_ITS_VALUE.sub(r"\1***", str(text))
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}..."


def _a(noun: str) -> str:
    if noun == SETTINGS_FILE:
        return noun
    return f"{'an' if noun[0] in 'aeioAEIO' else 'a'} {noun}"


def _either(words: Iterable[Any]) -> str:
    quoted = [f"`{_said(word)}`" for word in words]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


# What was probably meant

_CLOSE = 0.7
_VERY_CLOSE = 0.8


def _nearest(written: str, words: Sequence[str]) -> str | None:
    """Letter case aside: `read` -> `Read`."""
    by_lower_case = {word.lower(): word for word in words}
    close = get_close_matches(written.lower(), by_lower_case, n=1, cutoff=_CLOSE)
    return by_lower_case[close[0]] if close else None


@cache
def _nearest_setting(written: str) -> str | None:
    """Not for what a vendor may well have: `vendor.retention.ms` shares no beginning with Kafka's own."""
    nearest = settings.suggest(written)
    if nearest is None:
        return None
    same_beginning = re.split(r"[.-]", nearest)[0] == re.split(r"[.-]", written)[0]
    is_broker_name = written.replace("-", ".").startswith("log.")
    return nearest if same_beginning or is_broker_name or _likeness(written, nearest) >= _VERY_CLOSE else None


def _apart(name: str, known: Iterable[str]) -> str | None:
    """`profile:small`, which YAML takes for one key, as a key and its value."""
    key, colon, value = name.partition(":")
    return f"{key}: {value}" if colon and value and key in known else None


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one.lower(), other.lower()).ratio()


_IN_NAME = {"ms": "ms", "seconds": "s", "minutes": "m", "hours": "h", "days": "d"}


def _with_unit(written: str, value: Any, setting: settings.Setting) -> str | None:
    """`retention.hours: 168` -> `7d`: the unit moves from the name into the value."""
    unit = _IN_NAME.get(re.split(r"[.-]", written)[-1])
    if setting.unit != "duration" or unit is None or type(value) is not int or value < 0:
        return None
    return settings.show(setting.name, settings.canonical(setting.name, f"{value}{unit}", version=None))
