"""How letters are said to a distant relay by BDAT (RFC 3030): none waits for the one before.

So a few are on their way without an answer, and what happens to the connection then leaves each of
them in doubt; how many there may be is the session's to say.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from dispatcher.relays.conversation import CLOSING, RSET, Conversation, Letter
from dispatcher.relays.gate import MayGo, stopped
from dispatcher.relays.offer import Offer
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.relay import Relay
from dispatcher.relays.replies import NotSmtp, Reply
from dispatcher.relays.wire import Wire


class Chunking(Conversation):
    """At most `window` letters are on their way."""

    def __init__(self, relay: Relay, wire: Wire, offer: Offer, window: int) -> None:
        super().__init__(relay, wire, offer)
        self._window = window
        self._last: Reply | None = None
        self._is_ending = False  # no more letters over this connection
        self._doubt: NotSmtp | None = None  # nothing that it says is believed any more

    @property
    def _is_over(self) -> bool:
        return self._is_ending or self.is_broken

    def _converse(self, parcels: Iterator[Parcel], may_go: MayGo) -> Iterator[Outcome]:
        flying: deque[Letter | Outcome] = deque()
        fault: Exception | None = None
        has_more = True
        while True:
            while has_more and len(flying) < self._window and not self._is_over:
                try:
                    letter = self._take(parcels)
                    if isinstance(letter, Letter) and not may_go(letter.parcel):
                        letter, has_more = stopped(letter.parcel, self.relay.name), False
                except Exception as raised:  # noqa: BLE001  raised again when all are answered
                    letter, fault = None, raised
                if letter is None:
                    has_more = False
                    break
                flying.append(letter)
                if isinstance(letter, Letter):
                    self._launch(letter)
            if not flying:
                break
            head = flying.popleft()
            yield head if isinstance(head, Outcome) else self._land(head)
        if fault is not None:
            raise fault

    def _launch(self, letter: Letter) -> None:
        """Write it all. RSET goes first, since nobody waits to see whether the one before failed."""
        data = letter.parcel.data
        whole = b"".join((RSET, letter.envelope, b"BDAT %d LAST\r\n" % len(data), data))
        # While letters are at their end the relay may take as long as it may for an answer.
        timeout = self.relay.final_timeout if self._owed else self.relay.timeout
        self._owed += 1
        sent = self._wire.write(whole, timeout, self.relay.final_timeout)
        letter.is_out = sent == len(whole)
        self._is_ending |= not letter.is_out

    def _land(self, letter: Letter) -> Outcome:
        """Read what the relay says to the letter's four commands."""
        said: list[Reply] = []
        fault: OSError | None = self._doubt
        try:
            while len(said) < 4 and not fault:
                may_take_long = len(said) == 3 and not self._is_ending
                timeout = self.relay.final_timeout if may_take_long else self.relay.timeout
                said.append(self._wire.reply(timeout))
                self._is_ending |= said[-1].code == CLOSING
            if self._owed == 1 and not fault:
                self._mind_what_is_over()
        except OSError as broken:
            fault = broken
        outcome = self._verdict(letter, said, fault)
        self._owed = max(0, self._owed - 1)
        self._last = said[-1] if said else self._last
        if self._is_ending and not self._owed:
            self.give_up("it was given up")
        return outcome

    def _mind_what_is_over(self) -> None:
        """When all is answered there is nothing more to say but goodbye. Raises NotSmtp.

        A reply too many came before its command; so the one that was taken for this letter's may not be.
        """
        if self._wire.has_unread:
            self._is_ending = True
            if self._wire.reply(self.relay.timeout).code != CLOSING:
                raise NotSmtp("it says more than it was asked")

    def _verdict(self, letter: Letter, said: list[Reply], fault: OSError | None) -> Outcome:
        """The first refusal stands, unless the letter was taken all the same, or none can be believed."""
        refused = next((reply for reply in said if reply.is_refusal), None)
        is_taken = len(said) == 4 and said[3].is_good
        if not all(reply.is_good or reply.is_refusal for reply in said):
            fault = self._doubt = NotSmtp("3xx is no answer here")
        elif is_taken and refused is said[0]:
            fault = self._doubt = NotSmtp("it refuses RSET, or answers what it was not asked")
        if fault and (refused is None or self._doubt or len(said) == 4):
            if not said and self._is_closed_by(fault):
                return self._not_begun(letter, "the relay ended the connection before it took it")
            return self._lost(letter, fault)
        # What the relay says to RSET, or 5xx to MAIL, is about us and not about this reader.
        is_about_us = refused is not None and (
            refused is said[0] or (refused is said[1] and refused.code >= 500)
        )
        # A letter that is taken in spite of a refusal may go to whom the one before was for.
        self._is_ending |= is_about_us or fault is not None or (is_taken and refused is not None)
        if refused is None or (is_taken and said[2].is_good):
            return self._outcome(letter, said[3])
        outcome = self._outcome(letter, refused)
        return replace(outcome, result=Result.DEFERRED) if is_about_us else outcome

    def _is_closed_by(self, fault: OSError) -> bool:
        """Whether 421 was its last word: it answers in order, so it did nothing after that."""
        is_gone = not isinstance(fault, TimeoutError | NotSmtp)
        return is_gone and self._last is not None and self._last.code == CLOSING
