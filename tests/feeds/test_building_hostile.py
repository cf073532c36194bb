"""No content breaks a feed: any text, any markup, and what comes out is safe to run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from dispatcher.feeds.building import KEPT, Feed, FeedEntry, Format, build
from dispatcher.feeds.markup import fragment, one_line
from tests.feeds.reading import (
    JSON_FEED,
    atom_items,
    items,
    json_items,
    read_json,
    rendered_whole,
    rss_items,
    tree,
)
from tests.feeds.samples import entry, feed
from tests.feeds.saying import entries, feeds, some, texts

GRAMMAR = Path(__file__).parents[3] / "shared" / "schemas" / "atom.rng"
RELAX_NG = etree.RelaxNG(etree.parse(GRAMMAR)) if GRAMMAR.exists() else None
ENDS = {Format.ATOM: b"</feed>", Format.RSS: b"  </channel>", Format.JSON: b"]}"}


@some
@given(feeds())
def test_whatever_is_said_all_formats_say_the_same(said: Feed) -> None:
    items = atom_items(said)
    assert items == rss_items(said) == json_items(said)
    assert [item.id for item in items] == [one.id for one in said.entries]
    assert [item.title for item in items] == [one_line(e.title) or e.url for e in said.entries]
    assert [(item.published, item.updated) for item in items] == [
        (_whole_utc(e.published), _whole_utc(e.updated)) for e in said.entries
    ]


@some
@given(feeds(), st.sampled_from([Format.ATOM, Format.RSS]))
def test_whatever_is_said_a_feed_reader_finds_no_fault(said: Feed, form: Format) -> None:
    read = feedparser.parse(build(said, form), response_headers={"content-type": form.content_type})
    assert not read.bozo, read.bozo_exception
    assert [item.id for item in read.entries] == [one.id for one in said.entries]


@pytest.mark.skipif(not GRAMMAR.exists(), reason="no RELAX NG grammar beside the repository")
@some
@given(feeds())
def test_whatever_is_said_the_grammar_of_rfc_4287_accepts(said: Feed) -> None:
    assert RELAX_NG is not None
    assert RELAX_NG.validate(tree(said, Format.ATOM)), RELAX_NG.error_log


@some
@given(feeds())
def test_whatever_is_said_the_schema_of_json_feed_accepts(said: Feed) -> None:
    JSON_FEED.validate(read_json(said))


@some
@given(feeds(), st.sampled_from(Format))
def test_whatever_is_said_a_joined_document_is_the_one_rendered_whole(
    said: Feed, form: Format
) -> None:
    whole = rendered_whole(said, form)
    KEPT.forget()
    assert build(said, form) == whole, "made now"
    assert build(said, form) == whole, "made before"


@some
@given(feeds(), entries(1), entries(1), st.sampled_from(Format))
def test_whatever_is_said_one_changed_entry_changes_its_own_bytes_alone(
    said: Feed, first: FeedEntry, changed: FeedEntry, form: Format
) -> None:
    def holding(*held: FeedEntry) -> bytes:
        return build(replace(said, entries=held), form)

    newer, older = entry(0), entry(2)
    place = holding(newer).rindex(ENDS[form])
    without = holding(newer, older)
    for document in (holding(newer, first, older), holding(newer, changed, older)):
        assert document.startswith(without[:place])
        assert document.endswith(without[place:])


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


@pytest.mark.parametrize("form", list(Format))
def test_the_end_of_a_cdata_section_in_content_ends_nothing(form: Format) -> None:
    (item,) = items(feed(entry(html="<p>]]></p>", summary="]]>", title="]]>")), form)
    assert (item.title, item.summary, item.content) == ("]]>", "]]>", "<p>]]&gt;</p>")


@pytest.mark.parametrize("form", list(Format))
def test_a_brief_of_two_million_characters_is_whole(form: Format) -> None:
    huge = "<p>Talks &amp; more talks</p>" * 74_000
    (item,) = items(feed(entry(html=huge, title="T" * 100_000)), form)
    assert (item.content, len(item.title)) == (huge, 100_000)


def test_a_headline_keeps_its_no_break_spaces_and_loses_its_lines() -> None:
    assert one_line(" « Port »\r\n\ttalks\x07 ") == "« Port » talks"


def _whole_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
