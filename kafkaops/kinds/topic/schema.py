"""What may stand in a topic's block, in a profile, and in a cluster's override, as JSON Schema."""

from __future__ import annotations

from kafkaops.kinds.topic import settings
from kafkaops.terms import (
    ACKNOWLEDGE,
    CLUSTERS,
    DESCRIPTION,
    SHARE,
    TEXT,
    Schema,
    block,
    key,
    one_of,
    whole,
)

MOST_PARTITIONS = 2**31 - 1


def definitions() -> dict[str, Schema]:
    """Each setting once, by Kafka's name; the blocks refer to them as `#/$defs/NAME`."""
    by_kafka_name = settings.json_schema()["config"]["properties"]
    return {
        name: {**schema, "examples": [schema["default"]]} if "default" in schema else schema
        for name, schema in by_kafka_name.items()
    }


def topic() -> Schema:
    """A topic with nothing below its name is an empty block: a cluster's overrides may give it everything."""
    own = {
        "profile": key(TEXT, "The profile in kafkaops.yaml that gives what this block leaves out.", "order-events"),
        **_layer(),
        "description": DESCRIPTION,
        "key": key(TEXT, "What the records are keyed by; more partitions then send a key to another one.", "order-id"),
        "owner": key(TEXT, "The team that answers for the topic; the file's when left out.", "team-orders"),
        "state": key(one_of("absent"), "Deletes the topic, behind an acknowledgement; the only way to delete one."),
        "clusters": CLUSTERS,
        "share": SHARE,
        "acknowledge": ACKNOWLEDGE,
    }
    return {
        **block(
            "topic",
            "A topic, declared whole: a live setting that it does not name goes back to the broker's default.",
            own,
        ),
        "type": ["object", "null"],
    }


def profile() -> Schema:
    return {
        **block(
            "profile", "Partitions, replication factor and settings that topics share by naming the profile.", _layer()
        ),
        "type": ["object", "null"],
    }


def override() -> Schema:
    """What one cluster sets over the topology."""
    return block("override", "What it sets for them, key by key, over profile and own block.", _layer())


def _layer() -> dict[str, Schema]:
    """What each layer of a topic may say. Decisions 6: every setting in either spelling."""
    names = settings.json_schema()["config"]["properties"]
    return {
        "partitions": key(
            whole(1, MOST_PARTITIONS), "How many partitions; Kafka can add some, and never take one away.", 12
        ),
        "replication-factor": key(whole(1, 32767), "On how many brokers each partition is.", 3),
        "config": {
            "title": "config",
            "description": "Settings by Kafka's own dotted names, for what kafkaops does not know, such as a vendor's.",
            "type": "object",
            "properties": {name: _defined(name) for name in names},
            "additionalProperties": {"type": ["string", "number", "boolean"]},
            "examples": [{"vendor.tiering.enable": "true"}],
        },
        **{settings.SETTINGS[name].written: _defined(name) for name in names},
        **{name: _defined(name) for name in names},
    }


def _defined(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}
