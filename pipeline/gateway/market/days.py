"""New York's business days, expiry dates and session texts. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
OPEN, CLOSE = time(9, 30), time(16, 0)
NS = 1_000_000_000
YEAR_S = 365.0 * 86_400.0


def easter(year: int) -> date:
    """Gregorian Easter Sunday (anonymous algorithm of Meeus)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _observed(day: date) -> date:
    return day + timedelta(days={5: -1, 6: 1}.get(day.weekday(), 0))


@cache
def holidays(year: int) -> frozenset[date]:
    """Full closing days of the New York exchanges; New Year's Day on a Saturday isn't made up for."""
    last_may = date(year, 5, 31)
    new_year = date(year, 1, 1)
    days = {
        _nth(year, 1, 0, 3),
        _nth(year, 2, 0, 3),
        easter(year) - timedelta(days=2),
        last_may - timedelta(days=last_may.weekday()),
        _observed(date(year, 6, 19)),
        _observed(date(year, 7, 4)),
        _nth(year, 9, 0, 1),
        _nth(year, 11, 3, 4),
        _observed(date(year, 12, 25)),
    }
    return frozenset(days | ({_observed(new_year)} if new_year.weekday() != 5 else set()))


def is_business_day(day: date) -> bool:
    return day.weekday() < 5 and day not in holidays(day.year)


def business_day(day: date) -> date:
    """`day`, or the next business day when it is none."""
    while not is_business_day(day):
        day += timedelta(days=1)
    return day


def third_friday(year: int, month: int) -> date:
    """The monthly expiry: the third Friday, or the day before when that is a holiday."""
    day = _nth(year, month, 4, 3)
    return day if is_business_day(day) else day - timedelta(days=1)


def monthly_expiries(after: date, count: int, months: tuple[int, ...] = tuple(range(1, 13))) -> list[date]:
    """The next `count` monthly expiries of `months` that are at least ten days after `after`."""
    found: list[date] = []
    year, month = after.year, after.month
    while len(found) < count:
        day = third_friday(year, month)
        if month in months and day >= after + timedelta(days=10):
            found.append(day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
    return found


def ns_of(day: date, at: time) -> int:
    """UTC ns of a New York wall time."""
    return int(datetime.combine(day, at, NEW_YORK).timestamp()) * NS


def new_york(ns: int) -> datetime:
    """New York's wall clock at UTC `ns`, to the second."""
    return datetime.fromtimestamp(ns // NS, NEW_YORK)


def years_to(expiry: date, now_ns: int) -> float:
    """ACT/365 years to 16:00 New York of `expiry`, never below one hour."""
    return max((ns_of(expiry, CLOSE) - now_ns) / NS / YEAR_S, 1.0 / (365.0 * 24.0))


@cache
def hours_text(first: date, opens: str, closes: str, count: int = 6) -> str:
    """TWS's tradingHours of `count` days from `first`: `20261123:0400-20261123:2000;20261126:CLOSED;…`."""
    parts = []
    for offset in range(count):
        day = first + timedelta(days=offset)
        text = f"{day:%Y%m%d}"
        parts.append(f"{text}:{opens}-{text}:{closes}" if is_business_day(day) else f"{text}:CLOSED")
    return ";".join(parts)


@cache
def future_hours_text(first: date, count: int = 6) -> str:
    """CME hours: from 17:00 Chicago of the day before to 16:00."""
    parts = []
    for offset in range(count):
        day = first + timedelta(days=offset)
        before = day - timedelta(days=1)
        open_day = is_business_day(day)
        parts.append(f"{before:%Y%m%d}:1700-{day:%Y%m%d}:1600" if open_day else f"{day:%Y%m%d}:CLOSED")
    return ";".join(parts)
