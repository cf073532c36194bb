"""Feeds at the desk: about how many people read each in a feed reader."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from dispatcher.briefs.topics import Vocabulary
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.feeds import reach


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    topics = Vocabulary().by_id.values()
    names = {f"topic/{topic.slug}": topic.name for topic in topics} | {"all": "All briefs"}
    return page(request, "feeds", here="Feeds", feeds=reach.report(), names=names)
