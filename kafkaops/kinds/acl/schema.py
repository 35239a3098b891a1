"""What may stand in an application's block, in a principal's, and in an entry of `acls:`, as JSON Schema."""

from __future__ import annotations

from kafkaops.access import CLUSTER_NAME
from kafkaops.terms import (
    ACKNOWLEDGE,
    CLUSTERS,
    DESCRIPTION,
    DURATION,
    FLAG,
    HOST,
    OPERATION,
    PRINCIPAL,
    TEXT,
    TEXT_OR_TEXTS,
    TEXTS,
    Schema,
    block,
    key,
    one_of,
    rows,
    whole,
)

_PATTERN = "A trailing `*` is a prefix, a lone `*` every one, anything else one name."
_HOST = key(HOST, "The IP address that clients come from, exactly, or `*` for any.", "10.0.0.7", default="*")
_STATE = key(
    one_of("absent", "unmanaged"),
    "`absent` revokes all access of the principal, behind an acknowledgement; `unmanaged` lets go of it and changes nothing.",
)
_MANAGE = key(
    FLAG,
    "Says that a principal is meant to be managed which is everybody, a super user, a broker or kafkaops.",
    default=False,
)


def application() -> Schema:
    keys = {
        "principal": key(PRINCIPAL, "Who it is to Kafka; `User:` and the application's name when left out."),
        "host": _HOST,
        "description": DESCRIPTION,
        "clusters": CLUSTERS,
        "state": _STATE,
        "manage": _MANAGE,
        "produces": key(TEXTS, f"The topics that it writes. {_PATTERN}", ["order.*"]),
        "transactional-ids": key(TEXTS, f"The transactional ids that it uses. {_PATTERN}", ["order-service-*"]),
        "consumes": rows(_consumption(), "What it reads, an entry for each consumer group."),
        "streams": _streams(),
        "acknowledge": ACKNOWLEDGE,
    }
    return block("application", "A service and its roles, from which its access and its retry topics are made.", keys)


def _consumption() -> Schema:
    keys = {
        "topics": key({**TEXTS, "minItems": 1}, f"The topics that it reads. {_PATTERN}", ["order.order.created.v1"]),
        "group": key(TEXT, f"The consumer group. {_PATTERN}", "order-service"),
        "retry": _retry(),
        "dead-letter": key(
            FLAG, "Whether records go to a dead-letter topic after the last attempt.", True, default=False
        ),
    }
    return block("consumption", "One consumer group and its topics.", keys, required=("topics", "group"))


def _retry() -> Schema:
    keys = {
        "attempts": key(whole(1, 1000), "How often a record is tried, the first time included.", 3, default=3),
        "delay": key(DURATION, "The wait before the first retry.", "1s", default="1s"),
        "multiplier": key(
            {"type": "number", "minimum": 0}, "What each wait is times the one before; without it all are alike.", 2.0
        ),
        "max-delay": key(DURATION, "The longest wait.", "30s", default="30s"),
        "naming": key(
            one_of("delay", "index"), "Whether a retry topic is named by its wait or by its number.", default="delay"
        ),
        "suffix": key(
            TEXT, "Stands before `-retry` in the names: needed where two groups consume one topic.", "-billing"
        ),
    }
    return block("retry", "Retry topics as Spring's @RetryableTopic names them.", keys)


def _streams() -> Schema:
    keys = {
        "application-id": key(
            TEXT, "The `application.id`: names its group and its changelog and repartition topics.", "order-enricher"
        ),
        "reads": key(TEXTS, f"Its input topics. {_PATTERN}", ["order.order.created.v1"]),
        "writes": key(TEXTS, f"Its output topics. {_PATTERN}", ["order.order.enriched.v1"]),
    }
    return block("streams application", "A Kafka Streams application.", keys, required=("application-id",))


def principal() -> Schema:
    keys = {
        "state": _STATE,
        "manage": _MANAGE,
        "clusters": CLUSTERS,
        "acknowledge": ACKNOWLEDGE,
    }
    return block("principal", "What is done about a principal as a whole.", keys)


def acl() -> Schema:
    resources = {
        "topic": key(TEXT_OR_TEXTS, f"Topics. {_PATTERN}", "order.*"),
        "group": key(TEXT_OR_TEXTS, f"Consumer groups. {_PATTERN}", "analytics-consumers"),
        "transactional-id": key(TEXT_OR_TEXTS, f"Transactional ids. {_PATTERN}", "order-service-*"),
        "cluster": key(one_of(CLUSTER_NAME), "The cluster itself, which has this one name.", CLUSTER_NAME),
        "delegation-token": key(TEXT_OR_TEXTS, f"Delegation tokens. {_PATTERN}", "*"),
        "user": key(
            TEXT_OR_TEXTS, f"Users whose delegation tokens are made or described. {_PATTERN}", "User:order-service"
        ),
    }
    keys = {
        "principal": key(PRINCIPAL, "Who."),
        "permission": key(one_of("allow", "deny"), "A denial wins over every grant.", default="allow"),
        "operations": key(
            {"type": "array", "items": OPERATION, "minItems": 1},
            "What may or may not be done, in Kafka's spelling.",
            ["Read"],
        ),
        "host": _HOST,
        **resources,
        "pattern": key(
            one_of("literal", "prefixed"),
            "How the names are meant, to say what a trailing `*` cannot; nothing is cut off then.",
        ),
        "clusters": CLUSTERS,
        "description": DESCRIPTION,
    }
    one_at_least = [{"required": [name]} for name in resources]
    return block(
        "ACL entry", "Access that roles cannot say.", keys, required=("principal", "operations"), anyOf=one_at_least
    )
