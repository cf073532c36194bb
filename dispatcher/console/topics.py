"""Topics at the desk: who follows them and how many briefs carry them."""

from __future__ import annotations

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from dispatcher.audience import browsing
from dispatcher.briefs.topics import Vocabulary
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.mailing import reporting


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
