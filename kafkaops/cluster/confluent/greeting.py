"""The first handshake with a cluster.

librdkafka tells within a second why a login, a certificate or an address does not do, though not in the answer: its call waits out the time-out and then says "timed out".
The reason comes as an event, for a plain connection to a TLS port only as a line of its log. kafka-python knows no reason at all.
"""

from __future__ import annotations

import logging
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from confluent_kafka import KafkaError as ClientError
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from kafkaops.cluster import ClusterFailure, FailureKind

# After the last server of the list has failed, one that is being tried again may yet answer.
_GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.02
_LOG_INFO = 6  # where librdkafka says that a connection broke


@dataclass(frozen=True, slots=True)
class Greeting:
    cluster_id: str
    brokers: tuple[str, ...]  # host:port of each live one


@dataclass(frozen=True, slots=True)
class Complaint:
    kind: FailureKind
    sentence: str
    help: str = ""
    certificate: bool = False  # why it does not verify is asked of OpenSSL, once it is final


def greet(settings: Mapping[str, str | int | bool], *, timeout: float, tls: ssl.SSLContext | None = None) -> Greeting:
    """Log in and ask who the brokers are; `ClusterFailure` in one sentence at the first reason that is final. `tls` only serves to explain a failure."""
    complaints = _Complaints(str(settings["bootstrap.servers"]).split(","), timeout, tls)
    client = _client(settings, complaints)
    try:
        answer = client.describe_cluster(request_timeout=timeout)
        while not answer.done():
            client.poll(_POLL_SECONDS)
            if complaints.final:
                raise complaints.failure()
        return _greeting(answer, complaints)
    finally:
        del client  # else a failure's traceback keeps it logging in, again and again


def _client(settings: Mapping[str, str | int | bool], complaints: _Complaints) -> Any:
    ours = {"error_cb": complaints.hear, "log_level": _LOG_INFO}
    try:
        return AdminClient({**settings, **ours}, logger=complaints.logger())
    except KafkaException as error:
        sentence = f"the client cannot be made: {error.args[0].str()}"
        raise ClusterFailure(FailureKind.UNREACHABLE, sentence) from error


def _greeting(answer: Any, complaints: _Complaints) -> Greeting:
    try:
        cluster = answer.result()
    except KafkaException as error:
        raise complaints.failure() from error
    return Greeting(cluster.cluster_id, tuple(f"{node.host}:{node.port}" for node in cluster.nodes))


@dataclass(slots=True)
class _Complaints:
    servers: list[str]
    timeout: float
    tls: ssl.SSLContext | None
    _by_server: dict[str, Complaint] = field(default_factory=dict)
    _all_down_at: float | None = None

    @property
    def final(self) -> bool:
        down = self._all_down_at is not None and time.monotonic() > self._all_down_at + _GRACE_SECONDS
        return down or bool(self._refused())

    def hear(self, error: ClientError) -> None:
        if error.code() == ClientError._ALL_BROKERS_DOWN:  # noqa: SLF001  # that is its public name
            self._all_down_at = self._all_down_at or time.monotonic()
        else:
            self._note(error.str())

    def logger(self) -> logging.Logger:
        """Listens to librdkafka's log, and keeps it off stderr."""
        logger = logging.Logger(__name__)  # noqa: LOG001  # without parents, nothing of it reaches stderr
        logger.addHandler(_Listener(self._note))
        return logger

    def failure(self) -> ClusterFailure:
        refused = self._refused()
        if refused:
            return ClusterFailure(FailureKind.REFUSED, refused[0].sentence, help=refused[0].help)
        help_ = next((complaint.help for complaint in self._by_server.values() if complaint.help), "")
        sentences = _together({server: self._sentence(server) for server in self.servers})
        return ClusterFailure(FailureKind.UNREACHABLE, "; ".join(sentences), help=help_)

    def _sentence(self, server: str) -> str:
        complaint = self._by_server.get(server)
        if complaint is None:
            return f"`{server}` did not answer within {self.timeout:g} s"
        if complaint.certificate and self.tls:
            return complaint.sentence + _why_unverified(server, self.tls, self.timeout)
        return complaint.sentence

    def _note(self, text: str) -> None:
        found = _SERVER.search(text)
        server = found["server"] if found else ""
        complaint = complaint_about(server, text)
        if complaint and (server or complaint.kind is FailureKind.REFUSED):
            self._by_server[server] = complaint

    def _refused(self) -> list[Complaint]:
        return [complaint for complaint in self._by_server.values() if complaint.kind is FailureKind.REFUSED]


def _together(sentences: Mapping[str, str]) -> Iterator[str]:
    """By server, each with its sentence; what is the same for several is said once."""
    alike: dict[str, list[str]] = {}
    for server, sentence in sentences.items():
        alike.setdefault(sentence.replace(server, ""), []).append(server)
    for first, *others in alike.values():
        also = ", ".join(f"`{server}`" for server in others)
        yield sentences[first] + (f" (the same for {also})" if others else "")


class _Listener(logging.Handler):
    def __init__(self, note: Any) -> None:
        super().__init__()
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record.getMessage())


