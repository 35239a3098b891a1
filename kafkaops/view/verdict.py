"""How a document ends: the verdict in a word and in a sentence, the order of apply, and the commands to go on with."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from kafkaops.findings import Exit
from kafkaops.plan import Phase
from kafkaops.view.dangers import is_open
from kafkaops.view.lines import Document
from kafkaops.view.origins import has_base, parts
from kafkaops.view.words import NOUNS, counted, kind_of


class Verdict(NamedTuple):
    """`word`: in small letters. `why`: the sentence behind it, "" where the word is all."""

    word: str
    why: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.word.upper()}: {self.why}" if self.why else self.word.upper()


def judgement(document: Document) -> Verdict:
    """Of any document that has a verdict of this kind: plan, drift, apply, validation, and whatever ended early."""
    if ended_early(document):
        return Verdict(document["verdict"], problems(document))
    if document["format"] == "kafkaops.validation":
        files = counted(document["source"]["files"], "file")
        return Verdict(document["verdict"], f"{files} checked, no cluster contacted: {problems(document)}")
    if document["verdict"] in {"applied", "incomplete"}:
        return _applied(document)
    return _planned(document)


def ended_early(document: Document) -> bool:
    """Before there was anything but findings to show; an apply that did not do everything has its outcomes."""
    return not document["complete"] and document["verdict"] != "incomplete"


def _planned(document: Document) -> Verdict:
    changes, drift = len(document["changes"]), document["command"] == "drift"
    match document["verdict"]:
        case "stale":
            return Verdict("stale", f"{_stale(document)}; nothing was changed{partly(document)}")
        case "in_sync" if undoes(document):
            return Verdict("nothing to undo", "what the run changed is as it was before, or is left alone")
        case "in_sync":
            return Verdict("in sync", f"{_matching(document['summary'])} match the files{partly(document)}")
        case "ready" if not drift:
            consent = sum(one["acknowledged"] for one in document["findings"])
            rest = f"{counted(consent, 'danger')} acknowledged" if consent else "nothing needs acknowledgement"
            return Verdict("ready", f"{_what_is_done(document)}, {rest}{partly(document)}")
        case _ if drift:
            differ = f"{counted(changes, 'difference')} between the cluster and the files" if changes else ""
            stopped = _blockers(document) if document["verdict"] == "blocked" else ""
            return Verdict("drift", f"{'; '.join(filter(None, [differ, stopped]))}{partly(document)}")
        case _:
            return Verdict("blocked", f"{_blockers(document)}; nothing was changed{partly(document)}")


def _what_is_done(document: Document) -> str:
    """`8 changes, 1 drift fix`, and what is not done."""
    if not has_base(document):
        return counted(len(document["changes"]), "change")
    ours, drift, held = (len(part.changes) for part in parts(document))
    fixes = f"{drift:,} drift fix{'es' * (drift > 1)}" if drift else ""
    return ", ".join(filter(None, [counted(ours, "change"), fixes, f"{held:,} held back" if held else ""]))


def _stale(document: Document) -> str:
    number, known = len(document["stale"]), document["approved"]
    if not number:
        return f"what would be done is {document['fingerprint']}, not {known['fingerprint']}"
    rest = f", {known['unchanged']:,} {'is' if known['unchanged'] == 1 else 'are'} as approved"
    return f"{counted(number, 'thing')} {'is' if number == 1 else 'are'} no longer as approved{rest}"


def _matching(summary: Document) -> str:
    counts = [counted(summary[kind]["in_sync"], noun) for kind, noun in NOUNS.items() if kind in summary]
    return " and ".join(counts) or "0 resources"


def _blockers(document: Document) -> str:
    counts = document["summary"]["findings"]
    dangers = counts["danger_unacknowledged"]
    errors = sum(one["blocking"] and one["severity"] == "error" for one in document["findings"])
    needs = f"{counted(dangers, 'danger')} {'needs' if dangers == 1 else 'need'} acknowledgement" if dangers else ""
    told = ", ".join(filter(None, [needs, counted(errors, "error") if errors else ""]))
    return told or counted(counts["warning"], "warning")


def _applied(document: Document) -> Verdict:
    results, total, checked = document["results"], len(document["outcomes"]), document["verification"]
    if document["verdict"] == "applied":
        proof = f"read again on every live broker, all {checked['checked']:,} as planned"
        held = len(document["changes"]) - total
        left = f"; {held:,} held back" if held else ""
        return Verdict("applied", f"{counted(total, 'change')}; {proof}{left}{partly(document)}")
    told = f"{results['applied']:,} of {total:,} done"
    told += "".join(f", {results[key]:,} {word}" for key, word in _RESULTS if results[key])
    if document["exit_code"] in {Exit.INTERRUPTED, Exit.TERMINATED}:
        return Verdict("interrupted", f"{told}; the cluster was not read again after it")
    unproven = "" if checked else "; the cluster was not read again, so nothing proves it"
    return Verdict("incomplete", f"{told}{unproven}")


_RESULTS = (("failed", "failed"), ("skipped", "skipped"), ("not_reached", "not reached"))


def problems(document: Document) -> str:
    counts = document["summary"]["findings"]
    told = [counted(counts[name], name) for name in ("error", "danger", "warning", "notice") if counts[name]]
    return ", ".join(told) or "no problems"


def partly(document: Document) -> str:
    return " (partial)" if document["options"]["only"] else ""


def apply_order(changes: Sequence[Document]) -> str:
    """Empty where there is only one step."""
    if len({change["phase"] for change in changes}) < 2:  # noqa: PLR2004  # an order needs two
        return ""
    steps = Counter((change["phase"], _step(change)) for change in changes)
    return ", ".join(counted(steps[key], key[1]) for key in sorted(steps))


def _step(change: Document) -> str:
    if change["field"] == "partitions":
        return "partition increase"
    if change["action"] == "grant" and change["phase"] == Phase.REVOKES:
        return "denial"
    return _STEPS.get(change["phase"], "change")


_STEPS = {
    Phase.GRANTS: "grant",
    Phase.CREATES: "create",
    Phase.SAFE: "setting",
    Phase.REVOKES: "revoke",
    Phase.LOSSES: "data-losing setting",
    Phase.DELETES: "deletion",
    Phase.MOVES: "topic reassignment",
    Phase.AFTER_MOVES: "later setting",
}


def apply_command(document: Document) -> str:
    """The command that does what the document shows, or what is left of it."""
    cluster = shlex.quote(document["cluster"]["name"])
    if run := undoes(document):
        return f"kafkaops undo {run} --cluster {cluster} --yes"
    patterns = "".join(f" --only {shlex.quote(pattern)}" for pattern in document["options"]["only"])
    return f"kafkaops apply --cluster {cluster}{patterns}"


def undoes(document: Document) -> str:
    """The run that is taken back."""
    return str(document["options"].get("undoes", ""))


def merge_command(document: Document) -> str:
    """The command that does what the document shows, or nothing."""
    return f"{apply_command(document)} --expect {document['fingerprint']}"


_MANY = 6  # addresses of one code, beyond which a pattern names them all


def ack_targets(document: Document) -> list[str]:
    """A bare code where only one finding has it. What is shown of a part never asks for consent to more than that part."""
    findings, partial = document["findings"], bool(document["options"]["only"])
    wanted = [one for one in findings if is_open(one) and one["ack"]]
    counts = Counter(one["code"] for one in findings)
    many = {code for code, count in Counter(one["code"] for one in wanted).items() if count > _MANY and not partial}
    targets = [
        one["code"]
        if counts[one["code"]] == 1
        else shlex.quote(
            f"{one['code']}@{kind_of(one)}/*" if one["code"] in many else f"{one['code']}@{one['address']}"
        )
        for one in wanted
    ]
    return list(dict.fromkeys(targets))


def undo_targets(document: Document) -> list[str]:
    """Each danger by its whole name: consent to an undo stands on its command line, and is for nothing else."""
    wanted = (one for one in document["findings"] if is_open(one) and one["ack"])
    return list(dict.fromkeys(f"{one['code']}@{one['address']}" for one in wanted))
