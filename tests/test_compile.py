"""From files to what is wanted of one cluster: where each value is from, and what the files may not say together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from in_memory import acl_text, read, settings_text, written

from kafkaops.compile import Desired
from kafkaops.findings import Finding
from kafkaops.kinds.topic.model import AbsentTopic, Topic
from kafkaops.topology import Topology

T = "{partitions: 1, replication-factor: 1}"
STAGING = {
    "clusters": {"test": {"override": [{"match": "order.*", "set": {"replication-factor": 2, "retention-ms": "1d"}}]}}
}
PROFILE = {
    "profiles": {"events": {"partitions": 12, "replication-factor": 3, "retention-ms": "7d", "compression-type": "lz4"}}
}


def topology(folder: Path, settings: dict[str, Any], *texts: str) -> Topology:
    """Files a.yaml, b.yaml, ... beside kafkaops.yaml."""
    files = {f"{chr(97 + index)}.yaml": text for index, text in enumerate(texts)}
    return read(written(folder / "topology", {"kafkaops.yaml": settings_text(settings), **files}))


def desired(folder: Path, settings: dict[str, Any], *texts: str, cluster: str = "test") -> Desired:
    found = topology(folder, settings, *texts)
    assert found.findings == ()
    return found.desired[cluster]


def problems(folder: Path, settings: dict[str, Any], *texts: str) -> list[tuple[str, str, str]]:
    return [said(one) for one in topology(folder, settings, *texts).findings]


def said(finding: Finding) -> tuple[str, str, str]:
    assert finding.where is not None
    return finding.code, f"{finding.where.file}:{finding.where.line}", finding.message


def topic(wanted: Desired, name: str) -> Topic:
    found = wanted.topics[name]
    assert isinstance(found, Topic)
    return found


# where values are from


def test_each_value_names_the_layer_that_said_the_last_word(tmp_path: Path) -> None:
    wanted = desired(
        tmp_path, PROFILE | STAGING, "topics:\n  order.a:\n    profile: events\n    compression-type: zstd\n"
    )
    found = topic(wanted, "order.a")

    assert (found.partitions, found.replication, found.config) == (
        12,
        2,
        {"retention.ms": "86400000", "compression.type": "zstd"},
    )
    assert {key: origin.layer for key, origin in found.origins.items()} == {
        "partitions": "profile events",
        "replication.factor": "override of test",
        "retention.ms": "override of test",
        "compression.type": "own block",
    }
    assert str(found.place("compression.type")) == "a.yaml:4:23"


def test_an_override_of_one_cluster_says_nothing_of_another(tmp_path: Path) -> None:
    settings = {"clusters": {**STAGING["clusters"], "elsewhere": {"bootstrap-servers": ["localhost:9093"]}}}
    wanted = desired(tmp_path, settings, f"topics: {{order.a: {T}}}", cluster="elsewhere")

    assert (topic(wanted, "order.a").replication, topic(wanted, "order.a").config) == (1, {})


def test_a_retry_topic_takes_from_its_source_what_keeps_records_safe(tmp_path: Path) -> None:
    wanted = desired(
        tmp_path,
        {},
        """
topics:
  order.a: {partitions: 6, replication-factor: 3, min-insync-replicas: 2, retention-ms: 7d, cleanup-policy: compact}
applications:
  a:
    consumes: [{topics: [order.a], group: g, dead-letter: true}]
