"""What goes on in a cluster, and what of it should not: judged from what was read. Pure.

What is not known stays a `KafkaError` or None all the way; it is never taken for 0, and never for nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from kafkaops.cluster import (
    ConfigEntry,
    ConfigSource,
    Description,
    KafkaError,
    LogDir,
    Reassignment,
    TopicPartition,
    TopicView,
)
from kafkaops.cluster.journal import Lock
from kafkaops.findings import Finding, Severity
from kafkaops.journal import AtWork, Borrowed, Ending, Memory, On, Run
from kafkaops.kinds.topic.changes import REPLICAS
from kafkaops.moving.throttling import LISTS, RATES, Setting, of

K = TypeVar("K", int, str)

_MIN_ISR = "min.insync.replicas"
_EVERY = "*"
_NO_TOPIC = "UNKNOWN_TOPIC_OR_PARTITION"  # deleted since it was listed
_NAMED = 3  # of many, in a sentence


@dataclass(frozen=True, slots=True)
class Journal:
    """What is remembered, and who is at work. `memory` None: not known, and `why`; `holders` None: alike."""

    memory: Memory | None = None
    holders: tuple[AtWork, ...] | None = None
    why: str = ""

    @property
    def last(self) -> Run | None:
        """The newest run that had the cluster to itself, and is not at work."""
        busy = {one.run for one in self.holders or ()}
        runs = self.memory.runs if self.memory else ()
        return next((run for run in runs if run.lock == Lock.APPLY and run.id not in busy), None)


Flights = Mapping[TopicPartition, Reassignment] | KafkaError
Settings = Mapping[int, Mapping[str, ConfigEntry] | KafkaError]
Overrides = Mapping[str, Mapping[str, ConfigEntry] | KafkaError]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """As the brokers and the journal told it.

    views, overrides  of each topic that this login may see
    settings, dirs    of each live broker; `dirs` with the replicas of what is in flight
    """

    described: Description
    views: Mapping[str, TopicView | KafkaError]
    overrides: Overrides
    settings: Settings
    flights: Flights
    dirs: Mapping[int, Sequence[LogDir] | KafkaError]
    journal: Journal


# partitions


class State(StrEnum):
    """As Kafka's metrics count them: a partition may be in several."""

    LEADERLESS = "leaderless"
    UNDER_MIN_ISR = "under_min_isr"
    UNDER_REPLICATED = "under_replicated"


@dataclass(frozen=True, slots=True)
class Ailing:
    """A partition that is not as it should be. `least`: its min.insync.replicas, None: not known."""

    partition: TopicPartition
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int | None
    least: int | None
    states: tuple[State, ...]


def ailing(facts: Facts) -> tuple[Ailing, ...]:
    flights: Mapping[TopicPartition, Reassignment] = {} if isinstance(facts.flights, KafkaError) else facts.flights
    found = []
    for name, view in sorted(facts.views.items()):
        if isinstance(view, KafkaError):
            continue
        for number, (replicas, isr, leader) in enumerate(zip(view.assignment, view.isr, view.leaders, strict=True)):
            key = TopicPartition(name, number)
            least = _least(facts, name, leader)
            arriving = flights[key].adding if key in flights else ()
            states = tuple(_states(set(replicas) - set(arriving), set(isr), leader, least))
            if states:
                found.append(Ailing(key, replicas, isr, None if leader < 0 else leader, least, states))
    return tuple(found)


def _states(shall: set[int], isr: set[int], leader: int, least: int | None) -> Iterator[State]:
    """One that still arrives is not missed."""
    if leader < 0:
        yield State.LEADERLESS
    if least is not None and len(isr) < least:
        yield State.UNDER_MIN_ISR
    if not shall <= isr:
        yield State.UNDER_REPLICATED


