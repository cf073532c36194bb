"""`explain` answers why somebody did or did not get a brief, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.rules import Cadence
from dispatcher.briefs.models import Brief
from dispatcher.errors import BadAddress
from dispatcher.mailing import digests, dispatching, matching
from dispatcher.mailing.explaining import explain
from dispatcher.mailing.models import Delivery, Dispatch
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)


def said(address: str, *, delivered: str = "", **reader: object) -> str:
    """What is said of a reader of a released brief on Iran; with `delivered`, they have a delivery."""
    brief = make_brief(topics=[make_topic("Iran")])
    made = make_reader(address, **reader) if reader else None  # type: ignore[arg-type]
    dispatch = make_dispatch(brief, state=Dispatch.State.DONE, matched_at=timezone.now())
    if delivered:
        assert made
        Delivery.objects.create(
            dispatch=dispatch,
            subscriber=made,
            batch=dispatch.batches.create(number=1),
            state=delivered,
            relay="relay:25",
            text="550 5.1.1 no such user" if delivered == "failed" else "250 kept",
            settled_at=timezone.now(),
        )
    return "\n".join(explain(brief, address))


def test_who_got_it_is_told_when_and_why() -> None:
    words = said("in@example.org", delivered="accepted", any_of=[make_topic("Iran")])
    assert words.startswith("in@example.org got it: relay:25 accepted the letter at ")
    assert "Rule “Iran, at once” matches." in words


def test_who_was_refused_is_told_in_the_relays_own_words() -> None:
    words = said("in@example.org", delivered="failed", any_of=[make_topic("Iran")])
    assert "did not get it: relay:25 refused it" in words
    assert "550 5.1.1 no such user" in words


def test_who_waits_is_told_for_what() -> None:
    iran = make_topic("Iran")
    assert "held back for the pace" in said("in@example.org", delivered="deferred", any_of=[iran])
    Delivery.objects.update(attempts=2, text="451 busy")
    assert "attempt 2 was put off (451 busy)" in "\n".join(
        explain(Brief.objects.get(), "in@example.org")
    )


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        ({"any_of": ["Energy"]}, "does not match: it asks for other topics"),
        ({"all_of": ["Iran", "Energy"]}, "does not match: the brief lacks Energy"),
        ({"any_of": ["Energy", "Iran"], "none_of": ["Iran"]}, "it excludes Iran"),
        ({"any_of": ["Iran"], "cadence": Cadence.DAILY}, "for the daily digest and not at once"),
        ({"any_of": ["Iran"], "state": "pending"}, "has not confirmed"),
    ],
)
def test_who_did_not_get_it_is_told_why(reader: dict[str, object], reason: str) -> None:
    made = {
        key: [make_topic(name) for name in value] if isinstance(value, list) else value
        for key, value in reader.items()
    }
    words = said("out@example.org", **made)  # type: ignore[arg-type]
    assert words.startswith("out@example.org did not get it: dispatch ")
    assert reason in words


def test_a_stranger_a_leaver_and_a_suppressed_address_are_told_so() -> None:
    assert "did not get it: it is not a reader's address" in said("stranger@example.org")
    leaver = make_reader("leaver@example.org", any_of=[make_topic("Iran")])
    consent.leave(leaver, consent.live(leaver), source="a test")
    suppressing.suppress("leaver@example.org", reason="complaint")
    words = "\n".join(explain(make_brief(topics=[make_topic("Iran")]), "leaver@example.org"))
    assert "has not been released" in words
    assert "The reader left on " in words
    assert "ended " in words
    assert "suppressed (complaint)" in words


def test_a_malformed_address_is_refused() -> None:
    with pytest.raises(BadAddress):
        explain(make_brief(), "nobody")


def test_of_a_digest_reader_it_is_told_that_it_is_kept_and_then_which_digest_held_it() -> None:
    iran = make_topic("Iran")
    reader = make_reader("daily@example.org", any_of=[iran], cadence=Cadence.DAILY)
    brief = make_brief(topics=[iran])
    dispatch = dispatching.release(brief, by="ada")
    matching.match(dispatch.pk)
    assert "is kept for the next digest" in explain(brief, reader.address)[0]
    digests.open_due(FIRST)
    for run in digests.open_due(FIRST + timedelta(days=1)):
        digests.gather(run.pk)
    first, second, *_ = explain(brief, reader.address)
    assert first == "daily@example.org has not got it yet: the letter is waiting."
    assert "“Your daily digest: 1 brief, 3 March 2026”, one of 1" in second
