"""Criterion 30: three commands from nothing to a first plan on an existing cluster, and it is empty."""

from __future__ import annotations

import shlex

import pytest
from desk import Desk, run

pytestmark = pytest.mark.broker


def test_criterion_30_init_and_the_commands_that_it_prints_end_in_a_plan_that_is_empty(desk: Desk) -> None:
    desk.write(
        order="""
            domain: P.order
            topics:
              P.order.order.created.v1: {partitions: 3, replication-factor: 3, retention-ms: 1d, min-insync-replicas: 2}
              P.order.order.paid.v1: {partitions: 3, replication-factor: 3, retention-ms: 1d, min-insync-replicas: 2}
            applications:
              P-shop: {produces: [P.order.*]}
              P-mail:
                consumes:
                  - topics: [P.order.order.created.v1]
                    group: P-mail
                    retry: {attempts: 3, delay: 1s, multiplier: 2.0}
                    dead-letter: true
            """
    )
    desk.apply()
    folder = desk.folder / "new"
    folder.mkdir()

    begun = run(folder, "init", "--client-config", str(desk.topology / "client.properties"), "-o", "json")

    assert begun.code == 0, begun.told
    export, *commands = begun.document["next"]
    name, _, value = shlex.split(export)[1].partition("=")
    assert commands == ["kafkaops pull", "kafkaops plan"]
    for command in commands:
        ran = run(folder, *shlex.split(command)[1:], "-o", "json", env={name: value})
        assert ran.code == 0, ran.told
    assert (ran.document["verdict"], ran.document["changes"]) == ("in_sync", [])
    assert ran.document["summary"]["findings"]["error"] == ran.document["summary"]["findings"]["danger"] == 0
    files = [path.read_text() for path in (folder / "topology").glob("*.yaml")]
    assert any(f"{desk.prefix}.order.order.created.v1:" in text for text in files)
    assert all(text.startswith("# yaml-language-server: $schema=kafkaops.") for text in files)
