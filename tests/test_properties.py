"""One client properties file, both Python clients: what is read, what is refused, and that no secret is ever shown."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kafkaops.cluster.properties import ClientConfig, PropertiesError, keystores, load, oauth
from kafkaops.connection import connect
from kafkaops.findings import Location, Refusal
from kafkaops.settings import ClusterEntry

STORES = Path(__file__).parent / "stores"  # made by the JDK's keytool; keys of these tests only
STORE_PASSWORD, KEY_PASSWORD = "storepass", "keypass"
SECRET = "SeNtInEl-s3cr3t"
BROKERS = "bootstrap.servers=127.0.0.1:1\n"
SCRAM_MODULE = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
OAUTH_MODULE = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule"
SCRAM = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n"
TLS = "security.protocol=SSL\n"
OAUTH = (
    "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n"
    "sasl.oauthbearer.token.endpoint.url=http://127.0.0.1:1/token\n"
)

Read = Callable[..., ClientConfig]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(text: str | bytes, **arguments: Any) -> ClientConfig:
        path = tmp_path / "client.properties"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        given: dict[str, Any] = {"root": tmp_path, "environ": {}, "timeout": 10.0} | arguments
        return load(path, **given)

    return read


@pytest.fixture
def refusal(read: Read) -> Callable[..., tuple[int | None, str, str | None]]:
    def refusal(text: str | bytes, **arguments: Any) -> tuple[int | None, str, str | None]:
        with pytest.raises(PropertiesError) as caught:
            read(text, **arguments)
        error = caught.value
        assert SECRET not in f"{error!s}{error!r}{error.hint}"
        return error.line, error.message, error.hint

    return refusal


def without_pems(config: ClientConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    for_confluent = {k: v for k, v in config.confluent.items() if not str(v).startswith("-----")}
    return for_confluent, {k: v for k, v in config.kafka_python.items() if k != "ssl_context"}


def test_the_least_file_connects_in_the_clear(read: Read) -> None:
    config = read(BROKERS)

    assert config == ClientConfig(
        bootstrap_servers=("127.0.0.1:1",),
        confluent={
            "bootstrap.servers": "127.0.0.1:1",
            "security.protocol": "PLAINTEXT",
            "client.id": "kafkaops",
            "client.dns.lookup": "use_all_dns_ips",
            "socket.timeout.ms": 10_000,
            "socket.connection.setup.timeout.ms": 10_000,
        },
        kafka_python={
            "bootstrap_servers": ["127.0.0.1:1"],
            "security_protocol": "PLAINTEXT",
            "client_id": "kafkaops",
            "client_dns_lookup": "use_all_dns_ips",
            "request_timeout_ms": 10_000,
            "bootstrap_timeout_ms": 10_000,
        },
        principal=None,
    )


def test_the_architecture_documents_login_works_word_for_word(read: Read, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    text = rf"""
bootstrap.servers=broker-1:9093,broker-2:9093
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
          username="${{KAFKA_USERNAME}}" \
          password="${{KAFKA_PASSWORD}}";
