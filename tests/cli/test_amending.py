"""`dispatcher brief correct`, `retag`, `retract` and what becomes of topics: once, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dispatcher.briefs.models import Brief
from dispatcher.mailing.models import Dispatch
from tests.cli.conftest import Run
from tests.cli.test_refusals import refused
from tests.makers import make_brief, make_dispatch, make_reader, make_topic

pytestmark = pytest.mark.django_db(transaction=True)

TEXT = "# Ferries run again between the islands\n\nThe line reopened on Tuesday.\n"


@pytest.fixture
def brief() -> Brief:
    sending = make_dispatch(make_brief())
    assert sending.brief
    return sending.brief


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "brief.md"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_a_correction_twice_is_one(run: Run, brief: Brief, file: Path) -> None:
    arguments = ("brief", "correct", brief.public_id, file, "--note", "It was Tuesday.")
    said = run(*arguments)
    assert said.out.startswith(f"Corrected: {brief.public_id} “Ferries run again")
    number = Dispatch.objects.get().pk
    assert f"Letters of dispatch {number} that have not left keep what was released" in said.err
    assert run(*arguments).out == "Nothing to correct: readers see just this already.\n"
    shown = run("brief", "show", brief.public_id).out
    assert "2, correction by" in shown
    assert ": It was Tuesday." in shown


def test_a_correction_reads_a_pipe_and_answers_programs(run: Run, brief: Brief) -> None:
    said = run("brief", "correct", brief.source_id, "-", "--urgent", "--json", stdin=TEXT)
    assert json.loads(said.out)["is_new"] is True
    brief.refresh_from_db()
    assert brief.urgent


def test_a_retraction_asks_and_twice_is_one(run: Run, brief: Brief) -> None:
    refused(run, "brief", "retract", brief.public_id, says="Say so with --yes")
    said = run("brief", "retract", brief.public_id, "--note", "Wrong.", "--yes")
    assert said.out.startswith("Withdrawn: ")
    assert f"Dispatch {Dispatch.objects.get().pk} is stopped" in said.out
    again = run("brief", "retract", brief.public_id)
    assert (again.status, again.out) == (0, "Nothing to withdraw: it is withdrawn already.\n")
    refused(run, "release", brief.public_id, "--yes", says="was withdrawn on")
    assert json.loads(run("brief", "list", "--json").out)[0]["withdrawn"]


def test_a_sentence_of_bytes_that_are_no_text_is_kept_as_far_as_it_is_one(
    run: Run, brief: Brief
) -> None:
    run("brief", "retract", brief.public_id, "--yes", "--note", "Wrong \udcff and\n two lines")
    assert brief.revisions.get(change="retraction").note == "Wrong ? and two lines"
    make_topic("Ports")
    assert run("topic", "retire", "ports", "--yes", "--note", "\udcff").status == 0


def test_a_brief_is_retagged(run: Run, brief: Brief) -> None:
    make_topic("Tides")
    arguments = ("brief", "retag", brief.public_id, "--topic", "tides")
    assert run(*arguments).out.startswith("Retagged: ")
    assert run(*arguments).out == "Nothing to retag: it is about these topics already.\n"
    refused(run, "brief", "retag", brief.public_id, says="Name the topics")
    refused(run, "brief", "retag", brief.public_id, "--topic", "x", says="Unknown topic")


def test_what_was_not_released_is_refused_in_a_line(run: Run, file: Path) -> None:
    draft = make_brief().public_id
    refused(run, "brief", "correct", draft, file, says="has not been released")
    refused(run, "brief", "retract", draft, says="has not been released")
    refused(run, "brief", "retag", draft, "--topic", "harbours", says="has not been released")
    refused(run, "brief", "retract", "nothing", says="There is no brief")
    refused(run, "brief", "correct", draft, file.parent / "none", says="none")


def test_a_topic_is_merged_retired_reinstated_and_renamed(run: Run) -> None:
    ports = make_topic("Ports")
    make_topic("Harbours"), make_reader(any_of=[ports])
    asked = "Retire Ports and its 1 reader? Say so with --yes."
    refused(run, "topic", "retire", "ports", says=asked)
    assert run("topic", "retire", "ports", "--yes").out == "Ports is retired.\n"
    assert run("topic", "retire", "ports").out == "Ports is retired already.\n"
    assert run("topic", "reinstate", "ports").out == "Ports is in use again.\n"
    assert run("topic", "reinstate", "ports").out == "Ports is in use already.\n"
    assert run("topic", "rename", "ports", "Havens").out == "ports is called Havens now.\n"
    assert run("topic", "rename", "ports", "Havens").out == "ports is called Havens already.\n"
    refused(run, "topic", "merge", "ports", "harbours", says="Merge Havens and its 1 reader into")
    said = run("topic", "merge", "ports", "harbours", "--yes")
    assert said.out == "Havens is part of Harbours now.\n"
    said = run("topic", "merge", "ports", "harbours")
    assert said.out == "Havens is part of Harbours already.\n"
    refused(run, "topic", "merge", "harbours", "ports", "--yes", says="has become part of")
    refused(run, "topic", "rename", "nowhere", "X", says="no topic with the web name")
    rows = json.loads(run("topic", "list", "--json").out)
    assert [row["state"] for row in rows] == ["live", "part of harbours"]
