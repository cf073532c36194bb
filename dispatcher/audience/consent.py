"""Readers asking, leaving and coming back. Only this room writes addresses.

Every change leaves a Consent row; rules end with a reason and are never deleted. What a letter or a
page says about it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils import timezone

from dispatcher.audience.addresses import normalise
from dispatcher.audience.hashing import hashed
from dispatcher.audience.models import Consent, Subscriber, Subscription, Suppression
from dispatcher.audience.rules import Rule
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import NoSuchReader, NotWelcome

BY_READER = "left by the reader"
BY_STAFF = "ended by staff"
BY_WISH = (
    BY_READER,
    BY_STAFF,
)  # staff end a rule for a reader who asked them; no import brings it back
ERASED = "erased at the reader's wish"
UNDO_HOURS = 24
_JOINERS = "\u200c\u200d"  # invisible, and part of how names are spelt in Persian or Hindi

# The case of what is not ASCII is folded by PostgreSQL alone: Python would fold some letters otherwise.
SQL_SUPPRESSED = """
    SELECT given.address FROM unnest(%s::text[]) AS given(address)
    JOIN dispatcher_suppression x ON lower(x.address) = lower(given.address)
"""

# End these rules of a reader, say so in a consent, and note that the reader has left if none remains.
# Two statements of one transaction: whoever waited for the reader's row sees in the second what the first
# to have it did, so that of two who end the last two rules one finds none left. A repeat finds them ended.
SQL_LEAVE = """
SELECT FROM dispatcher_subscriber WHERE id = %(reader)s FOR UPDATE;
WITH ended AS (
    UPDATE dispatcher_subscription SET ended_at = %(now)s, ended_reason = %(reason)s
    WHERE subscriber_id = %(reader)s AND id = ANY(%(rules)s::bigint[]) AND ended_at IS NULL RETURNING id
),
said AS (
    INSERT INTO dispatcher_consent (subscriber_id, act, source, wording, ip_hash, at)
    SELECT %(reader)s, %(act)s, %(source)s, '', '', %(now)s WHERE EXISTS (SELECT FROM ended)
),
remaining AS (
    SELECT count(*) AS rules FROM dispatcher_subscription
    WHERE subscriber_id = %(reader)s AND ended_at IS NULL AND id <> ALL(%(rules)s::bigint[])
),
has_left AS (
    UPDATE dispatcher_subscriber SET state = %(left)s
    WHERE id = %(reader)s AND state <> %(left)s AND (SELECT rules FROM remaining) = 0
)
SELECT (SELECT count(*) FROM ended), rules FROM remaining
"""


def find(address: str) -> Subscriber:
    """The reader of that address, in any spelling of its case. Raises BadAddress or NoSuchReader."""
    address = normalise(address)
    reader = Subscriber.objects.filter(same(address)).first()
    if reader is None:
        raise NoSuchReader(f"There is no reader {address}; see `dispatcher reader list`.")
    return reader


def once(address: str) -> Iterator[Subscriber]:
    """Whoever reads at the address, and then those who did and were erased, the last one first."""
    yield from Subscriber.objects.filter(same(address))
    erased: list[Subscriber] = []
    while row := Subscriber.objects.filter(same(hashed(address, time=len(erased) + 1))).first():
        erased.append(row)
    yield from reversed(erased)


def same(address: str) -> Exact:
    """The condition that a row's address is this one in any spelling of its case; uses the index."""
    return Exact(Lower("address"), Lower(Value(address)))


@transaction.atomic
def add(
    address: str, rule: Rule, *, source: str, name: str = "", language: str = "en"
) -> Subscriber:
    """Make an active reader with this rule, by staff's word; a known reader gains the rule.

    Repeats add nothing. Raises BadAddress, or NotWelcome when the address left, left these topics, has
    not confirmed or is suppressed.
    """
    address = normalise(address)
    readers = Subscriber.objects.select_for_update().filter(same(address))
    reader, is_new = readers.first(), False
    if reader is None:
        try:
            with transaction.atomic():
                is_new = True
                reader = Subscriber.objects.create(
                    address=address,
                    name=one_line(name),
                    language=language,
                    state=Subscriber.State.ACTIVE,
                )
                reader.consents.create(act=Consent.Act.ADDED, source=source[:200])
        except IntegrityError:  # added by another in this moment
            reader, is_new = readers.get(), False
    # Asked only now: whoever was being erased in this moment has been waited for.
    if reason := suppressed(address):
        raise NotWelcome(f"{address} is suppressed ({reason}); it cannot be added.")
    if reader.state == Subscriber.State.LEFT:
        raise NotWelcome(f"{reader.address} has left; only the reader can come back.")
    if reader.state == Subscriber.State.PENDING:
        raise NotWelcome(f"{reader.address} has asked and must confirm first.")
    if has_left(reader, rule):
        raise NotWelcome(f"{reader.address} has left these topics; only the reader can come back.")
    before = live(reader).count()
    subscribe(reader, rule, source=source)
    if not is_new and live(reader).count() > before:
        reader.consents.create(act=Consent.Act.CHANGED, source=source[:200])
    return reader


