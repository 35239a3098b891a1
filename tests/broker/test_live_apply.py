"""From YAML to a real Kafka and back: what is declared is what is there, and nothing is done that was not asked for."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer, KafkaError, Producer
from desk import SUPER_USERS, Desk, command, environment, given, limit_changes, until

from kafkaops.cluster import AclBinding, AlterTopic, NewTopic, TopicView
from kafkaops.sandbox import start_broker, stop_broker

pytestmark = pytest.mark.broker

WHOLE = """
domain: P.order
owner: team-orders
share: {P-analytics: [Read]}
topics:
  P.order.created:
    profile: events
    max-message-bytes: 2MiB
    cleanup-policy: [compact, delete]
    min-cleanable-dirty-ratio: 0.25
    config: {segment.ms: 1d}
    description: an order was placed
    key: order-id
  P.order.paid: {partitions: 1, replication-factor: 2, unclean-leader-election-enable: false}
  P.order.small: {profile: events, partitions: 2}
applications:
  P-service:
    produces: [P.order.*]
    transactional-ids: [P-service-*]
  P-shipping:
    principal: User:P-ship
    host: 10.0.0.1
    consumes:
      - topics: [P.order.created]
        group: P-shipping
        retry: {attempts: 3, delay: 1s, multiplier: 2.0}
        dead-letter: true
  P-enricher:
    streams: {application-id: P-enricher, reads: [P.order.created], writes: [P.order.paid]}
acls:
  - {principal: User:P-analytics, operations: [Read], topic: P.order.*, group: P-analytics}
  - {principal: User:P-analytics, operations: [Describe], cluster: kafka-cluster, delegation-token: "*"}
  - {principal: User:P-analytics, operations: [CreateTokens], user: "User:other"}
  - {principal: User:P-analytics, operations: [All], topic: P.order.*, pattern: literal, host: 10.0.0.2}
"""
PROFILES = {
    "events": {"partitions": 6, "replication-factor": 3, "retention-ms": "7d", "compression-type": "lz4"},
}
TOPICS = {
    "P.order.created": (6, 3),
    "P.order.created-retry-1000": (6, 3),
    "P.order.created-retry-2000": (6, 3),
    "P.order.created-dlt": (6, 3),
    "P.order.paid": (1, 2),
    "P.order.small": (2, 3),
}
ACLS = """
P-service Write Topic Prefixed P.order. *
P-service Write TransactionalId Prefixed P-service- *
P-ship Read Topic Literal P.order.created 10.0.0.1
P-ship Read Topic Literal P.order.created-retry-1000 10.0.0.1
P-ship Write Topic Literal P.order.created-retry-1000 10.0.0.1
P-ship Read Topic Literal P.order.created-retry-2000 10.0.0.1
P-ship Write Topic Literal P.order.created-retry-2000 10.0.0.1
P-ship Read Topic Literal P.order.created-dlt 10.0.0.1
P-ship Write Topic Literal P.order.created-dlt 10.0.0.1
P-ship Read Group Literal P-shipping 10.0.0.1
P-ship Read Group Literal P-shipping-retry-1000 10.0.0.1
P-ship Read Group Literal P-shipping-retry-2000 10.0.0.1
P-ship Read Group Literal P-shipping-dlt 10.0.0.1
P-enricher Read Topic Literal P.order.created *
P-enricher Write Topic Literal P.order.paid *
P-enricher Create Topic Prefixed P-enricher- *
P-enricher Delete Topic Prefixed P-enricher- *
P-enricher DescribeConfigs Topic Prefixed P-enricher- *
P-enricher Read Topic Prefixed P-enricher- *
P-enricher Write Topic Prefixed P-enricher- *
P-enricher Read Group Literal P-enricher *
P-enricher Write TransactionalId Prefixed P-enricher- *
P-analytics Read Topic Prefixed P.order. *
P-analytics Read Group Literal P-analytics *
P-analytics Describe Cluster Literal kafka-cluster *
P-analytics Describe DelegationToken Literal * *
P-analytics CreateTokens User Literal User:other *
P-analytics All Topic Literal P.order.* 10.0.0.2
"""


# ---- the language's whole breadth


def test_all_that_the_language_says_is_there_after_apply_and_a_second_plan_is_empty(desk: Desk) -> None:
    with_profiles(desk, PROFILES)
    desk.write(order=WHOLE)

    desk.apply()

    assert {name: (len(view.assignment), len(view.assignment[0])) for name, view in views(desk).items()} == {
        desk.own(name): shape for name, shape in TOPICS.items()
    }
    events = {"retention.ms": "604800000", "compression.type": "lz4"}
    assert {name: desk.overrides(name) for name in TOPICS} == {
        "P.order.created": {
            **events,
            "max.message.bytes": "2097152",
            "cleanup.policy": "compact,delete",
            "min.cleanable.dirty.ratio": "0.25",
            "segment.ms": "86400000",
        },
        "P.order.created-retry-1000": {},
        "P.order.created-retry-2000": {},
        "P.order.created-dlt": {},
        "P.order.paid": {"unclean.leader.election.enable": "false"},
        "P.order.small": events,
    }
    assert desk.acls() == acls(desk, ACLS)
    desk.assert_in_sync()


def test_another_spelling_of_the_same_is_in_sync(desk: Desk) -> None:
    """Files, order, units, profiles against own values, roles against raw entries: nothing of it is a change."""
    with_profiles(desk, PROFILES)
    desk.write(
        order="""
