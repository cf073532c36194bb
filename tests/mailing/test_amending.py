"""A public brief is corrected, retagged and withdrawn: once each, at once, and what is under way stops."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from redis import Redis

from dispatcher.briefs import curating, intake, public
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.public import BriefWithdrawn
from dispatcher.errors import BriefGone, NotReleased, UnknownTopic, UnreadyBrief, WrongState
from dispatcher.mailing import amending, composing, dispatching, matching, trying
from dispatcher.mailing.models import Dispatch
from tests.makers import make_brief, make_reader, make_topic
from tests.meanwhile import overtaken
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "# Ferries run again between the islands\n\nThe line reopened on Tuesday."


def released(**document: Any) -> Brief:
    """A brief of one follower's topic, whose dispatch has found its readers and is being sent."""
    make_reader("ada@example.org", any_of=[make_topic("Harbours")])
    brief = make_brief(topics=[make_topic("Harbours")], **document)
    matching.match(dispatching.release(brief, by="ada").pk)
    return again(brief)


def again(brief: Brief) -> Brief:
    return intake.find(brief.public_id)


def said(brief: Brief) -> str:
    found = public.find(brief.public_id).document
    return " ".join(p for block in found.blocks for p in getattr(block, "paragraphs", ()))


def test_a_correction_is_what_readers_see_at_once_and_keeps_all_that_must_not_move() -> None:
    before = released(urgent=True)
    done = amending.correct(before, TEXT, by="bo", note=" It was  Tuesday. ")
    brief = again(before)
    assert done.is_new
    assert done.under_way == (Dispatch.objects.get().pk,)
    assert said(brief) == "The line reopened on Tuesday."
    kept = ("public_id", "source_id", "published_at", "released_at", "topics", "urgent")
    assert [getattr(brief, name) for name in kept] == [getattr(before, name) for name in kept]
    revision = brief.released
    assert revision is not None
    assert revision == brief.current
    assert (revision.number, revision.change, revision.by) == (2, "correction", "bo")
    assert (revision.note, revision.source) == ("It was Tuesday.", TEXT)
    assert brief.amended_at is not None
    assert before.released_at is not None
    assert brief.amended_at > before.released_at
    assert brief.amended_at.microsecond == 0


def test_the_same_content_again_is_no_correction(valkey: Redis) -> None:
    brief = released()
    assert amending.correct(brief, TEXT, by="bo", note="Tuesday.").is_new
    once = again(brief)
    valkey.flushall()
    assert not amending.correct(brief, TEXT, by="bo", note="Tuesday.").is_new
    assert again(brief).amended_at == once.amended_at
    assert brief.revisions.count() == 2
    assert (valkey.llen("upkeep"), valkey.llen("routine")) == (0, 0)


def test_corrections_move_on_by_whole_seconds_however_quick_they_are() -> None:
    brief = released()
    moments = []
    for day in ("Tuesday", "Wednesday", "Thursday"):
        amending.correct(brief, TEXT.replace("Tuesday", day), by="bo")
        moments.append(again(brief).amended_at)
    assert moments == sorted(set(moments), key=str)


def test_a_correction_goes_into_the_feeds_behind_no_routine_backlog(valkey: Redis) -> None:
    brief = released()
    valkey.flushall()
    amending.correct(brief, TEXT, by="bo", urgent=True)
    assert (valkey.llen("upkeep"), valkey.llen("routine")) == (1, 0)
    assert again(brief).urgent


def test_a_brief_that_nobody_has_seen_is_edited_instead() -> None:
    brief = make_brief()
    with pytest.raises(NotReleased, match="nothing to correct"):
        amending.correct(brief, TEXT, by="bo")
    with pytest.raises(NotReleased, match="nothing to retag"):
        amending.retag(brief, ["Harbours"], by="bo")
    with pytest.raises(NotReleased, match="nothing to withdraw"):
        amending.retract(brief, by="bo")
    assert brief.revisions.count() == 1


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        ("# A headline alone", UnreadyBrief),
        ("---\nheadline: Other\nsource_id: another\n---\n\nText.", UnreadyBrief),
        ("---\nheadline: Other\ntopics: Nowhere\n---\n\nText.", UnknownTopic),
    ],
)
def test_a_correction_that_is_none_changes_nothing(raw: str, refusal: type[Exception]) -> None:
    brief = released()
    with pytest.raises(refusal):
        amending.correct(brief, raw, by="bo")
    assert brief.revisions.count() == 1


