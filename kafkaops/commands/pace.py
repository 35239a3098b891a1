"""How fast copies are made and how long somebody waits for them, as flags say it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

from kafkaops import relocation, units
from kafkaops.findings import misused
from kafkaops.settings import window
from kafkaops.terms import RATE, WINDOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """As they were written; None: left out."""

    throttle: str | None = None
    window: str | None = None
    stall_timeout: str | None = None
    detach_after: str | None = None


NONE = Flags()


@dataclass(frozen=True, slots=True)
class Pace:
    """`detach_after`: seconds after which nobody waits any more; None: however long it takes."""

    moves: relocation.Speed
    detach_after: float | None = None


def of(flags: Flags) -> Pace:
    """Errors: Refusal (64) for what is no rate, no time, no window."""
    patience = _seconds("--stall-timeout", flags.stall_timeout)
    speed = relocation.Speed(
        throttle=None if flags.throttle is None else rate(flags.throttle, "--throttle"),
        patience=relocation.PATIENCE if patience is None else patience,
        window=None if flags.window is None else _window(flags.window),
    )
    return Pace(speed, _seconds("--detach-after", flags.detach_after))


def rate(text: str, named: str = "RATE") -> int:
    """Bytes per second. Errors: Refusal (64)."""
    if not re.fullmatch(RATE["pattern"], text):
        raise misused(f"`{named} {text}` is not a rate", f"write it like `{named} 50MiB/s`")
    return units.rate(text)


def _seconds(flag: str, text: str | None) -> float | None:
    if text is None:
        return None
    try:
        found = units.duration(text)
    except units.NotAUnit:
        found = 0
    if found <= 0:
        raise misused(f"`{flag} {text}` is not a time", f"write it like `{flag} 15m` or `{flag} 5h`")
    return found / 1000


def _window(text: str) -> Callable[[datetime], bool]:
    try:
        found = window(text) if re.fullmatch(WINDOW["pattern"], text) else None
        if found is not None and found.begins != found.ends:
            found.holds(datetime.now().astimezone())
            return found.holds
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise misused(f"`--window {text}` is not a window of the day", "write it like `--window 22:00-06:00` (UTC)")
