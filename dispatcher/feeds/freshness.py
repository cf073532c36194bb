"""Whether anything was published since: one number, asked for by one thread, a few times a second.

Whoever serves from memory compares numbers and waits for no database. While PostgreSQL is away the
last known number stands, which is said once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

EVERY = 0.25  # seconds; so much later at most a process knows what was published
_OLD = 2 * EVERY  # nobody asked for a while: worth waiting for
_DEADLINE = 0.25
_HANGING = 3.0  # a busy machine is late, too
_PAUSE = 1.0  # after a failure
NEVER = float("-inf")


class Freshness:
    """The generation as far as this process knows. `ask` is called in a thread of its own, while there
    is demand; it raises what it likes.
    """

    def __init__(self, ask: Callable[[], int]) -> None:
        self._ask = ask
        self._known: int | None = None
        self._known_at = NEVER  # when the question was put, by the monotonic clock
        self._is_troubled = False
        self._late_since: float | None = None
        self._wanted = threading.Event()
        self._answered = threading.Condition()
        self._thread: threading.Thread | None = None

    def generation(self) -> int | None:
        """The number, a quarter of a second old at most while all is well; None if it was never known.

        Waits for an answer only after a time without demand, and a quarter of a second at most.
        """
        age = self.age()
        if age > EVERY:
            self._wanted.set()
            if self._late_since is not None:
                self._look_at_clock(self._late_since)
            elif age > _OLD and not self._is_troubled:
                self._wait()
        return self._known

    def age(self) -> float:
        """How many seconds ago the number was true for certain."""
        return time.monotonic() - self._known_at

    def _wait(self) -> None:
        with self._answered:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="freshness", daemon=True)
                self._thread.start()
            if not self._answered.wait_for(
                lambda: self.age() <= _OLD or self._is_troubled, _DEADLINE
            ):
                self._late_since = time.monotonic()

    def _look_at_clock(self, late_since: float) -> None:
        """Nobody waits for an answer that is late; one that does not come at all is told."""
        if not self._is_troubled and time.monotonic() > late_since + _HANGING:
            self._trouble("no answer")

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            time.sleep(EVERY if self._learn() else _PAUSE)

    def _learn(self) -> bool:
        asked_at = time.monotonic()
        try:
            known = self._ask()
        except Exception as fault:  # noqa: BLE001  whatever it is, what is known is served on
            with self._answered:
                self._trouble(" ".join(str(fault).split()))
                self._answered.notify_all()
            return False
        with self._answered:
            self._known, self._known_at = known, asked_at
            if self._is_troubled:
                log.info("it can be seen again whether feeds have changed")
            self._is_troubled, self._late_since = False, None
            self._answered.notify_all()
        return True

    def _trouble(self, why: str) -> None:
        if not self._is_troubled:
            log.warning("whether feeds have changed cannot be seen, what is known stands: %s", why)
        self._is_troubled = True
