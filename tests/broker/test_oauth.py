"""OAUTHBEARER by client credentials: both clients log in at a real broker with tokens of a small endpoint, and say why where they cannot."""

from __future__ import annotations

import base64
import gc
import http.server
import json
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kafkaops.cluster import ClusterFailure, FailureKind, KafkaError
from kafkaops.cluster.journal import Lock, Record
from kafkaops.cluster.live import LiveCluster, connect
from kafkaops.cluster.properties import load
from kafkaops.sandbox import Sandbox, running

pytestmark = pytest.mark.broker

SECRET = "SeNtInEl-s3cr3t"
WRONG = "SeNtInEl-wr0ng"

JAVA = """\
security.protocol=SASL_SSL
ssl.truststore.type=PEM
ssl.truststore.location={ca}
sasl.mechanism=OAUTHBEARER
sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler
sasl.oauthbearer.token.endpoint.url={endpoint}
sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required \\
  clientId="{user}" clientSecret="{secret}" scope="kafka";
"""
LIBRDKAFKA = """\
security.protocol=SASL_SSL
ssl.ca.location={ca}
sasl.mechanisms=OAUTHBEARER
sasl.oauthbearer.method=oidc
sasl.oauthbearer.client.id={user}
sasl.oauthbearer.client.secret={secret}
sasl.oauthbearer.scope=kafka
sasl.oauthbearer.token.endpoint.url={endpoint}
"""
SPELLINGS = [JAVA, LIBRDKAFKA]


class Endpoint(http.server.BaseHTTPRequestHandler):
    """Gives an unsigned token to whoever knows the secret."""

    def do_POST(self) -> None:
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        login = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        user, _, secret = login.partition(":")
        assert form == {"grant_type": ["client_credentials"], "scope": ["kafka"]}
        granted = secret == SECRET
        answer = {"access_token": token(user), "token_type": "bearer", "expires_in": 300}
        if granted:
            self.say(200, json.dumps(answer))
        else:
            self.say(401, json.dumps({"error": "invalid_client", "sent": secret}))

    def say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Not on stderr."""


class Rubbish(Endpoint):
    """Whatever `do_POST` would have said."""

    def do_POST(self) -> None:
        self.say(200, f"<html>{SECRET}")


class Forger(Endpoint):
    """A token that no broker takes: it begins in an hour."""

    def do_POST(self) -> None:
        self.say(200, json.dumps({"access_token": token("admin", issued=time.time() + 3600), "expires_in": 300}))


class Silent(Endpoint):
    """Takes the question and never answers."""

    def do_POST(self) -> None:
        closing.wait(60)


closing = threading.Event()


def token(user: str, issued: float | None = None) -> str:
    """RFC 7519, section 6.1, for an hour."""
    start = int(time.time() if issued is None else issued)
    claims = {"sub": user, "iat": start, "exp": start + 3600, "scope": "kafka"}
    return f"{_part({'alg': 'none'})}.{_part(claims)}."


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


@contextmanager
def endpoint(handler: type[Endpoint] = Endpoint, identity: Path | None = None) -> Iterator[str]:
    """Its address. `identity`: a PEM file with key and certificates, for https."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if identity:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(identity)
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"{'https' if identity else 'http'}://127.0.0.1:{server.server_port}/token"
        finally:
            closing.set()
            server.shutdown()
            thread.join()
            closing.clear()


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running(tmp_path_factory.mktemp("oauth"), brokers=1, kafka="4.4") as started:
        yield started


@dataclass(frozen=True, slots=True)
class Login:
    kafka: Sandbox
    spelling: str = JAVA
    user: str = "admin"
    secret: str = field(default=SECRET, repr=False)

    @contextmanager
    def at(self, address: str, more: str = "", timeout: float = 15) -> Iterator[LiveCluster]:
        file = self.kafka.directory / "client" / "oauth.properties"
        values = {"ca": self.kafka.ca, "endpoint": address, "user": self.user, "secret": self.secret}
        file.write_text(self.spelling.format(**values) + more)
        config = load(
            file,
            root=self.kafka.directory,
            bootstrap_servers=self.kafka.bootstrap.split(","),
            environ={},
            timeout=timeout,
        )
        cluster = connect(config, timeout=timeout, expected_cluster_id=self.kafka.cluster_id)
        try:
            yield cluster
        finally:
            cluster.close()
            gc.collect()

    def refused(self, address: str, timeout: float = 5) -> ClusterFailure:
        """Within the time-out, and with no secret in any sentence of the chain."""
        began = time.monotonic()
        with pytest.raises(ClusterFailure) as raised, self.at(address, timeout=timeout):
            pass
        assert time.monotonic() - began < timeout + 3
        assert "SeNtInEl" not in repr(raised.getrepr(chain=True))
        return raised.value


