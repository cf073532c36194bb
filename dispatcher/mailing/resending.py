"""What is left of a dispatch, letters that failed for no fault of their readers and letters in doubt:
how many they are, sending them again, or taking those in doubt for accepted.

Whether it is worth another try is for staff; which letters may have one is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection, transaction

from dispatcher import queue
from dispatcher.errors import WrongState
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Act, Dispatch

State = Dispatch.State
RESENDABLE = (State.DONE, State.SENDING)

# A failure is the reader's when it speaks of the address or the mailbox (RFC 3463 §3.2 and §3.3: 5.1.x and
# 5.2.1, but 5.1.7 and 5.1.8 are about the sender; without such a code RFC 5321 §4.2.3: 550, 551, 553), or
# when the reader was no longer to be mailed. What was given up after refusals for now never is: its last
# code may be the answer to our own name; nor is what staff dismissed of a relay that refused nearly all
# (see `fuses`). Readers who may not be mailed by now are no part of the rest.
SQL_FAILED = r"""
    d.state = 'failed' AND (
        d.text LIKE 'given up after %%'
        OR EXISTS (SELECT FROM dispatcher_receipt x JOIN dispatcher_fuse f ON f.id = x.fuse_id
                   WHERE x.delivery_id = d.id AND f.verdict = 'dismissed')
        OR NOT (d.code ~ '^5\.1\.' AND d.code NOT IN ('5.1.7', '5.1.8')
                OR d.code = '5.2.1'
                OR d.code = '' AND d.text ~ '^55[013]\M'
                OR d.relay = '' AND d.text LIKE '%% before it was handed over'))
    AND r.state = 'active' AND NOT r.is_suppressed
