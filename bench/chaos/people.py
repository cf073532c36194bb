"""The readers of the trials. Who must get a brief is known from how they were made, not from a query.

Every brief of the trials is about HARBOURS and FERRIES, whose parent is TRANSPORT; one that is urgent, too,
comes at once to nobody who has a digest.
"""

from __future__ import annotations

import csv
import random
import time
from dataclasses import dataclass
from pathlib import Path

TOPICS = ("Transport", "  Harbours", "  Ferries", "Glaciers", "Orchards")
ABOUT = ("Harbours", "Ferries")
# Rules that let such a brief through: topics, match, exceptions, cadence. One in each row.
THROUGH = (
    ("harbours", "any", "", "at once"),
    ("ferries,glaciers", "any", "", "at once"),
    ("harbours,ferries", "all", "orchards", "at once"),
    ("transport", "any", "", "at once"),
    ("*", "", "", "at once"),
)
NOT_THROUGH = (
    ("glaciers", "any", "", "at once"),
    ("harbours,glaciers", "all", "", "at once"),
    ("harbours", "any", "ferries", "at once"),
    ("harbours", "any", "", "daily"),
    ("*", "", "transport", "at once"),
)
SUPPRESSED = "suppressed"
LEFT = "left"
DOMAINS = ("example.org", "example.com", "example.net", "mail.example.org")


@dataclass(frozen=True, slots=True)
class People:
    """Addresses by what becomes of them: `audience` gets every brief, the others none."""

    audience: frozenset[str]
    suppressed: frozenset[str]
    left: frozenset[str]


def write(path: Path, readers: int, chance: random.Random) -> People:
    """A file to import with that many in the audience, and a fifth more who must get nothing."""
    audience: set[str] = set()
    suppressed: set[str] = set()
    left: set[str] = set()
    with path.open("w", newline="", encoding="utf-8") as text:
        rows = csv.writer(text)
        rows.writerow(("address", "name", "topics", "match", "except", "cadence"))
        for number in range(readers + readers // 5):
            address = _address(number, chance)
            outside = number >= readers
            kind = chance.choice((SUPPRESSED, LEFT, "", "", "", "")) if outside else ""
            rule = chance.choice(NOT_THROUGH if outside and not kind else THROUGH)
            rows.writerow((address, f"Reader {number}", *rule))
            {SUPPRESSED: suppressed, LEFT: left}.get(kind, set() if outside else audience).add(
                address
            )
    return People(frozenset(audience), frozenset(suppressed), frozenset(left))


def store(path: Path, people: People) -> None:
    """Import them by the product's own door."""
    from dispatcher.audience import importing, suppressing
    from dispatcher.audience.models import Subscriber
    from dispatcher.briefs import topics

    topics.import_lines(TOPICS)
    done = importing.import_csv(path, source="fault trials")
    assert not done.rejected, done
    for address in people.suppressed:
        suppressing.suppress(address, reason="made for the fault trials")
    Subscriber.objects.filter(address__in=people.left).update(state=Subscriber.State.LEFT)
    Subscriber.objects.update(urgent_at_once=False)


def let_in_again(people: People) -> None:
    """Take back what refusals brought about, once all are counted: each round has the same audience."""
    from dispatcher.audience import suppressing
    from dispatcher.audience.models import Suppression
    from dispatcher.mailing import refusals
    from dispatcher.mailing.models import Batch

    while Batch.objects.filter(state=Batch.State.DONE, are_refusals_counted=False).exists():
        if not refusals.count():  # a worker is at it
            time.sleep(0.1)
    bounced = Suppression.objects.filter(address__in=people.audience)
    for address in bounced.values_list("address", flat=True):
        suppressing.lift(address, reason="another round", by="fault trials")


def _address(number: int, chance: random.Random) -> str:
    name = "jürgen" if chance.random() < 0.01 else "reader"
    return f"{name}{number}@{chance.choice(DOMAINS)}"
