"""One screen about a dispatch that refreshes until it has ended: `dispatch show --watch`, and `demo`.

Figures come from `reporting`, sentences from the desk's words; here they are set for 80 columns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dispatcher.cli.output import console as output

if TYPE_CHECKING:
    from dispatcher.mailing.models import Dispatch
    from dispatcher.mailing.reporting import Progress
    from dispatcher.mailing.troubles import Reason

ENDED = ("done", "cancelled")
REASONS_EVERY = 5.0  # seconds: they are counted over all letters in trouble
OUTCOMES = ("waiting", "carrying", "accepted", "deferred", "failed", "unknown")


def follow(dispatch_id: int, *, poll: float = 0.25) -> None:
    """Show a dispatch until it is done or cancelled; into a pipe nothing is shown meanwhile.

    It is asked about every `poll` seconds, and less often where asking takes long.
    """
    from dispatcher.mailing import dispatching, reporting, troubles

    screen = Console(highlight=False)
    live = (
        Live(console=screen, auto_refresh=False, transient=True)
        if output.is_terminal
        else nullcontext()
    )
    reasons: list[Reason] = []
    reasons_until = 0.0
    with live as shown:
        while True:
            asked = time.monotonic()
            dispatch = dispatching.find(dispatch_id)
            has_ended = dispatch.state in ENDED
            if shown is not None:
                so_far = reporting.progress(dispatch)
                if asked > reasons_until or has_ended:
                    reasons = troubles.reasons(dispatch, most=3)
                    reasons_until = asked + REASONS_EVERY
                shown.update(drawn(dispatch, so_far, reasons), refresh=True)
            if has_ended:
                return
            time.sleep(max(poll, 4 * (time.monotonic() - asked)))


def drawn(dispatch: Dispatch, so_far: Progress, reasons: list[Reason]) -> RenderableType:
    """The screen: what it is, how far, the ledger, how quickly, and what is in the way."""
    return Group(*_lines(dispatch, so_far, reasons))


def _lines(dispatch: Dispatch, so_far: Progress, reasons: list[Reason]) -> Iterator[RenderableType]:
    from django.utils.timezone import localtime

    from dispatcher.console import words
    from dispatcher.mailing import reporting

    sums = so_far.tally
    next_at = so_far.next_attempt_at
    yield Text(
        f"Dispatch {dispatch.pk} · {dispatch.headline}",
        "bold",
        overflow="ellipsis",
        no_wrap=True,
    )
    next_try = f"{localtime(next_at):%H:%M}" if next_at else ""
    rate = f" · {so_far.rate:,.0f} letters a second" if so_far.rate else ""
    yield Text(words.progress(dispatch, so_far, next_try=next_try) + rate)
    yield ProgressBar(total=max(sums.audience, 1), completed=so_far.settled, width=76)
    yield Text()
    yield _ledger(so_far)
    yield Text()
    yield _times(words.times(reporting.times(dispatch, sums)))
    if reasons:
        yield Text()
        yield _reasons(reasons)


def _ledger(so_far: Progress) -> Table:
    from dispatcher.console import words

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(min_width=10)
    table.add_column(justify="right", min_width=11)
    table.add_column(justify="right", min_width=8)
    sums = so_far.tally
    for outcome in OUTCOMES:
        number: int = getattr(sums, outcome)
        table.add_row(outcome, f"{number:,}", words.share(number / max(sums.counted, 1)))
    verdict = "balances" if sums.balances else f"DOES NOT BALANCE: audience {sums.audience:,}"
    table.add_row("sum", f"{sums.counted:,}", verdict, style="bold")
    return table


def _times(times: list[tuple[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="bold")
    for name, _ in times:
        table.add_column(name, no_wrap=True)
    table.add_row(*(after for _, after in times))
    return table


def _reasons(reasons: list[Reason]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0), width=80)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    for reason in reasons:
        table.add_row(f"{reason.letters:,}", reason.state, Text(reason.words))
    return table
