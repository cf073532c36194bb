"""Makes a feed and its entries fit to be written in any format.

Content is mended and never refused (how is in markup.py). A broken contract (a naive date, a
relative URL, an id twice) is the caller's, and a ValueError.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from dispatcher.feeds.entries import Feed, FeedEntry, FeedTopic, Withdrawal
from dispatcher.feeds.markup import UNFIT, directed, fragment, one_line, opening

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_ABSOLUTE_IRI = re.compile(r'[A-Za-z][A-Za-z0-9+.-]*:[^\s<>"]+')
_WEB_URL = re.compile(r'https?://[^\s<>"/?#]+[^\s<>"]*')
_URLS = ("self_url", "page_url", "topic_scheme")
_URLS_OR_NONE = (
    "current_url",
    "icon_url",
    "kind_scheme",
    "logo_url",
    "next_archive_url",
    "prev_archive_url",
    "urgent_scheme",
)


def framed(feed: Feed) -> Feed:
    """The feed without its entries, with safe texts, valid language tags and whole seconds in UTC.

    An empty title becomes the page's URL, a missing publisher the title. Raises ValueError for a
    naive date, an id or URL that is not absolute, or an id that occurs twice, be it of an entry or
    of a brief taken back.
    """
    withdrawn = [one.id for one in feed.withdrawals]
    _refuse_duplicates([feed.id, *(entry.id for entry in feed.entries), *withdrawn])
    for name in _URLS:
        _require_web_url(getattr(feed, name))
    for name in _URLS_OR_NONE:
        if url := getattr(feed, name):
            _require_web_url(url)
    title = one_line(feed.title) or feed.page_url
    return replace(
        feed,
        id=_require_iri(feed.id),
        title=title,
        subtitle=one_line(feed.subtitle),
        language=_language(feed.language) or "und",
        publisher=one_line(feed.publisher) or title,
        updated=_whole_utc_second(feed.updated),
        entries=(),
        hub_urls=tuple(map(_require_web_url, feed.hub_urls)),
        withdrawals=tuple(map(_cleaned_withdrawal, feed.withdrawals)),
    )


def cleaned_entry(entry: FeedEntry, frame: Feed) -> FeedEntry:
    """The entry as it stands in the feed of that cleaned frame. Raises ValueError as `framed` does.

    Topics are made unique by slug; an empty title becomes the URL, a missing summary the opening of
    the content or, when that has no words, the title; a missing author becomes the publisher; a
    correction's note stands at the head of the content; right-to-left content gets a wrapper that
    says so.
    """
    language = _language(entry.language) or frame.language
    title = one_line(entry.title) or entry.url
    said = fragment(entry.html).strip()
    content = _noted(said, one_line(entry.note))
    kind = one_line(entry.kind)
    return replace(
        entry,
        id=_require_iri(entry.id),
        url=_require_web_url(entry.url),
        title=title,
        summary=one_line(entry.summary) or opening(said) or (title if content else ""),
        html=directed(content, language),
        published=_whole_utc_second(entry.published),
        updated=_whole_utc_second(entry.updated),
        language=language,
        topics=_distinct(entry.topics),
        author=one_line(entry.author) or frame.publisher,
        kind=kind,
        kind_name=(one_line(entry.kind_name) or kind) if kind else "",
    )


def rfc3339(moment: datetime) -> str:
    """A UTC datetime as RFC 3339 §5.6 writes it, with `Z`."""
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _cleaned_withdrawal(one: Withdrawal) -> Withdrawal:
    return Withdrawal(_require_iri(one.id), _whole_utc_second(one.when), one_line(one.note))


def _noted(content: str, note: str) -> str:
    """The content under what its correction changed."""
    if not note:
        return content
    return (
        f'<p><strong lang="en">Correction:</strong> {html.escape(note, quote=False)}</p>{content}'
    )


def _distinct(topics: Iterable[FeedTopic]) -> tuple[FeedTopic, ...]:
    by_slug: dict[str, FeedTopic] = {}
    for topic in topics:
        slug = one_line(topic.slug)
        if slug:
            by_slug.setdefault(slug, FeedTopic(slug, one_line(topic.name) or slug))
    return tuple(by_slug.values())


def _language(tag: str) -> str:
    tag = tag.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def _whole_utc_second(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError(f"a feed's dates carry a timezone, {moment.isoformat()} has none")
    try:
        return moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise ValueError(f"{moment.isoformat()} has no date in UTC") from None


def _require_iri(iri: str) -> str:
    if not _ABSOLUTE_IRI.fullmatch(iri) or UNFIT.search(iri):
        raise ValueError(f"an id in a feed is an absolute IRI, this is none: {iri!a}")
    return iri


def _require_web_url(url: str) -> str:
    if not _WEB_URL.fullmatch(url) or UNFIT.search(url):
        raise ValueError(f"a URL in a feed starts with http(s)://host, this does not: {url!a}")
    return url


def _refuse_duplicates(ids: list[str]) -> None:
    repeated = [iri for iri, times in Counter(ids).items() if times > 1]
    if repeated:
        raise ValueError(f"a feed names each id once, repeated: {', '.join(map(ascii, repeated))}")
