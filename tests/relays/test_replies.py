"""Replies read from octets that come in any pieces, and what they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.relays import replies
from dispatcher.relays.outcomes import Result
from dispatcher.relays.replies import LONGEST, NotSmtp, Reply

words = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30)


@given(st.integers(200, 599), st.lists(words, min_size=1, max_size=4), st.booleans())
def test_a_reply_is_read_once_it_is_whole_and_not_before(
    code: int, lines: list[str], is_crlf: bool
) -> None:
    end = "\r\n" if is_crlf else "\n"
    marks = ["-"] * (len(lines) - 1) + [" "]
    said = "".join(f"{code}{m}{w}{end}" for m, w in zip(marks, lines, strict=True)).encode()
    for cut in range(len(said)):
        assert replies.read(b"before" + said[:cut], 6) is None
    reply, at = replies.read(b"before" + said + b"250 ok\r\n", 6) or (None, 0)

    assert reply is not None
    assert (reply.code, reply.text, at) == (code, " ".join(lines), 6 + len(said))


@pytest.mark.parametrize("said", [b"250\r\n", b"250 \r\n", b"250\n"])
def test_a_reply_may_have_no_text(said: bytes) -> None:
    assert replies.read(said, 0) == (Reply(250, b""), len(said))


@pytest.mark.parametrize(
    "said",
    [
        b"\r\n",
        b"25 ok\r\n",
        b"2500 ok\r\n",
        b"150 ok\r\n",
        b"650 ok\r\n",
        b" 250 ok\r\n",
        b"+50 ok\r\n",
        b"250-ok\r\nand so on\r\n250 ok\r\n",
        "٢٥٠ ok\r\n".encode(),
        b"\x16\x03\x01\n",
    ],
)
def test_what_is_no_reply_is_said_to_be_none(said: bytes) -> None:
    with pytest.raises(NotSmtp, match="not SMTP"):
        replies.read(said, 0)


@pytest.mark.parametrize("said", [b"250 " + b"x" * LONGEST, b"250-and more\r\n" * (LONGEST // 8)])
def test_a_reply_that_does_not_end_is_given_up(said: bytes) -> None:
    with pytest.raises(NotSmtp, match="does not end"):
        replies.read(said, 0)


@pytest.mark.parametrize(
    ("reply", "result", "code"),
    [
        (Reply(250, b"2.0.0 kept"), Result.ACCEPTED, "2.0.0"),
        (Reply(451, b"4.7.1"), Result.DEFERRED, "4.7.1"),
        (Reply(550, b"5.1.1: no such user"), Result.FAILED, "5.1.1"),
        (Reply(550, b"no 5.1.1"), Result.FAILED, ""),
        (Reply(550, b"5.1.1.9 is an address"), Result.FAILED, ""),
        (Reply(550, b"5.1.1000"), Result.FAILED, ""),
        (Reply(334, b""), Result.DEFERRED, ""),
    ],
)
def test_the_enhanced_code_is_what_the_text_begins_with(
    reply: Reply, result: Result, code: str
) -> None:
    outcome = replies.outcome(7, "relay", reply, has_codes=True)
    bare = replies.outcome(7, "relay", reply, has_codes=False)

    assert (outcome.key, outcome.relay, outcome.result, outcome.code) == (7, "relay", result, code)
    assert (bare.result, bare.code, bare.text) == (result, "", outcome.text)
