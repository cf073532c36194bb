"""The release of a brief: what, to whom and when, said in sentences before it happens."""

from __future__ import annotations

from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from dispatcher.briefs import intake
from dispatcher.briefs.models import Brief
from dispatcher.console.doors import DeskRequest
from dispatcher.console.forms import ReleaseForm
from dispatcher.console.showing import exactly, page
from dispatcher.errors import AlreadyReleased, Refusal
from dispatcher.mailing import dispatching, reporting
from dispatcher.mailing.models import Dispatch

CHANGED = "The brief has changed since you looked at it. Look at the letter again, then release it."
UNSAID = "Check the sentence above the button, then press it: what it says is what will happen."


@require_http_methods(["GET", "HEAD", "POST"])
def release(request: DeskRequest, brief_id: str) -> HttpResponse:
    """Show what a release would do; POST does it. A second POST leads to the first one's dispatch."""
    brief = intake.find(brief_id)
    dispatching.refuse_withdrawn(brief)
    if released := _released(brief):
        messages.info(request, "This brief has been released already; here is its dispatch.")
        return redirect("console:dispatch", number=released.pk)
    if request.method != "POST":
        return _answer(request, brief, ReleaseForm(request.GET if "when" in request.GET else None))
    form = ReleaseForm(request.POST)
    if form.is_valid() and form.cleaned_data["revision"] != brief.current_id:
        form.add_error(None, CHANGED)
    if form.is_valid() and request.POST.get("said") != _said(form.cleaned_data["at"]):
        form.add_error(None, UNSAID)
    if form.is_valid():
        try:
            return _released_now(request, brief, form)
        except AlreadyReleased:
            return redirect(request.path)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _answer(request, brief, form)


def _released_now(request: DeskRequest, brief: Brief, form: ReleaseForm) -> HttpResponse:
    dispatch = dispatching.release(
        brief,
        by=request.user.get_username(),
        at=form.cleaned_data["at"],
        to_feeds_alone="feeds" in request.POST,
        shown=None if "feeds" in request.POST else form.cleaned_data["readers"],
    )
    return redirect("console:dispatch", number=dispatch.pk)


def _answer(request: DeskRequest, brief: Brief, form: ReleaseForm) -> HttpResponse:
    at = form.chosen_at
    template = "_release_words" if request.htmx else "release"
    is_refused = request.method == "POST"
    return page(
        request,
        template,
        here="Briefs",
        status=422 if is_refused else 200,
        at=at,
        at_exactly=exactly(at) if at else "",
        brief=brief,
        document=brief.current.document if brief.current else None,
        form=form,
        now=timezone.now(),
        prospect=dispatching.prospect(brief),
        said=_said(at),
    )


def _said(at: datetime | None) -> str:
    """What the sentence and the button speak of. It comes back with them, so that nobody presses a
    button that says "now" for a time, or the other way round."""
    return at.isoformat() if at else "now"


def _released(brief: Brief) -> Dispatch | None:
    last = reporting.last_dispatch(brief)
    return last if last and last.state != Dispatch.State.CANCELLED else None
