"""Throttles laid and taken away again. What a setting was is written down before it is touched, so that any later run can give it back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kafkaops.cluster import AlterBroker, AlterTopic, Cluster, ConfigEntry, ConfigSource, KafkaError
from kafkaops.journal import Borrowed, On
from kafkaops.moving.throttles import LISTS, RATES, Entries, laid_over

_GONE = frozenset({"UNKNOWN_TOPIC_OR_PARTITION", "UNKNOWN_TOPIC_ID"})


class Ledger(Protocol):
    """What outlives the run. Both writes are committed when they return."""

    def borrowed(self) -> Sequence[Borrowed]: ...

    def lend(self, ones: Sequence[Borrowed]) -> None: ...

    def returned(self, ones: Sequence[Borrowed]) -> None: ...


@dataclass(frozen=True, slots=True)
class Reach:
    """Brokers that copy `now`, and those that do now or `later`, which keep a rate that they have."""

    now: frozenset[int] = frozenset()
    later: frozenset[int] = frozenset()


class Keeper:
    """`ours`: all that this run may lay over the lists of each topic. `rate` None: nothing is slowed, and only what an earlier run left is given back."""

    def __init__(
        self, cluster: Cluster, ledger: Ledger, *, run: str, rate: int | None, ours: Mapping[str, Entries]
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._run = run
        self._rate = None if rate is None else str(rate)
        self._ours = ours
        self._borrowed = {_key(one): one for one in ledger.borrowed()}
        self._laid: dict[str, Entries] = {}
        self._rated: set[int] = set()

    @property
    def left(self) -> tuple[Borrowed, ...]:
        """What is not given back."""
        return tuple(self._borrowed.values())

    def cover(self, needed: Mapping[str, Entries], brokers: Reach, spared: Collection[int]) -> Mapping[str, KafkaError]:
        """Exactly this is slowed now; the topics for which that could not be done. `spared`: brokers that copy for others and keep a rate of theirs."""
        wanted = needed if self._rate is not None else {}
        failed = self._rates(brokers if self._rate is not None else Reach(), spared)
        by_topic = self._lists(wanted)
        return {**dict.fromkeys(wanted, failed), **by_topic} if failed else by_topic

    # ---- lists

    def _lists(self, needed: Mapping[str, Entries]) -> Mapping[str, KafkaError]:
        lent = {one.name for one in self._borrowed.values() if one.on is On.TOPIC}
        due = {name: needed.get(name, Entries()) for name in lent | needed.keys()}
        due = {
            name: one for name, one in due.items() if self._laid.get(name) != one and (name in lent or one != Entries())
        }
        if not due:
            return {}
        answers = self._cluster.topic_overrides(sorted(due))
        failed = {name: answer for name, answer in answers.items() if isinstance(answer, KafkaError)}
        self._forget([one for one in self._of_topics(failed) if failed[one.name].name in _GONE])
        there = {name: _texts(answer) for name, answer in answers.items() if not isinstance(answer, KafkaError)}
        self._lend([one for name, texts in there.items() for one in self._to_lend(name, texts, due[name])])
        changes = [self._change(name, texts, due[name]) for name, texts in there.items()]
        told = self._cluster.alter_topics([one for one in changes if one.configs])
        failed |= {name: error for name, error in told.items() if error}
        done = {name for name in there if name not in failed}
        self._laid |= {name: due[name] for name in done}
        self._forget([one for one in self._of_topics(done) if due[one.name] == Entries()])
        return failed

    def _to_lend(self, name: str, texts: Mapping[str, str], needed: Entries) -> list[Borrowed]:
        """A list that is `*` slows what is ours too, and is left alone."""
        ours = self._ours.get(name, Entries())
        return [
            Borrowed(self._run, On.TOPIC, name, key, texts.get(key), ",".join(sorted(ours.of(key))))
            for key in LISTS
            if needed.of(key) and (On.TOPIC, name, key) not in self._borrowed and texts.get(key) != "*"
        ]

    def _change(self, name: str, texts: Mapping[str, str], needed: Entries) -> AlterTopic:
        configs: dict[str, str | None] = {}
        for key in LISTS:
            lent = self._borrowed.get((On.TOPIC, name, key))
            if lent is None:
                continue
            ours = {*(lent.ours or "").split(","), *self._ours.get(name, Entries()).of(key)}
            after = laid_over(texts.get(key), lent.before, ours, needed.of(key))
            if after != texts.get(key):
                configs[key] = after
        return AlterTopic(name, configs)

    def _of_topics(self, names: Collection[str]) -> list[Borrowed]:
        return [one for one in self._borrowed.values() if one.on is On.TOPIC and one.name in names]

    # ---- rates

    def _rates(self, brokers: Reach, spared: Collection[int]) -> KafkaError | None:
        lent = {int(one.name) for one in self._borrowed.values() if one.on is On.BROKER}
        failed = None
        for broker in sorted((brokers.now - self._rated) | (lent - brokers.later)):
            found = self._cluster.broker_configs(broker)
            if isinstance(found, KafkaError):
                failed = found if broker in brokers.now and found.name != "DISCONNECTED" else failed
                continue
            own = {key: entry for key, entry in _own(found).items() if key in RATES}
            if broker in brokers.now:
                failed = self._slow(broker, own, spared) or failed
            else:
                self._give_back(broker, own)
        return failed

    def _slow(self, broker: int, own: Mapping[str, str], spared: Collection[int]) -> KafkaError | None:
        keys = [key for key in RATES if own.get(key) != self._rate and not (broker in spared and key in own)]
        new = [key for key in keys if (On.BROKER, str(broker), key) not in self._borrowed]
        self._lend([Borrowed(self._run, On.BROKER, str(broker), key, own.get(key), self._rate) for key in new])
        error = (
            self._cluster.alter_brokers([AlterBroker(broker, dict.fromkeys(keys, self._rate))])[broker]
            if keys
            else None
        )
        if error is None:
            self._rated.add(broker)
        return error

    def _give_back(self, broker: int, own: Mapping[str, str]) -> None:
        """What someone has changed since is theirs, and stays."""
        lent = [one for one in self._borrowed.values() if one.on is On.BROKER and one.name == str(broker)]
        ours = {one.key: one.before for one in lent if own.get(one.key) == one.ours and one.ours != one.before}
        error = self._cluster.alter_brokers([AlterBroker(broker, ours)])[broker] if ours else None
        if error is None:
            self._rated.discard(broker)
            self._forget(lent)

    # ---- what is written down

    def _lend(self, ones: Sequence[Borrowed]) -> None:
        if ones:
            self._ledger.lend(ones)
            self._borrowed |= {_key(one): one for one in ones}

    def _forget(self, ones: Sequence[Borrowed]) -> None:
        if ones:
            self._ledger.returned(ones)
            for one in ones:
                del self._borrowed[_key(one)]
                self._laid.pop(one.name, None)


def _key(one: Borrowed) -> tuple[On, str, str]:
    return one.on, one.name, one.key


def _texts(entries: Mapping[str, ConfigEntry]) -> dict[str, str]:
    return {key: entry.value for key, entry in entries.items() if key in LISTS and entry.value is not None}


def _own(entries: Mapping[str, ConfigEntry]) -> dict[str, str]:
    return {
        key: entry.value
        for key, entry in entries.items()
        if entry.source is ConfigSource.DYNAMIC_BROKER and entry.value is not None
    }
