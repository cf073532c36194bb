"""What is served at a feed's address at this moment, for those who do not come by HTTP."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.urls import Resolver404, resolve

from dispatcher.briefs import public
from dispatcher.briefs.public import TopicMoved, TopicRetired
from dispatcher.errors import UnknownTopic
from dispatcher.feeds import publishing
from dispatcher.feeds.building import Format
from dispatcher.feeds.describing import ALL, Channel


@dataclass(frozen=True, slots=True)
class Served:
    """The very octets, uncoded, and what the answer says of them."""

    content_type: str
    body: bytes
    etag: str


def served(url: str) -> Served | None:
    """The document of one of our feeds at its one address; None for every other address."""
    try:
        found = resolve(url.removeprefix(settings.PUBLIC_URL))
    except Resolver404:
        return None
    form = found.kwargs.get("format")
    if found.view_name not in {"feeds:all", "feeds:topic"} or form not in list(Format):
        return None
    try:
        slug = found.kwargs.get("slug")
        channel = Channel(public.topic(slug)) if slug is not None else ALL
    except (UnknownTopic, TopicMoved, TopicRetired):
        return None
    if channel.url(Format(form)) != url:
        return None
    document = publishing.document(channel, Format(form))
    return Served(Format(form).content_type, bytes(document.body), document.etag)
