"""Wanted against live access: grants and revokes, and who would lose or gain what nobody meant. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, groupby

from kafkaops.access import (
    WILDCARD_PRINCIPAL,
    AclBinding,
    AclSet,
    cluster_operations,
    covers,
    denied_by,
    effective,
    gives,
    lost,
    overlaps,
)
from kafkaops.findings import Finding, Location, Severity
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.acl.model import Guards, LiveAcls, WantedAcls, address, principal_address, resource
from kafkaops.plan import Action, Change, Difference, Phase, Tally


def compare(want: WantedAcls, live: LiveAcls, guards: Guards, base: WantedAcls | None = None) -> Difference:
    """The wanted bindings of the managed principals against all that are live.

    `base`: what another commit wanted. What it wanted as well is told apart from what is new, since each is answered for by somebody else.
    """
    before = live.acls
    grants = sorted(want.bindings.keys() - before.bindings)
    revokes = sorted(acl for acl in before.bindings if acl.principal in want.managed and acl not in want.bindings)
    after = AclSet((before.bindings - set(revokes)) | set(grants))
    findings = [
        *_first_rules(grants, before, want, guards, base),
        *_last_rules(grants, revokes, before, want, guards, base),
        *_losses(revokes, before, after, want, guards, base),
        *_denials(grants, before, want, guards),
        *_lifted_denials(revokes, want),
        *_lockouts(grants, revokes, before, after, want, guards),
        *_unexplained(revokes, live, guards),
        *_remarks(grants, after, want),
        *_strangers(before, want, guards),
    ]
    codes = _codes_by_binding(findings)
    changes = (
        *(_grant(acl, want.bindings[acl]) for acl in grants),
        *(_revoke(acl, want.managed[acl.principal], codes) for acl in revokes),
    )
    in_sync = len(want.bindings) - len(grants)
    unmanaged = len(before.bindings) - in_sync - len(revokes)
    return Difference(changes, tuple(findings), Tally(in_sync, unmanaged))


def _grant(acl: AclBinding, where: Location) -> Change:
    return GrantAcl(
        id=f"acl:{address(acl)}",
        address=address(acl),
        action=Action.GRANT,
        phase=Phase.GRANTS if acl.permission == "Allow" else Phase.REVOKES,
        where=where,
        codes=() if acl.permission == "Allow" else ("KO3108",),
        binding=acl,
    )


def _revoke(acl: AclBinding, where: Location, codes: dict[str, str]) -> Change:
    return RevokeAcl(
        id=f"acl:{address(acl)}",
        address=address(acl),
        action=Action.REVOKE,
        phase=Phase.REVOKES,
        where=where,
        removed=True,
        codes=tuple(code for code in (codes.get(address(acl)),) if code),
        binding=acl,
    )


def _codes_by_binding(findings: list[Finding]) -> dict[str, str]:
    """Which finding a revoked binding carries: one of its own, or that of its principal."""
    codes: dict[str, str] = {}
    for finding in findings:
        if finding.code in {"KO3107", "KO3109"}:
            for entry in finding.consent:
                tail = entry.removeprefix("revoke").strip()
                codes[f"{finding.address}/{tail}" if tail else finding.address] = finding.code
    return codes


def _by_origin(acls: list[AclBinding], want: WantedAcls, base: WantedAcls | None) -> Iterator[list[AclBinding]]:
    """What is new, and what the base wanted as well."""
    if base is None:
        yield acls
        return
    drift = {acl for acl in acls if acl.principal in base.managed and (acl in base.bindings) == (acl in want.bindings)}
    yield [acl for acl in acls if acl not in drift]
    yield [acl for acl in acls if acl in drift]


def _losses(
    revokes: list[AclBinding],
    before: AclSet,
    after: AclSet,
    want: WantedAcls,
    guards: Guards,
    base: WantedAcls | None,
) -> Iterator[Finding]:
    """One danger a principal, that names each binding whose going takes access (decisions 8 and 9)."""
    taken = [acl for acl in revokes if acl.permission == "Allow"]
    for principal, group in chain.from_iterable(
        groupby(its, key=lambda acl: acl.principal) for its in _by_origin(taken, want, base)
    ):
        losing = [
            (acl, operations)
            for acl in group
            if (operations := lost(acl, before=before, after=after, authorizer=guards.authorizer))
        ]
        if losing:
            yield _loss(principal, losing, want)


def _loss(principal: str, losing: list[tuple[AclBinding, frozenset[str]]], want: WantedAcls) -> Finding:
    top = principal_address(principal)
    told = [f"{_listed(operations)} on {resource(acl)}{_from_host(acl)}" for acl, operations in losing]
    return Finding(
        code="KO3107",
        severity=Severity.DANGER,
        message=f"{principal} loses {told[0]}" if len(told) == 1 else f"{principal} loses access by {len(told)} rules",
        address=top,
        where=want.managed[principal],
        consent=tuple(f"revoke {address(acl).removeprefix(top + '/')}" for acl, _ in losing),
        notes=() if len(told) == 1 else tuple(told),
        help="declare the access, or acknowledge its end",
    )


def _first_rules(
    grants: list[AclBinding], before: AclSet, want: WantedAcls, guards: Guards, base: WantedAcls | None
) -> Iterator[Finding]:
    """The first ACL on a resource ends `allow.everyone.if.no.acl.found` for it: all others are locked out."""
    if guards.authorizer.allow_everyone is False:
        return
    for its in _by_origin(list(_first_of_each(grants, before)), want, base):
        first = {acl.resource: acl for acl in its}
        yield from _opened_or_closed("KO3101", "first", "locks out everybody else", first, want.bindings, guards)


def _first_of_each(grants: list[AclBinding], before: AclSet) -> Iterator[AclBinding]:
    """The first grant on each resource that no ACL touches yet."""
    untouched = (acl for acl in grants if not before.touches_all_of(*acl.resource))
    yield from {acl.resource: acl for acl in reversed(list(untouched))}.values()


def _last_rules(
    grants: list[AclBinding],
    revokes: list[AclBinding],
    before: AclSet,
    want: WantedAcls,
    guards: Guards,
    base: WantedAcls | None,
) -> Iterator[Finding]:
    """The last ACL on a resource gone, `allow.everyone.if.no.acl.found` opens it to everybody."""
    if guards.authorizer.allow_everyone is False:
        return
    left = AclSet(before.bindings - set(revokes))
    last = {acl.resource: acl for acl in reversed(revokes) if not left.touches_all_of(*acl.resource)}
    closing = [acl for acl in revokes if acl.resource in last]
    awaited = {principal: _awaited(principal, grants) for principal in {acl.principal for acl in closing}}
    for acl in closing:
        if awaited[acl.principal].touches_all_of(*acl.resource):
            last.pop(acl.resource, None)
    places = {acl: want.managed[acl.principal] for acl in last.values()}
    for its in _by_origin(list(last.values()), want, base):
        those = {acl.resource: acl for acl in its}
        yield from _opened_or_closed("KO3102", "last", "opens it to everybody", those, places, guards)


def _awaited(principal: str, grants: list[AclBinding]) -> AclSet:
    """The grants without which nothing is revoked from the principal: those of others may fail, or be left out by `--only`."""
    return AclSet(
        acl
        for acl in grants
        if acl.permission == "Allow"
        and (acl.principal == principal or WILDCARD_PRINCIPAL in {acl.principal, principal})
    )


def _opened_or_closed(
    code: str,
    ordinal: str,
    effect: str,
    by_resource: Mapping[tuple[str, str, str], AclBinding],
    places: Mapping[AclBinding, Location],
    guards: Guards,
) -> Iterator[Finding]:
    if not by_resource:
        return
    acls = [by_resource[key] for key in sorted(by_resource)]
    known = guards.authorizer.allow_everyone is True
    doubt = "" if known else ", if the brokers set allow.everyone.if.no.acl.found=true"
    yield Finding(
        code=code,
        severity=Severity.DANGER,
        message=f"the {ordinal} ACL on {_names([resource(acl) for acl in acls])} {effect}{doubt}",
        address="acl",
        where=places[acls[0]],
        consent=tuple(f"{ordinal} acl on {resource(acl)}" for acl in acls),
        help=""
        if known
        else "declare `authorizer: {allow-everyone: false}` for the cluster when the brokers do not set it",
        notes=("Kafka does not tell how allow.everyone.if.no.acl.found is set",) if not known else (),
    )


def _denials(grants: list[AclBinding], before: AclSet, want: WantedAcls, guards: Guards) -> Iterator[Finding]:
    """A DENY takes access from whoever has it, and from whoever is granted it later."""
    for acl in grants:
        if acl.permission != "Deny":
            continue
        hit = denied_by(acl, before, guards.authorizer)
        yield Finding(
            code="KO3108",
            severity=Severity.DANGER,
            message=f"{acl.principal} is denied {acl.operation} on {resource(acl)}{_from_host(acl)}",
            address=address(acl),
            where=want.bindings[acl],
            consent=("deny",),
            notes=tuple(f"takes {_listed(taken)} on {resource(one)} from {one.principal}" for one, taken in hit),
        )


def _lifted_denials(revokes: list[AclBinding], want: WantedAcls) -> Iterator[Finding]:
    for acl in revokes:
        if acl.permission == "Deny":
            yield Finding(
                code="KO3109",
                severity=Severity.DANGER,
                message=f"{acl.principal} is no longer denied {acl.operation} on {resource(acl)}{_from_host(acl)}",
                address=address(acl),
                where=want.managed[acl.principal],
                consent=("revoke",),
                help="declare the DENY to keep it",
            )


def _lockouts(
    grants: list[AclBinding], revokes: list[AclBinding], before: AclSet, after: AclSet, want: WantedAcls, guards: Guards
) -> Iterator[Finding]:
    """No consent helps here: what would take access from kafkaops, the brokers or break-glass is refused (decisions 26)."""
    exposed = frozenset(one for one in guards.guarded if not guards.authorizer.is_super(one))
    for acl in revokes:
        hit = exposed if acl.principal == WILDCARD_PRINCIPAL else exposed & {acl.principal}
        if hit and acl.permission == "Allow" and _takes(acl, hit, before, after):
            yield _lockout(acl, hit, want.managed[acl.principal], "its removal")
        elif _may_be_a_brokers(acl, before, after, guards):
            yield _lockout(acl, frozenset({acl.principal}), want.managed[acl.principal], "its removal")
    for acl in grants:
        if acl.permission != "Deny":
            continue
        hit = frozenset(
            one
            for one in (exposed if acl.principal == WILDCARD_PRINCIPAL else exposed & {acl.principal})
            if any(
                other.permission == "Allow" and overlaps(other, acl)
                for other in after.concerning(acl.resource_type, one)
            )
        )
        if hit:
            yield _lockout(acl, hit, want.bindings[acl], "this DENY")
    for acl in grants:  # each first one, since `--only` may leave some of them out
        if not _may_close(acl, guards) or before.touches_all_of(*acl.resource):
            continue
        hit = frozenset(one for one in exposed if _lacks_something(acl, one, after))
        if hit:
            yield _lockout(acl, hit, want.bindings[acl], "this first rule")


def _may_be_a_brokers(acl: AclBinding, before: AclSet, after: AclSet, guards: Guards) -> bool:
    """Nobody says who the brokers are, and brokers need ClusterAction: whoever loses it may be one."""
    if guards.brokers_known or acl.permission != "Allow":
        return False
    return "ClusterAction" in lost(acl, before=before, after=after, authorizer=guards.authorizer)


def _may_close(acl: AclBinding, guards: Guards) -> bool:
    """Whether a first rule ends what everybody may: certainly, or, undeclared, on the cluster itself, where a lockout cannot be undone."""
    everyone = guards.authorizer.allow_everyone
    return everyone is True or (everyone is None and acl.resource_type == "Cluster")


def _takes(acl: AclBinding, principals: frozenset[str], before: AclSet, after: AclSet) -> bool:
    """Whether any of them has less without this ALLOW; one for everybody counts as each one's own."""
    for principal in principals:
        mine = AclBinding(principal, "Allow", acl.operation, acl.resource_type, acl.pattern, acl.name, acl.host)
        kept = {
            operation
            for other in after.concerning(mine.resource_type, principal)
            if other.permission == "Allow" and covers(other, mine)
            for operation in gives(other.operation, other.resource_type)
        }
        if effective(mine, before) - kept:
            return True
    return False


