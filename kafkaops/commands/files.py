"""validate and ack: the commands about the files."""

from __future__ import annotations

from pathlib import Path

from kafkaops import report
from kafkaops.cli import Options
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.reading import topology_of
from kafkaops.findings import Exit


def validate(options: Options, *, fix: bool) -> int:
    def body(output: Output) -> int:
        found = topology_of(output)
        code = Exit.DONE if found.valid else Exit.INVALID
        output.write(
            report.validation_document(found.findings, len(found.documents), code, created_at=output.created_at)
        )
        return code

    return guarded("validate", options, body)


def ack(options: Options, findings: list[str], *, plan_file: Path | None, until: str | None, reason: str) -> int:
    raise NotImplementedError
