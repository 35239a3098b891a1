"""The pages say what the program does: every command, option and code is there, and what stands in them to be copied works."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from pathlib import Path

import documentation
import pytest
import typer

from kafkaops import cli, codes, topology

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / ".github" / "docs").glob("*.md"))]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# ([\w-]+\.yaml)\n")
WRITTEN = date(2026, 11, 25)  # the acknowledgements in the examples hold then


def blocks(page: Path, language: str) -> Iterator[str]:
    for _, found, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if found == language:
            yield text


def commands(page: Path) -> Iterator[str]:
    """Each `kafkaops ...` of the page's shell blocks, without comment, redirection or what comes after it on the line."""
    for text in blocks(page, "sh"):
        for line in text.replace("\\\n", " ").splitlines():
            if line.strip().startswith("kafkaops "):
                yield re.split(r"\s(?:#|>|\||&&)", line.strip())[0]


WRITTEN_COMMANDS = [
    pytest.param(line, id=f"{page.stem}: {line}") for page in PAGES for line in dict.fromkeys(commands(page))
]


@pytest.mark.parametrize("line", WRITTEN_COMMANDS)
def test_a_command_of_a_page_has_the_flags_that_the_program_has(line: str) -> None:
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        code = cli.run([*shlex.split(line)[1:], "--help"])

    assert (code, told.getvalue().startswith("Usage: kafkaops")) == (0, True), told.getvalue()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(map(FILE.match, blocks(page, "yaml")))], ids=lambda page: page.stem
)
def test_the_files_of_a_page_are_a_valid_topology(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "yaml"):
        if named := FILE.match(text):
            (tmp_path / named[1]).write_text(text)

    found = topology.read(tmp_path, shown=lambda path: path.name, version="0.1.0", today=WRITTEN)

    assert [f"{one.where} {one.message}" for one in found.findings if one.blocks] == []


def test_the_generated_pages_are_what_the_code_says() -> None:
    for name, text in documentation.pages().items():
        assert (documentation.PAGES / name).read_text(encoding="utf-8") == text, "run `make docs`"


def test_every_command_has_its_part() -> None:
    page = (documentation.PAGES / "commands.md").read_text(encoding="utf-8")

    assert [name for name in registered(cli.app) if f"## kafkaops {name}\n" not in page] == []


def registered(app: typer.Typer, above: str = "") -> Iterator[str]:
    yield from (f"{above}{one.name}" for one in app.registered_commands)
    for group in app.registered_groups:
        yield f"{above}{group.name}"
        assert group.typer_instance is not None
        yield from registered(group.typer_instance, f"{above}{group.name} ")


def test_no_help_is_cut() -> None:
    page = (documentation.PAGES / "commands.md").read_text(encoding="utf-8")

    assert [line for line in page.splitlines() if line.endswith("...") and not line.startswith("Usage")] == []


def test_every_exit_code_is_told() -> None:
    from kafkaops.findings import Exit  # noqa: PLC0415

    page = (documentation.PAGES / "exit-codes.md").read_text(encoding="utf-8")
    told = {int(number) for number in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}

    assert {value for name, value in vars(Exit).items() if name.isupper()} - told == {Exit.RUNNING}


def test_every_variable_that_is_read_is_told() -> None:
    page = (documentation.PAGES / "environment.md").read_text(encoding="utf-8")
    asked = re.compile(r"(?:environ|environment)(?:\.get\(|\[)\"([A-Z_]+)\"|\"((?:KAFKAOPS|GITHUB)_[A-Z_]+)\"")
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "kafkaops").rglob("*.py")]
    read = {one or other for text in texts for one, other in asked.findall(text)}

    assert {name for name in read if f"`{name}`" not in page} == NO_BUSINESS_OF_USERS & read


NO_BUSINESS_OF_USERS = {
    "COMP_CWORD",
    "COMP_WORDS",
    "PATH",
    "_KAFKAOPS_COMPLETE",
    "_TYPER_COMPLETE_ARGS",
    "GITHUB_ACTIONS",
}
"""What shells and typer say to each other."""


def test_every_code_that_a_page_names_is_registered() -> None:
    named = {code for page in PAGES for code in re.findall(r"KO\d{4}", page.read_text(encoding="utf-8"))}

    assert named - codes.registry().keys() == set()


def test_the_proofs_of_the_criteria_are_tests() -> None:
    page = (documentation.PAGES / "criteria.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \|(.*)\|$", page, re.MULTILINE))
    proofs = {row: set(re.findall(r"`(\w+\.py)::(\w+)`", text)) for row, text in rows.items()}
    there = {
        (path.name, name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert list(rows) == [str(number) for number in range(1, 31)]
    assert set().union(*proofs.values()) - there == set()
    for file, name in there:
        if number := re.match(r"test_criterion_(\d+)_", name):
            assert (file, name) in proofs[number[1]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `make docs` does, where every link that leads nowhere is an error."""
    folder = tmp_path_factory.mktemp("site")
    config = ROOT / ".github" / "mkdocs.yml"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", config, "-d", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


def test_the_site_has_every_page(site: Path) -> None:
    assert {page.with_suffix(".html").name for page in PAGES[1:]} <= {path.name for path in site.iterdir()}


def test_the_site_loads_nothing_from_elsewhere(site: Path) -> None:
    loads = re.compile(
        r"<(?:script|img|iframe)[^>]* src=\"?https?:|<link[^>]* href=\"?https?:|url\([\"']?https?:|@import"
    )
    texts = [path for path in site.rglob("*") if path.suffix in {".html", ".css"}]

    assert texts
    assert [path.name for path in texts if loads.search(path.read_text(encoding="utf-8"))] == []
