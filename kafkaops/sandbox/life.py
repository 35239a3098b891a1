"""The life of a sandbox: up, stop and start of one broker, down."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import socket
import time
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kafkaops.sandbox import archive, jars, java, nodes, prepare, processes, state
from kafkaops.sandbox.model import Broker, NotPossibleError, Sandbox, SandboxError
from kafkaops.sandbox.nodes import HOST, ZOOKEEPER, Node
from kafkaops.sandbox.state import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


LIMIT = 120.0  # seconds for a start; three brokers take ten on two idle cores
GRACE = 20.0  # seconds for a broker to hand over its leaders
MOST = 5
ATTEMPTS = 3
PORTS = range(20000, 32000)  # below those that the system gives to outgoing connections
_NOT_IN_A_PATH = re.compile(r"[,\\\x00-\x1f\x7f\ud800-\udfff]")
"""A list of directories to Kafka, an escape to its properties, or no text at all."""

Listeners = Literal["default", "all"]

HEAP = "1g"
"""What a broker may take, not what it takes: with 256m, 2,000 topics on three brokers (seen) left it collecting garbage all the time."""


def silent(_: str) -> None:
    """Report to nobody."""


def up(
    directory: Path,
    *,
    brokers: int = 3,
    kafka: str = "4.4",
    listeners: Listeners = "default",
    heap: str = HEAP,
    report: Callable[[str], None] = silent,
) -> Sandbox:
    """A ready sandbox that outlives this process; when this process ends before it is ready, nothing is left."""
    with _started(directory, brokers, kafka, listeners, heap, report) as (sandbox, release):
        release()
    return sandbox


@contextmanager
def running(
    directory: Path,
    *,
    brokers: int = 3,
    kafka: str = "4.4",
    listeners: Listeners = "default",
    heap: str = HEAP,
    report: Callable[[str], None] = silent,
) -> Iterator[Sandbox]:
    """A ready sandbox for as long as the block and this process live; its files stay."""
    with _started(directory, brokers, kafka, listeners, heap, report) as (sandbox, _):
        yield sandbox


def load(directory: Path) -> Sandbox:
    """The sandbox as it is now, which of its brokers are alive included."""
    return _sandbox(directory.resolve(), state.read(directory.resolve()))


def status(directory: Path) -> Sandbox | None:
    """None where there is no sandbox."""
    return load(directory) if (directory / state.FILE).exists() else None


def stop_broker(directory: Path, number: int) -> Sandbox:
    """As an operator would: it hands over its leaders first."""
    known = state.read(directory.resolve())
    node = _node(known, number)
    if pid := processes.find(known.token).get(node.name):
        processes.stop(pid, seconds=GRACE)
    return load(directory)


def start_broker(directory: Path, number: int) -> Sandbox:
    """Returns when every live broker lists it and the administrator can log in to it."""
    directory = directory.resolve()
    known = state.read(directory)
    node = _node(known, number)
    if node.name not in processes.find(known.token):
        _spawn(known, node.name, node.home)
    _wait_for_return(directory, known, node)
    return load(directory)


def down(directory: Path) -> None:
    """Ends every process of the sandbox, however far it came, and removes its directory."""
    directory = directory.resolve()
    processes.end(state.read(directory).token)
    with _in_a_sentence():
        shutil.rmtree(directory)


def add_scram_user(sandbox: Sandbox, name: str, password: str) -> None:
    """Or a new password for a known one; returns when every live broker lets it log in."""
    from kafkaops.sandbox import probe  # noqa: PLC0415 (brings a Kafka client with it)

    known = state.read(sandbox.directory)
    live = _live(known)
    login = _admin_login(sandbox.directory) | {"sasl.username": name, "sasl.password": password}
    patience = probe.Patience(time.monotonic() + LIMIT, lambda: _refuse_the_dead(sandbox.directory, known, live))
    try:
        probe.set_password(live, name, password, patience)
        probe.wait_for_login(live, login, patience)
    except probe.NotReadyError as error:
        raise _late(error.node, error.waiting) from error


class _PortTakenError(Exception):
    """Another program was faster to bind a port that had been free."""


@contextmanager
def _started(
    directory: Path, brokers: int, kafka: str, listeners: Listeners, heap: str, report: Callable[[str], None]
) -> Iterator[tuple[Sandbox, Callable[[], None]]]:
    if not 1 <= brokers <= MOST:
        raise NotPossibleError(f"a sandbox of {brokers} brokers is not possible: write 1 to {MOST}")
    directory = directory.resolve()
    if found := _NOT_IN_A_PATH.search(str(directory)):
        raise NotPossibleError(f"`{found[0]}` in the path of a sandbox means something else to Kafka: name another one")
    with _in_a_sentence():
        claim = _claim(directory)
    try:
        with _in_a_sentence():
            design = _design(directory, brokers, kafka, listeners, heap, report)
        with processes.keeper(design.token) as release:
            with _in_a_sentence():
                started = _start(design, report)
            yield started, release
    finally:
        os.close(claim)


def _claim(directory: Path) -> int:
    """An open directory that no other process starts a sandbox in; closing it, or the end of this process, lets go of it."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    claim = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(claim)
        raise SandboxError(f"another process is starting a sandbox in `{directory}`") from None
    return claim


def _design(
    directory: Path, brokers: int, kafka: str, listeners: Listeners, heap: str, report: Callable[[str], None]
) -> prepare.Design:
    _refuse_what_is_not_ours_to_replace(directory)
    program, software = java.find(os.environ, report), jars.find(kafka, os.environ, report)
    return prepare.Design(
        directory=directory,
        brokers=brokers,
        listeners=nodes.LISTENERS if listeners == "all" else nodes.DEFAULT_LISTENERS,
        heap=heap,
        java=program,
        software=software,
        archive=archive.place(program, software),
        token=secrets.token_hex(16),
        password=secrets.token_urlsafe(18),
    )


