from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from dispatcher.console import showing, words
from dispatcher.mailing.ledger import Tally
from dispatcher.mailing.models import Act, Dispatch
from dispatcher.mailing.reporting import STANDINGS, Progress


def said(state: str, rate: float | None = None, prepared: float = 1.0, **sums: int) -> str:
    tally = Tally(audience=sum(sums.values()), **sums)
    so_far = Progress(tally=tally, prepared=prepared, rate=rate, next_attempt_at=None)
    return words.progress(Dispatch(state=state), so_far, next_try="14:20")


def test_every_state_and_outcome_has_a_chip() -> None:
    assert {*STANDINGS, *words.OUTCOMES} <= set(words.CHIPS)
    assert set(words.OUTCOMES) == set(words.Outcome.values)


def test_progress_is_a_sentence_with_two_numbers() -> None:
    sums = {"accepted": 299_000, "failed": 145, "waiting": 213_000}

    assert said("sending", **sums) == "Sending 299,145 of 512,145"
    assert said("sending", rate=887, **sums).endswith("of 512,145 · about 4 minutes left")
    assert said("paused", **sums) == "Paused at 299,145 of 512,145; 213,000 letters held"


def test_preparing_says_what_share_was_looked_at() -> None:
    assert said("matching", prepared=0.79, waiting=5) == "Preparing, 79%: 5 readers found"
    assert said("matching", waiting=1).endswith("1 reader found")


def test_letters_that_wait_for_another_try_are_not_called_sending() -> None:
    assert said("sending", accepted=8, deferred=2) == "Sent 8 of 10 · 2 put off until 14:20"


def test_nothing_is_called_delivered() -> None:
    done = said("done", accepted=8, failed=2, unknown=1)

    assert done == "Sent: 8 of 11 letters accepted, 2 failed, 1 in doubt"


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (0, "less than a minute left"),
        (59, "about 1 minute left"),
        (250, "about 4 minutes left"),
        (3600, "about 1 hour left"),
        (9000, "about 2 hours left"),
    ],
)
def test_an_estimate_is_said_roughly(seconds: float, sentence: str) -> None:
    assert words.estimate(seconds) == sentence


def test_the_ledger_bar_adds_up() -> None:
    rows = words.ledger(Tally(audience=4, accepted=1, waiting=3))

    assert [row.share for row in rows if row.number] == [0.25, 0.75]
    assert rows[-1].before + rows[-1].share == 1


def test_a_small_share_never_reads_as_nothing() -> None:
    assert words.share(0) == "0.0 %"
    assert words.share(1e-6) == "< 0.1 %"
    assert words.share(0.399) == "39.9 %"


def test_days_nearby_are_named_and_the_exact_time_is_in_the_element() -> None:
    now = timezone.now()

    assert ">today " in showing.when(now)
    assert ">yesterday " in showing.when(now - timedelta(days=1))
    assert ">tomorrow " in showing.when(now + timedelta(days=1))
    then = showing.when(datetime(2023, 3, 2, 14, 5, 9, tzinfo=UTC))
    assert 'datetime="2023-03-02T14:05:09+00:00"' in then
    assert 'title="Thursday 2 March 2023, 14:05:09 UTC"' in then
    assert ">2 Mar 2023 14:05<" in then


def test_names_are_listed_as_one_says_them() -> None:
    assert words.listed(("A",)) == "A"
    assert words.listed(("A", "B", "C")) == "A, B or C"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (0.44, "0.4 s"),
        (9.96, "10 s"),
        (59.6, "1 min"),
        (71, "1 min 11 s"),
        (3599, "59 min 59 s"),
        (3600, "1 h"),
        (3 * 3600 + 600, "3 h 10 min"),
        (86_400 * 2 + 4 * 3600, "2 days 4 h"),
    ],
)
def test_a_span_has_two_parts_at_most(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


def test_every_act_has_its_words() -> None:
    assert set(words.ACTS) == set(Act.What.values)
