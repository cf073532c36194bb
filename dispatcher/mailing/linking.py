"""The link to a reader's own page, sent by staff to who asked for it. It goes to the reader's address alone.

Who staff are is not looked at here.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from dispatcher import links
from dispatcher.audience import access, consent
from dispatcher.audience.models import Subscriber
from dispatcher.errors import NoSuchReader, NotWelcome, WrongState
from dispatcher.mailing import notices
from dispatcher.mailing.models import Notice

PAUSE = timedelta(minutes=10)


@transaction.atomic
def send_page(reader_id: int, *, by: str) -> None:
    """Send the reader the link to their page, also to one who has left: there they may come back.

    Raises NoSuchReader, NotWelcome for an address that is suppressed, and WrongState within ten minutes
    of the last such letter, so that a button pressed twice sends one.
    """
    reader = Subscriber.objects.select_for_update().filter(pk=reader_id).first()
    if reader is None:
        raise NoSuchReader(f"There is no reader {reader_id}.")
    if reason := consent.suppressed(reader.address):
        raise NotWelcome(f"Nothing is mailed to this address: {reason}.")
    since = timezone.now() - PAUSE
    if reader.notices.filter(kind=Notice.Kind.PAGE, created_at__gt=since).exists():
        raise WrongState("The link went to the reader a few minutes ago; let it arrive first.")
    notices.post(
        Notice.Kind.PAGE,
        to=reader.address,
        language=reader.language,
        reader_id=reader_id,
        link=links.manage(access.manage_token(reader_id)),
        by=by,
    )
