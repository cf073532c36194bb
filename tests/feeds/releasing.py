"""A brief made public at a moment of the test's choosing, as a release leaves its row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from dispatcher.briefs.models import Brief, Topic
from tests.makers import make_brief

MARCH = datetime(2023, 3, 2, 10, 0, tzinfo=UTC)


def release(
    headline: str = "Ferries run again between the islands",
    *,
    topics: Sequence[Topic] = (),
    at: datetime = MARCH,
    **document: Any,
) -> Brief:
    """A released brief; nobody has told the feeds."""
    document.setdefault("published_at", at)
    brief = make_brief(headline, topics=topics, **document)
    brief.released, brief.released_at = brief.current, at
    brief.save()
    return brief
