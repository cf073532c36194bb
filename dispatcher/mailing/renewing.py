"""A row's lease that a thread renews, for work that does not come back between its steps.

Which rows are held, and what it means to lose one, is their owners' to decide.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.db.models import QuerySet
from django.db.models.functions import Now

log = logging.getLogger(__name__)


def lease() -> timedelta:
    """How long a row is held without being renewed."""
    return timedelta(seconds=settings.LEASE_SECONDS)


@contextmanager
def renewed(held: QuerySet[Any]) -> Iterator[None]:
    """Inside the block the lease of what this finds is renewed; `held` must not find what another has."""
    given_back = threading.Event()
    keeper = threading.Thread(target=_keep_on, args=(held, given_back), name="lease", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        given_back.set()
        keeper.join(1.0)


def _keep_on(held: QuerySet[Any], given_back: threading.Event) -> None:
    try:
        while not given_back.wait(settings.LEASE_SECONDS / 3):
            try:
                held.update(lease_until=Now() + lease())
            except Error as fault:  # there is time for another try before it ends
                log.warning("a lease could not be renewed: %s", fault)
                connection.close()
    finally:
        connection.close()  # this thread's own, opened only when the work takes long
