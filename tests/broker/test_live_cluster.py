"""What real brokers answer through the door, and what is said when they do not."""

import gc
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from confluent_kafka import Producer
from desk import limit_changes

from kafkaops.cluster import (
    AclBinding,
    AlterTopic,
    ClusterFailure,
    ConfigEntry,
    ConfigSource,
    FailureKind,
    KafkaError,
    MorePartitions,
    NewTopic,
    TopicView,
)
from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.properties import ClientConfig, load
from kafkaops.cluster.protocol import Connections
from kafkaops.sandbox import Sandbox, add_scram_user, pki, running, start_broker, stop_broker
from kafkaops.sandbox import load as alive

T = TypeVar("T")

pytestmark = [
    pytest.mark.broker,
    # kafka-python waits for ever for the TLS of a frozen broker, and drops that socket when it is closed.
    pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning"),
]

NO_TOPIC = KafkaError("UNKNOWN_TOPIC_OR_PARTITION")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("kafka"), brokers=3, kafka="4.4", listeners="all") as started:
        yield started


@pytest.fixture(scope="module")
def config(sandbox: Sandbox) -> ClientConfig:
    return client(sandbox, sandbox.properties)


@pytest.fixture(scope="module")
def cluster(config: ClientConfig) -> Iterator[LiveCluster]:
    with connected(config) as admin:
        yield admin


@pytest.fixture(scope="module")
def reader(sandbox: Sandbox, config: ClientConfig, cluster: LiveCluster) -> Iterator[LiveCluster]:
    """May see the topics `seen...`, and nothing else."""
    add_scram_user(sandbox, "reader", "reader-secret")
    grants = [
        AclBinding("User:reader", "Allow", operation, "Topic", "Prefixed", "seen")
        for operation in ("Describe", "DescribeConfigs")
    ]
    assert set(cluster.create_acls(grants).values()) == {None}
    create(cluster, NewTopic("seen", 1, 3, {}), NewTopic("hidden", 1, 3, {}))
    with connected(login(config, "reader", "reader-secret")) as restricted:
        until(lambda: set(restricted.topic_names(1)) == {"seen"}, "the grants to be known")
        yield restricted


# ---- what the cluster is


def test_the_description_tells_brokers_racks_version_and_our_rights(sandbox: Sandbox, cluster: LiveCluster) -> None:
    said = cluster.describe()

    assert said.cluster_id == sandbox.cluster_id
    assert [(broker.id, broker.port, broker.rack) for broker in said.brokers] == [
        (broker.id, broker.port, broker.rack) for broker in sandbox.brokers
    ]
    assert (said.fenced, said.kafka_version, said.zookeeper) == ((), "4.4", False)
    assert said.operations == frozenset({
        "Create", "ClusterAction", "DescribeConfigs", "AlterConfigs", "IdempotentWrite", "Alter", "Describe"
    })  # fmt: skip


def test_each_broker_tells_its_own_settings(sandbox: Sandbox, cluster: LiveCluster) -> None:
    racks = {broker.id: given(cluster.broker_configs(broker.id))["broker.rack"] for broker in sandbox.brokers}

    assert racks == {broker.id: ConfigEntry(broker.rack, ConfigSource.STATIC_BROKER) for broker in sandbox.brokers}


def test_a_secret_setting_has_no_value(cluster: LiveCluster) -> None:
    assert given(cluster.broker_configs(1))["super.users"] == ConfigEntry(None, ConfigSource.STATIC_BROKER)


# ---- topics


