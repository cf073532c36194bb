"""The feeds' door: which document or page an address means. Bytes are made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from dispatcher import speaking
from dispatcher.briefs import public
from dispatcher.briefs.public import TopicRetired
from dispatcher.errors import BadToken, UnknownTopic
from dispatcher.feeds import addressing, describing, documents, holding, outlining, shelf
from dispatcher.feeds.addressing import NOT_THERE, FeedMoved, NoSuchFeed
from dispatcher.feeds.channels import ALL, URGENT, Channel, of_topic
from dispatcher.feeds.serving import Prepared

LISTED = 20
PAGE_AGE = "public, max-age=300"
_NOT_AGE = "public, max-age=60"

View = Callable[..., HttpResponse]


def at_a_feeds_address(view: View) -> View:
    """Answers for addresses that mean no feed, or mean it in another spelling."""

    @wraps(view)
    def answered(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except BadToken:
            return _said(404, NOT_THERE)
        except NoSuchFeed as refusal:
            response = _said(404, str(refusal))
        except UnknownTopic:
            response = _said(404, NOT_THERE)
        except TopicRetired as refusal:
            response = _said(410, f"{refusal} Its feed has ended.")
        except FeedMoved as moved:
            response = HttpResponsePermanentRedirect(moved.to.path)
            response.headers["Cache-Control"] = PAGE_AGE
            response.headers["Access-Control-Allow-Origin"] = "*"
        shelf.keep_as_it_is(request)
        return response

    return answered


@require_safe
@at_a_feeds_address
def feed(request: HttpRequest, address: str) -> HttpResponse:
    """A feed in a format, live or of a month; without a format, its page for people."""
    meant = addressing.read(address)
    if meant.form is None:
        return _page(request, meant.channel)
    served = documents.find(meant.channel, meant.form, meant.month)
    shelf.hand_over(request, served, channel=meant.channel.key)
    answer = Prepared(served).answer(
        request.method or "GET",
        if_none_match=request.headers.get("If-None-Match"),
        if_modified_since=request.headers.get("If-Modified-Since"),
        accept_encoding=request.headers.get("Accept-Encoding"),
    )
    response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
    if answer.status == 304:
        del response["Content-Type"]  # Django's, who names one for any answer
    return response


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Every feed there is, and a form that combines topics."""
    topics = public.topics_in_use()
    context = {
        "combined": describing.links_of(ALL),
        "urgent": describing.links_of(URGENT),
        "kinds": [(one, describing.links_of(one)) for one in addressing.kinds()],
        "topics": [(one, describing.links_of(of_topic(one))) for one in topics],
        "most": addressing.MOST_TOPICS,
        "feeds": describing.feed_links(),
        "canonical": describing.home_page() + "feeds/",
    }
    return _cached(speaking.render(request, "feeds/index.html", context))


@require_safe
def outline(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """All feeds as OPML 2.0, for feed readers to import."""
    response = HttpResponse(outlining.opml(), content_type="text/x-opml; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="feeds.opml"'
    return _cached(response)


@require_safe
@at_a_feeds_address
def choose(request: HttpRequest) -> HttpResponse:
    """What the form of the index page asks for; leads to the page of that combination."""
    asked = request.GET
    if not asked.getlist("topic") and not asked.getlist("not"):
        return redirect("feeds:index")
    channel = addressing.choose(
        asked.get("match", "any"), asked.getlist("topic"), asked.getlist("not")
    )
    return redirect(channel.path())


def _page(request: HttpRequest, channel: Channel) -> HttpResponse:
    """How to follow a feed, and what is in it now."""
    page = describing.page_of(channel)
    if page != channel.url():
        return HttpResponsePermanentRedirect(page)
    held = holding.live(channel).entries[:LISTED]
    links = describing.links_of(channel)
    context = {
        "channel": channel,
        "about": describing.about(channel),
        "links": links,
        "briefs": public.of([row.brief_id for row in held]),
        "feeds": links,
        "canonical": page,
    }
    return _cached(speaking.render(request, "feeds/channel.html", context))


def _cached(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = PAGE_AGE
    return response


def _said(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(
        f"{sentence}\n",
        status=status,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": _NOT_AGE, "Access-Control-Allow-Origin": "*"},
    )
