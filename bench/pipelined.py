"""The yardstick: one process, one connection, the same letter again and again, one round trip each.

`python -m bench.pipelined PORT LETTERS FILE` prints the seconds between the first octet sent and the last
answer. The end of a letter and the envelope of the next travel in one write (RFC 2920 §3.1).
"""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

_ENVELOPE = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n"


def seconds(port: int, letters: int, letter: bytes) -> float:
    """Send that many letters to a sink that says yes to everything."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _wait(connection, 1)
        connection.sendall(b"HELO bench.example.org\r\n")  # one line comes back, EHLO brings many
        _wait(connection, 1)
        end = letter + b".\r\n"
        both = end + _ENVELOPE
        began = time.perf_counter()
        connection.sendall(_ENVELOPE)
        _wait(connection, 3)
        for _ in range(letters - 1):
            connection.sendall(both)
            _wait(connection, 4)
        connection.sendall(end)
        _wait(connection, 1)
        return time.perf_counter() - began


def _wait(connection: socket.socket, lines: int) -> None:
    while lines > 0:
        answer = connection.recv(4096)
        if not answer or answer[:1] not in b"23":
            raise SystemExit(f"the sink said {answer!r}")
        lines -= answer.count(b"\n")


if __name__ == "__main__":
    print(seconds(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]).read_bytes()))
