"""What came back, tied to the letter it is about, and what follows for its reader.

Only what names a letter of ours is believed: by the token of its return path, which nobody has who did
not get it, or by its exact Message-ID together with the address it went to, or with the link to leave in
its head. All else is a note for staff.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from dispatcher.audience import access, consent, suppressing
from dispatcher.audience.hashing import is_hash, is_hash_of
from dispatcher.audience.models import Consent, Subscriber, SuppressionAct
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.errors import BadAddress, BadToken
from dispatcher.mailing import bounces, leaving
from dispatcher.mailing.bounces import Recipient, Report
from dispatcher.mailing.models import Delivery, Fuse, Notice, Receipt
from dispatcher.mailing.noticing import NO_DISPATCH

Kind = Receipt.Kind
BY = "what came back"
MOST_NOTES = 1_000
SOFT_DAYS = 5  # on which something bounced, within
SOFT_PERIOD = timedelta(days=30)  # end it; older ones no longer count

# What says for good that nobody reads there (RFC 3463 §3.2, §3.3). 5.1.7 and 5.1.8 are about us.
_GONE = re.compile(r"5\.1\.(?:[12346]|10)|5\.2\.1")
_POLICY = re.compile(r"[45]\.7\.\d+|5\.1\.[78]")
_KINDS = {
    bounces.Kind.COMPLAINT: Kind.COMPLAINT,
    bounces.Kind.OPT_OUT: Kind.OPT_OUT,
    bounces.Kind.FEEDBACK: Kind.FEEDBACK,
}
_REPORTS = frozenset((bounces.Kind.BOUNCE, *_KINDS))


@dataclass(frozen=True, slots=True)
class _Tie:
    """A letter that a report is about, and the address that it went to."""

    delivery: Delivery | None
    notice: Notice | None
    reader: Subscriber | None
    address: str


def take(octets: bytes, *, to: str = "", source: str) -> str:
    """Take a message that came back and do what follows; in a line, what it was taken for.

    `to` is its envelope recipient. The same report twice counts once. Raises nothing about the message.
    """
    report = bounces.read(octets, to=to)
    if report.kind == bounces.Kind.UNSUBSCRIBE:
        left = sum(leaving.leave_by_mail(token) for token in report.ways_out)
        return "a reader leaves" if left else "a wish to leave by a link that is none of ours"
    if report.kind not in _REPORTS:
        return str(report.kind)
    ties = list(_ties(report))
    if not ties:
        _note(report, octets, source)
        return f"{report.kind}, about no letter that is known: noted"
    counted = [_receive(report, tie, source) for tie in ties]
    return f"{report.kind}, {', '.join(counted)}"


def record(
    *,
    delivery: Delivery,
    status: str,
    diagnostic: str,
    source: str,
    kind: str = "",
    fuse: Fuse | None = None,
) -> Receipt | None:
    """A receipt for a letter that is known, and what follows from it; None if it had one of this kind, or
    went to an address that its reader has given up since.

    Nothing follows from it yet while a `fuse` holds it.
    """
    reader = delivery.subscriber
    tie = _Tie(delivery, None, reader, reader.address)
    if _has_moved(tie):
        return None
    return _recorded(
        tie, kind or kind_of(status), Recipient(reader.address, status, diagnostic), source, fuse
    )


@transaction.atomic
def settle(receipt_id: int) -> None:
    """Do to a held receipt what its fuse asks for; a repeat finds it settled.

    Its reader's row is locked first, as by who erases.
    """
    held = Receipt.objects.filter(pk=receipt_id, is_held=True)
    Subscriber.objects.select_for_update().filter(pk__in=held.values("subscriber")).first()
    receipt = held.select_for_update(of=("self",)).select_related("fuse", "delivery").first()
    if receipt is None or receipt.fuse is None:
        return
    if receipt.fuse.verdict == Fuse.Verdict.BELIEVED:
        tie = _Tie(receipt.delivery, None, receipt.subscriber, receipt.address)
        receipt.has_suppressed = receipt.has_suppressed or _judge(receipt, tie)
    elif receipt.has_suppressed:
        _take_back(receipt, by=receipt.fuse.by or BY)
        receipt.has_suppressed = False
    receipt.is_held = not receipt.fuse.verdict
    receipt.save(update_fields=["has_suppressed", "is_held"])


def take_event(
    *, return_path: str, recipient: str, kind: str, words: str, source: str, number: str
) -> None:
    """A mail API's word, whose sender is known to be it, about the letter with this return path.

    `kind` is empty for a bounce. `number` tells events apart that name no letter of ours: those are noted.
    """
    token = return_path.partition("@")[0].removeprefix("bounces+")
    tie = _by_return_path(token) if token else None
    status = bounces.status_in(words)
    said = Recipient(recipient, status, words)
    if tie is None or _has_moved(tie):
        report = Report(bounces.Kind.BOUNCE, (said,))
        _note(report, f"{source} {number} {recipient} {words}".encode(), source)
    else:
        _recorded(tie, kind or kind_of(status), said, source)


def kind_of(status: str) -> str:
    """What a refusal with this enhanced code means (RFC 3463)."""
    if _GONE.fullmatch(status):
        return Kind.HARD
    return Kind.POLICY if _POLICY.fullmatch(status) else Kind.SOFT


def _ties(report: Report) -> Iterator[_Tie]:
    seen = set()
    for tie in [*map(_by_return_path, report.tokens), *_by_message_id(report)]:
        if tie is None or _has_moved(tie):
            continue
        key = (tie.delivery and tie.delivery.pk, tie.notice and tie.notice.pk)
        if key not in seen:
            seen.add(key)
            yield tie


def _by_return_path(token: str) -> _Tie | None:
    for purpose, find in ((Purpose.RETURN_PATH, _delivery), (Purpose.NOTICE_PATH, _notice)):
        try:
            (number,) = unseal(purpose, token, count=1)
        except BadToken:
            continue
        return find(number)
    return None


def _by_message_id(report: Report) -> Iterator[_Tie]:
    """Whoever saw a letter knows its Message-ID, as does who sees an answer to it; so the address must be
    its reader's.

    A provider that leaves the address out (RFC 5965 §4.4) is believed where it quotes the letter with
    the link to leave in its head, which others do not see.
    """
    named = {each.address.lower() for each in report.recipients}
    for message_id in report.message_ids:
        token, _, domain = message_id.partition("@")
        tie = _by_message_token(token) if domain.lower() == settings.MAIL_DOMAIN.lower() else None
        is_redacted = not named and report.kind in _KINDS
        if tie is None:
            continue
        if _is_quoted(tie, report) if is_redacted else _is_among(tie.address, named):
            yield tie


def _is_quoted(tie: _Tie, report: Report) -> bool:
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


def _by_message_token(token: str) -> _Tie | None:
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


def _delivery(number: int) -> _Tie | None:
    return _of(Delivery.objects.select_related("subscriber").filter(pk=number).first())


def _of(delivery: Delivery | None) -> _Tie | None:
    if delivery is None:
        return None
    return _Tie(delivery, None, delivery.subscriber, delivery.subscriber.address)


def _notice(number: int) -> _Tie | None:
    notice = Notice.objects.select_related("reader").filter(pk=number).first()
    if notice is None:
        return None
    # A letter to another address of the reader's, old or yet to come, speaks for that address alone.
    is_theirs = notice.reader and notice.reader.address.lower() == notice.address.lower()
    return _Tie(None, notice, notice.reader if is_theirs else None, notice.address)


def _has_moved(tie: _Tie) -> bool:
    """A report about the old address says nothing about the new one."""
    if tie.delivery is None or tie.reader is None:
        return False
    sent_at = tie.delivery.settled_at
    moves = tie.reader.consents.filter(act=Consent.Act.MOVED)
    return (moves.filter(at__gt=sent_at) if sent_at else moves).exists()


def _receive(report: Report, tie: _Tie, source: str) -> str:
    said = next(
        (each for each in report.recipients if each.address.lower() == tie.address.lower()),
        report.recipients[0] if report.recipients else Recipient(tie.address),
    )
    kind = _KINDS.get(report.kind) or kind_of(said.status)
    receipt = _recorded(tie, kind, said, source)
    if receipt is None:
        return "counted before"
    words = f"counted as {kind}"
    return f"{words}; {tie.address} is suppressed" if receipt.has_suppressed else words


@transaction.atomic
def _recorded(
    tie: _Tie, kind: str, said: Recipient, source: str, fuse: Fuse | None = None
) -> Receipt | None:
    now = _as_of_now(tie)
    if now is None:
        return None
    tie = now
    receipt = Receipt(
        kind=kind,
        delivery=tie.delivery,
        notice=tie.notice,
        subscriber=tie.reader,
        address=tie.address,
        status=said.status[:12],
        diagnostic="" if is_hash(tie.address) else said.diagnostic.replace("\0", "")[:300],
        source=source[:40],
        fuse=fuse,
        is_held=fuse is not None,  # also under a verdict: the sweep does what it asks for
    )
    if fuse is None and tie.delivery is not None:  # a letter that was sent again: that one is void
        void = Receipt.objects.filter(delivery=tie.delivery, kind=kind)
        void.filter(is_held=False, fuse__verdict=Fuse.Verdict.DISMISSED).delete()
    try:
        with transaction.atomic():
            receipt.save(force_insert=True)
    except IntegrityError:
        return None
    receipt.has_suppressed = fuse is None and _judge(receipt, tie)
    if receipt.has_suppressed:
        receipt.save(update_fields=["has_suppressed"])
    return receipt


def _as_of_now(tie: _Tie) -> _Tie | None:
    """With the reader's row locked, so that of two reports at once the second counts what the first wrote.

    Who was erased in this moment is not named again; of who moved just now nothing is known any more.
    """
    if tie.reader is None:
        return tie
    reader = Subscriber.objects.select_for_update().get(pk=tie.reader.pk)
    if reader.address == tie.reader.address:
        return tie
    if tie.delivery is not None and is_hash(reader.address):
        return replace(tie, reader=reader, address=reader.address)
    return None


def _judge(receipt: Receipt, tie: _Tie) -> bool:
    """Do what the receipt asks for; whether the address is suppressed by it."""
    match receipt.kind:
        case Kind.COMPLAINT | Kind.OPT_OUT:
            if tie.reader is not None:
                consent.leave(tie.reader, consent.live(tie.reader), source=receipt.kind)
            return _suppress(tie.address, receipt.kind)
        case Kind.HARD:
            return _suppress(tie.address, f"it bounced: {receipt.status}")
        case Kind.SOFT if _soft_days(tie) >= SOFT_DAYS:
            return _suppress(tie.address, f"it bounced on {SOFT_DAYS} days: {receipt.status}")
    return False


def _soft_days(tie: _Tie) -> int:
    """On how many days it bounced: of the last weeks, and since staff let the address be mailed again.

    A mailbox that is full for an afternoon bounces every letter of that day, and says no more by it than
    by one.
    """
    since: datetime = timezone.now() - SOFT_PERIOD
    lifted = next(
        (each for each in suppressing.acts(tie.address) if each.what == SuppressionAct.What.LIFTED),
        None,
    )
    if lifted is not None:
        since = max(since, lifted.at)
    rows = Receipt.objects.filter(consent.same(tie.address), kind=Kind.SOFT, at__gte=since)
    rows = rows.filter(Q(fuse=None) | Q(fuse__verdict=Fuse.Verdict.BELIEVED))
    if tie.reader is not None:
        rows = rows.filter(subscriber=tie.reader)
    return rows.values(day=TruncDate("at", tzinfo=UTC)).distinct().count()


def _suppress(address: str, reason: str) -> bool:
    try:
        return suppressing.suppress(address, reason=reason, by=BY)
    except BadAddress:  # of old, when more was let in
        return False


def _take_back(receipt: Receipt, *, by: str) -> None:
    """Let the address be mailed again, unless it was suppressed or lifted otherwise since."""
    acts = [] if is_hash(receipt.address) else suppressing.acts(receipt.address)
    if acts and acts[0].what == SuppressionAct.What.SUPPRESSED and acts[0].by == BY:
        suppressing.lift(receipt.address, reason="a relay's refusals are in doubt", by=by)


def _note(report: Report, octets: bytes, source: str) -> None:
    """For staff to see, once; of a flood the last are kept."""
    said = report.recipients[0] if report.recipients else Recipient("")
    note = Receipt(
        kind=Kind.NOTE,
        address=said.address[:320],
        status=said.status[:12],
        diagnostic=(said.diagnostic or str(report.kind)).replace("\0", "")[:300],
        source=source[:40],
        digest=hashlib.sha256(octets).hexdigest(),
    )
    Receipt.objects.bulk_create([note], ignore_conflicts=True)
    notes = Receipt.objects.filter(kind=Kind.NOTE).order_by("-pk")
    one_too_many = notes.values_list("pk", flat=True)[MOST_NOTES : MOST_NOTES + 1].first()
    if one_too_many:
        notes.filter(pk__lte=one_too_many).delete()
