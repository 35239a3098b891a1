"""What scripts and terminals may rely on: exit codes, documents on every way out, and bytes that are only what was asked for."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import jsonschema
import pytest
import yaml
from desk import Desk, Ran, begun, command, environment, until

from kafkaops.cluster.live import LiveCluster
from kafkaops.sandbox import Sandbox

pytestmark = pytest.mark.broker

ORDERS = """
domain: P.order
topics:
  P.order.created: {partitions: 2, replication-factor: 3, retention-ms: 7d}
applications:
  P-service: {produces: [P.order.*]}
"""
CHANGED = ORDERS.replace("7d", "14d")
DANGEROUS = ORDERS.replace("7d", "1d")
INVALID = ORDERS.replace("partitions: 2", "partitions: many")
ESC = "\x1b"


# ---- exit codes and documents


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a command. `files` and `entry`: what the topology and its cluster say; `format`: of the document."""

    arguments: str
    code: int
    format: str
    files: str = ORDERS
    entry: Mapping[str, Any] = field(default_factory=dict)
    password: str | None = None


WAYS = {
    "in sync": Way("plan --detailed-exitcode", 0, "plan"),
    "changes": Way("plan", 0, "plan", CHANGED),
    "changes, in detail": Way("plan --detailed-exitcode", 2, "plan", CHANGED),
    "no drift": Way("drift", 0, "plan"),
    "drift": Way("drift", 2, "plan", CHANGED),
    "drift that is dangerous": Way("drift", 2, "plan", DANGEROUS),
    "blocked": Way("plan", 3, "plan", DANGEROUS),
    "blocked, in detail": Way("plan --detailed-exitcode", 3, "plan", DANGEROUS),
    "blocked, and only to look at": Way("plan --fail-on never", 0, "plan", DANGEROUS),
    "blocked, and the code not wanted": Way("plan --exit-zero", 0, "plan", DANGEROUS),
    "a blocked apply": Way("apply --yes", 3, "plan", DANGEROUS),
    "nothing to apply": Way("apply --yes", 0, "plan"),
    "valid files": Way("validate", 0, "validation"),
    "invalid files": Way("validate", 4, "validation", INVALID),
    "a plan of invalid files": Way("plan", 4, "validation", INVALID),
    "an apply of invalid files": Way("apply --yes", 4, "validation", INVALID),
    "a drift of invalid files": Way("drift", 4, "validation", INVALID),
    "a key of the properties that is not known": Way("plan", 4, "plan", password="x\nssl.pasword=y"),
    "another cluster": Way("apply --yes", 5, "apply", entry={"cluster_id": "Qm7xT0pRSc2vW4f2A"}),
    "another cluster, planned": Way("plan", 5, "plan", entry={"cluster_id": "Qm7xT0pRSc2vW4f2A"}),
    "a cluster that is not pinned": Way("apply --yes", 64, "apply", entry={"cluster_id": None}),
    "nobody to ask": Way("apply", 64, "apply", CHANGED),
    "a flag with a typo": Way("plan --detailed-exitcod", 64, "plan"),
    "a filter that matches nothing": Way("plan --only topic/nowhere", 64, "plan"),
    "a cluster that is not declared": Way("plan --cluster prodution", 64, "plan"),
    "an address that is none": Way("describe orders", 64, "resource"),
    "nothing listens": Way("plan", 69, "plan", entry={"bootstrap_servers": ["127.0.0.1:9"]}),
    "a wrong password": Way("apply --yes", 77, "apply", password="wrong"),
    "a doctor with a wrong password": Way("doctor", 77, "doctor", password="wrong"),
    "a healthy cluster": Way("doctor", 0, "doctor"),
    "a status": Way("status", 0, "status"),
    "a status of invalid files": Way("status", 4, "validation", INVALID),
    "a status with a wrong password": Way("status", 77, "status", password="wrong"),
    "a status where nothing listens": Way("status", 69, "status", entry={"bootstrap_servers": ["127.0.0.1:9"]}),
    "a snapshot": Way("snapshot", 0, "snapshot"),
    "a snapshot of invalid files": Way("snapshot", 4, "validation", INVALID),
    "a snapshot with a wrong password": Way("snapshot", 77, "snapshot", password="wrong"),
    "a snapshot that is not there": Way("plan --against nowhere.json", 64, "plan"),
    "a snapshot that is none": Way("plan --against topology/kafkaops.yaml", 4, "plan"),
    "a resource": Way("describe topic/P.order.created", 0, "resource"),
}


@pytest.mark.parametrize("way", WAYS)
def test_criterion_23_every_way_out_has_its_exit_code_and_a_document_of_its_schema(
    applied: Desk, schemas: Schemas, way: str
) -> None:
    out = WAYS[way]
    declare(applied, out)
    before = applied.topics(), applied.acls(), applied.overrides("P.order.created")

    ran = applied.run(*applied.own(out.arguments).split(), "-o", "json")

    found = ran.document
    assert (ran.code, found["exit_code"], found["format"]) == (out.code, out.code, f"kafkaops.{out.format}"), ran.told
    jsonschema.validate(found, schemas[out.format])
    assert "Traceback" not in ran.stderr
    assert (applied.topics(), applied.acls(), applied.overrides("P.order.created")) == before


