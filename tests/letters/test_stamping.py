from __future__ import annotations

import re
from email.errors import MessageDefect
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dispatcher.briefs.document import Document
from dispatcher.letters.compiled import Compiled, UnreadableCompiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import PerReader, headers
from dispatcher.letters.rendering import Letter
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.stamping import Stamper, stamp
from tests.letters import samples
from tests.letters.full_render import body, full_render, parsed
from tests.letters.readers import addresses, names, readers
from tests.letters.samples import compiled


def lines_of(raw: bytes, header: str) -> list[str]:
    """The lines of one header as they stand on the wire."""
    found = re.search(rb"^%b: [^\r]*(?:\r\n [^\r]*)*" % header.encode(), raw, re.MULTILINE)
    assert found
    return found[0].decode().split("\r\n")


def mailbox(raw: bytes, header: str) -> tuple[str, str]:
    """An address header by RFC 2047 §6.2; the parser of Python 3.11 keeps spaces between words."""
    name, address = parseaddr("".join(lines_of(raw, header)).removeprefix(f"{header}: "))
    return str(make_header(decode_header(name))), address


def other_headers(message: EmailMessage) -> dict[str, str]:
    ours = {name: str(value) for name, value in message.items() if name not in {"From", "To"}}
    assert ours.pop("Content-Type").startswith("multipart/alternative")
    return ours


def defects(message: EmailMessage) -> list[MessageDefect]:
    found = list(message.defects)
    for part in message.walk():
        found += part.defects
    return found


@given(st.sampled_from([samples.BRIEF, samples.HEBREW]), readers)
@settings(max_examples=150, deadline=None)
def test_what_a_reader_gets_parses_to_what_a_full_render_gives(
    document: Document, values: SlotValues
) -> None:
    raw = stamp(compiled(document), values)
    facts = samples.facts(subject=document.headline)
    full = full_render(samples.alert(document), facts, values)
    ours, theirs = parsed(raw), parsed(full)
    assert other_headers(ours) == other_headers(theirs)
    assert body(ours, "plain") == body(theirs, "plain")
    assert body(ours, "html") == body(theirs, "html")
    assert mailbox(raw, "To") == (values.name, values.address)
    assert mailbox(raw, "From") == mailbox(full, "From")
    assert not defects(ours)


@given(readers)
@settings(max_examples=150, deadline=None)
def test_a_stamped_letter_is_fit_for_the_wire(values: SlotValues) -> None:
    raw = stamp(compiled(), values)
    assert raw.endswith(b"\r\n")
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", raw)
    assert not re.search(rb"^\.", raw, re.MULTILINE), "nothing to dot-stuff"
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    head, text = Stamper(compiled()).parts(values)
    assert head + text == raw
    assert head.endswith(b"\r\n\r\n")
    assert head.index(b"\r\n\r\n") == len(head) - 4, (
        "an empty line ends the headers, and only there"
    )
    assert max(map(len, text.split(b"\r\n"))) <= 76
    assert text.isascii()
    assert raw.isascii() == values.address.isascii()
    for field in re.findall(
        rb"^(?:List-|Message-ID|Feedback-ID)[^\r]*(?:\r\n [^\r]*)*", head, re.MULTILINE
    ):
        assert b"=?" not in field.replace(values.unsubscribe_url.encode(), b"").replace(
            values.unsubscribe_mailto.encode(), b""
        )
        assert field.isascii()


@given(names, addresses)
@example("Ängström Überlang " * 20, "ada@example.org")
def test_a_name_is_folded_within_76_columns(name: str, address: str) -> None:
    raw = stamp(compiled(), samples.reader(name=name, address=address))
    for line in lines_of(raw, "To"):
        assert len(line) <= max(76, len(address) + len("To: "))


def test_the_same_values_give_the_same_bytes() -> None:
    letter = samples.RENDERER.render_with_slots("alert", samples.alert().mapping())
    again = compile_letter(letter, headers(samples.facts()))
    assert again == compiled()
    assert stamp(again, samples.reader()) == stamp(compiled(), samples.reader())


def test_a_compiled_letter_survives_the_database() -> None:
    stored = compiled().to_bytes()
    assert Compiled.from_bytes(stored) == compiled()
    assert Compiled.from_bytes(memoryview(stored)) == compiled()


@pytest.mark.parametrize("stored", [b"", b"DLC\x02" + bytes(40), b"DLC\x01\0\0\0\x04null"])
def test_bytes_that_are_no_compiled_letter_are_refused(stored: bytes) -> None:
    with pytest.raises(UnreadableCompiled):
        Compiled.from_bytes(stored)


def test_a_compiled_letter_that_was_cut_short_is_refused() -> None:
    stored = compiled().to_bytes()
    for end in (5, 40, len(stored) - 1):
        with pytest.raises(UnreadableCompiled):
            Compiled.from_bytes(stored[:end])


def test_a_long_reason_is_wrapped_where_it_is_plain_text() -> None:
    reason = "You get this because you follow " + ", ".join(["Maritime Security"] * 9) + "."
    text = body(parsed(stamp(compiled(), samples.reader(reason=reason))), "plain")
    assert reason in text.replace("\n", " ")
    assert max(map(len, text.splitlines())) <= 76


def test_a_letter_rendered_for_one_reader_is_not_compiled() -> None:
    letter = samples.RENDERER.render(
        "alert", {**samples.alert().mapping(), "slots": samples.reader()}
    )
    with pytest.raises(ValueError, match="render it with slots"):
        compile_letter(letter, headers(samples.facts()))


@pytest.mark.parametrize(
    ("text", "html", "complaint"),
    [
        ("slotabcn2 and more\n", "", "alone on its line"),
        ("", "<p title='slotabcn1'>x</p>", "inside a tag"),
    ],
)
def test_a_slot_where_its_value_could_not_stand_is_refused(
    text: str, html: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        compile_letter(Letter("s", text, html, nonce="abc"), {})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Note", "one\r\nBcc: x@example.org"),
        ("X-Note", "one\r\n\r\nbody"),
        ("X-Note", "é"),
        ("X-Note", ""),
        ("X-Note", "a" * 1000),
        ("X-Note:\r\nBcc", "x"),
        ("Content-Type", "text/html"),
        ("X-Note", PerReader("{secret}")),
        ("X-Note", PerReader("{reason}")),
    ],
)
def test_a_header_that_may_not_stand_on_the_wire_is_refused(
    name: str, value: str | PerReader
) -> None:
    with pytest.raises(ValueError, match=r"header|slot"):
        compile_letter(Letter("s", "t\n", "<p>h</p>\n", nonce="abc"), {name: value})


def test_a_brief_cannot_forge_a_slot() -> None:
    first = samples.RENDERER.render_with_slots("alert", samples.alert().mapping())
    forged = samples.alert(preheader=f"slot{first.nonce}n3 slotn3")
    second = samples.RENDERER.render_with_slots("alert", forged.mapping())
    assert second.nonce != first.nonce
    raw = stamp(compile_letter(second, headers(samples.facts())), samples.reader())
    assert f"slot{first.nonce}n3 slotn3" in body(parsed(raw), "html")
