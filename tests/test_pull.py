"""What is pulled is what is live: for every cluster, in whatever order it answers, and once."""

from __future__ import annotations

import difflib
import json
import shutil
import tempfile
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from in_memory import SETTINGS, World, read, turned, written, yaml_text

from kafkaops import source
from kafkaops.cluster.plain import acl
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.findings import Exit, Refusal, Severity
from kafkaops.kinds.topic.model import Topic
from kafkaops.pull.pulled import Pulled, pull
from kafkaops.rewrite import CannotWrite, rewrite
from kafkaops.topology import Topology

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
PLACES = (
    "order.",
    "order.created.v1",
    "order.created.v1-dlt",
    "*",
    "order.*",
    "payment.settled.v1",
    "x",
    "prefixed:",
    "null",
    "yes",
)


@st.composite
def rules(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(sorted(TYPES)))
    operation = draw(st.sampled_from(TYPES[kind]))
    permission = draw(st.sampled_from(("allow", "allow", "allow", "deny")))
    pattern = "literal" if kind == "cluster" else draw(st.sampled_from(("literal", "literal", "prefixed")))
    name = "kafka-cluster" if kind == "cluster" else draw(st.sampled_from(PLACES))
    host = draw(st.sampled_from(("*", "*", "*", "10.0.0.1", "0:0:0:0:0:0:0:1", "10.0.0.0/8")))
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
        assert {one.address.removeprefix("acl/") for one in made.left if one.address.startswith("acl/")} == refused(
            live, text
        )
        assert after.cluster.calls == []
        again, second = pulled(after)
        assert second.rewrites == ()
        assert texts(again) == texts(after)


def refused(live: Mapping[str, Any], text: str) -> set[str]:
    """Who is guarded, who has a rule that cannot be said, and who has one that a stricter policy forbids."""
    strict = "wide-grant" in text
    return {
        urllib.parse.quote(rule.principal, safe=":*=,")
        for rule in map(acl, live["acls"])
        if rule.principal in {"User:*", "User:kafkaops"}
        or rule.operation == "Unknown(15)"
        or rule.host == "10.0.0.0/8"
        or (strict and (rule.permission, rule.resource) == ("Allow", ("Topic", "Literal", "*")))
    }


@settings(max_examples=40)
@given(clusters(), settings_files())
def test_the_order_of_answers_changes_no_byte(live: Mapping[str, Any], text: str) -> None:
    with begun(live, text) as world, begun(live, text) as other:
        one, _ = pulled(world)
        another, _ = pulled(replace(other, cluster=turned(other.cluster)))

        assert texts(one) == texts(another)


# clusters as they are met, and the files that were read by eye (tests/broker/test_live_pull.py pulls the same from real brokers)

MESSES = sorted(path.parent for path in (Path(__file__).parent / "pulled").glob("*/live.yaml"))


@pytest.mark.parametrize("mess", MESSES, ids=lambda path: path.name)
def test_a_messy_cluster_is_pulled_as_it_was_read_by_eye(mess: Path, tmp_path: Path) -> None:
    live = yaml.safe_load((mess / "live.yaml").read_text())
    folder = written(tmp_path / "topology", {"kafkaops.yaml": (mess / "before.yaml").read_text()})
    world = World(read(folder), SnapshotCluster.from_dict(live))

    after, made = pulled(world)

    assert files_of(after, made) == expected(mess)
    assert after.plan().changes == ()


def files_of(world: World, made: Pulled) -> dict[str, str]:
    """With what was left out, a line each."""
    return {**texts(world), "left.txt": "".join(f"{one.code} {one.message}\n" for one in made.left)}


def expected(mess: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in mess.iterdir() if path.name not in {"live.yaml", "before.yaml"}}


# the example


