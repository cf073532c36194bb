"""A brief's revision as a letter: compiled once for all its readers, or whole for one to look at.

What a letter looks like is for `letters` and the templates; here stands what this product puts in:
links, headers, the reason line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.utils import timezone
from django.utils.text import slugify

from dispatcher import links
from dispatcher.audience import access
from dispatcher.audience.tokens import Purpose, sealer
from dispatcher.briefs.document import Document
from dispatcher.briefs.models import Brief, Revision
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import UnreadyBrief
from dispatcher.letters.alert import AlertContext, Publisher, TopicLink
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import HeaderFacts, headers
from dispatcher.letters.rendering import LetterTooLarge, Renderer
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.variants import Variants
from dispatcher.letters.words import words
from dispatcher.mailing import sealing
from dispatcher.mailing.addressing import EVERY_BRIEF, Addressee
from dispatcher.mailing.models import Dispatch
from dispatcher.translating import SOURCE

ALERT = "alert"
TEST = "[TEST] "


@dataclass(frozen=True, slots=True)
class Sample:
    """A letter as one imagined reader would get it: its parts, and the whole message as it is sent."""

    subject: str
    sender: str
    html: str
    text: str
    message: bytes


def compose_variants(
    brief: Brief, revision: Revision, *, languages: Iterable[str] = (), day: datetime | None = None
) -> Variants:
    """The letter in English, and in what we speak of these languages. Raises what `compose` does.

    One moment is the `day` of all, so that they differ in our words alone.
    """
    day = day or timezone.now()
    spoken = {words(language).language for language in languages} - {SOURCE}
    return Variants(
        {
            language: compose(brief, revision, day=day, language=language)
            for language in (SOURCE, *sorted(spoken))
        }
    )


def compose(
    brief: Brief,
    revision: Revision,
    *,
    subject_prefix: str = "",
    day: datetime | None = None,
    language: str = SOURCE,
) -> Compiled:
    """The letter of a revision with slots, for `stamp`; `language` is that of our words in it.

    A brief that names no date bears that of `day`, when it goes out; now if that is left out. Raises
    UnreadyBrief when it is too large.
    """
    context = _context(brief, revision.document, day=day, chrome=language)
    try:
        letter = renderer().render_with_slots(ALERT, context.mapping())
    except LetterTooLarge as refusal:
        raise UnreadyBrief(str(refusal)) from None
    letter = replace(letter, subject=subject_prefix + letter.subject)
    marks = (brief.public_id, ALERT, "urgent" if brief.urgent else "routine")
    told = facts(letter.subject, *marks, language=revision.document.language)
    return compile_letter(letter, headers(told))


def sample(brief: Brief, revision: Revision, *, language: str = SOURCE) -> Sample:
    """The letter as a reader of all the brief's topics, who has that language, would get it.

    Its links lead nowhere.
    """
    values = sample_values(brief, "reader@example.org", language=language)
    context = _context(brief, revision.document, chrome=language)
    mapping = {**context.mapping(), "slots": values}
    try:
        letter = renderer().render(ALERT, mapping)
    except LetterTooLarge as refusal:
        raise UnreadyBrief(str(refusal)) from None
    return Sample(
        subject=letter.subject,
        sender=f"{settings.PUBLISHER_NAME} <{settings.MAIL_FROM}>",
        html=letter.html,
        text=letter.text,
        message=sealing.stamper(compose(brief, revision, language=language))(values),
    )


def values_of(dispatch: Dispatch) -> Callable[[Addressee, str], SlotValues]:
    """What stands in the slots for each reader, in the language of their letter. The same on every attempt,
    the Message-ID included.

    What all readers share is worked out once, for the rest is paid by the million.
    """
    domain, to_leave, date = settings.MAIL_DOMAIN, mailto_to(), _date(dispatch)
    leave, manage, dispatch_id = links.leave_to(), links.manage_to(), dispatch.pk
    for_leaving, for_managing = access.for_leaving(), access.for_managing()
    for_message = sealer(Purpose.MESSAGE_ID)

    def values(addressee: Addressee, language: str) -> SlotValues:
        version = addressee.link_version
        leave_token = for_leaving(addressee.subscriber_id, dispatch_id, version)
        message_token = for_message(addressee.subscriber_id, dispatch_id)
        return SlotValues(
            address=addressee.address,
            name=addressee.name,
            reason=_reason(language, addressee.follows),
            manage_url=manage(for_managing(addressee.subscriber_id, version)),
            unsubscribe_url=leave(leave_token),
            unsubscribe_mailto=to_leave(leave_token),
            message_id=f"<{message_token}@{domain}>",
            date=date,
        )

    return values


@lru_cache(maxsize=1024)
def _reason(language: str, follows: tuple[str, ...]) -> str:
    return words(language).reason(() if follows == (EVERY_BRIEF,) else follows)


def sample_values(brief: Brief, address: str, *, language: str = SOURCE) -> SlotValues:
    """Slots for a letter that is only looked at: its links open the brief and stop nothing."""
    page = links.brief_page(brief.public_id)
    names = Vocabulary().names(brief.topics)
    now = timezone.now()
    return SlotValues(
        address=address,
        reason=words(language).reason(names),
        manage_url=page,
        unsubscribe_url=page,
        unsubscribe_mailto=mailto("sample"),
        message_id=f"<sample.{now:%Y%m%d%H%M%S%f}.{brief.public_id}@{settings.MAIL_DOMAIN}>",
        date=now,
    )


def return_paths() -> Callable[[int], str]:
    """The envelope sender of each delivery by its id, so that a bounce says whose it is (VERP)."""
    seal, domain = sealer(Purpose.RETURN_PATH), settings.MAIL_DOMAIN
    return lambda delivery_id: f"bounces+{seal(delivery_id)}@{domain}"


@lru_cache(maxsize=32)
def compiled(dispatch_id: int) -> Variants:
    """The letter stored at release; a worker reads it once."""
    stored = Dispatch.objects.values_list("letter", flat=True).get(pk=dispatch_id)
    return Variants.from_bytes(stored)


@lru_cache(maxsize=1)
def renderer() -> Renderer:
    return Renderer(settings.TEMPLATE_ROOT / "email")


def _context(
    brief: Brief, document: Document, *, day: datetime | None = None, chrome: str = SOURCE
) -> AlertContext:
    vocabulary = Vocabulary()
    ids = vocabulary.recognise(document.topics)  # some may be retired since
    return AlertContext(
        document=replace(
            document,
            published_at=document.published_at or brief.published_at or day or timezone.now(),
        ),
        publisher=replace(publisher(), help_url=links.feeds_index()),
        topics=tuple(
            TopicLink(vocabulary.by_id[pk].name, links.topic_page(vocabulary.by_id[pk].slug))
            for pk in ids
        ),
        page_url=links.brief_page(brief.public_id),
        preheader=document.summary,
        urgent=document.urgent,
        chrome=chrome,
    )


def publisher() -> Publisher:
    return Publisher(
        name=settings.PUBLISHER_NAME,
        address=settings.PUBLISHER_ADDRESS,
        home_url=settings.PUBLISHER_HOME,
        accent_light=settings.ACCENT_LIGHT,
        accent_dark=settings.ACCENT_DARK,
    )


def facts(subject: str, *marks: str, language: str) -> HeaderFacts:
    """What the headers of a letter of ours are made of; `marks` come before our name in Feedback-ID."""
    sender = slugify(settings.PUBLISHER_NAME)[:40] or "dispatcher"
    return HeaderFacts(
        subject=subject,
        from_name=settings.PUBLISHER_NAME,
        from_address=settings.MAIL_FROM,
        list_id=f"briefs.{settings.MAIL_DOMAIN}",
        list_help=settings.PUBLISHER_HOME,
        list_archive=settings.PUBLIC_URL + "/",
        reply_to=settings.MAIL_REPLY_TO,
        feedback_id=(*marks, sender),
        language=language,
    )


def mailto(token: str) -> str:
    return mailto_to()(token)


def mailto_to() -> Callable[[str], str]:
    """Where a letter goes that asks to leave, by token: to us where mail comes back to us, else to people."""
    if settings.INBOUND_MAIL:
        domain = settings.MAIL_DOMAIN
        return lambda token: f"mailto:unsubscribe+{token}@{domain}?subject=unsubscribe"
    address = settings.MAIL_REPLY_TO or settings.MAIL_FROM
    return lambda token: f"mailto:{address}?subject=unsubscribe%20{token}"


def _date(dispatch: Dispatch) -> datetime:
    return (dispatch.scheduled_for or dispatch.released_at).replace(microsecond=0)
