"""A brief as its readers will see it, for the frames on a brief's page.

A preview is shown under a policy of its own: no script, no form, no frame, and an origin that is
nobody's, so that a brief can do nothing to the desk.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from dispatcher.briefs import intake
from dispatcher.console.doors import DeskRequest
from dispatcher.errors import UnreadyBrief
from dispatcher.feeds import content
from dispatcher.letters.languages import setting
from dispatcher.mailing import composing
from dispatcher.security import HEADER
from dispatcher.translating import SOURCE, spoken

POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none';"
    " style-src 'unsafe-inline'; img-src https: data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
_DARK_ONLY = re.compile(r"@media\s*\(\s*prefers-color-scheme:\s*dark\s*\)")
_BOTH_SCHEMES = re.compile(r"(color-scheme(?:s\"\s*content=|\"\s*content=|:)\s*\"?)light dark")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which preview of a brief is looked at, how wide, in which colours, around it which language's words."""

    kind: str = "mail"
    width: str = "desktop"
    scheme: str = "light"
    language: str = SOURCE
    is_usual_width: bool = True  # nobody asked for it, so a narrow screen may narrow it

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Choice:
        """From a query string; anything unknown is the usual one."""
        return cls(
            kind=query["kind"] if query.get("kind") in {"text", "web", "source"} else "mail",
            width="phone" if query.get("width") == "phone" else "desktop",
            scheme="dark" if query.get("scheme") == "dark" else "light",
            language=spoken(query.get("language", "")[:35], settings.OFFERED_LANGUAGES) or SOURCE,
            is_usual_width="width" not in query,
        )

    def but(self, **changes: str) -> str:
        """The query string of this choice with something changed."""
        names = ("kind", "width", "scheme", "language")
        return "?" + urlencode({name: getattr(self, name) for name in names} | changes)


@require_safe
def mail(request: DeskRequest, brief_id: str) -> HttpResponse:
    """The letter in HTML, in the colours asked for whatever the screen prefers."""
    brief = intake.find(brief_id)
    if brief.current is None:
        raise UnreadyBrief("The brief has no content yet.")
    choice = Choice.of(request.GET)
    sample = composing.sample(brief, brief.current, language=choice.language)
    return _closed(_in_scheme(sample.html, choice))


@require_safe
def web(request: DeskRequest, brief_id: str) -> HttpResponse:
    """The fragment that feed readers get and the brief's own page holds."""
    brief = intake.find(brief_id)
    if brief.current is None:
        raise UnreadyBrief("The brief has no content yet.")
    document = brief.current.document
    context = {
        "document": document,
        "fragment": content.fragment(document),
        "setting": setting(document.language),
        "scheme": Choice.of(request.GET).scheme,
    }
    return _closed(render_to_string("console/_feed_entry.html", context))


def _in_scheme(html: str, choice: Choice) -> str:
    condition = "@media all" if choice.scheme == "dark" else "@media not all"
    return _BOTH_SCHEMES.sub(rf"\g<1>{choice.scheme}", _DARK_ONLY.sub(condition, html))


def _closed(html: str) -> HttpResponse:
    """The preview under its policy; what it links to opens beside the desk, not in the frame."""
    html = html.replace("<head>", '<head><base target="_blank">', 1)
    return HttpResponse(html, headers={HEADER: POLICY})
