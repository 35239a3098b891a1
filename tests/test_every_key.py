"""No key of the language is silent: where the cluster is not as the key says, there is a change or a finding; where it is, there is none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from in_memory import World, read, settings_text, written

from kafkaops import schema
from kafkaops.cluster.snapshot import SnapshotCluster
from kafkaops.kinds.topic.settings import SETTINGS, Setting

NO_CONCERN_OF_A_CLUSTER = {
    "version": "the language's own version",
    "topics.*.description": "for people",
    "topics.*.key": "for people: sharpens a warning",
    "topics.*.owner": "for people",
    "applications.*.description": "for people",
    "acls[].description": "for people",
    "owner": "for people",
    "topics.*.acknowledge[].reason": "for people",
    "applications.*.acknowledge[].reason": "for people",
    "principals.*.acknowledge[].reason": "for people",
    "acknowledge[].reason": "for people",
}

SETTINGS_FILE = settings_text(
    {
        "profiles": {
            "small": {"partitions": 1, "replication-factor": 1},
            "large": {"partitions": 2, "replication-factor": 1},
        },
        "policy": {"lint": {"cross-domain-grant": "warning"}},
        "clusters": {"elsewhere": {"bootstrap-servers": ["localhost:9093"]}},
    }
)

T = "partitions: 1, replication-factor: 1"
TOPIC = f"topics: {{order.a: {{{T}}}}}"
WEEK = f"topics: {{order.a: {{{T}, retention-ms: 7d}}}}"
HAS = "applications: {a: {produces: [x], consumes: [{topics: [order.a], group: g%s}]%s}}\n" + TOPIC
ACL = "acls: [{principal: User:a, operations: [Read], topic: x%s}]"
STREAMS = "applications: {a: {streams: {%s}}}"
RETRY = ", retry: {attempts: 3, delay: 1s, multiplier: 2.0, max-delay: 30s%s}"

PAIRS: Mapping[str, tuple[str, str]] = {
    "domain": ("topics: {}", "domain: live"),
    "share": (
        f"domain: order\nshare: [b]\n{TOPIC}\n---b.yaml\napplications: {{b: {{consumes: [{{topics: [order.a], group: b}}]}}}}",
        f"domain: order\n{TOPIC}\n---b.yaml\napplications: {{b: {{consumes: [{{topics: [order.a], group: b}}]}}}}",
    ),
    "topics.*.profile": ("topics: {order.a: {profile: small}}", "topics: {order.a: {profile: large}}"),
    "topics.*.partitions": (TOPIC, TOPIC.replace("partitions: 1", "partitions: 2")),
    "topics.*.replication-factor": (TOPIC, TOPIC.replace("factor: 1", "factor: 2")),
    "topics.*.config": (TOPIC, f"topics: {{order.a: {{{T}, config: {{retention.ms: 1d}}}}}}"),
    "topics.*.state": (TOPIC, "topics: {order.a: {state: absent}}"),
    "topics.*.clusters": (f"topics: {{order.a: {{{T}, clusters: [elsewhere]}}}}", TOPIC),
    "topics.*.share": (
        f"domain: order\ntopics: {{order.a: {{{T}, share: [b]}}}}\n---b.yaml\napplications: {{b: {{consumes: [{{topics: [order.a], group: b}}]}}}}",
        f"domain: order\n{TOPIC}\n---b.yaml\napplications: {{b: {{consumes: [{{topics: [order.a], group: b}}]}}}}",
    ),
    "topics.*.acknowledge": (WEEK, WEEK.replace("retention-ms: 7d", "retention-ms: 1d")),
    "applications.*.principal": (HAS % ("", ""), HAS % ("", ", principal: User:b")),
    "applications.*.host": (HAS % ("", ""), HAS % ("", ", host: 10.0.0.7")),
    "applications.*.clusters": (HAS % ("", ", clusters: [elsewhere]"), HAS % ("", "")),
    "applications.*.state": (HAS % ("", ""), HAS % ("", ", state: absent")),
    "applications.*.manage": (
        "applications: {a: {principal: User:kafkaops, manage: true}}",
        "applications: {a: {principal: User:kafkaops}}",
    ),
    "applications.*.produces": (HAS % ("", ""), (HAS % ("", "")).replace("[x]", "[y]")),
    "applications.*.transactional-ids": (HAS % ("", ""), HAS % ("", ", transactional-ids: [t]")),
    "applications.*.consumes": (HAS % ("", ""), "applications: {a: {produces: [x]}}"),
    "applications.*.consumes[].topics": (HAS % ("", ""), (HAS % ("", "")).replace("[order.a]", "[order.b]")),
    "applications.*.consumes[].group": (HAS % ("", ""), (HAS % ("", "")).replace("group: g", "group: h")),
    "applications.*.consumes[].dead-letter": (HAS % ("", ""), HAS % (", dead-letter: true", "")),
    "applications.*.consumes[].retry": (HAS % ("", ""), HAS % (RETRY % "", "")),
    "applications.*.consumes[].retry.attempts": (HAS % (RETRY % "", ""), (HAS % (RETRY % "", "")).replace("3", "4")),
    "applications.*.consumes[].retry.delay": (HAS % (RETRY % "", ""), (HAS % (RETRY % "", "")).replace("1s", "3s")),
    "applications.*.consumes[].retry.multiplier": (
        HAS % (RETRY % "", ""),
        (HAS % (RETRY % "", "")).replace("2.0", "3.0"),
    ),
    "applications.*.consumes[].retry.max-delay": (
        HAS % (RETRY % "", ""),
        (HAS % (RETRY % "", "")).replace("30s", "1500ms"),
    ),
    "applications.*.consumes[].retry.naming": (HAS % (RETRY % "", ""), HAS % (RETRY % ", naming: index", "")),
    "applications.*.consumes[].retry.suffix": (HAS % (RETRY % "", ""), HAS % (RETRY % ", suffix: -b", "")),
    "applications.*.streams": (STREAMS % "application-id: s", "applications: {a: {}}"),
    "applications.*.streams.application-id": (STREAMS % "application-id: s", STREAMS % "application-id: t"),
    "applications.*.streams.reads": (STREAMS % "application-id: s", STREAMS % "application-id: s, reads: [x]"),
    "applications.*.streams.writes": (STREAMS % "application-id: s", STREAMS % "application-id: s, writes: [x]"),
    "applications.*.acknowledge": ("applications: {a: {produces: [x]}}", "applications: {a: {}}"),
    "principals.*.state": (
        "acls: [{principal: User:a, operations: [Read], topic: x}]",
        "principals: {User:a: {state: absent}}",
    ),
    "principals.*.manage": ("principals: {User:kafkaops: {manage: true}}", "principals: {User:kafkaops: {}}"),
    "principals.*.clusters": (
        "acls: [{principal: User:a, operations: [Read], topic: x}]",
        "principals: {User:a: {clusters: [test]}}",
    ),
    "principals.*.acknowledge": (ACL % "", "principals: {User:a: {state: absent}}"),
    "acls[].principal": (ACL % "", (ACL % "").replace("User:a", "User:b")),
    "acls[].permission": (ACL % "", ACL % ", permission: deny"),
    "acls[].operations": (ACL % "", (ACL % "").replace("Read", "Write")),
    "acls[].host": (ACL % "", ACL % ", host: 10.0.0.7"),
    "acls[].topic": (ACL % "", (ACL % "").replace("topic: x", "topic: y")),
    "acls[].group": (ACL % "", ACL % ", group: g"),
    "acls[].transactional-id": (
        (ACL % "").replace("Read", "All"),
        (ACL % ", transactional-id: t").replace("Read", "All"),
    ),
    "acls[].cluster": ((ACL % "").replace("Read", "All"), (ACL % ", cluster: kafka-cluster").replace("Read", "All")),
    "acls[].delegation-token": (
        (ACL % "").replace("Read", "All"),
        (ACL % ", delegation-token: d").replace("Read", "All"),
    ),
    "acls[].user": ((ACL % "").replace("Read", "All"), (ACL % ", user: User:u").replace("Read", "All")),
    "acls[].pattern": (ACL % "", ACL % ", pattern: prefixed"),
    "acls[].clusters": (ACL % ", clusters: [elsewhere]", ACL % ""),
    "acknowledge": ("applications: {a: {produces: [x]}}", "applications: {a: {}}"),
}


def other_words(path: str) -> tuple[str, str]:
    """A pair in which consent holds, and no longer holds when this one key of it says something else."""
    words = {
        "code": "KO2130",
        "on": "topic/order.b",
        "cluster": "elsewhere",
        "change": "retention.ms 6d -> 1d",
        "until": "2026-06-30",
    }
    block, key = path.split(".acknowledge[].") if ".acknowledge[]." in path else ("", path.split("[].")[1])
    row = {
        "code": "KO2104",
        "cluster": "test",
        "change": "retention.ms 7d -> 1d",
        "until": "2026-09-01",
        "on": "topic/order.a",
    }
    if block.startswith(("applications", "principals")):
        row |= {"code": "KO3107", "change": "revoke topic/x/read", "on": "acl/User:a"}
    wrong = row | {key: words[key]}
    return document(block, row), document(block, wrong)


def document(block: str, row: Mapping[str, str]) -> str:
    rows = [dict(row)]
    topic = {"partitions": 1, "replication-factor": 1, "retention-ms": "1d"}
    match block:
        case "topics.*":
            return yaml.safe_dump({"topics": {"order.a": {**topic, "acknowledge": rows}}})
        case "applications.*":
            return yaml.safe_dump({"applications": {"a": {"acknowledge": rows}}})
        case "principals.*":
            return yaml.safe_dump({"principals": {"User:a": {"acknowledge": rows}}})
        case _:
            return yaml.safe_dump({"topics": {"order.a": topic}, "acknowledge": rows})


def keys(term: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every key of the published schema: `topics.*.retention-ms`, `acls[].host`."""
    term = resolved(term)
    for key, below in term.get("properties", {}).items():
        yield f"{path}{key}"
        yield from keys(below, f"{path}{key}.")
    if isinstance(term.get("additionalProperties"), dict):
        yield from keys(term["additionalProperties"], f"{path}*.")
    if isinstance(term.get("items"), dict):
        yield from keys(term["items"], f"{path[:-1]}[].")


