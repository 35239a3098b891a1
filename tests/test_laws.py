"""What holds for every topology and every cluster, tried on many of both."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from in_memory import (
    World,
    acl_text,
    consent_to,
    exit_code,
    is_shown,
    lines,
    read,
    rendered,
    settings_text,
    turned,
    without_places,
    written,
    yaml_text,
)
from test_access import EVERY_REQUEST, Asked, broker_says, rules, speaks_of

from kafkaops.access import AclBinding, Authorizer
from kafkaops.cluster import AlterTopic, KafkaError
from kafkaops.cluster.snapshot import LOST, SnapshotCluster
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.topic.changes import CreateTopic, SetTopicConfig
from kafkaops.plan import Change, Origin, Outcome, Phase, Plan, Result

many = settings(max_examples=80)
some = settings(max_examples=30)

# topologies and clusters

VALUES: Mapping[str, tuple[object, ...]] = {
    "retention-ms": ("1h", "7d", "168h", 604_800_000, "forever"),
    "retention-bytes": ("unlimited", "1GiB"),
    "cleanup-policy": ("delete", ["compact", "delete"], ["delete", "compact"]),
    "min-insync-replicas": (1, 2),
    "max-message-bytes": (1_048_588, "2MiB"),
    "preallocate": (True, False),
}
LIVE_VALUES: Mapping[str, tuple[str, ...]] = {
    "retention.ms": ("3600000", "604800000", "-1"),
    "retention.bytes": ("-1", "1073741824"),
    "cleanup.policy": ("delete", "compact,delete", "delete,compact"),
    "min.insync.replicas": ("1", "2"),
    "max.message.bytes": ("1048588", "2097152"),
    "preallocate": ("true", "TRUE"),
    "segment.ms": ("3600000",),
    "message.format.version": ("2.8",),
    "leader.replication.throttled.replicas": ("*",),
}


def some_of(values: Mapping[str, tuple[Any, ...]]) -> st.SearchStrategy[dict[str, Any]]:
    chosen = {key: st.sampled_from(options) for key, options in values.items()}
    return st.fixed_dictionaries({}, optional=chosen)


present = st.builds(
    lambda partitions, config: {"partitions": partitions, "replication-factor": 2, **config},
    st.integers(2, 3),
    some_of(VALUES),
)
wanted_topics = st.fixed_dictionaries(
    {"order.x": present},
    optional={"order.x.y": st.one_of(present, st.just({"state": "absent"})), "pay": present},
)
names = st.sampled_from((["order.x"], ["order.*"], ["order.x.*", "pay"], ["*"], ["order.x", "order.*"]))
applications = st.fixed_dictionaries(
    {},
    optional={
        "a": st.one_of(
            st.fixed_dictionaries({}, optional={"produces": names, "host": st.just("10.0.0.1")}),
            st.builds(lambda topics: {"consumes": [{"topics": topics, "group": "g"}]}, names),
            st.just({"state": "absent"}),
        ),
        "b": st.builds(lambda produces: {"produces": produces}, names),
    },
)
PATTERNS = {"Literal": "literal", "Prefixed": "prefixed"}


def entry_of(rule: AclBinding) -> dict[str, Any]:
    named = {"cluster": rule.name} if rule.resource_type == "Cluster" else {"topic": rule.name}
    return {
        "principal": rule.principal,
        "permission": rule.permission.lower(),
        "operations": [rule.operation],
        "pattern": PATTERNS[rule.pattern],
        "host": rule.host,
        **named,
    }


raw = st.lists(rules.map(entry_of), max_size=3)
managed = st.fixed_dictionaries(
    {"User:*": st.just({"manage": True}), "User:b": st.just({"manage": True})},
    optional={"User:a": st.sampled_from(({"state": "unmanaged"}, {"manage": True}))},
)
AUTHORIZER: Mapping[str, st.SearchStrategy[Any]] = {
    "allow-everyone": st.sampled_from((True, False, None)),
    "super-users": st.just(["User:kafkaops"]),
}
CLOSED = {**AUTHORIZER, "allow-everyone": st.just(False)}
live_topic = st.builds(
    lambda partitions, config, size: {"partitions": partitions, "replication": 2, "config": config, "bytes": size},
    st.integers(1, 2),
    some_of(LIVE_VALUES),
    st.sampled_from((0, 2**40)),
)
live_topics = st.fixed_dictionaries(
    {"order.x": live_topic}, optional=dict.fromkeys(("order.x.y", "order.z"), live_topic)
)
broker_settings = some_of({"log.retention.ms": ("3600000", "604800000"), "min.insync.replicas": ("1", "2")})


@dataclass(frozen=True)
class Given:
    """A topology as data, and a cluster as `kafkaops.cluster.plain` writes it."""

    files: Mapping[str, str]
    live: Mapping[str, Any]

    def world(self, folder: Path) -> World:
        return World(read(written(folder, self.files)), SnapshotCluster.from_dict(self.live))


@st.composite
def givens(draw: st.DrawFn, authorizer: Mapping[str, st.SearchStrategy[Any]] = AUTHORIZER) -> Given:
    """Near enough to each other that some of it is in sync. About half of the rules are on both sides."""
    acls = draw(raw)
    both = draw(st.lists(st.sampled_from(acls), unique_by=repr, max_size=3)) if acls else []
    order = {"domain": "order", "topics": draw(wanted_topics), "applications": draw(applications)}
    access = {"acls": acls, "principals": draw(managed)}
    live = {
        "topics": draw(live_topics),
        "acls": sorted({*map(acl_text, draw(st.frozensets(rules, max_size=4))), *map(text_of, both)}),
        "brokers": [{"id": number, "rack": "r", "settings": draw(broker_settings)} for number in (1, 2)],
    }
    policy = {"safe-below-bytes": draw(st.sampled_from((0, "10MiB")))}
    return Given(
        {
            "kafkaops.yaml": settings_text(
                {"clusters": {"test": {"authorizer": draw(st.fixed_dictionaries(dict(authorizer)))}}, "policy": policy}
            ),
            "order.yaml": yaml_text({key: value for key, value in order.items() if value}),
            "access.yaml": yaml_text({key: value for key, value in access.items() if value}),
        },
        live,
    )


def text_of(entry: Mapping[str, Any]) -> str:
    kind = "cluster" if "cluster" in entry else "topic"
    return (
        f"{entry['principal']} {entry['permission']} {entry['operations'][0]} "
        f"{kind} {entry['pattern']} {entry[kind]} from {entry['host']}"
    )


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as found:
        yield Path(found)


@contextmanager
def agreed(given_: Given) -> Iterator[tuple[World, Plan]]:
    """With consent to every danger; what is blocked all the same is none of these laws' business."""
    with folder() as below:
        world = given_.world(below / "asked")
        assume(world.topology.valid)
        files = {**given_.files, **consent_to(world.plan())}
        world = replace(given_, files=files).world(below / "agreed")
        made = world.plan()
        assume(not made.blocked)
        yield world, made


