"""Runs the jobs of a workflow on this machine: its shell for real, and of the actions what they do to files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kafkaops import __version__

ROOT = Path(__file__).resolve().parent.parent
STARTER = ROOT / "kafkaops" / "starter"
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
SHELL = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c"]  # what `shell: bash` means
PIP = """#!/bin/sh
[ "$*" = "install --disable-pip-version-check kafkaops==VERSION" ] || { echo "pip $*" >&2; exit 9; }
"""
GH = """#!/bin/sh
# as the real one is called here: `gh run list ...` tells ids, `gh run download ID --name NAME --dir DIR` fetches an artifact
case "$*" in
  "run list "*"--workflow drift.yml --branch main --event schedule --status success "*) cat "$ARTIFACTS/runs" 2>/dev/null || true ;;
  "run list "*"--event workflow_dispatch "*) ;;
  "run download 41 --repo acme/kafka --name snapshot-test --dir "*) cp "$ARTIFACTS/snapshot-test/"* "${9}" ;;
  *) echo "gh $*" >&2; exit 9 ;;
esac
"""


def workflow(name: str) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load((STARTER / name).read_text(encoding="utf-8"))
    return found


@dataclass
class Job:
    """What came of it: the exit code of the step that failed, else 0; `log` by the names of steps; the job's summary."""

    code: int = 0
    log: dict[str, str] = field(default_factory=dict)
    summary: str = ""


@dataclass
class Runner:
    """`values`: of the expressions that the files use; whoever uses another one is told by a KeyError. `repository`: a clone of it is what is checked out, for a pull request to its `main`."""

    folder: Path
    topology: Path
    properties: str
    api: str
    token: str
    values: dict[str, str] = field(default_factory=dict)
    forked: bool = False
    repository: Path | None = None

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def job(self, name: str, job: str) -> Job:
        whole = workflow(name)
        described, done = whole["jobs"][job], Job()
        place = self.folder / f"{name}-{job}"
        shutil.rmtree(place, ignore_errors=True)
        for folder in (place / "work", place / "temp", self.artifacts):
            folder.mkdir(parents=True, exist_ok=True)
        env = {**self._environment(place), **self._expanded(whole.get("env", {}), place)}
        env |= {"GITHUB_BASE_REF": "main"} if name in {"plan.yml", "fork.yml"} else {}
        env |= self._expanded(described.get("env", {}), place)
        for step in described["steps"]:
            if self._runs(step.get("if"), done):
                self._step(step, place, env, done)
        return done

    def _runs(self, condition: str | None, done: Job) -> bool:
        match condition:
            case None:
                return done.code == 0
            case "always()" | "${{ !cancelled() }}":
                return True
            case "vars.KAFKAOPS_FORK_PLANS == 'true'":
                return done.code == 0 and self.values.get("vars.KAFKAOPS_FORK_PLANS") == "true"
            case _:
                raise KeyError(condition)

    def _step(self, step: Mapping[str, Any], place: Path, env: Mapping[str, str], done: Job) -> None:
        if "uses" in step:
            self._action(step["uses"].partition("@")[0], self._expanded(step.get("with", {}), place), place / "work")
            return
        summary = place / "summary"
        summary.write_text("")
        ran = subprocess.run(
            [*SHELL, step["run"]],
            cwd=place / "work",
            env={**env, **self._expanded(step.get("env", {}), place), "GITHUB_STEP_SUMMARY": str(summary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        done.log[step["name"]] = ran.stdout + ran.stderr
        done.summary += summary.read_text()
        done.code = done.code or ran.returncode

    def _action(self, action: str, given: Mapping[str, str], work: Path) -> None:
        match action:
            case "actions/setup-python":
                pass
            case "actions/checkout" if self.repository is not None:
                depth = [] if given.get("fetch-depth") == "0" else ["--depth=1"]
                where = work / given.get("path", ".")
                clone = ["git", "clone", "--quiet", *depth, self.repository.as_uri(), str(where)]
                subprocess.run(clone, check=True, capture_output=True)
            case "actions/checkout":
                shutil.copytree(self.topology, work / given.get("path", ".") / "topology", dirs_exist_ok=True)
            case "actions/upload-artifact" if not Path(given["path"]).exists():
                pass  # a warning
            case "actions/upload-artifact":
                target = self.artifacts / given["name"]
                target.mkdir(exist_ok=True)
                shutil.copy(given["path"], target)
            case "actions/download-artifact":
                (work / given["path"]).mkdir()
                found = list(self.artifacts.glob(f"{given.get('pattern') or given['name']}/*"))
                assert found or "pattern" in given, "the action fails without the artifact that it is to download"
                for one in found:
                    shutil.copy(one, work / given["path"])
            case _:
                raise KeyError(action)

    def _expanded(self, given: Mapping[str, Any], place: Path) -> dict[str, str]:
        known = {
            "matrix.cluster": "test",
            "runner.temp": str(place / "temp"),
            "secrets.KAFKAOPS_CLIENT_PROPERTIES": self.properties,
            "github.token": self.token,
            "github.event.repository.default_branch": "main",
            "github.event.pull_request.number": "7",
            **self.values,
        }
        return {key: EXPRESSION.sub(lambda one: known[one[1]], str(value)) for key, value in given.items()}

    def _environment(self, place: Path) -> dict[str, str]:
        event = place / "event.json"
        head = "mallory/kafka" if self.forked else "acme/kafka"
        repos = {
            "head": {"sha": "4c1f0e2" * 5, "repo": {"full_name": head}},
            "base": {"repo": {"full_name": "acme/kafka"}},
        }
        event.write_text(json.dumps({"pull_request": {"number": 7, **repos}}))
        return {
            **tools(place),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": self.api,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "acme/kafka",
            "GITHUB_WORKSPACE": str(place / "work"),
            "RUNNER_TEMP": str(place / "temp"),
            "ARTIFACTS": str(self.artifacts),
        }


def tools(place: Path) -> dict[str, str]:
    """An environment in which `kafkaops` is this one, and pip and gh do as if."""
    folder = place / "bin"
    folder.mkdir(exist_ok=True)
    kafkaops = f'#!/bin/sh\nexec "{sys.executable}" -I -m kafkaops.cli "$@"\n'
    for name, text in {"pip": PIP.replace("VERSION", __version__), "gh": GH, "kafkaops": kafkaops}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "HOME": str(place), "LANG": "C.UTF-8"}