def subscribe(reader: Subscriber, rule: Rule, *, source: str) -> Subscription:
    """Give a reader a live rule; one that is live already is returned as it is."""
    subscription, _ = Subscription.objects.get_or_create(
        subscriber=reader,
        match=rule.match,
        topics=sorted(rule.topics),
        except_topics=sorted(rule.except_topics),
        cadence=rule.cadence,
        ended_at=None,
        defaults={"source": source[:80]},
    )
    return subscription


def has_left(reader: Subscriber, rule: Rule) -> bool:
    """Whether the reader ended a rule that asked for some of what this one would bring."""
    related = Vocabulary().related(rule.topics)
    ended = reader.subscriptions.filter(ended_reason__in=BY_WISH).values_list("topics", flat=True)
    return any(not rule.topics or not topics or not related.isdisjoint(topics) for topics in ended)


def leave(
    reader: Subscriber,
    subscriptions: Iterable[Subscription],
    *,
    source: str,
    why: str = BY_READER,
) -> int:
    """End these rules of the reader; without any rule left the reader has left, as its `state` then says.

    `why` is BY_STAFF where staff do it for the reader.
    Returns how many were live. Repeats end nothing and do not fail (RFC 8058 §3.2), nor does a reader
    who is gone. One question to the database: mail providers send these by the thousand.
    """
    parameters: dict[str, Any] = {
        "reader": reader.pk,
        "rules": [subscription.pk for subscription in subscriptions],
        "now": timezone.now(),
        "reason": why,
        "act": Consent.Act.LEFT.value,
        "source": source,
        "left": Subscriber.State.LEFT.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(SQL_LEAVE, parameters)
        cursor.nextset()
        ended, remaining = cursor.fetchone()
    if not remaining:
        reader.state = Subscriber.State.LEFT
    return int(ended)


@transaction.atomic
def undo(reader: Subscriber, *, source: str) -> int:
    """Bring back the rules that the reader last ended, if that was within a day. Returns how many.

    Repeats bring back nothing more.
    """
    Subscriber.objects.select_for_update().get(pk=reader.pk)
    ended = undoable(reader)
    if not ended or suppressed(reader.address):
        return 0
    for subscription in ended:
        subscribe(reader, Rule.of(subscription), source=source)
        subscription.ended_reason = f"{subscription.ended_reason}, then undone"
        subscription.save(update_fields=["ended_reason"])
    Subscriber.objects.filter(pk=reader.pk).update(state=Subscriber.State.ACTIVE)
    reader.consents.create(act=Consent.Act.RETURNED, source=source)
    return len(ended)


def undoable(reader: Subscriber) -> list[Subscription]:
    """What `undo` would bring back: the rules ended by the reader's last act, if within a day."""
    acts = reader.consents.exclude(act__in=(Consent.Act.PAUSED, Consent.Act.RESUMED))
    last_act = acts.order_by("-at", "-pk").first()
    if last_act is None or last_act.act != Consent.Act.LEFT:
        return []
    since = timezone.now() - timedelta(hours=UNDO_HOURS)
    ended = reader.subscriptions.filter(ended_reason__in=BY_WISH, ended_at__gte=since)
    rows = list(ended.order_by("-ended_at", "pk"))
    return [row for row in rows if row.ended_at == rows[0].ended_at]


def suppressed(address: str) -> str:
    """Why the address must not be mailed; empty if it may. One that was erased is known by its hash."""
    rows = Suppression.objects.filter(same(address) | same(hashed(address)))
    reasons = set(rows.values_list("reason", flat=True))
    return next(iter(reasons - {ERASED} or reasons), "")


def suppressed_among(addresses: Iterable[str]) -> set[str]:
    """The suppressed ones among these addresses, each as `str.lower` gives it."""
    by_hash = {hashed(address): address for address in addresses}
    with connection.cursor() as cursor:
        cursor.execute(SQL_SUPPRESSED, [[*by_hash, *by_hash.values()]])
        return {by_hash.get(address, address).lower() for (address,) in cursor.fetchall()}


def live(reader: Subscriber) -> QuerySet[Subscription]:
    """The rules of a reader that count."""
    return reader.subscriptions.filter(ended_at=None).order_by("pk")


def one_line(text: str, *, most: int = 200) -> str:
    """A name as one line of printable text, so many characters at most; it goes into a header."""
    text = text[: 4 * most]
    if not text.isprintable():
        text = "".join(c if c.isprintable() or c in _JOINERS else " " for c in text)
    return " ".join(text.split())[:most]
