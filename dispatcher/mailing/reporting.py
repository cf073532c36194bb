"""What the desk reads about briefs and dispatches: lists, progress, deliveries with the relay's words.

It only reads, and every figure is counted from rows. How a figure is said is for the doors.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, Max, Model, OuterRef, Q, QuerySet, Subquery

from dispatcher.audience.models import Subscriber
from dispatcher.briefs.models import Brief, Topic
from dispatcher.mailing import ledger
from dispatcher.mailing.ledger import Tally
from dispatcher.mailing.models import Delivery, Dispatch

PAGE = 25
DRAFT = "draft"  # how a brief stands that has no dispatch
STANDINGS = (DRAFT, *Dispatch.State.values)
SETTLED = (Delivery.State.ACCEPTED, Delivery.State.FAILED, Delivery.State.UNKNOWN)
TROUBLED = (Delivery.State.FAILED, Delivery.State.UNKNOWN, Delivery.State.DEFERRED)

Found = TypeVar("Found", bound=Model)
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Row]):
    """One page of a list; `total` counts the rows of all pages."""

    rows: Sequence[Row]
    number: int
    pages: int
    total: int


@dataclass(frozen=True, slots=True)
class BriefRow:
    """A brief, its topics' names, and its last dispatch; `settled` letters of it have an outcome."""

    brief: Brief
    topics: tuple[str, ...]
    dispatch: Dispatch | None
    settled: int

    @property
    def standing(self) -> str:
        return self.dispatch.state if self.dispatch else DRAFT


@dataclass(frozen=True, slots=True)
class DispatchRow:
    dispatch: Dispatch
    settled: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a dispatch is. `prepared` is the share of readers looked at, 0 to 1.

    `rate` is letters a second over the last minute, None before three batches have been recorded in
    it; `seconds_left` is for the letters that are neither settled nor put off.
    """

    tally: Tally
    prepared: float
    rate: float | None
    next_attempt_at: datetime | None

    @property
    def settled(self) -> int:
        return self.tally.accepted + self.tally.failed + self.tally.unknown

    @property
    def seconds_left(self) -> float | None:
        return (self.tally.waiting + self.tally.carrying) / self.rate if self.rate else None


def briefs(*, standing: str = "", search: str = "", page: int = 1) -> Listing[BriefRow]:
    """Briefs, newest first; `standing` is one of STANDINGS, `search` a part of headline or source id."""
    last = Dispatch.objects.filter(brief=OuterRef("pk")).order_by("-pk")
    rows = Brief.objects.annotate(
        last_id=Subquery(last.values("pk")[:1]), last_state=Subquery(last.values("state")[:1])
    ).order_by("-created_at", "-pk")
    if search:
        rows = rows.filter(Q(headline__icontains=search) | Q(source_id__icontains=search))
    if standing == DRAFT:
        rows = rows.filter(last_id=None)
    elif standing:
        rows = rows.filter(last_state=standing)
    return _listing(rows, page, _brief_rows)


def dispatches(*, state: str = "", page: int = 1) -> Listing[DispatchRow]:
    """Dispatches, newest first."""
    rows = Dispatch.objects.select_related("brief").defer("letter").order_by("-pk")
    return _listing(rows.filter(state=state) if state else rows, page, _dispatch_rows)


def last_dispatch(brief: Brief) -> Dispatch | None:
    return brief.dispatches.defer("letter").order_by("-pk").first()


def progress(dispatch: Dispatch) -> Progress:
    """Counted now; on an embedded PostgreSQL here 0.2 s for a million deliveries."""
    waits = Delivery.objects.filter(dispatch=dispatch, state=Delivery.State.DEFERRED)
    return Progress(
        tally=ledger.tally(dispatch.pk),
        prepared=_prepared(dispatch),
        rate=_rate(dispatch.pk) if dispatch.state in _MOVING else None,
        next_attempt_at=waits.order_by("next_attempt_at")
        .values_list("next_attempt_at", flat=True)
        .first(),
    )


def deliveries(
    dispatch_id: int, *, states: Collection[str] = TROUBLED, page: int = 1
) -> Listing[Delivery]:
    """Deliveries in these states with their readers, in the order in which they were matched."""
    rows = Delivery.objects.filter(dispatch_id=dispatch_id, state__in=states)
    return _listing(rows.select_related("subscriber").order_by("pk"), page, list)


def letters_to(reader: Subscriber, *, limit: int = 20) -> list[Delivery]:
    """The reader's last deliveries with dispatch and brief, newest first."""
    rows = reader.deliveries.select_related("dispatch__brief").defer("dispatch__letter")
    return list(rows.order_by("-pk")[:limit])


