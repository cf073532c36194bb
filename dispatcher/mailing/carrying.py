"""Carrying a batch: claim it, commit, hand its letters over, record what the relay said.

A batch is held under a lease, so it may be nudged any number of times and by several workers: one
carries it. What the relay said of a letter is journalled before the next one goes; see `journal`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from redis.exceptions import RedisError

from dispatcher import logs, metrics, queue
from dispatcher.errors import RelayUnreachable
from dispatcher.letters.slots import UnsafeValue
from dispatcher.mailing import composing, leases, ledger, sealing
from dispatcher.mailing.addressing import Addressee, addressees
from dispatcher.mailing.giving_way import Way
from dispatcher.mailing.journal import Journal, Line
from dispatcher.mailing.leases import Lease, LeaseLost
from dispatcher.mailing.models import Dispatch
from dispatcher.relays import pool
from dispatcher.relays.gate import was_stopped
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.pool import Pool

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0  # how often a batch in hand looks whether it may go on
SOON = timedelta(minutes=1)  # what is due by then is posted again at once; the sweep finds the rest

# Mark what is due as being carried, and what a lost holder had begun with it. Only the holder does so.
# After the lost one's journal is recorded, so that its lines are never taken for lines about now.
SQL_BEGIN = """
UPDATE dispatcher_delivery d SET state = 'carrying'
FROM dispatcher_batch b
WHERE b.id = %(batch)s AND b.holder = %(holder)s AND d.batch_id = b.id
  AND (d.state IN ('waiting', 'carrying') OR d.state = 'deferred' AND d.next_attempt_at <= now())
RETURNING d.id, d.subscriber_id, d.attempts
"""

# What a lost holder had in hand, in the order in which it went.
SQL_LEFT_BEHIND = """
SELECT id, attempts FROM dispatcher_delivery WHERE batch_id = %s AND state = 'carrying' ORDER BY id
"""


class Due(NamedTuple):
    """A delivery that is to go now; `attempts` were made before."""

    id: int
    subscriber_id: int
    attempts: int


def never() -> bool:
    return False


def carry(batch_id: int, *, is_stopping: Callable[[], bool] = never) -> None:
    """Hand over what is due of a batch and record it. Does nothing if it is held, done or not due.

    Whatever breaks on the way, what is known by then is recorded first; the rest waits for the sweep.
    So does the rest of a dispatch that is paused or cancelled meanwhile, or of a process that is told
    to stop.
    """
    lease = leases.claim(batch_id)
    if lease is None:
        return
    with logs.about(dispatch=lease.dispatch_id, batch=batch_id):
        dispatch = Dispatch.objects.defer("letter").get(pk=lease.dispatch_id)
        trip = _Trip(lease, dispatch, is_stopping)
        try:
            with lease.kept():
                due_in = trip.make()
        except LeaseLost:
            log.warning("taken over by another worker; stopping")
            return
        finally:
            metrics.count_batch(dispatch.lane, lease.seconds, trip.outcomes)
        if due_in is None:
            ledger.close(dispatch.pk)
        elif due_in < SOON:
            queue.carry(batch_id, lane=dispatch.lane, after=due_in)


class _Trip:
    """One carrying of a batch that is held: what of it is due, and a line for what became of each."""

    def __init__(self, lease: Lease, dispatch: Dispatch, is_stopping: Callable[[], bool]) -> None:
        self._lease = lease
        self._dispatch = dispatch
        self._is_stopping = is_stopping
        self._is_urgent = dispatch.lane == Dispatch.Lane.URGENT
        self._journal = Journal(lease.batch_id, lease.holder)
        self._due: dict[int, Due] = {}
        self._lines: list[Line] = []
        self._unnoted: Exception | None = None  # why the journal takes no more
        self._is_holding = settings.UNKNOWN == "hold"
        self._is_over = False  # the dispatch or the process stops

    @property
    def outcomes(self) -> Iterator[Outcome]:
        """What has become of letters so far."""
        return (line.outcome for line in self._lines)

    def make(self) -> timedelta | None:
        """In what time the rest of the batch is due, None if there is none. Raises LeaseLost."""
        if self._lease.left_by:  # and stays so until that went well
            _take_over(self._lease)
        fault: Exception | None = None
        pause = ledger.NO_PAUSE
        try:
            relays = pool.of_this_process()
            pause = timedelta(seconds=relays.wait(is_urgent=self._is_urgent))
            if not pause:
                self._hand_over(relays)
        except LeaseLost:
            raise
        except RelayUnreachable as away:
            log.warning("%s", away)
            self._put_off(str(away))
        except Exception as unforeseen:  # noqa: BLE001  raised again below
            fault = unforeseen
        due_in = self._record(pause, fault)
        self._journal.forget()
        if fault is not None:
            raise fault
        return due_in

    def _record(self, pause: timedelta, fault: Exception | None) -> timedelta | None:
        """Write it all and give the batch back; over a new connection, if PostgreSQL was away meanwhile."""
        words = repr(fault) if fault else ""
        try:
            return ledger.give_back(self._lease, self._lines, pause=pause, fault=words)
        except (OperationalError, InterfaceError) as lost:
            log.warning("PostgreSQL broke off, once more: %s", lost)
            connection.close()
            return ledger.give_back(self._lease, self._lines, pause=pause, fault=words)

    def _hand_over(self, relays: Pool) -> None:
        self._journal.begin()
        self._due = _begin(self._lease)
        going, not_going = _addressed(self._dispatch, self._due.values())
        for outcome in not_going:
            self._note(outcome)
        handed_over = relays.hand_over(
            self._parcels(going), is_urgent=self._is_urgent, may_go=self._may_go
        )
        with closing(handed_over) as outcomes:
            for outcome in outcomes:
                if not was_stopped(outcome):  # else it waits, as if it had never been taken
                    self._note(outcome)
        if self._unnoted is not None:
            raise self._unnoted

    def _note(self, outcome: Outcome) -> None:
        """Without the journal no further letter goes; those on their way have their answers read."""
        line = Line(outcome, self._due[outcome.key].attempts)
        self._lines.append(line)
        if self._unnoted is None:
            try:
                self._journal.note(*line)
            except (RedisError, OSError) as fault:
                self._unnoted = fault

    def _may_go(self, parcel: Parcel) -> bool:
        """Asked just before a letter is written to the relay. Raises LeaseLost."""
        self._lease.check()
        if self._unnoted is not None or self._is_over:
            return False
        if self._is_holding:
            self._journal.note_begun(parcel.key, self._due[parcel.key].attempts)
        return True

    def _parcels(self, going: Iterable[tuple[Due, Addressee]]) -> Iterator[Parcel]:
        """Letters, each written when the relay is ready for it, until the dispatch or the process stops.

        Keeps the lease; raises LeaseLost.
        """
        writers = sealing.Writers(composing.compiled(self._dispatch.pk))
        values = composing.values_of(self._dispatch)
        return_path = composing.return_paths()
        way = Way(is_urgent=self._is_urgent)
        look_at = -math.inf
        for delivery, addressee in going:
            way.give()
            now = time.monotonic()
            if now > look_at:
                self._is_over = self._is_stopping() or not self._lease.keep()
                look_at = now + min(LOOK_SECONDS, settings.LEASE_SECONDS / 4)
            if self._is_over or self._unnoted is not None:
                return
            try:
                write, language = writers[addressee.language]
                data = write(values(addressee, language))
            except UnsafeValue as refusal:
                self._note(Outcome(delivery.id, Result.FAILED, "", "", str(refusal)))
            except Exception:  # one letter that cannot be written must not hold up those behind it
                log.exception("delivery %s could not be written", delivery.id)
                words = "the letter could not be written; the worker's log says why"
                self._note(Outcome(delivery.id, Result.DEFERRED, "", "", words))
            else:
                sender = return_path(delivery.id)
                yield Parcel(delivery.id, sender, addressee.address, data, is_dotless=True)

    def _put_off(self, words: str) -> None:
        """That no relay took a connection counts as an attempt, or a letter would wait for one for ever."""
        self._due = self._due or _begin(self._lease)
        # What was taken when none was left is held back by no relay at all.
        known = [
            line
            for line in self._lines
            if line.outcome.relay or line.outcome.result is not Result.HELD_BACK
        ]
        left = self._due.keys() - {line.outcome.key for line in known}
        self._lines = known + [
            Line(Outcome(key, Result.DEFERRED, "", "", words), self._due[key].attempts)
            for key in sorted(left)
        ]


def _begin(lease: Lease) -> dict[int, Due]:
    """What is due of the batch, by id, marked as being carried, in the order in which it was matched."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_BEGIN, {"batch": lease.batch_id, "holder": lease.holder})
        return {row[0]: Due(*row) for row in sorted(cursor.fetchall())}


