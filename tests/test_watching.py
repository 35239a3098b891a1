"""Copies are watched on a terminal and in a log. `python tests/test_watching.py` writes the golden screens anew: read what changed."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fcntl import ioctl
from itertools import pairwise
from pathlib import Path
from struct import pack
from termios import TIOCSWINSZ
from typing import TextIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_moving import World

from kafkaops.cli import Options
from kafkaops.cluster import ClusterFailure, FailureKind
from kafkaops.commands.output import Output
from kafkaops.commands.watching import Subject, watch
from kafkaops.findings import Terminated
from kafkaops.moving.progress import Copying, Ended, Progress
from kafkaops.view import progress as view
from kafkaops.view.visible import cells

GOLDEN = Path(__file__).with_name("watching")
BEGUN = datetime(2026, 11, 25, 14, 20, 7, tzinfo=UTC)
TOPIC = "ledger.entries"
ONE = Subject(cluster="prod-eu1", topics=(TOPIC,))
MIB, GIB = 2**20, 2**30


def copying(*numbers: int, share: float = 0.4, quiet: float = 0.0, onto: tuple[int, ...] = (4,)) -> tuple[Copying, ...]:
    return tuple(Copying((TOPIC, number), share, quiet, onto) for number in numbers)


UNDER_WAY = Progress(
    total=3072 * GIB,
    copied=1052 * GIB,
    rate=336.0 * MIB,
    left=6180.0,
    partitions=24,
    done=6,
    waiting=12,
    copying=copying(6, 7, 8, 9, 10, 11),
    slowest=4,
    throttle=60 * MIB,
    lent=30,
)
FIRST = replace(
    UNDER_WAY, copied=0, rate=0.0, left=None, done=0, waiting=18, copying=copying(0, 1, 2, 3, 4, 5, share=0.0)
)
DONE = replace(
    UNDER_WAY, copied=3072 * GIB, left=0.0, done=24, waiting=0, copying=(), slowest=None, lent=0, ended=Ended.DONE
)
STALLED = replace(UNDER_WAY, copying=copying(6, 7, 8, 9, 10) + copying(11, share=0.36, quiet=61.5))
GIVEN_UP = replace(UNDER_WAY, copying=copying(6, 7, 8, 9, 10), failed=(((TOPIC, 11), "broker 4 is down for 900 s"),))
CLOSED = replace(UNDER_WAY, held=(("the window is closed", 12),))

Looks = Sequence[tuple[float, Progress]]  # seconds after the start

SEQUENCES: dict[str, tuple[Subject, Looks]] = {
    "to-the-end": (
        ONE,
        [
            (0, FIRST),
            (30, replace(FIRST, rate=336.0 * MIB, copied=10 * GIB, left=9300.0)),
            (120, UNDER_WAY),
            (9363, DONE),
        ],
    ),
    "every-five-minutes": (ONE, [(second, UNDER_WAY) for second in range(0, 1800, 10)] + [(1800, DONE)]),
    "stalled-and-going-on": (
        ONE,
        [(0, UNDER_WAY), (10, STALLED), (12, STALLED), (80, UNDER_WAY), (90, DONE)],
    ),
    "stalled-and-given-up": (
        ONE,
        [
            (0, STALLED),
            (840, STALLED),
            (900, GIVEN_UP),
            (902, GIVEN_UP),
            (2000, replace(DONE, done=23, failed=GIVEN_UP.failed, ended=Ended.INCOMPLETE)),
        ],
    ),
    "many-stalled-at-once": (
        Subject(cluster="prod-eu1", topics=(TOPIC, "orders")),
        [
            (
                0,
                replace(
                    UNDER_WAY,
                    copying=(
                        *copying(*range(40), quiet=75),
                        Copying(("orders", 1), 0.5, 65, (4, 5)),
                        Copying(("orders", 2), 0.9, 3, (6,)),
                    ),
                ),
            )
        ],
    ),
    "window": (ONE, [(0, replace(CLOSED, copying=())), (5, CLOSED), (100, UNDER_WAY), (200, CLOSED), (300, DONE)]),
    "flapping": (
        ONE,
        [(second, CLOSED if second % 4 else replace(UNDER_WAY, below=2)) for second in range(0, 130, 2)]
        + [(130, DONE)],
    ),
    "told": (
        ONE,
        [
            (0, UNDER_WAY),
            (2, replace(UNDER_WAY, told=("ledger.entries-3 keeps its leader: ELIGIBLE_LEADERS_NOT_AVAILABLE",))),
            (4, replace(DONE, lent=2)),
        ],
    ),
    "without-data": (
        Subject(cluster="dev", topics=("a", "b")),
        [
            (0, Progress(total=0, copied=0, rate=0.0, left=None, partitions=4, done=1, waiting=3)),
            (2, Progress(total=0, copied=0, rate=0.0, left=None, partitions=4, done=4, waiting=0, ended=Ended.DONE)),
        ],
    ),
    "nothing-left-to-do": (ONE, [(0, DONE)]),
    "back": (
        replace(ONE, back=True),
        [
            (0, replace(UNDER_WAY, waiting=12)),
            (2, replace(UNDER_WAY, waiting=16, copying=copying(10, 11))),
            (60, replace(DONE, done=6, waiting=18)),
        ],
    ),
    "left-alone": (ONE, [(0, FIRST), (2, UNDER_WAY), (4, UNDER_WAY)]),
}


# who looks on


@pytest.fixture(autouse=True)
def _usual_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")


@dataclass
class Terminal(io.TextIOBase):
    """What a terminal shows, scrolled lines included. Whatever would leave a mess on a real one fails: an unknown escape, a broken line."""

    columns: int = 80
    rows: list[str] = field(default_factory=lambda: [""])
    row: int = 0
    column: int = 0
    sent: list[str] = field(default_factory=list)

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.sent.append(text)
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", text):
            self._take(part)
        assert "".join(re.findall(r"\x1b\[\d*[AJK]|[\r\n]|[^\x1b\r\n]+", text)) == text
        return len(text)

    def _take(self, part: str) -> None:
        if part == "\r":
            self.column = 0
        elif part == "\n":
            self.row, self.column = self.row + 1, 0
            self.rows += [""] * (self.row + 1 - len(self.rows))
        elif part.endswith("A"):
            self.row -= int(part[2:-1])
            assert self.row >= 0
        elif part.endswith("K"):
            self.rows[self.row] = self.rows[self.row][: self.column]
        elif part.endswith("J"):
            self.rows[self.row] = self.rows[self.row][: self.column]
            del self.rows[self.row + 1 :]
        else:
            line = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = line[: self.column] + part + line[self.column + len(part) :]
            self.column += len(part)

    @property
    def text(self) -> str:
        return "\n".join(self.rows)


@dataclass
class Watched:
    """A sequence of looks that somebody watches, whose clock they move. `seen`: called after each."""

    looks: Looks
    seen: Callable[[], None] = lambda: None
    at: datetime = BEGUN
    ends: BaseException | None = None

    def steps(self) -> Iterator[Progress]:
        for seconds, progress in self.looks:
            self.at = BEGUN + timedelta(seconds=seconds)
            yield progress
            self.seen()
        if self.ends is not None:
            raise self.ends

    def watch(self, subject: Subject = ONE, **options: float) -> Progress:
        return watch(output(), self.steps(), subject, now=lambda: self.at, **options)


def output(*, color: str = "auto", quiet: bool = False) -> Output:
    options = Options(None, Path("topology"), None, [], quiet, False, color, True)
    return Output("apply", options, (), BEGUN)


@contextmanager
def stderr(to: TextIO | io.TextIOBase) -> Iterator[None]:
    before, sys.stderr = sys.stderr, to  # type: ignore[assignment]  # all of a stream that is written to
    try:
        yield
    finally:
        sys.stderr = before


def logged(subject: Subject, looks: Looks) -> str:
    to = io.StringIO()
    with stderr(to):
        Watched(looks).watch(subject, **limit(looks))
    return to.getvalue()


def limit(looks: Looks) -> dict[str, float]:
    """Where no look is the last, the time limit is reached at the last one."""
    return {} if looks[-1][1].ended else {"detach_after": looks[-1][0]}


def screens(subject: Subject, looks: Looks) -> str:
    """After each look that changed it, and at the end."""
    terminal, shown = Terminal(), list[str]()

    def seen() -> None:
        if [terminal.text] != shown[-1:]:
            shown.append(terminal.text)

    with stderr(terminal):
        Watched(looks, seen).watch(subject, **limit(looks))
    seen()
    return f"\n{'=' * 80}\n".join(shown)


SHOWN: dict[str, Callable[[Subject, Looks], str]] = {"log": logged, "terminal": screens}
SHORT = 10  # looks; a terminal is drawn anew at each
CASES = [
    (name, kind) for name, (_, looks) in SEQUENCES.items() for kind in SHOWN if kind == "log" or len(looks) <= SHORT
]


def golden(name: str, kind: str) -> Path:
    return GOLDEN / f"{name}.{kind}.txt"


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_is_seen_is_the_golden_text(name: str, kind: str) -> None:
    assert SHOWN[kind](*SEQUENCES[name]) == golden(name, kind).read_text(encoding="utf-8")


def test_every_golden_text_is_of_a_sequence() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {golden(name, kind).name for name, kind in CASES}


# a log


@pytest.mark.parametrize("name", SEQUENCES)
def test_criterion_24_a_log_has_no_escape_and_no_carriage_return(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("FORCE_COLOR", "GITHUB_ACTIONS", "CI", "TTY_INTERACTIVE"):
        monkeypatch.setenv(variable, "1")

    assert not set(logged(*SEQUENCES[name])) & {"\x1b", "\r"}


@pytest.mark.parametrize("dumb", ["TERM", "--color never"])
def test_a_terminal_that_wants_no_escapes_gets_the_lines_of_a_log(dumb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb" if dumb == "TERM" else "xterm")
    terminal, watched = Terminal(), Watched(SEQUENCES["to-the-end"][1])

    with stderr(terminal):
        watch(output(color="auto" if dumb == "TERM" else "never"), watched.steps(), ONE, now=lambda: watched.at)

    assert "".join(terminal.sent) == golden("to-the-end", "log").read_text(encoding="utf-8")


def test_no_color_takes_colours_away_and_not_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    assert screens(*SEQUENCES["to-the-end"]) == golden("to-the-end", "terminal").read_text(encoding="utf-8")


def test_criterion_28_a_log_is_told_at_least_every_five_minutes() -> None:
    told = [at for at in range(7200) if view.beats(at) > view.beats(at - 1)]

    assert told[:5] == [30, 120, 420, 720, 1020]
    assert {later - sooner for sooner, later in pairwise(told[1:])} == {300}


def test_a_look_that_took_long_is_told_once() -> None:
    lines = logged(ONE, [(0, UNDER_WAY), (3000, UNDER_WAY), (3010, DONE)]).splitlines()

    assert [line[:9] for line in lines] == ["14:20:07Z", "15:10:07Z", "15:10:17Z"]


def test_criterion_29_a_stalled_copy_says_where_it_stands_and_since_when() -> None:
    lines, _ = view.news(STALLED, ONE, view.Said(), BEGUN)

    assert lines == (
        "14:20:07Z copy slow     no progress on p11 (36% since 14:19:05Z) for 1m, broker 4 fetches nothing of it [KO4203]",
    )


@pytest.mark.parametrize("terminal", [False, True])
def test_quiet_tells_nothing_of_what_goes_well(*, terminal: bool) -> None:
    to, watched = Terminal() if terminal else io.StringIO(), Watched(SEQUENCES["to-the-end"][1])

    with stderr(to):
        watch(output(quiet=True), watched.steps(), ONE, now=lambda: watched.at)

    assert (to.text if isinstance(to, Terminal) else to.getvalue()).strip() == ""


# who stops watching


def test_the_last_look_is_the_answer() -> None:
    with stderr(io.StringIO()):
        assert Watched([(0, UNDER_WAY), (2, DONE)]).watch() is DONE


def test_a_time_limit_ends_it_with_a_look_that_has_not_ended() -> None:
    looks = [(second, replace(UNDER_WAY, copied=second)) for second in range(0, 100, 2)]

    with stderr(io.StringIO()):
        last = Watched(looks).watch(detach_after=10)

    assert last.ended is None
    assert last.copied == 10


def test_a_copy_that_ends_at_the_time_limit_has_ended() -> None:
    with stderr(io.StringIO()) as _:
        assert Watched([(0, UNDER_WAY), (10, DONE)]).watch(detach_after=10) is DONE


LEFT = """\
stopped watching. The copy of ledger.entries goes on in the cluster (34%)
   throttle   60 MiB/s stays on until kafkaops resume ends, or kafkaops throttle clear --cluster prod-eu1
   waits      12 partitions, which begin only when it is resumed
   come back  kafkaops resume --cluster prod-eu1  (shows progress, clears the throttle at the end)
   undo       kafkaops cancel --cluster prod-eu1 ledger.entries
