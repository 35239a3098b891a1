"""What each process of a sandbox is started with: its properties, its log settings and Java's arguments."""

from __future__ import annotations

import uuid
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafkaops.sandbox.clients import ADMIN, PLAIN, SCRAM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HOST = "127.0.0.1"
ZOOKEEPER = "zookeeper"
ZOOKEEPER_MAIN = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
META = "meta.properties"
PROTOCOLS = {
    "INTERNAL": "PLAINTEXT",  # between brokers, and the door of whoever has the machine: ANONYMOUS is a super user
    "CONTROLLER": "PLAINTEXT",
    "SASL": "SASL_SSL",
    "SASLPLAIN": "SASL_PLAINTEXT",
    "TLS": "SSL",
    "MTLS": "SSL",
}
DEFAULT_LISTENERS = ("INTERNAL", "CONTROLLER", "SASL")
LISTENERS = tuple(PROTOCOLS)
SCRAM_MECHANISMS = ("SCRAM-SHA-512", "SCRAM-SHA-256")
BEARER = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"


@dataclass(frozen=True, slots=True)
class Node:
    """One broker, which without ZooKeeper is a controller as well."""

    id: int
    rack: str
    home: Path
    ports: dict[str, int]  # by listener

    @property
    def name(self) -> str:
        return f"broker-{self.id}"

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "server.log"


def kraft(nodes: Sequence[Node]) -> dict[str, str]:
    voters = ",".join(f"{node.id}@{HOST}:{node.ports['CONTROLLER']}" for node in nodes)
    return {
        "process.roles": "broker,controller",
        "controller.quorum.voters": voters,
        "controller.listener.names": "CONTROLLER",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "broker.session.timeout.ms": "3000",  # a third of the default: a dead broker is soon a fact
        "broker.heartbeat.interval.ms": "500",
    }


def with_zookeeper(port: int) -> dict[str, str]:
    return {
        "zookeeper.connect": f"{HOST}:{port}",
        "zookeeper.connection.timeout.ms": "60000",  # both start at once
        "zookeeper.session.timeout.ms": "6000",
        "authorizer.class.name": "kafka.security.authorizer.AclAuthorizer",
    }


def server_properties(
    node: Node, mode: Mapping[str, str], *, brokers: int, stores: Path, password: str
) -> dict[str, str]:
    identity = "node.id" if "process.roles" in mode else "broker.id"
    return {
        identity: str(node.id),
        "broker.rack": node.rack,
        "log.dirs": str(node.data),
        **mode,
        **_listeners(node),
        **_security(stores, password),
        **_internal_topics(min(3, brokers)),
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        **dict.fromkeys(("num.network.threads", "num.io.threads", "background.threads"), "2"),
        "log.cleaner.dedupe.buffer.size": "2097152",  # the default takes 128 MiB of heap
        "log.index.size.max.bytes": "65536",
    }


def zookeeper_properties(home: Path, port: int) -> dict[str, str]:
    return {
        "dataDir": str(home / "data"),
        "clientPort": str(port),
        "clientPortAddress": HOST,
        "maxClientCnxns": "0",
        "admin.enableServer": "false",
        "tickTime": "2000",
    }


def meta_properties(cluster_id: str, node: Node) -> dict[str, str]:
    """What Kafka's format tool writes into a data directory beside the bootstrap checkpoint."""
    return {"version": "1", "cluster.id": cluster_id, "node.id": str(node.id), "directory.id": random_uuid()}


def random_uuid() -> str:
    """As Kafka writes them; a leading dash would look like an option on its command lines."""
    text = urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
    return random_uuid() if text.startswith("-") else text


def java_arguments(
    command: Sequence[str], jars: Sequence[Path], *, home: Path, options: Sequence[str], heap: str
) -> str:
    """An @file, one argument a line: the process list stays readable."""
    arguments = [
        *("-Xms64m", f"-Xmx{heap}", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"),
        *("-Xshare:auto", "-Djava.awt.headless=true", f"-Djava.io.tmpdir={home / 'tmp'}"),
        f"-XX:ErrorFile={home / 'logs' / 'crash.log'}",
        *options,
        *("-cp", ":".join(map(str, jars))),
        *command,
    ]
    return "".join(f"{_quoted(each)}\n" for each in arguments)


def log4j2() -> dict[str, str]:
    return {
        "appender.out.type": "Console",
        "appender.out.name": "out",
        "appender.out.layout.type": "PatternLayout",
        "appender.out.layout.pattern": "[%d] %p %m (%c)%n",
        "rootLogger.level": "INFO",
        "rootLogger.appenderRef.out.ref": "out",
    }


def log4j1() -> dict[str, str]:
    return {
        "log4j.rootLogger": "INFO, out",
        "log4j.appender.out": "org.apache.log4j.ConsoleAppender",
        "log4j.appender.out.layout": "org.apache.log4j.PatternLayout",
        "log4j.appender.out.layout.ConversionPattern": "[%d] %p %m (%c)%n",
    }


def _listeners(node: Node) -> dict[str, str]:
    """Kafka 3 forbids the controller's listener among the advertised ones."""
    places = {name: f"{name}://{HOST}:{port}" for name, port in node.ports.items()}
    advertised = [place for name, place in places.items() if name != "CONTROLLER"]
    return {
        "listeners": ",".join(places.values()),
        "advertised.listeners": ",".join(advertised),
        "listener.security.protocol.map": ",".join(f"{name}:{PROTOCOLS[name]}" for name in places),
        "inter.broker.listener.name": "INTERNAL",
    }


def _security(stores: Path, password: str) -> dict[str, str]:
    return {
        "super.users": f"User:{ADMIN};User:ANONYMOUS",
        "sasl.enabled.mechanisms": ",".join((*SCRAM_MECHANISMS, "PLAIN", "OAUTHBEARER")),
        **_jaas("SASL", password),
        **_jaas("SASLPLAIN", password),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(stores / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(stores / "ca.pem"),
        "listener.name.mtls.ssl.client.auth": "required",
        "ssl.principal.mapping.rules": r"RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    }


def _jaas(listener: str, password: str) -> dict[str, str]:
    """OAUTHBEARER takes unsigned tokens, so that a test can issue them."""
    logins = {
        **dict.fromkeys(SCRAM_MECHANISMS, f"{SCRAM} required;"),
        "PLAIN": f'{PLAIN} required user_{ADMIN}="{password}";',
        "OAUTHBEARER": f'{BEARER} required unsecuredLoginStringClaim_sub="{ADMIN}";',
    }
    start = f"listener.name.{listener.lower()}"
    return {f"{start}.{name.lower()}.sasl.jaas.config": login for name, login in logins.items()}


def _internal_topics(replicas: int) -> dict[str, str]:
    factor = dict.fromkeys(
        (
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "share.coordinator.state.topic.replication.factor",
        ),
        str(replicas),
    )
    one = dict.fromkeys(
        (
            *("offsets.topic.num.partitions", "transaction.state.log.num.partitions"),
            *("transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr"),
            "share.coordinator.state.topic.num.partitions",
        ),
        "1",
    )
    return factor | one


def _quoted(argument: str) -> str:
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
