from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from dispatcher.letters.keys import BadKey, Key
from tests.letters.signers import ed25519_pem, pem, rsa_pem


def public_pem() -> bytes:
    public = Ed25519PrivateKey.generate().public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def locked_pem() -> bytes:
    return pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: rsa_pem(1024), "1024 bits"),
        (lambda: pem(ec.generate_private_key(ec.SECP256R1())), "neither RSA nor Ed25519"),
        (public_pem, "no private key"),
        (locked_pem, "passphrase"),
        (bytes, "no private key"),
        (lambda: rsa_pem()[:-200], "no private key"),
    ],
    ids=["small", "elliptic", "public", "locked", "empty", "cut short"],
)
def test_a_key_that_cannot_sign_is_refused_and_not_repeated(
    make: Callable[[], bytes], complaint: str
) -> None:
    text = make()
    with pytest.raises(BadKey, match=complaint) as refusal:
        Key.of("news2026", text)
    assert "news2026" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert not any(len(line) > 9 and line in str(refusal.value) for line in text.decode().split())


@pytest.mark.parametrize("selector", ["", "a b", "a;b", "ü", "-a", "a.", "a\r\nBcc", "x" * 64])
def test_a_selector_that_is_no_name_is_refused(selector: str) -> None:
    with pytest.raises(BadKey, match="is no selector"):
        Key.of(selector, ed25519_pem())


def test_a_key_shows_its_public_half_only() -> None:
    text = rsa_pem()
    key = Key.of("news2026", text)
    assert repr(key) == f"Key(selector='news2026', algorithm='rsa-sha256', public='{key.public}')"
    assert key.public not in text.decode()
    assert key.record == f"v=DKIM1; k=rsa; p={key.public}"


def test_keys_of_openssl_in_their_older_form_are_read() -> None:
    private = load_pem_private_key(rsa_pem(), None)
    older = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert older.startswith(b"-----BEGIN RSA PRIVATE KEY")
    assert Key.of("news2026", older).algorithm == "rsa-sha256"
