"""Data and places of YAML. In a text, the stretch in parentheses is the place that is asked for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops.findings import Finding, Location, Severity
from kafkaops.source import Block, Document, Row, key_location, locate, parse, read

KEY, VALUE = True, False


def place(marked: str) -> tuple[str, Location]:
    """The text without its marks, and what they enclose."""
    before, inside, after = re.split("[()]", marked)
    ahead = before.removeprefix("\ufeff")
    line, column = ahead.count("\n") + 1, len(ahead) - ahead.rfind("\n")
    return before + inside + after, Location("f.yaml", line, column, column + len(inside))


def error(code: str, message: str, where: Location | None, **rest: Any) -> Finding:
    return Finding(code=code, severity=Severity.ERROR, message=message, where=where, **rest)


@pytest.mark.parametrize(
    ("marked", "path", "key"),
    [
        pytest.param("a: 1\n(b): 2\n", ["b"], KEY, id="a key"),
        pytest.param("a: 1\nb: (2)\n", ["b"], VALUE, id="a value"),
        pytest.param("a: (x y  z)   # note\n", ["a"], VALUE, id="a value without the comment behind it"),
        pytest.param("(a):\nb: 2\n", ["a"], VALUE, id="nothing is its key"),
        pytest.param("(a):\n  b: 2\n", ["a"], VALUE, id="a block mapping is its key"),
        pytest.param("(a):\n- 2\n", ["a"], VALUE, id="a block list is its key"),
        pytest.param("a: ({b: [1, 2]}) # x\n", ["a"], VALUE, id="a flow mapping"),
        pytest.param("a: ([1, 2])\n", ["a"], VALUE, id="a flow list"),
        pytest.param("a: ([1,)\n  2]\n", ["a"], VALUE, id="a flow list up to the end of its first line"),
        pytest.param("a: {b: {(c): d}}\n", ["a", "b", "c"], KEY, id="a key in flow style"),
        pytest.param("a: {b: {c: (d)}}\n", ["a", "b", "c"], VALUE, id="a value in flow style"),
        pytest.param("a: (|)\n  x\n  y\n", ["a"], VALUE, id="a block scalar is its indicator"),
        pytest.param("a: |\n  b: c\n(d): 1\n", ["d"], KEY, id="a key behind a block scalar"),
        pytest.param("a: >-\n  b\n\n\nd: (1)\n", ["d"], VALUE, id="a value behind a folded scalar"),
        pytest.param("a: (x y)\n  z\n", ["a"], VALUE, id="a plain scalar of two lines"),
        pytest.param("a: ('x)\n  y'\n", ["a"], VALUE, id="a quoted scalar of two lines"),
        pytest.param('("a b") : 1\n', ["a b"], KEY, id="a quoted key with its quotes"),
        pytest.param("'a''b': (\"c\\t\")\n", ["a'b"], VALUE, id="a quoted value with its quotes"),
        pytest.param("? (a)\n: 1\n", ["a"], KEY, id="a key behind a question mark"),
        pytest.param("a:\t(b)\t# c\n", ["a"], VALUE, id="a tab counts as one character"),
        pytest.param("a: 1\r\n(b): 2\r\n", ["b"], KEY, id="CRLF: a key"),
        pytest.param("a: |\r\n  x\r\nb: (x)\r\n  y\r\n", ["b"], VALUE, id="CRLF: the end of a line"),
        pytest.param("\ufeff(a): 1\n", ["a"], KEY, id="a byte order mark has no column"),
        pytest.param("\ufeffa: &b (x)\n", ["a"], VALUE, id="a byte order mark and an anchor"),
        pytest.param("\u65e5\u672c: (\u8a9e x)\n", ["\u65e5\u672c"], VALUE, id="wide characters count as one"),
        pytest.param("e\u0301: (e\u0301e\u0301)\n", ["e\u0301"], VALUE, id="a combining character counts as one"),
        pytest.param(
            "{\U0001f600: (\U0001f600\U0001f600), b: 1}\n",
            ["\U0001f600"],
            VALUE,
            id="characters beyond the first plane count as one",
        ),
        pytest.param("a: &k (1)\n", ["a"], VALUE, id="an anchored value without its anchor"),
        pytest.param("a: &k   # why\n  # more\n  (xy)\n", ["a"], VALUE, id="an anchored value some lines below"),
        pytest.param("&k (a): 1\n", ["a"], KEY, id="an anchored key without its anchor"),
        pytest.param("a: &k ({b: 1})\n", ["a"], VALUE, id="an anchored flow mapping without its anchor"),
        pytest.param("(a): &k\n  b: 1\n", ["a"], VALUE, id="an anchored block mapping is its key"),
        pytest.param("(a): &k\nb: 1\n", ["a"], VALUE, id="anchored nothing is its key"),
        pytest.param("a: &k 1\nb: (*k) # c\n", ["b"], VALUE, id="an alias stands where it is written"),
        pytest.param("a: &k {(x): 1}\nb: *k\n", ["b", "x"], KEY, id="what is inside an alias stands in the anchor"),
        pytest.param("a: &k {(x): 1}\nb: {<<: *k, y: 2}\n", ["b", "x"], KEY, id="a merged key stands in the anchor"),
        pytest.param(
            "a: &k {x: (1)}\nb: {<<: *k, y: 2}\n", ["b", "x"], VALUE, id="a merged value stands in the anchor"
        ),
        pytest.param(
            "a: &k {x: 1}\nb:\n  <<: *k\n  (x): 2\n", ["b", "x"], KEY, id="the block's own key wins over a merged one"
        ),
        pytest.param("a: &k {x: 1}\nb:\n  (x): 2\n  <<: *k\n", ["b", "x"], KEY, id="also when it stands first"),
        pytest.param("a: &k {(x): 1}\nb: &l {<<: *k, y: 2}\nc: {<<: *l}\n", ["c", "x"], KEY, id="a merge of a merge"),
        pytest.param(
            "a: &k {(x): 1}\nb: &l {x: 2, y: 2}\nc:\n  <<: [*k, *l]\n",
            ["c", "x"],
            KEY,
            id="of two merged mappings the first wins",
        ),
        pytest.param("a: {<<: {(x): 1}}\n", ["a", "x"], KEY, id="a mapping merged where it is written"),
        pytest.param("a:\n- 1\n- (bc) # x\n", ["a", 1], VALUE, id="an item"),
        pytest.param("a:\n- 1\n- (bc) # x\n", ["a", 1], KEY, id="an item has no key"),
        pytest.param("a: [1, ({b: 2})]\n", ["a", 1], VALUE, id="an item in flow style"),
        pytest.param("a:\n- 1\n(-)\n- 2\n", ["a", 1], VALUE, id="an empty item is its dash"),
        pytest.param(
            "a:\n  -   (b): 1\n      c: 2\n", ["a", 0], VALUE, id="a block mapping in a list is its first key"
        ),
        pytest.param("a:\n- &k\n  (b): 1\n", ["a", 0], VALUE, id="an anchored block mapping in a list"),
        pytest.param("a: &k {x: 1}\nb:\n- (<<): *k\n  y: 2\n", ["b", 0], VALUE, id="a merge as the first key"),
        pytest.param("a:\n- (-) 1\n", ["a", 0], VALUE, id="a list in a list is its dash"),
        pytest.param("# c\n\n(a): 1\n", [], KEY, id="no path is the first key of the file"),
        pytest.param("(a): {b: 1}\n", ["a", "zz"], KEY, id="a key that is not there is the block it is missed in"),
        pytest.param("a: ({b: 1})\n", ["a", "zz"], VALUE, id="a value that is not there is the block it is missed in"),
        pytest.param("a: ([1])\n", ["a", 3], VALUE, id="an item that is not there is the list"),
        pytest.param("a: (text)\n", ["a", "b"], VALUE, id="a path into a text is the text"),
    ],
)
def test_criterion_19_a_place_is_where_a_reader_would_point(marked: str, path: list[str | int], key: bool) -> None:
    text, expected = place(marked)
    root, findings = parse(text, "f.yaml")

    assert findings == ()
    assert root is not None
    assert locate(root, path, key=key) == expected


def test_an_empty_file_is_an_empty_mapping_at_its_first_character() -> None:
    for text in ("", "\n\n", "# only words\n", "---\n", "---\n...\n", "\ufeff"):
        root, findings = parse(text, "f.yaml")

        assert (root, findings) == ({}, ())
        assert root is not None
        assert locate(root, ["a"], key=True) == Location("f.yaml", 1, 1, 2)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[(text, None) for text in ("", "~", "null", "Null", "NULL")],
        *[(text, True) for text in ("true", "True", "TRUE")],
        *[(text, False) for text in ("false", "False", "FALSE")],
        *[("0", 0), ("-1", -1), ("+7", 7), ("604800000", 604_800_000), ("9223372036854775807", 2**63 - 1)],
        *[("0.5", 0.5), ("-1.50", -1.5), ("1e3", 1000.0), ("2.5E-1", 0.25)],
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(written: str, value: object) -> None:
    root, findings = parse(f"a: {written}", "f.yaml")

    assert findings == ()
    assert root == {"a": value}
    assert root is not None
    assert type(root["a"]) is type(value)


SURPRISES = "yes no on off y n Yes OFF tRUE 0o17 017 0x1F 0b1 1_000 12:30:45 190:20 2026-10-12 .5 5. .inf -.inf .NaN 1e999 + - 1.2.3 7d = 00"


@pytest.mark.parametrize("written", [*SURPRISES.split(), "9" * 20, "9" * 5000])
def test_what_only_yaml_1_1_takes_for_something_else_stays_text(written: str) -> None:
    text = f"a: {written}" if written != "-" else "a: '-'"

    assert parse(text, "f.yaml") == ({"a": written}, ())


@pytest.mark.parametrize("written", ["1", "true", "null", "", "~", "1.5", "<<"])
def test_what_is_quoted_is_text(written: str) -> None:
    assert parse(f"a: {{'{written}': \"{written}\"}}", "f.yaml") == ({"a": {written: written}}, ())


def test_keys_are_text() -> None:
    assert parse("a: {1: x, true: y, ~: z, 1.50: w}", "f.yaml") == (
        {"a": {"1": "x", "true": "y", "~": "z", "1.50": "w"}},
        (),
    )


def test_blocks_and_rows_are_plain_dicts_and_lists_for_everyone_else() -> None:
    root, _ = parse("a: [1, {b: 2}]", "f.yaml")

    assert isinstance(root, Block)
    assert isinstance(root["a"], Row)
    assert json.dumps(root) == '{"a": [1, {"b": 2}]}'


def test_a_key_can_be_anchored_too() -> None:
    assert parse("&k a: 1\nb: *k\n", "f.yaml") == ({"a": 1, "b": "a"}, ())


def test_keys_that_begin_with_x_are_left_in_place() -> None:
    assert parse("x-a.b: 1\n", "f.yaml") == ({"x-a.b": 1}, ())


def test_a_key_that_stands_twice_is_an_error_at_the_second_and_the_first_counts() -> None:
    text, second = place("a:\n  b: 1\n  c: 2\n  ('b'): 3\n")

    first = (Location("f.yaml", 2, 3, 4), "first")
    message = "the key `b` stands twice in one mapping"
    found = error("KO1003", message, second, label="second", also=(first,))
    assert parse(text, "f.yaml") == ({"a": {"b": 1, "c": 2}}, (found,))


def test_two_merges_in_one_mapping_are_a_key_that_stands_twice() -> None:
    text, second = place("a: &a {x: 1}\nb:\n  <<: *a\n  (<<): *a\n")
    root, findings = parse(text, "f.yaml")

    assert root == {"a": {"x": 1}, "b": {"x": 1}}
    assert [(found.code, found.where) for found in findings] == [("KO1003", second)]


def test_the_same_key_in_two_mappings_is_no_duplicate() -> None:
    assert parse("a: {x: 1}\nb: {x: 1}\n", "f.yaml") == ({"a": {"x": 1}, "b": {"x": 1}}, ())


@pytest.mark.parametrize(
    ("marked", "code", "message"),
    [
        ("a:\n(\t)b: 1\n", "KO1002", "a tab indents this line"),
        ("a:\n  b: 1\n  (\t)c: 1\n", "KO1002", "a tab indents this line"),
        ('a: (")x\n', "KO1002", "the quote that opens here is not closed"),
        ("a: (')x\nb: 1\n", "KO1002", "the quote that opens here is not closed"),
        ("a: ([)1\nb: 2\n", "KO1002", "the list that opens here is not closed"),
        ("a: ({)x: 1\nb: 2\n", "KO1002", "the mapping that opens here is not closed"),
        ("a: 1\n b(:) 2\n", "KO1002", "a `:` stands where no key can be"),
        ("a: b(:) c\n", "KO1002", "a `:` stands where no key can be"),
        ("a:\n  b: 1\n (c): 2\n", "KO1002", "no key can begin here"),
        ("a: 1\n(b)\nc: 2\n", "KO1002", "a key has no `:` behind it"),
        ("a:\tb(:) c\n", "KO1002", "a `:` stands where no key can be"),
        ("a: (@)x\n", "KO1002", "a value cannot begin with this character"),
        ("a: (*)\n", "KO1002", "an anchor or an alias has no name"),
        ("a: (-) b\n", "KO1002", "a list item cannot stand here"),
        ('a: "x(\\)q"\n', "KO1002", "a double-quoted text holds an unknown escape"),
        ("{a: 1}\n(b): 2\n", "KO1002", "the file goes on after its content has ended"),
        ("a: x(\r)b: y\n", "KO1002", "the character U+000D is not allowed"),
        ("a: 1\nb: x(\u2028)c: y\n", "KO1002", "the character U+2028 is not allowed"),
        ("a: (\x1b)[0m\n", "KO1002", "the character U+001B is not allowed"),
        ("a: 1\n(---)\nb: 2\n", "KO1004", "the file holds a second document"),
        ("a: (!!str x)\n", "KO1004", "tags are not allowed"),
        ("a: (!mine {)b: 1}\n", "KO1004", "tags are not allowed"),
        ("a: (! x)\n", "KO1004", "tags are not allowed"),
        ("a: (!)x!y z\n", "KO1004", "tags are not allowed"),
        ("(!!str a): 1\n", "KO1004", "tags are not allowed"),
        ("a: [1,(,) 2]\n", "KO1002", "a value is missing here"),
        ("(%)YAML 3.0\n---\na: 1\n", "KO1004", "directives are not allowed"),
        ("(%)YAML x\n---\na: 1\n", "KO1004", "directives are not allowed"),
        ("? ([)a]\n: 1\n", "KO1004", "a key is not a text on one line"),
        ("? (|)\n  a\n: 1\n", "KO1004", "a key is not a text on one line"),
        ("a: &k x\n(*k) : 1\n", "KO1004", "a key is not a text on one line"),
        ("(-) a\n", "KO1007", "the top level of a topology file is not a mapping"),
        ("(hello)\n", "KO1007", "the top level of a topology file is not a mapping"),
        ("(null)\n", "KO1007", "the top level of a topology file is not a mapping"),
        ("a: (*k)\nb: &k 1\n", "KO1008", "no anchor above has the name of this alias"),
        ("a: &k [(*k)]\n", "KO1008", "the alias stands inside its own anchor"),
        ("a: &k\n  <<: (*k)\n", "KO1008", "the alias stands inside its own anchor"),
        ("a: {b: 1, (<<)}", "KO1008", "`<<` takes something that is not a mapping"),
        ("a: {<<: (1)}\n", "KO1008", "`<<` takes something that is not a mapping"),
        ("a: &k {}\nb: {<<: ([*k, x])}\n", "KO1008", "`<<` takes something that is not a mapping"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_at_its_place(marked: str, code: str, message: str) -> None:
    text, where = place(marked)
    root, findings = parse(text, "f.yaml")

    assert root is None
    assert [(found.code, found.message, found.where) for found in findings] == [(code, message, where)]


@pytest.mark.parametrize(
    ("text", "where"), [("a: [1,\n", "f.yaml:2:1"), ("a: {b: [ # c\n\n", "f.yaml:3:1"), ("{", "f.yaml:1:2")]
)
def test_a_file_that_ends_inside_brackets_says_so(text: str, where: str) -> None:
    _, (found,) = parse(text, "f.yaml")

    assert (found.code, found.message, str(found.where)) == (
        "KO1002",
        "the file ends inside a list or a mapping",
        where,
    )


def test_all_problems_of_a_file_are_told_at_once() -> None:
    _, findings = parse("a: !x 1\nb: *k\nc: 1\nc: 2\n? [d]\n: !y e\n", "f.yaml")

    assert [(found.code, str(found.where)) for found in findings] == [
        ("KO1004", "f.yaml:1:4"),
        ("KO1008", "f.yaml:2:4"),
        ("KO1003", "f.yaml:4:1"),
        ("KO1004", "f.yaml:5:3"),
        ("KO1004", "f.yaml:6:3"),
    ]


def _block(file: str, data: dict[str, Any]) -> Block:
    block = Block(file)
    block.update(data)
    return block


def test_a_folder_is_read_in_order_whatever_its_files_are_called(tmp_path: Path) -> None:
    for name in (
        "b.yml",
        "a.yaml",
        "deep/er/C.YAML",
        "deep/a.yaml",
        ".git/x.yaml",
        ".hidden.yaml",
        "README.md",
        "p.properties",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"description: {name}\n")

    documents, findings = read(tmp_path, shown=lambda path: path.relative_to(tmp_path).as_posix())

    assert findings == ()
    assert documents == tuple(
        Document(name, tmp_path / name, f"description: {name}\n", _block(name, {"description": name}))
        for name in ("a.yaml", "b.yml", "deep/a.yaml", "deep/er/C.YAML")
    )


def test_a_broken_file_hides_neither_the_others_nor_their_problems(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [1\n")
    (tmp_path / "b.yaml").write_text("b: 1\n")
    (tmp_path / "c.yaml").write_text("c: 1\nc: 2\n")

    documents, findings = read(tmp_path, shown=lambda path: path.name)

    assert [document.file for document in documents] == ["b.yaml", "c.yaml"]
    assert [(found.code, str(found.where)) for found in findings] == [
        ("KO1002", "a.yaml:1:4"),
        ("KO1003", "c.yaml:2:1"),
    ]


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a: 1")
    (tmp_path / ".hidden.yaml").write_text("a: 1")

    expected = error(
        "KO1006", "`topology` holds no YAML file", None, help="name the folder of the topology with `--topology`"
    )
    assert read(tmp_path, shown=lambda _: "topology") == ((), (expected,))


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    expected = error("KO1001", "`topology` cannot be read: no such file or directory", None)
    assert read(tmp_path / "not", shown=lambda _: "topology") == ((), (expected,))


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1")

    expected = error("KO1001", "`topology` cannot be read: not a directory", None)
    assert read(tmp_path / "a.yaml", shown=lambda _: "topology") == ((), (expected,))


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co"], exclude_characters="\u2028\u2029\ufeff"),
    max_size=12,
)
NUMBER_TO_YAML_1_2_ONLY = re.compile(r"[-+0-9.]+[eE][-+0-9]+")
WORDS = TEXT.filter(lambda text: not NUMBER_TO_YAML_1_2_ONLY.fullmatch(text))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | WORDS
KEYS = WORDS.filter(lambda text: not re.search("[.=]", text))
DATA = st.dictionaries(
    KEYS,
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
    ),
)


@settings(deadline=None)  # the machine may be busy
@given(DATA, st.sampled_from([None, True, False]), st.booleans())
def test_what_yaml_wrote_is_read_back_with_every_key_at_its_place(
    data: dict[str, Any], flow: bool | None, unicode: bool
) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, allow_unicode=unicode, width=1000)
    root, findings = parse(text, "f.yaml")

    assert findings == ()
    assert root == data
    assert root is not None
    for key, where in _keys(root):
        written = text.split("\n")[where.line - 1][where.column - 1 : where.end_column - 1]
        assert list(yaml.safe_load(f"{written}: 1")) == [key]


def _keys(node: Any) -> list[tuple[str, Location]]:
    if isinstance(node, Block):
        inner = [found for value in node.values() for found in _keys(value)]
        return [(key, key_location(node, key)) for key in node] + inner
    return [found for value in node for found in _keys(value)] if isinstance(node, Row) else []
