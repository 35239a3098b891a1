"""The cluster in memory: each of Kafka's rules is a fact here, in Kafka's words; half of them say what does not change."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops.cluster import (
    AclBinding,
    AlterTopic,
    Broker,
    Cluster,
    ClusterFailure,
    ConfigEntry,
    ConfigSource,
    Description,
    FailureKind,
    KafkaError,
    MorePartitions,
    NewTopic,
    TopicView,
)
from kafkaops.cluster.plain import Malformed, acl
from kafkaops.cluster.rules import CLUSTER_OPERATIONS, broker_defaults, java_double
from kafkaops.cluster.snapshot import LOST, Call, SnapshotCluster, SnapshotState, SnapshotTopic, topic_id

ORDERS = "order.order.created.v1"
READ = AclBinding("User:a", "Allow", "Read", "Topic", "Literal", "order.x")
WRITE = replace(READ, operation="Write")
NO_TOPIC = KafkaError("UNKNOWN_TOPIC_OR_PARTITION")
NO_TOPIC_ID = KafkaError("UNKNOWN_TOPIC_ID", "This server does not host this topic ID.")
NO_TOPIC_RIGHT = KafkaError("TOPIC_AUTHORIZATION_FAILED", "Topic authorization failed.")
NO_CLUSTER_RIGHT = KafkaError("CLUSTER_AUTHORIZATION_FAILED", "Cluster authorization failed.")


def cluster(**keys: object) -> SnapshotCluster:
    """Three brokers and one topic of three partitions and two replicas, unless a key says otherwise."""
    plain = {"topics": {ORDERS: {"partitions": 3, "replication": 2, "config": {"retention.ms": "1000"}, "bytes": 7}}}
    return SnapshotCluster.from_dict({**plain, **keys})


def new(name: str, partitions: int = 1, replication: int = 1, **configs: str) -> NewTopic:
    return NewTopic(name, partitions, replication, {key.replace("_", "."): text for key, text in configs.items()})


def created(on: SnapshotCluster, topic: NewTopic) -> KafkaError | None:
    return on.create_topics([topic])[topic.name]


def overrides(on: Cluster, name: str) -> Mapping[str, str | None]:
    answer = on.topic_overrides([name])[name]
    assert not isinstance(answer, KafkaError)
    return {key: entry.value for key, entry in answer.items()}


def assignment(on: SnapshotCluster, name: str) -> tuple[tuple[int, ...], ...]:
    return on.state.topics[name].assignment


def test_it_is_a_cluster() -> None:
    door: Cluster = cluster()

    assert door.topic_names(1) == {ORDERS: (topic_id(0), 3)}


# --- reads


def test_describe_names_live_brokers_and_fenced_ones() -> None:
    live = cluster(brokers=2, down=[2])

    assert live.describe() == Description(
        cluster_id="snapshot-cluster-0001A",
        brokers=(Broker(1, "broker-1", 9092, "rack-1"),),
        fenced=(2,),
        kafka_version="4.4",
        operations=CLUSTER_OPERATIONS,
    )


def test_fenced_brokers_are_not_listed_before_4_0() -> None:
    assert cluster(kafka="4.0", down=[2]).describe().fenced == (2,)
    assert cluster(kafka="3.9", down=[2]).describe().fenced == ()


def test_a_topic_is_shown_with_its_replicas_and_leaders() -> None:
    assert cluster().topics(1, [ORDERS]) == {
        ORDERS: TopicView(ORDERS, topic_id(0), ((1, 2), (2, 3), (3, 1)), ((1, 2), (2, 3), (3, 1)), (1, 2, 3))
    }


def test_a_down_broker_keeps_its_replicas_and_leads_nothing() -> None:
    live = cluster()
    live.stop(1)

    view = live.topics(2, [ORDERS])[ORDERS]

    assert view == TopicView(ORDERS, topic_id(0), ((1, 2), (2, 3), (3, 1)), ((2,), (2, 3), (3,)), (2, 2, 3))


def test_a_broker_that_comes_back_leads_again() -> None:
    live = cluster()
    before = live.topics(2, [ORDERS])
    live.stop(1)
    live.start(1)

    assert live.topics(2, [ORDERS]) == before


def test_a_partition_whose_brokers_are_all_down_has_no_leader() -> None:
    live = cluster(down=[1, 2])

    view = live.topics(3, [ORDERS])[ORDERS]

    assert isinstance(view, TopicView)
    assert view.leaders == (-1, 3, 3)


def test_every_name_that_was_asked_for_is_in_the_answer() -> None:
    live = cluster()

    assert live.topics(1, ["no", "no such"]) == {
        "no": NO_TOPIC,
        "no such": KafkaError("INVALID_TOPIC_EXCEPTION"),
    }
    assert live.topic_overrides(["no"]) == {"no": NO_TOPIC}
    assert live.topic_bytes(["no"]) == {"no": NO_TOPIC}


def test_offsets_are_internal() -> None:
    view = cluster(topics={"__consumer_offsets": {}}).topics(1, ["__consumer_offsets"])["__consumer_offsets"]

    assert isinstance(view, TopicView)
    assert view.internal


def test_only_overrides_are_read_of_a_topic() -> None:
    live = cluster(broker={"log.retention.ms": "5"})
    entry = ConfigEntry("1000", ConfigSource.DYNAMIC_TOPIC)

    assert live.topic_overrides([ORDERS]) == {ORDERS: {"retention.ms": entry}}
    assert live.topic_overrides_seen_by(2, [ORDERS]) == {ORDERS: {"retention.ms": entry}}


def test_static_settings_of_a_broker_stand_over_its_defaults() -> None:
    brokers = [{"id": 1, "rack": "a"}, {"id": 2, "settings": {"log.retention.ms": "9"}}]
    live = cluster(brokers=brokers, broker={"log.retention.ms": "5"})

    first, second = live.broker_configs(1), live.broker_configs(2)

    assert isinstance(first, Mapping)
    assert isinstance(second, Mapping)
    assert first["log.retention.ms"] == ConfigEntry("5", ConfigSource.STATIC_BROKER)
    assert second["log.retention.ms"] == ConfigEntry("9", ConfigSource.STATIC_BROKER)
    assert first["log.retention.hours"] == ConfigEntry("168", ConfigSource.DEFAULT)
    assert first["log.roll.ms"] == ConfigEntry(None, ConfigSource.DEFAULT)


def test_the_default_of_future_timestamps_changed_in_4_0() -> None:
    key = "log.message.timestamp.after.max.ms"

    assert broker_defaults((3, 9))[key] == "9223372036854775807"
    assert broker_defaults((4, 0))[key] == "3600000"
    assert key not in broker_defaults((3, 5))


def test_bytes_are_the_topics_size() -> None:
    assert cluster().topic_bytes([ORDERS]) == {ORDERS: 7}


def test_bytes_are_known_while_every_replica_is_up() -> None:
    assert cluster().topic_bytes([ORDERS]) == {ORDERS: 7}


def test_bytes_are_unknown_while_a_replica_is_down_that_may_be_the_largest() -> None:
    answer = cluster(down=[3]).topic_bytes([ORDERS])[ORDERS]

    assert isinstance(answer, KafkaError)
    assert answer.name == "REPLICA_NOT_AVAILABLE"


def test_reassignments_are_told_of_those_asked_for() -> None:
    live = cluster(reassigning=[ORDERS, "other"])

    assert live.reassigning([ORDERS, "still"]) == frozenset({ORDERS})


def test_reads_are_no_calls_and_change_nothing() -> None:
    live = cluster(acls=["User:a allow Read topic literal order.x from *"])
    before = live.state

    live.describe()
    live.topic_names(1)
    live.topics(1, [ORDERS])
    live.topic_overrides([ORDERS])
    live.broker_configs(1)
    live.acls()
    live.topic_bytes([ORDERS])
    live.reassigning([ORDERS])

    assert live.calls == []
    assert live.state == before


# --- rights


def test_a_hidden_topic_is_left_out_of_the_list_and_refused_by_name() -> None:
    live = cluster(hidden=[ORDERS])

    assert live.topic_names(1) == {}
    assert live.topics(1, [ORDERS]) == {ORDERS: KafkaError("TOPIC_AUTHORIZATION_FAILED")}
    assert live.topic_overrides([ORDERS]) == {ORDERS: NO_TOPIC_RIGHT}
    assert live.topic_bytes([ORDERS]) == {ORDERS: KafkaError("TOPIC_AUTHORIZATION_FAILED")}


def test_a_hidden_topic_cannot_be_changed_but_its_creation_tells_that_it_exists() -> None:
    live = cluster(hidden=[ORDERS])
    before = live.state

    assert live.alter_topics([AlterTopic(ORDERS, {})]) == {ORDERS: NO_TOPIC_RIGHT}
    assert live.create_partitions([MorePartitions(ORDERS, 9)]) == {ORDERS: NO_TOPIC_RIGHT}
    assert live.delete_topics({ORDERS: topic_id(0)}) == {ORDERS: NO_TOPIC_RIGHT}
    assert created(live, new(ORDERS)) == KafkaError("TOPIC_ALREADY_EXISTS", f"Topic '{ORDERS}' already exists.")
    assert live.state == before


def test_without_describe_on_the_cluster_little_can_be_read() -> None:
    live = cluster(operations=["Alter"])

    assert live.describe().operations == frozenset()
    assert live.acls() == NO_CLUSTER_RIGHT
    assert live.topic_bytes([ORDERS]) == {
        ORDERS: KafkaError("CLUSTER_AUTHORIZATION_FAILED", "log dirs need Describe on the cluster")
    }
    assert live.reassigning([ORDERS]) == NO_CLUSTER_RIGHT
    assert live.broker_configs(1) == NO_CLUSTER_RIGHT


def test_without_alter_on_the_cluster_acls_stay() -> None:
    live = cluster(operations=["Describe"], acls=["User:a allow Read topic literal order.x from *"])

    assert live.create_acls([WRITE]) == {WRITE: NO_CLUSTER_RIGHT}
    assert live.delete_acls([READ]) == {READ: NO_CLUSTER_RIGHT}
    assert live.acls() == (READ,)


def test_without_an_authorizer_acls_do_not_exist_and_the_rest_is_open() -> None:
    live = cluster(authorizer=False, operations=[])
    disabled = KafkaError("SECURITY_DISABLED", "No Authorizer is configured.")

    assert live.acls() == disabled
    assert live.create_acls([READ]) == {READ: disabled}
    assert live.delete_acls([READ]) == {READ: disabled}
    assert live.topic_bytes([ORDERS]) == {ORDERS: 7}
    assert live.describe().operations == CLUSTER_OPERATIONS


def test_rights_that_are_not_told_refuse_nothing_but_sizes() -> None:
    live = cluster()
    live.operations = None

    assert live.describe().operations is None
    assert live.acls() == ()
    assert live.reassigning([ORDERS]) == frozenset()
    assert live.topic_bytes([ORDERS]) == {
        ORDERS: KafkaError("CLUSTER_AUTHORIZATION_FAILED", "log dirs need Describe on the cluster")
    }


# --- creating


def test_a_created_topic_is_seen_by_every_broker() -> None:
    live = cluster()

    assert created(live, new("a", 2, 3, cleanup_policy="compact")) is None
    assert [live.topic_names(broker)["a"] for broker in (1, 2, 3)] == [(topic_id(1), 2)] * 3
    assert assignment(live, "a") == ((2, 3, 1), (3, 1, 2))
    assert overrides(live, "a") == {"cleanup.policy": "compact"}


def test_an_existing_topic_is_not_created_again() -> None:
    live = cluster()
    before = live.state
    exists = KafkaError("TOPIC_ALREADY_EXISTS", f"Topic '{ORDERS}' already exists.")

    assert live.create_topics([new(ORDERS)], validate_only=True) == {ORDERS: exists}
    assert live.create_topics([new(ORDERS)]) == {ORDERS: exists}
    assert live.state == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "the empty string is not allowed"),
        (".", "'.' is not allowed"),
        ("..", "'..' is not allowed"),
        ("a" * 250, f"the length of '{'a' * 250}' is longer than the max allowed length 249"),
        ("a b", "'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
        ("a\n", "'a\n' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
        ("\u0661", "'\u0661' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"),
    ],
)
def test_illegal_names_are_refused(name: str, reason: str) -> None:
    live = cluster()

    assert created(live, new(name)) == KafkaError("INVALID_TOPIC_EXCEPTION", f"Topic name is invalid: {reason}")
    assert list(live.state.topics) == [ORDERS]


@pytest.mark.parametrize("name", ["a" * 249, "...", "-", "_a.B-9"])
def test_odd_names_are_legal(name: str) -> None:
    assert created(cluster(), new(name)) is None


def test_a_name_that_collides_with_an_existing_one_is_refused() -> None:
    live = cluster()

    assert created(live, new("order_order.created_v1")) == KafkaError(
        "INVALID_TOPIC_EXCEPTION", f"Topic 'order_order.created_v1' collides with existing topic: {ORDERS}"
    )


def test_names_that_collide_within_one_request_are_both_created() -> None:
    live = cluster()

    assert live.create_topics([new("a.b"), new("a_b")]) == {"a.b": None, "a_b": None}


def test_the_metadata_log_cannot_be_created() -> None:
    assert created(cluster(), new("__cluster_metadata")) == KafkaError(
        "INVALID_REQUEST", "Creation of internal topic __cluster_metadata is prohibited."
    )


def test_of_a_topic_named_twice_in_one_request_the_last_is_taken() -> None:
    live = cluster()

    assert live.create_topics([new("a"), new("a", 2)]) == {"a": None}
    assert live.topic_names(1)["a"] == (topic_id(1), 2)


@pytest.mark.parametrize("partitions", [0, -2])
def test_a_topic_needs_a_partition(partitions: int) -> None:
    assert created(cluster(), new("a", partitions)) == KafkaError(
        "INVALID_PARTITIONS", "Number of partitions was set to an invalid non-positive value."
    )


def test_more_than_ten_thousand_partitions_are_refused() -> None:
    assert created(cluster(), new("a", 10_001)) == KafkaError(
        "POLICY_VIOLATION", "Excessively large number of partitions per request."
    )
    assert created(cluster(), new("a", 10_000)) is None
    assert created(cluster(kafka="3.8"), new("a", 10_001)) is None


def test_a_topic_needs_a_replica() -> None:
    assert created(cluster(), new("a", 1, 0)) == KafkaError(
        "INVALID_REPLICATION_FACTOR", "Replication factor must be larger than 0, or -1 to use the default value."
    )


@pytest.mark.parametrize(
    ("kafka", "more"), [("4.2", ""), ("4.3", " or some brokers have all their log directories cordoned")]
)
def test_more_replicas_than_brokers_are_refused(kafka: str, more: str) -> None:
    assert created(cluster(kafka=kafka), new("a", 1, 4)) == KafkaError(
        "INVALID_REPLICATION_FACTOR",
        "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached "
        f"because only 3 broker(s) are registered{more}.",
    )


def test_a_fenced_broker_counts_for_replicas_and_does_not_lead() -> None:
    live = cluster(down=[2])

    assert created(live, new("a", 2, 3)) is None
    assert assignment(live, "a") == ((3, 1, 2), (1, 3, 2))


def test_zookeeper_counts_only_brokers_that_are_up() -> None:
    answer = created(cluster(down=[2], zookeeper=True, kafka="3.5"), new("a", 2, 3))

    assert answer is not None
    assert answer.name == "INVALID_REPLICATION_FACTOR"


def test_replicas_may_be_named() -> None:
    live = cluster()

    assert created(live, NewTopic("a", -1, -1, {}, ((3, 1), (1, 2)))) is None
    assert assignment(live, "a") == ((3, 1), (1, 2))


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        (((1,), ()), "includes an empty replica list."),
        (((1, 2), (1, 9)), "includes broker 9, but no such broker is registered."),
        (((2, 2),), "includes the broker 2 more than once."),
        (
            ((1, 2), (1,)),
            "includes a partition with 1 replica(s), but this is not consistent with previous partitions, which have 2 replica(s).",
        ),
    ],
)
def test_named_replicas_must_fit(named: tuple[tuple[int, ...], ...], reason: str) -> None:
    assert created(cluster(), NewTopic("a", -1, -1, {}, named)) == KafkaError(
        "INVALID_REPLICA_ASSIGNMENT", f"The manual partition assignment {reason}"
    )


def test_named_replicas_need_one_broker_that_is_up() -> None:
    live = cluster(down=[2, 3])

    assert live.create_topics([NewTopic("a", -1, -1, {}, ((2, 3),)), NewTopic("b", -1, -1, {}, ((2, 1),))]) == {
        "a": KafkaError(
            "INVALID_REPLICA_ASSIGNMENT",
            "All brokers specified in the manual partition assignment are fenced or in controlled shutdown.",
        ),
        "b": None,
    }


def test_validate_only_creates_nothing() -> None:
    live = cluster()
    before = live.state

    assert live.create_topics([new("a"), new("b", 0)], validate_only=True) == {
        "a": None,
        "b": KafkaError("INVALID_PARTITIONS", "Number of partitions was set to an invalid non-positive value."),
    }
    assert live.state == before


# --- settings


@pytest.mark.parametrize(
    ("name", "written", "kept"),
    [
        ("retention.ms", " 1000 ", "1000"),
        ("retention.ms", "+5", "5"),
        ("retention.ms", "\u0661", "1"),
        ("min.cleanable.dirty.ratio", "0.5f", "0.5"),
        ("leader.replication.throttled.replicas", "0:1,", "0:1,"),
        ("retention.ms", "-1", "-1"),
        ("retention.bytes", "-99", "-99"),
        ("preallocate", "TRUE", "true"),
        ("cleanup.policy", "delete , compact", "delete,compact"),
        ("cleanup.policy", "", ""),
        ("cleanup.policy", "delete,delete", "delete"),
        ("min.cleanable.dirty.ratio", "0.50", "0.5"),
        ("min.cleanable.dirty.ratio", "1e-4", "1.0E-4"),
        ("min.cleanable.dirty.ratio", "1", "1.0"),
        ("min.cleanable.dirty.ratio", "0", "0.0"),
        ("compression.lz4.level", "17", "17"),
        ("compression.gzip.level", "9", "9"),
        ("compression.gzip.level", "-1", "-1"),
        ("leader.replication.throttled.replicas", "*", "*"),
        ("leader.replication.throttled.replicas", "0:1, 1:2", "0:1,1:2"),
        ("max.message.bytes", "2147483647", "2147483647"),
    ],
)
def test_values_are_kept_as_the_broker_prints_them(name: str, written: str, kept: str) -> None:
    live = cluster()

    assert live.alter_topics([AlterTopic(ORDERS, {"retention.ms": None, name: written})]) == {ORDERS: None}
    assert overrides(live, ORDERS) == {name: kept}


@pytest.mark.parametrize(
    ("name", "written", "reason"),
    [
        ("retention.ms", "7d", "Invalid value 7d for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "1e3", "Invalid value 1e3 for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "1_0", "Invalid value 1_0 for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", " -2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
        (
            "retention.bytes",
            "9223372036854775808",
            "Invalid value 9223372036854775808 for configuration retention.bytes: Not a number of type LONG",
        ),
        (
            "max.message.bytes",
            "2147483648",
            "Invalid value 2147483648 for configuration max.message.bytes: Not a number of type INT",
        ),
        (
            "preallocate",
            "yes",
            "Invalid value yes for configuration preallocate: Expected value to be either true or false",
        ),
        (
            "follower.replication.throttled.replicas",
            "1, 0:1",
            "Invalid value [1, 0:1] for configuration follower.replication.throttled.replicas: follower.replication.throttled.replicas must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...",
        ),
        (
            "cleanup.policy",
            "delete,purge",
            "Invalid value purge for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        (
            "compression.type",
            "none",
            "Invalid value none for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
        ),
        (
            "message.timestamp.type",
            "createTime",
            "Invalid value createTime for configuration message.timestamp.type: String must be one of: CreateTime, LogAppendTime",
        ),
        (
            "min.cleanable.dirty.ratio",
            "1.5",
            "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
        (
            "compression.gzip.level",
            "0",
            "Invalid value 0 for configuration compression.gzip.level: Value must be between 1 and 9 or equal to -1",
        ),
        (
            "compression.lz4.level",
            "18",
            "Invalid value 18 for configuration compression.lz4.level: Value must be no more than 17",
        ),
        ("segment.bytes", "14", "Invalid value 14 for configuration segment.bytes: Value must be at least 1048576"),
        ("retention.minutes", "1", "Unknown topic config name: retention.minutes"),
        ("message.format.version", "3.0", "Unknown topic config name: message.format.version"),
        (
            "cleanup.policy",
            "x" * 32_768,
            "The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.",
        ),
        (
            "remote.storage.enable",
            "true",
            "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
        ),
    ],
)
def test_bad_settings_are_refused_alike_by_create_and_alter(name: str, written: str, reason: str) -> None:
    live = cluster()
    before = live.state
    refused = KafkaError("INVALID_CONFIG", reason)

    assert live.create_topics([NewTopic("a", 1, 1, {name: written})]) == {"a": refused}
    assert live.alter_topics([AlterTopic(ORDERS, {name: written})]) == {ORDERS: refused}
    assert live.state == before


def test_settings_come_and_go_with_versions() -> None:
    old, now = cluster(kafka="3.5"), cluster(kafka="4.4")

    assert created(old, new("a", message_downconversion_enable="true")) is None
    assert created(now, new("a", message_downconversion_enable="true")) is not None
    assert created(old, new("b", message_timestamp_after_max_ms="1")) is not None
    assert created(now, new("b", message_timestamp_after_max_ms="1")) is None


@pytest.mark.parametrize("written", ["0.10.2", "2.8-IV1", "3.0"])
def test_message_format_versions_are_known(written: str) -> None:
    assert created(cluster(kafka="3.9"), new("a", message_format_version=written)) is None


@pytest.mark.parametrize("written", ["", "1.5", "7d"])
def test_no_other_message_format_version_is_known(written: str) -> None:
    message = (
        f"Invalid value {written} for configuration message.format.version: Version {written} is not a valid version"
    )

    assert created(cluster(kafka="3.9"), new("a", message_format_version=written)) == KafkaError(
        "INVALID_CONFIG", message
    )


def test_small_segments_are_refused_from_4_1() -> None:
    assert created(cluster(kafka="4.1"), new("a", segment_bytes="1048575")) == KafkaError(
        "INVALID_CONFIG", "Invalid value 1048575 for configuration segment.bytes: Value must be at least 1048576"
    )


def test_small_segments_were_legal_before_4_1() -> None:
    assert created(cluster(kafka="4.0"), new("a", segment_bytes="14")) is None


@pytest.mark.parametrize(("kafka", "kept_as"), [("4.1", "delete,delete"), ("4.2", "delete")])
def test_a_policy_said_twice_was_kept_before_4_2(kafka: str, kept_as: str) -> None:
    live = cluster(kafka=kafka)

    assert created(live, new("a", cleanup_policy="delete,delete")) is None
    assert overrides(live, "a") == {"cleanup.policy": kept_as}


def test_the_longest_value_is_legal() -> None:
    longest = ",".join(
        ["0:1"] * 8_192
    )  # a longer one breaks the connection of CreateTopics, which this cluster cannot show

    assert len(longest) == 32_767
    assert created(cluster(), new("a", leader_replication_throttled_replicas=longest)) is None


def test_compaction_lags_must_not_cross() -> None:
    conflict = "conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)"

    assert created(cluster(), new("a", min_compaction_lag_ms="9", max_compaction_lag_ms="8")) == KafkaError(
        "INVALID_CONFIG", conflict
    )
    assert created(cluster(), new("a", min_compaction_lag_ms="8", max_compaction_lag_ms="8")) is None


def test_compaction_lags_are_compared_with_the_brokers_default() -> None:
    live = cluster(broker={"log.cleaner.max.compaction.lag.ms": "8"})

    assert created(live, new("a", min_compaction_lag_ms="9")) == KafkaError(
        "INVALID_CONFIG", "conflict topic config setting min.compaction.lag.ms (9) > max.compaction.lag.ms (8)"
    )


def test_a_stale_setting_blocks_every_change_until_it_is_reset() -> None:
    live = cluster(topics={"a": {"config": {"message.format.version": "2.8"}}})

    assert live.alter_topics([AlterTopic("a", {"retention.ms": "5"})]) == {
        "a": KafkaError("INVALID_CONFIG", "Unknown topic config name: message.format.version")
    }
    assert live.alter_topics([AlterTopic("a", {"retention.ms": "5", "message.format.version": None})]) == {"a": None}
    assert overrides(live, "a") == {"retention.ms": "5"}


def test_resetting_what_is_not_set_is_done() -> None:
    live = cluster()
    before = live.state

    assert live.alter_topics([AlterTopic(ORDERS, {"flush.ms": None})]) == {ORDERS: None}
    assert live.state == before


def test_altering_leaves_other_settings_alone() -> None:
    live = cluster()

    live.alter_topics([AlterTopic(ORDERS, {"flush.ms": "5"})])

    assert overrides(live, ORDERS) == {"retention.ms": "1000", "flush.ms": "5"}


def test_altering_needs_a_topic() -> None:
    live = cluster()

    assert live.alter_topics([AlterTopic("no", {"flush.ms": "5"})]) == {
        "no": KafkaError("UNKNOWN_TOPIC_OR_PARTITION", "The topic 'no' does not exist.")
    }
    assert live.alter_topics([AlterTopic("no", {"flush.ms": "x"})])["no"] == KafkaError(
        "INVALID_CONFIG", "Invalid value x for configuration flush.ms: Not a number of type LONG"
    )


def test_validate_only_alters_nothing() -> None:
    live = cluster()

    assert live.alter_topics([AlterTopic(ORDERS, {"flush.ms": "5"})], validate_only=True) == {ORDERS: None}
    assert overrides(live, ORDERS) == {"retention.ms": "1000"}


@pytest.mark.parametrize(
    ("value", "java"),
    [(0.0, "0.0"), (0.001, "0.001"), (0.00099, "9.9E-4"), (1.0, "1.0"), (1e7, "1.0E7"), (-2.5e-10, "-2.5E-10")],
)
def test_doubles_are_printed_as_java_does(value: float, java: str) -> None:
    assert java_double(value) == java


# --- partitions


def test_partitions_are_added_with_as_many_replicas_as_the_first_has() -> None:
    live = cluster()

    assert live.create_partitions([MorePartitions(ORDERS, 5)]) == {ORDERS: None}
    assert assignment(live, ORDERS) == ((1, 2), (2, 3), (3, 1), (1, 2), (2, 3))


def test_added_partitions_may_name_their_replicas() -> None:
    live = cluster()

    assert live.create_partitions([MorePartitions(ORDERS, 4, ((3, 2),))]) == {ORDERS: None}
    assert assignment(live, ORDERS) == ((1, 2), (2, 3), (3, 1), (3, 2))


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        (MorePartitions(ORDERS, 3), KafkaError("INVALID_PARTITIONS", "Topic already has 3 partition(s).")),
        (
            MorePartitions(ORDERS, 2),
            KafkaError(
                "INVALID_PARTITIONS", f"The topic {ORDERS} currently has 3 partition(s); 2 would not be an increase."
            ),
        ),
        (
            MorePartitions(ORDERS, 5, ((1, 2),)),
            KafkaError(
                "INVALID_REPLICA_ASSIGNMENT",
                "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified.",
            ),
        ),
        (
            MorePartitions(ORDERS, 4, ((1,),)),
            KafkaError(
                "INVALID_REPLICA_ASSIGNMENT",
                "The manual partition assignment includes a partition with 1 replica(s), but this is not consistent with "
                "previous partitions, which have 2 replica(s).",
            ),
        ),
        (MorePartitions("no", 4), NO_TOPIC),
    ],
)
def test_partitions_only_grow(more: MorePartitions, refused: KafkaError) -> None:
    live = cluster()
    before = live.state

    assert live.create_partitions([more]) == {more.name: refused}
    assert live.state == before


def test_validate_only_adds_no_partition() -> None:
    live = cluster()

    assert live.create_partitions([MorePartitions(ORDERS, 5)], validate_only=True) == {ORDERS: None}
    assert len(assignment(live, ORDERS)) == 3


def test_during_a_reassignment_kraft_adds_too_many_replicas() -> None:
    live = cluster(topics={ORDERS: {"assignment": [[1, 2, 3]]}}, reassigning=[ORDERS])

    assert live.create_partitions([MorePartitions(ORDERS, 2)]) == {ORDERS: None}
    assert assignment(live, ORDERS) == ((1, 2, 3), (2, 3, 1))


def test_during_a_reassignment_zookeeper_refuses_partitions() -> None:
    live = cluster(kafka="3.5", zookeeper=True, reassigning=[ORDERS])

    assert live.create_partitions([MorePartitions(ORDERS, 5)]) == {
        ORDERS: KafkaError("REASSIGNMENT_IN_PROGRESS", "A partition reassignment is in progress.")
    }


# --- deleting


def test_a_deleted_topic_is_gone_and_its_acls_stay() -> None:
    live = cluster(acls=[f"User:a allow Read topic literal {ORDERS} from *"])
    acls = live.acls()

    assert live.delete_topics({ORDERS: topic_id(0)}) == {ORDERS: None}
    assert live.topic_names(1) == {}
    assert live.acls() == acls


def test_a_topic_that_was_created_anew_is_not_deleted_by_its_old_id() -> None:
    live = cluster()
    live.delete_topics({ORDERS: topic_id(0)})
    live.create_topics([new(ORDERS)])

    assert live.delete_topics({ORDERS: topic_id(0)}) == {ORDERS: NO_TOPIC_ID}
    assert live.topic_names(1) == {ORDERS: (topic_id(1), 1)}


def test_what_is_gone_cannot_be_deleted() -> None:
    assert cluster().delete_topics({"a": topic_id(9), "b": ""}) == {
        "a": NO_TOPIC_ID,
        "b": KafkaError("UNKNOWN_TOPIC_OR_PARTITION", "This server does not host this topic-partition."),
    }


def test_a_broker_may_forbid_deletion() -> None:
    live = cluster(broker={"delete.topic.enable": "false"})

    assert live.delete_topics({ORDERS: topic_id(0)}) == {
        ORDERS: KafkaError("TOPIC_DELETION_DISABLED", "Topic deletion is disabled.")
    }
    assert list(live.state.topics) == [ORDERS]


# --- ACLs


def test_creating_an_acl_twice_is_done_and_keeps_one() -> None:
    live = cluster()

    assert live.create_acls([READ, READ]) == {READ: None}
    assert live.create_acls([READ]) == {READ: None}
    assert live.acls() == (READ,)


def test_deleting_an_acl_that_is_gone_is_done_and_takes_no_other() -> None:
    live = cluster(acls=["User:a allow Read topic literal order.x from *"])

    assert live.delete_acls([replace(READ, host="10.0.0.1"), replace(READ, pattern="Prefixed"), WRITE]) == {
        replace(READ, host="10.0.0.1"): None,
        replace(READ, pattern="Prefixed"): None,
        WRITE: None,
    }
    assert live.acls() == (READ,)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"resource_type": "Cluster", "name": "c"}, "The only valid name for the CLUSTER resource is kafka-cluster"),
        ({"name": ""}, "Invalid empty resource name"),
        ({"operation": "Any"}, "Invalid operation ANY"),
        ({"operation": "Unknown(99)"}, "Invalid operation UNKNOWN"),
        ({"pattern": "Match"}, "Invalid patternType MATCH"),
        ({"resource_type": "Any"}, "Invalid resourceType ANY"),
        ({"permission": "Any"}, "Invalid permissionType ANY"),
        (
            {"principal": "a"},
            "Could not parse principal from `a` (no colon is present separating the principal type from the principal name)",
        ),
    ],
)
def test_senseless_acls_are_refused(changes: Mapping[str, str], reason: str) -> None:
    live = cluster()
    binding = replace(READ, **changes)

    assert live.create_acls([binding]) == {binding: KafkaError("INVALID_REQUEST", reason)}
    assert live.acls() == ()


def test_two_phase_commit_is_an_operation_from_4_1() -> None:
    binding = replace(READ, operation="TwoPhaseCommit", resource_type="TransactionalId")

    assert cluster(kafka="4.1").create_acls([binding]) == {binding: None}
    assert cluster(kafka="4.0").create_acls([binding]) == {
        binding: KafkaError("INVALID_REQUEST", "Invalid operation UNKNOWN")
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "order.*"},
        {"operation": "ClusterAction"},
        {"principal": "Group:x"},
        {"host": "not an address"},
        {"resource_type": "Cluster", "name": "kafka-cluster"},
    ],
)
def test_the_controller_takes_acls_that_match_nothing(changes: Mapping[str, str]) -> None:
    binding = replace(READ, **changes)

    assert cluster().create_acls([binding]) == {binding: None}


# --- faults


def test_a_broker_that_lags_answers_from_the_past() -> None:
    live = cluster()
    live.lagging[2] = live.state
    live.create_topics([new("a")])
    live.create_acls([READ])
    live.alter_topics([AlterTopic(ORDERS, {"retention.ms": "5"})])

    assert set(live.topic_names(1)) == {ORDERS, "a"}
    assert set(live.topic_names(2)) == {ORDERS}
    assert live.topics(2, ["a"]) == {"a": NO_TOPIC}
    assert live.acls() == (READ,)
    assert live.acls(2) == ()
    assert live.topic_overrides_seen_by(2, [ORDERS]) == {
        ORDERS: {"retention.ms": ConfigEntry("1000", ConfigSource.DYNAMIC_TOPIC)}
    }


def test_reads_from_any_broker_may_meet_the_one_that_lags() -> None:
    live = cluster()
    live.lagging[2] = live.state
    live.create_topics([new("a"), new("b")])

    assert live.topic_overrides(["a", "b"]) == {"a": {}, "b": NO_TOPIC}


def test_a_phantom_absence_is_found_out_by_the_controller() -> None:
    live = cluster()
    live.lagging[1] = replace(live.state, topics={})

    assert live.topics(1, [ORDERS]) == {ORDERS: NO_TOPIC}
    assert live.create_topics([new(ORDERS)], validate_only=True) == {
        ORDERS: KafkaError("TOPIC_ALREADY_EXISTS", f"Topic '{ORDERS}' already exists.")
    }


def test_a_down_broker_cannot_be_asked() -> None:
    live = cluster(down=[2])
    silent = KafkaError("DISCONNECTED", "broker 2 does not answer")

    with pytest.raises(ClusterFailure, match="broker 2 does not answer") as failure:
        live.topic_names(2)

    assert failure.value.kind is FailureKind.UNREACHABLE
    assert live.topics(2, [ORDERS]) == {ORDERS: silent}
    assert live.topic_overrides_seen_by(2, [ORDERS]) == {ORDERS: silent}
    assert live.broker_configs(2) == silent
    assert live.acls(2) == silent


def test_a_cluster_without_a_broker_answers_nothing_and_does_nothing() -> None:
    live = cluster(down=[1, 2, 3])
    before = live.state

    with pytest.raises(ClusterFailure, match="no live broker answers"):
        live.describe()
    with pytest.raises(ClusterFailure, match="no live broker answers"):
        live.create_topics([new("a")])

    assert live.state == before


def test_a_hook_makes_one_item_fail() -> None:
    live = cluster()
    refused = KafkaError("POLICY_VIOLATION", "no")
    live.hook = lambda method, item: refused if method == "create_topics" and item == new("a") else None

    assert live.create_topics([new("a"), new("b")]) == {"a": refused, "b": None}
    assert set(live.state.topics) == {ORDERS, "b"}


def test_a_lost_answer_is_of_something_done() -> None:
    live = cluster()
    live.hook = lambda _method, _item: LOST

    assert live.create_topics([new("a")]) == {"a": LOST}
    assert set(live.state.topics) == {ORDERS, "a"}


def test_a_failure_before_anything_was_done_ends_the_call() -> None:
    live = cluster()
    before = live.state
    live.hook = lambda _method, _item: ClusterFailure(FailureKind.UNREACHABLE, "gone")

    with pytest.raises(ClusterFailure, match="gone"):
        live.create_topics([new("a"), new("b")])

    assert live.state == before


def test_a_failure_amid_a_call_leaves_what_was_done_and_does_not_send_the_rest() -> None:
    live = cluster()
    gone = ClusterFailure(FailureKind.UNREACHABLE, "gone")
    live.hook = lambda _method, item: gone if item == new("b") else None

    assert live.create_topics([new("a"), new("b"), new("c")]) == {
        "a": None,
        "b": KafkaError("DISCONNECTED", "gone"),
        "c": KafkaError("DISCONNECTED", "gone"),
    }
    assert set(live.state.topics) == {ORDERS, "a"}


def test_a_hook_makes_reads_fail() -> None:
    live = cluster()
    broken = KafkaError("UNKNOWN_SERVER_ERROR")
    live.hook = lambda _method, _item: broken

    assert live.topics(1, [ORDERS]) == {ORDERS: broken}
    assert live.topic_overrides([ORDERS]) == {ORDERS: broken}
    assert live.topic_bytes([ORDERS]) == {ORDERS: broken}
    assert live.broker_configs(1) == broken
    assert live.acls() == broken
    assert live.reassigning([ORDERS]) == broken
    with pytest.raises(TypeError, match="describe has no item"):
        live.describe()


def test_somebody_else_may_change_the_cluster_in_the_middle_of_a_call() -> None:
    live, other = cluster(), cluster()
    other.delete_topics({ORDERS: topic_id(0)})

    def meddle(_method: str, item: object) -> None:
        if item == new("b"):
            live.state = other.state

    live.hook = meddle
    live.create_topics([new("a"), new("b")])

    assert set(live.state.topics) == {"b"}


def test_calls_hold_every_item_that_was_asked_for() -> None:
    live = cluster()
    live.create_topics([new("a")], validate_only=True)
    live.create_topics([new(ORDERS)])
    live.delete_topics({ORDERS: topic_id(0)})
    live.create_acls([READ])

    assert live.calls == [
        Call("create_topics", new("a"), validate_only=True),
        Call("create_topics", new(ORDERS), validate_only=False),
        Call("delete_topics", (ORDERS, topic_id(0)), validate_only=False),
        Call("create_acls", READ, validate_only=False),
    ]


# --- copies


def test_a_copy_and_its_source_do_not_see_each_others_writes() -> None:
    source = cluster()
    twin = source.copy()

    source.create_topics([new("a")])
    twin.create_topics([new("b")])
    twin.create_acls([READ])
    twin.stop(1)

    assert set(source.topic_names(1)) == {ORDERS, "a"}
    assert set(twin.topic_names(2)) == {ORDERS, "b"}
    assert source.acls() == ()
    assert twin.calls == [
        Call("create_topics", new("b"), validate_only=False),
        Call("create_acls", READ, validate_only=False),
    ]


def test_a_state_that_was_kept_stays_as_it_was() -> None:
    live = cluster(acls=["User:a allow Read topic literal order.x from *"])
    live.create_topics([new("a")])
    past = live.state
    writes: list[tuple[str, object]] = [
        ("create_topics", new("b")),
        ("create_partitions", MorePartitions(ORDERS, 4)),
        ("alter_topics", AlterTopic(ORDERS, {"flush.ms": "5"})),
        ("delete_topics", (ORDERS, topic_id(0))),
        ("create_acls", WRITE),
        ("delete_acls", READ),
    ]
    for method, item in writes:
        before = kept(live)
        twin = live.copy()

        assert perform(twin, method, item) is None
        assert twin.state != before
        assert live.state == past == before


NAMES = st.sampled_from(["a", "b", "a.b", "a_b", "bad name", ORDERS])
CONFIGS = st.dictionaries(
    st.sampled_from(["retention.ms", "flush.ms", "min.compaction.lag.ms", "max.compaction.lag.ms", "bad"]),
    st.sampled_from(["1", " 2", "x", "-5"]),
    max_size=3,
)
ACLS = st.builds(
    AclBinding,
    st.sampled_from(["User:a", "User:b", "nobody"]),
    st.sampled_from(["Allow", "Deny"]),
    st.just("Read"),
    st.sampled_from(["Topic", "Cluster"]),
    st.just("Literal"),
    st.sampled_from(["a", "kafka-cluster"]),
)
WRITES = st.one_of(
    st.tuples(st.just("create_topics"), st.builds(NewTopic, NAMES, st.integers(0, 3), st.integers(0, 4), CONFIGS)),
    st.tuples(st.just("create_partitions"), st.builds(MorePartitions, NAMES, st.integers(0, 5))),
    st.tuples(st.just("alter_topics"), st.builds(AlterTopic, NAMES, CONFIGS)),
    st.tuples(st.just("delete_topics"), st.tuples(NAMES, st.integers(0, 5).map(topic_id))),
    st.tuples(st.just("create_acls"), ACLS),
    st.tuples(st.just("delete_acls"), ACLS),
)


def kept(on: SnapshotCluster) -> SnapshotState:
    """A state that shares nothing with the cluster."""
    state = on.state
    return SnapshotState(dict(state.topics), dict(state.acls), state.created)


def perform(on: SnapshotCluster, method: str, item: object) -> KafkaError | None:
    argument = dict([item]) if isinstance(item, tuple) else [item]
    (answer,) = getattr(on, method)(argument).values()
    assert answer is None or isinstance(answer, KafkaError)
    return answer


@given(st.lists(WRITES, max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_is_asked_the_cluster_stays_whole(writes: list[tuple[str, object]]) -> None:
    live = cluster()
    ids = {topic_id(0)}
    for method, item in writes:
        before = kept(live)
        if perform(live, method, item) is not None:
            assert live.state == before
        fresh = {topic.topic_id for topic in live.state.topics.values()} - {
            topic.topic_id for topic in before.topics.values()
        }
        assert not fresh & ids, "an id is given once"
        ids |= fresh
    for topic in live.state.topics.values():
        assert topic.assignment
        assert {len(replicas) for replicas in topic.assignment} == {len(topic.assignment[0])}
        assert all(len(set(replicas)) == len(replicas) and set(replicas) <= {1, 2, 3} for replicas in topic.assignment)
        again = live.copy().alter_topics([AlterTopic(name, {}) for name in live.state.topics])
        assert set(again.values()) <= {None}, "what is stored is valid"
    assert "bad name" not in live.state.topics
    assert not {binding.principal for binding in live.state.acls} & {"nobody"}


@given(st.lists(WRITES, max_size=8), st.lists(WRITES, max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_copy_answers_as_its_source_and_never_reaches_it(
    first: list[tuple[str, object]], second: list[tuple[str, object]]
) -> None:
    source = cluster()
    for method, item in first:
        perform(source, method, item)
    before, twin = kept(source), source.copy()

    answers = [perform(twin, method, item) for method, item in second]

    assert source.state == before
    assert [perform(source, method, item) for method, item in second] == answers
    assert source.state == twin.state


@given(WRITES)
@settings(max_examples=100, deadline=None)
def test_validation_answers_what_the_write_will(write: tuple[str, object]) -> None:
    method, item = write
    if method not in {"create_topics", "create_partitions", "alter_topics"}:
        return
    live = cluster()
    before = live.state

    (said,) = getattr(live, method)([item], validate_only=True).values()

    assert live.state == before
    assert perform(live, method, item) == said


# --- written down


LIVE = """
kafka: "3.9"
cluster-id: c
brokers: [{id: 2, rack: b}, {id: 1}]
down: [2]
topics:
  a: {partitions: 2, replication: 2, config: {retention.ms: "1"}, bytes: 5, id: abc}
  b: {assignment: [[2], [1]]}
