"""What is made of a properties file is taken by both clients, and holds in real TLS handshakes on loopback."""

import datetime as dt
import ipaddress
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kafkaops.cluster.properties import ClientConfig, load, oauth

STORES = Path(__file__).parent / "stores"
BROKERS = "bootstrap.servers=127.0.0.1:1\n"
TLS = "security.protocol=SSL\n"
OAUTH = (
    "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.client.id=a\n"
    "sasl.oauthbearer.client.secret=b\nsasl.oauthbearer.token.endpoint.url=http://127.0.0.1:1/token\n"
)
IDENTITY = (
    f"ssl.truststore.location={STORES}/authority.jks\nssl.keystore.location={STORES}/identity.p12\n"
    "ssl.keystore.password=storepass\n"
)

Read = Callable[..., ClientConfig]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str, timeout: float) -> ClientConfig:
        path = tmp_path / "client.properties"
        path.write_text(text)
        return load(path, root=tmp_path, environ={}, timeout=timeout)

    return read


def login_lines(mechanism: str) -> str:
    return f"security.protocol=SASL_SSL\nsasl.mechanism={mechanism}\nsasl.username=a\nsasl.password=b\n"


class _AcceptedError(Exception):
    pass


@pytest.mark.filterwarnings("ignore:(open|read)_text is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    "text",
    [
        "reconnect.backoff.max.ms=1\nretry.backoff.ms=1\nmetadata.max.age.ms=1\nclient.id=x\n",
        "client.dns.lookup=resolve_canonical_bootstrap_servers_only",
        TLS,
        TLS + IDENTITY,
        TLS + "enable.ssl.certificate.verification=false",
        login_lines("PLAIN"),
        login_lines("SCRAM-SHA-256"),
        login_lines("SCRAM-SHA-512") + IDENTITY,
        OAUTH + "sasl.oauthbearer.extensions=logicalCluster=lkc-1,identityPoolId=p\\nsasl.oauthbearer.scope=a b",
        OAUTH + f"https.ca.location={STORES}/authority.pem",
    ],
)
@pytest.mark.parametrize("timeout", [0.001, 10.0, 3600.0])
def test_both_clients_take_the_configuration(read: Read, text: str, timeout: float) -> None:
    import kafka  # noqa: PLC0415 it warns while it is imported

    config = read(BROKERS + text, timeout=timeout)

    AdminClient(dict(config.confluent), logger=logging.getLogger("quiet"))
    with pytest.raises(_AcceptedError):
        kafka.KafkaAdminClient(**config.kafka_python, kafka_client=accepted)


def accepted(**configs: Any) -> None:
    """Stands where kafka-python, having checked the names, would connect."""
    from kafka.net.compat import KafkaNetClient  # noqa: PLC0415 the same
    from kafka.net.sasl.oauth import SaslMechanismOAuth  # noqa: PLC0415 the same

    configs.pop("metrics")
    KafkaNetClient(**configs).close()
    if configs["sasl_mechanism"] == "OAUTHBEARER":
        SaslMechanismOAuth(**configs)
    raise _AcceptedError


# Handshakes: a TLS server that insists on a client's certificate


@dataclass(frozen=True)
class Issued:
    name: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issue(name: str, by: Issued | None = None, *, authority: bool = False, address: str = "127.0.0.1") -> Issued:
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name(name))
        .issuer_name(common_name(by.name if by else name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
    )
    return Issued(name, builder.sign(by.key if by else key, hashes.SHA256()), key)


ROOT = issue("root", authority=True)
MIDDLE = issue("middle", ROOT, authority=True)
CLIENT = issue("client", MIDDLE)


def server_context(folder: Path, server: Issued) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "server.pem").write_text(server.key_pem + server.pem)
    context.load_cert_chain(folder / "server.pem")
    context.load_verify_locations(cadata=ROOT.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[tuple[int, list[str]]]:
    """One connection is taken; the list tells how it went."""
    outcome: list[str] = []

    def serve() -> None:
        connection = listener.accept()[0]
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.settimeout(5)
                subject: Any = (secured.getpeercert() or {})["subject"]
                outcome.append(f"hello from {subject[0][0][1]}" if secured.recv(1) else "gone")
        except OSError as error:
            outcome.append(f"refused: {getattr(error, 'reason', error)}")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], outcome
        thread.join(10)


def by_confluent(config: ClientConfig) -> None:
    quiet = dict(config.confluent) | {"reconnect.backoff.ms": 60_000, "reconnect.backoff.max.ms": 60_000}
    client = AdminClient(quiet, logger=logging.getLogger("quiet"))
    client.poll(2)


def by_kafka_python(config: ClientConfig) -> None:
    context = config.kafka_python["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    host, port = config.bootstrap_servers[0].split(":")
    raw = socket.create_connection((host, int(port)))
    try:
        with context.wrap_socket(raw, server_hostname=host) as secured:
            secured.send(b"x")
    except ssl.SSLError:
        raw.close()


@pytest.mark.parametrize("connect", [by_confluent, by_kafka_python])
@pytest.mark.parametrize(
    ("server_address", "more", "accepted"),
    [
        ("127.0.0.1", "", True),
        ("127.0.0.9", "", False),
        ("127.0.0.9", "ssl.endpoint.identification.algorithm=\n", True),
    ],
)
def test_clients_show_their_whole_chain_and_check_the_brokers_name(
    read: Read,
    tmp_path: Path,
    connect: Callable[[ClientConfig], None],
    server_address: str,
    more: str,
    accepted: bool,
) -> None:
    (tmp_path / "ca.pem").write_text(ROOT.pem)
    (tmp_path / "chain.pem").write_text(CLIENT.pem + MIDDLE.pem)
    (tmp_path / "key.pem").write_text(CLIENT.key_pem)
    files = "ssl.ca.location=ca.pem\nssl.certificate.location=chain.pem\nssl.key.location=key.pem\n"
    context = server_context(tmp_path, issue("server", ROOT, address=server_address))

    with tls_server(context) as (port, outcome):
        connect(read(f"bootstrap.servers=127.0.0.1:{port}\n{TLS}{files}{more}", timeout=3))

    assert (outcome == ["hello from client"]) is accepted, outcome


def test_an_endpoint_whose_certificate_does_not_verify_is_one_sentence(tmp_path: Path) -> None:
    context = server_context(tmp_path, issue("server", ROOT))
    context.verify_mode = ssl.CERT_NONE

    with (
        tls_server(context) as (port, _),
        pytest.raises(oauth.TokenError, match=r"^the token endpoint's certificate does not verify$"),
    ):
        oauth.TokenSource(
            oauth.ClientCredentials(f"https://127.0.0.1:{port}/token", "me", "s", None, {}, None), 5
        ).token()
