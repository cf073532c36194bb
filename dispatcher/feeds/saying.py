"""What a feed holds, said to people in their language.

What its documents say of themselves is in English whoever reads them, see `describing`.
"""

from __future__ import annotations

from dispatcher.audience import standing
from dispatcher.feeds.channels import Channel
from dispatcher.letters.words import Words


def about(channel: Channel, ours: Words) -> str:
    """What a channel holds, as the heading of its page."""
    if channel.token:
        return ours.gettext("Briefs that your topics let through")
    if channel.kind:
        return ours.gettext("Every brief of the kind %(kind)s", kind=ours.isolated(channel.words))
    if channel.is_urgent:
        return ours.gettext("Urgent briefs")
    wanted = [one.name for one in channel.topics]
    return standing.said(channel.match, wanted, [one.name for one in channel.excepted], ours)
