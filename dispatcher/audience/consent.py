"""Readers asking, leaving and coming back. Only this room writes addresses.

Every change leaves a Consent row; rules end with a reason and are never deleted. What a letter or a
page says about it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from dispatcher.audience.addresses import normalise
from dispatcher.audience.models import Consent, Subscriber, Subscription, Suppression
from dispatcher.audience.rules import Rule
from dispatcher.errors import NoSuchReader, NotWelcome

BY_READER = "left by the reader"
UNDO_HOURS = 24


def find(address: str) -> Subscriber:
    """The reader of that address, in any spelling of its case. Raises BadAddress or NoSuchReader."""
    reader = Subscriber.objects.filter(address__iexact=normalise(address)).first()
    if reader is None:
        raise NoSuchReader(
            f"There is no reader {normalise(address)}; see `dispatcher reader import`."
        )
    return reader


@transaction.atomic
def add(
    address: str, rule: Rule, *, source: str, name: str = "", language: str = "en"
) -> Subscriber:
    """Make an active reader with this rule, by staff's word; a known reader gains the rule.

    Repeats add nothing. Raises BadAddress, or NotWelcome when the address left or is suppressed.
    """
    address = normalise(address)
    if reason := suppressed(address):
        raise NotWelcome(f"{address} is suppressed ({reason}); it cannot be added.")
    reader = Subscriber.objects.select_for_update().filter(address__iexact=address).first()
    if reader is None:
        reader = Subscriber.objects.create(
            address=address, name=one_line(name), language=language, state=Subscriber.State.ACTIVE
        )
        reader.consents.create(act=Consent.Act.ADDED, source=source)
    if reader.state == Subscriber.State.LEFT:
        raise NotWelcome(f"{reader.address} has left; only the reader can come back.")
    subscribe(reader, rule, source=source)
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
        defaults={"source": source},
    )
    return subscription


@transaction.atomic
def leave(reader: Subscriber, subscriptions: Iterable[Subscription], *, source: str) -> int:
    """End these rules of the reader; without any rule left the reader has left.

    Returns how many were live. Repeats end nothing and do not fail (RFC 8058 §3.2).
    """
    Subscriber.objects.select_for_update().get(pk=reader.pk)
    ended = Subscription.objects.filter(
        subscriber=reader, pk__in=[s.pk for s in subscriptions], ended_at=None
    ).update(ended_at=timezone.now(), ended_reason=BY_READER)
    if ended:
        reader.consents.create(act=Consent.Act.LEFT, source=source)
    if not live(reader).exists():
        Subscriber.objects.filter(pk=reader.pk).update(state=Subscriber.State.LEFT)
    return ended


@transaction.atomic
def undo(reader: Subscriber, *, source: str) -> int:
    """Bring back the rules that the reader last ended, if that was within a day. Returns how many."""
    Subscriber.objects.select_for_update().get(pk=reader.pk)
    since = timezone.now() - timedelta(hours=UNDO_HOURS)
    ended = Subscription.objects.filter(
        subscriber=reader, ended_reason=BY_READER, ended_at__gte=since
    ).order_by("-ended_at")
    last = ended.first()
    if last is None or suppressed(reader.address):
        return 0
    returned = 0
    for subscription in ended.filter(ended_at=last.ended_at):
        rule = Rule.of(subscription)
        if not live(reader).filter(match=rule.match, topics=subscription.topics).exists():
            subscribe(reader, rule, source=source)
            returned += 1
        subscription.ended_reason = f"{BY_READER}, then undone"
        subscription.save(update_fields=["ended_reason"])
    Subscriber.objects.filter(pk=reader.pk).update(state=Subscriber.State.ACTIVE)
    reader.consents.create(act=Consent.Act.RETURNED, source=source)
    return returned


def suppress(address: str, *, reason: str) -> None:
    """Never mail this address again; repeats keep the first reason."""
    address = normalise(address)
    if not suppressed(address):
        Suppression.objects.create(address=address, reason=reason)


def suppressed(address: str) -> str:
    """Why the address must not be mailed; empty if it may."""
    rows = Suppression.objects.filter(address__iexact=address)
    return rows.values_list("reason", flat=True).first() or ""


def suppressed_among(addresses: Iterable[str]) -> set[str]:
    """The suppressed ones among these addresses, in lower case."""
    lowered = [address.lower() for address in addresses]
    rows = Suppression.objects.annotate(lowered=Lower("address")).filter(lowered__in=lowered)
    return set(rows.values_list("lowered", flat=True))


def live(reader: Subscriber) -> QuerySet[Subscription]:
    """The rules of a reader that count."""
    return reader.subscriptions.filter(ended_at=None).order_by("pk")


def one_line(text: str) -> str:
    """A name as one line of printable text, at most 200 characters; it goes into a header."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
