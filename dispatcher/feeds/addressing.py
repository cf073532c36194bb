"""Which feed an address means. Every feed has one address; other spellings lead there in one step.

    all · urgent · topics/SLUG · kinds/SLUG · mine/TOKEN
    any/a,b · each/a,b · not/c · any/a,b/not/c,d

each with `.atom`, `.rss` or `.json`, or without for the page; `/archive/2026-03` in between names a
month. These addresses are in people's feed readers: they never change their meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from dispatcher.audience.rules import Match
from dispatcher.briefs import public
from dispatcher.briefs.models import Topic
from dispatcher.briefs.public import TopicMoved
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import Refusal
from dispatcher.feeds import channels
from dispatcher.feeds.building import Format
from dispatcher.feeds.channels import ARCHIVE, Channel
from dispatcher.feeds.models import FeedChannel
from dispatcher.translating import later

MOST_TOPICS = 8  # in one combination, wanted and unwanted
_LONGEST = 700
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_WAYS = {"any": Match.ANY, "each": Match.ALL}

NOT_THERE = later("There is no feed at this address.")
NO_SUCH_FORMAT = later("There is no feed in this format; there are .atom, .rss and .json.")


class NoSuchFeed(Refusal):
    """No feed has that address."""


class FeedMoved(Refusal):
    """The feed has another address, which `to` names."""

    def __init__(self, to: Address) -> None:
        super().__init__(f"This feed is at {to.path}.")
        self.to = to


@dataclass(frozen=True, slots=True)
class Address:
    """A feed, or without a format the page about it; with a month, an archive of it."""

    channel: Channel
    form: Format | None
    month: str = ""

    @property
    def path(self) -> str:
        return self.channel.path(self.form, month=self.month)

    @property
    def spelling(self) -> str:
        """As `read` takes it."""
        archive = f"/{ARCHIVE}/{self.month}" if self.month else ""
        return f"{self.channel.stem}{archive}{f'.{self.form.extension}' if self.form else ''}"


def read(text: str) -> Address:
    """What an address means, as it stands behind the feeds' folder, decoded.

    Raises NoSuchFeed, TopicRetired where one of its topics has ended, or FeedMoved for any other
    spelling and for a topic that was merged: always straight to the last address.
    """
    if len(text) > _LONGEST or not text.isprintable():
        raise NoSuchFeed(NOT_THERE)
    stem, form = _format(text.strip("/"))
    parts = stem.split("/")
    month = ""
    if len(parts) > 2 and parts[-2] == ARCHIVE:
        *parts, _, month = parts
        if not _MONTH.fullmatch(month):
            raise NoSuchFeed(later("An archive is named by its month, such as /archive/2026-03."))
    address = Address(_channel(parts), form, month)
    if address.spelling != text:
        raise FeedMoved(address)
    return address


def choose(match: str, wanted: Iterable[str], unwanted: Iterable[str]) -> Channel:
    """The channel of topics by their web names, as a form gives them. Raises as `read` does."""
    return _combination(_WAYS.get(match, Match.ANY), list(wanted), list(unwanted))


def _format(text: str) -> tuple[str, Format | None]:
    stem, dot, extension = text.rpartition(".")
    if not dot or "/" in extension:
        return text, None
    if extension.lower() not in list(Format):
        raise NoSuchFeed(NO_SUCH_FORMAT)
    return stem, Format(extension.lower())


def _channel(parts: list[str]) -> Channel:
    match [part.lower() for part in parts]:
        case ["all"]:
            found = channels.ALL
        case ["urgent"]:
            found = channels.URGENT
        case ["mine", token]:
            found = channels.readers_own(token)
        case ["kinds", slug]:
            found = _of_kind(slug)
        case ["topics", slug]:
            found = _combination(Match.ANY, [slug], [])
        case [("any" | "each") as way, wanted]:
            found = _combination(_WAYS[way], wanted.split(","), [])
        case [("any" | "each") as way, wanted, "not", unwanted]:
            found = _combination(_WAYS[way], wanted.split(","), unwanted.split(","))
        case ["not", unwanted]:
            found = _combination(Match.ALL, [], unwanted.split(","))
        case _:
            raise NoSuchFeed(NOT_THERE)
    return found


def _of_kind(slug: str) -> Channel:
    row = FeedChannel.objects.filter(kind=slug, is_standing=True).exclude(kind="").first()
    if row is None:
        raise NoSuchFeed(later("There is no feed at this address: no brief is of that kind."))
    return Channel(kind=row.kind, kind_name=row.kind_name)


def _combination(match: str, wanted: list[str], unwanted: list[str]) -> Channel:
    wanted, unwanted = list(filter(None, wanted)), list(filter(None, unwanted))
    if len({*wanted, *unwanted}) > MOST_TOPICS:
        raise NoSuchFeed(
            later(
                "A feed combines up to %(most)s topics; follow several feeds for more.",
                most=MOST_TOPICS,
            )
        )
    if not wanted and not unwanted:
        raise NoSuchFeed(later("This address names no topic."))
    known = _finder()
    channel = channels.combined(match, map(known, wanted), map(known, unwanted))
    both = set(channel.topics).intersection(channel.excepted)
    if both:
        name = min(one.name for one in both)
        raise NoSuchFeed(
            later(
                "This feed would want %(topic)s and leave it out; no brief could be in it.",
                topic=name,
            )
        )
    return channel


def _finder() -> Callable[[str], Topic]:
    """Topics by their web names, merged ones by what they became."""
    vocabulary = Vocabulary()

    def find(slug: str) -> Topic:
        try:
            return public.topic(slug, words=vocabulary)
        except TopicMoved as moved:
            return moved.to

    return find


def kinds() -> list[Channel]:
    """The feed of every kind of brief there is, by name."""
    found = FeedChannel.objects.exclude(kind="").order_by("kind_name")
    return [Channel(kind=row.kind, kind_name=row.kind_name) for row in found]
