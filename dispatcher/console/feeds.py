"""Feeds at the desk: about how many people read each in a feed reader."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.feeds import describing, listing, readership


@require_safe
def readers(request: DeskRequest) -> HttpResponse:
    kept = listing.by_key()
    names = {key: name for key, (name, _) in kept.items()}
    pages = {key: describing.page_of(channel) for key, (_, channel) in kept.items()}
    report = readership.report()
    return page(request, "feeds", here="Feeds", feeds=report, names=names, pages=pages)
