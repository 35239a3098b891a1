"""What an approval is bound to: what a plan does, from which values, on which cluster, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from in_memory import World, consent_to, read, settings_text, turned, written, yaml_text
from test_laws import Given, folder, givens, some

from kafkaops import fingerprint
from kafkaops.access import AclBinding
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.topic.changes import AddPartitions, DeleteTopic, SetTopicConfig
from kafkaops.plan import Action, Change, FieldChange, From, Phase, Value
from kafkaops.report import Document

TOPICS = """
domain: order
topics:
  order.a: {partitions: 3, replication-factor: 2, retention-ms: 7d}
  order.new: {partitions: 1, replication-factor: 2, retention-ms: 1h, cleanup-policy: [compact, delete]}
"""
ACCESS = """
applications:
  shop: {produces: [order.a]}
"""
LIVE: dict[str, Any] = {
    "topics": {
        "order.a": {"partitions": 2, "replication": 2, "config": {"retention.ms": "3600000"}},
        "order.z": {"partitions": 2, "replication": 2, "config": {}},
        "other": {"partitions": 2, "replication": 2, "config": {}},
    }
}


def document(folder: Path, live: dict[str, Any] | None = None, settings: dict[str, Any] | None = None, **files: str) -> Document:  # fmt: skip
    texts = {"kafkaops.yaml": settings_text(settings or {}), "order.yaml": TOPICS, "access.yaml": ACCESS}
    texts |= {f"{name}.yaml": text for name, text in files.items()}
    return World(read(written(folder, texts)), SnapshotCluster.from_dict(live or LIVE)).document()


def changed(**of_topic: Any) -> dict[str, Any]:
    topics = LIVE["topics"]
    return {"topics": {**topics, "order.a": {**topics["order.a"], **of_topic}}}


# what keeps it

SAME: dict[str, Callable[[Path], Document]] = {
    "168h": lambda at: document(at, order=TOPICS.replace("7d", "168h")),
    "milliseconds": lambda at: document(at, order=TOPICS.replace("7d", "604800000")),
    "the other order of a list": lambda at: document(at, order=TOPICS.replace("compact, delete", "delete, compact")),
    "a line more above": lambda at: document(at, order=f"# words\n{TOPICS}"),
    "words for people": lambda at: document(at, order=TOPICS.replace("7d}", "7d, description: x, owner: a-team}")),
    "another topic, untouched": lambda at: document(at, {"topics": {**LIVE["topics"], "o": {"partitions": 1}}}),
    "another domain, in sync": lambda at: document(at, more="topics: {other: {partitions: 2, replication-factor: 2}}"),
    "another file": lambda at: document(at, access="", zzz=ACCESS),
    "consent": lambda at: document(at, consent=consent(at.parent / "asked")),
}


def consent(folder: Path) -> str:
    files = {"kafkaops.yaml": settings_text({}), "order.yaml": TOPICS, "access.yaml": ACCESS}
    world = World(read(written(folder, files)), SnapshotCluster.from_dict(LIVE))
    return consent_to(world.plan())["consent.yaml"]


@pytest.mark.parametrize("name", SAME)
def test_it_is_the_same_with(name: str, tmp_path: Path) -> None:
    first, other = document(tmp_path / "first"), SAME[name](tmp_path / "other")

    assert other["fingerprint"] == first["fingerprint"]
    assert [one["hash"] for one in other["changes"]] == [one["hash"] for one in first["changes"]]


@some
@given(givens(), st.randoms(use_true_random=False))
def test_no_order_of_files_and_answers_changes_it(given_: Given, random: Any) -> None:
    def mixed(text: str) -> str:
        sections = list(json.loads(text).items())
        random.shuffle(sections)
        return yaml_text(dict(sections))

    texts = {name: text if name == "kafkaops.yaml" else mixed(text) for name, text in given_.files.items()}
    with folder() as below:
        world = given_.world(below / "topology")
        if world.topology.valid:
            other = Given(
                {f"z-{name}" if name == "order.yaml" else name: text for name, text in texts.items()}, given_.live
            )
            again = other.world(below / "other")
            assert (
                again.with_cluster(turned(again.cluster)).document()["fingerprint"] == world.document()["fingerprint"]
            )


# what changes it

OTHER: dict[str, Callable[[Path], Document]] = {
    "a wanted value": lambda at: document(at, order=TOPICS.replace("7d", "8d")),
    "a live value": lambda at: document(at, changed(config={"retention.ms": "3600001"})),
    "a wanted number": lambda at: document(at, order=TOPICS.replace("partitions: 3", "partitions: 4")),
    "a live number": lambda at: document(at, changed(partitions=1)),
    "another topic id": lambda at: document(at, changed(id="AAAAAAAAAAAAAAAAAAAAAA")),
    "a setting of a new topic": lambda at: document(at, order=TOPICS.replace("1h", "2h")),
    "a setting more of a new topic": lambda at: document(at, order=TOPICS.replace("1h", "1h, preallocate: true")),
    "replicas of a new topic": lambda at: document(at, order=TOPICS.replace("1, replication-factor: 2", "1, replication-factor: 1")),
    "an operation": lambda at: document(at, access=ACCESS.replace("produces", "consumes")),
    "a principal": lambda at: document(at, access=ACCESS.replace("shop", "shop2")),
    "one change less": lambda at: document(at, access=""),
    "one change more": lambda at: document(at, order=f"{TOPICS}  order.z: {{state: absent}}\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHER)
def test_it_is_another_with(name: str, tmp_path: Path) -> None:
    assert OTHER[name](tmp_path / "other")["fingerprint"] != document(tmp_path / "first")["fingerprint"]


def test_a_reset_holds_the_value_that_it_comes_to(tmp_path: Path) -> None:
    def reset(name: str, default: str) -> Document:
        brokers = [{"id": 1, "settings": {"log.retention.ms": default}}, {"id": 2, "settings": {}}]
        return document(tmp_path / name, {**LIVE, "brokers": brokers}, order=TOPICS.replace(", retention-ms: 7d", ""))

    first, other = reset("first", "60000"), reset("other", "60001")

    assert [one["after"]["value"] for one in (*first["changes"], *other["changes"]) if one["field"] == "retention.ms"] == ["60000", "60001"]  # fmt: skip
    assert first["fingerprint"] != other["fingerprint"]


def test_setting_the_default_is_not_the_same_as_setting_nothing() -> None:
    for_file = Value("604800000", "7d", From.FILE)
    reset = replace(for_file, source=From.DEFAULT)

    assert hash_of(setting(after=for_file)) != hash_of(setting(after=reset))


def test_where_a_default_is_from_makes_no_difference() -> None:
    values = [Value("604800000", "7d", source) for source in (From.DEFAULT, From.BROKER_STATIC, From.BROKER_DYNAMIC)]

    assert len({hash_of(setting(after=value)) for value in values}) == 1


# what the files want

WISHES: dict[str, tuple[dict[str, Any], bool]] = {
    "another broker to be drained": ({"drain": [2]}, True),
    "another rule for racks": ({"racks": "off"}, True),
    "how fast": ({"throttle": "5MiB/s"}, False),
}


@pytest.mark.parametrize("name", WISHES)
def test_where_replicas_belong_is_what_the_files_want_and_how_they_get_there_is_not(name: str, tmp_path: Path) -> None:
    def wanted(folder: str, placement: dict[str, Any]) -> str:
        rules = {"racks": "on", "drain": [1], **placement}
        settings = {"clusters": {"test": {"placement": rules}}}
        return str(document(tmp_path / folder, settings=settings)["source"]["desired"])

    placement, differs = WISHES[name]

    assert (wanted("first", {}) != wanted("other", placement)) is differs


@pytest.mark.parametrize("name", sorted(SAME.keys() - {"another domain, in sync"}))
def test_another_spelling_is_no_other_wish(name: str, tmp_path: Path) -> None:
    first, other = document(tmp_path / "first"), SAME[name](tmp_path / "other")

    assert other["source"]["desired"] == first["source"]["desired"]


@pytest.mark.parametrize("name", sorted(OTHER))
def test_what_is_live_is_no_wish_and_what_is_written_is(name: str, tmp_path: Path) -> None:
    first, other = document(tmp_path / "first"), OTHER[name](tmp_path / "other")
    live = {"a live value", "a live number", "another topic id"}

    assert (other["source"]["desired"] == first["source"]["desired"]) is (name in live)


# each part of each change

WEEK = Value("604800000", "7d", From.TOPIC)
ACL = AclBinding("User:a", "Allow", "Read", "Topic", "Literal", "t")


def setting(**other: Any) -> SetTopicConfig:
    after = other.pop("after", Value("3600000", "1h", From.FILE))
    made = SetTopicConfig(
        id="topic:t#retention.ms", address="topic/t", action=Action.UPDATE, phase=Phase.SAFE, where=None,
        fields=(FieldChange("retention.ms", other.pop("before", WEEK), after),),
        name="t", topic_id="I", key="retention.ms", override=WEEK.text, value=None,
    )  # fmt: skip
    return replace(made, **other)


def partitions(**other: Any) -> AddPartitions:
    made = AddPartitions(
        id="topic:t#partitions", address="topic/t", action=Action.UPDATE, phase=Phase.SAFE, where=None,
        fields=(FieldChange("partitions", Value("1", "1", From.TOPIC), Value("2", "2", From.FILE)),),
        name="t", topic_id="I", before=1, after=2,
    )  # fmt: skip
    return replace(made, **other)


def deletion(**other: Any) -> DeleteTopic:
    made = DeleteTopic(id="topic:t", address="topic/t", action=Action.DELETE, phase=Phase.DELETES, where=None, name="t", topic_id="I", partitions=1, replication=1, config={})  # fmt: skip
    return replace(made, **other)


def granting(kind: type[GrantAcl | RevokeAcl], **other: Any) -> Change:
    return kind(id="acl:x", address="acl/x", action=Action.GRANT, phase=Phase.GRANTS, where=None, binding=replace(ACL, **other))  # fmt: skip


def hash_of(change: Change, cluster_id: str = "C") -> str:
    return fingerprint.of_change(cluster_id, change)


PAIRS: dict[str, tuple[Change, Change]] = {
    "before": (setting(), setting(before=replace(WEEK, text="1"))),
    "nothing before": (setting(), setting(before=None)),
    "unknown before": (setting(), setting(before=replace(WEEK, source=From.UNKNOWN))),
    "after": (setting(), setting(after=WEEK)),
    "id": (setting(), setting(id="topic:t#other")),
    "address": (setting(), setting(address="topic/u")),
    "action": (setting(), setting(action=Action.CREATE)),
    "topic of a setting": (setting(), setting(topic_id="J")),
    "topic of partitions": (partitions(), partitions(topic_id="J")),
    "topic of a deletion": (deletion(), deletion(topic_id="J")),
    "size of a deletion": (deletion(), deletion(partitions=2)),
    **{
        f"{kind.__name__} {key}": (granting(kind), granting(kind, **{key: "other"}))
        for kind in (GrantAcl, RevokeAcl)
        for key in ("principal", "permission", "operation", "resource_type", "pattern", "name", "host")
    },
}


@pytest.mark.parametrize("name", PAIRS)
def test_each_part_of_a_change_is_in_its_hash(name: str) -> None:
    one, other = PAIRS[name]

    assert hash_of(one) != hash_of(other)


KEPT: dict[str, Change] = {
    "display": setting(before=replace(WEEK, display="a week")),
    "where": setting(where=None, fields=setting().fields, removed=True),
    "phase": setting(phase=Phase.LOSSES),
    "codes": setting(codes=("KO2104",), reversible=False),
    "summary": setting(summary="x"),
    "spelling of the live value": setting(override="0604800000"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_is_said_of_a_change_is_not_in_its_hash(name: str) -> None:
    assert hash_of(KEPT[name]) == hash_of(setting())


def test_the_same_change_of_another_cluster_is_another() -> None:
    assert hash_of(setting(), "C") != hash_of(setting(), "D")
    assert fingerprint.of_plan("C", []) != fingerprint.of_plan("D", [])


def test_it_has_one_form_whatever_the_plan() -> None:
    for hashes in ([], ["a"], ["a", "b"]):
        assert fingerprint.FORM.fullmatch(fingerprint.of_plan("C", hashes))


def test_what_goes_into_it_is_a_promise() -> None:
    """A plan of last week must still be what it was: another recipe is `kp2`."""
    assert hash_of(setting()) == "b3fa595ee2384ff6e897cd9c83d657d0f5808cf2476007aa98c6efb550cc21a8"
    assert fingerprint.of_plan("C", [hash_of(setting()), hash_of(granting(GrantAcl))]) == "kp1-5748-e563-1e24"
