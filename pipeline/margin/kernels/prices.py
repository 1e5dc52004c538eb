"""European option prices: Black-Scholes-Merton, Black-76 and implied volatility."""

from __future__ import annotations

import math

from pipeline.jit import kernel
from pipeline.margin.kernels.splits import Bools, Floats

LOWEST_VOL, HIGHEST_VOL = 1e-4, 10.0


@kernel
def normal_cdf(x: float) -> float:
    """Φ(x)."""
    return 0.5 * math.erfc(-x * 0.7071067811865476)


@kernel
def black(call: bool, forward: float, strike: float, vol: float, years: float, discount: float) -> float:
    """Black-76, discounted. Time or volatility 0: the discounted intrinsic value; nan in, nan out."""
    deviation = vol * math.sqrt(years) if years > 0.0 else 0.0 * years * vol
    sign = 1.0 if call else -1.0
    if deviation <= 0.0 or forward <= 0.0 or strike <= 0.0:
        return discount * max(0.0, sign * (forward - strike))
    d1 = math.log(forward / strike) / deviation + 0.5 * deviation
    d2 = d1 - deviation
    return discount * sign * (forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * d2))


@kernel
def bsm(call: bool, spot: float, strike: float, vol: float, years: float, rate: float, dividend: float) -> float:
    """Black-Scholes-Merton, continuous rate and dividend yield, time in years (ACT/365)."""
    discount = math.exp(-rate * max(years, 0.0))
    return black(call, spot * math.exp((rate - dividend) * max(years, 0.0)), strike, vol, years, discount)


@kernel
def implied_vol(
    call: bool, price: float, spot: float, strike: float, years: float, rate: float, dividend: float
) -> float:
    """Volatility at which `bsm` gives `price`; nan where none does. Bisection with secant steps inside the bracket."""
    low, high = LOWEST_VOL, HIGHEST_VOL
    below = bsm(call, spot, strike, low, years, rate, dividend) - price
    above = bsm(call, spot, strike, high, years, rate, dividend) - price
    if not (below <= 0.0 <= above) or years <= 0.0:
        return math.nan
    for step in range(200):
        middle = 0.5 * (low + high)
        if step % 3 and above > below:
            secant = low - below * (high - low) / (above - below)
            if low < secant < high:
                middle = secant
        error = bsm(call, spot, strike, middle, years, rate, dividend) - price
        if error == 0.0 or high - low < 1e-12:
            return middle
        if error < 0.0:
            low, below = middle, error
        else:
            high, above = middle, error
    return 0.5 * (low + high)


@kernel
def bsm_prices(
    call: Bools, spot: Floats, strike: Floats, vol: Floats, years: Floats, rate: float, dividend: float, out: Floats
) -> None:
    """out[i] = `bsm` of line i; all of one length, n may be 0."""
    for i in range(out.size):
        out[i] = bsm(call[i], spot[i], strike[i], vol[i], years[i], rate, dividend)


@kernel
def implied_vols(
    call: Bools, price: Floats, spot: Floats, strike: Floats, years: Floats, rate: float, dividend: float, out: Floats
) -> None:
    """out[i] = `implied_vol` of line i; nan in, nan out."""
    for i in range(out.size):
        out[i] = implied_vol(call[i], price[i], spot[i], strike[i], years[i], rate, dividend)
