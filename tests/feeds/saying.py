"""Whatever may be said in a feed, for Hypothesis: the worst that publishers paste, and plain values."""

from __future__ import annotations

from datetime import datetime

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dispatcher.feeds.building import Feed, FeedEntry, FeedTopic, Withdrawal
from tests.feeds.samples import HOST, entry, feed

NASTY = (
    "]]>",
    "<![CDATA[",
    "<b>bold</b>",
    "&amp;",
    "&#1;&#xFFFE;&bogus;",
    "\x00\x0b\x1f",
    "\ud800",
    "\udfff\ufffe\uffff",
    "\r\n\t",
    "\u2028\u200f",
    "</content></entry></item></channel>",
    "\n  <entry xml:lang='en'>",
    "</feed>",
    '"}]}\\',
    "<script>alert(1)</script>",
    '<a href="java&#10;script:alert(1)" onclick=x>',
    "שלום",
    "مرحبا",
    "👩‍👩‍👧",
    "<!-- ",
    "<?xml ?>",
    "<p>huge</p>" * 200,
)

some = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.lists(
    st.sampled_from(NASTY) | st.text(st.characters(exclude_categories=()), max_size=12), max_size=6
).map("".join)
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001  Hypothesis adds the timezone
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.timezones(),
)
languages = st.sampled_from(["en", "he", "fa_IR", "zh-Hant", "", "x\ud800", "e n"])
topics = st.lists(st.builds(FeedTopic, texts, texts), max_size=3).map(tuple)


@st.composite
def entries(draw: st.DrawFn, number: int = 1) -> FeedEntry:
    return entry(
        number,
        title=draw(texts),
        summary=draw(texts),
        html=draw(texts),
        published=draw(moments),
        updated=draw(moments),
        language=draw(languages),
        topics=draw(topics),
        author=draw(texts),
        kind=draw(st.sampled_from(["", "flash-brief", "a\x00<b>"])),
        kind_name=draw(texts),
        urgent=draw(st.booleans()),
        note=draw(texts),
    )


@st.composite
def feeds(draw: st.DrawFn) -> Feed:
    def url(name: str) -> str:
        return draw(st.sampled_from(["", f"{HOST}/{name}", f"{HOST}/{name}?a=1&b='2'--"]))

    return feed(
        *(draw(entries(number)) for number in range(draw(st.integers(0, 3)))),
        title=draw(texts),
        subtitle=draw(texts),
        publisher=draw(texts),
        language=draw(languages),
        updated=draw(moments),
        hub_urls=draw(
            st.sampled_from([(), (f"{HOST}/hub",), (f"{HOST}/hub", "https://hub.test/")])
        ),
        withdrawals=tuple(
            Withdrawal(entry(number).id, draw(moments), draw(texts))
            for number in range(7, draw(st.integers(7, 9)))
        ),
        is_archive=draw(st.booleans()),
        current_url=url("current"),
        prev_archive_url=url("earlier"),
        next_archive_url=url("later"),
        icon_url=url("icon.png"),
        logo_url=url("logo.png"),
        kind_scheme=url("kinds/"),
        urgent_scheme=url("urgent"),
    )
