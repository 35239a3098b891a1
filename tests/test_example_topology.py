"""The example `topology/` is the system of the architecture document, and a model of how to write one."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from datetime import date
from functools import cache
from pathlib import Path
from shutil import copytree
from textwrap import dedent

import pytest
import yaml

from kafkaops import topology
from kafkaops.cluster.properties import PropertiesError, load
from kafkaops.compile import Desired
from kafkaops.kinds.topic.model import Topic
from kafkaops.schema import settings_schema, topology_schema
from kafkaops.topology import Topology

EXAMPLE = Path(__file__).parent.parent / "topology"
STORES = Path(__file__).parent / "stores"
CLUSTERS = ("sandbox", "production")


def read(root: Path) -> Topology:
    return topology.read(
        root, shown=lambda path: path.relative_to(root).as_posix(), version="0.1.0", today=date(2026, 11, 22)
    )


@cache
def example() -> Topology:
    return read(EXAMPLE)


def desired(cluster: str) -> Desired:
    return example().desired[cluster]


def test_it_is_valid_without_a_single_remark() -> None:
    assert example().findings == ()


@pytest.mark.parametrize("file", sorted(one.name for one in EXAMPLE.glob("*.yaml")))
def test_each_file_names_the_schema_that_editors_complete_it_by(file: str) -> None:
    settings = file == "kafkaops.yaml"
    name = "kafkaops.settings.schema.json" if settings else "kafkaops.schema.json"
    first, _ = (EXAMPLE / file).read_text(encoding="utf-8").split("\n", 1)

    assert first == f"# yaml-language-server: $schema={name}"
    assert json.loads((EXAMPLE / name).read_bytes()) == (settings_schema() if settings else topology_schema())


def test_the_hook_for_pre_commit_validates_when_one_of_its_files_changes() -> None:
    (hook,) = yaml.safe_load((EXAMPLE.parent / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    starts_it = {one.name for one in EXAMPLE.iterdir() if re.search(hook["files"], f"topology/{one.name}")}

    assert hook["entry"] == "kafkaops validate"
    assert not hook["pass_filenames"]
    assert starts_it == {one.name for one in EXAMPLE.glob("*.yaml")}


@pytest.mark.parametrize(
    ("file", "written", "mistaken", "told"),
    [
        ("kafkaops.yaml", "latest-state:", "last-state:", ["KO1302 analytics.yaml:8", "KO1302 user.yaml:19"]),
        ("order.yaml", "profile: order-events", "profile: order-event", ["KO1302 order.yaml:9"]),
        ("user.yaml", "user.account.registered.v1", "user.account.registered", ["KO2016 user.yaml:8"]),
        ("user.yaml", "share: [analytics-service]", "", ["KO3001 analytics.yaml:34"]),
        ("inventory.yaml", "[order.reservation.cancelled", "[inventory.cancelled", ["KO1311 inventory.yaml:39"]),
        ("notification.yaml", "suffix: -notification", "sufix: -notification", ["KO1201 notification.yaml:33"]),
        ("notification.yaml", ", suffix: -notification", "", ["KO1307 order.yaml:78"]),
    ],
)
def test_a_mistake_in_it_is_told_once(tmp_path: Path, file: str, written: str, mistaken: str, told: list[str]) -> None:
    root = Path(copytree(EXAMPLE, tmp_path / "topology"))
    text = (root / file).read_text(encoding="utf-8")
    (root / file).write_text(text.replace(written, mistaken, 1), encoding="utf-8")

    places = [(finding.code, finding.where) for finding in read(root).findings]

    assert told == [f"{code} {where.file}:{where.line}" for code, where in places if where]


def test_a_file_declares_each_domain_of_the_document() -> None:
    expected = {"order", "payment", "inventory", "user", "analytics", "notification"}

    assert {f"{name}." for name in expected} == set(desired("production").domains)
    assert {path.stem for path in EXAMPLE.glob("*.yaml")} == {*expected, "kafkaops"}


# Topics

DOCUMENT = """
  order-events:
    partitions: 12
    replication-factor: 3
    retention-ms: 604800000  # 7 days
    compression-type: lz4
    min-insync-replicas: 2

  payment-events:
    partitions: 6
    replication-factor: 3
    retention-ms: 2592000000  # 30 days
    compression-type: snappy
    min-insync-replicas: 2

  user-events:
    partitions: 18
    replication-factor: 3
    retention-ms: 7776000000  # 90 days
    compression-type: lz4
    min-insync-replicas: 2
