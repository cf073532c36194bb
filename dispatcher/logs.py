"""How a line of the log looks, and what it is about: the dispatch and batch in hand stand in each.

`with about(dispatch=4, batch=12):` holds for all that is logged inside, whoever logs it. Addresses and
sealed tokens are cut out of every line. Which lines there are, and how loud, is for settings and for those who log.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

# The part of an address that says who; a relay's words and a database's errors may quote one.
_WHO = re.compile(r"[^\s<>()\[\]{}\"'`,;:=/\\|…]+@(?=[\w-]+(?:\.[\w-]+)+)")
# A sealed token in a path (`audience.tokens`): who reads the log could open the reader's page with it.
_TOKEN = re.compile(r"(?<=/)[0-9a-f]{26,}", re.IGNORECASE)

_in_hand: ContextVar[Mapping[str, object]] = ContextVar("in_hand", default={})  # noqa: B039  never changed


@contextmanager
def about(**facts: object) -> Iterator[None]:
    """Every line logged inside the block says these facts too, and those of the blocks around it."""
    token = _in_hand.set({**_in_hand.get(), **facts})
    try:
        yield
    finally:
        _in_hand.reset(token)


class InHand(logging.Filter):
    """Puts what is in hand into the record as `about`; lets every record through.

    Celery hands its own lines the job's name and id as `data`.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        data = getattr(record, "data", None)
        job = {}
        if isinstance(data, Mapping) and "name" in data and "id" in data:
            job = {"job": data["name"], "job_id": data["id"]}
        record.about = {**job, **_in_hand.get()}
        return True


class Line(logging.Formatter):
    """For people: `2026-03-02 14:05:00,123 INFO dispatcher.mailing [dispatch 4 batch 12] words`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(in_hand)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in _about(record).items() if name != "job_id"}
        words = " ".join(f"{name} {value}" for name, value in facts.items())
        record.in_hand = f" [{words}]" if words else ""
        return discreet(super().format(record))


class JsonLine(logging.Formatter):
    """For programs: one JSON object a line, its time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **_about(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return discreet(json.dumps(line, default=str, ensure_ascii=False))


def discreet(text: str) -> str:
    """The text with `…` for what stands before the @ of any mail address, and for tokens in paths."""
    text = _TOKEN.sub("…", text) if "/" in text else text
    return _WHO.sub("…", text) if "@" in text else text


def _about(record: logging.LogRecord) -> Mapping[str, object]:
    about: Mapping[str, object] = getattr(record, "about", {})
    return about
