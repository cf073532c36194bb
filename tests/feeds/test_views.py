"""Feeds as a client meets them: addresses, headers, conditional requests, topics that ended."""

from __future__ import annotations

import gzip
from datetime import timedelta
from typing import Any

import feedparser
import pytest
from django.test import Client
from pytest_django import Settings

from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from tests.feeds.releasing import MARCH, release
from tests.makers import make_topic

pytestmark = pytest.mark.django_db

EVERY = [
    "/feeds/all.atom",
    "/feeds/all.rss",
    "/feeds/topics/harbours.atom",
    "/feeds/topics/harbours.rss",
]
every_feed = pytest.mark.parametrize("address", EVERY)


def publish(headline: str = "Pilots return", **said: Any) -> None:
    publishing.publish(release(headline, **said).pk)


def read(response: Any) -> Any:
    """As feedparser reads the bytes under the headers that came with them."""
    assert response.status_code == 200
    coded = response.headers.get("Content-Encoding") == "gzip"
    body = gzip.decompress(response.content) if coded else response.content
    parsed = feedparser.parse(body, response_headers={"content-type": response["Content-Type"]})
    assert not parsed.bozo
    return parsed


@every_feed
def test_every_feed_is_served_with_its_exact_type_and_headers(client: Client, address: str) -> None:
    publish()
    response = client.get(address)
    kind = address.rpartition(".")[2]
    assert response["Content-Type"] == f"application/{kind}+xml; charset=utf-8"
    assert response["Cache-Control"] == "public, max-age=300"
    assert response["Vary"] == "Accept-Encoding"
    assert response["Access-Control-Allow-Origin"] == "*"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Last-Modified"] == "Thu, 02 Mar 2023 10:00:00 GMT"
    assert response["Content-Length"] == str(len(response.content))
    assert not response.cookies
    parsed = read(response)
    assert [entry.title for entry in parsed.entries] == ["Pilots return"]
    links = {link.rel: link.href for link in parsed.feed.links}
    assert links["self"] == f"http://news.example.org{address}"


def test_no_two_feeds_have_the_same_id_and_a_brief_has_the_same_in_all(client: Client) -> None:
    publish()
    feeds = [read(client.get(address)) for address in EVERY]
    assert len({feed.feed.get("id") for feed in feeds if feed.feed.get("id")}) == 2
    assert len({feed.entries[0].id for feed in feeds}) == 1


@every_feed
def test_a_head_has_the_headers_of_a_get_and_no_body(client: Client, address: str) -> None:
    publish()
    for encoding in ("identity", "gzip"):
        told = {"Accept-Encoding": encoding}
        got, head = client.get(address, headers=told), client.head(address, headers=told)
        assert dict(head.headers) == dict(got.headers)
        assert head.content == b""


@every_feed
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_second_visit_is_answered_without_a_body(
    client: Client, address: str, encoding: str
) -> None:
    publish()
    told = {"Accept-Encoding": encoding}
    first = client.get(address, headers=told)
    for held in (
        {"If-None-Match": first["ETag"]},
        {"If-None-Match": f'"x", W/{first["ETag"]}'},
        {"If-Modified-Since": first["Last-Modified"]},
    ):
        second = client.get(address, headers=told | held)
        assert (second.status_code, second.content) == (304, b"")
        for name in ("ETag", "Cache-Control", "Vary"):
            assert second[name] == first[name]
        assert "Content-Type" not in second.headers
    assert client.head(address, headers=told | {"If-None-Match": first["ETag"]}).status_code == 304


def test_a_new_brief_makes_a_held_copy_stale(client: Client) -> None:
    publish()
    first = client.get("/feeds/all.atom")
    publish("Fog", at=MARCH + timedelta(hours=1))
    held = {"If-None-Match": first["ETag"], "If-Modified-Since": first["Last-Modified"]}
    assert len(read(client.get("/feeds/all.atom", headers=held)).entries) == 2


def test_gzip_is_used_where_accepted_and_is_the_same_bytes_under_a_tag_of_its_own(
    client: Client,
) -> None:
    publish()
    plain = client.get("/feeds/all.atom")
    coded = [client.get("/feeds/all.atom", headers={"Accept-Encoding": "gzip"}) for _ in range(2)]
    assert coded[0]["Content-Encoding"] == "gzip"
    assert coded[0].content == coded[1].content
    assert gzip.decompress(coded[0].content) == plain.content
    assert coded[0]["ETag"] == coded[1]["ETag"] != plain["ETag"]
    stale = {"If-None-Match": plain["ETag"], "Accept-Encoding": "gzip"}
    assert client.get("/feeds/all.atom", headers=stale).status_code == 200


