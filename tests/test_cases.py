"""Case files: what is declared, what is live, and the whole plan that follows. One file states one fact, which is its `about`.

    about: shrinking retention is a danger
    topology: {order.yaml: |  ...}      # kafkaops.yaml is filled in where it is left out
    settings: {protect: [...]}          # laid over that kafkaops.yaml
    live: {topics: ..., acls: ...}      # as `kafkaops.cluster.plain` describes it
    base: {order.yaml: |  ...}          # of another commit, to tell a change from drift
    base-settings: {protect: [...]}     # its `settings`, where they are others
    only: [acl/*]
    cluster: staging                    # where several are declared
    rebalance: true                     # as `--rebalance` asks for it
    plan: |                             # every change, every finding, the exit code
      exit 0

Every case also stands under the laws.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_memory import World, consent_to, is_shown, lines, read, rendered, settings_text, turned, without_places, written

from kafkaops import app
from kafkaops.cluster import ClusterFailure
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.findings import Refusal, Severity
from kafkaops.plan import Plan
from kafkaops.report import Verification
from kafkaops.topology import Topology

FOLDER = Path(__file__).parent / "cases"
CASES = sorted(FOLDER.rglob("*.yaml"))
KEYS = {"about", "topology", "settings", "base", "base-settings", "live", "only", "cluster", "rebalance", "plan"}

each_case = pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def case_of(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert case.keys() <= KEYS, path
    return case


def files_of(case: dict[str, Any]) -> dict[str, str]:
    text = settings_text(case.get("settings", {}))
    if "base" in case:  # as people write it, so that consent to a weaker guard finds room in it
        text = yaml.safe_dump(json.loads(text), sort_keys=False)
    return {"kafkaops.yaml": text, **case["topology"]}


def world_of(case: dict[str, Any], folder: Path) -> World:
    found = read(written(folder, files_of(case)))
    cluster = SnapshotCluster.from_dict(case.get("live", {}))
    return World(
        found,
        cluster,
        case.get("cluster"),
        tuple(case.get("only", ())),
        base=base_of(case, folder),
        rebalance=case.get("rebalance", False),
    )


def base_of(case: dict[str, Any], folder: Path) -> Topology | None:
    if "base" not in case:
        return None
    text = settings_text(case.get("base-settings", case.get("settings", {})))
    return read(written(folder.with_name(f"{folder.name}-base"), {"kafkaops.yaml": text, **case["base"]}))


def planned(world: World) -> Plan | None:
    """None where nothing is planned at all."""
    if not world.topology.valid:
        return None
    try:
        return world.plan()
    except (Refusal, ClusterFailure):
        return None


@each_case
def test_the_plan_is_the_one_that_is_written(path: Path, tmp_path: Path) -> None:
    case = case_of(path)

    assert lines(world_of(case, tmp_path / "topology")) == case["plan"]


@each_case
def test_planning_writes_nothing(path: Path, tmp_path: Path) -> None:
    world = world_of(case_of(path), tmp_path / "topology")

    planned(world)

    assert world.cluster.calls == []


@each_case
def test_asking_the_brokers_first_only_asks(path: Path, tmp_path: Path) -> None:
    world = world_of(case_of(path), tmp_path / "topology")
    if planned(world) is None:
        return
    before = world.cluster.state

    with app.plan(world.request, world.connect) as made:
        app.broker_findings(made)

    assert all(call.validate_only for call in world.cluster.calls)
    assert world.cluster.state == before


@each_case
def test_the_order_of_files_and_answers_changes_no_byte(path: Path, tmp_path: Path) -> None:
    case = case_of(path)
    world = world_of(case, tmp_path / "topology")
    if planned(world) is None:
        return
    files = files_of(case)
    other = read(written(tmp_path / "other" / "topology", dict(reversed(files.items()))))

    assert rendered(replace(world, topology=other, cluster=turned(world.cluster))) == rendered(world)


@each_case
def test_the_names_of_files_change_nothing_but_places(path: Path, tmp_path: Path) -> None:
    case = case_of(path)
    files = files_of(case)
    settings = {"kafkaops.yaml": files.pop("kafkaops.yaml")}
    swapped = settings | dict(zip(files, reversed(files.values()), strict=True))
    world = world_of(case, tmp_path / "topology")
    other = replace(world, topology=read(written(tmp_path / "other", swapped)))

    assert sorted(without_places(lines(other)).splitlines()) == sorted(without_places(lines(world)).splitlines())


@each_case
def test_what_is_applied_is_not_planned_again_and_was_shown(path: Path, tmp_path: Path) -> None:
    """With consent to every danger, written as the topology writes it."""
    case = case_of(path)
    first = planned(world_of(case, tmp_path / "topology"))
    if first is None:
        return
    agreed = {**case, "topology": {**case["topology"], **consent_to(first)}}
    world = world_of(agreed, tmp_path / "agreed")
    made = world.plan()
    assert all(one.acknowledged for one in made.findings if one.severity is Severity.DANGER and one.consent)
    if made.blocked:
        return
    shown, before = world.document(), world.cluster.copy()

    world.apply()

    assert [call for call in world.cluster.calls if not is_shown(call, shown)] == []
    with app.plan(world.request, lambda _: (before, None)) as made_before:
        done = replace(made_before, reading=replace(made_before.reading, cluster=world.cluster))
        assert app.verify(world.request, done, lambda _: None, patience=0) == (
            Verification(len(made.to_do)),
            frozenset(),
        )
