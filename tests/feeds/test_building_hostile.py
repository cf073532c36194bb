"""No content breaks a feed: any text, any markup, and what comes out is safe to run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from dispatcher.feeds.building import Feed, FeedEntry, FeedTopic, Format, build
from dispatcher.feeds.markup import fragment, one_line
from tests.feeds.reading import atom_items, rss_items
from tests.feeds.samples import entry, feed

GRAMMAR = Path(__file__).parents[3] / "shared" / "schemas" / "atom.rng"
RELAX_NG = etree.RelaxNG(etree.parse(GRAMMAR)) if GRAMMAR.exists() else None

NASTY = (
    "]]>",
    "<![CDATA[",
    "<b>bold</b>",
    "&amp;",
    "&#1;&#xFFFE;&bogus;",
    "\x00\x0b\x1f",
    "\ud800",
    "\udfff\ufffe\uffff",
    "\r\n\t",
    "\u2028\u200f",
    "</content></entry></item></channel>",
    "<script>alert(1)</script>",
    '<a href="java&#10;script:alert(1)" onclick=x>',
    "שלום",
    "مرحبا",
    "👩‍👩‍👧",
    "<!-- ",
    "<?xml ?>",
)

texts = st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=()), max_size=12), max_size=6
).map("".join)
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  Hypothesis adds the timezone
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.timezones(),
)
languages = st.sampled_from(["en", "he", "fa_IR", "zh-Hant", "", "x\ud800", "e n"])
topics = st.lists(st.builds(FeedTopic, texts, texts), max_size=3).map(tuple)


@st.composite
def feeds(draw: st.DrawFn) -> Feed:
    def some_entry(number: int) -> FeedEntry:
        return entry(
            number,
            title=draw(texts),
            summary=draw(texts),
            html=draw(texts),
            published=draw(moments),
            updated=draw(moments),
            language=draw(languages),
            topics=draw(topics),
            author=draw(texts),
        )

    entries = [some_entry(number) for number in range(draw(st.integers(0, 3)))]
    return feed(
        *entries,
        title=draw(texts),
        subtitle=draw(texts),
        publisher=draw(texts),
        language=draw(languages),
        updated=draw(moments),
        logo_url=draw(st.sampled_from(["", "https://news.example.org/logo.png"])),
    )


some = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@some
@given(feeds())
def test_whatever_is_said_both_formats_say_the_same(said: Feed) -> None:
    items = atom_items(said)
    assert items == rss_items(said)
    assert [item.id for item in items] == [one.id for one in said.entries]
    assert [item.title for item in items] == [one_line(e.title) or e.url for e in said.entries]
    assert [(item.published, item.updated) for item in items] == [
        (_whole_utc(e.published), _whole_utc(e.updated)) for e in said.entries
    ]


@some
@given(feeds(), st.sampled_from([Format.ATOM, Format.RSS]))
def test_whatever_is_said_a_feed_reader_finds_no_fault(said: Feed, form: Format) -> None:
    document = build(said, form)
    assert document == build(said, form)
    read = feedparser.parse(document, response_headers={"content-type": form.content_type})
    assert not read.bozo, read.bozo_exception
    assert [item.id for item in read.entries] == [one.id for one in said.entries]


@pytest.mark.skipif(not GRAMMAR.exists(), reason="no RELAX NG grammar beside the repository")
@some
@given(feeds())
def test_whatever_is_said_the_grammar_of_rfc_4287_accepts(said: Feed) -> None:
    grammar = etree.RelaxNG(etree.parse(GRAMMAR))
    assert grammar.validate(etree.fromstring(build(said, Format.ATOM))), grammar.error_log


@some
@given(texts)
def test_a_fragment_is_settled_and_runs_nothing(markup: str) -> None:
    clean = fragment(markup)
    assert fragment(clean) == clean
    for node in etree.HTML(f"<main>{clean}</main>").iter():
        assert node.tag not in {"script", "style", "iframe"}
        assert not any(str(name).startswith("on") for name in node.attrib)
        assert "javascript:" not in node.get("href", "")


@pytest.mark.parametrize(
    ("markup", "clean"),
    [
        ("<p>a<script>x()</script><style>p{}</style><iframe>y</iframe>b</p>", "<p>ab</p>"),
        ('<p onclick="x()" style="color:red" class="c">a</p>', "<p>a</p>"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="java&#1;script:x()">a</a>', "<a>a</a>"),
        ('<a href="java\x00script:x()">a</a>', "<a>a</a>"),
        ('<a href="/a">a</a><img src="b.png" alt="b">', '<a>a</a><img alt="b">'),
        ("<scr\x00ipt>x()</script>a", "a"),
        ("<p>open <em>ended", "<p>open <em>ended</em></p>"),
        ("a</div></div>b<!-- c -->", "ab"),
        (
            '<div dir="rtl" lang="he"><bdi>a</bdi></div>',
            '<div dir="rtl" lang="he"><bdi>a</bdi></div>',
        ),
        ("a\r\nb&#13;c&#xFFFE;\ud800", "a\nb\nc"),
    ],
)
def test_a_fragment_keeps_what_is_good_and_loses_what_runs(markup: str, clean: str) -> None:
    assert fragment(markup) == clean


@pytest.mark.parametrize("form", [Format.ATOM, Format.RSS])
def test_the_end_of_a_cdata_section_in_content_ends_nothing(form: Format) -> None:
    written = feed(entry(html="<p>]]></p>", summary="]]>", title="]]>"))
    (item,) = atom_items(written) if form is Format.ATOM else rss_items(written)
    assert (item.title, item.summary, item.content) == ("]]>", "]]>", "<p>]]&gt;</p>")


def test_a_headline_keeps_its_no_break_spaces_and_loses_its_lines() -> None:
    assert one_line(" « Port »\r\n\ttalks\x07 ") == "« Port » talks"


def _whole_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
