"""The moves of a plan as Kafka's own JSON, for `kafka-reassign-partitions.sh --reassignment-json-file`."""

from __future__ import annotations

import json

from kafkaops.view.lines import Document


def render(document: Document) -> str:
    """Where nothing moves a list without partitions, which Kafka's tool refuses in its own words."""
    partitions = [
        {
            "topic": change["address"].removeprefix("topic/"),
            "partition": move["partition"],
            "replicas": move["to"],
            "log_dirs": ["any"] * len(move["to"]),
        }
        for change in document.get("changes", ())
        for move in change.get("moves", ())
    ]
    return json.dumps({"version": 1, "partitions": partitions}, ensure_ascii=True) + "\n"