def test_the_example_comes_back_from_the_cluster_that_it_was_applied_to(tmp_path: Path) -> None:
    """Equal in meaning, roles and retries included, and no longer than a person wrote it."""
    example = Path(__file__).parent.parent / "topology"
    shutil.copytree(example, tmp_path / "example")
    cluster = SnapshotCluster()
    given_ = World(read(tmp_path / "example"), cluster, named="sandbox")
    given_.apply()
    before = json.loads(json.dumps(source.parse((example / "kafkaops.yaml").read_text(), "")[0]))
    del before["clusters"]["production"], before["profiles"]
    text = yaml.safe_dump(before, sort_keys=False)
    world = World(read(written(tmp_path / "topology", {"kafkaops.yaml": text})), cluster)

    after, made = pulled(world)

    assert made.left == ()
    assert [one for one in after.topology.findings if one.code != "KO1308"] == []
    assert meaning(after.topology, "sandbox") == meaning(given_.topology, "sandbox")
    assert roles_of(after.topology) == roles_of(given_.topology) - NOT_TOLD_APART
    assert {path.name for path in example.glob("*.yaml")} == texts(after).keys()
    resources = [path for path in sorted(example.glob("*.yaml")) if path.name != "kafkaops.yaml"]
    assert sum(len(texts(after)[path.name].splitlines()) for path in resources) <= sum(
        len([line for line in path.read_text().splitlines() if not line.strip().startswith("#")]) for path in resources
    )


NOT_TOLD_APART = {"analytics-service acls"}  # to read all topics with one group is a role like any other


def meaning(found: Topology, cluster: str) -> tuple[Any, ...]:
    desired = found.desired[cluster]
    topics = {
        name: (one.partitions, one.replication, one.config)
        for name, one in desired.topics.items()
        if isinstance(one, Topic)
    }
    return topics, frozenset(desired.acls.bindings), frozenset(desired.acls.managed), desired.domains, desired.streams


def roles_of(found: Topology) -> set[str]:
    """Each role that is written, and how its records are retried."""
    said = set()
    for document in found.documents:
        for name, block in (document.root.get("applications") or {}).items():
            said |= {f"{name} {key}" for key in ("produces", "transactional-ids", "streams") if key in block}
            for role in block.get("consumes", ()):
                retry = dict(role.get("retry", {}))
                said.add(f"{name} {role['group']} {retry} {role.get('dead-letter', False)}")
        said |= {f"{entry['principal'].removeprefix('User:')} acls" for entry in document.root.get("acls") or ()}
    return said | {"analytics-service analytics-consumers {} False"}


# files that are there

FILES = {
    "kafkaops.yaml": """\
version: 1
profiles:
  events: # all of ours
    partitions: 3
    replication-factor: 2
    retention-ms: 7d
clusters:
  test:
    bootstrap-servers: ["localhost:9092"]
    authorizer: {super-users: [User:kafkaops], allow-everyone: false, principal: User:kafkaops}
""",
    "order.yaml": """\
# Orders.
domain: order

topics:
  order.created: # the first
    profile: events
    retention-ms: 3d  # the law
    config: {segment.ms: 3600000}
  order.paid: {profile: events}

applications:
  shop:
    produces: [order.created, order.gone] # two
    consumes:
      - topics: [order.paid]
        group: shop

acls:
  # for the auditors
  - {principal: User:audit, operations: [Read, Describe], topic: order.*}
  - {principal: User:audit, operations: [Read], group: audit}
""",
}
AS_DECLARED: dict[str, Any] = {
    "topics": {
        "order.created": {
            "partitions": 3,
            "replication": 2,
            "config": {"retention.ms": "259200000", "segment.ms": "3600000"},
        },
        "order.paid": {"partitions": 3, "replication": 2, "config": {"retention.ms": "604800000"}},
    },
    "acls": [
        "User:shop allow Write topic literal order.created from *",
        "User:shop allow Write topic literal order.gone from *",
        "User:shop allow Read topic literal order.paid from *",
        "User:shop allow Read group literal shop from *",
        "User:audit allow Read topic prefixed order. from *",
        "User:audit allow Describe topic prefixed order. from *",
        "User:audit allow Read group literal audit from *",
    ],
}


