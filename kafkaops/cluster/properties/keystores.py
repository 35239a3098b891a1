"""Certificates and keys out of PEM, PKCS12 and JKS files; the content tells which, not the suffix.

JKS is read as sun.security.provider.JavaKeyStore and KeyProtector of OpenJDK write it. JDK 9 and later write PKCS12
into files named .jks as well.
"""

import hashlib
import hmac
import io
import re
import struct
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

from kafkaops.cluster.properties.refused import RefusedError

LIMIT = 4 * 1024 * 1024  # a whole system's bundle of authorities is a quarter of a MiB
_JKS, _JCEKS = b"\xfe\xed\xfe\xed", b"\xce\xce\xce\xce"
_DIGEST = 20  # bytes of SHA-1
_WHITENER = b"Mighty Aphrodite"
_PRIVATE_KEY, _TRUSTED = 1, 2
# AlgorithmIdentifier {1.3.6.1.4.1.42.2.17.1.1, NULL}: Sun's own protection of keys
_SUN_PROTECTION = bytes.fromhex("060a2b060104012a021101010500")
_KEY_BLOCK = re.compile(rb"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.+?-----END (?P=kind)-----", re.DOTALL)
_PEM_BLOCK = re.compile(r"-----BEGIN (?P<kind>[A-Z ]{1,40})-----(?P<body>[A-Za-z0-9+/=\s]*)-----END (?P=kind)-----")
_WRONG = "the password is wrong, or the file is damaged"


@dataclass(frozen=True, slots=True)
class Identity:
    """A client's certificate with its chain, and its key as PKCS8 without encryption; both PEM."""

    certificates: str
    key: str = field(repr=False)


def authorities(store: bytes, password: str | None) -> str:
    """The trusted certificates of a store, as PEM."""
    if store.startswith(_JKS):
        return _chain_pem([entry.chain[0] for entry in _jks(store, password) if entry.protected_key is None])
    if b"-----BEGIN " in store:
        return certificates(store)
    return _certificates_pem(_pkcs12(store, password)[2])


def identity(store: bytes, password: str | None, key_password: str | None) -> Identity:
    """The one private key of a store, with its certificate chain."""
    if store.startswith(_JKS):
        return _jks_identity(store, password, key_password or password)
    if b"-----BEGIN " in store:
        return Identity(certificates(store), private_key(store, key_password))
    key, certificate, others = _pkcs12(store, password)
    if key is None or certificate is None:
        raise RefusedError("the store holds no private key with a certificate")
    return Identity(_certificates_pem([certificate, *others]), _key_pem(key))


def certificates(pem: bytes) -> str:
    with _unless_readable("there is no readable PEM certificate in it"):
        return _certificates_pem(x509.load_pem_x509_certificates(pem))


def private_key(pem: bytes, password: str | None) -> str:
    block = _KEY_BLOCK.search(pem)
    if block is None:
        raise RefusedError("there is no PEM private key in it")
    encrypted = b"ENCRYPTED" in block[0]
    if encrypted and password is None:
        raise RefusedError("the private key is encrypted", hint="write `ssl.key.password=${NAME}`")
    with _unless_readable(_WRONG if encrypted else "the private key cannot be read"):
        secret = password.encode() if encrypted and password is not None else None
        return _key_pem(serialization.load_pem_private_key(block[0], secret))


@contextmanager
def _unless_readable(sentence: str) -> Iterator[None]:
    """What the libraries say is left out: it may hold bytes of the file."""
    try:
        yield
    except (ValueError, TypeError, IndexError, struct.error, UnsupportedAlgorithm):
        raise RefusedError(sentence) from None


def in_lines(pem: str) -> bytes:
    """PEM in lines again: within properties they are often joined."""
    return _PEM_BLOCK.sub(_in_lines, pem).encode()


def _in_lines(block: re.Match[str]) -> str:
    body = "\n".join(textwrap.wrap("".join(block["body"].split()), 64))
    return f"-----BEGIN {block['kind']}-----\n{body}\n-----END {block['kind']}-----\n"


def _certificates_pem(found: list[x509.Certificate]) -> str:
    if not found:
        raise RefusedError("the store holds no trusted certificate")
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in found)


def _chain_pem(found: list[bytes]) -> str:
    with _unless_readable("a certificate in the store cannot be read"):
        return _certificates_pem([x509.load_der_x509_certificate(each) for each in found])


