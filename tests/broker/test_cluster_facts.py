"""What the door to a cluster promises: each fact holds for real brokers and for the cluster in memory alike, in the same words."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType
from desk import Desk, given, until

from kafkaops.cluster import (
    AclBinding,
    AlterBroker,
    AlterTopic,
    Cluster,
    ConfigEntry,
    ConfigSource,
    KafkaError,
    MorePartitions,
    NewTopic,
    TopicPartition,
    TopicView,
)
from kafkaops.cluster.live import connect
from kafkaops.cluster.properties import load
from kafkaops.cluster.rules import CLUSTER_OPERATIONS
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.kinds.topic import settings

pytestmark = pytest.mark.broker

NO_TOPIC = KafkaError("UNKNOWN_TOPIC_OR_PARTITION")
NO_RIGHT = KafkaError("TOPIC_AUTHORIZATION_FAILED")


@dataclass(frozen=True, slots=True)
class World:
    """A cluster that lets us do all, and one that is the same seen by a principal that may describe `seen` and nothing else."""

    cluster: Cluster
    prefix: str
    as_stranger: Callable[[], Cluster]

    def name(self, text: str) -> str:
        return f"{self.prefix}.{text}"

    def create(self, *topics: NewTopic) -> None:
        """Until every broker shows them."""
        assert self.cluster.create_topics(topics) == dict.fromkeys(topic.name for topic in topics)
        for topic in topics:
            self.until(lambda broker, name=topic.name: isinstance(self.view(name, broker), TopicView), topic.name)  # type: ignore[misc]

    def view(self, name: str, broker: int = 1) -> TopicView | KafkaError:
        return self.cluster.topics(broker, [name])[name]

    def topic(self, name: str) -> TopicView:
        return given(self.view(name))

    def overrides(self, name: str) -> Mapping[str, ConfigEntry]:
        return given(self.cluster.topic_overrides([name])[name])

    def acls(self, broker: int | None = None) -> set[AclBinding]:
        return {acl for acl in given(self.cluster.acls(broker)) if self.prefix in acl.principal}

    def until(self, condition: Callable[[int], bool], awaited: str) -> None:
        """On every broker."""
        until(lambda: all(condition(broker) for broker in (1, 2, 3)), awaited)


@pytest.fixture(params=["live", "memory"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "live":
        yield from live_world(request.getfixturevalue("desk"))
    else:
        yield memory_world()


def memory_world() -> World:
    cluster = SnapshotCluster()

    def stranger() -> Cluster:
        seen = cluster.copy()
        seen.hidden = frozenset(name for name in cluster.state.topics if not name.endswith(".seen"))
        seen.operations = frozenset()
        return seen

    return World(cluster, "m", stranger)


def live_world(desk: Desk) -> Iterator[World]:
    opened: list[Cluster] = []

    def stranger() -> Cluster:
        user, seen = desk.user("stranger"), f"{desk.prefix}.seen"
        grants = [
            AclBinding(f"User:{user}", "Allow", operation, "Topic", "Literal", seen)
            for operation in ("Describe", "DescribeConfigs")
        ]
        assert desk.admin.create_acls(grants) == dict.fromkeys(grants)
        path = desk.folder / "stranger.properties"
        path.write_text(desk.properties_of(user))
        opened.append(connect(load(path, root=desk.folder, environ={}, timeout=10), timeout=10))
        until(lambda: all(seen in opened[0].topic_names(broker) for broker in (1, 2, 3)), "the grants to be known")
        return opened[0]

    yield World(desk.admin, desk.prefix, stranger)
    for cluster in opened:
        cluster.close()
    gc.collect()


# ---- the cluster


def test_the_description_tells_brokers_version_and_our_rights(world: World) -> None:
    said = world.cluster.describe()

    assert [broker.id for broker in said.brokers] == [1, 2, 3]
    assert len({broker.rack for broker in said.brokers}) == 3
    assert (said.fenced, said.kafka_version, said.zookeeper, said.operations) == ((), "4.4", False, CLUSTER_OPERATIONS)


# ---- topics


def test_a_created_topic_is_the_same_for_every_broker(world: World) -> None:
    name = world.name("orders")
    world.create(NewTopic(name, 4, 2, {}))

    views = [given(world.view(name, broker)) for broker in (1, 2, 3)]
    listed = [world.cluster.topic_names(broker)[name] for broker in (1, 2, 3)]

    assert views == [views[0]] * 3
    assert listed == [(views[0].topic_id, 4)] * 3
    assert [len(set(replicas)) for replicas in views[0].assignment] == [2] * 4
    assert [sorted(replicas) for replicas in views[0].isr] == [sorted(replicas) for replicas in views[0].assignment]
    assert views[0].leaders == tuple(replicas[0] for replicas in views[0].assignment)
    assert (views[0].name, views[0].internal) == (name, False)


def test_replicas_go_where_they_are_told_to(world: World) -> None:
    name = world.name("placed")
    placed = ((3, 1), (2, 3), (1, 2))
    world.create(NewTopic(name, 3, 2, {}, assignment=placed))

    assert (world.topic(name).assignment, world.topic(name).leaders) == (placed, (3, 2, 1))


NEW = {
    "": ("INVALID_TOPIC_EXCEPTION", "Topic name is invalid: the empty string is not allowed"),
    ".": ("INVALID_TOPIC_EXCEPTION", "Topic name is invalid: '.' is not allowed"),
    "a b": (
        "INVALID_TOPIC_EXCEPTION",
        "Topic name is invalid: 'a b' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ),
    "l" * 250: (
        "INVALID_TOPIC_EXCEPTION",
        f"Topic name is invalid: the length of '{'l' * 250}' is longer than the max allowed length 249",
    ),
}


@pytest.mark.parametrize("name", NEW)
def test_a_name_that_is_none_is_refused(world: World, name: str) -> None:
    assert world.cluster.create_topics([NewTopic(name, 1, 1, {})]) == {name: KafkaError(*NEW[name])}
    assert name not in world.cluster.topic_names(1)


MANUAL = "The manual partition assignment includes"
REPLICAS = [
    ((0, 1, None), "INVALID_PARTITIONS", "Number of partitions was set to an invalid non-positive value."),
    (
        (1, 0, None),
        "INVALID_REPLICATION_FACTOR",
        "Replication factor must be larger than 0, or -1 to use the default value.",
    ),
    (
        (1, 4, None),
        "INVALID_REPLICATION_FACTOR",
        "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached because only 3 broker(s) are registered or some brokers have all their log directories cordoned.",
    ),
    ((1, 1, ((9,),)), "INVALID_REPLICA_ASSIGNMENT", f"{MANUAL} broker 9, but no such broker is registered."),
    ((1, 2, ((1, 1),)), "INVALID_REPLICA_ASSIGNMENT", f"{MANUAL} the broker 1 more than once."),
    (
        (2, 2, ((1, 2), (3,))),
        "INVALID_REPLICA_ASSIGNMENT",
        f"{MANUAL} a partition with 1 replica(s), but this is not consistent with previous partitions, which have 2 replica(s).",
    ),
]


@pytest.mark.parametrize(("shape", "error", "words"), REPLICAS)
def test_replicas_that_cannot_be_are_refused(
    world: World, shape: tuple[int, int, tuple[tuple[int, ...], ...] | None], error: str, words: str
) -> None:
    name = world.name("impossible")
    partitions, replication, assignment = shape

    assert world.cluster.create_topics([NewTopic(name, partitions, replication, {}, assignment)]) == {
        name: KafkaError(error, words)
    }
    assert world.view(name) == NO_TOPIC


def test_a_topic_that_is_there_cannot_be_created_again(world: World) -> None:
    name = world.name("twice")
    world.create(NewTopic(name, 1, 1, {}))

    for validate_only in (True, False):
        assert world.cluster.create_topics([NewTopic(name, 1, 1, {})], validate_only=validate_only) == {
            name: KafkaError("TOPIC_ALREADY_EXISTS", f"Topic '{name}' already exists.")
        }


def test_names_with_one_metric_name_cannot_both_be(world: World) -> None:
    first, second = world.name("metric.name"), world.name("metric_name")
    world.create(NewTopic(first, 1, 1, {}))

    assert world.cluster.create_topics([NewTopic(second, 1, 1, {})]) == {
        second: KafkaError("INVALID_TOPIC_EXCEPTION", f"Topic '{second}' collides with existing topic: {first}")
    }


def test_one_bad_topic_does_not_stop_the_others(world: World) -> None:
    good, bad = world.name("good"), world.name("bad")

    answers = world.cluster.create_topics([NewTopic(bad, 1, 1, {"no.such": "1"}), NewTopic(good, 1, 1, {})])

    assert answers == {bad: KafkaError("INVALID_CONFIG", "Unknown topic config name: no.such"), good: None}
    world.until(lambda broker: isinstance(world.view(good, broker), TopicView), good)
    assert world.view(bad) == NO_TOPIC


def test_asking_for_a_topic_makes_none(world: World) -> None:
    name = world.name("absent")

    for _ in range(2):
        assert world.view(name) == NO_TOPIC
        assert world.cluster.topic_overrides([name]) == {name: NO_TOPIC}
        assert world.cluster.topic_overrides_seen_by(2, [name]) == {name: NO_TOPIC}
        assert world.cluster.topic_bytes([name]) == {name: NO_TOPIC}
    assert name not in world.cluster.topic_names(3)


def test_validation_changes_nothing(world: World) -> None:
    here, new = world.name("here"), world.name("new")
    world.create(NewTopic(here, 2, 1, {"retention.ms": "1000"}))
    before = world.topic(here)

    assert world.cluster.create_topics([NewTopic(new, 1, 1, {})], validate_only=True) == {new: None}
    assert world.cluster.create_partitions([MorePartitions(here, 5)], validate_only=True) == {here: None}
    changes: dict[str, str | None] = {"retention.ms": None, "segment.ms": "9000"}
    assert world.cluster.alter_topics([AlterTopic(here, changes)], validate_only=True) == {here: None}

    assert world.view(new) == NO_TOPIC
    assert (world.topic(here), world.overrides(here)) == (before, {"retention.ms": override("1000")})


def test_validation_refuses_what_doing_it_would(world: World) -> None:
    here = world.name("here")
    world.create(NewTopic(here, 2, 1, {}))

    assert world.cluster.create_partitions([MorePartitions(here, 1)], validate_only=True) == {
        here: KafkaError(
            "INVALID_PARTITIONS", f"The topic {here} currently has 2 partition(s); 1 would not be an increase."
        )
    }
    assert world.cluster.alter_topics([AlterTopic(here, {"retention.ms": "soon"})], validate_only=True) == {
        here: KafkaError(
            "INVALID_CONFIG", "Invalid value soon for configuration retention.ms: Not a number of type LONG"
        )
    }


# ---- settings


def override(text: str) -> ConfigEntry:
    return ConfigEntry(text, ConfigSource.DYNAMIC_TOPIC)


def test_only_what_was_set_on_the_topic_is_an_override(world: World) -> None:
    plain, full = world.name("plain"), world.name("full")
    world.create(
        NewTopic(plain, 1, 1, {}),
        NewTopic(full, 1, 1, {"retention.ms": "604800000", "cleanup.policy": "compact,delete", "preallocate": "FALSE"}),
    )

    expected = {
        plain: {},
        full: {
            "retention.ms": override("604800000"),  # Kafka's own default, and an override all the same
            "cleanup.policy": override("compact,delete"),
            "preallocate": override("false"),
        },
    }
    assert world.cluster.topic_overrides([plain, full]) == expected
    for broker in (1, 2, 3):
        assert world.cluster.topic_overrides_seen_by(broker, [plain, full]) == expected


def test_settings_are_set_and_reset_together(world: World) -> None:
    name = world.name("altered")
    world.create(NewTopic(name, 1, 1, {"retention.ms": "1000", "segment.ms": "5000"}))

    assert world.cluster.alter_topics(
        [AlterTopic(name, {"retention.ms": None, "segment.ms": "6000", "flush.ms": "7", "max.message.bytes": None})]
    ) == {name: None}

    after = {"segment.ms": override("6000"), "flush.ms": override("7")}
    world.until(
        lambda broker: world.cluster.topic_overrides_seen_by(broker, [name]) == {name: after}, "the new settings"
    )
    assert world.overrides(name) == after


BAD = {
    "no.such": ("1", "Unknown topic config name: no.such"),
    "retention.ms": ("-2", "Invalid value -2 for configuration retention.ms: Value must be at least -1"),
    "min.cleanable.dirty.ratio": (
        "1.5",
        "Invalid value 1.5 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
    ),
    "compression.type": (
        "lzma",
        "Invalid value lzma for configuration compression.type: String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer",
    ),
    "unclean.leader.election.enable": (
        "maybe",
        "Invalid value maybe for configuration unclean.leader.election.enable: Expected value to be either true or false",
    ),
    "remote.storage.enable": (
        "true",
        "Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
    ),
    "segment.bytes": (
        "1024",
        "Invalid value 1024 for configuration segment.bytes: Value must be at least 1048576",
    ),
}


@pytest.mark.parametrize("key", BAD)
def test_a_bad_setting_keeps_all_settings_of_its_topic_as_they_are(world: World, key: str) -> None:
    bad, other = world.name("bad"), world.name("other")
    world.create(NewTopic(bad, 1, 1, {"segment.ms": "5000"}), NewTopic(other, 1, 1, {}))
    text, words = BAD[key]

    answers = world.cluster.alter_topics(
        [AlterTopic(bad, {"segment.ms": "6000", key: text}), AlterTopic(other, {"segment.ms": "6000"})]
    )

    assert answers == {bad: KafkaError("INVALID_CONFIG", words), other: None}
    world.until(
        lambda broker: (
            world.cluster.topic_overrides_seen_by(broker, [bad, other])
            == {bad: {"segment.ms": override("5000")}, other: {"segment.ms": override("6000")}}
        ),
        "the settings",
    )


def test_settings_of_an_absent_topic_cannot_be_altered(world: World) -> None:
    name = world.name("absent")

    assert world.cluster.alter_topics([AlterTopic(name, {"retention.ms": "1"})]) == {
        name: KafkaError(NO_TOPIC.name, f"The topic '{name}' does not exist.")
    }


# ---- partitions


def test_partitions_are_added_and_the_old_ones_stay(world: World) -> None:
    name = world.name("grown")
    world.create(NewTopic(name, 1, 2, {}, assignment=((1, 2),)))

    assert world.cluster.create_partitions([MorePartitions(name, 3, added=((3, 1), (2, 3)))]) == {name: None}

    grown = ((1, 2), (3, 1), (2, 3))
    world.until(lambda broker: given(world.view(name, broker)).assignment == grown, "the partitions")
    assert world.cluster.create_partitions([MorePartitions(name, 3)]) == {
        name: KafkaError("INVALID_PARTITIONS", "Topic already has 3 partition(s).")
    }
    assert world.topic(name).assignment == grown


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (((1,),), "Attempted to add 2 additional partition(s), but only 1 assignment(s) were specified."),
        (((1,), (7,)), f"{MANUAL} broker 7, but no such broker is registered."),
    ],
)
def test_partitions_that_cannot_be_placed_are_refused(
    world: World, added: tuple[tuple[int, ...], ...], words: str
) -> None:
    name = world.name("fixed")
    world.create(NewTopic(name, 1, 1, {}))

    assert world.cluster.create_partitions([MorePartitions(name, 3, added=added)]) == {
        name: KafkaError("INVALID_REPLICA_ASSIGNMENT", words)
    }
    assert len(world.topic(name).assignment) == 1


def test_partitions_of_an_absent_topic_cannot_be_added(world: World) -> None:
    name = world.name("absent")

    assert world.cluster.create_partitions([MorePartitions(name, 3)]) == {name: NO_TOPIC}


# ---- deletion


def test_deleting_by_id_spares_another_topic_of_that_name(world: World) -> None:
    name = world.name("reborn")
    world.create(NewTopic(name, 1, 1, {}))
    first = world.topic(name).topic_id
    assert world.cluster.delete_topics({name: first}) == {name: None}
    world.until(lambda broker: world.view(name, broker) == NO_TOPIC, "the deletion")
    world.create(NewTopic(name, 1, 1, {}))

    answers = world.cluster.delete_topics({name: first})

    assert answers == {name: KafkaError("UNKNOWN_TOPIC_ID", "This server does not host this topic ID.")}
    assert world.topic(name).topic_id != first


def test_acls_outlive_their_topic(world: World) -> None:
    name = world.name("gone")
    acl = AclBinding(f"User:{world.prefix}-a", "Allow", "Read", "Topic", "Literal", name)
    world.create(NewTopic(name, 1, 1, {}))
    world.cluster.create_acls([acl])
    world.until(lambda broker: world.acls(broker) == {acl}, "the ACL")

    assert world.cluster.delete_topics({name: world.topic(name).topic_id}) == {name: None}

    world.until(lambda broker: world.view(name, broker) == NO_TOPIC, "the deletion")
    assert world.acls() == {acl}


# ---- access


def bindings(world: World) -> list[AclBinding]:
    """Each resource type, and all that a name, a principal or a host may hold."""
    app = AclBinding(f"User:{world.prefix}-app", "Allow", "Read", "Topic", "Literal", world.name("orders"))
    return [
        app,
        replace(app, pattern="Prefixed"),
        replace(app, permission="Deny", host="10.0.0.1"),
        replace(app, host="2001:db8::1"),
        replace(app, name="*"),
        replace(app, pattern="Prefixed", name="*"),
        replace(app, name=world.name("order.*")),
        replace(app, operation="AlterConfigs"),
        replace(app, operation="All"),
        replace(app, resource_type="Group", name="[red] :bomb: | ::error:: \u00e4\u4e2d"),
        replace(app, resource_type="Group", name="a/b%c@d e"),
        replace(app, resource_type="Group", name="line\nfeed and \x1b[31m"),
        replace(app, resource_type="TransactionalId", operation="TwoPhaseCommit", name=world.name("tx")),
        replace(app, resource_type="Cluster", operation="IdempotentWrite", name="kafka-cluster"),
        replace(app, resource_type="DelegationToken", operation="Describe", name="*"),
        replace(app, resource_type="User", operation="CreateTokens", name="User:other"),
        replace(app, principal=f"User:{world.prefix} CN=a, OU=b,O=c:d"),
        replace(app, principal=f"Group:{world.prefix}"),
    ]


def test_every_kind_of_access_comes_back_as_it_was_given(world: World) -> None:
    wanted = bindings(world)

    assert world.cluster.create_acls(wanted) == dict.fromkeys(wanted)

    world.until(lambda broker: world.acls(broker) == set(wanted), "the ACLs")
    assert len([acl for acl in given(world.cluster.acls()) if world.prefix in acl.principal]) == len(wanted)
    assert world.cluster.delete_acls(wanted) == dict.fromkeys(wanted)
    world.until(lambda broker: world.acls(broker) == set(), "the ACLs to go")


def test_deleting_access_takes_exactly_that(world: World) -> None:
    wanted = bindings(world)
    world.cluster.create_acls(wanted)

    for one in (wanted[0], wanted[4], wanted[9]):
        assert world.cluster.delete_acls([one]) == {one: None}

    left = set(wanted) - {wanted[0], wanted[4], wanted[9]}
    world.until(lambda broker: world.acls(broker) == left, "exactly these to go")


def test_giving_twice_and_taking_what_is_gone_is_done(world: World) -> None:
    acl = bindings(world)[0]

    assert world.cluster.create_acls([acl, acl]) == {acl: None}
    assert world.cluster.create_acls([acl]) == {acl: None}
    assert world.cluster.delete_acls([acl]) == {acl: None}
    world.until(lambda broker: world.acls(broker) == set(), "the ACL to go")
    assert world.cluster.delete_acls([acl]) == {acl: None}


BAD_ACLS = {
    "no principal type": (
        {"principal": "app"},
        "Could not parse principal from `app` (no colon is present separating the principal type from the principal name)",
    ),
    "no name": ({"name": ""}, "Invalid empty resource name"),
    "another cluster": (
        {"resource_type": "Cluster", "name": "mine"},
        "The only valid name for the CLUSTER resource is kafka-cluster",
    ),
}


@pytest.mark.parametrize("case", BAD_ACLS)
def test_access_that_cannot_be_is_refused_and_the_rest_is_given(world: World, case: str) -> None:
    good = bindings(world)[0]
    changes, words = BAD_ACLS[case]
    bad = replace(good, **changes)

    assert world.cluster.create_acls([bad, good]) == {bad: KafkaError("INVALID_REQUEST", words), good: None}
    world.until(lambda broker: world.acls(broker) == {good}, "the good one")


# ---- what we may not see or do


def test_what_is_hidden_is_an_error_and_not_absent(world: World) -> None:
    seen, hidden = world.name("seen"), world.name("hidden")
    world.create(NewTopic(seen, 1, 1, {}), NewTopic(hidden, 1, 1, {}))
    stranger = world.as_stranger()

    names = [name for name in stranger.topic_names(2) if name.startswith(world.prefix)]
    views = stranger.topics(2, [seen, hidden])
    overrides = stranger.topic_overrides([seen, hidden])

    assert names == [seen]
    assert (views[seen], views[hidden]) == (world.topic(seen), NO_RIGHT)
    assert overrides == {seen: {}, hidden: replace(NO_RIGHT, message="Topic authorization failed.")}
    assert stranger.topic_overrides_seen_by(3, [seen, hidden]) == overrides


def test_a_stranger_learns_nothing_of_the_cluster_and_is_told_so(world: World) -> None:
    seen = world.name("seen")
    world.create(NewTopic(seen, 1, 1, {}))
    stranger = world.as_stranger()
    refused = KafkaError("CLUSTER_AUTHORIZATION_FAILED", "log dirs need Describe on the cluster")

    answers = [
        *(stranger.acls(), stranger.acls(2), stranger.broker_configs(1)),
        *(stranger.reassigning([seen]), stranger.reassignments(), stranger.log_dirs(1)),
    ]

    assert [error_name(answer) for answer in answers] == [refused.name] * 6
    assert stranger.topic_bytes([seen]) == {seen: refused}
    assert not stranger.describe().operations


def test_a_stranger_changes_no_access(world: World) -> None:
    world.create(NewTopic(world.name("seen"), 1, 1, {}))
    stranger = world.as_stranger()
    before = world.acls()
    acl = bindings(world)[0]

    answers = [stranger.create_acls([acl])[acl], stranger.delete_acls([acl])[acl]]

    assert [error_name(answer) for answer in answers] == ["CLUSTER_AUTHORIZATION_FAILED"] * 2
    assert world.acls() == before


def test_a_stranger_moves_nothing(world: World) -> None:
    name = world.name("seen")
    world.create(NewTopic(name, 1, 2, {}, assignment=((1, 2),)))
    stranger = world.as_stranger()
    key = TopicPartition(name, 0)

    answers = [
        stranger.reassign({key: (2, 3)}, resize=False)[key],
        stranger.reassign({key: None}, resize=True)[key],
        stranger.elect_preferred([key])[key],
        stranger.alter_brokers([AlterBroker(1, {"leader.replication.throttled.rate": "1"})])[1],
    ]

    assert [error_name(answer) for answer in answers] == ["CLUSTER_AUTHORIZATION_FAILED"] * 4
    assert world.topic(name).assignment == ((1, 2),)


def error_name(answer: object) -> str:
    """A live broker's words name its own connection here."""
    assert isinstance(answer, KafkaError)
    return answer.name


