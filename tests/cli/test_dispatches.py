"""`dispatcher dispatch`: what it reports of a dispatch, and sending its rest."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from dispatcher.mailing import ledger
from dispatcher.mailing.models import Batch, Dispatch
from tests.cli.conftest import Run
from tests.makers import make_brief, make_deliveries, make_digest, make_dispatch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ended() -> Dispatch:
    """Done: four letters accepted, three that failed for policy, one for its address, two in doubt."""
    dispatch = make_dispatch(state="done")
    at = dispatch.released_at + timedelta(seconds=2)
    make_deliveries(dispatch, "accepted", 4, relay="mx:25", settled_at=at)
    make_deliveries(dispatch, "failed", 3, relay="mx:25", text="550 5.7.1 policy", code="5.7.1")
    make_deliveries(dispatch, "failed", relay="mx:25", text="550 5.1.1 unknown", code="5.1.1")
    make_deliveries(dispatch, "unknown", 2, text="the answer was lost")
    Dispatch.objects.update(audience=10)
    return dispatch


def test_show_proves_the_ledger_and_says_how_quickly_and_what_is_in_the_way(
    run: Run, ended: Dispatch
) -> None:
    said = run("dispatch", "show", ended.pk).out
    assert (
        "The ledger balances: audience 10 = 0 waiting + 0 carrying + 4 accepted + 0 deferred"
        " + 4 failed + 2 unknown." in said
    )
    assert "First letter 2.0 s · 50 % 2.0 s" in said
    assert "550 5.7.1 policy" in said
    assert f"5 letters can be sent again: dispatcher dispatch resume {ended.pk} --rest" in said


def test_show_gives_programs_the_same(run: Run, ended: Dispatch) -> None:
    shown = json.loads(run("dispatch", "show", ended.pk, "--json").out)
    assert shown["balances"] is True
    assert shown["proof"].startswith("audience 10 = 0 waiting + ")
    assert shown["seconds_to_accepted"] == dict.fromkeys(
        ("first", "half", "most", "nearly_all", "all"), 2.0
    )
    assert shown["rest"] == {"failed": 3, "doubtful": 2}
    assert [reason["letters"] for reason in shown["reasons"]] == [3, 2, 1]
    assert shown["relays"] == [
        {"relay": "mx:25", "accepted": 4, "deferred": 0, "failed": 4, "unknown": 0}
    ]


def test_a_ledger_that_does_not_balance_is_said_to(run: Run, ended: Dispatch) -> None:
    Dispatch.objects.update(audience=11)
    assert "THE LEDGER DOES NOT BALANCE: audience 11 ≠ " in run("dispatch", "show", ended.pk).out


def test_show_says_who_did_what_and_which_batch_breaks(run: Run) -> None:
    dispatch = make_dispatch(deliveries={"waiting": 1})
    run("dispatch", "pause", dispatch.pk)
    Batch.objects.update(faults=3, fault="KeyError('slot')", due_at=timezone.now())
    said = run("dispatch", "show", dispatch.pk).out
    assert "Paused, by " in said
    assert " at the command line" in said
    assert "Batch 1 with 1 letter stands still: it broke down 3 times in a row" in said


def test_the_rest_is_named_with_its_number_and_sent_only_with_a_yes(
    run: Run, ended: Dispatch
) -> None:
    asked = run("dispatch", "resume", ended.pk, "--rest")
    assert asked.status == 1
    assert "Send 5 letters of dispatch" in asked.err
    assert "2 of them may have arrived. Say so with --yes." in asked.err
    assert Dispatch.objects.get().state == "done"

    assert run("dispatch", "resume", ended.pk, "--rest", "--yes").out.startswith("5 letters of")

    assert ledger.tally(ended.pk) == ledger.Tally(audience=10, accepted=4, failed=1, waiting=5)
    again = run("dispatch", "resume", ended.pk, "--rest", "--yes")
    assert (again.status, "nothing left" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("in_doubt", "left"),
    [
        ("accept", ledger.Tally(audience=10, accepted=6, failed=1, waiting=3)),
        ("leave", ledger.Tally(audience=10, accepted=4, failed=1, waiting=3, unknown=2)),
    ],
)
def test_letters_in_doubt_can_count_as_accepted_or_be_left(
    run: Run, ended: Dispatch, in_doubt: str, left: ledger.Tally
) -> None:
    said = run("dispatch", "resume", ended.pk, "--rest", "--in-doubt", in_doubt, "--yes")
    assert said.status == 0, said
    assert ledger.tally(ended.pk) == left


def test_digests_are_listed_apart_and_shown_with_their_briefs(run: Run) -> None:
    brief = make_brief("Ferries")
    make_dispatch(make_brief("Harbours"))
    digest = make_digest(brief, title="Your daily digest: 1 brief")
    assert [row["headline"] for row in json.loads(run("dispatch", "list", "--json").out)] == [
        "Harbours"
    ]
    (row,) = json.loads(run("dispatch", "list", "--digests", "--json").out)
    assert row["headline"] == "Your daily digest: 1 brief"
    shown = json.loads(run("dispatch", "show", digest.pk, "--json").out)
    assert (shown["kind"], shown["brief"], shown["briefs"]) == ("digest", None, [brief.public_id])
    assert brief.public_id in run("dispatch", "show", digest.pk).out
