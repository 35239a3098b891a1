"""The schemas themselves, and what the checking of files makes of them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kafkaops import schema
from kafkaops.access import OPERATIONS
from kafkaops.findings import Finding, Location, Severity
from kafkaops.kinds.topic.settings import SETTINGS, describe
from kafkaops.source import Document, parse
from kafkaops.terms import OPERATION

BOTH = pytest.mark.parametrize(
    "published", [schema.settings_schema(), schema.topology_schema()], ids=["settings", "topology"]
)

SEED = """\
  order-events:
    partitions: 12
    replication-factor: 3
    retention-ms: 604800000  # 7 days
    compression-type: lz4
    min-insync-replicas: 2
    
  payment-events:
    partitions: 6
    replication-factor: 3
    retention-ms: 2592000000  # 30 days
    compression-type: snappy
    min-insync-replicas: 2
    
  user-events:
    partitions: 18
    replication-factor: 3
    retention-ms: 7776000000  # 90 days
    compression-type: lz4
    min-insync-replicas: 2
"""  # noqa: W293  # word for word
"""The architecture document's topic configuration, below its `topics:`."""

LANGUAGE_SETTINGS = """\
version: 1
requires: ">=0.1"
naming:
  pattern: "{domain}.{entity}.{event-type}.{version}"
  parts: {version: "v[0-9]+"}
  exempt: ["*-retry-*", "*-dlt"]
profiles:
  order-events:
    partitions: 12
    config: {vendor.tiering.enable: "true", retention.ms: 7d}
  nothing-yet:
clusters:
  production:
    bootstrap-servers: [broker-1:9093, broker-2:9093, "[::1]:9093"]
    cluster-id: Qm7xT0pRSc2vW4f2A
    client-config: production.properties
    authorizer: {super-users: [User:admin], allow-everyone: false, principal: User:kafkaops, brokers: [User:ANONYMOUS],
                 plan-principal: User:reader, break-glass: ["User:CN=on-call,O=Example"]}
    kafka-version: 3.9
    manage: {topics: true, acls: false, placement: false}
    broker-validation: plan
    journal: off
  staging:
    bootstrap-servers: [localhost:9092]
    kafka-version: "4.4"
    override:
      - match: "*"
        set: {replication-factor: 1, min-insync-replicas: 1}
protect: ["order.order.*", "payment.*"]
ignore: ["_schemas", "connect-*"]
policy:
  safe-below-bytes: 10MiB
  max-deletes: 5
  max-revokes: 20
  lint: {replication-below-3: error, naming: off}
acknowledge: []
x-anything: {goes: here}
"""

LANGUAGE_DOMAIN = """\
version: 1
domain: [order, cart]
owner: team-orders
share: {analytics-service: [Read, Describe]}
topics:
  order.order.created.v1:
    profile: order-events
    description: an order was placed
    max-message-bytes: 2MiB
    key: order-id
    share: [analytics-service]
    clusters: [production]
    acknowledge:
      - {code: KO2104, cluster: production, change: "retention.ms 14d -> 3d", until: 2026-10-12, reason: SEC-1123}
  order.order.archive.v1:
    partitions: 1
    replication-factor: 3
    cleanup-policy: [compact, delete]
    retention.ms: forever
    config: {vendor.tiering.enable: "true"}
  order.legacy.thing.v1:
    state: absent
  order.order.bare.v1:
applications:
  order-service:
    produces: [order.*]
    transactional-ids: [order-service-*]
    host: 10.0.0.7
    consumes:
      - topics: [inventory.reservation.completed.v1, payment.processing.failed.v1]
        group: order-service
        retry: {attempts: 3, delay: 1s, multiplier: 2.0, max-delay: 1000, naming: index, suffix: -billing}
        dead-letter: true
  order-enricher:
    principal: User:enricher
    streams: {application-id: order-enricher, reads: [order.order.created.v1], writes: [order.order.enriched.v1]}
  old-service: {state: absent}
principals:
  User:someone: {state: unmanaged, clusters: [production]}
  "User:*": {manage: true}
acls:
  - principal: User:analytics-service
    operations: [Read]
    topic: "*"
    group: [analytics-consumers, others]
  - {principal: User:intern, permission: deny, operations: [All], topic: order.*, host: "*"}
  - {principal: User:kafkaops, operations: [Describe, Alter], cluster: kafka-cluster}
  - {principal: User:x, operations: [Read], topic: order.*, pattern: literal}
acknowledge:
  - {code: KO3107, on: "acl/User:old-billing/topic/order.order.created.v1/read", cluster: production, change: revoke, until: 2026-10-12, reason: OPS-77}
"""


