"""Briefs at the desk: the list, and the page of one with its previews."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from dispatcher import speaking
from dispatcher.audience import browsing
from dispatcher.briefs import intake, topics
from dispatcher.console.asking import page_asked, text_asked
from dispatcher.console.doors import DeskRequest
from dispatcher.console.previews import Choice
from dispatcher.console.showing import page
from dispatcher.errors import Refusal
from dispatcher.letters.words import own_name
from dispatcher.mailing import amending, composing, explaining, reporting, trying
from dispatcher.translating import SOURCE


@require_safe
def home(_request: DeskRequest) -> HttpResponse:
    return redirect("console:briefs")


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    standing = text_asked(request, "standing")
    search = text_asked(request, "search")
    return page(
        request,
        "briefs",
        here="Briefs",
        listing=reporting.briefs(
            standing=standing if standing in reporting.STANDINGS else "",
            search=search,
            page=page_asked(request),
        ),
        standings=reporting.STANDINGS,
        standing=standing,
        search=search,
        query=urlencode({"standing": standing, "search": search}),
    )


@require_safe
def detail(request: DeskRequest, brief_id: str) -> HttpResponse:
    brief = intake.find(brief_id)
    vocabulary = topics.Vocabulary()
    followers = browsing.followers(brief.topics)
    sample, problem, choice = None, "", Choice.of(request.GET)
    try:
        if brief.current:
            sample = composing.sample(brief, brief.current, language=choice.language)
    except Refusal as refusal:
        problem = str(refusal)
    dispatch = reporting.last_dispatch(brief)
    address = text_asked(request, "address")
    return page(
        request,
        "brief",
        here="Briefs",
        brief=brief,
        choice=choice,
        languages={SOURCE: own_name(SOURCE), **speaking.offered()},
        dispatch=dispatch,
        standing=reporting.standing_of(brief, dispatch),
        amended=amending.told(brief),
        sample=sample,
        problem=problem,
        topics=[(vocabulary.by_id[pk].name, followers[pk]) for pk in brief.topics],
        address=address,
        explained=_explained(brief_id, address) if address else [],
    )


@require_POST
def try_out(request: DeskRequest, brief_id: str) -> HttpResponse:
    """Send a test letter."""
    address = request.POST.get("address", "").strip()
    try:
        said = trying.send_test(intake.find(brief_id), address)
    except Refusal as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"A test letter went to {address}. The relay said: {said}")
    return redirect("console:brief", brief_id=brief_id)


def _explained(brief_id: str, address: str) -> list[str]:
    try:
        return explaining.explain(intake.find(brief_id), address)
    except Refusal as refusal:
        return [str(refusal)]
