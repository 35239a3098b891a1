"""Git repositories of a test."""

from __future__ import annotations

import subprocess
from pathlib import Path

from kafkaops import git


class Here:
    """A repository of a test, with the topology in a folder of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self("init", "--quiet", "--initial-branch=main")
        if not (folder / "topology").exists():
            self.write("topology/kafkaops.yaml", "version: 1\n")

    def __call__(self, *arguments: str) -> str:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *who, *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            self.write(f"topology/{name}.yaml", text)
        self("add", "--all")
        self("commit", "--quiet", "--allow-empty", "--message", "a change")
        return self("rev-parse", "HEAD")

    @property
    def seen(self) -> git.Repository:
        found = git.repository(self.folder / "topology")
        assert found is not None
        return found
