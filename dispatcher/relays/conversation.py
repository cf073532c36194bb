"""How letters are said to a relay by DATA: pipelined where that is offered, else word by word.

An outcome for each letter taken, in order, whatever the relay says or does; a refusal of one never
harms the next (RSET). At most one letter's end is without an answer at any time. By BDAT: `chunking`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from time import time

from dispatcher.relays import replies
from dispatcher.relays.gate import MayGo, stopped
from dispatcher.relays.offer import Offer
from dispatcher.relays.outcomes import Outcome, Parcel, Result
from dispatcher.relays.relay import Relay
from dispatcher.relays.replies import NotSmtp, Reply, one_line
from dispatcher.relays.wire import Wire

RSET, DATA, END = b"RSET\r\n", b"DATA\r\n", b".\r\n"
CLOSING = 421
AGAIN_SECONDS = 1.0  # until a letter that was taken and not begun may go by another connection

# What nearly every relay says to a letter's end and the next one's three commands, in one piece.
_ALL_IS_WELL = re.compile(rb"250 ([^\r\n]*)\r\n(?:250 [^\n]*\n){2}354[ \r][^\n]*\n")
_LINE_OF_DOT = re.compile(rb"\n\.")
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)  # RFC 5321 §4.5.2


@dataclass(slots=True)
class Letter:
    """A parcel that is taken, with its commands."""

    parcel: Parcel
    envelope: bytes  # MAIL and RCPT
    octets: bytes = b""  # as they follow DATA, once they are made
    is_begun: bool = False  # its commands are written
    is_invited: bool = False  # and answered well
    is_out: bool = False  # its last octet is written


class Conversation:
    """What goes over one connection, which is broken for good once `is_broken`."""

    def __init__(self, relay: Relay, wire: Wire, offer: Offer) -> None:
        self.relay = relay
        self.is_broken = False
        self._wire = wire
        self._offer = offer
        self._left = relay.messages
        self._owed = 0  # letters begun, which have no outcome
        self._clearing: tuple[bytes, ...] = ()  # what must be said before anything else

    @property
    def is_spent(self) -> bool:
        """As many letters as the relay takes over one connection have gone."""
        return self._left <= 0

    def hand_over(self, parcels: Iterator[Parcel], may_go: MayGo) -> Iterator[Outcome]:
        """See `Session.hand_over`."""
        try:
            yield from self._converse(parcels, may_go)
            self.settle()
        finally:
            if self._owed:
                self.give_up("it was interrupted")

    def settle(self) -> None:
        """Leave the connection so that anything may be said; else it is broken."""
        if self._owed:
            self.give_up("it was interrupted")
        clearing, self._clearing = self._clearing, ()
        try:
            for command in clearing:
                reply = self.ask(command)
                if _is_the_end(command, reply):
                    raise NotSmtp(f"{reply.code} {reply.text}")
        except OSError as fault:
            self.give_up(str(fault))
        if self._wire.has_unread:
            self.give_up("it says more than it was asked")

    def ask(self, command: bytes) -> Reply:
        """Say one command and wait. Raises OSError; who is interrupted leaves an answer owed."""
        self._owed += 1
        self._write(command)
        reply = self._wire.reply(self.relay.timeout)
        self._owed -= 1
        return reply

    def give_up(self, words: str) -> None:
        self.is_broken = True
        self._owed = 0
        self._wire.break_off(ConnectionError(words))

    def _converse(self, parcels: Iterator[Parcel], may_go: MayGo) -> Iterator[Outcome]:
        letter = self._take(parcels)
        while letter is not None and not self.is_broken:
            following: Letter | Outcome | None = None
            if isinstance(letter, Outcome):
                yield letter
            else:
                refusal = self._invite(letter)
                if refusal is None and self._offer.pipelining:
                    following = self._take(parcels)
                if refusal is None and not may_go(letter.parcel):
                    yield from self._stop(letter, following)
                    return
                yield refusal or self._send(letter, following)
            if following is None and not self.is_broken:
                following = self._take(parcels)
            letter = following
        if letter is not None:
            yield letter if isinstance(letter, Outcome) else self._not_begun(letter)

    def _stop(self, letter: Letter, following: Letter | Outcome | None) -> Iterator[Outcome]:
        """The relay waits for a letter that does not go: whatever were said now would be that letter."""
        self.give_up("it was stopped")
        yield stopped(letter.parcel, self.relay.name)
        if isinstance(following, Letter):
            yield stopped(following.parcel, self.relay.name)
        elif following is not None:
            yield following

    def _take(self, parcels: Iterator[Parcel]) -> Letter | Outcome | None:
        """The next letter, or its outcome if it cannot go; None if there is none to be taken."""
        parcel = None if self.is_spent else next(parcels, None)
        if parcel is None:
            return None
        envelope = self._offer.envelope(parcel)
        if isinstance(envelope, Reply):
            return replies.outcome(parcel.key, self.relay.name, envelope, has_codes=True)
        self._left -= 1
        return Letter(parcel, envelope)

    def _invite(self, letter: Letter) -> Outcome | None:
        """Say the commands; None if the relay now waits for the letter."""
        if letter.is_invited:
            return None
        clearing: tuple[bytes, ...] = ()
        if not letter.is_begun:
            clearing, self._clearing = self._clearing, ()
            self._owed += 1
            if self._offer.pipelining:
                self._write(b"".join((*clearing, letter.envelope, DATA)))
        said: list[Reply] = []
        fault: OSError | None = None
        try:
            for command in (*clearing, *letter.envelope.splitlines(keepends=True), DATA):
                said.append(self._answer(command))
                if said[-1].code == CLOSING or (said[-1].is_refusal and not self._offer.pipelining):
                    break
            if said[-1].code == 354 and self._wire.has_unread:
                raise NotSmtp("it says more than it was asked")
        except OSError as broken:
            fault = broken
        for command, reply in zip(clearing, said, strict=False):
            if _is_the_end(command, reply):
                return self._refused(letter, reply, is_last=True, is_about_us=True)
        return self._judge(letter, said[len(clearing) :], fault)

    def _judge(self, letter: Letter, said: list[Reply], fault: OSError | None) -> Outcome | None:
        """What the replies to MAIL, RCPT and DATA come to, as far as they came."""
        is_waiting = len(said) == 3 and said[2].code == 354
        refused = next((reply for reply in said if reply.is_refusal), None)
        if refused is None:
            if fault is None and is_waiting and said[0].is_good and said[1].is_good:
                return None
            return self._lost(
                letter, fault or NotSmtp(f"{said[-1].code} is no answer to a command")
            )
        is_mail = refused is said[0]
        if is_waiting:
            self._clearing = (END, RSET)  # RFC 2920 §3.1: a letter of nothing, for nobody
        else:
            self._clearing = (RSET,)
        # A 5xx to MAIL is about us, not about this reader, and holds for all letters.
        is_about_us = is_mail and refused.code >= 500
        # An empty letter must not go to somebody, as it would where the letter before was refused at
        # its end and the relay did not forget it (RFC 5321 §4.1.1.4 says that it does).
        is_stuck = is_waiting and not said[1].is_refusal
        is_over = said[-1].is_good or said[-1].code == CLOSING
        is_last = fault is not None or is_about_us or is_stuck or is_over
        return self._refused(letter, refused, is_last=is_last, is_about_us=is_about_us)

    def _refused(
        self, letter: Letter, reply: Reply, *, is_last: bool = False, is_about_us: bool = False
    ) -> Outcome:
        self._owed -= 1
        if is_last or reply.code == CLOSING:
            self.give_up("it was given up")
        elif not self._offer.pipelining:
            self.settle()
        outcome = self._outcome(letter, reply)
        return replace(outcome, result=Result.DEFERRED) if is_about_us else outcome

    def _send(self, letter: Letter, following: Letter | Outcome | None) -> Outcome:
        """Write the letter, and in the same breath the next one's commands."""
        octets = letter.octets or _stuffed(letter.parcel)
        size = len(octets)
        if isinstance(following, Letter):
            octets = b"".join((octets, following.envelope, DATA))
            following.is_begun = True
            self._owed += 1
        sent = self._write(octets)
        letter.is_out = sent >= size  # before, the relay cannot have it
        try:
            if isinstance(following, Letter):
                following.octets = _stuffed(following.parcel)  # while the relay is at work
                well = self._wire.expect(_ALL_IS_WELL, self.relay.final_timeout)
                if well and sent == len(octets):
                    following.is_invited = True
                    self._owed -= 1
                    return self._outcome(letter, Reply(250, well[1]))
            reply = self._wire.reply(self.relay.final_timeout)
        except OSError as fault:
            return self._lost(letter, fault)
        if not (reply.is_refusal or (reply.is_good and letter.is_out)):
            return self._lost(letter, NotSmtp(f"{reply.code} is no answer to a letter"))
        is_last = sent < len(octets)
        if reply.is_refusal:
            if not isinstance(following, Letter):
                self._clearing = (RSET,)
            return self._refused(letter, reply, is_last=is_last)
        self._owed -= 1
        if is_last:
            self.give_up("it was given up")
        return self._outcome(letter, reply)

    def _lost(self, letter: Letter, fault: OSError) -> Outcome:
        """The outcome where there was no answer."""
        self.give_up(str(fault))
        result = Result.UNKNOWN if letter.is_out else Result.DEFERRED
        words = "before the answer" if letter.is_out else "on the way"
        text = one_line(f"the connection broke {words}: {fault}")
        return Outcome(letter.parcel.key, result, self.relay.name, "", text, time())

    def _not_begun(
        self, letter: Letter, words: str = "the connection broke before its turn"
    ) -> Outcome:
        """It surely did not go, which is no attempt and says nothing about its reader."""
        result, name = Result.HELD_BACK, self.relay.name
        return Outcome(letter.parcel.key, result, name, "", words, time(), wait=AGAIN_SECONDS)

    def _outcome(self, letter: Letter, reply: Reply) -> Outcome:
        return replies.outcome(
            letter.parcel.key, self.relay.name, reply, has_codes=self._offer.codes
        )

    def _answer(self, command: bytes) -> Reply:
        """The reply to a command, which was written before where commands are pipelined."""
        if not self._offer.pipelining:
            self._write(command)
        return self._wire.reply(self.relay.timeout)

    def _write(self, octets: bytes) -> int:
        return self._wire.write(octets, self.relay.timeout, self.relay.final_timeout)


def _is_the_end(command: bytes, reply: Reply) -> bool:
    """Whether nothing more may be said after this answer to what clears the way."""
    return reply.code == CLOSING or (command == RSET and not reply.is_good)


def _stuffed(parcel: Parcel) -> bytes:
    """As it follows DATA: a line that begins with a dot has one more (RFC 5321 §4.5.2), and the end."""
    data = parcel.data
    if not parcel.is_dotless and (data[:1] == b"." or _LINE_OF_DOT.search(data)):
        data = _LEADING_DOT.sub(b"..", data)
    return data + END if data.endswith(b"\r\n") else data + b"\r\n" + END
