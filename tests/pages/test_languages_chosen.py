"""Which language a page, a notice or an answer is in: the reader's own, the chosen one, the browser's."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from dispatcher.audience import access
from dispatcher.briefs import curating
from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from dispatcher.letters.plaintext import width
from dispatcher.mailing import noticing
from dispatcher.mailing.models import Notice
from tests.feeds.releasing import release as release_alone
from tests.letters.full_render import body, parsed
from tests.makers import make_reader, make_topic
from tests.pages.reading import page, texts
from tests.pages.reading import parsed as parsed_page
from tests.pages.test_languages import (
    OPEN,
    OURS,
    RIGHTWARD,
    in_language,
    link_of,
    public_pages,
    reader_of,
    sealed_pages,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", OURS)
def test_pages_are_set_as_their_language_is(client: Client, language: str) -> None:
    reader = reader_of(language)
    seen = [
        *sealed_pages(reader),
        *(in_language(path, language) for path in [*OPEN, *public_pages(language)]),
    ]
    for path in seen:
        answer = client.get(path)
        read = parsed_page(answer.content)
        assert read.get("lang") == language, path
        assert read.get("dir") == ("rtl" if language in RIGHTWARD else "ltr")
        assert answer["Content-Language"] == language
        assert not client.cookies


@pytest.mark.parametrize("language", OURS)
@pytest.mark.parametrize("kind", Notice.Kind.values)
def test_notices_are_set_as_their_language_is_and_say_the_same_twice(
    language: str, kind: str
) -> None:
    reader = make_reader("ada@example.org", language=language)
    notice = Notice.objects.create(
        kind=kind,
        address=reader.address,
        reader=reader,
        language=language,
        link="http://news.example.org/reader/1",
        facts={"rules": "Briefs on Tides.", "days": "7"},
    )
    message = parsed(noticing.letter(notice))
    text, rendered = body(message, "plain"), body(message, "html")
    read = parsed_page(rendered.encode())
    direction = "rtl" if language in RIGHTWARD else "ltr"
    assert (read.get("lang"), read.get("dir")) == (language, direction)
    assert f"text-align:{'left' if direction == 'rtl' else 'right'}" not in rendered
    links = set(texts(read, "//a/@href"))
    assert links == set(re.findall(r"https?://\S+", text))
    assert all(width(line) <= 72 for line in text.splitlines() if "http" not in line)
    assert message["Content-Language"] == language


def test_an_open_page_asks_the_browser_and_tells_caches_so(client: Client) -> None:
    for path in OPEN:
        answer = client.get(path, HTTP_ACCEPT_LANGUAGE="fr-CA,fr;q=0.9")
        assert answer["Content-Language"] == "fr"
        assert "Accept-Language" in answer["Vary"]
        chosen = client.get(path, {"lang": "iw"}, HTTP_ACCEPT_LANGUAGE="fr")
        assert chosen["Content-Language"] == "he"
        for hostile in ("xx", "", "he\r\nX: y", "../fr", "a" * 5_000):
            assert client.get(path, {"lang": hostile})["Content-Language"] == "en"
    for hostile in ("\x00", "fr;q=nan", "," * 9_000, "é" * 900, "he;" * 900):
        assert client.get("/join", HTTP_ACCEPT_LANGUAGE=hostile).status_code == 200


def test_a_chosen_language_goes_with_the_links(client: Client) -> None:
    read = page(client, "/?lang=he")
    assert "/join?lang=he" in texts(read, "//a/@href")
    assert {"/?lang=en", "/?lang=fr", "/?lang=ar"} <= set(texts(read, "//nav//a/@href"))
    assert texts(read, "//nav//*[@aria-current]") == ["עברית"]
    assert texts(read, "//link[@rel='canonical']/@href") == ["http://news.example.org/"]
    topic = make_topic("Tides")
    answer = client.post("/join?lang=he", {"address": "ada@example.org", "topic": topic.pk})
    assert answer["Location"] == "/join/sent?lang=he"
    plain = client.get("/", HTTP_ACCEPT_LANGUAGE="he").content.decode()
    assert 'href="/join"' in plain


def test_a_readers_page_speaks_the_readers_language_whatever_the_browser_asks(
    client: Client,
) -> None:
    link = link_of(make_reader("ada@example.org", any_of=[make_topic("Tides")], language="fr-CA"))
    answer = client.get(f"{link}?lang=he", HTTP_ACCEPT_LANGUAGE="ar")
    assert answer["Content-Language"] == "fr"
    assert "Accept-Language" not in answer.get("Vary", "")
    assert "Brèves sur Tides" in answer.content.decode()
    assert b'class="tongues"' not in answer.content


def test_a_reader_who_is_gone_is_spoken_to_as_the_browser_asks(client: Client) -> None:
    answer = client.get(f"/leave/{access.leave_token(99, 0)}", HTTP_ACCEPT_LANGUAGE="he")
    assert (answer.status_code, answer["Content-Language"]) == (200, "he")


def test_who_signs_up_is_written_to_in_the_language_of_the_page(client: Client) -> None:
    form = {"address": "ada@example.org", "topic": make_topic("Tides").pk}
    client.post("/join", form, HTTP_ACCEPT_LANGUAGE="ar-EG")
    client.post("/join", {**form, "language": "fr"}, HTTP_ACCEPT_LANGUAGE="ar-EG")
    client.post("/join", {**form, "language": "xx"}, HTTP_ACCEPT_LANGUAGE="he")
    assert [notice.language for notice in Notice.objects.order_by("pk")] == ["ar", "fr", "he"]
    assert Notice.objects.earliest("pk").facts["rules"].startswith("موجزات عن")
    offered = page(client, "/join?lang=he")
    assert texts(offered, "//select[@id='language']/option[@selected]/@value") == ["he"]


def test_an_installation_may_offer_fewer_languages(client: Client, settings: Any) -> None:
    settings.OFFERED_LANGUAGES = ("fr", "en")
    assert client.get("/", HTTP_ACCEPT_LANGUAGE="he")["Content-Language"] == "fr"
    assert client.get("/?lang=he")["Content-Language"] == "fr"
    settings.OFFERED_LANGUAGES = ("he",)
    assert b'class="tongues"' not in client.get("/").content


def test_a_page_of_ours_that_breaks_says_so_in_the_readers_language(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("on purpose")

    monkeypatch.setattr("dispatcher.pages.views.public.newest", broken)
    client.raise_request_exception = False
    answer = client.get("/", HTTP_ACCEPT_LANGUAGE="fr")
    assert answer.status_code == 500
    assert "Quelque chose ne fonctionne pas" in answer.content.decode()


def test_a_chosen_language_stays_on_the_way_through_pages_of_feeds(client: Client) -> None:
    fog, tides = make_topic("Fog"), make_topic("Tides")
    publishing.publish(release_alone("Ferries run", topics=[fog]).pk)
    read = page(client, "/feeds/?lang=he&topic=fog")
    assert {"/feeds/urgent?lang=he", "/topics/fog?lang=he", "/?lang=he"} <= set(
        texts(read, "//a/@href")
    )
    assert texts(read, "//form//input[@name='lang']/@value") == ["he"]
    assert "/feeds/?lang=fr&topic=fog" in texts(read, "//nav//a/@href")
    chosen = client.get("/feeds/choose?lang=he&topic=fog&topic=tides&match=any")
    assert chosen["Location"] == "/feeds/any/fog,tides?lang=he"
    read = page(client, chosen["Location"])
    assert texts(read, "//h1") == ["תדריכים על \u2068Fog\u2069 או \u2068Tides\u2069"]
    assert "/feeds/?topic=fog&topic=tides&match=any&lang=he#topics" in texts(read, "//a/@href")
    assert client.get("/feeds/any/tides,fog?lang=he")["Location"] == chosen["Location"]
    assert client.get("/feeds/topics/fog?lang=he")["Location"].endswith("/topics/fog?lang=he")
    assert (
        client.get("/feeds/any/tides,fog.atom?lang=he")["Location"] == "/feeds/any/fog,tides.atom"
    )
    Topic.objects.filter(pk=tides.pk).update(merged_into=fog)
    assert client.get("/topics/tides?lang=he")["Location"] == "/topics/fog?lang=he"


def test_programs_are_told_in_english_what_people_read_in_their_language(client: Client) -> None:
    make_topic("Fog")
    curating.retire("fog", by="ada", note="Nothing new.")
    told = client.get("/feeds/topics/fog.atom", HTTP_ACCEPT_LANGUAGE="fr")
    assert told.content.startswith(
        b"The topic Fog is no longer used. Nothing new. Its feed has ended. "
    )
    assert "Vary" not in told
    read = parsed_page(client.get("/feeds/topics/fog", HTTP_ACCEPT_LANGUAGE="fr").content)
    assert texts(read, "//main//p")[:3] == [
        "Le thème Fog n’est plus utilisé.",
        "Nothing new.",
        "Son flux a pris fin.",
    ]
    gone = client.get("/topics/fog", HTTP_ACCEPT_LANGUAGE="fr")
    assert (gone.status_code, gone["X-Robots-Tag"]) == (410, "noindex")
    assert "Nothing new." in gone.content.decode()
    feed = client.get("/feeds/all.atom", HTTP_ACCEPT_LANGUAGE="fr").content.decode()
    assert "Every brief from Meridian Institute" in feed
