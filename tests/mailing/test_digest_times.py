"""The moment at which an hour comes on a reader's clock, also when the clock is changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dispatcher.mailing import digest_times
from dispatcher.mailing.digest_times import Due

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("zone", "day", "hour", "at"),
    [
        ("Europe/Berlin", date(2026, 3, 28), 8, datetime(2026, 3, 28, 7, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 29), 2, datetime(2026, 3, 29, 1, tzinfo=UTC)),  # skipped
        ("Europe/Berlin", date(2026, 3, 29), 3, datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 29), 8, datetime(2026, 3, 29, 6, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 10, 25), 2, datetime(2026, 10, 25, 0, tzinfo=UTC)),  # twice
        ("Asia/Kathmandu", date(2026, 3, 2), 8, datetime(2026, 3, 2, 2, 15, tzinfo=UTC)),
        ("Australia/Lord_Howe", date(2026, 10, 4), 2, datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        (
            "Pacific/Apia",
            date(2011, 12, 30),
            8,
            datetime(2011, 12, 30, 10, tzinfo=UTC),
        ),  # no such day
    ],
)
def test_an_hour_comes_when_the_clock_first_shows_it_or_a_later_one(
    zone: str, day: date, hour: int, at: datetime
) -> None:
    assert digest_times.moment(ZoneInfo(zone), day, hour) == at


@pytest.mark.parametrize(
    "begin", [datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)]
)
@pytest.mark.parametrize("hour", [1, 2, 3, 8])
def test_looking_every_quarter_of_an_hour_each_day_has_the_hour_once(
    begin: datetime, hour: int
) -> None:
    at, found = begin, []
    while at < begin + 5 * DAY:
        found += [
            each.day
            for each in digest_times.due(["Europe/Berlin"], since=at, until=at + digest_times.STEP)
            if each.hour == hour
        ]
        at += digest_times.STEP
    assert len(found) == len(set(found)) == 5


def test_of_days_without_a_look_the_last_one_counts() -> None:
    until = datetime(2026, 3, 31, 6, tzinfo=UTC)
    found = digest_times.due(["Europe/Berlin"], since=until - 30 * DAY, until=until)
    assert Due("Europe/Berlin", 1, 8, date(2026, 3, 31)) in found
    assert len(found) == 7 * 24


def test_a_zone_that_nobody_knows_is_taken_for_utc() -> None:
    until = datetime(2026, 3, 2, 8, tzinfo=UTC)
    found = digest_times.due(["Mars/Olympus"], since=until - digest_times.STEP, until=until)
    assert found == [Due("Mars/Olympus", 0, 8, date(2026, 3, 2))]
