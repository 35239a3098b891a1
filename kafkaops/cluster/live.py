"""A cluster of real brokers: which broker is asked, in what portions, and when again; what is asked stands in `protocol`.

A write goes out once. A second try is made only for what a broker put off (NOT_CONTROLLER, a quota) and for what certainly never left.
Importing this module loads both Kafka clients: import it where you connect.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from kafkaops.cluster import (
    AclBinding,
    AlterBroker,
    AlterTopic,
    Broker,
    ClusterFailure,
    ConfigEntry,
    Description,
    FailureKind,
    KafkaError,
    LogDir,
    MorePartitions,
    NewTopic,
    PutOff,
    Reassignment,
    TopicPartition,
    TopicView,
    protocol,
)
from kafkaops.cluster.agreement import on_all
from kafkaops.cluster.confluent import greeting
from kafkaops.cluster.journal import LostError
from kafkaops.cluster.live_journal import LiveJournal
from kafkaops.cluster.properties import ClientConfig
from kafkaops.cluster.properties.oauth import TokenError, TokenSource
from kafkaops.cluster.protocol import Ask, Connections, NotSentError, Told, UnansweredError

Key = TypeVar("Key")
Item = TypeVar("Item")
T = TypeVar("T")

# What one request may hold. Kafka refuses 10,000 records or partitions; deleting ACLs costs the controller filters times ACLs.
_TOPICS, _PARTITIONS, _RECORDS = 250, 5_000, 9_000
_READ_TOPICS, _ACLS, _ACL_FILTERS, _MOVES = 500, 1_000, 100, 500

_IN_FLIGHT = 3  # a fourth request only waits: one core decodes the answers of two or three brokers
_BROKER_SHARE = 0.8  # of the time-out, so that a broker that gives up can still say so

# An item that was put off is sent again, for as long as some item gets through at least this often: beside the time that Kafka wants us to wait, twice.
_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 1.0
_RETRY_SECONDS = 0.2
_SAMPLE_SECONDS = 2.0
_NOT_CONTROLLER = "NOT_CONTROLLER"
_LOST = "TIMED_OUT"
# Older brokers leave the log dirs empty instead of refusing.
_NO_LOG_DIRS = KafkaError("CLUSTER_AUTHORIZATION_FAILED", "log dirs need Describe on the cluster")
_LOST_IN_A_ROW = 2  # then the rest is not sent: nobody is there to answer


def connect(config: ClientConfig, *, timeout: float, expected_cluster_id: str | None = None) -> LiveCluster:
    """`timeout` in seconds, for the greeting and then for each request. WRONG_CLUSTER before anything but the cluster's id is asked."""
    _ask_for_a_token(config)
    tls = config.kafka_python.get("ssl_context")
    greeted = greeting.greet(config.confluent, timeout=timeout, tls=tls if isinstance(tls, ssl.SSLContext) else None)
    if expected_cluster_id not in {None, greeted.cluster_id}:
        raise protocol.wrong_cluster(config.bootstrap_servers[0], str(expected_cluster_id), greeted.cluster_id)
    settings = {**config.kafka_python, "bootstrap_servers": list(greeted.brokers)}
    connections = Connections(settings, cluster_id=greeted.cluster_id, timeout=timeout)
    try:
        connections.refresh()
    except BaseException:
        connections.close()
        raise
    return LiveCluster(connections, config.confluent, timeout=timeout)


def _ask_for_a_token(config: ClientConfig) -> None:
    """Before librdkafka does, which says less of why there is none and waits 20 s for an endpoint that is silent."""
    source = config.kafka_python.get("sasl_oauth_token_provider")
    if isinstance(source, TokenSource):
        try:
            source.token()
        except TokenError as error:
            raise ClusterFailure(FailureKind.REFUSED, str(error)) from error


