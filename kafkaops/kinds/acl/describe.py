"""One principal's access, or one binding of it, looked at closely."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops.access import AclBinding
from kafkaops.findings import Location
from kafkaops.kind import Reading
from kafkaops.kinds.acl import wire
from kafkaops.kinds.acl.model import address as address_of
from kafkaops.kinds.acl.model import principal_address, resource
from kafkaops.plan import From, Value
from kafkaops.resource import Resource, ResourceField


def describe(reading: Reading, address: str) -> Resource:
    """`acl/PRINCIPAL`, or the address of one binding."""
    want = reading.desired.acls
    live = wire.read(reading.cluster, reading.described, want, patience=reading.patience).acls.bindings
    wanted = {acl: where for acl, where in want.bindings.items() if _is(acl, address)}
    there = {acl for acl in live if _is(acl, address)}
    managed = {principal_address(principal): where for principal, where in want.managed.items()}
    return Resource(
        address=address,
        declared=bool(wanted) or address in managed,
        live=bool(there),
        where=managed.get(address) or next(iter(wanted.values()), None),
        fields=tuple(_field(acl, wanted.get(acl), live=acl in there) for acl in sorted(wanted.keys() | there)),
        facts=tuple(_facts(reading, address)),
    )


def _is(acl: AclBinding, address: str) -> bool:
    return address in {principal_address(acl.principal), address_of(acl)}


def _field(acl: AclBinding, where: Location | None, *, live: bool) -> ResourceField:
    host = "" if acl.host == "*" else f" from {acl.host}"
    return ResourceField(
        name=f"{acl.operation} on {resource(acl)}{host}",
        want=None if where is None else Value(acl.permission, acl.permission.upper(), From.FILE),
        have=Value(acl.permission, acl.permission.upper(), From.TOPIC) if live else None,
        where=where,
    )


def _facts(reading: Reading, address: str) -> Iterator[tuple[str, str]]:
    authorizer = reading.entry.authorizer
    principal = next((one for one in reading.desired.acls.managed if principal_address(one) == address), None)
    if principal is not None and authorizer.is_super(principal):
        yield "super user", "the brokers allow it everything, whatever the ACLs say"
