"""How far copies are: a region of a screen that shows now, lines that stay, and what is left behind when nobody watches any more."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kafkaops import units
from kafkaops.moving.progress import Copying, Ended, Progress
from kafkaops.placement.model import PartitionId
from kafkaops.view.lines import EMPTY, END, Line, labelled, paragraph
from kafkaops.view.visible import cells, visible
from kafkaops.view.words import counted

_STALLED = 60.0  # seconds without a byte more
_CALM = timedelta(seconds=60)  # how long nothing new is told of one matter: what flaps must not fill a log
_BEATS = (30, 120)  # seconds from the start on; then every `_EVERY`
_EVERY = 300
_NAMED = 3  # partitions that a line which stays names
_REASONS = 3  # why partitions wait, in the region
_BAR = range(8, 33)
_TEXT_FROM = 24  # the column of a line that stays, after time and label
_DETAILED = 100  # amounts of fewer units have a decimal
_MANY_HOURS = 100 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is watched. `cluster`: its name, as the files say; `topics`: those that are moved; `back`: their copies are taken back."""

    cluster: str
    topics: tuple[str, ...]
    back: bool = False

    @property
    def title(self) -> str:
        return self.topics[0] if len(self.topics) == 1 else counted(len(self.topics), "topic")

    @property
    def verb(self) -> str:
        return "undo" if self.back else "copy"

    def named(self, partition: PartitionId) -> str:
        topic, number = partition
        return f"p{number}" if len(self.topics) == 1 else f"{topic}-{number}"

    def command(self, words: str, *arguments: str) -> str:
        return shlex.join(["kafkaops", *words.split(), "--cluster", self.cluster, *arguments])


# now


def region(
    progress: Progress, subject: Subject, begun: datetime, at: datetime, *, width: int, height: int
) -> tuple[str, ...]:
    """No line is wider than `width` and there are `height` at most: what is drawn over must stand where it was drawn."""
    lines = [_cut("".join(span.text for span in line), width) for line in _region(progress, subject, begun, at, width)]
    if len(lines) > height:
        lines = [line for line in lines if line]
    return tuple(lines[:height])


def _region(progress: Progress, subject: Subject, begun: datetime, at: datetime, width: int) -> Iterator[Line]:
    when = f"watched since {_time(begun)}, looked at {_time(at)}"
    yield from labelled("now", f"{subject.verb} {subject.title}, {when}", width, wide=END)
    yield EMPTY
    if not subject.back:
        yield from paragraph(_bar(progress, width), width, hang="  ")
    for label, text in _facts(progress, subject, 2 * width):
        yield from labelled(label, text, width, wide=END)
    yield EMPTY
    yield from paragraph(f"  {_hint(subject)}", width, hang="  ")


def _cut(text: str, width: int) -> str:
    """Only here are names cut: the lines that stay have them whole."""
    if cells(text) <= width:
        return text
    while cells(text) > max(width - 3, 0):
        text = text[:-1]
    return (text + "...")[:width]


def _bar(progress: Progress, width: int) -> str:
    percent = _percent(progress)
    facts = "   ".join([f"{percent:3}%", *_speed(progress)])
    room = min(width - cells(facts) - len("  []  "), _BAR[-1])
    full = percent * room // 100
    return f"  [{'#' * full}{'.' * (room - full)}]  {facts}" if room in _BAR else f"  {facts.lstrip()}"


def _percent(progress: Progress) -> int:
    """Not 100 before the end: bytes are about, and a copy that has them all may not be in sync yet."""
    share = progress.share if progress.total > 0 else progress.done / max(progress.partitions, 1)
    return min(max(int(share * 100), 0), 100 if progress.ended else 99)


def _speed(progress: Progress) -> list[str]:
    if progress.total <= 0:
        return [_amounts(progress)]
    left = "time left not known" if progress.left is None else f"left {_span(progress.left)}"
    return [_amounts(progress), _rate(progress.rate), left]