"""


@pytest.mark.parametrize(
    "ends", [KeyboardInterrupt(), Terminated(), ClusterFailure(FailureKind.UNREACHABLE, "no broker answers")]
)
@pytest.mark.parametrize("terminal", [False, True])
def test_criterion_15_whatever_ends_it_is_raised_again_after_it_is_told_what_goes_on(
    ends: BaseException, *, terminal: bool
) -> None:
    to = Terminal() if terminal else io.StringIO()

    with stderr(to), pytest.raises(type(ends)) as raised:
        Watched([(0, UNDER_WAY)], ends=ends).watch()

    assert raised.value is ends
    assert to.text == LEFT if isinstance(to, Terminal) else to.getvalue().endswith(f"\n{LEFT}")


def test_a_second_interrupt_while_that_is_told_ends_at_once() -> None:
    class Pressed(io.StringIO):
        def write(self, text: str) -> int:
            if text.startswith("stopped"):
                raise KeyboardInterrupt("second")
            return super().write(text)

    with stderr(Pressed()), pytest.raises(KeyboardInterrupt, match="second"):
        Watched([(0, UNDER_WAY)], ends=KeyboardInterrupt("first")).watch()


def test_quiet_still_tells_what_is_left_behind() -> None:
    to, watched = io.StringIO(), Watched([(0, UNDER_WAY)])

    with stderr(to):
        watch(output(quiet=True), watched.steps(), ONE, detach_after=0, now=lambda: watched.at)

    assert to.getvalue() == LEFT


@pytest.mark.parametrize(
    ("progress", "subject", "expected"),
    [
        (
            replace(UNDER_WAY, waiting=0, lent=0),
            ONE,
            """\
