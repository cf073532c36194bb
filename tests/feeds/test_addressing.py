"""Every feed has one address; other spellings lead there in one step, and the rest is refused in words."""

from __future__ import annotations

import contextlib

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.briefs.models import Topic
from dispatcher.briefs.public import TopicRetired
from dispatcher.errors import UnknownTopic
from dispatcher.feeds import addressing, describing
from dispatcher.feeds.addressing import FeedMoved, NoSuchFeed
from dispatcher.feeds.building import Format
from dispatcher.feeds.channels import Channel
from tests.makers import make_topic

pytestmark = pytest.mark.django_db


def moved_to(text: str) -> str:
    with pytest.raises(FeedMoved) as moved:
        addressing.read(text)
    return moved.value.to.path


@pytest.fixture(autouse=True)
def _topics() -> None:
    for name in ("Harbours", "Tides", "Fog", "גליל"):
        make_topic(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("all", "all briefs"),
        ("urgent", "urgent briefs"),
        ("topics/harbours", "Harbours"),
        ("any/harbours,tides", "Harbours or Tides"),
        ("each/harbours,tides", "Harbours and Tides"),
        ("any/harbours,tides/not/fog", "Harbours or Tides, not Fog"),
        ("any/harbours/not/fog,tides", "Harbours, not Fog or Tides"),
        ("not/fog", "all briefs, not Fog"),
        ("topics/גליל", "גליל"),
    ],
)
def test_an_address_means_a_rule_and_the_rule_has_that_address(text: str, words: str) -> None:
    for ending in ("", ".atom", ".rss", ".json", "/archive/2026-03.atom"):
        address = addressing.read(text + ending)
        assert address.channel.words == words
        assert address.channel.stem == text
    assert addressing.read(f"{text}.json").form is Format.JSON


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1))
def test_a_path_is_what_the_addresses_of_the_site_make_of_it(slug: str) -> None:
    channel = Channel(kind=slug)
    assert channel.path() == reverse("feeds:feed", args=[f"kinds/{slug}"])
    for form, link in zip(Format, describing.links_of(channel), strict=True):
        path = reverse("feeds:feed", args=[f"kinds/{slug}.{form.extension}"])
        assert channel.path(form) == path
        assert link.url == channel.url(form) == f"http://news.example.org{path}"


@pytest.mark.parametrize(
    ("spelled", "canonical"),
    [
        ("any/tides,harbours.atom", "/feeds/any/harbours,tides.atom"),
        ("any/tides,harbours,tides.rss", "/feeds/any/harbours,tides.rss"),
        ("any/harbours.atom", "/feeds/topics/harbours.atom"),
        ("each/harbours.json", "/feeds/topics/harbours.json"),
        ("each/harbours/not/fog.atom", "/feeds/any/harbours/not/fog.atom"),
        ("topics/Harbours.ATOM", "/feeds/topics/harbours.atom"),
        ("ANY/Tides,Harbours/NOT/Fog", "/feeds/any/harbours,tides/not/fog"),
        ("any/tides,,harbours.atom", "/feeds/any/harbours,tides.atom"),
        ("topics/tides.atom/", "/feeds/topics/tides.atom"),
        ("any/tides,fog/archive/2026-03.atom", "/feeds/any/fog,tides/archive/2026-03.atom"),
    ],
)
def test_another_spelling_leads_to_the_one_in_one_step(
    client: Client, spelled: str, canonical: str
) -> None:
    response = client.get(f"/feeds/{spelled}")
    assert (response.status_code, response["Location"]) == (301, canonical)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing.atom", "no feed at this address"),
        ("any.atom", "no feed at this address"),
        ("any/harbours/or/tides.atom", "no feed at this address"),
        ("any/,.atom", "names no topic"),
        ("all.xml", "no feed in this format"),
        ("topics/harbours.", "no feed in this format"),
        ("any/a,b,c,d,e,f,g,h,i.atom", "up to 8 topics"),
        ("any/harbours,fog/not/fog.atom", "want Fog and leave it out"),
        ("all/archive/2026-13.atom", "named by its month"),
        ("all/archive/1999-01.atom", "no archive of that month"),
        ("kinds/poem.atom", "no brief is of that kind"),
        ("topics/nowhere.atom", "no feed at this address"),
        ("any/harbours,nowhere.atom", "no feed at this address"),
        ("mine/00ff.atom", "no feed at this address"),
        ("a" * 900 + ".atom", "no feed at this address"),
        ("topics/har%00bours.atom", "no feed at this address"),
    ],
)
def test_what_is_no_feed_is_404_in_one_plain_sentence(client: Client, text: str, said: str) -> None:
    response = client.get(f"/feeds/{text}")
    assert response.status_code == 404
    assert said in response.content.decode()
    assert response["Content-Type"] == "text/plain; charset=utf-8"


def test_a_merged_topic_leads_to_what_it_became_in_any_combination() -> None:
    harbours = Topic.objects.get(slug="harbours")
    Topic.objects.create(slug="ports", name="Ports", merged_into=harbours)
    Topic.objects.create(slug="docks", name="Docks", merged_into=Topic.objects.get(slug="ports"))
    assert moved_to("topics/docks.atom") == "/feeds/topics/harbours.atom"
    assert moved_to("any/docks,tides.atom") == "/feeds/any/harbours,tides.atom"
    assert moved_to("any/docks,ports.atom") == "/feeds/topics/harbours.atom"


def test_a_retired_topic_has_ended_in_every_feed(client: Client) -> None:
    Topic.objects.create(slug="sails", name="Sails", retired_at=timezone.now())
    for text in ("topics/sails.atom", "any/sails,tides.atom", "not/sails.rss"):
        with pytest.raises(TopicRetired):
            addressing.read(text)
        assert client.get(f"/feeds/{text}").status_code == 410


@settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(
                ["any", "each", "not", "topics", "harbours", "tides,fog", "archive", "2026-03"]
            ),
            st.text(max_size=12),
        ),
        max_size=6,
    ),
    st.sampled_from(["", ".atom", ".json", ".exe", "."]),
)
def test_whatever_is_asked_for_is_an_address_or_a_refusal(parts: list[str], ending: str) -> None:
    canonical = None
    with contextlib.suppress(NoSuchFeed, UnknownTopic):
        try:
            addressing.read("/".join(parts) + ending)
        except FeedMoved as moved:
            canonical = moved.to
    assert canonical is None or addressing.read(canonical.spelling) == canonical


def test_the_form_leads_to_the_one_address(client: Client) -> None:
    asked = "/feeds/choose?match=each&topic=tides&topic=harbours&not=fog"
    assert client.get(asked)["Location"] == "/feeds/each/harbours,tides/not/fog"
    assert client.get("/feeds/choose?topic=tides")["Location"] == "/feeds/topics/tides"
    assert client.get("/feeds/choose").status_code == 422
    assert client.get("/feeds/choose?topic=nowhere").status_code == 422
