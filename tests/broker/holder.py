"""A run of its own that holds a lock: what it is told on stdin it does, and says what came of it, a line each."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from kafkaops.cluster import ClusterFailure, NewTopic
from kafkaops.cluster.journal import BusyError, Held, Lock, LostError, Record
from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.live_journal import LiveHeld
from kafkaops.cluster.properties import load


def main(properties: str, cluster_id: str, name: str) -> None:
    config = load(Path(properties), root=Path(properties).parent.parent, environ={}, timeout=10)
    cluster = connect(config, timeout=10, expected_cluster_id=cluster_id)
    say("ready")
    sys.stdin.readline()
    held = cluster.journal().acquire(Lock.APPLY, name)
    cluster.hold(held.prove)
    say("owns")
    for line in sys.stdin:
        say(told(partial(done, cluster, held, *line.split())))
    cluster.close()
    gc.collect()


def done(cluster: LiveCluster, held: Held, what: str, *names: str) -> str:
    match what:
        case "append":
            held.append([Record(*names)])
        case "append-unproven":
            assert isinstance(held, LiveHeld)
            held.writer.write([Record(*names)])
        case "create":
            return str(cluster.create_topics([NewTopic(name, 1, 1, {}) for name in names]))
        case "release":
            held.release()
    return "done"


def told(act: Callable[[], str]) -> str:
    try:
        return act()
    except (LostError, BusyError, ClusterFailure) as error:
        return f"{type(error).__name__} {error}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BusyError as busy:
        say(f"busy {busy.holder.client_id if busy.holder else ''}")
