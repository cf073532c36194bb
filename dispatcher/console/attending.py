"""What staff do for one reader who asked them: a rule ended, taken up, added or changed; a pause; the link to
their page; erasure. Each calls the verb that the reader's own page calls, in the name of who is signed in.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from dispatcher import choosing
from dispatcher.audience import browsing, consent, editing, hashing
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Rule
from dispatcher.console.doors import DeskRequest
from dispatcher.console.showing import page
from dispatcher.errors import BadChoice, BadTopics, NoSuchReader, NotWelcome, Refusal
from dispatcher.mailing import erasing, leaving, linking

ENDED = (
    "Ended: nothing comes by this rule any more. It stands below, where it can be taken up again."
)


def find(number: int) -> Subscriber:
    """A reader for whom something can be done. Raises NoSuchReader."""
    reader = browsing.reader(number)
    if hashing.is_hash(reader.address):
        raise NoSuchReader(f"Reader {number} was erased: there is nobody to do this for.")
    return reader


def desk_of(request: DeskRequest) -> str:
    """Who does it, as consents and suppressions name the source."""
    return f"desk by {request.user.get_username()}"[:80]


def done(request: DeskRequest, number: int, act: Callable[[], object], words: str) -> HttpResponse:
    """Do it and lead back to the reader's page, which says so, or why it cannot be."""
    try:
        if act():
            messages.success(request, words)
        else:
            messages.info(request, "Nothing was changed: it was so already.")
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("console:reader", number=number)


@require_POST
def end(request: DeskRequest, number: int, rule: int) -> HttpResponse:
    """End one rule."""
    find(number)
    source = desk_of(request)
    return done(
        request,
        number,
        lambda: leaving.stop(number, rule, source=source, why=consent.BY_STAFF),
        ENDED,
    )


@require_POST
def take_up(request: DeskRequest, number: int, rule: int) -> HttpResponse:
    """Begin a rule again that staff ended."""
    find(number)
    source = desk_of(request)
    return done(
        request,
        number,
        lambda: editing.take_up(number, rule, source=source),
        "Taken up again: it counts from now on.",
    )


@require_POST
def resume(request: DeskRequest, number: int) -> HttpResponse:
    """End a pause."""
    find(number)
    source = desk_of(request)
    return done(
        request, number, lambda: editing.resume(number, source=source), "Letters come again."
    )


@require_POST
def send_page(request: DeskRequest, number: int) -> HttpResponse:
    """Send the reader the link to their page."""
    reader, source = find(number), desk_of(request)

    def send() -> bool:
        linking.send_page(number, by=source)
        return True

    return done(request, number, send, f"The link to their page is on its way to {reader.address}.")


@require_http_methods(["GET", "HEAD", "POST"])
def rule(request: DeskRequest, number: int, rule: int = 0) -> HttpResponse:
    """One rule to change, or without a number a new one."""
    reader, source = find(number), desk_of(request)
    held = editing.rule_of(number, rule) if rule else choosing.NOTHING
    if held is None:
        messages.info(request, "This rule has ended meanwhile.")
        return redirect("console:reader", number=number)
    sentence = ""
    if request.method == "POST":
        try:
            wanted = choosing.chosen(request.POST, held=held)
        except BadTopics as refusal:
            sentence = str(refusal)
        else:
            return done(request, number, lambda: _keep(reader, rule, wanted, source), "Saved.")
    shown = choosing.asked(request.POST, held=held) if sentence else held
    return page(
        request,
        "reader_rule",
        here="Readers",
        status=422 if sentence else 200,
        reader=reader,
        is_new=not rule,
        c=choosing.offered(shown),
        sentence=sentence,
    )


def _keep(reader: Subscriber, rule_id: int, wanted: Rule, source: str) -> bool:
    if rule_id:
        return editing.change(reader.pk, rule_id, wanted, source=source, by_staff=True)
    return editing.add_by_staff(reader.pk, wanted, source=source)


@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: DeskRequest, number: int) -> HttpResponse:
    """Nothing until a day."""
    reader, sentence = find(number), ""
    if request.method == "POST":
        try:
            editing.pause(number, request.POST.get("until", ""), source=desk_of(request))
        except BadChoice as refusal:
            sentence = str(refusal)
        else:
            messages.success(request, "Paused: nothing goes to this reader before that day.")
            return redirect("console:reader", number=number)
    today = timezone.localdate()
    return page(
        request,
        "reader_pause",
        here="Readers",
        status=422 if sentence else 200,
        reader=reader,
        sentence=sentence,
        until=request.POST.get("until", "")[:10],
        tomorrow=(today + timedelta(days=1)).isoformat(),
        latest=(today + editing.LONGEST_PAUSE - timedelta(days=1)).isoformat(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: DeskRequest, number: int) -> HttpResponse:
    """Say what goes and what stays; POST erases, if the address is still the one that was shown."""
    reader = find(number)
    if request.method == "POST":
        if request.POST.get("address") != reader.address:
            raise NotWelcome("The reader has another address now. Look again, then erase.")
        erasing.erase(number, by=desk_of(request))
        messages.success(request, "Erased. The sums stay, the address is gone.")
        return redirect("console:readers")
    return page(request, "reader_erase", here="Readers", reader=reader)
