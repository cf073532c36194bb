"""What holds for a feed in every format: the same bytes, the same meaning, the kept contract."""

from __future__ import annotations

import locale
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from threading import Barrier
from typing import Any

import feedparser
import pytest

from dispatcher.feeds.building import FeedTopic, Format, Withdrawal, build, etag
from tests.feeds.reading import atom_items, items, json_items, read_json, rss_items, tree
from tests.feeds.samples import HOST, MARCH, entry, feed

LANG = "{http://www.w3.org/XML/1998/namespace}lang"

every_format = pytest.mark.parametrize("form", list(Format))
every_xml = pytest.mark.parametrize("form", [Format.ATOM, Format.RSS])


def test_content_types_are_exact_and_name_the_charset() -> None:
    assert Format.ATOM.content_type == "application/atom+xml; charset=utf-8"
    assert Format.RSS.content_type == "application/rss+xml; charset=utf-8"
    assert Format.JSON.content_type == "application/feed+json; charset=utf-8"
    assert [form.extension for form in Format] == ["atom", "rss", "json"]


@every_format
def test_the_same_values_give_the_same_bytes(form: Format) -> None:
    assert build(feed(entry(1), entry(2)), form) == build(feed(entry(1), entry(2)), form)


@every_format
def test_two_threads_get_the_bytes_that_one_gets(form: Format) -> None:
    many = feed(*(entry(number, language="he") for number in range(20)))
    alone = build(many, form)
    start = Barrier(2)

    def build_often() -> set[bytes]:
        start.wait(timeout=10)
        return {build(many, form) for _ in range(10)}

    with ThreadPoolExecutor(2) as threads:
        futures = [threads.submit(build_often) for _ in range(2)]
    assert [future.result() for future in futures] == [{alone}, {alone}]


