"""How far the copies are: what whoever watches is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kafkaops.placement.model import PartitionId


class Ended(StrEnum):
    DONE = "done"
    INCOMPLETE = "incomplete"  # some could not be moved; the others were


@dataclass(frozen=True, slots=True)
class Copying:
    """One partition in flight. `share`: of its copy, 0 to 1; `quiet`: seconds without a byte more."""

    partition: PartitionId
    share: float
    quiet: float
    onto: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """At one look. Bytes are about; `rate`: bytes per second, over about a minute; `left`: seconds, None: not known.

    done, waiting  how many partitions are where they shall be, and how many are where they were and not given up
    held           why some of those that wait do not begin, and how many: a broker that is down, replicas that are not in sync, the window
    below          partitions of the moved topics that have fewer replicas in sync than `min.insync.replicas`
    slowest        the broker on which most is left to copy
    throttle       bytes per second and broker, where one is set for the copies; `lent`: how many settings are on for it
    failed         what is given up, and why
    ended          None: it goes on
    """

    total: int
    copied: int
    rate: float
    left: float | None
    partitions: int
    done: int
    waiting: int
    copying: tuple[Copying, ...] = ()
    held: tuple[tuple[str, int], ...] = ()
    below: int = 0
    slowest: int | None = None
    throttle: int | None = None
    lent: int = 0
    failed: tuple[tuple[PartitionId, str], ...] = ()
    told: tuple[str, ...] = ()
    ended: Ended | None = None

    @property
    def share(self) -> float:
        return 1.0 if self.total == 0 else min(self.copied / self.total, 1.0)
