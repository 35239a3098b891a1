"""The older lines that the product serves: a smoke of the door's facts, and from YAML to the cluster and back."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
import test_contract as contract
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from desk import Desk, begun, given, until

from kafkaops.cluster import (
    AclBinding,
    AlterTopic,
    ConfigEntry,
    ConfigSource,
    KafkaError,
    MorePartitions,
    NewTopic,
    TopicView,
)
from kafkaops.cluster.journal import BusyError, Lock, LostError, Record
from kafkaops.cluster.live import connect
from kafkaops.cluster.properties import load
from kafkaops.kinds.topic import settings
from kafkaops.sandbox import running

pytestmark = pytest.mark.broker

ORDERS = """
domain: P.order
topics:
  P.order.created: {partitions: 3, replication-factor: 3, retention-ms: 7d, cleanup-policy: [compact, delete]}
applications:
  P-service:
    produces: [P.order.*]
    transactional-ids: [P-service-*]
    consumes: [{topics: [P.order.created], group: P-service, dead-letter: true}]
"""


@pytest.fixture(scope="module", params=["3.9", "3.5"])
def old(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Three brokers of an older line, 3.5 with ZooKeeper; one line after the other."""
    folder = tmp_path_factory.mktemp("old")
    with running(folder / "kafka", brokers=3, kafka=request.param) as kafka:
        config = load(kafka.properties, root=kafka.directory, environ={}, timeout=10)
        admin = connect(config, timeout=10, expected_cluster_id=kafka.cluster_id)
        yield begun(kafka, admin, folder)
        admin.close()
        gc.collect()


def line(desk: Desk) -> str:
    return ".".join(desk.kafka.kafka.split(".")[:2])


def test_the_description_tells_the_line_and_its_mode(old: Desk) -> None:
    said = old.admin.describe()

    assert (said.cluster_id, said.kafka_version, said.zookeeper) == (
        old.kafka.cluster_id,
        line(old),
        line(old) == "3.5",
    )
    assert [(broker.id, broker.rack) for broker in said.brokers] == [
        (broker.id, broker.rack) for broker in old.kafka.brokers
    ]


def test_a_topic_goes_through_its_life(old: Desk) -> None:
    name = old.own("P.life")
    assert old.admin.create_topics([NewTopic(name, 1, 2, {})], validate_only=True) == {name: None}
    assert old.admin.topics(1, [name]) == {name: KafkaError("UNKNOWN_TOPIC_OR_PARTITION")}

    assert old.admin.create_topics([NewTopic(name, 1, 2, {"retention.ms": "1000"})]) == {name: None}
    until(lambda: all(isinstance(old.admin.topics(each, [name])[name], TopicView) for each in (1, 2, 3)), name)
    first = old.topics()[name][0]
    assert old.admin.create_partitions([MorePartitions(name, 3)]) == {name: None}
    assert old.admin.alter_topics([AlterTopic(name, {"retention.ms": None, "segment.ms": "5000"})]) == {name: None}
    after = {name: {"segment.ms": ConfigEntry("5000", ConfigSource.DYNAMIC_TOPIC)}}
    until(lambda: all(old.admin.topic_overrides_seen_by(each, [name]) == after for each in (1, 2, 3)), "the settings")
    until(lambda: old.topics()[name] == (first, 3), "the partitions")

    assert old.admin.delete_topics({name: first}) == {name: None}
    until(lambda: name not in old.topics(), "the deletion")
    again = NewTopic(name, 1, 1, {})
    until(
        lambda: old.admin.create_topics([again])[name] is None, "the name to be free"
    )  # ZooKeeper deletes in the background
    until(lambda: name in old.topics(), "another topic of that name")
    refused = old.admin.delete_topics({name: first})[name]
    assert isinstance(refused, KafkaError)
    assert refused.name in {
        "UNKNOWN_TOPIC_ID",
        "UNKNOWN_TOPIC_OR_PARTITION",
    }  # ZooKeeper keeps a deleted id for a moment
    assert old.topics()[name][0] != first


