"""A throw-away real Kafka on loopback, with nothing on the machine but Python."""

from kafkaops.sandbox.life import (
    add_scram_user,
    down,
    load,
    running,
    start_broker,
    status,
    stop_broker,
    up,
)
from kafkaops.sandbox.model import Broker, NotPossibleError, Sandbox, SandboxError

__all__ = [
    "Broker",
    "NotPossibleError",
    "Sandbox",
    "SandboxError",
    "add_scram_user",
    "down",
    "load",
    "running",
    "start_broker",
    "status",
    "stop_broker",
    "up",
]
