"""Who polls feeds, held in the process for some seconds and then handed to `readership` in one go.

A poll costs a look into a set. What a process holds when it is killed is lost: these are estimates.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from dispatcher.feeds import readership

log = logging.getLogger(__name__)

EVERY = 5.0  # seconds
MOST = 20_000  # different polls of that time; more are not noted
_LONGEST = 256  # characters of a header


class Notes:
    """The polls of this process. Threads share it; its own thread starts with the first poll."""

    def __init__(self) -> None:
        self._polls: set[readership.Poll] = set()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def add(self, channel: str, environ: Mapping[str, Any]) -> None:
        """A feed was got. The same poller counts once, so that is all that is kept of its polls."""
        if len(self._polls) < MOST:
            self._polls.add(
                (
                    channel,
                    environ["PATH_INFO"],
                    environ.get("REMOTE_ADDR", ""),
                    environ.get("HTTP_X_FORWARDED_FOR", "")[-_LONGEST:],
                    environ.get("HTTP_USER_AGENT", "")[:_LONGEST],
                )
            )
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="noting", daemon=True)
                self._thread.start()

    def __len__(self) -> int:
        return len(self._polls)

    def hand_on(self) -> None:
        """Have what was noted counted; without Valkey it is forgotten."""
        noted, self._polls = self._polls, set()
        polls = list(noted)  # a thread that was about to add one may do so still; it is forgotten
        try:
            if polls:
                readership.count(polls)
        except (RedisError, OSError) as fault:
            log.debug("%s polls of feeds are not counted: %s", len(polls), fault)

    def _run(self) -> None:
        while True:
            time.sleep(EVERY)
            try:
                self.hand_on()
            except Exception:  # what one poll says ends the count of no other
                log.exception("polls of feeds are not counted")