def changed(*addresses: str, **live: Any) -> tuple[dict[str, str], Pulled]:
    """What the files that change become when `live` has something else, as their lines that are new or gone; no plan is left about what was pulled."""
    with tempfile.TemporaryDirectory() as below:
        folder = written(Path(below) / "topology", FILES)
        world = World(read(folder), SnapshotCluster.from_dict({**AS_DECLARED, **live}))
        after, made = pulled(world, *addresses)
        assert pulled(after, *addresses)[1].rewrites == ()
        return {
            name: lines_of(FILES.get(name, ""), text) for name, text in texts(after).items() if FILES.get(name) != text
        }, made


def lines_of(before: str, after: str) -> str:
    steps = difflib.ndiff(before.splitlines(), after.splitlines())
    return "".join(f"{line[0]}{line[2:]}\n" for line in steps if line[0] in "+-")


def with_topic(name: str, **config: str) -> dict[str, Any]:
    return {
        **AS_DECLARED["topics"],
        name: {
            "partitions": 3,
            "replication": 2,
            "config": {key.replace("_", "."): one for key, one in config.items()},
        },
    }


def test_what_is_as_declared_is_not_written() -> None:
    assert changed()[0] == {}
    assert changed("*")[0] == {}


def test_an_undeclared_topic_of_a_domain_goes_to_its_file_with_the_profile_that_fits() -> None:
    assert changed(topics=with_topic("order.sent", retention_ms="604800000"))[0] == {
        "order.yaml": "+  order.sent:\n+    profile: events\n"
    }


def test_without_an_address_other_domains_and_access_stay_as_they_are() -> None:
    live = {
        "topics": with_topic("pay.settled"),
        "acls": [*AS_DECLARED["acls"], "User:new allow Read topic literal order.paid from *"],
    }

    assert changed(**live)[0] == {}


def test_a_new_domain_gets_a_file_that_shares_what_was_given_before() -> None:
    acls = [
        *AS_DECLARED["acls"],
        "User:pay allow Write topic prefixed pay. from *",
        "User:pay allow Read topic literal order.paid from *",
    ]

    assert changed("topic/pay.*", "acl/User:pay", topics=with_topic("pay.settled"), acls=acls)[0] == {
        "order.yaml": "-  order.paid: {profile: events}\n+  order.paid: {profile: events, share: [pay]}\n",
        "pay.yaml": "+domain: pay\n+\n+topics:\n+  pay.settled:\n+    partitions: 3\n+    replication-factor: 2\n"
        "+\n+applications:\n+  pay:\n+    produces: [pay.*]\n+\n+acls:\n"
        "+  - principal: User:pay\n+    operations: [Read]\n+    topic: order.paid\n",
    }


DRIFTS = {
    "in its own place": (
        {"retention_ms": "86400000", "segment_ms": "3600000"},
        "-    retention-ms: 3d  # the law\n+    retention-ms: 1d  # the law\n",
    ),
    "below config": (
        {"retention_ms": "259200000", "segment_ms": "7200000"},
        "-    config: {segment.ms: 3600000}\n+    config: {segment.ms: 2h}\n",
    ),
    "a new one": (
        {"retention_ms": "259200000", "segment_ms": "3600000", "compression_type": "lz4"},
        "+    compression-type: lz4\n",
    ),
    "one less": ({"retention_ms": "259200000"}, "-    config: {segment.ms: 3600000}\n"),
}


@pytest.mark.parametrize(("config", "difference"), DRIFTS.values(), ids=DRIFTS)
def test_drift_of_a_topic_is_written_into_its_block(config: dict[str, str], difference: str) -> None:
    assert changed("topic/order.created", topics=with_topic("order.created", **config))[0] == {"order.yaml": difference}


def test_what_a_profile_sets_cannot_be_unset_and_is_told() -> None:
    files, made = changed("topic/order.paid", topics=with_topic("order.paid"))

    assert files == {}
    assert made.planned == 1
    assert [one.message for one in made.left] == [
        "order.paid: its retention.ms is not set, and the profile events sets it: give the topic another profile, or its own settings"
    ]


def test_a_topic_that_is_being_reassigned_is_left_until_that_has_ended() -> None:
    files, made = changed(topics=with_topic("order.sent"), reassigning=["order.sent"])

    assert files == {}
    assert [one.message for one in made.left] == [
        "order.sent: is being reassigned, so its replication factor cannot be told"
    ]


