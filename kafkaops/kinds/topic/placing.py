"""Where replicas go: those of new topics and partitions, and those that are in the wrong place or of which there are too many or too few.

Nothing moves that this merge did not cause: another replication factor, a broker to drain, a rack rule that is declared (decisions 22).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from kafkaops import units
from kafkaops.cluster import Broker, LogDir, TopicPartition, TopicView
from kafkaops.findings import Finding, Severity
from kafkaops.kind import Reading
from kafkaops.kinds.topic import compare, holdings, wire
from kafkaops.kinds.topic.changes import REPLICAS, MoveReplicas, Replicas
from kafkaops.kinds.topic.compare import Placed
from kafkaops.kinds.topic.holdings import Holdings
from kafkaops.kinds.topic.model import REPLICATION, AbsentTopic, LiveTopic, LiveTopics, Topic
from kafkaops.movement import Disk, Movement, Terms, movement
from kafkaops.placement.fair import rack_bounds
from kafkaops.placement.model import (
    BrokerInfo,
    CannotPlace,
    Goals,
    Move,
    PartitionId,
    PartitionInfo,
    Placement,
    Unmet,
)
from kafkaops.placement.planner import place, place_new
from kafkaops.plan import Action, FieldChange, From, Phase, Value
from kafkaops.settings import DISK_RESERVE, INTERNAL_TOPICS
from kafkaops.settings import Placement as Rules

_LONG_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Decided:
    """`others`: moves of topics that no file declares, Kafka's own, off a broker that is to be drained."""

    placed: Placed = field(default_factory=Placed)
    others: tuple[MoveReplicas, ...] = ()
    findings: tuple[Finding, ...] = ()
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What there is to place: by name, with what is live of it."""

    created: Mapping[str, Topic]
    extended: Mapping[str, tuple[Topic, LiveTopic]]
    moved: Mapping[str, tuple[Topic, LiveTopic]]


def decide(reading: Reading, want: Mapping[str, Topic | AbsentTopic], live: LiveTopics) -> Decided:
    """What brokers hold is read only where something is to be placed."""
    rules, brokers = reading.desired.placement, reading.described.brokers
    if not reading.entry.manages_placement:
        return Decided()
    told = list(_about_racks(rules, brokers))
    if any(one.blocks for one in told):
        return Decided(findings=tuple(told))
    racks = _racks(rules, brokers)
    wanted = _wanted(rules, want, live, racks)
    told += _too_few_racks(rules, want, racks)
    told += _both(wanted)
    told += _crowded_unasked(rules, want, live, _racks(Rules(reading.entry.where), brokers))
    draining = bool(rules and rules.drain)
    if any(one.blocks for one in told) or not (wanted.created or wanted.extended or wanted.moved or draining):
        return Decided(findings=tuple(told))
    return _decided(reading, rules, wanted, racks, told)


def _wanted(
    rules: Rules | None, want: Mapping[str, Topic | AbsentTopic], live: LiveTopics, racks: Mapping[int, str]
) -> _Wanted:
    """Without `placement:` the controller places what is new."""
    pairs = {name: (topic, live.topics[name]) for name, topic in want.items() if isinstance(topic, Topic)}
    there = {name: (topic, have) for name, (topic, have) in pairs.items() if have is not None and not have.moving}
    return _Wanted(
        created={name: topic for name, (topic, have) in pairs.items() if have is None} if rules else {},
        extended={name: both for name, both in there.items() if both[0].partitions > both[1].partitions}
        if rules
        else {},
        moved={name: both for name, both in there.items() if _misplaced(*both, rules, racks)},
    )


def _misplaced(want: Topic, have: LiveTopic, rules: Rules | None, racks: Mapping[int, str]) -> bool:
    if have.replications != {want.replication}:
        return True
    if rules is None or rules.rebalancing:
        return rules is not None
    return any(rules.drain & set(replicas) or not _spread(replicas, racks, rules.drain) for replicas in have.assignment)


def _spread(replicas: Sequence[int], racks: Mapping[int, str], drained: Collection[int] = ()) -> bool:
    """As over the racks as there are brokers for it; what is on a broker whose rack is not known cannot be judged."""
    if not racks or any(broker not in racks for broker in replicas):
        return True
    room = Counter(rack for broker, rack in racks.items() if broker not in drained)
    names = sorted(room)
    if sum(room.values()) < len(replicas):
        return True
    lo, hi = rack_bounds(len(replicas), [room[name] for name in names], [0] * len(names))
    held = Counter(racks[broker] for broker in replicas)
    return all(least <= held[name] <= most for name, least, most in zip(names, lo, hi, strict=True))


def _racks(rules: Rules | None, brokers: Iterable[Broker]) -> Mapping[int, str]:
    """Broker -> rack where racks count; empty where they do not."""
    known = {broker.id: broker.rack for broker in brokers}
    if (rules and rules.racks == "off") or not all(known.values()):
        return {}
    return {broker: rack for broker, rack in known.items() if rack}


def _about_racks(rules: Rules | None, brokers: Iterable[Broker]) -> Iterator[Finding]:
    without = [broker.id for broker in brokers if not broker.rack]
    insists = rules is not None and rules.racks in {"on", "strict"}
    if not without or (rules and rules.racks == "off") or not (insists or any(broker.rack for broker in brokers)):
        return
    yield Finding(
        code="KO4108",
        severity=Severity.ERROR if insists else Severity.WARNING,
        message=f"{_brokers(without)} {'has' if len(without) == 1 else 'have'} no rack, so replicas cannot be spread over racks",
        where=rules.where if rules else None,
        help="set `broker.rack` on every broker, or write `racks: off`",
    )


def _too_few_racks(
    rules: Rules | None, want: Mapping[str, Topic | AbsentTopic], racks: Mapping[int, str]
) -> Iterator[Finding]:
    there = len({rack for broker, rack in racks.items() if rules and broker not in rules.drain})
    if rules is None or rules.racks != "strict":
        return
    for name, topic in sorted(want.items()):
        if isinstance(topic, Topic) and topic.replication > there:
            yield Finding(
                code="KO4104",
                severity=Severity.ERROR,
                message=f"{name}: {topic.replication} replicas need as many racks, the cluster has {there}",
                address=f"topic/{name}",
                where=topic.place(REPLICATION),
                also=((rules.where, "because of this rule"),),
                help=f"write {there} or less, or `racks: on` for as even a spread as the racks allow",
            )


def _both(wanted: _Wanted) -> Iterator[Finding]:
    for name, (topic, have) in sorted(wanted.extended.items()):
        if have.replications != {topic.replication}:
            yield Finding(
                code="KO4109",
                severity=Severity.ERROR,
                message=f"{name}: partitions and replication factor cannot change in one apply",
                address=f"topic/{name}",
                where=topic.place(REPLICATION),
                help=f"write `replication-factor: {max(have.replications)}` now, and the other in a change of its own",
                notes=("new partitions have as many replicas as the others, and the others get theirs last",),
            )


def _crowded_unasked(
    rules: Rules | None, want: Mapping[str, Topic | AbsentTopic], live: LiveTopics, racks: Mapping[int, str]
) -> Iterator[Finding]:
    """Without `placement:` nothing moves for racks; that it would is told."""
    if rules is not None or not racks:
        return
    crowded = [
        sum(not _spread(replicas, racks) for replicas in have.assignment)
        for name, topic in want.items()
        if isinstance(topic, Topic) and (have := live.topics[name]) is not None
    ]
    if any(crowded):
        yield Finding(
            code="KO4106",
            severity=Severity.NOTICE,
            message=f"{_count(sum(crowded), 'partition')} of {_count(sum(map(bool, crowded)), 'topic')} could be spread better over the racks",
            help="declare `placement: {}` for the cluster, and a plan shows the moves",
        )


def _decided(
    reading: Reading, rules: Rules | None, wanted: _Wanted, racks: Mapping[int, str], told: list[Finding]
) -> Decided:
    held = holdings.read(reading.cluster, reading.described)
    internal = _internal_on(rules, held)
    if held.untold and (wanted.moved or internal):
        raise wire.not_read([(f"the log dirs of broker {one}", error.name) for one, error in held.untold.items()])
    brokers, there = _brokers_of(held, rules, racks), _there(wanted, internal, held)
    pinned = {
        (one.topic, one.partition): one.replicas
        for one in there
        if (one.topic not in wanted.moved and one.topic not in internal) or _waits(one, rules, held)
    }
    goals = Goals(drain=rules.drain if rules else frozenset(), rack_aware="on" if racks else "off")
    try:
        placement = place(brokers, there, _asked(goals, rules), pinned=pinned)
        fresh = place_new(brokers, there, _fresh(wanted), goals)
    except CannotPlace as impossible:
        return Decided(findings=(*told, _infeasible(str(impossible), rules)))
    moves = _moves_by_topic(placement, wanted, internal)
    terms = _terms(reading, rules, held, racks, placement, moves)
    changes = {name: _change(name, its, wanted, held, rules, racks) for name, its in moves.items()}
    told += (_unmet(one, rules) for one in placement.unmet)
    told += _waiting(wanted, there, rules, held)
    told += _left_on_drained(rules, held, wanted, internal)
    told += _about_costs(movement([one for its in moves.values() for one in its], terms), rules) if moves else ()
    return Decided(
        placed=Placed(
            created={name: _assignment(fresh, name, 0, topic.partitions) for name, topic in wanted.created.items()},
            added={
                name: _assignment(fresh, name, have.partitions, topic.partitions)
                for name, (topic, have) in wanted.extended.items()
            },
            moves={name: change for name, change in changes.items() if name not in internal},
        ),
        others=tuple(change for name, change in sorted(changes.items()) if name in internal),
        findings=tuple(told),
        terms=terms if moves else None,
    )


def _asked(goals: Goals, rules: Rules | None) -> Goals:
    """As few bytes as the rules allow; with `--rebalance` as few as an even layout allows (decisions 22)."""
    if rules is None or not rules.rebalancing:
        return goals
    tolerance = rules.tolerance if rules.balance == "bytes" else None
    return replace(goals, count="hard", byte_tolerance=tolerance, topic_spread="hard", leaders="all")


def _internal_on(rules: Rules | None, held: Holdings) -> frozenset[str]:
    """Kafka's own topics on a broker that is to be drained: no file can declare them, and they have to leave it too."""
    if rules is None or not rules.drain:
        return frozenset()
    return frozenset(
        name
        for name, view in held.views.items()
        if _is_internal(name) and any(rules.drain & set(replicas) for replicas in view.assignment)
    )


