"""Web servers side by side, and what asks them: one process of ours, nginx with the same bytes, wrk.

With two cores the servers have one and wrk has the other, in turns and never at once.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.book import CannotMeasure
from bench.services import HOST
from dispatcher.local.processes import Processes, answers, free_port
from dispatcher.local.stack import web_server

CONNECTIONS = 16
# As nginx is set up for files that lie ready: sendfile, the .gz beside each, nothing logged.
_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log stderr;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    types {{ application/atom+xml atom; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port};
        root {folder}/files;
        gzip_static on;
        gzip_vary on;
        add_header Cache-Control "public, max-age=300";
        add_header Access-Control-Allow-Origin "*";
        add_header X-Content-Type-Options nosniff;
    }}
}}
"""


def need(name: str) -> str:
    """The path of a tool of Debian's. Raises CannotMeasure."""
    path = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if path is None:
        raise CannotMeasure(f"{name} is not here; install Debian's {name}, which need not run")
    return path


@contextmanager
def ours(folder: Path) -> Iterator[int]:
    """One web process, with threads as `dispatcher up` has them; its port."""
    port = free_port(0)
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix="web-") as logs,
        Processes(Path(logs), {**os.environ, "ALLOWED_HOSTS": HOST}) as processes,
    ):
        processes.start("web", *_on_core(0), *web_server(HOST, port))
        processes.wait_until(lambda: answers(port), what="The web server", seconds=60)
        yield port


@contextmanager
def nginx(folder: Path, files: dict[str, bytes]) -> Iterator[int]:
    """nginx with one worker, serving these files from disk; its port. Raises CannotMeasure."""
    command = need("nginx")
    port = free_port(0)
    with tempfile.TemporaryDirectory(dir=folder, prefix="nginx-") as place:
        (Path(place) / "files").mkdir()
        for name, content in files.items():
            (Path(place) / "files" / name).write_bytes(content)
        conf = Path(place) / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        conf.write_text(_NGINX.format(folder=place, host=HOST, port=port, user=user))
        with Processes(Path(place) / "logs", os.environ) as processes:
            processes.start("nginx", *_on_core(0), command, "-c", str(conf))
            processes.wait_until(lambda: answers(port), what="nginx")
            yield port


def gets_per_second(port: int, path: str, headers: dict[str, str], *, seconds: int) -> float:
    """As many as wrk gets answered, one thread on 16 connections. Raises CannotMeasure."""
    wrk = (*_on_core(1), need("wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s")
    given = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    ended = subprocess.run(
        [*wrk, *given, f"http://{HOST}:{port}{path}"], capture_output=True, text=True, check=True
    )
    found = re.search(r"Requests/sec:\s+([0-9.]+)", ended.stdout)
    if found is None or "Non-2xx" in ended.stdout or "Socket errors" in ended.stdout:
        raise CannotMeasure(f"wrk says: {' '.join(ended.stdout.split())[:300]}")
    return float(found[1])


def _on_core(number: int) -> tuple[str, ...]:
    """What a command has in front of it to keep to a core, where there are several."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or not shutil.which("taskset"):
        return ()
    return ("taskset", "-c", str(cores[number]))
