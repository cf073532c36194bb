"""Two doors at the same moment: a call in a thread of its own, over its own connection.

For tests with `transaction=True`, where rows that one has not committed hold the other up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from django.db import connection, connections, transaction

Answer = TypeVar("Answer")


def overtaken(call: Callable[[], Answer], *, by: Callable[[], object]) -> Answer:
    """What `call` answers when `by` stores something first, but commits only once `call` waits for it."""
    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            by()
            answer = thread.submit(_over_its_own_connection, call)
            _wait_until_blocked(answer)
        return answer.result(10)


def together(*calls: Callable[[], Answer]) -> list[Answer]:
    """What each answers when all are made at once; raises what one of them does."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(_over_its_own_connection, calls))


def _over_its_own_connection(call: Callable[[], Answer]) -> Answer:
    try:
        return call()
    finally:
        connections.close_all()


def _wait_until_blocked(answer: Future[Answer]) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and not answer.done():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    assert answer.done(), "the call neither waited nor ended"