def briefs_per_topic() -> dict[int, int]:
    """How many briefs carry each topic; topics without any are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT topic, count(*) FROM dispatcher_brief, unnest(topics) AS topic GROUP BY 1"
        )
        return dict(cursor.fetchall())


_MOVING = (Dispatch.State.MATCHING, Dispatch.State.SENDING)

# Every batch that is recorded gives its outcomes one time, so times are samples. The first one only
# starts the clock: its letters were carried before it.
SQL_RATE = """
WITH samples AS (
    SELECT settled_at AS at, count(*) AS letters FROM dispatcher_delivery
    WHERE dispatch_id = %s AND settled_at > now() - interval '1 minute' GROUP BY 1
)
SELECT count(*), sum(letters) FILTER (WHERE at > (SELECT min(at) FROM samples)),
       extract(epoch FROM now() - min(at))::float8
FROM samples
"""


def _rate(dispatch_id: int) -> float | None:
    with connection.cursor() as cursor:
        cursor.execute(SQL_RATE, [dispatch_id])
        samples, letters, seconds = cursor.fetchone()
    return float(letters) / seconds if samples >= 3 and letters and seconds else None


def _prepared(dispatch: Dispatch) -> float:
    if dispatch.matched_at:
        return 1.0
    last: int = Subscriber.objects.aggregate(last=Max("pk"))["last"] or 0
    return min(dispatch.matched_through / last, 1.0) if last else 0.0


def _brief_rows(found: Sequence[Brief]) -> list[BriefRow]:
    ids = [brief.last_id for brief in found]  # type: ignore[attr-defined]  # annotated
    rows = Dispatch.objects.defer("letter").in_bulk([pk for pk in ids if pk])
    settled = _settled(rows.values())
    names = dict(Topic.objects.values_list("pk", "name"))
    return [
        BriefRow(
            brief=brief,
            topics=tuple(names[topic] for topic in brief.topics),
            dispatch=rows.get(pk),
            settled=settled.get(pk, 0),
        )
        for brief, pk in zip(found, ids, strict=True)
    ]


def _dispatch_rows(found: Sequence[Dispatch]) -> list[DispatchRow]:
    settled = _settled(found)
    return [DispatchRow(dispatch, settled.get(dispatch.pk, 0)) for dispatch in found]


def _settled(of: Collection[Dispatch]) -> dict[int, int]:
    """Letters with an outcome, counted for the dispatches that are not done; those have all of theirs."""
    done = {each.pk: each.audience for each in of if each.state == Dispatch.State.DONE}
    rows = Delivery.objects.filter(
        dispatch_id__in=[each.pk for each in of if each.pk not in done], state__in=SETTLED
    )
    counted = rows.order_by().values_list("dispatch_id").annotate(number=Count("pk"))
    return done | dict(counted)


def _listing(
    rows: QuerySet[Found], page: int, shown: Callable[[Sequence[Found]], Sequence[Row]]
) -> Listing[Row]:
    leaf = Paginator(rows, PAGE).get_page(page)
    return Listing(
        rows=shown(list(leaf.object_list)),
        number=leaf.number,
        pages=leaf.paginator.num_pages,
        total=leaf.paginator.count,
    )
