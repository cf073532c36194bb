"""Which coding a client gets: what it likes best, brotli where it does not care, plain bytes in doubt."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.feeds.negotiating import chosen

ALL = ("identity", "gzip", "br")


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip;q=1.0", "gzip"),
        ("GZIP;q=0.5, zstd", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "br"),
        ("deflate, *;q=0.3", "br"),
        ("br;q=0, *", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("gzip\t; \tq=0.001", "gzip"),
        ("identity;q=0.5, gzip;q=0.8", "gzip"),
        ("identity;q=0, br;q=0.001", "br"),
        ("gzip;level=9;q=0.2", "gzip"),
        ("gzip,,br;q=0.", "gzip"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity", "identity"),
        ("", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip; q=0.0, *;q=0", "identity"),
        ("identity;q=0, *;q=0", "identity"),
        ("gzip;q=nonsense", "identity"),
        ("gzip;q=nan", "identity"),
        ("gzip;q=-1", "identity"),
        ("gzip;q=1.5", "identity"),
        ("gzip;q=0.1234", "identity"),
        ("gzip;q=1e0", "identity"),
        ("gzip;q", "identity"),
        ("gzipped, brr", "identity"),
        (",;,=;q", "identity"),
        (None, "identity"),
    ],
)
def test_what_is_chosen(header: str | None, coding: str) -> None:
    assert chosen(header, ALL) == coding


def test_only_what_is_there_is_chosen() -> None:
    assert chosen("br, gzip;q=0.1", ("identity", "gzip")) == "gzip"
    assert chosen("br, gzip", ("identity",)) == "identity"


@given(st.text())
def test_no_header_raises(header: str) -> None:
    assert chosen(header, ALL) in ALL


@pytest.mark.parametrize(
    "header", [",".join(["gzip"] * 10**5), "gzip;" * 10**5, "q=" * 10**5, "x" * 10**6, ";" * 10**6]
)
def test_a_huge_header_is_not_read(header: str) -> None:
    began = time.perf_counter()
    assert chosen(header, ALL) == "identity"
    assert time.perf_counter() - began < 0.5
