"""Pages and notices in the languages that we have words in: which one, and that nothing in it is English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from gettext import NullTranslations
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience import access, consent, joining, moving, suppressing
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import EVERYTHING, Rule
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.briefs import curating
from dispatcher.briefs.document import Quotation, Section
from dispatcher.briefs.models import Topic
from dispatcher.feeds import publishing
from dispatcher.feeds.channels import kind_slug
from dispatcher.letters import words as letters_words
from dispatcher.letters.plaintext import width
from dispatcher.mailing import amending, composing, digest_letters, noticing, sealing
from dispatcher.mailing.models import Batch, Delivery, Notice
from tests.feeds.releasing import release as release_alone
from tests.letters.full_render import body, parsed
from tests.mailing.test_digests import release
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.pages.reading import page, texts
from tests.pages.reading import parsed as parsed_page

pytestmark = pytest.mark.django_db

OURS = ("en", "ar", "fr", "he")
RIGHTWARD = {"ar", "he"}
HEBREW = (Section("כותרת", ("פסקה",)), Quotation("", ("ציטוט",), "עדה", "חוקרת"))
OPEN = (
    *("/", "/join", "/join/sent", "/join/embed", "/topics/nothing", "/nowhere"),
    *("/feeds/", "/feeds/hub", "/feeds/urgent", "/feeds/nothing", "/feeds/kinds/nothing"),
    "/feeds/all/archive/2026-13",
)
CACHED = (
    *(letters_words._words, composing.renderer, noticing._compiled),
    *(digest_letters._piece, digest_letters._frame),
)


class Marking(NullTranslations):
    """Puts every message in brackets, so that what stands outside of them was never translated."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Hebrew, with brackets for words; and a publisher whose name is no English."""
    monkeypatch.setattr(letters_words, "catalog", lambda _: Marking())
    for cached in CACHED:
        cached.cache_clear()
    settings.PUBLISHER_NAME = "מרידיאן"
    settings.PUBLISHER_ADDRESS = "12345"
    yield
    monkeypatch.undo()
    for cached in CACHED:
        cached.cache_clear()


