"""When a client's copy is still good: If-None-Match decides, dates only without it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dispatcher.feeds.building import etag
from dispatcher.feeds.conditional import is_fresh

TAG = etag(b"a feed")
MODIFIED = datetime(2023, 3, 2, 10, 0, 0, tzinfo=UTC)
EXACTLY = "Thu, 02 Mar 2023 10:00:00 GMT"
BEFORE = "Thu, 02 Mar 2023 09:59:59 GMT"


def fresh(if_none_match: str | None = None, if_modified_since: str | None = None) -> bool:
    return is_fresh(TAG, MODIFIED, if_none_match, if_modified_since)


def test_a_first_visit_gets_the_whole_feed() -> None:
    assert not fresh()


@pytest.mark.parametrize(
    "tags",
    [
        TAG,
        f"W/{TAG}",
        f' "other" , {TAG}',
        f'"with,comma",W/{TAG}',
        f',,"",\t{TAG},',
        f'"caf\xe9", {TAG}',
        "*",
        " * ",
    ],
)
def test_a_copy_named_by_its_tag_is_good(tags: str) -> None:
    assert fresh(tags)


@pytest.mark.parametrize(
    "tags",
    [
        '"other"',
        TAG.strip('"'),
        f"w/{TAG}",
        f"W/ {TAG}",
        TAG[:-1],
        TAG + "x",
        f'"other" {TAG}',
        f"garbage, {TAG}",
        f'"*", {TAG[:-1]}',
        '"*"',
        "*, *",
        "",
        ",",
        "\x00",
        "\ud800",
    ],
)
def test_any_other_tag_gets_the_whole_feed(tags: str) -> None:
    assert not fresh(tags)


def test_a_weak_tag_of_ours_is_matched_by_either_kind() -> None:
    for sent in (TAG, f"W/{TAG}"):
        assert is_fresh(f"W/{TAG}", MODIFIED, sent, None)


def test_of_what_has_no_date_the_tag_alone_decides() -> None:
    assert not is_fresh(TAG, None, None, EXACTLY)
    assert is_fresh(TAG, None, TAG, None)


def test_a_tag_wins_over_a_date_even_when_it_is_nonsense() -> None:
    assert not fresh('"other"', EXACTLY)
    assert not fresh("nonsense", EXACTLY)
    assert fresh(TAG, BEFORE)


@pytest.mark.parametrize(
    "date",
    [
        EXACTLY,
        "Thu, 02 Mar 2023 10:00:01 GMT",
        "Thursday, 02-Mar-23 10:00:00 GMT",
        "Thu Mar  2 10:00:00 2023",
        "Thu Mar 02 10:00:00 2023",
        "Sat, 31 Dec 2050 23:59:60 GMT",
        f" {EXACTLY} ",
    ],
)
def test_a_copy_as_new_as_the_feed_is_good_in_every_spelling_of_a_date(date: str) -> None:
    assert fresh(None, date)


@pytest.mark.parametrize(
    "date",
    [
        BEFORE,
        "Friday, 31-Dec-99 23:59:59 GMT",
        "Wed Mar  1 10:00:00 2023",
        "2023-03-02T10:00:00Z",
        "Thu, 02 Mar 2023 10:00:00 +0000",
        "Thu, 02 Mar 2023 10:00:00",
        "Thu, 32 Mar 2023 10:00:00 GMT",
        "Thu, 02 Foo 2023 10:00:00 GMT",
        "Thu, 02 Mar 0000 10:00:00 GMT",
        "Thu, ٠٢ Mar 2023 10:00:00 GMT",
        "Thu, 02 Mar 2023 99:00:00 GMT",
        "9" * 5_000,
        "",
        "\ud800",
    ],
)
def test_an_older_copy_or_a_date_that_is_none_gets_the_whole_feed(date: str) -> None:
    assert not fresh(None, date)


@given(st.none() | st.text(), st.none() | st.text())
@example('"' * 100, None)
@example(None, "Thu, 02 Mar 9999 23:59:60 GMT")
def test_no_header_raises(if_none_match: str | None, if_modified_since: str | None) -> None:
    assert fresh(if_none_match, if_modified_since) in (True, False)


@pytest.mark.parametrize(
    "tags", [" " * 10**6 + TAG, '"a",' * 10**6 + TAG, '"' + "a" * 10**6, "," * 10**6, "W/" * 10**6]
)
def test_a_huge_list_of_tags_is_not_read(tags: str) -> None:
    started = time.perf_counter()
    assert not fresh(tags)
    assert time.perf_counter() - started < 0.5


def test_a_list_that_a_real_client_might_send_is_read_whole() -> None:
    assert fresh(", ".join(f'"{number:032x}"' for number in range(100)) + f", {TAG}")
