"""Readers from a CSV file, streamed: a file of any length takes the memory of one slice.

Each slice is one transaction, so an import that breaks off can simply be run again. Rows that cannot
be taken go to a rejects file with the reason; nobody who left or is suppressed comes back.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from dispatcher.audience import rules
from dispatcher.audience.addresses import normalise
from dispatcher.audience.consent import BY_READER, one_line
from dispatcher.briefs.topics import Vocabulary
from dispatcher.errors import BadAddress, BadFile, UnknownTopic

SLICE = 2_000
ADDRESS_COLUMNS = ("address", "email", "e-mail")
COLUMNS = ("name", "topics", "match", "except", "cadence", "language", "timezone")

# One statement stores a slice. New addresses become active readers with a consent row; then every row
# whose reader is active, not suppressed, and did not leave such a rule by their own act gains its rule.
# Safe to repeat: readers and live rules are unique, and the answer names the rows that were refused.
# `met` reads the state of things before the statement, `made` what it adds, so a new reader is in one only.
SQL_STORE = """
WITH given AS (
    SELECT * FROM unnest(%(line)s::int[], %(address)s::text[], %(name)s::text[], %(language)s::text[],
                         %(timezone)s::text[], %(match)s::text[], %(topics)s::text[], %(excepted)s::text[],
                         %(cadence)s::text[])
        AS g(line, address, name, language, timezone, match, topics, excepted, cadence)
), typed AS (
    SELECT line, address, name, language, timezone, match, cadence,
           topics::bigint[] AS topics, excepted::bigint[] AS excepted FROM given
), welcome AS (
    SELECT t.* FROM typed t
    WHERE NOT EXISTS (SELECT FROM dispatcher_suppression x WHERE lower(x.address) = lower(t.address))
), made AS (
    INSERT INTO dispatcher_subscriber (address, name, language, timezone, state, created_at)
    SELECT DISTINCT ON (lower(address)) address, name, language, timezone, 'active', now() FROM welcome
    ORDER BY lower(address), line
    ON CONFLICT DO NOTHING
    RETURNING id, address, state
), consented AS (
    INSERT INTO dispatcher_consent (subscriber_id, act, source, wording, ip_hash, at)
    SELECT id, 'imported', %(source)s, '', '', now() FROM made
), met AS (
    SELECT id, address, state FROM dispatcher_subscriber
    WHERE lower(address) IN (SELECT lower(address) FROM welcome)
    UNION ALL SELECT id, address, state FROM made
), placed AS (
    SELECT w.*, m.id AS subscriber_id, m.state, EXISTS (
               SELECT FROM dispatcher_subscription e
               WHERE e.subscriber_id = m.id AND e.ended_reason = %(by_reader)s
               AND (e.topics && w.topics OR e.topics = w.topics)
           ) AS ended
    FROM welcome w JOIN met m ON lower(m.address) = lower(w.address)
), subscribed AS (
    INSERT INTO dispatcher_subscription
        (subscriber_id, match, topics, except_topics, cadence, source, started_at, ended_reason)
    SELECT DISTINCT subscriber_id, match, topics, excepted, cadence, %(source)s, now(), ''
    FROM placed WHERE state = 'active' AND NOT ended
    ON CONFLICT DO NOTHING
    RETURNING subscriber_id
)
SELECT t.line,
       CASE WHEN w.line IS NULL THEN 'suppressed; it must not be mailed'
            WHEN p.line IS NULL THEN 'was being added elsewhere in this moment; import it again'
            WHEN p.state = 'left' THEN 'left; only the reader can come back'
            WHEN p.state = 'pending' THEN 'asked but has not confirmed yet'
            WHEN p.ended THEN 'left these topics; only the reader can come back'
       END AS refused,
       (SELECT count(*) FROM made), (SELECT count(*) FROM subscribed)
