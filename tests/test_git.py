"""The door to git: what it tells of real repositories, and what it does not let happen."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from repositories import Here

from kafkaops import git
from kafkaops.findings import Exit, Refusal


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Here:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    folder = tmp_path / "here"
    folder.mkdir()
    return Here(folder)


def refused(said: str, code: int = Exit.USAGE) -> pytest.RaisesExc[Refusal]:
    return pytest.RaisesExc(Refusal, match=said, check=lambda one: one.exit_code == code)


def laid(here: Here, commit: str, into: Path) -> dict[str, str]:
    into.mkdir()
    assert git.lay(here.seen, commit, into)
    return {path.relative_to(into).as_posix(): path.read_text() for path in sorted(into.rglob("*")) if path.is_file()}


def test_a_folder_in_no_repository_has_none(tmp_path: Path) -> None:
    assert git.repository(tmp_path) is None


def test_a_repository_without_a_commit_has_no_head_and_is_dirty(here: Here) -> None:
    assert (git.head(here.seen), git.dirty(here.seen)) == (None, True)


def test_the_commit_is_the_one_that_is_checked_out(here: Here) -> None:
    first, second = here.commit(), here.commit()
    here("checkout", "--quiet", first)

    assert (git.head(here.seen), git.commit(here.seen, "main")) == (first, second)


def test_what_was_committed_is_not_dirty(here: Here) -> None:
    here.commit(order="topics: {}\n")

    assert not git.dirty(here.seen)


@pytest.mark.parametrize("name", ["topology/.draft.yaml", "topology/.hidden/a.yaml", "topology/notes.md", "README.md"])
def test_a_file_that_kafkaops_does_not_read_makes_nothing_dirty(here: Here, name: str) -> None:
    here.commit()
    here.write(name, "x\n")

    assert not git.dirty(here.seen)


@pytest.mark.parametrize("name", ["topology/kafkaops.yaml", "topology/new.yml", "topology/deep/new.yaml"])
def test_a_file_that_kafkaops_reads_makes_it_dirty_though_git_ignores_it(here: Here, name: str) -> None:
    here.write(".gitignore", "new.*\n")
    here.commit()
    here.write(name, "version: 1 # changed\n")

    assert git.dirty(here.seen)


def test_a_file_that_is_gone_or_a_link_makes_it_dirty(here: Here) -> None:
    here.commit(order="topics: {}\n")
    file = here.folder / "topology/order.yaml"
    file.unlink()
    gone = git.dirty(here.seen)
    file.symlink_to("kafkaops.yaml")

    assert (gone, git.dirty(here.seen)) == (True, True)


def test_the_merge_base_leaves_out_what_came_to_the_target_meanwhile(here: Here) -> None:
    base = here.commit()
    here("checkout", "--quiet", "-b", "feature")
    here.commit(order="topics: {}\n")
    here("checkout", "--quiet", "main")
    here.commit(payment="topics: {}\n")
    here("checkout", "--quiet", "feature")

    assert git.merge_base(here.seen, "main") == base


def test_a_branch_that_only_origin_has_is_found_by_its_name(here: Here, tmp_path: Path) -> None:
    base = here.commit()
    here("clone", "--quiet", str(here.folder), str(tmp_path / "clone"))
    clone = git.repository(tmp_path / "clone/topology")
    assert clone is not None
    subprocess.run(["git", "checkout", "--quiet", "--detach"], cwd=clone.folder, check=True)
    subprocess.run(["git", "branch", "--quiet", "-D", "main"], cwd=clone.folder, check=True)

    assert git.merge_base(clone, "main") == base


def test_an_ancestor_comes_before(here: Here) -> None:
    first, second = here.commit(), here.commit()

    assert git.is_ancestor(here.seen, first, second)
    assert git.is_ancestor(here.seen, first, first)
    assert not git.is_ancestor(here.seen, second, first)


def test_lines_of_no_common_commit_have_no_merge_base(here: Here) -> None:
    here.commit()
    here("checkout", "--quiet", "--orphan", "other")
    here.commit(order="topics: {}\n")

    with refused("no commit in common"):
        git.merge_base(here.seen, "main")


def test_a_shallow_clone_says_how_to_fetch_the_rest(here: Here, tmp_path: Path) -> None:
    first = here.commit()
    second = here.commit()
    here("clone", "--quiet", "--depth=1", here.folder.as_uri(), str(tmp_path / "clone"))
    clone = git.repository(tmp_path / "clone/topology")
    assert clone is not None

    for asked in (
        lambda: git.commit(clone, first),
        lambda: git.merge_base(clone, first),
        lambda: git.is_ancestor(clone, first, second),
        lambda: git.identity(clone),
    ):
        with pytest.raises(Refusal) as refusal:
            asked()
        assert (refusal.value.exit_code, "fetch-depth: 0" in refusal.value.findings[0].help) == (Exit.USAGE, True)


@pytest.mark.parametrize(
    "ref", ["", "-h", "--help", "--output=x", "a\0b", "HEAD:topology", "no such", "$(id)", "@{-1}"]
)
def test_a_hostile_name_is_no_commit_and_no_option(here: Here, ref: str) -> None:
    here.commit()
    before = sorted(here.folder.rglob("*"))

    with refused("is no commit that this clone holds"):
        git.commit(here.seen, ref)

    assert sorted(here.folder.rglob("*")) == before


@pytest.mark.parametrize(
    "url",
    [
        "https://github.com/acme/kafka",
        "https://x-access-token:SENTINEL@github.com/Acme/kafka.git",
        "git@github.com:acme/kafka.git",
        "ssh://git@github.com:22/acme/kafka/",
        "github.com:/acme/kafka.git",
    ],
)
def test_every_address_of_a_repository_is_one_name_without_login(here: Here, url: str) -> None:
    here.commit()
    here("remote", "add", "origin", url)

    assert git.identity(here.seen) == "github.com/acme/kafka"


@pytest.mark.parametrize("url", [None, "/srv/kafka.git", "file:///srv/kafka.git", "../kafka", "http://[bad/x"])
def test_without_an_address_that_holds_elsewhere_a_repository_is_known_by_its_first_commit(
    here: Here, url: str | None
) -> None:
    first = here.commit()
    here.commit()
    if url:
        here("remote", "add", "origin", url)

    assert git.identity(here.seen) == f"first commit {first}"


def test_another_commit_is_laid_as_it_was_and_nothing_else(here: Here, tmp_path: Path) -> None:
    here.write("topology/deep/order.yaml", "topics: {}\n")
    here.write("README.md", "x\n")
    first = here.commit()
    here.commit(order="topics: {a: {}}\n", kafkaops="version: 2\n")

    assert laid(here, first, tmp_path / "base") == {"kafkaops.yaml": "version: 1\n", "deep/order.yaml": "topics: {}\n"}


def test_a_topology_at_the_top_of_the_repository_is_laid_without_the_folder(here: Here, tmp_path: Path) -> None:
    commit = here.commit()
    found = git.repository(here.folder)
    assert found is not None

    assert git.lay(found, commit, tmp_path)
    assert (tmp_path / "topology/kafkaops.yaml").read_text() == "version: 1\n"


def test_a_commit_without_the_folder_lays_nothing(here: Here, tmp_path: Path) -> None:
    (here.folder / "topology/kafkaops.yaml").rename(here.folder / "kafkaops.yaml")
    (here.folder / "topology").rmdir()
    first = here.commit()
    here.write("topology/kafkaops.yaml", "version: 1\n")
    here.commit()

    assert not git.lay(here.seen, first, tmp_path)
    assert not list(tmp_path.glob("topology*"))


def test_links_are_laid_as_links_and_nothing_is_written_through_them(here: Here, tmp_path: Path) -> None:
    (here.folder / "topology/away").symlink_to("/etc")
    (here.folder / "topology/link.yaml").symlink_to("kafkaops.yaml")
    commit = here.commit()
    into = tmp_path / "base"
    into.mkdir()

    assert git.lay(here.seen, commit, into)
    assert ((into / "away").readlink(), (into / "link.yaml").readlink()) == (Path("/etc"), Path("kafkaops.yaml"))


def test_a_tree_that_climbs_out_is_refused(here: Here, tmp_path: Path) -> None:
    blob = here("rev-parse", f"{here.commit()}:topology/kafkaops.yaml")
    into = tmp_path / "a/b"
    into.mkdir(parents=True)

    def tree(kind: bytes, name: bytes, of: str) -> str:
        made = subprocess.run(
            ["git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally"],
            input=kind + b" " + name + b"\0" + bytes.fromhex(of),
            cwd=here.folder,
            check=True,
            capture_output=True,
        )
        return made.stdout.decode().strip()

    climbs = tree(b"40000", b"topology", tree(b"40000", b"..", tree(b"100644", b"evil.yaml", blob)))
    commit = here("commit-tree", climbs, "-m", "x")

    with refused("holds a file by the name"):
        git.lay(here.seen, commit, into)
    assert not list(tmp_path.rglob("evil.yaml"))


def test_a_submodule_is_refused_by_its_name(here: Here, tmp_path: Path) -> None:
    first = here.commit()
    here("update-index", "--add", "--cacheinfo", f"160000,{first},topology/inner")
    here("commit", "--quiet", "--message", "x")

    with refused("`inner` is a submodule"):
        git.lay(here.seen, here("rev-parse", "HEAD"), tmp_path)


def test_what_the_checkout_sets_up_is_not_run(here: Here, tmp_path: Path) -> None:
    trap = f"touch {tmp_path / 'ran'}; cat"
    here.write(".gitattributes", "* filter=trap diff=trap text eol=crlf\n")
    first = here.commit(order="topics: {}\n")
    here("config", "core.fsmonitor", trap)
    here("config", "filter.trap.clean", trap)
    here("config", "filter.trap.smudge", trap)
    here("config", "diff.trap.textconv", trap)
    hooks = here.folder / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        (hooks / hook).write_text(f"#!/bin/sh\n{trap}\n")
        (hooks / hook).chmod(0o755)
    here.write("topology/order.yaml", "topics: {}\n\n")

    assert git.dirty(here.seen)
    assert git.merge_base(here.seen, "main") == first
    assert laid(here, first, tmp_path / "base")["order.yaml"] == "topics: {}\n"
    assert not (tmp_path / "ran").exists()


def test_the_environment_names_no_other_repository(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = here.commit()
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))

    assert git.head(here.seen) == commit


def test_a_machine_without_git_says_so(here: Here, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with refused("`git` is not installed", Exit.FAILED):
        git.repository(here.folder / "topology")
