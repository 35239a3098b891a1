"""What `snapshot` took, and what it could not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kafkaops.view.lines import Document, Line, labelled, paragraph
from kafkaops.view.words import counted, moment


def snapshot_lines(document: Document, width: int) -> Iterator[Line]:
    cluster = document["cluster"]
    head = f"kafkaops {document['tool_version']} snapshot: cluster {cluster['name']} (id {cluster['id']}, Kafka {cluster['kafka_version']})"
    yield from paragraph(head, width, hang="  ", style="bold")
    who = f" as {cluster['principal']}" if cluster["principal"] else ""
    yield from labelled("live", f"read {moment(document['created_at'])}{who}", width)
    yield from labelled("holds", f"{_held(document)}; no host, no secret", width)
    for what, error in _unknown(document):
        yield from labelled("lacks", f"{what} ({error})", width)


def _held(document: Document) -> str:
    acls = document["acls"]
    held = [counted(len(document["topics"]), "topic")]
    held += [] if isinstance(acls, str) else [counted(len(acls), "ACL")]
    held += [f"of {counted(len(document['names']), 'more topic')} the name alone"] if document["names"] else []
    return ", ".join(held)


def _unknown(document: Document) -> Iterator[tuple[str, str]]:
    """A string stands where an answer is missing."""
    topics = document["topics"].values()
    for part, what in (("assignment", "the replicas"), ("overrides", "the settings"), ("bytes", "the size")):
        errors = Counter(topic[part] for topic in topics if isinstance(topic[part], str))
        yield from ((f"{what} of {counted(count, 'topic')}", error) for error, count in sorted(errors.items()))
    for broker in document["brokers"]:
        if isinstance(broker["settings"], str):
            yield f"the settings of broker {broker['id']}", broker["settings"]
    for part, what in (("acls", "the ACLs"), ("reassigning", "the reassignments in flight")):
        if isinstance(document[part], str):
            yield what, document[part]