"""
SQL_DOUBTFUL = "d.state = 'unknown'"

# A batch in a worker's hands is left alone: what it settles is counted before our rows would be seen.
SQL_COUNT = f"""
SELECT count(*) FILTER (WHERE d.state = 'failed'), count(*) FILTER (WHERE d.state = 'unknown')
FROM dispatcher_delivery d
JOIN dispatcher_batch b ON b.id = d.batch_id AND b.state <> 'carrying'
JOIN dispatcher_subscriber r ON r.id = d.subscriber_id
WHERE d.dispatch_id = %(dispatch)s AND d.state IN ('failed', 'unknown') AND (({SQL_FAILED}) OR {SQL_DOUBTFUL})
"""  # noqa: S608  all parts are constants

# The letters wait as on the first day and their batches are due. Batches are locked first, so none is
# claimed or settled meanwhile; a repeat finds nothing in these states.
SQL_WAIT_AGAIN = f"""
WITH free AS (
    SELECT id FROM dispatcher_batch WHERE dispatch_id = %(dispatch)s AND state <> 'carrying' FOR UPDATE
), moved AS (
    UPDATE dispatcher_delivery d
    SET state = 'waiting', attempts = 0, next_attempt_at = NULL, settled_at = NULL, relay = '', code = '', text = ''
    FROM dispatcher_subscriber r
    WHERE d.dispatch_id = %(dispatch)s AND d.batch_id IN (SELECT id FROM free) AND r.id = d.subscriber_id
      AND (%(failed)s AND ({SQL_FAILED}) OR %(doubtful)s AND {SQL_DOUBTFUL})
    RETURNING d.batch_id
), reopened AS (
    UPDATE dispatcher_batch SET state = 'waiting', due_at = now(), posted_at = now(), faults = 0, fault = ''
    WHERE id IN (SELECT batch_id FROM moved) RETURNING id, number
)
SELECT (SELECT count(*) FROM moved), (SELECT array_agg(id ORDER BY number) FROM reopened)
"""  # noqa: S608

# The relay's answer to these never came; from now on they count as taken. Their moment stays.
SQL_ACCEPT = f"""
WITH free AS (
    SELECT id FROM dispatcher_batch WHERE dispatch_id = %(dispatch)s AND state <> 'carrying' FOR UPDATE
)
UPDATE dispatcher_delivery d SET state = 'accepted', text = left('taken as accepted: ' || d.text, 300)
WHERE d.dispatch_id = %(dispatch)s AND d.batch_id IN (SELECT id FROM free) AND {SQL_DOUBTFUL}
"""  # noqa: S608


class RestChanged(WrongState):
    """The rest is another number of letters than was shown."""


@dataclass(frozen=True, slots=True)
class Rest:
    """How many letters failed for no fault of their readers, and how many are in doubt."""

    failed: int = 0
    doubtful: int = 0

    @property
    def letters(self) -> int:
        return self.failed + self.doubtful


def rest(dispatch: Dispatch) -> Rest:
    """What could be sent again, counted from the deliveries; nothing unless it is done or sending."""
    if dispatch.state not in RESENDABLE or _is_letter_gone(dispatch):
        return Rest()
    with connection.cursor() as cursor:
        cursor.execute(SQL_COUNT, {"dispatch": dispatch.pk})
        return Rest(*cursor.fetchone())


@transaction.atomic
def send_rest(
    dispatch_id: int,
    *,
    by: str,
    failed: bool = True,
    doubtful: bool = True,
    shown: int | None = None,
) -> int:
    """Send the rest again, or of it only the failed or only those in doubt; returns how many letters.

    They go out under their old Message-IDs. `shown` is the number that was agreed to. Raises RestChanged
    if it is another now, NoSuchDispatch, and WrongState unless the dispatch is done or sending and has
    a rest; so a repeat sends nothing.
    """
    dispatch = _lock(dispatch_id)
    with connection.cursor() as cursor:
        cursor.execute(
            SQL_WAIT_AGAIN, {"dispatch": dispatch_id, "failed": failed, "doubtful": doubtful}
        )
        letters, batches = cursor.fetchone()
    _refuse_other_number(dispatch, letters, shown)
    Dispatch.objects.filter(pk=dispatch_id).update(state=State.SENDING, finished_at=None)
    dispatching.note(dispatch, Act.What.SENT_REST, by=by, words=_counted(letters))
    for batch_id in batches:
        queue.carry(batch_id, lane=dispatch.lane)
    return int(letters)


@transaction.atomic
def accept_doubtful(dispatch_id: int, *, by: str, shown: int | None = None) -> int:
    """Take the letters in doubt for accepted; returns how many. Raises what `send_rest` does."""
    dispatch = _lock(dispatch_id)
    with connection.cursor() as cursor:
        cursor.execute(SQL_ACCEPT, {"dispatch": dispatch_id})
        letters: int = cursor.rowcount
    _refuse_other_number(dispatch, letters, shown)
    dispatching.note(dispatch, Act.What.ACCEPTED, by=by, words=_counted(letters))
    return letters


def _lock(dispatch_id: int) -> Dispatch:
    """The dispatch, kept from being closed or changed until the transaction ends."""
    dispatching.find(dispatch_id)
    rows = Dispatch.objects.select_for_update().defer("letter")
    dispatch = rows.get(pk=dispatch_id)
    if dispatch.state not in RESENDABLE:
        raise WrongState(
            f"Dispatch {dispatch_id} is {dispatch.state}; the rest can be sent of one that is done or sending."
        )
    if _is_letter_gone(dispatch):
        raise WrongState(f"Digest {dispatch_id} is too old: its letter is no longer kept.")
    return dispatch


def _is_letter_gone(dispatch: Dispatch) -> bool:
    """Letters of digests are not kept for ever (see `retention`)."""
    rows = Dispatch.objects.filter(pk=dispatch.pk, kind=Dispatch.Kind.DIGEST)
    return rows.filter(letter=b"").exists()


def _refuse_other_number(dispatch: Dispatch, letters: int, shown: int | None) -> None:
    if not letters:
        raise WrongState(f"Dispatch {dispatch.pk} has nothing left to send again.")
    if shown is not None and letters != shown:
        raise RestChanged(
            f"It was {_counted(shown)} when you looked and is {letters:,} now."
            " Look at the number again, then confirm it."
        )


def _counted(letters: int) -> str:
    return f"{letters:,} letter{'' if letters == 1 else 's'}"
