"""What the desk reads about briefs and dispatches: lists, progress, deliveries with the relay's words.

It only reads, and every figure is counted from rows. How a figure is said is for the doors.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.core.paginator import Paginator
from django.db import connection
from django.db.models import Count, Max, Model, OuterRef, Q, QuerySet, Subquery

from dispatcher.audience.models import Subscriber
from dispatcher.briefs.models import Brief, Topic
from dispatcher.mailing.ledger import Tally
from dispatcher.mailing.models import Delivery, Dispatch

PAGE = 25
DRAFT = "draft"  # how a brief stands that has no dispatch
WITHDRAWN = "withdrawn"  # one that was public, whatever its dispatch has come to
STANDINGS = (DRAFT, *Dispatch.State.values, WITHDRAWN)
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
        return standing_of(self.brief, self.dispatch)


@dataclass(frozen=True, slots=True)
class DispatchRow:
    dispatch: Dispatch
    settled: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a dispatch is. `prepared` is the share of readers looked at, 0 to 1.

    `rate` is letters a second over the last minute, None before there are two seconds of it;
    `seconds_left` is for the letters that are neither settled nor put off.
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


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds from the release until the first letter and until shares of the letters were accepted.

    The release is the moment it was scheduled for, where it was. Shares are of the letters accepted by
    now or still to go, so each is None until it has come, and the last until nothing is to go any more.
    """

    first: float | None = None
    half: float | None = None
    most: float | None = None  # 95 %
    nearly_all: float | None = None  # 99 %
    all: float | None = None


def briefs(*, standing: str = "", search: str = "", page: int = 1) -> Listing[BriefRow]:
    """Briefs, newest first; `standing` is one of STANDINGS, `search` a part of headline or source id."""
    last = Dispatch.objects.filter(brief=OuterRef("pk")).order_by("-pk")
    rows = Brief.objects.annotate(
        last_id=Subquery(last.values("pk")[:1]), last_state=Subquery(last.values("state")[:1])
    ).order_by("-created_at", "-pk")
    if search:
        rows = rows.filter(Q(headline__icontains=search) | Q(source_id__icontains=search))
    if standing == WITHDRAWN:
        rows = rows.filter(withdrawn_at__isnull=False)
    elif standing:
        state = None if standing == DRAFT else standing
        rows = rows.filter(withdrawn_at=None, last_state=state)
    return _listing(rows, page, _brief_rows)


def dispatches(*, state: str = "", digests: bool = False, page: int = 1) -> Listing[DispatchRow]:
    """Dispatches of briefs, newest first, or those of digests: of these there may be thousands a day."""
    rows = Dispatch.objects.select_related("brief").defer("letter").order_by("-pk")
    rows = rows.filter(kind="digest") if digests else rows.exclude(kind="digest")
    return _listing(rows.filter(state=state) if state else rows, page, _dispatch_rows)


def briefs_of(dispatch: Dispatch) -> list[str]:
    """The public ids of what a dispatch holds: one brief, or those of a digest."""
    if dispatch.brief is not None:
        return [dispatch.brief.public_id]
    return list(dispatch.contents.order_by("pk").values_list("brief__public_id", flat=True))


def standing_of(brief: Brief, dispatch: Dispatch | None) -> str:
    """One of STANDINGS; `dispatch` is the brief's last one."""
    if brief.withdrawn_at is not None:
        return WITHDRAWN
    return dispatch.state if dispatch else DRAFT


def last_dispatch(brief: Brief) -> Dispatch | None:
    return brief.dispatches.defer("letter").order_by("-pk").first()


def progress(dispatch: Dispatch) -> Progress:
    """Counted now, all in one pass over the deliveries; 0.1 s for a million of them here."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_PROGRESS, {"dispatch": dispatch.pk})
        rows = cursor.fetchall()
    states = {state: count for _, state, count, *_ in rows if state}
    waits = [at for _, state, _, at, *_ in rows if state == Delivery.State.DEFERRED and at]
    recent = sum(letters for *_, letters, _ in rows if letters)
    seconds = max((age for *_, age in rows if age is not None), default=0.0)
    has_rate = dispatch.state in _MOVING and seconds >= RATE_AFTER
    return Progress(
        tally=Tally(audience=rows[0][0], **states),
        prepared=_prepared(dispatch),
        rate=recent / seconds if has_rate else None,
        next_attempt_at=min(waits, default=None),
    )


def times(dispatch: Dispatch, tally: Tally) -> Times:
    """How quickly it went; 0.15 s for a million letters here, so not for every look at a moving page."""
    goal = tally.accepted + tally.open
    if not tally.accepted:
        return Times()
    ranks = [math.ceil(share * goal) for share in SHARES]
    reached = [rank for rank in (1, *ranks) if rank <= tally.accepted]
    with connection.cursor() as cursor:
        cursor.execute(
            SQL_TIMES,
            {
                "dispatch": dispatch.pk,
                # The middle of a rank's own part, so that no rounding leads to its neighbour.
                "parts": [(rank - 0.5) / tally.accepted for rank in reached],
            },
        )
        moments: list[datetime] = cursor.fetchone()[0] or []
    start = max(filter(None, (dispatch.released_at, dispatch.scheduled_for)))
    return Times(*(max((at - start).total_seconds(), 0.0) for at in moments))


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


RATE_AFTER = 2.0  # seconds; what is recorded comes by the hundreds, and one batch makes no rate
SHARES = (0.5, 0.95, 0.99, 1.0)
_MOVING = (Dispatch.State.MATCHING, Dispatch.State.SENDING)

# The states with their numbers, and of the last minute how many letters were settled and since when,
# in one pass and one snapshot: what `ledger.tally` counts, and more, at the cost of counting.
SQL_PROGRESS = """
SELECT p.audience, v.* FROM dispatcher_dispatch p LEFT JOIN (
    SELECT state, count(*), min(next_attempt_at),
           count(*) FILTER (WHERE settled_at > now() - interval '1 minute'),
           extract(epoch FROM now() - min(settled_at) FILTER (WHERE settled_at > now() - interval '1 minute'))::float8
    FROM dispatcher_delivery WHERE dispatch_id = %(dispatch)s GROUP BY state
) AS v ON true
WHERE p.id = %(dispatch)s
"""

SQL_TIMES = """
SELECT percentile_disc(%(parts)s::float8[]) WITHIN GROUP (ORDER BY settled_at)
FROM dispatcher_delivery WHERE dispatch_id = %(dispatch)s AND state = 'accepted' AND settled_at IS NOT NULL
"""


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