def test_what_apply_did_is_a_document_of_its_schema(desk: Desk, schemas: Schemas) -> None:
    desk.write(orders=ORDERS)

    ran = desk.run("apply", "--yes", "-o", "json")

    found = ran.document
    assert (ran.code, found["exit_code"], found["format"], found["complete"]) == (0, 0, "kafkaops.apply", True)
    jsonschema.validate(found, schemas["apply"])
    assert len(ran.stderr.splitlines()) == 4  # what happens, two phases, and that it is read again


def test_text_and_json_of_one_run_go_where_they_are_told_to(applied: Desk) -> None:
    ran = applied.run("plan", "-o", "text", "-o", "json=plan-{cluster}.json")

    document = json.loads((applied.folder / "plan-test.json").read_text())
    assert (ran.code, document["verdict"], ran.stderr) == (0, "in_sync", "")
    assert "IN SYNC" in ran.stdout
    assert "{" not in ran.stdout


def test_two_clusters_need_a_file_each(applied: Desk) -> None:
    text = applied.kafka.properties.read_text()
    applied.settings(properties="".join(line for line in text.splitlines(keepends=True) if "bootstrap" not in line))
    path = applied.topology / "kafkaops.yaml"
    whole = yaml.safe_load(path.read_text())
    whole["clusters"]["other"] = {**whole["clusters"]["test"], "cluster-id": None, "bootstrap-servers": ["127.0.0.1:9"]}
    del whole["clusters"]["other"]["cluster-id"]
    path.write_text(yaml.safe_dump(whole))

    assert applied.run("plan", "-o", "json").code == 64
    assert applied.run("apply", "--yes").code == 64
    both = applied.run("plan", "-o", "json={cluster}.json")

    documents = {name: json.loads((applied.folder / f"{name}.json").read_text()) for name in ("test", "other")}
    assert (both.code, {name: one["exit_code"] for name, one in documents.items()}) == (69, {"test": 0, "other": 69})


# ---- nobody at the terminal, and somebody


