"""All moves of a run together: which of them may begin now, how many at once, and when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

from kafkaops.cluster import KafkaError, TopicPartition
from kafkaops.moving.model import Copying, Ended, Happening, News, Now, Orders, Pace, Progress
from kafkaops.moving.path import Replicas
from kafkaops.moving.throttles import Entries, slowed, slowed_on
from kafkaops.moving.track import State, Track, answered, followed, hindrance, told, way_back
from kafkaops.plan import Result

_ELECTIONS = 3  # then it is left to the cluster itself, which elects every five minutes
_BATCH = 200  # elections at once: each makes clients look for their leader anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Convoy:
    """`at_once`: copies per broker now, fewer while the cluster suffers.

    min_in_sync  of each topic
    quiet        looks without trouble, in a row
    weak         at the last look; None before the first
    crew         brokers that were seen alive, and `missing` since when one of them is not
    elections    how often each was asked for, and `elected` when last
    arrived      the last look was at all that arrived, since nothing else is left
    """

    tracks: Mapping[TopicPartition, Track]
    pace: Pace
    min_in_sync: Mapping[str, int]
    at_once: int
    quiet: int = 0
    weak: int | None = None
    crew: frozenset[int] = frozenset()
    missing: float | None = None
    elections: Mapping[TopicPartition, int] = field(default_factory=dict)
    elected: float | None = None
    arrived: bool = False


def convoy(tracks: Iterable[Track], pace: Pace, min_in_sync: Mapping[str, int]) -> Convoy:
    by_key = {track.key: track for track in sorted(tracks, key=lambda track: track.key)}
    return Convoy(tracks=by_key, pace=pace, min_in_sync=min_in_sync, at_once=pace.per_broker)


def active(run: Convoy) -> list[Track]:
    return [track for track in run.tracks.values() if track.state is not State.ENDED]


def watched(run: Convoy) -> list[TopicPartition]:
    """Those whose state has to be looked at; at the end all that arrived, for their leaders."""
    return [track.key for track in active(run) or _arrived(run)]


def _arrived(run: Convoy) -> list[Track]:
    return [track for track in run.tracks.values() if track.ended and track.ended.result is Result.APPLIED]


# one look


def looked(run: Convoy, now: Now) -> tuple[Convoy, Orders, tuple[News, ...]]:
    """What to ask for after this look. The answers go to `heard`."""
    news: list[News] = []
    run = replace(run, arrived=not active(run))
    tracks = dict(run.tracks)
    for track in active(run):
        tracks[track.key], one = told(track, followed(track, now, run.pace), now, run.pace)
        news += [one] if one else []
    run, mood = _paced(replace(run, tracks=tracks), now)
    run, starts, held = _starts(run, now)
    returns = {track.key: way_back(track, now) for track in active(run) if track.state is State.TURNING}
    run, elect = (run, ()) if active(run) else _elections(run, now)
    return run, Orders(starts, returns, elect), (*news, *mood, *held)


def heard(
    run: Convoy, answers: Mapping[TopicPartition, KafkaError | None], at: float
) -> tuple[Convoy, tuple[News, ...]]:
    after = {key: answered(run.tracks[key], error, at) for key, error in answers.items()}
    refused = [track.ended for track in after.values() if track.ended]
    news = tuple(News(Happening.STOPPED, one.key, one.message, one.code) for one in refused)
    return replace(run, tracks={**run.tracks, **after}), news


def over(run: Convoy, now: Now) -> bool:
    return run.arrived and not _to_elect(run, now)


def ends(run: Convoy) -> tuple[Ended, ...]:
    return tuple(track.ended for track in run.tracks.values() if track.ended)


# how many at once


def _paced(run: Convoy, now: Now) -> tuple[Convoy, tuple[News, ...]]:
    """Half as many when the cluster suffers, one more when it has not for a while: as TCP does with packets."""
    lost = run.crew - now.live
    missing = (now.at if run.missing is None else run.missing) if lost else None
    suffers = (run.weak is not None and now.weak > run.weak) or _under_min(run, now) or (lost and run.missing is None)
    crew = run.crew | now.live
    seen = replace(run, weak=now.weak, crew=crew, missing=missing, quiet=0 if suffers else run.quiet + 1)
    if suffers and run.at_once > 1:
        fewer = max(1, run.at_once // 2)
        return replace(seen, at_once=fewer), (News(Happening.FEWER, None, f"{fewer} copies a broker at once"),)
    if seen.quiet >= run.pace.quiet and run.at_once < run.pace.per_broker:
        more = run.at_once + 1
        return replace(seen, at_once=more, quiet=0), (News(Happening.MORE, None, f"{more} copies a broker at once"),)
    return seen, ()


def _under_min(run: Convoy, now: Now) -> bool:
    return any(_is_under_min(track, run, now) for track in active(run) if track.state is State.COPYING)


def _is_under_min(track: Track, run: Convoy, now: Now) -> bool:
    seen = now.partitions.get(track.key)
    return seen is not None and len(seen.isr) < min(run.min_in_sync.get(track.key.topic, 1), len(track.at))


# which may begin

_Place: TypeAlias = tuple[bool, bool, bool, int, int, TopicPartition]


def _starts(run: Convoy, now: Now) -> tuple[Convoy, Mapping[TopicPartition, Replicas], tuple[News, ...]]:
    waiting = [track for track in active(run) if track.state is State.WAITING and track.odd is None]
    hindrances = {track.key: _hindrance(track, run, now) for track in waiting}
    run, news = _stuck(run, hindrances, now)
    ready = [track for track in waiting if hindrances[track.key] is None]
    if run.missing is not None and now.at - run.missing <= run.pace.stall:
        return run, {}, news  # it may be back soon, and who is left has enough to do
    busy, room = _busy(run, now), dict(now.room)
    starts: dict[TopicPartition, Replicas] = {}
    for track in sorted(ready, key=_order(ready, run, now)):
        ends_of = _ends_of(track, now)
        if track.adding and not _fits(track, ends_of, run, busy, room):
            continue
        starts[track.key] = track.to
        busy.update(ends_of)
        for broker in track.adding:
            room[broker] = room.get(broker, 0) - track.each
    return run, starts, news


def _hindrance(track: Track, run: Convoy, now: Now) -> Ended | None:
    return hindrance(track, now, run.min_in_sync.get(track.key.topic, 1)) or _no_room(track, run, now)


def _no_room(track: Track, run: Convoy, now: Now) -> Ended | None:
    """With what is on its way there already, since old copies go only at the end."""
    for broker in track.adding:
        free = now.room.get(broker)
        if free is not None and free - track.each < run.pace.reserve.get(broker, 0):
            why = f"broker {broker} has {free} bytes left in its fullest log directory, and it needs {track.each}"
            return Ended(track.key, Result.SKIPPED, why, "KO4204")
    return None


def _stuck(run: Convoy, hindrances: Mapping[TopicPartition, Ended | None], now: Now) -> tuple[Convoy, tuple[News, ...]]:
    """Says once why something does not begin, and lets it be when that does not end."""
    tracks, news = dict(run.tracks), list[News]()
    for key, why in hindrances.items():
        track = tracks[key]
        since = track.stuck
        if why is None:
            tracks[key] = replace(track, stuck=None)
        elif since is None:
            tracks[key] = replace(track, stuck=now.at)
            news.append(News(Happening.HELD_BACK, key, why.message, why.code))
        elif now.at - since > run.pace.stall or why.code == "KO4209":
            tracks[key] = replace(track, state=State.ENDED, ended=why)
            news.append(News(Happening.STOPPED, key, why.message, why.code))
    return replace(run, tracks=tracks), tuple(news)


def _busy(run: Convoy, now: Now) -> Counter[int]:
    """Copies that each broker gives or takes now, those of others included; of all, under -1."""
    busy: Counter[int] = Counter()
    for track in active(run):
        if track.state is State.COPYING and track.adding:
            busy.update(_ends_of(track, now))
    for key, one in now.listed.items():
        if key not in run.tracks:
            busy.update({*one.adding, -1})
    return busy


def _ends_of(track: Track, now: Now) -> set[int]:
    seen = now.partitions.get(track.key)
    return {*track.adding, -1, *([seen.leader] if seen else [])}


def _fits(track: Track, ends_of: set[int], run: Convoy, busy: Counter[int], room: Mapping[int, int]) -> bool:
    if busy[-1] >= run.pace.in_all or any(busy[broker] >= run.at_once for broker in ends_of if broker != -1):
        return False
    return all(
        broker not in room or room[broker] - track.each >= run.pace.reserve.get(broker, 0) for broker in track.adding
    )


def _order(ready: Sequence[Track], run: Convoy, now: Now) -> Callable[[Track], _Place]:
    """What needs no copy, then what is in danger, then the most through the narrowest: there the run ends last."""
    load: Counter[int] = Counter()
    for track in ready:
        for broker in _ends_of(track, now):
            load[broker] += track.each * len(track.adding)

    def place(track: Track) -> _Place:
        seen = now.partitions.get(track.key)
        whole = seen is not None and len(seen.isr) == len(track.at)
        narrowest = max(load[broker] for broker in _ends_of(track, now) if broker != -1)
        return bool(track.adding), not _is_under_min(track, run, now), whole, -narrowest, -track.each, track.key

    return place


# leaders


def _to_elect(run: Convoy, now: Now) -> list[TopicPartition]:
    found = []
    for track in _arrived(run):
        seen, first = now.partitions.get(track.key), track.way[track.goal][0]
        asked = run.elections.get(track.key, 0)
        if seen and track.goal and seen.leader != first and first in seen.isr and asked < _ELECTIONS:
            found.append(track.key)
    return found


def _elections(run: Convoy, now: Now) -> tuple[Convoy, tuple[TopicPartition, ...]]:
    if run.elected is not None and now.at - run.elected < run.pace.settle:
        return run, ()
    batch = tuple(_to_elect(run, now)[:_BATCH])
    if not batch:
        return run, ()
    asked = {key: run.elections.get(key, 0) + 1 for key in batch}
    return replace(run, elections={**run.elections, **asked}, elected=now.at), batch


# what is to be slowed, and how far it is


def to_slow(run: Convoy, starts: Iterable[TopicPartition] = ()) -> dict[str, Entries]:
    """Of each topic of this run, what is on its way or about to be; nothing for those that have nothing of it."""
    going = set(starts)
    found = {track.key.topic: Entries() for track in run.tracks.values()}
    for track in active(run):
        if track.adding and (track.key in going or track.state in {State.COPYING, State.TURNING}):
            found[track.key.topic] |= slowed(track.key.partition, track.at, track.to)
    return found


def all_slowed(run: Convoy) -> dict[str, Entries]:
    """All that a run may ever lay over the lists of each topic."""
    found: dict[str, Entries] = {}
    for track in run.tracks.values():
        both = slowed_on(track.key.partition, track.way) | slowed_on(track.key.partition, track.way[::-1])
        found[track.key.topic] = found.get(track.key.topic, Entries()) | both
    return found


def copying_now(run: Convoy, starts: Iterable[TopicPartition] = ()) -> frozenset[int]:
    """Brokers that give or take a copy that is on its way or about to be."""
    going = set(starts)
    return _brokers(
        [*track.at, *track.to]
        for track in active(run)
        if track.adding and (track.key in going or track.state in {State.COPYING, State.TURNING})
    )


def copying_later(run: Convoy) -> frozenset[int]:
    return _brokers(one for track in active(run) if track.move.adding or track.move.removing for one in track.way)


def _brokers(lists: Iterable[Iterable[int]]) -> frozenset[int]:
    return frozenset(broker for one in lists for broker in one)


def progress(run: Convoy) -> Progress:
    copying = [_copying(track) for track in active(run) if track.state is State.COPYING and track.adding]
    stopped = [one for one in ends(run) if one.result is not Result.APPLIED]
    return Progress(
        moves=len(run.tracks),
        done=len(_arrived(run)),
        stopped=len(stopped),
        copying=tuple(copying),
        bytes=sum(_copied(track) for track in run.tracks.values()) + sum(one.bytes for one in copying),
        bytes_in_all=sum(_whole(track) for track in run.tracks.values()),
        at_once=run.at_once,
    )


def _copying(track: Track) -> Copying:
    return Copying(track.key, track.adding[0], min(track.has, track.each), track.each, track.moved)


def _copied(track: Track) -> int:
    return _between(track, track.begun or 0, track.place)


def _whole(track: Track) -> int:
    begun = track.begun if track.begun is not None else track.place
    return _between(track, begun, track.goal)


def _between(track: Track, origin: int, place: int) -> int:
    """Bytes of the replicas that come on that stretch of its way, either way round."""
    stretch = track.way[origin : place + 1] if place >= origin else track.way[place : origin + 1][::-1]
    return track.each * sum(broker not in at for at, to in pairwise(stretch) for broker in to)