def test_of_two_corrections_at_once_the_second_stands_on_the_first() -> None:
    brief = released()
    other = TEXT.replace("Tuesday", "Friday")
    done = overtaken(
        lambda: amending.correct(brief, other, by="cy"),
        by=lambda: amending.correct(brief, TEXT, by="bo"),
    )
    assert done.is_new
    changes = brief.revisions.order_by("number").values_list("number", "change", "by")
    assert list(changes) == [(1, "first", "ada"), (2, "correction", "bo"), (3, "correction", "cy")]
    assert said(again(brief)) == "The line reopened on Friday."


def test_of_two_equal_corrections_at_once_one_is_stored() -> None:
    brief = released()
    done = overtaken(
        lambda: amending.correct(brief, TEXT, by="cy"),
        by=lambda: amending.correct(brief, TEXT, by="bo"),
    )
    assert not done.is_new
    assert brief.revisions.count() == 2


def test_who_looked_at_another_revision_is_told_so() -> None:
    brief = released()
    looked_at = brief.released_id
    amending.correct(brief, TEXT, by="bo", shown=looked_at)
    with pytest.raises(WrongState, match="has changed"):
        amending.correct(brief, TEXT.replace("Tuesday", "May"), by="cy", shown=looked_at)


def test_letters_under_way_keep_what_was_released_and_a_new_release_sends_the_correction(
    sink: Sink,
) -> None:
    brief = released()
    first = Dispatch.objects.get()
    amending.correct(brief, TEXT, by="bo")
    first.refresh_from_db()
    assert (first.state, first.revision) == ("sending", brief.released)
    dispatching.cancel(first.pk, by="bo")
    second = dispatching.release(again(brief), by="bo")
    assert second.revision == again(brief).released


def test_a_dispatch_that_starts_after_a_correction_takes_nothing_of_it_back() -> None:
    brief = released()
    dispatching.cancel(Dispatch.objects.get().pk, by="ada")
    later = timezone.now() + timedelta(hours=1)
    scheduled = dispatching.release(again(brief), by="ada", at=later)
    amending.correct(again(brief), TEXT, by="bo")
    assert dispatching.start(scheduled)
    assert said(brief) == "The line reopened on Tuesday."


def test_what_is_released_again_after_an_edit_counts_as_changed() -> None:
    brief = released()
    dispatching.cancel(Dispatch.objects.get().pk, by="ada")
    edited = make_brief(
        "Ferries run daily", source_id=brief.source_id, topics=[make_topic("Tides")]
    )
    make_reader(any_of=[make_topic("Tides")])
    dispatching.release(again(edited), by="ada")
    brief = again(brief)
    assert (brief.headline, brief.topics) == ("Ferries run daily", [make_topic("Tides").pk])
    assert brief.amended_at is not None
    assert brief.released_at is not None
    assert brief.amended_at > brief.released_at


def test_retagging_moves_a_brief_and_says_nothing_of_a_correction() -> None:
    brief, tides = released(), make_topic("Tides")
    assert amending.retag(brief, ["tides"], by="bo").is_new
    assert not amending.retag(brief, ["Tides"], by="bo").is_new
    brief = again(brief)
    assert brief.topics == [tides.pk]
    found = public.find(brief.public_id)
    assert (found.correction, found.corrected_at) == ("", None)
    assert found.document.topics == ("Tides",)
    assert found.updated_at == brief.amended_at
    assert brief.revisions.filter(change=Revision.Change.RETAGGING).count() == 1
    with pytest.raises(UnknownTopic):
        amending.retag(brief, ["Nowhere"], by="bo")


