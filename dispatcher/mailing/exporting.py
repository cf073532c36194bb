"""All that is kept about a reader, as JSON: their right to see it (GDPR Articles 15 and 20)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from dispatcher.audience import consent, rules, suppressing
from dispatcher.audience.models import LeavingReason, SignUp, Subscriber
from dispatcher.audience.rules import Rule
from dispatcher.briefs.models import Topic
from dispatcher.mailing import reporting
from dispatcher.mailing.models import Notice

MOST_LETTERS = 10_000


def export(reader_id: int) -> dict[str, Any]:
    """Plain values only; times are ISO 8601 in UTC. Empty for a reader who is gone."""
    reader = Subscriber.objects.filter(pk=reader_id).first()
    if reader is None:
        return {}
    return {
        "address": reader.address,
        "name": reader.name,
        "language": reader.language,
        "time_zone": reader.timezone,
        "state": reader.state,
        "since": _at(reader.created_at),
        "paused_until": _at(reader.paused_until),
        "digests": {
            "hour": reader.digest_hour,
            "weekday": reader.digest_weekday,
            "urgent_at_once": reader.urgent_at_once,
        },
        "rules": _rules(reader),
        "consents": [
            {
                "what": one.act,
                "at": _at(one.at),
                "source": one.source,
                "wording": one.wording,
                "hashed_ip": one.ip_hash,
            }
            for one in reader.consents.order_by("at", "pk")
        ],
        "suppressed": consent.suppressed(reader.address),
        "suppressions": [
            {"what": one.what, "at": _at(one.at), "reason": one.reason}
            for one in suppressing.acts(reader.address)
        ],
        **_letters(reader),
        **_asked(reader),
    }


def _letters(reader: Subscriber) -> dict[str, Any]:
    """What was sent, what about their own affairs, and what came back."""
    return {
        "letters": [
            {
                "subject": one.dispatch.brief.headline
                if one.dispatch.brief
                else one.dispatch.title,
                "released_at": _at(one.dispatch.released_at),
                "outcome": one.state,
                "at": _at(one.settled_at),
                "code": one.code,
                "words": one.text,
            }
            for one in reporting.letters_to(reader, limit=MOST_LETTERS)
        ],
        "notices": [
            {
                "what": one.kind,
                "to": one.address,
                "at": _at(one.created_at),
                "outcome": one.state,
                "words": one.text,
            }
            for one in _notices(reader)
        ],
        "came_back": [
            {"what": one.kind, "at": _at(one.at), "status": one.status, "words": one.diagnostic}
            for one in reader.receipts.order_by("pk")
        ],
    }


def _notices(reader: Subscriber) -> QuerySet[Notice, Notice]:
    """Those that asked to confirm went to the address before there was a reader."""
    return Notice.objects.filter(Q(reader=reader) | consent.same(reader.address)).order_by("pk")


def _asked(reader: Subscriber) -> dict[str, Any]:
    """What waits for a click, and what was said on leaving."""
    return {
        "sign_ups": [
            {
                "asked": _at(one.asked_at),
                "confirmed": _at(one.confirmed_at),
                "name": one.name,
                "source": one.source,
            }
            for one in SignUp.objects.filter(consent.same(reader.address)).order_by("pk")
        ],
        "changes_of_address": [
            {"to": one.address, "asked": _at(one.asked_at), "confirmed": _at(one.confirmed_at)}
            for one in reader.address_changes.order_by("pk")
        ],
        "reasons_for_leaving": [
            {"reason": one.reason, "words": one.words, "at": _at(one.at)}
            for one in LeavingReason.objects.filter(subscriber=reader)
        ],
    }


def _rules(reader: Subscriber) -> list[dict[str, Any]]:
    names = dict(Topic.objects.values_list("pk", "name"))
    return [
        {
            "rule": rules.in_words(Rule.of(row), names),
            "since": _at(row.started_at),
            "source": row.source,
            "ended": _at(row.ended_at),
            "why_ended": row.ended_reason,
        }
        for row in reader.subscriptions.order_by("pk")
    ]


def _at(moment: Any) -> str | None:
    return moment.isoformat() if moment else None
