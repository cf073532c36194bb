"""The real thing: our web server, our workers and a Flask-WebSub peer, each a process of its own."""

from __future__ import annotations

import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dispatcher.local.processes import Processes, free_port
from dispatcher.local.stack import web_server
from tests.services import database_url
from tests.waiting import until

ROOT = Path(__file__).parents[3]


class FlaskPeer:
    """What a Flask-WebSub process was told, and what it is asked to do."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self.url = until(lambda: self.said("url"))[0]["url"]

    def said(self, what: str) -> list[dict[str, str]]:
        lines = self._processes.said("peer").splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [each for each in found if what in each]

    def do(self, what: str, **form: str) -> dict[str, str]:
        body = urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}/{what}", body, timeout=20) as answer:  # noqa: S310
            done: dict[str, str] = json.load(answer)
        return done


@contextmanager
def flask_peer(logs: Path, *, hub: str = "", trusting: Path | None = None) -> Iterator[FlaskPeer]:
    """Flask-WebSub, with a hub of its own over that Valkey if one is given."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "default"}
    if trusting is not None:
        environment["REQUESTS_CA_BUNDLE"] = str(trusting)
    with Processes(logs, environment) as processes:
        more = ("--hub", hub) if hub else ()
        processes.start("peer", sys.executable, "-m", "tests.feeds.hub.flask_peer", *more)
        yield FlaskPeer(processes)


@contextmanager
def site(logs: Path, *, pem: Path | None = None, **environment: str) -> Iterator[Processes]:
    """Web and the worker of calls, on the test's database; `environment` names at least PUBLIC_URL."""
    ours = {
        "DATABASE_URL": database_url(),
        "OUTBOUND_NETWORKS": "127.0.0.0/8",
        "PYTHONPATH": str(ROOT),
        "DJANGO_SETTINGS_MODULE": "dispatcher.settings",
        "LOG_LEVEL": "INFO",
    }
    with Processes(logs, os.environ | ours | environment) as processes:
        secure = ("--ssl-certificate", str(pem), "--ssl-keyfile", f"{pem}.key") if pem else ()
        port = environment["PUBLIC_URL"].rpartition(":")[2]
        processes.start(
            "web",
            *web_server("127.0.0.1", port, more=secure),
        )
        start_worker(processes)
        processes.wait_until(
            lambda: (
                "Started worker" in processes.said("web") and "ready." in processes.said("outbound")
            ),
            what="The site",
            seconds=60,
        )
        yield processes


def start_worker(processes: Processes) -> None:
    processes.start(
        "outbound",
        *(sys.executable, "-m", "celery", "-A", "workers", "worker", "-n", "outbound@%h"),
        *("--without-gossip", "--without-mingle", "-Q", "outbound", "-P", "threads", "-c", "4"),
    )


def address(scheme: str = "http") -> str:
    return f"{scheme}://127.0.0.1:{free_port(0)}"


def certificate(folder: Path) -> Path:
    """For 127.0.0.1, signed by itself; the key lies beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.now(UTC), timedelta(days=1)
    own = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "own.pem"
    pem.write_bytes(own.public_bytes(serialization.Encoding.PEM))
    Path(f"{pem}.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem
