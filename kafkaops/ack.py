"""Writing consent: which findings are meant, what each acknowledgement says, and the place in the files that it goes to. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path

from kafkaops import consent, edit
from kafkaops.findings import Exit, Finding, Location, Refusal, Severity, misused
from kafkaops.kinds.acl.model import principal_address
from kafkaops.kinds.acl.parse import principal_of
from kafkaops.kinds.topic import settings
from kafkaops.plan import Acknowledgement
from kafkaops.source import Block, Document, Row, item_location

USUAL = timedelta(days=14)
"""How long consent holds when nobody says."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Consent to `changes` of a finding, canonical as its `consent` has them; none is left to write where all is consented to already."""

    finding: Finding
    changes: tuple[str, ...]

    @property
    def target(self) -> str:
        return _target(self.finding)


@dataclass(frozen=True, slots=True)
class Terms:
    """What all acknowledgements of one run share."""

    cluster: str
    until: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """One acknowledgement in its file. `entry`: the keys as they stand there; `on` is the address, also where the entry leaves it out."""

    where: Location
    on: str
    entry: edit.Entry


@dataclass(frozen=True, slots=True)
class Edited:
    """`texts`: by the file's real path, of the files that change."""

    texts: Mapping[Path, str]
    written: tuple[Written, ...]


# the date


def last_day(text: str | None, today: date) -> date:
    """Errors: Refusal (64) for what is no date, in the past, or more than 90 days ahead."""
    if text is None:
        return today + USUAL
    latest = today + consent.LONGEST
    try:
        until = date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII) else None
    except ValueError:
        until = None
    if until is None:
        raise misused(f"`--until {text}` is not a date", f"write a day such as {today + USUAL}")
    if not today <= until <= latest:
        why = "in the past" if until < today else f"more than {consent.LONGEST.days} days ahead"
        raise misused(f"`--until {text}` is {why}", f"write a day from {today} to {latest}")
    return until


# which findings


def wishes(
    targets: Sequence[str], findings: Sequence[Finding], given: Iterable[Acknowledgement], cluster: str
) -> tuple[Wish, ...]:
    """`targets`: `CODE@ADDRESS`, `CODE@PATTERN` (as in a shell) or `CODE`. `given`: the consent that the files hold today.

    Errors: Refusal with all that is wrong: 64 for what is not in the plan or not exact, 3 for what cannot be acknowledged.
    """
    work = _Choice(findings, given, cluster)
    found: list[Wish] = []
    problems: list[Refusal] = []
    for target in dict.fromkeys(targets):
        try:
            found += work.of(target)
        except Refusal as refusal:
            problems.append(refusal)
    if problems:
        code = Exit.USAGE if any(one.exit_code == Exit.USAGE for one in problems) else Exit.BLOCKED
        raise Refusal(code, *(finding for one in problems for finding in one.findings))
    return tuple(found)


class _Choice:
    def __init__(self, findings: Sequence[Finding], given: Iterable[Acknowledgement], cluster: str) -> None:
        self.findings = findings
        self.covered = {(one.code, one.on, change) for one in given if one.cluster == cluster for change in one.changes}

    def of(self, target: str) -> list[Wish]:
        code, at, address = target.partition("@")
        code = code.upper()
        if not re.fullmatch(r"KO[0-9]{4}", code, re.ASCII) or (at and not address):
            raise misused(
                f"`{target}` is not `CODE@ADDRESS`", "write it as the plan shows it, such as `KO2104@topic/NAME`"
            )
        meant = self._at(code, address) if at else self._only(code)
        if not meant:
            raise misused(f"the plan has no `{target}`", self._nearest(f"{code}{at}{address}"))
        for finding, _ in meant:
            _allows_consent(finding)
        return [self._wish(finding, changes) for finding, changes in meant]

    def _at(self, code: str, address: str) -> list[tuple[Finding, tuple[str, ...]]]:
        """Those of the address, or of the principal whose binding it names: then that binding alone."""
        exact: list[tuple[Finding, tuple[str, ...]]] = [
            (one, one.consent) for one in self.findings if (one.code, one.address) == (code, address)
        ]
        binding: list[tuple[Finding, tuple[str, ...]]] = [
            (one, (change,))
            for one in self.findings
            for change in one.consent
            if one.code == code and f"{one.address}/{change.removeprefix('revoke ')}" == address
        ]
        return exact or binding or self._like(code, address)

    def _like(self, code: str, pattern: str) -> list[tuple[Finding, tuple[str, ...]]]:
        """All that the pattern matches and that need consent."""
        return [
            (one, one.consent)
            for one in self.findings
            if one.code == code and one.severity is Severity.DANGER and fnmatchcase(one.address, pattern)
            if self._open(one, one.consent)
        ]

    def _only(self, code: str) -> list[tuple[Finding, tuple[str, ...]]]:
        """The only one that still needs consent; all, to say so, when none does."""
        found = [one for one in self.findings if one.code == code]
        open_ = [one for one in found if not one.consent or self._open(one, one.consent)]
        if len(open_) > 1:
            named = ", ".join(f"`{target}`" for target in sorted({_target(one) for one in open_}))
            raise misused(f"{len(open_)} findings are {code}", f"write which: {named}")
        return [(one, one.consent) for one in open_ or found]

    def _open(self, finding: Finding, changes: Iterable[str]) -> tuple[str, ...]:
        return tuple(one for one in changes if (finding.code, finding.address, one) not in self.covered)

    def _wish(self, finding: Finding, changes: Iterable[str]) -> Wish:
        left = self._open(finding, changes)
        self.covered |= {(finding.code, finding.address, one) for one in left}
        return Wish(finding, left)

    def _nearest(self, target: str) -> str:
        known = sorted({_target(one) for one in self.findings if one.consent and self._open(one, one.consent)})
        near = get_close_matches(target, known, n=3, cutoff=0.5) or known[:3]
        return f"did you mean {' or '.join(f'`{one}`' for one in near)}" if near else "nothing in it needs consent"


