"""A call that ends in time, for libraries whose own deadlines begin anew with each octet that comes."""

from __future__ import annotations

import threading
from collections.abc import Callable


def within(seconds: float, call: Callable[[], object]) -> None:
    """Make the call and wait for its end. Raises TimeoutError, or what it raises.

    What does not end in time goes on in a thread of its own until its library gives it up, which holds up
    nobody: neither the caller nor the end of the process.
    """
    raised: list[BaseException] = []

    def make() -> None:
        try:
            call()
        except BaseException as fault:  # noqa: BLE001  raised again by who waits
            raised.append(fault)

    thread = threading.Thread(target=make, name="call", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise TimeoutError(f"it did not end within {seconds:g} s")
    if raised:
        raise raised[0]
