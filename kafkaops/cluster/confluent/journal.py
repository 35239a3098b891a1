"""A member of the group that is a lock, a writer that is fenced by the next one, and a reader of what is committed.

Ownership is proven by committing an offset: the coordinator takes that only from a member of the group, and gives it a whole session from then on.
So an answer proves what was true when the question left.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import OFFSET_END, Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka import KafkaError as ClientError

from kafkaops.cluster import ClusterFailure, FailureKind
from kafkaops.cluster.journal import TOPIC, Lock, LostError, Record
from kafkaops.cluster.rights import Need, no_right, to_hold, to_look

T = TypeVar("T")
Settings = Mapping[str, str | int | bool]

_SESSION_SECONDS = 6.0  # the shortest that brokers allow unless told otherwise
_HEARTBEAT_SECONDS = 1.0  # also how soon a member learns that another one has joined
_RENEWAL_SECONDS = 1.0
_PROVEN_SECONDS = 4.0  # what is sent then arrives within the session
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 30.0
_TRANSACTION_SECONDS = 10  # what a dead writer leaves open hides what others write after it
_LEAVING_SECONDS = 5.0

# Counts on while the process is stopped, and where there is such a clock while the machine sleeps.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

_NO_RIGHT = frozenset(
    {
        ClientError.GROUP_AUTHORIZATION_FAILED,
        ClientError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
        ClientError.TOPIC_AUTHORIZATION_FAILED,
    }
)
_FENCED = frozenset({ClientError._FENCED, ClientError.INVALID_PRODUCER_EPOCH, ClientError.PRODUCER_FENCED})  # noqa: SLF001  # their public names
_NO_MEMBER = frozenset({ClientError.UNKNOWN_MEMBER_ID, ClientError.FENCED_INSTANCE_ID})


class Member:
    """Of a lock's group. A thread of its own has the consumer from the first moment to the last, so that it answers when others join.

    No other thread may ask the consumer anything: confluent-kafka lets one in only when no other is, so beside a loop of polls it waits for ever (seen).
    """

    def __init__(self, settings: Settings, lock: Lock, client_id: str) -> None:
        self.id = ""  # once the coordinator has given it one
        self._lock = lock
        self._state = threading.Condition()
        self._owns = False
        self._lost = False
        self._refusal: ClientError | None = None
        self._asked_at: float | None = None
        self._proven_at = float("-inf")
        self._polled: list[Callable[[float], object]] = []
        self._consumer = _made(
            Consumer,
            settings,
            {
                "client.id": client_id,
                "group.id": str(lock),
                "group.protocol": "classic",
                "partition.assignment.strategy": "cooperative-sticky",  # by the default one, who comes second takes it away
                "session.timeout.ms": int(_SESSION_SECONDS * 1000),
                "heartbeat.interval.ms": int(_HEARTBEAT_SECONDS * 1000),
                "enable.auto.commit": False,
                "on_commit": self._committed,
            },
        )
        self._consumer.subscribe([TOPIC], on_assign=self._assigned, on_revoke=self._taken, on_lost=self._taken)
        self._thread = threading.Thread(target=self._live, name=str(lock), daemon=True)
        self._thread.start()

    def owns(self, *, within: float) -> bool:
        """Errors: ClusterFailure without the right to the group."""
        with self._state:
            self._state.wait_for(lambda: self._owns or self._refusal, within)
            if self._refusal:
                raise _no_right(self._refusal, "Read", self._lock)
            return self._owns

    def prove(self) -> None:
        deadline = _now() + _PATIENCE_SECONDS
        with self._state:
            while not self._lost and _now() > self._proven_at + _PROVEN_SECONDS:
                if _now() > deadline:
                    sentence = f"for {_PATIENCE_SECONDS:g} s Kafka has not said that this run still holds the lock `{self._lock}`"
                    raise LostError(sentence)
                self._state.wait(_POLL_SECONDS)
            if self._lost:
                raise LostError(f"this run no longer holds the lock `{self._lock}`: Kafka has not heard of it in time")

    def also_poll(self, poll: Callable[[float], object]) -> None:
        self._polled.append(poll)

    def leave(self) -> None:
        with self._state:
            self._lost = True
        self._thread.join(_LEAVING_SECONDS)  # without a coordinator to be told, the session ends by itself

    # ---- in its thread, where every callback is served too

    def _live(self) -> None:
        try:
            while not self._lost:  # a consumer would join again, as if nothing had been
                self._renew()
                self._hear(self._consumer.poll(_POLL_SECONDS))
                self.id = self._consumer.memberid() or self.id
                for poll in self._polled:
                    with suppress(KafkaException):  # which the call that it is about raises too
                        poll(0)
        finally:
            with self._state:
                self._lost = True
            self._consumer.close()

    def _renew(self) -> None:
        with self._state:
            if not self._owns or self._lost or self._asked_at or _now() < self._proven_at + _RENEWAL_SECONDS:
                return
            self._asked_at = _now()
        try:
            self._consumer.commit(offsets=[TopicPartition(TOPIC, 0, 0)], asynchronous=True)
        except KafkaException:
            self._asked_at = None

    def _committed(self, error: ClientError | None, partitions: Sequence[Any]) -> None:
        why = error or next((one.error for one in partitions if one.error), None)
        with self._state:
            if why is None and self._asked_at is not None:
                self._proven_at = self._asked_at
            if why is not None and why.code() in _NO_MEMBER:
                self._lost = True
            self._asked_at = None
            self._state.notify_all()

    def _assigned(self, consumer: Any, partitions: Sequence[Any]) -> None:
        """Nothing is read by this consumer."""
        if partitions:
            consumer.incremental_assign([TopicPartition(TOPIC, 0, OFFSET_END)])
            consumer.pause([TopicPartition(TOPIC, 0)])
            with self._state:
                self._owns = True
                self._state.notify_all()

    def _taken(self, _: Any, partitions: Sequence[Any]) -> None:
        with self._state:
            self._lost = self._lost or bool(partitions)
            self._state.notify_all()

    def _hear(self, message: Any) -> None:
        error = None if message is None else message.error()
        if error and error.code() in _NO_RIGHT:
            with self._state:
                self._refusal = error
                self._state.notify_all()


class Writer:
    """Whoever makes one fences the one before, so it is made by the owner of the lock."""

    def __init__(self, settings: Settings, lock: Lock, client_id: str, member: Member) -> None:
        self._lock = lock
        ours = {
            "client.id": client_id,
            "transactional.id": str(lock),
            "transaction.timeout.ms": _TRANSACTION_SECONDS * 1000,
            "socket.timeout.ms": min(int(settings["socket.timeout.ms"]), _TRANSACTION_SECONDS * 1000),  # else refused
            "linger.ms": 0,
        }
        self._producer = _made(Producer, settings, ours)
        member.also_poll(self._producer.poll)  # a token to log in with may have to be renewed
        with self._told("be taken over"):
            _insisting(self._producer.init_transactions)

    def write(self, records: Sequence[Record]) -> None:
        """Errors: LostError when another one writes now."""
        with self._told("be written"):
            self._producer.begin_transaction()
            try:
                for record in records:
                    value = None if record.value is None else record.value.encode()
                    self._producer.produce(TOPIC, key=record.key.encode(), value=value, partition=0)
                _insisting(self._producer.commit_transaction)
            except KafkaException as error:
                if error.args[0].txn_requires_abort():
                    _insisting(self._producer.abort_transaction)
                raise

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            why = error.args[0]
            if why.code() in _FENCED:
                raise LostError(f"another run has taken over the lock `{self._lock}`") from error
            if why.code() in _NO_RIGHT:
                raise _no_right(why, "Write", self._lock) from error
            sentence = f"the journal `{TOPIC}` cannot {what}: {why.str()}"
            raise ClusterFailure(FailureKind.UNREACHABLE, sentence) from error


def committed(settings: Settings, lock: Lock, *, until: int) -> Iterator[Record]:
    """In order, up to that offset at least. Errors: ClusterFailure, also when somebody's transaction stays open before it."""
    ours = {
        "group.id": str(lock),  # a name that it must have; it joins nothing
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 10,
    }
    reader = _made(Consumer, settings, ours)
    try:
        first, _ = _insisting(partial(reader.get_watermark_offsets, TopicPartition(TOPIC, 0)))
        reader.assign([TopicPartition(TOPIC, 0, first)])
        yield from _read(reader, until)
    except KafkaException as error:
        if error.args[0].code() == ClientError.TOPIC_AUTHORIZATION_FAILED:
            raise no_right(Need("Topic", TOPIC, ("Read",)), to_look()) from error
        sentence = f"the journal `{TOPIC}` cannot be read: {error.args[0].str()}"
        raise ClusterFailure(FailureKind.UNREACHABLE, sentence) from error
    finally:
        reader.close()


