"""What stands in a dispatch's way: refusals grouped by what they say, its relays, batches that break.

It only reads; how it is said is for the doors.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q

from dispatcher.mailing.models import Batch, Delivery, Dispatch

MOST = 8  # reasons shown; what is rarer is found in the list of letters
STILL_AFTER = 3  # faults in a row: from then on a batch does not only hobble, it stands still


@dataclass(frozen=True, slots=True)
class Reason:
    """Letters in one state that were answered alike. `words` is one of the answers.

    Alike: the same relay and enhanced code (RFC 3463), where it has none the same reply code, and where
    it has neither the same words. `domain` has the most of them, of `domains` in all; `next_attempt_at`
    is the first that is due.
    """

    state: str
    relay: str
    words: str
    letters: int
    domain: str
    domains: int
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class RelayRow:
    """What a relay answered last to the letters that it was given; those it took are `accepted`."""

    relay: str
    accepted: int
    deferred: int
    failed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Faulty:
    """A batch that broke down while it was carried, `faults` times in a row; due again at `due_at`."""

    number: int
    letters: int
    faults: int
    fault: str
    due_at: datetime

    @property
    def stands_still(self) -> bool:
        return self.faults >= STILL_AFTER


# Relays put addresses and queue numbers into their words, so codes tell what is alike; our own words
# have none. Domains first, so that no sort goes over single letters: 0.15 s for 15,000 such letters in a
# dispatch of a million, 1.3 s when all of the million are; not for every look at a moving page.
SQL_REASONS = r"""
WITH alike AS (
    SELECT d.state, d.relay, d.code,
           CASE WHEN d.code <> '' THEN ''
                ELSE coalesce(substring(d.text FROM '(?:^|: )([245]\d\d)\M'), left(d.text, 60)) END AS said,
           lower(split_part(r.address, '@', -1)) AS domain,
           count(*) AS letters, min(d.text) AS words, min(d.next_attempt_at) AS next_attempt_at
    FROM dispatcher_delivery d JOIN dispatcher_subscriber r ON r.id = d.subscriber_id
    WHERE d.dispatch_id = %(dispatch)s AND d.state IN ('deferred', 'failed', 'unknown')
    GROUP BY 1, 2, 3, 4, 5
)
SELECT state, relay, min(words), sum(letters)::bigint, (array_agg(domain ORDER BY letters DESC, domain))[1],
       count(*), min(next_attempt_at)
FROM alike GROUP BY state, relay, code, said ORDER BY 4 DESC, 3 LIMIT %(most)s
"""


def reasons(dispatch: Dispatch, *, most: int = MOST) -> list[Reason]:
    """Why letters were put off, failed or are in doubt, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_REASONS, {"dispatch": dispatch.pk, "most": most})
        return [Reason(*row) for row in cursor.fetchall()]


def relays(dispatch: Dispatch) -> list[RelayRow]:
    """What each relay said; letters that no relay has answered are in none of the rows."""
    rows = Delivery.objects.filter(dispatch=dispatch).exclude(relay="")
    counted = rows.values_list("relay", "state").annotate(letters=Count("pk")).order_by("relay")
    sums: dict[str, dict[str, int]] = {}
    for relay, state, letters in counted:
        sums.setdefault(relay, {})[state] = letters
    return [
        RelayRow(
            relay=relay,
            accepted=states.get("accepted", 0),
            deferred=states.get("deferred", 0),
            failed=states.get("failed", 0),
            unknown=states.get("unknown", 0),
        )
        for relay, states in sums.items()
    ]


def faulty(dispatch: Dispatch) -> list[Faulty]:
    """The open batches that broke down when they were last carried, the worst first."""
    rows = dispatch.batches.filter(faults__gt=0).exclude(state=Batch.State.DONE)
    open_ = Q(deliveries__state__in=("waiting", "carrying", "deferred"))
    counted = rows.annotate(letters=Count("deliveries", filter=open_)).order_by("-faults", "number")
    return [
        Faulty(batch.number, batch.letters, batch.faults, batch.fault, batch.due_at)
        for batch in counted[:MOST]
    ]
