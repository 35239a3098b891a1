"""validate and ack: the commands about the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kafkaops import ack as acknowledging
from kafkaops import app, report
from kafkaops.ack import Edited, Terms, Wish, Written
from kafkaops.app import Connect, Request
from kafkaops.cli import Options
from kafkaops.commands import bases, saved
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.reading import connect_from, invalid, request, shown, topology_of
from kafkaops.edit import written
from kafkaops.findings import Exit, Finding, Refusal, Severity, misused
from kafkaops.rewrite import CannotWrite, Rewrite, rewrite
from kafkaops.settings import ClusterEntry
from kafkaops.topology import SETTINGS_FILE, Topology

# validate


def validate(options: Options, paths: Sequence[Path], *, fix: bool) -> int:
    def body(output: Output) -> int:
        named = _named(output, paths)
        found = _told_of(topology_of(output, cluster=options.cluster), named)
        if options.cluster is not None and (found.valid or found.settings.clusters):
            found.entry(options.cluster)
        if fix and _fix(output, found):
            found = _told_of(topology_of(output, cluster=options.cluster), named)
        code = Exit.DONE if found.valid else Exit.INVALID
        output.write(
            report.validation_document(found.findings, len(found.documents), code, created_at=output.created_at)
        )
        return code

    return guarded("validate", options, body)


def _named(output: Output, paths: Sequence[Path]) -> tuple[str, ...]:
    """The files and folders of the topology that are meant, as they are shown; one folder that is elsewhere is the topology."""
    if len(paths) == 1 and paths[0].is_dir() and not _below(paths[0], output.options.topology):
        output.options = replace(output.options, topology=paths[0])
    for path in paths:
        if not path.exists() or not _below(path, output.options.topology):
            raise misused(
                f"`{path}` is no file of the topology in `{output.options.topology}`",
                "name files below the folder, or another folder alone",
            )
    return tuple(map(shown, paths))


def _below(path: Path, root: Path) -> bool:
    return path.resolve().is_relative_to(root.resolve())


def _told_of(found: Topology, named: tuple[str, ...]) -> Topology:
    """Of what is said only that about these files. They were checked with all the others, since they mean something together."""
    if not named:
        return found

    def meant(file: str) -> bool:
        return any(Path(file).is_relative_to(one) for one in named)

    return replace(
        found,
        documents=tuple(one for one in found.documents if meant(one.file)),
        findings=tuple(
            one
            for one in found.findings
            if one.where is None or any(meant(place.file) for place in (one.where, *(also for also, _ in one.also)))
        ),
    )


def _fix(output: Output, found: Topology) -> bool:
    """Takes expired acknowledgements out, and tells which; whether the files are others now."""
    texts, expired = acknowledging.without_expired(found.documents, output.created_at.date())
    _write(found, texts)
    for one in expired:
        says = "removed" if one.removed else "left, since an alias or its style keeps it from being cut out alone:"
        place = f"{one.where.file}:{one.where.line}"
        output.tell(f"{says} {place}: the acknowledgement of {one.code} on {one.on}, which expired on {one.until}")
    return bool(texts)


def _write(found: Topology, texts: Mapping[Path, str]) -> None:
    before = {document.path: document.text for document in found.documents}
    write(found, [Rewrite(path, before[path], text) for path, text in sorted(texts.items())])


def write(found: Topology, files: Iterable[Rewrite]) -> None:
    """All of them or none. Errors: Refusal."""
    try:
        rewrite(found.root, files)
    except CannotWrite as problem:
        raise Refusal(
            Exit.FAILED,
            Finding(
                code="KO5404",
                severity=Severity.ERROR,
                message=f"{problem}; no file was changed",
                help="run it again when the files can be written and nobody else writes them",
            ),
        ) from problem


# ack


def ack(
    options: Options,
    findings: list[str],
    *,
    plan_file: Path | None,
    until: str | None,
    reason: str,
    base: str | None = None,
    connect: Callable[[Path], Connect] = connect_from,
) -> int:
    """`connect`: opens clusters for the topology in that folder."""

    def body(output: Output) -> int:
        last = acknowledging.last_day(until, output.created_at.date())
        _sayable(reason)
        if base is not None and plan_file is not None:
            raise misused(
                "`--base` and `--plan` are given, and the saved plan has its own base", "leave one of them out"
            )
        given = None if plan_file is None else _saved(plan_file)
        found = topology_of(output)
        if not found.valid:
            return invalid(output, found)
        if given is None:
            entry = found.entry(options.cluster)
            with bases.opened(output, found, base) as beside:
                asked = request(output, found, entry)
                dangers = _fresh(beside.join(asked) if beside else asked, connect(found.root))
        else:
            entry, dangers = _entry_of(given, options, found), given.findings
        wishes = acknowledging.wishes(findings, dangers, found.desired[entry.name].acknowledgements, entry.name)
        edited = acknowledging.edited(found.documents, _settings_file(found), wishes, Terms(entry.name, last, reason))
        _write(found, edited.texts)
        output.write(_document(output, entry, edited, wishes))
        return Exit.DONE

    return guarded("ack", options, body)


def _sayable(reason: str) -> None:
    """Bytes of the command line that are no text could not be read back."""
    try:
        reason.encode()
    except UnicodeEncodeError as error:
        raise misused("`--reason` is not UTF-8", "write it in UTF-8") from error


def _fresh(asked: Request, connect: Connect) -> Sequence[Finding]:
    with app.plan(asked, connect) as planned:
        return planned.plan.findings


def _settings_file(found: Topology) -> str:
    return next((one.file for one in found.documents if one.path.name == SETTINGS_FILE), "")


def _document(output: Output, entry: ClusterEntry, edited: Edited, wishes: Sequence[Wish]) -> report.Document:
    already = [wish.finding for wish in wishes if not wish.changes]
    rows = [(one.where, _row(one)) for one in edited.written]
    return report.ack_document(entry.name, rows, already, Exit.DONE, created_at=output.created_at)


def _row(one: Written) -> dict[str, Any]:
    change = one.entry["change"]
    return {
        "code": one.entry["code"],
        "address": one.on,
        "change": [change] if isinstance(change, str) else list(change),
        "until": one.entry["until"],
        "reason": one.entry.get("reason", ""),
        "line": written(one.entry),
    }


# a saved plan


@dataclass(frozen=True, slots=True)
class _Saved:
    cluster: str
    cluster_id: str
    findings: tuple[Finding, ...]


def _saved(path: Path) -> _Saved:
    """Errors: Refusal, as those of `saved.read`, and for a plan that ended early."""
    named = f"--plan {path}"
    plan = saved.read(path, named=named)
    if not plan["complete"]:
        help_ = "run `kafkaops plan -o json=plan.json` again"
        message = f"`{named}` is of a plan that ended early"
        raise Refusal(Exit.INVALID, Finding(code="KO7005", severity=Severity.ERROR, message=message, help=help_))
    return _Saved(plan["cluster"]["name"], plan["cluster"]["id"], tuple(map(report.finding_of, plan["findings"])))


def _entry_of(given: _Saved, options: Options, found: Topology) -> ClusterEntry:
    """The plan's cluster. Errors: Refusal, 5 when it is not the one that is named or pinned."""
    if options.cluster not in {None, given.cluster}:
        raise _other_cluster(f"the plan is of cluster `{given.cluster}`, not of `{options.cluster}`")
    entry = found.entry(given.cluster)
    if entry.cluster_id not in {None, given.cluster_id}:
        raise _other_cluster(
            f"the plan is of a cluster with id `{given.cluster_id}`, `{entry.name}` is pinned to `{entry.cluster_id}`"
        )
    return entry


def _other_cluster(message: str) -> Refusal:
    help_ = "name the plan of that cluster, or leave `--plan` out"
    return Refusal(Exit.NOT_APPROVED, Finding(code="KO6003", severity=Severity.ERROR, message=message, help=help_))
