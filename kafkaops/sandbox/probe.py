"""Asks the brokers themselves whether the sandbox is ready; the sandbox's only user of confluent_kafka."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafkaops.sandbox import metadata
from kafkaops.sandbox.nodes import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Future

    from kafkaops.sandbox.metadata import View
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

    def wait_to_see(self, node: Node, waiting: str, condition: Callable[[View], bool]) -> None:
        """Until the condition holds in this broker's own view."""
        port = node.ports["INTERNAL"]
        self.wait(node, waiting, lambda: bool((view := metadata.ask(port)) and condition(view)))


def ready(nodes: Sequence[Node], admin: Mapping[str, str], patience: Patience) -> str:
    """The cluster's id, once a topic on all brokers works in every broker's view and the admin can log in to each."""
    wait_for_members(nodes, patience)
    set_password(nodes, admin["sasl.username"], admin["sasl.password"], patience)
    _topic_comes_and_goes(nodes, patience)
    wait_for_login(nodes, admin, patience)
    view = metadata.ask(nodes[0].ports["INTERNAL"])
    return view.cluster_id if view else ""


def wait_for_members(nodes: Sequence[Node], patience: Patience) -> None:
    """Until each of these brokers lists all of them, and no other."""
    wanted = frozenset(node.id for node in nodes)
    for node in nodes:
        patience.wait_to_see(node, "does not list every live broker", lambda view: view.brokers == wanted)


def wait_for_login(nodes: Sequence[Node], login: Mapping[str, str], patience: Patience) -> None:
    """Until this user can log in to each of these brokers."""
    for node in nodes:
        user = client({**login, **_servers([node], "SASL")})
        waiting = f"does not let `{login['sasl.username']}` log in"
        patience.wait(node, waiting, lambda user=user: answers(user))  # type: ignore[misc]


def set_password(nodes: Sequence[Node], user: str, password: str, patience: Patience) -> None:
    """For both SCRAM mechanisms, one request each: KRaft takes no two for one user at once."""
    from confluent_kafka.admin import (  # noqa: PLC0415 (a heavy import, and only waiting needs it)
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialUpsertion,
    )

    admin = client(_servers(nodes, "INTERNAL"))
    for mechanism in (ScramMechanism.SCRAM_SHA_512, ScramMechanism.SCRAM_SHA_256):
        info = ScramCredentialInfo(mechanism, ITERATIONS)
        change = UserScramCredentialUpsertion(user, info, password.encode())
        waiting = f"does not take a password for `{user}`"
        patience.wait(
            nodes[0],
            waiting,
            lambda change=change: _done(admin.alter_user_scram_credentials([change])[user]),  # type: ignore[misc]
        )


def _topic_comes_and_goes(nodes: Sequence[Node], patience: Patience) -> None:
    from confluent_kafka.admin import NewTopic  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    admin, topic = client(_servers(nodes, "INTERNAL")), NewTopic(TOPIC, 1, len(nodes))
    everywhere = frozenset(node.id for node in nodes)
    patience.wait(nodes[0], "does not create the probe topic", lambda: _done(admin.create_topics([topic])[TOPIC]))
    for node in nodes:
        waiting = "does not see all replicas of the probe topic in sync"
        patience.wait_to_see(node, waiting, lambda view: view.in_sync.get(TOPIC) == everywhere)
    patience.wait(nodes[0], "does not delete the probe topic", lambda: _done(admin.delete_topics([TOPIC])[TOPIC]))
    for node in nodes:
        patience.wait_to_see(node, "still lists the deleted probe topic", lambda view: TOPIC not in view.in_sync)


def _done(request: Future[object]) -> bool:
    """Also when an earlier try had done it and only its answer was lost."""
    from confluent_kafka import KafkaError, KafkaException  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    try:
        request.result(timeout=10)
    except TimeoutError:
        return False
    except KafkaException as error:
        return error.args[0].code() in (KafkaError.TOPIC_ALREADY_EXISTS, KafkaError.UNKNOWN_TOPIC_OR_PART)
    return True


def client(properties: Mapping[str, str | int | bool]) -> Any:
    """A silent one; the properties are spelled as librdkafka spells them."""
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    return AdminClient({**QUIET, **properties})


def answers(client: Any) -> bool:
    from confluent_kafka import KafkaException  # noqa: PLC0415 (a heavy import, and only waiting needs it)

    try:
        client.list_topics(timeout=1)
    except KafkaException:
        return False
    return True


def _servers(nodes: Sequence[Node], listener: str) -> dict[str, str]:
    return {"bootstrap.servers": ",".join(f"{HOST}:{node.ports[listener]}" for node in nodes)}