def _key_pem(key: PrivateKeyTypes) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _pkcs12(
    store: bytes, password: str | None
) -> tuple[PrivateKeyTypes | None, x509.Certificate | None, list[x509.Certificate]]:
    if not store.startswith(b"\x30"):
        kind = "JCEKS" if store.startswith(_JCEKS) else "unknown"
        raise RefusedError(f"the store is of {kind} type, not PEM, PKCS12 or JKS")
    with _unless_readable(_WRONG if password is not None else "the store needs a password"):
        return pkcs12.load_key_and_certificates(store, None if password is None else password.encode())


@dataclass(frozen=True, slots=True)
class _JksEntry:
    chain: list[bytes]  # DER certificates, the entry's own first
    protected_key: bytes | None = field(default=None, repr=False)  # EncryptedPrivateKeyInfo; None = trusted


def _jks_identity(store: bytes, password: str | None, key_password: str | None) -> Identity:
    found = [entry for entry in _jks(store, password) if entry.protected_key is not None]
    if len(found) != 1 or key_password is None:
        count = f"the store holds {len(found)} private keys, not one"
        raise RefusedError("the store needs a password" if len(found) == 1 else count)
    protected = found[0].protected_key
    assert protected is not None
    with _unless_readable("the private key in the store cannot be read"):
        key = serialization.load_der_private_key(_unprotected(protected, _utf16(key_password)), None)
    return Identity(_chain_pem(found[0].chain), _key_pem(key))


def _jks(store: bytes, password: str | None) -> list[_JksEntry]:
    """Without a password the store is read, as Java does it, but its integrity is not checked."""
    body, digest = store[:-_DIGEST], store[-_DIGEST:]
    if password is not None:
        computed = hashlib.sha1(_utf16(password) + _WHITENER + body).digest()  # noqa: S324 the format says so
        if not hmac.compare_digest(computed, digest):
            raise RefusedError(_WRONG)
    with _unless_readable("the JKS store is damaged"):
        return list(_jks_entries(io.BytesIO(body)))


def _jks_entries(stream: io.BytesIO) -> Iterator[_JksEntry]:
    _, version, count = struct.unpack(">4sII", stream.read(12))
    for _ in range(count):
        (tag,) = struct.unpack(">I", stream.read(4))
        _sized(stream, ">H")  # alias
        stream.read(8)  # date
        key = _sized(stream, ">I") if tag == _PRIVATE_KEY else None
        length = struct.unpack(">I", stream.read(4))[0] if tag == _PRIVATE_KEY else 1
        if tag not in (_PRIVATE_KEY, _TRUSTED) or length < 1:
            raise ValueError(tag)
        yield _JksEntry([_jks_certificate(stream, version) for _ in range(length)], key)


def _jks_certificate(stream: io.BytesIO, version: int) -> bytes:
    if version > 1:
        _sized(stream, ">H")  # its type, always X.509
    return _sized(stream, ">I")


def _sized(stream: io.BytesIO, size: str) -> bytes:
    (length,) = struct.unpack(size, stream.read(struct.calcsize(size)))
    content = stream.read(length)
    if len(content) != length:
        raise ValueError(length)
    return content


def _unprotected(protected: bytes, password: bytes) -> bytes:
    """Sun's key protection: salt, the key XOR a SHA-1 keystream, and SHA-1 of password and key."""
    algorithm, sealed = _der_children(_der_children(protected)[0])
    if algorithm != _SUN_PROTECTION:
        raise RefusedError("the private key is protected in an unknown way")
    salt, body, digest = sealed[:_DIGEST], sealed[_DIGEST:-_DIGEST], sealed[-_DIGEST:]
    key = bytes(a ^ b for a, b in zip(body, _keystream(password, salt), strict=False))
    if not hmac.compare_digest(hashlib.sha1(password + key).digest(), digest):  # noqa: S324 the same
        raise RefusedError("the password of the private key is wrong")
    return key


def _keystream(password: bytes, salt: bytes) -> Iterator[int]:
    block = salt
    while True:
        block = hashlib.sha1(password + block).digest()  # noqa: S324 the same
        yield from block


def _der_children(encoded: bytes) -> list[bytes]:
    """The contents of the DER values that follow each other in `encoded`."""
    children = []
    while encoded:
        length, start = encoded[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(encoded[2:start])
        children.append(encoded[start : start + length])
        encoded = encoded[start + length :]
    return children


def _utf16(password: str) -> bytes:
    return password.encode("utf-16-be")
