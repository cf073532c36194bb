"""Decides whether a client's stored copy is still good, from the two headers it sends back.

It does so for GET and HEAD; reading the headers and answering 304 are the view's. In doubt the
copy is not good: a full answer is never wrong.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

# No honest client sends more; longer is not read, so work stays bounded.
_LONGEST_TAG_LIST = 8_192
_LONGEST_DATE = 64

_ENTITY_TAG = re.compile(r'[ \t]*(?:(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")[ \t]*)?(?:,|\Z)')

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = r"(?P<month>[A-Z][a-z]{2})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DATES = (
    re.compile(rf"[A-Z][a-z]{{2}}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"[A-Z][a-z]+, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[ 0-9][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)


def is_fresh(
    etag: str,
    last_modified: datetime | None,
    if_none_match: str | None,
    if_modified_since: str | None,
) -> bool:
    """Whether the answer is 304: what the client holds is what it would get (RFC 9110 §13.2.2).

    `etag` is quoted, as served; `last_modified` is aware, in whole seconds, and None for what has no
    such date: then If-Modified-Since says nothing (§13.1.3). A header that was not sent is None.
    If-None-Match decides alone when it was sent, even when it is nonsense. No value of a header raises.
    """
    if if_none_match is not None:
        return _is_named(etag, if_none_match)
    if if_modified_since is not None and last_modified is not None:
        since = _http_date(if_modified_since, near=last_modified.year)
        return since is not None and last_modified <= since
    return False


def _is_named(etag: str, tags: str) -> bool:
    """`*`, or a member equal by weak comparison (RFC 9110 §8.8.3.2, §13.1.2)."""
    if tags == etag:  # what nearly every client sends
        return True
    if len(tags) > _LONGEST_TAG_LIST:
        return False
    if tags.strip(" \t") == "*":
        return True
    opaque = etag.removeprefix("W/")
    at = 0
    while at < len(tags):
        member = _ENTITY_TAG.match(tags, at)
        if member is None:
            return False
        if member[1] == opaque:
            return True
        at = member.end()
    return False


def _http_date(text: str, near: int) -> datetime | None:
    """One of the three forms of RFC 9110 §5.6.7, else None: such a header counts as not sent.

    Two digits of a year mean the latest year that lies at most fifty years after `near`.
    """
    if len(text) > _LONGEST_DATE:
        return None
    found = next((m for form in _DATES if (m := form.fullmatch(text.strip(" \t")))), None)
    if found is None or found["month"] not in _MONTHS:
        return None
    year = int(found["year"])
    if len(found["year"]) == 2:
        latest = near + 50
        year = latest - (latest - year) % 100
    try:
        return datetime(
            year,
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            min(int(found["second"]), 59),  # a leap second is grammatical, datetime knows none
            tzinfo=UTC,
        )
    except ValueError:
        return None
