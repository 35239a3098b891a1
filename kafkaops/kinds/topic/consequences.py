"""What a dangerous change would really cost: asked of the cluster for those changes alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kafkaops import units
from kafkaops.cluster import KafkaError
from kafkaops.findings import Finding, Severity
from kafkaops.kind import Reading
from kafkaops.kinds.topic import wire
from kafkaops.kinds.topic.model import AbsentTopic, LiveTopic, LiveTopics, Topic
from kafkaops.plan import Difference, Value

_BY_SIZE = frozenset({"KO2104", "KO2107"})
"""Shorter retention is the one loss that ends with the bytes that are there."""

_PLAIN = {"cleanup.policy": "delete", "remote.storage.enable": "false"}
"""Compacted and tiered topics hold what their size does not tell (decisions 13)."""


def exempt_small(
    reading: Reading, want: Mapping[str, Topic | AbsentTopic], live: LiveTopics, difference: Difference
) -> Difference:
    """Below `safe-below-bytes` shorter retention needs no consent; a size that is not proven complete exempts nothing."""
    limit = reading.settings.policy.safe_below_bytes
    names = sorted({_name(one) for one in difference.findings if one.code in _BY_SIZE}) if limit else []
    if not names:
        return difference
    brokers = [broker.id for broker in reading.described.brokers]
    defaults = wire.inherited(reading.cluster, brokers, frozenset(_PLAIN), reading.described.kafka_version)
    plain = [name for name in names if _is_plain(want[name], live.topics[name], defaults)]
    sizes = reading.cluster.topic_bytes(plain) if plain else {}
    return replace(difference, findings=tuple(_judged(one, sizes, limit) for one in difference.findings))


def _name(finding: Finding) -> str:
    return finding.address.removeprefix("topic/")


def _is_plain(want: Topic | AbsentTopic, live: LiveTopic | None, defaults: Mapping[str, Iterable[Value]]) -> bool:
    if not isinstance(want, Topic) or live is None:
        return False
    return all(
        _possible(key, want.config, defaults) | _possible(key, live.overrides, defaults) == {usual}
        for key, usual in _PLAIN.items()
    )


def _possible(key: str, config: Mapping[str, str | None], defaults: Mapping[str, Iterable[Value]]) -> set[str | None]:
    return {config[key]} if key in config else {value.text for value in defaults.get(key, ())} or {None}


def _judged(finding: Finding, sizes: Mapping[str, int | KafkaError], limit: int) -> Finding:
    size = sizes.get(_name(finding))
    if finding.code not in _BY_SIZE or not isinstance(size, int) or size >= limit:
        return finding
    told = f"holds {units.about(size)}, less than `safe-below-bytes: {units.show_size(limit)}`"
    return replace(finding, severity=Severity.WARNING, consent=(), notes=(told, *finding.notes))
