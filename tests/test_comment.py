"""`kafkaops comment` against a GitHub that behaves like the real one (criterion 21)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from fake_github import BOT, HUMAN, OTHER_BOT, Answer, FakeGitHub, Request, Token, rate_limited, serving
from markdown_it import MarkdownIt
from view_examples import BLOCKED, CREATED_AT, DRIFTED, IN_SYNC, READY, UNREACHABLE, header

from kafkaops import cli, report
from kafkaops.findings import Exit, Refusal
from kafkaops.github import PATIENCE, GitHub, checked_access
from kafkaops.view import machine

TOKEN = "ghs_token"


def of(cluster: str, document: report.Document) -> report.Document:
    return document | {"cluster": {**document.get("cluster", {}), "name": cluster}}


def ready(cluster: str = "production") -> report.Document:
    return of(cluster, report.plan_document(READY, header(), Exit.DONE))


def blocked(cluster: str = "production") -> report.Document:
    return of(cluster, report.plan_document(BLOCKED, header(), Exit.BLOCKED))


def in_sync(cluster: str = "production") -> report.Document:
    return of(cluster, report.plan_document(IN_SYNC, header(), Exit.DONE))


def drifted(cluster: str = "production") -> report.Document:
    return of(cluster, report.plan_document(DRIFTED, header("drift"), Exit.CHANGES))


def settled(cluster: str = "production") -> report.Document:
    return of(cluster, report.plan_document(IN_SYNC, header("drift"), Exit.DONE))


def unread(cluster: str = "production", command: str = "drift") -> report.Document:
    return of(cluster, report.failure_document(command, UNREACHABLE, 69, created_at=CREATED_AT))


@dataclass
class Desk:
    """A workflow's job on a pull request: its environment, its folder, and the GitHub that it talks to."""

    github: FakeGitHub
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def env(self, **variables: str) -> None:
        for name, value in variables.items():
            self.monkeypatch.setenv(name, value)

    def event(self, *, head: str = "acme/kafka", number: int = 7, sha: str = "4c1f0e2" * 5) -> None:
        pull = {"number": number, "head": {"sha": sha, "repo": {"full_name": head}}}
        pull["base"] = {"sha": "0" * 40, "repo": {"full_name": "acme/kafka"}}
        path = self.folder / "event.json"
        path.write_text(json.dumps({"action": "synchronize", "number": number, "pull_request": pull}))
        self.env(GITHUB_EVENT_PATH=str(path))

    def comment(self, *documents: report.Document, flags: str = "") -> Ran:
        paths = [self.folder / f"plan-{index}.json" for index in range(len(documents))]
        for path, document in zip(paths, documents, strict=True):
            path.write_text(machine.render(document))
        return self.run("comment", *map(str, paths), *flags.split(), "-o", "json")

    def run(self, *arguments: str) -> Ran:
        self.capsys.readouterr()
        code = cli.run(list(arguments))
        out, err = self.capsys.readouterr()
        assert TOKEN not in out + err
        return Ran(code, out, err)

    @property
    def ours(self) -> list[str]:
        return [one.body for one in self.github.comments if one.login == BOT]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        jsonschema.validate(found, machine.schema("comment"))
        return found

    @property
    def verdict(self) -> tuple[int, str]:
        return self.code, self.document["verdict"]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    for name in ("GH_TOKEN", "GITHUB_GRAPHQL_URL", "GITHUB_SHA", "GITHUB_RUN_ID", "GITHUB_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
    with serving() as github:
        desk = Desk(github, tmp_path, monkeypatch, capsys)
        desk.env(GITHUB_REPOSITORY="acme/kafka", GITHUB_TOKEN=TOKEN, GITHUB_API_URL=github.url)
        desk.event()
        yield desk


# one comment


def test_a_first_plan_becomes_a_comment(desk: Desk) -> None:
    desk.env(GITHUB_SERVER_URL="https://github.com", GITHUB_RUN_ID="99")

    ran = desk.comment(blocked())

    assert ran.verdict == (0, "created")
    (body,) = desk.ours
    lines = body.splitlines()
    assert lines[0] == "<!-- kafkaops:plan v=1 key=production -->"
    assert "`production`" in body
    assert "KO2104" in body
    assert lines[-1] == (
        f"<sub>commit `{'4c1f0e2' * 5}`, [this run](https://github.com/acme/kafka/actions/runs/99) has the whole plan</sub>"
    )
    assert ran.document["url"] == f"https://github.com/acme/kafka/pull/7#issuecomment-{desk.github.comments[0].id}"


def test_criterion_21_the_next_push_edits_the_same_comment(desk: Desk) -> None:
    desk.comment(blocked())
    first = desk.github.comments[0].id

    assert desk.comment(ready()).verdict == (0, "updated")
    assert [one.id for one in desk.github.comments] == [first]
    assert "KO2104" not in desk.ours[0].split("Acknowledged")[0]


def test_the_same_plan_again_is_not_sent_again(desk: Desk) -> None:
    desk.comment(blocked())
    desk.github.log.clear()

    assert desk.comment(blocked()).verdict == (0, "unchanged")
    assert desk.github.writes == []


def test_criterion_21_a_plan_that_becomes_empty_takes_the_place_of_the_old_one(desk: Desk) -> None:
    desk.comment(blocked())

    assert desk.comment(in_sync()).verdict == (0, "updated")
    (body,) = desk.ours
    assert "in sync" in body
    assert "KO2104" not in body


def test_where_nothing_was_said_nothing_is_said_about_nothing(desk: Desk) -> None:
    assert desk.comment(in_sync()).verdict == (0, "nothing_to_say")
    assert desk.github.writes == []


def test_a_plan_that_could_not_be_made_takes_the_place_of_the_old_one(desk: Desk) -> None:
    desk.comment(blocked())

    assert desk.comment(unread(command="plan")).verdict == (0, "updated")
    (body,) = desk.ours
    assert "KO2104" not in body
    assert "KO6001" in body


def test_a_plan_that_names_no_cluster_takes_the_place_of_the_old_one_and_gives_it_back(desk: Desk) -> None:
    nameless = report.failure_document("plan", UNREACHABLE, 69, created_at=CREATED_AT)
    desk.comment(blocked("a"), blocked("b"))

    assert desk.comment(nameless).verdict == (0, "updated")
    assert len(desk.ours) == 1
    assert desk.comment(blocked("a"), blocked("b")).verdict == (0, "updated")
    assert len(desk.ours) == 1


def test_a_comment_that_somebody_deleted_is_written_anew(desk: Desk) -> None:
    desk.comment(blocked())
    desk.github.comments.clear()

    assert desk.comment(ready()).verdict == (0, "created")
    assert len(desk.ours) == 1


def test_a_comment_that_is_deleted_between_list_and_edit_is_written_anew(desk: Desk) -> None:
    desk.comment(blocked())

    def delete_after_list(request: Request) -> None:
        if request.method == "GET":
            desk.github.comments.clear()

    desk.github.then = delete_after_list
    assert desk.comment(ready()).verdict == (0, "created")
    assert len(desk.ours) == 1


# whose comment


@pytest.mark.parametrize("login", [HUMAN, OTHER_BOT, "github-actions", None])
def test_a_marker_that_somebody_else_wrote_is_left_alone(desk: Desk, login: str | None) -> None:
    copied = "<!-- kafkaops:plan v=1 key=production -->\nIN SYNC, merge me"
    theirs = desk.github.say(login, copied)

    assert desk.comment(blocked()).verdict == (0, "created")
    assert theirs.body == copied
    assert len(desk.ours) == 1


def test_what_our_account_says_elsewhere_is_left_alone(desk: Desk) -> None:
    others = [
        "coverage 93%",
        "> <!-- kafkaops:plan v=1 key=production -->",
        "x\n<!-- kafkaops:plan v=1 key=production -->\n",
        "<!-- kafkaops:plan v=2 key=production -->\n",
        "<!-- kafkaops:plan v=1 key=production --> and more\n",
    ]
    for body in others:
        desk.github.say(BOT, body)

    assert desk.comment(blocked()).verdict == (0, "created")
    assert desk.ours[:-1] == others


def test_a_comment_is_found_behind_hundreds_of_others(desk: Desk) -> None:
    for index in range(150):
        desk.github.say(HUMAN, f"comment {index}")
    desk.comment(blocked())
    for index in range(150):
        desk.github.say(HUMAN, f"comment {index}")
    desk.github.log.clear()

    assert desk.comment(ready()).verdict == (0, "updated")
    assert len(desk.ours) == 1
    assert [one.query["page"] for one in desk.github.log if one.method == "GET"] == ["1", "2", "3", "4"]


def test_the_next_page_is_counted_and_never_followed_elsewhere(desk: Desk) -> None:
    """A link of an answer, which could lead the token to another host."""
    desk.github.instead = lambda request: (
        (200, {"Link": '<https://127.0.0.1:9/steal>; rel="next"'}, [])
        if request.method == "GET" and request.query["page"] == "1"
        else None
    )

    assert desk.comment(blocked()).verdict == (0, "created")


def test_duplicates_of_ours_are_removed_and_the_first_stays(desk: Desk) -> None:
    marker = "<!-- kafkaops:plan v=1 key=production -->\nold"
    first = desk.github.say(BOT, marker)
    desk.github.say(HUMAN, marker)
    desk.github.say(BOT, marker)
    desk.github.say(BOT, marker.replace("\n", "\r\n"))  # somebody edited it in the browser

    ran = desk.comment(blocked())

    assert (ran.verdict, ran.document["removed"]) == ((0, "updated"), 2)
    assert [(one.id == first.id, one.login) for one in desk.github.comments] == [(True, BOT), (False, HUMAN)]


def test_the_token_of_another_app_or_person_finds_its_own(desk: Desk) -> None:
    desk.comment(blocked())
    desk.github.tokens[TOKEN] = Token(login="acme-kafka[bot]")

    assert desk.comment(blocked()).verdict == (0, "created")
    assert desk.comment(ready()).verdict == (0, "updated")
    assert [one.login for one in desk.github.comments] == [BOT, "acme-kafka[bot]"]


# several clusters


def test_several_clusters_share_one_comment_with_a_section_each(desk: Desk) -> None:
    assert desk.comment(blocked("b"), in_sync("a"), ready("c")).verdict == (0, "created")
    (body,) = desk.ours

    assert body.startswith("<!-- kafkaops:plan v=1 key=a+b+c -->\n")
    assert [line.split("`")[1] for line in body.splitlines() if line.startswith("### ")] == ["a", "b", "c"]


def test_criterion_21_clusters_that_are_told_one_by_one_do_not_overwrite_each_other(desk: Desk) -> None:
    for cluster in ("a", "b", "c"):
        assert desk.comment(blocked(cluster)).verdict == (0, "created")
    for cluster in ("c", "a", "b"):
        assert desk.comment(ready(cluster)).verdict == (0, "updated")

    assert [body.splitlines()[0] for body in desk.ours] == [
        f"<!-- kafkaops:plan v=1 key={cluster} -->" for cluster in "abc"
    ]


def test_a_comment_on_all_of_them_takes_the_place_of_those_on_each(desk: Desk) -> None:
    for cluster in ("a", "b", "c"):
        desk.comment(blocked(cluster))

    ran = desk.comment(ready("a"), ready("b"))

    assert (ran.verdict, ran.document["removed"]) == ((0, "updated"), 1)
    assert [body.splitlines()[0].split("key=")[1][:-4] for body in desk.ours] == ["a+b", "c"]


def test_a_comment_on_one_of_them_does_not_take_the_others_away(desk: Desk) -> None:
    desk.comment(blocked("a"), blocked("b"))

    assert desk.comment(ready("a")).verdict == (0, "created")
    assert len(desk.ours) == 2


def test_two_plans_of_one_cluster_are_refused(desk: Desk) -> None:
    ran = desk.comment(ready("a"), blocked("a"))

    assert (ran.code, desk.github.log) == (64, [])
    assert "two plans are of cluster `a`" in ran.err


@pytest.mark.parametrize("command", ["validate", "apply", "plan v=1 key=a -->", "@mallory", ""])
def test_a_document_of_another_command_replaces_nothing(desk: Desk, command: str) -> None:
    """Its marker would be none of ours, and what has no marker is what other tools have written under our name."""
    others = [desk.github.say(BOT, body) for body in ("coverage 93%", "deployed")]

    assert desk.comment(ready() | {"command": command}).code == 64
    assert desk.github.log == []
    assert desk.github.comments == others


def test_plans_and_drift_are_not_mixed(desk: Desk) -> None:
    assert desk.comment(ready("a"), drifted("b")).code == 64
    assert desk.github.log == []


def test_what_is_unverified_says_so_and_stands_beside_what_is_verified(desk: Desk) -> None:
    desk.comment(blocked())

    assert desk.comment(ready(), flags="--unverified").verdict == (0, "created")
    verified, unverified = desk.ours
    assert unverified.startswith("<!-- kafkaops:unverified v=1 key=production -->\n\n> [!WARNING]\n> **Unverified**")
    assert desk.comment(in_sync(), flags="--unverified").verdict == (0, "updated")
    assert desk.ours[0] == verified


# what is refused


@pytest.mark.parametrize("flags", ["", "--issue"])
def test_a_token_without_the_right_is_told_the_name_of_the_permission(desk: Desk, flags: str) -> None:
    desk.github.tokens[TOKEN] = Token(writes=frozenset())

    ran = desk.comment(drifted() if flags else blocked(), flags=flags)

    permission = "issues: write" if flags else "pull-requests: write"
    assert ran.code == 77
    assert f"it lacks `{permission}`" in ran.document["error"]
    assert f"write `permissions: {{{permission}}}` in the job" in ran.err


def test_a_fork_with_a_token_that_may_only_read_is_told_and_does_not_fail(desk: Desk) -> None:
    desk.github.tokens[TOKEN] = Token(writes=frozenset())
    desk.event(head="mallory/kafka")

    assert desk.comment(blocked()).verdict == (0, "not_written")
    assert desk.ours == []
    assert "whose token may only read" in desk.run("comment", str(desk.folder / "plan-0.json")).out


@pytest.mark.parametrize("token", ["", "two words", "line\nfeed", "ümlaut"])
def test_what_is_no_token_is_never_sent_nor_printed(desk: Desk, token: str) -> None:
    desk.env(GITHUB_TOKEN=token)

    ran = desk.comment(blocked())

    assert (ran.code, desk.github.log) == (64, [])
    assert not token or token not in ran.out + ran.err


def test_a_token_that_expired_is_refused(desk: Desk) -> None:
    desk.env(GITHUB_TOKEN="ghs_old")

    ran = desk.comment(blocked())

    assert (ran.code, ran.document["findings"][0]["code"]) == (77, "KO6022")
    assert "Bad credentials" in ran.err


def test_a_token_with_a_line_end_behind_it_is_a_token(desk: Desk) -> None:
    desk.env(GITHUB_TOKEN=f"{TOKEN}\n")

    assert desk.comment(blocked()).code == 0


def test_the_other_name_of_the_token_will_do(desk: Desk) -> None:
    desk.monkeypatch.delenv("GITHUB_TOKEN")
    desk.env(GH_TOKEN=TOKEN)

    assert desk.comment(blocked()).code == 0


def test_a_password_in_the_home_folder_does_not_take_the_place_of_the_token(desk: Desk) -> None:
    netrc = desk.folder / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    desk.env(NETRC=str(netrc))

    assert desk.comment(blocked()).code == 0


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        ("--number 8", 64),
        ("--repo acme/other --number 7", 64),
        ("--repo acme/other", 64),
        ("--repo kafka", 64),
        ("--repo ../../user", 64),
        ("--number 0", 64),
        ("--issue --number 7", 64),
        ("--issue --unverified", 64),
    ],
)
def test_what_is_not_there_or_not_meant_is_a_usage_error(desk: Desk, flags: str, code: int) -> None:
    ran = desk.comment(blocked(), flags=flags)

    assert ran.code == code
    assert desk.github.comments == desk.github.issues == []


def test_without_an_event_the_number_is_asked_for_and_taken(desk: Desk) -> None:
    desk.monkeypatch.delenv("GITHUB_EVENT_PATH")

    ran = desk.comment(blocked())
    assert ran.code == 64
    assert "--number N" in ran.err
    assert desk.comment(blocked(), flags="--number 7").verdict == (0, "created")


def test_an_address_that_would_show_the_token_is_not_used(desk: Desk) -> None:
    desk.env(GITHUB_API_URL="http://github.example.com/api/v3")

    ran = desk.comment(blocked())
    assert ran.code == 64
    assert "no https address" in ran.err


def test_a_locked_conversation_is_a_sentence(desk: Desk) -> None:
    desk.github.locked = True

    ran = desk.comment(blocked())
    assert ran.code == 77
    assert "unlock the conversation" in ran.err


def test_what_github_does_not_take_is_a_sentence(desk: Desk) -> None:
    desk.github.instead = lambda request: (
        (422, {}, {"message": "Validation Failed"}) if request.method == "POST" and request.path != "/graphql" else None
    )

    ran = desk.comment(blocked())
    assert (ran.code, ran.document["findings"][0]["code"]) == (1, "KO6023")
    assert "status 422: Validation Failed" in ran.err


def test_nothing_that_listens_is_unreachable() -> None:
    access = checked_access("http://127.0.0.1:9", "http://127.0.0.1:9/graphql", "acme/kafka", TOKEN)
    waits: list[float] = []
    github = GitHub(access, wait=lambda seconds, _: waits.append(seconds), now=lambda: 0.0)

    with pytest.raises(Refusal) as refused:
        github.comments(7)

    assert (refused.value.exit_code, waits) == (69, [1, 2, 4, 8, 16])


