"""Asking to become a reader, and becoming one: nobody is mailed a brief before the second.

A sign-up is only kept until the button behind its link is pressed, or the link's life ends. Which letter
carries the link, and how often somebody may ask, is `mailing.joining`'s.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from dispatcher.audience import consent, editing, suppressing, zones
from dispatcher.audience.addresses import normalise
from dispatcher.audience.hashing import hashed
from dispatcher.audience.models import Consent, SignUp, Subscriber, Subscription
from dispatcher.audience.rules import Rule
from dispatcher.errors import BadAddress, BadToken, NotWelcome
from dispatcher.translating import later

# Of the sentences on the page that asks; a change of them is a new one. Who asks by the API saw those of a
# form that is not ours.
WORDING, WORDING_OF_API = "sign-up 2026-11", "API 2026-11"
_EXPIRED = later("This link has ended, or was used long ago. Sign up again to get a new one.")


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for. `source` names the door, `wording` what was agreed to there, `time_zone` is
    an IANA name.
    """

    address: str
    rule: Rule
    source: str
    name: str = ""
    language: str = "en"
    time_zone: str = "UTC"
    wording: str = WORDING


@dataclass(frozen=True, slots=True)
class Joined:
    """A reader who confirmed. `is_new` is false when the button was pressed before."""

    reader: Subscriber
    rule: Rule
    is_new: bool


def address_of(text: str) -> str:
    """The address in its one spelling. Raises BadAddress, also for domains that take no sign-ups.

    Role addresses (info@, press@) are let in: whoever reads them must press the button.
    """
    address = normalise(text)
    domain = address.rpartition("@")[2]
    labels = domain.split(".")
    above = {".".join(labels[start:]) for start in range(len(labels))}
    if above & _refused(settings.JOIN_REFUSED_DOMAINS):
        raise BadAddress(
            later(
                "Addresses at %(domain)s are given up soon; use one that you will keep.",
                domain=domain,
            )
        )
    return address


def addressed(wish: Wish) -> str:
    """Where the letter goes about a wish that can be met. Raises BadAddress."""
    return address_of(wish.address)


def ask(wish: Wish, *, ip: str) -> SignUp:
    """Keep a sign-up. Every call is one more. Raises BadAddress or BadTopics.

    The same is written whoever has the address, so that the time it takes tells nothing.
    """
    return SignUp.objects.create(
        address=addressed(wish),
        name=consent.one_line(wish.name),
        language=wish.language[:35],
        timezone=wish.time_zone if zones.exists(wish.time_zone) else "UTC",
        match=wish.rule.match,
        topics=sorted(wish.rule.topics),
        except_topics=sorted(wish.rule.except_topics),
        cadence=wish.rule.cadence,
        source=consent.one_line(wish.source)[:80],
        wording=wish.wording,
        ip_hash=ip_hash(ip),
    )


def find(number: int) -> SignUp:
    """The sign-up behind a link that still lives. Raises BadToken."""
    since = timezone.now() - timedelta(days=settings.JOIN_DAYS)
    sign_up = SignUp.objects.filter(pk=number, asked_at__gt=since).first()
    if sign_up is None:
        raise BadToken(_EXPIRED)
    return sign_up


def forget() -> int:
    """Delete the sign-ups that nobody confirmed while their link lived. Returns how many."""
    ended = timezone.now() - timedelta(days=settings.JOIN_DAYS)
    return SignUp.objects.filter(confirmed_at=None, asked_at__lte=ended).delete()[0]


@transaction.atomic
def confirm(number: int, *, ip: str) -> Joined:
    """Make the reader, or bring back the one who left, with the rule asked for; consent is noted, of who
    asked and of who presses the button now, at `ip`. One who reads already gains the rule.

    Repeats change nothing. One who left again since is not brought back by an old link. Raises
    BadToken, or NotWelcome for an address that was suppressed meanwhile.
    """
    asked = find(number)
    # The reader's row first, as by who erases; then neither waits for the other.
    Subscriber.objects.select_for_update().filter(consent.same(asked.address)).first()
    sign_up = SignUp.objects.select_for_update().filter(pk=number).first()
    if sign_up is None:  # erased or forgotten in this moment
        raise BadToken(_EXPIRED)
    reason = consent.suppressed(sign_up.address)
    if reason == consent.ERASED:  # who was erased may come back, by this alone
        suppressing.lift(hashed(sign_up.address), reason="signed up again", by=sign_up.source)
    elif reason:
        raise NotWelcome(suppressing.STOPPED)
    rule = Rule.of(subscription_of(sign_up))
    if sign_up.confirmed_at is not None:
        return Joined(_confirmed_before(sign_up, rule), rule, is_new=False)
    reader = _reader_of(sign_up)
    consent.subscribe(reader, rule, source=sign_up.source)
    sign_up.confirmed_at = timezone.now()
    sign_up.save(update_fields=["confirmed_at"])
    for act, at, whence in (
        (Consent.Act.ASKED, sign_up.asked_at, sign_up.ip_hash),
        (Consent.Act.CONFIRMED, sign_up.confirmed_at, ip_hash(ip)),
    ):
        reader.consents.create(
            act=act, at=at, source=sign_up.source, wording=sign_up.wording, ip_hash=whence
        )
    return Joined(reader, rule, is_new=True)


def subscription_of(sign_up: SignUp) -> Subscription:
    """The rule asked for, as it would stand in its table; it does not."""
    return Subscription(
        match=sign_up.match,
        topics=sign_up.topics,
        except_topics=sign_up.except_topics,
        cadence=sign_up.cadence,
    )


def ip_hash(ip: str) -> str:
    """The same address gives the same 32 digits, and nobody without the key can try all addresses."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"dispatcher ip hash", hashlib.sha256)
    return hmac.new(key, ip.encode(), hashlib.sha256).hexdigest()[:32] if ip else ""


def _reader_of(sign_up: SignUp) -> Subscriber:
    """The reader, active. What was said about name, language and zone holds for who is new or back, and no
    pause of before: whoever comes back is told that letters begin now.
    """
    asked = {
        "name": sign_up.name,
        "language": sign_up.language,
        "timezone": sign_up.timezone,
        "state": Subscriber.State.ACTIVE,
    }
    rows = Subscriber.objects.select_for_update().filter(consent.same(sign_up.address))
    reader = rows.first()
    if reader is None:
        try:
            with transaction.atomic():
                return Subscriber.objects.create(address=sign_up.address, **asked)
        except IntegrityError:  # made by another in this moment
            reader = rows.get()
    if reader.state != Subscriber.State.ACTIVE:
        for name, value in asked.items():
            if value:
                setattr(reader, name, value)
        reader.save(update_fields=[*asked])
        if editing.resume(reader.pk, source=sign_up.source):
            reader.paused_until = None
    return reader


def _confirmed_before(sign_up: SignUp, rule: Rule) -> Subscriber:
    reader = Subscriber.objects.filter(
        consent.same(sign_up.address), state=Subscriber.State.ACTIVE
    ).first()
    if reader is None or rule not in [Rule.of(one) for one in consent.live(reader)]:
        raise BadToken(_EXPIRED)
    return reader


@lru_cache(maxsize=2)
def _refused(path: str) -> frozenset[str]:
    """Domains, one a line; what follows a # is passed over. Read once a process."""
    if not path:
        return frozenset()
    lines = Path(path).read_text("utf-8").lower().splitlines()
    return frozenset(line.partition("#")[0].strip() for line in lines) - {""}