stopped watching. The copy of ledger.entries goes on in the cluster (34%, about 1h43m left)
   come back  kafkaops resume --cluster prod-eu1  (shows progress)
   undo       kafkaops cancel --cluster prod-eu1 ledger.entries
""",
        ),
        (
            replace(UNDER_WAY, copying=(), waiting=1, lent=0),
            Subject(cluster="the cluster", topics=("a", "b")),
            """\
stopped watching. No copy of 2 topics is under way (34%)
   waits      1 partition, which begins only when it is resumed
   come back  kafkaops resume --cluster 'the cluster'  (shows progress)
   undo       kafkaops cancel --cluster 'the cluster'
""",
        ),
        (
            None,
            ONE,
            """\
stopped watching. What was begun of ledger.entries goes on in the cluster
   throttle   what is set stays on until kafkaops resume ends, or kafkaops throttle clear --cluster prod-eu1
   come back  kafkaops resume --cluster prod-eu1  (shows progress, clears the throttle at the end)
   undo       kafkaops cancel --cluster prod-eu1 ledger.entries
""",
        ),
        (
            replace(UNDER_WAY, waiting=16, copying=copying(10, 11)),
            replace(ONE, back=True),
            """\
stopped watching. Of ledger.entries, 16 of 24 partitions where they were, 6 copied and kept, 2 on the way back
   throttle   60 MiB/s stays on until kafkaops cancel ends, or kafkaops throttle clear --cluster prod-eu1
   go on      kafkaops cancel --cluster prod-eu1 ledger.entries
