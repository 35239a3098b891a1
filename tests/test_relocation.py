"""Copies by the command line: apply that waits for them, resume, cancel and throttle from another machine, and what is not touched."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from in_memory import settings_text, written
from jsonschema import Draft202012Validator

from kafkaops import cli, connection, journal
from kafkaops.cluster import ConfigSource, KafkaError, Reassignment, TopicPartition
from kafkaops.cluster.journal import Lock
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.findings import Exit
from kafkaops.journal import Runner
from kafkaops.view import machine

OLD = ((1, 2), (2, 3), (3, 4))
LIVE: dict[str, Any] = {
    "brokers": 4,
    "topics": {"shop.clicks": {"assignment": [list(one) for one in OLD], "bytes": 3000}},
}
WANTED = "domain: shop\ntopics:\n  shop.clicks: {partitions: 3, replication-factor: 3}\n"


@dataclass
class Desk:
    """A folder, a cluster in memory whose brokers copy while somebody waits, and the command line."""

    folder: Path
    cluster: SnapshotCluster
    capsys: pytest.CaptureFixture[str]
    copying: bool = True
    waited: Callable[[], None] = field(default=lambda: None)

    def run(self, *arguments: str) -> int:
        return cli.run([*arguments, "--color", "never"])

    def apply(self, *flags: str) -> int:
        return self.run("apply", "--yes", *flags, "-o", "json=out.json")

    def document(self, *arguments: str) -> dict[str, Any]:
        self.run(*arguments, "-o", "json=out.json")
        return self.written

    @property
    def written(self) -> dict[str, Any]:
        found = json.loads((self.folder / "out.json").read_text())
        Draft202012Validator(machine.schema(found["format"])).validate(found)
        assert isinstance(found, dict)
        return found

    def sleep(self, _: float) -> None:
        """Everything that is on its way arrives."""
        self.waited()
        for key, on_way in self.in_flight.items():
            for broker in on_way.adding:
                if self.copying:
                    self.cluster.copied(key, broker, None)

    @property
    def in_flight(self) -> dict[TopicPartition, Reassignment]:
        listed = self.cluster.reassignments()
        assert not isinstance(listed, KafkaError)
        return dict(listed)

    @property
    def assignment(self) -> tuple[tuple[int, ...], ...]:
        return self.cluster.state.topics["shop.clicks"].assignment

    @property
    def rates(self) -> set[str | None]:
        """Of all brokers, set for the time of a move."""
        found = set[str | None]()
        for broker in range(1, 5):
            told = self.cluster.broker_configs(broker)
            assert not isinstance(told, KafkaError)
            found |= {
                one.value
                for key, one in told.items()
                if one.source is ConfigSource.DYNAMIC_BROKER and "throttled" in key
            }
        return found

    @property
    def untouched(self) -> bool:
        """No throttle is left, on brokers or on the topic."""
        return not self.rates and not self.cluster.state.topics["shop.clicks"].overrides

    @property
    def in_sync(self) -> bool:
        return self.document("plan")["verdict"] == "in_sync"

    def left(self) -> None:
        """By a run whose runner had no more time."""
        self.copying = False
        assert self.apply("--detach-after", "1ms") == Exit.RUNNING
        self.capsys.readouterr()
        assert self.in_flight
        assert self.rates == {"1048576"}
        self.copying = True


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    return desk_with({"placement": {"throttle": "1MiB/s"}}, tmp_path, monkeypatch, capsys)


def desk_with(
    entry: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    monkeypatch.chdir(folder)
    cluster = SnapshotCluster.from_dict(LIVE)
    monkeypatch.setattr(connection, "connect", lambda *_, **__: (cluster, None))
    settings = settings_text({"clusters": {"test": entry}})
    written(folder / "topology", {"kafkaops.yaml": settings, "shop.yaml": WANTED})
    found = Desk(folder, cluster, capsys)
    monkeypatch.setattr(time, "sleep", found.sleep)
    return found


def test_apply_waits_until_replicas_are_where_they_shall_be(desk: Desk) -> None:
    assert desk.apply() == Exit.DONE
    assert (desk.written["verdict"], desk.written["results"]["applied"]) == ("applied", 1)
    assert {len(replicas) for replicas in desk.assignment} == {3}
    assert desk.untouched
    assert desk.in_sync


def test_without_a_journal_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_with({"placement": {"throttle": "1MiB/s"}, "journal": "off"}, tmp_path, monkeypatch, capsys)

    assert desk.apply() == Exit.DONE
    assert desk.untouched


def test_interrupted_it_leaves_the_copies_and_says_how_to_come_back(desk: Desk) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    desk.waited = interrupted

    assert desk.apply() == Exit.INTERRUPTED
    told = desk.capsys.readouterr().err
    assert "kafkaops resume" in told
    assert "kafkaops cancel" in told
    assert desk.in_flight
    assert desk.rates == {"1048576"}


def test_resume_waits_for_what_was_left_and_gives_the_throttle_back(desk: Desk) -> None:
    desk.left()

    document = desk.document("resume")

    assert (document["exit_code"], document["verdict"], document["done"]) == (Exit.DONE, "done", 3)
    assert desk.untouched
    assert desk.in_sync


def test_resume_asks_for_nothing_that_is_on_its_way_already(desk: Desk) -> None:
    desk.left()
    before = desk.in_flight
    desk.cluster.calls.clear()

    desk.run("resume")

    asked = [call.item for call in desk.cluster.calls if call.method == "reassign"]
    assert all(key not in before for key, _ in asked)


def test_apply_ends_what_was_left_before_it_begins(desk: Desk) -> None:
    desk.left()

    assert desk.apply() == Exit.DONE
    assert "they end first" in desk.capsys.readouterr().err
    assert desk.untouched
    assert desk.in_sync


def test_apply_waits_for_the_lock_of_a_run_that_was_killed_and_gives_back_what_it_has_lent(desk: Desk) -> None:
    desk.left()
    desk.sleep(1)
    desk.cluster.journal().acquire(Lock.MOVE, "the one that was killed")
    desk.waited = lambda: desk.cluster.journal().expire(Lock.MOVE)

    assert desk.apply() == Exit.DONE
    assert desk.untouched
    assert desk.in_sync


def test_cancel_brings_the_old_replicas_back_in_their_order(desk: Desk) -> None:
    desk.left()

    assert desk.document("cancel")["verdict"] == "taken_back"
    assert desk.assignment == OLD
    assert desk.untouched


def test_what_was_taken_back_is_planned_again(desk: Desk) -> None:
    desk.left()
    desk.run("cancel")

    assert desk.document("resume")["verdict"] == "nothing_to_do"
    assert desk.apply() == Exit.DONE


def test_another_rate_holds_at_once_and_is_given_back_by_whoever_comes(desk: Desk) -> None:
    desk.left()

    assert desk.document("throttle", "set", "2MiB/s")["settings"] == 8
    assert desk.rates == {"2097152"}
    assert desk.run("resume") == Exit.DONE
    assert desk.untouched


def test_a_throttle_that_is_cleared_leaves_the_copies(desk: Desk) -> None:
    desk.left()

    assert desk.document("throttle", "clear")["verdict"] == "cleared"
    assert desk.untouched
    assert desk.in_flight


@pytest.mark.parametrize("command", [("resume",), ("cancel",), ("throttle", "set", "1MiB/s"), ("throttle", "clear")])
def test_where_nothing_was_left_nothing_is_done(desk: Desk, command: tuple[str, ...]) -> None:
    assert desk.document(*command)["exit_code"] == Exit.DONE
    assert desk.cluster.calls == []


def test_a_second_mover_is_told_who_the_first_is_and_nothing_is_changed(desk: Desk) -> None:
    held = desk.cluster.journal().acquire(
        Lock.MOVE, journal.client_id("20260701T120000Z-ab12cd", Runner("anna", "ci-7", 1))
    )

    assert desk.apply() == Exit.BUSY
    assert "anna on ci-7" in desk.capsys.readouterr().err
    assert desk.cluster.calls == []
    held.release()


def test_of_what_nobody_knows_only_topics_named_by_hand_are_cancelled(desk: Desk) -> None:
    desk.cluster.reassign({TopicPartition("shop.clicks", 0): (1, 4)}, resize=False)

    assert desk.run("cancel") == Exit.DONE
    assert desk.in_flight
    assert desk.run("cancel", "shop.other") == Exit.USAGE
    assert desk.in_flight
    assert desk.run("cancel", "shop.clicks") == Exit.DONE
    assert not desk.in_flight
    assert set(desk.assignment[0]) == {1, 2}


@pytest.mark.parametrize(
    "flags",
    [
        ("--throttle", "5"),
        ("--throttle", "0MiB/s"),
        ("--detach-after", "soon"),
        ("--stall-timeout", "0s"),
        ("--window", "25:00-26:00"),
        ("--window", "22:00-06:00 Europe/Atlantis"),
        ("--rebalance",),
    ],
)
def test_a_flag_that_cannot_be_meant_changes_nothing(desk: Desk, flags: tuple[str, ...]) -> None:
    assert desk.apply(*flags) == Exit.USAGE
    assert desk.cluster.calls == []


def test_an_approved_plan_is_carried_out_to_the_places_that_were_approved(desk: Desk) -> None:
    desk.run("plan", "-o", "json=plan.json")
    (change,) = json.loads((desk.folder / "plan.json").read_text())["changes"]

    assert desk.apply("--plan", "plan.json") == Exit.DONE
    assert list(map(list, desk.assignment)) == [move["to"] for move in change["moves"]]


def test_an_approved_place_on_a_broker_that_is_down_now_is_refused(desk: Desk) -> None:
    desk.run("plan", "-o", "json=plan.json")
    (change,) = json.loads((desk.folder / "plan.json").read_text())["changes"]
    first = change["moves"][0]
    desk.cluster.stop(next(one for one in first["to"] if one not in first["from"]))

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED
    assert desk.cluster.calls == []
