"""The words of a letter that are ours and not the brief's: labels, dates, the reason line.

All of them stand here, so that a translation is one more `Words` and nothing else changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

Day = date  # `Words.date` hides it within the class


@dataclass(frozen=True, slots=True)
class Words:
    """The labels of one language; `{}` stands where a value goes."""

    language: str
    urgent: str
    topics: str
    links: str
    manage: str
    unsubscribe: str
    on_the_web: str
    help: str
    sent_to: str
    following: str
    and_: str
    months: tuple[str, ...]
    daily: tuple[str, str]
    weekly: tuple[str, str]
    of_digest: str

    def date(self, day: date) -> str:
        """A day as it is read aloud: 2 March 2023."""
        return f"{day.day} {self.months[day.month - 1]} {day.year}"

    def reason(self, topics: Sequence[str]) -> str:
        """Why a reader gets a letter, in one sentence that names the topics."""
        *most, last = topics
        named = f"{', '.join(most)} {self.and_} {last}" if most else last
        return self.following.format(named)

    def digest(self, cadence: str, briefs: int) -> str:
        """What a digest of so many briefs is headed by."""
        forms = self.daily if cadence == "daily" else self.weekly
        return forms[briefs != 1].format(briefs)

    def digest_subject(self, cadence: str, briefs: int, day: Day) -> str:
        """The same with the day it is of."""
        return self.of_digest.format(self.digest(cadence, briefs), self.date(day))


ENGLISH = Words(
    language="en",
    urgent="Urgent",
    topics="Topics",
    links="Links",
    manage="Manage your topics",
    unsubscribe="Unsubscribe",
    on_the_web="Read on the web",
    help="Help",
    sent_to="Sent to",
    following="You get this because you follow {}.",
    and_="and",
    months=(
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    daily=("Your daily digest: {} brief", "Your daily digest: {} briefs"),
    weekly=("Your weekly digest: {} brief", "Your weekly digest: {} briefs"),
    of_digest="{}, {}",
)

_KNOWN = {words.language: words for words in (ENGLISH,)}


def words(language: str) -> Words:
    """The words for a BCP 47 tag, English where there are none yet."""
    return _KNOWN.get(language.split("-", maxsplit=1)[0].lower(), ENGLISH)
