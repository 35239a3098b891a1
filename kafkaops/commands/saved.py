"""A document that `-o json` wrote, read back: whole and as its schema says, or a sentence."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NoReturn

from kafkaops import report
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.report import Document
from kafkaops.view import machine

PLAN = "kafkaops.plan"
APPLY = "kafkaops.apply"
VALIDATION = "kafkaops.validation"
_KINDS = {PLAN: "a plan", APPLY: "the outcome of an apply", VALIDATION: "a validation"}
EVERY = tuple(_KINDS)

_LARGEST = 256 * 2**20
_HOW = "`kafkaops plan -o json=plan.json` writes one"


def read(path: Path, *, formats: tuple[str, ...] = (PLAN,), named: str = "") -> Document:
    """`named`: the file in messages, where it is not the path alone.

    Errors: Refusal, 64 for a file that cannot be read, 4 for what is not one of the formats, whole and of this major version.
    """
    # here, since this loads cryptography, which commands without a saved plan do without
    from kafkaops.cluster.properties import regular_file
    from kafkaops.cluster.properties.refused import RefusedError

    file = named or str(path)
    try:
        data = regular_file.read(path, limit=_LARGEST)
    except RefusedError as error:
        why = str(error).removeprefix("the file cannot be read: ")
        raise _refused(Exit.USAGE, f"`{file}` cannot be read: {why}") from error
    try:
        found = json.loads(data, parse_constant=_not_json, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise _refused(Exit.INVALID, f"`{file}` is not JSON, or only a part of it") from error
    expected = " or ".join(_KINDS[one] for one in formats)
    if not isinstance(found, dict) or found.get("format") not in formats:
        raise _refused(Exit.INVALID, f"`{file}` is not {expected} that kafkaops wrote")
    version = str(found.get("format_version"))
    if not version.startswith("1."):
        raise _refused(Exit.INVALID, f"`{file}` has format version `{version[:20]}`, and this kafkaops reads 1")
    misfit = _misfit(found)
    if misfit:
        raise _refused(Exit.INVALID, f"`{file}` is not {_KINDS[found['format']]} that kafkaops wrote: {misfit}")
    if found.pop("checksum", None) != report.checksum(found):
        raise _refused(Exit.INVALID, f"`{file}` was edited or damaged: its checksum does not fit")
    return found


def _misfit(document: Document) -> str:
    from kafkaops import schema

    return schema.misfit(document, machine.schema(document["format"]))


def _not_json(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(text: str) -> float:
    """JSON has no infinity, and none could be written again."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _refused(exit_code: int, message: str) -> Refusal:
    return Refusal(exit_code, Finding(code="KO7005", severity=Severity.ERROR, message=message, help=_HOW))
