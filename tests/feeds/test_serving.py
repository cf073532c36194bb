"""Every header of every answer to a document, by nothing but the method and three headers of the client."""

from __future__ import annotations

import gzip
import random
from dataclasses import replace
from datetime import UTC, datetime

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.feeds import coding
from dispatcher.feeds.served import Served
from dispatcher.feeds.serving import Answer, Prepared

BODY = b"<feed>" + b"the ferries run again between the islands " * 100 + b"</feed>"
SERVED = Served(
    "application/atom+xml; charset=utf-8",
    BODY,
    coding.gzipped(BODY),
    coding.in_br(BODY),
    etag='"abc"',
    last_modified=datetime(2023, 3, 2, 10, tzinfo=UTC),
)
TAGS = {"identity": '"abc"', "gzip": '"abc-gzip"', "br": '"abc-br"'}
BYTES = {"identity": SERVED.body, "gzip": SERVED.gzip, "br": SERVED.br}
every_coding = pytest.mark.parametrize("coding", list(TAGS))


def ask(
    served: Served = SERVED,
    method: str = "GET",
    *,
    match: str | None = None,
    since: str | None = None,
    accept: str | None = None,
    more: tuple[tuple[str, str], ...] = (),
) -> Answer:
    return Prepared(served, more).answer(
        method, if_none_match=match, if_modified_since=since, accept_encoding=accept
    )


@every_coding
def test_a_whole_answer_has_just_these_headers(coding: str) -> None:
    answer = ask(accept=coding)
    assert (answer.status, answer.body) == (200, BYTES[coding])
    expected = {
        "Content-Type": "application/atom+xml; charset=utf-8",
        "Content-Length": str(len(BYTES[coding])),
        "Last-Modified": "Thu, 02 Mar 2023 10:00:00 GMT",
        "ETag": TAGS[coding],
        "Cache-Control": "public, max-age=300",
        "Vary": "Accept-Encoding",
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }
    if coding != "identity":
        expected["Content-Encoding"] = coding
    assert dict(answer.headers) == expected
    assert len(answer.headers) == len(expected), "each once"


def test_every_coding_is_the_same_document() -> None:
    assert gzip.decompress(SERVED.gzip) == brotli.decompress(SERVED.br) == BODY


@every_coding
def test_a_head_is_a_get_without_its_body(coding: str) -> None:
    got, head = ask(accept=coding), ask(method="HEAD", accept=coding)
    assert head == Answer(got.status, got.headers, b"")


@every_coding
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_304_repeats_what_caches_go_by_and_describes_no_body(coding: str, method: str) -> None:
    answer = ask(method=method, accept=coding, match=f'"x", W/{TAGS[coding]}')
    assert (answer.status, answer.body) == (304, b"")
    headers = dict(answer.headers)
    for name in ("ETag", "Cache-Control", "Vary"):
        assert headers[name] == dict(ask(accept=coding).headers)[name]
    assert not {"Content-Type", "Content-Length", "Content-Encoding"} & set(headers)


def test_a_tag_wins_over_a_date_and_a_date_counts_without_one() -> None:
    date = "Thu, 02 Mar 2023 10:00:00 GMT"
    assert ask(since=date).status == 304
    assert ask(since=date, match='"other"').status == 200
    assert ask(since="Thu, 02 Mar 2023 09:59:59 GMT").status == 200
    assert ask(match="*").status == 304


def test_what_is_kept_nowhere_has_no_date_and_is_confirmed_by_its_tag_alone() -> None:
    passing = replace(SERVED, last_modified=None)
    assert "Last-Modified" not in dict(ask(passing).headers)
    assert ask(passing, since="Sat, 31 Dec 2050 23:59:59 GMT").status == 200
    assert ask(passing, match=SERVED.etag).status == 304


@every_coding
def test_a_copy_in_one_coding_does_not_confirm_another(coding: str) -> None:
    for other, tag in TAGS.items():
        assert ask(accept=coding, match=tag).status == (304 if other == coding else 200)


def test_a_private_document_is_for_one_cache_and_for_no_search_engine() -> None:
    headers = dict(ask(replace(SERVED, is_private=True, max_age=60)).headers)
    assert headers["Cache-Control"] == "private, max-age=60"
    assert headers["X-Robots-Tag"] == "noindex"


def test_links_stand_in_whole_and_unchanged_answers() -> None:
    links = '<https://hub.example.org/>; rel="hub", <https://news.example.org/a>; rel="self"'
    linked = replace(SERVED, links=links)
    for answer in (ask(linked), ask(linked, match="*")):
        assert dict(answer.headers)["Link"] == links


def test_a_whole_answer_leads_browsers_to_the_page_and_a_304_says_nothing_of_it() -> None:
    page = "https://news.example.org/feeds/any/a,b/not/c"
    led = replace(SERVED, page_url=page)
    for answer in (ask(led), ask(led, method="HEAD"), ask(led, accept="br")):
        assert dict(answer.headers)["Refresh"] == f"0; url={page}"
    assert "Refresh" not in dict(ask(led, match="*").headers)


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("https://a.example.org/גליל", "https://a.example.org/%D7%92%D7%9C%D7%99%D7%9C"),
        ("https://a.example.org/%D7%92?b=c&d=e#f", "https://a.example.org/%D7%92?b=c&d=e#f"),
        (
            "https://a.example.org/\r\nSet-Cookie: a=b",
            "https://a.example.org/%0D%0ASet-Cookie:%20a=b",
        ),
        ("https://a.example.org/'\"<>\\\0", "https://a.example.org/%27%22%3C%3E%5C%00"),
        ("https://[::1]:8000/feeds/", "https://[::1]:8000/feeds/"),
    ],
)
def test_no_address_ends_the_header_that_it_stands_in(page: str, told: str) -> None:
    value = dict(ask(replace(SERVED, page_url=page)).headers)["Refresh"]
    assert value == f"0; url={told}"
    assert value.isascii()
    assert value.isprintable()


@given(st.text())
def test_no_address_at_all_does(page: str) -> None:
    value = dict(ask(replace(SERVED, page_url=page)).headers).get("Refresh", "")
    assert value.isascii()
    assert value == "" or value.isprintable()


def test_what_others_add_goes_with_every_answer_and_replaces_nothing() -> None:
    more = (
        ("Referrer-Policy", "same-origin"),
        ("cache-control", "no-store"),
        ("refresh", "0; url=https://elsewhere.example.net/"),
    )
    led = replace(SERVED, page_url="https://news.example.org/")
    for answer in (ask(led, more=more), ask(led, more=more, match="*")):
        headers = dict(answer.headers)
        assert "refresh" not in headers
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "public, max-age=300"
        assert "cache-control" not in headers


def test_codings_are_the_same_bytes_each_time_and_none_where_nothing_is_gained() -> None:
    noise = random.Random(1).randbytes(4_000)
    for code in (coding.gzipped, coding.in_br):
        assert code(BODY) == code(BODY)
        assert coding.gains(code(BODY), BODY)
        assert not coding.gains(code(noise), noise)
        assert not coding.gains(code(b"short"), b"short")
    assert coding.plain(coding.gzipped(noise)) == noise
    assert ask(replace(SERVED, gzip=b"", br=b""), accept="gzip, br").body == BODY


@given(st.none() | st.text(), st.none() | st.text(), st.none() | st.text())
def test_no_header_raises(match: str | None, since: str | None, accept: str | None) -> None:
    assert ask(match=match, since=since, accept=accept).status in {200, 304}
