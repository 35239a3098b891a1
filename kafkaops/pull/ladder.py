"""Retry and dead-letter topics found again in what one principal may read: the roles that would make exactly these names. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any

from kafkaops import retry, units

_TAIL = re.compile(r"(?P<suffix>.*?)-(?:dlt|retry-(?P<label>[0-9]{1,19}(?:-[0-9]{1,4})?))", re.ASCII)


@dataclass(frozen=True, slots=True)
class Ladder:
    """The detour of the records of one topic that one group reads. `made`: generated topic -> the group that reads it."""

    topic: str
    group: str
    retry: Mapping[str, Any] = field(default_factory=dict)
    dead_letter: bool = False
    made: Mapping[str, str] = field(default_factory=dict)


def ladders(topics: Iterable[str], groups: Iterable[str]) -> list[Ladder]:
    """Of the topics and groups that a principal reads, all by their literal names."""
    topics, groups = frozenset(topics), sorted(groups)
    found: dict[tuple[str, str, str], dict[str, tuple[str, str]]] = {}
    for name in sorted(topics):
        for topic, group, suffix, label in _readings(name, topics, groups):
            rungs = found.setdefault((topic, group, suffix), {})
            rungs[label] = (name, group + name.removeprefix(topic))
    return [one for key, rungs in sorted(found.items()) if (one := _ladder(*key, rungs)) is not None]


def _readings(name: str, topics: frozenset[str], groups: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """(topic, group, suffix, label) of the longest topic that the name can be a detour of; the label of dead letters is empty."""
    for end in range(len(name) - 1, 0, -1):
        tail = name[end:]
        if name[:end] not in topics or (match := _TAIL.fullmatch(tail)) is None:
            continue
        found = [group for group in groups if group + tail in groups]
        yield from ((name[:end], group, match["suffix"], match["label"] or "") for group in found)
        if found:
            return


def _ladder(topic: str, group: str, suffix: str, rungs: Mapping[str, tuple[str, str]]) -> Ladder | None:
    labels = frozenset(rungs) - {""}
    chosen = _retry(labels, suffix) if labels else None
    if chosen is not None:
        return Ladder(topic, group, chosen, "" in rungs, dict(rungs.values()))
    if "" in rungs and not suffix:
        return Ladder(topic, group, {}, dead_letter=True, made=dict([rungs[""]]))
    return None


def _retry(labels: frozenset[str], suffix: str) -> Mapping[str, Any] | None:
    """The settings of `@RetryableTopic` that give these names, and no others."""
    wanted = frozenset(f"-retry-{label}" for label in labels)
    for arguments in _candidates(labels):
        try:
            names = retry.retry_topics("", **arguments)
        except retry.NoSuchRetry:
            continue
        if frozenset(names) == wanted:
            return _written(arguments) | ({"suffix": suffix} if suffix else {})
    return None


def _candidates(labels: frozenset[str]) -> Iterator[dict[str, Any]]:
    attempts = len(labels) + 1
    waits = sorted({int(label.partition("-")[0]) for label in labels})
    if labels == {str(number) for number in range(len(labels))}:
        if len(labels) > 1:
            yield {"attempts": attempts}  # equal delays are counted
        yield {"attempts": attempts, "naming": "index"}
    if len(labels) == 1:
        yield {"attempts": attempts, "delay_ms": waits[0]}
        return
    for multiplier in dict.fromkeys(_multipliers(waits)):
        growing: dict[str, Any] = {"attempts": attempts, "delay_ms": waits[0], "multiplier": multiplier}
        yield growing
        yield {**growing, "max_delay_ms": waits[-1]}


def _multipliers(waits: list[int]) -> Iterator[float]:
    """Each wait is the one before times the multiplier, rounded down: so short ones allow several, and the simplest was meant."""
    for before, after in pairwise(waits):
        if before:
            yield float(Fraction(after, before).limit_denominator(10))
            yield after / before
    yield 2.0


def _written(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """As the topology says it."""
    found: dict[str, Any] = {"attempts": arguments["attempts"]}
    if "delay_ms" in arguments:
        found["delay"] = units.show_duration(arguments["delay_ms"])
    if "multiplier" in arguments:
        found["multiplier"] = arguments["multiplier"]
    if "max_delay_ms" in arguments:
        found["max-delay"] = units.show_duration(arguments["max_delay_ms"])
    return found | ({"naming": arguments["naming"]} if "naming" in arguments else {})
