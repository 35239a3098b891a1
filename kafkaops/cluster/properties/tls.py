import secrets
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from kafkaops.cluster.properties import keystores
from kafkaops.cluster.properties.refused import RefusedError
from kafkaops.cluster.properties.settings import Part, Settings

_STORE = "ssl.keystore.location"


def part(settings: Settings) -> Part:
    _insist_on_usual_versions(settings)
    verify = settings.choice("enable.ssl.certificate.verification", ("true", "false"), default="true") == "true"
    name_check = settings.choice("ssl.endpoint.identification.algorithm", ("https", "none", ""), default="https")
    for name in ("ssl.truststore.type", "ssl.keystore.type"):
        settings.choice(name, ("JKS", "PKCS12", "PEM"), default="JKS")  # the content tells it for sure
    wanted = _Tls(
        authorities=_authorities(settings),
        identity=_identity(settings),
        verify_certificate=verify,
        verify_hostname=name_check == "https",
    )
    with settings.blaming(_certificate_at(settings) or "security.protocol"):
        return Part(_for_confluent(wanted), {"ssl_context": _context(wanted)})


@dataclass(frozen=True, slots=True)
class _Tls:
    authorities: str | None  # PEM; None = those that the system trusts
    identity: keystores.Identity | None
    verify_certificate: bool
    verify_hostname: bool


def _insist_on_usual_versions(settings: Settings) -> None:
    name = "ssl.enabled.protocols"
    text = settings.plain(name)
    if text is not None and {each.strip() for each in text.split(",")} != {"TLSv1.2", "TLSv1.3"}:
        raise settings.problem(name, "can only be `TLSv1.2,TLSv1.3`: librdkafka does not take fewer")


def _authorities(settings: Settings) -> str | None:
    location, inline = "ssl.truststore.location", "ssl.truststore.certificates"
    settings.at_most_one(location, inline)
    password = settings.credential("ssl.truststore.password")
    if (store := settings.file(location)) is not None:
        with settings.blaming(location):
            return keystores.authorities(store, password)
    return inline_certificates(settings, inline)


def inline_certificates(settings: Settings, name: str) -> str | None:
    if (pem := settings.plain(name)) is None:
        return None
    with settings.blaming(name):
        return keystores.certificates(keystores.in_lines(pem))


def _identity(settings: Settings) -> keystores.Identity | None:
    certificate_at = _certificate_at(settings)
    key_at = settings.at_most_one(_STORE, "ssl.key.location", "ssl.keystore.key")
    key_password = settings.credential("ssl.key.password")
    password = settings.credential("ssl.keystore.password")
    if certificate_at is None and key_at is None:
        return None
    if certificate_at is None or key_at is None:
        raise settings.problem(certificate_at or key_at or "", "needs its other half: a certificate and its key")
    if certificate_at == _STORE:
        with settings.blaming(_STORE):
            return keystores.identity(settings.file(_STORE) or b"", password, key_password)
    with settings.blaming(certificate_at):
        certificates = keystores.certificates(_pem(settings, certificate_at))
    with settings.blaming(key_at):
        return keystores.Identity(certificates, keystores.private_key(_pem(settings, key_at), key_password))


def _certificate_at(settings: Settings) -> str | None:
    return settings.at_most_one(_STORE, "ssl.certificate.location", "ssl.keystore.certificate.chain")


def _pem(settings: Settings, name: str) -> bytes:
    if name.endswith(".location"):
        return settings.file(name) or b""
    return keystores.in_lines(settings.credential(name) or "")


def _for_confluent(wanted: _Tls) -> dict[str, str | int | bool]:
    found: dict[str, str | int | bool] = {
        "enable.ssl.certificate.verification": wanted.verify_certificate,
        "ssl.endpoint.identification.algorithm": "https" if wanted.verify_hostname else "none",
    }
    if wanted.authorities is not None:
        found["ssl.ca.pem"] = wanted.authorities
    if wanted.identity is not None:
        found |= {"ssl.certificate.pem": wanted.identity.certificates, "ssl.key.pem": wanted.identity.key}
    return found


def _context(wanted: _Tls) -> ssl.SSLContext:
    """TLS 1.2 and later."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = wanted.verify_hostname and wanted.verify_certificate
    made.verify_mode = ssl.CERT_REQUIRED if wanted.verify_certificate else ssl.CERT_NONE
    if wanted.authorities is not None:
        made.load_verify_locations(cadata=wanted.authorities)
    else:
        made.load_default_certs()
    if wanted.identity is not None:
        _load_identity(made, wanted.identity)
    return made


def _load_identity(made: ssl.SSLContext, identity: keystores.Identity) -> None:
    # OpenSSL's Python face takes a client's key from a file only: one that nobody else may open, that holds the
    # key under a password which is forgotten at once, and that is gone when the key is loaded
    password = secrets.token_bytes(24).hex()
    with tempfile.TemporaryDirectory() as folder:
        pem = Path(folder, "identity.pem")
        pem.touch(mode=0o600)
        pem.write_bytes(_sealed(identity.key, password) + identity.certificates.encode())
        try:
            made.load_cert_chain(pem, password=password)
        except ssl.SSLError:
            sentence = "OpenSSL does not take it: the key is not the certificate's, or one of them is too weak"
            raise RefusedError(sentence) from None


def _sealed(key: str, password: str) -> bytes:
    return serialization.load_pem_private_key(key.encode(), None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()),
    )
