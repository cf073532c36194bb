"""A session with a real SMTP server: one outcome for each parcel, whatever the server does."""

from __future__ import annotations

import signal
import smtplib
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.relays import greeting
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.relay import Relay
from dispatcher.relays.smtp import Session
from tests.sinks import Fate, Sink, silent_url

DATA = b"Subject: Ferries run again\r\n\r\nFrom Monday on.\r\n"
ADA, BO, CY = "ada@example.org", "bo@example.org", "cy@example.org"
CERTIFICATE = Path(__file__).with_name("self-signed.pem")


def parcels(*addresses: str, data: bytes = DATA) -> list[Parcel]:
    return [
        Parcel(key, f"bounce-{key}@news.example.org", address, data)
        for key, address in enumerate(addresses, 1)
    ]


def hand_over(sink: Sink, *addresses: str, data: bytes = DATA) -> list[Outcome]:
    session = Session.connect(Relay.of(sink.url, timeout=0.5, final_timeout=0.5))
    outcomes = list(session.hand_over(parcels(*addresses, data=data)))
    session.close()
    return outcomes


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running


def test_an_accepted_letter_arrives_with_its_envelope_and_its_octets(sink: Sink) -> None:
    (outcome,) = hand_over(sink, ADA)

    relay = sink.url.removeprefix("smtp://")
    told = Outcome(1, Result.ACCEPTED, relay, "2.0.0", "250 2.0.0 kept", outcome.at)
    assert outcome == told
    assert abs(time.time() - outcome.at) < 5
    (letter,) = sink.letters
    assert (letter.mail_from, letter.rcpt_to) == ("bounce-1@news.example.org", (ADA,))
    assert letter.data == DATA


@pytest.mark.parametrize(
    ("answer", "result", "code"),
    [
        ("450 4.2.1 mailbox busy", Result.DEFERRED, "4.2.1"),
        ("451 4.7.1 greylisted, come back", Result.DEFERRED, "4.7.1"),
        ("550 5.1.1 no such user", Result.FAILED, "5.1.1"),
        ("554 no", Result.FAILED, ""),
    ],
)
@pytest.mark.parametrize("when", ["answers", "data_answers"])
def test_a_refusal_is_of_its_kind_and_the_next_letter_goes_over_the_same_connection(
    sink: Sink, when: str, answer: str, result: Result, code: str
) -> None:
    getattr(sink, when)[ADA] = answer
    refused, accepted = hand_over(sink, ADA, BO)

    assert (refused.result, refused.code, refused.text) == (result, code, answer)
    assert accepted.result is Result.ACCEPTED
    assert sink.addresses == [BO]
    assert sink.connections == 1


@pytest.mark.parametrize("answer", ["251 2.1.5 will forward", "252 2.1.5 will try"])
def test_a_letter_counts_as_accepted_only_once_it_has_been_sent(sink: Sink, answer: str) -> None:
    sink.answers[ADA] = answer
    (outcome,) = hand_over(sink, ADA)

    assert outcome.result is Result.ACCEPTED
    assert sink.addresses == [ADA]


@pytest.mark.parametrize("when", ["answers", "data_answers"])
def test_421_defers_the_letter_and_ends_the_session(sink: Sink, when: str) -> None:
    getattr(sink, when)[BO] = "421 4.3.2 closing down"
    outcomes = hand_over(sink, ADA, BO, CY)

    assert [o.result for o in outcomes] == [Result.ACCEPTED, Result.DEFERRED]
    assert outcomes[1].code == "4.3.2"


@pytest.mark.parametrize("fate", [Fate.CUT_AT_RCPT, Fate.CUT_AT_DATA, Fate.HANG_AT_RCPT])
def test_a_connection_lost_before_the_letter_was_sent_defers_it(sink: Sink, fate: Fate) -> None:
    sink.fates[BO] = fate
    outcomes = hand_over(sink, ADA, BO, CY)

    assert [o.result for o in outcomes] == [Result.ACCEPTED, Result.DEFERRED]
    assert "the connection broke on the way" in outcomes[1].text


def test_a_connection_lost_while_the_letter_is_being_sent_defers_it(sink: Sink) -> None:
    sink.fates[ADA] = Fate.CUT_IN_LETTER
    (outcome,) = hand_over(sink, ADA, data=DATA + b"more of it\r\n" * 1_500_000)

    assert outcome.result is Result.DEFERRED


@pytest.mark.parametrize("fate", [Fate.CUT_AFTER_DOT, Fate.HANG_AFTER_DOT])
def test_an_answer_that_never_comes_leaves_the_letter_unknown(sink: Sink, fate: Fate) -> None:
    sink.fates[BO] = fate
    outcomes = hand_over(sink, ADA, BO, CY)

    assert [o.result for o in outcomes] == [Result.ACCEPTED, Result.UNKNOWN]
    assert "before the answer" in outcomes[1].text
    assert sink.addresses == [ADA, BO]  # it may have been kept, and here it was


@pytest.mark.parametrize("when", ["answers", "data_answers"])
def test_a_refusal_stands_when_the_relay_hangs_up_after_it(sink: Sink, when: str) -> None:
    getattr(sink, when)[ADA] = "554 5.7.1 spam"
    sink.hangs_up_on_refusal = True
    session = Session.connect(Relay.of(sink.url, timeout=0.5))
    outcomes = list(session.hand_over(parcels(ADA, BO)))

    assert [(o.result, o.code) for o in outcomes] == [(Result.FAILED, "5.7.1")]
    assert session.is_broken


