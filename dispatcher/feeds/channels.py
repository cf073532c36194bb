"""Which feeds there are: each holds what a rule lets through, and has one spelling of its address.

A channel is a feed whatever its format. Its words are here; what it holds is `holding`'s to find, and
which addresses lead to it `addressing`'s.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote

from django.conf import settings
from django.utils.text import slugify

from dispatcher import links
from dispatcher.audience.rules import Match, Rule
from dispatcher.briefs.models import Topic
from dispatcher.feeds.building import Format

ARCHIVE = "archive"
READERS_OWN = "mine"
_OF_PATHS = "!$&'()*+,;=/~:@"  # what a path may hold as it is (RFC 3986 §3.3), as `reverse` has it


@dataclass(frozen=True, slots=True)
class Channel:
    """One feed: of everything, unless topics, a kind or a reader says otherwise.

    `topics` and `excepted` are in the order of their web names, each once; `match` is `any` or `all`
    as in a rule. With a `token` it is the feed of one reader's own rules.
    """

    topics: tuple[Topic, ...] = ()
    match: str = Match.ALL
    excepted: tuple[Topic, ...] = ()
    kind: str = ""  # as a web name
    kind_name: str = ""
    is_urgent: bool = False
    token: str = ""

    @property
    def rule(self) -> Rule:
        """What it lets through; a reader's own has several, which the reader's row knows."""
        return Rule(
            self.match,
            frozenset(one.pk for one in self.topics),
            frozenset(one.pk for one in self.excepted),
        )

    @property
    def is_standing(self) -> bool:
        """Whether it is there without being asked for: everything, each topic, each kind, urgent."""
        return not self.token and not self.excepted and len(self.topics) < 2

    @property
    def stem(self) -> str:
        """The one spelling of its address, behind the feeds' folder and before the extension."""
        if self.token:
            return f"{READERS_OWN}/{self.token}"
        if self.kind:
            return f"kinds/{self.kind}"
        if self.is_urgent:
            return "urgent"
        unwanted = f"not/{_slugs(self.excepted)}" if self.excepted else ""
        if not self.topics:
            return unwanted or "all"
        if len(self.topics) == 1 and not unwanted:
            return f"topics/{self.topics[0].slug}"
        way = "each" if self.match == Match.ALL and len(self.topics) > 1 else "any"
        return "/".join(filter(None, (way, _slugs(self.topics), unwanted)))

    @property
    def key(self) -> str:
        """Its name in rows and in its id, which is older than the address of a topic's feed."""
        return _key(self.stem)

    @property
    def words(self) -> str:
        """What it holds, in words: Iran or Israel, not Lebanon."""
        if self.token:
            return "my topics"
        if self.kind:
            return self.kind_name or self.kind
        if self.is_urgent:
            return "urgent briefs"
        joint = " or " if self.match == Match.ANY else " and "
        wanted = joint.join(one.name for one in self.topics) or "all briefs"
        unwanted = " or ".join(one.name for one in self.excepted)
        return f"{wanted}, not {unwanted}" if unwanted else wanted

    @property
    def title(self) -> str:
        return f"{settings.PUBLISHER_NAME}: {self.words}"

    def path(self, form: Format | None = None, *, month: str = "") -> str:
        """Its address on this site in a format; without one, that of its page for people."""
        stem = f"{self.stem}/{ARCHIVE}/{month}" if month else self.stem
        return links.feeds_folder() + quote(
            f"{stem}.{form.extension}" if form else stem, safe=_OF_PATHS
        )

    def url(self, form: Format | None = None, *, month: str = "") -> str:
        """The exact address served, which the document names as its own."""
        return settings.PUBLIC_URL + self.path(form, month=month)


ALL = Channel()
URGENT = Channel(is_urgent=True)


def of_topic(topic: Topic) -> Channel:
    return Channel((topic,), Match.ANY)


def of_kind(name: str) -> Channel:
    """The feed of a kind of brief, such as `Flash Brief`; everything where the name has no letters."""
    return Channel(kind=kind_slug(name), kind_name=name)


def combined(match: str, wanted: Iterable[Topic], unwanted: Iterable[Topic] = ()) -> Channel:
    """The feed of a combination, in its one form: sorted, each topic once, any of one and not all."""
    topics = _ordered(wanted)
    if len(topics) == 1:
        match = Match.ANY
    return Channel(topics, match if topics else Match.ALL, _ordered(unwanted))


def readers_own(token: str) -> Channel:
    return Channel(token=token)


def kind_slug(name: str) -> str:
    """The web name of a kind."""
    return (slugify(name) or slugify(name, allow_unicode=True))[:80]


def key_at(url: str) -> str:
    """The key of the feed at one of our feeds' own addresses, in its one spelling; of any other none."""
    folder = links.feeds_index()
    if not url.startswith(folder):
        return ""
    return _key(unquote(url.removeprefix(folder)).rpartition(".")[0])


def _key(stem: str) -> str:
    return f"topic/{stem.removeprefix('topics/')}" if stem.startswith("topics/") else stem


def _ordered(topics: Iterable[Topic]) -> tuple[Topic, ...]:
    by_slug = {one.slug: one for one in topics}
    return tuple(by_slug[slug] for slug in sorted(by_slug))


def _slugs(topics: Iterable[Topic]) -> str:
    return ",".join(one.slug for one in topics)
