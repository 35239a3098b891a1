"""apply: one line a phase while it runs, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kafkaops.plan import Phase
from kafkaops.view.lines import END, MOST, Document, Line, command, labelled, paragraph
from kafkaops.view.plan_screen import plan_lines
from kafkaops.view.verdict import apply_command, judgement, undoes


def phase_line(phase: Phase, *, done: int, failed: int = 0, skipped: int = 0, seconds: float = 0.0) -> str:
    """One line of apply's progress: `  done     1 grant ACLs               2/2    0.8 s`."""
    word = "failed" if failed else "skipped" if skipped and not done else "done"
    count = f"{done}/{done + failed + skipped}"
    time = "" if word == "skipped" else f"{seconds:.1f} s"
    return f"  {word:<7}  {int(phase)} {PHASES[phase]:<25} {count:>7}  {time:>8}".rstrip()


def waiting_line(what: str, items: int, of: int, error: str, seconds: float, waited: float) -> str:
    """What Kafka puts off, and until when."""
    so_far = f", {waited:.0f} s so far" if waited >= 1 else ""
    if not items:
        return f"  waits    {what}: done, and Kafka takes no other request for {seconds:.1f} s{so_far}"
    return f"  waits    {what}: Kafka puts off {items:,} of {of:,}, sent again in {seconds:.1f} s{so_far} ({error})"


PHASES = {
    Phase.GRANTS: "grant ACLs",
    Phase.CREATES: "create topics",
    Phase.SAFE: "settings, partitions",
    Phase.REVOKES: "revoke and deny ACLs",
    Phase.LOSSES: "settings that lose data",
    Phase.DELETES: "delete topics",
    Phase.MOVES: "move replicas",
    Phase.AFTER_MOVES: "settings after moves",
}


def apply_lines(document: Document, width: int) -> Iterator[Line]:
    """The end of an apply; what came before was shown as it happened."""
    if document["verdict"] in {"in_sync", "blocked"}:
        yield from plan_lines(document, width, details=False)
        return
    yield from paragraph(judgement(document).sentence, width, hang="  ", style="bold")
    for result, word in (("failed", "failed"), ("skipped", "skipped"), ("not_reached", "left")):
        yield from _outcomes([one for one in document["outcomes"] if one["result"] == result], word, width)
    for one in (one for one in document["findings"] if one["code"] in _ENDS):
        yield from labelled(_ENDS[one["code"]], f"{one['message']} [{one['code']}]", width, wide=END)
    yield from _left_alone([one for one in document["findings"] if one["code"] == "KO7103"], width)
    if document["verdict"] == "incomplete":
        yield from _after_incomplete(document, width)


_ENDS = {"KO7003": "differs", "KO7126": "stopped", "KO7131": "stopped"}


def _left_alone(findings: Sequence[Document], width: int) -> Iterator[Line]:
    """What nobody approved, on things that the plan does not touch."""
    for one in findings[:MOST]:
        yield from labelled("left", f"{one['message']} [{one['code']}]", width, wide=END)
    if len(findings) > MOST:
        yield from labelled("", f"and {len(findings) - MOST:,} more, all are in the JSON", width, wide=END)
    if findings:
        yield from labelled("help", findings[0]["help"], width, wide=END)


def _after_incomplete(document: Document, width: int) -> Iterator[Line]:
    left = len(document["outcomes"]) - document["results"]["applied"]
    does = f"does the {left:,} that {'remains' if left == 1 else 'remain'}" if left else "does what still differs"
    yield from labelled("state", "what was applied stays; nothing needs rolling back", width, wide=END)
    yield command("to go on", f"{apply_command(document)}{'' if undoes(document) else f'  ({does})'}")


def _outcomes(outcomes: Sequence[Document], word: str, width: int) -> Iterator[Line]:
    for one in outcomes[:MOST]:
        field = f" {one['field']}" if one["field"] else ""
        said = f": {one['message']}" if one["message"] else ""
        code = f" [{one['code']}]" if one["code"] else ""
        yield from labelled(word, f"{one['action']} {one['address']}{field}{said}{code}", width, wide=END)
    if len(outcomes) > MOST:
        yield from labelled("", f"and {len(outcomes) - MOST:,} more {word}, all are in the JSON", width, wide=END)
