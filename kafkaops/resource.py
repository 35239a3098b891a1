"""One resource, looked at closely: wanted with where each value is from, live, the difference."""

from __future__ import annotations

from dataclasses import dataclass

from kafkaops.access import AclBinding
from kafkaops.findings import Finding, Location
from kafkaops.plan import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceField:
    """One field of one resource on both sides. `layer`: who wrote the wanted value, such as `profile order-events`."""

    name: str
    want: Value | None
    have: Value | None
    layer: str = ""
    where: Location | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """`facts`: what people want to know of it, such as its owner. `inherited`: what no file and no override says, but rules."""

    address: str
    declared: bool
    live: bool
    where: Location | None = None
    facts: tuple[tuple[str, str], ...] = ()
    fields: tuple[ResourceField, ...] = ()
    inherited: tuple[tuple[str, Value], ...] = ()
    bindings: tuple[AclBinding, ...] = ()
    findings: tuple[Finding, ...] = ()
