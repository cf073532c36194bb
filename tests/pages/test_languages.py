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
from dispatcher.mailing import amending, composing, digest_letters, noticing, sealing
from dispatcher.mailing.models import Batch, Delivery, Notice
from tests.letters.full_render import body, parsed
from tests.mailing.test_digests import release
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.pages.reading import parsed as parsed_page
from tests.pages.reading import texts

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
