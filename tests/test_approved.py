"""apply of an approved plan: exactly its changes, or nothing and each thing that is otherwise. Half of it is about what is not done."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from in_memory import settings_text, written, yaml_text
from jsonschema import Draft202012Validator

from kafkaops import approved, cli, connection
from kafkaops.cluster import AlterTopic, KafkaError, MorePartitions, NewTopic
from kafkaops.cluster.plain import acl
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.findings import Exit, Refusal
from kafkaops.kinds.acl.model import address as acl_address
from kafkaops.plan import Action, Change, FieldChange, From, Phase, Plan, Value
from kafkaops.view import machine

CLICKS = """
domain: shop
topics:
  shop.clicks: {partitions: 14, replication-factor: 2, retention-ms: 7d}
  shop.new: {partitions: 2, replication-factor: 2, retention-ms: 1d}
  shop.old: {state: absent}
  shop.quiet: {partitions: 1, replication-factor: 2, retention-ms: 3d}
  shop.reset: {partitions: 1, replication-factor: 2}
applications:
  reader: {consumes: [{topics: [shop.clicks], group: readers}]}
  gone: {state: absent}
"""
OLD_RULE = "User:gone allow Read topic literal shop.clicks from *"
LIVE: dict[str, Any] = {
    "topics": {
        "shop.clicks": {"partitions": 12, "replication": 2, "config": {"retention.ms": "86400000"}},
        "shop.old": {"partitions": 2, "replication": 2, "config": {}},
        "shop.quiet": {"partitions": 1, "replication": 2, "config": {"retention.ms": "259200000"}},
        "shop.reset": {"partitions": 1, "replication": 2, "config": {"max.message.bytes": "2097152"}},
        "other": {"partitions": 1, "replication": 2, "config": {}},
    },
    "acls": [OLD_RULE],
}


@dataclass
class Desk:
    """A folder with consent to each danger, a cluster in memory, and the command line."""

    folder: Path
    cluster: SnapshotCluster
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> int:
        return cli.run([*arguments, "--color", "never"])

    def plan(self, *flags: str, file: str = "plan.json") -> dict[str, Any]:
        self.run("plan", *flags, "-o", f"json={file}")
        self.capsys.readouterr()
        found = json.loads((self.folder / file).read_text())
        assert isinstance(found, dict)
        return found

    def apply(self, *flags: str) -> int:
        return self.run("apply", "--yes", *flags, "-o", "json=applied.json", "-o", "text", "-o", "markdown=applied.md")

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads((self.folder / "applied.json").read_text())
        Draft202012Validator(machine.schema(found["format"])).validate(found)
        assert isinstance(found, dict)
        return found

    def told(self) -> list[str]:
        """What is stale, as it is said."""
        return [f"{one['address']} {one['field'] or ''}: {one['message']}" for one in self.document["stale"]]

    def write(self, text: str) -> None:
        (self.folder / "topology" / "shop.yaml").write_text(text)

    @property
    def calls(self) -> list[tuple[str, object]]:
        return [(call.method, call.item) for call in self.cluster.calls]

    def by_hand(self, act: Callable[[SnapshotCluster], object]) -> None:
        """Somebody with another client."""
        act(self.cluster)
        self.cluster.calls.clear()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    cluster = SnapshotCluster.from_dict(LIVE)
    monkeypatch.setattr(connection, "connect", lambda *_, **__: (cluster, None))
    written(tmp_path / "topology", {"kafkaops.yaml": settings_text({}), "shop.yaml": CLICKS})
    found = Desk(tmp_path, cluster, capsys)
    until = str(datetime.now(UTC).date() + timedelta(days=30))
    consent = [
        {**one["ack"], "cluster": "test", "until": until, "reason": "a test"}
        for one in found.plan()["findings"]
        if one["ack"]
    ]
    (tmp_path / "topology" / "consent.yaml").write_text(yaml_text({"acknowledge": consent}))
    assert found.plan()["verdict"] == "ready"
    cluster.calls.clear()
    return found


def set_config(name: str, key: str, value: str | None) -> Callable[[SnapshotCluster], object]:
    return lambda cluster: cluster.alter_topics([AlterTopic(name, {key: value})])


def recreated(name: str) -> Callable[[SnapshotCluster], object]:
    def act(cluster: SnapshotCluster) -> None:
        topic = cluster.state.topics[name]
        cluster.delete_topics({name: topic.topic_id})
        cluster.create_topics([NewTopic(name, len(topic.assignment), 2, {"retention.ms": "86400000"})])

    return act


def deleted(name: str) -> Callable[[SnapshotCluster], object]:
    return lambda cluster: cluster.delete_topics({name: cluster.state.topics[name].topic_id})


# what is as approved is done


def test_an_approved_plan_is_done(desk: Desk) -> None:
    approved_ = desk.plan()

    assert desk.apply("--plan", "plan.json") == Exit.DONE

    assert desk.document["verdict"] == "applied"
    assert [one["hash"] for one in desk.document["changes"]] == [one["hash"] for one in approved_["changes"]]
    assert desk.plan()["changes"] == []


def test_the_fingerprint_alone_is_enough(desk: Desk) -> None:
    assert desk.apply("--expect", desk.plan()["fingerprint"]) == Exit.DONE
    assert desk.document["verdict"] == "applied"


def test_plan_and_fingerprint_hold_together(desk: Desk) -> None:
    assert desk.apply("--plan", "plan.json", "--expect", desk.plan()["fingerprint"]) == Exit.DONE


def test_nothing_left_to_do_is_as_approved(desk: Desk) -> None:
    fingerprint = desk.plan()["fingerprint"]
    desk.apply("--plan", "plan.json")
    desk.cluster.calls.clear()

    assert desk.apply("--plan", "plan.json") == Exit.DONE
    assert desk.apply("--expect", fingerprint) == Exit.DONE
    assert desk.apply("--expect", "kp1-0000-0000-0000") == Exit.DONE

    assert (desk.document["verdict"], desk.calls) == ("in_sync", [])


HALVES: dict[str, Callable[[SnapshotCluster], object]] = {
    "partitions": lambda cluster: cluster.create_partitions([MorePartitions("shop.clicks", 14)]),
    "a setting": set_config("shop.clicks", "retention.ms", "604800000"),
    "a setting in another spelling": set_config("shop.clicks", "retention.ms", "0604800000"),
    "a reset": set_config("shop.reset", "max.message.bytes", None),
    "a new topic": lambda cluster: cluster.create_topics([NewTopic("shop.new", 2, 2, {"retention.ms": "86400000"})]),
    "a deletion": deleted("shop.old"),
    "a grant": lambda cluster: cluster.create_acls([acl("User:reader allow Read group literal readers from *")]),
    "a revoke": lambda cluster: cluster.delete_acls([acl(OLD_RULE)]),
}


@pytest.mark.parametrize("half", HALVES)
def test_what_somebody_has_done_by_hand_is_done_and_the_rest_is(desk: Desk, half: str) -> None:
    whole = len(desk.plan()["changes"])
    desk.by_hand(HALVES[half])

    assert desk.apply("--plan", "plan.json") == Exit.DONE

    assert len(desk.document["changes"]) == whole - 1
    assert f"1 of {whole} changes done already" in desk.capsys.readouterr().err
    assert desk.plan()["changes"] == []


# what is not as approved is not

MOVED: dict[str, tuple[Callable[[SnapshotCluster], object], list[str]]] = {
    "a live number": (
        lambda cluster: cluster.create_partitions([MorePartitions("shop.clicks", 13)]),
        ["topic/shop.clicks partitions: was 12, is now 13"],
    ),
    "a live number, past what was approved": (
        lambda cluster: cluster.create_partitions([MorePartitions("shop.clicks", 16)]),
        ["topic/shop.clicks partitions: was 12, is now 16"],
    ),
    "a live number that no change is about": (
        lambda cluster: cluster.create_partitions([MorePartitions("shop.reset", 3)]),
        ["topic/shop.reset : partitions 3 -> 1 is impossible"],
    ),
    "a live value": (
        set_config("shop.clicks", "retention.ms", "3600000"),
        ["topic/shop.clicks retention.ms: was 1d, is now 1h"],
    ),
    "an override that is gone": (
        set_config("shop.clicks", "retention.ms", None),
        ["topic/shop.clicks retention.ms: was 1d, is now 7d (inherited)"],
    ),
    "another setting of a touched topic": (
        set_config("shop.clicks", "max.message.bytes", "2097152"),
        ["topic/shop.clicks max.message.bytes: was 1048588 (inherited), is now 2MiB"],
    ),
    "another topic of that name": (
        recreated("shop.clicks"),
        ["topic/shop.clicks topic id: was OLD, is now NEW"],
    ),
    "a touched topic that is gone": (
        deleted("shop.clicks"),
        ["topic/shop.clicks : was to be changed, is absent"],
    ),
    "a topic that was to be deleted, and is another": (
        recreated("shop.old"),
        ["topic/shop.old topic id: was OLD, is now NEW"],
    ),
    "a new topic that somebody made otherwise": (
        lambda cluster: cluster.create_topics([NewTopic("shop.new", 1, 2, {"retention.ms": "86400000"})]),
        ["topic/shop.new partitions: was to be 2, is now 1"],
    ),
    "a new topic with another setting": (
        lambda cluster: cluster.create_topics([NewTopic("shop.new", 2, 2, {"retention.ms": "1"})]),
        ["topic/shop.new retention.ms: was to be 1d, is now 1ms"],
    ),
    "a new topic with a setting more": (
        lambda cluster: cluster.create_topics(
            [NewTopic("shop.new", 2, 2, {"retention.ms": "86400000", "preallocate": "true"})]
        ),
        ["topic/shop.new preallocate: was to be unset, is true"],
    ),
}


BY_CHANGES = {
    "a live number that no change is about": 0,
    "another setting of a touched topic": 0,
    "another topic of that name": 2,
    "a touched topic that is gone": 2,
}
"""How many of the approved changes it concerns, where that is not one."""


@pytest.mark.parametrize("name", MOVED)
def test_criterion_12_a_stale_plan_names_each_changed_thing_and_no_other(desk: Desk, name: str) -> None:
    act, told = MOVED[name]
    before = {topic.topic_id for topic in desk.cluster.state.topics.values()}
    whole = len(desk.plan()["changes"])
    desk.by_hand(act)
    state = desk.cluster.state

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED

    assert sorted(with_ids_named(one, before) for one in desk.told()) == told
    assert (desk.calls, desk.cluster.state) == ([], state)
    assert desk.document["approved"]["unchanged"] == whole - BY_CHANGES.get(name, 1)
    for one in desk.document["stale"]:
        name_ = one["address"].partition("/")[2]
        assert f"{name_} {one['field'] or ''} {one['message']}".replace("  ", " ").replace(" -> ", " to ") in (desk.folder / "applied.md").read_text().replace("`", "").replace("\\", "")  # fmt: skip


def with_ids_named(text: str, old: set[str]) -> str:
    return re.sub(r"[\w-]{22}", lambda match: "OLD" if match[0] in old else "NEW", text)


def test_the_screen_names_both_values_what_is_unchanged_and_what_consent_no_longer_fits(desk: Desk) -> None:
    plan_ = desk.plan()
    desk.by_hand(lambda cluster: cluster.create_partitions([MorePartitions("shop.clicks", 13)]))

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED

    assert desk.capsys.readouterr().out == (
        "error[KO7102]: the cluster is no longer as it was when this plan was made\n"
        f"  approved  {plan_['fingerprint']} of {plan_['created_at'].replace('T', ' ')}, now {desk.document['fingerprint']}\n"
        "  shop.clicks  partitions  was 12, is now 13\n"
        f"  unchanged  {len(plan_['changes']) - 1} other things of the plan\n"
        '  so        the acknowledgement "partitions 12 -> 14" no longer fits\n'
        "help: run `kafkaops plan --cluster test -o json=plan.json`, read it, and acknowledge again\n"
        f"STALE: 1 thing is no longer as approved, {len(plan_['changes']) - 1} are as approved; nothing was changed\n"
    )


def test_other_files_are_told_to_be_the_reason(desk: Desk) -> None:
    desk.plan()
    desk.write(CLICKS.replace("7d", "8d"))

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED

    assert desk.told() == ["topic/shop.clicks retention.ms: was to be 7d, is now to be 8d"]
    assert desk.document["findings"][0]["message"] == (
        "the cluster or the files are no longer as they were when this plan was made"
    )


def test_missing_from_other_files_proves_nothing(desk: Desk) -> None:
    """The change is not planned any more, and what it leads to is not live."""
    desk.plan()
    desk.write(CLICKS.replace("14, rep", "12, rep"))

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED
    assert desk.told() == ["topic/shop.clicks partitions: was to be 14, is still 12, and nothing is to change it now"]
    assert desk.calls == []


def test_what_other_files_want_elsewhere_was_approved_by_nobody(desk: Desk) -> None:
    desk.plan()
    desk.write(CLICKS.replace("retention-ms: 3d", "retention-ms: 4d"))

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED
    assert desk.told() == ["topic/shop.quiet retention.ms: was to be left as it is, is now to be changed from 3d to 4d"]


def test_other_files_that_want_the_same_are_fine(desk: Desk) -> None:
    desk.plan()
    desk.write(CLICKS + "# a word more\n")
    (desk.folder / "topology" / "more.yaml").write_text("topics: {other: {partitions: 1, replication-factor: 2}}\n")

    assert desk.apply("--plan", "plan.json") == Exit.DONE


# drift elsewhere


def test_criterion_12_drift_that_the_plan_does_not_touch_is_left_alone_and_told(desk: Desk) -> None:
    whole = len(desk.plan()["changes"])
    desk.by_hand(set_config("shop.quiet", "retention.ms", "1000"))

    assert desk.apply("--plan", "plan.json") == Exit.DONE

    assert desk.cluster.state.topics["shop.quiet"].overrides == {"retention.ms": "1000"}
    assert (desk.document["verdict"], len(desk.document["changes"])) == ("applied", whole)
    (told,) = [one for one in desk.document["findings"] if one["code"] == "KO7103"]
    assert told["message"] == "shop.quiet: retention.ms 1s -> 3d is not in the approved plan, so it is left alone"
    assert told["help"] == "`kafkaops plan --cluster test --only topic/shop.quiet` plans it"
    assert told["message"] in desk.capsys.readouterr().out.replace("\n            ", " ")
    assert [one["field"] for one in desk.plan()["changes"]] == ["retention.ms"]


def test_a_danger_in_that_drift_blocks_nobody(desk: Desk) -> None:
    """Back to three days from forever deletes records, and nobody has consented."""
    desk.plan()
    desk.by_hand(set_config("shop.quiet", "retention.ms", "-1"))

    assert desk.apply("--plan", "plan.json") == Exit.DONE
    assert desk.cluster.state.topics["shop.quiet"].overrides == {"retention.ms": "-1"}


def test_with_the_fingerprint_alone_it_is_another_plan(desk: Desk) -> None:
    fingerprint = desk.plan()["fingerprint"]
    desk.by_hand(set_config("shop.quiet", "retention.ms", "1000"))

    assert desk.apply("--expect", fingerprint) == Exit.NOT_APPROVED

    now = desk.plan()
    assert desk.calls == []
    assert (desk.document["fingerprint"], desk.document["stale"]) == (now["fingerprint"], [])
    assert [one["hash"] for one in desk.document["changes"]] == [one["hash"] for one in now["changes"]]
    assert desk.document["findings"][0]["message"] == (
        f"`--expect {fingerprint}` is not what would be done now, which is {now['fingerprint']}"
    )
    assert (
        "with `--plan FILE` of the approved one each thing that is otherwise is named"
        in (desk.document["findings"][0]["help"])
    )


def test_a_grant_that_a_revoke_relies_on_is_no_drift_elsewhere(desk: Desk) -> None:
    """Approved: the old rule of `reader` goes, since the topology's own stays. Somebody takes that one: the revoke would now take access."""
    own, old = (
        "User:reader allow Read topic literal shop.clicks from *",
        "User:reader allow Read topic prefixed shop.c from *",
    )
    desk.by_hand(lambda cluster: cluster.create_acls([acl(own), acl(old)]))
    desk.plan("--only", f"{address(old)}")
    desk.by_hand(lambda cluster: cluster.delete_acls([acl(own)]))

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED
    assert "acl/User:reader/topic/shop.clicks/read : was there, is gone" in desk.told()
    assert acl(old) in desk.cluster.state.acls