""",
    )
    found = topic(wanted, "order.a-dlt")

    assert (found.partitions, found.replication, found.config) == (6, 3, {"min.insync.replicas": "2"})
    assert {origin.layer for origin in found.origins.values()} == {"source order.a"}
    assert str(found.where) == "a.yaml:6:46"


def test_overrides_rule_generated_topics_too(tmp_path: Path) -> None:
    text = f"topics: {{order.a: {T}}}\napplications: {{a: {{consumes: [{{topics: [order.a], group: g, dead-letter: true}}]}}}}"

    assert topic(desired(tmp_path, STAGING, text), "order.a-dlt").replication == 2


def test_an_absent_topic_needs_no_partitions(tmp_path: Path) -> None:
    assert isinstance(desired(tmp_path, {}, "topics: {order.a: {state: absent}}").topics["order.a"], AbsentTopic)


# access


def grants(wanted: Desired) -> list[str]:
    return sorted(acl_text(one) for one in wanted.acls.bindings)


def test_a_star_at_the_end_is_a_prefix_and_alone_everything(tmp_path: Path) -> None:
    text = "acls: [{principal: User:a, operations: [Read], topic: [x, 'x.*', '*'], group: 'g*'}]"

    assert grants(desired(tmp_path, {}, text)) == [
        "User:a allow Read group prefixed g from *",
        "User:a allow Read topic literal * from *",
        "User:a allow Read topic literal x from *",
        "User:a allow Read topic prefixed x. from *",
    ]


def test_pattern_says_what_a_star_cannot(tmp_path: Path) -> None:
    text = """
acls:
  - {principal: User:a, operations: [Read], group: "g*", pattern: literal}
  - {principal: User:a, operations: [Read], group: "h", pattern: prefixed}
