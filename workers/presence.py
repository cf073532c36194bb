"""A worker's main process: it says that it is there, and finds its queue again soon after an outage."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery import bootsteps
from celery.worker import consumer

from dispatcher import signs

LONGEST_PAUSE = (
    3.0  # seconds between two attempts; by default half a minute goes by after an outage
)


class Consumer(consumer.Consumer):  # type: ignore[misc]
    """Celery's own, with short pauses between its attempts to connect."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection,
            interval_start=0.5,
            interval_step=0.5,
            interval_max=LONGEST_PAUSE,
        )
        return super().ensure_connected(conn)


class Presence(bootsteps.StartStopStep):  # type: ignore[misc]
    """Says every few seconds which queues this worker consumes, from the loop that takes the jobs.

    A worker that hangs or is cut off from Valkey falls silent with it.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._timer: Any = None

    def start(self, parent: Any) -> None:
        queues = [queue.name for queue in parent.task_consumer.queues]
        say = partial(signs.say_present, parent.hostname, queues)
        say()
        self._timer = parent.timer.call_repeatedly(signs.PRESENT_SECONDS / 3, say)

    def stop(self, parent: Any) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            signs.say_gone(parent.hostname, [queue.name for queue in parent.task_consumer.queues])
