"""One connection to a relay twenty milliseconds away: our session against smtplib.

The kernel delays where it can: netem on the loopback of a network namespace that vanishes with its
process, so nothing is left to be undone. Elsewhere a forwarder of our own does, see `bench.delay`.
"""

from __future__ import annotations

import json
import subprocess
import sys

from bench import filling, letter
from bench.running import Bench

TITLE = "One connection to a relay 20 ms away"
KEYS = ("distant_vs_smtplib", "distant_chunking_vs_smtplib")
_APART = "ip link set lo up && tc qdisc add dev lo root netem delay 10ms limit 100000"
_NAMESPACE = ("unshare", "--net", "sh", "-c")


def run(bench: Bench) -> None:
    """All in a child process, which may be in a namespace of its own."""
    sizes, folder = bench.sizes, bench.ground.folder
    bench.ground.use(sizes.few)
    path = folder / "letter"
    path.write_bytes(
        letter.sample(letter.make_brief(filling.SUBJECTS[:1], size=sizes.letter)).message
    )
    command = [sys.executable, "-m", "bench.far", "--letter", str(path), "--folder", str(folder)]
    command += ["--rounds", str(sizes.rounds), "--letters", str(sizes.far)]
    command += ["--smtplib", str(sizes.far_smtplib)]
    if _has_netem():
        bench.notes["distance"] = "20 ms by netem on loopback, 10 ms each way"
        command = [*_NAMESPACE, f'{_APART} && exec "$@"', "sh", *command]
    else:
        bench.notes["distance"] = "20 ms by bench.delay, 10 ms each way; this kernel has no netem"
        command += ["--forward"]
    bench.say(f"  {bench.notes['distance']}")
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=1_800).stdout
    for name, speeds in json.loads(told).items():
        for speed in speeds:
            bench.book.add(name, speed)
        bench.say(f"  {name}: {', '.join(f'{speed:,.1f}' for speed in speeds)} letters/s")


def _has_netem() -> bool:
    try:
        tried = subprocess.run([*_NAMESPACE, _APART], capture_output=True, timeout=20, check=False)
    except OSError:  # no unshare
        return False
    return tried.returncode == 0
