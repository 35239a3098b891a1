"""What each broker holds, and what is left on its disks: asked only where replicas are to be placed or moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kafkaops.cluster import Broker, Cluster, Description, KafkaError, LogDir, TopicPartition, TopicView
from kafkaops.cluster.agreement import on_all


@dataclass(frozen=True, slots=True)
class Holdings:
    """`views`: every topic that we may see, Kafka's own included. `dirs`: of each live broker; empty where it did not tell, with the reason in `untold`."""

    brokers: tuple[Broker, ...]
    down: frozenset[int]
    views: Mapping[str, TopicView]
    dirs: Mapping[int, tuple[LogDir, ...]] = field(default_factory=dict)
    untold: Mapping[int, KafkaError] = field(default_factory=dict)

    def sizes(self) -> Mapping[TopicPartition, int]:
        """Of the largest replica that is known of each partition."""
        found: dict[TopicPartition, int] = {}
        for dirs in self.dirs.values():
            for one in dirs:
                for partition, log in one.replicas.items():
                    found[partition] = max(found.get(partition, 0), log.size)
        return found


def read(cluster: Cluster, described: Description) -> Holdings:
    brokers = described.brokers
    names = sorted(cluster.topic_names(brokers[0].id))
    seen = cluster.topics(brokers[0].id, names) if names else {}
    views = {name: view for name, view in seen.items() if isinstance(view, TopicView)}
    named = {replica for view in views.values() for replicas in view.assignment for replica in replicas}
    answers = on_all([broker.id for broker in brokers], cluster.log_dirs)
    return Holdings(
        brokers=brokers,
        down=frozenset(named | set(described.fenced)) - {broker.id for broker in brokers},
        views=views,
        dirs={
            broker: tuple(one for one in answer if one.error is None)
            for broker, answer in answers.items()
            if not isinstance(answer, KafkaError)
        },
        untold={broker: answer for broker, answer in answers.items() if isinstance(answer, KafkaError)},
    )
