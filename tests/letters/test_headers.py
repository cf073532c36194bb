from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.letters.headers import PerReader, headers
from dispatcher.letters.slots import UnsafeValue
from tests.letters.samples import facts

_ANYTHING = st.text(max_size=120)


def test_the_headers_of_bulk_mail_are_all_there_and_in_order() -> None:
    built = headers(facts())
    assert list(built) == [
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Reply-To",
        "Content-Language",
        "List-Id",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
        "List-Help",
        "List-Archive",
        "Feedback-ID",
        "Auto-Submitted",
        "Precedence",
        "X-Auto-Response-Suppress",
    ]
    assert built["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert built["List-Id"] == "<alerts.briefs.example.org>"
    assert built["Feedback-ID"] == "d17:alert:routine:harbour"


def test_what_is_not_given_is_left_out() -> None:
    built = headers(facts(reply_to="", list_archive="", feedback_id=(), language=""))
    assert not {"Reply-To", "List-Archive", "Feedback-ID", "Content-Language"} & set(built)


@given(subject=_ANYTHING, from_name=_ANYTHING)
def test_no_text_can_inject_a_header(subject: str, from_name: str) -> None:
    try:
        built = headers(facts(subject=subject, from_name=from_name))
    except UnsafeValue:
        return
    for value in built.values():
        text = value.template if isinstance(value, PerReader) else value
        assert text.isascii()
        for line in text.split("\r\n")[1:]:
            assert line.startswith(" ")
        assert not set("\r\n\0") & set(text.replace("\r\n ", ""))


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("subject", "One\r\nBcc: x@example.org"),
        ("subject", ""),
        ("from_name", "One\nTwo"),
        ("from_address", "no address"),
        ("from_address", "jörg@example.org"),
        ("reply_to", "a@b, c@d"),
        ("list_id", "no host"),
        ("list_id", "a.b>\r\nX: y"),
        ("list_help", "mailto:help@example.org"),
        ("list_archive", "https://example.org/ü"),
        ("feedback_id", ("a", "b:c")),
        ("feedback_id", ("a", "b", "c", "d", "e")),
        ("language", "en\r\nX: y"),
    ],
)
def test_a_fact_that_no_header_may_hold_is_refused_by_name(fact: str, value: object) -> None:
    with pytest.raises(UnsafeValue, match=f"“{fact}”"):
        headers(facts(**{fact: value}))