class LiveCluster:
    """`Cluster` for real brokers; safe to use from several threads."""

    def __init__(self, connections: Connections, confluent: Mapping[str, str | int | bool], *, timeout: float) -> None:
        """`confluent`: how librdkafka reaches the same cluster."""
        self._connections = connections
        self._confluent = confluent
        self._wait = timeout * _BROKER_SHARE
        self._silent: set[int] = set()
        self._proof: Callable[[], None] | None = None
        self._go_on: Callable[[PutOff], bool] = lambda _: True

    def close(self) -> None:
        self._connections.close()

    def describe(self) -> Description:
        said = self._read(protocol.describe)
        if {broker.id for broker in said.brokers} != set(self._connections.brokers()):
            self._connections.refresh()
        return replace(said, kafka_version=self._zookeeper_version(said.brokers)) if said.zookeeper else said

    def _zookeeper_version(self, brokers: Iterable[Broker]) -> str:
        for broker in brokers:
            configs = self.broker_configs(broker.id)
            if not isinstance(configs, KafkaError) and "inter.broker.protocol.version" in configs:
                return (configs["inter.broker.protocol.version"].value or "").partition("-")[0]
        return self._connections.version()

    # ---- reads

    def topic_names(self, broker: int) -> Mapping[str, tuple[str, int]]:
        try:
            return protocol.topic_names(self._to(broker))
        except (NotSentError, UnansweredError) as error:
            raise ClusterFailure(FailureKind.UNREACHABLE, str(error)) from error

    def topics(self, broker: int, names: Sequence[str]) -> Mapping[str, TopicView | KafkaError]:
        return _by_name(protocol.topics, self._to(broker), names)

    def topic_overrides(self, names: Sequence[str]) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        brokers = self._connections.brokers()

        def read(numbered: tuple[int, Sequence[str]]) -> dict[str, Mapping[str, ConfigEntry] | KafkaError]:
            number, portion = numbered
            return self._read(partial(protocol.topic_overrides, names=portion), first=brokers[number % len(brokers)])

        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            return {
                name: answer
                for answers in pool.map(read, enumerate(_read_portions(names)))
                for name, answer in answers.items()
            }

    def topic_overrides_seen_by(
        self, broker: int, names: Sequence[str]
    ) -> Mapping[str, Mapping[str, ConfigEntry] | KafkaError]:
        answers = [_by_name(protocol.topic_overrides, self._to(broker), portion) for portion in _read_portions(names)]
        return {name: answer for portion in answers for name, answer in portion.items()}

    def broker_configs(self, broker: int) -> Mapping[str, ConfigEntry] | KafkaError:
        return _or_error(partial(protocol.broker_configs, broker=broker), self._to(broker))

    def acls(self, broker: int | None = None) -> Sequence[AclBinding] | KafkaError:
        return self._read(protocol.acls) if broker is None else _or_error(protocol.acls, self._to(broker))

    def topic_bytes(self, names: Sequence[str]) -> Mapping[str, int | KafkaError]:
        said = self.describe()
        if "Describe" not in (said.operations or ()):
            return dict.fromkeys(names, _NO_LOG_DIRS)
        views = self._read(partial(protocol.topics, names=names))
        partitions = [
            TopicPartition(name, number)
            for name, view in views.items()
            if isinstance(view, TopicView)
            for number in range(len(view.assignment))
        ]
        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            held = list(pool.map(lambda broker: self._sizes(broker.id, partitions), said.brokers))
        return {name: topic_bytes(view, held) for name, view in views.items()}

    def _sizes(self, broker: int, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int] | KafkaError:
        found = _or_error(partial(protocol.log_dirs, partitions=partitions), self._to(broker))
        return found if isinstance(found, KafkaError) else replica_sizes(found)

    def log_dirs(
        self, broker: int, partitions: Sequence[TopicPartition] | None = None
    ) -> Sequence[LogDir] | KafkaError:
        if "Describe" not in (self.describe().operations or ()):
            return _NO_LOG_DIRS
        return _or_error(partial(protocol.log_dirs, partitions=partitions), self._to(broker))

    def write_rates(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, float]:
        before, begun = self._replica_sizes(partitions), time.monotonic()
        time.sleep(_SAMPLE_SECONDS)
        after, seconds = self._replica_sizes(partitions), time.monotonic() - begun
        return {one: max(after[one] - size, 0) / seconds for one, size in before.items() if one in after}

    def _replica_sizes(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Of the largest replica: the leader's, or one that has as much."""
        asked, brokers = sorted(partitions), sorted(self._connections.brokers())
        found: dict[TopicPartition, int] = {}
        for answer in on_all(brokers, lambda broker: self.log_dirs(broker, asked)).values():
            sizes = answer if isinstance(answer, KafkaError) else replica_sizes(answer)
            if not isinstance(sizes, KafkaError):
                found |= {one: max(size, found.get(one, 0)) for one, size in sizes.items()}
        return found

    def reassigning(self, names: Sequence[str]) -> frozenset[str] | KafkaError:
        found = self.reassignments()
        return found if isinstance(found, KafkaError) else frozenset(one.topic for one in found).intersection(names)

    def reassignments(self) -> Mapping[TopicPartition, Reassignment] | KafkaError:
        question = partial(protocol.reassignments, wait=self._wait)
        answer = self._read(question, first=self._connections.controller())
        if isinstance(answer, KafkaError) and answer.name == _NOT_CONTROLLER:
            self._connections.refresh()
            answer = self._read(question, first=self._connections.controller())
        return answer

    def _read(self, question: Callable[[Ask], T], *, first: int | None = None) -> T:
        """From the first broker that answers, and from each of them again once the list of live ones is fresh."""
        why = ""
        for attempt in range(2):
            if attempt:
                self._connections.refresh()
            for broker in self._in_turn(first):
                try:
                    answer = question(self._to(broker))
                except (NotSentError, UnansweredError) as error:
                    why = str(error)
                    self._silent.add(broker)
                else:
                    self._silent.discard(broker)
                    return answer
        raise ClusterFailure(FailureKind.UNREACHABLE, f"no live broker answers: {why}")

    def _in_turn(self, first: int | None) -> list[int]:
        """Those that failed us last stand last."""
        return sorted(self._connections.brokers(), key=lambda broker: (broker in self._silent, broker != first))

    def _to(self, broker: int) -> Ask:
        return partial(self._connections.ask, broker)

    # ---- lock and log

    def journal(self) -> LiveJournal:
        return LiveJournal(self, self._connections, self._confluent)

    def when_put_off(self, go_on: Callable[[PutOff], bool]) -> None:
        self._go_on = go_on

    def hold(self, proof: Callable[[], None]) -> None:
        self._proof = proof

    # ---- writes

    def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]:
        question = partial(protocol.create_topics, validate_only=validate_only, wait=self._wait)
        return self._write(
            _named(topics),
            question,
            _told_as("create topics", validate_only=validate_only),
            most=_TOPICS,
            share=_share_of_new_topic,
        )

    def create_partitions(
        self, topics: Sequence[MorePartitions], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]:
        question = partial(protocol.create_partitions, validate_only=validate_only, wait=self._wait)
        return self._write(
            _named(topics),
            question,
            _told_as("add partitions", validate_only=validate_only),
            most=_TOPICS,
            share=lambda topic: topic.total / _PARTITIONS,
        )

    def alter_topics(
        self, topics: Sequence[AlterTopic], *, validate_only: bool = False
    ) -> Mapping[str, KafkaError | None]:
        question = partial(protocol.alter_topics, validate_only=validate_only)
        return self._write(
            _named(topics),
            question,
            "set topic settings",
            most=_TOPICS,
            share=lambda topic: len(topic.configs) / _RECORDS,
        )

    def alter_brokers(self, brokers: Sequence[AlterBroker]) -> Mapping[int, KafkaError | None]:
        answers: dict[int, KafkaError | None] = {}
        for one in brokers:
            ask = partial(self._connections.ask, one.id, proof=self._proof)
            try:
                answers[one.id] = _or_error(partial(protocol.alter_broker, broker=one), ask)
            except LostError as lost:
                if not answers:
                    raise
                answers[one.id] = KafkaError("DISCONNECTED", str(lost))
        return answers

    def reassign(
        self, targets: Mapping[TopicPartition, tuple[int, ...] | None], *, resize: bool
    ) -> Mapping[TopicPartition, KafkaError | None]:
        question = partial(protocol.reassign, resize=resize, wait=self._wait)
        return self._write(
            {key: (key, target) for key, target in targets.items()}, question, "reassign partitions", most=_MOVES
        )

    def elect_preferred(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, KafkaError | None]:
        question = partial(protocol.elect_preferred, wait=self._wait)
        return self._write({key: key for key in partitions}, question, "elect leaders", most=_MOVES)

    def delete_topics(self, ids: Mapping[str, str]) -> Mapping[str, KafkaError | None]:
        wanted = {name: (name, id_) for name, id_ in ids.items()}
        return self._write(wanted, partial(protocol.delete_topics, wait=self._wait), "delete topics", most=_TOPICS)

    def create_acls(self, bindings: Iterable[AclBinding]) -> Mapping[AclBinding, KafkaError | None]:
        return self._write({binding: binding for binding in bindings}, protocol.create_acls, "create ACLs", most=_ACLS)

    def delete_acls(self, bindings: Iterable[AclBinding]) -> Mapping[AclBinding, KafkaError | None]:
        return self._write(
            {binding: binding for binding in bindings}, protocol.delete_acls, "delete ACLs", most=_ACL_FILTERS
        )

    def _write(
        self,
        items: Mapping[Key, Item],
        question: Callable[[Ask, Sequence[Item]], Told[Key]],
        what: str,
        *,
        most: int,
        share: Callable[[Item], float] = lambda _: 0.0,
    ) -> dict[Key, KafkaError | None]:
        answers: dict[Key, KafkaError | None] = {}
        lost = 0
        for portion in portions(items, most, share):
            if lost == _LOST_IN_A_ROW:
                answers |= _not_sent(portion, "the requests before were not answered")
                continue
            try:
                told = self._tell(portion, question, what)
            except (ClusterFailure, LostError) as failure:
                if not answers:
                    raise
                told = _not_sent(portion, str(failure))
            lost = lost + 1 if any(error and error.name == _LOST for error in told.values()) else 0
            answers |= told
        return answers

    def _tell(
        self, portion: Mapping[Key, Item], question: Callable[[Ask, Sequence[Item]], Told[Key]], what: str
    ) -> dict[Key, KafkaError | None]:
        """Until no item is put off any more, or none got through for as long as our patience lasts. What a quota asks for after the last item is waited for too: until then no request is taken."""
        answers: dict[Key, KafkaError | None] = {}
        pending, begun = dict(portion), time.monotonic()
        progress, wanted = begun, 0.0
        while True:
            try:
                if answers:
                    self._connections.refresh()  # another controller may have been elected
                told = self._tell_once(pending, question)
            except (ClusterFailure, LostError):
                if not answers:
                    raise
                return answers
            answers |= told.answers
            put_off = {key: item for key, item in pending.items() if _is_put_off(answers[key])}
            progress = time.monotonic() if len(put_off) < len(pending) else progress
            wanted = max(wanted, told.pause)
            if put_off and time.monotonic() - progress > 2 * wanted + _PATIENCE_SECONDS:
                return answers
            pause = max(told.pause, _RETRY_SECONDS) if put_off else told.pause
            error = next((str(answers[key]) for key in put_off), "")
            goes_on = self._waited(PutOff(what, len(put_off), len(portion), error, pause, time.monotonic() - begun))
            if not put_off or not goes_on:
                return answers
            pending = put_off

    def _waited(self, put_off: PutOff) -> bool:
        """False as soon as somebody does not want it to go on."""
        begun = time.monotonic()
        while (passed := time.monotonic() - begun) < put_off.seconds:
            left = put_off.seconds - passed
            if not self._go_on(replace(put_off, seconds=left, waited=put_off.waited + passed)):
                return False
            time.sleep(min(left, _LOOK_SECONDS))
        return True

    def _tell_once(
        self, pending: Mapping[Key, Item], question: Callable[[Ask, Sequence[Item]], Told[Key]]
    ) -> Told[Key]:
        try:
            return self._send(lambda ask: question(ask, list(pending.values())))
        except UnansweredError as error:
            return Told(dict.fromkeys(pending, KafkaError(_LOST, str(error))))

    def _send(self, question: Callable[[Ask], T]) -> T:
        """To the controller, or whoever passes it on; to the next broker only while nothing has left."""
        why = ""
        for attempt in range(2):
            if attempt:
                self._connections.refresh()
            for broker in self._in_turn(self._connections.controller()):
                try:
                    return question(partial(self._connections.ask, broker, proof=self._proof))
                except NotSentError as error:
                    why = str(error)
                    self._silent.add(broker)
                except UnansweredError:
                    self._silent.add(broker)
                    raise
        raise ClusterFailure(FailureKind.UNREACHABLE, f"no live broker can be asked: {why}")


