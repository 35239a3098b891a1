"""comment: what plans say, in one comment on a pull request; what drift says, in one issue."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafkaops import report
from kafkaops.cli import Options
from kafkaops.cluster.properties import regular_file
from kafkaops.cluster.properties.refused import RefusedError
from kafkaops.commands import saved
from kafkaops.commands.output import Output, guarded
from kafkaops.findings import Exit, Finding, Refusal, Severity, misused
from kafkaops.github import Entry, GitHub, checked_access
from kafkaops.view import markdown

LABEL = "kafkaops-drift"
TITLE = "Kafka differs from the files"

_MARKER = re.compile(r"<!-- kafkaops:(?P<what>plan|drift|unverified) v=1 key=(?P<key>[A-Za-z0-9._%+-]*) -->\r?\n")
_TRIES = 3  # to find or make one comment that others delete meanwhile
_LARGEST_EVENT = 32 * 2**20  # GitHub's own bound is 25 MB


def comment(
    options: Options,
    plans: Sequence[Path],
    *,
    issue: bool,
    unverified: bool,
    repository: str | None,
    number: int | None,
) -> int:
    def body(output: Output) -> int:
        if issue and (unverified or number is not None):
            flag = "--unverified" if unverified else "--number"
            raise misused(f"`{flag}` is about a pull request, and `--issue` about an issue", "leave one of them out")
        documents = _documents(plans)
        _insist_on_one_command(documents)
        run = _run(os.environ, repository, number)
        github = _github(os.environ, run.repository, output)
        done = (
            _tell_issue(github, documents, run)
            if issue
            else _tell_pull_request(github, documents, run, unverified=unverified)
        )
        output.write(
            report.comment_document(
                verdict=done.verdict,
                about="issue" if issue else "pull_request",
                repository=run.repository,
                number=done.number,
                url=done.url,
                removed=done.removed,
                plans=documents,
                created_at=output.created_at,
            )
        )
        return Exit.DONE

    return guarded("comment", options, body)


@dataclass(frozen=True, slots=True)
class _Done:
    """`number`: of the pull request or the issue; None when there is no issue."""

    verdict: str
    number: int | None
    url: str = ""
    removed: int = 0


# what is given


def _documents(plans: Sequence[Path]) -> list[report.Document]:
    documents = [saved.read(path, formats=(saved.PLAN, saved.VALIDATION)) for path in plans]
    names = [markdown.cluster_of(one) for one in documents]
    twice = next((name for index, name in enumerate(names) if name and name in names[:index]), None)
    if twice is not None:
        raise misused(f"two plans are of cluster `{twice}`", "give one for each cluster")
    return documents


def _insist_on_one_command(documents: Sequence[report.Document]) -> None:
    """It is in the marker, by which the comment is found again."""
    commands = sorted({str(one["command"]) for one in documents})
    other = next((one for one in commands if one not in {"plan", "drift"}), None)
    if other is not None:
        raise misused(f"a document of `{other}` has no comment", "give what `kafkaops plan -o json=plan.json` writes")
    if len(commands) > 1:
        raise misused("some documents are of `plan`, and some of `drift`", "give those of one of them")


@dataclass(frozen=True, slots=True)
class _Run:
    """What the environment of a workflow tells. `number` None: it was started by no pull request."""

    repository: str
    number: int | None
    commit: str
    forked: str  # the repository that the pull request comes from, when that is another one
    url: str


def _run(environ: Mapping[str, str], repository: str | None, number: int | None) -> _Run:
    own = environ.get("GITHUB_REPOSITORY", "")
    asked = repository or own
    if not asked:
        raise misused("no repository is named", "write `--repo OWNER/NAME`; in a workflow GITHUB_REPOSITORY names it")
    event = _event(environ.get("GITHUB_EVENT_PATH")) if asked == own else {}
    url = _url_of(environ)
    match event.get("pull_request"):
        case {"number": int(about), "head": {"sha": str(sha), "repo": head}, "base": {"repo": base}} if number in {
            None,
            about,
        }:
            return _Run(asked, about, sha, _other_name(head, base), url)
        case _:
            return _Run(asked, number, environ.get("GITHUB_SHA", "") if number is None else "", "", url)


def _other_name(head: Any, base: Any) -> str:
    names = [one.get("full_name") if isinstance(one, dict) else None for one in (head, base)]
    return "" if names[0] == names[1] else str(names[0] or "a repository that is gone")


def _event(path: str | None) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        found = json.loads(regular_file.read(Path(path), limit=_LARGEST_EVENT))
    except (RefusedError, ValueError, RecursionError) as error:
        why = error if isinstance(error, RefusedError) else "this is not JSON"
        raise misused(f"the event in GITHUB_EVENT_PATH: {why}", "write `--number N`") from error
    return found if isinstance(found, dict) else {}


def _url_of(environ: Mapping[str, str]) -> str:
    """Of the run, where the whole plan is; "" outside of a workflow."""
    parts = [environ.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    url = f"{parts[0]}/{parts[1]}/actions/runs/{parts[2]}"
    return (
        url if re.fullmatch(r"https://[A-Za-z0-9.:-]+/[A-Za-z0-9._-]+/[A-Za-z0-9._-]+/actions/runs/[0-9]+", url) else ""
    )


def _github(environ: Mapping[str, str], repository: str, output: Output) -> GitHub:
    token = (environ.get("GITHUB_TOKEN") or environ.get("GH_TOKEN") or "").strip()
    if not token:
        raise misused("no token is in the environment", "give the step `env: {GITHUB_TOKEN: ${{ github.token }}}`")
    api = environ.get("GITHUB_API_URL") or "https://api.github.com"
    enterprise = api.removesuffix("/v3")  # a server of one's own has /api/v3 and /api/graphql
    graphql = environ.get("GITHUB_GRAPHQL_URL") or f"{enterprise}/graphql"

    def wait(seconds: float, why: str) -> None:
        if seconds >= _WORTH_TELLING:
            output.tell(f"{why}: waiting {seconds:.0f} s")
        time.sleep(seconds)

    return GitHub(checked_access(api, graphql, repository, token), wait=wait, now=time.time)


_WORTH_TELLING = 2.0


# a comment on a pull request


def _tell_pull_request(github: GitHub, documents: Sequence[report.Document], run: _Run, *, unverified: bool) -> _Done:
    if run.number is None:
        raise misused(
            "no pull request is named", "write `--number N`; in a workflow on `pull_request` the event names it"
        )
    text = _framed(documents, run, unverified=unverified)
    news = any(map(_differs, documents))
    try:
        return _upsert(github, run.number, text, news=news)
    except Refusal as refusal:
        if refusal.exit_code != Exit.REFUSED or not run.forked:
            raise
        return _Done("not_written", run.number)


def _upsert(github: GitHub, number: int, text: str, *, news: bool) -> _Done:
    """Ours is the one with our marker and our name: others can copy a marker, and other tools may share the name."""
    me = github.viewer()
    for _ in range(_TRIES):
        ours = [one for one in github.comments(number) if one.author == me and _replaces(text, one.body)]
        if not ours and not news:
            return _Done("nothing_to_say", number)
        kept = next((one for one in ours if _keys(one.body) == _keys(text)), ours[0] if ours else None)
        written = _put(github, number, kept, text)
        if written is None:  # deleted since it was listed, or no answer came: look again
            continue
        others = [one for one in ours if one is not kept]
        for one in others:
            github.delete_comment(one.id)
        verdict = "created" if kept is None else "unchanged" if written is kept else "updated"
        return _Done(verdict, number, written.url, len(others))
    raise _gone(f"the comment on pull request {number}")


def _put(github: GitHub, number: int, kept: Entry | None, text: str) -> Entry | None:
    if kept is None:
        return github.create_comment(number, text)
    return kept if kept.body == text else github.edit_comment(kept.id, text)


def _differs(document: report.Document) -> bool:
    """Whether there is something to say: changes, or a reason why nothing could be said."""
    return document["verdict"] not in {"in_sync", "valid"}


def _keys(body: str) -> tuple[str, frozenset[str]]:
    """What a comment is about, and which clusters; "" where the marker is not ours."""
    found = _MARKER.match(body)
    return (found["what"], frozenset(found["key"].split("+"))) if found else ("", frozenset())


def _replaces(new: str, old: str) -> bool:
    """A comment is replaced by one that is about all of its clusters; one that could name none is replaced by any, and replaces any."""
    (what, clusters), (before, had) = _keys(new), _keys(old)
    return what == before != "" and ("" in clusters or had - {""} <= clusters)


def _framed(documents: Sequence[report.Document], run: _Run, *, unverified: bool) -> str:
    """The views' words, and where they are from: the commit, so that a comment that is left behind can be seen to be."""
    text = markdown.comment(documents)
    if unverified:
        marker, _, rest = text.partition("\n")
        text = f"{marker.replace(':plan ', ':unverified ', 1)}\n{_UNVERIFIED}\n{rest}"
    of = [f"commit `{run.commit}`" if re.fullmatch("[0-9a-f]{7,64}", run.commit) else ""]
    of += [f"[this run]({run.url}) has the whole plan" if run.url else ""]
    told = ", ".join(filter(None, of))
    return f"{text}\n<sub>{told}</sub>\n" if told else text


