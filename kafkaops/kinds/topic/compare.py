"""Wanted against live topics: changes, and why each could hurt. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import lcm

from kafkaops.findings import Finding, Location, Severity
from kafkaops.kinds.topic import settings
from kafkaops.kinds.topic.changes import (
    AddPartitions,
    CreateTopic,
    DeleteTopic,
    MoveReplicas,
    Replicas,
    SetTopicConfig,
)
from kafkaops.kinds.topic.model import (
    OPERATIONAL,
    PARTITIONS,
    REPLICATION,
    AbsentTopic,
    LiveTopic,
    LiveTopics,
    Topic,
)
from kafkaops.plan import Action, Change, Difference, FieldChange, From, Phase, Tally, Value

Step = Change | Finding


@dataclass(frozen=True, slots=True)
class Guards:
    """What the policy allows. `protected`: names that never lose data. `moves`: whether replicas may be moved."""

    protected: frozenset[str] = frozenset()
    moves: bool = True


@dataclass(frozen=True, slots=True)
class Placed:
    """Where replicas go, decided beforehand. `created`, `added`: of new topics and of new partitions, by topic; `moves`: of those that are there."""

    created: Mapping[str, Replicas] = field(default_factory=dict)
    added: Mapping[str, Replicas] = field(default_factory=dict)
    moves: Mapping[str, MoveReplicas] = field(default_factory=dict)


def compare(
    want: Mapping[str, Topic | AbsentTopic], live: LiveTopics, guards: Guards, placed: Placed | None = None
) -> Difference:
    """Every wanted topic against the one that is there. `placed` None: the controller places what is new, and nothing moves."""
    placed = placed or Placed()
    changes: list[Change] = []
    findings: list[Finding] = []
    in_sync = stuck = 0
    for name in sorted(want):
        steps = list(_steps(want[name], live.topics[name], live, guards, placed))
        here = [step for step in steps if isinstance(step, Change)]
        changes += here
        findings += (step for step in steps if isinstance(step, Finding))
        if live.topics[name] is not None and not here:
            blocked = any(isinstance(step, Finding) and step.blocks for step in steps)
            stuck, in_sync = stuck + blocked, in_sync + (not blocked)
    findings += _undeclared(live)
    return Difference(tuple(changes), tuple(findings), Tally(in_sync, live.unmanaged, live.undeclared, stuck))


def _steps(
    want: Topic | AbsentTopic, have: LiveTopic | None, live: LiveTopics, guards: Guards, placed: Placed
) -> Iterator[Step]:
    match want:
        case AbsentTopic():
            if have is not None:
                yield from _delete(want, have, guards)
        case Topic() if have is None:
            yield _create(want, placed.created.get(want.name))
            yield from _too_few_brokers(want, live)
        case Topic():
            assert have is not None
            move = placed.moves.get(want.name)
            yield from _partitions(want, have, placed.added.get(want.name))
            yield from _replication(want, have, guards)
            yield from _settings(want, have, live, guards)
            if move is not None:
                yield move


def _create(want: Topic, assignment: Replicas | None) -> CreateTopic:
    def field(name: str, text: str, display: str) -> FieldChange:
        return FieldChange(name, None, Value(text, display, From.FILE), want.place(name))

    return CreateTopic(
        id=f"topic:{want.name}",
        address=f"topic/{want.name}",
        action=Action.CREATE,
        phase=Phase.CREATES,
        where=want.where,
        summary=f"{_count(want.partitions, 'partition')} x {_count(want.replication, 'replica')}",
        fields=(
            field(PARTITIONS, str(want.partitions), str(want.partitions)),
            field(REPLICATION, str(want.replication), str(want.replication)),
            *(field(key, value, settings.show(key, value)) for key, value in sorted(want.config.items())),
        ),
        topic=want,
        assignment=assignment,
    )


def _too_few_brokers(want: Topic, live: LiveTopics) -> Iterator[Finding]:
    if live.brokers is None or want.replication <= live.brokers:
        return
    yield Finding(
        code="KO2204",
        severity=Severity.ERROR,
        message=f"{want.name}: {_count(want.replication, 'replica')} need as many brokers, the cluster has {live.brokers}",
        address=f"topic/{want.name}",
        where=want.place(REPLICATION),
        help=f"write {live.brokers} or less; a cluster's `override:` can do so for all its topics",
        notes=("Kafka puts no two replicas of a partition on one broker",),
    )


def _partitions(want: Topic, have: LiveTopic, added: Replicas | None) -> Iterator[Step]:
    before, after = have.partitions, want.partitions
    if before == after:
        return
    where = want.place(PARTITIONS)
    if after < before:
        yield Finding(
            code="KO2112",
            severity=Severity.ERROR,
            message=f"{want.name}: partitions {before} -> {after} is impossible",
            address=f"topic/{want.name}",
            where=where,
            label=f"the topic has {before}",
            help=f"write {before}; to have fewer, create another topic and move its readers and writers",
            notes=("Kafka cannot take partitions away from a topic",),
        )
        return
    yield AddPartitions(
        id=f"topic:{want.name}#{PARTITIONS}",
        address=f"topic/{want.name}",
        action=Action.UPDATE,
        phase=Phase.SAFE,
        where=where,
        fields=(_field(PARTITIONS, str(before), str(after), where),),
        reversible=False,
        codes=("KO2110",),
        name=want.name,
        topic_id=have.topic_id,
        before=before,
        after=after,
        added=added,
    )
    yield _remapped_keys(want, before, after, where)
    if have.moving:
        yield Finding(
            code="KO2203",
            severity=Severity.ERROR,
            message=f"{want.name}: partitions cannot be added while the topic is being reassigned",
            address=f"topic/{want.name}",
            where=where,
            help="wait until the reassignment has ended, then plan again",
            notes=("KRaft would give the new partitions the replicas of both the old and the new place",),
        )


def _remapped_keys(want: Topic, before: int, after: int, where: Location) -> Finding:
    keyed = f"records are keyed by `{want.key}`" if want.key else "where records have keys"
    return Finding(
        code="KO2110",
        severity=Severity.DANGER,
        message=f"{want.name}: partitions {before} -> {after}",
        address=f"topic/{want.name}",
        where=where,
        consent=(f"partitions {before} -> {after}",),
        notes=(
            f"{keyed}: {_share_that_moves(before, after)} of keys move to another partition (default partitioner); order per key breaks once for each",
            "Kafka Streams joins need equal counts; groups on auto.offset.reset=latest can skip the first records of new partitions",
        ),
    )


def _share_that_moves(before: int, after: int) -> str:
    """The share of a uniform hash h with h % before != h % after: in each lcm(before, after), only h < before keeps its place."""
    return f"{100 * (1 - before / lcm(before, after)):.0f}%"


def _replication(want: Topic, have: LiveTopic, guards: Guards) -> Iterator[Step]:
    """What stops another number of replicas, or makes it a danger; how they move is decided apart."""
    if have.replications == {want.replication}:
        return
    if have.moving:
        yield Finding(
            code="KO2203",
            severity=Severity.ERROR,
            message=f"{want.name}: is being reassigned, so its replication factor cannot be judged",
            address=f"topic/{want.name}",
            where=want.place(REPLICATION),
            help="wait until the reassignment has ended, then plan again",
        )
        return
    if not guards.moves:
        yield Finding(
            code="KO2201",
            severity=Severity.ERROR,
            message=f"{want.name}: replication.factor {replications(have)} -> {want.replication} needs replicas to be moved, and `manage: placement` is false",
            address=f"topic/{want.name}",
            where=want.place(REPLICATION),
            label=f"the topic has {replications(have)}",
            help=f"write {max(have.replications)}, or take `placement: false` out of the cluster's `manage:`",
        )
    elif want.replication < max(have.replications):
        yield _fewer_replicas(want, have)


def replications(have: LiveTopic) -> str:
    """`2`; `2 and 3` where partitions differ."""
    return " and ".join(str(count) for count in sorted(have.replications))


def _fewer_replicas(want: Topic, have: LiveTopic) -> Finding:
    most = max(have.replications)
    return Finding(
        code="KO2116",
        severity=Severity.DANGER,
        message=f"{want.name}: {REPLICATION} {replications(have)} -> {want.replication}",
        address=f"topic/{want.name}",
        where=want.place(REPLICATION),
        consent=(f"{REPLICATION} {most} -> {want.replication}",),
        notes=(f"records survive the loss of {_count(want.replication - 1, 'broker')} then, of {most - 1} now",),
    )


def _settings(want: Topic, have: LiveTopic, live: LiveTopics, guards: Guards) -> Iterator[Step]:
    for key in sorted((want.config.keys() | have.overrides.keys()) - OPERATIONAL):
        before, after = _canonical(key, have.overrides.get(key)), want.config.get(key)
        if key not in have.overrides or key not in want.config or before != after:
            yield from _setting(want, have, key, live, guards)


def _canonical(key: str, text: str | None) -> str | None:
    """As our own side is written: a list's order and a number's spelling make no difference."""
    return text if text is None else settings.comparable(key, text)


def canonical(have: LiveTopic) -> dict[str, str]:
    """Its overrides as our own side is written; without those that Kafka hides."""
    return {key: settings.comparable(key, text) for key, text in have.overrides.items() if text is not None}


def _setting(want: Topic, have: LiveTopic, key: str, live: LiveTopics, guards: Guards) -> Iterator[Step]:
    where = want.place(key)
    before, after = _in_effect(want, have, key, live)
    danger = _guarded(_danger(want.name, key, before, after, where, live), guards)
    yield SetTopicConfig(
        id=f"topic:{want.name}#{key}",
        address=f"topic/{want.name}",
        action=Action.UPDATE,
        phase=_phase(want, have, key, danger),
        where=where,
        fields=(FieldChange(key, before, after, where),),
        reversible=danger is None,
        codes=() if danger is None else (danger.code,),
        name=want.name,
        topic_id=have.topic_id,
        key=key,
        override=have.overrides.get(key),
        value=want.config.get(key),
    )
    if danger is not None:
        yield danger


def _phase(want: Topic, have: LiveTopic, key: str, danger: Finding | None) -> Phase:
    """As many replicas in sync as there are now, or more, would stop writers when one is late, so that this waits for the new ones."""
    asked = want.config.get(key, "")
    if key == "min.insync.replicas" and asked.isdecimal() and int(asked) >= min(have.replications) < want.replication:
        return Phase.AFTER_MOVES
    return Phase.SAFE if danger is None else Phase.LOSSES


UNKNOWN = Value("", "unknown", From.UNKNOWN)
UNSET = Value("unset", "unset", From.UNKNOWN)
"""A setting that is nobody's but a vendor's: that it has no override is all that can be known, and consent can name it."""


def _in_effect(want: Topic, have: LiveTopic, key: str, live: LiveTopics) -> tuple[Value, Value]:
    """What rules before and after: the override, or what the brokers give without one, and where they differ the worst of it (decisions 5)."""
    inherited = live.inherited.get(key, ())
    if key in have.overrides and key in want.config:
        return _override(key, have.overrides[key], From.TOPIC), _override(key, want.config[key], From.FILE)
    if key in have.overrides:
        before = _override(key, have.overrides[key], From.TOPIC)
        return before, _worst(key, inherited, before.text)
    after = _override(key, want.config[key], From.FILE)
    harmful = (value for value in inherited if settings.harmless(key, value.text, after.text) is None)
    return next(harmful, inherited[0] if inherited else _nothing(key)), after


def _nothing(key: str) -> Value:
    return UNKNOWN if key in settings.SETTINGS else UNSET


def _override(key: str, text: str | None, source: From) -> Value:
    """Canonical, as consent names it: a topic may hold `delete,compact`."""
    text = _canonical(key, text)
    return UNKNOWN if text is None else Value(text, settings.show(key, text), source)


def _worst(key: str, values: tuple[Value, ...], before: str) -> Value:
    if not values:
        return _nothing(key)
    text = settings.worst(key, [value.text for value in values], before)
    return next(value for value in values if value.text == text)


def _danger(name: str, key: str, before: Value, after: Value, where: Location, live: LiveTopics) -> Finding | None:
    if not settings.rules(key, live.kafka_version):
        return (
            None  # the brokers no longer know the setting: the override is dead weight, and blocks every other change
        )
    known = UNKNOWN not in {before, after}
    same = before.text == after.text and UNSET not in {before, after}  # a vendor's value may read `unset` itself
    if known and (same or settings.harmless(key, before.text, after.text) is not None):
        return None
    danger = settings.danger(key, before.text if known else None, after.text if known else None)
    missing = () if known else ("a value could not be read, so nothing can be said about what is lost",)
    return Finding(
        code=danger.code,
        severity=Severity.DANGER,
        message=f"{name}: {key} {before.display} -> {after.display}",
        address=f"topic/{name}",
        where=where,
        consent=(f"{key} {before.text or 'unknown'} -> {after.text or 'unknown'}",) if known else (),
        notes=(*missing, danger.what) if danger.what else missing,
    )


def _guarded(danger: Finding | None, guards: Guards) -> Finding | None:
    """The danger; on a protected topic it is refused instead, so that no consent is asked for that would not help."""
    if danger is None or danger.address.removeprefix("topic/") not in guards.protected:
        return danger
    return replace(
        danger,
        code="KO5101",
        severity=Severity.ERROR,
        message=f"{danger.message} on a protected topic",
        help="take the name out of `protect` in kafkaops.yaml, in a change of its own",
        consent=(),
        notes=("`protect` stops every change that may lose data, whatever is acknowledged",),
    )


def _delete(want: AbsentTopic, have: LiveTopic, guards: Guards) -> Iterator[Step]:
    danger = _guarded(_deletion(want, have), guards)
    assert danger is not None
    yield DeleteTopic(
        id=f"topic:{want.name}",
        address=f"topic/{want.name}",
        action=Action.DELETE,
        phase=Phase.DELETES,
        where=want.where,
        summary=f"{_count(have.partitions, 'partition')}, all records",
        reversible=False,
        codes=(danger.code,),
        name=want.name,
        topic_id=have.topic_id,
        partitions=have.partitions,
        replication=max(have.replications),
        config=canonical(have),
    )
    yield danger


def _deletion(want: AbsentTopic, have: LiveTopic) -> Finding:
    return Finding(
        code="KO2106",
        severity=Severity.DANGER,
        message=f"{want.name}: is deleted with all its records",
        address=f"topic/{want.name}",
        where=want.where,
        consent=(f"delete {have.topic_id or want.name}",),
        notes=(
            f"{_count(have.partitions, 'partition')} with everything in them; ACLs, committed offsets and schemas stay",
            "a client that may create topics can bring it back at once, empty",
        ),
    )


def _undeclared(live: LiveTopics) -> Iterator[Finding]:
    for name in live.undeclared:
        yield Finding(
            code="KO2301",
            severity=Severity.NOTICE,
            message=f"{name}: is live in a domain that the topology owns, and in no file",
            address=f"topic/{name}",
            help="declare it, or write `state: absent` to have it deleted",
        )


def _field(name: str, before: str, after: str, where: Location) -> FieldChange:
    return FieldChange(name, Value(before, before, From.TOPIC), Value(after, after, From.FILE), where)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
