"""What `init` lays down for a cluster that is there already: settings, schemas for editors, workflows, what git is to ignore."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path, PurePosixPath

from kafkaops import schema
from kafkaops.edit import quoted
from kafkaops.naming import PART, Convention
from kafkaops.schema import SETTINGS_SCHEMA, TOPOLOGY_SCHEMA
from kafkaops.topology import SETTINGS_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is known of the cluster. `client_config`: relative to the topology folder; `secret_file`: below the repository, with one written out."""

    name: str
    bootstrap_servers: tuple[str, ...]
    cluster_id: str
    kafka_version: str
    authorizer: bool
    principal: str | None = None
    client_config: str | None = None
    secret_file: PurePosixPath | None = None
    convention: Convention | None = None


def files(found: Found, topology: PurePosixPath, *, gitlab: bool) -> dict[PurePosixPath, str]:
    """Path below the repository -> text."""
    return {
        topology / SETTINGS_FILE: settings(found),
        topology / TOPOLOGY_SCHEMA: _json(schema.topology_schema()),
        topology / SETTINGS_SCHEMA: _json(schema.settings_schema()),
        PurePosixPath(".gitignore"): _ignored(found),
        **dict(_pipelines(gitlab=gitlab)),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _pipelines(*, gitlab: bool) -> Iterator[tuple[PurePosixPath, str]]:
    starter = package_files("kafkaops").joinpath("starter")
    for one in sorted(starter.iterdir() if starter.is_dir() else (), key=lambda one: one.name):
        if one.name.startswith("gitlab") == gitlab:
            path = PurePosixPath(".gitlab-ci.yml") if gitlab else PurePosixPath(".github/workflows", one.name)
            yield path, one.read_text(encoding="utf-8")


# kafkaops.yaml


def settings(found: Found) -> str:
    return schema.for_editors(SETTINGS_SCHEMA) + "\n".join(_settings(found)) + "\n"


def _settings(found: Found) -> Iterator[str]:
    yield "# The settings of this topology. Every other YAML file in this folder declares topics and who may use them."
    yield "version: 1"
    yield ""
    if found.convention:
        yield from _naming(found.convention)
        yield ""
    yield "clusters:"
    yield f"  {quoted(found.name)}:"
    yield from (f"    {line}" for line in _cluster(found))
    yield ""
    yield "policy:"
    yield "  lint:"
    yield "    cross-domain-grant: error # access to another domain's topics needs a `share:` line in its owner's file"


def _naming(convention: Convention) -> Iterator[str]:
    yield f"# As {convention.fit:,} of {convention.of:,} topics are named; a new one that is not is an error."
    yield "naming:"
    yield f"  pattern: {quoted(convention.pattern)}"
    parts = ", ".join(f"{name}: {quoted(regex)}" for name, regex in convention.parts.items())
    if parts:
        rest = f" # the other parts: {PART}" if PART not in convention.parts.values() else ""
        yield f"  parts: {{{parts}}}{rest}"
    if convention.exempt:
        yield "  exempt: # what is there already and named otherwise"
        yield from (f"    - {quoted(one)}" for one in convention.exempt)


def _cluster(found: Found) -> Iterator[str]:
    yield f"bootstrap-servers: [{', '.join(map(quoted, found.bootstrap_servers))}]"
    yield f"cluster-id: {quoted(found.cluster_id)} # the pin that `apply` needs: a cluster with any other id is refused"
    if found.client_config:
        yield f"client-config: {quoted(found.client_config)} # beside this file"
    else:
        yield "# client-config: client.properties # beside this file, with ${VARIABLES} for what is secret; KAFKAOPS_CLIENT_CONFIG rules over it"
    if found.kafka_version:
        yield f'kafka-version: "{found.kafka_version}" # settings are checked against this release'
    if found.authorizer:
        yield from _authorizer(found.principal)
    else:
        yield "manage: {acls: false} # the brokers have no authorizer, so there are no ACLs"


def _authorizer(principal: str | None) -> Iterator[str]:
    """What is not known is a comment: a wrong guess would be believed."""
    off = "" if principal else "# "
    yield "# Kafka does not tell these. What is not written here is unknown, and the first or last ACL of a topic then blocks."
    yield f"{off}authorizer:"
    yield f"{off}  principal: {quoted(principal or 'User:kafkaops')} # who kafkaops is; the plan that would lock it out is refused"
    yield "#   super-users: [User:admin] # the brokers' super.users"
    yield "#   allow-everyone: false # the brokers' allow.everyone.if.no.acl.found"
    yield "#   brokers: [User:broker] # who the brokers are to each other; never locked out"
    yield "#   break-glass: [User:on-call] # who must always get in"


# .gitignore


def _ignored(found: Found) -> str:
    return "\n".join(
        [
            "# Plans and snapshots tell the names of everything and who may use it.",
            ".kafkaops/",
            "/plan*.json",
            "/plan*.md",
            "/drift*.json",
            "/snapshot*.json",
            "",
            "# Secrets. Client properties in which they are ${VARIABLES} belong into git.",
            ".env",
            "*.key",
            "*.jks",
            "*.p12",
            "*secret*.properties",
            *([f"/{found.secret_file}"] if found.secret_file else []),
            "",
        ]
    )


# Writing


class CannotWrite(Exception):  # noqa: N818  # reads as the sentence it stands for
    """Nothing was written. The message is a sentence."""


def taken(root: Path, paths: Iterable[PurePosixPath]) -> tuple[PurePosixPath, ...]:
    """Which of them are there already, whatever they are. Errors: CannotWrite where a folder of theirs is no folder: links are not followed."""
    return tuple(path for path in paths if _room(root, path) and os.path.lexists(root / path))


def _room(root: Path, path: PurePosixPath) -> bool:
    for folder in reversed(path.parents[:-1]):
        try:
            mode = (root / folder).lstat().st_mode
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CannotWrite(f"`{folder}` cannot be looked at: {_why(error)}") from error
        if not stat.S_ISDIR(mode):
            raise CannotWrite(
                f"`{folder}` is a link, and links are not followed"
                if stat.S_ISLNK(mode)
                else f"`{folder}` is no folder"
            )
    return True


def write(root: Path, texts: Mapping[PurePosixPath, str]) -> None:
    """All or none, each only where nothing is. Errors: CannotWrite."""
    made: list[Path] = []
    try:
        for path, text in texts.items():
            _make_folders(root, path, made)
            with open(root / path, "x", encoding="utf-8", newline="", opener=_no_link) as file:
                made.append(root / path)
                file.write(text)
    except BaseException as error:
        for one in reversed(made):
            one.rmdir() if one.is_dir() else one.unlink()
        if isinstance(error, OSError):
            raise CannotWrite(
                f"`{os.path.relpath(error.filename or root, root)}` cannot be written: {_why(error)}"
            ) from error
        raise


def _make_folders(root: Path, path: PurePosixPath, made: list[Path]) -> None:
    _room(root, path)
    for folder in reversed(path.parents[:-1]):
        if not (root / folder).exists():
            (root / folder).mkdir()
            made.append(root / folder)


def _no_link(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)


def _why(error: OSError) -> str:
    return (error.strerror or "no reason").lower()