def resolved(term: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = schema.topology_schema()
    for part in term["$ref"].lstrip("#/").split("/") if "$ref" in term else ():
        found = found[part]
    return found if "$ref" in term else term


SECTIONS = {"topics", "applications", "principals", "acls"}
SPELLINGS = {
    spelling: setting
    for setting in SETTINGS.values()
    for spelling in (setting.name, setting.written, f"config.{setting.name}")
}
EVERY_KEY = sorted(set(keys(schema.topology_schema())) - NO_CONCERN_OF_A_CLUSTER.keys() - SECTIONS)
OF_SETTINGS = [key for key in EVERY_KEY if key.removeprefix("topics.*.") in SPELLINGS]
OF_CONSENT = [key for key in EVERY_KEY if "acknowledge[]." in key]
OTHERS = [key for key in EVERY_KEY if key not in OF_SETTINGS and key not in OF_CONSENT]


def test_every_key_of_the_schema_is_tried() -> None:
    assert sorted(PAIRS) == OTHERS


def world(folder: Path, text: str, cluster: SnapshotCluster) -> World:
    first, *more = text.split("\n---")
    files = {"kafkaops.yaml": SETTINGS_FILE, "a.yaml": first} | dict(one.split("\n", 1) for one in more)
    return World(read(written(folder, files)), cluster, "test")


def told(made: World) -> bool:
    """Whether there is anything to do or to say."""
    if not made.topology.valid:
        return True
    plan = made.plan()
    return bool(plan.changes or plan.findings)


@pytest.mark.parametrize("key", OTHERS)
def test_a_key_that_the_cluster_does_not_follow_is_told(key: str, tmp_path: Path) -> None:
    before, after = PAIRS[key]
    live = SnapshotCluster.from_dict({"topics": {"live.topic": {}}})
    world(tmp_path / "before", before, live).apply()

    assert not told(world(tmp_path / "again", before, live))
    assert told(world(tmp_path / "after", after, live))


@pytest.mark.parametrize("key", OF_CONSENT)
def test_consent_in_other_words_is_none(key: str, tmp_path: Path) -> None:
    right, wrong = other_words(key)
    live = SnapshotCluster.from_dict(
        {
            "topics": {"order.a": {"config": {"retention.ms": "604800000"}}},
            "acls": ["User:a allow Read topic literal x from *"],
        }
    )

    assert not world(tmp_path / "right", right, live).plan().blocked
    assert world(tmp_path / "wrong", wrong, live).plan().blocked


@pytest.mark.parametrize("key", OF_SETTINGS)
def test_a_setting_that_the_topic_does_not_have_is_told(key: str, tmp_path: Path) -> None:
    spelling = key.removeprefix("topics.*.")
    setting = SPELLINGS[spelling]
    value, other = two_values(setting)
    own = {"config": {setting.name: value}} if spelling.startswith("config.") else {spelling: value}
    text = yaml.safe_dump({"topics": {"order.a": {"partitions": 1, "replication-factor": 1, **own}}})

    def live(config: dict[str, str]) -> SnapshotCluster:
        return SnapshotCluster.from_dict({"topics": {"order.a": {"config": config}}})

    assert told(world(tmp_path / "other", text, live({setting.name: other})))
    assert told(world(tmp_path / "unset", text, live({})))
    same = world(tmp_path / "same", text, live({setting.name: value}))
    assert told(same) == (not same.topology.valid)
    assert same.topology.valid == (setting.name not in NOT_ALONE)


NOT_ALONE = {
    "message.downconversion.enable",
    "message.format.version",
    "message.timestamp.difference.max.ms",
}
"""Settings that Kafka 4.4 does not have, each an error in the files."""


def two_values(setting: Setting) -> tuple[str, str]:
    if setting.type == "boolean":
        return "true", "false"
    if setting.values:
        return setting.values[0], setting.values[1]
    if setting.type == "double":
        return "0.2", "0.8"
    if setting.type == "string":
        return "2.8", "3.0"
    least = int(max([one.value for one in setting.min if isinstance(one.value, int)], default=0))
    return str(max(least, 0) + 3), str(max(least, 0) + 4)
