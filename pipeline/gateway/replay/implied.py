"""Implied volatility and sensitivities of one option by Black, Scholes and Merton: European, no dividend. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

LEAST, MOST = 0.001, 8.0
HALVINGS = 48


@dataclass(frozen=True, slots=True)
class Terms:
    """What an option is on: spot, strike, years, interest, and carry (interest for a spot, 0 for a future)."""

    spot: float
    strike: float
    years: float
    rate: float
    carry: float
    call: bool


@dataclass(frozen=True, slots=True)
class Greeks:
    """In TWS's units: vega per point of volatility, theta per day."""

    delta: float
    gamma: float
    vega: float
    theta: float


def price(of: Terms, vol: float) -> float:
    """Worth of one unit."""
    d1, d2 = _d(of, vol)
    side = 1.0 if of.call else -1.0
    grown, discount = math.exp((of.carry - of.rate) * of.years), math.exp(-of.rate * of.years)
    return side * (of.spot * grown * _normal(side * d1) - of.strike * discount * _normal(side * d2))


def volatility(of: Terms, worth: float) -> float:
    """The volatility at which the option is worth that much; nan where none gives it."""
    if not (worth > 0 and of.spot > 0 and of.years > 0) or not price(of, LEAST) <= worth <= price(of, MOST):
        return math.nan
    low, high = LEAST, MOST
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        if price(of, middle) < worth:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def greeks(of: Terms, vol: float) -> Greeks:
    d1, d2 = _d(of, vol)
    side = 1.0 if of.call else -1.0
    grown, discount = math.exp((of.carry - of.rate) * of.years), math.exp(-of.rate * of.years)
    density = math.exp(-0.5 * d1 * d1) / math.sqrt(2.0 * math.pi)
    root = math.sqrt(of.years)
    decay = -of.spot * grown * density * vol / (2.0 * root)
    decay -= side * (of.carry - of.rate) * of.spot * grown * _normal(side * d1)
    decay -= side * of.rate * of.strike * discount * _normal(side * d2)
    return Greeks(
        side * grown * _normal(side * d1), grown * density / (of.spot * vol * root),
        of.spot * grown * density * root / 100.0, decay / 365.0,
    )  # fmt: skip


def _d(of: Terms, vol: float) -> tuple[float, float]:
    width = vol * math.sqrt(of.years)
    d1 = (math.log(of.spot / of.strike) + (of.carry + 0.5 * vol * vol) * of.years) / width
    return d1, d1 - width


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
