"""The yield curve, and bonds priced from it. Pure; yields are per year, compounded twice a year."""

from __future__ import annotations

import math
from datetime import date, timedelta

from pipeline.gateway.market.listing import Bond

LEVEL, SLOPE, HUMP, DECAY = 0.0485, -0.0085, -0.0100, 2.2  # Nelson and Siegel's four
DURATION = 16.2  # years by which TLT answers the curve's shift


def curve(years: float, shift: float = 0.0) -> float:
    """Par yield of a Treasury of `years` (Nelson and Siegel 1987)."""
    x = max(years, 1e-6) / DECAY
    bow = (1.0 - math.exp(-x)) / x
    return LEVEL + SLOPE * bow + HUMP * (bow - math.exp(-x)) + shift


def shift_of(etf: float, etf_first: float) -> float:
    """The curve's parallel shift that goes with the price of the long Treasury ETF."""
    return -math.log(etf / etf_first) / DURATION


def coupon_dates(maturity: date, after: date) -> tuple[date, list[date]]:
    """The last coupon date on or before `after`, and those that follow, two a year back from the maturity."""
    found, n = [maturity], 0
    while found[-1] > after:
        n += 6
        years, month = divmod(maturity.month - 1 - n % 12, 12)
        year = maturity.year - n // 12 + years
        found.append(_clamped(year, month + 1, maturity.day))
    return found[-1], found[-2::-1]


def _clamped(year: int, month: int, day: int) -> date:
    last = (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month, min(day, last))


def accrued(bond: Bond, day: date) -> float:
    """Interest since the last coupon, per 100 of face (actual/actual)."""
    last, following = coupon_dates(_date(bond.maturity), day)
    return bond.coupon / 2.0 * (day - last).days / (following[0] - last).days


def price(bond: Bond, day: date, shift: float) -> float:
    """Clean price per 100 of face at the curve's yield and the bond's spread (street convention)."""
    maturity = _date(bond.maturity)
    if day >= maturity:
        return 100.0
    last, following = coupon_dates(maturity, day)
    rate = (curve((maturity - day).days / 365.25, shift) + bond.spread) / 2.0
    first = (following[0] - day).days / (following[0] - last).days
    n = len(following)
    worth: float = sum(bond.coupon / 2.0 * (1.0 + rate) ** -(first + k) for k in range(n))
    dirty: float = worth + 100.0 * (1.0 + rate) ** -(first + n - 1)
    return dirty - bond.coupon / 2.0 * (day - last).days / (following[0] - last).days


def _date(text: str) -> date:
    return date(int(text[:4]), int(text[4:6]), int(text[6:]))
