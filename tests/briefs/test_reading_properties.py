"""Properties of reading: no input breaks it, nothing unsafe and no paragraph gets lost in it."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC

import lxml.html
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dispatcher.briefs.cleaning import one_line, plain
from dispatcher.briefs.document import (
    INLINE_TAGS,
    Document,
    Entry,
    Quotation,
    Related,
    Section,
    from_json,
    to_json,
)
from dispatcher.briefs.reading import Form, KnownTopic, read
from dispatcher.errors import UnreadableBrief

TOPICS = [KnownTopic("Gas Markets", ("LNG",)), KnownTopic("Gas"), KnownTopic("Western Balkans")]
LIMITED = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

# Pieces that the forms give a meaning to, so that random input comes near to real input.
LIST_OF_PIECES = (
    "Headline¦A few words¦A sentence with an end. ¦שלום¦مرحبا¦\u202e¦é¦🜁¦\n¦\n\n¦ ¦\u2028¦\xa0¦"
    "\x00¦\x1b¦\ud800¦\ufffe¦\t¦\r\n¦March 2, 2023 | Flash Brief¦February 31, 2023¦"
    '2023-03-02T25:00¦Related Analysis¦Expert Analysis¦“¦”¦"¦‘¦’¦«¦— Ana Ruiz-Berg, Fellow¦'
    ",” Series¦Gas Markets¦LNG¦Topics: a, b¦• ¦- ¦> ¦# ¦## ¦---\n¦[a](¦)¦headline: ¦date: ¦"
    'topics: [¦]¦{¦}¦{"headline": "H", ¦"blocks": [¦:¦<p>¦</p>¦<h1>¦</h1>¦<h2>¦'
    "<blockquote>¦<cite>¦<ul><li>¦<ol start=9>¦<script>alert(1)</script>¦<style>*{}</style>¦"
    '<a href="javascript:alert(1)">¦</a>¦<b onclick=x>¦<img src=x onerror=y>¦'
    "<iframe src=//e.example>¦<svg/onload=x>¦<br>¦<a href='https://example.org/?\"<x>'>¦"
    "<bdi dir=rtl>¦<table><tr><td>¦<!--¦-->¦]]>¦<template>¦<math><mi>¦<em>¦</em>¦<article>¦"
    "<footer>¦<base href=//x>¦&#0;¦&lt;script&gt;¦&amp;lt;¦&quot;¦<title>¦<textarea>¦"
    "<plaintext>¦<noscript>¦java\nscript:alert(1)¦data:text/html,x¦`¦|¦*¦_¦<x:y>¦<x-y>¦"
    "<frameset>"
)
PIECES = st.sampled_from(LIST_OF_PIECES.split("¦"))
SOUP = st.lists(PIECES | st.text(max_size=8), max_size=25).map("".join)
Writer = Callable[[str, list[tuple[str, list[str]]]], str]
FORMS = st.sampled_from(list(Form))

WORD = st.text(
    st.characters(codec="utf-8", categories=("Ll", "Lu", "Lo", "Nd"), max_codepoint=0x3000),
    min_size=1,
    max_size=9,
)
# The full stop ends it as body text; the first word cannot be taken for Markdown or a number.
PARAGRAPH = st.lists(WORD, min_size=3, max_size=40).map(
    lambda words: f"Text {' '.join(words)} end."
)
HEADLINE = st.lists(WORD, min_size=1, max_size=5).map(lambda words: f"Headline {' '.join(words)}")
HEADING = st.lists(WORD, min_size=1, max_size=5).map(lambda words: f"Heading {' '.join(words)}")
SECTIONS = st.lists(
    st.tuples(HEADING, st.lists(PARAGRAPH, min_size=1, max_size=4)), min_size=1, max_size=4
)


def attempt(raw: bytes | str, form: Form = Form.AUTO) -> Document | None:
    """What is read, or None after a proper refusal; anything else fails the test."""
    try:
        return read(raw, topics=TOPICS, form=form)
    except UnreadableBrief as refusal:
        sentence = str(refusal)
        assert sentence == " ".join(sentence.split())
        assert sentence.isprintable()
        return None


def fragments(document: Document) -> Iterator[str]:
    for block in document.blocks:
        if isinstance(block, Section | Quotation):
            yield from block.paragraphs


def lines(document: Document) -> Iterator[str]:
    """Everything that must be plain text on one line."""
    yield from (document.headline, document.kind, document.summary, document.language)
    yield from (document.url, document.source_id, *document.topics)
    for block in document.blocks:
        yield block.heading
        if isinstance(block, Quotation):
            yield from (block.name, block.role)
        if isinstance(block, Related):
            for entry in block.entries:
                yield from (entry.title, entry.source, entry.url)


def assert_is_safe(fragment: str) -> None:
    tree = lxml.html.fragment_fromstring(fragment, create_parent="main")
    for element in tree.iterdescendants():
        assert element.tag in INLINE_TAGS, fragment
        allowed = {"a": {"href"}, "bdi": {"dir", "lang"}}.get(str(element.tag), set())
        assert set(element.attrib) <= allowed, fragment
        if href := element.get("href"):
            assert_is_safe_link(href)


def assert_is_safe_link(href: str) -> None:
    assert re.match(r"(?:https?://[^/]|mailto:.*@)", href, re.IGNORECASE), href
    assert not re.search(r"[\s<>\"]", href), href


def assert_is_clean(text: str) -> None:
    for char in text:
        assert unicodedata.category(char) not in {"Cc", "Cs", "Zl", "Zp"}, ascii(text)
        assert ord(char) & 0xFFFE != 0xFFFE, ascii(text)


@LIMITED
@given(raw=st.binary(max_size=200) | st.text(max_size=200) | SOUP, form=FORMS)
def test_no_input_raises_anything_but_a_refusal(raw: bytes | str, form: Form) -> None:
    attempt(raw, form)


@LIMITED
@given(raw=SOUP, headline=st.sampled_from(["Headline\n\n", "<h1>Headline</h1>", "# Headline\n\n"]))
def test_nothing_unsafe_survives(raw: str, headline: str) -> None:
    document = attempt(headline + raw)
    if document is None:
        return
    for fragment in fragments(document):
        assert plain(fragment)
        assert_is_safe(fragment)
        assert_is_clean(fragment)
    for line in lines(document):
        assert line == " ".join(line.split())
        assert_is_clean(line)
    for block in document.blocks:
        if isinstance(block, Related):
            for entry in block.entries:
                assert_is_safe_link(entry.url or "https://example.org/")
    assert len(set(document.topics)) == len(document.topics)


@LIMITED
@given(texts=st.lists(SOUP, min_size=1, max_size=3))
def test_nothing_unsafe_survives_in_json(texts: list[str]) -> None:
    entries = [{"title": f"T{text}", "source": text, "url": text} for text in texts]
    blocks = [
        {"type": "section", "heading": texts[0], "paragraphs": texts},
        {"type": "quotation", "paragraphs": texts, "name": texts[-1], "role": texts[0]},
        {"type": "related", "entries": entries},
    ]
    document = attempt(json.dumps({"headline": "H", "blocks": blocks}))
    if document is None:
        return
    for fragment in fragments(document):
        assert_is_safe(fragment)
        assert_is_clean(fragment)
    for line in lines(document):
        assert_is_clean(line)


@LIMITED
@given(raw=SOUP)
def test_reading_twice_gives_the_same_and_json_gives_it_back(raw: str) -> None:
    document = attempt(f"Headline\n\n{raw}", Form.TEXT)
    page = attempt(f"<h1>Headline</h1>{raw}", Form.HTML)
    assert document == attempt(f"Headline\n\n{raw}", Form.TEXT)
    for read_once in filter(None, (document, page)):
        written = json.dumps(to_json(read_once))
        assert from_json(json.loads(written)) == read_once
        assert attempt(written) == read_once


@LIMITED
@given(
    document=st.builds(
        Document,
        headline=HEADING,
        kind=HEADING,
        summary=st.text(),
        blocks=st.lists(
            st.builds(Section, st.text(), st.lists(st.text()).map(tuple))
            | st.builds(Quotation, st.text(), st.lists(st.text()).map(tuple), st.text(), st.text())
            | st.builds(
                Related, st.text(), st.lists(st.builds(Entry, st.text(), st.text())).map(tuple)
            ),
            max_size=4,
        ).map(tuple),
        topics=st.lists(st.text()).map(tuple),
        published_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        urgent=st.booleans(),
    )
)
def test_any_document_comes_back_from_json(document: Document) -> None:
    assert from_json(json.loads(json.dumps(to_json(document)))) == document


def as_text(headline: str, sections: list[tuple[str, list[str]]]) -> str:
    return "\n\n".join([headline, *(t for h, paragraphs in sections for t in (h, *paragraphs))])


def as_markdown(headline: str, sections: list[tuple[str, list[str]]]) -> str:
    parts = ["## " + "\n\n".join([heading, *paragraphs]) for heading, paragraphs in sections]
    return "\n\n".join([f"# {headline}", *parts])


def as_front_matter(headline: str, sections: list[tuple[str, list[str]]]) -> str:
    body = as_markdown(headline, sections).partition("\n")[2]
    return f"---\nheadline: {json.dumps(headline)}\n---\n{body}"


def as_html(headline: str, sections: list[tuple[str, list[str]]]) -> str:
    parts = [
        f"<h2>{html.escape(heading)}</h2>" + "".join(f"<p>{html.escape(p)}" for p in paragraphs)
        for heading, paragraphs in sections
    ]
    return f"<!doctype html><title>T</title><h1>{html.escape(headline)}</h1>{''.join(parts)}"


def as_json(headline: str, sections: list[tuple[str, list[str]]]) -> str:
    blocks = [
        {"type": "section", "heading": heading, "paragraphs": [html.escape(p) for p in paragraphs]}
        for heading, paragraphs in sections
    ]
    return json.dumps({"headline": headline, "blocks": blocks})


@LIMITED
@given(
    headline=HEADLINE,
    sections=SECTIONS,
    write=st.sampled_from([as_text, as_markdown, as_front_matter, as_html, as_json]),
)
def test_the_text_of_every_paragraph_survives(
    headline: str, sections: list[tuple[str, list[str]]], write: Writer
) -> None:
    document = read(write(headline, sections), topics=TOPICS)
    assert document.headline == one_line(headline)
    assert [
        (block.heading, [plain(p) for p in block.paragraphs])
        for block in document.blocks
        if isinstance(block, Section)
    ] == [
        (one_line(heading), [one_line(p) for p in paragraphs]) for heading, paragraphs in sections
    ]


@LIMITED
@given(paragraphs=st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=6))
def test_the_letters_of_any_pasted_text_survive(paragraphs: list[str]) -> None:
    document = attempt("\n\n".join(["A Plain Headline", *paragraphs]), Form.TEXT)
    if document is None:
        return
    kept = " ".join([*lines(document), *map(plain, fragments(document))])
    for paragraph in paragraphs:
        for word in re.findall(r"[^\W\d_]+", one_line(paragraph)):
            assert word in kept or word.casefold() in kept.casefold()
