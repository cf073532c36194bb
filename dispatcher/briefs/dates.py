"""Dates as publishers spell them, and the line of date and kind that a brief begins with.

Numbers divided by slashes or dots are no date here, since nobody can tell 3/2 from 2/3. Names of
months are known in English, Hebrew and Arabic.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from dispatcher.briefs.cleaning import one_line, shown
from dispatcher.errors import UnreadableBrief

# ruff: noqa: SIM905  names of months read better as a line of words
_ENGLISH = (
    "january february march april may june july august september october november december".split()
)
_OTHERS = (
    "ינואר פברואר מרץ אפריל מאי יוני יולי אוגוסט ספטמבר אוקטובר נובמבר דצמבר".split(),
    "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر".split(),
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_MONTH = r"(?P<month>[^\W\d_]{3,10})\.?"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
_ZONE = r"(?:\s*(?P<zone>UTC|GMT|Z|[+-]\d{2}:?\d{2}))?"
_TIME = rf"(?:,?\s+(?:at\s+)?{_CLOCK}(?:\s*(?P<half>[ap])\.?m\.?)?{_ZONE})?"
_SPELLED = tuple(
    re.compile(rf"{_WEEKDAY}{day_and_month},?\s+(?P<year>\d{{4}}){_TIME}", re.IGNORECASE)
    for day_and_month in (rf"{_MONTH}\s+{_DAY}", rf"{_DAY}\s+(?:of\s+)?{_MONTH}")
)
_NUMERIC = re.compile(
    r"(?P<year>\d{4})(?P<divider>[-/])(?P<month>\d{1,2})(?P=divider)(?P<day>\d{1,2})"
    rf"(?:(?:T|\s+){_CLOCK}(?P<half>){_ZONE})?",
    re.IGNORECASE,
)
_DIVIDER = re.compile(r"\s*[|·•¦]\s*|\s+[-–—]\s+")
_YEARS = range(1900, 2200)
MAX_KIND = 40
MAX_DATELINE = 120


def date_in(text: str) -> datetime | None:
    """The moment that the whole text spells, in UTC to the second, or None if it is no date.

    A bare date means midnight UTC, and so does a time without a zone. Refuses a date that is
    spelled like one but is not in the calendar.
    """
    text = one_line(text)
    try:
        for spelling in _SPELLED:
            if (found := spelling.fullmatch(text)) and (month := _month(found["month"])):
                return _moment(month, found)
        if found := _NUMERIC.fullmatch(text):
            return _moment(int(found["month"]), found)
    except (ValueError, OverflowError) as error:
        raise UnreadableBrief(
            f"The date “{shown(text)}” is not in the calendar: write it like 2023-03-02."
        ) from error
    return None


def published(text: str) -> datetime:
    """The moment that an explicit date field names; refuses what is no date."""
    moment = date_in(text)
    if moment is None:
        raise UnreadableBrief(
            f"The date “{shown(text)}” cannot be read: write it like 2023-03-02"
            " or 2023-03-02T14:05:00Z."
        )
    return moment


def dateline(text: str) -> tuple[datetime, str] | None:
    """Date and kind of a line such as `March 2, 2023 | Flash Brief`, in either order."""
    parts = [part for part in _DIVIDER.split(one_line(text)) if part]
    if not 1 <= len(parts) <= 3:
        return None
    for part in parts:
        if moment := date_in(part):
            kind = " | ".join(other for other in parts if other != part)
            return (moment, kind) if len(kind) <= MAX_KIND else None
    return None


def is_dateline(text: str, *, alone: bool = False) -> bool:
    """Whether it is spelled like a line of date (and kind, unless `alone`), in the calendar or not."""
    if len(text) >= MAX_DATELINE or (alone and _DIVIDER.search(text)):
        return False
    try:
        return dateline(text) is not None
    except UnreadableBrief:
        return True


def _month(word: str) -> int | None:
    word = word.lower()
    for number, name in enumerate(_ENGLISH, start=1):
        if name.startswith(word):
            return number
    for names in _OTHERS:
        for candidate in (word, word.removeprefix("ב")):
            if candidate in names:
                return names.index(candidate) + 1
    return None


def _moment(month: int, found: re.Match[str]) -> datetime:
    hour = int(found["hour"] or 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    moment = datetime(
        int(found["year"]),
        month,
        int(found["day"]),
        hour,
        int(found["minute"] or 0),
        int(found["second"] or 0),
        tzinfo=UTC,
    )
    zone = found["zone"]
    if zone and zone[0] in "+-":
        moment -= datetime.strptime(zone, "%z").utcoffset() or timedelta()
    if moment.year not in _YEARS:
        raise ValueError(moment.year)
    return moment
