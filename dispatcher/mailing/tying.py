"""Which letter of ours a report is about, and whether it may speak for it.

Only what names a letter of ours is believed: by the token of its return path, which nobody has who did
not get it, or by its exact Message-ID together with the address it went to, or with the link to leave in
its head. What follows from a report is `receipts`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from django.conf import settings

from dispatcher.audience import access
from dispatcher.audience.hashing import is_hash_of
from dispatcher.audience.models import Consent, Subscriber
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.errors import BadToken
from dispatcher.mailing import bounces
from dispatcher.mailing.bounces import Report
from dispatcher.mailing.models import Delivery, Notice
from dispatcher.mailing.noticing import NO_DISPATCH

_PATHS = ((Purpose.RETURN_PATH, 1), (Purpose.NOTICE_PATH, 1))
_IDS = ((Purpose.MESSAGE_ID, 2), (Purpose.NOTICE_ID, 1))


@dataclass(frozen=True, slots=True)
class Tie:
    """A letter that a report is about, and the address that it went to."""

    delivery: Delivery | None
    notice: Notice | None
    reader: Subscriber | None
    address: str


def ties(report: Report) -> Iterator[Tie]:
    """The letters that a report is about, each once."""
    seen = set()
    for tie in [*map(by_return_path, report.tokens), *_by_message_id(report)]:
        if tie is None or has_moved(tie):
            continue
        key = (tie.delivery and tie.delivery.pk, tie.notice and tie.notice.pk)
        if key not in seen:
            seen.add(key)
            yield tie


def by_return_path(token: str) -> Tie | None:
    """The letter whose return path has this token."""
    for purpose, find in ((Purpose.RETURN_PATH, _delivery), (Purpose.NOTICE_PATH, _notice)):
        try:
            (number,) = unseal(purpose, token, count=1)
        except BadToken:
            continue
        return find(number)
    return None


def _by_message_id(report: Report) -> Iterator[Tie]:
    """Whoever saw a letter knows its Message-ID, as does who sees an answer to it; so the address must be
    its reader's.

    A provider that leaves the address out (RFC 5965 §4.4) is believed where it quotes the letter with
    the link to leave in its head, which others do not see.
    """
    named = {each.address.lower() for each in report.recipients}
    for message_id in report.message_ids:
        token, _, domain = message_id.partition("@")
        tie = _by_message_token(token) if domain.lower() == settings.MAIL_DOMAIN.lower() else None
        is_redacted = not named and report.kind in bounces.FEEDBACK
        if tie is None:
            continue
        if _is_quoted(tie, report) if is_redacted else _is_among(tie.address, named):
            yield tie


def _is_quoted(tie: Tie, report: Report) -> bool:
    """Whether what came back has the link to leave of this very letter."""
    dispatch_id = tie.delivery.dispatch_id if tie.delivery else NO_DISPATCH
    for token in report.links:
        with suppress(BadToken):
            way_out = access.way_out(token)
            if tie.reader and way_out[:2] == (tie.reader.pk, dispatch_id):
                return True
    return False


def _is_among(address: str, named: set[str]) -> bool:
    """Also under what stays of the address since it was erased."""
    return address.lower() in named or any(is_hash_of(address, each) for each in named)


def _by_message_token(token: str) -> Tie | None:
    try:
        reader_id, dispatch_id = unseal(Purpose.MESSAGE_ID, token, count=2)
    except BadToken:
        pass
    else:
        rows = Delivery.objects.select_related("subscriber")
        return _of(rows.filter(subscriber=reader_id, dispatch=dispatch_id).first())
    try:
        (number,) = unseal(Purpose.NOTICE_ID, token, count=1)
    except BadToken:
        return None
    return _notice(number)


def _delivery(number: int) -> Tie | None:
    return _of(Delivery.objects.select_related("subscriber").filter(pk=number).first())


def _of(delivery: Delivery | None) -> Tie | None:
    if delivery is None:
        return None
    return Tie(delivery, None, delivery.subscriber, delivery.subscriber.address)


def _notice(number: int) -> Tie | None:
    notice = Notice.objects.select_related("reader").filter(pk=number).first()
    if notice is None:
        return None
    # A letter to another address of the reader's, old or yet to come, speaks for that address alone.
    is_theirs = notice.reader and notice.reader.address.lower() == notice.address.lower()
    return Tie(None, notice, notice.reader if is_theirs else None, notice.address)


def has_moved(tie: Tie) -> bool:
    """A report about the old address says nothing about the new one."""
    if tie.delivery is None or tie.reader is None:
        return False
    sent_at = tie.delivery.settled_at
    moves = tie.reader.consents.filter(act=Consent.Act.MOVED)
    return (moves.filter(at__gt=sent_at) if sent_at else moves).exists()


def is_forgotten(report: Report) -> bool:
    """Whether it is about a letter of ours that is not kept any more, or went where its reader no longer is.

    Of a report that is tied to none.
    """
    return any(_is_sealed(token, _PATHS) for token in report.tokens) or any(
        _is_sealed(token, _IDS) and _by_message_token(token) is None
        for token in (each.partition("@")[0] for each in report.message_ids)
    )


def _is_sealed(token: str, purposes: Iterable[tuple[Purpose, int]]) -> bool:
    for purpose, count in purposes:
        with suppress(BadToken):
            unseal(purpose, token, count=count)
            return True
    return False
