"""Certificates and keys out of PEM, PKCS12 and JKS alike; the stores were made by the JDK's keytool for these tests."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kafkaops.cluster.properties import keystores
from kafkaops.cluster.properties.refused import RefusedError

STORES = Path(__file__).parent / "stores"
STORE_PASSWORD, KEY_PASSWORD = "storepass", "keypass"


def plain_key() -> str:
    return keystores.private_key((STORES / "key.pem").read_bytes(), None)


@pytest.mark.parametrize("name", ["authority.jks", "identity.jks", "pkcs12-inside.jks", "authority.pem"])
def test_trusted_certificates_come_out_of_every_store_alike(name: str) -> None:
    found = keystores.authorities((STORES / name).read_bytes(), STORE_PASSWORD)

    assert found == (STORES / "authority.pem").read_text()


def test_a_jks_truststore_without_password_is_read_unchecked_as_java_does() -> None:
    found = keystores.authorities((STORES / "authority.jks").read_bytes(), None)

    assert found == (STORES / "authority.pem").read_text()


@pytest.mark.parametrize("name", ["identity.jks", "identity.p12", "legacy.p12"])
def test_key_and_chain_come_out_of_every_store_alike(name: str) -> None:
    found = keystores.identity((STORES / name).read_bytes(), STORE_PASSWORD, KEY_PASSWORD)

    assert found == keystores.Identity((STORES / "certificate.pem").read_text(), plain_key())
    assert "PRIVATE KEY" not in repr(found)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["identity.jks", "identity.p12"]), st.integers(0, 1300), st.integers(1, 255), st.booleans())
def test_a_damaged_store_is_refused_and_never_breaks_the_reader(name: str, at: int, flip: int, cut: bool) -> None:
    store = bytearray((STORES / name).read_bytes())
    store[at] ^= flip
    damaged = bytes(store[:at] if cut else store)

    with pytest.raises(RefusedError):
        keystores.identity(damaged, STORE_PASSWORD, KEY_PASSWORD)


@settings(deadline=None)
@given(st.integers(0, 400), st.integers(1, 255), st.booleans())
def test_a_damaged_truststore_without_a_password_never_breaks_the_reader(at: int, flip: int, cut: bool) -> None:
    store = bytearray((STORES / "authority.jks").read_bytes())
    store[at] ^= flip
    try:
        found = keystores.authorities(bytes(store[:at] if cut else store), None)
    except RefusedError:
        return

    assert found.startswith("-----BEGIN CERTIFICATE-----")