def _read(reader: Any, until: int) -> Iterator[Record]:
    deadline = _now() + _PATIENCE_SECONDS
    while _now() < deadline:
        message = reader.poll(_POLL_SECONDS)
        error = None if message is None else message.error()
        if error and error.code() == ClientError.TOPIC_AUTHORIZATION_FAILED:
            raise KafkaException(error)
        if error and error.code() == ClientError._PARTITION_EOF and message.offset() >= until:  # noqa: SLF001  # its public name
            return
        if message is not None and not error:  # a tombstone has the length 0, and so is false
            deadline = _now() + _PATIENCE_SECONDS
            yield _record(message)
    sentence = f"the journal `{TOPIC}` could not be read to its end: nothing new came for {_PATIENCE_SECONDS:g} s"
    raise ClusterFailure(FailureKind.UNREACHABLE, sentence)


def _record(message: Any) -> Record:
    value = message.value()
    return Record(
        (message.key() or b"").decode(errors="replace"), None if value is None else value.decode(errors="replace")
    )


def _no_right(error: ClientError, operation: str, lock: Lock) -> ClusterFailure:
    resource = {
        ClientError.GROUP_AUTHORIZATION_FAILED: "Group",
        ClientError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "TransactionalId",
    }.get(error.code(), "Topic")
    return no_right(Need(resource, TOPIC if resource == "Topic" else lock, (operation,)), to_hold(lock))


def _insisting(act: Callable[[float], T]) -> T:
    """Again while librdkafka says that a second try may do."""
    deadline = _now() + _PATIENCE_SECONDS
    while True:
        try:
            return act(max(0.1, deadline - _now()))
        except KafkaException as error:
            if not error.args[0].retriable() or _now() > deadline:
                raise


def _made(client: Callable[..., Any], settings: Settings, ours: Mapping[str, object]) -> Any:
    try:
        return client({**settings, **ours}, logger=_silent())
    except KafkaException as error:
        sentence = f"the client cannot be made: {error.args[0].str()}"
        raise ClusterFailure(FailureKind.UNREACHABLE, sentence) from error


def _silent() -> logging.Logger:
    """Keeps librdkafka's log off stderr: what matters of it comes as an error too."""
    logger = logging.Logger(__name__)  # noqa: LOG001  # without parents, nothing of it reaches stderr
    logger.addHandler(logging.NullHandler())
    return logger


def _now() -> float:
    return time.clock_gettime(_CLOCK)