"""

    assert grants(desired(tmp_path, {}, text)) == [
        "User:a allow Read group literal g* from *",
        "User:a allow Read group prefixed h from *",
    ]


def test_an_operation_goes_to_each_resource_that_has_it(tmp_path: Path) -> None:
    text = "acls: [{principal: User:a, operations: [Write, Read], topic: x, group: g}]"

    assert grants(desired(tmp_path, {}, text)) == [
        "User:a allow Read group literal g from *",
        "User:a allow Read topic literal x from *",
        "User:a allow Write topic literal x from *",
    ]


def test_retired_applications_are_managed_and_granted_nothing(tmp_path: Path) -> None:
    acls = desired(tmp_path, {}, "applications: {a: {state: absent}}").acls

    assert (acls.bindings, set(acls.managed)) == ({}, {"User:a"})


def test_unmanaged_principals_are_neither_granted_nor_managed(tmp_path: Path) -> None:
    found = topology(
        tmp_path, {}, "principals: {User:a: {state: unmanaged}}", "applications: {a: {produces: [x]}, b: {}}"
    )
    acls = found.desired["test"].acls

    assert (acls.bindings, set(acls.managed)) == ({}, {"User:b"})
    assert [said(one) for one in found.findings] == [
        ("KO1316", "a.yaml:1", "User:a is unmanaged, so 1 declared ACL is left alone")
    ]


# domains


def test_the_longest_prefix_owns(tmp_path: Path) -> None:
    assert desired(
        tmp_path, {}, f"domain: order\ntopics: {{order.a: {T}}}", f"domain: order.eu\ntopics: {{order.eu.a: {T}}}"
    ).domains == ("order.", "order.eu.")
    assert problems(tmp_path / "2", {}, f"domain: order\ntopics: {{order.eu.a: {T}}}", "domain: order.eu") == [
        ("KO1304", "a.yaml:2", "topic `order.eu.a` belongs to the domain `order.eu`")
    ]


def test_a_domain_ends_at_its_dot(tmp_path: Path) -> None:
    assert set(desired(tmp_path, {}, "domain: order", f"topics: {{orders.a: {T}}}").topics) == {"orders.a"}


def test_two_files_may_share_a_domain(tmp_path: Path) -> None:
    texts = (f"domain: order\ntopics: {{order.a: {T}}}", f"domain: [pay, order]\ntopics: {{order.b: {T}}}")

    assert desired(tmp_path, {}, *texts).domains == ("order.", "pay.")


CROSS = {"policy": {"lint": {"cross-domain-grant": "warning"}}}
READER = "applications: {b: {consumes: [{topics: [%s], group: b}]}}"


@pytest.mark.parametrize(
    ("shared", "reads", "told"),
    [
        ("share: [b]", "order.a", False),
        ("share: {b: [Read]}", "order.a", False),
        ("share: {b: [Write]}", "order.a", True),
        ("share: [c]", "order.a", True),
        ("", "order.a", True),
        ("", "pay.a", False),
        ("", "order.*", True),
        ("share: [b]", "order.*", False),
        ("", "or*", True),
        ("", "'*'", True),
        ("", "orders.*", False),
    ],
)
def test_access_to_another_domain_needs_its_share(shared: str, reads: str, told: bool, tmp_path: Path) -> None:
    texts = (f"domain: order\n{shared}\ntopics: {{order.a: {T}}}", READER % reads)

    assert [code for code, _, _ in problems(tmp_path, CROSS, *texts)] == ["KO3001"] * told


def test_a_topic_may_be_shared_alone(tmp_path: Path) -> None:
    text = "domain: order\ntopics:\n  order.a: {partitions: 1, replication-factor: 1, share: [b]}\n  order.b: " + T

    assert problems(tmp_path, CROSS, text, READER % "order.a, order.b") == [
        ("KO3001", "b.yaml:1", "User:b may Read topic order.b, and the domain `order` does not share it")
    ]


# what the files may not say together


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ((f"topics: {{x: {T}}}", f"topics: {{x: {T}}}"), [("KO1301", "b.yaml:1", "topic `x` is declared twice")]),
        (
            ("applications: {a: {}}", "applications: {a: {}}"),
            [("KO1301", "b.yaml:1", "application `a` is declared twice")],
        ),
        (
            (f"topics: {{a.b: {T}, a_b: {T}}}",),
            [("KO2401", "a.yaml:1", "`a.b` and `a_b` collide in metric names")],
        ),
        ((f"topics: {{__x: {T}}}",), [("KO1305", "a.yaml:1", "topic `__x` is ignored, so it cannot be declared")]),
        (
            ("topics: {..: {state: absent}}",),
            [("KO1306", "a.yaml:1", "`..` is no legal topic name: `.` and `..` are no topic names")],
        ),
        (("topics: {x: {}}",), [("KO1309", "a.yaml:1", "topic `x` has no partitions and no replication-factor")]),
        (("topics: {x: {profile: no}}",), [("KO1302", "a.yaml:1", "there is no profile `no`")]),
        (
            ("topics: {x: {partitions: 1, replication-factor: 1, clusters: [tset]}}",),
            [("KO1303", "a.yaml:1", "there is no cluster `tset`")],
        ),
        (
            ("applications: {a: {consumes: [{topics: [x.*], group: g, dead-letter: true}]}}",),
            [
                (
                    "KO1311",
                    "a.yaml:1",
                    "`x.*` is no topic that the topology declares, so its retry topics cannot be made",
                )
            ],
        ),
        (
            ("acls: [{principal: User:a, operations: [Write], group: g}]",),
            [("KO1312", "a.yaml:1", "`Write` is no operation on a Group")],
        ),
        (
            ("applications: {a: {produces: [x]}}", "principals: {User:a: {state: absent}}"),
            [("KO1301", "b.yaml:1", "User:a is absent here, and has access elsewhere")],
        ),
        (
            (
                f"topics: {{x: {T}, x-dlt: {{state: absent}}}}",
                "applications: {a: {consumes: [{topics: [x], group: g, dead-letter: true}]}}",
            ),
            [("KO1307", "b.yaml:1", "`x-dlt` is needed for `x`, and shall be absent")],
        ),
        (
            ("topics: {x: {state: absent, description: old, clusters: [test], partitions: 3}}",),
            [("KO1212", "a.yaml:1", "topic `x` shall be absent, and has `partitions`")],
        ),
        (
            ("applications: {a: {state: absent, principal: User:b, manage: true, produces: [x]}}",),
            [("KO1212", "a.yaml:1", "application `a` shall be absent, and has `produces`")],
        ),
        (
            ("acls: [{principal: User:kafkaops, operations: [Read], topic: x}]",),
            [("KO1310", "a.yaml:1", "User:kafkaops is not managed without saying so")],
        ),
    ],
    ids=lambda value: value[0][0] if isinstance(value, list) else "",
)
def test_files_that_contradict_each_other(
    texts: tuple[str, ...], expected: list[tuple[str, str, str]], tmp_path: Path
) -> None:
    assert problems(tmp_path, {}, *texts) == expected


def test_topics_that_only_look_alike_do_not_collide(tmp_path: Path) -> None:
    assert set(desired(tmp_path, {}, f"topics: {{a.b: {T}, a-b: {T}, A.b: {T}}}").topics) == {"a.b", "a-b", "A.b"}


def test_a_topic_that_goes_collides_with_none(tmp_path: Path) -> None:
    """The way from `a_b` to `a.b` leads through a plan that deletes the first."""
    assert set(desired(tmp_path, {}, f"topics: {{a.b: {T}, a_b: {{state: absent}}}}").topics) == {"a.b", "a_b"}


# all at once


HOLES = {
    "profiles": {"sound": {"partitions": 1, "replication-factor": 1}, "typo": {"partitons": 1}},
    "policy": {"lint": {"naming": "of"}},
    "clusters": {"typo": {"bootstrap-servers": ["nowhere"]}},
}
OTHERS = "topics: {order.a: {profile: typo, clusters: [typo]}, order.b: {profile: sound}, o b: {profile: sound}}"


def test_a_mistake_in_the_settings_hides_none_elsewhere_and_makes_none(tmp_path: Path) -> None:
    found = problems(tmp_path, HOLES, OTHERS, "topics: {order.b: {profile: typo}}")

    assert sorted((place.split(":")[0], code) for code, place, _ in found) == [
        ("a.yaml", "KO1306"),
        ("b.yaml", "KO1301"),
        ("kafkaops.yaml", "KO1201"),
        ("kafkaops.yaml", "KO1202"),
        ("kafkaops.yaml", "KO1203"),
    ]


def test_settings_that_cannot_be_read_hide_no_mistake_elsewhere_and_make_none(tmp_path: Path) -> None:
    files = {"kafkaops.yaml": "version: 1\n\tprofiles: {}\n", "a.yaml": OTHERS}
    found = read(written(tmp_path / "topology", files)).findings

    assert [said(one)[:2] for one in found] == [("KO1306", "a.yaml:1"), ("KO1002", "kafkaops.yaml:2")]


def test_one_cluster_is_checked_without_what_concerns_only_others(tmp_path: Path) -> None:
    setting = {"match": "*", "set": {"remote-copy-lag-ms": "1d"}}
    settings = {
        "clusters": {"old": {"bootstrap-servers": ["localhost:9093"], "kafka-version": "3.9", "override": [setting]}}
    }
    folder = written(tmp_path / "topology", {"kafkaops.yaml": settings_text(settings), "a.yaml": f"topics: {{a: {T}}}"})

    assert [finding.code for finding in read(folder, cluster="old").findings] == ["KO1207"]
    assert read(folder, cluster="test").findings == ()


# what does nothing


def test_a_guard_that_matches_no_topic_of_any_cluster_is_told(tmp_path: Path) -> None:
    settings = {
        "clusters": {"other": {"bootstrap-servers": ["localhost:9093"]}},
        "protect": ["Order.*", "order.*"],
        "ignore": ["connect-*"],
        "naming": {"exempt": ["*-dlt", "*-DLT"]},
    }
    reads = "{topics: [order.t], group: g, dead-letter: true}"
    text = f"""
