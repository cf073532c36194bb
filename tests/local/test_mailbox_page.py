"""The pages of the embedded mailbox: what they list, how they show a letter, whom they answer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.local.mailbox_index import PAGE_SIZE, Index
from dispatcher.local.mailbox_letter import framed, taken_apart
from dispatcher.local.mailbox_page import Pages
from dispatcher.local.maildir import Stored, decoded
from tests.local.mailboxes import Mailbox, running

LETTER = b"""\
From: Harbour Institute <briefs@example.org>
To: Ada <ada@example.org>
Subject: =?utf-8?q?Ferries_turn_back_=E2=80=93_again?=
List-Unsubscribe: <https://briefs.example.org/u/8Yq2>,
 <mailto:leave+8Yq2@example.org>
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=edge

--edge
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Two ferries =E2=80=9Cturned back=E2=80=9D.
--edge
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: 8bit

<!doctype html><html><head><title>x</title></head><body><p>Caf\xe9 <a href="https://example.org/">more</a>
<script>alert(1)</script></p></body></html>
--edge--
""".replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with running(tmp_path_factory.mktemp("mailbox")) as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def letter(mailbox: Mailbox) -> Stored:
    return mailbox.send(LETTER, "ada@example.org")


def test_the_list_shows_a_letter_and_leads_to_it(mailbox: Mailbox, letter: Stored) -> None:
    page = mailbox.get("/").text
    assert "Ferries turn back – again" in page
    assert "ada@example.org" in page
    assert f'href="/letters/{letter.name}"' in page


def test_a_letter_shows_its_headers_and_its_html_in_a_frame(
    mailbox: Mailbox, letter: Stored
) -> None:
    page = mailbox.get(f"/letters/{letter.name}").text
    assert "List-Unsubscribe" in page
    assert (
        "&lt;https://briefs.example.org/u/8Yq2&gt;, &lt;mailto:leave+8Yq2@example.org&gt;" in page
    )
    assert f'src="/letters/{letter.name}/frame" sandbox="allow-popups' in page
    assert "Café" not in page


def test_the_frame_is_sandboxed_and_its_links_open_outside(
    mailbox: Mailbox, letter: Stored
) -> None:
    frame = mailbox.get(f"/letters/{letter.name}/frame")
    policy = frame.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-popups")
    assert "allow-scripts" not in policy
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert '<head><base target="_blank">' in frame.text
    assert "Café" in frame.text


def test_the_text_and_the_source_have_views_of_their_own(mailbox: Mailbox, letter: Stored) -> None:
    assert "Two ferries “turned back”." in mailbox.get(f"/letters/{letter.name}/text").text
    assert "Two ferries =E2=80=9Cturned" in mailbox.get(f"/letters/{letter.name}/source").text


def test_the_download_is_the_letter_as_it_came(mailbox: Mailbox, letter: Stored) -> None:
    raw = mailbox.get(f"/letters/{letter.name}/raw")
    assert raw.body == LETTER
    assert raw.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert raw.headers["Content-Disposition"].startswith("attachment")


def test_markup_in_a_letter_is_text_on_our_pages(mailbox: Mailbox) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
    data = f"Subject: {evil}\r\nX-{evil.split('>', maxsplit=1)[0]}: {evil}\r\n\r\n</pre>{evil}\r\n".encode()
    name = mailbox.send(data, "evil@example.org").name
    for path in ("/", f"/letters/{name}", f"/letters/{name}/source", "/?q=%3Cscript%3E"):
        page = mailbox.get(path)
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "&lt;script&gt;" in page.text
        assert page.headers["Content-Security-Policy"].startswith(
            "default-src 'none'; style-src 'self'"
        )


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "192.0.2.1"]
)
def test_a_page_that_comes_under_a_foreign_name_gets_nothing(
    mailbox: Mailbox, letter: Stored, host: str
) -> None:
    for path in ("/", "/count", f"/letters/{letter.name}/raw"):
        answer = mailbox.get(path, host=host)
        assert answer.status == 421
        assert answer.text == "This mailbox answers to localhost and 127.0.0.1 only.\n"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8025", "127.0.0.1", "[::1]:8025"])
def test_every_name_of_loopback_is_answered(mailbox: Mailbox, host: str) -> None:
    assert mailbox.get("/count", host=host).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/letters/none",
        "/letters/..%2f..%2fetc%2fpasswd",
        "/letters/../../etc/passwd",
        "/letters//raw",
    ],
)
def test_what_is_not_there_is_not_found(mailbox: Mailbox, path: str) -> None:
    assert mailbox.get(path).status == 404


def test_a_letter_that_was_taken_from_the_folder_is_named_gone(mailbox: Mailbox) -> None:
    gone = mailbox.send(b"Subject: x\r\n\r\nx\r\n", "gone@example.org")
    gone.path.unlink()
    answer = mailbox.get(f"/letters/{gone.name}")
    assert answer.status == 404
    assert "no longer in the folder" in answer.text


def test_an_empty_mailbox_says_what_will_stand_there(tmp_path: Path) -> None:
    with running(tmp_path) as mailbox:
        page = mailbox.get("/")
        assert "No letters yet" in page.text
        assert f"smtp://127.0.0.1:{mailbox.smtp_port}" in page.text
        assert page.headers["Refresh"] == "3"
        assert mailbox.count() == 0


def test_no_page_fetches_from_elsewhere_and_none_is_kept(mailbox: Mailbox, letter: Stored) -> None:
    for path in ("/", f"/letters/{letter.name}", "/arrivals?since=0", "/style.css"):
        answer = mailbox.get(path)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "//" not in answer.text.replace("https://briefs.example.org/u/8Yq2", "")


def test_head_has_no_body_and_nothing_can_be_posted(mailbox: Mailbox) -> None:
    assert mailbox.get("/", method="HEAD").body == b""
    assert mailbox.get("/", method="POST").status == 501


def test_letters_that_came_since_are_counted() -> None:
    pages = Pages(_index(7), "smtp://127.0.0.1:1025")
    assert "2 new" in pages.answer("/arrivals?since=5").body.decode()
    assert "new" not in pages.answer("/arrivals?since=7").body.decode()


def test_the_list_goes_from_the_newest_to_the_oldest_by_pages() -> None:
    index = _index(2 * PAGE_SIZE + 1)
    assert [letter.to for letter in index.page(1).letters][:2] == [
        "reader-100@example.org",
        "reader-99@example.org",
    ]
    assert [letter.to for letter in index.page(3).letters] == ["reader-0@example.org"]
    assert index.page(99).number == 3
    assert index.page(-1).number == 1
    page = Pages(index, "smtp://127.0.0.1:1025").answer("/?page=2").body.decode()
    assert "51–100 of 101" in page
    assert 'rel="prev" href="/"' in page or 'rel="prev" href="/?page=1"' in page
    assert 'rel="next" href="/?page=3"' in page


def test_letters_are_found_by_recipient_or_subject_in_any_case() -> None:
    index = _index(100)
    assert [letter.to for letter in index.page(1, words="READER-42@").letters] == [
        "reader-42@example.org"
    ]
    assert index.page(1, words="brief 7").found == 11
    assert index.page(1, words="nobody").letters == []
    pages = Pages(index, "smtp://127.0.0.1:1025")
    assert "None of them has “nobody”" in pages.answer("/?q=nobody").body.decode()


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        (
            "<!DOCTYPE html><html><HEAD lang=en><p>",
            '<!DOCTYPE html><html><HEAD lang=en><base target="_blank"><p>',
        ),
        (
            "<!doctype html><html lang=en><header>",
            '<!doctype html><html lang=en><base target="_blank"><header>',
        ),
        ("<!doctype html><p>", '<!doctype html><base target="_blank"><p>'),
        ("<p>", '<base target="_blank"><p>'),
    ],
)
def test_the_frame_keeps_the_doctype_first(html: str, shown: str) -> None:
    assert framed(html) == shown


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?b?15nXoteb?= and =?iso-8859-1?q?caf=E9?=", "יעכ and café"),
        (b"folded\r\n on two lines ", "folded on two lines"),
        ("raw Grüße".encode(), "raw Grüße"),
        (b"=?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        (b"=?utf-8?b?x?=", "=?utf-8?b?x?="),
    ],
)
def test_a_header_is_read_as_people_read_it(raw: bytes, read: str) -> None:
    assert decoded(raw) == read


_PIECES = (
    b"Content-Type: text/html; charset=",
    b"rot13",
    b"idna",
    b"\r\n",
    b"\r\n\r\n",
    b"Subject: ",
    b"\xff\x00",
)
_MORE = (
    b"=?utf-8?b?",
    b"?=",
    b"Content-Transfer-Encoding: ",
    b"base64",
    b"x-uuencode",
    b"multipart/mixed; boundary=b",
)


@given(
    st.lists(
        st.sampled_from((*_PIECES, *_MORE, b"--b\r\n", b'"')) | st.binary(max_size=8), max_size=25
    )
)
def test_whatever_comes_in_can_be_shown(pieces: list[bytes]) -> None:
    letter = taken_apart(b"".join(pieces))
    framed(letter.html or "")


def test_parts_within_parts_beyond_reason_still_show_their_headers() -> None:
    nested = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(3000)
    )
    letter = taken_apart(b"Subject: Deep\r\n" + b"".join(nested))
    assert letter.headers[0] == ("Subject", "Deep")


def _index(number: int) -> Index:
    return Index(
        Stored(
            path=Path(f"/nowhere/{n}"),
            to=f"reader-{n}@example.org",
            return_path="",
            message_id="",
            feedback_id="",
            subject=f"Brief {n}",
            received_at=1_700_000_000.0 + n,
            size=1,
        )
        for n in range(number)
    )
