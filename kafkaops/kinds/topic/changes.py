"""What can be done to a topic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kafkaops.kinds.topic.model import Topic
from kafkaops.plan import Change

Replicas = tuple[tuple[int, ...], ...]
"""Of each partition, the preferred leader first."""


REPLICAS = "replicas"
"""The field of a move that keeps the replication factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTopic(Change):
    """`assignment` None: the controller places the replicas."""

    topic: Topic
    assignment: Replicas | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPartitions(Change):
    name: str
    topic_id: str
    before: int
    after: int
    added: Replicas | None = None

    @property
    def carries(self) -> Mapping[str, str]:
        return {"topic id": self.topic_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTopicConfig(Change):
    """`override` and `value`: the override before and after; None is no override. `fields` holds what that means in effect."""

    name: str
    topic_id: str
    key: str
    override: str | None
    value: str | None

    @property
    def carries(self) -> Mapping[str, str]:
        return {"topic id": self.topic_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveReplicas(Change):
    """`moves` holds which go where. An approval holds where they are now, and what is asked for: where they go is judged when they go (decisions 22)."""

    name: str
    topic_id: str
    assignment: Replicas

    @property
    def carries(self) -> Mapping[str, str]:
        return {"topic id": self.topic_id, "assignment": json.dumps(self.assignment)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteTopic(Change):
    """All of it but its records, for whoever wants it back."""

    name: str
    topic_id: str
    partitions: int
    replication: int
    config: Mapping[str, str]

    @property
    def carries(self) -> Mapping[str, str]:
        return {"topic id": self.topic_id, "partitions": str(self.partitions)}
