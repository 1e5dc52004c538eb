"""What one option would be worth at a volatility and a price of its underlying, and the other way round. Pure."""

from __future__ import annotations

import numpy as np

from pipeline.gateway.market import days, dividends, listing, surface
from pipeline.gateway.market.chains import Theory
from pipeline.gateway.market.instruments import Instrument

LEAST_VOL, MOST_VOL = 0.01, 10.0
MOST_TRIES, EXACT = 60, 1e-9


def value(x: Instrument, under: float, vol: float, now_ns: int) -> Theory:
    """Price and sensitivities of option `x` with its underlying at `under`; `vol` per year, 0.2 is 20 %."""
    index = x.process in listing.INDEX_PROCESSES
    income = listing.RATE if x.sec_type == "FOP" else listing.INDEX_YIELD if index else 0.0
    years = days.years_to(x.expiry_date, now_ns)
    found = surface.price_at(
        under, np.array([x.strike]), np.array([years]), np.array([x.right == "C"]), np.array([vol]), listing.RATE,
        income, x.american, dividends.ahead(x.symbol, now_ns, x.expiry_date) if x.sec_type == "OPT" else (),
    )  # fmt: skip
    columns = (found.price, found.iv, found.delta, found.gamma, found.vega, found.theta)
    price, iv, delta, gamma, vega, theta = (float(column[0]) for column in columns)
    return Theory(price, iv, delta, gamma, vega, theta, under)


def implied(x: Instrument, price: float, under: float, now_ns: int) -> float | None:
    """The volatility at which `x` is worth `price`; None if no volatility gives that price."""
    close = EXACT * max(price, 1.0)
    low = high = LEAST_VOL
    below = above = value(x, under, low, now_ns).mid - price
    if below > close:
        return None
    while above < -close:
        if high >= MOST_VOL:
            return None
        low, below, high = high, above, min(2.0 * high, MOST_VOL)
        above = value(x, under, high, now_ns).mid - price
    if abs(above) <= close:
        return high
    for _ in range(MOST_TRIES):  # false position after Illinois: the end that stays counts half
        guess = low - below * (high - low) / (above - below)
        miss = value(x, under, guess, now_ns).mid - price
        if abs(miss) <= close:
            return guess
        if miss < 0.0:
            low, below, above = guess, miss, above / 2.0
        else:
            high, above, below = guess, miss, below / 2.0
    return 0.5 * (low + high)
