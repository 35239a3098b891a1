"""Files that want to hang the program, to eat its memory, or to make it tell what it should not."""

from __future__ import annotations

import gc
import os
import socket
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops.findings import Finding, Location
from kafkaops.source import Block, Row, folder, item_location, key_location, parse, read, value_location

SECRET = "hunter2"  # stands in every file that must not be quoted


@pytest.fixture
def topology(tmp_path: Path) -> Path:
    folder = tmp_path / "topology"
    folder.mkdir()
    (folder / "good.yaml").write_text("description: good\n")
    return folder


def refused(topology: Path) -> list[str]:
    """The messages, when the good file was read in spite of all and nothing leaked."""
    with at_once():
        documents, findings = read(topology, shown=lambda path: path.relative_to(topology.parent).as_posix())

    assert [document.root for document in documents] == [{"description": "good"}]
    assert SECRET not in repr(findings)
    assert {finding.code for finding in findings} == {"KO1001"}
    assert all(finding.where in {None, start_of(finding)} for finding in findings)
    return [finding.message for finding in findings]


def start_of(finding: Finding) -> Location:
    return Location(finding.message.split("`")[1], 1, 1, 2)


@contextmanager
def at_once(seconds: float = 1.0) -> Iterator[None]:
    start = time.process_time()
    yield
    assert time.process_time() - start < seconds


def test_a_link_out_of_the_folder(topology: Path) -> None:
    (topology.parent / "secret").write_text(SECRET)
    (topology / "x.yaml").symlink_to(topology.parent / "secret")

    assert refused(topology) == ["`topology/x.yaml` is a link that leaves the topology folder"]


def test_a_link_to_a_sibling_whose_name_begins_alike(topology: Path) -> None:
    (topology.parent / "topology-secrets").mkdir()
    (topology.parent / "topology-secrets" / "x.yaml").write_text(SECRET)
    (topology / "x.yaml").symlink_to("../topology-secrets/x.yaml")

    assert refused(topology) == ["`topology/x.yaml` is a link that leaves the topology folder"]


def test_a_folder_that_is_a_link(topology: Path) -> None:
    (topology.parent / "else").mkdir()
    (topology.parent / "else" / "x.yaml").write_text(SECRET)
    (topology / "sub").symlink_to("../else")
    (topology / "up").symlink_to("..")

    assert refused(topology) == [
        "`topology/sub` is a link to a folder, and such links are not followed",
        "`topology/up` is a link to a folder, and such links are not followed",
    ]


def test_links_in_a_circle(topology: Path) -> None:
    (topology / "x.yaml").symlink_to("y.yaml")
    (topology / "y.yaml").symlink_to("x.yaml")

    reason = "cannot be read: too many levels of symbolic links"
    assert refused(topology) == [f"`topology/x.yaml` {reason}", f"`topology/y.yaml` {reason}"]


def test_a_link_to_nothing(topology: Path) -> None:
    (topology / "x.yaml").symlink_to("nothing")

    assert refused(topology) == ["`topology/x.yaml` cannot be read: no such file or directory"]


def test_a_link_that_stays_in_the_folder_is_read_once(topology: Path) -> None:
    (topology / "a.yaml").symlink_to("good.yaml")

    documents, findings = read(topology, shown=lambda path: path.name)

    assert [document.file for document in documents] == ["good.yaml"]
    assert findings == ()


def test_a_folder_mounted_from_a_config_map_is_read(topology: Path) -> None:
    (topology / "..2026").mkdir()
    (topology / "..2026" / "order.yaml").write_text("a: 1\n")
    (topology / "..data").symlink_to("..2026")
    (topology / "order.yaml").symlink_to("..data/order.yaml")

    documents, findings = read(topology, shown=lambda path: path.name)

    assert [(document.file, document.path.parent.name) for document in documents] == [
        ("good.yaml", "topology"),
        ("order.yaml", "..2026"),
    ]
    assert findings == ()


