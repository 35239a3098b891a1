"""What all live brokers say alike of topics: which there are, how those stand that are not listed, what is set on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from kafkaops.cluster import Cluster, ConfigEntry, KafkaError, TopicView
from kafkaops.cluster.agreement import agreed

PRESENT = "PRESENT"

AT_REST = 1.0
"""Seconds in which brokers that are catching up show something new."""


def listed_at_rest(
    cluster: Cluster,
    brokers: Sequence[int],
    matters: Callable[[str], bool],
    shall_be: AbstractSet[str],
    *,
    patience: float,
) -> frozenset[str]:
    """Right after many creations all brokers can show the same part of them (seen): what is missing is looked for again while it gets less."""
    found = listed(cluster, brokers, matters, patience=patience)
    while missing := shall_be - found:
        if patience == 0:
            break
        time.sleep(min(AT_REST, patience))
        found = listed(cluster, brokers, matters, patience=patience)
        if not shall_be - found < missing:
            break
    return found


def listed(
    cluster: Cluster, brokers: Sequence[int], matters: Callable[[str], bool], *, patience: float
) -> frozenset[str]:
    """All names that brokers list; on those that matter they must agree, id and partitions included."""
    everything: dict[int, frozenset[str]] = {}

    def facts(broker: int) -> frozenset[tuple[str, str, int]]:
        names = cluster.topic_names(broker)
        everything[broker] = frozenset(names)
        return frozenset((name, *known) for name, known in names.items() if matters(name))

    agreed(brokers, facts, what="which topics there are", patience=patience)
    return frozenset().union(*everything.values())


def states(cluster: Cluster, brokers: Sequence[int], names: Sequence[str], *, patience: float) -> Mapping[str, str]:
    """PRESENT, or the error: all-topics Metadata leaves out what we may not describe, and only a broker that is asked by name tells absent from hidden."""

    def told(broker: int) -> frozenset[tuple[str, str]]:
        answers = cluster.topics(broker, names)
        return frozenset((name, _state(answers[name])) for name in names)

    return dict(agreed(brokers, told, what="which topics are absent", patience=patience)) if names else {}


def _state(answer: TopicView | KafkaError) -> str:
    return answer.name if isinstance(answer, KafkaError) else PRESENT


def overrides(
    cluster: Cluster, brokers: Sequence[int], names: Sequence[str], *, patience: float
) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
    """Asked of every broker, so that one which lags is found out."""
    found: dict[int, Mapping[str, Mapping[str, ConfigEntry] | KafkaError]] = {}

    def answers(broker: int) -> frozenset[tuple[str, object]]:
        found[broker] = cluster.topic_overrides_seen_by(broker, names)
        return frozenset((name, _frozen(one)) for name, one in found[broker].items())

    agreed(brokers, answers, what="the settings of topics", patience=patience)
    return found[brokers[0]]


def _frozen(answer: Mapping[str, ConfigEntry] | KafkaError) -> object:
    return answer.name if isinstance(answer, KafkaError) else frozenset(answer.items())
