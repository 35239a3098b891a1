"""sandbox up, status, stop, start, down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafkaops import report, sandbox
from kafkaops.cli import Options
from kafkaops.commands.output import Output, guarded
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.sandbox import NotPossibleError, Sandbox, SandboxError


def up(options: Options, directory: Path, *, brokers: int, kafka: str) -> int:
    def body(output: Output) -> Sandbox:
        return sandbox.up(directory, brokers=brokers, kafka=kafka, report=output.tell)

    return _guarded("sandbox up", options, body)


def status(options: Options, directory: Path) -> int:
    return _guarded("sandbox status", options, lambda _: sandbox.load(directory))


def stop(options: Options, directory: Path, number: int) -> int:
    return _guarded("sandbox stop", options, lambda _: sandbox.stop_broker(directory, number))


def start(options: Options, directory: Path, number: int) -> int:
    return _guarded("sandbox start", options, lambda _: sandbox.start_broker(directory, number))


def down(options: Options, directory: Path) -> int:
    return _guarded("sandbox down", options, lambda _: sandbox.down(directory))


def _guarded(command: str, options: Options, body: Callable[[Output], Sandbox | None]) -> int:
    """Shows what `body` leaves behind it."""

    def shown(output: Output) -> int:
        try:
            left = body(output)
        except SandboxError as error:
            exit_code = Exit.USAGE if isinstance(error, NotPossibleError) else Exit.FAILED
            found = Finding(code="KO6012", severity=Severity.ERROR, message=error.message, notes=error.notes)
            raise Refusal(exit_code, found) from error
        output.write(report.sandbox_document(command, _state(left) if left else None, created_at=output.created_at))
        return Exit.DONE

    return guarded(command, options, shown)


def _state(one: Sandbox) -> dict[str, Any]:
    return {
        "directory": str(one.directory),
        "kafka_version": one.kafka,
        "cluster_id": one.cluster_id,
        "bootstrap_servers": one.bootstrap,
        "client_properties": str(one.properties),
        "brokers": [
            {
                "id": broker.id,
                "rack": broker.rack,
                "host": broker.host,
                "port": broker.port,
                "pid": broker.pid,
                "logs": str(broker.logs),
            }
            for broker in one.brokers
        ],
    }