domain: P.order
topics:
  P.order.created: {profile: events, cleanup-policy: [compact, delete], preallocate: true, min-cleanable-dirty-ratio: 0.5}
  P.order.paid: {profile: events, max-message-bytes: 1MiB}
applications:
  P-service: {produces: [P.order.*]}
"""
    )
    desk.apply()
    with_profiles(desk, {})
    desk.write(
        order="topics: {}",
        b_paid="""
domain: P.order
acls:
  - {principal: User:P-service, permission: allow, operations: [Write], topic: P.order., pattern: prefixed, host: "*"}
topics:
  P.order.paid:
    config: {compression.type: lz4, retention.ms: 604800000, max.message.bytes: "1048576"}
    replication-factor: 3
    partitions: 6
""",
        a_created="""
domain: P.order
topics:
  P.order.created:
    compression-type: lz4
    min-cleanable-dirty-ratio: "0.50"
    preallocate: "true"
    cleanup-policy: [delete, compact]
    retention-ms: 168h
    partitions: 6
    replication-factor: 3
""",
    )

    desk.assert_in_sync()


def test_apply_of_what_is_there_does_nothing(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    before = desk.topics(), desk.acls()

    ran = desk.run("apply", "--yes", "-o", "json")

    assert (ran.code, ran.document["verdict"], ran.document["changes"], ran.stderr) == (0, "in_sync", [], "")
    assert (desk.topics(), desk.acls()) == before


def test_only_what_is_named_is_applied(desk: Desk) -> None:
    desk.write(order=PLAIN)

    assert desk.run("apply", "--yes", "--only", "acl/*").code == 0

    assert (desk.topics(), len(desk.acls())) == ({}, 1)


PLAIN = """
domain: P.order
topics:
  P.order.created: {partitions: 3, replication-factor: 3, retention-ms: 7d}
  P.order.legacy: {partitions: 1, replication-factor: 3}
applications:
  P-service: {produces: [P.order.*]}
