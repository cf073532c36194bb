from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience.models import Subscriber
from dispatcher.briefs.models import Brief
from dispatcher.mailing.models import Dispatch
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db


@pytest.fixture
def brief(db: None) -> Brief:
    harbours, ferries = makers.make_topic("Harbours"), makers.make_topic("Ferries")
    for _ in range(3):
        makers.make_reader(any_of=[harbours])
    makers.make_reader(any_of=[ferries], state="pending")
    return makers.make_brief(topics=[harbours, ferries])


def path(brief: Brief) -> str:
    return f"/desk/briefs/{brief.public_id}/release"


def release(desk: Client, brief: Brief, **fields: Any) -> Any:
    usual = {"revision": brief.current_id, "when": "now", "said": "now"}
    return desk.post(path(brief), {**usual, **fields})


def test_the_page_says_what_to_whom_and_when(desk: Client, brief: Brief) -> None:
    page = Page(desk.get(path(brief)))

    assert "3 readers who follow Harbours or Ferries" in page.text
    assert "Left out: 1 because the reader has not confirmed the address" in page.text
    assert "goes to 3 readers of Harbours or Ferries and to the feeds now." in page.said("last")
    assert page.buttons == ["Release to 3 readers"]


def test_a_release_leads_to_its_dispatch(desk: Client, brief: Brief) -> None:
    response = release(desk, brief)

    dispatch = Dispatch.objects.get()
    assert response.url == f"/desk/dispatches/{dispatch.pk}/"
    assert dispatch.released_by == "ada"
    assert dispatch.state == "matching"
    assert "Preparing" in Page(desk.get(response.url)).text


def test_a_second_press_leads_to_the_first_dispatch(desk: Client, brief: Brief) -> None:
    release(desk, brief)
    response = release(desk, brief)

    assert response.url == f"/desk/dispatches/{Dispatch.objects.get().pk}/"
    assert "released already" in Page(desk.get(response.url)).text


def test_a_release_for_later_says_when_and_waits(desk: Client, brief: Brief) -> None:
    at = timezone.now() + timedelta(days=2)
    asked = {"when": "later", "at": f"{at:%Y-%m-%dT%H:%M}"}
    words = desk.get(path(brief), asked, headers={"HX-Request": "true"}).content.decode()
    assert f"{at:%H:%M}:00 UTC" in words
    assert "in 2 days" in words
    assert "Schedule for 3 readers" in words
    (said,) = re.findall('name="said" value="([^"]+)"', words)

    release(desk, brief, **asked, said=said)

    dispatch = Dispatch.objects.get()
    assert dispatch.state == "scheduled"
    assert dispatch.scheduled_for == at.replace(second=0, microsecond=0)


def test_nothing_happens_but_what_the_button_said(desk: Client, brief: Brief) -> None:
    """Without a script the sentence still says "now" when a time has been given."""
    asked = Page(release(desk, brief, when="later", at="2099-07-01T14:00"))
    assert "what it says is what will happen" in asked.said("errors")
    assert asked.buttons == ["Schedule for 3 readers"]
    assert asked.value("at") == "2099-07-01T14:00"

    later = {"when": "now", "at": "2099-07-01T14:00", "said": asked.value("said")}
    assert "what it says is what will happen" in Page(release(desk, brief, **later)).said("errors")
    assert not Dispatch.objects.exists()


def test_a_time_is_read_in_the_zone_of_the_installation(
    desk: Client, brief: Brief, settings: Any
) -> None:
    settings.TIME_ZONE = "Europe/Vienna"
    release(desk, brief, when="later", at="2099-07-01T14:00", said="2099-07-01T14:00:00+02:00")

    scheduled = Dispatch.objects.get().scheduled_for
    assert scheduled is not None
    assert scheduled.isoformat() == "2099-07-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2020-01-01T00:00", "This time is past"),
        ("", "Give the date and the time"),
        ("soon", "Give a date and a time"),
    ],
)
def test_a_time_that_cannot_be_is_refused_and_kept(
    desk: Client, brief: Brief, at: str, words: str
) -> None:
    page = Page(release(desk, brief, when="later", at=at))

    assert page.status == 422
    assert words in page.said("at-error")
    assert words in page.said("errors")
    assert page.value("at") == at
    assert not Dispatch.objects.exists()


def test_without_readers_only_the_feeds_can_have_it(desk: Client) -> None:
    brief = makers.make_brief(topics=[makers.make_topic("Lighthouses")])
    page = Page(desk.get(path(brief)))
    assert page.buttons == ["Release to the feeds alone"]
    assert "No reader wants letters on Lighthouses, so none" in page.text

    refused = Page(release(desk, brief))
    assert refused.status == 422
    assert not Dispatch.objects.exists()

    assert release(desk, brief, feeds="yes").status_code == 302
    brief.refresh_from_db()
    assert brief.released_at is not None


def test_a_brief_that_changed_since_it_was_looked_at_is_not_released(
    desk: Client, brief: Brief
) -> None:
    page = Page(release(desk, brief, revision=str((brief.current_id or 0) - 1)))

    assert page.status == 422
    assert "has changed since you looked" in page.said("errors")
    assert not Dispatch.objects.exists()


def test_an_audience_that_grew_much_since_it_was_shown_is_shown_again(
    desk: Client, brief: Brief
) -> None:
    readers = Page(desk.get(path(brief))).value("readers")
    assert readers == "3"
    for _ in range(6):
        makers.make_reader(any_of=[makers.make_topic("Ferries")])

    page = Page(release(desk, brief, readers=readers))

    assert page.status == 422
    assert "It was 3 readers when you looked and is 9 now" in page.said("errors")
    assert page.buttons == ["Release to 9 readers"]
    assert not Dispatch.objects.exists()
    assert release(desk, brief, readers=page.value("readers")).status_code == 302


def test_a_reader_more_or_less_than_was_shown_is_no_news(desk: Client, brief: Brief) -> None:
    makers.make_reader(any_of=[makers.make_topic("Ferries")])

    assert release(desk, brief, readers="3").status_code == 302
    assert Dispatch.objects.get().acts.get().note == "to 4 readers"


def test_an_urgent_brief_says_what_that_means(desk: Client, brief: Brief) -> None:
    Brief.objects.filter(pk=brief.pk).update(urgent=True)

    assert "it overtakes every routine letter" in Page(desk.get(path(brief))).text


def test_who_got_it_before_a_cancelling_is_left_out_and_that_is_said(
    desk: Client, brief: Brief
) -> None:
    dispatch = makers.make_dispatch(brief, state="cancelled")
    dispatch.deliveries.create(
        subscriber=Subscriber.objects.order_by("pk")[0],
        batch=dispatch.batches.create(number=1),
        state="accepted",
    )
    said = Page(desk.get(path(brief))).text

    assert "the reader has it from a dispatch that was cancelled" in said
    assert "Release to 2 readers" in said


def test_a_dead_queue_is_said_and_nothing_is_released(
    desk: Client, brief: Brief, settings: Any
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    page = Page(release(desk, brief))

    assert page.status == 422
    assert "The queue does not answer" in page.said("errors")
    assert not Dispatch.objects.exists()


def test_a_brief_that_only_digest_readers_follow_can_be_released(desk: Client) -> None:
    tides = makers.make_topic("Tides")
    makers.make_reader(any_of=[tides], cadence="daily")
    brief = makers.make_brief(topics=[tides])
    page = Page(desk.get(path(brief)))
    assert "1 reader in their next digest." in page.text
    assert "to 1 reader in a digest and to the feeds now." in page.said("last")
    release(desk, brief, readers=0)
    assert Dispatch.objects.get().by_mail