def _amounts(progress: Progress) -> str:
    """Both in one unit, so that the first is seen to grow: `1,052 of 3,072 GiB`."""
    if progress.total <= 0:
        return "no data to copy"
    unit, size = next((one for one in _UNITS if progress.total >= 10 * one[1]), _UNITS[-1])
    decimals = 1 if size > 1 and progress.total < _DETAILED * size else 0
    return f"{progress.copied / size:,.{decimals}f} of {progress.total / size:,.{decimals}f} {unit}"


_UNITS = (("TiB", 2**40), ("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10), ("B", 1))


def _rate(rate: float) -> str:
    return f"{units.about(int(rate))}/s"


def _span(seconds: float) -> str:
    whole = int(seconds)
    return units.span(whole) if whole < _MANY_HOURS else f"{whole // 86_400:,} d"


def _facts(progress: Progress, subject: Subject, room: int) -> Iterator[tuple[str, str]]:
    copies = [f"{subject.named(one.partition)} {int(one.share * 100)}%" for one in progress.copying]
    if copies and not subject.back:
        yield "copies", _as_many("  ", copies, room)
    yield "replicas", _counts(progress, subject)
    yield "in sync", f"{counted(progress.below, 'partition')} below min.insync.replicas"
    slow = sorted(filter(_stalls, progress.copying), key=lambda one: (-one.quiet, one.partition))
    if slow:
        names = _as_many(", ", [subject.named(one.partition) for one in slow], room // 2)
        yield "slow", f"{names}: no progress for {_span(slow[0].quiet)} [KO4203]"
    for why, count in progress.held[:_REASONS]:
        yield "waits", f"{counted(count, 'partition')}: {why}"
    if progress.throttle is not None and not subject.back:
        yield "throttle", f"{_rate(progress.throttle)} per broker" + _lent(progress)
    if progress.slowest is not None and not subject.back:
        yield "slowest", f"broker {progress.slowest}, which has most left to copy"


def _counts(progress: Progress, subject: Subject) -> str:
    given_up = len(progress.failed)
    if subject.back:
        left = max(progress.partitions - progress.done - progress.waiting - given_up, 0)
        told = [f"{progress.waiting:,} of {counted(progress.partitions, 'partition')} where they were"]
        told += [f"{progress.done:,} copied and kept"] if progress.done else []
        told += [f"{left:,} on the way back"] if left else []
    else:
        told = [f"{progress.done:,} of {counted(progress.partitions, 'partition')} in place"]
        told += [f"{len(progress.copying):,} in flight"] if progress.copying else []
        told += [f"{progress.waiting:,} {_waits(progress.waiting)}"] if progress.waiting else []
    return ", ".join(told + ([f"{given_up:,} given up"] if given_up else []))


def _waits(count: int) -> str:
    return "waits" if count == 1 else "wait"


def _lent(progress: Progress) -> str:
    return ", set by this run, cleared when it ends" if progress.lent else ""


def _as_many(between: str, items: Sequence[str], room: int) -> str:
    """As many as there is room for, and how many more there are."""
    taken, used = 0, len(" and 1,000 more")
    for item in items:
        used += cells(item) + len(between)
        if used > room:
            break
        taken += 1
    taken = max(taken, 1)
    more = len(items) - taken
    return between.join(items[:taken]) + (f" and {more:,} more" if more else "")


def _hint(subject: Subject) -> str:
    if subject.back:
        return "Ctrl-C stops watching. To go on: kafkaops cancel."
    return "Ctrl-C stops watching, not the copy. Back: kafkaops resume. Undo: kafkaops cancel."


# lines that stay

_Matter = tuple[str, str, int]  # _SLOW and the partition, _HELD and the reason, _BELOW
_SLOW, _HELD, _BELOW = "slow", "held", "below"


@dataclass(frozen=True, slots=True)
class Said:
    """What was told. `matters`: whether each was so when it was told last, and when that was."""

    matters: Mapping[_Matter, tuple[bool, datetime]] = field(default_factory=dict)
    failed: frozenset[PartitionId] = frozenset()


def news(progress: Progress, subject: Subject, said: Said, at: datetime) -> tuple[tuple[str, ...], Said]:
    """What is so now and was not when it was told last: stalled, going on again, waiting, no longer waiting, given up."""
    so = _matters(progress)
    copying = {(_SLOW, *one.partition) for one in progress.copying}
    matters = {key: told for key, told in said.matters.items() if key[0] != _SLOW or key in copying}
    turned = {key for key in {*so, *matters} if not progress.ended and _turns(key in so, matters.get(key), at)}
    failed = [one for one in progress.failed if one[0] not in said.failed]
    lines = [
        *(("note", text) for text in progress.told),
        *_given_up(failed, subject),
        *_slow([one for one in progress.copying if (_SLOW, *one.partition) in so & turned], subject, at),
        *_waiting(progress, turned),
        *_below(progress, turned),
        *_goes_on(sorted(turned - so), subject),
    ]
    return (
        tuple(_line(at, f"{subject.verb} {label}", text) for label, text in lines),
        Said(matters | {key: (key in so, at) for key in turned}, said.failed | {partition for partition, _ in failed}),
    )


def _matters(progress: Progress) -> set[_Matter]:
    slow = {(_SLOW, *one.partition) for one in progress.copying if _stalls(one)}
    held = {(_HELD, why, 0) for why, _ in progress.held}
    return slow | held | ({(_BELOW, "", 0)} if progress.below else set())


def _stalls(one: Copying) -> bool:
    return one.quiet >= _STALLED


def _turns(so: bool, told: tuple[bool, datetime] | None, at: datetime) -> bool:
    return so if told is None else so != told[0] and at - told[1] >= _CALM


def _given_up(failed: Sequence[tuple[PartitionId, str]], subject: Subject) -> Iterator[tuple[str, str]]:
    by_reason = defaultdict[str, list[str]](list)
    for partition, why in failed:
        by_reason[why].append(subject.named(partition))
    for why, names in by_reason.items():
        yield "given up", f"{_few(names)}: {why}"


def _slow(stalled: Sequence[Copying], subject: Subject, at: datetime) -> Iterator[tuple[str, str]]:
    """Those that wait for the same broker are told together: what it says of each, the last that is known, and since when."""
    by_broker = defaultdict[tuple[int, ...], list[Copying]](list)
    for one in stalled:
        by_broker[one.onto].append(one)
    for brokers, found in by_broker.items():
        names = [
            f"{subject.named(one.partition)} ({int(one.share * 100)}% since {_time(at - timedelta(seconds=one.quiet))})"
            for one in found
        ]
        some = f"broker{'s' if len(brokers) > 1 else ''} {', '.join(map(str, brokers))}"
        gets = "fetch nothing" if len(brokers) > 1 else "fetches nothing"
        told = f", {some} {gets} of {'it' if len(found) == 1 else 'them'}" if brokers else ""
        yield "slow", f"no progress on {_few(names)} for {_span(min(one.quiet for one in found))}{told} [KO4203]"


def _waiting(progress: Progress, turned: set[_Matter]) -> Iterator[tuple[str, str]]:
    for why, count in progress.held:
        if (_HELD, why, 0) in turned:
            yield "waits", f"{counted(count, 'partition')}: {why}"


def _below(progress: Progress, turned: set[_Matter]) -> Iterator[tuple[str, str]]:
    if progress.below and (_BELOW, "", 0) in turned:
        yield "slower", f"{counted(progress.below, 'partition')} below min.insync.replicas, so fewer copies run at once"


def _goes_on(ended: Sequence[_Matter], subject: Subject) -> Iterator[tuple[str, str]]:
    for kind, what, number in ended:
        match kind:
            case "slow":
                yield "goes on", f"{subject.named((what, number))} makes progress again"
            case "held":
                yield "goes on", f"no longer so: {what}"
            case _:
                yield "goes on", "no partition is below min.insync.replicas any more"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def start(progress: Progress, subject: Subject, at: datetime) -> str:
    told = [counted(progress.partitions, "partition")]
    if not subject.back:
        told += [_amounts(progress)]
        told += [f"throttle {_rate(progress.throttle)} per broker"] if progress.throttle is not None else []
    return _line(at, f"{subject.verb} start", f"{subject.title}: {', '.join(told)}")


def beats(seconds: float) -> int:
    """How often a log has been told how far it is, so long after the start: at 30 s, 2 min, 7 min, then every 5 min."""
    return sum(seconds >= one for one in _BEATS) + max(int(seconds - _BEATS[-1]) // _EVERY, 0)


def beat(progress: Progress, subject: Subject, at: datetime) -> str:
    slow = sum(map(_stalls, progress.copying))
    told = [] if subject.back else [f"{_percent(progress)}% {', '.join(_speed(progress))}"]
    told += [_counts(progress, subject)]
    told += [f"{count:,} of them because {why}" for why, count in progress.held[:_REASONS]]
    told += [f"{slow:,} without progress"] if slow else []
    told += [f"{progress.below:,} below min.insync.replicas"] if progress.below else []
    return _line(at, subject.verb, ", ".join(told))


def end(progress: Progress, subject: Subject, begun: datetime, at: datetime) -> str:
    told = [_counts(progress, subject), f"after {_span((at - begun).total_seconds())}"]
    if progress.lent:
        told += [f"{counted(progress.lent, 'setting')} of the throttle stay: {subject.command('throttle clear')}"]
    elif progress.throttle is not None:
        told += ["no throttle is left"]
    label = "done" if progress.ended is Ended.DONE else "ended"
    return _line(at, f"{subject.verb} {label}", f"{subject.title}: {', '.join(told)}")


def wrapped(line: str, width: int) -> tuple[str, ...]:
    """A line that stays, on a terminal: what is too long goes on below its text."""
    found = paragraph(line, width, hang=" " * _TEXT_FROM)
    return tuple("".join(span.text for span in one) for one in found)


def _line(at: datetime, label: str, text: str) -> str:
    return f"{f'{_time(at)} {label}':<{_TEXT_FROM - 1}} {text}"


def _time(at: datetime) -> str:
    return f"{at:%H:%M:%S}Z"


# nobody watches any more


def left_behind(progress: Progress | None, subject: Subject) -> Iterator[str]:
    """What goes on in the cluster, and how to come back to it. `progress`: the last look, if there was one."""
    undo = subject.command("cancel", *(subject.topics if len(subject.topics) == 1 else ()))
    yield f"stopped watching. {_goes_on_alone(progress, subject)}"
    if progress is None or progress.lent:
        rate = "what is set" if progress is None or progress.throttle is None else _rate(progress.throttle)
        ends = f"kafkaops {'cancel' if subject.back else 'resume'} ends"
        yield _left_line("throttle", f"{rate} stays on until {ends}, or {subject.command('throttle clear')}")
    if subject.back:
        yield _left_line("go on", undo)
        return
    if progress is not None and progress.waiting:
        begins = "begins" if progress.waiting == 1 else "begin"
        yield _left_line("waits", f"{counted(progress.waiting, 'partition')}, which {begins} only when it is resumed")
    clears = ", clears the throttle at the end" if progress is None or progress.lent else ""
    yield _left_line("come back", f"{subject.command('resume')}  (shows progress{clears})")
    yield _left_line("undo", undo)


def _goes_on_alone(progress: Progress | None, subject: Subject) -> str:
    title = visible(subject.title)
    if progress is None:
        return f"What was begun of {title} goes on in the cluster"
    if subject.back:
        return f"Of {title}, {_counts(progress, subject)}"
    if not progress.copying:
        return f"No copy of {title} is under way ({_percent(progress)}%)"
    time = f", about {_span(progress.left)} left" if progress.left is not None and not progress.waiting else ""
    return f"The copy of {title} goes on in the cluster ({_percent(progress)}%{time})"


def _left_line(label: str, text: str) -> str:
    return visible(f"   {label:<9}  {text}")
