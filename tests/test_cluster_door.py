"""What the door to real brokers decides without one: portions, sums, and sentences for what librdkafka says."""

import subprocess
import sys

import pytest

from kafkaops.cluster import FailureKind, KafkaError, TopicView
from kafkaops.cluster.confluent.greeting import Complaint, complaint_about
from kafkaops.cluster.live import portions, topic_bytes
from kafkaops.cluster.protocol import error_name, release, said

AT = "`h:1`"


@pytest.mark.parametrize(
    ("most", "sizes", "portioned"),
    [
        (3, [0.1, 0.1, 0.1, 0.1], [3, 1]),
        (9, [0.5, 0.5, 0.1, 0.9], [2, 2]),
        (9, [7.0, 0.1], [1, 1]),  # too much for any request: goes alone, and Kafka says why not
        (9, [], []),
    ],
)
def test_a_request_holds_no_more_than_it_may_and_no_less_than_it_can(
    most: int, sizes: list[float], portioned: list[int]
) -> None:
    items = dict(enumerate(sizes))

    found = list(portions(items, most, lambda size: size))

    assert [len(portion) for portion in found] == portioned
    assert {key: size for portion in found for key, size in portion.items()} == items


TWO = TopicView("t", "", assignment=((1, 2), (2, 3)), isr=((1, 2), (2, 3)), leaders=(1, 2))


@pytest.mark.parametrize(
    ("held", "total"),
    [
        ([{("t", 0): 10}, {("t", 0): 12, ("t", 1): 5}, {("t", 1): 4}], 17),
        (
            [{("t", 0): 10}, {("t", 1): 5}, {("t", 1): 4}],
            KafkaError("REPLICA_NOT_AVAILABLE", "partition 0 is not on live brokers with all its replicas"),
        ),
        (
            [{("t", 0): 10}, {("other", 1): 99}],
            KafkaError("REPLICA_NOT_AVAILABLE", "partition 0 is not on live brokers with all its replicas"),
        ),
        ([{("t", 0): 10, ("t", 1): 1}, KafkaError("TIMED_OUT")], KafkaError("TIMED_OUT")),
    ],
)
def test_a_topic_has_a_size_only_when_every_partition_and_every_broker_is_accounted_for(
    held: list[dict[tuple[str, int], int] | KafkaError], total: int | KafkaError
) -> None:
    assert topic_bytes(TWO, held) == total


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (1, "3.0"),
        (7, "3.3"),
        (11, "3.5"),
        (14, "3.6"),
        (21, "3.9"),
        (25, "4.0"),
        (27, "4.1"),
        (29, "4.2"),
        (30, "4.3"),
        (33, "4.4"),
    ],
)
def test_a_level_of_the_metadata_belongs_to_a_release(level: int, expected: str) -> None:
    assert release(level) == expected


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (-1, "UNKNOWN_SERVER_ERROR"),
        (3, "UNKNOWN_TOPIC_OR_PARTITION"),
        (7, "TIMED_OUT"),
        (17, "INVALID_TOPIC_EXCEPTION"),
        (39, "INVALID_REPLICA_ASSIGNMENT"),
        (89, "THROTTLING_QUOTA_EXCEEDED"),
        (9999, "ERROR_9999"),
    ],
)
def test_errors_have_the_names_that_kafka_gives_them(code: int, name: str) -> None:
    assert error_name(code) == name


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            "sasl_ssl://h:1/bootstrap: SASL authentication error: Authentication failed (after 320ms in state AUTH_REQ)",
            Complaint(FailureKind.REFUSED, f"{AT} refused the credentials"),
        ),
        (
            "Unsupported SASL mechanism: broker's supported mechanisms: SCRAM-SHA-512,SCRAM-SHA-256 (after 304ms in",
            Complaint(
                FailureKind.REFUSED,
                f"{AT} does not take the login mechanism of the client properties",
                "write one of these as `sasl.mechanism`: SCRAM-SHA-512,SCRAM-SHA-256",
            ),
        ),
        (
            "ssl://h:1/bootstrap: Connect to ipv4#10.0.0.1:1 failed: No route to host (after 0ms in state CONNECT)",
            Complaint(FailureKind.UNREACHABLE, f"{AT} cannot be reached: No route to host"),
        ),
        (
            "Failed to acquire SASL OAUTHBEARER token: Failed to connect to 127.0.0.1:9",
            Complaint(FailureKind.REFUSED, "the token endpoint gave no token to log in with"),
        ),
        (
            "sasl_ssl://h:1/bootstrap: Disconnected: SSL connection closed by peer (after 0ms in state SSL_HANDSHAKE)",
            Complaint(
                FailureKind.UNREACHABLE,
                f"{AT} does not speak TLS",
                "write `security.protocol=PLAINTEXT` or `SASL_PLAINTEXT`, or name a port with TLS",
            ),
        ),
        (
            "ssl://h:1/bootstrap: Receive failed: error:0A000416:SSL routines::ssl/tls alert certificate unknown: SSL",
            Complaint(FailureKind.REFUSED, f"{AT} refused the client certificate, or wants one"),
        ),
        (
            "ssl://h:1/bootstrap: SSL handshake failed: error:0A00042E:SSL routines::tlsv1 alert protocol version: SSL",
            Complaint(FailureKind.UNREACHABLE, f"{AT} refused TLS: protocol version"),
        ),
        ("h:1/bootstrap: ApiVersionRequest failed: Local: Timed out: probably due to broker version < 0.10", None),
        ("Configuration property `x` set to `y`", None),
    ],
)
def test_a_reason_of_librdkafka_becomes_a_sentence(text: str, complaint: Complaint | None) -> None:
    assert complaint_about("h:1", text) == complaint


def test_a_broker_is_quoted_without_its_java_objects() -> None:
    told = "Request Request(processor=2, session=org.apache.kafka.network.Session@5d19a735, envelope=Optional.empty) needs DESCRIBE permission."

    assert said(told) == "the request needs DESCRIBE permission."
    assert said("Cluster authorization failed.") == "Cluster authorization failed."


def test_the_contract_alone_loads_neither_client() -> None:
    seen = "import kafkaops.cluster, sys; print({'kafka', 'confluent_kafka'} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True).stdout == "set()\n"
