"""What a feed names for browsers and readers to fetch is there."""

from __future__ import annotations

import html
import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
HOST = "http://news.example.org"


@pytest.mark.parametrize(
    ("named", "kind", "begins"),
    [
        (
            r'<\?xml-stylesheet type="text/css" href="([^"]+)"',
            "text/css",
            b"/* A feed that somebody",
        ),
        (r"<icon>([^<]+)</icon>", "image/png", b"\x89PNG"),
    ],
)
def test_the_stylesheet_and_the_icon_of_a_feed_are_there(
    client: Client, named: str, kind: str, begins: bytes
) -> None:
    document = client.get("/feeds/all.atom").content.decode()
    (url,) = re.findall(named, document)
    answer = client.get(html.unescape(url).removeprefix(HOST))
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith(kind)
    assert b"".join(answer).startswith(begins)


def test_the_stylesheet_takes_the_colours_of_the_pages(client: Client) -> None:
    style = b"".join(client.get("/static/dispatcher/feed.css")).decode()
    (url,) = re.findall(r'@import url\("([^"]+)"\)', style)
    assert "--paper:" in client.get(url).content.decode()
    used = set(re.findall(r"var\((--[a-z-]+)\)", style))
    assert used <= set(re.findall(r"(--[a-z-]+):", client.get(url).content.decode()))
