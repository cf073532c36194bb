from __future__ import annotations

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from dispatcher.briefs.document import Document, Quotation, Section
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import headers
from dispatcher.letters.plaintext import width
from dispatcher.letters.rendering import LARGEST, Letter, LetterTooLarge, Renderer
from dispatcher.letters.stamping import stamp
from tests.letters import samples
from tests.letters.full_render import body, parsed
from tests.letters.samples import BRIEF, HEBREW, RENDERER, TEMPLATES, alert, facts, reader

LETTERS = sorted(path.name for path in TEMPLATES.iterdir() if not path.name.startswith("_"))


def rendered(document: Document = BRIEF, **changes: object) -> Letter:
    return RENDERER.render("alert", {**alert(document, **changes).mapping(), "slots": reader()})


class Page(HTMLParser):
    """The start tags of a page, with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def links(self) -> set[str]:
        return {attributes["href"] or "" for attributes in self.all("a")}


def test_every_letter_is_a_folder_of_three() -> None:
    assert "alert" in LETTERS
    for letter in LETTERS:
        assert {"subject.txt", "body.txt", "body.html"} <= {
            path.name for path in (TEMPLATES / letter).iterdir()
        }


@pytest.mark.parametrize(
    "missing", ["document", "publisher", "topics", "urgent", "slots", "chrome"]
)
def test_a_value_that_is_missing_stops_the_letter(missing: str) -> None:
    context = {**alert().mapping(), "slots": reader()}
    del context[missing]
    with pytest.raises(UndefinedError):
        RENDERER.render("alert", context)


def test_a_slot_that_does_not_exist_stops_the_letter(tmp_path: Path) -> None:
    _letter(tmp_path, html="<p>{{ slots.secret }}</p>")
    with pytest.raises(UndefinedError):
        Renderer(tmp_path).render_with_slots("note", {})


def test_a_subject_cannot_hold_a_slot(tmp_path: Path) -> None:
    _letter(tmp_path, subject="For {{ slots.name }}")
    with pytest.raises(ValueError, match="same for everyone"):
        Renderer(tmp_path).render_with_slots("note", {})


@pytest.mark.parametrize("document", [BRIEF, HEBREW, samples.long_quotation()])
def test_the_text_has_the_links_of_the_html(document: Document) -> None:
    letter = rendered(document)
    in_html = Page(letter.html).links()
    in_text = set(re.findall(r"(?:https?|mailto):\S+", letter.text))
    assert in_html == in_text


def test_leaving_is_in_the_footer_and_in_the_header() -> None:
    compiled = compile_letter(
        RENDERER.render_with_slots("alert", alert().mapping()), headers(facts())
    )
    message = parsed(stamp(compiled, reader()))
    leave = reader().unsubscribe_url
    assert leave in Page(body(message, "html")).links()
    assert leave in body(message, "plain")
    assert f"<{leave}>" in message["List-Unsubscribe"]


def test_the_page_says_what_it_is_to_a_screen_reader() -> None:
    page = Page(rendered().html)
    assert len(page.all("h1")) == 1
    assert all(table["role"] == "presentation" for table in page.all("table"))
    (article,) = [tag for tag in page.all("div") if tag.get("role") == "article"]
    assert (article["lang"], article["dir"]) == ("en", "ltr")


def test_a_hebrew_letter_is_right_to_left_as_a_whole() -> None:
    html = rendered(HEBREW, chrome="he").html
    page = Page(html)
    (root,) = page.all("html")
    (article,) = [tag for tag in page.all("div") if tag.get("role") == "article"]
    for tag in (root, article, *page.all("table")):
        assert tag["dir"] == "rtl"
    assert root["lang"] == article["lang"] == "he"
    assert "text-align:right" in html
    assert "text-align:left" not in html
    assert "border-right:3px" in html
    assert "ביטול הרישום" in html
    assert "<bdi>עדה לינדקוויסט</bdi>" in html


def test_nothing_inlined_beats_the_dark_rules() -> None:
    html = rendered(urgent=True).html
    assert "prefers-color-scheme: dark" in html
    for _, attributes in Page(html).tags:
        assert "!important" not in (attributes.get("style") or "")


def test_every_colour_of_the_light_letter_has_a_dark_rule() -> None:
    html = rendered(urgent=True).html
    page, (_, dark) = Page(html), html.split("prefers-color-scheme: dark", 1)
    coloured = {
        (tag, attributes.get("class"))
        for tag, attributes in page.tags
        if re.search(r"(?<!-)color:", attributes.get("style") or "")
    }
    for tag, classes in coloured:
        ruled = [f".{name}" for name in (classes or "").split()] + [tag]
        assert any(re.search(rf"{re.escape(name)}[ ,]", dark) for name in ruled), (tag, classes)


def test_an_urgent_letter_differs_by_a_word_and_a_bar() -> None:
    calm, urgent = rendered(), rendered(urgent=True)
    assert urgent.subject == calm.subject
    assert urgent.text == calm.text.replace("Flash Brief ·", "Urgent · Flash Brief ·", 1)
    assert "border-top:4px" in urgent.html
    assert "border-top:4px" not in calm.html


def test_the_text_letter_is_set_with_care() -> None:
    letter = rendered(samples.long_quotation())
    assert re.search(r" Passage\n={72}\n\nTopics: ", letter.text)
    assert "\n\nLATEST DEVELOPMENTS\n\n" in letter.text
    assert "\n  • The coast guard" in letter.text
    assert "\n\n\n" not in letter.text
    for line in letter.text.splitlines():
        assert width(line) <= 72 or "://" in line
        assert line == line.rstrip()


def test_what_a_brief_does_not_have_leaves_no_trace() -> None:
    bare = replace(BRIEF, blocks=(Section("", ("One.",)),), published_at=None)
    letter = rendered(bare, topics=(), page_url="", preheader="")
    assert "Topics" not in letter.text
    assert "LINKS" not in letter.text
    assert "\n\n\n" not in letter.text
    page = Page(letter.html)
    assert not page.all("h2")
    assert "preheader" not in {tag.get("class") for tag in page.all("div")}
    assert "Flash Brief\n" in letter.text


def test_a_quotation_without_a_name_has_no_attribution() -> None:
    letter = rendered(replace(BRIEF, blocks=(Quotation("Said", ("So it is.",)),)))
    assert "“So it is.”" in letter.text
    assert "—" not in letter.text
    assert "attribution" not in {tag.get("class") for tag in Page(letter.html).all("p")}


def test_what_is_plain_text_is_escaped_in_html() -> None:
    hostile = replace(BRIEF, headline="<script>alert(1)</script> & more", kind='"><b>')
    letter = rendered(hostile, preheader="</div><img src=x>")
    page = Page(letter.html)
    assert not page.all("script")
    assert not page.all("img")
    assert letter.subject == "<script>alert(1)</script> & more"


def test_a_subject_is_one_line() -> None:
    assert (
        rendered(replace(BRIEF, headline="One\r\nBcc: x\x07\u2028two")).subject == "One Bcc: x two"
    )


def test_an_empty_subject_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        rendered(replace(BRIEF, headline=" "))


def test_a_sample_letter_is_far_from_being_clipped() -> None:
    assert len(rendered(samples.long_quotation()).html.encode()) < LARGEST / 3


@pytest.mark.parametrize("paragraphs", [700, 20_000])
def test_a_letter_that_would_be_clipped_is_refused_with_its_size(paragraphs: int) -> None:
    long = replace(BRIEF, blocks=(Section("Long", ("Word by word. " * 3,) * paragraphs),))
    with pytest.raises(LetterTooLarge, match=r"\d+ KB"):
        rendered(long)


def test_rendering_follows_no_import(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/x.css"
        _letter(
            tmp_path,
            html=f"<html><head><style>@import url({url});</style>"
            f'<link rel="stylesheet" href="{url}"></head><body>x</body></html>',
        )
        Renderer(tmp_path).render("note", {})
        with pytest.raises(TimeoutError):
            server.accept()


def test_letters_rendered_at_once_do_not_mix() -> None:
    documents = [BRIEF, HEBREW, samples.long_quotation()] * 4
    alone = [rendered(document) for document in documents]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(rendered, documents)) == alone


def _letter(folder: Path, **parts: str) -> None:
    texts = {"subject": "A note", "text": "A note.", "html": "<p>A note.</p>", **parts}
    (folder / "note").mkdir()
    (folder / "note" / "subject.txt").write_text(texts["subject"])
    (folder / "note" / "body.txt").write_text(texts["text"])
    (folder / "note" / "body.html").write_text(texts["html"])