def check(text: str, file: str = "order.yaml") -> tuple[Finding, ...]:
    root, problems = parse(text, file)
    assert root is not None
    assert problems == ()
    return schema.check(Document(file, Path("/topology") / file, text, root))


def topic(*lines: str) -> tuple[Finding, ...]:
    return check("topics:\n  t:\n" + "".join(f"    {line}\n" for line in lines))


# what is right


def test_the_seed_s_topic_configuration_is_valid_as_profiles_word_for_word() -> None:
    assert check(f"version: 1\nprofiles:\n{SEED}", "kafkaops.yaml") == ()


def test_the_seed_s_topic_configuration_is_valid_as_topics_word_for_word() -> None:
    assert check(f"topics:\n{SEED}") == ()


def test_everything_that_the_language_has_is_valid() -> None:
    assert check(LANGUAGE_SETTINGS, "kafkaops.yaml") == ()
    assert check(LANGUAGE_DOMAIN) == ()


def test_an_empty_file_declares_nothing_and_is_valid() -> None:
    assert check("") == ()


def test_a_vendor_s_own_setting_is_nobody_s_typing_mistake() -> None:
    assert (
        topic("config: {vendor.retention.ms: 5, confluent.placement.constraints: '', redpanda.remote.read: true}") == ()
    )


def test_a_value_that_only_an_older_kafka_takes_is_left_to_the_cluster_s_version() -> None:
    assert topic("segment-bytes: 64") == ()


# what is wrong, in full


def test_a_setting_s_near_miss_comes_with_the_line_to_paste() -> None:
    assert topic("config: {retention.hours: 168}") == (
        Finding(
            code="KO1204",
            severity=Severity.ERROR,
            message="unknown topic setting `retention.hours`",
            where=Location("order.yaml", 3, 14, 29),
            label="not a topic setting in Kafka",
            help="use `retention.ms`; kafkaops accepts durations there",
            fix="config: {retention.ms: 7d}",
        ),
    )


def test_an_unknown_key_names_the_nearest_one() -> None:
    assert topic("partition: 3") == (
        Finding(
            code="KO1201",
            severity=Severity.ERROR,
            message="unknown key `partition`",
            where=Location("order.yaml", 3, 5, 14),
            label="not a key of a topic",
            help="write `partitions`",
            fix="partitions: 3",
        ),
    )


def test_a_wrong_type_says_what_the_key_takes() -> None:
    assert topic("partitions: many") == (
        Finding(
            code="KO1202",
            severity=Severity.ERROR,
            message="`many` is not a whole number",
            where=Location("order.yaml", 3, 17, 21),
            help="write a whole number, such as `12`",
        ),
    )


def test_one_setting_in_two_spellings_shows_both() -> None:
    assert topic("config: {retention.ms: 7d}", "retention-ms: 7d") == (
        Finding(
            code="KO1208",
            severity=Severity.ERROR,
            message="`retention.ms` is set twice in one block",
            where=Location("order.yaml", 4, 5, 17),
            label="the second spelling",
            also=((Location("order.yaml", 3, 14, 26), "the first"),),
            help="keep one of them",
        ),
    )


def test_a_missing_key_stands_at_the_block_s_own_key() -> None:
    (finding,) = check("version: 1\nclusters:\n  production: {cluster-id: abc}\n", "kafkaops.yaml")

    assert (finding.code, finding.where) == ("KO1205", Location("kafkaops.yaml", 3, 3, 13))
    assert finding.message == "cluster `production` has no `bootstrap-servers`"
    assert finding.help == "write `bootstrap-servers: [broker-1:9093, broker-2:9093]`"


def test_one_alternative_of_the_right_type_is_the_one_that_was_meant() -> None:
    """Never that a value `is not valid under any of the given schemas`."""
    (finding,) = check("share: {analytics-service: [Reed]}\n")

    assert (finding.code, finding.message, finding.help) == (
        "KO1203",
        "`Reed` is not allowed in `analytics-service`",
        "write `Read`",
    )
    assert finding.where == Location("order.yaml", 1, 29, 33)


