"""Refusals that a relay gave at once, counted like bounces that come back later.

By the sweep, once a batch is done: carrying it costs nothing more, and a repeat finds them counted. Those
that are too many to be believed are held by a fuse.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from dispatcher import queue
from dispatcher.mailing import blowing, bounces, fuses, receipts
from dispatcher.mailing.blowing import OF_THE_READER, SOURCE, Known
from dispatcher.mailing.models import Batch, Delivery

EVERY = timedelta(seconds=15)
AT_ONCE = 500  # batches


def sweep() -> None:
    """Every quarter of a minute, by one of several at once."""
    if queue.is_first("count refusals", 0, within=EVERY):
        count()
        blowing.look()
        fuses.settle()


def count() -> int:
    """Count what the batches done since have; returns how many batches. The next call goes on."""
    done = Batch.objects.filter(state=Batch.State.DONE, are_refusals_counted=False)
    found = list(done.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
    known: Known = {}
    for batch_id in found:
        _count_batch(batch_id, known)
    return len(found)


@transaction.atomic
def _count_batch(batch_id: int, known: Known) -> None:
    rows = Batch.objects.select_for_update(of=("self",), skip_locked=True)
    rows = rows.select_related("dispatch__run").defer("dispatch__letter")
    batch = rows.filter(pk=batch_id, state=Batch.State.DONE, are_refusals_counted=False).first()
    if batch is None:
        return
    refused = Delivery.objects.filter(OF_THE_READER, batch=batch, state=Delivery.State.FAILED)
    failed = list(refused.select_related("subscriber").order_by("pk"))
    held_by = blowing.of_batch(batch, known) if failed else {}
    for delivery in failed:
        receipts.record(
            delivery=delivery,
            status=delivery.code or bounces.status_in(delivery.text),
            diagnostic=delivery.text,
            source=SOURCE,
            fuse=held_by.get(delivery.relay),
        )
    Batch.objects.filter(pk=batch_id).update(are_refusals_counted=True)