# limits and failures of GitHub


def once(*answers: Answer, path: str = "comments", method: str = "") -> Callable[[Request], Answer | None]:
    """These answers first to what is asked about the path."""
    left = list(answers)
    return lambda request: left.pop(0) if left and path in request.path and method in request.method else None


@dataclass
class Waited:
    github: GitHub
    waits: list[float]


@pytest.fixture
def waited(desk: Desk) -> Waited:
    access = checked_access(desk.github.url, f"{desk.github.url}/graphql", "acme/kafka", TOKEN)
    waits: list[float] = []
    return Waited(GitHub(access, wait=lambda seconds, _: waits.append(seconds), now=lambda: 1000.0), waits)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (rate_limited(403, Retry_After="17"), 17),
        (rate_limited(429, Retry_After="3"), 3),
        (rate_limited(403, X_RateLimit_Remaining="0", X_RateLimit_Reset="1042"), 42),
        (rate_limited(403, X_RateLimit_Remaining="0", X_RateLimit_Reset="900"), 1),
        (rate_limited(403, X_RateLimit_Remaining="12"), 60),
        (rate_limited(429), 60),
        (rate_limited(429, Retry_After="Wed, 25 Nov 2026 10:00:00 GMT"), 60),
        ((500, {}, {"message": "Server Error"}), 1),
        ((502, {}, b"<html>Bad Gateway</html>"), 1),
        ((503, {}, None), 1),
    ],
    ids=lambda value: f"{value[0]} {' '.join(value[1].values())}" if isinstance(value, tuple) else None,
)
def test_a_limit_is_waited_for_as_long_as_github_says(desk: Desk, waited: Waited, answer: Answer, wait: float) -> None:
    desk.github.say(HUMAN, "hello")
    desk.github.instead = once(answer)

    assert [one.body for one in waited.github.comments(7)] == ["hello"]
    assert waited.waits == [wait]


