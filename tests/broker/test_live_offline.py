"""A snapshot of real brokers: the same plan without them, none of their secrets, and no file where a plan could not be trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from desk import Desk, Ran, begun, given, until

from kafkaops.cluster.live import LiveCluster
from kafkaops.sandbox import Sandbox
from kafkaops.view import machine

pytestmark = pytest.mark.broker

ORDERS = """
domain: P.order
topics:
  P.order.created: {partitions: 2, replication-factor: 3, retention-ms: 7d}
  P.order.paid: {partitions: 1, replication-factor: 3, segment-bytes: 64MiB}
applications:
  P-service: {produces: [P.order.*]}
"""
AUDIT = "topics: {P.audit: {partitions: 1, replication-factor: 1, retention-ms: 1d}}\n"
CHANGED = """
domain: P.order
topics:
  P.order.created: {partitions: 3, replication-factor: 3, retention-ms: 1d, cleanup-policy: compact}
  P.order.paid: {state: absent}
  P.order.new: {partitions: 2, replication-factor: 2}
applications:
  P-other: {consumes: [{topics: [P.order.created], group: P-group}]}
principals:
  User:P-service: {manage: true}
"""


@pytest.fixture(scope="module")
def live(kafka: Sandbox, admin: LiveCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = begun(kafka, admin, tmp_path_factory.mktemp("offline"))
    desk.write(orders=ORDERS, audit=AUDIT)
    desk.apply()
    yield desk
    desk.clear()


@pytest.fixture
def applied(live: Desk) -> Desk:
    live.settings()
    live.write(orders=ORDERS, audit=AUDIT)
    return live


@pytest.mark.parametrize("flags", [(), ("--for-plan",)], ids=["whole", "for plan"])
def test_the_plan_against_a_snapshot_is_the_live_one_but_for_its_header(applied: Desk, flags: tuple[str, ...]) -> None:
    taken = applied.run("snapshot", *flags, "-o", "snapshot.json")
    assert taken.code == 0, taken.told
    for files in (ORDERS, CHANGED):
        applied.write(orders=files)
        for output in ("json", "text"):
            live = applied.run("plan", "-o", output)
            (applied.topology / "client.properties").unlink()
            offline = applied.run("plan", "--against", "snapshot.json", "-o", output)
            applied.settings()

            assert offline.code == live.code, offline.told
            assert comparable(offline, output) == comparable(live, output)


def comparable(ran: Ran, output: str) -> str:
    """Without what tells of the reading."""
    if output == "text":
        return "".join(line for line in ran.stdout.splitlines(keepends=True) if not line.startswith("  live    "))
    document = ran.document
    del document["created_at"], document["live"]["read_at"], document["live"]["seconds"], document["checksum"]
    document["live"].pop("snapshot", None)
    return json.dumps(document)


def test_no_secret_no_host_and_no_port_of_the_brokers_is_in_it(applied: Desk) -> None:
    secrets = dict(re.findall(r"^(.*(?:password|jaas).*?)=(.*)$", "\n".join(broker_files(applied.kafka)), re.MULTILINE))
    password = re.findall(r'password="([^"]+)"', applied.kafka.properties.read_text())
    places = [place for server in applied.kafka.bootstrap.split(",") for place in (server, server.partition(":")[2])]
    with set_on_broker(applied, "1", {"sentinel.sasl.jaas.config": "sentinel-of-a-broker"}):
        until(lambda: "sentinel.sasl.jaas.config" in given(applied.admin.broker_configs(1)), "the setting")
        ran = applied.run("snapshot", "-o", "snapshot.json", "-o", "json")

    text = (applied.folder / "snapshot.json").read_text()
    jsonschema.Draft202012Validator(machine.schema("kafkaops.snapshot")).validate(json.loads(text))
    assert (ran.code, ran.stdout) == (0, text)
    assert secrets
    assert password
    told = [*secrets.values(), *password, *(f'"{one}"' for one in places), "127.0.0.1", "jaas", "password", "sentinel"]
    assert [one for one in told if one in text] == []
    assert "log.retention.ms" in text


def broker_files(kafka: Sandbox) -> list[str]:
    return [path.read_text() for path in sorted(Path(kafka.directory).rglob("*.properties"))]


@contextmanager
def set_on_broker(desk: Desk, broker: str, settings: Mapping[str, str]) -> Iterator[None]:
    servers = dict(
        line.split("=", 1) for line in desk.kafka.properties.read_text().splitlines() if line.startswith("bootstrap")
    )
    password = re.findall(r'password="([^"]+)"', desk.kafka.properties.read_text())[0]
    login: dict[str, Any] = {
        **servers,
        "security.protocol": "SASL_SSL",
        "ssl.ca.location": str(desk.kafka.ca),
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "admin",
        "sasl.password": password,
    }
    client = AdminClient(login)

    def alter(operation: AlterConfigOpType) -> None:
        entries = [ConfigEntry(name, value, incremental_operation=operation) for name, value in settings.items()]
        resource = ConfigResource(ConfigResource.Type.BROKER, broker, incremental_configs=entries)
        for future in client.incremental_alter_configs([resource]).values():
            future.result(30)

    alter(AlterConfigOpType.SET)
    try:
        yield
    finally:
        alter(AlterConfigOpType.DELETE)


def test_without_the_rights_of_a_plan_the_file_stays_as_it_was(applied: Desk) -> None:
    user = applied.user("stranger")
    applied.settings(properties=applied.properties_of(user))
    path = applied.folder / "mine.json"
    path.write_text("before")

    ran = applied.run("snapshot", "-o", "mine.json")

    assert (ran.code, path.read_text()) == (77, "before"), ran.told
    applied.settings(bootstrap_servers=["127.0.0.1:9"], properties="")
    assert applied.run("snapshot", "-o", "mine.json").code == 69
    assert path.read_text() == "before"
    assert [one.name for one in applied.folder.iterdir() if one.name.endswith(".tmp")] == []


def test_a_snapshot_of_another_cluster_is_refused(applied: Desk) -> None:
    assert applied.run("snapshot", "-o", "snapshot.json").code == 0
    applied.settings(cluster_id="Qm7xT0pRSc2vW4f2A")

    ran = applied.run("plan", "--against", "snapshot.json", "-o", "json")

    assert (ran.code, ran.document["findings"][0]["code"]) == (5, "KO6003")