def _is_internal(name: str) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in INTERNAL_TOPICS)


def _brokers_of(held: Holdings, rules: Rules | None, racks: Mapping[int, str]) -> list[BrokerInfo]:
    reserve = rules.disk_reserve if rules else DISK_RESERVE
    live = [_broker(broker.id, racks.get(broker.id), held.dirs.get(broker.id, ()), reserve) for broker in held.brokers]
    down = [BrokerInfo(one, next(iter(racks.values()), None), alive=False) for one in sorted(held.down)]
    return [*live, *down]


def _broker(id_: int, rack: str | None, dirs: Iterable[LogDir], reserve: float) -> BrokerInfo:
    """Room is that of the log dir that has the least: Kafka chooses where a replica lands."""
    rooms = [(one.usable, int(one.total * reserve)) for one in dirs if one.usable is not None and one.total]
    usable, kept = min(rooms, key=lambda room: room[0] - room[1], default=(None, 0))
    cordoned = bool(dirs) and all(one.cordoned for one in dirs)
    return BrokerInfo(id_, rack, cordoned=cordoned, usable_bytes=usable, reserve_bytes=kept)


def _there(wanted: _Wanted, internal: Collection[str], held: Holdings) -> list[PartitionInfo]:
    """All that brokers hold. What nobody leads cannot be copied: it is left out where it is not to move."""
    sizes, live = held.sizes(), {broker.id for broker in held.brokers}
    return [
        PartitionInfo(
            name,
            number,
            replicas,
            frozenset(view.isr[number] if view.isr else replicas),
            sizes.get(TopicPartition(name, number), 0),
            wanted.moved[name][0].replication if name in wanted.moved else None,
            _leader(view, number),
        )
        for name, view in sorted(held.views.items())
        for number, replicas in enumerate(view.assignment)
        if name in wanted.moved or name in internal or not view.isr or live.intersection(view.isr[number])
    ]


