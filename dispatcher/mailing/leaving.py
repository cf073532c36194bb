"""Leaving by the link of a letter: which rules made that letter come, and ending just those.

How a rule ends, and comes back, is `audience.consent`'s; what the reader is shown, the pages'.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from dispatcher import links
from dispatcher.audience import access, consent, standing
from dispatcher.audience.models import Consent, Subscriber, Subscription
from dispatcher.audience.standing import Line
from dispatcher.errors import BadToken
from dispatcher.letters.words import words
from dispatcher.mailing import notices
from dispatcher.mailing.behind import rules_behind
from dispatcher.mailing.models import DigestRun, Dispatch, Notice
from dispatcher.mailing.noticing import NO_DISPATCH

# All that leaving asks, in one look: the reader, whether they came back lately, their live rules and those
# that they gave up since the dispatch, and what that was. No row when the reader is gone.
SQL_LOOK = """
SELECT r.address, r.language, r.link_version, r.state,
       EXISTS (SELECT FROM dispatcher_consent c
               WHERE c.subscriber_id = r.id AND c.act = %(returned)s AND c.at >= %(lately)s),
       (SELECT json_agg(json_build_array(s.id, s.match, s.topics, s.except_topics, s.cadence,
                                         s.ended_at IS NULL) ORDER BY s.id)
        FROM dispatcher_subscription s WHERE s.subscriber_id = r.id AND (s.ended_at IS NULL
            OR s.ended_reason = ANY(%(by_wish)s::text[])
               AND s.ended_at >= coalesce(d.scheduled_for, d.released_at))),
       d.id, d.kind, d.lane, d.topics, u.id, u.cadence
FROM dispatcher_subscriber r
LEFT JOIN dispatcher_dispatch d ON d.id = %(dispatch)s
LEFT JOIN dispatcher_digestrun u ON u.id = d.run_id
WHERE r.id = %(reader)s
"""


@dataclass(frozen=True, slots=True)
class Prospect:
    """What leaving would do now: the rules it would end, and those that would remain."""

    ending: tuple[Line, ...] = ()
    remaining: tuple[Line, ...] = ()


class _Look(NamedTuple):
    """A reader, and the dispatch that they would have no more of, if anybody knows it.

    `given_up` are the rules that ended since at their wish.
    """

    reader: Subscriber
    came_back_lately: bool
    live: list[Subscription]
    given_up: list[Subscription]
    dispatch: Dispatch | None

    @property
    def behind(self) -> list[Subscription]:
        """The live rules that let the dispatch through.

        All of them when nobody knows the dispatch any more: the wish to get no more of it must be met,
        and ending too much can be undone. What was given up counts as behind it still, so that who says
        it again ends nothing more.
        """
        if self.dispatch is None or not self.live:
            return self.live
        behind = rules_behind(self.dispatch, [*self.live, *self.given_up])
        return [rule for rule in behind if rule not in self.given_up]


def prospect(subscriber_id: int, dispatch_id: int) -> Prospect:
    """Look ahead at leaving; changes nothing. A reader who is gone has nothing to end."""
    look = _look(subscriber_id, dispatch_id)
    if look is None:
        return Prospect()
    ending = look.behind
    remaining = [rule for rule in look.live if rule not in ending]
    ours = words(look.reader.language)
    return Prospect(standing.lines(ending, ours), standing.lines(remaining, ours))


def leave_stream(subscriber_id: int, dispatch_id: int, *, source: str) -> int:
    """End the rules that made this dispatch's letter come to the reader (RFC 8058 §3.2); how many ended.

    Repeats end nothing and do not fail, nor does a reader who is gone.
    """
    look = _look(subscriber_id, dispatch_id)
    return _end(look, look.behind, source=source) if look else 0


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


def stop(subscriber_id: int, rule_id: int, *, source: str, why: str = consent.BY_READER) -> int:
    """End one rule of the reader; how many ended, none when it is not theirs or ended before."""
    look = _look(subscriber_id)
    rules = [rule for rule in look.live if rule.pk == rule_id] if look else []
    return _end(look, rules, source=source, why=why) if look else 0


def stop_everything(subscriber_id: int, *, source: str) -> int:
    """End all rules of the reader; how many were live."""
    look = _look(subscriber_id)
    return _end(look, look.live, source=source) if look else 0


def _look(subscriber_id: int, dispatch_id: int = NO_DISPATCH) -> _Look | None:
    parameters: dict[str, Any] = {
        "reader": subscriber_id,
        "dispatch": dispatch_id,
        "returned": Consent.Act.RETURNED.value,
        "by_wish": [*consent.BY_WISH],
        "lately": timezone.now() - timedelta(hours=consent.UNDO_HOURS),
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_LOOK, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    (
        address,
        language,
        version,
        state,
        came_back,
        rules,
        number,
        kind,
        lane,
        topics,
        run,
        cadence,
    ) = row
    reader = Subscriber(
        pk=subscriber_id, address=address, language=language, link_version=version, state=state
    )
    live: list[Subscription] = []
    given_up: list[Subscription] = []
    for pk, match, wanted, unwanted, when, is_live in rules or ():
        rule = Subscription(
            pk=pk,
            subscriber=reader,
            match=match,
            topics=wanted,
            except_topics=unwanted,
            cadence=when,
        )
        (live if is_live else given_up).append(rule)
    dispatch = None
    if number is not None:
        of_run = DigestRun(pk=run, cadence=cadence) if run else None
        dispatch = Dispatch(pk=number, kind=kind, lane=lane, topics=topics, run=of_run)
    return _Look(reader, came_back, live, given_up, dispatch)


def _end(
    look: _Look, ending: list[Subscription], *, source: str, why: str = consent.BY_READER
) -> int:
    """End these rules; when none is left a last letter says so and how to undo it.

    Who leaves, undoes and leaves again needs no second one.
    """
    if not ending:
        return 0
    with transaction.atomic():
        ended = consent.leave(look.reader, ending, source=source, why=why)
        has_left = look.reader.state == Subscriber.State.LEFT
        if ended and has_left and not look.came_back_lately:
            _bid_farewell(look.reader, ending)
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
        may_wait=True,
    )
