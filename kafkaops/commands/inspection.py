"""describe, status and doctor: looking closely."""

from __future__ import annotations

import time

from kafkaops import app, report
from kafkaops import doctor as doctors
from kafkaops import status as conditions
from kafkaops.cli import Options
from kafkaops.cluster import ClusterFailure
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.reading import connect_from, invalid, request, requests, topology_of
from kafkaops.findings import Exit, Finding, Refusal, Severity


def describe(options: Options, address: str) -> int:
    def body(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        kind = next((one for one in app.KINDS if address.startswith(f"{one.name}/")), None)
        if kind is None:
            names = " or ".join(f"{one.name}/NAME" for one in app.KINDS)
            raise Refusal(
                Exit.USAGE,
                Finding(
                    code="KO7005", severity=Severity.ERROR, message=f"`{address}` is no address", help=f"write {names}"
                ),
            )
        asked = requests(output, found, (), one=True)[0]
        begun = time.monotonic()
        with app.connected(asked, connect_from(found.root)) as reading:
            resource = kind.describe(reading, address)
            header = app.header(asked, reading, {}, time.monotonic() - begun)
        code = Exit.DONE if resource.declared or resource.live else Exit.USAGE
        output.write(report.resource_document(resource, header, code), cluster=asked.entry.name)
        return code

    return guarded("describe", options, body)


def status(options: Options) -> int:
    """It tells what is wrong, and that it could tell is its success."""

    def body(output: Output) -> int:
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        asked = requests(output, found, (), one=True)[0]
        begun = time.monotonic()
        with app.connected(asked, connect_from(found.root)) as reading:
            facts = conditions.look(reading)
            header = app.header(asked, reading, {}, time.monotonic() - begun)
        output.write(conditions.document(facts, header), cluster=asked.entry.name)
        return Exit.DONE

    return guarded("status", options, body)


def doctor(options: Options) -> int:
    def body(output: Output) -> int:
        found = topology_of(output)
        problems = sum(one.severity is Severity.ERROR for one in found.findings)
        files = report.Check(
            "files",
            report.Health.FAILED if problems else report.Health.OK,
            f"{problems} errors" if problems else f"{len(found.documents)} files, no errors",
            "`kafkaops validate` shows them" if problems else "",
        )
        asked = request(output, found, found.entry(options.cluster))
        code = Exit.INVALID if problems else Exit.DONE
        begun = time.monotonic()
        try:
            with app.connected(asked, connect_from(found.root)) as reading:
                checks = (files, *doctors.checks(reading))
                header = app.header(asked, reading, {}, time.monotonic() - begun)
                grants = doctors.grants(reading)
        except (ClusterFailure, Refusal) as problem:
            code, findings = app.failure_of(problem)
            failed = tuple(report.Check("connection", report.Health.FAILED, one.message, one.help) for one in findings)
            document = report.doctor_document((files, *failed), (), code, created_at=output.created_at, header=None)
            output.write(document, cluster=asked.entry.name)
            return code
        if not problems and any(check.result is report.Health.FAILED for check in checks):
            code = Exit.REFUSED
        document = report.doctor_document(checks, grants, code, created_at=output.created_at, header=header)
        output.write(document, cluster=asked.entry.name)
        return code

    return guarded("doctor", options, body)
