"""sandbox up, status, stop, start, down."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from kafkaops import sandbox
from kafkaops.cli import Options
from kafkaops.commands.output import Output, guarded
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.sandbox import NotPossibleError, Sandbox, SandboxError


def up(options: Options, directory: Path, *, brokers: int, kafka: str) -> int:
    def body(output: Output) -> int:
        started = sandbox.up(directory, brokers=brokers, kafka=kafka, report=output.tell)
        _show(started)
        return Exit.DONE

    return _guarded("sandbox up", options, body)


def status(options: Options, directory: Path) -> int:
    def body(_: Output) -> int:
        _show(sandbox.load(directory))
        return Exit.DONE

    return _guarded("sandbox status", options, body)


def stop(options: Options, directory: Path, number: int) -> int:
    def body(output: Output) -> int:
        sandbox.stop_broker(directory, number)
        output.tell(f"broker {number} is stopped")
        return Exit.DONE

    return _guarded("sandbox stop", options, body)


def start(options: Options, directory: Path, number: int) -> int:
    def body(output: Output) -> int:
        sandbox.start_broker(directory, number)
        output.tell(f"broker {number} is up and in sync")
        return Exit.DONE

    return _guarded("sandbox start", options, body)


def down(options: Options, directory: Path) -> int:
    def body(output: Output) -> int:
        sandbox.down(directory)
        output.tell("the sandbox is down and removed")
        return Exit.DONE

    return _guarded("sandbox down", options, body)


def _guarded(command: str, options: Options, body: Callable[[Output], int]) -> int:
    def checked(output: Output) -> int:
        try:
            return body(output)
        except SandboxError as error:
            exit_code = Exit.USAGE if isinstance(error, NotPossibleError) else Exit.FAILED
            found = Finding(code="KO6012", severity=Severity.ERROR, message=error.message, notes=error.notes)
            raise Refusal(exit_code, found) from error

    return guarded(command, options, checked)


def _show(one: Sandbox) -> None:
    lines = [f"Kafka {one.kafka}, cluster id {one.cluster_id}"]
    for broker in one.brokers:
        state = f"pid {broker.pid}" if broker.alive else "stopped"
        lines.append(f"  broker {broker.id}  {broker.host}:{broker.port}  {broker.rack}  {state}  logs {broker.logs}")
    lines.append(f"bootstrap.servers  {one.bootstrap}")
    lines.append(f"client properties  {one.properties}")
    sys.stdout.write("\n".join(lines) + "\n")
