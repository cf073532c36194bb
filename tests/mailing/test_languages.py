"""An alert and a digest in the languages of those who get them."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatcher.audience import browsing
from dispatcher.letters.variants import Variants
from dispatcher.mailing import carrying, composing, dispatching, matching
from dispatcher.mailing.models import Delivery, Dispatch
from tests.mailing.test_digests import MONDAY, release, run, start
from tests.makers import make_brief, make_reader, make_topic
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)

LEAVE = {"en": "Unsubscribe", "fr": "Se désabonner", "he": "ביטול הרישום", "ar": "إلغاء الاشتراك"}
FOLLOWS = {
    "en": "You get this because you follow Iran.",
    "fr": "Vous recevez cet e-mail parce que vous suivez Iran.",
    "he": "הודעה זו נשלחה אליך בעקבות בחירתך לעקוב אחר \u2068Iran\u2069.",
    "ar": "تصلك هذه الرسالة بناءً على متابعتك لما يلي: \u2068Iran\u2069.",
}


def letters(sink: Sink) -> dict[str, EmailMessage]:
    """By the reader's local part."""
    found = {}
    for address, letter in zip(sink.addresses, sink.letters, strict=True):
        message = email.message_from_bytes(letter.data, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        found[address.partition("@")[0]] = message
    return found


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def released(**languages: str) -> Dispatch:
    """A dispatch to readers named so, each of that language."""
    iran = make_topic("Iran")
    for name, language in languages.items():
        make_reader(f"{name}@example.org", any_of=[iran], language=language)
    dispatch = dispatching.release(make_brief("Patrols are suspended", topics=[iran]), by="ada")
    matching.match(dispatch.pk)
    return dispatch


def test_each_reader_gets_the_brief_in_words_of_their_language(sink: Sink) -> None:
    dispatch = released(a="en", b="fr-CA", c="iw", d="ar-EG", e="de")
    carrying.carry(dispatch.batches.get().pk)
    got = letters(sink)
    for name, language in {"a": "en", "b": "fr", "c": "he", "d": "ar", "e": "en"}.items():
        message = got[name]
        assert message["Subject"] == "Patrols are suspended"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["Content-Language"] == "en"
        for kind in ("plain", "html"):
            text = " ".join(content(message, kind).split())
            assert LEAVE[language] in text
            assert FOLLOWS[language] in text
            assert "The ferry line reopened on Monday" in text
            others = {LEAVE[other] for other in LEAVE if other != language}
            assert not [words for words in others if words in text]
        html = content(message, "html")
        assert ('<td class="foot" lang="he" dir="rtl"' in html) is (language == "he")


def test_only_languages_that_some_reader_has_are_compiled() -> None:
    stored = Variants.from_bytes(released(a="en", b="fr", c="fr-CA", d="de").letter)
    assert list(stored.compiled) == ["en", "fr"]
    assert browsing.languages() == ["de", "en", "fr", "fr-CA"]


def test_a_reader_whose_language_came_later_gets_english_throughout(sink: Sink) -> None:
    dispatch = released(a="en")
    dispatch.deliveries.get().subscriber.__class__.objects.update(language="he")
    carrying.carry(dispatch.batches.get().pk)
    text = " ".join(content(letters(sink)["a"], "plain").split())
    assert FOLLOWS["en"] in text
    assert LEAVE["en"] in text


def test_another_try_has_the_same_bytes(sink: Sink) -> None:
    dispatch = released(a="fr", b="he", c="ar", d="en")
    carrying.carry(dispatch.batches.get().pk)
    first = dict(zip(sink.addresses, (letter.data for letter in sink.letters), strict=True))
    composing.compiled.cache_clear()
    composing.renderer.cache_clear()
    Delivery.objects.update(state="waiting")
    dispatch.batches.update(state="waiting")
    Dispatch.objects.update(state="sending", finished_at=None)
    carrying.carry(dispatch.batches.get().pk)
    again = dict(zip(sink.addresses[4:], (le.data for le in sink.letters[4:]), strict=True))
    assert first == again


def test_more_languages_cost_no_query_more(sink: Sink) -> None:
    counts: list[int] = []
    for languages in (["en"] * 4, ["en", "fr", "he", "ar"]):
        offset = len(counts)
        readers = {f"r{offset}{number}": tag for number, tag in enumerate(languages)}
        iran = make_topic(f"Iran {offset}")
        for name, language in readers.items():
            make_reader(f"{name}@example.org", any_of=[iran], language=language)
        dispatch = dispatching.release(make_brief(f"Number {offset}", topics=[iran]), by="ada")
        matching.match(dispatch.pk)
        batch = dispatch.batches.get().pk
        with CaptureQueriesContext(connection) as captured:
            carrying.carry(batch)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_digest_is_headed_in_the_readers_language(sink: Sink) -> None:
    start()
    iran = make_topic("Iran")
    for name, language in {"a": "fr", "b": "he", "c": "ar"}.items():
        make_reader(f"{name}@example.org", any_of=[iran], language=language, cadence="daily")
    release("One", iran)
    release("Two", iran)
    assert run(MONDAY) == 3
    for dispatch in Dispatch.objects.filter(kind="digest"):
        carrying.carry(dispatch.batches.get().pk)
    got = letters(sink)
    assert got["a"]["Subject"] == "Votre récapitulatif quotidien : 2 brèves, 2 mars 2026"
    assert got["b"]["Subject"] == "התקציר היומי שלך: שני תדריכים, 2 במרץ 2026"
    assert got["c"]["Subject"] == "ملخّصك اليومي: موجزان، 2 مارس 2026"
    assert 'dir="rtl"' in content(got["c"], "html")
    assert LEAVE["ar"] in content(got["c"], "plain")
