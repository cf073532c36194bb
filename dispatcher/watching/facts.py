"""All that is known at this moment, for metrics and alarms: rows of PostgreSQL, signs in Valkey.

A source that does not answer within seconds is None: what it would say is unknown, not nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.db import Error
from django.utils import timezone
from redis.exceptions import RedisError

from dispatcher import queue, signs
from dispatcher.errors import RelayUnreachable
from dispatcher.relays.standing import Standing, standing
from dispatcher.signs import Signs
from dispatcher.watching import rows
from dispatcher.watching.rows import Rows

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Facts:
    """`relays` is how they stand, as workers have met them; nothing where none is set."""

    at: datetime
    rows: Rows | None
    signs: Signs | None
    relays: tuple[Standing, ...] = ()


def gather() -> Facts:
    """Ask both sources; takes some seconds at the most, however they hang."""
    found = _signs()
    return Facts(timezone.now(), _rows(), found, _relays() if found is not None else ())


def _rows() -> Rows | None:
    try:
        return rows.read()
    except Error as fault:
        log.warning("PostgreSQL tells nothing: %s", fault)
        return None


def _signs() -> Signs | None:
    try:
        return signs.read(queue.QUEUES, (signs.BEAT, signs.SWEEP))
    except (RedisError, OSError) as fault:
        log.warning("Valkey tells nothing: %s", fault)
        return None


def _relays() -> tuple[Standing, ...]:
    try:
        return tuple(standing())
    except RelayUnreachable:  # none is set: `doctor` says so
        return ()
    except (RedisError, OSError) as fault:
        log.warning("Valkey tells nothing of the relays: %s", fault)
        return ()
