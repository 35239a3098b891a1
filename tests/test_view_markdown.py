"""Markdown: read back by a parser of Markdown, within its budget, and the same words as the screen.

`python tests/test_view_markdown.py` writes the golden files anew: read what changed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from test_view_hostile import HOSTILE, hostile_documents
from view_examples import DANGERS, GRANTS, REVOKES, at, created, documents, granted, header, plan, updated
from view_examples import acl as binding

from kafkaops import report
from kafkaops.findings import Finding, Severity
from kafkaops.plan import Change, From, Outcome, Result, Value
from kafkaops.view import markdown
from kafkaops.view.inert import code, fenced, prose, row
from kafkaops.view.visible import visible

GOLDEN = Path(__file__).with_name("markdown")
FORMATS = {"kafkaops.plan", "kafkaops.apply", "kafkaops.validation", "kafkaops.failure"}
SHOWN = {name: document for name, document in documents().items() if document["format"] in FORMATS}
OUR_TAGS = {"<br>", "<sub>", "</sub>"}
HTML_BLOCK = re.compile(
    r"<!-- kafkaops:[\w.%+-]+ v=1 key=[\w.%+-]* -->|<details><summary>[\w ,()]+</summary>|</details>"
)
PARSER = MarkdownIt("commonmark").enable("table").enable("strikethrough")


def tokens(text: str) -> list[Token]:
    return [one for top in PARSER.parse(text) for one in (top, *(top.children or ()))]


def spans(text: str) -> set[str]:
    """Whatever is shown as code."""
    return {one.content for one in tokens(text) if one.type == "code_inline"}


def diff_lines(text: str) -> list[str]:
    return [line for one in tokens(text) if one.type == "fence" for line in one.content.splitlines()]


def insist_on_balance(text: str) -> None:
    found = tokens(text)
    folds = [one.content.strip() for one in found if one.type == "html_block"]

    assert all(HTML_BLOCK.fullmatch(one) for one in folds), folds
    assert sum(one.startswith("<details>") for one in folds) == folds.count("</details>")
    assert {one.content for one in found if one.type == "html_inline"} <= OUR_TAGS
    fences = re.findall(r"(?m)^(`{3,})(?:diff)?$", text)
    assert len(fences) == 2 * sum(one.type == "fence" for one in found)


@pytest.mark.parametrize("name", SHOWN)
def test_the_markdown_is_the_golden_one(name: str) -> None:
    assert markdown.render(SHOWN[name]) == (GOLDEN / f"{name}.md").read_text(encoding="utf-8")


def test_every_golden_file_is_shown() -> None:
    assert {path.stem for path in GOLDEN.glob("*.md")} == SHOWN.keys()


# names


@given(st.text())
def test_a_code_span_shows_the_text_and_nothing_else(text: str) -> None:
    inline = PARSER.parseInline(f"a {code(text)} b")[0].children or []

    assert [(one.type, one.content) for one in inline] == [
        ("text", "a "),
        ("code_inline", visible(text) or "(empty)"),
        ("text", " b"),
    ]


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_code_span_in_a_table_stays_in_its_cell(one: str, other: str) -> None:
    table = "\n".join([row("", ""), row("---", "---"), row(code(one), code(other))])

    assert [token.content for token in tokens(table) if token.type == "code_inline"] == [visible(one), visible(other)]


WORDS = st.sampled_from(
    [*HOSTILE, "orders", "->", "14d", "1,209", "`a b`", "``", "`", "(x)", "deadbeef", "GH-12", " ", ":"]
)


@given(st.lists(WORDS, min_size=1).map(" ".join) | st.text(min_size=1), st.sampled_from(["", "orders", "[/]"]))
def test_in_a_sentence_only_plain_words_are_no_code(text: str, name: str) -> None:
    inline = PARSER.parseInline(f"a {prose(text, name)}")[0].children or []

    assert {one.type for one in inline} <= {"text", "code_inline"}
    assert all(re.fullmatch(r"[A-Za-z0-9 '%,.;:()-]*", one.content) for one in inline if one.type == "text")
    said = "".join(one.content for one in inline).removeprefix("a ")
    assert re.sub("[` ]|->|to", "", said) == re.sub("[` ]|->|to", "", visible(text))


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("clicks.raw: partitions 12 -> 16", "`clicks.raw`: partitions 12 to 16"),
        ("User:x loses Describe, Read on topic a.b", "`User:x` loses Describe, Read on topic `a.b`"),
        ("write `cleanup-policy: compact`; see below", "write `cleanup-policy: compact`; see below"),
        ("order.created is declared (default: none)", "`order.created` is declared (default: none)"),
        ("owned by @team since #12", "owned by `@team` since `#12`"),
        ("1048588 (Kafka's default) is 75% of 1.3MiB", "`1048588` (Kafka's default) is 75% of 1.3MiB"),
        ("of commit deadbeef", "of commit `deadbeef`"),
        ("<img> :bomb: $x$ GH-12", "`<img> :bomb: $x$ GH-12`"),
    ],
)
def test_a_sentence_keeps_its_words(sentence: str, shown: str) -> None:
    assert prose(sentence) == shown


def test_a_name_of_plain_words_is_code_where_it_is_known() -> None:
    assert prose("John Smith: loses Read on orders", "John Smith", "orders") == "`John Smith`: loses Read on `orders`"


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert [one.content for one in tokens(fenced("", ["```", "+ ````x"]))] == ["```\n+ ````x\n"]


@pytest.mark.parametrize("name", HOSTILE)
def test_criterion_22_a_hostile_name_is_inert_in_markdown(name: str) -> None:
    for document in hostile_documents(name):
        if document["format"] not in FORMATS:
            continue
        text = markdown.render(document)
        insist_on_balance(text)
        types = {one.type for one in tokens(text)}

        assert types.isdisjoint({"link_open", "image", "em_open", "s_open", "hr", "blockquote_open"})
        assert all(re.fullmatch(r"[A-Za-z0-9 '%,.;:()*-]*", one.content) for one in tokens(text) if one.type == "text")
        assert any(visible(name) in shown for shown in spans(text))
        assert text.isprintable() or set(text) - {"\n"} == {one for one in set(text) if one.isprintable()}


@pytest.mark.parametrize("name", ["a --> b", "-->", "<!--", "x\n-->", "prod eu", "a+b", "é", "\ud800"])
def test_a_cluster_name_cannot_end_the_marker(name: str) -> None:
    first, *rest = markdown.render(report.plan_document(plan(), replace(header(), cluster=name), 0)).splitlines()

    assert re.fullmatch(r"<!-- kafkaops:plan v=1 key=[A-Za-z0-9._%-]+ -->", first)
    assert "-->" not in "".join(re.sub("`[^`]*`", "", line) for line in rest)


def test_two_clusters_never_share_a_marker() -> None:
    names = ["a+b", "a", "b", "a%2Bb", "a b", "a_b"]
    single = {markdown.marker([report.plan_document(plan(), replace(header(), cluster=name), 0)]) for name in names}

    assert len(single) == len(names)


# how long it may be


def many(number: int) -> tuple[Change, ...]:
    """Created topics, changed settings, grants, in names of a hundred teams."""
    value = Value("1", "1", From.TOPIC), Value("2", "2", From.FILE)
    where = at("topology/a.yaml", 3, 5)
    found: list[Change] = []
    for index in range(number):
        name = f"team{index % 100}.orders.{index}"
        match index % 3:
            case 0:
                found.append(created(name, where, retention_ms="7d", min_insync_replicas="2"))
            case 1:
                found.append(updated(name, "max.message.bytes", *value, where))
            case _:
                found.append(granted(binding(f"User:app{index % 60}", "Read", "Topic", "Literal", name), name, where))
    return tuple(found)


def dangerous(number: int, note: str = "all records go") -> tuple[tuple[Change, ...], tuple[Finding, ...]]:
    value = Value("1209600000", "14d", From.TOPIC), Value("259200000", "3d", From.FILE)
    where = at("topology/a.yaml", 3, 5)
    changes = tuple(updated(f"payments.p{index}", "retention.ms", *value, where, "KO2104") for index in range(number))
    return changes, tuple(
        replace(
            DANGERS[0],
            address=change.address,
            message=f"{change.address.split('/')[1]}: retention.ms 14d -> 3d",
            notes=(note,),
        )
        for change in changes
    )


def made(changes: tuple[Change, ...], findings: tuple[Finding, ...] = ()) -> dict[str, Any]:
    return report.plan_document(plan(changes, findings), header(), 3 if findings else 0)


def size(text: str) -> int:
    return len(text.encode())


def omitted(text: str) -> str:
    match = re.search(r"\. (Omitted here: .*|Nothing omitted)\.</sub>", text)
    assert match

    return match[1]


def test_criterion_20_five_thousand_changes_fit_and_no_danger_is_lost() -> None:
    changes, findings = dangerous(40)
    text = markdown.render(made(many(4960) + changes, findings))
    insist_on_balance(text)

    assert size(text) <= 60_000
    assert "### kafkaops plan for `prod-eu1`: blocked, 40 dangers need acknowledgement; nothing was changed" in text
    assert "Topics: **1,654 create**, **1,693 change**, 0 delete. ACLs: **1,653 grant**, 0 revoke." in text
    assert {change.address.split("/")[1] for change in changes} <= spans(text)
    assert omitted(text) == "Omitted here: details of 4,960 safe changes (in the full plan)"
    counts = [
        int(count.replace(",", ""))
        for count in re.findall(r"(?m)^[+!-] \w+ .*?  +([\d,]+) (?:create|update|grant)s?$", text)
    ]
    assert sum(counts) == 4960


LADDER = [
    (20, "Nothing omitted"),
    (650, "Omitted here: the settings of 217 created topics (in the full plan)"),
    (900, "Omitted here: the settings of 300 created topics (in the full plan)"),
    (5000, "Omitted here: details of 5,000 safe changes (in the full plan)"),
]


@pytest.mark.parametrize(("number", "left_out"), LADDER)
def test_what_is_safe_is_shortened_first_and_it_is_said(number: int, left_out: str) -> None:
    text = markdown.render(made(many(number)))
    insist_on_balance(text)

    assert size(text) <= 60_000
    assert omitted(text) == left_out


def test_names_without_a_common_prefix_are_only_counted() -> None:
    changes = tuple(created(f"{index}x.orders", at("a.yaml", 1, 1)) for index in range(5000))
    text = markdown.render(made(changes))

    assert size(text) <= 60_000
    assert "**5,000 create**" in text
    assert omitted(text) == "Omitted here: the list of all 5,000 changes (in the full plan)"


@pytest.mark.parametrize("number", [300, 1200, 2000])
def test_every_danger_keeps_its_code_and_address(number: int) -> None:
    changes, findings = dangerous(number, "x " * 40)
    text = markdown.render(made(changes, findings))
    insist_on_balance(text)
    names = spans(text) | {line.partition("/")[2] for line in diff_lines(text)}

    assert size(text) <= 60_000
    assert {change.address.split("/")[1] for change in changes} <= names
    assert "KO2104" in text


def test_dangers_that_differ_in_words_are_listed_by_code_and_address() -> None:
    changes, findings = dangerous(900)
    told = tuple(replace(one, notes=(f"about {index} records go", "x " * 40)) for index, one in enumerate(findings))
    text = markdown.render(made(changes, told))

    assert size(text) <= 60_000
    assert [line for line in diff_lines(text) if line.startswith("KO2104 topic/")] == sorted(
        (f"KO2104 {change.address}" for change in changes), key=str
    )
    assert "what 900 dangers come to" in omitted(text)


def test_more_dangers_than_fit_are_counted_by_code() -> None:
    changes, findings = dangerous(5000)
    told = tuple(replace(one, notes=(f"about {index} records go",)) for index, one in enumerate(findings))
    text = markdown.render(made(changes, told))
    insist_on_balance(text)
    shown = sum(line.startswith("KO2104 topic/") for line in diff_lines(text))

    assert size(text) <= 60_000
    assert shown > 1000
    assert f"**Dangers and errors: 5,000, of which {shown:,} fit here**" in text
    assert f"{5000 - shown:,} dangers (KO2104 {5000 - shown:,})" in omitted(text)


def test_open_dangers_are_shown_before_those_with_consent() -> None:
    changes, findings = dangerous(5000)
    told = tuple(
        replace(one, notes=(f"about {index} records go",), acknowledged=index != 4999)
        for index, one in enumerate(findings)
    )

    assert f"KO2104 {findings[4999].address}" in diff_lines(markdown.render(made(changes, told)))


def test_an_apply_that_reached_little_fits() -> None:
    changes = many(5000)
    outcomes = [Outcome(changes[0].id, Result.FAILED, "POLICY_VIOLATION")]
    text = markdown.render(report.apply_document(plan(changes), header("apply"), outcomes, None, 7))
    insist_on_balance(text)

    assert size(text) <= 60_000
    assert f"failed create {changes[0].address}  POLICY_VIOLATION" in diff_lines(text)
    assert "the list of 4,999 that were not reached" in omitted(text)


@pytest.mark.parametrize("number", [500, 20_000])
def test_invalid_files_fit(number: int) -> None:
    findings = [
        Finding(
            code="KO1202",
            severity=Severity.ERROR,
            message=f"`partitions` takes a whole number, not `m{index}`",
            where=at("topology/a.yaml", index + 1, 3),
        )
        for index in range(number)
    ]
    document = report.failure_document("plan", findings, 4, created_at=header().created_at)
    text = markdown.render(document)

    assert size(text) <= 60_000
    assert f"{number:,} errors" in text.splitlines()[2]


def test_a_small_budget_still_has_the_verdict_and_the_counts() -> None:
    changes, findings = dangerous(50)
    text = markdown.render(made(changes, findings), budget=1_500)

    assert size(text) <= 1_500
    assert "blocked, 50 dangers need acknowledgement" in text
    assert "of which" in text


# several clusters


def test_a_comment_has_one_section_for_each_cluster() -> None:
    clusters = [replace(header(), cluster=name) for name in ("staging", "prod-eu1", "prod-us1")]
    both = [report.plan_document(plan(GRANTS), one, 0) for one in clusters]
    text = markdown.comment(both)

    assert text.startswith(
        "<!-- kafkaops:plan v=1 key=prod-eu1+prod-us1+staging -->\n\n### kafkaops plan for `prod-eu1`"
    )
    assert re.findall(r"(?m)^### .*`([\w-]+)`", text) == ["prod-eu1", "prod-us1", "staging"]
    assert text == markdown.comment(both[::-1])


def test_a_small_plan_leaves_its_room_to_a_large_one() -> None:
    large = report.plan_document(plan(many(650)), replace(header(), cluster="large"), 0)
    small = [
        report.plan_document(plan(GRANTS + REVOKES), replace(header(), cluster=f"small{index}"), 0)
        for index in range(5)
    ]
    text = markdown.comment([large, *small])
    insist_on_balance(text)

    assert size(text) <= 60_000
    assert size(text) > 40_000
    assert text.count("Nothing omitted.") == 5


def test_twenty_large_plans_fit_into_one_comment() -> None:
    changes, findings = dangerous(300)
    every = [
        report.plan_document(plan(many(2000) + changes, findings), replace(header(), cluster=f"c{index}"), 3)
        for index in range(20)
    ]
    text = markdown.comment(every)
    insist_on_balance(text)

    assert size(text) <= 60_000
    assert text.count("blocked, 300 dangers need acknowledgement") == 20


def test_the_order_of_findings_and_changes_is_that_of_the_plan() -> None:
    """Nothing here depends on how a mapping was built."""
    document = made(many(30))
    shuffled = {key: document[key] for key in reversed(list(document))}

    assert markdown.render(shuffled) == markdown.render(document)


def rewritten() -> Iterator[Path]:
    GOLDEN.mkdir(exist_ok=True)
    for name, document in SHOWN.items():
        path = GOLDEN / f"{name}.md"
        path.write_text(markdown.render(document), encoding="utf-8")
        yield path


if __name__ == "__main__":
    for written in rewritten():
        sys.stdout.write(f"{written}\n")
