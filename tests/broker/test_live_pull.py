"""Messy clusters as they are met: the same files come from real brokers as from the cluster in memory, and were read by eye."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from desk import given, run, until

from kafkaops.cluster import NewTopic
from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.plain import acl
from kafkaops.cluster.properties import load
from kafkaops.sandbox import Sandbox, running

pytestmark = pytest.mark.broker

MESSES = sorted(path.parent for path in (Path(__file__).parent.parent / "pulled").glob("*/live.yaml"))


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Of its own: everything that is there is pulled."""
    with running(tmp_path_factory.mktemp("kafka"), brokers=3, kafka="4.4") as started:
        yield started


@pytest.fixture(scope="module")
def admin(kafka: Sandbox) -> Iterator[LiveCluster]:
    cluster = connect(
        load(kafka.properties, root=kafka.directory, environ={}, timeout=10), timeout=10, expected_cluster_id=None
    )
    yield cluster
    cluster.close()


@pytest.fixture(params=MESSES, ids=lambda path: path.name)
def mess(request: pytest.FixtureRequest, admin: LiveCluster) -> Iterator[Path]:
    """Made, and taken away."""
    folder: Path = request.param
    live: dict[str, Any] = yaml.safe_load((folder / "live.yaml").read_text())
    wanted = [
        NewTopic(name, one["partitions"], one["replication"], one.get("config", {}))
        for name, one in live["topics"].items()
    ]
    rules = {acl(text) for text in live["acls"]}
    assert {error for error in admin.create_topics(wanted).values() if error} == set()
    assert {error for error in admin.create_acls(rules).values() if error} == set()
    until(lambda: names(admin) == live["topics"].keys() and all_acls(admin) == rules, "the mess to show", seconds=180)
    yield folder
    until(lambda: not swept(admin), "the mess to go", seconds=180)


def names(admin: LiveCluster) -> set[str]:
    """Those that every broker shows."""
    shown = [set(admin.topic_names(broker.id)) for broker in admin.describe().brokers]
    return set.intersection(*shown)


def all_acls(admin: LiveCluster) -> set[Any]:
    shown = [set(given(admin.acls(broker.id))) for broker in admin.describe().brokers]
    return set.intersection(*shown)


def swept(admin: LiveCluster) -> bool:
    topics = {name: facts[0] for one in admin.describe().brokers for name, facts in admin.topic_names(one.id).items()}
    rules = {rule for one in admin.describe().brokers for rule in given(admin.acls(one.id))}
    if topics:
        admin.delete_topics(topics)
    if rules:
        admin.delete_acls(rules)
    return bool(topics or rules)


def test_a_messy_cluster_is_pulled_as_it_was_read_by_eye_and_its_plan_is_empty(
    mess: Path, kafka: Sandbox, tmp_path: Path
) -> None:
    topology = tmp_path / "topology"
    topology.mkdir()
    (topology / "kafkaops.yaml").write_text((mess / "before.yaml").read_text())
    env = {"KAFKAOPS_CLIENT_CONFIG": str(kafka.properties)}

    pulled = run(tmp_path, "pull", "-o", "json", env=env)

    assert pulled.code == 0, pulled.told
    left = "".join(f"{one['code']} {one['message']}\n" for one in pulled.document["findings"])
    written = {path.name: path.read_text() for path in topology.iterdir()} | {"left.txt": left}
    assert written == {
        path.name: path.read_text() for path in mess.iterdir() if path.name not in {"live.yaml", "before.yaml"}
    }
    planned = run(tmp_path, "plan", "-o", "json", env=env).document
    assert (planned["verdict"], planned["changes"]) == ("in_sync", [])
    assert [one for one in planned["findings"] if one["severity"] in {"error", "danger"}] == []
    again = run(tmp_path, "pull", "-o", "json", env=env).document
    assert (again["verdict"], again["written"]) == ("nothing_to_write", [])
    assert json.loads(pulled.stdout)["verdict"] == "written"
