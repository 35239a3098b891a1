"""The lists that a partition goes through, drawn as `old -> ... -> new`, and where on that way it is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkaops.cluster import Reassignment
from kafkaops.moving.path import Elsewhere, Foreign, HalfUndone, Moves, Rests, path, standing

TOGETHER = [
    "1 -> 12 -> 123",  # one at a time
    "123 -> 423",
    "123 -> 124 -> 145 -> 456",  # the leader goes last
    "123 -> 125 -> 54",
    "12 -> 123 -> 134 -> 345",  # grows first
    "123 -> 31",
    "12 -> 21",
    "12 -> 312",
    "1 -> 2",
]
APART = [
    "1 -> 12 -> 123",
    "123 -> 1234 -> 423",
    "123 -> 1234 -> 124 -> 1245 -> 145 -> 1456 -> 456",
    "123 -> 1235 -> 125 -> 1254 -> 54",
    "123 -> 31",
    "12 -> 312",
    "1 -> 12 -> 2",
]


def lists(drawn: str) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, one)) for one in drawn.split(" -> "))


@pytest.mark.parametrize(("drawn", "apart"), [(one, False) for one in TOGETHER] + [(one, True) for one in APART])
def test_a_partition_goes_its_way_in_small_steps(drawn: str, apart: bool) -> None:
    way = lists(drawn)

    assert path(way[0], way[-1], apart=apart) == way


replicas = st.lists(st.integers(1, 7), min_size=1, max_size=5, unique=True).map(tuple)


@given(replicas, replicas, st.booleans())
def test_every_step_adds_one_at_most_and_lets_nothing_go_that_is_needed(
    old: tuple[int, ...], new: tuple[int, ...], apart: bool
) -> None:
    if old == new:
        return
    way = path(old, new, apart=apart)

    assert (way[0], way[-1]) == (old, new)
    assert len(set(way)) == len(way)
    for at, to in pairwise(way):
        added, left = set(to) - set(at), set(at) - set(to)
        assert len(added) <= 1
        assert not (apart and added and left)
        assert min(len(old), len(new)) <= len(to) <= max(len(old), len(new)) + apart
        assert set(to) <= set(old) | set(new)
        if to != new:
            assert to[0] == old[0]


WAY = lists("123 -> 124 -> 145")


@pytest.mark.parametrize(
    ("there", "listed", "expected"),
    [
        ("124", None, Rests(1)),
        ("214", None, Elsewhere((2, 1, 4), 1)),
        ("129", None, Elsewhere((1, 2, 9), None)),
        ("1243", ("1243", "4", "3"), Moves(0, 1)),
        ("1453", ("1452", "5", "2"), Moves(1, 2)),
        ("1245", ("1245", "2", "5"), Moves(2, 1)),  # on its way back
        ("1234", ("1234", "4", "4"), HalfUndone(0)),
        ("9231", ("9231", "9", "1"), Foreign((9, 2, 3))),
        ("1243", ("1249", "4", "9"), Foreign((1, 2, 4))),  # from a list that is none of ours
        ("1453", ("14523", "45", "23"), Foreign((1, 4, 5))),  # over two steps at once
    ],
)
def test_where_a_partition_is_on_its_way(there: str, listed: tuple[str, str, str] | None, expected: object) -> None:
    reassignment = Reassignment(*(tuple(map(int, one)) for one in listed)) if listed else None

    assert standing(WAY, tuple(map(int, there)), reassignment) == expected