def test_a_literal_secret_is_named_and_never_shown() -> None:
    found = check("applications:\n  a:\n    user: {password: hunter2, salt: [{token: abc}]}\n    secret: 5\n")

    assert [finding.code for finding in found] == ["KO1206", "KO1211", "KO1211", "KO1211"]
    assert not any(secret in repr(finding) for finding in found for secret in ("hunter2", "abc"))


@pytest.mark.parametrize("pair", ['principal: "User:a\\n", host: "*"', 'principal: User:a, host: "10.0.0.7\\n"'])
def test_a_line_feed_at_the_end_is_a_part_of_the_text(pair: str) -> None:
    (finding,) = check(f"acls: [{{{pair}, operations: [Read], topic: x}}]\n")

    assert finding.code == "KO1202"


@pytest.mark.parametrize(
    ("host", "spelled"),
    [
        ("::1", "0:0:0:0:0:0:0:1"),
        ("[::1]", "0:0:0:0:0:0:0:1"),
        ("2001:DB8::1", "2001:db8:0:0:0:0:0:1"),
        ("fe80::1%eth0", "fe80:0:0:0:0:0:0:1%eth0"),
    ],
)
def test_an_address_that_kafka_spells_otherwise_is_told_how(host: str, spelled: str) -> None:
    (finding,) = check(f'acls: [{{principal: User:a, operations: [Read], topic: x, host: "{host}"}}]\n')

    assert finding.help == f"write `{spelled}`"
    assert check(f"{finding.fix}\n") == ()


def test_a_limit_that_is_passed_is_named() -> None:
    (finding,) = check("topics: {a: {partitions: 1, replication-factor: 40000}}\n")

    assert finding.help == "write 1 to 32767"


def test_a_key_that_lacks_the_space_before_its_value_is_told_so() -> None:
    (finding,) = check("topics:\n  a: {profile:small}\n")

    assert (finding.help, finding.fix) == ("write `profile: small`, with a space behind the `:`", "a: {profile: small}")


def test_a_secret_that_is_a_part_of_its_key_is_never_shown() -> None:
    found = check(
        "topics:\n"
        "  a: {password:hunter2, sasl.password=hunter2: 1}\n"
        "  b: {config: {ssl.key.password=hunter2: 1, retention.ms.token:hunter2}}\n"
    )

    assert len(found) == 5
    assert not any("hunter2" in repr(finding) for finding in found)


def test_a_line_with_a_secret_is_not_offered_for_pasting() -> None:
    found = check("applications:\n  a: {produces: order.*, secret: hunter2}\n")

    assert [(finding.code, finding.fix) for finding in found] == [("KO1202", ""), ("KO1211", "")]


@pytest.mark.parametrize("reference", ["${PASSWORD}", "file:secrets/a", "command:pass a"])
def test_a_reference_to_a_secret_is_none(reference: str) -> None:
    found = check(f'applications:\n  a:\n    user: {{password: "{reference}"}}\n')

    assert [finding.code for finding in found] == ["KO1206"]


def test_problems_come_in_the_order_of_the_file_and_a_merged_one_once() -> None:
    found = check("x-d: &d {partitons: 1}\ntopics:\n  a: {<<: *d, b: 1}\n  c: {<<: *d}\nownr: x\n")

    assert [(finding.code, str(finding.where)) for finding in found] == [
        ("KO1201", "order.yaml:1:10"),
        ("KO1201", "order.yaml:3:15"),
        ("KO1201", "order.yaml:5:1"),
    ]


def test_a_value_that_passed_for_one_key_is_still_wrong_for_another() -> None:
    text = "topics:\n  a: {owner: '5', partitions: 5, key: '1'}\n  b: {owner: 5, partitions: '5'}\n  c: {partitions: true, key: 1.0}\n"

    assert [finding.code for finding in check(text)] == ["KO1202"] * 4


# each key, tried with a value of every wrong type

SAMPLES: dict[str, Any] = {"string": "{}", "integer": -77, "number": 0.123, "boolean": True, "array": [], "object": {}}


REMOVED = {written for one in SETTINGS.values() if one.removed for written in (one.name, one.written)}
"""No current Kafka has them, so they are nobody's suggestion."""


