"""The benchmark's own arithmetic: medians, ratios, what is met, and the shape of what it writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import measures, report, sizes
from bench.book import Book
from bench.measures import Finding

RATIOS = {
    "vs_pipelined_socket",
    "vs_smtp_source",
    "vs_django",
    "dkim_vs_pipelined_socket",
    "dkim_vs_django_dkimpy",
    "first_letter_s_10k",
    "first_letter_s_1m",
    "count_ms_1m",
    "memory_growth",
    "urgent_vs_idle",
    "distant_vs_smtplib",
    "import_1m_s",
    "feed_vs_nginx",
    "feed_304_vs_nginx",
    "feed_visible_s",
}


def book_of(**figures: list[float]) -> Book:
    book = Book()
    for name, each in figures.items():
        for figure in each:
            book.add(name, figure)
    return book


def as_json(book: Book) -> dict[str, Any]:
    return report.as_json(book, measures.find(book), sizes.FULL, seconds=12.34, notes={})


def found(book: Book, key: str) -> Finding:
    return next(finding for finding in measures.find(book) if finding.measure.key == key)


def test_a_ratio_is_that_of_two_medians() -> None:
    finding = found(
        book_of(ours=[900, 3000, 3100], socket=[5000, 4000, 90_000]), "vs_pipelined_socket"
    )
    assert (finding.ours, finding.yardstick, finding.value) == (3000, 5000, 0.6)
    assert finding.is_met


def test_a_figure_without_a_yardstick_is_its_own_median() -> None:
    finding = found(book_of(first_1m=[0.9, 1.1, 1.2, 1.0]), "first_letter_s_1m")
    assert finding.value == pytest.approx(1.05)
    assert not finding.is_met


@pytest.mark.parametrize(
    ("key", "ours", "yardstick", "is_met"),
    [
        ("vs_django", 2000, 100, True),
        ("vs_django", 1999, 100, False),
        ("urgent_vs_idle", 2, 1, True),
        ("urgent_vs_idle", 2.1, 1, False),
    ],
)
def test_some_ratios_are_to_be_large_and_some_small(
    key: str, ours: float, yardstick: float, is_met: bool
) -> None:
    measure = next(measure for measure in measures.MEASURES if measure.key == key)
    book = book_of(**{measure.ours: [ours], measure.yardstick: [yardstick]})
    assert found(book, key).is_met is is_met


def test_what_has_no_figure_is_null_with_the_first_reason_beside_it() -> None:
    book = book_of(ours=[3000])
    book.miss("smtp-source is not here", "vs_smtp_source")
    book.miss("and something else", "vs_smtp_source")
    written = as_json(book)
    assert written["ratios"]["vs_smtp_source"] is None
    assert written["met"]["vs_smtp_source"] is None
    assert written["reasons"]["vs_smtp_source"] == "smtp-source is not here"
    assert written["reasons"]["vs_django"] == measures.NOT_ASKED
    assert set(written["reasons"]) == set(written["met"])


def test_a_round_that_went_wrong_leaves_no_ratio_of_the_others() -> None:
    book = book_of(ours=[9000, 9000], socket=[5000, 5000])
    book.miss("the ledger does not balance", "vs_pipelined_socket")
    assert found(book, "vs_pipelined_socket").value is None
    assert as_json(book)["ratios"]["vs_pipelined_socket"] is None


def test_a_yardstick_of_nothing_is_no_division_by_zero() -> None:
    assert found(book_of(ours=[3000], django=[0]), "vs_django").value is None


def test_what_is_written_has_exactly_the_agreed_ratios_and_all_rounds() -> None:
    written = as_json(book_of(ours=[3000, 4000, 5000.123456], socket=[8000]))
    assert set(written["ratios"]) == RATIOS
    assert written["ratios"]["vs_pipelined_socket"] == 0.5
    assert written["figures"]["ours"] == [3000, 4000, 5000]
    assert written["medians"] == {"ours": 4000, "socket": 8000}
    assert set(written["wanted"]) == RATIOS | set(written["extras"])
    assert json.loads(json.dumps(written)) == written


def test_the_table_shows_each_measure_once() -> None:
    findings = measures.find(book_of(count_ms=[61.5]))
    assert (
        report.table(findings, title="a test").row_count
        == len(findings)
        == len(RATIOS) + len(measures.EXTRAS)
    )


def test_a_full_run_has_three_rounds_and_the_agreed_numbers() -> None:
    full = sizes.of(quick=False, rounds=None)
    assert (full.rounds, full.wire, full.many, full.half, full.routine, full.urgent) == (
        *(3, 50_000, 1_000_000, 500_000, 200_000, 1_000),
    )
    assert sizes.of(quick=False, rounds=5).rounds == 5
    assert sizes.of(quick=True, rounds=None).is_quick
