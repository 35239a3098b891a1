"""What is fair: how many replicas of a partition each rack may hold, and which part of a whole each broker should."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SWEEPS = 200
_CLOSE = 1e-9


def rack_bounds(free: int, sizes: Sequence[int], held: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The fewest and the most of `free` replicas in each rack, which has `size` brokers that may take one and holds `held` that stay.

    Max-min fair: the highest level that all racks can be filled to, a small rack as far as it goes, and one above it.
    """
    total = free + sum(held)
    level = 0
    while any(stay + size > level for size, stay in zip(sizes, held, strict=True)):
        filled = sum(_filled(level + 1, size, stay) for size, stay in zip(sizes, held, strict=True))
        if filled > total:
            break
        level += 1
    lo = tuple(_filled(level, size, stay) - stay for size, stay in zip(sizes, held, strict=True))
    if sum(lo) == free:
        return lo, lo
    hi = tuple(_filled(level + 1, size, stay) - stay for size, stay in zip(sizes, held, strict=True))
    return lo, hi


def _filled(level: int, size: int, stay: int) -> int:
    return max(stay, min(size + stay, level))


@dataclass(frozen=True, slots=True)
class Portion:
    """Partitions of one kind: `free` replicas each, between `lo` and `hi` in each rack; together they weigh `amount`."""

    free: int
    lo: tuple[int, ...]
    hi: tuple[int, ...]
    amount: float


def shares(
    portions: Sequence[Portion], racks: Sequence[Sequence[int]], weights: Sequence[float], base: Sequence[float]
) -> list[float]:
    """What each broker should hold, `base` of it for certain: as equal by weight as the racks allow. `racks`: the brokers of each."""
    rack_weight = [sum(weights[broker] for broker in rack) for rack in racks]
    loads = [sum(base[broker] for broker in rack) for rack in racks]
    given = [[portion.amount * lo for lo in portion.lo] for portion in portions]
    for each in given:
        loads = [load + part for load, part in zip(loads, each, strict=True)]
    # One kind after the other is poured anew over what the others hold, until nothing changes: the sum of squares is convex, so this ends at its least.
    for _ in range(_SWEEPS):
        moved = 0.0
        for portion, each in zip(portions, given, strict=True):
            floor = [load - part for load, part in zip(loads, each, strict=True)]
            least = [at + portion.amount * lo for at, lo in zip(floor, portion.lo, strict=True)]
            room = [portion.amount * (hi - lo) for lo, hi in zip(portion.lo, portion.hi, strict=True)]
            over = portion.amount * (portion.free - sum(portion.lo))
            poured = poured_over(over, least, rack_weight, room)
            moved = max([moved, *(abs(after - load) for after, load in zip(poured, loads, strict=True))])
            each[:] = [after - at for after, at in zip(poured, floor, strict=True)]
            loads = poured
        if len(portions) == 1 or moved <= _CLOSE * max(1.0, sum(loads)):
            break
    found = [0.0] * len(weights)
    whole = sum(portion.amount for portion in portions)
    for rack, load in zip(racks, loads, strict=True):
        least = [base[broker] for broker in rack]
        poured = poured_over(load - sum(least), least, [weights[broker] for broker in rack], [whole] * len(rack))
        for broker, part in zip(rack, poured, strict=True):
            found[broker] = part
    return found


def poured_over(amount: float, least: Sequence[float], weights: Sequence[float], room: Sequence[float]) -> list[float]:
    """`amount` poured over vessels that hold `least` already and have `room` above it, until the level by weight is as equal as can be."""
    level = _level(amount, least, weights, room)
    return [
        at + min(max(level * weight - at, 0.0), free) for at, weight, free in zip(least, weights, room, strict=True)
    ]


def _level(amount: float, least: Sequence[float], weights: Sequence[float], room: Sequence[float]) -> float:
    """Between two levels at which a vessel begins to fill or is full, what is poured grows evenly."""
    turns: list[tuple[float, float]] = []
    for at, weight, free in zip(least, weights, room, strict=True):
        if free > 0:
            turns += [(at / weight, weight), ((at + free) / weight, -weight)]
    turns.sort()
    width, level, left = 0.0, turns[0][0] if turns else 0.0, amount
    for turn, weight in turns:
        step = (turn - level) * width
        if step >= left and width > 0:
            break
        left -= step
        level = turn
        width += weight
    else:
        return level
    return level + left / width


def spread_weights(weights: Iterable[float]) -> list[int]:
    """For each weight what one more replica weighs there, in whole numbers: sums of them are exact."""
    given = list(weights)
    heaviest = max(given, default=1.0)
    return [round(_FINE * heaviest / weight) for weight in given]


_FINE = 1 << 16
