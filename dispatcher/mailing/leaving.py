"""Leaving by the link of a letter: which rules made that letter come, and ending just those.

How a rule ends, and comes back, is `audience.consent`'s; what the reader is shown, the pages'.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.audience import consent, standing
from dispatcher.audience.models import Subscriber, Subscription
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.audience.standing import Line, Standing
from dispatcher.mailing.models import Dispatch


@dataclass(frozen=True, slots=True)
class Prospect:
    """What leaving would do now: the rules it would end, and those that would remain."""

    ending: tuple[Line, ...] = ()
    remaining: tuple[Line, ...] = ()


def prospect(subscriber_id: int, dispatch_id: int) -> Prospect:
    """Look ahead at leaving; changes nothing. A reader who is gone has nothing to end."""
    reader = Subscriber.objects.filter(pk=subscriber_id).first()
    if reader is None:
        return Prospect()
    ending = _behind(reader, dispatch_id)
    remaining = consent.live(reader).exclude(pk__in=[rule.pk for rule in ending])
    return Prospect(standing.lines(ending), standing.lines(remaining))


def leave_stream(subscriber_id: int, dispatch_id: int, *, source: str) -> Standing:
    """End the rules that made this dispatch's letter come to the reader (RFC 8058 §3.2).

    Returns how things stand then. Repeats end nothing and do not fail, nor does a reader who is gone.
    """
    reader = Subscriber.objects.filter(pk=subscriber_id).first()
    if reader is not None:
        consent.leave(reader, _behind(reader, dispatch_id), source=source)
    return standing.look(subscriber_id)


def _behind(reader: Subscriber, dispatch_id: int) -> list[Subscription]:
    """The live rules that let the dispatch through.

    All of them when nobody knows the dispatch any more: the wish to get no more of it must be met,
    and ending too much can be undone.
    """
    dispatch = Dispatch.objects.only("kind", "topics").filter(pk=dispatch_id).first()
    live = list(consent.live(reader))
    if dispatch is None:
        return live
    is_digest = dispatch.kind == Dispatch.Kind.DIGEST
    return [
        rule
        for rule in live
        if (rule.cadence != Cadence.AT_ONCE) == is_digest
        and Rule.of(rule).lets_through(dispatch.topics)
    ]