def test_a_topology_folder_that_is_itself_a_link_is_read(topology: Path) -> None:
    link = topology.parent / "link"
    link.symlink_to(topology)

    documents, findings = read(link, shown=lambda path: path.relative_to(link).as_posix())

    assert [(document.file, document.path) for document in documents] == [("good.yaml", topology / "good.yaml")]
    assert findings == ()


def test_a_fifo_does_not_hang(topology: Path) -> None:
    os.mkfifo(topology / "x.yaml")

    assert refused(topology) == ["`topology/x.yaml` is not a regular file"]


def test_a_socket(topology: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(topology)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("x.yaml")

        assert refused(topology) == ["`topology/x.yaml` is not a regular file"]


def test_a_device(topology: Path) -> None:
    (topology / "x.yaml").symlink_to("/dev/zero")

    assert refused(topology) == ["`topology/x.yaml` is a link that leaves the topology folder"]


def test_a_folder_with_the_name_of_a_file(topology: Path) -> None:
    (topology / "x.yaml").mkdir()
    (topology / "x.yaml" / "y.yaml").write_text(SECRET)

    assert refused(topology) == ["`topology/x.yaml` is a folder with the name of a file"]


def test_a_file_without_the_right_to_read_it(topology: Path) -> None:
    (topology / "x.yaml").write_text(SECRET)
    (topology / "x.yaml").chmod(0)
    (topology / "sub").mkdir(mode=0)

    with as_nobody(topology):
        messages = refused(topology)

    assert messages == [
        "`topology/sub` cannot be read: permission denied",
        "`topology/x.yaml` cannot be read: permission denied",
    ]


@contextmanager
def as_nobody(folder: Path) -> Iterator[None]:
    """Root may read everything; everyone else already is nobody enough."""
    if os.geteuid() != 0:
        yield
        return
    for path in (folder, *folder.parents[:-1]):
        path.chmod(path.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_is_too_large(topology: Path) -> None:
    with (topology / "x.yaml").open("wb") as file:
        file.truncate(100 * 2**30)  # sparse: 100 GiB of nothing

    assert refused(topology) == ["`topology/x.yaml` is larger than 8 MiB"]


def test_too_many_files(topology: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 2)
    for name in ("b.yaml", "c.yaml"):
        (topology / name).write_text("")

    documents, findings = read(topology, shown=lambda path: path.name)

    assert documents == ()
    assert [finding.message for finding in findings] == ["`topology` holds more than 2 YAML files"]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (b"a: 1\nb: \xc3\xa9\xff\n", Location("x.yaml", 2, 5, 6)),
        (b"\xef\xbb\xbfa: \xe9\n", Location("x.yaml", 1, 4, 5)),
        (b"a: \xed\xa0\x80\n", Location("x.yaml", 1, 4, 5)),
        ("a: 1".encode("utf-16"), Location("x.yaml", 1, 1, 2)),
    ],
)
def test_what_is_not_utf_8_is_an_error_at_its_first_byte(tmp_path: Path, data: bytes, where: Location) -> None:
    (tmp_path / "x.yaml").write_bytes(data)

    documents, findings = read(tmp_path, shown=lambda path: path.name)

    assert documents == ()
    assert [(found.code, found.message, found.where) for found in findings] == [
        ("KO1001", "`x.yaml` is not UTF-8", where)
    ]


def test_a_name_that_is_no_text_can_be_printed(topology: Path) -> None:
    Path(os.fsdecode(bytes(topology) + b"/\xff.yaml")).write_text("a: [1")

    _, findings = read(topology, shown=lambda path: path.name)

    assert [str(found.where).encode() for found in findings] == [b"\\udcff.yaml:1:4"]


