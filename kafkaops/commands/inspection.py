"""describe and doctor: looking closely."""

from __future__ import annotations

from kafkaops.cli import Options


def describe(options: Options, address: str) -> int:
    raise NotImplementedError


def doctor(options: Options) -> int:
    raise NotImplementedError
