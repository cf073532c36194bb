"""What came back, tied to the letter it is about, and what follows for its reader.

Which letter that is, and whether the report is believed, is `tying`'s; what is not is a note for staff.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.hashing import is_hash
from dispatcher.audience.models import Subscriber, SuppressionAct
from dispatcher.errors import BadAddress
from dispatcher.mailing import blowing, bounces, leaving, tying
from dispatcher.mailing.bounces import Recipient, Report
from dispatcher.mailing.models import Delivery, Fuse, Receipt
from dispatcher.mailing.tying import Tie

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
    ties = list(tying.ties(report))
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
    tie = Tie(delivery, None, reader, reader.address)
    if tying.has_moved(tie):
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
        tie = Tie(receipt.delivery, None, receipt.subscriber, receipt.address)
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
    tie = tying.by_return_path(token) if token else None
    status = bounces.status_in(words)
    said = Recipient(recipient, status, words)
    if tie is None or tying.has_moved(tie):
        report = Report(bounces.Kind.BOUNCE, (said,), tokens=(token,))
        _note(report, f"{source} {number} {recipient} {words}".encode(), source)
    else:
        _recorded(tie, kind or kind_of(status), said, source)


def kind_of(status: str) -> str:
    """What a refusal with this enhanced code means (RFC 3463)."""
    if _GONE.fullmatch(status):
        return Kind.HARD
    return Kind.POLICY if _POLICY.fullmatch(status) else Kind.SOFT


def _receive(report: Report, tie: Tie, source: str) -> str:
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
    tie: Tie, kind: str, said: Recipient, source: str, fuse: Fuse | None = None
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
    if fuse is None and (taken := _taken(receipt)):
        receipt.fuse = blowing.of_returned(taken)
        receipt.is_held = receipt.fuse is not None
    receipt.has_suppressed = not receipt.is_held and _judge(receipt, tie)
    if receipt.is_held or receipt.has_suppressed:
        receipt.save(update_fields=["fuse", "is_held", "has_suppressed"])
    return receipt


def _taken(receipt: Receipt) -> Delivery | None:
    """The letter that a relay had taken, and of which it is said now that nobody reads there."""
    delivery = receipt.delivery if receipt.kind == Kind.HARD else None
    return delivery if delivery and delivery.state != Delivery.State.FAILED else None


def _as_of_now(tie: Tie) -> Tie | None:
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


def _judge(receipt: Receipt, tie: Tie) -> bool:
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


def _soft_days(tie: Tie) -> int:
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
    """For staff to see, once; of a flood the last are kept.

    Whom it names is not written down where they may have been erased.
    """
    said = report.recipients[0] if report.recipients else Recipient("")
    if tying.is_forgotten(report) or suppressing.is_erased(said.address):
        said = Recipient("", said.status)
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
