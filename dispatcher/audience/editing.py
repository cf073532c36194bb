"""What a reader changes about what comes: the rules, a pause, and what we call them.

By the reader's number, as the reader's page has it. A rule that changes is ended and another begins, so
that it can be told later which made a letter come.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from dispatcher.audience import consent, zones
from dispatcher.audience.models import Consent, Subscriber, Subscription
from dispatcher.audience.rules import Rule
from dispatcher.audience.suppressing import STOPPED
from dispatcher.errors import BadChoice, BadTopics, NotWelcome
from dispatcher.translating import later

CHANGED = "changed by the reader"
CHANGED_BY_STAFF = "changed by staff"
AGAIN = ", then taken up again"
MOST_RULES = 20
LONGEST_PAUSE = timedelta(days=366)
_OTHER_DAY = later("Choose a day from tomorrow on, within a year.")


def rule_of(reader_id: int, rule_id: int) -> Rule | None:
    """The rule if it is the reader's and live."""
    row = _live(reader_id).filter(pk=rule_id).first()
    return Rule.of(row) if row else None


@transaction.atomic
def add(reader_id: int, rule: Rule, *, source: str) -> bool:
    """Give the reader one more rule; one who had left is back. Whether it is new: repeats add nothing.

    Raises BadTopics, or NotWelcome for an address that is suppressed.
    """
    reader = _locked(reader_id)
    _check(reader)
    if _has(reader_id, rule):
        return False
    if _live(reader_id).count() >= MOST_RULES:
        raise BadTopics(
            later("%(most)s choices are the most. Change one of them instead.", most=MOST_RULES)
        )
    consent.subscribe(reader, rule, source=source)
    is_back = reader.state != Subscriber.State.ACTIVE
    if is_back:
        Subscriber.objects.filter(pk=reader_id).update(state=Subscriber.State.ACTIVE)
    act = Consent.Act.RETURNED if is_back else Consent.Act.CHANGED
    reader.consents.create(act=act, source=source)
    return True


def add_by_staff(reader_id: int, rule: Rule, *, source: str) -> bool:
    """Give the reader one more rule by staff's word; whether it is new.

    Raises NotWelcome for who left, left these topics, has not confirmed or is suppressed.
    """
    reader = Subscriber.objects.filter(pk=reader_id).first()
    if reader is None:
        raise NotWelcome("There is no such reader any more.")
    if _has(reader_id, rule):
        return False
    consent.add(reader.address, rule, source=source)
    return True


@transaction.atomic
def change(
    reader_id: int, rule_id: int, rule: Rule, *, source: str, by_staff: bool = False
) -> bool:
    """Put this rule in the place of one that is live; whether anything changed.

    A rule that ended meanwhile stays ended: nothing is begun in its place. Raises NotWelcome, for staff
    also when topics come to it that the reader left.
    """
    reader = _locked(reader_id)
    _check(reader)
    held = _live(reader_id).filter(pk=rule_id).first()
    if held is None or Rule.of(held) == rule:
        return False
    more = Rule(topics=rule.topics - frozenset(held.topics))
    broadens = bool(more.topics) or (bool(held.topics) and not rule.topics)
    if by_staff and broadens and consent.has_left(reader, more):
        raise NotWelcome("The reader left some of these topics; only the reader can take them up.")
    held.ended_at, held.ended_reason = timezone.now(), CHANGED_BY_STAFF if by_staff else CHANGED
    held.save(update_fields=["ended_at", "ended_reason"])
    consent.subscribe(reader, rule, source=source)
    reader.consents.create(act=Consent.Act.CHANGED, source=source)
    return True


