"""Mail APIs as relays: django-anymail's own backends, speaking to an HTTP server of ours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from dispatcher.errors import RelayUnreachable
from dispatcher.relays.mail_api import Session
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pool import Pool
from dispatcher.relays.relay import MailApi
from dispatcher.relays.retelling import Stamped
from tests.relays.test_pacing import relay as smtp_relay
from tests.relays.web import Web, web
from tests.sinks import Sink, refusing_url, silent_url

KEY = "key-that-is-secret"
LETTER = (
    b"From: =?utf-8?q?Zo=C3=AB_Press?= <briefs@news.example.org>\r\n"
    b"To: <ada@example.org>\r\n"
    b"Subject: =?utf-8?q?F=C3=A4hren?= run again\r\n"
    b"Message-ID: <token@news.example.org>\r\n"
    b"Reply-To: press@example.org\r\n"
    b"List-Unsubscribe: <https://news.example.org/leave/token>,\r\n"
    b" <mailto:press@example.org?subject=unsubscribe%20token>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"DKIM-Signature: v=1; a=rsa-sha256; b=abc\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b'--b\r\nContent-Type: text/plain; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\nF=C3=A4hren\r\n"
    b'--b\r\nContent-Type: text/html; charset="utf-8"\r\n'
    b"Content-Transfer-Encoding: quoted-printable\r\n\r\n<p>F=C3=A4hren</p>\r\n--b--\r\n"
)


@pytest.fixture
def mailgun() -> Iterator[Web]:
    with web(200, id="<20261123.1@mg.example.org>", message="Queued. Thank you.") as running:
        yield running


def api(url: str, backend: str = "mailgun", **options: str) -> MailApi:
    key = "server_token" if backend == "postmark" else "api_key"
    full = f"anymail.backends.{backend}.EmailBackend"
    return MailApi("api", full, {key: KEY, "api_url": url, **options}, timeout=1)


def parcels(*addresses: str) -> list[Parcel]:
    return [
        Parcel(n, f"bounces+{n}@news.example.org", address, LETTER)
        for n, address in enumerate(addresses, 1)
    ]


def hand_over(relay: MailApi, *addresses: str) -> list[Outcome]:
    session = Session.connect(relay)
    outcomes = list(session.hand_over(parcels(*addresses)))
    session.close()
    return outcomes


def test_a_letter_is_told_in_its_parts_with_all_its_headers(mailgun: Web) -> None:
    (outcome,) = hand_over(api(mailgun.url, sender_domain="mg.example.org"), "ada@example.org")

    assert replace(outcome, at=0.0) == Outcome(
        1, Result.ACCEPTED, "api", "", "queued as <20261123.1@mg.example.org>"
    )
    assert outcome.at > 0
    (request,) = mailgun.requests
    assert request.path == "/mg.example.org/messages"
    form = request.form
    assert form["from"] == "Zoë Press <briefs@news.example.org>"
    assert (form["to"], form["subject"]) == ("ada@example.org", "Fähren run again")
    assert form["text"].strip() == "Fähren"
    assert form["html"].strip() == "<p>Fähren</p>"
    assert {key: value for key, value in form.items() if key.startswith(("h:", "v:"))} == {
        "h:Reply-To": "press@example.org",
        "h:Message-Id": "<token@news.example.org>",
        "h:List-Unsubscribe": "<https://news.example.org/leave/token>,"
        " <mailto:press@example.org?subject=unsubscribe%20token>",
        "h:List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "v:return_path": "bounces+1@news.example.org",
    }


def test_one_connection_carries_many_letters_until_it_is_spent(mailgun: Web) -> None:
    pool = Pool([replace(api(mailgun.url), messages=3)])
    outcomes = list(pool.hand_over(parcels(*["ada@example.org"] * 5)))
    pool.close()

    assert [outcome.result for outcome in outcomes] == [Result.ACCEPTED] * 5
    assert mailgun.connections == 2


def test_an_api_that_takes_whole_letters_gets_the_octets_that_were_stamped() -> None:
    (parcel,) = parcels("ada@example.org")
    message = Stamped(parcel).message()
    message["X-Metadata"] = "that a backend adds"
    assert [part["Content-Transfer-Encoding"] for part in message.walk()] == [None]
    assert message.as_bytes() == LETTER
    assert message_from_bytes(message.as_bytes(), policy=policy.default)["DKIM-Signature"]


@pytest.mark.parametrize(
    ("status", "result", "is_broken"),
    [
        (400, Result.DEFERRED, False),
        (401, Result.DEFERRED, True),
        (404, Result.DEFERRED, True),
        (429, Result.DEFERRED, False),
        (500, Result.DEFERRED, False),
        (503, Result.DEFERRED, False),
        (504, Result.UNKNOWN, False),
    ],
)
def test_an_error_is_of_its_kind_and_never_ends_a_letter_for_good(
    mailgun: Web, status: int, result: Result, is_broken: bool
) -> None:
    mailgun.answers["bo%40"] = (status, {"message": "not now"})
    outcomes = hand_over(api(mailgun.url), "bo@example.org", "ada@example.org")

    assert outcomes[0].result is result
    assert outcomes[0].text == f'{status} {{"message": "not now"}}'
    assert len(outcomes) == (1 if is_broken else 2)


def test_a_recipient_that_is_refused_is_a_failure_and_the_next_goes() -> None:
    good = {"ErrorCode": 0, "Message": "OK", "MessageID": "m1", "To": "ada@example.org"}
    words = "You tried to send to recipient(s) that have been marked as inactive."
    who = "Found inactive addresses: bo@example.org. Inactive recipients are ones that bounced."
    bad = {"ErrorCode": 406, "Message": f"{words}\n{who}"}
    with web(200, **good) as postmark:
        postmark.answers["bo@"] = (422, bad)
        refused, accepted = hand_over(
            api(postmark.url, "postmark"), "bo@example.org", "ada@example.org"
        )

    assert (refused.result, accepted.result) == (Result.FAILED, Result.ACCEPTED)
    assert "marked as inactive" in refused.text
    assert postmark.requests[1].json["Subject"] == "Fähren run again"


def test_a_letter_without_an_answer_may_have_been_taken(mailgun: Web) -> None:
    mailgun.answers["bo%40"] = None
    (outcome,) = hand_over(api(mailgun.url), "bo@example.org", "ada@example.org")
    assert outcome.result is Result.UNKNOWN


def test_an_api_that_is_silent_past_the_deadline_may_have_taken_the_letter() -> None:
    with silent_url() as url:
        silent = replace(api(url.replace("smtp", "http")), timeout=0.2)
        (outcome,) = hand_over(silent, "ada@example.org", "bo@example.org")
    assert outcome.result is Result.UNKNOWN


def test_an_api_that_refuses_connections_has_taken_nothing() -> None:
    with refusing_url() as url:
        (outcome,) = hand_over(api(url.replace("smtp", "http")), "ada@example.org")
    assert outcome.result is Result.DEFERRED
    assert "Connection refused" in outcome.text


def test_no_secret_is_ever_in_what_is_said(mailgun: Web) -> None:
    mailgun.answers["ada"] = (401, {"message": "Forbidden"})
    (outcome,) = hand_over(api(mailgun.url), "ada@example.org")
    assert KEY not in outcome.text
    assert KEY not in repr(api(mailgun.url))


def test_a_pool_leaves_a_failing_api_alone_and_takes_the_relay_behind_it(mailgun: Web) -> None:
    mailgun.answers["to="] = (401, {"message": "Forbidden"})
    addresses = [f"r{n}@example.org" for n in range(6)]
    with Sink() as sink:
        pool = Pool([api(mailgun.url), replace(smtp_relay(sink), order=1)])
        outcomes = list(pool.hand_over(parcels(*addresses)))
        pool.close()

    assert [o.result for o in outcomes] == [Result.DEFERRED] * 3 + [Result.ACCEPTED] * 3
    assert len(mailgun.requests) == 3


def test_429_holds_the_rest_back(mailgun: Web) -> None:
    mailgun.answers["r2%40"] = (429, {"message": "Too many requests"})
    pool = Pool([api(mailgun.url)])
    outcomes = list(pool.hand_over(parcels(*[f"r{n}@gmail.com" for n in range(5)])))
    pool.close()
    assert [o.result for o in outcomes[1:]] == [
        Result.ACCEPTED,
        Result.DEFERRED,
        Result.HELD_BACK,
        Result.HELD_BACK,
    ]


@pytest.mark.parametrize(
    ("backend", "options", "words"),
    [
        ("anymail.backends.nobody.EmailBackend", {}, "No module named 'anymail.backends.nobody'"),
        ("anymail.backends.mailgun.EmailBackend", {}, "MAILGUN_API_KEY"),
        ("anymail.backends.amazon_ses.EmailBackend", {}, "boto3"),
    ],
)
def test_an_api_that_cannot_be_set_up_says_why(
    backend: str, options: dict[str, str], words: str
) -> None:
    pool = Pool([MailApi("api", backend, options)])
    with pytest.raises(RelayUnreachable, match=words):
        pool.greet()
