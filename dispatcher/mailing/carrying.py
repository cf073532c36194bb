"""Carrying a batch: claim it, commit, hand its letters over, record what the relay said.

A batch is held under a lease, so it may be nudged any number of times and by several workers: one
carries it. What the relay accepts is journalled before the next letter goes; see `ledger`.
"""

from __future__ import annotations

import logging
import math
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from dispatcher.errors import RelayUnreachable
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.slots import UnsafeValue
from dispatcher.letters.stamping import stamp
from dispatcher.mailing import composing, ledger
from dispatcher.mailing.addressing import Addressee, addressees
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from dispatcher.relays import pool
from dispatcher.relays.outcomes import Outcome, Parcel, Result

log = logging.getLogger(__name__)

MOVING = (Dispatch.State.MATCHING, Dispatch.State.SENDING)
LOOK_SECONDS = 1.0  # how often a batch in hand looks whether it may go on
NO_PAUSE = timedelta()
# A batch that breaks its worker must not do so all day.
AFTER_A_FAULT = timedelta(minutes=1)


class LeaseLost(Exception):  # noqa: N818  a state, not a fault
    """Another worker has taken the batch over; this one must not send another letter of it."""


class _Claim(NamedTuple):
    batch: Batch
    was_left_behind: bool


def carry(batch_id: int) -> None:
    """Hand over what is due of a batch and record it. Does nothing if it is held, done or not due.

    Whatever breaks on the way, what is known by then is recorded first; the rest waits for the sweep.
    So does the rest of a dispatch that is paused or cancelled meanwhile.
    """
    claim = _claim(batch_id)
    if claim is None:
        return
    batch = claim.batch
    journal = ledger.Journal(batch.pk)
    if claim.was_left_behind:
        _take_over(batch, journal)
    else:
        journal.clear()  # of what an earlier holder has recorded
    due = _begin(batch)
    outcomes: list[Outcome] = []
    fault: Exception | None = None
    try:
        for outcome in _hand_over(batch, due):
            outcomes.append(outcome)
            journal.write(outcome)
    except LeaseLost:
        log.warning("batch %s was taken over; stopping", batch.pk)
        return
    except RelayUnreachable as away:
        log.warning("batch %s: %s", batch.pk, away)
        outcomes += _put_off(due, outcomes, str(away))
    except Exception as unforeseen:  # noqa: BLE001  raised again below
        fault = unforeseen
    with transaction.atomic():
        ledger.record(batch, outcomes, {delivery.pk: delivery.attempts for delivery in due})
        is_done = ledger.settle(batch, pause=AFTER_A_FAULT if fault else NO_PAUSE)
    if fault is not None:
        raise fault
    if is_done:  # else it may be another's by now, and so may the journal
        journal.clear()
    ledger.close(batch.dispatch_id)


def may_be_claimed() -> Q:
    """The batches that are to be had: due and let go, or left behind, of a stopped dispatch too, since
    what their holder journalled must come into the ledger. By the clock of PostgreSQL, for there is one.
    """
    return Q(state=Batch.State.WAITING, due_at__lte=Now(), dispatch__state__in=MOVING) | Q(
        state=Batch.State.CARRYING, lease_until__lt=Now()
    )


def _put_off(due: list[Delivery], outcomes: list[Outcome], words: str) -> list[Outcome]:
    """What no relay was there for, as outcomes."""
    begun = {outcome.key for outcome in outcomes}
    return [
        Outcome(delivery.pk, Result.DEFERRED, "", "", words)
        for delivery in due
        if delivery.pk not in begun
    ]


@transaction.atomic
def _claim(batch_id: int) -> _Claim | None:
    """Take the lease; None if the batch is not to be had."""
    batch = (
        Batch.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("dispatch")
        .defer("dispatch__letter")
        .filter(may_be_claimed(), pk=batch_id)
        .first()
    )
    if batch is None:
        return None
    was_left_behind = batch.state == Batch.State.CARRYING
    batch.holder = uuid.uuid4().hex
    Batch.objects.filter(pk=batch.pk).update(
        state=Batch.State.CARRYING, holder=batch.holder, lease_until=_lease_end()
    )
    return _Claim(batch, was_left_behind)


