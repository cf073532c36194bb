"""The rules of the rooms that imports alone do not show."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher import queue
from workers import app, schedule

ROOT = Path(__file__).parents[1]
SOURCES = sorted(
    path
    for folder in ("dispatcher", "workers")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _calls(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


@pytest.mark.parametrize("path", SOURCES, ids=_name)
def test_every_module_says_what_it_is_for_and_fits_a_sitting(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert not source.strip() or ast.get_docstring(tree), "a module docstring"
    assert source.count("\n") <= LONGEST_FILE
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= LONGEST_FUNCTION, node.name


def test_only_one_module_reads_the_environment_and_only_the_local_stack_and_entries_write_it() -> (
    None
):
    touching = {
        _name(path)
        for path in SOURCES
        if any(call.startswith("os.environ") for call in _calls(ast.parse(path.read_text("utf-8"))))
    }
    assert touching == {
        "dispatcher/local/stack.py",
        "dispatcher/environment.py",
        "dispatcher/wsgi.py",
        "workers/__init__.py",
    }


def test_only_relays_speaks_smtp_and_only_the_mailbox_and_what_comes_back_listen() -> None:
    importing = {
        _name(path)
        for path in SOURCES
        if re.search(
            r"^(import|from) (smtplib|aiosmtplib|aiosmtpd)", path.read_text("utf-8"), re.MULTILINE
        )
    }
    assert {name for name in importing if not name.startswith("dispatcher/local/mailbox")} == {
        "dispatcher/relays/pool.py",
        "dispatcher/relays/greeting.py",
        "dispatcher/mailing/receiving.py",
    }


def test_only_outbound_speaks_http_besides_the_mail_apis() -> None:
    clients = r"(urllib\.request|urllib3|http\.client|requests|httpx|aiohttp|pycurl)\b"
    importing = {
        _name(path)
        for path in SOURCES
        if re.search(
            rf"^\s*(import|from) {clients}|^\s*from urllib import request|^\s*from http import client",
            path.read_text("utf-8"),
            re.MULTILINE,
        )
    }
    known = {"dispatcher/relays/mail_api.py", "dispatcher/local/demo.py"}  # the demo reads its own
    assert importing - known == {"dispatcher/outbound/calling.py"}


def test_the_jobs_posted_are_the_tasks_registered() -> None:
    posted = set(re.findall(r'_post\("(\w+)"', (ROOT / "dispatcher/queue.py").read_text("utf-8")))
    registered = {name for name in app.tasks if not name.startswith("celery.")}
    assert posted | {entry["task"] for entry in schedule.BEAT.values()} == registered


def test_what_beat_posts_goes_to_a_queue_that_is_consumed() -> None:
    assert {entry["options"]["queue"] for entry in schedule.BEAT.values()} <= set(queue.QUEUES)


def test_tasks_are_acknowledged_late_and_keep_no_results() -> None:
    assert app.conf.task_acks_late
    assert app.conf.task_ignore_result
    assert app.conf.worker_prefetch_multiplier == 1


@pytest.mark.parametrize(
    "letter",
    [path for path in (ROOT / "templates/email").iterdir() if path.name != "_base"],
    ids=_name,
)
def test_a_letter_is_a_folder_of_three(letter: Path) -> None:
    assert {path.name for path in letter.iterdir()} == {"subject.txt", "body.txt", "body.html"}


def test_no_file_names_this_machine() -> None:
    own = str(ROOT)
    for path in (*SOURCES, *ROOT.glob("*.*"), ROOT / "Makefile", ROOT / ".ci/run"):
        if path.is_file() and path.suffix != ".pyc":
            assert own not in path.read_text("utf-8", "replace"), path
