from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.letters.tokens import DARK, LIGHT, Palette, contrast, tokens

colours = st.integers(0, 0xFFFFFF).map("#{:06x}".format)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_every_role_can_be_read_on_its_paper(palette: Palette) -> None:
    assert contrast(palette.ink, palette.paper) >= 7
    assert contrast(palette.accent_ink, palette.accent) >= 4.5
    for role in (palette.ink_soft, palette.accent, palette.good, palette.warn, palette.bad):
        assert contrast(role, palette.paper) >= 4.5


@given(colours, colours)
def test_any_accent_of_a_publisher_can_be_read(light: str, dark: str) -> None:
    chosen = tokens(light, dark)
    for palette in (chosen.light, chosen.dark):
        assert contrast(palette.accent, palette.paper) >= 4.5
        assert contrast(palette.accent_ink, palette.accent) >= 4.5


def test_a_readable_accent_is_left_alone() -> None:
    assert tokens("#7A1FA2").light.accent == "#7a1fa2"


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#123456;}"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        tokens(colour)