"""
"""The document's "Topic Configuration", as it stands there below `topics:`."""


def test_the_documents_topic_configuration_is_there_word_for_word() -> None:
    assert f"profiles:{DOCUMENT}" in (EXAMPLE / "kafkaops.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "partitions", "config"),
    [
        (
            "order.order.created.v1",
            12,
            {"retention.ms": "604800000", "compression.type": "lz4", "min.insync.replicas": "2"},
        ),
        (
            "payment.transaction.completed.v1",
            6,
            {"retention.ms": "2592000000", "compression.type": "snappy", "min.insync.replicas": "2"},
        ),
        (
            "user.profile.changed.v1",
            18,
            {"retention.ms": "7776000000", "compression.type": "lz4", "min.insync.replicas": "2"},
        ),
    ],
)
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_documents_topics_get_its_configuration(
    cluster: str, name: str, partitions: int, config: dict[str, str]
) -> None:
    topic = desired(cluster).topics[name]

    assert isinstance(topic, Topic)
    assert (topic.partitions, topic.replication, topic.config) == (partitions, 3, config)


TOPICS = {
    "analytics.report.published.v1",
    "analytics.revenue.calculated.v1",
    "inventory.reservation.completed.v1",
    "inventory.reservation.failed.v1",
    "inventory.reservation.released.v1",
    "inventory.stock.updated.v1",
    "notification.message.requested.v1",
    "notification.message.sent.v1",
    "order.order.cancelled.v1",
    "order.order.completed.v1",
    "order.order.created.v1",
    "order.order.recorded.v1",
    "order.payment.requested.v1",
    "order.reservation.cancelled.v1",
    "order.reservation.requested.v1",
    "order.saga.started.v1",
    "payment.processing.completed.v1",
    "payment.processing.failed.v1",
    "payment.transaction.completed.v1",
    "payment.transaction.refunded.v1",
    "user.account.registered.v1",
    "user.profile.changed.v1",
    "user.profile.current.v1",
}

SPRINGS_TOPICS = {
    "notification.message.requested.v1-retry-1000",
    "notification.message.requested.v1-retry-10000",
    "notification.message.requested.v1-retry-60000",
    "notification.message.requested.v1-dlt",
    "order.order.created.v1-retry-1000",
    "order.order.created.v1-retry-2000",
    "order.order.created.v1-dlt",
    "order.order.created.v1-notification-retry-1000",
    "order.order.created.v1-notification-retry-2000",
    "order.order.created.v1-notification-dlt",
    "order.payment.requested.v1-retry-1000",
    "order.payment.requested.v1-retry-2000",
    "order.payment.requested.v1-dlt",
    "order.reservation.cancelled.v1-retry-1000",
    "order.reservation.cancelled.v1-retry-2000",
    "order.reservation.cancelled.v1-dlt",
    "order.reservation.requested.v1-dlt",
    "payment.processing.failed.v1-retry-1000",
    "payment.processing.failed.v1-retry-2000",
    "payment.processing.failed.v1-dlt",
}


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_each_topic_is_there_and_each_retry_topic_by_the_name_that_spring_gives_it(cluster: str) -> None:
    assert set(desired(cluster).topics) == TOPICS | SPRINGS_TOPICS


def test_a_retry_topic_has_the_partitions_of_its_source_and_the_retention_of_the_brokers() -> None:
    topic = desired("production").topics["payment.processing.failed.v1-retry-1000"]

    assert isinstance(topic, Topic)
    assert (topic.partitions, topic.replication, topic.config) == (6, 3, {"min.insync.replicas": "2"})


def test_a_dead_letter_topic_that_is_declared_keeps_its_own_settings() -> None:
    topic = desired("production").topics["payment.processing.failed.v1-dlt"]

    assert isinstance(topic, Topic)
    assert topic.config["retention.ms"] == "2592000000"


def test_every_declared_topic_says_what_it_is_for_and_what_its_key_is() -> None:
    topics = [desired("production").topics[name] for name in TOPICS]

    assert all(isinstance(topic, Topic) and topic.description and topic.key for topic in topics)


