"""What a controller does with the replicas of one partition, told apart by version: reassignments, their ends and undoings, elections.

Sources: `ReplicationControlManager`, `PartitionChangeBuilder`, `PartitionReassignmentReplicas` and `-Revert` for KRaft, `ReplicaAssignment` for ZooKeeper; seen on 3.5 with ZooKeeper,
3.9 and 4.4. What 3.5 to 3.8 do with KRaft, and 4.2 and 4.3, is from their sources or taken to be as the next version that was seen.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kafkaops.cluster import KafkaError
from kafkaops.cluster.rules import Version

_RELAXED = (4, 2)  # KAFKA-19975: what was kept need not be in sync
_STRICT = (3, 9)  # what is leaving again counts no more
_GUARDED = (4, 1)  # KIP-860
_NO_LAST_IN_SYNC = (4, 0)  # KIP-966: a partition without a live replica in sync has none in sync at all
_NOTHING_TO_CANCEL = "NO_REASSIGNMENT_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Mode:
    version: Version
    zookeeper: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Of one partition. `leader` None: the first in sync. `behind`: what each replica has, in bytes, that is not in sync."""

    replicas: tuple[int, ...]
    adding: tuple[int, ...] = ()
    removing: tuple[int, ...] = ()
    leader: int | None = None
    behind: Mapping[int, int] = field(default_factory=dict)

    @property
    def moves(self) -> bool:
        return bool(self.adding or self.removing)


def altered(
    held: Held, target: tuple[int, ...], isr: Collection[int], mode: Mode, *, resize: bool
) -> Held | KafkaError:
    shall = len(held.replicas) - len(held.removing)
    if not resize and len(target) != shall and mode.version >= _GUARDED:
        return KafkaError(
            "INVALID_REPLICATION_FACTOR", f"The replication factor is changed from {shall} to {len(target)}"
        )
    return ended(_towards(held, target, mode), isr, mode)


def _towards(held: Held, target: tuple[int, ...], mode: Mode) -> Held:
    """KRaft takes what an earlier move was adding for what is there, and leaves the old lists in place where the new ones would be empty."""
    there = _without(held.replicas, held.adding) if mode.zookeeper else held.replicas
    replicas = (*target, *_without(there if mode.zookeeper else sorted(there), target))
    adding, removing = _without(replicas, there), _without(replicas, target)
    if not mode.zookeeper:
        adding, removing = tuple(sorted(adding)) or held.adding, removing or held.removing
    behind = {one: held.behind.get(one, 0) for one in replicas if one in held.behind or one not in held.replicas}
    return Held(replicas, adding, removing, held.leader, behind)


def cancelled(held: Held, isr: Collection[int], mode: Mode, name: str) -> Held | KafkaError:
    if not held.moves:
        return KafkaError(_NOTHING_TO_CANCEL, "No partition reassignment is in progress." if mode.zookeeper else "")
    left = _without(held.replicas, held.adding)
    if not set(left) & set(isr) and mode.version >= _NO_LAST_IN_SYNC:
        reason = (
            f"Unable to revert partition assignment for {name} because it would require an unclean leader election."
        )
        return KafkaError("INVALID_REPLICA_ASSIGNMENT", reason)
    return _of(left, held, isr)


def ended(held: Held, isr: Collection[int], mode: Mode) -> Held:
    """As it is, or without those that were to leave once enough of the others are in sync."""
    target = _without(held.replicas, held.removing)
    if not held.moves or not _awaited(held, target, mode) <= set(isr) - set(held.removing):
        return held
    return _of(target, held, isr)


def _awaited(held: Held, target: tuple[int, ...], mode: Mode) -> set[int]:
    if mode.zookeeper or _STRICT <= mode.version < _RELAXED:
        return set(target)
    if mode.version >= _RELAXED:
        return set(held.adding or target)
    return {*target, *held.adding}


def _of(replicas: tuple[int, ...], held: Held, isr: Collection[int]) -> Held:
    """At rest. Who leads stays, if it stays at all."""
    leader = held.leader if held.leader in replicas else next((one for one in replicas if one in isr), None)
    return Held(replicas, leader=leader, behind={one: size for one, size in held.behind.items() if one in replicas})


def elected(held: Held, isr: Collection[int], *, leader: int, mode: Mode, name: str) -> Held | KafkaError:
    first = held.replicas[0]
    if leader == first:
        return held  # ELECTION_NOT_NEEDED, which the door takes for done
    if first not in isr:
        reason = f"Failed to elect leader for partition {name} under strategy PreferredReplicaPartitionLeaderElectionStrategy"
        return KafkaError(
            "PREFERRED_LEADER_NOT_AVAILABLE", reason if mode.zookeeper else "The preferred leader was not available."
        )
    return replace(held, leader=first)


def why_bad_with_zookeeper(replicas: Sequence[int], held: Held, live: Sequence[int]) -> str | None:
    """For KRaft a broker that is down will be back; for ZooKeeper there is no such broker, but for what it holds already."""
    if not replicas:
        return "Empty replica list specified in partition reassignment."
    if len(set(replicas)) < len(replicas):
        return f"Duplicate replica ids in partition reassignment replica list: ArrayBuffer({_listed(replicas)})"
    if unknown := [broker for broker in replicas if broker not in (*live, *held.replicas)]:
        return f"Replica assignment has brokers that are not alive. Replica list: ArrayBuffer({_listed(unknown)}), live broker list: Set({_listed(live)})"
    return None


def _listed(brokers: Sequence[int]) -> str:
    return ", ".join(map(str, brokers))


def _without(replicas: Sequence[int], others: Collection[int]) -> tuple[int, ...]:
    return tuple(one for one in replicas if one not in others)
