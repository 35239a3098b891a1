"""Spring Kafka 3.0.9's names for `@RetryableTopic`, as its sources and its reference give them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafkaops.retry import NoSuchRetry, dead_letter_topic, delays, group_ids, retry_topics


def test_the_seed_s_annotation_names_two_retry_topics_by_their_delay() -> None:
    """`@RetryableTopic(attempts = "3", backoff = @Backoff(delay = 1000, multiplier = 2.0))`."""
    found = retry_topics("orders", 3, 1000, 2.0)

    assert found == ("orders-retry-1000", "orders-retry-2000")


def test_every_retry_and_the_dead_letters_have_a_group_of_their_own() -> None:
    found = group_ids("order-service", 3, 1000, 2.0)

    assert found == (
        "order-service",
        "order-service-retry-1000",
        "order-service-retry-2000",
        "order-service-dlt",
    )


def test_without_dead_letters_no_group_reads_them() -> None:
    found = group_ids("order-service", 2, 1000, 2.0, dead_letter=False)

    assert found == ("order-service", "order-service-retry-1000")


@pytest.mark.parametrize("multiplier", [None, 0, 0.0, 1, 1.0, 0.5])
def test_equal_delays_are_counted_from_zero_though_naming_says_delay(multiplier: float | None) -> None:
    """A multiplier below 1 counts as 1 (ExponentialBackOffPolicy.setMultiplier)."""
    found = retry_topics("orders", 4, 1000, multiplier)

    assert found == ("orders-retry-0", "orders-retry-1", "orders-retry-2")


def test_a_single_retry_is_named_by_its_delay_even_when_the_delay_is_fixed() -> None:
    """One value is not a fixed delay to Spring: `isFixedDelay` asks for more than one."""
    found = retry_topics("orders", 2, 1000)

    assert found == ("orders-retry-1000",)


def test_by_index_a_single_retry_is_counted_too() -> None:
    found = retry_topics("orders", 2, 1000, naming="index")

    assert found == ("orders-retry-0",)


def test_by_index_growing_delays_are_counted() -> None:
    found = retry_topics("orders", 4, 1000, 2.0, naming="index")

    assert found == ("orders-retry-0", "orders-retry-1", "orders-retry-2")


def test_delays_at_the_cap_carry_a_count_after_the_delay() -> None:
    found = retry_topics("orders", 6, 1000, 2.0, max_delay_ms=3000)

    assert found == (
        "orders-retry-1000",
        "orders-retry-2000",
        "orders-retry-3000-0",
        "orders-retry-3000-1",
        "orders-retry-3000-2",
    )


def test_without_a_max_delay_the_cap_is_thirty_seconds() -> None:
    found = delays(7, 1000, 2.0)

    assert found == (1000, 2000, 4000, 8000, 16000, 30000)


def test_a_first_delay_beyond_the_default_cap_is_cut_so_that_all_are_equal_and_counted() -> None:
    """`@Backoff(delay = 60000, multiplier = 2)`: people expect `-retry-60000`, Spring creates `-retry-0`."""
    found = retry_topics("orders", 3, 60_000, 2.0)

    assert found == ("orders-retry-0", "orders-retry-1")


def test_a_max_delay_that_is_not_more_than_the_delay_is_not_set() -> None:
    found = delays(4, 10_000, 2.0, 10_000)

    assert found == (10_000, 20_000, 30_000)


def test_fractions_of_a_millisecond_are_dropped_at_each_step() -> None:
    """1001 * 1.5 = 1501.5, 1501 * 1.5 = 2251.5."""
    found = retry_topics("orders", 4, 1001, 1.5)

    assert found == ("orders-retry-1001", "orders-retry-1501", "orders-retry-2251")


def test_a_delay_of_zero_is_one_second() -> None:
    found = delays(2, 0)

    assert found == (1000,)


def test_one_attempt_needs_no_retry_topic() -> None:
    assert retry_topics("orders", 1, 1000, 2.0) == ()
    assert group_ids("order-service", 1, 1000, 2.0) == ("order-service", "order-service-dlt")


def test_a_suffix_stands_before_retry_and_dlt_in_topics_and_groups() -> None:
    """`retryTopicSuffix = "-billing-retry"`, `dltTopicSuffix = "-billing-dlt"`."""
    assert retry_topics("orders", 2, 1000, suffix="-billing") == ("orders-billing-retry-1000",)
    assert dead_letter_topic("orders", "-billing") == "orders-billing-dlt"
    assert group_ids("billing", 2, 1000, suffix="-billing") == (
        "billing",
        "billing-billing-retry-1000",
        "billing-billing-dlt",
    )


def test_dead_letters_go_to_the_topic_s_name_and_dlt() -> None:
    assert dead_letter_topic("orders") == "orders-dlt"


def test_random_delays_have_no_names_to_declare() -> None:
    with pytest.raises(NoSuchRetry) as refused:
        retry_topics("orders", 3, 1000, max_delay_ms=5000)

    assert str(refused.value) == (
        "Spring chooses delays at random between `delay` and `max-delay` without a `multiplier`: write one, or remove `max-delay`"
    )


@pytest.mark.parametrize("attempts", [0, -1])
def test_no_attempt_at_all_is_refused(attempts: int) -> None:
    with pytest.raises(NoSuchRetry):
        retry_topics("orders", attempts, 1000)


@given(
    attempts=st.integers(1, 12),
    delay=st.integers(0, 100_000),
    multiplier=st.none() | st.floats(1, 10),
    naming=st.sampled_from(["delay", "index"]),
)
def test_each_retry_has_a_topic_of_its_own(attempts: int, delay: int, multiplier: float | None, naming: str) -> None:
    found = retry_topics("t", attempts, delay, multiplier, naming="index" if naming == "index" else "delay")

    assert len(set(found)) == len(found) == attempts - 1