def test_creating_topics_tells_of_each_how_it_went(cluster: LiveCluster) -> None:
    answers = cluster.create_topics(
        [
            NewTopic("made", 2, 3, {"retention.ms": "1000"}),
            NewTopic("placed", 2, 2, {}, assignment=((3, 1), (2, 3))),
            NewTopic("bad name", 1, 1, {}),
            NewTopic("too-many", 1, 9, {}),
            NewTopic("odd", 1, 1, {"no.such.key": "1"}),
        ]
    )

    assert (answers["made"], answers["placed"]) == (None, None)
    assert answers["odd"] == KafkaError("INVALID_CONFIG", "Unknown topic config name: no.such.key")
    assert [error.name for error in answers.values() if error] == [
        "INVALID_TOPIC_EXCEPTION",
        "INVALID_REPLICATION_FACTOR",
        "INVALID_CONFIG",
    ]
    wait_for(cluster, "placed")
    placed = view(cluster, "placed")
    assert placed.assignment == ((3, 1), (2, 3))
    assert placed.leaders == (3, 2)
    assert cluster.topic_names(2)["placed"] == (placed.topic_id, 2)


def test_a_topic_that_is_there_cannot_be_created_again(cluster: LiveCluster) -> None:
    create(cluster, NewTopic("twice", 1, 1, {}))

    assert cluster.create_topics([NewTopic("twice", 1, 1, {})]) == {
        "twice": KafkaError("TOPIC_ALREADY_EXISTS", "Topic 'twice' already exists.")
    }


def test_validation_only_creates_nothing(cluster: LiveCluster) -> None:
    names = [f"only-a-thought-{number}" for number in range(600)]  # three requests

    assert cluster.create_topics([NewTopic(name, 1, 1, {}) for name in names], validate_only=True) == dict.fromkeys(
        names
    )
    assert not set(names) & set(cluster.topic_names(1))


def test_asking_for_a_topic_does_not_create_it(cluster: LiveCluster) -> None:
    assert cluster.topics(1, ["absent"]) == {"absent": NO_TOPIC}
    assert cluster.topic_overrides(["absent"]) == {"absent": NO_TOPIC}
    assert cluster.topics(1, ["absent"]) == {"absent": NO_TOPIC}


def test_overrides_are_what_was_set_on_the_topic_and_nothing_inherited(cluster: LiveCluster) -> None:
    create(
        cluster,
        NewTopic("plain", 1, 1, {}),
        NewTopic("set", 1, 1, {"retention.ms": "604800000", "cleanup.policy": "compact"}),
    )

    expected = {
        "plain": {},
        "set": {
            "retention.ms": ConfigEntry("604800000", ConfigSource.DYNAMIC_TOPIC),
            "cleanup.policy": ConfigEntry("compact", ConfigSource.DYNAMIC_TOPIC),
        },
    }
    assert cluster.topic_overrides(["plain", "set"]) == expected
    assert cluster.topic_overrides_seen_by(3, ["plain", "set"]) == expected


def test_settings_are_set_and_reset_by_topic(cluster: LiveCluster) -> None:
    create(cluster, NewTopic("altered", 1, 1, {"retention.ms": "1000"}))

    answers = cluster.alter_topics(
        [
            AlterTopic("altered", {"retention.ms": None, "segment.bytes": "2000000"}),
            AlterTopic("absent", {"retention.ms": "1"}),
        ]
    )

    assert answers == {"altered": None, "absent": KafkaError(NO_TOPIC.name, "The topic 'absent' does not exist.")}
    after = {"altered": {"segment.bytes": ConfigEntry("2000000", ConfigSource.DYNAMIC_TOPIC)}}
    until(lambda: cluster.topic_overrides(["altered"]) == after, "the new settings")


def test_partitions_are_added_where_they_are_told_to_go(cluster: LiveCluster) -> None:
    create(cluster, NewTopic("grown", 1, 2, {}, assignment=((1, 2),)))

    answers = cluster.create_partitions([MorePartitions("grown", 2, added=((3, 1),)), MorePartitions("absent", 2)])

    assert answers == {"grown": None, "absent": NO_TOPIC}
    until(lambda: view(cluster, "grown").assignment == ((1, 2), (3, 1)), "the new partition")
    assert cluster.create_partitions([MorePartitions("grown", 2)]) == {
        "grown": KafkaError("INVALID_PARTITIONS", "Topic already has 2 partition(s).")
    }


