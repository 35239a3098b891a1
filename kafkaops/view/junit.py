"""What is wrong with the files as JUnit's XML, as CI servers list tests: an error is a test that failed, a warning one that passed and said something."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from kafkaops.view.lines import Document
from kafkaops.view.verdict import ended_early
from kafkaops.view.visible import visible
from kafkaops.view.words import counted, placed


def render(document: Document) -> str:
    """Pure ASCII, ending with a newline."""
    cases = [_case(one) for one in document["findings"]]
    failed = sum(one.find("failure") is not None for one in cases)
    if not failed and not ended_early(document):
        files = counted(document["source"]["files"], "file")
        cases.append(ET.Element("testcase", classname="kafkaops", name=f"{files} without errors"))
    totals = {"tests": str(len(cases)), "failures": str(failed), "errors": "0", "skipped": "0"}
    suites = ET.Element("testsuites", totals)
    suite = ET.SubElement(
        suites,
        "testsuite",
        {
            "name": f"kafkaops {_shown(document['command'])}",
            **totals,
            "timestamp": document["created_at"].removesuffix("Z"),
        },
    )
    suite.extend(cases)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="us-ascii").decode()}\n'


def _case(finding: Document) -> ET.Element:
    where = placed(finding["source"]) or finding["address"]
    case = ET.Element(
        "testcase",
        classname=_shown(finding["source"]["file"] if finding["source"] else "kafkaops"),
        name=_shown(f"{finding['code']} {finding['message']}" + (f" ({where})" if where else "")),
    )
    if finding["blocking"]:
        failure = ET.SubElement(case, "failure", message=_shown(finding["message"]), type=finding["code"])
        failure.text = _text(finding, where)
    else:
        ET.SubElement(case, "system-out").text = _text(finding, where)
    return case


def _text(finding: Document, where: str) -> str:
    head = f"{finding['severity']}[{finding['code']}]: {finding['message']}"
    told = [head, where, finding["label"], *finding["notes"], finding["help"] and f"help: {finding['help']}"]
    return "\n".join(_shown(one) for one in [*told, f"more: kafkaops explain {finding['code']}"] if one)


_NOT_XML = re.compile("[\ufffe\uffff]")
"""They show themselves as little as controls do, and XML 1.0 has no way to write them."""


def _shown(text: str) -> str:
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", visible(text))
