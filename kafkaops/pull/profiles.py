"""Equal topics folded into profiles: what many say alike is said once, where that makes the files shorter. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations, count
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
    worth.sort(key=lambda names: (-len(names), names))
    of = [{domains[name] for name in names} for names in worth]
    called = _names([topics[names[0]] for names in worth], of, {one.name for one in have})
    made = [_Profile(name, topics[names[0]], own) for name, names, own in zip(called, worth, of, strict=True)]
    every = (*have, *made)
    return Folded(
        {name: _block(fields, every, domains[name]) for name, fields in sorted(topics.items())},
        {one.name: lines(one.fields) for one in sorted(made, key=lambda one: one.name)},
    )


def _saves(topics: int, lines: int) -> bool:
    return topics * lines > lines + 1 + topics


def _names(contents: Sequence[Fields], domains: Sequence[set[str]], taken: set[str]) -> list[str]:
    """By whose they are and what they are for; where several would be called alike, the first is, and the others by what sets them apart."""
    heads = [_head(fields, of) for fields, of in zip(contents, domains, strict=True)]
    names: list[str] = []
    for number, (fields, head) in enumerate(zip(contents, heads, strict=True)):
        rivals = [
            _features(one) for one, other in zip(contents, heads, strict=True) if other == head and one is not fields
        ]
        own = _features(fields)
        wishes = [head] if head not in heads[:number] else []
        for size in range(1, len(own) + 1):
            for chosen in combinations(range(len(own)), size):
                told = [own[index] for index in chosen if own[index]]
                alone = not any(all(own[index] == rival[index] for index in chosen) for rival in rivals)
                wishes += ["-".join((head, *told))] if alone and told else []
        numbered = (f"{head}-{other}" for other in count(2))
        names.append(next(one for one in chain(wishes, numbered) if one not in taken and one not in names))
    return names


def _head(fields: Fields, domains: set[str]) -> str:
    what = "events" if "compact" not in fields.get("cleanup.policy", "") else "compacted"
    (domain,) = domains if len(domains) == 1 else ("",)
    return f"{domain}-{what}" if domain else what


def _features(fields: Fields) -> tuple[str, ...]:
    """Words for what people tell profiles apart by, in the order in which they would; empty where nothing is set."""
    kept, codec = fields.get("retention.ms"), fields.get("compression.type", "")
    partitions, sync = fields[PARTITIONS], fields.get("min.insync.replicas")
    return (
        "" if kept is None else style.scalar(style.setting("retention.ms", kept)[1]),
        codec,
        "1-partition" if partitions == "1" else f"{partitions}-partitions",
        "" if sync is None else f"{sync}-in-sync",
        f"{fields[REPLICATION]}-replicas",
    )


def _block(fields: Fields, profiles: Iterable[_Profile], domain: str) -> dict[str, Any]:
    """The shortest way to say it; without a profile where none is near."""
    near = [
        one
        for one in profiles
        if one.fields.keys() <= fields.keys() and (_differing(one, fields) == {} or domain in one.domains)
    ]
    best = min(
        near, key=lambda one: (len(_differing(one, fields)), not _is_of(one.name, domain), one.name), default=None
    )
    if best is None or len(_differing(best, fields)) * 2 > len(fields):
        return lines(fields)
    return {"profile": best.name, **lines(_differing(best, fields))}


def _is_of(profile: str, domain: str) -> bool:
    return bool(domain) and profile.startswith(f"{domain}-")


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