def _target(finding: Finding) -> str:
    return f"{finding.code}@{finding.address}"


def _allows_consent(finding: Finding) -> None:
    if finding.severity in {Severity.WARNING, Severity.NOTICE}:
        raise misused(
            f"{finding.code} on {finding.address} blocks nothing", "leave it out; it needs no acknowledgement"
        )
    if finding.severity is Severity.ERROR or not finding.consent:
        why = finding.help or (
            finding.notes[0] if finding.notes else f"`kafkaops explain {finding.code}` tells what to do"
        )
        raise Refusal(
            Exit.BLOCKED,
            Finding(
                code=finding.code,
                severity=Severity.ERROR,
                message=f"no acknowledgement helps here: {finding.message}",
                address=finding.address,
                where=finding.where,
                help=why,
            ),
        )


# where to


def edited(documents: Sequence[Document], settings_file: str, wanted: Iterable[Wish], terms: Terms) -> Edited:
    """Every wish in a file. `settings_file`: of kafkaops.yaml, which takes what has no other place.

    Errors: Refusal with the line to paste for each wish that no file can take; then none is written.
    """
    texts: dict[Path, str] = {}
    notes: list[tuple[Document, edit.Keys, int, str, edit.Entry]] = []
    problems: list[Finding] = []
    for wish in (one for one in wanted if one.changes):
        for document, keys, entry in _candidates(documents, settings_file, wish, terms):
            before = texts.get(document.path, document.text)
            after = edit.with_entry(before, keys, entry)
            if after is not None and _reads_back(wish):
                texts[document.path] = after
                notes.append((document, keys, len(edit.entries(after, keys)) - 1, wish.finding.address, entry))
                break
        else:
            problems.append(_no_place(wish, terms))
    if problems:
        raise Refusal(Exit.FAILED, *problems)
    return Edited(texts, tuple(_written(texts, *note) for note in notes))


def _candidates(
    documents: Sequence[Document], settings_file: str, wish: Wish, terms: Terms
) -> Iterator[tuple[Document, edit.Keys, edit.Entry]]:
    for document, keys in _own_blocks(documents, wish.finding.address):
        yield document, keys, _entry(wish, terms, on="")
    near = wish.finding.where.file if wish.finding.where else ""
    for file in dict.fromkeys((near, settings_file)):
        yield from ((one, (), _entry(wish, terms, on=wish.finding.address)) for one in documents if one.file == file)


def _own_blocks(documents: Sequence[Document], address: str) -> list[tuple[Document, edit.Keys]]:
    """The block of a topic or a principal; not one of several applications that are one principal."""
    found = [
        (document, keys)
        for document in documents
        for keys, block in blocks(document)
        if keys and _address(keys, block) == address
    ]
    applications = sum(keys[0] == "applications" for _, keys in found)
    return [(document, keys) for document, keys in found if keys[0] != "applications" or applications == 1]


