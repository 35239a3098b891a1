"""What comment has done: one sentence and the address."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.view.lines import Document, Line, Span, paragraph
from kafkaops.view.words import counted

_SAYS = {
    "created": "commented on pull request {number} of {repository}",
    "updated": "updated the comment on pull request {number} of {repository}",
    "unchanged": "the comment on pull request {number} of {repository} says this already",
    "not_written": "not written: pull request {number} of {repository} is from a fork, whose token may only read; the plan is where the job keeps it",
    "opened": "opened issue {number} of {repository}",
    "reopened": "reopened issue {number} of {repository}",
    "closed": "closed issue {number} of {repository}: in sync",
    "nothing_to_say": "nothing to say in {repository}, and nothing there to correct",
}
_OF_ISSUE = "updated issue {number} of {repository}"


def comment_lines(document: Document, width: int) -> Iterator[Line]:
    says = (
        _OF_ISSUE if document["verdict"] == "updated" and document["about"] == "issue" else _SAYS[document["verdict"]]
    )
    yield from paragraph(says.format(number=document["number"], repository=document["repository"]), width, hang="  ")
    if document["url"]:
        yield (Span(f"  {document['url']}"),)
    if document["removed"]:
        yield (Span(f"  and settled {counted(document['removed'], 'duplicate')} of it"),)
