"""Moves in the words of Kafka's own tool: what `kafka-reassign-partitions --reassignment-json-file` reads."""

from __future__ import annotations

import json
from collections.abc import Iterable

from kafkaops.placement.model import Move


def reassignment_json(moves: Iterable[Move]) -> str:
    """Without `log_dirs`: which disk a replica lands on is the broker's choice then."""
    partitions = [
        {"topic": move.topic, "partition": move.partition, "replicas": list(move.new)}
        for move in sorted(moves, key=lambda move: move.id)
    ]
    return json.dumps({"version": 1, "partitions": partitions}, indent=2) + "\n"