topics: {{order.t: {{partitions: 1, replication-factor: 1, clusters: [other]}}}}
applications: {{a: {{clusters: [other], consumes: [{reads}]}}}}
"""

    assert [(code, message) for code, _, message in problems(tmp_path, settings, text)] == [
        ("KO1308", "`protect: Order.*` matches no topic"),
        ("KO1308", "`exempt: *-DLT` matches no topic"),
    ]


def test_a_part_that_the_pattern_lacks_is_told(tmp_path: Path) -> None:
    settings = {"naming": {"pattern": "{domain}.x", "parts": {"domain": "[a-z]+", "version": "v[0-9]+"}}}

    assert [(code, message) for code, _, message in problems(tmp_path, settings, "topics: {}")] == [
        ("KO1308", "`naming: pattern` has no part `version`")
    ]


@pytest.mark.parametrize("pattern", ["{Domain}.x", "{event_type}", "{domain", "domain}", "{}"])
def test_braces_around_no_part_are_refused(pattern: str, tmp_path: Path) -> None:
    assert [(code, message) for code, _, message in problems(tmp_path, {"naming": {"pattern": pattern}}, "")] == [
        ("KO1203", f"`{pattern}` has braces that hold no name of a part")
    ]


def test_a_guard_of_topics_with_mistakes_is_not_idle(tmp_path: Path) -> None:
    settings = {
        "protect": ["order.*"],
        "clusters": {"test": {"override": [{"match": "order.*", "set": {"flush-ms": 5}}]}},
    }
    text = "topics: {order.a: {partitions: 1}}"

    assert [code for code, _, _ in problems(tmp_path, settings, text)] == ["KO1309"]


def test_a_profile_and_an_override_that_no_topic_uses_are_checked_all_the_same(tmp_path: Path) -> None:
    override = {"match": "*", "set": {"min-compaction-lag-ms": "1d", "remote-copy-lag-ms": "1d"}}
    settings = {
        "profiles": {"idle": {"config": {"remote.copy.lag.ms": "1d"}}, "sound": {"retention-ms": "1d"}},
        "clusters": {"test": {"kafka-version": "3.5", "override": [override]}},
    }

    came = "came with Kafka 4.4, the cluster runs 3.5"
    assert sorted((code, message) for code, _, message in problems(tmp_path, settings, "topics: {}")) == [
        ("KO1207", f"`remote.copy.lag.ms` {came}"),
        ("KO1207", f"`remote.copy.lag.ms` {came}"),
        ("KO1308", "the override `*` matches no topic"),
    ]


def test_a_profile_is_judged_only_where_its_topics_are(tmp_path: Path) -> None:
    settings = {
        "profiles": {"new": {"partitions": 1, "replication-factor": 1, "config": {"remote.copy.lag.ms": "1d"}}},
        "clusters": {
            "test": {"kafka-version": "3.5"},
            "new": {"bootstrap-servers": ["localhost:9093"], "kafka-version": "4.4"},
        },
    }

    assert problems(tmp_path, settings, "topics: {x: {profile: new, clusters: [new]}}") == []


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("topic: 'order.*', pattern: prefixed", "the prefixed name `order.*` matches no topic"),
        ("topic: 'order.*', pattern: literal", "the literal name `order.*` matches no topic"),
        ("topic: or der", "the literal name `or der` matches no topic"),
        ("topic: 'x y*'", "the prefixed name `x y` matches no topic"),
        ("topic: .., pattern: prefixed", ""),
        ("topic: order.*", ""),
        ("topic: '*'", ""),
        ("topic: '*', pattern: prefixed", "the prefixed name `*` matches no topic"),
        ("group: 'or der*', pattern: literal", ""),
        ("group: '*'", ""),
    ],
)
def test_a_name_that_no_topic_has_is_told(entry: str, told: str, tmp_path: Path) -> None:
    settings = {"policy": {"lint": {"literal-star": "warning"}}}
    found = problems(
        tmp_path, settings, f"acls: [{{principal: User:a, permission: deny, operations: [Read], {entry}}}]"
    )

    why = "a topic name is made of a-z, A-Z, 0-9, `.`, `_` and `-`"
    assert found == ([("KO3002", "a.yaml:1", f"{told}: {why}")] if told else [])


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("group: 'a*b'", "the literal name `a*b`"),
        ("transactional-id: 'a**'", "the prefixed name `a*`"),
        ("group: 'a*', pattern: prefixed", "the prefixed name `a*`"),
    ],
)
def test_a_star_that_is_a_part_of_a_name_is_told(entry: str, told: str, tmp_path: Path) -> None:
    settings = {"policy": {"lint": {"literal-star": "warning"}}}
    found = problems(tmp_path, settings, f"acls: [{{principal: User:a, operations: [Describe], {entry}}}]")

    assert found == [("KO3002", "a.yaml:1", f"{told} has a star that stands for itself, and for no other text")]


def test_the_one_name_of_a_cluster_takes_no_pattern(tmp_path: Path) -> None:
    entry = "{principal: User:a, operations: [Alter], cluster: kafka-cluster, %spattern: prefixed}"

    assert problems(tmp_path, {}, f"acls: [{entry % ''}]") == [
        ("KO1203", "a.yaml:1", "`kafka-cluster` is one name, and takes no `pattern`")
    ]
    (tmp_path / "topic").mkdir()
    assert problems(tmp_path / "topic", {}, f"acls: [{entry % 'topic: order., '}]") == []


@pytest.mark.parametrize(
    ("version", "known"), [("3.9", False), ("4.0", False), ("4.1", True), ("4.4", True), (None, True)]
)
def test_an_operation_is_judged_by_the_version_of_the_cluster(version: str | None, known: bool, tmp_path: Path) -> None:
    settings = {"clusters": {"test": {"bootstrap-servers": ["localhost:9092"], "kafka-version": version or "4.4"}}}
    text = "acls: [{principal: User:a, operations: [Write, TwoPhaseCommit], transactional-id: a}]"
    told = ("KO1312", "a.yaml:1", f"`TwoPhaseCommit` came with Kafka 4.1, the cluster runs {version}")

    assert problems(tmp_path, settings if version else {}, text) == ([] if known else [told])


@pytest.mark.parametrize(("group", "told"), [("g*", True), ("*", True), ("g", False)])
def test_retry_topics_need_the_one_group_that_theirs_are_named_after(group: str, told: bool, tmp_path: Path) -> None:
    text = f"topics: {{order.a: {T}}}\napplications: {{a: {{consumes: [{{topics: [order.a], group: '{group}', dead-letter: true}}]}}}}"
    says = f"`{group}` is no one group, so the groups of its retry topics have no names"

    assert problems(tmp_path, {}, text) == ([("KO1311", "a.yaml:2", says)] if told else [])


def test_the_roles_of_an_unmanaged_application_are_not_silent(tmp_path: Path) -> None:
    found = problems(tmp_path, {}, "applications: {a: {state: unmanaged, produces: [x, y]}}")

    assert found == [("KO1316", "a.yaml:1", "User:a is unmanaged, so 2 declared ACLs are left alone")]


# consent


CONSENT = '{code: KO2104, change: "retention.ms 14d -> 3d", until: 2026-07-31}'


def test_consent_names_its_cluster_where_there_are_several(tmp_path: Path) -> None:
    text = f"topics: {{x: {{partitions: 1, replication-factor: 1, acknowledge: [{CONSENT}]}}}}"
    several = {"clusters": {"other": {"bootstrap-servers": ["localhost:9093"]}}}

    assert problems(tmp_path, {}, text) == []
    assert problems(tmp_path / "2", several, text) == [
        ("KO5401", "a.yaml:1", "the acknowledgement does not say for which cluster")
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"x-a: &a {{partitions: 1, replication-factor: 1, acknowledge: [{CONSENT}]}}\ntopics: {{x: {{<<: *a}}, y: {{<<: *a}}}}",
        f"topics: {{x: &a {{partitions: 1, replication-factor: 1, acknowledge: [{CONSENT}]}}, y: *a}}",
        f"topics: {{x: {{partitions: 1, replication-factor: 1, acknowledge: &a [{CONSENT}]}}, y: {{partitions: 1, replication-factor: 1, acknowledge: *a}}}}",
        f"topics: {{x: {{partitions: 1, replication-factor: 1, acknowledge: [&a {CONSENT}]}}, y: {{partitions: 1, replication-factor: 1, acknowledge: [*a]}}}}",
    ],
    ids=["merge", "block", "list", "entry"],
)
def test_consent_does_not_reach_another_resource_by_an_anchor(text: str, tmp_path: Path) -> None:
    assert [(code, message) for code, _, message in problems(tmp_path, {}, text)] == [
        ("KO5401", "the acknowledgement holds for topic/x and, by an anchor, for topic/y")
    ]


def test_an_anchor_that_one_resource_uses_may_hold_consent(tmp_path: Path) -> None:
    a = f"x-a: &a {{partitions: 1, replication-factor: 1, acknowledge: [{CONSENT}]}}\n"

    assert problems(tmp_path, {}, a + "topics: {x: {<<: *a}}") == []
