"""What is under way as a brief is withdrawn: its letters stop, and digests go without it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Cadence
from dispatcher.briefs.models import Brief, Topic
from dispatcher.mailing import (
    amending,
    carrying,
    digest_letters,
    digests,
    dispatching,
    explaining,
    ledger,
    matching,
    withdrawing,
)
from dispatcher.mailing.models import Delivery, DigestRun, Dispatch, Owed
from tests.mailing.carried import carry, released, when_handed_over
from tests.mailing.test_digests import DAY, MONDAY, held_by, release, run, start
from tests.makers import make_brief, make_reader, make_topic
from tests.meanwhile import overtaken
from tests.services import workers
from tests.sinks import Sink
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def daily(*topics: Topic) -> Subscriber:
    return make_reader(any_of=topics or [make_topic("Iran")], cadence=Cadence.DAILY)


def two_briefs() -> tuple[Brief, Brief]:
    start()
    iran = make_topic("Iran")
    return release("One", iran, source_id="one"), release("Two", iran, source_id="two")


def live_digests() -> list[Dispatch]:
    return list(Dispatch.objects.filter(kind="digest").exclude(state="cancelled"))


def explained(brief: Brief, reader: Subscriber) -> str:
    brief.refresh_from_db()
    return explaining.explain(brief, reader.address)[0]


def test_letters_that_a_worker_has_not_handed_over_stay(sink: Sink) -> None:
    dispatch = released(5)
    assert dispatch.brief is not None
    brief = dispatch.brief
    carrying.LOOK_SECONDS, usual = 0.0, carrying.LOOK_SECONDS
    try:
        with when_handed_over(lambda _: amending.retract(brief, by="bo")):
            carry(dispatch)
    finally:
        carrying.LOOK_SECONDS = usual
    assert len(sink.letters) < 5
    dispatch.refresh_from_db()
    assert dispatch.state == "cancelled"
    sums = ledger.tally(dispatch.pk)
    assert sums.balances
    assert sums.accepted == len(sink.letters)


def test_real_workers_stop_within_a_moment_of_a_retraction(tmp_path: Path) -> None:
    readers = [make_reader(any_of=[make_topic("Iran")]) for _ in range(3_000)]
    brief = make_brief(topics=[make_topic("Iran")])
    with Sink() as sink, workers(tmp_path, relay=sink.url, BATCH_SIZE="100"):
        dispatch = dispatching.release(brief, by="ada")
        until(lambda: len(sink.letters) > 20)
        amending.retract(brief, by="bo", note="Wrong.")
        until(lambda: not dispatch.deliveries.filter(state="carrying").exists())
        until(lambda: not dispatch.batches.filter(state="carrying").exists())
        sums = ledger.tally(dispatch.pk)
        assert sums.balances
        assert sums.accepted == len(sink.letters)
        assert sums.waiting > 0
        assert sums.carrying == sums.failed == 0
        assert sums.audience <= len(readers)
    dispatch.refresh_from_db()
    assert dispatch.state == "cancelled"


def test_what_is_withdrawn_is_in_no_digest_and_explained() -> None:
    reader = daily()
    gone, kept = two_briefs()
    amending.retract(gone, by="bo")
    assert "withdrawn before the digest" in explained(gone, reader)
    assert run(MONDAY) == 1
    assert held_by(reader) == [["two"]]
    assert not Owed.objects.exists()
    assert "is withdrawn" in explained(gone, reader)
    assert "withdrawn" not in explained(kept, reader)


def test_what_is_back_before_the_hour_is_in_the_digest_as_it_was_corrected() -> None:
    reader = daily()
    gone, _ = two_briefs()
    Dispatch.objects.update(state="done")
    amending.retract(gone, by="bo")
    amending.correct(gone, "# One, put right\n\nNew words.", by="bo")
    assert run(MONDAY) == 1
    assert held_by(reader) == [["one", "two"]]
    [digest] = live_digests()
    revision = digest.contents.get(brief=gone).revision
    assert revision.document.headline == "One, put right"


def test_digests_hold_what_was_corrected_while_they_were_made(monkeypatch: Any) -> None:
    daily()
    one, _ = two_briefs()
    sets = digests._sets

    def corrected_meanwhile(parameters: dict[str, Any]) -> Any:
        found = sets(parameters)
        held = digest_letters.hold

        def hold(brief_ids: Any) -> Any:
            was = held(brief_ids)
            monkeypatch.setattr(digest_letters, "hold", held)
            amending.correct(one, "# One, put right\n\nNew words.", by="bo")
            return was

        monkeypatch.setattr(digest_letters, "hold", hold)
        return found

    monkeypatch.setattr(digests, "_sets", corrected_meanwhile)
    assert run(MONDAY) == 1
    [digest] = live_digests()
    assert digest.contents.get(brief=one).revision.document.headline == "One, put right"
    assert b"One, put right" in bytes(digest.letter)


def test_a_brief_that_is_withdrawn_as_its_digest_is_made_is_left_out() -> None:
    reader = daily()
    gone, _ = two_briefs()
    assert overtaken(lambda: run(MONDAY), by=lambda: amending.retract(gone, by="bo")) == 1
    assert held_by(reader) == [["two"]]


def test_a_digest_that_holds_it_stops_and_its_rest_goes_at_once(sink: Sink) -> None:
    readers = [daily(), daily()]
    gone, kept = two_briefs()
    run(MONDAY)
    [first] = live_digests()
    assert first.pk in amending.retract(gone, by="bo", note="Wrong.").stopped
    act = first.acts.get()
    assert (act.what, act.by) == ("replaced", "bo")
    assert act.note == "it held “One”, which was withdrawn"
    assert digests.gather(DigestRun.objects.get(cadence="daily", window=MONDAY).pk) == 2
    [second] = live_digests()
    assert list(second.contents.values_list("brief", flat=True)) == [kept.pk]
    carrying.carry(first.batches.get().pk)
    carrying.carry(second.batches.get().pk)
    assert sorted(sink.addresses) == sorted(reader.address for reader in readers)
    assert not any(gone.public_id.encode() in letter.data for letter in sink.letters)
    sums = ledger.tally(first.pk)
    assert sums.balances
    assert sums.failed == 2
    assert run(MONDAY) == 0
    assert not Owed.objects.exists()
    for reader in readers:
        assert "did not get it" in explained(gone, reader)
        assert "got it" in explained(kept, reader)


def test_what_is_withdrawn_while_its_run_goes_on_is_replaced_all_the_same(monkeypatch: Any) -> None:
    first, second = daily(), daily(make_topic("Cyber"))
    gone, _ = two_briefs()
    release("Three", make_topic("Cyber"), source_id="three")
    make = digests._make

    def struck(*parts: Any) -> int:
        made = make(*parts)
        if Brief.objects.filter(pk=gone.pk, withdrawn_at=None).exists():
            amending.retract(gone, by="bo")
        return made

    with monkeypatch.context() as patch:
        patch.setattr(digests, "AT_ONCE", 1)
        patch.setattr(digests, "_make", struck)
        run(MONDAY)
    run(MONDAY)
    assert held_by(first) == [["one", "two"], ["two"]]
    assert held_by(second) == [["three"]]
    assert not Owed.objects.exists()
    assert not DigestRun.objects.filter(finished_at=None).exists()


def test_who_has_had_the_digest_gets_no_second_one(sink: Sink) -> None:
    had, waits = daily(), daily()
    gone, _ = two_briefs()
    run(MONDAY)
    [first] = live_digests()
    first.deliveries.filter(subscriber=had).update(state="accepted")
    release("Three", make_topic("Iran"), source_id="three")
    amending.retract(gone, by="bo")
    run(MONDAY)
    assert held_by(had) == [["one", "two"]]
    assert held_by(waits) == [["one", "two"], ["three", "two"]]
    run(MONDAY + DAY)
    assert held_by(had) == [["one", "two"], ["three"]]
    assert held_by(waits) == [["one", "two"], ["three", "two"]]


def test_letters_that_are_in_hand_are_waited_for() -> None:
    reader = daily()
    gone, _ = two_briefs()
    run(MONDAY)
    [first] = live_digests()
    first.deliveries.update(state="carrying")
    amending.retract(gone, by="bo")
    its_run = DigestRun.objects.get(cadence="daily", window=MONDAY)
    assert run(MONDAY) == 0
    its_run.refresh_from_db()
    assert its_run.finished_at is None, "it is told only when the worker has let go"
    assert "may get it yet" in explained(gone, reader)
    first.deliveries.update(state="waiting")
    assert run(MONDAY) == 1
    its_run.refresh_from_db()
    assert its_run.finished_at is not None
    assert withdrawing.owe_anew(its_run), "a repeat finds nothing"
    assert not Owed.objects.exists()


def test_a_digest_of_nothing_else_ends_and_none_comes_instead() -> None:
    reader = daily()
    start()
    gone = release("One", make_topic("Iran"), source_id="one")
    run(MONDAY)
    amending.retract(gone, by="bo")
    assert run(MONDAY) == 0
    assert [row.state for row in Delivery.objects.filter(subscriber=reader)] == ["failed"]


def test_two_briefs_of_a_digest_that_are_withdrawn_one_after_the_other() -> None:
    reader = daily()
    one, two = two_briefs()
    release("Three", make_topic("Iran"), source_id="three")
    run(MONDAY)
    amending.retract(one, by="bo")
    run(MONDAY)
    amending.retract(two, by="bo")
    assert run(MONDAY + timedelta(minutes=1)) == 1
    assert held_by(reader)[-1] == ["three"]
    assert len(live_digests()) == 1


def test_a_digest_that_was_just_made_is_found_by_a_retraction_that_waited_for_it() -> None:
    reader = daily()
    gone, _ = two_briefs()
    done = overtaken(lambda: amending.retract(gone, by="bo"), by=lambda: run(MONDAY))
    [first] = Dispatch.objects.filter(kind="digest")
    assert first.pk in done.stopped
    assert run(MONDAY) == 1
    assert held_by(reader) == [["one", "two"], ["two"]]


def test_a_retraction_that_waits_for_a_slice_of_readers_ends_what_it_made() -> None:
    make_reader(any_of=[make_topic("Iran")])
    reader = daily()
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch = dispatching.release(brief, by="ada")
    done = overtaken(
        lambda: amending.retract(brief, by="bo"), by=lambda: matching.match(dispatch.pk)
    )
    assert done.stopped == (dispatch.pk,)
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.audience) == ("cancelled", 1)
    start()
    assert run(MONDAY) == 0
    assert held_by(reader) == []


@pytest.mark.parametrize("is_first", [True, False])
def test_a_dispatch_that_starts_in_the_moment_of_a_retraction_ends(is_first: bool) -> None:
    dispatch = released(1)
    assert dispatch.brief is not None
    brief = dispatch.brief
    dispatching.cancel(dispatch.pk, by="ada")
    brief.refresh_from_db()
    later = timezone.now() + timedelta(hours=1)
    scheduled = dispatching.release(brief, by="ada", at=later)

    def begin() -> object:
        return dispatching.start(scheduled)

    def retract() -> object:
        return amending.retract(brief, by="bo")

    overtaken(begin, by=retract) if is_first else overtaken(retract, by=begin)
    scheduled.refresh_from_db()
    assert scheduled.state == "cancelled"
