"""Leaving by the link of a letter: which rules made that letter come, and ending just those.

How a rule ends, and comes back, is `audience.consent`'s; what the reader is shown, the pages'.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from dispatcher import links
from dispatcher.audience import access, consent, standing
from dispatcher.audience.models import Consent, Subscriber, Subscription
from dispatcher.audience.standing import Line
from dispatcher.errors import BadToken
from dispatcher.letters.words import words
from dispatcher.mailing import notices
from dispatcher.mailing.behind import rules_behind
from dispatcher.mailing.models import Dispatch, Notice


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
    ours = words(reader.language)
    return Prospect(standing.lines(ending, ours), standing.lines(remaining, ours))


def leave_stream(subscriber_id: int, dispatch_id: int, *, source: str) -> int:
    """End the rules that made this dispatch's letter come to the reader (RFC 8058 §3.2); how many ended.

    Repeats end nothing and do not fail, nor does a reader who is gone.
    """
    reader = Subscriber.objects.filter(pk=subscriber_id).first()
    return _end(reader, _behind(reader, dispatch_id), source=source) if reader else 0


def leave_by_mail(token: str) -> bool:
    """`leave_stream` by a letter to the mailto address (RFC 2369 §3.2); whether the token is one of ours.

    A way out of any age works, as a link does.
    """
    try:
        way_out = access.way_out(token)
    except BadToken:
        return False
    leave_stream(way_out.reader_id, way_out.dispatch_id, source="by mail")
    return True


def stop(subscriber_id: int, rule_id: int, *, source: str) -> int:
    """End one rule of the reader; how many ended, none when it is not theirs or ended before."""
    reader = Subscriber.objects.filter(pk=subscriber_id).first()
    return _end(reader, consent.live(reader).filter(pk=rule_id), source=source) if reader else 0


def stop_everything(subscriber_id: int, *, source: str) -> int:
    """End all rules of the reader; how many were live."""
    reader = Subscriber.objects.filter(pk=subscriber_id).first()
    return _end(reader, consent.live(reader), source=source) if reader else 0


def _end(reader: Subscriber, rules: Iterable[Subscription], *, source: str) -> int:
    """End these rules; when none is left a last letter says so and how to undo it."""
    ending = list(rules)
    if not ending:
        return 0
    with transaction.atomic():
        ended = consent.leave(reader, ending, source=source)
        has_left = reader.state == Subscriber.State.LEFT
        if ended and has_left and not _came_back_lately(reader):
            _bid_farewell(reader, ending)
    return ended


def _bid_farewell(reader: Subscriber, ended: Iterable[Subscription]) -> None:
    lines = standing.lines(ended, words(reader.language))
    notices.post(
        Notice.Kind.FAREWELL,
        to=reader.address,
        language=reader.language,
        reader_id=reader.pk,
        link=links.manage(access.for_managing()(reader.pk, reader.link_version)),
        facts={"rules": "\n".join(f"{line.words}." for line in lines)},
    )


def _came_back_lately(reader: Subscriber) -> bool:
    """Who leaves, undoes and leaves again needs no second farewell."""
    since = timezone.now() - timedelta(hours=consent.UNDO_HOURS)
    return reader.consents.filter(act=Consent.Act.RETURNED, at__gte=since).exists()


def _behind(reader: Subscriber, dispatch_id: int) -> list[Subscription]:
    """The live rules that let the dispatch through.

    All of them when nobody knows the dispatch any more: the wish to get no more of it must be met,
    and ending too much can be undone.
    """
    live = list(consent.live(reader))
    if not live:
        return []
    dispatch = (
        Dispatch.objects.select_related("run")
        .only("kind", "topics", "lane", "run__cadence")
        .filter(pk=dispatch_id)
        .first()
    )
    return live if dispatch is None else rules_behind(dispatch, live)
