"""What came back at the desk: receipts, notes that counted for nobody, and fuses that wait for a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from dispatcher.console.asking import number_asked, text_asked
from dispatcher.console.attending import desk_of
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.errors import WrongState
from dispatcher.mailing import fuses, returned
from dispatcher.mailing.fuses import Verdict

VERDICTS: Mapping[str, str] = {
    "believe": Verdict.BELIEVED,
    "dismiss": Verdict.DISMISSED,
}
DONE: Mapping[str, str] = {
    Verdict.BELIEVED: "Believed. The addresses are suppressed within a minute.",
    Verdict.DISMISSED: "Dismissed. Nobody is suppressed for it, and what was not taken can be sent again.",
}


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    search, kind = text_asked(request, "search"), text_asked(request, "kind")
    kind = kind if kind in returned.KINDS else ""
    leaf = returned.leaf(search=search, kind=kind, older_than=number_asked(request, "older"))
    return page(
        request,
        "returned",
        here="Readers",
        leaf=leaf,
        search=search,
        kind=kind,
        kinds=returned.KINDS,
        is_first="older" not in request.GET,
        fuses=fuses.last(10),
        older=urlencode({"search": search, "kind": kind, "older": leaf.older_than or ""}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def fuse(request: DeskRequest, number: int) -> HttpResponse:
    """What a relay refused, with some of its words; POST says what it is worth."""
    blown = fuses.find(number)
    if request.method == "POST":
        verdict = VERDICTS.get(request.POST.get("answer", ""))
        if verdict is None:
            raise WrongState("Choose what the refusals are worth by one of the buttons.")
        if fuses.decide(number, verdict, by=desk_of(request)):
            messages.success(request, DONE[verdict])
        return redirect("console:fuse", number=number)
    return page(
        request,
        "fuse",
        here="Readers",
        fuse=blown,
        weight=fuses.weight(blown),
        leaf=returned.leaf(fuse_id=number, limit=10),
    )
