"""A reader's new address: nothing changes before somebody who reads there presses the button.

Which letters go where is `mailing.moving`'s.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from dispatcher.audience import consent
from dispatcher.audience.models import AddressChange, Consent, Subscriber
from dispatcher.audience.suppressing import STOPPED
from dispatcher.errors import BadToken, NotWelcome
from dispatcher.translating import later

SOURCE = "change of address"
_ENDED = later("This link has ended. Ask for the change again on your page.")
_TAKEN = later(
    "That address has letters of ours already. Stop them there first, or stop these here."
)


@dataclass(frozen=True, slots=True)
class Moved:
    """The reader at the new address, and the one before. `is_new` is false when it was done before.

    `may_manage` is false when the reader's page has had another link since.
    """

    reader: Subscriber
    was: str
    is_new: bool
    may_manage: bool = True


def ask(reader: Subscriber, address: str) -> AddressChange:
    """Keep the wish. Every call is one more; the same is written whoever has the address."""
    return AddressChange.objects.create(
        subscriber=reader, address=address, link_version=reader.link_version
    )


def find(number: int) -> AddressChange:
    """The change behind a link that still lives, its reader with it. Raises BadToken."""
    since = timezone.now() - timedelta(days=settings.JOIN_DAYS)
    rows = AddressChange.objects.select_related("subscriber")
    change = rows.filter(pk=number, asked_at__gt=since).first()
    if change is None or (
        change.confirmed_at is None and change.link_version != change.subscriber.link_version
    ):
        raise BadToken(_ENDED)
    return change


@transaction.atomic
def confirm(number: int) -> Moved:
    """Write the new address; all links that went to the old one no longer open the reader's page.

    Repeats change nothing. Raises BadToken, or NotWelcome when the address is suppressed or another's.
    """
    reader_id = find(number).subscriber_id
    reader = Subscriber.objects.select_for_update().get(pk=reader_id)
    change = find(number)
    if change.confirmed_at is not None:
        is_last = reader.link_version == change.link_version + 1
        return Moved(reader, was="", is_new=False, may_manage=is_last)
    if consent.suppressed(change.address):
        raise NotWelcome(STOPPED)
    was = reader.address
    try:
        with transaction.atomic():
            Subscriber.objects.filter(pk=reader_id).update(
                address=change.address, link_version=F("link_version") + 1
            )
    except IntegrityError:
        raise NotWelcome(_TAKEN) from None
    AddressChange.objects.filter(pk=number).update(confirmed_at=timezone.now())
    reader.consents.create(act=Consent.Act.MOVED, source=SOURCE)
    reader.refresh_from_db()
    return Moved(reader, was, is_new=True)


def forget() -> int:
    """Delete the changes whose link has ended, done or not: they hold addresses. Returns how many."""
    ended = timezone.now() - timedelta(days=settings.JOIN_DAYS)
    return AddressChange.objects.filter(asked_at__lte=ended).delete()[0]
