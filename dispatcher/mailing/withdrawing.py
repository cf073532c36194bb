"""What is under way of a brief as it is withdrawn: its dispatch ends, and so do digests that hold it.

What else such a digest held is owed again to those whom it has not reached, and its run goes on: they
get it at once, without what was withdrawn. A delivery that is in a worker's hands is waited for.
"""

from __future__ import annotations

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from dispatcher import queue
from dispatcher.briefs.models import Brief
from dispatcher.mailing import dispatching
from dispatcher.mailing.addressing import OWN_WORDS
from dispatcher.mailing.models import Act, Delivery, DigestRun, Dispatch, Owed

State = Dispatch.State
STOPPABLE = (State.SCHEDULED, State.MATCHING, State.SENDING, State.PAUSED)
REPLACED = f"replaced by a digest without what was withdrawn {OWN_WORDS}"

# Digests of a run that were stopped for what they held: their letters that nobody carries fail, and their
# readers are owed the rest of it anew, in one statement; a repeat finds no such letter. The dispatch by
# which others had a brief at once is what it is matched by.
SQL_OWE_ANEW = """
WITH left_over AS (
    UPDATE dispatcher_delivery v
    SET state = 'failed', settled_at = now(), next_attempt_at = NULL, relay = '', code = '', text = %(words)s
    FROM dispatcher_dispatch d
    WHERE d.id = ANY(%(stopped)s) AND v.dispatch_id = d.id AND v.state IN ('waiting', 'deferred')
    RETURNING v.subscriber_id, v.dispatch_id
)
INSERT INTO dispatcher_owed (subscriber_id, brief_id, dispatch_id)
SELECT DISTINCT ON (l.subscriber_id, c.brief_id) l.subscriber_id, c.brief_id, a.id
FROM left_over l
JOIN dispatcher_digestbrief c ON c.dispatch_id = l.dispatch_id
JOIN dispatcher_brief b ON b.id = c.brief_id AND b.withdrawn_at IS NULL
JOIN dispatcher_dispatch a ON a.brief_id = c.brief_id AND a.state <> 'cancelled'
ORDER BY l.subscriber_id, c.brief_id, a.id DESC
ON CONFLICT (subscriber_id, brief_id) DO NOTHING
"""


def stop(brief: Brief, *, by: str, why: str) -> list[int]:
    """End what has not ended of a brief's dispatches and of digests that hold it; which those were.

    In the transaction of its retraction, under the brief's lock; repeats find nothing.
    """
    said = f"the brief was withdrawn: {why}" if why else "the brief was withdrawn"
    own = _end(Dispatch.objects.filter(brief=brief), Act.What.CANCELLED, by=by, words=said)
    held = f"it held “{brief.headline}”, which was withdrawn"
    holding = Dispatch.objects.filter(pk__in=brief.digests.values("dispatch"))
    digests = _end(holding, Act.What.REPLACED, by=by, words=held)
    runs = DigestRun.objects.filter(dispatches__in=digests).distinct()
    for run_id in list(runs.order_by("pk").values_list("pk", flat=True)):
        # Who gathers it now has looked for what was stopped already: another begins anew.
        DigestRun.objects.filter(pk=run_id).update(finished_at=None, holder="", lease_until=None)
        queue.gather(run_id)
    return own + digests


def open_of(brief: Brief) -> list[Dispatch]:
    """What a retraction would end now: the brief's dispatches, and digests that hold it."""
    rows = Dispatch.objects.filter(Q(brief=brief) | Q(pk__in=brief.digests.values("dispatch")))
    return list(rows.filter(state__in=STOPPABLE).defer("letter").order_by("pk"))


def owed(brief: Brief) -> int:
    """How many readers are still to get it in a digest."""
    return Owed.objects.filter(brief=brief).count()


def owe_anew(run: DigestRun) -> bool:
    """Owe the rest of a run's stopped digests to those whom they have not reached; whether all is told.

    It is not while a worker has letters of them in hand. Repeats owe nothing twice.
    """
    stopped = replaced(run)
    if not stopped:
        return True
    with connection.cursor() as cursor:
        cursor.execute(SQL_OWE_ANEW, {"stopped": stopped, "words": REPLACED})
    in_hand = Delivery.objects.filter(dispatch__in=stopped, state=Delivery.State.CARRYING)
    return not in_hand.exists()


def replaced(run: DigestRun) -> list[int]:
    """The run's digests that were stopped for what they held."""
    rows = Dispatch.objects.filter(run=run, acts__what=Act.What.REPLACED)
    return list(rows.order_by("pk").values_list("pk", flat=True).distinct())


def _end(dispatches: QuerySet[Dispatch], what: str, *, by: str, words: str) -> list[int]:
    """Cancel those that can be, each with an act that says why."""
    rows = dispatches.filter(state__in=STOPPABLE).order_by("pk")
    open_ = list(rows.select_for_update(of=("self",), no_key=True).defer("letter"))
    ids = [dispatch.pk for dispatch in open_]
    Dispatch.objects.filter(pk__in=ids).update(state=State.CANCELLED, finished_at=timezone.now())
    for dispatch in open_:
        dispatching.note(dispatch, what, by=by, words=words)
    return ids
