"""What User-Agents say: how many an aggregator polls for, and who is a robot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.feeds.agents import Agent, read


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        (
            "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 1234 subscribers; like FeedFetcher-Google)",
            Agent("feedly", 1234),
        ),
        (
            "NewsBlur Feed Fetcher - 12 subscribers - https://www.newsblur.com",
            Agent("newsblur", 12),
        ),
        ("NewsBlur Page Fetcher - 1 subscriber - https://www.newsblur.com", Agent("newsblur", 1)),
        ("Feedbin feed-id:1373711 - 142 subscribers", Agent("feedbin", 142)),
        (
            "Inoreader/1.0 (+http://www.inoreader.com/feed-fetcher; 5 subscribers; )",
            Agent("inoreader", 5),
        ),
        (
            "Mozilla/5.0 (compatible; theoldreader.com; 5 subscribers; feed-id=5f3a)",
            Agent("oldreader", 5),
        ),
        (
            "Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 7 subscribers)",
            Agent("bazqux", 7),
        ),
        (
            "Superfeedr bot/2.0 http://superfeedr.com - 1,204 subscribers",
            Agent("superfeedr bot", 1204),
        ),
        ("Example/2.0 (users 9; 3 readers)", Agent("example", 3)),
        ("Feedly/1.0 (-5 subscribers)", Agent("feedly")),
        ("Miniflux/2.2.0", Agent("miniflux")),
        ("newsboat/2.36 (Linux x86_64)", Agent("newsboat")),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0",
            Agent("mozilla"),
        ),
    ],
)
def test_who_reads(user_agent: str, agent: Agent) -> None:
    assert read(user_agent) == agent


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        " ",
        "123",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; YandexSpider/3.0)",
        "curl/8.5.0",
        "Wget/1.21",
        "python-requests/2.32",
        "Go-http-client/1.1",
        "W3C_Validator/1.3",
        "facebookexternalhit/1.1",
        "UptimeRobot/2.0 monitor",
    ],
)
def test_robots_are_no_readers(user_agent: str) -> None:
    assert read(user_agent).is_robot


@given(st.text())
def test_nothing_fails(user_agent: str) -> None:
    assert len(read(user_agent).product) <= 40