def test_limits_without_a_time_are_waited_for_longer_each_time(desk: Desk, waited: Waited) -> None:
    desk.github.instead = once(rate_limited(403), rate_limited(403))

    assert waited.github.comments(7) == []
    assert waited.waits == [60, 120]


@pytest.mark.parametrize(
    "headers", [{"Retry_After": "301"}, {"X_RateLimit_Remaining": "0", "X_RateLimit_Reset": "4600"}]
)
def test_a_limit_that_lasts_longer_than_a_job_should_is_told_with_its_end(
    desk: Desk, waited: Waited, headers: dict[str, str]
) -> None:
    desk.github.instead = once(rate_limited(403, **headers))

    with pytest.raises(Refusal, match=r"GitHub limits the rate of requests, until \d\d:\d\d:\d\dZ at least") as refused:
        waited.github.comments(7)

    assert (refused.value.exit_code, waited.waits) == (69, [])


def test_all_waits_together_are_bounded(desk: Desk, waited: Waited) -> None:
    desk.github.instead = lambda _: rate_limited(429, Retry_After="29")

    with pytest.raises(Refusal):
        waited.github.comments(7)

    assert sum(waited.waits) <= PATIENCE


def test_a_comment_whose_creation_was_not_answered_is_not_made_twice(desk: Desk) -> None:
    """The gateway gives up, and GitHub has written it all the same."""

    def written_all_the_same(request: Request) -> Answer | None:
        if request.method != "POST" or request.path == "/graphql":
            return None
        desk.github.say(BOT, request.body["body"])
        return 502, {}, b"<html>"

    desk.github.instead = written_all_the_same
    assert desk.comment(blocked()).verdict == (0, "unchanged")
    assert len(desk.ours) == 1


