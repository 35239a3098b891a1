"""init: a repository for a cluster that is there already."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kafkaops import connection, naming, report, scaffold
from kafkaops.cli import Options
from kafkaops.cluster import Cluster, Description, KafkaError
from kafkaops.cluster.agreement import agreed
from kafkaops.commands.output import Output, guarded
from kafkaops.commands.reading import TIMEOUT
from kafkaops.connection import OPERATORS_FILE
from kafkaops.findings import Exit, Finding, Location, Refusal, Severity, misused
from kafkaops.scaffold import CannotWrite, Found
from kafkaops.settings import ClusterEntry, Settings
from kafkaops.terms import SERVER
from kafkaops.topology import SETTINGS_FILE

if TYPE_CHECKING:
    from kafkaops.cluster.properties import ClientConfig

DEFAULT_NAME = "production"

Open = Callable[["ClientConfig"], Cluster]


def _open(config: ClientConfig) -> Cluster:
    return connection.opened(config, timeout=TIMEOUT)


def init(options: Options, *, bootstrap_servers: str | None, client_config: Path | None, open_: Open = _open) -> int:
    """`open_`: connects to a cluster."""

    def body(output: Output) -> int:
        folder = _below_here(options.topology)
        _insist_on_nothing_there(folder)
        login = _login(folder, client_config, bootstrap_servers, os.environ)
        config = _client_config(login, folder)
        cluster = open_(config)
        try:
            seen = _seen(cluster)
        finally:
            cluster.close()
        found = Found(
            name=_name(options.cluster),
            bootstrap_servers=config.bootstrap_servers,
            cluster_id=seen.described.cluster_id,
            kafka_version=seen.described.kafka_version,
            authorizer=seen.authorizer,
            principal=config.principal,
            client_config=login.in_folder,
            secret_file=_in_repository(login.file) if config.secret_written_out else None,
            convention=naming.guess(seen.topics),
        )
        written, left = _write(found, folder)
        laid = report.Laid(
            cluster=found.name,
            cluster_id=found.cluster_id,
            kafka_version=found.kafka_version,
            brokers=len(seen.described.brokers),
            topics=len(seen.topics),
            convention=found.convention,
            written=tuple(map(str, written)),
            left=tuple(map(str, left)),
            notes=tuple(_notes(found, left, folder)),
            next=tuple(_next(options, login)),
        )
        output.write(report.init_document(laid, Exit.DONE, created_at=output.created_at), cluster=found.name)
        return Exit.DONE

    return guarded("init", options, body)


# where


def _below_here(topology: Path) -> PurePosixPath:
    inside = os.path.relpath(topology)
    _insist_on_text("--topology", inside)
    if Path(inside).parts[:1] == (os.pardir,):
        raise misused(
            f"`--topology {topology}` is outside of the folder that init writes to",
            "write `-C` with the repository's folder, and `--topology` with a folder below it",
        )
    return PurePosixPath(inside)


def _insist_on_nothing_there(folder: PurePosixPath) -> None:
    settings = folder / SETTINGS_FILE
    try:
        there = scaffold.taken(Path(), [settings])
    except CannotWrite as problem:
        raise misused(
            str(problem), "begin in a folder of your own, such as a clone of an empty repository"
        ) from problem
    if settings in there:
        raise misused(
            f"`{settings}` is there already, and init never writes over a file",
            f"`kafkaops pull` takes over what is live, a second cluster is added below `clusters:` of `{settings}`",
        )


def _insist_on_text(flag: str, text: str) -> None:
    """Bytes of the command line that are no text could not be read back."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise misused(f"`{flag}` is not UTF-8", "write it in UTF-8") from error


# how


@dataclass(frozen=True, slots=True)
class _Login:
    """`file`: the properties; `in_folder`: them relative to the topology folder, when they are in there; `outside`: else, when a flag names them."""

    servers: tuple[str, ...]
    environ: Mapping[str, str]
    file: Path | None = None
    in_folder: str | None = None
    outside: Path | None = None


def _login(folder: PurePosixPath, given: Path | None, servers: str | None, environ: Mapping[str, str]) -> _Login:
    listed = _servers(servers)
    named = environ.get(OPERATORS_FILE)
    if given is None and not named and not listed:
        raise misused(
            "neither brokers nor client properties are named",
            "write `--bootstrap-servers HOST:PORT`, or `--client-config FILE` with `bootstrap.servers` in it",
        )
    if given is None:
        return _Login(listed, environ, file=Path(named) if named else None)
    if named and os.path.realpath(named) != os.path.realpath(given):
        raise misused(
            f"`--client-config` names `{given}`, and {OPERATORS_FILE} `{named}`, which rules in every command",
            f"leave `--client-config` out, or `unset {OPERATORS_FILE}`",
        )
    in_folder = os.path.relpath(given, folder)
    _insist_on_text("--client-config", in_folder)
    if Path(in_folder).parts[:1] == (os.pardir,):
        return _Login(listed, {**environ, OPERATORS_FILE: str(given)}, file=given, outside=given)
    others = {name: value for name, value in environ.items() if name != OPERATORS_FILE}
    return _Login(listed, others, file=given, in_folder=Path(in_folder).as_posix())


