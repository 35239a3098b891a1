"""Equal topics folded into profiles: what many say alike is said once, where that makes the files shorter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kafkaops.kinds.topic import settings
from kafkaops.kinds.topic.model import PARTITIONS, REPLICATION, LiveTopic
from kafkaops.pull import style

Fields = Mapping[str, str]
"""All that a topic says: `partitions`, `replication.factor` and its overrides, by Kafka's names, canonical."""


@dataclass(frozen=True, slots=True)
class Folded:
    """The blocks as they are to be written. `profiles`: the new ones."""

    topics: Mapping[str, dict[str, Any]]
    profiles: Mapping[str, dict[str, Any]]


@dataclass(slots=True)
class _Profile:
    name: str
    fields: Fields
    domains: set[str] = field(default_factory=set)  # of the topics that are just so


def fields_of(topic: LiveTopic) -> dict[str, str]:
    """Of one whose partitions all have the same number of replicas, and whose values could be read."""
    (replication,) = topic.replications
    config = {key: settings.comparable(key, text) for key, text in sorted(topic.overrides.items()) if text is not None}
    return {PARTITIONS: str(topic.partitions), REPLICATION: str(replication), **config}


def fold(
    topics: Mapping[str, Fields], known: Mapping[str, Fields], domains: Mapping[str, str], *, new: bool = True
) -> Folded:
    """`known`: the profiles that are there. `domains`: of each topic, "" where it has none. `new`: whether there may be more."""
    have = [_Profile(name, fields) for name, fields in sorted(known.items())]
    by_content: dict[frozenset[tuple[str, str]], list[str]] = {}
    for name, fields in sorted(topics.items()):
        by_content.setdefault(frozenset(fields.items()), []).append(name)
    for profile in have:
        profile.domains |= {domains[name] for name in by_content.pop(frozenset(profile.fields.items()), ())}
    worth = [names for content, names in by_content.items() if new and _saves(len(names), len(content))]
    made: list[_Profile] = []
    for names in sorted(worth, key=lambda names: (-len(names), names)):
        of = {domains[name] for name in names}
        fields = topics[names[0]]
        taken = {one.name for one in (*have, *made)}
        made.append(_Profile(next(one for one in _names(fields, of) if one not in taken), fields, of))
    every = (*have, *made)
    return Folded(
        {name: _block(fields, every, domains[name]) for name, fields in sorted(topics.items())},
        {one.name: lines(one.fields) for one in sorted(made, key=lambda one: one.name)},
    )


def _saves(topics: int, lines: int) -> bool:
    return topics * lines > lines + 1 + topics


def _names(fields: Fields, domains: set[str]) -> Iterable[str]:
    """From the most telling to the one that is free for certain."""
    (domain,) = domains if len(domains) == 1 else ("",)
    policy, kept = fields.get("cleanup.policy", "delete"), fields.get("retention.ms")
    what = "events" if policy == "delete" else "compacted"
    head = f"{domain}-{what}" if domain else what
    if policy == "delete" or kept is None:
        yield head
    told = [style.scalar(style.setting("retention.ms", kept)[1])] if kept is not None else []
    told.append(f"{fields[PARTITIONS]}-partitions")
    told.append(f"{fields[REPLICATION]}-replicas")
    for end in range(1, len(told) + 1):
        yield "-".join((head, *told[:end]))
    yield from ("-".join((head, *told, str(number))) for number in range(2, 10**9))


def _block(fields: Fields, profiles: Iterable[_Profile], domain: str) -> dict[str, Any]:
    """The shortest way to say it; without a profile where none is near."""
    near = [
        one
        for one in profiles
        if one.fields.keys() <= fields.keys() and (_differing(one, fields) == {} or domain in one.domains)
    ]
    best = min(near, key=lambda one: (len(_differing(one, fields)), one.name), default=None)
    if best is None or len(_differing(best, fields)) + 1 >= len(fields):
        return lines(fields)
    return {"profile": best.name, **lines(_differing(best, fields))}


def _differing(profile: _Profile, fields: Fields) -> dict[str, str]:
    return {key: text for key, text in fields.items() if profile.fields.get(key) != text}


def lines(fields: Fields) -> dict[str, Any]:
    words = {PARTITIONS: "partitions", REPLICATION: "replication-factor"}
    counts = {words[key]: int(text) for key, text in fields.items() if key in words}
    known = dict(style.setting(key, fields[key]) for key in sorted(fields, key=_rank) if key in settings.SETTINGS)
    config = {key: text for key, text in fields.items() if key not in words and key not in settings.SETTINGS}
    return {**counts, **known, **({"config": config} if config else {})}


def _rank(key: str) -> tuple[int, str]:
    """What is kept, and for how long, is read first."""
    return (_FIRST.index(key) if key in _FIRST else len(_FIRST), key)


_FIRST = ("cleanup.policy", "retention.ms", "retention.bytes")
