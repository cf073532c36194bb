"""What a feed says to people who opened it in a browser: that it is one, what to do with its
address, and where the same briefs are a page. Words only; each format has a place for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from dispatcher.feeds.entries import Feed

LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Preface:
    heading: str
    advice: str
    address: str
    way_on: str


def preface(feed: Feed) -> Preface:
    """The words for this feed; an archive sends people to the live one."""
    if feed.is_archive:
        return Preface(
            heading="This is an archive of a feed",
            advice="It holds what was published in one month. To follow what is new, give this "
            "address to a feed reader:",
            address=feed.current_url or feed.self_url,
            way_on="Read the briefs as a page",
        )
    return Preface(
        heading="This is a feed",
        advice="It is made for a feed reader, which shows you every new brief by itself. Give it "
        "this address:",
        address=feed.self_url,
        way_on="Read the same briefs as a page",
    )
