"""What the figures come to: each measure's ratio, what is wanted of it, and whether that is met."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.book import Book

NOT_ASKED = "not asked for in this run"


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the table. Without a yardstick the value is our figure itself.

    `is_least` says whether more is better. An extra one is told, and stands not among the ratios.
    """

    key: str
    title: str
    unit: str
    ours: str
    yardstick: str
    wanted: float
    is_least: bool = True
    is_extra: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """A measure with what was found; `value` is None where it could not be measured."""

    measure: Measure
    ours: float | None
    yardstick: float | None
    value: float | None

    @property
    def is_met(self) -> bool:
        if self.value is None:
            return False
        wanted = self.measure.wanted
        return self.value >= wanted if self.measure.is_least else self.value <= wanted


_LETTERS = "letters/s"
MEASURES = (
    Measure(
        "vs_pipelined_socket",
        "end to end / a bare pipelined socket, one connection",
        _LETTERS,
        "ours",
        "socket",
        0.6,
    ),
    Measure(
        "vs_smtp_source",
        "end to end / smtp-source -s 20",
        _LETTERS,
        "ours",
        "smtp_source",
        1.2,
    ),
    Measure(
        "vs_django",
        "end to end / the usual Django way",
        _LETTERS,
        "ours",
        "django",
        20,
    ),
    Measure(
        "dkim_vs_pipelined_socket",
        "with DKIM RSA-2048 / a bare pipelined socket",
        _LETTERS,
        "ours_dkim",
        "socket",
        0.3,
    ),
    Measure(
        "dkim_vs_django_dkimpy",
        "with DKIM RSA-2048 / Django with dkimpy",
        _LETTERS,
        "ours_dkim",
        "django_dkimpy",
        25,
    ),
    Measure(
        "first_letter_s_10k",
        "first letter, 10,000 readers",
        "s",
        "first_10k",
        "",
        1,
        is_least=False,
    ),
    Measure(
        "first_letter_s_1m",
        "first letter, 1,000,000 readers",
        "s",
        "first_1m",
        "",
        1,
        is_least=False,
    ),
    Measure(
        "count_ms_1m",
        "counting an audience among 1,000,000",
        "ms",
        "count_ms",
        "",
        100,
        is_least=False,
    ),
    Measure(
        "memory_growth",
        "peak memory of a worker, 500,000 / 10,000 letters",
        "MB",
        "memory_500k_mb",
        "memory_10k_mb",
        1.1,
        is_least=False,
    ),
    Measure(
        "urgent_vs_idle",
        "1,000 urgent letters, 99 % accepted, under load / idle",
        "s",
        "urgent_loaded_s",
        "urgent_idle_s",
        2,
        is_least=False,
    ),
    Measure(
        "distant_vs_smtplib",
        "one connection, relay 20 ms away / smtplib",
        _LETTERS,
        "distant",
        "distant_smtplib",
        4,
    ),
    Measure(
        "import_1m_s",
        "import of 1,000,000 readers",
        "s",
        "import_s",
        "",
        120,
        is_least=False,
    ),
    Measure(
        "feed_vs_nginx",
        "a feed of 50 entries by gzip, one web process / nginx",
        "GETs/s",
        "feed",
        "feed_nginx",
        0.25,
    ),
    Measure(
        "feed_304_vs_nginx",
        "the same as 304 / nginx",
        "GETs/s",
        "feed_304",
        "feed_nginx_304",
        0.25,
    ),
    Measure(
        "feed_visible_s",
        "release until seen in all its feeds, 1,000 feeds",
        "s",
        "feed_visible_s",
        "",
        1,
        is_least=False,
    ),
)
EXTRAS = (
    Measure(
        "distant_chunking_vs_smtplib",
        "the same where the relay offers CHUNKING",
        _LETTERS,
        "distant_chunking",
        "distant_smtplib",
        4,
        is_extra=True,
    ),
    Measure(
        "memory_mb",
        "peak memory of a worker, 500,000 letters",
        "MB",
        "memory_500k_mb",
        "",
        200,
        is_least=False,
        is_extra=True,
    ),
    Measure(
        "import_memory_growth",
        "peak memory of an import, 1,000,000 / 100,000 rows",
        "MB",
        "import_mb",
        "import_tenth_mb",
        1.1,
        is_least=False,
        is_extra=True,
    ),
)


def find(book: Book, measures: Iterable[Measure] = (*MEASURES, *EXTRAS)) -> list[Finding]:
    """Each measure from the medians of its figures. What has no figure has a reason in the book."""
    findings = []
    for measure in measures:
        ours = book.median(measure.ours)
        yardstick = book.median(measure.yardstick) if measure.yardstick else None
        value = ours
        if measure.yardstick:
            value = ours / yardstick if ours is not None and yardstick else None
        if measure.key in book.reasons:
            value = None  # some round went wrong; what the others say is no figure
        if value is None:
            book.miss(NOT_ASKED, measure.key)
        findings.append(Finding(measure, ours, yardstick, value))
    return findings
