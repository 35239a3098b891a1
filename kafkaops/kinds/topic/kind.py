"""Topics, as a kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kafkaops.cluster import Cluster
from kafkaops.compile import Desired
from kafkaops.kind import Kind, Reading
from kafkaops.kinds.topic import compare, consequences, describe, memory, wire
from kafkaops.plan import Change, Difference
from kafkaops.settings import INTERNAL_TOPICS


def _difference(reading: Reading) -> Difference:
    want, settings = reading.desired.topics, reading.settings
    live = wire.read(reading.cluster, reading.described, want, _scope(reading), patience=reading.patience)
    protected = frozenset(name for name in want if settings.protects(name)) if settings.protect else frozenset()
    difference = compare.compare(want, live, compare.Guards(protected))
    return consequences.exempt_small(reading, want, live, difference)


def _scope(reading: Reading) -> wire.Scope:
    streams = (f"{prefix}*-{end}" for prefix in reading.desired.streams for end in ("changelog", "repartition"))
    return wire.Scope(reading.desired.domains, (*INTERNAL_TOPICS, *reading.settings.ignore, *streams))


def _only(desired: Desired, addresses: frozenset[str]) -> Desired:
    names = {address.removeprefix("topic/") for address in addresses if address.startswith("topic/")}
    return replace(desired, topics={name: topic for name, topic in desired.topics.items() if name in names})


def _nothing_unseen(_: Cluster, __: Sequence[int], ___: Sequence[Change], ____: float) -> Mapping[str, str]:
    return {}  # nobody loses access by a topic


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
    restored=memory.restored,
)