def test_without_a_terminal_apply_ends_at_once_and_names_the_flag(applied: Desk) -> None:
    """Stdin closed, empty, or a pipe that nobody writes to; on a busy machine the quickest of three counts."""
    applied.write(orders=CHANGED)
    for stdin in ("<&-", "</dev/null", ""):
        seconds = []
        for _ in range(3):
            begun = time.monotonic()
            done = subprocess.run(
                ["sh", "-c", f'exec "$0" "$@" {stdin}', *command("apply")],
                cwd=applied.folder,
                env=environment({}),
                stdin=unwritten_pipe(),
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
            seconds.append(time.monotonic() - begun)
            assert (done.returncode, done.stdout) == (64, "")
            assert "write `--yes`" in done.stderr
        assert min(seconds) < 2
    assert applied.overrides("P.order.created") == {"retention.ms": "604800000"}


def unwritten_pipe() -> int:
    """The writing end stays open as long as this process."""
    reading, _ = os.pipe()
    return reading


@pytest.mark.parametrize(("answer", "code", "retention"), [("yes", 0, "1209600000"), ("y", 130, "604800000")])
def test_on_a_terminal_apply_asks_once_and_only_yes_is_yes(desk: Desk, answer: str, code: int, retention: str) -> None:
    desk.write(orders=ORDERS)
    desk.apply()
    desk.write(orders=CHANGED)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command("apply"), cwd=desk.folder, env=environment({}), stdin=theirs,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        _, told = process.communicate(timeout=60)
    os.close(ours)

    assert (process.returncode, told.count("Type yes to make these changes on cluster test: ")) == (code, 1), told
    until(lambda: desk.overrides("P.order.created") == {"retention.ms": retention}, "the setting")


def test_criterion_15_an_interrupted_plan_ends_at_once_with_its_document(applied: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        declare(applied, Way("", 0, "", entry={"bootstrap_servers": [f"127.0.0.1:{silent.getsockname()[1]}"]}))
        with subprocess.Popen(
            command("plan", "-o", "json"), cwd=applied.folder, env=environment({}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            silent.settimeout(30)
            connection, _ = silent.accept()
            with connection:
                process.send_signal(signal.SIGINT)
                begun = time.monotonic()
                out, err = process.communicate(timeout=30)
                took = time.monotonic() - begun

    assert (process.returncode, json.loads(out)["exit_code"], "Traceback" in err) == (130, 130, False), err
    assert took < 2


# ---- bytes


SCREENS = (
    "validate",
    "plan",
    "describe topic/P.order.created",
    "doctor",
    "status",
    "explain KO2104",
    "explain retention.ms",
    "--help",
    "plan --help",
    "plan --typo",
    "plan --only topic/nowhere",
)


@pytest.mark.parametrize("screen", SCREENS)
def test_criterion_24_colour_is_only_where_it_is_wanted_and_nothing_ever_moves_the_cursor(
    applied: Desk, screen: str
) -> None:
    applied.write(orders=DANGEROUS)
    arguments = applied.own(screen).split()

    plain = applied.run(*arguments, env={"GITHUB_ACTIONS": "1", "CI": "1"})
    forced = applied.run(*arguments, env={"FORCE_COLOR": "1"})
    without = applied.run(*arguments, env={"FORCE_COLOR": "1", "NO_COLOR": "1"})

    assert not controls(plain) | controls(without)
    assert controls(forced) <= {ESC}
    assert not re.search(r"\x1b(?!\[[0-9;]*m)", forced.told)  # colours and weights, and nothing else
    assert shape(forced.told) == shape(plain.told)


def test_forced_colour_is_there_and_never_means_never(applied: Desk) -> None:
    applied.write(orders=DANGEROUS)

    assert f"{ESC}[" in applied.run("plan", env={"FORCE_COLOR": "1"}).stdout
    assert f"{ESC}[" in applied.run("plan", "--color", "always").stdout
    assert not controls(applied.run("plan", "--color", "never", env={"FORCE_COLOR": "1"}))
    assert not controls(applied.run("plan", "-o", "json", "--color", "always").stdout)


def test_an_apply_under_colour_moves_no_cursor(desk: Desk) -> None:
    desk.write(orders=ORDERS)

    ran = desk.run("apply", "--yes", env={"FORCE_COLOR": "1", "GITHUB_ACTIONS": "1"})

    assert ran.code == 0
    assert controls(ran) <= {ESC}
    assert not re.search(r"\x1b(?!\[[0-9;]*m)", ran.told)


def controls(told: Ran | str) -> set[str]:
    """Control characters but for the line feed."""
    text = told if isinstance(told, str) else told.told
    return {char for char in text if (ord(char) < 32 and char != "\n") or 127 <= ord(char) < 160}


def shape(text: str) -> str:
    """The words without colour, times and durations."""
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ in [\d.]+ s", "", re.sub(r"\x1b\[[0-9;]*m", "", text))


def test_the_password_is_in_no_output_of_any_command(applied: Desk) -> None:
    """The administrator's own, which works, and which is in the properties file beside the topology."""
    text = applied.kafka.properties.read_text()
    secret = text.partition('password="')[2].partition('"')[0]
    (applied.topology / "broken.yaml").write_text("topics: {a: [}\n")
    outputs = [applied.run("validate", "-v").told]
    (applied.topology / "broken.yaml").unlink()
    properties = applied.topology / "client.properties"
    for wrong in (
        text + "sasl.pasword=x\n",
        text.replace("required", "requird"),
        text.replace("SCRAM-SHA-512", "PLAINN"),
    ):
        properties.write_text(wrong)
        outputs.append(applied.run("plan", "-v").told)
    properties.write_text(text)
    for arguments in ("plan", "drift", "apply --yes", "doctor", "status", "describe topic/P.order.created"):
        outputs += [applied.run(*applied.own(arguments).split(), "-v", "-o", form).told for form in ("text", "json")]

    assert len(secret) > 20
    assert [output for output in outputs if secret in output or "Traceback" in output] == []


# ---- what they stand on


Schemas = dict[str, Any]


@pytest.fixture(scope="session")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Schemas:
    """As `kafkaops schema NAME` prints them."""
    folder = tmp_path_factory.mktemp("schemas")
    names = ("plan", "apply", "validation", "resource", "doctor", "status", "snapshot", "failure")
    printed = {
        name: json.loads(
            subprocess.run(
                command("schema", name), cwd=folder, env=environment({}), capture_output=True, check=True
            ).stdout
        )
        for name in names
    }
    for one in printed.values():
        jsonschema.Draft202012Validator.check_schema(one)
    return printed


@pytest.fixture(scope="module")
def live(kafka: Sandbox, admin: LiveCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The topology of `ORDERS`, applied once: no test changes what is live."""
    desk = begun(kafka, admin, tmp_path_factory.mktemp("cli"))
    desk.write(orders=ORDERS)
    desk.apply()
    yield desk
    desk.clear()


@pytest.fixture
def applied(live: Desk) -> Desk:
    """Declared as it is live."""
    live.settings()
    live.write(orders=ORDERS)
    return live


def declare(desk: Desk, way: Way) -> None:
    text = desk.kafka.properties.read_text()
    if way.password is not None:
        secret = text.partition('password="')[2].partition('"')[0]
        given, _, more = way.password.partition("\n")
        text = f"{text.replace(secret, given)}{more}\n"
    elsewhere = "bootstrap_servers" in way.entry
    kept = [line for line in text.splitlines() if not (elsewhere and line.startswith("bootstrap.servers="))]
    desk.settings(properties="\n".join(kept) + "\n", **way.entry)
    desk.write(orders=way.files)