def _lacks_something(acl: AclBinding, principal: str, after: AclSet) -> bool:
    """Whether the principal cannot do everything, from everywhere, on what the binding speaks of."""
    everything = AclBinding(principal, "Allow", "All", *acl.resource)
    return _takes(everything, frozenset({principal}), AclSet([everything]), after)


def _lockout(acl: AclBinding, hit: frozenset[str], where: Location, cause: str) -> Finding:
    return Finding(
        code="KO3901",
        severity=Severity.ERROR,
        message=f"{cause} would lock out {_listed(hit)}: {acl.permission.upper()} {acl.operation} on {resource(acl)}",
        address=address(acl),
        where=where,
        help="keep this access; who takes it over is granted it first, in a change of its own",
        notes=("kafkaops, the brokers and break-glass never lose access, whatever is acknowledged",),
    )


def _unexplained(revokes: list[AclBinding], live: LiveAcls, guards: Guards) -> Iterator[Finding]:
    """If we do not understand our own access, we do not understand what a removal does."""
    if not revokes:
        return
    told = live.operations
    if guards.own is None or told is None:
        yield _not_explained("who kafkaops is, or what it may do, is not known")
        return
    least, most = cluster_operations(live.acls, guards.authorizer, guards.own)
    if not least <= told <= most:
        yield _not_explained(
            f"by the ACLs, {guards.own} may {_listed(most) or 'nothing'} on the cluster; the brokers say {_listed(told) or 'nothing'}"
        )


