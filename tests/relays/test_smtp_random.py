"""Any letters to any relay, however it answers and whenever it goes: the outcomes are what it kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.smtp import Session
from tests.relays.ways import Way, relay_of, sink_of
from tests.sinks import Fate, Sink

CUTS = (Fate.CUT_AT_RCPT, Fate.CUT_AT_DATA, Fate.CUT_IN_LETTER, Fate.CUT_AFTER_DOT)
LARGEST = 2_000

lines = st.binary(max_size=60).map(lambda line: line.translate(None, b"\r\n"))
dotted = st.sampled_from([b"", b".", b"..", b".x", b". ", b"..."])
letters = st.lists(lines | dotted, min_size=1, max_size=8).map(
    lambda them: b"\r\n".join([*them, b""])
)
answers = st.sampled_from(["450 4.2.1 busy", "550 5.1.1 no", "421 4.7.0 no more", "554 no"])
refusals = st.tuples(st.sampled_from(["answers", "invitations", "data_answers"]), answers)
sender_refusals = st.tuples(
    st.just("mail_answers"), st.sampled_from(["451 4.3.0 not now", "421 4.3.2 no", "550 5.7.1 no"])
)
cuts = st.tuples(st.just("fates"), st.sampled_from(CUTS))
oddities = st.tuples(st.sampled_from(["too large", "outside ascii"]), st.just(""))
good = st.just(("", ""))


@dataclass(frozen=True, slots=True)
class Case:
    """A letter, and what becomes of it at the relay."""

    data: bytes
    at: str
    answer: str


cases = st.builds(
    lambda data, what: Case(data, *what),
    letters,
    st.one_of(good, good, good, good, refusals, sender_refusals, cuts, oddities),
)


@pytest.fixture(scope="module", params=[*Way])
def sink(request: pytest.FixtureRequest) -> Iterator[Sink]:
    with sink_of(Way(request.param), size=LARGEST, utf8=False) as running:
        yield running


def prepare(sink: Sink, given_cases: list[Case]) -> list[Parcel]:
    """The parcels, and the sink told what to say to each."""
    sink.letters.clear()
    for told in (sink.mail_answers, sink.answers, sink.invitations, sink.data_answers, sink.fates):
        told.clear()
    parcels = []
    for key, case in enumerate(given_cases):
        address = f"reader{key}@example.org"
        data = case.data
        if case.at == "too large":
            data += b"x" * LARGEST + b"\r\n"
        elif case.at == "outside ascii":
            address = f"zoë{key}@example.org"
        elif case.at:
            subject = f"bounce-{key}@example.org" if case.at == "mail_answers" else address
            getattr(sink, case.at)[subject] = case.answer
        parcels.append(Parcel(key, f"bounce-{key}@example.org", address, data))
    return parcels


def hand_over(sink: Sink, parcels: list[Parcel]) -> list[Outcome]:
    """As a pool does: over a new connection whenever one breaks or is spent."""
    waiting = iter(parcels)
    outcomes: list[Outcome] = []
    session = Session.connect(relay_of(sink, messages=5))
    for parcel in waiting:
        if not session.is_open() or session.is_spent:
            session.close()
            session = Session.connect(relay_of(sink, messages=5))
        outcomes.extend(session.hand_over(chain([parcel], waiting)))
    session.close()
    return outcomes


@given(st.lists(cases, max_size=12), st.booleans())
@settings(max_examples=25, deadline=None, suppress_health_check=[*HealthCheck])
def test_every_letter_has_one_outcome_in_order_and_the_accepted_are_those_that_were_kept(
    sink: Sink, given_cases: list[Case], crumbs: bool
) -> None:
    sink.crumbs = crumbs
    parcels = prepare(sink, given_cases)
    outcomes = hand_over(sink, parcels)

    assert [outcome.key for outcome in outcomes] == [parcel.key for parcel in parcels]
    kept = {letter.rcpt_to[0]: letter for letter in sink.letters}
    assert len(kept) == len(sink.letters)
    for parcel, outcome, case in zip(parcels, outcomes, given_cases, strict=True):
        letter = kept.get(parcel.address)
        if outcome.result is not Result.UNKNOWN:
            assert (letter is not None) == (outcome.result is Result.ACCEPTED), outcome
        if letter is not None:
            assert (letter.mail_from, letter.data) == (parcel.return_path, parcel.data)
        if outcome.result is Result.FAILED:
            assert case.at
            assert (case.at, case.answer[:1]) != ("mail_answers", "5")
        if outcome.result is Result.ACCEPTED:
            assert case.at in {"", "invitations"}
