"""The rest of a dispatch: which letters may go again, and that they do, once."""

from __future__ import annotations

import email
from typing import Any

import pytest
from redis import Redis

from dispatcher.audience import consent, suppressing
from dispatcher.audience.models import Subscriber
from dispatcher.errors import NoSuchDispatch, WrongState
from dispatcher.mailing import ledger, resending
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from dispatcher.mailing.resending import Rest, RestChanged
from tests.mailing.carried import carry, make_due, released
from tests.makers import make_deliveries, make_dispatch
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def message_ids(sink: Sink) -> list[str]:
    return [str(email.message_from_bytes(letter.data)["Message-ID"]) for letter in sink.letters]


def test_what_failed_through_no_fault_of_its_reader_goes_again_and_nothing_else(
    sink: Sink, settings: Any
) -> None:
    settings.RETRY_PAUSES = (60,)
    dispatch = released(6)
    sink.answers = {
        "r2@example.org": "550 5.7.1 our policy",
        "r3@example.org": "550 5.1.1 no such user",
        "r4@example.org": "451 4.7.28 too many from you",
    }
    suppressing.suppress("r5@example.org", reason="complaint")
    leaver = Subscriber.objects.get(address="r6@example.org")
    consent.leave(leaver, consent.live(leaver), source="a test")
    carry(dispatch)
    make_due(dispatch)
    carry(dispatch)  # what was refused for now is given up
    assert dispatch.state == Dispatch.State.DONE
    assert resending.rest(dispatch) == Rest(failed=2)

    assert resending.send_rest(dispatch.pk, by="bea") == 2

    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.finished_at) == (Dispatch.State.SENDING, None)
    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=6, accepted=1, failed=3, waiting=2)
    sink.answers = {}
    carry(dispatch)
    assert sorted(sink.addresses) == ["r1@example.org", "r2@example.org", "r4@example.org"]
    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=6, accepted=3, failed=3)
    assert dispatch.state == Dispatch.State.DONE


def test_a_letter_in_doubt_goes_again_under_its_message_id(sink: Sink) -> None:
    dispatch = released(1)
    carry(dispatch)
    Delivery.objects.update(state="unknown")
    assert resending.rest(dispatch) == Rest(doubtful=1)

    resending.send_rest(dispatch.pk, by="bea")
    assert carry(dispatch) == {"r1": "accepted"}

    first, second = message_ids(sink)
    assert first == second


def test_letters_in_doubt_can_be_taken_as_accepted() -> None:
    dispatch = make_dispatch(state="done", deliveries={"accepted": 1})
    make_deliveries(dispatch, "unknown", 2, text="the answer was lost")

    assert resending.accept_doubtful(dispatch.pk, by="bea", shown=2) == 2

    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=1, accepted=3)
    assert Delivery.objects.filter(text="taken as accepted: the answer was lost").count() == 2
    with pytest.raises(WrongState, match="nothing left"):
        resending.accept_doubtful(dispatch.pk, by="bea")


def test_the_failed_and_those_in_doubt_can_be_sent_apart() -> None:
    dispatch = make_dispatch(state="done", deliveries={"failed": 3, "unknown": 2})

    assert resending.send_rest(dispatch.pk, by="bea", doubtful=False) == 3
    assert resending.rest(dispatch) == Rest(doubtful=2)
    assert resending.send_rest(dispatch.pk, by="bea", failed=False) == 2


@pytest.mark.parametrize(
    ("is_rest", "code", "text"),
    [
        (False, "5.1.1", "550 5.1.1 no such user"),
        (False, "5.1.10", "556 5.1.10 null MX"),
        (False, "5.2.1", "550 5.2.1 mailbox disabled"),
        (False, "", "550 no such user"),
        (False, "", "553 mailbox name not allowed"),
        (True, "5.1.8", "553 5.1.8 sender domain does not exist"),
        (True, "5.2.2", "552 5.2.2 mailbox full"),
        (True, "5.7.1", "550 5.7.1 policy"),
        (True, "", "554 transaction failed"),
        (True, "5.1.0", "given up after 8 attempts: 550 5.1.0 sender rejected"),
        (True, "", "given up after 8 attempts: no relay took the connection"),
        (True, "", "the letter could not be written; the worker's log says why"),
    ],
)
def test_a_refusal_of_the_address_is_final_and_any_other_is_not(
    is_rest: bool, code: str, text: str
) -> None:
    dispatch = make_dispatch(state="done")
    make_deliveries(dispatch, "failed", code=code, text=text, relay="relay:25")

    assert resending.rest(dispatch).failed == is_rest


def test_sending_the_rest_posts_its_batches_alone_and_a_repeat_nothing(valkey: Redis) -> None:
    dispatch = make_dispatch(state="done", deliveries={"failed": 2})
    Batch.objects.update(state="done", faults=3, fault="broke")
    Batch.objects.create(dispatch=dispatch, number=2, state="done")

    resending.send_rest(dispatch.pk, by="bea")

    assert valkey.llen("routine") == 1
    rows = dispatch.batches.order_by("number").values_list("state", "faults", "fault")
    assert list(rows) == [("waiting", 0, ""), ("done", 0, "")]
    with pytest.raises(WrongState, match="nothing left"):
        resending.send_rest(dispatch.pk, by="bea")
    assert valkey.llen("routine") == 1
    (act,) = dispatch.acts.all()
    assert (act.by, act.what, act.note) == ("bea", "sent the rest", "2 letters")


def test_another_number_than_was_shown_sends_nothing(valkey: Redis) -> None:
    dispatch = make_dispatch(state="done", deliveries={"failed": 2})

    with pytest.raises(RestChanged, match="It was 3 letters when you looked and is 2 now"):
        resending.send_rest(dispatch.pk, by="bea", shown=3)

    assert resending.rest(dispatch) == Rest(failed=2)
    assert (valkey.llen("routine"), dispatch.acts.count()) == (0, 0)


def test_a_batch_in_a_workers_hands_is_left_to_it() -> None:
    dispatch = make_dispatch(deliveries={"failed": 1, "carrying": 1})
    Batch.objects.update(state="carrying", holder="somebody")

    assert resending.rest(dispatch) == Rest()
    with pytest.raises(WrongState, match="nothing left"):
        resending.send_rest(dispatch.pk, by="bea")


@pytest.mark.parametrize("state", ["scheduled", "matching", "paused", "cancelled"])
def test_only_what_is_done_or_being_sent_has_a_rest(state: str) -> None:
    dispatch = make_dispatch(state=state, deliveries={"failed": 1})

    assert resending.rest(dispatch) == Rest()
    with pytest.raises(WrongState, match=f"is {state}"):
        resending.send_rest(dispatch.pk, by="bea")
    with pytest.raises(NoSuchDispatch):
        resending.send_rest(12345, by="bea")