def _addressed(
    dispatch: Dispatch, due: Collection[Due]
) -> tuple[list[tuple[Due, Addressee]], list[Outcome]]:
    """Who is to get the letter still, and the outcome for those who are not."""
    found = addressees(dispatch, [delivery.subscriber_id for delivery in due])
    going, not_going = [], []
    for delivery in due:
        addressee = found[delivery.subscriber_id]
        if addressee.refused:
            not_going.append(Outcome(delivery.id, Result.FAILED, "", "", addressee.refused))
        else:
            going.append((delivery, addressee))
    return going, not_going


def _take_over(lease: Lease) -> None:
    """Record what the lost holder journalled. What was on its way then is in doubt: it may have been
    accepted without a line. `UNKNOWN=hold` keeps it for the desk, and so has what is on its way noted;
    `resend` sends it again, and counts an attempt for the next in turn, so that a letter that ends its
    worker does not do so for ever.
    """
    journal = Journal(lease.batch_id, lease.left_by)
    journalled = journal.read()
    known = {(line.outcome.key, line.attempts): line for line in journalled.lines}
    with connection.cursor() as cursor:
        cursor.execute(SQL_LEFT_BEHIND, [lease.batch_id])
        in_hand = set(cursor.fetchall())
    left = sorted(in_hand - known.keys())
    in_doubt = [row for row in left if row in journalled.begun] or left[:1]
    words = "its worker was lost before the relay's answer was noted"
    doubts = [Line(Outcome(pk, Result.UNKNOWN, "", "", words), tries) for pk, tries in in_doubt]
    # Lines about what is not in hand are older, of letters that staff have sent again since.
    lines = [line for attempt, line in known.items() if attempt in in_hand]
    with transaction.atomic():
        ledger.record(lease, lines + doubts)
        leases.close_journal(lease)
    journal.forget()
