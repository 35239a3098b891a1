"""kafkaops.yaml as values: clusters, naming, profiles, guards and policy. What the schema has passed is read here without further checks of type."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kafkaops import units
from kafkaops.access import Authorizer
from kafkaops.findings import Finding, Location, Severity
from kafkaops.naming import compiled, pieces
from kafkaops.source import Block, Document, Row, item_location, key_location, value_location

_DAY_SECONDS = 86_400

DISK_RESERVE = 0.05
"""The part of each disk that copies leave free where nobody says otherwise."""

INTERNAL_TOPICS = ("__*", "_kafkaops.*")
"""Kafka's own topics and kafkaops's own: never looked at, never declared."""


@dataclass(frozen=True, slots=True)
class Naming:
    """`pattern` compiled; None: every legal name will do."""

    text: str = ""
    pattern: re.Pattern[str] | None = None
    exempt: tuple[str, ...] = ()

    def exempts(self, topic: str) -> bool:
        return any(fnmatchcase(topic, pattern) for pattern in self.exempt)


@dataclass(frozen=True, slots=True)
class Override:
    """What one cluster sets over the topology, for the topics that `match`."""

    match: str
    block: Block
    where: Location


@dataclass(frozen=True, slots=True)
class Principals:
    """Whom the topology must not lock out."""

    own: str | None = None
    plan: str | None = None
    brokers: tuple[str, ...] = ()
    break_glass: tuple[str, ...] = ()

    def guarded(self) -> frozenset[str]:
        return frozenset({*self.brokers, *self.break_glass, *(one for one in (self.own, self.plan) if one)})


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each day, over midnight where it ends before it begins. `zone`: an IANA name."""

    begins: time
    ends: time
    zone: str = "UTC"

    def holds(self, moment: datetime) -> bool:
        at = moment.astimezone(ZoneInfo(self.zone)).time()
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    @property
    def seconds(self) -> int:
        """How long it lasts."""
        minutes = (self.ends.hour - self.begins.hour) * 60 + self.ends.minute - self.begins.minute
        return minutes * 60 % _DAY_SECONDS

    def __str__(self) -> str:
        return f"{self.begins:%H:%M}-{self.ends:%H:%M} {self.zone}"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where replicas belong and how they are moved. `throttle`: bytes per second and broker, None: no limit; the other numbers are shares of 1.

    racks    `auto`, `on`, `strict`, `off`
    balance  `off`, `count`, `bytes`; `rebalancing`: it is asked for now
    """

    where: Location = field(compare=False)
    racks: str = "auto"
    drain: frozenset[int] = frozenset()
    balance: str = "off"
    rebalancing: bool = False
    tolerance: float = 0.1
    throttle: int | None = None
    concurrency: int = 3
    window: Window | None = None
    disk_reserve: float = DISK_RESERVE


@dataclass(frozen=True, slots=True)
class ClusterEntry:
    name: str
    where: Location
    bootstrap_servers: tuple[str, ...]
    cluster_id: str | None = None
    client_config: str | None = None
    authorizer: Authorizer = Authorizer()
    principals: Principals = Principals()
    overrides: tuple[Override, ...] = ()
    kafka_version: str | None = None
    manages_topics: bool = True
    manages_acls: bool = True
    manages_placement: bool = True
    placement: Placement | None = None
    validates_in_plan: bool = False
    journals: bool = True


@dataclass(frozen=True, slots=True)
class Policy:
    safe_below_bytes: int = 0
    max_deletes: int = 5
    max_revokes: int = 20
    lint: Mapping[str, str] = field(default_factory=dict)  # rule -> off | warning | error


@dataclass(frozen=True, slots=True)
class Settings:
    naming: Naming = Naming()
    profiles: Mapping[str, Block] = field(default_factory=dict)
    clusters: Mapping[str, ClusterEntry] = field(default_factory=dict)
    protect: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    policy: Policy = Policy()
    requires: str = ""
    root: Path = Path()

    def ignores(self, topic: str) -> bool:
        return any(fnmatchcase(topic, pattern) for pattern in (*INTERNAL_TOPICS, *self.ignore))

    def protects(self, topic: str) -> bool:
        return any(fnmatchcase(topic, pattern) for pattern in self.protect)


def settings_of(document: Document | None, root: Path, *, version: str) -> tuple[Settings, tuple[Finding, ...]]:
    """The settings, and what is wrong with them beyond their schema. No kafkaops.yaml: the defaults, and no cluster."""
    if document is None:
        return Settings(root=root), ()
    block = document.root
    naming, naming_findings = _naming(block)
    clusters = {name: _cluster(name, entry, block["clusters"]) for name, entry in block.get("clusters", {}).items()}
    settings = Settings(
        naming=naming,
        profiles={name: profile or Block("") for name, profile in block.get("profiles", {}).items()},
        clusters=clusters,
        protect=tuple(block.get("protect", ())),
        ignore=tuple(block.get("ignore", ())),
        policy=_policy(block.get("policy", {})),
        requires=block.get("requires", ""),
        root=root,
    )
    findings = (
        *naming_findings,
        *_shared_ids(clusters, block),
        *_bad_windows(clusters, block),
        *_version_needed(block, version),
    )
    return settings, findings


def _naming(block: Block) -> tuple[Naming, tuple[Finding, ...]]:
    naming = block.get("naming") or Block("")
    parts: Mapping[str, str] = naming.get("parts", {})
    text = naming.get("pattern", "")
    written = pieces(text)
    findings = [_bad_regex(naming["parts"], part, regex) for part, regex in parts.items() if not _is_plain_regex(regex)]
    findings += [_idle_part(naming["parts"], part) for part in parts if part not in written[1::2]]
    if re.search("[{}]", "".join(written[::2])):
        findings.append(_bad_braces(naming))
    if not text or any(finding.blocks for finding in findings):
        return Naming(), tuple(findings)
    return Naming(text, compiled(text, parts), tuple(naming.get("exempt", ()))), tuple(findings)


def _is_plain_regex(regex: str) -> bool:
    """Part patterns run over every name. What can backtrack without end is refused: a repeated group, a repetition of a repetition, too many ways to match.

    That parts do not multiply is what `compiled` sees to.
    """
    if len(regex) > 200 or re.search(r"\\[1-9]|\(\?", regex):  # noqa: PLR2004
        return False
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "c", re.sub(r"\\.", "e", regex))
    if re.search(r"[)*+?}][*+?{]", bare) or _ways(bare) > _MOST_WAYS:
        return False
    try:
        with warnings.catch_warnings(action="error"):  # of what a later Python will read otherwise
            re.compile(regex)
    except (re.error, OverflowError, FutureWarning):
        return False
    return True


_MOST_WAYS = 250_000  # two repetitions in a name of 249 characters, and four alternatives


def _ways(bare: str) -> int:
    """At most so many ways there are to match a name: those of all its choices, multiplied."""
    repetitions = len(re.findall(r"[*+{]", bare))
    alternatives = math.prod(piece.count("|") + 1 for piece in re.split(r"[()]", bare))
    ways: int = 249**repetitions * 2 ** bare.count("?") * alternatives
    return ways


def _bad_regex(parts: Block, part: str, regex: str) -> Finding:
    return Finding(
        code="KO1203",
        severity=Severity.ERROR,
        message=f"`{part}` is not a pattern that always ends quickly",
        where=value_location(parts, part),
        label="a repeated group, too many repetitions or alternatives, or not a regular expression" if regex else "",
        help="write a character class with one repetition, such as `[a-z][a-z0-9-]*` or `v[0-9]+`",
    )


def _idle_part(parts: Block, part: str) -> Finding:
    return Finding(
        code="KO1308",
        severity=Severity.WARNING,
        message=f"`naming: pattern` has no part `{part}`",
        where=key_location(parts, part),
        help=f"write `{{{part}}}` into the pattern, or remove the line",
    )


def _bad_braces(naming: Block) -> Finding:
    return Finding(
        code="KO1203",
        severity=Severity.ERROR,
        message=f"`{naming['pattern']}` has braces that hold no name of a part",
        where=value_location(naming, "pattern"),
        help="write parts in lower case, with `-` between words, such as `{event-type}`",
    )


def _cluster(name: str, entry: Block, clusters: Block) -> ClusterEntry:
    facts = entry.get("authorizer") or Block("")
    manage = entry.get("manage") or {}
    supers = facts.get("super-users")
    return ClusterEntry(
        name=name,
        where=key_location(clusters, name),
        bootstrap_servers=tuple(entry["bootstrap-servers"]),
        cluster_id=entry.get("cluster-id"),
        client_config=entry.get("client-config"),
        authorizer=Authorizer(None if supers is None else frozenset(supers), facts.get("allow-everyone")),
        principals=Principals(
            facts.get("principal"),
            facts.get("plan-principal"),
            tuple(facts.get("brokers", ())),
            tuple(facts.get("break-glass", ())),
        ),
        overrides=tuple(_overrides(entry.get("override", Row("")))),
        kafka_version=_release(entry.get("kafka-version")),
        manages_topics=manage.get("topics", True),
        manages_acls=manage.get("acls", True),
        manages_placement=manage.get("placement", True),
        placement=_placement(entry),
        validates_in_plan=entry.get("broker-validation", "apply") == "plan",
        journals=entry.get("journal", "on") == "on",
    )


def _placement(entry: Block) -> Placement | None:
    if "placement" not in entry:
        return None
    block = entry["placement"] or Block("")
    throttle = block.get("throttle")
    return Placement(
        where=key_location(entry, "placement"),
        racks=block.get("racks", "auto"),
        drain=frozenset(block.get("drain", ())),
        balance=block.get("balance", "off"),
        tolerance=units.percent(block.get("tolerance", "10%")),
        throttle=None if throttle is None else units.rate(throttle),
        concurrency=block.get("concurrency", 3),
        window=None if block.get("window") is None else window(block["window"]),
        disk_reserve=units.percent(block.get("disk-reserve", "5%")),
    )


def window(text: str) -> Window:
    """`22:00-06:00`, `22:00-06:00 Europe/Berlin`."""
    hours, _, zone = text.partition(" ")
    begins, ends = (time.fromisoformat(one) for one in hours.split("-"))
    return Window(begins, ends, zone or "UTC")


def _bad_windows(clusters: Mapping[str, ClusterEntry], block: Block) -> Iterator[Finding]:
    for name, entry in clusters.items():
        window = entry.placement.window if entry.placement else None
        why = _why_no_window(window) if window else ""
        if why:
            yield Finding(
                code="KO1203",
                severity=Severity.ERROR,
                message=why,
                where=value_location(block["clusters"][name]["placement"], "window"),
                help="write `22:00-06:00` (UTC) or `22:00-06:00 Europe/Berlin`; leave the key out for any time",
            )


def _why_no_window(window: Window) -> str:
    if window.begins == window.ends:
        return f"the window begins and ends at {window.begins:%H:%M}"
    return "" if _is_zone(window.zone) else f"`{window.zone}` is not a time zone"


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is an OSError
        return False
    return True


def _release(written: str | float | None) -> str | None:
    """A bare `4` is 4.0."""
    if written is None or isinstance(written, str):
        return written
    return f"{float(written)}"


def _overrides(rows: Sequence[Any]) -> Iterator[Override]:
    for index, row in enumerate(rows):
        assert isinstance(rows, Row)
        yield Override(row["match"], row["set"], item_location(rows, index))


def _policy(block: Mapping[str, Any]) -> Policy:
    return Policy(
        safe_below_bytes=units.size(block.get("safe-below-bytes", 0)),
        max_deletes=block.get("max-deletes", 5),
        max_revokes=block.get("max-revokes", 20),
        lint=block.get("lint", {}),
    )


def _shared_ids(clusters: Mapping[str, ClusterEntry], block: Block) -> Iterator[Finding]:
    first: dict[str, ClusterEntry] = {}
    for entry in clusters.values():
        if entry.cluster_id is None:
            continue
        other = first.setdefault(entry.cluster_id, entry)
        if other is not entry:
            yield Finding(
                code="KO1313",
                severity=Severity.ERROR,
                message=f"clusters `{other.name}` and `{entry.name}` have one cluster id",
                where=value_location(block["clusters"][entry.name], "cluster-id"),
                label="the same id",
                also=((value_location(block["clusters"][other.name], "cluster-id"), "first here"),),
                help="give each entry the id of its own cluster; `kafkaops doctor --cluster NAME` prints it",
            )


def _version_needed(block: Block, version: str) -> Iterator[Finding]:
    text = block.get("requires")
    if text is None:
        return
    match = re.fullmatch(r"\s*(>=|==)\s*([0-9]+(?:\.[0-9]+){0,2})\s*", text)
    if match is None:
        yield Finding(
            code="KO1203",
            severity=Severity.ERROR,
            message=f"`{text}` is not a version rule",
            where=value_location(block, "requires"),
            help=f'write `requires: ">={version}"`',
        )
        return
    have, need = (tuple(int(part) for part in one.split(".")) for one in (version, match[2]))
    if not (have >= need if match[1] == ">=" else have[: len(need)] == need):
        yield Finding(
            code="KO1314",
            severity=Severity.ERROR,
            message=f"the topology needs kafkaops {text}, this is {version}",
            where=value_location(block, "requires"),
            help=f'install the release that it asks for, or write `requires: ">={version}"`',
        )
