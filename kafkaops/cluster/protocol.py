"""Kafka's requests, one function each, sent to exactly the broker that is named; the only user of kafka-python.

Its message classes and its connections are used, its admin client is not: that one drops errors per item, cannot name ACL operations above 12, keeps a dead controller,
and asks for authorized operations nobody wants. A function here takes `ask`, which sends one request to one broker, and gives back our values, an error per item.
"""

from __future__ import annotations

import base64
import bisect
import logging
import re
import socket
import time
import uuid
import warnings
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from kafkaops.cluster import (
    AclBinding,
    AlterBroker,
    AlterTopic,
    Broker,
    ClusterFailure,
    ConfigEntry,
    ConfigSource,
    Description,
    FailureKind,
    KafkaError,
    LogDir,
    MorePartitions,
    NewTopic,
    Reassignment,
    ReplicaLog,
    TopicPartition,
    TopicView,
)
from kafkaops.cluster.journal import Holder
from kafkaops.cluster.properties.oauth import TokenError

with warnings.catch_warnings():
    # It reads its schemas by a function that Python 3.11 and 3.12 deprecate, which fails where warnings are errors.
    warnings.simplefilter("ignore", DeprecationWarning)
    from kafka import errors
    from kafka.net.inet import KafkaNetSocket
    from kafka.net.manager import KafkaConnectionManager
    from kafka.net.selector import NetworkSelector
    from kafka.protocol.admin import (
        AlterPartitionReassignmentsRequest,
        CreateAclsRequest,
        CreatePartitionsRequest,
        CreateTopicsRequest,
        DeleteAclsRequest,
        DeleteTopicsRequest,
        DescribeAclsRequest,
        DescribeClusterRequest,
        DescribeConfigsRequest,
        DescribeGroupsRequest,
        DescribeLogDirsRequest,
        ElectLeadersRequest,
        IncrementalAlterConfigsRequest,
        ListPartitionReassignmentsRequest,
    )
    from kafka.protocol.consumer import IsolationLevel, ListOffsetsRequest, OffsetSpec
    from kafka.protocol.metadata import ApiVersionsRequest, CoordinatorType, FindCoordinatorRequest, MetadataRequest

Ask = Callable[[Any], Any]
Node = int | str  # kafka-python names the bootstrap servers `bootstrap-0`, ...
Item = TypeVar("Item")

_CONNECT_SECONDS = 10.0
_PING_SECONDS = 5.0  # to say who is there
_RECONNECT_MS = 1_000
_ANSWER_BYTES = 100_000_000
_CLOSING = "closing"

# It warns about each lost connection, and at DEBUG it writes requests with passwords.
logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)


class NotSentError(Exception):
    """No connection to that broker: nothing was asked, nothing was done."""


class UnansweredError(Exception):
    """The request went out and no answer came back: what it did is not known."""


@dataclass(frozen=True, slots=True)
class Told(Generic[Item]):
    """What a broker said to each item of a write; `pause` is the number of seconds that a quota asks us to wait."""

    answers: Mapping[Item, KafkaError | None]
    pause: float = 0.0


