"""Readers from a CSV file: what is stored, what is refused and why, and who is left in peace."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from django.db import connection

from dispatcher.audience import consent, importing, parsing, suppressing
from dispatcher.audience.importing import Progress, import_csv
from dispatcher.audience.models import Consent, Subscriber, Subscription
from dispatcher.audience.rules import Rule, in_words
from dispatcher.briefs.models import Topic
from dispatcher.errors import BadFile
from tests.makers import make_reader, make_topic

pytestmark = pytest.mark.django_db
ADA, BO = "ada@example.org", "bo@example.org"
HEADING = "address,name,topics,match,except,cadence,language,timezone"


@pytest.fixture(autouse=True)
def _topics() -> None:
    for name in ("Harbours", "Ferries", "Bridges"):
        make_topic(name)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "readers.csv"


def load(file: Path, *rows: str, heading: str = HEADING) -> Progress:
    file.write_text("\r\n".join([heading, *rows]) + "\r\n", encoding="utf-8", newline="")
    return import_csv(file, source="a test")


def rejects_of(progress: Progress) -> list[dict[str, str]]:
    with Path(progress.rejects_file).open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def words(address: str) -> list[str]:
    names = dict(Topic.objects.values_list("pk", "name"))
    return sorted(in_words(Rule.of(row), names) for row in consent.live(consent.find(address)))


def test_rows_become_active_readers_with_rules_and_consents(file: Path) -> None:
    done = load(
        file,
        "Ada@Example.ORG,Ada Example,Harbours;ferries,all,Bridges,daily,pt-BR,Europe/Paris",
        "bo@example.org,,*",
    )
    assert (done.rows, done.readers, done.rules, done.rejected) == (2, 2, 2, 0)
    assert done.rejects_file == ""
    ada = consent.find(ADA)
    assert (ada.address, ada.name, ada.language, ada.timezone, ada.state) == (
        "Ada@example.org",
        "Ada Example",
        "pt-BR",
        "Europe/Paris",
        Subscriber.State.ACTIVE,
    )
    assert words(ADA) == ["Ferries and Harbours, but not Bridges, daily"]
    assert words(BO) == ["every brief, at once"]
    assert set(Consent.objects.values_list("act", "source")) == {("imported", "a test")}
    assert not list(file.parent.glob("*.rejects.csv"))


def test_the_same_file_twice_adds_nothing(file: Path) -> None:
    rows = ("ada@example.org,Ada,Harbours,,,", "bo@example.org,Bo,Ferries;Bridges,,,")
    load(file, *rows)
    again = load(file, *rows)
    assert (again.rows, again.readers, again.rules, again.rejected) == (2, 0, 0, 0)
    assert Subscription.objects.count() == Consent.objects.count() == 2


def test_an_address_with_two_rules_in_one_file_gets_both(file: Path) -> None:
    done = load(file, "ada@example.org,,Harbours", "ada@example.org,,Ferries,,,weekly")
    assert (done.readers, done.rules, done.rejected) == (1, 2, 0)
    assert words(ADA) == ["Ferries, weekly", "Harbours, at once"]


def test_spellings_that_differ_in_case_are_one_reader(file: Path) -> None:
    done = load(
        file,
        "Ada@example.org,First,Harbours",
        "ADA@EXAMPLE.ORG,Second,Harbours",
        "zoë@example.org,,*",
    )
    assert (done.readers, done.rules) == (2, 2)
    assert consent.find(ADA).name == "First"

    again = load(file, "aDA@example.org,Third,Ferries", "ZOË@example.org,,*")
    assert (again.readers, again.rules) == (0, 1)
    assert consent.find(ADA).name == "First"


def test_a_rejects_file_holds_each_refused_row_with_its_line_and_the_reason(file: Path) -> None:
    make_topic("Undersea Cables")
    suppressing.suppress("eve@example.org", reason="complained")
    done = load(
        file,
        "ada@example.org,Ada,Harbours",
        "no address,Bo,Harbours",
        'cy@example.org,"Cy\r\nTwo Lines",Undersea Cable',
        "",
        "eve@example.org,Eve,Harbours",
        "dee@example.org,Dee",
        "ed@example.org,Ed,Harbours,some",
        "fay@example.org,Fay,Harbours,,,hourly",
        "gus@example.org,Gus,Harbours,,,,e\u202en",
        "hal@example.org,Hal,Harbours,,,,,Mars/Olympus",
        "ivy@example.org,Ivy,Harbours,any,,daily,en,UTC,more",
        ",,Harbours",
    )
    assert (done.rows, done.readers, done.rejected) == (11, 1, 10)
    assert done.rejects_file == str(file.with_name("readers.rejects.csv"))
    rejects = rejects_of(done)
    assert [(row["line"], row["address"]) for row in rejects] == [
        ("3", "no address"),
        ("5", "cy@example.org"),
        ("7", "eve@example.org"),
        ("8", "dee@example.org"),
        ("9", "ed@example.org"),
        ("10", "fay@example.org"),
        ("11", "gus@example.org"),
        ("12", "hal@example.org"),
        ("13", "ivy@example.org"),
        ("14", ""),
    ]
    reasons = [row["reason"] for row in rejects]
    for reason, wanted in zip(
        reasons,
        (
            "'no address' is not a mail address",
            "the nearest known: Undersea Cables",
            "suppressed",
            "no topics",
            "match must be any or all",
            "cadence must be at once, daily or weekly",
            "language must look like en",
            "timezone must look like Europe/Paris",
            "it has 9 cells and the heading 8",
            "The empty text is not a mail address",
        ),
        strict=True,
    ):
        assert wanted in reason
        assert reason.isprintable()
    assert rejects[1]["name"] == "Cy\r\nTwo Lines"


def test_a_corrected_rejects_file_can_be_imported(file: Path) -> None:
    done = load(file, "ada@example.org,Ada,Harbour", "bo@example.org,Bo,Ferries")
    rejects = Path(done.rejects_file)
    rejects.write_text(rejects.read_text().replace("Harbour,", "Harbours,"))
    again = import_csv(rejects, source="a test")
    assert (again.rows, again.readers, again.rejected) == (1, 1, 0)


def test_an_old_rejects_file_does_not_outlive_the_next_import(file: Path) -> None:
    assert load(file, "nobody,,Harbours").rejects_file
    assert not load(file, "ada@example.org,,Harbours").rejects_file
    assert not list(file.parent.glob("*.rejects.csv"))


def test_nobody_who_left_or_is_suppressed_or_has_not_confirmed_comes_back(file: Path) -> None:
    load(file, "ada@example.org,,Harbours", "bo@example.org,,Harbours")
    consent.leave(consent.find(ADA), consent.live(consent.find(ADA)), source="a link")
    suppressing.suppress("BO@example.org", reason="hard bounce")
    make_reader("cy@example.org", state=Subscriber.State.PENDING)

    done = load(file, *(f"{name}@EXAMPLE.org,,Ferries" for name in ("Ada", "bo", "cy")))
    assert (done.readers, done.rules, done.rejected) == (0, 0, 3)
    assert [row["reason"] for row in rejects_of(done)] == [
        "left; only the reader can come back",
        "suppressed; it must not be mailed",
        "asked but has not confirmed yet",
    ]
    assert consent.find(ADA).state == Subscriber.State.LEFT
    assert words(ADA) == []


@pytest.mark.parametrize(
    "wanted",
    ["Harbours", "Harbours,,,weekly", "Harbours;Ferries", "*", "Transport", "Docks"],
)
def test_not_a_single_ended_rule_comes_back(file: Path, wanted: str) -> None:
    transport = make_topic("Transport")
    make_topic("Docks", parent=make_topic("Harbours", parent=transport))
    load(file, "ada@example.org,,Harbours", "ada@example.org,,Ferries")
    ada = consent.find(ADA)
    harbours = consent.live(ada).filter(topics=[make_topic("Harbours").pk])
    consent.leave(ada, harbours, source="a link")

    done = load(file, f"ada@example.org,,{wanted}", "ada@example.org,,Bridges")
    assert [row["reason"] for row in rejects_of(done)] == [
        "left these topics; only the reader can come back"
    ]
    assert words(ADA) == ["Bridges, at once", "Ferries, at once"]


def test_who_left_everything_is_given_nothing_of_it(file: Path) -> None:
    load(file, "ada@example.org,,*", "ada@example.org,,Ferries,,,weekly")
    ada = consent.find(ADA)
    consent.leave(ada, consent.live(ada).filter(topics=[]), source="a link")
    assert load(file, "ada@example.org,,Harbours").rejected == 1


def test_a_name_cannot_inject_a_header(file: Path) -> None:
    load(file, 'ada@example.org,"Ada\r\nBcc: bo@example.org\t\u2028x",Harbours')
    assert consent.find(ADA).name == "Ada Bcc: bo@example.org x"


def test_a_byte_order_mark_and_other_columns_do_no_harm(file: Path) -> None:
    done = load(
        file,
        '1,"Harbours, Ferries",  ada@example.org ,since 2020',
        heading="\ufeffNo, TOPICS ,E-Mail,remarks",
    )
    assert (done.readers, done.rejected) == (1, 0)
    assert words(ADA) == ["Ferries or Harbours, at once"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way(file: Path, end: str) -> None:
    file.write_bytes(
        f"address,topics{end}ada@example.org,Harbours{end}{end}bo@example.org,*".encode()
    )
    assert import_csv(file, source="a test").readers == 2


def test_a_file_with_a_heading_only_adds_nothing(file: Path) -> None:
    done = load(file)
    assert (done.rows, done.readers, done.rejected) == (0, 0, 0)


GOOD = "address,topics\nada@example.org,Harbours\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "needs a heading row with the columns address and topics; it has nothing"),
        (b"\n\n", "needs a heading row"),
        (b"address,name\nada@example.org,Ada\n", "it has 'address, name'"),
        (b"topics\nHarbours\n", "needs a heading row"),
        (b"ada@example.org,Harbours\n", "needs a heading row"),
        ((GOOD + "zoë@example.org,Harbours\n").encode("latin-1"), "not UTF-8"),
        (GOOD.encode("utf-16"), "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not UTF-8"),
        (GOOD.encode() + b"bo@example.org,\x00Harbours\n", "NUL"),
        (GOOD.encode() + b'bo@example.org,"' + b"x" * 200_000 + b'"\n', "field larger than"),
        (GOOD.encode() + b"x" * 1_500_000, "a line has more than 1,000,000 characters"),
        (GOOD.encode() + b'bo@example.org,"Harbours\ncy@example.org,*\n', "unexpected end"),
        (GOOD.encode() + b'bo@example.org,"Har"bours"\n', "no CSV file"),
        (GOOD.replace(",", ";").encode(), "has semicolons between its cells"),
        (GOOD.replace(",", "\t").encode(), "has tabs between its cells"),
        (b'"address";"name, first";"topics"\n', "has semicolons between its cells"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused_in_one_line_and_nothing_is_stored(
    file: Path, content: bytes, reason: str
) -> None:
    file.write_bytes(content)
    with pytest.raises(BadFile, match=reason) as refusal:
        import_csv(file, source="a test")
    assert str(refusal.value).isprintable()
    assert not Subscriber.objects.exists()
    assert [each.name for each in file.parent.iterdir()] == ["readers.csv"]


def test_a_bad_byte_at_the_very_end_stores_nothing_either(file: Path) -> None:
    lines = "".join(f"reader{n}@example.org,Harbours\n" for n in range(5000))
    file.write_bytes(f"address,topics\n{lines}".encode() + b"zo\xeb@example.org,Harbours\n")
    with pytest.raises(BadFile, match="not UTF-8 in line 5002"):
        import_csv(file, source="a test")
    assert not Subscriber.objects.exists()


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, reason in (
        (tmp_path, "is no file"),
        (Path("/dev/null"), "is no file"),
        (tmp_path / "missing.csv", "cannot be read: No such file"),
    ):
        with pytest.raises(BadFile, match=reason):
            import_csv(path, source="a test")


@pytest.mark.parametrize("name", ["readers.csv", ".", "missing/rejects.csv"])
def test_rejects_that_cannot_be_written_are_refused_before_anything_is_stored(
    file: Path, name: str
) -> None:
    file.write_text(GOOD)
    with pytest.raises(BadFile, match=r"rejects|is no file"):
        import_csv(file, source="a test", rejects=file.parent / name)
    assert file.read_text() == GOOD
    assert not Subscriber.objects.exists()


def test_a_long_or_unprintable_source_is_cut_to_what_is_stored(file: Path) -> None:
    file.write_text(GOOD)
    import_csv(file, source="\udcff" + "x" * 500)
    assert Subscription.objects.get().source == "x" * 80


def test_progress_is_reported_after_every_slice(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SLICE", 1000)
    file.write_text(
        "address,topics\n" + "".join(f"reader{n}@example.org,Harbours\n" for n in range(3500))
    )
    seen: list[tuple[int, int]] = []
    done = import_csv(file, source="a test", report=lambda p: seen.append((p.rows, p.done)))
    assert [rows for rows, _ in seen] == [1000, 2000, 3000, 3500]
    assert seen == sorted(seen)
    assert seen[-1][1] == done.total == file.stat().st_size


@pytest.mark.django_db(transaction=True)
def test_after_a_large_import_postgresql_knows_what_the_tables_hold(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it plans for the tables as they were before."""
    monkeypatch.setattr(importing, "MANY", 500)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE dispatcher_following")
        for number, known in ((499, -1), (500, 999)):
            rows = "".join(f"r{number}-{n}@example.org,Ferries\n" for n in range(number))
            file.write_text(f"address,topics\n{rows}")
            import_csv(file, source="a test")
            cursor.execute("SELECT reltuples FROM pg_class WHERE relname = 'dispatcher_following'")
            assert cursor.fetchone() == (known,)


def test_a_file_of_twenty_thousand_rows_is_read_slice_by_slice(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No more rows are alive at once than a slice and the one being read ahead."""
    monkeypatch.setattr(importing, "SLICE", 2_000)
    alive, most = 0, 0

    class Counted(parsing.Row):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    usual = parsing.rows

    def counted(rows: Iterable[parsing.Row]) -> Iterator[parsing.Row]:
        nonlocal alive, most
        for row in rows:
            alive += 1
            most = max(most, alive)
            yield Counted(*row)

    monkeypatch.setattr(parsing, "rows", lambda *given: counted(usual(*given)))
    topics: Sequence[str] = ("Harbours", "Ferries", "Bridges", "*", "Harbours;Ferries")
    file.write_text(
        "address,topics\n"
        + "".join(f"reader{n}@example.org,{topics[n % 5]}\n" for n in range(20_000))
    )
    done = import_csv(file, source="a test")
    assert (done.rows, done.readers, done.rules, done.rejected) == (20_000, 20_000, 20_000, 0)
    assert most <= 2 * importing.SLICE
