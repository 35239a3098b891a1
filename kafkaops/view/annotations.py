"""Workflow commands of GitHub: each finding on the line that causes it, in a pull request's files.

https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from kafkaops.view.lines import Document
from kafkaops.view.origins import held_back
from kafkaops.view.visible import visible
from kafkaops.view.words import counted

SLOTS = 10
"""GitHub shows so many of each level for one step; it drops the others without a word."""

_LEVELS = ("error", "warning", "notice")


def render(document: Document, *, shown: Callable[[str], str]) -> str:
    """The worst first. `shown`: a file as the repository knows it. What finds no slot is counted in the last one."""
    ranked = sorted(document["findings"], key=_rank)
    by_level = {level: [one for one in ranked if _level(one) == level] for level in _LEVELS}
    left = sum(max(0, len(its) - SLOTS) for its in by_level.values())
    if left and len(by_level["notice"]) >= SLOTS:
        left += 1
    room = {level: SLOTS - (level == "notice" and left > 0) for level in _LEVELS}
    causes = _causes(document)
    lines = [_annotation(one, causes, shown) for level in _LEVELS for one in by_level[level][: room[level]]]
    return "".join(f"{line}\n" for line in [*lines, *_rest(left)])


def _rank(finding: Document) -> tuple[int, bool]:
    """What has a place goes first: without one it is shown beside no line."""
    return _SEVERITIES.index(finding["severity"]), finding["source"] is None


_SEVERITIES = ("error", "danger", "warning", "notice")


def _level(finding: Document) -> str:
    if held_back(finding):
        return "notice"
    if finding["severity"] == "danger":
        return "error" if finding["blocking"] else "notice"
    return str(finding["severity"])


def _causes(document: Document) -> Mapping[str, Document]:
    """By finding: the place of the first change that it speaks of."""
    found: dict[str, Document] = {}
    for change in document.get("changes", ()):
        for ref in change["findings"] if change["source"] else ():
            found.setdefault(ref, change["source"])
    return found


def _annotation(finding: Document, causes: Mapping[str, Document], shown: Callable[[str], str]) -> str:
    place = finding["source"] or causes.get(finding["ref"])
    where = (
        {
            "file": shown(place["file"]),
            "line": str(place["line"]),
            "col": str(place["column"]),
            "endColumn": str(place["end_column"]),
        }
        if place
        else {}
    )
    properties = {**where, "title": f"kafkaops {finding['code']}: {finding['title']}"}
    told = ",".join(f"{name}={_property(text)}" for name, text in properties.items())
    return f"::{_level(finding)} {told}::{'%0A'.join(map(_data, _said(finding)))}"


def _said(finding: Document) -> Iterator[str]:
    yield finding["message"]
    yield from filter(None, [finding["label"], *finding["notes"]])
    if finding["help"]:
        yield f"help: {finding['help']}"
    yield f"more: kafkaops explain {finding['code']}"


def _rest(left: int) -> Iterator[str]:
    if left:
        said = f"{counted(left, 'more finding')} in the job's log (GitHub shows {SLOTS} of a level for each step)"
        yield f"::notice title=kafkaops::{_data(said)}"


def _data(text: str) -> str:
    """A line end that is ours to write is not in a text from outside: `visible` has made it one line."""
    return visible(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
