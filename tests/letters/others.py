"""Letters as programs of others read them: npm mailauth verifies, npm mailparser takes apart."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dispatcher.letters.signing import Signer

_FOLDER = Path(__file__).with_name("npm")


def read_by_others(letters: Sequence[bytes], signer: Signer) -> list[dict[str, Any]]:
    """What read.mjs says of each letter. Skips where there is no Node.js; asks no network."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not on this machine")
    assert (_FOLDER / "node_modules").is_dir(), "run `make npm` first; it installs mailauth"
    asked = {
        "letters": [base64.b64encode(letter).decode("ascii") for letter in letters],
        "records": dict(signer.records()),
    }
    answer = subprocess.run(
        [node, str(_FOLDER / "read.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    read: list[dict[str, Any]] = json.loads(answer.stdout)
    return read
