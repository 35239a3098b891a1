"""A certificate authority that lives for one sandbox, and what it signs: PEM, PKCS#12 and JKS."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from kafkaops.sandbox import jks

STORE_PASSWORD = "sandbox"  # noqa: S105 (of stores beside which it is written)
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM


@dataclass(frozen=True, slots=True)
class Signed:
    """A key and the certificate that the authority signed for it."""

    name: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def authority() -> Signed:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("kafkaops sandbox")
    usage = x509.KeyUsage(
        **dict.fromkeys(("key_cert_sign", "crl_sign", "digital_signature"), True),
        **dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False),
        **dict.fromkeys(("encipher_only", "decipher_only"), False),
    )
    certificate = (
        _certificate(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Signed("ca", key, certificate)


def sign(ca: Signed, common_name: str) -> Signed:
    """Good for a server on loopback and for a client; the principal is the common name."""
    key = ec.generate_private_key(ec.SECP256R1())
    places = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _certificate(_name(common_name), ca.certificate.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(places), critical=False)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(ca.key, hashes.SHA256())
    )
    return Signed(common_name, key, certificate)


def certificate_pem(signed: Signed) -> bytes:
    return signed.certificate.public_bytes(PEM)


def key_pem(signed: Signed) -> bytes:
    return signed.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, NoEncryption())


def keystores(signed: Signed, ca: Signed) -> dict[str, bytes]:
    """File ending to content: `pem` (the key, then its chain), `p12` and `jks`."""
    chain = [each.certificate.public_bytes(DER) for each in (signed, ca)]
    key = signed.key.private_bytes(DER, serialization.PrivateFormat.PKCS8, NoEncryption())
    return {
        "pem": key_pem(signed) + certificate_pem(signed) + certificate_pem(ca),
        "p12": pkcs12.serialize_key_and_certificates(
            signed.name.encode(), signed.key, signed.certificate, [ca.certificate], _encryption()
        ),
        "jks": jks.keystore(signed.name, key, chain, STORE_PASSWORD),
    }


def truststores(ca: Signed) -> dict[str, bytes]:
    """File ending to content: `pem`, `p12` and `jks`."""
    trusted = pkcs12.PKCS12Certificate(ca.certificate, b"ca")
    return {
        "pem": certificate_pem(ca),
        "p12": pkcs12.serialize_java_truststore([trusted], _encryption()),
        "jks": jks.truststore("ca", ca.certificate.public_bytes(DER), STORE_PASSWORD),
    }


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _encryption() -> serialization.KeySerializationEncryption:
    return BestAvailableEncryption(STORE_PASSWORD.encode())
