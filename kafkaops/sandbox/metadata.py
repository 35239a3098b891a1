"""What one broker, and no other, says about the cluster: Kafka's Metadata request, version 2, over a plain socket.

Neither Python client's public API lets its user choose the broker that answers.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from struct import Struct, pack
from typing import TYPE_CHECKING, TypeVar

from kafkaops.sandbox.nodes import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

METADATA, VERSION = 3, 2
ALL_TOPICS = -1
T = TypeVar("T")
SHORT, INT, BOOL = Struct(">h"), Struct(">i"), Struct(">?")


@dataclass(frozen=True, slots=True)
class View:
    cluster_id: str
    brokers: frozenset[int]
    in_sync: dict[str, frozenset[int]]  # by topic: the brokers that are in sync with every partition of it


def ask(port: int) -> View | None:
    """None while nobody answers there."""
    try:
        with socket.create_connection((HOST, port), timeout=5) as connection:
            connection.sendall(_sized(pack(">hhih", METADATA, VERSION, 0, -1) + INT.pack(ALL_TOPICS)))
            (size,) = INT.unpack(_receive(connection, INT.size))
            return _view(_Reader(_receive(connection, size)))
    except OSError:
        return None


def _sized(data: bytes) -> bytes:
    return INT.pack(len(data)) + data


def _receive(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("the broker hung up")
        data += part
    return data


class _Reader:
    """Kafka's primitive types, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = INT.size  # after the correlation id

    def number(self, kind: Struct) -> int:
        (value,) = kind.unpack_from(self._data, self._at)
        self._at += kind.size
        return int(value)

    def text(self) -> str:
        """Null is read as empty."""
        size = max(0, self.number(SHORT))
        self._at += size
        return self._data[self._at - size : self._at].decode()

    def array(self, read: Callable[[_Reader], T]) -> list[T]:
        return [read(self) for _ in range(self.number(INT))]


def _view(reader: _Reader) -> View:
    brokers = frozenset(reader.array(_broker))
    cluster_id = reader.text()
    reader.number(INT)  # the controller
    return View(cluster_id, brokers, dict(reader.array(_topic)))


def _broker(reader: _Reader) -> int:
    number = reader.number(INT)
    reader.text(), reader.number(INT), reader.text()  # host, port, rack
    return number


def _topic(reader: _Reader) -> tuple[str, frozenset[int]]:
    reader.number(SHORT)  # an error, with which there are no partitions
    name = reader.text()
    reader.number(BOOL)  # internal
    partitions = reader.array(_partition)
    return name, frozenset.intersection(*partitions) if partitions else frozenset()


def _partition(reader: _Reader) -> frozenset[int]:
    reader.number(SHORT), reader.number(INT), reader.number(INT)  # error, partition, leader
    reader.array(_int)  # replicas
    return frozenset(reader.array(_int))


def _int(reader: _Reader) -> int:
    return reader.number(INT)
