"""What `ack` wrote, and where."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from kafkaops.view.lines import Document, Line, Span, command


def ack_lines(document: Document) -> Iterator[Line]:
    """No line is broken: entries are to be found in the files, and the command is to be pasted."""
    for one in document["written"]:
        place = one["source"]
        yield (Span(f"wrote {place['file']}:{place['line']}: {one['line']}"),)
    for one in document["already"]:
        yield (Span(f"already acknowledged: {one['code']} on {one['address']}"),)
    yield command("to go on", f"kafkaops plan --cluster {shlex.quote(document['cluster']['name'])}")
