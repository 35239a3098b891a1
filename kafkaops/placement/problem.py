"""The question in dense numbers: brokers, racks, topics and partitions as indexes in sorted order, sets of brokers as bit masks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from kafkaops.placement.fair import Portion, rack_bounds, shares, spread_weights
from kafkaops.placement.model import BrokerInfo, CannotPlace, Goals, PartitionId, PartitionInfo


def bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class Problem:
    """Partitions are ordered by what they weigh, so a lower index never costs more.

    ids, at          the id of each broker, and back
    takes            brokers that may get replicas: alive, not cordoned, not drained
    racks, rack      the brokers of each rack among them, and back; one rack when racks do not matter
    home             where a partition is now and may stay and may leave from; `held`: where it is and stays (brokers that are down)
    shut             where it may not be put again: replicas that a smaller replication factor gives up first
    free             how many replicas there are to place beside those held
    kind             partitions with the same bounds per rack: `lo`, `hi`
    base_*           what those hold that are not to be touched
    """

    def __init__(
        self,
        brokers: Sequence[BrokerInfo],
        partitions: Iterable[PartitionInfo],
        goals: Goals,
        pinned: Mapping[PartitionId, tuple[int, ...]],
    ) -> None:
        self.goals = goals
        given = list(partitions)
        _refuse_brokers(brokers, goals)
        _refuse_partitions(given, frozenset(broker.id for broker in brokers if broker.alive), pinned)
        known = {broker.id: broker for broker in brokers}
        seen = {replica for one in given for replica in one.replicas}
        seen.update(replica for replicas in pinned.values() for replica in replicas)
        self.ids = sorted(known.keys() | seen)
        self.index = {broker: index for index, broker in enumerate(self.ids)}
        self.infos = [known.get(broker) or BrokerInfo(broker, alive=False) for broker in self.ids]
        self.count = len(self.ids)
        self._brokers(goals)
        self._partitions([one for one in given if (one.topic, one.partition) not in pinned])
        self._base(given, pinned)

    def _brokers(self, goals: Goals) -> None:
        self.members = [
            index
            for index, broker in enumerate(self.infos)
            if broker.alive and not broker.cordoned and broker.id not in goals.drain
        ]
        self.takes = sum(1 << index for index in self.members)
        self.drained = sum(1 << self.index[broker] for broker in goals.drain)
        aware = _rack_aware([self.infos[index] for index in self.members], goals)
        names = sorted({self.infos[index].rack or "" for index in self.members}) if aware else [""]
        of_name = {name: index for index, name in enumerate(names)}
        self.rack = [of_name.get((broker.rack or "") if aware else "", -1) for broker in self.infos]
        self.racks = [[index for index in self.members if self.rack[index] == rack] for rack in range(len(names))]
        self.rack_mask = [sum(1 << index for index in rack) for rack in self.racks]
        self.weights = [broker.weight for broker in self.infos]
        self.inverse = spread_weights(self.weights)
        self.room = [
            None if broker.usable_bytes is None else broker.usable_bytes - broker.reserve_bytes for broker in self.infos
        ]
        self.bounded = any(self.room[index] is not None for index in self.members)

    def _partitions(self, given: list[PartitionInfo]) -> None:
        given.sort(key=lambda one: (one.size, one.topic, one.partition))
        topics = {topic: index for index, topic in enumerate(sorted({one.topic for one in given}))}
        self.given = given
        self.topics = len(topics)
        self.topic_index = topics
        self.topic = [topics[one.topic] for one in given]
        self.size = [one.size for one in given]
        self.cost = [one.size + self.goals.move_overhead for one in given]
        self.lo: list[tuple[int, ...]] = []
        self.hi: list[tuple[int, ...]] = []
        self.free: list[int] = []
        self.home: list[int] = []
        self.held: list[int] = []
        self.shut: list[int] = []
        self.kind: list[int] = []
        self._kinds: dict[tuple[int, int], int] = {}
        self.kind_free: list[int] = []
        index = self.index
        for one in given:
            wanted = len(one.replicas) if one.target_rf is None else one.target_rf
            now = 0
            for replica in one.replicas:
                now |= 1 << index[replica]
            held = now & ~self.takes & ~self.drained
            home, shut = now & self.takes, 0
            if (home | held).bit_count() > wanted:
                home, held, shut = self._given_up(one, home, held, wanted)
            free = wanted - held.bit_count()
            if free > len(self.members) - shut.bit_count():
                raise CannotPlace(_too_few(one, wanted, len(self.members)))
            self.home.append(home)
            self.held.append(held)
            self.shut.append(shut)
            self.free.append(free)
            self.kind.append(self._kind(free, held))

    def _kind(self, free: int, held: int) -> int:
        key = (free, held)
        if key not in self._kinds:
            stay = [0] * len(self.racks)
            for broker in bits(held):
                if self.rack[broker] >= 0:
                    stay[self.rack[broker]] += 1
            lo, hi = rack_bounds(free, [len(rack) for rack in self.racks], stay)
            self._kinds[key] = len(self.lo)
            self.lo.append(lo)
            self.hi.append(hi)
            self.kind_free.append(free)
        return self._kinds[key]

    def _given_up(self, one: PartitionInfo, home: int, held: int, wanted: int) -> tuple[int, int, int]:
        """Fewer replicas than now: those on brokers that are down go first, then those out of sync, unless a rack would then need a new one."""
        shut = 0
        for broker in sorted(bits(held), key=lambda index: (self.infos[index].alive, -index)):
            if (home | held).bit_count() > wanted:
                held ^= 1 << broker
        for replica in reversed(one.replicas):
            broker = 1 << self.index[replica]
            if home & broker and replica not in one.isr and (home | held).bit_count() > wanted:
                free = wanted - held.bit_count()
                if self.most_kept(self._kind(free, held), home ^ broker) == free:
                    home ^= broker
                    shut |= broker
        return home, held, shut

    def most_kept(self, kind: int, home: int) -> int:
        """How many of the replicas that are there can stay, at most."""
        kept = missing = 0
        for mask, lo, hi in zip(self.rack_mask, self.lo[kind], self.hi[kind], strict=True):
            here = min((home & mask).bit_count(), hi)
            kept += here
            missing += max(0, lo - here)
        return min(kept, self.kind_free[kind] - missing)

    def _base(self, given: Iterable[PartitionInfo], pinned: Mapping[PartitionId, tuple[int, ...]]) -> None:
        self.base_count = [0] * self.count
        self.base_bytes = [0] * self.count
        self.base_leaders = [0] * self.count
        self.base_topics: dict[tuple[str, int], int] = {}
        if not pinned:
            return
        for one in given:
            replicas = pinned.get((one.topic, one.partition), ())
            if replicas:
                self.base_leaders[self.index[replicas[0]]] += 1
            for broker in (self.index[replica] for replica in replicas):
                self.base_count[broker] += 1
                self.base_bytes[broker] += one.size
                self.base_topics[one.topic, broker] = self.base_topics.get((one.topic, broker), 0) + 1

    def fair_counts(self) -> list[float]:
        amounts = [0] * len(self.lo)
        for kind in self.kind:
            amounts[kind] += 1
        return shares(self._portions(amounts), self.racks, self.weights, self.base_count)

    def fair_bytes(self) -> list[float]:
        amounts = [0] * len(self.lo)
        for kind, size in zip(self.kind, self.size, strict=True):
            amounts[kind] += size
        return shares(self._portions(amounts), self.racks, self.weights, self.base_bytes)

    def _portions(self, amounts: Sequence[float]) -> list[Portion]:
        return [
            Portion(free, lo, hi, amount)
            for free, lo, hi, amount in zip(self.kind_free, self.lo, self.hi, amounts, strict=True)
            if amount
        ]

    def topic_caps(self) -> list[int]:
        """By topic and broker, in one row after the other: the fair share of the topic, rounded up."""
        caps: list[int] = []
        kinds: list[dict[int, int]] = [{} for _ in range(self.topics)]
        names = [""] * self.topics
        for one, topic, kind in zip(self.given, self.topic, self.kind, strict=True):
            kinds[topic][kind] = kinds[topic].get(kind, 0) + 1
            names[topic] = one.topic
        same: dict[tuple[tuple[tuple[int, int], ...], tuple[int, ...]], list[int]] = {}
        for name, amounts in zip(names, kinds, strict=True):
            base = tuple(self.base_topics.get((name, broker), 0) for broker in range(self.count))
            key = (tuple(sorted(amounts.items())), base)
            if key not in same:
                portions = self._portions([amounts.get(kind, 0) for kind in range(len(self.lo))])
                fair = shares(portions, self.racks, self.weights, base)
                same[key] = [-int(-(part - _ROUNDING) // 1) for part in fair]
            caps += same[key]
        return caps


_ROUNDING = 1e-6  # a share that is whole but for the last digits is whole


def _refuse_brokers(brokers: Sequence[BrokerInfo], goals: Goals) -> None:
    """What cannot be meant."""
    ids = {broker.id for broker in brokers}
    if len(ids) < len(brokers):
        raise CannotPlace("a broker is given twice")
    for broker in brokers:
        if not broker.weight > 0:
            raise CannotPlace(f"broker {broker.id} has the weight {broker.weight}, it has to be more than 0")
    for drained in sorted(goals.drain - ids):
        raise CannotPlace(f"broker {drained} is to be drained, but there is no such broker")


def _refuse_partitions(
    partitions: Sequence[PartitionInfo], alive: frozenset[int], pinned: Mapping[PartitionId, tuple[int, ...]]
) -> None:
    names = {(one.topic, one.partition) for one in partitions}
    if len(names) < len(partitions):
        raise CannotPlace("a partition is given twice")
    for topic, partition in sorted(pinned.keys() - names):
        raise CannotPlace(f"{topic}-{partition} is to stay as it is, but there is no such partition")
    for one in partitions:
        if len(set(one.replicas)) < len(one.replicas):
            raise CannotPlace(f"{one.topic}-{one.partition} has a broker twice in its replicas {list(one.replicas)}")
        if one.target_rf is not None and one.target_rf < 1:
            raise CannotPlace(f"{one.topic}-{one.partition} would have {one.target_rf} replicas, it needs at least 1")
        if one.replicas and one.isr.isdisjoint(alive) and (one.topic, one.partition) not in pinned:
            raise CannotPlace(f"{one.topic}-{one.partition} has no replica that is in sync and alive")


def _rack_aware(members: Sequence[BrokerInfo], goals: Goals) -> bool:
    if goals.rack_aware == "off":
        return False
    without = [broker.id for broker in members if broker.rack is None]
    if without and len(without) < len(members):
        raise CannotPlace(f"broker {without[0]} has no rack, but others have one")
    if without and goals.rack_aware == "on":
        raise CannotPlace(f"replicas are to be spread over racks, but broker {without[0]} has none")
    return not without


def _too_few(one: PartitionInfo, wanted: int, brokers: int) -> str:
    return f"{one.topic}-{one.partition} would have {wanted} replicas, but {brokers} brokers may take one"
