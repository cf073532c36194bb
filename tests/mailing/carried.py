"""A dispatch that is carried within the test's own process, and what may happen on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from dispatcher.mailing import carrying, dispatching, matching
from dispatcher.mailing.journal import Journal, Journalled
from dispatcher.mailing.models import Batch, Delivery, Dispatch
from dispatcher.relays import pool
from dispatcher.relays.outcomes import Outcome, Parcel
from tests.makers import make_brief, make_reader, make_topic


def released(readers: int = 3) -> Dispatch:
    """A matched dispatch with one batch of so many readers, r1@example.org and so on."""
    iran = make_topic("Iran")
    for number in range(1, readers + 1):
        make_reader(f"r{number}@example.org", any_of=[iran], name=f"Reader {number}")
    dispatch = dispatching.release(make_brief(topics=[iran]), by="ada")
    matching.match(dispatch.pk)
    dispatch.refresh_from_db()
    return dispatch


def carry(dispatch: Dispatch) -> dict[str, str]:
    """Carry its batch; the states by the reader's local part."""
    carrying.carry(dispatch.batches.get().pk)
    dispatch.refresh_from_db()
    rows = Delivery.objects.filter(dispatch=dispatch).values_list("subscriber__address", "state")
    return {address.partition("@")[0]: state for address, state in rows}


def noted(holder: str) -> Journalled:
    """What lies in the journal of the one batch under that holder's name."""
    return Journal(Batch.objects.get().pk, holder).read()


def make_due(dispatch: Dispatch) -> None:
    past = timezone.now() - timedelta(seconds=1)
    Delivery.objects.filter(dispatch=dispatch, state="deferred").update(next_attempt_at=past)
    Batch.objects.filter(dispatch=dispatch).update(due_at=past)


def when_handed_over(act: Callable[[Outcome], object]) -> AbstractContextManager[None]:
    """Have that done after each letter that this process hands over."""

    class Acting:
        def __init__(self) -> None:
            self._pool = pool._pool

        def __getattr__(self, name: str) -> Any:
            return getattr(self._pool, name)

        def hand_over(self, parcels: Iterable[Parcel], **ways: Any) -> Iterator[Outcome]:
            assert self._pool
            for outcome in self._pool.hand_over(parcels, **ways):
                yield outcome
                act(outcome)

    @contextmanager
    def acting() -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pool, "of_this_process", Acting)
            yield

    return acting()