def _least(facts: Facts, topic: str, leader: int) -> int | None:
    """The leader's word counts; where there is none, that of any broker."""
    own = facts.overrides[topic]
    if isinstance(own, KafkaError):
        return None
    tables = [facts.settings[leader]] if leader in facts.settings else list(facts.settings.values())
    inherited = next(
        (table[_MIN_ISR] for table in tables if not isinstance(table, KafkaError) and _MIN_ISR in table), None
    )
    entry = own.get(_MIN_ISR, inherited)
    return int(entry.value) if entry and entry.value and entry.value.isdecimal() else None


def least_unknown(facts: Facts) -> bool:
    """Whether for some topic it cannot be said how many replicas must be in sync."""
    return any(
        _least(facts, name, leader) is None
        for name, view in facts.views.items()
        if not isinstance(view, KafkaError)
        for leader in set(view.leaders)
    )


# what is on its way


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One reassignment. `old`: in no order, which nobody remembers but the journal.

    copied  bytes that each replica which arrives has, None: not known
    size    about how many each shall have, None: not known
    run     that has announced it, "": nobody that is known
    undone  a half-done undo: it waits for a cancel (3.5 to 3.7, 4.4)
    """

    partition: TopicPartition
    old: tuple[int, ...]
    new: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]
    copied: Mapping[int, int | None]
    size: int | None
    run: str = ""

    @property
    def undone(self) -> bool:
        return bool(self.adding) and set(self.adding) == set(self.removing)


def in_flight(facts: Facts) -> tuple[Flight, ...] | None:
    """None: not known."""
    if isinstance(facts.flights, KafkaError):
        return None
    sizes = {broker: _sizes(answer) for broker, answer in facts.dirs.items()}
    whose = _announced(facts.journal.memory)
    return tuple(_flight(key, one, sizes, whose.get(key, "")) for key, one in sorted(facts.flights.items()))


def _flight(
    key: TopicPartition,
    one: Reassignment,
    sizes: Mapping[int, Mapping[TopicPartition, int] | None],
    run: str,
) -> Flight:
    old = tuple(sorted(set(one.replicas) - set(one.adding)))
    known = [size for broker in old if (held := sizes.get(broker)) and (size := held.get(key)) is not None]
    return Flight(
        partition=key,
        old=old,
        new=one.target,
        adding=one.adding,
        removing=one.removing,
        copied={
            broker: None if (held := sizes.get(broker)) is None else held.get(key, 0) for broker in sorted(one.adding)
        },
        size=max(known, default=None),
        run=run,
    )


def _sizes(answer: Sequence[LogDir] | KafkaError) -> Mapping[TopicPartition, int] | None:
    """A directory that is offline may hold any of them."""
    if isinstance(answer, KafkaError) or any(one.error for one in answer):
        return None
    return {key: log.size for one in answer for key, log in one.replicas.items()}


def _announced(memory: Memory | None) -> Mapping[TopicPartition, str]:
    """By the mover's runs that have not ended, or were left; the newest one counts."""
    found: dict[TopicPartition, str] = {}
    for run in memory.runs if memory else ():
        if run.lock == Lock.MOVE and (run.end is None or run.end.how is Ending.INTERRUPTED):
            for key in _partitions(memory, run):
                found.setdefault(key, run.id)
    return found


def _partitions(memory: Memory | None, run: Run) -> Iterator[TopicPartition]:
    for step in memory.steps_of(run.id) if memory else ():
        for entry in step.entries:
            for number in (entry.after or {}).get(REPLICAS, ()):
                yield TopicPartition(entry.address.removeprefix("topic/"), int(number))


# throttles


class Whose(StrEnum):
    AT_WORK = "at_work"  # lent by a run that is at work, which gives it back
    LEFT = "left"  # lent by one that is not, so that nobody does
    FOREIGN = "foreign"  # the journal knows nothing of it
    UNKNOWN = "unknown"  # there is no journal to ask