_UNVERIFIED = """
> [!WARNING]
> **Unverified**: planned from the files of a fork against a snapshot of the cluster, without access to it. The plan that counts is made after the merge.
"""


# an issue about drift


def _tell_issue(github: GitHub, documents: Sequence[report.Document], run: _Run) -> _Done:
    """Open as long as a cluster differs. A cluster that could not be read proves nothing: then nothing is closed."""
    me, text = github.viewer(), _framed(documents, run, unverified=False)
    drift = any(one["complete"] and _differs(one) for one in documents)
    unread = any(not one["complete"] or one["format"] != "kafkaops.plan" for one in documents)
    for _ in range(_TRIES):
        ours = [one for one in github.issues(LABEL) if one.author == me and _MARKER.match(one.body)]
        kept = next((one for one in ours if one.open), ours[0] if ours else None)
        if not drift and (kept is None or not kept.open or unread):
            return _Done("nothing_to_say", kept.id if kept else None, kept.url if kept else "")
        written = (
            github.open_issue(TITLE, text, LABEL) if kept is None else github.edit_issue(kept.id, text, open_=drift)
        )
        if written is not None:
            others = [one for one in ours if one.open and one is not kept]
            for one in others:
                github.edit_issue(one.id, one.body, open_=False)
            return _Done(_issue_verdict(kept, drift=drift), written.id, written.url, len(others))
    raise _gone("the issue about drift")


def _issue_verdict(kept: Entry | None, *, drift: bool) -> str:
    if kept is None:
        return "opened"
    if not drift:
        return "closed"
    return "updated" if kept.open else "reopened"


def _gone(what: str) -> Refusal:
    message = f"{what} could not be written: {_TRIES} times it was deleted meanwhile, or no answer came"
    finding = Finding(code="KO6021", severity=Severity.ERROR, message=message, help="run it again")
    return Refusal(Exit.UNREACHABLE, finding)