""",
        ),
    ],
)
def test_what_is_left_behind(progress: Progress | None, subject: Subject, expected: str) -> None:
    assert "".join(f"{line}\n" for line in view.left_behind(progress, subject)) == expected


# a terminal


def test_a_terminal_is_sent_one_write_for_each_look_and_its_cursor_is_never_hidden() -> None:
    terminal = Terminal()

    with stderr(terminal):
        Watched([(second, UNDER_WAY) for second in range(5)] + [(5, DONE)]).watch()

    assert len(terminal.sent) == 7  # the last one closes the region
    assert "?" not in "".join(terminal.sent)


def test_what_was_typed_below_the_region_is_gone() -> None:
    terminal = Terminal()

    with stderr(terminal), pytest.raises(KeyboardInterrupt):
        Watched([(0, UNDER_WAY), (2, UNDER_WAY)], lambda: terminal._take("^C"), ends=KeyboardInterrupt()).watch()

    assert terminal.text == LEFT


def everything(terminal: int) -> Iterator[str]:
    with suppress(OSError):  # nobody writes to it any more
        while True:
            yield os.read(terminal, 1024).decode()
    os.close(terminal)


def sent(looks: Looks, sizes: Sequence[tuple[int, int]]) -> str:
    """What a real terminal is sent that has one of the sizes (columns and rows) at each look."""
    to, other = pty.openpty()
    left = iter(sizes)

    def sized() -> None:
        columns, rows = next(left)
        ioctl(other, TIOCSWINSZ, pack("HHHH", rows, columns, 0, 0))

    with open(other, "w", encoding="utf-8") as real, stderr(real):  # noqa: PTH123  # a descriptor
        sized()
        Watched(looks, sized).watch()
    return "".join(everything(to))


def test_a_terminal_that_becomes_narrower_has_its_region_drawn_over() -> None:
    text = sent([(0, UNDER_WAY), (2, DONE)], [(100, 40), (40, 40)])

    wide = view.region(UNDER_WAY, ONE, BEGUN, BEGUN, width=99, height=39)
    rows = sum(max(1, -(-len(line) // 40)) for line in wide)
    assert re.findall(r"\x1b\[(\d+)A", text) == [str(rows)]
    assert all(line in text for line in wide)


def test_a_region_leaves_a_low_terminal_a_row_for_the_cursor() -> None:
    assert "\x1b[4A" in sent([(0, UNDER_WAY), (2, DONE)], [(100, 5)] * 2)


def test_a_terminal_that_tells_no_size_has_the_usual_one() -> None:
    lines = view.region(UNDER_WAY, ONE, BEGUN, BEGUN, width=79, height=23)

    assert all(line in sent([(0, UNDER_WAY), (2, DONE)], [(0, 0)] * 2) for line in lines)


def test_copies_are_watched_to_their_end_when_nobody_listens() -> None:
    class Closed(Terminal):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    with stderr(Closed()):
        assert Watched([(0, UNDER_WAY), (2, DONE)]).watch() is DONE


def shown(progress: Progress, width: int = 79, height: int = 39) -> list[str]:
    return list(view.region(progress, ONE, BEGUN, BEGUN, width=width, height=height))


def test_a_low_terminal_shows_what_stands_first_and_no_blank_lines() -> None:
    assert shown(UNDER_WAY, height=3) == [line for line in shown(UNDER_WAY) if line][:3]


def test_a_narrow_terminal_shows_no_bar() -> None:
    assert [line for line in shown(UNDER_WAY, 60) if "%   " in line] == [
        "  34%   1,052 of 3,072 GiB   336 MiB/s   left 1h43m"
    ]


def test_of_many_partitions_as_many_are_named_as_there_is_room_for() -> None:
    many = shown(replace(UNDER_WAY, copying=copying(*range(200))), 40)
    named = " ".join(line.strip() for line in many if re.search(r"p\d+ 40%", line))

    assert named == "copies    p0 40%  p1 40%  p2 40%  p3 40%  p4 40%  p5 40%  p6 40% p7 40% and 192 more"


def test_one_partition_is_named_whatever_room_there_is() -> None:
    two = Subject(cluster="dev", topics=("a" * 100, "b"))
    lines = view.region(
        replace(UNDER_WAY, copying=(Copying(("a" * 100, 7), 0.4, 0.0, (4,)),)), two, BEGUN, BEGUN, width=50, height=20
    )

    assert f"            {'a' * 35}..." in lines


def test_the_longest_stalled_partition_is_named_first() -> None:
    stalled = replace(UNDER_WAY, copying=copying(1, quiet=70) + copying(2, quiet=700))

    assert "  slow      p2, p1: no progress for 11m [KO4203]" in shown(stalled)


def test_of_the_reasons_to_wait_the_first_are_shown() -> None:
    held = tuple((f"broker {number} is down", number) for number in range(1, 9))

    assert [line for line in shown(replace(UNDER_WAY, held=held)) if "waits" in line] == [
        "  waits     1 partition: broker 1 is down",
        "  waits     2 partitions: broker 2 is down",
        "  waits     3 partitions: broker 3 is down",
    ]


@pytest.mark.parametrize(
    ("copied", "total", "left", "expected"),
    [
        (4, 9, 10.0, "44% 4 of 9 B, 336 MiB/s, left 10s"),
        (5 * GIB, 50 * GIB, 100 * 3600.0, "10% 5.0 of 50.0 GiB, 336 MiB/s, left 4 d"),
        (512 * MIB, GIB, 100 * 3600.0 - 1, "50% 512 of 1,024 MiB, 336 MiB/s, left 99h59m"),
        (0, 12 * 1024 * GIB, None, "0% 0.0 of 12.0 TiB, 336 MiB/s, time left not known"),
    ],
)
def test_how_far_it_is(copied: int, total: int, left: float | None, expected: str) -> None:
    told = view.beat(replace(UNDER_WAY, copied=copied, total=total, left=left), ONE, BEGUN)

    assert told == f"14:20:07Z copy          {expected}, 6 of 24 partitions in place, 6 in flight, 12 wait"


# a mover


def test_a_move_is_watched_from_its_start_to_its_end() -> None:
    world, to = World(((1, 2),), ((1, 3),), rate=10), io.StringIO()

    with stderr(to):
        last = watch(
            output(),
            world.mover().forward(),
            Subject(cluster="dev", topics=("t",)),
            now=lambda: BEGUN + timedelta(seconds=world.now),
        )

    assert last.ended is Ended.DONE
    assert (
        to.getvalue()
        == """\
