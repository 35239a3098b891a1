"""An approved plan on a real Kafka: somebody with another client changes something between plan and apply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk import Desk, until

from kafkaops.cluster import AlterTopic, MorePartitions

pytestmark = pytest.mark.broker

BEFORE = """
domain: P.shop
topics:
  P.shop.clicks: {partitions: 2, replication-factor: 3, retention-ms: 1d}
  P.shop.quiet: {partitions: 1, replication-factor: 3, retention-ms: 3d}
"""
AFTER = """
domain: P.shop
topics:
  P.shop.clicks: {partitions: 2, replication-factor: 3, retention-ms: 7d, max-message-bytes: 2MiB}
  P.shop.quiet: {partitions: 1, replication-factor: 3, retention-ms: 3d}
  P.shop.new: {partitions: 1, replication-factor: 3}
applications:
  P-reader: {consumes: [{topics: [P.shop.clicks], group: P.readers}]}
"""


@pytest.fixture
def approved(desk: Desk) -> dict[str, Any]:
    """The plan that somebody has read."""
    desk.write(shop=BEFORE)
    desk.apply()
    desk.write(shop=AFTER)
    ran = desk.run("plan", "-o", "json=plan.json")
    assert ran.code == 0, ran.told
    found = json.loads((desk.folder / "plan.json").read_text())
    assert isinstance(found, dict)
    return found


def live(desk: Desk) -> tuple[object, ...]:
    overrides = {topic: desk.overrides(f"P.shop.{topic}") for topic in ("clicks", "quiet")}
    return desk.topics(), desk.acls(), overrides


def altered(desk: Desk, topic: str, retention: str) -> None:
    """By hand, until it is seen."""
    desk.admin.alter_topics([AlterTopic(desk.own(topic), {"retention.ms": retention})])
    until(lambda: desk.overrides(topic).get("retention.ms") == retention, f"{topic} with {retention}")


def test_a_touched_thing_that_somebody_changed_is_named_and_nothing_is_written(
    desk: Desk, approved: dict[str, Any]
) -> None:
    altered(desk, "P.shop.clicks", "3600000")
    before = live(desk)

    ran = desk.run("apply", "--plan", "plan.json", "--yes", "-o", "json")

    assert ran.code == 5, ran.told
    assert [(one["address"], one["message"]) for one in ran.document["stale"]] == [
        (desk.own("topic/P.shop.clicks"), "was 1d, is now 1h")
    ]
    assert ran.document["approved"]["fingerprint"] == approved["fingerprint"]
    assert live(desk) == before
    assert desk.run("apply", "--expect", approved["fingerprint"], "--yes").code == 5
    assert live(desk) == before


def test_an_untouched_thing_that_somebody_changed_stops_nobody_and_is_left_alone(
    desk: Desk, approved: dict[str, Any]
) -> None:
    quiet = desk.own("P.shop.quiet")
    altered(desk, "P.shop.quiet", "-1")

    ran = desk.run("apply", "--plan", "plan.json", "--yes", "-o", "json")

    assert ran.code == 0, ran.told
    assert ran.document["verdict"] == "applied"
    assert [one["hash"] for one in ran.document["changes"]] == [one["hash"] for one in approved["changes"]]
    assert [one["address"] for one in ran.document["findings"] if one["code"] == "KO7103"] == [f"topic/{quiet}"]
    assert desk.overrides("P.shop.quiet") == {"retention.ms": "-1"}
    assert [one["address"] for one in desk.plan()["changes"]] == [f"topic/{quiet}"]


def test_what_is_half_done_by_hand_is_finished_and_the_same_again_does_nothing(
    desk: Desk, approved: dict[str, Any]
) -> None:
    altered(desk, "P.shop.clicks", "604800000")

    ran = desk.run("apply", "--plan", "plan.json", "--yes", "-o", "json")

    assert ran.code == 0, ran.told
    assert len(ran.document["changes"]) == len(approved["changes"]) - 1
    desk.assert_in_sync()
    again = desk.run("apply", "--plan", "plan.json", "--yes", "-o", "json")
    assert (again.code, again.document["verdict"]) == (0, "in_sync")


def test_a_topic_that_grew_meanwhile_keeps_what_it_has(desk: Desk, approved: dict[str, Any]) -> None:
    """Partitions were no part of the plan, and the topic is: fewer are impossible now."""
    desk.admin.create_partitions([MorePartitions(desk.own("P.shop.clicks"), 5)])

    ran = desk.run("apply", "--plan", "plan.json", "--yes", "-o", "json")

    assert approved["verdict"] == "ready"
    assert ran.code == 5, ran.told
    assert [one["message"] for one in ran.document["stale"]] == ["partitions 5 -> 2 is impossible"]
    assert desk.topics()[desk.own("P.shop.clicks")][1] == 5
    assert desk.overrides("P.shop.clicks") == {"retention.ms": "86400000"}
