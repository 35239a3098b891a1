"""What would be done: changes as frozen values, in the order in which they are done, and what blocks them."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import IntEnum, StrEnum

from kafkaops.findings import Finding, Location, Severity, sort_key
from kafkaops.movement import Movement, Terms, movement
from kafkaops.placement.model import Move


class Phase(IntEnum):
    """The order of apply. A failure stops only what depends on it."""

    GRANTS = 1  # nobody waits for access that the merge promised
    CREATES = 2
    SAFE = 3  # settings that lose nothing, more partitions
    REVOKES = 4  # and denials: after their replacements are seen on every live broker
    LOSSES = 5  # settings that lose data, with consent
    DELETES = 6
    MOVES = 7  # last: copying takes hours
    AFTER_MOVES = 8  # what only the new replicas make safe


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    GRANT = "grant"
    REVOKE = "revoke"
    REASSIGN = "reassign"


class Origin(StrEnum):
    """Whether the files ask for something else than the base's, or the cluster has become another."""

    PULL_REQUEST = "pull_request"
    DRIFT = "drift"


class From(StrEnum):
    """Where a value is from."""

    FILE = "file"
    TOPIC = "topic_override"
    BROKER_DYNAMIC = "broker_dynamic"
    BROKER_STATIC = "broker_static"
    DEFAULT = "default"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Value:
    """One side of a difference: `text` as Kafka keeps it, `display` for people."""

    text: str
    display: str
    source: From


@dataclass(frozen=True, slots=True)
class FieldChange:
    """None: there is nothing on that side."""

    name: str
    before: Value | None
    after: Value | None
    where: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What every view may know of a change; each kind adds what performing it needs.

    id       unique in a plan, stable over runs: `topic:NAME#retention.ms`
    address  the resource: `topic/NAME`, `acl/PRINCIPAL/TYPE/NAME/OPERATION`
    summary  one line for people, such as `12 partitions x 3 replicas`
    """

    id: str
    address: str
    action: Action
    phase: Phase
    where: Location | None
    summary: str = ""
    fields: tuple[FieldChange, ...] = ()
    reversible: bool = True
    removed: bool = False  # `where` is where a line is missing, not where one stands
    codes: tuple[str, ...] = ()  # findings about this very change
    moves: tuple[Move, ...] = ()  # the replicas that it moves

    @property
    def kind(self) -> str:
        return self.address.split("/", 1)[0]

    @property
    def carries(self) -> Mapping[str, str]:
        """What an approval is bound to besides the fields: a topic of another id is another topic."""
        return {}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Consent written in the topology. `changes`: canonical entries, such as `retention.ms 1209600000 -> 259200000`."""

    code: str
    on: str
    cluster: str
    changes: frozenset[str]
    until: date
    reason: str
    where: Location


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts for the totals: resources of one kind."""

    in_sync: int = 0
    unmanaged: int = 0
    undeclared: tuple[str, ...] = ()  # live, in an owned domain, in no file
    stuck: int = 0  # live, and what differs cannot be changed


@dataclass(frozen=True, slots=True)
class Difference:
    """What comparing one kind gives."""

    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    tally: Tally = Tally()
    terms: Terms | None = None  # of what its moves cost; None: it moves nothing


@dataclass(frozen=True, slots=True)
class Plan:
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    tallies: dict[str, Tally]  # by kind
    partial: tuple[str, ...] = ()  # the --only patterns, when it is only a part
    origins: Mapping[str, Origin] | None = None  # by change id; None: there is no base to compare with
    held_back: frozenset[str] = frozenset()  # change ids: shown, and not done
    terms: Terms | None = None

    def part(self, phases: Container[Phase]) -> Plan:
        """What of it belongs to these phases."""
        return replace(self, changes=tuple(change for change in self.changes if change.phase in phases))

    @property
    def movement(self) -> Movement | None:
        """Of all its moves together; None: there are none."""
        moves = [move for change in self.changes for move in change.moves]
        return movement(moves, self.terms) if moves and self.terms else None

    @property
    def blocked(self) -> bool:
        return any(finding.blocks for finding in self.findings)

    @property
    def to_do(self) -> tuple[Change, ...]:
        """What apply does of it."""
        return tuple(change for change in self.changes if change.id not in self.held_back)


class Result(StrEnum):
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one change. `message`: the broker's words, or what it waits for. `in_doubt`: it may have been made all the same."""

    change_id: str
    result: Result
    message: str = ""
    seconds: float = 0.0
    in_doubt: bool = False


def plan_of(
    differences: dict[str, Difference], *, findings: Iterable[Finding] = (), partial: tuple[str, ...] = ()
) -> Plan:
    """Sorted, so that the order of files and of brokers' answers changes nothing."""
    changes = sorted(
        (change for difference in differences.values() for change in difference.changes),
        key=lambda change: (change.phase, change.address.split("/"), change.id),
    )
    found = [*findings, *(finding for difference in differences.values() for finding in difference.findings)]
    tallies = {kind: difference.tally for kind, difference in differences.items()}
    terms = next((one.terms for one in differences.values() if one.terms), None)
    return Plan(tuple(changes), tuple(sorted(found, key=sort_key)), tallies, partial, terms=terms)


def acknowledge(
    findings: Iterable[Finding], acknowledgements: Iterable[Acknowledgement], *, cluster: str, today: date
) -> tuple[tuple[Finding, ...], frozenset[Acknowledgement]]:
    """The findings with consent marked, and which acknowledgements were of use. Every entry of `consent` must be covered."""
    usable: dict[tuple[str, str], list[Acknowledgement]] = {}
    for one in acknowledgements:
        if one.cluster == cluster and one.until >= today:
            usable.setdefault((one.code, one.on), []).append(one)
    marked, used = [], set[Acknowledgement]()
    for finding in findings:
        candidates = usable.get((finding.code, finding.address), [])
        covering = [one for one in candidates if one.changes & set(finding.consent)]
        covered = set[str]().union(*(one.changes for one in covering))
        used.update(covering)  # one that covers a part is of use too
        if finding.severity is Severity.DANGER and finding.consent and covered >= set(finding.consent):
            marked.append(replace(finding, acknowledged=True))
        else:
            marked.append(finding)
    return tuple(marked), frozenset(used)
