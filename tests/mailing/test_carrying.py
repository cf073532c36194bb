"""A batch from claim to ledger, over a real SMTP conversation, with the faults on the way."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.letters.slots import SlotValues
from dispatcher.mailing import carrying, composing, dispatching, ledger, resending
from dispatcher.mailing.addressing import Addressee
from dispatcher.mailing.journal import Journal
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from dispatcher.relays import pool
from dispatcher.relays.outcomes import Outcome
from dispatcher.relays.relay import Relay
from tests.mailing.carried import carry, make_due, noted, released, when_handed_over
from tests.makers import make_topic
from tests.sinks import Fate, Sink, refusing_url

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_reader_gets_one_letter_and_the_dispatch_closes(sink: Sink) -> None:
    dispatch = released()
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r1@example.org", "r2@example.org", "r3@example.org"]
    assert dispatch.state == Dispatch.State.DONE
    assert dispatch.finished_at
    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=3, accepted=3)


def test_a_letter_has_its_readers_own_links_and_headers(sink: Sink) -> None:
    carry(released(2))
    one, other = (
        email.message_from_bytes(letter.data, policy=email.policy.default)
        for letter in sink.letters
    )
    assert one["To"] == "Reader 1 <r1@example.org>"
    assert one["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/leave/" in one["List-Unsubscribe"]
    for name in ("Message-ID", "List-Unsubscribe", "To"):
        assert one[name] != other[name], name
    for letter in (one, other):
        body = letter.get_body(("plain",))
        assert body
        text = body.get_content()
        assert "You get this because you follow Iran." in " ".join(text.split())
    assert len({letter.mail_from for letter in sink.letters}) == 2


def test_carrying_twice_sends_once(sink: Sink) -> None:
    dispatch = released()
    carry(dispatch)
    carry(dispatch)
    assert len(sink.letters) == 3


def test_a_refusal_for_good_fails_and_one_for_now_is_deferred(sink: Sink) -> None:
    sink.answers = {
        "r1@example.org": "550 5.1.1 no such user",
        "r2@example.org": "451 4.3.0 try later",
    }
    dispatch = released()
    assert carry(dispatch) == {"r1": "failed", "r2": "deferred", "r3": "accepted"}
    failed = Delivery.objects.get(subscriber__address="r1@example.org")
    assert (failed.code, failed.text) == ("5.1.1", "550 5.1.1 no such user")
    assert dispatch.state == Dispatch.State.SENDING
    assert ledger.tally(dispatch.pk).balances


def test_a_deferred_letter_goes_out_when_due_under_the_same_message_id(sink: Sink) -> None:
    sink.data_answers = {"r1@example.org": "451 4.3.0 try later"}
    dispatch = released(1)
    assert carry(dispatch) == {"r1": "deferred"}
    assert carry(dispatch) == {"r1": "deferred"}, "it was not due yet"
    assert Delivery.objects.get().attempts == 1
    sink.data_answers = {}
    make_due(dispatch)
    assert carry(dispatch) == {"r1": "accepted"}
    assert dispatch.state == Dispatch.State.DONE


def test_after_the_last_pause_a_deferred_letter_is_given_up(sink: Sink) -> None:
    sink.answers = {"r1@example.org": "450 4.2.2 full"}
    dispatch = released(1)
    for _ in range(len(django_settings.RETRY_PAUSES)):
        assert carry(dispatch) == {"r1": "deferred"}
        make_due(dispatch)
    assert carry(dispatch) == {"r1": "failed"}
    assert "given up after 8 attempts" in Delivery.objects.get().text
    assert dispatch.state == Dispatch.State.DONE


def test_without_a_relay_all_is_deferred_and_nothing_lost(sink: Sink) -> None:
    dispatch = released()
    with refusing_url() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_pool", pool.Pool([Relay.of(url)]))
        assert set(carry(dispatch).values()) == {"deferred"}
    assert "RELAY_URL" in Delivery.objects.all()[0].text
    make_due(dispatch)
    assert set(carry(dispatch).values()) == {"accepted"}


def test_who_left_has_left_also_where_no_relay_would_have_taken_the_letter(sink: Sink) -> None:
    dispatch = released()
    reader = consent.find("r1@example.org")
    consent.leave(reader, consent.live(reader), source="a test")
    with refusing_url() as url, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "_pool", pool.Pool([Relay.of(url)]))
        assert carry(dispatch) == {"r1": "failed", "r2": "deferred", "r3": "deferred"}
    tried = Delivery.objects.filter(state="deferred").values_list("attempts", flat=True)
    assert [*tried] == [1, 1]  # a letter does not wait for a relay for ever


def test_what_is_known_is_recorded_though_postgresql_was_away_meanwhile(sink: Sink) -> None:
    dispatch = released()
    ours = connection.cursor().execute("SELECT pg_backend_pid()").fetchone()[0]

    def end_the_connection(outcome: Outcome) -> None:
        with psycopg.connect(**connection.get_connection_params(), autocommit=True) as another:
            another.execute("SELECT pg_terminate_backend(%s)", [ours])

    with when_handed_over(end_the_connection):
        assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r1@example.org", "r2@example.org", "r3@example.org"]


def test_an_answer_that_never_came_is_resent_under_the_same_message_id(sink: Sink) -> None:
    sink.fates = {"r2@example.org": Fate.CUT_AFTER_DOT}
    dispatch = released()
    assert carry(dispatch) == {"r1": "accepted", "r2": "deferred", "r3": "accepted"}
    sink.fates = {}
    make_due(dispatch)
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses.count("r2@example.org") == 2
    ids = {
        email.message_from_bytes(letter.data)["Message-ID"]
        for letter in sink.letters
        if letter.rcpt_to == ("r2@example.org",)
    }
    assert len(ids) == 1


def test_an_answer_that_never_came_is_held_where_the_desk_wants_that(
    sink: Sink, settings: object
) -> None:
    settings.UNKNOWN = "hold"  # type: ignore[attr-defined]
    sink.fates = {"r2@example.org": Fate.CUT_AFTER_DOT}
    dispatch = released()
    assert carry(dispatch) == {"r1": "accepted", "r2": "unknown", "r3": "accepted"}
    assert ledger.tally(dispatch.pk).balances
    assert dispatch.state == Dispatch.State.DONE


def test_the_journal_of_a_batch_that_is_done_is_cleared(sink: Sink) -> None:
    dispatch = released()
    holders = set()
    with when_handed_over(lambda _: holders.add(Batch.objects.get().holder)):
        carry(dispatch)
    assert noted(*holders).lines == ()


def test_a_letter_that_cannot_be_written_does_not_hold_up_those_behind_it(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    values_of = composing.values_of

    def failing(dispatch: Dispatch) -> Callable[[Addressee, str], SlotValues]:
        def values(addressee: Addressee, language: str) -> SlotValues:
            if addressee.address == "r2@example.org":
                raise KeyError("no words for this reader")
            return values_of(dispatch)(addressee, language)

        return values

    monkeypatch.setattr(composing, "values_of", failing)
    assert carry(released()) == {"r1": "accepted", "r2": "deferred", "r3": "accepted"}
    assert "worker's log" in Delivery.objects.get(state="deferred").text


def test_when_the_journal_breaks_off_what_is_known_is_recorded_first(sink: Sink) -> None:
    dispatch = released(5)
    note, seen = Journal.note, []

    def break_at_the_second(self: Journal, outcome: Outcome, attempts: int) -> None:
        seen.append(outcome)
        if len(seen) == 2:
            raise ConnectionError("Valkey went away")
        note(self, outcome, attempts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "note", break_at_the_second)
        with pytest.raises(ConnectionError):
            carrying.carry(dispatch.batches.get().pk)
    states = Delivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["accepted"] * 2 + ["waiting"] * 3
    make_due(dispatch)
    assert set(carry(dispatch).values()) == {"accepted"}
    assert len(sink.letters) == 5


def test_who_left_or_was_suppressed_or_changed_rules_meanwhile_is_not_mailed(sink: Sink) -> None:
    dispatch = released(4)
    readers = {f"r{n}": consent.find(f"r{n}@example.org") for n in range(1, 5)}
    consent.leave(readers["r1"], consent.live(readers["r1"]), source="a test")
    suppressing.suppress("r2@example.org", reason="complaint")
    rule = consent.live(readers["r3"]).get()
    rule.topics = [make_topic("Energy").pk]
    rule.save()
    assert carry(dispatch) == {"r1": "failed", "r2": "failed", "r3": "failed", "r4": "accepted"}
    assert sink.addresses == ["r4@example.org"]
    words = set(Delivery.objects.filter(state="failed").values_list("text", flat=True))
    assert words == {
        "left before it was handed over",
        "suppressed before it was handed over",
        "stopped following these topics before it was handed over",
    }
    assert ledger.tally(dispatch.pk).balances


def test_no_transaction_is_open_while_the_relay_is_spoken_to(sink: Sink) -> None:
    seen: list[bool] = []
    dispatch = released()
    with when_handed_over(lambda _outcome: seen.append(connection.in_atomic_block)):
        carry(dispatch)
    assert seen == [False] * 3


def test_a_paused_dispatch_is_not_carried_and_goes_on_when_resumed(sink: Sink) -> None:
    dispatch = released()
    dispatching.pause(dispatch.pk, by="ada")
    assert set(carry(dispatch).values()) == {"waiting"}
    dispatching.resume(dispatch.pk, by="ada")
    assert set(carry(dispatch).values()) == {"accepted"}


def test_a_batch_in_hand_stops_when_its_dispatch_is_paused_and_goes_on_when_resumed(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "LOOK_SECONDS", -1.0)
    dispatch = released()
    with when_handed_over(lambda _outcome: dispatching.pause(dispatch.pk, by="ada")):
        assert carry(dispatch) == {"r1": "accepted", "r2": "waiting", "r3": "waiting"}
    assert ledger.tally(dispatch.pk).balances
    dispatching.resume(dispatch.pk, by="ada")
    assert set(carry(dispatch).values()) == {"accepted"}
    assert sink.addresses == ["r1@example.org", "r2@example.org", "r3@example.org"]


def test_a_batch_in_hand_stops_when_its_dispatch_is_cancelled(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "LOOK_SECONDS", -1.0)
    dispatch = released()
    with when_handed_over(lambda _outcome: dispatching.cancel(dispatch.pk, by="ada")):
        assert carry(dispatch) == {"r1": "accepted", "r2": "waiting", "r3": "waiting"}
    assert sink.addresses == ["r1@example.org"]
    assert ledger.tally(dispatch.pk).balances


def test_a_cancelled_dispatch_is_never_carried_and_its_ledger_balances(sink: Sink) -> None:
    dispatch = released()
    dispatching.cancel(dispatch.pk, by="ada")
    assert set(carry(dispatch).values()) == {"waiting"}
    assert ledger.tally(dispatch.pk).balances


def test_a_process_that_is_told_to_stop_gives_the_rest_back_at_once_for_others(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "LOOK_SECONDS", -1.0)
    dispatch = released()
    batch = dispatch.batches.get()
    stop: list[Outcome] = []
    with when_handed_over(stop.append):
        carrying.carry(batch.pk, is_stopping=lambda: bool(stop))
    assert sink.addresses == ["r1@example.org"]
    batch.refresh_from_db()
    assert (batch.state, batch.holder) == ("waiting", "")
    assert batch.due_at <= timezone.now()
    assert set(carry(dispatch).values()) == {"accepted"}


def test_a_relays_words_stand_in_the_ledger_as_they_were(sink: Sink) -> None:
    words = r'550 5.1.1 "no" {such}, user\ NULL é 📮'
    sink.answers = {"r1@example.org": words}
    carry(released(1))
    assert Delivery.objects.get().text == words


def test_a_batch_that_breaks_down_for_ever_fails_in_the_end_and_can_be_sent_again(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch = released(2)
    with monkeypatch.context() as patch:
        patch.setattr(composing, "compiled", lambda _: 1 / 0)
        for _ in range(ledger.GIVE_UP_AFTER):
            make_due(dispatch)
            with pytest.raises(ZeroDivisionError):
                carry(dispatch)
    dispatch.refresh_from_db()
    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=2, failed=2)
    assert "given up after 24 breakdowns of its batch: ZeroDivisionError" in (
        Delivery.objects.all()[0].text
    )
    assert resending.send_rest(dispatch.pk, by="ada") == 2
    assert carry(dispatch) == {"r1": "accepted", "r2": "accepted"}
