"""Which addresses may be called: the public internet, by whatever name and spelling, and nothing else."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from dispatcher.outbound import addresses
from dispatcher.outbound.addresses import NoAnswer, Unfit, is_allowed, parse, resolve

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254",  # noqa: S104
    "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "203.0.113.5", "224.0.0.1",
    "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1",
    "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
    "2001:0:7f00:1::", "100::1", "4000::1",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("ip", PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_not_called(ip: str) -> None:
    assert not is_allowed(ip)


@pytest.mark.parametrize("ip", PUBLIC)
def test_an_address_of_the_public_internet_is(ip: str) -> None:
    assert is_allowed(ip)


@given(st.ip_addresses())
def test_what_python_takes_for_private_is_never_called(ip: Any) -> None:
    assert not is_allowed(str(ip)) or (ip.is_global and not ip.is_multicast)


def test_the_operator_may_allow_networks(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("10.20.0.0/16"), ip_network("fd00::/8"))
    assert is_allowed("10.20.3.4")
    assert is_allowed("::ffff:10.20.3.4")
    assert is_allowed("fd00::7")
    assert not is_allowed("10.21.0.1")


SPELLINGS = [
    "127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "0", "[::1]",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
]  # fmt: skip


@pytest.mark.parametrize("host", SPELLINGS)
def test_however_a_private_address_is_spelt_it_is_told_at_once_and_not_called(host: str) -> None:
    place = parse(f"http://{host}:8080/")
    with pytest.raises(Unfit, match="not on the public internet"):
        addresses.check_number(place)
    with pytest.raises(Unfit, match="not on the public internet"):
        resolve(place, within=5)


def test_a_name_is_judged_by_all_its_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what the resolver says, which is all that a test can put in its place."""

    def found(*ips: str) -> None:
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ips]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)

    place = parse("http://callback.example.org/")
    found("93.184.215.14", "93.184.215.14", "8.8.8.8")
    assert resolve(place, within=5) == ["93.184.215.14", "8.8.8.8"]
    found("93.184.215.14", "10.0.0.7")
    with pytest.raises(Unfit, match=r"callback\.example\.org is not on the public internet"):
        resolve(place, within=5)


def test_this_machines_own_name_is_not_called() -> None:
    with pytest.raises(Unfit):
        resolve(parse("http://localhost/"), within=5)


def test_a_name_that_nobody_has_is_no_fault() -> None:
    with pytest.raises(NoAnswer, match="could not be looked up"):
        resolve(parse("http://nobody.invalid/"), within=10)
    with pytest.raises(NoAnswer):
        resolve(parse(f"http://{'a' * 64}.example/"), within=5)


def test_a_resolver_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    is_over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: is_over.wait(30) and [])
    with pytest.raises(NoAnswer, match="in time"):
        resolve(parse("http://slow.example.org/"), within=0.05)
    is_over.set()


@pytest.mark.parametrize(
    "url",
    [
        "", "callback", "//example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://x/",
        "http://", "http:///path", "http://user@example.org/", "http://user:word@example.org/",
        "http://example.org:22/", "http://example.org:25/", "http://example.org:6379/",
        "http://example.org:99999/", "http://example.org:x/", "http://example.org:0/",
        "http://[::1/", "http://exa mple.org/", "http://example.org/\r\nX-A: b", "http://example.org/\x00",
        "http://example.org/a#b", "http://bücher.example/", "http://example.org/\\@x", "javascript:alert(1)",
        "http://example.org/" + "a" * 9_000,
    ],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_refused_with_a_sentence(url: str) -> None:
    with pytest.raises(Unfit, match=r"\.$"):
        parse(url)


def test_an_address_keeps_its_path_query_and_port() -> None:
    place = parse("https://Example.org:8443/a/b%20c?d=e&f")
    assert (place.is_https, place.host, place.port) == (True, "example.org", 8443)
    assert (place.target, place.authority) == ("/a/b%20c?d=e&f", "example.org:8443")
    assert parse("https://example.org").authority == "example.org"
    assert parse("http://[2606:4700::1]/").authority == "[2606:4700::1]"