@dataclass(frozen=True, slots=True)
class Throttle:
    """`run`: that has lent it. `idle`: nothing that is in flight is slowed by it; None: not known."""

    setting: Setting
    value: str
    whose: Whose
    run: str = ""
    idle: bool | None = None

    @property
    def orphaned(self) -> bool:
        """Nobody will take it away who is known to. What a run at work has set slows nothing yet before its first copy."""
        return self.whose is Whose.LEFT or (self.whose is not Whose.AT_WORK and self.idle is True)


def throttles(settings: Settings, overrides: Overrides, flights: Flights, journal: Journal) -> tuple[Throttle, ...]:
    """All that are set, brokers first."""
    lists = dict(_of_topics(overrides))
    lent = {of(one): one for one in journal.memory.borrowed} if journal.memory else {}
    whole = not any(isinstance(one, KafkaError) for one in overrides.values())
    found = []
    for setting, value in {**dict(_of_brokers(settings)), **lists}.items():
        if setting.on is On.BROKER:
            idle = _rate_is_idle(int(setting.name), lists, flights, whole=whole)
        else:
            idle = _list_is_idle(setting.name, value, flights)
        whose, run = _whose(lent.get(setting), value, journal)
        found.append(Throttle(setting, value, whose, run, idle))
    return tuple(sorted(found, key=lambda one: (one.setting.on, _natural(one.setting.name), one.setting.key)))


def _of_brokers(settings: Settings) -> Iterator[tuple[Setting, str]]:
    for broker, table in settings.items():
        if not isinstance(table, KafkaError):
            for key in RATES:
                entry = table.get(key)
                if entry and entry.value and entry.source is ConfigSource.DYNAMIC_BROKER:
                    yield Setting(On.BROKER, str(broker), key), entry.value


def _of_topics(overrides: Overrides) -> Iterator[tuple[Setting, str]]:
    """An empty list slows nothing, and is Kafka's default."""
    for name, table in overrides.items():
        if not isinstance(table, KafkaError):
            for key in LISTS:
                entry = table.get(key)
                if entry and entry.value and entry.value.strip():
                    yield Setting(On.TOPIC, name, key), entry.value.strip()


def _list_is_idle(topic: str, value: str, flights: Flights) -> bool | None:
    """Of partitions at rest alone. `*` is no remainder of a move: somebody may have meant it."""
    if value == _EVERY:
        return False
    if isinstance(flights, KafkaError):
        return None
    return not any(TopicPartition(topic, partition) in flights for partition, _ in _entries(value))


def _rate_is_idle(broker: int, lists: Mapping[Setting, str], flights: Flights, *, whole: bool) -> bool | None:
    """No list has a replica on that broker whose partition is on its way. `whole`: all lists are known."""
    told = {
        _list_is_idle(setting.name, its, flights) for setting, value in lists.items() if (its := _on(broker, value))
    }
    if False in told:
        return False
    return True if whole and None not in told else None


def _on(broker: int, value: str) -> str:
    return value if value == _EVERY else ",".join(f"{number}:{one}" for number, one in _entries(value) if one == broker)


def _entries(value: str) -> Iterator[tuple[int, int]]:
    """`partition:broker`."""
    for entry in value.split(","):
        partition, _, broker = entry.strip().partition(":")
        if partition.isdecimal() and broker.isdecimal():
            yield int(partition), int(broker)


def _whose(lent: Borrowed | None, value: str, journal: Journal) -> tuple[Whose, str]:
    """Whoever has the mover's lock gives back all that is lent, also what a run before it did."""
    if journal.memory is None:
        return Whose.UNKNOWN, ""
    if lent is None or not _is_of(lent, value):
        return Whose.FOREIGN, ""
    if journal.holders is None:
        return Whose.UNKNOWN, lent.run
    at_work = any(one.run == lent.run or (one.lock == Lock.MOVE and one.run) for one in journal.holders)
    return Whose.AT_WORK if at_work else Whose.LEFT, lent.run


