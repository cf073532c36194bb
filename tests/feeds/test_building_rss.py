"""What is RSS's own: plain titles, description before content, module elements, channel parts."""

from __future__ import annotations

from dispatcher.feeds.building import Format, build
from tests.feeds.reading import NAMES, text, texts, tree
from tests.feeds.samples import HOST, entry, feed

HUB = "https://hub.example.org/"


def test_a_title_is_plain_text_escaped_once_by_number() -> None:
    sample = feed(entry(title="<b>R&D</b> ]]> & more"), title="Q&A <all>", logo_url=f"{HOST}/l.png")
    document = build(sample, Format.RSS)
    assert b"<title>&#x3C;b&gt;R&#x26;D&#x3C;/b&gt; ]]&gt; &#x26; more</title>" in document
    assert document.count(b"<title>Q&#x26;A &#x3C;all&gt;</title>") == 2
    assert b"CDATA" not in document


def test_a_summary_is_html_that_shows_the_plain_text() -> None:
    root = tree(feed(entry(summary="1 < 2 & 3")), Format.RSS)
    assert text(root, "//item/description") == "1 &lt; 2 &amp; 3"


def test_a_right_to_left_summary_says_so() -> None:
    root = tree(feed(entry(summary="שלום", language="he")), Format.RSS)
    assert text(root, "//item/description") == '<div dir="rtl" lang="he">שלום</div>'


def test_the_summary_stands_before_the_full_text() -> None:
    item = tree(feed(entry(summary="")), Format.RSS).find("channel/item")
    assert item is not None
    names = [str(node.tag).rpartition("}")[2] for node in item]
    assert names.index("description") + 1 == names.index("encoded")
    assert len(names) == len({*names}) + 1, "only category occurs twice"


def test_the_link_is_the_page_even_with_a_hub() -> None:
    root = tree(feed(entry(), hub_urls=(HUB,)), Format.RSS)
    assert text(root, "channel/link") == f"{HOST}/briefs"
    assert [dict(link.attrib) for link in root.iterfind("channel/a:link", NAMES)] == [
        {"href": f"{HOST}/feeds/all.atom", "rel": "self", "type": "application/rss+xml"},
        {"href": HUB, "rel": "hub"},
    ]


def test_the_channel_has_its_date_language_ttl_and_image() -> None:
    root = tree(feed(entry(), logo_url=f"{HOST}/logo.png", ttl_minutes=7), Format.RSS)
    assert text(root, "channel/lastBuildDate") == "Thu, 02 Mar 2023 10:00:00 GMT"
    assert text(root, "channel/language") == "en"
    assert text(root, "channel/ttl") == "7"
    image = {name: text(root, f"channel/image/{name}") for name in ("url", "title", "link")}
    assert image == {"url": f"{HOST}/logo.png", "title": "All briefs", "link": f"{HOST}/briefs"}


def test_a_channel_always_has_a_description() -> None:
    assert text(tree(feed(subtitle=""), Format.RSS), "channel/description") == "All briefs"


def test_an_item_has_a_creator_and_no_author_without_an_address() -> None:
    root = tree(feed(entry(author="Ada Example")), Format.RSS)
    assert texts(root, "//dc:creator") == ["Ada Example"]
    assert texts(root, "//author") == []


def test_an_item_has_its_first_date_and_the_date_of_its_correction() -> None:
    root = tree(feed(entry()), Format.RSS)
    assert text(root, "//pubDate") == "Thu, 02 Mar 2023 10:00:00 GMT"
    assert text(root, "//item/a:updated") == "2023-03-02T10:00:00Z"


def test_topics_are_categories_of_the_topic_domain() -> None:
    root = tree(feed(entry()), Format.RSS)
    assert texts(root, "//category") == ["Gulf States", "Cyber"]
    assert {*texts(root, "//category/@domain")} == {f"{HOST}/topics/"}