def english_in(text: str) -> list[str]:
    """Words of Latin letters that no catalog was asked for; addresses and names of formats are none."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = shorter
    text = re.sub(
        r"https?://\S+|\S+@\S+|\b(?:Atom|RSS|JSON|HTML|UTC|Meridian Institute)\b", " ", text
    )
    return re.findall(r"[A-Za-z]{2,}", text)


def said_by(page: bytes) -> str:
    """All that a page says to people, attributes that are read out among it."""
    read = parsed_page(page)
    for unsaid in read.cssselect("nav.tongues ul, select, textarea, style, code"):
        unsaid.drop_tree()
    attributes = (
        *("@aria-label", "@placeholder", "@data-search", "@data-none", "@data-doing"),
        *("@data-done", "@data-failed", "@data-marked", "@data-without", "@data-every"),
        *("@data-too-many", "meta[@name='description']/@content"),
        "link[@type='text/x-opml']/@title",
    )
    return " ".join(texts(read, " | ".join(f"//{each}" for each in (*attributes, "text()"))))


def reader_of(language: str = "he") -> Subscriber:
    """With two rules, one more that was stopped, a letter and a pause."""
    tides = make_topic("גאות")
    reader = make_reader(
        "ada@example.org", any_of=[tides, make_topic("ערפל")], language=language, name="עדה"
    )
    consent.subscribe(
        reader, Rule("all", frozenset(), frozenset({tides.pk}), "daily"), source="a test"
    )
    consent.subscribe(reader, EVERYTHING, source="a test")
    reader.subscriptions.update(started_at=timezone.now() - timedelta(days=1))
    consent.leave(reader, [reader.subscriptions.latest("pk")], source="a test")
    Subscriber.objects.filter(pk=reader.pk).update(paused_until=timezone.now() + timedelta(days=9))
    dispatch = make_dispatch(make_brief("גאות ברציפים", topics=[tides], language="he"))
    batch = Batch.objects.create(dispatch=dispatch, number=1)
    Delivery.objects.create(dispatch=dispatch, subscriber=reader, batch=batch, state="accepted")
    return reader


def link_of(reader: Subscriber) -> str:
    return f"/reader/{access.manage_token(reader.pk)}"


def sealed_pages(reader: Subscriber) -> list[str]:
    link = link_of(reader)
    rule = consent.live(reader).first()
    assert rule
    sign_up = joining.ask(
        Wish("bob@example.org", EVERYTHING, "a test", language=reader.language), ip=""
    )
    change = moving.ask(reader, "ada@new.example.org")
    forms = (
        "/rules/new",
        f"/rules/{rule.pk}",
        "/details",
        "/address",
        "/letters",
        "/erase",
        "/feed",
    )
    return [
        link,
        *(link + form for form in forms),
        f"{link}/feed?done=renewed",
        *(f"{link}?done={what}" for what in ("stopped", "day", "asked", "renewed", "nothing")),
        f"/leave/{access.leave_token(reader.pk, 0)}",
        f"/join/confirm/{seal(Purpose.JOIN, sign_up.pk)}",
        f"/move/{seal(Purpose.MOVE, change.pk)}",
    ]


def corrected_text(headline: str) -> str:
    said = {"headline": headline, "body": "טקסט.", "kind": "ידיעה", "language": "he"}
    return json.dumps(said)


def public_pages(language: str = "he") -> list[str]:
    """Briefs and topics, some of which have ended, and feeds of all sorts with something in them."""
    above, beneath, old = make_topic("ים"), make_topic("נמל"), make_topic("ישן")
    Topic.objects.filter(pk=beneath.pk).update(parent=above)
    reader = make_reader(any_of=[above], language=language)
    said = {"language": "he", "blocks": HEBREW}
    urgent = release("סיורים הושעו", above, urgent=True, kind="מבזק", **said)
    corrected, silently, gone, gone_silently = (
        release(f"תדריך {number}", above, kind="ידיעה", **said) for number in "1234"
    )
    publishing.publish(urgent.pk)
    amending.correct(corrected, corrected_text("תוקן"), by="ada", note="טעות בשם.")
    amending.correct(silently, corrected_text("תוקן שוב"), by="ada")
    amending.retract(gone, by="ada", note="המקור חזר בו.")
    amending.retract(gone_silently, by="ada")
    for brief in (corrected, silently):
        publishing.publish(brief.pk)
    curating.retire("ישן", by="ada", note="לא יהיו עוד.")
    briefs = (urgent, corrected, silently, gone, gone_silently)
    asked = urlencode({"topic": above.slug, "not": above.slug})
    return [
        *(f"/briefs/{brief.public_id}" for brief in briefs),
        "/briefs/none",
        *(f"/topics/{topic.slug}" for topic in (above, beneath, old)),
        f"/feeds/not/{beneath.slug}",
        f"/feeds/any/{above.slug},{beneath.slug}",
        f"/feeds/any/{above.slug}/not/{beneath.slug}",
        f"/feeds/topics/{old.slug}",
        "/feeds/urgent",
        f"/feeds/kinds/{kind_slug('ידיעה')}",
        f"/feeds/mine/{access.feed_token(reader.pk)}",
        "/feeds/",
        f"/feeds/?{asked}",
        f"/feeds/choose?{asked}",
        "/feeds/choose",
    ]


def in_language(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}lang={language}"


def test_no_page_that_anyone_may_read_says_a_word_that_is_in_no_catalog(
    client: Client, marked: None
) -> None:
    for path in [*OPEN, *public_pages()]:
        answer = client.get(path, HTTP_ACCEPT_LANGUAGE="he").content
        assert "⟦" in answer.decode()
        assert english_in(said_by(answer)) == [], path


def test_no_page_of_a_reader_says_a_word_that_is_in_no_catalog(
    client: Client, marked: None
) -> None:
    reader = reader_of()
    for path in sealed_pages(reader):
        assert english_in(said_by(client.get(path).content)) == [], path
    link = link_of(reader)
    pressed = [
        (link + "/rules/new", {"topic": ["x"]}),
        (link + "/details", {"time_zone": "Nowhere"}),
        (link + "/address", {"address": "ada"}),
        (link + "/address", {"address": "ada@example.org"}),
        ("/join", {"address": "ada@example"}),
        ("/join", {"address": "ada@example.org", "cadence": "never"}),
        (f"/leave/{access.leave_token(reader.pk, 0)}", {"action": "leave"}),
        (f"/leave/{access.leave_token(reader.pk, 0)}", {"action": "reason", "reason": "other"}),
        ("/join/confirm/" + seal(Purpose.JOIN, 99), {}),
        (link + "/erase", {"action": "erase"}),
    ]
    for path, form in pressed:
        answer = client.post(path, form, HTTP_ACCEPT_LANGUAGE="he").content
        assert english_in(said_by(answer)) == [], (path, form)
    other = make_reader("bea@example.org", any_of=[make_topic("גאות")], language="he")
    client.post(link_of(other), {"action": "pause", "until": str(timezone.localdate())[:4] + "-99"})
    client.post(link_of(other), {"action": "everything"})
    suppressing.suppress("bea@example.org", reason="it bounced")
    assert english_in(said_by(client.get(link_of(other)).content)) == []


@pytest.mark.parametrize("kind", Notice.Kind.values)
@pytest.mark.parametrize("facts", [{"rules": "גאות", "days": "7"}, {"done": "yes", "days": "1"}])
def test_no_notice_says_a_word_that_is_in_no_catalog(
    marked: None, kind: str, facts: dict[str, str]
) -> None:
    reader = make_reader("ada@example.org", language="he")
    for link in ("", "http://news.example.org/reader/1"):
        notice = Notice.objects.create(
            kind=kind, address=reader.address, reader=reader, link=link, language="he", facts=facts
        )
        message = parsed(noticing.letter(notice))
        told = said_by(body(message, "html").encode())
        for text in (message["Subject"], body(message, "plain"), told):
            assert english_in(text) == []


def test_no_alert_says_a_word_that_is_in_no_catalog(marked: None) -> None:
    brief = make_brief(
        "סיורים הושעו",
        topics=[make_topic("ים")],
        blocks=HEBREW,
        language="he",
        kind="מבזק",
        urgent=True,
    )
    assert brief.current
    context = composing._context(brief, brief.current.document, chrome="he")
    letter = composing.renderer().render_with_slots("alert", context.mapping())
    for text in (letter.text, said_by(letter.html.encode())):
        assert english_in(re.sub(rf"slot{letter.nonce}n\d", "", text)) == []


@pytest.mark.parametrize("cadence", ["daily", "weekly"])
def test_no_digest_says_a_word_that_is_in_no_catalog(marked: None, cadence: str) -> None:
    sea, harbour = make_topic("ים"), make_topic("נמל")
    said: dict[str, Any] = {"language": "he", "blocks": HEBREW, "kind": "מבזק"}
    make_reader(any_of=[sea])
    briefs = [
        release("סיורים הושעו", sea, harbour, urgent=True, summary="עד הערב.", **said),
        release("הנמל נפתח", sea, **said),
    ]
    held = digest_letters.hold([brief.pk for brief in briefs])
    subject, compiled = digest_letters.compose(
        list(held.values()), cadence=cadence, day=date(2026, 3, 2), language="he"
    )
    message = parsed(
        sealing.stamper(compiled)(composing.sample_values(briefs[0], "ada@example.org"))
    )
    told = said_by(body(message, "html").encode())
    assert "⟦" in subject
    for text in (subject, body(message, "plain"), told):
        assert english_in(text) == []


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
