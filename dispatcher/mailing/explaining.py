"""Why an address did or did not get a brief, in words, from the rows and the rules."""

from __future__ import annotations

from dispatcher.audience import consent, rules
from dispatcher.audience.addresses import normalise
from dispatcher.audience.models import Subscriber
from dispatcher.audience.rules import Cadence, Rule
from dispatcher.briefs.models import Brief
from dispatcher.briefs.topics import Vocabulary
from dispatcher.mailing.models import Delivery, Dispatch

_NOT_GONE = (Delivery.State.WAITING, Delivery.State.CARRYING, Delivery.State.DEFERRED)


def explain(brief: Brief, address: str) -> list[str]:
    """Sentences, the answer first. Raises BadAddress; an unknown address is an answer too."""
    address = normalise(address)
    vocabulary = Vocabulary()
    topics = " and ".join(vocabulary.names(brief.topics))
    dispatch = Dispatch.objects.defer("letter").filter(brief=brief).order_by("-pk").first()
    reader, delivery = _reader(address, brief, dispatch)
    is_owed = reader is not None and reader.owed.filter(brief=brief).exists()
    about = f"The brief is about {topics}."
    if brief.withdrawn_at is not None:
        about += f" It was withdrawn {brief.withdrawn_at:%Y-%m-%d %H:%M %Z}."
    if reader is None:
        sentences = [f"{address} did not get it: it is not a reader's address.", about]
    else:
        answer = _answer(address, dispatch, delivery, is_owed=is_owed)
        if brief.withdrawn_at is not None and (delivery is None or delivery.state in _NOT_GONE):
            answer = _answer_for_withdrawn(address, delivery, is_owed=is_owed)
        sentences = [answer, about]
        if delivery is not None and delivery.dispatch.run is not None:
            sentences.insert(1, _in_digest(delivery))
        sentences += _standing(reader)
        sentences += _rules(reader, vocabulary, vocabulary.reach(brief.topics), dispatch)
    if reason := consent.suppressed(address):
        sentences.append(f"The address is suppressed ({reason}), so nothing is mailed to it.")
    return sentences


def _answer_for_withdrawn(address: str, delivery: Delivery | None, *, is_owed: bool) -> str:
    """For who has not had it so far and does not get it any more."""
    if delivery is not None and delivery.state == Delivery.State.CARRYING:
        return f"{address} may get it yet: the letter was with a worker as it was withdrawn."
    if delivery is not None:
        return f"{address} did not get it: it was withdrawn before the letter went."
    if is_owed:
        return f"{address} did not get it: it was withdrawn before the digest that it was kept for."
    return f"{address} did not get it: it is withdrawn, and was not for them before."


def _reader(
    address: str, brief: Brief, dispatch: Dispatch | None
) -> tuple[Subscriber | None, Delivery | None]:
    """Who has the brief of those whom the address is or was; of one who was erased the outcome stays."""
    readers = list(consent.once(address))
    if dispatch is not None:
        for reader in readers:
            if delivery := _delivery(reader, brief, dispatch):
                return reader, delivery
    return (readers[0] if readers else None), None


def _delivery(reader: Subscriber, brief: Brief, dispatch: Dispatch) -> Delivery | None:
    """By which the reader got the brief: of the dispatch itself, or the last digest that holds it."""
    rows = reader.deliveries.select_related("dispatch__run").defer("dispatch__letter")
    return (
        rows.filter(dispatch=dispatch).first()
        or rows.filter(dispatch__contents__brief=brief).order_by("-pk").first()
    )


def _in_digest(delivery: Delivery) -> str:
    held = delivery.dispatch.contents.count()
    return (
        f"It came in dispatch {delivery.dispatch_id}, “{delivery.dispatch.title}”, one of {held}."
    )


def _answer(
    address: str, dispatch: Dispatch | None, delivery: Delivery | None, *, is_owed: bool
) -> str:
    if dispatch is None:
        return f"{address} has not got it: the brief has not been released."
    if delivery is None and is_owed:
        return f"{address} has not got it yet: it is kept for the next digest."
    if delivery is None:
        if dispatch.matched_at is None:
            return f"{address} has not got it so far: dispatch {dispatch.pk} is {dispatch.state}."
        return f"{address} did not get it: dispatch {dispatch.pk} was not for them."
    when = f"{delivery.settled_at:%Y-%m-%d %H:%M:%S %Z}" if delivery.settled_at else ""
    said = {
        Delivery.State.ACCEPTED: f"got it: {delivery.relay} accepted the letter at {when}",
        Delivery.State.FAILED: (
            f"did not get it: {delivery.relay} refused it at {when}"
            if delivery.relay
            else f"did not get it: it was not sent, as seen at {when}"
        ),
        Delivery.State.UNKNOWN: "may have got it: the relay's answer was lost",
        Delivery.State.DEFERRED: (
            f"has not got it yet: attempt {delivery.attempts} was put off"
            if delivery.attempts
            else "has not got it yet: it is held back for the pace that the relay allows"
        ),
    }
    if delivery.state not in said:
        return f"{address} has not got it yet: the letter is {delivery.state}."
    due = (
        f", the next is due {delivery.next_attempt_at:%H:%M:%S %Z}"
        if delivery.next_attempt_at
        else ""
    )
    words = f" ({delivery.text})" if delivery.text else ""
    return f"{address} {said[Delivery.State(delivery.state)]}{words}{due}."


def _standing(reader: Subscriber) -> list[str]:
    if reader.state == Subscriber.State.PENDING:
        return ["The reader has not confirmed the address yet."]
    if reader.state == Subscriber.State.LEFT:
        left = reader.consents.filter(act="left").order_by("-at").first()
        return [f"The reader left{f' on {left.at:%Y-%m-%d %H:%M %Z}' if left else ''}."]
    return []


def _rules(
    reader: Subscriber, vocabulary: Vocabulary, reach: list[int], dispatch: Dispatch | None
) -> list[str]:
    names = {topic.pk: topic.name for topic in vocabulary.by_id.values()}
    sentences = []
    for subscription in reader.subscriptions.order_by("pk"):
        rule = Rule.of(subscription)
        said = f"Rule “{rules.in_words(rule, names)}”"
        if subscription.ended_at:
            sentences.append(
                f"{said} ended {subscription.ended_at:%Y-%m-%d %H:%M %Z} ({subscription.ended_reason})."
            )
        elif (
            dispatch is not None
            and dispatch.matched_at
            and subscription.started_at > dispatch.matched_at
        ):
            sentences.append(f"{said} began only after the release.")
        else:
            sentences.append(f"{said} {_verdict(rule, names, reach)}.")
    return sentences or ["The reader has no rule."]


def _verdict(rule: Rule, names: dict[int, str], reach: list[int]) -> str:
    if not rule.wants(reach):
        return "does not match: " + (
            "the brief lacks " + " and ".join(sorted(names[t] for t in rule.topics - set(reach)))
            if rule.match == rules.Match.ALL
            else "it asks for other topics"
        )
    if unwanted := rule.excludes(reach):
        return "does not match: it excludes " + " and ".join(sorted(names[t] for t in unwanted))
    if rule.cadence != Cadence.AT_ONCE:
        return f"matches, for the {rule.cadence} digest and not at once"
    return "matches"
