"""A reader's own feed: exactly their rules, for nobody else, and closed by a press."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import feedparser
import pytest
from django.test import Client

from dispatcher.audience import access, consent
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.feeds import publishing
from dispatcher.feeds.models import FeedChannel
from dispatcher.mailing import erasing
from tests.feeds.releasing import release
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db


def titles(client: Client, token: str) -> set[str]:
    response = client.get(f"/feeds/mine/{token}.atom")
    assert response.status_code == 200
    parsed = feedparser.parse(response.content)
    assert not parsed.bozo
    return {entry.title for entry in parsed.entries}


def test_it_holds_what_any_live_rule_lets_through_whatever_its_cadence(client: Client) -> None:
    fog, ice, tides = map(make_topic, ("Fog", "Ice", "Tides"))
    for name, topics in {
        "Fog alone": [fog],
        "Fog and ice": [fog, ice],
        "Tides": [tides],
        "Ice": [ice],
    }.items():
        publishing.publish(release(name, topics=topics).pk)
    reader = make_reader(any_of=[fog], none_of=[ice])
    token = access.feed_token(reader.pk)
    assert titles(client, token) == {"Fog alone"}
    weekly = Rule(topics=frozenset([tides.pk]), cadence=Cadence.WEEKLY)
    rule = consent.subscribe(reader, weekly, source="made for a test")
    assert titles(client, token) == {"Fog alone", "Tides"}
    rule.ended_at = rule.started_at
    rule.save()
    assert titles(client, token) == {"Fog alone"}


def test_it_is_private_conditional_and_kept_nowhere(client: Client) -> None:
    publishing.publish(release(topics=[make_topic("Fog")]).pk)
    kept = FeedChannel.objects.count()
    address = f"/feeds/mine/{access.feed_token(make_reader(all_of=[]).pk)}"
    for form in ("atom", "rss", "json"):
        response = client.get(f"{address}.{form}")
        assert response["Cache-Control"] == "private, max-age=300"
        assert response["X-Robots-Tag"] == "noindex"
        assert "Link" not in response
        assert "Last-Modified" not in response
        again = client.get(f"{address}.{form}", headers={"If-None-Match": response["ETag"]})
        assert again.status_code == 304
    assert FeedChannel.objects.count() == kept


def test_another_rule_is_seen_by_who_asks_by_date_alone(client: Client) -> None:
    fog, ice = map(make_topic, ("Fog", "Ice"))
    publishing.publish(release("Calm", topics=[ice]).pk)
    publishing.publish(release("Fog on the strait", topics=[fog]).pk)
    reader = make_reader(any_of=[fog])
    token = access.feed_token(reader.pk)
    assert titles(client, token) == {"Fog on the strait"}
    consent.subscribe(reader, Rule(topics=frozenset([ice.pk])), source="made for a test")
    since = {"If-Modified-Since": format_datetime(datetime.now(UTC), usegmt=True)}
    assert b"Calm" in client.get(f"/feeds/mine/{token}.atom", headers=since).content


def test_its_page_shows_it_to_whoever_has_the_address_and_leads_no_further(client: Client) -> None:
    fog = make_topic("Fog")
    publishing.publish(release("Fog on the strait", topics=[fog]).pk)
    publishing.publish(release("Calm", topics=[make_topic("Ice")]).pk)
    reader = make_reader("ada@example.org", any_of=[fog])
    token = access.feed_token(reader.pk)
    address = f"/feeds/mine/{token}"
    assert client.get(f"{address}.atom")["Refresh"] == f"0; url=http://news.example.org{address}"
    response = client.get(address)
    assert response.status_code == 200
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] == "no-referrer"
    page = response.content.decode()
    assert "Fog on the strait" in page
    assert "Calm" not in page
    for form in ("atom", "rss", "json"):
        assert f"http://news.example.org{address}.{form}" in page
    assert "/reader/" not in page
    assert "ada" not in page
    assert 'rel="canonical"' not in page
    access.renew_feed(reader.pk)
    assert client.get(address).status_code == 404


def test_its_address_opens_nothing_else_and_no_other_opens_it(client: Client) -> None:
    reader = make_reader(all_of=[])
    token = access.feed_token(reader.pk)
    assert client.get(f"/reader/{token}").status_code == 404
    for other in (access.manage_token(reader.pk), seal(Purpose.FEED, reader.pk + 1, 0), token[:-2]):
        assert client.get(f"/feeds/mine/{other}.atom").status_code == 404


def test_a_press_on_the_readers_page_ends_the_address_for_good(client: Client) -> None:
    reader = make_reader(all_of=[])
    page = f"/reader/{access.manage_token(reader.pk)}/feed"
    old = access.feed_token(reader.pk)
    assert f"/feeds/mine/{old}.atom" in client.get(page).content.decode()
    assert client.get(f"/feeds/mine/{old}.atom").status_code == 200
    answer = client.post(page, {"action": "renew"})
    assert answer.status_code == 303
    assert client.get(f"/feeds/mine/{old}.atom").status_code == 404
    new = access.feed_token(reader.pk)
    assert f"/feeds/mine/{new}.json" in client.get(answer["Location"]).content.decode()
    assert client.get(f"/feeds/mine/{new}.json").status_code == 200


def test_who_was_erased_has_no_feed(client: Client) -> None:
    reader = make_reader(all_of=[])
    token = access.feed_token(reader.pk)
    erasing.erase(reader.pk, by="ada")
    assert client.get(f"/feeds/mine/{token}.atom").status_code == 404


@pytest.mark.parametrize("rest", [".atom/", ".ATOM", "/archive/2001-01.atom", ".xml", "/"])
def test_no_shared_cache_keeps_even_what_it_refuses(client: Client, rest: str) -> None:
    address = f"/feeds/mine/{access.feed_token(make_reader(all_of=[]).pk)}"
    for asked in (f"{address}{rest}", f"{address.replace('mine', 'Mine')}{rest}"):
        response = client.get(asked)
        assert response.status_code in {301, 404}
        assert response["Cache-Control"] == "private, no-store"
        assert "dispatcher.feeds.handed" not in response.wsgi_request.META