def keys_of(
    block: dict[str, Any], root: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every key that the schema has, with what is asked of its value; `[]` for an item, `*` for a name that people choose."""
    block = root["$defs"][block["$ref"].removeprefix("#/$defs/")] if "$ref" in block else block
    if path:
        yield path, block
    for name, inner in block.get("properties", {}).items():
        yield from keys_of(inner, root, (*path, name))
    if isinstance(block.get("additionalProperties"), dict):
        yield from keys_of(block["additionalProperties"], root, (*path, "User:x"))
    if isinstance(block.get("items"), dict):
        yield from keys_of(block["items"], root, (*path, "[]"))


def written(path: tuple[str, ...], value: Any) -> Any:
    for step in reversed(path):
        value = [value] if step == "[]" else {step: value}
    return value


EVERY_KEY = [
    *(("kafkaops.yaml", *one) for one in keys_of(schema.settings_schema(), schema.settings_schema())),
    *(("order.yaml", *one) for one in keys_of(schema.topology_schema(), schema.topology_schema())),
]


def test_each_key_refuses_every_wrong_type_at_its_place_in_words() -> None:
    for file, path, asked in EVERY_KEY:
        if path[-1] in SETTINGS:  # the other spelling is tried
            continue
        for value in SAMPLES.values():
            if Draft202012Validator({**asked, "$defs": schema.settings_schema()["$defs"]}).is_valid(value):
                continue
            text = json.dumps(written(path, value))

            found = [one for one in check(text, file) if one.code in {"KO1202", "KO1203", "KO1205", "KO1206"}]

            assert found, (path, value)
            assert all(one.where is not None and one.help for one in found), (path, value)
            assert not any("valid under" in one.message or "None" in one.message for one in found), found


def test_each_block_refuses_an_unknown_key_and_knows_its_own_by_a_letter_less() -> None:
    blocks = [(file, path, asked) for file, path, asked in EVERY_KEY if asked.get("additionalProperties") is False]
    assert len(blocks) > 15
    for file, path, asked in blocks:
        for name in asked["properties"]:
            if len(name) < 5 or name in REMOVED:
                continue
            typo = name[:2] + name[3:]
            if typo in asked["properties"]:
                continue

            found = check(json.dumps(written(path, {typo: 1})), file)

            hints = [one.help for one in found if one.code in {"KO1201", "KO1204"} and f"`{typo}`" in one.message]
            assert len(hints) == 1, (path, typo, found)
            assert any(f"`{near}`" in hints[0] for near in asked["properties"]), (path, typo, hints)


# what is published


@BOTH
def test_the_schema_is_one_by_the_meta_schema_and_plain_json(published: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(published)

    assert published["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert json.loads(json.dumps(published)) == published


@BOTH
def test_the_schema_needs_no_net(published: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(published)))

    assert {one.removeprefix("#/$defs/") for one in references} <= published["$defs"].keys()


@BOTH
def test_every_key_has_hover_text(published: dict[str, Any]) -> None:
    without = [
        path
        for path, asked in keys_of(published, published)
        if path[-1] not in {"[]", "User:x"} and not asked.get("description")
    ]

    assert without == []


@BOTH
def test_every_setting_has_its_meaning_default_and_valid_values_as_hover_text(published: dict[str, Any]) -> None:
    for name, setting in SETTINGS.items():
        if not setting.managed:
            assert name not in published["$defs"]
            continue
        shown = published["$defs"][name]

        assert (shown["title"], shown["description"]) == (name, describe(name))
        assert shown.get("enum", list(setting.values)) == list(setting.values) or setting.type == "boolean"


@BOTH
def test_examples_and_defaults_are_valid(published: dict[str, Any]) -> None:
    for path, asked in keys_of(published, published):
        validator = Draft202012Validator({**asked, "$defs": published["$defs"]})
        values = [*asked.get("examples", []), *([asked["default"]] if "default" in asked else [])]

        assert [value for value in values if not validator.is_valid(value)] == [], path


@BOTH
def test_every_block_is_closed(published: dict[str, Any]) -> None:
    open_ones = [
        path
        for path, asked in keys_of(published, published)
        if "properties" in asked and asked["additionalProperties"] is not False
    ]

    assert {path[-1] for path in open_ones} <= {"config"}


def test_the_operations_are_those_of_the_authorizer_and_all() -> None:
    assert set(OPERATION["enum"]) == {one for each in OPERATIONS.values() for one in each} | {"All"}


def test_what_the_validator_uses_is_what_is_published() -> None:
    assert schema._validator(is_settings=True).schema == schema.settings_schema()
    assert schema._validator(is_settings=False).schema == schema.topology_schema()


def test_jsonschema_is_loaded_only_to_check() -> None:
    code = (
        "import sys, kafkaops.schema as s; s.topology_schema(); s.settings_schema(); print('jsonschema' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout == "False\n"