# In an event `sasl_ssl://HOST:PORT/bootstrap: ...`, in a log line the same after `[thrd:...]: `; without a protocol when it is PLAINTEXT.
_SERVER = re.compile(r"(?:^|//|: )(?P<server>(?:\[[^\]]+\]|[^\s/\[\]:]+):\d+)/(?:bootstrap|\d+): ")

# librdkafka's words, the first that fits, and ours.
_RULES = (
    (
        r"Unsupported SASL mechanism: broker's supported mechanisms: (?P<offers>[\w, -]+?)(?: \(|$)",
        Complaint(
            FailureKind.REFUSED,
            "`{server}` does not take the login mechanism of the client properties",
            "write one of these as `sasl.mechanism`: {offers}",
        ),
    ),
    (
        r"Request not valid in current SASL state",
        Complaint(
            FailureKind.UNREACHABLE,
            "`{server}` takes no SASL login",
            "write `security.protocol=PLAINTEXT` (with TLS: `SSL`), or name a port with a login",
        ),
    ),
    (
        r"Failed to acquire SASL OAUTHBEARER token",  # before any server is asked; what follows is the endpoint's own text
        Complaint(FailureKind.REFUSED, "the token endpoint gave no token to log in with"),
    ),
    (r"SASL authentication error", Complaint(FailureKind.REFUSED, "`{server}` refused the credentials")),
    (
        r"certificate verify failed",
        Complaint(
            FailureKind.UNREACHABLE,
            "the certificate of `{server}` does not verify",
            "name the server as its certificate does, and in `ssl.ca.location` (Java: `ssl.truststore.location`) the authority that signed it",
            certificate=True,
        ),
    ),
    (
        r"alert (?:(?:bad|unsupported) certificate|certificate (?:expired|required|revoked|unknown)|unknown ca|handshake failure)",
        Complaint(FailureKind.REFUSED, "`{server}` refused the client certificate, or wants one"),
    ),
    (r"alert (?P<words>[a-z ]+)", Complaint(FailureKind.UNREACHABLE, "`{server}` refused TLS: {words}")),
    (
        r"connecting to a PLAINTEXT broker|closed by peer \(after \d+ms in state SSL_HANDSHAKE|wrong version number|packet length too long",
        Complaint(
            FailureKind.UNREACHABLE,
            "`{server}` does not speak TLS",
            "write `security.protocol=PLAINTEXT` or `SASL_PLAINTEXT`, or name a port with TLS",
        ),
    ),
    (
        r"Disconnected.*in state APIVERSION_QUERY",
        Complaint(
            FailureKind.UNREACHABLE,
            "`{server}` hung up on a connection without TLS",
            "write `security.protocol=SSL` or `SASL_SSL`, or name a port without TLS",
        ),
    ),
    (
        r"^(?!.*sasl_).*Disconnected.*in state UP",
        Complaint(
            FailureKind.REFUSED,
            "`{server}` hung up on a connection without a login",
            "write `security.protocol=SASL_SSL` or `SASL_PLAINTEXT`, or name a port without a login",
        ),
    ),
    (
        r"lookup controller: .*feature not supported",
        Complaint(FailureKind.UNREACHABLE, "`{server}` is the port of a controller", "name the port of a broker"),
    ),
    (
        r"Connection refused",
        Complaint(
            FailureKind.UNREACHABLE,
            "`{server}` refused the connection: nothing listens there",
            "start the cluster, or name the properties file of another one in `KAFKAOPS_CLIENT_CONFIG`",
        ),
    ),
    (r"Failed to resolve", Complaint(FailureKind.UNREACHABLE, "`{server}` has an unknown host name")),
    (r"SSL handshake failed", Complaint(FailureKind.UNREACHABLE, "`{server}` and this client found no common TLS")),
    (
        r"(?:failed|Disconnected): (?!Local: Timed out)(?P<words>[^(:]+)",  # whoever is silent has no words of its own
        Complaint(FailureKind.UNREACHABLE, "`{server}` cannot be reached: {words}"),
    ),
)


def complaint_about(server: str, text: str) -> Complaint | None:
    """Ours for what librdkafka said about a server; None where that is no reason to fail."""
    for pattern, complaint in _RULES:
        said = re.search(pattern, text)
        if said:
            words = {"server": server} | {name: value.strip() for name, value in said.groupdict().items()}
            sentence, help_ = complaint.sentence.format(**words), complaint.help.format(**words)
            return replace(complaint, sentence=sentence, help=help_)
    return None


def _why_unverified(server: str, tls: ssl.SSLContext, timeout: float) -> str:
    """OpenSSL's reason, which librdkafka keeps to itself: another host name, an unknown authority, expired ..."""
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout) as plain:
            tls.wrap_socket(plain, server_hostname=host.strip("[]")).close()
    except ssl.SSLCertVerificationError as error:
        reason = error.verify_message.rstrip(".")
        return f": {reason if reason[1:2].isupper() else reason[:1].lower() + reason[1:]}"
    except OSError:
        return ""
    return ""
