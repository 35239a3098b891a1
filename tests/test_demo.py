"""However the demo ends, it ends in a sentence and leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = Path(__file__).with_name("demo.py")


def started(work: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, DEMO],
        env={**os.environ, "TMPDIR": str(work), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_demo_that_cannot_start_says_why(tmp_path: Path) -> None:
    with started(tmp_path, KAFKA_HOME=str(tmp_path)) as demo:
        screen, _ = demo.communicate()

    assert demo.returncode == 1
    why = f"KAFKA_HOME is `{tmp_path}`, which holds no Kafka: there is no `libs/kafka_2.13-VERSION.jar` in it"
    assert screen.splitlines()[2:] == [f"  the sandbox did not start: {why}"]
    assert not list(tmp_path.iterdir())


@pytest.mark.broker
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demo_that_is_interrupted_removes_what_it_made(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with started(tmp_path) as demo:
        assert demo.stdout
        while "starting 3 brokers" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.send_signal(number)
        screen, _ = demo.communicate()

    assert demo.returncode == code
    assert screen == "  interrupted: what the demo had started is stopped, and its files are removed\n"
    assert not list(tmp_path.iterdir())
