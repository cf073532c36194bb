"""The colours and type of everything that people look at: mail now, web pages likewise.

Names are roles, not hues, each with a light and a dark value. This module decides the values and
keeps a publisher's accent readable; how a letter or a page uses them is for its templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

SERIF = "Georgia, Times New Roman, serif"
SANS = "-apple-system, BlinkMacSystemFont, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"

READABLE = 4.5  # WCAG 2.2, 1.4.3, as a ratio to the paper
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Palette:
    """One colour a role, as `#rrggbb`; `accent_ink` is what stands on accent."""

    paper: str
    ink: str
    ink_soft: str
    line: str
    accent: str
    accent_ink: str
    good: str
    warn: str
    bad: str


@dataclass(frozen=True, slots=True)
class Tokens:
    light: Palette
    dark: Palette
    serif: str = SERIF
    sans: str = SANS
    mono: str = MONO


LIGHT = Palette(
    paper="#ffffff",
    ink="#1d1c1a",
    ink_soft="#57544e",
    line="#d9d5cd",
    accent="#1d4f8f",
    accent_ink="#ffffff",
    good="#1f6b3c",
    warn="#805300",
    bad="#a8241f",
)
DARK = Palette(
    paper="#16181b",
    ink="#ebe9e4",
    ink_soft="#b5b2ab",
    line="#3a3d42",
    accent="#93bdf5",
    accent_ink="#10213a",
    good="#84cc9b",
    warn="#e5b765",
    bad="#f59a93",
)


def tokens(accent_light: str = "", accent_dark: str = "") -> Tokens:
    """The palettes with a publisher's accents, `#rrggbb` or empty for the usual ones.

    An accent that could not be read on the paper is moved towards the ink until it can. Anything
    that is not `#rrggbb` raises ValueError.
    """
    return Tokens(_accented(LIGHT, accent_light), _accented(DARK, accent_dark))


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two `#rrggbb` colours, 1 to 21 (WCAG 2.2, definition of contrast)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _accented(palette: Palette, accent: str) -> Palette:
    if not accent:
        return palette
    accent = _readable(accent, palette)
    on_accent = max(palette.paper, palette.ink, key=lambda colour: contrast(colour, accent))
    return replace(palette, accent=accent, accent_ink=on_accent)


def _readable(colour: str, palette: Palette) -> str:
    if contrast(colour, palette.paper) >= READABLE:
        return colour.lower()
    for twentieth in range(1, 20):
        mixed = _mixed(colour, palette.ink, twentieth / 20)
        if contrast(mixed, palette.paper) >= READABLE:
            return mixed
    return palette.ink


def _channels(colour: str) -> tuple[int, int, int]:
    if not _HEX.fullmatch(colour):
        raise ValueError(f"A colour is written #rrggbb, not {colour!r}.")
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mixed(colour: str, into: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(into), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
