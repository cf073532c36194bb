"""What has been between a reader and us, on one line of time: consents, suppressions, what came back, and
letters about their own affairs. Briefs stand in a list of their own. It only reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from dispatcher.audience import suppressing
from dispatcher.audience.models import Subscriber
from dispatcher.mailing.models import Notice

MOST = 100


@dataclass(frozen=True, slots=True)
class Event:
    """`what` happened in a word or two, `by` whom or by what way; `more` are a server's or staff's words.

    `kind` is consent, suppression, receipt or notice. `dispatch` is the number of the letter's.
    """

    at: datetime
    kind: str
    what: str
    by: str
    more: str = ""
    dispatch: int | None = None
    fuse: int | None = None


def of(reader: Subscriber) -> list[Event]:
    """The last hundred, newest first."""
    events = [*_consents(reader), *_suppressions(reader), *_receipts(reader), *_notices(reader)]
    return sorted(events, key=lambda event: event.at, reverse=True)[:MOST]


def _consents(reader: Subscriber) -> Iterator[Event]:
    for each in reader.consents.order_by("-at", "-pk")[:MOST]:
        yield Event(each.at, "consent", each.act, each.source)


def _suppressions(reader: Subscriber) -> Iterator[Event]:
    for act in islice(suppressing.acts(reader.address), MOST):
        yield Event(act.at, "suppression", act.what, act.by, act.reason)


def _receipts(reader: Subscriber) -> Iterator[Event]:
    rows = reader.receipts.select_related("delivery").order_by("-pk")[:MOST]
    for each in rows:
        yield Event(
            each.at,
            "receipt",
            f"{each.kind} {each.status}".strip(),
            each.source,
            each.diagnostic,
            dispatch=each.delivery.dispatch_id if each.delivery else None,
            fuse=each.fuse_id if each.is_held else None,
        )


def _notices(reader: Subscriber) -> Iterator[Event]:
    """Those to confirm belong to no reader yet."""
    for each in reader.notices.exclude(kind=Notice.Kind.CONFIRM).order_by("-pk")[:MOST]:
        said = "" if each.state == Notice.State.ACCEPTED else f"{each.state}: {each.text}"
        yield Event(each.created_at, "notice", each.kind, each.by, said)
