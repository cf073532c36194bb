"""Which domains share a pace."""

from __future__ import annotations

import pytest

from dispatcher.relays import domains
from dispatcher.relays.domains import Groups


@pytest.mark.parametrize(
    ("domain", "group"),
    [
        ("gmail.com", "gmail"),
        ("GoogleMail.com", "gmail"),
        ("outlook.com", "microsoft"),
        ("hotmail.co.uk", "microsoft"),
        ("live.nl", "microsoft"),
        ("msn.com", "microsoft"),
        ("yahoo.com.br", "yahoo"),
        ("ymail.com", "yahoo"),
        ("aol.de", "yahoo"),
        ("rocketmail.com", "yahoo"),
        ("icloud.com", "apple"),
        ("me.com", "apple"),
        ("gmx.net", "gmx"),
        ("web.de", "gmx"),
        ("example.org", ""),
        ("outlook.example.org", ""),
        ("notgmail.com", ""),
        ("hotmail.co.uk.example.org", ""),
        ("", ""),
    ],
)
def test_the_families_of_the_large_receivers(domain: str, group: str) -> None:
    groups = Groups()
    assert groups.of(f"ada@{domain}") == group
    assert groups.of(f'"a@gmail.com"@{domain}') == group, "the last @ parts, and again"


def test_further_domains_come_before_the_table() -> None:
    groups = Groups({"gmail": ("school.example",), "own": ("live.nl",)})
    assert [groups.of(f"a@{d}") for d in ("school.example", "live.nl", "live.be")] == [
        "gmail",
        "own",
        "microsoft",
    ]


def test_what_is_remembered_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(domains, "_KEPT", 10)
    groups = Groups()
    for n in range(100):
        assert groups.of(f"a@d{n}.example") == ""
    assert len(groups._known) <= 10
