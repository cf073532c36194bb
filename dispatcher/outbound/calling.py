"""One HTTP request to a server that somebody else has named: one connection, one answer, an end.

The only code that calls where a stranger says. It follows no redirect, sends no cookie or credential,
asks no proxy of the environment, and is over by its deadline, however the other side drips. Who may be
called is `addresses`'; what an answer means is the caller's.
"""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.client import HTTPException

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from dispatcher import __version__
from dispatcher.outbound.addresses import NoAnswer, Place, Unfit, parse, resolve

__all__ = ["Answer", "NoAnswer", "Unfit", "fetch", "post"]

SECONDS = 10.0
CONNECT_SECONDS = 4.0  # for one address of several
LARGEST = 64 * 1024  # octets of an answer that are read
NOTHING: Mapping[str, str] = {}
_LONG = 10**9  # seconds; for whoever asks for more
_OURS = {"User-Agent": f"Dispatcher/{__version__} (WebSub)", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Of a longer body the beginning is here, and `is_whole` is false.

    `retry_after` is how long a server that has too much to do asks to be left alone.
    """

    status: int
    body: bytes
    is_whole: bool
    retry_after: timedelta = timedelta()

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


def fetch(url: str, *, seconds: float = SECONDS, anywhere: bool = False) -> Answer:
    """GET. Raises Unfit for an address that is not called, NoAnswer when none came in time.

    `anywhere` lets private networks through; only for addresses that the operator has set.
    """
    return _exchange("GET", url, None, NOTHING, seconds, anywhere=anywhere)


def post(url: str, body: bytes, *, headers: Mapping[str, str], seconds: float = SECONDS) -> Answer:
    """POST these octets under these headers. Raises Unfit and NoAnswer."""
    return _exchange("POST", url, body, headers, seconds)


def _exchange(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    seconds: float,
    *,
    anywhere: bool = False,
) -> Answer:
    until = time.monotonic() + seconds
    place = parse(url)
    found = resolve(place, within=seconds, anywhere=anywhere)
    with _connected(place, found, until) as sock, _cut_off(sock, until) as is_late:
        connection = _over(sock, place, until)
        try:
            connection.request(
                method,
                place.target,
                body=body,
                headers={**_OURS, **headers, "Host": place.authority, "Connection": "close"},
                preload_content=False,
                decode_content=False,
            )
            response = connection.getresponse()
            octets = response.read(LARGEST + 1, decode_content=False)
        except (HTTPError, HTTPException, OSError, ValueError) as fault:
            words = f"took longer than {seconds:.0f} s" if is_late() else _words(fault)
            raise NoAnswer(f"{place.host} {words}") from None
        finally:
            connection.close()
    if is_late():  # what was cut off may look like an answer that came to its end
        raise NoAnswer(f"{place.host} took longer than {seconds:.0f} s")
    return Answer(
        response.status,
        octets[:LARGEST],
        is_whole=len(octets) <= LARGEST,
        retry_after=_retry_after(response.status, response.headers.get("Retry-After", "")),
    )


@contextmanager
def _connected(place: Place, addresses: list[str], until: float) -> Iterator[socket.socket]:
    """A connection to one of these very addresses; the next is tried when one does not take it."""
    said = "has no address"
    for ip in addresses:
        left = until - time.monotonic()
        if left <= 0:
            break
        try:
            sock = socket.create_connection((ip, place.port), timeout=min(left, CONNECT_SECONDS))
        except OSError as fault:
            said = f"does not take the connection ({_words(fault)})"
            continue
        with sock:
            sock.settimeout(max(until - time.monotonic(), 0.001))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield sock
        return
    raise NoAnswer(f"{place.host} {said}")


@contextmanager
def _cut_off(sock: socket.socket, until: float) -> Iterator[Callable[[], bool]]:
    """Ends the connection at the deadline, whatever waits for it: a handshake, a line, an octet.

    A socket's own timeout begins anew with every octet. The block is told whether it was cut off.
    """
    is_late = threading.Event()
    own = sock.dup()  # stays of use when TLS has taken the other over

    def cut() -> None:
        is_late.set()
        try:
            own.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended by itself

    timer = threading.Timer(max(until - time.monotonic(), 0.001), cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_late.is_set
    finally:
        timer.cancel()
        timer.join()
        own.close()


class _Plain(HTTPConnection):
    """HTTP over a connection that is there already."""

    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


class _Secure(HTTPSConnection):
    """The same under TLS, with the name and the certificate of the host, whichever its address."""

    given: socket.socket

    def _new_conn(self) -> socket.socket:
        return self.given


def _over(sock: socket.socket, place: Place, until: float) -> _Plain | _Secure:
    left = max(until - time.monotonic(), 0.001)
    connection: _Plain | _Secure
    if place.is_https:
        connection = _Secure(place.host, place.port, timeout=left, ssl_context=_trust())
    else:
        connection = _Plain(place.host, place.port, timeout=left)
    connection.given = sock
    return connection


@lru_cache(maxsize=1)
def _trust() -> ssl.SSLContext:
    """The certificates that this machine trusts; SSL_CERT_FILE names others."""
    return ssl.create_default_context()


def _retry_after(status: int, value: str) -> timedelta:
    """Seconds or a date (RFC 9110 §10.2.3), with 429 and 503; no time at all where it says neither."""
    if status not in {429, 503}:
        return timedelta()
    if re.fullmatch(r"[0-9]+", value):
        return timedelta(seconds=int(value) if len(value) < 9 else _LONG)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return timedelta()
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - datetime.now(UTC), timedelta())


def _words(fault: Exception) -> str:
    """In one line, without what the other side may have said."""
    match fault:
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not trusted: {fault.verify_message}"
        case TimeoutError():
            return "does not answer in time"
        case ConnectionRefusedError():
            return "refuses the connection"
        case OSError() if fault.strerror:
            return f"broke off: {fault.strerror}"
    return f"does not speak HTTP ({type(fault).__name__})"
