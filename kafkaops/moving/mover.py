"""Looking, deciding, asking, again and again: nothing of a run is known only here, so one that dies is taken up by another that looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kafkaops.cluster import (
    Cluster,
    ClusterFailure,
    FailureKind,
    KafkaError,
    LogDir,
    Reassignment,
    TopicPartition,
    TopicView,
)
from kafkaops.cluster.agreement import on_all
from kafkaops.journal import Borrowed
from kafkaops.moving.convoy import (
    Convoy,
    active,
    all_slowed,
    convoy,
    copying_later,
    copying_now,
    ends,
    heard,
    looked,
    over,
    progress,
    to_slow,
    watched,
)
from kafkaops.moving.keeper import Keeper, Ledger, Reach
from kafkaops.moving.model import Ended, News, Now, Orders, Pace, Progress, Seen
from kafkaops.moving.path import Replicas
from kafkaops.moving.track import PUT_OFF, Aim, State, Track, track_of
from kafkaops.placement.model import Move

_APART = (4, 2)  # from there on a move ends although what was kept is not in sync (KAFKA-19975)
_UNKNOWN_TOPIC = "UNKNOWN_TOPIC_OR_PARTITION"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done: `moves` towards their new lists, or, by `aim`, back to the old ones. `rate`: bytes a second of each broker; None: as fast as it goes."""

    run: str
    moves: Sequence[Move]
    topic_ids: Mapping[str, str]
    rate: int | None
    pace: Pace
    aim: Aim = Aim.THERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """After each look. `over`: nothing is left to do; `ended`: what has. `kept`: throttles that could not be given back yet."""

    progress: Progress
    news: tuple[News, ...]
    ended: tuple[Ended, ...]
    kept: tuple[Borrowed, ...]
    over: bool


def run(cluster: Cluster, ledger: Ledger, job: Job, clock: Callable[[], float]) -> Iterator[Report]:
    """Whoever takes the reports waits between them. To stop taking them leaves the copies on their way and the throttles where they are.

    Errors: ClusterFailure when the cluster cannot be looked at; the same job may be run again after that.
    """
    tracks = _tracks(cluster, job, clock())
    now_run = convoy(tracks, job.pace, _min_in_sync(cluster, sorted({track.key.topic for track in tracks})))
    keeper = Keeper(cluster, ledger, run=job.run, rate=job.rate, ours=all_slowed(now_run))
    last = None
    while True:
        now = _now(cluster, now_run, clock())
        now_run, orders, news = looked(now_run, now)
        now_run, more = _asked(cluster, keeper, now_run, orders, now)
        ended = over(now_run, now)
        last = None if not ended else now.at if last is None else last
        given = not keeper.left or (last is not None and now.at - last > job.pace.settle and _only_down(keeper, now))
        yield Report(
            progress=progress(now_run),
            news=(*news, *more),
            ended=ends(now_run),
            kept=keeper.left,
            over=ended and given,
        )
        if ended and given:
            return


def _only_down(keeper: Keeper, now: Now) -> bool:
    return all(one.name.isdecimal() and int(one.name) not in now.live for one in keeper.left)


def _tracks(cluster: Cluster, job: Job, at: float) -> list[Track]:
    version = cluster.describe().kafka_version
    apart = bool(version) and tuple(map(int, version.split("."))) >= _APART
    return [
        track_of(move, apart=apart, at=at, aim=job.aim, topic_id=job.topic_ids.get(move.topic, ""))
        for move in job.moves
    ]


def _min_in_sync(cluster: Cluster, names: Sequence[str]) -> dict[str, int]:
    """Of each topic: its own, else its broker's."""
    key = "min.insync.replicas"
    found = cluster.topic_overrides(names)
    defaults = cluster.broker_configs(cluster.describe().brokers[0].id)
    default = 1 if isinstance(defaults, KafkaError) or key not in defaults else int(defaults[key].value or 1)
    return {
        name: default if isinstance(answer, KafkaError) or key not in answer else int(answer[key].value or 1)
        for name, answer in found.items()
    }


# ---- asking


def _asked(
    cluster: Cluster, keeper: Keeper, now_run: Convoy, orders: Orders, now: Now
) -> tuple[Convoy, tuple[News, ...]]:
    """What is slowed first, and only then what is to be slowed."""
    foreign = {
        broker
        for key, one in now.listed.items()
        if key not in now_run.tracks
        for broker in (*one.replicas, *one.adding)
    }
    reach = Reach(copying_now(now_run, orders.starts), copying_later(now_run))
    failed = keeper.cover(to_slow(now_run, orders.starts), reach, foreign)
    starts = {key: to for key, to in orders.starts.items() if key.topic not in failed}
    answers: dict[TopicPartition, KafkaError | None] = {}
    for resize in (False, True):
        same = {key: to for key, to in starts.items() if (len(to) != len(now_run.tracks[key].at)) is resize}
        answers |= _reassigned(cluster, same, resize=resize)
    answers |= _reassigned(cluster, orders.returns, resize=True)
    if orders.elect:
        cluster.elect_preferred(orders.elect)
    return heard(now_run, answers, now.at)


