"""Pages and notices in the languages that we have words in: which one, and that nothing in it is English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from gettext import NullTranslations
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from dispatcher.audience import access, consent, joining, moving, suppressing
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import EVERYTHING, Rule
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.briefs.document import Quotation, Section
from dispatcher.briefs.models import Topic
from dispatcher.letters import words as letters_words
from dispatcher.letters.plaintext import width
from dispatcher.mailing import composing, noticing
from dispatcher.mailing.models import Batch, Delivery, Notice
from tests.letters.full_render import body, parsed
from tests.mailing.test_digests import release
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.pages.reading import page, texts
from tests.pages.reading import parsed as parsed_page

pytestmark = pytest.mark.django_db

OURS = ("en", "ar", "fr", "he")
RIGHTWARD = {"ar", "he"}
HEBREW = (Section("כותרת", ("פסקה",)), Quotation("", ("ציטוט",), "עדה", "חוקרת"))
OPEN = ("/", "/join", "/join/sent", "/join/embed", "/feeds/", "/topics/nothing", "/nowhere")


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
    for cached in (letters_words._words, composing.renderer, noticing._compiled):
        cached.cache_clear()
    settings.PUBLISHER_NAME = "מרידיאן"
    settings.PUBLISHER_ADDRESS = "12345"
    yield
    monkeypatch.undo()
    for cached in (letters_words._words, composing.renderer, noticing._compiled):
        cached.cache_clear()


def english_in(text: str) -> list[str]:
    """Words of Latin letters that no catalog was asked for; addresses and names of formats are none."""
    while (shorter := re.sub(r"⟦[^⟦⟧]*⟧", " ", text)) != text:
        text = shorter
    text = re.sub(r"https?://\S+|\S+@\S+|\b(?:Atom|RSS|HTML|UTC|Meridian Institute)\b", " ", text)
    return re.findall(r"[A-Za-z]{2,}", text)


def said_by(page: bytes) -> str:
    """All that a page says to people, attributes that are read out among it."""
    read = parsed_page(page)
    for unsaid in read.cssselect("nav.tongues ul, select, textarea, style"):
        unsaid.drop_tree()
    attributes = (
        *("@aria-label", "@placeholder", "@data-search", "@data-none", "@data-doing"),
        *("@data-done", "@data-failed", "meta[@name='description']/@content"),
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
    forms = ("/rules/new", f"/rules/{rule.pk}", "/details", "/address", "/letters", "/erase")
    return [
        link,
        *(link + form for form in forms),
        *(f"{link}?done={what}" for what in ("stopped", "day", "asked", "renewed", "nothing")),
        f"/leave/{access.leave_token(reader.pk, 0)}",
        f"/join/confirm/{seal(Purpose.JOIN, sign_up.pk)}",
        f"/move/{seal(Purpose.MOVE, change.pk)}",
    ]


def public_pages() -> list[str]:
    above = make_topic("ים")
    make_topic("נמל", parent=above)
    make_reader(any_of=[above])
    urgent = release("סיורים הושעו", above, language="he", urgent=True, kind="מבזק", blocks=HEBREW)
    old = make_topic("ישן")
    Topic.objects.filter(pk=old.pk).update(retired_at=timezone.now())
    slugs = (above.slug, make_topic("נמל").slug, old.slug)
    return [f"/briefs/{urgent.public_id}", "/briefs/none", *(f"/topics/{slug}" for slug in slugs)]


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


@pytest.mark.parametrize("language", OURS)
def test_pages_are_set_as_their_language_is(client: Client, language: str) -> None:
    reader = reader_of(language)
    seen = [
        *sealed_pages(reader),
        *(f"{path}?lang={language}" for path in [*OPEN, *public_pages()]),
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