# Access

ACCESS = {
    "User:analytics-revenue": """
        Group analytics-revenue                 Read
        Topic analytics-revenue-*               Create, Delete, DescribeConfigs, Read, Write
        Topic analytics.revenue.calculated.v1   Write
        Topic order.order.created.v1            Read
        Topic payment.transaction.completed.v1  Read
        Topic payment.transaction.refunded.v1   Read
        TransactionalId analytics-revenue-*     Write
    """,
    "User:analytics-service": """
        Group analytics-consumers  Read
        Topic *                    Read
        Topic analytics.report.*   Write
    """,
    "User:inventory-service": """
        Group inventory-release                          Read
        Group inventory-release-dlt                      Read
        Group inventory-release-retry-1000               Read
        Group inventory-release-retry-2000               Read
        Group inventory-reservation                      Read
        Group inventory-reservation-dlt                  Read
        Topic inventory.*                                Write
        Topic order.reservation.cancelled.v1             Read
        Topic order.reservation.cancelled.v1-dlt         Read, Write
        Topic order.reservation.cancelled.v1-retry-1000  Read, Write
        Topic order.reservation.cancelled.v1-retry-2000  Read, Write
        Topic order.reservation.requested.v1             Read
        Topic order.reservation.requested.v1-dlt         Read, Write
        TransactionalId inventory-service-*              Write
    """,
    "User:notification-service": """
        Group notification-consumers                          Read
        Group notification-consumers-dlt                      Read
        Group notification-consumers-retry-1000               Read
        Group notification-consumers-retry-10000              Read
        Group notification-consumers-retry-60000              Read
        Group notification-orders                             Read
        Group notification-orders-notification-dlt            Read
        Group notification-orders-notification-retry-1000     Read
        Group notification-orders-notification-retry-2000     Read
        Group notification-profiles                           Read
        Topic notification.message.requested.v1               Read
        Topic notification.message.requested.v1-dlt           Read, Write
        Topic notification.message.requested.v1-retry-1000    Read, Write
        Topic notification.message.requested.v1-retry-10000   Read, Write
        Topic notification.message.requested.v1-retry-60000   Read, Write
        Topic notification.message.sent.v1                    Write
        Topic order.order.created.v1                          Read
        Topic order.order.created.v1-notification-dlt         Read, Write
        Topic order.order.created.v1-notification-retry-1000  Read, Write
        Topic order.order.created.v1-notification-retry-2000  Read, Write
        Topic user.profile.current.v1                         Read
    """,
    "User:order-query-service": """
        Group order-query                        Read
        Group order-query-dlt                    Read
        Group order-query-retry-1000             Read
        Group order-query-retry-2000             Read
        Topic order.order.created.v1             Read
        Topic order.order.created.v1-dlt         Read, Write
        Topic order.order.created.v1-retry-1000  Read, Write
        Topic order.order.created.v1-retry-2000  Read, Write
    """,
    "User:order-service": """
        Group order-saga                               Read
        Group order-saga-compensation                  Read
        Group order-saga-compensation-dlt              Read
        Group order-saga-compensation-retry-1000       Read
        Group order-saga-compensation-retry-2000       Read
        Topic inventory.reservation.completed.v1       Read
        Topic inventory.reservation.failed.v1          Read
        Topic order.*                                  Write
        Topic order.saga.started.v1                    Read
        Topic payment.processing.completed.v1          Read
        Topic payment.processing.failed.v1             Read
        Topic payment.processing.failed.v1-dlt         Read, Write
        Topic payment.processing.failed.v1-retry-1000  Read, Write
        Topic payment.processing.failed.v1-retry-2000  Read, Write
        TransactionalId order-service-*                Write
    """,
    "User:payment-service": """
        Group payment-service                        Read
        Group payment-service-dlt                    Read
        Group payment-service-retry-1000             Read
        Group payment-service-retry-2000             Read
        Topic notification.message.requested.v1      Write
        Topic order.payment.requested.v1             Read
        Topic order.payment.requested.v1-dlt         Read, Write
        Topic order.payment.requested.v1-retry-1000  Read, Write
        Topic order.payment.requested.v1-retry-2000  Read, Write
        Topic payment.*                              Write
        TransactionalId payment-service-*            Write
    """,
    "User:user-service": """
        Topic notification.message.requested.v1  Write
        Topic user.*                             Write
    """,
}


