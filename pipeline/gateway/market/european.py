"""Black, Scholes and Merton: prices and sensitivities of European options. Pure numpy; rates continuous, years."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


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
    flat = (x / math.sqrt(2.0)).ravel().tolist()
    tail: Array = 0.5 * (1.0 + np.fromiter(map(math.erf, flat), np.float64, x.size))
    return tail.reshape(x.shape)


def normal_pdf(x: Array) -> Array:
    density: Array = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return density


def value(spot: Array, strike: Array, years: Array, call: Flags, vol: Array, rate: float, dividend: float) -> Array:
    """The price alone; the arrays are broadcast."""
    d1, d2 = edges(spot, strike, years, vol, rate, dividend)
    side = np.where(call, 1.0, -1.0)
    paid = strike * np.exp(-rate * years) * normal_cdf(side * d2)
    price: Array = side * (spot * np.exp(-dividend * years) * normal_cdf(side * d1) - paid)
    return np.maximum(price, 0.0)


def prices(spot: Array, strike: Array, years: Array, call: Flags, vol: Array, rate: float, dividend: float) -> Prices:
    """Price and sensitivities, all arrays of one shape."""
    d1, d2 = edges(spot, strike, years, vol, rate, dividend)
    grow, discount = np.exp(-dividend * years), np.exp(-rate * years)
    side = np.where(call, 1.0, -1.0)
    n1, n2, density = normal_cdf(side * d1), normal_cdf(side * d2), normal_pdf(d1)
    price = side * (spot * grow * n1 - strike * discount * n2)
    gamma = grow * density / (spot * vol * np.sqrt(years))
    vega = spot * grow * density * np.sqrt(years) / 100.0
    decay = -spot * grow * density * vol / (2.0 * np.sqrt(years))
    theta = (decay - side * rate * strike * discount * n2 + side * dividend * spot * grow * n1) / 365.0
    return Prices(np.maximum(price, 0.0), vol, side * grow * n1, gamma, vega, theta)


def edges(spot: Array, strike: Array, years: Array, vol: Array, rate: float, dividend: float) -> tuple[Array, Array]:
    """d1 and d2."""
    width = vol * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate - dividend + 0.5 * vol * vol) * years) / width
    return d1, d1 - width
