from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.feeds import publishing
from dispatcher.feeds.models_readership import FeedReadership
from tests import makers
from tests.console.reading import Page

pytestmark = pytest.mark.django_db


def test_feeds_are_listed_by_their_readers_a_day(desk: Client) -> None:
    makers.make_topic("Tides")
    publishing.build_all()
    yesterday = timezone.now().date() - timedelta(days=1)
    FeedReadership.objects.create(channel="topic/tides", day=yesterday, aggregated=0, pollers=9)
    FeedReadership.objects.create(channel="all", day=yesterday, aggregated=1200, pollers=34)

    page = Page(desk.get("/desk/feeds/"))

    assert page.rows[0].startswith("All briefs 1,200 of them by aggregators 1,234")
    assert page.rows[1].startswith("Tides 9")
    assert page.links["All briefs"] == "http://news.example.org/"
    assert page.links["Tides"] == "http://news.example.org/topics/tides"
    assert "an estimate" in page.text


def test_before_the_first_day_is_over_the_page_says_so(desk: Client) -> None:
    page = Page(desk.get("/desk/feeds/"))
    assert "No day on which somebody read a feed is over yet" in page.text
    assert "/feeds/" in page.links.values()
