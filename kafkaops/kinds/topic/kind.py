"""Topics, as a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kafkaops import status
from kafkaops.cluster import Cluster
from kafkaops.compile import Desired
from kafkaops.findings import Finding
from kafkaops.kind import Kind, Reading
from kafkaops.kinds.topic import compare, consequences, describe, landed, memory, placing, wire
from kafkaops.kinds.topic.changes import AddPartitions, CreateTopic, MoveReplicas, SetTopicConfig
from kafkaops.kinds.topic.model import REPLICATION, Topic
from kafkaops.plan import Change, Difference
from kafkaops.settings import INTERNAL_TOPICS


def _difference(reading: Reading) -> Difference:
    want, settings = reading.desired.topics, reading.settings
    live = wire.read(reading.cluster, reading.described, want, _scope(reading), patience=reading.patience)
    protected = frozenset(name for name in want if settings.protects(name)) if settings.protect else frozenset()
    decided = placing.decide(reading, want, live)
    guards = compare.Guards(protected, reading.entry.manages_placement)
    found = compare.compare(want, live, guards, decided.placed)
    difference = replace(
        found,
        changes=(*found.changes, *decided.others),
        findings=(*found.findings, *decided.findings, *status.throttled(reading, live.throttled)),
        terms=decided.terms,
    )
    return consequences.exempt_small(reading, want, live, difference)


def _scope(reading: Reading) -> wire.Scope:
    streams = (f"{prefix}*-{end}" for prefix in reading.desired.streams for end in ("changelog", "repartition"))
    return wire.Scope(reading.desired.domains, (*INTERNAL_TOPICS, *reading.settings.ignore, *streams))


def _only(desired: Desired, addresses: frozenset[str]) -> Desired:
    names = {address.removeprefix("topic/") for address in addresses if address.startswith("topic/")}
    return replace(desired, topics={name: topic for name, topic in desired.topics.items() if name in names})


def _nothing_unseen(_: Cluster, __: Sequence[int], ___: Sequence[Change], ____: float) -> Mapping[str, str]:
    return {}  # nobody loses access by a topic


def _wanted(desired: Desired, change: Change) -> object:
    want = desired.topics.get(change.address.removeprefix("topic/"))
    match change:
        case CreateTopic() if isinstance(want, Topic):
            return want.partitions, want.replication, want.config
        case AddPartitions() if isinstance(want, Topic):
            return want.partitions
        case MoveReplicas(fields=(only,)) if only.name == REPLICATION and isinstance(want, Topic):
            return want.replication
        case MoveReplicas():
            return desired.placement
        case SetTopicConfig() if isinstance(want, Topic):
            return "default" if (value := want.config.get(change.key)) is None else ("set", value)
        case _:
            return type(want)


def _speaks_of(finding: Finding, change: Change) -> bool:
    """Where several settings of a topic change, a finding names its own behind the topic's name."""
    if finding.address != change.address or finding.code not in change.codes:
        return False
    match change:
        case AddPartitions() | SetTopicConfig() | MoveReplicas():
            return finding.message.startswith(f"{change.name}: {change.fields[0].name} ")
        case _:
            return True


TOPIC = Kind(
    name="topic",
    managed=lambda entry: entry.manages_topics,
    addresses=lambda desired: (f"topic/{name}" for name in desired.topics),
    difference=_difference,
    only=_only,
    validate=wire.validate,
    perform=wire.perform,
    unseen=_nothing_unseen,
    describe=describe.describe,
    sides=memory.sides,
    standing=memory.standing,
    landed=landed.landed,
    restored=memory.restored,
    wanted=_wanted,
    speaks_of=_speaks_of,
)
