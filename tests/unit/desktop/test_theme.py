"""Every text can be read on every ground, in every theme."""

from __future__ import annotations

import itertools

import pytest

from ui.desktop import theme
from ui.desktop.theme import THEMES, Theme, Tone

TEXTS = [tone for tone in Tone if tone is not Tone.CRITICAL]


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_text_has_contrast(tokens: Theme) -> None:
    grounds = {"bg0": tokens.bg0, "bg1": tokens.bg1, "bg2": tokens.bg2}
    poor = {
        (tone.name, name): round(theme.contrast(tokens.text(tone), ground), 2)
        for tone, (name, ground) in itertools.product(TEXTS, grounds.items())
        if theme.contrast(tokens.text(tone), ground) < 4.5
    }
    assert poor == {}


@pytest.mark.parametrize("tokens", THEMES.values(), ids=THEMES)
def test_filled_grounds_have_contrast(tokens: Theme) -> None:
    assert theme.contrast(tokens.critical_text, tokens.critical) >= 4.5
    assert theme.contrast(tokens.bg0, tokens.accent) >= 4.5  # the chosen side, selected text
    assert theme.contrast(tokens.bg1, tokens.accent) >= 4.5  # the PAPER badge
    assert theme.contrast(tokens.bg1, tokens.warn) >= 4.5  # the LIVE badge
    selected = theme.mix(tokens.bg0, tokens.accent, 0.22)
    assert theme.contrast(tokens.fg, selected) >= 4.5


def test_contrast_is_that_of_wcag() -> None:
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert theme.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_up_and_down_differ_for_the_colour_blind() -> None:
    for name in ("dark-cb", "light-cb"):
        tokens = THEMES[name]
        assert tokens.up != THEMES[name.removesuffix("-cb")].up
        assert tokens.warn not in (tokens.up, tokens.down)
