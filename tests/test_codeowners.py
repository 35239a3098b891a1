"""`owner:` against CODEOWNERS, which is a file of the repository and no window to others."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from kafkaops import topology


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / ".git").mkdir(parents=True)
    (folder / "topology").mkdir()
    (folder / "topology" / "kafkaops.yaml").write_text("version: 1\nclusters: {a: {bootstrap-servers: [b:9092]}}\n")
    (folder / "topology" / "orders.yaml").write_text("owner: team-orders\n")
    return folder


def found(repository: Path) -> list[str]:
    read = topology.read(
        repository / "topology", shown=lambda path: path.name, version="0.1.0", today=date(2026, 11, 25)
    )
    return [one.message for one in read.findings if "CODEOWNERS" in one.message]


def test_an_owner_who_is_not_there_is_told(repository: Path) -> None:
    (repository / "CODEOWNERS").write_text("* @acme/team-platform\n")

    assert found(repository) == ["`team-orders` owns this file here, and CODEOWNERS names @acme/team-platform"]


def test_an_owner_who_is_there_is_fine(repository: Path) -> None:
    (repository / "CODEOWNERS").write_text("/topology/ @acme/team-orders\n")

    assert found(repository) == []


def test_a_link_out_of_the_repository_is_not_quoted(repository: Path) -> None:
    secret = repository.parent / "client.properties"
    secret.write_text("* password=secret\n")
    (repository / "CODEOWNERS").symlink_to(secret)

    assert found(repository) == []