def test_a_declared_topic_that_is_gone_is_told() -> None:
    topics = {name: one for name, one in AS_DECLARED["topics"].items() if name != "order.paid"}
    files, made = changed("topic/order.paid", topics=topics)

    assert files == {}
    assert [one.message for one in made.left] == ["order.paid: is declared in order.yaml, and not live"]


def test_access_that_is_gone_is_cut_out_and_access_that_is_new_is_added() -> None:
    acls = [
        one
        for one in AS_DECLARED["acls"]
        if "order.gone" not in one and "Describe" not in one and "group literal audit" not in one
    ]
    acls += [
        "User:shop allow Write topic literal order.paid from *",
        "User:audit allow Describe group prefixed audit from *",
    ]

    assert changed("acl/*", acls=acls)[0] == {
        "order.yaml": "-    produces: [order.created, order.gone] # two\n+    produces: [order.created, order.paid] # two\n"
        "-  - {principal: User:audit, operations: [Read, Describe], topic: order.*}\n"
        "+  - {principal: User:audit, operations: [Read], topic: order.*}\n"
        "-  - {principal: User:audit, operations: [Read], group: audit}\n"
        "+  - principal: User:audit\n+    operations: [Describe]\n+    group: audit*\n"
    }


def test_an_address_that_matches_nothing_is_refused() -> None:
    with pytest.raises(Refusal) as refused:
        changed("topic/order.created", "topic/nowhere")

    assert refused.value.exit_code == Exit.USAGE
    assert "topic/nowhere" in str(refused.value)


def test_a_file_that_cannot_be_edited_safely_is_left_and_told(tmp_path: Path) -> None:
    flow = {
        **FILES,
        "order.yaml": "domain: order\ntopics: {order.created: {profile: events, config: {segment.ms: 1h}, retention-ms: 3d}}\n",
    }
    live = {"topics": with_topic("order.sent", retention_ms="604800000"), "acls": []}
    world = World(read(written(tmp_path / "topology", flow)), SnapshotCluster.from_dict(live))

    after, made = pulled(world, "topic/order.sent")

    assert texts(after) == flow
    assert [one.message for one in made.left] == [
        "order.sent: order.yaml cannot be edited safely: its `topics` is in braces, empty, or shared by an anchor"
    ]


def test_another_clusters_plan_stays_as_it_is(tmp_path: Path) -> None:
    """What is drift on one cluster becomes its override, where another one shares the block; what is new is declared for it alone."""
    second = '  other:\n    bootstrap-servers: ["localhost:9093"]\n'
    files = {**FILES, "kafkaops.yaml": FILES["kafkaops.yaml"] + second}
    topics = {
        **with_topic("order.sent"),
        "order.paid": {"partitions": 3, "replication": 2, "config": {"retention.ms": "1"}},
    }
    world = World(
        read(written(tmp_path / "topology", files)),
        SnapshotCluster.from_dict({**AS_DECLARED, "topics": topics}),
        named="test",
    )
    before = meaning(world.topology, "other")

    after, _ = pulled(world, "topic/*")

    assert meaning(after.topology, "other") == before
    assert after.plan().changes == ()
    assert lines_of(files["kafkaops.yaml"], texts(after)["kafkaops.yaml"]) == (
        "+    override:\n+      - {match: order.paid, set: {retention-ms: 1ms}}\n"
    )


def test_a_second_cluster_like_the_first_leaves_no_trace_of_which_came_first(tmp_path: Path) -> None:
    second = '  other:\n    bootstrap-servers: ["localhost:9093"]\n'
    live = {**AS_DECLARED, "topics": with_topic("pay.settled")}
    only = {"kafkaops.yaml": FILES["kafkaops.yaml"]}
    alone, _ = pulled(World(read(written(tmp_path / "one", only)), SnapshotCluster.from_dict(live), named="test"))
    both = {"kafkaops.yaml": FILES["kafkaops.yaml"] + second}
    first = World(read(written(tmp_path / "two", both)), SnapshotCluster.from_dict(live), named="test")

    after_one, made = pulled(first)
    assert "    clusters: [test]\n" in texts(after_one)["order.yaml"]
    after_both, _ = pulled(replace(after_one, named="other"))

    assert made.limited
    for name in ("order.yaml", "pay.yaml"):
        assert texts(after_both)[name].split() == texts(alone)[name].split()
    for name in ("test", "other"):
        assert replace(after_both, named=name).plan().changes == ()


