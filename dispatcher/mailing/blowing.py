"""When refusals are too many to be believed, so that a fuse blows.

A relay with a broken table answers "no such user" for everybody, or takes every letter and sends it back,
and would have the whole list suppressed within the hour. What becomes of what is held is for `fuses`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from dispatcher.mailing.models import Batch, Delivery, Dispatch, Fuse, Receipt

State = Delivery.State
Sums = Mapping[str, tuple[int, int]]  # by relay: letters handed over, and refused for their readers
Known = dict[object, Sums]  # by sending
SOURCE = "at hand-over"

# More than a fifth of what one relay was given. Lists that are mailed regularly lose one or two in a
# hundred, and big receivers block senders from five on, so no list that still arrives has so many. At
# least twenty, since in a short list a few dead addresses are a fifth: of 25 letters it takes four fifths,
# of 100 and more the share alone counts.
LEAST, ONE_IN = 20, 5
LATELY = timedelta(minutes=1)  # some sweeps; what came back before has been looked at

# Said by the relay, not by us, and of the reader: what is about us (x.7.x) the dispatch's page tells.
OF_THE_READER = Q(code__regex=r"^[45]\.") & ~Q(code__regex=r"^[45]\.7\.") | Q(
    code="", text__regex=r"(^|: )5\d\d "
)
CAME_BACK = Q(kind=Receipt.Kind.HARD, delivery__state=State.ACCEPTED)


def of_batch(batch: Batch, known: Known) -> dict[str, Fuse]:
    """The fuses that hold refusals of a batch, by relay; those that its refusals blow are made.

    `known` keeps the sums of sendings for further batches. To be called in the batch's transaction.
    """
    of = _sending(batch.dispatch_id, batch.dispatch.run_id)
    sending = (*of.items(),)
    if sending not in known:
        known[sending] = _sums(_deliveries(of))
    _blow(of, known[sending], batch.pk)
    return {fuse.relay: fuse for fuse in Fuse.objects.filter(**of)}


def of_returned(delivery: Delivery) -> Fuse | None:
    """The fuse that holds what came back of a letter that its relay had taken; that may have blown it.

    To be asked once its receipt is written. What was sent again after the verdict speaks for itself.
    """
    (run_id,) = Dispatch.objects.values_list("run_id").get(pk=delivery.dispatch_id)
    of = _sending(delivery.dispatch_id, run_id)
    fuses = Fuse.objects.filter(relay=delivery.relay, **of)
    if not fuses.exists() and _is_too_much(*_of_relay(delivery.batch_id, delivery.relay)):
        sums = _sums(_deliveries(of))
        # Of this relay alone: whoever counts a batch may hold the other fuses and wait for this reader.
        _blow(of, {delivery.relay: sums[delivery.relay]}, delivery.batch_id)
    undecided = Q(decided_at=None)
    if delivery.settled_at:
        undecided |= Q(decided_at__gte=delivery.settled_at)
    return fuses.filter(undecided).first()


def look() -> None:
    """Blow the fuses of sendings of which too much has come back, where no batch alone has shown it. Only
    where something came back lately; repeats count anew.
    """
    news = Receipt.objects.filter(CAME_BACK, at__gte=timezone.now() - LATELY).order_by()
    dispatches = news.values_list("delivery__dispatch", "delivery__dispatch__run").distinct()
    for sending in {(*_sending(*each).items(),) for each in dispatches}:
        _blow(dict(sending), _sums(_deliveries(dict(sending))))


def _sending(dispatch_id: int, run_id: int | None) -> dict[str, int]:
    """As a fuse names it. Digests of a run are many dispatches of few readers each: one sending."""
    return {"run_id": run_id} if run_id else {"dispatch_id": dispatch_id}


def _deliveries(of: Mapping[str, int]) -> QuerySet[Delivery]:
    if "run_id" not in of:
        return Delivery.objects.filter(**of)
    dispatches = Dispatch.objects.filter(**of).values_list("pk", flat=True)
    return Delivery.objects.filter(dispatch__in=list(dispatches))


def _blow(of: dict[str, int], sums: Sums, batch_id: int | None = None) -> None:
    """Make the fuses of a sending that there are not yet; those that are open have the sums of now."""
    for relay, (handed_over, refused) in sums.items():
        now = {"handed_over": handed_over, "refused": refused}
        fuse = Fuse.objects.filter(relay=relay, **of)
        if fuse.filter(verdict="").update(**now) or fuse.exists():
            continue
        if _is_too_much(handed_over, refused) or (
            batch_id and _is_too_much(*_of_relay(batch_id, relay))
        ):
            Fuse.objects.bulk_create([Fuse(relay=relay, **of, **now)], ignore_conflicts=True)


def _of_relay(batch_id: int, relay: str) -> tuple[int, int]:
    """Of this batch alone: a relay that breaks when most of a dispatch is gone never has a fifth of it."""
    return _sums(Delivery.objects.filter(batch=batch_id, relay=relay)).get(relay, (0, 0))


def _sums(of: QuerySet[Delivery]) -> Sums:
    """Counted from the ledger's rows, so that no count can drift: 0.3 s for a sending of 300,000, among
    900,000 deliveries.
    """
    refused = Count("pk", filter=Q(OF_THE_READER, state=State.FAILED))
    answered = of.filter(state__in=(State.ACCEPTED, State.FAILED)).exclude(relay="").order_by()
    rows = answered.values_list("relay").annotate(letters=Count("pk"), against=refused)
    came_back = _came_back(of)
    return {relay: (letters, against + came_back.get(relay, 0)) for relay, letters, against in rows}


def _came_back(of: QuerySet[Delivery]) -> dict[str, int]:
    rows: Iterable[tuple[str, int]] = (
        Receipt.objects.filter(CAME_BACK, delivery__in=of)
        .order_by()
        .values_list("delivery__relay")
        .annotate(letters=Count("pk"))
    )
    return dict(rows)


def _is_too_much(handed_over: int, refused: int) -> bool:
    return refused >= LEAST and refused * ONE_IN > handed_over