"""


# ---- what the broker alone knows


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ('config: {vendor.tiering.enable: "true"}', "INVALID_CONFIG: Unknown topic config name: vendor.tiering.enable"),
        (
            "remote-storage-enable: true",
            "INVALID_CONFIG: Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ),
    ],
)
def test_the_brokers_refusal_comes_in_its_own_words_before_any_write(desk: Desk, setting: str, words: str) -> None:
    desk.write(order=PLAIN, more=f"topics: {{P.more: {{partitions: 1, replication-factor: 1, {setting}}}}}")

    ran = desk.run("apply", "--yes", "-o", "json")

    assert (ran.code, ran.document["verdict"]) == (3, "blocked")
    assert [(one["code"], one["message"]) for one in ran.document["findings"]] == [
        ("KO2302", desk.own(f"P.more: the broker refuses to create it: {words}"))
    ]
    assert (desk.topics(), desk.acls()) == ({}, set())


def test_plan_asks_the_broker_too_where_the_cluster_says_so(desk: Desk) -> None:
    desk.settings(broker_validation="plan")
    desk.write(order='topics: {P.more: {partitions: 1, replication-factor: 1, config: {vendor.x: "1"}}}')

    made = desk.plan()

    assert (made["exit_code"], [one["code"] for one in made["findings"]]) == (3, ["KO2302"])
    assert desk.topics() == {}


def test_a_setting_that_the_broker_refuses_of_a_live_topic_is_named(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    desk.write(order=PLAIN.replace("retention-ms: 7d", "retention-ms: 7d, remote-storage-enable: true"))
    desk.write(consent=consent(desk.plan()["findings"]))

    ran = desk.run("apply", "--yes")

    assert ran.code == 3
    assert "the broker refuses remote.storage.enable" in ran.stdout
    assert desk.overrides("P.order.created") == {"retention.ms": "604800000"}


# ---- quotas


def test_a_quota_is_respected_and_told_while_it_waits(desk: Desk) -> None:
    """11 s worth of changes may come at once (KIP-599), validated ones too; what is beyond that waits, and nothing fails."""
    desk.write(
        many="topics:\n" + "".join(f"  P.many.{one}: {{partitions: 1, replication-factor: 1}}\n" for one in range(20))
    )
    limit_changes(desk.admin, per_second=1)
    try:
        ran = desk.run("apply", "--yes", "-o", "json")
    finally:
        limit_changes(desk.admin, per_second=None)

    assert ran.code == 0, ran.told
    assert ran.document["results"]["applied"] == 20
    assert re.search(
        r"^  waits    create topics: Kafka puts off \d+ of 20, sent again in \d+\.\d s.*\(THROTTLING_QUOTA_EXCEEDED",
        ran.stderr,
        re.MULTILINE,
    ), ran.stderr


def test_ctrl_c_ends_the_waiting_for_a_quota_and_tells_what_is_done(desk: Desk) -> None:
    desk.write(
        many="topics:\n" + "".join(f"  P.many.{one}: {{partitions: 1, replication-factor: 1}}\n" for one in range(40))
    )
    limit_changes(desk.admin, per_second=2)
    try:
        with subprocess.Popen(
            command("apply", "--yes", "-o", "json"),
            cwd=desk.folder,
            env=environment({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as running:
            assert running.stdout
            assert running.stderr
            for line in running.stderr:
                if line.startswith("  waits    create topics: "):  # and no longer to have them validated
                    break
            running.send_signal(signal.SIGINT)
            begun = time.monotonic()
            document = json.loads(running.stdout.read())
            running.wait()
    finally:
        limit_changes(desk.admin, per_second=None)

    assert time.monotonic() - begun < 5
    assert (running.returncode, document["exit_code"]) == (130, 130)
    assert 0 < document["results"]["applied"] < 40
    until(lambda: len(desk.topics()) == document["results"]["applied"], "the topics that it says it made")


# ---- dangers


HARM = (
    PLAIN.replace("partitions: 3", "partitions: 4")
    .replace("7d", "3d")
    .replace("P.order.legacy: {partitions: 1, replication-factor: 3}", "P.order.legacy: {state: absent}")
    .replace("P-service: {produces: [P.order.*]}", "P-service: {state: absent}")
)


def test_dangers_block_everything_and_pass_once_each_is_acknowledged(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    before = desk.topics(), desk.acls(), desk.overrides("P.order.created")
    desk.write(order=HARM)

    blocked = desk.run("apply", "--yes", "-o", "json")

    made = blocked.document
    assert (blocked.code, made["verdict"], len(made["changes"])) == (3, "blocked", 4)
    assert sorted(one["code"] for one in made["findings"]) == ["KO2104", "KO2106", "KO2110", "KO3107"]
    assert (desk.topics(), desk.acls(), desk.overrides("P.order.created")) == before

    desk.write(consent=consent(made["findings"][:-1]))
    assert desk.run("apply", "--yes").code == 3
    assert (desk.topics(), desk.acls(), desk.overrides("P.order.created")) == before

    desk.write(consent=consent(made["findings"]))
    desk.apply()

    created = desk.own("P.order.created")
    assert {name: facts[1] for name, facts in desk.topics().items()} == {created: 4}
    assert (desk.acls(), desk.overrides("P.order.created")) == (set(), {"retention.ms": "259200000"})


def test_consent_is_void_when_the_value_has_moved_since(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    desk.write(order=PLAIN.replace("7d", "3d"))
    desk.write(consent=consent(desk.plan()["findings"]))
    name = desk.own("P.order.created")
    desk.admin.alter_topics([AlterTopic(name, {"retention.ms": "1209600000"})])
    until(lambda: desk.overrides("P.order.created") == {"retention.ms": "1209600000"}, "the new value")

    ran = desk.run("apply", "--yes", "-o", "json")

    assert (ran.code, [one["code"] for one in ran.document["findings"] if one["blocking"]]) == (3, ["KO2104"])
    assert desk.overrides("P.order.created") == {"retention.ms": "1209600000"}


def test_a_deletion_that_was_acknowledged_for_one_topic_spares_the_next_one_of_that_name(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    legacy = desk.own("P.order.legacy")
    desk.write(order=PLAIN.replace("{partitions: 1, replication-factor: 3}", "{state: absent}"))
    desk.write(consent=consent(desk.plan()["findings"]))
    desk.admin.delete_topics({legacy: desk.topics()[legacy][0]})
    until(lambda: legacy not in desk.topics(), "the deletion")
    desk.admin.create_topics([NewTopic(legacy, 2, 1, {})])
    until(lambda: legacy in desk.topics(), "the new topic")

    assert desk.run("apply", "--yes").code == 3

    assert desk.topics()[legacy][1] == 2


def test_an_undeclared_topic_is_never_touched(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    desk.write(order="domain: P.order")

    ran = desk.run("apply", "--yes", "-o", "json")

    assert (ran.code, ran.document["changes"]) == (0, [])
    assert len(desk.topics()) == 2
    assert len(desk.acls()) == 1


# ---- access in use


def test_a_writer_sees_no_refusal_while_its_access_is_replaced(desk: Desk) -> None:
    desk.user("writer")
    desk.write(order=WRITER)
    desk.apply()
    replaced = WRITER.replace("P.order.created]", "P.order.*]")
    desk.write(order=replaced)
    topic = desk.own("P.order.created")

    with writing(desk, topic) as written:
        until(lambda: written["done"] > 50, "the first records")
        desk.apply()
        after_the_change = written["done"]
        until(lambda: written["done"] > after_the_change + 50, "more records")

    assert written["errors"] == 0
    assert desk.acls() == acls(desk, "P-writer Write Topic Prefixed P.order. *")
    desk.assert_in_sync()


WRITER = """
domain: P.order
topics:
  P.order.created: {partitions: 3, replication-factor: 3}
