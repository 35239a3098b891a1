"""The workflows that `init` writes: what they may, what they pin, and that their shell runs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from fake_github import FakeGitHub, Token, serving
from view_examples import documents
from workflow_runner import EXPRESSION, ROOT, SHELL, STARTER, Runner, tools, workflow

from kafkaops import __version__
from kafkaops.view import machine

GITHUB = sorted(path.name for path in STARTER.glob("*.yml") if not path.name.startswith("gitlab"))
OWN = ROOT / ".github" / "workflows"
TOKEN = "ghs_token"
APPROVED = machine.render(documents()["plan-ready"])
"""Of the cluster with the id that these topologies name."""
NOBODY = "bootstrap.servers=127.0.0.1:9\nsecurity.protocol=PLAINTEXT\n"


def jobs(name: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = workflow(name)["jobs"]
    return found


def steps() -> list[Any]:
    return [
        pytest.param(one, id=f"{name}: {job}: {one.get('name', one.get('uses', ''))}")
        for name in GITHUB
        for job, described in jobs(name).items()
        for one in described["steps"]
    ]


# what they are


@pytest.mark.parametrize("name", GITHUB)
def test_this_repository_runs_what_init_writes(name: str) -> None:
    assert (OWN / name).read_bytes() == (STARTER / name).read_bytes()


def test_this_repository_has_no_other_workflow_but_its_own_ci() -> None:
    assert sorted(path.name for path in OWN.iterdir()) == sorted([*GITHUB, "ci.yml"])


@pytest.mark.parametrize("path", sorted(STARTER.glob("*.yml")), ids=lambda path: path.name)
def test_they_install_this_release(path: Path) -> None:
    pins = re.findall(r"kafkaops==([^\s\"']+)", path.read_text(encoding="utf-8"))

    assert set(pins) == {__version__}


@pytest.mark.parametrize("name", GITHUB)
def test_without_its_variables_a_workflow_does_nothing(name: str) -> None:
    """Each job asks for the variable, or needs one that does and ends with it."""
    for job, described in jobs(name).items():
        condition = described.get("if", "")
        first = jobs(name)[described["needs"]] if "needs" in described else described
        assert "vars.KAFKAOPS_CLUSTERS != ''" in first["if"], job
        assert "always()" not in condition
        assert "cancelled()" not in condition or f"needs.{described['needs']}.result != 'skipped'" in condition


@pytest.mark.parametrize("name", GITHUB)
def test_a_job_may_no_more_than_it_needs(name: str) -> None:
    allowed = {
        "plan.yml": {"plan": {"contents": "read"}, "comment": {"pull-requests": "write"}},
        "apply.yml": {"plan": {"contents": "read"}, "apply": {"contents": "read"}},
        "drift.yml": {"drift": {"contents": "read"}, "issue": {"issues": "write"}},
        "resume.yml": {"resume": {"contents": "read"}},
        "fork.yml": {"plan": {"actions": "read", "contents": "read"}, "comment": {"pull-requests": "write"}},
    }

    assert workflow(name)["permissions"] == {}
    assert {job: described["permissions"] for job, described in jobs(name).items()} == allowed[name]


@pytest.mark.parametrize("name", GITHUB)
def test_every_job_ends(name: str) -> None:
    assert [job for job, described in jobs(name).items() if not 0 < described["timeout-minutes"] <= 60] == []


@pytest.mark.parametrize("step", steps())
def test_a_script_is_given_values_by_its_environment_only(step: dict[str, Any]) -> None:
    assert not EXPRESSION.search(step.get("run", ""))


@pytest.mark.parametrize("step", [one for one in steps() if "uses" in one.values[0]])
def test_an_action_is_pinned_and_leaves_no_token_behind(step: dict[str, Any]) -> None:
    action, _, commit = step["uses"].partition("@")

    assert re.fullmatch("[0-9a-f]{40}", commit)
    assert action != "actions/checkout" or step["with"]["persist-credentials"] is False


def test_one_action_has_one_version_everywhere() -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in OWN.iterdir())
    used = re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (v\S+)\n", told)

    assert len(used) == told.count("uses:")
    assert len(set(used)) == len({action for action, _, _ in used})


@pytest.mark.parametrize(("name", "job"), [(name, job) for name in GITHUB for job in jobs(name)])
def test_the_tool_is_there_before_the_files_are(name: str, job: str) -> None:
    """What is checked out could else be what pip or Python finds first."""
    order = [
        one.get("uses", one.get("run", "")).partition("@")[0].partition(" ")[0] for one in jobs(name)[job]["steps"]
    ]

    assert order.index("pip") < min(order.index(one) for one in ("actions/checkout", "kafkaops") if one in order)


def test_secrets_are_named_in_environments_only_and_none_by_what_forks_can_start() -> None:
    for name in GITHUB:
        for job, described in jobs(name).items():
            if "secrets." in json.dumps(described):
                assert "environment" in described, (name, job)
    assert "secrets" not in json.dumps(workflow("fork.yml"))
    for name in GITHUB:
        for described in jobs(name).values():
            token = "github.token" in json.dumps(described)
            files = "actions/checkout" in json.dumps(described)
            assert not (token and files) or described["permissions"] == {"actions": "read", "contents": "read"}


def test_a_token_never_stands_beside_a_secret() -> None:
    for name in GITHUB:
        for job, described in jobs(name).items():
            assert not ("github.token" in json.dumps(described) and "secrets." in json.dumps(described)), (name, job)


# that they run


@pytest.fixture
def github() -> Iterator[FakeGitHub]:
    with serving() as fake:
        yield fake


@pytest.fixture
def runner(tmp_path: Path, github: FakeGitHub) -> Runner:
    topology = tmp_path / "given"
    topology.mkdir()
    (topology / "kafkaops.yaml").write_text(
        "version: 1\nclusters:\n  test: {bootstrap-servers: [127.0.0.1:9], cluster-id: Qm7xT0pRSc2vW4f2A}\n"
    )
    return Runner(tmp_path, topology, NOBODY, github.url, TOKEN)


def test_a_plan_that_cannot_be_made_is_a_failure_and_a_comment(runner: Runner, github: FakeGitHub) -> None:
    done = runner.job("plan.yml", "plan")

    assert done.code == 69, done.log
    assert "KO6001" in done.summary
    assert runner.job("plan.yml", "comment").code == 0
    (comment,) = github.comments
    assert comment.body.startswith("<!-- kafkaops:plan v=1 key=test -->\n")
    assert "KO6001" in comment.body


@pytest.mark.parametrize("properties", ["", "\n", "security.protocol=PLAINTEXT\n", "# bootstrap.servers=127.0.0.1:9\n"])
@pytest.mark.parametrize(
    ("name", "job"),
    [
        ("plan.yml", "plan"),
        ("apply.yml", "plan"),
        ("apply.yml", "apply"),
        ("drift.yml", "drift"),
        ("resume.yml", "resume"),
    ],
)
def test_credentials_that_name_no_brokers_are_not_used(runner: Runner, name: str, job: str, properties: str) -> None:
    """Else a pull request would name them, and the login would go there."""
    runner.properties = properties
    done = runner.job(name, job)

    assert done.code == 1
    assert "names no bootstrap.servers" in "".join(done.log.values())
    assert list(done.log)[-1] == "Keep the credentials outside of the checkout"


def test_brokers_of_the_secret_rule_over_those_of_the_files(runner: Runner) -> None:
    (runner.topology / "kafkaops.yaml").write_text(
        "version: 1\nclusters:\n  test: {bootstrap-servers: [evil.example:9092], cluster-id: Qm7xT0pRSc2vW4f2A}\n"
    )

    done = runner.job("plan.yml", "plan")

    assert done.code == 69
    assert "evil.example" not in "".join(done.log.values())


def test_an_apply_that_cannot_reach_the_cluster_fails_with_its_document(runner: Runner) -> None:
    (runner.artifacts / "plan-test").mkdir(parents=True)
    (runner.artifacts / "plan-test" / "plan-test.json").write_text(APPROVED)

    done = runner.job("apply.yml", "apply")

    assert done.code == 69, done.log
    assert json.loads((runner.artifacts / "apply-test" / "apply-test.json").read_text())["exit_code"] == 69


def test_drift_that_cannot_be_read_is_a_failure(runner: Runner) -> None:
    done = runner.job("drift.yml", "drift")

    assert done.code == 69, done.log
    assert json.loads((runner.artifacts / "drift-test" / "drift-test.json").read_text())["exit_code"] == 69


def test_a_fork_without_a_snapshot_is_told_so(runner: Runner) -> None:
    described = runner.job("fork.yml", "plan")

    assert described.code == 1
    assert "no run of drift.yml has left a snapshot of test yet" in "".join(described.log.values())


def test_a_token_that_may_only_read_does_not_fail_the_pull_request_of_a_fork(
    runner: Runner, github: FakeGitHub
) -> None:
    runner.job("plan.yml", "plan")
    github.tokens[TOKEN] = Token(writes=frozenset())
    runner.forked = True

    done = runner.job("plan.yml", "comment")
    assert done.code == 0
    assert "whose token may only read" in done.log["Comment"]


# GitLab


def gitlab(job: str) -> str:
    return "\n".join(workflow("gitlab-ci.yml")[job]["script"])


@pytest.mark.parametrize("job", ["plan", "apply", "drift"])
def test_a_script_of_gitlab_has_the_flags_that_the_program_has(job: str, tmp_path: Path) -> None:
    (tmp_path / "topology").mkdir()
    (tmp_path / "topology" / "kafkaops.yaml").write_text(
        "version: 1\nclusters:\n  production: {bootstrap-servers: [127.0.0.1:9], cluster-id: Qm7xT0pRSc2vW4f2A}\n"
    )
    (tmp_path / "client.properties").write_text(NOBODY)
    (tmp_path / "plan.json").write_text(APPROVED)
    variables = workflow("gitlab-ci.yml")["variables"]
    env = {**tools(tmp_path), **variables, "KAFKAOPS_CLIENT_CONFIG": str(tmp_path / "client.properties")}
    before = "\n".join(workflow("gitlab-ci.yml")[".kafkaops"]["before_script"])

    done = subprocess.run([*SHELL, f"{before}\n{gitlab(job)}"], cwd=tmp_path, env=env, check=False, timeout=60)

    assert done.returncode == 69
    assert json.loads((tmp_path / f"{job}.json").read_text())["exit_code"] == 69


class Notes(BaseHTTPRequestHandler):
    """Of a merge request on GitLab: two a page, and whose token asks."""

    notes: ClassVar[list[dict[str, Any]]]

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = urlsplit(self.path)
        assert self.headers["PRIVATE-TOKEN"] == "glpat-1"
        answer: Any = {"id": 5}
        page = 0
        if self.command == "POST":
            self.notes.append({"id": 100 + len(self.notes), "author": {"id": 5}, "body": json.loads(sent)["body"]})
        elif self.command == "PUT":
            (one,) = [one for one in self.notes if one["id"] == int(parts.path.rpartition("/")[2])]
            one["body"] = json.loads(sent)["body"]
        elif parts.path.endswith("/notes"):
            page = int(parse_qs(parts.query)["page"][0])
            answer = self.notes[(page - 1) * 2 : page * 2]
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("X-Next-Page", str(page + 1) if page and page * 2 < len(self.notes) else "")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PUT = do_GET  # noqa: N815  # the names that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


def test_the_note_of_gitlab_is_edited_in_place(tmp_path: Path) -> None:
    marker = "<!-- kafkaops:plan v=1 key=production -->"
    theirs = [{"id": number, "author": {"id": 9}, "body": f"{marker}\nmine"} for number in range(5)]
    handler = type("Handler", (Notes,), {"notes": [dict(one) for one in theirs]})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/api/v4"
        ids = {"CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "7", "KAFKAOPS_NOTE_TOKEN": "glpat-1"}
        for text in ("first", "second"):
            (tmp_path / "plan.md").write_text(f"{marker}\n{text}\n")
            subprocess.run(
                [*SHELL, gitlab("note")],
                cwd=tmp_path,
                env={"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "CI_API_V4_URL": url, **ids},
                check=True,
                timeout=60,
            )
        server.shutdown()

    assert handler.notes[:5] == theirs
    assert [one["body"] for one in handler.notes[5:]] == [f"{marker}\nsecond\n"]
