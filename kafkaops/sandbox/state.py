"""The one file that makes a directory a sandbox: `sandbox.json`."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kafkaops.sandbox.model import SandboxError
from kafkaops.sandbox.nodes import Node

FILE = "sandbox.json"


@dataclass(frozen=True, slots=True)
class State:
    token: str  # on the command line of every process of this sandbox
    kafka: str
    java: Path
    nodes: tuple[Node, ...]
    zookeeper: int | None  # its port
    cluster_id: str  # empty until a broker has said it


def read(directory: Path) -> State:
    try:
        data = json.loads(directory.joinpath(FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise SandboxError(f"`{directory}` holds no sandbox: start one with `kafkaops sandbox up`") from None
    except ValueError:
        raise _damaged(directory) from None
    try:
        nodes = tuple(node(directory, each["id"], each["ports"]) for each in data["nodes"])
        return State(data["token"], data["kafka"], Path(data["java"]), nodes, data["zookeeper"], data["cluster-id"])
    except (KeyError, TypeError, IndexError):
        raise _damaged(directory) from None


def _damaged(directory: Path) -> SandboxError:
    return SandboxError(
        f"`{directory / FILE}` is damaged, so that its processes cannot be found: end those whose command line "
        "names this folder, and remove it"
    )


def write(directory: Path, state: State) -> None:
    data = {
        "token": state.token,
        "kafka": state.kafka,
        "java": str(state.java),
        "nodes": [{"id": node.id, "ports": node.ports} for node in state.nodes],
        "zookeeper": state.zookeeper,
        "cluster-id": state.cluster_id,
    }
    private(directory / FILE, json.dumps(data, indent=2).encode() + b"\n")


def node(directory: Path, number: int, ports: dict[str, int]) -> Node:
    """The first in `rack-a`, the second in `rack-b`."""
    rack = f"rack-{'abcdefghi'[number - 1]}"
    return Node(number, rack, directory / f"broker-{number}", ports)


def private(path: Path, content: bytes) -> None:
    """Whole or not at all, whoever else writes it now, and for its owner only: most files of a sandbox hold a password or a key."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as part:
        part.write(content)
    Path(part.name).replace(path)
