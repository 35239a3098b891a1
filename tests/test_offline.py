"""A plan against a snapshot is the plan of the cluster, or a sentence: never another plan."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from in_memory import NOW, World, exit_code, settings_text, yaml_text
from test_architecture import HEAVY
from test_cases import CASES, case_of, each_case, world_of
from test_laws import Given, folder, givens

from kafkaops import app, cli, offline, report, snapshots
from kafkaops.access import AclBinding
from kafkaops.cli import Options
from kafkaops.cluster import ClusterFailure, KafkaError
from kafkaops.cluster.recording import RecordedCluster
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.commands import snapshots as commands
from kafkaops.findings import Exit, Refusal
from kafkaops.kinds.topic.model import OPERATIONAL
from kafkaops.offline import Against
from kafkaops.rewrite import CannotWrite, put
from kafkaops.snapshots import Snapshot
from kafkaops.view import human, machine

both = pytest.mark.parametrize("reduced", [False, True], ids=["whole", "for plan"])


# the plan


@dataclass(frozen=True)
class Outcome:
    """What a run of `plan` shows, without the lines and keys that tell of the reading; or why it ended."""

    code: int
    says: str
    screen: str = ""


def outcome(world: World, against: Against | None = None) -> Outcome:
    request = replace(world.request, against=against)
    try:
        with app.plan(request, against.connect if against else world.connect) as planned:
            code = exit_code(planned.plan)
            document = report.plan_document(planned.plan, planned.header, code)
    except (Refusal, ClusterFailure) as problem:
        return refused(problem)
    del document["live"]["read_at"], document["live"]["seconds"]
    assert bool(document["live"].pop("snapshot", None)) == bool(against)
    text = human.render(machine_read(planned.plan, planned.header, code), width=98, colour=False)
    screen = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("  live    "))
    return Outcome(code, machine.render(document), screen)


def machine_read(*planned: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(machine.render(report.plan_document(*planned)))
    return document


def refused(problem: Refusal | ClusterFailure) -> Outcome:
    code, findings = app.failure_of(problem)
    return Outcome(code, "\n".join(one.message for one in findings))


def tried(world: World, *, reduced: bool, below: Path) -> Against | Outcome:
    """The snapshot, or why there is none."""
    try:
        return taken(world, reduced=reduced, below=below)
    except (Refusal, ClusterFailure) as problem:
        return refused(problem)


def taken(world: World, *, reduced: bool, below: Path) -> Against:
    """By way of the file."""
    path = below / "snapshot.json"
    snapshot = app.snapshot(world.request, world.connect, reduced=reduced)
    path.write_bytes(snapshots.text_of(snapshots.document(snapshot)).encode())
    return Against("snapshot.json", snapshots.read(path))


@both
@each_case
def test_every_case_is_planned_against_its_snapshot_as_it_is_live(path: Path, tmp_path: Path, *, reduced: bool) -> None:
    world = world_of(case_of(path), tmp_path / "topology")
    if not world.topology.valid or throttled(world):
        return
    live = outcome(world)
    against = tried(world, reduced=reduced, below=tmp_path)

    assert (outcome(world, against) if isinstance(against, Against) else against) == live


def throttled(world: World) -> bool:
    """Whether a throttle was left behind is asked of live brokers alone: a snapshot does not hold what is on its way."""
    return any(OPERATIONAL & topic.overrides.keys() for topic in world.cluster.state.topics.values())


def test_some_cases_are_planned_and_some_are_refused() -> None:
    assert len(CASES) > 50


class Below(frozenset[str]):
    """Names that begin with one of these: rights go by prefix."""

    __slots__ = ()

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith(tuple(self))


lived = st.fixed_dictionaries(
    {},
    optional={
        "zookeeper": st.just(True),
        "authorizer": st.just(False),
        "kafka": st.sampled_from(("3.5", "3.9", "4.4")),
        "reassigning": st.just(["order.x"]),
        "operations": st.lists(st.sampled_from(("Describe", "DescribeConfigs", "Alter")), unique=True),
        "down": st.just([2]),
    },
)


@settings(max_examples=100)
@given(givens(), givens(), lived, st.sampled_from(((), ("order.z",), ("pay",), ("order.x.",))), st.booleans())
def test_another_topology_is_planned_against_the_snapshot_as_it_is_live(
    before: Given, after: Given, more: Mapping[str, Any], hidden: tuple[str, ...], reduced: bool
) -> None:
    """Taken with one topology, planned with another one."""
    with folder() as below:
        cluster = replace(before, live={**before.live, **more}).world(below / "before")
        hidden = hidden if more.get("authorizer", True) else ()
        cluster.cluster.hidden = Below(hidden)
        denied = AclBinding("User:kafkaops", "Deny", "Describe", "Topic", "Prefixed", "")
        cluster.cluster.create_acls([replace(denied, name=prefix) for prefix in hidden])
        then = replace(after.world(below / "after"), cluster=cluster.cluster)
        assume(cluster.topology.valid and then.topology.valid)
        against = tried(cluster, reduced=reduced, below=below)

        if isinstance(against, Against):
            assert outcome(then, against) == outcome(then)
        else:
            assert against == outcome(cluster)


@both
def test_every_answer_is_the_one_that_the_brokers_gave(tmp_path: Path, *, reduced: bool) -> None:
    world = shop(tmp_path)
    live, was = world.cluster, taken(world, reduced=reduced, below=tmp_path).snapshot.recording
    recorded = RecordedCluster(was)
    held = ["order.a", "order.b"] if reduced else ["audit.log", "order.a", "order.b"]

    assert sorted(recorded.topic_names(1)) == sorted(live.topic_names(1))
    assert {name: recorded.topic_names(1)[name] for name in held} == {name: live.topic_names(1)[name] for name in held}
    for names in (held, ["order.new", "nowhere"]):
        assert recorded.topic_overrides(names).keys() == set(names)
        assert recorded.topic_overrides_seen_by(2, names) == bare(live.topic_overrides_seen_by(2, names))
        assert recorded.topic_bytes(names) == bare(live.topic_bytes(names))
        assert recorded.reassigning(names) == live.reassigning(names)
    assert replicas(recorded, held) == replicas(live, held)
    assert recorded.topics(1, ["order.new"]) == bare(live.topics(1, ["order.new"]))
    assert sorted(recorded.acls()) == sorted(live.acls(2))
    for broker in (1, 2):
        told = live.broker_configs(broker)
        assert recorded.broker_configs(broker) == {
            name: told[name] for name in snapshots.broker_settings() if name in told
        }
    assert recorded.describe().operations == live.describe().operations


def bare(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: KafkaError(answer.name) if isinstance(answer, KafkaError) else answer for name, answer in answers.items()
    }


def replicas(cluster: Any, names: list[str]) -> list[Any]:
    return [(view.topic_id, view.assignment) for view in cluster.topics(1, names).values()]


ORDERS = """\
domain: order
topics:
  order.a: {partitions: 2, replication-factor: 2, retention-ms: 1d}
