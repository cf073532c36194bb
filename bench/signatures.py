"""The key of a run, and whether a letter is well signed with it, as dkimpy judges."""

from __future__ import annotations

import base64
from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

SELECTOR = "s1"
BITS = 2_048


def make_key(path: Path) -> Path:
    """A new RSA key in a file that its owner alone may read."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return path


def environment(key: Path) -> dict[str, str]:
    """The settings under which workers sign with it."""
    return {"DKIM_KEYS": f"{SELECTOR}:{key}"}


def is_good(raw: bytes, key: Path) -> bool:
    """Whether a letter bears a signature that holds (RFC 6376)."""
    private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    return bool(dkim.verify(raw, dnsfunc=lambda *_args, **_named: record))