# the laws


@some
@given(givens())
def test_what_was_applied_is_not_planned_again(given_: Given) -> None:
    with agreed(given_) as (world, made):
        outcomes = done(world)

        assert {outcome.result for outcome in outcomes} <= {Result.APPLIED}
        assert len(outcomes) == len(made.changes)
        assert world.plan().changes == ()


def done(world: World) -> list[Outcome]:
    return [outcome for step in world.apply() for outcome in step.outcomes]


@some
@given(givens())
def test_only_what_was_shown_is_asked_for(given_: Given) -> None:
    with agreed(given_) as (world, _):
        shown = world.document()

        world.apply()

        assert [call for call in world.cluster.calls if not is_shown(call, shown)] == []


@some
@given(givens(), st.randoms(use_true_random=False))
def test_criterion_27_no_order_changes_the_plan(given_: Given, random: Any) -> None:
    def mixed(value: Any) -> Any:
        if isinstance(value, dict):
            items = [(key, mixed(one)) for key, one in value.items()]
            random.shuffle(items)
            return dict(items)
        if isinstance(value, list) and len(value) > 1 and not isinstance(value[0], dict):
            return value
        return random.sample([mixed(one) for one in value], len(value)) if isinstance(value, list) else value

    texts = {
        name: text if name == "kafkaops.yaml" else yaml_text(mixed(json.loads(text)))
        for name, text in given_.files.items()
    }
    with folder() as below:
        world = given_.world(below / "topology")
        assume(world.topology.valid)
        other = replace(given_, files=dict(reversed(texts.items()))).world(below / "other")

        assert rendered(world.with_cluster(turned(world.cluster))) == rendered(world)
        assert sorted(without_places(lines(other)).splitlines()) == sorted(without_places(lines(world)).splitlines())