PROPERTIES = [
    f"sasl.password={SECRET}\n",
    f"# a comment\nbootstrap.servers=b:9092\nsasl.password={SECRET}\n",
    f"sasl.password: {SECRET}\n",
    f"security.protocol: SSL\npassword: !{SECRET}\n",
    f"password=a{SECRET}: b\n",
    f"a: 1\na{SECRET}=x: 1\na{SECRET}=x: 1\n",
    f'sasl.jaas.config=x required password="{SECRET}: a";\nx: y: {SECRET}\n',
    f"password {SECRET}\n",
    f"password: '{SECRET}\n",
    f"password: *{SECRET}\n",
    f"password: !{SECRET} x\n",
    f"password: !!python/object/apply:os.system ['{SECRET}']\n",
    f"password: @{SECRET}\n",
    f"password: %{SECRET}\n",
    f'password: "\\q{SECRET}"\n',
    f"[{SECRET}]: 1\n",
    f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----\n",
    f"{SECRET}: {SECRET}: {SECRET}\n",
    f"%{SECRET}\n",
    f"%YAML {SECRET}\n---\n",
    f"a: &{SECRET} [*{SECRET}]\n",
]


@pytest.mark.parametrize("text", PROPERTIES)
def test_a_file_that_is_no_topology_is_refused_and_never_quoted(text: str) -> None:
    root, findings = parse(text, "x.yaml")

    assert root is None
    assert len(findings) == 1
    assert findings[0].where is not None
    assert SECRET not in repr(findings)


def test_a_properties_file_is_named_as_such_at_its_first_key() -> None:
    root, findings = parse(f"# ours\nsasl.password: {SECRET}\n", "x.yaml")

    assert root is None
    assert [(found.code, found.message, found.where) for found in findings] == [
        (
            "KO1007",
            "a key with a dot at the top level looks like client properties, not like a topology",
            Location("x.yaml", 2, 1, 14),
        )
    ]


def test_a_properties_file_with_its_own_ending_is_not_read(topology: Path) -> None:
    (topology / "production.properties").write_text(f"sasl.password={SECRET}")

    _, findings = read(topology, shown=lambda path: path.name)

    assert findings == ()


TOO_LARGE = "the topology is larger than 2,000,000 keys and values, aliases followed"
TOO_DEEP = "mappings and lists stand more than 64 deep in each other"
LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40))
MERGES = "a0: &a0 {k0: v}\n" + "".join(
    f"a{n}: &a{n} {{k{n}: v, <<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 40)
)
CHAIN = "a0: &a0 {k: v}\n" + "".join(f"a{n}: &a{n} {{k: *a{n - 1}}}\n" for n in range(1, 3000))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(LAUGHS, TOO_LARGE, id="a billion laughs"),
        pytest.param(MERGES, TOO_LARGE, id="a billion merges"),
        pytest.param(
            "a: &a {"
            + "".join(f"k{n}: 1, " for n in range(3000))
            + "}\n"
            + "".join(f"b{n}: *a\n" for n in range(3000)),
            TOO_LARGE,
            id="a large anchor used often",
        ),
        pytest.param(CHAIN, TOO_DEEP, id="a chain of aliases"),
        pytest.param("a: " + "[" * 1_000_000, TOO_DEEP, id="brackets"),
        pytest.param("a: " + "{a: " * 1_000_000, TOO_DEEP, id="braces"),
        pytest.param("- " * 100_000, TOO_DEEP, id="lists of lists"),
        pytest.param("? " * 100_000, TOO_DEEP, id="keys of keys"),
        pytest.param("\n".join(" " * n + f"k{n}:" for n in range(1000)), TOO_DEEP, id="indentation"),
    ],
)
def test_a_bomb_is_refused_at_once_in_little_memory(text: str, message: str) -> None:
    parse("a: 1", "x.yaml")  # what is loaded once is not the bomb's
    gc.collect()
    tracemalloc.start()
    with at_once():
        root, findings = parse(text, "x.yaml")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert root is None
    assert [(found.code, found.message) for found in findings] == [("KO1005", message)]
    assert peak < 3 * len(text) + 4 * 2**20


