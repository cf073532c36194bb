"""Absolute addresses of our pages and feeds, for letters, feeds and the command line."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from django.conf import settings
from django.urls import reverse


def brief_page(public_id: str) -> str:
    return _absolute("pages:brief", "public_id", public_id)


def topic_page(slug: str) -> str:
    return _absolute("pages:topic", "slug", slug)


def leave(token: str) -> str:
    return leave_to()(token)


def manage(token: str) -> str:
    return manage_to()(token)


def join_confirm(token: str) -> str:
    return _absolute("pages:join-confirm", "token", token)


def move_confirm(token: str) -> str:
    return _absolute("pages:move-confirm", "token", token)


def leave_to() -> Callable[[str], str]:
    """The addresses for leaving, by token; for a great many of them."""
    return _absolute_to("pages:leave", "token")


def manage_to() -> Callable[[str], str]:
    return _absolute_to("pages:reader", "token")


def feeds_index() -> str:
    return settings.PUBLIC_URL + feeds_folder()


@lru_cache(maxsize=1)
def feeds_folder() -> str:
    """The path of all feeds: a page names hundreds of them and has no time to reverse each."""
    return reverse("feeds:index")


def _absolute(name: str, part: str, value: str) -> str:
    return _absolute_to(name, part)(value)


def _absolute_to(name: str, part: str) -> Callable[[str], str]:
    before, after = _around(name, part)
    before = settings.PUBLIC_URL + before
    return lambda value: f"{before}{value}{after}"


@lru_cache(maxsize=16)
def _around(name: str, part: str) -> tuple[str, str]:
    """The path before and after its one part: a letter has several links and no time to reverse."""
    before, _, after = reverse(name, kwargs={part: "X-X"}).partition("X-X")
    return before, after