@every_format
def test_the_locale_of_the_process_is_left_alone(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[object] = []
    monkeypatch.setattr(locale, "setlocale", lambda *to: touched.append(to))
    build(feed(entry()), form)
    assert touched == []


@every_xml
def test_a_feed_reader_finds_no_fault(form: Format) -> None:
    read = _read(
        build(feed(entry(1), entry(2), hub_urls=("https://hub.example.org/",)), form), form
    )
    assert read.bozo == 0
    assert read.feed.title == "All briefs"
    assert read.feed.language == "en"
    assert [item.id for item in read.entries] == [entry(1).id, entry(2).id]
    assert {item.author for item in read.entries} == {"Example Institute"}
    assert {item.content[0].value for item in read.entries} == {entry().html}
    assert {item.published_parsed[:6] for item in read.entries} == {(2023, 3, 2, 10, 0, 0)}
    assert {item.updated_parsed[:6] for item in read.entries} == {(2023, 3, 2, 10, 0, 0)}
    assert {link.rel: link.href for link in read.feed.links} == {
        "self": "https://news.example.org/feeds/all.atom",
        "alternate": "https://news.example.org/briefs",
        "hub": "https://hub.example.org/",
    }


@every_xml
def test_an_empty_feed_is_whole(form: Format) -> None:
    read = _read(build(feed(subtitle="", language="", publisher=""), form), form)
    assert (read.bozo, read.entries, read.feed.title) == (0, [], "All briefs")


def test_all_formats_say_the_same() -> None:
    sample = feed(
        entry(1, title="Fish & chips < 5 > 3", summary="R&D &amp; more", author="Ada Example"),
        entry(2, updated=MARCH + timedelta(days=1), topics=()),
        entry(3, summary=""),
        entry(4, html=""),
        entry(5, html="", summary=""),
    )
    assert atom_items(sample) == rss_items(sample) == json_items(sample)
    assert [item.id for item in atom_items(sample)] == [one.id for one in sample.entries]
    assert atom_items(sample)[0].title == "Fish & chips < 5 > 3"
    assert atom_items(sample)[0].summary == "R&D &amp; more"


def test_dates_are_whole_seconds_in_utc() -> None:
    abroad = timezone(timedelta(hours=2))
    early = datetime(2023, 3, 2, 12, 0, 0, 999_999, tzinfo=abroad)
    (item,) = atom_items(feed(entry(published=early, updated=early + timedelta(hours=1))))
    assert item.published == datetime(2023, 3, 2, 10, tzinfo=UTC)
    assert item.updated == datetime(2023, 3, 2, 11, tzinfo=UTC)


def test_entries_stay_in_the_order_given() -> None:
    numbers = [3, 1, 2]
    sample = feed(*(entry(number) for number in numbers))
    wanted = [entry(number).id for number in numbers]
    assert [item.id for item in atom_items(sample)] == wanted
    assert [item.id for item in rss_items(sample)] == wanted
    assert [item.id for item in json_items(sample)] == wanted


def test_a_topic_is_named_once_by_its_slug() -> None:
    topics = (FeedTopic("iran", "Iran"), FeedTopic("iran", "Persia"), FeedTopic("cyber", ""))
    (item,) = atom_items(feed(entry(topics=topics)))
    scheme = "https://news.example.org/topics/"
    assert item.categories == ((scheme, "Iran"), (scheme, "cyber"))


def test_a_brief_without_summary_gets_the_opening_of_its_text() -> None:
    long = "<h2>Talks</h2><p>R&amp;D " + "harbour " * 100 + "</p>"
    (item,) = atom_items(feed(entry(summary="", html=long)))
    assert item.summary.startswith("Talks R&D harbour harbour")
    assert item.summary.endswith("harbour…")
    assert len(item.summary) <= 301


def test_content_without_words_is_summed_up_by_the_title() -> None:
    picture = '<img alt="" src="https://news.example.org/map.png">'
    written = feed(entry(title="A map", summary="", html=picture))
    for item in (*atom_items(written), *rss_items(written), *json_items(written)):
        assert (item.summary, item.content) == ("A map", picture)


@every_format
@pytest.mark.parametrize(
    ("language", "opens"),
    [
        ("he", '<div dir="rtl" lang="he"><p>'),
        ("fa_IR", '<div dir="rtl" lang="fa-IR"><p>'),
        ("uz-Arab", '<div dir="rtl" lang="uz-Arab"><p>'),
        ("ar-Latn", "<p>"),
        ("en", "<p>"),
    ],
)
def test_right_to_left_content_says_so(form: Format, language: str, opens: str) -> None:
    written = feed(entry(language=language, html="<p>שלום</p>"))
    (item,) = items(written, form)
    assert item.content.startswith(opens)
    assert item.language == language.replace("_", "-")


@every_format
def test_a_nonsense_language_falls_back_to_that_of_the_feed(form: Format) -> None:
    written = feed(entry(language='en"><x'), language="de")
    (item,) = items(written, form)
    assert item.language == "de"
    whole = (
        read_json(written).get("language") if form is Format.JSON else tree(written, form).get(LANG)
    )
    assert whole == "de"


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"entries": (entry(1), entry(1))}, "repeated"),
        ({"entries": (entry(id=feed().id),)}, "repeated"),
        ({"entries": (entry(id="brief/1"),)}, "absolute IRI"),
        ({"entries": (entry(url="/briefs/1"),)}, "starts with http"),
        ({"entries": (entry(url="https://news.example.org/\ud800"),)}, "starts with http"),
        ({"entries": (entry(published=datetime(2023, 3, 2)),)}, "timezone"),  # noqa: DTZ001
        ({"entries": (entry(updated=datetime(2023, 3, 2)),)}, "timezone"),  # noqa: DTZ001
        ({"updated": datetime(2023, 3, 2)}, "timezone"),  # noqa: DTZ001
        ({"updated": datetime.min.replace(tzinfo=timezone(timedelta(hours=9)))}, "no date in UTC"),
        ({"id": ""}, "absolute IRI"),
        ({"self_url": "feeds/all.atom"}, "starts with http"),
        ({"page_url": "//news.example.org/"}, "starts with http"),
        ({"page_url": "javascript:alert(1)"}, "starts with http"),
        ({"topic_scheme": "topics/"}, "starts with http"),
        ({"hub_urls": ("hub",)}, "starts with http"),
        ({"logo_url": "logo.png"}, "starts with http"),
        ({"icon_url": "icon.png"}, "starts with http"),
        ({"kind_scheme": "kinds/"}, "starts with http"),
        ({"next_archive_url": 'https://news.example.org/"?><x'}, "starts with http"),
        ({"current_url": "all.atom"}, "starts with http"),
        ({"withdrawals": (Withdrawal("brief/1", MARCH),)}, "absolute IRI"),
        ({"withdrawals": (Withdrawal("urn:x:1", datetime(2023, 3, 2)),)}, "timezone"),  # noqa: DTZ001
        ({"entries": (entry(1),), "withdrawals": (Withdrawal(entry(1).id, MARCH),)}, "repeated"),
    ],
)
@every_format
def test_a_broken_contract_is_a_value_error_that_names_it(
    form: Format, said: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        build(feed(**said), form)


def test_an_etag_is_strong_quoted_and_of_the_bytes() -> None:
    assert etag(b"one") == etag(b"one") != etag(b"two")
    assert etag(b"one").startswith('"')
    assert etag(b"one").endswith('"')
    assert len(etag(b"one")) == 34


@every_format
def test_a_correction_is_told_at_the_head_of_the_content(form: Format) -> None:
    corrected = entry(html="<p>The ports agreed.</p>", note="The day was <wrong> & is mended.")
    (item,) = items(feed(corrected), form)
    assert item.content == (
        '<p><strong lang="en">Correction:</strong> The day was &lt;wrong&gt; &amp; is mended.</p>'
        "<p>The ports agreed.</p>"
    )


@every_format
def test_a_note_is_not_taken_for_the_summary(form: Format) -> None:
    corrected = entry(html="<p>The ports agreed.</p>", summary="", note="The day was wrong.")
    (item,) = items(feed(corrected), form)
    assert item.summary == "The ports agreed."


@every_format
def test_kind_and_urgency_are_said_and_not_taken_for_topics(form: Format) -> None:
    flash = entry(topics=(FeedTopic("cyber", "Cyber"),), kind="flash-brief", urgent=True)
    flash = replace(flash, kind_name="Flash Brief")
    schemes = {"kind_scheme": f"{HOST}/kinds/", "urgent_scheme": f"{HOST}/urgent"}
    (item,) = items(feed(flash, **schemes), form)
    assert item.categories == (
        (f"{HOST}/topics/", "Cyber"),
        (f"{HOST}/kinds/", "Flash Brief"),
        (f"{HOST}/urgent", "Urgent"),
    )


def _read(document: bytes, form: Format) -> Any:
    return feedparser.parse(document, response_headers={"content-type": form.content_type})
