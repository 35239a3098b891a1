"""What apply does while the cluster changes, lags and fails under it. Half of it is about what is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from in_memory import World, consent_to, read, settings_text, written

from kafkaops import app
from kafkaops import apply as applying
from kafkaops.cluster import AlterTopic, ClusterFailure, FailureKind, KafkaError
from kafkaops.cluster.plain import acl
from kafkaops.cluster.snapshot import LOST, SnapshotCluster
from kafkaops.findings import Refusal
from kafkaops.plan import Phase, Plan, Result

REPLACED = """
domain: order
applications:
  order-service: {produces: [order.*]}
"""
"""A literal grant is replaced by a prefix: nobody is to lose anything."""
OLD = "User:order-service allow Write topic literal order.placed from *"
NEW = "User:order-service allow Write topic prefixed order. from *"
GONE = "it is no longer to be done: the cluster was changed since this plan was made"
OTHER = "the cluster was changed since this plan was made: what it takes is another thing now"


def world(folder: Path, text: str, live: dict[str, object]) -> World:
    """With consent to each danger."""
    files = {"kafkaops.yaml": settings_text({}), "order.yaml": text}
    cluster = SnapshotCluster.from_dict(live)
    asked = World(read(written(folder / "asked", files)), cluster)
    return World(read(written(folder / "agreed", files | consent_to(asked.plan()))), cluster)


def results(made: Plan, steps: tuple[applying.Step, ...]) -> dict[str, tuple[Result, str]]:
    """By change id, in the order in which it was done."""
    found = {one.change_id: (one.result, one.message) for step in steps for one in step.outcomes}
    assert found.keys() <= {change.id for change in made.changes}
    return found


def applied(world_: World, meanwhile: Callable[[], object] = lambda: None) -> dict[str, tuple[Result, str]]:
    """`meanwhile`: what happens between plan and apply."""
    with app.plan(world_.changing, world_.connect) as planned:
        assert not planned.plan.blocked
        meanwhile()
        return results(planned.plan, app.perform(world_.changing, planned, lambda _: None))


DONE = (Result.APPLIED, "")


# access


def test_access_goes_when_its_replacement_is_seen(tmp_path: Path) -> None:
    made = world(tmp_path, REPLACED, {"acls": [OLD]})

    assert applied(made) == {
        "acl:acl/User:order-service/topic/order.*/write": DONE,
        "acl:acl/User:order-service/topic/order.placed/write": DONE,
    }
    assert [(call.method, call.item) for call in made.cluster.calls] == [
        ("create_acls", acl(NEW)),
        ("delete_acls", acl(OLD)),
    ]


def test_access_stays_while_one_broker_does_not_show_its_replacement(tmp_path: Path) -> None:
    made = world(tmp_path, REPLACED, {"acls": [OLD]})

    def lag() -> None:
        made.cluster.lagging[2] = made.cluster.state

    assert applied(made, lag) == {
        "acl:acl/User:order-service/topic/order.*/write": DONE,
        "acl:acl/User:order-service/topic/order.placed/write": (
            Result.SKIPPED,
            "broker 2 does not show the grant of Write on topic order.* yet",
        ),
    }
    assert set(made.cluster.state.acls) == {acl(OLD), acl(NEW)}


def test_a_broker_that_is_down_is_not_waited_for(tmp_path: Path) -> None:
    made = world(tmp_path, REPLACED, {"acls": [OLD]})

    def fall() -> None:
        made.cluster.lagging[2] = made.cluster.state
        made.cluster.stop(2)

    assert set(applied(made, fall).values()) == {DONE}


def test_access_stays_when_its_replacement_failed(tmp_path: Path) -> None:
    made = world(tmp_path, REPLACED, {"acls": [OLD]})
    made.cluster.hook = lambda method, _: KafkaError("POLICY_VIOLATION", "no") if method == "create_acls" else None

    assert applied(made) == {
        "acl:acl/User:order-service/topic/order.*/write": (Result.FAILED, "POLICY_VIOLATION: no"),
        "acl:acl/User:order-service/topic/order.placed/write": (
            Result.SKIPPED,
            "its grant failed: acl/User:order-service/topic/order.*/write",
        ),
    }


def test_access_of_everybody_waits_for_the_grants_to_each(tmp_path: Path) -> None:
    text = REPLACED + 'principals: {"User:*": {manage: true}}\n'
    made = world(tmp_path, text, {"acls": ["User:* allow Write topic prefixed order. from *"]})
    made.cluster.hook = lambda method, _: KafkaError("POLICY_VIOLATION", "no") if method == "create_acls" else None

    assert applied(made)["acl:acl/User:*/topic/order.*/write"] == (
        Result.SKIPPED,
        "its grant failed: acl/User:order-service/topic/order.*/write",
    )


def test_access_of_another_principal_does_not_wait(tmp_path: Path) -> None:
    text = REPLACED + "  old-billing: {state: absent}\n"
    made = world(tmp_path, text, {"acls": ["User:old-billing allow Read topic literal order.placed from *"]})
    made.cluster.hook = lambda method, _: KafkaError("POLICY_VIOLATION", "no") if method == "create_acls" else None

    assert applied(made)["acl:acl/User:old-billing/topic/order.placed/read"] == DONE


def test_what_a_denial_hides_goes_before_the_denial(tmp_path: Path) -> None:
    text = 'principals: {"User:*": {manage: true}, User:intern: {state: absent}}\n'
    rules = [
        "User:* deny Read topic literal order.placed from *",
        "User:intern allow Read topic prefixed order. from *",
    ]
    made = world(tmp_path, text, {"acls": rules})

    applied(made)

    assert [call.item for call in made.cluster.calls] == [acl(rules[1]), acl(rules[0])]


# what changed meanwhile

SHORTER = """
topics:
  order.placed: {partitions: 1, replication-factor: 1, retention-ms: 1d, max-message-bytes: 2MiB}
  order.paid: {partitions: 1, replication-factor: 1, retention-ms: 1d}
