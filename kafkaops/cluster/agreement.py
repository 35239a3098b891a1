"""One broker's answer is not the cluster's: a reading counts when all live brokers give the same (kafka-semantics 11, decisions 1)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from kafkaops.cluster import ClusterFailure, FailureKind

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds without progress after which brokers that disagree are reported."""

_PAUSE = 0.25


def on_all(brokers: Sequence[int], ask: Callable[[int], T]) -> dict[int, T]:
    """Each broker's own answer, asked at the same time."""
    if len(brokers) == 1:
        return {brokers[0]: ask(brokers[0])}
    with ThreadPoolExecutor(len(brokers)) as pool:
        return dict(zip(brokers, pool.map(ask, brokers), strict=True))


def agreed(brokers: Sequence[int], ask: Callable[[int], T], *, what: str, patience: float = PATIENCE) -> T:
    """The answer that all these brokers give, asked again while they differ and the differences still change.

    Errors: ClusterFailure(UNREACHABLE) that names the brokers in the minority, after `patience` seconds in which no answer changed.
    """
    last: dict[int, T] = {}
    since = time.monotonic()
    while True:
        answers = on_all(brokers, ask)
        if len(set(answers.values())) == 1:
            return answers[brokers[0]]
        if answers != last:
            last, since = answers, time.monotonic()
        if time.monotonic() - since > patience:
            raise ClusterFailure(FailureKind.UNREACHABLE, _disagreement(answers, what, patience), help=_ADVICE)
        time.sleep(_PAUSE)


_ADVICE = "wait until the broker has caught up (its log says so), or restart it, then run the same command again"


def _disagreement(answers: dict[int, T], what: str, patience: float) -> str:
    majority = Counter(answers.values()).most_common(1)[0][0]
    lagging = [broker for broker, answer in sorted(answers.items()) if answer != majority]
    named = " and ".join(f"broker {broker}" for broker in lagging)
    return f"the brokers do not agree on {what}: {named} differs from the others, unchanged for {patience:.0f} s"
