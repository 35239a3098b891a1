"""Makes the picture of the README anew, or with `--check` tells whether it is still what the code shows. Run by `make docs` and `make check`.

The plan is a real one: the example topology, applied to a cluster in memory, then changed as a pull request would change it. Times are fixed, so that the
same code gives the same bytes.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from in_memory import caller
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from kafkaops import app, report, topology
from kafkaops.cluster.snapshot import SnapshotCluster, SnapshotState
from kafkaops.findings import Exit
from kafkaops.settings import ClusterEntry
from kafkaops.topology import Topology
from kafkaops.view import human

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / ".github" / "plan.svg"
COMMAND = "kafkaops plan --cluster production"
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
WIDTH = 98
SHORTER = "    description: how many of an article are left\n"
NEXT = "  inventory.reservation.completed.v1:\n"
READ_TOO = "          - inventory.reservation.failed.v1\n"
PULL_REQUEST = (
    ("inventory.yaml", SHORTER, f"{SHORTER}    retention-ms: 1d\n"),
    (
        "inventory.yaml",
        NEXT,
        f"  inventory.stock.exhausted.v1: {{profile: inventory-events, share: [order-service]}}\n\n{NEXT}",
    ),
    ("order.yaml", READ_TOO, f"{READ_TOO}          - inventory.stock.exhausted.v1\n"),
)
"""File, what stands there, what comes in its place."""


def main() -> int:
    drawn = picture(plan())
    if "--check" not in sys.argv:
        PICTURE.write_text(drawn, encoding="utf-8")
        sys.stdout.write(f"{PICTURE.relative_to(ROOT)}\n")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != drawn:
        sys.stderr.write(f"{PICTURE.relative_to(ROOT)} is not what the code shows now: run `make docs`\n")
        return 1
    return 0


def plan() -> str:
    """The screen, with colour."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(ROOT / "topology", Path(folder) / "topology"))
        cluster = applied(read(root))
        propose(root)
        return screen(read(root), cluster)


def read(root: Path) -> Topology:
    found = topology.read(
        root, shown=lambda path: path.relative_to(root.parent).as_posix(), version="0.1.0", today=NOW.date()
    )
    assert found.valid, found.findings
    return found


def applied(found: Topology) -> SnapshotCluster:
    """A cluster that is as the files say, with a gigabyte in each topic."""
    entry = found.entry("production")
    cluster = SnapshotCluster(cluster_id=entry.cluster_id or "", kafka_version="3.5")
    wanted = replace(request(found), caller=caller())
    with app.plan(wanted, lambda _: (cluster, None)) as planned:
        app.perform(wanted, planned, lambda _: None)
    state = cluster.state
    full = {name: replace(topic, sizes=(2**30,)) for name, topic in state.topics.items()}
    cluster.state = SnapshotState(full, state.acls, state.created)
    return cluster


def propose(root: Path) -> None:
    for name, before, after in PULL_REQUEST:
        text = (root / name).read_text(encoding="utf-8")
        assert text.count(before) == 1, before
        (root / name).write_text(text.replace(before, after), encoding="utf-8")


def screen(found: Topology, cluster: SnapshotCluster) -> str:
    def connect(_: ClusterEntry) -> tuple[SnapshotCluster, None]:
        return cluster, None

    with app.plan(request(found), connect) as planned:
        header = replace(planned.header, read_at=NOW, seconds=0.4)
        document = report.plan_document(planned.plan, header, Exit.BLOCKED if planned.plan.blocked else Exit.DONE)
    return human.render(document, width=WIDTH, colour=True)


def request(found: Topology) -> app.Request:
    return app.Request(command="plan", topology=found, entry=found.entry("production"), now=NOW)


def picture(shown: str) -> str:
    """An SVG that loads nothing: rich's own names a font on a server."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, legacy_windows=False)
    console.print(Text.from_ansi(f"$ {COMMAND}\n{shown}"), soft_wrap=True, end="")
    drawn = console.export_svg(title="kafkaops", theme=MONOKAI, unique_id="kafkaops")
    return re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)


if __name__ == "__main__":
    raise SystemExit(main())
