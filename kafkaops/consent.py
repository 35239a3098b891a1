"""Acknowledgements: reading them from the topology, and one spelling for what they consent to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from kafkaops.findings import Finding, Location, Severity
from kafkaops.kinds.topic import settings
from kafkaops.kinds.topic.model import PARTITIONS
from kafkaops.plan import Acknowledgement
from kafkaops.source import Block, Row, item_location, value_location

LONGEST = timedelta(days=90)

_VALUE_CHANGE = re.compile(r"(\S+)\s+(.+?)\s*->\s*(.+)")
_VERBS = frozenset({"revoke", "deny", "delete", "first", "last", "remove", "add"})
"""What follows these is a name, and a name may hold `->`."""


def acknowledgements(
    block: Block, address: str, cluster: str, today: date, *, several: bool
) -> Iterator[Acknowledgement | Finding]:
    """Those in the block's `acknowledge:` list that concern the cluster; `address`: what `on` is where it is left out, "" at the top of a file. `several`: clusters are declared, so that each must be named."""
    rows = block.get("acknowledge") or Row("")
    for index, row in enumerate(rows):
        if "cluster" not in row and several:
            yield _unusable(
                item_location(rows, index),
                "the acknowledgement does not say for which cluster",
                f"add `cluster: {cluster}`",
            )
        elif row.get("cluster", cluster) == cluster:
            yield from _acknowledgement(row, item_location(rows, index), address, cluster, today)


def _acknowledgement(
    row: Block, where: Location, address: str, cluster: str, today: date
) -> Iterator[Acknowledgement | Finding]:
    on = row.get("on", address)
    try:
        until = date.fromisoformat(str(row["until"]))
    except ValueError:
        yield _unusable(value_location(row, "until"), f"`{row['until']}` is not a date", "write it as 2026-10-12")
        return
    if until > today + LONGEST:
        yield Finding(
            code="KO5403",
            severity=Severity.ERROR,
            message=f"an acknowledgement holds for at most {LONGEST.days} days, this one until {until}",
            where=value_location(row, "until"),
            help=f"write {today + LONGEST} or an earlier day",
        )
        return
    if until < today:
        yield Finding(
            code="KO5402",
            severity=Severity.WARNING,
            message=f"the acknowledgement of {row['code']} on {on} expired on {until}",
            where=where,
            help="`kafkaops validate --fix` removes it",
        )
        return
    try:
        changes = frozenset(canonical(text) for text in _texts(row["change"]))
    except settings.NotValid as error:
        yield _unusable(value_location(row, "change"), error.message, "`kafkaops ack CODE@ADDRESS` writes it")
        return
    on, changes = _whole_principal(on, changes)
    yield Acknowledgement(str(row["code"]), on, cluster, changes, until, str(row.get("reason", "")), where)


def canonical(text: str) -> str:
    """`retention-ms 14d -> 3d` as `retention.ms 1209600000 -> 259200000`; whatever is no change of a setting keeps its words.

    Errors: settings.NotValid for a value that the setting cannot have.
    """
    words = " ".join(text.split())
    match = _VALUE_CHANGE.fullmatch(words)
    if match is None or match[1] in _VERBS:
        return words
    key = settings.kafka_name(match[1]) or match[1]
    sides = (match[2], match[3])
    before, after = sides if key == PARTITIONS else (settings.understood(key, side) for side in sides)
    return f"{key} {before} -> {after}"


def _whole_principal(on: str, changes: frozenset[str]) -> tuple[str, frozenset[str]]:
    """`on: acl/User:x/topic/t/read, change: revoke` is the entry `revoke topic/t/read` on `acl/User:x`: both are written, one is compared."""
    parts = on.split("/", 2)
    if parts[0] == "acl" and len(parts) > 2 and changes == {"revoke"} and not parts[2].startswith("deny/"):  # noqa: PLR2004
        return "/".join(parts[:2]), frozenset({f"revoke {parts[2]}"})
    return on, changes


def _texts(change: Any) -> list[str]:
    return [str(one) for one in change] if isinstance(change, list) else [str(change)]


def _unusable(where: Location, message: str, help_: str) -> Finding:
    return Finding(code="KO5401", severity=Severity.ERROR, message=message, where=where, help=help_)


def remarks(found: tuple[Acknowledgement, ...], used: frozenset[Acknowledgement]) -> Iterator[Finding]:
    """Consent that nothing asks for any more: the change was made, or the value moved since."""
    for one in found:
        if one not in used:
            yield Finding(
                code="KO5402",
                severity=Severity.WARNING,
                message=f"the acknowledgement of {one.code} on {one.on} covers nothing in this plan",
                where=one.where,
                help="remove it; the change was made, or the live value is not the one that it names",
            )
