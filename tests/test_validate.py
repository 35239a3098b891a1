"""`validate` with paths: the whole topology is checked, and what is said is about the files that are named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kafkaops import cli

GOOD = "domain: user\ntopics:\n  user.created: {partitions: 1, replication-factor: 3, min-insync-replicas: 2}\n"
BAD = "domain: order\ntopics:\n  order.created: {partitions: many, replication-factor: 3, min-insync-replicas: 2}\n"
TWICE = "topics:\n  user.created: {partitions: 2, replication-factor: 3, min-insync-replicas: 2}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`topology/` with a bad `order.yaml` and a good `user.yaml`, and `elsewhere/` with a good file."""
    for name, text in {
        "topology/kafkaops.yaml": "version: 1\n",
        "topology/order.yaml": BAD,
        "topology/more/user.yaml": GOOD,
        "elsewhere/user.yaml": GOOD,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(capsys: pytest.CaptureFixture[str], *paths: str) -> tuple[int, dict[str, Any]]:
    code = cli.run(["validate", *paths, "-o", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("paths", "code", "files"),
    [
        ((), 4, 3),
        (("topology",), 4, 3),
        (("topology/order.yaml",), 4, 1),
        (("topology/more/user.yaml",), 0, 1),
        (("topology/more",), 0, 1),
        (("./topology/more/../more", "topology/kafkaops.yaml"), 0, 2),
        (("elsewhere",), 0, 1),
        (("-C", "topology", "--topology", ".", "."), 4, 3),
    ],
)
def test_only_what_is_named_is_told(
    capsys: pytest.CaptureFixture[str], paths: tuple[str, ...], code: int, files: int
) -> None:
    ended, document = validate(capsys, *paths)

    assert (ended, document["exit_code"], document["source"]["files"]) == (code, code, files)
    assert [one["code"] for one in document["findings"]] == (["KO1202"] if code else [])


def test_a_file_is_checked_with_all_others(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "topology" / "order.yaml").write_text(TWICE)

    for path in ("topology/order.yaml", "topology/more/user.yaml"):
        code, document = validate(capsys, path)
        assert (code, [one["code"] for one in document["findings"]]) == (4, ["KO1301"]), path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "paths", [("topology/oder.yaml",), ("elsewhere/user.yaml",), ("topology", "elsewhere"), ("/dev/null",)]
)
def test_a_path_that_names_nothing_of_it_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], paths: tuple[str, ...]
) -> None:
    code, document = validate(capsys, *paths)

    assert (code, document["complete"], document["findings"][0]["code"]) == (64, False, "KO7005")
    assert f"`{paths[-1]}` is no file of the topology in `topology`" in document["error"]
