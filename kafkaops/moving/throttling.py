"""Settings that are lent for the time of a move: what to set, and what to give back. Pure.

A throttle needs both: the rate of each broker, and the list of replicas that it is for (KIP-73). Lists are added to, never replaced; `*` is left alone. It slows
what is not in sync only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from kafkaops.journal import Borrowed, On
from kafkaops.placement.model import Move

LEADER_RATE = "leader.replication.throttled.rate"
FOLLOWER_RATE = "follower.replication.throttled.rate"
LEADERS = "leader.replication.throttled.replicas"
FOLLOWERS = "follower.replication.throttled.replicas"
RATES = (LEADER_RATE, FOLLOWER_RATE)
LISTS = (LEADERS, FOLLOWERS)

_EVERY = "*"


class Setting(NamedTuple):
    on: On
    name: str
    key: str


def of(one: Borrowed) -> Setting:
    return Setting(one.on, one.name, one.key)


def needed(moves: Iterable[Move]) -> tuple[Setting, ...]:
    """All that a throttle of these moves touches."""
    brokers, topics = set[int](), set[str]()
    for move in moves:
        if move.adding:
            brokers |= {*move.old, *move.adding}
            topics.add(move.topic)
    return (
        *(Setting(On.BROKER, str(broker), key) for broker in sorted(brokers) for key in RATES),
        *(Setting(On.TOPIC, topic, key) for topic in sorted(topics) for key in LISTS),
    )


def lent(
    run: str, moves: Iterable[Move], rate: int, now: Mapping[Setting, str | None], before: Iterable[Borrowed] = ()
) -> tuple[Borrowed, ...]:
    """What is to be set. `now`: the dynamic values of all that is `needed`; what is missing cannot be set. `before`: what an earlier run had lent already, whose first value counts."""
    known = {of(one): one for one in before}
    by_topic: dict[str, list[Move]] = {}
    for move in moves:
        if move.adding:
            by_topic.setdefault(move.topic, []).append(move)
    found = []
    for setting in needed(move for its in by_topic.values() for move in its):
        if setting not in now:
            continue
        value = now[setting]
        ours = str(rate) if setting.on is On.BROKER else _joined(value, _entries(setting.key, by_topic[setting.name]))
        earlier = known.get(setting)
        if earlier is not None:
            found.append(replace(earlier, ours=ours))
        elif ours != value:
            found.append(Borrowed(run, setting.on, setting.name, setting.key, value, ours))
    return tuple(found)


def _entries(key: str, moves: Iterable[Move]) -> set[str]:
    """Current replicas send, added ones receive: `partition:broker`."""
    return {f"{move.partition}:{broker}" for move in moves for broker in (move.old if key == LEADERS else move.adding)}


def given_back(one: Borrowed, now: str | None) -> str | None:
    """The value that it shall have again; `now` itself where somebody else has set it since."""
    if now == one.ours:
        return one.before
    if one.on is On.BROKER or now is None or _EVERY in (now.strip(), (one.before or "").strip()):
        return now
    left = _set(now) - (_set(one.ours) - _set(one.before))
    return _text(left) or None


def _joined(value: str | None, entries: set[str]) -> str:
    if value is not None and value.strip() == _EVERY:
        return value
    return _text(_set(value) | entries)


def _set(value: str | None) -> set[str]:
    return {one.strip() for one in (value or "").split(",") if one.strip()}


def _text(entries: Iterable[str]) -> str:
    return ",".join(sorted(entries, key=_order))


def _order(entry: str) -> tuple[tuple[int, ...], str]:
    """By number, where it is one of Kafka's."""
    parts = entry.split(":")
    return (tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else (), entry)
