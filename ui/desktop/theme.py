"""Tokens of colour: four themes, one meaning each. Pure; `looks.py` turns them into Qt objects.

Colour only confirms: sign, arrow, word or icon carries the meaning. Text has a contrast of 4.5 or more on every ground
that it may stand on (a test computes it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

UI_FONTS = ("Noto Sans", "DejaVu Sans", "Segoe UI", "Helvetica Neue")
FIGURE_FONTS = ("DejaVu Sans Mono", "Noto Sans Mono", "Consolas", "Menlo")
BASE_PX = 12


class Tone(IntEnum):
    """What a text means; each has one token."""

    FG = 0
    DIM = 1
    STALE = 2
    UP = 3
    DOWN = 4
    CAUTION = 5
    WARN = 6
    ALARM = 7
    MODEL = 8
    ACCENT = 9
    CRITICAL = 10  # white on the critical fill


@dataclass(frozen=True)
class Theme:
    """One set of tokens, each `#rrggbb`."""

    name: str
    bg0: str  # table
    bg1: str  # window
    bg2: str  # control
    fg: str
    dim: str
    stale: str
    up: str
    down: str
    caution: str
    warn: str
    alarm: str
    model: str
    accent: str
    live: str  # frame of a live session
    critical: str = "#c4001d"
    critical_text: str = "#ffffff"

    def text(self, tone: Tone) -> str:
        """The colour of a tone."""
        names = ("fg", "dim", "stale", "up", "down", "caution", "warn", "alarm", "model", "accent", "critical_text")
        return str(getattr(self, names[tone]))


DARK = Theme(
    name="dark",
    bg0="#0f1115",
    bg1="#15181d",
    bg2="#20242b",
    fg="#d7dce3",
    dim="#8b95a3",
    stale="#808b99",
    up="#2fb380",
    down="#e5645f",
    caution="#e8c547",
    warn="#f08c3a",
    alarm="#ff4d5e",
    model="#b79cf0",
    accent="#5b9bd5",
    live="#e8a33d",
)
LIGHT = Theme(
    name="light",
    bg0="#ffffff",
    bg1="#f6f7f9",
    bg2="#e9ecf0",
    fg="#1b1f24",
    dim="#57606a",
    stale="#5f6770",
    up="#0a7a52",
    down="#c2322d",
    caution="#7a6000",
    warn="#a04f00",
    alarm="#c4001d",
    model="#6b3fc4",
    accent="#1d6cae",
    live="#a35c00",
)
# Okabe and Ito's blue and orange; warn moves away from orange, not to be read as a loss.
DARK_COLOUR_BLIND = replace(DARK, name="dark-cb", up="#56b4e9", down="#e69f00", warn="#cc79a7")
LIGHT_COLOUR_BLIND = replace(LIGHT, name="light-cb", up="#0b5cad", down="#a85400", warn="#9b4f7d")
THEMES: dict[str, Theme] = {t.name: t for t in (DARK, LIGHT, DARK_COLOUR_BLIND, LIGHT_COLOUR_BLIND)}

LEVEL_WORDS = ("OK", "CAUTION", "WARN", "ALARM", "CRITICAL")
LEVEL_ICONS = ("●", "◆", "▲", "■", "✖")
LEVEL_TONES = (Tone.UP, Tone.CAUTION, Tone.WARN, Tone.ALARM, Tone.CRITICAL)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2) of `#rrggbb`."""
    channels = [int(colour[i : i + 2], 16) / 255.0 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2), 1…21."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """`share` of the way from one colour to another."""
    parts = [round(int(one[i : i + 2], 16) * (1 - share) + int(other[i : i + 2], 16) * share) for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)
