"""When refusals at hand-over are too many to be believed: they are held, and staff say what they are worth.

A relay with a broken table answers "no such user" for everybody, and would have the whole list suppressed
within the hour. What blows a fuse is decided here; what a refusal means for its reader is `receipts`'.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from dispatcher.errors import NoSuchFuse
from dispatcher.mailing import receipts
from dispatcher.mailing.models import Batch, Delivery, Fuse, Receipt

Verdict = Fuse.Verdict
Sums = Mapping[str, tuple[int, int]]  # by relay: letters handed over, and refused for their readers
Known = dict[object, Sums]  # by sending
SOURCE = "at hand-over"

# More than a fifth of what one relay was given. Lists that are mailed regularly lose one or two in a
# hundred, and big receivers block senders from five on, so no list that still arrives has so many. At
# least twenty, since in a short list a few dead addresses are a fifth: of 25 letters it takes four fifths,
# of 100 and more the share alone counts.
LEAST, ONE_IN = 20, 5
AT_ONCE = timedelta(seconds=10)  # of a sweep, for which urgent letters may have to wait
SLICE = 200

# Said by the relay, not by us, and of the reader: what is about us (x.7.x) the dispatch's page tells.
OF_THE_READER = Q(code__regex=r"^[45]\.") & ~Q(code__regex=r"^[45]\.7\.") | Q(
    code="", text__regex=r"(^|: )5\d\d "
)

# What was counted of the sending before the fuse blew is held too. Safe to repeat.
SQL_HOLD = """
UPDATE dispatcher_receipt r SET fuse_id = %(fuse)s, is_held = true
FROM dispatcher_delivery d
WHERE r.delivery_id = d.id AND r.source = %(source)s AND r.fuse_id IS NULL
  AND d.relay = %(relay)s AND d.dispatch_id IN (
      SELECT id FROM dispatcher_dispatch WHERE id = %(dispatch)s OR run_id = %(run)s)
"""


def of_batch(batch: Batch, known: Known) -> dict[str, Fuse]:
    """The fuses that hold refusals of a batch, by relay; those that its refusals blow are made.

    `known` keeps the sums of sendings for further batches. To be called in the batch's transaction.
    """
    dispatch = batch.dispatch
    of = {"run_id": dispatch.run_id} if dispatch.run_id else {"dispatch_id": dispatch.pk}
    sending = (*of.items(),)
    if sending not in known:
        known[sending] = _sums(Delivery.objects.filter(dispatch__in=_dispatches(batch)))
    for relay, (handed_over, refused) in known[sending].items():
        sums = {"handed_over": handed_over, "refused": refused}
        fuse = Fuse.objects.filter(relay=relay, **of)
        if fuse.filter(verdict="").update(**sums) or fuse.exists():
            continue
        if _is_too_much(handed_over, refused) or _is_too_much(*_of_relay(batch, relay)):
            Fuse.objects.bulk_create([Fuse(relay=relay, **of, **sums)], ignore_conflicts=True)
    return {fuse.relay: fuse for fuse in Fuse.objects.filter(**of)}


@transaction.atomic
def decide(fuse_id: int, verdict: str, *, by: str) -> bool:
    """Say what the refusals are worth; whether that is news. The sweep does what follows from it.

    Believed, they count as if no fuse had blown; dismissed, they suppress nobody, and their letters may be
    sent again. Another verdict may follow and takes back what came of the first. Raises NoSuchFuse.
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
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_HOLD, parameters)


def _dispatches(batch: Batch) -> list[int]:
    """Digests of a run are many dispatches of few readers each: one sending."""
    if batch.dispatch.run is None:
        return [batch.dispatch_id]
    return list(batch.dispatch.run.dispatches.values_list("pk", flat=True))


def _of_relay(batch: Batch, relay: str) -> tuple[int, int]:
    """Of this batch alone: a relay that breaks when most of a dispatch is gone never has a fifth of it."""
    return _sums(Delivery.objects.filter(batch=batch, relay=relay)).get(relay, (0, 0))


def _sums(of: QuerySet[Delivery]) -> Sums:
    """Counted from the ledger's rows, so that no count can drift. 0.1 s for a million of them here."""
    refused = Count("pk", filter=Q(OF_THE_READER, state=Delivery.State.FAILED))
    answered = of.filter(state__in=(Delivery.State.ACCEPTED, Delivery.State.FAILED))
    rows = answered.exclude(relay="").order_by().values_list("relay")
    return {
        relay: (letters, against)
        for relay, letters, against in rows.annotate(letters=Count("pk"), against=refused)
    }


def _is_too_much(handed_over: int, refused: int) -> bool:
    return refused >= LEAST and refused * ONE_IN > handed_over
