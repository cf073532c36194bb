"""Telling foreign hubs that a feed has changed, so that they fetch it and push it to who asked them.

Claim, commit, tell, record: one ping for each feed and change, however often the job is run. There is no
standard for it; hubs understand `hub.url` or `hub.topic`, so both are said.
"""

from __future__ import annotations

import time
from urllib.parse import urlencode

from dispatcher import metrics, queue
from dispatcher.feeds.hub import errands
from dispatcher.feeds.models_hub import HubPing
from dispatcher.outbound import calling
from dispatcher.outbound.calling import NoAnswer, Unfit

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def ping(ping_id: int) -> None:
    """Tell this ping's hub of every feed that has changed, until nothing is due or others shall have a turn."""
    host = HubPing.objects.filter(pk=ping_id).values_list("host", flat=True).first()
    until = time.monotonic() + errands.BUDGET
    while host:
        claimed = errands.claim(errands.untold(), host=host, most=errands.AT_A_TIME)
        if not claimed:
            return
        for number, due in enumerate(claimed, start=1):
            went_well = _told(due)
            if went_well and time.monotonic() < until:
                continue
            errands.give_back(claimed[number:])
            if went_well:
                queue.ping(ping_id)
            return


def _told(due: HubPing) -> bool:
    """One attempt, recorded; whether it went well."""
    url = due.topic.url
    asked = queue.AT_ONCE
    form = urlencode({"hub.mode": "publish", "hub.url": url, "hub.topic": url}).encode()
    try:
        answer = calling.post(due.hub, form, headers=FORM, seconds=errands.CALL_SECONDS)
    except (Unfit, NoAnswer) as fault:
        said = str(fault)
    else:
        said = "" if answer.is_good else f"it answered {answer.status}"
        asked = answer.retry_after
    if not said:
        errands.told(due)
        metrics.count_push("ping", "taken")
        return True
    pause = errands.put_off(due, said, asked=asked)
    metrics.count_push("ping", "refused" if pause else "given up")
    if pause and pause < errands.SOON:
        queue.ping(due.pk, after=pause)
    return False
