"""The jars of one Kafka line with their hashes, and the developer command that writes such a lock by asking Maven.

python -m kafkaops.sandbox.lock 4.4.0
python -m kafkaops.sandbox.lock zookeeper-3.8.4
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
LOG4J2, RELOAD4J, SLF4J = "2.25.5", "1.2.25", "1.7.36"  # Kafka's POMs leave the log binding out


@dataclass(frozen=True, slots=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def path(self) -> Path:
        """Where Maven keeps it, relative to a repository."""
        return Path(*self.group.split("."), self.artifact, self.version, f"{self.artifact}-{self.version}.jar")


@dataclass(frozen=True, slots=True)
class Lock:
    version: str
    jars: tuple[Jar, ...]


def read(path: Path) -> Lock:
    """A lock file: the exact version first, then `group:artifact:version sha256` on each line."""
    version, *lines = path.read_text(encoding="ascii").splitlines()
    return Lock(version.removeprefix("# "), tuple(_jar(line) for line in lines))


def write(name: str) -> Path:
    """`4.4.0` or `zookeeper-3.8.4` to its lock file, through the `mvn` on the PATH."""
    product, version = name.rsplit("-", 1) if "-" in name else ("kafka", name)
    jars = _resolve(_pom(*(_zookeeper(version) if product == "zookeeper" else _kafka(version))))
    path = HERE / f"{product}-{version.rsplit('.', 1)[0]}.lock"
    lines = [f"# {version}", *(f"{jar} {jar.sha256}" for jar in sorted(jars, key=str))]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def _jar(line: str) -> Jar:
    coordinate, sha256 = line.split()
    group, artifact, version = coordinate.split(":")
    return Jar(group, artifact, version, sha256)


def _kafka(version: str) -> tuple[str, ...]:
    if int(version.split(".", maxsplit=1)[0]) >= 4:  # noqa: PLR2004 (Kafka 4.0 moved to log4j 2)
        binding = [
            f"org.apache.logging.log4j:log4j-{part}:{LOG4J2}" for part in ("api", "core", "slf4j-impl", "1.2-api")
        ]
    else:
        binding = _reload4j()
    return (f"org.apache.kafka:kafka_2.13:{version}", *binding)


def _zookeeper(version: str) -> tuple[str, ...]:
    """The server needs two jars that its POM calls provided."""
    provided = ["io.dropwizard.metrics:metrics-core:4.1.12.1", "org.xerial.snappy:snappy-java:1.1.10.5"]
    return (f"org.apache.zookeeper:zookeeper:{version}", *provided, *_reload4j())


def _reload4j() -> list[str]:
    return [f"org.slf4j:slf4j-reload4j:{SLF4J}", f"ch.qos.reload4j:reload4j:{RELOAD4J}"]


def _pom(*coordinates: str) -> str:
    return f"""
        <project>
          <modelVersion>4.0.0</modelVersion>
          <groupId>kafkaops</groupId><artifactId>sandbox</artifactId><version>1</version>
          <dependencies>{"".join(_dependency(*each.split(":")) for each in coordinates)}</dependencies>
        </project>"""


def _dependency(group: str, artifact: str, version: str) -> str:
    """ZooKeeper brings a log binding of its own, which would win over the one that is configured."""
    return f"""
        <dependency>
          <groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>
          <exclusions><exclusion><groupId>ch.qos.logback</groupId><artifactId>*</artifactId></exclusion></exclusions>
        </dependency>"""


def _resolve(pom: str) -> list[Jar]:
    with tempfile.TemporaryDirectory() as directory:
        source, answer = Path(directory, "pom.xml"), Path(directory, "jars.txt")
        source.write_text(pom, encoding="ascii")
        subprocess.run(
            [
                *("mvn", "--batch-mode", "--quiet", "--file", str(source), "dependency:list"),
                *("-DincludeScope=runtime", f"-DoutputFile={answer}", "-DoutputAbsoluteArtifactFilename=true"),
            ],
            check=True,
        )
        return [_resolved(line) for line in answer.read_text(encoding="utf-8").splitlines() if ":jar:" in line]


def _resolved(line: str) -> Jar:
    """`  group:artifact:jar:version:scope:/the/file.jar -- module name`."""
    group, artifact, _, version, _, file = line.split(" -- ", maxsplit=1)[0].strip().split(":", 5)
    return Jar(group, artifact, version, hashlib.sha256(Path(file).read_bytes()).hexdigest())


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        sys.stdout.write(f"{write(argument)}\n")
