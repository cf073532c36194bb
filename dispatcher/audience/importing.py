"""Readers from a CSV file, streamed: a file of any length takes the memory of one slice.

Each slice is one transaction, so an import that breaks off can simply be run again. Rows that cannot
be taken go to a rejects file with the reason; nobody who left or is suppressed comes back.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.db import connection, transaction

from dispatcher.audience import parsing
from dispatcher.audience.consent import BY_WISH, one_line
from dispatcher.audience.hashing import hashed
from dispatcher.audience.parsing import Row, Wish
from dispatcher.errors import BadFile

SLICE = 5_000
MANY = 10_000  # rules, after which the tables are settled at once and not when PostgreSQL comes round to it
SQL_KNOW = "ANALYZE dispatcher_subscriber, dispatcher_subscription, dispatcher_following"
SQL_SETTLE = SQL_KNOW.replace("ANALYZE", "VACUUM (ANALYZE)", 1)

# One statement stores a slice. New addresses become active readers with a consent row; then every row
# whose reader is active, not suppressed, and did not end a rule for some of the same by their own act gains
# its rule. `related` are the row's topics with those above and beneath them, `{}` stands for every brief.
# Safe to repeat: readers and live rules are unique, and the answer names the rows that were refused.
# `met` reads the state of things before the statement, so a reader just made is in `made` only. Most rows of
# an import are new readers, so what only old ones need is asked for those alone. `erased` is what would
# stay of the row's address: who was erased is on the list of those not mailed under that alone.
SQL_STORE = """
WITH typed AS MATERIALIZED (
    SELECT line, address, lower(address) COLLATE "C" AS key, name, language, timezone, match, cadence,
           topics::bigint[] AS topics, excepted::bigint[] AS excepted, related::bigint[] AS related, erased
    FROM unnest(%(line)s::int[], %(address)s::text[], %(name)s::text[], %(language)s::text[],
                %(timezone)s::text[], %(match)s::text[], %(topics)s::text[], %(excepted)s::text[],
                %(related)s::text[], %(cadence)s::text[], %(erased)s::text[])
        AS g(line, address, name, language, timezone, match, topics, excepted, related, cadence, erased)
), welcome AS (
    SELECT t.* FROM typed t WHERE NOT EXISTS (
        SELECT FROM dispatcher_suppression x WHERE lower(x.address) = t.key COLLATE "default")
    AND NOT EXISTS (SELECT FROM dispatcher_suppression x WHERE lower(x.address) = t.erased)
), made AS (
    INSERT INTO dispatcher_subscriber (address, name, language, timezone, state, created_at)
    SELECT DISTINCT ON (key) address, name, language, timezone, 'active', now() FROM welcome
    ORDER BY key, line
    ON CONFLICT DO NOTHING
    RETURNING id, lower(address) COLLATE "C" AS key, state
), consented AS (
    INSERT INTO dispatcher_consent (subscriber_id, act, source, wording, ip_hash, at)
    SELECT id, 'imported', left(%(source)s, 200), '', '', now() FROM made
), met AS (
    SELECT id, lower(address) COLLATE "C" AS key, state FROM dispatcher_subscriber
    WHERE lower(address) IN (SELECT key COLLATE "default" FROM welcome EXCEPT SELECT key FROM made)
), placed AS (
    SELECT w.*, m.id AS subscriber_id, m.state, false AS ended FROM welcome w JOIN made m USING (key)
    UNION ALL
    SELECT w.*, m.id, m.state, EXISTS (
               SELECT FROM dispatcher_subscription e
               WHERE e.subscriber_id = m.id AND e.ended_reason = ANY(%(by_wish)s)
               AND (e.topics && w.related OR e.topics = '{}' OR w.topics = '{}')
           )
    FROM welcome w JOIN met m USING (key)
), subscribed AS (
    INSERT INTO dispatcher_subscription
        (subscriber_id, match, topics, except_topics, cadence, source, started_at, ended_reason)
    SELECT DISTINCT subscriber_id, match, topics, excepted, cadence, left(%(source)s, 80), now(), ''
    FROM placed WHERE state = 'active' AND NOT ended
    ON CONFLICT DO NOTHING
    RETURNING subscriber_id
), refused AS (
    SELECT t.line,
           CASE WHEN w.line IS NULL THEN 'suppressed; it must not be mailed'
                WHEN p.line IS NULL THEN 'was being added elsewhere in this moment; import it again'
                WHEN p.state = 'left' THEN 'left; only the reader can come back'
                WHEN p.state = 'pending' THEN 'asked but has not confirmed yet'
                WHEN p.ended THEN 'left these topics; only the reader can come back'
           END AS reason
    FROM typed t LEFT JOIN welcome w USING (line) LEFT JOIN placed p USING (line)
)
SELECT (SELECT count(*) FROM made), (SELECT count(*) FROM subscribed),
       (SELECT jsonb_object_agg(line, reason) FROM refused WHERE reason IS NOT NULL)
