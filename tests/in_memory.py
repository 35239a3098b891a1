"""A topology folder against a cluster in memory: what the commands do between reading files and printing, without either end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any

from kafkaops import app, journal, logbook, relocation, report, topology
from kafkaops import apply as applying
from kafkaops.access import AclBinding
from kafkaops.apply import AT_ONCE
from kafkaops.attribution import Base
from kafkaops.cluster import AlterTopic, ClusterFailure, KafkaError, MorePartitions, NewTopic, TopicPartition
from kafkaops.cluster.snapshot import Call, SnapshotCluster, SnapshotState
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.journal import Ending, Memory, Revision, Runner
from kafkaops.kinds.acl.changes import GrantAcl, RevokeAcl
from kafkaops.kinds.topic.changes import CreateTopic, DeleteTopic
from kafkaops.lint import RULES
from kafkaops.logbook import Caller
from kafkaops.moving.mover import Clock
from kafkaops.moving.progress import Progress
from kafkaops.plan import Change, From, Origin, Phase, Plan, Result, Value
from kafkaops.report import Document
from kafkaops.settings import ClusterEntry
from kafkaops.topology import Topology
from kafkaops.view import machine

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = date(2026, 9, 1)
"""A day on which an acknowledgement of today still holds."""

SETTINGS: Mapping[str, Any] = {
    "version": 1,
    "policy": {"lint": dict.fromkeys(RULES, "off")},
    "clusters": {
        "test": {
            "bootstrap-servers": ["localhost:9092"],
            "cluster-id": "snapshot-cluster-0001A",
            "authorizer": {
                "super-users": ["User:kafkaops"],
                "allow-everyone": False,
                "principal": "User:kafkaops",
            },
        }
    },
}
"""kafkaops.yaml where a test does not care: one cluster, whose authorizer is declared, and no lint."""


def settings_text(more: Mapping[str, Any]) -> str:
    return yaml_text(_merged(SETTINGS, more))


def yaml_text(value: Any) -> str:
    """JSON is YAML, and is written ten times as fast."""
    return json.dumps(value, indent=1, default=str)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Key by key; null takes a key out."""
    keys = [*below, *(key for key in above if key not in below)]
    both = {key: _one(below.get(key), above[key]) if key in above else below[key] for key in keys}
    return {key: value for key, value in both.items() if value is not None}


def _one(below: Any, above: Any) -> Any:
    return _merged(below, above) if isinstance(below, Mapping) and isinstance(above, Mapping) else above