def address(text: str) -> str:
    return acl_address(acl(text))


# a part


def test_a_plan_of_a_part_is_applied_with_its_patterns(desk: Desk) -> None:
    part = desk.plan("--only", "topic/shop.new")

    assert desk.apply("--plan", "plan.json") == Exit.DONE

    assert desk.document["options"]["only"] == ["topic/shop.new"]
    assert [one["hash"] for one in desk.document["changes"]] == [one["hash"] for one in part["changes"]]
    assert [method for method, _ in desk.calls] == ["create_topics", "create_topics"]  # asked to validate, then done
    assert not [one for one in desk.document["findings"] if one["code"] == "KO7103"]


def test_what_is_done_already_matches_no_pattern_and_is_no_mistake(desk: Desk) -> None:
    desk.plan("--only", "acl/User:gone/*")
    desk.by_hand(lambda cluster: cluster.delete_acls([acl(OLD_RULE)]))

    assert desk.apply("--plan", "plan.json") == Exit.DONE
    assert desk.calls == []


# consent


def test_a_plan_that_was_blocked_still_is(desk: Desk) -> None:
    (desk.folder / "topology" / "consent.yaml").unlink()
    assert desk.plan()["verdict"] == "blocked"

    assert desk.apply("--plan", "plan.json") == Exit.BLOCKED
    assert desk.calls == []


