"""End to end against the wire: the same letter to the same sink, ours and the yardsticks in turns.

A round is over within about a minute, so what the machine does meanwhile hits all alike. No workers of
ours run beside a yardstick, and PostgreSQL has done its housekeeping before one begins.
"""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from bench import filling, letter, releasing, services, signatures, yardsticks
from bench.book import CannotMeasure
from bench.running import Bench
from bench.services import Relay
from dispatcher.mailing.composing import Sample

TITLE = "End to end against the wire, plain and signed"
_PLAIN = ("vs_pipelined_socket", "vs_smtp_source", "vs_django")
_DKIM = ("dkim_vs_pipelined_socket", "dkim_vs_django_dkimpy")
KEYS = (*_PLAIN, *_DKIM)


def run(bench: Bench) -> None:
    """Measure all ways in turns, as often as there are rounds."""
    sizes, folder = bench.sizes, bench.ground.folder
    bench.ground.use(sizes.wire)
    sample = letter.sample(letter.make_brief(filling.SUBJECTS[:1], size=sizes.letter))
    constant = folder / "letter"
    constant.write_bytes(sample.message)
    key = signatures.make_key(folder / "dkim.pem")
    _look(bench)
    is_signing = _may_sign(bench, key)
    with services.fast_sink(folder) as relay:
        bench.notes["sink"] = f"{relay.name}, 127.0.0.1, one process"
        for number in range(1, sizes.rounds + 1):
            bench.say(f"round {number} of {sizes.rounds}")
            _socket(bench, relay, constant)
            with bench.attempt(*_PLAIN):
                _ours(bench, relay, "ours")
            _others(bench, relay, sample)
            _socket(bench, relay, constant)
            if is_signing:
                with bench.attempt(*_DKIM):
                    _ours(bench, relay, "ours_dkim", **signatures.environment(key))
            _add(
                bench,
                "django_dkimpy",
                yardsticks.django_dkimpy(relay.port, sizes.dkimpy, sample, key.read_bytes()),
            )
        two = yardsticks.socket(relay.port, sizes.wire, constant, processes=2)
        _add(bench, "socket_two", two)


def _ours(bench: Bench, relay: Relay, name: str, **environment: str) -> None:
    """One dispatch to everybody, from release to balanced ledger, by workers that run already."""
    sizes = bench.sizes
    everybody, some = filling.of_size(sizes.wire), filling.of_size(sizes.warm_up)
    with services.workers(bench.ground.folder, relay.url, **environment) as processes:
        releasing.run((some,), processes, size=sizes.letter)
        done = releasing.run((everybody,), processes, size=sizes.letter)
    if done.letters != sizes.wire:
        raise CannotMeasure(f"{done.letters} letters went out, not {sizes.wire}")
    _add(bench, name, done.speed)
    bench.ground.calm()


def _look(bench: Bench) -> None:
    """The letters are what all figures say that they are. Raises CannotMeasure."""
    letters = _kept(bench)
    octets = max(len(raw) for raw in letters)
    letter.check_size(octets, size=bench.sizes.letter)
    bench.notes["letter"] = f"{octets:,} octets as stamped and kept by a mailbox"


def _may_sign(bench: Bench, key: Path) -> bool:
    """Whether workers sign what they send, seen on letters that dkimpy verifies."""
    if not hasattr(settings, "DKIM_KEYS"):
        bench.book.miss("there is no setting DKIM_KEYS", *_DKIM)
        return False
    letters = _kept(bench, **signatures.environment(key))
    if not all(signatures.is_good(raw, key) for raw in letters):
        bench.book.miss("the letters of workers that have a key are not well signed", *_DKIM)
        return False
    bench.notes["dkim"] = f"{len(letters)} letters of ours verified with dkimpy"
    return True


def _kept(bench: Bench, **environment: str) -> list[bytes]:
    """The letters of one small dispatch, as a mailbox got them."""
    folder, some = bench.ground.folder, filling.of_size(bench.sizes.handful)
    with (
        services.mailbox(folder) as (url, kept),
        services.workers(folder, url, **environment) as processes,
    ):
        done = releasing.run((some,), processes, size=bench.sizes.letter)
        letters = [path.read_bytes() for path in (kept / "new").iterdir()]
    if len(letters) != done.letters:
        raise CannotMeasure(f"the mailbox holds {len(letters)} letters, not {done.letters}")
    return letters


def _others(bench: Bench, relay: Relay, sample: Sample) -> None:
    sizes = bench.sizes
    with bench.attempt("vs_smtp_source"):
        _add(bench, "smtp_source", yardsticks.smtp_source(relay.port, sizes.source, sizes.letter))
    _add(bench, "django", yardsticks.django(relay.port, sizes.django, sample))


def _socket(bench: Bench, relay: Relay, constant: Path) -> None:
    _add(bench, "socket", yardsticks.socket(relay.port, bench.sizes.wire, constant))


def _add(bench: Bench, name: str, speed: float) -> None:
    bench.book.add(name, speed)
    bench.say(f"  {name}: {speed:,.0f} letters/s")