def _told_as(what: str, *, validate_only: bool) -> str:
    return f"{what} (only validated)" if validate_only else what


def portions(
    items: Mapping[Key, Item], most: int, share: Callable[[Item], float] = lambda _: 0.0
) -> Iterator[dict[Key, Item]]:
    """In order, at most so many, and together no more than the whole of a request; an item that is more than that goes alone."""
    portion: dict[Key, Item] = {}
    filled = 0.0
    for key, item in items.items():
        if portion and (len(portion) == most or filled + share(item) > 1):
            yield portion
            portion, filled = {}, 0.0
        portion[key] = item
        filled += share(item)
    if portion:
        yield portion


def _read_portions(names: Sequence[str]) -> list[Sequence[str]]:
    return [names[start : start + _READ_TOPICS] for start in range(0, len(names), _READ_TOPICS)]


def _share_of_new_topic(topic: NewTopic) -> float:
    partitions = len(topic.assignment or ()) or topic.partitions
    return max(partitions / _PARTITIONS, (1 + partitions + len(topic.configs)) / _RECORDS)


def _named(topics: Iterable[Any]) -> dict[str, Any]:
    return {topic.name: topic for topic in topics}


def _is_put_off(error: KafkaError | None) -> bool:
    return error is not None and error.is_put_off


