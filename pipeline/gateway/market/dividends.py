"""Cash dividends of the listed stocks: when a share goes ex, and how much it pays. Pure."""

from __future__ import annotations

from datetime import date, time, timedelta
from functools import cache

from pipeline.gateway.market import days

FEB, MAR, JAN, MONTHLY = (2, 5, 8, 11), (3, 6, 9, 12), (1, 4, 7, 10), tuple(range(1, 13))
THIRD_FRIDAY = 0
PAYERS: dict[str, tuple[float, tuple[int, ...], int]] = {  # amount, months, day of the month from which it goes ex
    "AAPL": (0.26, FEB, 9),
    "MSFT": (0.91, FEB, 19),
    "NVDA": (0.01, MAR, 4),
    "GOOGL": (0.21, MAR, 8),
    "META": (0.525, MAR, 14),
    "JPM": (1.50, JAN, 6),
    "XOM": (1.03, FEB, 13),
    "KO": (0.51, MAR, 1),
    "JNJ": (1.30, FEB, 24),
    "WMT": (0.235, (1, 3, 5, 8), 8),
    "BAC": (0.28, MAR, 5),
    "SPY": (1.85, MAR, THIRD_FRIDAY),
    "QQQ": (0.72, MAR, 21),
    "TLT": (0.33, MONTHLY, 1),
}
PAYS_AFTER = timedelta(days=21)


@cache
def of_year(symbol: str, year: int) -> tuple[tuple[date, float], ...]:
    """Ex-dates of one year and the amount of each, in order."""
    if symbol not in PAYERS:
        return ()
    amount, months, day = PAYERS[symbol]
    dates = [days.third_friday(year, m) if day == THIRD_FRIDAY else date(year, m, day) for m in months]
    return tuple((days.business_day(when), amount) for when in dates)


def between(symbol: str, first: date, last: date) -> list[tuple[date, float]]:
    """Dividends with an ex-date from `first` to `last`, both included."""
    found = [row for year in range(first.year, last.year + 1) for row in of_year(symbol, year)]
    return [row for row in found if first <= row[0] <= last]


def on(symbol: str, day: date) -> float:
    """What `symbol` pays to who held it before `day`; 0.0 when `day` is no ex-date."""
    return sum(amount for when, amount in of_year(symbol, day.year) if when == day)


def ahead(symbol: str, now_ns: int, last: date) -> list[tuple[float, float]]:
    """What `symbol` goes ex of from now to `last`: years until that day begins, amount."""
    rows = between(symbol, days.new_york(now_ns).date(), last)
    found = [((days.ns_of(day, time.min) - now_ns) / days.NS / days.YEAR_S, amount) for day, amount in rows]
    return [row for row in found if row[0] > 0.0]


@cache
def accrued(symbol: str, day: date) -> float:
    """The part of the next dividend that a fund has gathered since its last ex-date."""
    around = between(symbol, day - timedelta(days=200), day + timedelta(days=200))
    past, ahead = [row for row in around if row[0] <= day], [row for row in around if row[0] > day]
    if not past or not ahead:
        return 0.0
    return ahead[0][1] * (day - past[-1][0]).days / (ahead[0][0] - past[-1][0]).days
