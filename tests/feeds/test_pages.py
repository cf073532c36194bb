"""The pages about feeds, as they are sent: what they list, what they refuse, and how they say so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from dispatcher.mailing import amending
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db


def page(client: Client, address: str, *, status: int = 200) -> str:
    response = client.get(address)
    assert response.status_code == status
    assert response["Content-Type"].startswith("text/html")
    return " ".join(response.content.decode().split())


def test_the_index_says_how_many_briefs_a_topic_has_and_when_the_last_came(client: Client) -> None:
    coast = make_topic("Coast")
    harbours = make_topic("Harbours", parent=coast)
    make_topic("Tides")
    made = [release(topics=[harbours], at=MARCH + timedelta(days=day)) for day in range(3)]
    publishing.build_all()
    said = page(client, "/feeds/")
    assert said.count("3 briefs, last on 4 March 2023") == 2, "of Harbours, and of what is above it"
    assert said.count("No brief yet") == 1
    amending.retract(made[2], by="ada", note="It was not so.")
    publishing.publish(made[2].pk)
    assert page(client, "/feeds/").count("2 briefs, last on 3 March 2023") == 2


def test_the_index_asks_the_database_no_more_often_for_many_topics(
    client: Client, django_assert_num_queries: object
) -> None:
    client.get("/feeds/")  # what a process reads once
    with django_assert_num_queries(3):  # type: ignore[operator]
        client.get("/feeds/")
    for number in range(30):
        make_topic(f"Topic {number}")
    with django_assert_num_queries(3):  # type: ignore[operator]
        client.get("/feeds/")


def test_a_combination_that_cannot_be_is_said_above_the_form_that_keeps_its_ticks(
    client: Client,
) -> None:
    make_topic("Tides")
    for asked, words in {
        "topic=tides&not=tides": "would want Tides and leave it out",
        "match=each": "names no topic",
        "topic=" + "&topic=".join(f"t{number}" for number in range(9)): "up to 8 topics",
        "topic=nowhere": "There is no topic at this address.",
    }.items():
        said = page(client, f"/feeds/choose?{asked}", status=422)
        assert words in said
        assert ('value="tides" checked' in said) is ("topic=tides" in asked)


def test_a_combination_leads_back_to_the_form_filled_in(client: Client) -> None:
    for name in ("Tides", "Fog", "Ice"):
        make_topic(name)
    said = page(client, "/feeds/each/fog,tides/not/ice")
    again = "/feeds/?topic=fog&amp;topic=tides&amp;not=ice&amp;match=each#topics"
    assert f'href="{again}"' in said
    form = page(client, again.replace("&amp;", "&"))
    assert form.count(" checked") == 4
    assert "<details open>" in form
    assert "Choose other topics" not in page(client, "/feeds/urgent")


def test_a_page_of_no_feed_is_a_page_that_leads_on(client: Client) -> None:
    Topic.objects.create(slug="sails", name="Sails", retired_at=MARCH)
    make_topic("Fog")
    for address, status in {
        "/feeds/any/nowhere,elsewhere": 404,
        "/feeds/mine/nobody": 404,
        "/feeds/any/fog,sails": 410,
    }.items():
        said = page(client, address, status=status)
        assert 'href="/feeds/"' in said
    plain = client.get("/feeds/any/nowhere,elsewhere.atom").content.decode()
    assert plain.startswith("There is no feed at this address.")
    assert plain.endswith(" http://news.example.org/feeds/\n")


def test_an_archive_has_its_feeds_page(client: Client) -> None:
    publishing.publish(release(kind="Note").pk)
    for stem, leads_to in {"all": "/", "kinds/note": "/feeds/kinds/note"}.items():
        response = client.get(f"/feeds/{stem}/archive/2023-03")
        assert (response.status_code, response["Location"]) == (
            301,
            f"http://news.example.org{leads_to}",
        )