def test_deleting_by_id_spares_a_topic_that_only_has_the_name(cluster: LiveCluster) -> None:
    create(cluster, NewTopic("reborn", 1, 1, {}))
    first = view(cluster, "reborn").topic_id
    assert cluster.delete_topics({"reborn": first}) == {"reborn": None}
    until(lambda: everywhere(cluster, lambda broker: not broker_knows(cluster, broker, "reborn")), "the deletion")
    create(cluster, NewTopic("reborn", 1, 1, {}))

    answers = cluster.delete_topics({"reborn": first})

    assert [error.name for error in answers.values() if error] == ["UNKNOWN_TOPIC_ID"]
    assert view(cluster, "reborn").topic_id != first


def test_the_bytes_of_a_topic_count_one_replica_of_each_partition(config: ClientConfig, cluster: LiveCluster) -> None:
    create(cluster, NewTopic("filled", 1, 3, {}), NewTopic("empty", 1, 3, {}))
    fill(config, "filled", records=100, size=1000)

    sizes = cluster.topic_bytes(["filled", "empty", "absent"])

    assert 100_000 < given(sizes["filled"]) < 200_000
    assert (sizes["empty"], sizes["absent"]) == (0, NO_TOPIC)


def test_nothing_is_being_reassigned(cluster: LiveCluster) -> None:
    assert cluster.reassigning(["filled"]) == frozenset()


def test_a_controller_quota_slows_creation_down_and_fails_nothing(cluster: LiveCluster) -> None:
    # 11 s worth of changes may come at once: the first request uses them up, the second is refused for now.
    limit_changes(cluster, per_second=20)
    try:
        names = [f"slow-{each}" for each in range(300)]

        assert cluster.create_topics([NewTopic(name, 1, 1, {}) for name in names]) == dict.fromkeys(names)
    finally:
        limit_changes(cluster, per_second=None)


# ---- access

BINDINGS = (
    AclBinding("User:app", "Allow", "Read", "Topic", "Prefixed", "orders."),
    AclBinding("User:app", "Allow", "Read", "Topic", "Literal", "orders."),
    AclBinding("User:app", "Deny", "TwoPhaseCommit", "TransactionalId", "Literal", "tx", "127.0.0.1"),
    AclBinding("User:app", "Allow", "CreateTokens", "User", "Literal", "User:other"),
    AclBinding("User:app", "Allow", "Describe", "DelegationToken", "Literal", "*"),
    AclBinding("User:app", "Allow", "IdempotentWrite", "Cluster", "Literal", "kafka-cluster"),
)


def test_every_kind_of_access_comes_back_as_it_was_given(cluster: LiveCluster) -> None:
    bad = AclBinding("app", "Allow", "Read", "Topic", "Literal", "orders.")

    answers = cluster.create_acls([*BINDINGS, bad, BINDINGS[0]])

    assert {binding: error.name for binding, error in answers.items() if error} == {bad: "INVALID_REQUEST"}
    assert set(answers) == {*BINDINGS, bad}
    until(lambda: everywhere(cluster, lambda broker: app_acls(cluster, broker) == set(BINDINGS)), "the ACLs")


def test_deleting_access_takes_exactly_that_and_what_is_gone_is_deleted(cluster: LiveCluster) -> None:
    cluster.create_acls(BINDINGS)

    assert cluster.delete_acls(BINDINGS[:1]) == {BINDINGS[0]: None}
    until(lambda: everywhere(cluster, lambda broker: app_acls(cluster, broker) == set(BINDINGS[1:])), "the revoke")
    assert cluster.delete_acls(BINDINGS) == dict.fromkeys(BINDINGS)


def test_more_bindings_than_a_request_holds_are_all_accounted_for(cluster: LiveCluster) -> None:
    many = [AclBinding("User:many", "Allow", "Read", "Topic", "Literal", f"t{each}") for each in range(1500)]

    assert cluster.create_acls(many) == dict.fromkeys(many)
    assert cluster.delete_acls(many) == dict.fromkeys(many)


