"""What the names of recorded files say: kind of contract, day, symbol, strike, expiry. Pure.

The folders are those of QuantConnect's LEAN: `<class>/<market>/<resolution>/<symbol>/<day>_<what>[_<style>].zip`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from zoneinfo import ZoneInfo

NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
CHICAGO_MARKETS = ("cme", "cbot", "cfe")
SEC_TYPES = {
    "equity": "STK", "index": "IND", "option": "OPT", "indexoption": "OPT", "future": "FUT", "futureoption": "FOP",
}  # fmt: skip
BAR_S = {"tick": 0, "second": 1, "minute": 60}
PLAIN_UNITS = ("IND", "FUT", "FOP")  # prices as they are; all others in 1/10,000
WHATS = ("quote", "trade")
ZIP_NAME = re.compile(r"(\d{8})_([a-z]+)(?:_(american|european))?\.zip", re.IGNORECASE)
OPTION_NAME = re.compile(r".*_(call|put)_(\d+)_(\d{8})\.csv", re.IGNORECASE)
FUTURE_NAME = re.compile(r".*_(\d{6})\.csv", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One zip file: what it holds of which day."""

    path: str  # below the folder, with slashes
    sec_type: str
    market: str
    symbol: str
    bar_s: int  # 0: ticks
    what: str  # quote or trade
    day: date
    american: bool = True
    under_month: str = ""  # YYYYMM of the future below a future's options

    @property
    def zone(self) -> ZoneInfo:
        """Where its times of day are."""
        return CHICAGO if self.market in CHICAGO_MARKETS else NEW_YORK

    @property
    def scale(self) -> float:
        """Units of a price in one of money."""
        return 1.0 if self.sec_type in PLAIN_UNITS else 10_000.0


@dataclass(frozen=True, slots=True)
class Series:
    """One contract as a member's name has it."""

    sec_type: str
    market: str
    symbol: str
    month: str = ""  # YYYYMM of a future, or of the one below an option
    expiry: str = ""  # YYYYMMDD of an option
    strike: float = 0.0
    right: str = ""
    american: bool = True


def source(path: str) -> Source | None:
    """What the file at `path` holds; None for one that is no recording of ticks or bars."""
    parts = PurePosixPath(path).parts
    if len(parts) not in (5, 6):
        return None
    kind, market, resolution, symbol, *between, last = (part.lower() for part in parts)
    found = ZIP_NAME.fullmatch(last)
    if found is None or kind not in SEC_TYPES or resolution not in BAR_S or found[2] not in WHATS:
        return None
    if resolution == "tick" and kind != "equity":
        return None
    if bool(between) != (kind == "futureoption") or (between and not re.fullmatch(r"\d{6}", between[0])):
        return None
    day = _day(found[1])
    if day is None:
        return None
    return Source(
        path, SEC_TYPES[kind], market, symbol.upper(), BAR_S[resolution], found[2], day,
        found[3] != "european", between[0] if between else "",
    )  # fmt: skip


def series(of: Source, member: str) -> Series | None:
    """The contract of one member of a zip; None where its name doesn't say."""
    if of.sec_type in ("STK", "IND"):
        return Series(of.sec_type, of.market, of.symbol)
    if of.sec_type == "FUT":
        month = FUTURE_NAME.fullmatch(member)
        if month is None or _day(month[1] + "01") is None:
            return None
        return Series("FUT", of.market, of.symbol, month[1])
    found = OPTION_NAME.fullmatch(member)
    if found is None or _day(found[3]) is None:
        return None
    right, strike = found[1][0].upper(), int(found[2]) / 10_000.0
    return Series(of.sec_type, of.market, of.symbol, of.under_month, found[3], strike, right, of.american)


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None
