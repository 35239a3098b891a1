"""A run that changes something: who it is, and what Ctrl-C does to it."""

from __future__ import annotations

import getpass
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from types import FrameType

from kafkaops import git, journal
from kafkaops.app import Request
from kafkaops.cluster import PutOff
from kafkaops.findings import Exit, Refusal, Terminated
from kafkaops.git import Repository
from kafkaops.journal import Revision, Runner
from kafkaops.logbook import Caller
from kafkaops.view import human


def caller(request: Request) -> Caller:
    """This very run. Without a journal git is not asked for anything."""
    repository = git.repository(request.topology.root) if request.entry.journals else None
    return Caller(
        id=journal.run_id(request.now, secrets.token_hex(3)),
        runner=runner(os.environ),
        revision=Revision() if repository is None else revision(repository),
        clock=partial(datetime.now, UTC),
        comes_from=lambda commit: repository is None or git.is_ancestor(repository, commit, "HEAD"),
    )


def runner(environ: Mapping[str, str]) -> Runner:
    """In CI whoever has started the job."""
    who = environ.get("GITHUB_ACTOR") or environ.get("GITLAB_USER_LOGIN") or _user()
    url = environ.get("CI_JOB_URL", "")
    if job := environ.get("GITHUB_RUN_ID"):
        url = f"{environ.get('GITHUB_SERVER_URL', '')}/{environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{job}"
    return Runner(who, socket.gethostname(), os.getpid(), url)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())


def revision(repository: Repository) -> Revision:
    """Of the files, if they are as the commit that is checked out has them."""
    head, dirty = git.head(repository), git.dirty(repository)
    try:
        name = git.identity(repository)
    except Refusal as refusal:
        if refusal.exit_code != Exit.USAGE:
            raise
        name = ""  # nothing tells one clone of it from another repository, so nothing is remembered of it
    return Revision(name, None if dirty else head, dirty)


class Interruptions:
    """Ctrl-C and SIGTERM while changes are made: one that comes while a step is under way waits for its end, the next one ends the process at once."""

    def __init__(self) -> None:
        self._under_way = False
        self._asked: KeyboardInterrupt | None = None

    @contextmanager
    def heard(self) -> Iterator[Interruptions]:
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _: FrameType | None) -> None:
        terminated = number == signal.SIGTERM
        if self._asked is not None:
            _say("\nstopped at once: what was under way may be done or not, and the next run looks\n")
            os._exit(Exit.TERMINATED if terminated else Exit.INTERRUPTED)
        self._asked = Terminated() if terminated else KeyboardInterrupt()
        if not self._under_way:
            raise self._asked
        _say("\nstopping after this step; once more stops at once\n")

    @property
    def heard_one(self) -> bool:
        return self._asked is not None

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        self._under_way = True
        try:
            yield
        finally:
            self._under_way = False
        if self._asked is not None:
            raise self._asked

    @contextmanager
    def to_the_end(self) -> Iterator[None]:
        """Of the run itself, when all is done that can be: who asks now hears how it ended."""
        self._under_way = True
        yield


class Waits:
    """Tells of a write that Kafka puts off, once that takes a while, and then now and again; Ctrl-C ends the waiting."""

    def __init__(self, tell: Callable[[str], None], interruptions: Interruptions) -> None:
        self._tell = tell
        self._interruptions = interruptions
        self._next = self._last = 0.0

    def go_on(self, put_off: PutOff) -> bool:
        if put_off.waited < self._last:  # another write
            self._next = 0.0
        self._last = put_off.waited
        if put_off.waited + put_off.seconds >= _A_WHILE_SECONDS and put_off.waited >= self._next:
            self._next = put_off.waited + _EVERY_SECONDS
            self._tell(
                human.waiting_line(
                    put_off.what, put_off.items, put_off.of, put_off.error, put_off.seconds, put_off.waited
                )
            )
        return not self._interruptions.heard_one


_A_WHILE_SECONDS = 2.0
_EVERY_SECONDS = 10.0


def _say(text: str) -> None:
    """Not by way of a stream: that may be in the middle of a line of its own."""
    with suppress(OSError):
        os.write(2, text.encode())
