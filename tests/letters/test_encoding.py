from __future__ import annotations

import quopri
from email.header import decode_header, make_header

from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.letters.encoding import mailbox, quoted_printable, unstructured

_WRITTEN = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"))
lines_of_text = st.text(st.one_of(_WRITTEN, st.sampled_from("\n\n. =From ")), max_size=400)
one_line = st.text(_WRITTEN, max_size=300).map(lambda text: " ".join(text.split()))


@given(lines_of_text)
@example("." * 200)
@example("From " * 40)
@example("=" * 100)
@example("ends in a space \n.\n..\nFrom x\n")
def test_quoted_printable_decodes_to_its_text(text: str) -> None:
    encoded = quoted_printable(text)
    assert quopri.decodestring(encoded).decode() == text.replace("\n", "\r\n")
    assert encoded.isascii()
    for line in encoded.split(b"\r\n"):
        assert len(line.removesuffix(b"=")) <= 75
        assert not line.startswith((b".", b"From "))
        assert not line.endswith(b" ")
        assert b"\r" not in line
        assert b"\n" not in line


@given(one_line.filter(bool))
@example("=?utf-8?q?not=20encoded?=")
@example("word " * 60 + "word")
@example("x" * 200)
@example("ü" * 200)
def test_a_subject_is_folded_and_read_back(subject: str) -> None:
    written = unstructured("Subject", subject)
    assert written.isascii()
    for line in f"Subject: {written}".split("\r\n"):
        assert len(line) <= 76
        assert line.strip()
    assert str(make_header(decode_header(written.replace("\r\n", "")))) == subject


@given(one_line)
def test_a_mailbox_never_leaves_its_header(name: str) -> None:
    written = mailbox("To", name, "ada@example.org")
    for line in written.split("\r\n")[1:]:
        assert line.startswith(" ")
    assert written.isascii()
    assert written.removesuffix(">").endswith("ada@example.org")


def test_a_plain_name_stands_as_it_is() -> None:
    assert mailbox("To", "Ada Lovelace", "ada@example.org") == "Ada Lovelace <ada@example.org>"


def test_a_name_with_specials_is_quoted() -> None:
    assert mailbox("To", 'A "B", C', "a@example.org") == '"A \\"B\\", C" <a@example.org>'
