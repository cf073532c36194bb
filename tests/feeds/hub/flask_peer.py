"""Flask-WebSub as a program of its own: a subscriber, and with `--hub` a hub and a feed, on loopback.

It prints one JSON object a line: first where it listens, then what its subscriber was told. A POST to
/subscribe has it discover a feed and subscribe to it.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

from celery import Celery
from celery.contrib.testing.worker import start_worker
from flask import Flask, request
from flask_websub.hub import Hub, SQLite3HubStorage
from flask_websub.subscriber import (
    SQLite3SubscriberStorage,
    SQLite3TempSubscriberStorage,
    Subscriber,
    discover,
)
from werkzeug.serving import make_server


def say(**what: Any) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201  it is how it is heard


def subscriber_of(app: Flask, folder: Path) -> Subscriber:
    own = Subscriber(
        SQLite3SubscriberStorage(str(folder / "subscriber.db")),
        SQLite3TempSubscriberStorage(str(folder / "subscriber.db")),
    )
    app.register_blueprint(own.build_blueprint(url_prefix="/callbacks"))

    def agreed(topic: str, callback: str, mode: str) -> None:
        say(agreed=mode, topic=topic, callback=callback)

    def denied(topic: str, callback: str, reason: str) -> None:
        say(denied=reason, topic=topic, callback=callback)

    def pushed(topic: str, callback: str, body: bytes) -> None:
        say(pushed=body.decode(), topic=topic, callback=callback)

    own.add_success_handler(agreed)
    own.add_error_handler(denied)
    own.add_listener(pushed)
    return own


def hub_of(app: Flask, folder: Path, redis_url: str) -> Any:
    app.config["PUBLISH_SUPPORTED"] = True
    celery = Celery("peer", broker=redis_url)
    celery.conf.task_default_queue = "of the peer"
    hub = Hub(SQLite3HubStorage(str(folder / "hub.db")), celery, SIGNATURE_ALGORITHM="sha256")
    app.register_blueprint(hub.build_blueprint(url_prefix="/hub"))
    return start_worker(celery, perform_ping_check=False, pool="solo")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--hub", metavar="BROKER_URL", default="")
    asked = parser.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="flask-websub-"))
    app = Flask(__name__)
    own = subscriber_of(app, folder)

    @app.post("/subscribe")
    def subscribe() -> dict[str, str]:
        found = discover(request.form["url"])
        return {**found, "callback": own.subscribe(**found)}

    @app.post("/unsubscribe")
    def unsubscribe() -> dict[str, str]:
        own.unsubscribe(request.form["callback"])
        return {}

    server = make_server("127.0.0.1", 0, app, threaded=True)
    app.config["SERVER_NAME"] = f"127.0.0.1:{server.port}"
    worker = hub_of(app, folder, asked.hub) if asked.hub else None
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if worker is not None:
        worker.__enter__()
    say(url=f"http://127.0.0.1:{server.port}")
    signal.pause()  # until the test ends it


if __name__ == "__main__":
    main()
