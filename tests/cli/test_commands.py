"""The commands that succeed, and what they print."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from dispatcher.briefs.models import Brief
from dispatcher.feeds.models_hub import HubSubscription, HubTopic
from dispatcher.mailing import carrying, matching
from dispatcher.mailing.models import Dispatch
from dispatcher.relays import pool
from tests.cli.conftest import Run
from tests.makers import make_brief, make_dispatch, make_reader, make_topic
from tests.sinks import Sink

pytestmark = pytest.mark.django_db(transaction=True)

BRIEF = """\
---
headline: Harbour strike ends
kind: Flash Brief
date: 2026-03-02
topics: [Iran, Cyber]
---

## Latest Developments

Dockers returned to work on Monday.
"""


@pytest.fixture
def brief_file(tmp_path: Path) -> Path:
    path = tmp_path / "brief.md"
    path.write_text(BRIEF, encoding="utf-8")
    return path


def test_topics_are_loaded_once_and_listed(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "topics.txt"
    path.write_text("Iran | Persia\n  Iran Missiles\nCyber\n", encoding="utf-8")
    assert run("topic", "import", path).out == "3 topics added, 0 known already.\n"
    assert run("topic", "import", path).out == "0 topics added, 3 known already.\n"
    rows = json.loads(run("topic", "list", "--json").out)
    assert [row["slug"] for row in rows] == ["cyber", "iran", "iran-missiles"]
    assert rows[2]["parent"] == "iran"


def test_a_brief_twice_is_one_brief_and_a_changed_one_a_revision(
    run: Run, brief_file: Path
) -> None:
    make_topic("Iran"), make_topic("Cyber")
    assert run("brief", "add", brief_file, "--source-id", "x1").out.startswith("New brief ")
    assert run("brief", "add", brief_file, "--source-id", "x1").out.startswith("Known already: ")
    brief_file.write_text(BRIEF.replace("Monday", "Tuesday"), encoding="utf-8")
    assert run("brief", "add", brief_file, "--source-id", "x1").out.startswith("Revision 2 of ")
    assert Brief.objects.count() == 1
    shown = json.loads(run("brief", "show", "x1", "--json").out)
    assert shown["topics"] == ["Iran", "Cyber"]
    assert shown["revision"] == 2


def test_a_brief_comes_from_stdin_too(run: Run) -> None:
    make_topic("Iran"), make_topic("Cyber")
    said = run("brief", "add", "-", "--urgent", "--topic", "Iran", stdin=BRIEF)
    assert said.status == 0, said.err
    brief = Brief.objects.get()
    assert brief.urgent
    assert brief.current.document.topics == ("Iran",)  # type: ignore[union-attr]


def test_preview_writes_html_text_and_eml(run: Run, tmp_path: Path) -> None:
    brief = make_brief(topics=[make_topic("Iran")])
    for command in (("preview",), ("brief", "preview")):
        said = run(*command, brief.public_id, "--out", tmp_path / "out")
        assert said.out.startswith("Subject: Ferries run again")
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".html", ".txt", ".eml"}


def test_release_show_and_explain(
    run: Run, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_reader("in@example.org", any_of=[make_topic("Iran")])
    brief = make_brief(topics=[make_topic("Iran")])
    dispatch_id = json.loads(run("release", brief.public_id, "--yes", "--json").out)["dispatch"]
    with Sink() as sink:
        settings.RELAY_URLS = (sink.url,)  # type: ignore[attr-defined]
        monkeypatch.setattr(pool, "_pool", pool.Pool(pool.configured()))
        matching.match(dispatch_id)
        carrying.carry(Dispatch.objects.get().batches.get().pk)
        pool.of_this_process().close()
    shown = json.loads(run("dispatch", "show", dispatch_id, "--json").out)
    assert shown["balances"] is True
    assert shown["tally"]["accepted"] == shown["tally"]["audience"] == 1
    said = run("dispatch", "show", dispatch_id, "--watch").out
    assert "The ledger balances: audience 1 = 0 waiting + 0 carrying + 1 accepted" in said
    assert "got it: 127.0.0.1:" in run("explain", brief.public_id, "in@example.org").out


def test_pause_resume_and_cancel(run: Run) -> None:
    dispatch = make_dispatch(deliveries={"waiting": 3})
    assert "is paused" in run("dispatch", "pause", dispatch.pk).out
    assert "is matching" in run("dispatch", "resume", dispatch.pk).out
    assert "3 letters will not be sent" in run("dispatch", "cancel", dispatch.pk, "--yes").out
    assert json.loads(run("dispatch", "list", "--json").out)[0]["state"] == "cancelled"


def test_readers_are_imported_shown_and_exported_in_the_form_that_import_reads(
    run: Run, tmp_path: Path
) -> None:
    make_topic("Iran")
    path = tmp_path / "readers.csv"
    path.write_text("address,topics\nada@example.org,Iran\nnobody,Iran\n", encoding="utf-8")
    assert "2 rows: 1 new reader, 1 new rule, 1 refused." in run("reader", "import", path).out
    assert "nobody" in (tmp_path / "readers.rejects.csv").read_text()
    assert json.loads(run("reader", "show", "ADA@example.org", "--json").out)["rules"] == [
        "Iran, at once"
    ]
    path.write_text(run("reader", "export").out, encoding="utf-8")
    again = json.loads(run("reader", "import", path, "--json").out)
    assert (again["rows"], again["readers"], again["rules"], again["rejected"]) == (1, 0, 0, 0)


def test_a_reader_without_topics_follows_every_brief(run: Run) -> None:
    said = run("reader", "add", "ada@example.org", "--name", "Ada")
    assert said.out == "ada@example.org follows every brief, at once.\n"


def test_staff_are_added_with_a_password_from_a_pipe(run: Run) -> None:
    assert run("staff", "add", "ada", stdin="short\n").status == 1
    assert (
        run("staff", "add", "ada", stdin="a long enough one 7\n").out
        == "ada can sign in at the desk.\n"
    )
    assert User.objects.get().check_password("a long enough one 7")
    assert "new password" in run("staff", "add", "ada", stdin="another long one 8\n").out


def test_a_token_is_shown_once_and_can_be_taken_back(run: Run) -> None:
    secret = run("token", "add", "newsroom").out.strip()
    assert secret.startswith("dsp_")
    listed = run("token", "list").out
    assert "newsroom" in listed
    assert secret not in listed
    assert run("token", "revoke", "newsroom").status == 0


def test_empty_lists_say_how_to_begin(run: Run) -> None:
    for words in ("topic", "brief", "dispatch", "staff", "token"):
        assert "dispatcher " in run(words, "list").out
        assert json.loads(run(words, "list", "--json").out) == []


def test_who_gets_feeds_pushed_is_listed(run: Run) -> None:
    assert "Nobody" in run("feeds", "subscribers").out
    of = HubTopic.objects.create(url="http://news.example.org/feeds/all.atom")
    HubSubscription.objects.create(
        topic=of,
        callback="https://reader.example.org/c?token=abc",
        host="reader.example.org",
        secret="s3cret",
        expires_at=timezone.now() + timedelta(days=10),
    )
    assert "https://reader.example.org/c" in run("feeds", "subscribers").out
    [one] = json.loads(run("feeds", "subscribers", "--json").out)
    assert (one["feed"], one["signed"]) == ("/feeds/all.atom", True)
    assert "abc" not in str(one)
    assert "s3cret" not in str(one)


def test_feeds_are_built_and_the_version_is_printed(run: Run) -> None:
    assert "feed documents written" in run("feeds", "build").out
    assert run("--version").out.startswith("dispatcher 0.")
    assert "Usage" in run("--help").out
