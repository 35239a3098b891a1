"""What another tool has left behind, and what it is still about, on a real Kafka: status, doctor and plan tell it and change nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from desk import Desk, given, until

from kafkaops.cluster import AlterBroker, AlterTopic, ConfigSource, NewTopic, TopicPartition
from kafkaops.moving.throttling import FOLLOWERS, LEADERS, RATES

pytestmark = pytest.mark.broker

TARDY = "1000"  # bytes a second: so slow that nothing ends while a test looks
MEGABYTES = 3  # the first one comes before a throttle is felt


@pytest.fixture
def moving(desk: Desk) -> Iterator[Desk]:
    """`P.left` has lists of throttled replicas and is at rest; `P.goes` is on its way from [1, 2] to [2, 3]."""
    left, goes = desk.own("P.left"), desk.own("P.goes")
    admin = desk.admin
    new = [NewTopic(name, 0, 0, {}, ((1, 2),)) for name in (left, goes)]
    assert admin.create_topics(new) == {left: None, goes: None}
    until(lambda: desk.topics().keys() == {left, goes}, "both topics to be there")
    fill(desk, goes)
    lists = [AlterTopic(left, {LEADERS: "0:1,0:2"}), AlterTopic(goes, {LEADERS: "0:1,0:2", FOLLOWERS: "0:3"})]
    assert set(admin.alter_topics(lists).values()) == {None}
    assert set(admin.alter_brokers([AlterBroker(one, dict.fromkeys(RATES, TARDY)) for one in (1, 2, 3)]).values()) == {
        None
    }
    assert admin.reassign({TopicPartition(goes, 0): (2, 3)}, resize=False) == {TopicPartition(goes, 0): None}
    desk.write(
        topics="topics:\n  P.left: {partitions: 1, replication-factor: 2}\n"
        "  P.goes: {partitions: 1, replication-factor: 2}\n"
    )
    yield desk
    admin.reassign({TopicPartition(goes, 0): None}, resize=True)
    admin.alter_brokers([AlterBroker(one, dict.fromkeys(RATES)) for one in (1, 2, 3)])
    until(lambda: not rates(desk), "no rate to be set")


def fill(desk: Desk, topic: str) -> None:
    producer = Producer(
        {
            "bootstrap.servers": desk.kafka.bootstrap,
            "security.protocol": "SASL_SSL",
            "ssl.ca.location": str(desk.kafka.ca),
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "admin",
            "sasl.password": desk.kafka.properties.read_text().partition('password="')[2].partition('"')[0],
        }
    )
    for _ in range(MEGABYTES * 4):
        producer.produce(topic, b"x" * 250_000)
    assert producer.flush(30) == 0


def rates(desk: Desk) -> set[int]:
    found = {one: given(desk.admin.broker_configs(one)) for one in (1, 2, 3)}
    return {
        broker
        for broker, table in found.items()
        for key in RATES
        if key in table and table[key].source is ConfigSource.DYNAMIC_BROKER
    }


def test_criterion_14_what_a_foreign_tool_left_behind_is_told_apart_from_what_it_is_still_about(moving: Desk) -> None:
    left, goes = moving.own("P.left"), moving.own("P.goes")

    ran = moving.run("status", "-o", "json")

    assert ran.code == 0, ran.told
    document = ran.document
    (flight,) = document["reassignments"]
    assert {key: flight[key] for key in ("topic", "partition", "from", "to", "removing", "run")} == {
        "topic": goes,
        "partition": 0,
        "from": [1, 2],
        "to": [2, 3],
        "removing": [1],
        "run": None,
    }
    (arriving,) = flight["adding"]
    assert arriving["broker"] == 3
    assert 0 <= arriving["copied_bytes"] < arriving["of_bytes"]
    assert arriving["of_bytes"] >= MEGABYTES * 1_000_000
    told = {(one["name"], one["key"]): (one["value"], one["whose"], one["idle"]) for one in document["throttles"]}
    assert told == {
        **{(str(broker), key): (TARDY, "foreign", False) for broker in (1, 2, 3) for key in RATES},
        (left, LEADERS): ("0:1,0:2", "foreign", True),
        (goes, LEADERS): ("0:1,0:2", "foreign", False),
        (goes, FOLLOWERS): ("0:3", "foreign", False),
    }
    assert [one["code"] for one in document["findings"]] == ["KO4301", "KO4302"]
    assert document["findings"][0]["help"] == (
        f"`kafka-configs.sh --alter --entity-type topics --entity-name {left} --delete-config {LEADERS}`"
    )
    assert document["partitions"]["under_min_isr"] == 0
    for broker in document["brokers"]:
        for log_dir in broker["log_dirs"]:
            assert 0 < log_dir["usable_bytes"] < log_dir["total_bytes"]

    plan = moving.run("plan", "-o", "json").document
    (found,) = [one for one in plan["findings"] if one["code"] == "KO4301"]
    assert found["notes"] == [f"topic {left}: {LEADERS}=0:1,0:2"]

    doctor = moving.run("doctor", "-o", "json").document
    (check,) = [one for one in doctor["checks"] if one["name"] == "throttles"]
    assert (check["result"], check["help"]) == ("warning", document["findings"][0]["help"])

    assert moving.overrides("P.left") == {LEADERS: "0:1,0:2"}
    assert rates(moving) == {1, 2, 3}


def test_what_a_login_may_not_see_is_said_to_be_unknown(moving: Desk) -> None:
    moving.settings(properties=moving.properties_of(moving.user("blind")))

    ran = moving.run("status", "-o", "json")

    assert ran.code == 0, ran.told
    document = ran.document
    assert (document["verdict"], document["reassignments"]) == ("attention", None)
    assert {one["log_dirs"] for one in document["brokers"]} == {None}
    assert document["journal"]["known"] is False
    assert {one["code"] for one in document["findings"]} == {"KO4306"}
