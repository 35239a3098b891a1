"""What a shell offers after Tab, asked as its completion script asks."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kafkaops import cli

EXAMPLE = Path(__file__).parent.parent / "topology"
PROGRAM = Path(sys.executable).parent


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "topology")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bash(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bash:
    assert (place / "topology").is_dir()
    return Bash(monkeypatch, capsys)


class Bash:
    """What typer's script for bash is told, and what it makes of it."""

    def __init__(self, environment: pytest.MonkeyPatch, printed: pytest.CaptureFixture[str]) -> None:
        self.environment, self.printed = environment, printed

    def __call__(self, line: str) -> list[str]:
        """`line`: the words as bash takes them apart, the last one under the cursor."""
        words = line.split(" ")
        self.environment.setenv("_KAFKAOPS_COMPLETE", "complete_bash")
        self.environment.setenv("COMP_WORDS", "\n".join(words))
        self.environment.setenv("COMP_CWORD", str(len(words) - 1))
        cli.main([])
        said = self.printed.readouterr()
        assert said.err == ""
        return said.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("kafkaops describe topic/user.p", ["topic/user.profile.changed.v1", "topic/user.profile.current.v1"]),
        ("kafkaops plan --only topic/user.a", ["topic/user.account.registered.v1"]),
        ("kafkaops plan --only topic/order.order.created.v1-d", ["topic/order.order.created.v1-dlt"]),
        ("kafkaops describe acl/User : order", ["order-query-service", "order-service"]),
        ("kafkaops ack KO210", ["KO2104", "KO2105", "KO2106", "KO2107"]),
        ("kafkaops ack KO2104 @ topic/user.a", ["@topic/user.account.registered.v1"]),
        ("kafkaops ack KO3107 @ acl/User : user", ["user-service"]),
        ("kafkaops plan --cluster ", ["production", "sandbox"]),
        ("kafkaops plan --cluster = pro", ["production"]),
        ("kafkaops explain retention.", ["retention.bytes", "retention.ms"]),
        ("kafkaops explain KO7007", ["KO7007"]),
        ("kafkaops plan -o js", ["json"]),
        ("kafkaops plan -o json = pl", []),  # bash goes on with files
        ("kafkaops sandbox up --kafka ", ["3.5", "3.9", "4.4"]),
        ("kafkaops vali", ["validate"]),
    ],
)
def test_tab_offers_what_fits(bash: Bash, line: str, offered: list[str]) -> None:
    assert bash(line) == offered


def test_the_word_after_a_colon_is_what_bash_replaces(bash: Bash) -> None:
    assert "order-service" in bash("kafkaops describe acl/User :")


@pytest.mark.parametrize("flags", ["-C elsewhere", "--chdir elsewhere", "--topology elsewhere/topology"])
@pytest.mark.parametrize("line", ["kafkaops describe {} topic/", "kafkaops {} describe topic/"])
def test_the_folder_that_is_typed_already_is_the_one_that_is_read(
    place: Path, bash: Bash, flags: str, line: str
) -> None:
    (place / "elsewhere" / "topology").mkdir(parents=True)
    (place / "elsewhere" / "topology" / "a.yaml").write_text(
        "topics: {there.only.here.v1: {partitions: 1, replication-factor: 1}}"
    )

    assert bash(line.format(flags)) == ["topic/there.only.here.v1"]


def test_a_flag_s_value_is_completed_before_there_is_a_command(bash: Bash) -> None:
    assert bash("kafkaops --cluster p") == ["production"]
    assert bash("kafkaops --cluster production descr") == ["describe"]


def test_only_the_cluster_that_is_typed_counts(place: Path, bash: Bash) -> None:
    (place / "topology" / "x.yaml").write_text("topics: {zoo.x.y.v1: {clusters: [sandbox], profile: user-events}}\n")

    assert bash("kafkaops describe --cluster sandbox topic/zoo") == ["topic/zoo.x.y.v1"]
    assert bash("kafkaops describe --cluster production topic/zoo") == []


@pytest.mark.parametrize(
    "text", ["topics: [", "topics: 5", "\0", "topics: {user.x.y.v1: {partitons: 1}}", "a: &a [*a]"]
)
def test_a_broken_file_is_passed_over_in_silence(place: Path, bash: Bash, text: str) -> None:
    (place / "topology" / "broken.yaml").write_text(text)

    assert "topic/user.account.registered.v1" in bash("kafkaops describe topic/user.account")