def _leader(view: TopicView, number: int) -> int | None:
    """None where there is none, or none was recorded."""
    return view.leaders[number] if view.leaders and view.leaders[number] >= 0 else None


def _fresh(wanted: _Wanted) -> list[PartitionInfo]:
    firsts = [(topic, 0) for topic in wanted.created.values()]
    firsts += [(topic, have.partitions) for topic, have in wanted.extended.values()]
    return [
        PartitionInfo(topic.name, number, (), frozenset(), 0, topic.replication)
        for topic, first in firsts
        for number in range(first, topic.partitions)
    ]


def _assignment(placed: Mapping[PartitionId, tuple[int, ...]], name: str, first: int, total: int) -> Replicas:
    return tuple(placed[name, number] for number in range(first, total))


def _moves_by_topic(placement: Placement, wanted: _Wanted, internal: Collection[str]) -> dict[str, tuple[Move, ...]]:
    by_topic: dict[str, list[Move]] = {}
    for move in placement.moves:
        if move.topic in wanted.moved or move.topic in internal:
            by_topic.setdefault(move.topic, []).append(move)
    return {name: tuple(moves) for name, moves in by_topic.items()}


def _terms(
    reading: Reading,
    rules: Rules | None,
    held: Holdings,
    racks: Mapping[int, str],
    placement: Placement,
    moves: Mapping[str, Sequence[Move]],
) -> Terms:
    everything = [move for its in moves.values() for move in its]
    copied = [TopicPartition(*move.id) for move in everything if move.adding]
    sampled = reading.cluster.write_rates(copied) if any(move.bytes for move in everything) else {}
    window = rules.window if rules else None
    return Terms(
        throttle=rules.throttle if rules else None,
        leaders={
            move.id: leader
            for move in everything
            if (leader := _leader(held.views[move.topic], move.partition)) is not None
        },
        written={(one.topic, one.partition): rate for one, rate in sampled.items()},
        racks=racks,
        disks=tuple(
            Disk(broker, one.total, one.usable)
            for broker, dirs in sorted(held.dirs.items())
            for one in dirs
            if one.total and one.usable is not None
        ),
        bound=placement.bound.least,
        proved=placement.bound.optimal or placement.bytes == placement.bound.least,
        window=str(window) if window else "",
        window_seconds=window.seconds if window else None,
    )


