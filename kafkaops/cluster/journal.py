"""The lock that a run holds, and the log that outlives it. Both stand on one topic of the cluster itself (decisions 21).

Whoever owns the topic's only partition in the consumer group of a lock holds that lock; its records are written under the transactional id of the same name.
So Kafka frees a lock by itself when its holder dies, and fences a holder that comes back after another one took over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

TOPIC = "_kafkaops.journal"


class Lock(StrEnum):
    """By the name of its consumer group, which is its transactional id too."""

    APPLY = "kafkaops.apply"
    MOVE = "kafkaops.move"


@dataclass(frozen=True, slots=True)
class Record:
    """`value` None: nothing is to be known of the key any more."""

    key: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Holder:
    """As DescribeGroups shows it; `client_id` is what it gave to `acquire`."""

    client_id: str
    host: str
    member_id: str


class BusyError(Exception):
    """Another run has the lock. `holder` None: it changed hands while we looked."""

    def __init__(self, lock: Lock, holder: Holder | None) -> None:
        super().__init__(f"{lock} is held by {holder.client_id if holder else 'another run'}")
        self.lock = lock
        self.holder = holder


class LostError(Exception):
    """Ownership of a lock could not be proven in time, or is another's: nothing was sent."""


class Journal(Protocol):
    """Every call raises `ClusterFailure`: UNREACHABLE, or REFUSED with the ACLs that are missing."""

    def read(self) -> tuple[Record, ...] | None:
        """What is committed: the last record of each key, in the order in which they were written, without those that are gone. None: there is no topic."""
        ...

    def holder(self, lock: Lock) -> Holder | None: ...

    def acquire(self, lock: Lock, client_id: str) -> Held:
        """Creates the topic where it is missing. Errors: BusyError."""
        ...


class Held(Protocol):
    """A lock that is ours until it is released, or lost. One thread at a time."""

    def prove(self) -> None:
        """Errors: LostError, unless ownership was proven within the last seconds, or is now."""
        ...

    def append(self, records: Sequence[Record]) -> None:
        """All of them or none, committed when it returns. Errors: LostError; ClusterFailure when it is not known whether they are there."""
        ...

    def release(self) -> None:
        """The next one has it at once. Nothing is raised for what is lost already."""
        ...


def newest(records: Sequence[Record]) -> tuple[Record, ...]:
    """The last of each key, in the order in which those stand, without tombstones: as if the log were compacted."""
    last = {record.key: number for number, record in enumerate(records)}
    return tuple(
        record for number, record in enumerate(records) if last[record.key] == number and record.value is not None
    )
