"""Whether this process lives, and whether it can do its work; for load balancers and containers.

Open to everyone, so an answer names what is wrong but no address; the log has the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import lru_cache

from django.db import Error
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from dispatcher import queue
from dispatcher.errors import QueueUnreachable
from dispatcher.watching.asking import own_cursor

log = logging.getLogger(__name__)


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is asked, so that a restart is never the cure for a database."""
    return _answer(200, {"live": True})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """PostgreSQL answers and has our tables, Valkey answers; else 503 with the reasons, within seconds.

    Alarms are none of them: what they are about is not mended by taking this process out of service.
    """
    reasons = [reason for reason in (database_trouble(), _queue()) if reason]
    return _answer(503 if reasons else 200, {"ready": not reasons, "reasons": reasons})


def database_trouble() -> str:
    """What is wrong with PostgreSQL or our tables in it; empty if nothing is. Within seconds."""
    try:
        missing = _missing_migrations()
    except Error as fault:
        log.warning("not ready, PostgreSQL: %s", fault)
        return "PostgreSQL does not answer."
    return f"{missing} migrations are not applied; run `dispatcher migrate`." if missing else ""


def _missing_migrations() -> int:
    """Django's own way to find out asks over the connection of the process, which has no deadline."""
    with own_cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return len(_migrations())
        cursor.execute("SELECT app, name FROM django_migrations")
        return len(_migrations() - set(cursor.fetchall()))


@lru_cache(maxsize=1)
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).graph.nodes)


def _queue() -> str:
    try:
        queue.check_reachable()
    except QueueUnreachable as fault:
        log.warning("not ready, Valkey: %s", fault)
        return "Valkey does not answer."
    return ""


def _answer(status: int, facts: Mapping[str, object]) -> JsonResponse:
    response = JsonResponse(dict(facts), status=status)
    response["Cache-Control"] = "no-store"
    return response
