"""What is public is changed at the desk: correcting a brief, and withdrawing it, each on a page that asks."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from dispatcher.briefs import intake, revising
from dispatcher.briefs.models import Brief
from dispatcher.console.doors import DeskRequest
from dispatcher.console.forms import CorrectionForm, RetractionForm
from dispatcher.console.showing import page
from dispatcher.errors import Refusal
from dispatcher.mailing import amending, withdrawing

SAME = "Nothing was changed: readers see just this already."
CORRECTED = "Corrected. The page and the feeds say so; no letter went out about it."
WITHDRAWN = "Withdrawn. Its page says so; what had not left stays."


@require_http_methods(["GET", "HEAD", "POST"])
def correct(request: DeskRequest, brief_id: str) -> HttpResponse:
    """Show what readers see, to be put right; POST with `save` does it at once."""
    brief = intake.find(brief_id)
    revising.check_public(brief, "correct")
    if request.method != "POST":
        return _answer(request, CorrectionForm.of(brief, brief.released), brief)
    form = CorrectionForm(request.POST, request.FILES)
    if form.is_valid() and "save" in request.POST:
        try:
            return _corrected(request, form, brief)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _answer(request, form, brief)


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: DeskRequest, brief_id: str) -> HttpResponse:
    """Say what a retraction does and ask why; POST does it. A second one changes nothing."""
    brief = intake.find(brief_id)
    revising.check_public(brief, "withdraw")
    form = RetractionForm(request.POST if request.method == "POST" else None)
    if brief.withdrawn_at is not None:
        return redirect("console:brief", brief_id=brief_id)
    if form.is_valid():
        by = request.user.get_username()
        amending.retract(brief, by=by, note=form.cleaned_data["note"])
        messages.success(request, WITHDRAWN)
        return redirect("console:brief", brief_id=brief_id)
    return page(
        request,
        "withdraw",
        here="Briefs",
        status=422 if form.is_bound else 200,
        brief=brief,
        form=form,
        open_=withdrawing.open_of(brief),
        owed=withdrawing.owed(brief),
    )


def _corrected(request: DeskRequest, form: CorrectionForm, brief: Brief) -> HttpResponse:
    given = form.cleaned_data
    is_urgent = form.understood is not None and form.understood.document.urgent
    done = amending.correct(
        brief,
        given["raw"],
        by=request.user.get_username(),
        note=given["note"],
        topic_names=given["topics"],
        urgent=given["urgent"] or is_urgent,
        shown=given["revision"],
    )
    if done.is_new:
        messages.success(request, CORRECTED)
    else:
        messages.info(request, SAME)
    return redirect("console:brief", brief_id=brief.public_id)


def _answer(request: DeskRequest, form: CorrectionForm, brief: Brief) -> HttpResponse:
    if request.htmx:
        return page(request, "_understood", form=form, is_part=True)
    return page(
        request,
        "correct",
        here="Briefs",
        status=422 if form.is_bound and not form.is_valid() else 200,
        form=form,
        brief=brief,
        action=request.path,
        under_way=amending.under_way(brief),
        is_part=False,
    )
