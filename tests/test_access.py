"""The authorizer's rules, row by row (kafka-semantics 4.1), and against a second evaluation that shares no line with the first."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkaops.access import (
    OPERATIONS,
    AclBinding,
    AclSet,
    Authorizer,
    allowed,
    cluster_operations,
    covers,
    denied_by,
    effective,
    gives,
    lost,
    overlaps,
)
from kafkaops.cluster.plain import acl

CLOSED = Authorizer(super_users=frozenset(), allow_everyone=False)
OPEN = Authorizer(super_users=frozenset(), allow_everyone=True)


class Asked(NamedTuple):
    """One request to a broker."""

    principal: str = "User:a"
    operation: str = "Read"
    resource_type: str = "Topic"
    name: str = "order.placed"
    host: str = "10.0.0.1"


def answer(rules: list[str], asked: Asked, authorizer: Authorizer = CLOSED) -> bool | None:
    return allowed(AclSet(map(acl, rules)), authorizer, **asked._asdict())


READ = "User:a allow Read topic literal order.placed from *"


@pytest.mark.parametrize(
    ("fact", "rules", "asked", "expected"),
    [
        ("no rule, no access", [], Asked(), False),
        ("the rule itself", [READ], Asked(), True),
        ("another operation", [READ], Asked(operation="Write"), False),
        ("another principal", [READ], Asked(principal="User:b"), False),
        ("principals are told apart by case", [READ], Asked(principal="User:A"), False),
        ("another name", [READ], Asked(name="order.placed.v2"), False),
        ("names are told apart by case", [READ], Asked(name="Order.placed"), False),
        ("another type of resource", [READ], Asked(resource_type="Group"), False),
        ("a prefix", ["User:a allow Read topic prefixed order. from *"], Asked(), True),
        ("a prefix is its own name too", ["User:a allow Read topic prefixed order.placed from *"], Asked(), True),
        ("a prefix of another name", ["User:a allow Read topic prefixed orders from *"], Asked(), False),
        ("a longer name is no prefix", ["User:a allow Read topic prefixed order.placed.v1 from *"], Asked(), False),
        ("a lone star is every name", ["User:a allow Read topic literal * from *"], Asked(), True),
        ("a star after a literal name is a letter", ["User:a allow Read topic literal order.* from *"], Asked(), False),
        ("a prefix star is a letter", ["User:a allow Read topic prefixed * from *"], Asked(), False),
        ("everybody", ["User:* allow Read topic literal order.placed from *"], Asked(), True),
        ("a star in a principal is a letter", ["User:a* allow Read topic literal order.placed from *"], Asked(), False),
        ("one address", ["User:a allow Read topic literal order.placed from 10.0.0.1"], Asked(), True),
        ("another address", ["User:a allow Read topic literal order.placed from 10.0.0.2"], Asked(), False),
        ("no networks", ["User:a allow Read topic literal order.placed from 10.0.0.0/8"], Asked(), False),
        ("a denial wins", [READ, "User:a deny Read topic prefixed order. from *"], Asked(), False),
        ("a denial for everybody wins", [READ, "User:* deny Read topic literal * from *"], Asked(), False),
        ("a denial of all wins", [READ, "User:a deny All topic literal order.placed from *"], Asked(), False),
        ("a denial from elsewhere", [READ, "User:a deny Read topic literal order.placed from 10.0.0.2"], Asked(), True),
        ("a denial of another operation", [READ, "User:a deny Write topic literal order.placed from *"], Asked(), True),
        ("to read is to describe", [READ], Asked(operation="Describe"), True),
        (
            "not to read is not not to describe",
            [READ, "User:a deny Read topic literal order.placed from *"],
            Asked(operation="Describe"),
            True,
        ),
        ("to describe is not to read", [READ.replace("Read", "Describe")], Asked(), False),
        ("to create is not to describe", [READ.replace("Read", "Create")], Asked(operation="Describe"), False),
        ("all", [READ.replace("Read", "All")], Asked(operation="AlterConfigs"), True),
        (
            "to alter settings is to describe them",
            [READ.replace("Read", "AlterConfigs")],
            Asked(operation="DescribeConfigs"),
            True,
        ),
    ],
)
def test_rule_of_the_authorizer(fact: str, rules: list[str], asked: Asked, expected: bool) -> None:
    assert answer(rules, asked) is expected, fact


@pytest.mark.parametrize("operation", ["Read", "Write", "Delete", "Alter"])
def test_these_operations_give_describe(operation: str) -> None:
    assert gives(operation, "Topic") == {operation, "Describe"}


@pytest.mark.parametrize("operation", ["Create", "Describe", "DescribeConfigs"])
def test_these_operations_give_only_themselves(operation: str) -> None:
    assert gives(operation, "Topic") == {operation}


@pytest.mark.parametrize("operation", ["ClusterAction", "IdempotentWrite", "Create"])
def test_these_operations_on_the_cluster_give_only_themselves(operation: str) -> None:
    assert gives(operation, "Cluster") == {operation}


def test_an_operation_of_a_newer_kafka_gives_itself() -> None:
    assert gives("Unknown(15)", "Topic") == {"Unknown(15)"}


def test_a_super_user_may_do_what_is_denied() -> None:
    root = Authorizer(super_users=frozenset({"User:a"}), allow_everyone=False)

    assert answer(["User:a deny All topic literal * from *"], Asked(), root) is True


def test_without_any_rule_on_it_a_resource_may_be_open() -> None:
    assert answer([], Asked(), OPEN) is True


def test_a_rule_of_anybody_closes_an_open_resource() -> None:
    assert answer(["User:b allow Write topic prefixed order. from 10.0.0.9"], Asked(), OPEN) is False


def test_a_denial_of_anybody_closes_an_open_resource() -> None:
    assert answer(["User:b deny Write topic literal order.placed from *"], Asked(), OPEN) is False


def test_a_rule_on_another_resource_closes_nothing() -> None:
    assert answer(["User:b allow Write topic literal payment from *"], Asked(), OPEN) is True


def test_what_is_not_declared_is_not_known() -> None:
    closed_or_open = Authorizer(super_users=frozenset(), allow_everyone=None)
    anybody_super = Authorizer(super_users=None, allow_everyone=False)

    assert answer([], Asked(), closed_or_open) is None
    assert answer([], Asked(), anybody_super) is None
    assert answer([READ], Asked(), anybody_super) is True


# against a second evaluation

PRINCIPALS = ("User:a", "User:b")
HOSTS = ("10.0.0.1", "10.0.0.2")
NAMES = {"Topic": ("o", "order.", "order.x", "order.x.y", "pay"), "Cluster": ("kafka-cluster",)}
EVERY_REQUEST = [
    Asked(principal, operation, kind, name, host)
    for kind, names in NAMES.items()
    for principal, operation, name, host in product(PRINCIPALS, OPERATIONS[kind], names, HOSTS)
]

topic_rules = st.builds(
    AclBinding,
    principal=st.sampled_from((*PRINCIPALS, "User:*")),
    permission=st.sampled_from(("Allow", "Allow", "Deny")),
    operation=st.sampled_from((*OPERATIONS["Topic"], "All", "Read", "Write")),
    resource_type=st.just("Topic"),
    pattern=st.sampled_from(("Literal", "Prefixed")),
    name=st.sampled_from((*NAMES["Topic"], "*")),
    host=st.sampled_from(("*", "*", *HOSTS)),
)
cluster_rules = st.builds(
    AclBinding,
    principal=st.sampled_from((*PRINCIPALS, "User:*")),
    permission=st.sampled_from(("Allow", "Deny")),
    operation=st.sampled_from((*OPERATIONS["Cluster"], "All")),
    resource_type=st.just("Cluster"),
    pattern=st.just("Literal"),
    name=st.just("kafka-cluster"),
    host=st.sampled_from(("*", *HOSTS)),
)
rules = st.one_of(topic_rules, topic_rules, cluster_rules)
rule_sets = st.frozensets(rules, max_size=6)
authorizers = st.builds(
    Authorizer,
    super_users=st.sampled_from([frozenset[str](), frozenset({"User:b"})]),
    allow_everyone=st.booleans(),
)


def broker_says(acls: frozenset[AclBinding], authorizer: Authorizer, asked: Asked) -> bool:
    """As kafka-semantics 4.1 is written, step by step, on the whole list."""
    assert authorizer.super_users is not None
    if asked.principal in authorizer.super_users:
        return True
    on_it = [one for one in acls if speaks_of_resource(one, asked)]
    mine = [one for one in on_it if one.principal in ("User:*", asked.principal) and one.host in ("*", asked.host)]
    for one in mine:
        if one.permission == "Deny" and one.operation in ("All", asked.operation):
            return False
    for one in mine:
        if one.permission == "Allow" and asked.operation in allowed_by(one.operation, asked.operation):
            return True
    return not on_it and authorizer.allow_everyone is True


def speaks_of_resource(one: AclBinding, asked: Asked) -> bool:
    if one.resource_type != asked.resource_type:
        return False
    if one.pattern == "Prefixed":
        return asked.name[: len(one.name)] == one.name
    return one.name in ("*", asked.name)


def allowed_by(operation: str, asked: str) -> tuple[str, ...]:
    match operation:
        case "All":
            return (asked,)
        case "Read" | "Write" | "Delete" | "Alter":
            return (operation, "Describe")
        case "AlterConfigs":
            return (operation, "DescribeConfigs")
        case _:
            return (operation,)


def speaks_of(one: AclBinding, asked: Asked) -> bool:
    return (
        one.principal in ("User:*", asked.principal)
        and one.host in ("*", asked.host)
        and speaks_of_resource(one, asked)
    )


@given(rule_sets, authorizers)
def test_every_answer_is_the_brokers(acls: frozenset[AclBinding], authorizer: Authorizer) -> None:
    indexed = AclSet(acls)

    for asked in EVERY_REQUEST:
        assert allowed(indexed, authorizer, **asked._asdict()) is broker_says(acls, authorizer, asked), asked


@given(rules, rules)
def test_a_rule_that_covers_another_speaks_of_all_that_it_does(wide: AclBinding, narrow: AclBinding) -> None:
    if covers(wide, narrow):
        assert all(speaks_of(wide, asked) for asked in EVERY_REQUEST if speaks_of(narrow, asked))


@given(rules, rules)
def test_rules_that_speak_of_one_request_overlap(one: AclBinding, other: AclBinding) -> None:
    together = any(speaks_of(one, asked) and speaks_of(other, asked) for asked in EVERY_REQUEST)

    assert overlaps(one, other) == overlaps(other, one)
    assert overlaps(one, other) or not together


@given(rule_sets, st.frozensets(rules, max_size=3), authorizers, st.data())
def test_no_access_is_lost_in_silence(
    acls: frozenset[AclBinding], more: frozenset[AclBinding], authorizer: Authorizer, data: st.DataObject
) -> None:
    """Whatever ALLOWs go, in whatever company: each request that is refused from then on is named by one of them."""
    gone = data.draw(st.frozensets(st.sampled_from(sorted(acls)))) if acls else frozenset[AclBinding]()
    gone = frozenset(one for one in gone if one.permission == "Allow")
    added = frozenset(one for one in more if one.permission == "Allow")
    before, after = acls, (acls - gone) | added
    losses = {one: lost(one, before=AclSet(before), after=AclSet(after), authorizer=authorizer) for one in gone}

    for asked in EVERY_REQUEST:
        by_a_rule = broker_says(before, Authorizer(authorizer.super_users, allow_everyone=False), asked)
        if by_a_rule and not broker_says(after, authorizer, asked):
            assert any(asked.operation in losses[one] and speaks_of(one, asked) for one in gone), asked


@given(rule_sets, topic_rules, authorizers)
def test_whom_a_denial_hits_is_named(acls: frozenset[AclBinding], rule: AclBinding, authorizer: Authorizer) -> None:
    deny = AclBinding(rule.principal, "Deny", rule.operation, *rule.resource, rule.host)
    hit = denied_by(deny, AclSet(acls), authorizer)
    closed = Authorizer(authorizer.super_users, allow_everyone=False)

    for asked in EVERY_REQUEST:
        if broker_says(acls, closed, asked) and not broker_says(acls | {deny}, closed, asked):
            assert any(speaks_of(one, asked) and asked.operation in taken for one, taken in hit), asked


@given(rules, rule_sets)
def test_an_allow_gives_no_more_than_it_says(rule: AclBinding, acls: frozenset[AclBinding]) -> None:
    """And all of what it gives, somebody can use who is not denied it in part."""
    allow = AclBinding(rule.principal, "Allow", rule.operation, *rule.resource, rule.host)
    given_ = effective(allow, AclSet(acls))

    assert given_ <= gives(allow.operation, allow.resource_type)
    for asked in EVERY_REQUEST:
        if speaks_of(allow, asked) and asked.operation not in given_:
            alone = frozenset({allow, *(one for one in acls if one.permission == "Deny")})
            assert not broker_says(alone, CLOSED, asked)


@given(rule_sets, topic_rules)
def test_where_every_resource_is_touched_no_openness_is_left(acls: frozenset[AclBinding], rule: AclBinding) -> None:
    if AclSet(acls).touches_all_of(*rule.resource):
        meant = [asked for asked in EVERY_REQUEST if speaks_of_resource(rule, asked)]
        assert all(any(speaks_of_resource(one, asked) for one in acls) for asked in meant)


@given(st.frozensets(cluster_rules, max_size=6), authorizers, st.sampled_from(PRINCIPALS))
def test_what_one_may_do_on_the_cluster_is_bounded(
    acls: frozenset[AclBinding], authorizer: Authorizer, principal: str
) -> None:
    least, most = cluster_operations(AclSet(acls), authorizer, principal)

    for host in (*HOSTS, "10.9.9.9"):
        told = {
            operation
            for operation in OPERATIONS["Cluster"]
            if broker_says(acls, authorizer, Asked(principal, operation, "Cluster", "kafka-cluster", host))
        }
        assert least <= told <= most
