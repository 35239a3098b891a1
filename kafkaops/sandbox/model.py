"""What a sandbox is, for those who use one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class SandboxError(Exception):
    """One sentence for people, and what a log says about it; when it is raised by starting, nothing has been left running."""

    def __init__(self, message: str, *notes: str) -> None:
        super().__init__(message)
        self.message = message
        self.notes = notes


class NotPossibleError(SandboxError):
    """What was asked for cannot be, whatever the machine does: a usage error."""


@dataclass(frozen=True, slots=True)
class Broker:
    id: int
    rack: str
    host: str
    port: int  # of the SASL_SSL listener
    pid: int | None  # None while it is stopped
    logs: Path

    @property
    def alive(self) -> bool:
        return self.pid is not None


@dataclass(frozen=True, slots=True)
class Sandbox:
    directory: Path
    kafka: str  # exact: 4.4.0
    cluster_id: str
    brokers: tuple[Broker, ...]
    ports: dict[str, tuple[int, ...]]  # by listener, in the order of the brokers; for tests of every protocol

    @property
    def bootstrap(self) -> str:
        return self.bootstrap_of("SASL")

    def bootstrap_of(self, listener: str) -> str:
        """INTERNAL, SASL, and with `listeners="all"` SASLPLAIN, TLS and MTLS."""
        hosts = (broker.host for broker in self.brokers)
        return ",".join(f"{host}:{port}" for host, port in zip(hosts, self.ports[listener], strict=True))

    @property
    def properties(self) -> Path:
        """The administrator's client properties: Java's spelling, SASL_SSL, SCRAM-SHA-512, PEM."""
        return self.client("admin")

    def client(self, name: str) -> Path:
        """One of the client properties files that `clients.py` lists, such as `admin-jks` or `mtls`."""
        return self.directory / "client" / f"{name}.properties"

    @property
    def ca(self) -> Path:
        return self.directory / "client" / "ca.pem"