# ---- quantities


def test_an_empty_topic_has_no_bytes_and_nothing_moves(world: World) -> None:
    name = world.name("empty")
    world.create(NewTopic(name, 3, 3, {}))

    until(lambda: world.cluster.topic_bytes([name]) == {name: 0}, "a log of each replica on its broker")
    assert world.cluster.reassigning([name]) == frozenset()


# ---- what a topic inherits


def test_what_a_topic_inherits_is_what_the_broker_says_of_a_topic_without_overrides(desk: Desk) -> None:
    """The oracle is DescribeConfigs of such a topic, asked by the other client."""
    name = desk.own("P.plain")
    assert desk.admin.create_topics([NewTopic(name, 1, 1, {})]) == {name: None}
    until(lambda: name in desk.topics(), name)
    table = given(desk.admin.broker_configs(1))

    told = effective(desk, name)

    known = {key for key in settings.SETTINGS if settings.rules(key, "4.4")}
    assert {key: settings.inherited(key, table, "4.4") for key in told if key in known} == {
        key: settings.comparable(key, text) for key, text in told.items() if key in known
    }
    assert told.keys() == known - {"internal.segment.bytes"}  # never told


def test_in_memory_a_topic_inherits_the_same(desk: Desk) -> None:
    """But for what the sandbox sets on its brokers."""
    live, memory = given(desk.admin.broker_configs(1)), given(SnapshotCluster().broker_configs(1))
    ours = {key for key, entry in live.items() if entry.source is ConfigSource.STATIC_BROKER}

    compared = {
        key
        for key, setting in settings.SETTINGS.items()
        if settings.rules(key, "4.4") and not ours & {one.name for one in setting.broker}
    }

    assert len(compared) > 25
    assert {key: settings.inherited(key, memory, "4.4") for key in compared} == {
        key: settings.inherited(key, live, "4.4") for key in compared
    }


def effective(desk: Desk, name: str) -> dict[str, str]:
    properties = dict(line.split("=", 1) for line in desk.kafka.client("admin-librdkafka").read_text().splitlines())
    client = AdminClient({**properties, "log_level": 0})
    resource = ConfigResource(ResourceType.TOPIC, name)
    entries = client.describe_configs([resource])[resource].result(10)
    return {key: entry.value for key, entry in entries.items()}
