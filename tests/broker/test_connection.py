"""From a properties file to a logged-in client, or to one sentence with the right exit code, within the time-out, and without a secret."""

from __future__ import annotations

import base64
import http.server
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk import SUPER_USERS, Desk, Ran

from kafkaops.sandbox import Sandbox, pki

pytestmark = pytest.mark.broker

SECRET = "SeNtInEl-s3cr3t"
LIMIT = 22.0
"""Seconds: the time-out of 15, and the start of a program on a busy machine."""
LISTENERS = {
    "admin": "SASL",
    "admin-jks": "SASL",
    "admin-pkcs12": "SASL",
    "admin-librdkafka": "SASL",
    "scram-256": "SASL",
    "plain": "SASL",
    "sasl-plaintext": "SASLPLAIN",
    "plaintext": "INTERNAL",
    "tls": "TLS",
    "mtls": "MTLS",
    "mtls-jks": "MTLS",
    "mtls-pkcs12": "MTLS",
    "mtls-librdkafka": "MTLS",
}
"""Of every client properties file of a sandbox."""


# ---- what works


def test_every_client_properties_file_of_the_sandbox_is_tried(kafka: Sandbox) -> None:
    assert sorted(path.stem for path in kafka.properties.parent.glob("*.properties")) == sorted(LISTENERS)


@pytest.mark.parametrize("name", LISTENERS)
def test_every_login_plans(desk: Desk, name: str) -> None:
    use(desk, desk.kafka.client(name).read_text(), LISTENERS[name])

    made = desk.run("plan", "-o", "json")

    assert (made.code, made.stderr, made.document["verdict"]) == (0, "", "in_sync")


def test_the_login_tells_who_we_are_in_both_spellings(desk: Desk) -> None:
    told = []
    for name in ("admin", "admin-librdkafka"):
        use(desk, desk.kafka.client(name).read_text(), "SASL")
        told.append(desk.plan()["live"]["principal"])

    assert told == ["User:admin"] * 2


def test_a_token_by_client_credentials_logs_in(desk: Desk) -> None:
    """The sandbox takes unsigned tokens, so that the endpoint here may issue them."""
    with token_endpoint() as url:
        use(
            desk,
            "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
            "sasl.login.callback.handler.class=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n"
            f"sasl.oauthbearer.token.endpoint.url={url}\n"
            "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required "
            f'clientId="kafkaops" clientSecret="{SECRET}";\n'
            f"ssl.truststore.type=PEM\nssl.truststore.location={desk.kafka.ca}\n",
            "SASL",
        )

        made = desk.run("plan", "-o", "json")

    assert (made.code, made.stderr) == (0, "")
    assert SECRET not in made.told


def test_a_password_from_the_environment_logs_in(desk: Desk) -> None:
    use(desk, swapped(desk, "${ADMIN_PASSWORD}"), "SASL")

    assert desk.run("plan", env={"ADMIN_PASSWORD": password(desk)}).code == 0


def test_the_operators_own_file_wins_over_the_repositorys(desk: Desk) -> None:
    use(desk, swapped(desk, "wrong"), "SASL")

    assert desk.run("plan", env={"KAFKAOPS_CLIENT_CONFIG": str(desk.kafka.properties)}).code == 0


# ---- files


def use(desk: Desk, properties: str, listener: str) -> None:
    desk.settings(
        properties=without_servers(properties),
        bootstrap_servers=desk.kafka.bootstrap_of(listener).split(","),
        authorizer={"super-users": SUPER_USERS, "allow-everyone": False},
    )


def without_servers(properties: str) -> str:
    return "".join(line for line in properties.splitlines(keepends=True) if not line.startswith("bootstrap.servers="))


def admin(desk: Desk) -> str:
    return desk.kafka.properties.read_text()


def password(desk: Desk) -> str:
    return admin(desk).partition('password="')[2].partition('"')[0]


def swapped(desk: Desk, other: str) -> str:
    return admin(desk).replace(password(desk), other)


def replaced(properties: str, key: str, value: str) -> str:
    lines = [f"{key}={value}" if line.startswith(f"{key}=") else line for line in properties.splitlines()]
    return "\n".join(lines) + "\n"


def foreign(desk: Desk) -> str:
    path = Path(desk.folder / "foreign.pem")
    path.write_bytes(pki.certificate_pem(pki.authority()))
    return admin(desk).replace(str(desk.kafka.ca), str(path))


# ---- what does not


@dataclass(frozen=True, slots=True)
class Case:
    """`properties`: what the file says; `says`: in the one sentence."""

    properties: Callable[[Desk], str]
    code: int
    says: str
    servers: Callable[[Desk], str] = lambda desk: desk.kafka.bootstrap


