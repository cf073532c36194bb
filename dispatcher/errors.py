"""Refusals: what a person asked for that cannot be done, each a sentence that says what to do."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818  a refusal reads as a sentence, not as a fault
    """Asked for something that cannot be done; the text is one line for the person who asked."""


class UnreadableBrief(Refusal):
    """The input is no brief: empty, binary, too large, or without a headline."""


class QueueUnreachable(Refusal):
    """Valkey does not answer."""


class BadTopics(Refusal):
    """A topic name or a topic file that cannot be used."""


class UnknownTopic(Refusal):
    """A topic that is not in the vocabulary."""


class UnreadyBrief(Refusal):
    """A brief that lacks what a release needs."""


class NoSuchBrief(Refusal):
    """No brief has that id."""


class NotReleased(Refusal):
    """The brief is not public yet, so nothing of it can be corrected or withdrawn."""


class BriefGone(Refusal):
    """The brief is withdrawn, so it goes to nobody."""


class NoSuchReader(Refusal):
    """No reader has that address."""


class BadAddress(Refusal):
    """Not a mail address that letters can go to."""


class NotWelcome(Refusal):
    """The address left or is suppressed, so nobody else may sign it up."""


class BadFile(Refusal):
    """A file that cannot be imported at all."""


class TooManySignUps(Refusal):
    """More was asked for than one visitor, or all of them, may ask for in an hour."""


class BadHubRequest(Refusal):
    """A request to the hub that lacks something, or names what cannot be."""


class HubIsFull(Refusal):
    """More was asked of the hub than it does for one visitor, callback host or feed."""


class HubIsBusy(Refusal):
    """The hub has yet to see to what this visitor asked before."""


class NotSolved(Refusal):
    """The work that a form does before it is sent is missing, wrong or used."""


class BadChoice(Refusal):
    """What a form asks for is not to be had."""


class BadToken(Refusal):
    """A link that was forged, cut short or made for another purpose."""


class AlreadyReleased(Refusal):
    """The brief has gone out, or is on its way."""


class NoSuchDispatch(Refusal):
    """No dispatch has that number."""


class NoSuchFuse(Refusal):
    """No fuse has that number."""


class WrongState(Refusal):
    """The dispatch is past the point where that can be done."""


class RelayUnreachable(Refusal):
    """No relay took the connection."""


class NobodyFollows(Refusal):
    """The release would reach no reader."""


class RelayRefused(Refusal):
    """A relay said no to a test letter."""
