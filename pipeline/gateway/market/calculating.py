"""What one option would be worth at a volatility and a price of its underlying, and the other way round. Pure."""

from __future__ import annotations

import numpy as np

from pipeline.gateway.market import days, listing, surface
from pipeline.gateway.market.chains import Theory
from pipeline.gateway.market.instruments import Instrument

LEAST_VOL, MOST_VOL = 0.01, 10.0
HALVINGS = 60


def value(x: Instrument, under: float, vol: float, now_ns: int) -> Theory:
    """Price and sensitivities of option `x` with its underlying at `under`; `vol` per year, 0.2 is 20 %."""
    index = x.process in listing.INDEX_PROCESSES
    income = listing.RATE if x.sec_type == "FOP" else listing.INDEX_YIELD if index else 0.0
    years = days.years_to(x.expiry_date, now_ns)
    found = surface.price_at(
        under, np.array([x.strike]), np.array([years]), np.array([x.right == "C"]), np.array([vol]), listing.RATE,
        income, x.american,
    )  # fmt: skip
    columns = (found.price, found.iv, found.delta, found.gamma, found.vega, found.theta)
    return Theory(*(float(column[0]) for column in columns), under)


def implied(x: Instrument, price: float, under: float, now_ns: int) -> float | None:
    """The volatility at which `x` is worth `price`; None if no volatility gives that price."""
    low, high = LEAST_VOL, MOST_VOL
    if not value(x, under, low, now_ns).mid <= price <= value(x, under, high, now_ns).mid:
        return None
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if value(x, under, middle, now_ns).mid < price:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
