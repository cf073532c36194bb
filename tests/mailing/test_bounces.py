"""Mail that comes back is understood in the usual servers' forms, and garbage is taken for nothing."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from dispatcher.mailing import bounces
from dispatcher.mailing.bounces import Kind
from tests.mailing.samples import ALL, garbage, reports
from tests.mailing.samples.sample import MESSAGE_ID, TOKEN, Sample, letter

HARMFUL = {Kind.BOUNCE, Kind.COMPLAINT, Kind.OPT_OUT}


def test_there_are_samples_enough() -> None:
    assert len(ALL) >= 200
    assert len({sample.octets for sample in ALL}) == len(ALL)


@pytest.mark.parametrize("sample", ALL, ids=lambda s: f"{s.family}-{s.status or s.kind}")
def test_a_sample_is_taken_for_what_it_is(sample: Sample) -> None:
    report = bounces.read(sample.octets)
    assert report.kind == sample.kind
    if sample.status:
        assert [(r.address, r.status) for r in report.recipients][:1] == [
            (sample.address, sample.status)
        ]
    if report.kind in HARMFUL:
        assert {r.address for r in report.recipients} <= {sample.address}
        assert MESSAGE_ID in report.message_ids
        assert TOKEN in report.tokens


def test_nothing_that_is_cut_or_changed_raises_or_turns_harmless_mail_into_harm() -> None:
    chance, seen = random.Random(11), Counter[str]()
    for sample in ALL:
        for _ in range(6):
            octets = bytearray(sample.octets[:20_000])
            for _ in range(chance.randrange(1, 9)):
                if octets:
                    at = chance.randrange(len(octets))
                    octets[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
            octets = (
                octets[: chance.randrange(len(octets) + 1)] if chance.random() < 0.3 else octets
            )
            report = bounces.read(bytes(octets), to=chance.choice(["", "x@y", "bounces+zz@w"]))
            seen[report.kind] += 1
            if sample.kind in {"auto-reply", "nothing"} and sample.family != "delivered":
                assert report.kind not in HARMFUL, sample.family
    assert seen[Kind.BOUNCE] > 100


def test_bombs_and_books_end_soon() -> None:
    for octets in (garbage.bomb(100_000), garbage.wide(100_000), garbage.million_lines()):
        began = time.perf_counter()
        assert bounces.read(octets).kind not in HARMFUL
        assert (
            time.perf_counter() - began < 5
        )  # that it ends at all; how fast is bench.bounces' to say


def test_a_way_out_is_found_in_the_address_and_in_the_subject() -> None:
    for head, to in (
        ("From: a@example.net\nSubject: unsubscribe", f"unsubscribe+{TOKEN}@news.example.org"),
        (f"From: a@example.net\nSubject: Unsubscribe {TOKEN.upper()}", ""),
        (
            f"From: a@example.net\nTo: <unsubscribe+{TOKEN}@news.example.org>\nSubject: out of office",
            "",
        ),
    ):
        report = bounces.read(letter(head, ""), to=to)
        assert (report.kind, report.ways_out) == (Kind.UNSUBSCRIBE, (TOKEN,))


def test_a_bounce_of_a_wish_to_leave_is_no_wish() -> None:
    octets = reports.postfix("5.1.1", "550 5.1.1 no such user")
    assert bounces.read(octets, to=f"unsubscribe+{TOKEN}@news.example.org").kind == Kind.BOUNCE


def test_the_token_is_also_found_in_the_envelope() -> None:
    report = bounces.read(
        letter("From: postmaster@example.net", "?"), to=f"bounces+{TOKEN}@x.example"
    )
    assert report.tokens == (TOKEN,)
