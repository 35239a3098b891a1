"""One move on its way: what it makes of what is seen. It decides nothing about others, and knows no clock but the one that it is shown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from kafkaops.cluster import KafkaError, TopicPartition
from kafkaops.moving.model import Ended, Happening, News, Now, Pace, Seen
from kafkaops.moving.path import Elsewhere, Foreign, HalfUndone, Moves, Path, Replicas, Rests, Standing, path, standing
from kafkaops.placement.model import Move
from kafkaops.plan import Result

PUT_OFF = frozenset({"NOT_CONTROLLER", "TIMED_OUT", "DISCONNECTED", "THROTTLING_QUOTA_EXCEEDED"})
"""It may be done or not, or was not sent at all: the next look tells."""
NOTHING_TO_CANCEL = "NO_REASSIGNMENT_IN_PROGRESS"


class State(StrEnum):
    WAITING = "waiting"
    COPYING = "copying"  # asked for, or seen on its way
    TURNING = "turning"  # to be taken back to where it last was
    ENDED = "ended"


class Aim(StrEnum):
    THERE = "there"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """`place`: of its way, where it last was at rest; `begun`: where it was first seen.

    asked    when its present step was last asked for
    seen     that step was on its way since
    has      bytes that were copied of it, and `moved` when that last changed, or it was last at rest
    odd      since when what is seen makes no sense, which may pass: brokers show late what the controller has done
    stuck    since when it cannot begin, and not because others are before it
    slow     it was said that it makes no progress
    refused  how often its way back was
    why      what it is taken back for
    """

    move: Move
    way: Path
    topic_id: str = ""
    aim: Aim = Aim.THERE
    state: State = State.WAITING
    place: int = 0
    begun: int | None = None
    asked: float | None = None
    seen: bool = False
    has: int = 0
    moved: float = 0.0
    odd: float | None = None
    stuck: float | None = None
    slow: bool = False
    refused: int = 0
    why: Ended | None = None
    ended: Ended | None = None

    @property
    def key(self) -> TopicPartition:
        return TopicPartition(*self.move.id)

    @property
    def goal(self) -> int:
        return 0 if self.aim is Aim.BACK else len(self.way) - 1

    @property
    def source(self) -> int:
        return len(self.way) - 1 - self.goal

    @property
    def next(self) -> int:
        return self.place + (1 if self.goal > self.place else -1 if self.goal < self.place else 0)

    @property
    def at(self) -> Replicas:
        return self.way[self.place]

    @property
    def to(self) -> Replicas:
        return self.way[self.next]

    @property
    def adding(self) -> Replicas:
        return tuple(broker for broker in self.to if broker not in self.at)

    @property
    def each(self) -> int:
        """Bytes of one replica, as planned."""
        return self.move.bytes // max(1, len(self.move.adding))


def track_of(move: Move, *, apart: bool, at: float, aim: Aim = Aim.THERE, topic_id: str = "") -> Track:
    return Track(move=move, way=path(move.old, move.new, apart=apart), moved=at, aim=aim, topic_id=topic_id)


def followed(track: Track, now: Now, pace: Pace) -> Track:
    """The track after this look. Nothing is concluded from an oddity before it has lasted."""
    listed, seen = now.listed.get(track.key), now.partitions.get(track.key)
    if listed is None and (gone := _gone(track, now)):
        return _oddly(track, gone, now, pace)
    if listed is None and seen is None:
        return track  # the brokers do not agree yet
    known = replace(track, topic_id=track.topic_id or (seen.topic_id if seen else ""))
    return _stood(known, standing(track.way, seen.replicas if seen else (), listed), now, pace)


def _stood(known: Track, found: Standing, now: Now, pace: Pace) -> Track:
    match found:
        case Rests(place):
            return _resting(known, place, now, pace)
        case Moves(origin, place):
            return _moving(replace(known, odd=None), origin, place, now, pace)
        case HalfUndone(place):
            return replace(known, state=State.TURNING, place=place, odd=None)
        case Foreign(target):
            return _ended(known, Result.SKIPPED, "KO4201", f"someone else moves it to {list(target)}")
        case Elsewhere(_, nearest) if nearest is not None and _turns(known):
            return _oddly(known, replace(known, place=nearest, state=State.TURNING), now, pace)
        case Elsewhere(replicas, _):
            where = f"it is on {list(replicas)}, neither where it was nor where it shall be"
            return _oddly(known, _ended(known, Result.FAILED, "KO4206", where), now, pace)


def _gone(track: Track, now: Now) -> Track | None:
    seen = now.partitions.get(track.key)
    if track.key in now.partitions and seen is None:
        return _ended(track, Result.SKIPPED, "KO4208", "the topic is gone")
    if seen and track.topic_id and seen.topic_id != track.topic_id:
        return _ended(track, Result.SKIPPED, "KO4208", "another topic has its name now")
    return None


def _turns(track: Track) -> bool:
    return track.state is State.TURNING or track.aim is Aim.BACK


def _resting(track: Track, place: int, now: Now, pace: Pace) -> Track:
    there = replace(track, place=place, begun=place if track.begun is None else track.begun)
    if place == track.goal:
        return _ended(there, Result.APPLIED)
    if track.aim is Aim.BACK and place == len(track.way) - 1:
        return _ended(there, Result.SKIPPED, "", "it had ended before it could be taken back")
    if track.state is State.TURNING and track.why and place == track.place:
        return _oddly(track, replace(there, state=State.ENDED, ended=track.why), now, pace)
    if track.state is State.COPYING and place == track.place:
        return _unmoved(track, now, pace)
    return _rested(there, now)


def _rested(track: Track, now: Now) -> Track:
    return replace(track, state=State.WAITING, asked=None, seen=False, has=0, moved=now.at, odd=None, why=None)


def _unmoved(track: Track, now: Now, pace: Pace) -> Track:
    """It was asked for, and nothing of it is on its way."""
    if track.seen:
        return _oddly(track, _ended(track, Result.FAILED, "KO4206", "someone else took it back"), now, pace)
    never_heard = track.asked is not None and now.at - track.asked > pace.settle
    return _rested(track, now) if never_heard else track


def _moving(track: Track, origin: int, place: int, now: Now, pace: Pace) -> Track:
    begun = origin if track.begun is None else track.begun
    new = replace(track, place=origin, begun=begun, seen=True)
    if track.state is State.TURNING or new.next != place:
        return replace(new, state=State.TURNING)
    has = _has(new, now)
    if track.state is not State.COPYING or track.place != origin or has != track.has:
        return replace(new, state=State.COPYING, has=has, moved=now.at, slow=False)
    if now.at - track.moved > pace.stall:
        return replace(new, state=State.TURNING, why=_stalled(new, now, pace))
    return replace(new, state=State.COPYING)


def _has(track: Track, now: Now) -> int:
    """To be in sync is progress too."""
    seen = now.partitions.get(track.key)
    told = [now.has.get((track.key, broker)) for broker in track.adding]
    if None in told:
        return track.has
    return sum(size or 0 for size in told) + sum(broker in seen.isr for broker in track.adding if seen)


def _stalled(track: Track, now: Now, pace: Pace) -> Ended:
    down = [broker for broker in track.adding if broker not in now.live]
    why = f"no progress for {pace.stall:.0f} s"
    if down:
        return Ended(
            track.key, Result.FAILED, f"its new replica is on broker {down[0]}, which is down: {why}", "KO4207"
        )
    return Ended(track.key, Result.FAILED, why, "KO4203")


def _oddly(track: Track, then: Track, now: Now, pace: Pace) -> Track:
    """`then`, once what is seen has lasted."""
    since = now.at if track.odd is None else track.odd
    return replace(then, odd=None) if now.at - since >= pace.settle else replace(track, odd=since)


def _ended(track: Track, result: Result, code: str = "", message: str = "") -> Track:
    return replace(track, state=State.ENDED, ended=Ended(track.key, result, message, code))


# what it asks for, and what it is told


def way_back(track: Track, now: Now) -> Replicas | None:
    """What it is altered to while it is taken back; None cancels."""
    listed = now.listed.get(track.key)
    half = listed is not None and bool(set(listed.adding) & set(listed.removing))
    return None if listed is not None and (half or track.refused) else track.at


def answered(track: Track, error: KafkaError | None, at: float) -> Track:
    """After its step, or its way back, was asked for."""
    if error is None or error.name in PUT_OFF:
        asked = replace(track, asked=at, stuck=None)
        return asked if track.state is State.TURNING else replace(asked, state=State.COPYING, seen=False, moved=at)
    if track.state is not State.TURNING:
        return _ended(track, Result.FAILED, "KO4205", str(error))
    if error.name == NOTHING_TO_CANCEL:
        return track  # it has ended in the meantime
    if track.refused:
        return _ended(track, Result.FAILED, "KO4205", f"it could not be taken back: {error}")
    return replace(track, refused=1)


def hindrance(track: Track, now: Now, min_in_sync: int) -> Ended | None:
    """Why it cannot begin its next step."""
    seen = now.partitions.get(track.key)
    if seen is None:
        return _held(track, "the brokers do not agree yet on where it is")
    if seen.leader < 0:
        return _held(track, "it has no leader")
    if why := next(filter(None, (_unfit(broker, track, seen, now) for broker in track.to)), ""):
        return _held(track, why)
    left, before = len(track.way[track.goal]), len(track.way[track.source])
    if left < min(min_in_sync, before):
        fewer = f"{left} replicas would be fewer than min.insync.replicas, which is {min_in_sync}"
        return Ended(track.key, Result.SKIPPED, fewer, "KO4209")
    return None


def _unfit(broker: int, track: Track, seen: Seen, now: Now) -> str:
    """What was kept has to be in sync: before 4.2 the step would not end without it, and later it would end too early."""
    if broker not in now.live:
        return f"broker {broker} is down"
    if broker in track.at:
        return "" if broker in seen.isr else f"its replica on broker {broker} is not in sync"
    return f"broker {broker} takes no new replicas" if broker in now.cordoned else ""


def _held(track: Track, why: str) -> Ended:
    return Ended(track.key, Result.SKIPPED, why, "KO4202")


def told(before: Track, after: Track, now: Now, pace: Pace) -> tuple[Track, News | None]:
    """What is worth telling between two looks."""
    if after.ended and not before.ended:
        what = Happening.DONE if after.ended.result is Result.APPLIED else Happening.STOPPED
        return after, News(what, after.key, after.ended.message, after.ended.code)
    if after.why and not before.why:
        return after, News(Happening.TAKING_BACK, after.key, after.why.message, after.why.code)
    quiet = now.at - after.moved
    if after.state is State.COPYING and quiet > pace.slow and not after.slow:
        return replace(after, slow=True), News(Happening.SLOW, after.key, f"no progress for {quiet:.0f} s", "KO4203")
    return after, None
