"""The three ways in which letters are said, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any

from dispatcher.relays.outcomes import Outcome, Parcel
from dispatcher.relays.relay import Relay
from dispatcher.relays.smtp import Session
from tests.relays.test_smtp import parcels
from tests.sinks import Sink

WINDOW = 3
DISTANCE = 0.004  # seconds, which is more than WINDOW milliseconds


class Way(StrEnum):
    PLAIN = "word by word"
    PIPELINED = "pipelined"
    CHUNKED = "chunked"


@contextmanager
def sink_of(way: Way, **settings: Any) -> Iterator[Sink]:
    is_chunked = way is Way.CHUNKED
    offers = {"pipelining": way is not Way.PLAIN, "chunking": is_chunked}
    if is_chunked:
        offers["distance"] = DISTANCE  # type: ignore[assignment]
    with Sink(**offers | settings) as sink:
        yield sink
        assert sink.improper == []


def relay_of(sink: Sink | str, *, timeout: float = 5.0, **settings: Any) -> Relay:
    settings = {"in_flight": WINDOW} | settings
    url = sink if isinstance(sink, str) else sink.url
    return replace(Relay.of(url, timeout=timeout, final_timeout=timeout), **settings)


def hand_over(sink: Sink, *letters: Parcel | str, **settings: Any) -> list[Outcome]:
    """Outcomes of one session, letters given by address or as parcels."""
    addressed = [letter for letter in letters if isinstance(letter, str)]
    given = [letter for letter in letters if isinstance(letter, Parcel)]
    session = Session.connect(relay_of(sink, **settings))
    outcomes = list(session.hand_over(given or parcels(*addressed)))
    session.close()
    return outcomes