applications:
  order-service: {produces: [order.*]}
"""


def live_shop() -> dict[str, Any]:
    return {
        "brokers": [
            {"id": 1, "rack": "eu-1a", "settings": {"log.retention.ms": "3600000"}},
            {"id": 2, "rack": "eu-1b"},
        ],
        "broker": {"ssl.keystore.password": "sentinel", "num.io.threads": "8"},
        "topics": {
            "order.a": {"partitions": 2, "replication": 2, "config": {"retention.ms": "604800000"}, "bytes": 2**30},
            "order.b": {"partitions": 1, "replication": 1},
            "audit.log": {"partitions": 1, "replication": 2, "config": {"retention.ms": "1"}},
        },
        "reassigning": ["order.b"],
        "acls": [
            "User:order-service allow Write topic prefixed order. from *",
            "User:x allow Read group literal g from *",
        ],
    }


def shop(below: Path, **more: Any) -> World:
    files = {"kafkaops.yaml": settings_text(more), "order.yaml": ORDERS}
    return Given(files, live_shop()).world(below / f"shop-{len(list(below.iterdir()))}")


# the file


@both
def test_the_snapshot_follows_its_schema_and_is_the_same_but_for_its_time(tmp_path: Path, *, reduced: bool) -> None:
    world = shop(tmp_path)
    one = snapshots.document(app.snapshot(world.request, world.connect, reduced=reduced))
    later = replace(world.request, now=NOW + timedelta(hours=1))
    other = snapshots.document(app.snapshot(later, world.connect, reduced=reduced))
    schema = machine.schema("kafkaops.snapshot")
    jsonschema.Draft202012Validator.check_schema(schema)

    jsonschema.Draft202012Validator(schema).validate(one)
    assert {key for key in one if one[key] != other[key]} == {"created_at", "checksum"}
    assert snapshots.text_of(one) == machine.render(one)
    assert snapshots.text_of(one).isascii()


def test_a_snapshot_tells_no_host_no_secret_and_no_setting_that_topics_do_not_inherit(tmp_path: Path) -> None:
    world = shop(tmp_path)
    text = snapshots.text_of(snapshots.document(app.snapshot(world.request, world.connect, reduced=False)))

    assert [word for word in ("sentinel", "broker-1", "9092", "localhost", "num.io.threads") if word in text] == []
    assert "log.retention.ms" in text


def test_a_reduced_one_tells_of_strange_topics_the_name_alone_and_no_rack(tmp_path: Path) -> None:
    world = shop(tmp_path)
    whole = snapshots.document(app.snapshot(world.request, world.connect, reduced=False))
    reduced = snapshots.document(app.snapshot(world.request, world.connect, reduced=True))

    assert ([*whole["topics"]], whole["names"]) == (["audit.log", "order.a", "order.b"], [])
    assert ([*reduced["topics"]], reduced["names"]) == (["order.a", "order.b"], ["audit.log"])
    assert [one["rack"] for one in whole["brokers"]] == ["eu-1a", "eu-1b"]
    assert [one["rack"] for one in reduced["brokers"]] == ["rack-1", "rack-2"]


def test_a_strange_topic_that_is_declared_now_is_not_known_and_so_not_absent(tmp_path: Path) -> None:
    world = shop(tmp_path)
    against = taken(world, reduced=True, below=tmp_path)
    declared = "topics: {audit.log: {partitions: 1, replication-factor: 2}}\n"
    found = Given({"kafkaops.yaml": settings_text({}), "audit.yaml": declared}, {}).world(tmp_path / "now")

    with pytest.raises(Refusal) as refusal:
        offline.insist_on_whole_topics(found.request.desired, against)

    assert (refusal.value.exit_code, [one.code for one in refusal.value.findings]) == (Exit.INVALID, ["KO7203"])


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    world = shop(tmp_path_factory.mktemp("whole"))
    return snapshots.text_of(snapshots.document(app.snapshot(world.request, world.connect, reduced=False))).encode()


def test_no_damaged_snapshot_is_read(whole: bytes, tmp_path: Path) -> None:
    """300 of them: a byte flipped, the end cut, a piece taken out or doubled."""
    chance = random.Random(4)
    path = tmp_path / "damaged.json"
    for number in range(300):
        data, at = bytearray(whole), chance.randrange(len(whole))
        match number % 4:
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at:]
            case 2:
                del data[at : at + chance.randrange(1, 40)]
            case _:
                data[at:at] = data[at : at + chance.randrange(1, 40)]
        path.write_bytes(bytes(data))
        with pytest.raises(Refusal) as refusal:
            snapshots.read(path)
        assert (refusal.value.exit_code, refusal.value.findings[0].code) == (Exit.INVALID, "KO7202"), number


JUNK: tuple[Any, ...] = (None, True, -1, 2**63, 10**30, 1.5, "", "abc", "\x1b[31m", "\ud800", "-", [], [[]], {}, {"a": None}, "9" * 400)  # fmt: skip


def test_whatever_a_snapshot_with_a_fitting_checksum_holds_there_is_a_plan_or_a_sentence(tmp_path: Path) -> None:
    """Anybody can compute a checksum. Each value in turn becomes some that do not fit there."""
    world = full_shop(tmp_path)
    document = snapshots.document(app.snapshot(world.request, world.connect, reduced=False))
    del document["checksum"]
    path, chance, codes = tmp_path / "forged.json", random.Random(4), set[int]()
    for holder, key in list(places(document)):
        kept = holder[key]
        for junk in chance.sample(JUNK, 5):
            holder[key] = junk
            forged = json.loads(json.dumps(document))
            path.write_bytes(snapshots.text_of({**forged, "checksum": report.checksum(forged)}).encode())
            found = reading(path, world)
            assert "\x1b" not in found.screen
            (found.screen + found.says).encode()
            codes.add(found.code)
        holder[key] = kept

    assert codes >= {Exit.INVALID, Exit.BLOCKED}


def full_shop(below: Path) -> World:
    """With a setting of every type, on both sides."""
    wanted = {"retention-bytes": 4, "cleanup-policy": "delete", "min-cleanable-dirty-ratio": 0.4, "preallocate": False}
    held = {"retention.bytes": "5", "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.5", "vendor.x": "y"}
    orders = {"partitions": 3, "replication-factor": 2, "retention-ms": "1d", **wanted}
    declared = {"domain": "order", "topics": {"order.a": orders}, "applications": {"s": {"produces": ["order.*"]}}}
    live = live_shop()
    live["topics"]["order.a"]["config"] |= held
    settings_ = settings_text({"policy": {"safe-below-bytes": "10MiB"}})
    return Given({"kafkaops.yaml": settings_, "order.yaml": yaml_text(declared)}, live).world(below / "full")


def reading(path: Path, world: World) -> Outcome:
    try:
        return outcome(world, Against(path.name, snapshots.read(path)))
    except Refusal as refusal:
        return refused(refusal)


def places(found: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(found) if isinstance(found, dict) else range(len(found)) if isinstance(found, list) else ()
    for key in keys:
        yield found, key
        yield from places(found[key])


OTHERS = {
    "nothing": b"",
    "no JSON": b"{",
    "a number": b"1",
    "a list": b"[]",
    "a plan": b'{"format": "kafkaops.plan", "format_version": "1.0", "complete": true}',
    "another major version": b'{"format": "kafkaops.snapshot", "format_version": "2.0", "complete": true}',
    "one that ended early": b'{"format": "kafkaops.snapshot", "format_version": "1.0", "complete": false}',
    "one without anything": b'{"format": "kafkaops.snapshot", "format_version": "1.0", "complete": true}',
    "too deep": b'{"format": ' + b"[" * 200_000,
    "too deep, and closed": b'{"format": "kafkaops.snapshot", "a": ' + b"[" * 900 + b"]" * 900 + b"}",
    "a number without end": b'{"format": "kafkaops.snapshot", "a": ' + b"9" * 5000 + b"}",
    "no UTF-8": b'{"format": "\xff"}',
    "NaN": b'{"format": "kafkaops.snapshot", "format_version": "1.0", "complete": true, "checksum": NaN}',
    "a name that steers": b'{"format": "\\u001b[31m", "format_version": "\\u001b[31m::error::"}',
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_file_is_a_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(OTHERS[name])

    with pytest.raises(Refusal) as refusal:
        snapshots.read(path)

    assert (refusal.value.exit_code, [one.code for one in refusal.value.findings]) == (Exit.INVALID, ["KO7202"])


def test_what_cannot_be_read_as_a_file_is_a_usage_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(256 * 2**20 + 1)

    for path in (tmp_path, tmp_path / "nowhere.json", tmp_path / "pipe", huge, Path("/dev/zero")):
        with pytest.raises(Refusal) as refusal:
            snapshots.read(path)
        assert (refusal.value.exit_code, refusal.value.findings[0].code) == (Exit.USAGE, "KO7005"), path


# which cluster, and how old


def test_an_old_snapshot_says_so(tmp_path: Path) -> None:
    world = shop(tmp_path)
    against = taken(world, reduced=False, below=tmp_path)

    def told(age: timedelta) -> list[str]:
        return [one.message for one in offline.remarks(against, world.request.entry, NOW + age)]

    changed = "what has changed on the cluster since is not in this plan"
    assert told(timedelta(hours=23, minutes=59)) == []
    assert told(timedelta(hours=31)) == [f"`snapshot.json` is 31 h old; {changed}"]
    assert told(timedelta(days=10)) == [f"`snapshot.json` is 10 d old; {changed}"]
    assert told(-timedelta(hours=1)) == [f"`snapshot.json` is of 2026-07-01 12:00Z, which is still to come; {changed}"]


def test_the_header_says_that_no_broker_was_asked(tmp_path: Path) -> None:
    world = shop(tmp_path)
    against = taken(world, reduced=False, below=tmp_path)
    request = replace(world.request, against=against, now=NOW + timedelta(hours=31))

    with app.plan(request, against.connect) as planned:
        document = report.plan_document(planned.plan, planned.header, 3)

    jsonschema.Draft202012Validator(machine.schema("kafkaops.plan")).validate(json.loads(machine.render(document)))
    assert document["live"]["snapshot"] == {"path": "snapshot.json", "age_seconds": 111_600, "reduced": False}
    assert human.render(document, width=98, colour=False).splitlines()[2] == (
        "  live    snapshot snapshot.json of 2026-07-01 12:00:00Z, 31 h old, read as User:kafkaops"
    )


OTHER = {"bootstrap-servers": ["localhost:9093"]}


@pytest.mark.parametrize(
    ("clusters", "named", "chosen"),
    [
        ({}, None, "test"),
        ({}, "test", "test"),
        ({"test": {"cluster-id": "Qm7xT0pRSc2vW4f2A"}}, None, 5),
        ({"test": {"cluster-id": None}, "other": OTHER}, None, "test"),
        ({"test": {"cluster-id": "Qm7xT0pRSc2vW4f2A"}, "other": OTHER}, None, 5),
        ({"test": {"cluster-id": "Qm7xT0pRSc2vW4f2A"}, "other": OTHER}, "other", "other"),
        ({"test": None, "new": OTHER, "other": OTHER}, None, 5),
        ({"test": None, "new": {**OTHER, "cluster-id": "snapshot-cluster-0001A"}, "other": OTHER}, None, "new"),
        ({}, "nowhere", 64),
    ],
)
def test_the_snapshot_picks_its_cluster_and_refuses_another_one(
    clusters: dict[str, Any], named: str | None, chosen: object, tmp_path: Path
) -> None:
    against = taken(shop(tmp_path), reduced=False, below=tmp_path)
    found = Given({"kafkaops.yaml": settings_text({"clusters": clusters})}, {}).world(tmp_path / "now").topology
    assert found.valid

    try:
        told: object = offline.entry(found, named, against).name
    except Refusal as refusal:
        told = refusal.exit_code

    assert told == chosen


def test_a_snapshot_of_a_cluster_by_another_name_says_so_unless_the_id_proves_it(tmp_path: Path) -> None:
    against = taken(shop(tmp_path), reduced=False, below=tmp_path)
    clusters = {"test": None, "bare": OTHER, "pinned": {**OTHER, "cluster-id": "snapshot-cluster-0001A"}}
    found = Given({"kafkaops.yaml": settings_text({"clusters": clusters})}, {}).world(tmp_path / "now").topology
    entries = found.settings.clusters

    assert [one.code for one in offline.remarks(against, entries["bare"], NOW)] == ["KO7204"]
    assert list(offline.remarks(against, entries["pinned"], NOW)) == []


# the commands


@dataclass(frozen=True)
class Desk:
    """A folder, a cluster, and the command line."""

    world: World
    below: Path

    def snapshot(self, *output: str, for_plan: bool = False) -> int:
        options = Options(None, self.world.topology.root, None, list(output), False, False, "never", True)
        return commands.snapshot(options, for_plan=for_plan, connect=lambda _: self.world.connect)

    def plan(self, *arguments: str) -> int:
        return cli.run(["plan", "--topology", str(self.world.topology.root), "--color", "never", *arguments])

    def path(self, name: str = "snapshot.json") -> Path:
        return self.below / name


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(shop(tmp_path), tmp_path)


def test_a_file_alone_json_with_a_path_and_json_alone_are_one_document(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = desk.path("a.json"), desk.path("b")

    assert desk.snapshot(str(a), f"json={b}", "json") == 0
    told = capsys.readouterr()

    assert a.read_text() == b.read_text() == told.out
    assert told.err.count("wrote ") == 2


def test_without_a_file_it_is_said_what_to_write(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert desk.snapshot() == Exit.USAGE
    assert "help: write `-o snapshot.json`, or `-o json` for stdout" in capsys.readouterr().err


def test_what_is_there_is_replaced_whole_and_keeps_its_mode(desk: Desk) -> None:
    path = desk.path()
    path.write_text("before")
    path.chmod(0o640)

    assert desk.snapshot(str(path)) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert snapshots.read(path).cluster == "test"
    assert [one.name for one in desk.below.iterdir() if one.name.endswith(".tmp")] == []


def test_no_link_is_followed_and_nothing_but_a_file_is_written(desk: Desk) -> None:
    target = desk.path("target")
    target.write_text("before")
    desk.path("link").symlink_to(target)
    desk.path("dangling").symlink_to(desk.path("nowhere"))
    os.mkfifo(desk.path("pipe"))

    for name in ("link", "dangling", "pipe", "shop-0", "no/such/folder"):
        assert desk.snapshot(str(desk.path(name))) == Exit.USAGE, name
    assert (target.read_text(), desk.path("nowhere").exists(), desk.path("link").is_symlink()) == (
        "before",
        False,
        True,
    )


def test_a_link_that_appears_while_the_cluster_is_read_is_not_followed_either(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("before")
    (tmp_path / "link").symlink_to(tmp_path / "target")

    with pytest.raises(CannotWrite, match="is a link, or no regular file"):
        put(tmp_path / "link", b"after")
    assert (tmp_path / "target").read_text() == "before"


@pytest.mark.parametrize("output", ["{path}", "json={path}"])
def test_what_cannot_be_read_leaves_the_file_as_it_was(
    output: str, desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    path = desk.path()
    path.write_text("before")
    cluster = desk.world.cluster

    cluster.hidden = frozenset({"order.a"})
    assert desk.snapshot(output.format(path=path)) == Exit.REFUSED
    cluster.hidden, cluster.operations = frozenset(), frozenset()
    assert desk.snapshot(output.format(path=path)) == Exit.REFUSED
    cluster.stop(1)
    cluster.stop(2)
    assert desk.snapshot(output.format(path=path), "json") == Exit.UNREACHABLE

    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(machine.schema("kafkaops.snapshot")).validate(document)
    assert (document["complete"], document["exit_code"], path.read_text()) == (False, 69, "before")


def test_a_flag_that_does_not_exist_leaves_the_file_as_it_was(desk: Desk) -> None:
    path = desk.path()
    path.write_text("before")

    assert cli.run(["snapshot", "--for-plans", "-o", f"json={path}"]) == Exit.USAGE
    assert path.read_text() == "before"


def test_brokers_that_do_not_agree_make_no_snapshot(tmp_path: Path) -> None:
    world = shop(tmp_path)
    before = world.cluster.state
    world.cluster.delete_topics({"audit.log": world.cluster.topic_names(1)["audit.log"][0]})
    world.cluster.lagging[2] = before

    with pytest.raises(ClusterFailure, match="do not agree on which topics there are"):
        app.snapshot(world.request, world.connect, reduced=False)
    app.snapshot(world.request, world.connect, reduced=True)  # as a plan, which does not ask for it


def test_what_the_files_do_not_need_may_be_unreadable_and_stays_unknown(tmp_path: Path) -> None:
    world = shop(tmp_path, clusters={"test": {"manage": {"acls": False}}})
    world.cluster.operations = frozenset()
    document = snapshots.document(app.snapshot(world.request, world.connect, reduced=False))

    assert document["acls"] == document["reassigning"] == "CLUSTER_AUTHORIZATION_FAILED"
    assert {one["bytes"] for one in document["topics"].values()} == {"CLUSTER_AUTHORIZATION_FAILED"}
    assert human.render(document, width=98, colour=False).splitlines()[2:] == [
        "  holds   3 topics; no host, no secret",
        "  lacks   the size of 3 topics (CLUSTER_AUTHORIZATION_FAILED)",
        "  lacks   the settings of broker 1 (CLUSTER_AUTHORIZATION_FAILED)",
        "  lacks   the settings of broker 2 (CLUSTER_AUTHORIZATION_FAILED)",
        "  lacks   the ACLs (CLUSTER_AUTHORIZATION_FAILED)",
        "  lacks   the reassignments in flight (CLUSTER_AUTHORIZATION_FAILED)",
    ]


def test_plan_against_needs_no_client_config_and_no_cluster(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    path = desk.path()
    assert desk.snapshot(str(path)) == 0
    entry = {
        "client-config": "nowhere.properties",
        "bootstrap-servers": ["nowhere.invalid:1"],
        "broker-validation": "plan",
    }
    settings_ = settings_text({"clusters": {"test": entry}})
    (desk.world.topology.root / "kafkaops.yaml").write_text(settings_)
    capsys.readouterr()

    assert desk.plan("--against", str(path), "-o", "json") == Exit.BLOCKED
    document = json.loads(capsys.readouterr().out)
    assert document["live"]["snapshot"]["path"] == str(path)
    assert [one["code"] for one in document["findings"] if one["severity"] == "notice"][:1] == ["KO7205"]


def test_a_damaged_snapshot_makes_no_plan_but_a_document(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    path = desk.path()
    assert desk.snapshot(str(path)) == 0
    path.write_text(path.read_text().replace("604800000", "604800001"))
    capsys.readouterr()

    assert desk.plan("--against", str(path), "-o", "json") == Exit.INVALID
    document = json.loads(capsys.readouterr().out)
    assert (document["format"], document["complete"]) == ("kafkaops.plan", False)
    assert document["error"] == f"`--against {path}` was edited or damaged: its checksum does not fit"
    assert desk.plan("--against", str(desk.path("nowhere"))) == Exit.USAGE


def test_a_snapshot_is_a_value_that_reads_back_equal(desk: Desk) -> None:
    assert desk.snapshot(str(desk.path())) == 0
    read = snapshots.read(desk.path())
    moment = datetime.now(UTC) - read.taken_at

    assert moment < timedelta(minutes=1)
    assert read == Snapshot(
        cluster="test", taken_at=read.taken_at, reduced=False,
        recording=app.snapshot(desk.world.request, desk.world.connect, reduced=False).recording,
    )  # fmt: skip


def test_a_recorded_cluster_is_only_read(desk: Desk) -> None:
    recording = app.snapshot(desk.world.request, desk.world.connect, reduced=False).recording

    with pytest.raises(TypeError):
        RecordedCluster(recording).delete_topics({"order.a": ""})
    assert isinstance(desk.world.cluster, SnapshotCluster)
    assert desk.world.cluster.calls == []


def test_a_plan_against_a_snapshot_loads_no_client_and_no_key_store(desk: Desk) -> None:
    assert desk.snapshot(str(desk.path())) == 0
    code = "import sys; from kafkaops.cli import run; run(sys.argv[1:]); print('loaded', *sys.modules)"
    arguments = ["plan", "--topology", str(desk.world.topology.root), "--against", str(desk.path())]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    *screen, last = done.stdout.splitlines()

    assert "BLOCKED: 1 danger needs acknowledgement; nothing was changed" in screen
    assert HEAVY & set(last.split()) == set()


def test_sizes_of_topics_that_have_just_been_created_are_asked_for_again(tmp_path: Path) -> None:
    world = replace(shop(tmp_path), patience=0.01)
    asked: list[object] = []

    def first_time(method: str, item: object) -> KafkaError | None:
        if method != "topic_bytes" or asked.count(item) == 2:
            return None
        asked.append(item)
        return KafkaError("REPLICA_NOT_AVAILABLE") if item == "order.b" or asked.count(item) == 1 else None

    world.cluster.hook = first_time
    topics = app.snapshot(world.request, world.connect, reduced=False).recording.topics

    assert {name: topic.size for name, topic in topics.items()} == {"audit.log": 0, "order.a": 2**30, "order.b": 0}
    assert asked.count("order.b") == 2
