"""Feeds as a program of others reads them: npm's feedsmith, which knows all three formats."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.feeds.building import Feed, Format
from tests.feeds.reading import Item, own_categories

_FOLDER = Path(__file__).with_name("npm")


def read_by_others(documents: Sequence[bytes]) -> list[dict[str, Any]]:
    """What read.mjs says of each document. Skips where there is no Node.js; asks no network."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine")
    assert (_FOLDER / "node_modules").is_dir(), "run `make npm` first; it installs feedsmith"
    answer = subprocess.run(
        [node, str(_FOLDER / "read.mjs")],
        input=json.dumps([base64.b64encode(one).decode("ascii") for one in documents]),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    read: list[dict[str, Any]] = json.loads(answer.stdout)
    return read


def items(read: dict[str, Any], feed: Feed) -> list[Item]:
    """The entries in the shape in which our own reader gives them, trimmed as feedsmith trims."""
    shapes = {Format.ATOM: _of_atom, Format.RSS: _of_rss, Format.JSON: _of_json}
    form = Format(read["format"])
    held = read["feed"].get("entries" if form is Format.ATOM else "items", [])
    return [shapes[form](one, feed) for one in held]


def _of_atom(one: dict[str, Any], feed: Feed) -> Item:
    return Item(
        id=one["id"],
        url=one["links"][0]["href"],
        title=one["title"]["value"],
        summary=one.get("summary", {}).get("value", ""),
        content=one.get("content", {}).get("value", ""),
        published=datetime.fromisoformat(one["published"]),
        updated=datetime.fromisoformat(one["updated"]),
        author=one["authors"][0]["name"],
        language=one["xml"]["lang"],
        categories=tuple((said["scheme"], said["label"]) for said in one.get("categories", ())),
    )


def _of_rss(one: dict[str, Any], feed: Feed) -> Item:
    return Item(
        id=one["guid"]["value"],
        url=one["link"],
        title=one["title"],
        summary=one.get("description", ""),
        content=one.get("content", {}).get("encoded", ""),
        published=parsedate_to_datetime(one["pubDate"]).astimezone(UTC),
        updated=datetime.fromisoformat(one["atom"]["updated"]),
        author=one["dc"]["creators"][0],
        language=one["xml"]["lang"],
        categories=tuple((said["domain"], said["name"]) for said in one.get("categories", ())),
    )


def _of_json(one: dict[str, Any], feed: Feed) -> Item:
    tags = ((feed.topic_scheme, tag) for tag in one.get("tags", ()))
    return Item(
        id=one["id"],
        url=one["url"],
        title=one["title"],
        summary=one.get("summary", ""),
        content=one.get("content_html", ""),
        published=datetime.fromisoformat(one["date_published"]),
        updated=datetime.fromisoformat(one["date_modified"]),
        author=one["authors"][0]["name"],
        language=one.get("language", "und"),
        categories=(*tags, *own_categories(feed, one)),
    )