def test_a_relay_that_takes_no_letters_of_ours_fails_no_reader() -> None:
    with Sink(users={"ada": "secret"}) as sink:
        outcomes = hand_over(sink, ADA, BO)

    assert [(o.result, o.code) for o in outcomes] == [(Result.DEFERRED, "5.7.0")]


def test_lines_of_dots_arrive_as_they_were(sink: Sink) -> None:
    dots = b"Subject: .\r\n\r\n.\r\n..\r\n.hidden\r\nx.\r\n\r\n...\r\n.\r\n"
    outcomes = hand_over(sink, ADA, BO, data=dots)

    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 2
    assert [letter.data for letter in sink.letters] == [dots, dots]


def test_a_bare_line_feed_before_a_dot_smuggles_nothing(sink: Sink) -> None:
    hand_over(sink, ADA, data=b"Subject: x\r\n\r\na\n.\nMAIL FROM:<eve@example.org>\r\n")

    assert len(sink.letters) == 1
    assert b"\n..\n" in sink.letters[0].data


def test_an_address_outside_ascii_goes_to_a_relay_with_smtputf8(sink: Sink) -> None:
    (outcome,) = hand_over(sink, "zoë@example.org")

    assert outcome.result is Result.ACCEPTED
    assert sink.addresses == ["zoë@example.org"]


def test_without_smtputf8_only_the_address_outside_ascii_fails() -> None:
    with Sink(utf8=False) as sink:
        refused, accepted = hand_over(sink, "zoë@example.org", ADA)

    assert (refused.result, refused.code) == (Result.FAILED, "5.6.7")
    assert accepted.result is Result.ACCEPTED


def test_words_of_a_relay_become_one_printable_line_of_300_characters(sink: Sink) -> None:
    sink.answers[ADA] = "550-5.1.1 no\r\n550 5.1.1 such\x00 \x1b[31muser " + "z" * 400
    (outcome,) = hand_over(sink, ADA)

    assert outcome.text.startswith("550 5.1.1 no 5.1.1 such [31muser zzz")
    assert len(outcome.text) == 300
    assert outcome.text.isprintable()


def test_an_answer_that_is_no_smtp_ends_the_session(sink: Sink) -> None:
    sink.data_answers[ADA] = "HTTP/1.1 400 Bad Request"
    outcomes = hand_over(sink, ADA, BO)

    assert [o.result for o in outcomes] == [Result.UNKNOWN]


def test_a_session_that_was_interrupted_in_a_letter_is_not_used_again(sink: Sink) -> None:
    sink.fates[ADA] = Fate.HANG_AT_RCPT
    session = Session.connect(Relay.of(sink.url, timeout=5))
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(_Interrupted):
            list(session.hand_over(parcels(ADA)))
    finally:
        signal.signal(signal.SIGALRM, before)

    assert session.is_broken
    assert not session.is_open()


class _Interrupted(BaseException):
    """As a worker's time limit is."""


def _interrupt(_number: int, _frame: object) -> None:
    raise _Interrupted


def test_a_relay_that_says_nothing_is_given_up_after_the_timeout() -> None:
    with silent_url() as url:
        began = time.monotonic()
        with pytest.raises((OSError, smtplib.SMTPException)):
            Session.connect(Relay.of(url, timeout=0.5))
    assert time.monotonic() - began < 2


def test_signing_in_with_the_right_password_lets_letters_go() -> None:
    with Sink(users={"ada": "p@ss:/"}) as sink:
        relay = Relay.of(sink.url.replace("//", "//ada:p%40ss%3A%2F@"), timeout=0.5)
        session = Session.connect(relay)
        (outcome,) = session.hand_over(parcels(BO))
        session.close()

    assert relay.password == "p@ss:/"
    assert outcome.result is Result.ACCEPTED


def test_a_wrong_password_is_a_fault_of_the_connection() -> None:
    with Sink(users={"ada": "right"}) as sink, pytest.raises(smtplib.SMTPAuthenticationError):
        Session.connect(Relay.of(sink.url.replace("//", "//ada:wrong@"), timeout=0.5))


@pytest.mark.parametrize("implicit_tls", [False, True])
def test_a_certificate_that_nobody_vouches_for_is_refused(implicit_tls: bool) -> None:
    with (
        Sink(tls=_tls(), implicit_tls=implicit_tls) as sink,
        pytest.raises(ssl.SSLCertVerificationError, match="self-signed certificate"),
    ):
        Session.connect(Relay.of(sink.url, timeout=0.5))
    assert sink.letters == []


@pytest.mark.parametrize("implicit_tls", [False, True])
def test_letters_and_the_password_go_over_tls_when_the_certificate_is_good(
    implicit_tls: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    with Sink(tls=_tls(), implicit_tls=implicit_tls, users={"ada": "right"}) as sink:
        session = Session.connect(Relay.of(sink.url.replace("//", "//ada:right@"), timeout=0.5))
        outcomes = list(session.hand_over(parcels(BO, CY)))
        session.close()

    assert [o.result for o in outcomes] == [Result.ACCEPTED] * 2


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def test_no_password_goes_out_in_the_clear_to_another_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(greeting, "OWN_MACHINE", frozenset())
    with Sink(users={"ada": "secret"}) as sink:
        relay = Relay.of(f"smtp://ada:secret@127.0.0.1:{sink.port}")
        with pytest.raises(smtplib.SMTPException, match="no password was sent"):
            Session.connect(relay)
