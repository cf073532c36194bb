"""The tokens of letters as CSS custom properties: `/look.css`, which every web page links.

The values are `letters.tokens`'s, so mail and web cannot drift apart; how pages use them stands in
the stylesheet. A file of its own because our policy allows no inline style.
"""

from __future__ import annotations

from dataclasses import fields
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from dispatcher.letters.tokens import Palette, tokens


@require_safe
def stylesheet(_request: HttpRequest) -> HttpResponse:
    response = HttpResponse(
        _css(settings.ACCENT_LIGHT, settings.ACCENT_DARK), content_type="text/css; charset=utf-8"
    )
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


@lru_cache(maxsize=4)
def _css(accent_light: str, accent_dark: str) -> str:
    chosen = tokens(accent_light, accent_dark)
    return (
        f":root {{ color-scheme: light dark; --serif: {chosen.serif}; --sans: {chosen.sans};"
        f" --mono: {chosen.mono}; {_properties(chosen.light)} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_properties(chosen.dark)} }} }}\n"
    )


def _properties(palette: Palette) -> str:
    return " ".join(
        f"--{field.name.replace('_', '-')}: {getattr(palette, field.name)};"
        for field in fields(palette)
    )
