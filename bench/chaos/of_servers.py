"""Trials that strike PostgreSQL and Valkey."""

from __future__ import annotations

from django.db import connection

from bench.chaos.round import Round
from bench.chaos.trials import trial


@trial("Valkey killed and its data wiped, started again empty")
def valkey_lost(this: Round) -> None:
    this.release()
    this.wait_for_share(0.1, 0.8)
    this.engines.kill_valkey()
    try:
        this.pause(0.0, 4.0)
    finally:
        this.engines.start_valkey()


@trial("PostgreSQL stopped hard and started")
def postgres_stopped(this: Round) -> None:
    this.release()
    this.wait_for_share(0.1, 0.8)
    this.engines.kill_postgres()
    try:
        this.pause(0.0, 4.0)
    finally:
        this.engines.start_postgres()
        connection.close()
