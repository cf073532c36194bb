"""The rest of a dispatch at the desk: what could go again, said with its numbers before it does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from dispatcher.console import words
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.errors import WrongState
from dispatcher.mailing import dispatching, resending
from dispatcher.mailing.resending import RestChanged, send_rest

Verb = Callable[[int, str, int], int]  # of a dispatch, by whom, the number that was shown

ANSWERS: Mapping[str, tuple[str, Verb, str]] = {
    "failed": (
        "failed",
        lambda number, by, shown: send_rest(number, by=by, doubtful=False, shown=shown),
        "{} on the way again.",
    ),
    "doubtful": (
        "doubtful",
        lambda number, by, shown: send_rest(number, by=by, failed=False, shown=shown),
        "{} on the way again.",
    ),
    "accept": (
        "doubtful",
        lambda number, by, shown: resending.accept_doubtful(number, by=by, shown=shown),
        "{} taken as accepted.",
    ),
}


@require_http_methods(["GET", "HEAD", "POST"])
def rest(request: DeskRequest, number: int) -> HttpResponse:
    """Show what could be sent again; POST does what its button says, if the number on it still holds."""
    refused = ""
    if request.method == "POST":
        try:
            messages.success(request, _done(request, number))
            return redirect("console:dispatch", number=number)
        except RestChanged as refusal:
            refused = str(refusal)
        except WrongState as refusal:
            messages.error(request, str(refusal))
            return redirect("console:dispatch", number=number)
    dispatch = dispatching.find(number)
    left = resending.rest(dispatch)
    if not left.letters:
        messages.info(request, "Nothing of this dispatch is left to be sent again.")
        return redirect("console:dispatch", number=number)
    return page(
        request,
        "rest",
        here="Dispatches",
        status=422 if refused else 200,
        dispatch=dispatch,
        refused=refused,
        rest=left,
    )


def _done(request: DeskRequest, number: int) -> str:
    """Do what the button said, and say what was done. Raises WrongState."""
    if request.POST.get("answer") not in ANSWERS:
        raise WrongState("Choose what is to become of the rest by one of the buttons.")
    which, verb, done = ANSWERS[request.POST["answer"]]
    asked = request.POST.get(which, "")
    shown = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) <= 18 else -1
    letters = verb(number, request.user.get_username(), shown)
    return done.format(words.plural(letters, "letter is", "letters are"))
