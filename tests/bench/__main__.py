"""Time and memory on a big cluster, each beside the least that could be done instead. Run by `make bench`.

Three real brokers, 10,000 topics of three partitions, 22,000 ACLs; TLS and SCRAM, as in production. Every command is a process of its own, from its start
to its end, and the best of three counts: what disturbs can only add. CPU time beside wall time, since other work on the machine changes the second.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import big

from kafkaops.sandbox import Sandbox, running

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "figures.json"
FEW, MANY, CHANGED, TIMES = 1_000, 10_000, 100, 3
PATIENCE = 900  # seconds for brokers that have just been given ten thousand topics, on a machine with other work
UNREACHABLE = 69
MEBIBYTE = 1024 if sys.platform == "linux" else 1024 * 1024  # of ru_maxrss
KAFKAOPS = (sys.executable, "-m", "kafkaops.cli")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one process: seconds, and the most memory it held, in MiB."""

    wall: float
    cpu: float
    memory: float


@dataclass(frozen=True, slots=True)
class Row:
    """`least`: what could be done instead, by its name."""

    what: str
    cost: Cost
    least: Mapping[str, Cost] = field(default_factory=dict)

    def ratios(self) -> dict[str, dict[str, float]]:
        return {
            name: {"wall": round(self.cost.wall / one.wall, 2), "cpu": round(self.cost.cpu / one.cpu, 2)}
            for name, one in self.least.items()
        }


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    said: str
    cost: Cost


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kafkaops-bench-") as folder:
        rows = []
        for row in measured(Path(folder)):
            rows.append(row)
            say(table(row))
    FIGURES.write_text(json.dumps(figures(rows), indent=2) + "\n", encoding="utf-8")
    say(f"written to {FIGURES.relative_to(HERE.parent.parent)}")
    return 0


def measured(folder: Path) -> Iterator[Row]:
    say(f"{'':36}{'wall':>8}{'cpu':>8}{'memory':>9}")
    typer = {"import typer": best(sys.executable, "-c", "import typer")}
    yield Row("--help", best(*KAFKAOPS, "--help"), typer)
    few = big.write(folder / "few", topics=FEW)
    many = big.write(folder / "many", topics=MANY)
    changed = big.write(folder / "changed", topics=MANY, changed=CHANGED)
    yield Row(f"validate {FEW:,} topics", best(*KAFKAOPS, "validate", "--topology", str(few)))
    yield Row(f"validate {MANY:,} topics", best(*KAFKAOPS, "validate", "--topology", str(many)))
    with running(folder / "sandbox", heap="1536m", report=say) as sandbox:
        fill(few, sandbox)
        yield Row(f"plan {FEW:,} topics in sync", plan(few, sandbox, 0), bare(sandbox))
        fill(many, sandbox)
        least = bare(sandbox)
        yield Row(f"plan {MANY:,} topics in sync", plan(many, sandbox, 0), least)
        yield Row(f"plan {MANY:,} topics, {CHANGED} changes", plan(changed, sandbox, 3), least)


def fill(root: Path, sandbox: Sandbox) -> None:
    begun = time.monotonic()
    run((sys.executable, str(HERE / "fill.py"), str(root), str(sandbox.properties)))
    say(f"filled in {time.monotonic() - begun:.0f} s")
    while (ended := spawn(planning(root), sandbox.properties)).code == UNREACHABLE:
        if time.monotonic() - begun > PATIENCE:
            raise SystemExit(f"after {PATIENCE} s the brokers did not yet agree on what was created:\n{ended.said}")


def plan(root: Path, sandbox: Sandbox, code: int) -> Cost:
    return best(*planning(root), properties=sandbox.properties, code=code)


def planning(root: Path) -> tuple[str, ...]:
    return (*KAFKAOPS, "plan", "--topology", str(root))


def bare(sandbox: Sandbox) -> dict[str, Cost]:
    command = (sys.executable, str(HERE / "bare.py"), str(sandbox.properties))
    return {"bare, each fact once": best(*command, "once"), "bare, each broker asked": best(*command, "each")}


def best(*command: str, properties: Path | None = None, code: int = 0) -> Cost:
    """Of each figure the lowest of several runs."""
    costs = [run(command, properties=properties, code=code) for _ in range(TIMES)]
    return Cost(*(min(values) for values in zip(*((one.wall, one.cpu, one.memory) for one in costs), strict=True)))


def run(command: Sequence[str], *, properties: Path | None = None, code: int = 0) -> Cost:
    ended = spawn(command, properties)
    if ended.code != code:
        raise SystemExit(f"`{' '.join(command)}` ended with {ended.code}:\n{ended.said}")
    return ended.cost


def spawn(command: Sequence[str], properties: Path | None) -> Ended:
    """The costs are the system's own account of the process."""
    environ = {**os.environ, "KAFKAOPS_CLIENT_CONFIG": str(properties)} if properties else dict(os.environ)
    with tempfile.TemporaryFile() as output:
        redirected = [(os.POSIX_SPAWN_DUP2, output.fileno(), stream) for stream in (1, 2)]
        begun = time.monotonic()
        child = os.posix_spawn(command[0], list(command), environ, file_actions=redirected)
        _, status, usage = os.wait4(child, 0)
        wall = time.monotonic() - begun
        output.seek(0)
        said = output.read().decode()
    cost = Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MEBIBYTE)
    return Ended(os.waitstatus_to_exitcode(status), said[-2000:], cost)


def table(row: Row) -> str:
    above = line(row.what, row.cost)
    return "\n".join((above, *(line(f"  {name}", one) + ratio(row, name) for name, one in row.least.items())))


def line(what: str, cost: Cost) -> str:
    return f"{what:36}{cost.wall:>6.2f} s{cost.cpu:>6.2f} s{cost.memory:>5.0f} MiB"


def ratio(row: Row, name: str) -> str:
    times = row.ratios()[name]
    return f"   {times['wall']:.2f}x wall  {times['cpu']:.2f}x cpu"


def figures(rows: Sequence[Row]) -> dict[str, object]:
    return {
        "measured_at": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "rows": [{**rounded(row.cost), "what": row.what, "least": least(row), "ratios": row.ratios()} for row in rows],
    }


def least(row: Row) -> dict[str, dict[str, float]]:
    return {name: rounded(one) for name, one in row.least.items()}


def rounded(cost: Cost) -> dict[str, float]:
    return {"wall_s": round(cost.wall, 2), "cpu_s": round(cost.cpu, 2), "memory_mib": round(cost.memory)}


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
