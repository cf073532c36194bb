"""How the desk answers: a template with what every page needs, and how times and numbers are said.

Which words stand for which state is for `words`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dispatcher.console import words
from dispatcher.letters.words import words as letter_words
from dispatcher.watching import alarms

NAV = (
    ("Briefs", "console:briefs"),
    ("Dispatches", "console:dispatches"),
    ("Readers", "console:readers"),
    ("Topics", "console:topics"),
    ("Feeds", "console:feeds"),
)


@dataclass(frozen=True, slots=True)
class Way:
    """An entry of the navigation."""

    name: str
    url: str
    is_here: bool


def page(
    request: HttpRequest, template: str, *, here: str = "", status: int = 200, **context: Any
) -> HttpResponse:
    """Render `console/<template>.html`; `here` is the name in the navigation that the page is under."""
    usual = {
        "alarms": () if template.startswith("_") else alarms.ringing(),
        "notes": list(messages.get_messages(request)),
        "number": number,
        "plural": words.plural,
        "user": getattr(request, "user", None),
        "ways": _ways(here),
        "when": when,
        "words": words,
        "say": letter_words(
            "en"
        ).say,  # what the desk shares with readers' pages is in English here
        "zone": settings.TIME_ZONE,
    }
    return render(request, f"console/{template}.html", usual | context, status=status)


def number(value: int) -> str:
    """1234567 as it is read: 1,234,567."""
    return f"{value:,}"


def when(moment: datetime) -> SafeString:
    """A time element that reads `today 14:05` and tells the exact time, with zone, on hover."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{} {}</time>',
        local.isoformat(timespec="seconds"),
        exactly(moment),
        day(local.date()),
        f"{local:%H:%M}",
    )


def exactly(moment: datetime) -> str:
    """Thursday 2 March 2023, 14:05:09 UTC."""
    return formatted(timezone.localtime(moment), "l j F Y, H:i:s T")


def day(on: date) -> str:
    """Today, yesterday and tomorrow by their names; other days without the year when it is this one."""
    today = timezone.localdate()
    named = {timedelta(0): "today", timedelta(1): "tomorrow", timedelta(-1): "yesterday"}
    if on - today in named:
        return named[on - today]
    return formatted(on, "j M" if on.year == today.year else "j M Y")


def _ways(here: str) -> list[Way]:
    ways = []
    for name, target in NAV:
        try:
            ways.append(Way(name, reverse(target), name == here))
        except NoReverseMatch:  # a door that this installation does not have
            continue
    return ways
