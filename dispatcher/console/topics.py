"""Topics at the desk: who follows them, how many briefs carry them, and what becomes of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from dispatcher.audience import browsing
from dispatcher.briefs import curating, public
from dispatcher.briefs.models import Topic
from dispatcher.briefs.topics import Vocabulary
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.errors import BadTopics, Refusal, UnknownTopic
from dispatcher.mailing import reporting


@dataclass(frozen=True, slots=True)
class Given:
    """What the form of a change was filled in with."""

    into: str
    name: str
    note: str


Verb = Callable[[str, Given, str], bool]
CHANGES: Mapping[str, Verb] = {
    "merge": lambda slug, given, by: curating.merge(slug, given.into, by=by, note=given.note),
    "retire": lambda slug, given, by: curating.retire(slug, by=by, note=given.note),
    "reinstate": lambda slug, _, by: curating.reinstate(slug, by=by),
    "rename": lambda slug, given, by: curating.rename(slug, given.name, by=by),
}
DONE: Mapping[str, str] = {
    "merge": "{} was merged.",
    "retire": "{} is retired.",
    "reinstate": "{} is in use again.",
    "rename": "{} has a new name.",
}


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    by_id = Vocabulary().by_id
    return page(
        request,
        "topics",
        here="Topics",
        topics=sorted(by_id.values(), key=lambda topic: topic.name.casefold()),
        by_id=by_id,
        followers=browsing.followers(by_id),
        briefs=reporting.briefs_per_topic(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: DeskRequest, number: int, verb: str) -> HttpResponse:
    """Ask before a topic is merged, retired, reinstated or renamed; POST does it, a second one nothing."""
    topic = Vocabulary().by_id.get(number)
    if topic is None:
        raise UnknownTopic("There is no such topic.")
    given = Given(
        *(request.POST.get(name, "").replace("\0", "") for name in ("into", "name", "note"))
    )
    refused = ""
    if request.method == "POST":
        try:
            _do(verb, topic, given, by=request.user.get_username())
        except Refusal as refusal:
            refused = str(refusal)
        else:
            messages.success(request, DONE[verb].format(topic.name))
            return redirect("console:topics")
    return page(
        request,
        "topic_change",
        here="Topics",
        status=422 if refused else 200,
        topic=topic,
        verb=verb,
        given=given,
        refused=refused,
        followers=browsing.followers([number])[number],
        others=[one for one in public.topics_in_use() if one.pk != number],
    )


def _do(verb: str, topic: Topic, given: Given, *, by: str) -> None:
    if verb == "merge" and not given.into:
        raise BadTopics("Choose the topic that it becomes part of.")
    CHANGES[verb](topic.slug, given, by)