"""

# Whether somebody of the slice was erased while it was being stored: the statement waited for that, and saw
# the list as it was before.
SQL_OVERTAKEN = """
SELECT EXISTS (
    SELECT FROM unnest(%(address)s::text[], %(erased)s::text[]) AS g(address, erased)
    JOIN dispatcher_suppression x ON lower(x.address) = g.erased
    JOIN dispatcher_subscriber r ON lower(r.address) = lower(g.address)
)
"""
TRIES = 5

# Compiling it anew for each slice would take longer than running it.
SQL_NO_JIT = "SELECT set_config('jit', 'off', true)"


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
    heading = parsing.check(path)
    progress = Progress(total=path.stat().st_size)
    rejects = rejects or path.with_name(f"{path.stem}.rejects.csv")
    _check_rejects(rejects, path)
    with path.open(encoding="utf-8-sig", newline="") as text:
        for batch, progress.done in _ahead(parsing.rows(text, heading), text):
            refused = _store(batch, progress, source=one_line(source))
            if refused:
                _write_rejects(rejects, heading.cells, batch, refused)
                progress.rejects_file = str(rejects)
            report(progress)
    if progress.rules >= MANY:
        _settle()
    return progress


def _ahead(rows: Iterator[Row], text: IO[str]) -> Iterator[tuple[list[Row], int]]:
    """Slices of rows, each with the octets read by then; the next is read while one is being stored."""

    def take() -> tuple[list[Row], int]:
        return list(islice(rows, SLICE)), os.lseek(text.fileno(), 0, os.SEEK_CUR)

    with ThreadPoolExecutor(max_workers=1) as reader:
        coming = reader.submit(take)
        while (slice_ := coming.result())[0]:
            coming = reader.submit(take)
            yield slice_


def _settle() -> None:
    """Let PostgreSQL know what the tables hold now; until then it plans for what they held before."""
    with connection.cursor() as cursor:
        cursor.execute(SQL_KNOW if connection.in_atomic_block else SQL_SETTLE)


def _store(batch: list[Row], progress: Progress, *, source: str) -> dict[int, str]:
    """Store a slice; why rows were refused, by line."""
    wishes = [(row, row.wish) for row in batch if row.wish]
    refused = {row.line: row.refused for row in batch if row.refused}
    if wishes:
        readers, rules, reasons = _stored(_parameters(wishes, source))
        refused |= {int(line): reason for line, reason in json.loads(reasons or "{}").items()}
        progress.readers += readers
        progress.rules += rules
    progress.rows += len(batch)
    progress.rejected += len(refused)
    return refused


def _stored(parameters: dict[str, Any]) -> tuple[int, int, str | None]:
    """New readers, new rules, and why rows were refused; once more if somebody was erased meanwhile."""
    for _ in range(TRIES):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(SQL_NO_JIT)
            cursor.execute(SQL_STORE, parameters)
            readers, rules, reasons = cursor.fetchone()
            cursor.execute(SQL_OVERTAKEN, parameters)
            if not cursor.fetchone()[0]:
                return readers, rules, reasons
            transaction.set_rollback(True)
    raise BadFile("Readers of this file are being erased at this moment; import it again.")


def _parameters(wishes: list[tuple[Row, Wish]], source: str) -> dict[str, Any]:
    return {
        "line": [row.line for row, _ in wishes],
        "address": [row.address for row, _ in wishes],
        "name": [row.name for row, _ in wishes],
        "language": [row.language for row, _ in wishes],
        "timezone": [row.timezone for row, _ in wishes],
        "match": [wish.match for _, wish in wishes],
        "topics": [wish.topics for _, wish in wishes],
        "excepted": [wish.excepted for _, wish in wishes],
        "related": [wish.related for _, wish in wishes],
        "cadence": [wish.cadence for _, wish in wishes],
        "erased": [hashed(row.address) for row, _ in wishes],
        "source": source,
        "by_wish": list(BY_WISH),
    }


def _check_rejects(rejects: Path, path: Path) -> None:
    """Make sure, before anything is stored, that refused rows can be written; removes old ones."""
    try:
        if rejects.exists() and rejects.samefile(path):
            raise BadFile(f"{rejects} is the file to import; give another name for the rejects.")
        if rejects.exists() and not rejects.is_file():
            raise BadFile(f"{rejects} is no file; give another name for the rejects.")
        rejects.touch()
        rejects.unlink()
    except OSError as fault:
        raise BadFile(
            f"The rejects file {rejects} cannot be written ({fault.strerror or fault}); name another with --rejects."
        ) from None


def _write_rejects(
    path: Path, heading: Sequence[str], batch: list[Row], refused: dict[int, str]
) -> None:
    is_new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        if is_new:
            writer.writerow([*heading, "line", "reason"])
        for row in batch:
            if row.line in refused:
                cells, width = list(row.cells), len(heading)
                missing = [""] * (width - len(cells))
                writer.writerow(
                    [*cells[:width], *missing, row.line, refused[row.line], *cells[width:]]
                )
