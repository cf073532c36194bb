"""What holds however letters are said: word by word, pipelined, or in chunks to a distant relay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.smtp import Session
from tests.relays.test_smtp import ADA, BO, CY, parcels
from tests.relays.ways import Way, hand_over, relay_of, sink_of
from tests.sinks import Fate, Sink

ACCEPTED, DEFERRED, FAILED = Result.ACCEPTED, Result.DEFERRED, Result.FAILED
DOTS = b".\r\n..\r\nSubject: .\r\n\r\n.\r\n.hidden\r\nx.\r\n\r\n...\r\n.\r\n"


def test_letters_arrive_in_order_with_their_envelopes_and_their_octets(sink: Sink) -> None:
    given = [
        Parcel(n, f"bounce-{n}@news.example.org", f"reader{n}@example.org", b"%d\r\n" % n + DOTS)
        for n in range(20)
    ]
    outcomes = hand_over(sink, *given)

    assert [(o.key, o.result, o.code) for o in outcomes] == [
        (p.key, ACCEPTED, "2.0.0") for p in given
    ]
    assert [(x.mail_from, x.rcpt_to, x.data) for x in sink.letters] == [
        (p.return_path, (p.address,), p.data) for p in given
    ]
    assert sink.connections == 1


def test_answers_that_come_octet_by_octet_are_understood(sink: Sink) -> None:
    sink.crumbs = True
    sink.answers[BO] = "550-5.1.1 no such\r\n550-5.1.1 user\r\n550 5.1.1 here"
    outcomes = hand_over(sink, ADA, BO, CY)

    assert [o.result for o in outcomes] == [ACCEPTED, FAILED, ACCEPTED]
    assert outcomes[1].text == "550 5.1.1 no such 5.1.1 user 5.1.1 here"


@pytest.mark.parametrize("when", ["mail_answers", "answers", "invitations", "data_answers"])
@pytest.mark.parametrize("answer", ["450 4.2.1 busy", "550 5.7.1 not this one"])
def test_a_refusal_at_any_command_harms_no_other_letter(
    sink: Sink, way: Way, when: str, answer: str
) -> None:
    if (when, way) == ("invitations", Way.CHUNKED) or (when, answer[0]) == ("mail_answers", "5"):
        pytest.skip("BDAT needs no invitation, and 5xx to MAIL is another matter")
    refused = parcels(ADA, BO)[1]
    getattr(sink, when)[refused.return_path if when == "mail_answers" else BO] = answer
    outcomes = hand_over(sink, ADA, BO, CY, ADA)

    result = DEFERRED if answer[0] == "4" else FAILED
    assert [o.result for o in outcomes] == [ACCEPTED, result, ACCEPTED, ACCEPTED]
    assert (outcomes[1].code, outcomes[1].text) == (answer[4:9], answer)
    assert sink.addresses == [ADA, CY, ADA]
    assert sink.connections == 1


@pytest.mark.parametrize("where", range(4))
def test_refused_letters_first_last_and_in_a_row(sink: Sink, where: int) -> None:
    refused = [BO, f"no{where}@example.org", "nor@example.org"]
    addresses = [ADA, CY, "di@example.org"]
    addresses[where:where] = refused
    sink.answers |= dict.fromkeys(refused[:2], "550 5.1.1 no")
    sink.data_answers |= dict.fromkeys(refused[2:], "554 5.6.0 no")
    outcomes = hand_over(sink, *addresses)

    expected = [FAILED if address in refused else ACCEPTED for address in addresses]
    assert [o.result for o in outcomes] == expected
    assert sink.addresses == [ADA, CY, "di@example.org"]
    assert sink.connections == 1


@pytest.mark.parametrize("when", ["mail_answers", "answers", "invitations", "data_answers"])
def test_421_defers_its_letter_and_ends_the_session_with_nothing_doubled(
    sink: Sink, way: Way, when: str
) -> None:
    if when == "invitations" and way is Way.CHUNKED:
        pytest.skip("BDAT needs no invitation")
    closing = parcels(ADA, BO)[1]
    answer = "421 4.3.2 closing down"
    getattr(sink, when)[closing.return_path if when == "mail_answers" else BO] = answer
    session = Session.connect(relay_of(sink))
    outcomes = list(session.hand_over(parcels(ADA, BO, CY, ADA, CY)))

    assert [o.result for o in outcomes[:2]] == [ACCEPTED, DEFERRED]
    assert (outcomes[1].code, outcomes[1].text) == ("4.3.2", answer)
    assert {o.result for o in outcomes[2:]} <= {Result.HELD_BACK}
    assert session.is_broken
    assert sink.addresses == [ADA]


def test_5xx_to_mail_is_about_us_and_fails_no_reader(sink: Sink) -> None:
    first, second = parcels(ADA, BO)
    sink.mail_answers = dict.fromkeys([p.return_path for p in parcels(ADA, BO, CY)], "550 5.7.1 no")
    session = Session.connect(relay_of(sink))
    outcomes = list(session.hand_over([first, second]))

    assert outcomes[0].result is DEFERRED
    assert outcomes[0].code == "5.7.1"
    assert FAILED not in {o.result for o in outcomes}
    assert session.is_broken


def test_a_session_is_used_again_after_a_refusal_was_the_last(sink: Sink) -> None:
    sink.answers[BO] = "550 5.1.1 no"
    session = Session.connect(relay_of(sink))
    first = list(session.hand_over(parcels(ADA, BO)))
    assert session.is_open()
    second = list(session.hand_over(parcels(CY)))
    session.close()

    assert [o.result for o in first + second] == [ACCEPTED, FAILED, ACCEPTED]
    assert sink.connections == 1


def test_a_session_takes_no_more_letters_than_its_relay_allows(sink: Sink) -> None:
    waiting = iter(parcels(ADA, BO, CY, ADA, BO))
    session = Session.connect(relay_of(sink, messages=3))
    outcomes = list(session.hand_over(waiting))

    assert [o.result for o in outcomes] == [ACCEPTED] * 3
    assert session.is_spent
    assert not session.is_broken
    assert list(session.hand_over(waiting)) == []
    assert [p.address for p in waiting] == [ADA, BO]
    session.close()


@pytest.mark.parametrize("fate", [Fate.CUT_AT_RCPT, Fate.CUT_AT_DATA, Fate.CUT_IN_LETTER])
def test_a_letter_that_did_not_go_whole_is_not_unknown(sink: Sink, fate: Fate) -> None:
    sink.fates[BO] = fate
    large = parcels(ADA, BO, CY, data=(b"x" * 996 + b"\r\n") * 12_000)[1:]
    outcomes = hand_over(sink, *parcels(ADA), *large)

    assert outcomes[0].result is ACCEPTED
    assert {o.result for o in outcomes[1:]} <= {DEFERRED, Result.HELD_BACK}
    assert sink.addresses == [ADA]


def test_a_letter_larger_than_the_relay_takes_fails_without_going_over_the_wire(way: Way) -> None:
    with sink_of(way, size=1_000) as sink:
        small, large, other = parcels(ADA, BO, CY, data=b"x" * 998 + b"\r\n")
        large = Parcel(2, large.return_path, BO, b"x" * 999 + b"\r\n")
        outcomes = hand_over(sink, small, large, other, messages=2)

    assert [(o.key, o.result, o.code) for o in outcomes] == [
        (1, ACCEPTED, "2.0.0"),
        (2, FAILED, "5.3.4"),
        (3, ACCEPTED, "2.0.0"),
    ]
    assert "1000" in outcomes[1].text
    assert [x.options for x in sink.letters] == [("SIZE=1000",)] * 2


@pytest.mark.parametrize("size", [None, 0, 10_000])
@pytest.mark.parametrize("eight_bit", [False, True])
def test_options_are_used_when_offered_and_needed(
    way: Way, size: int | None, eight_bit: bool
) -> None:
    with sink_of(way, size=size, eight_bit=eight_bit) as sink:
        hand_over(sink, Parcel(1, "b@example.org", ADA, b"plain\r\n"))
        hand_over(sink, Parcel(1, "b@example.org", ADA, "größer\r\n".encode()))
        hand_over(sink, Parcel(1, "b@example.org", "zoë@example.org", b"plain\r\n"))

    body = ["BODY=8BITMIME"] if eight_bit else []
    told = [[] if size is None else [f"SIZE={n}"] for n in (7, 10, 7)]
    assert [[*x.options] for x in sink.letters] == [told[0], told[1] + body, told[2] + ["SMTPUTF8"]]


def test_without_smtputf8_only_the_address_outside_ascii_fails(way: Way) -> None:
    with sink_of(way, utf8=False) as sink:
        outcomes = hand_over(sink, ADA, "zoë@example.org", BO)

    assert [(o.result, o.code) for o in outcomes] == [
        (ACCEPTED, "2.0.0"),
        (FAILED, "5.6.7"),
        (ACCEPTED, "2.0.0"),
    ]


@pytest.mark.parametrize(
    "address", ["a@example.org>\r\nRCPT TO:<eve@example.org", "a\0@example.org"]
)
def test_an_address_with_a_control_character_says_no_command(sink: Sink, address: str) -> None:
    outcomes = hand_over(sink, ADA, address, BO)

    assert [(o.result, o.code) for o in outcomes[1:]] == [(FAILED, "5.1.3"), (ACCEPTED, "2.0.0")]
    assert sink.addresses == [ADA, BO]


def test_without_enhanced_codes_offered_none_is_read(way: Way) -> None:
    with sink_of(way, codes=False) as sink:
        sink.answers[ADA] = "550 5.1.1 no such user"
        (outcome,) = hand_over(sink, ADA)

    assert (outcome.code, outcome.text) == ("", "550 5.1.1 no such user")


def test_no_letters_say_nothing(sink: Sink) -> None:
    session = Session.connect(relay_of(sink))
    assert list(session.hand_over([])) == []
    assert session.is_open()
    session.close()


class _Stopped(Exception):  # noqa: N818  as LeaseLost is
    pass


def test_when_the_parcels_raise_what_was_taken_ahead_is_not_sent(sink: Sink, way: Way) -> None:
    def asked() -> Iterator[Parcel]:
        yield from parcels(ADA, BO)
        raise _Stopped

    session = Session.connect(relay_of(sink))
    outcomes: list[Outcome] = []
    with pytest.raises(_Stopped):
        outcomes.extend(session.hand_over(asked()))
    is_open = session.is_open()
    session.close()

    assert [o.result for o in outcomes] == [ACCEPTED] * len(outcomes)
    assert sink.addresses == [ADA, BO][: len(outcomes)]
    # By DATA, BO was invited and did not go; the connection cannot be used again.
    assert (len(outcomes), is_open) == ((1, False) if way is Way.PIPELINED else (2, True))


def test_who_stops_asking_leaves_a_session_that_is_open_or_known_to_be_broken(
    sink: Sink, way: Way
) -> None:
    session = Session.connect(relay_of(sink))
    outcomes = session.hand_over(parcels(ADA, BO, CY))
    assert next(outcomes).result is ACCEPTED
    outcomes.close()
    is_open = session.is_open()
    again = Session.connect(relay_of(sink))
    list(again.hand_over(parcels("di@example.org")))
    again.close()
    session.close()

    assert is_open == (way is Way.PLAIN)
    if way is not Way.CHUNKED:
        assert sink.addresses == [ADA, "di@example.org"]
