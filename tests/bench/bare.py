"""The fastest bare client calls that read what a plan reads, and nothing else: bare.py PROPERTIES once|each.

once: every fact from whichever broker. each: topics and ACLs from every broker, as a plan does, since one that lags shows neither.

All topics by confluent, which decodes them in C; the settings of each and all ACLs by kafka-python's protocol classes with three requests
in flight, which takes a third of confluent's CPU. Nothing is made of the answers.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient
from kafka.protocol.admin import DescribeAclsRequest, DescribeConfigsRequest

from kafkaops.cluster.properties import load
from kafkaops.cluster.protocol import Connections

TIMEOUT = 60.0
PORTION = 500
IN_FLIGHT = 3
TOPIC, ANY = 2, 1


def main(properties: Path, asked: str) -> None:
    config = load(properties, root=properties.parent, environ=os.environ, timeout=TIMEOUT, trusted=True)
    admin = AdminClient(config.confluent)
    metadata = admin.list_topics(timeout=TIMEOUT)
    askings = len(metadata.brokers) if asked == "each" else 1
    for _ in range(askings - 1):
        admin.list_topics(timeout=TIMEOUT)
    servers = [f"{broker.host}:{broker.port}" for broker in metadata.brokers.values()]
    connections = Connections(
        {**config.kafka_python, "bootstrap_servers": servers}, cluster_id=metadata.cluster_id, timeout=TIMEOUT
    )
    try:
        connections.refresh()
        with ThreadPoolExecutor(IN_FLIGHT) as pool:
            settings = [settings_of(portion) for portion in portions(sorted(metadata.topics))]
            requests = [*(all_acls() for _ in range(askings)), *settings]
            answers = list(pool.map(connections.ask, cycle(connections.brokers()), requests))
    finally:
        connections.close()
    acls = sum(len(resource.acls) for resource in answers[0].resources)
    topics = sum(len(one.results) for one in answers[askings:])
    print(f"{len(metadata.topics)} topics, settings of {topics}, {acls} ACLs")  # noqa: T201


def portions(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + PORTION] for start in range(0, len(names), PORTION))


def settings_of(names: Sequence[str]) -> Any:
    resource = DescribeConfigsRequest.DescribeConfigsResource
    return DescribeConfigsRequest(
        resources=[resource(resource_type=TOPIC, resource_name=name, configuration_keys=None) for name in names]
    )


def all_acls() -> Any:
    return DescribeAclsRequest(
        resource_type_filter=ANY,
        resource_name_filter=None,
        pattern_type_filter=ANY,
        principal_filter=None,
        host_filter=None,
        operation=ANY,
        permission_type=ANY,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
