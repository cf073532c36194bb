"""The Jinja environment of all web pages: what every template may use."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django.utils.formats import date_format
from django_htmx.jinja import htmx_script
from jinja2 import Environment, StrictUndefined


def environment(**options: Any) -> Environment:
    """Called by Django once, with the loader and autoescape on."""
    options["undefined"] = StrictUndefined
    environment = Environment(trim_blocks=True, lstrip_blocks=True, **options)  # noqa: S701  Django turns it on
    environment.globals.update(
        htmx_script=htmx_script,
        publisher_name=settings.PUBLISHER_NAME,
        settings=settings,
        static=static,
        url=_url,
    )
    environment.filters.update(day=_day, moment=_moment)
    return environment


def _day(on: date) -> str:
    return date_format(on, "j F Y")


def _moment(at: datetime) -> str:
    """In the time zone that it comes in."""
    return date_format(at, "j F Y, H:i")


def _url(name: str, **parts: Any) -> str:
    return reverse(name, kwargs=parts)
