"""The terms that every block of the language is written in, as JSON Schema, and the words for them in messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

_DURATION = r"^[0-9]{1,19}(ms|[smhd])?$"
_SIZE = r"^([0-9]{1,19}([KMGT]iB|[kKMGT]?B)?|unlimited)$"
_RATE = r"^[1-9][0-9]{0,18}([KMGT]iB|[kKMGT]?B)/s$"
_PERCENT = r"^(100|[1-9]?[0-9])%$"
_WINDOW = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]( [A-Za-z0-9_+/-]+)?$"
_DATE = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"
_NAME = r"(\S|\S.*[^\s*])"  # Kafka compares all of it: only `User:*` has a star that means more
_PRINCIPAL = rf"^(User|(?![Uu][Ss][Ee][Rr]:)[A-Za-z][A-Za-z0-9]*):{_NAME}$"  # `user:` is nobody to Kafka
_APPLICATION = rf"^(?!User:){_NAME}$"
_BYTE = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_GROUP = r"(0|[1-9a-f][0-9a-f]{0,3})"
_HOST = (
    # Kafka compares the text that Java gives an address, where all eight groups of IPv6 are written: no names, no ranges
    rf"^(\*|{_BYTE}(\.{_BYTE}){{3}}|{_GROUP}(:{_GROUP}){{7}}(%\S+)?)$"
)
_PORT = r"([1-9][0-9]{0,3}|[1-5][0-9]{4}|6([0-4][0-9]{3}|5([0-4][0-9]{2}|5([0-2][0-9]|3[0-5]))))"
_SERVER = rf"^([^\s:@/\[\]]+|\[[0-9A-Fa-f:.]+\]):{_PORT}$"
_VERSION = r"^[0-9]+\.[0-9]+(\.[0-9]+)?$"
_CODE = r"^KO[0-9]{4}$"

NOUNS: Mapping[str, str] = {
    _DURATION: "a duration",
    _SIZE: "a size",
    _RATE: "a rate",
    _PERCENT: "a share of 0% to 100%",
    _WINDOW: "a window of the day",
    _DATE: "a date",
    _PRINCIPAL: "a principal",
    _SERVER: "a host and a port",
    _APPLICATION: "the name of an application",
    _HOST: "the IP address of a client as Kafka spells it",
    _VERSION: "a version of Kafka",
    _CODE: "the code of a finding",
}
"""What a text is that matches the pattern."""

TEXT: Schema = {"type": "string", "minLength": 1}
FLAG: Schema = {"type": "boolean"}
TEXTS: Schema = {"type": "array", "items": TEXT}
TEXT_OR_TEXTS: Schema = {"anyOf": [TEXT, {**TEXTS, "minItems": 1}]}
DURATION: Schema = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": _DURATION}]}
SIZE: Schema = {"anyOf": [{"type": "integer", "minimum": -1}, {"type": "string", "pattern": _SIZE}]}
RATE: Schema = {"type": "string", "pattern": _RATE}
PERCENT: Schema = {"type": "string", "pattern": _PERCENT}
WINDOW: Schema = {"type": "string", "pattern": _WINDOW}
PRINCIPAL: Schema = {"type": "string", "pattern": _PRINCIPAL, "examples": ["User:order-service"]}
APPLICATION: Schema = {"pattern": _APPLICATION}
HOST: Schema = {"type": "string", "pattern": _HOST, "examples": ["10.0.0.7"]}
SERVER: Schema = {"type": "string", "pattern": _SERVER, "examples": ["broker-1:9093"]}
KAFKA_VERSION: Schema = {
    "anyOf": [{"type": "number", "minimum": 2, "maximum": 99}, {"type": "string", "pattern": _VERSION}]
}

OPERATIONS = (
    "Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction", "DescribeConfigs", "AlterConfigs",
    "IdempotentWrite", "CreateTokens", "DescribeTokens", "TwoPhaseCommit", "All",
)  # fmt: skip
OPERATION: Schema = {"enum": list(OPERATIONS)}


def whole(least: int, most: int | None = None) -> Schema:
    return {"type": "integer", "minimum": least} | ({} if most is None else {"maximum": most})


def one_of(*words: str) -> Schema:
    return {"enum": list(words)}


def key(term: Schema, description: str, *examples: Any, **more: Any) -> Schema:
    """One key of a block: its value is a `term`. The first example is what a message tells people to write."""
    return {**term, "description": description, **({"examples": list(examples)} if examples else {}), **more}


def block(
    title: str, description: str, keys: Mapping[str, Schema], *, required: Sequence[str] = (), **more: Any
) -> Schema:
    """A mapping that takes these keys and no other one. `title` is the noun that messages name it by."""
    titled = {name: schema if "$ref" in schema else {"title": name, **schema} for name, schema in keys.items()}
    needed = {"required": list(required)} if required else {}
    return {
        "title": title,
        "description": description,
        "type": "object",
        "properties": titled,
        **needed,
        "additionalProperties": False,
        **more,
    }


def named(entry: Schema, description: str, **more: Any) -> Schema:
    """A mapping from names that people choose to entries."""
    return {"type": "object", "description": description, "additionalProperties": entry, **more}


def rows(entry: Schema, description: str) -> Schema:
    return {"type": "array", "description": description, "items": entry}


CLUSTERS = key(
    {**TEXTS, "minItems": 1},
    "The clusters on which it exists, by their names in kafkaops.yaml; all when left out.",
    ["production"],
)
DESCRIPTION = key(TEXT, "What it is for, in words.", "an order was placed")
SHARE = key(
    {"anyOf": [TEXTS, {"type": "object", "additionalProperties": {"type": "array", "items": OPERATION}}]},
    "Who of other domains may reach these topics: a list of names may read, a mapping says which operations each may do.",
    ["analytics-service"],
    {"analytics-service": ["Read", "Write"]},
)


def _acknowledgement(on: str, *, required: Sequence[str]) -> Schema:
    keys = {
        "code": key({"type": "string", "pattern": _CODE}, "The danger's code, as `plan` shows it.", "KO2104"),
        "on": key(TEXT, on, "topic/order.order.created.v1"),
        "cluster": key(
            TEXT, "The cluster on which the change is made; to be left out only where one is declared.", "production"
        ),
        "change": key(
            TEXT_OR_TEXTS,
            "The change that is agreed to, with its values before and after; it no longer holds when the live value is another.",
            "retention.ms 14d -> 3d",
        ),
        "until": key(
            {"type": "string", "pattern": _DATE},
            "The last day on which it holds (UTC), at most 90 days from now.",
            "2026-10-12",
        ),
        "reason": key(TEXT, "Why it is right to do, such as a ticket.", "SEC-1123"),
    }
    return block("acknowledgement", "Consent to one dangerous change.", keys, required=required)


ACKNOWLEDGE = rows(
    _acknowledgement(
        "The address of what changes; this block's own when left out.", required=("code", "change", "until")
    ),
    "Consent to dangerous changes of this block. `kafkaops ack CODE@ADDRESS` writes it.",
)
ACKNOWLEDGE_ANY = rows(
    _acknowledgement("The address of what changes.", required=("code", "on", "change", "until")),
    "Consent to dangerous changes that have no block of their own: revokes, generated topics. `kafkaops ack CODE@ADDRESS` writes it.",
)
