"""`dispatcher doctor`: what it finds well and ill, and how it says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone
from redis import Redis

from dispatcher import signs
from dispatcher.briefs.models import Brief
from dispatcher.feeds import publishing
from dispatcher.feeds.models import FeedChannel
from dispatcher.local import checkup, checkup_servers, checkup_settings
from dispatcher.local.checkup import Check
from tests.away import database_away
from tests.feeds.releasing import release
from tests.makers import make_brief, make_dispatch
from tests.outbound.peers import Answered, peer
from tests.sinks import Sink, refusing_url

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_hub(settings: Any) -> None:
    """Its address is one that nobody has; where it is the point, a test sets another."""
    settings.FEED_HUBS = ()


def found(folder: Path | None = None, *, is_up: bool = True) -> list[Check]:
    return list(checkup.examine(folder=folder, is_up=is_up))


def ill(checks: list[Check]) -> dict[str, str]:
    return {check.what: check.words for check in checks if not check.is_well}


@contextmanager
def server_set(name: str, value: str) -> Iterator[None]:
    """New connections to the test's database have it so."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} SET {name} = {value}")
        try:
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} RESET {name}")


def test_a_postgresql_that_may_forget_is_told(settings: Any) -> None:
    (durability, clock) = checkup_servers.postgresql()
    assert not durability[1], "the tests run without"
    assert "fsync and synchronous_commit are off" in durability[2]
    assert clock[1]
    with server_set("synchronous_commit", "local"):
        (durability, _) = checkup_servers.postgresql()
    assert durability[2].startswith("fsync is off: after a crash")


def test_a_valkey_that_keeps_nothing_or_evicts_is_told(valkey: Redis) -> None:
    names = ("save", "maxmemory", "maxmemory-policy")
    was: dict[str, str] = {name: valkey.config_get(name)[name] or "" for name in names}
    try:
        assert all(is_well for _, is_well, _ in checkup_servers.valkey())
        valkey.config_set("save", "")
        valkey.config_set("maxmemory", "100mb")
        valkey.config_set("maxmemory-policy", "allkeys-lru")
        words = {what: words for what, is_well, words in checkup_servers.valkey() if not is_well}
    finally:
        for name, value in was.items():
            valkey.config_set(name, value)
    assert "Set appendonly yes" in words["Valkey disk"]
    assert "(allkeys-lru). Set maxmemory-policy noeviction" in words["Valkey memory"]


def test_clocks_that_disagree_are_told_with_their_direction() -> None:
    assert checkup_servers._clock("its clock", -0.5)[1]
    what, is_well, words = checkup_servers._clock("its clock", -3.2)
    assert (what, is_well) == ("its clock", False)
    assert words == "3.2 s behind this machine's. Keep both by NTP."