ssl.truststore.location={STORES}/authority.jks
ssl.truststore.password=${{TRUSTSTORE_PASSWORD}}
ssl.keystore.location={STORES}/identity.jks
ssl.keystore.password=${{KEYSTORE_PASSWORD}}
ssl.key.password=${{KEY_PASSWORD}}
"""
    environ = {
        "KAFKA_USERNAME": "kafkaops",
        "KAFKA_PASSWORD": SECRET,
        "TRUSTSTORE_PASSWORD": STORE_PASSWORD,
        "KEYSTORE_PASSWORD": STORE_PASSWORD,
        "KEY_PASSWORD": KEY_PASSWORD,
    }

    config = read(text, environ=environ)

    assert config.bootstrap_servers == ("broker-1:9093", "broker-2:9093")
    assert config.principal == "User:kafkaops"
    assert {k: v for k, v in config.confluent.items() if k.startswith(("s", "enable")) and "socket" not in k} == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "kafkaops",
        "sasl.password": SECRET,
        "enable.ssl.certificate.verification": True,
        "ssl.endpoint.identification.algorithm": "https",
        "ssl.ca.pem": (STORES / "authority.pem").read_text(),
        "ssl.certificate.pem": (STORES / "certificate.pem").read_text(),
        "ssl.key.pem": plain_key(),
    }
    assert {k: v for k, v in config.kafka_python.items() if k.startswith("sasl")} == {
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "kafkaops",
        "sasl_plain_password": SECRET,
    }
    assert SECRET not in repr(config)
    assert "PRIVATE KEY" not in repr(config)
    assert caplog.text == ""


JAVA_OAUTH = OAUTH + (
    "sasl.login.callback.handler.class="
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler\n"
    f'sasl.jaas.config={OAUTH_MODULE} required clientId="me" clientSecret="${{S}}" scope="kafka"'
    ' extension_logicalCluster="lkc-1";\n'
)
JAVA_4_OAUTH = OAUTH + (
    f"sasl.jaas.config={OAUTH_MODULE} required;\n"
    "sasl.oauthbearer.client.credentials.client.id=me\n"
    "sasl.oauthbearer.client.credentials.client.secret=${S}\n"
    "sasl.oauthbearer.scope=kafka\n"
    "sasl.oauthbearer.extensions=logicalCluster=lkc-1\n"
)
LIBRDKAFKA_OAUTH = OAUTH.replace("sasl.mechanism=", "sasl.mechanisms=") + (
    "sasl.oauthbearer.method=oidc\n"
    "sasl.oauthbearer.client.id=me\n"
    "sasl.oauthbearer.client.secret=${S}\n"
    "sasl.oauthbearer.scope=kafka\n"
    "sasl.oauthbearer.extensions=logicalCluster=lkc-1\n"
)


@pytest.mark.filterwarnings(
    "ignore:(open|read)_text is deprecated:DeprecationWarning"
)  # kafka-python warns while it is imported
@pytest.mark.parametrize("text", [JAVA_OAUTH, JAVA_4_OAUTH, LIBRDKAFKA_OAUTH], ids=["java-3", "java-4", "librdkafka"])
def test_client_credentials_read_the_same_in_every_spelling(read: Read, text: str) -> None:
    config = read(BROKERS + text, environ={"S": SECRET})

    assert {k: v for k, v in config.confluent.items() if k.startswith(("sasl", "https"))} == {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": "http://127.0.0.1:1/token",
        "sasl.oauthbearer.client.id": "me",
        "sasl.oauthbearer.client.secret": SECRET,
        "sasl.oauthbearer.scope": "kafka",
        "sasl.oauthbearer.extensions": "logicalCluster=lkc-1",
    }
    provider = config.kafka_python["sasl_oauth_token_provider"]
    assert isinstance(provider, oauth.TokenSource)
    assert provider.extensions() == {"logicalCluster": "lkc-1"}
    assert config.principal is None
    assert SECRET not in f"{config!r}{config.kafka_python!r}"


@pytest.mark.parametrize(
    "lines",
    [
        f'sasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config={SCRAM_MODULE} required username=a password="b";',
        "sasl.mechanism=SCRAM-SHA-256\nsasl.username=a\nsasl.password=b",
        "sasl.mechanisms=scram-sha-256\nsasl.username=a\nsasl.password=b",
        (
            "sasl.mechanism=SCRAM-SHA-256\nsasl.mechanisms=SCRAM-SHA-256\nsasl.username=a\n"
            f"sasl.jaas.config={SCRAM_MODULE} required username=a password=b;"
        ),
    ],
)
def test_java_and_librdkafka_spell_the_same_login(read: Read, lines: str) -> None:
    config = read(f"{BROKERS}security.protocol=sasl_plaintext\n{lines}")

    assert {k: v for k, v in config.confluent.items() if k.startswith(("sasl", "sec"))} == {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "SCRAM-SHA-256",
        "sasl.username": "a",
        "sasl.password": "b",
    }
    assert config.principal == "User:a"


@pytest.mark.parametrize("password", ['"; username="evil', "a\\b", "${KAFKA_USERNAME}", "file:x", "\N{SNOWMAN} ;"])
def test_a_variables_value_is_never_read_as_syntax(read: Read, password: str) -> None:
    jaas_line = f'sasl.jaas.config={PLAIN_MODULE} required username="u" password="${{P}}";\n'
    text = f"{BROKERS}security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n{jaas_line}"

    assert read(text, environ={"P": password, "KAFKA_USERNAME": "x"}).confluent["sasl.password"] == password


def test_paces_reach_both_clients_and_never_exceed_the_commands_time_out(read: Read) -> None:
    text = BROKERS + (
        "client.id=ci\nrequest.timeout.ms=60000\nsocket.connection.setup.timeout.ms=2000\n"
        "reconnect.backoff.ms=7\nconnections.max.idle.ms=8\nretries=3\ndefault.api.timeout.ms=1\n"
    )

    for_confluent, for_kafka_python = without_pems(read(text, timeout=5.0))

    assert for_confluent == {
        "bootstrap.servers": "127.0.0.1:1",
        "security.protocol": "PLAINTEXT",
        "client.id": "ci",
        "client.dns.lookup": "use_all_dns_ips",
        "socket.timeout.ms": 5_000,
        "socket.connection.setup.timeout.ms": 2_000,
        "reconnect.backoff.ms": 7,
        "reconnect.backoff.max.ms": 10_000,
        "connections.max.idle.ms": 8,
    }
    assert for_kafka_python == {
        "bootstrap_servers": ["127.0.0.1:1"],
        "security_protocol": "PLAINTEXT",
        "client_id": "ci",
        "client_dns_lookup": "use_all_dns_ips",
        "request_timeout_ms": 5_000,
        "bootstrap_timeout_ms": 2_000,
        "reconnect_backoff_ms": 7,
        "reconnect_backoff_max_ms": 10_000,
        "connections_max_idle_ms": 8,
    }


@pytest.mark.parametrize(
    ("lines", "first", "longest"),
    [
        ("reconnect.backoff.ms=20000", 20_000, 20_000),
        ("reconnect.backoff.max.ms=50", 50, 50),
        ("reconnect.backoff.ms=0", 0, 10_000),
        ("reconnect.backoff.ms=9\nreconnect.backoff.max.ms=5", 5, 5),
    ],
)
def test_the_first_wait_is_never_longer_than_the_longest(read: Read, lines: str, first: int, longest: int) -> None:
    config = read(BROKERS + lines)

    found = [config.confluent[f"reconnect.backoff.{each}"] for each in ("ms", "max.ms")]
    assert found == [first, longest]


def test_brokers_of_the_cluster_need_no_line_in_the_file(read: Read) -> None:
    assert read("", bootstrap_servers=["a:1", "[::1]:2"]).confluent["bootstrap.servers"] == "a:1,[::1]:2"


# What is refused, at its line


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("sasl.mechanims=PLAIN", (2, "unknown setting `sasl.mechanims`", "did you mean `sasl.mechanisms`?")),
        ("acks=all", (2, "`acks` is a setting of producers and consumers, not of a connection", "remove the line")),
        ("plugin.library.paths=/x.so", (2, "`plugin.*` is not supported: it would load code", None)),
        ("ssl.engine.location=/x.so", (2, "`ssl.engine.location` is not supported: it would load code", None)),
        (
            "sasl.kerberos.service.name=kafka",
            (2, "`sasl.kerberos.*` is not supported: there is no Kerberos login", None),
        ),
        (
            f"password={SECRET}",
            (
                2,
                "`password` is not a setting but an option of a login module",
                "end every line of `sasl.jaas.config` but the last with a backslash",
            ),
        ),
        (SECRET, (2, "this line does not begin with the name of a setting", None)),
        ("retries=1\nretries=1", (3, "`retries` is already on line 2", None)),
        (
            "security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.mechanisms=SCRAM-SHA-256",
            (
                4,
                "`sasl.mechanisms` is the same setting as `sasl.mechanism` on line 3, with another value",
                "keep one of them",
            ),
        ),
        (
            f"security.protocol={SECRET}",
            (2, "`security.protocol` must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL", None),
        ),
        (
            "client.id=${CLIENT}",
            (
                2,
                "`client.id` must be written out, without `${`",
                "only user names, passwords, keys and client ids and secrets may refer to variables",
            ),
        ),
        ("reconnect.backoff.ms=soon", (2, "`reconnect.backoff.ms` must be a whole number from 0 to 3600000", None)),
        (
            f"sasl.username=a\nsasl.password={SECRET}",
            (
                2,
                "`sasl.username` has no effect: `security.protocol` is left at PLAINTEXT",
                "write `security.protocol` as SASL_SSL or SASL_PLAINTEXT, or remove the line",
            ),
        ),
        (
            "security.protocol=SASL_PLAINTEXT",
            (
                None,
                "`sasl.mechanism` is missing",
                "write one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
            ),
        ),
        (
            "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=GSSAPI",
            (
                3,
                "`sasl.mechanism` GSSAPI is not supported",
                "write one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER",
            ),
        ),
        (f"{SCRAM}sasl.username=a", (None, "`sasl.password` is missing", None)),
        (f"{SCRAM}sasl.username=a\nsasl.password=", (5, "`sasl.password` is empty", None)),
        (
            f"{SCRAM}sasl.jaas.config={SCRAM_MODULE} required username=a;",
            (4, "`sasl.jaas.config` gives no `sasl.password`", None),
        ),
        (
            f"{SCRAM}sasl.jaas.config={PLAIN_MODULE} required username=a password={SECRET};",
            (
                4,
                "`sasl.jaas.config` must name the login module of SCRAM-SHA-512",
                f"write `{SCRAM_MODULE} required`",
            ),
        ),
        (
            f'{SCRAM}sasl.jaas.config={SCRAM_MODULE} required username=a password="{SECRET}',
            (4, "`sasl.jaas.config`: a quote is not closed", 'write `\\\\"` for a quote inside of a value'),
        ),
        (
            f"{SCRAM}sasl.jaas.config={SCRAM_MODULE} required username=a password=b tokenauth=true;",
            (4, "`sasl.jaas.config` has an option that is not one of `username`, `password`", None),
        ),
        (
            f"{SCRAM}sasl.password={SECRET}\nsasl.jaas.config={SCRAM_MODULE} required username=a password=b;",
            (4, "`sasl.password` and `sasl.jaas.config` differ", "keep one of them"),
        ),
        (
            f"{SCRAM}sasl.username=a\nsasl.password=${{NOT_SET}}",
            (5, "`sasl.password`: environment variable `NOT_SET` is not set", None),
        ),
        (
            f"{SCRAM}sasl.username=a\nsasl.password=${{EMPTY}}",
            (5, "`sasl.password`: environment variable `EMPTY` is empty", None),
        ),
        (
            f"{SCRAM}sasl.username=a\nsasl.password=${{{SECRET}}}",
            (5, "`sasl.password`: `${` is not followed by the name of an environment variable and `}`", None),
        ),
        (
            f"{SCRAM}sasl.username=a\nsasl.password=command:echo {SECRET}",
            (
                5,
                "`sasl.password`: `command:` is only allowed in the file that KAFKAOPS_CLIENT_CONFIG names",
                "write `${NAME}` or `file:PATH`",
            ),
        ),
        (
            f"{SCRAM}sasl.username=a\nsasl.password=file:../{SECRET}",
            (5, "`sasl.password`: the file is outside of the folder that it must be in", None),
        ),
        (
            f"{SCRAM}sasl.username=a\nsasl.password=file:{SECRET}",
            (5, "`sasl.password`: the file cannot be read: no such file or directory", None),
        ),
        (
            f"{OAUTH}sasl.oauthbearer.client.id=a",
            (None, "`sasl.oauthbearer.client.credentials.client.secret` is missing", None),
        ),
        (
            OAUTH.replace("http:", "file:"),
            (
                4,
                "`sasl.oauthbearer.token.endpoint.url` must be an http or https address, without a user name in it",
                None,
            ),
        ),
        (f"{OAUTH}sasl.username=a", (5, "`sasl.username` has no effect with `sasl.mechanism` OAUTHBEARER", None)),
        (f"{OAUTH}sasl.oauthbearer.method=default", (5, "`sasl.oauthbearer.method` must be one of oidc", None)),
        (
            f"{OAUTH}sasl.login.callback.handler.class=com.example.Handler",
            (
                5,
                (
                    "`sasl.login.callback.handler.class` must be one of "
                    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler, "
                    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler"
                ),
                None,
            ),
        ),
        (
            f"{TLS}ssl.ca.location={SECRET}",
            (3, "`ssl.ca.location`: the file cannot be read: no such file or directory", None),
        ),
        (f"{TLS}ssl.ca.location=.", (3, "`ssl.ca.location`: this is not a regular file", None)),
        (
            f"{TLS}ssl.ca.location=client.properties",
            (3, "`ssl.ca.location`: the store is of unknown type, not PEM, PKCS12 or JKS", None),
        ),
        (
            f"{TLS}ssl.truststore.location={STORES}/authority.jks\nssl.truststore.password={SECRET}",
            (3, "`ssl.truststore.location`: the password is wrong, or the file is damaged", None),
        ),
        (
            f"{TLS}ssl.truststore.location={STORES}/pkcs12-inside.jks\nssl.truststore.password={SECRET}",
            (3, "`ssl.truststore.location`: the password is wrong, or the file is damaged", None),
        ),
        (
            f"{TLS}ssl.truststore.location={STORES}/authority.jks\nssl.truststore.certificates=x",
            (
                4,
                "`ssl.truststore.certificates` and `ssl.truststore.location` say the same thing twice",
                "keep one of them",
            ),
        ),
        (
            (
                f"{TLS}ssl.keystore.location={STORES}/identity.jks\nssl.keystore.password={STORE_PASSWORD}\n"
                f"ssl.key.password={SECRET}"
            ),
            (3, "`ssl.keystore.location`: the password of the private key is wrong", None),
        ),
        (
            f"{TLS}ssl.keystore.location={STORES}/identity.jks",
            (3, "`ssl.keystore.location`: the store needs a password", None),
        ),
        (
            f"{TLS}ssl.keystore.location={STORES}/authority.jks\nssl.keystore.password={STORE_PASSWORD}",
            (3, "`ssl.keystore.location`: the store holds 0 private keys, not one", None),
        ),
        (
            f"{TLS}ssl.certificate.location={STORES}/certificate.pem",
            (3, "`ssl.certificate.location` needs its other half: a certificate and its key", None),
        ),
        (
            f"{TLS}ssl.certificate.location={STORES}/authority.pem\nssl.key.location={STORES}/key.pem",
            (
                3,
                (
                    "`ssl.certificate.location`: OpenSSL does not take it: "
                    "the key is not the certificate's, or one of them is too weak"
                ),
                None,
            ),
        ),
        (
            f"{TLS}ssl.certificate.location={STORES}/certificate.pem\nssl.key.location={STORES}/key.encrypted.pem",
            (4, "`ssl.key.location`: the private key is encrypted", "write `ssl.key.password=${NAME}`"),
        ),
        (
            f"{TLS}ssl.enabled.protocols=TLSv1.3",
            (3, "`ssl.enabled.protocols` can only be `TLSv1.2,TLSv1.3`: librdkafka does not take fewer", None),
        ),
        (
            f"{TLS}ssl.cipher.suites=X",
            (3, "`ssl.cipher.suites` is not supported: Java and OpenSSL name cipher suites differently", None),
        ),
    ],
)
def test_what_cannot_be_honoured_is_an_error_at_its_line(
    refusal: Callable[..., Any], lines: str, expected: tuple[int | None, str, str | None]
) -> None:
    assert refusal(BROKERS + lines, environ={"EMPTY": ""}) == expected


@pytest.mark.parametrize("servers", ["a", "a:0", "a:65536", "a:1,,b:1", "SSL://a:1", "a b:1", SECRET])
def test_brokers_are_hosts_with_ports(refusal: Callable[..., Any], servers: str) -> None:
    sentence = "`bootstrap.servers` must be a list of HOST:PORT, separated by commas"

    assert refusal(f"bootstrap.servers={servers}") == (1, sentence, None)


def test_brokers_that_differ_from_the_clusters_are_refused(refusal: Callable[..., Any]) -> None:
    sentence = "`bootstrap.servers` names other brokers than `bootstrap-servers` of the cluster"

    assert refusal(BROKERS, bootstrap_servers=["b:1"]) == (1, sentence, "remove the line")


def test_the_operators_own_file_may_name_other_brokers(read: Read) -> None:
    config = read(BROKERS, bootstrap_servers=["b:1"], trusted=True)

    assert config.bootstrap_servers == ("127.0.0.1:1",)


def test_no_brokers_at_all_is_an_error(refusal: Callable[..., Any]) -> None:
    hint = "write it here, or `bootstrap-servers` of the cluster"

    assert refusal("") == (None, "`bootstrap.servers` is missing", hint)


# The file itself


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside.properties", tmp_path / "topology"
    outside.write_text(f"{BROKERS}{SECRET}")
    root.mkdir()
    (root / "client.properties").symlink_to(outside)

    with pytest.raises(PropertiesError, match=r"outside of the folder that it must be in$"):
        load(root / "client.properties", root=root, environ={}, timeout=1)


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (make_fifo, "this is not a regular file"),
        (Path.mkdir, "this is not a regular file"),
        (lambda path: path.symlink_to("/dev/zero"), "the file is outside of the folder that it must be in"),
        (lambda path: path.symlink_to(path), "the file cannot be read: too many levels of symbolic links"),
        (lambda path: path.write_bytes(b"#" * (256 * 1024 + 1)), "the file is larger than 256 KiB"),
        (lambda path: path.write_bytes(b"\xfe\xed\xfe\xed\0\0"), "this is not a text file"),
        (lambda _: None, "the file cannot be read: no such file or directory"),
    ],
    ids=["fifo", "folder", "device", "loop", "large", "binary", "missing"],
)
def test_only_a_small_regular_text_file_is_read(tmp_path: Path, make: Callable[[Path], None], sentence: str) -> None:
    path = tmp_path / "client.properties"
    make(path)

    with pytest.raises(PropertiesError) as caught:
        load(path, root=tmp_path, environ={}, timeout=1)

    assert (caught.value.message, caught.value.path, caught.value.line) == (sentence, path, None)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-8-sig"])
def test_a_password_with_an_accent_is_read_in_both_encodings(read: Read, encoding: str) -> None:
    text = f"{BROKERS}{SCRAM}sasl.username=a\nsasl.password=é"

    assert read(text.encode(encoding)).confluent["sasl.password"] == "é"


# References


def test_a_secret_file_is_read_beside_the_properties(read: Read, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")

    config = read(f"{BROKERS}{SCRAM}sasl.username=a\nsasl.password=file:password")

    assert config.confluent["sasl.password"] == SECRET


def test_a_secret_file_under_the_secrets_root_wins_over_the_folder(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "password").write_text("inner")
    (tmp_path / "password").write_text("outer")

    config = read(f"{BROKERS}{SCRAM}sasl.username=a\nsasl.password=file:password", secrets_root=tmp_path / "secrets")

    assert config.confluent["sasl.password"] == "inner"


def test_the_operators_own_file_may_run_a_command_and_lie_anywhere(tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text(f"{BROKERS}{SCRAM}sasl.username=a\nsasl.password=command:printenv 'THE_SECRET'")

    environ = {"PATH": os.environ["PATH"], "THE_SECRET": SECRET}
    config = load(path, root=tmp_path / "elsewhere", environ=environ, timeout=10, trusted=True)

    assert config.confluent["sasl.password"] == SECRET


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (f"sh -c 'echo {SECRET} >&2; exit 3'", "the command ended with exit code 3"),
        ("sleep 5", "the command did not end within 0.2 s"),
        (f"/no/such/{SECRET}", "the command cannot be started"),
        ("", "the command cannot be started"),
        (f"sh -c '{SECRET}", "the command cannot be started"),
        ("true", "the secret is empty, too long, or not text"),
    ],
)
def test_a_command_that_fails_is_told_without_its_words(
    refusal: Callable[..., Any], command: str, sentence: str
) -> None:
    text = f"{BROKERS}{SCRAM}sasl.username=a\nsasl.password=command:{command}"
    environ = {"PATH": os.environ["PATH"]}
    timeout = 0.2 if command.startswith("sleep") else 30

    assert refusal(text, trusted=True, timeout=timeout, environ=environ) == (5, f"`sasl.password`: {sentence}", None)


# Stores


def plain_key() -> str:
    return keystores.private_key((STORES / "key.pem").read_bytes(), None)


def joined(pem: str) -> str:
    return "".join(pem.splitlines())


@pytest.mark.parametrize("flatten", [joined, lambda pem: pem.replace("\n", "\\n"), lambda pem: pem.replace("\n", " ")])
@pytest.mark.parametrize(
    "names",
    [
        ("ssl.truststore.certificates", "ssl.keystore.certificate.chain", "ssl.keystore.key"),
        ("ssl.ca.pem", "ssl.certificate.pem", "ssl.key.pem"),
    ],
)
def test_inline_pem_is_taken_however_its_lines_are_joined(
    read: Read, flatten: Callable[[str], str], names: tuple[str, str, str]
) -> None:
    files = ("authority.pem", "certificate.pem", "key.encrypted.pem")
    lines = [f"{key}={flatten((STORES / file).read_text())}" for key, file in zip(names, files, strict=True)]

    config = read(f"{BROKERS}{TLS}ssl.key.password={KEY_PASSWORD}\nssl.keystore.type=PEM\n" + "\n".join(lines))

    assert config.confluent["ssl.ca.pem"] == (STORES / "authority.pem").read_text()
    assert config.confluent["ssl.certificate.pem"] == (STORES / "certificate.pem").read_text()
    assert config.confluent["ssl.key.pem"] == plain_key()


def test_a_key_leaves_no_file_behind(read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))

    read(f"{BROKERS}{TLS}ssl.certificate.location={STORES}/certificate.pem\nssl.key.location={STORES}/key.pem")

    assert list((tmp_path / "tmp").iterdir()) == []


def test_stores_are_found_beside_the_properties_file(read: Read, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes((STORES / "authority.pem").read_bytes())

    config = read(f"{BROKERS}{TLS}ssl.ca.location=ca.pem")

    assert config.confluent["ssl.ca.pem"] == (STORES / "authority.pem").read_text()


@pytest.mark.parametrize(
    ("line", "host_name", "verify"),
    [
        ("", True, ssl.CERT_REQUIRED),
        ("ssl.endpoint.identification.algorithm=", False, ssl.CERT_REQUIRED),
        ("ssl.endpoint.identification.algorithm=none", False, ssl.CERT_REQUIRED),
        ("ssl.endpoint.identification.algorithm=HTTPS", True, ssl.CERT_REQUIRED),
        ("enable.ssl.certificate.verification=false", False, ssl.CERT_NONE),
    ],
)
def test_host_names_are_checked_unless_the_file_says_not(
    read: Read, line: str, host_name: bool, verify: ssl.VerifyMode
) -> None:
    context = read(BROKERS + TLS + line).kafka_python["ssl_context"]

    assert isinstance(context, ssl.SSLContext)
    assert (context.check_hostname, context.verify_mode) == (host_name, verify)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_file_that_does_not_hold_is_refused_with_help(tmp_path: Path) -> None:
    (tmp_path / "client.properties").write_text("security.protocol=SSL\nssl.key.password=${NOT_SET}\n")
    entry = ClusterEntry("test", Location("", 1, 1, 2), ("127.0.0.1:1",), client_config="client.properties")

    with pytest.raises(Refusal) as refused:
        connect(entry, tmp_path, {}, timeout=1)

    (finding,) = refused.value.findings
    assert finding.code == "KO6010"
    assert finding.help == "correct the file; `kafkaops explain KO6010` tells what it may hold"
