"""The client properties files of a sandbox: every protocol, store format and spelling that a client may bring.

Always: `admin` (PEM), `admin-jks`, `admin-pkcs12`, `admin-librdkafka`, `scram-256`.
With `listeners="all"` also: `plaintext`, `tls`, `mtls`, `mtls-jks`, `mtls-pkcs12`, `mtls-librdkafka`,
`sasl-plaintext`, `plain`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafkaops.sandbox.pki import STORE_PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ADMIN = "admin"
TYPES = {"pem": "PEM", "p12": "PKCS12", "jks": "JKS"}
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"

Properties = dict[str, str]


def files(stores: Path, password: str, bootstrap: Mapping[str, str]) -> dict[str, str]:
    """Name of the file to its text; `bootstrap` is by listener."""
    found = _admin(stores, password, bootstrap["SASL"])
    if "MTLS" in bootstrap:
        found |= _every_protocol(stores, password, bootstrap)
    return {name: (_plain if name.endswith("librdkafka") else render)(each) for name, each in found.items()}


def render(properties: Mapping[str, str]) -> str:
    """As Java reads it: a character that is not ASCII is an escape."""
    return "".join(_escaped(character) for character in _plain(properties))


def _plain(properties: Mapping[str, str]) -> str:
    """As tools on librdkafka read it: no escapes, UTF-8."""
    return "".join(f"{key}={value}\n" for key, value in properties.items())


def _escaped(character: str) -> str:
    """Java knows a character beyond the BMP as two escapes."""
    if character.isascii():
        return character
    units = character.encode("utf-16-be").hex()
    return "".join(f"\\u{units[start : start + 4]}" for start in range(0, len(units), 4))


def _admin(stores: Path, password: str, servers: str) -> dict[str, Properties]:
    java = _start(servers, "SASL_SSL") | _scram("SCRAM-SHA-512", password)
    rdkafka = _start(servers, "SASL_SSL") | {
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": ADMIN,
        "sasl.password": password,
        "ssl.ca.location": str(stores / "ca.pem"),
    }
    return {
        "admin": java | _trust(stores, "pem"),
        "admin-jks": java | _trust(stores, "jks"),
        "admin-pkcs12": java | _trust(stores, "p12"),
        "admin-librdkafka": rdkafka,
        "scram-256": _start(servers, "SASL_SSL") | _scram("SCRAM-SHA-256", password) | _trust(stores, "pem"),
    }


def _every_protocol(stores: Path, password: str, bootstrap: Mapping[str, str]) -> dict[str, Properties]:
    mtls = _start(bootstrap["MTLS"], "SSL")
    rdkafka = mtls | {
        "ssl.ca.location": str(stores / "ca.pem"),
        "ssl.certificate.location": str(stores / "admin-certificate.pem"),
        "ssl.key.location": str(stores / "admin-key.pem"),
    }
    return {
        "plaintext": _start(bootstrap["INTERNAL"], "PLAINTEXT"),
        "tls": _start(bootstrap["TLS"], "SSL") | _trust(stores, "pem"),
        "mtls": mtls | _trust(stores, "pem") | _identity(stores, "pem"),
        "mtls-jks": mtls | _trust(stores, "jks") | _identity(stores, "jks"),
        "mtls-pkcs12": mtls | _trust(stores, "p12") | _identity(stores, "p12"),
        "mtls-librdkafka": rdkafka,
        "sasl-plaintext": _start(bootstrap["SASLPLAIN"], "SASL_PLAINTEXT") | _scram("SCRAM-SHA-512", password),
        "plain": _start(bootstrap["SASL"], "SASL_SSL") | _login("PLAIN", PLAIN, password) | _trust(stores, "pem"),
    }


def _start(servers: str, protocol: str) -> Properties:
    return {"bootstrap.servers": servers, "security.protocol": protocol}


def _scram(mechanism: str, password: str) -> Properties:
    return _login(mechanism, SCRAM, password)


def _login(mechanism: str, module: str, password: str) -> Properties:
    jaas = f'{module} required username="{ADMIN}" password="{password}";'
    return {"sasl.mechanism": mechanism, "sasl.jaas.config": jaas}


def _trust(stores: Path, ending: str) -> Properties:
    return _store("truststore", stores / f"ca.{ending}", ending)


def _identity(stores: Path, ending: str) -> Properties:
    return _store("keystore", stores / f"admin.{ending}", ending)


def _store(kind: str, path: Path, ending: str) -> Properties:
    """PEM stores take no password."""
    properties = {f"ssl.{kind}.type": TYPES[ending], f"ssl.{kind}.location": str(path)}
    return properties | ({} if ending == "pem" else {f"ssl.{kind}.password": STORE_PASSWORD})
