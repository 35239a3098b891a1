"""The journal of a cluster in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kafkaops.cluster import ClusterFailure
from kafkaops.cluster.journal import BusyError, Holder, Lock, LostError, Record, newest


@dataclass(slots=True)
class SnapshotJournal:
    """Another holder is played by `acquire`, one that hangs by `expire`, and one that was killed by `copy`.

    committed  every record in order; None: there is no topic
    refusal    what every call answers instead
    hook       is given the records right before they are committed, and raises what a crash there would
    """

    committed: tuple[Record, ...] | None = None
    refusal: ClusterFailure | None = None
    hook: Callable[[Sequence[Record]], None] | None = None
    _owners: dict[Lock, SnapshotHeld] = field(default_factory=dict)
    _members: int = 0

    def copy(self) -> SnapshotJournal:
        """What is left when nobody lives who held a lock."""
        return SnapshotJournal(self.committed)

    def expire(self, lock: Lock) -> None:
        """What Kafka does to a holder that it has not heard of for as long as a session lasts."""
        self._owners.pop(lock, None)

    def read(self) -> tuple[Record, ...] | None:
        self._reach()
        return None if self.committed is None else newest(self.committed)

    def holder(self, lock: Lock) -> Holder | None:
        self._reach()
        owner = self._owners.get(lock)
        return owner.holder if owner else None

    def acquire(self, lock: Lock, client_id: str) -> SnapshotHeld:
        self._reach()
        if lock in self._owners:
            raise BusyError(lock, self._owners[lock].holder)
        self._members += 1
        held = SnapshotHeld(self, lock, Holder(client_id, "127.0.0.1", f"{client_id}-{self._members}"))
        self._owners[lock] = held
        self.committed = self.committed or ()
        return held

    def owns(self, held: SnapshotHeld) -> bool:
        return self._owners.get(held.lock) is held

    def _reach(self) -> None:
        if self.refusal:
            raise self.refusal


@dataclass(frozen=True, slots=True, eq=False)
class SnapshotHeld:
    journal: SnapshotJournal
    lock: Lock
    holder: Holder

    def prove(self) -> None:
        if not self.journal.owns(self):
            raise LostError(f"{self.lock} is not ours any more")

    def append(self, records: Sequence[Record]) -> None:
        self.prove()
        if self.journal.hook:
            self.journal.hook(records)
        self.journal.committed = (*(self.journal.committed or ()), *records)

    def release(self) -> None:
        if self.journal.owns(self):
            self.journal.expire(self.lock)
