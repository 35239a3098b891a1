"""The document as JSON, and the published schema that it follows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from kafkaops import report

SEALED = frozenset({"kafkaops.plan", "kafkaops.apply", "kafkaops.validation"})
"""What is read back later ends with a checksum, by which a file that was edited is told from one that kafkaops wrote."""


def render(document: Mapping[str, Any]) -> str:
    """ASCII, so that no name in it can steer a terminal; ends with a newline."""
    sealed = {**document, "checksum": report.checksum(document)} if document["format"] in SEALED else document
    return json.dumps(sealed, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def schema(format_name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a document's `format`, such as `kafkaops.plan`."""
    name = format_name.removeprefix("kafkaops.")
    text = files("kafkaops.view").joinpath("schemas", f"{name}.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
