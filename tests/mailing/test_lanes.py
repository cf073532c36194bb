"""An urgent dispatch overtakes: with real workers, while every routine one is held up by its relay."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from redis import Redis

from dispatcher import queue
from dispatcher.briefs.models import Brief
from dispatcher.feeds.models import FeedDocument
from dispatcher.mailing import dispatching
from dispatcher.mailing.models import Dispatch
from tests.makers import make_brief, make_reader, make_topic
from tests.services import workers
from tests.sinks import Fate, Sink
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)


def is_in_feed(brief: Brief) -> Callable[[], bool]:
    """Whether the combined feed holds the brief."""
    feed = FeedDocument.objects.filter(channel__key="all", format="atom")
    return lambda: any(
        brief.public_id.encode() in gzip.decompress(found.gzip) for found in feed.all()
    )


def state_of(dispatch: Dispatch) -> str:
    return Dispatch.objects.values_list("state", flat=True).get(pk=dispatch.pk)


def test_an_urgent_brief_is_matched_carried_and_published_while_no_routine_worker_is_free(
    tmp_path: Path, valkey: Redis
) -> None:
    iran, watcher = make_topic("Iran"), make_reader(any_of=[make_topic("Cyber")])
    held = [make_reader(any_of=[iran]).address for _ in range(2)]
    with (
        Sink(fates=dict.fromkeys(held, Fate.HANG_AFTER_DOT)) as sink,
        workers(tmp_path, relay=sink.url, BATCH_SIZE="1", RELAY_TIMEOUT="60"),
    ):
        first = dispatching.release(make_brief("A routine one", topics=[iran]), by="ada")
        until(lambda: set(held) <= set(sink.addresses))  # both routine workers wait for an answer
        routine = make_brief("Another routine one", topics=[iran])
        second = dispatching.release(routine, by="ada")
        brief = make_brief("An urgent one", topics=[make_topic("Cyber")], urgent=True)

        urgent = dispatching.release(brief, by="ada")

        until(lambda: state_of(urgent) == Dispatch.State.DONE)
        until(is_in_feed(brief))
        until(is_in_feed(routine))  # feed readers wait for no letters
        assert sink.addresses.count(watcher.address) == 1
        assert state_of(first) == Dispatch.State.SENDING
        assert state_of(second) == Dispatch.State.MATCHING
        assert valkey.llen(queue.ROUTINE) > 0, "the routine backlog was there all the time"

        sink.fates.clear()
        sink.hang_up()  # and the routine ones go on
        until(lambda: state_of(second) == Dispatch.State.DONE)
