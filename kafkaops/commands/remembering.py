"""history, lock status: what the cluster's journal tells, without holding anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafkaops import app, journal, logbook, report
from kafkaops.app import Request
from kafkaops.cli import Options
from kafkaops.cluster.journal import Lock
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.reading import connect_from, invalid, requests, topology_of
from kafkaops.journal import AtWork, Memory
from kafkaops.kind import Reading
from kafkaops.report import ClusterName
from kafkaops.topology import Topology


def history(options: Options, run: str | None) -> int:
    def body(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        with _asked(output, found) as (request, reading):
            _, memory = logbook.read(reading.cluster.journal())
            at_work = _holder(reading, Lock.APPLY, memory)
            runs = memory.runs if run is None else (app.remembered_run(memory, run),)
            document = report.history_document(
                _named(request, reading),
                runs,
                at_work.run if at_work else "",
                memory,
                run=runs[0].id if run else "",
                created_at=output.created_at,
            )
        output.write(document, cluster=request.entry.name)
        return int(document["exit_code"])

    return guarded("history", options, body)


def lock_status(options: Options) -> int:
    def body(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        with _asked(output, found) as (request, reading):
            memory = app.memory_or_none(reading.cluster)
            locks = [(lock.value, _holder(reading, lock, memory)) for lock in Lock]
            document = report.lock_document(_named(request, reading), locks, created_at=output.created_at)
        output.write(document, cluster=request.entry.name)
        return int(document["exit_code"])

    return guarded("lock status", options, body)


@contextmanager
def _asked(output: Output, found: Topology) -> Iterator[tuple[Request, Reading]]:
    request = requests(output, found, (), one=True)[0]
    with app.connected(request, connect_from(found.root)) as reading:
        yield request, reading


def _named(request: Request, reading: Reading) -> ClusterName:
    return ClusterName(request.entry.name, reading.described.cluster_id)


def _holder(reading: Reading, lock: Lock, memory: Memory) -> AtWork | None:
    holder = reading.cluster.journal().holder(lock)
    return None if holder is None else journal.at_work(lock, holder.client_id, holder.host, memory)
