"""What a feed names for readers to fetch is there."""

from __future__ import annotations

import re

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
HOST = "http://news.example.org"


def test_the_icon_of_a_feed_is_there(client: Client) -> None:
    document = client.get("/feeds/all.atom").content.decode()
    (url,) = re.findall(r"<icon>([^<]+)</icon>", document)
    answer = client.get(url.removeprefix(HOST))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    assert b"".join(answer).startswith(b"\x89PNG")
