"""A reader's own page: what they get in plain words, and buttons that change just that."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import EVERYTHING, Rule
from dispatcher.audience.tokens import Purpose, seal
from tests.makers import make_reader, make_topic
from tests.pages.reading import page, texts
from tests.pages.test_leaving import assert_private

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def reader(db: None) -> Subscriber:
    tides, fog = make_topic("Tides"), make_topic("Fog")
    reader = make_reader("ada@example.org", any_of=[tides, make_topic("Harbours")], none_of=[fog])
    consent.subscribe(reader, EVERYTHING, source="made for a test")
    return reader


@pytest.fixture
def link(reader: Subscriber) -> str:
    return f"/reader/{seal(Purpose.MANAGE, reader.pk)}"


def test_the_page_says_what_the_reader_gets_in_plain_words(client: Client, link: str) -> None:
    read = page(client, link)
    assert texts(read, "//ul[contains(@class, 'rules')]/li/span") == [
        "Briefs on Harbours or Tides, but not Fog At once, a letter for each",
        "Every brief At once, a letter for each",
    ]
    assert texts(read, "//button") == ["Stop", "Stop", "Stop everything", "Pause", "New link"]
    assert "a…@example.org" in read.text_content()
    assert "ada@" not in read.text_content()
    assert_private(client.get(link).headers)


def test_one_rule_is_stopped_and_the_others_go_on(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    first, second = consent.live(reader)
    answer = stranger.post(link, {"action": "stop", "rule": first.pk})
    assert (answer.status_code, answer["Location"]) == (303, f"{link}?done=stopped")
    assert list(consent.live(reader)) == [second]
    read = page(stranger, answer["Location"])
    assert texts(read, "//h2")[0] == "Stopped last"
    assert texts(read, "//button")[:2] == ["Stop", "Undo"]


def test_everything_stops_and_undo_brings_it_back(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    stranger.post(link, {"action": "everything"})
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.LEFT
    assert "Nothing of ours is mailed to you" in page(stranger, link).text_content()
    assert stranger.post(link, {"action": "undo"})["Location"].endswith("?done=back")
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert consent.live(reader).count() == 2


def test_undo_is_offered_for_a_day(stranger: Client, link: str, reader: Subscriber) -> None:
    stranger.post(link, {"action": "everything"})
    long_ago = timezone.now() - timedelta(hours=25)
    Subscription.objects.update(ended_at=long_ago)
    assert texts(page(stranger, link), "//button") == ["New link"]
    assert stranger.post(link, {"action": "undo"})["Location"].endswith("?done=nothing")
    assert consent.live(reader).count() == 0


def test_a_rule_of_someone_else_is_not_touched(stranger: Client, link: str) -> None:
    other = make_reader(any_of=[make_topic("Tides")])
    rule = consent.live(other).get()
    for said in (rule.pk, "", "x", "²", "9" * 5_000, -1):
        answer = stranger.post(link, {"action": "stop", "rule": said})
        assert answer["Location"].endswith("?done=nothing")
    assert consent.live(other).get() == rule


def test_a_press_of_no_known_button_changes_nothing(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    for body in ({}, {"action": "erase"}, {"List-Unsubscribe": "One-Click"}):
        assert stranger.post(link, body).status_code == 303
    assert consent.live(reader).count() == 2


def test_a_suppressed_address_is_told_and_cannot_undo(
    stranger: Client, link: str, reader: Subscriber
) -> None:
    stranger.post(link, {"action": "everything"})
    suppressing.suppress(reader.address, reason="complained")
    read = page(stranger, link)
    assert "We have stopped mailing this address" in read.text_content()
    assert texts(read, "//button") == ["New link"]


def test_a_reader_who_is_gone_gets_a_page_that_says_so(stranger: Client) -> None:
    gone = f"/reader/{seal(Purpose.MANAGE, 999_999)}"
    assert "Nothing of ours is mailed to you" in page(stranger, gone).text_content()
    assert stranger.post(gone, {"action": "everything"}).status_code == 303


def test_a_bad_link_gets_a_clear_page(stranger: Client, reader: Subscriber) -> None:
    for token in ("nonsense", seal(Purpose.LEAVE, reader.pk), seal(Purpose.MANAGE, 1, 2, 3)):
        response = stranger.get(f"/reader/{token}")
        assert response.status_code == 404
        assert "Open it again from the letter" in response.content.decode()


def test_a_message_in_the_address_is_one_of_ours_or_none(client: Client, link: str) -> None:
    assert "hello" not in page(client, f"{link}?done=hello").text_content()


def test_a_rule_that_asks_for_all_of_its_topics_says_and(
    client: Client, reader: Subscriber
) -> None:
    both = frozenset({make_topic("Ice").pk, make_topic("Snow").pk})
    consent.subscribe(reader, Rule(match="all", topics=both, cadence="daily"), source="test")
    link = f"/reader/{seal(Purpose.MANAGE, reader.pk)}"
    lines = texts(page(client, link), "//ul[contains(@class, 'rules')]/li/span")
    assert lines[-1] == "Briefs on Ice and Snow In a daily digest"
