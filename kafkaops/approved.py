"""An approved plan, read back from its document, against what is to be done now. Pure.

Something is done only as it was approved. A change that is missing now is accepted only where what it leads to is live already: the files may be of another
commit, so that it is missing proves nothing. What nobody approved is left alone where it is drift elsewhere, and else stops all of it.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from kafkaops import fingerprint
from kafkaops.apply import replacements
from kafkaops.findings import Exit, Finding, Refusal, Severity
from kafkaops.kind import Landed
from kafkaops.placement.model import Kind, Move
from kafkaops.plan import Action, Change, FieldChange, From, Phase, Plan, Value
from kafkaops.report import Document, Stale, Staleness


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedChange(Change):
    """As a document has it: enough to compare with, not to perform. `consent`: what was acknowledged for it."""

    kept: Mapping[str, str]
    consent: tuple[str, ...] = ()

    @property
    def carries(self) -> Mapping[str, str]:
        return self.kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """`only`: the patterns that the plan was made with. `desired`: a hash of what its files wanted. `changes`, `hashes`: of what it does, by the id of the change. `held_back`: the ids of what it shows and does not do. `blocked`: code and address of each error in it."""

    cluster: str
    cluster_id: str
    fingerprint: str
    created_at: str
    desired: str
    only: tuple[str, ...]
    changes: Mapping[str, SavedChange]
    hashes: Mapping[str, str]
    held_back: frozenset[str]
    blocked: frozenset[tuple[str, str]] = frozenset()

    @property
    def addresses(self) -> frozenset[str]:
        return frozenset(change.address for change in self.changes.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """done: changes of the approved plan that are live already. stale: why it cannot be applied. unchanged: how many of its changes are as they were. idle: acknowledgements in it that no longer fit. left: what is to be done now, and is not in it."""

    done: frozenset[str] = frozenset()
    stale: tuple[Stale, ...] = ()
    unchanged: int = 0
    idle: tuple[str, ...] = ()
    left: tuple[Change, ...] = ()


def of(document: Document) -> Approved:
    """Errors: Refusal where a hash is not that of the values that are shown, since the values are what somebody approved."""
    cluster_id = str(document["cluster"]["id"])
    consent = {one["ref"]: tuple(one["ack"]["change"]) for one in document["findings"] if one["acknowledged"]}
    to_do = [entry for entry in document["changes"] if not entry.get("held_back")]
    changes = {entry["id"]: _change(entry, consent) for entry in to_do}
    hashes = {entry["id"]: str(entry["hash"]) for entry in to_do}
    made = {id_: fingerprint.of_change(cluster_id, change) for id_, change in changes.items()}
    if made != hashes or fingerprint.of_plan(cluster_id, hashes.values()) != document["fingerprint"]:
        raise Refusal(
            Exit.INVALID,
            Finding(
                code="KO7005",
                severity=Severity.ERROR,
                message=f"the plan {document['fingerprint']} was edited: its hashes are not those of what it shows",
                help="`kafkaops plan -o json=plan.json` writes another one",
            ),
        )
    return Approved(
        cluster=document["cluster"]["name"],
        cluster_id=cluster_id,
        fingerprint=document["fingerprint"],
        created_at=document["created_at"],
        desired=document["source"]["desired"],
        only=tuple(document["options"]["only"]),
        changes=changes,
        hashes=hashes,
        held_back=frozenset(entry["id"] for entry in document["changes"] if entry.get("held_back")),
        blocked=frozenset((one["code"], one["address"]) for one in document["findings"] if one["severity"] == "error"),
    )


def _change(entry: Mapping[str, Any], consent: Mapping[str, tuple[str, ...]]) -> SavedChange:
    action = Action(entry["action"])
    access = action in {Action.GRANT, Action.REVOKE}
    return SavedChange(
        id=entry["id"],
        address=entry["address"],
        action=action,
        phase=Phase(entry["phase"]),
        where=None,
        fields=() if access else tuple(_fields(entry)),
        kept=(entry["before"] or entry["after"]) if access else entry["carries"],
        consent=tuple(text for ref in entry["findings"] for text in consent.get(ref, ())),
        moves=tuple(_move(entry["address"].removeprefix("topic/"), one) for one in entry.get("moves", ())),
    )


def _move(topic: str, one: Mapping[str, Any]) -> Move:
    old, new = tuple(one["from"]), tuple(one["to"])
    kind: Kind = "grow" if len(new) > len(old) else "shrink" if len(new) < len(old) else "move"
    return Move(topic, one["partition"], old, new, one["bytes"], kind, tuple(one["reasons"]))


def _fields(entry: Mapping[str, Any]) -> Iterator[FieldChange]:
    if entry["field"] is not None:
        yield FieldChange(entry["field"], _value(entry["before"]), _value(entry["after"]))
    yield from (FieldChange(one["name"], _value(one["before"]), _value(one["after"])) for one in entry["fields"])


def _value(side: Mapping[str, Any] | None) -> Value | None:
    return None if side is None else Value(side["value"], side["display"], From(side["from"]))


def missing(approved: Approved, made: Plan) -> list[SavedChange]:
    """What is no longer to be done, for a look at whether it is live."""
    now = {change.id for change in made.to_do}
    return [change for id_, change in approved.changes.items() if id_ not in now]


def judged(approved: Approved, made: Plan, landed: Landed, desired: str) -> Judgement:
    """`landed`: of each change that is missing, where the cluster is not as it leads to. `desired`: a hash of what the files want now."""
    now = {change.id: change for change in made.to_do}
    stale: list[Stale] = []
    for id_, change in approved.changes.items():
        again = now.get(id_)
        if again is None:
            stale += (_not_live(change, *one) for one in landed[id_])
        elif fingerprint.of_change(approved.cluster_id, again) != approved.hashes[id_]:
            stale += _otherwise(change, again)
    same_files = desired == approved.desired
    more = [change for change in made.changes if not _known(change, approved, made)]
    bound = _bound(approved, made, more)
    more = [change for change in more if change.id in bound or _meant(change, approved.only)]
    stale += (_unapproved(change, same_files=same_files) for change in more if change.id in bound or not same_files)
    named = {one.address for one in stale}
    stale += (_impossible(one) for one in _errors_since(approved, made) if one.address not in named)
    done = frozenset(id_ for id_ in approved.changes if id_ not in now and not landed[id_])
    ids = {one.id for one in stale}
    consents = {text for finding in made.findings for text in finding.consent}
    idle = (text for id_, change in approved.changes.items() if id_ in ids for text in change.consent)
    return Judgement(
        done=done,
        stale=tuple({(one.address, one.field): one for one in reversed(stale)}.values())[::-1],
        unchanged=len(approved.changes.keys() - ids),
        idle=tuple(dict.fromkeys(text for text in idle if text not in consents)),
        left=() if stale else tuple(more),
    )


def _known(change: Change, approved: Approved, made: Plan) -> bool:
    """What is held back now as it was then is no news."""
    return change.id in approved.changes or (change.id in approved.held_back and change.id in made.held_back)


def _meant(change: Change, only: Sequence[str]) -> bool:
    return not only or any(fnmatchcase(change.address, pattern) for pattern in only)


def _bound(approved: Approved, made: Plan, more: Sequence[Change]) -> frozenset[str]:
    """Of those that nobody approved: what is on a thing that the plan touches, and grants without which a revoke would take access."""
    kept = [change for change in made.changes if change.id in approved.changes]
    needed = {change.id for change in replacements(kept, made.changes)}
    return frozenset(change.id for change in more if change.id in needed or change.address in approved.addresses)


def _errors_since(approved: Approved, made: Plan) -> Iterator[Finding]:
    """On a thing that the plan touches, and not in it: somebody has made the cluster such that the files cannot be."""
    for finding in made.findings:
        news = finding.severity is Severity.ERROR and (finding.code, finding.address) not in approved.blocked
        if news and finding.address in approved.addresses:
            yield finding


def as_approved(approved: Approved, made: Plan, brokers: frozenset[int]) -> Plan:
    """With the places that were approved, which are judged again and not looked for anew (decisions 22). `brokers`: those that may hold what moves.

    Errors: Refusal (exit 5) where one of them may not any more.
    """
    changes = tuple(_with_its_places(change, approved.changes.get(change.id), brokers) for change in made.changes)
    return replace(made, changes=changes)


def _with_its_places(change: Change, saved: SavedChange | None, brokers: frozenset[int]) -> Change:
    if saved is None or not saved.moves:
        return change
    now = json.loads(change.carries["assignment"])
    size = {len(move.new) for move in change.moves}
    for move in saved.moves:
        fits = move.partition < len(now) and now[move.partition] == list(move.old)
        if not fits or len(move.new) not in size or len(set(move.new)) < len(move.new):
            raise _no_place(change, move, "is no place for it as it is now")
        gone = sorted(set(move.adding) - brokers)
        if gone:
            raise _no_place(change, move, f"names broker {gone[0]}, which is down or to be drained")
    return replace(change, moves=saved.moves)


def _no_place(change: Change, move: Move, why: str) -> Refusal:
    return Refusal(
        Exit.NOT_APPROVED,
        Finding(
            code="KO4111",
            severity=Severity.ERROR,
            message=f"{move.topic} partition {move.partition}: {list(move.old)} -> {list(move.new)} was approved, and {why}",
            address=change.address,
            help="plan again, read it, and have it approved",
        ),
    )


# findings


def staleness(approved: Approved, judgement: Judgement, *, same_files: bool) -> Staleness:
    return Staleness(
        fingerprint=approved.fingerprint,
        finding=_stale_finding(approved, judgement, same_files=same_files),
        made_at=approved.created_at,
        stale=judgement.stale,
        unchanged=judgement.unchanged,
        idle=judgement.idle,
    )


def _stale_finding(approved: Approved, judgement: Judgement, *, same_files: bool) -> Finding:
    shown = [f"{one.name} {one.field} {one.says}".replace("  ", " ") for one in judgement.stale[:_MOST]]
    left = len(judgement.stale) - len(shown)
    again = ", and acknowledge again" if judgement.idle else ""
    was = "cluster is no longer as it was" if same_files else "cluster or the files are no longer as they were"
    return Finding(
        code="KO7102",
        severity=Severity.ERROR,
        message=f"the {was} when this plan was made",
        help=f"run `kafkaops plan --cluster {shlex.quote(approved.cluster)} -o json=plan.json`, read it{again}",
        notes=(
            *shown,
            *([f"and {left:,} more, all are in the JSON"] if left else []),
            *(f"the acknowledgement `{text}` no longer fits" for text in judgement.idle),
        ),
    )


_MOST = 20


def unexpected_finding(expected: str, found: str, cluster: str) -> Finding:
    return Finding(
        code="KO7102",
        severity=Severity.ERROR,
        message=f"`--expect {expected}` is not what would be done now, which is {found}",
        help=f"read what would be done now, which `kafkaops plan --cluster {shlex.quote(cluster)}` shows too; with `--plan FILE` of the approved one each thing that is otherwise is named",
    )


def left_findings(cluster: str, left: Sequence[Change]) -> Iterator[Finding]:
    """One a change: nobody approved it, and it is on nothing that the plan touches."""
    for change in left:
        what = f"that it is to be {_DONE[change.action]}"
        if change.action in _FROM_TO:
            (own,) = change.fields
            what = f"{own.name} {_shown(own.before)} -> {_shown(own.after)}"
        yield Finding(
            code="KO7103",
            severity=Severity.WARNING,
            message=f"{change.address.partition('/')[2]}: {what} is not in the approved plan, so it is left alone",
            address=change.address,
            where=change.where,
            help=f"`kafkaops plan --cluster {shlex.quote(cluster)} --only {shlex.quote(change.address)}` plans it",
        )


# sentences


def _not_live(change: SavedChange, name: str, live: Value | None) -> Stale:
    own = next((one for one in change.fields if one.name == name), None)
    if not name:
        return _stale(change, name, None, live, f"was to be {_DONE[change.action]}, is {_shown(live)}")
    if name in change.kept:
        was = Value(change.kept[name], change.kept[name], From.TOPIC)
        return _stale(change, name, was, live, f"was {was.display}, is now {_shown(live)}")
    if own is None:
        told = "moved" if change.action is Action.REASSIGN else "unset"
        return _stale(change, name, None, live, f"was to be {told}, is {_shown(live)}")
    if change.action is Action.UPDATE and own.before != own.after and _same(own.before, live):
        told = f"was to be {_shown(own.after)}, is still {_shown(live)}, and nothing is to change it now"
        return _stale(change, name, own.after, live, told)
    if change.action is Action.UPDATE:
        return _stale(change, name, own.before, live, f"was {_shown(own.before)}, is now {_shown(live)}")
    return _stale(change, name, own.after, live, f"was to be {_shown(own.after)}, is now {_shown(live)}")


_DONE = {
    Action.CREATE: "created",
    Action.UPDATE: "changed",
    Action.DELETE: "deleted",
    Action.GRANT: "granted",
    Action.REVOKE: "revoked",
    Action.REASSIGN: "moved",
}
_FROM_TO = frozenset({Action.UPDATE, Action.REASSIGN})
"""Of one field, which has both sides."""


def _otherwise(was: SavedChange, now: Change) -> Iterator[Stale]:
    """The same change by its id, with each thing about it that is another."""
    if was.action is not now.action:
        yield _stale(was, "", None, None, f"was to be {_DONE[was.action]}, is now to be {_DONE[now.action]}")
        return
    for key in sorted(was.carries.keys() | now.carries.keys()):
        before, after = was.carries.get(key, ""), now.carries.get(key, "")
        if before != after:
            sides = (Value(before, before, From.TOPIC), Value(after, after, From.TOPIC))
            yield _stale(was, key, *sides, f"was {before or 'unknown'}, is now {after or 'unknown'}")
    old, new = ({one.name: one for one in change.fields} for change in (was, now))
    for name in sorted(old.keys() | new.keys()):
        yield from _field(was, name, old.get(name), new.get(name))


def _field(change: SavedChange, name: str, old: FieldChange | None, new: FieldChange | None) -> Iterator[Stale]:
    before, after = (None if one is None else one.before for one in (old, new))
    if not _same(before, after):
        yield _stale(change, name, before, after, f"was {_shown(before)}, is now {_shown(after)}")
    before, after = (None if one is None else one.after for one in (old, new))
    if not _same(before, after):
        yield _stale(change, name, before, after, f"was to be {_shown(before)}, is now to be {_shown(after)}")


def _unapproved(change: Change, *, same_files: bool) -> Stale:
    """With the same files, what is to be set right now was right when the plan was made."""
    name, before, after = "", None, None
    if change.action in _FROM_TO:
        (own,) = change.fields
        name, before, after = own.name, own.before, own.after
    if not same_files:
        sides = f" from {_shown(before)} to {_shown(after)}" if name else ""
        says = f"was to be left as it is, is now to be {_DONE[change.action]}{sides}"
        return _stale(change, name, before, after, says)
    if name:
        return _stale(change, name, after, before, f"was {_shown(after)}, is now {_shown(before)}")
    there = change.action in {Action.CREATE, Action.GRANT}
    return _stale(change, "", None, None, "was there, is gone" if there else "was not there, is there now")


def _impossible(finding: Finding) -> Stale:
    name = finding.address.partition("/")[2]
    return Stale(finding.address, finding.address, "", None, None, finding.message.removeprefix(f"{name}: "))


def _stale(change: Change, name: str, was: Value | None, now: Value | None, says: str) -> Stale:
    return Stale(change.id, change.address, name, was, now, says)


def _same(one: Value | None, other: Value | None) -> bool:
    return fingerprint.side(one) == fingerprint.side(other)


def _shown(value: Value | None) -> str:
    if value is None:
        return "absent"
    inherited = value.source in {From.DEFAULT, From.BROKER_DYNAMIC, From.BROKER_STATIC}
    return f"{value.display or '(empty)'}{' (inherited)' if inherited else ''}"
