"""What is not kept for ever: how long, why, and the daily tidying.

Dispatches, deliveries and their outcomes, consents, rules and suppressions stay: the ledger and the answer
to "why did I get this" are made of them. A reader's own go by `erasing`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from dispatcher import queue
from dispatcher.audience.models import AddressChange, Consent, LeavingReason, SignUp
from dispatcher.mailing.erasing import SQL_MAY_REDACT
from dispatcher.mailing.models import Delivery, DigestRun, Dispatch, Notice, Receipt

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
AT_ONCE = timedelta(seconds=10)  # of a job, which sweeps and urgent letters may have to wait for
SLICE = 2_000  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Period:
    """After so many `days` what is called `name` goes; `rows` finds some of it, `drop` takes their keys."""

    name: str
    days: int
    reason: str
    rows: Callable[[datetime], QuerySet[Any, Any]]
    drop: Callable[[list[Any]], object]
    slice: int = SLICE


def periods() -> tuple[Period, ...]:
    """Every period, by what goes."""
    return (*_of_readers(), *_of_letters(), _of_feeds())


def _of_readers() -> tuple[Period, ...]:
    return (
        Period(
            "sign-ups",
            settings.JOIN_DAYS,
            "the link has ended; of who confirmed, the consents hold what counts",
            lambda since: SignUp.objects.filter(asked_at__lt=since),
            lambda keys: SignUp.objects.filter(pk__in=keys).delete(),
        ),
        Period(
            "changes of address",
            settings.JOIN_DAYS,
            "the link has ended, and they hold addresses",
            lambda since: AddressChange.objects.filter(asked_at__lt=since),
            lambda keys: AddressChange.objects.filter(pk__in=keys).delete(),
        ),
        Period(
            "hashed IP addresses of consents",
            settings.KEEP_IP_HASHES_DAYS,
            "a consent is disputed soon or not at all",
            lambda since: Consent.objects.filter(at__lt=since).exclude(ip_hash=""),
            _redact_ips,
        ),
        Period(
            "readers' own words on leaving",
            365,
            "the sums of reasons stay",
            lambda since: LeavingReason.objects.filter(at__lt=since).exclude(words=""),
            lambda keys: LeavingReason.objects.filter(pk__in=keys).update(words=""),
        ),
        Period(
            "sign-ins at the desk",
            0,
            "they have ended",
            lambda since: Session.objects.filter(expire_date__lt=since),
            lambda keys: Session.objects.filter(pk__in=keys).delete(),
        ),
    )


def _of_letters() -> tuple[Period, ...]:
    return (
        Period(
            "notices",
            settings.KEEP_NOTICES_DAYS,
            "a letter about one's own affairs is settled within days",
            lambda since: Notice.objects.filter(settled_at__lt=since),
            lambda keys: Notice.objects.filter(pk__in=keys).delete(),
        ),
        Period(
            "what came back and names no letter",
            90,
            "a note for staff is looked at soon or not at all",
            lambda since: Receipt.objects.filter(kind=Receipt.Kind.NOTE, at__lt=since),
            lambda keys: Receipt.objects.filter(pk__in=keys).delete(),
        ),
        Period(
            "servers' words in what came back",
            settings.KEEP_RELAY_WORDS_DAYS,
            "they often name the address; what it was and its code stay",
            lambda since: Receipt.objects.filter(at__lt=since).exclude(diagnostic=""),
            lambda keys: Receipt.objects.filter(pk__in=keys).update(diagnostic=""),
        ),
        Period(
            "dispatches with relays' words about each letter",
            settings.KEEP_RELAY_WORDS_DAYS,
            "they often name the address; the outcome and its code stay",
            _dispatches_with_words,
            _forget_words,
            slice=1,
        ),
        Period(
            "letters of digests",
            settings.KEEP_NOTICES_DAYS,
            "there is one for each set of briefs; which they were stays",
            _digests_with_letters,
            lambda keys: Dispatch.objects.filter(pk__in=keys).update(letter=b""),
            slice=200,
        ),
        Period(
            "runs of digests that were due to nobody",
            settings.KEEP_NOTICES_DAYS,
            "the next run only asks for the last one",
            lambda since: DigestRun.objects.filter(finished_at__lt=since, dispatches=None),
            lambda keys: DigestRun.objects.filter(pk__in=keys).delete(),
        ),
    )


def _of_feeds() -> Period:
    sums = apps.get_model(
        "dispatcher", "FeedReadership"
    )._default_manager  # by name: feeds are not mailing's
    return Period(
        "sums of feed readers",
        400,
        "a year and a month can be held against each other",
        lambda since: sums.filter(day__lt=since.date()),
        lambda keys: sums.filter(pk__in=keys).delete(),
    )


def due() -> dict[str, int]:
    """How much of each is past its period; changes nothing."""
    return {each.name: each.rows(_since(each)).count() for each in periods()}


def tidy(*, at_most: timedelta = timedelta.max) -> dict[str, int]:
    """Take what is past its period, in slices; how much of each. Repeats find nothing more.

    After the longest that it may take, the rest is posted, to go a minute later.
    """
    until = time.monotonic() + at_most.total_seconds()
    gone = {each.name: _tidy(each, until) for each in periods()}
    if time.monotonic() > until:
        queue.tidy(after=MINUTE)
    return gone


def sweep() -> None:
    """Once a day, have it done by one of several at once."""
    if queue.is_first("tidy", 0, within=DAY):
        queue.tidy()


def _tidy(period: Period, until: float) -> int:
    gone, since = 0, _since(period)
    while time.monotonic() < until:
        keys = list(period.rows(since).order_by("pk").values_list("pk", flat=True)[: period.slice])
        if keys:
            period.drop(keys)
        gone += len(keys)
        if len(keys) < period.slice:
            break
    return gone


def _since(period: Period) -> datetime:
    return timezone.now() - timedelta(days=period.days)


@transaction.atomic
def _redact_ips(keys: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL_MAY_REDACT)
    Consent.objects.filter(pk__in=keys).update(ip_hash="")


def _dispatches_with_words(since: datetime) -> QuerySet[Dispatch, Dispatch]:
    """Those that have ended, also once more after the words had gone: staff sent the rest again."""
    ended = Dispatch.objects.filter(state__in=(Dispatch.State.DONE, Dispatch.State.CANCELLED))
    ended = ended.alias(ended_at=Coalesce("finished_at", "released_at")).filter(ended_at__lt=since)
    return ended.filter(Q(words_gone_at=None) | Q(words_gone_at__lt=F("ended_at")))


def _digests_with_letters(since: datetime) -> QuerySet[Dispatch, Dispatch]:
    ended = Dispatch.objects.filter(kind=Dispatch.Kind.DIGEST, finished_at__lt=since)
    return ended.exclude(letter=b"").defer("letter")


def _forget_words(dispatch_ids: list[int]) -> None:
    """Batch by batch, so that no other writer waits long; a repeat goes over those done and finds none."""
    for dispatch in Dispatch.objects.only("pk").filter(pk__in=dispatch_ids):
        for batch_id in dispatch.batches.order_by("pk").values_list("pk", flat=True):
            Delivery.objects.filter(batch=batch_id).exclude(text="").update(text="")
        Dispatch.objects.filter(pk=dispatch.pk).update(words_gone_at=timezone.now())