def test_broken_settings_and_no_folder_at_all_offer_nothing(place: Path, bash: Bash) -> None:
    (place / "topology" / "kafkaops.yaml").write_text("clusters: [")
    assert bash("kafkaops plan --cluster ") == []

    shutil.rmtree(place / "topology")
    assert bash("kafkaops plan --cluster ") == []


@pytest.mark.parametrize("name", ["$(touch gone)", "`touch gone`", "*", "a b", "a;b", "a'b", 'a"b', "a\\b", "\N{BELL}"])
def test_what_a_shell_could_read_something_into_is_not_offered(place: Path, bash: Bash, name: str) -> None:
    settings = place / "topology" / "kafkaops.yaml"
    quoted = "'" + name.replace("'", "''") + "'"
    settings.write_text(
        settings.read_text().replace("  sandbox:", f"  {quoted}: {{bootstrap-servers: ['a:1']}}\n  sandbox:")
    )

    assert bash("kafkaops plan --cluster ") == ["production", "sandbox"]


@pytest.mark.usefixtures("place")
def test_zsh_is_told_that_a_colon_belongs_to_the_name() -> None:
    asked = {"_KAFKAOPS_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "kafkaops -C . describe acl/User:inv"}

    told = subprocess.run([PROGRAM / "kafkaops"], env=os.environ | asked, capture_output=True, text=True, check=True)

    assert told.stdout == "_arguments '*: :((\"acl/User\\\\:inventory-service\"))'\n"


@pytest.mark.usefixtures("place")
def test_no_client_library_is_loaded() -> None:
    asked = {"_KAFKAOPS_COMPLETE": "complete_bash", "COMP_WORDS": "kafkaops\ndescribe\ntopic/", "COMP_CWORD": "2"}
    code = (
        "import sys, kafkaops.cli\n"
        "kafkaops.cli.main([])\n"
        "print({'confluent_kafka', 'kafka', 'rich', 'deepdiff', 'cryptography'} & sys.modules.keys(), file=sys.stderr)"
    )

    told = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True, check=True
    )

    assert "topic/order.order.created.v1\n" in told.stdout
    assert told.stderr == "set()\n"


# a real bash


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("kafkaops describe acl/User:inv", "kafkaops describe acl/User:inventory-service"),
        ("kafkaops ack KO2104@topic/user.acc", "kafkaops ack KO2104@topic/user.account.registered.v1"),
        ("kafkaops ack KO3107@acl/User:inv", "kafkaops ack KO3107@acl/User:inventory-service"),
        ("kafkaops ack KO3107@t", "kafkaops ack KO3107@topic/"),
        ("kafkaops plan --cluster=prod", "kafkaops plan --cluster=production"),
        ("kafkaops -C . plan -o json=topology/pay", "kafkaops -C . plan -o json=topology/payment.yaml"),
    ],
)
def test_a_real_bash_completes_the_line(place: Path, typed: str, completed: str) -> None:
    assert line_of_bash(place, typed) == completed


def line_of_bash(folder: Path, typed: str) -> str:
    """Types it into an interactive bash, presses Tab, and has the line itself printed."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        environment = {"PATH": f"{PROGRAM}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "$ ", "HOME": str(folder)}
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environment)
    try:
        os.write(
            terminal,
            b'bind "set enable-bracketed-paste off"; eval "$(_KAFKAOPS_COMPLETE=source_bash kafkaops)"; echo rea""dy\n',
        )
        read_until(terminal, "ready\r\n")
        os.write(terminal, f"{typed}\t".encode())
        time.sleep(0.1)
        os.write(terminal, b"\x01echo '<\x05>'\n")
        return read_until(terminal, ">\r\n").rpartition("<")[2].partition(">")[0].strip()
    finally:
        os.close(terminal)
        os.waitpid(child, 0)


def read_until(terminal: int, ending: str) -> str:
    said, end = "", time.monotonic() + 60
    while not said.endswith(ending) and ending not in said:
        ready, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
        assert ready, f"bash said only {said!r}"
        said += os.read(terminal, 4096).decode(errors="replace")
    return said
