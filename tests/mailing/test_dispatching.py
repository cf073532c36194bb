"""Releasing: what is refused, what is stored, and that two at once are one."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone
from redis import Redis

from dispatcher.briefs import curating
from dispatcher.errors import (
    AlreadyReleased,
    NobodyFollows,
    NoSuchDispatch,
    QueueUnreachable,
    Refusal,
    UnreadyBrief,
    WrongState,
)
from dispatcher.mailing import dispatching, matching, sweeping
from dispatcher.mailing.models import Dispatch
from tests.makers import make_brief, make_reader, make_topic


def queued(valkey: Redis, queue: str) -> int:
    return valkey.llen(queue)


@pytest.mark.django_db(transaction=True)
def test_a_release_stores_who_when_and_the_exact_letter_and_posts_two_jobs(valkey: Redis) -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch = dispatching.release(brief, by="ada")
    brief.refresh_from_db()
    assert dispatch.released_by == "ada"
    assert dispatch.content_hash == brief.current.content_hash  # type: ignore[union-attr]
    assert b"Ferries run again" in bytes(dispatch.letter)
    assert brief.released == brief.current
    assert (queued(valkey, "routine"), queued(valkey, "upkeep")) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_an_urgent_brief_goes_by_the_urgent_lane(valkey: Redis) -> None:
    make_reader(any_of=[make_topic("Iran")])
    dispatch = dispatching.release(make_brief(topics=[make_topic("Iran")], urgent=True), by="ada")
    assert dispatch.lane == "urgent"
    assert (queued(valkey, "urgent"), queued(valkey, "routine")) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_second_release_is_refused_and_names_the_first() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch = dispatching.release(brief, by="ada")
    with pytest.raises(AlreadyReleased, match=rf"released by ada .* dispatch show {dispatch.pk}"):
        dispatching.release(brief, by="bea")
    assert Dispatch.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_releases_in_the_same_moment_one_wins() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    answers: list[object] = []
    ready = threading.Barrier(2)

    def release() -> None:
        ready.wait()
        try:
            answers.append(dispatching.release(brief, by="ada"))
        except Refusal as refusal:
            answers.append(refusal)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=release) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Dispatch.objects.count() == 1
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyReleased", "Dispatch"]


@pytest.mark.django_db(transaction=True)
def test_a_brief_that_nobody_follows_is_refused_unless_it_is_for_the_feeds() -> None:
    brief = make_brief(topics=[make_topic("Iran")])
    with pytest.raises(NobodyFollows, match="feeds"):
        dispatching.release(brief, by="ada")
    assert dispatching.release(brief, by="ada", to_feeds_alone=True).pk


@pytest.mark.django_db(transaction=True)
def test_a_release_to_the_feeds_alone_mails_nobody_and_is_done_when_matched() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch = dispatching.release(brief, by="ada", to_feeds_alone=True)
    matching.match(dispatch.pk)
    dispatch.refresh_from_db()
    assert (dispatch.state, dispatch.audience) == (Dispatch.State.DONE, 0)
    brief.refresh_from_db()
    assert brief.released_at


@pytest.mark.django_db(transaction=True)
def test_without_valkey_nothing_is_stored(settings: object) -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    with pytest.raises(QueueUnreachable, match="REDIS_URL"):
        dispatching.release(brief, by="ada")
    assert Dispatch.objects.count() == 0
    brief.refresh_from_db()
    assert brief.released_at is None


@pytest.mark.django_db
def test_a_letter_that_mailboxes_would_clip_is_refused() -> None:
    from dispatcher.briefs.document import Section

    make_reader(any_of=[make_topic("Iran")])
    blocks = (Section("Long", ("word " * 25_000,)),)
    brief = make_brief(topics=[make_topic("Iran")], blocks=blocks)
    with pytest.raises(UnreadyBrief, match="KB"):
        dispatching.release(brief, by="ada")


@pytest.mark.django_db
def test_a_time_in_the_past_is_refused() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    with pytest.raises(WrongState, match="past"):
        dispatching.release(brief, by="ada", at=timezone.now() - timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_a_scheduled_release_is_not_public_before_its_time_and_starts_at_it() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch = dispatching.release(brief, by="ada", at=timezone.now() + timedelta(hours=1))
    sweeping.sweep()
    brief.refresh_from_db()
    assert brief.released_at is None
    Dispatch.objects.update(scheduled_for=timezone.now() - timedelta(seconds=1))
    sweeping.sweep()
    brief.refresh_from_db()
    dispatch.refresh_from_db()
    assert brief.released_at
    assert dispatch.state == Dispatch.State.MATCHING
    assert not dispatching.start(dispatch), "once only"


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_schedule_frees_the_brief() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch = dispatching.release(brief, by="ada", at=timezone.now() + timedelta(hours=1))
    dispatching.cancel(dispatch.pk, by="ada")
    assert dispatching.release(brief, by="ada").pk != dispatch.pk


@pytest.mark.django_db(transaction=True)
def test_what_is_edited_in_after_a_cancelled_release_goes_by_its_own_topics_and_lane() -> None:
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    make_reader(any_of=[iran])
    make_reader(any_of=[cyber])
    make_reader(any_of=[cyber])
    brief = make_brief("Ferries run", topics=[iran], source_id="ferries")
    dispatching.cancel(dispatching.release(brief, by="ada").pk, by="ada")
    brief = make_brief("Ferries hacked", topics=[cyber], source_id="ferries", urgent=True)
    seen = dispatching.prospect(brief)
    assert (seen.topics, seen.audience.readers, seen.lane) == (("Cyber",), 2, "urgent")
    assert brief.topics == [iran.pk], "until then readers see the first"
    dispatch = dispatching.release(brief, by="ada", shown=2)
    assert (dispatch.topics, dispatch.lane) == ([cyber.pk], "urgent")
    brief.refresh_from_db()
    assert (brief.topics, brief.headline) == ([cyber.pk], "Ferries hacked")


@pytest.mark.django_db(transaction=True)
def test_a_topic_that_is_retired_reaches_nobody_and_what_stands_above_it_does() -> None:
    weather = make_topic("Weather")
    fog, ice = make_topic("Fog", parent=weather), make_topic("Ice")
    make_reader(any_of=[fog])
    make_reader(any_of=[weather])
    make_reader(any_of=[ice], none_of=[weather])
    make_reader(any_of=[ice], none_of=[fog])
    both = make_brief("Both", topics=[fog, ice])
    curating.retire("fog", by="ada")
    assert dispatching.prospect(both).audience.readers == 2
    dispatch = dispatching.release(both, by="ada", shown=2)
    assert dispatch.topics == sorted([weather.pk, ice.pk])
    alone = make_topic("Alone")
    make_reader(any_of=[alone])
    brief = make_brief("Alone", topics=[alone])
    curating.retire("alone", by="ada")
    with pytest.raises(NobodyFollows):
        dispatching.release(brief, by="ada")
    curating.reinstate("alone", by="ada")
    assert dispatching.release(brief, by="ada", shown=1).topics == [alone.pk]


@pytest.mark.django_db(transaction=True)
def test_what_is_scheduled_becomes_public_as_it_is_whatever_was_handed_in_since() -> None:
    iran, cyber = make_topic("Iran"), make_topic("Cyber")
    make_reader(any_of=[iran])
    day = datetime(2026, 3, 2, tzinfo=UTC)
    brief = make_brief("Ferries run", topics=[iran], source_id="ferries", published_at=day)
    at = timezone.now() + timedelta(hours=1)
    dispatch = dispatching.release(brief, by="ada", at=at)
    edited = make_brief(
        "Ferries hacked", topics=[cyber], source_id="ferries", urgent=True, kind="Alert"
    )
    assert dispatching.start(dispatch)
    brief.refresh_from_db()
    assert brief.released == dispatch.revision
    assert brief.current == edited.current, "which waits for a release or correction of its own"
    assert (brief.headline, brief.topics, brief.urgent) == ("Ferries run", [iran.pk], False)
    assert (brief.kind, brief.published_at) == ("Brief", day)


@pytest.mark.django_db
def test_verbs_on_the_wrong_state_say_which_it_is() -> None:
    from tests.makers import make_dispatch

    done = make_dispatch(state=Dispatch.State.DONE)
    for verb in (dispatching.pause, dispatching.resume, dispatching.cancel):
        with pytest.raises(WrongState, match="is done"):
            verb(done.pk, by="ada")
    with pytest.raises(NoSuchDispatch, match="no dispatch 12345"):
        dispatching.find(12345)


@pytest.mark.django_db
def test_the_prospect_names_readers_topics_and_lane() -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran"), make_topic("Cyber")], urgent=True)
    prospect = dispatching.prospect(brief)
    assert prospect.audience.readers == 1
    assert prospect.topics == ("Iran", "Cyber")
    assert prospect.lane == "urgent"


@pytest.mark.django_db(transaction=True)
def test_an_audience_far_from_the_one_that_was_shown_is_told_and_nothing_is_stored() -> None:
    iran = make_topic("Iran")
    for _ in range(10):
        make_reader(any_of=[iran])
    brief = make_brief(topics=[iran])
    for shown in (4, 16):
        with pytest.raises(dispatching.AudienceChanged, match=f"It was {shown} .* is 10 now"):
            dispatching.release(brief, by="ada", shown=shown)
    assert not Dispatch.objects.exists()
    assert dispatching.release(brief, by="ada", shown=15).pk


@pytest.mark.django_db(transaction=True)
def test_every_verb_is_entered_in_the_acts_with_who_and_when() -> None:
    make_reader(any_of=[make_topic("Iran")])
    before = timezone.now()
    dispatch = dispatching.release(make_brief(topics=[make_topic("Iran")]), by="ada")
    dispatching.pause(dispatch.pk, by="bea")
    with pytest.raises(WrongState):
        dispatching.pause(dispatch.pk, by="cy")
    dispatching.resume(dispatch.pk, by="cy")
    dispatching.cancel(dispatch.pk, by="dee (API)")
    acts = dispatch.acts.order_by("pk")
    assert list(acts.values_list("by", "what", "note")) == [
        ("ada", "released", "to 1 reader"),
        ("bea", "paused", ""),
        ("cy", "resumed", ""),
        ("dee (API)", "cancelled", ""),
    ]
    assert all(before <= act.at <= timezone.now() for act in acts)