# ---- rights that are missing


def test_what_we_may_not_see_is_an_error_and_never_absent_or_empty(reader: LiveCluster) -> None:
    refused = KafkaError("TOPIC_AUTHORIZATION_FAILED")

    assert reader.topics(2, ["hidden"]) == {"hidden": refused}
    overrides = reader.topic_overrides(["seen", "hidden"])
    assert (overrides["seen"], error_name(overrides["hidden"])) == ({}, refused.name)


def test_without_rights_on_the_cluster_nothing_of_it_is_taken_for_none(reader: LiveCluster) -> None:
    said = [
        reader.acls(),
        reader.acls(2),
        reader.broker_configs(1),
        reader.reassigning(["seen"]),
        reader.topic_bytes(["seen"])["seen"],
    ]

    assert [error_name(each) for each in said] == ["CLUSTER_AUTHORIZATION_FAILED"] * 5
    assert reader.describe().operations is None


def test_writing_without_rights_is_refused_by_item(reader: LiveCluster, cluster: LiveCluster) -> None:
    grant = AclBinding("User:reader", "Allow", "All", "Topic", "Literal", "*")

    assert error_name(reader.create_acls([grant])[grant]) == "CLUSTER_AUTHORIZATION_FAILED"
    assert error_name(reader.create_topics([NewTopic("new", 1, 1, {})])["new"]) == "TOPIC_AUTHORIZATION_FAILED"
    assert (
        error_name(reader.delete_topics({"seen": view(cluster, "seen").topic_id})["seen"])
        == "TOPIC_AUTHORIZATION_FAILED"
    )


# ---- connecting


def test_a_wrong_password_is_refused_at_once_and_not_repeated(
    config: ClientConfig, capfd: pytest.CaptureFixture[str]
) -> None:
    failure = refusal(login(config, "admin", "not-the-secret"), within=6)

    assert failure.kind is FailureKind.REFUSED
    assert failure.message.endswith(" refused the credentials")
    assert capfd.readouterr() == ("", "")


def test_a_port_where_nothing_listens_is_unreachable(config: ClientConfig) -> None:
    failure = refusal(at(config, "127.0.0.1:9"), within=6)

    assert (failure.kind, failure.message) == (
        FailureKind.UNREACHABLE,
        "`127.0.0.1:9` refused the connection: nothing listens there",
    )


def test_an_unknown_host_is_unreachable(config: ClientConfig) -> None:
    failure = refusal(at(config, "no-such-host.invalid:9092"), within=6)

    assert (failure.kind, failure.message) == (
        FailureKind.UNREACHABLE,
        "`no-such-host.invalid:9092` has an unknown host name",
    )


def test_each_server_of_the_list_has_its_reason(config: ClientConfig) -> None:
    failure = refusal(at(config, "127.0.0.1:9,no-such-host.invalid:1,127.0.0.1:10"), within=6)

    assert failure.message == (
        "`127.0.0.1:9` refused the connection: nothing listens there (the same for `127.0.0.1:10`); "
        "`no-such-host.invalid:1` has an unknown host name"
    )


def test_a_dead_server_in_the_list_does_no_harm(sandbox: Sandbox, config: ClientConfig) -> None:
    with connected(at(config, f"127.0.0.1:9,127.0.0.1:{sandbox.brokers[1].port}")) as admin:
        assert len(admin.describe().brokers) == 3


