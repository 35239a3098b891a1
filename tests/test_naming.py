"""Which convention the names of topics follow, and which of them it has to let off."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkaops.naming import compiled, guess

FOUR = "{domain}.{entity}.{event-type}.{version}"
EVENTS = [f"order.order.{event}.v1" for event in ("created", "paid", "packed", "sent")]


@pytest.mark.parametrize(
    ("names", "pattern", "exempt", "fit"),
    [
        ([*EVENTS, "pay.card.charged.v2"], FOUR, (), (5, 5)),
        ([*EVENTS, "legacy"], FOUR, ("legacy",), (4, 5)),
        ([*EVENTS, "pay.x.y.v1", f"{EVENTS[0]}-retry-1000", f"{EVENTS[0]}-dlt"], FOUR, ("*-retry-*", "*-dlt"), (5, 5)),
        ([*EVENTS, "pay.x.y.v1", "_schemas"], FOUR, ("_*",), (5, 5)),
        ([f"order.{event}.v1" for event in "abcde"], "{domain}.{entity}.{version}", (), (5, 5)),
        ([f"order.order.{event}" for event in "abcde"], "{domain}.{entity}.{event-type}", (), (5, 5)),
        (["order.a", "order.a-dlt", "order.b", "pay.a", "pay.b", "pay.c"], "{domain}.{entity}", (), (5, 5)),
    ],
)
def test_a_convention_is_what_four_of_five_names_follow(
    names: list[str], pattern: str, exempt: tuple[str, ...], fit: tuple[int, int]
) -> None:
    found = guess(names)

    assert found is not None
    assert (found.pattern, found.exempt, (found.fit, found.of)) == (pattern, exempt, fit)


@pytest.mark.parametrize(
    "names",
    [
        [],
        EVENTS,  # four names are no convention yet
        [*EVENTS, "legacy", "old", "a_b"],  # hardly more than half
        [f"{one}-dlt" for one in [*EVENTS, "a.b.c.v1"]],  # all named after others
        ["orders", "payments", "clicks", "users", "stock"],  # a word says nothing about where it belongs
    ],
)
def test_no_convention_is_made_up(names: list[str]) -> None:
    assert guess(names) is None


def test_parts_are_written_only_where_they_are_wider_than_usual() -> None:
    usual, wider = guess([f"order.{one}" for one in "abcde"]), guess([f"Order_Events.{one}" for one in "ABCDE"])

    assert usual
    assert usual.parts == {}
    assert wider
    assert wider.parts == dict.fromkeys(("domain", "entity"), "[A-Za-z][A-Za-z0-9_-]*")


@given(
    st.lists(st.from_regex(r"[a-zA-Z_][a-z0-9]{0,3}([.][a-z]{1,3}){0,4}(-dlt|-retry-10)?", fullmatch=True), max_size=30)
)
def test_every_name_that_is_there_is_named_so_or_exempt_and_no_exemption_is_idle(names: list[str]) -> None:
    found = guess(names)
    if found is None:
        return
    pattern = compiled(found.pattern, found.parts)

    for name in names:
        assert pattern.fullmatch(name) or any(fnmatchcase(name, one) for one in found.exempt)
    assert all(any(fnmatchcase(name, one) for name in names) for one in found.exempt)