def _not_explained(why: str) -> Finding:
    return Finding(
        code="KO3902",
        severity=Severity.ERROR,
        message=f"no ACL is removed, since kafkaops's own access cannot be explained: {why}",
        address="acl",
        help="declare `authorizer: {super-users: [...], allow-everyone: ..., principal: ...}` for the cluster as the brokers have it",
    )


def _remarks(grants: list[AclBinding], after: AclSet, want: WantedAcls) -> Iterator[Finding]:
    """Grants that do nothing, and grants that others already give."""
    for acl in grants:
        if acl.permission != "Allow":
            continue
        if not effective(acl, after):
            yield _remark("KO3103", Severity.WARNING, acl, "has no effect: a DENY stands before it", want)
        elif wider := _wider(acl, after, want):
            yield _remark(
                "KO3104", Severity.NOTICE, acl, f"is already given by {wider.principal} on {resource(wider)}", want
            )


def _wider(acl: AclBinding, after: AclSet, want: WantedAcls) -> AclBinding | None:
    """Among those that no file declares: what the files say twice is meant."""
    needed = gives(acl.operation, acl.resource_type)
    for other in sorted(after.concerning(acl.resource_type, acl.principal)):
        enough = needed <= gives(other.operation, other.resource_type)
        if other not in want.bindings and other.permission == "Allow" and enough and covers(other, acl):
            return other
    return None


