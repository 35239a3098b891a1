"""One Kafka for the whole session, on which each test has a prefix of its own; with `pytest -n` one for each worker."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, begun

from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.properties import load
from kafkaops.sandbox import Sandbox, running

STARTS_ITS_OWN = {
    "test_live_pull",
    "test_examples",
    "test_sandbox",
    "test_live_cluster",
    "test_moves",
    "test_oauth",
    "test_reassignment_facts",
    "test_versions",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With `pytest -n 2` one worker has the session's Kafka to itself, the other one the tests that start their own: brokers wait more than they work."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("own" if item.path.stem in STARTS_ITS_OWN else "shared"))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Three brokers of Kafka 4.4 with every listener."""
    with running(tmp_path_factory.mktemp("kafka"), brokers=3, kafka="4.4", listeners="all") as started:
        yield started


@pytest.fixture(scope="session")
def admin(kafka: Sandbox) -> Iterator[LiveCluster]:
    """The administrator's own connection, to look behind what the command line says."""
    config = load(kafka.properties, root=kafka.directory, environ={}, timeout=10)
    cluster = connect(config, timeout=10, expected_cluster_id=kafka.cluster_id)
    yield cluster
    cluster.close()
    gc.collect()


@pytest.fixture
def desk(kafka: Sandbox, admin: LiveCluster, tmp_path: Path) -> Iterator[Desk]:
    """What the test makes is taken away."""
    mine = begun(kafka, admin, tmp_path)
    yield mine
    mine.clear()
