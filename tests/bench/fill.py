"""Makes a cluster equal to a topology, through kafkaops's own door: fill.py TOPOLOGY PROPERTIES."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from kafkaops import connection, topology
from kafkaops.cluster import AclBinding, KafkaError, NewTopic
from kafkaops.compile import Desired
from kafkaops.kinds.topic.model import Topic


def main(root: Path, properties: Path) -> None:
    found = topology.read(root, shown=str, version="0.1.0", today=datetime.now(UTC).date())
    assert found.valid, found.findings[:3]
    environ = {**os.environ, connection.OPERATORS_FILE: str(properties)}
    cluster, _ = connection.connect(found.entry("bench"), root, environ, timeout=60)
    try:
        _expect_done(cluster.create_topics(_topics(found.desired["bench"])), "TOPIC_ALREADY_EXISTS")
        _expect_done(cluster.create_acls(_acls(found.desired["bench"])))
    finally:
        cluster.close()


def _topics(desired: Desired) -> list[NewTopic]:
    return [
        NewTopic(one.name, one.partitions, one.replication, one.config)
        for one in desired.topics.values()
        if isinstance(one, Topic)
    ]


def _acls(desired: Desired) -> list[AclBinding]:
    return list(desired.acls.bindings)


def _expect_done(answers: object, *fine: str) -> None:
    assert isinstance(answers, dict)
    errors = {str(error) for error in answers.values() if isinstance(error, KafkaError) and error.name not in fine}
    if errors:
        raise SystemExit(f"the cluster could not be filled: {sorted(errors)[:3]}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