class Connections:
    """To the brokers of one cluster. Every new connection is asked for the cluster's id before anything else."""

    def __init__(self, settings: Mapping[str, object], *, cluster_id: str, timeout: float) -> None:
        self._cluster_id = cluster_id
        self._timeout = timeout
        self._net = NetworkSelector()
        bounds = {
            "request_timeout_ms": int(timeout * 1000),
            "reconnect_backoff_max_ms": _RECONNECT_MS,
            "receive_message_max_bytes": _ANSWER_BYTES,
            "proxy_url": f"{_CLOSING}://",
        }
        self._manager = KafkaConnectionManager(self._net, **(dict(settings) | bounds))
        self._checked: weakref.WeakSet[Any] = weakref.WeakSet()
        self._net.start()

    def refresh(self) -> None:
        """Learn the live brokers anew, from any broker that answers."""
        why = "there is no bootstrap server"
        for node in self._nodes():
            try:
                answer = self._manager.run(
                    self._exchange, node, _metadata_request([]), min(self._timeout, _PING_SECONDS)
                )
            except (NotSentError, UnansweredError) as error:
                why = str(error)
                continue
            self._manager.cluster.update_metadata(answer)
            return
        raise ClusterFailure(FailureKind.UNREACHABLE, f"no broker of the cluster answers: {why}")

    def brokers(self) -> list[int]:
        return sorted(broker.node_id for broker in self._manager.cluster.brokers())

    def controller(self) -> int | None:
        """Whom to send writes to: with ZooKeeper the controller, with KRaft any broker that the last metadata named, which passes them on."""
        controller = self._manager.cluster.controller
        return None if controller is None else int(controller.node_id)

    def version(self) -> str:
        """Major and minor, guessed from the requests that the brokers speak."""
        return ".".join(map(str, self._manager.broker_version[:2])) if self._manager.broker_version else ""

    def ask(self, node: Node, request: Any, *, proof: Callable[[], None] | None = None) -> Any:
        """`proof` is called when there is nothing left to do but send; what it raises stops that."""
        if not self._address(node):
            self.refresh()  # it may have come up since
        return self._manager.run(self._exchange, node, request, self._timeout, proof)

    def close(self) -> None:
        self._manager.run(self._manager.close)
        self._net.close()

    def _address(self, node: Node) -> str:
        broker = self._manager.cluster.broker_metadata(node)
        return f"{broker.host}:{broker.port}" if broker else ""

    def _name(self, node: Node) -> str:
        """For people: `broker 3` alone when it is not among the live ones any more."""
        address = self._address(node) and f"`{self._address(node)}`"
        number = f"broker {node}" if isinstance(node, int) else ""
        return " at ".join(filter(None, (number, address)))

    def _nodes(self) -> list[Node]:
        """The live brokers as last known, and the servers we began with where they are others."""
        known = [broker.node_id for broker in self._manager.cluster.brokers()]
        addresses = {self._address(node) for node in known}
        servers = [broker.node_id for broker in self._manager.cluster.bootstrap_brokers()]
        return known + [server for server in servers if self._address(server) not in addresses]

    async def _exchange(self, node: Node, request: Any, seconds: float, proof: Callable[[], None] | None = None) -> Any:
        connection = await self._connection(node, min(seconds, _CONNECT_SECONDS))
        if connection not in self._checked:
            await self._check_cluster(node, connection, seconds)
        if proof:
            proof()  # here, where everything else waits for it too: to connect may have taken longer than a proof holds
        return await self._send(node, connection, request, seconds)

    async def _connection(self, node: Node, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        await self._net.sleep(self._manager.connection_delay(node))
        connection = None
        try:
            connection = self._manager.get_connection(node, refresh_metadata_on_err=False)
            await self._manager.wait_for(connection.init_future, _milliseconds(deadline))
            while connection.paused and time.monotonic() < deadline:
                await self._net.sleep(0.02)
        except (errors.SaslAuthenticationFailedError, errors.UnsupportedSaslMechanismError) as error:
            sentence = f"{self._name(node)} refused the credentials"
            raise ClusterFailure(FailureKind.REFUSED, sentence) from error
        except TokenError as error:
            raise ClusterFailure(FailureKind.REFUSED, str(error)) from error
        except errors.KafkaError as error:
            if connection is not None:
                connection.close(error)
            raise NotSentError(f"{self._name(node)} cannot be reached") from error
        if connection.paused or connection.closed:
            raise NotSentError(f"{self._name(node)} takes no requests now")
        return connection

    async def _check_cluster(self, node: Node, connection: Any, seconds: float) -> None:
        try:
            answer = await self._send(node, connection, _metadata_request([]), seconds)
        except UnansweredError as error:
            raise NotSentError(str(error)) from error  # that was only the question before the request
        if answer.cluster_id != self._cluster_id:
            connection.close()
            raise wrong_cluster(self._address(node), self._cluster_id, answer.cluster_id)
        self._checked.add(connection)

    async def _send(self, node: Node, connection: Any, request: Any, seconds: float) -> Any:
        try:
            # A request keeps the version that it was first sent with; the next broker may be an older one.
            request.API_VERSION = connection.broker_version_data.api_version(request)
            return await connection.send_request(request, request_timeout_ms=int(seconds * 1000))
        except errors.IncompatibleBrokerVersion as error:
            raise NotSentError(f"{self._name(node)} does not speak {type(request).__name__}") from error
        except (errors.RequestTimedOutError, errors.KafkaTimeoutError) as error:
            raise UnansweredError(f"{self._name(node)} did not answer within {seconds:g} s") from error
        except errors.KafkaError as error:
            raise UnansweredError(f"the connection to {self._name(node)} broke before it answered") from error


class _ClosingSockets(KafkaNetSocket):  # type: ignore[misc]  # Any
    """kafka-python drops the socket of a refused connection without closing it; a class for its `proxy_url` is how one gets between."""

    SCHEMES = (_CLOSING,)

    async def sock_connect(self, net: Any, sock: socket.socket, *address: Any, **limit: Any) -> Any:
        try:
            return await super().sock_connect(net, sock, *address, **limit)
        except BaseException:
            sock.close()
            raise


def wrong_cluster(server: str, expected: str, found: str) -> ClusterFailure:
    sentence = f"`{server}` belongs to the cluster `{found}`, and `{expected}` is expected"
    help_ = "correct `cluster-id`, or point `bootstrap-servers` at the cluster that is meant"
    return ClusterFailure(FailureKind.WRONG_CLUSTER, sentence, help=help_)


def _milliseconds(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic()) * 1000


# ---- the cluster

# The first metadata.version level of each release (Kafka's MetadataVersion); levels are never reused.
_FIRST_LEVELS = {
    1: "3.0", 2: "3.1", 3: "3.2", 4: "3.3", 8: "3.4", 9: "3.5", 12: "3.6", 15: "3.7", 20: "3.8", 21: "3.9",
    22: "4.0", 26: "4.1", 28: "4.2", 30: "4.3", 31: "4.4", 34: "4.5",
}  # fmt: skip


def describe(ask: Ask) -> Description:
    answer = ask(DescribeClusterRequest(include_cluster_authorized_operations=True, include_fenced_brokers=True))
    level = _metadata_level(ask)
    live = (broker for broker in answer.brokers if not broker.is_fenced)
    return Description(
        cluster_id=answer.cluster_id,
        brokers=tuple(sorted(Broker(broker.broker_id, broker.host, broker.port, broker.rack) for broker in live)),
        fenced=tuple(sorted(broker.broker_id for broker in answer.brokers if broker.is_fenced)),
        kafka_version=release(level) if level else "",
        # No bit at all is what a principal without Describe gets: not told, rather than nothing allowed.
        operations=frozenset(map(_operation, answer.authorized_operations)) if answer.authorized_operations else None,
        zookeeper=not level,
    )


def _metadata_level(ask: Ask) -> int:
    answer = ask(ApiVersionsRequest(client_software_name="kafkaops", client_software_version="0"))
    levels = {feature.name: int(feature.max_version_level) for feature in answer.finalized_features or ()}
    return levels.get("metadata.version", 0)


def release(level: int) -> str:
    known = list(_FIRST_LEVELS)
    return _FIRST_LEVELS[known[bisect.bisect_right(known, level) - 1]]


# ---- topics


def topic_names(ask: Ask) -> dict[str, tuple[str, int]]:
    """0.25 s of CPU for 10,000 topics. confluent's `list_topics` takes 0.2 s, but has no ids, and on a client that was told of one broker only it is another that answers (seen)."""
    return {
        topic.name: (_id_text(topic.topic_id), len(topic.partitions)) for topic in ask(_metadata_request(None)).topics
    }


def topics(ask: Ask, names: Sequence[str]) -> dict[str, TopicView | KafkaError]:
    if not names:
        return {}
    return {topic.name: _error(topic) or _view(topic) for topic in ask(_metadata_request(names)).topics}


def _view(topic: Any) -> TopicView:
    partitions = sorted(topic.partitions, key=lambda partition: int(partition.partition_index))
    return TopicView(
        name=topic.name,
        topic_id=_id_text(topic.topic_id),
        assignment=tuple(tuple(partition.replica_nodes) for partition in partitions),
        isr=tuple(tuple(partition.isr_nodes) for partition in partitions),
        leaders=tuple(partition.leader_id for partition in partitions),
        internal=topic.is_internal,
    )


def _metadata_request(names: Sequence[str] | None) -> Any:
    """None asks for all topics."""
    wanted = None if names is None else [MetadataRequest.MetadataRequestTopic(name=name) for name in names]
    return MetadataRequest(topics=wanted, allow_auto_topic_creation=False)


def _id_text(topic_id: uuid.UUID | None) -> str:
    """As Kafka's own tools print it."""
    return base64.urlsafe_b64encode(topic_id.bytes).rstrip(b"=").decode() if topic_id else ""


def _id(text: str) -> uuid.UUID:
    return uuid.UUID(bytes=base64.urlsafe_b64decode(text + "=="))


def create_topics(ask: Ask, items: Sequence[NewTopic], *, validate_only: bool, wait: float) -> Told[str]:
    answer = ask(
        CreateTopicsRequest(
            topics=[_creatable(topic) for topic in items], timeout_ms=int(wait * 1000), validate_only=validate_only
        )
    )
    return Told({topic.name: _error(topic) for topic in answer.topics}, _pause(answer))


def _creatable(topic: NewTopic) -> Any:
    replicas = CreateTopicsRequest.CreatableTopic.CreatableReplicaAssignment
    config = CreateTopicsRequest.CreatableTopic.CreatableTopicConfig
    return CreateTopicsRequest.CreatableTopic(
        name=topic.name,
        num_partitions=-1 if topic.assignment else topic.partitions,
        replication_factor=-1 if topic.assignment else topic.replication,
        assignments=[
            replicas(partition_index=partition, broker_ids=list(brokers))
            for partition, brokers in enumerate(topic.assignment or ())
        ],
        configs=[config(name=key, value=value) for key, value in topic.configs.items()],
    )


def create_partitions(ask: Ask, items: Sequence[MorePartitions], *, validate_only: bool, wait: float) -> Told[str]:
    answer = ask(
        CreatePartitionsRequest(
            topics=[_grown(topic) for topic in items], timeout_ms=int(wait * 1000), validate_only=validate_only
        )
    )
    return Told({topic.name: _error(topic) for topic in answer.results}, _pause(answer))


def _grown(topic: MorePartitions) -> Any:
    assignment = CreatePartitionsRequest.CreatePartitionsTopic.CreatePartitionsAssignment
    added = None if topic.added is None else [assignment(broker_ids=list(brokers)) for brokers in topic.added]
    return CreatePartitionsRequest.CreatePartitionsTopic(name=topic.name, count=topic.total, assignments=added)


def delete_topics(ask: Ask, items: Sequence[tuple[str, str]], *, wait: float) -> Told[str]:
    """(name, id) pairs: by id, or by name where the id is ""."""
    state = DeleteTopicsRequest.DeleteTopicState
    answer = ask(
        DeleteTopicsRequest(
            topics=[state(name=None, topic_id=_id(id_)) if id_ else state(name=name) for name, id_ in items],
            timeout_ms=int(wait * 1000),
            min_version=6,  # the first one with ids
        )
    )
    by_id = {_id_text(topic.topic_id): _error(topic) for topic in answer.responses}
    by_name = {topic.name: _error(topic) for topic in answer.responses}
    return Told({name: by_id[id_] if id_ else by_name[name] for name, id_ in items}, _pause(answer))


# ---- replicas


def reassignments(ask: Ask, *, wait: float) -> dict[TopicPartition, Reassignment] | KafkaError:
    answer = ask(ListPartitionReassignmentsRequest(topics=None, timeout_ms=int(wait * 1000)))
    return _error(answer) or {
        TopicPartition(topic.name, partition.partition_index): Reassignment(
            tuple(partition.replicas), tuple(partition.adding_replicas), tuple(partition.removing_replicas)
        )
        for topic in answer.topics
        for partition in topic.partitions
    }


def reassign(
    ask: Ask, items: Sequence[tuple[TopicPartition, tuple[int, ...] | None]], *, resize: bool, wait: float
) -> Told[TopicPartition]:
    topic = AlterPartitionReassignmentsRequest.ReassignableTopic
    partition = topic.ReassignablePartition
    answer = ask(
        AlterPartitionReassignmentsRequest(
            timeout_ms=int(wait * 1000),
            allow_replication_factor_change=resize,
            topics=[
                topic(
                    name=name,
                    partitions=[
                        partition(partition_index=number, replicas=None if replicas is None else list(replicas))
                        for number, replicas in those
                    ],
                )
                for name, those in _by_topic(items)
            ],
        )
    )
    whole = _error(answer)
    each = {
        TopicPartition(told.name, one.partition_index): _error(one)
        for told in answer.responses
        for one in told.partitions
    }
    return Told({key: whole or each[key] for key, _ in items}, _pause(answer))


def elect_preferred(ask: Ask, items: Sequence[TopicPartition], *, wait: float) -> Told[TopicPartition]:
    topic = ElectLeadersRequest.TopicPartitions
    answer = ask(
        ElectLeadersRequest(
            election_type=_PREFERRED,
            topic_partitions=[
                topic(topic=name, partitions=[number for number, _ in those])
                for name, those in _by_topic((partition, None) for partition in items)
            ],
            timeout_ms=int(wait * 1000),
        )
    )
    whole = _error(answer)
    each = {
        TopicPartition(told.topic, one.partition_id): _error(one)
        for told in answer.replica_election_results
        for one in told.partition_result
    }
    errors_of = {key: whole or each[key] for key in items}
    return Told(
        {key: None if error and error.name == _LEADS else error for key, error in errors_of.items()}, _pause(answer)
    )


_PREFERRED = 0
_LEADS = "ELECTION_NOT_NEEDED"


def _by_topic(items: Iterable[tuple[TopicPartition, Item]]) -> Iterable[tuple[str, list[tuple[int, Item]]]]:
    topics: dict[str, list[tuple[int, Item]]] = {}
    for (name, number), item in items:
        topics.setdefault(name, []).append((number, item))
    return topics.items()


def log_dirs(ask: Ask, partitions: Sequence[TopicPartition] | None) -> tuple[LogDir, ...] | KafkaError:
    topic = DescribeLogDirsRequest.DescribableLogDirTopic
    asked = None
    if partitions is not None:
        by_topic = _by_topic((partition, None) for partition in partitions)
        asked = [topic(topic=name, partitions=[number for number, _ in those]) for name, those in by_topic]
    answer = ask(DescribeLogDirsRequest(topics=asked))
    return _error(answer) or tuple(sorted(map(_log_dir, answer.results), key=lambda one: one.path))


def _log_dir(told: Any) -> LogDir:
    """A replica that moves between directories counts where it is, not where it is going."""
    return LogDir(
        told.log_dir,
        {
            TopicPartition(held.name, partition.partition_index): ReplicaLog(
                partition.partition_size, partition.offset_lag
            )
            for held in told.topics
            for partition in held.partitions
            if not partition.is_future_key
        },
        total=_bytes(told.total_bytes),
        usable=_bytes(told.usable_bytes),
        cordoned=told.is_cordoned,
        error=_error(told),
    )


def _bytes(told: int) -> int | None:
    return None if told < 0 else told


# ---- settings

_TOPIC, _BROKER = 2, 4  # ConfigResource types
_SET, _DELETE = 0, 1  # IncrementalAlterConfigs operations


def topic_overrides(ask: Ask, names: Sequence[str]) -> dict[str, Mapping[str, ConfigEntry] | KafkaError]:
    return {
        result.resource_name: _error(result) or _overrides(result.configs)
        for result in _describe_configs(ask, _TOPIC, names)
    }


def broker_configs(ask: Ask, broker: int) -> Mapping[str, ConfigEntry] | KafkaError:
    (result,) = _describe_configs(ask, _BROKER, [str(broker)])
    return _error(result) or {entry.name: ConfigEntry(entry.value, _source(entry)) for entry in result.configs}


def _describe_configs(ask: Ask, kind: int, names: Iterable[str]) -> Iterable[Any]:
    resource = DescribeConfigsRequest.DescribeConfigsResource
    wanted = [resource(resource_type=kind, resource_name=name, configuration_keys=None) for name in names]
    results: Iterable[Any] = ask(DescribeConfigsRequest(resources=wanted)).results
    return results


def _overrides(entries: Iterable[Any]) -> dict[str, ConfigEntry]:
    ours = ConfigSource.DYNAMIC_TOPIC
    return {entry.name: ConfigEntry(entry.value, ours) for entry in entries if entry.config_source == ours}


def _source(entry: Any) -> ConfigSource:
    known = entry.config_source in ConfigSource.__members__.values()
    return ConfigSource(entry.config_source) if known else ConfigSource.UNKNOWN


def alter_topics(ask: Ask, items: Sequence[AlterTopic], *, validate_only: bool) -> Told[str]:
    altered = [_altered(_TOPIC, topic.name, topic.configs) for topic in items]
    answer = ask(IncrementalAlterConfigsRequest(resources=altered, validate_only=validate_only))
    return Told({result.resource_name: _error(result) for result in answer.responses}, _pause(answer))


def alter_broker(ask: Ask, broker: AlterBroker) -> KafkaError | None:
    """Only that broker itself takes it."""
    altered = _altered(_BROKER, str(broker.id), broker.configs)
    answer = ask(IncrementalAlterConfigsRequest(resources=[altered], validate_only=False))
    (result,) = answer.responses
    return _error(result)


def _altered(kind: int, name: str, configs: Mapping[str, str | None]) -> Any:
    change = IncrementalAlterConfigsRequest.AlterConfigsResource.AlterableConfig
    return IncrementalAlterConfigsRequest.AlterConfigsResource(
        resource_type=kind,
        resource_name=name,
        configs=[
            change(name=key, config_operation=_DELETE if value is None else _SET, value=value)
            for key, value in configs.items()
        ],
    )


# ---- access

_ANY = 1
_OPERATIONS = {
    2: "All", 3: "Read", 4: "Write", 5: "Create", 6: "Delete", 7: "Alter", 8: "Describe", 9: "ClusterAction",
    10: "DescribeConfigs", 11: "AlterConfigs", 12: "IdempotentWrite", 13: "CreateTokens", 14: "DescribeTokens",
    15: "TwoPhaseCommit",
}  # fmt: skip
_RESOURCES = {2: "Topic", 3: "Group", 4: "Cluster", 5: "TransactionalId", 6: "DelegationToken", 7: "User"}
_PATTERNS = {3: "Literal", 4: "Prefixed"}
_PERMISSIONS = {2: "Deny", 3: "Allow"}


def acls(ask: Ask) -> tuple[AclBinding, ...] | KafkaError:
    answer = ask(
        DescribeAclsRequest(
            resource_type_filter=_ANY,
            resource_name_filter=None,
            pattern_type_filter=_ANY,
            principal_filter=None,
            host_filter=None,
            operation=_ANY,
            permission_type=_ANY,
        )
    )
    return _error(answer) or tuple(_binding(resource, acl) for resource in answer.resources for acl in resource.acls)


def _binding(resource: Any, acl: Any) -> AclBinding:
    return AclBinding(
        principal=acl.principal,
        permission=_word(_PERMISSIONS, acl.permission_type),
        operation=_operation(acl.operation),
        resource_type=_word(_RESOURCES, resource.resource_type),
        pattern=_word(_PATTERNS, resource.pattern_type),
        name=resource.resource_name,
        host=acl.host,
    )


def create_acls(ask: Ask, items: Sequence[AclBinding]) -> Told[AclBinding]:
    answer = ask(CreateAclsRequest(creations=[_creation(binding) for binding in items]))
    return Told(dict(zip(items, map(_error, answer.results), strict=True)), _pause(answer))


def _creation(binding: AclBinding) -> Any:
    return CreateAclsRequest.AclCreation(
        resource_type=_number(_RESOURCES, binding.resource_type),
        resource_name=binding.name,
        resource_pattern_type=_number(_PATTERNS, binding.pattern),
        principal=binding.principal,
        host=binding.host,
        operation=_number(_OPERATIONS, binding.operation),
        permission_type=_number(_PERMISSIONS, binding.permission),
    )


def delete_acls(ask: Ask, items: Sequence[AclBinding]) -> Told[AclBinding]:
    answer = ask(DeleteAclsRequest(filters=[_exactly(binding) for binding in items]))
    return Told(dict(zip(items, map(_deletion_error, answer.filter_results), strict=True)), _pause(answer))


def _exactly(binding: AclBinding) -> Any:
    return DeleteAclsRequest.DeleteAclsFilter(
        resource_type_filter=_number(_RESOURCES, binding.resource_type),
        resource_name_filter=binding.name,
        pattern_type_filter=_number(_PATTERNS, binding.pattern),
        principal_filter=binding.principal,
        host_filter=binding.host,
        operation=_number(_OPERATIONS, binding.operation),
        permission_type=_number(_PERMISSIONS, binding.permission),
    )


def _deletion_error(result: Any) -> KafkaError | None:
    return _error(result) or next((error for error in map(_error, result.matching_acls) if error), None)


def _operation(number: int) -> str:
    return _word(_OPERATIONS, number)


def _word(words: Mapping[int, str], number: int) -> str:
    return words.get(number) or f"Unknown({number})"


def _number(words: Mapping[int, str], word: str) -> int:
    if word.startswith("Unknown("):
        return int(word.removeprefix("Unknown(").removesuffix(")"))
    return next(number for number, known in words.items() if known == word)


# ---- groups and the log that they lock


@dataclass(frozen=True, slots=True)
class Group:
    """`settled`: no member is about to be given something else. `owner`: who has a partition; a group of ours has one to give."""

    settled: bool
    owner: Holder | None


def coordinator(ask: Ask, group: str) -> int | KafkaError:
    request = FindCoordinatorRequest(key=group, key_type=CoordinatorType.GROUP, coordinator_keys=[group])
    (found,) = ask(request).coordinators
    return _error(found) or int(found.node_id)


def group(ask: Ask, name: str) -> Group | KafkaError:
    (found,) = ask(DescribeGroupsRequest(groups=[name])).groups
    error = _error(found)
    if error and error.name != "GROUP_ID_NOT_FOUND":
        return error
    owners = [member for member in found.members if _has_a_partition(member.member_assignment)]
    holders = [Holder(member.client_id, member.client_host.lstrip("/"), member.member_id) for member in owners]
    return Group(found.group_state in {"Stable", "Empty", "Dead"}, holders[0] if holders else None)


def _has_a_partition(assignment: bytes) -> bool:
    """Kafka's ConsumerProtocolAssignment: a version, then how many topics there are partitions of."""
    return int.from_bytes(assignment[2:6]) > 0


def end_offset(ask: Ask, topic: str) -> int | KafkaError:
    """Of its partition 0, what is not committed included."""
    wanted = ListOffsetsRequest.ListOffsetsTopic
    partition = wanted.ListOffsetsPartition(partition_index=0, timestamp=int(OffsetSpec.LATEST))
    request = ListOffsetsRequest(
        replica_id=-1,
        isolation_level=int(IsolationLevel.READ_UNCOMMITTED),
        topics=[wanted(name=topic, partitions=[partition])],
    )
    answer = ask(request).topics[0].partitions[0]
    return _error(answer) or int(answer.offset)


def topic_operations(ask: Ask, topic: str) -> frozenset[str] | KafkaError:
    """What our principal may do to it."""
    request = _metadata_request([topic])
    request.include_topic_authorized_operations = True
    (found,) = ask(request).topics
    return _error(found) or frozenset(map(_operation, found.authorized_operations or ()))


# ---- errors

_LOST = "TIMED_OUT"
# Where kafka-python's names are not Kafka's own, and those that it does not know yet.
_NAMES = {
    -1: "UNKNOWN_SERVER_ERROR",
    6: "NOT_LEADER_OR_FOLLOWER",
    7: _LOST,
    10: "MESSAGE_TOO_LARGE",
    17: "INVALID_TOPIC_EXCEPTION",
    39: "INVALID_REPLICA_ASSIGNMENT",
}


def _error(answer: Any) -> KafkaError | None:
    """The `error_code` and `error_message` that any part of an answer may carry."""
    code = answer.error_code
    if not code:
        return None
    return KafkaError(error_name(code), said(getattr(answer, "error_message", None) or ""))


def said(message: str) -> str:
    """A broker's words, without the Java object that stands for the request in them."""
    return _REQUEST_OBJECT.sub("the request", message)


_REQUEST_OBJECT = re.compile(r"Request Request\(.*\)(?= needs )")


def error_name(code: int) -> str:
    known = errors.kafka_errors.get(code)
    return _NAMES.get(code) or (str(known.message) if known else f"ERROR_{code}")


def _pause(answer: Any) -> float:
    return float(answer.throttle_time_ms) / 1000
