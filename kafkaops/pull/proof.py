"""Whether files say exactly what is live: compiled, compared and planned before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kafkaops import __version__, source, topology
from kafkaops.app import Request, plan_on
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kind import Reading
from kafkaops.kinds.acl.model import principal_address
from kafkaops.kinds.acl.parse import principal_of
from kafkaops.kinds.topic.model import LiveTopic, Topic
from kafkaops.plan import Plan
from kafkaops.pull import profiles
from kafkaops.pull.draft import Draft, Found, draft
from kafkaops.pull.drift import Accepted, accept, fields_of
from kafkaops.pull.live import left_out
from kafkaops.source import Block, Document, key_location
from kafkaops.topology import Topology


def tried(base: Topology, request: Request, found: Found) -> tuple[Draft, Topology, dict[str, Finding]]:
    """Until the checks refuse nothing any more: each round leaves out what they refuse."""
    left: dict[str, Finding] = {}
    while True:
        made = draft(base, request.entry, found)
        after = _with(base, made.texts, request)
        problems = made.refused or dict(_problems(after, request, found))
        if not problems:
            return made, after, left
        alike = {address.removeprefix("topic/") for address in problems if address.removeprefix("topic/") in made.made}
        fresh = alike - found.declared
        refused = problems.keys() - {f"topic/{name}" for name in fresh}
        left |= {address: left_out(address, problems[address]) for address in refused}
        found = replace(_without(found, refused), declared=found.declared | fresh)


def accepted(base: Topology, request: Request, found: Found) -> tuple[Accepted, Topology, dict[str, Finding]]:
    """The same for what files declare: whatever the checks refuse stays as it is declared."""
    left: dict[str, Finding] = {}
    while True:
        made = accept(base, request.entry, found, lambda texts: _with(base, texts, request))
        after = _with(base, made.texts, request)
        problems = {**dict(_problems(after, request, found)), **made.refused} if made.texts else made.refused
        if not problems:
            return made, after, left
        left |= {address: left_out(address, why) for address, why in problems.items()}
        found = _without(found, problems.keys())


def _without(found: Found, refused: Collection[str]) -> Found:
    return Found(
        {name: one for name, one in found.topics.items() if f"topic/{name}" not in refused},
        {name: one for name, one in found.principals.items() if principal_address(name) not in refused},
        found.declared,
    )


def _with(base: Topology, texts: Mapping[Path, str], request: Request) -> Topology:
    """The topology as it would be."""
    if not texts:
        return base
    shown = {document.path: document.file for document in base.documents}
    changed = []
    for path, text in sorted(texts.items()):
        name = shown.get(path, path.name if base.shown == "." else f"{base.shown}/{path.name}")
        root, findings = source.parse(text, name)
        assert root is not None, findings
        changed.append(Document(name, path, text, root))
    kept = [document for document in base.documents if document.path not in texts]
    documents = tuple(sorted((*kept, *changed), key=lambda document: document.file))
    return topology.judged(base.root, base.shown, documents, version=__version__, today=request.now.date())


def _problems(after: Topology, request: Request, found: Found) -> Iterator[tuple[str, str]]:
    """By address, what keeps it from being declared so."""
    errors = [finding for finding in after.findings if finding.severity is Severity.ERROR]
    for finding in errors:
        yield from ((address, finding.message) for address in _about(after, finding, found))
    if errors:
        return
    desired = after.desired[request.entry.name]
    for name, live in found.topics.items():
        wanted = desired.topics.get(name)
        if wanted is not None and (other := _other(wanted, live)):
            yield f"topic/{name}", other
    for principal, bindings in found.principals.items():
        if bindings != frozenset(acl for acl in desired.acls.bindings if acl.principal == principal):
            yield principal_address(principal), "what the files say of it cannot be made to give just what is live"


def _other(wanted: Any, live: LiveTopic) -> str | None:
    """What the files would make of it, where a layer above its own block has the last word."""
    if not isinstance(wanted, Topic):
        return "a file wants it absent"
    fields = fields_of(wanted)
    have = profiles.fields_of(live)
    key = next((key for key in sorted({*fields, *have}) if fields.get(key) != have.get(key)), None)
    if key is None:
        return None
    layer = wanted.origins[key].layer if key in wanted.origins else "no layer"
    return f"its {key} is {have.get(key, 'not set')}, and the {layer} says {fields.get(key, 'nothing')}"


def _about(after: Topology, finding: Finding, found: Found) -> Collection[str]:
    """Whose words they are that a finding is about; everything that was pulled where that cannot be told, so that nothing wrong is written."""
    where = finding.where
    document = next((one for one in after.documents if where and one.file == where.file), None)
    everything = [*(f"topic/{name}" for name in found.topics), *map(principal_address, found.principals)]
    if document is None or where is None:
        return everything
    starts = sorted(_starts(document.root))
    step = next((step for line, step in reversed(starts) if line <= where.line), ())
    match step:
        case ("topics", name) if name in found.topics:
            return [f"topic/{name}"]
        case ("profiles", name):
            users = [one for one, block in _topic_blocks(after) if block.get("profile") == name and one in found.topics]
            return [f"topic/{one}" for one in users] or everything
        case ("principal", name) if name in found.principals:
            return [principal_address(name)]
        case _:
            return everything


def _starts(root: Block) -> Iterator[tuple[int, tuple[str, str]]]:
    """The line on which each part begins, with whose it is."""
    for section in root:
        yield key_location(root, section).line, (section, "")
    for section in ("topics", "profiles"):
        for name in root.get(section) or ():
            yield key_location(root[section], name).line, (section, name)
    for name, block in (root.get("applications") or {}).items():
        yield key_location(root["applications"], name).line, ("principal", principal_of(name, block or Block("")))
    for name in root.get("principals") or ():
        yield key_location(root["principals"], name).line, ("principal", name)
    for index, entry in enumerate(root.get("acls") or ()):
        yield source.item_location(root["acls"], index).line, ("principal", entry["principal"])


def _topic_blocks(after: Topology) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for document in after.documents:
        yield from ((name, block or {}) for name, block in (document.root.get("topics") or {}).items())


# the proof


def refuse_a_plan(request: Request, reading: Reading, after: Topology, standing: Collection[str]) -> int:
    """What is written must plan nothing that was not planned before, and nothing at all about what it says. How many changes of old are still planned."""
    before = plan_on(request, reading)
    if after is request.topology:
        return len(before.changes)
    asked = replace(request, topology=after)
    then = plan_on(asked, replace(reading, desired=asked.desired, settings=after.settings))
    known = {change.id for change in before.changes}
    about = [one.address for one in then.changes if one.id not in known or _is_of(one.address, standing)]
    told = {(one.code, one.address, one.message) for one in before.findings}
    about += [one.address for one in then.findings if one.blocks and (one.code, one.address, one.message) not in told]
    if about:
        raise Refusal(Exit.FAILED, _not_empty(about, then))
    return len(then.changes)


def _is_of(address: str, standing: Collection[str]) -> bool:
    return address in standing or any(address.startswith(f"{one}/") for one in standing)


def _not_empty(about: Sequence[str], then: Plan) -> Finding:
    shown = ", ".join(dict.fromkeys(about[:5]))
    return Finding(
        code="KO7032",
        severity=Severity.ERROR,
        message=f"the plan of what would be written is not empty, so no file was changed: {shown}",
        help="run it again, in case the cluster has just changed; if it stays so it is a bug: please report it with this output",
        notes=tuple(f"{change.action} {change.address}" for change in then.changes[:5]),
    )
