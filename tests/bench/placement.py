"""What placements copy, beside what they have to, and beside `kafka-reassign-partitions --generate` on the same input. Run by `make bench-placement`.

Kafka's planner is the one in its jar, started by the Java development kit on the PATH; without one its column stays empty. It starts at a broker by
chance, so the median of three counts. A placement is a process of its own: time is the planner's alone, memory also holds Python and the input.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import placement_oracle as oracle

from kafkaops.placement.judge import judge
from kafkaops.placement.model import BrokerInfo, Goals, PartitionId, PartitionInfo, Score
from kafkaops.placement.planner import place
from kafkaops.sandbox import jars
from kafkaops.sandbox.lock import Jar, Lock

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "placement.json"
SIZES = (1_000, 10_000, 100_000)
EXACT = 1_000
TOOLS = Jar(
    "org.apache.kafka", "kafka-tools", "4.4.0", "4eb9a7fbfd63badfd8d1a677aa2d54b47b2b2d442ff7d68fd223972afea1954c"
)
MEBIBYTE = 1024 if sys.platform == "linux" else 1024 * 1024  # of ru_maxrss

Lists = Mapping[PartitionId, tuple[int, ...]]
COUNT = Goals(count="hard", leaders="all")
BYTES = Goals(count="hard", leaders="all", byte_tolerance=0.1)


@dataclass(frozen=True, slots=True)
class Question:
    brokers: list[BrokerInfo]
    partitions: list[PartitionInfo]
    goals: Goals


def cluster(racks: str) -> list[BrokerInfo]:
    """A letter for each broker, `-` for none."""
    return [BrokerInfo(id_, None if rack == "-" else rack) for id_, rack in enumerate(racks, 1)]


def partitions(
    count: int,
    brokers: Sequence[BrokerInfo],
    rf: int,
    *,
    zipf: bool = False,
    aware: bool = True,
    wanted: int | None = None,
) -> list[PartitionInfo]:
    """Topics of 3 to 48 partitions, each spread round the brokers from a broker by chance, as Kafka creates them."""
    random = Random(count)
    sizes = (
        [int(1e12 / rank) for rank in range(1, count + 1)]
        if zipf
        else [int(random.lognormvariate(21, 1.5)) for _ in range(count)]
    )
    random.shuffle(sizes)
    found: list[PartitionInfo] = []
    topic = 0
    while len(found) < count:
        ring = _ring(brokers, random) if aware else random.sample([broker.id for broker in brokers], len(brokers))
        for index in range(min(random.choice((3, 6, 12, 24, 48)), count - len(found))):
            replicas = tuple(ring[(index + place) % len(ring)] for place in range(rf))
            found.append(PartitionInfo(f"t{topic:05}", index, replicas, frozenset(replicas), sizes[len(found)], wanted))
        topic += 1
    return found


def _ring(brokers: Sequence[BrokerInfo], random: Random) -> list[int]:
    """Racks take turns."""
    racks: dict[str | None, list[int]] = {}
    for broker in brokers:
        racks.setdefault(broker.rack, []).append(broker.id)
    for ids in racks.values():
        random.shuffle(ids)
    rounds = max(map(len, racks.values()))
    return [ids[turn] for turn in range(rounds) for ids in racks.values() if turn < len(ids)]


def rf(count: int) -> Question:
    brokers = cluster("abc" * 4)
    return Question(brokers, partitions(count, brokers, 2, wanted=3), COUNT)


def drain(count: int) -> Question:
    brokers = cluster("-" * 12)
    return Question(brokers, partitions(count, brokers, 3), replace(COUNT, drain=frozenset({12})))


def drain_racks(count: int) -> Question:
    brokers = cluster("abc" * 4)
    return Question(brokers, partitions(count, brokers, 3), replace(COUNT, drain=frozenset({12})))


def add_six(count: int) -> Question:
    brokers = cluster("abc" * 3)
    return Question(brokers, partitions(count, brokers[:3], 3), BYTES)


def add_three(count: int) -> Question:
    brokers = cluster("abc" * 4)
    return Question(brokers, partitions(count, brokers[:9], 3), BYTES)


def add_three_zipf(count: int) -> Question:
    brokers = cluster("abc" * 4)
    return Question(brokers, partitions(count, brokers[:9], 3, zipf=True), BYTES)


def add_six_topics(count: int) -> Question:
    return replace(asked := add_six(count), goals=replace(asked.goals, topic_spread="hard"))


def add_three_topics(count: int) -> Question:
    return replace(asked := add_three(count), goals=replace(asked.goals, topic_spread="hard"))


def repair(count: int) -> Question:
    brokers = cluster("abc" * 3)
    return Question(brokers, partitions(count, brokers, 3, aware=False), COUNT)


def uneven_zipf(count: int) -> Question:
    brokers = cluster("aaaaabbbbccc")
    return Question(brokers, partitions(count, brokers, 3, zipf=True), replace(BYTES, drain=frozenset({5, 9})))


SCENARIOS: Mapping[str, tuple[str, Callable[[int], Question]]] = {
    "rf": ("replication factor 2 to 3, 12 brokers in 3 racks", rf),
    "drain": ("drain 1 of 12 brokers, no racks", drain),
    "drain-racks": ("drain 1 of 12 brokers in 3 racks", drain_racks),
    "repair": ("replicas placed without racks, 9 brokers in 3", repair),
    "add-six": ("3 brokers get 6 more, bytes within 10 %", add_six),
    "add-three": ("9 brokers get 3 more, bytes within 10 %", add_three),
    "add-zipf": ("the same, sizes by Zipf", add_three_zipf),
    "uneven-zipf": ("drain 2 of 12 in racks of 5, 4, 3, sizes by Zipf, bytes within 10 %", uneven_zipf),
    "add-six-topics": ("3 brokers get 6 more, bytes within 10 %, topics spread", add_six_topics),
    "add-three-topics": ("9 brokers get 3 more, bytes within 10 %, topics spread", add_three_topics),
}


def main(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["--one"]:
        print(json.dumps(one(arguments[1], int(arguments[2]))))  # noqa: T201
        return 0
    wanted = [int(size) for size in arguments] or SIZES
    say(
        f"{'':66}{'least':>9}{'copied':>8}{'bytes':>12}{'leaders':>8}{'cpu':>8}{'memory':>9}{'--generate':>12}{'bytes':>12}"
    )
    rows = [row for size in wanted for row in measured(size)]
    exact = exact_flow(EXACT)
    say(f"{exact} of {EXACT} placements copy what the exact flow does")
    figures = {
        "measured_at": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "exact": {"of": EXACT, "equal": exact},
        "rows": rows,
    }
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    say(f"written to {FIGURES.relative_to(HERE.parent.parent)}")
    return 0


def measured(size: int) -> Iterator[Mapping[str, object]]:
    for name, (what, asked) in SCENARIOS.items():
        done = subprocess.run(
            [sys.executable, __file__, "--one", name, str(size)], stdout=subprocess.PIPE, text=True, check=True
        )
        row = json.loads(done.stdout) | {"what": what, "partitions": size, "generate": generated(asked(size))}
        theirs = row["generate"]
        beside = f"{theirs['bytes'] / row['least']:>11.2f}x{_range(theirs['range']):>12}" if theirs else ""
        say(
            f"{size:>7,} {what:58}{row['least'] / 1e12:>6.2f} TB{row['bytes'] / row['least']:>7.4f}x{_range(row['range']):>12}{row['leader_spread']:>8}"
            f"{row['cpu_s']:>6.2f} s{row['memory_mib']:>5} MiB{beside}"
        )
        yield row


def one(name: str, size: int) -> Mapping[str, object]:
    question = SCENARIOS[name][1](size)
    wall, cpu = time.monotonic(), time.process_time()
    placement = place(question.brokers, question.partitions, question.goals)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MEBIBYTE
    verdict = judge(
        question.brokers, question.partitions, question.goals, {move.id: move.new for move in placement.moves}
    )
    return {
        "bytes": placement.bytes,
        "least": placement.bound.least,
        "proved": placement.bound.optimal,
        "moves": len(placement.moves),
        "unmet": [unmet.goal for unmet in placement.unmet],
        "broken": len(verdict.broken),
        **told(placement.after),
        "wall_s": round(wall, 2),
        "cpu_s": round(cpu, 2),
        "memory_mib": memory,
    }


def told(score: Score) -> Mapping[str, object]:
    return {
        "count_spread": score.count_spread,
        "leader_spread": score.leader_spread,
        "overshoot": score.overshoot,
        "range": [round(part, 3) for part in score.byte_range],
    }


def generated(question: Question) -> Mapping[str, object] | None:
    """What Kafka's tool copies for the same: of three runs the one in the middle. It knows no goals: only brokers, their racks, and how many replicas."""
    java = shutil.which("javac") and shutil.which("java")
    if not java:
        return None
    needed = jars.find("4.4", os.environ, say)
    tools = jars.fetch(Lock("kafka-tools", (TOOLS,)), os.environ, say)
    members = [broker for broker in question.brokers if broker.id not in question.goals.drain]
    lines = [f"broker {broker.id} {broker.rack or ''}".rstrip() for broker in members]
    for each in question.partitions:
        replicas = list(range(each.target_rf)) if each.target_rf else each.replicas
        lines.append(f"partition {each.topic} {each.partition} {','.join(map(str, replicas))}")
    runs = []
    for _ in range(3):
        path = os.pathsep.join(str(jar) for jar in (*needed.jars, *tools))
        done = subprocess.run(
            [java, "-cp", path, str(HERE / "Generate.java")],
            input="\n".join(lines),
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        runs.append(judge(question.brokers, question.partitions, question.goals, _lists(done.stdout)))
    middle = statistics.median_low([run.bytes for run in runs])
    run = next(run for run in runs if run.bytes == middle)
    return {"bytes": run.bytes, **told(run.score)}


def _lists(output: str) -> Lists:
    words = [line.split() for line in output.splitlines()]
    return {(topic, int(partition)): tuple(map(int, ids.split(","))) for topic, partition, ids in words}


def exact_flow(count: int) -> int:
    """How many of so many random placements cost what networkx finds to be the least."""
    equal = 0
    for seed in range(count):
        brokers, given, goals = oracle.instance(Random(10_000 + seed))
        placement = place(brokers, given, goals)
        equal += oracle.costs(placement, goals) == oracle.least(brokers, given, goals)
    return equal


def _range(parts: Sequence[float]) -> str:
    return f"{parts[0]:.2f}-{parts[1]:.2f}"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
