"""Pages that anyone may read: the newest briefs, one brief, one topic. They set no cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from dispatcher import links
from dispatcher.briefs import public
from dispatcher.briefs.public import BriefWithdrawn, TopicMoved, TopicRetired
from dispatcher.errors import NoSuchBrief, UnknownTopic
from dispatcher.feeds import content, describing
from dispatcher.feeds.channels import ALL, of_topic
from dispatcher.letters.languages import setting
from dispatcher.letters.words import words

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
        return sorry(request, 404, "No brief here", str(refusal))
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
        return sorry(request, 404, "No topic here", str(refusal))
    except TopicRetired as refusal:
        return sorry(request, 410, "This topic has ended", str(refusal))
    except TopicMoved as moved:
        return HttpResponsePermanentRedirect(reverse("pages:topic", kwargs={"slug": moved.to.slug}))
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
    return sorry(request, 404, "Nothing here", "There is no page at this address.")


def sorry(request: HttpRequest, status: int, title: str, sentence: str) -> HttpResponse:
    """A page that says why there is nothing to read, and where there is."""
    context = {"title": title, "sentence": sentence}
    return _for_robots(render(request, "pages/sorry.html", context, status=status))


def _page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    told = {**context, "setting": setting, "words": words}
    response = render(request, template, told, status=status)
    response.headers["Cache-Control"] = MAX_AGE
    return _for_robots(response)


def _for_robots(response: HttpResponse) -> HttpResponse:
    if response.status_code == 410:
        response.headers["X-Robots-Tag"] = "noindex"
    return response