@pytest.mark.parametrize("spelling", SPELLINGS, ids=["java", "librdkafka"])
def test_both_clients_log_in_with_a_token(kafka: Sandbox, spelling: str) -> None:
    with endpoint() as address, Login(kafka, spelling).at(address) as cluster:
        assert cluster.describe().cluster_id == kafka.cluster_id
        assert cluster.describe().operations is not None
        assert cluster.acls() == ()


def test_a_lock_is_held_and_written_under_by_a_login_with_a_token(kafka: Sandbox) -> None:
    with endpoint() as address, Login(kafka).at(address) as cluster:
        held = cluster.journal().acquire(Lock.APPLY, "with a token")
        held.append([Record("token", "1")])
        held.prove()
        held.release()

        assert cluster.journal().read() == (Record("token", "1"),)


def test_a_principal_without_rights_is_told_so(kafka: Sandbox) -> None:
    with endpoint() as address, Login(kafka, user="guest").at(address) as cluster:
        assert cluster.describe().cluster_id == kafka.cluster_id
        assert cluster.describe().operations is None
        refused = cluster.acls()
        assert isinstance(refused, KafkaError)
        assert refused.name == "CLUSTER_AUTHORIZATION_FAILED"


def test_the_endpoint_may_have_a_certificate_of_an_authority_of_its_own(kafka: Sandbox) -> None:
    identity = kafka.directory / "client" / "server.pem"
    with endpoint(identity=identity) as address, Login(kafka).at(address, f"https.ca.location={kafka.ca}\n") as cluster:
        assert cluster.describe().cluster_id == kafka.cluster_id


@pytest.mark.parametrize("spelling", SPELLINGS, ids=["java", "librdkafka"])
def test_a_wrong_secret_is_one_sentence(kafka: Sandbox, spelling: str) -> None:
    with endpoint() as address:
        failure = Login(kafka, spelling, secret=WRONG).refused(address)

    assert (failure.kind, failure.message) == (FailureKind.REFUSED, "the token endpoint answered with HTTP status 401")


def test_an_endpoint_that_is_down_is_one_sentence(kafka: Sandbox) -> None:
    failure = Login(kafka).refused("http://127.0.0.1:1/token")

    assert (failure.kind, failure.message) == (FailureKind.REFUSED, "the token endpoint cannot be reached")


def test_an_endpoint_that_answers_rubbish_is_one_sentence(kafka: Sandbox) -> None:
    with endpoint(Rubbish) as address:
        failure = Login(kafka).refused(address)

    assert (failure.kind, failure.message) == (
        FailureKind.REFUSED,
        "the token endpoint's answer is not JSON with a token",
    )


def test_an_endpoint_that_never_answers_is_one_sentence(kafka: Sandbox) -> None:
    with endpoint(Silent) as address:
        failure = Login(kafka).refused(address)

    assert (failure.kind, failure.message) == (FailureKind.REFUSED, "the token endpoint cannot be reached")


def test_an_endpoint_whose_certificate_does_not_verify_gets_no_secret(kafka: Sandbox) -> None:
    with endpoint(identity=kafka.directory / "client" / "server.pem") as address:
        failure = Login(kafka).refused(address)

    assert (failure.kind, failure.message) == (FailureKind.REFUSED, "the token endpoint's certificate does not verify")


def test_a_token_that_the_broker_refuses_is_one_sentence(kafka: Sandbox) -> None:
    with endpoint(Forger) as address:
        failure = Login(kafka).refused(address)

    assert (failure.kind, failure.message) == (FailureKind.REFUSED, f"`{kafka.bootstrap}` refused the credentials")
