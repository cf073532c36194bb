"""The brief whose letter has the size that is wanted, whatever the templates add to it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import count, cycle, islice

from bench.book import CannotMeasure
from dispatcher.briefs import intake
from dispatcher.briefs.document import Document, Section, to_json
from dispatcher.briefs.models import Brief, Revision
from dispatcher.mailing import composing

BY = "the benchmark"
_SENTENCES = (
    "The harbour office expects the first freighters before noon on Thursday.",
    "Two of the three cranes were repaired over the weekend; the third waits for a bearing.",
    "“We have seen worse winters,” the harbour master said, “and shorter queues.”",
    "Insurers have not changed their terms, and brokers see no reason why they should.",
    "Exporters of grain ask for a longer window at the northern quay.",
)
_PARAGRAPH = 6
_NEAR = 0.05
_MOST = 250  # sentences; a letter may not be longer for other reasons
_numbers = count(1)


def make_brief(topics: Sequence[str], *, size: int, urgent: bool = False) -> Brief:
    """A new brief on these topics whose letter has about `size` octets, handed in and not released."""
    document = _document(_sentences(size), topics=tuple(topics), urgent=urgent)
    return intake.store(document, by=BY).brief


def sample(brief: Brief) -> composing.Sample:
    """Its letter as one reader gets it: the constant letter of the yardsticks."""
    assert brief.current
    return composing.sample(brief, brief.current)


def check_size(octets: int, *, size: int) -> None:
    """Raises CannotMeasure when a letter is not the one that all figures are about."""
    if abs(octets - size) > size * _NEAR:
        raise CannotMeasure(f"the letter has {octets} octets, not {size} within 5 %")


@lru_cache(maxsize=4)
def _sentences(size: int) -> int:
    """How many sentences make a letter of that size: the letter grows with them, so halve the range."""
    low, high = 1, _MOST
    while low < high:
        middle = (low + high) // 2
        if _octets(middle) < size:
            low = middle + 1
        else:
            high = middle
    check_size(_octets(low), size=size)
    return low


def _octets(sentences: int) -> int:
    document = _document(sentences, topics=(), urgent=False)
    brief = Brief(headline=document.headline, topics=[])
    return len(composing.sample(brief, Revision(brief=brief, content=to_json(document))).message)


def _document(sentences: int, *, topics: tuple[str, ...], urgent: bool) -> Document:
    text = list(islice(cycle(_SENTENCES), sentences))
    paragraphs = [" ".join(text[n : n + _PARAGRAPH]) for n in range(0, sentences, _PARAGRAPH)]
    return Document(
        headline="Harbour reopens after the storm",
        summary="Freighters are expected from Thursday; one crane is still out of order.",
        blocks=(Section("Latest developments", tuple(paragraphs)),),
        topics=topics,
        source_id=f"bench-{next(_numbers)}",
        urgent=urgent,
    )
