"""Durations and sizes as people write them, to and from the whole numbers that Kafka keeps."""

from __future__ import annotations

import re

_DURATIONS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SIZES = {
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
}
_WRITTEN = re.compile(r"(\d{1,19})(ms|[smhd]|[KMGT]iB|[kKMGT]?B)", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)


class NotAUnit(ValueError):  # noqa: N818  # reads as the sentence it stands for
    """The text is not written as the unit asks for."""


def duration(text: str | int) -> int:
    """Milliseconds: `7d` `12h` `30m` `45s` `500ms`, `forever` = -1, a whole number = ms."""
    return _parse(text, _DURATIONS, "forever")


def size(text: str | int) -> int:
    """Bytes: `1GiB` (2^30), `500MB` (10^6 each), `unlimited` = -1, a whole number = bytes."""
    return _parse(text, _SIZES, "unlimited")


def rate(text: str) -> int:
    """Bytes per second: `50MiB/s`."""
    return size(text.removesuffix("/s"))


def percent(text: str) -> float:
    """`10%` is 0.1."""
    return int(text.removesuffix("%")) / 100


def _parse(text: str | int, factors: dict[str, int], endless: str) -> int:
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    if text == endless:
        return -1
    written = str(text).strip()
    if _WHOLE.fullmatch(written):
        return int(written)
    match = _WRITTEN.fullmatch(written)
    if match is None or match[2] not in factors:
        raise NotAUnit(text)
    return int(match[1]) * factors[match[2]]


def show_duration(ms: int) -> str:
    """The largest unit that divides it: 604800000 -> `7d`, -1 -> `forever`."""
    if ms == -1:
        return "forever"
    for name in ("d", "h", "m", "s"):
        if ms > 0 and ms % _DURATIONS[name] == 0:
            return f"{ms // _DURATIONS[name]}{name}"
    return f"{ms}ms"


def show_size(count: int) -> str:
    """The largest binary unit that divides it: 1073741824 -> `1GiB`, 1048588 -> `1048588`, -1 -> `unlimited`."""
    if count == -1:
        return "unlimited"
    for name in ("TiB", "GiB", "MiB", "KiB"):
        if count > 0 and count % _SIZES[name] == 0:
            return f"{count // _SIZES[name]}{name}"
    return str(count)


def about(count: int) -> str:
    """A number of bytes to read, three digits: 685047283712 -> `638 GiB`."""
    amount = float(count)
    for name in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004  # the step of binary units
            return f"{amount:.3g} {name}" if amount < 1000 else f"{amount:.0f} {name}"  # noqa: PLR2004
        amount /= 1024
    return f"{amount:.3g} TiB"


def span(seconds: int) -> str:
    """A time that something takes, to read: 40 -> `40s`, 9362 -> `2h36m`."""
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m" if minutes else f"{seconds}s"


def age(seconds: int) -> str:
    """A time gone by, to read: 90 -> `1 min`, 111600 -> `31 h`, 864000 -> `10 d`."""
    if seconds < 2 * 3600:
        return f"{max(seconds, 0) // 60} min"
    return f"{seconds // 3600} h" if seconds < 3 * 86_400 else f"{seconds // 86_400} d"
