"""The registry of finding codes: whole, and written in one voice."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml

from kafkaops import codes, lint
from kafkaops.findings import Severity
from kafkaops.kinds.topic import settings

PACKAGE = Path(codes.__file__).parent
REGISTRY = codes.registry()
NAMED = re.compile(r"KO\d{4}")
PROPER = re.compile(r"^(ACLs?|DENY|ALLOW|GitHub|Kafka|KRaft|YAML|`|\{|[A-Z]+[a-z]*\.)")
NO_YAML = {"KO1002", "KO1004", "KO1008"}  # they show just that


def test_every_code_in_the_program_is_registered() -> None:
    used = {code for path in PACKAGE.rglob("*.py") for code in NAMED.findall(path.read_text(encoding="utf-8"))}
    used |= set(NAMED.findall((PACKAGE / "kinds/topic/settings.toml").read_text(encoding="utf-8")))

    assert used <= REGISTRY.keys()


def test_every_code_that_a_text_names_is_registered() -> None:
    named = set(NAMED.findall((PACKAGE / "codes.toml").read_text(encoding="utf-8")))

    assert named == REGISTRY.keys()


@pytest.mark.parametrize("code", REGISTRY.values(), ids=list(REGISTRY))
def test_criterion_18_an_entry_has_every_text(code: codes.Code) -> None:
    assert all((code.title, code.what, code.why, code.example, code.fix))


@pytest.mark.parametrize("code", REGISTRY.values(), ids=list(REGISTRY))
def test_the_texts_have_the_voice_of_messages(code: codes.Code) -> None:
    for text in filter(None, (code.title, code.what, code.why, code.fix, code.allow)):
        sentences = [line for line in text.splitlines() if not line.startswith(" ")]

        assert text.isascii()
        assert not [one for one in sentences if one.endswith((".", "!", "?"))]
        assert not [one for one in sentences if one[0].isupper() and not PROPER.match(one)]
        assert not re.search(r"\b(please|sorry|invalid|you must|your fault|illegal argument)\b", text, re.IGNORECASE)
        assert text.count("`") % 2 == 0
    assert len(code.title) <= 60


@pytest.mark.parametrize(
    "code", [one for name, one in REGISTRY.items() if name not in NO_YAML], ids=lambda one: one.code
)
def test_an_example_can_be_read_as_yaml(code: codes.Code) -> None:
    yaml.safe_load(code.example)


@pytest.mark.parametrize("code", REGISTRY.values(), ids=list(REGISTRY))
def test_only_dangers_are_acknowledged(code: codes.Code) -> None:
    assert ("kafkaops ack" in code.allow) == (code.severity is Severity.DANGER)


def test_the_lint_rules_are_those_of_the_program() -> None:
    registered = {code.lint: (code.code, code.severity) for code in REGISTRY.values() if code.lint}

    assert registered == dict(lint.RULES)


def test_what_does_not_block_needs_no_leave() -> None:
    told = {code.code for code in REGISTRY.values() if not code.allow and "does not block" in codes.explain(code.code)}

    assert told == {
        code.code
        for code in REGISTRY.values()
        if not code.allow and code.severity in {Severity.WARNING, Severity.NOTICE}
    }


def test_a_code_is_explained() -> None:
    assert codes.explain("ko2112") == (
        "KO2112: fewer partitions (error)\n"
        "\n"
        "the files ask for fewer partitions than the topic has\n"
        "\n"
        "why\n"
        "  Kafka cannot take partitions away\n"
        "\n"
        "example\n"
        "  partitions: 8   # 12 on the cluster\n"
        "\n"
        "fix\n"
        "  write the number that the topic has; to have fewer, create another topic and\n"
        "  move writers, then readers\n"
        "\n"
        "allow\n"
        "  nothing lifts this error; it ends when its cause does\n"
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("KO21O4", "`KO21O4` is no finding code, the nearest is `KO2104`"),
        ("retention", "`retention` is no finding code, one is written `KO2104`"),
    ],
)
def test_what_is_no_code_is_told_with_the_nearest(asked: str, said: str) -> None:
    with pytest.raises(codes.NotACode) as raised:
        codes.explain(asked)

    assert str(raised.value) == said


def test_a_setting_is_explained() -> None:
    assert codes.explain_setting(asdict(settings.SETTINGS["retention.ms"])) == (
        "retention.ms (topic setting)\n"
        "\n"
        "How long records are kept before their segment is deleted. A record can live\n"
        "longer, until its whole segment is old enough.\n"
        "\n"
        "written  retention-ms\n"
        "type     long (milliseconds; `7d` `12h` `30m`; `forever` = -1)\n"
        "default  604800000 (7d)\n"
        "valid    at least -1\n"
        "kafka    since 3.5 or before\n"
        "broker   log.retention.ms, then log.retention.minutes, then log.retention.hours\n"
        "\n"
        "when it changes\n"
        "  raise: harmless, records stay longer, nothing goes sooner; brokers need the\n"
        "    disk\n"
        "  lower: danger KO2104, records older than the new retention are deleted within\n"
        "    minutes\n"
        "  any other: danger KO2130, since it is not known to be harmless\n"
    )


@pytest.mark.parametrize("name", settings.SETTINGS)
def test_every_setting_is_explained_in_narrow_lines(name: str) -> None:
    shown = codes.explain_setting(asdict(settings.SETTINGS[name]))

    assert all(len(line) <= 90 for line in shown.splitlines())