def test_everything_away_is_told_at_once_and_each_for_itself(settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    with refusing_url() as url, database_away():
        settings.RELAY_URLS = (url,)
        checks = ill(found())
    assert "PostgreSQL does not answer" in checks["PostgreSQL"]
    assert "mend REDIS_URL" in checks["Valkey"]
    assert "No relay takes letters" in checks["relay"]


def test_each_relay_is_asked_for_itself(settings: Any) -> None:
    with Sink() as sink, refusing_url() as url:
        settings.RELAY_URLS = (url, sink.url)
        relays = [check for check in found() if check.what == "relay"]
    assert [check.is_well for check in relays] == [False, True]


def test_hubs_that_are_there_and_away_are_told(settings: Any) -> None:
    with peer() as own, peer(lambda _: Answered(503)) as broken:
        settings.PUBLIC_URL = own.url
        settings.FEED_HUBS = ("own", broken.url, "http://10.0.0.1/hub")
        hubs = [check for check in found() if check.what == "hub"]
        settings.OUTBOUND_NETWORKS = (ip_network("127.0.0.0/8"),)
        allowed = [check for check in found() if check.what == "hub"]
    assert [check.is_well for check in hubs] == [True, False, False]
    assert "OUTBOUND_NETWORKS" in hubs[1].words
    assert "answers 503" in allowed[1].words
    assert own.asked[0].path == "/feeds/hub"


def test_briefs_that_the_feeds_lack_and_feeds_that_are_not_rendered_are_told_after_minutes() -> (
    None
):
    assert "feeds" not in ill(found())
    long_ago = timezone.now() - timedelta(minutes=3)
    brief = release(at=timezone.now())
    assert "feeds" not in ill(found()), "a sweep comes within seconds"
    Brief.objects.filter(pk=brief.pk).update(released_at=long_ago)
    assert "1 brief was released or changed" in ill(found())["feeds"]
    publishing.sweep()
    assert "feeds" not in ill(found())
    FeedChannel.objects.update(version=F("version") + 1)
    assert f"{FeedChannel.objects.count()} feeds changed" in ill(found())["feeds"]
    publishing.sweep()
    assert "feeds" not in ill(found())


def test_silent_beat_and_sweep_and_queues_without_workers_are_told(valkey: Redis) -> None:
    signs.leave(signs.SWEEP)
    valkey.set("dispatcher:sign:beat", 1, ex=3600)
    checks = found()
    assert "celery -A workers beat" in ill(checks)["beat"]
    assert "sweep" not in ill(checks)
    for name in ("urgent", "routine", "upkeep", "outbound"):
        assert f"-Q {name}" in ill(checks)[f"worker on {name}"]


def test_where_nothing_is_up_that_is_one_line(tmp_path: Path) -> None:
    checks = found(tmp_path, is_up=False)
    assert "dispatcher up" in ill(checks)["at work"]
    assert not [check for check in checks if "worker" in check.what or check.what == "relay"]


def test_alarms_about_dispatches_and_old_dispatches_are_told() -> None:
    old = timezone.now() - timedelta(days=3)
    dispatch = make_dispatch(make_brief(urgent=True), deliveries={"waiting": 1}, released_at=old)
    checks = ill(found())
    assert f"dispatch {dispatch.pk} is sending since {old:%Y-%m-%d}" in checks["dispatches"]
    assert f"dispatcher dispatch show {dispatch.pk}" in checks["dispatches"]
    alarms = [check.words for check in found() if check.what == "alarm"]
    assert any(
        words.startswith(f"Urgent dispatch {dispatch.pk} was released 3 days ago")
        for words in alarms
    )


def test_samples_and_open_addresses_are_told_once_letters_leave_this_machine(
    settings: Any, tmp_path: Path
) -> None:
    settings.PUBLIC_URL, settings.PUBLIC_HOST, settings.SECURE = (
        "http://127.0.0.1:8000",
        "127.0.0.1",
        False,
    )
    assert all(is_well for _, is_well, _ in checkup_settings.examine(tmp_path))
    settings.PUBLIC_URL, settings.PUBLIC_HOST = "http://news.example.com", "news.example.com"
    settings.MAIL_FROM, settings.SECRET_KEY = "briefs@example.org", ""
    words = {what: words for what, is_well, words in checkup_settings.examine(None) if not is_well}
    assert set(words) == {"PUBLIC_URL", "sender", "SECRET_KEY"}
    assert words["sender"] == "Still a sample: MAIL_FROM, PUBLISHER_ADDRESS. Set what is yours."


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkup_settings, "LEAST_FREE", 10**18)
    words = {
        what: words for what, is_well, words in checkup_settings.examine(tmp_path) if not is_well
    }
    assert words["disk"].startswith("Only ")


def test_it_says_it_in_lines_for_people_and_in_json_for_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from dispatcher import cli

    said = {}
    for words in (["doctor"], ["doctor", "--json"]):
        monkeypatch.setattr(sys, "argv", ["dispatcher", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        assert end.value.code == 1
        said[words[-1]] = capsys.readouterr().out
    told = json.loads(said["--json"])
    assert told["is_well"] is False
    for check in told["checks"]:
        label = "well" if check["is_well"] else "ILL"
        assert f"{label:4}  {check['what']:18}" in said["doctor"]
    assert said["doctor"].splitlines()[-1].startswith("ILL: ")
