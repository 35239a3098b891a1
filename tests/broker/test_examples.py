"""What is printed to be copied works as it is printed: the README's first steps, and the examples of every `--help`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from desk import Ran, run
from fake_github import serving
from repositories import Here

from kafkaops.cli import EXAMPLES

pytestmark = pytest.mark.broker

ROOT = Path(__file__).resolve().parent.parent.parent
SANDBOX = Path(".kafkaops/sandbox")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the example topology in which the README's first steps are taken, the last one when all tests are done."""
    folder = tmp_path_factory.mktemp("first steps")
    shutil.copytree(ROOT / "topology", folder / "topology")
    with pytest.MonkeyPatch.context() as patch:
        *steps, last = first_steps()
        for step in steps:
            take(step, folder, patch)
        yield folder
        take(last, folder, patch)
    assert not (folder / SANDBOX).exists()


def first_steps() -> list[str]:
    """Without the comments."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("## First steps")[2]
    block = text.partition("```sh\n")[2].partition("```")[0]
    return [line.partition("#")[0].strip() for line in block.splitlines()]


def take(step: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
    if step.startswith("export "):
        name, _, value = step.removeprefix("export ").partition("=")
        patch.setenv(name, str(folder / value))
        return
    ran = kafkaops(step, folder)
    assert ran.code == 0, ran.told
    if step.startswith("kafkaops doctor"):
        paste_the_line_that_doctor_prints(ran, folder)


def paste_the_line_that_doctor_prints(ran: Ran, folder: Path) -> None:
    (line,) = set(re.findall(r"cluster-id: [\w-]+", ran.stdout))
    settings = folder / "topology" / "kafkaops.yaml"
    settings.write_text(settings.read_text().replace("# cluster-id: ...", line))


def kafkaops(line: str, folder: Path) -> Ran:
    program, *arguments = shlex.split(line)
    assert program == "kafkaops"
    named = os.environ.get("KAFKAOPS_CLIENT_CONFIG")
    return run(folder, *arguments, env={"KAFKAOPS_CLIENT_CONFIG": named} if named else {}, limit=120)


def test_there_are_two_examples_for_each_help() -> None:
    assert {command: len(lines) for command, lines in EXAMPLES.items() if len(lines) != 2} == {}
    for command, lines in EXAMPLES.items():
        assert all(line.startswith(f"kafkaops {command}") for line in lines if command != "sandbox"), command


def more_partitions(folder: Path) -> None:
    before = "  inventory.stock.updated.v1:\n"
    replace(folder / "topology" / "inventory.yaml", before, f"{before}    partitions: 24\n")


def a_deletion_in_a_saved_plan(folder: Path) -> None:
    text = (folder / "topology" / "inventory.yaml").read_text()
    block = re.search(r"  inventory\.reservation\.released\.v1:\n(?:    .*\n)+", text)
    assert block
    replace(folder / "topology" / "inventory.yaml", block[0], "  inventory.reservation.released.v1: {state: absent}\n")
    assert kafkaops("kafkaops plan --cluster sandbox -o json=plan.json", folder).code == 3


def a_run_to_undo(folder: Path) -> None:
    before = "  inventory.reservation.completed.v1:\n"
    replace(folder / "topology" / "inventory.yaml", before, f"{before}    retention-ms: 1d\n")
    assert kafkaops("kafkaops apply --cluster sandbox --yes", folder).code == 0


def two_saved_plans(folder: Path) -> None:
    saved("plan")(folder)
    shutil.copy(folder / "plan.json", folder / "yesterday.json")


def saved(command: str) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        assert kafkaops(f"kafkaops {command} --cluster sandbox -o json={command}.json", folder).code == 0

    return save


def replace(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert text.count(before) == 1, before
    path.write_text(text.replace(before, after))


def committed(folder: Path) -> None:
    Here(folder).commit()


def nothing_yet(folder: Path) -> None:
    shutil.rmtree(folder / "topology")


PREPARED: dict[str, Callable[[Path], None]] = {
    "kafkaops init": nothing_yet,
    "kafkaops plan --cluster sandbox --base main -o json=plan.json": committed,
    "kafkaops ack KO2110@topic/inventory.stock.updated.v1 --cluster sandbox --reason OPS-12": more_partitions,
    "kafkaops apply --cluster sandbox --plan plan.json --yes": saved("plan"),
    "kafkaops ack KO2106 --plan plan.json --reason 'nobody reads it'": a_deletion_in_a_saved_plan,
    "kafkaops show plan.json -o markdown": saved("plan"),
    "kafkaops show yesterday.json plan.json": two_saved_plans,
    "kafkaops undo last --cluster sandbox": a_run_to_undo,
    "kafkaops undo last --cluster sandbox --yes": a_run_to_undo,
    "kafkaops comment plan.json --repo acme/kafka --number 7": saved("plan"),
    "kafkaops comment drift.json --repo acme/kafka --issue": saved("drift"),
}
"""What has to be so before the example; the others work right after the first steps."""

ORDINARY = [line for command, lines in EXAMPLES.items() if not command.startswith("sandbox") for line in lines]


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the environment of a workflow tells."""
    with serving() as fake:
        monkeypatch.setenv("GITHUB_API_URL", fake.url)
        monkeypatch.setenv("GITHUB_TOKEN", next(iter(fake.tokens)))
        monkeypatch.delenv("GITHUB_GRAPHQL_URL", raising=False)
        yield


@pytest.mark.usefixtures("github")
@pytest.mark.parametrize("line", ORDINARY)
def test_an_example_of_a_help_works(place: Path, tmp_path: Path, line: str) -> None:
    shutil.copytree(place / "topology", tmp_path / "topology")
    if line in PREPARED:
        PREPARED[line](tmp_path)

    ran = kafkaops(line, tmp_path)

    assert ran.code == 0, ran.told


def test_what_is_prepared_is_an_example() -> None:
    assert PREPARED.keys() <= set(ORDINARY)


def test_the_examples_about_the_sandbox_work_one_after_the_other(tmp_path: Path) -> None:
    there = str(tmp_path / SANDBOX)
    lines = [line.replace("/tmp/kafka", there) for command in EXAMPLES for line in sandbox_examples(command)]
    up, other, *used = [line for line in dict.fromkeys(lines) if "down" not in line]

    for line in (up, *used, "kafkaops sandbox down", other, f"kafkaops sandbox down --dir {there}"):
        ran = kafkaops(line, tmp_path)

        assert ran.code == 0, (line, ran.told)
    assert not (tmp_path / SANDBOX).exists()


def sandbox_examples(command: str) -> tuple[str, ...]:
    return EXAMPLES[command] if command.startswith("sandbox ") else ()