FROM typed t LEFT JOIN welcome w USING (line) LEFT JOIN placed p USING (line)
"""


@dataclass(slots=True)
class Progress:
    """So far: rows read, readers made, rules made, rows refused; `done` and `total` octets of the file."""

    rows: int = 0
    readers: int = 0
    rules: int = 0
    rejected: int = 0
    done: int = 0
    total: int = 0
    rejects_file: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: Sequence[str]
    address: str = ""
    name: str = ""
    language: str = "en"
    timezone: str = "UTC"
    rule: rules.Rule = field(default_factory=rules.Rule)
    refused: str = ""


def import_csv(
    path: Path,
    *,
    source: str,
    rejects: Path | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Import readers from a UTF-8 CSV with a heading row; `address` and `topics` must be there.

    `report` is called after every slice. The rejects file (`FILE.rejects.csv` unless given) is made
    only if a row was refused; it holds the row, its line and the reason. Repeats add nothing. Raises
    BadFile before anything is stored.
    """
    columns = _check(path)
    progress = Progress(total=path.stat().st_size)
    rejects = rejects or path.with_name(f"{path.stem}.rejects.csv")
    rejects.unlink(missing_ok=True)
    vocabulary = Vocabulary()

    @lru_cache(maxsize=4096)
    def parse_rule(topics: str, match: str, excepted: str, cadence: str) -> rules.Rule:
        return rules.parse(topics, match, excepted, cadence, resolve=vocabulary.resolve)

    with path.open(encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        heading = next(reader)
        rows = (_row(reader.line_num, cells, columns, parse_rule) for cells in reader if any(cells))
        while batch := list(islice(rows, SLICE)):
            _store(batch, progress, source=source, heading=heading, rejects=rejects)
            progress.done = os.lseek(text.fileno(), 0, os.SEEK_CUR)
            report(progress)
    return progress


def _check(path: Path) -> dict[str, int]:
    """The place of each column. Reads the whole file once, so that a bad one stores nothing."""
    line = 0
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text)
            heading = [cell.strip().lower() for cell in next(reader, [])]
            for _ in reader:
                line = reader.line_num
    except UnicodeDecodeError:
        raise BadFile(
            f"{path.name} is not UTF-8 (after line {line}); save it as CSV UTF-8 and try again."
        ) from None
    except csv.Error as fault:
        raise BadFile(f"{path.name} is no CSV file (after line {line}): {fault}.") from None
    except OSError as fault:
        raise BadFile(f"{path} cannot be read: {fault.strerror or fault}.") from None
    places = {name: heading.index(name) for name in COLUMNS if name in heading}
    address = next((name for name in ADDRESS_COLUMNS if name in heading), "")
    if not address or "topics" not in places:
        seen = ascii(", ".join(heading)[:80]) if heading else "nothing"
        raise BadFile(
            f"{path.name} needs a heading row with the columns address and topics; it has {seen}."
        )
    return {"address": heading.index(address), **places}


RuleParser = Callable[[str, str, str, str], rules.Rule]


def _row(line: int, cells: list[str], columns: dict[str, int], parse_rule: RuleParser) -> _Row:
    def cell(name: str) -> str:
        place = columns.get(name)
        return cells[place].strip() if place is not None and place < len(cells) else ""

    try:
        return _Row(
            line=line,
            cells=cells,
            address=normalise(cell("address")),
            name=one_line(cell("name")),
            language=cell("language")[:35] or "en",
            timezone=cell("timezone")[:64] or "UTC",
            rule=parse_rule(cell("topics"), cell("match"), cell("except"), cell("cadence")),
        )
    except (BadAddress, BadFile, UnknownTopic) as refusal:
        return _Row(line=line, cells=cells, refused=str(refusal))


def _store(
    batch: list[_Row], progress: Progress, *, source: str, heading: list[str], rejects: Path
) -> None:
    good = [row for row in batch if not row.refused]
    refused = {row.line: row.refused for row in batch if row.refused}
    if good:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SQL_STORE, _parameters(good, source))
            answers = cursor.fetchall()
        refused |= {line: reason for line, reason, _, _ in answers if reason}
        progress.readers += answers[0][2]
        progress.rules += answers[0][3]
    progress.rows += len(batch)
    if refused:
        progress.rejected += len(refused)
        progress.rejects_file = str(rejects)
        _write_rejects(
            rejects, heading, [(row, refused[row.line]) for row in batch if row.line in refused]
        )


def _parameters(rows: list[_Row], source: str) -> dict[str, Any]:
    return {
        "line": [row.line for row in rows],
        "address": [row.address for row in rows],
        "name": [row.name for row in rows],
        "language": [row.language for row in rows],
        "timezone": [row.timezone for row in rows],
        "match": [row.rule.match for row in rows],
        "topics": [_array(row.rule.topics) for row in rows],
        "excepted": [_array(row.rule.except_topics) for row in rows],
        "cadence": [row.rule.cadence for row in rows],
        "source": source,
        "by_reader": BY_READER,
    }


def _array(ids: frozenset[int]) -> str:
    return "{" + ",".join(map(str, sorted(ids))) + "}"


def _write_rejects(path: Path, heading: list[str], rows: list[tuple[_Row, str]]) -> None:
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        if is_new:
            writer.writerow([*heading, "line", "reason"])
        writer.writerows([*row.cells, row.line, reason] for row, reason in rows)
