"""The ACLs that the journal needs, and the sentence for one that is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kafkaops.access import AclBinding
from kafkaops.cluster import ClusterFailure, FailureKind
from kafkaops.cluster.journal import TOPIC, Lock

_WORDS = {"Topic": "topic", "Group": "group", "TransactionalId": "transactional id"}


@dataclass(frozen=True, slots=True)
class Need:
    resource: str
    name: str
    operations: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.operations)} on the {_WORDS[self.resource]} `{self.name}`"


def to_look() -> Iterator[Need]:
    """For history, and for who holds a lock."""
    yield Need("Topic", TOPIC, ("Describe", "Read"))
    yield from (Need("Group", lock, ("Describe",)) for lock in Lock)


def to_hold(lock: Lock) -> Iterator[Need]:
    yield Need("Topic", TOPIC, ("Create", "Describe", "DescribeConfigs", "Read", "Write"))
    yield Need("Group", lock, ("Describe", "Read"))
    yield Need("TransactionalId", lock, ("Describe", "Write"))


def bindings(principal: str, needs: Iterable[Need]) -> Iterator[AclBinding]:
    for need in needs:
        for operation in need.operations:
            yield AclBinding(principal, "Allow", operation, need.resource, "Literal", need.name)


def no_right(missing: Need, needs: Iterable[Need]) -> ClusterFailure:
    """`needs`: all that whoever was refused asks for, so that they are granted at once."""
    sentence = f"no {missing}, without which there is neither lock nor journal"
    help_ = (
        f"allow {'; '.join(map(str, needs))} (`kafkaops doctor` prints the commands),"
        " or write `journal: off` below the cluster to go on without lock, history, undo and resume"
    )
    return ClusterFailure(FailureKind.NO_JOURNAL, sentence, help=help_)
