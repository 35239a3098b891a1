"""Asks the brokers themselves whether the sandbox is ready; the sandbox's only user of confluent_kafka."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafkaops.sandbox.nodes import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kafkaops.sandbox.nodes import Node

TOPIC = "_kafkaops.sandbox.probe"
ITERATIONS = 4096  # the fewest that Kafka takes
QUIET = {"log_level": 0, "error_cb": lambda _: None, "allow.auto.create.topics": False}


class NotReadyError(Exception):
    """What was waited for in vain, and on which broker."""

    def __init__(self, node: Node, waiting: str) -> None:
        super().__init__(f"broker {node.id}: {waiting}")
        self.node = node
        self.waiting = waiting


@dataclass(frozen=True, slots=True)
class Patience:
    """A time by which to give up, and a check that makes waiting pointless."""

    deadline: float  # time.monotonic()
    check: Callable[[], None]

    def wait(self, node: Node, waiting: str, condition: Callable[[], bool]) -> None:
        while not condition():
            self.check()
            if time.monotonic() > self.deadline:
                raise NotReadyError(node, waiting)
            time.sleep(0.05)


def ready(nodes: Sequence[Node], admin: Mapping[str, str], patience: Patience) -> str:
    """The cluster's id, once a topic on all brokers works from every broker's view and the admin can log in to each."""
    views = seen_by_all(nodes, [node.id for node in nodes], patience)
    set_password(views[0], admin["sasl.username"], admin["sasl.password"])
    _topic_comes_and_goes(nodes, views, patience)
    can_login(nodes, admin, patience)
    return str(views[0].list_topics(timeout=10).cluster_id)


def seen_by_all(nodes: Sequence[Node], members: Iterable[int], patience: Patience) -> list[Any]:
    """A client for each node, once each lists exactly these brokers; it keeps asking the node it was made for."""
    for node in nodes:
        patience.wait(node, "does not listen", lambda node=node: _listens(node.ports["SASL"]))  # type: ignore[misc]
    views = [_client(node, "INTERNAL", {}) for node in nodes]
    wanted = set(members)
    for node, view in zip(nodes, views, strict=True):
        patience.wait(
            node,
            f"does not list the brokers {', '.join(map(str, sorted(wanted)))}",
            lambda node=node, view=view: _brokers(view, node) == wanted,  # type: ignore[misc]
        )
    return views


def can_login(nodes: Sequence[Node], login: Mapping[str, str], patience: Patience) -> None:
    for node in nodes:
        client = _client(node, "SASL", login)
        waiting = f"does not let `{login['sasl.username']}` log in"
        patience.wait(node, waiting, lambda node=node, client=client: bool(_brokers(client, node)))  # type: ignore[misc]


def set_password(client: Any, user: str, password: str) -> None:
    """For both SCRAM mechanisms, one request each: KRaft takes no two for one user at once."""
    from confluent_kafka.admin import (  # noqa: PLC0415 (a heavy import, and only waiting needs it)
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )

    for mechanism in (ScramMechanism.SCRAM_SHA_512, ScramMechanism.SCRAM_SHA_256):
        info = ScramCredentialInfo(mechanism, ITERATIONS)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        client.alter_user_scram_credentials([change])[user].result(timeout=30)


def _topic_comes_and_goes(nodes: Sequence[Node], views: Sequence[Any], patience: Patience) -> None:
    from confluent_kafka.admin import NewTopic  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    everywhere = {node.id for node in nodes}
    views[0].create_topics([NewTopic(TOPIC, 1, len(nodes))])[TOPIC].result(timeout=30)
    for node, view in zip(nodes, views, strict=True):
        waiting = "does not see all replicas of the probe topic in sync"
        patience.wait(node, waiting, lambda view=view: _in_sync(view) == everywhere)  # type: ignore[misc]
    views[0].delete_topics([TOPIC])[TOPIC].result(timeout=30)
    for node, view in zip(nodes, views, strict=True):
        waiting = "still lists the deleted probe topic"
        patience.wait(node, waiting, lambda view=view: TOPIC not in view.list_topics(timeout=10).topics)  # type: ignore[misc]


def _client(node: Node, listener: str, login: Mapping[str, str]) -> Any:
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    return AdminClient({"bootstrap.servers": f"{HOST}:{node.ports[listener]}", **QUIET, **login})


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _brokers(client: Any, node: Node) -> set[int]:
    """As this node says; nothing while it does not answer."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    try:
        answer = client.list_topics(timeout=1)
    except KafkaException:
        return set()
    return set(answer.brokers) if answer.orig_broker_id == node.id else set()


def _in_sync(client: Any) -> set[int]:
    topic = client.list_topics(timeout=10).topics.get(TOPIC)
    return set(topic.partitions[0].isrs) if topic and topic.partitions else set()
