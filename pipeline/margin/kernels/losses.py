"""The universal spread rule: the worst loss at expiry over all prices of the underlying."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.jit import kernel

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


@kernel
def _sweep(strike: Floats, quantity: Floats, value_at_zero: float) -> tuple[float, float]:
    worst = value_at_zero
    where = 0.0
    value = value_at_zero
    slope = 0.0
    previous = 0.0
    for i in range(strike.size):
        value += slope * (strike[i] - previous)
        previous = strike[i]
        if value < worst - 1e-9:
            worst = value
            where = strike[i]
        slope += quantity[i]
    return max(0.0, -worst), where


@kernel
def puts_at_zero(strike: Floats, call: Bools, quantity: Floats) -> float:
    """Value of the puts per unit when the underlying is worth nothing; the start of the sweep."""
    value = 0.0
    for i in range(strike.size):
        if not call[i]:
            value += quantity[i] * strike[i]
    return value


@kernel
def spread_loss(strike: Floats, call: Bools, quantity: Floats) -> tuple[float, float]:
    """Largest loss at expiry, per unit, of calls and puts that balance each among themselves; and the price where.

    `strike` ascends; `quantity` is signed. Because both rights balance, the payoff is piecewise linear with kinks at
    the strikes, flat below the lowest and above the highest, and each option adds its quantity to the slope at its
    strike, calls and puts alike. So one sweep over the strikes is exact; n may be 0.
    """
    return _sweep(strike, quantity, puts_at_zero(strike, call, quantity))


@kernel
def spread_losses(start: Integers, strike: Floats, call: Bools, quantity: Floats, out: Floats) -> None:
    """out[g] = `spread_loss` of the legs start[g]:start[g+1], each group sorted by strike."""
    for g in range(out.size):
        a, b = start[g], start[g + 1]
        out[g] = spread_loss(strike[a:b], call[a:b], quantity[a:b])[0]