def test_another_name_of_a_topic_is_no_retagging_and_no_correction() -> None:
    brief = released()
    amending.correct(brief, TEXT, by="bo")
    curating.rename("harbours", "Ports", by="ada")
    curating.merge("harbours", make_topic("Shipping").slug, by="ada")
    assert not amending.retag(brief, ["Shipping"], by="bo").is_new
    assert not amending.correct(again(brief), TEXT, by="bo").is_new


def test_a_retraction_ends_the_dispatch_says_why_and_is_told_to_the_feeds(valkey: Redis) -> None:
    brief = released()
    valkey.flushall()
    done = amending.retract(brief, by="bo", note="The source took it back.")
    dispatch = Dispatch.objects.get()
    assert done.stopped == (dispatch.pk,)
    assert dispatch.state == "cancelled"
    assert dispatch.finished_at is not None
    act = dispatch.acts.order_by("pk").last()
    assert act is not None
    assert (act.what, act.by) == ("cancelled", "bo")
    assert act.note == "the brief was withdrawn: The source took it back."
    assert valkey.llen("upkeep") == 1  # publish
    with pytest.raises(BriefWithdrawn):
        public.find(brief.public_id)


def test_a_second_retraction_changes_nothing(valkey: Redis) -> None:
    brief = released()
    amending.retract(brief, by="bo", note="Wrong.")
    once = again(brief)
    valkey.flushall()
    assert not amending.retract(brief, by="cy", note="Other words.").is_new
    assert again(brief).withdrawn_at == once.withdrawn_at
    assert brief.revisions.filter(change="retraction").count() == 1
    assert valkey.dbsize() == 0


@pytest.mark.parametrize("state", ["scheduled", "matching", "paused"])
def test_a_retraction_ends_a_dispatch_that_has_not_begun(state: str) -> None:
    brief = released()
    Dispatch.objects.update(state=state)
    amending.retract(brief, by="bo")
    assert Dispatch.objects.get().state == "cancelled"


def test_what_is_done_stays_done() -> None:
    brief = released()
    Dispatch.objects.update(state="done")
    assert amending.retract(brief, by="bo").stopped == ()
    assert Dispatch.objects.get().state == "done"


def test_a_withdrawn_brief_goes_to_nobody_and_staff_still_see_its_letter(sink: Sink) -> None:
    brief = released()
    amending.retract(brief, by="bo")
    brief = again(brief)
    with pytest.raises(BriefGone, match="withdrawn"):
        dispatching.release(brief, by="ada")
    with pytest.raises(WrongState, match="withdrawn"):
        amending.retag(brief, ["Harbours"], by="ada")
    assert brief.current is not None
    assert "Nobody planned" in composing.sample(brief, brief.current).text
    trying.send_test(brief, "you@example.org")
    assert sink.addresses == ["you@example.org"]


def test_a_release_in_the_moment_of_a_retraction_is_refused() -> None:
    brief = released()
    dispatching.cancel(Dispatch.objects.get().pk, by="ada")
    with pytest.raises(BriefGone):
        overtaken(
            lambda: dispatching.release(brief, by="ada"),
            by=lambda: amending.retract(brief, by="bo"),
        )


def test_only_a_correction_brings_a_brief_back_under_the_same_id() -> None:
    brief = released()
    amending.correct(brief, TEXT, by="bo")
    amending.retract(brief, by="bo")
    gone = again(brief).withdrawn_at
    assert gone is not None
    assert amending.correct(brief, TEXT, by="bo", note="It was right after all.").is_new
    found = public.find(brief.public_id)
    assert found.correction == "It was right after all."
    assert found.updated_at > gone
    assert dispatching.release(again(brief), by="ada").state == "matching"


def test_a_clock_that_was_set_back_moves_nothing_back() -> None:
    brief = released()
    ahead = datetime(2099, 1, 1, tzinfo=UTC)
    Brief.objects.filter(pk=brief.pk).update(amended_at=ahead)
    amending.correct(again(brief), TEXT, by="bo")
    assert again(brief).amended_at == ahead + timedelta(seconds=1)
    amending.retract(brief, by="bo")
    assert again(brief).withdrawn_at == ahead + timedelta(seconds=2)