def test_sixty_four_deep_is_not_too_deep() -> None:
    for text in ("[" * 63 + "]" * 63, "&a " + "[" * 63 + "]" * 63 + "\nb: *a"):
        assert parse(f"a: {text}", "x.yaml")[1] == ()


DEEP = ["[" * 64 + "]" * 64]
DEEP += ["&a [" + "[" * 31 + "]" * 31 + "]\nb: " + "[" * 32 + "*a" + "]" * 32]
DEEP += ["&a [" + "[" * 31 + "]" * 31 + ", &b x]\nb: " + "[" * 32 + "*a" + "]" * 32]


@pytest.mark.parametrize("deep", DEEP)
def test_sixty_five_deep_is_too_deep_through_an_alias_too(deep: str) -> None:
    assert [found.message for found in parse(f"a: {deep}", "x.yaml")[1]] == [TOO_DEEP]


def test_an_anchor_that_many_topics_share_is_no_bomb() -> None:
    text = "x-a: &a {p: 1, q: [1, 2]}\nt:\n" + "".join(f"  t{n}: {{<<: *a, r: 1}}\n" for n in range(10_000))

    assert parse(text, "x.yaml")[1] == ()


def test_the_limit_counts_over_all_files_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_NODES", 10)
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.yaml").write_text("k: [1, 2]\n")  # a mapping, a key, a list, two items

    documents, findings = read(tmp_path, shown=lambda path: path.name)

    assert [document.file for document in documents] == ["a.yaml", "b.yaml"]
    assert [(found.code, str(found.where)) for found in findings] == [("KO1005", "c.yaml:1:1")]


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "x " * 2_000_000,
        "#" * 4_000_000,
        "a: |\n" + " x\n" * 1_000_000,
        "a: &" + "b" * 4_000_000,
        "\n" * 4_000_000,
        "a: &k" + " # c\n" * 500_000 + " x",
    ],
)
def test_a_large_file_is_read_in_time_that_grows_with_its_size(text: str) -> None:
    with at_once(2):
        _, findings = parse(text, "x.yaml")

    assert findings == ()


def test_many_anchors_and_many_problems_take_no_longer() -> None:
    anchors = "a:\n" + "".join(f"- &a{n} x\n" for n in range(20_000))
    problems = "a:\n" + "".join(f"- !t x{n}\n" for n in range(20_000))

    with at_once(2):
        assert parse(anchors, "x.yaml")[1] == ()
        assert len(parse(problems, "x.yaml")[1]) == 20_000


PIECES = [
    "a",
    "b",
    "1",
    ":",
    ": ",
    "- ",
    "? ",
    "-",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "<<",
    "<<: *a",
    "!x",
    "'",
    '"',
    "\\",
]
PIECES += [
    "|",
    ">",
    "#",
    " #",
    "%",
    "@",
    "\n",
    "\n",
    "\r\n",
    "\r",
    " ",
    "  ",
    "\t",
    "---\n",
    "...\n",
    "\u00e9",
    "\U0001f600",
    "\ufeff",
    "\x00",
    "\ud800",
    "\u2028",
]


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_any_text_is_data_or_findings_inside_of_the_text(text: str) -> None:
    root, findings = parse(text, "x.yaml")

    assert root is not None or findings
    lines = [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]
    for found in findings:
        assert found.where is not None
        assert 1 <= found.where.line <= len(lines)
        assert 1 <= found.where.column <= len(lines[found.where.line - 1]) + 2
        assert found.where.column < found.where.end_column
    for where in [] if root is None else _places(root):
        assert 1 <= where.column < where.end_column <= len(lines[where.line - 1]) + 1


def _places(node: Any) -> list[Location]:
    if isinstance(node, Block):
        own = [place(node, key) for key in node for place in (key_location, value_location)]
        return own + [where for value in node.values() for where in _places(value)]
    if isinstance(node, Row):
        return [item_location(node, index) for index in range(len(node))] + [
            where for item in node for where in _places(item)
        ]
    return []
