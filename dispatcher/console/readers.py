"""Readers at the desk: finding one, and the page that shows rules, consents and letters."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from dispatcher.audience import browsing, consent, hashing, reasons, standing
from dispatcher.console.asking import number_asked, text_asked
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.mailing import reporting, timeline


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    search, state = text_asked(request, "search"), text_asked(request, "state")
    state = state if state in browsing.STATES else ""
    leaf = browsing.leaf(search=search, state=state, older_than=number_asked(request, "older"))
    return page(
        request,
        "readers",
        here="Readers",
        leaf=leaf,
        is_first="older" not in request.GET,
        search=search,
        state=state,
        states=browsing.STATES,
        stands=browsing.stands,
        total=browsing.total(),
        reasons=reasons.sums(),
        reasons_days=reasons.PERIOD.days,
        reasons_said=reasons.said(),
        older=urlencode({"search": search, "state": state, "older": leaf.older_than or ""}),
    )


@require_safe
def detail(request: DeskRequest, number: int) -> HttpResponse:
    reader = browsing.reader(number)
    return page(
        request,
        "reader",
        here="Readers",
        reader=reader,
        letters=reporting.letters_to(reader),
        rules=browsing.said_rules(reader),
        suppressed=consent.suppressed(reader.address),
        is_erased=hashing.is_hash(reader.address),
        paused_until=standing.look(number).paused_until,
        timeline=timeline.of(reader),
    )