@some
@given(givens())
def test_planning_only_reads(given_: Given) -> None:
    with folder() as below:
        world = given_.world(below / "topology")
        before = world.cluster.state

        assert exit_code(world.plan()) in {Exit.DONE, Exit.CHANGES, Exit.BLOCKED} if world.topology.valid else True

        assert world.cluster.calls == []
        assert world.cluster.state == before


@many
@given(givens())
def test_a_plan_without_danger_takes_no_access(given_: Given) -> None:
    """And each request that is refused from then on is named by a change that carries a danger, or by the first rule on a resource."""
    with folder() as below:
        world = given_.world(below / "topology")
        assume(world.topology.valid)
        made = world.plan()
        before = frozenset(world.cluster.state.acls)
        after = applied(before, made)
        openness = world.request.entry.authorizer.allow_everyone

        for allow_everyone in (True, False) if openness is None else (openness,):
            authorizer = Authorizer(frozenset({"User:kafkaops"}), allow_everyone)
            for asked in taken(before, after, authorizer):
                assert any(tells_of(finding.code, asked, made, before) for finding in made.findings), asked


@many
@given(
    givens({"allow-everyone": st.booleans(), "super-users": st.just(["User:kafkaops"]), "brokers": st.just(["User:b"])})
)
def test_the_brokers_never_lose_access_by_a_plan_that_is_not_refused(given_: Given) -> None:
    with folder() as below:
        world = given_.world(below / "topology")
        assume(world.topology.valid)
        made = world.plan()
        entry = world.request.entry
        before = frozenset(world.cluster.state.acls)
        lost = taken(before, applied(before, made), entry.authorizer)

        if any(one.principal == "User:b" for one in lost):
            assert any(one.severity is Severity.ERROR for one in made.findings)


def applied(before: frozenset[AclBinding], made: Plan) -> frozenset[AclBinding]:
    gone = {change.binding for change in made.changes if isinstance(change, RevokeAcl)}
    return (before - gone) | {change.binding for change in made.changes if isinstance(change, GrantAcl)}


def taken(before: frozenset[AclBinding], after: frozenset[AclBinding], authorizer: Authorizer) -> list[Asked]:
    return [
        asked
        for asked in EVERY_REQUEST
        if broker_says(before, authorizer, asked) and not broker_says(after, authorizer, asked)
    ]


def tells_of(code: str, asked: Asked, made: Plan, before: frozenset[AclBinding]) -> bool:
    if code == "KO3101":
        return not any(speaks_of(replace(one, principal="User:*", host="*"), asked) for one in before)
    return code in {"KO3107", "KO3108"} and any(
        code in change.codes and speaks_of(change.binding, asked)
        for change in made.changes
        if isinstance(change, GrantAcl | RevokeAcl)
    )


@many
@given(givens(CLOSED))
def test_nobody_loses_or_gains_access_in_passing(given_: Given) -> None:
    """At every moment of apply. A DENY that is new comes after the grants, so that one may open what it closes."""
    with agreed(given_) as (world, made):
        authorizer = Authorizer(frozenset({"User:kafkaops"}), allow_everyone=False)
        before = frozenset(world.cluster.state.acls)
        after = applied(before, made)
        closes = any(isinstance(one, GrantAcl) and one.binding.permission == "Deny" for one in made.changes)
        kept = [
            asked
            for asked in EVERY_REQUEST
            if broker_says(before, authorizer, asked) and broker_says(after, authorizer, asked)
        ]
        never = [] if closes else refused_by_both(before, after, authorizer)

        def look(method: str, _: object) -> None:
            if method in {"create_acls", "delete_acls"}:
                now = frozenset(world.cluster.state.acls)
                assert [one for one in kept if not broker_says(now, authorizer, one)] == []
                assert [one for one in never if broker_says(now, authorizer, one)] == []

        world.cluster.hook = look
        world.apply()