def _reassigned(
    cluster: Cluster, targets: Mapping[TopicPartition, Replicas | None], *, resize: bool
) -> Mapping[TopicPartition, KafkaError | None]:
    return cluster.reassign(targets, resize=resize) if targets else {}


# ---- looking


def _now(cluster: Cluster, now_run: Convoy, at: float) -> Now:
    live = [broker.id for broker in cluster.describe().brokers]
    listed = cluster.reassignments()
    if isinstance(listed, KafkaError):
        kind = FailureKind.UNREACHABLE if listed.name in PUT_OFF else FailureKind.REFUSED
        raise ClusterFailure(kind, f"the reassignments in flight cannot be read: {listed}")
    keys = watched(now_run)
    partitions = _partitions(cluster, live, keys)
    has, room, cordoned = _disks(cluster, now_run, live)
    return Now(
        at=at,
        live=frozenset(live),
        listed=listed,
        partitions=partitions,
        has=has,
        room=room,
        cordoned=cordoned,
        weak=_weak(cluster, live[0], now_run, listed),
    )


def _partitions(
    cluster: Cluster, live: Sequence[int], keys: Iterable[TopicPartition]
) -> dict[TopicPartition, Seen | None]:
    wanted = list(keys)
    names = sorted({key.topic for key in wanted})
    views = on_all(live, lambda broker: cluster.topics(broker, names)) if names else {}
    found: dict[TopicPartition, Seen | None] = {}
    for key in wanted:
        told = [views[broker][key.topic] for broker in live]
        if all(isinstance(one, KafkaError) and one.name == _UNKNOWN_TOPIC for one in told):
            found[key] = None
        elif seen := _agreed(key, told):
            found[key] = seen
    return found


def _agreed(key: TopicPartition, told: Sequence[TopicView | KafkaError]) -> Seen | None:
    views = [one for one in told if isinstance(one, TopicView) and key.partition < len(one.assignment)]
    first = views[0] if len(views) == len(told) else None
    if first is None or len({(one.topic_id, one.assignment[key.partition]) for one in views}) > 1:
        return None
    in_sync = frozenset.intersection(*(frozenset(one.isr[key.partition]) for one in views))
    return Seen(first.topic_id, first.assignment[key.partition], in_sync, first.leaders[key.partition])


def _disks(
    cluster: Cluster, now_run: Convoy, live: Sequence[int]
) -> tuple[dict[tuple[TopicPartition, int], int], dict[int, int], frozenset[int]]:
    """Of brokers that get something: what they have of it, and the room in the fullest of the directories that it could land in, less what is on its way there."""
    coming: dict[int, list[Track]] = {}
    for track in active(now_run):
        for broker in track.adding:
            coming.setdefault(broker, []).append(track)
    asked = [broker for broker in sorted(coming) if broker in live]
    told = on_all(asked, lambda broker: cluster.log_dirs(broker, [one.key for one in coming[broker]])) if asked else {}
    has: dict[tuple[TopicPartition, int], int] = {}
    room: dict[int, int] = {}
    cordoned = set[int]()
    for broker, dirs in told.items():
        if isinstance(dirs, KafkaError):
            continue
        sizes = {key: log.size for one in dirs for key, log in one.replicas.items()}
        has |= {(track.key, broker): sizes.get(track.key, 0) for track in coming[broker]}
        open_ = [one for one in dirs if not one.cordoned and one.error is None]
        cordoned |= set() if open_ else {broker}
        if (free := _free(open_)) is not None:
            rest = sum(
                max(0, track.each - sizes.get(track.key, 0))
                for track in coming[broker]
                if track.state is not State.WAITING
            )
            room[broker] = free - rest
    return has, room, frozenset(cordoned)


def _free(dirs: Sequence[LogDir]) -> int | None:
    told = [one.usable for one in dirs if one.usable is not None]
    return min(told) if told and len(told) == len(dirs) else None


def _weak(cluster: Cluster, broker: int, now_run: Convoy, listed: Mapping[TopicPartition, Reassignment]) -> int:
    """As one broker sees it; a number of which only the growth counts."""
    names = sorted(cluster.topic_names(broker))
    ours = {track.key for track in active(now_run)} | listed.keys()
    return sum(
        len(isr) < len(replicas)
        for name, view in cluster.topics(broker, names).items()
        if isinstance(view, TopicView)
        for number, (replicas, isr) in enumerate(zip(view.assignment, view.isr, strict=True))
        if TopicPartition(name, number) not in ours
    )