def test_consent_that_came_after_the_plan_is_no_other_plan(desk: Desk) -> None:
    consent = (desk.folder / "topology" / "consent.yaml").read_text()
    (desk.folder / "topology" / "consent.yaml").unlink()
    assert desk.plan()["verdict"] == "blocked"
    (desk.folder / "topology" / "consent.yaml").write_text(consent)

    assert desk.apply("--plan", "plan.json") == Exit.DONE


# guards that cannot take effect

WRONG = ("", "kp1", "kp1-7f3a-90c4", "kp1-7F3A-90C4-1BE8", "kp1-7f3a-90c4-1be8 ", "kp1-7f3a-90c4-1be8\n", "kp2-7f3a-90c4-1be8", "7f3a-90c4-1be8")  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_criterion_11_a_malformed_fingerprint_is_an_error(desk: Desk, text: str) -> None:
    assert desk.apply("--expect", text) == Exit.USAGE
    assert (desk.document["findings"][0]["code"], desk.calls) == ("KO7101", [])


def test_criterion_11_the_fingerprint_of_another_plan_is_an_error(desk: Desk) -> None:
    desk.plan()

    assert desk.apply("--plan", "plan.json", "--expect", "kp1-0000-0000-0000") == Exit.NOT_APPROVED
    assert (desk.document["findings"][0]["code"], desk.calls) == ("KO7102", [])


