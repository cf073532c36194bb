"""How things stand between a reader and us, and what a reader may change about it alone.

For the reader's own pages, in plain words and by the reader's number. A reader who is gone gets
nothing and has nothing to change. How a rule ends and comes back is `consent`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import connection
from django.utils import timezone

from dispatcher.audience import consent, zones
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Match, Rule
from dispatcher.letters.words import Words, words
from dispatcher.translating import later

CADENCES: dict[str, str] = {
    Cadence.AT_ONCE: later("At once, a letter for each"),
    Cadence.DAILY: later("In a daily digest"),
    Cadence.WEEKLY: later("In a weekly digest"),
}

# What these topics are called by now, one that was merged as what it became. By hand, since every one-click
# asks it; UNION ends a circle.
SQL_NAMES = """
WITH RECURSIVE became AS (
    SELECT id, name, merged_into_id FROM dispatcher_topic WHERE id = ANY(%s::bigint[])
    UNION
    SELECT b.id, t.name, t.merged_into_id
    FROM became b JOIN dispatcher_topic t ON t.id = b.merged_into_id
)
SELECT id, name FROM became WHERE merged_into_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One rule as a reader would say it: `Briefs on Israel or Iran`, `In a daily digest`."""

    id: int
    words: str
    cadence: str


@dataclass(frozen=True, slots=True)
class Standing:
    """`live` is what the reader gets, `stopped` what was ended last and `undo` brings back.

    `mailbox` hints at the address to whoever knows it: a letter's link may be in other hands. While
    `paused_until` is set, none of it comes.
    """

    mailbox: str = ""
    time_zone: str = "UTC"
    is_suppressed: bool = False
    paused_until: date | None = None
    live: tuple[Line, ...] = ()
    stopped: tuple[Line, ...] = ()


def look(subscriber_id: int) -> Standing:
    """How things stand; changes nothing."""
    reader = _reader(subscriber_id)
    if reader is None:
        return Standing()
    is_suppressed = bool(consent.suppressed(reader.address))
    ours = words(reader.language)
    return Standing(
        mailbox=hinted(reader.address),
        time_zone=reader.timezone,
        is_suppressed=is_suppressed,
        paused_until=pause_ends(reader),
        live=lines(consent.live(reader), ours),
        stopped=() if is_suppressed else lines(consent.undoable(reader), ours),
    )


def undo(subscriber_id: int, *, source: str) -> int:
    """Bring back what was ended last, within a day; how many rules."""
    reader = _reader(subscriber_id)
    return consent.undo(reader, source=source) if reader else 0


def pause_ends(reader: Subscriber) -> date | None:
    """The day on which letters come again, where the reader lives; None for one who has not paused."""
    if reader.paused_until is None or reader.paused_until <= timezone.now():
        return None
    return reader.paused_until.astimezone(zones.known(reader.timezone)).date()


def hinted(address: str) -> str:
    """`a…@example.org`: enough for its owner, little for others."""
    return f"{address[0]}…@{address.rpartition('@')[2]}"


def lines(subscriptions: Iterable[Subscription], ours: Words) -> tuple[Line, ...]:
    """These rules in words of a language, in their order."""
    held = list(subscriptions)
    ids = {pk for one in held for pk in (*one.topics, *one.except_topics)}
    with connection.cursor() as cursor:
        cursor.execute(SQL_NAMES, [list(ids)])
        names: dict[int, str] = dict(cursor.fetchall())
    return tuple(_line(one.pk, Rule.of(one), names, ours) for one in held)


def _line(pk: int, rule: Rule, names: dict[int, str], ours: Words) -> Line:
    wanted = sorted({names[topic] for topic in rule.topics})
    unwanted = sorted({names[topic] for topic in rule.except_topics})
    return Line(pk, said(rule.match, wanted, unwanted, ours), ours.say(CADENCES[rule.cadence]))


def said(match: str, wanted: Iterable[str], unwanted: Iterable[str], ours: Words) -> str:
    """A rule by the names of its topics: `Briefs on Israel or Iran, but not Lebanon`."""
    topics = ours.listed(wanted, "or" if match == Match.ANY else "standard")
    without = ours.listed(unwanted, "or")
    if topics and without:
        return ours.gettext(
            "Briefs on %(topics)s, but not %(without)s", topics=topics, without=without
        )
    if topics:
        return ours.gettext("Briefs on %(topics)s", topics=topics)
    if without:
        return ours.gettext("Every brief, but not %(without)s", without=without)
    return ours.gettext("Every brief")


def _reader(subscriber_id: int) -> Subscriber | None:
    return Subscriber.objects.filter(pk=subscriber_id).first()
