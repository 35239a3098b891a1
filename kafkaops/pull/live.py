"""What of the live cluster is meant, and what of that the language can say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from kafkaops.access import WILDCARD_PRINCIPAL, AclBinding
from kafkaops.app import Request
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kind import Reading
from kafkaops.kinds.acl import wire as acl_wire
from kafkaops.kinds.acl.model import WantedAcls, principal_address
from kafkaops.kinds.topic import wire as topic_wire
from kafkaops.kinds.topic.model import LiveTopic, Topic
from kafkaops.kinds.topic.parse import legal_name
from kafkaops.pull import roles
from kafkaops.pull.draft import Found


@dataclass(frozen=True, slots=True)
class Live:
    """`unreadable`: topics, with the broker's word. `missing`: topics that are declared, and not live."""

    topics: Mapping[str, LiveTopic]
    unreadable: Mapping[str, str]
    principals: Mapping[str, frozenset[AclBinding]]
    missing: Mapping[str, Topic] = field(default_factory=dict)

    def addresses(self) -> Iterator[str]:
        yield from (f"topic/{name}" for name in (*self.topics, *self.unreadable, *self.missing))
        yield from map(principal_address, self.principals)


def read(request: Request, reading: Reading) -> Live:
    """Kafka's own topics and those that the topology ignores are not asked for."""
    topics: Mapping[str, LiveTopic] = {}
    unreadable: Mapping[str, str] = {}
    if reading.entry.manages_topics:
        everything = topic_wire.read_all(
            reading.cluster,
            reading.described,
            lambda name: not request.topology.settings.ignores(name),
            patience=reading.patience,
        )
        topics, unreadable = everything.topics, everything.unreadable
    principals: dict[str, set[AclBinding]] = {}
    if reading.entry.manages_acls:
        for acl in acl_wire.read(
            reading.cluster, reading.described, WantedAcls(), patience=reading.patience
        ).acls.bindings:
            principals.setdefault(acl.principal, set()).add(acl)
    return Live(topics, unreadable, {name: frozenset(acls) for name, acls in sorted(principals.items())})


# what is meant


def chosen(request: Request, live: Live, patterns: Sequence[str]) -> Live:
    """By pattern, whatever matches; without one what no file declares: everything where nothing is declared yet, else the topics of its domains."""
    desired = request.desired
    if patterns:
        either = _with_the_declared(request, live)
        _refuse_idle(patterns, either)
        return _only(either, lambda address: any(fnmatchcase(address, one) for one in patterns))
    if not (desired.topics or desired.acls.managed):
        return live
    own = desired.domains
    undeclared = {
        f"topic/{name}"
        for name in (*live.topics, *live.unreadable)
        if own and name.startswith(own) and name not in desired.topics
    }
    return _only(live, lambda address: address in undeclared)


def _with_the_declared(request: Request, live: Live) -> Live:
    """Also what is gone: a principal of which nothing is live has no rule."""
    entry, desired = request.entry, request.desired
    topics = desired.topics if entry.manages_topics else {}
    missing = {
        name: topic
        for name, topic in topics.items()
        if isinstance(topic, Topic) and name not in live.topics and name not in live.unreadable
    }
    nothing = dict.fromkeys(desired.acls.managed if entry.manages_acls else (), frozenset[AclBinding]())
    return replace(live, missing=missing, principals={**nothing, **live.principals})


def _only(live: Live, wanted: Callable[[str], bool]) -> Live:
    return Live(
        {name: one for name, one in live.topics.items() if wanted(f"topic/{name}")},
        {name: one for name, one in live.unreadable.items() if wanted(f"topic/{name}")},
        {name: one for name, one in live.principals.items() if wanted(principal_address(name))},
        {name: one for name, one in live.missing.items() if wanted(f"topic/{name}")},
    )


def _refuse_idle(patterns: Iterable[str], live: Live) -> None:
    known = list(live.addresses())
    for pattern in patterns:
        if not any(fnmatchcase(address, pattern) for address in known):
            raise Refusal(
                Exit.USAGE,
                Finding(
                    code="KO7005",
                    severity=Severity.ERROR,
                    message=f"`{pattern}` matches nothing that is live and may be declared",
                    help="write `topic/NAME` or `acl/PRINCIPAL`, or a pattern such as `topic/order.*`; access is whole per principal",
                ),
            )


# what can be said


def sayable(request: Request, reading: Reading, live: Live) -> tuple[Found, dict[str, Finding]]:
    left = {f"topic/{name}": f"could not be read ({why})" for name, why in live.unreadable.items()}
    left |= {f"topic/{name}": f"is declared in {one.where.file}, and not live" for name, one in live.missing.items()}
    left |= {f"topic/{name}": why for name, one in live.topics.items() if (why := _unsayable(name, one))}
    guarded = _guarded(request, reading)
    notes: dict[str, Finding] = {}
    for principal, bindings in live.principals.items():
        address = principal_address(principal)
        if principal in guarded:
            notes[address] = _guarded_one(principal, address, len(bindings))
        elif problems := sorted(why for acl in bindings if (why := roles.unsayable(acl))):
            left[address] = problems[0] + (f", and {len(problems) - 1} more" if len(problems) > 1 else "")
    topics = {name: one for name, one in live.topics.items() if f"topic/{name}" not in left}
    principals = {name: one for name, one in live.principals.items() if not {principal_address(name)} & {*left, *notes}}
    told = {address: left_out(address, why) for address, why in left.items()}
    return Found(topics, principals), {**told, **notes}


def _unsayable(name: str, topic: LiveTopic) -> str | None:
    hidden = sorted(key for key, value in topic.overrides.items() if value is None)
    if (why := legal_name(name)) is not None:
        return why
    if topic.moving:
        return "is being reassigned, so its replication factor cannot be told"
    if len(topic.replications) > 1:
        counts = " and ".join(str(count) for count in sorted(topic.replications))
        return f"its partitions have {counts} replicas, and a topic is declared with one number"
    return f"Kafka does not tell the value of `{hidden[0]}`" if hidden else None


def _guarded(request: Request, reading: Reading) -> frozenset[str]:
    """Who is managed only when somebody says so (decisions 8), and has not been named yet."""
    entry = request.entry
    own = {reading.own} if reading.own else set()
    supers = entry.authorizer.super_users or frozenset()
    return frozenset(
        {*entry.principals.guarded(), *own, *supers, WILDCARD_PRINCIPAL} - request.desired.acls.managed.keys()
    )


def left_out(address: str, why: str) -> Finding:
    name = address.partition("/")[2]
    why = why.removeprefix(f"`{name}`: ")
    return Finding(
        code="KO7030",
        severity=Severity.WARNING,
        message=f"{name}: {why}",
        address=address,
        help="mend it on the cluster or in the files, then pull it again; until then no file declares it",
    )


def _guarded_one(principal: str, address: str, count: int) -> Finding:
    return Finding(
        code="KO7031",
        severity=Severity.NOTICE,
        message=f"{principal}: {'1 ACL stays as it is' if count == 1 else f'{count} ACLs stay as they are'}",
        address=address,
        help=f'write `principals: {{"{principal}": {{manage: true}}}}` to manage them here, then pull them',
    )
