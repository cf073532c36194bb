"""Which language a page for readers is in, and the answer that is in it.

A page behind a sealed link speaks its reader's language; any other that of `?lang=`, which the links of
the page carry on, since there is no cookie, or of Accept-Language. Nothing is remembered but in the
request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render as render_template
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from dispatcher.letters.languages import setting
from dispatcher.letters.words import Words, own_name, words
from dispatcher.translating import negotiated, spoken

PARAMETER = "lang"
_READERS = "dispatcher.reader_language"  # no header of a request is called so
_OPEN_PAGES = ("pages:", "feeds:index", "feeds:feed", "feeds:hub")


@dataclass(frozen=True, slots=True)
class Tongue:
    """A language that a page offers to be read in; `url` is the same page in it."""

    language: str
    direction: str
    name: str
    url: str
    is_current: bool


def offered() -> dict[str, str]:
    """The languages that readers may choose, each by its own name."""
    return {language: own_name(language) for language in settings.OFFERED_LANGUAGES}


def use(request: HttpRequest, language: str) -> None:
    """From here on the answer is for a reader whose language this is; empty for one who is gone."""
    if language:
        request.META[_READERS] = language


def words_for(request: HttpRequest) -> Words:
    """The words of the page that answers this request."""
    if _READERS in request.META:
        return words(request.META[_READERS])
    header = request.headers.get("Accept-Language", "")
    return words(_chosen(request) or negotiated(header, settings.OFFERED_LANGUAGES))


def address(request: HttpRequest, name: str, **parts: Any) -> str:
    """The path of a page, in the language that was chosen for this one."""
    path = reverse(name, kwargs=parts)
    return carried_on(request, path) if name.startswith(_OPEN_PAGES) else path


def carried_on(request: HttpRequest, page: str) -> str:
    """The address of an open page of ours, in the language that was chosen for this one."""
    chosen = _chosen(request)
    if not chosen:
        return page
    rest, mark, place = page.partition("#")
    return f"{rest}{'&' if '?' in rest else '?'}{PARAMETER}={chosen}{mark}{place}"


def render(
    request: HttpRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """The page, in `words_for` the request; caches are told what it depends on (RFC 9110 §12.5.5)."""
    ours = words_for(request)
    is_open = _READERS not in request.META
    told = {
        **(context or {}),
        **ours.in_html(),
        "words": ours,
        "setting": setting,
        "tongues": _tongues(request, ours) if is_open else (),
        "chosen": _chosen(request),
        "url": lambda name, **parts: address(request, name, **parts),
    }
    response = render_template(request, template, told, status=status)
    response.headers["Content-Language"] = ours.language
    if is_open:
        patch_vary_headers(response, ["Accept-Language"])
    return response


def _chosen(request: HttpRequest) -> str:
    """Empty for none, for one that is not offered, and where the reader's own language counts."""
    if _READERS in request.META:
        return ""
    asked = request.GET.get(PARAMETER, "")[:35]
    return spoken(asked, settings.OFFERED_LANGUAGES) if asked else ""


def _tongues(request: HttpRequest, ours: Words) -> list[Tongue]:
    return [
        Tongue(
            language=language,
            direction=setting(language).direction,
            name=name,
            url=f"{request.path}?{_asking(request, language)}",
            is_current=language == ours.language,
        )
        for language, name in offered().items()
    ]


def _asking(request: HttpRequest, language: str) -> str:
    """What the page was asked for, in that language."""
    asked = request.GET.copy()
    asked[PARAMETER] = language
    return asked.urlencode()
