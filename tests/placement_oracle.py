"""The exact answer by other people's code: the whole flow, from partitions over racks to brokers, given to networkx."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from random import Random

import networkx as nx

from kafkaops.placement.model import BrokerInfo, Goals, PartitionInfo, Placement

Question = tuple[list[BrokerInfo], list[PartitionInfo], Goals]


def price(placement: Placement, goals: Goals) -> int:
    return sum(move.bytes + goals.move_overhead * len(move.adding) for move in placement.moves)


def costs(placement: Placement, goals: Goals) -> tuple[int, int]:
    """As `least` tells them."""
    squares = sum(load.replicas**2 for load in placement.after.loads if load.broker not in goals.drain)
    return price(placement, goals), squares


def instance(random: Random) -> Question:
    """Feasible by how it is made, and as messy as clusters are: uneven racks, drained brokers, replicas that lie together, sizes that are equal or far apart."""
    count, racks = random.randint(3, 9), random.choice((0, 0, 2, 3, 4))
    brokers = [BrokerInfo(id_, f"r{random.randrange(racks)}" if racks else None) for id_ in range(1, count + 1)]
    drain = frozenset(random.sample(range(1, count + 1), min(random.choice((0, 0, 0, 1, 2)), count - 2)))
    takes = count - len(drain)
    used = (
        random.sample(range(1, count + 1), random.randint(2, count)) if random.random() < 0.5 else range(1, count + 1)
    )
    partitions = []
    for index in range(random.randint(1, 30)):
        replicas = tuple(random.sample(used, random.randint(1, min(4, len(used)))))
        wanted = random.choice((None, None, random.randint(1, min(4, takes))))
        size = random.choice((0, random.randrange(10**6), random.randrange(10**10), 10**9))
        rf = min(wanted or len(replicas), takes)
        partitions.append(PartitionInfo(f"t{index // 4}", index, replicas, frozenset(replicas), size, rf))
    goals = Goals(drain=drain, count=random.choice(("soft", "hard")), move_overhead=random.choice((0, 1, 1 << 20)))
    return brokers, partitions, goals


def rack_bounds(free: int, sizes: dict[str, int]) -> dict[str, tuple[int, int]]:
    level = max(level for level in range(free + 1) if sum(min(size, level) for size in sizes.values()) <= free)
    return {rack: (min(size, level), min(size, level + 1)) for rack, size in sizes.items()}


def least(brokers: Sequence[BrokerInfo], partitions: Sequence[PartitionInfo], goals: Goals) -> tuple[int, int]:
    """What the best placement costs, and how uneven its counts are (the sum of their squares)."""
    members = [broker for broker in brokers if broker.alive and broker.id not in goals.drain]
    aware = goals.rack_aware != "off" and all(broker.rack is not None for broker in members)
    rack = {broker.id: (broker.rack or "") if aware else "" for broker in members}
    sizes = dict(Counter(rack.values()))
    step = 4 * sum(one.size + goals.move_overhead for one in partitions) + 1 if goals.count == "hard" else 0
    scale = 1 if goals.count == "hard" else 4 * (len(partitions) * len(members)) ** 2 + 1
    uneven = step or 1
    graph = nx.MultiDiGraph()
    total = 0
    for index, one in enumerate(partitions):
        free = len(one.replicas) if one.target_rf is None else one.target_rf
        total += free
        for name, (lo, hi) in rack_bounds(free, sizes).items():
            room = (index, name)
            # The fewest of a rack are paid for by a demand: what leaves the partition for certain arrives at the rack for certain.
            graph.add_node(room, demand=-lo)
            graph.add_edge(("partition", index), room, capacity=hi - lo, weight=0)
            for broker in members:
                if rack[broker.id] == name:
                    price = 0 if broker.id in one.replicas else (one.size + goals.move_overhead) * scale
                    graph.add_edge(room, ("broker", broker.id), capacity=1, weight=price)
        graph.add_node(("partition", index), demand=-(free - sum(lo for lo, _ in rack_bounds(free, sizes).values())))
    for broker in members:
        for count in range(len(partitions)):
            graph.add_edge(("broker", broker.id), "sink", capacity=1, weight=(2 * count + 1) * uneven)
    graph.add_node("sink", demand=total)
    cost, flow = nx.network_simplex(graph)
    squares = 0
    for broker in members:
        count = sum(sum(units.values()) for units in flow[("broker", broker.id)].values())
        squares += count * count
    return (cost - squares * uneven) // scale, squares


def leaders_cost(
    before: Sequence[tuple[int, ...]], after: Sequence[tuple[int, ...]], members: Sequence[int]
) -> tuple[int, int]:
    """How uneven leaders are, the sum of their squares, and what it costs that others lead: two where the leader could have stayed, one where it has to copy first."""
    led = Counter(replicas[0] for replicas in after)
    cost = sum(_leader_cost(old, new, new[0]) for old, new in zip(before, after, strict=True))
    return sum(led[broker] ** 2 for broker in members), cost


def fewest_leaders(
    before: Sequence[tuple[int, ...]], after: Sequence[tuple[int, ...]], members: Sequence[int]
) -> tuple[int, int]:
    """The least of that, as a flow from partitions to the brokers that could lead them."""
    step = 4 * len(after) + 1
    graph = nx.MultiDiGraph()
    graph.add_node("sink", demand=len(after))
    for index, (old, new) in enumerate(zip(before, after, strict=True)):
        graph.add_node(index, demand=-1)
        for broker in new:
            graph.add_edge(index, ("broker", broker), capacity=1, weight=_leader_cost(old, new, broker))
    for broker in members:
        for count in range(len(after)):
            graph.add_edge(("broker", broker), "sink", capacity=1, weight=(2 * count + 1) * step)
    cost, _ = nx.network_simplex(graph)
    return divmod(cost, step)


def _leader_cost(old: tuple[int, ...], new: tuple[int, ...], leader: int) -> int:
    if leader == old[0]:
        return 0
    return (2 if old[0] in new else 0) + (leader not in old)


def least_within_band(
    brokers: Sequence[BrokerInfo], partitions: Sequence[PartitionInfo], tolerance: float
) -> int | None:
    """Of all assignments of single replicas with fair counts and bytes within the band: what the best copies. None: there is none."""
    share = sum(one.size for one in partitions) / len(brokers)
    floor = len(partitions) // len(brokers)
    best: int | None = None
    for chosen in product([broker.id for broker in brokers], repeat=len(partitions)):
        copied = sum(one.size for one, id_ in zip(partitions, chosen, strict=True) if id_ not in one.replicas)
        if best is not None and copied >= best:
            continue
        held = {
            broker.id: [one.size for one, id_ in zip(partitions, chosen, strict=True) if id_ == broker.id]
            for broker in brokers
        }
        if all(
            floor <= len(sizes) <= floor + 1 and (1 - tolerance) * share <= sum(sizes) <= (1 + tolerance) * share
            for sizes in held.values()
        ):
            best = copied
    return best
