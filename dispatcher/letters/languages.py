"""What a language tag means for setting text: direction, sides, quotation marks, capitals.

Mail clients know no logical properties, so templates ask here which side a line starts on.
"""

from __future__ import annotations

from dataclasses import dataclass

_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "iw", "ks", "ps", "sd", "syr"})
_RIGHT_TO_LEFT |= {"ug", "ur", "yi", "nqo"}
_RIGHT_TO_LEFT_SCRIPTS = frozenset({"adlm", "arab", "hebr", "nkoo", "syrc", "thaa"})

_QUOTATION_MARKS = {
    "ar": "«»",
    "cs": "„“",
    "da": "»«",
    "de": "„“",
    "es": "«»",
    "fa": "«»",
    "fr": "«»",
    "he": "””",
    "it": "«»",
    "ja": "「」",
    "nb": "«»",
    "pl": "„”",
    "pt": "«»",
    "ru": "«»",
    "uk": "«»",
    "zh": "“”",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """How text of one language is set; `start` and `end` are `left` or `right`."""

    language: str
    direction: str
    start: str
    end: str
    opening_mark: str
    closing_mark: str


def setting(language: str) -> Setting:
    """The setting of a BCP 47 tag; a script subtag decides the direction before the language."""
    primary, *rest = language.replace("_", "-").lower().split("-")
    scripts = [part for part in rest if len(part) == 4 and part.isalpha()]
    rightward = scripts[0] in _RIGHT_TO_LEFT_SCRIPTS if scripts else primary in _RIGHT_TO_LEFT
    marks = _QUOTATION_MARKS.get(primary, "“”")
    inner = "\N{NO-BREAK SPACE}" if primary == "fr" else ""
    return Setting(
        language=language,
        direction="rtl" if rightward else "ltr",
        start="right" if rightward else "left",
        end="left" if rightward else "right",
        opening_mark=marks[0] + inner,
        closing_mark=inner + marks[1],
    )


def capitals(text: str, language: str) -> str:
    """The text in capitals, minding the dotted i of Turkish and Azerbaijani."""
    if language.split("-", maxsplit=1)[0].lower() in {"az", "tr"}:
        text = text.replace("i", "İ")
    return text.upper()