def _begin(batch: Batch) -> list[Delivery]:
    """Mark what is due as being carried, and what a lost holder had begun with it. Once the journal is
    empty or recorded, so that its lines are never taken for lines about this attempt.
    """
    batch.deliveries.filter(
        Q(state=Delivery.State.WAITING)
        | Q(state=Delivery.State.DEFERRED, next_attempt_at__lte=Now()),
        batch__holder=batch.holder,
    ).update(state=Delivery.State.CARRYING)
    return list(batch.deliveries.filter(state=Delivery.State.CARRYING).order_by("pk"))


def _take_over(batch: Batch, journal: ledger.Journal) -> None:
    """Record what the last holder journalled. The letter after its last line is in doubt: it may have
    been accepted without a line, so `UNKNOWN=hold` keeps it for the desk and `resend` sends it again.
    """
    known = {outcome.key: outcome for outcome in journal.read()}
    carried = batch.deliveries.filter(state=Delivery.State.CARRYING).order_by("pk")
    attempts = dict(carried.values_list("pk", "attempts"))
    in_doubt = next((pk for pk in attempts if pk not in known), None)
    if in_doubt is not None and settings.UNKNOWN == "hold":
        words = "its worker was lost before the relay's answer was noted"
        known[in_doubt] = Outcome(in_doubt, Result.UNKNOWN, "", "", words)
    ledger.record(batch, list(known.values()), attempts)


def _hand_over(batch: Batch, due: list[Delivery]) -> Iterator[Outcome]:
    """Outcomes in the order of `due`, except that those no longer wanted come first."""
    compiled = composing.compiled(batch.dispatch_id)
    wanted: list[tuple[Delivery, Addressee]] = []
    found = addressees(batch.dispatch, [delivery.subscriber_id for delivery in due])
    for delivery in due:
        addressee = found[delivery.subscriber_id]
        if addressee.refused:
            yield Outcome(delivery.pk, Result.FAILED, "", "", addressee.refused)
        else:
            wanted.append((delivery, addressee))
    unwritten: list[Outcome] = []
    yield from pool.of_this_process().hand_over(_parcels(batch, compiled, wanted, unwritten))
    yield from unwritten


def _parcels(
    batch: Batch,
    compiled: Compiled,
    wanted: list[tuple[Delivery, Addressee]],
    unwritten: list[Outcome],
) -> Iterator[Parcel]:
    """Stamped letters, each made when the relay is ready for it, until the dispatch is stopped.

    Keeps the lease; raises LeaseLost.
    """
    looked_at = -math.inf
    for delivery, addressee in wanted:
        if time.monotonic() - looked_at > min(LOOK_SECONDS, settings.LEASE_SECONDS / 4):
            if not _may_go_on(batch):
                return
            looked_at = time.monotonic()
        try:
            data = stamp(compiled, composing.values(batch.dispatch, addressee))
        except UnsafeValue as refusal:
            unwritten.append(Outcome(delivery.pk, Result.FAILED, "", "", str(refusal)))
            continue
        except Exception:  # one letter that cannot be written must not hold up those behind it
            log.exception("delivery %s could not be written", delivery.pk)
            words = "the letter could not be written; the worker's log says why"
            unwritten.append(Outcome(delivery.pk, Result.DEFERRED, "", "", words))
            continue
        yield Parcel(
            key=delivery.pk,
            return_path=composing.return_path(delivery.pk),
            address=addressee.address,
            data=data,
        )


def _may_go_on(batch: Batch) -> bool:
    """Keep the lease, and say whether the dispatch is still to be sent. Raises LeaseLost."""
    held = Batch.objects.filter(pk=batch.pk, holder=batch.holder, lease_until__gt=Now())
    if not held.update(lease_until=_lease_end()):
        raise LeaseLost
    return Dispatch.objects.filter(pk=batch.dispatch_id, state__in=MOVING).exists()


def _lease_end() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
