"""Every refusal is one line on stderr that says what to do, exit status 1, and nothing half-done."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.audience.models import Subscriber
from dispatcher.briefs.models import Brief
from dispatcher.mailing.models import Dispatch
from tests.cli.conftest import Run
from tests.makers import make_brief, make_reader, make_topic
from tests.sinks import refusing_url

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = "A headline\n\nMarch 2, 2026 | Flash Brief\n\nLatest\n\nSomething happened today.\n\nIran\n"


def refused(run: Run, *arguments: object, says: str, **options: str) -> None:
    said = run(*arguments, **options)
    assert said.status == 1, said
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    assert says in said.err


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"  \n\t\n", "empty"),
        (b"\x7fELF\0\0\x01\x02" * 40, "binary"),
        (b"word " * 4_000_000, "limit is 2 MB"),
        (b"---\nheadline: ''\ntopics: Iran\n---\n\nText.\n", "headline"),
        (b'{"headline": "No topics", "body": "Text."}', "topics"),
        (b'{"headline": "Half a', "JSON"),
        (b"---\nheadline: Unknown\ntopics: Irann\n---\n\nText.\n", "nearest known: Iran"),
    ],
    ids=[
        "empty",
        "blank",
        "binary",
        "20 MB",
        "no headline",
        "no topics",
        "bad JSON",
        "unknown topic",
    ],
)
def test_a_bad_brief(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    make_topic("Iran")
    path = tmp_path / "brief"
    path.write_bytes(content)
    refused(run, "brief", "add", path, says=says)
    assert Brief.objects.count() == 0


def test_a_missing_file_and_a_folder(run: Run, tmp_path: Path) -> None:
    refused(run, "brief", "add", tmp_path / "none.txt", says="cannot be read")
    refused(run, "brief", "add", tmp_path, says="cannot be read")
    refused(run, "topic", "import", tmp_path / "none.txt", says="cannot be read")
    refused(run, "reader", "import", tmp_path / "none.csv", says="cannot be read")


def test_a_headline_with_a_line_break_cannot_inject_a_header(run: Run, tmp_path: Path) -> None:
    import email

    make_topic("Iran")
    path = tmp_path / "brief.json"
    path.write_text(
        '{"headline": "News\\r\\nBcc: victim@example.org", "topics": ["Iran"], "body": "Text."}'
    )
    assert run("brief", "add", path).status == 0
    assert run("preview", Brief.objects.get().public_id, "--out", tmp_path / "out").status == 0
    letter = email.message_from_bytes(next((tmp_path / "out").glob("*.eml")).read_bytes())
    assert letter["Bcc"] is None
    assert letter["Subject"] == "News Bcc: victim@example.org"


def test_a_malformed_address(run: Run) -> None:
    make_topic("Iran")
    make_brief(topics=[make_topic("Iran")])
    refused(run, "reader", "add", "nobody", "--topic", "Iran", says="name@example.org")
    refused(run, "reader", "show", "a b@example.org", says="malformed")
    assert Subscriber.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,town\nAda,Here\n", "columns address and topics"),
        ("address,topics\nj\xf6rg@example.org,Iran\n".encode("latin-1"), "UTF-8"),
        (b"", "columns address and topics"),
    ],
    ids=["columns", "latin-1", "empty"],
)
def test_a_bad_reader_file(run: Run, tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "readers.csv"
    path.write_bytes(content)
    refused(run, "reader", "import", path, says=says)
    assert Subscriber.objects.count() == 0


def test_a_release_of_an_unknown_or_released_brief(run: Run) -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    refused(run, "release", "nothing", "--yes", says="no brief 'nothing'")
    assert run("release", brief.public_id, "--yes").status == 0
    refused(run, "release", brief.public_id, "--yes", says="was released by")
    assert Dispatch.objects.count() == 1


def test_a_release_without_a_yes_names_the_readers_and_does_nothing(run: Run) -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    refused(run, "release", brief.public_id, says="to 1 reader of Iran now? Say so with --yes")
    assert Dispatch.objects.count() == 0


def test_a_release_to_nobody(run: Run) -> None:
    brief = make_brief(topics=[make_topic("Iran")])
    refused(run, "release", brief.public_id, "--yes", says="--feeds-only")


def test_a_dead_valkey(run: Run, settings: object) -> None:
    make_reader(any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    refused(run, "release", brief.public_id, "--yes", says="mend REDIS_URL")
    assert Dispatch.objects.count() == 0


def test_a_dead_relay(run: Run, settings: object) -> None:
    brief = make_brief(topics=[make_topic("Iran")])
    with refusing_url() as url:
        settings.RELAY_URLS = (url,)  # type: ignore[attr-defined]
        refused(run, "test-send", brief.public_id, "ada@example.org", says="Check RELAY_URL")


def test_an_unknown_dispatch_and_wrong_usage(run: Run) -> None:
    refused(run, "dispatch", "show", 99, says="no dispatch 99")
    assert run("dispatch", "show", "abc").status == 2
    assert run("release").status == 2
