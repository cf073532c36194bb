"""The right to carry a batch: taken in one statement, kept while its holder lives, lost when it does not.

A lease is renewed between letters, and by a thread while one letter takes long (RFC 5321 §4.5.3.2.6
grants a relay ten minutes). A holder that cannot be sure of its lease must not send another letter.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.models import Q
from django.db.models.functions import Now

from dispatcher.mailing.models import Batch, Dispatch

log = logging.getLogger(__name__)

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the first is Linux's own

MOVING = (Dispatch.State.MATCHING, Dispatch.State.SENDING)

# Take a batch that `may_be_claimed`; no row when it is not to be had, or another is just taking it.
# A repeat finds it held. Whose journal is still to be recorded is remembered until that is done, however
# many are lost over it.
SQL_CLAIM = """
WITH free AS (
    SELECT b.id, b.state, b.holder FROM dispatcher_batch b JOIN dispatcher_dispatch d ON d.id = b.dispatch_id
    WHERE b.id = %(batch)s
      AND (b.state = 'waiting' AND b.due_at <= now() AND d.state = ANY(%(moving)s)
           OR b.state = 'carrying' AND b.lease_until < now())
    FOR UPDATE OF b SKIP LOCKED
)
UPDATE dispatcher_batch b
SET state = 'carrying', holder = %(holder)s, lease_until = now() + %(lease)s, are_refusals_counted = false,
    left_by = CASE WHEN b.left_by = '' AND free.state = 'carrying' THEN free.holder ELSE b.left_by END
FROM free WHERE b.id = free.id
RETURNING b.dispatch_id, b.left_by
"""

# The lease anew, and whether the dispatch is still to be sent; no row when another holds the batch now.
SQL_KEEP = """
UPDATE dispatcher_batch b SET lease_until = now() + %(lease)s
FROM dispatcher_dispatch d
WHERE b.id = %(batch)s AND b.holder = %(holder)s AND b.lease_until > now() AND d.id = b.dispatch_id
RETURNING d.state = ANY(%(moving)s)
"""


def _clock() -> float:
    """Seconds that pass for PostgreSQL too, while this machine is suspended (clock_gettime(2))."""
    return time.clock_gettime(_CLOCK)


class LeaseLost(Exception):  # noqa: N818  a state, not a fault
    """Another worker has the batch or may have it; this one must not send another letter of it."""


@dataclass(slots=True)
class Lease:
    """A batch in this process's hands. `left_by`: the holder that never gave it back, if there is one."""

    batch_id: int
    dispatch_id: int
    left_by: str
    holder: str
    _sure_until: float
    _taken_at: float = field(default_factory=_clock)
    _given_back: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        """How long ago it was taken."""
        return _clock() - self._taken_at

    def keep(self) -> bool:
        """Renew it; whether the dispatch is still to be sent. Raises LeaseLost."""
        asked_at = _clock()
        with connection.cursor() as cursor:
            cursor.execute(SQL_KEEP, _parameters(self.batch_id, self.holder))
            row = cursor.fetchone()
        if row is None:
            self._sure_until = 0.0
            raise LeaseLost
        self._sure_until = asked_at + settings.LEASE_SECONDS
        return bool(row[0])

    def check(self) -> None:
        """Raise LeaseLost unless it is surely held at this moment. Costs no query."""
        if _clock() >= self._sure_until:
            raise LeaseLost

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Inside the block it stays held, however long one letter takes."""
        keeper = threading.Thread(target=self._keep_on, name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            self._given_back.set()
            keeper.join(1.0)

    def _keep_on(self) -> None:
        pause = settings.LEASE_SECONDS / 3
        try:
            while not self._given_back.wait(pause):
                if self._sure_until - _clock() < 2 * pause:
                    self._keep_or_say()
        except LeaseLost:
            log.warning("batch %s was taken over", self.batch_id)
        finally:
            connection.close()  # this thread's own, opened only when a letter takes long

    def _keep_or_say(self) -> None:
        try:
            self.keep()
        except Error as fault:  # there is time for another try before it ends
            log.warning("the lease of batch %s could not be renewed: %s", self.batch_id, fault)
            connection.close()


def claim(batch_id: int) -> Lease | None:
    """Take the lease; None if the batch is not to be had."""
    holder = uuid.uuid4().hex
    asked_at = _clock()
    with connection.cursor() as cursor:
        cursor.execute(SQL_CLAIM, _parameters(batch_id, holder))
        row = cursor.fetchone()
    if row is None:
        return None
    return Lease(
        batch_id=batch_id,
        dispatch_id=row[0],
        left_by=row[1],
        holder=holder,
        _sure_until=asked_at + settings.LEASE_SECONDS,
    )


def close_journal(lease: Lease) -> None:
    """What the lost holder noted is recorded, in this transaction. Raises LeaseLost."""
    held = Batch.objects.filter(pk=lease.batch_id, holder=lease.holder)
    if not held.update(left_by=""):
        raise LeaseLost
    lease.left_by = ""


def may_be_claimed() -> Q:
    """The batches that are to be had: due and let go, or left behind, of a stopped dispatch too, since
    what their holder journalled must come into the ledger. By the clock of PostgreSQL, for there is one.
    """
    return Q(state=Batch.State.WAITING, due_at__lte=Now(), dispatch__state__in=MOVING) | Q(
        state=Batch.State.CARRYING, lease_until__lt=Now()
    )


def _parameters(batch_id: int, holder: str) -> dict[str, Any]:
    return {
        "batch": batch_id,
        "holder": holder,
        "lease": timedelta(seconds=settings.LEASE_SECONDS),
        "moving": list(MOVING),
    }
