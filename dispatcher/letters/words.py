"""What letters and pages say in words of ours: a catalog's messages, dates, lists, the reason line.

A `Words` is one language as a value; whoever speaks to somebody asks for theirs. A translation is one more
catalog and nothing else changes. Forms of dates and lists are those of the Unicode CLDR.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from gettext import NullTranslations
from typing import Any, Literal

from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_decimal
from jinja2 import Environment
from markupsafe import Markup

from dispatcher.letters.languages import Setting, setting
from dispatcher.translating import SOURCE, Sentence, catalog, spoken

_FORMS = {"en": "en_GB"}  # of a language whose dates and lists differ by country: 2 March 2023
_ISOLATE, _END = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
_RIGHTWARD = frozenset({"R", "AL"})
# What a language does to the first of a month, and to its "and" before a foreign word.
_FIRST_DAY = {"fr": (re.compile(r"^1 "), "1er ")}
_AND = {"he": (re.compile(f"(?<= )ו(?={_ISOLATE})"), "ו-")}

Day = date  # `Words.date` hides it within the class


@dataclass(frozen=True, slots=True)
class Words:
    """One language that we speak. `%(name)s` in a message is filled by keyword, so a bare % is doubled."""

    language: str
    catalog: NullTranslations

    @property
    def setting(self) -> Setting:
        return setting(self.language)

    def gettext(self, message: str, /, **values: object) -> str:
        return self.catalog.gettext(message) % values

    def ngettext(self, one: str, many: str, num: int, /, **values: object) -> str:
        """The form of that number, which is `%(num)s`; a language has up to six."""
        return self.catalog.ngettext(one, many, num) % {"num": num, **values}

    def say(self, said: str | Exception) -> str:
        """A sentence that was written for `later`, or the refusal that holds it; any other is as it is."""
        sentence = said.args[0] if isinstance(said, Exception) and said.args else said
        if not isinstance(sentence, Sentence):
            return str(sentence)
        values = {
            name: self.isolated(value) if isinstance(value, str) else value
            for name, value in sentence.values.items()
        }
        return self.gettext(sentence.message, **values)

    def date(self, day: date) -> str:
        """A day as it is read aloud: 2 March 2023."""
        written = format_date(day, "long", locale=_locale(self.language))
        first = _FIRST_DAY.get(self.language)
        return first[0].sub(first[1], written) if first else written

    def number(self, number: int) -> str:
        """With the marks between thousands: 12,345."""
        return format_decimal(number, locale=_locale(self.language))

    def moment(self, at: datetime) -> str:
        """In the time zone that it comes in."""
        # Translators: a date and a time of day.
        return self.gettext("%(day)s, %(time)s", day=self.date(at), time=f"{at:%H:%M}")

    def weekdays(self) -> tuple[str, ...]:
        """Their names, Monday first."""
        names = _locale(self.language).days["stand-alone"]["wide"]
        return tuple(names[number] for number in range(7))

    def listed(self, names: Iterable[str], style: Literal["standard", "or"] = "standard") -> str:
        """`A, B and C`, or with `or`; each name keeps its own direction."""
        isolated = [self.isolated(name) for name in names]
        text = format_list(isolated, style=style, locale=_locale(self.language))
        joint = _AND.get(self.language)
        return joint[0].sub(joint[1], text) if joint else text

    def isolated(self, text: str) -> str:
        """The text, fenced in where it is written in the other direction: plain text's `<bdi>` (UAX #9 §2.7)."""
        is_rightward = self.setting.direction == "rtl"
        for char in text:
            kind = unicodedata.bidirectional(char)
            if kind == "L" if is_rightward else kind in _RIGHTWARD:
                return f"{_ISOLATE}{text}{_END}"
        return text

    def reason(self, topics: Sequence[str]) -> str:
        """Why a reader gets a letter, in one sentence that names the topics; without any it is every brief."""
        if not topics:
            return self.gettext("You get this because you follow every brief.")
        return self.gettext(
            "You get this because you follow %(topics)s.", topics=self.listed(topics)
        )

    def digest(self, cadence: str, briefs: int) -> str:
        """What a digest of so many briefs is headed by."""
        if cadence == "daily":
            return self.ngettext(
                "Your daily digest: %(num)s brief", "Your daily digest: %(num)s briefs", briefs
            )
        return self.ngettext(
            "Your weekly digest: %(num)s brief", "Your weekly digest: %(num)s briefs", briefs
        )

    def digest_subject(self, cadence: str, briefs: int, day: Day) -> str:
        """The same with the day it is of."""
        # Translators: the heading of a digest and the day it is of.
        heading = self.digest(cadence, briefs)
        return self.gettext("%(digest)s, %(day)s", digest=heading, day=self.date(day))

    def in_text(self) -> Mapping[str, Callable[..., Any]]:
        """What a template of plain text calls, `{% trans %}` among it."""
        return {
            "gettext": self.gettext,
            "ngettext": self.ngettext,
            "isolated": self.isolated,
            "say": self.say,
        }

    def in_html(self) -> Mapping[str, Callable[..., Any]]:
        """The same for HTML: messages are ours and may hold tags, what fills them is escaped."""

        def gettext(message: str, /, **values: object) -> Markup:
            return Markup(self.catalog.gettext(message)) % values  # noqa: S704

        def ngettext(one: str, many: str, num: int, /, **values: object) -> Markup:
            chosen = Markup(self.catalog.ngettext(one, many, num))  # noqa: S704
            return chosen % {"num": num, **values}

        return {"gettext": gettext, "ngettext": ngettext, "isolated": _bdi, "say": self.say}


def words(language: str) -> Words:
    """The words for a BCP 47 tag, English where there are none yet."""
    return _words(spoken(language) or SOURCE)


@lru_cache(maxsize=64)
def own_name(language: str) -> str:
    """What a language calls itself, as a choice shows it: Français."""
    name = Locale.parse(language, sep="-").get_display_name() or language
    return name[:1].upper() + name[1:]


def can_be_translated(environment: Environment) -> None:
    """Let its templates use `{% trans %}` and `_()`: in English, but where what they are given brings the
    functions of other words.
    """
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]


@lru_cache(maxsize=64)
def _words(language: str) -> Words:
    return Words(language, catalog(language))


@lru_cache(maxsize=64)
def _locale(language: str) -> Locale:
    return Locale.parse(_FORMS.get(language, language.replace("-", "_")))


def _bdi(text: str) -> Markup:
    return Markup("<bdi>%s</bdi>") % text
