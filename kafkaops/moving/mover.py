"""Moving replicas as a plan says: a rolling window of copies, watched until every one is where it shall be.

Nothing is kept here that a killed run would need: where each partition is tells the controller, what it shall become and what is lent tells the journal. So a
second run that is given the same moves goes on where the first one stopped.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kafkaops.cluster import Cluster, ClusterFailure, FailureKind, KafkaError, Reassignment, TopicPartition, TopicView
from kafkaops.journal import Borrowed
from kafkaops.moving.lending import Book, give_back, lend
from kafkaops.moving.progress import Copying, Ended, Progress
from kafkaops.moving.steps import Replicas, Standing, Where, standing, way
from kafkaops.placement.model import Move, PartitionId

_SETTLES = 15.0  # seconds until Metadata shows what the controller has ended
_UNANSWERED = 60.0
_RATE_OVER = 60.0
_QUIET_LOOKS = 3
_ELECTED_AT_ONCE = 100
_MIN_ISR = "min.insync.replicas"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`throttle`: bytes per second and broker, None: nothing is set. `concurrency`: copies from or to one broker at once; `most`: in all.

    patience  seconds without progress of a partition, after which it goes back to where it was
    poll      seconds between two looks
    is_open   whether copies may start now
    """

    throttle: int | None
    concurrency: int = 3
    most: int = 200
    patience: float = 900.0
    poll: float = 2.0
    is_open: Callable[[], bool] = lambda: True


def _wait(seconds: float) -> None:
    time.sleep(seconds)  # looked up when it is called, so that a test can let time pass


@dataclass(frozen=True, slots=True)
class Clock:
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = _wait


REAL_TIME = Clock()


@dataclass(frozen=True, slots=True)
class _Look:
    """What the controller and a broker say. `alive`: brokers."""

    at: float
    listed: Mapping[TopicPartition, Reassignment]
    views: Mapping[str, TopicView | KafkaError]
    alive: frozenset[int]
    standings: Mapping[PartitionId, Standing]

    def isr(self, move: Move) -> frozenset[int]:
        view = self.views.get(move.topic)
        return frozenset(view.isr[move.partition]) if isinstance(view, TopicView) else frozenset()

    def leader(self, move: Move) -> int:
        view = self.views.get(move.topic)
        return view.leaders[move.partition] if isinstance(view, TopicView) else -1


@dataclass(slots=True)
class _Watched:
    """Since when a partition stands as it stands, and how much of it was copied when it last made progress."""

    since: float
    standing: Standing
    bytes: int = -1


