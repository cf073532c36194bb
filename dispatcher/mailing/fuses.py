"""Refusals that are too many to be believed: they are held, and staff say what they are worth.

When that is, and a fuse blows, is decided by `blowing`; what a refusal means for its reader by `receipts`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from dispatcher.errors import NoSuchFuse
from dispatcher.mailing import receipts
from dispatcher.mailing.blowing import SOURCE
from dispatcher.mailing.models import Fuse, Receipt

Verdict = Fuse.Verdict
AT_ONCE = timedelta(seconds=10)  # of a sweep, for which urgent letters may have to wait
SLICE = 200

# What was counted of the sending before the fuse blew is held too, and what came back of letters that the
# relay had taken; but not of those that were sent again after the verdict. Safe to repeat.
SQL_HOLD = """
UPDATE dispatcher_receipt r SET fuse_id = %(fuse)s, is_held = true
FROM dispatcher_delivery d
WHERE r.delivery_id = d.id AND r.fuse_id IS NULL AND (r.source = %(source)s
      OR r.kind = 'hard bounce' AND d.state <> 'failed'
         AND (%(decided)s::timestamptz IS NULL OR d.settled_at <= %(decided)s))
  AND d.relay = %(relay)s AND d.dispatch_id IN (
      SELECT id FROM dispatcher_dispatch WHERE id = %(dispatch)s OR run_id = %(run)s)
"""


@transaction.atomic
def decide(fuse_id: int, verdict: str, *, by: str) -> bool:
    """Say what the refusals are worth; whether that is news. The sweep does what follows from it.

    Believed, they count as if no fuse had blown; dismissed, they suppress nobody, and those letters of them
    that no relay took may be sent again. Another verdict may follow and takes back what came of the first.
    Raises NoSuchFuse.
    """
    fuse = Fuse.objects.select_for_update().filter(pk=fuse_id).first()
    if fuse is None:
        raise NoSuchFuse(f"There is no fuse {fuse_id}; see `dispatcher bounces fuses`.")
    if fuse.verdict == verdict:
        return False
    fuse.verdict, fuse.by, fuse.decided_at = Verdict(verdict), by[:150], timezone.now()
    fuse.save(update_fields=["verdict", "by", "decided_at"])
    fuse.receipts.update(is_held=True)
    return True


def settle(*, at_most: timedelta = AT_ONCE) -> int:
    """Do to receipts what their fuses ask for, receipt by receipt; returns how many. The next call goes on.

    While staff have not decided, who was suppressed before the fuse blew may be mailed again.
    """
    until, settled = time.monotonic() + at_most.total_seconds(), 0
    for fuse in _with_work():
        _hold(fuse)
        for receipt_id in _to_settle(fuse):
            if time.monotonic() > until:
                return settled
            receipts.settle(receipt_id)
            settled += 1
    return settled


def find(fuse_id: int) -> Fuse:
    """Raises NoSuchFuse."""
    fuse = Fuse.objects.filter(pk=fuse_id).first()
    if fuse is None:
        raise NoSuchFuse(f"There is no fuse {fuse_id}; see `dispatcher bounces fuses`.")
    return fuse


def last(limit: int = 50) -> list[Fuse]:
    """Those that wait for staff, then the others, newest first."""
    rows = Fuse.objects.order_by(F("decided_at").desc(nulls_first=True), "-pk")
    return list(rows[:limit])


@dataclass(frozen=True, slots=True)
class Weight:
    """How many receipts a fuse has, how many of them are held, and how many have suppressed somebody."""

    receipts: int
    held: int
    suppressed: int


def weight(fuse: Fuse) -> Weight:
    return Weight(
        **fuse.receipts.aggregate(
            receipts=Count("pk"),
            held=Count("pk", filter=Q(is_held=True)),
            suppressed=Count("pk", filter=Q(has_suppressed=True)),
        )
    )


def _with_work() -> QuerySet[Fuse]:
    held = Receipt.objects.filter(fuse=OuterRef("pk"), is_held=True)
    return Fuse.objects.filter(Q(verdict="") | Exists(held)).order_by("pk")


def _to_settle(fuse: Fuse) -> Iterator[int]:
    """Receipts that are held, or of an open fuse have suppressed somebody; slice by slice until none is left."""
    rows = fuse.receipts.filter(is_held=True).order_by("pk")
    if not fuse.verdict:
        rows = rows.filter(has_suppressed=True)
    after = 0
    while slice_ := list(rows.filter(pk__gt=after).values_list("pk", flat=True)[:SLICE]):
        yield from slice_
        after = slice_[-1]


def _hold(fuse: Fuse) -> None:
    parameters: dict[str, Any] = {
        "fuse": fuse.pk,
        "source": SOURCE,
        "relay": fuse.relay,
        "dispatch": fuse.dispatch_id,
        "run": fuse.run_id,
        "decided": fuse.decided_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_HOLD, parameters)
