"""A notice as the letter that a relay is handed: compiled once for its kind, language and facts.

The Message-ID and the date are the notice's own, the same on every attempt.
"""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings

from dispatcher import links
from dispatcher.audience import access
from dispatcher.audience.tokens import Purpose, seal
from dispatcher.letters.compiled import Compiled
from dispatcher.letters.compiling import compile_letter
from dispatcher.letters.notice import NoticeContext, notice_headers
from dispatcher.letters.slots import SlotValues
from dispatcher.letters.words import words
from dispatcher.mailing import composing, sealing
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
    leave = access.leave_token(notice.reader_id or 0, NO_DISPATCH)
    return SlotValues(
        address=notice.address,
        reason="-",  # no template of ours reads it
        manage_url=notice.link or settings.PUBLIC_URL,
        unsubscribe_url=links.leave(leave),
        unsubscribe_mailto=composing.mailto(leave),
        message_id=f"<{seal(Purpose.NOTICE_ID, notice.pk)}@{settings.MAIL_DOMAIN}>",
        date=notice.created_at.replace(microsecond=0),
    )


@lru_cache(maxsize=64)
def _compiled(
    kind: str, language: str, facts: tuple[tuple[str, str], ...], has_link: bool, may_leave: bool
) -> Compiled:
    context = NoticeContext(
        publisher=composing.publisher(),
        language=language,
        has_link=has_link,
        may_leave=may_leave,
        facts=dict(facts),
    )
    rendered = composing.renderer().render_with_slots(kind, context.mapping())
    told = composing.facts(rendered.subject, kind, "notice", language=language)
    return compile_letter(rendered, notice_headers(told, may_leave=may_leave))
