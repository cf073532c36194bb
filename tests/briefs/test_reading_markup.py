"""Markdown and HTML: front matter, headings, quotations, links, and what must not come through."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dispatcher.briefs.document import Document, Entry, Quotation, Related, Section
from dispatcher.briefs.reading import Form, KnownTopic, form_of, read

TOPICS = [KnownTopic("Gas Markets", ("LNG",)), KnownTopic("Power Grids")]


def markdown(text: str) -> Document:
    return read(text, topics=TOPICS, form=Form.MARKDOWN)


def page(body: str, head: str = "") -> Document:
    text = f"<!doctype html><html><head>{head}</head><body><h1>H</h1>{body}</body></html>"
    return read(text, topics=TOPICS)


def paragraphs(document: Document) -> list[str]:
    return [
        text for block in document.blocks if isinstance(block, Section) for text in block.paragraphs
    ]


def test_front_matter_names_the_fields() -> None:
    document = read(
        "---\n"
        "title: 'A: Headline'\n"
        "kind: Alert\n"
        "date: 2026-05-19T14:05:00+02:00\n"
        "topics: [lng, Unheard Of, Gas Markets]\n"
        "summary: Short.\n"
        "language: no\n"
        "source-id: 2026/17\n"
        "urgent: yes\n"
        "url: https://example.org/17\n"
        "colour: red\n"
        "---\n"
        "Text.\n",
        topics=TOPICS,
    )
    assert document == Document(
        headline="A: Headline",
        kind="Alert",
        summary="Short.",
        blocks=(Section("", ("Text.",)),),
        topics=("Gas Markets", "Unheard Of"),
        published_at=datetime(2026, 5, 19, 12, 5, tzinfo=UTC),
        language="no",
        url="https://example.org/17",
        source_id="2026/17",
        urgent=True,
    )


@pytest.mark.parametrize(
    "topics", ["LNG, Power Grids", "lng power grids", "\n  - LNG\n  - Power Grids"]
)
def test_topics_may_be_a_list_or_one_string(topics: str) -> None:
    document = markdown(f"---\nheadline: H\ntopics: {topics}\n---\nText.")
    assert document.topics == ("Gas Markets", "Power Grids")


def test_markdown_headings_make_headline_and_sections() -> None:
    document = markdown("# A *Headline*\n\nLead.\n\n## One\n\nText.\n\n### Two\n\nMore\ntext.\n")
    assert document.headline == "A Headline"
    assert document.blocks == (
        Section("", ("Lead.",)),
        Section("One", ("Text.",)),
        Section("Two", ("More text.",)),
    )


def test_a_headline_that_front_matter_gives_is_not_repeated() -> None:
    document = markdown("---\nheadline: H\n---\n# H\n\nMay 19, 2026 | Flash Brief\n\nText.")
    assert (document.headline, document.kind) == ("H", "Flash Brief")
    assert document.blocks == (Section("", ("Text.",)),)


def test_markdown_without_front_matter_has_its_date_line_and_topics_line() -> None:
    document = markdown("# H\n\nFlash Brief | 19 May 2026\n\n## One\n\nText.\n\nLNG Power Grids")
    assert document.kind == "Flash Brief"
    assert document.published_at == datetime(2026, 5, 19, tzinfo=UTC)
    assert document.topics == ("Gas Markets", "Power Grids")
    assert document.blocks == (Section("One", ("Text.",)),)


@pytest.mark.parametrize(
    "body",
    [
        "> It holds. For now.\n>\n> — Ana Ruiz-Berg, Fellow",
        "> It holds. For now.\n> — Ana Ruiz-Berg, Fellow",
        "> It holds. For now.\n\n— Ana Ruiz-Berg, Fellow",
        "> “It holds. For now.” Ana Ruiz-Berg, Fellow",
        "> *“It holds. For now.”* — **Ana Ruiz-Berg**, Fellow",
        "“It holds. For now.” Ana Ruiz-Berg, Fellow",
    ],
)
def test_a_block_quotation_with_its_attribution_is_a_quotation(body: str) -> None:
    [block] = markdown(f"# H\n\n## Expert Analysis\n\n{body}").blocks
    assert isinstance(block, Quotation)
    assert (block.heading, block.name, block.role) == ("Expert Analysis", "Ana Ruiz-Berg", "Fellow")
    assert [text.replace("<em>", "").replace("</em>", "") for text in block.paragraphs] == [
        "It holds. For now."
    ]


def test_a_block_quotation_between_paragraphs_stands_between_them() -> None:
    document = markdown("# H\n\n## One\n\nBefore.\n\n> Said.\n\nAfter.")
    assert document.blocks == (
        Section("One", ("Before.",)),
        Quotation("", ("Said.",)),
        Section("", ("After.",)),
    )


def test_related_links_give_title_address_and_source() -> None:
    document = markdown(
        "---\nheadline: H\nurl: https://example.org/a/b\n---\n## Related Analysis\n\n"
        "- [One](/one), by A. Writer\n- “[Two](two)”, Series\n- “Three,” Series\n"
    )
    assert document.blocks == (
        Related(
            "Related Analysis",
            (
                Entry("One", "by A. Writer", "https://example.org/one"),
                Entry("Two", "Series", "https://example.org/a/two"),
                Entry("Three", "Series"),
            ),
        ),
    )


def test_a_section_of_nothing_but_links_is_related_whatever_its_heading() -> None:
    [block] = markdown("# H\n\n## Sources\n\n- [One](https://example.org/1)\n").blocks
    assert block == Related("Sources", (Entry("One", "", "https://example.org/1"),))


def test_raw_html_in_markdown_is_shown_as_text() -> None:
    document = markdown("# H\n\nA <b>bold</b> <script>alert(1)</script> claim.")
    assert paragraphs(document) == [
        "A &lt;b&gt;bold&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt; claim."
    ]


def test_a_markdown_table_becomes_a_paragraph_a_row() -> None:
    document = markdown("# H\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert paragraphs(document) == ["a | b", "1 | 2"]


def test_a_page_says_what_it_is() -> None:
    document = read(
        """<!DOCTYPE html><html lang="en_GB"><head><title>H | Site</title>
        <link rel="canonical" href="https://example.org/briefs/1">
        <meta name="Description" content="In short.">
        <meta property="article:published_time" content="2026-05-19T14:05:06.789Z">
        <meta name="keywords" content="LNG, Oil">
        </head><body><nav>Menu</nav><header><h1>H</h1></header><main>
        <p>May 19, 2026 | Flash Brief</p><h2>One</h2><p>Text.</p></main>
        <footer>Imprint</footer></body></html>""",
        topics=TOPICS,
    )
    assert document == Document(
        headline="H",
        kind="Flash Brief",
        summary="In short.",
        blocks=(Section("One", ("Text.",)),),
        topics=("Gas Markets", "Oil"),
        published_at=datetime(2026, 5, 19, 14, 5, 6, tzinfo=UTC),
        language="en-GB",
        url="https://example.org/briefs/1",
    )


@pytest.mark.parametrize(
    ("head", "headline"),
    [
        ('<title>T</title><meta property="og:title" content="O">', "O"),
        ("<title>T &amp; U</title>", "T & U"),
    ],
)
def test_without_a_heading_the_title_is_the_headline(head: str, headline: str) -> None:
    assert read(f"<html><head>{head}</head><p>Text.", topics=[]).headline == headline


def test_the_longest_article_is_the_brief() -> None:
    document = page("<article><p>Teaser.</p></article><article><p>The long text.</p></article>")
    assert paragraphs(document) == ["The long text."]


def test_only_inline_tags_and_safe_links_come_through() -> None:
    document = page(
        '<p onclick="x()" style="color:red">A <b class="x">b</b> <span>c</span> '
        '<a href="https://example.org/?a=1&amp;b=2" target="_blank" onmouseover="x()">d</a> '
        '<a href="javascript:alert(1)">e</a> <a href=" JaVa\tScript:alert(1)">f</a> '
        '<a href="mailto:desk@example.org">g</a> <a href="data:text/html,x">h</a> '
        '<a href="/relative">i</a> <a href="//example.org/x">j</a><iframe src="x">k</iframe>'
        '<img src="x" onerror="x()" alt="l"><svg onload="x()"><text>m</text></svg></p>'
    )
    assert paragraphs(document) == [
        'A <b>b</b> c <a href="https://example.org/?a=1&amp;b=2">d</a> e f '
        '<a href="mailto:desk@example.org">g</a> h i j l'
    ]


def test_relative_links_are_resolved_against_the_address_of_the_page() -> None:
    head = '<link rel="canonical" href="https://example.org/a/b">'
    document = page('<p><a href="c?d#e">x</a> <a href="//example.net/">y</a>', head)
    assert paragraphs(document) == [
        '<a href="https://example.org/a/c?d#e">x</a> <a href="https://example.net/">y</a>'
    ]


def test_direction_and_language_of_a_name_are_kept() -> None:
    document = page('<p><bdi dir="rtl" lang="he" id="x">שלום</bdi> <bdi dir="up">y</bdi></p>')
    assert paragraphs(document) == ['<bdi dir="rtl" lang="he">שלום</bdi> <bdi>y</bdi>']


def test_unknown_blocks_are_borders_between_paragraphs() -> None:
    document = page(
        "<section>one<div>two<x-box>three</x-box></div>four</section><pre>five</pre>"
        "<dl><dt>six<dd>seven</dl><table><tr><td>a<td>b<tr><td><p>c</p><td><p>d</p></table>"
        "eight<br><br>nine<br>ten<h4>eleven</h4>"
    )
    assert paragraphs(document) == [
        *("one", "two", "three", "four", "five", "six", "seven", "a | b", "c", "d", "eight"),
        *("nine<br>ten", "<strong>eleven</strong>"),
    ]


def test_a_list_item_becomes_a_bulleted_paragraph() -> None:
    document = page("<ul><li>a<ul><li>b</ul><li><p>c</p><p>d</p></ul><ol start=3><li>e<li>f</ol>")
    assert paragraphs(document) == ["• a", "• b", "• c", "d", "3. e", "4. f"]


@pytest.mark.parametrize(
    "citation",
    [
        "<footer>— Ana Ruiz-Berg, Fellow</footer></blockquote>",
        "<cite>Ana Ruiz-Berg, Fellow</cite></blockquote>",
        "<p><cite>Ana Ruiz-Berg, Fellow</cite></p></blockquote>",
        "<p>— <cite>Ana Ruiz-Berg</cite>, Fellow</p></blockquote>",
        "</blockquote><figcaption>Ana Ruiz-Berg, Fellow</figcaption>",
        "</blockquote><p>— Ana Ruiz-Berg, Fellow</p>",
    ],
)
def test_a_block_quotation_names_its_speaker_in_many_ways(citation: str) -> None:
    document = page(f"<figure><blockquote><p>“Said.”</p>{citation}</figure>")
    assert document.blocks == (Quotation("", ("Said.",), "Ana Ruiz-Berg", "Fellow"),)


def test_a_closing_list_of_topics_names_the_topics() -> None:
    document = page("<p>Text.</p><h2>Topics</h2><ul><li>Power Grids<li>LNG</ul>")
    assert document.topics == ("Power Grids", "Gas Markets")
    assert document.blocks == (Section("", ("Text.",)),)


def test_headings_are_plain_text_on_one_line() -> None:
    document = page("<h2>A <em>b</em><br>c &amp; <div>d</div></h2><p>Text.</p>")
    assert document.blocks == (Section("A b c & d", ("Text.",)),)


def test_no_break_spaces_between_words_are_kept_and_others_are_folded() -> None:
    document = page("<p>10&nbsp;km&nbsp; away&nbsp;</p>")
    assert paragraphs(document) == ["10\u00a0km away"]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (' {"headline": "H"}', Form.JSON),
        ("---\nheadline: H\n---\n", Form.MARKDOWN),
        ("\n<p>x", Form.HTML),
        ("<!DOCTYPE html>", Form.HTML),
        ("<?xml version='1.0'?><html/>", Form.HTML),
        ("Text\n\n## Heading\n", Form.MARKDOWN),
        ("Text with a # in it\n#hashtag", Form.TEXT),
        ("< 5 per cent\n", Form.TEXT),
    ],
)
def test_the_form_is_told_from_the_content(text: str, form: Form) -> None:
    assert form_of(text) is form
