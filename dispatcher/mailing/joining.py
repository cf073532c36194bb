"""Signing up, from the form to the letters: one with a link to confirm, one that welcomes.

Whoever asks is told the same, and by then the same has been done, whether the address is a reader's, a
stranger's or suppressed: what differs is in the letter, which only the owner of the address reads.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from dispatcher import links
from dispatcher.audience import consent, joining, limiting, puzzles, standing
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import SignUp, Subscriber
from dispatcher.audience.standing import Line
from dispatcher.audience.tokens import Purpose, seal, unseal
from dispatcher.mailing import notices
from dispatcher.mailing.models import Notice

SENT = "If this address can have our letters, one is on its way to it. Open the link in it."


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a reader who has confirmed sees: what they get, and the way to their page."""

    lines: tuple[Line, ...]
    manage_url: str


def ask(wish: Wish, *, visitor: str, solution: str = "") -> None:
    """Take a sign-up and send its letter. `visitor` is the IP address that asks.

    Raises BadAddress, NotSolved where JOIN_CAPTCHA is on, TooManySignUps and QueueUnreachable. An address
    that has had its letters of the day is no refusal.
    """
    address = joining.address_of(wish.address)
    if settings.JOIN_CAPTCHA:
        puzzles.check(solution)
    if not limiting.may_have_a_letter(address, visitor=visitor):
        return
    with transaction.atomic():
        sign_up, reader = joining.ask(wish, ip=visitor)
        asked = _said((_line(sign_up),))
        if reader is None:
            _ask_to_confirm(sign_up, asked)
        else:
            _say_already_here(reader, asked)


def prospect(token: str) -> Line:
    """What confirming would begin, in words; changes nothing. Raises BadToken."""
    (number,) = unseal(Purpose.JOIN, token, count=1)
    return _line(joining.find(number))


@transaction.atomic
def confirm(token: str) -> Welcome:
    """Press the button behind the link; the first time a letter says welcome.

    Raises BadToken or NotWelcome.
    """
    (number,) = unseal(Purpose.JOIN, token, count=1)
    joined = joining.confirm(number)
    reader = joined.reader
    welcome = Welcome(standing.lines(consent.live(reader)), manage_link(reader))
    if joined.is_new:
        notices.post(
            Notice.Kind.WELCOME,
            to=reader.address,
            language=reader.language,
            reader_id=reader.pk,
            link=welcome.manage_url,
            facts={"rules": _said(welcome.lines)},
        )
    return welcome


def manage_link(reader: Subscriber) -> str:
    return links.manage(seal(Purpose.MANAGE, reader.pk))


def _ask_to_confirm(sign_up: SignUp, asked: str) -> None:
    notices.post(
        Notice.Kind.CONFIRM,
        to=sign_up.address,
        language=sign_up.language,
        link=links.join_confirm(seal(Purpose.JOIN, sign_up.pk)),
        facts={"rules": asked, "days": str(settings.JOIN_DAYS)},
    )


def _say_already_here(reader: Subscriber, asked: str) -> None:
    """What was asked for stands in it, and no more is looked up than for a stranger."""
    notices.post(
        Notice.Kind.WELCOME,
        to=reader.address,
        language=reader.language,
        reader_id=reader.pk,
        link=manage_link(reader),
        facts={"rules": asked, "already": "yes"},
    )


def _line(sign_up: SignUp) -> Line:
    (line,) = standing.lines([joining.subscription_of(sign_up)])
    return line


def _said(lines: tuple[Line, ...]) -> str:
    return "\n".join(f"{line.words}. {line.cadence}." for line in lines)
