"""One thin task per job: each calls the verb of its name, and may run any number of times."""

from __future__ import annotations

from django.utils import timezone

from dispatcher import signs
from dispatcher.feeds import keeping, publishing, readership
from dispatcher.feeds.hub import pinging, pushing, verifying
from dispatcher.feeds.hub import sweeping as hub_sweeping
from dispatcher.mailing import (
    carrying,
    digests,
    joining,
    matching,
    notices,
    refusals,
    retention,
    sweeping,
)
from dispatcher.queue import app
from workers.jobs import Job
from workers.stopping import is_stopping


@app.task(name="match", base=Job)  # type: ignore[untyped-decorator]
def match(dispatch_id: int) -> None:
    matching.match(dispatch_id)


@app.task(name="carry", base=Job)  # type: ignore[untyped-decorator]
def carry(batch_id: int) -> None:
    carrying.carry(batch_id, is_stopping=is_stopping)


@app.task(name="publish", base=Job)  # type: ignore[untyped-decorator]
def publish(brief_id: int) -> None:
    publishing.publish(brief_id)


@app.task(name="republish", base=Job)  # type: ignore[untyped-decorator]
def republish() -> None:
    publishing.republish()


@app.task(name="render", base=Job)  # type: ignore[untyped-decorator]
def render() -> None:
    publishing.render()


@app.task(name="notify", base=Job)  # type: ignore[untyped-decorator]
def notify(notice_id: int) -> None:
    notices.notify(notice_id)


@app.task(name="verify", base=Job)  # type: ignore[untyped-decorator]
def verify() -> None:
    verifying.verify()


@app.task(name="push", base=Job)  # type: ignore[untyped-decorator]
def push(subscription_id: int) -> None:
    pushing.push(subscription_id)


@app.task(name="ping", base=Job)  # type: ignore[untyped-decorator]
def ping(ping_id: int) -> None:
    pinging.ping(ping_id)


@app.task(name="sweep", base=Job)  # type: ignore[untyped-decorator]
def sweep() -> None:
    sweeping.sweep()
    notices.sweep()
    joining.sweep()
    refusals.sweep()
    retention.sweep()
    publishing.sweep()
    hub_sweeping.sweep()
    signs.leave(signs.SWEEP)


@app.task(name="digest", base=Job)  # type: ignore[untyped-decorator]
def digest() -> None:
    digests.digest(timezone.now())


@app.task(name="gather", base=Job)  # type: ignore[untyped-decorator]
def gather(run_id: int) -> None:
    digests.gather(run_id)


@app.task(name="tidy", base=Job)  # type: ignore[untyped-decorator]
def tidy() -> None:
    retention.tidy(at_most=retention.AT_ONCE)
    keeping.forget()
    readership.settle()
