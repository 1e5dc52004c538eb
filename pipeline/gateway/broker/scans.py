"""Margin of futures and the options on them: outright and calendar rates, a scan of sixteen scenarios. Pure.

The scan moves the price by thirds of the class's rate and the volatility up and down; two extreme moves count a third.
The value of the options isn't taken off, because it stands in the segment's net liquidation.
"""

from __future__ import annotations

import math
from collections import defaultdict

from pipeline.gateway.broker import rates
from pipeline.gateway.broker.legs import Leg, Requirement

THIRDS = (0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0)
SCENARIOS = [(move, shift, 1.0) for move in THIRDS for shift in (1.0, -1.0)] + [(3.0, 0.0, 0.33), (-3.0, 0.0, 0.33)]
DAY = 1.0 / 365.0
LEAST_YEARS = 1.0 / (365.0 * 24.0)


def commodities(legs: list[Leg], intraday: bool = False) -> Requirement:
    """Requirement of all futures and options on futures; `intraday`: with the discounts of the liquid hours."""
    by_symbol: dict[str, list[Leg]] = defaultdict(list)
    for leg in legs:
        by_symbol[leg.symbol].append(leg)
    maintenance = sum(_class(by_symbol[symbol], intraday) for symbol in sorted(by_symbol))
    return Requirement(maintenance * rates.INITIAL_OF_MAINTENANCE, maintenance, 0.0)


def _class(legs: list[Leg], intraday: bool) -> float:
    """Maintenance of one class, in the base currency."""
    options = [leg for leg in legs if leg.sec_type == "FOP"]
    value = legs[0].under * legs[0].multiplier
    outright = rates.future(legs[0].symbol, value, intraday)
    spread = rates.calendar(legs[0].symbol, value) * _calendars(legs)
    net = sum(leg.quantity for leg in legs if leg.sec_type == "FUT")
    if not options:
        return (abs(net) * outright + spread) * legs[0].rate
    smallest = rates.SHORT_FUTURE_OPTION * outright * -sum(leg.quantity for leg in options if leg.quantity < 0)
    return max(_scan(net, options, outright) + spread, smallest) * legs[0].rate


def _calendars(legs: list[Leg]) -> int:
    """Futures that stand against others of another month."""
    futures = [leg.quantity for leg in legs if leg.sec_type == "FUT"]
    return min(sum(n for n in futures if n > 0), -sum(n for n in futures if n < 0))


def _scan(net: int, options: list[Leg], outright: float) -> float:
    """The greatest loss over the scenarios."""
    volatilities = [implied(leg) for leg in options]
    worst = 0.0
    for move, shift, share in SCENARIOS:
        gain = net * move * outright
        for leg, vol in zip(options, volatilities, strict=True):
            price = leg.under + move * outright / leg.multiplier
            new = black(price, leg.strike, leg.years - DAY, vol * (1.0 + shift * rates.VOLATILITY_SHIFT), leg.right)
            gain += leg.quantity * leg.multiplier * (new - leg.price)
        worst = min(worst, share * gain)
    return -worst


def black(future: float, strike: float, years: float, vol: float, right: str) -> float:
    """Value of an option on a future, undiscounted."""
    sign = 1.0 if right == "C" else -1.0
    spread = vol * math.sqrt(max(years, LEAST_YEARS))
    if future <= 0.0 or spread <= 0.0:
        return max(0.0, sign * (future - strike))
    d1 = math.log(future / strike) / spread + spread / 2.0
    return sign * (future * _normal(sign * d1) - strike * _normal(sign * (d1 - spread)))


def implied(leg: Leg) -> float:
    """Volatility that gives the leg's price, by bisection between 1 % and 400 %."""
    low, high = 0.01, 4.0
    for _ in range(30):
        middle = (low + high) / 2.0
        if black(leg.under, leg.strike, leg.years, middle, leg.right) < leg.price:
            low = middle
        else:
            high = middle
    return (low + high) / 2.0


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
