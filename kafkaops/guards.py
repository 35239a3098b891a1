"""What stops a plan, read from two commits: the stricter of both holds, and weakening one is told as a danger (decisions 10). Pure.

Whoever opens a pull request can write its kafkaops.yaml; a guard that the same change could take away would guard nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from kafkaops import units
from kafkaops.access import Authorizer
from kafkaops.findings import Finding, Severity
from kafkaops.lint import RULES
from kafkaops.settings import ClusterEntry, Policy, Principals, Settings
from kafkaops.source import Document, locate


def stricter(base: Settings, head: Settings, cluster: str) -> Settings:
    """The settings of `head`, with every guard as strict as in either, for that cluster."""
    was, now = base.clusters.get(cluster), head.clusters[cluster]
    return replace(
        head,
        protect=_both(head.protect, base.protect),
        ignore=_both(head.ignore, base.ignore),
        policy=_policy(base.policy, head.policy),
        clusters={**head.clusters, cluster: now if was is None else _entry(was, now)},
    )


def _both(head: Sequence[str], base: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*head, *base)))


def _policy(base: Policy, head: Policy) -> Policy:
    return Policy(
        safe_below_bytes=min(base.safe_below_bytes, head.safe_below_bytes),
        max_deletes=min(base.max_deletes, head.max_deletes),
        max_revokes=min(base.max_revokes, head.max_revokes),
        lint={**head.lint, **{rule: was for rule, was, _ in _looser(base, head)}},
    )


def _looser(base: Policy, head: Policy) -> list[tuple[str, str, str]]:
    """Lint rules that say less: the rule, its level before and now."""
    levels = [(rule, _level(base.lint, rule), _level(head.lint, rule)) for rule in sorted(RULES)]
    return [(rule, was, now) for rule, was, now in levels if _LEVELS.index(now) < _LEVELS.index(was)]


_LEVELS = ("off", "warning", "error")


def _level(lint: Mapping[str, str], rule: str) -> str:
    return lint.get(rule, RULES[rule][1].value)


def _entry(base: ClusterEntry, head: ClusterEntry) -> ClusterEntry:
    return replace(
        head,
        authorizer=_authorizer(base.authorizer, head.authorizer),
        principals=_principals(base.principals, head.principals),
    )


def _authorizer(base: Authorizer, head: Authorizer) -> Authorizer:
    """A super user loses nothing by any revoke, and a closed resource opens to nobody: both are believed only where both commits say so."""
    supers = None if base.super_users is None or head.super_users is None else base.super_users & head.super_users
    return Authorizer(supers, max(base.allow_everyone, head.allow_everyone, key=_OPENNESS.index))


_OPENNESS: tuple[bool | None, ...] = (False, None, True)


def _principals(base: Principals, head: Principals) -> Principals:
    """Nobody is left out of those who must not be locked out; who the brokers are is known only where both say so."""
    brokers = _both(head.brokers, base.brokers) if base.brokers and head.brokers else ()
    merged = Principals(base.own or head.own, base.plan or head.plan, brokers)
    others = (base.guarded() | head.guarded()) - merged.guarded()
    return replace(merged, break_glass=tuple(sorted(others)))


# what is weakened


@dataclass(frozen=True, slots=True)
class _Weaker:
    """`at`: the keys of the setting in kafkaops.yaml. `what`: one entry of consent for each thing that it guards no longer."""

    at: tuple[str, ...]
    what: tuple[str, ...]


def weakened(base: Settings, head: Settings, cluster: str, document: Document | None) -> Iterator[Finding]:
    """One danger for each guard that `head` loosens. `document`: its kafkaops.yaml, None where it has none any more."""
    was, now = base.clusters.get(cluster), head.clusters[cluster]
    found = [*_of_all_clusters(base, head), *(() if was is None else _of_one(was, now))]
    for one in found:
        if one.what:
            yield _danger(one, document)


def _of_all_clusters(base: Settings, head: Settings) -> Iterator[_Weaker]:
    for guard in ("protect", "ignore"):
        gone = [one for one in getattr(base, guard) if not _covered(one, getattr(head, guard))]
        yield _Weaker((guard,), tuple(f"remove {one}" for one in gone))
    old, new = base.policy, head.policy
    for key, before, after in (
        ("max-deletes", old.max_deletes, new.max_deletes),
        ("max-revokes", old.max_revokes, new.max_revokes),
    ):
        yield _Weaker(("policy", key), (f"{key} from {before} to {after}",) if after > before else ())
    small = (old.safe_below_bytes, new.safe_below_bytes)
    says = f"safe-below-bytes from {units.show_size(small[0])} to {units.show_size(small[1])}"
    yield _Weaker(("policy", "safe-below-bytes"), (says,) if small[1] > small[0] else ())
    for rule, before_, after_ in _looser(old, new):
        yield _Weaker(("policy", "lint", rule), (f"{rule} from {before_} to {after_}",))


def _of_one(was: ClusterEntry, now: ClusterEntry) -> Iterator[_Weaker]:
    old, new = was.authorizer, now.authorizer
    more = (new.super_users or frozenset()) - (old.super_users or frozenset())
    less = was.principals.guarded() - now.principals.guarded() - (new.super_users or frozenset())
    told = [f"add super-user {one}" for one in sorted(more)]
    told += [f"remove {one}" for one in sorted(less)]
    told += ["add brokers"] if now.principals.brokers and not was.principals.brokers else []
    if _OPENNESS.index(new.allow_everyone) < _OPENNESS.index(old.allow_everyone):
        told.append(f"allow-everyone from {_said(old.allow_everyone)} to {_said(new.allow_everyone)}")
    yield _Weaker(("clusters", now.name, "authorizer"), tuple(told))


def _said(value: bool | None) -> str:
    return "undeclared" if value is None else str(value).lower()


def _covered(pattern: str, by: Sequence[str]) -> bool:
    """Whether some pattern matches whatever this one does; a pattern of stars and plain letters is matched as a name is."""
    return any(pattern == one or (not set("?[") & set(one) and fnmatchcase(pattern, one)) for one in by)


def _danger(weaker: _Weaker, document: Document | None) -> Finding:
    *_, guard = weaker.at
    return Finding(
        code="KO5104",
        severity=Severity.DANGER,
        message=f"`{guard}` guards less: {', '.join(weaker.what)}",
        address=f"kafkaops.yaml#{'.'.join(weaker.at)}",
        where=None if document is None else locate(document.root, weaker.at, key=True),
        consent=weaker.what,
        help="acknowledge it; what needs the weaker guard is for a later merge",
        notes=("in this plan the stricter guard of both commits still holds",),
    )
