"""What a mover is given, what it sees, and what it tells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kafkaops.cluster import Reassignment, TopicPartition
from kafkaops.moving.path import Replicas
from kafkaops.plan import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How much at once, and how long without any progress.

    per_broker  copies that a broker gives or takes at once
    in_all      copies at once in the cluster
    slow        seconds after which it is said that a copy makes no progress
    stall       seconds after which such a copy is taken back
    settle      seconds for which brokers may still show what is over, or not yet show what has begun
    quiet       polls without trouble after which one more copy at once is tried
    reserve     bytes that stay free in each log directory, by broker
    """

    per_broker: int = 3
    in_all: int = 100
    slow: float = 300.0
    stall: float = 900.0
    settle: float = 10.0
    quiet: int = 3
    reserve: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One partition, as all live brokers agree on it. `topic_id`: of which topic of that name."""

    topic_id: str
    replicas: Replicas
    isr: frozenset[int]
    leader: int  # -1: none


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The cluster at one moment.

    at        seconds on a clock that only counts
    partitions  those of our moves: None where the topic is gone; left out where the brokers do not agree yet
    has       bytes of each replica that we asked for: (partition, broker)
    room      bytes that are free in the fullest log directory of a broker; left out where it is not told
    cordoned  brokers of which a directory takes nothing new
    weak      partitions of others that have fewer replicas in sync than they should
    """

    at: float
    live: frozenset[int]
    listed: Mapping[TopicPartition, Reassignment]
    partitions: Mapping[TopicPartition, Seen | None]
    has: Mapping[tuple[TopicPartition, int], int] = field(default_factory=dict)
    room: Mapping[int, int] = field(default_factory=dict)
    cordoned: frozenset[int] = frozenset()
    weak: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one move. `code`: of the finding that explains it."""

    key: TopicPartition
    result: Result
    message: str = ""
    code: str = ""


class Happening(StrEnum):
    STARTED = "started"
    DONE = "done"
    SLOW = "slow"
    HELD_BACK = "held back"
    TAKING_BACK = "taking back"
    STOPPED = "stopped"
    FEWER = "fewer at once"
    MORE = "more at once"


@dataclass(frozen=True, slots=True)
class News:
    """Something that people should read once. `key` None: it is about all of it."""

    what: Happening
    key: TopicPartition | None = None
    message: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Orders:
    """What is to be asked of the cluster now. `starts` and `returns`: the replicas of each; None cancels."""

    starts: Mapping[TopicPartition, Replicas] = field(default_factory=dict)
    returns: Mapping[TopicPartition, Replicas | None] = field(default_factory=dict)
    elect: tuple[TopicPartition, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """`bytes`: copied of `bytes_in_all`, which is what was planned: what a replica ends up with may be more or less."""

    moves: int
    done: int
    stopped: int
    copying: tuple[Copying, ...]
    bytes: int
    bytes_in_all: int
    at_once: int


@dataclass(frozen=True, slots=True)
class Copying:
    """One copy that is on its way."""

    key: TopicPartition
    broker: int
    bytes: int
    bytes_in_all: int
    since: float  # of its last progress