def refused_by_both(before: frozenset[AclBinding], after: frozenset[AclBinding], authorizer: Authorizer) -> list[Asked]:
    return [
        asked
        for asked in EVERY_REQUEST
        if not broker_says(before, authorizer, asked) and not broker_says(after, authorizer, asked)
    ]


# when something goes wrong


class Killed(BaseException):
    """The process is gone."""


@some
@given(givens(), st.integers(0, 30), st.booleans())
def test_a_killed_apply_is_finished_by_the_same_command(given_: Given, calls: int, after_it: bool) -> None:
    """Killed before a call, or after it was done and before its answer came."""
    with agreed(given_) as (world, _):
        undisturbed = world.with_cluster(world.cluster.copy())
        undisturbed.apply()
        world.cluster.hook = killer(calls, after_it=after_it)
        with suppress(Killed):
            world.apply()
        world.cluster.hook = None

        again = world.plan()
        assert not again.blocked
        world.apply()

        assert contents(world.cluster) == contents(undisturbed.cluster)


def killer(calls: int, *, after_it: bool) -> Any:
    left = iter(range(calls))

    def hook(method: str, _: object) -> KafkaError | None:
        if next(left, None) is not None:
            return None
        if after_it and method in {"create_topics", "create_partitions", "alter_topics", "delete_topics"}:
            return LOST
        raise Killed

    return hook


def contents(cluster: SnapshotCluster) -> tuple[object, object]:
    """Everything but the ids and places that the controller chose."""
    state = cluster.state
    topics = {
        name: (len(topic.assignment), len(topic.assignment[0]), dict(topic.overrides))
        for name, topic in state.topics.items()
    }
    return topics, frozenset(state.acls)


@some
@given(givens(), st.data())
def test_a_failed_item_stops_only_what_depends_on_it(given_: Given, data: st.DataObject) -> None:
    with agreed(given_) as (world, made):
        assume(made.changes)
        victim = data.draw(st.sampled_from(made.changes))
        world.cluster.hook = refuse(victim)

        outcomes = {outcome.change_id: outcome.result for outcome in done(world)}

        assert outcomes.keys() == {change.id for change in made.changes}
        for change in made.changes:
            expected = {Result.APPLIED}
            if change.id == victim.id or one_request(change, victim):
                expected = {Result.FAILED}
            elif change.address == victim.address and stale_goes_with(victim, made):
                expected = {Result.APPLIED, Result.FAILED}  # a stale override blocks the topic's other settings
            elif waits_for(change, victim):
                expected = {Result.SKIPPED}
            assert outcomes[change.id] in expected, (change, victim)
        world.cluster.hook = None
        world.apply()
        left = world.plan()
        assert left.changes == () or left.blocked  # what is half done may be a danger that nobody was asked about


def stale_goes_with(victim: Change, made: Plan) -> bool:
    return any(
        one.id == f"topic:{victim.address.removeprefix('topic/')}#message.format.version" for one in made.changes
    )


def refuse(victim: Change) -> Any:
    method = {
        Phase.GRANTS: {"create_acls"},
        Phase.CREATES: {"create_topics"},
        Phase.SAFE: {"alter_topics", "create_partitions"},
        Phase.REVOKES: {"create_acls", "delete_acls"},
        Phase.LOSSES: {"alter_topics"},
        Phase.DELETES: {"delete_topics"},
    }[victim.phase]
    if victim.fields and victim.fields[0].name == "partitions" and not isinstance(victim, CreateTopic):
        method = {"create_partitions"}
    elif victim.phase is Phase.SAFE:
        method = {"alter_topics"}
    refused: list[object] = []

    def hook(asked: str, item: object) -> KafkaError | None:
        if asked not in method or item_address(item) != item_address_of(victim) or refused:
            return None
        if isinstance(victim, SetTopicConfig) and isinstance(item, AlterTopic) and victim.key not in item.configs:
            return None
        refused.append(item)
        return KafkaError("POLICY_VIOLATION", "no")

    return hook


