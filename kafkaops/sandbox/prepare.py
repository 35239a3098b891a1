"""The directory of a sandbox before its processes start: certificates, properties, arguments, formatted disks."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafkaops.sandbox import archive, clients, jars, nodes, processes, state
from kafkaops.sandbox.model import SandboxError
from kafkaops.sandbox.nodes import HOST, META, ZOOKEEPER
from kafkaops.sandbox.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kafkaops.sandbox.jars import Software
    from kafkaops.sandbox.nodes import Node

FORMAT_LIMIT = 60.0  # seconds; the tool takes two
LINES = 5  # of a log, to explain a failure
_ERROR = re.compile(r"\b(?:ERROR|FATAL)\b|\b\w*(?:Exception|Error)\b")


@dataclass(frozen=True, slots=True)
class Design:
    """What was asked for, and all that is needed to start it."""

    directory: Path
    brokers: int
    listeners: tuple[str, ...]
    heap: str
    java: Path
    software: Software
    archive: Path
    token: str
    password: str

    @property
    def stores(self) -> Path:
        return self.directory / "client"


def write(design: Design, ports: Iterator[int]) -> State:
    directory, software = design.directory, design.software
    _clear(directory)
    zookeeper = next(ports) if software.zookeeper else None
    listeners = [name for name in design.listeners if not (zookeeper and name == "CONTROLLER")]
    members = tuple(
        state.node(directory, number, {name: next(ports) for name in listeners})
        for number in range(1, design.brokers + 1)
    )
    cluster_id = "" if zookeeper else nodes.random_uuid()
    known = State(design.token, software.kafka, design.java, members, zookeeper, cluster_id)
    state.write(directory, known)
    _write_stores(design)
    _write_client_properties(design, members)
    _write_nodes(design, known)
    return known


def _clear(directory: Path) -> None:
    """The directory itself stays: it may be the one that somebody stands in."""
    directory.chmod(0o700)
    for each in directory.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()


def _write_stores(design: Design) -> None:
    from kafkaops.sandbox import pki  # noqa: PLC0415 (only a start needs it)

    design.stores.mkdir()
    ca = pki.authority()
    server, admin = pki.sign(ca, "server"), pki.sign(ca, clients.ADMIN)
    files = {f"ca.{ending}": content for ending, content in pki.truststores(ca).items()}
    files |= {f"admin.{ending}": content for ending, content in pki.keystores(admin, ca).items()}
    files |= {"admin-certificate.pem": pki.certificate_pem(admin), "admin-key.pem": pki.key_pem(admin)}
    files["server.pem"] = pki.keystores(server, ca)["pem"]
    for name, content in files.items():
        state.private(design.stores / name, content)


def _write_client_properties(design: Design, members: tuple[Node, ...]) -> None:
    bootstrap = {
        listener: ",".join(f"{HOST}:{node.ports[listener]}" for node in members) for listener in members[0].ports
    }
    for name, text in clients.files(design.stores, design.password, bootstrap).items():
        state.private(design.stores / f"{name}.properties", text.encode())


def _write_nodes(design: Design, known: State) -> None:
    mode = nodes.with_zookeeper(known.zookeeper) if known.zookeeper else nodes.kraft(known.nodes)
    for node in known.nodes:
        properties = nodes.server_properties(
            node, mode, brokers=design.brokers, stores=design.stores, password=design.password
        )
        _write_home(design, node.home, properties)
        options = archive.options(design.archive, node)
        _write_arguments(design, node.home, "java.args", ("kafka.Kafka",), design.software.jars, options)
    if known.zookeeper:
        home = design.directory / ZOOKEEPER
        _write_home(design, home, nodes.zookeeper_properties(home, known.zookeeper))
        _write_arguments(design, home, "java.args", (nodes.ZOOKEEPER_MAIN,), design.software.zookeeper)


def _write_home(design: Design, home: Path, properties: Mapping[str, str]) -> None:
    for name in ("data", "logs", "tmp"):
        (home / name).mkdir(parents=True)
    _write_properties(home / "process.properties", properties)
    _write_properties(home / "log.properties", nodes.log4j2() if _has_log4j2(design) else nodes.log4j1())


def _write_arguments(
    design: Design, home: Path, name: str, words: Sequence[str], paths: Sequence[Path], more: Sequence[str] = ()
) -> None:
    """`words` are the main class and its arguments, after which comes the properties file."""
    log = home / "log.properties"
    options = (
        ["-Dlog4j2.disable.jmx=true", f"-Dlog4j2.configurationFile={log}"]
        if _has_log4j2(design)
        else [f"-Dlog4j.configuration={log.as_uri()}"]
    )
    command = [*words, str(home / "process.properties")]
    text = nodes.java_arguments(command, paths, home=home, options=[*options, *more], heap=design.heap)
    state.private(home / name, text.encode())


def _has_log4j2(design: Design) -> bool:
    return int(design.software.kafka.split(".")[0]) >= 4  # noqa: PLR2004 (Kafka 4.0 moved to log4j 2)


def _write_properties(path: Path, properties: Mapping[str, str]) -> None:
    state.private(path, clients.render(properties).encode())


def format_disks(design: Design, known: State) -> None:
    """Kafka's own tool formats one directory per version and cache; what it writes holds no secret and no name."""
    formatted = jars.cache(os.environ) / f"formatted-{known.kafka}"
    if not formatted.exists():
        _format_one(design, known, formatted)
    for node in known.nodes:
        shutil.copytree(formatted, node.data, dirs_exist_ok=True)
        _write_properties(node.data / META, nodes.meta_properties(known.cluster_id, node))


def _format_one(design: Design, known: State, formatted: Path) -> None:
    node = known.nodes[0]
    log, arguments = node.log.with_name("format.log"), node.home / "format.args"
    words = ("kafka.tools.StorageTool", "format", "--cluster-id", known.cluster_id, "--config")
    _write_arguments(design, node.home, arguments.name, words, design.software.jars)
    processes.wait(processes.spawn(known.java, known.token, "format", arguments, log), seconds=FORMAT_LIMIT)
    if not (node.data / META).exists():
        raise SandboxError(f"Kafka's storage tool did not format `{node.data}`", *told(log))
    formatted.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=formatted.parent, prefix=".formatting-") as part:
        whole = shutil.copytree(node.data, Path(part, "data"), ignore=shutil.ignore_patterns(META))
        with suppress(OSError):  # another process was first
            whole.rename(formatted)


def told(log: Path) -> tuple[str, ...]:
    """Where the log is, and what it says from its first error on, else its last lines; never where in Kafka's code."""
    lines = [line.strip() for line in text(log).splitlines() if not line.startswith("\tat ")]
    first = next((number for number, line in enumerate(lines) if _ERROR.search(line)), -LINES)
    return (f"its log is `{log}`", *lines[first:][:LINES])


def text(log: Path) -> str:
    """Empty while there is no log."""
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