@pytest.mark.parametrize("principal", ACCESS)
@pytest.mark.parametrize("cluster", CLUSTERS)
def test_an_application_may_do_exactly_what_its_roles_need(cluster: str, principal: str) -> None:
    assert access(cluster)[principal] == dedent(ACCESS[principal])


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_nobody_else_is_named(cluster: str) -> None:
    assert set(access(cluster)) == set(desired(cluster).acls.managed) == set(ACCESS)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_nothing_is_denied_and_no_host_is_asked_for(cluster: str) -> None:
    assert {(acl.permission, acl.host) for acl in desired(cluster).acls.bindings} == {("Allow", "*")}


def test_order_service_reads_no_transaction_of_payments() -> None:
    read = [line for line in ACCESS["User:order-service"].splitlines() if "Topic payment." in line]

    assert read
    assert all(" payment.processing." in line for line in read)


def access(cluster: str) -> dict[str, str]:
    """By principal: a line for each resource, with the operations on it."""
    operations: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for acl in desired(cluster).acls.bindings:
        star = "*" if acl.pattern == "Prefixed" else ""
        operations[acl.principal][f"{acl.resource_type} {acl.name}{star}"].add(acl.operation)
    return {principal: _table(resources) for principal, resources in operations.items()}


def _table(resources: dict[str, set[str]]) -> str:
    width = max(map(len, resources))
    rows = (f"{resource:{width}}  {', '.join(sorted(may))}\n" for resource, may in sorted(resources.items()))
    return "\n" + "".join(rows)


# Clusters


def test_the_sandbox_is_not_pinned_until_there_is_one() -> None:
    entries = example().settings.clusters

    assert {name: entry.cluster_id for name, entry in entries.items()} == {
        "sandbox": None,
        "production": "Qm7xT0pRSc2vW4f2A",
    }


def test_the_pin_of_the_sandbox_is_one_line_away() -> None:
    text = (EXAMPLE / "kafkaops.yaml").read_text(encoding="utf-8")

    assert text.count("    # cluster-id: ...\n") == 1


def test_no_secret_stands_in_the_properties_of_production() -> None:
    text = (EXAMPLE / "production.properties").read_text(encoding="utf-8")
    secrets = [line for line in text.splitlines() if "password" in line.lower()]

    assert secrets
    assert all("${" in line for line in secrets)


def test_the_properties_of_production_log_in_as_the_document_says(tmp_path: Path) -> None:
    text = (EXAMPLE / "production.properties").read_text(encoding="utf-8")
    here = tmp_path / "production.properties"
    here.write_text(
        text.replace("/var/kafka/ssl/kafka.client.truststore.jks", str(STORES / "authority.jks")).replace(
            "/var/kafka/ssl/kafka.client.keystore.jks", str(STORES / "identity.p12")
        ),
        encoding="utf-8",
    )
    servers = example().settings.clusters["production"].bootstrap_servers
    variables = {
        "KAFKA_USERNAME": "kafkaops",
        "KAFKA_PASSWORD": "of-kafkaops",
        "TRUSTSTORE_PASSWORD": "storepass",
        "KEYSTORE_PASSWORD": "storepass",
    }

    config = load(here, root=tmp_path, bootstrap_servers=servers, environ=variables, timeout=1)

    assert config.bootstrap_servers == ("broker-1:9093", "broker-2:9093", "broker-3:9093")
    assert config.principal == "User:kafkaops" == example().settings.clusters["production"].principals.own
    assert config.confluent["security.protocol"] == "SASL_SSL"
    assert config.confluent["sasl.mechanism"] == "SCRAM-SHA-512"


def test_the_properties_of_production_say_what_is_not_set() -> None:
    with pytest.raises(PropertiesError) as raised:
        load(
            EXAMPLE / "production.properties", root=EXAMPLE, bootstrap_servers=["broker-1:9093"], environ={}, timeout=1
        )

    assert raised.value.message == "`ssl.truststore.password`: environment variable `TRUSTSTORE_PASSWORD` is not set"
