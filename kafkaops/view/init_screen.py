"""What `init` wrote, and how to go on."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.view.lines import END, Document, Line, Span, command, labelled
from kafkaops.view.words import counted


def init_lines(document: Document, width: int) -> Iterator[Line]:
    """Commands are never broken: they are to be pasted."""
    cluster, naming = document["cluster"], document["naming"]
    version = f"Kafka {cluster['kafka_version']}, " if cluster["kafka_version"] else ""
    facts = f"(id {cluster['id']}, {version}{counted(cluster['brokers'], 'broker')})"
    yield (Span(f"kafkaops init: cluster {cluster['name']} {facts}", "bold"),)
    told = (
        f"{naming['pattern']}: {naming['fit']:,} of {naming['of']:,} topics"
        if naming
        else f"none that most of {counted(cluster['topics'], 'topic')} follow"
    )
    for label, text in (
        *(("wrote", path) for path in document["written"]),
        *(("left", f"{path}, which is there already") for path in document["left"]),
        ("naming", told),
        *(("note", note) for note in document["notes"]),
    ):
        yield from labelled(label, text, width, wide=END)
    for label, text in zip(("to go on", *[""] * len(document["next"])), document["next"], strict=False):
        yield command(label, text)
