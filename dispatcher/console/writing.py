"""Handing a brief in at the desk: paste or upload, see what was understood, save."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from dispatcher.briefs import intake
from dispatcher.briefs.intake import Outcome
from dispatcher.briefs.models import Brief
from dispatcher.console.doors import DeskRequest
from dispatcher.console.forms import BriefForm
from dispatcher.console.showing import page
from dispatcher.errors import Refusal

NOTES = {
    Outcome.NEW: "Saved as a draft. Look at the letter, then release it.",
    Outcome.CHANGED: "Saved as revision {number}.",
    Outcome.SAME: "Nothing was saved: this brief, word for word, was here already.",
}


@require_http_methods(["GET", "HEAD", "POST"])
def write(request: DeskRequest, brief_id: str = "") -> HttpResponse:
    """A new brief, or with `brief_id` a new version of one."""
    brief = intake.find(brief_id) if brief_id else None
    if request.method != "POST":
        return _answer(request, BriefForm.again(brief) if brief else BriefForm(), brief)
    form = BriefForm(request.POST, request.FILES)
    if form.is_valid() and "save" in request.POST:
        try:
            return _save(request, form, brief)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return _answer(request, form, brief)


def _save(request: DeskRequest, form: BriefForm, brief: Brief | None) -> HttpResponse:
    taken = intake.hand_in(
        form.cleaned_data["raw"],
        by=request.user.get_username(),
        topic_names=form.cleaned_data["topics"],
        urgent=form.cleaned_data["urgent"] or None,
        source_id=brief.source_id if brief else "",
    )
    messages.success(request, NOTES[taken.outcome].format(number=taken.revision.number))
    return redirect("console:brief", brief_id=taken.brief.public_id)


def _answer(request: DeskRequest, form: BriefForm, brief: Brief | None) -> HttpResponse:
    if request.htmx:
        return page(request, "_understood", form=form, is_part=True)
    is_refused = form.is_bound and not form.is_valid()
    status = 422 if is_refused else 200
    return page(
        request,
        "write",
        here="Briefs",
        status=status,
        form=form,
        brief=brief,
        action=request.path,
        is_part=False,
    )
