"""What is Atom's own: its grammar, its links, its types."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from dispatcher.feeds.building import Format, build
from tests.feeds.reading import text, texts, tree
from tests.feeds.samples import entry, feed

GRAMMAR = Path(__file__).parents[3] / "shared" / "schemas" / "atom.rng"


@pytest.mark.skipif(not GRAMMAR.exists(), reason="no RELAX NG grammar beside the repository")
def test_the_grammar_of_rfc_4287_accepts_full_bare_and_empty_feeds() -> None:
    grammar = etree.RelaxNG(etree.parse(GRAMMAR))
    full = feed(
        entry(1, author="Ada Example"),
        entry(2, language="he"),
        hub_urls=("https://hub.example.org/",),
        logo_url="https://news.example.org/logo.png",
    )
    bare = feed(entry(html="", summary="", title="", topics=()), subtitle="", publisher="")
    for sample in (full, bare, feed()):
        document = etree.fromstring(build(sample, Format.ATOM))
        assert grammar.validate(document), grammar.error_log


def test_the_document_declares_utf8_and_the_atom_namespace() -> None:
    document = build(feed(entry(title="Zürich – תל אביב")), Format.ATOM)
    assert document.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert "Zürich – תל אביב".encode() in document
    assert tree(feed(), Format.ATOM).tag == "{http://www.w3.org/2005/Atom}feed"


def test_a_feed_links_itself_its_page_and_its_hub() -> None:
    root = tree(feed(entry(), hub_urls=("https://hub.example.org/",)), Format.ATOM)
    assert [dict(link.attrib) for link in root.iterfind("{*}link")] == [
        {
            "href": "https://news.example.org/feeds/all.atom",
            "rel": "self",
            "type": "application/atom+xml",
        },
        {"href": "https://hub.example.org/", "rel": "hub"},
        {"href": "https://news.example.org/briefs", "rel": "alternate", "type": "text/html"},
    ]


def test_an_entry_has_one_link_its_page() -> None:
    root = tree(feed(entry()), Format.ATOM)
    assert [dict(link.attrib) for link in root.iterfind("{*}entry/{*}link")] == [
        {"href": "https://news.example.org/briefs/1", "rel": "alternate", "type": "text/html"}
    ]


def test_texts_say_that_they_are_text_and_content_that_it_is_html() -> None:
    root = tree(feed(entry()), Format.ATOM)
    assert text(root, "a:title/@type") == "text"
    assert text(root, "a:subtitle/@type") == "text"
    assert text(root, "a:entry/a:title/@type") == "text"
    assert text(root, "a:entry/a:summary/@type") == "text"
    assert text(root, "a:entry/a:content/@type") == "html"


def test_the_feed_is_dated_by_its_data_in_whole_seconds() -> None:
    root = tree(feed(entry()), Format.ATOM)
    assert texts(root, "//a:updated") == ["2023-03-02T10:00:00Z"] * 2
    assert texts(root, "//a:published") == ["2023-03-02T10:00:00Z"]


def test_topics_are_categories_with_term_scheme_and_label() -> None:
    root = tree(feed(entry()), Format.ATOM)
    assert [dict(node.attrib) for node in root.iterfind("{*}entry/{*}category")] == [
        {"term": slug, "scheme": "https://news.example.org/topics/", "label": name}
        for slug, name in (("gulf-states", "Gulf States"), ("cyber", "Cyber"))
    ]


def test_the_logo_is_there_when_given() -> None:
    logo = "https://news.example.org/logo.png"
    assert text(tree(feed(logo_url=logo), Format.ATOM), "a:logo") == logo
    assert text(tree(feed(), Format.ATOM), "a:logo") == ""
