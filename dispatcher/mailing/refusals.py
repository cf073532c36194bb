"""Refusals that a relay gave at once, counted like bounces that come back later.

By the sweep, once a batch is done: carrying it costs nothing more, and a repeat finds them counted.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from dispatcher import queue
from dispatcher.mailing import bounces, receipts
from dispatcher.mailing.models import Batch, Delivery

EVERY = timedelta(seconds=15)
AT_ONCE = 500  # batches
SOURCE = "at hand-over"

# Said by the relay, not by us, and of the reader: what is about us (x.7.x) the dispatch's page tells.
_OF_THE_READER = Q(code__regex=r"^[45]\.") & ~Q(code__regex=r"^[45]\.7\.") | Q(
    code="", text__regex=r"(^|: )5\d\d "
)


def sweep() -> None:
    """Every quarter of a minute, by one of several at once."""
    if queue.is_first("count refusals", 0, within=EVERY):
        count()


def count() -> int:
    """Count what the batches done since have; returns how many batches. The next call goes on."""
    done = Batch.objects.filter(state=Batch.State.DONE, are_refusals_counted=False)
    found = list(done.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    for batch_id in found:
        _count_batch(batch_id)
    return len(found)


@transaction.atomic
def _count_batch(batch_id: int) -> None:
    rows = Batch.objects.select_for_update(skip_locked=True).filter(pk=batch_id)
    if not rows.filter(state=Batch.State.DONE).exists():
        return
    failed = Delivery.objects.filter(_OF_THE_READER, batch=batch_id, state=Delivery.State.FAILED)
    for delivery in failed.select_related("subscriber").order_by("pk"):
        status = delivery.code or bounces.status_in(delivery.text)
        receipts.record(delivery=delivery, status=status, diagnostic=delivery.text, source=SOURCE)
    Batch.objects.filter(pk=batch_id).update(are_refusals_counted=True)
