"""How the page writes numbers: true minus, thousands commas, — for unknown. Pure; the only place that formats."""

from __future__ import annotations

import math

UNKNOWN = "—"
MINUS = "\N{MINUS SIGN}"
MODEL = "≈"
AT_LEAST = "≥"
WHOLE_FROM = 100_000.0  # money from here on is shown without cents


def number(value: float, decimals: int) -> str:
    """`value` with so many decimals; a rounded zero has no sign."""
    if not math.isfinite(value):
        return UNKNOWN
    text = f"{abs(value):,.{decimals}f}"
    negative = value < 0 and any(digit in text for digit in "123456789")
    return MINUS + text if negative else text


def money(value: float) -> str:
    """An amount; cents only below 100,000."""
    return number(value, 0 if abs(value) >= WHOLE_FROM else 2)


def model(value: float, at_least: bool = False) -> str:
    """An amount of our own model: ≈, or ≥ where an input is missing."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{AT_LEAST if at_least else MODEL} {money(value)}"


def change(value: float) -> str:
    """A gain or loss: arrow and sign carry it, colour only confirms."""
    if not math.isfinite(value):
        return UNKNOWN
    text = money(value)
    if text.startswith(MINUS):
        return f"▼ {text}"
    return f"▲ +{text}" if any(digit in text for digit in "123456789") else text


def percent(fraction: float, decimals: int = 1, signed: bool = False) -> str:
    """0.119 → 11.9 %."""
    if not math.isfinite(fraction):
        return UNKNOWN
    text = number(fraction * 100.0, decimals)
    plus = "+" if signed and not text.startswith(MINUS) and any(digit in text for digit in "123456789") else ""
    return f"{plus}{text} %"


def quantity(value: float) -> str:
    """Shares or contracts; decimals only where there are any."""
    if not math.isfinite(value):
        return UNKNOWN
    return number(value, 0) if value == int(value) else number(value, 4).rstrip("0")


def price(value: float, min_tick: float = math.nan) -> str:
    """A price with the decimals of its contract's tick."""
    return number(value, tick_decimals(min_tick))


def tick_decimals(min_tick: float) -> int:
    """Decimals that spell `min_tick` exactly, at most 8; 2 where it is unknown."""
    if not math.isfinite(min_tick) or min_tick <= 0:
        return 2
    for decimals in range(8):
        if math.isclose(round(min_tick, decimals), min_tick, rel_tol=1e-9):
            return decimals
    return 8


def age(seconds: float) -> str:
    """0.3 s · 12 s · 4 min · 2 h 05."""
    if not math.isfinite(seconds):
        return UNKNOWN
    seconds = max(seconds, 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours} h {rest // 60:02d}" if hours < 72 else f"{hours // 24} d {hours % 24:02d} h"


def size(count: float) -> str:
    """Bytes: 96 MB."""
    if not math.isfinite(count) or count <= 0:
        return UNKNOWN
    return f"{count / 1e6:,.0f} MB" if count < 1e10 else f"{count / 1e9:,.1f} GB"
