"""Whether target lists keep the rules, and how good they are: asked of any lists, whoever made them.

It shares no code with the planner, and finds the fair parts in another way, so that no mistake can hide in both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TypeAlias

from kafkaops.placement.model import (
    Broken,
    BrokerInfo,
    Goals,
    Load,
    PartitionId,
    PartitionInfo,
    Score,
    Verdict,
)

Targets = Mapping[PartitionId, tuple[int, ...]]


def judge(
    brokers: Sequence[BrokerInfo],
    partitions: Sequence[PartitionInfo],
    goals: Goals,
    targets: Targets,
    pinned: Targets | None = None,
) -> Verdict:
    """Of the layout in which each partition has its target list, or stays as it is when it has none. The rules that goals make hard are judged too."""
    bench = _Bench(brokers, partitions, goals, targets, pinned or {})
    broken = [
        *bench.of_partitions(),
        *bench.of_disks(),
        *(bench.of_counts() if goals.count == "hard" else ()),
        *(bench.of_topics() if goals.topic_spread == "hard" else ()),
        *(bench.of_bytes(goals.byte_tolerance) if goals.byte_tolerance is not None else ()),
    ]
    return Verdict(tuple(broken), bench.score(), bench.copied)


def score(
    brokers: Sequence[BrokerInfo], partitions: Sequence[PartitionInfo], goals: Goals, targets: Targets, pinned: Targets
) -> Score:
    return _Bench(brokers, partitions, goals, targets, pinned).score()


_Sort: TypeAlias = tuple[int, tuple[int, ...]]
"""Partitions with as many replicas, of which the same are held: they may be spread in the same ways."""


@dataclass(frozen=True, slots=True)
class _Room:
    """For the replicas of one partition that are not held: by rack the fewest and the most."""

    fewest: Mapping[str, int]
    most: Mapping[str, int]
    free: int


class _Bench:
    def __init__(
        self,
        brokers: Sequence[BrokerInfo],
        partitions: Sequence[PartitionInfo],
        goals: Goals,
        targets: Targets,
        pinned: Targets,
    ) -> None:
        self.goals = goals
        self.brokers = {broker.id: broker for broker in sorted(brokers, key=lambda one: one.id)}
        self.partitions = partitions
        self.pinned = pinned
        self.open = {
            broker.id: broker
            for broker in self.brokers.values()
            if broker.alive and not broker.cordoned and broker.id not in goals.drain
        }
        aware = goals.rack_aware != "off" and all(broker.rack is not None for broker in self.open.values())
        self.rack = {id_: (broker.rack or "") if aware else "" for id_, broker in self.brokers.items()}
        self.members: dict[str, list[int]] = defaultdict(list)
        for id_ in self.open:
            self.members[self.rack[id_]].append(id_)
        self.lists = {
            (one.topic, one.partition): pinned.get(
                (one.topic, one.partition), targets.get((one.topic, one.partition), one.replicas)
            )
            for one in partitions
        }
        self.targets = targets
        self.rooms: dict[_Sort, _Room] = {}
        self.copied = sum(
            one.size * len(set(replicas).difference(one.replicas))
            for one, replicas in self.each()
            if replicas != one.replicas
        )

    def each(self) -> Iterator[tuple[PartitionInfo, tuple[int, ...]]]:
        """Those that may move."""
        for one in self.partitions:
            id_ = (one.topic, one.partition)
            if id_ not in self.pinned:
                yield one, self.lists[id_]

    def of_partitions(self) -> Iterator[Broken]:
        for (topic, partition), replicas in sorted(self.pinned.items()):
            if self.targets.get((topic, partition), replicas) != replicas:
                yield Broken("pinned", f"{topic}-{partition} was not to be touched", (topic, partition))
        for one, replicas in self.each():
            yield from self.of_one(one, replicas)

    def of_one(self, one: PartitionInfo, replicas: tuple[int, ...]) -> Iterator[Broken]:
        id_, name = (one.topic, one.partition), f"{one.topic}-{one.partition}"
        wanted = len(one.replicas) if one.target_rf is None else one.target_rf
        if len(replicas) != wanted or len(set(replicas)) != wanted:
            yield Broken("replicas", f"{name} has the replicas {list(replicas)}, {wanted} are wanted", id_)
            return
        for replica in replicas:
            if replica in self.open or (replica in one.replicas and replica not in self.goals.drain):
                continue
            why = "is drained" if replica in self.goals.drain else "takes nothing new"
            yield Broken("broker", f"{name} has a replica on broker {replica}, which {why}", id_, replica)
        for rack, few, many, found in self.racks_off(replicas):
            wants = f"{few}" if few == many else f"{few} to {many}"
            yield Broken("rack", f"{name} has {found} replicas in rack {rack}, {wants} would be spread", id_)

    def racks_off(self, replicas: tuple[int, ...]) -> Iterator[tuple[str, int, int, int]]:
        room = self.room(self.sort(replicas))
        found = dict.fromkeys(self.members, 0)
        for replica in replicas:
            if replica in self.open:
                found[self.rack[replica]] += 1
        for rack, count in found.items():
            if not room.fewest[rack] <= count <= room.most[rack]:
                yield rack, room.fewest[rack], room.most[rack], count

    def sort(self, replicas: tuple[int, ...]) -> _Sort:
        return len(replicas), tuple(sorted(replica for replica in replicas if replica not in self.open))

    def room(self, sort: _Sort) -> _Room:
        """Replicas are dealt out one at a time, each to the rack that has fewest: what a rack gets then is the most it may have, or one less."""
        if sort not in self.rooms:
            replicas, held = sort
            self.rooms[sort] = self.dealt(replicas - len(held), Counter(self.rack.get(one, "?") for one in held))
        return self.rooms[sort]

    def dealt(self, free: int, stay: Mapping[str, int]) -> _Room:
        have = {rack: stay.get(rack, 0) for rack in self.members}
        full = {rack: stay.get(rack, 0) + len(ids) for rack, ids in self.members.items()}
        dealt = dict.fromkeys(have, 0)
        last = -1
        for _ in range(free):
            open_ = [rack for rack in have if have[rack] < full[rack]]
            if not open_:
                break
            rack = min(open_, key=lambda one: (have[one], one))
            last = have[rack]
            have[rack] += 1
            dealt[rack] += 1
        # Those at the level that was dealt last could have changed places: one got it, another did not.
        fewest = {rack: dealt[rack] - (1 if have[rack] == last + 1 and dealt[rack] else 0) for rack in have}
        most = {rack: dealt[rack] + (1 if have[rack] == last and have[rack] < full[rack] else 0) for rack in have}
        if all(most[rack] == dealt[rack] for rack in have):
            fewest = dict(dealt)
        return _Room(fewest, most, free)

    def of_disks(self) -> Iterator[Broken]:
        coming: Counter[int] = Counter()
        for one, replicas in self.each():
            for replica in set(replicas).difference(one.replicas):
                coming[replica] += one.size
        for id_, bytes_ in sorted(coming.items()):
            broker = self.brokers.get(id_)
            if broker is not None and broker.usable_bytes is not None:
                room = broker.usable_bytes - broker.reserve_bytes
                if bytes_ > room:
                    yield Broken(
                        "disk", f"broker {id_} would receive {bytes_} bytes and has room for {room}", None, id_
                    )
        if self.goals.max_bytes is not None and self.copied > self.goals.max_bytes:
            yield Broken("budget", f"{self.copied} bytes would be copied, {self.goals.max_bytes} may be")

    def of_counts(self) -> Iterator[Broken]:
        """Unfair is a broker from which replicas can be handed on, through others perhaps, to one that has fewer for its weight."""
        held = Counter(replica for replicas in self.lists.values() for replica in replicas)
        reach = self.hands_on()
        for giver in self.open:
            seen, front = {giver}, [giver]
            while front:
                front = sorted({taker for one in front for taker in reach[one]} - seen)
                seen.update(front)
            after = (2 * held[giver] - 1) / self.open[giver].weight
            for taker in sorted(seen - {giver}):
                if (2 * held[taker] + 1) / self.open[taker].weight < after * (1 - 1e-4):
                    yield Broken(
                        "count",
                        f"broker {giver} has {held[giver]} replicas and broker {taker} {held[taker]}, which could take one",
                        None,
                        giver,
                    )
                    break

    def hands_on(self) -> Mapping[int, set[int]]:
        """To whom each broker could give one of its replicas, the rules kept."""
        reach: dict[int, set[int]] = {id_: set() for id_ in self.open}
        seen: set[tuple[int, ...]] = set()
        for one, replicas in self.each():
            key = tuple(sorted(replicas))
            if key in seen or len(replicas) != (len(one.replicas) if one.target_rf is None else one.target_rf):
                continue
            seen.add(key)
            room = self.room(self.sort(replicas))
            found = Counter(self.rack[replica] for replica in replicas if replica in self.open)
            for giver in replicas:
                if giver not in self.open:
                    continue
                from_ = self.rack[giver]
                for rack, ids in self.members.items():
                    if rack == from_ or (found[from_] > room.fewest[from_] and found[rack] < room.most[rack]):
                        reach[giver].update(id_ for id_ in ids if id_ not in replicas)
        return reach

    def of_topics(self) -> Iterator[Broken]:
        for topic, broker, held, share in self.beyond_share():
            yield Broken("topic", f"broker {broker} has {held} replicas of {topic}, its share is {share}", None, broker)

    def beyond_share(self) -> Iterator[tuple[str, int, int, int]]:
        on: dict[str, Counter[int]] = defaultdict(Counter)
        fixed: dict[str, Counter[int]] = defaultdict(Counter)
        amounts: dict[str, Counter[_Sort]] = defaultdict(Counter)
        for one in self.partitions:
            replicas = self.lists[one.topic, one.partition]
            here = [replica for replica in replicas if replica in self.open]
            on[one.topic].update(here)
            if (one.topic, one.partition) in self.pinned:
                fixed[one.topic].update(here)
            else:
                amounts[one.topic][self.sort(replicas)] += 1
        known: dict[tuple[tuple[tuple[_Sort, int], ...], tuple[tuple[int, int], ...]], dict[int, int]] = {}
        for topic in sorted(on):
            key = (tuple(sorted(amounts[topic].items())), tuple(sorted(fixed[topic].items())))
            if key not in known:
                known[key] = {
                    id_: ceil(share - 1e-3) for id_, share in self.shares(amounts[topic], fixed[topic]).items()
                }
            for id_, held in sorted(on[topic].items()):
                if held > known[key][id_]:
                    yield topic, id_, held, known[key][id_]

    def of_bytes(self, tolerance: float) -> Iterator[Broken]:
        for load in self.loads():
            if load.share and not (1 - tolerance) * load.share - 1 <= load.bytes <= (1 + tolerance) * load.share + 1:
                part = 100 * load.bytes / load.share
                yield Broken(
                    "bytes",
                    f"broker {load.broker} has {load.bytes} bytes, {part:.1f} % of its share",
                    None,
                    load.broker,
                )

    def loads(self) -> Iterator[Load]:
        replicas: Counter[int] = Counter()
        bytes_: Counter[int] = Counter()
        leaders: Counter[int] = Counter()
        fixed: Counter[int] = Counter()
        for one in self.partitions:
            list_ = self.lists[one.topic, one.partition]
            leaders.update(list_[:1])
            for replica in list_:
                replicas[replica] += 1
                bytes_[replica] += one.size
                if (one.topic, one.partition) in self.pinned:
                    fixed[replica] += one.size
        amounts: Counter[_Sort] = Counter()
        for one, list_ in self.each():
            amounts[self.sort(list_)] += one.size
        shares = self.shares(amounts, fixed)
        for id_ in sorted(self.brokers.keys() | replicas.keys()):
            yield Load(id_, replicas[id_], bytes_[id_], leaders[id_], round(shares.get(id_, 0)))

    def score(self) -> Score:
        broken = sum(any(True for _ in self.of_one(one, replicas)) for one, replicas in self.each())
        overshoot = sum(held - share for _, _, held, share in self.beyond_share())
        return Score(broken, overshoot, tuple(self.loads()))

    def shares(self, amounts: Mapping[_Sort, int], fixed: Mapping[int, int]) -> dict[int, float]:
        """Each rack begins with the least it has to hold; what is left over goes between pairs of racks until no pair is uneven by weight."""
        whole = sum(amounts.values())
        weight = {rack: sum(self.open[id_].weight for id_ in ids) for rack, ids in self.members.items()}
        total = {rack: float(sum(fixed.get(id_, 0) for id_ in ids)) for rack, ids in self.members.items()}
        given: list[tuple[dict[str, float], dict[str, float]]] = []
        for sort, amount in amounts.items():
            room = self.room(sort)
            extra = dict.fromkeys(self.members, 0.0)
            most = {rack: float(amount * (room.most[rack] - room.fewest[rack])) for rack in self.members}
            left = float(amount * (room.free - sum(room.fewest.values())))
            for rack in self.members:
                total[rack] += amount * room.fewest[rack]
                extra[rack] = min(left, most[rack])
                left -= extra[rack]
                total[rack] += extra[rack]
            given.append((extra, most))
        self.even_out(given, total, weight)
        shares: dict[int, float] = {}
        for rack, ids in self.members.items():
            shares.update(self.within(total[rack], ids, whole, fixed))
        return shares

    def even_out(
        self,
        given: Sequence[tuple[dict[str, float], dict[str, float]]],
        total: dict[str, float],
        weight: Mapping[str, float],
    ) -> None:
        racks = list(self.members)
        for _ in range(10_000):
            moved = 0.0
            for extra, most in given:
                for one in racks:
                    for other in racks:
                        even = (total[one] * weight[other] - total[other] * weight[one]) / (weight[one] + weight[other])
                        step = min(even, extra[one], most[other] - extra[other])
                        if one != other and step > 0:
                            extra[one] -= step
                            extra[other] += step
                            total[one] -= step
                            total[other] += step
                            moved = max(moved, step)
            if moved <= 1e-10 * (1 + sum(total.values())):
                return

    def within(
        self, amount: float, ids: Sequence[int], whole: int, fixed: Mapping[int, int]
    ) -> Iterator[tuple[int, float]]:
        """By weight; a broker that holds every partition already, or more than its part for certain, has what it has, and the others share the rest."""
        bounds = {id_: (float(fixed.get(id_, 0)), fixed.get(id_, 0) + whole) for id_ in ids}
        low, high = (
            0.0,
            (amount + sum(top for _, top in bounds.values()) + 1) / min(self.open[id_].weight for id_ in ids),
        )
        for _ in range(100):
            middle = (low + high) / 2
            if sum(self.clipped(id_, middle, *bounds[id_]) for id_ in ids) < amount:
                low = middle
            else:
                high = middle
        for id_ in ids:
            yield id_, self.clipped(id_, high, *bounds[id_])

    def clipped(self, id_: int, level: float, least: float, most: float) -> float:
        return min(max(level * self.open[id_].weight, least), most)
