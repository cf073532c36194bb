"""From the form to the first brief, by real workers: a letter to confirm, a button, a welcome, the brief."""

from __future__ import annotations

import email
import email.policy
import re
import statistics
import sys
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from dispatcher import queue
from dispatcher.audience import suppressing
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Notice
from tests.makers import make_brief, make_reader, make_topic
from tests.services import workers
from tests.sinks import Sink
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
PUBLIC = "http://news.example.org"


def links(sink: Sink, number: int) -> set[str]:
    """The paths of all links in the plain text of a letter."""
    message = email.message_from_bytes(sink.letters[number].data, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    part = message.get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return set(re.findall(rf"{PUBLIC}(/[^\s]*)", part.get_content()))


def test_a_stranger_signs_up_confirms_and_gets_the_next_brief(tmp_path: Path) -> None:
    tides, browser = make_topic("Tides"), Client(enforce_csrf_checks=True)
    with Sink() as sink, workers(tmp_path, relay=sink.url, beat=True):
        form = {"address": "ada@example.org", "topic": tides.pk, "cadence": "at once"}
        browser.post("/join", form)
        until(lambda: len(sink.letters) == 1)
        (path,) = links(sink, 0)
        browser.get(path)
        assert browser.post(path).status_code == 200
        until(lambda: len(sink.letters) == 2)
        assert any(each.startswith("/leave/") for each in links(sink, 1))
        dispatching.release(make_brief(topics=[tides]), by="ada")
        until(lambda: len(sink.letters) == 3)

        # A nudge that was lost with the queue is given again by the sweep.
        Notice.objects.all().update(state="waiting")
        Notice.objects.filter(kind="welcome").update(state="accepted")
        long_ago = Notice.objects.earliest("pk").created_at.replace(year=2020)
        Notice.objects.filter(kind="confirm").update(posted_at=long_ago)
        until(lambda: len(sink.letters) == 4)
    assert set(sink.addresses) == {"ada@example.org"}
    assert queue.is_empty(queue.URGENT)


def test_the_same_work_is_done_for_every_address(settings: Any) -> None:
    """As many queries for each; what they took is printed and not judged."""
    settings.JOIN_PER_VISITOR = settings.JOIN_PER_SITE = 10_000
    tides, browser = make_topic("Tides"), Client()
    took: dict[str, list[float]] = {"stranger": [], "reader": [], "suppressed": []}
    queries: dict[str, set[int]] = {who: set() for who in took}
    for number in range(40):
        make_reader(f"reader{number}@example.org", any_of=[tides])
        suppressing.suppress(f"suppressed{number}@example.org", reason="it bounced")
    for number in range(40):
        for who, times in took.items():
            form = {"address": f"{who}{number}@example.org", "topic": tides.pk}
            began = time.perf_counter()
            with CaptureQueriesContext(connection) as captured:
                browser.post("/join", {**form, "cadence": "at once"})
            times.append(time.perf_counter() - began)
            queries[who].add(len(captured))
    said = ", ".join(f"{who} {statistics.median(t) * 1e3:.1f} ms" for who, t in took.items())
    sys.stdout.write(f"\nmedian of an answer: {said}\n")
    assert queries["stranger"] == queries["reader"] == queries["suppressed"]
    assert Notice.objects.count() == 120
