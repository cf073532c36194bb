"""What comes before any letter ends in time and in plain words, whatever the relay says in it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dispatcher.relays.greeting import STEPS
from dispatcher.relays.outcomes import Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import Relay
from dispatcher.relays.smtp import Session
from tests.relays.test_smtp import ADA, BO, parcels
from tests.scripted import Peer, scripted
from tests.sinks import Sink

TIMEOUT = 0.2


@contextmanager
def saying(*first: bytes, again: bytes, pause: float) -> Iterator[str]:
    """A relay that says these to one connection and its first command, and then the same for ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            sock, _ = server.accept()
            with sock:
                for octets in first:
                    sock.sendall(octets)
                    sock.recv(1024)
                while not finished.wait(pause):
                    try:
                        sock.sendall(again)
                    except OSError:
                        return

        finished = threading.Event()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"smtp://ada:secret@127.0.0.1:{server.getsockname()[1]}"
        finally:
            finished.set()
            thread.join()


HELLO = b"220 relay.example.org\r\n"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ((), b"2"),
        ((), b"220-and welcome\r\n"),
        ((HELLO,), b"2"),
        ((HELLO,), b"250-SIZE\r\n"),
        ((HELLO, b"250-relay\r\n250 AUTH PLAIN\r\n"), b"235-you may\r\n"),
    ],
)
def test_a_relay_that_drips_before_any_letter_is_given_up(
    first: tuple[bytes, ...], again: bytes
) -> None:
    began = time.monotonic()
    with (
        saying(*first, again=again, pause=TIMEOUT / 10) as url,
        pytest.raises(OSError, match=r"takes too long|timed out"),
    ):
        Session.connect(Relay.of(url, timeout=TIMEOUT))
    assert time.monotonic() - began < STEPS * TIMEOUT + 1


def test_a_relay_that_says_more_and_more_before_any_letter_is_given_up() -> None:
    with (
        saying(HELLO, again=b"250-X\r\n" * 10_000, pause=0) as url,
        pytest.raises(OSError, match="says too much"),
    ):
        Session.connect(Relay.of(url, timeout=5))


def test_a_sign_in_that_makes_no_sense_leaves_the_letters_to_the_next_relay() -> None:
    def talk(peer: Peer) -> None:
        assert peer.hear() == "AUTH CRAM-MD5"
        peer.say("334 no base64 a")
        assert peer.is_left()

    with scripted(talk, offers=("AUTH CRAM-MD5",)) as url, Sink() as sink:
        pool = Pool([Relay.of(url.replace("//", "//ada:secret@")), Relay.of(sink.url)])
        outcomes = list(pool.hand_over(parcels(ADA, BO)))
        assert "makes no sense" in pool._roster.why_away(pool._relays[0])
        pool.close()

    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 2
    assert sink.addresses == [ADA, BO]


def test_a_size_of_thousands_of_digits_is_no_limit() -> None:
    def talk(peer: Peer) -> None:
        assert peer.hear().startswith("MAIL FROM")
        peer.say("550 5.7.1 not you")
        peer.hear()

    with scripted(talk, offers=("SIZE " + "9" * 5_000,)) as url:
        session = Session.connect(Relay.of(url, timeout=1))
        (outcome,) = session.hand_over(parcels(ADA))

    assert outcome.text == "550 5.7.1 not you"
