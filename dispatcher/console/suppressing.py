"""Suppressed addresses at the desk: the list, an address put on it with a reason, one taken off again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from dispatcher.audience import browsing, consent, suppressing
from dispatcher.console import attending
from dispatcher.console.asking import number_asked, text_asked
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.errors import BadAddress


class ReasonForm(forms.Form):
    """Why, kept with the name and the date; and which address, where that is not settled already."""

    address = forms.CharField(
        max_length=320, error_messages={"required": "Give the address that is not to be mailed."}
    )
    reason = forms.CharField(
        max_length=80, error_messages={"required": "Say why; it is kept with your name."}
    )


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    search, why = text_asked(request, "search"), text_asked(request, "why")
    why = why if why in browsing.WHYS else ""
    found = browsing.suppressions(search=search, why=why, older_than=number_asked(request, "older"))
    return page(
        request,
        "suppressions",
        here="Readers",
        found=found,
        search=search,
        why=why,
        whys=browsing.WHYS,
        is_first="older" not in request.GET,
        erased=consent.ERASED,
        older=urlencode({"search": search, "why": why, "older": found.older_than or ""}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def suppress(request: DeskRequest, number: int = 0) -> HttpResponse:
    """Ask why; POST suppresses the reader's address, or without a number the one that is typed."""
    reader = attending.find(number) if number else None
    form = _form(request, reader.address if reader else "")
    if form.is_valid():
        address = form.cleaned_data["address"]
        try:
            is_new = suppressing.suppress(
                address, reason=form.cleaned_data["reason"], by=attending.desk_of(request)
            )
        except BadAddress as refusal:
            form.add_error("address", str(refusal))
        else:
            said = "is not mailed any more" if is_new else "was suppressed already"
            messages.success(request, f"{address} {said}.")
            return _back(number)
    return _asked(request, "suppress", form, reader=reader)


@require_http_methods(["GET", "HEAD", "POST"])
def lift(request: DeskRequest, number: int = 0, suppression: int = 0) -> HttpResponse:
    """Ask why; POST lets the address be mailed again, which is a reader's or of the list."""
    reader = attending.find(number) if number else None
    address = reader.address if reader else browsing.suppression(suppression).address
    form = _form(request, address)
    if form.is_valid():
        is_lifted = suppressing.lift(
            address, reason=form.cleaned_data["reason"], by=attending.desk_of(request)
        )
        said = "may be mailed again" if is_lifted else "was not suppressed any more"
        messages.success(request, f"{address} {said}. Rules that have ended stay ended.")
        return _back(number)
    return _asked(
        request, "lift", form, reader=reader, address=address, why=consent.suppressed(address)
    )


def _form(request: DeskRequest, address: str) -> ReasonForm:
    """Where the address is settled, nothing that is posted makes it another."""
    if request.method != "POST":
        return ReasonForm()
    given = request.POST.dict()
    return ReasonForm(given | {"address": address} if address else given)


def _asked(request: DeskRequest, name: str, form: ReasonForm, **context: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    return page(request, name, here="Readers", status=status, form=form, **context)


def _back(number: int) -> HttpResponse:
    return redirect("console:reader", number=number) if number else redirect("console:suppressions")
