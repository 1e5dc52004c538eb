"""New York's business days, expiry dates and session texts. Pure."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
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


def is_half_day(day: date) -> bool:
    """New York closes at 13:00: the day after Thanksgiving, and the eves of Independence Day and of Christmas."""
    eve = (day.month, day.day) in ((7, 3), (12, 24))
    return is_business_day(day) and (eve or day == _nth(day.year, 11, 3, 4) + timedelta(days=1))


def is_closed_everywhere(day: date) -> bool:
    """New Year's Day, Good Friday and Christmas as observed: futures and currencies rest too."""
    good_friday = easter(day.year) - timedelta(days=2)
    return day in (_observed(date(day.year, 1, 1)), good_friday, _observed(date(day.year, 12, 25)))


def next_business_day(day: date) -> date:
    return business_day(day + timedelta(days=1))


def business_day_before(day: date) -> date:
    day -= timedelta(days=1)
    while not is_business_day(day):
        day -= timedelta(days=1)
    return day


def closing_time(day: date) -> time:
    """New York's close: 16:00, on half days 13:00."""
    return time(13) if is_half_day(day) else CLOSE


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


def _business_days_before(day: date, count: int) -> date:
    while count:
        day -= timedelta(days=1)
        count -= is_business_day(day)
    return day


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)


def future_expiry(rule: str, month: date) -> date:
    """Last day of trading of the future of `month` (its first day): CL the third business day before the 25th of the
    month before (NYMEX 200.02), GC the third last of its month (COMEX 113.02), the others the third Friday."""
    if rule == "CL":
        edge = (month - timedelta(days=1)).replace(day=25)
        return _business_days_before(edge, 3 if is_business_day(edge) else 4)
    if rule == "GC":
        return _business_days_before(_next_month(month), 3)
    return third_friday(month.year, month.month)


def future_expiries(rule: str, after: date, months: tuple[int, ...], count: int) -> list[tuple[date, date]]:
    """The next `count` futures of `months` that trade at least ten days after `after`: last day, first of the month."""
    found: list[tuple[date, date]] = []
    month = after.replace(day=1)
    while len(found) < count:
        expiry = future_expiry(rule, month)
        if month.month in months and expiry >= after + timedelta(days=10):
            found.append((expiry, month))
        month = _next_month(month)
    return found


@lru_cache(maxsize=4096)
def ns_of(day: date, at: time) -> int:
    """UTC ns of a New York wall time."""
    return int(datetime.combine(day, at, NEW_YORK).timestamp()) * NS


@cache
def end_of(expiry: str) -> int:
    """UTC ns at which a contract that expires on YYYYMMDD trades last and is valued: New York's close."""
    day = date(int(expiry[:4]), int(expiry[4:6]), int(expiry[6:]))
    return ns_of(day, closing_time(day))


def new_york(ns: int) -> datetime:
    """New York's wall clock at UTC `ns`, to the second."""
    return datetime.fromtimestamp(ns // NS, NEW_YORK)


def years_to(expiry: date, now_ns: int) -> float:
    """ACT/365 years to 16:00 New York of `expiry`, never below one hour."""
    return max((ns_of(expiry, CLOSE) - now_ns) / NS / YEAR_S, 1.0 / (365.0 * 24.0))
