"""Editing YAML as text. A file in `edits/` is the text after the edit: its lines that end with `#+` are the ones that are new."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kafkaops import edit, source

EDITS = sorted(Path(__file__).with_name("edits").glob("*.yaml"))
MARK = " #+"
ENTRY = {"code": "KO2104", "change": "retention.ms 14d -> 3d", "until": "2026-10-12"}
LINE = '{code: KO2104, change: "retention.ms 14d -> 3d", until: 2026-10-12}'
A = ("topics", "order.a")


def sides(path: Path) -> tuple[edit.Keys, str, str]:
    """Where, the text before, and the text after."""
    head, *lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    section, _, name = head.removeprefix("# in:").strip().partition(" ")
    before = [line for line in lines if not line.rstrip().endswith(MARK)]
    after = [line.replace(MARK, "") if line.rstrip().endswith(MARK) else line for line in lines]
    return (section, name) if section else (), "".join(before), "".join(after)


def spelled(text: str, line_end: str, *, ended: bool) -> str:
    text = text if ended else text.rstrip("\n")
    return text.replace("\n", line_end)


def text(block: str) -> str:
    return dedent(block).lstrip("\n")


STYLES = pytest.mark.parametrize(
    ("line_end", "ended"),
    [("\n", True), ("\n", False), ("\r\n", True), ("\r\n", False)],
    ids=["lf", "lf-open", "crlf", "crlf-open"],
)


@STYLES
@pytest.mark.parametrize("path", EDITS, ids=lambda path: path.stem)
def test_an_entry_goes_in_and_the_rest_stays_byte_for_byte(path: Path, line_end: str, *, ended: bool) -> None:
    keys, before, after = sides(path)

    assert edit.with_entry(spelled(before, line_end, ended=ended), keys, ENTRY) == spelled(after, line_end, ended=ended)


@STYLES
@pytest.mark.parametrize("path", EDITS, ids=lambda path: path.stem)
def test_an_entry_taken_out_again_gives_back_the_same_bytes(path: Path, line_end: str, *, ended: bool) -> None:
    keys, before, after = sides(path)
    last = rows(after, keys) - 1

    assert edit.without_entry(spelled(after, line_end, ended=ended), keys, last) == spelled(
        before, line_end, ended=ended
    )


def rows(yaml: str, keys: edit.Keys) -> int:
    block, findings = source.parse(yaml, "")
    assert block is not None
    assert not findings
    for key in keys:
        block = block[key]
    return len(block[edit.LIST])


FLOW = {
    "one line": ("acknowledge: [{code: KO1}]", f"acknowledge: [{{code: KO1}}, {LINE}]"),
    "a comma at the end": ("acknowledge: [{code: KO1}, ]  # both", f"acknowledge: [{{code: KO1}}, {LINE}, ]  # both"),
    "nothing in it": ("acknowledge: []", f"acknowledge: [{LINE}]"),
    "a line each": (
        "acknowledge: [\n  {code: KO1},  # one\n  {code: KO2}  # two, [and]\n]",
        f"acknowledge: [\n  {{code: KO1}},  # one\n  {{code: KO2}},  # two, [and]\n  {LINE}\n]",
    ),
    "a line each with a comma at the end": (
        "acknowledge: [\n  {code: KO1},\n  {code: KO2},  # two\n]",
        f"acknowledge: [\n  {{code: KO1}},\n  {{code: KO2}},  # two\n  {LINE},\n]",
    ),
}


@pytest.mark.parametrize(("before", "after"), FLOW.values(), ids=FLOW)
def test_a_list_in_brackets_gets_longer_in_its_own_style(before: str, after: str) -> None:
    top = "topics:\n  order.a:\n    partitions: 3\n"
    end = "\n  order.b:\n    partitions: 3\n"

    written = edit.with_entry(top + indent(before, "    ") + end, A, ENTRY)

    assert written == top + indent(after, "    ") + end


@pytest.mark.parametrize(("before", "after"), FLOW.values(), ids=FLOW)
def test_an_entry_in_brackets_is_cut_out_with_its_comma(before: str, after: str) -> None:
    text = f"version: 1\n{after}\n"
    cut = edit.without_entry(text, (), rows(text, ()) - 1)

    assert cut is not None
    assert LINE not in cut
    assert source.parse(cut, "") == source.parse(f"version: 1\n{before}\n" if "KO1" in before else "version: 1\n", "")


REFUSED = {
    "a block in braces": "topics:\n  order.a: {partitions: 3}\n",
    "a file in braces": "{topics: {order.a: {partitions: 3}}}\n",
    "an empty block": "topics:\n  order.a:\n  order.b: {partitions: 3}\n",
    "a block that an alias shares": "topics:\n  order.a: &a\n    partitions: 3\n  order.b: *a\n",
    "an alias": "topics:\n  order.b: &a\n    partitions: 3\n  order.a: *a\n",
    "a block that another one merges": "topics:\n  order.a: &a\n    partitions: 3\n  order.b:\n    <<: *a\n",
    "a section that an alias shares": "topics: &all\n  order.a:\n    partitions: 3\nx-again: *all\n",
    "a list that is merged in": "x-a: &a\n  acknowledge: [{code: KO1}]\ntopics:\n  order.a:\n    <<: *a\n    partitions: 3\n",
    "a list that is an alias": "x-a: &a\n  - {code: KO1}\ntopics:\n  order.a:\n    acknowledge: *a\n    partitions: 3\n",
    "a list that an alias shares": "topics:\n  order.a:\n    acknowledge: &a\n      - {code: KO1}\nx-a: *a\n",
    "no such block": "topics:\n  order.b:\n    partitions: 3\n",
    "no list where one is meant": "topics:\n  order.a:\n    acknowledge: KO1\n",
    "a file that does not parse": "topics:\n  order.a:\n    partitions: [\n",
}


@pytest.mark.parametrize("before", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_written_alone_is_not_written(before: str) -> None:
    assert edit.with_entry(before, A, ENTRY) is None


def test_a_file_that_holds_only_comments_gets_its_first_section() -> None:
    assert edit.with_entry("# nothing yet\n", (), ENTRY) == f"# nothing yet\nacknowledge:\n  - {LINE}\n"
    assert edit.with_entry("", (), ENTRY) == f"acknowledge:\n  - {LINE}\n"


# out


REMOVED = {
    "the first of two": (
        """
        acknowledge:
          # about the first
          - {code: KO1}   # gone with it
          # about the second
          - {code: KO2}
        """,
        """
        acknowledge:
          # about the first
          # about the second
          - {code: KO2}
        """,
    ),
    "one over several lines": (
        """
        acknowledge:
          - code: KO1
            # its own
            change: |
              a

              # b
          - {code: KO2}
        """,
        """
        acknowledge:
          - {code: KO2}
        """,
    ),
    "the only one, in a list of its own": (
        """
        topics: {}

        acknowledge:   # consent
          - {code: KO1}

        # who uses them
        applications: {}
        """,
        """
        topics: {}


        # who uses them
        applications: {}
        """,
    ),
    "the only one, in brackets": ("version: 1\nacknowledge: [{code: KO1}]  # it\nx-a: 1\n", "version: 1\nx-a: 1\n"),
    "the only one, in brackets over lines": ("acknowledge: [\n  {code: KO1},\n]\nx-a: 1\n", "x-a: 1\n"),
    "the only one under a comment": (
        """
        acknowledge:
          # SEC-1
          - {code: KO1}
        x-a: 1
        """,
        """
          # SEC-1
        x-a: 1
        """,
    ),
    "the first in brackets": ("acknowledge: [{code: KO1}, {code: KO2}]\n", "acknowledge: [{code: KO2}]\n"),
    "the first in brackets over lines": (
        "acknowledge: [\n  {code: KO1},  # gone\n  # kept\n  {code: KO2},\n]\n",
        "acknowledge: [\n  # kept\n  {code: KO2},\n]\n",
    ),
    "behind an anchor": (
        "acknowledge: &all\n  - &one\n    code: KO1\n  - {code: KO2}\n",
        "acknowledge: &all\n  - {code: KO2}\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), REMOVED.values(), ids=REMOVED)
def test_an_entry_goes_out_with_its_own_lines(before: str, after: str) -> None:
    assert edit.without_entry(text(before), (), 0) == text(after)


def test_a_block_that_held_nothing_else_becomes_an_empty_one() -> None:
    before = "principals:\n  User:old:   # retired\n    acknowledge:\n      - {code: KO1}\n"

    assert edit.without_entry(before, ("principals", "User:old"), 0) == "principals:\n  User:old: {}   # retired\n"


def test_an_entry_in_a_block_in_braces_goes_out_with_its_key() -> None:
    before = "topics:\n  order.a: {partitions: 3, acknowledge: [{code: KO1}]}\n"

    assert edit.without_entry(before, A, 0) == "topics:\n  order.a: {partitions: 3}\n"


KEPT = {
    "no such entry": "topics:\n  order.a:\n    acknowledge: [{code: KO1}]\n",
    "no list": "topics:\n  order.a:\n    partitions: 3\n",
    "a list that an alias shares": "topics:\n  order.a:\n    acknowledge: &a\n      - {code: KO1}\n      - {code: KO2}\nx-a: *a\n",
}


@pytest.mark.parametrize("before", KEPT.values(), ids=KEPT)
def test_what_cannot_be_cut_out_alone_stays(before: str) -> None:
    assert edit.without_entry(before, A, 1) is None


# what is written reads back equal


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_text_reads_back_equal(value: str) -> None:
    written = edit.with_entry("version: 1\n", (), {"code": value, "change": [value, "a"]})

    assert written is not None
    assert source.parse(written, "") == ({"version": 1, "acknowledge": [{"code": value, "change": [value, "a"]}]}, ())


@pytest.mark.parametrize(
    "word",
    [
        "yes",
        "No",
        "null",
        "~",
        "",
        "1",
        "1e3",
        "on",
        "- a",
        "#",
        "a: b",
        "*a",
        "&a",
        "!a",
        "{",
        "\u202e",
        "\x1b[31m",
        "\x85",
        "\U0001f4a3\n",
    ],
)
def test_no_reader_of_yaml_takes_a_text_for_something_else(word: str) -> None:
    assert edit.quoted(word).startswith('"')


# any style

COMMENTS = st.sampled_from(["", "\n", "# c\n", "  # c\n", "      # c\n", "\n# c\n\n"])
TAILS = st.sampled_from(["", "  # why", "   "])
VALUES = st.sampled_from(
    ["partitions: 3", "description: it's", 'description: "# no"', "share: [a, 'b']", "description: |\n{}  a\n\n{}  # b", "config:\n{}  retention.ms: 3d",
     "share:\n{}- a", "config: {{retention.ms: 3d,\n{}  x: y}}", "description: >-\n{}  a\n{}  b\n", "description: 'a\n\n{}  b'"]
)  # fmt: skip


@st.composite
def topics(draw: st.DrawFn) -> str:
    """A topology file with a block `order.a` in block style, spelled in any way."""
    outer, inner = " " * draw(st.integers(1, 4)), " " * draw(st.integers(1, 4))
    lines = [draw(COMMENTS), "topics:", draw(TAILS), "\n"]
    for name in draw(st.permutations(["order.a", "order.b", "order.c"])):
        lines += [draw(COMMENTS), f"{outer}{name}:{draw(TAILS)}\n"]
        keys = draw(st.lists(VALUES, min_size=1, max_size=3, unique_by=lambda one: one.split(":")[0]))
        for key in keys:
            lines += [
                draw(COMMENTS),
                f"{outer}{inner}{key.format(*[outer + inner] * 2)}",
                draw(TAILS) if "|" not in key and ">" not in key else "",
                "\n",
            ]
        if draw(st.booleans()):
            dash = outer + inner + draw(st.sampled_from(["", "  "]))
            lines += [
                f"{outer}{inner}acknowledge:\n",
                f"{dash}- {{code: KO1}}\n",
                draw(COMMENTS),
                f"{dash}- code: KO2\n{dash}  on: x\n",
            ]
    lines += [draw(COMMENTS), draw(st.sampled_from(["", "applications: {}\n", "x-a: 1"]))]
    return "".join(lines).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@given(topics())
def test_in_any_style_an_entry_is_one_stretch_that_goes_in_and_out(before: str) -> None:
    assume(source.parse(before, "")[0] is not None and not source.parse(before, "")[1])

    after = edit.with_entry(before, A, ENTRY)

    assert after is not None
    more = len(after) - len(before)
    assert any(after[:at] + after[at + more :] == before for at in range(len(before) + 1))
    assert edit.without_entry(after, A, rows(after, A) - 1) == before


# blocks, items, values and keys, as `pull` writes them

TOPICS = "topics:\n  order.a:\n    partitions: 3 # few\n\n  # the other\n  order.b: {partitions: 3}\n"
ADDED = {"order.c": {"partitions": 1}}
ADDED_LINES = ["  order.c:", "    partitions: 1"]


def test_a_block_goes_to_the_end_of_its_section_apart_as_the_others_are() -> None:
    assert edit.with_blocks(TOPICS, "topics", ADDED, ADDED_LINES) == TOPICS + "\n  order.c:\n    partitions: 1\n"


def test_a_section_in_the_middle_gets_longer_there_with_its_own_step() -> None:
    before = "topics:\n    order.a: {partitions: 3}\n# who\napplications: {}\n"

    assert edit.with_blocks(before, "topics", ADDED, ADDED_LINES) == (
        "topics:\n    order.a: {partitions: 3}\n    order.c:\n      partitions: 1\n# who\napplications: {}\n"
    )


def test_a_new_section_stands_above_the_comment_of_the_key_that_it_goes_before() -> None:
    before = "version: 1\n\n# where\nclusters: {}\n"
    lines = ["  few: {partitions: 1}"]

    assert edit.with_blocks(before, "profiles", {"few": {"partitions": 1}}, lines, before="clusters") == (
        "version: 1\n\nprofiles:\n  few: {partitions: 1}\n\n# where\nclusters: {}\n"
    )
    assert edit.with_blocks(before, "profiles", {"few": {"partitions": 1}}, lines) == (
        before + "\nprofiles:\n  few: {partitions: 1}\n"
    )


@pytest.mark.parametrize(
    "before",
    [
        "topics: {order.a: {partitions: 3}}\n",
        "topics:\n",
        "x-a: &a\n  order.a: {partitions: 3}\ntopics: *a\n",
        TOPICS.replace("order.b", "order.c"),
    ],
)
def test_a_section_that_cannot_get_longer_safely_is_refused(before: str) -> None:
    assert edit.with_blocks(before, "topics", ADDED, ADDED_LINES) is None


def test_items_go_to_the_end_of_a_list_at_the_top() -> None:
    item = {"principal": "User:a", "topic": "x"}
    lines = ["  - principal: User:a", "    topic: x"]

    assert edit.with_items("acls:\n- {topic: y}\n", "acls", [item], lines) == (
        "acls:\n- {topic: y}\n- principal: User:a\n  topic: x\n"
    )
    assert edit.with_items("domain: a\n", "acls", [item], lines) == (
        "domain: a\n\nacls:\n  - principal: User:a\n    topic: x\n"
    )
    assert edit.with_items("acls: [{topic: y}]\n", "acls", [item], lines) is None


def test_a_value_is_written_in_the_place_of_the_old_one_or_as_the_last_key() -> None:
    assert edit.with_value(TOPICS, A, "partitions", 6, "6") == TOPICS.replace("3 # few", "6 # few")
    assert edit.with_value(TOPICS, A, "retention-ms", "7d", "7d") == TOPICS.replace(
        "3 # few\n", "3 # few\n    retention-ms: 7d\n"
    )
    assert edit.with_value(TOPICS, ("topics", "order.b"), "retention-ms", "7d", "7d") == TOPICS.replace(
        "{partitions: 3}", "{partitions: 3, retention-ms: 7d}"
    )


def test_a_key_is_cut_out_unless_it_is_the_only_one() -> None:
    both = TOPICS.replace("3 # few\n", "3 # few\n    config: {a.b: c} # why\n")

    assert edit.without_key(both, A, "config") == TOPICS
    assert edit.without_key(TOPICS, A, "partitions") is None
    assert edit.without_key(both, (*A, "config"), "a.b") is None


def test_an_entry_of_a_list_inside_a_list_goes_in_and_out() -> None:
    text = "applications:\n  a:\n    consumes:\n      - topics: [x] # one\n        group: g\n"
    steps = ("applications", "a", "consumes", 0)
    longer = text.replace("[x]", "[x, z]")

    assert edit.with_entry(text, steps, "z", "topics") == longer
    assert edit.without_entry(longer, steps, 1, "topics") == text
    assert edit.with_entry(text, ("applications", "a", "consumes", 1), "z", "topics") is None
