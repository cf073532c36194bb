"""A test letter to one address: `[TEST]` in its subject, links that stop nothing, in no ledger."""

from __future__ import annotations

from dispatcher.audience import access
from dispatcher.audience.addresses import normalise
from dispatcher.briefs.models import Brief
from dispatcher.errors import RelayRefused, UnreadyBrief
from dispatcher.letters.words import words
from dispatcher.mailing import composing, sealing
from dispatcher.relays.outcomes import Parcel, Result
from dispatcher.relays.pool import Pool, configured


def send_test(brief: Brief, address: str) -> str:
    """Send the current revision to one address at once; the relay's own words.

    Our words in it are in the language of that address's reader, in English where there is none.
    Raises BadAddress, UnreadyBrief, RelayUnreachable or RelayRefused.
    """
    address = normalise(address)
    if brief.current is None:
        raise UnreadyBrief("The brief has no content yet; hand it in first.")
    language = words(access.language_at(address)).language
    compiled = composing.compose(
        brief, brief.current, subject_prefix=composing.TEST, language=language
    )
    data = sealing.stamper(compiled)(composing.sample_values(brief, address, language=language))
    pool = Pool(configured())
    try:
        parcel = Parcel(brief.pk, composing.return_paths()(0), address, data)
        (outcome,) = pool.hand_over([parcel], is_urgent=True)
    finally:
        pool.close()
    if outcome.result is not Result.ACCEPTED:
        raise RelayRefused(f"The relay did not take the test letter: {outcome.text}")
    return outcome.text
