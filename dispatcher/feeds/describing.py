"""Which feeds there are and what each says of itself and of its briefs: rows become values.

How a value is written is `building`'s; when, and where the bytes are kept, is `publishing`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.urls import reverse

from dispatcher import links
from dispatcher.briefs.models import Topic
from dispatcher.briefs.public import PublicBrief
from dispatcher.feeds import content, websub
from dispatcher.feeds.building import Feed, FeedEntry, FeedTopic, Format

LABELS = {Format.ATOM: "Atom", Format.RSS: "RSS"}


@dataclass(frozen=True, slots=True)
class Channel:
    """One feed, whatever its format: of all briefs, or of one topic."""

    topic: Topic | None = None

    @property
    def key(self) -> str:
        """What a FeedDocument is stored under."""
        return f"topic/{self.topic.slug}" if self.topic else "all"

    @property
    def title(self) -> str:
        return f"{settings.PUBLISHER_NAME}: {self.topic.name if self.topic else 'all briefs'}"

    def path(self, form: Format) -> str:
        if self.topic is None:
            return reverse("feeds:all", kwargs={"format": form.extension})
        return reverse("feeds:topic", kwargs={"slug": self.topic.slug, "format": form.extension})

    def url(self, form: Format) -> str:
        """The exact address served, which the document names as its own."""
        return settings.PUBLIC_URL + self.path(form)


ALL = Channel()


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed in one format as a page names it, for people and for autodiscovery."""

    title: str
    url: str
    media_type: str
    label: str


def feed(channel: Channel, form: Format, entries: Iterable[FeedEntry]) -> Feed:
    """The feed of these entries, newest first; without any it is as old as the installation's ids."""
    held = tuple(entries)
    page = links.topic_page(channel.topic.slug) if channel.topic else home_page()
    about = f"Briefs on {channel.topic.name}" if channel.topic else "Every brief"
    return Feed(
        id=_tag(f"feed/{channel.key}"),
        title=channel.title,
        subtitle=f"{about} from {settings.PUBLISHER_NAME}",
        self_url=channel.url(form),
        page_url=page,
        language=settings.LANGUAGE_CODE,
        publisher=settings.PUBLISHER_NAME,
        topic_scheme=home_page() + "topics/",
        updated=max((entry.updated for entry in held), default=_founded()),
        entries=held,
        hub_url=next(iter(websub.hubs_of(channel.url(form))), ""),
    )


def entry(brief: PublicBrief) -> FeedEntry:
    """The brief as every feed shows it, under the same id everywhere and for good."""
    document = brief.document
    return FeedEntry(
        id=entry_id(brief.public_id),
        url=links.brief_page(brief.public_id),
        title=document.headline,
        summary=document.summary,
        html=content.fragment(document),
        published=brief.published_at,
        updated=brief.released_at,
        language=document.language,
        topics=tuple(FeedTopic(topic.slug, topic.name) for topic in brief.topics),
    )


def entry_id(public_id: str) -> str:
    return _tag(f"brief/{public_id}")


def feed_links(topics: Sequence[Topic] = ()) -> list[FeedLink]:
    """The combined feed and those of the topics, in every format."""
    channels = [ALL, *map(Channel, topics)]
    return [link for channel in channels for link in links_of(channel)]


def links_of(channel: Channel) -> list[FeedLink]:
    return [
        FeedLink(
            title=f"{channel.title} ({LABELS[form]})",
            url=channel.url(form),
            media_type=form.media_type,
            label=LABELS[form],
        )
        for form in Format
    ]


def home_page() -> str:
    return settings.PUBLIC_URL + reverse("pages:home")


def _tag(specific: str) -> str:
    """RFC 4151: a name that stays when addresses move."""
    return f"tag:{settings.PUBLIC_HOST},{settings.FEED_ID_DATE}:{specific}"


def _founded() -> datetime:
    return datetime.fromisoformat(settings.FEED_ID_DATE).replace(tzinfo=UTC)
