"""status: what goes on in a cluster, the totals first; what is not known is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kafkaops import units
from kafkaops.view.lines import EMPTY, MOST, Document, Line, Row, Span, labelled, paragraph, section, table
from kafkaops.view.plan_screen import header_lines, remark_lines
from kafkaops.view.words import counted, moment

_WIDE = 10
_UNKNOWN = "not known"


def status_lines(document: Document, width: int, *, details: bool) -> Iterator[Line]:
    yield from header_lines(document, width)
    for label, text in _totals(document):
        yield from labelled(label, text, width, wide=_WIDE)
    yield from _block("DISKS", _disks(document["brokers"]), width, details=details)
    yield from _block("NOT AS THEY SHOULD BE", _ailing(document["partitions"]["ailing"]), width, details=details)
    yield from _block("ON THEIR WAY", _flights(document["reassignments"] or ()), width, details=details)
    yield from _block("THROTTLES", _throttles(document["throttles"]), width, details=details)
    yield from remark_lines("WARNINGS", "warning", document["findings"], width, details=details)
    yield from remark_lines("NOTICES", "notice", document["findings"], width, details=details)
    yield EMPTY
    yield from paragraph(_judgement(document), width, hang="  ", style="bold")


def _block(title: str, rows: Sequence[Row], width: int, *, details: bool) -> Iterator[Line]:
    if not rows:
        return
    yield from section(title, len(rows), width)
    shown = rows if details else rows[:MOST]
    yield from table(shown, width)
    if len(rows) > len(shown):
        yield (Span(f"  and {len(rows) - len(shown):,} more (-v lists them)"),)


# totals


def _totals(document: Document) -> Iterator[tuple[str, str]]:
    yield "brokers", _live(document["brokers"])
    yield "partitions", _partitions(document["partitions"])
    yield "moving", _moving(document["reassignments"])
    yield "throttles", _set(document["throttles"])
    yield from _remembered(document["journal"])


def _live(brokers: Sequence[Document]) -> str:
    down = [str(one["id"]) for one in brokers if not one["live"]]
    told = f"{len(brokers) - len(down)} live"
    return f"{told}; down: {', '.join(down)}" if down else told


def _partitions(told: Document) -> str:
    below = _UNKNOWN if told["under_min_isr"] is None else f"{told['under_min_isr']:,}"
    return (
        f"{told['partitions']:,} of {counted(told['topics'], 'topic')} that this login may see: "
        f"{told['leaderless']:,} without a leader, {below} below min.insync.replicas, {told['under_replicated']:,} under-replicated"
    )


def _moving(flights: Sequence[Document] | None) -> str:
    if flights is None:
        return _UNKNOWN
    if not flights:
        return "nothing"
    onto: dict[int, list[Document]] = defaultdict(list)
    for flight in flights:
        for one in flight["adding"]:
            onto[one["broker"]].append(one)
    told = [f"broker {broker} has {_copied(its)}" for broker, its in sorted(onto.items())]
    return "; ".join([counted(len(flights), "partition"), *told])


def _copied(its: Sequence[Mapping[str, Any]]) -> str:
    """Of all together; one that is not known makes the sum unknown."""
    has = [one["copied_bytes"] for one in its]
    shall = [one["of_bytes"] for one in its]
    copied = _UNKNOWN if None in has else units.about(sum(has))
    return f"{copied} of about {_UNKNOWN if None in shall else units.about(sum(shall))}"


def _set(throttles: Sequence[Document]) -> str:
    if not throttles:
        return "none is set"
    return ", ".join(
        f"{count} {words}"
        for whose, words in _WHOSE.items()
        if (count := sum(one["whose"] == whose for one in throttles))
    )


_WHOSE = {
    "at_work": "lent by a run that is at work",
    "left": "left by a run that is not at work",
    "foreign": "set by no run that is known",
    "unknown": "of which it is not known who has set them",
}


def _remembered(journal: Document) -> Iterator[tuple[str, str]]:
    holders = journal["holders"]
    if holders is None:
        yield "lock", f"{_UNKNOWN}: {journal['why']}" if journal["why"] else _UNKNOWN
    elif not holders:
        yield "lock", "free"
    else:
        for one in holders:
            yield "lock", f"{one['lock']}: {_holder(one)}"
    last = journal["last_apply"]
    if not journal["known"]:
        yield "last apply", f"{_UNKNOWN}: {journal['why']}"
    else:
        yield "last apply", _run(last) if last else "none that is remembered"


def _holder(one: Document) -> str:
    if one["run"] is None:
        return f"client `{one['client']}` at {one['host']}"
    since = f" since {moment(one['since'])}" if one["since"] else ""
    step = f", at step {one['step']} of {one['steps']}" if one["step"] else ", before its first step"
    return f"run {one['run']}, {one['who']} on {one['host']}{since}{step}" + (f" ({one['url']})" if one["url"] else "")


def _run(one: Document) -> str:
    how = "did not tell how it ended" if one["outcome"] == "no_end" else one["outcome"].replace("_", " ")
    when = moment(one["ended_at"] or one["since"])
    commit = (
        f", commit {one['commit'][:7]}" if one["commit"] else ", from files that no commit has" if one["dirty"] else ""
    )
    return f"{how} {when}, by {one['who']} on {one['host']}{commit} (run {one['run']})"


# blocks


def _disks(brokers: Sequence[Document]) -> list[Row]:
    rows = []
    for broker in brokers:
        name = f"broker {broker['id']}"
        if broker["log_dirs"] is None:
            rows.append(Row("  ", (name, _UNKNOWN if broker["live"] else "down")))
        rows += [
            Row("! " if one["error"] else "  ", (name, one["path"], _room(one))) for one in broker["log_dirs"] or ()
        ]
    return rows


def _room(one: Document) -> str:
    if one["error"]:
        return f"offline ({one['error']})"
    told = _UNKNOWN
    if one["total_bytes"] and one["usable_bytes"] is not None:
        used = 1 - one["usable_bytes"] / one["total_bytes"]
        told = f"{used:.0%} of {units.about(one['total_bytes'])} used, {units.about(one['usable_bytes'])} usable"
    return f"{told}; takes no new replicas" if one["cordoned"] else told


def _ailing(rows: Sequence[Document]) -> list[Row]:
    return [
        Row(
            "~ " if one["states"] == ["under_replicated"] else "! ",
            (
                f"{one['topic']}-{one['partition']}",
                ", ".join(_STATES[state] for state in one["states"]),
                f"in sync {_list(one['isr'])} of {_list(one['replicas'])}",
            ),
        )
        for one in sorted(rows, key=lambda one: one["states"] == ["under_replicated"])
    ]


_STATES = {
    "leaderless": "no leader",
    "under_min_isr": "below min.insync.replicas",
    "under_replicated": "under-replicated",
}


def _flights(rows: Sequence[Document]) -> list[Row]:
    return [
        Row(
            "  ",
            (
                f"{one['topic']}-{one['partition']}",
                f"{_list(one['from'])} -> {_list(one['to'])}",
                "a half-done undo" if one["half_undone"] else _arriving(one["adding"]),
                f"run {one['run']}" if one["run"] else "by no run that is known",
            ),
        )
        for one in rows
    ]


def _arriving(adding: Sequence[Document]) -> str:
    return ", ".join(f"broker {one['broker']} has {_copied([one])}" for one in adding) or "nothing to copy"


def _list(brokers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, brokers))}]"


def _throttles(rows: Sequence[Document]) -> list[Row]:
    return [
        Row(
            "~ " if one["whose"] == "left" or (one["idle"] and one["whose"] != "at_work") else "  ",
            (f"{one['on']} {one['name']}", one["key"], one["display"], _by(one)),
        )
        for one in rows
    ]


def _by(one: Document) -> str:
    whose = {"at_work": f"run {one['run']}, at work", "left": f"run {one['run']}, not at work", "foreign": "foreign"}
    idle = {True: "slows nothing that moves", False: "", None: "whether it slows anything is not known"}[one["idle"]]
    return ", ".join(filter(None, (whose.get(one["whose"], f"by whom is {_UNKNOWN}"), idle)))


def _judgement(document: Document) -> str:
    flights = document["reassignments"]
    match document["verdict"]:
        case "attention":
            warnings = document["summary"]["findings"]["warning"]
            return f"ATTENTION: {counted(warnings, 'warning')}"
        case "moving":
            return f"MOVING: {counted(len(flights), 'partition')} on the way, nothing amiss"
        case _:
            return "QUIET: nothing moves, nothing is amiss"