def test_what_differs_on_a_second_cluster_is_its_own(tmp_path: Path) -> None:
    second = '  other:\n    bootstrap-servers: ["localhost:9093"]\n'
    files = {"kafkaops.yaml": FILES["kafkaops.yaml"] + second}
    first = World(read(written(tmp_path / "topology", files)), SnapshotCluster.from_dict(AS_DECLARED), named="test")
    smaller = {
        "topics": {**AS_DECLARED["topics"], "order.paid": {"partitions": 1, "replication": 1}},
        "acls": [*AS_DECLARED["acls"], "User:shop allow Describe topic literal order.paid from *"],
    }

    after, _ = pulled(first)
    after_both, made = pulled(replace(after, named="other", cluster=SnapshotCluster.from_dict(smaller)))

    assert replace(after_both, named="test", cluster=first.cluster).plan().changes == ()
    assert after_both.plan().changes == ()
    assert [one.message for one in made.left] == [
        "order.paid: its retention.ms is not set, and the profile events sets it: give the topic another profile, or its own settings"
    ]


def test_a_principal_that_is_only_named_is_given_what_it_has(tmp_path: Path) -> None:
    files = {**FILES, "guards.yaml": 'principals:\n  "User:*": {manage: true}\n  User:old: {state: absent}\n'}
    acls = ["User:* allow Describe topic literal order.paid from *", "User:old allow Read group literal old from *"]
    live = {**AS_DECLARED, "acls": [*AS_DECLARED["acls"], *acls]}
    world = World(read(written(tmp_path / "topology", files)), SnapshotCluster.from_dict(live))

    after, made = pulled(world, "acl/*")

    assert [one.message for one in made.left] == ["User:old: User:old is absent here, and has access elsewhere"]
    assert (
        texts(after)["access.yaml"]
        == "acls:\n  - principal: User:*\n    operations: [Describe]\n    topic: order.paid\n"
    )
    assert {change.address for change in after.plan().changes} == {"acl/User:old/group/old/read"}


def test_a_change_between_the_readings_writes_nothing(tmp_path: Path) -> None:
    """The proof is a plan on fresh readings: what has changed since then is told, and no file is."""
    world = World(
        read(written(tmp_path / "topology", FILES)),
        SnapshotCluster.from_dict({**AS_DECLARED, "topics": with_topic("order.sent")}),
    )

    def grows(method: str, _: object) -> None:
        if method == "broker_configs" or (method == "acls" and "order.sent" in world.cluster.state.topics):
            state = world.cluster.state
            topics = dict(state.topics)
            topics["order.sent"] = replace(topics["order.sent"], overrides={"retention.ms": "1"})
            world.cluster.state = replace(state, topics=topics)

    world.cluster.hook = grows
    with pytest.raises(Refusal) as refused:
        pull(world.request, (), world.connect)

    assert refused.value.exit_code == Exit.FAILED
    assert "KO7032" in {one.code for one in refused.value.findings}


# writing


def test_files_are_written_all_or_none_and_never_over_one_that_has_appeared(tmp_path: Path) -> None:
    """A link counts as there: nothing is written through it."""
    live = {**AS_DECLARED, "topics": with_topic("pay.settled")}
    world = World(
        read(written(tmp_path / "topology", {"kafkaops.yaml": FILES["kafkaops.yaml"]})), SnapshotCluster.from_dict(live)
    )
    made = pull(world.request, (), world.connect)
    (world.topology.root / "pay.yaml").symlink_to(tmp_path / "elsewhere.yaml")

    with pytest.raises(CannotWrite):
        rewrite(world.topology.root, made.rewrites)

    assert {path.name for path in world.topology.root.iterdir()} == {"kafkaops.yaml", "pay.yaml"}
    assert not (tmp_path / "elsewhere.yaml").exists()
