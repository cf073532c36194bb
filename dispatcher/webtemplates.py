"""The Jinja environment of all web pages: what every template may use."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from django_htmx.jinja import htmx_script
from jinja2 import Environment, StrictUndefined

from dispatcher.letters.words import can_be_translated


def environment(**options: Any) -> Environment:
    """Called by Django once, with the loader and autoescape on."""
    options["undefined"] = StrictUndefined
    environment = Environment(trim_blocks=True, lstrip_blocks=True, **options)  # noqa: S701  Django turns it on
    can_be_translated(environment)
    environment.globals.update(
        htmx_script=htmx_script,
        publisher_name=settings.PUBLISHER_NAME,
        settings=settings,
        static=static,
        url=_url,
    )
    return environment


def _url(name: str, **parts: Any) -> str:
    return reverse(name, kwargs=parts)
