"""Lines of the log: what they are about, their two forms, and no address in either."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from dispatcher import logs
from dispatcher.audience.tokens import Purpose, seal


@contextmanager
def logged(formatter: logging.Formatter) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger as the settings make it, and what it wrote."""
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(formatter)
    handler.addFilter(logs.InHand())
    log = logging.getLogger("dispatcher.trial")
    log.addHandler(handler)
    log.propagate = False
    try:
        yield log, said
    finally:
        log.removeHandler(handler)
        log.propagate = True


def fail(words: str) -> None:
    raise ValueError(words)


def test_the_dispatch_and_batch_in_hand_stand_in_every_line_until_they_are_let_go() -> None:
    with logged(logs.Line()) as (log, said):
        with logs.about(dispatch=4):
            with logs.about(batch=12):
                log.warning("a relay was slow")
            log.warning("matched")
        log.warning("nothing in hand")
    inner, outer, after = said.getvalue().splitlines()
    assert inner.endswith("WARNING dispatcher.trial [dispatch 4 batch 12] a relay was slow")
    assert outer.endswith("WARNING dispatcher.trial [dispatch 4] matched")
    assert after.endswith("WARNING dispatcher.trial nothing in hand")


def test_what_one_thread_has_in_hand_is_not_in_the_lines_of_another() -> None:
    with logged(logs.Line()) as (log, said), logs.about(batch=12), ThreadPoolExecutor(1) as other:
        other.submit(log.warning, "elsewhere").result()
    assert "batch" not in said.getvalue()


def test_a_fault_in_the_block_lets_go_of_what_was_in_hand() -> None:
    with logged(logs.Line()) as (log, said):
        with pytest.raises(ValueError, match="broken"), logs.about(batch=12):
            raise ValueError("broken")
        log.warning("afterwards")
    assert "batch" not in said.getvalue()


def test_json_lines_carry_the_same_as_fields_and_a_traceback_on_one_line() -> None:
    with logged(logs.JsonLine()) as (log, said), logs.about(dispatch=4, batch=12):
        try:
            fail("broken\nin two lines")
        except ValueError:
            log.exception("said %s", "“no”")
    (line,) = said.getvalue().splitlines()
    told = json.loads(line)
    assert (told["dispatch"], told["batch"], told["level"]) == (4, 12, "ERROR")
    assert told["message"] == "said “no”"
    assert told["time"].endswith("+00:00")
    assert "ValueError: broken\nin two lines" in told["exception"]


def test_lines_of_celery_name_their_job_by_what_celery_hands_over() -> None:
    with logged(logs.JsonLine()) as (log, said):
        log.warning(
            "Task carry[c0ffee] succeeded", extra={"data": {"name": "carry", "id": "c0ffee"}}
        )
    told = json.loads(said.getvalue())
    assert (told["job"], told["job_id"]) == ("carry", "c0ffee")


@pytest.mark.parametrize("formatter", [logs.Line(), logs.JsonLine()], ids=["line", "json"])
@pytest.mark.parametrize(
    "words",
    [
        "550 5.1.1 <ada.lovelace@example.org> unknown",
        "Key (lower(address))=(ada.lovelace@example.org) already exists",
        "ada.lovelace@bücher.example is no address",
        "Empfänger ada.lovelace+news@mail.example.org: full",
    ],
)
def test_no_line_says_whose_address_it_was(formatter: logging.Formatter, words: str) -> None:
    with logged(formatter) as (log, said):
        try:
            fail(words)
        except ValueError:
            log.exception("refused: %s", words)
    assert "lovelace" not in said.getvalue()
    assert "example" in said.getvalue()


def test_a_worker_is_still_known_by_its_name() -> None:
    assert logs.discreet("routine@host1 ready.") == "routine@host1 ready."


@pytest.mark.parametrize("formatter", [logs.Line(), logs.JsonLine()], ids=["line", "json"])
def test_no_line_opens_a_readers_page_or_feed(formatter: logging.Formatter) -> None:
    token = seal(Purpose.MANAGE, 1)
    with logged(formatter) as (log, said):
        log.warning("Not Found: /feeds/mine/%s.xml", token)
        log.warning("Forbidden: /reader/%s/erase", token.upper())
    assert token not in said.getvalue().lower()
    assert said.getvalue().count("/feeds/mine/….xml") == 1
    assert "/reader/…/erase" in said.getvalue()
