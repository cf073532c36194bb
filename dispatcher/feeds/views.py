"""The feeds' door: which document an address means. Bytes are made elsewhere."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.views.decorators.http import require_safe

from dispatcher import speaking
from dispatcher.briefs import public
from dispatcher.briefs.public import TopicMoved, TopicRetired
from dispatcher.errors import UnknownTopic
from dispatcher.feeds import describing, publishing, serving
from dispatcher.feeds.building import Format
from dispatcher.feeds.describing import ALL, Channel

NO_SUCH_FORMAT = "There is no feed in this format; there are .atom and .rss."


@require_safe
def all_briefs(request: HttpRequest, format: str) -> HttpResponse:  # noqa: A002  as in the address
    """The combined feed."""
    if format not in list(Format):
        return _said(404, NO_SUCH_FORMAT)
    return _served(request, ALL, Format(format))


@require_safe
def topic(request: HttpRequest, slug: str, format: str) -> HttpResponse:  # noqa: A002
    """The feed of a topic: 301 when it was merged, 410 when it was retired."""
    if format not in list(Format):
        return _said(404, NO_SUCH_FORMAT)
    form = Format(format)
    try:
        channel = Channel(public.topic(slug))
    except UnknownTopic:
        return _said(404, "There is no feed at this address: no topic has that name.")
    except TopicRetired as refusal:
        return _said(410, f"{refusal} Its feed has ended.")
    except TopicMoved as moved:
        response = HttpResponsePermanentRedirect(Channel(moved.to).path(form))
        response.headers["Cache-Control"] = serving.MAX_AGE
        return response
    return _served(request, channel, form)


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every feed there is, for people."""
    topics = [(one, describing.links_of(Channel(one))) for one in public.topics_in_use()]
    context = {
        "combined": describing.links_of(ALL),
        "topics": topics,
        "feeds": describing.feed_links(),
    }
    response = speaking.render(request, "feeds/index.html", context)
    response.headers["Cache-Control"] = serving.MAX_AGE
    return response


def _served(request: HttpRequest, channel: Channel, form: Format) -> HttpResponse:
    document = publishing.document(channel, form)
    return serving.answer(request, document, self_url=channel.url(form))


def _said(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(
        f"{sentence}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "public, max-age=60", "Access-Control-Allow-Origin": "*"},
    )
