"""A reader's new address, from the form to the letters: a link to confirm it, and a word to the old one."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from dispatcher import links
from dispatcher.audience import access, joining, limiting, moving, standing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.tokens import Purpose, seal, unseal
from dispatcher.errors import BadAddress
from dispatcher.mailing import notices
from dispatcher.mailing.models import Notice
from dispatcher.translating import later


@dataclass(frozen=True, slots=True)
class Prospect:
    """What confirming would do, in hints: this link is in the new mailbox, the old one is nobody's business."""

    was: str
    will_be: str


def ask(reader_id: int, address: str, *, visitor: str) -> None:
    """Send a link to the new address and tell the old one. Nothing changes yet.

    Whoever has the new address, the same is done. One that had its letters of the day gets no other,
    and that is no refusal. Raises BadAddress, TooManySignUps and QueueUnreachable.
    """
    reader = Subscriber.objects.filter(pk=reader_id).first()
    address = joining.address_of(address)
    if reader is None or address.lower() == reader.address.lower():
        raise BadAddress(later("Your letters go there already."))
    if not limiting.may_have_a_letter(address, visitor=visitor):
        return
    with transaction.atomic():
        change = moving.ask(reader, address)
        notices.post(
            Notice.Kind.ADDRESS,
            to=address,
            language=reader.language,
            reader_id=reader_id,
            link=links.move_confirm(seal(Purpose.MOVE, change.pk)),
            facts={"days": str(settings.JOIN_DAYS)},
        )
        notices.post(
            Notice.Kind.MOVED,
            to=reader.address,
            language=reader.language,
            reader_id=reader_id,
            link=links.manage(access.manage_token(reader_id)),
        )


def language(token: str) -> str:
    """In which language its reader is spoken to. Raises BadToken."""
    (number,) = unseal(Purpose.MOVE, token, count=1)
    return moving.find(number).subscriber.language


def prospect(token: str) -> Prospect:
    """Look ahead; changes nothing. Raises BadToken."""
    (number,) = unseal(Purpose.MOVE, token, count=1)
    change = moving.find(number)
    return Prospect(standing.hinted(change.subscriber.address), standing.hinted(change.address))


@transaction.atomic
def confirm(token: str) -> str:
    """Press the button behind the link; the address of the reader's page from now on.

    The old address is told once. Repeats change nothing, and tell the address only while it is still the
    one that the first press brought: a newer link is for who asked for it. Raises BadToken or NotWelcome.
    """
    (number,) = unseal(Purpose.MOVE, token, count=1)
    moved = moving.confirm(number)
    if moved.is_new:
        notices.post(
            Notice.Kind.MOVED,
            to=moved.was,
            language=moved.reader.language,
            reader_id=moved.reader.pk,
            facts={"done": "yes"},
        )
    return links.manage(access.manage_token(moved.reader.pk)) if moved.may_manage else ""
