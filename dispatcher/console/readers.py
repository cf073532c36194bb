"""Readers at the desk: finding one, and the page that shows rules, consents and letters."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from dispatcher.audience import browsing, consent, reasons, suppressing
from dispatcher.console.asking import number_asked, text_asked
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.mailing import reporting


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    search = text_asked(request, "search")
    leaf = browsing.leaf(search=search, older_than=number_asked(request, "older"))
    return page(
        request,
        "readers",
        here="Readers",
        leaf=leaf,
        is_first="older" not in request.GET,
        search=search,
        suppressed=consent.suppressed_among(reader.address for reader in leaf.readers),
        total=browsing.total(),
        reasons=reasons.sums(),
        reasons_days=reasons.PERIOD.days,
        reasons_said=reasons.said(),
        older=urlencode({"search": search, "older": leaf.older_than or ""}),
    )


@require_safe
def detail(request: DeskRequest, number: int) -> HttpResponse:
    reader = browsing.reader(number)
    return page(
        request,
        "reader",
        here="Readers",
        reader=reader,
        consents=reader.consents.order_by("-at", "-pk"),
        letters=reporting.letters_to(reader),
        rules=browsing.said_rules(reader),
        suppressed=consent.suppressed(reader.address),
        suppressions=suppressing.acts(reader.address),
        came_back=reader.receipts.order_by("-pk")[:20],
    )
