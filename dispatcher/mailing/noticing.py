"""A notice as the letter that a relay is handed: compiled once for its kind, language and facts.

The Message-ID and the date are the notice's own, the same on every attempt.
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.utils.text import slugify

from dispatcher import links
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.letters.alert import Publisher
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.headers import HeaderFacts
from dispatcher.letters.notice import NoticeContext, notice_headers
from dispatcher.letters.rendering import Renderer
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.words import words
from dispatcher.mailing import sealing
from dispatcher.mailing.models import Notice

NO_DISPATCH = 0  # a link to leave that names none ends everything, see `leaving`


def letter(notice: Notice) -> bytes:
    """The whole message, signed where a key is set. Raises UnsafeValue for an address of old."""
    compiled = _compiled(
        notice.kind,
        words(notice.language).language,
        tuple(sorted((str(name), str(value)) for name, value in notice.facts.items())),
        bool(notice.link),
        notice.kind == Notice.Kind.WELCOME and notice.reader_id is not None,
    )
    return sealing.stamper(compiled)(_values(notice))


def return_path(notice: Notice) -> str:
    """The envelope sender, by which a bounce says which notice it is about (VERP)."""
    return f"bounces+{seal(Purpose.NOTICE_PATH, notice.pk)}@{settings.MAIL_DOMAIN}"


def _values(notice: Notice) -> SlotValues:
    leave = seal(Purpose.LEAVE, notice.reader_id or 0, NO_DISPATCH)
    reply_to = settings.MAIL_REPLY_TO or settings.MAIL_FROM
    return SlotValues(
        address=notice.address,
        reason="-",  # no template of ours reads it
        manage_url=notice.link or settings.PUBLIC_URL,
        unsubscribe_url=links.leave(leave),
        unsubscribe_mailto=f"mailto:{reply_to}?subject=unsubscribe%20{leave}",
        message_id=f"<{seal(Purpose.NOTICE_ID, notice.pk)}@{settings.MAIL_DOMAIN}>",
        date=notice.created_at.replace(microsecond=0),
    )


@lru_cache(maxsize=64)
def _compiled(
    kind: str, language: str, facts: tuple[tuple[str, str], ...], has_link: bool, may_leave: bool
) -> Compiled:
    context = NoticeContext(
        publisher=_publisher(),
        language=language,
        has_link=has_link,
        may_leave=may_leave,
        facts=dict(facts),
    )
    rendered = _renderer().render_with_slots(kind, context.mapping())
    sender = slugify(settings.PUBLISHER_NAME)[:40] or "dispatcher"
    told = HeaderFacts(
        subject=rendered.subject,
        from_name=settings.PUBLISHER_NAME,
        from_address=settings.MAIL_FROM,
        list_id=f"briefs.{settings.MAIL_DOMAIN}",
        list_help=settings.PUBLISHER_HOME,
        list_archive=settings.PUBLIC_URL + "/",
        reply_to=settings.MAIL_REPLY_TO,
        feedback_id=(kind, "notice", sender),
        language=language,
    )
    return compile_letter(rendered, notice_headers(told, may_leave=may_leave))


def _publisher() -> Publisher:
    return Publisher(
        name=settings.PUBLISHER_NAME,
        address=settings.PUBLISHER_ADDRESS,
        home_url=settings.PUBLISHER_HOME,
        accent_light=settings.ACCENT_LIGHT,
        accent_dark=settings.ACCENT_DARK,
    )


@lru_cache(maxsize=1)
def _renderer() -> Renderer:
    return Renderer(settings.TEMPLATE_ROOT / "email")
