"""What cannot be read is refused in one line; what can be read carries nothing harmful."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from dispatcher.briefs.document import Quotation, Section
from dispatcher.briefs.reading import MAX_BYTES, Form, read
from dispatcher.errors import UnreadableBrief


def refusal(raw: bytes | str, form: Form = Form.AUTO) -> str:
    with pytest.raises(UnreadableBrief) as caught:
        read(raw, topics=[], form=form)
    sentence = str(caught.value)
    assert sentence == " ".join(sentence.split())
    assert sentence.endswith(".")
    assert len(sentence) < 250
    return sentence


def refused_json(**fields: Any) -> str:
    return refusal(json.dumps({"headline": "H", **fields}))


@pytest.mark.parametrize(
    "raw", [b"", "", " \r\n\t", "\u200b\u00a0\ufeff", b"\xef\xbb\xbf", b"\x01\x02"]
)
def test_an_empty_brief_is_refused(raw: bytes | str) -> None:
    assert "is empty" in refusal(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"PK\x03\x04\x14\x00\x06\x00",
        "text with \x00 in it",
        bytes(range(128, 256)),
        b"\xff\xfeodd",
        "Headline".encode("utf-32"),
    ],
)
def test_a_binary_file_is_refused(raw: bytes | str) -> None:
    assert "binary" in refusal(raw)


def test_a_brief_over_two_megabytes_is_refused_unread() -> None:
    assert "20.0 MB" in refusal(b"x" * 20 * 1024 * 1024)
    assert "limit is 2 MB" in refusal("x" * (MAX_BYTES + 1))
    assert "limit is 2 MB" in refusal("€" * (MAX_BYTES // 2))


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        ("March 2, 2023 | Flash Brief", Form.AUTO),
        ("---\nkind: Alert\n---\nText that ends with a full stop.", Form.AUTO),
        ("## Section\n\nText.", Form.AUTO),
        ('{"kind": "Alert"}', Form.AUTO),
        ('{"headline": " \\u200b\\n"}', Form.AUTO),
        ("<p>Text that ends with a full stop.</p>", Form.AUTO),
        ("<!-- -->", Form.HTML),
    ],
)
def test_a_brief_without_a_headline_is_refused(raw: str, form: Form) -> None:
    assert "no headline" in refusal(raw, form)


def test_a_headline_of_over_300_characters_is_refused() -> None:
    assert read("x" * 300, topics=[]).headline == "x" * 300
    assert "301 characters" in refusal("x" * 301)


def test_broken_json_is_refused_with_its_place() -> None:
    assert "line 2, column 12" in refusal('{\n"headline" "H"}')
    assert "must be an object" in refusal("[1]", Form.JSON)
    assert "nested too deeply" in refusal('{"a":' + "[" * 4_900)


def test_broken_front_matter_is_refused_with_its_place() -> None:
    assert "line 3" in refusal("---\nkind: x\nheadline: a: b\n---\n")
    assert "no end" in refusal("---\nheadline: H\n\nText.")
    assert "must be lines" in refusal("---\n- a\n---\n")
    assert "64 KB" in refusal("---\nheadline: " + "x" * 70_000 + "\n---\n")


@pytest.mark.parametrize(
    "bomb", ["&a [*a]", "!!python/object/apply:os.getcwd []", '"\\UFFFFFFFF"', "[" * 900]
)
def test_yaml_builds_nothing_but_texts_and_lists(bomb: str) -> None:
    refusal(f"---\nheadline: {bomb}\n---\nText.")


@pytest.mark.parametrize(
    "date", ["2023-02-30", "March 32, 2023", "soon", "3/2/2023", "0001-01-01", "2023"]
)
def test_a_date_that_is_none_is_refused(date: str) -> None:
    assert f"“{date}”" in refused_json(date=date)
    assert f"“{date}”" in refusal(f"---\nheadline: H\npublished_at: '{date}'\n---\n")


@pytest.mark.parametrize(
    "date",
    [
        "2023-03-02T14:05:00Z",
        "2023-03-02 16:05:00.123 +02:00",
        "2023-03-02T14:05",
        "Thu, 02 Mar 2023 09:05:00 -0500",
        "March 2nd, 2023, 2:05 p.m. UTC",
        "2 March 2023 at 14:05 GMT",
    ],
)
def test_a_date_is_read_in_the_usual_spellings(date: str) -> None:
    document = read(json.dumps({"headline": "H", "date": date}), topics=[])
    assert document.published_at == datetime(2023, 3, 2, 14, 5, tzinfo=UTC)


def test_an_impossible_date_line_is_refused() -> None:
    assert "February 30, 2023" in refusal("February 30, 2023 | Flash Brief\n\nHeadline")


@pytest.mark.parametrize("language", ["english", "e", "en--us", "en us", "ειν", "x-y", "a" * 40])
def test_a_language_that_is_no_tag_is_refused(language: str) -> None:
    assert f"“{language}”" in refused_json(language=language)


@pytest.mark.parametrize(
    ("tag", "language"),
    [("EN", "en"), ("pt-br", "pt-BR"), ("zh-hant-tw", "zh-Hant-TW"), ("es-419", "es-419")],
)
def test_a_language_tag_is_written_in_its_usual_case(tag: str, language: str) -> None:
    assert read(json.dumps({"headline": "H", "language": tag}), topics=[]).language == language


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *((name, 5) for name in ("headline", "kind", "summary", "language", "url", "source_id")),
        *(("date", 20230302), ("topics", 5), ("topics", ["a", 5]), ("urgent", "perhaps")),
        *(("urgent", []), ("blocks", {}), ("blocks", ["x"]), ("body", ["x"])),
    ],
)
def test_a_field_of_the_wrong_type_is_refused_by_name(field: str, value: Any) -> None:
    assert f"“{field}”" in refused_json(**{field: value})


@pytest.mark.parametrize(
    ("block", "field"),
    [
        ({"type": "poem"}, "blocks[0].type"),
        ({"type": "section", "heading": 5, "paragraphs": []}, "blocks[0].heading"),
        ({"type": "section", "paragraphs": "x"}, "blocks[0].paragraphs"),
        ({"type": "quotation", "paragraphs": ["x"], "name": 5}, "blocks[0].name"),
        ({"type": "related", "entries": "x"}, "blocks[0].entries"),
        ({"type": "related", "entries": [{"source": "x"}]}, "blocks[0].entries[0].title"),
    ],
)
def test_a_broken_block_is_refused_by_its_place(block: dict[str, Any], field: str) -> None:
    assert f"“{field}”" in refused_json(blocks=[block])


def test_an_address_that_is_none_of_the_web_is_refused() -> None:
    assert "javascript:alert(1)" in refused_json(url="javascript:alert(1)")
    assert "briefs/1" in refused_json(url="briefs/1")


def test_fields_that_would_not_fit_are_refused() -> None:
    assert "“kind”" in refused_json(kind="x" * 81)
    assert "“source_id”" in refused_json(source_id="x" * 201)


def test_html_nested_beyond_reading_is_refused() -> None:
    assert "nested too deeply" in refusal("<h1>H</h1>" + "<div>" * 5000 + "text")


@pytest.mark.parametrize(
    "breaker", ["\n", "\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
)
def test_no_line_break_survives_in_headline_kind_name_or_topic(breaker: str) -> None:
    injected = f"One{breaker}Bcc: reader@example.org"
    document = read(
        json.dumps(
            {
                "headline": injected,
                "kind": injected,
                "topics": [injected],
                "source_id": injected,
                "summary": injected,
                "blocks": [
                    {
                        "type": "quotation",
                        "heading": injected,
                        "paragraphs": ["x"],
                        "name": injected,
                    }
                ],
            }
        ),
        topics=[],
    )
    [block] = document.blocks
    assert isinstance(block, Quotation)
    safe = "One Bcc: reader@example.org"
    assert {document.headline, document.kind, document.source_id, document.summary} == {safe}
    assert (block.heading, block.name, document.topics) == (safe, safe, (safe,))


@pytest.mark.parametrize(
    "form", ["A\x07 B\ufffe\n\nC\x1b\ufeff\x9d D.", "<h1>A&#7; B</h1><p>C&#x1b; D."]
)
def test_control_characters_are_taken_out(form: str) -> None:
    document = read(form, topics=[])
    assert document.headline == "A B"
    assert document.blocks == (Section("", ("C D.",)),)


def test_lone_surrogates_are_taken_out() -> None:
    document = read('{"headline": "A\\ud800B", "body": "C\\udfffD."}', topics=[])
    assert (document.headline, document.blocks) == ("AB", (Section("", ("CD.",)),))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_usual_encodings(encoding: str) -> None:
    text = "Café “Ünal”\n\nA body – with dashes."
    assert read(text.encode(encoding), topics=[]) == read(text, topics=[])