def test_criterion_11_a_part_of_an_approved_plan_is_an_error(desk: Desk) -> None:
    desk.plan()

    assert desk.apply("--plan", "plan.json", "--only", "topic/*") == Exit.USAGE
    assert desk.calls == []


def test_criterion_11_a_plan_of_another_cluster_is_an_error_before_anything_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.plan()
    settings = settings_text({"clusters": {"test": {"cluster-id": "snapshot-cluster-0002A"}}})
    (desk.folder / "topology" / "kafkaops.yaml").write_text(settings)
    monkeypatch.setattr(connection, "connect", None)

    assert desk.apply("--plan", "plan.json") == Exit.NOT_APPROVED
    assert desk.document["findings"][0]["code"] == "KO7104"


def _cut(document: dict[str, Any]) -> None:
    document["complete"] = False


def _major(document: dict[str, Any]) -> None:
    document["format_version"] = "2.0"


def _of_apply(document: dict[str, Any]) -> None:
    document["command"] = "apply"


def _another_value(document: dict[str, Any]) -> None:
    """What people read is less than what the hash allows."""
    next(one for one in document["changes"] if one["field"] == "retention.ms")["after"]["value"] = "1209600000"


def _another_hash(document: dict[str, Any]) -> None:
    document["changes"][0]["hash"] = "0" * 64


