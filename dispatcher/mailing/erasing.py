"""Erasing a reader: what tells who it was goes, what the sums are made of stays.

The address is replaced by a keyed hash wherever it stands. It stays on the list of those not mailed, as
that hash: no import brings an erased reader back, only their own sign-up, confirmed, does.
"""

from __future__ import annotations

from itertools import count

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from dispatcher.audience import consent, suppressing
from dispatcher.audience.hashing import hashed, is_hash
from dispatcher.audience.models import (
    AddressChange,
    Consent,
    LeavingReason,
    SignUp,
    Subscriber,
    Suppression,
    SuppressionAct,
)
from dispatcher.mailing.addressing import OWN_WORDS
from dispatcher.mailing.models import Delivery, Notice, Owed, Receipt

ENDED = "erased"

# Consents are only ever added; this transaction may take from them what tells who it was (migration 0010).
SQL_MAY_REDACT = "SELECT set_config('dispatcher.redacting', 'on', true)"


@transaction.atomic
def erase(reader_id: int, *, by: str) -> bool:
    """Erase a reader; whether there was one to erase. Repeats change nothing.

    A letter that is under way is stopped if it has not gone: the reader has left. Deliveries keep their
    outcome and lose the relay's words, which may name the address.
    """
    reader = Subscriber.objects.select_for_update().filter(pk=reader_id).first()
    if reader is None or is_hash(reader.address):
        return False
    address, stays = reader.address, _free_hash(reader.address)
    with connection.cursor() as cursor:
        cursor.execute(SQL_MAY_REDACT)
    reader.consents.create(act=Consent.Act.ERASED, source=by[:200])
    reader.consents.update(ip_hash="")
    consent.live(reader).update(ended_at=timezone.now(), ended_reason=ENDED)
    SignUp.objects.filter(consent.same(address)).delete()
    AddressChange.objects.filter(Q(subscriber=reader) | consent.same(address)).delete()
    LeavingReason.objects.filter(subscriber=reader).update(words="")
    Notice.objects.filter(Q(reader=reader) | consent.same(address)).delete()
    Owed.objects.filter(subscriber=reader).delete()
    told = Delivery.objects.filter(subscriber=reader).exclude(text="")
    told.exclude(text__endswith=OWN_WORDS).update(text="")
    Receipt.objects.filter(Q(subscriber=reader) | consent.same(address)).update(
        address=stays, diagnostic=""
    )
    _keep_from_mail(address)
    Subscriber.objects.filter(pk=reader_id).update(
        address=stays,
        name="",
        language="en",
        timezone="UTC",
        paused_until=None,
        state=Subscriber.State.LEFT,
        link_version=F("link_version") + 1,
    )
    return True


def _free_hash(address: str) -> str:
    """What stays of the address, which its reader may have come back with and be erased from once more."""
    for time in count(1):  # ends with the first that no row has
        stays = hashed(address, time=time)
        if not Subscriber.objects.filter(consent.same(stays)).exists():
            break
    return stays


def _keep_from_mail(address: str) -> None:
    """Put what stays of the address in its place on the list of those not mailed, with its own reason."""
    stays = hashed(address)
    listed = Suppression.objects.filter(consent.same(address))
    if listed.exists():
        Suppression.objects.filter(consent.same(stays)).delete()
        listed.update(address=stays)
    SuppressionAct.objects.filter(consent.same(address)).update(address=stays)
    if not consent.suppressed(stays):
        suppressing.suppress(stays, reason=consent.ERASED, by="erasure")
