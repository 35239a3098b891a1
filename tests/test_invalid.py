"""Wrong files, each with the verdict on the wrong line: exactly these findings fire on exactly these lines.

`# problem: CODE, CODE` stands on the line that the findings name. A first line `# file: NAME` says which file of a topology
the case stands for; otherwise it is one that declares resources.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from kafkaops import schema, source
from kafkaops.findings import Finding, Severity

CASES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.stem))
def test_exactly_the_problems_that_are_written_are_found(case: Path, tmp_path: Path) -> None:
    text = case.read_text(encoding="utf-8")

    findings = problems_of(text, tmp_path)

    assert Counter((line_of(finding), finding.code) for finding in findings) == expected(text)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.stem))
def test_every_message_is_one_plain_sentence(case: Path, tmp_path: Path) -> None:
    for finding in problems_of(case.read_text(encoding="utf-8"), tmp_path):
        said = (finding.message, finding.label, finding.help)

        assert finding.severity is Severity.ERROR
        assert finding.help, finding
        assert not any(text.endswith((".", "?", "!")) or "\n" in text for text in said), finding
        assert not any(
            word in " ".join(said) for word in ("anyOf", "instance", "None", "valid under", "required property")
        ), finding
        assert finding.message[0] == "`" or finding.message[0].islower(), finding


def problems_of(text: str, folder: Path) -> tuple[Finding, ...]:
    stands_for = re.match(r"# file: (\S+)", text)
    (folder / (stands_for[1] if stands_for else "case.yaml")).write_text(text, encoding="utf-8")
    documents, findings = source.read(folder, shown=lambda path: path.name)
    return (*findings, *(finding for document in documents for finding in schema.check(document)))


def line_of(finding: Finding) -> int:
    assert finding.where is not None
    return finding.where.line


def expected(text: str) -> Counter[tuple[int, str]]:
    verdicts = ((number, re.search(r"# problem: (.*)", line)) for number, line in enumerate(text.split("\n"), 1))
    return Counter((number, code.strip()) for number, match in verdicts if match for code in match[1].split(","))
