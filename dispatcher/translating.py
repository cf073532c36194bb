"""Which languages we speak, which of them somebody is spoken to in, and their catalogs.

Everything is a value that is handed on: no language is ever switched for a process or a thread, so none
leaks from one request or letter into another. How a page or a letter says it is for `letters.words`.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

SOURCE = "en"  # the language that sentences are written in here; it needs no catalog
DOMAIN = "dispatcher"
FOLDER = Path(__file__).parent / "locale"

_LONGEST_HEADER, _MOST_TAGS = 1_000, 30  # browsers send a tenth of it
_ONCE_CALLED = {"in": "id", "iw": "he", "ji": "yi"}  # in the IANA registry, deprecated


class Sentence(str):
    """A sentence in English that can be said in another language; what varies in it stands in `values`."""

    __slots__ = ("message", "values")

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, values: dict[str, object]) -> Sentence:
        sentence = super().__new__(cls, message % values)
        sentence.message, sentence.values = message, values
        return sentence


def later(message: str, /, **values: object) -> Sentence:
    """A sentence for the catalogs, written where nobody knows yet who will read it.

    `%(name)s` stands where a value goes, so a bare % is written twice.
    """
    return Sentence(message, values)


@lru_cache(maxsize=1)
def languages() -> tuple[str, ...]:
    """Those that we have words in, as BCP 47 tags: the source first."""
    found = FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.mo")
    return (SOURCE, *sorted(path.parts[-3].replace("_", "-") for path in found))


def spoken(tag: str, among: Sequence[str] = ()) -> str:
    """The one of `among`, else of all our languages, that a BCP 47 tag asks for; empty if there is none.

    What is more special than what we have finds it: fr-CA finds fr (RFC 4647 §3.4).
    """
    ours = {language.lower(): language for language in among or languages()}
    parts = tag.replace("_", "-").lower().split("-")
    parts[0] = _ONCE_CALLED.get(parts[0], parts[0])
    for end in range(len(parts), 0, -1):
        if found := ours.get("-".join(parts[:end])):
            return found
    return ""


def negotiated(header: str, among: Sequence[str]) -> str:
    """The language that an Accept-Language asks for most (RFC 9110 §12.5.4), the first if it is none.

    What cannot be read is passed over, so that no header is an error.
    """
    for tag, _ in sorted(_weighted(header), key=_weight, reverse=True):
        if tag == "*":
            break
        if found := spoken(tag, among):
            return found
    return among[0]


@lru_cache(maxsize=64)
def catalog(language: str) -> gettext.NullTranslations:
    """The messages of one of our languages; those of the source are the sentences themselves."""
    if language == SOURCE:
        return gettext.NullTranslations()
    return gettext.translation(DOMAIN, FOLDER, [language.replace("-", "_")])


def _weighted(header: str) -> Iterator[tuple[str, float]]:
    for member in header[:_LONGEST_HEADER].split(",")[:_MOST_TAGS]:
        tag, *parameters = (part.strip() for part in member.split(";"))
        weight = _quality(parameters)
        if tag and weight > 0:
            yield tag, weight


def _quality(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0  # nan is neither
    return 1.0


def _weight(weighted: tuple[str, float]) -> float:
    return weighted[1]