def item_address(item: object) -> object:
    if isinstance(item, AclBinding):
        return item
    return item[0] if isinstance(item, tuple) and not hasattr(item, "name") else getattr(item, "name", None)


def item_address_of(change: Change) -> object:
    if isinstance(change, GrantAcl | RevokeAcl):
        return change.binding
    return change.address.removeprefix("topic/")


def one_request(change: Change, victim: Change) -> bool:
    """Settings of one topic in one phase go together."""
    settings_ = {"partitions"}.isdisjoint(field.name for field in (*change.fields, *victim.fields))
    return change.address == victim.address and change.phase == victim.phase and settings_


def waits_for(change: Change, victim: Change) -> bool:
    """Access that goes waits for the grants to its principal, and to or from everybody."""
    if victim.phase is not Phase.GRANTS or change.phase is not Phase.REVOKES:
        return False
    whose = {one.address.split("/")[1] for one in (change, victim)}
    return len(whose) == 1 or "User:*" in whose


# this change, or drift


def bare(findings: Iterable[Finding]) -> set[tuple[str, str, tuple[str, ...]]]:
    """What is to be answered for, whoever has to: grouped by origin, one finding may be two."""
    return {
        (one.code, one.address, (entry,))
        for one in findings
        for entry in one.consent or ("",)
        if one.severity is not Severity.NOTICE
    }


@some
@given(givens())
def test_beside_its_own_files_every_change_is_drift_and_none_is_another(given_: Given) -> None:
    with folder() as below:
        world = given_.world(below / "head")
        assume(world.topology.valid)
        alone, beside = world.plan(), replace(world, base=world.topology).plan()

        assert beside.changes == alone.changes
        assert bare(beside.findings) == bare(alone.findings)
        assert set((beside.origins or {}).values()) <= {Origin.DRIFT}
        assert not any(one.blocks for one in beside.findings if one.severity is Severity.DANGER)


@some
@given(givens(), givens())
def test_beside_other_files_the_same_is_done_and_more_only_where_somebody_was_left_out(
    head: Given, base: Given
) -> None:
    with folder() as below:
        world, was = head.world(below / "head"), base.world(below / "base").topology
        assume(world.topology.valid and was.valid)
        settings_ = replace(
            was.settings, clusters=world.topology.settings.clusters, policy=world.topology.settings.policy
        )
        alone, beside = world.plan(), replace(world, base=replace(was, settings=settings_)).plan()
        asked = {one.id for one in alone.changes}
        more = [one for one in beside.changes if one.id not in asked]

        assert asked <= {one.id for one in beside.changes}
        assert all(isinstance(one, RevokeAcl) for one in more)
        assert beside.origins is not None
        assert beside.origins.keys() == {one.id for one in beside.changes}
        assert all(beside.origins[one] is Origin.DRIFT for one in beside.held_back if not waits(one, beside))


def waits(id_: str, made: Plan) -> bool:
    """A revoke may wait for a grant that is held back, whoever asks for the revoke."""
    change = next(one for one in made.changes if one.id == id_)
    return isinstance(change, RevokeAcl) or (isinstance(change, GrantAcl) and change.phase is Phase.REVOKES)


@some
@given(givens(), givens())
def test_where_the_base_is_live_nothing_is_drift(head: Given, base: Given) -> None:
    with agreed(base) as (was, _), folder() as below:
        was.apply()
        assume(not was.plan().changes)
        world = replace(head.world(below / "head"), cluster=was.cluster)
        assume(world.topology.valid)
        with suppress(Refusal):
            made = replace(world, base=was.topology).plan()

            assert set((made.origins or {}).values()) <= {Origin.PULL_REQUEST}
            assert made.held_back == frozenset()
