"""What is pulled is what is live: for every cluster, in whatever order it answers, and once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import SETTINGS, World, read, turned, written, yaml_text

from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.findings import Severity
from kafkaops.pull.pulled import Pulled, pull
from kafkaops.rewrite import rewrite

# clusters

NAMES = (
    "order.created.v1",
    "order.created.v1-retry-1000",
    "order.created.v1-retry-2000",
    "order.created.v1-dlt",
    "order.created.v1-billing-retry-1000",
    "order.created.v1-billing-dlt",
    "order.paid.v1",
    "order.order.paid.v1",
    "payment.settled.v1",
    "payment.settled.v1-dlt",
    "Order.shouting",
    "kafkaops.own",
    "legacy_topic",
    "plain",
    "123.4e5",
    "true.null",
    "..x",
    "enricher-store-changelog",
)
CONFIGS: Mapping[str, tuple[str, ...]] = {
    "retention.ms": ("3600000", "604800000", "-1", "90001", "0", "9223372036854775807"),
    "retention.bytes": ("-1", "1073741824", "1048588"),
    "cleanup.policy": ("delete", "compact", "compact,delete", "delete,compact"),
    "min.insync.replicas": ("1", "2"),
    "compression.type": ("lz4", "producer"),
    "min.cleanable.dirty.ratio": ("0.5", "1.0E-4"),
    "preallocate": ("true", "TRUE"),
    "max.message.bytes": ("1048588",),
    "message.format.version": ("2.8",),
    "vendor.tiering": ("true", "7d", "a: b # c", "", "[red]"),
    "leader.replication.throttled.replicas": ("*",),
}


def some_of(values: Mapping[str, tuple[str, ...]]) -> st.SearchStrategy[dict[str, str]]:
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(options) for key, options in values.items()})


few = st.sampled_from(({}, {}, {"retention.ms": "604800000", "min.insync.replicas": "2"}, {"min.insync.replicas": "2"}))
alike = st.builds(lambda config: {"partitions": 3, "replication": 2, "config": config}, few)
any_topic = st.one_of(
    alike,
    alike,
    st.builds(
        lambda partitions, replication, config: {
            "partitions": partitions,
            "replication": replication,
            "config": config,
        },
        st.integers(1, 3),
        st.integers(1, 3),
        some_of(CONFIGS),
    ),
    st.just({"assignment": [[1, 2], [1, 2, 3]]}),
)
TYPES = {
    "topic": ("Read", "Write", "Create", "Delete", "Describe", "DescribeConfigs", "All", "Unknown(15)"),
    "group": ("Read", "Describe", "Delete", "All"),
    "transactional-id": ("Write", "Describe", "All"),
    "cluster": ("IdempotentWrite", "Describe", "Alter"),
    "delegation-token": ("Describe",),
    "user": ("CreateTokens",),
}
PRINCIPALS = ("User:a", "User:b", "User:CN=billing,OU=x", "User:*", "User:kafkaops", "User:4", "User:a-2", "Group:all")
PLACES = ("order.", "order.created.v1", "order.created.v1-dlt", "*", "order.*", "payment.settled.v1", "x", "prefixed:")


@st.composite
def rules(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(sorted(TYPES)))
    operation = draw(st.sampled_from(TYPES[kind]))
    permission = draw(st.sampled_from(("allow", "allow", "allow", "deny")))
    pattern = "literal" if kind == "cluster" else draw(st.sampled_from(("literal", "literal", "prefixed")))
    name = "kafka-cluster" if kind == "cluster" else draw(st.sampled_from(PLACES))
    host = draw(st.sampled_from(("*", "*", "*", "10.0.0.1", "::1", "10.0.0.0/8")))
    return f"{draw(st.sampled_from(PRINCIPALS))} {permission} {operation} {kind} {pattern} {name} from {host}"


def climbing(who: str, topic: str, group: str, tails: tuple[str, ...]) -> list[str]:
    """All that a consumer with these retry and dead-letter topics may."""
    said = [f"Read topic literal {topic}", f"Read group literal {group}"]
    for tail in tails:
        said += [
            f"Read topic literal {topic}{tail}",
            f"Write topic literal {topic}{tail}",
            f"Read group literal {group}{tail}",
        ]
    return [f"{who} allow {one} from *" for one in said]


def streaming(who: str, own: str) -> list[str]:
    said = [f"{one} topic prefixed {own}-" for one in ("Create", "Delete", "DescribeConfigs", "Read", "Write")]
    said += [f"Read group literal {own}", f"Write transactional-id prefixed {own}-", "Read topic literal order.paid.v1"]
    return [f"{who} allow {one} from *" for one in said]


roles = st.sampled_from(
    (
        climbing("User:a", "order.created.v1", "a", ("-retry-1000", "-retry-2000", "-dlt")),
        climbing("User:b", "order.created.v1", "b-orders", ("-retry-1000", "-retry-2000", "-dlt")),
        climbing("User:b", "order.created.v1", "b", ("-billing-retry-1000", "-billing-dlt")),
        climbing("User:a", "payment.settled.v1", "a-payments", ("-dlt",)),
        climbing("User:a", "payment.settled.v1", "a", ("-retry-7",)),
        streaming("User:b", "enricher"),
        ["User:a allow Write topic literal order.paid.v1 from *", "User:a allow Read topic literal plain from *"],
        ["User:a allow Read group literal second from *", "User:b allow Write transactional-id prefixed b- from *"],
    )
)


@st.composite
def clusters(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=len(NAMES)))
    acls = {one for role in draw(st.lists(roles, max_size=4)) for one in role} | set(
        draw(st.lists(rules(), max_size=6))
    )
    return {
        "topics": {name: draw(any_topic) for name in names},
        "acls": sorted(acls),
        "reassigning": draw(st.lists(st.sampled_from(names), max_size=1)) if names else [],
    }


NAMING = {"naming": {"pattern": "{domain}.{entity}.{version}", "parts": {"version": "v[0-9]+"}}}


@st.composite
def settings_files(draw: st.DrawFn) -> str:
    """As somebody has them who has just begun: the lint rules as they come, and one of them stricter."""
    given_ = {
        **SETTINGS,
        "policy": {"lint": draw(st.sampled_from(({}, {"cross-domain-grant": "error"}, {"wide-grant": "error"})))},
    }
    data = given_ | draw(st.sampled_from(({}, NAMING)))
    return draw(st.sampled_from((yaml_text, yaml.safe_dump)))(data)


@contextmanager
def begun(live: Mapping[str, Any], settings_text: str) -> Iterator[World]:
    with tempfile.TemporaryDirectory() as below:
        folder = written(Path(below) / "topology", {"kafkaops.yaml": settings_text})
        yield World(read(folder), SnapshotCluster.from_dict(live))


def pulled(world: World, *addresses: str) -> tuple[World, Pulled]:
    """And written: the world as it is read after that."""
    made = pull(world.request, addresses, world.connect)
    rewrite(world.topology.root, made.rewrites)
    return replace(world, topology=read(world.topology.root)), made


def texts(world: World) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(world.topology.root.iterdir())}


# the laws


@settings(max_examples=200)
@given(clusters(), settings_files())
def test_the_plan_of_what_was_pulled_is_empty_and_nothing_is_dropped(live: Mapping[str, Any], text: str) -> None:
    with begun(live, text) as world:
        after, made = pulled(world)
        plan = after.plan()

        assert plan.changes == ()
        assert [one for one in plan.findings if one.severity in {Severity.ERROR, Severity.DANGER}] == []
        assert "KO3001" not in {one.code for one in plan.findings}
        desired = after.topology.desired["test"]
        left = {one.address.partition("/")[2] for one in made.left}
        streams = set(made.made) - desired.topics.keys()
        assert set(live["topics"]) == desired.topics.keys() | left & set(live["topics"]) | streams
        assert after.cluster.calls == []
        again, second = pulled(after)
        assert second.rewrites == ()
        assert texts(again) == texts(after)


@settings(max_examples=40)
@given(clusters(), settings_files())
def test_the_order_of_answers_changes_no_byte(live: Mapping[str, Any], text: str) -> None:
    with begun(live, text) as world, begun(live, text) as other:
        one, _ = pulled(world)
        another, _ = pulled(replace(other, cluster=turned(other.cluster)))

        assert texts(one) == texts(another)
