"""What a query string asks for, made harmless: anything that cannot be meant is as if not asked."""

from __future__ import annotations

from dispatcher.console.doors import DeskRequest


def page_asked(request: DeskRequest) -> int:
    return number_asked(request, "page") or 1


def number_asked(request: DeskRequest, name: str) -> int | None:
    """A number that fits a row's id."""
    asked = request.GET.get(name, "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 18 else None


def text_asked(request: DeskRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\0", "").strip()[:300]
