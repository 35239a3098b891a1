"""Kafka's jars: from KAFKA_HOME, or fetched once into a cache and never used before their hash is verified."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kafkaops.sandbox import lock
from kafkaops.sandbox.model import NotPossibleError, SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kafkaops.sandbox.lock import Jar, Lock


_WHEN = 1_700_000_000
"""The time that every fetched jar bears: another one, though of the same bytes, would make the archive of their classes useless."""


@dataclass(frozen=True, slots=True)
class Software:
    """`zookeeper` is empty where Kafka needs none."""

    kafka: str
    jars: tuple[Path, ...]
    zookeeper: tuple[Path, ...] = ()


def find(kafka: str, environment: Mapping[str, str], report: Callable[[str], None]) -> Software:
    """KAFKA_HOME where it is set, whatever version it holds; else the locked jars of a line such as `4.4`."""
    if home := environment.get("KAFKA_HOME"):
        found = _distribution(Path(home))
        if kafka not in (found.kafka, _line(found.kafka)):
            report(f"KAFKA_HOME is set, so that this is its Kafka {found.kafka} and not {kafka}")
        return found
    wanted = _lock(kafka)
    jars = fetch(wanted, environment, report)
    if _needs_zookeeper(wanted.version):
        return Software(wanted.version, jars, fetch(lock.read(lock.HERE / "zookeeper-3.8.lock"), environment, report))
    return Software(wanted.version, jars)


def cache(environment: Mapping[str, str]) -> Path:
    home = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "~"), ".cache").expanduser()
    return Path(home, "kafkaops")


def fetch(wanted: Lock, environment: Mapping[str, str], report: Callable[[str], None]) -> tuple[Path, ...]:
    store = cache(environment) / "jars"
    missing = [jar for jar in wanted.jars if not (store / jar.path).exists()]
    if missing:
        report(f"fetching {len(missing)} jars of {wanted.version} into `{store}`, once")
        _download(missing, store, environment.get("KAFKAOPS_MAVEN_MIRROR"))
    for jar in wanted.jars:
        _verify(jar, store / jar.path, "delete the file to fetch it again")
    return tuple(store / jar.path for jar in wanted.jars)


def _distribution(home: Path) -> Software:
    jars = tuple(sorted(home.joinpath("libs").glob("*.jar")))
    for jar in jars:
        if found := re.fullmatch(r"kafka_2\.1\d-(\d+\.\d+\.\d+)\.jar", jar.name):
            return Software(found[1], jars, jars if _needs_zookeeper(found[1]) else ())
    raise SandboxError(f"KAFKA_HOME is `{home}`, which holds no Kafka: there is no `libs/kafka_2.13-VERSION.jar` in it")


def _lock(kafka: str) -> Lock:
    locks = {path.stem.removeprefix("kafka-"): path for path in lock.HERE.glob("kafka-*.lock")}
    line = _line(kafka)
    found = lock.read(locks[line]) if line in locks else None
    if found and kafka in (line, found.version):
        return found
    served = ", ".join(f"`{each}`" for each in sorted(locks, key=lambda each: [int(part) for part in each.split(".")]))
    raise NotPossibleError(f"there is no sandbox for Kafka `{kafka}`: write one of {served}, or set KAFKA_HOME")


def _line(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _needs_zookeeper(version: str) -> bool:
    """The 3.5 line runs as it is run in the field; from 3.6 on the sandbox uses KRaft."""
    return [int(part) for part in version.split(".")] < [3, 6]


def _download(jars: Sequence[Jar], store: Path, mirror: str | None) -> None:
    """Into a directory of this process first: another process may be fetching the same."""
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store, prefix=".fetching-") as directory:
        with ThreadPoolExecutor(8) as pool:
            fetched = list(pool.map(_fetcher(Path(directory), mirror), jars))
        for jar, path in zip(jars, fetched, strict=True):
            _verify(jar, path, "the repository served something else")
            (store / jar.path).parent.mkdir(parents=True, exist_ok=True)
            os.utime(path, (_WHEN, _WHEN))
            path.replace(store / jar.path)


def _fetcher(directory: Path, mirror: str | None) -> Callable[[Jar], Path]:
    try:
        from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 (the extra may be missing)
    except ImportError as error:
        raise SandboxError("the sandbox fetches Kafka with `jgo`: run `pip install 'kafkaops[sandbox]'`") from error
    context = MavenContext(
        resolver=PythonResolver(),
        repo_cache=directory,
        remote_repos={"mirror": mirror.rstrip("/")} if mirror else None,
        timeout=30,
    )

    def fetch_one(jar: Jar) -> Path:
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        try:
            context.resolver.download(artifact)
        except OSError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise SandboxError(
                    f"`{jar}` could not be fetched, for the certificate of its repository does not verify: name the "
                    "authorities that this network needs in REQUESTS_CA_BUNDLE"
                ) from error
            raise SandboxError(
                f"`{jar}` could not be fetched, for its repository did not answer: the first start needs a network, "
                "or a mirror in KAFKAOPS_MAVEN_MIRROR"
            ) from error
        except RuntimeError as error:
            raise SandboxError(f"`{jar}` could not be fetched, for its repository does not serve it") from error
        return directory / jar.path

    return fetch_one


def _verify(jar: Jar, path: Path, remedy: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != jar.sha256:
        raise SandboxError(f"`{path}` is not the locked `{jar}`, its sha256 is {found} and not {jar.sha256}: {remedy}")
