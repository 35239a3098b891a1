"""The throttle on the cluster: set for the time of a move, written down before, and given back as it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from kafkaops.cluster import AlterBroker, AlterTopic, Cluster, ClusterFailure, ConfigEntry, ConfigSource, KafkaError
from kafkaops.journal import Borrowed, On
from kafkaops.moving.throttling import Setting, given_back, lent, needed, of
from kafkaops.placement.model import Move

_NO_TOPIC = frozenset({"UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"})


class Book(Protocol):
    """Where what is lent is written down, before it is, so that whoever comes later can give it back. Errors: LostError, ClusterFailure."""

    def lend(self, lent: Sequence[Borrowed]) -> None: ...

    def give_back(self, lent: Sequence[Borrowed]) -> None: ...

    def current(self, known: Sequence[Borrowed]) -> Sequence[Borrowed]:
        """All that is lent now; `known` where nothing is written down."""
        ...


def lend(
    cluster: Cluster, book: Book, run: str, moves: Sequence[Move], rate: int, before: Iterable[Borrowed]
) -> tuple[tuple[Borrowed, ...], tuple[str, ...]]:
    """All that is lent now, with what could not be set, in sentences. `before`: what is lent already."""
    now, silent = values(cluster, needed(moves))
    known = {of(one): one for one in before}
    wanted = lent(run, moves, rate, now, known.values())
    book.lend(wanted)
    refused = _set(cluster, {of(one): one.ours for one in wanted if now[of(one)] != one.ours})
    told = [f"broker {broker} does not answer, so its throttle is as it was" for broker in silent]
    told += [f"{_named(setting)} could not be set: {error}" for setting, error in refused.items()]
    return tuple((known | {of(one): one for one in wanted}).values()), tuple(told)


def give_back(
    cluster: Cluster, book: Book, borrowed: Sequence[Borrowed]
) -> tuple[tuple[Borrowed, ...], tuple[str, ...]]:
    """What could not be given back, and why, in sentences."""
    now, silent = values(cluster, [of(one) for one in borrowed])
    here = [one for one in borrowed if of(one) in now]
    wanted = {of(one): given_back(one, now[of(one)]) for one in here}
    refused = _set(cluster, {setting: value for setting, value in wanted.items() if now[setting] != value})
    done = [one for one in here if of(one) not in refused] + [one for one in borrowed if _is_gone(one, now, silent)]
    book.give_back(done)
    left = tuple(one for one in borrowed if one not in done)
    told = [f"broker {broker} does not answer, so its throttle stays" for broker in silent]
    told += [f"{_named(setting)} could not be given back: {error}" for setting, error in refused.items()]
    return left, tuple(told)


def set_anew(cluster: Cluster, book: Book, lent_: Sequence[Borrowed]) -> tuple[str, ...]:
    """Other values for what is lent already; what could not be set, in sentences."""
    book.lend(lent_)
    refused = _set(cluster, {of(one): one.ours for one in lent_})
    return tuple(f"{_named(setting)} could not be set: {error}" for setting, error in refused.items())


def values(cluster: Cluster, settings: Iterable[Setting]) -> tuple[dict[Setting, str | None], tuple[str, ...]]:
    """The dynamic value of each, None where there is none; those of a topic that is gone are missing. And the brokers that did not tell."""
    wanted = list(settings)
    topics = sorted({one.name for one in wanted if one.on is On.TOPIC})
    overrides = cluster.topic_overrides(topics) if topics else {}
    brokers, silent = _of_brokers(cluster, sorted({one.name for one in wanted if one.on is On.BROKER}, key=int))
    found: dict[Setting, str | None] = {}
    for one in wanted:
        table = overrides[one.name] if one.on is On.TOPIC else brokers.get(one.name)
        if table is not None and not isinstance(table, KafkaError):
            entry = table.get(one.key)
            own = entry is not None and entry.source in {ConfigSource.DYNAMIC_TOPIC, ConfigSource.DYNAMIC_BROKER}
            found[one] = entry.value if entry is not None and own else None
    return found, tuple(silent)


def _of_brokers(cluster: Cluster, ids: Iterable[str]) -> tuple[Mapping[str, Mapping[str, ConfigEntry]], list[str]]:
    found, silent = dict[str, Mapping[str, ConfigEntry]](), list[str]()
    for broker in ids:
        try:
            answer = cluster.broker_configs(int(broker))
        except ClusterFailure:
            silent.append(broker)
            continue
        if isinstance(answer, KafkaError):
            silent.append(broker)
        else:
            found[broker] = answer
    return found, silent


def _is_gone(one: Borrowed, now: Mapping[Setting, str | None], silent: Sequence[str]) -> bool:
    return of(one) not in now and (one.on is On.TOPIC or one.name not in silent)


def _set(cluster: Cluster, wanted: Mapping[Setting, str | None]) -> dict[Setting, KafkaError]:
    """What was refused."""
    by_topic, by_broker = _tables(On.TOPIC, wanted), _tables(On.BROKER, wanted)
    answers = dict(_answers(cluster, by_topic, by_broker))
    return {
        one: error
        for one in wanted
        if (error := answers.get((one.on, one.name))) is not None and error.name not in _NO_TOPIC
    }


def _answers(
    cluster: Cluster,
    by_topic: Mapping[str, Mapping[str, str | None]],
    by_broker: Mapping[str, Mapping[str, str | None]],
) -> Iterator[tuple[tuple[On, str], KafkaError | None]]:
    if by_topic:
        for name, error in cluster.alter_topics([AlterTopic(name, its) for name, its in by_topic.items()]).items():
            yield (On.TOPIC, name), error
    if by_broker:
        altered = cluster.alter_brokers([AlterBroker(int(name), its) for name, its in by_broker.items()])
        for broker, error in altered.items():
            yield (On.BROKER, str(broker)), error


def _tables(on: On, wanted: Mapping[Setting, str | None]) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for one, value in wanted.items():
        if one.on is on:
            found.setdefault(one.name, {})[one.key] = value
    return found


def _named(one: Setting) -> str:
    return f"{one.key} of {one.on} {one.name}"
