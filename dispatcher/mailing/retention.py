"""What is not kept for ever: how long, why, and the daily tidying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from dispatcher import queue
from dispatcher.audience.models import Consent, LeavingReason, SignUp
from dispatcher.mailing.erasing import SQL_MAY_REDACT
from dispatcher.mailing.models import Notice, Receipt

DAY = timedelta(days=1)
SLICE = 5_000  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Period:
    """After so many `days` what is called `name` goes; `rows` finds some of it, `drop` takes their keys."""

    name: str
    days: int
    reason: str
    rows: Callable[[datetime], QuerySet[Any, Any]]
    drop: Callable[[list[int]], int]


def periods() -> tuple[Period, ...]:
    """Every period, by what goes."""
    return (
        Period(
            "confirmed sign-ups",
            settings.JOIN_DAYS,
            "the reader's row and consents hold what counts",
            lambda since: SignUp.objects.filter(confirmed_at__lt=since),
            lambda keys: SignUp.objects.filter(pk__in=keys).delete()[0],
        ),
        Period(
            "notices",
            30,
            "a letter about one's own affairs is settled within days",
            lambda since: Notice.objects.filter(settled_at__lt=since),
            lambda keys: Notice.objects.filter(pk__in=keys).delete()[0],
        ),
        Period(
            "hashed IP addresses of consents",
            365,
            "a consent is disputed soon or not at all",
            lambda since: Consent.objects.filter(at__lt=since).exclude(ip_hash=""),
            _redact_ips,
        ),
        Period(
            "what came back and names no letter",
            90,
            "a note for staff is looked at soon or not at all",
            lambda since: Receipt.objects.filter(kind=Receipt.Kind.NOTE, at__lt=since),
            lambda keys: Receipt.objects.filter(pk__in=keys).delete()[0],
        ),
        Period(
            "readers' own words on leaving",
            365,
            "the sums of reasons stay",
            lambda since: LeavingReason.objects.filter(at__lt=since).exclude(words=""),
            lambda keys: LeavingReason.objects.filter(pk__in=keys).update(words=""),
        ),
    )


def due() -> dict[str, int]:
    """How much of each is past its period; changes nothing."""
    return {each.name: each.rows(_since(each)).count() for each in periods()}


def tidy() -> dict[str, int]:
    """Take what is past its period, in slices; how much of each. Repeats find nothing more."""
    return {each.name: _tidy(each) for each in periods()}


def sweep() -> None:
    """Once a day, by one of several at once."""
    if queue.is_first("tidy", 0, within=DAY):
        tidy()


def _tidy(period: Period) -> int:
    gone, since = 0, _since(period)
    while True:
        with transaction.atomic():
            keys = list(period.rows(since).order_by("pk").values_list("pk", flat=True)[:SLICE])
            if keys:
                period.drop(keys)
        gone += len(keys)
        if len(keys) < SLICE:
            return gone


def _since(period: Period) -> datetime:
    return timezone.now() - timedelta(days=period.days)


def _redact_ips(keys: list[int]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(SQL_MAY_REDACT)
    return Consent.objects.filter(pk__in=keys).update(ip_hash="")