applications:
  P-writer: {produces: [P.order.created]}
"""


@contextmanager
def writing(desk: Desk, topic: str) -> Iterator[dict[str, int]]:
    """A producer that writes all the time; what it was told, counted. It asks for fresh metadata twice a second, so that it would learn of a refusal."""
    told = {"done": 0, "errors": 0}
    stop = threading.Event()

    def heard(error: KafkaError | None, _: object) -> None:
        told["done" if error is None else "errors"] += 1

    def wrong(error: KafkaError) -> None:
        told["errors"] += error.code() in {
            KafkaError.TOPIC_AUTHORIZATION_FAILED,
            KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        }

    login: dict[str, Any] = {**desk.login(f"{desk.prefix}-writer"), "log_level": 0}
    producer = Producer({**login, "linger.ms": 1, "topic.metadata.refresh.interval.ms": 500, "error_cb": wrong})

    def write() -> None:
        while not stop.wait(0.005):
            producer.produce(topic, b"order", on_delivery=heard)
            producer.poll(0)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield told
    finally:
        stop.set()
        thread.join()
        assert producer.flush(30) == 0


def test_a_service_writes_its_own_domain_and_does_not_read_another(desk: Desk) -> None:
    desk.user("order-service")
    desk.write(
        order="""
domain: P.order
topics:
  P.order.created: {partitions: 1, replication-factor: 3}
applications:
  P-order-service: {produces: [P.order.*], consumes: [{topics: [P.order.created], group: P-orders}]}
""",
        payment="""
domain: P.payment
topics:
  P.payment.done: {partitions: 1, replication-factor: 3}
