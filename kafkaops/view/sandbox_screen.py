"""What `sandbox` started, and how to reach it."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.view.lines import Document, Line, Span


def sandbox_lines(document: Document, _: int) -> Iterator[Line]:
    """No line is broken: paths are to be pasted."""
    if (one := document["sandbox"]) is None:
        yield (Span("the sandbox is down and removed"),)
        return
    yield (Span(f"Kafka {one['kafka_version']}, cluster id {one['cluster_id']}"),)
    for broker in one["brokers"]:
        state = "stopped" if broker["pid"] is None else f"pid {broker['pid']}"
        place = f"{broker['host']}:{broker['port']}"
        yield (Span(f"  broker {broker['id']}  {place}  {broker['rack']}  {state}  logs {broker['logs']}"),)
    yield (Span(f"bootstrap.servers  {one['bootstrap_servers']}"),)
    yield (Span(f"client properties  {one['client_properties']}"),)