def test_a_certificate_of_a_foreign_authority_does_not_verify(sandbox: Sandbox, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.pem"
    foreign.write_bytes(pki.certificate_pem(pki.authority()))
    properties = tmp_path / "client.properties"
    properties.write_text(sandbox.properties.read_text().replace(str(sandbox.ca), str(foreign)))

    failure = refusal(client(sandbox, properties, root=tmp_path), within=6)

    assert failure.kind is FailureKind.UNREACHABLE
    assert failure.message.startswith(f"the certificate of `127.0.0.1:{sandbox.brokers[0].port}` does not verify: ")


def test_a_certificate_for_another_host_name_does_not_verify(sandbox: Sandbox, config: ClientConfig) -> None:
    server = f"127.1:{sandbox.brokers[0].port}"  # resolves to 127.0.0.1, and is not in the certificate

    failure = refusal(at(config, server), within=6)

    assert failure.message == (
        f"the certificate of `{server}` does not verify: hostname mismatch, certificate is not valid for '127.1'"
    )


@pytest.mark.parametrize(
    ("properties", "listener", "kind", "sentence"),
    [
        ("admin", "INTERNAL", FailureKind.UNREACHABLE, "does not speak TLS"),
        ("admin", "TLS", FailureKind.UNREACHABLE, "takes no SASL login"),
        ("plaintext", "TLS", FailureKind.UNREACHABLE, "hung up on a connection without TLS"),
        ("sasl-plaintext", "SASL", FailureKind.UNREACHABLE, "hung up on a connection without TLS"),
        ("plaintext", "SASLPLAIN", FailureKind.REFUSED, "hung up on a connection without a login"),
        ("tls", "SASL", FailureKind.REFUSED, "hung up on a connection without a login"),
        ("tls", "MTLS", FailureKind.REFUSED, "refused the client certificate, or wants one"),
    ],
)
def test_the_wrong_protocol_for_a_port_is_said(
    sandbox: Sandbox, properties: str, listener: str, kind: FailureKind, sentence: str
) -> None:
    server = f"127.0.0.1:{sandbox.ports[listener][0]}"

    failure = refusal(at(client(sandbox, sandbox.client(properties)), server), within=6)

    assert (failure.kind, failure.message) == (kind, f"`{server}` {sentence}")


@pytest.mark.parametrize(
    "properties", ["admin-jks", "admin-librdkafka", "plaintext", "tls", "mtls", "plain", "scram-256"]
)
def test_both_clients_connect_with_every_protocol(sandbox: Sandbox, properties: str) -> None:
    with connected(client(sandbox, sandbox.client(properties))) as admin:
        assert admin.describe().cluster_id == sandbox.cluster_id


def test_another_cluster_than_the_expected_one_is_not_asked_anything(sandbox: Sandbox, config: ClientConfig) -> None:
    with pytest.raises(ClusterFailure) as raised:
        connect(config, timeout=10, expected_cluster_id="another")

    assert raised.value.kind is FailureKind.WRONG_CLUSTER
    assert raised.value.message.endswith(f"belongs to the cluster `{sandbox.cluster_id}`, and `another` is expected")
    assert raised.value.help == "correct `cluster-id`, or point `bootstrap-servers` at the cluster that is meant"


def test_every_connection_is_asked_for_the_cluster_before_its_first_request(config: ClientConfig) -> None:
    connections = Connections(config.kafka_python, cluster_id="another", timeout=10)
    try:
        with pytest.raises(ClusterFailure) as raised:
            connections.refresh()
    finally:
        connections.close()

    assert raised.value.kind is FailureKind.WRONG_CLUSTER


# ---- brokers that fail (last: they need a moment to come back)


def test_an_answer_that_is_lost_leaves_the_outcome_unknown_and_the_next_broker_is_asked(
    sandbox: Sandbox, config: ClientConfig
) -> None:
    change = AlterTopic("lost", {"retention.ms": "1000"})
    with connected(config, timeout=3) as admin:
        create(admin, NewTopic("lost", 1, 3, {}))
        asked = asked_follower(admin)
        silent = KafkaError(
            "TIMED_OUT", f"broker {asked} at `127.0.0.1:{sandbox.brokers[asked - 1].port}` did not answer within 3 s"
        )
        with frozen(sandbox, asked):
            began = time.monotonic()
            assert admin.alter_topics([change]) == {"lost": silent}
            assert time.monotonic() - began < 5
            until(lambda: admin.alter_topics([change]) == {"lost": None}, "another broker to do it")


def test_a_broker_that_dies_in_the_middle_of_a_call_leaves_the_outcome_unknown(
    sandbox: Sandbox, config: ClientConfig
) -> None:
    with connected(config, timeout=20) as admin, ThreadPoolExecutor(1) as pool:
        create(admin, NewTopic("broken", 1, 3, {}))
        asked = asked_follower(admin)
        server = f"127.0.0.1:{sandbox.brokers[asked - 1].port}"
        os.kill(process(sandbox, asked), signal.SIGSTOP)
        call = pool.submit(admin.alter_topics, [AlterTopic("broken", {"retention.ms": "1000"})])
        try:
            until(
                lambda: len(admin._connections._manager._conns[asked].in_flight_requests) == 1, "the request to go out"
            )
        finally:
            os.kill(process(sandbox, asked), signal.SIGKILL)
        try:
            assert call.result() == {
                "broken": KafkaError(
                    "TIMED_OUT", f"the connection to broker {asked} at `{server}` broke before it answered"
                )
            }
        finally:
            start_broker(sandbox.directory, asked)


def test_a_stopped_broker_is_named_and_the_others_go_on_answering(sandbox: Sandbox, config: ClientConfig) -> None:
    with connected(config, timeout=5) as admin:
        create(admin, NewTopic("survivor", 1, 3, {}), NewTopic("on-3", 1, 1, {}, assignment=((3,),)))
        stop_broker(sandbox.directory, 3)
        try:
            until(lambda: admin.describe().fenced == (3,), "broker 3 to be fenced")
            began = time.monotonic()
            silent = KafkaError("DISCONNECTED", "broker 3 cannot be reached")

            with pytest.raises(ClusterFailure) as raised:
                admin.topic_names(3)
            assert (raised.value.kind, raised.value.message) == (FailureKind.UNREACHABLE, silent.message)
            assert admin.topics(3, ["survivor"]) == {"survivor": silent}
            assert admin.topic_overrides_seen_by(3, ["survivor"]) == {"survivor": silent}
            assert admin.broker_configs(3) == silent
            assert admin.acls(3) == silent
            assert [broker.id for broker in admin.describe().brokers] == [1, 2]
            assert admin.topic_overrides(["survivor"]) == {"survivor": {}}
            assert admin.topic_bytes(["survivor", "on-3"]) == {
                "survivor": KafkaError(
                    "REPLICA_NOT_AVAILABLE", "partition 0 is not on live brokers with all its replicas"
                ),
                "on-3": KafkaError("REPLICA_NOT_AVAILABLE", "partition 0 is not on live brokers with all its replicas"),
            }
            assert admin.alter_topics([AlterTopic("survivor", {"retention.ms": "1000"})]) == {"survivor": None}
            assert time.monotonic() - began < 15
        finally:
            start_broker(sandbox.directory, 3)

        until(lambda: broker_knows(admin, 3, "survivor"), "broker 3 to answer again")


def test_nobody_left_is_unreachable(sandbox: Sandbox, config: ClientConfig) -> None:
    with connected(config, timeout=2) as admin:
        with frozen(sandbox, 1), frozen(sandbox, 2), frozen(sandbox, 3):
            began = time.monotonic()
            with pytest.raises(ClusterFailure) as raised:
                admin.acls()
            assert time.monotonic() - began < 30

        assert raised.value.kind is FailureKind.UNREACHABLE


# ---- how


def client(sandbox: Sandbox, properties: Path, root: Path | None = None) -> ClientConfig:
    return load(properties, root=root or sandbox.directory, environ={}, timeout=10)


@contextmanager
def connected(config: ClientConfig, timeout: float = 10) -> Iterator[LiveCluster]:
    cluster = connect(config, timeout=timeout)
    try:
        yield cluster
    finally:
        cluster.close()
        gc.collect()


def changed(config: ClientConfig, **settings: str) -> ClientConfig:
    return replace(config, confluent={**config.confluent, **settings})


def at(config: ClientConfig, servers: str) -> ClientConfig:
    elsewhere = changed(config, **{"bootstrap.servers": servers})
    return replace(elsewhere, bootstrap_servers=tuple(servers.split(",")))


def login(config: ClientConfig, name: str, password: str) -> ClientConfig:
    kafka_python = {**config.kafka_python, "sasl_plain_username": name, "sasl_plain_password": password}
    return replace(changed(config, **{"sasl.username": name, "sasl.password": password}), kafka_python=kafka_python)


def refusal(config: ClientConfig, *, within: float) -> ClusterFailure:
    began = time.monotonic()
    with pytest.raises(ClusterFailure) as raised:
        connect(config, timeout=10)
    assert time.monotonic() - began < within
    return raised.value


def until(condition: Callable[[], bool], awaited: str, seconds: float = 30) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds:g} s in vain for {awaited}"
        time.sleep(0.1)