def _another_fingerprint(document: dict[str, Any]) -> None:
    document["fingerprint"] = "kp1-0000-0000-0000"


def _one_less(document: dict[str, Any]) -> None:
    document["changes"].pop()


def _another_topic(document: dict[str, Any]) -> None:
    next(one for one in document["changes"] if one["action"] == "delete")["carries"]["topic id"] = "x"


@pytest.mark.parametrize(
    "edit", [_cut, _major, _of_apply, _another_value, _another_hash, _another_fingerprint, _one_less, _another_topic]
)
def test_a_document_that_nobody_can_have_approved_is_refused(
    desk: Desk, edit: Callable[[dict[str, Any]], None]
) -> None:
    """The checksum fits: anybody can compute one."""
    document = desk.plan()
    del document["checksum"]
    edit(document)
    (desk.folder / "plan.json").write_text(machine.render(document))

    assert desk.apply("--plan", "plan.json") == Exit.INVALID
    assert desk.calls == []


@pytest.mark.parametrize("text", ["", "{}", "topics: {}", '{"format": "kafkaops.plan"}'])
def test_what_is_no_plan_is_refused(desk: Desk, text: str) -> None:
    (desk.folder / "plan.json").write_text(text)

    assert desk.apply("--plan", "plan.json") == Exit.INVALID


