"""One request to a stranger's server, over real sockets: it ends in time, whatever the server does."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from dispatcher.outbound import calling
from dispatcher.outbound.calling import LARGEST, NoAnswer, Unfit
from tests.outbound.peers import Answered, drip, hang, peer, raw


@pytest.fixture(autouse=True)
def loopback_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)


def test_octets_and_headers_arrive_as_given() -> None:
    with peer() as own:
        answer = calling.post(
            f"{own.url}/c?x=1", b"\x00\xff<feed/>", headers={"Content-Type": "application/atom+xml"}
        )
    assert (answer.status, answer.is_good, answer.is_whole) == (200, True, True)
    [asked] = own.asked
    assert (asked.method, asked.path, asked.body) == ("POST", "/c?x=1", b"\x00\xff<feed/>")
    assert asked.headers["Content-Type"] == "application/atom+xml"
    assert asked.headers["Content-Length"] == "9"
    assert asked.headers["Host"] == own.url.removeprefix("http://")
    assert "WebSub" in asked.headers["User-Agent"]
    assert not {"Cookie", "Authorization", "Transfer-Encoding"} & set(asked.headers)


def test_loopback_is_not_called_unless_it_is_allowed(settings: Settings) -> None:
    settings.OUTBOUND_NETWORKS = ()
    with peer() as own:
        with pytest.raises(Unfit):
            calling.fetch(own.url)
        with pytest.raises(Unfit):
            calling.post(own.url.replace("127.0.0.1", "localhost"), b"", headers={})
        assert own.asked == []
        assert calling.fetch(own.url, anywhere=True).status == 200


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with peer() as inner:
        away = Answered(status=status, headers={"Location": inner.url})
        with peer(lambda _: away) as own:
            assert calling.post(own.url, b"x", headers={}).status == status
            assert calling.fetch(own.url).status == status
    assert inner.asked == []


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with peer() as proxy, peer() as own:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert calling.fetch(own.url).status == 200
    assert (len(proxy.asked), len(own.asked)) == (0, 1)


def test_the_address_that_was_looked_at_is_the_one_that_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that answers otherwise the second time (DNS rebinding) is not asked a second time."""
    real, asked = socket.getaddrinfo, []

    def once(host: str, *rest: object, **named: object) -> object:
        if host == "rebinding.example.org":
            asked.append(host)
            host = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return real(host, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with peer() as own:
        port = own.url.rpartition(":")[2]
        assert calling.fetch(f"http://rebinding.example.org:{port}/").status == 200
    assert own.asked[0].headers["Host"] == f"rebinding.example.org:{port}"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "serve",
    [
        hang,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nX-Long: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ],
    ids=["hangs", "drips a status", "drips a header", "drips a body", "no length", "chunks"],
)
def test_a_server_that_hangs_or_drips_is_left_at_the_deadline(
    serve: Callable[[socket.socket, threading.Event], None],
) -> None:
    with raw(serve) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswer, match=r"took longer than|not speak HTTP|in time"):
            calling.fetch(url, seconds=0.4)
        assert time.monotonic() - began < 2


def test_a_server_that_drips_its_handshake_is_left_at_the_deadline() -> None:
    with raw(drip(b"\x16\x03\x03\x40\x00")) as url:
        began = time.monotonic()
        with pytest.raises(NoAnswer):
            calling.fetch(url.replace("http:", "https:"), seconds=0.4)
        assert time.monotonic() - began < 2


def test_of_a_huge_answer_the_beginning_is_read() -> None:
    with peer(lambda _: Answered(body=b"\xfe" * 5_000_000)) as own:
        answer = calling.fetch(own.url)
    assert (len(answer.body), answer.is_whole) == (LARGEST, False)


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "120", 120),
        (503, "120", 120),
        (500, "120", 0),
        (200, "120", 0),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (503, "Sat, 01 Jan 2000 00:00:00 -0000", 0),
        (503, "9" * 5_000, 10**9),
        (503, "soon", 0),
        (503, "-5", 0),
        (503, "1.5", 0),
        (503, "Thu, 99 Foo 1970 00:00:00 GMT", 0),
        (503, "Thu, 01 Jan 1970 00:00:00 +9999999999", 0),
        (503, "Thu, 01 Jan 99999999999999 00:00:00 GMT", 0),
        (503, "", 0),
    ],
)
def test_how_long_a_server_asks_to_be_left_alone(status: int, value: str, seconds: int) -> None:
    with peer(lambda _: Answered(status, headers={"Retry-After": value})) as own:
        assert calling.fetch(own.url).retry_after == timedelta(seconds=seconds)


def test_a_server_may_ask_to_be_left_alone_until_a_moment() -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    with peer(lambda _: Answered(503, headers={"Retry-After": until})) as own:
        asked = calling.fetch(own.url).retry_after
    assert timedelta(minutes=59) < asked <= timedelta(hours=1)


def test_what_is_coded_is_not_blown_up() -> None:
    import gzip

    bomb = Answered(body=gzip.compress(b"\0" * 10_000_000), headers={"Content-Encoding": "gzip"})
    with peer(lambda _: bomb) as own:
        answer = calling.fetch(own.url)
    assert answer.body == bomb.body


@pytest.mark.parametrize(
    "said", [b"", b"\x00\x01\x02\n\n", b"HTTP/1.1 two hundred\r\n\r\n", b"220 mail.example.org\r\n"]
)
def test_what_is_no_http_is_no_answer(said: bytes) -> None:
    def serve(connection: socket.socket, _: threading.Event) -> None:
        connection.recv(65_536)
        connection.sendall(said)

    with raw(serve) as url, pytest.raises(NoAnswer):
        calling.fetch(url)


def test_a_port_that_nobody_listens_at_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NoAnswer, match="refuses the connection"):
        calling.fetch(f"http://127.0.0.1:{port}/")


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A TLS server for `callback.example.org` on loopback, and the certificate that vouches for it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "callback.example.org")])
    now = datetime.now(UTC)
    own = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("callback.example.org")]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "own.pem"
    pem.write_bytes(
        own.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def serve(connection: socket.socket, _: threading.Event) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(65_536)
            secured.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with raw(serve) as url:
        yield url.rpartition(":")[2], pem


def test_tls_holds_the_certificate_against_the_name_and_not_the_address(
    secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    port, pem = secure
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _, *rest, **named: real("127.0.0.1", *rest, **named)
    )
    with pytest.raises(NoAnswer, match="certificate that is not trusted"):
        calling.fetch(f"https://callback.example.org:{port}/")
    monkeypatch.setattr(calling, "_trust", lambda: ssl.create_default_context(cafile=pem))
    assert calling.fetch(f"https://callback.example.org:{port}/").status == 204
    with pytest.raises(NoAnswer, match="certificate that is not trusted"):
        calling.fetch(f"https://other.example.org:{port}/")
