"""A GitHub on loopback that answers as the real one does: who a token is, what it may, pages, links, limits, and the bodies it refuses."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

BOT, HUMAN, OTHER_BOT = "github-actions[bot]", "mallory", "dependabot[bot]"
NOT_ACCESSIBLE = "Resource not accessible by integration"
MOST = 65_536

Answer = tuple[int, Mapping[str, str], Any]


@dataclass
class Token:
    login: str = BOT
    writes: frozenset[str] = frozenset({"pull-requests", "issues"})


@dataclass
class Post:
    """A comment, an issue, or a pull request among the issues."""

    id: int
    login: str | None
    body: str
    state: str = "open"
    title: str = ""
    labels: tuple[str, ...] = ()
    pull_request: bool = False


@dataclass
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    body: Any


@dataclass
class FakeGitHub:
    """The repository acme/kafka with pull request 7. `instead`: asked first, for one that answers otherwise; `then`: called after an answer was made, before it is sent."""

    url: str = ""
    tokens: dict[str, Token] = field(default_factory=lambda: {"ghs_token": Token()})
    comments: list[Post] = field(default_factory=list)
    issues: list[Post] = field(default_factory=list)
    log: list[Request] = field(default_factory=list)
    instead: Callable[[Request], Answer | None] = lambda _: None
    then: Callable[[Request], None] = lambda _: None
    locked: bool = False
    has_issues: bool = True
    next_id: int = 1000

    @property
    def writes(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.log if one.method != "GET" and one.path != "/graphql"]

    def say(self, login: str | None, body: str) -> Post:
        """A comment that somebody wrote."""
        self.next_id += 1
        self.comments.append(Post(self.next_id, login, body))
        return self.comments[-1]

    def file(self, login: str, body: str, **more: Any) -> Post:
        self.next_id += 1
        self.issues.append(Post(self.next_id, login, body, **more))
        return self.issues[-1]

    def answer(self, request: Request, token: str) -> Answer:
        who = self.tokens.get(token)
        if who is None:
            return 401, {}, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"}
        if request.path == "/graphql":
            return 200, {}, {"data": {"viewer": {"login": who.login}}}
        if not request.path.startswith("/repos/acme/kafka/"):
            return _not_found()
        parts = request.path.removeprefix("/repos/acme/kafka/").split("/")
        return self._about_comments(request, who, parts) or self._about_issues(request, who, parts) or _not_found()

    def _about_comments(self, request: Request, who: Token, path: list[str]) -> Answer | None:
        match [request.method, *path]:
            case ["GET", "issues", "7", "comments"]:
                return self._page(request, [self._comment(one) for one in self.comments])
            case ["POST", "issues", "7", "comments"]:
                return self._say(request, who)
            case ["PATCH" | "DELETE", "issues", "comments", id_]:
                return self._one_comment(request, who, int(id_))
            case _:
                return None

    def _about_issues(self, request: Request, who: Token, path: list[str]) -> Answer | None:
        match [request.method, *path]:
            case ["GET", "issues"]:
                return self._page(request, self._listed(request.query))
            case ["POST", "issues"]:
                return self._open(request, who)
            case ["PATCH", "issues", number]:
                return self._one_issue(request, who, int(number))
            case _:
                return None

    def _say(self, request: Request, who: Token) -> Answer:
        if "pull-requests" not in who.writes:
            return _forbidden(NOT_ACCESSIBLE)
        if self.locked:
            return _forbidden("Unable to create comment because issue is locked.")
        return self._refused(request) or (201, {}, self._comment(self.say(who.login, request.body["body"])))

    def _one_comment(self, request: Request, who: Token, id_: int) -> Answer:
        if "pull-requests" not in who.writes:
            return _forbidden(NOT_ACCESSIBLE)
        found = next((one for one in self.comments if one.id == id_), None)
        if found is None:
            return _not_found()
        if request.method == "DELETE":
            self.comments.remove(found)
            return 204, {}, None
        if refused := self._refused(request):
            return refused
        found.body = request.body["body"]
        return 200, {}, self._comment(found)

    def _listed(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        found = [one for one in self.issues if query.get("labels", "") in {"", *one.labels}]
        found = [one for one in found if query.get("state", "open") in {"all", one.state}]
        return [self._issue(one) for one in sorted(found, key=lambda one: -one.id)]

    def _open(self, request: Request, who: Token) -> Answer:
        if not self.has_issues:
            return 410, {}, {"message": "Issues are disabled for this repo"}
        if "issues" not in who.writes:
            return _forbidden(NOT_ACCESSIBLE)
        sent = request.body
        more = {"title": sent["title"], "labels": tuple(sent.get("labels", ()))}
        return self._refused(request) or (201, {}, self._issue(self.file(who.login, sent["body"], **more)))

    def _one_issue(self, request: Request, who: Token, number: int) -> Answer:
        if "issues" not in who.writes:
            return _forbidden(NOT_ACCESSIBLE)
        found = next((one for one in self.issues if one.id == number), None)
        if found is None:
            return _not_found()
        if refused := self._refused(request):
            return refused
        found.body, found.state = request.body["body"], request.body["state"]
        return 200, {}, self._issue(found)

    def _refused(self, request: Request) -> Answer | None:
        body = request.body.get("body")
        if not isinstance(body, str) or not body.strip() or len(body) > MOST:
            return (
                422,
                {},
                {
                    "message": "Validation Failed",
                    "errors": [{"message": f"body is too long (maximum is {MOST} characters)"}],
                },
            )
        return None

    def _page(self, request: Request, rows: list[dict[str, Any]]) -> Answer:
        size, number = min(int(request.query.get("per_page", 30)), 100), int(request.query.get("page", 1))
        last = max(1, -(-len(rows) // size))
        links = {"next": number + 1, "last": last} if number < last else {"prev": number - 1, "first": 1}
        url = f"{self.url}{request.path}?per_page={size}&page="
        link = ", ".join(f'<{url}{to}>; rel="{name}"' for name, to in links.items() if to > 0)
        return 200, {"Link": link} if last > 1 else {}, rows[(number - 1) * size : number * size]

    def _comment(self, one: Post) -> dict[str, Any]:
        return {"id": one.id, **self._common(one, f"pull/7#issuecomment-{one.id}")}

    def _issue(self, one: Post) -> dict[str, Any]:
        made = {"id": one.id * 7, "number": one.id, "title": one.title, "state": one.state}
        made |= {"labels": [{"name": name} for name in one.labels], **self._common(one, f"issues/{one.id}")}
        return made | (
            {"pull_request": {"url": f"{self.url}/repos/acme/kafka/pulls/{one.id}"}} if one.pull_request else {}
        )

    def _common(self, one: Post, path: str) -> dict[str, Any]:
        kind = "Bot" if (one.login or "").endswith("[bot]") else "User"
        user = None if one.login is None else {"login": one.login, "type": kind}
        return {"user": user, "body": one.body, "html_url": f"https://github.com/acme/kafka/{path}"}


def _forbidden(message: str) -> Answer:
    return 403, {"X-RateLimit-Remaining": "4990"}, {"message": message, "status": "403"}


def _not_found() -> Answer:
    return 404, {}, {"message": "Not Found", "status": "404"}


def rate_limited(status: int, **headers: str) -> Answer:
    message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, {"message": message}


@contextmanager
def serving() -> Iterator[FakeGitHub]:
    fake, lock = FakeGitHub(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            request = Request(self.command, parts.path, query, json.loads(sent) if sent else None)
            token = re.sub("^Bearer ", "", self.headers.get("Authorization", ""))
            with lock:
                fake.log.append(request)
                status, headers, body = fake.instead(request) or fake.answer(request, token)
                fake.then(request)
            data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815  # the names that http.server looks for

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
