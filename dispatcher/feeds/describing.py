"""What each feed says of itself and of its briefs: rows become values.

Which feeds there are is `channels`', how a value is written `building`'s, where the bytes are kept
`documents`'.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse

from dispatcher import __version__, links
from dispatcher.briefs import public
from dispatcher.briefs.models import Topic
from dispatcher.briefs.public import PublicBrief
from dispatcher.feeds import content, websub
from dispatcher.feeds.building import Feed, FeedEntry, FeedTopic, Format, Withdrawal
from dispatcher.feeds.channels import ALL, Channel, kind_slug, of_topic
from dispatcher.feeds.holding import Held
from dispatcher.feeds.models import Publication

_MOST_KEPT = 1_000
_KEPT: dict[tuple[str, int, int], FeedEntry] = {}
_KEEPING = threading.Lock()
LABELS = {Format.ATOM: "Atom", Format.RSS: "RSS", Format.JSON: "JSON"}


@dataclass(frozen=True, slots=True)
class FeedLink:
    """A feed in one format as a page names it, for people and for autodiscovery."""

    title: str
    url: str
    media_type: str
    label: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a feed holds, newest first, and the months before and after it, empty for none."""

    entries: tuple[FeedEntry, ...]
    withdrawals: tuple[Withdrawal, ...]
    before: str
    after: str


def contents(held: Held) -> Contents:
    """The values of what a channel holds. What was withdrawn in this moment is left out."""
    gone = {row.brief.public_id: row.updated_at for row in held.withdrawn}
    withdrawn = public.withdrawn([row.brief_id for row in held.withdrawn]) if gone else []
    return Contents(
        _entries(held.entries),
        tuple(
            Withdrawal(entry_id(one.public_id), gone[one.public_id], one.note) for one in withdrawn
        ),
        held.before,
        held.after,
    )


def _entries(rows: Sequence[Publication]) -> tuple[FeedEntry, ...]:
    """Entries are kept by this process: a brief is in many feeds, and its stamp says when it changed.

    What they show is read after the stamps, so that nothing old is kept under a new one.
    """
    keys = {row.brief_id: (settings.PUBLIC_URL, row.brief_id, row.stamp) for row in rows}
    with _KEEPING:
        found = {key: _KEPT[key] for key in keys.values() if key in _KEPT}
    lacking = [brief_id for brief_id, key in keys.items() if key not in found]
    dates = {row.brief_id: row.updated_at for row in rows}
    made = {
        keys[brief.brief_id]: entry(brief, updated=dates[brief.brief_id])
        for brief in (public.of(lacking) if lacking else ())
    }
    found |= made
    with _KEEPING:
        _KEPT.update(made)
        while len(_KEPT) > _MOST_KEPT:
            del _KEPT[next(iter(_KEPT))]
    return tuple(found[key] for key in keys.values() if key in found)


def feed(channel: Channel, form: Format, held: Contents, *, month: str = "") -> Feed:
    """The feed, live or of a month; without anything in it, it is as old as the installation's ids."""
    name = f"{channel.title}, {month}" if month else channel.title
    dates = [*(one.updated for one in held.entries), *(one.when for one in held.withdrawals)]
    return Feed(
        id=_tag(f"feed/{channel.key}{month and '/'}{month}"),
        title=name,
        subtitle=f"{about(channel)} from {settings.PUBLISHER_NAME}",
        self_url=channel.url(form, month=month),
        page_url=page_of(channel),
        language=settings.LANGUAGE_CODE,
        publisher=settings.PUBLISHER_NAME,
        topic_scheme=home_page() + "topics/",
        kind_scheme=home_page() + "feeds/kinds/",
        urgent_scheme=home_page() + "feeds/urgent",
        updated=max(dates, default=founded()),
        entries=held.entries,
        withdrawals=held.withdrawals,
        hub_urls=() if month else websub.hubs_of(channel.url(form)),
        is_archive=bool(month),
        current_url=channel.url(form) if month else "",
        prev_archive_url=channel.url(form, month=held.before) if held.before else "",
        next_archive_url=channel.url(form, month=held.after) if held.after else "",
        icon_url=settings.PUBLIC_URL + static("dispatcher/mark.png"),
    )


def made_as() -> str:
    """Stands for what every document shows that is in no row: with another one they are made anew."""
    feed_ = feed(ALL, Format.ATOM, Contents((), (), "", ""))
    return hashlib.sha256(f"{__version__} {feed_!r}".encode()).hexdigest()


def entry(brief: PublicBrief, *, updated: datetime) -> FeedEntry:
    """The brief as every feed shows it, under the same id and with the same dates everywhere."""
    document = brief.document
    return FeedEntry(
        id=entry_id(brief.public_id),
        url=links.brief_page(brief.public_id),
        title=document.headline,
        summary=document.summary,
        html=content.fragment(document),
        published=brief.published_at,
        updated=updated,
        language=document.language,
        topics=tuple(FeedTopic(topic.slug, topic.name) for topic in brief.topics),
        kind=kind_slug(brief.kind),
        kind_name=brief.kind,
        urgent=brief.urgent,
        note=brief.correction,
    )


def link_header(channel: Channel, form: Format, month: str = "") -> str:
    """The HTTP Link header of a feed's answer: WebSub §4 looks for the hub and the topic there."""
    url = channel.url(form)
    return websub.link_header(url) if not month and websub.hubs_of(url) else ""


def entry_id(public_id: str) -> str:
    return _tag(f"brief/{public_id}")


def feed_links(topics: Sequence[Topic] = ()) -> list[FeedLink]:
    """The combined feed and those of the topics, in every format."""
    channels = [ALL, *map(of_topic, topics)]
    return [link for channel in channels for link in links_of(channel)]


def links_of(channel: Channel) -> list[FeedLink]:
    """The feed in every format; a page asks this of each topic."""
    title, url = channel.title, channel.url()
    return [
        FeedLink(
            title=f"{title} ({label})",
            url=f"{url}.{form.extension}",
            media_type=form.media_type,
            label=label,
        )
        for form, label in LABELS.items()
    ]


def about(channel: Channel) -> str:
    """What a channel holds, as the beginning of a sentence."""
    if channel.token:
        return "Briefs that your topics let through"
    if channel.kind:
        return f"Every brief of the kind {channel.words}"
    if channel.is_urgent:
        return "Urgent briefs"
    return "Every brief" if channel == ALL else f"Briefs on {channel.words}"


def page_of(channel: Channel) -> str:
    """The page that says the same to people."""
    if channel == ALL:
        return home_page()
    if channel.stem.startswith("topics/"):
        return links.topic_page(channel.topics[0].slug)
    return channel.url()


def home_page() -> str:
    return settings.PUBLIC_URL + reverse("pages:home")


def _tag(specific: str) -> str:
    """RFC 4151: a name that stays when addresses move."""
    return f"tag:{settings.PUBLIC_HOST},{settings.FEED_ID_DATE}:{specific}"


def founded() -> datetime:
    """The date of a feed that never held anything."""
    return datetime.fromisoformat(settings.FEED_ID_DATE).replace(tzinfo=UTC)
