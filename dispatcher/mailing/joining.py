"""Signing up, from the form to the letters: one with a link to confirm, one that welcomes.

Whoever asks is told the same, and the same is done, whether the address is a reader's, a stranger's or
suppressed: a reader who confirms gains the rule, a suppressed address is refused when its letter would go.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from dispatcher import links, queue
from dispatcher.audience import access, consent, joining, limiting, moving, puzzles, standing
from dispatcher.audience.joining import Wish
from dispatcher.audience.models import SignUp, Subscriber
from dispatcher.audience.standing import Line
from dispatcher.audience.tokens import Purpose, seal, unseal
from dispatcher.letters.words import words
from dispatcher.mailing import notices
from dispatcher.mailing.models import Notice
from dispatcher.translating import later

HOUR = timedelta(hours=1)
SENT = later("If this address can have our letters, one is on its way to it. Open the link in it.")


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a reader who has confirmed sees: what they get, from which day on if they paused, and the way to
    their page.

    Whoever presses again sees the rule of this sign-up and no way there: the letter of welcome has it, and
    by now it may be another.
    """

    lines: tuple[Line, ...]
    manage_url: str
    paused_until: date | None = None


def ask(wish: Wish, *, visitor: str, solution: str = "") -> None:
    """Take a sign-up and send its letter. `visitor` is the IP address that asks.

    Raises BadAddress, BadTopics, NotSolved where JOIN_CAPTCHA is on, TooManySignUps and QueueUnreachable.
    An address that has had its letters of the day is no refusal.
    """
    address = joining.addressed(wish)
    if settings.JOIN_CAPTCHA:
        puzzles.check(solution)
    if not limiting.may_have_a_letter(address, visitor=visitor):
        return
    with transaction.atomic():
        sign_up = joining.ask(wish, ip=visitor)
        notices.post(
            Notice.Kind.CONFIRM,
            to=sign_up.address,
            language=sign_up.language,
            link=links.join_confirm(seal(Purpose.JOIN, sign_up.pk)),
            facts={"rules": _said((_line(sign_up),)), "days": str(settings.JOIN_DAYS)},
        )


def language(token: str) -> str:
    """In which language who signed up is spoken to. Raises BadToken."""
    (number,) = unseal(Purpose.JOIN, token, count=1)
    return joining.find(number).language


def prospect(token: str) -> Line:
    """What confirming would begin, in words; changes nothing. Raises BadToken."""
    (number,) = unseal(Purpose.JOIN, token, count=1)
    return _line(joining.find(number))


@transaction.atomic
def confirm(token: str, *, visitor: str) -> Welcome:
    """Press the button behind the link; the first time a letter says welcome. `visitor` is the IP address
    that presses.

    Raises BadToken or NotWelcome.
    """
    (number,) = unseal(Purpose.JOIN, token, count=1)
    joined = joining.confirm(number, ip=visitor)
    if not joined.is_new:
        return Welcome((_line(joining.find(number)),), "")
    reader = joined.reader
    ours, paused_until = words(reader.language), standing.pause_ends(reader)
    lines = tuple(standing.lines(consent.live(reader), ours))
    welcome = Welcome(lines, manage_link(reader), paused_until)
    paused = {"paused": ours.date(paused_until)} if paused_until else {}
    notices.post(
        Notice.Kind.WELCOME,
        to=reader.address,
        language=reader.language,
        reader_id=reader.pk,
        link=welcome.manage_url,
        facts={"rules": _said(welcome.lines)} | paused,
    )
    return welcome


def manage_link(reader: Subscriber) -> str:
    return links.manage(access.manage_token(reader.pk))


def sweep() -> None:
    """Once an hour, forget; by several at once, too."""
    if queue.is_first("forget sign-ups", 0, within=HOUR):
        forget()


def forget() -> None:
    """Keep what the letter says: of a sign-up that nobody confirmed nothing is left, nor of its letter."""
    ended = timezone.now() - timedelta(days=settings.JOIN_DAYS)
    Notice.objects.filter(kind=Notice.Kind.CONFIRM, settled_at__lt=ended).delete()
    joining.forget()
    moving.forget()


def _line(sign_up: SignUp) -> Line:
    (line,) = standing.lines([joining.subscription_of(sign_up)], words(sign_up.language))
    return line


def _said(lines: tuple[Line, ...]) -> str:
    return "\n".join(f"{line.words}. {line.cadence}." for line in lines)