def test_a_topic_without_briefs_has_a_valid_empty_feed_that_stays_the_same(client: Client) -> None:
    make_topic("Quiet Waters")
    first = client.get("/feeds/topics/quiet-waters.atom")
    assert read(first).entries == []
    assert read(client.get("/feeds/topics/quiet-waters.rss")).entries == []
    assert read(client.get("/feeds/all.rss")).entries == []
    held = {"If-None-Match": first["ETag"]}
    assert client.get("/feeds/topics/quiet-waters.atom", headers=held).status_code == 304


def test_an_unknown_topic_or_format_is_404_in_a_plain_sentence(client: Client) -> None:
    make_topic("Harbours")
    for address in ("/feeds/topics/nowhere.atom", "/feeds/topics/harbours.exe", "/feeds/all.xml"):
        response = client.get(address)
        assert response.status_code == 404
        assert response["Content-Type"] == "text/plain; charset=utf-8"
        assert response.content.startswith(b"There is no feed")


def test_a_retired_topic_is_410_and_a_merged_one_moves_to_its_target(client: Client) -> None:
    harbours = make_topic("Harbours")
    ports = Topic.objects.create(slug="ports", name="Ports", merged_into=harbours)
    Topic.objects.create(slug="docks", name="Docks", merged_into=ports)
    Topic.objects.create(slug="sails", name="Sails", retired_at=MARCH)
    for slug in ("ports", "docks"):
        moved = client.get(f"/feeds/topics/{slug}.rss")
        assert (moved.status_code, moved["Location"]) == (301, "/feeds/topics/harbours.rss")
    gone = client.get("/feeds/topics/sails.atom")
    assert (gone.status_code, gone["Content-Type"]) == (410, "text/plain; charset=utf-8")


def test_topics_merged_in_a_circle_end_somewhere(client: Client) -> None:
    one, other = make_topic("One"), make_topic("Other")
    Topic.objects.filter(pk=one.pk).update(merged_into=other)
    Topic.objects.filter(pk=other.pk).update(merged_into=one)
    assert client.get("/feeds/topics/one.atom").status_code in {301, 404}


def test_a_topic_named_in_another_script_has_a_feed(client: Client) -> None:
    topic = make_topic("גליל")
    publish(topics=[topic])
    parsed = read(client.get(f"/feeds/topics/{topic.slug}.atom"))
    (itself,) = [link.href for link in parsed.feed.links if link.rel == "self"]
    assert read(client.get(itself)).entries[0].title == "Pilots return"


def test_the_hubs_are_named_in_the_header_only_where_there_are_any(
    client: Client, settings: Settings
) -> None:
    publish()
    itself = '<http://news.example.org/feeds/all.atom>; rel="self"'
    own = '<http://news.example.org/feeds/hub>; rel="hub"'
    assert client.get("/feeds/all.atom")["Link"] == f"{own}, {itself}"
    settings.FEED_HUBS = ("https://hub.example.org/", "own")
    assert client.get("/feeds/all.atom")["Link"] == (
        f'<https://hub.example.org/>; rel="hub", {own}, {itself}'
    )
    settings.FEED_HUBS = ()
    assert "Link" not in client.get("/feeds/all.atom").headers


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_feeds_are_only_read(client: Client, method: str) -> None:
    response = getattr(client, method)("/feeds/all.atom")
    assert response.status_code == 405
    assert response["Allow"] == "GET, HEAD"


def test_the_index_lists_every_feed_and_announces_the_combined_one(client: Client) -> None:
    make_topic("Harbours")
    make_topic("Tides")
    Topic.objects.create(slug="sails", name="Sails", retired_at=MARCH)
    page = client.get("/feeds/").content.decode()
    for address in ("all.atom", "all.rss", "topics/tides.atom", "topics/harbours.rss"):
        assert f'href="http://news.example.org/feeds/{address}"' in page
    assert "Sails" not in page
    assert page.count('rel="alternate" type="application/') == 3
    assert 'rel="alternate" type="text/x-opml"' in page
