"""A mail API, or its library, that fails in a way of its own: what may have gone is never taken for unsent."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from anymail.backends.base_requests import AnymailRequestsBackend
from anymail.exceptions import AnymailCancelSend
from anymail.signals import post_send, pre_send
from django.core.mail import EmailMessage
from django.dispatch import Signal

from dispatcher.relays.mail_api import Session
from dispatcher.relays.outcomes import Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import MailApi
from tests.relays.test_greeting import saying
from tests.relays.test_mail_api import KEY, LETTER, api, hand_over, parcels
from tests.relays.test_pacing import relay as smtp_relay
from tests.relays.web import Web, web
from tests.sinks import Sink


@pytest.fixture
def mailgun() -> Iterator[Web]:
    with web(200, id="<20261123.1@mg.example.org>", message="Queued. Thank you.") as running:
        yield running


@pytest.mark.parametrize(
    "answer", ["no object", [], {"id": "m1"}, {"id": "m1", "message": 5}, {"message": "Queued."}]
)
def test_a_good_answer_that_is_not_understood_may_have_taken_the_letter(
    mailgun: Web, answer: object
) -> None:
    mailgun.answers["bo%40"] = (200, answer)
    (outcome,) = hand_over(api(mailgun.url), "bo@example.org", "ada@example.org")
    assert outcome.result is Result.UNKNOWN
    assert "not understood" in outcome.text


@contextmanager
def failing_for(
    address: str, signal: Signal, fault: type[Exception] = LookupError
) -> Iterator[None]:
    """A listener to what Anymail tells, which fails."""

    def fail(sender: object, message: EmailMessage, **_: object) -> None:
        if message.to == [address]:
            raise fault("no such account")

    signal.connect(fail)
    try:
        yield
    finally:
        signal.disconnect(fail)


def test_what_fails_after_a_good_answer_leaves_the_letter_unknown(mailgun: Web) -> None:
    with failing_for("bo@example.org", post_send):
        outcomes = hand_over(api(mailgun.url), "ada@example.org", "bo@example.org")
    assert [o.result for o in outcomes] == [Result.ACCEPTED, Result.UNKNOWN]
    assert len(mailgun.requests) == 2


def test_what_fails_before_anything_is_sent_defers_that_letter_alone(mailgun: Web) -> None:
    with failing_for("bo@example.org", pre_send):
        first, second, third = hand_over(
            api(mailgun.url), "ada@example.org", "bo@example.org", "cy@example.org"
        )
    assert (first.result, third.result) == (Result.ACCEPTED, Result.ACCEPTED)
    assert (second.result, "no such account" in second.text) == (Result.DEFERRED, True)


def test_what_a_listener_forbids_is_not_taken_for_sent(mailgun: Web) -> None:
    with failing_for("bo@example.org", pre_send, AnymailCancelSend):
        first, second = hand_over(api(mailgun.url), "ada@example.org", "bo@example.org")
    assert (first.result, second.result) == (Result.ACCEPTED, Result.DEFERRED)
    assert len(mailgun.requests) == 1


def test_a_letter_that_cannot_be_told_again_is_deferred_alone(mailgun: Web) -> None:
    first, second, third = parcels("ada@example.org", "bo@example.org", "cy@example.org")
    second = replace(second, data=LETTER.replace(b'"utf-8"', b'"no-such"'))
    session = Session.connect(api(mailgun.url))
    outcomes = list(session.hand_over([first, second, third]))
    session.close()

    assert [o.result for o in outcomes] == [Result.ACCEPTED, Result.DEFERRED, Result.ACCEPTED]
    assert "no-such" in outcomes[1].text


def test_an_api_that_answers_drop_by_drop_is_given_up() -> None:
    began = time.monotonic()
    with saying(b"", again=b"H", pause=0.02) as url:
        dripping = replace(api(url.replace("smtp", "http")), timeout=0.2)
        (outcome,) = hand_over(dripping, "ada@example.org", "bo@example.org")

    assert outcome.result is Result.UNKNOWN
    assert "did not end within 0.4 s" in outcome.text
    assert time.monotonic() - began < 2


class Unwilling(AnymailRequestsBackend):  # type: ignore[misc]
    """A backend that fails as no other does, and says what it was given."""

    esp_name = "Unwilling"

    def __init__(self, **options: str) -> None:
        super().__init__("http://127.0.0.1/")
        self._options = options

    def open(self) -> bool:
        raise KeyError(f"no account for {self._options}")


def test_a_backend_that_fails_as_none_is_foreseen_to_gives_way_to_the_next_relay() -> None:
    backend = f"{__name__}.{Unwilling.__name__}"
    with Sink() as sink:
        pool = Pool([MailApi("api", backend, {"api_key": KEY}), replace(smtp_relay(sink), order=1)])
        outcomes = list(pool.hand_over(parcels("ada@example.org")))
        words = pool._roster.why_away(pool._relays[0])
        pool.close()

    assert [o.result for o in outcomes] == [Result.ACCEPTED]
    assert "no account for" in words
    assert KEY not in words


def test_a_call_that_hangs_before_anything_went_may_send_it_yet(mailgun: Web) -> None:
    may_go_on = threading.Event()

    def hang(sender: object, message: EmailMessage, **_: object) -> None:
        may_go_on.wait(10)

    pre_send.connect(hang)
    try:
        session = Session.connect(replace(api(mailgun.url), timeout=0.05))
        (outcome,) = session.hand_over(parcels("ada@example.org"))
    finally:
        may_go_on.set()
        for thread in threading.enumerate():
            if thread.name == "call":
                thread.join(10)
        pre_send.disconnect(hang)
    assert outcome.result is Result.UNKNOWN
    assert session.is_broken