@transaction.atomic
def take_up(reader_id: int, rule_id: int, *, source: str) -> bool:
    """Begin again a rule that staff ended or changed; whether it was not live. Repeats begin nothing.

    Raises NotWelcome for a rule that the reader ended, for a reader who left since, and for an address
    that is suppressed: what staff undo is their own act alone.
    """
    reader = _locked(reader_id)
    _check(reader)
    ended = Subscription.objects.filter(subscriber=reader_id, pk=rule_id, ended_at__isnull=False)
    row = ended.first()
    if row is None or row.ended_reason.endswith(AGAIN):
        return False
    by_reader = reader.subscriptions.filter(ended_reason=consent.BY_READER)
    has_left_since = by_reader.filter(ended_at__gt=row.ended_at).exists()
    is_gone = reader.state != Subscriber.State.ACTIVE
    if not may_be_taken_up(row) or (is_gone and has_left_since):
        raise NotWelcome("The reader ended it, so only they can take it up again, on their page.")
    ended.update(ended_reason=row.ended_reason + AGAIN)
    if _has(reader_id, Rule.of(row)):
        return False
    consent.subscribe(reader, Rule.of(row), source=source)
    Subscriber.objects.filter(pk=reader_id).update(state=Subscriber.State.ACTIVE)
    act = Consent.Act.RETURNED if is_gone else Consent.Act.CHANGED
    reader.consents.create(act=act, source=source)
    return True


def may_be_taken_up(rule: Subscription) -> bool:
    """Whether staff ended the rule, so that they may undo it."""
    return rule.ended_reason in {consent.BY_STAFF, CHANGED_BY_STAFF}


@transaction.atomic
def pause(reader_id: int, until: str, *, source: str) -> None:
    """Send nothing before that day begins where the reader lives; `until` is an ISO 8601 date.

    What is released meanwhile is not sent later. Raises BadChoice.
    """
    reader = Subscriber.objects.select_for_update().get(pk=reader_id)
    begins = _midnight(_day(until), reader.timezone)
    if not timezone.now() < begins <= timezone.now() + LONGEST_PAUSE:
        raise BadChoice(_OTHER_DAY)
    if reader.paused_until != begins:
        Subscriber.objects.filter(pk=reader_id).update(paused_until=begins)
        reader.consents.create(act=Consent.Act.PAUSED, source=source)


@transaction.atomic
def resume(reader_id: int, *, source: str) -> bool:
    """End a pause; whether there was one."""
    rows = Subscriber.objects.filter(pk=reader_id, paused_until__isnull=False)
    is_resumed = bool(rows.update(paused_until=None))
    if is_resumed:
        Consent.objects.create(subscriber_id=reader_id, act=Consent.Act.RESUMED, source=source)
    return is_resumed


@dataclass(frozen=True, slots=True)
class Details:
    """What we call a reader, in which language, and when digests come: an hour of that zone's clock, and
    for weekly ones a weekday, 0 for Monday. Urgent briefs come at once to who wants that.
    """

    name: str
    language: str
    time_zone: str
    digest_hour: int
    digest_weekday: int
    urgent_at_once: bool


def details(reader_id: int) -> Details:
    """As they stand; those that a new reader would have for one who is gone."""
    reader = Subscriber.objects.filter(pk=reader_id).first() or Subscriber()
    return Details(
        name=reader.name,
        language=reader.language,
        time_zone=reader.timezone,
        digest_hour=reader.digest_hour,
        digest_weekday=reader.digest_weekday,
        urgent_at_once=reader.urgent_at_once,
    )


def describe(reader_id: int, wanted: Details) -> None:
    """Save them. Raises BadChoice."""
    if not zones.exists(wanted.time_zone):
        raise BadChoice(later("Choose a time zone of the list."))
    if wanted.digest_hour not in range(24) or wanted.digest_weekday not in range(7):
        raise BadChoice(later("Choose an hour from 0 to 23 and a day of the week."))
    Subscriber.objects.filter(pk=reader_id).update(
        name=consent.one_line(wanted.name),
        language=wanted.language[:35],
        timezone=wanted.time_zone,
        digest_hour=wanted.digest_hour,
        digest_weekday=wanted.digest_weekday,
        urgent_at_once=wanted.urgent_at_once,
    )


def _check(reader: Subscriber) -> None:
    if consent.suppressed(reader.address):
        raise NotWelcome(STOPPED)


def _locked(reader_id: int) -> Subscriber:
    reader = Subscriber.objects.select_for_update().filter(pk=reader_id).first()
    if reader is None:
        raise NotWelcome(later("There is no such reader any more. Sign up to become one."))
    return reader


def _live(reader_id: int) -> QuerySet[Subscription]:
    return Subscription.objects.filter(subscriber=reader_id, ended_at=None)


def _has(reader_id: int, rule: Rule) -> bool:
    return any(Rule.of(row) == rule for row in _live(reader_id))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise BadChoice(_OTHER_DAY) from None


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), zones.known(zone))
