"""What the program knows of a kind of resource: functions and a name. A new kind is a folder below `kinds` and one entry in `app.KINDS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kafkaops.cluster import Cluster, Description, KafkaError
from kafkaops.compile import Desired
from kafkaops.findings import Finding
from kafkaops.journal import Entry, Side
from kafkaops.logbook import Logbook
from kafkaops.plan import Change, Difference, Phase, Value
from kafkaops.resource import Resource
from kafkaops.settings import ClusterEntry, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """All that reading and comparing needs. `patience`: seconds without progress until brokers that disagree are given up. `log`: of a run that has the lock; None: it only reads."""

    cluster: Cluster
    described: Description
    desired: Desired
    entry: ClusterEntry
    settings: Settings
    login: str | None  # our own principal, as the login tells
    patience: float
    log: Logbook | None = None
    base: Desired | None = None  # what another commit wants, to tell a change from drift

    @property
    def own(self) -> str | None:
        return self.login or self.entry.principals.own


Landed = Mapping[str, tuple[tuple[str, Value | None], ...]]
"""Of changes in a saved plan, by id: what is live otherwise than they lead to, each with its field ("" for all of it); nothing where all is live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """`addresses`: of everything that is declared. `difference`: read, compare. `only`: reduce what is wanted to these addresses, for a second look.

    validate: what the brokers would refuse, by change id (`validate_only`). perform: one phase, by change id; None is done.
    unseen: which of these changes a live broker does not show yet, as sentences; asked before access is taken away.
    describe: the resource of an address, whether it is declared, live, both or none.
    sides: of a change, before and after, as the journal keeps them. standing: the same now, by the id of each entry.
    landed: whether what changes in a saved plan lead to is live; the files may be of another commit than they are.
    restored: what is wanted, with the entries' resources as they were before and otherwise as they are, and what of it cannot come back.
    wanted: what the files say of just that which the change changes; where two topologies say the same, neither made it.
    speaks_of: whether a finding is about this change.
    """

    name: str
    managed: Callable[[ClusterEntry], bool]
    addresses: Callable[[Desired], Iterable[str]]
    difference: Callable[[Reading], Difference]
    only: Callable[[Desired, frozenset[str]], Desired]
    validate: Callable[[Cluster, Sequence[Change]], Mapping[str, KafkaError]]
    perform: Callable[[Cluster, Phase, Sequence[Change]], Mapping[str, KafkaError | None]]
    unseen: Callable[[Cluster, Sequence[int], Sequence[Change], float], Mapping[str, str]]
    describe: Callable[[Reading, str], Resource]
    sides: Callable[[Change], tuple[Side, Side]]
    standing: Callable[[Reading, Sequence[Entry]], Mapping[str, Side]]
    landed: Callable[[Reading, Sequence[Change]], Landed]
    restored: Callable[[Reading, Sequence[Entry], Desired], tuple[Desired, tuple[Finding, ...]]]
    wanted: Callable[[Desired, Change], object]
    speaks_of: Callable[[Finding, Change], bool]