hidden: [b]
reassigning: [a]
operations: [Describe]
acls:
  - "User:CN=a, OU=b allow Read topic literal order.x from *"
  - "User:a deny Unknown(15) transactional-id prefixed a b from 10.0.0.1"
broker: {log.retention.ms: "86400000"}
"""


def test_a_cluster_can_be_written_down() -> None:
    live = SnapshotCluster.from_dict(yaml.safe_load(LIVE))

    assert live.describe() == Description(
        "c", (Broker(1, "broker-1", 9092, None),), (), "3.9", frozenset({"Describe"}), zookeeper=False
    )
    assert live.state.topics == {
        "a": SnapshotTopic("abc", ((2, 1), (1, 2)), {"retention.ms": "1"}, (3, 2)),
        "b": SnapshotTopic(topic_id(1), ((2,), (1,))),
    }
    assert live.acls() == (
        AclBinding("User:CN=a, OU=b", "Allow", "Read", "Topic", "Literal", "order.x", "*"),
        AclBinding("User:a", "Deny", "Unknown(15)", "TransactionalId", "Prefixed", "a b", "10.0.0.1"),
    )
    assert live.hidden == frozenset({"b"})
    assert live.moving == frozenset({"a"})


def test_an_empty_block_is_an_empty_cluster_of_three() -> None:
    live = SnapshotCluster.from_dict({})

    assert [broker.id for broker in live.describe().brokers] == [1, 2, 3]
    assert live.topic_names(1) == {}
    assert live.acls() == ()


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        ({"topic": {}}, "live: there is no `topic`: write one of kafka "),
        ({"kafka": 4.4}, "live.kafka: `4.4` is not of type str"),
        ({"brokers": True}, "live.brokers: `True` is not of type int"),
        ({"brokers": [{"rack": "a"}]}, "live.brokers.id: `None` is not of type int"),
        ({"topics": []}, "live.topics: `[]` is not of type dict"),
        (
            {"topics": {"a": {"config": {"retention.ms": 1}}}},
            "live.topics.a.config.retention.ms: `1` is not of type str",
        ),
        ({"topics": {"a": {"replicas": 1}}}, "live.topics.a: there is no `replicas`: write one of partitions "),
        ({"topics": {"a": {"replication": 4}}}, "live.topics.a.replication: 4 replicas need as many brokers, not 3"),
        ({"topics": {"a": {"assignment": [["1"]]}}}, "live.topics.a.assignment: `1` is not of type int"),
        ({"acls": [1]}, "live.acls: `1` is not of type str"),
    ],
)
def test_a_mistake_in_the_block_is_named(block: Mapping[str, object], sentence: str) -> None:
    with pytest.raises(Malformed) as malformed:
        SnapshotCluster.from_dict(block)

    assert str(malformed.value).startswith(sentence)


@pytest.mark.parametrize(
    "text",
    [
        "User:a allow Read topic literal order.x",
        "User:a allow read topic literal order.x from *",
        "User:a Allow Read topic literal order.x from *",
        "User:a allow Read topics literal order.x from *",
        "User:a allow Read topic match order.x from *",
        "User:a allow Read topic literal order.x from * ",
    ],
)
def test_an_acl_is_written_in_one_way(text: str) -> None:
    with pytest.raises(Malformed, match="is not an ACL"):
        acl(text)


# --- size


def test_ten_thousand_topics_are_built_copied_and_read_in_well_under_a_second() -> None:
    start = time.process_time()
    live = SnapshotCluster()
    names = [f"domain{number % 20}.entity.event{number}.v1" for number in range(10_000)]
    live.create_topics([new(name, 3, 3, retention_ms="1000") for name in names])
    live.copy().create_topics([new("a")])

    assert len(live.topic_names(1)) == 10_000
    assert len(live.topics(1, names)) == 10_000
    assert len(live.topic_overrides(names)) == 10_000
    assert time.process_time() - start < 2, "seconds; about 0.3 on a quiet machine"
