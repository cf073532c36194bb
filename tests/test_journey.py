"""The whole way: a brief is handed in and released, real workers carry it, and the right people get it.

Real PostgreSQL, Valkey, Celery workers and SMTP conversations; nothing stands in for our own parts.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import feedparser
import psutil
import pytest
from django.test import Client
from redis import Redis

from dispatcher.audience.importing import import_csv
from dispatcher.briefs import intake, topics
from dispatcher.feeds.models import FeedDocument
from dispatcher.mailing import dispatching, ledger
from dispatcher.mailing.models import Delivery, Dispatch
from tests.makers import make_brief, make_reader, make_topic
from tests.services import workers
from tests.sinks import Sink
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)

BRIEF = """\
Harbour Strike Ends After Nine Weeks

March 2, 2026 | Flash Brief

Latest Developments

Dockers returned to work on Monday. “It was time,” their spokesman said.

Expert Analysis

“Nobody wins a strike of nine weeks.” Ada Example, Senior Fellow at the Example Institute

Energy, Shipping
"""


def is_done(dispatch: Dispatch) -> Callable[[], bool]:
    return lambda: Dispatch.objects.filter(pk=dispatch.pk, state=Dispatch.State.DONE).exists()


def test_a_released_brief_reaches_exactly_those_who_follow_its_topics(tmp_path: Path) -> None:
    topics.import_lines(["Energy", "Shipping", "Cyber"])
    rows = ["address,name,topics,match,except,cadence"]
    rows += [f"energy{n}@example.org,Reader {n},energy,any,," for n in range(40)]
    rows += [f"both{n}@example.org,,energy;shipping,all,," for n in range(40)]
    rows += [f"cyber{n}@example.org,,cyber,any,," for n in range(40)]
    rows += [f"weekly{n}@example.org,,energy,any,,weekly" for n in range(40)]
    rows += ["energy0@example.org,,shipping,any,,"]
    readers = tmp_path / "readers.csv"
    readers.write_text("\n".join(rows), encoding="utf-8")
    import_csv(readers, source="a test")
    brief = intake.hand_in(BRIEF, by="ada").brief
    expected = {f"{kind}{n}@example.org" for kind in ("energy", "both") for n in range(40)}
    with Sink() as sink, workers(tmp_path / "logs", relay=sink.url, BATCH_SIZE="20"):
        dispatch = dispatching.release(brief, by="ada")
        until(is_done(dispatch))
        until(lambda: FeedDocument.objects.filter(channel__key="all").count() == 3)
        assert Counter(sink.addresses) == dict.fromkeys(expected, 1)
    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=80, accepted=80)
    for feed in ("/feeds/all.atom", "/feeds/topics/energy.rss"):
        read = feedparser.parse(Client().get(feed).content)
        assert not read.bozo
        assert [entry.title for entry in read.entries] == ["Harbour Strike Ends After Nine Weeks"]


def test_after_all_workers_are_killed_and_valkey_is_emptied_nothing_is_lost(
    tmp_path: Path, valkey: Redis
) -> None:
    expected = {make_reader(any_of=[make_topic("Iran")]).address for _ in range(300)}
    brief = make_brief(topics=[make_topic("Iran")])
    with Sink() as sink:
        with workers(tmp_path / "first", relay=sink.url, BATCH_SIZE="50") as first:
            dispatch = dispatching.release(brief, by="ada")
            until(lambda: len(sink.letters) > 20)
            for pid in first.pids():
                for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
                    os.kill(process.pid, signal.SIGKILL)
        valkey.flushall()
        with workers(tmp_path / "second", relay=sink.url, beat=True):
            until(is_done(dispatch), seconds=60)
        got = Counter(sink.addresses)
    assert got.keys() == expected
    # With the journal gone too, letters accepted in batches that were open at the kill go out again.
    doubled = sum(number - 1 for number in got.values())
    assert doubled <= 3 * 50
    assert ledger.tally(dispatch.pk) == ledger.Tally(audience=300, accepted=300)


def test_an_urgent_brief_overtakes_a_long_routine_one(tmp_path: Path) -> None:
    for _ in range(600):
        make_reader(any_of=[make_topic("Iran")])
    watcher = make_reader(any_of=[make_topic("Cyber")])
    long = make_brief("A long routine one", topics=[make_topic("Iran")])
    urgent = make_brief("An urgent one", topics=[make_topic("Cyber")], urgent=True)
    with Sink() as sink, workers(tmp_path, relay=sink.url, BATCH_SIZE="50"):
        routine = dispatching.release(long, by="ada")
        until(lambda: len(sink.letters) > 5)
        dispatching.release(urgent, by="ada")
        until(lambda: watcher.address in sink.addresses)
        left = Delivery.objects.filter(dispatch=routine).exclude(state="accepted").count()
        assert left > 0, "the routine dispatch was still on its way"
        until(is_done(routine))