def test_access_comes_back_as_it_was_given_and_goes_exactly(old: Desk) -> None:
    app = f"User:{old.prefix}-app"
    wanted = [
        AclBinding(app, "Allow", "Read", "Topic", "Literal", old.own("P.orders")),
        AclBinding(app, "Allow", "Read", "Topic", "Prefixed", old.own("P.orders")),
        AclBinding(app, "Deny", "Write", "Group", "Literal", "odd [red] | name", "10.0.0.1"),
        AclBinding(app, "Allow", "Describe", "Cluster", "Literal", "kafka-cluster"),
        AclBinding(app, "Allow", "Write", "TransactionalId", "Literal", "*"),
    ]

    assert old.admin.create_acls(wanted) == dict.fromkeys(wanted)
    until(lambda: all(seen(old, broker, app) == set(wanted) for broker in (1, 2, 3)), "the ACLs")
    assert old.admin.delete_acls(wanted[:1]) == {wanted[0]: None}
    until(lambda: all(seen(old, broker, app) == set(wanted[1:]) for broker in (1, 2, 3)), "the first to go")
    assert old.admin.delete_acls(wanted) == dict.fromkeys(wanted)


def seen(desk: Desk, broker: int, principal: str) -> set[AclBinding]:
    return {acl for acl in given(desk.admin.acls(broker)) if acl.principal == principal}


def test_the_lock_is_one_runs_and_its_log_is_read_back(old: Desk) -> None:
    journal = old.admin.journal()
    assert (journal.read(), journal.holder(Lock.APPLY)) == (None, None)

    held = journal.acquire(Lock.APPLY, "first")
    held.append([Record("a", "1"), Record("b", "1")])
    held.append([Record("b", None), Record("a", "2")])
    with pytest.raises(BusyError) as busy:
        journal.acquire(Lock.APPLY, "second")
    held.release()

    assert busy.value.holder is not None
    assert busy.value.holder.client_id == "first"
    assert journal.read() == (Record("a", "2"),)
    next_one = journal.acquire(Lock.APPLY, "second")
    with pytest.raises(LostError):
        held.writer.write([Record("a", "3")])
    next_one.append([Record("c", "1")])
    assert journal.read() == (Record("a", "2"), Record("c", "1"))
    next_one.append([Record("a", None), Record("c", None)])  # kafkaops refuses a journal that it does not understand
    next_one.release()


def test_what_a_topic_inherits_is_what_the_broker_says_of_a_topic_without_overrides(old: Desk) -> None:
    name = old.own("P.plain")
    assert old.admin.create_topics([NewTopic(name, 1, 1, {})]) == {name: None}
    until(lambda: all(isinstance(old.admin.topics(each, [name])[name], TopicView) for each in (1, 2, 3)), name)
    table = given(old.admin.broker_configs(1))
    lines = old.kafka.client("admin-librdkafka").read_text().splitlines()
    client = AdminClient({**dict(each.split("=", 1) for each in lines), "log_level": 0})
    resource = ConfigResource(ResourceType.TOPIC, name)

    told = {key: entry.value for key, entry in client.describe_configs([resource])[resource].result(10).items()}

    compared = {key for key in settings.SETTINGS if key in told}
    assert len(compared) > 25
    assert {key: settings.inherited(key, table, line(old)) for key in compared} == {
        key: settings.comparable(key, told[key]) for key in compared
    }


def test_from_yaml_to_the_cluster_and_back(old: Desk) -> None:
    old.write(orders=ORDERS)

    old.apply()

    old.assert_in_sync()
    assert old.overrides("P.order.created") == {"retention.ms": "604800000", "cleanup.policy": "compact,delete"}
    name = old.own("P.order.created")
    old.admin.alter_topics([AlterTopic(name, {"retention.ms": "86400000"})])
    until(lambda: old.overrides("P.order.created")["retention.ms"] == "86400000", "the change")
    assert old.run("drift").code == 2
    old.apply()
    old.assert_in_sync()


def test_apply_is_a_contract_on_the_older_lines_too(old: Desk) -> None:
    """One round of each: two at once, one that hangs, one that is killed, and a run that is taken back."""
    rounds = (
        lambda: contract.two_at_once(old, [1]),
        lambda: contract.hung(old, [1]),
        lambda: contract.killed(old, [1]),
        lambda: contract.taken_back(old),
    )
    for one in rounds:
        for path in old.topology.glob("*.yaml"):
            if path.name != "kafkaops.yaml":
                path.unlink()
        old.clear()
        one()
