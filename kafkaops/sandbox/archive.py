"""Kafka's classes, parsed and verified once and mapped into every later start: it halves the work of a start.

This is Java's class data sharing. An archive belongs to one Java and one class path; Java checks that by itself and
goes without where it does not fit. The first start on a machine lists its classes, and makes the archive of them.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from kafkaops.sandbox import jars, nodes, processes, state

if TYPE_CHECKING:
    from pathlib import Path

    from kafkaops.sandbox.jars import Software
    from kafkaops.sandbox.nodes import Node

LIMIT = 60.0  # seconds; it takes five
NAME = "archive"


def place(java: Path, software: Software) -> Path:
    """Named after all that Java checks: a Java or a jar that was replaced since has an archive of its own."""
    parts = [f"{path} {(its := path.stat()).st_size} {its.st_mtime_ns}" for path in (java, *software.jars)]
    key = hashlib.sha256("\n".join(parts).encode(errors="surrogateescape")).hexdigest()[:12]
    return jars.cache(os.environ) / f"classes-{software.kafka}-{key}.jsa"


def options(archive: Path, node: Node) -> list[str]:
    """For a broker: use the archive, or where there is none have the first broker list its classes."""
    if archive.exists():
        return [f"-XX:SharedArchiveFile={archive}"]
    return [f"-XX:DumpLoadedClassList={_listed(node)}"] if node.id == 1 else []


def make(archive: Path, java: Path, software: Software, node: Node, token: str) -> None:
    """From what this running broker has listed; a Java that cannot do this leaves starts as they were."""
    listed, made = _listed(node), node.home / "tmp" / "classes.jsa"
    if not listed.exists():  # there was an archive when this broker was started
        return
    complete = listed.read_bytes().rpartition(b"\n")[0]  # it is still being written to
    state.private(listed, complete + b"\n")
    arguments = node.home / "archive.args"
    dump = ["-Xshare:dump", f"-XX:SharedClassListFile={listed}", f"-XX:SharedArchiveFile={made}"]
    text = nodes.java_arguments(["kafka.Kafka"], software.jars, home=node.home, options=dump, heap="512m")
    state.private(arguments, text.encode())
    processes.wait(processes.spawn(java, token, NAME, arguments, node.log.with_name("archive.log")), seconds=LIMIT)
    if made.exists():
        archive.parent.mkdir(parents=True, exist_ok=True)
        state.private(archive, made.read_bytes())
        made.unlink()


def _listed(node: Node) -> Path:
    return node.home / "tmp" / "classes.txt"
