"""What came of the digest trial, by what the sink took: each wanted brief once, and nothing else.

A letter that a worker had on its way when it was killed is in doubt and goes out again under its own
Message-ID: at most one of each connection that was open at a kill and broke off.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from bench.sink_notes import Letter, Notes
from dispatcher.audience.tokens import Purpose, unseal
from dispatcher.errors import BadToken
from dispatcher.mailing import ledger
from dispatcher.mailing.models import Delivery, DigestBrief, DigestRun, Dispatch, Owed

Pair = tuple[int, int]


def judge(
    notes: Notes,
    *,
    wanted: Collection[Pair],
    addresses: Mapping[int, str],
    kills: Sequence[float],
) -> dict[str, Any]:
    """The figures; `exactly_once` says whether every promise was kept."""
    letters: dict[Pair, list[Letter]] = defaultdict(list)  # by reader and dispatch
    strange = 0
    for letter in notes.letters:
        sealed = _opened(letter)
        if sealed is None or addresses.get(sealed[0]) != letter.recipient:
            strange += 1
        else:
            letters[sealed].append(letter)
    briefs = _briefs()
    came = Counter((reader, brief) for reader, number in letters for brief in briefs[number])
    wanted = set(wanted)
    accepted = set(
        Delivery.objects.filter(state="accepted").values_list("subscriber_id", "dispatch_id")
    )
    digests = set(Dispatch.objects.filter(kind="digest").values_list("pk", flat=True))
    found = {
        "wanted": len(wanted),
        "came_in_digests": sum(len(briefs[number]) for _, number in letters if number in digests),
        "letters": len(letters),
        "digest_letters": sum(number in digests for _, number in letters),
        "digest_runs": DigestRun.objects.count(),
        "missing": len(wanted - came.keys()),
        "doubled": sum(times - 1 for times in came.values()),
        "strange": strange + len(came.keys() - wanted),
        "told_wrong": len(accepted ^ letters.keys()),
        "owed_still": Owed.objects.count(),
        "unbalanced": sum(
            not ledger.tally(pk).balances for pk in Dispatch.objects.values_list("pk", flat=True)
        ),
    }
    found |= _again(notes, letters.values(), kills)
    is_well = not any(
        found[each]
        for each in ("missing", "doubled", "strange", "told_wrong", "owed_still", "unbalanced")
    )
    return found | {"exactly_once": is_well and not found["again_unpromised"]}


def _again(
    notes: Notes, letters: Collection[Sequence[Letter]], kills: Sequence[float]
) -> dict[str, int]:
    """Letters that went out again under one Message-ID, and how many of them no kill explains."""
    broken = {
        each.number
        for each in notes.connections.values()
        if each.is_lost and any(each.is_open(at) for at in kills)
    }
    again = Counter(each.connection for some in letters for each in some[:-1])
    return {
        "connections_broken_by_kills": len(broken),
        "again_under_one_message_id": again.total(),
        "again_unpromised": sum(
            number - (connection in broken) for connection, number in again.items()
        ),
    }


def _opened(letter: Letter) -> Pair | None:
    token = letter.message_id.strip("<>").partition("@")[0]
    try:
        reader, number = unseal(Purpose.MESSAGE_ID, token, count=2)
    except BadToken:
        return None
    return reader, number


def _briefs() -> dict[int, list[int]]:
    """The briefs of each dispatch."""
    found: dict[int, list[int]] = defaultdict(list)
    for number, brief in Dispatch.objects.exclude(brief=None).values_list("pk", "brief_id"):
        found[number].append(brief)
    for number, brief in DigestBrief.objects.values_list("dispatch_id", "brief_id"):
        found[number].append(brief)
    return found
