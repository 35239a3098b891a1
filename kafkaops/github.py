"""GitHub's API, as far as a comment and an issue need it. The only user of requests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from kafkaops import __version__
from kafkaops.findings import Exit, Finding, Refusal, Severity, misused

PATIENCE = 300.0
"""Seconds that one run waits for GitHub, all its waits together."""

_BACKOFF = (1.0, 2.0, 4.0, 8.0, 16.0)  # after an answer of 500 and more, or none
_TIMEOUT = (10.0, 30.0)  # to connect, and for each answer
_PAGE = 100  # the most that GitHub gives at once
_PAGES = 100  # a pull request holds 2,500 comments at most; whoever answers with more than this is not GitHub
_SECONDARY = 60.0  # what GitHub asks to wait at least, when a secondary limit comes without a header
_TOKEN = re.compile(r"[!-~]+")
_COMMENTS = "pull-requests: write"  # permissions, as a workflow spells them
_ISSUES = "issues: write"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and with what. `graphql`: the address that tells whose token it is."""

    api: str
    graphql: str
    repository: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Entry:
    """A comment by its id, or an issue by its number."""

    id: int
    author: str
    body: str
    url: str
    open: bool = True


class GitHub:
    """One repository. `wait` sleeps and tells why; `now` is the time in seconds since 1970.

    Errors: Refusal, 69 when GitHub does not answer or asks to wait too long, 77 when it refuses the token, 64 for what is not there, 1 for what it does not take.
    """

    def __init__(self, access: Access, *, wait: Callable[[float, str], None], now: Callable[[], float]) -> None:
        self._access = access
        self._wait = wait
        self._now = now
        self._left = PATIENCE
        self._session = requests.Session()
        self._session.auth = _Bearer(access.token)
        self._session.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
                "User-Agent": f"kafkaops/{__version__}",
            }
        )

    def viewer(self) -> str:
        """Whose token it is, as its comments are signed: only GraphQL tells that of the token of a workflow too."""
        answer = self._read(
            "POST", self._access.graphql, "see whose token it is", "metadata: read", json={"query": "{viewer{login}}"}
        )
        match _data(answer):
            case {"data": {"viewer": {"login": str(login)}}}:
                return login
            case _:
                raise _refused("tell whose token it is", "no login in its answer", "")

    def comments(self, number: int) -> list[Entry]:
        doing = f"read the comments of pull request {number}"
        return [_entry(one, "id") for one in self._pages(f"issues/{number}/comments", doing, _COMMENTS, {})]

    def create_comment(self, number: int, body: str) -> Entry | None:
        """None when no answer came: it may be there or not."""
        doing = f"comment on pull request {number}"
        return self._create(f"issues/{number}/comments", doing, "id", _COMMENTS, {"body": body})

    def edit_comment(self, id_: int, body: str) -> Entry | None:
        """None when somebody has deleted it."""
        doing, path = f"edit comment {id_}", f"issues/comments/{id_}"
        answer = self._write("PATCH", path, doing, _COMMENTS, {"body": body})
        return None if answer is None else _entry(_data(answer), "id")

    def delete_comment(self, id_: int) -> None:
        self._write("DELETE", f"issues/comments/{id_}", f"delete comment {id_}", _COMMENTS, None)

    def issues(self, label: str) -> list[Entry]:
        """Open and closed ones, newest first; pull requests are left out."""
        query = {"labels": label, "state": "all", "sort": "created", "direction": "desc"}
        found = self._pages("issues", f"read the issues with label {label}", _ISSUES, query)
        return [_entry(one, "number") for one in found if "pull_request" not in one]

    def open_issue(self, title: str, body: str, label: str) -> Entry | None:
        """None when no answer came: it may be there or not."""
        sent = {"title": title, "body": body, "labels": [label]}
        return self._create("issues", "open an issue", "number", _ISSUES, sent)

    def edit_issue(self, number: int, body: str, *, open_: bool) -> Entry | None:
        """None when somebody has deleted or moved it."""
        sent = {"body": body, "state": "open" if open_ else "closed", "state_reason": None if open_ else "completed"}
        answer = self._write("PATCH", f"issues/{number}", f"edit issue {number}", _ISSUES, sent)
        return None if answer is None else _entry(_data(answer), "number")

    def _pages(self, path: str, doing: str, permission: str, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Counted, not followed: a link in an answer could lead the token elsewhere."""
        for page in range(1, _PAGES + 1):
            answer = self._read(
                "GET", self._url(path), doing, permission, params={**query, "per_page": str(_PAGE), "page": str(page)}
            )
            rows = _data(answer)
            if not isinstance(rows, list):
                raise _unreachable(f"cannot {doing}: its answer is no list")
            yield from (row for row in rows if isinstance(row, dict))
            if "next" not in answer.links:
                return
        raise _unreachable(f"cannot {doing}: there are more than {_PAGES * _PAGE:,}")

    def _read(self, method: str, url: str, doing: str, permission: str, **sent: Any) -> requests.Response:
        answer = self._ask(method, url, doing, repeated=True, **sent)
        assert answer is not None  # what is repeated ends with an answer or a Refusal
        if answer.status_code == requests.codes.ok:
            return answer
        raise self._problem(answer, doing, permission)

    def _create(self, path: str, doing: str, key: str, permission: str, sent: Mapping[str, Any]) -> Entry | None:
        answer = self._ask("POST", self._url(path), doing, repeated=False, json=sent)
        if answer is None:
            return None
        if answer.status_code != requests.codes.created:
            raise self._problem(answer, doing, permission)
        return _entry(_data(answer), key)

    def _write(
        self, method: str, path: str, doing: str, permission: str, sent: Mapping[str, Any] | None
    ) -> requests.Response | None:
        answer = self._ask(method, self._url(path), doing, repeated=True, json=sent)
        assert answer is not None
        if answer.status_code in {requests.codes.not_found, requests.codes.gone}:
            return None
        if answer.status_code not in {requests.codes.ok, requests.codes.no_content}:
            raise self._problem(answer, doing, permission)
        return answer

    def _url(self, path: str) -> str:
        return f"{self._access.api}/repos/{self._access.repository}/{path}"

    def _ask(self, method: str, url: str, doing: str, *, repeated: bool, **sent: Any) -> requests.Response | None:
        """Waits and asks again as GitHub wants it. None when no answer came to what must not be `repeated` blindly."""
        failures = limits = 0
        while True:
            try:
                answer = self._session.request(method, url, timeout=_TIMEOUT, **sent)
            except (requests.ConnectionError, requests.Timeout):
                said = "no answer"
            except requests.RequestException as error:
                raise _unreachable(f"cannot {doing}: {type(error).__name__}") from error
            else:
                if (pause := self._limit(answer, limits)) is not None:
                    limits += 1
                    self._pause(pause, doing, "GitHub limits the rate of requests")
                    continue
                if answer.status_code < requests.codes.server_error:
                    return answer
                said = f"status {answer.status_code}"
            if failures == len(_BACKOFF):
                raise _unreachable(f"cannot {doing}: {said}, {failures + 1} times")
            self._pause(_BACKOFF[failures], doing, f"GitHub gives {said}")
            failures += 1
            if not repeated:
                return None

    def _limit(self, answer: requests.Response, before: int) -> float | None:
        """Seconds to wait; None when the answer is about something else than a limit."""
        if answer.status_code not in {requests.codes.forbidden, requests.codes.too_many_requests}:
            return None
        if (after := _seconds(answer, "Retry-After")) is not None:
            return after
        if answer.headers.get("X-RateLimit-Remaining") == "0":
            reset = _seconds(answer, "X-RateLimit-Reset")
            return max(reset - self._now(), 1.0) if reset is not None else _SECONDARY
        limited = answer.status_code == requests.codes.too_many_requests or "rate limit" in _message(answer).lower()
        return _SECONDARY * 2.0**before if limited else None

    def _pause(self, seconds: float, doing: str, why: str) -> None:
        if seconds > self._left:
            until = datetime.fromtimestamp(self._now() + seconds, UTC)
            raise _unreachable(f"cannot {doing}: {why}, until {until:%H:%M:%S}Z at least", "run it again after that")
        self._left -= seconds
        self._wait(seconds, why)

    def _problem(self, answer: requests.Response, doing: str, permission: str) -> Refusal:
        said = f"status {answer.status_code}: {_message(answer)}"
        match answer.status_code:
            case requests.codes.unauthorized:
                return _refused(doing, said, "the token has expired or is of another GitHub")
            case requests.codes.forbidden if "locked" in said:
                return _refused(doing, said, "unlock the conversation")
            case requests.codes.forbidden:
                return _refused(
                    doing, f"it lacks `{permission}`; {said}", f"write `permissions: {{{permission}}}` in the job"
                )
            case requests.codes.not_found:
                message = f"cannot {doing}: {self._access.repository} has none that the token can see"
                return _problem(
                    Exit.USAGE, "KO6023", message, "check `--repo` and `--number`, and what the token may see"
                )
            case _:
                return _problem(Exit.FAILED, "KO6023", f"cannot {doing}: {said}", "")


def checked_access(api: str, graphql: str, repository: str, token: str) -> Access:
    """Errors: Refusal (64), for a token that is none, and for an address that would show it to others."""
    if not _TOKEN.fullmatch(token):
        raise misused("the token in the environment is none: it holds white space or other characters", "")
    if not re.fullmatch(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+", repository):
        raise misused(f"`{repository}` is no repository", "write `--repo OWNER/NAME`")
    for url in (api, graphql):
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise misused(f"`{url}` is no https address, so the token is not sent there", "correct GITHUB_API_URL")
    return Access(api.rstrip("/"), graphql, repository, token)


class _Bearer(AuthBase):
    """An `auth` of its own, since requests would else prefer a password in ~/.netrc to our header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _seconds(answer: requests.Response, header: str) -> float | None:
    text = answer.headers.get(header, "")
    return float(text) if re.fullmatch(r"[0-9]{1,12}", text) else None


def _data(answer: requests.Response) -> Any:
    try:
        return answer.json()
    except (ValueError, RecursionError) as error:
        raise _unreachable("answers with something that is not JSON: is a proxy between?") from error


def _entry(row: Any, key: str) -> Entry:
    match row:
        case {"user": {"login": str(author)}, "html_url": str(url)}:
            pass
        case {"user": None, "html_url": str(url)}:  # whose account is gone
            author = ""
        case _:
            raise _unreachable("answers without what a comment or an issue has")
    id_, body, state = row.get(key), row.get("body"), row.get("state", "open")
    if not isinstance(id_, int):
        raise _unreachable("answers without what a comment or an issue has")
    return Entry(id_, author, body if isinstance(body, str) else "", url, state == "open")


def _message(answer: requests.Response) -> str:
    """What GitHub says about it, in one line."""
    try:
        said = answer.json()["message"]
    except (ValueError, RecursionError, KeyError, TypeError):
        said = answer.reason or "no reason"
    return " ".join(str(said).split())[:200].rstrip(".")


def _unreachable(
    says: str, help_: str = "run it again later; https://www.githubstatus.com tells what is wrong"
) -> Refusal:
    return _problem(Exit.UNREACHABLE, "KO6021", f"GitHub {says}" if says.startswith("answers") else says, help_)


def _refused(doing: str, said: str, help_: str) -> Refusal:
    return _problem(Exit.REFUSED, "KO6022", f"GitHub does not let this token {doing} ({said})", help_)


def _problem(exit_code: int, code: str, message: str, help_: str) -> Refusal:
    return Refusal(exit_code, Finding(code=code, severity=Severity.ERROR, message=message, help=help_))
