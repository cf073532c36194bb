"""What was judged a moment ago is not believed by the next test; and signs of life from the past."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from dispatcher import signs
from dispatcher.watching import alarms

LeaveAged = Callable[[str, float], None]


@pytest.fixture(autouse=True)
def fresh_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "_seen", None)


@pytest.fixture
def leave_aged(valkey: Redis) -> LeaveAged:
    """Leave a sign as if so many seconds ago."""

    def leave(name: str, seconds: float) -> None:
        signs.leave(name)
        key = f"dispatcher:sign:{name}"
        valkey.pexpire(key, valkey.pttl(key) - round(seconds * 1000))

    return leave