def _refuse_what_is_not_ours_to_replace(directory: Path) -> None:
    if (directory / state.FILE).exists():
        if processes.find(state.read(directory).token):
            raise SandboxError(f"a sandbox is running in `{directory}`: stop it with `kafkaops sandbox down`")
    elif any(directory.iterdir()):
        raise NotPossibleError(f"`{directory}` holds something that is no sandbox: name a new directory")


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """What the system refuses: a directory that is not ours to write, a full disk."""
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SandboxError(f"`{error.filename}`: {why}" if error.filename else why) from error


def _start(design: prepare.Design, report: Callable[[str], None]) -> Sandbox:
    for _ in range(ATTEMPTS):
        try:
            return _start_on(design, _free_ports(design), report)
        except _PortTakenError:
            processes.end(design.token)
    raise SandboxError(f"other programs took the free ports of the sandbox {ATTEMPTS} times: try again")


def _start_on(design: prepare.Design, ports: Iterator[int], report: Callable[[str], None]) -> Sandbox:
    known = prepare.write(design, ports)
    brokers = "1 broker" if design.brokers == 1 else f"{design.brokers} brokers"
    report(f"starting {brokers} of Kafka {known.kafka}{' with ZooKeeper' if known.zookeeper else ''}")
    if known.zookeeper:
        _spawn(known, ZOOKEEPER, design.directory / ZOOKEEPER)
    else:
        prepare.format_disks(design, known)
    for node in known.nodes:
        _spawn(known, node.name, node.home)
    known = replace(known, cluster_id=_wait_until_ready(design.directory, known))
    state.write(design.directory, known)
    if not design.archive.exists():
        report("keeping Kafka's classes, once, for faster starts")
        archive.make(design.archive, design.java, design.software, known.nodes[0], design.token)
    return _sandbox(design.directory, known)


def _free_ports(design: prepare.Design) -> Iterator[int]:
    """All are held until all are found, so that no two are the same."""
    count = design.brokers * len(design.listeners) + 1
    with ExitStack() as held:
        found: list[int] = []
        while len(found) < count:
            port = secrets.choice(PORTS)
            place = held.enter_context(socket.socket())
            try:
                place.bind((HOST, port))
            except OSError:
                continue
            found.append(port)
    return iter(found)


def _spawn(known: State, name: str, home: Path) -> None:
    processes.spawn(known.java, known.token, name, home / "java.args", home / "logs" / "server.log")


def _wait_until_ready(directory: Path, known: State) -> str:
    from kafkaops.sandbox import probe  # noqa: PLC0415 (brings a Kafka client with it)

    patience = probe.Patience(time.monotonic() + LIMIT, lambda: _refuse_the_dead(directory, known, known.nodes))
    try:
        return probe.ready(known.nodes, _admin_login(directory), patience)
    except probe.NotReadyError as error:
        raise _late(error.node, error.waiting) from error


def _wait_for_return(directory: Path, known: State, node: Node) -> None:
    from kafkaops.sandbox import probe  # noqa: PLC0415 (brings a Kafka client with it)

    live = _live(known)
    patience = probe.Patience(time.monotonic() + LIMIT, lambda: _refuse_the_dead(directory, known, [node]))
    try:
        probe.wait_for_members(live, patience)
        probe.wait_for_login([node], _admin_login(directory), patience)
    except _PortTakenError as error:
        raise SandboxError(f"another program took a port of broker {node.id}", *prepare.told(node.log)) from error
    except probe.NotReadyError as error:
        raise _late(error.node, error.waiting) from error


def _refuse_the_dead(directory: Path, known: State, expected: Iterable[Node]) -> None:
    logs = {node.name: node.log for node in expected}
    if known.zookeeper:
        logs[ZOOKEEPER] = directory / ZOOKEEPER / "logs" / "server.log"
    alive = processes.find(known.token)
    if not logs.keys() <= alive.keys():
        time.sleep(processes.NAMELESS)
        alive |= processes.find(known.token)
    for name, log in logs.items():
        if name not in alive:
            raise _PortTakenError if "Address already in use" in prepare.text(log) else _ended(name, log)


def _ended(name: str, log: Path) -> SandboxError:
    return SandboxError(f"`{name}` ended before it was ready", *prepare.told(log))


def _late(node: Node, waiting: str) -> SandboxError:
    return SandboxError(f"broker {node.id} {waiting} after {LIMIT:.0f} seconds", *prepare.told(node.log))


def _admin_login(directory: Path) -> dict[str, str]:
    """As librdkafka spells it, without the servers."""
    lines = directory.joinpath("client", "admin-librdkafka.properties").read_text(encoding="utf-8").splitlines()
    properties = dict(line.split("=", 1) for line in lines)
    return {key: value for key, value in properties.items() if key != "bootstrap.servers"}


def _live(known: State) -> list[Node]:
    alive = processes.find(known.token)
    return [node for node in known.nodes if node.name in alive]


def _node(known: State, number: int) -> Node:
    for node in known.nodes:
        if node.id == number:
            return node
    raise NotPossibleError(
        f"there is no broker {number}: write one of {', '.join(str(node.id) for node in known.nodes)}"
    )


def _sandbox(directory: Path, known: State) -> Sandbox:
    alive = processes.find(known.token)
    brokers = tuple(
        Broker(node.id, node.rack, HOST, node.ports["SASL"], alive.get(node.name), node.log.parent)
        for node in known.nodes
    )
    ports = {name: tuple(node.ports[name] for node in known.nodes) for name in known.nodes[0].ports}
    return Sandbox(directory, known.kafka, known.cluster_id, brokers, ports)
