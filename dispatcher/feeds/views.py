"""The feeds' door: which document or page an address means. Bytes are made elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from dispatcher import links, speaking
from dispatcher.audience.rules import Match
from dispatcher.briefs import public
from dispatcher.briefs.public import TopicRetired
from dispatcher.errors import BadToken, UnknownTopic
from dispatcher.feeds import (
    addressing,
    describing,
    documents,
    holding,
    outlining,
    saying,
    shelf,
    websub,
)
from dispatcher.feeds.addressing import NOT_THERE, Address, FeedMoved, NoSuchFeed
from dispatcher.feeds.channels import ALL, URGENT, Channel, of_topic
from dispatcher.feeds.rationing import FeedsBusy
from dispatcher.feeds.serving import Prepared
from dispatcher.translating import later

LISTED = 20
PAGE_AGE = "public, max-age=300"
_NOT_AGE = "public, max-age=60"
_PRIVATE = "private, no-store"
_BUSY_SECONDS = 60
NO_FEED = later("No feed here")
FEED_ENDED = later("This feed has ended")
ITS_FEED_ENDED = later("Its feed has ended.")

View = Callable[..., HttpResponse]


def at_a_feeds_address(view: View) -> View:
    """Answers for addresses that mean no feed, or mean it in another spelling."""

    @wraps(view)
    def answered(request: HttpRequest, *args: str, **kwargs: str) -> HttpResponse:
        may_keep = True
        try:
            return view(request, *args, **kwargs)
        except NoSuchFeed as refusal:
            response = _said(request, 404, refusal)
        except (BadToken, UnknownTopic):
            response = _said(request, 404, NOT_THERE)
        except TopicRetired as refusal:
            response = _said(request, 410, refusal, refusal.note, ITS_FEED_ENDED)
        except FeedsBusy as refusal:
            response, may_keep = _said(request, 503, refusal), False
            response.headers["Cache-Control"] = "no-store"
            response.headers["Retry-After"] = str(_BUSY_SECONDS)
        except FeedMoved as moved:
            response = _led_on(request, moved.to)
            may_keep = moved.to.form is not None  # else it hangs on the language that was chosen
        if websub.is_private(request.path.lower()):
            response.headers["Cache-Control"] = _PRIVATE
        elif may_keep:
            shelf.keep_as_it_is(request)
        return response

    return answered


@require_safe
@at_a_feeds_address
def feed(request: HttpRequest, address: str) -> HttpResponse:
    """A feed in a format, live or of a month; without a format, its page for people."""
    meant = addressing.read(address)
    if meant.form is None:
        return _page(request, meant)
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
    """Every feed there is, and a form that combines topics, ticked as the address says."""
    return _cached(_index(request))


def _index(request: HttpRequest, refusal: Exception | None = None) -> HttpResponse:
    asked = request.GET
    topics = public.topics_in_use()
    context = {
        "refusal": speaking.words_for(request).say(refusal) if refusal else "",
        "match": asked.get("match", "any"),
        "wanted": set(asked.getlist("topic")),
        "unwanted": set(asked.getlist("not")),
        "held": holding.counts(),
        "urgent_stem": URGENT.stem,
        "combined": describing.links_of(ALL),
        "urgent": describing.links_of(URGENT),
        "kinds": [(one, describing.links_of(one)) for one in addressing.kinds()],
        "topics": [(one, describing.links_of(of_topic(one))) for one in topics],
        "most": addressing.MOST_TOPICS,
        "feeds": describing.feed_links(),
        "canonical": describing.home_page() + "feeds/",
    }
    status = 422 if refusal else 200
    return speaking.render(request, "feeds/index.html", context, status=status)


@require_safe
def outline(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """All feeds as OPML 2.0, for feed readers to import."""
    response = HttpResponse(outlining.opml(), content_type="text/x-opml; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="feeds.opml"'
    return _cached(response)


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    """What the form of the index page asks for; leads to the page of that combination."""
    asked = request.GET
    try:
        channel = addressing.choose(
            asked.get("match", "any"), asked.getlist("topic"), asked.getlist("not")
        )
    except (NoSuchFeed, UnknownTopic, TopicRetired) as refusal:
        return _index(request, refusal)
    return redirect(speaking.carried_on(request, channel.path()))


def _page(request: HttpRequest, meant: Address) -> HttpResponse:
    """How to follow a feed, and what is in it now. An archive has its feed's page."""
    channel = meant.channel
    page = describing.page_of(channel)
    if meant.month or page != channel.url():
        return _shown(channel, HttpResponsePermanentRedirect(speaking.carried_on(request, page)))
    held = holding.live(channel).entries[:LISTED]
    formats = describing.links_of(channel)
    context = {
        "channel": channel,
        "about": saying.about(channel, speaking.words_for(request)),
        "links": formats,
        "briefs": public.of([row.brief_id for row in held]),
        "feeds": formats,
        "again": _again(request, channel),
        **({} if channel.token else {"canonical": page}),
    }
    return _shown(channel, speaking.render(request, "feeds/channel.html", context))


def _again(request: HttpRequest, channel: Channel) -> str:
    """The index with the form filled in as for this feed; empty for one that no form makes."""
    named = [
        *(("topic", one.slug) for one in channel.topics),
        *(("not", one.slug) for one in channel.excepted),
    ]
    if not named:
        return ""
    way = "each" if channel.match == Match.ALL and channel.topics else "any"
    filled = urlencode([*named, ("match", way)])
    return speaking.carried_on(request, f"{reverse('feeds:index')}?{filled}#topics")


def _shown(channel: Channel, response: HttpResponse) -> HttpResponse:
    """A page of a reader's own feed is kept by nobody, and tells no other site its address."""
    if not channel.token:
        return _cached(response)
    response.headers["Cache-Control"] = _PRIVATE
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _cached(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = PAGE_AGE
    return response


def _led_on(request: HttpRequest, to: Address) -> HttpResponse:
    """From another spelling to the one address; a page keeps the language that was chosen."""
    path = to.path if to.form else speaking.carried_on(request, to.path)
    response = HttpResponsePermanentRedirect(path)
    response.headers["Cache-Control"] = PAGE_AGE
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _said(request: HttpRequest, status: int, *sentences: str | Exception) -> HttpResponse:
    """A page for people; at an address with an extension, where programs ask, the sentences in English."""
    said = [one for one in sentences if one]
    if "." in request.path.rpartition("/")[2]:
        text = f"{' '.join(map(str, said))} All feeds, and how to combine topics: {links.feeds_index()}\n"
        response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    else:
        ours = speaking.words_for(request)
        title = NO_FEED if status == 404 else FEED_ENDED
        context = {"title": ours.say(title), "sentences": [ours.say(one) for one in said]}
        response = speaking.render(request, "feeds/sorry.html", context)
    response.status_code = status
    response.headers["Cache-Control"] = _NOT_AGE
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response
