"""Numbers, times and names as people read them. Pure; unknown is `—`, minus is U+2212, thousands have commas."""

from __future__ import annotations

import datetime
import math
from zoneinfo import ZoneInfo

from pipeline.messages import Instrument

DASH = "—"
MINUS = "−"
NOT_GIVEN = "not given by TWS"
NO_CENTS_ABOVE = 100_000.0
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def number(value: float, decimals: int = 0, signed: bool = False) -> str:
    """`value` with thousands commas; a value that rounds to zero has no sign."""
    if not math.isfinite(value):
        return DASH
    text = f"{abs(value):,.{decimals}f}"
    if not any(digit in "123456789" for digit in text):
        return text
    if value < 0:
        return MINUS + text
    return f"+{text}" if signed else text


def money(value: float, signed: bool = False) -> str:
    """Base-currency money: cents only up to 100,000."""
    return number(value, 0 if abs(value) >= NO_CENTS_ABOVE else 2, signed)


def whole(value: float, signed: bool = False) -> str:
    """Money without cents, for the narrow places."""
    return number(value, 0, signed)


def decimals_of(min_tick: float) -> int:
    """Decimals that show each step of `min_tick`; 2 where it is unknown."""
    if not (math.isfinite(min_tick) and min_tick > 0):
        return 2
    for decimals in range(9):
        scaled = min_tick * 10**decimals
        if abs(scaled - round(scaled)) < 1e-6:
            return decimals
    return 8


def price(value: float, min_tick: float = math.nan) -> str:
    """A price with the contract's own decimals."""
    return number(value, decimals_of(min_tick))


def percent(fraction: float, decimals: int = 1, signed: bool = False) -> str:
    """0.119 is `11.9 %`."""
    text = number(fraction * 100.0, decimals, signed)
    return text if text == DASH else f"{text} %"


def quantity(value: float, signed: bool = False) -> str:
    """Shares or contracts: no decimals unless there are some."""
    if not math.isfinite(value):
        return DASH
    decimals = 0 if value == round(value) else 4
    return number(value, decimals, signed)


def arrow(value: float, text: str) -> str:
    """`text` with ▲ or ▼, so that colour only confirms."""
    if not math.isfinite(value) or value == 0:
        return text
    return f"{'▲' if value > 0 else '▼'} {text}"


def model(text: str) -> str:
    """A figure of ours, marked as such."""
    return text if text == DASH else f"≈ {text}"


def age(seconds: float) -> str:
    """How old something is: `0.3 s`, `12 s`, `4 min`, `2 h`, `3 d`."""
    if not math.isfinite(seconds):
        return DASH
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for limit, unit, name in ((99.5, 1.0, "s"), (5970.0, 60.0, "min"), (172_800.0, 3600.0, "h")):
        if seconds < limit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / 86_400.0:.0f} d"


def uptime(seconds: float) -> str:
    """`04:12:09`, and `3 d 04:12` from a day up."""
    if not math.isfinite(seconds) or seconds < 0:
        return DASH
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{days} d {hour:02d}:{minute:02d}" if days else f"{hour:02d}:{minute:02d}:{second:02d}"


def milliseconds(value: float) -> str:
    """A latency: two digits that matter."""
    if not math.isfinite(value):
        return DASH
    if value >= 9_950:
        return f"{value / 1000:,.0f} s"
    return f"{value:,.0f} ms" if value >= 9.95 else f"{value:.1f} ms"


def size_bytes(value: float) -> str:
    """Memory in MB."""
    return DASH if not math.isfinite(value) or value <= 0 else f"{value / 1e6:,.0f} MB"


def clock_time(ns: int, zone: str = "America/New_York") -> str:
    """Time of day in exchange time."""
    if ns <= 0:
        return DASH
    return datetime.datetime.fromtimestamp(ns / 1e9, ZoneInfo(zone)).strftime("%H:%M:%S")


def local_time(ns: int) -> str:
    """Time of day where the desk stands, with its zone."""
    if ns <= 0:
        return DASH
    return datetime.datetime.fromtimestamp(ns / 1e9).astimezone().strftime("%H:%M:%S %Z")


def date_time(ns: int, zone: str = "America/New_York") -> str:
    """Date and time in exchange time, with the zone's name."""
    if ns <= 0:
        return DASH
    return datetime.datetime.fromtimestamp(ns / 1e9, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def full(value: float) -> str:
    """All digits that a double has to offer, for tooltips."""
    return f"{value:,.12g}".replace("-", MINUS) if math.isfinite(value) else DASH


def raw(value: object) -> str:
    """What copy and CSV give: ASCII minus, no commas, empty for unknown."""
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else ""
    return str(value)


def expiry(text: str) -> str:
    """`20261219` is `19DEC26`."""
    if len(text) != 8 or not text.isdigit() or not 1 <= int(text[4:6]) <= 12:
        return text
    return f"{text[6:]}{_MONTHS[int(text[4:6]) - 1]}{text[2:4]}"


def contract(instrument: Instrument | None, con_id: int = 0, symbol: str = "") -> str:
    """How a contract is called on the desk: `SPY`, `SPY 19DEC26 560 P`, `ESZ6`."""
    if instrument is None:
        return symbol or (f"#{con_id}" if con_id else DASH)
    if instrument.sec_type in ("OPT", "FOP"):
        strike = f"{instrument.strike:g}" if math.isfinite(instrument.strike) else DASH
        return f"{instrument.symbol} {expiry(instrument.expiry)} {strike} {instrument.right}"
    if instrument.sec_type == "FUT":
        return instrument.local_symbol or f"{instrument.symbol} {expiry(instrument.expiry)}"
    return instrument.symbol
