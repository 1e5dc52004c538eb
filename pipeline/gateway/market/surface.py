"""Option prices and sensitivities of one class on a smile. Pure numpy; all rates continuous, times in years."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
SKEW, CURVE, REACH = -0.055, 0.018, 2.5  # per standard deviation; the smile flattens beyond REACH
NEWTON_STEPS = 5


@dataclass(frozen=True, slots=True)
class Prices:
    """Per option: price, implied volatility, and TWS's units: vega per vol point, theta per day."""

    price: Array
    iv: Array
    delta: Array
    gamma: Array
    vega: Array
    theta: Array


def normal_cdf(x: Array) -> Array:
    return 0.5 * (1.0 + np.fromiter(map(math.erf, (x / math.sqrt(2.0)).tolist()), np.float64, x.size))


def normal_pdf(x: Array) -> Array:
    density: Array = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return density


def smile(forward: Array, strike: Array, years: Array, at_the_money: float) -> Array:
    """Volatility by strike: quadratic in standard deviations of log-moneyness, flat in the far wings."""
    deviations = np.log(strike / forward) / (at_the_money * np.sqrt(years))
    x = REACH * np.tanh(deviations / REACH)
    vol: Array = at_the_money * (1.0 + SKEW * x + CURVE * x * x)
    return vol


def price_class(
    spot: float, strike: Array, years: Array, call: npt.NDArray[np.bool_], at_the_money: float,
    rate: float, dividend: float, american: bool,
) -> Prices:  # fmt: skip
    """Black-Scholes-Merton on the smile; American puts with the quadratic approximation of Barone-Adesi and Whaley.

    American calls equal European ones, because the stocks here pay no dividend (`dividend` is 0 where `american`).
    """
    forward = spot * np.exp((rate - dividend) * years)
    return price_at(spot, strike, years, call, smile(forward, strike, years, at_the_money), rate, dividend, american)


def price_at(
    spot: float, strike: Array, years: Array, call: npt.NDArray[np.bool_], vol: Array,
    rate: float, dividend: float, american: bool,
) -> Prices:  # fmt: skip
    """As `price_class`, each option at its own volatility."""
    spots = np.full(strike.shape, spot)
    d1, d2 = _d(spots, strike, years, vol, rate, dividend)
    grow, discount = np.exp(-dividend * years), np.exp(-rate * years)
    side = np.where(call, 1.0, -1.0)
    n1, n2, density = normal_cdf(side * d1), normal_cdf(side * d2), normal_pdf(d1)
    price = side * (spots * grow * n1 - strike * discount * n2)
    delta = side * grow * n1
    gamma = grow * density / (spots * vol * np.sqrt(years))
    vega = spots * grow * density * np.sqrt(years) / 100.0
    decay = -spots * grow * density * vol / (2.0 * np.sqrt(years))
    theta = (decay - side * rate * strike * discount * n2 + side * dividend * spots * grow * n1) / 365.0
    if american:
        put = ~call
        extra, slope, bend, exercise = _early_exercise(spot, strike[put], years[put], vol[put], rate, dividend)
        inner = strike[put] - spot
        price[put] = np.where(exercise, inner, price[put] + extra)
        delta[put] = np.where(exercise, -1.0, delta[put] + slope)
        gamma[put] = np.where(exercise, 0.0, gamma[put] + bend)
    return Prices(np.maximum(price, 0.0), vol, delta, gamma, vega, theta)


def _d(spot: Array, strike: Array, years: Array, vol: Array, rate: float, dividend: float) -> tuple[Array, Array]:
    width = vol * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate - dividend + 0.5 * vol * vol) * years) / width
    return d1, d1 - width


def _early_exercise(
    spot: float, strike: Array, years: Array, vol: Array, rate: float, dividend: float
) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
    """Premium of a put's early exercise, its first two derivatives in the spot, and where it is exercised at once."""
    carry = rate - dividend
    m, n = 2.0 * rate / vol**2, 2.0 * carry / vol**2
    k = 1.0 - np.exp(-rate * years)
    q1 = 0.5 * (1.0 - n - np.sqrt((n - 1.0) ** 2 + 4.0 * m / k))
    forever = strike / (1.0 - 2.0 / (1.0 - n - np.sqrt((n - 1.0) ** 2 + 4.0 * m)))
    h = (carry * years - 2.0 * vol * np.sqrt(years)) * strike / (strike - forever)
    border = forever + (strike - forever) * np.exp(h)
    grow, discount = np.exp(-dividend * years), np.exp(-rate * years)
    for _ in range(NEWTON_STEPS):
        d1, d2 = _d(border, strike, years, vol, rate, dividend)
        tail = normal_cdf(-d1)
        european = strike * discount * normal_cdf(-d2) - border * grow * tail
        right = european - (1.0 - grow * tail) * border / q1
        bend = grow * normal_pdf(d1) / (vol * np.sqrt(years))
        slope = -grow * tail * (1.0 - 1.0 / q1) - (1.0 + bend) / q1
        border = np.clip((strike - right + slope * border) / (1.0 + slope), 0.01 * strike, strike)
    d1, _ = _d(border, strike, years, vol, rate, dividend)
    weight = -(border / q1) * (1.0 - grow * normal_cdf(-d1))
    extra = weight * (spot / border) ** q1
    return extra, extra * q1 / spot, extra * q1 * (q1 - 1.0) / spot**2, spot <= border
