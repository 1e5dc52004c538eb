"""Option prices of one class, without arbitrage between them. Pure numpy; all rates continuous, times in years.

European prices come from a surface that has none (`smile`). American ones add what early exercise is worth, and are
then made convex along the strikes and kept within put-call parity's bounds, each time by lowering, never below the
European price nor what exercise gives at once.
"""

from __future__ import annotations

import math

import numpy as np

from pipeline.gateway.market import european, exercise
from pipeline.gateway.market.european import Array, Flags, Prices
from pipeline.gateway.market.exercise import Cash
from pipeline.gateway.market.smile import Smile

__all__ = ["Prices", "price_at", "price_class", "volatility_index"]

THIRTY_DAYS = 30.0 / 365.0
STRIP = np.linspace(-9.0, 6.0, 151)  # strikes of the volatility index, in standard deviations of the log price


def price_class(
    spot: float, strike: Array, years: Array, call: Flags, smile: Smile, rate: float, dividend: float,
    american: bool, cash: Cash = (),
) -> Prices:  # fmt: skip
    """Every option of a class, each at its volatility on the smile; `cash`: dividends ahead, in years and money."""
    forward = (spot - exercise.escrowed(years, cash, rate)) * np.exp((rate - dividend) * years)
    vol = smile.vol(np.log(strike / forward), years)
    found = price_at(spot, strike, years, call, vol, rate, dividend, american, cash)
    if not american:
        return found
    price = found.price
    for expiry in set(years.tolist()):
        calls, puts = (np.flatnonzero((years == expiry) & side) for side in (call, ~call))
        if cash or dividend > 0.0:
            price[calls] = convex(strike[calls], price[calls])
        if len(calls) == len(puts) and np.array_equal(strike[calls], strike[puts]):
            paid = exercise.escrowed(np.array([expiry]), cash, rate)[0]
            highest = price[calls] - (spot * math.exp(-dividend * expiry) - paid) + strike[puts]
            price[puts] = np.minimum(price[puts], highest)
        price[puts] = convex(strike[puts], price[puts])
    return found


def price_at(
    spot: float, strike: Array, years: Array, call: Flags, vol: Array, rate: float, dividend: float, american: bool,
    cash: Cash = (),
) -> Prices:  # fmt: skip
    """Each option at its own volatility, by itself."""
    spots = spot - exercise.escrowed(years, cash, rate)
    found = european.prices(spots, strike, years, call, vol, rate, dividend)
    early = ~call if not cash and dividend <= 0.0 else np.ones(call.shape, bool)
    if not american or not early.any():
        return found
    extra, slope, bend = exercise.premium(
        spots[early], strike[early], years[early], call[early], vol[early], rate, dividend, cash
    )
    found.price[early] += extra
    found.delta[early] += slope
    found.gamma[early] += bend
    return found


def convex(strike: Array, price: Array) -> Array:
    """The greatest convex curve below the prices; strikes rise."""
    slopes = (price[1:] - price[:-1]) / (strike[1:] - strike[:-1])
    if (slopes[1:] >= slopes[:-1]).all():
        return price
    corners: list[int] = []
    x, y = strike.tolist(), price.tolist()
    for n in range(len(x)):
        while len(corners) > 1:
            a, b = corners[-2], corners[-1]
            if (y[b] - y[a]) * (x[n] - x[a]) < (y[n] - y[a]) * (x[b] - x[a]):
                break
            corners.pop()
        corners.append(n)
    lowered: Array = np.interp(strike, strike[corners], price[corners])
    return lowered


def volatility_index(smile: Smile) -> float:
    """The volatility index in points: the fair variance of thirty days from a strip of options, as Cboe's VIX."""
    years = np.full(STRIP.shape, THIRTY_DAYS)
    moneyness = STRIP * math.sqrt(float(smile.at_the_money(years[:1])[0]))
    strike, one = np.exp(moneyness), np.ones(STRIP.shape)
    worth = european.value(one, strike, years, moneyness >= 0.0, smile.vol(moneyness, years), 0.0, 0.0)
    dense = worth / strike  # in the log of the strike
    area = float(((dense[1:] + dense[:-1]) * np.diff(moneyness)).sum()) / 2.0
    return 100.0 * math.sqrt(2.0 * area / THIRTY_DAYS)