def _remark(code: str, severity: Severity, acl: AclBinding, says: str, want: WantedAcls) -> Finding:
    return Finding(
        code=code,
        severity=severity,
        message=f"{acl.principal}: ALLOW {acl.operation} on {resource(acl)} {says}",
        address=address(acl),
        where=want.bindings[acl],
    )


def _strangers(before: AclSet, want: WantedAcls, guards: Guards) -> Iterator[Finding]:
    """ACLs of principals that no file names, on topics that the topology owns: told, not touched."""
    strangers = sorted(
        acl
        for acl in before.bindings
        if acl.resource_type == "Topic"
        and acl.principal not in want.managed
        and acl.principal not in guards.guarded
        and not guards.authorizer.is_super(acl.principal)
        and acl.name.startswith(want.domains)
    )
    for principal, group in groupby(strangers, key=lambda acl: acl.principal):
        acls = list(group)
        yield Finding(
            code="KO3106",
            severity=Severity.NOTICE,
            message=f"{principal} has {len(acls)} ACL{'s' if len(acls) > 1 else ''} on owned topics, and no file names it",
            address=principal_address(principal),
            notes=tuple(
                f"{acl.permission.upper()} {acl.operation} on {resource(acl)}{_from_host(acl)}" for acl in acls
            ),
            help="declare its access as an application or under `acls:`",
        )


def _listed(words: frozenset[str]) -> str:
    return ", ".join(sorted(words))


def _names(names: list[str], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _from_host(acl: AclBinding) -> str:
    return "" if acl.host == "*" else f" from {acl.host}"