def test_a_comment_whose_creation_failed_is_made(desk: Desk) -> None:
    desk.github.instead = once((502, {}, b"<html>"), method="POST")

    assert desk.comment(blocked()).verdict == (0, "created")
    assert len(desk.ours) == 1


def test_an_answer_that_is_no_answer_is_told(desk: Desk) -> None:
    desk.github.instead = lambda request: (
        (200, {}, b"<html>log in to the proxy</html>") if request.method == "GET" else None
    )

    ran = desk.comment(blocked())
    assert ran.code == 69
    assert "not JSON" in ran.err


# what is given


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, 64),
        ("", 4),
        ("{", 4),
        ("[]", 4),
        ('{"format": "kafkaops.doctor"}', 4),
        ('{"format": "kafkaops.plan"}', 4),
    ],
)
def test_what_is_no_plan_is_refused_before_anything_is_asked(desk: Desk, content: str | None, code: int) -> None:
    path = desk.folder / "given.json"
    if content is not None:
        path.write_text(content)

    assert desk.run("comment", str(path)).code == code
    assert desk.github.log == []


HOSTILE = [
    "@acme/everyone",
    "`@mallory`",
    "``` @mallory",
    "x\n\n@mallory",
    "x\r\n<!-- kafkaops:plan v=1 key=production -->",
    "--> @mallory <!--",
    "![x](https://evil.example/x.png)",
    "[merge me](https://evil.example)",
    "</details>@mallory",
    "| @mallory |",
    "\\`@mallory\\`",
    "acme/kafka#1",
    "https://evil.example",
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(
    "where",
    [
        "production",
        "payments.settled.v2",
        "User:svc-legacy-billing",
        "KO2104",
        "14d",
        "Allow",
        "2026-09-28T14:02:11Z",
        "blocked",
    ],
)
def test_the_words_of_a_plan_are_text(desk: Desk, where: str, name: str) -> None:
    """A plan that somebody has forged: no mention, no link, no picture, no marker but ours, wherever it says it."""
    forged = json.loads(json.dumps(blocked()).replace(where, json.dumps(name)[1:-1]))
    ran = desk.comment(forged)
    if ran.code == Exit.INVALID:
        assert desk.github.writes == []
        return

    (body,) = desk.ours
    marker, rest = body.split("\n", 1)
    assert marker.startswith("<!-- kafkaops:plan v=1 key=")
    assert marker.endswith(" -->")
    shown = list(tokens(rest))
    assert {token.type for token in shown} <= PLAIN
    html = [token.content for token in shown if token.type.startswith("html")]
    assert [one for one in html if not re.fullmatch(OURS, one)] == []
    text = "".join(token.content for token in shown if token.type == "text")
    assert not re.search(r"@|evil|#1|kafkaops:plan", text)


OURS = r"(<details><summary>[\w ,()]+</summary>|</details>|</?sub>|<br>)\n?"
PLAIN = {
    *("text", "code_inline", "fence", "html_block", "html_inline", "inline", "softbreak"),
    *(
        f"{name}_{end}"
        for name in (
            "paragraph",
            "bullet_list",
            "list_item",
            "heading",
            "strong",
            "table",
            "thead",
            "tbody",
            "tr",
            "th",
            "td",
        )
        for end in ("open", "close")
    ),
}


def tokens(text: str) -> Iterator[Any]:
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        yield token
        yield from token.children or ()


def test_the_longest_plan_fits_into_a_comment(desk: Desk) -> None:
    document = blocked()
    changes = [one | {"address": f"{one['address']}.{index}"} for index in range(1500) for one in document["changes"]]

    assert (
        desk.comment(document | {"changes": changes}, ready("b") | {"changes": changes}, flags="--unverified").code == 0
    )
    (body,) = desk.ours
    assert len(body.encode()) <= 65_536


# an issue about drift


def test_drift_opens_an_issue(desk: Desk) -> None:
    ran = desk.comment(drifted(), settled("b"), flags="--issue")

    (issue,) = desk.github.issues
    assert (ran.verdict, ran.document["number"]) == ((0, "opened"), issue.id)
    assert (issue.title, issue.state, issue.labels) == ("Kafka differs from the files", "open", ("kafkaops-drift",))
    assert issue.body.startswith("<!-- kafkaops:drift v=1 key=b+production -->\n")


def test_no_drift_and_no_issue_is_nothing_to_say(desk: Desk) -> None:
    assert desk.comment(settled(), flags="--issue").verdict == (0, "nothing_to_say")
    assert desk.github.issues == []


def test_one_issue_is_updated_closed_and_opened_again(desk: Desk) -> None:
    told = [
        desk.comment(document, flags="--issue").document["verdict"]
        for document in (drifted(), drifted(), settled(), settled(), drifted())
    ]

    assert told == ["opened", "updated", "closed", "nothing_to_say", "reopened"]
    (issue,) = desk.github.issues
    assert issue.state == "open"


def test_an_issue_that_is_closed_says_that_all_is_in_sync(desk: Desk) -> None:
    desk.comment(drifted(), flags="--issue")
    desk.comment(settled(), flags="--issue")

    assert "in sync" in desk.github.issues[0].body
    assert desk.github.issues[0].state == "closed"


def test_a_cluster_that_could_not_be_read_closes_nothing(desk: Desk) -> None:
    desk.comment(drifted(), flags="--issue")

    assert desk.comment(settled("b"), unread(), flags="--issue").verdict == (0, "nothing_to_say")
    assert desk.github.issues[0].state == "open"
    assert desk.comment(drifted("b"), unread(), flags="--issue").verdict == (0, "updated")


def test_issues_of_others_are_left_alone(desk: Desk) -> None:
    marker = "<!-- kafkaops:drift v=1 key=production -->\n"
    theirs = [
        desk.github.file(HUMAN, marker, labels=("kafkaops-drift",)),
        desk.github.file(BOT, "what to do about drift", labels=("kafkaops-drift",)),
        desk.github.file(BOT, marker, labels=("kafkaops-drift",), pull_request=True),
    ]

    assert desk.comment(drifted(), flags="--issue").verdict == (0, "opened")
    assert desk.comment(settled(), flags="--issue").verdict == (0, "closed")
    assert [one.state for one in theirs] == ["open", "open", "open"]


def test_of_several_issues_one_stays_open(desk: Desk) -> None:
    marker = "<!-- kafkaops:drift v=1 key=production -->\nold"
    for _ in range(3):
        desk.github.file(BOT, marker, labels=("kafkaops-drift",))

    ran = desk.comment(drifted(), flags="--issue")

    assert (ran.verdict, ran.document["removed"]) == ((0, "updated"), 2)
    assert [one.state for one in desk.github.issues] == ["closed", "closed", "open"]


def test_a_repository_without_issues_is_a_sentence(desk: Desk) -> None:
    desk.github.has_issues = False

    ran = desk.comment(drifted(), flags="--issue")
    assert ran.code == 1
    assert "Issues are disabled for this repo" in ran.err