"""
WEEK = {"partitions": 1, "config": {"retention.ms": "604800000"}}


def test_a_setting_that_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    made = world(tmp_path, SHORTER, {"topics": {"order.placed": WEEK, "order.paid": WEEK}})

    def meanwhile() -> None:
        made.cluster.alter_topics([AlterTopic("order.placed", {"retention.ms": "1209600000"})])

    assert applied(made, meanwhile) == {
        "topic:order.placed#max.message.bytes": DONE,
        "topic:order.paid#retention.ms": DONE,
        "topic:order.placed#retention.ms": (
            Result.SKIPPED,
            "the cluster was changed since this plan was made: retention.ms was 7d, is now 14d",
        ),
    }
    assert made.cluster.state.topics["order.placed"].overrides["retention.ms"] == "1209600000"


def test_a_change_that_somebody_else_made_is_not_made_again(tmp_path: Path) -> None:
    made = world(tmp_path, SHORTER, {"topics": {"order.placed": WEEK, "order.paid": WEEK}})

    def meanwhile() -> None:
        made.cluster.alter_topics([AlterTopic("order.paid", {"retention.ms": "86400000"})])

    assert applied(made, meanwhile)["topic:order.paid#retention.ms"] == (Result.SKIPPED, GONE)


def test_what_is_not_destructive_is_not_asked_about_again(tmp_path: Path) -> None:
    longer = SHORTER.replace("1d", "14d")
    made = world(tmp_path, longer, {"topics": {"order.placed": WEEK, "order.paid": WEEK}})

    def meanwhile() -> None:
        made.cluster.alter_topics([AlterTopic("order.paid", {"retention.ms": "86400000"})])

    assert set(applied(made, meanwhile).values()) == {DONE}


DELETED = "topics: {order.old: {state: absent}}\n"


def test_a_topic_that_came_back_under_its_name_is_not_deleted(tmp_path: Path) -> None:
    made = world(tmp_path, DELETED, {"topics": {"order.old": {"id": "AAAAAAAAAAAAAAAAAAAAAA"}}})

    def meanwhile() -> None:
        made.cluster.state = SnapshotCluster.from_dict({"topics": {"order.old": {"id": "B" * 22}}}).state

    assert applied(made, meanwhile) == {"topic:order.old": (Result.SKIPPED, OTHER)}
    assert made.cluster.calls == []


def test_a_topic_that_grew_partitions_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    made = world(tmp_path, DELETED, {"topics": {"order.old": {"partitions": 1}}})

    def meanwhile() -> None:
        grown = {"topics": {"order.old": {"partitions": 2}}}
        made.cluster.state = SnapshotCluster.from_dict(grown).state

    assert applied(made, meanwhile) == {"topic:order.old": (Result.SKIPPED, OTHER)}


def test_what_cannot_be_read_again_is_not_destroyed(tmp_path: Path) -> None:
    """Neither the steps before it nor what became of them are forgotten."""
    text = DELETED + REPLACED.replace("domain: order\n", "")
    made = world(tmp_path, text, {"topics": {"order.old": {}}})

    def meanwhile() -> None:
        made.cluster.hidden = frozenset({"order.old"})

    assert applied(made, meanwhile) == {
        "acl:acl/User:order-service/topic/order.*/write": DONE,
        "topic:order.old": (
            Result.SKIPPED,
            "the cluster could not be read again before it: could not be read, so nothing is planned: order.old (TOPIC_AUTHORIZATION_FAILED)",
        ),
    }


# when the cluster goes away


def test_after_the_cluster_went_away_nothing_more_is_tried(tmp_path: Path) -> None:
    text = REPLACED + "topics: {order.placed: {partitions: 1, replication-factor: 1}}\n"
    made = world(tmp_path, text, {})
    gone = ClusterFailure(FailureKind.UNREACHABLE, "no broker answers")
    made.cluster.hook = lambda method, _: gone if method == "create_acls" else None

    with app.plan(made.changing, made.connect) as planned:
        steps = app.perform(made.changing, planned, lambda _: None)
        outcomes = app.settle(planned.plan, steps, None)

    assert [step.phase for step in steps] == [Phase.GRANTS]
    assert [(one.result, one.message) for one in outcomes] == [
        (Result.FAILED, "no answer, so it may be done or not: no broker answers"),
        (Result.NOT_REACHED, ""),
    ]


def test_the_cluster_has_the_last_word_about_a_lost_answer(tmp_path: Path) -> None:
    made = world(tmp_path, REPLACED, {})
    made.cluster.hook = lambda method, _: LOST if method == "create_acls" else None

    with app.plan(made.changing, made.connect) as planned:
        steps = app.perform(made.changing, planned, lambda _: None)
        made.cluster.hook = None
        verified, left = app.verify(made.request, planned, lambda _: None, patience=0)
        outcomes = app.settle(planned.plan, steps, left)

    assert (verified.checked, verified.findings, left) == (1, (), frozenset())
    assert [(one.result, one.message) for one in outcomes] == [
        (Result.APPLIED, "seen done (TIMED_OUT: the answer was lost)")
    ]


def test_what_is_not_as_planned_is_said(tmp_path: Path) -> None:
    made = world(tmp_path, REPLACED, {})

    with app.plan(made.changing, made.connect) as planned:
        verified, left = app.verify(made.request, planned, lambda _: None, patience=0)

    assert left == {"acl:acl/User:order-service/topic/order.*/write"}
    assert [(one.code, one.message) for one in verified.findings] == [
        ("KO7003", "acl/User:order-service/topic/order.*/write: still to grant after apply")
    ]


# before the first write


def test_brokers_refuse_in_their_own_words_before_anything_is_written(tmp_path: Path) -> None:
    text = "topics: {order.placed: {partitions: 1, replication-factor: 4}, order.paid: {partitions: 1, replication-factor: 1}}\n"
    made = world(tmp_path, text, {})

    with app.plan(made.request, made.connect) as planned:
        (finding,) = app.broker_findings(planned)

    assert (finding.code, finding.address, finding.where and finding.where.line) == ("KO2302", "topic/order.placed", 1)
    assert finding.message.startswith("order.placed: the broker refuses to create it: INVALID_REPLICATION_FACTOR: ")
    assert dict(made.cluster.state.topics) == {}


def test_a_phantom_absence_is_found_by_the_controller(tmp_path: Path) -> None:
    """All brokers lag alike, and only the controller knows the topic."""
    made = world(tmp_path, "topics: {order.placed: {partitions: 1, replication-factor: 1}}\n", {})
    empty = made.cluster.state
    made.cluster.lagging = dict.fromkeys((1, 2, 3), empty)
    made.cluster.state = SnapshotCluster.from_dict({"topics": {"order.placed": {}}}).state

    with app.plan(made.request, made.connect) as planned:
        assert [change.id for change in planned.plan.changes] == ["topic:order.placed"]
        try:
            app.broker_findings(planned)
        except ClusterFailure as failure:
            said = (failure.kind, failure.message)

    assert said == (
        FailureKind.UNREACHABLE,
        "the controller knows topics that the brokers do not show yet: topic/order.placed",
    )


def test_a_cluster_without_a_pin_is_not_written_to(tmp_path: Path) -> None:
    files = {"kafkaops.yaml": settings_text({"clusters": {"test": {"cluster-id": None}}}), "order.yaml": REPLACED}
    made = World(read(written(tmp_path / "topology", files)), SnapshotCluster())

    try:
        app.needs_pin(made.request.entry, made.cluster.describe())
    except Refusal as refusal:
        said = (refusal.exit_code, [one.help for one in refusal.findings])

    assert said == (
        64,
        ["write `cluster-id: snapshot-cluster-0001A`; `kafkaops doctor --cluster test` prints the line"],
    )


# brokers that disagree


def test_criterion_29_brokers_that_do_not_agree_make_no_plan(tmp_path: Path) -> None:
    text = "topics: {order.placed: {partitions: 1, replication-factor: 1}}\n"
    made = World(
        read(written(tmp_path / "topology", {"kafkaops.yaml": settings_text({}), "order.yaml": text})),
        SnapshotCluster.from_dict({"topics": {"order.placed": {}}}),
    )
    made.cluster.lagging[3] = SnapshotCluster().state

    try:
        made.plan()
    except ClusterFailure as failure:
        said = failure.message

    assert said == (
        "the brokers do not agree on which topics there are: broker 3 differs from the others, unchanged for 0 s"
    )


class CatchingUp(SnapshotCluster):
    """All brokers lag alike while they list their topics, and have caught up when they are asked by name."""

    def topic_names(self, broker: int) -> dict[str, tuple[str, int]]:
        return {name: facts for name, facts in super().topic_names(broker).items() if name != "order.placed"}


def test_a_topic_that_every_broker_knows_by_name_is_there_though_none_listed_it(tmp_path: Path) -> None:
    text = "topics: {order.placed: {partitions: 1, replication-factor: 1}}\n"
    live = SnapshotCluster.from_dict({"topics": {"order.placed": {}}})
    cluster = CatchingUp(live.state.topics)

    made = World(
        read(written(tmp_path / "topology", {"kafkaops.yaml": settings_text({}), "order.yaml": text})), cluster
    ).plan()

    assert (made.changes, [one.code for one in made.findings if one.blocks]) == ((), [])