def _change(
    name: str,
    moves: tuple[Move, ...],
    wanted: _Wanted,
    held: Holdings,
    rules: Rules | None,
    racks: Mapping[int, str],
) -> MoveReplicas:
    view = held.views[name]
    topic, have = wanted.moved.get(name, (None, None))
    codes: tuple[str, ...] = ()
    if topic is not None and have is not None and have.replications != {topic.replication}:
        field, where = REPLICATION, topic.place(REPLICATION)
        codes = ("KO2116",) if topic.replication < max(have.replications) else ()
        before, after = compare.replications(have), str(topic.replication)
    else:
        assert rules is not None, name
        field, where = REPLICAS, rules.where
        before, after = _why(view.assignment, rules, racks)
    return MoveReplicas(
        id=f"topic:{name}#{field}",
        address=f"topic/{name}",
        action=Action.REASSIGN,
        phase=Phase.MOVES,
        where=where,
        summary=_count(len(moves), "partition"),
        fields=(FieldChange(field, Value(before, before, From.TOPIC), Value(after, after, From.FILE), where),),
        codes=codes,
        moves=moves,
        name=name,
        topic_id=view.topic_id,
        assignment=view.assignment,
    )


def _why(assignment: Replicas, rules: Rules, racks: Mapping[int, str]) -> tuple[str, str]:
    """What is wrong with it, before and after; the same whatever place is found."""
    drained = sorted(rules.drain & {broker for replicas in assignment for broker in replicas})
    if drained:
        count = sum(broker in replicas for replicas in assignment for broker in drained)
        return f"{count} on {_brokers(drained)}", "none there"
    if rules.rebalancing:
        return "uneven", "even"
    short = sum(not _spread(replicas, racks, rules.drain) for replicas in assignment)
    return f"{_count(short, 'partition')} short of racks", "none"


