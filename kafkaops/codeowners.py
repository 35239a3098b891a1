"""`owner:` against the repository's CODEOWNERS, when there is one: who is shown in a plan is who approves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from kafkaops.findings import Finding
from kafkaops.lint import lint
from kafkaops.source import Document, value_location

_PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_MOST_BYTES = 3 * 2**20  # what GitHub reads
_FOLDERS_UP = 8


def findings(root: Path, documents: Iterable[Document], policy: Mapping[str, str]) -> Iterator[Finding]:
    """A file whose `owner:` is not among those that CODEOWNERS names for it. `team-orders` is `@team-orders` or `@org/team-orders`."""
    found = _codeowners(root.resolve())
    if found is None:
        return
    repository, rules = found
    for document in documents:
        owner = document.root.get("owner")
        if not isinstance(owner, str):
            continue
        owners = _owners(rules, document.path.relative_to(repository).as_posix())
        if not any(one.rpartition("/")[2].lstrip("@") == owner.lstrip("@") for one in owners):
            yield from lint(
                "owner-not-in-codeowners",
                policy,
                message=f"`{owner}` owns this file here, and CODEOWNERS names {' '.join(owners) or 'nobody'}",
                where=value_location(document.root, "owner"),
                help="correct one of the two",
            )


def _codeowners(root: Path) -> tuple[Path, list[tuple[str, list[str]]]] | None:
    for folder in (root, *root.parents)[:_FOLDERS_UP]:
        for place in _PLACES:
            path = folder / place
            # a link out of the repository, which GitHub does not follow either, would be quoted from
            real = path.resolve()
            if real.is_file() and real.is_relative_to(folder) and real.stat().st_size <= _MOST_BYTES:
                return folder, _rules(path.read_text(encoding="utf-8", errors="replace"))
        if (folder / ".git").exists():
            return None
    return None


def _rules(text: str) -> list[tuple[str, list[str]]]:
    lines = (line.split("#", 1)[0].split() for line in text.splitlines())
    return [(words[0], words[1:]) for words in lines if words and not words[0].startswith("[")]


def _owners(rules: list[tuple[str, list[str]]], path: str) -> list[str]:
    """The last rule that matches counts."""
    return next((owners for pattern, owners in reversed(rules) if _matches(pattern, path)), [])


def _matches(pattern: str, path: str) -> bool:
    anchored = pattern.lstrip("/")
    if pattern.endswith("/"):
        return path.startswith(anchored) or (not pattern.startswith("/") and f"/{anchored}" in f"/{path}")
    if "/" in pattern.rstrip("/"):
        return fnmatchcase(path, anchored) or path.startswith(f"{anchored}/")
    return any(fnmatchcase(part, pattern) for part in path.split("/"))
