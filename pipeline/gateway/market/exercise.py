"""What the right to exercise early adds to an option's price: a binomial tree for many options at once. Pure numpy.

D. Leisen and M. Reimer, Binomial models for option valuation, Applied Mathematical Finance 3(4), 1996: the tree is laid
so that its middle meets the strike, and its error shrinks smoothly with the steps and along the strikes. Cash dividends
are escrowed: the tree carries the spot less the worth of the dividends until expiry, and who exercises gets them back.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.gateway.market.european import Array, Flags, edges, value

STEPS = 25  # odd
SLOPE_STEP = 2  # step of the tree whose three nodes give the slopes
LEAST_GAP = 1e-9  # nodes that a huge volatility lays upon each other have no slope between them
FAR = 5.0  # standard deviations beyond which the tree needn't tell two options apart
Cash = Sequence[tuple[float, float]]  # years until a dividend, its amount


def escrowed(years: Array, cash: Cash, rate: float) -> Array:
    """Present worth of the dividends that are paid until each expiry."""
    worth = np.zeros(years.shape)
    for when, amount in cash:
        worth += np.where(when <= years, amount * np.exp(-rate * when), 0.0)
    return worth


def premium(
    spot: Array, strike: Array, years: Array, call: Flags, vol: Array, rate: float, dividend: float, cash: Cash = ()
) -> tuple[Array, Array, Array]:
    """Price of early exercise, and its first two derivatives in the spot; `spot` is without the escrowed dividends."""
    dt = years / STEPS
    d1, d2 = edges(spot, strike, years, vol, rate, dividend)
    up_share, p = _laid(d1), _laid(d2)
    grow = np.exp((rate - dividend) * dt)
    up = grow * up_share / p
    down = (grow - p * up) / (1.0 - p)
    rise, fall = np.exp(-rate * dt) * p, np.exp(-rate * dt) * (1.0 - p)
    side = np.where(call, 1.0, -1.0)
    height = np.arange(STEPS + 1.0)[:, None]
    rises = height * np.log(up) + (STEPS - height) * np.log(down)
    signed, edge = side * spot * np.exp(rises), side * strike
    worth, lift = np.maximum(signed - edge, 0.0), 1.0 / down
    for n in range(STEPS - 1, -1, -1):
        signed = signed[:-1]
        signed *= lift
        exercised = signed - (edge - side * _ahead(n * dt, years, cash, rate) if cash else edge)
        held = rise * worth[1:]
        held += fall * worth[:-1]
        worth = np.maximum(held, exercised, out=held)
        if n == SLOPE_STEP:
            near = side * signed
            extra = worth - value(near, strike, years - n * dt, call, vol, rate, dividend)
    first = worth[0] - value(spot, strike, years, call, vol, rate, dividend)
    slope, bend = _slopes(spot, near, extra)
    there = first > 0.0
    return np.maximum(first, 0.0), np.where(there, slope, 0.0), np.where(there, bend, 0.0)


def _laid(z: Array) -> Array:
    """Peizer and Pratt's second inversion: the share of a binomial tree's upper half that a normal's z asks for."""
    z = np.clip(z, -FAR, FAR)
    inner = z / (STEPS + 1.0 / 3.0 + 0.1 / (STEPS + 1.0))
    share: Array = 0.5 + np.sign(z) * 0.5 * np.sqrt(-np.expm1(-inner * inner * (STEPS + 1.0 / 6.0)))
    return share


def _ahead(at: Array, years: Array, cash: Cash, rate: float) -> Array:
    """Worth at time `at` of the dividends that are then still to come before expiry."""
    worth = np.zeros(at.shape)
    for when, amount in cash:
        worth += np.where((at < when) & (when <= years), amount * np.exp(-rate * (when - at)), 0.0)
    return worth


def _slopes(spot: Array, x: Array, y: Array) -> tuple[Array, Array]:
    """First two derivatives at `spot` of the parabola through three points."""
    first, second = (np.maximum(x[n + 1] - x[n], LEAST_GAP * spot) for n in (0, 1))
    low, high = (y[1] - y[0]) / first, (y[2] - y[1]) / second
    bend = (high - low) / (first + second)
    return low + bend * (2.0 * spot - x[0] - x[1]), 2.0 * bend
