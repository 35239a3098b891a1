"""The topology folder, read and checked without any cluster."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from kafkaops import codeowners, schema, source
from kafkaops.compile import Desired, compile_for, idle_guards
from kafkaops.findings import Exit, Finding, Location, Refusal, Severity, sort_key
from kafkaops.lint import RULES
from kafkaops.settings import ClusterEntry, Settings, settings_of
from kafkaops.source import Document

SETTINGS_FILE = "kafkaops.yaml"

NO_CLUSTER = ClusterEntry(name="", where=Location("", 1, 1, 2), bootstrap_servers=())
"""Stands in where kafkaops.yaml declares no cluster, so that everything else is checked all the same."""

_FOLLOWING = frozenset({"KO1308", "KO1311", "KO3001"})
"""What is said about a whole topology is not said about one with holes."""

_OF_SETTINGS = frozenset({"KO1302", "KO1303", "KO1309", *(code for code, _ in RULES.values())})
"""What the settings decide is not said where they have holes: a profile may be there, a lint rule off."""


@dataclass(frozen=True, slots=True)
class Topology:
    """What was read. `texts`: file as shown -> its text, for excerpts. `desired`: by the name of the cluster."""

    root: Path
    shown: str
    documents: tuple[Document, ...] = ()
    settings: Settings = Settings()
    desired: Mapping[str, Desired] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def texts(self) -> Mapping[str, str]:
        """A file of which no key is ours is somebody else's, perhaps with secrets: it is not quoted."""
        ours = schema.topology_schema()["properties"].keys() | schema.settings_schema()["properties"].keys()
        return {document.file: document.text for document in self.documents if document.root.keys() & ours}

    @property
    def valid(self) -> bool:
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    def entry(self, cluster: str | None) -> ClusterEntry:
        """The cluster of that name, or the only one."""
        entries = self.settings.clusters
        if cluster is None and len(entries) == 1:
            return next(iter(entries.values()))
        if cluster is not None and cluster in entries:
            return entries[cluster]
        known = ", ".join(sorted(entries)) or "none"
        says = "several clusters are declared" if cluster is None else f"there is no cluster `{cluster}`"
        says = "kafkaops.yaml declares no cluster" if not entries else says
        raise Refusal(
            Exit.USAGE,
            Finding(
                code="KO6011",
                severity=Severity.ERROR,
                message=says,
                help=f"write `--cluster NAME`; the clusters are: {known}"
                if entries
                else "add `clusters: {NAME: {bootstrap-servers: [HOST:PORT]}}` to kafkaops.yaml",
            ),
        )


def read(
    root: Path, *, shown: Callable[[Path], str], version: str, today: date, cluster: str | None = None
) -> Topology:
    """Every problem of every file at once, in `findings`. With an error among them, `desired` is not to be acted on.

    `cluster` leaves out what concerns only others.
    """
    documents, findings = source.read(root, shown=shown)
    return judged(root, shown(root), documents, findings, version=version, today=today, cluster=cluster)


def judged(
    root: Path,
    shown: str,
    documents: tuple[Document, ...],
    findings: Iterable[Finding] = (),
    *,
    version: str,
    today: date,
    cluster: str | None = None,
) -> Topology:
    """What these documents mean, whether they stand in the folder or are only thought of. `findings`: from reading them."""
    found = list(findings)
    structure = [finding for document in documents for finding in schema.check(document)]
    found += structure
    told = {finding.where for finding in structure}
    broken = {finding.where.file for finding in structure if finding.where}
    sound = tuple(schema.sound(document) if document.file in broken else document for document in documents)
    declared, strays = _settings_file(root, sound)
    holes = strays or SETTINGS_FILE in {Path(finding.where.file).name for finding in found if finding.where}
    follows = (_FOLLOWING if structure else frozenset()) | (_OF_SETTINGS if holes else frozenset())
    settings, problems = settings_of(declared, root, version=version)
    found += (*strays, *problems)
    desired: dict[str, Desired] = {}
    for entry in [one for one in settings.clusters.values() if cluster in {None, one.name}] or [NO_CLUSTER]:
        desired[entry.name], problems = compile_for(entry, sound, settings, today=today)
        found += (one for one in problems if one.code not in follows and one.where not in told)
    names = frozenset[str]().union(*(one.topics for one in desired.values()))
    whole = cluster is None and not any(one.severity is Severity.ERROR for one in found)
    if declared is not None and whole and names:  # a topology that is only begun has nothing to guard yet
        found += idle_guards(declared, names)
    found += (one for one in codeowners.findings(root, documents, settings.policy.lint) if one.code not in follows)
    return Topology(root, shown, documents, settings, desired, _sorted(found))


def _settings_file(root: Path, documents: tuple[Document, ...]) -> tuple[Document | None, list[Finding]]:
    """The one at the top of the folder; another one would be ignored, so it is an error."""
    named = [document for document in documents if document.path.name in {SETTINGS_FILE, "kafkaops.yml"}]
    top = next((one for one in named if one.path == root.resolve() / SETTINGS_FILE), None)
    strays = [
        Finding(
            code="KO1301",
            severity=Severity.ERROR,
            message=f"settings stand in `{SETTINGS_FILE}` at the top of the topology folder, and only there",
            where=Location(one.file, 1, 1, 2),
            help="move its keys to that file, or give this one another name",
        )
        for one in named
        if one is not top
    ]
    return top, strays


def _sorted(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One problem once, though several clusters or two checks have it."""
    unique = {(one.code, one.where, one.message): one for one in findings}
    return tuple(sorted(unique.values(), key=sort_key))