def _is_of(lent: Borrowed, value: str) -> bool:
    """Somebody else may have set another rate since, or added to a list."""
    if lent.on is On.BROKER or lent.ours is None or value == lent.ours:
        return value == lent.ours
    added = set(_entries(lent.ours)) - set(_entries(lent.before or ""))
    return bool(added & set(_entries(value)))


def _natural(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else 0, name)


# in sentences


def findings(facts: Facts, cluster: str) -> tuple[Finding, ...]:
    """`cluster`: as the files name it, for the commands."""
    set_ = throttles(facts.settings, facts.overrides, facts.flights, facts.journal)
    return (
        *about_throttles(set_, facts.flights, cluster),
        *_about_partitions(ailing(facts)),
        *_about_flights(in_flight(facts) or (), facts.journal, cluster),
        *map(_not_known, unknown(facts)),
    )


def about_throttles(set_: Iterable[Throttle], flights: Flights, cluster: str) -> Iterator[Finding]:
    known = list(set_)
    for run in sorted({one.run for one in known if one.whose is Whose.LEFT}):
        yield _left([one for one in known if one.whose is Whose.LEFT and one.run == run], run, flights, cluster)
    idle = [one for one in known if one.orphaned and one.whose is not Whose.LEFT]
    if idle:
        yield _idle(idle)
    foreign = [one for one in known if not one.orphaned and one.whose in {Whose.FOREIGN, Whose.UNKNOWN}]
    if foreign:
        yield Finding(
            code="KO4302",
            severity=Severity.NOTICE,
            message=f"replication of {_whom(foreign)} is throttled, and {_by_whom(foreign)}",
            help="left as it is; whoever set it takes it away",
            notes=_each(foreign),
        )


def _left(its: Sequence[Throttle], run: str, flights: Flights, cluster: str) -> Finding:
    moving = not isinstance(flights, KafkaError) and bool(flights)
    resume = f"`kafkaops resume --cluster {shlex.quote(cluster)}` goes on with what it moved; " if moving else ""
    return Finding(
        code="KO4301",
        severity=Severity.WARNING,
        message=f"run {run} is not at work any more, and its throttle of {_whom(its)} is still set",
        help=f"{resume}`kafkaops throttle clear --cluster {shlex.quote(cluster)}` gives back what was set before",
        notes=_each(its),
    )


def _idle(its: Sequence[Throttle]) -> Finding:
    """What no journal tells of, kafkaops leaves to whoever knows better."""
    return Finding(
        code="KO4301",
        severity=Severity.WARNING,
        message=f"a throttle of {_whom(its)} was left behind: nothing that it is for is on its way, and {_by_whom(its)}",
        help=_by_hand(its),
        notes=_each(its),
    )


def _by_hand(its: Iterable[Throttle]) -> str:
    """Kafka's own tool, which refuses to delete what is not set."""
    keys: dict[tuple[On, str], list[str]] = {}
    for one in its:
        keys.setdefault((one.setting.on, one.setting.name), []).append(one.setting.key)
    told = [
        f"`kafka-configs.sh --alter --entity-type {on}s --entity-name {name} --delete-config {','.join(of_it)}`"
        for (on, name), of_it in sorted(keys.items(), reverse=True)
    ]
    more = f"; and {len(told) - _NAMED:,} more alike" if len(told) > _NAMED else ""
    return "; ".join(told[:_NAMED]) + more


def _by_whom(its: Sequence[Throttle]) -> str:
    foreign = all(one.whose is Whose.FOREIGN for one in its)
    return "no run of the journal has set it" if foreign else "who has set it is not known without the journal"


def _whom(its: Sequence[Throttle]) -> str:
    """`topics a, b on brokers 1, 2`."""
    names = {on: list(dict.fromkeys(one.setting.name for one in its if one.setting.on is on)) for on in On}
    told = [f"{on}{'' if len(names[on]) == 1 else 's'} {_some(names[on])}" for on in (On.TOPIC, On.BROKER) if names[on]]
    return " on ".join(told)