def _in_repository(file: Path | None) -> PurePosixPath | None:
    """Where git would take it along."""
    inside = None if file is None else Path(os.path.relpath(file))
    return None if inside is None or inside.parts[:1] == (os.pardir,) else PurePosixPath(inside.as_posix())


def _servers(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    _insist_on_text("--bootstrap-servers", text)
    listed = tuple(one.strip() for one in text.split(","))
    for one in listed:
        if not re.match(SERVER["pattern"], one) or not 0 < int(one.rpartition(":")[2]) < 2**16:
            raise misused(f"`{one}` in `--bootstrap-servers` is not HOST:PORT", "write `broker-1:9093,broker-2:9093`")
    return listed


def _client_config(login: _Login, folder: PurePosixPath) -> ClientConfig:
    entry = ClusterEntry("", Location("", 1, 1, 2), login.servers, client_config=login.in_folder)
    config = connection.client_config(entry, Path(folder), login.environ, timeout=TIMEOUT)
    if login.servers and set(config.bootstrap_servers) != set(login.servers):
        raise misused(
            f"`--bootstrap-servers {','.join(login.servers)}`, and the client properties name {','.join(config.bootstrap_servers)}",
            "leave `--bootstrap-servers` out: the properties rule in every command",
        )
    return config


def _name(cluster: str | None) -> str:
    name = DEFAULT_NAME if cluster is None else cluster
    _insist_on_text("--cluster", name)
    if not name.strip() or not name.isprintable():
        raise misused("`--cluster` is no name", f"write `--cluster {DEFAULT_NAME}`")
    return name


# what


@dataclass(frozen=True, slots=True)
class _Seen:
    described: Description
    topics: tuple[str, ...]
    authorizer: bool


def _seen(cluster: Cluster) -> _Seen:
    described = cluster.describe()
    names = agreed(
        [broker.id for broker in described.brokers],
        lambda broker: frozenset(cluster.topic_names(broker)),
        what="which topics there are",
    )
    topics = tuple(sorted(name for name in names if not Settings().ignores(name)))
    answer = cluster.acls()
    return _Seen(described, topics, not (isinstance(answer, KafkaError) and answer.name == "SECURITY_DISABLED"))


def _write(found: Found, folder: PurePosixPath) -> tuple[tuple[PurePosixPath, ...], tuple[PurePosixPath, ...]]:
    """What was written, and what is there already."""
    try:
        texts = scaffold.files(found, folder, gitlab=_on_gitlab())
        left = scaffold.taken(Path(), texts)
        new = {path: text for path, text in texts.items() if path not in left}
        scaffold.write(Path(), new)
    except CannotWrite as problem:
        help_ = "run it again when the folder can be written"
        raise Refusal(
            Exit.FAILED,
            Finding(code="KO7005", severity=Severity.ERROR, message=f"{problem}; nothing was written", help=help_),
        ) from problem
    return tuple(new), left


def _on_gitlab() -> bool:
    """A repository on GitHub needs no pipeline for GitLab, and the other way round."""
    config = Path(".git", "config")
    remotes = config.read_text(errors="replace") if config.is_file() and not config.is_symlink() else ""
    return Path(".gitlab-ci.yml").is_file() or "gitlab" in remotes


# what to tell


def _notes(found: Found, left: Collection[PurePosixPath], folder: PurePosixPath) -> Iterator[str]:
    if found.authorizer:
        yield f"complete `authorizer:` in {folder / SETTINGS_FILE}: Kafka does not tell who the super users and the brokers are"
    if file := found.secret_file:
        ignored = PurePosixPath(".gitignore")
        says = f"add `/{file}` to {ignored}" if ignored in left else f"{ignored} keeps it out of git"
        yield f"{file} holds a secret: {says}, or write `${{VARIABLE}}` there instead"


def _next(options: Options, login: _Login) -> Iterator[str]:
    where = [] if options.chdir is None else ["-C", str(options.chdir)]
    where += [] if options.topology == Path("topology") else ["--topology", str(options.topology)]
    if login.outside is not None:
        yield shlex.join(["export", f"{OPERATORS_FILE}={login.outside}"])
    yield shlex.join(["kafkaops", "pull", *where])
    yield shlex.join(["kafkaops", "plan", *where])
