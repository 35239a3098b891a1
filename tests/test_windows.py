"""The window of `placement:`: when copies may start, and what is no window."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from kafkaops import cli
from kafkaops.settings import Window


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("22:00-22:00", "the window begins and ends at 22:00"),
        ("22:00-06:00 Europe/Atlantis", "`Europe/Atlantis` is not a time zone"),
        ("22:00-06:00 ../../etc/passwd", "`22:00-06:00 ../../etc/passwd` is not a window of the day"),
        ("22:00-06:00 Europe/Berlin", None),
        ("22:00-06:00", None),
    ],
)
def test_what_is_no_window_is_told_at_its_place(
    text: str, why: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "topology").mkdir()
    (tmp_path / "topology/kafkaops.yaml").write_text(
        f'version: 1\nclusters:\n  prod:\n    bootstrap-servers: [a:1]\n    placement: {{window: "{text}"}}\n'
    )
    monkeypatch.chdir(tmp_path)

    code = cli.run(["validate", "-o", "json"])

    found = [(one["message"], one["source"]["line"]) for one in json.loads(capsys.readouterr().out)["findings"]]
    assert (code, found) == ((4, [(why, 5)]) if why else (0, []))


@pytest.mark.parametrize(
    ("window", "hours"),
    [
        (Window(time(22), time(6)), {22, 23, 0, 1, 2, 3, 4, 5}),
        (Window(time(1), time(3)), {1, 2}),
        (Window(time(1), time(3), "Asia/Tokyo"), {16, 17}),  # nine hours before UTC
    ],
)
def test_a_window_holds_from_its_first_moment_to_before_its_last(window: Window, hours: set[int]) -> None:
    assert {hour for hour in range(24) if window.holds(datetime(2026, 11, 25, hour, tzinfo=UTC))} == hours