def test_a_file_that_is_not_there_is_a_mistake_on_the_command_line(desk: Desk) -> None:
    assert desk.apply("--plan", "none.json") == Exit.USAGE


def test_without_yes_somebody_has_to_be_there_all_the_same(desk: Desk) -> None:
    desk.plan()

    assert desk.run("apply", "--plan", "plan.json", "--no-input") == Exit.USAGE
    assert desk.calls == []


# the document


def test_a_stale_document_is_shown_again_in_every_format(desk: Desk) -> None:
    desk.plan()
    desk.by_hand(lambda cluster: cluster.create_partitions([MorePartitions("shop.clicks", 13)]))
    desk.apply("--plan", "plan.json")
    first, markdown = desk.capsys.readouterr().out, (desk.folder / "applied.md").read_bytes()

    assert desk.run("show", "applied.json", "-o", "text", "-o", "markdown=again.md") == Exit.DONE

    assert desk.capsys.readouterr().out == first
    assert (desk.folder / "again.md").read_bytes() == markdown


def test_an_approved_plan_reads_back_as_what_it_says(desk: Desk) -> None:
    document = desk.plan()
    made = approved.of(document)

    assert [one.id for one in made.changes.values()] == [one["id"] for one in document["changes"]]
    assert made.fingerprint == document["fingerprint"]
    assert {one.consent for one in made.changes.values()} > {("partitions 12 -> 14",)}
    with pytest.raises(Refusal):
        approved.of({**document, "fingerprint": "kp1-0000-0000-0000"})


# what the brokers put off


def test_a_validation_that_the_brokers_put_off_for_too_long_is_no_fault_of_the_files(desk: Desk) -> None:
    """Nobody can tell whether they would take it."""
    desk.plan()
    quota = KafkaError("THROTTLING_QUOTA_EXCEEDED")
    desk.cluster.hook = lambda method, _: quota if method == "create_topics" else None

    assert desk.apply("--plan", "plan.json") == Exit.UNREACHABLE
    assert "topic/shop.new (THROTTLING_QUOTA_EXCEEDED)" in desk.document["error"]
    assert "shop.new" not in desk.cluster.state.topics


# every kind of change can be told


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("same_files", [True, False])
def test_whatever_nobody_approved_has_a_sentence(action: Action, same_files: bool) -> None:
    """Told as left alone where it is elsewhere, and as stale where the plan touches it or the files are others."""
    sides = Value("1", "1", From.TOPIC), Value("2", "2", From.FILE)
    fields = (FieldChange("f", *sides),) if action in {Action.UPDATE, Action.REASSIGN} else ()
    change = Change(id="topic:t", address="topic/t", action=action, phase=Phase.SAFE, where=None, fields=fields)
    nothing = approved.Approved(
        cluster="c", cluster_id="C", fingerprint="", created_at="", desired="d", only=(), changes={}, hashes={}, held_back=frozenset(),
    )  # fmt: skip

    judgement = approved.judged(nothing, Plan((change,), (), {}), {}, "d" if same_files else "e")

    assert (len(judgement.left), len(judgement.stale)) == ((1, 0) if same_files else (0, 1))
    (told,) = approved.left_findings("c", [change])
    assert told.message.startswith("t: f 1 -> 2 is not" if fields else "t: that it is to be ")
    for one in judgement.stale:
        assert one.says.startswith("was to be left as it is, is now to be ")