CASES: Mapping[str, Case] = {
    "a wrong password": Case(lambda desk: swapped(desk, SECRET), 77, "refused the credentials"),
    "an unknown user": Case(
        lambda desk: admin(desk).replace('username="admin"', 'username="nobody"'), 77, "refused the credentials"
    ),
    "a mechanism that is not offered": Case(
        lambda desk: admin(desk).replace("SCRAM-SHA-512", "GSSAPI"), 4, "sasl.mechanism"
    ),
    "an unknown key": Case(lambda desk: admin(desk) + f"ssl.pasword={SECRET}\n", 4, "ssl.pasword"),
    "a key that runs code": Case(
        lambda desk: admin(desk) + "plugin.library.paths=/tmp/evil.so\n",
        4,
        "`plugin.*` is not supported: it would load code",
    ),
    "an unset variable": Case(lambda desk: swapped(desk, "${NOT_SET}"), 4, "environment variable `NOT_SET` is not set"),
    "a command in the repository": Case(
        lambda desk: swapped(desk, "command:cat /etc/passwd"), 4, "`command:` is only allowed"
    ),
    "a port where nothing listens": Case(
        lambda _: TLS, 69, "`127.0.0.1:9` refused the connection: nothing listens there", lambda _: "127.0.0.1:9"
    ),
    "a host that does not answer": Case(lambda _: TLS, 69, "`192.0.2.1:9093`", lambda _: "192.0.2.1:9093"),
    "an unknown host name": Case(
        lambda _: TLS, 69, "`no-such-host.invalid:9093` has an unknown host name", lambda _: "no-such-host.invalid:9093"
    ),
    "a certificate of a foreign authority": Case(foreign, 69, "does not verify"),
    "another host name than the certificate's": Case(
        admin, 69, "does not verify: hostname mismatch", lambda desk: f"127.1:{desk.kafka.brokers[0].port}"
    ),
    "a truststore that is missing": Case(
        lambda desk: admin(desk).replace("ca.pem", "missing.pem"), 4, "ssl.truststore.location"
    ),
    "a wrong store password": Case(
        lambda desk: replaced(desk.kafka.client("admin-jks").read_text(), "ssl.truststore.password", SECRET),
        4,
        "ssl.truststore.location",
    ),
    "plaintext to a TLS port": Case(
        lambda _: "security.protocol=PLAINTEXT\n", 69, "hung up on a connection without TLS"
    ),
    "TLS to a plaintext port": Case(
        lambda _: TLS, 69, "does not speak TLS", lambda desk: desk.kafka.bootstrap_of("INTERNAL")
    ),
    "no login where one is wanted": Case(
        lambda desk: f"security.protocol=SSL\nssl.ca.location={desk.kafka.ca}\n",
        77,
        "hung up on a connection without a login",
    ),
    "no client certificate where one is wanted": Case(
        lambda desk: desk.kafka.client("tls").read_text(),
        77,
        "refused the client certificate, or wants one",
        lambda desk: desk.kafka.bootstrap_of("MTLS"),
    ),
}
TLS = "security.protocol=SSL\n"


@pytest.mark.parametrize("case", CASES)
def test_what_is_wrong_is_one_sentence_with_its_exit_code(desk: Desk, case: str) -> None:
    made, servers = CASES[case], CASES[case].servers(desk)
    desk.settings(properties=without_servers(made.properties(desk)), bootstrap_servers=servers.split(","))

    ran = desk.run("plan", "-v", env={"OTHER": SECRET})

    assert (ran.code, ran.stdout) == (made.code, ""), ran.told
    assert ran.stderr.startswith("error[KO6")
    assert made.says in " ".join(ran.stderr.split())
    assert_clean(desk, ran)


@pytest.mark.parametrize("command", [["apply", "--yes"], ["drift"], ["doctor"], ["describe", "topic/x"]])
def test_every_command_says_the_same(desk: Desk, command: list[str]) -> None:
    use(desk, swapped(desk, SECRET), "SASL")

    ran = desk.run(*command, "-v")

    assert ran.code == 77
    assert "refused the credentials" in ran.told
    assert_clean(desk, ran)


def assert_clean(desk: Desk, ran: Ran) -> None:
    assert "Traceback" not in ran.told
    for secret in (SECRET, password(desk), "changeit", "%3|", "%4|"):  # the last two begin what librdkafka logs
        assert secret not in ran.told
    assert ran.seconds < LIMIT


@contextmanager
def token_endpoint() -> Iterator[str]:
    """Gives whoever asks an unsigned token for `admin` (RFC 7519 section 6)."""

    class Endpoint(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")  # librdkafka reads nothing else
            self.end_headers()
            self.wfile.write(json.dumps({"access_token": unsigned_token(), "expires_in": 3600}).encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/token"
        finally:
            server.shutdown()
            thread.join()


def unsigned_token() -> str:
    claims = {"sub": "admin", "iat": int(time.time()), "exp": int(time.time()) + 3600}
    parts = (base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "none"}, claims))
    return b".".join(parts).decode() + "."
