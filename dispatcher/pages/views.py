"""Pages that anyone may read: the newest briefs, one brief, one topic. They set no cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.views.decorators.http import require_safe

from dispatcher import links, speaking
from dispatcher.briefs import public
from dispatcher.briefs.public import BriefWithdrawn, TopicMoved, TopicRetired
from dispatcher.errors import NoSuchBrief, UnknownTopic
from dispatcher.feeds import content, describing
from dispatcher.feeds.channels import ALL, of_topic
from dispatcher.translating import later

LISTED = 30
MAX_AGE = "public, max-age=60"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The newest briefs."""
    context = {
        "briefs": public.newest(LISTED),
        "feeds": describing.feed_links(),
        "canonical": describing.home_page(),
    }
    return _page(request, "pages/home.html", context)


@require_safe
def brief(request: HttpRequest, public_id: str) -> HttpResponse:
    """One released brief: 410 when it was withdrawn, 404 for any other."""
    try:
        found = public.find(public_id)
    except NoSuchBrief as refusal:
        return sorry(request, 404, later("No brief here"), refusal)
    except BriefWithdrawn as gone:
        return _page(request, "pages/withdrawn.html", {"gone": gone}, status=410)
    context = {
        "brief": found,
        "document": found.document,
        "content": content.fragment(found.document),
        "combined": describing.links_of(ALL),
        "followed": [(one, describing.links_of(of_topic(one))) for one in found.topics],
        "feeds": describing.feed_links(found.topics),
        "canonical": links.brief_page(found.public_id),
    }
    return _page(request, "pages/brief.html", context)


@require_safe
def topic(request: HttpRequest, slug: str) -> HttpResponse:
    """One topic and its newest briefs: 301 when it was merged, 410 when it was retired."""
    try:
        found = public.topic(slug)
    except UnknownTopic as refusal:
        return sorry(request, 404, later("No topic here"), refusal)
    except TopicRetired as refusal:
        context = {"ended": refusal, "sentence": speaking.words_for(request).say(refusal)}
        return _page(request, "pages/topic_ended.html", context, status=410)
    except TopicMoved as moved:
        return HttpResponsePermanentRedirect(
            speaking.address(request, "pages:topic", slug=moved.to.slug)
        )
    context = {
        "topic": found,
        "above": found.parent,
        "beneath": public.topics_beneath(found),
        "briefs": public.newest(LISTED, about=found),
        "followed": describing.links_of(of_topic(found)),
        "feeds": describing.feed_links([found]),
        "canonical": links.topic_page(found.slug),
    }
    return _page(request, "pages/topic.html", context)


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Django's handler404: any address that is none."""
    sentence = later("There is no page at this address.")
    return sorry(request, 404, later("Nothing here"), sentence)


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler500: a fault of ours. Asks no database, which may be what is away."""
    return speaking.render(request, "500.html", status=500)


def sorry(request: HttpRequest, status: int, title: str, sentence: str | Exception) -> HttpResponse:
    """A page that says why there is nothing to read, and where there is."""
    ours = speaking.words_for(request)
    context = {"title": ours.say(title), "sentence": ours.say(sentence)}
    response = speaking.render(request, "pages/sorry.html", context, status=status)
    return _for_robots(response)


def _page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    response = speaking.render(request, template, context, status=status)
    response.headers["Cache-Control"] = MAX_AGE
    return _for_robots(response)


def _for_robots(response: HttpResponse) -> HttpResponse:
    if response.status_code == 410:
        response.headers["X-Robots-Tag"] = "noindex"
    return response
