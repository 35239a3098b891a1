"""A big topology: 20 files, each with its share of the topics, and of applications that write and read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FILES = 20
TOPICS_OF_AN_APPLICATION = 5

SETTINGS = """\
version: 1
profiles:
  events: {partitions: 3, replication-factor: 1}
clusters:
  bench:
    bootstrap-servers: [127.0.0.1:9092]
    authorizer:
      super-users: [User:admin, User:ANONYMOUS]
      allow-everyone: false
      principal: User:admin
      brokers: [User:ANONYMOUS]
policy:
  lint: {replication-below-3: off}
"""


def write(folder: Path, *, topics: int, changed: int = 0) -> Path:
    """`changed`: how many topics, evenly over all, have another retention; half of them a shorter one."""
    folder.mkdir()
    folder.joinpath("kafkaops.yaml").write_text(SETTINGS, encoding="utf-8")
    every = topics // changed if changed else 0
    for number in range(FILES):
        lines = _file(number, range(number, topics, FILES), every)
        folder.joinpath(f"domain{number:02}.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def _file(number: int, topics: range, every: int) -> Iterator[str]:
    domain = f"domain{number:02}"
    names = [f"{domain}.entity{topic:05}.changed.v1" for topic in topics]
    yield f"domain: {domain}"
    yield f"owner: team-{domain}"
    yield "topics:"
    for topic, name in zip(topics, names, strict=True):
        yield from _topic(name, _retention(topic, every))
    yield "applications:"
    for first in range(0, len(names), TOPICS_OF_AN_APPLICATION):
        yield from _application(f"{domain}-service{first:05}", names[first : first + TOPICS_OF_AN_APPLICATION])


def _retention(topic: int, every: int) -> str:
    if not every or topic % every:
        return "7d"
    return "6d" if topic // every % 2 else "8d"


def _topic(name: str, retention: str) -> Iterator[str]:
    yield f"  {name}:"
    yield "    profile: events"
    yield "    description: something of the entity changed"
    yield "    key: entity-id"
    yield f"    retention-ms: {retention}"
    yield "    segment-ms: 1d"
    yield "    compression-type: lz4"


def _application(name: str, topics: list[str]) -> Iterator[str]:
    listed = ", ".join(topics)
    yield f"  {name}:"
    yield f"    produces: [{listed}]"
    yield "    consumes:"
    yield f"      - {{topics: [{listed}], group: {name}}}"