def blocks(document: Document) -> Iterator[tuple[edit.Keys, Block]]:
    """Every block of a file that may hold acknowledgements."""
    yield (), document.root
    for section in ("topics", "applications", "principals"):
        named = document.root.get(section)
        for name, block in named.items() if isinstance(named, dict) else ():
            if isinstance(block, Block):
                yield (section, name), block


def _address(keys: edit.Keys, block: Block) -> str:
    section, name = keys
    match section:
        case "topics":
            return f"topic/{name}"
        case "applications":
            return principal_address(principal_of(name, block))
        case _:
            return principal_address(name)


def _entry(wish: Wish, terms: Terms, *, on: str) -> dict[str, str | Sequence[str]]:
    changes = [_for_people(one) for one in wish.changes]
    rest = changes[0].removeprefix("revoke ")
    if on and wish.finding.code == "KO3107" and len(changes) == 1:  # one binding: language.md writes it as the address
        on, changes = f"{on}/{rest}", ["revoke"]
    entry: dict[str, str | Sequence[str]] = {"code": wish.finding.code}
    entry |= {"on": on} if on else {}
    entry |= {"cluster": terms.cluster, "change": changes[0] if len(changes) == 1 else changes}
    entry |= {"until": terms.until.isoformat()}
    return entry | ({"reason": terms.reason} if terms.reason else {})


def _for_people(change: str) -> str:
    """`retention.ms 1209600000 -> 259200000` as `retention.ms 14d -> 3d`, where that means the same."""
    match = re.fullmatch(r"(\S+) (.+?) -> (.+)", change)
    if match is None:
        return change
    shown = f"{match[1]} {settings.show(match[1], match[2])} -> {settings.show(match[1], match[3])}"
    return shown if _means(shown, change) else change


def _means(written: str, change: str) -> bool:
    try:
        return consent.canonical(written) == change
    except settings.NotValid:
        return False


def _reads_back(wish: Wish) -> bool:
    return all(_means(_for_people(one), one) for one in wish.changes)


def _written(
    texts: Mapping[Path, str], document: Document, keys: edit.Keys, index: int, on: str, entry: edit.Entry
) -> Written:
    place = item_location(edit.entries(texts[document.path], keys), index)
    return Written(Location(document.file, place.line, place.column, place.end_column), on, entry)


def _no_place(wish: Wish, terms: Terms) -> Finding:
    entry = edit.written(_entry(wish, terms, on=wish.finding.address))
    says = (
        "no file can take the acknowledgement"
        if _reads_back(wish)
        else "no acknowledgement can name this change exactly"
    )
    return Finding(
        code="KO5404",
        severity=Severity.ERROR,
        message=f"{wish.target}: {says}",
        address=wish.finding.address,
        help=f"write it below `acknowledge:` at the top level of a file: - {entry}"
        if _reads_back(wish)
        else "change the name or the value, so that neither has white space in a row nor an arrow",
        fix=f"- {entry}" if _reads_back(wish) else "",
    )


# expired ones


@dataclass(frozen=True, slots=True)
class Expired:
    """An entry that no longer holds. `removed` False: it stands where it cannot be cut out alone."""

    where: Location
    code: str
    on: str
    until: str
    removed: bool


def without_expired(documents: Sequence[Document], today: date) -> tuple[Mapping[Path, str], tuple[Expired, ...]]:
    """The texts that change, and each expired entry of every cluster."""
    texts: dict[Path, str] = {}
    found: dict[Location, Expired] = {}
    for document in documents:
        for keys, rows, index in _expired(document, today):
            after = edit.without_entry(texts.get(document.path, document.text), keys, index)
            if after is not None:
                texts[document.path] = after
            row, where = rows[index], item_location(rows, index)
            on = row.get("on") or (_address(keys, document.root[keys[0]][keys[1]]) if keys else "")
            found[where] = Expired(where, str(row.get("code")), str(on), str(row["until"]), after is not None)
    return texts, tuple(found[where] for where in sorted(found))


def _expired(document: Document, today: date) -> Iterator[tuple[edit.Keys, Row, int]]:
    """Each list from its end, so that the places of those before stay true."""
    for keys, block in blocks(document):
        rows = block.get(edit.LIST)
        if isinstance(rows, Row):
            yield from ((keys, rows, index) for index in reversed(range(len(rows))) if _is_expired(rows[index], today))


def _is_expired(row: object, today: date) -> bool:
    try:
        return isinstance(row, dict) and date.fromisoformat(str(row.get("until"))) < today
    except ValueError:
        return False
