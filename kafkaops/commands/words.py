"""explain and schema: what the program knows, without any file or cluster."""

from __future__ import annotations

import json
from dataclasses import asdict
from difflib import get_close_matches
from typing import Any

from kafkaops import codes, report
from kafkaops.cli import Options
from kafkaops.commands.output import Output, guarded
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kinds.topic import settings
from kafkaops.lint import RULES
from kafkaops.view import machine

_DOCUMENTS = (
    "init",
    "plan",
    "apply",
    "validation",
    "comparison",
    "resource",
    "doctor",
    "status",
    "ack",
    "pull",
    "comment",
    "snapshot",
    "explanation",
    "history",
    "lock",
    "sandbox",
    "failure",
)


def explain(options: Options, asked: str) -> int:
    def body(output: Output) -> int:
        about, facts, text = _explained(asked)
        output.write(report.explanation_document(facts, text, about=about, created_at=output.created_at))
        return Exit.DONE

    return guarded("explain", options, body)


def _explained(asked: str) -> tuple[str, dict[str, Any], str]:
    """Which of the two it is, what is known about it, and the same for people."""
    if (name := settings.kafka_name(asked)) is not None:
        facts = asdict(settings.SETTINGS[name])
        return "setting", facts, codes.explain_setting(facts)
    try:
        code = RULES[asked][0] if asked in RULES else asked.upper()
        text = codes.explain(code)
    except codes.NotACode as error:
        near = settings.suggest(asked) or next(iter(get_close_matches(asked, RULES, n=1)), None)
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO7005",
                severity=Severity.ERROR,
                message=str(error),
                help=f"did you mean `kafkaops explain {near}`" if near else "",
            ),
        ) from error
    return "finding", asdict(codes.registry()[code]), text


def schema(options: Options, name: str) -> int:
    def body(output: Output) -> int:
        output.write_as_it_is(json.dumps(_schema(name), indent=2) + "\n")
        return Exit.DONE

    return guarded("schema", options, body)


def _schema(name: str) -> dict[str, Any]:
    from kafkaops import schema as schemas

    match name:
        case "topology":
            return schemas.topology_schema()
        case "settings":
            return schemas.settings_schema()
        case _ if name in _DOCUMENTS:
            return machine.schema(name)
        case _:
            known = ("topology", "settings", *_DOCUMENTS)
            near = get_close_matches(name, known, n=1)
            raise Refusal(
                Exit.USAGE,
                Finding(
                    code="KO7005",
                    severity=Severity.ERROR,
                    message=f"there is no schema `{name}`",
                    help=f"did you mean `{near[0]}`" if near else f"write one of {', '.join(known)}",
                ),
            )