""",
    )
    desk.apply()
    user = f"{desk.prefix}-order-service"

    assert write_one(desk, user, desk.own("P.order.created")) is None
    assert write_one(desk, user, desk.own("P.payment.done")) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    assert read_one(desk, user, desk.own("P.order.created")) is None
    assert read_one(desk, user, desk.own("P.payment.done")) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def write_one(desk: Desk, user: str, topic: str) -> int | None:
    """The error's code."""
    codes: list[int | None] = []
    producer = Producer({**desk.login(user), "log_level": 0, "message.timeout.ms": 20000})
    producer.produce(topic, b"one", on_delivery=lambda error, _: codes.append(error and error.code()))
    producer.flush(30)
    return codes[0]


def read_one(desk: Desk, user: str, topic: str) -> int | None:
    group = desk.own("P-orders")
    consumer = Consumer({**desk.login(user), "log_level": 0, "group.id": group, "auto.offset.reset": "earliest"})
    try:
        consumer.subscribe([topic])
        message = consumer.poll(30)
        assert message is not None
        return message.error() and message.error().code()  # type: ignore[no-any-return]
    finally:
        consumer.close()


# ---- drift


def test_a_change_behind_gits_back_is_drift_and_apply_repairs_it(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    assert desk.run("drift").code == 0
    name = desk.own("P.order.created")
    mine = desk.acls()
    desk.admin.alter_topics([AlterTopic(name, {"retention.ms": "86400000", "segment.ms": "3600000"})])
    desk.admin.delete_acls(mine)
    until(lambda: not desk.acls() and len(desk.overrides("P.order.created")) == 2, "the changes")

    ran = desk.run("drift", "-o", "json")

    assert ran.code == 2
    assert [one["id"] for one in ran.document["changes"]] == [
        desk.own("acl:acl/User:P-service/topic/P.order.*/write"),
        f"topic:{name}#retention.ms",
        f"topic:{name}#segment.ms",
    ]
    desk.write(consent=consent(ran.document["findings"]))
    desk.apply()
    assert (desk.acls(), desk.overrides("P.order.created")) == (mine, {"retention.ms": "604800000"})
    assert desk.run("drift").code == 0


def test_access_that_was_given_behind_gits_back_is_taken_only_with_consent(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    mine = desk.acls()
    extra = AclBinding(f"User:{desk.prefix}-service", "Allow", "Read", "Topic", "Literal", desk.own("P.payment.done"))
    desk.admin.create_acls([extra])
    until(lambda: extra in desk.acls(), "the ACL")

    assert desk.run("apply", "--yes").code == 3
    assert desk.acls() == mine | {extra}

    desk.write(consent=consent(desk.plan()["findings"]))
    desk.apply()
    assert desk.acls() == mine


# ---- which cluster, and who


def test_another_cluster_is_refused_and_only_its_id_was_asked(desk: Desk) -> None:
    with recording(desk.kafka.ports["INTERNAL"][0]) as (server, asked):
        desk.settings(
            properties=f"bootstrap.servers={server}\nsecurity.protocol=PLAINTEXT\n",
            bootstrap_servers=[server],
            cluster_id="Qm7xT0pRSc2vW4f2A",
        )
        desk.write(order=PLAIN)

        ran = desk.run("apply", "--yes")

    assert ran.code == 5
    assert f"belongs to the cluster `{desk.kafka.cluster_id}`, and `Qm7xT0pRSc2vW4f2A` is expected" in ran.stderr
    assert asked <= {API_VERSIONS, METADATA, DESCRIBE_CLUSTER}
    assert asked & {METADATA, DESCRIBE_CLUSTER}
    assert desk.topics() == {}


METADATA, API_VERSIONS, DESCRIBE_CLUSTER = 3, 18, 60


@contextmanager
def recording(port: int) -> Iterator[tuple[str, set[int]]]:
    """A way to the broker at that port, and the keys of the requests that went along it (a request: length, then its key, four and two bytes)."""
    asked: set[int] = set()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                broker = socket.create_connection(("127.0.0.1", port))
                threading.Thread(target=requests, args=(client, broker), daemon=True).start()
                threading.Thread(target=pump, args=(broker, client), daemon=True).start()

        def requests(client: socket.socket, broker: socket.socket) -> None:
            with client, broker, client.makefile("rb") as stream:
                while head := stream.read(4):
                    body = stream.read(int.from_bytes(head))
                    asked.add(int.from_bytes(body[:2]))
                    broker.sendall(head + body)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        return


def test_a_cluster_without_a_pin_is_not_written_to(desk: Desk) -> None:
    desk.settings(cluster_id=None)
    desk.write(order=PLAIN)

    ran = desk.run("apply", "--yes")

    assert ran.code == 64
    assert f"write `cluster-id: {desk.kafka.cluster_id}`" in ran.stderr
    assert (desk.topics(), desk.run("plan").code) == ({}, 0)


def test_a_principal_without_rights_is_told_so(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    user = desk.user("nobody")
    desk.settings(properties=desk.properties_of(user))

    for arguments in (
        ["plan"],
        ["drift"],
        ["apply", "--yes"],
        ["doctor"],
        ["describe", desk.own("topic/P.order.created")],
    ):
        ran = desk.run(*arguments)
        assert ran.code == 77, ran.told

    assert "could not be read, so nothing is planned" in desk.run("plan").stderr


def test_a_principal_that_may_only_read_plans_and_does_not_apply(desk: Desk) -> None:
    user = desk.user("reader")
    rights = [
        AclBinding(f"User:{user}", "Allow", operation, kind, "Literal", name)
        for operation in ("Describe", "DescribeConfigs")
        for kind, name in (("Topic", "*"), ("Cluster", "kafka-cluster"))
    ]
    desk.admin.create_acls(rights)
    until(lambda: set(rights) <= desk.acls(), "the rights")
    declared = {"super-users": SUPER_USERS, "allow-everyone": False}
    desk.settings(properties=desk.properties_of(user), authorizer=declared)
    desk.write(order=PLAIN)
    until(lambda: desk.run("plan").code == 0, "the rights to be known")

    whole = desk.run("apply", "--yes")
    access = desk.run("apply", "--yes", "--only", "acl/*")

    assert (whole.code, access.code) == (77, 77), whole.told + access.told
    assert (desk.topics(), desk.acls()) == ({}, set(rights))


# ---- brokers that lag, stop or never answer


def test_right_after_many_creations_nothing_is_created_twice_and_a_lag_is_told(desk: Desk) -> None:
    """Brokers may all lag behind the controller alike. It is asked before anything is created (decisions 1), and by `plan` where it may."""
    names = [desk.own(f"P.many.n{number}") for number in range(400)]
    desk.settings(broker_validation="plan")
    desk.write(many=yaml.safe_dump({"topics": {name: {"partitions": 3, "replication-factor": 1} for name in names}}))
    assert set(desk.admin.create_topics([NewTopic(name, 3, 1, {}) for name in names]).values()) == {None}

    for command_ in (["plan", "-o", "json"], ["apply", "--yes", "-o", "json"]):
        ran = desk.run(*command_)

        lags = (
            "the controller knows topics that the brokers do not show yet" in ran.stderr or "do not agree" in ran.stderr
        )
        assert (ran.code, ran.document.get("changes")) == (0, []) or (ran.code == 69 and lags), ran.stderr


def test_a_broker_that_stops_during_apply_stops_nothing_for_good(desk: Desk) -> None:
    desk.write(many=many(120))
    number = 3
    try:
        with applying(desk) as apply:
            apply.wait_for_the_first_write()
            stop_broker(desk.kafka.directory, number)
            code = apply.end()
        assert code in {0, 7, 69}, apply.told
    finally:
        start_broker(desk.kafka.directory, number)

    desk.apply()

    assert_exactly(desk, 120)


def test_a_broker_that_is_down_is_no_reason_to_do_nothing(desk: Desk) -> None:
    desk.write(order=PLAIN)
    desk.apply()
    stop_broker(desk.kafka.directory, 2)
    try:
        until(lambda: desk.admin.describe().fenced == (2,), "broker 2 to be fenced")
        desk.write(order=PLAIN.replace("7d", "14d"))
        desk.apply()
        assert desk.plan()["verdict"] == "in_sync"
    finally:
        start_broker(desk.kafka.directory, 2)

    desk.assert_in_sync()
    assert desk.overrides("P.order.created") == {"retention.ms": "1209600000"}


# ---- Ctrl-C


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_criterion_15_an_interrupted_apply_says_what_is_done_and_the_same_command_finishes(
    desk: Desk, number: signal.Signals, code: int
) -> None:
    desk.write(many=many(40))

    with applying(desk) as apply:
        ended, took = apply.interrupt_after_a_step(number)

    assert (ended, "Traceback" in apply.told) == (code, False), apply.told
    assert took < 5  # two on an idle machine
    assert re.search(r"(?m)^INTERRUPTED: (40|80) of 80 done", apply.told), apply.told
    desk.apply()
    assert_exactly(desk, 40)


def many(count: int, retention: str = "7d") -> str:
    """Topics with a setting, and as many principals with access to each."""
    topics = {
        f"P.many.n{number}": {"partitions": 2, "replication-factor": 3, "retention-ms": retention}
        for number in range(count)
    }
    roles = {f"P-app{number}": {"produces": [f"P.many.n{number}"]} for number in range(count)}
    return yaml.safe_dump({"domain": "P.many", "topics": topics, "applications": roles})


def assert_exactly(desk: Desk, count: int, retention: str = "604800000") -> None:
    names = [desk.own(f"P.many.n{number}") for number in range(count)]
    assert {name: facts[1] for name, facts in desk.topics().items()} == dict.fromkeys(names, 2)
    assert {
        name: {key: entry.value for key, entry in given(answer).items()}
        for name, answer in desk.admin.topic_overrides(names).items()
    } == {name: {"retention.ms": retention} for name in names}
    found = [acl for acl in given(desk.admin.acls()) if acl.principal.startswith(f"User:{desk.prefix}")]
    assert sorted(found) == sorted(
        acls(desk, "\n".join(f"P-app{number} Write Topic Literal P.many.n{number} *" for number in range(count)))
    )
    desk.assert_in_sync()


class Applying:
    """`apply --yes` under way."""

    def __init__(self, desk: Desk) -> None:
        self._process = subprocess.Popen(
            command("apply", "--yes"),
            cwd=desk.folder,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.told = ""

    def wait_for_the_first_write(self) -> None:
        """Its first line says how many changes begin now."""
        assert self._process.stderr
        self.told = self._process.stderr.readline()
        assert " changes" in self.told, self.told + self._process.stderr.read()

    def wait_for_the_end_of_a_step(self) -> None:
        assert self._process.stderr
        self.told += self._process.stderr.readline()

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def interrupt(self, number: signal.Signals) -> tuple[int, float]:
        """The exit code, and how many seconds the end took."""
        begun = time.monotonic()
        self._process.send_signal(number)
        return self.end(), time.monotonic() - begun

    def interrupt_after_a_step(self, number: signal.Signals) -> tuple[int, float]:
        self.wait_for_the_first_write()
        self.wait_for_the_end_of_a_step()
        return self.interrupt(number)

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> int:
        out, err = self._process.communicate(timeout=150)
        self.told += err + out
        return self._process.returncode


@contextmanager
def applying(desk: Desk) -> Iterator[Applying]:
    under_way = Applying(desk)
    try:
        yield under_way
    finally:
        under_way.kill()


# ---- words


def with_profiles(desk: Desk, profiles: Mapping[str, object]) -> None:
    path = desk.topology / "kafkaops.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "profiles": profiles}))


def consent(findings: list[dict[str, Any]]) -> str:
    """What `kafkaops ack` would write, for all dangers among these."""
    until_ = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
    rows = [{**one["ack"], "cluster": "test", "until": until_, "reason": "OPS-1"} for one in findings if one.get("ack")]
    return yaml.safe_dump({"acknowledge": rows})


def acls(desk: Desk, text: str) -> set[AclBinding]:
    """A line each: user, operation, resource type, pattern, name, host."""
    rows = (desk.own(line).split() for line in text.strip().splitlines())
    return {
        AclBinding(f"User:{user}", "Allow", operation, kind, pattern, name, host)
        for user, operation, kind, pattern, name, host in rows
    }


def views(desk: Desk) -> dict[str, TopicView]:
    return {name: given(view) for name, view in desk.admin.topics(1, sorted(desk.topics())).items()}
