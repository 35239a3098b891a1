"""Java's own key store format, for the clients that are still given one: what `keytool -storetype JKS` writes.

A store is a header, its entries, and a SHA-1 over the password and both. A key is hidden under a keystream of SHA-1
blocks (sun.security.provider.KeyProtector). Not safe by today's measure, which a sandbox does not need.
"""

from __future__ import annotations

import hashlib
import os
from struct import pack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAGIC, VERSION = 0xFEEDFEED, 2
PRIVATE_KEY, TRUSTED_CERTIFICATE = 1, 2
KEY_PROTECTOR = bytes.fromhex("300e060a2b060104012a021101010500")  # AlgorithmIdentifier 1.3.6.1.4.1.42.2.17.1.1, NULL


def truststore(alias: str, certificate: bytes, password: str) -> bytes:
    """`certificate` is DER."""
    return _store(pack(">I", TRUSTED_CERTIFICATE) + _head(alias) + _certificate(certificate), password)


def keystore(alias: str, key: bytes, chain: Sequence[bytes], password: str) -> bytes:
    """`key` is PKCS#8 DER and not encrypted; `chain` is DER, the key's own certificate first."""
    hidden = _encrypted_key_info(_hide(key, password, os.urandom(20)))
    certificates = b"".join(_certificate(each) for each in chain)
    entry = pack(">I", PRIVATE_KEY) + _head(alias) + _sized(hidden) + pack(">I", len(chain)) + certificates
    return _store(entry, password)


def _store(entry: bytes, password: str) -> bytes:
    body = pack(">III", MAGIC, VERSION, 1) + entry
    return body + _sha1(_utf16(password) + b"Mighty Aphrodite" + body)


def _head(alias: str) -> bytes:
    """Alias and time of creation, which nobody asks for."""
    return pack(">H", len(alias)) + alias.encode("ascii") + pack(">Q", 0)


def _certificate(der: bytes) -> bytes:
    return pack(">H", 5) + b"X.509" + _sized(der)


def _sized(data: bytes) -> bytes:
    return pack(">I", len(data)) + data


def _hide(key: bytes, password: str, salt: bytes) -> bytes:
    """Salt, the key under the keystream, and a checksum by which a wrong password is noticed."""
    secret, block, stream = _utf16(password), salt, b""
    while len(stream) < len(key):
        block = _sha1(secret + block)
        stream += block
    hidden = bytes(a ^ b for a, b in zip(key, stream, strict=False))
    return salt + hidden + _sha1(secret + key)


def _encrypted_key_info(hidden: bytes) -> bytes:
    return _der(0x30, KEY_PROTECTOR + _der(0x04, hidden))


def _der(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:  # noqa: PLR2004 (DER: the short form of a length)
        return bytes([tag, length]) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _utf16(password: str) -> bytes:
    return password.encode("utf-16-be")


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()
