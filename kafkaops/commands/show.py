"""show: a saved document again, in any format; two plans beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kafkaops import comparison
from kafkaops.cli import Options, formats
from kafkaops.commands import saved
from kafkaops.commands.output import Output, guarded
from kafkaops.findings import Exit, Finding, Refusal, Severity, misused
from kafkaops.report import Document
from kafkaops.view.verdict import ended_early


def show(options: Options, files: Sequence[Path], *, details: bool, detailed_exitcode: bool) -> int:
    def body(output: Output) -> int:
        match files:
            case [file]:
                if detailed_exitcode:
                    raise misused("`--detailed-exitcode` is about two plans, and one is given", "leave it out")
                _one(output, saved.read(file, formats=saved.EVERY), details=details)
                return Exit.DONE
            case [old, new]:
                return _two(output, old, new, details=details, detailed_exitcode=detailed_exitcode)
            case _:
                raise misused(f"show takes one file or two, and {len(files)} are given", "name one, or two plans")

    return guarded("show", options, body)


def _one(output: Output, document: Document, *, details: bool) -> None:
    """To stdout whatever it says: that it is shown is no failure."""
    known = formats(document["command"])
    for target in output.targets:
        if target.format not in known:
            raise misused(
                f"`{document['command']}` has no `-o {target.format}`, and so has no document of it",
                f"write one of {', '.join(known)}",
            )
    output.show(document, cluster=document.get("cluster", {}).get("name", ""), details=details)


def _two(output: Output, old: Path, new: Path, *, details: bool, detailed_exitcode: bool) -> int:
    for target in output.targets:
        if target.format not in _OF_TWO:
            raise misused(f"two plans have no `-o {target.format}`", f"write one of {', '.join(_OF_TWO)}")
    plans = _whole(old), _whole(new)

    def exit_code(differ: bool) -> int:
        return Exit.CHANGES if differ and detailed_exitcode else Exit.DONE

    document = comparison.compared(plans[0], plans[1], (str(old), str(new)), exit_code, created_at=output.created_at)
    output.show(document, details=details)
    return int(document["exit_code"])


_OF_TWO = ("text", "json", "markdown")


def _whole(file: Path) -> Document:
    plan = saved.read(file, formats=(saved.PLAN, saved.APPLY))
    if ended_early(plan):
        says = f"`{file}` is of a plan that ended early, so nothing can be compared with it"
        help_ = f"`kafkaops show {file}` shows why it did"
        raise Refusal(Exit.INVALID, Finding(code="KO7005", severity=Severity.ERROR, message=says, help=help_))
    return plan
