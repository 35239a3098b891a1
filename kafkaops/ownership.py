"""Which repository may declare what: two that declare one principal would take from it in turns what the other gives (decisions 11). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kafkaops.compile import Desired
from kafkaops.findings import Finding, Severity
from kafkaops.journal import Owned, Property
from kafkaops.kinds.acl.model import principal_address


def declared(desired: Desired) -> frozenset[Property]:
    """What a repository claims by declaring it."""
    principals = (Property(Owned.PRINCIPAL, name) for name in desired.acls.managed)
    return frozenset((*principals, *(Property(Owned.DOMAIN, prefix) for prefix in desired.domains)))


def claimed_twice(desired: Desired, owners: Mapping[Property, str], repository: str) -> Iterator[Finding]:
    """An error for each thing that another repository has claimed before."""
    for one in sorted(declared(desired)):
        owner = owners.get(one, repository)
        if owner != repository:
            is_principal = one.what is Owned.PRINCIPAL
            yield Finding(
                code="KO7146",
                severity=Severity.ERROR,
                message=f"{'' if is_principal else 'domain '}{one.name} is declared by {owner}, and by {repository} too",
                address=principal_address(one.name) if is_principal else "",
                where=desired.acls.managed.get(one.name) if is_principal else None,
                help="declare it in one of the two; the other lets go of it by leaving it out and applying once",
            )
