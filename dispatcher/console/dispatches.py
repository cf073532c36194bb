"""Dispatches at the desk: the list, the page that follows one live, pausing, resuming, cancelling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.timezone import localtime
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from dispatcher.console import words
from dispatcher.console.asking import page_asked, text_asked
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.errors import Refusal
from dispatcher.mailing import dispatching, reporting, resending, troubles
from dispatcher.mailing.models import Delivery, Dispatch

State = Dispatch.State
LIVE = (State.SCHEDULED, State.MATCHING, State.SENDING, State.PAUSED)
DIGESTS = Dispatch.Kind.DIGEST.value
MANY = 250_000  # counting this many rows every second would be work for nothing


@dataclass(frozen=True, slots=True)
class Change:
    """Something that staff may do to a dispatch: its verb, its words, and the tone of its button."""

    verb: Callable[..., Dispatch]
    name: str
    done: str
    tone: str


CHANGES: Mapping[str, Change] = {
    "pause": Change(dispatching.pause, "Pause", "Paused.", "warn"),
    "resume": Change(dispatching.resume, "Resume", "Sending goes on.", "main"),
    "cancel": Change(dispatching.cancel, "Cancel", "Cancelled.", "bad"),
}
POSSIBLE: Mapping[str, tuple[str, ...]] = {
    State.SCHEDULED: ("cancel",),
    State.MATCHING: ("pause", "cancel"),
    State.SENDING: ("pause", "cancel"),
    State.PAUSED: ("resume", "cancel"),
}


@require_safe
def listing(request: DeskRequest) -> HttpResponse:
    state = text_asked(request, "state")
    return page(
        request,
        "dispatches",
        here="Dispatches",
        listing=reporting.dispatches(
            state=state if state in State.values else "",
            digests=state == DIGESTS,
            page=page_asked(request),
        ),
        state=state,
        states=(*State.values, DIGESTS),
    )


@require_safe
def detail(request: DeskRequest, number: int) -> HttpResponse:
    dispatch = dispatching.find(number)
    outcome = text_asked(request, "outcome")
    states = (outcome,) if outcome in Delivery.State.values else reporting.TROUBLED
    return page(
        request,
        "dispatch",
        here="Dispatches",
        changes=[(key, CHANGES[key]) for key in POSSIBLE.get(dispatch.state, ())],
        dispatch=dispatch,
        contents=dispatch.contents.select_related("brief").order_by("pk"),
        acts=dispatch.acts.order_by("at", "pk"),
        faulty=troubles.faulty(dispatch),
        reasons=troubles.reasons(dispatch),
        relays=troubles.relays(dispatch),
        rest=resending.rest(dispatch),
        listing=reporting.deliveries(number, states=states, page=page_asked(request)),
        outcome=outcome if len(states) == 1 else "",
        **_live(dispatch),
    )


@require_safe
def progress(request: DeskRequest, number: int) -> HttpResponse:
    """The part of a dispatch's page that moves. Once the state is another, the page loads anew."""
    dispatch = dispatching.find(number)
    if dispatch.state != text_asked(request, "state"):
        return HttpResponseClientRefresh()
    live = _live(dispatch)
    live["is_new_step"] = str(live["step"]) != text_asked(request, "step")
    return page(request, "_progress", dispatch=dispatch, **live)


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: DeskRequest, number: int, verb: str) -> HttpResponse:
    """Ask before pausing, resuming or cancelling; POST does it."""
    dispatch = dispatching.find(number)
    if request.method == "POST":
        try:
            CHANGES[verb].verb(number, by=request.user.get_username())
            messages.success(request, CHANGES[verb].done)
        except Refusal as refusal:
            messages.error(request, str(refusal))
        return redirect("console:dispatch", number=number)
    if verb not in POSSIBLE.get(dispatch.state, ()):
        return redirect("console:dispatch", number=number)
    return page(
        request,
        "change",
        here="Dispatches",
        change=CHANGES[verb],
        dispatch=dispatch,
        so_far=reporting.progress(dispatch),
        verb=verb,
    )


def _live(dispatch: Dispatch) -> dict[str, Any]:
    so_far = reporting.progress(dispatch)
    next_at = so_far.next_attempt_at
    settled = so_far.settled / so_far.tally.audience if so_far.tally.audience else 0.0
    return {
        "so_far": so_far,
        "times": words.times(reporting.times(dispatch, so_far.tally)),
        "sentence": words.progress(
            dispatch, so_far, next_try=f"{localtime(next_at):%H:%M}" if next_at else ""
        ),
        "is_live": dispatch.state in LIVE,
        "every": 1 if so_far.tally.audience <= MANY else 3,
        # What is read aloud changes with every tenth, not with every second.
        "step": int(settled * 10),
        "is_new_step": False,
        "progress_url": reverse("console:progress", kwargs={"number": dispatch.pk}),
    }
