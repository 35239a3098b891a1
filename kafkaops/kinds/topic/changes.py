"""What can be done to a topic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kafkaops.kinds.topic.model import Topic
from kafkaops.plan import Change


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTopic(Change):
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPartitions(Change):
    name: str
    topic_id: str
    before: int
    after: int

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
