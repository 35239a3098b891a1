"""What `status` tells: the cluster and its journal read as they are now, and the document of it. Changes nothing, and waits for nobody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from kafkaops import condition, journal, logbook, report, units
from kafkaops.cluster import Cluster, ClusterFailure, ConfigEntry, ConfigSource, KafkaError, LogDir
from kafkaops.cluster.agreement import on_all
from kafkaops.cluster.journal import Lock
from kafkaops.condition import Ailing, Facts, Flight, Journal, State, Throttle
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.journal import AtWork, Memory, On
from kafkaops.kind import Reading
from kafkaops.report import Document, Header

T = TypeVar("T")


def look(reading: Reading) -> Facts:
    """Errors: ClusterFailure when no broker can be asked. What one of them does not tell is left unknown."""
    cluster, described = reading.cluster, reading.described
    live = [broker.id for broker in described.brokers]
    names = sorted(cluster.topic_names(live[0]))
    flights = cluster.reassignments()
    moving = [] if isinstance(flights, KafkaError) else sorted(flights)
    return Facts(
        described=described,
        views=cluster.topics(live[0], names) if names else {},
        overrides=cluster.topic_overrides(names) if names else {},
        settings=on_all(live, _or_unknown(cluster.broker_configs)),
        flights=flights,
        dirs=on_all(live, _or_unknown(lambda broker: cluster.log_dirs(broker, moving))),
        journal=remembered(reading),
    )


def throttled(reading: Reading, lists: Mapping[str, Mapping[str, str]]) -> tuple[Finding, ...]:
    """What was left behind of these lists of throttled replicas, by topic, and of what was lent with them; where there are none, nothing is asked."""
    if not lists:
        return ()
    flights = reading.cluster.reassignments()
    if isinstance(flights, KafkaError):
        return ()
    live = [broker.id for broker in reading.described.brokers]
    settings = on_all(live, _or_unknown(reading.cluster.broker_configs))
    overrides = {
        name: {key: ConfigEntry(text, ConfigSource.DYNAMIC_TOPIC) for key, text in its.items()}
        for name, its in lists.items()
    }
    found = condition.throttles(settings, overrides, flights, remembered(reading))
    # other topics may have lists too, for which a rate of nobody's that is known is needed
    orphaned = [one for one in found if one.orphaned and (one.run or one.setting.on is On.TOPIC)]
    return tuple(condition.about_throttles(orphaned, flights, reading.entry.name))


def _or_unknown(ask: Callable[[int], T | KafkaError]) -> Callable[[int], T | KafkaError]:
    """A broker that went away meanwhile is no reason to tell nothing of the others."""

    def asked(broker: int) -> T | KafkaError:
        try:
            return ask(broker)
        except ClusterFailure as failure:
            return KafkaError("DISCONNECTED", failure.message)

    return asked


def remembered(reading: Reading) -> Journal:
    """What cannot be read is said in its place, since the brokers' part is worth as much without."""
    if not reading.entry.journals:
        return Journal(why="`journal: off`")
    try:
        memory = logbook.read(reading.cluster.journal())[1]
    except (ClusterFailure, Refusal) as problem:
        return Journal(None, _holders(reading.cluster, Memory()), str(problem))
    return Journal(memory, _holders(reading.cluster, memory))


def _holders(cluster: Cluster, memory: Memory) -> tuple[AtWork, ...] | None:
    book = cluster.journal()
    try:
        found = [(lock, book.holder(lock)) for lock in Lock]
    except ClusterFailure:
        return None
    return tuple(journal.at_work(lock, one.client_id, one.host, memory) for lock, one in found if one)


# the document


def document(facts: Facts, header: Header) -> Document:
    """Lists are whole; null is what is not known."""
    found = condition.findings(facts, header.cluster)
    flights = condition.in_flight(facts)
    return report.status_document(
        header,
        _verdict(found, flights),
        found,
        {
            "brokers": list(_brokers(facts)),
            "partitions": _partitions(facts),
            "reassignments": None if flights is None else [_flight(one) for one in flights],
            "throttles": [_throttle(one) for one in _throttles(facts)],
            "journal": _journal(facts.journal),
        },
        Exit.DONE,
    )


def _verdict(found: Sequence[Finding], flights: Sequence[Flight] | None) -> str:
    if any(one.severity is Severity.WARNING for one in found):
        return "attention"
    return "moving" if flights else "quiet"


def _brokers(facts: Facts) -> Iterator[Document]:
    for broker in facts.described.brokers:
        dirs = facts.dirs[broker.id]
        yield {
            "id": broker.id,
            "rack": broker.rack,
            "live": True,
            "log_dirs": None if isinstance(dirs, KafkaError) else [_log_dir(one) for one in dirs],
        }
    for down in facts.described.fenced:
        yield {"id": down, "rack": None, "live": False, "log_dirs": None}


def _log_dir(one: LogDir) -> Document:
    return {
        "path": one.path,
        "total_bytes": one.total,
        "usable_bytes": one.usable,
        "cordoned": one.cordoned,
        "error": str(one.error) if one.error else None,
    }


def _partitions(facts: Facts) -> Document:
    views = [one for one in facts.views.values() if not isinstance(one, KafkaError)]
    ailing = condition.ailing(facts)
    counts = {state.value: sum(state in one.states for one in ailing) for state in State}
    least_known = not condition.least_unknown(facts)
    return {
        "topics": len(views),
        "partitions": sum(len(one.assignment) for one in views),
        **counts,
        State.UNDER_MIN_ISR.value: counts[State.UNDER_MIN_ISR] if least_known else None,
        "ailing": [_ailing(one) for one in ailing],
    }


def _ailing(one: Ailing) -> Document:
    return {
        "topic": one.partition.topic,
        "partition": one.partition.partition,
        "replicas": list(one.replicas),
        "isr": list(one.isr),
        "leader": one.leader,
        "min_insync_replicas": one.least,
        "states": [state.value for state in one.states],
    }


def _flight(one: Flight) -> Document:
    return {
        "topic": one.partition.topic,
        "partition": one.partition.partition,
        "from": list(one.old),
        "to": list(one.new),
        "adding": [
            {"broker": broker, "copied_bytes": copied, "of_bytes": one.size} for broker, copied in one.copied.items()
        ],
        "removing": list(one.removing),
        "run": one.run or None,
        "half_undone": one.undone,
    }


def _throttles(facts: Facts) -> Sequence[Throttle]:
    return condition.throttles(facts.settings, facts.overrides, facts.flights, facts.journal)


def _throttle(one: Throttle) -> Document:
    rate = int(one.value) if one.setting.on is On.BROKER and one.value.isdecimal() else None
    return {
        "on": one.setting.on.value,
        "name": one.setting.name,
        "key": one.setting.key,
        "value": one.value,
        "display": one.value if rate is None else f"{units.about(rate)}/s",
        "whose": one.whose.value,
        "run": one.run or None,
        "idle": one.idle,
    }


def _journal(one: Journal) -> Document:
    return {
        "known": one.memory is not None,
        "why": one.why,
        "holders": None if one.holders is None else [report.holder(holder) for holder in one.holders],
        "last_apply": report.last_run(one.last) if one.last else None,
    }