def _each(its: Iterable[Throttle], most: int = 10) -> tuple[str, ...]:
    rows = [f"{one.setting.on} {one.setting.name}: {one.setting.key}={one.value}" for one in its]
    return (*rows[:most], f"and {len(rows) - most} more") if len(rows) > most else tuple(rows)


def _some(names: Sequence[str]) -> str:
    left = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {left:,} more" if left > 0 else "")


def _about_partitions(found: Sequence[Ailing]) -> Iterator[Finding]:
    leaderless = [one for one in found if State.LEADERLESS in one.states]
    if leaderless:
        yield Finding(
            code="KO4303",
            severity=Severity.WARNING,
            message=f"nobody can write to or read from {_count(leaderless)} without a leader: {_those(leaderless)}",
            help="start the brokers that hold their replicas",
        )
    below = [one for one in found if State.UNDER_MIN_ISR in one.states and State.LEADERLESS not in one.states]
    if below:
        yield Finding(
            code="KO4304",
            severity=Severity.WARNING,
            message=f"{_count(below)} with fewer replicas in sync than min.insync.replicas: {_those(below)}",
            help="start the brokers that are missed; until then producers with acks=all are refused there",
        )


def _count(its: Sequence[Ailing]) -> str:
    return f"{len(its):,} partition{'' if len(its) == 1 else 's'}"


def _those(its: Sequence[Ailing]) -> str:
    return _some([f"{one.partition.topic}-{one.partition.partition}" for one in its])


def _about_flights(flights: Sequence[Flight], journal: Journal, cluster: str) -> Iterator[Finding]:
    left = [one for one in flights if one.run]
    if left and journal.holders is not None and not any(one.lock == Lock.MOVE for one in journal.holders):
        yield Finding(
            code="KO4307",
            severity=Severity.NOTICE,
            message=f"run {left[0].run} is not at work any more, and what it moved goes on in the cluster: {_some(_topics(left))}",
            help=f"`kafkaops resume --cluster {shlex.quote(cluster)}` goes on with it, `kafkaops cancel --cluster {shlex.quote(cluster)}` takes it back",
        )
    undone = [one for one in flights if one.undone]
    if undone:
        topics = _topics(undone)
        yield Finding(
            code="KO4305",
            severity=Severity.WARNING,
            message=f"a reassignment of {_some(topics)} was taken back by half: it waits for a cancel, and ends by itself never",
            help=f"`kafkaops cancel {shlex.join(topics)} --cluster {shlex.quote(cluster)}`",
        )


def _topics(flights: Iterable[Flight]) -> list[str]:
    return sorted({one.partition.topic for one in flights})


def unknown(facts: Facts) -> tuple[str, ...]:
    """What could not be read, each with why."""
    return tuple(_unknown(facts))


def _unknown(facts: Facts) -> Iterator[str]:
    if isinstance(facts.flights, KafkaError):
        yield f"the reassignments in flight ({facts.flights})"
    for what, answers in (("settings", facts.settings), ("disks", facts.dirs)):
        for error, brokers in _by_error(answers).items():
            yield f"the {what} of {_some([f'broker {one}' for one in brokers])} ({error})"
    for what, its in (("partitions", facts.views), ("settings", facts.overrides)):
        for error, topics in _by_error(its).items():
            if error.name != _NO_TOPIC:
                yield f"the {what} of {_some([f'topic {one}' for one in topics])} ({error})"


def _by_error(answers: Mapping[K, object]) -> Mapping[KafkaError, Sequence[K]]:
    found: dict[KafkaError, list[K]] = {}
    for name, answer in answers.items():
        if isinstance(answer, KafkaError):
            found.setdefault(answer, []).append(name)
    return found


def _not_known(what: str) -> Finding:
    rights = "AUTHORIZATION" in what
    return Finding(
        code="KO4306",
        severity=Severity.WARNING,
        message=f"not known: {what}",
        help="grant Describe and DescribeConfigs; `kafkaops doctor` prints the ACLs"
        if rights
        else "run the same command again when the cluster is well",
    )