def create(cluster: LiveCluster, *topics: NewTopic) -> None:
    assert cluster.create_topics(topics) == dict.fromkeys(topic.name for topic in topics)
    for topic in topics:
        wait_for(cluster, topic.name)


def wait_for(cluster: LiveCluster, topic: str) -> None:
    until(lambda: everywhere(cluster, lambda broker: broker_knows(cluster, broker, topic)), topic)


def everywhere(cluster: LiveCluster, condition: Callable[[int], bool]) -> bool:
    return all(condition(broker.id) for broker in cluster.describe().brokers)


def broker_knows(cluster: LiveCluster, broker: int, topic: str) -> bool:
    return isinstance(cluster.topics(broker, [topic])[topic], TopicView)


def view(cluster: LiveCluster, topic: str) -> TopicView:
    found = cluster.topics(1, [topic])[topic]
    assert isinstance(found, TopicView)
    return found


def app_acls(cluster: LiveCluster, broker: int) -> set[AclBinding]:
    return {binding for binding in given(cluster.acls(broker)) if binding.principal == "User:app"}


def given(answer: T | KafkaError) -> T:
    assert not isinstance(answer, KafkaError)
    return answer


def asked_follower(cluster: LiveCluster) -> int:
    """The broker that the next write goes to, and not the controller itself: without that one nobody could answer for half a minute."""
    until(lambda: asks_a_follower(cluster), "metadata that names a follower")
    return cluster._connections.controller() or 0