@dataclass(slots=True, kw_only=True)
class Mover:
    """`lent`: what is lent now, by this run or those before. `racks`: broker -> rack, where racks count."""

    cluster: Cluster
    moves: Sequence[Move]
    pace: Pace
    book: Book
    run: str
    lent: tuple[Borrowed, ...] = ()
    racks: Mapping[int, str] = field(default_factory=dict)
    clock: Clock = REAL_TIME
    failed: dict[PartitionId, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    _ways: dict[PartitionId, tuple[Replicas, ...]] = field(default_factory=dict)
    _watched: dict[PartitionId, _Watched] = field(default_factory=dict)
    _sizes: dict[PartitionId, dict[int, int]] = field(default_factory=dict)
    _history: list[tuple[float, int]] = field(default_factory=list)
    _least: dict[str, int] = field(default_factory=dict)
    _cap: int = 1
    _quiet: int = 0

    def __post_init__(self) -> None:
        apart = _lets_go_too_soon(self.cluster.describe().kafka_version)
        self._ways = {move.id: way(move, self.racks, apart=apart) for move in self.moves}
        self._cap = self.pace.concurrency

    def forward(self) -> Iterator[Progress]:
        """A look at a time; the last one has `ended`. Whoever stops listening leaves copies and throttle as they are. Errors: ClusterFailure, LostError."""
        look = self._look()
        open_ = self._open(look)
        if any(move.adding for move in open_):
            self._least = self._min_in_sync()
            self._throttle(open_)
        while True:
            self._measure(look)
            held = self._start(look)
            self._give_up(look)
            if not self._open(look):
                break
            yield self._progress(look, held)
            self.clock.wait(self.pace.poll)
            look = self._look()
        self._elect(look)
        self.release()
        yield self._progress(look, (), Ended.INCOMPLETE if self.failed else Ended.DONE)

    def back(self) -> Iterator[Progress]:
        """The other way: what is not done goes back to its old list, in its old order; what is done stays. Errors: ClusterFailure, LostError."""
        asked = set[PartitionId]()
        while True:
            look = self._look()
            self._measure(look)
            left = [move for move in self.moves if not self._is_back(move, look) and move.id not in self.failed]
            if not left:
                break
            self._ask_back(left, look, asked)
            yield self._progress(look, ())
            self.clock.wait(self.pace.poll)
        self.release()
        yield self._progress(look, (), Ended.INCOMPLETE if self.failed else Ended.DONE)

    def release(self) -> None:
        """Everything that is lent is as it was before, as far as brokers answer."""
        self.lent = tuple(self.book.current(self.lent))
        if self.lent:
            self.lent, told = give_back(self.cluster, self.book, self.lent)
            self.told += told

    # where everything is

    def _look(self) -> _Look:
        """What cannot be asked now is asked again: that another controller is elected is no failure of ours."""
        begun = self.clock.now()
        while True:
            try:
                listed = self.cluster.reassignments()
                if not isinstance(listed, KafkaError):
                    return self._judged(listed)
                refused = ClusterFailure(
                    FailureKind.REFUSED, f"the reassignments in flight could not be read: {listed}"
                )
            except ClusterFailure as failure:
                refused = failure
            if self.clock.now() - begun > min(self.pace.patience, _UNANSWERED):
                raise refused
            self.clock.wait(self.pace.poll)

    def _judged(self, listed: Mapping[TopicPartition, Reassignment]) -> _Look:
        alive = [broker.id for broker in self.cluster.describe().brokers]
        views = self.cluster.topics(alive[0], sorted({move.topic for move in self.moves}))
        now = self.clock.now()
        standings = {move.id: self._standing(move, listed, views, now) for move in self.moves}
        return _Look(now, listed, views, frozenset(alive), standings)

    def _standing(
        self,
        move: Move,
        listed: Mapping[TopicPartition, Reassignment],
        views: Mapping[str, TopicView | KafkaError],
        now: float,
    ) -> Standing:
        known = listed.get(TopicPartition(*move.id))
        on_way = None if known is None else (known.target, known.adding, known.removing)
        found = standing(move, self._ways[move.id], _replicas(views.get(move.topic), move.partition), on_way)
        before = self._watched.get(move.id)
        if before is None or before.standing != found:
            self._watched[move.id] = _Watched(now, found)
        elif found.where is Where.CHANGED and now - before.since > _SETTLES:
            self.failed.setdefault(move.id, f"somebody else has moved it to {list(found.replicas)}")
        match found.where:
            case Where.FOREIGN:
                self.failed.setdefault(move.id, f"somebody else is moving it to {list(found.asked)}")
            case Where.GONE:
                self.failed.setdefault(move.id, "the topic is gone, or has fewer partitions")
            case Where.DONE | Where.COPYING | Where.WAITING | Where.RETURNING | Where.CHANGED:
                pass
        return found

    def _open(self, look: _Look) -> list[Move]:
        """Neither done nor given up."""
        return [
            move
            for move in self.moves
            if look.standings[move.id].where is not Where.DONE and move.id not in self.failed
        ]

    # what begins

    def _start(self, look: _Look) -> tuple[tuple[str, int], ...]:
        """Why some do not begin, and how many. What needs no copy is asked for at once; of the others as many as every broker may have at a time."""
        busy, held, chosen = self._busy(look), Counter[str](), list[Move]()
        waiting = [move for move in self._open(look) if look.standings[move.id].where is Where.WAITING]
        for move in sorted(
            waiting, key=lambda move: (bool(self._adds(move, look)), -len(move.new), -move.bytes, move.id)
        ):
            adds = self._adds(move, look)
            why = self._why_not(move, adds, look)
            if why:
                held[why] += 1
                continue
            at = {look.leader(move), *adds} if adds else set[int]()
            if adds and not self.pace.is_open():
                held["the window is closed"] += 1
            elif adds and (sum(busy.values()) >= 2 * self.pace.most or any(busy[one] >= self._cap for one in at)):
                pass  # its turn comes
            else:
                chosen.append(move)
                busy.update(at)
                continue
            self._watched[move.id].since = look.at
        self._ask(chosen, look, held)
        self._end_returns(look)
        return tuple(sorted(held.items()))

    def _adds(self, move: Move, look: _Look) -> tuple[int, ...]:
        now = look.standings[move.id]
        return tuple(one for one in now.asked if one not in now.replicas)

    def _why_not(self, move: Move, adds: Sequence[int], look: _Look) -> str:
        """A kept replica that is not in sync would hang the move (KIP-455 waits for all of the target)."""
        now = look.standings[move.id]
        dead = sorted(set(adds) - look.alive)
        if dead:
            return f"broker {dead[0]} is down"
        late = [one for one in now.asked if one in now.replicas and one not in look.isr(move)]
        return f"broker {late[0]} is not in sync" if late else ""

    def _busy(self, look: _Look) -> Counter[int]:
        busy = Counter[int]()
        for move in self.moves:
            now = look.standings[move.id]
            if now.where is Where.COPYING and now.adding:
                busy.update({look.leader(move), *now.adding})
        return busy

    def _ask(self, moves: Iterable[Move], look: _Look, held: Counter[str]) -> None:
        """What keeps its number of replicas is asked so that Kafka refuses another one."""
        wanted: dict[bool, dict[TopicPartition, Replicas | None]] = {True: {}, False: {}}
        for move in moves:
            now = look.standings[move.id]
            wanted[len(now.asked) != len(now.replicas)][TopicPartition(*move.id)] = now.asked
        for resize, targets in wanted.items():
            for partition, error in (self.cluster.reassign(targets, resize=resize) if targets else {}).items():
                if error is not None:
                    held[f"the controller refuses: {error.name}"] += 1
                else:
                    self._watched[partition].since = look.at

    def _end_returns(self, look: _Look) -> None:
        """Of a run that was stopped while it took something back: a cancel ends it, at the old list and in its order."""
        hanging = [TopicPartition(*move.id) for move in self._open(look) if look.standings[move.id].hangs]
        if hanging:
            self.cluster.reassign(dict.fromkeys(hanging), resize=True)

    # how it goes

    def _measure(self, look: _Look) -> None:
        """What every receiving broker has of what it copies: as long as that grows, there is progress."""
        by_broker: dict[int, list[TopicPartition]] = {}
        for move in self.moves:
            for broker in look.standings[move.id].adding:
                by_broker.setdefault(broker, []).append(TopicPartition(*move.id))
        for broker, partitions in by_broker.items():
            for partition, size in self._on(broker, partitions).items():
                self._sizes.setdefault(partition, {})[broker] = size
        for move in self.moves:
            watched, size = self._watched[move.id], sum(self._sizes.get(move.id, {}).values())
            if size > watched.bytes:
                watched.bytes, watched.since = size, look.at
        below = self._below(look)
        if below:
            self._cap, self._quiet = max(1, self._cap // 2), 0
        elif self._cap < self.pace.concurrency:
            self._quiet += 1
            if self._quiet == _QUIET_LOOKS:
                self._cap, self._quiet = self._cap + 1, 0

    def _on(self, broker: int, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        try:
            dirs = self.cluster.log_dirs(broker, partitions)
        except ClusterFailure:
            return {}
        if isinstance(dirs, KafkaError):
            return {}
        return {partition: log.size for one in dirs for partition, log in one.replicas.items()}

    def _give_up(self, look: _Look) -> None:
        """What has made no progress for too long goes back to where it was before, so that nothing of it hangs."""
        for move in self._open(look):
            now = look.standings[move.id]
            if look.at - self._watched[move.id].since <= self.pace.patience or now.where is Where.CHANGED:
                continue
            down = sorted(set(self._adds(move, look) or now.adding) - look.alive)
            why = f"broker {down[0]} is down" if down else "no progress"
            self.failed[move.id] = f"{why} for {self.pace.patience:.0f} s"
            if now.where is Where.COPYING:
                self._undo(move, now)

    def _undo(self, move: Move, now: Standing) -> None:
        """To the list before this step; a cancel ends what then still hangs (which versions do is in kafka-semantics 3.1)."""
        lists, partition = self._ways[move.id], TopicPartition(*move.id)
        before = lists[lists.index(now.asked) - 1] if now.asked in lists[1:] else move.old
        self.cluster.reassign({partition: before}, resize=True)
        for _ in range(3):
            self.clock.wait(min(self.pace.poll, 1.0))
            listed = self.cluster.reassignments()
            if isinstance(listed, KafkaError) or partition not in listed:
                return
        self.cluster.reassign({partition: None}, resize=True)

    def _below(self, look: _Look) -> int:
        """Partitions of ours whose writers with acks=all are refused."""
        return sum(
            0 < len(look.isr(move)) < min(self._least.get(move.topic, 1), len(move.old), len(move.new))
            for move in self.moves
        )

    def _progress(self, look: _Look, held: tuple[tuple[str, int], ...], ended: Ended | None = None) -> Progress:
        copied = sum(self._copied(move, look) for move in self.moves)
        total = sum(move.bytes for move in self.moves)
        self._history = [one for one in self._history if look.at - one[0] <= _RATE_OVER] + [(look.at, copied)]
        (since, was), span = self._history[0], look.at - self._history[0][0]
        rate = max(copied - was, 0) / span if span > 0 and since < look.at else 0.0
        where = Counter(one.where for one in look.standings.values())
        told, self.told = tuple(self.told), []
        return Progress(
            total=total,
            copied=copied,
            rate=rate,
            left=(total - copied) / rate if rate > 0 else None,
            partitions=len(self.moves),
            done=where[Where.DONE],
            waiting=sum(self._is_waiting(move, look) for move in self.moves),
            copying=tuple(self._copying(move, look) for move in self.moves if look.standings[move.id].adding),
            held=held,
            below=self._below(look),
            slowest=self._slowest(look),
            throttle=self.pace.throttle,
            lent=len(self.lent),
            failed=tuple(sorted(self.failed.items())),
            told=told,
            ended=ended,
        )

    def _is_waiting(self, move: Move, look: _Look) -> bool:
        return look.standings[move.id].where is Where.WAITING and move.id not in self.failed

    def _copied(self, move: Move, look: _Look) -> int:
        now = look.standings[move.id]
        if now.where is Where.DONE or not move.adding:
            return move.bytes
        size = move.bytes // len(move.adding)
        sizes = self._sizes.get(move.id, {})
        return sum(
            min(size, sizes.get(one, 0)) if one in now.adding else size if one in now.replicas else 0
            for one in move.adding
        )

    def _copying(self, move: Move, look: _Look) -> Copying:
        now = look.standings[move.id]
        size = max(move.bytes // max(len(move.adding), 1), 1)
        share = min((self._sizes.get(move.id, {}).get(one, 0) / size for one in now.adding), default=0.0)
        return Copying(move.id, min(share, 1.0), look.at - self._watched[move.id].since, now.adding)

    def _slowest(self, look: _Look) -> int | None:
        left = Counter[int]()
        for move in self.moves:
            now, sizes = look.standings[move.id], self._sizes.get(move.id, {})
            for one in now.adding:
                left[one] += max(move.bytes // max(len(move.adding), 1) - sizes.get(one, 0), 0)
        return min(left, key=lambda broker: (-left[broker], broker), default=None)

    # before and after

    def _min_in_sync(self) -> dict[str, int]:
        names = sorted({move.topic for move in self.moves})
        default = self.cluster.broker_configs(self.cluster.describe().brokers[0].id)
        usual = None if isinstance(default, KafkaError) else default.get(_MIN_ISR)
        found = {}
        for name, entries in self.cluster.topic_overrides(names).items():
            own = None if isinstance(entries, KafkaError) else entries.get(_MIN_ISR)
            entry = own or usual
            text = entry.value if entry else None
            found[name] = int(text) if text and text.isdecimal() else 1
        return found

    def _throttle(self, moves: Sequence[Move]) -> None:
        if self.pace.throttle is not None:
            self.lent, told = lend(self.cluster, self.book, self.run, moves, self.pace.throttle, self.lent)
            self.told += told

    def _elect(self, look: _Look) -> None:
        """Leaders stay where they were as long as they may: what shall lead is asked to."""
        wanted = [
            TopicPartition(*move.id)
            for move in self.moves
            if move.id not in self.failed and look.leader(move) != move.new[0] and move.new[0] in look.isr(move)
        ]
        for start in range(0, len(wanted), _ELECTED_AT_ONCE):
            for partition, error in self.cluster.elect_preferred(wanted[start : start + _ELECTED_AT_ONCE]).items():
                if error is not None:
                    self.told.append(f"{partition.topic}-{partition.partition} keeps its leader: {error.name}")

    # back

    def _is_back(self, move: Move, look: _Look) -> bool:
        now = look.standings[move.id]
        return TopicPartition(*move.id) not in look.listed and now.replicas in {move.old, move.new}

    def _ask_back(self, moves: Iterable[Move], look: _Look, asked: set[PartitionId]) -> None:
        """To the old list; where that hangs with what it adds and removes being the same, a cancel ends it, at that list and in its order (kafka-semantics 3.1)."""
        back: dict[TopicPartition, Replicas | None] = {}
        for move in moves:
            partition = TopicPartition(*move.id)
            now = look.standings[move.id]
            if now.where is not Where.RETURNING:
                back[partition] = None if now.where is Where.COPYING and move.id in asked else move.old
            elif now.hangs:
                back[partition] = None
            asked.add(move.id)
        for partition, error in (self.cluster.reassign(back, resize=True) if back else {}).items():
            if error is not None and error.name != "NO_REASSIGNMENT_IN_PROGRESS":
                self.failed[partition] = f"the controller refuses to take it back: {error.name}"


def _lets_go_too_soon(version: str) -> bool:
    """From 4.2 on; one that is not known may be any."""
    numbers = version.split(".")
    return not version or tuple(int(one) for one in numbers if one.isdecimal()) >= (4, 2)


def _replicas(view: TopicView | KafkaError | None, number: int) -> Replicas | None:
    if not isinstance(view, TopicView) or number >= len(view.assignment):
        return None
    return view.assignment[number]