def written(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def read(folder: Path, *, cluster: str | None = None) -> Topology:
    return topology.read(folder, shown=lambda path: path.name, version="0.1.0", today=NOW.date(), cluster=cluster)


NOWHERE = Revision()


def caller(revision: Revision = NOWHERE, *, comes_from: Callable[[str], bool] = lambda _: True) -> Caller:
    """Another run each time."""
    return Caller(
        id=journal.run_id(NOW, f"{next(_runs):06x}"),
        runner=Runner("ci", "runner-7", 4711, "https://ci.example/jobs/1"),
        revision=revision,
        clock=lambda: NOW,
        comes_from=comes_from,
    )


_runs = count(1)


def _last(steps: Iterable[Progress]) -> Progress:
    *_, last = steps
    return last


@dataclass(frozen=True)
class World:
    """A topology, a cluster, and what the command line would add. `patience`: seconds for brokers that disagree. `base`: the topology of `--base`."""

    topology: Topology
    cluster: SnapshotCluster
    named: str | None = None
    only: tuple[str, ...] = ()
    patience: float = 0.0
    base: Topology | None = None
    base_name: str = "main"
    rebalance: bool = False
    caller: Caller = field(default_factory=caller)

    @property
    def request(self) -> app.Request:
        asked = app.Request(
            command="plan",
            topology=self.topology,
            entry=self.topology.entry(self.named),
            now=NOW,
            only=self.only,
            patience=self.patience,
        )
        asked = app.rebalanced(asked) if self.rebalance else asked
        if self.base is None:
            return asked
        compared = report.Compared("4c1f0e2" + "0" * 33, dirty=False, base="91ab773" + "0" * 33, name=self.base_name)
        return app.compared(asked, self.base, Base(compared))

    def connect(self, _: ClusterEntry) -> tuple[SnapshotCluster, str | None]:
        return self.cluster, None

    def plan(self) -> Plan:
        with app.plan(self.request, self.connect) as planned:
            return planned.plan

    @property
    def changing(self) -> app.Request:
        """Of a run that has the lock, on a cluster that is pinned."""
        pinned = replace(self.request.entry, cluster_id=self.cluster.describe().cluster_id)
        return replace(self.request, command="apply", entry=pinned, caller=self.caller)

    def apply(self) -> tuple[applying.Step, ...]:
        """As the command does, from the lock to the end that is written."""
        request = self.changing
        with app.plan(request, self.connect) as planned:
            if not planned.plan.to_do:
                app.close_idle(request, planned)
                return ()
            if planned.plan.movement is None:
                return self._made(request, planned, app.perform(request, planned, lambda _: None))
            with relocation.alone(
                self.cluster, request.entry, replace(self.caller, id=f"{self.caller.id}-move")
            ) as log:
                steps = app.perform(request, planned, lambda _: None)
                outcomes = app.settle(planned.plan.part(AT_ONCE), steps, None)
                relocation.carry_out(request, planned, log, outcomes, _last, clock=Clock(lambda: 0.0, self._copied))
            with app.again_alone(request, planned, f"{self.caller.id}-after") as after:
                steps += app.perform(request, after, lambda _: None, phases={Phase.AFTER_MOVES})
                return self._made(request, after, steps)

    def _made(
        self, request: app.Request, planned: app.Planned, steps: tuple[applying.Step, ...]
    ) -> tuple[applying.Step, ...]:
        _, left = app.verify(request, planned, lambda _: None, patience=-1)
        outcomes = app.settle(planned.plan, steps, left)
        how = Ending.DONE if {one.result for one in outcomes} == {Result.APPLIED} else Ending.INCOMPLETE
        app.close(request, planned, how, outcomes, seen=True)
        return steps

    def _copied(self, _: float) -> None:
        """Everything that is on its way is there."""
        listed = self.cluster.reassignments()
        for key, on_way in {} if isinstance(listed, KafkaError) else listed.items():
            for broker in on_way.adding:
                self.cluster.copied(key, broker, None)

    def memory(self) -> Memory:
        """What the journal tells."""
        return logbook.read(self.cluster.journal())[1]

    def document(self) -> report.Document:
        """What `plan -o json` writes; the times of the reading are those of the run."""
        with app.plan(self.request, self.connect) as planned:
            header = replace(planned.header, read_at=NOW, seconds=0.0)
            return report.plan_document(planned.plan, header, exit_code(planned.plan))

    def with_cluster(self, cluster: SnapshotCluster) -> World:
        return replace(self, cluster=cluster)


def exit_code(plan: Plan) -> int:
    """Of `plan --detailed-exitcode`."""
    if plan.blocked:
        return Exit.BLOCKED
    return Exit.CHANGES if plan.changes else Exit.DONE


def rendered(world: World) -> str:
    return machine.render(world.document())


def turned(cluster: SnapshotCluster) -> SnapshotCluster:
    """The same cluster, whose answers come in another order."""
    twin, state = cluster.copy(), cluster.state
    twin.state = SnapshotState(
        dict(reversed(list(state.topics.items()))), dict(reversed(list(state.acls.items()))), state.created
    )
    return twin


# a plan as lines


def lines(world: World) -> str:
    """The whole outcome of `plan`, a line for each change and finding and one for the exit code; a refusal alike."""
    if not world.topology.valid:
        return _text([finding_line(one) for one in world.topology.findings], Exit.INVALID)
    try:
        made = world.plan()
    except Refusal as refusal:
        return _text([finding_line(one) for one in refusal.findings], refusal.exit_code)
    except ClusterFailure as failure:
        code, finding = app.failure_finding(failure)
        return _text([finding_line(finding)], code)
    told = [*(_whose(one, made) + change_line(one) for one in made.changes), *map(finding_line, made.findings)]
    return _text(told, exit_code(made))


def _text(told: Sequence[str], code: int) -> str:
    return "\n".join([*told, f"exit {code}"]) + "\n"


def _whose(change: Change, made: Plan) -> str:
    """Nothing for what the files ask for now."""
    if change.id in made.held_back:
        return "held back "
    return "drift " if made.origins and made.origins[change.id] is Origin.DRIFT else ""


def without_places(text: str) -> str:
    return re.sub(r" @ [\w.-]+:\d+", "", text)


def change_line(change: Change) -> str:
    codes = "".join(f" {code}" for code in change.codes)
    match change:
        case GrantAcl():
            return f"+ acl {acl_text(change.binding)}{codes}"
        case RevokeAcl():
            return f"- acl {acl_text(change.binding)}{codes}"
        case CreateTopic():
            config = ", ".join(f"{one.name}: {_side(one.after)}" for one in change.fields[2:])
            where = "" if change.assignment is None else f" on {list(map(list, change.assignment))}"
            return (
                f"+ topic {change.topic.name} {change.topic.partitions}x{change.topic.replication} {{{config}}}{where}"
            )
        case DeleteTopic():
            return f"- topic {change.name} {change.topic_id}{codes}"
        case _:
            (only,) = change.fields
            name = change.address.removeprefix("topic/")
            moves = "".join(f"\n    {one.partition}: {list(one.old)} -> {list(one.new)}" for one in change.moves)
            return f"~ topic {name} {only.name} {_side(only.before)} -> {_side(only.after)}{codes}{moves}"


def _side(value: Value | None) -> str:
    """Where a value is neither from a file nor from the topic itself, that is said."""
    if value is None:
        return "nothing"
    if value.source in {From.FILE, From.TOPIC}:
        return value.text
    return f"{value.text} ({value.source})" if value.text else value.source


def acl_text(acl: AclBinding) -> str:
    """As `live: acls:` has it."""
    kind = {"TransactionalId": "transactional-id", "DelegationToken": "delegation-token"}.get(
        acl.resource_type, acl.resource_type.lower()
    )
    words = (acl.principal, acl.permission.lower(), acl.operation, kind, acl.pattern.lower(), acl.name)
    return f"{' '.join(words)} from {acl.host}"


def finding_line(finding: Finding) -> str:
    """`danger KO2104 topic/x @ order.yaml:5: retention.ms 2 -> 1`: what consent must name, else the message."""
    severity = "held" if finding.held_back else "acknowledged" if finding.acknowledged else finding.severity
    place = f" @ {finding.where.file}:{finding.where.line}" if finding.where else ""
    says = "; ".join(finding.consent) if finding.severity is Severity.DANGER and finding.consent else finding.message
    return f"{severity} {finding.code} {finding.address or '-'}{place}: {says}"


# consent, and what was shown


def consent_to(made: Plan) -> dict[str, str]:
    """A file that consents to every danger of the plan, by its values."""
    rows = [
        {
            "code": one.code,
            "on": one.address,
            "cluster": "test",
            "change": list(one.consent),
            "until": LATER,
            "reason": "a law",
        }
        for one in made.findings
        if one.severity is Severity.DANGER and one.consent
    ]
    return {"consent.yaml": yaml_text({"acknowledge": rows})}


def is_shown(call: Call, document: Document) -> bool:
    """Whether the document that people approve has this very request."""
    entries = [entry for entry in document["changes"] if entry["api_call"] == REQUESTS[call.method]]
    match call.item:
        case NewTopic():
            wanted = {"partitions": str(call.item.partitions), "replication.factor": str(call.item.replication)}
            fields = wanted | dict(call.item.configs)
            return any(
                entry["address"] == f"topic/{call.item.name}"
                and {one["name"]: one["after"]["value"] for one in entry["fields"]} == fields
                for entry in entries
            )
        case MorePartitions(name=name, total=total):
            return any(
                entry["address"] == f"topic/{name}" and entry["after"]["value"] == str(total) for entry in entries
            )
        case TopicPartition() | (TopicPartition(), _):
            return any(_is_move(call.item, entry, move) for entry in entries for move in entry["moves"])
        case AlterTopic(name=name, configs=configs):
            return configs == {
                entry["field"]: entry["after"]["value"] if entry["after"]["from"] == "file" else None
                for entry in entries
                if entry["address"] == f"topic/{name}" and entry["field"] in configs
            }
        case AclBinding() as acl:
            side = "before" if call.method == "delete_acls" else "after"
            return any(tuple(entry[side].values()) == flat(acl) for entry in entries)
        case (str(name), str(id_)):
            return any(
                entry["address"] == f"topic/{name}" and any(id_ in ack for ack in consents(entry, document))
                for entry in entries
            )
        case _:
            raise AssertionError(call)


def _is_move(item: object, entry: Document, move: Document) -> bool:
    """An election, by its partition alone; a reassignment, to what is shown, or to the step before it, where what leaves is still there."""
    key, target = item if isinstance(item, tuple) and not isinstance(item, TopicPartition) else (item, move["to"])
    on_the_way = set(move["to"]) <= set(target) <= {*move["from"], *move["to"]}
    return key == (entry["address"].removeprefix("topic/"), move["partition"]) and (
        list(target) == move["to"] or (on_the_way and len(target) > len(move["to"]))
    )


REQUESTS = {
    "create_topics": "createTopics",
    "create_partitions": "createPartitions",
    "alter_topics": "incrementalAlterConfigs",
    "delete_topics": "deleteTopics",
    "reassign": "alterPartitionReassignments",
    "elect_preferred": "alterPartitionReassignments",  # a move says who leads after it
    "create_acls": "createAcls",
    "delete_acls": "deleteAcls",
}


def flat(acl: AclBinding) -> tuple[str, ...]:
    return (acl.principal, acl.permission, acl.operation, acl.resource_type, acl.pattern, acl.name, acl.host)


def consents(entry: Document, document: Document) -> list[str]:
    """A deletion's topic id is in what is consented to."""
    return [
        text
        for one in document["findings"]
        if one["ref"] in entry["findings"] and one["ack"]
        for text in one["ack"]["change"]
    ]
