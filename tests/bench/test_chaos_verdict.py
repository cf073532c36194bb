"""The fault trials can fail: each kind of broken promise is found in evidence that has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bench.chaos.evidence import Account, Evidence
from bench.chaos.round import Strike
from bench.chaos.verdict import judge
from bench.sink_faults import Fate, Faults
from bench.sink_notes import DROPPED, SENT, Connection, Letter, Notes

ADA, BOB, CYD = "ada@example.org", "bob@example.org", "cyd@example.org"
AUDIENCE = frozenset((ADA, BOB, CYD))


def taken(address: str, *, at: float = 1.0, connection: int = 1, **fields: str) -> Letter:
    name = fields.get("name", address)
    return Letter(at, connection, fields.get("answer", SENT), f"<{name}>", address)


def account(states: Mapping[str, str] | None = None, **fields: object) -> Account:
    states = states or dict.fromkeys(AUDIENCE, "accepted")
    made = Account(brief=1, state="done", audience=len(states), deliveries=states, balances=True)
    return replace(made, **fields)  # type: ignore[arg-type]


def evidence(*letters: Letter, says: Account | None = None, **fields: object) -> Evidence:
    """One dispatch, numbered 7."""
    made = Evidence(AUDIENCE, {7: says or account()}, [(7, letter) for letter in letters])
    return replace(made, **fields)  # type: ignore[arg-type]


ALL = (taken(ADA), taken(BOB), taken(CYD))


def test_all_is_well_when_each_got_one() -> None:
    found = judge(evidence(*ALL))
    assert found.holds
    assert (found.readers, found.accepted, found.doubled, found.allowed) == (3, 3, 0, 0)


def test_a_letter_that_the_ledger_has_and_the_sink_has_not_is_lost() -> None:
    assert judge(evidence(*ALL[:2])).lost == 1


def test_a_reader_without_a_delivery_is_lost() -> None:
    says = account({ADA: "accepted", BOB: "accepted"})
    assert judge(evidence(*ALL[:2], says=says)).lost == 1


def test_a_letter_that_was_given_up_is_lost() -> None:
    says = account({ADA: "accepted", BOB: "accepted", CYD: "failed"})
    assert judge(evidence(*ALL[:2], says=says)).lost == 1


def test_a_letter_that_was_taken_and_is_told_otherwise_is_wrong() -> None:
    says = account({ADA: "accepted", BOB: "accepted", CYD: "unknown"})
    assert judge(evidence(*ALL, says=says)).wrong == 1


def test_a_double_without_a_blow_is_one_too_many() -> None:
    found = judge(evidence(*ALL, taken(ADA, at=2.0)))
    assert (found.doubled, found.allowed) == (1, 0)
    assert not found.holds


def test_one_double_may_be_for_each_connection_that_was_struck() -> None:
    struck = Connection(1, opened_at=0.0, closed_at=1.5)
    unharmed = Connection(2, opened_at=0.0, closed_at=3.0, in_order=True)
    notes = Notes(connections={1: struck, 2: unharmed})
    given = evidence(*ALL, taken(ADA, at=2.0), notes=notes, strikes=[Strike(1.4)])
    assert judge(given).holds
    assert judge(given).allowed == 1
    twice = replace(given, letters=[*given.letters, (7, taken(BOB, at=2.0))])
    assert not judge(twice).holds


def test_a_blow_allows_nothing_to_a_connection_that_it_did_not_end() -> None:
    kept = Connection(1, opened_at=0.0, closed_at=3.0, in_order=True)
    later = Connection(2, opened_at=1.6, closed_at=3.0)
    notes = Notes(connections={1: kept, 2: later})
    given = evidence(*ALL, taken(ADA, at=2.0, connection=2), notes=notes, strikes=[Strike(1.4)])
    assert judge(given).allowed == 0
    stopped = replace(given, strikes=[Strike(1.4, spares_connections=True)])
    assert judge(stopped).allowed == 1


def test_a_dropped_answer_allows_one() -> None:
    dropped = taken(ADA, connection=4, answer=DROPPED)
    assert judge(evidence(dropped, *ALL)).holds


def test_another_message_id_for_the_same_letter_is_found() -> None:
    dropped = taken(ADA, connection=4, answer=DROPPED, name="other")
    assert "several Message-IDs" in " ".join(judge(evidence(dropped, *ALL)).broken())


def test_letters_to_others_and_of_others_are_strangers() -> None:
    given = evidence(*ALL, taken("eve@example.org"))
    assert judge(given).strangers == 1
    assert judge(replace(given, letters=[*given.letters, (8, taken(ADA))])).strangers == 2


def test_a_ledger_that_does_not_balance_is_found() -> None:
    assert not judge(evidence(*ALL, says=account(audience=4))).balances
    assert not judge(evidence(*ALL, says=account(balances=False))).balances
    says = account({ADA: "accepted", BOB: "accepted", CYD: "carrying"})
    assert not judge(evidence(*ALL, says=says)).balances


def test_a_dispatch_that_goes_on_has_not_ended() -> None:
    assert not judge(evidence(*ALL, says=account(state="sending"))).ended


def test_what_a_cancelled_dispatch_left_is_due_with_the_next() -> None:
    first = account(
        {ADA: "accepted", BOB: "waiting", CYD: "waiting"}, state="cancelled", is_cancelled=True
    )
    rest = account({BOB: "accepted", CYD: "accepted"})
    letters = [(7, taken(ADA)), (8, taken(BOB)), (8, taken(CYD))]
    assert judge(evidence(accounts={7: first, 8: rest}, letters=letters)).holds
    again = [*letters, (8, taken(ADA, at=2.0))]
    assert judge(evidence(accounts={7: first, 8: rest}, letters=again)).doubled == 1
    assert judge(evidence(accounts={7: first}, letters=letters[:1])).holds


def test_who_is_refused_for_good_must_be_told_as_failed() -> None:
    refusing = Faults(hard=100)
    assert refusing.fate(ADA) is Fate.HARD
    says = account(dict.fromkeys(AUDIENCE, "failed"))
    assert judge(evidence(says=says, refusing=refusing)).holds
    says = account({ADA: "failed", BOB: "failed", CYD: "unknown"})
    assert judge(evidence(says=says, refusing=refusing)).wrong == 1
