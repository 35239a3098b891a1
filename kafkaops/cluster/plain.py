"""A cluster written down: the `live:` block of a case file, as plain data.

    kafka: "4.4"                        # and cluster-id, authorizer: true, zookeeper: false
    brokers: 3                          # or a list of {id: 1, rack: a, settings: {log.retention.ms: "1"}}
    down: [3]
    broker: {log.retention.ms: "1"}     # static settings of every broker
    topics:
      order.created.v1: {partitions: 12, replication: 3, config: {retention.ms: "1"}, bytes: 0, id: ...}  # bytes in all, or a list for each partition
      user.created.v1: {assignment: [[1, 2], [2, 3]]}
    hidden: [payment.created.v1]        # no right to DESCRIBE
    reassigning: [user.created.v1]
    operations: [Describe, Alter]       # our rights on the cluster; left out: all
    acls:
      - "User:a allow Read topic literal order.x from *"

It holds what a broker may hold, settings of an older Kafka included, so settings are not judged here. Every other mistake is a `Malformed` that names its key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kafkaops.cluster import AclBinding, Broker
from kafkaops.cluster.rules import OPERATIONS
from kafkaops.cluster.snapshot import Assignment, SnapshotCluster, SnapshotTopic, numbered_brokers, spread, topic_id

T = TypeVar("T")

_ACL = re.compile(
    r"(?P<principal>.*?) (?P<permission>allow|deny) (?P<operation>\w+|Unknown\(\d+\)) "
    r"(?P<resource>[a-z-]+) (?P<pattern>literal|prefixed) (?P<name>.+) from (?P<host>\S+)"
)
_RESOURCES = {
    "topic": "Topic",
    "group": "Group",
    "cluster": "Cluster",
    "transactional-id": "TransactionalId",
    "delegation-token": "DelegationToken",
    "user": "User",
}


class Malformed(ValueError):  # noqa: N818  # reads as the sentence it stands for
    """The plain data is not of the format above."""


def cluster(block: Mapping[str, object]) -> SnapshotCluster:
    given = _block(
        "live",
        block,
        "kafka cluster-id authorizer zookeeper brokers down broker topics hidden reassigning operations acls",
    )
    brokers, settings_of = _brokers(given)
    down = given.list_of("down", int)
    made = SnapshotCluster(
        _topics(given.mapping("topics"), [broker.id for broker in brokers]),
        [acl(text) for text in given.list_of("acls", str)],
        cluster_id=given.get("cluster-id", str, "snapshot-cluster-0001A"),
        brokers=brokers,
        down=down,
        kafka_version=given.get("kafka", str, "4.4"),
        zookeeper=given.get("zookeeper", bool, default=False),
        authorizer=given.get("authorizer", bool, default=True),
        settings=given.texts("broker"),
        settings_of=settings_of,
    )
    made.hidden = frozenset(given.list_of("hidden", str))
    made.moving = frozenset(given.list_of("reassigning", str))
    if "operations" in block:
        made.operations = frozenset(given.list_of("operations", str))
    return made


def acl(text: str) -> AclBinding:
    """`User:a allow Read topic literal order.x from *`."""
    match = _ACL.fullmatch(text)
    if match is None or match["resource"] not in _RESOURCES or not _known_operation(match["operation"]):
        raise Malformed(f"`{text}` is not an ACL: write one like `User:a allow Read topic literal order.x from *`")
    return AclBinding(
        principal=match["principal"],
        permission=match["permission"].title(),
        operation=match["operation"],
        resource_type=_RESOURCES[match["resource"]],
        pattern=match["pattern"].title(),
        name=match["name"],
        host=match["host"],
    )


def _known_operation(word: str) -> bool:
    return word in OPERATIONS or word.startswith("Unknown(")


def _brokers(given: _Block) -> tuple[Sequence[Broker], Mapping[int, Mapping[str, str]]]:
    if isinstance(given.values.get("brokers", 3), int):
        return numbered_brokers(given.get("brokers", int, 3)), {}
    blocks = [_block("live.brokers", one, "id rack settings") for one in given.list_of("brokers", dict)]
    brokers = [_broker(block.get("id", int), block) for block in blocks]
    return brokers, {broker.id: block.texts("settings") for broker, block in zip(brokers, blocks, strict=True)}


def _broker(number: int, block: _Block) -> Broker:
    return Broker(number, f"broker-{number}", 9092, block.get("rack", str) if "rack" in block.values else None)


def _topics(blocks: Mapping[str, object], brokers: Sequence[int]) -> dict[str, SnapshotTopic]:
    known = "partitions replication config bytes id assignment"
    return {
        name: _topic(_block(f"live.topics.{name}", block, known), number, brokers)
        for number, (name, block) in enumerate(blocks.items())
    }


def _topic(block: _Block, number: int, brokers: Sequence[int]) -> SnapshotTopic:
    assignment = _written(block) if "assignment" in block.values else _round_robin(block, number, brokers)
    sizes = _sizes(block, len(assignment)) if "bytes" in block.values else ()
    return SnapshotTopic(block.get("id", str, topic_id(number)), assignment, block.texts("config"), sizes)


def _sizes(block: _Block, partitions: int) -> tuple[int, ...]:
    """One figure for all, spread evenly, or one for each partition."""
    if isinstance(block.values["bytes"], list):
        sizes = tuple(block.list_of("bytes", int))
        if len(sizes) != partitions:
            raise Malformed(f"{block.where}.bytes: {len(sizes)} figures for {partitions} partitions")
        return sizes
    share, rest = divmod(block.get("bytes", int), partitions)
    return tuple(share + (number < rest) for number in range(partitions))


def _written(block: _Block) -> Assignment:
    rows = block.list_of("assignment", list)
    return tuple(tuple(_typed(f"{block.where}.assignment", broker, int) for broker in row) for row in rows)


def _round_robin(block: _Block, number: int, brokers: Sequence[int]) -> Assignment:
    """Over all brokers, down ones too: the topic is older than their fall."""
    replication = block.get("replication", int, 1)
    if replication > len(brokers):
        raise Malformed(f"{block.where}.replication: {replication} replicas need as many brokers, not {len(brokers)}")
    return spread(block.get("partitions", int, 1), replication, brokers, (), number)


@dataclass(frozen=True, slots=True)
class _Block:
    where: str
    values: Mapping[str, object]

    def get(self, key: str, kind: type[T], default: T | None = None) -> T:
        return _typed(f"{self.where}.{key}", self.values.get(key, default), kind)

    def list_of(self, key: str, kind: type[T]) -> list[T]:
        values = _typed(f"{self.where}.{key}", self.values.get(key, []), list)
        return [_typed(f"{self.where}.{key}", value, kind) for value in values]

    def mapping(self, key: str) -> Mapping[str, object]:
        return _typed(f"{self.where}.{key}", self.values.get(key, {}), dict)

    def texts(self, key: str) -> dict[str, str]:
        return {name: _typed(f"{self.where}.{key}.{name}", text, str) for name, text in self.mapping(key).items()}


def _block(where: str, values: object, known: str) -> _Block:
    block = _typed(where, values, dict)
    unknown = [key for key in block if key not in known.split()]
    if unknown:
        raise Malformed(f"{where}: there is no `{unknown[0]}`: write one of {known}")
    return _Block(where, block)


def _typed(where: str, value: object, kind: type[T]) -> T:
    """Exactly of this type: `true` is no number, and 604800000 no text."""
    if type(value) is not kind:
        raise Malformed(f"{where}: `{value}` is not of type {kind.__name__}")
    return value
