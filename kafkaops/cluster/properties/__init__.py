"""One client properties file, in Java's or librdkafka's spelling, as the configuration of both Python clients."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kafkaops.cluster.properties import login, settings, tls
from kafkaops.cluster.properties.references import References
from kafkaops.cluster.properties.settings import Part, PropertiesError, Settings

__all__ = ["ClientConfig", "PropertiesError", "load", "without_a_file"]

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_SERVER = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class ClientConfig:
    bootstrap_servers: tuple[str, ...]
    confluent: Mapping[str, str | int | bool] = field(repr=False)
    kafka_python: Mapping[str, object] = field(repr=False)
    principal: str | None  # "User:NAME" when the login itself tells it (PLAIN and SCRAM)
    secret_written_out: bool = False  # the file holds one itself, instead of a reference to it


def load(
    path: Path,
    *,
    root: Path,
    bootstrap_servers: Sequence[str] = (),
    environ: Mapping[str, str],
    timeout: float,
    secrets_root: Path | None = None,
    trusted: bool = False,
) -> ClientConfig:
    """The configuration of both clients; `timeout` (seconds) bounds every request and every attempt to connect.

    The file is under `root`, unless it is `trusted`: named by the operator and not by the repository, which also lets
    it run commands and name other brokers than `bootstrap_servers`. `file:` references stay under `secrets_root`, else
    under the folder of the file. Raises PropertiesError.
    """
    references = References(environ, secrets_root or path.parent, commands=trusted, timeout=timeout)
    written = settings.read(path, None if trusted else root, references)
    protocol = _protocol(written)
    servers = _brokers(written, bootstrap_servers, trusted=trusted)
    parts = [_pace(written, timeout)]
    if protocol.endswith("SSL"):
        parts.append(tls.part(written))
    if protocol.startswith("SASL"):
        parts.append(login.part(written, timeout))
    confluent: dict[str, str | int | bool] = {
        "bootstrap.servers": ",".join(servers),
        "security.protocol": protocol,
    }
    kafka_python: dict[str, object] = {"bootstrap_servers": list(servers), "security_protocol": protocol}
    for part in parts:
        confluent |= part.confluent
        kafka_python |= part.kafka_python
    principal = next((part.principal for part in parts if part.principal), None)
    return ClientConfig(servers, confluent, kafka_python, principal, written.holds_a_secret())


def without_a_file(bootstrap_servers: Sequence[str], *, timeout: float) -> ClientConfig:
    """PLAINTEXT to these brokers, as for a file that is empty."""
    pace = _pace(Settings(Path(), {}, References({}, Path(), commands=False, timeout=timeout)), timeout)
    return ClientConfig(
        tuple(bootstrap_servers),
        {"bootstrap.servers": ",".join(bootstrap_servers), "security.protocol": "PLAINTEXT", **pace.confluent},
        {"bootstrap_servers": list(bootstrap_servers), "security_protocol": "PLAINTEXT", **pace.kafka_python},
        None,
    )


def _protocol(settings: Settings) -> str:
    protocol = settings.choice("security.protocol", PROTOCOLS, default="PLAINTEXT")
    for name in settings.entries:
        if name.startswith(("ssl.", "enable.ssl.")) and not protocol.endswith("SSL"):
            raise _without_effect(settings, name, protocol, "SSL or SASL_SSL")
        if name.startswith(("sasl.", "https.")) and not protocol.startswith("SASL"):
            raise _without_effect(settings, name, protocol, "SASL_SSL or SASL_PLAINTEXT")
    return protocol


def _without_effect(settings: Settings, name: str, protocol: str, other: str) -> PropertiesError:
    stated = "is" if "security.protocol" in settings.entries else "is left at"
    message = f"has no effect: `security.protocol` {stated} {protocol}"
    return settings.problem(name, message, f"write `security.protocol` as {other}, or remove the line")


def _brokers(settings: Settings, declared: Sequence[str], *, trusted: bool) -> tuple[str, ...]:
    name = "bootstrap.servers"
    text = settings.plain(name)
    written = tuple(each.strip() for each in text.split(",")) if text is not None else ()
    if any(not _is_server(each) for each in written):
        raise settings.problem(name, "must be a list of HOST:PORT, separated by commas")
    if trusted and written:
        return written
    if written and declared and set(written) != set(declared):
        message = "names other brokers than `bootstrap-servers` of the cluster"
        raise settings.problem(name, message, "remove the line")
    if not written and not declared:
        raise settings.problem(name, "is missing", "write it here, or `bootstrap-servers` of the cluster")
    return tuple(declared) or written


def _is_server(text: str) -> bool:
    match = _SERVER.fullmatch(text)
    return match is not None and 0 < int(match["port"]) < 2**16


def _pace(settings: Settings, timeout: float) -> Part:
    """The command's time-out, or less where the file asks for less."""
    whole = max(1, round(timeout * 1000))
    request = min(whole, settings.milliseconds("request.timeout.ms", 1, 2**31 - 1) or whole)
    connect = settings.milliseconds("socket.connection.setup.timeout.ms", 1000, 2**31 - 1) or 30_000
    client_id = settings.plain("client.id") or "kafkaops"
    lookups = ("use_all_dns_ips", "resolve_canonical_bootstrap_servers_only")
    lookup = settings.choice("client.dns.lookup", lookups, default=lookups[0])
    part = Part(
        {
            "client.id": client_id,
            "client.dns.lookup": lookup,
            "socket.timeout.ms": min(max(request, 10), 300_000),
            "socket.connection.setup.timeout.ms": max(min(connect, whole), 1000),
        },
        {
            "client_id": client_id,
            "client_dns_lookup": lookup,
            "request_timeout_ms": request,
            # the only bound on connecting that KafkaAdminClient takes
            "bootstrap_timeout_ms": min(connect, whole),
        },
    )
    for name, pace in _paces_of_both(settings):
        part.confluent[name] = pace
        part.kafka_python[name.replace(".", "_")] = pace
    return part


def _paces_of_both(settings: Settings) -> Iterator[tuple[str, int]]:
    """What both clients call by the same name, within librdkafka's bounds."""
    if (idle := settings.milliseconds("connections.max.idle.ms", 1, 2**31 - 1)) is not None:
        yield "connections.max.idle.ms", idle
    if (age := settings.milliseconds("metadata.max.age.ms", 1, 86_400_000)) is not None:
        yield "metadata.max.age.ms", age
    first = settings.milliseconds("reconnect.backoff.ms", 0, 3_600_000)
    longest = settings.milliseconds("reconnect.backoff.max.ms", 0, 3_600_000)
    if first is not None or longest is not None:
        longest = max(first or 0, 10_000) if longest is None else longest
        # Java waits `max` when the first wait is longer; librdkafka refuses such a pair
        yield "reconnect.backoff.ms", min(100 if first is None else first, longest)
        yield "reconnect.backoff.max.ms", longest