def _waits(one: PartitionInfo, rules: Rules | None, held: Holdings) -> frozenset[int]:
    """The brokers without which it cannot be moved: Kafka ends a move when all that stay are in sync. One that is drained need not stay."""
    return held.down.intersection(one.replicas) - (rules.drain if rules else frozenset())


# What there is to say


def _waiting(wanted: _Wanted, there: Iterable[PartitionInfo], rules: Rules | None, held: Holdings) -> Iterator[Finding]:
    by_topic: dict[str, list[frozenset[int]]] = {}
    for one in there:
        if one.topic in wanted.moved and (brokers := _waits(one, rules, held)):
            by_topic.setdefault(one.topic, []).append(brokers)
    for name, waits in sorted(by_topic.items()):
        down = sorted(frozenset().union(*waits))
        yield Finding(
            code="KO4110",
            severity=Severity.WARNING,
            message=f"{name}: {_count(len(waits), 'partition')} cannot be moved before {_brokers(down)} {'is' if len(down) == 1 else 'are'} up again",
            address=f"topic/{name}",
            where=wanted.moved[name][0].place(REPLICATION),
            help="start it, or write it into `placement: drain` to have its replicas copied elsewhere",
        )


def _infeasible(why: str, rules: Rules | None) -> Finding:
    return Finding(
        code="KO4105",
        severity=Severity.ERROR,
        message=f"there is no place for what is asked: {why}",
        where=rules.where if rules else None,
        help="drain fewer brokers, add one, or ask for fewer replicas",
    )


def _unmet(one: Unmet, rules: Rules | None) -> Finding:
    return Finding(
        code="KO4103" if one.goal == "disk" else "KO4105",
        severity=Severity.ERROR,
        message=one.reason,
        where=rules.where if rules else None,
        help="make room on the disks, or lower `placement: disk-reserve`"
        if one.goal == "disk"
        else "drain fewer brokers, add one, or ask for fewer replicas",
        notes=tuple(f"{topic} partition {number}" for topic, number in one.partitions[:5]),
    )


def _left_on_drained(
    rules: Rules | None, held: Holdings, wanted: _Wanted, internal: Collection[str]
) -> Iterator[Finding]:
    if rules is None:
        return
    for broker in sorted(rules.drain):
        left = {
            name: count
            for name, view in held.views.items()
            if name not in wanted.moved and name not in internal
            if (count := sum(broker in replicas for replicas in view.assignment))
        }
        if left:
            shown = ", ".join(sorted(left)[:5])
            more = f" and {len(left) - 5} more" if len(left) > 5 else ""  # noqa: PLR2004
            yield Finding(
                code="KO4107",
                severity=Severity.WARNING,
                message=f"broker {broker} keeps {_count(sum(left.values()), 'replica')} of topics that no file declares: {shown}{more}",
                where=rules.where,
                help="declare them (`kafkaops pull topic/NAME`), or move them with kafka-reassign-partitions",
            )


def _about_costs(cost: Movement, rules: Rules | None) -> Iterator[Finding]:
    where = rules.where if rules else None
    reserve = rules.disk_reserve if rules else DISK_RESERVE
    if cost.fullest and cost.fullest.after > 1 - reserve:
        full = cost.fullest
        yield Finding(
            code="KO4103",
            severity=Severity.ERROR,
            message=f"a disk of broker {full.broker} would be {full.after:.0%} full, {reserve:.0%} has to stay free",
            where=where,
            help="make room on it, or lower `placement: disk-reserve`",
        )
    if cost.never and cost.throttle is not None:
        yield Finding(
            code="KO4102",
            severity=Severity.ERROR,
            message=f"at {units.about(cost.throttle)}/s the copies to {_brokers(cost.never)} never finish: clients write as fast",
            where=where,
            help="raise `placement: throttle`",
        )
    if cost.seconds and cost.seconds > _LONG_SECONDS:
        yield Finding(
            code="KO4101",
            severity=Severity.NOTICE,
            message=f"copying {units.about(cost.bytes)} takes about {units.span(cost.seconds)}",
            where=where,
            notes=() if cost.windows is None else (f"about {_count(cost.windows, 'window')} of {cost.window}",),
        )


def _brokers(ids: Sequence[int]) -> str:
    return f"{'broker' if len(ids) == 1 else 'brokers'} {', '.join(map(str, ids))}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
