"""Whether this process lives, and whether it can do its work; for load balancers and containers.

Open to everyone, so an answer names what is wrong but no address; the log has the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from dispatcher import queue
from dispatcher.errors import QueueUnreachable

log = logging.getLogger(__name__)


@require_safe
def live(_request: HttpRequest) -> JsonResponse:
    """The process answers. Nothing else is asked, so that a restart is never the cure for a database."""
    return _answer(200, {"live": True})


@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """PostgreSQL answers and has our tables, Valkey answers; else 503 with the reasons."""
    reasons = [reason for reason in (database_trouble(), _queue()) if reason]
    return _answer(503 if reasons else 200, {"ready": not reasons, "reasons": reasons})


def database_trouble() -> str:
    """What is wrong with PostgreSQL or our tables in it; empty if nothing is."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as fault:
        log.warning("not ready, PostgreSQL: %s", fault)
        return "PostgreSQL does not answer."
    return (
        f"{len(missing)} migrations are not applied; run `dispatcher migrate`." if missing else ""
    )


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
