"""The topics and consumer groups that Spring for Apache Kafka uses for `@RetryableTopic`, so that they can be declared before an application starts.

Names are those of Spring Kafka 3.0.9. Sources, in the repositories spring-projects/spring-kafka and spring-projects/spring-retry:

- `retrytopic/DestinationTopicPropertiesFactory`: one topic per retry, and which suffix each one gets
- `retrytopic/BackOffValuesGenerator`, spring-retry `backoff/ExponentialBackOffPolicy`: the delays
- `annotation/RetryableTopicAnnotationProcessor`: what `@Backoff` becomes, such as the cap of 30 seconds when no `maxDelay` is given
- `retrytopic/SuffixingRetryTopicNamesProviderFactory`, `retrytopic/EndpointCustomizerFactory`: a suffix goes to the topic and to the group id alike

Spring Kafka 3.2 changed what it does with equal delays (spring-kafka issue 3706): there `sameIntervalTopicReuseStrategy = MULTIPLE_TOPICS` restores these names.
"""

from __future__ import annotations

from typing import Literal

Naming = Literal["delay", "index"]

DEFAULT_DELAY = 1000  # `@Backoff` without a delay, milliseconds
DEFAULT_CAP = 30_000  # ExponentialBackOffPolicy.DEFAULT_MAX_INTERVAL, milliseconds


class NoSuchRetry(ValueError):  # noqa: N818  # reads as the sentence it stands for
    """Spring would not start so, or would choose names at random."""


def retry_topics(
    topic: str,
    attempts: int,
    delay_ms: int = DEFAULT_DELAY,
    multiplier: float | None = None,
    *,
    max_delay_ms: int | None = None,
    naming: Naming = "delay",
    suffix: str = "",
) -> tuple[str, ...]:
    """The retry topics of `topic` in the order in which a record passes through them; `attempts` counts the first one, which needs no topic.

    `suffix` stands before `-retry`, and keeps the topics of two groups apart: Spring's `retryTopicSuffix` is then `{suffix}-retry`.
    """
    waits = delays(attempts, delay_ms, multiplier, max_delay_ms)
    return tuple(f"{topic}{suffix}-retry-{one}" for one in _labels(waits, naming))


def dead_letter_topic(topic: str, suffix: str = "") -> str:
    """Where a record goes after the last attempt: Spring's `dltTopicSuffix` is `{suffix}-dlt`."""
    return f"{topic}{suffix}-dlt"


def group_ids(
    group: str,
    attempts: int,
    delay_ms: int = DEFAULT_DELAY,
    multiplier: float | None = None,
    *,
    max_delay_ms: int | None = None,
    naming: Naming = "delay",
    suffix: str = "",
    dead_letter: bool = True,
) -> tuple[str, ...]:
    """Every group that consumes: `group` itself on the topic, then one per retry topic and one for the dead letters, each named as its topic is.

    `group` is the listener's `groupId`, or its `id`. A group id that is set only on the consumer factory gets no suffix.
    """
    retries = retry_topics(
        group, attempts, delay_ms, multiplier, max_delay_ms=max_delay_ms, naming=naming, suffix=suffix
    )
    return (group, *retries, *([dead_letter_topic(group, suffix)] if dead_letter else []))


def delays(
    attempts: int, delay_ms: int = DEFAULT_DELAY, multiplier: float | None = None, max_delay_ms: int | None = None
) -> tuple[int, ...]:
    """Milliseconds before each retry. A delay of 0 is not set, so 1000; no multiplier, or 0: always the same delay.

    With a multiplier, a delay that would pass `max_delay_ms` is cut to it; one that is not more than `delay_ms` is not set, so 30 seconds, even when the first delay is longer.
    """
    if attempts < 1:
        raise NoSuchRetry(f"`attempts` is {attempts}, but the first one counts: write 1 or more")
    first = delay_ms or DEFAULT_DELAY
    if first < 0:
        raise NoSuchRetry(f"`delay` is {delay_ms} ms, write a time that is not negative")
    if not multiplier or multiplier < 0:
        if max_delay_ms is not None and max_delay_ms > first:
            raise NoSuchRetry(
                "Spring chooses delays at random between `delay` and `max-delay` without a `multiplier`: write one, or remove `max-delay`"
            )
        return (first,) * (attempts - 1)
    cap = max_delay_ms if max_delay_ms is not None and max_delay_ms > first else DEFAULT_CAP
    return tuple(_growing(attempts - 1, first, max(multiplier, 1.0), cap))


def _growing(count: int, first: int, multiplier: float, cap: int) -> list[int]:
    """Whole milliseconds at each step, rounded down before the next is computed."""
    found: list[int] = []
    interval = first
    for _ in range(count):
        found.append(min(interval, cap))
        interval = int(interval * multiplier) if interval <= cap else interval
    return found


def _labels(waits: tuple[int, ...], naming: Naming) -> list[str]:
    """What follows `-retry-`. Delays that are all equal, and more than one, are counted, whatever `naming` says."""
    if naming == "index" or (len(waits) > 1 and len(set(waits)) == 1):
        return [str(index) for index in range(len(waits))]
    return [f"{wait}{_repeated(waits, index)}" for index, wait in enumerate(waits)]


def _repeated(waits: tuple[int, ...], index: int) -> str:
    """Equal delays among others, such as those at the cap, are counted: `-retry-30000-0`, `-retry-30000-1`."""
    wait = waits[index]
    return f"-{index - waits.index(wait)}" if waits.count(wait) > 1 else ""
