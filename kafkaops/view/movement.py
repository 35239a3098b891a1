"""DATA MOVEMENT: what is copied, how long that takes, and what it does to disks and racks."""

from __future__ import annotations

from collections.abc import Iterator

from kafkaops import units
from kafkaops.view.lines import Document
from kafkaops.view.words import counted, name_of

_MIB = 2**20
_MOST = 5


def facts(document: Document) -> Iterator[tuple[str, str]]:
    """By name, each a sentence without its full stop. Nothing where nothing moves."""
    cost = document.get("data_movement")
    if cost is None:
        return
    yield "copies", _copies(cost)
    yield "topics", _topics(document)
    yield "throttle", _throttle(cost)
    if cost["brokers"]:
        yield "brokers", _brokers(cost)
    if cost["racks"]:
        yield "racks", _racks(cost["racks"])
    if cost["leaders_changed"]:
        yield "leaders", f"{counted(cost['leaders_changed'], 'partition')} will prefer another one"
    if cost["window"]:
        needed = cost["window"]["needed"]
        about = "" if needed is None else f"; it takes about {counted(needed, 'window')}"
        yield "window", f"copies start only in {cost['window']['open']}{about}"


def _copies(cost: Document) -> str:
    replicas = [f"{counted(cost['replicas_added'], 'replica')} of {counted(cost['partitions'], 'partition')} to copy"]
    replicas += [f"{cost['replicas_removed']:,} to remove"] if cost["replicas_removed"] else []
    took = f", about {units.span(cost['estimate_s'])}" if cost["estimate_s"] is not None else ""
    if not cost["bytes"]:
        return f"{', '.join(replicas)}, without data"
    least = "the least possible" if cost["proved_minimal"] else f"at least {units.about(cost['lower_bound_bytes'])}"
    return f"{units.about(cost['bytes'])}{took} ({least}); {', '.join(replicas)}"


def _topics(document: Document) -> str:
    moved = [
        (sum(move["bytes"] for move in change["moves"]), name_of(change["address"]))
        for change in document["changes"]
        if change.get("moves")
    ]
    largest = sorted(moved, key=lambda one: (-one[0], one[1]))
    shown = [f"{name} {units.about(size)}" for size, name in largest[:_MOST]]
    more = len(largest) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def _throttle(cost: Document) -> str:
    rate, live = cost["throttle_bytes_per_s"], cost["live_write_bytes_per_s"]
    told = "none is declared: as fast as brokers can" if rate is None else f"{_rate(rate)} per broker"
    if rate is not None and cost["bytes"]:
        told += ", live writes are not known" if live is None else f", of which live writes take {_rate(live)}"
    prices = [
        f"{_rate(one['throttle_bytes_per_s'])}: {_time(one['estimate_s'])}" for one in cost["prices"] if cost["bytes"]
    ]
    return told + (f" ({', '.join(prices)})" if prices else "")


def _time(seconds: int | None) -> str:
    return "never ends" if seconds is None else units.span(seconds)


def _rate(rate: float) -> str:
    return f"{units.about(int(rate))}/s"


def _brokers(cost: Document) -> str:
    receives = sorted(
        ((one["receives_bytes"], one["broker"]) for one in cost["brokers"] if one["receives_bytes"]), reverse=True
    )
    shown = [f"{broker} receives {units.about(size)}" for size, broker in receives[:_MOST]]
    more = len(receives) - len(shown)
    told = ", ".join(shown) + (f" and {more:,} more receive less" if more else "")
    disk = cost["fullest_disk"]
    if disk is None:
        return told or "none receives data"
    full = f"fullest disk {disk['before']:.0%} -> {disk['after']:.0%} (broker {disk['broker']})"
    return f"{told}; {full}"


def _racks(racks: Document) -> str:
    before, after = racks["before"], racks["after"]
    return f"every moved partition ends on {counted(after, 'rack')} or more" + (
        f" ({before} today)" if before != after else ""
    )