def _not_sent(items: Iterable[Key], why: str) -> dict[Key, KafkaError | None]:
    return dict.fromkeys(items, KafkaError("DISCONNECTED", why))


def _or_error(question: Callable[[Ask], T], ask: Ask) -> T | KafkaError:
    try:
        return question(ask)
    except NotSentError as error:
        return KafkaError("DISCONNECTED", str(error))
    except UnansweredError as error:
        return KafkaError(_LOST, str(error))


def _by_name(
    question: Callable[[Ask, Sequence[str]], Mapping[str, T | KafkaError]], ask: Ask, names: Sequence[str]
) -> Mapping[str, T | KafkaError]:
    """An answer that did not come is the error of each name."""
    answer = _or_error(lambda ask: question(ask, names), ask)
    return dict.fromkeys(names, answer) if isinstance(answer, KafkaError) else answer


def replica_sizes(log_dirs: Sequence[LogDir]) -> Mapping[TopicPartition, int] | KafkaError:
    """Of one broker; a directory that is offline may hold any of them."""
    failed = next((each.error for each in log_dirs if each.error), None)
    return failed or {key: log.size for each in log_dirs for key, log in each.replicas.items()}


def topic_bytes(
    view: TopicView | KafkaError, held: Iterable[Mapping[TopicPartition, int] | KafkaError]
) -> int | KafkaError:
    """`held`: what each live broker has on disk; one that did not say makes the sum unknown."""
    if isinstance(view, KafkaError):
        return view
    sizes: list[Mapping[TopicPartition, int]] = []
    for broker in held:
        if isinstance(broker, KafkaError):
            return broker
        sizes.append(broker)
    total = 0
    for partition in range(len(view.assignment)):
        key = TopicPartition(view.name, partition)
        replicas = [held_by[key] for held_by in sizes if key in held_by]
        if len(replicas) < len(view.assignment[partition]):  # the one that is down may be the leader, and the largest
            return KafkaError(
                "REPLICA_NOT_AVAILABLE", f"partition {partition} is not on live brokers with all its replicas"
            )
        total += max(replicas)
    return total
