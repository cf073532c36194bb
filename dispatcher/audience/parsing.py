"""A CSV file of readers as rows, each with its rule or the reason why it cannot be taken.

Here is decided what such a file looks like and what its cells may hold. Who may be added, and how the
rows are stored, is for `importing`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import itemgetter
from pathlib import Path
from typing import IO, NamedTuple

from dispatcher.audience import rules, zones
from dispatcher.audience.addresses import normalise
from dispatcher.audience.consent import one_line
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import BadAddress, BadFile, UnknownTopic

ADDRESS_COLUMNS = ("address", "email", "e-mail")
COLUMNS = ("name", "topics", "match", "except", "cadence", "language", "timezone")
LONGEST_LINE = 1_000_000  # characters; what has longer lines is no CSV, and is not read into memory
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,2}")  # the shape of BCP 47

RuleReader = Callable[[str, str, str, str], "Wish | str"]


class Wish(NamedTuple):
    """A rule as PostgreSQL reads it; `related` are its topics with those above and beneath them."""

    match: str
    topics: str
    excepted: str
    related: str
    cadence: str


class Row(NamedTuple):
    """A row that ends on this line of the file: as it was, and either a wish or why it is refused."""

    line: int
    cells: Sequence[str]
    wish: Wish | None = None
    address: str = ""
    name: str = ""
    language: str = "en"
    timezone: str = "UTC"
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading row as it was, and the place of each column that counts."""

    cells: Sequence[str]
    places: dict[str, int]


def check(path: Path) -> Heading:
    """Read the whole file once, so that a bad one stores nothing. Raises BadFile, in one line."""
    line = 0
    try:
        if path.exists() and not path.is_file():
            raise BadFile(f"{path} is no file; give the name of a CSV file.")
        with path.open(encoding="utf-8-sig", newline="") as text:
            _check_delimiter(path, text.readline(LONGEST_LINE))
            text.seek(0)
            reader = csv.reader(_lines(text), strict=True)
            heading = _heading(path, next(reader, []))
            for _ in reader:
                line = reader.line_num
    except UnicodeDecodeError:
        raise BadFile(
            f"{path.name} is not UTF-8 in line {_first_bad_line(path)}; save it as CSV UTF-8 and"
            " try again."
        ) from None
    except csv.Error as fault:
        raise BadFile(f"{path.name} is no CSV file (after line {line}): {fault}.") from None
    except OSError as fault:
        raise BadFile(f"{path} cannot be read: {fault.strerror or fault}.") from None
    return heading


def rows(text: IO[str], heading: Heading) -> Iterator[Row]:
    """The rows of an open file that `check` let pass; empty ones are passed over.

    The vocabulary is read here and now, so another thread may read on in the file.
    """
    return _rows(text, heading, _rule_reader())


def _rows(text: IO[str], heading: Heading, read_rule: RuleReader) -> Iterator[Row]:
    width = len(heading.cells)
    # A column that is not there is read from the cell after the last, which is always empty.
    pick = itemgetter(*(heading.places.get(name, width) for name in ("address", *COLUMNS)))
    padding = [""] * (width + 1)
    reader = csv.reader(_lines(text), strict=True)
    next(reader, None)
    for cells in reader:
        if any(cells[width:]):
            reason = f"it has {len(cells)} cells and the heading {width}; quote cells with commas."
            yield Row(reader.line_num, cells, refused=reason)
        elif any(cells):
            yield _row(reader.line_num, cells, pick(cells + padding), read_rule)


def _heading(path: Path, cells: list[str]) -> Heading:
    words = [cell.strip().lower() for cell in cells]
    places = {name: words.index(name) for name in COLUMNS if name in words}
    address = next((name for name in ADDRESS_COLUMNS if name in words), "")
    if address and "topics" in places:
        return Heading(cells, {"address": words.index(address), **places})
    seen = ascii(", ".join(words)[:80]) if words else "nothing"
    raise BadFile(
        f"{path.name} needs a heading row with the columns address and topics; it has {seen}."
    )


def _check_delimiter(path: Path, line: str) -> None:
    for delimiter, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
        words = [word.strip().strip('"').lower() for word in line.split(delimiter)]
        if len(words) > 1 and "topics" in words:
            raise BadFile(
                f"{path.name} has {name} between its cells; save it with commas and try again."
            )


def _lines(text: IO[str]) -> Iterator[str]:
    while line := text.readline(LONGEST_LINE):
        if len(line) == LONGEST_LINE:
            raise csv.Error(f"a line has more than {LONGEST_LINE:,} characters")
        if "\0" in line:
            raise csv.Error("it holds a NUL, as binary files do")
        yield line


def _rule_reader() -> RuleReader:
    """Gives the wish that four cells say, or why it is refused; what repeats is read once."""
    vocabulary = Vocabulary()

    @cache  # as many as there are topics
    def related(topic: int) -> frozenset[int]:
        return vocabulary.related([topic])

    @lru_cache(maxsize=4096)
    def read(topics: str, match: str, excepted: str, cadence: str) -> Wish | str:
        try:
            rule = rules.parse(topics, match, excepted, cadence, resolve=vocabulary.resolve)
        except (BadFile, UnknownTopic) as refusal:
            return str(refusal)
        near = frozenset[int]().union(*map(related, rule.topics))
        return Wish(
            rule.match, _array(rule.topics), _array(rule.except_topics), _array(near), rule.cadence
        )

    return read


def _array(ids: Iterable[int]) -> str:
    return "{" + ",".join(map(str, sorted(ids))) + "}"


def _row(line: int, cells: list[str], picked: Iterable[str], read_rule: RuleReader) -> Row:
    address, name, topics, match, excepted, cadence, language, timezone = map(str.strip, picked)
    try:
        address = normalise(address)
    except BadAddress as refusal:
        return Row(line, cells, refused=str(refusal))
    wish = read_rule(topics, match, excepted, cadence)
    if isinstance(wish, str):
        return Row(line, cells, refused=wish)
    if language and not _LANGUAGE.fullmatch(language):
        reason = f"language must look like en or pt-BR, not {language[:20]!r}."
        return Row(line, cells, refused=reason)
    if timezone and not zones.exists(timezone):
        reason = f"timezone must look like Europe/Paris, not {timezone[:40]!r}."
        return Row(line, cells, refused=reason)
    return Row(line, cells, wish, address, one_line(name), language or "en", timezone or "UTC")


def _first_bad_line(path: Path) -> int:
    with path.open("rb") as octets:
        for number, line in enumerate(octets, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 0