14:20:07Z copy start    t: 1 partition, 0 of 1,000 B, throttle 4.88 KiB/s per broker
14:20:37Z copy          15% 150 of 1,000 B, 5 B/s, left 2m, 0 of 1 partition in place, 1 in flight
14:22:07Z copy          60% 600 of 1,000 B, 5 B/s, left 1m, 0 of 1 partition in place, 1 in flight
14:23:29Z copy done     t: 1 of 1 partition in place, after 3m, no throttle is left
"""
    )


# whatever is seen

text = st.text(min_size=1, max_size=30)
numbers = st.integers(0, 2**63)
partitions = st.tuples(text, st.integers(0, 10_000))
shares = st.floats(0, 1)
spans = st.floats(0, 1e9)
of_copying = st.builds(Copying, partitions, shares, spans, st.lists(st.integers(0, 99), max_size=4).map(tuple))
progresses = st.builds(
    Progress,
    total=numbers,
    copied=numbers,
    rate=st.floats(0, 1e15),
    left=st.none() | st.floats(0, 1e30),
    partitions=st.integers(0, 200_000),
    done=st.integers(0, 200_000),
    waiting=st.integers(0, 200_000),
    copying=st.lists(of_copying, max_size=50, unique_by=lambda one: one.partition).map(tuple),
    held=st.lists(st.tuples(text, st.integers(1, 1000)), max_size=5, unique_by=lambda one: one[0]).map(tuple),
    below=st.integers(0, 1000),
    slowest=st.none() | st.integers(0, 99),
    throttle=st.none() | numbers,
    lent=st.integers(0, 100),
    failed=st.lists(st.tuples(partitions, text), max_size=5).map(tuple),
    told=st.lists(text, max_size=3).map(tuple),
    ended=st.none() | st.sampled_from(Ended),
)
subjects = st.builds(
    Subject, cluster=text, topics=st.lists(text, min_size=1, max_size=3).map(tuple), back=st.booleans()
)


def steers(line: str) -> bool:
    return any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in line)


@settings(max_examples=300)
@given(progresses, subjects, st.integers(1, 250), st.integers(1, 60))
def test_a_region_is_never_wider_nor_higher_than_the_terminal(
    progress: Progress, subject: Subject, width: int, height: int
) -> None:
    lines = view.region(progress, subject, BEGUN, BEGUN, width=width, height=height)

    assert len(lines) <= height
    assert all(cells(line) <= width for line in lines)
    assert not any(map(steers, lines))


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(-100, 1000), progresses), max_size=6), subjects)
def test_whatever_is_seen_a_log_has_whole_lines_whose_times_do_not_go_back(
    looks: list[tuple[int, Progress]], subject: Subject
) -> None:
    lines = logged(subject, [*looks, (1000, DONE)])
    times = [line[:9] for line in lines.splitlines() if not line.startswith(("stopped", " "))]

    assert all(re.fullmatch(r"\d\d:\d\d:\d\dZ", time) for time in times)
    assert times == sorted(times)
    assert not any(map(steers, lines.split("\n")))


@settings(max_examples=100)
@given(st.none() | progresses, subjects)
def test_whatever_is_left_behind_is_told_in_whole_lines(progress: Progress | None, subject: Subject) -> None:
    assert not any(map(steers, view.left_behind(progress, subject)))


@settings(max_examples=100)
@given(st.lists(progresses, min_size=1, max_size=6))
def test_what_does_not_change_is_told_once(looks: list[Progress]) -> None:
    said = view.Said()
    for seconds, progress in enumerate(looks):
        _, said = view.news(progress, ONE, said, BEGUN + timedelta(seconds=seconds))
    again, _ = view.news(replace(looks[-1], told=()), ONE, said, BEGUN + timedelta(seconds=len(looks)))

    assert again == ()


@settings(max_examples=100)
@given(st.lists(st.booleans(), max_size=200))
def test_however_it_flaps_one_matter_is_told_once_a_minute_at_most(so: list[bool]) -> None:
    said, times = view.Said(), list[int]()
    for look, is_so in enumerate(so):
        at = BEGUN + timedelta(seconds=2 * look)
        lines, said = view.news(replace(UNDER_WAY, below=int(is_so)), ONE, said, at)
        times += [2 * look] * len(lines)

    assert all(later - sooner >= 60 for sooner, later in pairwise(times))


@settings(max_examples=100)
@given(st.integers(0, 2**62), st.integers(1, 2**62))
def test_a_hundred_percent_is_said_at_the_end_alone(copied: int, total: int) -> None:
    progress = replace(UNDER_WAY, copied=copied, total=total)

    assert "100%" not in view.beat(progress, ONE, BEGUN)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for case, shown_on in CASES:
        golden(case, shown_on).write_text(SHOWN[shown_on](*SEQUENCES[case]), encoding="utf-8")