def asks_a_follower(cluster: LiveCluster) -> bool:
    cluster._connections.refresh()  # each answer names another broker
    return cluster._connections.controller() not in {None, quorum_leader(cluster)}


def quorum_leader(cluster: LiveCluster) -> int:
    from kafka.protocol.admin import DescribeQuorumRequest  # noqa: PLC0415  # it warns when it is imported first

    topic = DescribeQuorumRequest.TopicData
    log = topic(topic_name="__cluster_metadata", partitions=[topic.PartitionData(partition_index=0)])
    return int(cluster._connections.ask(1, DescribeQuorumRequest(topics=[log])).topics[0].partitions[0].leader_id)


def error_name(answer: object) -> str:
    assert isinstance(answer, KafkaError)
    return answer.name


def fill(config: ClientConfig, topic: str, *, records: int, size: int) -> None:
    producer = Producer({**config.confluent, "acks": "all", "compression.type": "none"})
    for _ in range(records):
        producer.produce(topic, b"x" * size)
    assert producer.flush(30) == 0


@contextmanager
def frozen(sandbox: Sandbox, number: int) -> Iterator[None]:
    os.kill(process(sandbox, number), signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process(sandbox, number), signal.SIGCONT)


def process(sandbox: Sandbox, number: int) -> int:
    pid = alive(sandbox.directory).brokers[number - 1].pid
    assert pid is not None
    return pid
